//! Vectors of three: the few operations that attitude needs.

use super::scalar::Scalar;

/// `a · b`.
#[inline(always)]
pub(crate) fn inner<T: Scalar>([ax, ay, az]: [T; 3], [bx, by, bz]: [T; 3]) -> T {
    ax * bx + ay * by + az * bz
}

/// `a × b`.
#[inline(always)]
pub(crate) fn cross<T: Scalar>([ax, ay, az]: [T; 3], [bx, by, bz]: [T; 3]) -> [T; 3] {
    [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx]
}

/// `a + b`.
#[inline(always)]
pub(crate) fn plus<T: Scalar>([ax, ay, az]: [T; 3], [bx, by, bz]: [T; 3]) -> [T; 3] {
    [ax + bx, ay + by, az + bz]
}

/// Whether every component is of a magnitude below the limit; false if one is NaN.
#[inline(always)]
pub(crate) fn is_below<T: Scalar>(vector: [T; 3], limit: T) -> bool {
    T::all_below(vector, limit)
}
