//! How far a loop is from oscillating.

use crate::math::{Float, Real, Scalar};
use nalgebra::Complex;

/// Frequencies that a loop is looked at, evenly spaced on a logarithmic scale.
const POINTS: u16 = 400;

/// Margins of a loop, of the loop gain L in `1 + L = 0`.
///
/// Margins say how far a stable loop is from the edge. That it is stable has to be known: from the
/// fact that it stands, or from its poles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Margins {
    /// The gain may rise by this factor, above 1; the largest number if by any.
    pub gain_rise: f64,
    /// The gain may fall to this factor, below 1; zero if to nothing. An unstable plant has one.
    pub gain_fall: f64,
    /// The phase may be off by this, either way, in rad.
    pub phase: f64,
    /// Frequency at which the phase margin is, in rad/s; zero where the gain is never one.
    pub crossover: f64,
    /// Largest magnitude of the sensitivity 1 / (1 + L). Below 2 is good, above 4 oscillates.
    pub peak_sensitivity: f64,
}

impl Margins {
    /// The smaller of both gain margins, in dB.
    #[must_use]
    pub fn gain_decibels(&self) -> f64 {
        self.rise_decibels().min(self.fall_decibels())
    }

    /// What the gain may rise by, in dB.
    #[must_use]
    pub fn rise_decibels(&self) -> f64 {
        decibels(self.gain_rise)
    }

    /// What the gain may fall by, in dB; as good as infinite if to nothing.
    #[must_use]
    pub fn fall_decibels(&self) -> f64 {
        decibels(if self.gain_fall <= 0.0 {
            <f64 as Scalar>::MAX
        } else {
            1.0 / self.gain_fall
        })
    }

    /// The phase margin in degrees.
    #[must_use]
    pub fn phase_degrees(&self) -> f64 {
        self.phase * (180.0 / core::f64::consts::PI)
    }

    /// Whether the margins are at least these, in dB and degrees.
    #[must_use]
    pub fn are_at_least(&self, decibels: f64, degrees: f64) -> bool {
        self.gain_decibels() >= decibels && self.phase_degrees() >= degrees
    }
}

fn decibels(factor: f64) -> f64 {
    (20.0 / core::f64::consts::LN_10) * Float::ln(factor)
}

/// Margins of the loop gain `L(ω)`, looked at from `low` to `high` rad/s: gain margins where L is
/// negative and real, phase margin where its magnitude is one.
///
/// 400 frequencies, interpolated in between: within 1 % for loops without a resonance narrower than
/// that (damping above 0.02 over three decades). Cost: 400 evaluations of `open_loop`.
///
/// ```
/// use balance_core::control::autotune::margins;
/// use nalgebra::Complex;
/// // An integrator behind a delay of 0.1 s: L = 5 e^(−0.1 jω) / jω.
/// let delay = |w: f64| Complex::new((0.1 * w).cos(), -(0.1 * w).sin());
/// let m = margins(|w: f64| Complex::new(0.0, -5.0 / w) * delay(w), 0.1, 100.0);
/// assert!((m.phase_degrees() - (90.0 - 0.5_f64.to_degrees())).abs() < 0.1);
/// assert!((m.gain_rise - std::f64::consts::PI).abs() < 0.02);
/// ```
pub fn margins(open_loop: impl Fn(f64) -> Complex<f64>, low: f64, high: f64) -> Margins {
    let ratio = Float::exp(Float::ln(high / low) / f64::from(POINTS - 1));
    let mut found = Margins {
        gain_rise: <f64 as Scalar>::MAX,
        gain_fall: 0.0,
        phase: core::f64::consts::PI,
        crossover: 0.0,
        peak_sensitivity: 1.0,
    };
    let mut frequency = low;
    let mut last = open_loop(frequency);
    // A gain that starts out negative crosses the axis at standstill.
    if last.im.magnitude() < 0.02 * last.re.magnitude() {
        found.meet(-last.re);
    }
    for _ in 1..POINTS {
        frequency *= ratio;
        let next = open_loop(frequency);
        found.watch(last, next, frequency);
        last = next;
    }
    found
}

impl Margins {
    /// L is this negative number.
    fn meet(&mut self, size: f64) {
        if size >= 1.0 {
            let fall = 1.0 / size;
            self.gain_fall = fall.limit(self.gain_fall, 1.0);
        } else if size > 0.0 {
            let rise = 1.0 / size;
            self.gain_rise = rise.limit(1.0, self.gain_rise);
        }
    }

    /// Looks at what L does between two frequencies.
    fn watch(&mut self, last: Complex<f64>, next: Complex<f64>, frequency: f64) {
        let (zero, one) = (0.0, 1.0);
        if (last.im < zero) != (next.im < zero) {
            let share = last.im / (last.im - next.im);
            self.meet(-(last.re + share * (next.re - last.re)));
        }
        let square = |z: Complex<f64>| z.re * z.re + z.im * z.im;
        let (before, after) = (square(last), square(next));
        if (before < one) != (after < one) {
            let share = Float::ln(before) / (Float::ln(before) - Float::ln(after));
            // Angle to the negative real axis.
            let angle = |z: Complex<f64>| (-z.im).atan2(-z.re);
            let (from, to) = (angle(last), angle(next));
            let phase = (from + share * (to - from).wrap()).wrap().magnitude();
            if phase < self.phase {
                self.phase = phase;
                self.crossover = frequency;
            }
        }
        let distance = square(Complex::new(one + next.re, next.im)).sqrt();
        let sensitivity = one / distance;
        if sensitivity > self.peak_sensitivity {
            self.peak_sensitivity = sensitivity;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// K / (s (s + 1) (s / 10 + 1)): phase −180° at √10, gain there K / 11.
    fn third_order(gain: f64) -> Margins {
        let open = |w: f64| {
            let s = Complex::new(0.0, w);
            let one = Complex::new(1.0, 0.0);
            Complex::new(gain, 0.0) / (s * (s + one) * (s / 10.0 + one))
        };
        margins(open, 0.01, 100.0)
    }

    #[test]
    fn finds_the_textbook_gain_margin() {
        let rise = third_order(2.0).gain_rise;
        assert!((rise - 5.5).abs() < 0.03, "{rise}");
        let fall = third_order(22.0).gain_fall;
        assert!((fall - 0.5).abs() < 0.003, "{fall}");
    }

    #[test]
    fn phase_margin_of_a_critical_loop_is_none() {
        let found = third_order(11.0);
        assert!(found.phase_degrees() < 0.3 && found.gain_decibels() < 0.1);
        assert!(found.peak_sensitivity > 50.0);
        assert!((found.crossover - 10_f64.sqrt()).abs() < 0.1);
    }

    #[test]
    fn an_unstable_plant_may_lose_gain_only_so_far() {
        // 4 / (s − 1) with P = 1: stable for gains above 1/4.
        let found = margins(
            |w: f64| Complex::new(4.0, 0.0) / Complex::new(-1.0, w),
            1e-3,
            1e3,
        );
        assert!((found.gain_fall - 0.25).abs() < 1e-3, "{found:?}");
        assert!(found.gain_rise > 1e9);
        assert!((found.gain_decibels() - 12.04).abs() < 0.1);
    }
}
