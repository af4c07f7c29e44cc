//! The motors go off first, whatever happened.
//!
//! A panic lands here, and so does a fault, of which esp-hal makes a panic. Before anything else the
//! registered motor pins are forced low in hardware, whoever drove them; then the cause is written
//! where a reset does not reach it, and the chip is reset and comes up disarmed.

use core::sync::atomic::{AtomicU32, Ordering};

use esp_hal::gpio::{AnyPin, Level, Output, OutputConfig};
use esp_hal::ram;

pub use balance_core::platform::StopCause;

/// Pins 0 to 31 that drive the motors.
static MOTOR_PINS: AtomicU32 = AtomicU32::new(0);

/// In the memory of the real-time clock, which a reset leaves alone.
#[ram(unstable(rtc_fast, persistent))]
static CAUSE: [portable_atomic::AtomicU32; 3] = [const { portable_atomic::AtomicU32::new(0) }; 3];

/// Says which pins drive the motors: bit n is GPIOn, up to 31. Call it before the first duty.
pub fn register_motor_pins(mask: u32) {
    MOTOR_PINS.store(mask, Ordering::Relaxed);
}

/// Forces the registered pins low, from any context and any state of the pins.
///
/// Only a reset gives them back.
#[allow(unsafe_code)]
pub fn motors_off() {
    let mask = MOTOR_PINS.load(Ordering::Relaxed);
    for number in 0..32 {
        if mask >> number & 1 == 1 {
            // SAFETY: the pin was registered, hence exists; who owned it is not to go on using it, as a
            // reset follows. Making it an output takes it from the PWM.
            let pin = unsafe { AnyPin::steal(number) };
            core::mem::forget(Output::new(pin, Level::Low, OutputConfig::default()));
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
    // The first word, which says that the others are valid, comes last.
    for (word, value) in CAUSE.iter().zip(cause.encode()).rev() {
        word.store(value, Ordering::Relaxed);
    }
    esp_hal::system::software_reset()
}

#[cfg(all(target_os = "none", feature = "safe-stop-handlers"))]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    motors_off();
    stop(StopCause::of_panic(info.location()))
}
