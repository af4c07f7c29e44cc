//! The time driver as `balance-core`'s time.

use balance_core::time::Instant;

/// Now, in microseconds since the chip was reset.
///
/// The time driver continues its 16-bit timer to 64 bits, with a resolution of one tick of it: take
/// `tick-hz-1_000_000` of embassy-time (the default) for microseconds. About 60 cycles.
#[inline]
pub fn now() -> Instant {
    Instant::from_micros(embassy_time::Instant::now().as_micros())
}
