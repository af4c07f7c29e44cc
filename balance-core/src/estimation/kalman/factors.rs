//! A covariance as `P = L D Lᵀ`: symmetric and positive semidefinite whatever is rounded.

use crate::ConfigError;
use crate::math::Float;
use nalgebra::SMatrix;

/// Factors of a covariance: L with ones on its diagonal, D ≥ 0.
///
/// Such a product cannot be anything but symmetric and positive semidefinite, and the factors keep
/// about twice the digits of the covariance itself: with `f32` they hold variances that lie 10¹⁴
/// apart. Whatever is left out of a factor that would leave its range, the product stays a
/// covariance. Sources of the recursions: G. J. Bierman, "Factorization Methods for Discrete
/// Sequential Estimation" (1977), ch. V to VII, there with an upper L; for a vector that is added,
/// W. S. Agee, R. H. Turner, "Triangular decomposition of a positive definite matrix plus a
/// symmetric dyad with application to Kalman filtering" (1972).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors<P, const N: usize> {
    /// L, row by row, with its ones and zeros.
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
    /// r and the weighted squares, from the last to this.
    sum: [P; N],
    noise: P,
    /// h P hᵀ + r.
    pub(crate) variance: P,
    pub(crate) inverse: P,
}

/// A pivot below this counts as zero: its inverse would not be finite.
const TINY: f64 = 1.0 / (1_u128 << 120) as f64;
/// One above this stands still.
const HUGE: f64 = (1_u64 << 63) as f64;
/// Largest entry of L: with D up to 2⁶³ the covariance is finite.
const LARGEST: f64 = (1_u64 << 30) as f64;

/// Whether there is anything to multiply with: models are full of zeros.
#[inline(always)]
fn counts<P: Float>(x: P) -> bool {
    !x.is_below(P::lit(1e-45))
}

/// The same where the question is cheaper than a product, which is without hardware for it.
#[inline(always)]
fn is_worth<P: Float>(x: P) -> bool {
    has_hardware::<P>() || counts(x)
}

/// Whether a sum of floats is one instruction.
pub(super) const fn has_hardware<P>() -> bool {
    cfg!(not(target_os = "none")) || (cfg!(target_abi = "eabihf") && size_of::<P>() == 4)
}

/// A bit for each entry that counts; entries that share one count if one of them does.
pub(crate) fn counting<P: Float, const N: usize>(vector: &[P; N]) -> u32 {
    let mut bits = 0;
    for (i, x) in vector.iter().enumerate() {
        bits |= if counts(*x) { bit(i) } else { 0 };
    }
    bits
}

const fn bit(index: usize) -> u32 {
    1 << (index % 32)
}

/// A lower triangular F as a product: with ones on the diagonal, and diagonal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Triangular<P, const N: usize> {
    rows: [[P; N]; N],
    /// Where they are not zero.
    counting: [u32; N],
    /// Whether the diagonal is more than ones.
    stretches: bool,
    /// The diagonal, and one over it.
    diagonal: [(P, P); N],
}

impl<P: Float, const N: usize> Triangular<P, N> {
    /// `None` for a matrix that has entries above the diagonal, or hardly any on it.
    pub(crate) fn new(matrix: &[[P; N]; N]) -> Option<Self> {
        let diagonal: [P; N] = core::array::from_fn(|i| matrix[i][i]);
        let triangular = matrix.iter().enumerate().all(|(i, row)| {
            let above = row.iter().skip(i + 1).all(|f| *f == P::zero());
            above && diagonal[i].magnitude() > P::lit(1e-3)
        });
        let rows = matrix.map(|row| core::array::from_fn(|j| row[j] / diagonal[j]));
        triangular.then(|| Self {
            counting: rows.map(|row| counting(&row)),
            rows,
            stretches: diagonal.iter().any(|f| *f != P::one()),
            diagonal: diagonal.map(|f| (f, P::one() / f)),
        })
    }
}

impl<P: Float, const N: usize> Factors<P, N> {
    /// No uncertainty.
    pub(crate) fn zero() -> Self {
        let unit = |i, j| if i == j { P::one() } else { P::zero() };
        Self {
            lower: core::array::from_fn(|i| core::array::from_fn(|j| unit(i, j))),
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
        Self::checked(
            name,
            &core::array::from_fn(|i| core::array::from_fn(|j| covariance(i, j))),
        )
    }

    #[inline(never)]
    fn checked(name: &'static str, covariance: &[[P; N]; N]) -> Result<Self, ConfigError> {
        for i in 0..N {
            for j in 0..=i {
                let (x, y) = (covariance[i][j], covariance[j][i]);
                if !x.is_finite() || !y.is_finite() {
                    return Err(ConfigError::NonFinite(name));
                }
                let scale = covariance[i][i].magnitude() + covariance[j][j].magnitude();
                if !x.is_usable() || (x - y).magnitude() > scale * P::lit(1e-5) {
                    return Err(ConfigError::OutOfRange(name));
                }
            }
        }
        let (factors, deficit) = Self::of(covariance);
        // What rounding of the matrix's entries can do to a pivot.
        if deficit > P::lit(1e-4) {
            return Err(ConfigError::OutOfRange(name));
        }
        Ok(factors)
    }

    /// As [`factor`](Self::factor), once in the flash however often it is built with.
    #[inline(never)]
    fn of(matrix: &[[P; N]; N]) -> (Self, P) {
        Self::factor(|i, j| matrix[i][j])
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
                    x += self.lower[i][k] * self.diagonal[k] * self.lower[j][k];
                }
                out[i][j] = x;
                out[j][i] = x;
            }
        }
        out
    }

    /// Of the same covariance with its states counted from the last to the first.
    #[inline(never)]
    pub(crate) fn reversed(&self) -> Self {
        let covariance = self.covariance();
        let entry = |i: usize, j: usize| covariance[N - 1 - i][N - 1 - j];
        Self::of(&core::array::from_fn(|i| {
            core::array::from_fn(|j| entry(i, j))
        }))
        .0
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

    /// `P ← F P Fᵀ` for any F: a sum of what each column of F L makes.
    #[inline(never)]
    pub(crate) fn transform(&mut self, transition: &[[P; N]; N]) {
        let mut next = Self::zero();
        for j in 0..N {
            let mut column = [P::zero(); N];
            for i in 0..N {
                for k in j..N {
                    if counts(transition[i][k]) {
                        column[i] += transition[i][k] * self.lower[k][j];
                    }
                }
            }
            next.add(column, self.diagonal[j]);
        }
        *self = next;
    }

    /// `P ← F P Fᵀ` for a lower triangular F: F L is triangular itself.
    #[inline(always)]
    pub(crate) fn carry(&mut self, transition: &Triangular<P, N>) {
        if transition.stretches {
            self.stretch(&transition.diagonal);
        }
        each!(i down from N => self.carry_row(i, transition));
    }

    #[inline(always)]
    fn carry_row(&mut self, i: usize, transition: &Triangular<P, N>) {
        for k in 0..i {
            if transition.counting[i] & bit(k) != 0 {
                let share = transition.rows[i][k];
                for m in 0..k {
                    let other = self.lower[k][m];
                    if is_worth(other) {
                        self.lower[i][m] += share * other;
                    }
                }
                self.lower[i][k] += share;
            }
        }
    }

    /// The same for a diagonal F.
    #[inline(never)]
    fn stretch(&mut self, diagonal: &[(P, P); N]) {
        for j in 0..N {
            let (own, inverse) = diagonal[j];
            for i in j + 1..N {
                self.lower[i][j] *= diagonal[i].0 * inverse;
            }
            let grown = self.diagonal[j] * own * own;
            if grown.is_usable() {
                self.diagonal[j] = grown;
            }
        }
    }

    /// The same for an F of ones on the diagonal and one entry below it.
    #[inline(always)]
    pub(crate) fn carry_entry(&mut self, row: usize, column: usize, share: P) {
        for m in 0..column {
            self.lower[row][m] += share * self.lower[column][m];
        }
        self.lower[row][column] += share;
    }

    /// What one state walks in a period.
    #[inline(always)]
    pub(crate) fn shake_state(&mut self, index: usize, variance: P) {
        let unit = |i| if i == index { P::one() } else { P::zero() };
        self.add(core::array::from_fn(unit), variance);
    }

    /// Variance of a state.
    #[inline(always)]
    pub(crate) fn variance(&self, index: usize) -> P {
        let mut sum = self.diagonal[index];
        for j in 0..index {
            sum += self.lower[index][j] * self.lower[index][j] * self.diagonal[j];
        }
        sum
    }

    /// `P ← P + Q`. `counting`: a bit for each of its factors that is not zero.
    #[inline]
    pub(crate) fn shake(&mut self, noise: &Self, counting: u32) {
        each!(j below N => {
            if counting & bit(j) != 0 {
                let mut column = [P::zero(); N];
                column[j] = P::one();
                for i in j + 1..N {
                    column[i] = noise.lower[i][j];
                }
                self.add(column, noise.diagonal[j]);
            }
        });
    }

    /// `P ← P + c v vᵀ`.
    #[inline(always)]
    fn add(&mut self, vector: [P; N], weight: P) {
        let (mut vector, mut weight) = (vector, weight);
        each!(j below N => self.add_column(j, &mut vector, &mut weight));
    }

    #[inline(always)]
    fn add_column(&mut self, j: usize, vector: &mut [P; N], weight: &mut P) {
        let own = vector[j];
        if !counts(own) {
            return;
        }
        let pivot = self.diagonal[j];
        let push = *weight * own;
        let grown = pivot + push * own;
        if grown.is_below(P::lit(TINY)) || !grown.is_below(P::lit(HUGE)) {
            return;
        }
        let inverse = P::one() / grown;
        let share = push * inverse;
        self.diagonal[j] = grown;
        *weight *= pivot * inverse;
        for i in j + 1..N {
            let old = self.lower[i][j];
            if is_worth(old) {
                vector[i] -= own * old;
            }
            if is_worth(vector[i]) {
                self.lower[i][j] = old + share * vector[i];
            }
        }
    }

    /// What a measurement along `row` with variance `noise` would tell.
    #[inline(always)]
    pub(crate) fn sight(&self, row: &[P; N], noise: P) -> Sight<P, N> {
        let mut seen = *row;
        for j in 0..N {
            for i in j + 1..N {
                if counts(row[i]) {
                    seen[j] += self.lower[i][j] * row[i];
                }
            }
        }
        Sight::new(seen, &self.diagonal, noise)
    }

    /// The same for a row that is all zeros but for a one.
    #[inline(always)]
    pub(crate) fn sight_of_state(&self, index: usize, noise: P) -> Sight<P, N> {
        let none = [P::zero(); N];
        let row = self.lower.get(index).unwrap_or(&none);
        Sight::new(*row, &self.diagonal, noise)
    }

    /// Takes that measurement in and gives P hᵀ as it was: the gain is that by the variance. Zero
    /// where it would leave the numbers.
    #[inline(always)]
    pub(crate) fn correct(&mut self, sight: &Sight<P, N>) -> [P; N] {
        let mut cross = [P::zero(); N];
        if !sight.variance.is_usable() {
            return cross;
        }
        // One over the sum; there is no gain yet that the first could take from.
        let (mut sum, mut inverse) = (sight.noise, P::zero());
        each!(j down from N => {
            if counts(sight.row[j]) {
                let share = -(sight.row[j] * inverse);
                inverse = P::one() / sight.sum[j];
                self.diagonal[j] *= sum * inverse;
                sum = sight.sum[j];
                self.correct_column(j, share, sight.weighted[j], &mut cross);
            }
        });
        let _ = sum;
        cross
    }

    #[inline(always)]
    fn correct_column(&mut self, j: usize, share: P, weighted: P, cross: &mut [P; N]) {
        for i in j + 1..N {
            let old = self.lower[i][j];
            if is_worth(cross[i]) {
                self.lower[i][j] = old + share * cross[i];
            }
            if is_worth(old) {
                cross[i] += weighted * old;
            }
        }
        cross[j] = weighted;
    }

    /// Drops what has left the range. Within a step it can do no harm: what comes of it is not
    /// usable and goes nowhere but into the same row.
    #[inline(always)]
    pub(crate) fn mend(&mut self) {
        let limit = P::lit(LARGEST);
        let mut sound = true;
        // A negative zero leaves what is added to it as it is.
        let mut sum = -P::zero();
        for i in 1..N {
            for j in 0..i {
                if has_hardware::<P>() {
                    sum += self.lower[i][j];
                } else {
                    sound &= self.lower[i][j].is_below(limit);
                }
            }
        }
        if !sound || !sum.is_below(limit) {
            self.drop_unsound();
        }
    }

    #[cold]
    #[inline(never)]
    fn drop_unsound(&mut self) {
        for i in 0..N {
            for j in 0..i {
                if !self.lower[i][j].is_below(P::lit(LARGEST)) {
                    self.lower[i][j] = P::zero();
                }
            }
        }
    }
}

impl<P: Float, const N: usize> Sight<P, N> {
    #[inline(always)]
    fn new(row: [P; N], diagonal: &[P; N], noise: P) -> Self {
        let (mut weighted, mut sum) = ([P::zero(); N], [P::zero(); N]);
        let mut variance = noise;
        for j in (0..N).rev() {
            if is_worth(row[j]) {
                weighted[j] = row[j] * diagonal[j];
                variance += row[j] * weighted[j];
                sum[j] = variance;
            }
        }
        Self {
            row,
            weighted,
            sum,
            noise,
            variance,
            inverse: P::one() / variance,
        }
    }
}

/// The covariance as a matrix.
pub(crate) fn covariance_of<P: Float, const N: usize>(factors: &Factors<P, N>) -> SMatrix<P, N, N> {
    // Symmetric: rows are columns.
    SMatrix::from_data(nalgebra::ArrayStorage(factors.covariance()))
}
