//! AS5600: absolute angle of a magnet over I2C, 12 bits.
//!
//! (ams-OSRAM data sheet DS000365: register map, STATUS, AGC, MAGNITUDE.) The chip has one address, 0x36:
//! two of them need two buses.

use crate::platform::CountExtender;
use core::fmt;
use embedded_hal::i2c::I2c;

const ADDRESS: u8 = 0x36;
const STATUS: u8 = 0x0b;
const AGC: u8 = 0x1a;

/// What the chip says about its magnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Magnet {
    /// Detected, strength in order.
    Good,
    /// Detected and too strong: it is too close.
    TooStrong,
    /// Detected and too weak: it is too far, or off the centre.
    TooWeak,
    /// None: the angle is noise.
    Missing,
}

/// A reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct As5600Reading {
    /// Angle within the turn, 0 ..= 4095, counting up as the chip is wired (DIR).
    pub raw: u16,
    /// Angle with its turns, 4096 a turn, for
    /// [`EncoderAngle`](crate::motor::foc::EncoderAngle) and
    /// [`WheelSpeed`](crate::estimation::wheel_speed::WheelSpeed). Right as long as less than half a turn passes
    /// between two readings.
    pub counts: i32,
    /// The magnet. With [`Magnet::Missing`] the counts stand still.
    pub magnet: Magnet,
}

/// How far the magnet is, for whoever mounts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MagnetStrength {
    /// The chip's own gain, 0 (too close) to 255 (too far) at 5 V, to 128 at 3.3 V; the middle is right.
    pub gain: u8,
    /// Length of the field's vector as the chip computes it, 0 to 4095, of no unit.
    pub magnitude: u16,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum As5600Error<E> {
    /// The bus; the counts stand still.
    Bus(E),
    /// The answer is not one of this chip: bits are set that it never sets.
    Corrupt,
}

impl<E: fmt::Debug> fmt::Display for As5600Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus(error) => write!(f, "the bus of the AS5600 failed: {error:?}"),
            Self::Corrupt => write!(f, "the AS5600 answered with impossible bits"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for As5600Error<E> {}

/// A driver that owns its bus; every reading is one transaction of six bytes, 0.2 ms at 400 kHz.
///
/// The angle lags by the chip's own filter, 0.29 to 2.2 ms (its slow filter, SF), beside that time.
#[derive(Debug)]
pub struct As5600<I> {
    bus: I,
    turns: CountExtender,
}

impl<I: I2c> As5600<I> {
    /// Takes the bus over; nothing is sent.
    pub fn new(bus: I) -> Self {
        Self {
            bus,
            turns: CountExtender::of_bits(12),
        }
    }

    /// Reads status and angle at once.
    ///
    /// # Errors
    /// Of the bus, or an impossible answer; the next good reading goes on as if nothing had been.
    pub fn read(&mut self) -> Result<As5600Reading, As5600Error<I::Error>> {
        let mut bytes = [0; 3];
        self.bus
            .write_read(ADDRESS, &[STATUS], &mut bytes)
            .map_err(As5600Error::Bus)?;
        decode(&mut self.turns, bytes)
    }

    /// Reads how strong the magnet is.
    ///
    /// # Errors
    /// Of the bus, or an impossible answer.
    pub fn strength(&mut self) -> Result<MagnetStrength, As5600Error<I::Error>> {
        let mut bytes = [0; 3];
        self.bus
            .write_read(ADDRESS, &[AGC], &mut bytes)
            .map_err(As5600Error::Bus)?;
        decode_strength(bytes)
    }

    /// Gives the bus back.
    pub fn release(self) -> I {
        self.bus
    }
}

/// STATUS and RAW ANGLE, which follow each other.
fn decode<E>(turns: &mut CountExtender, bytes: [u8; 3]) -> Result<As5600Reading, As5600Error<E>> {
    let [status, high, low] = bytes;
    let raw = u16::from_be_bytes([high, low]);
    if raw > 0x0fff || status & 0xc7 != 0 {
        return Err(As5600Error::Corrupt);
    }
    let magnet = match (status & 0x20 != 0, status & 0x08 != 0, status & 0x10 != 0) {
        (false, _, _) => Magnet::Missing,
        (true, true, _) => Magnet::TooStrong,
        (true, false, true) => Magnet::TooWeak,
        (true, false, false) => Magnet::Good,
    };
    if magnet != Magnet::Missing {
        turns.update(i32::from(raw));
    }
    Ok(As5600Reading {
        raw,
        counts: turns.counts(),
        magnet,
    })
}

/// AGC and MAGNITUDE, which follow each other.
fn decode_strength<E>(bytes: [u8; 3]) -> Result<MagnetStrength, As5600Error<E>> {
    let [gain, high, low] = bytes;
    let magnitude = u16::from_be_bytes([high, low]);
    if magnitude > 0x0fff {
        return Err(As5600Error::Corrupt);
    }
    Ok(MagnetStrength { gain, magnitude })
}

pub(super) mod asynchronous {
    use super::{
        ADDRESS, AGC, As5600Error, As5600Reading, CountExtender, MagnetStrength, STATUS, decode,
        decode_strength,
    };
    use embedded_hal_async::i2c::I2c;

    /// The [`As5600`](super::As5600) over an asynchronous bus.
    ///
    /// A future of the HAL may stay pending for ever, if a wire breaks: whoever awaits puts a time
    /// limit around it.
    #[derive(Debug)]
    pub struct As5600<I> {
        bus: I,
        turns: CountExtender,
    }

    impl<I: I2c> As5600<I> {
        /// Takes the bus over; nothing is sent.
        pub fn new(bus: I) -> Self {
            Self {
                bus,
                turns: CountExtender::of_bits(12),
            }
        }

        /// Reads status and angle at once.
        ///
        /// # Errors
        /// Of the bus, or an impossible answer; the next good reading goes on as if nothing had been.
        pub async fn read(&mut self) -> Result<As5600Reading, As5600Error<I::Error>> {
            let mut bytes = [0; 3];
            self.bus
                .write_read(ADDRESS, &[STATUS], &mut bytes)
                .await
                .map_err(As5600Error::Bus)?;
            decode(&mut self.turns, bytes)
        }

        /// Reads how strong the magnet is.
        ///
        /// # Errors
        /// Of the bus, or an impossible answer.
        pub async fn strength(&mut self) -> Result<MagnetStrength, As5600Error<I::Error>> {
            let mut bytes = [0; 3];
            self.bus
                .write_read(ADDRESS, &[AGC], &mut bytes)
                .await
                .map_err(As5600Error::Bus)?;
            decode_strength(bytes)
        }

        /// Gives the bus back.
        pub fn release(self) -> I {
            self.bus
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use core::future::Future;
    use core::pin::pin;
    use core::task::{Context, Poll, Waker};
    use embedded_hal::i2c::ErrorKind;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};
    use std::vec;
    use std::vec::Vec;

    fn answers(answers: &[[u8; 3]]) -> As5600<Mock> {
        let script: Vec<_> = answers
            .iter()
            .map(|bytes| Transaction::write_read(ADDRESS, vec![STATUS], bytes.to_vec()))
            .collect();
        As5600::new(Mock::new(&script))
    }

    /// The mock's futures never wait.
    fn ready<F: Future>(future: F) -> F::Output {
        let mut context = Context::from_waker(Waker::noop());
        match pin!(future).poll(&mut context) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("a mock waited"),
        }
    }

    #[test]
    fn awaited_it_is_the_same() {
        let script = [
            Transaction::write_read(ADDRESS, vec![STATUS], vec![0x20, 0x0f, 0xf0]),
            Transaction::write_read(ADDRESS, vec![STATUS], vec![0, 0, 0])
                .with_error(ErrorKind::Bus),
            Transaction::write_read(ADDRESS, vec![STATUS], vec![0x30, 0x00, 0x10]),
            Transaction::write_read(ADDRESS, vec![AGC], vec![64, 0x08, 0x01]),
            Transaction::write_read(ADDRESS, vec![AGC], vec![64, 0xff, 0xff]),
            Transaction::write_read(ADDRESS, vec![AGC], vec![0, 0, 0]).with_error(ErrorKind::Bus),
        ];
        let strength = MagnetStrength {
            gain: 64,
            magnitude: 0x801,
        };
        let lost = As5600Error::Bus(ErrorKind::Bus);

        let mut chip = As5600::new(Mock::new(&script));
        assert_eq!(chip.read().unwrap().counts, 0x0ff0);
        assert_eq!(chip.read(), Err(lost));
        assert_eq!(chip.read().unwrap().counts, 0x1010);
        assert_eq!(chip.strength(), Ok(strength));
        assert_eq!(chip.strength(), Err(As5600Error::Corrupt));
        assert_eq!(chip.strength(), Err(lost));
        chip.release().done();

        let mut chip = asynchronous::As5600::new(Mock::new(&script));
        assert_eq!(ready(chip.read()).unwrap().counts, 0x0ff0);
        assert_eq!(ready(chip.read()), Err(lost));
        assert_eq!(ready(chip.read()).unwrap().counts, 0x1010);
        assert_eq!(ready(chip.strength()), Ok(strength));
        assert_eq!(ready(chip.strength()), Err(As5600Error::Corrupt));
        assert_eq!(ready(chip.strength()), Err(lost));
        chip.release().done();
    }

    #[test]
    fn counts_over_the_turn_both_ways() {
        let mut chip = answers(&[
            [0x20, 0x0f, 0xf0],
            [0x20, 0x00, 0x10],
            [0x20, 0x0f, 0xf8],
            [0x20, 0x08, 0x01],
        ]);
        let counts: Vec<i32> = (0..4).map(|_| chip.read().unwrap().counts).collect();
        assert_eq!(counts, [0x0ff0, 0x1010, 0x0ff8, 0x0801]);
        chip.release().done();
    }

    #[test]
    fn magnets_are_told_apart_and_a_missing_one_moves_nothing() {
        let mut chip = answers(&[
            [0x20, 1, 0],
            [0x28, 1, 1],
            [0x30, 1, 2],
            [0x00, 9, 9],
            [0x20, 1, 3],
        ]);
        let readings: Vec<_> = (0..5).map(|_| chip.read().unwrap()).collect();
        let magnets: Vec<_> = readings.iter().map(|r| r.magnet).collect();
        use Magnet::{Good, Missing, TooStrong, TooWeak};
        assert_eq!(magnets, [Good, TooStrong, TooWeak, Missing, Good]);
        let counts: Vec<_> = readings.iter().map(|r| r.counts).collect();
        assert_eq!(counts, [256, 257, 258, 258, 259]);
        chip.release().done();
    }

    #[test]
    fn errors_are_told_and_leave_nothing_behind() {
        let script = [
            Transaction::write_read(ADDRESS, vec![STATUS], vec![0x20, 2, 0]),
            Transaction::write_read(ADDRESS, vec![STATUS], vec![0, 0, 0])
                .with_error(ErrorKind::ArbitrationLoss),
            Transaction::write_read(ADDRESS, vec![STATUS], vec![0xff, 0xff, 0xff]),
            Transaction::write_read(ADDRESS, vec![STATUS], vec![0x20, 2, 5]),
        ];
        let mut chip = As5600::new(Mock::new(&script));
        assert_eq!(chip.read().unwrap().counts, 512);
        assert_eq!(
            chip.read(),
            Err(As5600Error::Bus(ErrorKind::ArbitrationLoss))
        );
        // A bus whose lines are high reads all ones.
        assert_eq!(chip.read(), Err(As5600Error::Corrupt));
        assert_eq!(chip.read().unwrap().counts, 517);
        chip.release().done();
    }
}
