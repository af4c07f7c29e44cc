//! An interval, and whether a scalar type holds it.

use crate::ConfigError;
use crate::math::{Float, Scalar};
use core::fmt;

/// All numbers from `low` to `high`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Range {
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
}

/// Coefficients are rounded to 31 bits, parameters to 24.
const COEFFICIENTS: f64 = 1e-6;
/// Last places that a chain of roundings may add.
const ROUNDINGS: f64 = 8.0;
/// An accumulator holds this many times the range of its type.
const WIDE: f64 = 32768.0;

impl Range {
    /// From `low` to `high`.
    #[must_use]
    pub const fn new(low: f64, high: f64) -> Self {
        Self { low, high }
    }
    /// From `−magnitude` to `magnitude`.
    #[must_use]
    pub const fn within(magnitude: f64) -> Self {
        Self::new(-magnitude, magnitude)
    }
    /// The distance between the ends.
    #[must_use]
    pub fn width(self) -> f64 {
        self.high - self.low
    }
    /// The largest magnitude.
    #[must_use]
    pub fn largest(self) -> f64 {
        self.low.magnitude().larger(self.high.magnitude())
    }
    /// Whether a number is in it.
    #[must_use]
    pub fn contains(self, x: f64) -> bool {
        self.low <= x && x <= self.high
    }

    /// The interval of all sums.
    pub(super) fn plus(self, other: Self) -> Self {
        Self::new(self.low + other.low, self.high + other.high)
    }
    /// The interval of all differences.
    pub(super) fn minus(self, other: Self) -> Self {
        Self::new(self.low - other.high, self.high - other.low)
    }
    pub(super) fn times(self, factor: f64) -> Self {
        let (a, b) = (self.low * factor, self.high * factor);
        if factor < 0.0 {
            Self::new(b, a)
        } else {
            Self::new(a, b)
        }
    }
    /// The smallest interval with all numbers of both.
    pub(super) fn hull(self, other: Self) -> Self {
        Self::new(
            -((-self.low).larger(-other.low)),
            self.high.larger(other.high),
        )
    }
    /// What a limit of ± `magnitude` lets through.
    pub(super) fn limited(self, magnitude: f64) -> Self {
        Self::new(
            self.low.limit(-magnitude, magnitude),
            self.high.limit(-magnitude, magnitude),
        )
    }

    /// Passes on a declared range that is one and that `T` can hold.
    pub(super) fn declared<T: Scalar>(self, stage: &'static str) -> Result<Self, RangeError> {
        if self.low <= self.high && Float::is_finite(self.low) && Float::is_finite(self.high) {
            self.fits::<T>(stage)
        } else {
            Err(RangeError::NoRange(stage))
        }
    }
    /// Passes on a range that `T` can hold, widened by rounding.
    pub(super) fn fits<T: Scalar>(self, stage: &'static str) -> Result<Self, RangeError> {
        self.fits_times::<T>(stage, 1.0)
    }
    /// Passes on a range that an accumulator of `T` can hold.
    pub(super) fn fits_wide<T: Scalar>(self, stage: &'static str) -> Result<Self, RangeError> {
        self.fits_times::<T>(stage, WIDE)
    }

    fn fits_times<T: Scalar>(self, stage: &'static str, times: f64) -> Result<Self, RangeError> {
        let (low, high) = (T::MIN.to_param().to_f64(), T::MAX.to_param().to_f64());
        // Floats accept 2⁶³; whoever cannot is a fixed-point type with steps of 2⁻³¹ of its range.
        let step = if high > 1e18 {
            0.0
        } else {
            high / 2_147_483_648.0
        };
        let slack = self.largest() * COEFFICIENTS + ROUNDINGS * step;
        // The declared end of the range itself is still held.
        let reach = Self::new(self.low + slack, self.high - slack);
        // Also false for NaN.
        if reach.low >= low * times && reach.high <= high * times {
            Ok(Self::new(self.low - slack, self.high + slack))
        } else {
            Err(RangeError::Saturates {
                stage,
                reaches: self,
            })
        }
    }
}

/// The larger of two numbers, as a method.
pub(super) trait Larger {
    fn larger(self, other: Self) -> Self;
}
impl Larger for f64 {
    fn larger(self, other: Self) -> Self {
        if other > self { other } else { self }
    }
}

/// Why nothing was proven.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum RangeError {
    /// The configuration itself is refused.
    Config(ConfigError),
    /// The declared range has no inside or an end that is not finite.
    NoRange(&'static str),
    /// An intermediate value of this name can leave the range of the type.
    Saturates {
        /// Which one.
        stage: &'static str,
        /// How far it can reach.
        reaches: Range,
    },
    /// The response of this name fades too slowly for a bound to be computed.
    TooSlow(&'static str),
}

impl From<ConfigError> for RangeError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl fmt::Display for RangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::NoRange(name) => write!(f, "the range of {name} is none"),
            Self::Saturates { stage, reaches } => {
                write!(f, "{stage} can reach {} to {}", reaches.low, reaches.high)
            }
            Self::TooSlow(name) => write!(f, "the response of {name} fades too slowly"),
        }
    }
}

impl core::error::Error for RangeError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;

    #[test]
    fn intervals_hold_what_they_are_made_of() {
        let (a, b) = (Range::new(-1.0, 3.0), Range::new(2.0, 5.0));
        assert_eq!(a.plus(b), Range::new(1.0, 8.0));
        assert_eq!(a.minus(b), Range::new(-6.0, 1.0));
        assert_eq!(a.times(-2.0), Range::new(-6.0, 2.0));
        assert_eq!(a.hull(b), Range::new(-1.0, 5.0));
        assert_eq!(a.limited(2.0), Range::new(-1.0, 2.0));
    }

    #[test]
    fn a_type_holds_what_is_below_its_end() {
        assert!(Range::within(2047.0).fits::<Q12>("x").is_ok());
        assert!(Range::within(2048.1).fits::<Q12>("x").is_err());
        assert!(Range::within(2048.1).fits_wide::<Q12>("x").is_ok());
        assert!(Range::within(2048.1).fits::<f32>("x").is_ok());
        let odd = Range::new(1.0, f64::NAN).declared::<Q12>("x");
        assert_eq!(odd, Err(RangeError::NoRange("x")));
    }
}
