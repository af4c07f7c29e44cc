//! Motors.

use crate::{Case, ConfigError, DT, Sample};
use balance_core::math::{Real, Scalar};
use balance_core::motor::dc_motor::{self, DcMotorConfig};
use balance_core::motor::duty_map::{self, DutyMapConfig};
use balance_core::motor::voltage_feedforward::{self, VoltageFeedforwardConfig};

fn voltage<T: Scalar>(sample: &Sample) -> T {
    let [_, rate, _] = sample.rate::<T>();
    rate.scale(T::gain(T::Param::lit(3.0)))
}

/// The exact discrete motor.
pub struct DcMotor;

impl<T: Scalar> Case<T> for DcMotor {
    type Algorithm = dc_motor::DcMotor<T>;
    type Input = T;
    type Output = dc_motor::MotorState<T>;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        DcMotorConfig::default().build(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> T {
        voltage(sample)
    }
    fn step(motor: &mut Self::Algorithm, voltage: &T) -> Self::Output {
        motor.step(*voltage, T::lit(0.01))
    }
}

/// Voltage to duty at a battery voltage.
pub struct DutyMap;

impl<T: Real> Case<T> for DutyMap {
    type Algorithm = duty_map::DutyMap<T>;
    type Input = [T; 2];
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        DutyMapConfig {
            friction_voltage: T::Param::lit(0.3),
            ..Default::default()
        }
        .build()
    }
    fn input(sample: &Sample) -> [T; 2] {
        // A battery that is measured anew each tenth sample.
        let sag = T::from_counts((sample.index / 10).into(), T::gain(T::Param::lit(0.01)));
        [voltage(sample), T::lit(7.8) - sag]
    }
    fn step(map: &mut Self::Algorithm, [voltage, battery]: &[T; 2]) -> T {
        map.step(*voltage, *battery).duty
    }
}

/// Torque to voltage.
pub struct VoltageFeedforward;

impl<T: Scalar> Case<T> for VoltageFeedforward {
    type Algorithm = voltage_feedforward::VoltageFeedforward<T>;
    type Input = [T; 2];
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        VoltageFeedforwardConfig::default().build()
    }
    fn input(sample: &Sample) -> [T; 2] {
        let [_, rate, _] = sample.rate();
        [sample.pitch(), rate]
    }
    fn step(feedforward: &mut Self::Algorithm, [torque, speed]: &[T; 2]) -> T {
        feedforward.step(*torque, *speed)
    }
}
