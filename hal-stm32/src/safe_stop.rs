//! The motors go off first, whatever happened.
//!
//! A panic or a HardFault lands here. Before anything else the registered motor pins are forced
//! low in hardware, from whatever state they are in (PWM or output); then the cause is written
//! where a reset does not reach it, and the chip is reset and comes up disarmed.
//!
//! Not covered here but by the watchdog: a fault inside the fault handler (a stack that has run
//! out, for one) locks the core up, and the chip resets when it is not fed.

use core::sync::atomic::{AtomicU16, AtomicU32, Ordering};

use embassy_stm32::gpio::{AnyPin, Pin};
use embassy_stm32::{Peri, pac};

pub use balance_core::platform::StopCause;

/// Ports A to P.
const PORTS: usize = 16;

/// Pins that drive the motors, by port.
static MOTOR_PINS: [AtomicU16; PORTS] = [const { AtomicU16::new(0) }; PORTS];

/// Memory that the start-up code leaves alone. What is in it after power-up is chance.
#[unsafe(link_section = ".uninit.safe_stop")]
#[allow(unsafe_code)]
// SAFETY of the section's name: cortex-m-rt keeps `.uninit` in RAM.
static CAUSE: [AtomicU32; 3] = [const { AtomicU32::new(0) }; 3];

/// Says that this pin drives a motor. Call it for each, before the first duty.
pub fn register_motor_pin(pin: &Peri<'_, impl Pin>) {
    if let Some(port) = MOTOR_PINS.get(usize::from(pin.port())) {
        // Not `fetch_or`, which a Cortex-M0+ does not have; nobody else writes.
        let pins = port.load(Ordering::Relaxed) | 1 << (pin.pin() & 15);
        port.store(pins, Ordering::Relaxed);
    }
}

/// Forces the registered pins low, from any context and any state of the pins.
///
/// Only a reset gives them back. Takes about 20 cycles for each pin.
#[inline]
pub fn motors_off() {
    for (port, pins) in (0..).zip(&MOTOR_PINS) {
        let pins = pins.load(Ordering::Relaxed);
        if pins != 0 {
            force_low(port, pins);
        }
    }
}

#[allow(unsafe_code)]
fn force_low(port: u8, pins: u16) {
    // SAFETY: a pin of this port was registered, hence the port exists; who owned the pins is not to
    // go on using them, as a reset follows.
    let block = unsafe { AnyPin::steal(port * 16) }.block();
    // All pins at once, for those that are outputs already; then those of a timer.
    block
        .bsrr()
        .write_value(pac::gpio::regs::Bsrr(u32::from(pins) << 16));
    for pin in 0..16 {
        if pins >> pin & 1 == 1 {
            #[cfg(not(feature = "f1"))]
            block
                .moder()
                .modify(|w| w.set_moder(pin, pac::gpio::vals::Moder::OUTPUT));
            #[cfg(feature = "f1")]
            block
                .cr(pin / 8)
                .modify(|w| w.set_cnf_out(pin % 8, pac::gpio::vals::CnfOut::PUSH_PULL));
        }
    }
}

/// Why the motors were stopped before the last reset, if they were; forgets it.
pub fn take_last_cause() -> Option<StopCause> {
    let words = CAUSE.each_ref().map(|word| word.load(Ordering::Relaxed));
    CAUSE[0].store(0, Ordering::Relaxed);
    StopCause::decode(words)
}

/// Motors off, the cause written down, then a reset.
pub fn stop(cause: StopCause) -> ! {
    motors_off();
    cortex_m::interrupt::disable();
    // The first word, which says that the others are valid, comes last.
    for (word, value) in CAUSE.iter().zip(cause.encode()).rev() {
        word.store(value, Ordering::Relaxed);
    }
    cortex_m::peripheral::SCB::sys_reset()
}

#[cfg(all(target_os = "none", feature = "safe-stop-handlers"))]
mod handlers {
    use super::{StopCause, motors_off, stop};

    #[panic_handler]
    fn panic(info: &core::panic::PanicInfo) -> ! {
        motors_off();
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
