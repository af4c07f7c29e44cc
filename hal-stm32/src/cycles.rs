//! Processor cycles, counted by SysTick.
//!
//! The Cortex-M0+ among the STM32 have no cycle counter of their own (no DWT); SysTick, run from
//! the core clock and left alone, is one of 24 bits on all of them. embassy-stm32 does not use it.

use cortex_m::peripheral::{SYST, syst::SystClkSource};

/// SysTick counts down from here to zero and starts again.
const RELOAD: u32 = 0x00ff_ffff;

/// A running cycle counter. Takes SysTick for good.
///
/// Spans up to 2²⁴ − 1 cycles are told apart: 168 ms at 100 MHz.
#[derive(Clone, Copy, Debug)]
pub struct CycleCounter(());

impl CycleCounter {
    /// Starts SysTick as a free-running counter of the core clock, without an interrupt.
    pub fn start(mut systick: SYST) -> Self {
        systick.set_clock_source(SystClkSource::Core);
        systick.disable_interrupt();
        systick.set_reload(RELOAD);
        systick.clear_current();
        systick.enable_counter();
        Self(())
    }

    /// The counter now.
    #[inline]
    pub fn now(self) -> CycleStamp {
        CycleStamp(SYST::get_current())
    }
}

/// A moment, as SysTick saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CycleStamp(u32);

impl CycleStamp {
    /// Cycles from `earlier` to this moment, if it was less than 2²⁴ cycles ago.
    #[inline]
    pub const fn since(self, earlier: Self) -> u32 {
        earlier.0.wrapping_sub(self.0) & RELOAD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_down_and_across_the_wrap() {
        assert_eq!(CycleStamp(900).since(CycleStamp(1000)), 100);
        assert_eq!(CycleStamp(RELOAD - 4).since(CycleStamp(5)), 10);
        assert_eq!(CycleStamp(7).since(CycleStamp(7)), 0);
    }
}
