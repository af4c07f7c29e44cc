//! BMI270: accelerometer and gyroscope on I²C (up to 1 MHz) and SPI (up to 10 MHz).
//!
//! Bosch BST-BMI270-DS000: registers, initialisation, FIFO without headers, self-test. The chip does nothing
//! before it has been given 8 kB of Bosch's microcode. It is Bosch's (BSD-3-Clause) and not here: hand
//! over `bmi2::config::BMI270_CONFIG_FILE` of the crate `bmi2`, or the array from
//! Bosch's own BMI270_SensorAPI.
//!
//! A start takes 0.6 s at 400 kHz for that reason. A reading is one burst of 12 bytes, 0.36 ms at
//! 400 kHz, without temperature: zero, 23 °C.

use super::imu::{
    Chip, FifoLevel, ImuConfig, ImuCounts, ImuScale, Measured, Op, SelfTest, Settings, means,
    scale, three,
};
use crate::config::ConfigError;

const CHIP_ID: u8 = 0x00;
const STATUS: u8 = 0x03;
const ACC_DATA: u8 = 0x0c;
const INTERNAL_STATUS: u8 = 0x21;
const FIFO_LENGTH_0: u8 = 0x24;
const FIFO_DATA: u8 = 0x26;
const ACC_CONF: u8 = 0x40;
const ACC_RANGE: u8 = 0x41;
const GYR_CONF: u8 = 0x42;
const GYR_RANGE: u8 = 0x43;
const FIFO_CONFIG_0: u8 = 0x48;
const FIFO_CONFIG_1: u8 = 0x49;
const INT1_IO_CTRL: u8 = 0x53;
const INT_MAP_DATA: u8 = 0x58;
const INIT_CTRL: u8 = 0x59;
const INIT_ADDR_0: u8 = 0x5b;
const INIT_DATA: u8 = 0x5e;
const ACC_SELF_TEST: u8 = 0x6d;
const GYR_SELF_TEST_AXES: u8 = 0x6e;
const PWR_CONF: u8 = 0x7c;
const PWR_CTRL: u8 = 0x7d;
const CMD: u8 = 0x7e;

/// Bytes of the microcode in one transfer: some controllers end at 255.
const PIECE: usize = 128;

/// A BMI270 with its configuration, for [`Imu`](super::imu::blocking::Imu).
///
/// ± 2, 4, 8, 16 g; ± 125 to 2000 °/s in octaves; 25 Hz to 1.6 kHz. On I²C at 0x68 (SDO low) or
/// 0x69.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bmi270 {
    settings: Settings,
    microcode: &'static [u8],
}

impl Bmi270 {
    /// Chooses ranges and rate. `microcode` is Bosch's configuration file, 8192 bytes.
    ///
    /// # Errors
    /// Names what is beyond the chip; `OutOfRange("microcode")` if it has not 8192 bytes.
    pub fn new(config: &ImuConfig, microcode: &'static [u8]) -> Result<Self, ConfigError> {
        if microcode.len() != 8192 {
            return Err(ConfigError::OutOfRange("microcode"));
        }
        let accel = [(2.0, 0), (4.0, 1), (8.0, 2), (16.0, 3)];
        let gyro = [(125.0, 4), (250.0, 3), (500.0, 2), (1000.0, 1), (2000.0, 0)];
        let rates = [
            (25.0, 0x06),
            (50.0, 0x07),
            (100.0, 0x08),
            (200.0, 0x09),
            (400.0, 0x0a),
            (800.0, 0x0b),
            (1600.0, 0x0c),
        ];
        Ok(Self {
            settings: Settings::new(config, &accel, &gyro, &rates, scale)?,
            microcode,
        })
    }

    /// Rate of the readings, Hz.
    pub fn rate_hz(&self) -> f32 {
        self.settings.rate_hz
    }

    /// Reset, microcode, and its own word that it runs.
    fn boot(&self) -> impl Iterator<Item = Op> + use<> {
        let reset = [
            Op::Command(CMD, 0xb6),
            Op::Wait(2),
            // After a reset the first answer over SPI has no meaning: it chooses SPI.
            Op::Fetch(CHIP_ID, 7),
            Op::Command(PWR_CONF, 0x00),
            Op::Wait(1),
            Op::Command(INIT_CTRL, 0x00),
        ];
        let pieces = self.microcode.chunks(PIECE).enumerate();
        let pieces = pieces.flat_map(|(piece, bytes)| {
            // In words of two bytes, four bits and eight.
            let word = piece * (PIECE / 2);
            let address = [(word & 0x0f) as u8, (word >> 4) as u8];
            [
                Op::CommandTwo(INIT_ADDR_0, address),
                Op::Load(INIT_DATA, bytes),
            ]
        });
        let run = [
            Op::Command(INIT_CTRL, 0x01),
            // 20 ms at most.
            Op::Await {
                register: INTERNAL_STATUS,
                mask: 0x0f,
                value: 0x01,
                attempts: 15,
            },
        ];
        reset.into_iter().chain(pieces).chain(run)
    }
}

impl Chip for Bmi270 {
    type Device = ();
    const IDENTITY: u8 = CHIP_ID;
    /// The first read over SPI only switches the chip from I²C to SPI.
    const WAKE: Option<Op> = Some(Op::Fetch(CHIP_ID, 7));
    const SPI_DUMMY: bool = true;
    const DATA: u8 = ACC_DATA;
    const DATA_BYTES: usize = 12;
    const READY: (u8, u8) = (STATUS, 0xc0);
    const FIFO_LEVEL: u8 = FIFO_LENGTH_0;
    const FIFO_DATA: u8 = FIFO_DATA;
    const FRAME_BYTES: usize = 12;
    /// The gyroscope's start-up time, 45 ms.
    const SETTLE_MILLIS: u32 = 50;

    fn identify(id: u8) -> Option<()> {
        (id == 0x24).then_some(())
    }

    fn reset(&self, (): ()) -> impl Iterator<Item = Op> {
        self.boot()
    }

    fn configuration(&self, (): ()) -> impl Iterator<Item = Op> {
        let s = self.settings;
        let common = [
            // For performance, not for power; low-pass at its normal width.
            Op::Write(ACC_CONF, 0xa0 | s.rate_bits),
            Op::Write(ACC_RANGE, s.accel_bits),
            Op::Write(GYR_CONF, 0xe0 | s.rate_bits),
            Op::Write(GYR_RANGE, s.gyro_bits),
        ];
        // Push-pull, active high; data ready.
        let pin = [Op::Write(INT1_IO_CTRL, 0x0a), Op::Write(INT_MAP_DATA, 0x04)];
        let fifo = [
            Op::Write(FIFO_CONFIG_0, 0x00),
            // Gyroscope and accelerometer, without headers.
            Op::Write(FIFO_CONFIG_1, 0xc0),
        ];
        let on = [Op::Write(PWR_CTRL, 0x0e)];
        let pin = pin.into_iter().filter(move |_| s.data_ready_pin);
        let fifo = fifo.into_iter().filter(move |_| s.fifo);
        common.into_iter().chain(pin).chain(fifo).chain(on)
    }

    fn flush(&self) -> impl Iterator<Item = Op> {
        core::iter::once(Op::Command(CMD, 0xb0))
    }

    fn self_test(&self, (): ()) -> impl Iterator<Item = Op> {
        let accel = [
            Op::Command(PWR_CTRL, 0x04),
            // ± 16 g, 1.6 kHz, large amplitude.
            Op::Command(ACC_RANGE, 0x03),
            Op::Command(ACC_SELF_TEST, 0x08),
            Op::Command(ACC_CONF, 0xac),
            Op::Wait(3),
            // Forward, back.
            Op::Command(ACC_SELF_TEST, 0x0d),
            Op::Wait(51),
            Op::Average(1, 0),
            Op::Command(ACC_SELF_TEST, 0x09),
            Op::Wait(51),
            Op::Average(1, 1),
            Op::Command(ACC_SELF_TEST, 0x00),
        ];
        let gyro = [
            Op::Command(PWR_CTRL, 0x04),
            Op::Command(CMD, 0x02),
            Op::Await {
                register: GYR_SELF_TEST_AXES,
                mask: 0x01,
                value: 0x01,
                attempts: 50,
            },
            Op::Fetch(GYR_SELF_TEST_AXES, 0),
        ];
        accel.into_iter().chain(self.boot()).chain(gyro)
    }

    fn judge(&self, (): (), measured: &Measured) -> SelfTest {
        // From back to forward: more than 16, −15 and 10 g of 2048 counts.
        let [x, y, z] = means(measured, 1, 0, 0);
        let [axes, ..] = measured.bytes;
        SelfTest {
            accel: [x > 16 * 2048, y < -15 * 2048, z > 10 * 2048],
            gyro: [axes & 0x02 != 0, axes & 0x04 != 0, axes & 0x08 != 0],
        }
    }

    fn decode(bytes: &[u8; 14]) -> ImuCounts {
        ImuCounts {
            accel: three(bytes, 0, i16::from_le_bytes),
            gyro: three(bytes, 6, i16::from_le_bytes),
            temperature: 0,
        }
    }

    fn fifo_level(&self, (): (), bytes: [u8; 2]) -> FifoLevel {
        let [low, high] = bytes;
        let level = u16::from_le_bytes([low, high & 0x3f]);
        FifoLevel {
            frames: level / 12,
            // Of 2048 bytes; the last place is where the oldest is being lost.
            overflowed: level > 2048 - 2 * 12,
        }
    }

    fn decode_frame(bytes: &[u8; 16]) -> Option<ImuCounts> {
        let gyro = three(bytes, 0, i16::from_le_bytes);
        let accel = three(bytes, 6, i16::from_le_bytes);
        // What an empty FIFO answers.
        let empty = accel == [i16::MIN; 3] || gyro == [i16::MIN; 3];
        (!empty).then_some(ImuCounts {
            accel,
            gyro,
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
