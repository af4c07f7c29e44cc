//! An LED that tells what the robot does.

use balance_core::time::Instant;
use embassy_rp::gpio::Output;

/// What the LED shows; one glance is to be enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Blink {
    /// Dark.
    #[default]
    Off,
    /// A short flash each second: alive, motors off.
    Heartbeat,
    /// Steady light: motors live.
    On,
    /// Four times a second: something is wrong, motors off.
    Alarm,
}

impl Blink {
    /// Whether the LED is lit at a moment.
    pub const fn lit(self, now: Instant) -> bool {
        // The low half of the microseconds is enough, and its division by a constant is cheap;
        // where it wraps, once in 71 minutes, a blink is a little short.
        let micros = now.as_micros() as u32;
        match self {
            Self::Off => false,
            Self::Heartbeat => micros % 1_000_000 < 60_000,
            Self::On => true,
            Self::Alarm => micros % 250_000 < 125_000,
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn share(blink: Blink) -> usize {
        (0..1000)
            .filter(|&ms| blink.lit(Instant::from_micros(ms * 1000)))
            .count()
    }

    #[test]
    fn patterns_are_told_apart() {
        assert_eq!(share(Blink::Off), 0);
        assert_eq!(share(Blink::Heartbeat), 60);
        assert_eq!(share(Blink::Alarm), 500);
        assert_eq!(share(Blink::On), 1000);
    }
}
