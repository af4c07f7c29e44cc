//! Steady Kalman gains: what a Kalman filter of a model that does not change settles at.

use super::DesignError;
use super::discretise::{ContinuousModel, accumulated};
use super::matrix::{Matrix, definite, finite, narrowed, semidefinite, solve, symmetric};
use super::riccati::riccati;
use crate::math::Float;
use nalgebra::SMatrix;

/// Noises of a steady Kalman filter of N states and L measurements.
///
/// `x⁺ = A x + …` with noise of covariance Q, `z = C x` with noise of covariance R. Only the ratio
/// of the two decides on the gain.
///
/// ```
/// use balance_core::control::design::KalmanGainConfig;
/// use nalgebra::{Matrix1, Matrix1x2, Matrix2};
/// // Position measured to 1 cm every 0.1 s, of something pushed about by 0.5 m/s².
/// let (dt, push) = (0.1_f64, 0.5);
/// let effect = nalgebra::Vector2::new(dt * dt / 2.0, dt) * push;
/// let design = KalmanGainConfig {
///     process_noise: effect * effect.transpose(),
///     measurement_noise: Matrix1::new(1e-4),
/// }
/// .design(&Matrix2::new(1.0, dt, 0.0, 1.0), &Matrix1x2::new(1.0, 0.0))?;
/// // The α of an α-β filter of tracking index 0.1² · 0.5 / 0.01 = 0.5.
/// assert!((design.filter[0] - 0.6).abs() < 0.05, "{}", design.filter[0]);
/// # Ok::<(), balance_core::control::design::DesignError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KalmanGainConfig<P, const N: usize, const L: usize> {
    /// Q: covariance of what disturbs the states within a period (for
    /// [`Self::design_sampled`], per second), symmetric and positive semidefinite. Larger: trusts
    /// the measurements sooner, and their noise.
    pub process_noise: SMatrix<P, N, N>,
    /// R: covariance of the measurements, symmetric and positive definite. Larger: smoother and
    /// later.
    pub measurement_noise: SMatrix<P, L, L>,
}

/// Gains of a steady Kalman filter, checked: the estimate's error fades.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KalmanGain<P, const N: usize, const L: usize> {
    /// K of the correction `x += K (z − C x)`, between two predictions.
    pub filter: SMatrix<P, N, L>,
    /// `A K`: of the one-step form `x⁺ = A x + B u + A K (z − C x)`.
    pub predictor: SMatrix<P, N, L>,
    /// Covariance of the predicted state's error, ahead of the correction.
    pub covariance: SMatrix<P, N, N>,
    /// Largest magnitude of a pole of the error, below one.
    pub spectral_radius: P,
}

impl<P: Float, const N: usize, const L: usize> KalmanGainConfig<P, N, L> {
    /// Computes the gains for the model `a` in periods and the measurements `c`.
    ///
    /// # Errors
    ///
    /// `NonFinite` or `NotPositive` with a name; `NotDetectable` if the measurements do not see an
    /// undamped mode; `NotStabilisable` if the process noise does not reach one, so that the gain
    /// would fade to zero; `DidNotConverge` for a model beyond the accuracy of `f64`.
    pub fn design(
        &self,
        a: &SMatrix<P, N, N>,
        c: &SMatrix<P, L, N>,
    ) -> Result<KalmanGain<P, N, L>, DesignError> {
        let noise = semidefinite("process_noise", &self.process_noise)?;
        self.solve(&finite("a", a)?, &finite("c", c)?, &noise)
    }

    /// Computes the gains for a model in seconds that is measured every `dt` seconds; here
    /// `process_noise` is a spectral density, per second. In `f32` nothing is rounded in between.
    ///
    /// # Errors
    ///
    /// As [`Self::design`] and [`ContinuousModel::discretise`].
    pub fn design_sampled<const M: usize>(
        &self,
        model: &ContinuousModel<P, N, M>,
        c: &SMatrix<P, L, N>,
        dt: P,
    ) -> Result<KalmanGain<P, N, L>, DesignError> {
        let (a, _, dt) = model.sampled(dt)?;
        let density = semidefinite("process_noise", &self.process_noise)?;
        let noise = accumulated(&finite("a", &model.a)?, &density, dt)?;
        self.solve(&a, &finite("c", c)?, &noise)
    }

    fn solve(
        &self,
        a: &Matrix<N, N>,
        c: &Matrix<L, N>,
        noise: &Matrix<N, N>,
    ) -> Result<KalmanGain<P, N, L>, DesignError> {
        let r = definite("measurement_noise", &self.measurement_noise)?;
        // The filter is the regulator of the transposed model, and so are its conditions.
        let solution =
            riccati(&a.transpose(), &c.transpose(), noise, &r).map_err(|error| match error {
                DesignError::NotStabilisable => DesignError::NotDetectable,
                DesignError::NotDetectable => DesignError::NotStabilisable,
                other => other,
            })?;
        let seen = c * solution.cost;
        let innovation = symmetric(&(seen * c.transpose())) + r;
        let filter = solve(&innovation, &seen).ok_or(DesignError::DidNotConverge)?;
        Ok(KalmanGain {
            filter: narrowed("filter", &filter.transpose())?,
            predictor: narrowed("predictor", &solution.gain.transpose())?,
            covariance: narrowed("covariance", &solution.cost)?,
            spectral_radius: P::lit(solution.radius),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{Matrix1, Matrix1x2, Matrix2};

    #[test]
    fn a_random_walk_has_a_closed_form() {
        fn check<P: Float>(tolerance: f64) {
            let one = |x: f64| Matrix1::new(P::lit(x));
            let design = KalmanGainConfig {
                process_noise: one(0.02),
                measurement_noise: one(0.5),
            }
            .design(&one(1.0), &one(1.0))
            .unwrap();
            // P² − q P − q r = 0, K = P / (P + r)
            let p = 0.01 + (0.0001_f64 + 0.01).sqrt();
            let (gain, covariance) = (design.filter[0].to_f64(), design.covariance[0].to_f64());
            assert!((gain - p / (p + 0.5)).abs() < tolerance, "{gain}");
            assert!((covariance - p).abs() < tolerance, "{covariance}");
            let radius = design.spectral_radius.to_f64();
            assert!((radius - (1.0 - gain)).abs() < 10.0 * tolerance, "{radius}");
        }
        check::<f64>(1e-12);
        check::<f32>(1e-7);
    }

    #[test]
    fn says_what_is_missing_in_the_words_of_an_observer() {
        let config = |noise| KalmanGainConfig {
            process_noise: noise,
            measurement_noise: Matrix1::new(1e-4),
        };
        let (moving, position) = (Matrix2::new(1.0, 0.1, 0.0, 1.0), Matrix1x2::new(1.0, 0.0));
        let both = config(Matrix2::identity());
        assert!(both.design(&moving, &position).is_ok());
        assert_eq!(
            both.design(&moving, &Matrix1x2::new(0.0, 1.0)),
            Err(DesignError::NotDetectable)
        );
        let shaken = config(Matrix2::new(1.0, 0.0, 0.0, 0.0));
        assert_eq!(
            shaken.design(&moving, &position),
            Err(DesignError::NotStabilisable)
        );
        let odd = config(Matrix2::new(1.0, 2.0, 2.0, 1.0));
        assert_eq!(
            odd.design(&moving, &position),
            Err(DesignError::NotPositive("process_noise"))
        );
    }
}
