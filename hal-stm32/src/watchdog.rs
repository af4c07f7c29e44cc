//! The independent watchdog: a loop that stops running resets the chip, and with it the motors.

use embassy_stm32::Peri;
use embassy_stm32::wdg::{IndependentWatchdog, Instance};

/// The longest time-out asked of the hardware, in microseconds; its own oscillator is only good to
/// some ten percent, and slower than 32 kHz on no family.
pub const MAX_TIMEOUT_MICROS: u32 = 20_000_000;

/// A running watchdog. It cannot be stopped.
///
/// After its reset all pins float, so that an H-bridge whose inputs have pull-downs (the usual ones
/// do) lets the motors coast. A debugger that halts the core does not halt the watchdog.
pub struct Watchdog<T: Instance + 'static>(IndependentWatchdog<'static, T>);

impl<T: Instance> Watchdog<T> {
    /// Starts the watchdog with a time-out in microseconds, from 1000 to [`MAX_TIMEOUT_MICROS`].
    pub fn start(peripheral: Peri<'static, T>, timeout_micros: u32) -> Self {
        let timeout = timeout_micros.clamp(1000, MAX_TIMEOUT_MICROS);
        let mut watchdog = IndependentWatchdog::new(peripheral, timeout);
        watchdog.unleash();
        Self(watchdog)
    }

    /// Grants another time-out. Call it once per control tick, after the tick's work: never from
    /// an interrupt or a task that would go on while the loop hangs.
    #[inline]
    pub fn feed(&mut self) {
        self.0.pet();
    }
}
