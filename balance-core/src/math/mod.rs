//! Numbers: the scalar traits, fixed point, and elementary functions with stated errors.
//!
//! Worst absolute errors, enforced by `tests/precision.rs` against `f64`'s `libm` on dense sweeps
//! (one unit in the last place, LSB, is 2^-FRAC for fixed point):
//!
//! | function | `f32` | `f64` | [`Fixed`] |
//! |---|---|---|---|
//! | `sin_cos` | 4e-8 to 1e3 rad, 3e-7 to 1e5 rad | `libm` | ½ LSB + 6e-9 |
//! | `sin_cos_wrapped` | 1e-6 to π | as `sin_cos` | as `sin_cos` |
//! | `atan2` | 1.5e-7 rad | `libm` | ½ LSB + 2e-8 rad |
//! | `sqrt` | correctly rounded | correctly rounded | ½ LSB |
//! | [`wrap_angle`] | 3e-7 rad to 1e4 rad | 1e-9 rad to 1e6 rad | 1 LSB + 3e-9 rad |
//! | [`atan2_counts`] | | | 2e-8 rad |
//! | [`sin_cos_counts`] | | | 5e-9 |
//! | [`sin_cos_short`] | | | 9e-6 |
//!
//! An `f32` angle of more than 2²⁶ rad has steps of a turn; its sine stays within −1 ..= 1. There
//! are no faster, coarser variants: these already run in integers, and leaving out a term of the
//! polynomial would save a tenth.

mod angle;
mod atan2;
mod fixed;
mod float;
mod quaternion;
mod scalar;
pub mod section;
mod short;
mod sin_cos;
mod soft_float;
mod sqrt;
pub mod three_term;
pub(crate) mod vector;
pub(crate) mod wide;

pub use self::angle::wrap_angle;
pub use self::atan2::atan2_counts;
pub(crate) use self::atan2::atan2_short;
pub use self::fixed::{Fixed, FixedGain, Q8, Q12, Q16};
pub use self::quaternion::Quaternion;
pub use self::scalar::{Float, Real, Scalar};
pub use self::short::ShortGain;
pub use self::sin_cos::{sin_cos_counts, sin_cos_short};

pub(crate) use self::wide::{add_saturating, mul_wide, shift_right};
