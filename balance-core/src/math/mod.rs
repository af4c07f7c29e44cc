//! Numbers: the scalar traits, fixed point, and elementary functions with stated errors.

mod fixed;
mod float;
mod scalar;
pub mod section;

pub use self::fixed::{Fixed, FixedGain, Q8, Q12, Q16};
pub use self::scalar::{Float, Real, Scalar};
