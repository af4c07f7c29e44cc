//! What can go wrong with an inertial sensor.

use core::fmt;

/// What can go wrong with the chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImuError<E> {
    /// The bus failed.
    Bus(E),
    /// Something else answers: its identity. 0x00 and 0xff are the levels of a line on which nobody
    /// answers.
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
    /// The chip was to say that it is done, and did not in time: the register asked.
    TimedOut(u8),
    /// The FIFO was not asked for in the configuration.
    NoFifo,
    /// Readings were lost because nobody drained the FIFO. It has been emptied: the next call goes on
    /// with new readings.
    FifoOverflow,
    /// What the FIFO holds are no whole readings. It has been emptied, as after an overflow.
    FifoCorrupt,
}

impl<E: fmt::Debug> fmt::Display for ImuError<E> {
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
            Self::TimedOut(register) => {
                write!(f, "register {register:#04x} did not change in time")
            }
            Self::NoFifo => write!(f, "the FIFO is not configured"),
            Self::FifoOverflow => write!(f, "the FIFO overflowed"),
            Self::FifoCorrupt => write!(f, "the FIFO holds no whole readings"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for ImuError<E> {}
