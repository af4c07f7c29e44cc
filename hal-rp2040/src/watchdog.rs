//! The hardware watchdog: a loop that stops running resets the chip, and with it the motors.

use embassy_rp::Peri;
use embassy_rp::peripherals::WATCHDOG;
use embassy_time::Duration;

pub use embassy_rp::watchdog::ResetReason;

/// The longest time-out the hardware can count, in microseconds.
pub const MAX_TIMEOUT_MICROS: u32 = 0x00ff_ffff / 2;

/// A running watchdog. It cannot be stopped.
///
/// After its reset all pins float with their pull-downs, so that an H-bridge with low inputs lets
/// the motors coast.
pub struct Watchdog {
    inner: embassy_rp::watchdog::Watchdog,
    timeout_micros: u32,
}

impl Watchdog {
    /// Starts the watchdog with a time-out in microseconds, at most [`MAX_TIMEOUT_MICROS`].
    ///
    /// A debugger that halts the core halts the watchdog too.
    pub fn start(peripheral: Peri<'static, WATCHDOG>, timeout_micros: u32) -> Self {
        let timeout_micros = timeout_micros.min(MAX_TIMEOUT_MICROS);
        let mut inner = embassy_rp::watchdog::Watchdog::new(peripheral);
        inner.pause_on_debug(true);
        inner.start(Duration::from_micros(timeout_micros.into()));
        Self {
            inner,
            timeout_micros,
        }
    }

    /// Grants another time-out. Call it once per control tick, after the tick's work: never from
    /// an interrupt or a task that would go on while the loop hangs.
    #[inline]
    pub fn feed(&mut self) {
        self.inner
            .feed(Duration::from_micros(self.timeout_micros.into()));
    }

    /// Grants a time of its own, until the next feeding: for what is known to hold the loop up while
    /// the motors are off, such as the erasing of flash.
    pub fn feed_for(&mut self, micros: u32) {
        let micros = micros.min(MAX_TIMEOUT_MICROS);
        self.inner.feed(Duration::from_micros(micros.into()));
    }

    /// Why the watchdog reset the chip, if it did.
    pub fn last_reset(&mut self) -> Option<ResetReason> {
        self.inner.reset_reason()
    }
}
