//! What every controller promises, for random tunings, plants and inputs: bounded, no windup, no
//! error that stays, no jump when it is tuned; profiles within their limits, and an MPC within its
//! box.

// In a test an unwrap is an assertion.
#![allow(clippy::unwrap_used)]

use balance_core::control::adrc::{Adrc, AdrcConfig};
use balance_core::control::cascade::{Cascade, CascadeConfig};
use balance_core::control::design::{DiscreteModel, LqrConfig};
use balance_core::control::disturbance_observer::{
    DisturbanceObserver, DisturbanceObserverConfig, NominalPlant,
};
use balance_core::control::feedforward::{
    MotorFeedforward, MotorFeedforwardConfig, TiltFeedforward, TiltFeedforwardConfig,
};
use balance_core::control::gain_schedule::{GainSchedule, GainScheduleConfig};
use balance_core::control::lean_pid::{LeanPid, LeanPidConfig};
use balance_core::control::luenberger::{Luenberger, LuenbergerConfig};
use balance_core::control::mpc::{Mpc, MpcConfig, MpcStatus};
use balance_core::control::pid::{AntiWindup, Pid, PidConfig, PidInput};
use balance_core::control::profile::Goal;
use balance_core::control::profile::s_curve::{SCurve, SCurveConfig};
use balance_core::control::profile::trapezoid::{Trapezoid, TrapezoidConfig};
use balance_core::control::smith_predictor::{SmithPredictor, SmithPredictorConfig};
use balance_core::control::state_feedback::{
    FeedbackIntegral, IntegralOf, StateFeedback, StateFeedbackConfig, StateFeedbackInput,
};
use balance_core::math::{Float, Q12, Real, Scalar};
use balance_core::robot::RobotParameters;
use nalgebra::{Matrix1, Matrix1x2, Matrix2, SMatrix, Vector2};
use proptest::prelude::*;

const DT: f64 = 0.01;
const LIMIT: f64 = 10.0;

/// A PI controller and the plant it is for: `time · dy/dt = gain (u + load) − y`.
#[derive(Clone, Copy, Debug)]
struct Scene {
    kp: f64,
    integral_time: f64,
    gain: f64,
    time: f64,
}

fn scene() -> impl Strategy<Value = Scene> {
    (0.5..4.0, 0.25..1.0, 0.5..2.0, 0.1..1.0).prop_map(|(kp, integral_time, gain, time)| Scene {
        kp,
        integral_time,
        gain,
        time,
    })
}

impl Scene {
    fn pid<P: Float>(&self, anti_windup: AntiWindup<P>) -> PidConfig<P> {
        PidConfig {
            kp: P::lit(self.kp),
            ki: P::lit(self.kp / self.integral_time),
            output_min: P::lit(-LIMIT),
            output_max: P::lit(LIMIT),
            anti_windup,
            ..Default::default()
        }
    }
    fn lean<P: Float>(&self) -> LeanPidConfig<P> {
        LeanPidConfig {
            kp: P::lit(self.kp),
            ki: P::lit(self.kp / self.integral_time),
            output_min: P::lit(-LIMIT),
            output_max: P::lit(LIMIT),
            ..Default::default()
        }
    }
    fn feedback<P: Float>(&self) -> StateFeedbackConfig<P, 1> {
        StateFeedbackConfig {
            gain: [P::lit(self.kp)],
            integral: Some(FeedbackIntegral {
                gain: P::lit(self.kp / self.integral_time),
                of: IntegralOf::State(0),
                limit: P::lit(LIMIT),
            }),
            output_min: P::lit(-LIMIT),
            output_max: P::lit(LIMIT),
        }
    }
    /// Half the gain at a measured value of 3.
    fn schedule<P: Float>(&self) -> GainScheduleConfig<P, PidConfig<P>, 2> {
        let half = Scene {
            kp: 0.5 * self.kp,
            ..*self
        };
        let settings = [self, &half].map(|scene| scene.pid(AntiWindup::Conditional));
        GainScheduleConfig::new([P::lit(-3.0), P::lit(3.0)], settings)
    }
    fn back_calculation<P: Float>(&self) -> AntiWindup<P> {
        AntiWindup::BackCalculation {
            tracking_time: P::lit(self.integral_time),
        }
    }
    fn step(&self, y: &mut f64, input: f64) {
        *y += DT / self.time * (self.gain * input - *y);
    }
}

/// From setpoint and measured value to output.
type Controller = Box<dyn FnMut(f64, f64) -> f64>;

fn number<T: Scalar>(x: T) -> f64 {
    x.to_param().to_f64()
}
fn scalar<T: Scalar>(x: f64) -> T {
    T::from_param(T::Param::lit(x))
}
fn dt<T: Scalar>() -> T::Param {
    T::Param::lit(DT)
}

/// Every controller with an integral, of the same tuning.
fn with_integral<T: Scalar>(scene: &Scene) -> Vec<(&'static str, Controller)> {
    let pid = |anti_windup| -> Controller {
        let mut pid: Pid<T> = scene.pid(anti_windup).build(dt::<T>()).unwrap();
        Box::new(move |r, y| number(pid.step(scalar(r), scalar(y)).total))
    };
    let mut lean: LeanPid<T> = scene.lean().build(dt::<T>()).unwrap();
    let mut feedback: StateFeedback<T, 1> = scene.feedback().build(dt::<T>()).unwrap();
    let mut schedule: GainSchedule<Pid<T>, 2> = scene.schedule().build(dt::<T>()).unwrap();
    vec![
        ("conditional", pid(AntiWindup::Conditional)),
        ("back calculation", pid(scene.back_calculation())),
        (
            "lean",
            Box::new(move |r, y| number(lean.step(scalar(r), scalar(y)))),
        ),
        (
            "state feedback",
            Box::new(move |r, y| {
                let input = StateFeedbackInput {
                    state: [scalar::<T>(y)],
                    reference: [scalar(r)],
                    feedforward: T::zero(),
                    deviation: T::zero(),
                };
                number(feedback.step_with(&input).total)
            }),
        ),
        (
            "schedule",
            Box::new(move |r, y| {
                let input = PidInput::new(scalar(r), scalar(y));
                number(schedule.step(scalar(y), input).total)
            }),
        ),
    ]
}

/// Periods at a limit after the error has changed its sign.
fn recovery(scene: &Scene, control: &mut Controller, held: usize) -> usize {
    let (mut y, mut u) = (0.0, 0.0);
    for _ in 0..held {
        scene.step(&mut y, u);
        // Out of reach: with all it has it gets to 20 at most.
        u = control(50.0, y);
    }
    assert!(u > LIMIT - 1e-3, "{u}");
    let below = y - 0.2;
    (0..20_000)
        .find(|_| {
            scene.step(&mut y, u);
            u = control(below, y);
            u < LIMIT - 1e-3
        })
        .unwrap_or(20_000)
}

fn no_windup<T: Scalar>(scene: &Scene, held: usize) {
    for (name, mut control) in with_integral::<T>(scene) {
        let seconds = recovery(scene, &mut control, held) as f64 * DT;
        assert!(
            seconds <= scene.integral_time,
            "{} {name}: {seconds} s",
            T::NAME
        );
    }
}

#[test]
fn a_textbook_integral_winds_up() {
    let scene = Scene {
        kp: 1.0,
        integral_time: 0.5,
        gain: 1.0,
        time: 0.5,
    };
    let mut pid: Pid<f64> = scene.pid(AntiWindup::None).build(DT).unwrap();
    let mut control: Controller = Box::new(move |r, y| pid.step(r, y).total);
    assert!(recovery(&scene, &mut control, 500) as f64 * DT > 10.0 * scene.integral_time);
}

fn no_error_stays<T: Scalar>(scene: &Scene, setpoint: f64, load: f64) {
    let mut controllers = with_integral::<T>(scene);
    let model = DisturbanceObserverConfig {
        plant: NominalPlant::FirstOrder {
            input_gain: T::Param::lit(scene.gain / scene.time),
            decay: T::Param::lit(1.0 / scene.time),
        },
        bandwidth: T::Param::lit(10.0),
        limit: T::Param::lit(LIMIT),
    };
    // Proportional alone, with what the model says holds the setpoint.
    let mut observer: DisturbanceObserver<T> = model.build(dt::<T>()).unwrap();
    let (kp, gain, mut last) = (scene.kp, scene.gain, 0.0);
    controllers.push((
        "disturbance observer",
        Box::new(move |r, y| {
            let d = number(observer.step(scalar(y), scalar(last)).disturbance);
            last = (kp * (r - y) + r / gain - d).clamp(-LIMIT, LIMIT);
            last
        }),
    ));
    for (name, mut control) in controllers {
        let (mut y, mut u) = (0.0, 0.0);
        for _ in 0..12_000 {
            scene.step(&mut y, u + load);
            u = control(setpoint, y);
        }
        let error = setpoint - y;
        assert!(error.abs() < 2e-3, "{} {name}: {error}", T::NAME);
    }
}

fn no_error_stays_behind_a_delay<T: Scalar>(scene: &Scene, setpoint: f64, load: f64, delay: usize) {
    let model = SmithPredictorConfig {
        gain: T::Param::lit(scene.gain),
        time_constant: T::Param::lit(scene.time),
        delay: T::Param::lit(DT * delay as f64),
    };
    let mut predictor: SmithPredictor<T, 40> = model.build(dt::<T>()).unwrap();
    let mut pid: Pid<T> = scene.pid(AntiWindup::Conditional).build(dt::<T>()).unwrap();
    let mut past = vec![0.0; delay];
    let (mut y, mut u, mut measured) = (0.0, T::zero(), 0.0);
    for tick in 0..15_000 {
        // Sampled exactly, as the model is.
        let share = 1.0 - (-DT / scene.time).exp();
        y += share * (scene.gain * (number(u) + load) - y);
        measured = std::mem::replace(&mut past[tick % delay], y);
        let seen = predictor.step(scalar(measured), u);
        u = pid.step(scalar(setpoint), seen).total;
    }
    let error = setpoint - measured;
    assert!(error.abs() < 3e-3, "{}: {error}", T::NAME);
}

fn no_error_stays_with_adrc<T: Scalar>(b: f64, bandwidth: f64, load: f64) {
    // What it knows of the input is off by up to a third.
    let config = AdrcConfig {
        input_gain: T::Param::lit(10.0),
        bandwidth: T::Param::lit(bandwidth),
        observer_bandwidth: T::Param::lit(6.0 * bandwidth),
        output_min: T::Param::lit(-LIMIT),
        output_max: T::Param::lit(LIMIT),
    };
    let mut adrc: Adrc<T> = config.build(dt::<T>()).unwrap();
    let (mut y, mut v) = (0.0, 0.0);
    for _ in 0..6000 {
        let u = number(adrc.step(scalar(1.0), scalar(y)).total);
        v += DT * b * (u + load);
        y += DT * v;
    }
    assert!((y - 1.0).abs() < 3e-3, "{}: {y}", T::NAME);
}

/// Neither output of a retuned controller is farther from the last than its integral takes it.
fn no_jump<T: Scalar>(old: &Scene, new: &Scene, ticks: usize, slack: f64) {
    let wide = |scene: &Scene| PidConfig {
        output_min: T::Param::lit(-500.0),
        output_max: T::Param::lit(500.0),
        ..scene.pid::<T::Param>(AntiWindup::Conditional)
    };
    let lean = |scene: &Scene| LeanPidConfig {
        output_min: T::Param::lit(-500.0),
        output_max: T::Param::lit(500.0),
        ..scene.lean::<T::Param>()
    };
    let cascade = |scene: &Scene| CascadeConfig {
        outer: wide(scene),
        inner: wide(scene),
        outer_every: 1,
    };
    let mut pid: Pid<T> = wide(old).build(dt::<T>()).unwrap();
    let mut leaner: LeanPid<T> = lean(old).build(dt::<T>()).unwrap();
    let mut both: Cascade<T> = cascade(old).build(dt::<T>()).unwrap();
    let (mut y, mut u, r) = (0.0, 0.0, 2.0);
    for _ in 0..ticks {
        old.step(&mut y, u);
        u = number(pid.step(scalar(r), scalar(y)).total);
        leaner.step(scalar(r), scalar(y));
        both.step(scalar(r), scalar(y), scalar(0.5 * y));
    }
    let before = [number(pid.output().total), number(leaner.output())];
    let last = both.step(scalar(r), scalar(y), scalar(0.5 * y));
    let (outer, again) = (number(last.outer.total), number(last.inner.total));
    pid.retune(&wide(new)).unwrap();
    leaner.retune(&lean(new)).unwrap();
    both.retune(&cascade(new)).unwrap();
    let after = [
        number(pid.step(scalar(r), scalar(y)).total),
        number(leaner.step(scalar(r), scalar(y))),
        number(both.step(scalar(r), scalar(y), scalar(0.5 * y)).inner.total),
    ];
    let ki = new.kp / new.integral_time;
    let grown = ki * DT * (r - y).abs();
    let inner = new.kp * grown + ki * DT * ((outer - 0.5 * y).abs() + grown);
    for (name, jump, most) in [
        ("pid", after[0] - before[0], grown),
        ("lean", after[1] - before[1], grown),
        ("cascade", after[2] - again, inner),
    ] {
        assert!(
            jump.abs() <= 1.01 * most + slack,
            "{} {name}: {jump} {most}",
            T::NAME
        );
    }
}

fn value() -> impl Strategy<Value = f32> {
    prop_oneof![
        6 => -3.0_f32..3.0,
        1 => prop::sample::select(vec![
            f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, 1e30, 9e18, -9e18,
            1e-40, -0.0, 2047.9, -2048.0,
        ]),
    ]
}

fn bounded<T: Real<Param = f32>>(scene: &Scene, samples: &[[f32; 3]]) {
    let dt = DT as f32;
    let wide = |x: f32| T::from_param(x);
    let mut lean: LeanPid<T> = scene.lean().build(dt).unwrap();
    let mut feedback: StateFeedback<T, 1> = scene.feedback().build(dt).unwrap();
    let mut schedule: GainSchedule<Pid<T>, 2> = scene.schedule().build(dt).unwrap();
    let mut adrc: Adrc<T> = AdrcConfig {
        output_min: -10.0,
        output_max: 10.0,
        ..Default::default()
    }
    .build(dt)
    .unwrap();
    let second_order = NominalPlant::SecondOrder {
        input_gain: 20.0,
        damping: 3.0,
        stiffness: -40.0,
    };
    let mut observers = [
        NominalPlant::FirstOrder {
            input_gain: 2.0,
            decay: 1.0,
        },
        second_order,
    ]
    .map(|plant| {
        let config = DisturbanceObserverConfig {
            plant,
            limit: 10.0,
            ..Default::default()
        };
        config.build::<T>(dt).unwrap()
    });
    let mut predictor: SmithPredictor<T, 12> = SmithPredictorConfig {
        time_constant: 0.2,
        ..Default::default()
    }
    .build(dt)
    .unwrap();
    let model = DiscreteModel {
        a: Matrix2::new(1.002, 0.01, 0.4, 1.0),
        b: Vector2::new(0.0004, 0.08),
        dt,
    };
    let mut luenberger: Luenberger<T, 2, 1, 1> = LuenbergerConfig {
        model,
        output: Matrix1x2::new(1.0, 0.0),
        gain: Vector2::new(0.4, 6.0),
    }
    .build()
    .unwrap();
    let mut motor: MotorFeedforward<T> = MotorFeedforwardConfig {
        max_voltage: 10.0,
        ..Default::default()
    }
    .build(dt)
    .unwrap();
    let robot = RobotParameters::pico_kit();
    let mut tilt: TiltFeedforward<T> = TiltFeedforwardConfig {
        body: robot.body,
        motor: robot.motor,
        max_pitch: 0.3,
    }
    .build()
    .unwrap();
    let within = |name: &str, x: T| {
        let x = number(x);
        assert!(x.abs() <= LIMIT, "{} {name}: {x}", T::NAME);
    };
    for [r, y, other] in samples.iter().map(|sample| sample.map(wide)) {
        within("lean", lean.step(r, y));
        let input = StateFeedbackInput {
            state: [y],
            reference: [r],
            feedforward: other,
            deviation: other,
        };
        within("state feedback", feedback.step_with(&input).total);
        let input = PidInput::new(r, y).with_feedforward(other);
        within("schedule", schedule.step(other, input).total);
        within("adrc", adrc.step(r, y).total);
        for observer in &mut observers {
            within("disturbance", observer.step(y, other).disturbance);
        }
        within("motor", motor.step(r, other));
        assert!(number(tilt.step(r, other).pitch).abs() < 0.301);
        assert!(number(predictor.step(y, other)).is_finite());
        let estimate = luenberger.step(&[y], &[other]).estimate;
        assert!(estimate.into_iter().all(|x| number(x).is_finite()));
    }
    // And all of it is forgotten: what rest answers with is near zero again.
    for _ in 0..4000 {
        luenberger.step(&[T::zero()], &[T::zero()]);
        predictor.step(T::zero(), T::zero());
        for observer in &mut observers {
            observer.step(T::zero(), T::zero());
        }
    }
    let settled = [
        luenberger.estimate()[0],
        predictor.step(T::zero(), T::zero()),
        observers[0].output().disturbance,
        observers[1].output().disturbance,
    ];
    for left in settled {
        assert!(number(left).abs() < 0.02, "{} {settled:?}", T::NAME);
    }
}

fn profiles_keep_their_limits<T: Scalar>(limits: [f64; 3], goals: &[(f64, f64, usize)], ulp: f64) {
    let [speed, acceleration, jerk] = limits.map(T::Param::lit);
    let mut trapezoid: Trapezoid<T> = TrapezoidConfig {
        speed,
        acceleration,
    }
    .build(dt::<T>())
    .unwrap();
    let mut s_curve: SCurve<T> = SCurveConfig {
        speed,
        acceleration,
        jerk,
    }
    .build(dt::<T>())
    .unwrap();
    let [speed, acceleration, jerk] = limits;
    let mut last = [trapezoid.motion(), s_curve.motion()];
    // Each goal starts from wherever the one before has taken the motion.
    for (position, arrival, ticks) in goals {
        let goal = Goal {
            position: scalar::<T>(*position),
            speed: scalar(arrival * speed),
        };
        for _ in 0..*ticks {
            let now = [trapezoid.step(goal), s_curve.step(goal)];
            for (kind, (now, last)) in now.iter().zip(&last).enumerate() {
                let (v, a) = (number(now.speed), number(now.acceleration));
                let said = format!("{} {kind} {goal:?} {now:?} {last:?}", T::NAME);
                assert!(v.abs() <= speed * (1.0 + 1e-5) + ulp, "speed: {said}");
                assert!(
                    a.abs() <= acceleration * (1.0 + 1e-5) + ulp,
                    "acceleration: {said}"
                );
                let dv = (v - number(last.speed)) / DT;
                let slack = 2.0 * ulp / DT + 1e-4 * acceleration;
                assert!(dv.abs() <= acceleration + slack, "change of speed: {said}");
                if kind == 1 {
                    let da = (a - number(last.acceleration)) / DT;
                    let slack = 2.0 * ulp / DT + 1e-3 * jerk;
                    assert!(da.abs() <= jerk + slack, "jerk: {said}");
                }
            }
            last = now;
        }
    }
}

/// A second-order plant with random physics under box constraints.
fn mpc<P: Float>(spring: f64, weights: [f64; 3], most: f64, start: [f64; 2], states: &[[f64; 2]]) {
    let config = MpcConfig {
        input_min: [P::lit(-most)],
        input_max: [P::lit(0.7 * most)],
        ..MpcConfig::new(
            DiscreteModel {
                a: Matrix2::new(1.0, 0.05, 0.05 * spring, 1.0).map(P::lit),
                b: Vector2::new(0.00125, 0.05).map(P::lit),
                dt: P::lit(0.05),
            },
            LqrConfig {
                state_weight: Matrix2::new(weights[0], 0.0, 0.0, weights[1]).map(P::lit),
                input_weight: Matrix1::new(P::lit(weights[2])),
            },
        )
    };
    let mut mpc: Mpc<P, 2, 1, 8> = config.build().unwrap();
    let gain: SMatrix<P, 1, 2> = mpc.gain();
    // Wherever it is put, sound or not.
    for state in states {
        let output = mpc.step(&state.map(P::lit));
        let [u] = output.input;
        assert!(u >= P::lit(-most) && u <= P::lit(0.7 * most), "{output:?}");
    }
    // A horizon of the LQR that stays within the box is the answer.
    let mut x = Vector2::from(start.map(P::lit));
    let mut free = true;
    for _ in 0..8 {
        let u = -(gain * x)[0];
        free &= u >= P::lit(-most) && u <= P::lit(0.7 * most);
        x = config.model.a * x + config.model.b * u;
    }
    let output = mpc.step(&start.map(P::lit));
    assert_eq!(
        output.status == MpcStatus::Unconstrained,
        free,
        "{output:?}"
    );
    if free {
        let wanted = -(gain * Vector2::from(start.map(P::lit)))[0];
        let off = (output.input[0] - wanted).to_f64();
        assert!(off.abs() <= 1e-6 * most, "{output:?} {wanted:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn out_of_saturation_within_an_integral_time(scene in scene(), held in 20..2000_usize) {
        no_windup::<f32>(&scene, held);
        no_windup::<f64>(&scene, held);
        no_windup::<Q12>(&scene, held);
    }

    #[test]
    fn with_an_integral_no_error_stays(scene in scene(), r in -2.5..2.5, load in -2.0..2.0) {
        no_error_stays::<f32>(&scene, r, load);
        no_error_stays::<f64>(&scene, r, load);
        no_error_stays::<Q12>(&scene, r, load);
    }

    #[test]
    fn behind_a_known_delay_no_error_stays(
        scene in scene(), r in -2.5..2.5, load in -2.0..2.0, delay in 1..40_usize,
    ) {
        no_error_stays_behind_a_delay::<f32>(&scene, r, load, delay);
        no_error_stays_behind_a_delay::<Q12>(&scene, r, load, delay);
    }

    #[test]
    fn with_a_disturbance_that_is_estimated_no_error_stays(
        b in 7.0..13.0, bandwidth in 1.0..4.0, load in -5.0..5.0,
    ) {
        no_error_stays_with_adrc::<f32>(b, bandwidth, load);
        no_error_stays_with_adrc::<f64>(b, bandwidth, load);
        no_error_stays_with_adrc::<Q12>(b, bandwidth, load);
    }

    #[test]
    fn retuned_nothing_jumps(old in scene(), new in scene(), ticks in 2..400_usize) {
        no_jump::<f32>(&old, &new, ticks, 1e-3);
        no_jump::<f64>(&old, &new, ticks, 1e-9);
        no_jump::<Q12>(&old, &new, ticks, 1e-3);
    }

    #[test]
    fn whatever_goes_in_it_stays_bounded(
        scene in scene(),
        samples in prop::collection::vec([value(), value(), value()], 1..80),
    ) {
        bounded::<f32>(&scene, &samples);
        bounded::<Q12>(&scene, &samples);
    }

    #[test]
    fn a_profile_keeps_its_limits(
        limits in [0.2..3.0, 0.5..8.0, 2.0..60.0],
        goals in prop::collection::vec((-4.0..4.0, -1.5..1.5, 1..120_usize), 1..12),
    ) {
        profiles_keep_their_limits::<f64>(limits, &goals, 1e-9);
        profiles_keep_their_limits::<f32>(limits, &goals, 1e-5);
        profiles_keep_their_limits::<Q12>(limits, &goals, 1e-5);
    }

    #[test]
    fn an_mpc_stays_in_its_box_and_is_the_lqr_within(
        spring in -40.0..40.0,
        weights in [0.1..100.0, 0.01..10.0, 0.01..10.0],
        most in 0.1..20.0,
        start in [-1.0..1.0, -3.0..3.0],
        states in prop::collection::vec(
            [prop_oneof![4 => -3.0..3.0, 1 => prop::sample::select(vec![f64::NAN, 1e30, -1e12])],
             prop_oneof![4 => -30.0..30.0, 1 => prop::sample::select(vec![f64::INFINITY, -1e30])]],
            0..30,
        ),
    ) {
        mpc::<f64>(spring, weights, most, start, &states);
    }
}
