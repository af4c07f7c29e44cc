//! Controllers.

use super::{RESOLUTION, in_all_types, in_floats, number, param, scalar};
use crate::board::Board;
use balance_conformance::{Controller, ControllerSample, ControllerTuning, Subject, Supported};
use balance_core::control::cascade::{Cascade, CascadeConfig, CascadeInput};
use balance_core::control::design::{DiscreteModel, LqrConfig};
use balance_core::control::disturbance_observer::{
    DisturbanceObserver, DisturbanceObserverConfig, NominalPlant,
};
use balance_core::control::gain_schedule::{GainSchedule, GainScheduleConfig};
use balance_core::control::lean_pid::{LeanPid, LeanPidConfig};
use balance_core::control::mpc::{Mpc, MpcConfig, MpcReference};
use balance_core::control::pid::{AntiWindup, Pid, PidConfig, PidInput};
use balance_core::control::smith_predictor::{SmithPredictor, SmithPredictorConfig};
use balance_core::control::state_feedback::{
    FeedbackIntegral, IntegralOf, StateFeedback, StateFeedbackConfig, StateFeedbackInput,
};
use balance_core::math::{Float, Real, Scalar};
use balance_core::motor::dc_current_loop::{
    DcCurrentLoop, DcCurrentLoopConfig, DcCurrentLoopInput,
};
use balance_core::motor::foc::speed_loop::{SpeedLoop, SpeedLoopConfig};
use balance_core::motor::foc::{CurrentLoop, CurrentLoopConfig, CurrentLoopInput, Dq, Machine};
use balance_core::signal::delay::Delay;
use nalgebra_0_35::SMatrix;

pub fn add(board: &mut Board) {
    in_all_types!(board, "pid", PidSubject, within 1e-4, 2e-3);
    in_all_types!(board, "pid_back_calculation", BackCalculation, within 1e-4, 2e-3);
    in_all_types!(board, "cascade", CascadeSubject, within 1e-4, 2e-3);
    in_floats!(board, "mpc", MpcSubject, within 1e-2);
    in_all_types!(board, "speed_loop", SpeedLoopSubject, within 1e-3, 2e-3);
    in_all_types!(board, "current_loop", CurrentLoopSubject, within 1e-3, 2e-2);
    in_all_types!(board, "lean_pid", LeanSubject, within 1e-4, 2e-3);
    in_all_types!(board, "gain_schedule", ScheduleSubject, within 1e-4, 2e-3);
    in_all_types!(board, "smith_predictor", SmithSubject, within 1e-4, 2e-3);
    in_all_types!(board, "disturbance_observer", ObserverSubject, within 1e-3, 2e-3);
    in_all_types!(board, "dc_current_loop", DcCurrentSubject, within 1e-3, 2e-3);
    in_all_types!(board, "state_feedback", StateFeedbackSubject, within 1e-4, 2e-3);
}

fn settings<P: Float>(t: &ControllerTuning) -> PidConfig<P> {
    PidConfig {
        kp: P::lit(t.kp),
        ki: P::lit(t.ki),
        kd: P::lit(t.kd),
        output_min: P::lit(t.output_min),
        output_max: P::lit(t.output_max),
        ..PidConfig::default()
    }
}

struct PidSubject<T: Scalar>(Pid<T>);
impl<T: Scalar> Subject for PidSubject<T> {
    type Kind = Controller;
    const RESOLUTION: f64 = RESOLUTION;
    fn new(t: &ControllerTuning) -> Self {
        Self(settings(t).build(param::<T>(t.dt)).expect("a good tuning"))
    }
    fn step(&mut self, s: &ControllerSample) -> f64 {
        let input = PidInput::new(scalar(s.setpoint), scalar(s.measured));
        number(self.0.step_with(&input.with_dt(param::<T>(s.dt))).total)
    }
    fn reset(&mut self) -> Supported {
        self.0.reset();
        Supported::Yes
    }
    fn retune(&mut self, t: &ControllerTuning) -> Supported {
        self.0.retune(&settings(t)).expect("a good tuning");
        Supported::Yes
    }
}

/// All that a PID has: filtered derivative, both setpoint weights, slew limit, back-calculation.
struct BackCalculation<T: Scalar>(Pid<T>);
fn all_settings<P: Float>(t: &ControllerTuning) -> PidConfig<P> {
    PidConfig {
        setpoint_weight: P::lit(0.7),
        derivative_setpoint_weight: P::lit(0.1),
        derivative_cutoff_hz: Some(P::lit(10.0)),
        slew_per_s: Some(P::lit(2000.0)),
        anti_windup: AntiWindup::BackCalculation {
            tracking_time: P::lit(0.1),
        },
        ..settings(t)
    }
}
impl<T: Scalar> Subject for BackCalculation<T> {
    type Kind = Controller;
    const RESOLUTION: f64 = RESOLUTION;
    fn new(t: &ControllerTuning) -> Self {
        Self(
            all_settings(t)
                .build(param::<T>(t.dt))
                .expect("a good tuning"),
        )
    }
    fn step(&mut self, s: &ControllerSample) -> f64 {
        let input = PidInput::new(scalar(s.setpoint), scalar(s.measured));
        number(self.0.step_with(&input.with_dt(param::<T>(s.dt))).total)
    }
    fn reset(&mut self) -> Supported {
        self.0.reset();
        Supported::Yes
    }
    fn retune(&mut self, t: &ControllerTuning) -> Supported {
        self.0.retune(&all_settings(t)).expect("a good tuning");
        Supported::Yes
    }
}

/// Both loops with an integral, on the plant's only quantity. An inner loop without one would let
/// a change of its gain through to the output, as its documentation says.
struct CascadeSubject<T: Scalar>(Cascade<T>);
fn cascade_settings<P: Float>(t: &ControllerTuning) -> CascadeConfig<P> {
    CascadeConfig {
        outer: PidConfig {
            kp: P::lit(0.5),
            ki: P::one(),
            output_min: P::lit(-100.0),
            output_max: P::lit(100.0),
            ..PidConfig::default()
        },
        inner: settings(t),
        outer_every: 2,
    }
}
impl<T: Scalar> Subject for CascadeSubject<T> {
    type Kind = Controller;
    const RESOLUTION: f64 = RESOLUTION;
    fn new(t: &ControllerTuning) -> Self {
        Self(
            cascade_settings(t)
                .build(param::<T>(t.dt))
                .expect("a good tuning"),
        )
    }
    fn step(&mut self, s: &ControllerSample) -> f64 {
        let dt = param::<T>(s.dt);
        let outer = PidInput::new(scalar(s.setpoint), scalar(s.measured));
        let inner = PidInput::new(T::zero(), scalar(s.measured));
        let input = CascadeInput {
            outer: outer.with_dt(dt),
            inner: inner.with_dt(dt),
        };
        number(self.0.step_with(&input).inner.total)
    }
    fn reset(&mut self) -> Supported {
        self.0.reset();
        Supported::Yes
    }
    fn retune(&mut self, t: &ControllerTuning) -> Supported {
        self.0.retune(&cascade_settings(t)).expect("a good tuning");
        Supported::Yes
    }
}

struct StateFeedbackSubject<T: Scalar>(StateFeedback<T, 1>);
fn feedback_settings<P: Float>(t: &ControllerTuning) -> StateFeedbackConfig<P, 1> {
    StateFeedbackConfig {
        gain: [P::lit(t.kp)],
        integral: Some(FeedbackIntegral {
            gain: P::lit(t.ki),
            of: IntegralOf::State(0),
            limit: P::lit(t.output_max),
        }),
        output_min: P::lit(t.output_min),
        output_max: P::lit(t.output_max),
    }
}
impl<T: Scalar> Subject for StateFeedbackSubject<T> {
    type Kind = Controller;
    const RESOLUTION: f64 = RESOLUTION;
    const TAKES_DT: bool = false;
    fn new(t: &ControllerTuning) -> Self {
        Self(
            feedback_settings(t)
                .build(param::<T>(t.dt))
                .expect("a good tuning"),
        )
    }
    fn step(&mut self, s: &ControllerSample) -> f64 {
        let input = StateFeedbackInput {
            state: [scalar(s.measured)],
            reference: [scalar(s.setpoint)],
            feedforward: T::zero(),
            deviation: T::zero(),
        };
        number(self.0.step_with(&input).total)
    }
    fn reset(&mut self) -> Supported {
        self.0.reset();
        Supported::Yes
    }
    fn retune(&mut self, t: &ControllerTuning) -> Supported {
        self.0.retune(&feedback_settings(t)).expect("a good tuning");
        Supported::Yes
    }
}

/// The motor is the plant: its torque current is what is measured, the rotor stands.
struct CurrentLoopSubject<T: Scalar>(CurrentLoop<T>);
/// Of which 10 V are left in every direction, the limit of the kit's controllers.
const BUS_VOLTAGE: f64 = 17.320_508_075_688_77;
fn current_settings<P: Float>(t: &ControllerTuning) -> CurrentLoopConfig<P> {
    let inductance = P::lit(t.plant.time_constant / t.plant.gain);
    CurrentLoopConfig {
        machine: Machine {
            resistance: P::lit(1.0 / t.plant.gain),
            inductance_d: inductance,
            inductance_q: inductance,
            ..Machine::gimbal()
        },
        bandwidth: P::lit(5.0 * t.kp),
        min_bus_voltage: P::lit(10.0),
        max_bus_voltage: P::lit(BUS_VOLTAGE),
        ..CurrentLoopConfig::default()
    }
}
impl<T: Real> Subject for CurrentLoopSubject<T> {
    type Kind = Controller;
    const RESOLUTION: f64 = RESOLUTION;
    const TAKES_DT: bool = false;
    fn new(t: &ControllerTuning) -> Self {
        let current_loop = current_settings(t).build(param::<T>(t.dt));
        Self(current_loop.expect("a good tuning"))
    }
    fn step(&mut self, s: &ControllerSample) -> f64 {
        let output = self.0.step(&CurrentLoopInput {
            phase_currents: [T::zero(), scalar(0.75_f64.sqrt() * s.measured)],
            angle: T::zero(),
            speed: T::zero(),
            bus_voltage: scalar(BUS_VOLTAGE),
            reference: Dq::new(T::zero(), scalar(s.setpoint)),
        });
        number(output.voltage.q)
    }
    fn reset(&mut self) -> Supported {
        self.0.reset();
        Supported::Yes
    }
    fn retune(&mut self, t: &ControllerTuning) -> Supported {
        self.0.retune(&current_settings(t)).expect("a good tuning");
        Supported::Yes
    }
}

/// It knows the plant, and the input that holds the setpoint.
struct MpcSubject<P: Float> {
    mpc: Mpc<P, 1, 1, 10>,
    gain: f64,
}
fn mpc_settings<P: Float>(t: &ControllerTuning) -> MpcConfig<P, 1, 1> {
    let share = t.dt / t.plant.time_constant;
    let model = DiscreteModel {
        a: SMatrix::from([[P::lit(1.0 - share)]]),
        b: SMatrix::from([[P::lit(share * t.plant.gain)]]),
        dt: P::lit(t.dt),
    };
    MpcConfig {
        input_min: [P::lit(t.output_min)],
        input_max: [P::lit(t.output_max)],
        ..MpcConfig::new(
            model,
            LqrConfig::from_limits([P::lit(1.0 / t.kp)], [P::one()]),
        )
    }
}
impl<P: Float> Subject for MpcSubject<P> {
    type Kind = Controller;
    const RESOLUTION: f64 = RESOLUTION;
    const TAKES_DT: bool = false;
    fn new(t: &ControllerTuning) -> Self {
        Self {
            mpc: mpc_settings(t).build().expect("a good tuning"),
            gain: t.plant.gain,
        }
    }
    fn step(&mut self, s: &ControllerSample) -> f64 {
        let holding = scalar(s.setpoint / self.gain);
        let reference = MpcReference::constant([scalar(s.setpoint)], [holding]);
        number(
            self.mpc
                .step_toward(&[scalar(s.measured)], &reference)
                .input[0],
        )
    }
    fn reset(&mut self) -> Supported {
        self.mpc.reset();
        Supported::Yes
    }
    fn retune(&mut self, t: &ControllerTuning) -> Supported {
        self.mpc.retune(&mpc_settings(t)).expect("a good tuning");
        Supported::Yes
    }
}

/// The plant is a wheel with a brake: the output a torque, the measured value its speed.
struct SpeedLoopSubject<T: Scalar>(SpeedLoop<T>);
fn speed_settings<P: Float>(t: &ControllerTuning) -> SpeedLoopConfig<P> {
    SpeedLoopConfig {
        inertia: P::lit(t.plant.time_constant / t.plant.gain),
        torque_constant: P::one(),
        bandwidth: P::lit(4.0 * t.kp),
        max_current: P::lit(t.output_max),
    }
}
impl<T: Scalar> Subject for SpeedLoopSubject<T> {
    type Kind = Controller;
    const RESOLUTION: f64 = RESOLUTION;
    const TAKES_DT: bool = false;
    fn new(t: &ControllerTuning) -> Self {
        Self(
            speed_settings(t)
                .build(param::<T>(t.dt))
                .expect("a good tuning"),
        )
    }
    fn step(&mut self, s: &ControllerSample) -> f64 {
        number(self.0.step(scalar(s.setpoint), scalar(s.measured)).current)
    }
    fn reset(&mut self) -> Supported {
        self.0.reset();
        Supported::Yes
    }
    fn retune(&mut self, t: &ControllerTuning) -> Supported {
        self.0.retune(&speed_settings(t)).expect("a good tuning");
        Supported::Yes
    }
}

struct LeanSubject<T: Scalar>(LeanPid<T>);
fn lean_settings<P: Float>(t: &ControllerTuning) -> LeanPidConfig<P> {
    LeanPidConfig {
        kp: P::lit(t.kp),
        ki: P::lit(t.ki),
        kd: P::lit(t.kd),
        derivative_cutoff_hz: Some(P::lit(20.0)),
        output_min: P::lit(t.output_min),
        output_max: P::lit(t.output_max),
    }
}
impl<T: Scalar> Subject for LeanSubject<T> {
    type Kind = Controller;
    const RESOLUTION: f64 = RESOLUTION;
    const TAKES_DT: bool = false;
    fn new(t: &ControllerTuning) -> Self {
        Self(
            lean_settings(t)
                .build(param::<T>(t.dt))
                .expect("a good tuning"),
        )
    }
    fn step(&mut self, s: &ControllerSample) -> f64 {
        number(self.0.step(scalar(s.setpoint), scalar(s.measured)))
    }
    fn reset(&mut self) -> Supported {
        self.0.reset();
        Supported::Yes
    }
    fn retune(&mut self, t: &ControllerTuning) -> Supported {
        self.0.retune(&lean_settings(t)).expect("a good tuning");
        Supported::Yes
    }
}

/// A PID of which the measured value is the scheduling variable too: half the gain at 2.
struct ScheduleSubject<T: Scalar>(GainSchedule<Pid<T>, 2>);
fn schedule_settings<P: Float>(t: &ControllerTuning) -> GainScheduleConfig<P, PidConfig<P>, 2> {
    let settings = [t.kp, 0.5 * t.kp].map(|kp| settings(&ControllerTuning { kp, ..*t }));
    GainScheduleConfig::new([P::lit(-2.0), P::lit(2.0)], settings)
}
impl<T: Scalar> Subject for ScheduleSubject<T> {
    type Kind = Controller;
    const RESOLUTION: f64 = RESOLUTION;
    fn new(t: &ControllerTuning) -> Self {
        Self(
            schedule_settings(t)
                .build(param::<T>(t.dt))
                .expect("a good tuning"),
        )
    }
    fn step(&mut self, s: &ControllerSample) -> f64 {
        let measured: T = scalar(s.measured);
        let variable = if measured < T::zero() {
            -measured
        } else {
            measured
        };
        let input = PidInput::new(scalar(s.setpoint), measured).with_dt(param::<T>(s.dt));
        number(self.0.step(variable, input).total)
    }
    fn reset(&mut self) -> Supported {
        self.0.reset();
        Supported::Yes
    }
    fn retune(&mut self, t: &ControllerTuning) -> Supported {
        self.0.retune(&schedule_settings(t)).expect("a good tuning");
        Supported::Yes
    }
}

/// A PID behind the predictor; what is measured is heard of three periods later.
struct SmithSubject<T: Scalar> {
    late: Delay<T, 3>,
    predictor: SmithPredictor<T, 4>,
    pid: Pid<T>,
    output: T,
}
impl<T: Scalar> Subject for SmithSubject<T> {
    type Kind = Controller;
    const RESOLUTION: f64 = RESOLUTION;
    const TAKES_DT: bool = false;
    fn new(t: &ControllerTuning) -> Self {
        let model = SmithPredictorConfig {
            gain: param::<T>(t.plant.gain),
            time_constant: param::<T>(t.plant.time_constant),
            delay: param::<T>(3.0 * t.dt),
        };
        Self {
            late: Delay::new(),
            predictor: model.build(param::<T>(t.dt)).expect("a good tuning"),
            pid: settings(t).build(param::<T>(t.dt)).expect("a good tuning"),
            output: T::zero(),
        }
    }
    fn step(&mut self, s: &ControllerSample) -> f64 {
        let measured: T = scalar(s.measured);
        if measured.is_usable() {
            let seen = self.predictor.step(self.late.step(measured), self.output);
            self.output = self.pid.step(scalar(s.setpoint), seen).total;
        }
        number(self.output)
    }
    fn reset(&mut self) -> Supported {
        self.late.reset();
        self.predictor.reset();
        self.pid.reset();
        self.output = T::zero();
        Supported::Yes
    }
    fn retune(&mut self, t: &ControllerTuning) -> Supported {
        self.pid.retune(&settings(t)).expect("a good tuning");
        Supported::Yes
    }
}

/// A proportional controller with the output that holds the setpoint, and the observer in place of
/// an integral.
struct ObserverSubject<T: Scalar> {
    observer: DisturbanceObserver<T>,
    pid: Pid<T>,
    holding: T::Gain,
    limit: T,
    disturbance: T,
    output: T,
}
impl<T: Scalar> Subject for ObserverSubject<T> {
    type Kind = Controller;
    const RESOLUTION: f64 = RESOLUTION;
    const TAKES_DT: bool = false;
    fn new(t: &ControllerTuning) -> Self {
        let model = DisturbanceObserverConfig {
            plant: NominalPlant::FirstOrder {
                input_gain: param::<T>(t.plant.gain / t.plant.time_constant),
                decay: param::<T>(1.0 / t.plant.time_constant),
            },
            bandwidth: param::<T>(10.0),
            limit: param::<T>(t.output_max),
        };
        let plain = ControllerTuning {
            ki: 0.0,
            kd: 0.0,
            ..*t
        };
        Self {
            observer: model.build(param::<T>(t.dt)).expect("a good tuning"),
            pid: settings(&plain)
                .build(param::<T>(t.dt))
                .expect("a good tuning"),
            holding: T::gain(param::<T>(1.0 / t.plant.gain)),
            limit: scalar(t.output_max),
            disturbance: T::zero(),
            output: T::zero(),
        }
    }
    fn step(&mut self, s: &ControllerSample) -> f64 {
        let (setpoint, measured): (T, T) = (scalar(s.setpoint), scalar(s.measured));
        if setpoint.is_usable() && measured.is_usable() {
            self.disturbance = self.observer.step(measured, self.output).disturbance;
            let input = PidInput::new(setpoint, measured)
                .with_feedforward(setpoint.scale(self.holding) - self.disturbance);
            self.output = self.pid.step_with(&input).total;
            self.output = self.output.limit(-self.limit, self.limit);
        }
        number(self.output)
    }
    fn reset(&mut self) -> Supported {
        self.observer.reset();
        self.pid.reset();
        (self.disturbance, self.output) = (T::zero(), T::zero());
        Supported::Yes
    }
    fn retune(&mut self, t: &ControllerTuning) -> Supported {
        let plain = ControllerTuning {
            ki: 0.0,
            kd: 0.0,
            ..*t
        };
        self.pid.retune(&settings(&plain)).expect("a good tuning");
        Supported::Yes
    }
}

/// The winding is the plant, the rotor stands.
struct DcCurrentSubject<T: Scalar> {
    control: DcCurrentLoop<T>,
    supply: T,
}
fn dc_current_settings<P: Float>(t: &ControllerTuning) -> DcCurrentLoopConfig<P> {
    DcCurrentLoopConfig {
        resistance: P::lit(1.0 / t.plant.gain),
        inductance: P::lit(t.plant.time_constant / t.plant.gain),
        bandwidth: P::lit(5.0 * t.kp),
        max_current: P::lit(100.0),
        ..DcCurrentLoopConfig::default()
    }
}
impl<T: Scalar> Subject for DcCurrentSubject<T> {
    type Kind = Controller;
    const RESOLUTION: f64 = RESOLUTION;
    const TAKES_DT: bool = false;
    fn new(t: &ControllerTuning) -> Self {
        let control = dc_current_settings(t).build(param::<T>(t.dt));
        Self {
            control: control.expect("a good tuning"),
            supply: scalar(t.output_max),
        }
    }
    fn step(&mut self, s: &ControllerSample) -> f64 {
        let output = self.control.step(&DcCurrentLoopInput {
            reference: scalar(s.setpoint),
            current: scalar(s.measured),
            speed: T::zero(),
            supply: self.supply,
        });
        number(output.voltage)
    }
    fn reset(&mut self) -> Supported {
        self.control.reset();
        Supported::Yes
    }
    fn retune(&mut self, t: &ControllerTuning) -> Supported {
        self.control
            .retune(&dc_current_settings(t))
            .expect("a good tuning");
        Supported::Yes
    }
}
