//! Deadlines at an exact cadence.

use crate::time::Instant;

/// The multiples of a period, to which a loop wakes up.
///
/// Deadlines are absolute: a late tick does not push the following ones. When the work of a tick
/// took longer than a period, the ticks that went by are skipped and counted, never made up for
/// in a burst: a controller built for 1 ms must not be stepped twice within 10 µs.
///
/// ```
/// use balance_core::platform::TickGrid;
/// use balance_core::time::Instant;
/// let at = Instant::from_micros;
/// let mut grid = TickGrid::starting_at(at(0), 1000);
/// assert_eq!(grid.due(at(100)), at(1000));
/// grid.pass();
/// // The work took 3.6 ms: two ticks are gone.
/// assert_eq!(grid.due(at(4600)), at(4000));
/// assert_eq!(grid.missed(), 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TickGrid {
    period_micros: u32,
    next_micros: u64,
    missed: u32,
}

impl TickGrid {
    /// A tick every `period_micros` (at least 1), the first one period after `now`.
    #[must_use]
    pub fn starting_at(now: Instant, period_micros: u32) -> Self {
        let period_micros = period_micros.max(1);
        Self {
            period_micros,
            next_micros: now.as_micros().saturating_add(u64::from(period_micros)),
            missed: 0,
        }
    }

    /// The next deadline that can still be met at `now`. Asked again, it answers the same: a wait
    /// that is given up takes no tick with it.
    pub fn due(&mut self, now: Instant) -> Instant {
        let period = u64::from(self.period_micros);
        let late = now.as_micros().saturating_sub(self.next_micros);
        // Late by less than a period is still this tick's turn. The division (a software routine
        // on small cores) is taken only when a tick was really missed.
        if late >= period {
            let skipped = late / period;
            self.missed = self
                .missed
                .saturating_add(u32::try_from(skipped).unwrap_or(u32::MAX));
            self.next_micros = self
                .next_micros
                .saturating_add(skipped.saturating_mul(period));
        }
        Instant::from_micros(self.next_micros)
    }

    /// Goes on to the deadline after that: call it when the tick is served.
    pub fn pass(&mut self) {
        self.next_micros = self
            .next_micros
            .saturating_add(u64::from(self.period_micros));
    }

    /// Ticks that went by unserved since the start; saturates.
    #[must_use]
    pub const fn missed(&self) -> u32 {
        self.missed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(start: u64, period: u32) -> TickGrid {
        TickGrid::starting_at(Instant::from_micros(start), period)
    }

    impl TickGrid {
        fn due_micros(&mut self, now: u64) -> u64 {
            self.due(Instant::from_micros(now)).as_micros()
        }
        fn advance(&mut self, now: u64) -> u64 {
            let due = self.due_micros(now);
            self.pass();
            due
        }
    }

    #[test]
    fn a_wait_that_was_given_up_takes_no_tick_with_it() {
        let mut grid = grid(0, 1000);
        assert_eq!((grid.due_micros(100), grid.due_micros(900)), (1000, 1000));
        assert_eq!((grid.due_micros(4100), grid.due_micros(4200)), (4000, 4000));
        assert_eq!(grid.missed(), 3);
    }

    #[test]
    fn keeps_its_grid_when_served_late() {
        let mut grid = grid(500, 1000);
        assert_eq!(grid.advance(600), 1500);
        assert_eq!(grid.advance(2499), 2500);
        assert_eq!(
            grid.advance(4499),
            3500,
            "late by less than a period is served at once"
        );
        assert_eq!(grid.missed(), 0);
    }

    #[test]
    fn skips_and_counts_what_went_by() {
        let mut grid = grid(0, 1000);
        assert_eq!(grid.advance(0), 1000);
        assert_eq!(grid.advance(5300), 5000, "2000, 3000 and 4000 are gone");
        assert_eq!(grid.missed(), 3);
        assert_eq!(grid.advance(5400), 6000);
        assert_eq!(grid.missed(), 3);
    }

    #[test]
    fn extremes_neither_divide_by_zero_nor_wrap() {
        let mut grid = grid(0, 0);
        assert_eq!(grid.advance(10), 10);
        assert_eq!(grid.missed(), 9);
        let end = grid.advance(u64::MAX);
        assert_eq!((end, grid.missed()), (u64::MAX, u32::MAX));
        assert_eq!(grid.advance(u64::MAX), u64::MAX);
    }
}
