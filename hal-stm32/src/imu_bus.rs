//! An I²C bus that always answers in bounded time.
//!
//! A sensor that loses its power in the middle of a byte, a cable that comes loose or a level
//! that hangs leaves an I²C transfer waiting for ever, and with it a robot that keeps its last
//! duty. Here each transfer has a deadline; the transfer after one that missed it first frees the
//! bus by the standard's own procedure ([`recover_i2c_bus`]) and resets the controller.

use core::convert::Infallible;

use balance_core::sensor::recover_i2c_bus;
use embassy_embedded_hal::SetConfig;
use embassy_stm32::gpio::{AnyPin, Pin};
use embassy_stm32::i2c::{I2c, Instance, Master};
use embassy_stm32::mode::Async;
use embassy_stm32::time::{Hertz, hz};
use embassy_stm32::{Peri, pac, rcc};
use embassy_time::{Delay, Duration, with_timeout};
use embedded_hal::i2c::{ErrorKind, ErrorType, Operation};

/// The fastest clock of an MPU-6050.
pub const IMU_BUS_HZ: u32 = 400_000;

/// What can go wrong on the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The controller said so: no acknowledge, arbitration lost, unusable arguments.
    Bus(embassy_stm32::i2c::Error),
    /// The transfer was not done by its deadline. The next one starts by freeing the bus.
    TimeOut,
}

impl embedded_hal::i2c::Error for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Bus(error) => embedded_hal::i2c::Error::kind(error),
            Self::TimeOut => ErrorKind::Bus,
        }
    }
}

/// The controller and the pins of a bus, to be remembered before embassy-stm32's driver takes them.
pub struct BusLines<T: Instance> {
    registers: pac::i2c::I2c,
    scl: OpenDrain,
    sda: OpenDrain,
    _port: core::marker::PhantomData<T>,
}

impl<T: Instance> BusLines<T> {
    /// Of the controller `port`, whose registers are `registers`, on the pins `scl` and `sda`.
    pub fn of(
        _port: &Peri<'static, T>,
        registers: pac::i2c::I2c,
        scl: &Peri<'static, impl Pin>,
        sda: &Peri<'static, impl Pin>,
    ) -> Self {
        Self {
            registers,
            scl: OpenDrain::copy_of(scl),
            sda: OpenDrain::copy_of(sda),
            _port: core::marker::PhantomData,
        }
    }
}

/// A bus with a deadline for each transfer. Implements `embedded_hal_async::i2c::I2c`.
pub struct ImuBus<'d, T: Instance> {
    controller: I2c<'d, Async, Master>,
    lines: BusLines<T>,
    deadline: Duration,
    stuck: bool,
    time_outs: u32,
}

impl<'d, T: Instance> ImuBus<'d, T> {
    /// Takes a controller at [`IMU_BUS_HZ`] and the lines it runs on.
    ///
    /// `deadline_micros` bounds every transfer, the freeing of a stuck bus included. A burst of 14
    /// bytes takes 410 µs and freeing the bus up to 120 µs; with 800 µs both fit a period of 1 ms.
    ///
    /// ```ignore
    /// let lines = BusLines::of(&p.I2C1, pac::I2C1, &p.PB8, &p.PB9);
    /// let mut config = i2c::Config::default();
    /// config.frequency = hz(IMU_BUS_HZ);
    /// let i2c = I2c::new(p.I2C1, p.PB8, p.PB9, p.DMA1_CH7, p.DMA1_CH0, Interrupts, config);
    /// let bus = ImuBus::new(i2c, lines, 800);
    /// ```
    pub fn new(
        controller: I2c<'d, Async, Master>,
        lines: BusLines<T>,
        deadline_micros: u32,
    ) -> Self {
        Self {
            controller,
            lines,
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
    /// Waits, at most 0.12 ms.
    fn free_bus(&mut self) {
        let BusLines {
            registers,
            scl,
            sda,
            ..
        } = &mut self.lines;
        scl.take();
        sda.take();
        // Whether the bus is free shows with the transfer that follows.
        let _ = recover_i2c_bus(scl, sda, &mut Delay);
        scl.give_to_controller();
        sda.give_to_controller();
        // The busy flag of the controller may be stuck as well, and then only a reset helps.
        rcc::enable_and_reset_without_stop::<T>();
        let frequency: Hertz = hz(IMU_BUS_HZ);
        let _ = SetConfig::set_config(&mut self.controller, &frequency);
        registers.cr1().modify(|w| w.set_pe(true));
    }
}

/// A pin that is either pulled low or left to its pull-up.
struct OpenDrain(Peri<'static, AnyPin>);

impl OpenDrain {
    #[allow(unsafe_code)]
    fn copy_of(pin: &Peri<'static, impl Pin>) -> Self {
        // SAFETY: the other owner is the controller's driver, which does not touch its pins until
        // it is dropped, and `ImuBus` drops both together.
        Self(unsafe { pin.clone_unchecked() }.into())
    }
    fn take(&mut self) {
        let _ = embedded_hal::digital::OutputPin::set_high(self);
        self.select(true);
    }
    fn give_to_controller(&mut self) {
        self.select(false);
    }
    /// Connects the pin, open drain as it is, with its output bit or with the controller.
    fn select(&self, software: bool) {
        let (block, pin) = (self.0.block(), usize::from(self.0.pin()));
        critical_section::with(|_| {
            #[cfg(not(feature = "f1"))]
            block.moder().modify(|w| {
                let mode = if software {
                    pac::gpio::vals::Moder::OUTPUT
                } else {
                    pac::gpio::vals::Moder::ALTERNATE
                };
                w.set_moder(pin, mode);
            });
            #[cfg(feature = "f1")]
            block.cr(pin / 8).modify(|w| {
                let output = if software {
                    pac::gpio::vals::CnfOut::OPEN_DRAIN
                } else {
                    pac::gpio::vals::CnfOut::ALT_OPEN_DRAIN
                };
                w.set_cnf_out(pin % 8, output);
            });
        });
    }
}

impl embedded_hal::digital::ErrorType for OpenDrain {
    type Error = Infallible;
}

impl embedded_hal::digital::OutputPin for OpenDrain {
    fn set_low(&mut self) -> Result<(), Infallible> {
        let pin = usize::from(self.0.pin());
        self.0.block().bsrr().write(|w| w.set_br(pin, true));
        Ok(())
    }
    fn set_high(&mut self) -> Result<(), Infallible> {
        let pin = usize::from(self.0.pin());
        self.0.block().bsrr().write(|w| w.set_bs(pin, true));
        Ok(())
    }
}

impl embedded_hal::digital::InputPin for OpenDrain {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        let pin = usize::from(self.0.pin());
        let level = self.0.block().idr().read().idr(pin);
        Ok(level == pac::gpio::vals::Idr::HIGH)
    }
    fn is_low(&mut self) -> Result<bool, Infallible> {
        self.is_high().map(|high| !high)
    }
}

impl<T: Instance> ErrorType for ImuBus<'_, T> {
    type Error = Error;
}

impl<T: Instance> embedded_hal_async::i2c::I2c for ImuBus<'_, T> {
    async fn transaction(
        &mut self,
        address: u8,
        operations: &mut [Operation<'_>],
    ) -> Result<(), Error> {
        let deadline = self.deadline;
        let transfer = async {
            if self.stuck {
                self.free_bus();
                self.stuck = false;
            }
            let controller = &mut self.controller;
            embedded_hal_async::i2c::I2c::transaction(controller, address, operations).await
        };
        match with_timeout(deadline, transfer).await {
            Ok(Err(embassy_stm32::i2c::Error::Timeout)) | Err(_) => {
                self.stuck = true;
                self.time_outs = self.time_outs.saturating_add(1);
                Err(Error::TimeOut)
            }
            Ok(result) => result.map_err(Error::Bus),
        }
    }
}
