//! Discretisation, LQR, Kalman gains and pole placement against scipy and python-control.
//!
//! Tolerances: 1e-9 in `f64` and 1e-4 in `f32`, relative to the largest element of each matrix;
//! gains also element by element, each relative to itself.

// In a test an unwrap is an assertion.
#![allow(clippy::unwrap_used)]

mod models;

use balance_core::control::design::{
    ContinuousModel, KalmanGainConfig, LqrConfig, Pole, place_poles,
};
use balance_core::math::Float;
use models::Model;
use nalgebra::SMatrix;

fn matrix<P: Float, const R: usize, const C: usize>(rows: &[[f64; C]; R]) -> SMatrix<P, R, C> {
    SMatrix::from_fn(|i, j| P::lit(rows[i][j]))
}

/// Largest difference, relative to the largest element.
fn difference<P: Float, const R: usize, const C: usize>(
    own: &SMatrix<P, R, C>,
    expected: &[[f64; C]; R],
) -> f64 {
    let expected: SMatrix<f64, R, C> = matrix(expected);
    (own.map(P::to_f64) - expected).amax() / expected.amax()
}

/// Largest difference of an element, relative to itself.
fn elementwise<P: Float, const R: usize, const C: usize>(
    own: &SMatrix<P, R, C>,
    expected: &[[f64; C]; R],
) -> f64 {
    let expected: SMatrix<f64, R, C> = matrix(expected);
    (own.map(P::to_f64) - expected)
        .component_div(&expected)
        .amax()
}

fn continuous<P: Float, const N: usize, const M: usize, const L: usize>(
    model: &Model<N, M, L>,
) -> ContinuousModel<P, N, M> {
    ContinuousModel {
        a: matrix(&model.a),
        b: matrix(&model.b),
    }
}

/// Calls a check for each model and each float.
macro_rules! for_all {
    ($check:ident) => {
        for_all!($check, f64, 1e-9);
        for_all!($check, f32, 1e-4);
    };
    ($check:ident, $t:ty, $tolerance:literal) => {
        $check::<$t, 4, 1, 2>("cart-pole", &models::CARTPOLE_CTMS, $tolerance);
        $check::<$t, 4, 2, 2>("nxtway", &models::NXTWAY_GS, $tolerance);
        $check::<$t, 5, 2, 1>("nxtway with integral", &models::NXTWAY_GS_SERVO, $tolerance);
        $check::<$t, 4, 1, 2>("nxtway, one input", &models::NXTWAY_GS_SI, $tolerance);
        $check::<$t, 4, 1, 2>("balboa", &models::BALBOA32U4, $tolerance);
    };
}

fn holds<P: Float, const N: usize, const M: usize, const L: usize>(
    name: &str,
    model: &Model<N, M, L>,
    tolerance: f64,
) {
    let held = continuous::<P, N, M, L>(model)
        .discretise(P::lit(model.dt))
        .unwrap();
    let (a, b) = (
        difference(&held.a, &model.a_held),
        difference(&held.b, &model.b_held),
    );
    println!("{name} {}: {a:.1e} {b:.1e}", P::NAME);
    assert!(
        a < tolerance * 1e-3 && b < tolerance * 1e-2,
        "{name} {}: {a:e} {b:e}",
        P::NAME
    );
}

#[test]
fn zero_order_hold() {
    for_all!(holds);
}

fn regulates<P: Float, const N: usize, const M: usize, const L: usize>(
    name: &str,
    model: &Model<N, M, L>,
    tolerance: f64,
) {
    let config = LqrConfig::<P, N, M> {
        state_weight: matrix(&model.q),
        input_weight: matrix(&model.r),
    };
    let continuous = continuous::<P, N, M, L>(model);
    let discrete = continuous.discretise(P::lit(model.dt)).unwrap();
    let sampled = config
        .design_sampled(&continuous, P::lit(model.dt))
        .unwrap();
    let stepwise = config.design(&discrete).unwrap();
    for (way, lqr) in [("sampled", sampled), ("stepwise", stepwise)] {
        let gain = elementwise(&lqr.gain, &model.gain);
        let cost = difference(&lqr.cost, &model.cost);
        let radius = (lqr.spectral_radius.to_f64() - model.radius).abs();
        println!(
            "{name} {} {way}: {gain:.1e} {cost:.1e} {radius:.1e}",
            P::NAME
        );
        assert!(gain < tolerance, "{name} {} {way}: {gain:e}", P::NAME);
        assert!(cost < tolerance, "{name} {} {way}: {cost:e}", P::NAME);
        assert!(radius < tolerance, "{name} {} {way}: {radius:e}", P::NAME);
    }
}

#[test]
fn lqr() {
    for_all!(regulates);
}

fn observes<P: Float, const N: usize, const M: usize, const L: usize>(
    name: &str,
    model: &Model<N, M, L>,
    tolerance: f64,
) {
    let Some(kalman) = &model.kalman else { return };
    let continuous = continuous::<P, N, M, L>(model);
    let share = |i: usize| (0.5 + 1.5 * i as f64 / (N - 1) as f64) * 1e-3;
    let diagonal = |i: usize, j: usize, x: f64| P::lit(if i == j { x } else { 0.0 });
    let density = SMatrix::from_fn(|i, j| diagonal(i, j, share(i)));
    let dt = P::lit(model.dt);
    let noise = continuous.process_noise(&density, dt).unwrap();
    let off = difference(&noise, &kalman.noise);
    assert!(off < tolerance * 1e-2, "{name} {}: {off:e}", P::NAME);

    let measurement_noise = SMatrix::from_fn(|i, j| diagonal(i, j, (i + 1) as f64 * 1e-3));
    let c = matrix(&model.c);
    let sampled = KalmanGainConfig {
        process_noise: density,
        measurement_noise,
    }
    .design_sampled(&continuous, &c, dt)
    .unwrap();
    let stepwise = KalmanGainConfig {
        process_noise: noise,
        measurement_noise,
    }
    .design(&continuous.discretise(dt).unwrap().a, &c)
    .unwrap();
    for (way, design) in [("sampled", sampled), ("stepwise", stepwise)] {
        let gain = difference(&design.filter, &kalman.gain);
        let covariance = difference(&design.covariance, &kalman.covariance);
        println!("{name} {} {way}: {gain:.1e} {covariance:.1e}", P::NAME);
        assert!(gain < tolerance, "{name} {} {way}: {gain:e}", P::NAME);
        assert!(
            covariance < tolerance,
            "{name} {} {way}: {covariance:e}",
            P::NAME
        );
        assert!(design.spectral_radius < P::one());
    }
}

#[test]
fn steady_kalman_gains() {
    for_all!(observes);
}

fn places<P: Float, const N: usize, const L: usize>(
    name: &str,
    model: &Model<N, 1, L>,
    tolerance: f64,
) {
    let placed = model.placed.as_ref().unwrap();
    let model = continuous::<P, N, 1, L>(model);
    let poles = [-4.0, -5.0, -6.0, -7.0].map(|pole| Pole::Real(P::lit(pole)));
    let gain = place_poles(&model.a, &model.b, &poles).unwrap();
    let off = elementwise(&gain, &placed.gain);
    println!("{name} {}: {off:.1e}", P::NAME);
    assert!(off < tolerance, "{name} {}: {off:e}", P::NAME);
}

#[test]
fn pole_placement() {
    places::<f64, 4, 2>("cart-pole", &models::CARTPOLE_CTMS, 1e-9);
    places::<f32, 4, 2>("cart-pole", &models::CARTPOLE_CTMS, 1e-4);
    places::<f64, 4, 2>("nxtway, one input", &models::NXTWAY_GS_SI, 1e-9);
    places::<f32, 4, 2>("nxtway, one input", &models::NXTWAY_GS_SI, 1e-4);
    places::<f64, 4, 2>("balboa", &models::BALBOA32U4, 1e-9);
    places::<f32, 4, 2>("balboa", &models::BALBOA32U4, 1e-4);
}
