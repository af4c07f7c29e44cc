//! Fixed point with proven ranges: whether anything inside an algorithm can saturate.
//!
//! Whoever declares what its inputs can be gets, for the scalar type in question, either the range
//! of every intermediate value or the name of the first that does not fit:
//!
//! ```
//! use balance_core::control::pid::PidConfig;
//! use balance_core::math::{Q8, Q12};
//! use balance_core::proof::{PidRanges, Range, RangeError};
//! let config = PidConfig { kp: 40.0, ki: 60.0, kd: 0.8, ..Default::default() };
//! let ranges = PidRanges {
//!     measured_rate: Some(20.0),
//!     ..PidRanges::new(Range::within(0.3), Range::within(3.2))
//! };
//! // In Q12 nothing can saturate; ±128 of Q8 are too few for the proportional term.
//! assert!(config.prove::<Q12>(&ranges, 0.005).is_ok());
//! assert!(matches!(
//!     config.prove::<Q8>(&ranges, 0.005),
//!     Err(RangeError::Saturates { stage: "proportional", .. })
//! ));
//! # Ok::<(), balance_core::ConfigError>(())
//! ```
//!
//! The values that a step computes on the way are followed by interval arithmetic; what is carried
//! from step to step by an invariant: an integral by its own limits, a low-pass by the hull of its
//! input, a resonance by the sum of the magnitudes of its impulse response (its worst input has the
//! signs of that response turned around, so the bound is the least there is). Each range is widened
//! by what rounding of coefficients and values can add.
//!
//! The proof runs in `f64`, once, on the host or at start-up; stepping costs nothing more. Limits
//! that an algorithm is meant to have (an output's, an integral's) are no saturation in this sense.

mod adrc;
mod biquad;
mod cascade;
mod complementary;
mod lead_lag;
mod pid;
mod range;
mod state_feedback;

pub use self::adrc::AdrcProof;
pub use self::cascade::{CascadeProof, CascadeRangeError, CascadeRanges};
pub use self::complementary::{ComplementaryProof, ComplementaryRanges};
pub use self::lead_lag::LeadLagProof;
pub use self::pid::{PidProof, PidRanges};
pub use self::range::{Range, RangeError};
pub use self::state_feedback::{StateFeedbackProof, StateFeedbackRanges};
