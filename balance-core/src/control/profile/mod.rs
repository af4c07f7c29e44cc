//! Motion profiles: from where a thing is to where it shall be, within limits.
//!
//! | limits | take |
//! |---|---|
//! | speed and acceleration | [`trapezoid`] |
//! | speed, acceleration and jerk: no jolt, no ringing of what is elastic | [`s_curve`] |
//!
//! Both plan the whole way in continuous time whenever the goal changes, from the motion of that
//! moment, and then follow the plan sample by sample: the limits hold between the samples too, the
//! goal is met exactly, and it may change at any time. Planning is done in the float of the type's
//! parameters, in a bounded number of operations.

mod course;
pub mod s_curve;
pub mod trapezoid;

pub use course::{Goal, Motion, ProfileState};
