//! The choice of tilt estimators behind one door.

use super::config::{EstimatorConfig, RobotConfig};
use crate::config::ConfigError;
use crate::estimation::TiltEstimate;
use crate::estimation::accel_tilt::pitch_from_counts;
use crate::estimation::complementary::Complementary;
use crate::estimation::robot_tilt::{RobotTilt, RobotTiltConfig, RobotTiltInput};
use crate::estimation::steady_tilt_kalman::SteadyTiltKalman;
use crate::math::{Real, Scalar};

/// One of the tilt estimators.
#[derive(Clone, Debug)]
pub(super) enum Estimator<T: Scalar> {
    Complementary(Complementary<T>),
    Kalman(SteadyTiltKalman<T>),
    Wheels(RobotTilt<T>, T::Gain),
}

impl<T: Real> Estimator<T> {
    pub(super) fn new(
        config: &RobotConfig<T::Param>,
        dt: T::Param,
        metres_per_count: T::Param,
    ) -> Result<Self, ConfigError> {
        Ok(match &config.estimator {
            EstimatorConfig::Complementary(config) => Self::Complementary(config.build(dt)?),
            EstimatorConfig::Kalman(config) => Self::Kalman(config.build_steady(dt)?),
            EstimatorConfig::Wheels(tilt) => {
                let tilt = RobotTiltConfig {
                    metres_per_count,
                    ..*tilt
                };
                let unit = T::Param::lit(f64::from(config.imu_scale.accel));
                Self::Wheels(tilt.build(dt)?, T::gain(unit))
            }
        })
    }

    /// Angle and rate from gyroscope in rad/s, accelerometer in counts, encoders in counts since the
    /// last tick, and the period where it is not the nominal one.
    #[inline(never)]
    pub(super) fn step(
        &mut self,
        rate: T,
        accel: Option<&[i16; 3]>,
        counts: i32,
        dt: Option<T::Param>,
    ) -> (T, T) {
        let tilt = match (self, dt) {
            (Self::Complementary(filter), None) => filter.step(rate, accel.and_then(lean)),
            (Self::Kalman(filter), None) => filter.step(rate, accel.and_then(lean)),
            (Self::Wheels(filter, unit), None) => {
                filter.step(&robot_input(rate, accel, counts, *unit))
            }
            (late, Some(dt)) => late.step_dt(rate, accel, counts, dt),
        };
        (tilt.angle, tilt.rate)
    }

    #[cold]
    #[inline(never)]
    fn step_dt(
        &mut self,
        rate: T,
        accel: Option<&[i16; 3]>,
        counts: i32,
        dt: T::Param,
    ) -> TiltEstimate<T> {
        match self {
            Self::Complementary(filter) => filter.step_dt(rate, accel.and_then(lean), dt),
            Self::Kalman(filter) => filter.step_dt(rate, accel.and_then(lean), dt),
            Self::Wheels(filter, unit) => {
                let input = robot_input(rate, accel, counts, *unit);
                filter.step_dt(&input, dt)
            }
        }
    }

    pub(super) fn reset(&mut self) {
        match self {
            Self::Complementary(filter) => filter.reset(),
            Self::Kalman(filter) => filter.reset(),
            Self::Wheels(filter, _) => filter.reset(),
        }
    }
}

/// Pitch as the accelerometer sees it.
#[inline(never)]
fn lean<T: Scalar>(accel: &[i16; 3]) -> Option<T> {
    pitch_from_counts(*accel)
}

#[inline(always)]
fn robot_input<T: Scalar>(
    rate: T,
    accel: Option<&[i16; 3]>,
    counts: i32,
    unit: T::Gain,
) -> RobotTiltInput<T> {
    let metric = |count: i16| T::from_counts(i32::from(count), unit);
    let accel = accel.map(|&[x, _, z]| [metric(x), metric(z)]);
    RobotTiltInput {
        rate,
        accel,
        counts,
    }
}
