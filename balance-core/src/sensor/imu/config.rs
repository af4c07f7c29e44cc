//! What is asked of an inertial sensor, in physical units.

use super::reading::{ImuScale, STANDARD_GRAVITY};
use crate::config::{ConfigError, positive};

/// What is asked of an inertial sensor. Each chip takes the smallest range and the slowest rate
/// that are not below what is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImuConfig {
    /// Acceleration to be measured, ± g. Too small: it saturates at every bump; too large: coarser.
    pub accel_range_g: f32,
    /// Rate of turn to be measured, ± °/s. Too small: it saturates in a fall; too large: coarser.
    pub gyro_range_deg_per_s: f32,
    /// New readings per second, Hz, at least. The chip's low-pass follows: too slow is late and
    /// lets nothing through above half of it; too fast lets the motors' vibration through.
    pub rate_hz: f32,
    /// A pin of the chip tells of each new reading (INT or INT1, active high).
    pub data_ready_pin: bool,
    /// Readings are kept in the chip until they are drained.
    pub fifo: bool,
}

impl Default for ImuConfig {
    /// ± 4 g, ± 500 °/s, 1 kHz, read as they come.
    fn default() -> Self {
        Self {
            accel_range_g: 4.0,
            gyro_range_deg_per_s: 500.0,
            rate_hz: 1000.0,
            data_ready_pin: false,
            fifo: false,
        }
    }
}

/// What a chip made of an [`ImuConfig`]: bits of its registers, and what they mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) accel_bits: u8,
    pub(crate) gyro_bits: u8,
    pub(crate) rate_bits: u8,
    pub(crate) rate_hz: f32,
    pub(crate) scale: ImuScale,
    pub(crate) data_ready_pin: bool,
    pub(crate) fifo: bool,
}

impl Settings {
    /// Looks ranges and rate up in a chip's tables: value, and the bits that choose it.
    pub(crate) fn new(
        config: &ImuConfig,
        accel: &[(f32, u8)],
        gyro: &[(f32, u8)],
        rates: &[(f32, u8)],
        scale: impl Fn(f32, f32) -> ImuScale,
    ) -> Result<Self, ConfigError> {
        let (accel_range, accel_bits) = smallest("accel_range_g", config.accel_range_g, accel)?;
        let (gyro_range, gyro_bits) =
            smallest("gyro_range_deg_per_s", config.gyro_range_deg_per_s, gyro)?;
        let (rate_hz, rate_bits) = smallest("rate_hz", config.rate_hz, rates)?;
        Ok(Self {
            accel_bits,
            gyro_bits,
            rate_bits,
            rate_hz,
            scale: scale(accel_range, gyro_range),
            data_ready_pin: config.data_ready_pin,
            fifo: config.fifo,
        })
    }

    /// Microseconds between two readings.
    pub(crate) fn period_micros(&self) -> u32 {
        (1e6 / self.rate_hz + 0.5) as u32
    }
}

/// The first entry of a rising table that is not below what is wanted.
pub(crate) fn smallest(
    name: &'static str,
    wanted: f32,
    table: &[(f32, u8)],
) -> Result<(f32, u8), ConfigError> {
    positive(name, wanted)?;
    let found = table.iter().find(|(value, _)| *value >= wanted);
    found.copied().ok_or(ConfigError::OutOfRange(name))
}

/// What a count is worth if full scale is 32768 counts.
pub(crate) fn scale(accel_range_g: f32, gyro_range_deg_per_s: f32) -> ImuScale {
    ImuScale {
        accel: (STANDARD_GRAVITY / 32_768.0) as f32 * accel_range_g,
        gyro: (core::f64::consts::PI / 180.0 / 32_768.0) as f32 * gyro_range_deg_per_s,
    }
}
