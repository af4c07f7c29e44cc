//! Readings with time and health, and drivers of sensor chips over embedded-hal.
//!
//! | measured | take |
//! |---|---|
//! | acceleration and rate of turn | the chips in the table of [`imu`] |
//! | magnetic field | [`ak8963`], inside an MPU-9250 |
//! | angle of a wheel or motor | [`motor::encoder`](crate::motor::encoder) |
//!
//! A reading stays in counts, with an [`ImuScale`] beside it, in the sensor's own axes; [`Mounting`] turns it
//! into those of the body, [`calibration`] corrects it, and a [`Sample`] says when it was taken and
//! whether it can be believed. A bus on which a chip holds the data line low is freed by
//! [`recover_i2c_bus`].

pub mod ak8963;
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
