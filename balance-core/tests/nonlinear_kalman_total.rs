//! Whatever is measured and whatever the model answers, the nonlinear filters neither emit NaN nor
//! lose their covariance, and the first good samples bring them back.
#![allow(clippy::unwrap_used)]

use balance_core::estimation::kalman::{Gate, KalmanOutput, MeasurementStatus};
use balance_core::estimation::nonlinear_kalman::{
    DifferentiableModel, ExtendedKalman, NonlinearKalmanConfig, NonlinearModel, UnscentedKalman,
};
use balance_core::math::{Real, wrap_angle};
use nalgebra::{Matrix2, SMatrix, Vector2};
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
