//! An I²C bus that always answers in bounded time.
//!
//! A sensor that loses its power in the middle of a byte, a cable that comes loose or a level
//! that hangs leaves an I²C transfer waiting for ever, and with it a robot that keeps its last
//! duty. Here each transfer has a deadline. When a transfer ends without success, esp-hal resets its
//! controller and clocks a data line free that a sensor holds.

use embassy_time::{Duration, with_timeout};
use embedded_hal::i2c::{ErrorKind, ErrorType, Operation};
use esp_hal::Async;
use esp_hal::i2c::master::I2c;

/// The fastest clock of an MPU-6050.
pub const IMU_BUS_HZ: u32 = 400_000;

/// What can go wrong on the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The controller said so: no acknowledge, arbitration lost, unusable arguments.
    Bus(esp_hal::i2c::master::Error),
    /// The transfer was not done by its deadline.
    TimeOut,
}

impl embedded_hal::i2c::Error for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Bus(error) => embedded_hal::i2c::Error::kind(error),
            Self::TimeOut => ErrorKind::Bus,
        }
    }
}

/// A bus with a deadline for each transfer. Implements `embedded_hal_async::i2c::I2c`.
pub struct ImuBus<'d> {
    controller: I2c<'d, Async>,
    deadline: Duration,
    time_outs: u32,
}

#[cfg(any(feature = "esp32c3", feature = "esp32c6"))]
#[allow(unsafe_code)]
// SAFETY: an asynchronous driver of esp-hal must stay on the core whose interrupt it has taken, and
// these chips have one core.
unsafe impl Send for ImuBus<'_> {}

impl<'d> ImuBus<'d> {
    /// Takes a controller at [`IMU_BUS_HZ`] with its pins.
    ///
    /// `deadline_micros` bounds every transfer. A burst of 14 bytes takes 410 µs; with 800 µs it
    /// fits a period of 1 ms with room to spare.
    pub const fn new(controller: I2c<'d, Async>, deadline_micros: u32) -> Self {
        Self {
            controller,
            deadline: Duration::from_micros(deadline_micros as u64),
            time_outs: 0,
        }
    }

    /// Transfers that missed their deadline since the start; saturates.
    pub const fn time_outs(&self) -> u32 {
        self.time_outs
    }
}

impl ErrorType for ImuBus<'_> {
    type Error = Error;
}

impl embedded_hal_async::i2c::I2c for ImuBus<'_> {
    async fn transaction(
        &mut self,
        address: u8,
        operations: &mut [Operation<'_>],
    ) -> Result<(), Error> {
        let controller = &mut self.controller;
        let transfer = embedded_hal_async::i2c::I2c::transaction(controller, address, operations);
        match with_timeout(self.deadline, transfer).await {
            Ok(result) => result.map_err(Error::Bus),
            Err(_) => {
                self.time_outs = self.time_outs.saturating_add(1);
                Err(Error::TimeOut)
            }
        }
    }
}
