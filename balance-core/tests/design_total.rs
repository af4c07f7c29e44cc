//! Whatever the model, a design is refused or right; it never panics.

// In a test an unwrap is an assertion.
#![allow(clippy::unwrap_used)]

use balance_core::control::design::{
    ContinuousModel, DiscreteModel, KalmanGainConfig, LqrConfig, Pole, place_poles,
};
use nalgebra::{Matrix1, Matrix1x3, Matrix3, SMatrix, Vector3};
use proptest::prelude::*;

fn entry() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => -3.0..3.0_f64,
        1 => Just(0.0),
        1 => Just(1.0),
        1 => -1e-6..1e-6_f64,
    ]
}

fn any_entry() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => entry(),
        1 => any::<f64>(),
        1 => Just(f64::NAN),
        1 => Just(1e300),
        1 => Just(-1e-300),
    ]
}

fn matrix<const R: usize, const C: usize>(
    entry: impl Strategy<Value = f64>,
) -> impl Strategy<Value = SMatrix<f64, R, C>> {
    prop::collection::vec(entry, R * C).prop_map(SMatrix::from_iterator)
}

/// Whether the powers of the closed loop fade, by multiplication alone.
fn fades(closed: Matrix3<f64>) -> bool {
    let mut power = closed;
    for _ in 0..30 {
        power *= power;
        if power.amax() < 1e-3 {
            return true;
        }
    }
    false
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_regulator_stabilises(
        a in matrix::<3, 3>(entry()),
        b in matrix::<3, 1>(entry()),
        root in matrix::<3, 3>(entry()),
        effort in 1e-3..1e3_f64,
    ) {
        let config = LqrConfig {
            state_weight: root.transpose() * root,
            input_weight: Matrix1::new(effort),
        };
        if let Ok(lqr) = config.design(&DiscreteModel { a, b, dt: 0.01 }) {
            prop_assert!(fades(a - b * lqr.gain), "{a} {b} {}", lqr.gain);
            prop_assert!(lqr.spectral_radius < 1.0);
        }
    }

    #[test]
    fn a_controllable_model_has_a_regulator(
        a in matrix::<3, 3>(-1.5..1.5_f64),
        b in matrix::<3, 1>(0.5..1.0_f64),
    ) {
        let reach = Matrix3::from_columns(&[b, a * b, a * a * b]);
        prop_assume!(reach.determinant().abs() > 1e-2);
        let lqr = LqrConfig::default().design(&DiscreteModel { a, b, dt: 0.01 });
        prop_assert!(lqr.is_ok(), "{lqr:?} {a} {b}");
        let poles = [Pole::Real(0.5), Pole::Pair { real: 0.3, imaginary: 0.4 }];
        let gain = place_poles(&a, &b, &poles);
        prop_assert!(gain.is_ok(), "{gain:?} {a} {b}");
        prop_assert!(fades(a - b * gain.unwrap()));
    }

    #[test]
    fn an_observer_forgets_its_start(
        a in matrix::<3, 3>(entry()),
        c in matrix::<1, 3>(entry()),
        root in matrix::<3, 3>(entry()),
    ) {
        let config = KalmanGainConfig {
            process_noise: root.transpose() * root,
            measurement_noise: Matrix1::new(0.1),
        };
        let c: Matrix1x3<f64> = c;
        if let Ok(design) = config.design(&a, &c) {
            prop_assert!(fades(a - design.predictor * c), "{a} {c} {}", design.predictor);
            let once = a * design.filter - design.predictor;
            prop_assert!(once.amax() <= 1e-6 * (1.0 + design.predictor.amax()));
        }
    }

    #[test]
    fn no_model_is_too_strange(
        a in matrix::<3, 3>(any_entry()),
        b in matrix::<3, 1>(any_entry()),
        q in matrix::<3, 3>(any_entry()),
        r in any_entry(),
        dt in any_entry(),
    ) {
        let model = ContinuousModel { a, b };
        let config = LqrConfig { state_weight: q, input_weight: Matrix1::new(r) };
        if let Ok(lqr) = config.design_sampled(&model, dt) {
            prop_assert!(lqr.gain.iter().all(|k| k.is_finite()));
        }
        if let Ok(noise) = model.process_noise(&q, dt) {
            prop_assert!(noise.iter().all(|x| x.is_finite()));
        }
        let single = ContinuousModel { a: a.map(|x| x as f32), b: b.map(|x| x as f32) };
        let poles = [Pole::Real(r as f32), Pole::Pair { real: dt as f32, imaginary: 1.0 }];
        let b: Vector3<f32> = single.b;
        if let Ok(gain) = place_poles(&single.a, &b, &poles) {
            prop_assert!(gain.iter().all(|k| k.is_finite()));
        }
        if let Ok(held) = single.discretise(dt as f32) {
            prop_assert!(held.a.iter().all(|x| x.is_finite()));
        }
    }
}
