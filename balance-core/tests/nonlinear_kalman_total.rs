//! Whatever is measured and whatever the model answers, the nonlinear filters neither emit NaN nor
//! lose their covariance, and the first good samples bring them back.
#![allow(clippy::unwrap_used)]

use balance_core::estimation::kalman::{Gate, KalmanOutput, MeasurementStatus};
use balance_core::estimation::nonlinear_kalman::{
    DifferentiableModel, ExtendedKalman, NonlinearKalmanConfig, NonlinearModel, UnscentedKalman,
};
use balance_core::math::{Float, Real, wrap_angle};
use nalgebra::{Matrix2, Matrix2x3, Matrix3, SMatrix, Vector2, Vector3};
use proptest::prelude::*;

/// Heading (rad) and its rate; a compass and a gyroscope measure them. Broken, it answers NaN.
#[derive(Clone, Copy)]
struct Compass {
    broken: bool,
}

impl NonlinearModel<2, 2> for Compass {
    type Scalar = f32;
    fn advance(&self, x: &Vector2<f32>) -> Vector2<f32> {
        let heading = if self.broken { f32::NAN } else { x[0] };
        Vector2::new(heading + 0.01 * x[1], x[1])
    }
    fn expect(&self, x: &Vector2<f32>) -> Vector2<f32> {
        if self.broken {
            return Vector2::new(f32::INFINITY, x[1]);
        }
        *x
    }
    fn innovation(&self, index: usize, measured: f32, expected: f32) -> f32 {
        let difference = measured - expected;
        if index == 0 {
            wrap_angle(difference)
        } else {
            difference
        }
    }
}

impl DifferentiableModel<2, 2> for Compass {
    fn transition(&self, _: &Vector2<f32>) -> Matrix2<f32> {
        Matrix2::new(1.0, 0.01, 0.0, 1.0)
    }
    fn measurement(&self, _: &Vector2<f32>) -> Matrix2<f32> {
        Matrix2::identity()
    }
}

fn filters() -> (
    ExtendedKalman<Compass, 2, 2>,
    UnscentedKalman<Compass, 2, 2>,
) {
    let config = NonlinearKalmanConfig {
        process_noise: Matrix2::from_diagonal(&Vector2::new(1e-8, 1e-5)),
        measurement_noise: Vector2::new(1e-3, 1e-4),
        gate: Some(Gate::default()),
        ..Default::default()
    };
    let model = Compass { broken: false };
    (
        config.build_extended(model).unwrap(),
        config.build_unscented(model).unwrap(),
    )
}

fn sound(out: &KalmanOutput<f32, 2, 2>, covariance: SMatrix<f32, 2, 2>) {
    assert!(out.estimate.iter().all(|x| x.is_finite()), "{out:?}");
    let p = covariance.map(f64::from);
    assert!(
        p[(0, 0)] >= 0.0 && p[(1, 1)] >= 0.0 && p[(0, 1)] == p[(1, 0)],
        "{p}"
    );
    assert!(
        p[(0, 1)].powi(2) <= p[(0, 0)] * p[(1, 1)] * (1.0 + 1e-6),
        "{p}"
    );
}

fn any_value() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => -10.0..10.0_f32,
        1 => Just(f32::NAN),
        1 => Just(f32::NEG_INFINITY),
        1 => Just(1e3),
        1 => Just(1e30),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn filters_are_total(
        inputs in prop::collection::vec((prop::array::uniform2(prop::option::of(any_value())), any::<bool>()), 1..80)
    ) {
        let (mut extended, mut unscented) = filters();
        for (measured, broken) in inputs {
            extended.model.broken = broken;
            unscented.model.broken = broken;
            sound(&extended.step(&measured), extended.covariance());
            sound(&unscented.step(&measured), unscented.covariance());
        }
        extended.model.broken = false;
        unscented.model.broken = false;
        let good = [Some(1.0), Some(0.0)];
        for _ in 0..3000 {
            extended.step(&good);
            unscented.step(&good);
        }
        for out in [extended.step(&good), unscented.step(&good)] {
            prop_assert_eq!(out.status, [MeasurementStatus::Used; 2]);
            prop_assert!(wrap_angle(out.estimate[0] - 1.0).abs() < 0.01, "{:?}", out);
            prop_assert!(out.estimate[1].abs() < 0.01, "{:?}", out);
        }
    }
}

/// Of a model without a bend both filters are the linear filter, also across the seam of an angle.
#[test]
fn without_a_bend_both_are_the_same() {
    let (mut extended, mut unscented) = filters();
    for k in 0..2000_u16 {
        let heading = f32::from(k) * 0.01;
        let measured = [
            (k % 5 != 0).then(|| wrap_angle(heading)),
            (k % 2 == 0).then_some(1.0),
        ];
        let (a, b) = (extended.step(&measured), unscented.step(&measured));
        assert!(
            (a.estimate - b.estimate).abs().max() < 1e-3,
            "{k}: {a:?} {b:?}"
        );
        if k > 500 {
            assert!(
                (a.estimate[0] - heading).abs() < 0.01,
                "{k}: {a:?} {heading}"
            );
        }
    }
    let p = extended.covariance() - unscented.covariance();
    assert!(p.abs().max() < 1e-6, "{p}");
    assert!(Real::sqrt(extended.covariance()[(0, 0)]) < 0.01);
}

/// A state that has been put back goes on as if nothing had happened.
#[test]
fn replay_is_bit_identical() {
    let (mut extended, mut unscented) = filters();
    let at = |k: u16| [Some(f32::from(k) * 0.01), Some(1.0)];
    for k in 0..100 {
        extended.step(&at(k));
        unscented.step(&at(k));
    }
    let (mut again, mut too) = filters();
    again.restore(extended.state());
    too.restore(unscented.state());
    for k in 100..200 {
        assert_eq!(extended.step(&at(k)), again.step(&at(k)));
        assert_eq!(unscented.step(&at(k)), too.step(&at(k)));
    }
}

/// A pendulum that is pushed: angle, rate and an unknown friction; angle and rate are measured.
#[derive(Clone, Copy)]
struct Pendulum<P> {
    push: P,
}

impl<P: Float> NonlinearModel<3, 2> for Pendulum<P> {
    type Scalar = P;
    fn advance(&self, x: &Vector3<P>) -> Vector3<P> {
        let dt = P::lit(0.01);
        let acceleration = self.push - P::lit(9.0) * x[0].sin() - x[2] * x[1];
        Vector3::new(x[0] + dt * x[1], x[1] + dt * acceleration, x[2])
    }
    fn expect(&self, x: &Vector3<P>) -> Vector2<P> {
        Vector2::new(x[0], x[1])
    }
}

impl<P: Float> DifferentiableModel<3, 2> for Pendulum<P> {
    fn transition(&self, x: &Vector3<P>) -> Matrix3<P> {
        let (zero, one, dt) = (P::zero(), P::one(), P::lit(0.01));
        let by_angle = -dt * P::lit(9.0) * x[0].cos();
        Matrix3::new(
            one,
            dt,
            zero,
            by_angle,
            one - dt * x[2],
            -dt * x[1],
            zero,
            zero,
            one,
        )
    }
    fn measurement(&self, _: &Vector3<P>) -> Matrix2x3<P> {
        Matrix2x3::identity()
    }
}

fn pendulums<P: Float>() -> (
    ExtendedKalman<Pendulum<P>, 3, 2>,
    UnscentedKalman<Pendulum<P>, 3, 2>,
) {
    let config = NonlinearKalmanConfig {
        process_noise: Matrix3::from_diagonal(&Vector3::new(1e-9, 1e-7, 1e-9)).map(P::lit),
        measurement_noise: Vector2::new(P::lit(1e-4), P::lit(1e-2)),
        ..Default::default()
    };
    let model = Pendulum { push: P::zero() };
    (
        config.build_extended(model).unwrap(),
        config.build_unscented(model).unwrap(),
    )
}

/// The least eigenvalue of the correlations.
fn least_eigenvalue(covariance: &Matrix3<f32>) -> f64 {
    let mut m = covariance.map(f64::from);
    assert!(m.iter().all(|x| x.is_finite()), "{m}");
    assert_eq!(m, m.transpose(), "not symmetric");
    let scale = m.diagonal().map(|x| x.max(1e-300).sqrt());
    for i in 0..3 {
        for j in 0..3 {
            m[(i, j)] /= scale[i] * scale[j];
        }
    }
    m.symmetric_eigenvalues().min()
}

/// A robot's day at 1 kHz, shortened; `ten_million_steps` is the whole of it.
fn stay_covariances(steps: u32) {
    let (mut extended, mut unscented) = pendulums::<f32>();
    let (mut extended_wide, mut unscented_wide) = pendulums::<f64>();
    let mut truth = Vector3::new(0.5, 0.0, 0.4);
    let mut chance = 1_u32;
    let mut noise = || {
        chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (f64::from(chance >> 8) / 16_777_216.0 - 0.5) * 3.5
    };
    for k in 0..steps {
        let push = if k % 400 < 200 { 2.0 } else { -2.0 };
        truth = Pendulum { push }.advance(&truth);
        let measured = [
            (k % 3 != 0).then(|| truth[0] + 0.01 * noise()),
            (k % 7 != 0).then(|| truth[1] + 0.1 * noise()),
        ];
        let narrow = measured.map(|z| z.map(|z| z as f32));
        (extended.model.push, unscented.model.push) = (push as f32, push as f32);
        (extended_wide.model.push, unscented_wide.model.push) = (push, push);
        for (out, wide) in [
            (extended.step(&narrow), extended_wide.step(&measured)),
            (unscented.step(&narrow), unscented_wide.step(&measured)),
        ] {
            let off = (out.estimate.map(f64::from) - wide.estimate).abs().max();
            assert!(off < 1e-3, "{k}: {out:?} {wide:?}");
            assert!(k < 10_000 || (out.estimate.map(f64::from) - truth).abs().max() < 0.1);
        }
        if k % 1013 == 0 {
            for p in [extended.covariance(), unscented.covariance()] {
                assert!(least_eigenvalue(&p) > 0.0, "{k}: {p}");
            }
        }
    }
    // The unscented filter learns from differences of points that lie a deviation apart.
    for (name, found, wide, bound) in [
        (
            "extended",
            extended.covariance(),
            extended_wide.covariance(),
            1e-4,
        ),
        (
            "unscented",
            unscented.covariance(),
            unscented_wide.covariance(),
            1e-2,
        ),
    ] {
        let mut worst = 0.0_f64;
        for i in 0..3 {
            for j in 0..3 {
                let scale = (wide[(i, i)] * wide[(j, j)]).sqrt();
                worst = worst.max((f64::from(found[(i, j)]) - wide[(i, j)]).abs() / scale);
            }
        }
        println!("{steps} steps, {name}: covariance off by {worst:e} of the variances");
        assert!(worst < bound, "{name}: {worst:e}");
    }
}

#[test]
fn a_hundred_thousand_steps() {
    stay_covariances(100_000);
}

#[test]
#[ignore = "a minute in release, many otherwise"]
fn ten_million_steps() {
    stay_covariances(10_000_000);
}
