//! Controllers.

use crate::{Case, ConfigError, DT, Sample};
use balance_core::control::autotune::{self, ExcitationConfig};
use balance_core::control::design::{DiscreteModel, LqrConfig};
use balance_core::control::disturbance_observer::NominalPlant;
use balance_core::control::gain_schedule::GainScheduleConfig;
use balance_core::control::lean_pid::LeanPidConfig;
use balance_core::control::mpc::{Mpc, MpcConfig};
use balance_core::control::pid::{PidConfig, PidInput};
use balance_core::control::profile::Goal;
use balance_core::control::profile::s_curve::{SCurve, SCurveConfig};
use balance_core::control::profile::trapezoid::{Trapezoid, TrapezoidConfig};
use balance_core::control::state_feedback::StateFeedbackConfig;
use balance_core::control::{
    adrc, cascade, disturbance_observer, feedforward, gain_schedule, lead_lag, lean_pid,
    luenberger, pid, smith_predictor, state_feedback,
};
use balance_core::math::{Float, Real, Scalar};
use balance_core::robot::RobotParameters;
use nalgebra::SMatrix;

/// Proportional, integral and derivative on the measurement, clamped, with anti-windup.
pub struct Pid;

impl<T: Scalar> Case<T> for Pid {
    type Algorithm = pid::Pid<T>;
    type Input = T;
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        PidConfig {
            kp: T::Param::lit(15.0),
            ki: T::Param::lit(80.0),
            kd: T::Param::lit(0.6),
            output_min: T::Param::lit(-5.0),
            output_max: T::Param::lit(5.0),
            ..Default::default()
        }
        .build(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> T {
        sample.pitch()
    }
    fn step(pid: &mut Self::Algorithm, pitch: &T) -> T {
        pid.step(T::zero(), *pitch).total
    }
}

/// Tilt by rate, two PIDs.
pub struct Cascade;

impl<T: Scalar> Case<T> for Cascade {
    type Algorithm = cascade::Cascade<T>;
    type Input = [T; 2];
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        cascade::CascadeConfig {
            outer: PidConfig {
                kp: T::Param::lit(6.0),
                ..Default::default()
            },
            inner: PidConfig {
                kp: T::Param::lit(2.0),
                ki: T::Param::lit(10.0),
                ..Default::default()
            },
            ..Default::default()
        }
        .build(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> [T; 2] {
        let [_, rate, _] = sample.rate();
        [sample.pitch(), rate]
    }
    fn step(cascade: &mut Self::Algorithm, [pitch, rate]: &[T; 2]) -> T {
        cascade.step(T::zero(), *pitch, *rate).inner.total
    }
}

/// Four states, one clamped output.
pub struct StateFeedback4;

impl<T: Scalar> Case<T> for StateFeedback4 {
    type Algorithm = state_feedback::StateFeedback<T, 4>;
    type Input = [T; 4];
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        StateFeedbackConfig {
            gain: [-10.8, -25.6, -22.2, -2.7].map(T::Param::lit),
            output_min: T::Param::lit(-12.6),
            output_max: T::Param::lit(12.6),
            ..Default::default()
        }
        .build(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> [T; 4] {
        let [_, rate, turn] = sample.rate();
        [turn, sample.pitch(), sample.pitch(), rate]
    }
    fn step(feedback: &mut Self::Algorithm, state: &[T; 4]) -> T {
        feedback.step(state).total
    }
}

/// A cart that balances a pole and may push only so hard, ten periods ahead.
pub struct MpcCartPole;

impl<P: Float> Case<P> for MpcCartPole {
    type Algorithm = Mpc<P, 4, 1, 10>;
    type Input = [P; 4];
    type Output = P;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        // Cart, its speed, pole, its rate; 10 ms.
        let a = [
            [1.0, 0.01, 0.0, 0.0],
            [0.0, 1.0, 0.039, 0.0],
            [0.0, 0.0, 1.002, 0.01],
            [0.0, 0.0, 0.458, 1.002],
        ];
        let model = DiscreteModel {
            a: SMatrix::from_fn(|i, j| P::lit(a[i][j])),
            b: SMatrix::from_column_slice(&[0.0, 0.02, 0.0, 0.067].map(P::lit)),
            dt: P::lit(DT),
        };
        let weights = LqrConfig {
            state_weight: SMatrix::from_diagonal(&[10.0, 1.0, 10.0, 1.0].map(P::lit).into()),
            input_weight: SMatrix::from_element(P::one()),
        };
        let config = MpcConfig {
            input_min: [P::lit(-5.0)],
            input_max: [P::lit(5.0)],
            ..MpcConfig::new(model, weights)
        };
        config.build().map_err(|_| ConfigError::OutOfRange("model"))
    }
    fn input(sample: &Sample) -> [P; 4] {
        let [_, rate, turn] = sample.rate();
        [turn, turn, sample.pitch(), rate]
    }
    fn step(mpc: &mut Self::Algorithm, state: &[P; 4]) -> P {
        let [input] = mpc.step(state).input;
        input
    }
}

/// Second-order disturbance rejection with its observer.
pub struct Adrc;

impl<T: Scalar> Case<T> for Adrc {
    type Algorithm = adrc::Adrc<T>;
    type Input = T;
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        adrc::AdrcConfig {
            input_gain: T::Param::lit(40.0),
            bandwidth: T::Param::lit(8.0),
            observer_bandwidth: T::Param::lit(50.0),
            output_min: T::Param::lit(-5.0),
            output_max: T::Param::lit(5.0),
        }
        .build(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> T {
        sample.pitch()
    }
    fn step(adrc: &mut Self::Algorithm, pitch: &T) -> T {
        adrc.step(T::zero(), *pitch).total
    }
}

/// A lead of 46 degrees.
pub struct LeadLag;

impl<T: Scalar> Case<T> for LeadLag {
    type Algorithm = lead_lag::LeadLag<T>;
    type Input = T;
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        lead_lag::LeadLagConfig::at(T::Param::lit(20.0), T::Param::lit(0.8))
            .build(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> T {
        sample.pitch()
    }
    fn step(lead: &mut Self::Algorithm, pitch: &T) -> T {
        lead.step(*pitch)
    }
}

/// Limits of speed and acceleration, to a goal that changes in every period: the most it can cost.
pub struct ProfileTrapezoid;

impl<T: Scalar> Case<T> for ProfileTrapezoid {
    type Algorithm = Trapezoid<T>;
    type Input = T;
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        TrapezoidConfig::default().build(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> T {
        sample.pitch()
    }
    fn step(profile: &mut Self::Algorithm, goal: &T) -> T {
        profile.step(Goal::rest(*goal)).position
    }
}

/// Limits of speed, acceleration and jerk, to a goal that changes in every period.
pub struct ProfileSCurve;

impl<T: Scalar> Case<T> for ProfileSCurve {
    type Algorithm = SCurve<T>;
    type Input = T;
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        SCurveConfig::default().build(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> T {
        sample.pitch()
    }
    fn step(profile: &mut Self::Algorithm, goal: &T) -> T {
        profile.step(Goal::rest(*goal)).position
    }
}

/// Proportional, integral and filtered derivative, clamped, with anti-windup, and nothing else.
pub struct LeanPid;

impl<T: Scalar> Case<T> for LeanPid {
    type Algorithm = lean_pid::LeanPid<T>;
    type Input = T;
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        LeanPidConfig {
            kp: T::Param::lit(15.0),
            ki: T::Param::lit(80.0),
            kd: T::Param::lit(0.6),
            derivative_cutoff_hz: Some(T::Param::lit(20.0)),
            output_min: T::Param::lit(-100.0),
            output_max: T::Param::lit(100.0),
        }
        .build(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> T {
        sample.pitch()
    }
    fn step(pid: &mut Self::Algorithm, pitch: &T) -> T {
        pid.step(T::zero(), *pitch)
    }
}

/// The square wave that shakes a plant to be identified.
pub struct Excitation;

impl<T: Scalar> Case<T> for Excitation {
    type Algorithm = autotune::Excitation<T>;
    type Input = T;
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        ExcitationConfig::default().build(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> T {
        sample.pitch()
    }
    fn step(excitation: &mut Self::Algorithm, amplitude: &T) -> T {
        excitation.step(*amplitude)
    }
}

/// Three points, and a variable that moves in every period: the most it can cost.
pub struct GainSchedule;

impl<T: Scalar> Case<T> for GainSchedule {
    type Algorithm = gain_schedule::GainSchedule<pid::Pid<T>, 3>;
    type Input = [T; 2];
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        let pid = |kp| PidConfig {
            kp: T::Param::lit(kp),
            ki: T::Param::lit(80.0),
            kd: T::Param::lit(0.6),
            output_min: T::Param::lit(-5.0),
            output_max: T::Param::lit(5.0),
            ..Default::default()
        };
        let at = [-2.0, 0.0, 2.0].map(T::Param::lit);
        GainScheduleConfig::new(at, [20.0, 15.0, 10.0].map(pid)).build(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> [T; 2] {
        let [_, _, turn] = sample.rate();
        [turn, sample.pitch()]
    }
    fn step(schedule: &mut Self::Algorithm, [turn, pitch]: &[T; 2]) -> T {
        let input = PidInput::new(T::zero(), *pitch);
        schedule.step(*turn, input).total
    }
}

/// Four states from two measured ones.
pub struct Luenberger42;

impl<T: Scalar> Case<T> for Luenberger42 {
    type Algorithm = luenberger::Luenberger<T, 4, 1, 2>;
    type Input = [T; 2];
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        // A robot's place and pitch, their speeds; 10 ms.
        let a = [
            [1.0, 0.002, 0.0087, 0.0004],
            [0.0, 1.01, 0.01, 0.008],
            [0.0, 0.4, 0.75, 0.08],
            [0.0, 1.9, 2.2, 0.6],
        ];
        let gain = [
            [0.054, 0.098],
            [0.098, 0.413],
            [0.827, 2.687],
            [3.509, 11.888],
        ];
        luenberger::LuenbergerConfig {
            model: DiscreteModel {
                a: SMatrix::from_fn(|i, j| T::Param::lit(a[i][j])),
                b: SMatrix::from_column_slice(&[0.0001, -0.0008, 0.02, -0.17].map(T::Param::lit)),
                dt: T::Param::lit(DT),
            },
            output: SMatrix::from_fn(|i, j| T::Param::lit(if i == j { 1.0 } else { 0.0 })),
            gain: SMatrix::from_fn(|i, j| T::Param::lit(gain[i][j])),
        }
        .build()
    }
    fn input(sample: &Sample) -> [T; 2] {
        let [_, _, turn] = sample.rate();
        [turn, sample.pitch()]
    }
    fn step(observer: &mut Self::Algorithm, measured: &[T; 2]) -> T {
        let [.., rate] = observer.step(measured, &[measured[1]]).estimate;
        rate
    }
}

/// What disturbs a falling body.
pub struct DisturbanceObserver;

impl<T: Scalar> Case<T> for DisturbanceObserver {
    type Algorithm = disturbance_observer::DisturbanceObserver<T>;
    type Input = [T; 2];
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        disturbance_observer::DisturbanceObserverConfig {
            plant: NominalPlant::SecondOrder {
                input_gain: T::Param::lit(40.0),
                damping: T::Param::lit(2.0),
                stiffness: T::Param::lit(-60.0),
            },
            bandwidth: T::Param::lit(50.0),
            limit: T::Param::lit(5.0),
        }
        .build(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> [T; 2] {
        let [_, rate, _] = sample.rate();
        [sample.pitch(), rate]
    }
    fn step(observer: &mut Self::Algorithm, [pitch, input]: &[T; 2]) -> T {
        observer.step(*pitch, *input).disturbance
    }
}

/// The voltage of a wanted motion, with friction.
pub struct MotorFeedforward;

impl<T: Scalar> Case<T> for MotorFeedforward {
    type Algorithm = feedforward::MotorFeedforward<T>;
    type Input = [T; 2];
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        feedforward::MotorFeedforwardConfig::default().build(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> [T; 2] {
        let [_, rate, turn] = sample.rate();
        [rate, turn]
    }
    fn step(motor: &mut Self::Algorithm, [speed, acceleration]: &[T; 2]) -> T {
        motor.step(*speed, *acceleration)
    }
}

/// Pitch, torque and voltage of a wanted acceleration.
pub struct TiltFeedforward;

impl<T: Real> Case<T> for TiltFeedforward {
    type Algorithm = feedforward::TiltFeedforward<T>;
    type Input = [T; 2];
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        let robot = RobotParameters::pico_kit();
        feedforward::TiltFeedforwardConfig {
            body: robot.body,
            motor: robot.motor,
            max_pitch: T::Param::lit(0.3),
        }
        .build()
    }
    fn input(sample: &Sample) -> [T; 2] {
        let [_, rate, turn] = sample.rate();
        [rate, turn]
    }
    fn step(tilt: &mut Self::Algorithm, [acceleration, speed]: &[T; 2]) -> T {
        let wanted = tilt.step(*acceleration, *speed);
        wanted.pitch + wanted.voltage
    }
}

/// Thirty and a half periods of delay.
pub struct SmithPredictor;

impl<T: Scalar> Case<T> for SmithPredictor {
    type Algorithm = smith_predictor::SmithPredictor<T, 32>;
    type Input = [T; 2];
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        smith_predictor::SmithPredictorConfig {
            gain: T::Param::lit(2.0),
            time_constant: T::Param::lit(0.5),
            delay: T::Param::lit(0.305),
        }
        .build(T::Param::lit(DT))
    }
    fn input(sample: &Sample) -> [T; 2] {
        let [_, rate, _] = sample.rate();
        [sample.pitch(), rate]
    }
    fn step(predictor: &mut Self::Algorithm, [measured, output]: &[T; 2]) -> T {
        predictor.step(*measured, *output)
    }
}
