//! Currents of the two windings, microstep by microstep.

use crate::math::sin_cos_counts;

/// Where a two-phase motor stands between its full steps, with 2^n microsteps to a full step.
///
/// One period of the currents is four full steps. The table is the sine itself, computed: 2⁻³⁰
/// exact to 5e-9, without 256 entries of flash.
///
/// ```
/// use balance_core::motor::stepper::Microsteps;
/// let mut position = Microsteps::new(4); // sixteenths
/// assert_eq!(position.currents(1000), (1000, 0));
/// position.advance(8); // half a full step: both windings, equal
/// assert_eq!(position.currents(1000), (707, 707));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Microsteps {
    /// 2³² is a period.
    phase: u32,
    step: u32,
}

impl Microsteps {
    /// 2^`exponent` microsteps to a full step, at most 2⁸; at the first winding's peak.
    #[must_use]
    pub const fn new(exponent: u32) -> Self {
        let exponent = if exponent > 8 { 8 } else { exponent };
        Self {
            phase: 0,
            step: (1_u32 << 30) >> exponent,
        }
    }

    /// Moves on by so many microsteps, back if negative.
    pub fn advance(&mut self, microsteps: i32) {
        let moved = self.step.wrapping_mul(microsteps as u32);
        self.phase = self.phase.wrapping_add(moved);
    }

    /// Currents of the two windings for a peak of `peak`, up to ±32767, rounded to nearest.
    #[must_use]
    pub fn currents(&self, peak: i16) -> (i16, i16) {
        let (sine, cosine) = sin_cos_counts(self.phase as i32);
        let scaled = |x: i32| {
            let product = i64::from(x) * i64::from(peak);
            ((product + (1 << 29)) >> 30) as i16
        };
        (scaled(cosine), scaled(sine))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torque_is_even_and_four_full_steps_are_a_period() {
        for exponent in 0..=8 {
            let mut position = Microsteps::new(exponent);
            for k in 0..4 << exponent {
                let (a, b) = position.currents(10_000);
                let length = f64::from(a).hypot(f64::from(b));
                assert!((length - 10_000.0).abs() < 1.0);
                let angle = f64::from(b).atan2(f64::from(a));
                let wanted = f64::from(k) / f64::from(4 << exponent) * core::f64::consts::TAU;
                let error = (angle - wanted).rem_euclid(core::f64::consts::TAU);
                assert!(error.min(core::f64::consts::TAU - error) < 1e-4);
                position.advance(1);
            }
            assert_eq!(position, Microsteps::new(exponent));
            position.advance(-1);
            assert!(position.currents(10_000).1 <= 0);
        }
    }
}
