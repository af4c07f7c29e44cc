//! Least squares by the normal equations, with the standard error of what is found; by instruments
//! where the regressors are noisy.

/// Sums over all that has been seen: N unknowns, M right-hand sides with the same regressors.
///
/// In `f64`: a robot's regressors span decades, and a sum is added a few dozen times a second only.
#[derive(Clone, Copy, Debug)]
pub struct LeastSquares<const N: usize, const M: usize> {
    gram: [[f64; N]; N],
    moments: [[f64; N]; M],
    squares: [f64; M],
    count: u32,
}

/// What fits best.
#[derive(Clone, Copy, Debug)]
pub struct Fit<const N: usize, const M: usize> {
    /// The unknowns of each right-hand side.
    pub value: [[f64; N]; M],
    /// Their standard errors, if the residuals are independent.
    pub error: [[f64; N]; M],
    /// Mean square of the residuals.
    pub residual: [f64; M],
}

impl<const N: usize, const M: usize> Default for LeastSquares<N, M> {
    fn default() -> Self {
        Self {
            gram: [[0.0; N]; N],
            moments: [[0.0; N]; M],
            squares: [0.0; M],
            count: 0,
        }
    }
}

impl<const N: usize, const M: usize> LeastSquares<N, M> {
    /// Takes one equation for each right-hand side: `Σ regressorᵢ · unknownᵢ = answer`.
    pub fn add(&mut self, regressors: &[f64; N], answers: &[f64; M]) {
        if !regressors.iter().chain(answers).all(|x| x.is_finite()) {
            return;
        }
        for (row, a) in self.gram.iter_mut().zip(regressors) {
            for (sum, b) in row.iter_mut().zip(regressors) {
                *sum += a * b;
            }
        }
        for ((moments, square), answer) in
            self.moments.iter_mut().zip(&mut self.squares).zip(answers)
        {
            for (sum, a) in moments.iter_mut().zip(regressors) {
                *sum += a * answer;
            }
            *square += answer * answer;
        }
        self.count += 1;
    }

    /// Equations so far.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The best fit; `None` with too few equations, or where the regressors do not tell the
    /// unknowns apart.
    #[must_use]
    pub fn solve(&self) -> Option<Fit<N, M>> {
        let inverse = self.inverse()?;
        let freedom = f64::from(self.count) - N as f64;
        if freedom < 1.0 {
            return None;
        }
        let mut fit = Fit {
            value: [[0.0; N]; M],
            error: [[0.0; N]; M],
            residual: [0.0; M],
        };
        let answers = self.moments.iter().zip(&self.squares);
        let found = fit
            .value
            .iter_mut()
            .zip(&mut fit.error)
            .zip(&mut fit.residual);
        for (((value, error), residual), (moments, square)) in found.zip(answers) {
            for (value, row) in value.iter_mut().zip(&inverse) {
                *value = row.iter().zip(moments).map(|(a, b)| a * b).sum();
            }
            let explained: f64 = value.iter().zip(moments).map(|(a, b)| a * b).sum();
            *residual = (square - explained).max(0.0) / freedom;
            for (i, (error, row)) in error.iter_mut().zip(&inverse).enumerate() {
                let variance = row.get(i).copied().unwrap_or_default() * *residual;
                *error = crate::math::Real::sqrt(variance.max(0.0));
            }
        }
        Some(fit)
    }

    /// The best fit by instruments: noise of the regressors, which would shrink the unknowns, does
    /// no harm as long as the instruments do not share it.
    ///
    /// This holds the sums of the regressors and answers. `stage` holds those of the Z instruments,
    /// with the N regressors and then the M answers as its K = N + M right-hand sides, of the same
    /// equations. (Two-stage least squares: J. M. Wooldridge, Econometric Analysis of Cross Section
    /// and Panel Data, chapter 5.)
    #[must_use]
    pub fn solve_by<const Z: usize, const K: usize>(
        &self,
        stage: &LeastSquares<Z, K>,
    ) -> Option<Fit<N, M>> {
        let first = stage.solve()?;
        let mut second = Self {
            count: self.count,
            ..Self::default()
        };
        // What the instruments explain of the regressors.
        for (row, explained) in second.gram.iter_mut().zip(&first.value) {
            for (sum, moments) in row.iter_mut().zip(&stage.moments) {
                *sum = explained.iter().zip(moments).map(|(a, b)| a * b).sum();
            }
        }
        for (row, moments) in second
            .moments
            .iter_mut()
            .zip(stage.moments.get(N..).unwrap_or(&[]))
        {
            for (sum, explained) in row.iter_mut().zip(&first.value) {
                *sum = explained.iter().zip(moments).map(|(a, b)| a * b).sum();
            }
        }
        let inverse = second.inverse()?;
        let mut fit = second.solve()?;
        let freedom = f64::from(self.count) - N as f64;
        for row in 0..M {
            let value = fit.value[row];
            // Residuals of the real regressors, not of what the instruments explain of them.
            let mut sum = self.squares[row];
            for ((value_i, gram), moment) in value.iter().zip(&self.gram).zip(&self.moments[row]) {
                sum -= 2.0 * value_i * moment;
                sum += value_i * gram.iter().zip(&value).map(|(g, v)| g * v).sum::<f64>();
            }
            fit.residual[row] = sum.max(0.0) / freedom;
            for (i, error) in fit.error[row].iter_mut().enumerate() {
                let variance = inverse[i][i] * fit.residual[row];
                *error = crate::math::Real::sqrt(variance.max(0.0));
            }
        }
        Some(fit)
    }

    /// Inverse of the Gram matrix, by Gauss–Jordan on its scaled form; it is positive definite, so
    /// the pivots are those of the diagonal.
    fn inverse(&self) -> Option<[[f64; N]; N]> {
        let mut scale = [0.0; N];
        for (i, (scale, row)) in scale.iter_mut().zip(&self.gram).enumerate() {
            let diagonal = row.get(i).copied().unwrap_or_default();
            if diagonal <= 0.0 {
                return None;
            }
            *scale = 1.0 / crate::math::Real::sqrt(diagonal);
        }
        let mut left = self.gram;
        let mut right = [[0.0; N]; N];
        for (i, row) in left.iter_mut().enumerate() {
            for (x, s) in row.iter_mut().zip(&scale) {
                *x *= s * scale[i];
            }
            right[i][i] = 1.0;
        }
        for pivot in 0..N {
            let divisor = left[pivot][pivot];
            if divisor < 1e-9 {
                return None;
            }
            for x in left[pivot].iter_mut().chain(&mut right[pivot]) {
                *x /= divisor;
            }
            let (pivot_left, pivot_right) = (left[pivot], right[pivot]);
            for row in 0..N {
                if row == pivot {
                    continue;
                }
                let factor = left[row][pivot];
                for (x, p) in left[row].iter_mut().zip(&pivot_left) {
                    *x -= factor * p;
                }
                for (x, p) in right[row].iter_mut().zip(&pivot_right) {
                    *x -= factor * p;
                }
            }
        }
        for (row, s) in right.iter_mut().zip(&scale) {
            for (x, t) in row.iter_mut().zip(&scale) {
                *x *= s * t;
            }
        }
        Some(right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_made_the_data_and_how_sure_that_is() {
        let mut sums = LeastSquares::<3, 2>::default();
        let mut chance = 7_u32;
        let mut random = || {
            chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(chance >> 8) / f64::from(1 << 24) - 0.5
        };
        for _ in 0..4000 {
            // Scales as different as radians and counts.
            let x = [random() * 1e3, random() * 1e-3, 1.0];
            let noise = [random(), 0.1 * random()];
            sums.add(
                &x,
                &[
                    2.0 * x[0] - 500.0 * x[1] + 3.0 + noise[0],
                    -x[0] + 40.0 * x[1] + noise[1],
                ],
            );
        }
        let fit = sums.solve().unwrap();
        for (row, truth) in [[2.0, -500.0, 3.0], [-1.0, 40.0, 0.0]].iter().enumerate() {
            for (i, truth) in truth.iter().enumerate() {
                let off = (fit.value[row][i] - truth).abs();
                assert!(off < 4.0 * fit.error[row][i], "{row} {i}: {off}");
            }
        }
        // A twelfth is the variance of an even distribution of width one.
        assert!((fit.residual[0] - 1.0 / 12.0).abs() < 0.005);
    }

    #[test]
    fn instruments_cure_noisy_regressors() {
        let mut direct = LeastSquares::<2, 1>::default();
        let mut stage = LeastSquares::<3, 3>::default();
        let mut chance = 9_u32;
        let mut random = || {
            chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(chance >> 8) / f64::from(1 << 24) - 0.5
        };
        for _ in 0..20_000 {
            let instruments = [random(), random(), 1.0];
            let real = instruments[0] + 0.5 * instruments[1];
            let x = [real + random(), 1.0];
            let y = 3.0 * real - 1.0 + 0.1 * random();
            direct.add(&x, &[y]);
            stage.add(&instruments, &[x[0], x[1], y]);
        }
        let shrunk = direct.solve().unwrap().value[0][0];
        assert!(shrunk < 2.0, "{shrunk}");
        let fit = direct.solve_by(&stage).unwrap();
        assert!((fit.value[0][0] - 3.0).abs() < 4.0 * fit.error[0][0]);
        assert!(fit.error[0][0] < 0.1 && (fit.value[0][1] + 1.0).abs() < 0.05);
    }

    #[test]
    fn says_so_if_the_data_do_not_tell() {
        let mut sums = LeastSquares::<2, 1>::default();
        assert!(sums.solve().is_none());
        for i in 0..50 {
            let x = f64::from(i);
            sums.add(&[x, 2.0 * x], &[x]);
        }
        assert!(sums.solve().is_none());
        sums.add(&[f64::NAN, 1.0], &[1.0]);
        assert_eq!(sums.count(), 50);
    }
}
