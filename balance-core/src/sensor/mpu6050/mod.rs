//! MPU-6050, 6500, 9250 and 9255: accelerometer and gyroscope on I²C.
//!
//! This page computes: which bytes to write, what the bytes read mean. [`blocking`] and
//! [`asynchronous`] move them over embedded-hal.
//!
//! A driver owns its bus; `start` resets the chip, asks who it is, configures it and reads the
//! configuration back, in bounded time; `read` is then one burst of 14 bytes (0.41 ms at
//! 400 kHz), all of one sampling instant.
//!
//! Sources: InvenSense PS-MPU-6000A-00 rev. 3.4 (sensitivities), RM-MPU-6000A-00 rev. 4.2
//! (registers, filters).

pub mod asynchronous;
pub mod blocking;
pub mod registers;

use super::imu::{ImuCounts, ImuScale, STANDARD_GRAVITY};
use core::fmt;

/// Which chip answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// MPU-6000 or MPU-6050.
    Mpu6050,
    /// MPU-6500.
    Mpu6500,
    /// MPU-9250; its magnetometer is not used.
    Mpu9250,
    /// MPU-9255; its magnetometer is not used.
    Mpu9255,
}

impl Device {
    /// The chip with the given WHO_AM_I.
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            0x68 => Some(Self::Mpu6050),
            0x70 => Some(Self::Mpu6500),
            0x71 => Some(Self::Mpu9250),
            0x73 => Some(Self::Mpu9255),
            _ => None,
        }
    }

    /// Die temperature in °C: counts/340 + 36.53, from the MPU-6500 on counts/333.87 + 21.
    pub fn temperature_celsius(self, counts: i16) -> f32 {
        let counts = f32::from(counts);
        match self {
            Self::Mpu6050 => counts * (1.0 / 340.0) + 36.53,
            _ => counts * (1.0 / 333.87) + 21.0,
        }
    }
}

/// Level of the pin AD0, which chooses the address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Address {
    /// AD0 low or open on most boards: 0x68.
    #[default]
    Ad0Low = 0x68,
    /// AD0 high: 0x69.
    Ad0High = 0x69,
}

/// Full scale of the accelerometer. Too small: it saturates at every bump; too large: coarser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum AccelRange {
    /// ±2 g, 16384 counts per g.
    G2 = 0,
    /// ±4 g, 8192 counts per g.
    #[default]
    G4 = 1,
    /// ±8 g, 4096 counts per g.
    G8 = 2,
    /// ±16 g, 2048 counts per g.
    G16 = 3,
}

/// Full scale of the gyroscope. Too small: it saturates in a fall; too large: coarser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum GyroRange {
    /// ±250 °/s, 131 counts per °/s.
    DegPerSec250 = 0,
    /// ±500 °/s, 65.5 counts per °/s.
    #[default]
    DegPerSec500 = 1,
    /// ±1000 °/s, 32.8 counts per °/s.
    DegPerSec1000 = 2,
    /// ±2000 °/s, 16.4 counts per °/s.
    DegPerSec2000 = 3,
}

/// Bandwidth of the digital low-pass filter, named after the gyroscope's in an MPU-6050. Too low:
/// its delay eats the phase margin of the balance; too high: motor vibration comes through.
///
/// The MPU-6500 and later differ by a few Hz (250, 184, 92, 41, 20, 10, 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum LowPass {
    /// Gyroscope 256 Hz, 0.98 ms, sampled at 8 kHz; accelerometer 260 Hz, 0 ms, sampled at 1 kHz.
    Hz256 = 0,
    /// Gyroscope 188 Hz, 1.9 ms; accelerometer 184 Hz, 2.0 ms.
    Hz188 = 1,
    /// Gyroscope 98 Hz, 2.8 ms; accelerometer 94 Hz, 3.0 ms.
    #[default]
    Hz98 = 2,
    /// Gyroscope 42 Hz, 4.8 ms; accelerometer 44 Hz, 4.9 ms.
    Hz42 = 3,
    /// Gyroscope 20 Hz, 8.3 ms; accelerometer 21 Hz, 8.5 ms.
    Hz20 = 4,
    /// Gyroscope 10 Hz, 13.4 ms; accelerometer 10 Hz, 13.8 ms.
    Hz10 = 5,
    /// Gyroscope 5 Hz, 18.6 ms; accelerometer 5 Hz, 19.0 ms.
    Hz5 = 6,
}

impl LowPass {
    /// Delay of the gyroscope, µs (MPU-6050).
    pub const fn gyro_delay_micros(self) -> u32 {
        match self {
            Self::Hz256 => 980,
            Self::Hz188 => 1_900,
            Self::Hz98 => 2_800,
            Self::Hz42 => 4_800,
            Self::Hz20 => 8_300,
            Self::Hz10 => 13_400,
            Self::Hz5 => 18_600,
        }
    }
    /// Rate at which the gyroscope is sampled, before the divider, Hz.
    pub const fn gyro_rate_hz(self) -> u32 {
        match self {
            Self::Hz256 => 8_000,
            _ => 1_000,
        }
    }
}

/// How the chip is set up.
///
/// ```
/// use balance_core::sensor::mpu6050::{GyroRange, Mpu6050Config};
/// let config = Mpu6050Config { gyro_range: GyroRange::DegPerSec250, ..Default::default() };
/// // 131 counts are 1 °/s.
/// assert!((131.0 * config.scale().gyro - 1_f32.to_radians()).abs() < 1e-7);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mpu6050Config {
    /// Full scale of the accelerometer.
    pub accel_range: AccelRange,
    /// Full scale of the gyroscope.
    pub gyro_range: GyroRange,
    /// Digital low-pass filter of both.
    pub low_pass: LowPass,
    /// Samples are renewed at the gyroscope's rate divided by this plus one. From the MPU-6500 on
    /// it has no effect with [`LowPass::Hz256`].
    pub sample_rate_divider: u8,
    /// Pulse on the INT pin for every new sample.
    pub data_ready_interrupt: bool,
    /// Address on the bus.
    pub address: Address,
}

impl Mpu6050Config {
    /// What a count is worth.
    pub const fn scale(&self) -> ImuScale {
        let per_g = match self.accel_range {
            AccelRange::G2 => 16_384.0,
            AccelRange::G4 => 8_192.0,
            AccelRange::G8 => 4_096.0,
            AccelRange::G16 => 2_048.0,
        };
        let per_degree = match self.gyro_range {
            GyroRange::DegPerSec250 => 131.0,
            GyroRange::DegPerSec500 => 65.5,
            GyroRange::DegPerSec1000 => 32.8,
            GyroRange::DegPerSec2000 => 16.4,
        };
        ImuScale {
            accel: (STANDARD_GRAVITY / per_g) as f32,
            gyro: (core::f64::consts::PI / 180.0 / per_degree) as f32,
        }
    }

    /// Rate at which new gyroscope samples appear, Hz. The accelerometer never exceeds 1 kHz.
    pub fn sample_rate_hz(&self) -> f32 {
        self.low_pass.gyro_rate_hz() as f32 / (1.0 + f32::from(self.sample_rate_divider))
    }

    /// What to write, in this order, after the reset: register and value. All of them read back as
    /// written.
    pub fn writes(&self, device: Device) -> impl Iterator<Item = (u8, u8)> + use<> {
        let filter = self.low_pass as u8;
        let common = [
            // Awake, clocked by the gyroscope, which is steadier than the internal oscillator.
            (registers::PWR_MGMT_1, 0x01),
            (registers::PWR_MGMT_2, 0x00),
            (registers::SMPLRT_DIV, self.sample_rate_divider),
            (registers::CONFIG, filter),
            (registers::GYRO_CONFIG, (self.gyro_range as u8) << 3),
            (registers::ACCEL_CONFIG, (self.accel_range as u8) << 3),
            (registers::INT_ENABLE, u8::from(self.data_ready_interrupt)),
        ];
        // Reserved in the MPU-6050, whose accelerometer follows CONFIG.
        let own_filter = match device {
            Device::Mpu6050 => None,
            _ => Some((registers::ACCEL_CONFIG_2, filter)),
        };
        common.into_iter().chain(own_filter)
    }
}

/// The 14 bytes from [`registers::ACCEL_XOUT_H`] on, in counts.
#[inline]
pub const fn decode(bytes: &[u8; 14]) -> ImuCounts {
    let [
        axh,
        axl,
        ayh,
        ayl,
        azh,
        azl,
        th,
        tl,
        gxh,
        gxl,
        gyh,
        gyl,
        gzh,
        gzl,
    ] = *bytes;
    ImuCounts {
        accel: [
            i16::from_be_bytes([axh, axl]),
            i16::from_be_bytes([ayh, ayl]),
            i16::from_be_bytes([azh, azl]),
        ],
        gyro: [
            i16::from_be_bytes([gxh, gxl]),
            i16::from_be_bytes([gyh, gyl]),
            i16::from_be_bytes([gzh, gzl]),
        ],
        temperature: i16::from_be_bytes([th, tl]),
    }
}

/// What can go wrong with the chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<E> {
    /// The bus failed.
    Bus(E),
    /// Something else answers at the address: its WHO_AM_I.
    UnknownDevice(u8),
    /// A register does not hold what was written; the chip has lost its supply, or is a copy.
    ConfigurationMismatch {
        /// The register.
        register: u8,
        /// What was written.
        expected: u8,
        /// What was read.
        found: u8,
    },
    /// `start` has not succeeded yet.
    NotStarted,
}

impl<E: fmt::Debug> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus(error) => write!(f, "the bus failed: {error:?}"),
            Self::UnknownDevice(id) => write!(f, "unknown device, WHO_AM_I {id:#04x}"),
            Self::ConfigurationMismatch {
                register,
                expected,
                found,
            } => write!(
                f,
                "register {register:#04x} holds {found:#04x} instead of {expected:#04x}"
            ),
            Self::NotStarted => write!(f, "the sensor has not been started"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for Error<E> {}

/// How often a chip that does not answer is asked at start-up.
const ATTEMPTS: u32 = 10;
/// Pause between two questions. A supply may rise for 100 ms (PS-MPU-6000A-00, 6.1), so does the
/// patience.
const ATTEMPT_MILLIS: u32 = 10;
/// After a reset, of the device and of the signal paths (RM-MPU-6000A-00, register 107).
const RESET_MILLIS: u32 = 100;
/// Until the gyroscope is steady, 30 ms typical (PS-MPU-6000A-00, 6.1).
const SETTLE_MILLIS: u32 = 50;
/// `PWR_MGMT_1`: reset everything.
const DEVICE_RESET: [u8; 2] = [registers::PWR_MGMT_1, 0x80];
/// `SIGNAL_PATH_RESET`: gyroscope, accelerometer, temperature.
const PATH_RESET: [u8; 2] = [registers::SIGNAL_PATH_RESET, 0x07];

/// Compares a register with what was written.
fn compare<E>(register: u8, expected: u8, found: u8) -> Result<(), Error<E>> {
    if found == expected {
        Ok(())
    } else {
        Err(Error::ConfigurationMismatch {
            register,
            expected,
            found,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_the_right_axes() {
        let bytes = [
            0x01, 0x02, 0x80, 0x00, 0xff, 0xff, 0x0a, 0x0b, 0x7f, 0xff, 0x00, 0x10, 0xfe, 0xdc,
        ];
        let counts = decode(&bytes);
        assert_eq!(counts.accel, [0x0102, -32_768, -1]);
        assert_eq!(counts.temperature, 0x0a0b);
        assert_eq!(counts.gyro, [32_767, 16, -292]);
    }

    #[test]
    fn scales_are_those_of_the_data_sheet() {
        let accel = [
            AccelRange::G2,
            AccelRange::G4,
            AccelRange::G8,
            AccelRange::G16,
        ];
        let gyro = [
            GyroRange::DegPerSec250,
            GyroRange::DegPerSec500,
            GyroRange::DegPerSec1000,
            GyroRange::DegPerSec2000,
        ];
        let sensitivity = [131.0_f32, 65.5, 32.8, 16.4];
        for (k, ((accel_range, gyro_range), per_degree)) in
            accel.into_iter().zip(gyro).zip(sensitivity).enumerate()
        {
            let config = Mpu6050Config {
                accel_range,
                gyro_range,
                ..Default::default()
            };
            let scale = config.scale();
            assert!((scale.accel * (16_384 >> k) as f32 - 9.806_65).abs() < 1e-5);
            assert!((scale.gyro.to_degrees() * per_degree - 1.0).abs() < 1e-6);
            let bits = (k as u8) << 3;
            let holds = |write| config.writes(Device::Mpu6050).any(|w| w == write);
            assert!(holds((0x1b, bits)) && holds((0x1c, bits)));
        }
    }

    #[test]
    fn rates_and_temperature() {
        let fast = Mpu6050Config {
            low_pass: LowPass::Hz256,
            sample_rate_divider: 1,
            ..Default::default()
        };
        assert_eq!(fast.sample_rate_hz(), 4000.0);
        assert_eq!(Mpu6050Config::default().sample_rate_hz(), 1000.0);
        assert!((Device::Mpu6050.temperature_celsius(0) - 36.53).abs() < 1e-6);
        assert!((Device::Mpu6500.temperature_celsius(3339) - 31.0).abs() < 1e-3);
    }
}
