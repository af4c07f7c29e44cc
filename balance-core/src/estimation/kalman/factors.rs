//! A covariance as `P = L D Lᵀ`: symmetric and positive semidefinite whatever is rounded.

use crate::ConfigError;
use crate::math::Float;
use nalgebra::SMatrix;

/// Factors of a covariance: L with ones on its diagonal, D ≥ 0.
///
/// Such a product cannot be anything but symmetric and positive semidefinite, and the factors keep
/// about twice the digits of the covariance itself: with `f32` they hold variances that lie 10¹⁴
/// apart. Source of the recursions: G. J. Bierman, "Factorization Methods for Discrete Sequential
/// Estimation" (1977), ch. V and VI, there with an upper L.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors<P, const N: usize> {
    /// Row by row; only what is below the diagonal counts.
    pub(crate) lower: [[P; N]; N],
    pub(crate) diagonal: [P; N],
}

/// What a measurement would tell: the way from a row of H to a gain.
#[derive(Clone, Copy, Debug)]
pub struct Sight<P, const N: usize> {
    /// Lᵀ h.
    row: [P; N],
    /// D Lᵀ h.
    weighted: [P; N],
    noise: P,
    /// h P hᵀ + r.
    pub(crate) variance: P,
    pub(crate) inverse: P,
}

/// A pivot below this counts as zero: its inverse would not be finite.
const TINY: f64 = 1e-36;

impl<P: Float, const N: usize> Factors<P, N> {
    /// No uncertainty.
    pub(crate) fn zero() -> Self {
        Self {
            lower: [[P::zero(); N]; N],
            diagonal: [P::zero(); N],
        }
    }

    /// Factors a covariance.
    ///
    /// # Errors
    ///
    /// Not finite, not symmetric, or not positive semidefinite.
    pub(crate) fn new(
        name: &'static str,
        covariance: impl Fn(usize, usize) -> P,
    ) -> Result<Self, ConfigError> {
        for i in 0..N {
            for j in 0..=i {
                let (x, y) = (covariance(i, j), covariance(j, i));
                if !x.is_finite() || !y.is_finite() {
                    return Err(ConfigError::NonFinite(name));
                }
                let scale = covariance(i, i).magnitude() + covariance(j, j).magnitude();
                if !x.is_usable() || (x - y).magnitude() > scale * P::lit(1e-5) {
                    return Err(ConfigError::OutOfRange(name));
                }
            }
        }
        let (factors, deficit) = Self::factor(covariance);
        // What rounding of the matrix's entries can do to a pivot.
        if deficit > P::lit(1e-4) {
            return Err(ConfigError::OutOfRange(name));
        }
        Ok(factors)
    }

    /// Factors a symmetric matrix, of which it reads the lower triangle. Also gives the worst
    /// negative pivot, as a share of its diagonal element; it counts as zero.
    #[inline]
    pub(crate) fn factor(matrix: impl Fn(usize, usize) -> P) -> (Self, P) {
        let mut factors = Self::zero();
        let mut deficit = P::zero();
        let Self { lower, diagonal } = &mut factors;
        for j in 0..N {
            let mut pivot = matrix(j, j);
            let mut weighted = [P::zero(); N];
            for k in 0..j {
                weighted[k] = lower[j][k] * diagonal[k];
                pivot -= lower[j][k] * weighted[k];
            }
            if pivot < P::zero() {
                let share = -pivot / (matrix(j, j).magnitude() + P::lit(TINY));
                deficit = if share > deficit { share } else { deficit };
            }
            if pivot > P::lit(TINY) {
                diagonal[j] = pivot;
                let scale = P::one() / pivot;
                for i in j + 1..N {
                    let mut x = matrix(i, j);
                    for k in 0..j {
                        x -= lower[i][k] * weighted[k];
                    }
                    lower[i][j] = x * scale;
                }
            }
        }
        (factors, deficit)
    }

    /// The covariance.
    pub(crate) fn covariance(&self) -> [[P; N]; N] {
        let mut out = [[P::zero(); N]; N];
        for i in 0..N {
            for j in 0..=i {
                let mut x = P::zero();
                for k in 0..=j {
                    x += self.entry(i, k) * self.diagonal[k] * self.entry(j, k);
                }
                out[i][j] = x;
                out[j][i] = x;
            }
        }
        out
    }

    #[inline(always)]
    fn entry(&self, i: usize, j: usize) -> P {
        if i == j { P::one() } else { self.lower[i][j] }
    }

    /// Whether it can be gone on with, wherever it comes from.
    pub(crate) fn is_sound(&self) -> bool {
        let diagonal = self.diagonal.iter().all(|d| *d >= P::zero());
        let lower = self.lower.iter().flatten().all(|l| l.is_usable());
        diagonal && lower && self.is_usable()
    }

    /// Within bounds from which the next step is still finite.
    #[inline(always)]
    pub(crate) fn is_usable(&self) -> bool {
        let mut sum = P::zero();
        for i in 0..N {
            sum += self.diagonal[i].magnitude();
            for j in 0..i {
                sum += self.lower[i][j] * self.lower[i][j];
            }
        }
        sum.is_usable()
    }

    /// `P ← F P Fᵀ + Q`: weighted Gram-Schmidt on the rows of [F L, L_Q]. Beyond 2⁶³ it stands
    /// still.
    #[inline]
    pub(crate) fn predict(&mut self, transition: &[[P; N]; N], noise: &Self) {
        let mut way = [[P::zero(); N]; N];
        for i in 0..N {
            for j in 0..N {
                let mut x = transition[i][j];
                for k in j + 1..N {
                    x += transition[i][k] * self.lower[k][j];
                }
                way[i][j] = x;
            }
        }
        let mut shock = noise.lower;
        let mut next = Self::zero();
        for j in 0..N {
            let mut weighted = [P::zero(); N];
            let mut shaken = [P::zero(); N];
            // The row of L_Q ends with the one on its diagonal.
            shaken[j] = noise.diagonal[j];
            let mut norm = noise.diagonal[j];
            for k in 0..N {
                weighted[k] = way[j][k] * self.diagonal[k];
                norm += way[j][k] * weighted[k];
            }
            for k in 0..j {
                shaken[k] = shock[j][k] * noise.diagonal[k];
                norm += shock[j][k] * shaken[k];
            }
            next.diagonal[j] = norm;
            let scale = if norm > P::lit(TINY) {
                P::one() / norm
            } else {
                P::zero()
            };
            for i in j + 1..N {
                let mut dot = shock[i][j] * shaken[j];
                for k in 0..N {
                    dot += way[i][k] * weighted[k];
                }
                for k in 0..j {
                    dot += shock[i][k] * shaken[k];
                }
                let share = dot * scale;
                next.lower[i][j] = share;
                for k in 0..N {
                    way[i][k] -= share * way[j][k];
                }
                for k in 0..j {
                    shock[i][k] -= share * shock[j][k];
                }
                shock[i][j] -= share;
            }
        }
        if next.is_usable() {
            *self = next;
        }
    }

    /// What a measurement along `row` with variance `noise` would tell.
    #[inline(always)]
    pub(crate) fn sight(&self, row: &[P; N], noise: P) -> Sight<P, N> {
        let (mut seen, mut weighted) = (*row, [P::zero(); N]);
        let mut variance = noise;
        for j in 0..N {
            for i in j + 1..N {
                seen[j] += self.lower[i][j] * row[i];
            }
            weighted[j] = seen[j] * self.diagonal[j];
            variance += seen[j] * weighted[j];
        }
        Sight {
            row: seen,
            weighted,
            noise,
            variance,
            inverse: P::one() / variance,
        }
    }

    /// Takes that measurement in and gives the gain; zero where it would leave the numbers.
    #[inline(always)]
    pub(crate) fn correct(&mut self, sight: &Sight<P, N>) -> [P; N] {
        let mut next = *self;
        let mut gain = [P::zero(); N];
        let mut sum = sight.noise;
        let mut inverse = P::one() / sum;
        for j in (0..N).rev() {
            let share = -(sight.row[j] * inverse);
            let grown = sum + sight.row[j] * sight.weighted[j];
            inverse = P::one() / grown;
            next.diagonal[j] = self.diagonal[j] * sum * inverse;
            sum = grown;
            for i in j + 1..N {
                let old = self.lower[i][j];
                next.lower[i][j] = old + share * gain[i];
                gain[i] += sight.weighted[j] * old;
            }
            gain[j] = sight.weighted[j];
        }
        if !next.is_usable() || !sight.variance.is_usable() {
            return [P::zero(); N];
        }
        *self = next;
        gain.map(|k| k * inverse)
    }
}

/// The covariance as a matrix.
pub(crate) fn covariance_of<P: Float, const N: usize>(factors: &Factors<P, N>) -> SMatrix<P, N, N> {
    // Symmetric: rows are columns.
    SMatrix::from_data(nalgebra::ArrayStorage(factors.covariance()))
}
