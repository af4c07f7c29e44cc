//! Least squares of a few unknowns from endless data: the normal equations, summed as they come.

use crate::math::Float;

/// An estimate and its standard deviation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate<P> {
    /// The value.
    pub value: P,
    /// Its standard deviation, as far as the residuals tell.
    pub deviation: P,
}

impl<P: Float> Estimate<P> {
    /// Whether the deviation is below `share` of the value.
    pub fn is_within(&self, share: P) -> bool {
        self.deviation <= share * self.value.magnitude()
    }
}

/// Sums of products for `y ≈ Σ xᵢ cᵢ`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LeastSquares<P, const N: usize> {
    square: [[P; N]; N],
    product: [P; N],
    y_square: P,
    count: P,
}

/// The coefficients, and how well they explain the data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Solution<P, const N: usize> {
    pub(super) coefficients: [Estimate<P>; N],
    /// Share of the sum of squares of y that is explained, up to 1.
    pub(super) explained: P,
}

impl<P: Float, const N: usize> Default for LeastSquares<P, N> {
    fn default() -> Self {
        Self {
            square: [[P::zero(); N]; N],
            product: [P::zero(); N],
            y_square: P::zero(),
            count: P::zero(),
        }
    }
}

impl<P: Float, const N: usize> LeastSquares<P, N> {
    pub(super) fn add(&mut self, x: [P; N], y: P) {
        for (row, a) in self.square.iter_mut().zip(x) {
            for (sum, b) in row.iter_mut().zip(x) {
                *sum += a * b;
            }
        }
        for (sum, a) in self.product.iter_mut().zip(x) {
            *sum += a * y;
        }
        self.y_square += y * y;
        self.count += P::one();
    }

    pub(super) fn count(&self) -> P {
        self.count
    }

    /// Solves by Gauss-Jordan elimination of the scaled normal equations, with the inverse for the
    /// deviations. `independent` is the number of independent samples in one (neighbours of a
    /// filtered signal are alike). `None` if a column depends on the others: a pivot below 1e-4 of
    /// its column.
    pub(super) fn solve(&self, independent: P) -> Option<Solution<P, N>> {
        let zero = P::zero();
        // Scaled to a diagonal of ones, so that a pivot is a share.
        let mut scale = [zero; N];
        for (i, (scale, row)) in scale.iter_mut().zip(&self.square).enumerate() {
            let diagonal = row.get(i).copied().unwrap_or(zero);
            let varies = diagonal > zero;
            if !varies {
                return None;
            }
            *scale = P::one() / diagonal.sqrt();
        }
        let mut a = self.square;
        let mut inverse = [[zero; N]; N];
        for (i, (row, unit)) in a.iter_mut().zip(&mut inverse).enumerate() {
            for ((value, one), column) in row
                .iter_mut()
                .zip(unit.iter_mut())
                .zip(scale.iter().enumerate())
            {
                *value = *value * *scale.get(i)? * *column.1;
                *one = if column.0 == i { P::one() } else { zero };
            }
        }
        for pivot in 0..N {
            let value = *a.get(pivot)?.get(pivot)?;
            let independent = value > P::lit(1e-4);
            if !independent {
                return None;
            }
            let factor = P::one() / value;
            for entry in a
                .get_mut(pivot)?
                .iter_mut()
                .chain(inverse.get_mut(pivot)?.iter_mut())
            {
                *entry *= factor;
            }
            let (source, source_inverse) = (*a.get(pivot)?, *inverse.get(pivot)?);
            for (i, (row, row_inverse)) in a.iter_mut().zip(&mut inverse).enumerate() {
                if i == pivot {
                    continue;
                }
                let by = *row.get(pivot)?;
                let entries = row.iter_mut().chain(row_inverse.iter_mut());
                for (entry, from) in entries.zip(source.iter().chain(&source_inverse)) {
                    *entry -= by * *from;
                }
            }
        }
        let mut coefficients = [Estimate::default(); N];
        let mut explained = zero;
        for (i, estimate) in coefficients.iter_mut().enumerate() {
            let row = inverse.get(i)?;
            let sum = row
                .iter()
                .zip(&self.product)
                .zip(&scale)
                .fold(zero, |sum, ((inverse, product), scale)| {
                    sum + *inverse * *product * *scale
                });
            estimate.value = sum * *scale.get(i)?;
            explained += estimate.value * *self.product.get(i)?;
        }
        let left = self.y_square - explained;
        let left = if left > zero { left } else { zero };
        let freedom = self.count * independent - P::lit(N as f64);
        let enough = freedom > P::one() && self.y_square > zero;
        if !enough {
            return None;
        }
        // The residual's mean square belongs to each sample; there are fewer independent ones.
        let variance = left / self.count / freedom * self.count;
        for (i, estimate) in coefficients.iter_mut().enumerate() {
            let s = *scale.get(i)?;
            let spread = *inverse.get(i)?.get(i)? * variance;
            estimate.deviation = (if spread > zero { spread } else { zero }).sqrt() * s;
        }
        Some(Solution {
            coefficients,
            explained: explained / self.y_square,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: &mut u32) -> f64 {
        *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(*seed) / 4_294_967_296.0 - 0.5
    }

    #[test]
    fn finds_coefficients_and_says_how_well() {
        let mut inside = 0;
        for run in 0..100 {
            let mut fit = LeastSquares::<f64, 3>::default();
            let mut seed = run;
            for _ in 0..400 {
                let x = [
                    noise(&mut seed),
                    1e3 * noise(&mut seed),
                    1e-4 * noise(&mut seed),
                ];
                fit.add(
                    x,
                    2.0 * x[0] - 3e-3 * x[1] + 5e4 * x[2] + 0.3 * noise(&mut seed),
                );
            }
            let solution = fit.solve(1.0).unwrap();
            assert!(solution.explained > 0.98);
            for (got, wanted) in solution.coefficients.iter().zip([2.0, -3e-3, 5e4]) {
                assert!((got.value / wanted - 1.0).abs() < 0.2);
                inside += usize::from((got.value - wanted).abs() < 2.0 * got.deviation);
            }
        }
        // Two standard deviations hold 95 % of them.
        assert!((270..=298).contains(&inside), "{inside}");
    }

    #[test]
    fn dependent_columns_are_refused() {
        let mut fit = LeastSquares::<f64, 2>::default();
        assert!(fit.solve(1.0).is_none());
        for k in 0..100 {
            let x = f64::from(k);
            fit.add([x, 2.0 * x], x);
        }
        assert!(fit.solve(1.0).is_none());
    }
}
