//! Inertial sensors: one trait for all of them, one procedure for all chips.
//!
//! | chip | take it for | buses | counts at | FIFO | self-test |
//! |---|---|---|---|---|---|
//! | [`MPU-6050`](super::mpu6050) | the cheapest boards; vibrates along above 250 Hz | I²C | 8 kHz / 1 kHz | 1 kB | factory trim |
//! | [`MPU-6500, 9250, 9255`](super::mpu6050) | the same with less noise and SPI | I²C, SPI | 1 kHz | 512 B | factory trim |
//! | [`ICM-42688-P`](super::icm42688) | new designs, drones: least noise, up to 32 kHz | I²C, SPI | 12.5 Hz – 32 kHz | 2 kB | factory trim |
//! | [`LSM6DSO, LSM6DSOX`](super::lsm6dso) | boards with ST chips; low power | I²C, SPI | 12.5 Hz – 6.7 kHz | 3 kB | limits |
//! | [`BMI270`](super::bmi270) | wearables and small drones; wants 8 kB of the maker's code at start | I²C, SPI | 25 Hz – 1.6 kHz | 2 kB | limits, in the chip |
//!
//! [`ImuConfig`] is in physical units. A [`Chip`] made from it is a description: which registers to write, what
//! the bytes read mean. [`blocking::Imu`] and [`asynchronous::Imu`] carry it out over
//! [`embedded_hal::i2c::I2c`], [`embedded_hal::spi::SpiDevice`] or their asynchronous forms;
//! both are [`blocking::ImuSource`] and [`asynchronous::ImuSource`].
//!
//! A start waits for the chip (10 × 10 ms), asks who it is, resets and configures it and reads the
//! configuration back, all in bounded time; a chip that never answers is an error. Errors of the
//! bus are passed on as [`ImuError::Bus`]. Nothing here waits for a level that may never come.
//!
//! ```
//! # use embedded_hal_mock::eh1::{delay::NoopDelay, i2c::{Mock, Transaction}};
//! use balance_core::sensor::icm42688::Icm42688;
//! use balance_core::sensor::imu::{ImuConfig, blocking::Imu};
//!
//! let config = ImuConfig { gyro_range_deg_per_s: 2000.0, rate_hz: 1000.0, ..Default::default() };
//! # let i2c = Mock::new(&[]);
//! let imu = Imu::over_i2c(i2c, 0x68, Icm42688::new(&config)?);
//! // imu.start(&mut delay)?, then imu.read()? whenever a period begins.
//! // 16.4 counts are 1 °/s.
//! assert!((imu.scale().gyro.to_degrees() * 16.4 - 1.0).abs() < 1e-3);
//! # imu.release().done();
//! # Ok::<(), balance_core::ConfigError>(())
//! ```

mod chip;
mod config;
mod driver;
mod error;
mod reading;
mod registers;

pub use chip::{Chip, FifoLevel, Measured, Op, SelfTest};
pub(crate) use chip::{factory_response, means, three};
pub use config::ImuConfig;
pub(crate) use config::{Settings, scale, smallest};
pub use error::ImuError;
pub use reading::{ImuCounts, ImuScale, STANDARD_GRAVITY};

/// Over a blocking bus.
///
/// Whether a bus that hangs is given up is up to the HAL; every call here is a bounded number of
/// transfers.
pub mod blocking {
    use embedded_hal::{delay::DelayNs, i2c::I2c, spi::SpiDevice};
    super::registers::registers!([] []);
    super::driver::driver!([] []);
}

/// Over an asynchronous bus.
///
/// Every call is a bounded number of transfers, but a future of the HAL may stay pending for ever,
/// if a wire breaks in the middle of one. Whoever awaits puts a time limit around the call; the
/// adapters of this project do.
pub mod asynchronous {
    use embedded_hal_async::{delay::DelayNs, i2c::I2c, spi::SpiDevice};
    super::registers::registers!([async] [.await]);
    super::driver::driver!([async] [.await]);
}
