//! Readings with time and health, and drivers of sensor chips over embedded-hal.

mod bus_recovery;
pub mod calibration;
mod imu;
mod mounting;
pub mod mpu6050;
mod sample;

pub use bus_recovery::{Recovery, RecoveryError, recover_i2c_bus};
pub use imu::{ImuCounts, ImuScale, STANDARD_GRAVITY};
pub use mounting::{Axis, Mounting};
pub use sample::{Health, Sample};
