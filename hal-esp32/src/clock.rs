//! The chip's 64-bit timer as `balance-core`'s time.

use balance_core::time::Instant;

/// Now, in microseconds since the chip was reset.
#[inline]
pub fn now() -> Instant {
    Instant::from_micros(embassy_time::Instant::now().as_micros())
}
