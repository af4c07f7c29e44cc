//! Attitude in three axes, without a magnetometer.

use crate::{Case, ConfigError, DT, Sample};
use balance_core::estimation::attitude_kalman::AttitudeKalmanConfig;
use balance_core::estimation::basic_vqf::BasicVqfConfig;
use balance_core::estimation::bounded_velocity::BoundedVelocityConfig;
use balance_core::estimation::madgwick::MadgwickConfig;
use balance_core::estimation::mahony::MahonyConfig;
use balance_core::estimation::steady_velocity::SteadyVelocityConfig;
use balance_core::estimation::vqf::VqfConfig;
use balance_core::estimation::{
    attitude_kalman, basic_vqf, bounded_velocity, madgwick, mahony, steady_velocity, vqf,
};
use balance_core::math::{Float, Quaternion, Real, Scalar};

/// Rate and specific force.
type Inertial<T> = ([T; 3], [T; 3]);

/// Proportional and integral feedback.
pub struct Mahony;

impl<T: Real> Case<T> for Mahony {
    type Algorithm = mahony::Mahony<T>;
    type Input = Inertial<T>;
    type Output = Quaternion<T>;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        MahonyConfig::default().build(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> Inertial<T> {
        (sample.rate(), sample.accel())
    }
    fn step(filter: &mut Self::Algorithm, (rate, accel): &Inertial<T>) -> Quaternion<T> {
        filter.step(*rate, Some(*accel), None).attitude
    }
}

/// A step down the gradient.
pub struct Madgwick;

impl<T: Real> Case<T> for Madgwick {
    type Algorithm = madgwick::Madgwick<T>;
    type Input = Inertial<T>;
    type Output = Quaternion<T>;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        MadgwickConfig::default().build(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> Inertial<T> {
        (sample.rate(), sample.accel())
    }
    fn step(filter: &mut Self::Algorithm, (rate, accel): &Inertial<T>) -> Quaternion<T> {
        filter.step(*rate, Some(*accel), None).attitude
    }
}

/// The accelerometer low-passed in level axes.
pub struct BasicVqf;

impl<T: Real> Case<T> for BasicVqf {
    type Algorithm = basic_vqf::BasicVqf<T>;
    type Input = Inertial<T>;
    type Output = Quaternion<T>;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        BasicVqfConfig::default().build(T::Param::lit(DT))
    }
    fn warm_up(filter: &mut Self::Algorithm) {
        settle(|rate, accel| {
            filter.step(rate, Some(accel), None);
        });
    }
    fn input(sample: &Sample) -> Inertial<T> {
        (sample.rate(), sample.accel())
    }
    fn step(filter: &mut Self::Algorithm, (rate, accel): &Inertial<T>) -> Quaternion<T> {
        filter.step(*rate, Some(*accel), None).attitude
    }
}

/// The same with rest and bias.
pub struct Vqf;

impl<T: Real> Case<T> for Vqf {
    type Algorithm = vqf::Vqf<T>;
    type Input = Inertial<T>;
    type Output = Quaternion<T>;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        VqfConfig::default().build(T::Param::lit(DT))
    }
    fn warm_up(filter: &mut Self::Algorithm) {
        settle(|rate, accel| {
            filter.step(rate, Some(accel), None);
        });
    }
    fn input(sample: &Sample) -> Inertial<T> {
        (sample.rate(), sample.accel())
    }
    fn step(filter: &mut Self::Algorithm, (rate, accel): &Inertial<T>) -> Quaternion<T> {
        filter.step(*rate, Some(*accel), None).attitude
    }
}

/// Tilt, bias and scale from a velocity that stays bounded.
pub struct BoundedVelocity;

impl<T: Float> Case<T> for BoundedVelocity {
    type Algorithm = bounded_velocity::BoundedVelocity<T>;
    type Input = Inertial<T>;
    type Output = Quaternion<T>;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        BoundedVelocityConfig::default().build(T::lit(DT))
    }
    fn input(sample: &Sample) -> Inertial<T> {
        (sample.rate(), sample.accel())
    }
    fn step(filter: &mut Self::Algorithm, (rate, accel): &Inertial<T>) -> Quaternion<T> {
        filter.step(*rate, Some(*accel), None).attitude
    }
}

/// The same with constant gains, without scale.
pub struct SteadyVelocity;

impl<T: Real> Case<T> for SteadyVelocity {
    type Algorithm = steady_velocity::SteadyVelocity<T>;
    type Input = Inertial<T>;
    type Output = Quaternion<T>;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        SteadyVelocityConfig::default().build(T::Param::lit(DT))
    }
    fn warm_up(filter: &mut Self::Algorithm) {
        settle(|rate, accel| {
            filter.step(rate, Some(accel), None);
        });
    }
    fn input(sample: &Sample) -> Inertial<T> {
        (sample.rate(), sample.accel())
    }
    fn step(filter: &mut Self::Algorithm, (rate, accel): &Inertial<T>) -> Quaternion<T> {
        filter.step(*rate, Some(*accel), None).attitude
    }
}

/// Until the means at the start have become filters.
fn settle<T: Real>(mut step: impl FnMut([T; 3], [T; 3])) {
    for _ in 0..320 {
        step([T::zero(); 3], [0.0, 0.0, 9.81].map(T::lit));
    }
}

/// Attitude and bias with their covariance.
pub struct AttitudeKalman;

impl<T: Float> Case<T> for AttitudeKalman {
    type Algorithm = attitude_kalman::AttitudeKalman<T>;
    type Input = Inertial<T>;
    type Output = Quaternion<T>;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        AttitudeKalmanConfig::default().build(T::lit(DT))
    }
    fn input(sample: &Sample) -> Inertial<T> {
        (sample.rate(), sample.accel())
    }
    fn step(filter: &mut Self::Algorithm, (rate, accel): &Inertial<T>) -> Quaternion<T> {
        filter.step(*rate, Some(*accel), None).attitude
    }
}
