//! No sequence of inputs makes a Kalman filter emit NaN or lose its covariance, and the first good
//! samples bring it back.
#![allow(clippy::unwrap_used)]

use balance_core::ConfigError;
use balance_core::estimation::kalman::{
    AdaptiveNoise, Gate, Kalman, KalmanConfig, KalmanScalar, MeasurementStatus, SteadyKalman,
    decorrelate,
};
use balance_core::math::{Float, Q12, Scalar};
use nalgebra::{Matrix2, Matrix2x3, Matrix3, SMatrix, SVector, Vector2, Vector3};
use proptest::prelude::*;

/// Position, speed and an accelerometer's bias, driven by its reading; position and speed are
/// measured.
fn cart<P: Float>(noise: f64) -> KalmanConfig<P, 3, 2> {
    let p = P::lit;
    let dt = 0.01;
    KalmanConfig {
        transition: Matrix3::new(1.0, dt, -0.5 * dt * dt, 0.0, 1.0, -dt, 0.0, 0.0, 1.0).map(p),
        process_noise: Matrix3::from_diagonal(&Vector3::new(1e-8, 1e-6, 1e-10)).map(p),
        measurement: Matrix2x3::new(1.0, 0.0, 0.0, 0.0, 1.0, 0.0).map(p),
        measurement_noise: Vector2::new(p(noise), p(noise)),
        initial_covariance: SMatrix::identity(),
        ..Default::default()
    }
}

/// The least eigenvalue of the correlations.
fn least_eigenvalue<P: Float>(covariance: &Matrix3<P>) -> f64 {
    let mut m = covariance.map(Float::to_f64);
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

fn real<T: Scalar>(x: T) -> f64 {
    x.to_param().to_f64()
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -10.0..10.0,
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(1e3),
        1 => Just(-1e3),
        1 => Just(1e30),
        1 => Just(-1e300),
        1 => Just(0.0),
    ]
}
type Inputs = Vec<([Option<f64>; 2], f64, bool)>;
fn any_inputs() -> impl Strategy<Value = Inputs> {
    let one = (
        prop::array::uniform2(prop::option::of(any_value())),
        any_value(),
        any::<bool>(),
    );
    prop::collection::vec(one, 1..80)
}

fn survives<T: KalmanScalar>(inputs: &Inputs) {
    let config = KalmanConfig {
        gate: Some(Gate::default()),
        adaptive: Some(AdaptiveNoise::default()),
        process_noise: Matrix3::from_diagonal(&Vector3::new(1e-6, 1e-4, 1e-6)).map(T::Param::lit),
        ..cart::<T::Param>(1e-2)
    };
    let mut full: Kalman<T, 3, 2> = config.build().unwrap();
    let mut steady: SteadyKalman<T, 3, 2> = config.build_steady().unwrap();
    for (measured, effect, alone) in inputs {
        let measured = measured.map(|z| z.map(T::lit));
        let effect = SVector::from([T::lit(0.0), T::lit(*effect), T::lit(0.0)]);
        if *alone {
            full.predict();
        }
        for out in [
            full.step_with(&effect, &measured),
            steady.step_with(&effect, &measured),
        ] {
            for x in out.estimate.iter().chain(&out.innovation) {
                assert!(real(*x).is_finite(), "{out:?}");
            }
            assert!(out.normalised.iter().all(|x| real(*x) >= 0.0), "{out:?}");
        }
        assert!(least_eigenvalue(&full.covariance()) > -1e-5);
    }
    let good = [Some(T::lit(1.0)), Some(T::lit(0.0))];
    for _ in 0..30_000 {
        full.step(&good);
        steady.step(&good);
    }
    for out in [full.step(&good), steady.step(&good)] {
        assert_eq!(out.status, [MeasurementStatus::Used; 2]);
        let near = |x: T, y: f64| (real(x) - y).abs() < 0.05;
        assert!(
            near(out.estimate[0], 1.0) && near(out.estimate[1], 0.0),
            "{out:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn filters_are_total(inputs in any_inputs()) {
        survives::<f32>(&inputs);
        survives::<f64>(&inputs);
        survives::<Q12>(&inputs);
    }

    /// What is unusable might as well not have come.
    #[test]
    fn bad_samples_leave_no_trace(bad in prop::collection::vec(any::<[bool; 2]>(), 50)) {
        let mut clean: Kalman<f32, 3, 2> = cart(1e-3).build().unwrap();
        let mut hurt = clean.clone();
        for (k, bad) in bad.iter().enumerate() {
            let z = [k as f32 * 0.01, 1.0];
            let missing = [0, 1].map(|i| (!bad[i]).then_some(z[i]));
            let broken = [0, 1].map(|i| Some(if bad[i] { f32::NAN } else { z[i] }));
            prop_assert_eq!(clean.step(&missing), hurt.step(&broken));
        }
        prop_assert_eq!(clean.state(), hurt.state());
    }

    /// Whatever of a model is zero and is skipped: the covariance and the estimate are the textbook's.
    #[test]
    fn zeros_change_nothing(
        f in prop::array::uniform9(-0.6..0.6_f64),
        there in prop::array::uniform9(any::<bool>()),
        unit in any::<bool>(),
        h in prop::array::uniform6(prop_oneof![Just(0.0), Just(1.0), -1.0..1.0_f64]),
        q in prop::array::uniform9(prop_oneof![3 => Just(0.0), 2 => -1.0..1.0_f64]),
        seen in any::<[u8; 2]>(),
    ) {
        let mut transition = Matrix3::from_row_slice(&f);
        for (k, there) in there.into_iter().enumerate() {
            let (i, j) = (k / 3, k % 3);
            if i != j && !there {
                transition[(i, j)] = 0.0;
            }
            if i == j {
                transition[(i, j)] = if unit { 1.0 } else { 0.4 + transition[(i, j)] };
            }
        }
        let root = Matrix3::from_row_slice(&q);
        let noise = root * root.transpose();
        let rows = Matrix2x3::from_row_slice(&h);
        let config = KalmanConfig::<f64, 3, 2> {
            transition,
            measurement: rows,
            process_noise: noise,
            measurement_noise: Vector2::new(0.1, 0.01),
            initial_covariance: Matrix3::identity(),
            ..Default::default()
        };
        let mut filter: Kalman<f64, 3, 2> = config.build().unwrap();
        let (mut x, mut p) = (Vector3::zeros(), Matrix3::identity());
        for k in 0..20_u32 {
            let measured = [0, 1].map(|i| (seen[i].rotate_left(k) & 1 == 1).then_some(0.5));
            let out = filter.step(&measured);
            x = transition * x;
            p = transition * p * transition.transpose() + noise;
            for (i, z) in measured.into_iter().enumerate() {
                let Some(z) = z else { continue };
                let row = rows.row(i);
                let cross = p * row.transpose();
                let r = config.measurement_noise[i];
                let gain = cross / ((row * cross)[(0, 0)] + r);
                x += gain * (z - (row * x)[(0, 0)]);
                let rest = Matrix3::identity() - gain * row;
                p = rest * p * rest.transpose() + gain * r * gain.transpose();
            }
            // Without noise a state may come to be known by nine digits more than another: what then
            // couples them leaves the range of the factors.
            if p.symmetric_eigenvalues().min() < 1e-15 {
                break;
            }
            let scale = 1.0 + p.abs().max();
            prop_assert!((out.estimate - x).abs().max() < 1e-9 * scale, "{} {}", out.estimate, x);
            let off = (filter.covariance() - p).abs().max();
            prop_assert!(off < 1e-9 * scale, "{} {}", filter.covariance(), p);
        }
    }

    /// Any model and any noises within fourteen decades: positive semidefinite in `f32`.
    #[test]
    fn covariance_stays_positive(
        f in prop::array::uniform9(-0.6..0.6_f64),
        h in prop::array::uniform6(-1.0..1.0_f64),
        q in prop::array::uniform3(-14.0..0.0_f64),
        r in prop::array::uniform2(-14.0..0.0_f64),
        seen in any::<[u8; 2]>(),
    ) {
        let config = KalmanConfig::<f32, 3, 2> {
            transition: (Matrix3::identity() * 0.6 + Matrix3::from_row_slice(&f)).map(|x| x as f32),
            measurement: Matrix2x3::from_row_slice(&h).map(|x| x as f32),
            process_noise: Matrix3::from_diagonal(&Vector3::from(q).map(|x| 10.0_f32.powf(x as f32))),
            measurement_noise: Vector2::from(r).map(|x| 10.0_f32.powf(x as f32)),
            initial_covariance: Matrix3::identity(),
            ..Default::default()
        };
        let mut filter: Kalman<f32, 3, 2> = config.build().unwrap();
        let mut fixed: Kalman<Q12, 3, 2> = config.build().unwrap();
        for k in 0..400_u32 {
            let measured = [0, 1].map(|i| (seen[i].rotate_left(k) & 1 == 1).then_some(0.5));
            filter.step(&measured);
            fixed.step(&measured.map(|z| z.map(|_| Q12::lit(0.5))));
            // What the rounding of the product L D Lᵀ can do to a pivot.
            prop_assert!(least_eigenvalue(&filter.covariance()) > -1e-5, "{}", filter.covariance());
            let p = fixed.covariance();
            prop_assert!((0..3).all(|i| p[(i, i)] >= 0.0 && p[(i, i)].is_finite()), "{}", p);
        }
    }
}

/// A robot's day at 1 kHz, shortened; `ten_million_steps` is the whole of it.
fn stays_a_covariance(steps: u32) {
    // Sensors a thousand times better than the model: the difference P − K S Kᵀ would cancel.
    let mut narrow: Kalman<f32, 3, 2> = cart(1e-9).build().unwrap();
    let mut wide: Kalman<f64, 3, 2> = cart(1e-9).build().unwrap();
    let mut fixed: Kalman<Q12, 3, 2> = cart(1e-9).build().unwrap();
    for k in 0..steps {
        let speed = f64::from(k % 1000) * 1e-3;
        let measured = [(k % 3 != 0).then_some(0.25), (k % 7 != 0).then_some(speed)];
        narrow.step(&measured.map(|z| z.map(|z| z as f32)));
        wide.step(&measured);
        fixed.step(&measured.map(|z| z.map(Q12::lit)));
        if k % 1013 == 0 {
            assert!(least_eigenvalue(&narrow.covariance()) > 0.0);
            assert!(least_eigenvalue(&fixed.covariance()) > 0.0);
        }
    }
    let (narrow, wide, fixed) = (narrow.covariance(), wide.covariance(), fixed.covariance());
    for (name, found, bound) in [("f32", narrow, 1e-3), ("fixed", fixed, 1e-3)] {
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
    stays_a_covariance(100_000);
}

#[test]
#[ignore = "seconds in release, minutes otherwise"]
fn ten_million_steps() {
    stays_a_covariance(10_000_000);
}

#[test]
fn the_gate_closes_and_opens() {
    fn check<T: KalmanScalar>() {
        let config = KalmanConfig {
            gate: Some(Gate {
                sigma: T::Param::lit(5.0),
                patience: 20,
            }),
            ..cart::<T::Param>(1e-4)
        };
        let mut filter: Kalman<T, 3, 2> = config.build().unwrap();
        let at = |z: f64| [Some(T::lit(z)), None];
        for _ in 0..2000 {
            filter.step(&at(0.0));
        }
        for _ in 0..20 {
            let out = filter.step(&at(5.0));
            assert_eq!(out.status[0], MeasurementStatus::Rejected, "{out:?}");
            assert!(real(out.estimate[0]).abs() < 1e-2);
        }
        for _ in 0..20_000 {
            filter.step(&at(5.0));
        }
        let out = filter.step(&at(5.0));
        assert_eq!(out.status[0], MeasurementStatus::Used);
        assert!((real(out.estimate[0]) - 5.0).abs() < 1e-2, "{out:?}");
    }
    check::<f32>();
    check::<f64>();
    check::<Q12>();
}

/// A sensor ten times noisier than configured: the learned noise makes innovations consistent.
#[test]
fn noise_is_learned() {
    let config = KalmanConfig {
        adaptive: Some(AdaptiveNoise::default()),
        ..cart::<f64>(1e-4)
    };
    let mut filter: Kalman<f64, 3, 2> = config.build().unwrap();
    let mut chance = 1_u32;
    let mut noise = || {
        let mut sum = 0.0;
        for _ in 0..12 {
            chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            sum += f64::from(chance >> 8) / f64::from(1 << 24) - 0.5;
        }
        sum
    };
    let mut mean = 0.0;
    for k in 0..20_000 {
        let out = filter.step(&[Some(0.1 * noise()), Some(0.01 * noise())]);
        if k >= 10_000 {
            mean += out.normalised[0] / 10_000.0;
        }
    }
    let learned = filter.state().variance;
    assert!((learned[0].sqrt() - 0.1).abs() < 0.02, "{learned:?}");
    assert!((learned[1].sqrt() - 0.01).abs() < 0.002, "{learned:?}");
    assert!((mean - 1.0).abs() < 0.1, "{mean}");
}

/// Taking correlated measurements one after the other gives what taking them together would.
#[test]
fn correlated_noise_is_decorrelated() {
    let h = Matrix2::new(1.0_f64, 0.0, 1.0, 1.0);
    let r = Matrix2::new(0.04, 0.03, 0.03, 0.09);
    let z = Vector2::new(0.7, -0.2);
    let (mix, measurement, measurement_noise) = decorrelate(&h, &r).unwrap();
    let config = KalmanConfig::<f64, 2, 2> {
        measurement,
        measurement_noise,
        process_noise: Matrix2::zeros(),
        initial_covariance: Matrix2::new(0.5, 0.1, 0.1, 0.2),
        ..Default::default()
    };
    let mut filter: Kalman<f64, 2, 2> = config.build().unwrap();
    let mixed = mix * z;
    let out = filter.step(&[Some(mixed[0]), Some(mixed[1])]);
    let p = config.initial_covariance;
    let gain = p * h.transpose() * (h * p * h.transpose() + r).try_inverse().unwrap();
    assert!((out.estimate - gain * z).abs().max() < 1e-14);
    let after = (Matrix2::identity() - gain * h) * p;
    assert!((filter.covariance() - after).abs().max() < 1e-14);
}

#[test]
fn impossible_configurations_are_named() {
    let mut config = cart::<f32>(1e-3);
    config.process_noise[(0, 1)] = 1.0;
    let built = config.build::<f32>().map(drop);
    assert_eq!(built, Err(ConfigError::OutOfRange("process_noise")));
    let mut config = cart::<f32>(1e-3);
    config.initial_covariance = Matrix3::new(1.0, 2.0, 0.0, 2.0, 1.0, 0.0, 0.0, 0.0, 1.0);
    let built = config.build::<f32>().map(drop);
    assert_eq!(built, Err(ConfigError::OutOfRange("initial_covariance")));
    let mut config = cart::<f32>(f64::NAN);
    let built = config.build::<f32>().map(drop);
    assert_eq!(built, Err(ConfigError::NonFinite("measurement_noise")));
    // Nothing measures a state that walks off.
    config = cart(1e-3);
    config.measurement = Matrix2x3::new(0.0, 1.0, 0.0, 0.0, 1.0, 0.0);
    let built = config.build_steady::<f32>().map(drop);
    assert_eq!(built, Err(ConfigError::OutOfRange("measurement")));
}
