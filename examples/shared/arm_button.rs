//! The arm button: each press arms or disarms.

/// A button that must be seen in the same position for this many ticks (20 ms) before it counts.
const STEADY_TICKS: u8 = 20;

/// Debounces a button and toggles with each press.
#[derive(Default)]
pub struct ArmButton {
    pressed: bool,
    differing_ticks: u8,
    armed: bool,
}

impl ArmButton {
    /// Takes the button's position of this tick and tells whether the robot is armed.
    ///
    /// A button that is held down at start counts as a press only after 20 ms like any other;
    /// the robot always starts disarmed.
    pub fn step(&mut self, pressed: bool) -> bool {
        if pressed == self.pressed {
            self.differing_ticks = 0;
        } else {
            self.differing_ticks += 1;
            if self.differing_ticks >= STEADY_TICKS {
                self.differing_ticks = 0;
                self.pressed = pressed;
                self.armed ^= pressed;
            }
        }
        self.armed
    }

    /// Arms, as a press would.
    #[allow(dead_code)] // Where there is a prompt.
    pub fn arm(&mut self) {
        self.armed = true;
    }

    /// Takes the arming back.
    pub fn disarm(&mut self) {
        self.armed = false;
    }
}
