//! The few operations on small matrices that the designs share, in `f64` and without a panic.

use super::DesignError;
use crate::math::{Float, Real, Scalar};
use nalgebra::SMatrix;

pub(in crate::control) type Matrix<const R: usize, const C: usize> = SMatrix<f64, R, C>;

/// A matrix of finite parameters in `f64`.
pub(in crate::control) fn finite<P: Float, const R: usize, const C: usize>(
    name: &'static str,
    matrix: &SMatrix<P, R, C>,
) -> Result<Matrix<R, C>, DesignError> {
    let wide = widened(matrix);
    if is_finite(&wide) {
        Ok(wide)
    } else {
        Err(DesignError::NonFinite(name))
    }
}

/// A matrix of parameters in `f64`.
pub(in crate::control) fn widened<P: Float, const R: usize, const C: usize>(
    matrix: &SMatrix<P, R, C>,
) -> Matrix<R, C> {
    Matrix::from_array_storage(nalgebra::ArrayStorage(
        matrix.data.0.map(|column| column.map(P::to_f64)),
    ))
}

/// A result in the type of the parameters.
pub(in crate::control) fn narrowed<P: Float, const R: usize, const C: usize>(
    name: &'static str,
    matrix: &Matrix<R, C>,
) -> Result<SMatrix<P, R, C>, DesignError> {
    let narrow = matrix.data.0.map(|column| column.map(P::lit));
    if narrow.as_flattened().iter().all(|x| x.is_finite()) {
        Ok(SMatrix::from_array_storage(nalgebra::ArrayStorage(narrow)))
    } else {
        Err(DesignError::NonFinite(name))
    }
}

pub(in crate::control) fn is_finite<const R: usize, const C: usize>(matrix: &Matrix<R, C>) -> bool {
    matrix.data.0.as_flattened().iter().all(|x| x.is_finite())
}

/// Largest magnitude of an element; NaN if there is one.
pub(in crate::control) fn largest<const R: usize, const C: usize>(matrix: &Matrix<R, C>) -> f64 {
    matrix.data.0.as_flattened().iter().fold(0.0, |top, x| {
        let x = x.magnitude();
        if x <= top { top } else { x }
    })
}

/// The mean of a matrix and its transpose.
pub(in crate::control) fn symmetric<const N: usize>(matrix: &Matrix<N, N>) -> Matrix<N, N> {
    (matrix + matrix.transpose()) * 0.5
}

/// `a⁻¹ b`, by elimination with partial pivoting; `None` if `a` is singular to working accuracy.
pub(in crate::control) fn solve<const N: usize, const C: usize>(
    a: &Matrix<N, N>,
    b: &Matrix<N, C>,
) -> Option<Matrix<N, C>> {
    // Rows, so that two of them can be exchanged whole.
    let mut rows: [([f64; N], [f64; C]); N] = core::array::from_fn(|i| {
        (
            core::array::from_fn(|j| a[(i, j)]),
            core::array::from_fn(|j| b[(i, j)]),
        )
    });
    for k in 0..N {
        let (mut pivot, mut size) = (k, 0.0);
        for (i, (row, _)) in rows.iter().enumerate().skip(k) {
            if row[k].magnitude() > size {
                (pivot, size) = (i, row[k].magnitude());
            }
        }
        // Also false for NaN.
        if !(size > 0.0 && size.is_finite()) || pivot >= N {
            return None;
        }
        rows.swap(k, pivot);
        let (head, answer) = rows[k];
        for (row, right) in rows.iter_mut().skip(k + 1) {
            let factor = row[k] / head[k];
            for j in k..N {
                row[j] -= factor * head[j];
            }
            for j in 0..C {
                right[j] -= factor * answer[j];
            }
        }
    }
    let mut solution = Matrix::<N, C>::zeros();
    for i in (0..N).rev() {
        let (row, right) = rows[i];
        for c in 0..C {
            let mut sum = right[c];
            for j in i + 1..N {
                sum -= row[j] * solution[(j, c)];
            }
            solution[(i, c)] = sum / row[i];
        }
    }
    is_finite(&solution).then_some(solution)
}

/// Largest magnitude of an eigenvalue, by squaring: `ρ = lim ‖Mᵏ‖^(1/k)` at k = 2⁴⁰.
pub(in crate::control) fn spectral_radius<const N: usize>(matrix: &Matrix<N, N>) -> f64 {
    let (mut power, mut share, mut log) = (*matrix, 1.0, 0.0);
    for _ in 0..40 {
        let size = largest(&power);
        if size == 0.0 {
            return 0.0;
        }
        log += share * Float::ln(size);
        power /= size;
        power *= power;
        share *= 0.5;
    }
    Float::exp(log)
}

/// What rounding of the entries may do to a weight.
fn tolerance<P: Float>() -> f64 {
    let single = P::one() + P::lit(1e-9) == P::one();
    if single { 1e-6 } else { 1e-12 }
}

/// Passes a symmetric positive semidefinite matrix on.
pub(in crate::control) fn semidefinite<P: Float, const N: usize>(
    name: &'static str,
    matrix: &SMatrix<P, N, N>,
) -> Result<Matrix<N, N>, DesignError> {
    checked(name, matrix, false)
}

/// Passes a symmetric positive definite matrix on.
pub(in crate::control) fn definite<P: Float, const N: usize>(
    name: &'static str,
    matrix: &SMatrix<P, N, N>,
) -> Result<Matrix<N, N>, DesignError> {
    checked(name, matrix, true)
}

fn checked<P: Float, const N: usize>(
    name: &'static str,
    matrix: &SMatrix<P, N, N>,
    strictly: bool,
) -> Result<Matrix<N, N>, DesignError> {
    let wide = finite(name, matrix)?;
    let refused = Err(DesignError::NotPositive(name));
    let tolerance = tolerance::<P>();
    // Scaled to a diagonal of ones, so that units do not matter.
    let mut rest = Matrix::<N, N>::zeros();
    for i in 0..N {
        for j in 0..N {
            let size = Real::sqrt(wide[(i, i)] * wide[(j, j)]);
            let (here, there) = (wide[(i, j)], wide[(j, i)]);
            if wide[(i, i)] < 0.0 || (size == 0.0 && here != 0.0) {
                return refused;
            }
            if size > 0.0 {
                rest[(i, j)] = here / size;
            }
            if (here - there).magnitude() > tolerance * size {
                return refused;
            }
        }
    }
    // Elimination: a symmetric matrix is positive if all pivots are.
    for k in 0..N {
        let pivot = rest[(k, k)];
        if pivot <= tolerance {
            let row = (k..N).fold(0.0, |top: f64, j| {
                let x = rest[(k, j)].magnitude();
                if x > top { x } else { top }
            });
            if strictly || row > Real::sqrt(tolerance) {
                return refused;
            }
            continue;
        }
        for i in k + 1..N {
            let factor = rest[(i, k)] / pivot;
            for j in k + 1..N {
                rest[(i, j)] -= factor * rest[(k, j)];
            }
        }
    }
    Ok(symmetric(&wide))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{Matrix2, Matrix3};

    #[test]
    fn solves_what_needs_a_pivot() {
        let a = Matrix3::new(0.0, 2.0, 1.0, 1e-20, 1.0, 3.0, 4.0, -1.0, 0.5);
        let b = Matrix3::new(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0);
        let x = solve(&a, &b).unwrap();
        assert!(largest(&(a * x - b)) < 1e-14);
        assert_eq!(
            solve(&Matrix2::new(1.0, 2.0, 2.0, 4.0), &Matrix2::zeros()),
            None
        );
        assert_eq!(
            solve(&Matrix2::new(f64::NAN, 2.0, 2.0, 4.0), &Matrix2::zeros()),
            None
        );
    }

    #[test]
    fn radius_is_that_of_the_eigenvalues() {
        // A rotation by 0.3 rad, shrunk, seen in skewed coordinates.
        let (sin, cos) = 0.3_f64.sin_cos();
        let skew = Matrix2::new(1.0, 200.0, 0.0, 1.0);
        let back = Matrix2::new(1.0, -200.0, 0.0, 1.0);
        let turn = Matrix2::new(cos, -sin, sin, cos) * 0.97;
        assert!((spectral_radius(&(skew * turn * back)) - 0.97).abs() < 1e-9);
        assert_eq!(spectral_radius(&Matrix2::new(0.0, 1.0, 0.0, 0.0)), 0.0);
        assert!((spectral_radius(&Matrix2::new(1.0, 1.0, 0.0, 1.0)) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn tells_weights_from_others() {
        let rank_one = Matrix2::new(1.0, 1e3, 1e3, 1e6);
        assert!(semidefinite("q", &rank_one).is_ok());
        assert_eq!(definite("r", &rank_one), Err(DesignError::NotPositive("r")));
        assert!(definite("r", &Matrix2::new(1e-9, 0.0, 0.0, 1e9)).is_ok());
        for bad in [
            Matrix2::new(1.0, 2.0, 2.0, 1.0),
            Matrix2::new(1.0, 0.1, 0.0, 1.0),
            Matrix2::new(0.0, 0.1, 0.1, 1.0),
            Matrix2::new(-1.0, 0.0, 0.0, 1.0),
        ] {
            assert_eq!(semidefinite("q", &bad), Err(DesignError::NotPositive("q")));
        }
        let single = rank_one.map(|x| x as f32) * 0.1;
        assert!(semidefinite("q", &single).is_ok());
        let nan = Matrix2::new(f32::NAN, 0.0, 0.0, 1.0);
        assert_eq!(semidefinite("q", &nan), Err(DesignError::NonFinite("q")));
    }
}
