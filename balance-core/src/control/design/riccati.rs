//! The discrete algebraic Riccati equation, which LQR and Kalman gains come of.
//!
//! `P = Q + Aᵀ P (I + G P)⁻¹ A` with `G = B R⁻¹ Bᵀ`, by the structure-preserving doubling algorithm
//! (E. K.-W. Chu, H.-Y. Fan, W.-W. Lin, C.-S. Wang, "Structure-preserving algorithms for periodic
//! discrete-time algebraic Riccati equations", International Journal of Control 77, 2004):
//!
//! > `W = I + G H`, `A⁺ = A W⁻¹ A`, `G⁺ = G + A W⁻¹ G Aᵀ`, `H⁺ = H + Aᵀ H W⁻¹ A`
//!
//! from `H = Q`. After k rounds H is what 2ᵏ steps of the Riccati difference equation give, so ten
//! to fifteen rounds settle what the difference equation needs thousands for, without eigenvalues.
//!
//! Whatever comes of it is believed only after two checks: the equation holds (residual below 1e-8
//! of P), and the closed loop decays (spectral radius below one). If not, the same algorithm with
//! weights that see every state, or inputs that reach every state, tells which half of the
//! conditions is missing.

use super::DesignError;
use super::matrix::{Matrix, is_finite, largest, solve, spectral_radius, symmetric};

/// 2⁵⁰ periods.
const ROUNDS: usize = 50;
const AT_REST: f64 = 1e-15;
const RESIDUAL: f64 = 1e-8;
/// The doubled solution and Newton's corrections of it.
const REFINEMENTS: usize = 4;
/// A closed loop with a time constant of more than 5e6 periods counts as one that does not settle:
/// of a pole on the unit circle, rounding moves the solution by the root of the last place.
const DECAYS: f64 = 1.0 - 2e-7;
/// A correction this many times larger than the model itself answers to rounding noise: beyond it,
/// `A − B K` could look stable by the rounding of `B K` alone.
const BEYOND_REASON: f64 = 1e7;
/// The same seen in the cost, for weights and reach of one.
const COST_BEYOND_REASON: f64 = 1e13;

/// A solution that has been checked.
pub(in crate::control) struct Solution<const N: usize, const M: usize> {
    /// P.
    pub(in crate::control) cost: Matrix<N, N>,
    /// `(R + Bᵀ P B)⁻¹ Bᵀ P A`.
    pub(in crate::control) gain: Matrix<M, N>,
    /// Spectral radius of `A − B K`.
    pub(in crate::control) radius: f64,
}

/// Solves for the stabilising P; `q` is positive semidefinite, `r` positive definite.
pub(in crate::control) fn riccati<const N: usize, const M: usize>(
    a: &Matrix<N, N>,
    b: &Matrix<N, M>,
    q: &Matrix<N, N>,
    r: &Matrix<M, M>,
) -> Result<Solution<N, M>, DesignError> {
    let g = match solve(r, &b.transpose()) {
        Some(reach) => symmetric(&(b * reach)),
        None => return Err(DesignError::NotPositive("input_weight")),
    };
    attempt(a, b, q, r, &g).ok_or_else(|| reason(a, &g, q))
}

fn attempt<const N: usize, const M: usize>(
    a: &Matrix<N, N>,
    b: &Matrix<N, M>,
    q: &Matrix<N, N>,
    r: &Matrix<M, M>,
    g: &Matrix<N, N>,
) -> Option<Solution<N, M>> {
    let mut cost = doubled(a, g, q)?;
    for _ in 0..REFINEMENTS {
        let seen = b.transpose() * cost;
        let gain = solve(&(r + seen * b), &(seen * a))?;
        let correction = b * gain;
        if largest(&correction) > BEYOND_REASON * (1.0 + largest(a)) {
            return None;
        }
        let closed = a - correction;
        let radius = spectral_radius(&closed);
        if radius.is_nan() || radius >= DECAYS {
            return None;
        }
        // In this form nothing large cancels.
        let step = gain.transpose() * r * gain + q;
        let again = closed.transpose() * cost * closed + step;
        if largest(&(again - cost)) <= RESIDUAL * largest(&cost) {
            return Some(Solution { cost, gain, radius });
        }
        cost = cost_of(&closed, &symmetric(&step))?;
    }
    None
}

/// What a stable closed loop costs for ever, `Σ (Fᵀ)ᵏ S Fᵏ`, doubling the number of periods each
/// round. The gain that follows from it is Newton's next (D. L. Kleinman, "On an iterative technique
/// for Riccati equation computations", 1968), and takes away what the other doubling lost to rounding.
fn cost_of<const N: usize>(closed: &Matrix<N, N>, step: &Matrix<N, N>) -> Option<Matrix<N, N>> {
    let (mut power, mut cost) = (*closed, *step);
    for _ in 0..ROUNDS {
        let growth = symmetric(&(power.transpose() * cost * power));
        cost += growth;
        power *= power;
        if !is_finite(&cost) {
            return None;
        }
        if largest(&growth) <= AT_REST * largest(&cost) {
            return Some(cost);
        }
    }
    None
}

/// The limit of H; `None` if there is none.
fn doubled<const N: usize>(
    a: &Matrix<N, N>,
    g: &Matrix<N, N>,
    q: &Matrix<N, N>,
) -> Option<Matrix<N, N>> {
    let (mut a, mut g, mut h) = (*a, *g, *q);
    for _ in 0..ROUNDS {
        let w = Matrix::identity() + g * h;
        let (wa, wg) = (solve(&w, &a)?, solve(&w, &g)?);
        let growth = symmetric(&(a.transpose() * h * wa));
        g += symmetric(&(a * wg * a.transpose()));
        a *= wa;
        h += growth;
        if !is_finite(&h) {
            return None;
        }
        if largest(&growth) <= AT_REST * largest(&h) {
            return Some(h);
        }
    }
    None
}

/// Which condition is not met.
fn reason<const N: usize>(a: &Matrix<N, N>, g: &Matrix<N, N>, q: &Matrix<N, N>) -> DesignError {
    if !closes(a, g) {
        DesignError::NotStabilisable
    } else if !closes(&a.transpose(), q) {
        DesignError::NotDetectable
    } else {
        DesignError::DidNotConverge
    }
}

/// Whether inputs that reach as far as `g` can stabilise `a`.
fn closes<const N: usize>(a: &Matrix<N, N>, g: &Matrix<N, N>) -> bool {
    let size = largest(g);
    if size == 0.0 {
        return spectral_radius(a) < DECAYS;
    }
    let g = g / size;
    let Some(cost) = doubled(a, &g, &Matrix::identity()) else {
        return false;
    };
    match solve(&(Matrix::identity() + g * cost), a) {
        Some(closed) => {
            largest(&(a - closed)) <= BEYOND_REASON * (1.0 + largest(a))
                && largest(&cost) <= COST_BEYOND_REASON
                && spectral_radius(&closed) < DECAYS
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{Matrix1, Matrix2, Vector2};

    #[test]
    fn one_state_has_a_closed_form() {
        for (a, b, q, r) in [
            (1.1, 0.5, 2.0, 3.0),
            (0.2, 4.0, 1.0, 1e-6),
            (40.0, 1e-3, 1e-3, 1.0),
        ] {
            let one = |x| Matrix1::new(x);
            let solution = riccati(&one(a), &one(b), &one(q), &one(r)).unwrap();
            // b² P² + (r − a² r − b² q) P − q r = 0
            let half = 0.5 * (b * b * q + a * a * r - r) / (b * b);
            let expected: f64 = half + (half * half + q * r / (b * b)).sqrt();
            assert!((solution.cost[0] / expected - 1.0).abs() < 1e-12);
            let closed: f64 = a - b * solution.gain[0];
            assert!((solution.radius - closed.abs()).abs() < 1e-12);
        }
    }

    /// A mode that the input hardly reaches: doubling alone loses eight digits.
    #[test]
    fn a_weakly_reached_mode_is_regulated() {
        let a = nalgebra::Matrix3::new(
            -0.425_638_389_523_851_6,
            1.305_590_805_818_377_4,
            0.859_608_688_697_505_7,
            1.360_654_518_053_873_2,
            -1.219_180_051_148_272_4,
            1.484_193_736_823_755,
            0.894_505_923_061_804_2,
            1.068_798_686_436_205_3,
            -0.548_953_883_516_283_4,
        );
        let b = nalgebra::Vector3::new(
            0.843_297_514_564_142_3,
            0.890_987_974_508_189_6,
            0.904_496_353_133_656,
        );
        let solution = riccati(&a, &b, &nalgebra::Matrix3::identity(), &Matrix1::identity());
        assert!(solution.unwrap().radius < 1.0);
    }

    #[test]
    fn says_what_is_missing() {
        let one = Matrix1::identity();
        let error =
            |a: &Matrix2<f64>, b: &Vector2<f64>, q: &Matrix2<f64>| riccati(a, b, q, &one).err();
        let (unstable, drifting) = (
            Matrix2::new(1.2, 0.0, 0.0, 0.5),
            Matrix2::new(1.0, 0.0, 0.0, 0.5),
        );
        let (both, first, second) = (
            Matrix2::identity(),
            Matrix2::new(1.0, 0.0, 0.0, 0.0),
            Matrix2::new(0.0, 0.0, 0.0, 1.0),
        );
        // The same in coordinates where no zero gives it away.
        let (sin, cos) = libm::sincos(0.7);
        let turn = Matrix2::new(cos, -sin, sin, cos);
        for t in [Matrix2::identity(), turn] {
            let seen = |m: &Matrix2<f64>| t * m * t.transpose();
            let missed = t * Vector2::new(0.0, 1.0);
            let reached = t * Vector2::new(1.0, 1.0);
            for a in [unstable, drifting] {
                assert_eq!(
                    error(&seen(&a), &missed, &seen(&both)),
                    Some(DesignError::NotStabilisable)
                );
                assert_eq!(error(&seen(&a), &reached, &seen(&first)), None);
            }
            assert_eq!(
                error(&seen(&drifting), &reached, &seen(&second)),
                Some(DesignError::NotDetectable)
            );
        }
    }
}
