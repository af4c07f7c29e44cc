//! Kalman filters of any model.

use crate::{Case, ConfigError, DT, Sample};
use balance_core::estimation::kalman::{self, KalmanConfig, KalmanScalar};
use balance_core::math::{Float, Scalar};
use nalgebra::{SMatrix, SVector};

/// Two positions that are measured, and their speeds.
fn two_axes<P: Float>() -> KalmanConfig<P, 4, 2> {
    moving(|i| i / 2)
}

/// Positions, then speeds; an even state is measured by the number that `measured` gives it.
fn moving<P: Float, const N: usize, const M: usize>(
    measured: impl Fn(usize) -> usize,
) -> KalmanConfig<P, N, M> {
    let entry = |condition, value| if condition { P::lit(value) } else { P::zero() };
    KalmanConfig {
        transition: SMatrix::from_fn(|i, j| {
            entry(i == j, 1.0) + entry(i % 2 == 0 && j == i + 1, DT)
        }),
        process_noise: SMatrix::from_fn(|i, j| entry(i == j && i % 2 == 1, 1e-3)),
        measurement: SMatrix::from_fn(|i, j| entry(j % 2 == 0 && measured(j) == i, 1.0)),
        measurement_noise: SVector::from_element(P::lit(1e-3)),
        ..Default::default()
    }
}

fn two<T: Scalar>(sample: &Sample) -> [Option<T>; 2] {
    let [rate, ..] = sample.rate();
    [sample.accel_pitch(), Some(rate)]
}

/// Four states, two measurements.
pub struct Kalman42;

impl<T: KalmanScalar> Case<T> for Kalman42 {
    type Algorithm = kalman::Kalman<T, 4, 2>;
    type Input = [Option<T>; 2];
    type Output = SVector<T, 4>;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        two_axes().build()
    }
    fn input(sample: &Sample) -> Self::Input {
        two(sample)
    }
    fn step(filter: &mut Self::Algorithm, measured: &Self::Input) -> Self::Output {
        filter.step(measured).estimate
    }
}

/// The same with the gains of the long run.
pub struct SteadyKalman42;

impl<T: Scalar> Case<T> for SteadyKalman42 {
    type Algorithm = kalman::SteadyKalman<T, 4, 2>;
    type Input = [Option<T>; 2];
    type Output = SVector<T, 4>;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        two_axes().build_steady()
    }
    fn input(sample: &Sample) -> Self::Input {
        two(sample)
    }
    fn step(filter: &mut Self::Algorithm, measured: &Self::Input) -> Self::Output {
        filter.step(measured).estimate
    }
}

/// Six states, three measurements.
pub struct Kalman63;

impl<T: KalmanScalar> Case<T> for Kalman63 {
    type Algorithm = kalman::Kalman<T, 6, 3>;
    type Input = [Option<T>; 3];
    type Output = SVector<T, 6>;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        moving(|i| i / 2).build()
    }
    fn input(sample: &Sample) -> Self::Input {
        sample.rate().map(Some)
    }
    fn step(filter: &mut Self::Algorithm, measured: &Self::Input) -> Self::Output {
        filter.step(measured).estimate
    }
}
