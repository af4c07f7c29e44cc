//! A tick at an exact cadence, driven by the time driver's alarm.

use balance_core::platform::TickGrid;
use balance_core::time::Instant;
use embassy_time::Timer;

/// Waits for the next multiple of a period, see [`TickGrid`].
#[derive(Clone, Copy, Debug)]
pub struct Tick(TickGrid);

impl Tick {
    /// A tick every `period_micros` (at least 1), the first one period from now.
    pub fn every(period_micros: u32) -> Self {
        Self(TickGrid::starting_at(crate::clock::now(), period_micros))
    }

    /// Sleeps until the next tick and returns the moment it was due. A wait that is given up
    /// takes no tick with it.
    pub async fn wait(&mut self) -> Instant {
        let due = self.0.due(crate::clock::now());
        Timer::at(embassy_time::Instant::from_micros(due.as_micros())).await;
        self.0.pass();
        due
    }

    /// Ticks that went by unserved since the start; saturates.
    pub const fn missed(&self) -> u32 {
        self.0.missed()
    }
}
