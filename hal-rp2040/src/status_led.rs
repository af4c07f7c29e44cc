//! An LED that tells what the robot does.

use balance_core::time::Instant;
use embassy_rp::gpio::Output;

pub use balance_core::platform::Blink;

/// An LED on a pin, lit when high.
pub struct StatusLed<'d>(Output<'d>);

impl<'d> StatusLed<'d> {
    /// Takes the pin: GP25 on a Pico.
    pub const fn new(pin: Output<'d>) -> Self {
        Self(pin)
    }

    /// Shows `blink` at the moment `now`. Call it 20 times a second or more.
    pub fn show(&mut self, blink: Blink, now: Instant) {
        self.0.set_level(blink.lit(now).into());
    }
}
