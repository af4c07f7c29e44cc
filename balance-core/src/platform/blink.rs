//! What an LED tells about the robot.

use crate::time::Instant;

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
    #[must_use]
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
