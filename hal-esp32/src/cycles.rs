//! Processor cycles.
//!
//! RISC-V: the chips' own performance counter (ESP32-C3 Technical Reference Manual 1.4, "Configurable
//! performance counter"), set to cycles; Xtensa: the core's CCOUNT.

/// A running cycle counter.
///
/// Spans up to 2³² − 1 cycles are told apart: 27 s at 160 MHz.
#[derive(Clone, Copy, Debug)]
pub struct CycleCounter(());

impl CycleCounter {
    /// Starts the counter.
    #[allow(unsafe_code)]
    pub fn start() -> Self {
        #[cfg(target_arch = "riscv32")]
        // SAFETY: two registers that nothing else depends on: which event is counted (bit 0:
        // cycles), and counting enabled without saturation.
        unsafe {
            core::arch::asm!("csrw 0x7e0, {0}", "csrw 0x7e1, {0}", in(reg) 1);
        }
        Self(())
    }

    /// The counter now.
    #[inline]
    #[allow(unsafe_code)]
    pub fn now(self) -> CycleStamp {
        #[cfg(target_arch = "riscv32")]
        {
            let cycles: u32;
            // SAFETY: reads a counter.
            unsafe { core::arch::asm!("csrr {0}, 0x7e2", out(reg) cycles) };
            CycleStamp(cycles)
        }
        #[cfg(target_arch = "xtensa")]
        CycleStamp(esp_hal::xtensa_lx::timer::get_cycle_count())
    }
}

/// A moment, as the counter saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CycleStamp(u32);

impl CycleStamp {
    /// Cycles from `earlier` to this moment, if it was less than 2³² cycles ago.
    #[inline]
    pub const fn since(self, earlier: Self) -> u32 {
        self.0.wrapping_sub(earlier.0)
    }
}
