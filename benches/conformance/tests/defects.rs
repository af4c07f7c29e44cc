//! Each law sees the defect that was planted for it, and none sees one in what is sound.

// In a test a panic is an assertion.
#![allow(clippy::panic)]

use balance_conformance::{
    Attitude, Controller, ControllerSample, ControllerTuning, Effort, ImuSample, ImuTuning, Law,
    Outcome, Plant, Subject, Supported, Track, Tracker, TrackerSample, TrackerTuning, Verdict,
    check, check_agreement, examine, examine_agreement, examine_all,
};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

const NONE: u8 = 0;
const NO_NAN_CHECK: u8 = 1;
const NO_DT_CHECK: u8 = 2;
const NO_CLAMP: u8 = 3;
const WINDS_UP: u8 = 4;
const INTEGRAL_WITHOUT_GAIN: u8 = 5;
const FORGETFUL_RESET: u8 = 6;
const SHARED_STATE: u8 = 7;
const ONE_SIDED: u8 = 8;
const DEAD: u8 = 9;
const LATCHES_HUGE: u8 = 10;

static SHARED: AtomicU32 = AtomicU32::new(0);

/// A PID that is sound but for the defect `D`.
struct Pid<const D: u8> {
    tuning: ControllerTuning,
    integral: f64,
    previous: Option<f64>,
    last: f64,
}

impl<const D: u8> Subject for Pid<D> {
    type Kind = Controller;
    fn new(tuning: &ControllerTuning) -> Self {
        Self {
            tuning: *tuning,
            integral: 0.0,
            previous: None,
            last: 0.0,
        }
    }
    fn step(&mut self, sample: &ControllerSample) -> f64 {
        let t = self.tuning;
        let (low, high) = (t.output_min, t.output_max);
        let good = |v: f64| v.is_finite() && v.abs() < 1e18;
        if D != NO_NAN_CHECK && !(good(sample.setpoint) && good(sample.measured)) {
            if D == LATCHES_HUGE && sample.measured.abs() >= 1e18 {
                self.integral = f64::NAN;
            }
            if !self.integral.is_nan() {
                return self.last;
            }
            return high;
        }
        if D != NO_DT_CHECK && !(sample.dt > 1e-5 && sample.dt < 0.1) {
            return self.last;
        }
        let error = sample.setpoint - sample.measured;
        let change = sample.measured - self.previous.unwrap_or(sample.measured);
        self.previous = Some(sample.measured);
        let gain = if D == INTEGRAL_WITHOUT_GAIN {
            1.0
        } else {
            t.ki
        };
        self.integral += gain * error * sample.dt;
        if D == INTEGRAL_WITHOUT_GAIN {
            self.integral = self.integral.max(low / t.ki).min(high / t.ki);
        } else if matches!(D, NO_NAN_CHECK | NO_DT_CHECK | LATCHES_HUGE) {
            // Not `clamp`, `min` or `max`, which turn NaN into a limit.
            self.integral = if self.integral > high {
                high
            } else {
                self.integral
            };
            self.integral = if self.integral < low {
                low
            } else {
                self.integral
            };
        } else if D != WINDS_UP {
            self.integral = self.integral.max(low).min(high);
        }
        let i = if D == INTEGRAL_WITHOUT_GAIN {
            t.ki * self.integral
        } else {
            self.integral
        };
        let mut output = t.kp * error + i - t.kd * change / sample.dt;
        if D != NO_CLAMP {
            output = output.clamp(low, high);
        }
        match D {
            ONE_SIDED if output < 0.0 => output *= 0.5,
            SHARED_STATE => output += 1e-7 * f64::from(SHARED.fetch_add(1, Ordering::Relaxed) % 2),
            DEAD => output = 0.0,
            _ => {}
        }
        self.last = output;
        output
    }
    fn reset(&mut self) -> Supported {
        self.integral = 0.0;
        self.last = 0.0;
        if D != FORGETFUL_RESET {
            self.previous = None;
        }
        Supported::Yes
    }
    fn retune(&mut self, tuning: &ControllerTuning) -> Supported {
        self.tuning = *tuning;
        Supported::Yes
    }
}

/// The laws that a subject breaks, each with the faults that do it.
fn broken<S: Subject>() -> BTreeSet<String> {
    let effort = Effort { cases: 8 };
    let failed = |finding: &balance_conformance::Finding| finding.verdict.is_fail();
    let name = |finding: balance_conformance::Finding| match finding.fault {
        Some(fault) => format!("{} {fault}", finding.law.name()),
        None => finding.law.name().to_string(),
    };
    let findings = examine_all::<S>(effort).into_iter();
    findings.filter(failed).map(name).collect()
}

#[track_caller]
fn breaks<S: Subject>(at_least: &[&str], laws: &[&str]) {
    let broken = broken::<S>();
    for law in at_least {
        assert!(broken.contains(*law), "{law} was not seen, but {broken:?}");
    }
    for law in &broken {
        let name = law.split(' ').next().unwrap_or_default();
        assert!(laws.contains(&name), "{law} is a false alarm");
    }
}

#[test]
fn nothing_is_found_in_what_is_sound() {
    assert_eq!(broken::<Pid<NONE>>(), BTreeSet::new());
    assert_eq!(broken::<Gyro<NONE>>(), BTreeSet::new());
    assert_eq!(broken::<Kalman<NONE>>(), BTreeSet::new());
}

#[test]
fn each_defect_of_a_controller_is_found_by_its_law() {
    breaks::<Pid<NO_NAN_CHECK>>(
        &[
            "bounded nan_measured",
            "recovery nan_measured",
            "recovery nan_setpoint",
        ],
        &["bounded", "recovery"],
    );
    breaks::<Pid<NO_DT_CHECK>>(
        &["bounded dt_nan", "bounded dt_zero", "recovery dt_nan"],
        &["bounded", "recovery"],
    );
    breaks::<Pid<NO_CLAMP>>(&["bounded saturated_measured"], &["bounded"]);
    breaks::<Pid<WINDS_UP>>(&["no_windup none"], &["no_windup", "recovery"]);
    breaks::<Pid<INTEGRAL_WITHOUT_GAIN>>(&["bumpless none"], &["bumpless"]);
    breaks::<Pid<FORGETFUL_RESET>>(&["reset"], &["reset"]);
    breaks::<Pid<SHARED_STATE>>(&["determinism"], &["determinism", "reset"]);
    breaks::<Pid<ONE_SIDED>>(&["symmetry none"], &["symmetry"]);
    breaks::<Pid<DEAD>>(&["arrival none"], &["arrival", "bumpless"]);
    breaks::<Pid<LATCHES_HUGE>>(
        &["recovery huge_measured", "recovery large_measured"],
        &["recovery", "bounded"],
    );
}

const NOT_NORMALISED: u8 = 11;

/// An attitude filter that turns its quaternion by the gyroscope and leans it on gravity.
struct Gyro<const D: u8>([f64; 4]);

impl<const D: u8> Subject for Gyro<D> {
    type Kind = Attitude;
    fn new(_: &ImuTuning) -> Self {
        Self([1.0, 0.0, 0.0, 0.0])
    }
    fn step(&mut self, imu: &ImuSample) -> [f64; 4] {
        let [w, x, y, z] = self.0;
        let length = imu.accel.iter().map(|a| a * a).sum::<f64>().sqrt();
        let calm = imu.gyro.iter().all(|rate| rate.abs() < 100.0);
        if !(length > 1.0 && length < 1e3 && calm && imu.dt > 0.0 && imu.dt < 0.1) {
            return self.0;
        }
        let up = [
            2.0 * (x * z - w * y),
            2.0 * (y * z + w * x),
            w * w - x * x - y * y + z * z,
        ];
        let a = imu.accel.map(|a| a / length);
        let rate = |i: usize, j: usize, k: usize| imu.gyro[i] + a[j] * up[k] - a[k] * up[j];
        let (p, q, r) = (rate(0, 1, 2), rate(1, 2, 0), rate(2, 0, 1));
        let half = 0.5 * imu.dt;
        let turned = [
            w - half * (p * x + q * y + r * z),
            x + half * (p * w + r * y - q * z),
            y + half * (q * w - r * x + p * z),
            z + half * (r * w + q * x - p * y),
        ];
        let norm = turned.iter().map(|v| v * v).sum::<f64>().sqrt();
        self.0 = turned.map(|v| if D == NOT_NORMALISED { v } else { v / norm });
        self.0
    }
}

#[test]
fn a_quaternion_that_grows_is_found() {
    breaks::<Gyro<NOT_NORMALISED>>(
        &["unit_length saturated_gyro"],
        &["unit_length", "bounded", "recovery", "arrival"],
    );
}

const LOSES_SYMMETRY: u8 = 12;
const INDEFINITE: u8 = 13;

/// The textbook's Kalman filter of a position and a velocity.
struct Kalman<const D: u8> {
    tuning: TrackerTuning,
    x: [f64; 2],
    p: [[f64; 2]; 2],
}

impl<const D: u8> Subject for Kalman<D> {
    type Kind = Tracker;
    const TAKES_DT: bool = false;
    fn new(tuning: &TrackerTuning) -> Self {
        Self {
            tuning: *tuning,
            x: [0.0; 2],
            p: [[1.0, 0.0], [0.0, 1.0]],
        }
    }
    fn step(&mut self, sample: &TrackerSample<1>) -> Track<1> {
        let [z] = sample.position;
        let (dt, [[a, b], [c, d]]) = (self.tuning.dt, self.p);
        if z.abs() < 1e18 {
            let q = self.tuning.process_noise();
            let [[a, b], [c, d]] = [
                [
                    a + dt * (b + c) + dt * dt * d + q[0][0],
                    b + dt * d + q[0][1],
                ],
                [c + dt * d + q[1][0], d + q[1][1]],
            ];
            let position = self.x[0] + dt * self.x[1];
            let s = a + self.tuning.measurement_noise();
            let (k0, k1) = (a / s, c / s);
            self.x = [
                position + k0 * (z - position),
                self.x[1] + k1 * (z - position),
            ];
            self.p = [[a - k0 * a, b - k0 * b], [c - k1 * a, d - k1 * b]];
            match D {
                LOSES_SYMMETRY => self.p[0][1] *= 1.001,
                INDEFINITE => self.p = [[a - k0 * a, b], [c, d - k1 * b]],
                _ => {}
            }
        }
        Track {
            position: [self.x[0]],
            covariance: self.p.iter().map(|row| row.to_vec()).collect(),
        }
    }
}

#[test]
fn a_covariance_that_is_none_is_found() {
    let laws = ["covariance", "recovery", "arrival", "bounded"];
    breaks::<Kalman<LOSES_SYMMETRY>>(&["covariance none"], &laws);
    breaks::<Kalman<INDEFINITE>>(&["covariance none"], &laws);
}

/// As a PID in a coarser type.
struct Coarse(Pid<NONE>);
impl Subject for Coarse {
    type Kind = Controller;
    fn new(tuning: &ControllerTuning) -> Self {
        Self(Pid::new(tuning))
    }
    fn step(&mut self, sample: &ControllerSample) -> f64 {
        (self.0.step(sample) * 256.0).round() / 256.0
    }
}

#[test]
fn number_types_that_disagree_are_found() {
    let effort = Effort::default();
    let within = |bound| examine_agreement::<Coarse, Pid<NONE>>(bound, effort).verdict;
    assert!(matches!(within(0.01), Verdict::Pass));
    assert!(within(1e-4).is_fail());
}

/// What the kit prints for a PID without a check of its input, pasted as it is.
mod pasted {
    #[test]
    #[should_panic(expected = "samples later")]
    #[rustfmt::skip]
    fn recovery_after_nan_measured() {
        use balance_conformance::*;
        let tuning = ControllerTuning { kp: 1.0, ki: 1.0, kd: 0.0, dt: 0.01, output_min: -10.0, output_max: 10.0, plant: Plant { gain: 0.5, time_constant: 0.1 } };
        let samples = [
            ControllerSample { setpoint: 1.0, measured: f64::NAN, dt: 0.01 },
        ];
        let outcome = check::<crate::Pid<1>>(Law::Recovery, &tuning, &samples);
        assert_eq!(outcome, Outcome::Holds);
    }
}

#[test]
fn a_counterexample_is_minimal_and_can_be_pasted() {
    let findings = examine::<Pid<NO_NAN_CHECK>>(Law::Recovery, Effort::default());
    let Some(Verdict::Fail(example)) = findings.get(1).map(|f| &f.verdict) else {
        panic!("a NaN stays for ever");
    };
    let source = include_str!("defects.rs");
    for line in example.test.lines() {
        assert!(
            source.contains(line.trim()),
            "{line} is not what was pasted:\n{example}"
        );
    }
    assert!(
        example.reason.contains("3000 good samples later"),
        "{example}"
    );
}

#[test]
fn laws_can_be_asked_one_by_one() {
    let tuning = ControllerTuning {
        kp: 1.0,
        ki: 1.0,
        kd: 0.0,
        dt: 0.01,
        output_min: -1.0,
        output_max: 1.0,
        plant: Plant {
            gain: 1.0,
            time_constant: 0.1,
        },
    };
    let far = [ControllerSample {
        setpoint: 9.0,
        measured: 0.0,
        dt: 0.01,
    }];
    let unlimited = check::<Pid<NO_CLAMP>>(Law::Bounded, &tuning, &far);
    assert!(matches!(unlimited, Outcome::Broken(_)), "{unlimited:?}");
    assert_eq!(
        check::<Pid<NONE>>(Law::Bounded, &tuning, &far),
        Outcome::Holds
    );
    assert_eq!(
        check_agreement::<Coarse, Pid<NONE>>(&tuning, &far, 1e-9),
        Outcome::Holds
    );
}
