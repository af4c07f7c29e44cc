//! The arithmetic of a covariance, by number type.

use super::factors::{Factors, Sight, Triangular, counting};
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
    /// Takes the measurement in. An estimate may leave its range.
    fn correct(&mut self, sight: &Self::Sight, innovation: T, estimate: &mut [T::Wide; N]);
    /// Drops what has left its range; at the end of each step.
    fn mend(&mut self) {}
    /// The covariance, row by row.
    fn covariance(&self) -> [[T::Param; N]; N];
    /// Whether it can be gone on with.
    fn is_usable(&self) -> bool;
}

/// F and Q of floats. States are counted from the last to the first: positions commonly come
/// before their rates, and F is lower triangular then.
#[derive(Clone, Copy, Debug)]
pub struct FloatDynamics<P, const N: usize> {
    form: Form<P, N>,
    noise: Factors<P, N>,
    shaking: u32,
}

#[derive(Clone, Copy, Debug)]
enum Form<P, const N: usize> {
    Triangular(Triangular<P, N>),
    Full([[P; N]; N]),
}

/// A row of H of floats.
#[derive(Clone, Copy, Debug)]
pub enum FloatRow<P, const N: usize> {
    /// The measurement is this state.
    State(usize),
    /// A mixture of states.
    Mix([P; N]),
}

fn reversed<P: Copy, const N: usize>(vector: &[P; N]) -> [P; N] {
    core::array::from_fn(|i| vector[N - 1 - i])
}

/// A covariance whose states are counted from the last to the first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reversed<P, const N: usize>(Factors<P, N>);

impl<P: Float, const N: usize> Uncertainty<P, N> for Reversed<P, N> {
    type Dynamics = FloatDynamics<P, N>;
    type Row = FloatRow<P, N>;
    type Sight = Sight<P, N>;

    fn new(covariance: &Factors<P, N>) -> Self {
        Self(covariance.reversed())
    }
    fn dynamics(
        transition: &[[P; N]; N],
        noise: &Factors<P, N>,
    ) -> Result<Self::Dynamics, ConfigError> {
        let transition = reversed(&transition.map(|row| reversed(&row)));
        let noise = noise.reversed();
        Ok(FloatDynamics {
            form: match Triangular::new(&transition) {
                Some(triangular) => Form::Triangular(triangular),
                None => Form::Full(transition),
            },
            shaking: counting(&noise.diagonal),
            noise,
        })
    }
    fn row(row: &[P; N]) -> FloatRow<P, N> {
        let row = reversed(row);
        let mut others = row.iter().enumerate().filter(|(_, h)| **h != P::zero());
        match (others.next(), others.next()) {
            (Some((index, h)), None) if *h == P::one() => FloatRow::State(index),
            _ => FloatRow::Mix(row),
        }
    }
    #[inline(always)]
    fn predict(&mut self, dynamics: &mut Self::Dynamics) {
        match &dynamics.form {
            Form::Triangular(transition) => self.0.carry(transition),
            Form::Full(transition) => self.0.transform(transition),
        }
        self.0.shake(&dynamics.noise, dynamics.shaking);
    }
    #[inline(always)]
    fn sight(&self, row: &FloatRow<P, N>, variance: P) -> Sight<P, N> {
        match row {
            FloatRow::State(index) => self.0.sight_of_state(*index, variance),
            FloatRow::Mix(row) => self.0.sight(row, variance),
        }
    }
    #[inline(always)]
    fn normalised(sight: &Sight<P, N>, innovation: P) -> P {
        innovation * (innovation * sight.inverse)
    }
    #[inline(always)]
    fn variance(sight: &Sight<P, N>) -> P {
        sight.variance
    }
    #[inline(always)]
    fn correct(&mut self, sight: &Sight<P, N>, innovation: P, estimate: &mut [P; N]) {
        let cross = self.0.correct(sight);
        let scaled = innovation * sight.inverse;
        for (x, cross) in estimate.iter_mut().rev().zip(cross) {
            *x += cross * scaled;
        }
    }
    #[inline(always)]
    fn mend(&mut self) {
        self.0.mend();
    }
    fn covariance(&self) -> [[P; N]; N] {
        reversed(&self.0.covariance().map(|row| reversed(&row)))
    }
    fn is_usable(&self) -> bool {
        self.0.is_sound()
    }
}

impl KalmanScalar for f32 {
    type Uncertainty<const N: usize> = Reversed<f32, N>;
}
impl KalmanScalar for f64 {
    type Uncertainty<const N: usize> = Reversed<f64, N>;
}
