//! Time as an argument: the core never reads a clock.

/// A moment, in microseconds since the platform's clock started. Never wraps in 584,000 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The moment the clock read `micros` microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }
    /// Microseconds since the clock started.
    pub const fn as_micros(self) -> u64 {
        self.0
    }
    /// Microseconds from `earlier` to this moment; zero if `earlier` is later, and at most
    /// `u32::MAX` (71 minutes).
    #[inline]
    pub fn micros_since(self, earlier: Self) -> u32 {
        let gap = self.0.wrapping_sub(earlier.0);
        if gap >> 32 == 0 {
            gap as u32
        } else {
            self.far_since(earlier)
        }
    }
    #[cold]
    const fn far_since(self, earlier: Self) -> u32 {
        if self.0 < earlier.0 { 0 } else { u32::MAX }
    }
    /// This moment plus `micros` microseconds.
    #[inline]
    #[must_use]
    pub const fn plus_micros(self, micros: u32) -> Self {
        Self(self.0.saturating_add(micros as u64))
    }
}
