//! Estimators.

use crate::sample::WHEEL_COUNTS;
use crate::{Case, ConfigError, DT, Sample};
use balance_core::estimation::complementary::ComplementaryConfig;
use balance_core::estimation::inclination::InclinationConfig;
use balance_core::estimation::robot_tilt::{RobotTiltConfig, RobotTiltInput};
use balance_core::estimation::tilt_kalman::TiltKalmanConfig;
use balance_core::estimation::wheel_speed::WheelSpeedConfig;
use balance_core::estimation::{
    complementary, inclination, robot_tilt, steady_tilt_kalman, tilt_kalman, wheel_speed,
};
use balance_core::math::{Real, Scalar};

/// What tilt filters take: rate about +y, and the accelerometer's angle.
type Tilt<T> = (T, Option<T>);

fn tilt<T: Scalar>(sample: &Sample) -> Tilt<T> {
    let [_, rate, _] = sample.rate();
    (rate, sample.accel_pitch())
}

/// Rate and accelerometer angle, fixed gain.
pub struct Complementary;

impl<T: Scalar> Case<T> for Complementary {
    type Algorithm = complementary::Complementary<T>;
    type Input = Tilt<T>;
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        ComplementaryConfig::default().build(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> Tilt<T> {
        tilt(sample)
    }
    fn step(filter: &mut Self::Algorithm, (rate, angle): &Tilt<T>) -> T {
        filter.step(*rate, *angle).angle
    }
}

/// Angle and bias with the gains of the long run.
pub struct SteadyTiltKalman;

impl<T: Scalar> Case<T> for SteadyTiltKalman {
    type Algorithm = steady_tilt_kalman::SteadyTiltKalman<T>;
    type Input = Tilt<T>;
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        TiltKalmanConfig::default().build_steady(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> Tilt<T> {
        tilt(sample)
    }
    fn step(filter: &mut Self::Algorithm, (rate, angle): &Tilt<T>) -> T {
        filter.step(*rate, *angle).angle
    }
}

/// Angle and bias with their covariance.
pub struct TiltKalman;

impl<T: Scalar> Case<T> for TiltKalman {
    type Algorithm = tilt_kalman::TiltKalman<T>;
    type Input = Tilt<T>;
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        TiltKalmanConfig::default().build(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> Tilt<T> {
        tilt(sample)
    }
    fn step(filter: &mut Self::Algorithm, (rate, angle): &Tilt<T>) -> T {
        filter.step(*rate, *angle).angle
    }
}

/// Up, in three axes.
pub struct Inclination;

impl<T: Real> Case<T> for Inclination {
    type Algorithm = inclination::Inclination<T>;
    type Input = ([T; 3], Option<[T; 3]>);
    type Output = [T; 3];

    fn build() -> Result<Self::Algorithm, ConfigError> {
        InclinationConfig::default().build(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> Self::Input {
        (sample.rate(), Some(sample.accel()))
    }
    fn step(filter: &mut Self::Algorithm, (rate, accel): &Self::Input) -> [T; 3] {
        filter.step(*rate, *accel).up
    }
}

/// Wheel angle and speed from encoder counts.
pub struct WheelSpeed;

impl<T: Scalar> Case<T> for WheelSpeed {
    type Algorithm = wheel_speed::WheelSpeed<T>;
    type Input = i32;
    type Output = wheel_speed::WheelMotion<T>;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        WheelSpeedConfig {
            counts_per_revolution: T::Param::lit(WHEEL_COUNTS),
            ..Default::default()
        }
        .build(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> i32 {
        sample.encoder
    }
    fn step(wheel: &mut Self::Algorithm, counts: &i32) -> Self::Output {
        wheel.step(*counts)
    }
}

/// Tilt from the inertial sensor and the wheels.
pub struct RobotTilt;

impl<T: Real> Case<T> for RobotTilt {
    type Algorithm = robot_tilt::RobotTilt<T>;
    type Input = RobotTiltInput<T>;
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        RobotTiltConfig::default().build(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> Self::Input {
        let [_, rate, _] = sample.rate();
        let [forward, _, up] = sample.accel();
        RobotTiltInput {
            rate,
            accel: Some([forward, up]),
            counts: i32::from(sample.pitch / 256),
        }
    }
    fn step(filter: &mut Self::Algorithm, input: &Self::Input) -> T {
        filter.step(input).angle
    }
}
