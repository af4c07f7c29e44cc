//! What can be wrong with a configuration, and the checks that find it.

use crate::math::Float;
use core::fmt;

/// Why a configuration was refused. Each variant names the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The field is NaN or infinite.
    NonFinite(&'static str),
    /// The field is outside the range that its documentation states.
    OutOfRange(&'static str),
    /// The first field must be below the second.
    Order(&'static str, &'static str),
    /// The coefficient computed from the field does not fit the scalar type.
    Unrepresentable(&'static str),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NonFinite(name) => write!(f, "{name} is not a finite number"),
            Self::OutOfRange(name) => write!(f, "{name} is out of its range"),
            Self::Order(low, high) => write!(f, "{low} must be below {high}"),
            Self::Unrepresentable(name) => {
                write!(
                    f,
                    "{name} gives a coefficient that the scalar type cannot hold"
                )
            }
        }
    }
}

impl core::error::Error for ConfigError {}

/// Passes a finite number on.
pub(crate) fn finite<P: Float>(name: &'static str, value: P) -> Result<P, ConfigError> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(ConfigError::NonFinite(name))
    }
}

/// Passes a number of `low ..= high` on.
pub(crate) fn within<P: Float>(
    name: &'static str,
    value: P,
    low: P,
    high: P,
) -> Result<P, ConfigError> {
    finite(name, value)?;
    if value < low || value > high {
        Err(ConfigError::OutOfRange(name))
    } else {
        Ok(value)
    }
}

/// Passes a number above zero on.
pub(crate) fn positive<P: Float>(name: &'static str, value: P) -> Result<P, ConfigError> {
    finite(name, value)?;
    if value > P::zero() {
        Ok(value)
    } else {
        Err(ConfigError::OutOfRange(name))
    }
}

/// Passes a number of at least zero on.
pub(crate) fn non_negative<P: Float>(name: &'static str, value: P) -> Result<P, ConfigError> {
    finite(name, value)?;
    if value >= P::zero() {
        Ok(value)
    } else {
        Err(ConfigError::OutOfRange(name))
    }
}

/// Passes a loop period on: 1 µs to 10 s.
pub(crate) fn period<P: Float>(dt: P) -> Result<P, ConfigError> {
    within("dt", dt, P::lit(1e-6), P::lit(10.0))
}
