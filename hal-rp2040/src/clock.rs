//! The microsecond timer as `balance-core`'s time.

use balance_core::time::Instant;

/// Now, in microseconds since the chip was reset.
///
/// Reads the 64-bit timer, which never wraps in a lifetime; about 20 cycles.
#[inline]
pub fn now() -> Instant {
    Instant::from_micros(embassy_time::Instant::now().as_micros())
}

/// The lower half of the same count, which wraps after 71 minutes: for spans. 3 cycles.
#[inline]
pub fn micros() -> u32 {
    #[cfg(feature = "rp235xa")]
    let timer = embassy_rp::pac::TIMER0;
    #[cfg(not(feature = "rp235xa"))]
    let timer = embassy_rp::pac::TIMER;
    timer.timerawl().read()
}
