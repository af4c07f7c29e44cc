//! Numbers of several robots side by side, so that the processor works on one while another waits.

use std::ops::{Add, Mul, Neg, Sub};

/// One number of each of N robots.
#[derive(Clone, Copy, Debug)]
pub struct Lanes<const N: usize>(pub [f64; N]);

impl<const N: usize> Lanes<N> {
    /// The same number for all.
    #[inline(always)]
    pub fn all(value: f64) -> Self {
        Self([value; N])
    }
    /// One number each.
    #[inline(always)]
    pub fn each(of: impl FnMut(usize) -> f64) -> Self {
        Self(std::array::from_fn(of))
    }
    #[inline(always)]
    fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i])))
    }
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
    /// Magnitude.
    #[inline(always)]
    pub fn abs(self) -> Self {
        self.map(f64::abs)
    }
    /// One divided by it.
    #[inline(always)]
    pub fn recip(self) -> Self {
        self.map(|x| 1.0 / x)
    }
    /// The larger one.
    #[inline(always)]
    pub fn max(self, low: f64) -> Self {
        self.map(|x| if x > low { x } else { low })
    }
    /// Limited to ± `bound`.
    #[inline(always)]
    pub fn within(self, bound: f64) -> Self {
        self.map(|x| {
            let x = if x > bound { bound } else { x };
            if x < -bound { -bound } else { x }
        })
    }
    /// This magnitude with the sign of another.
    #[inline(always)]
    pub fn copysign(self, sign: Self) -> Self {
        self.zip(sign, f64::copysign)
    }
    /// `yes` where this is at least `bound`, `no` elsewhere.
    #[inline(always)]
    pub fn where_at_least(self, bound: Self, yes: Self, no: Self) -> Self {
        Self(std::array::from_fn(|i| {
            if self.0[i] >= bound.0[i] {
                yes.0[i]
            } else {
                no.0[i]
            }
        }))
    }
    /// `yes` where this is above zero, `no` elsewhere.
    #[inline(always)]
    pub fn where_positive(self, yes: Self, no: Self) -> Self {
        Self(std::array::from_fn(|i| {
            if self.0[i] > 0.0 { yes.0[i] } else { no.0[i] }
        }))
    }
    /// Sine and cosine for angles up to 1.5 rad, within 2e-8: Taylor's series.
    #[inline(always)]
    pub fn sin_cos(self) -> (Self, Self) {
        let square = self * self;
        let poly = |coefficients: [f64; 6]| {
            let mut sum = Self::all(coefficients[5]);
            for c in coefficients[..5].iter().rev() {
                sum = sum * square + Self::all(*c);
            }
            sum
        };
        const SIN: [f64; 6] = [
            1.0,
            -1.0 / 6.0,
            1.0 / 120.0,
            -1.0 / 5040.0,
            1.0 / 362_880.0,
            -1.0 / 39_916_800.0,
        ];
        const COS: [f64; 6] = [
            -1.0 / 2.0,
            1.0 / 24.0,
            -1.0 / 720.0,
            1.0 / 40_320.0,
            -1.0 / 3_628_800.0,
            1.0 / 479_001_600.0,
        ];
        (self * poly(SIN), Self::all(1.0) + square * poly(COS))
    }
}

impl<const N: usize> Add for Lanes<N> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
}
impl<const N: usize> Sub for Lanes<N> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
}
impl<const N: usize> Mul for Lanes<N> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
}
impl<const N: usize> Neg for Lanes<N> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        self.map(|x| -x)
    }
}
