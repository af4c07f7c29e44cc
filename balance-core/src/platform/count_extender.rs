//! From a counter that wraps soon to one that wraps late.

use crate::config::ConfigError;

/// Continues a counter, or an angle within a turn, beyond its own end.
///
/// Less than half of the counter's range must pass between two readings: then the shorter way
/// is the one that was gone. At 100,000 counts/s a 16-bit counter wants one every 0.33 s.
/// Integers only, no division; about six instructions.
///
/// | counter | take |
/// |---|---|
/// | 16 bits (STM32 TIM1, TIM3, TIM4) | `of_bits(16)`, `update(i32::from(count))` |
/// | 24 bits (nRF52 QDEC accumulated, FTM pairs) | `of_bits(24)` |
/// | 32 bits (STM32 TIM2, TIM5, RP2040 PIO) | `of_bits(32)`, `update(count as i32)` |
/// | zero again at ± limit (ESP32 PCNT) | `modulo(limit)`, `update(i32::from(count))` |
/// | absolute angle of 12 or 14 bits | `of_bits(12)`, `of_bits(14)` |
///
/// ```
/// use balance_core::platform::CountExtender;
/// let mut timer = CountExtender::of_bits(16);
/// assert_eq!(timer.update(65_530), 65_530);
/// // Eleven edges later the timer has gone through zero.
/// assert_eq!(timer.update(5), 65_541);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountExtender {
    /// Zero is 2³².
    modulus: i32,
    half: i32,
    last: Option<i32>,
    counts: i32,
}

impl CountExtender {
    /// Of a counter of 2 to 32 bits; fewer or more count as these. The first reading is taken as it is.
    #[must_use]
    pub const fn of_bits(bits: u32) -> Self {
        match bits {
            0..=2 => Self::new(4),
            3..=30 => Self::new(1 << bits),
            31 => Self::new(i32::MIN),
            _ => Self::new(0),
        }
    }

    /// Of a counter that is zero again at `limit`, and at −`limit` if it is signed.
    ///
    /// # Errors
    /// `OutOfRange("limit")` below 4.
    pub const fn modulo(limit: i32) -> Result<Self, ConfigError> {
        if limit < 4 {
            return Err(ConfigError::OutOfRange("limit"));
        }
        Ok(Self::new(limit))
    }

    const fn new(modulus: i32) -> Self {
        Self {
            modulus,
            half: match modulus {
                0 => i32::MAX,
                i32::MIN => 1 << 30,
                modulus => modulus / 2,
            },
            last: None,
            counts: 0,
        }
    }

    /// Takes the counter's reading and gives the continued count, which wraps at the ends of `i32`.
    #[inline]
    pub fn update(&mut self, reading: i32) -> i32 {
        self.counts = match self.last {
            None => reading,
            Some(last) => self.counts.wrapping_add(self.moved(last, reading)),
        };
        self.last = Some(reading);
        self.counts
    }

    /// The shorter way from one reading to another.
    #[inline(always)]
    fn moved(&self, from: i32, to: i32) -> i32 {
        let moved = to.wrapping_sub(from);
        if moved > self.half {
            moved.wrapping_sub(self.modulus)
        } else if moved < self.half.wrapping_neg() {
            moved.wrapping_add(self.modulus)
        } else {
            moved
        }
    }

    /// The continued count; zero before the first reading.
    #[must_use]
    pub const fn counts(&self) -> i32 {
        self.counts
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// Reads a position through a counter and compares.
    fn follows(
        mut extender: CountExtender,
        start: i32,
        moves: &[i32],
        reading: impl Fn(i64) -> i32,
    ) -> Result<(), TestCaseError> {
        let mut position = i64::from(start);
        let first = extender.update(reading(position));
        for &step in moves {
            position += i64::from(step);
            let moved = (position - i64::from(start)) as i32;
            let counts = extender.update(reading(position));
            prop_assert_eq!(counts.wrapping_sub(first), moved);
            prop_assert_eq!(counts, extender.counts());
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn any_motion_below_half_a_range_is_followed(
            start: i32, shares in prop::collection::vec(-0.4999..0.4999_f64, 1..100)
        ) {
            for bits in [12_u32, 14, 16, 24, 31, 32] {
                let range = 2_f64.powi(bits as i32);
                let moves: Vec<i32> = shares.iter().map(|s| (s * range) as i32).collect();
                let mask = (1_i64 << bits) - 1;
                follows(CountExtender::of_bits(bits), start, &moves, |x| (x & mask) as i32)?;
            }
        }

        #[test]
        fn a_counter_that_returns_to_zero_at_its_limits_is_followed(
            limit in 4..32_767_i32, shares in prop::collection::vec(-0.49..0.49_f64, 1..100)
        ) {
            let moves: Vec<i32> = shares.iter().map(|s| (s * f64::from(limit)) as i32).collect();
            // Count by count, as the hardware does.
            let (mut counter, mut position) = (0, 0_i32);
            let mut extender = CountExtender::modulo(limit).unwrap();
            prop_assert_eq!(extender.update(0), 0);
            for step in moves {
                for _ in 0..step.abs() {
                    counter += step.signum();
                    if counter.abs() == limit {
                        counter = 0;
                    }
                }
                position += step;
                prop_assert_eq!(extender.update(counter), position);
            }
        }

        #[test]
        fn is_total(bits: u32, readings in prop::collection::vec(any::<i32>(), 1..50)) {
            let mut extender = CountExtender::of_bits(bits);
            for reading in readings {
                extender.update(reading);
            }
        }
    }

    #[test]
    fn a_limit_without_a_half_is_refused() {
        let wrong = Err(ConfigError::OutOfRange("limit"));
        assert_eq!(CountExtender::modulo(3), wrong);
        assert_eq!(CountExtender::modulo(-1000), wrong);
    }
}
