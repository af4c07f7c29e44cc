//! The seconds before a fault, kept.

use super::channel::Snapshot;
use crate::robot::State;
use heapless::HistoryBuf;

/// Keeps the last N ticks, every `each`-th of them, and stops some time after the robot fell or
/// tripped, so that what led there can be read at leisure.
///
/// ```
/// use balance_core::robot::{Outputs, State};
/// use balance_core::telemetry::{BlackBox, Snapshot};
/// let mut black_box = BlackBox::<f32, 100>::new(10, 20);
/// for _ in 0..5000 {
///     black_box.push(&Snapshot::default());
/// }
/// let fallen = Outputs { state: State::Fallen, ..Default::default() };
/// for _ in 0..5000 {
///     black_box.push(&Snapshot { outputs: fallen, ..Default::default() });
/// }
/// assert!(black_box.is_frozen());
/// assert_eq!(black_box.iter().filter(|s| s.outputs.state == State::Fallen).count(), 20);
/// ```
#[derive(Clone, Debug)]
pub struct BlackBox<T, const N: usize> {
    ring: HistoryBuf<Snapshot<T>, N>,
    each: u16,
    until: u16,
    after: u16,
    /// Records still to be taken after the stop; `None` before it.
    left: Option<u16>,
}

impl<T: Copy, const N: usize> BlackBox<T, N> {
    /// Takes every `each`-th tick (0 counts as 1), and `after` records more from the stop on.
    pub const fn new(each: u16, after: u16) -> Self {
        Self {
            ring: HistoryBuf::new(),
            each: if each == 0 { 1 } else { each },
            until: 0,
            after,
            left: None,
        }
    }

    /// Takes a tick.
    pub fn push(&mut self, snapshot: &Snapshot<T>) {
        let stopped = matches!(snapshot.outputs.state, State::Fallen | State::Faulted);
        if stopped && self.left.is_none() {
            self.left = Some(self.after);
            // The tick of the stop itself is always kept.
            self.until = 0;
        }
        if self.until > 0 {
            self.until -= 1;
            return;
        }
        self.until = self.each - 1;
        match &mut self.left {
            Some(0) => {}
            Some(left) => {
                *left -= 1;
                self.ring.write(*snapshot);
            }
            None => self.ring.write(*snapshot),
        }
    }

    /// Whether it is full and closed: nothing is written until [`clear`](Self::clear).
    pub fn is_frozen(&self) -> bool {
        self.left == Some(0)
    }

    /// What it holds, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Snapshot<T>> {
        self.ring.oldest_ordered()
    }

    /// Empty again, and open.
    pub fn clear(&mut self) {
        self.ring.clear();
        self.left = None;
        self.until = 0;
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::robot::Outputs;
    use crate::time::Instant;
    use std::vec::Vec;

    fn tick(micros: u64, state: State) -> Snapshot<f32> {
        Snapshot {
            at: Instant::from_micros(micros),
            outputs: Outputs {
                state,
                ..Default::default()
            },
            ..Default::default()
        }
    }

    fn times(black_box: &BlackBox<f32, 8>) -> Vec<u64> {
        black_box.iter().map(|s| s.at.as_micros()).collect()
    }

    #[test]
    fn keeps_the_newest_in_order() {
        let mut black_box = BlackBox::<f32, 8>::new(1, 2);
        for micros in 0..20 {
            black_box.push(&tick(micros, State::Balancing));
        }
        assert_eq!(times(&black_box), [12, 13, 14, 15, 16, 17, 18, 19]);
    }

    #[test]
    fn the_stop_is_in_it_and_what_led_there() {
        let mut black_box = BlackBox::<f32, 8>::new(10, 2);
        for micros in 0..95 {
            black_box.push(&tick(micros, State::Balancing));
        }
        for micros in 95..1000 {
            black_box.push(&tick(micros, State::Fallen));
        }
        assert!(black_box.is_frozen());
        assert_eq!(times(&black_box), [40, 50, 60, 70, 80, 90, 95, 105]);
        // Arming anew does not open it: the trace of the fall is still there.
        black_box.push(&tick(2000, State::Balancing));
        assert_eq!(times(&black_box)[7], 105);
        black_box.clear();
        black_box.push(&tick(3000, State::Balancing));
        assert_eq!(times(&black_box), [3000]);
    }

    #[test]
    fn none_at_all_after_the_stop_is_borne() {
        let mut black_box = BlackBox::<f32, 8>::new(0, 0);
        black_box.push(&tick(0, State::Balancing));
        black_box.push(&tick(1, State::Faulted));
        assert!(black_box.is_frozen());
        assert_eq!(times(&black_box), [0]);
    }
}
