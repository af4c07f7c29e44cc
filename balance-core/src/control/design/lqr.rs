//! LQR: the state feedback that trades deviation against effort, once each is given a price.

use super::DesignError;
use super::discretise::{ContinuousModel, DiscreteModel};
use super::matrix::{Matrix, definite, finite, narrowed, semidefinite};
use super::riccati::riccati;
use crate::control::state_feedback::{FeedbackIntegral, IntegralOf, StateFeedbackConfig};
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

impl<P: Float, const E: usize> Lqr<P, E, 1> {
    /// The settings of the state feedback of an LQI: an LQR of a
    /// [`DiscreteModel::with_integral`] whose integral is that of the state with this index, alone
    /// and at a factor of one. `limit` bounds the integral's contribution; N is `E − 1`.
    ///
    /// ```
    /// use balance_core::control::design::{ContinuousModel, DiscreteModel, LqrConfig};
    /// use balance_core::control::state_feedback::{StateFeedback, StateFeedbackConfig};
    /// use nalgebra::{Matrix2, Vector2};
    /// let cart = ContinuousModel {
    ///     a: Matrix2::new(0.0, 1.0, 0.0, -0.3),
    ///     b: Vector2::new(0.0, 2.0),
    /// }
    /// .discretise(0.01)?;
    /// let with_integral: DiscreteModel<f32, 3, 1> = cart.with_integral(&Vector2::new(1.0, 0.0));
    /// let lqi = LqrConfig::from_limits([0.1, 1.0, 0.05], [6.0]).design(&with_integral)?;
    /// let feedback: StateFeedback<f32, 2> = StateFeedbackConfig {
    ///     output_min: -6.0,
    ///     output_max: 6.0,
    ///     ..lqi.feedback_with_integral_of(0, cart.dt, 3.0)
    /// }
    /// .build(cart.dt)?;
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn feedback_with_integral_of<const N: usize>(
        &self,
        index: usize,
        dt: P,
        limit: P,
    ) -> StateFeedbackConfig<P, N> {
        const { assert!(E == N + 1, "the integral is the last state") }
        let integral = self.gain[N];
        let mut gain = [P::zero(); N];
        for (i, k) in gain.iter_mut().enumerate() {
            *k = self.gain[i];
            // The feedback adds the present deviation up before it answers.
            if i == index {
                *k -= integral * dt;
            }
        }
        StateFeedbackConfig {
            gain,
            integral: Some(FeedbackIntegral {
                gain: integral,
                of: IntegralOf::State(index),
                limit,
            }),
            ..Default::default()
        }
    }
}

fn diagonal<P: Float, const N: usize>(entries: [P; N]) -> SMatrix<P, N, N> {
    let mut matrix = SMatrix::from_element(P::zero());
    for (i, entry) in entries.into_iter().enumerate() {
        matrix[(i, i)] = entry;
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::state_feedback::{StateFeedback, StateFeedbackInput};
    use nalgebra::{Matrix1, Matrix2, RowVector2, RowVector3, Vector2};

    fn cart<P: Float>() -> ContinuousModel<P, 2, 1> {
        ContinuousModel {
            a: Matrix2::new(0.0, 1.0, 0.0, -0.3).map(P::lit),
            b: Vector2::new(0.0, 2.0).map(P::lit),
        }
    }

    #[test]
    fn no_other_gain_costs_less() {
        fn check<P: Float>(tolerance: f64) {
            let config = LqrConfig::<P, 2, 1>::from_limits([0.1, 2.0].map(P::lit), [P::lit(3.0)]);
            let dt = P::lit(0.02);
            let lqr = config.design_sampled(&cart(), dt).unwrap();
            let model = cart::<f64>().discretise(0.02).unwrap();
            let start = Vector2::new(0.3, -0.5);
            let price = |gain: RowVector2<f64>| {
                let (mut x, mut sum) = (start, 0.0);
                for _ in 0..2000 {
                    let u = -(gain * x)[0];
                    sum += x[0] * x[0] / 0.01 + x[1] * x[1] / 4.0 + u * u / 9.0;
                    x = model.a * x + model.b * u;
                }
                sum
            };
            let gain = lqr.gain.map(P::to_f64);
            let best = price(gain);
            let promised = (start.transpose() * lqr.cost.map(P::to_f64) * start)[0];
            assert!(
                (best / promised - 1.0).abs() < tolerance,
                "{best} {promised}"
            );
            for (k, l) in [(1.03, 1.0), (0.97, 1.0), (1.0, 1.03), (1.0, 0.97)] {
                assert!(price(RowVector2::new(gain[0] * k, gain[1] * l)) > best);
            }
        }
        check::<f64>(1e-9);
        check::<f32>(1e-5);
    }

    #[test]
    fn the_feedback_of_an_lqi_is_the_lqi() {
        let model = cart::<f64>().discretise(0.02).unwrap();
        let wider: DiscreteModel<f64, 3, 1> = model.with_integral(&Vector2::new(1.0, 0.0));
        let lqi = LqrConfig::from_limits([0.1, 2.0, 0.2], [3.0])
            .design(&wider)
            .unwrap();
        let gain: RowVector3<f64> = lqi.gain;
        let mut feedback: StateFeedback<f64, 2> = StateFeedbackConfig {
            output_min: -100.0,
            output_max: 100.0,
            ..lqi.feedback_with_integral_of(0, 0.02, 90.0)
        }
        .build(0.02)
        .unwrap();
        let (mut x, mut sum) = (Vector2::new(0.3, -0.5), 0.0);
        for _ in 0..1000 {
            let u = -(gain[0] * (x[0] - 1.0) + gain[1] * x[1] + gain[2] * sum);
            sum += 0.02 * (x[0] - 1.0);
            let output = feedback.step_with(&StateFeedbackInput {
                state: [x[0], x[1]],
                reference: [1.0, 0.0],
                feedforward: 0.0,
                deviation: 0.0,
            });
            assert!((output.total - u).abs() < 1e-9);
            // A constant force that the integral has to find.
            x = model.a * x + model.b * (u - 1.5);
        }
        assert!((x[0] - 1.0).abs() < 1e-6, "{}", x[0]);
    }

    #[test]
    fn refuses_weights_that_are_none() {
        let model = cart::<f32>().discretise(0.02).unwrap();
        let good = LqrConfig::<f32, 2, 1>::default();
        let bad = LqrConfig {
            input_weight: Matrix1::new(0.0),
            ..good
        };
        assert_eq!(
            bad.design(&model),
            Err(DesignError::NotPositive("input_weight"))
        );
        let bad = LqrConfig {
            state_weight: Matrix2::new(1.0, 0.0, 0.0, -1.0),
            ..good
        };
        assert_eq!(
            bad.design(&model),
            Err(DesignError::NotPositive("state_weight"))
        );
        // Nothing minds where the cart is, so nothing brings it back.
        let bad = LqrConfig::from_limits([f32::INFINITY, 1.0], [1.0]);
        assert_eq!(bad.design(&model), Err(DesignError::NotDetectable));
    }
}
