//! Readings with time and health, and drivers of sensor chips over embedded-hal.

mod imu;
mod sample;

pub use imu::{ImuCounts, ImuScale, STANDARD_GRAVITY};
pub use sample::{Health, Sample};
