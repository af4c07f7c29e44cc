//! A chip as a description: what to write, what the bytes mean.

use super::reading::{ImuCounts, ImuScale};

/// One step of a procedure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Writes a register that keeps its value: it is read back after the start and by `verify`.
    Write(u8, u8),
    /// Writes a register that need not keep its value.
    Command(u8, u8),
    /// Writes two neighbouring registers in one transfer.
    CommandTwo(u8, [u8; 2]),
    /// Writes many bytes to one register.
    Load(u8, &'static [u8]),
    /// Waits, ms.
    Wait(u32),
    /// Asks a register, up to `attempts` times 10 ms apart, until its bits under `mask` are `value`.
    Await {
        /// The register.
        register: u8,
        /// The bits that count.
        mask: u8,
        /// What they shall be.
        value: u8,
        /// Questions before giving up.
        attempts: u8,
    },
    /// Reads a register into a place of [`Measured::bytes`].
    Fetch(u8, usize),
    /// Averages so many readings, a period or 1 ms apart, into a place of [`Measured::means`].
    Average(u16, usize),
}

/// What a self-test has measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Registers.
    pub bytes: [u8; 8],
    /// Averages, in counts: accelerometer x y z, gyroscope x y z.
    pub means: [[i32; 6]; 4],
}

/// What a self-test says, axis by axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelfTest {
    /// Whether x, y and z of the accelerometer moved as they were told to.
    pub accel: [bool; 3],
    /// Whether x, y and z of the gyroscope moved as they were told to.
    pub gyro: [bool; 3],
}

impl SelfTest {
    /// Whether all six axes passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.accel == [true; 3] && self.gyro == [true; 3]
    }
}

/// How full a FIFO is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FifoLevel {
    /// Whole readings.
    pub frames: u16,
    /// Readings have been lost.
    pub overflowed: bool,
}

/// What a driver must know of a chip and of its configuration. For a chip that is not here, implement
/// it and use [`blocking::Imu`](super::blocking::Imu).
pub trait Chip {
    /// Which of the family answered.
    type Device: Copy;
    /// Register of the identity.
    const IDENTITY: u8;
    /// Before the identity is asked for, each time; whether it succeeds does not matter.
    const WAKE: Option<Op> = None;
    /// A read over SPI sends one byte of no meaning before its answer.
    const SPI_DUMMY: bool = false;
    /// First register of a reading.
    const DATA: u8;
    /// Bytes of a reading, at most 14.
    const DATA_BYTES: usize;
    /// Register and bits that say that a reading is new. Asking clears them.
    const READY: (u8, u8);
    /// Register of the FIFO's level, two bytes.
    const FIFO_LEVEL: u8;
    /// Register at which the FIFO is drained.
    const FIFO_DATA: u8;
    /// Bytes of a reading in the FIFO, 1 to 16.
    const FRAME_BYTES: usize;
    /// Until readings are good after a start, ms.
    const SETTLE_MILLIS: u32;

    /// The chip with this identity.
    fn identify(id: u8) -> Option<Self::Device>;
    /// From any state to that after power-up.
    fn reset(&self, device: Self::Device) -> impl Iterator<Item = Op>;
    /// The configuration.
    fn configuration(&self, device: Self::Device) -> impl Iterator<Item = Op>;
    /// Empties the FIFO.
    fn flush(&self) -> impl Iterator<Item = Op>;
    /// Moves the sensor's masses electrically and measures what they do.
    fn self_test(&self, device: Self::Device) -> impl Iterator<Item = Op>;
    /// Judges what was measured.
    fn judge(&self, device: Self::Device, measured: &Measured) -> SelfTest;
    /// A reading; bytes beyond [`DATA_BYTES`](Self::DATA_BYTES) are zero.
    fn decode(bytes: &[u8; 14]) -> ImuCounts;
    /// The FIFO's level.
    fn fifo_level(&self, device: Self::Device, bytes: [u8; 2]) -> FifoLevel;
    /// A reading from the FIFO, unless it is none; bytes beyond [`FRAME_BYTES`](Self::FRAME_BYTES)
    /// are zero.
    fn decode_frame(bytes: &[u8; 16]) -> Option<ImuCounts>;
    /// What a count is worth.
    fn scale(&self) -> ImuScale;
    /// Microseconds between readings.
    fn period_micros(&self) -> u32;
    /// Whether readings go through the FIFO.
    fn has_fifo(&self) -> bool;
}

/// Three neighbouring numbers of 16 bits, from the place `at` on; zero beyond the end.
#[inline]
pub(crate) fn three(bytes: &[u8], at: usize, number: fn([u8; 2]) -> i16) -> [i16; 3] {
    let pick = |k: usize| {
        let at = at + 2 * k;
        let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
        number([byte(at), byte(at + 1)])
    };
    [pick(0), pick(1), pick(2)]
}

/// How far each of three axes went from one average to another, in counts. `first` is 0 for the
/// accelerometer and 3 for the gyroscope.
pub(crate) fn means(measured: &Measured, from: usize, to: usize, first: usize) -> [i32; 3] {
    let mean = |place: usize, axis: usize| {
        let means = measured.means.get(place);
        means
            .and_then(|means| means.get(first + axis))
            .copied()
            .unwrap_or(0)
    };
    [0, 1, 2].map(|axis| mean(to, axis).saturating_sub(mean(from, axis)))
}

/// Response of the factory, 2620 · 1.01^(code − 1) counts at ± 250 °/s and ± 2 g; none for code 0.
/// (InvenSense AN-MPU-9250A-03; the ICM-42688-P keeps the same code.)
pub(crate) fn factory_response(code: u8) -> Option<f32> {
    (code != 0).then(|| (1..code).fold(2620.0, |response, _| response * 1.01))
}
