//! Kalman filters.

use super::{RESOLUTION, in_all_types, in_floats, number, scalar};
use crate::board::Board;
use balance_conformance::{Subject, Supported, Track, Tracker, TrackerSample, TrackerTuning};
use balance_core::control::design::{DiscreteModel, KalmanGainConfig};
use balance_core::control::luenberger::{Luenberger, LuenbergerConfig};
use balance_core::estimation::kalman::{Kalman, KalmanConfig, KalmanScalar, SteadyKalman};
use balance_core::estimation::nonlinear_kalman::{
    DifferentiableModel, ExtendedKalman, NonlinearKalmanConfig, NonlinearModel, UnscentedKalman,
};
use balance_core::math::{Float, Scalar};
use nalgebra_0_35::{SMatrix, SVector};

pub fn add(board: &mut Board) {
    in_all_types!(board, "kalman_2_1", Kalman21, within 1e-3, 1e-2);
    in_all_types!(board, "kalman_4_2", Kalman42, within 1e-3, 1e-2);
    in_all_types!(board, "kalman_6_3", Kalman63, within 1e-3, 1e-2);
    in_all_types!(board, "steady_kalman_2_1", Steady21, within 1e-3, 1e-2);
    in_all_types!(board, "luenberger_2_1", Luenberger21, within 1e-3, 1e-2);
    in_floats!(board, "extended_kalman_2_1", Extended21, within 1e-3);
    in_floats!(board, "unscented_kalman_2_1", Unscented21, within 1e-3);
}

/// Position and velocity of each axis, the axes one after the other.
fn settings<P: Float, const N: usize, const M: usize>(t: &TrackerTuning) -> KalmanConfig<P, N, M> {
    let noise = t.process_noise();
    let same_axis = |i: usize, j: usize| i / 2 == j / 2;
    let matrix = |at: &dyn Fn(usize, usize) -> f64| SMatrix::from_fn(|i, j| P::lit(at(i, j)));
    KalmanConfig {
        transition: matrix(&|i, j| match (i == j, same_axis(i, j) && i < j) {
            (true, _) => 1.0,
            (_, true) => t.dt,
            _ => 0.0,
        }),
        process_noise: matrix(&|i, j| {
            if same_axis(i, j) {
                noise[i % 2][j % 2]
            } else {
                0.0
            }
        }),
        measurement: SMatrix::from_fn(|i, j| if j == 2 * i { P::one() } else { P::zero() }),
        measurement_noise: SVector::repeat(P::lit(t.measurement_noise())),
        initial_covariance: SMatrix::identity(),
        ..KalmanConfig::default()
    }
}

/// The filter of so many states and axes.
macro_rules! kalman {
    ($subject:ident, $states:literal, $axes:literal) => {
        struct $subject<T: KalmanScalar>(Kalman<T, $states, $axes>);
        impl<T: KalmanScalar> Subject for $subject<T> {
            type Kind = Tracker<$axes>;
            const RESOLUTION: f64 = RESOLUTION;
            const TAKES_DT: bool = false;
            fn new(t: &TrackerTuning) -> Self {
                Self(settings(t).build().expect("a good tuning"))
            }
            fn step(&mut self, s: &TrackerSample<$axes>) -> Track<$axes> {
                let estimate = self.0.step(&s.position.map(|z| Some(scalar(z)))).estimate;
                let covariance = self.0.covariance();
                Track {
                    position: core::array::from_fn(|axis| number(estimate[2 * axis])),
                    covariance: covariance
                        .row_iter()
                        .map(|row| row.iter().map(|p| p.to_f64()).collect())
                        .collect(),
                }
            }
            fn reset(&mut self) -> Supported {
                self.0.reset();
                Supported::Yes
            }
        }
    };
}
kalman!(Kalman21, 2, 1);
kalman!(Kalman42, 4, 2);
kalman!(Kalman63, 6, 3);

struct Steady21<T: Scalar>(SteadyKalman<T, 2, 1>);
impl<T: Scalar> Subject for Steady21<T> {
    type Kind = Tracker;
    const RESOLUTION: f64 = RESOLUTION;
    const TAKES_DT: bool = false;
    fn new(t: &TrackerTuning) -> Self {
        Self(settings(t).build_steady().expect("a good tuning"))
    }
    fn step(&mut self, s: &TrackerSample<1>) -> Track<1> {
        let estimate = self.0.step(&s.position.map(|z| Some(scalar(z)))).estimate;
        Track {
            position: [number(estimate[0])],
            covariance: Vec::new(),
        }
    }
    fn reset(&mut self) -> Supported {
        self.0.reset();
        Supported::Yes
    }
}

struct Luenberger21<T: Scalar>(Luenberger<T, 2, 0, 1>);
impl<T: Scalar> Subject for Luenberger21<T> {
    type Kind = Tracker;
    const RESOLUTION: f64 = RESOLUTION;
    const TAKES_DT: bool = false;
    fn new(t: &TrackerTuning) -> Self {
        let linear: KalmanConfig<T::Param, 2, 1> = settings(t);
        let model = DiscreteModel {
            a: linear.transition,
            b: SMatrix::from_fn(|_, _| T::Param::lit(0.0)),
            dt: T::Param::lit(t.dt),
        };
        let noise = KalmanGainConfig {
            process_noise: linear.process_noise,
            measurement_noise: SMatrix::from([[linear.measurement_noise[0]]]),
        };
        let config = LuenbergerConfig::with_noise(model, linear.measurement, &noise);
        let config = config.expect("a good tuning");
        Self(config.build().expect("a good tuning"))
    }
    fn step(&mut self, s: &TrackerSample<1>) -> Track<1> {
        let estimate = self.0.step(&s.position.map(scalar), &[]).estimate;
        Track {
            position: [number(estimate[0])],
            covariance: Vec::new(),
        }
    }
    fn reset(&mut self) -> Supported {
        self.0.reset();
        Supported::Yes
    }
}

/// As the linear model, in air: v' = v − 0.1 v|v| dt.
struct Drag<P> {
    dt: P,
}
impl<P: Float> NonlinearModel<2, 1> for Drag<P> {
    type Scalar = P;
    fn advance(&self, x: &SVector<P, 2>) -> SVector<P, 2> {
        let slowing = P::lit(0.1) * x[1] * x[1].magnitude();
        SVector::from([x[0] + self.dt * x[1], x[1] - self.dt * slowing])
    }
    fn expect(&self, x: &SVector<P, 2>) -> SVector<P, 1> {
        SVector::from([x[0]])
    }
}
impl<P: Float> DifferentiableModel<2, 1> for Drag<P> {
    fn transition(&self, x: &SVector<P, 2>) -> SMatrix<P, 2, 2> {
        let slope = P::lit(0.2) * x[1].magnitude();
        SMatrix::from([[P::one(), P::zero()], [self.dt, P::one() - self.dt * slope]])
    }
    fn measurement(&self, _: &SVector<P, 2>) -> SMatrix<P, 1, 2> {
        SMatrix::from([[P::one()], [P::zero()]])
    }
}

/// The filters of a model that bends.
macro_rules! nonlinear {
    ($subject:ident, $filter:ident, $build:ident) => {
        struct $subject<P: Float>($filter<Drag<P>, 2, 1>);
        impl<P: Float> Subject for $subject<P> {
            type Kind = Tracker;
            const RESOLUTION: f64 = RESOLUTION;
            const TAKES_DT: bool = false;
            fn new(t: &TrackerTuning) -> Self {
                let linear: KalmanConfig<P, 2, 1> = settings(t);
                let config = NonlinearKalmanConfig {
                    process_noise: linear.process_noise,
                    measurement_noise: linear.measurement_noise,
                    initial_covariance: linear.initial_covariance,
                    ..NonlinearKalmanConfig::default()
                };
                let model = Drag { dt: P::lit(t.dt) };
                Self(config.$build(model).expect("a good tuning"))
            }
            fn step(&mut self, s: &TrackerSample<1>) -> Track<1> {
                let estimate = self.0.step(&s.position.map(|z| Some(scalar(z)))).estimate;
                let covariance = self.0.covariance();
                Track {
                    position: [number(estimate[0])],
                    covariance: covariance
                        .row_iter()
                        .map(|row| row.iter().map(|p| p.to_f64()).collect())
                        .collect(),
                }
            }
            fn reset(&mut self) -> Supported {
                self.0.reset();
                Supported::Yes
            }
        }
    };
}
nonlinear!(Extended21, ExtendedKalman, build_extended);
nonlinear!(Unscented21, UnscentedKalman, build_unscented);
