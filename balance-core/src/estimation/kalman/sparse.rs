//! Rows of coefficients, most of which are zero.

use crate::math::Scalar;
use num_traits::Zero;

/// A matrix of coefficients that knows where it is zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sparse<T: Scalar, const N: usize, const M: usize> {
    rows: [[T::Gain; N]; M],
    /// The column of a row's only entry; N if there is none, and beyond it if there are several.
    only: [usize; M],
}

impl<T: Scalar, const N: usize, const M: usize> Sparse<T, N, M> {
    pub(super) fn new(rows: &[[T::Param; N]; M]) -> Self {
        Self {
            rows: rows.map(|row| row.map(T::gain)),
            only: rows.map(|row| {
                let entries = row.iter().enumerate();
                let mut counting = entries.filter(|(_, x)| **x != T::Param::zero());
                match (counting.next(), counting.next()) {
                    (None, _) => N,
                    (Some((column, _)), None) => column,
                    _ => N + 1,
                }
            }),
        }
    }

    /// `acc + Σ row[k] · x[k]`.
    #[inline(always)]
    pub(super) fn accumulate(&self, row: usize, acc: T::Wide, x: &[T::Wide; N]) -> T::Wide {
        let gains = &self.rows[row];
        let only = self.only[row];
        if only < N {
            T::accumulate(acc, gains[only], T::narrow(x[only]))
        } else if only == N {
            acc
        } else {
            T::accumulate_all(acc, gains, &x.map(T::narrow))
        }
    }
}
