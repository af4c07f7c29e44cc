//! Filters of one signal: smoothing, slope, spikes, steps, dead zones and delay.
//!
//! A filter that smooths starts with the first usable sample as if that had been there forever:
//! no ramp from zero when a robot is switched on at an angle. `start_at(x)` says otherwise.

use crate::math::Scalar;

pub mod biquad;
pub mod biquad_chain;
pub mod deadband;
pub mod delay;
pub mod derivative;
pub mod lowpass;
pub mod median;
pub mod slew_limit;
mod smoothing;

/// Whether an output may be put back: outputs exceed the largest input where a filter amplifies,
/// but by no more than this leaves room for, and the next step stays finite from there.
fn is_restorable<T: Scalar>(output: T) -> bool {
    output.to_param().magnitude() <= T::Param::lit(1e26)
}
