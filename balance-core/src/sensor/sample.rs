//! A reading that knows when it was taken and whether it can be believed.

use crate::time::Instant;

/// What the platform knows about a reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// Taken as intended.
    Good,
    /// The bus reported an error or a time-out; the value is the last good one, or zero.
    BusError,
    /// The sensor has nothing to say yet, or is not fitted.
    #[default]
    Absent,
}

/// A value with the moment it was taken and its health, so that a stale one cannot be mistaken
/// for a fresh one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample<V> {
    /// When the value was taken.
    pub time: Instant,
    /// Whether it can be believed.
    pub health: Health,
    /// The reading itself.
    pub value: V,
}

impl<V> Sample<V> {
    /// A good reading taken at `time`.
    pub const fn good(time: Instant, value: V) -> Self {
        Self {
            time,
            health: Health::Good,
            value,
        }
    }
    /// A reading that failed at `time`; `value` stands in.
    pub const fn failed(time: Instant, value: V) -> Self {
        Self {
            time,
            health: Health::BusError,
            value,
        }
    }
    /// The value, if it is good and at most `max_age_micros` old at `now`.
    #[inline]
    pub fn fresh(&self, now: Instant, max_age_micros: u32) -> Option<&V> {
        let fresh = self.health == Health::Good && now.micros_since(self.time) <= max_age_micros;
        fresh.then_some(&self.value)
    }
}
