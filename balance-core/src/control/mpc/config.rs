//! What an MPC is told about the robot, and the gains that come of it.

use super::solver::{Cost, Gains, Mpc, MpcState};
use crate::control::design::matrix::{
    Matrix, definite, finite, is_finite, largest, narrowed, semidefinite, solve, symmetric,
};
use crate::control::design::riccati::riccati;
use crate::control::design::{DesignError, DiscreteModel, LqrConfig};
use crate::math::{Float, Real};
use nalgebra::SVector;

/// Settings of an [`Mpc`] of N states, M inputs and a horizon of H periods.
///
/// ```
/// use balance_core::control::design::{ContinuousModel, LqrConfig};
/// use balance_core::control::mpc::{Mpc, MpcConfig, MpcStatus};
/// use nalgebra::{Matrix2, Vector2};
/// // A cart of 1 kg pushed by at most 2 N.
/// let cart = ContinuousModel {
///     a: Matrix2::new(0.0, 1.0, 0.0, 0.0),
///     b: Vector2::new(0.0, 1.0),
/// }
/// .discretise(0.05)?;
/// let weights = LqrConfig::from_limits([0.1, 1.0], [2.0]);
/// let mut mpc: Mpc<f32, 2, 1, 10> = MpcConfig {
///     input_min: [-2.0],
///     input_max: [2.0],
///     ..MpcConfig::new(cart, weights)
/// }
/// .build()?;
/// let far = mpc.step(&[1.0, 0.0]);
/// assert_eq!(far.input, [-2.0]);
/// let near = mpc.step(&[0.01, 0.0]);
/// assert_eq!(near.status, MpcStatus::Unconstrained);
/// # Ok::<(), balance_core::control::design::DesignError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MpcConfig<P, const N: usize, const M: usize> {
    /// The robot, in periods of the loop.
    pub model: DiscreteModel<P, N, M>,
    /// Prices of deviation and effort.
    pub weights: LqrConfig<P, N, M>,
    /// Smallest value of each input. Default −1.
    pub input_min: [P; M],
    /// Largest value of each input. Default 1.
    pub input_max: [P; M],
    /// Smallest value of each state from the next period on; minus infinity: none. Default none.
    /// Tighter than can be held, it makes the solver fail.
    pub state_min: [P; N],
    /// Largest value of each state; infinity: none. Default none.
    pub state_max: [P; N],
    /// Rounds of the solver in one step, 1 to 10000: what bounds the time. Too few: more steps fall
    /// back to the clamped LQR. Default 50.
    pub iterations: u32,
    /// Accuracy of the inputs (and bounded states) in shares of their boxes, 1e-7 to 0.1. Smaller:
    /// more rounds. Default 1e-3.
    pub tolerance: P,
    /// Penalty ρ of the method, above zero, in the unit of the input weight. `None`: the geometric
    /// mean of the problem's smallest and largest curvature. Default `None`.
    pub penalty: Option<P>,
}

/// What an [`Mpc`] shall follow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MpcReference<P, const N: usize, const M: usize, const H: usize> {
    /// Wanted states `r₁ … r_H`, from the next period on.
    pub states: [[P; N]; H],
    /// Inputs `s₀ … s_{H−1}` that hold them, from now on.
    pub inputs: [[P; M]; H],
}

impl<P: Float, const N: usize, const M: usize, const H: usize> MpcReference<P, N, M, H> {
    /// One state for the whole horizon, with the input that holds it.
    #[must_use]
    pub fn constant(state: [P; N], input: [P; M]) -> Self {
        Self {
            states: [state; H],
            inputs: [input; H],
        }
    }
}

impl<P: Float, const N: usize, const M: usize> MpcConfig<P, N, M> {
    /// The robot and its prices, with inputs of −1 ..= 1, and defaults for the rest.
    #[must_use]
    pub fn new(model: DiscreteModel<P, N, M>, weights: LqrConfig<P, N, M>) -> Self {
        let infinity = P::one() / P::zero();
        Self {
            model,
            weights,
            input_min: [-P::one(); M],
            input_max: [P::one(); M],
            state_min: [-infinity; N],
            state_max: [infinity; N],
            iterations: 50,
            tolerance: P::lit(1e-3),
            penalty: None,
        }
    }

    /// Computes the gains; starts at rest.
    ///
    /// # Errors
    ///
    /// `Order` where a box has no inside, `OutOfRange` and `NonFinite` with the name of the field,
    /// and those of [`LqrConfig::design`].
    pub fn build<const H: usize>(&self) -> Result<Mpc<P, N, M, H>, DesignError> {
        const { assert!(H > 0 && M > 0 && N > 0, "a horizon, an input, a state") }
        for (low, high) in self.input_min.into_iter().zip(self.input_max) {
            if !low.is_finite() || !high.is_finite() {
                return Err(DesignError::NonFinite("input_min"));
            }
            if low >= high {
                return Err(DesignError::Order("input_min", "input_max"));
            }
        }
        for (low, high) in self.state_min.into_iter().zip(self.state_max) {
            // Also where one is NaN.
            if low.partial_cmp(&high) != Some(core::cmp::Ordering::Less) {
                return Err(DesignError::Order("state_min", "state_max"));
            }
        }
        if self.iterations == 0 || self.iterations > 10_000 {
            return Err(DesignError::OutOfRange("iterations"));
        }
        let tolerance = self.tolerance.to_f64();
        if !(1e-7..=0.1).contains(&tolerance) {
            return Err(DesignError::OutOfRange("tolerance"));
        }
        let problem = Problem::new(self)?;
        let penalty = match self.penalty {
            Some(penalty) if penalty > P::zero() && penalty.is_finite() => penalty.to_f64(),
            Some(_) => return Err(DesignError::OutOfRange("penalty")),
            None => problem.penalty::<H>(),
        };
        let span = |low: P, high: P| (high - low).to_f64();
        let mut widest = 0.0;
        for (low, high) in self.input_min.into_iter().zip(self.input_max) {
            let span = span(low, high);
            widest = if span > widest { span } else { widest };
        }
        let mut state_penalty = [0.0; N];
        let mut state_tolerance = [P::zero(); N];
        for i in 0..N {
            let span = span(self.state_min[i], self.state_max[i]);
            // A share of a state's box counts like the same share of the inputs'.
            if Float::is_finite(span) {
                state_penalty[i] = penalty * (widest / span) * (widest / span);
                state_tolerance[i] = P::lit(tolerance * span);
            } else if self.state_min[i].is_finite() || self.state_max[i].is_finite() {
                // Bounded on one side: the box is as wide as the bound is far.
                let low = self.state_min[i].to_f64();
                let far = if Float::is_finite(low) {
                    low
                } else {
                    self.state_max[i].to_f64()
                };
                let span = 2.0 * if far < 0.0 { -far } else { far } + 1e-6;
                state_penalty[i] = penalty * (widest / span) * (widest / span);
                state_tolerance[i] = P::lit(tolerance * span);
            }
        }
        let gains = problem.gains::<P, H>(penalty, &state_penalty)?;
        Ok(Mpc {
            gains,
            cost: Cost {
                q: narrowed("state_weight", &problem.q)?,
                r: narrowed("input_weight", &problem.r)?,
                last: narrowed("cost", &problem.last)?,
            },
            a: self.model.a,
            b: self.model.b,
            lqr: narrowed("gain", &problem.lqr)?,
            input_min: SVector::from(self.input_min),
            input_max: SVector::from(self.input_max),
            state_min: SVector::from(self.state_min),
            state_max: SVector::from(self.state_max),
            bounded: state_penalty.iter().any(|penalty| *penalty > 0.0),
            penalty: P::lit(penalty),
            state_penalty: SVector::from(state_penalty.map(P::lit)),
            input_tolerance: SVector::from(core::array::from_fn(|i| {
                (self.input_max[i] - self.input_min[i]) * self.tolerance
            })),
            state_tolerance: SVector::from(state_tolerance),
            iterations: self.iterations,
            state: MpcState::default(),
        })
    }
}

/// The problem in `f64`.
struct Problem<const N: usize, const M: usize> {
    a: Matrix<N, N>,
    b: Matrix<N, M>,
    q: Matrix<N, N>,
    r: Matrix<M, M>,
    /// P of the LQR.
    last: Matrix<N, N>,
    /// K of the LQR.
    lqr: Matrix<M, N>,
    /// `(R + Bᵀ P B)⁻¹`.
    lqr_inverse: Matrix<M, M>,
}

impl<const N: usize, const M: usize> Problem<N, M> {
    fn new<P: Float>(config: &MpcConfig<P, N, M>) -> Result<Self, DesignError> {
        let (a, b) = (finite("a", &config.model.a)?, finite("b", &config.model.b)?);
        let q = semidefinite("state_weight", &config.weights.state_weight)?;
        let r = definite("input_weight", &config.weights.input_weight)?;
        let solution = riccati(&a, &b, &q, &r)?;
        let curvature = r + b.transpose() * solution.cost * b;
        Ok(Self {
            a,
            b,
            q,
            r,
            last: solution.cost,
            lqr: solution.gain,
            lqr_inverse: solve(&curvature, &Matrix::identity())
                .ok_or(DesignError::DidNotConverge)?,
        })
    }

    /// Gradient of the cost by the inputs from a state of zeros: the product with its curvature.
    fn curvature<const H: usize>(&self, inputs: &[Matrix<M, 1>; H]) -> [Matrix<M, 1>; H] {
        let mut states = [Matrix::<N, 1>::zeros(); H];
        let mut x = Matrix::<N, 1>::zeros();
        for (state, u) in states.iter_mut().zip(inputs) {
            x = self.a * x + self.b * u;
            *state = x;
        }
        let mut costate = self.last * x;
        let mut gradient = [Matrix::<M, 1>::zeros(); H];
        for k in (0..H).rev() {
            gradient[k] = self.r * inputs[k] + self.b.transpose() * costate;
            if k > 0 {
                costate = self.q * states[k - 1] + self.a.transpose() * costate;
            }
        }
        gradient
    }

    /// Largest eigenvalue of `shift − curvature` (its size), by the power method.
    fn stiffness<const H: usize>(&self, shift: f64) -> f64 {
        // Uneven, so that no mode is missed.
        let mut v: [Matrix<M, 1>; H] = core::array::from_fn(|k| {
            Matrix::from_fn(|i, _| 1.0 + 0.37 * ((7 * k + 3 * i) % 5) as f64)
        });
        let mut size = 0.0;
        for _ in 0..60 {
            let turned = self.curvature(&v);
            let square = |v: &[Matrix<M, 1>; H]| v.iter().map(|u| u.norm_squared()).sum::<f64>();
            let before = Real::sqrt(square(&v));
            for (v, turned) in v.iter_mut().zip(turned) {
                *v = *v * shift - turned;
            }
            let after = Real::sqrt(square(&v));
            if !(before > 0.0 && after > 0.0 && Float::is_finite(after)) {
                break;
            }
            size = after / before;
            for v in &mut v {
                *v /= after;
            }
        }
        size
    }

    fn penalty<const H: usize>(&self) -> f64 {
        let top = self.stiffness::<H>(0.0);
        let bottom = top - self.stiffness::<H>(top);
        // The input weight is a lower bound, up to rounding.
        let least = 1e-9 * top;
        Real::sqrt(top * if bottom > least { bottom } else { least })
    }

    /// Gains of the penalised horizon, stage by stage.
    fn gains<P: Float, const H: usize>(
        &self,
        penalty: f64,
        state_penalty: &[f64; N],
    ) -> Result<Gains<P, N, M, H>, DesignError> {
        let boxes = Matrix::<N, N>::from_fn(|i, j| if i == j { state_penalty[i] } else { 0.0 });
        let r = self.r + Matrix::<M, M>::identity() * penalty;
        let mut cost = self.last + boxes;
        let mut gains = Gains::default();
        for k in (0..H).rev() {
            let seen = self.b.transpose() * cost;
            let curvature = symmetric(&(r + seen * self.b));
            let inverse =
                solve(&curvature, &Matrix::identity()).ok_or(DesignError::DidNotConverge)?;
            let gain = inverse * seen * self.a;
            let closed = self.a - self.b * gain;
            cost = symmetric(
                &(closed.transpose() * cost * closed
                    + gain.transpose() * r * gain
                    + self.q
                    + boxes),
            );
            if !is_finite(&cost) || largest(&cost) == 0.0 {
                return Err(DesignError::DidNotConverge);
            }
            gains.feedback[k] = narrowed("gain", &gain)?;
            gains.inverse[k] = narrowed("gain", &inverse)?;
        }
        gains.unlimited_inverse = narrowed("gain", &self.lqr_inverse)?;
        Ok(gains)
    }
}
