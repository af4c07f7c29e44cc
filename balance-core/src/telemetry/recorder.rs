//! From the loop to whoever has time: a bounded queue that never waits.

use super::channel::Snapshot;
use core::sync::atomic::{AtomicU32, Ordering};
use heapless::spsc::{Consumer, Producer, Queue};

/// The queue between loop and telemetry; room for N − 1 ticks.
#[derive(Debug)]
pub struct RecordQueue<T, const N: usize> {
    queue: Queue<(u32, Snapshot<T>), N>,
    dropped: AtomicU32,
}

impl<T, const N: usize> Default for RecordQueue<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize> RecordQueue<T, N> {
    /// Empty.
    pub const fn new() -> Self {
        Self {
            queue: Queue::new(),
            dropped: AtomicU32::new(0),
        }
    }

    /// Both ends: the first for the loop, the second for whoever tells of it.
    pub fn split(&mut self) -> (Recorder<'_, T>, Drain<'_, T>) {
        let (producer, consumer) = self.queue.split();
        let dropped = &self.dropped;
        let recorder = Recorder {
            producer,
            dropped,
            sequence: 0,
        };
        (recorder, Drain { consumer, dropped })
    }
}

/// The loop's end of the queue.
pub struct Recorder<'a, T> {
    producer: Producer<'a, (u32, Snapshot<T>)>,
    dropped: &'a AtomicU32,
    sequence: u32,
}

impl<T: Copy> Recorder<'_, T> {
    /// Leaves a tick behind, or counts that there was no room. Never waits.
    #[inline]
    pub fn push(&mut self, snapshot: &Snapshot<T>) {
        let record = (self.sequence, *snapshot);
        self.sequence = self.sequence.wrapping_add(1);
        if self.producer.enqueue(record).is_err() {
            // Only this end ever counts up: no instruction beyond load and store is needed, which
            // is all that an ARMv6-M has.
            let dropped = self.dropped.load(Ordering::Relaxed);
            self.dropped
                .store(dropped.saturating_add(1), Ordering::Relaxed);
        }
    }
}

/// The other end.
pub struct Drain<'a, T> {
    consumer: Consumer<'a, (u32, Snapshot<T>)>,
    dropped: &'a AtomicU32,
}

impl<T> Drain<'_, T> {
    /// The oldest tick, with its number.
    pub fn pop(&mut self) -> Option<(u32, Snapshot<T>)> {
        self.consumer.dequeue()
    }

    /// Ticks that found no room since the start; saturates.
    pub fn dropped(&self) -> u32 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Instant;

    fn tick(micros: u64) -> Snapshot<f32> {
        Snapshot {
            at: Instant::from_micros(micros),
            ..Default::default()
        }
    }

    #[test]
    fn what_finds_no_room_is_counted_and_leaves_a_gap_in_the_numbers() {
        let mut queue = RecordQueue::<f32, 4>::new();
        let (mut recorder, mut drain) = queue.split();
        for micros in 0..5 {
            recorder.push(&tick(micros));
        }
        assert_eq!(drain.dropped(), 2);
        for expected in 0..3 {
            let (sequence, snapshot) = drain.pop().unwrap();
            assert_eq!(
                (sequence, snapshot.at.as_micros()),
                (expected, u64::from(expected))
            );
        }
        assert!(drain.pop().is_none());
        recorder.push(&tick(5));
        assert_eq!(drain.pop().unwrap().0, 5);
    }
}
