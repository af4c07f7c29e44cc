//! The black box and the latest faults in memory that a reset leaves alone.

use super::channel::Snapshot;
use super::packed::{FAULT_WORDS, TICK_WORDS, pack, pack_fault, unpack, unpack_fault};
use crate::math::Scalar;
use crate::platform::Words;
use crate::robot::{Fault, State};

/// Magic number, place of the next record, records held.
const HEAD: usize = 3;
const BOX_MAGIC: u32 = 0x424c_4b31;
const FAULT_MAGIC: u32 = 0x4641_4c31;

/// A [`BlackBox`](super::BlackBox) in memory that outlives a reset: after a watchdog's bite or a
/// panic the next run reads what led there.
///
/// A tick takes ten words, quantities in thousandths (±32.767 of their unit). Whatever the memory
/// holds after a loss of power, it is read as an empty box, or in the worst case as ticks that never
/// were, but never as anything invalid.
///
/// ```
/// use balance_core::telemetry::{KeptBox, Snapshot};
/// let mut memory = [0xdead_beef; 3 + 10 * 50];
/// let mut last_run = KeptBox::new(&mut memory, 2, 10);
/// for _ in 0..1000 {
///     last_run.push(&Snapshot::<f32>::default());
/// }
/// // A reset later:
/// let next_run = KeptBox::with_last_run(&mut memory, 2, 10);
/// assert_eq!(next_run.len(), 50);
/// assert!(next_run.is_frozen());
/// ```
#[derive(Debug)]
pub struct KeptBox<W> {
    words: W,
    room: usize,
    next: usize,
    held: usize,
    each: u16,
    until: u16,
    after: u16,
    /// Records still to be taken; `None` before the stop.
    left: Option<u16>,
}

impl<W: Words> KeptBox<W> {
    /// Empty, and open: takes every `each`-th tick (0 counts as 1), and from the stop on `after`
    /// records more. Whatever the memory held is gone.
    pub fn new(words: W, each: u16, after: u16) -> Self {
        let mut kept = Self::with_last_run(words, each, after);
        kept.clear();
        kept
    }

    /// What the last run has left, closed until [`clear`](Self::clear); empty and open if that was
    /// nothing.
    pub fn with_last_run(words: W, each: u16, after: u16) -> Self {
        let room = words.len().saturating_sub(HEAD) / TICK_WORDS;
        let (next, held) = (words.read(1) as usize, words.read(2) as usize);
        let known = words.read(0) == BOX_MAGIC && next < room && held <= room && held > 0;
        let mut kept = Self {
            words,
            room,
            next,
            held,
            each: each.max(1),
            until: 0,
            after,
            left: Some(0),
        };
        if !known {
            kept.clear();
        }
        kept
    }

    /// Takes a tick. Cost: ten conversions to thousandths, each `each`-th tick.
    pub fn push<T: Scalar>(&mut self, snapshot: &Snapshot<T>) {
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
            Some(0) => return,
            Some(left) => *left -= 1,
            None => {}
        }
        self.write(pack(snapshot));
    }

    fn write(&mut self, words: [u32; TICK_WORDS]) {
        if self.room == 0 {
            return;
        }
        let start = HEAD + self.next * TICK_WORDS;
        for (index, word) in words.into_iter().enumerate() {
            self.words.write(start + index, word);
        }
        self.next += 1;
        if self.next >= self.room {
            self.next = 0;
        }
        self.held = (self.held + 1).min(self.room);
        self.words.write(1, self.next as u32);
        self.words.write(2, self.held as u32);
    }

    /// How many ticks it holds.
    pub fn len(&self) -> usize {
        self.held
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// A tick, the oldest is number 0.
    pub fn get<T: Scalar>(&self, index: usize) -> Option<Snapshot<T>> {
        if index >= self.held {
            return None;
        }
        // Where the oldest is: after the newest, once it is full.
        let place = (self.next + self.room - self.held + index) % self.room;
        let start = HEAD + place * TICK_WORDS;
        let words = core::array::from_fn(|word| self.words.read(start + word));
        Some(unpack(words))
    }

    /// Whether it is closed: nothing is written until [`clear`](Self::clear).
    pub fn is_frozen(&self) -> bool {
        self.left == Some(0)
    }

    /// Closes it.
    pub fn freeze(&mut self) {
        self.left = Some(0);
    }

    /// Empty again, and open.
    pub fn clear(&mut self) {
        self.next = 0;
        self.held = 0;
        self.until = 0;
        self.left = None;
        self.words.write(0, BOX_MAGIC);
        self.words.write(1, 0);
        self.words.write(2, 0);
    }
}

/// The latest faults in memory that outlives a reset.
#[derive(Debug)]
pub struct KeptFaults<W> {
    words: W,
}

impl<W: Words> KeptFaults<W> {
    /// What the last run has left; nothing, if there was none.
    pub fn new(mut words: W) -> Self {
        if words.read(0) != FAULT_MAGIC {
            for index in 0..words.len() {
                words.write(index, 0);
            }
            words.write(0, FAULT_MAGIC);
        }
        Self { words }
    }

    fn room(&self) -> usize {
        self.words.len().saturating_sub(1) / FAULT_WORDS
    }

    /// A fault, the newest is number 0.
    pub fn get(&self, index: usize) -> Option<Fault> {
        if index >= self.room() {
            return None;
        }
        let start = 1 + index * FAULT_WORDS;
        unpack_fault(core::array::from_fn(|word| self.words.read(start + word)))
    }

    /// Takes a fault; the oldest leaves.
    pub fn push(&mut self, fault: &Fault) {
        for place in (0..self.room().saturating_sub(1) * FAULT_WORDS).rev() {
            let word = self.words.read(1 + place);
            self.words.write(1 + FAULT_WORDS + place, word);
        }
        for (index, word) in pack_fault(fault).into_iter().enumerate() {
            self.words.write(1 + index, word);
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.words.write(0, 0);
        for index in 1..self.words.len() {
            self.words.write(index, 0);
        }
        self.words.write(0, FAULT_MAGIC);
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::robot::{Outputs, Stop};
    use crate::time::Instant;
    use proptest::prelude::*;
    use std::vec::Vec;

    const ROOM: usize = 8;
    type Memory = [u32; HEAD + ROOM * TICK_WORDS + 4];

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

    fn times<W: Words>(kept: &KeptBox<W>) -> Vec<u64> {
        let ticks = (0..).map_while(|index| kept.get::<f32>(index));
        ticks.map(|tick| tick.at.as_micros()).collect()
    }

    #[test]
    fn does_as_the_black_box_does() {
        let mut memory: Memory = [7; HEAD + ROOM * TICK_WORDS + 4];
        let mut kept = KeptBox::new(&mut memory, 10, 2);
        let mut plain = crate::telemetry::BlackBox::<f32, ROOM>::new(10, 2);
        for micros in 0..300 {
            let state = match micros {
                0..95 | 200.. => State::Balancing,
                _ => State::Fallen,
            };
            kept.push(&tick(micros, state));
            plain.push(&tick(micros, state));
            let expected: Vec<u64> = plain.iter().map(|s| s.at.as_micros()).collect();
            assert_eq!(times(&kept), expected);
            assert_eq!(kept.is_frozen(), plain.is_frozen());
        }
        kept.clear();
        kept.push(&tick(3000, State::Balancing));
        assert_eq!(times(&kept), [3000]);
    }

    #[test]
    fn the_next_run_reads_what_the_last_has_left() {
        let mut memory: Memory = [0; HEAD + ROOM * TICK_WORDS + 4];
        let mut last = KeptBox::new(&mut memory, 1, 2);
        for micros in 0..20 {
            last.push(&tick(micros, State::Balancing));
        }
        let mut next = KeptBox::with_last_run(&mut memory, 1, 2);
        next.push(&tick(100, State::Balancing));
        assert_eq!(times(&next), [12, 13, 14, 15, 16, 17, 18, 19]);
        next.clear();
        next.push(&tick(101, State::Balancing));
        assert_eq!(times(&next), [101]);
    }

    #[test]
    fn memory_without_room_is_borne() {
        let mut memory = [0_u32; 5];
        let mut kept = KeptBox::new(&mut memory, 1, 1);
        kept.push(&tick(1, State::Balancing));
        assert!(kept.is_empty() && kept.get::<f32>(0).is_none());
    }

    #[test]
    fn faults_outlive_their_run_newest_first() {
        let fault = |seconds: u64, stop| Fault {
            at: Instant::from_micros(seconds * 1_000_000),
            stop,
            pitch: 0.5,
            pitch_rate: -2.0,
            speed: 0.25,
            battery_millivolts: Some(11_000),
            period_micros: 1003,
            bad_samples: 4,
        };
        let mut memory = [0xffff_ffff_u32; 1 + 3 * FAULT_WORDS];
        let mut last = KeptFaults::new(&mut memory);
        assert_eq!(last.get(0), None);
        for (seconds, stop) in [(1, Stop::Tilt), (2, Stop::Encoder), (3, Stop::Runaway)] {
            last.push(&fault(seconds, stop));
        }
        last.push(&fault(4, Stop::LowBattery));
        let mut next = KeptFaults::new(&mut memory);
        assert_eq!(next.get(0), Some(fault(4, Stop::LowBattery)));
        assert_eq!(next.get(2), Some(fault(2, Stop::Encoder)));
        assert_eq!(next.get(3), None);
        next.clear();
        assert_eq!(next.get(0), None);
    }

    proptest! {
        /// Noise after a loss of power, also behind a magic number that chance has spared.
        #[test]
        fn noise_is_borne(mut memory in any::<[u32; 30]>(), spared in any::<bool>()) {
            if spared {
                memory[0] = BOX_MAGIC;
            }
            let mut kept = KeptBox::with_last_run(&mut memory, 1, 1);
            for index in 0..4 {
                let _ = kept.get::<f32>(index);
            }
            kept.push(&tick(5, State::Balancing));
            kept.clear();
            kept.push(&tick(6, State::Balancing));
            prop_assert_eq!(times(&kept), [6]);
            let faults = KeptFaults::new(&mut memory);
            let _ = faults.get(0);
        }
    }
}
