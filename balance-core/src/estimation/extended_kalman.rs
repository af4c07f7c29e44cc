//! The extended Kalman filter: a model that bends, by its tangent.
//!
//! ```text
//! predict   x ← f(x),  P ← F P Fᵀ + Q      with F = ∂f/∂x ahead of the step
//! correct   y = z − h(x),  K = P Hᵀ (H P Hᵀ + R)⁻¹      with H = ∂h/∂x
//! ```
//!
//! Source: A. H. Jazwinski, "Stochastic Processes and Filtering Theory" (1970), ch. 8; checked
//! against filterpy 2.0.0 in `tests/kalman_golden.rs`.
#![allow(clippy::needless_range_loop, reason = "formulas have indices")]

use super::kalman::{KalmanOutput, counting};
use super::nonlinear_kalman::{
    Core, DifferentiableModel, NonlinearKalmanConfig, NonlinearKalmanState, View, filter, usable,
};
use crate::config::ConfigError;
use crate::math::Float;
use crate::step::Step;
use nalgebra::{SMatrix, SVector};
use num_traits::Zero;

/// The extended Kalman filter of a [`DifferentiableModel`]; see the [module](self).
///
/// ```
/// use balance_core::estimation::nonlinear_kalman::{
///     DifferentiableModel, ExtendedKalman, NonlinearKalmanConfig, NonlinearModel,
/// };
/// use balance_core::math::Real;
/// use nalgebra::{Matrix2, SMatrix, SVector, Vector1, Vector2};
///
/// /// A pendulum of 0.2 m: angle (rad) and rate (rad/s) every 5 ms; an accelerometer along its way
/// /// feels g sin(angle).
/// struct Pendulum;
/// impl NonlinearModel<2, 1> for Pendulum {
///     type Scalar = f32;
///     fn advance(&self, x: &Vector2<f32>) -> Vector2<f32> {
///         let rate = x[1] - 0.005 * 49.0 * Real::sin(x[0]);
///         Vector2::new(x[0] + 0.005 * rate, rate)
///     }
///     fn expect(&self, x: &Vector2<f32>) -> Vector1<f32> {
///         Vector1::new(9.81 * Real::sin(x[0]))
///     }
/// }
/// impl DifferentiableModel<2, 1> for Pendulum {
///     fn transition(&self, x: &Vector2<f32>) -> Matrix2<f32> {
///         let pull = -0.005 * 49.0 * Real::cos(x[0]);
///         Matrix2::new(1.0 + 0.005 * pull, 0.005, pull, 1.0)
///     }
///     fn measurement(&self, x: &Vector2<f32>) -> SMatrix<f32, 1, 2> {
///         SMatrix::<f32, 1, 2>::new(9.81 * Real::cos(x[0]), 0.0)
///     }
/// }
/// let mut filter: ExtendedKalman<Pendulum, 2, 1> = NonlinearKalmanConfig {
///     measurement_noise: Vector1::new(0.01),
///     ..Default::default()
/// }
/// .build_extended(Pendulum)?;
/// let mut truth = Vector2::new(0.5, 0.0);
/// for _ in 0..1000 {
///     truth = Pendulum.advance(&truth);
///     filter.step(&[Some(Pendulum.expect(&truth)[0])]);
/// }
/// assert!((filter.estimate() - truth).norm() < 0.01);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ExtendedKalman<Mo: DifferentiableModel<N, M>, const N: usize, const M: usize> {
    /// The model; its known inputs are to be set ahead of a step.
    pub model: Mo,
    core: Core<Mo::Scalar, N, M>,
}

impl<P: Float, const N: usize, const M: usize> NonlinearKalmanConfig<P, N, M> {
    /// Prepares an extended Kalman filter.
    ///
    /// # Errors
    ///
    /// Names the field that is not finite or out of its range.
    pub fn build_extended<Mo: DifferentiableModel<N, M, Scalar = P>>(
        &self,
        model: Mo,
    ) -> Result<ExtendedKalman<Mo, N, M>, ConfigError> {
        Ok(ExtendedKalman {
            model,
            core: Core::new(self)?,
        })
    }
}

impl<Mo: DifferentiableModel<N, M>, const N: usize, const M: usize> ExtendedKalman<Mo, N, M> {
    /// Advances by a period without looking at measurements. Where the model gives an unusable
    /// state or slope, all stands still.
    #[inline]
    pub fn predict(&mut self) {
        let state = &mut self.core.state;
        let slope = self.model.transition(&state.estimate);
        let next = self.model.advance(&state.estimate);
        if usable(&slope) && usable(&next) {
            let rows = SMatrix::from_fn(|j, i| slope[(i, j)]).data.0;
            let noise = &self.core.noise;
            state.uncertainty.transform(&rows);
            state.uncertainty.shake(noise, counting(&noise.diagonal));
            state.uncertainty.mend();
            state.estimate = next;
        }
    }

    /// Takes the measurements of this moment in.
    #[inline]
    pub fn correct(
        &mut self,
        measured: &[Option<Mo::Scalar>; M],
    ) -> KalmanOutput<Mo::Scalar, N, M> {
        let estimate = self.core.state.estimate;
        let slope = self.model.measurement(&estimate);
        let view = View {
            expected: self.model.expect(&estimate).data.0[0],
            rows: SMatrix::from_fn(|j, i| slope[(i, j)]).data.0,
            excess: [[Mo::Scalar::zero(); M]; M],
        };
        let model = &self.model;
        self.core.correct(view, measured, |i, z, expected| {
            model.innovation(i, z, expected)
        })
    }

    /// Takes other noises; estimate and covariance stay, learned noises start anew.
    ///
    /// # Errors
    ///
    /// As [`NonlinearKalmanConfig::build_extended`]; the filter is then unchanged.
    pub fn retune(
        &mut self,
        config: &NonlinearKalmanConfig<Mo::Scalar, N, M>,
    ) -> Result<(), ConfigError> {
        self.core.retune(config)
    }
}

filter!(ExtendedKalman, DifferentiableModel);
