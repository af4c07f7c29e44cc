//! The family as a [`Chip`].

use super::{Device, Mpu6050Config, decode, registers, self_test};
use crate::sensor::imu::{Chip, FifoLevel, ImuCounts, ImuScale, Measured, Op, SelfTest};

/// After a reset, of the device and of the signal paths (RM-MPU-6000A-00, register 107).
const RESET_MILLIS: u32 = 100;

impl Chip for Mpu6050Config {
    type Device = Device;
    const IDENTITY: u8 = registers::WHO_AM_I;
    const DATA: u8 = registers::ACCEL_XOUT_H;
    const DATA_BYTES: usize = 14;
    const READY: (u8, u8) = (registers::INT_STATUS, 0x01);
    const FIFO_LEVEL: u8 = registers::FIFO_COUNTH;
    const FIFO_DATA: u8 = registers::FIFO_R_W;
    const FRAME_BYTES: usize = 14;
    /// Until the gyroscope is steady, 30 ms typical (PS-MPU-6000A-00, 6.1).
    const SETTLE_MILLIS: u32 = 50;

    fn identify(id: u8) -> Option<Device> {
        Device::from_id(id)
    }

    fn reset(&self, _: Device) -> impl Iterator<Item = Op> {
        [
            Op::Command(registers::PWR_MGMT_1, 0x80),
            Op::Wait(RESET_MILLIS),
            Op::Command(registers::SIGNAL_PATH_RESET, 0x07),
            Op::Wait(RESET_MILLIS),
        ]
        .into_iter()
    }

    fn configuration(&self, device: Device) -> impl Iterator<Item = Op> {
        self.writes(device)
            .map(|(register, value)| Op::Write(register, value))
    }

    fn flush(&self) -> impl Iterator<Item = Op> {
        // The reset only works while the FIFO is off.
        [
            Op::Command(registers::USER_CTRL, 0x04),
            Op::Command(registers::USER_CTRL, 0x40),
        ]
        .into_iter()
    }

    fn self_test(&self, device: Device) -> impl Iterator<Item = Op> {
        self_test::script(device)
    }

    fn judge(&self, device: Device, measured: &Measured) -> SelfTest {
        self_test::judge(device, measured)
    }

    fn decode(bytes: &[u8; 14]) -> ImuCounts {
        decode(bytes)
    }

    fn fifo_level(&self, device: Device, bytes: [u8; 2]) -> FifoLevel {
        let level = u16::from_be_bytes(bytes);
        // Whole readings in 1024 or 512 bytes; beyond, the oldest have lost their beginning.
        let whole = match device {
            Device::Mpu6050 => 1022,
            _ => 504,
        };
        FifoLevel {
            frames: level / 14,
            overflowed: level > whole,
        }
    }

    fn decode_frame(bytes: &[u8; 16]) -> Option<ImuCounts> {
        let (frame, _) = bytes.split_first_chunk::<14>()?;
        Some(decode(frame))
    }

    fn scale(&self) -> ImuScale {
        self.scale()
    }

    fn period_micros(&self) -> u32 {
        (1e6 / self.sample_rate_hz() + 0.5) as u32
    }

    fn has_fifo(&self) -> bool {
        self.fifo
    }
}
