//! The chip over a blocking bus.

use super::{
    ATTEMPT_MILLIS, ATTEMPTS, DEVICE_RESET, Device, Error, Mpu6050Config, PATH_RESET, RESET_MILLIS,
    SETTLE_MILLIS, compare, decode, registers,
};
use crate::sensor::ImuCounts;
use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;

/// An MPU-6050 or relative that owns its bus.
///
/// Whether a bus that hangs is given up is up to the HAL; every call here is a bounded number of
/// transfers.
#[derive(Debug)]
pub struct Mpu6050<I2C> {
    i2c: I2C,
    config: Mpu6050Config,
    device: Option<Device>,
}

impl<I2C: I2c> Mpu6050<I2C> {
    /// Takes the bus; nothing is sent yet.
    pub const fn new(i2c: I2C, config: Mpu6050Config) -> Self {
        Self {
            i2c,
            config,
            device: None,
        }
    }

    /// Waits for the chip, identifies, resets and configures it, and reads the configuration back.
    /// Takes 0.25 s, or 0.1 s more while the chip does not answer. May be called again, for
    /// example after [`verify`](Self::verify) has failed.
    ///
    /// # Errors
    /// The bus failed (ten times in a row at the first question, once later on), another device
    /// answered, or a register does not hold what was written.
    pub fn start(&mut self, delay: &mut impl DelayNs) -> Result<Device, Error<I2C::Error>> {
        self.device = None;
        let device = self.identify(delay)?;
        self.write(DEVICE_RESET)?;
        delay.delay_ms(RESET_MILLIS);
        self.write(PATH_RESET)?;
        delay.delay_ms(RESET_MILLIS);
        for (register, value) in self.config.writes(device) {
            self.write([register, value])?;
        }
        self.compare_all(device)?;
        delay.delay_ms(SETTLE_MILLIS);
        self.device = Some(device);
        Ok(device)
    }

    /// The newest sample, in counts and in the sensor's axes.
    ///
    /// # Errors
    /// The bus failed, or the chip has not been started.
    pub fn read(&mut self) -> Result<ImuCounts, Error<I2C::Error>> {
        if self.device.is_none() {
            return Err(Error::NotStarted);
        }
        let mut bytes = [0; 14];
        self.i2c
            .write_read(self.address(), &[registers::ACCEL_XOUT_H], &mut bytes)
            .map_err(Error::Bus)?;
        Ok(decode(&bytes))
    }

    /// Reads the configuration back: a chip whose supply has failed for a moment is asleep, with
    /// its ranges at their defaults. Seven short transfers, not for every period.
    ///
    /// # Errors
    /// The bus failed, the chip has not been started, or a register has changed.
    pub fn verify(&mut self) -> Result<(), Error<I2C::Error>> {
        let device = self.device.ok_or(Error::NotStarted)?;
        self.compare_all(device)
    }

    /// Which chip was found by `start`.
    pub const fn device(&self) -> Option<Device> {
        self.device
    }
    /// The configuration.
    pub const fn config(&self) -> &Mpu6050Config {
        &self.config
    }
    /// Gives the bus back.
    pub fn release(self) -> I2C {
        self.i2c
    }

    fn identify(&mut self, delay: &mut impl DelayNs) -> Result<Device, Error<I2C::Error>> {
        let mut answer = self.register(registers::WHO_AM_I);
        for _ in 1..ATTEMPTS {
            if answer.is_ok() {
                break;
            }
            delay.delay_ms(ATTEMPT_MILLIS);
            answer = self.register(registers::WHO_AM_I);
        }
        let id = answer?;
        Device::from_id(id).ok_or(Error::UnknownDevice(id))
    }

    fn compare_all(&mut self, device: Device) -> Result<(), Error<I2C::Error>> {
        for (register, expected) in self.config.writes(device) {
            compare(register, expected, self.register(register)?)?;
        }
        Ok(())
    }

    fn write(&mut self, bytes: [u8; 2]) -> Result<(), Error<I2C::Error>> {
        let address = self.address();
        self.i2c.write(address, &bytes).map_err(Error::Bus)
    }

    fn register(&mut self, register: u8) -> Result<u8, Error<I2C::Error>> {
        let mut byte = [0];
        self.i2c
            .write_read(self.address(), &[register], &mut byte)
            .map_err(Error::Bus)?;
        let [value] = byte;
        Ok(value)
    }

    const fn address(&self) -> u8 {
        self.config.address as u8
    }
}
