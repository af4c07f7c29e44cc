//! When the motors certainly press on the wheels.

use crate::math::Scalar;

/// A rotor in the play of its gear, moved by the voltage that is left for torque.
///
/// While it crosses the play, the voltage does nothing to the robot, and what has been measured
/// then says nothing about it. How long that takes is known roughly only, so this rotor is a slow
/// one: when it has arrived, the real one has.
#[derive(Clone, Copy, Debug)]
pub(super) struct GearPlay {
    /// Acceleration in widths of the play, per volt.
    per_volt: f64,
    /// Voltage that friction takes away.
    friction: f64,
    /// Volts per rad/s of the wheel.
    drag: f64,
    /// Place in the play, −½ to ½.
    place: f64,
    rate: f64,
}

impl GearPlay {
    /// One volt takes this rotor across within `crossing` seconds.
    pub(super) fn new(crossing: f64, friction: f64, drag: f64) -> Self {
        Self {
            per_volt: 2.0 / (crossing * crossing),
            friction,
            drag,
            place: 0.0,
            rate: 0.0,
        }
    }

    /// Whether it presses on the wheel all through a period, under this voltage at the wheel's
    /// speed against the body in rad/s, whose `sign` is smoothed about standstill.
    pub(super) fn step(&mut self, volts: f64, wheel: f64, sign: f64, dt: f64) -> bool {
        let left = volts - self.drag * wheel - self.friction * sign;
        if self.place.magnitude() >= 0.5 && self.place * left > 0.0 {
            self.rate = 0.0;
            return true;
        }
        self.rate += self.per_volt * left * dt;
        self.place += self.rate * dt;
        if self.place.magnitude() >= 0.5 {
            self.place = if self.place < 0.0 { -0.5 } else { 0.5 };
            self.rate = 0.0;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds until it presses.
    fn crossing(play: &mut GearPlay, volts: f64) -> u32 {
        (0..1000)
            .find(|_| play.step(volts, 0.0, 0.0, 0.001))
            .unwrap()
    }

    #[test]
    fn crosses_in_the_time_of_a_volt_and_faster_under_more() {
        let mut play = GearPlay::new(0.03, 0.0, 0.0);
        crossing(&mut play, 1.0);
        let there = crossing(&mut play, -1.0);
        assert!((29..=31).contains(&there), "{there}");
        let back = crossing(&mut play, 4.0);
        assert!((14..=16).contains(&back), "{back}");
        assert!(play.step(4.0, 0.0, 0.0, 0.001));
    }

    #[test]
    fn a_wheel_at_the_speed_of_its_voltage_is_pressed_by_nothing() {
        let mut play = GearPlay::new(0.03, 0.2, 0.5);
        assert!((0..500).all(|_| !play.step(2.2, 4.0, 1.0, 0.001)));
    }
}
