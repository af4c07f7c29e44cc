//! Inertial sensors against scripted buses: I²C and SPI, blocking and asynchronous, the same script for all
//! four.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // Helpers of tests, too.

use balance_core::sensor::bmi270::Bmi270;
use balance_core::sensor::icm42688::Icm42688;
use balance_core::sensor::imu::{
    Chip, ImuConfig, ImuCounts, ImuError, SelfTest, asynchronous, blocking,
};
use balance_core::sensor::lsm6dso::Lsm6dso;
use balance_core::sensor::mpu6050::{self, Mpu6050Config};
use balance_core::sensor::{Health, Sample};
use balance_core::time::Instant;
use embedded_hal_mock::eh1::delay::NoopDelay;
use embedded_hal_mock::eh1::{i2c, spi};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

const ADDRESS: u8 = 0x69;

/// A transfer: register and bytes.
#[derive(Clone, Debug)]
enum Transfer {
    Write(u8, Vec<u8>),
    Read(u8, Vec<u8>),
}
use Transfer::{Read, Write};

fn on_i2c(script: &[Transfer]) -> i2c::Mock {
    use i2c::Transaction as T;
    let transactions: Vec<T> = script
        .iter()
        .flat_map(|transfer| match transfer {
            Write(register, bytes) if bytes.len() == 1 => {
                vec![T::write(ADDRESS, vec![*register, bytes[0]])]
            }
            Write(register, bytes) => vec![
                T::transaction_start(ADDRESS),
                T::write(ADDRESS, vec![*register]),
                T::write(ADDRESS, bytes.clone()),
                T::transaction_end(ADDRESS),
            ],
            Read(register, bytes) => {
                vec![T::write_read(ADDRESS, vec![*register], bytes.clone())]
            }
        })
        .collect();
    i2c::Mock::new(&transactions)
}

fn on_spi(script: &[Transfer], dummy: bool) -> spi::Mock<u8> {
    use spi::Transaction as T;
    let transactions: Vec<T<u8>> = script
        .iter()
        .flat_map(|transfer| {
            let inner = match transfer {
                Write(register, bytes) => {
                    [T::write_vec(vec![*register]), T::write_vec(bytes.clone())]
                }
                Read(register, bytes) => {
                    let mut question = vec![*register | 0x80];
                    question.extend(dummy.then_some(0));
                    [T::write_vec(question), T::read_vec(bytes.clone())]
                }
            };
            let [first, second] = inner;
            [T::transaction_start(), first, second, T::transaction_end()]
        })
        .collect();
    spi::Mock::new(&transactions)
}

/// A bus that fails after so many transfers, without touching what is behind it.
struct Flaky<B> {
    bus: B,
    left: usize,
}
impl<B> Flaky<B> {
    fn passes(&mut self) -> bool {
        let passes = self.left > 0;
        self.left = self.left.saturating_sub(1);
        passes
    }
}
impl embedded_hal::i2c::ErrorType for Flaky<i2c::Mock> {
    type Error = embedded_hal::i2c::ErrorKind;
}
impl embedded_hal::i2c::I2c for Flaky<i2c::Mock> {
    fn transaction(
        &mut self,
        address: u8,
        operations: &mut [embedded_hal::i2c::Operation<'_>],
    ) -> Result<(), Self::Error> {
        use embedded_hal::i2c::Operation as O;
        if !self.passes() {
            return Err(embedded_hal::i2c::ErrorKind::Bus);
        }
        // The mock tells its calls apart; a bus does not.
        match operations {
            [O::Write(bytes)] => self.bus.write(address, bytes),
            [O::Write(bytes), O::Read(into)] => self.bus.write_read(address, bytes, into),
            operations => self.bus.transaction(address, operations),
        }
    }
}
impl embedded_hal_async::i2c::I2c for Flaky<i2c::Mock> {
    async fn transaction(
        &mut self,
        address: u8,
        operations: &mut [embedded_hal::i2c::Operation<'_>],
    ) -> Result<(), Self::Error> {
        embedded_hal::i2c::I2c::transaction(self, address, operations)
    }
}
impl embedded_hal::spi::ErrorType for Flaky<spi::Mock<u8>> {
    type Error = embedded_hal::spi::ErrorKind;
}
impl embedded_hal::spi::SpiDevice for Flaky<spi::Mock<u8>> {
    fn transaction(
        &mut self,
        operations: &mut [embedded_hal::spi::Operation<'_, u8>],
    ) -> Result<(), Self::Error> {
        if !self.passes() {
            return Err(embedded_hal::spi::ErrorKind::Overrun);
        }
        embedded_hal::spi::SpiDevice::transaction(&mut self.bus, operations)
    }
}
impl embedded_hal_async::spi::SpiDevice for Flaky<spi::Mock<u8>> {
    async fn transaction(
        &mut self,
        operations: &mut [embedded_hal::spi::Operation<'_, u8>],
    ) -> Result<(), Self::Error> {
        embedded_hal::spi::SpiDevice::transaction(self, operations)
    }
}

/// What both kinds of driver do, with the bus's error left out.
type Outcome<T> = Result<T, ImuError<()>>;
trait Driver {
    fn start(&mut self) -> Outcome<()>;
    fn is_ready(&mut self) -> Outcome<bool>;
    fn read(&mut self) -> Outcome<ImuCounts>;
    fn sample(&mut self, now: Instant, last: ImuCounts) -> Sample<ImuCounts>;
    fn drain(&mut self, now: Instant, into: &mut [Sample<ImuCounts>]) -> Outcome<usize>;
    fn self_test(&mut self) -> Outcome<SelfTest>;
    fn verify(&mut self) -> Outcome<()>;
}

fn plain<E>(error: ImuError<E>) -> ImuError<()> {
    match error {
        ImuError::Bus(_) => ImuError::Bus(()),
        ImuError::UnknownDevice(id) => ImuError::UnknownDevice(id),
        ImuError::ConfigurationMismatch {
            register,
            expected,
            found,
        } => ImuError::ConfigurationMismatch {
            register,
            expected,
            found,
        },
        ImuError::NotStarted => ImuError::NotStarted,
        ImuError::TimedOut(register) => ImuError::TimedOut(register),
        ImuError::NoFifo => ImuError::NoFifo,
        ImuError::FifoOverflow => ImuError::FifoOverflow,
        ImuError::FifoCorrupt => ImuError::FifoCorrupt,
        _ => panic!("an error that this test does not know"),
    }
}

/// The mocks' futures never wait.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a mock waited"),
    }
}

macro_rules! driver {
    ($kind:ident, $($wait:tt)*) => {
        /// Through the trait, as a program that does not know its sensor.
        impl<B: $kind::Registers, C: Chip> Driver for $kind::Imu<B, C> {
            fn start(&mut self) -> Outcome<()> {
                let mut delay = NoopDelay::new();
                $($wait)*($kind::ImuSource::start(self, &mut delay)).map_err(plain)
            }
            fn is_ready(&mut self) -> Outcome<bool> {
                $($wait)*($kind::ImuSource::is_ready(self)).map_err(plain)
            }
            fn read(&mut self) -> Outcome<ImuCounts> {
                $($wait)*($kind::ImuSource::read(self)).map_err(plain)
            }
            fn sample(&mut self, now: Instant, last: ImuCounts) -> Sample<ImuCounts> {
                $($wait)*($kind::ImuSource::sample(self, now, last))
            }
            fn drain(&mut self, now: Instant, into: &mut [Sample<ImuCounts>]) -> Outcome<usize> {
                $($wait)*($kind::ImuSource::drain(self, now, into)).map_err(plain)
            }
            fn self_test(&mut self) -> Outcome<SelfTest> {
                let mut delay = NoopDelay::new();
                $($wait)*($kind::ImuSource::self_test(self, &mut delay)).map_err(plain)
            }
            fn verify(&mut self) -> Outcome<()> {
                $($wait)*($kind::ImuSource::verify(self)).map_err(plain)
            }
        }
    };
}
driver!(blocking, std::convert::identity);
driver!(asynchronous, ready);

/// Runs the same on four buses; each must see exactly the script, up to where it fails.
fn on_every_bus<C: Chip + Copy>(
    chip: C,
    script: &[Transfer],
    fails_at: Option<usize>,
    run: impl Fn(&mut dyn Driver),
) {
    let left = fails_at.unwrap_or(usize::MAX);
    let script = &script[..left.min(script.len())];
    let bus = || Flaky {
        bus: on_i2c(script),
        left,
    };
    let device = || Flaky {
        bus: on_spi(script, C::SPI_DUMMY),
        left,
    };
    let mut imu = blocking::Imu::over_i2c(bus(), ADDRESS, chip);
    run(&mut imu);
    imu.release().bus.done();
    let mut imu = asynchronous::Imu::over_i2c(bus(), ADDRESS, chip);
    run(&mut imu);
    imu.release().bus.done();
    let mut imu = blocking::Imu::over_spi(device(), chip);
    run(&mut imu);
    imu.release().bus.done();
    let mut imu = asynchronous::Imu::over_spi(device(), chip);
    run(&mut imu);
    imu.release().bus.done();
}

/// A chip, and what its data sheet says the transfers are. All of it written out by hand.
struct Sheet<C> {
    chip: C,
    /// Before the identity, and the identity.
    wake: Vec<Transfer>,
    identity: (u8, u8),
    reset: Vec<Transfer>,
    configuration: Vec<(u8, u8)>,
    ready: (u8, u8),
    /// A reading and what it means.
    data: (u8, Vec<u8>, ImuCounts),
    fifo_level: u8,
    fifo_data: u8,
    /// Level of one whole reading, and of a full FIFO.
    levels: [[u8; 2]; 3],
    frame: (Vec<u8>, ImuCounts),
    /// No reading.
    broken_frame: Vec<u8>,
    flush: Vec<Transfer>,
    period_micros: u64,
    /// A self-test that passes, and the place in it of a reading that decides.
    self_test: Vec<Transfer>,
}

impl<C: Chip + Copy> Sheet<C> {
    fn identification(&self, id: u8) -> Vec<Transfer> {
        let mut script = self.wake.clone();
        script.push(Read(self.identity.0, vec![id]));
        script
    }
    fn set_up(&self) -> Vec<Transfer> {
        let mut script = self.reset.clone();
        let write = |&(r, v): &(u8, u8)| Write(r, vec![v]);
        script.extend(self.configuration.iter().map(write));
        script.extend(self.read_back());
        script
    }
    fn read_back(&self) -> Vec<Transfer> {
        let read = |&(r, v): &(u8, u8)| Read(r, vec![v]);
        self.configuration.iter().map(read).collect()
    }
    fn start(&self) -> Vec<Transfer> {
        [self.identification(self.identity.1), self.set_up()].concat()
    }
    fn reading(&self) -> Transfer {
        Read(self.data.0, self.data.1.clone())
    }
    fn level(&self, level: [u8; 2]) -> Transfer {
        Read(self.fifo_level, level.to_vec())
    }
    fn started_with(&self, more: &[Transfer]) -> Vec<Transfer> {
        [self.start(), more.to_vec()].concat()
    }

    fn check(&self) {
        self.a_start_and_readings();
        self.another_device_and_a_silent_one();
        self.an_error_at_every_transfer();
        self.what_did_not_take_is_named();
        self.the_fifo();
        self.a_self_test();
    }

    fn a_start_and_readings(&self) {
        let (status, bits) = self.ready;
        let mut script = self.started_with(&[
            Read(status, vec![0]),
            Read(status, vec![bits]),
            self.reading(),
            self.reading(),
        ]);
        script.extend(self.read_back());
        let now = Instant::from_micros(7);
        on_every_bus(self.chip, &script, None, |imu| {
            assert_eq!(imu.read(), Err(ImuError::NotStarted));
            assert_eq!(imu.is_ready(), Err(ImuError::NotStarted));
            assert_eq!(imu.verify(), Err(ImuError::NotStarted));
            assert_eq!(imu.self_test(), Err(ImuError::NotStarted));
            assert_eq!(imu.start(), Ok(()));
            assert_eq!(imu.is_ready(), Ok(false));
            assert_eq!(imu.is_ready(), Ok(true));
            assert_eq!(imu.read(), Ok(self.data.2));
            let sample = imu.sample(now, ImuCounts::default());
            assert_eq!(sample, Sample::good(now, self.data.2));
            assert_eq!(imu.verify(), Ok(()));
        });
        // The next transfer fails: the last reading stands in, and is marked.
        on_every_bus(self.chip, &self.start(), Some(self.start().len()), |imu| {
            assert_eq!(imu.start(), Ok(()));
            let last = self.data.2;
            assert_eq!(imu.sample(now, last), Sample::failed(now, last));
        });
    }

    fn another_device_and_a_silent_one(&self) {
        let script = self.identification(0x5a);
        on_every_bus(self.chip, &script, None, |imu| {
            assert_eq!(imu.start(), Err(ImuError::UnknownDevice(0x5a)));
            assert_eq!(imu.read(), Err(ImuError::NotStarted));
        });
        // Nobody on the wires: ten questions, and no more. Then the chip has got its supply.
        for level in [0x00, 0xff] {
            let silent = vec![self.identification(level); 10].concat();
            on_every_bus(self.chip, &silent, None, |imu| {
                assert_eq!(imu.start(), Err(ImuError::UnknownDevice(level)));
            });
            let late = [vec![self.identification(level); 9].concat(), self.start()].concat();
            on_every_bus(self.chip, &late, None, |imu| {
                assert_eq!(imu.start(), Ok(()))
            });
        }
        on_every_bus(self.chip, &[], Some(0), |imu| {
            assert_eq!(imu.start(), Err(ImuError::Bus(())));
        });
    }

    fn an_error_at_every_transfer(&self) {
        let identified = self.identification(0).len();
        let script = self.start();
        for fails_at in identified..script.len() {
            on_every_bus(self.chip, &script, Some(fails_at), |imu| {
                assert_eq!(imu.start(), Err(ImuError::Bus(())), "transfer {fails_at}");
                assert_eq!(imu.read(), Err(ImuError::NotStarted));
            });
        }
    }

    fn what_did_not_take_is_named(&self) {
        let good = self.start();
        let first = good.len() - self.configuration.len();
        for (k, &(register, expected)) in self.configuration.iter().enumerate() {
            let found = expected ^ 0x10;
            let mut script = good[..first + k].to_vec();
            script.push(Read(register, vec![found]));
            let mismatch = ImuError::ConfigurationMismatch {
                register,
                expected,
                found,
            };
            on_every_bus(self.chip, &script, None, |imu| {
                assert_eq!(imu.start(), Err(mismatch));
            });
        }
    }

    fn the_fifo(&self) {
        let [one, three, full] = self.levels;
        let (bytes, counts) = &self.frame;
        let drained = |frames: usize| Read(self.fifo_data, bytes.repeat(frames));
        let broken = Read(self.fifo_data, self.broken_frame.clone());
        let now = Instant::from_micros(1_000_000);
        let at = |ago: u64| Instant::from_micros(1_000_000 - ago * self.period_micros);
        let script = self.started_with(
            &[
                vec![self.level([0, 0])],
                vec![self.level(three), drained(2)],
                vec![self.level(one), drained(1)],
                vec![self.level(full)],
                self.flush.clone(),
                vec![self.level(one), broken],
                self.flush.clone(),
                vec![self.level(one), drained(1)],
            ]
            .concat(),
        );
        on_every_bus(self.chip, &script, None, |imu| {
            let nothing = Sample::<ImuCounts>::default();
            let mut two = [nothing; 2];
            assert_eq!(imu.drain(now, &mut two), Err(ImuError::NotStarted));
            imu.start().unwrap();
            assert_eq!(imu.drain(now, &mut two), Ok(0));
            // Two of three, and one stays, which is the newest.
            assert_eq!(imu.drain(now, &mut two), Ok(2));
            assert_eq!(two, [2, 1].map(|ago| Sample::good(at(ago), *counts)));
            assert_eq!(imu.drain(now, &mut two), Ok(1));
            assert_eq!(two[0], Sample::good(now, *counts));
            assert_eq!(imu.drain(now, &mut two), Err(ImuError::FifoOverflow));
            assert_eq!(imu.drain(now, &mut two), Err(ImuError::FifoCorrupt));
            assert_eq!(imu.drain(now, &mut two), Ok(1));
            assert_eq!(two[0].health, Health::Good);
        });
        let first = self.start().len();
        for fails_at in first..script.len() {
            on_every_bus(self.chip, &script, Some(fails_at), |imu| {
                imu.start().unwrap();
                let mut two = [Sample::default(); 2];
                let mut failed = 0;
                for _ in 0..7 {
                    if imu.drain(now, &mut two) == Err(ImuError::Bus(())) {
                        failed += 1;
                        break;
                    }
                }
                assert_eq!(failed, 1, "transfer {fails_at}");
            });
        }
    }

    fn a_self_test(&self) {
        let script = self
            .started_with(&[self.self_test.clone(), self.set_up(), vec![self.reading()]].concat());
        on_every_bus(self.chip, &script, None, |imu| {
            imu.start().unwrap();
            let result = imu.self_test().unwrap();
            assert!(result.passed(), "{result:?}");
            assert_eq!(imu.read(), Ok(self.data.2));
        });
        // A mass that does not move.
        let stuck: Vec<_> = self
            .self_test
            .iter()
            .map(|transfer| match transfer {
                Read(register, bytes) if bytes.len() > 1 => Read(*register, vec![0; bytes.len()]),
                other => other.clone(),
            })
            .collect();
        let script = self.started_with(&[stuck, self.set_up()].concat());
        on_every_bus(self.chip, &script, None, |imu| {
            imu.start().unwrap();
            assert_eq!(imu.self_test().unwrap().accel, [false; 3]);
        });
        // Half tested is not started.
        let script = self.started_with(&self.self_test);
        for fails_at in self.start().len()..script.len() {
            on_every_bus(self.chip, &script, Some(fails_at), |imu| {
                imu.start().unwrap();
                assert_eq!(imu.self_test(), Err(ImuError::Bus(())));
                assert_eq!(imu.read(), Err(ImuError::NotStarted));
            });
        }
    }
}

fn write(register: u8, value: u8) -> Transfer {
    Write(register, vec![value])
}
/// Numbers as bytes, high or low byte first.
fn high_first(numbers: &[i16]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_be_bytes()).collect()
}
fn low_first(numbers: &[i16]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
}
const ACCEL: [i16; 3] = [1, -2, 0x1000];
const GYRO: [i16; 3] = [3, -4, -32_768];
fn counts(temperature: i16) -> ImuCounts {
    ImuCounts {
        accel: ACCEL,
        gyro: GYRO,
        temperature,
    }
}
fn wanted() -> ImuConfig {
    ImuConfig {
        accel_range_g: 8.0,
        gyro_range_deg_per_s: 1500.0,
        rate_hz: 900.0,
        data_ready_pin: true,
        fifo: true,
    }
}

#[test]
fn icm42688() {
    let reading = |accel: [i16; 3], gyro: [i16; 3]| {
        Read(
            0x1d,
            high_first(&[[7, accel[0], accel[1]].as_slice(), &accel[2..], &gyro].concat()),
        )
    };
    let averaged = |accel, gyro| vec![reading(accel, gyro); 16];
    let packet = [
        vec![0x68],
        high_first(&ACCEL),
        high_first(&GYRO),
        vec![2, 0xab, 0xcd],
    ]
    .concat();
    let mut empty = packet.clone();
    empty[0] = 0x80;
    Sheet {
        chip: Icm42688::new(&wanted()).unwrap(),
        wake: vec![write(0x76, 0)],
        identity: (0x75, 0x47),
        reset: vec![write(0x11, 0x01)],
        configuration: vec![
            (0x4f, 0x06),
            (0x50, 0x26),
            (0x52, 0x11),
            (0x14, 0x03),
            (0x64, 0x00),
            (0x65, 0x08),
            (0x5f, 0x07),
            (0x16, 0x40),
            (0x4e, 0x0f),
        ],
        ready: (0x2d, 0x08),
        data: (
            0x1d,
            high_first(&[vec![7], ACCEL.to_vec(), GYRO.to_vec()].concat()),
            counts(7),
        ),
        fifo_level: 0x2e,
        fifo_data: 0x30,
        levels: [[0, 16], [0, 48], [8, 0]],
        frame: (packet, counts(128)),
        broken_frame: empty,
        flush: vec![write(0x4b, 0x02)],
        period_micros: 1000,
        // Codes 1: 2620 counts.
        self_test: [
            vec![write(0x4f, 0x66), write(0x50, 0x66)],
            averaged([10, 20, 16_384], [5, -5, 9]),
            vec![write(0x70, 0x07)],
            averaged([10, 20, 16_384], [2005, 1995, -1991]),
            vec![write(0x70, 0x78)],
            averaged([2010, 2020, 18_384], [5, -5, 9]),
            vec![write(0x70, 0x00), write(0x76, 1)],
            (0x5f..0x62).map(|r| Read(r, vec![1])).collect(),
            vec![write(0x76, 2)],
            (0x3b..0x3e).map(|r| Read(r, vec![1])).collect(),
            vec![write(0x76, 0)],
        ]
        .concat(),
    }
    .check();
}

#[test]
fn lsm6dso() {
    let word = |tag: u8, axes: [i16; 3]| [vec![tag], low_first(&axes)].concat();
    let reading = |accel: [i16; 3], gyro: [i16; 3]| {
        Read(0x20, low_first(&[&[-3], gyro.as_slice(), &accel].concat()))
    };
    let averaged = |accel, gyro| vec![reading(accel, gyro); 5];
    Sheet {
        chip: Lsm6dso::new(&wanted()).unwrap(),
        wake: vec![],
        identity: (0x0f, 0x6c),
        reset: vec![
            write(0x12, 0x01),
            Read(0x12, vec![0x05]),
            Read(0x12, vec![0x04]),
        ],
        configuration: vec![
            (0x12, 0x44),
            (0x10, 0x8c),
            (0x11, 0x8c),
            (0x0d, 0x02),
            (0x09, 0x88),
            (0x0a, 0x06),
        ],
        ready: (0x1e, 0x03),
        data: (
            0x20,
            low_first(&[vec![-3], GYRO.to_vec(), ACCEL.to_vec()].concat()),
            counts(-3),
        ),
        fifo_level: 0x3a,
        fifo_data: 0x78,
        levels: [[2, 0], [6, 0], [0xff, 0x43]],
        frame: ([word(0x0b, GYRO), word(0x12, ACCEL)].concat(), counts(0)),
        // Two of the gyroscope.
        broken_frame: [word(0x0b, GYRO), word(0x0b, GYRO)].concat(),
        flush: vec![write(0x0a, 0x00), write(0x0a, 0x06)],
        period_micros: 600,
        self_test: [
            vec![write(0x12, 0x44), write(0x11, 0x00), write(0x10, 0x38)],
            averaged([10, 20, 8196], [0, 0, 0]),
            vec![write(0x14, 0x01)],
            averaged([1010, 1020, 9196], [0, 0, 0]),
            vec![write(0x14, 0x00), write(0x10, 0x00), write(0x11, 0x5c)],
            averaged([0, 0, 0], [3, 4, 5]),
            vec![write(0x14, 0x04)],
            averaged([0, 0, 0], [5003, -4996, 5005]),
            vec![write(0x14, 0x00)],
        ]
        .concat(),
    }
    .check();
}

static MICROCODE: [u8; 8192] = {
    let mut bytes = [0; 8192];
    let mut k = 0;
    while k < 8192 {
        bytes[k] = (k % 251) as u8;
        k += 1;
    }
    bytes
};

#[test]
fn bmi270() {
    let boot = {
        let mut script = vec![
            write(0x7e, 0xb6),
            Read(0x00, vec![0x55]),
            write(0x7c, 0x00),
            write(0x59, 0x00),
        ];
        for (piece, bytes) in MICROCODE.chunks(128).enumerate() {
            let word = piece * 64;
            script.push(Write(0x5b, vec![(word % 16) as u8, (word / 16) as u8]));
            script.push(Write(0x5e, bytes.to_vec()));
        }
        script.extend([
            write(0x59, 0x01),
            Read(0x21, vec![0x00]),
            Read(0x21, vec![0x01]),
        ]);
        script
    };
    let reading = |accel: [i16; 3]| Read(0x0c, low_first(&[accel, [0; 3]].concat()));
    Sheet {
        chip: Bmi270::new(&wanted(), &MICROCODE).unwrap(),
        wake: vec![Read(0x00, vec![0x00])],
        identity: (0x00, 0x24),
        reset: boot.clone(),
        configuration: vec![
            (0x40, 0xac),
            (0x41, 0x02),
            (0x42, 0xec),
            (0x43, 0x00),
            (0x53, 0x0a),
            (0x58, 0x04),
            (0x48, 0x00),
            (0x49, 0xc0),
            (0x7d, 0x0e),
        ],
        ready: (0x03, 0xc0),
        data: (0x0c, low_first(&[ACCEL, GYRO].concat()), counts(0)),
        fifo_level: 0x24,
        fifo_data: 0x26,
        levels: [[12, 0], [36, 0], [0x00, 0x08]],
        frame: (low_first(&[GYRO, ACCEL].concat()), counts(0)),
        broken_frame: [0x00, 0x80].repeat(6),
        flush: vec![write(0x7e, 0xb0)],
        period_micros: 625,
        self_test: [
            vec![
                write(0x7d, 0x04),
                write(0x41, 0x03),
                write(0x6d, 0x08),
                write(0x40, 0xac),
                write(0x6d, 0x0d),
                reading([18_000, -16_000, 13_000]),
                write(0x6d, 0x09),
                reading([-18_000, 16_000, -11_000]),
                write(0x6d, 0x00),
            ],
            boot,
            vec![
                write(0x7d, 0x04),
                write(0x7e, 0x02),
                Read(0x6e, vec![0x00]),
                Read(0x6e, vec![0x0f]),
                Read(0x6e, vec![0x0f]),
            ],
        ]
        .concat(),
    }
    .check();
    let short = Bmi270::new(&wanted(), &MICROCODE[..8000]);
    let wrong = balance_core::ConfigError::OutOfRange("microcode");
    assert_eq!(short.err(), Some(wrong));
}

/// A chip that never says that it is done is given up.
#[test]
fn waiting_ends() {
    let sheet = |answers: usize| {
        let mut script = vec![Read(0x0f, vec![0x6c]), write(0x12, 0x01)];
        script.extend(vec![Read(0x12, vec![0x01]); answers]);
        script
    };
    let chip = Lsm6dso::new(&wanted()).unwrap();
    on_every_bus(chip, &sheet(10), None, |imu| {
        assert_eq!(imu.start(), Err(ImuError::TimedOut(0x12)));
    });
}

#[test]
fn mpu6500() {
    let config = ImuConfig {
        gyro_range_deg_per_s: 1000.0,
        ..wanted()
    };
    let reading = |accel: [i16; 3], gyro: [i16; 3]| {
        Read(0x3b, high_first(&[accel.as_slice(), &[7], &gyro].concat()))
    };
    let averaged = |accel, gyro| vec![reading(accel, gyro); 32];
    let data = high_first(&[ACCEL.as_slice(), &[7], &GYRO].concat());
    let sheet = Sheet {
        chip: Mpu6050Config::new(&config, mpu6050::Address::Ad0High).unwrap(),
        wake: vec![],
        identity: (0x75, 0x70),
        reset: vec![write(0x6b, 0x80), write(0x68, 0x07)],
        configuration: vec![
            (0x6b, 0x01),
            (0x6c, 0x00),
            (0x19, 0x00),
            (0x1a, 0x01),
            (0x1b, 0x10),
            (0x1c, 0x10),
            (0x38, 0x01),
            (0x1d, 0x01),
            (0x23, 0xf8),
            (0x6a, 0x40),
        ],
        ready: (0x3a, 0x01),
        data: (0x3b, data.clone(), counts(7)),
        fifo_level: 0x72,
        fifo_data: 0x74,
        levels: [[0, 14], [0, 42], [2, 0]],
        frame: (data.clone(), counts(7)),
        broken_frame: data,
        flush: vec![write(0x6a, 0x04), write(0x6a, 0x40)],
        period_micros: 1000,
        self_test: [
            vec![write(0x1a, 0x02), write(0x19, 0x00), write(0x1d, 0x02)],
            vec![write(0x1b, 0x00), write(0x1c, 0x00)],
            averaged([10, 20, 16_384], [5, -5, 9]),
            vec![write(0x1b, 0xe0), write(0x1c, 0xe0)],
            averaged([2010, 2020, 18_384], [2005, 1995, -1991]),
            [0x00, 0x01, 0x02, 0x0d, 0x0e, 0x0f]
                .map(|r| Read(r, vec![1]))
                .to_vec(),
        ]
        .concat(),
    };
    sheet.a_start_and_readings();
    sheet.another_device_and_a_silent_one();
    sheet.an_error_at_every_transfer();
    sheet.what_did_not_take_is_named();
    sheet.a_self_test();
    // Any fourteen bytes are a reading: no frame is broken, but more than whole readings is an overflow.
    let script = sheet.started_with(
        &[
            vec![sheet.level([0x01, 0xf8]), Read(0x74, sheet.data.1.clone())],
            vec![sheet.level([0x01, 0xf9])],
            sheet.flush.clone(),
        ]
        .concat(),
    );
    on_every_bus(sheet.chip, &script, None, |imu| {
        imu.start().unwrap();
        let mut one = [Sample::default()];
        // 36 readings; this is the oldest.
        let now = Instant::from_micros(50_000);
        assert_eq!(imu.drain(now, &mut one), Ok(1));
        assert_eq!(
            one[0],
            Sample::good(Instant::from_micros(15_000), counts(7))
        );
        assert_eq!(imu.drain(now, &mut one), Err(ImuError::FifoOverflow));
    });
}

/// Without a FIFO nothing is asked, and many readings come in several transfers.
#[test]
fn a_fifo_that_was_not_asked_for_and_a_long_one() {
    let off = ImuConfig {
        fifo: false,
        data_ready_pin: false,
        ..wanted()
    };
    let chip = Lsm6dso::new(&off).unwrap();
    let mut script = vec![
        Read(0x0f, vec![0x6c]),
        write(0x12, 0x01),
        Read(0x12, vec![0x04]),
    ];
    let registers = [(0x12, 0x44), (0x10, 0x8c), (0x11, 0x8c), (0x0d, 0x00)];
    script.extend(registers.map(|(r, v)| write(r, v)));
    script.extend(registers.map(|(r, v)| Read(r, vec![v])));
    on_every_bus(chip, &script, None, |imu| {
        imu.start().unwrap();
        let mut one = [Sample::default()];
        assert_eq!(
            imu.drain(Instant::default(), &mut one),
            Err(ImuError::NoFifo)
        );
    });

    let chip = Mpu6050Config {
        fifo: true,
        ..Default::default()
    };
    let frame = |k: i16| high_first(&[k, 0, 0, 0, 0, 0, 0]);
    let frames = |range: std::ops::Range<i16>| Read(0x74, range.flat_map(frame).collect());
    let registers = [
        (0x6b, 0x01),
        (0x6c, 0x00),
        (0x19, 0x00),
        (0x1a, 0x02),
        (0x1b, 0x08),
        (0x1c, 0x08),
        (0x38, 0x00),
        (0x23, 0xf8),
        (0x6a, 0x40),
    ];
    let mut script = vec![Read(0x75, vec![0x68]), write(0x6b, 0x80), write(0x68, 0x07)];
    script.extend(registers.map(|(r, v)| write(r, v)));
    script.extend(registers.map(|(r, v)| Read(r, vec![v])));
    // 20 readings: nine fit a transfer.
    script.extend([
        Read(0x72, vec![1, 0x18]),
        frames(0..9),
        frames(9..18),
        frames(18..20),
    ]);
    on_every_bus(chip, &script, None, |imu| {
        imu.start().unwrap();
        let mut many = [Sample::default(); 30];
        let now = Instant::from_micros(100_000);
        assert_eq!(imu.drain(now, &mut many), Ok(20));
        for (k, sample) in many.iter().take(20).enumerate() {
            assert_eq!(sample.value.accel[0], k as i16);
            assert_eq!(sample.time.as_micros(), 100_000 - 1000 * (19 - k as u64));
        }
    });
}

/// A count is worth what the data sheets say.
#[test]
fn scales() {
    let close = |got: f32, wanted: f64| {
        assert!(
            (f64::from(got) / wanted - 1.0).abs() < 2e-3,
            "{got} {wanted}"
        );
    };
    let (g, degree) = (9.806_65, 1_f64.to_radians());
    for (range, per_g) in [
        (2.0, 16_384.0),
        (4.0, 8192.0),
        (8.0, 4096.0),
        (16.0, 2048.0),
    ] {
        let config = ImuConfig {
            accel_range_g: range,
            ..wanted()
        };
        close(Icm42688::new(&config).unwrap().scale().accel, g / per_g);
        close(
            Bmi270::new(&config, &MICROCODE).unwrap().scale().accel,
            g / per_g,
        );
        close(
            Lsm6dso::new(&config).unwrap().scale().accel,
            g * f64::from(range) / 2.0 * 0.061e-3,
        );
    }
    for (range, per_degree) in [
        (125.0, 262.4),
        (250.0, 131.2),
        (500.0, 65.6),
        (2000.0, 16.4),
    ] {
        let config = ImuConfig {
            gyro_range_deg_per_s: range,
            ..wanted()
        };
        close(
            Icm42688::new(&config).unwrap().scale().gyro,
            degree / per_degree,
        );
        close(
            Bmi270::new(&config, &MICROCODE).unwrap().scale().gyro,
            degree / per_degree,
        );
        close(
            Lsm6dso::new(&config).unwrap().scale().gyro,
            degree * f64::from(range) * 35e-6,
        );
    }
}
