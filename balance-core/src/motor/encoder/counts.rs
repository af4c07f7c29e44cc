//! From an angle within a turn to one with its turns.

/// Counts turns of an absolute sensor with `BITS` bits a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TurnCounter<const BITS: u32> {
    counts: Option<i32>,
}

impl<const BITS: u32> TurnCounter<BITS> {
    /// Knows nothing; the first angle is taken as it is.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(BITS > 1 && BITS < 17) };
        Self { counts: None }
    }

    /// Takes the angle now, 0 .. 2^`BITS`, and gives the counts with their turns, wrapping at the
    /// ends of `i32`. Less than half a turn must have passed since the last.
    pub fn update(&mut self, raw: u16) -> i32 {
        let raw = i32::from(raw);
        let last = self.counts.unwrap_or(raw);
        // The difference as a signed number of `BITS` bits.
        let unused = 32_u32.wrapping_sub(BITS) & 31;
        let moved = (raw.wrapping_sub(last) << unused) >> unused;
        let counts = last.wrapping_add(moved);
        self.counts = Some(counts);
        counts
    }

    /// The counts now; zero before the first angle.
    #[must_use]
    pub fn counts(&self) -> i32 {
        self.counts.unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn follows_any_motion_below_half_a_turn(
            start in 0..16384_i32, moves in prop::collection::vec(-8191..8192_i32, 1..200)
        ) {
            let mut counter = TurnCounter::<14>::new();
            let mut position = start;
            prop_assert_eq!(counter.update(position as u16), start);
            for step in moves {
                position += step;
                let raw = position.rem_euclid(16384) as u16;
                prop_assert_eq!(counter.update(raw), position);
            }
        }
    }
}
