//! AK8963: the magnetometer inside an MPU-9250 or 9255, on the same I²C bus at 0x0c.
//!
//! It is reached through the other chip, which must let it
//! ([`Mpu6050Config::magnetometer`](super::mpu6050::Mpu6050Config::magnetometer)), and shares its bus:
//! hand each a device of a shared bus (crate `embedded-hal-bus`, `embassy-embedded-hal`). It measures a hundred times
//! a second with 16 bits of 0.15 µT, ± 4912 µT, whichever field the earth has left (25 to 65 µT).
//!
//! (AKM MS1356-E-02: registers, sensitivity adjustment; InvenSense PS-MPU-9250A-01: axes.) A reading is
//! one burst of eight bytes, 0.25 ms at 400 kHz.

use core::fmt;

const ADDRESS: u8 = 0x0c;
const WIA: u8 = 0x00;
const ST1: u8 = 0x02;
const CNTL1: u8 = 0x0a;
const CNTL2: u8 = 0x0b;
const ASAX: u8 = 0x10;

const IDENTITY: u8 = 0x48;
const POWER_DOWN: u8 = 0x00;
const FUSES: u8 = 0x0f;
/// 16 bits, 100 Hz.
const CONTINUOUS: u8 = 0x16;
/// Between two modes 100 µs at least; the reset has no stated time.
const MODE_MILLIS: u32 = 10;
const ATTEMPTS: u32 = 10;

/// What a count is worth, T.
pub const TESLA_PER_COUNT: f32 = 0.15e-6;

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ak8963Error<E> {
    /// The bus failed.
    Bus(E),
    /// Something else answers at the address: its identity.
    UnknownDevice(u8),
    /// `start` has not succeeded yet.
    NotStarted,
    /// The field is stronger than the sensor's range: the reading means nothing.
    Overflow,
}

impl<E: fmt::Debug> fmt::Display for Ak8963Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus(error) => write!(f, "the bus of the AK8963 failed: {error:?}"),
            Self::UnknownDevice(id) => write!(f, "unknown device, WIA {id:#04x}"),
            Self::NotStarted => write!(f, "the AK8963 has not been started"),
            Self::Overflow => write!(f, "the field is beyond the AK8963's range"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for Ak8963Error<E> {}

/// Field in counts, in the axes of the chip's accelerometer and gyroscope: its x is the magnetometer's
/// y, its y the magnetometer's x, and its z the other way round.
fn decode<E>(bytes: [u8; 8], adjustment: [u8; 3]) -> Result<Option<[i16; 3]>, Ak8963Error<E>> {
    let [st1, xl, xh, yl, yh, zl, zh, st2] = bytes;
    if st1 & 0x01 == 0 {
        return Ok(None);
    }
    if st2 & 0x08 != 0 {
        return Err(Ak8963Error::Overflow);
    }
    let [ax, ay, az] = adjustment;
    let x = adjusted(i16::from_le_bytes([xl, xh]), ax);
    let y = adjusted(i16::from_le_bytes([yl, yh]), ay);
    let z = adjusted(i16::from_le_bytes([zl, zh]), az);
    Ok(Some([y, x, z.saturating_neg()]))
}

/// H · ((ASA − 128) / 256 + 1).
fn adjusted(counts: i16, adjustment: u8) -> i16 {
    let product = i32::from(counts) * (i32::from(adjustment) + 128);
    i16::try_from(product >> 8).unwrap_or(if counts < 0 { i16::MIN } else { i16::MAX })
}

macro_rules! ak8963 {
    ([$($async:tt)?] [$($wait:tt)*]) => {
        use super::{
            ADDRESS, ASAX, ATTEMPTS, Ak8963Error, CNTL1, CNTL2, CONTINUOUS, FUSES, IDENTITY,
            MODE_MILLIS, POWER_DOWN, ST1, WIA, decode,
        };

        /// An AK8963 that owns its device on the bus.
        #[derive(Debug)]
        pub struct Ak8963<I> {
            bus: I,
            adjustment: Option<[u8; 3]>,
        }

        impl<I: I2c> Ak8963<I> {
            /// Takes the bus; nothing is sent yet.
            pub const fn new(bus: I) -> Self {
                Self {
                    bus,
                    adjustment: None,
                }
            }

            /// Waits for the chip, identifies and resets it, reads its adjustment and lets it measure. After
            /// the start of the chip around it; takes 40 ms, or 100 ms more while it does not answer.
            ///
            /// # Errors
            /// The bus failed (ten times in a row at the first question, once later on), or another
            /// device answered.
            pub $($async)? fn start(
                &mut self,
                delay: &mut impl DelayNs,
            ) -> Result<(), Ak8963Error<I::Error>> {
                self.adjustment = None;
                let mut identity = [0];
                let mut answer = self.bytes(WIA, &mut identity)$($wait)*;
                for _ in 1..ATTEMPTS {
                    if answer.is_ok() {
                        break;
                    }
                    delay.delay_ms(MODE_MILLIS)$($wait)*;
                    answer = self.bytes(WIA, &mut identity)$($wait)*;
                }
                answer?;
                let [id] = identity;
                if id != IDENTITY {
                    return Err(Ak8963Error::UnknownDevice(id));
                }
                for command in [[CNTL2, 0x01], [CNTL1, FUSES]] {
                    self.write(command)$($wait)*?;
                    delay.delay_ms(MODE_MILLIS)$($wait)*;
                }
                let mut adjustment = [0; 3];
                self.bytes(ASAX, &mut adjustment)$($wait)*?;
                for command in [[CNTL1, POWER_DOWN], [CNTL1, CONTINUOUS]] {
                    self.write(command)$($wait)*?;
                    delay.delay_ms(MODE_MILLIS)$($wait)*;
                }
                self.adjustment = Some(adjustment);
                Ok(())
            }

            /// The field if there is a new reading, in counts of 0.15 µT, adjusted, in the axes of the chip's
            /// accelerometer and gyroscope.
            ///
            /// # Errors
            /// The bus failed, the chip has not been started, or the field is beyond its range.
            pub $($async)? fn read(&mut self) -> Result<Option<[i16; 3]>, Ak8963Error<I::Error>> {
                let adjustment = self.adjustment.ok_or(Ak8963Error::NotStarted)?;
                // To the second status, or the chip keeps the reading for ever.
                let mut bytes = [0; 8];
                self.bytes(ST1, &mut bytes)$($wait)*?;
                decode(bytes, adjustment)
            }

            /// Gives the bus back.
            pub fn release(self) -> I {
                self.bus
            }

            $($async)? fn bytes(
                &mut self,
                register: u8,
                into: &mut [u8],
            ) -> Result<(), Ak8963Error<I::Error>> {
                let read = self.bus.write_read(ADDRESS, &[register], into)$($wait)*;
                read.map_err(Ak8963Error::Bus)
            }

            $($async)? fn write(&mut self, bytes: [u8; 2]) -> Result<(), Ak8963Error<I::Error>> {
                let written = self.bus.write(ADDRESS, &bytes)$($wait)*;
                written.map_err(Ak8963Error::Bus)
            }
        }
    };
}

/// Over a blocking bus.
pub mod blocking {
    use embedded_hal::{delay::DelayNs, i2c::I2c};
    ak8963!([] []);
}

/// Over an asynchronous bus; whoever awaits puts a time limit around it.
pub mod asynchronous {
    use embedded_hal_async::{delay::DelayNs, i2c::I2c};
    ak8963!([async] [.await]);
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use core::future::Future;
    use core::pin::pin;
    use core::task::{Context, Poll, Waker};
    use embedded_hal::i2c::ErrorKind;
    use embedded_hal_mock::eh1::delay::NoopDelay;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};
    use std::vec;
    use std::vec::Vec;

    type Field = Result<Option<[i16; 3]>, Ak8963Error<ErrorKind>>;

    /// The mock's futures never wait.
    fn ready<F: Future>(future: F) -> F::Output {
        let mut context = Context::from_waker(Waker::noop());
        match pin!(future).poll(&mut context) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("a mock waited"),
        }
    }

    /// What both kinds make of a script: the start, and so many readings.
    fn run(
        script: &[Transaction],
        readings: usize,
    ) -> (Result<(), Ak8963Error<ErrorKind>>, Vec<Field>) {
        let mut chip = blocking::Ak8963::new(Mock::new(script));
        assert_eq!(chip.read(), Err(Ak8963Error::NotStarted));
        let started = chip.start(&mut NoopDelay::new());
        let fields: Vec<Field> = (0..readings).map(|_| chip.read()).collect();
        chip.release().done();
        let mut chip = asynchronous::Ak8963::new(Mock::new(script));
        assert_eq!(ready(chip.start(&mut NoopDelay::new())), started);
        let awaited: Vec<Field> = (0..readings).map(|_| ready(chip.read())).collect();
        chip.release().done();
        assert_eq!(fields, awaited);
        (started, fields)
    }

    fn identity(id: u8) -> Transaction {
        Transaction::write_read(ADDRESS, vec![0x00], vec![id])
    }
    fn start() -> Vec<Transaction> {
        let write = |register, value| Transaction::write(ADDRESS, vec![register, value]);
        vec![
            identity(0x48),
            write(0x0b, 0x01),
            write(0x0a, 0x0f),
            Transaction::write_read(ADDRESS, vec![0x10], vec![128, 192, 255]),
            write(0x0a, 0x00),
            write(0x0a, 0x16),
        ]
    }
    fn reading(bytes: [u8; 8]) -> Transaction {
        Transaction::write_read(ADDRESS, vec![0x02], bytes.to_vec())
    }

    #[test]
    fn the_field_is_adjusted_and_in_the_axes_of_the_imu() {
        let mut script = start();
        script.extend([
            // x 100, y −200, z 300.
            reading([0x01, 100, 0, 0x38, 0xff, 0x2c, 0x01, 0x10]),
            reading([0x00, 1, 1, 1, 1, 1, 1, 0x10]),
            reading([0x03, 0xff, 0x7f, 0, 0x80, 0, 0x80, 0x18]),
            // Beyond sixteen bits after the adjustment.
            reading([0x01, 0xff, 0x7f, 0, 0x80, 0, 0x80, 0x10]),
            reading([0x01, 0, 0, 0, 0, 0, 0, 0x10]).with_error(ErrorKind::Bus),
            reading([0x01, 0, 0, 0, 0, 0, 0, 0x10]),
        ]);
        let (started, fields) = run(&script, 6);
        assert_eq!(started, Ok(()));
        // 1, 1.25 and 383/256 of it.
        assert_eq!(fields[0], Ok(Some([-250, 100, -448])));
        assert_eq!(fields[1], Ok(None));
        assert_eq!(fields[2], Err(Ak8963Error::Overflow));
        assert_eq!(fields[3], Ok(Some([i16::MIN, i16::MAX, i16::MAX])));
        assert_eq!(fields[4], Err(Ak8963Error::Bus(ErrorKind::Bus)));
        assert_eq!(fields[5], Ok(Some([0, 0, 0])));
    }

    #[test]
    fn an_error_anywhere_ends_the_start() {
        let good = start();
        for failing in 1..good.len() {
            let mut script = good[..failing].to_vec();
            script.push(good[failing].clone().with_error(ErrorKind::Bus));
            let (started, fields) = run(&script, 1);
            assert_eq!(started, Err(Ak8963Error::Bus(ErrorKind::Bus)), "{failing}");
            assert_eq!(fields, [Err(Ak8963Error::NotStarted)]);
        }
        let silent = vec![identity(0).with_error(ErrorKind::Bus); ATTEMPTS as usize];
        assert_eq!(run(&silent, 0).0, Err(Ak8963Error::Bus(ErrorKind::Bus)));
        let late = [&silent[1..], &good].concat();
        assert_eq!(run(&late, 0).0, Ok(()));
        assert_eq!(
            run(&[identity(0x12)], 0).0,
            Err(Ak8963Error::UnknownDevice(0x12))
        );
    }
}
