//! The motors go off first, whatever happened.
//!
//! A panic or a HardFault lands here. Before anything else the registered motor pins are forced
//! low in hardware, from whatever state they are in (PWM, PIO, SIO); then the cause is written
//! where a reset does not reach it, and the watchdog resets the chip, which comes up disarmed.
//!
//! Not covered here but by the watchdog: a fault inside the fault handler (a stack that has run
//! out, for one) locks the core up, and the chip resets when it is not fed.

use core::sync::atomic::{AtomicU32, Ordering};

use embassy_rp::pac;

pub use balance_core::platform::StopCause;

/// Of the pins' function selectors, on both chips.
const FUNCTION_SIO: u8 = 5;

static MOTOR_PINS: AtomicU32 = AtomicU32::new(0);

/// Says which pins drive the motors: bit n is GPn. Call it before the first duty.
pub fn register_motor_pins(mask: u32) {
    MOTOR_PINS.store(mask & 0x3fff_ffff, Ordering::Relaxed);
}

/// Forces the registered pins low, from any context and any state of the pins.
///
/// Only a reset gives them back. Takes about 12 cycles for each pin.
#[inline]
pub fn motors_off() {
    let mask = MOTOR_PINS.load(Ordering::Relaxed);
    // All pins at once, for those that SIO drives.
    pac::SIO.gpio_out(0).value_clr().write_value(mask);
    pac::SIO.gpio_oe(0).value_set().write_value(mask);
    for pin in 0..30 {
        if mask >> pin & 1 == 1 {
            // To SIO, which drives it low now, whoever drove it before; the output overrides
            // say the same once more and hold even if code that still runs writes to SIO.
            pac::IO_BANK0.gpio(pin).ctrl().write(|w| {
                w.set_funcsel(FUNCTION_SIO);
                w.set_outover(pac::io::vals::Outover::LOW);
                w.set_oeover(pac::io::vals::Oeover::ENABLE);
            });
        }
    }
}

/// Why the motors were stopped before the last reset, if they were; forgets it.
///
/// Uses the watchdog's scratch registers 0 to 2 (4 to 7 belong to the boot ROM).
pub fn take_last_cause() -> Option<StopCause> {
    let watchdog = pac::WATCHDOG;
    let words = [
        watchdog.scratch0().read(),
        watchdog.scratch1().read(),
        watchdog.scratch2().read(),
    ];
    watchdog.scratch0().write_value(0);
    StopCause::decode(words)
}

/// Motors off, the cause written down, then a reset through the watchdog.
pub fn stop(cause: StopCause) -> ! {
    motors_off();
    cortex_m::interrupt::disable();
    let watchdog = pac::WATCHDOG;
    let [kind, first, second] = cause.encode();
    watchdog.scratch1().write_value(first);
    watchdog.scratch2().write_value(second);
    watchdog.scratch0().write_value(kind);
    // Everything is reset but the two oscillators, as the boot ROM expects.
    let mut reset = pac::psm::regs::Wdsel(if cfg!(feature = "rp2040") {
        0x0001_ffff
    } else {
        0x01ff_ffff
    });
    reset.set_rosc(false);
    reset.set_xosc(false);
    pac::PSM.wdsel().write_value(reset);
    watchdog.ctrl().modify(|w| w.set_trigger(true));
    loop {
        cortex_m::asm::nop();
    }
}

#[cfg(all(target_os = "none", feature = "safe-stop-handlers"))]
mod handlers {
    use super::{StopCause, motors_off, stop};

    #[panic_handler]
    fn panic(info: &core::panic::PanicInfo) -> ! {
        motors_off();
        crate::kept_ram::note_place(info.location());
        stop(StopCause::of_panic(info.location()))
    }

    #[cortex_m_rt::exception]
    #[allow(non_snake_case, unsafe_code)]
    // SAFETY: only the processor calls it, with the frame it stacked.
    unsafe fn HardFault(frame: &cortex_m_rt::ExceptionFrame) -> ! {
        motors_off();
        stop(StopCause::HardFault {
            pc: frame.pc(),
            lr: frame.lr(),
        })
    }
}
