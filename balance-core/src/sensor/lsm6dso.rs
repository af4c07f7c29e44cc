//! LSM6DSO and LSM6DSOX: accelerometer and gyroscope on I²C (up to 1 MHz) and SPI (up to 10 MHz).
//!
//! ST data sheet of the LSM6DSO (registers, sensitivities, limits of the self-test) and AN5192 (FIFO tags,
//! self-test). Both chips have the same identity and registers; the machine learning of the X is not used.
//! The low-pass is the chip's own, at half the rate (accelerometer) and a third of it (gyroscope).
//!
//! A reading is one burst of 14 bytes, temperature first: 0.41 ms at 400 kHz, 12 µs at 10 MHz.

use super::imu::{
    Chip, FifoLevel, ImuConfig, ImuCounts, ImuScale, Measured, Op, STANDARD_GRAVITY, SelfTest,
    Settings, means, three,
};
use crate::config::ConfigError;

const FIFO_CTRL3: u8 = 0x09;
const FIFO_CTRL4: u8 = 0x0a;
const INT1_CTRL: u8 = 0x0d;
const WHO_AM_I: u8 = 0x0f;
const CTRL1_XL: u8 = 0x10;
const CTRL2_G: u8 = 0x11;
const CTRL3_C: u8 = 0x12;
const CTRL5_C: u8 = 0x14;
const STATUS: u8 = 0x1e;
const OUT_TEMP_L: u8 = 0x20;
const FIFO_STATUS1: u8 = 0x3a;
const FIFO_DATA_OUT_TAG: u8 = 0x78;

const GYRO_TAG: u8 = 0x01;
const ACCEL_TAG: u8 = 0x02;

/// An LSM6DSO or LSM6DSOX with its configuration, for [`Imu`](super::imu::blocking::Imu).
///
/// ± 2, 4, 8, 16 g; ± 125 to 2000 °/s in octaves; 12.5 Hz to 6.67 kHz. On I²C at 0x6a (SA0 low) or
/// 0x6b. Readings from the FIFO have no temperature: zero, 25 °C.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lsm6dso {
    settings: Settings,
}

impl Lsm6dso {
    /// Chooses ranges and rate.
    ///
    /// # Errors
    /// Names what is beyond the chip.
    pub fn new(config: &ImuConfig) -> Result<Self, ConfigError> {
        let accel = [(2.0, 0), (4.0, 2), (8.0, 3), (16.0, 1)];
        let gyro = [(125.0, 1), (250.0, 0), (500.0, 2), (1000.0, 4), (2000.0, 6)];
        let rates = [
            (12.5, 1),
            (26.0, 2),
            (52.0, 3),
            (104.0, 4),
            (208.0, 5),
            (417.0, 6),
            (833.0, 7),
            (1667.0, 8),
            (3333.0, 9),
            (6667.0, 10),
        ];
        // 0.061 mg and 4.375 mdps a count at the smallest ranges: not quite 32768 to full scale.
        let scale = |accel_range_g: f32, gyro_range: f32| ImuScale {
            accel: (STANDARD_GRAVITY * 0.061e-3 / 2.0) as f32 * accel_range_g,
            gyro: (4.375e-3 / 125.0 * core::f64::consts::PI / 180.0) as f32 * gyro_range,
        };
        let settings = Settings::new(config, &accel, &gyro, &rates, scale)?;
        Ok(Self { settings })
    }

    /// Rate of the readings, Hz; that of a single chip is up to 15 % off.
    pub fn rate_hz(&self) -> f32 {
        self.settings.rate_hz
    }

    /// Die temperature in °C: counts/256 + 25.
    pub fn temperature_celsius(counts: i16) -> f32 {
        f32::from(counts) * (1.0 / 256.0) + 25.0
    }
}

impl Chip for Lsm6dso {
    type Device = ();
    const IDENTITY: u8 = WHO_AM_I;
    const DATA: u8 = OUT_TEMP_L;
    const DATA_BYTES: usize = 14;
    const READY: (u8, u8) = (STATUS, 0x03);
    const FIFO_LEVEL: u8 = FIFO_STATUS1;
    const FIFO_DATA: u8 = FIFO_DATA_OUT_TAG;
    /// Two words: a tag and three axes each.
    const FRAME_BYTES: usize = 14;
    /// The gyroscope's turn-on time.
    const SETTLE_MILLIS: u32 = 70;

    fn identify(id: u8) -> Option<()> {
        (id == 0x6c).then_some(())
    }

    fn reset(&self, (): ()) -> impl Iterator<Item = Op> {
        [
            Op::Command(CTRL3_C, 0x01),
            Op::Await {
                register: CTRL3_C,
                mask: 0x01,
                value: 0x00,
                attempts: 10,
            },
        ]
        .into_iter()
    }

    fn configuration(&self, (): ()) -> impl Iterator<Item = Op> {
        let s = self.settings;
        let common = [
            // Both bytes of a number are of one reading; registers follow each other.
            Op::Write(CTRL3_C, 0x44),
            Op::Write(CTRL1_XL, s.rate_bits << 4 | s.accel_bits << 2),
            Op::Write(CTRL2_G, s.rate_bits << 4 | s.gyro_bits << 1),
            Op::Write(INT1_CTRL, if s.data_ready_pin { 0x02 } else { 0x00 }),
        ];
        let fifo = [
            Op::Write(FIFO_CTRL3, s.rate_bits << 4 | s.rate_bits),
            // The oldest is given up for the newest.
            Op::Write(FIFO_CTRL4, 0x06),
        ];
        let fifo = fifo.into_iter().filter(move |_| s.fifo);
        common.into_iter().chain(fifo)
    }

    fn flush(&self) -> impl Iterator<Item = Op> {
        [Op::Command(FIFO_CTRL4, 0x00), Op::Command(FIFO_CTRL4, 0x06)].into_iter()
    }

    fn self_test(&self, (): ()) -> impl Iterator<Item = Op> {
        [
            Op::Command(CTRL3_C, 0x44),
            Op::Command(CTRL2_G, 0x00),
            // 52 Hz, ± 4 g.
            Op::Command(CTRL1_XL, 0x38),
            Op::Wait(100),
            Op::Average(5, 0),
            Op::Command(CTRL5_C, 0x01),
            Op::Wait(100),
            Op::Average(5, 1),
            Op::Command(CTRL5_C, 0x00),
            Op::Command(CTRL1_XL, 0x00),
            // 208 Hz, ± 2000 °/s.
            Op::Command(CTRL2_G, 0x5c),
            Op::Wait(150),
            Op::Average(5, 2),
            Op::Command(CTRL5_C, 0x04),
            Op::Wait(60),
            Op::Average(5, 3),
            Op::Command(CTRL5_C, 0x00),
        ]
        .into_iter()
    }

    fn judge(&self, (): (), measured: &Measured) -> SelfTest {
        // 50 to 1700 mg of 0.122 mg; 150 to 700 °/s of 70 mdps.
        SelfTest {
            accel: means(measured, 0, 1, 0)
                .map(|counts| (410..=13_934).contains(&counts.saturating_abs())),
            gyro: means(measured, 2, 3, 3)
                .map(|counts| (2143..=10_000).contains(&counts.saturating_abs())),
        }
    }

    fn decode(bytes: &[u8; 14]) -> ImuCounts {
        let [temperature, ..] = three(bytes, 0, i16::from_le_bytes);
        ImuCounts {
            accel: three(bytes, 8, i16::from_le_bytes),
            gyro: three(bytes, 2, i16::from_le_bytes),
            temperature,
        }
    }

    fn fifo_level(&self, (): (), bytes: [u8; 2]) -> FifoLevel {
        let [low, high] = bytes;
        FifoLevel {
            frames: u16::from_le_bytes([low, high & 0x03]) / 2,
            // Now, or since it was last asked.
            overflowed: high & 0x48 != 0,
        }
    }

    fn decode_frame(bytes: &[u8; 16]) -> Option<ImuCounts> {
        let (first, rest) = bytes.split_first_chunk::<7>()?;
        let (second, _) = rest.split_first_chunk::<7>()?;
        let ([first_tag, ..], [second_tag, ..]) = (*first, *second);
        // Of one moment: two bits count the moments.
        if (first_tag ^ second_tag) & 0x06 != 0 {
            return None;
        }
        let (gyro, accel) = match (first_tag >> 3, second_tag >> 3) {
            (GYRO_TAG, ACCEL_TAG) => (first, second),
            (ACCEL_TAG, GYRO_TAG) => (second, first),
            _ => return None,
        };
        Some(ImuCounts {
            accel: three(accel, 1, i16::from_le_bytes),
            gyro: three(gyro, 1, i16::from_le_bytes),
            temperature: 0,
        })
    }

    fn scale(&self) -> ImuScale {
        self.settings.scale
    }

    fn period_micros(&self) -> u32 {
        self.settings.period_micros()
    }

    fn has_fifo(&self) -> bool {
        self.settings.fifo
    }
}
