//! Channels of the LED controller (LEDC) as motor channels: every chip of the family has it.

use core::convert::Infallible;

use embedded_hal::pwm::{ErrorType, SetDutyCycle};
use esp_hal::gpio::DriveMode;
use esp_hal::gpio::interconnect::PeripheralOutput;
use esp_hal::ledc::channel::{self, Channel, ChannelHW as _, ChannelIFace as _};
use esp_hal::ledc::timer::{self, Timer, TimerIFace as _};
use esp_hal::ledc::{LSGlobalClkSource, Ledc, LowSpeed};
use esp_hal::peripherals::LEDC;
use esp_hal::time::Rate;
use static_cell::StaticCell;

/// Above hearing, below what the usual H-bridges stop following (DRV8833: 50 kHz).
pub const MOTOR_PWM_HZ: u32 = 20_000;

/// Bits of a duty: 80 MHz / 20 kHz = 4000 steps, of which the timer can do 2¹¹.
const BITS: timer::config::Duty = timer::config::Duty::Duty11Bit;
const STEPS: u16 = 1 << 11;

/// The LED controller with one of its timers running.
pub struct MotorPwm {
    ledc: Ledc<'static>,
    timer: &'static Timer<'static, LowSpeed>,
}

/// The frequency cannot be had, or the channel does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrequencyOutOfRange;

impl MotorPwm {
    /// Takes the LED controller and starts its timer 0. Call it once; a second call panics.
    ///
    /// # Errors
    ///
    /// [`FrequencyOutOfRange`] above 39 kHz, or below 39 Hz.
    pub fn new(ledc: LEDC<'static>, frequency_hz: u32) -> Result<Self, FrequencyOutOfRange> {
        static TIMER: StaticCell<Timer<'static, LowSpeed>> = StaticCell::new();
        let mut ledc = Ledc::new(ledc);
        ledc.set_global_slow_clock(LSGlobalClkSource::APBClk);
        let timer = TIMER.init(ledc.timer::<LowSpeed>(timer::Number::Timer0));
        timer
            .configure(timer::config::Config {
                duty: BITS,
                clock_source: timer::LSClockSource::APBClk,
                frequency: Rate::from_hz(frequency_hz),
            })
            .map_err(|_| FrequencyOutOfRange)?;
        Ok(Self { ledc, timer })
    }

    /// One channel on a pin, at duty zero. Each number may be taken once.
    ///
    /// # Errors
    ///
    /// [`FrequencyOutOfRange`] if esp-hal refuses the channel.
    pub fn channel(
        &self,
        number: channel::Number,
        pin: impl PeripheralOutput<'static>,
    ) -> Result<MotorChannel, FrequencyOutOfRange> {
        let mut channel = self.ledc.channel::<LowSpeed>(number, pin);
        channel
            .configure(channel::config::Config {
                timer: self.timer,
                duty_pct: 0,
                drive_mode: DriveMode::PushPull,
            })
            .map_err(|_| FrequencyOutOfRange)?;
        Ok(MotorChannel(channel))
    }
}

/// One PWM output.
///
/// A new duty takes effect at the end of the running period, so there is never a runt pulse. Full
/// duty is really full: the pin does not fall between periods.
pub struct MotorChannel(Channel<'static, LowSpeed>);

#[allow(unsafe_code)]
// SAFETY: it refers to registers, and to a timer that `MotorPwm::new` has configured and nobody
// changes thereafter.
unsafe impl Send for MotorChannel {}

impl ErrorType for MotorChannel {
    type Error = Infallible;
}

impl SetDutyCycle for MotorChannel {
    #[inline]
    fn max_duty_cycle(&self) -> u16 {
        STEPS
    }

    #[inline]
    fn set_duty_cycle(&mut self, duty: u16) -> Result<(), Infallible> {
        self.0.set_duty_hw(duty.min(STEPS).into());
        Ok(())
    }
}
