//! What every filter of attitude must do: stay a rotation whatever comes in, find its way from a
//! good start, turn with the sensor, and give the same bits twice.
#![allow(clippy::unwrap_used, clippy::type_complexity)]

use balance_core::Step;
use balance_core::estimation::attitude_kalman::{AttitudeKalman, AttitudeKalmanConfig};
use balance_core::estimation::basic_vqf::{BasicVqf, BasicVqfConfig};
use balance_core::estimation::bounded_velocity::{BoundedVelocity, BoundedVelocityConfig};
use balance_core::estimation::madgwick::{Madgwick, MadgwickConfig};
use balance_core::estimation::mahony::{Mahony, MahonyConfig};
use balance_core::estimation::steady_velocity::{SteadyVelocity, SteadyVelocityConfig};
use balance_core::estimation::vqf::{Vqf, VqfConfig};
use balance_core::estimation::{Orientation, OrientationStatus};
use balance_core::math::{Float, Q12, Quaternion, Real, Scalar};
use proptest::prelude::*;

type Input<T> = ([T; 3], Option<[T; 3]>, Option<[T; 3]>);
/// A filter of attitude.
trait Filter<T>: Step<Input = Input<T>, Output = Orientation<T>> + Clone {}
impl<T, F: Step<Input = Input<T>, Output = Orientation<T>> + Clone> Filter<T> for F {}

const DT: f64 = 0.005;

fn mahony<T: Real>() -> Mahony<T> {
    let config = MahonyConfig {
        proportional_gain: T::Param::lit(1.0),
        integral_gain: T::Param::lit(0.05),
        ..Default::default()
    };
    config.build(T::Param::lit(DT)).unwrap()
}
fn madgwick<T: Real>() -> Madgwick<T> {
    let config = MadgwickConfig {
        gain: T::Param::lit(0.2),
        ..Default::default()
    };
    config.build(T::Param::lit(DT)).unwrap()
}
fn basic_vqf<T: Real>() -> BasicVqf<T> {
    BasicVqfConfig::default().build(T::Param::lit(DT)).unwrap()
}
fn vqf<T: Real>() -> Vqf<T> {
    VqfConfig::default().build(T::Param::lit(DT)).unwrap()
}
fn bounded_velocity<T: Float>() -> BoundedVelocity<T> {
    BoundedVelocityConfig::default().build(T::lit(DT)).unwrap()
}

fn steady_velocity<T: Real>() -> SteadyVelocity<T> {
    SteadyVelocityConfig::default()
        .build(T::Param::lit(DT))
        .unwrap()
}
fn attitude_kalman<T: Float>() -> AttitudeKalman<T> {
    AttitudeKalmanConfig::default().build(T::lit(DT)).unwrap()
}

fn real<T: Scalar>(q: Quaternion<T>) -> Quaternion<f64> {
    Quaternion::from_array(q.to_array().map(|c| c.to_param().to_f64()))
}
fn length(q: Quaternion<f64>) -> f64 {
    q.to_array().iter().map(|c| c * c).sum::<f64>().sqrt()
}
fn vector<T: Scalar>(v: [f64; 3]) -> [T; 3] {
    v.map(T::lit)
}
/// Angle between two up directions.
fn inclination(a: Quaternion<f64>, b: Quaternion<f64>) -> f64 {
    let (a, b) = (a.up(), b.up());
    let cross = [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ];
    cross.iter().map(|c| c * c).sum::<f64>().sqrt()
}

/// A sensor that turns about all axes, with what its accelerometer and magnetometer feel.
fn rocking(k: usize) -> ([f64; 3], Quaternion<f64>) {
    let t = k as f64 * DT;

    let attitude = |t: f64| {
        let angle = |f: f64, p: f64| 0.8 * (f * t + p).sin();
        Quaternion::from_rotation_vector([0.0, 0.0, angle(0.9, 0.3)])
            * Quaternion::from_rotation_vector([0.0, angle(1.7, 0.0), 0.0])
            * Quaternion::from_rotation_vector([angle(2.3, 1.0), 0.0, 0.0])
    };

    let (before, now) = (attitude(t - DT), attitude(t));
    let turn = before.conjugate() * now;
    // Twice the vector part over the cosine, which is exact enough for turns of 0.01 rad.
    let [w, x, y, z] = turn.to_array();
    ([x, y, z].map(|c| 2.0 * c / w / DT), now)
}
const UP: [f64; 3] = [0.0, 0.0, 9.81];
const FIELD: [f64; 3] = [0.0, 20.0, -43.0];

/// A log of a rocking sensor without noise.
fn log<T: Scalar>(samples: usize) -> Vec<(Input<T>, Quaternion<f64>)> {
    (0..samples)
        .map(|k| {
            let (rate, q) = rocking(k);
            let accel = Some(vector(q.to_body(UP)));
            let mag = Some(vector(q.to_body(FIELD)));
            ((vector(rate), accel, mag), q)
        })
        .collect()
}

/// The first sample gives the attitude, and it stays with what the sensor does.
fn follows<T: Real, F: Filter<T>>(mut filter: F, bound: f64) {
    let mut worst = 0.0_f64;
    for (k, (input, truth)) in log::<T>(4000).into_iter().enumerate() {
        let out = filter.step(input);
        let q = real(out.attitude);
        if k == 0 {
            assert!(q.angle_to(truth) < 2e-3, "{}: {q:?} {truth:?}", T::NAME);
        }
        assert_eq!(out.status, OrientationStatus::Headed);
        assert!((length(q) - 1.0).abs() < 1e-5, "{}", T::NAME);
        worst = worst.max(q.angle_to(truth));
    }
    assert!(worst < bound, "{}: {worst}", T::NAME);
}

/// A still sensor converges from a wrong attitude, to a tremble, or in `f32` to where a step no
/// longer reaches the last place.
fn comes_to_rest<T: Real, F: Filter<T>>(mut filter: F, tremble: f64) {
    let truth = Quaternion::from_rotation_vector([0.4, -0.9, 0.3]);
    let wrong = truth * Quaternion::from_rotation_vector([0.1, 0.05, -0.1]);
    filter.step((
        [T::zero(); 3],
        Some(vector(wrong.to_body(UP))),
        Some(vector(wrong.to_body(FIELD))),
    ));
    let input = (
        [T::zero(); 3],
        Some(vector(truth.to_body(UP))),
        Some(vector(truth.to_body(FIELD))),
    );
    let mut q = wrong;
    for _ in 0..60_000 {
        q = real(filter.step(input).attitude);
    }
    assert!(
        q.angle_to(truth) < tremble,
        "{}: {}",
        T::NAME,
        q.angle_to(truth)
    );
}

/// A sensor mounted otherwise gives the same attitude, but for its mounting.
fn turns_with_the_sensor<T: Real, F: Filter<T>>(filter: F, bound: f64) {
    let mounting = Quaternion::from_rotation_vector([0.7, 1.9, -0.4]);
    let (mut plain, mut mounted) = (filter.clone(), filter);
    for ((gyro, accel, mag), _) in log::<f64>(1000) {
        let a = plain.step((vector(gyro), accel.map(vector), mag.map(vector)));
        let turn = |v: [f64; 3]| vector(mounting.to_body(v));
        let b = mounted.step((turn(gyro), accel.map(turn), mag.map(turn)));
        let back = real(b.attitude) * mounting.conjugate();
        let apart = back.angle_to(real(a.attitude));
        assert!(apart < bound, "{}: {apart}", T::NAME);
    }
}

/// A log twice gives the same bits, and a state put back goes on as if nothing had happened.
fn replays<T: Real, F: Filter<T>>(filter: F) {
    let (mut first, mut second) = (filter.clone(), filter);
    for (k, (input, _)) in log::<T>(1000).into_iter().enumerate() {
        let a = first.step(input);
        if k == 500 {
            let state = second.state();
            second.reset();
            second.step(([T::one(); 3], None, None));
            second.restore(state);
        }
        assert_eq!(a, second.step(input));
    }
}

/// Bad readings leave the attitude a rotation, and the next good ones are used.
fn is_total<T: Real, F: Filter<T>>(
    mut filter: F,
    inputs: &[([f64; 3], Option<[f64; 3]>, Option<[f64; 3]>)],
) {
    for &(gyro, accel, mag) in inputs {
        let out = filter.step((vector(gyro), accel.map(vector), mag.map(vector)));
        assert!(
            (length(real(out.attitude)) - 1.0).abs() < 1e-3,
            "{}: {out:?}",
            T::NAME
        );
        for c in out.rate.iter().chain(&out.gyro_bias) {
            assert!(c.to_param().is_finite());
        }
    }
    let truth = Quaternion::from_rotation_vector([0.2, 0.1, 0.0]);
    let good = (
        [T::zero(); 3],
        Some(vector(truth.to_body(UP))),
        Some(vector(truth.to_body(FIELD))),
    );
    for _ in 0..40_000 {
        filter.step(good);
    }
    let out = filter.step(good);
    assert_eq!(out.status, OrientationStatus::Headed);
    let off = inclination(real(out.attitude), truth);
    assert!(off < 0.05, "{}: {off}", T::NAME);
}

/// Bad readings between good ones change nothing.
fn forgets_bad_readings<T: Real, F: Filter<T>>(filter: F, bad: &[f64]) {
    let (mut clean, mut hurt) = (filter.clone(), filter);
    for (k, (input, _)) in log::<T>(600).into_iter().enumerate() {
        let (gyro, accel, mag) = input;
        for (place, &bad) in bad.iter().enumerate() {
            let mut spoilt = gyro;
            spoilt[(k + place) % 3] = T::lit(bad);

            let out = hurt.step((spoilt, accel, mag));
            assert_eq!(out.status, OrientationStatus::Held);
        }
        assert_eq!(hurt.step(input), clean.step(input));
    }
    // A bad accelerometer or magnetometer is as good as none.
    let [gyro, accel, mag] =
        [[0.1, 0.0, 0.2], [0.3, 0.2, 9.8], [1.0, 20.0, -43.0]].map(vector::<T>);
    for &bad in bad {
        let mut spoilt = accel;
        spoilt[1] = T::lit(bad);
        assert_eq!(
            hurt.step((gyro, Some(spoilt), Some(mag))),
            clean.step((gyro, None, Some(mag)))
        );
        let mut spoilt = mag;
        spoilt[2] = T::lit(bad);
        assert_eq!(
            hurt.step((gyro, Some(accel), Some(spoilt))),
            clean.step((gyro, Some(accel), None))
        );
    }
    let nothing = [T::zero(); 3];
    assert_eq!(
        hurt.step((gyro, Some(nothing), Some(nothing))),
        clean.step((gyro, None, None))
    );
    assert_eq!(
        hurt.step((gyro, Some(accel), Some(nothing))),
        clean.step((gyro, Some(accel), None))
    );
}

/// Largest angle between the attitudes of two number types over the same log.
fn apart<A: Real, B: Real>(mut a: impl Filter<A>, mut b: impl Filter<B>) -> f64 {
    let mut worst = 0.0_f64;
    for (k, ((gyro, accel, mag), _)) in log::<f64>(12_000).into_iter().enumerate() {
        // A push, a bias and a lost reading.
        let gyro = gyro.map(|w| w + 0.01);
        let accel = accel
            .map(|[x, y, z]| [x + 2.0 * (k as f64 * 0.02).sin(), y, z])
            .filter(|_| k % 7 != 0);
        let p = a.step((vector(gyro), accel.map(vector), mag.map(vector)));
        let q = b.step((vector(gyro), accel.map(vector), mag.map(vector)));
        worst = worst.max(real(p.attitude).angle_to(real(q.attitude)));
    }
    worst
}

const BAD: [f64; 5] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e30, -1e12];

macro_rules! properties {
    ($name:ident, $($t:ident follow $follow:literal tremble $tremble:literal mounting $mounting:literal),*) => {
        mod $name {
            use super::*;
            #[test]
            fn follows_comes_to_rest_and_turns_with_the_sensor() {
                $(
                    follows::<$t, _>(super::$name(), $follow);
                    comes_to_rest::<$t, _>(super::$name(), $tremble);
                    turns_with_the_sensor::<$t, _>(super::$name(), $mounting);
                )*
            }
            #[test]
            fn replays_bit_by_bit() {
                $( replays::<$t, _>(super::$name()); )*
            }
            #[test]
            fn bad_readings_leave_no_trace() {
                forgets_bad_readings::<f32, _>(super::$name(), &BAD);
                forgets_bad_readings::<f64, _>(super::$name(), &BAD);
            }
            proptest! {
                #![proptest_config(ProptestConfig::with_cases(24))]
                #[test]
                fn stays_a_rotation(inputs in any_inputs()) {
                    $( is_total::<$t, _>(super::$name(), &inputs); )*
                }
            }
        }
    };
}
properties!(mahony, f32 follow 0.02 tremble 2e-4 mounting 1e-4, f64 follow 0.02 tremble 1e-4 mounting 1e-9, Q12 follow 0.02 tremble 1e-3 mounting 2e-4);
properties!(madgwick, f32 follow 0.02 tremble 2e-3 mounting 1e-2, f64 follow 0.02 tremble 2e-3 mounting 1e-2, Q12 follow 0.02 tremble 2e-3 mounting 1e-2);
properties!(basic_vqf, f32 follow 0.002 tremble 5e-5 mounting 1e-4, f64 follow 0.002 tremble 1e-6 mounting 1e-9, Q12 follow 0.002 tremble 1e-3 mounting 1e-3);
properties!(vqf, f32 follow 0.002 tremble 5e-5 mounting 1e-4, f64 follow 0.002 tremble 1e-6 mounting 1e-9, Q12 follow 0.002 tremble 2e-3 mounting 1e-3);
properties!(bounded_velocity, f32 follow 0.01 tremble 2e-4 mounting 1e-3, f64 follow 0.01 tremble 1e-4 mounting 1e-4);

properties!(steady_velocity, f32 follow 0.002 tremble 2e-4 mounting 1e-4, f64 follow 0.002 tremble 1e-4 mounting 1e-9, Q12 follow 0.002 tremble 2e-3 mounting 1e-3);
properties!(attitude_kalman, f32 follow 0.01 tremble 2e-3 mounting 1e-4, f64 follow 0.01 tremble 2e-3 mounting 1e-9);

#[test]
fn number_types_agree() {
    let bounds = [
        ("mahony f32", apart(mahony::<f32>(), mahony::<f64>()), 3e-5),
        (
            "mahony fixed",
            apart(mahony::<Q12>(), mahony::<f64>()),
            2e-4,
        ),
        (
            "madgwick f32",
            apart(madgwick::<f32>(), madgwick::<f64>()),
            3e-5,
        ),
        (
            "madgwick fixed",
            apart(madgwick::<Q12>(), madgwick::<f64>()),
            1e-3,
        ),
    ];
    let more = [
        (
            "basic_vqf f32",
            apart(basic_vqf::<f32>(), basic_vqf::<f64>()),
            3e-5,
        ),
        (
            "basic_vqf fixed",
            apart(basic_vqf::<Q12>(), basic_vqf::<f64>()),
            1e-3,
        ),
        ("vqf f32", apart(vqf::<f32>(), vqf::<f64>()), 1e-4),
        (
            "bounded_velocity f32",
            apart(bounded_velocity::<f32>(), bounded_velocity::<f64>()),
            1e-4,
        ),
        (
            "steady_velocity f32",
            apart(steady_velocity::<f32>(), steady_velocity::<f64>()),
            3e-5,
        ),
        (
            "steady_velocity fixed",
            apart(steady_velocity::<Q12>(), steady_velocity::<f64>()),
            1e-3,
        ),
        (
            "attitude_kalman f32",
            apart(attitude_kalman::<f32>(), attitude_kalman::<f64>()),
            1e-4,
        ),
        ("vqf fixed", apart(vqf::<Q12>(), vqf::<f64>()), 1e-3),
    ];
    for (name, apart, bound) in bounds.into_iter().chain(more) {
        println!("{name}: {apart:e}");
        assert!(apart < bound, "{name}: {apart:e}");
    }
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => -20.0..20.0,
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(-9e18),
        1 => Just(1e30),
        1 => Just(99.0),
        1 => Just(0.0),
        1 => Just(1e-30),
    ]
}
fn any_vector() -> impl Strategy<Value = [f64; 3]> {
    [any_number(), any_number(), any_number()]
}
fn any_inputs() -> impl Strategy<Value = Vec<([f64; 3], Option<[f64; 3]>, Option<[f64; 3]>)>> {
    prop::collection::vec(
        (
            any_vector(),
            prop::option::of(any_vector()),
            prop::option::of(any_vector()),
        ),
        1..60,
    )
}
