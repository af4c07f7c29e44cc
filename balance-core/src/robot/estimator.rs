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

    /// Gyroscope in rad/s, accelerometer in counts, encoders in counts since the last tick, and the
    /// period where it is not the nominal one.
    #[inline(never)]
    pub(super) fn step(
        &mut self,
        rate: T,
        accel: Option<[i16; 3]>,
        counts: i32,
        dt: Option<T::Param>,
    ) -> TiltEstimate<T> {
        match self {
            Self::Complementary(filter) => {
                let angle = accel.and_then(pitch_from_counts);
                match dt {
                    None => filter.step(rate, angle),
                    Some(dt) => filter.step_dt(rate, angle, dt),
                }
            }
            Self::Kalman(filter) => {
                let angle = accel.and_then(pitch_from_counts);
                match dt {
                    None => filter.step(rate, angle),
                    Some(dt) => filter.step_dt(rate, angle, dt),
                }
            }
            Self::Wheels(filter, unit) => {
                let accel = accel
                    .map(|[x, _, z]| [x, z].map(|count| T::from_counts(i32::from(count), *unit)));
                let input = RobotTiltInput {
                    rate,
                    accel,
                    counts,
                };
                match dt {
                    None => filter.step(&input),
                    Some(dt) => filter.step_dt(&input, dt),
                }
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
