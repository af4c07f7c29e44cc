//! An LED that tells what the robot does.

use balance_core::time::Instant;
use esp_hal::gpio::Output;

pub use balance_core::platform::Blink;

/// An LED on a pin.
pub struct StatusLed<'d> {
    pin: Output<'d>,
    lit_when_high: bool,
}

impl<'d> StatusLed<'d> {
    /// Takes the pin of an LED to ground, lit when high.
    pub const fn new(pin: Output<'d>) -> Self {
        Self {
            pin,
            lit_when_high: true,
        }
    }

    /// Takes the pin of an LED to the supply, lit when low: GPIO8 on many boards with an ESP32-C3.
    pub const fn lit_when_low(pin: Output<'d>) -> Self {
        Self {
            pin,
            lit_when_high: false,
        }
    }

    /// Shows `blink` at the moment `now`. Call it 20 times a second or more.
    pub fn show(&mut self, blink: Blink, now: Instant) {
        let lit = blink.lit(now);
        self.pin.set_level((lit == self.lit_when_high).into());
    }
}
