//! LQR: the state feedback that trades deviation against effort, once each is given a price.

use super::DesignError;
use super::discretise::{ContinuousModel, DiscreteModel};
use super::matrix::{Matrix, definite, finite, narrowed, semidefinite};
use super::riccati::riccati;
use crate::math::Float;
use nalgebra::SMatrix;

/// Weights of an LQR: `u = −K x` minimises `Σ xᵀ Q x + uᵀ R u`.
///
/// Only ratios matter. Start with [`Self::from_limits`], then make a weight larger for what should
/// move less.
///
/// ```
/// use balance_core::control::design::{ContinuousModel, LqrConfig};
/// use balance_core::control::state_feedback::{StateFeedback, StateFeedbackConfig};
/// use nalgebra::{Matrix2, Vector2};
/// // An inverted pendulum of 0.5 m that a torque holds: tilt and rate.
/// let pendulum = ContinuousModel {
///     a: Matrix2::new(0.0, 1.0, 19.6, 0.0),
///     b: Vector2::new(0.0, 4.0),
/// };
/// let lqr = LqrConfig::from_limits([0.1, 1.0], [5.0]).design_sampled(&pendulum, 0.005)?;
/// let mut feedback: StateFeedback<f32, 2> = StateFeedbackConfig {
///     output_min: -5.0,
///     output_max: 5.0,
///     ..lqr.gain.into()
/// }
/// .build(0.005)?;
/// // Leaning forward: push back.
/// assert!(feedback.step(&[0.05, 0.0]).total < -1.0);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LqrConfig<P, const N: usize, const M: usize> {
    /// Q: price of each state's square, symmetric and positive semidefinite. Larger: that state
    /// comes back sooner, at more effort. Default identity.
    pub state_weight: SMatrix<P, N, N>,
    /// R: price of each input's square, symmetric and positive definite. Larger: gentler and
    /// slower. Too small: the loop answers to noise. Default identity.
    pub input_weight: SMatrix<P, M, M>,
}

impl<P: Float, const N: usize, const M: usize> Default for LqrConfig<P, N, M> {
    fn default() -> Self {
        Self {
            state_weight: diagonal([P::one(); N]),
            input_weight: diagonal([P::one(); M]),
        }
    }
}

/// Gains of an LQR, checked: the closed loop is stable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lqr<P, const N: usize, const M: usize> {
    /// K of `u = −K x`; a row is the gain of a
    /// [`StateFeedback`](crate::control::state_feedback::StateFeedback).
    pub gain: SMatrix<P, M, N>,
    /// P: from x on, the sum of all prices will be `xᵀ P x`.
    pub cost: SMatrix<P, N, N>,
    /// Largest magnitude of a closed-loop pole, below one: the slowest mode fades by this factor a
    /// period.
    pub spectral_radius: P,
}

impl<P: Float, const N: usize, const M: usize> LqrConfig<P, N, M> {
    /// Weights `1 / limit²`: a state at its limit costs as much as an input at its (Bryson's rule).
    /// A limit of infinity means no weight.
    #[must_use]
    pub fn from_limits(states: [P; N], inputs: [P; M]) -> Self {
        let price = |limit: P| P::one() / (limit * limit);
        Self {
            state_weight: diagonal(states.map(price)),
            input_weight: diagonal(inputs.map(price)),
        }
    }

    /// Computes the gains for a model in periods.
    ///
    /// # Errors
    ///
    /// `NonFinite` or `NotPositive` with the name of the field; `NotStabilisable` if an undamped
    /// mode is out of the input's reach; `NotDetectable` if the state weight does not see one;
    /// `DidNotConverge` for a model beyond the accuracy of `f64`.
    pub fn design(&self, model: &DiscreteModel<P, N, M>) -> Result<Lqr<P, N, M>, DesignError> {
        self.solve(&finite("a", &model.a)?, &finite("b", &model.b)?)
    }

    /// Computes the gains for a model in seconds, held for `dt` seconds. In `f32` this is more
    /// accurate than [`ContinuousModel::discretise`] and [`Self::design`], because nothing is
    /// rounded in between.
    ///
    /// # Errors
    ///
    /// As [`Self::design`] and [`ContinuousModel::discretise`].
    pub fn design_sampled(
        &self,
        model: &ContinuousModel<P, N, M>,
        dt: P,
    ) -> Result<Lqr<P, N, M>, DesignError> {
        let (a, b, _) = model.sampled(dt)?;
        self.solve(&a, &b)
    }

    fn solve(&self, a: &Matrix<N, N>, b: &Matrix<N, M>) -> Result<Lqr<P, N, M>, DesignError> {
        let q = semidefinite("state_weight", &self.state_weight)?;
        let r = definite("input_weight", &self.input_weight)?;
        let solution = riccati(a, b, &q, &r)?;
        Ok(Lqr {
            gain: narrowed("gain", &solution.gain)?,
            cost: narrowed("cost", &solution.cost)?,
            spectral_radius: P::lit(solution.radius),
        })
    }
}

fn diagonal<P: Float, const N: usize>(entries: [P; N]) -> SMatrix<P, N, N> {
    let mut matrix = SMatrix::from_element(P::zero());
    for (i, entry) in entries.into_iter().enumerate() {
        matrix[(i, i)] = entry;
    }
    matrix
}
