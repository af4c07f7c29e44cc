//! What counts instructions when QEMU runs with `-icount`, each of the same length: SysTick on the
//! Cortex-M, whose ticks the simulator knows to convert, `minstret` on the RISC-V.

pub use imp::{now, since, start};

#[cfg(target_arch = "arm")]
mod imp {
    use cortex_m::Peripherals;
    use cortex_m::peripheral::SYST;
    use cortex_m::peripheral::syst::SystClkSource;

    const MASK: u32 = 0x00ff_ffff;

    /// Lets it count.
    pub fn start() {
        if let Some(mut peripherals) = Peripherals::take() {
            let systick = &mut peripherals.SYST;
            systick.set_clock_source(SystClkSource::Core);
            systick.set_reload(MASK);
            systick.clear_current();
            systick.enable_counter();
        }
    }

    /// Where it is.
    #[inline(always)]
    pub fn now() -> u32 {
        SYST::get_current()
    }

    /// How far it has come since.
    #[inline(always)]
    pub fn since(before: u32) -> u32 {
        before.wrapping_sub(now()) & MASK
    }
}

#[cfg(target_arch = "riscv32")]
mod imp {
    use riscv::register::minstret;

    /// Lets it count: it always does.
    pub fn start() {}

    /// Where it is.
    #[inline(always)]
    pub fn now() -> u32 {
        minstret::read() as u32
    }

    /// How far it has come since.
    #[inline(always)]
    pub fn since(before: u32) -> u32 {
        now().wrapping_sub(before)
    }
}
