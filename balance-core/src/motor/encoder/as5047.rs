//! AS5047P and AS5048A: absolute angle of a magnet over SPI, 14 bits.
//!
//! (ams-OSRAM data sheet of the AS5047P: SPI frames, registers; SPI mode 1, up to 10 MHz.) Every
//! frame has an even parity in its top bit; an answer comes with the frame after its question. A
//! reading asks for the angle and the diagnosis and is three frames, 5 µs at 10 MHz; a fourth one clears
//! the chip's error flag after it has refused a command, because some keep it up until then.

use crate::platform::CountExtender;
use core::fmt;
use embedded_hal::spi::SpiDevice;

const ANGLE: u16 = 0x3fff;
const DIAGNOSIS: u16 = 0x3ffc;
const NOTHING: u16 = 0x0000;
const ERRORS: u16 = 0x0001;
const READ: u16 = 0x4000;
const ERROR_FLAG: u16 = 0x4000;

/// A reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct As5047Reading {
    /// Angle within the turn, 0 ..= 16383.
    pub raw: u16,
    /// Angle with its turns, 16384 a turn. Right as long as less than half a turn passes between two
    /// readings.
    pub counts: i32,
    /// The chip's own gain, 0 (strong field) to 255 (weak).
    pub gain: u8,
    /// The field is too strong: the magnet is too close.
    pub too_strong: bool,
    /// The field is too weak: the magnet is too far, or lost.
    pub too_weak: bool,
}

/// What goes wrong. The counts stand still; the next good reading goes on as if nothing had been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum As5047Error<E> {
    /// The bus.
    Bus(E),
    /// A bit was turned round on the way from the chip.
    Parity,
    /// The chip did not understand a frame, or says that its own parity was wrong.
    Refused,
    /// The angle is not valid: the chip's offset loop has not settled, or its CORDIC overflowed.
    Invalid,
}

impl<E: fmt::Debug> fmt::Display for As5047Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus(error) => write!(f, "the bus of the AS5047 failed: {error:?}"),
            Self::Parity => write!(f, "an answer of the AS5047 has the wrong parity"),
            Self::Refused => write!(f, "the AS5047 did not understand a command"),
            Self::Invalid => write!(f, "the AS5047 has no valid angle"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for As5047Error<E> {}

/// A driver that owns its device on the bus.
#[derive(Debug)]
pub struct As5047<S> {
    device: S,
    memory: Memory,
}

/// What a driver knows between two readings.
#[derive(Debug)]
struct Memory {
    turns: CountExtender,
    /// The chip's error flag may be up.
    refused: bool,
}

impl Memory {
    fn new() -> Self {
        Self {
            turns: CountExtender::of_bits(14),
            refused: false,
        }
    }

    fn decode<E>(
        &mut self,
        angle: Result<u16, As5047Error<E>>,
        diagnosis: u16,
    ) -> Result<As5047Reading, As5047Error<E>> {
        let angle = angle?;
        self.refused = (angle | diagnosis) & ERROR_FLAG != 0;
        let raw = checked(angle)?;
        let diagnosis = checked(diagnosis)?;
        let (strong, weak) = (diagnosis & 0x0400 != 0, diagnosis & 0x0800 != 0);
        let (overflow, settled) = (diagnosis & 0x0200 != 0, diagnosis & 0x0100 != 0);
        if overflow || !settled {
            return Err(As5047Error::Invalid);
        }
        Ok(As5047Reading {
            raw,
            counts: self.turns.update(i32::from(raw)),
            gain: (diagnosis & 0xff) as u8,
            too_strong: strong,
            too_weak: weak,
        })
    }
}

/// With even parity in the top bit.
const fn framed(command: u16) -> u16 {
    command | (((command.count_ones() & 1) as u16) << 15)
}

impl<S: SpiDevice> As5047<S> {
    /// Takes the device over; nothing is sent.
    pub fn new(device: S) -> Self {
        Self {
            device,
            memory: Memory::new(),
        }
    }

    /// Reads angle and diagnosis.
    ///
    /// # Errors
    /// Of the bus, or what the chip's answers say.
    pub fn read(&mut self) -> Result<As5047Reading, As5047Error<S::Error>> {
        if self.memory.refused {
            self.frame(READ | ERRORS)?;
        }
        // The chip selects by the frame: three transfers, not one.
        self.frame(READ | ANGLE)?;
        let angle = self.frame(READ | DIAGNOSIS);
        // Always asked for, so that a refused command does not answer the next reading.
        let diagnosis = self.frame(READ | NOTHING)?;
        self.memory.decode(angle, diagnosis)
    }

    fn frame(&mut self, command: u16) -> Result<u16, As5047Error<S::Error>> {
        let mut bytes = framed(command).to_be_bytes();
        self.device
            .transfer_in_place(&mut bytes)
            .map_err(As5047Error::Bus)?;
        Ok(u16::from_be_bytes(bytes))
    }

    /// Gives the device back.
    pub fn release(self) -> S {
        self.device
    }
}

/// The 14 bits of an answer.
fn checked<E>(answer: u16) -> Result<u16, As5047Error<E>> {
    if answer.count_ones() & 1 != 0 {
        Err(As5047Error::Parity)
    } else if answer & ERROR_FLAG != 0 {
        Err(As5047Error::Refused)
    } else {
        Ok(answer & 0x3fff)
    }
}

pub(super) mod asynchronous {
    use super::{
        ANGLE, As5047Error, As5047Reading, DIAGNOSIS, ERRORS, Memory, NOTHING, READ, framed,
    };
    use embedded_hal_async::spi::SpiDevice;

    /// The [`As5047`](super::As5047) over an asynchronous bus.
    #[derive(Debug)]
    pub struct As5047<S> {
        device: S,
        memory: Memory,
    }

    impl<S: SpiDevice> As5047<S> {
        /// Takes the device over; nothing is sent.
        pub fn new(device: S) -> Self {
            Self {
                device,
                memory: Memory::new(),
            }
        }

        /// Reads angle and diagnosis.
        ///
        /// # Errors
        /// Of the bus, or what the chip's answers say.
        pub async fn read(&mut self) -> Result<As5047Reading, As5047Error<S::Error>> {
            if self.memory.refused {
                self.frame(READ | ERRORS).await?;
            }
            // The chip selects by the frame: three transfers, not one.
            self.frame(READ | ANGLE).await?;
            let angle = self.frame(READ | DIAGNOSIS).await;
            // Always asked for, so that a refused command does not answer the next reading.
            let diagnosis = self.frame(READ | NOTHING).await?;
            self.memory.decode(angle, diagnosis)
        }

        async fn frame(&mut self, command: u16) -> Result<u16, As5047Error<S::Error>> {
            let mut bytes = framed(command).to_be_bytes();
            self.device
                .transfer_in_place(&mut bytes)
                .await
                .map_err(As5047Error::Bus)?;
            Ok(u16::from_be_bytes(bytes))
        }

        /// Gives the device back.
        pub fn release(self) -> S {
            self.device
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
    use embedded_hal::spi::ErrorKind;
    use embedded_hal_mock::eh1::spi::{Mock, Transaction};
    use std::vec::Vec;

    const SETTLED: u16 = 0x0100;

    fn exchange(send: u16, answer: u16) -> [Transaction<u8>; 3] {
        [
            Transaction::transaction_start(),
            Transaction::transfer_in_place(
                send.to_be_bytes().to_vec(),
                answer.to_be_bytes().to_vec(),
            ),
            Transaction::transaction_end(),
        ]
    }

    fn reading(angle: u16, diagnosis: u16) -> Vec<Transaction<u8>> {
        [
            exchange(0xffff, 0),
            exchange(0xfffc, angle),
            exchange(0xc000, diagnosis),
        ]
        .concat()
    }

    #[test]
    fn commands_have_even_parity() {
        assert_eq!(framed(READ | ANGLE), 0xffff);
        assert_eq!(framed(READ | DIAGNOSIS), 0xfffc);
        assert_eq!(framed(READ), 0xc000);
    }

    #[test]
    fn counts_and_diagnosis() {
        let script = [
            reading(framed(16380), framed(SETTLED)),
            reading(framed(4), framed(SETTLED | 0x0400 | 0x007f)),
            reading(framed(16000), framed(SETTLED | 0x0800)),
        ]
        .concat();
        let mut chip = As5047::new(Mock::new(&script));
        let first = chip.read().unwrap();
        assert_eq!((first.raw, first.counts), (16380, 16380));
        let second = chip.read().unwrap();
        assert_eq!(
            (second.counts, second.too_strong, second.too_weak),
            (16388, true, false)
        );
        assert_eq!((first.gain, second.gain), (0, 0x7f));
        let third = chip.read().unwrap();
        assert_eq!(
            (third.counts, third.too_strong, third.too_weak),
            (16000, false, true)
        );
        chip.release().done();
    }

    #[test]
    fn what_cannot_be_believed_is_no_angle() {
        let good = framed(SETTLED);
        let script = [
            reading(framed(100), good),
            // One bit turned round.
            reading(framed(100) ^ 0x0010, good),
            reading(framed(100 | ERROR_FLAG), good),
            // Its flag is cleared.
            exchange(0x4001, 0).to_vec(),
            reading(framed(100), framed(0)),
            reading(framed(100), framed(SETTLED | 0x0200)),
            reading(framed(200), good),
        ]
        .concat();
        let mut chip = As5047::new(Mock::new(&script));
        assert_eq!(chip.read().unwrap().counts, 100);
        assert_eq!(chip.read(), Err(As5047Error::Parity));
        assert_eq!(chip.read(), Err(As5047Error::Refused));
        assert_eq!(chip.read(), Err(As5047Error::Invalid));
        assert_eq!(chip.read(), Err(As5047Error::Invalid));
        assert_eq!(chip.read().unwrap().counts, 200);
        chip.release().done();

        let mut chip = asynchronous::As5047::new(Mock::new(&script));
        assert_eq!(ready(chip.read()).unwrap().counts, 100);
        assert_eq!(ready(chip.read()), Err(As5047Error::Parity));
        assert_eq!(ready(chip.read()), Err(As5047Error::Refused));
        assert_eq!(ready(chip.read()), Err(As5047Error::Invalid));
        assert_eq!(ready(chip.read()), Err(As5047Error::Invalid));
        assert_eq!(ready(chip.read()).unwrap().counts, 200);
        chip.release().done();
    }

    /// The mock's futures never wait.
    fn ready<F: Future>(future: F) -> F::Output {
        let mut context = Context::from_waker(Waker::noop());
        match pin!(future).poll(&mut context) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("a mock waited"),
        }
    }

    /// A device that fails after so many frames.
    #[derive(Debug)]
    struct Broken {
        passes: u32,
    }
    impl embedded_hal::spi::ErrorType for Broken {
        type Error = ErrorKind;
    }
    impl SpiDevice for Broken {
        fn transaction(
            &mut self,
            _: &mut [embedded_hal::spi::Operation<'_, u8>],
        ) -> Result<(), ErrorKind> {
            let passes = self.passes > 0;
            self.passes = self.passes.saturating_sub(1);
            passes.then_some(()).ok_or(ErrorKind::Overrun)
        }
    }

    impl embedded_hal_async::spi::SpiDevice for Broken {
        async fn transaction(
            &mut self,
            operations: &mut [embedded_hal::spi::Operation<'_, u8>],
        ) -> Result<(), ErrorKind> {
            SpiDevice::transaction(self, operations)
        }
    }

    #[test]
    fn a_bus_error_is_told_wherever_it_comes() {
        for passes in 0..3 {
            let lost = Err(As5047Error::Bus(ErrorKind::Overrun));
            let mut chip = As5047::new(Broken { passes });
            assert_eq!(chip.read(), lost);
            let mut chip = asynchronous::As5047::new(Broken { passes });
            assert_eq!(ready(chip.read()), lost);
        }
    }
}
