//! A few of balance-core through every law; all of them are in `benches/scoreboard`.

// In a test an expectation is an assertion.
#![allow(clippy::expect_used)]

use balance_conformance::{
    Controller, ControllerSample, ControllerTuning, ImuSample, ImuTuning, Subject, Supported, Tilt,
    conformance,
};
use balance_core::control::pid::{Pid, PidConfig, PidInput};
use balance_core::estimation::complementary::{Complementary, ComplementaryConfig};
use balance_core::estimation::tilt_kalman::{TiltKalman, TiltKalmanConfig};
use balance_core::math::{Float, Q12, Scalar};

fn param<T: Scalar>(value: f64) -> T::Param {
    T::Param::lit(value)
}
fn number<T: Scalar>(value: T) -> f64 {
    value.to_param().to_f64()
}

fn settings<T: Scalar>(tuning: &ControllerTuning) -> PidConfig<T::Param> {
    PidConfig {
        kp: param::<T>(tuning.kp),
        ki: param::<T>(tuning.ki),
        kd: param::<T>(tuning.kd),
        output_min: param::<T>(tuning.output_min),
        output_max: param::<T>(tuning.output_max),
        ..PidConfig::default()
    }
}

struct OurPid<T: Scalar>(Pid<T>);
impl<T: Scalar> Subject for OurPid<T> {
    type Kind = Controller;
    fn new(tuning: &ControllerTuning) -> Self {
        let pid = settings::<T>(tuning).build(param::<T>(tuning.dt));
        Self(pid.expect("a good tuning"))
    }
    fn step(&mut self, sample: &ControllerSample) -> f64 {
        let input = PidInput::new(T::lit(sample.setpoint), T::lit(sample.measured));
        number(
            self.0
                .step_with(&input.with_dt(param::<T>(sample.dt)))
                .total,
        )
    }
    fn reset(&mut self) -> Supported {
        self.0.reset();
        Supported::Yes
    }
    fn retune(&mut self, tuning: &ControllerTuning) -> Supported {
        self.0
            .retune(&settings::<T>(tuning))
            .expect("a good tuning");
        Supported::Yes
    }
}

conformance!(pid: Controller for OurPid<f32>, like OurPid<f64>, within 1e-4);

struct OurComplementary(Complementary<Q12>);
impl Subject for OurComplementary {
    type Kind = Tilt;
    fn new(tuning: &ImuTuning) -> Self {
        let filter = ComplementaryConfig::default().build(tuning.dt as f32);
        Self(filter.expect("a good tuning"))
    }
    fn step(&mut self, imu: &ImuSample) -> f64 {
        let (rate, angle) = (Q12::lit(imu.pitch_rate()), Q12::lit(imu.accel_pitch()));
        number(self.0.step_dt(rate, Some(angle), imu.dt as f32).angle)
    }
    fn reset(&mut self) -> Supported {
        self.0.reset();
        Supported::Yes
    }
}

conformance!(complementary: Tilt for OurComplementary);

struct OurTiltKalman<T: Scalar>(TiltKalman<T>);
impl<T: Scalar> Subject for OurTiltKalman<T> {
    type Kind = Tilt;
    fn new(tuning: &ImuTuning) -> Self {
        let filter = TiltKalmanConfig::default().build(param::<T>(tuning.dt));
        Self(filter.expect("a good tuning"))
    }
    fn step(&mut self, imu: &ImuSample) -> f64 {
        let (rate, angle) = (T::lit(imu.pitch_rate()), T::lit(imu.accel_pitch()));
        number(self.0.step_dt(rate, Some(angle), param::<T>(imu.dt)).angle)
    }
    fn reset(&mut self) -> Supported {
        self.0.reset();
        Supported::Yes
    }
}

conformance!(tilt_kalman: Tilt for OurTiltKalman<f32>, like OurTiltKalman<f64>, within 1e-4);
