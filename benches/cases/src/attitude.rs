//! Attitude in three axes, without a magnetometer.

use crate::{Case, ConfigError, DT, Sample};
use balance_core::estimation::madgwick::MadgwickConfig;
use balance_core::estimation::mahony::MahonyConfig;
use balance_core::estimation::{madgwick, mahony};
use balance_core::math::{Quaternion, Real, Scalar};

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
