//! The arithmetic of a covariance, by number type.

use super::factors::{Factors, Sight};
use crate::ConfigError;
use crate::math::{Float, Scalar};
use core::fmt::Debug;

/// A [`Scalar`] in which a [`Kalman`](super::Kalman) filter can compute: `f32`, `f64` and
/// [`Fixed`](crate::math::Fixed).
pub trait KalmanScalar: Scalar {
    /// How it keeps the covariance of N states.
    type Uncertainty<const N: usize>: Uncertainty<Self, N>;
}

/// The covariance of N states in the form that suits a number type.
pub trait Uncertainty<T: Scalar, const N: usize>:
    Copy + Debug + PartialEq + Send + Sync + 'static
{
    /// F and Q, prepared.
    type Dynamics: Copy + Debug + Send + Sync + 'static;
    /// A row of H, prepared.
    type Row: Copy + Debug + Send + Sync + 'static;
    /// What a measurement would tell.
    type Sight: Copy;

    /// From factors in the float of the parameters.
    fn new(covariance: &Factors<T::Param, N>) -> Self;
    /// Prepares F and Q.
    ///
    /// # Errors
    ///
    /// A coefficient that the type cannot hold.
    fn dynamics(
        transition: &[[T::Param; N]; N],
        noise: &Factors<T::Param, N>,
    ) -> Result<Self::Dynamics, ConfigError>;
    /// Prepares a row of H.
    fn row(row: &[T::Param; N]) -> Self::Row;
    /// `P ← F P Fᵀ + Q`.
    fn predict(&mut self, dynamics: &mut Self::Dynamics);
    /// What a measurement with this variance would tell.
    fn sight(&self, row: &Self::Row, variance: T::Gain) -> Self::Sight;
    /// An innovation's square over its variance.
    fn normalised(sight: &Self::Sight, innovation: T) -> T;
    /// The innovation's variance.
    fn variance(sight: &Self::Sight) -> T::Param;
    /// Takes the measurement in; gives the gain.
    fn correct(&mut self, sight: &Self::Sight) -> [T::Gain; N];
    /// The covariance, row by row.
    fn covariance(&self) -> [[T::Param; N]; N];
    /// Whether it can be gone on with.
    fn is_usable(&self) -> bool;
}

/// F and Q of floats.
#[derive(Clone, Copy, Debug)]
pub struct FloatDynamics<P, const N: usize> {
    transition: [[P; N]; N],
    noise: Factors<P, N>,
}

impl<P: Float, const N: usize> Uncertainty<P, N> for Factors<P, N> {
    type Dynamics = FloatDynamics<P, N>;
    type Row = [P; N];
    type Sight = Sight<P, N>;

    fn new(covariance: &Self) -> Self {
        *covariance
    }
    fn dynamics(transition: &[[P; N]; N], noise: &Self) -> Result<Self::Dynamics, ConfigError> {
        Ok(FloatDynamics {
            transition: *transition,
            noise: *noise,
        })
    }
    fn row(row: &[P; N]) -> [P; N] {
        *row
    }
    #[inline(always)]
    fn predict(&mut self, dynamics: &mut Self::Dynamics) {
        self.predict(&dynamics.transition, &dynamics.noise);
    }
    #[inline(always)]
    fn sight(&self, row: &[P; N], variance: P) -> Sight<P, N> {
        self.sight(row, variance)
    }
    #[inline(always)]
    fn normalised(sight: &Sight<P, N>, innovation: P) -> P {
        innovation * innovation * sight.inverse
    }
    #[inline(always)]
    fn variance(sight: &Sight<P, N>) -> P {
        sight.variance
    }
    #[inline(always)]
    fn correct(&mut self, sight: &Sight<P, N>) -> [P; N] {
        self.correct(sight)
    }
    fn covariance(&self) -> [[P; N]; N] {
        self.covariance()
    }
    fn is_usable(&self) -> bool {
        self.is_sound()
    }
}

impl KalmanScalar for f32 {
    type Uncertainty<const N: usize> = Factors<f32, N>;
}
impl KalmanScalar for f64 {
    type Uncertainty<const N: usize> = Factors<f64, N>;
}
