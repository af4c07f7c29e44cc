//! Estimators against independent implementations.
//!
//! Where the tables come from stands in their first lines.
#![allow(clippy::expect_used)]

use balance_core::estimation::tilt_kalman::{
    TiltCovariance, TiltKalman, TiltKalmanConfig, TiltKalmanState,
};
use balance_core::math::{Float, Q12, Q16, Real, Scalar};

struct Case {
    dt: f64,
    gyro_variance: f64,
    bias_variance: f64,
    accel_variance: f64,
    angle: f64,
    covariance: [f64; 2],
    rows: &'static str,
}

fn table<const N: usize>(text: &'static str) -> impl Iterator<Item = [f64; N]> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| {
        let mut row = [0.0; N];
        for (value, field) in row.iter_mut().zip(line.split(',')) {
            *value = field.parse().expect("a number");
        }
        row
    })
}

/// Worst errors of the estimates (rad, rad/s) and, relative, of the covariance.
fn worst<T: Scalar>(case: &Case) -> (f64, f64) {
    let p = T::Param::lit;
    let config = TiltKalmanConfig {
        gyro_noise: p(case.gyro_variance).sqrt(),
        bias_walk: p(case.bias_variance).sqrt(),
        accel_noise: p(case.accel_variance).sqrt(),
        initial_bias: p(1.0),
        ..Default::default()
    };
    let mut tilt: TiltKalman<T> = config.build(p(case.dt)).expect("a good configuration");
    tilt.restore(TiltKalmanState {
        angle: T::lit(case.angle).widen(),
        covariance: TiltCovariance {
            angle: p(case.covariance[0] / case.accel_variance),
            cross: p(0.0),
            bias: p(case.covariance[1] / case.accel_variance * case.dt * case.dt),
        },
        known: true,
        ..Default::default()
    });
    let (mut estimate, mut covariance) = (0.0_f64, 0.0_f64);
    for [rate, angle, x0, x1, p00, p01, p11] in table(case.rows) {
        let out = tilt.step(T::lit(rate), Some(T::lit(angle)));
        for (found, expected) in [(out.angle, x0), (out.bias, x1)] {
            estimate = estimate.max((found.to_param().to_f64() - expected).abs());
        }
        let state = tilt.state().covariance;
        // The bias counts as its turn in a period.
        let (p01, p11) = (p01 * case.dt, p11 * case.dt * case.dt);
        for (found, expected) in [(state.angle, p00), (state.cross, p01), (state.bias, p11)] {
            let found = found.to_f64() * case.accel_variance;
            covariance = covariance.max((found - expected).abs() / expected.abs());
        }
    }
    (estimate, covariance)
}

fn check<T: Scalar>(name: &str, case: &Case, bounds: (f64, f64)) {
    let (estimate, covariance) = worst::<T>(case);
    println!("{name} {}: {estimate:e} {covariance:e}", T::NAME);
    assert!(estimate < bounds.0, "{name} {}: {estimate:e}", T::NAME);
    assert!(covariance < bounds.1, "{name} {}: {covariance:e}", T::NAME);
}

#[test]
fn tilt_kalman_agrees_with_filterpy() {
    let rocking = Case {
        dt: 0.005,
        gyro_variance: 1e-3,
        bias_variance: 3e-3,
        accel_variance: 0.03,
        angle: 0.0,
        covariance: [1.0, 1.0],
        rows: include_str!("data/tilt_rocking.csv"),
    };
    let broad = Case {
        dt: 0.0035,
        gyro_variance: 1e-3,
        bias_variance: 3e-4,
        accel_variance: 0.05,
        angle: 0.07861639274625243,
        covariance: [0.1, 0.01],
        rows: include_str!("data/tilt_broad.csv"),
    };
    for (name, case) in [("rocking", &rocking), ("broad", &broad)] {
        check::<f64>(name, case, (1e-13, 1e-12));
        check::<f32>(name, case, (1e-6, 1e-5));
        check::<Q12>(name, case, (4e-6, 1e-5));
        check::<Q16>(name, case, (6e-5, 1e-5));
    }
}
