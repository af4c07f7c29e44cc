//! Why a design was refused.

use core::fmt;

/// Why there is no gain. A design that succeeds has passed its own checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DesignError {
    /// The named input is NaN or infinite, or what comes of it is beyond the number type.
    NonFinite(&'static str),
    /// The named input is outside the range that its documentation states.
    OutOfRange(&'static str),
    /// The named weight or covariance is not symmetric and positive semidefinite, or not positive
    /// definite where its documentation asks for that.
    NotPositive(&'static str),
    /// The first input must be below the second.
    Order(&'static str, &'static str),
    /// The input does not reach every state, or so weakly that the gain would be rounding noise.
    NotControllable,
    /// A mode that does not decay by itself is out of the input's reach (for a Kalman gain: of the
    /// process noise's, so that its gain would fade to zero).
    NotStabilisable,
    /// A mode that does not decay by itself is not seen by the state weight (for a Kalman gain: by
    /// the measurements).
    NotDetectable,
    /// The iteration did not come to rest, or at something that is no solution to the accuracy
    /// that the module states.
    DidNotConverge,
}

impl fmt::Display for DesignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NonFinite(name) => write!(f, "{name} is not finite"),
            Self::OutOfRange(name) => write!(f, "{name} is out of its range"),
            Self::NotPositive(name) => {
                write!(f, "{name} is not symmetric and positive (semi)definite")
            }
            Self::Order(low, high) => write!(f, "{low} must be below {high}"),
            Self::NotControllable => f.write_str("the input does not reach every state"),
            Self::NotStabilisable => {
                f.write_str("a mode that does not decay is out of the input's reach")
            }
            Self::NotDetectable => f.write_str("a mode that does not decay is not seen"),
            Self::DidNotConverge => f.write_str("no solution of the stated accuracy was found"),
        }
    }
}

impl core::error::Error for DesignError {}
