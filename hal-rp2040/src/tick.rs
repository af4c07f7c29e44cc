//! A tick at an exact cadence, driven by the timer's alarm.

use balance_core::time::Instant;
use embassy_time::Timer;

/// Waits for the next multiple of a period.
///
/// Deadlines are absolute: a late tick does not push the following ones. When the work of a tick
/// took longer than a period, the ticks that went by are skipped and counted, never made up for
/// in a burst: a controller built for 1 ms must not be stepped twice within 10 µs.
#[derive(Clone, Copy, Debug)]
pub struct Tick {
    period_micros: u32,
    next_micros: u64,
    missed: u32,
}

impl Tick {
    /// A tick every `period_micros` (at least 1), the first one period from now.
    pub fn every(period_micros: u32) -> Self {
        Self::starting_at(crate::clock::now().as_micros(), period_micros)
    }

    fn starting_at(now_micros: u64, period_micros: u32) -> Self {
        let period_micros = period_micros.max(1);
        Self {
            period_micros,
            next_micros: now_micros.saturating_add(u64::from(period_micros)),
            missed: 0,
        }
    }

    /// Sleeps until the next tick and returns the moment it was due. A wait that is given up
    /// takes no tick with it.
    pub async fn wait(&mut self) -> Instant {
        let due = self.due(crate::clock::now().as_micros());
        Timer::at(embassy_time::Instant::from_micros(due)).await;
        self.pass();
        Instant::from_micros(due)
    }

    /// Ticks that went by unserved since the start; saturates.
    pub const fn missed(&self) -> u32 {
        self.missed
    }

    /// The next deadline of the grid that can still be met at `now`.
    fn due(&mut self, now: u64) -> u64 {
        let period = u64::from(self.period_micros);
        let late = now.saturating_sub(self.next_micros);
        // Late by less than a period is still this tick's turn. The division (a software routine
        // here) is taken only when a tick was really missed.
        if late >= period {
            let skipped = late / period;
            self.missed = self
                .missed
                .saturating_add(u32::try_from(skipped).unwrap_or(u32::MAX));
            self.next_micros = self
                .next_micros
                .saturating_add(skipped.saturating_mul(period));
        }
        self.next_micros
    }

    /// Goes on to the deadline after that.
    fn pass(&mut self) {
        self.next_micros = self
            .next_micros
            .saturating_add(u64::from(self.period_micros));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Tick {
        fn advance(&mut self, now: u64) -> u64 {
            let due = self.due(now);
            self.pass();
            due
        }
    }

    #[test]
    fn a_wait_that_was_given_up_takes_no_tick_with_it() {
        let mut tick = Tick::starting_at(0, 1000);
        assert_eq!((tick.due(100), tick.due(900)), (1000, 1000));
        assert_eq!((tick.due(4100), tick.due(4200)), (4000, 4000));
        assert_eq!(tick.missed(), 3);
    }

    #[test]
    fn keeps_its_grid_when_served_late() {
        let mut tick = Tick::starting_at(500, 1000);
        assert_eq!(tick.advance(600), 1500);
        assert_eq!(tick.advance(2499), 2500);
        assert_eq!(
            tick.advance(4499),
            3500,
            "late by less than a period is served at once"
        );
        assert_eq!(tick.missed(), 0);
    }

    #[test]
    fn skips_and_counts_what_went_by() {
        let mut tick = Tick::starting_at(0, 1000);
        assert_eq!(tick.advance(0), 1000);
        assert_eq!(tick.advance(5300), 5000, "2000, 3000 and 4000 are gone");
        assert_eq!(tick.missed(), 3);
        assert_eq!(tick.advance(5400), 6000);
        assert_eq!(tick.missed(), 3);
    }

    #[test]
    fn a_period_of_zero_does_not_divide_by_zero() {
        let mut tick = Tick::starting_at(0, 0);
        assert_eq!(tick.advance(10), 10);
        assert_eq!(tick.missed(), 9);
    }
}
