//! The unscented Kalman filter: a model that bends, by what it does to a handful of points.
//!
//! With `C Cᵀ = P` (lower triangular) and s² = α²(N + κ) the points are x and x ± s·columns of C.
//! With d the images' distances from the image of x, W = 1/(2s²) and the shift of the mean
//! δ = W Σ d, the usual weighted sums are, without a negative weight,
//!
//! ```text
//! x ← f(x) + δ,   P ← W Σ d dᵀ + (β − α²) δ δᵀ + Q
//! ```
//!
//! so the covariance cannot lose its positivity. The correction draws points anew and is that of
//! the line that fits their images best, `H = (W Σ d eᵀ)ᵀ P⁻¹`, with a noise that is greater by what
//! the line leaves out. Without negative weights and without an inverse this is the same filter
//! as the textbook's.
//!
//! Source: E. A. Wan, R. van der Merwe, "The unscented Kalman filter for nonlinear estimation"
//! (2000), doi:10.1109/ASSPCC.2000.882463; checked against filterpy 2.0.0 in
//! `tests/kalman_golden.rs`.
#![allow(clippy::needless_range_loop, reason = "formulas have indices")]

use super::kalman::{Factors, KalmanOutput};
use super::nonlinear_kalman::{
    Core, NonlinearKalmanConfig, NonlinearKalmanState, NonlinearModel, View, filter, usable,
};
use crate::config::{ConfigError, within};
use crate::math::{Float, Real, Scalar};
use crate::step::Step;
use nalgebra::{SMatrix, SVector};
use num_traits::{One, Zero};

/// Where an unscented filter looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread<P> {
    /// α: distance of the points, 0.01 to 1 (of √(N + κ) standard deviations). Too small: in `f32`
    /// the differences drown in rounding. Too large: it looks beyond where the model is smooth.
    pub alpha: P,
    /// β: weight of the fourth moment, α² to 10; 2 suits a normal distribution.
    pub beta: P,
    /// κ: further distance, above −N to 10; 0 or 3 − N.
    pub kappa: P,
}

impl<P: Float> Default for Spread<P> {
    /// α = 0.5, β = 2, κ = 0.
    fn default() -> Self {
        Self {
            alpha: P::lit(0.5),
            beta: P::lit(2.0),
            kappa: P::zero(),
        }
    }
}

/// The unscented Kalman filter of a [`NonlinearModel`]; see the [module](self).
///
/// It asks the model 2N + 1 times for a prediction and as often for a correction. What it learns
/// are differences of the answers: a state of magnitude x loses about 1e-7·x to `f32` in each step,
/// so keep states small (wrap angles in `advance`).
#[derive(Clone, Copy, Debug)]
pub struct UnscentedKalman<Mo: NonlinearModel<N, M>, const N: usize, const M: usize> {
    /// The model; its known inputs are to be set ahead of a step.
    pub model: Mo,
    points: Points<Mo::Scalar>,
    core: Core<Mo::Scalar, N, M>,
}

#[derive(Clone, Copy, Debug)]
struct Points<P> {
    /// s.
    distance: P,
    /// 1/(2s).
    slope: P,
    /// 1/(2s²).
    weight: P,
    /// β − α².
    bend: P,
}

impl<P: Float> Points<P> {
    fn new<const N: usize>(spread: &Spread<P>) -> Result<Self, ConfigError> {
        let n = P::lit(N as f64);
        let alpha = within("spread.alpha", spread.alpha, P::lit(0.01), P::one())?;
        let kappa = within("spread.kappa", spread.kappa, P::lit(0.01) - n, P::lit(10.0))?;
        let square = alpha * alpha;
        let beta = within("spread.beta", spread.beta, square, P::lit(10.0))?;
        let distance = alpha * (n + kappa).sqrt();
        let half = P::lit(0.5);
        Ok(Self {
            distance,
            slope: half / distance,
            weight: half / (distance * distance),
            bend: beta - square,
        })
    }
}

impl<P: Float, const N: usize, const M: usize> NonlinearKalmanConfig<P, N, M> {
    /// Prepares an unscented Kalman filter.
    ///
    /// # Errors
    ///
    /// Names the field that is not finite or out of its range.
    pub fn build_unscented<Mo: NonlinearModel<N, M, Scalar = P>>(
        &self,
        model: Mo,
    ) -> Result<UnscentedKalman<Mo, N, M>, ConfigError> {
        Ok(UnscentedKalman {
            model,
            points: Points::new::<N>(&self.spread)?,
            core: Core::new(self)?,
        })
    }
}

impl<Mo: NonlinearModel<N, M>, const N: usize, const M: usize> UnscentedKalman<Mo, N, M> {
    /// Images of the points: that of x, and for each column the distances of both its neighbours'.
    /// Also the roots of the pivots.
    #[inline(always)]
    #[expect(clippy::type_complexity, reason = "named right above")]
    fn images<const K: usize>(
        &self,
        image: impl Fn(&SVector<Mo::Scalar, N>) -> SVector<Mo::Scalar, K>,
    ) -> (
        SVector<Mo::Scalar, K>,
        [[[Mo::Scalar; K]; 2]; N],
        [Mo::Scalar; N],
    ) {
        let state = &self.core.state;
        let zero = Mo::Scalar::zero();
        let centre = image(&state.estimate);
        let mut images = [[[zero; K]; 2]; N];
        let mut roots = [zero; N];
        for j in 0..N {
            roots[j] = state.uncertainty.diagonal[j].sqrt();
            let reach = roots[j] * self.points.distance;
            let mut column = [zero; N];
            column[j] = reach;
            for i in j + 1..N {
                column[i] = state.uncertainty.lower[i][j] * reach;
            }
            let (mut up, mut down) = (state.estimate, state.estimate);
            for i in j..N {
                up[i] += column[i];
                down[i] -= column[i];
            }
            for (side, point) in images[j].iter_mut().zip([up, down]) {
                let seen = image(&point);
                for k in 0..K {
                    side[k] = seen[k] - centre[k];
                }
            }
        }
        (centre, images, roots)
    }

    /// `W Σ d dᵀ + (β − α²) δ δᵀ`, its lower triangle, and δ.
    #[inline(always)]
    fn moments<const K: usize>(
        &self,
        images: &[[[Mo::Scalar; K]; 2]; N],
    ) -> ([[Mo::Scalar; K]; K], [Mo::Scalar; K]) {
        let Points { weight, bend, .. } = self.points;
        let mut shift = [Mo::Scalar::zero(); K];
        let mut spread = [[Mo::Scalar::zero(); K]; K];
        for [up, down] in images {
            for i in 0..K {
                shift[i] += up[i] + down[i];
                for j in 0..=i {
                    spread[i][j] += up[i] * up[j] + down[i] * down[j];
                }
            }
        }
        let shift = shift.map(|x| x * weight);
        for i in 0..K {
            for j in 0..=i {
                spread[i][j] = spread[i][j] * weight + bend * shift[i] * shift[j];
            }
        }
        (spread, shift)
    }

    /// Advances by a period without looking at measurements. Where the model gives an unusable
    /// state, all stands still.
    #[inline]
    pub fn predict(&mut self) {
        let (mut next, images, _) = self.images(|x| self.model.advance(x));
        let (mut spread, shift) = self.moments(&images);
        let noise = &self.core.noise;
        for i in 0..N {
            next[i] += shift[i];
            for j in 0..=i {
                let mut x = spread[i][j];
                for k in 0..j {
                    x += noise.lower[i][k] * noise.diagonal[k] * noise.lower[j][k];
                }
                let own = if i == j {
                    noise.diagonal[j]
                } else {
                    noise.lower[i][j] * noise.diagonal[j]
                };
                spread[i][j] = x + own;
            }
        }
        let (uncertainty, _) = Factors::factor(|i, j| spread[i][j]);
        let sound = (0..N).all(|i| spread[i][i].is_usable());
        if sound && usable(&next) && uncertainty.is_usable() {
            self.core.state.uncertainty = uncertainty;
            self.core.state.estimate = next;
        }
    }

    /// Takes the measurements of this moment in.
    #[inline]
    pub fn correct(
        &mut self,
        measured: &[Option<Mo::Scalar>; M],
    ) -> KalmanOutput<Mo::Scalar, N, M> {
        let zero = Mo::Scalar::zero();
        let (centre, images, roots) = self.images(|x| self.model.expect(x));
        let (mut excess, shift) = self.moments(&images);
        let lower = &self.core.state.uncertainty.lower;
        let mut rows = [[zero; N]; M];
        let mut whitened = [[zero; N]; M];
        for m in 0..M {
            for j in (0..N).rev() {
                let [up, down] = &images[j];
                whitened[m][j] = (up[m] - down[m]) * self.points.slope;
                // Lᵀ D^½ h is the whitened row; a state that is known takes nothing in.
                let mut h = if roots[j] > zero {
                    whitened[m][j] * (Mo::Scalar::one() / roots[j])
                } else {
                    zero
                };
                for i in j + 1..N {
                    h -= lower[i][j] * rows[m][i];
                }
                rows[m][j] = h;
            }
        }
        // What the line explains is not noise.
        for i in 0..M {
            for j in 0..=i {
                let mut x = excess[i][j];
                for k in 0..N {
                    x -= whitened[i][k] * whitened[j][k];
                }
                excess[i][j] = if i == j && x < zero { zero } else { x };
                excess[j][i] = excess[i][j];
            }
        }
        let view = View {
            expected: core::array::from_fn(|m| centre[m] + shift[m]),
            rows,
            excess,
        };
        let model = &self.model;
        self.core.correct(view, measured, |i, z, expected| {
            model.innovation(i, z, expected)
        })
    }

    /// Takes other noises and another spread; estimate and covariance stay, learned noises start
    /// anew.
    ///
    /// # Errors
    ///
    /// As [`NonlinearKalmanConfig::build_unscented`]; the filter is then unchanged.
    pub fn retune(
        &mut self,
        config: &NonlinearKalmanConfig<Mo::Scalar, N, M>,
    ) -> Result<(), ConfigError> {
        let points = Points::new::<N>(&config.spread)?;
        self.core.retune(config)?;
        self.points = points;
        Ok(())
    }
}

filter!(UnscentedKalman, NonlinearModel);
