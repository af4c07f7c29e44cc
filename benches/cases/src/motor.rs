//! Motors.

use crate::{Case, ConfigError, DT, Sample};
use balance_core::math::{Float, Real, Scalar};
use balance_core::motor::Drive;
use balance_core::motor::dc_current_loop::{self, DcCurrentLoopConfig, DcCurrentLoopInput};
use balance_core::motor::dc_motor::{self, DcMotorConfig};
use balance_core::motor::duty_map::{self, DutyMapConfig};
use balance_core::motor::encoder::{self, EdgeSpeedConfig, EdgeSpeedInput, EdgeSpeedOutput};
use balance_core::motor::identification::{self, IdentificationConfig};
use balance_core::motor::stall::{self, StallConfig};
use balance_core::motor::stepper;
use balance_core::motor::thermal_limit::{self, ThermalLimitConfig};
use balance_core::motor::voltage_feedforward::{self, VoltageFeedforwardConfig};
use balance_core::platform::Edge;

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

/// The current loop of a brushed motor.
pub struct DcCurrentLoop;

impl<T: Scalar> Case<T> for DcCurrentLoop {
    type Algorithm = dc_current_loop::DcCurrentLoop<T>;
    type Input = DcCurrentLoopInput<T>;
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        DcCurrentLoopConfig::default().build(T::Param::lit(1e-4))
    }
    fn input(sample: &Sample) -> Self::Input {
        let [_, rate, _] = sample.rate();
        DcCurrentLoopInput {
            reference: sample.pitch(),
            current: rate,
            speed: rate,
            supply: T::lit(7.4),
        }
    }
    fn step(control: &mut Self::Algorithm, input: &Self::Input) -> T {
        control.step(input).voltage
    }
}

/// I²t.
pub struct ThermalLimit;

impl<T: Scalar> Case<T> for ThermalLimit {
    type Algorithm = thermal_limit::ThermalLimit<T>;
    type Input = T;
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        ThermalLimitConfig::default().build(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> T {
        voltage(sample)
    }
    fn step(limit: &mut Self::Algorithm, current: &T) -> T {
        limit.step(*current).max_current
    }
}

/// Driven and not turning.
pub struct StallDetector;

impl<T: Scalar> Case<T> for StallDetector {
    type Algorithm = stall::StallDetector<T>;
    type Input = [T; 2];
    type Output = bool;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        StallConfig::default().build(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> [T; 2] {
        let [_, rate, _] = sample.rate();
        [voltage(sample), rate]
    }
    fn step(stall: &mut Self::Algorithm, [drive, speed]: &[T; 2]) -> bool {
        stall.step(*drive, *speed)
    }
}

/// Finding a motor's constants.
pub struct Identification;

impl<T: Float> Case<T> for Identification {
    type Algorithm = identification::Identification<T>;
    type Input = [T; 2];
    type Output = ();

    fn build() -> Result<Self::Algorithm, ConfigError> {
        IdentificationConfig::default().build(T::lit(DT))
    }
    fn input(sample: &Sample) -> [T; 2] {
        let [_, rate, _] = sample.rate();
        [voltage(sample), rate]
    }
    fn step(run: &mut Self::Algorithm, [volts, angle]: &[T; 2]) {
        run.step(*volts, Some(*volts), *angle);
    }
}

/// How fast to step.
pub struct StepperWheel;

impl<T: Scalar> Case<T> for StepperWheel {
    type Algorithm = stepper::StepperWheel;
    type Input = T;
    type Output = i32;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        stepper::StepperWheelConfig::<f32>::default().build(0.001)
    }
    fn input(sample: &Sample) -> T {
        T::lit(f64::from(sample.imu.gyro[1]) * 1e-4)
    }
    fn step(wheel: &mut Self::Algorithm, duty: &T) -> i32 {
        wheel.step(Drive::Duty(*duty)).speed
    }
}

/// When to step.
pub struct StepGenerator;

impl<T: Scalar> Case<T> for StepGenerator {
    type Algorithm = stepper::StepGenerator;
    type Input = i32;
    type Output = bool;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        stepper::StepGeneratorConfig::<f32>::default().build()
    }
    fn input(sample: &Sample) -> i32 {
        sample.encoder
    }
    fn step(steps: &mut Self::Algorithm, position: &i32) -> bool {
        steps.go_to(*position);
        steps.tick().is_some()
    }
}

/// Speed from captured edges.
pub struct EdgeSpeed;

impl<T: Scalar> Case<T> for EdgeSpeed {
    type Algorithm = encoder::EdgeSpeed<T>;
    type Input = EdgeSpeedInput;
    type Output = EdgeSpeedOutput<T>;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        EdgeSpeedConfig::default().build(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> EdgeSpeedInput {
        let micros = (1e6 * DT) as u32;
        let now = (sample.index as u32).wrapping_mul(micros);
        EdgeSpeedInput {
            edge: Some(Edge {
                position: sample.encoder,
                ticks: now.wrapping_sub(sample.encoder.unsigned_abs() % micros),
            }),
            now,
        }
    }
    fn step(wheel: &mut Self::Algorithm, input: &EdgeSpeedInput) -> Self::Output {
        wheel.step(*input)
    }
}
