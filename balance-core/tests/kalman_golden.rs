//! Kalman filters against independent implementations, step by step, estimate and covariance.
//!
//! Where the tables come from stands in their first lines.
#![allow(clippy::expect_used)]

use balance_core::estimation::kalman::{Kalman, KalmanConfig, KalmanScalar, SteadyKalman};
use balance_core::estimation::nonlinear_kalman::{
    DifferentiableModel, ExtendedKalman, NonlinearKalmanConfig, NonlinearModel, UnscentedKalman,
};
use balance_core::math::{Float, Q8, Q12, Q16, Scalar};
use nalgebra::{
    Matrix1x2, Matrix2, Matrix2x3, Matrix2x4, Matrix3, Matrix4, SMatrix, SVector, Vector1, Vector2,
    Vector3,
};
use std::marker::PhantomData;

fn table(text: &'static str) -> impl Iterator<Item = Vec<f64>> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| {
        let fields = line.split(',');
        fields.map(|x| x.parse().expect("a number")).collect()
    })
}

/// Worst differences: of the estimate, and of the covariance relative to the variances.
#[derive(Default)]
struct Worst {
    estimate: f64,
    covariance: f64,
}

impl Worst {
    fn see<T: Scalar, const N: usize>(
        &mut self,
        estimate: &SVector<T, N>,
        covariance: &SMatrix<T::Param, N, N>,
        expected: &[f64],
    ) {
        let (state, triangle) = expected.split_at(N);
        for (found, expected) in estimate.iter().zip(state) {
            let found = found.to_param().to_f64();
            self.estimate = self.estimate.max((found - expected).abs());
        }
        let mut triangle = triangle.iter();
        for i in 0..N {
            for j in 0..=i {
                let Some(expected) = triangle.next() else {
                    return;
                };
                let p = |i, j| Float::to_f64(covariance[(i, j)]);
                let scale = p(i, i).sqrt() * p(j, j).sqrt();
                let error = (p(i, j) - expected).abs() / scale;
                self.covariance = self.covariance.max(error);
            }
        }
    }
    fn check(&self, name: &str, bounds: (f64, f64)) {
        println!("{name}: {:e} {:e}", self.estimate, self.covariance);
        assert!(self.estimate < bounds.0, "{name}: {:e}", self.estimate);
        assert!(self.covariance < bounds.1, "{name}: {:e}", self.covariance);
    }
}

fn lit<P: Float, const R: usize, const C: usize>(m: SMatrix<f64, R, C>) -> SMatrix<P, R, C> {
    SMatrix::from_fn(|i, j| P::lit(m[(i, j)]))
}

struct Tilt {
    dt: f64,
    q: [f64; 2],
    r: f64,
    angle: f64,
    covariance: [f64; 2],
    rows: &'static str,
}

const TILTS: [Tilt; 2] = [
    Tilt {
        dt: 0.005,
        q: [1e-3, 3e-3],
        r: 0.03,
        angle: 0.0,
        covariance: [1.0, 1.0],
        rows: include_str!("data/tilt_rocking.csv"),
    },
    Tilt {
        dt: 0.0035,
        q: [1e-3, 3e-4],
        r: 0.05,
        angle: 0.078_616_392_746_252_43,
        covariance: [0.1, 0.01],
        rows: include_str!("data/tilt_broad.csv"),
    },
];

fn tilt<T: KalmanScalar>(bounds: (f64, f64)) {
    for case in &TILTS {
        let [qa, qb] = case.q;
        let dt = case.dt;
        let [pa, pb] = case.covariance;
        let config = KalmanConfig::<T::Param, 2, 1> {
            transition: lit(Matrix2::new(1.0, -dt, 0.0, 1.0)),
            process_noise: lit(Matrix2::new(qa * dt, 0.0, 0.0, qb * dt)),
            measurement: lit(Matrix1x2::new(1.0, 0.0)),
            measurement_noise: lit(Vector1::new(case.r)),
            initial_state: lit(Vector2::new(case.angle, 0.0)),
            initial_covariance: lit(Matrix2::new(pa, 0.0, 0.0, pb)),
            ..Default::default()
        };
        let mut filter: Kalman<T, 2, 1> = config.build().expect("a good configuration");
        let mut worst = Worst::default();
        for row in table(case.rows) {
            let effect = Vector2::new(T::lit(row[0] * dt), T::lit(0.0));
            let out = filter.step_with(&effect, &[Some(T::lit(row[1]))]);
            let expected = [row[2], row[3], row[4], row[5], row[6]];
            worst.see(&out.estimate, &filter.covariance(), &expected);
        }
        worst.check(&format!("tilt {}", T::NAME), bounds);
    }
}

fn nxtway<P: Float>() -> (KalmanConfig<P, 4, 2>, [f64; 4]) {
    let config = KalmanConfig {
        transition: lit(Matrix4::new(
            1.0,
            -0.0023393937240562862,
            0.003034928039228081,
            0.0009616816799534721,
            0.0,
            1.0017048871527492,
            0.0004652401184314674,
            0.003537163644181189,
            0.0,
            -0.9841702253911698,
            0.5831103783572531,
            0.41455022791869045,
            0.0,
            0.7630985793969458,
            0.20099977485078216,
            0.8007051123019671,
        )),
        process_noise: lit(Matrix4::new(
            2.0000274979922504e-06,
            -3.3840545550122475e-09,
            1.0569304304104723e-08,
            1.727709488149864e-09,
            -3.3840545550122475e-09,
            4.004845511504211e-06,
            -2.336188629477986e-06,
            1.7190143357725946e-06,
            1.0569304304104723e-08,
            -2.336188629477986e-06,
            5.801193752201304e-06,
            8.913552301379644e-07,
            1.727709488149864e-09,
            1.7190143357725946e-06,
            8.913552301379644e-07,
            7.300911220973325e-06,
        )),
        measurement: lit(Matrix2x4::new(1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)),
        measurement_noise: lit(Vector2::new(0.001, 0.002)),
        initial_covariance: lit(SMatrix::identity() * 0.01),
        ..Default::default()
    };
    let input = [
        0.0018760060559298132,
        -0.000904381554035439,
        0.8103928894903586,
        -0.39072401871357754,
    ];
    (config, input)
}

const NXTWAY: &str = include_str!("data/kalman_nxtway.csv");

fn balancing<T: KalmanScalar>(bounds: (f64, f64)) {
    let (config, input) = nxtway::<T::Param>();
    let mut filter: Kalman<T, 4, 2> = config.build().expect("a good configuration");
    let mut worst = Worst::default();
    for row in table(NXTWAY) {
        let effect = SVector::from(input.map(|b| T::lit(b * row[0])));
        let measured = [row[1], row[2]].map(|z| Some(T::lit(z)));
        let out = filter.step_with(&effect, &measured);
        worst.see(&out.estimate, &filter.covariance(), &row[3..]);
    }
    worst.check(&format!("nxtway {}", T::NAME), bounds);
}

#[test]
fn linear_agrees_with_filterpy() {
    tilt::<f64>((1e-12, 1e-12));
    tilt::<f32>((2e-6, 1e-5));
    tilt::<Q8>((2e-6, 5e-6));
    tilt::<Q12>((1.5e-5, 5e-6));
    tilt::<Q16>((2.5e-4, 5e-6));
    balancing::<f64>((1e-12, 1e-12));
    balancing::<f32>((2e-6, 1e-5));
    balancing::<Q8>((1e-6, 1e-5));
    balancing::<Q12>((1e-5, 1e-5));
}

/// The constant gains are those to which the recorded covariance converges, and with them the
/// filter ends where the other does.
#[test]
fn steady_gains_are_those_of_the_riccati_equation() {
    // The published solution, x += K (z − C x).
    const GAIN: [[f64; 2]; 4] = [
        [0.04411031680406639, -0.0005366434925910829],
        [-0.001962295229908528, 0.0452003460688848],
        [0.004439057236309579, 0.01954472390470315],
        [-0.001073286985182166, 0.14507062241077878],
    ];
    let (config, _) = nxtway::<f64>();
    for measurement in 0..2 {
        let mut filter: SteadyKalman<f64, 4, 2> = config.build_steady().expect("it converges");
        let mut measured = [Some(0.0), Some(0.0)];
        measured[measurement] = Some(1.0);
        let out = filter.step(&measured);
        for (found, expected) in out.estimate.iter().zip(GAIN) {
            let error = (found - expected[measurement]).abs();
            assert!(error < 1e-11, "{found} {expected:?}");
        }
    }
}

/// The pendulum of the tables: angle, rate, gyroscope bias.
struct Pendulum<P>(PhantomData<P>);

impl<P: Float> Pendulum<P> {
    const DT: f64 = 0.005;
    const STIFFNESS: f64 = 9.81 / 0.12;
    const DAMPING: f64 = 0.4;

    fn config() -> NonlinearKalmanConfig<P, 3, 2> {
        NonlinearKalmanConfig {
            process_noise: lit(Matrix3::from_diagonal(&Vector3::new(1e-6, 1e-4, 1e-8))),
            measurement_noise: lit(Vector2::new(4e-4, 0.09)),
            initial_state: lit(Vector3::new(0.6, 0.0, 0.0)),
            initial_covariance: lit(Matrix3::from_diagonal(&Vector3::new(0.1, 0.1, 0.01))),
            ..Default::default()
        }
    }
}

impl<P: Float> NonlinearModel<3, 2> for Pendulum<P> {
    type Scalar = P;
    fn advance(&self, x: &Vector3<P>) -> Vector3<P> {
        let p = P::lit;
        let pull = -p(Self::STIFFNESS) * x[0].sin() - p(Self::DAMPING) * x[1];
        let rate = x[1] + p(Self::DT) * pull;
        Vector3::new(x[0] + p(Self::DT) * rate, rate, x[2])
    }
    fn expect(&self, x: &Vector3<P>) -> Vector2<P> {
        Vector2::new(x[1] + x[2], P::lit(9.81) * x[0].sin())
    }
}

impl<P: Float> DifferentiableModel<3, 2> for Pendulum<P> {
    fn transition(&self, x: &Vector3<P>) -> Matrix3<P> {
        let (p, zero, one) = (P::lit, P::zero(), P::one());
        let (dt, pull) = (p(Self::DT), -p(Self::STIFFNESS) * x[0].cos());
        let kept = one - dt * p(Self::DAMPING);
        Matrix3::new(
            one + dt * dt * pull,
            dt * kept,
            zero, //
            dt * pull,
            kept,
            zero, //
            zero,
            zero,
            one,
        )
    }
    fn measurement(&self, x: &Vector3<P>) -> Matrix2x3<P> {
        let (zero, one) = (P::zero(), P::one());
        let slope = P::lit(9.81) * x[0].cos();
        Matrix2x3::new(zero, one, one, slope, zero, zero)
    }
}

fn swings<P: Float>(extended: (f64, f64), unscented: (f64, f64)) {
    let config = Pendulum::<P>::config();
    let mut filter: ExtendedKalman<_, 3, 2> = config
        .build_extended(Pendulum(PhantomData))
        .expect("a good configuration");
    let mut worst = Worst::default();
    for row in table(include_str!("data/ekf_pendulum.csv")) {
        let out = filter.step(&[Some(P::lit(row[0])), Some(P::lit(row[1]))]);
        worst.see(&out.estimate, &filter.covariance(), &row[2..]);
    }
    worst.check(&format!("extended {}", P::NAME), extended);

    let mut filter: UnscentedKalman<_, 3, 2> = config
        .build_unscented(Pendulum(PhantomData))
        .expect("a good configuration");
    let mut worst = Worst::default();
    for row in table(include_str!("data/ukf_pendulum.csv")) {
        let out = filter.step(&[Some(P::lit(row[0])), Some(P::lit(row[1]))]);
        worst.see(&out.estimate, &filter.covariance(), &row[2..]);
    }
    worst.check(&format!("unscented {}", P::NAME), unscented);
}

#[test]
fn nonlinear_agrees_with_filterpy() {
    swings::<f64>((1e-12, 1e-11), (1e-12, 1e-11));
    swings::<f32>((1e-5, 1e-5), (1e-5, 1e-4));
}
