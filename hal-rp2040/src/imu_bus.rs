//! An I²C bus that always answers in bounded time.
//!
//! A sensor that loses its power in the middle of a byte, a cable that comes loose or a level
//! that hangs leaves an I²C transfer waiting for ever, and with it a robot that keeps its last
//! duty. Here each transfer has a deadline; the transfer after one that missed it first frees the
//! bus by the standard's own procedure: up to nine clocks, until the slave lets go of the data
//! line, and a stop (NXP UM10204, "I²C-bus specification and user manual", rev. 7, 3.1.16).

use embassy_rp::Peri;
use embassy_rp::i2c::{Async, Config, I2c, Instance, InterruptHandler, SclPin, SdaPin};
use embassy_rp::interrupt::typelevel::Binding;
use embassy_rp::pac;
use embassy_rp::peripherals::{I2C0, I2C1};
use embassy_time::{Duration, Timer, with_timeout};
use embedded_hal::i2c::{ErrorKind, ErrorType, NoAcknowledgeSource, Operation};

/// The fastest clock of an MPU-6050.
pub const IMU_BUS_HZ: u32 = 400_000;

/// What can go wrong on the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The controller said so: no acknowledge, arbitration lost, unusable arguments.
    Bus(embassy_rp::i2c::Error),
    /// The transfer was not done by its deadline. The next one starts by freeing the bus.
    TimeOut,
}

impl embedded_hal::i2c::Error for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            // embassy-rp calls a missing acknowledge "address"; the hardware cannot always tell.
            Self::Bus(error) => match embedded_hal::i2c::Error::kind(error) {
                ErrorKind::NoAcknowledge(_) => {
                    ErrorKind::NoAcknowledge(NoAcknowledgeSource::Unknown)
                }
                kind => kind,
            },
            Self::TimeOut => ErrorKind::Bus,
        }
    }
}

/// A controller this bus can run on: `I2C0` or `I2C1`.
pub trait Port: Instance {
    /// Its registers.
    const REGISTERS: pac::i2c::I2c;
    /// Holds it in reset (`true`) or lets it go.
    fn hold_in_reset(hold: bool);
}

impl Port for I2C0 {
    const REGISTERS: pac::i2c::I2c = pac::I2C0;
    fn hold_in_reset(hold: bool) {
        pac::RESETS.reset().modify(|w| w.set_i2c0(hold));
    }
}

impl Port for I2C1 {
    const REGISTERS: pac::i2c::I2c = pac::I2C1;
    fn hold_in_reset(hold: bool) {
        pac::RESETS.reset().modify(|w| w.set_i2c1(hold));
    }
}

/// A bus with a deadline for each transfer. Implements `embedded_hal_async::i2c::I2c`.
pub struct ImuBus<'d, P: Port> {
    controller: I2c<'d, P, Async>,
    scl: usize,
    sda: usize,
    deadline: Duration,
    stuck: bool,
    time_outs: u32,
}

impl<'d, P: Port> ImuBus<'d, P> {
    /// Takes a controller and its pins, at 400 kHz, pull-ups on.
    ///
    /// `deadline_micros` bounds every transfer, the freeing of a stuck bus included. A burst of 14
    /// bytes takes 410 µs and freeing the bus up to 250 µs; with 800 µs both fit a period of 1 ms.
    pub fn new(
        port: Peri<'d, P>,
        scl: Peri<'d, impl SclPin<P>>,
        sda: Peri<'d, impl SdaPin<P>>,
        interrupt: impl Binding<P::Interrupt, InterruptHandler<P>>,
        deadline_micros: u32,
    ) -> Self {
        let mut config = Config::default();
        config.frequency = IMU_BUS_HZ;
        Self {
            scl: scl.pin().into(),
            sda: sda.pin().into(),
            controller: I2c::new_async(port, scl, sda, interrupt, config),
            deadline: Duration::from_micros(deadline_micros.into()),
            stuck: false,
            time_outs: 0,
        }
    }

    /// Transfers that missed their deadline since the start; saturates.
    pub const fn time_outs(&self) -> u32 {
        self.time_outs
    }

    /// Takes the controller out of whatever it waits for, and the bus from whoever holds it.
    async fn free_bus(&mut self) {
        let registers = P::REGISTERS;
        let timing = (
            registers.ic_fs_scl_hcnt().read(),
            registers.ic_fs_scl_lcnt().read(),
            registers.ic_fs_spklen().read(),
            registers.ic_sda_hold().read(),
        );
        // An abort is not enough: the controller does not finish one while the data line is low.
        P::hold_in_reset(true);
        let scl = OpenDrain::take(self.scl);
        let sda = OpenDrain::take(self.sda);
        for _ in 0..9 {
            if sda.is_high() {
                break;
            }
            scl.pull_low();
            half_clock().await;
            scl.release();
            half_clock().await;
        }
        // A stop: the data line rises while the clock is high.
        scl.pull_low();
        sda.pull_low();
        half_clock().await;
        scl.release();
        half_clock().await;
        sda.release();
        half_clock().await;
        scl.give_to_controller();
        sda.give_to_controller();
        P::hold_in_reset(false);
        registers.ic_enable().write(|w| w.set_enable(false));
        registers
            .ic_intr_mask()
            .write_value(pac::i2c::regs::IcIntrMask(0));
        registers.ic_fs_scl_hcnt().write_value(timing.0);
        registers.ic_fs_scl_lcnt().write_value(timing.1);
        registers.ic_fs_spklen().write_value(timing.2);
        registers.ic_sda_hold().write_value(timing.3);
        registers.ic_enable().write(|w| w.set_enable(true));
    }
}

/// Half a period of a 100 kHz clock, which the slowest slave follows.
async fn half_clock() {
    Timer::after(Duration::from_micros(5)).await;
}

/// A pin that is either pulled low or left to its pull-up.
struct OpenDrain {
    pin: usize,
}

impl OpenDrain {
    const FUNCTION_SIO: u8 = 5;
    const FUNCTION_I2C: u8 = 3;

    fn take(pin: usize) -> Self {
        let line = Self { pin };
        line.release();
        pac::SIO.gpio_out(0).value_clr().write_value(line.mask());
        line.select(Self::FUNCTION_SIO);
        line
    }
    const fn mask(&self) -> u32 {
        1 << self.pin
    }
    fn select(&self, function: u8) {
        pac::IO_BANK0
            .gpio(self.pin)
            .ctrl()
            .write(|w| w.set_funcsel(function));
    }
    fn pull_low(&self) {
        pac::SIO.gpio_oe(0).value_set().write_value(self.mask());
    }
    fn release(&self) {
        pac::SIO.gpio_oe(0).value_clr().write_value(self.mask());
    }
    fn is_high(&self) -> bool {
        pac::SIO.gpio_in(0).read() & self.mask() != 0
    }
    fn give_to_controller(self) {
        self.select(Self::FUNCTION_I2C);
    }
}

impl<P: Port> ErrorType for ImuBus<'_, P> {
    type Error = Error;
}

impl<P: Port> embedded_hal_async::i2c::I2c for ImuBus<'_, P> {
    async fn transaction(
        &mut self,
        address: u8,
        operations: &mut [Operation<'_>],
    ) -> Result<(), Error> {
        let deadline = self.deadline;
        let transfer = async {
            if self.stuck {
                self.free_bus().await;
                self.stuck = false;
            }
            let controller = &mut self.controller;
            embedded_hal_async::i2c::I2c::transaction(controller, address, operations).await
        };
        match with_timeout(deadline, transfer).await {
            Ok(result) => result.map_err(Error::Bus),
            Err(_) => {
                self.stuck = true;
                self.time_outs = self.time_outs.saturating_add(1);
                Err(Error::TimeOut)
            }
        }
    }
}
