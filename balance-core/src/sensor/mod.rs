//! Readings with time and health, and drivers of sensor chips over embedded-hal.
//!
//! Which inertial sensor for what: the table of [`imu`]. Angle sensors of motors are in
//! [`motor::encoder`](crate::motor::encoder).

pub mod bmi270;
mod bus_recovery;
pub mod calibration;
pub mod icm42688;
pub mod imu;
pub mod lsm6dso;
mod mounting;
pub mod mpu6050;
mod sample;

pub use bus_recovery::{Recovery, RecoveryError, recover_i2c_bus};
pub use imu::{ImuCounts, ImuScale, STANDARD_GRAVITY};
pub use mounting::{Axis, Mounting};
pub use sample::{Health, Sample};
