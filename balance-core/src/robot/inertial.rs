//! From counts of the inertial sensor, in its own axes, to rates and accelerations of the body.

use super::calibration::BIAS_BITS;
use super::config::RobotConfig;
use crate::math::{Float, Scalar};
use crate::sensor::{ImuCounts, Mounting};

/// What the inertial sensor says of the body.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyMotion<T> {
    /// The reading can be believed.
    pub(super) believed: bool,
    /// Acceleration forward and up, in counts; of no meaning unless believed.
    pub(super) forward: i16,
    pub(super) up: i16,
    /// Rates about left and up, in rad/s.
    pub(super) pitch_rate: T,
    pub(super) yaw_rate: T,
    /// Sum of all yaw rates, in counts; wraps.
    pub(super) yaw_sum: i32,
}

/// Turns readings into the axes of the body and takes the gyroscope's bias off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inertial<T: Scalar> {
    pub(super) motion: BodyMotion<T>,
    mounting: Mounting,
    /// rad/s per count.
    unit: T::Short,
    /// The gyroscope at rest, about left and up, in rad/s.
    pitch_bias: T,
    yaw_bias: T,
    /// The latter in counts.
    yaw_bias_counts: i32,
    /// rad/s per 1/16 count.
    fine_unit: T::Short,
    /// What is left of an old rate after a tick.
    fading: T::Short,
}

impl<T: Scalar> Inertial<T> {
    pub(super) fn new(config: &RobotConfig<T::Param>, dt: T::Param) -> Self {
        let lit = T::Param::lit;
        let unit = lit(f64::from(config.imu_scale.gyro));
        Self {
            motion: BodyMotion {
                believed: false,
                forward: 0,
                up: 0,
                pitch_rate: T::zero(),
                yaw_rate: T::zero(),
                yaw_sum: 0,
            },
            mounting: config.mounting,
            unit: T::short(unit),
            pitch_bias: T::zero(),
            yaw_bias: T::zero(),
            yaw_bias_counts: 0,
            fine_unit: T::short(unit / lit(f64::from(1 << BIAS_BITS))),
            fading: T::short((-dt / lit(0.02)).exp()),
        }
    }

    /// The gyroscope at rest, in its own axes, in 1/16 counts.
    pub(super) fn set_bias(&mut self, bias: [i32; 3]) {
        let [_, left, up] = self.mounting.turn_wide(&bias);
        self.pitch_bias = T::from_counts_short(left, self.fine_unit);
        self.yaw_bias = T::from_counts_short(up, self.fine_unit);
        self.yaw_bias_counts = up >> BIAS_BITS;
    }

    /// Takes a believable reading.
    #[inline(never)]
    pub(super) fn take(&mut self, counts: &ImuCounts) {
        let (mounting, motion) = (&self.mounting, &mut self.motion);
        motion.pitch_rate =
            T::from_reading(mounting.left(&counts.gyro), self.unit) - self.pitch_bias;
        let yaw = mounting.up(&counts.gyro);
        motion.yaw_rate = T::from_reading(yaw, self.unit) - self.yaw_bias;
        let turned = i32::from(yaw).wrapping_sub(self.yaw_bias_counts);
        motion.yaw_sum = motion.yaw_sum.wrapping_add(turned);
        motion.forward = mounting.forward(&counts.accel);
        motion.up = mounting.up(&counts.accel);
        motion.believed = true;
    }

    /// Goes on without a reading: a balancing body swings about a rate of zero, so that an old rate
    /// is worth less each tick.
    #[cold]
    pub(super) fn miss(&mut self) {
        let motion = &mut self.motion;
        motion.believed = false;
        motion.pitch_rate = motion.pitch_rate.scale_short(self.fading);
        motion.yaw_rate = motion.yaw_rate.scale_short(self.fading);
    }
}
