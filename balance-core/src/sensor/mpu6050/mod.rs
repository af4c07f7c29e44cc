//! MPU-6050, 6500, 9250 and 9255: accelerometer and gyroscope on I²C, from the 6500 on also on SPI.
//!
//! This page computes: which bytes to write, what the bytes read mean. [`blocking`] and
//! [`asynchronous`] move them over embedded-hal.
//!
//! A driver owns its bus; `start` resets the chip, asks who it is, configures it and reads the
//! configuration back, in bounded time; `read` is then one burst of 14 bytes (0.41 ms at
//! 400 kHz), all of one sampling instant. Beside [`Mpu6050Config`] in the chip's own terms,
//! [`Mpu6050Config::new`] takes physical units.
//!
//! Sources: InvenSense PS-MPU-6000A-00 rev. 3.4 (sensitivities), RM-MPU-6000A-00 rev. 4.2
//! (registers, filters, self-test), AN-MPU-9250A-03 (self-test of the later ones).

mod chip;
pub mod registers;
mod self_test;

use super::imu::{ImuConfig, ImuCounts, ImuScale, STANDARD_GRAVITY, smallest};
use crate::config::ConfigError;

pub use super::imu::ImuError as Error;

/// The chip over a blocking bus.
pub mod blocking {
    use super::Mpu6050Config;
    use crate::sensor::imu::blocking::{I2cRegisters, Imu};
    use embedded_hal::i2c::I2c;

    /// An MPU-6050 or relative that owns its I²C bus.
    pub type Mpu6050<I2C> = Imu<I2cRegisters<I2C>, Mpu6050Config>;

    impl<I2C: I2c> Mpu6050<I2C> {
        /// Takes the bus; nothing is sent yet.
        pub const fn new(i2c: I2C, config: Mpu6050Config) -> Self {
            Self::over_i2c(i2c, config.address as u8, config)
        }
    }
}

/// The chip over an asynchronous bus.
pub mod asynchronous {
    use super::Mpu6050Config;
    use crate::sensor::imu::asynchronous::{I2cRegisters, Imu};
    use embedded_hal_async::i2c::I2c;

    /// An MPU-6050 or relative that owns its I²C bus.
    pub type Mpu6050<I2C> = Imu<I2cRegisters<I2C>, Mpu6050Config>;

    impl<I2C: I2c> Mpu6050<I2C> {
        /// Takes the bus; nothing is sent yet.
        pub const fn new(i2c: I2C, config: Mpu6050Config) -> Self {
            Self::over_i2c(i2c, config.address as u8, config)
        }
    }
}

/// Which chip answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// MPU-6000 or MPU-6050.
    Mpu6050,
    /// MPU-6500.
    Mpu6500,
    /// MPU-9250; its magnetometer is another chip, [`ak8963`](super::ak8963).
    Mpu9250,
    /// MPU-9255; as the MPU-9250.
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
    /// Readings are kept in the chip until they are drained, at the rate of the samples.
    pub fifo: bool,
    /// Joins the chip's auxiliary bus to this one: the magnetometer inside an MPU-9250
    /// ([`ak8963`](super::ak8963)), or beside an MPU-6050 on the same board, can be reached.
    pub magnetometer: bool,
    /// Address on the bus.
    pub address: Address,
}

impl Mpu6050Config {
    /// From physical units: up to 16 g, 2000 °/s and 1 kHz. The low-pass is the widest below half
    /// the rate, whose lag [`LowPass::gyro_delay_micros`] tells.
    ///
    /// # Errors
    /// Names what is beyond the chip.
    pub fn new(config: &ImuConfig, address: Address) -> Result<Self, ConfigError> {
        let accel = [(2.0, 0), (4.0, 1), (8.0, 2), (16.0, 3)];
        let gyro = [(250.0, 0), (500.0, 1), (1000.0, 2), (2000.0, 3)];
        let (_, accel) = smallest("accel_range_g", config.accel_range_g, &accel)?;
        let (_, gyro) = smallest("gyro_range_deg_per_s", config.gyro_range_deg_per_s, &gyro)?;
        smallest("rate_hz", config.rate_hz, &[(1000.0, 0)])?;
        let (rate, division) = (config.rate_hz, 1000.0 / config.rate_hz);
        Ok(Self {
            accel_range: match accel {
                0 => AccelRange::G2,
                1 => AccelRange::G4,
                2 => AccelRange::G8,
                _ => AccelRange::G16,
            },
            gyro_range: match gyro {
                0 => GyroRange::DegPerSec250,
                1 => GyroRange::DegPerSec500,
                2 => GyroRange::DegPerSec1000,
                _ => GyroRange::DegPerSec2000,
            },
            low_pass: match rate {
                376.0.. => LowPass::Hz188,
                196.0.. => LowPass::Hz98,
                84.0.. => LowPass::Hz42,
                40.0.. => LowPass::Hz20,
                20.0.. => LowPass::Hz10,
                _ => LowPass::Hz5,
            },
            // `as` saturates.
            sample_rate_divider: (division as u8).saturating_sub(1),
            data_ready_interrupt: config.data_ready_pin,
            fifo: config.fifo,
            magnetometer: false,
            address,
        })
    }

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
    pub fn writes(self, device: Device) -> impl Iterator<Item = (u8, u8)> {
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
        // Temperature as well: then a reading is the same fourteen bytes as in the registers.
        let fifo = [(registers::FIFO_EN, 0xf8), (registers::USER_CTRL, 0x40)];
        let fifo = fifo.into_iter().filter(move |_| self.fifo);
        // Reserved in the MPU-6050, whose accelerometer follows CONFIG.
        let own_filter = match device {
            Device::Mpu6050 => None,
            _ => Some((registers::ACCEL_CONFIG_2, filter)),
        };
        let bypass = self.magnetometer.then_some((registers::INT_PIN_CFG, 0x02));
        common
            .into_iter()
            .chain(own_filter)
            .chain(bypass)
            .chain(fifo)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn physical_units_become_the_chips_own() {
        let wanted = ImuConfig {
            accel_range_g: 3.0,
            gyro_range_deg_per_s: 1000.0,
            rate_hz: 200.0,
            data_ready_pin: true,
            fifo: true,
        };
        let config = Mpu6050Config::new(&wanted, Address::Ad0High).unwrap();
        let expected = Mpu6050Config {
            accel_range: AccelRange::G4,
            gyro_range: GyroRange::DegPerSec1000,
            low_pass: LowPass::Hz98,
            sample_rate_divider: 4,
            data_ready_interrupt: true,
            fifo: true,
            magnetometer: false,
            address: Address::Ad0High,
        };
        assert_eq!(config, expected);
        assert_eq!(config.sample_rate_hz(), 200.0);
        let refused = |wanted| Mpu6050Config::new(&wanted, Address::Ad0Low).err();
        for (wanted, name) in [
            (
                ImuConfig {
                    accel_range_g: 17.0,
                    ..wanted
                },
                "accel_range_g",
            ),
            (
                ImuConfig {
                    gyro_range_deg_per_s: 2001.0,
                    ..wanted
                },
                "gyro_range_deg_per_s",
            ),
            (
                ImuConfig {
                    rate_hz: 1001.0,
                    ..wanted
                },
                "rate_hz",
            ),
        ] {
            assert_eq!(refused(wanted), Some(ConfigError::OutOfRange(name)));
        }
        let nan = ImuConfig {
            rate_hz: f32::NAN,
            ..wanted
        };
        assert_eq!(refused(nan), Some(ConfigError::NonFinite("rate_hz")));
    }

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
