//! The choice of tilt estimators behind one door.

use super::config::{EstimatorConfig, RobotConfig};
use super::inertial::BodyMotion;
use crate::config::ConfigError;
use crate::estimation::TiltEstimate;
use crate::estimation::accel_tilt::pitch_from_counts;
use crate::estimation::complementary::Complementary;
use crate::estimation::robot_tilt::{RobotTilt, RobotTiltConfig, RobotTiltInput};
use crate::estimation::steady_tilt_kalman::SteadyTiltKalman;
use crate::math::{Float, Real, Scalar};

/// One of the tilt estimators.
#[derive(Clone, Debug)]
pub(super) enum Estimator<T: Scalar> {
    Complementary(Complementary<T>),
    Kalman(SteadyTiltKalman<T>),
    /// With what a count of the accelerometer is worth, in m/s² and in m/s in a period.
    Wheels(RobotTilt<T>, [T::Short; 2]),
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
                Self::Wheels(tilt.build(dt)?, [unit, unit * dt].map(T::short))
            }
        })
    }

    /// Angle and rate from what the inertial sensor says, encoders in counts since the last tick,
    /// and microseconds since then, where they are not the nominal ones.
    #[inline(never)]
    pub(super) fn step(
        &mut self,
        motion: &BodyMotion<T>,
        counts: i32,
        irregular: Option<u32>,
    ) -> (T, T) {
        let tilt = match (self, irregular) {
            (Self::Wheels(filter, units), None) => {
                let accel = motion.believed.then_some([motion.forward, motion.up]);
                return filter.step_counts(motion.pitch_rate, accel, *units, counts);
            }
            (Self::Complementary(filter), None) => filter.step(motion.pitch_rate, lean(motion)),
            (Self::Kalman(filter), None) => filter.step(motion.pitch_rate, lean(motion)),
            (late, Some(micros)) => late.step_dt(motion, counts, seconds(micros)),
        };
        (tilt.angle, tilt.rate)
    }

    #[cold]
    #[inline(never)]
    fn step_dt(&mut self, motion: &BodyMotion<T>, counts: i32, dt: T::Param) -> TiltEstimate<T> {
        match self {
            Self::Complementary(filter) => filter.step_dt(motion.pitch_rate, lean(motion), dt),
            Self::Kalman(filter) => filter.step_dt(motion.pitch_rate, lean(motion), dt),
            Self::Wheels(filter, [unit, _]) => {
                filter.step_dt(&robot_input(motion, counts, *unit), dt)
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
fn lean<T: Scalar>(motion: &BodyMotion<T>) -> Option<T> {
    if motion.believed {
        pitch_from_counts([motion.forward, 0, motion.up])
    } else {
        None
    }
}

#[inline(always)]
fn robot_input<T: Scalar>(
    motion: &BodyMotion<T>,
    counts: i32,
    unit: T::Short,
) -> RobotTiltInput<T> {
    let metric = |reading| T::from_reading(reading, unit);
    RobotTiltInput {
        rate: motion.pitch_rate,
        accel: if motion.believed {
            Some([metric(motion.forward), metric(motion.up)])
        } else {
            None
        },
        counts,
    }
}

// Never in line: a compiler takes a product of floats for an instruction, and would move it ahead
// of the question whether it is needed.
#[cold]
#[inline(never)]
pub(super) fn seconds<P: Float>(micros: u32) -> P {
    P::from_counts(i32::try_from(micros).unwrap_or(i32::MAX), P::lit(1e-6))
}
