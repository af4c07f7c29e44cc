//! The whole loop.

use crate::sample::SAMPLES;
use crate::{Case, ConfigError, Sample};
use balance_core::math::Real;
use balance_core::robot::timing::{self, Stage};
use balance_core::robot::{
    self, AutotuneConfig, AutotuneStatus, Command, Inputs, Outputs, RobotConfig, RobotParameters,
};
use balance_core::sensor;
use balance_core::time::Instant;

/// A tick of a robot that balances, at 1 kHz.
pub struct RobotTick;

/// Enough for a calibration, and for the arming that follows.
const WARM_UP: u32 = 2000;

impl<T: Real> Case<T> for RobotTick {
    type Algorithm = robot::Robot<T>;
    type Input = (Instant, Inputs<T>);
    type Output = Outputs<T>;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        RobotConfig::<T::Param>::pico_kit().build()
    }
    fn warm_up(robot: &mut Self::Algorithm) {
        for (tick, sample) in (0..WARM_UP).zip(SAMPLES[..200].iter().cycle()) {
            let (now, inputs) = inputs(sample, tick);
            robot.tick(now, &inputs);
        }
    }
    fn input(sample: &Sample) -> Self::Input {
        inputs(sample, WARM_UP + u32::from(sample.index))
    }
    fn step(robot: &mut Self::Algorithm, (now, inputs): &Self::Input) -> Outputs<T> {
        robot.tick(*now, inputs)
    }
}

/// A tick of a robot that looks ahead.
pub struct MpcTick;

impl<T: Real> Case<T> for MpcTick {
    type Algorithm = (robot::Robot<T>, robot::MpcBalance<T>);
    type Input = (Instant, Inputs<T>);
    type Output = Outputs<T>;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        let config = RobotConfig::<T::Param>::pico_kit();
        let balance = config
            .mpc_for(&RobotParameters::pico_kit())
            .and_then(|mpc| mpc.build())
            .map_err(|_| ConfigError::OutOfRange("robot"))?;
        Ok((config.build()?, balance))
    }
    fn warm_up((robot, _): &mut Self::Algorithm) {
        RobotTick::warm_up(robot);
    }
    fn input(sample: &Sample) -> Self::Input {
        inputs(sample, WARM_UP + u32::from(sample.index))
    }
    fn step((robot, balance): &mut Self::Algorithm, (now, inputs): &Self::Input) -> Outputs<T> {
        balance.tick(robot, *now, inputs)
    }
}

/// A tick of a robot that tunes itself.
pub struct Autotune;

impl<T: Real> Case<T> for Autotune {
    type Algorithm = (robot::Robot<T>, robot::Autotune<T>);
    type Input = (Instant, Inputs<T>);
    type Output = AutotuneStatus<T::Param>;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        let config = RobotConfig::<T::Param>::pico_kit();
        let tuning = AutotuneConfig::default().build(&config, &RobotParameters::pico_kit())?;
        Ok((config.build()?, tuning))
    }
    fn warm_up((robot, _): &mut Self::Algorithm) {
        RobotTick::warm_up(robot);
    }
    fn input(sample: &Sample) -> Self::Input {
        inputs(sample, WARM_UP + u32::from(sample.index))
    }
    fn step((robot, tuning): &mut Self::Algorithm, (now, inputs): &Self::Input) -> Self::Output {
        let outputs = robot.tick(*now, inputs);
        tuning.step(robot, &outputs)
    }
}

/// The measurement of a tick: beginning, three stages, end.
pub struct LoopTiming;

impl<T> Case<T> for LoopTiming {
    type Algorithm = timing::LoopTiming;
    type Input = [u32; 4];
    type Output = timing::Verdict;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        timing::LoopTimingConfig::default().build()
    }
    fn input(sample: &Sample) -> Self::Input {
        let start = 1000 * u32::from(sample.index);
        [start, start + 410, start + 440, start + 445]
    }
    fn step(
        timing: &mut Self::Algorithm,
        &[start, sensor, control, motor]: &Self::Input,
    ) -> Self::Output {
        timing.begin(start);
        timing.stage(Stage::Sensor, sensor);
        timing.stage(Stage::Control, control);
        timing.stage(Stage::Motor, motor);
        timing.end(motor)
    }
}

/// A robot held by hand, leaning now and then, with wheels that turn.
fn inputs<T: Real>(sample: &Sample, tick: u32) -> (Instant, Inputs<T>) {
    let now = Instant::from_micros(1_000_000 + u64::from(tick) * 1000);
    let counts = [sample.encoder / 16; 2];
    let inputs = Inputs {
        imu: sensor::Sample::good(now, sample.imu),
        encoders: sensor::Sample::good(now, counts),
        battery_millivolts: Some(11_100),
        command: Command {
            arm: true,
            ..Default::default()
        },
    };
    (now, inputs)
}
