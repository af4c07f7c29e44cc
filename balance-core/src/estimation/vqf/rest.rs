//! Whether a body is at rest: rate and specific force have stayed near their own means for a while.

use super::config::RestConfig;
use crate::estimation::vector_lowpass::{Intake, LowpassGains, LowpassState};
use crate::math::vector::{inner, is_below};
use crate::math::{Real, Scalar};
use num_traits::Zero;

#[derive(Clone, Copy, Debug)]
pub(in crate::estimation) struct RestTuning<T: Scalar> {
    /// Squares of the thresholds. A rate is taken 16 times, so that fixed point resolves its square.
    gyro: T,
    accel: T,
    /// Largest mean rate.
    most: T,
    pub(in crate::estimation) time: T::Param,
}

const RATE_SCALE: f64 = 16.0;

impl<T: Real> RestTuning<T> {
    pub(in crate::estimation) fn new(config: &RestConfig<T::Param>, most: T::Param) -> Self {
        let gyro = config.gyro_threshold * T::Param::lit(RATE_SCALE);
        let accel = config.accel_threshold;
        Self {
            gyro: T::from_param(gyro * gyro),
            accel: T::from_param(accel * accel),
            most: T::from_param(most),
            time: config.time,
        }
    }
}

/// What changes in the detection of rest from step to step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RestState<T: Scalar> {
    gyro: LowpassState<T, 3>,
    gyro_taken: u32,
    accel: LowpassState<T, 3>,
    accel_taken: u32,
    /// The mean rate, in rad/s.
    pub(in crate::estimation) mean: [T; 3],
    /// How long all has been quiet, in s.
    pub(in crate::estimation) quiet: T::Param,
}

impl<T: Real> RestState<T> {
    pub(in crate::estimation) fn is_rest(&self, tuning: &RestTuning<T>) -> bool {
        self.quiet >= tuning.time
    }

    #[inline(always)]
    pub(in crate::estimation) fn see_gyro(
        &mut self,
        gyro: [T; 3],
        tuning: &RestTuning<T>,
        gains: &LowpassGains<T>,
    ) {
        let intake = Intake::next(&mut self.gyro_taken, gains);
        self.mean = self.gyro.step(gyro, &intake);
        let [x, y, z] = gyro;
        let [mx, my, mz] = self.mean;
        let off = [x - mx, y - my, z - mz].map(|w| w * T::lit(RATE_SCALE));
        if inner(off, off) >= tuning.gyro || !is_below(self.mean, tuning.most) {
            self.quiet = T::Param::zero();
        }
    }

    #[inline(always)]
    pub(in crate::estimation) fn see_accel(
        &mut self,
        accel: [T; 3],
        tuning: &RestTuning<T>,
        gains: &LowpassGains<T>,
        dt: T::Param,
    ) {
        let intake = Intake::next(&mut self.accel_taken, gains);
        let [mx, my, mz] = self.accel.step(accel, &intake);
        let [x, y, z] = accel;
        let off = [x - mx, y - my, z - mz];
        if inner(off, off) >= tuning.accel {
            self.quiet = T::Param::zero();
        } else if self.quiet < tuning.time {
            self.quiet += dt;
        }
    }
}
