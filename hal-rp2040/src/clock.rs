//! The microsecond timer as `balance-core`'s time.

use balance_core::time::Instant;

/// Now, in microseconds since the chip was reset.
///
/// Reads the 64-bit timer, which never wraps in a lifetime; about 20 cycles.
#[inline]
pub fn now() -> Instant {
    Instant::from_micros(embassy_time::Instant::now().as_micros())
}
