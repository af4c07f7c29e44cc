//! Kalman filters of any model.

use crate::{Case, ConfigError, DT, Sample};
use balance_core::estimation::kalman::{self, KalmanConfig, KalmanScalar};
use balance_core::estimation::nonlinear_kalman::{
    DifferentiableModel, ExtendedKalman, NonlinearKalmanConfig, NonlinearModel, UnscentedKalman,
};
use balance_core::math::{Float, Scalar};
use core::marker::PhantomData;
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

/// A pendulum: angle, rate, bias of the gyroscope, and a friction that is not known.
#[derive(Clone, Copy, Debug)]
pub struct Pendulum<P>(PhantomData<P>);

impl<P: Float> NonlinearModel<4, 2> for Pendulum<P> {
    type Scalar = P;

    fn advance(&self, state: &SVector<P, 4>) -> SVector<P, 4> {
        let [angle, rate, bias, friction] = state.data.0[0];
        let acceleration = -P::lit(9.0) * angle.sin() - friction * rate;
        let next = [
            angle + P::lit(DT) * rate,
            rate + P::lit(DT) * acceleration,
            bias,
            friction,
        ];
        SVector::from(next)
    }
    fn expect(&self, state: &SVector<P, 4>) -> SVector<P, 2> {
        let [angle, rate, bias, _] = state.data.0[0];
        SVector::from([angle, rate + bias])
    }
}

impl<P: Float> DifferentiableModel<4, 2> for Pendulum<P> {
    fn transition(&self, state: &SVector<P, 4>) -> SMatrix<P, 4, 4> {
        let [angle, rate, _, friction] = state.data.0[0];
        let (zero, one, dt) = (P::zero(), P::one(), P::lit(DT));
        let columns = [
            [one, -dt * P::lit(9.0) * angle.cos(), zero, zero],
            [dt, one - dt * friction, zero, zero],
            [zero, zero, one, zero],
            [zero, -dt * rate, zero, one],
        ];
        SMatrix::from_fn(|i, j| columns[j][i])
    }
    fn measurement(&self, _: &SVector<P, 4>) -> SMatrix<P, 2, 4> {
        let (zero, one) = (P::zero(), P::one());
        let columns = [[one, zero], [zero, one], [zero, one], [zero, zero]];
        SMatrix::from_fn(|i, j| columns[j][i])
    }
}

fn pendulum<P: Float>() -> NonlinearKalmanConfig<P, 4, 2> {
    NonlinearKalmanConfig {
        process_noise: SMatrix::from_diagonal_element(P::lit(1e-4)),
        measurement_noise: SVector::from_element(P::lit(1e-3)),
        ..Default::default()
    }
}

/// The pendulum, by its slopes.
pub struct Ekf42;
/// The pendulum, by what it does around the estimate.
pub struct Ukf42;

macro_rules! nonlinear {
    ($case:ident, $filter:ident, $build:ident) => {
        impl<P: Float> Case<P> for $case {
            type Algorithm = $filter<Pendulum<P>, 4, 2>;
            type Input = [Option<P>; 2];
            type Output = SVector<P, 4>;

            fn build() -> Result<Self::Algorithm, ConfigError> {
                pendulum().$build(Pendulum(PhantomData))
            }
            fn input(sample: &Sample) -> Self::Input {
                let [_, rate, _] = sample.rate();
                [sample.accel_pitch(), Some(rate)]
            }
            fn step(filter: &mut Self::Algorithm, measured: &Self::Input) -> Self::Output {
                filter.step(measured).estimate
            }
        }
    };
}
nonlinear!(Ekf42, ExtendedKalman, build_extended);
nonlinear!(Ukf42, UnscentedKalman, build_unscented);
