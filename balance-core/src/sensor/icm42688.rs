//! ICM-42688-P: accelerometer and gyroscope on I²C (up to 1 MHz) and SPI (up to 24 MHz).
//!
//! TDK DS-000347: register map of user bank 0, sensitivities, FIFO packet 3. Its low-pass is left as it
//! is after a reset, of second order at a quarter of the rate (or 100 Hz, if that is more); the anti-alias
//! filter before it at 585 Hz. The self-test follows AN-MPU-9250A-03, whose code of the factory's response
//! this chip keeps, at ± 250 °/s and ± 2 g.
//!
//! A reading is one burst of 14 bytes, temperature first: 5 µs at 24 MHz.

use super::imu::{
    Chip, FifoLevel, ImuConfig, ImuCounts, ImuScale, Measured, Op, SelfTest, Settings,
    factory_response, means, scale, three,
};
use crate::config::ConfigError;

const DEVICE_CONFIG: u8 = 0x11;
const INT_CONFIG: u8 = 0x14;
const FIFO_CONFIG: u8 = 0x16;
const TEMP_DATA1: u8 = 0x1d;
const INT_STATUS: u8 = 0x2d;
const FIFO_COUNTH: u8 = 0x2e;
const FIFO_DATA: u8 = 0x30;
const SIGNAL_PATH_RESET: u8 = 0x4b;
const PWR_MGMT0: u8 = 0x4e;
const GYRO_CONFIG0: u8 = 0x4f;
const ACCEL_CONFIG0: u8 = 0x50;
const GYRO_ACCEL_CONFIG0: u8 = 0x52;
const FIFO_CONFIG1: u8 = 0x5f;
const INT_CONFIG1: u8 = 0x64;
const INT_SOURCE0: u8 = 0x65;
const SELF_TEST_CONFIG: u8 = 0x70;
const WHO_AM_I: u8 = 0x75;
const REG_BANK_SEL: u8 = 0x76;

/// Of the self-test; both sensors at 1 kHz, low noise.
const SAMPLES: u16 = 16;
const SELF_TEST_MILLIS: u32 = 200;

/// An ICM-42688-P with its configuration, for [`Imu`](super::imu::blocking::Imu).
///
/// ± 2, 4, 8, 16 g; ± 15.625 to 2000 °/s in octaves; 12.5 Hz to 32 kHz. On I²C at 0x68 (AP_AD0
/// low) or 0x69.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Icm42688 {
    settings: Settings,
}

impl Icm42688 {
    /// Chooses ranges and rate.
    ///
    /// # Errors
    /// Names what is beyond the chip.
    pub fn new(config: &ImuConfig) -> Result<Self, ConfigError> {
        let accel = [(2.0, 3), (4.0, 2), (8.0, 1), (16.0, 0)];
        let gyro = [
            (15.625, 7),
            (31.25, 6),
            (62.5, 5),
            (125.0, 4),
            (250.0, 3),
            (500.0, 2),
            (1000.0, 1),
            (2000.0, 0),
        ];
        let rates = [
            (12.5, 0x0b),
            (25.0, 0x0a),
            (50.0, 0x09),
            (100.0, 0x08),
            (200.0, 0x07),
            (500.0, 0x0f),
            (1000.0, 0x06),
            (2000.0, 0x05),
            (4000.0, 0x04),
            (8000.0, 0x03),
            (16_000.0, 0x02),
            (32_000.0, 0x01),
        ];
        let settings = Settings::new(config, &accel, &gyro, &rates, scale)?;
        Ok(Self { settings })
    }

    /// Rate of the readings, Hz.
    pub fn rate_hz(&self) -> f32 {
        self.settings.rate_hz
    }

    /// Die temperature in °C: counts/132.48 + 25.
    pub fn temperature_celsius(counts: i16) -> f32 {
        f32::from(counts) * (1.0 / 132.48) + 25.0
    }
}

impl Chip for Icm42688 {
    type Device = ();
    const IDENTITY: u8 = WHO_AM_I;
    /// A reset of the processor alone leaves whichever bank was chosen last.
    const WAKE: Option<Op> = Some(Op::Command(REG_BANK_SEL, 0));
    const DATA: u8 = TEMP_DATA1;
    const DATA_BYTES: usize = 14;
    const READY: (u8, u8) = (INT_STATUS, 0x08);
    const FIFO_LEVEL: u8 = FIFO_COUNTH;
    const FIFO_DATA: u8 = FIFO_DATA;
    const FRAME_BYTES: usize = 16;
    /// The gyroscope's start-up is 30 ms typical, 45 ms at least between on and off.
    const SETTLE_MILLIS: u32 = 50;

    fn identify(id: u8) -> Option<()> {
        (id == 0x47).then_some(())
    }

    fn reset(&self, (): ()) -> impl Iterator<Item = Op> {
        // 1 ms at least.
        [Op::Command(DEVICE_CONFIG, 0x01), Op::Wait(2)].into_iter()
    }

    fn configuration(&self, (): ()) -> impl Iterator<Item = Op> {
        let s = self.settings;
        let common = [
            Op::Write(GYRO_CONFIG0, s.gyro_bits << 5 | s.rate_bits),
            Op::Write(ACCEL_CONFIG0, s.accel_bits << 5 | s.rate_bits),
            Op::Write(GYRO_ACCEL_CONFIG0, 0x11),
            // Pulses, push-pull, active high.
            Op::Write(INT_CONFIG, 0x03),
            // Zero for "proper INT1 and INT2 pin operation" (DS-000347, 14.51).
            Op::Write(INT_CONFIG1, 0x00),
            Op::Write(INT_SOURCE0, if s.data_ready_pin { 0x08 } else { 0x00 }),
        ];
        let fifo = [
            // Temperature, gyroscope, accelerometer; whole, by stream.
            Op::Write(FIFO_CONFIG1, 0x07),
            Op::Write(FIFO_CONFIG, 0x40),
        ];
        // Last: no register may be written for 200 µs after it.
        let on = [Op::Write(PWR_MGMT0, 0x0f), Op::Wait(1)];
        let fifo = fifo.into_iter().filter(move |_| s.fifo);
        common.into_iter().chain(fifo).chain(on)
    }

    fn flush(&self) -> impl Iterator<Item = Op> {
        core::iter::once(Op::Command(SIGNAL_PATH_RESET, 0x02))
    }

    fn self_test(&self, (): ()) -> impl Iterator<Item = Op> {
        let measure = [
            Op::Command(GYRO_CONFIG0, 3 << 5 | 0x06),
            Op::Command(ACCEL_CONFIG0, 3 << 5 | 0x06),
            Op::Wait(SELF_TEST_MILLIS),
            Op::Average(SAMPLES, 0),
            Op::Command(SELF_TEST_CONFIG, 0x07),
            Op::Wait(SELF_TEST_MILLIS),
            Op::Average(SAMPLES, 1),
            Op::Command(SELF_TEST_CONFIG, 0x78),
            Op::Wait(SELF_TEST_MILLIS),
            Op::Average(SAMPLES, 2),
            Op::Command(SELF_TEST_CONFIG, 0x00),
        ];
        let trim = [
            Op::Command(REG_BANK_SEL, 1),
            Op::Fetch(0x5f, 0),
            Op::Fetch(0x60, 1),
            Op::Fetch(0x61, 2),
            Op::Command(REG_BANK_SEL, 2),
            Op::Fetch(0x3b, 3),
            Op::Fetch(0x3c, 4),
            Op::Fetch(0x3d, 5),
            Op::Command(REG_BANK_SEL, 0),
        ];
        measure.into_iter().chain(trim)
    }

    fn judge(&self, (): (), measured: &Measured) -> SelfTest {
        let [gx, gy, gz] = means(measured, 0, 1, 3);
        let [ax, ay, az] = means(measured, 0, 2, 0);
        let [a, b, c, d, e, f, ..] = measured.bytes;
        let gyro = |counts: i32, code: u8| {
            // 60 °/s where the factory noted nothing.
            let least = factory_response(code).map_or(60.0 * 131.072, |factory| 0.5 * factory);
            (counts as f32).abs() > least
        };
        let accel = |counts: i32, code: u8| {
            let size = (counts as f32).abs();
            match factory_response(code) {
                Some(factory) => size > 0.5 * factory && size < 1.5 * factory,
                None => (0.225 * 16_384.0..=0.675 * 16_384.0).contains(&size),
            }
        };
        SelfTest {
            accel: [accel(ax, d), accel(ay, e), accel(az, f)],
            gyro: [gyro(gx, a), gyro(gy, b), gyro(gz, c)],
        }
    }

    fn decode(bytes: &[u8; 14]) -> ImuCounts {
        let [temperature, ..] = three(bytes, 0, i16::from_be_bytes);
        ImuCounts {
            accel: three(bytes, 2, i16::from_be_bytes),
            gyro: three(bytes, 8, i16::from_be_bytes),
            temperature,
        }
    }

    fn fifo_level(&self, (): (), bytes: [u8; 2]) -> FifoLevel {
        let level = u16::from_be_bytes(bytes);
        FifoLevel {
            frames: level / 16,
            // Of 2048 bytes; the last packet's place is where the oldest is being lost.
            overflowed: level >= 2032,
        }
    }

    fn decode_frame(bytes: &[u8; 16]) -> Option<ImuCounts> {
        let [header, frame @ ..] = bytes;
        // Accelerometer and gyroscope, 16 bits, not empty.
        if header & 0xf0 != 0x60 {
            return None;
        }
        let temperature = frame.get(12).map_or(0, |byte| byte.cast_signed());
        Some(ImuCounts {
            accel: three(frame, 0, i16::from_be_bytes),
            gyro: three(frame, 6, i16::from_be_bytes),
            // Eight bits, 2.07 to a degree: a 64th of the sixteen.
            temperature: i16::from(temperature) * 64,
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
