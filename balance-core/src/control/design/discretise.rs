//! From a model in seconds to one in periods: zero-order hold.
//!
//! `ẋ = A x + B u` with an input that stands for a period `h` becomes `x⁺ = Ad x + Bd u` with
//! `Ad = e^(A h)` and `Bd = ∫₀ʰ e^(A s) ds · B`.
//!
//! Both come from the one series `Φ(h) = h Σ (A h)ᵏ / (k + 1)!` with `Ad = I + A Φ`, `Bd = Φ B`, at
//! a period halved until `‖A‖ h ≤ ½`, then doubled: `Φ(2h) = (2 + A Φ) Φ` (scaling and squaring;
//! C. Moler, C. Van Loan, "Nineteen dubious ways to compute the exponential of a matrix,
//! twenty-five years later", SIAM Review 45, 2003). That is the exponential of the stacked matrix
//! `[A B; 0 0]` without stacking it, and `Ad − I` keeps its own last place.
//!
//! The covariance of noise that enters on the way, `∫₀ʰ e^(A s) Q e^(A s)ᵀ ds`, is computed the same
//! way (C. Van Loan, "Computing integrals involving the matrix exponential", IEEE Trans. Automatic
//! Control 23, 1978, without his `e^(−A h)`, which overflows for a fast mode).
//!
//! Against 60-digit arithmetic and scipy (`tests/design_golden`): 7e-16 of the largest element
//! in `f64`; `f32` is the same, rounded once.

use super::DesignError;
use super::matrix::{Matrix, finite, is_finite, largest, narrowed, semidefinite, symmetric};
use crate::config::period;
use crate::math::Float;
use nalgebra::{SMatrix, SVector};

/// `½¹⁷ / 18!` is far below the last place.
const TERMS: u32 = 17;
/// The noise integral sees `‖A‖` twice: `1 / 22!`.
const NOISE_TERMS: u32 = 21;
/// `‖A‖ h` up to 2⁴⁰ is a model, what is above it is a mistake in the units.
const MOST_HALVINGS: u32 = 41;

/// A linear model in continuous time: `ẋ = A x + B u`.
///
/// ```
/// use balance_core::control::design::ContinuousModel;
/// use nalgebra::{Matrix2, Vector2};
/// // A mass of 2 kg pushed by a force: position and speed.
/// let model = ContinuousModel {
///     a: Matrix2::new(0.0, 1.0, 0.0, 0.0),
///     b: Vector2::new(0.0, 0.5),
/// };
/// let sampled = model.discretise(0.5)?;
/// assert_eq!(sampled.a, Matrix2::new(1.0, 0.5, 0.0, 1.0));
/// assert_eq!(sampled.b, Vector2::new(0.0625, 0.25));
/// # Ok::<(), balance_core::control::design::DesignError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ContinuousModel<P, const N: usize, const M: usize> {
    /// A: change of the states per second by the states.
    pub a: SMatrix<P, N, N>,
    /// B: change of the states per second by the inputs.
    pub b: SMatrix<P, N, M>,
}

/// A linear model in periods: `x⁺ = A x + B u`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DiscreteModel<P, const N: usize, const M: usize> {
    /// A: the next states by the states.
    pub a: SMatrix<P, N, N>,
    /// B: the next states by the inputs.
    pub b: SMatrix<P, N, M>,
    /// Seconds per period.
    pub dt: P,
}

impl<P: Float, const N: usize, const M: usize> ContinuousModel<P, N, M> {
    /// The same model seen once every `dt` seconds (1 µs to 10 s), with an input that stands in
    /// between.
    ///
    /// # Errors
    ///
    /// `NonFinite` for `a` or `b`, or if the model grows beyond the number type within a period;
    /// `OutOfRange("dt")` also where `‖A‖ dt` is above 2⁴⁰.
    pub fn discretise(&self, dt: P) -> Result<DiscreteModel<P, N, M>, DesignError> {
        let (a, b, _) = self.sampled(dt)?;
        Ok(DiscreteModel {
            a: narrowed("a", &a)?,
            b: narrowed("b", &b)?,
            dt,
        })
    }

    /// [`Self::discretise`] without rounding to the type of the parameters.
    pub(super) fn sampled(&self, dt: P) -> Result<(Matrix<N, N>, Matrix<N, M>, f64), DesignError> {
        let dt = seconds(dt)?;
        let (a, b) = (finite("a", &self.a)?, finite("b", &self.b)?);
        let (growth, held) = exponential(&a, dt)?;
        let (a, b) = (Matrix::identity() + growth, held * b);
        if is_finite(&a) && is_finite(&b) {
            Ok((a, b, dt))
        } else {
            Err(DesignError::NonFinite("a"))
        }
    }

    /// Covariance that white noise of the given spectral density (per second, symmetric, positive
    /// semidefinite) leaves in the states within one period.
    ///
    /// # Errors
    ///
    /// As [`Self::discretise`]; `NotPositive("density")`.
    pub fn process_noise(
        &self,
        density: &SMatrix<P, N, N>,
        dt: P,
    ) -> Result<SMatrix<P, N, N>, DesignError> {
        let dt = seconds(dt)?;
        let a = finite("a", &self.a)?;
        let density = semidefinite("density", density)?;
        narrowed("density", &accumulated(&a, &density, dt)?)
    }

    /// The model with one more state, the integral over time of `output · x`. `E` is `N + 1`.
    ///
    /// An LQR of it is an LQI: its last gain acts on the integral.
    #[must_use]
    pub fn with_integral<const E: usize>(
        &self,
        output: &SVector<P, N>,
    ) -> ContinuousModel<P, E, M> {
        let (a, b) = extended(&self.a, &self.b, P::zero(), output);
        ContinuousModel { a, b }
    }
}

impl<P: Float, const N: usize, const M: usize> DiscreteModel<P, N, M> {
    /// The model with one more state, the sum of `output · x · dt` over the past periods: what the
    /// integral of a [`StateFeedback`](crate::control::state_feedback::StateFeedback) adds up. `E`
    /// is `N + 1`.
    #[must_use]
    pub fn with_integral<const E: usize>(&self, output: &SVector<P, N>) -> DiscreteModel<P, E, M> {
        let (a, b) = extended(&self.a, &self.b, P::one(), &(output * self.dt));
        DiscreteModel { a, b, dt: self.dt }
    }
}

/// A and B with one more state, whose row in A is `row` and `keep`.
fn extended<P: Float, const N: usize, const M: usize, const E: usize>(
    a: &SMatrix<P, N, N>,
    b: &SMatrix<P, N, M>,
    keep: P,
    row: &SVector<P, N>,
) -> (SMatrix<P, E, E>, SMatrix<P, E, M>) {
    const { assert!(E == N + 1, "the model gains one state") }
    let mut wide_a = SMatrix::<P, E, E>::from_element(P::zero());
    let mut wide_b = SMatrix::<P, E, M>::from_element(P::zero());
    for i in 0..N {
        for j in 0..N {
            wide_a[(i, j)] = a[(i, j)];
        }
        for j in 0..M {
            wide_b[(i, j)] = b[(i, j)];
        }
        wide_a[(N, i)] = row[i];
    }
    wide_a[(N, N)] = keep;
    (wide_a, wide_b)
}

fn seconds<P: Float>(dt: P) -> Result<f64, DesignError> {
    match period(dt) {
        Ok(dt) => Ok(dt.to_f64()),
        Err(_) => Err(DesignError::OutOfRange("dt")),
    }
}

/// How often `dt` must be halved for `‖A‖ h ≤ ½`, and the h that comes of it.
fn halved<const N: usize>(a: &Matrix<N, N>, dt: f64) -> Result<(u32, f64), DesignError> {
    // An upper bound of every norm that is induced by one of vectors.
    let norm = largest(a) * N as f64;
    let (mut halvings, mut h) = (0, dt);
    while norm * h > 0.5 {
        halvings += 1;
        h *= 0.5;
        if halvings > MOST_HALVINGS {
            return Err(DesignError::OutOfRange("dt"));
        }
    }
    Ok((halvings, h))
}

/// `e^(A dt) − I` and `∫₀ᵈᵗ e^(A s) ds`.
fn exponential<const N: usize>(
    a: &Matrix<N, N>,
    dt: f64,
) -> Result<(Matrix<N, N>, Matrix<N, N>), DesignError> {
    let one = Matrix::<N, N>::identity();
    let (halvings, h) = halved(a, dt)?;
    let step = a * h;
    let mut sum = one;
    for k in (2..=TERMS + 1).rev() {
        sum = one + step * sum / f64::from(k);
    }
    let mut held = sum * h;
    let mut growth = a * held;
    for _ in 0..halvings {
        held = held * 2.0 + growth * held;
        growth = growth * 2.0 + growth * growth;
    }
    Ok((growth, held))
}

/// `∫₀ᵈᵗ e^(A s) Q e^(A s)ᵀ ds`.
pub(super) fn accumulated<const N: usize>(
    a: &Matrix<N, N>,
    density: &Matrix<N, N>,
    dt: f64,
) -> Result<Matrix<N, N>, DesignError> {
    let (halvings, h) = halved(a, dt)?;
    let (mut growth, _) = exponential(a, h)?;
    let mut term = density * h;
    let mut noise = term;
    for k in 2..=NOISE_TERMS + 1 {
        let turned = a * term;
        term = (turned + turned.transpose()) * (h / f64::from(k));
        noise += term;
    }
    for _ in 0..halvings {
        let over = Matrix::identity() + growth;
        noise += over * noise * over.transpose();
        growth = growth * 2.0 + growth * growth;
    }
    Ok(symmetric(&noise))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{Matrix2, Vector2};

    fn oscillator<P: Float>(frequency: f64, damping: f64) -> ContinuousModel<P, 2, 1> {
        let w = frequency;
        ContinuousModel {
            a: Matrix2::new(0.0, 1.0, -w * w, -2.0 * damping * w).map(P::lit),
            b: Vector2::new(0.0, w * w).map(P::lit),
        }
    }

    fn number<P: Float, const R: usize, const C: usize>(m: &SMatrix<P, R, C>) -> Matrix<R, C> {
        super::super::matrix::widened(m)
    }

    #[test]
    fn an_oscillator_turns_and_a_slow_one_keeps_its_digits() {
        fn check<P: Float>(tolerance: f64) {
            let model = oscillator::<P>(8.0, 0.0).discretise(P::lit(0.25)).unwrap();
            let (sin, cos) = libm::sincos(2.0);
            let expected = Matrix2::new(cos, sin / 8.0, -8.0 * sin, cos);
            assert!(largest(&(number(&model.a) - expected)) < 8.0 * tolerance);
            let held = Vector2::new(1.0 - cos, 8.0 * sin);
            assert!(largest(&(number(&model.b) - held)) < 8.0 * tolerance);
            // B of a slow model is tiny; it must be so to its own last place.
            let slow = oscillator::<P>(1e-3, 0.0).discretise(P::lit(1e-3)).unwrap();
            let expected = 0.5e-12 * (1.0 - 1e-12 / 12.0);
            let b = slow.b[0].to_f64() / expected;
            assert!((b - 1.0).abs() < 10.0 * tolerance, "{b}");
        }
        check::<f64>(1e-15);
        check::<f32>(6e-8);
    }

    #[test]
    fn two_periods_are_one_of_twice_the_length() {
        let model = oscillator::<f64>(30.0, 0.3);
        let density = Matrix2::new(0.2, 0.1, 0.1, 3.0);
        let (once, twice) = (
            model.discretise(0.07).unwrap(),
            model.discretise(0.14).unwrap(),
        );
        assert!(largest(&(once.a * once.a - twice.a)) < 1e-12);
        assert!(largest(&(once.a * once.b + once.b - twice.b)) < 1e-12);
        let noise = model.process_noise(&density, 0.07).unwrap();
        let longer = model.process_noise(&density, 0.14).unwrap();
        let sum = once.a * noise * once.a.transpose() + noise;
        assert!(largest(&(sum - longer)) < 1e-12);
    }

    #[test]
    fn a_stiff_mode_decays_instead_of_blowing_up() {
        let model = oscillator::<f64>(3000.0, 1.5);
        let sampled = model.discretise(0.1).unwrap();
        assert!(largest(&sampled.a) < 1e-12);
        assert!((sampled.b - Vector2::new(1.0, 0.0)).amax() < 1e-9);
        let noise = model
            .process_noise(&Matrix2::new(0.0, 0.0, 0.0, 1.0), 0.1)
            .unwrap();
        // The variance at rest of an oscillator driven by white noise, 1/(4 ζ ω³) and 1/(4 ζ ω).
        assert!((noise[(1, 1)] * 4.0 * 1.5 * 3000.0 - 1.0).abs() < 1e-6);
        assert!((noise[(0, 0)] * 4.0 * 1.5 * 2.7e10 - 1.0).abs() < 1e-6);
    }

    #[test]
    fn the_integral_is_the_last_state() {
        let model = oscillator::<f64>(8.0, 0.1).discretise(0.01).unwrap();
        let wider: DiscreteModel<f64, 3, 1> = model.with_integral(&Vector2::new(0.0, 2.0));
        let x = nalgebra::Vector3::new(0.3, -0.4, 5.0);
        let next = wider.a * x;
        assert!((next[2] - (5.0 - 0.008)).abs() < 1e-15);
        assert!((next.xy() - model.a * x.xy()).amax() < 1e-15);
    }

    #[test]
    fn refuses_what_has_no_answer() {
        let good = oscillator::<f32>(8.0, 0.1);
        assert_eq!(
            good.discretise(0.0).unwrap_err(),
            DesignError::OutOfRange("dt")
        );
        assert_eq!(
            good.discretise(f32::NAN).unwrap_err(),
            DesignError::OutOfRange("dt")
        );
        let mut bad = good;
        bad.a[(0, 1)] = f32::NAN;
        assert_eq!(
            bad.discretise(0.01).unwrap_err(),
            DesignError::NonFinite("a")
        );
        bad.a = Matrix2::new(0.0, 1.0, 1e6, 0.0);
        assert_eq!(
            bad.discretise(1.0).unwrap_err(),
            DesignError::NonFinite("a")
        );
        bad.a = Matrix2::new(0.0, 1e14, 1e14, 0.0);
        assert_eq!(
            bad.discretise(1.0).unwrap_err(),
            DesignError::OutOfRange("dt")
        );
    }
}
