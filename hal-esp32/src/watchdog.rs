//! A timer group's watchdog: a loop that stops running resets the chip, and with it the motors.

use esp_hal::time::Duration;
use esp_hal::timer::timg::{MwdtStage, MwdtStageAction, TimerGroupInstance, Wdt};

/// A running watchdog.
///
/// After its reset all pins float, so that an H-bridge whose inputs have pull-downs (the usual ones
/// do) lets the motors coast.
pub struct Watchdog<TG: TimerGroupInstance>(Wdt<TG>);

impl<TG: TimerGroupInstance> Watchdog<TG> {
    /// Starts the watchdog of a timer group with a time-out in microseconds.
    pub fn start(mut watchdog: Wdt<TG>, timeout_micros: u32) -> Self {
        watchdog.set_stage_action(MwdtStage::Stage0, MwdtStageAction::ResetSystem);
        let timeout = Duration::from_micros(timeout_micros.into());
        watchdog.set_timeout(MwdtStage::Stage0, timeout);
        watchdog.enable();
        watchdog.feed();
        Self(watchdog)
    }

    /// Grants another time-out. Call it once per control tick, after the tick's work: never from
    /// an interrupt or a task that would go on while the loop hangs.
    #[inline]
    pub fn feed(&mut self) {
        self.0.feed();
    }
}
