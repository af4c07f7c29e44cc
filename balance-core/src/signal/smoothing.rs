//! The share that a new sample has in a first-order filter, for the nominal and a measured period.

use crate::ConfigError;
use crate::config::{period, positive};
use crate::math::Float;

/// Shortest and longest measured period that a step believes, in nominal periods.
const PERIODS: (f64, f64) = (0.1, 10.0);

/// Whether a measured period is one that a step believes: 0.1 to 10 nominal ones.
pub(super) fn believable<P: Float>(dt: P, nominal: P) -> bool {
    dt >= P::lit(PERIODS.0) * nominal && dt <= P::lit(PERIODS.1) * nominal
}

/// `share(dt) = 1 − exp(−2π f dt)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Smoothing<P> {
    pub(super) dt: P,
    /// The share at the nominal period, exact.
    pub(super) share: P,
    /// Slope of the approximation for other periods, chosen to be exact at the nominal one.
    rate: P,
}

impl<P: Float> Smoothing<P> {
    pub(super) fn new(cutoff_hz: P, dt: P) -> Result<Self, ConfigError> {
        period(dt)?;
        positive("cutoff_hz", cutoff_hz)?;
        let cycles = cutoff_hz * dt;
        if cycles < P::lit(1e-6) || cycles >= P::lit(0.5) {
            return Err(ConfigError::OutOfRange("cutoff_hz"));
        }
        let exponent = P::TAU * cycles;
        let decay = (-exponent).exp();
        // W. Kahan's way to e^x − 1: the rounding of `decay` cancels between the two factors.
        let share = if decay == P::one() {
            exponent
        } else {
            (decay - P::one()) * exponent / decay.ln()
        };
        // Newton's method for cubic(z) = 1/decay; convex, so it cannot run away.
        let growth = P::one() / decay;
        let mut z = exponent;
        for _ in 0..8 {
            let slope = P::one() + z * (P::one() + z * P::lit(0.5));
            z = z - (P::one() + cubic(z) - growth) / slope;
        }
        // Where the growth is all rounding, the exponent itself is the better answer.
        let rate = if exponent < P::lit(1e-2) { exponent } else { z };
        Ok(Self {
            dt,
            share,
            rate: rate / dt,
        })
    }

    /// The share for a measured period, or `None` if it is not to be believed.
    ///
    /// `1 − 1/(1 + z + z²/2 + z³/6)`: below one and monotone in `dt`, so a filter never
    /// overshoots; within 1e-6 of exact at the nominal period.
    pub(super) fn share_of(&self, dt: P) -> Option<P> {
        if !believable(dt, self.dt) {
            return None;
        }
        let grown = cubic(self.rate * dt);
        Some(grown / (P::one() + grown))
    }
}

/// `z + z²/2 + z³/6`.
fn cubic<P: Float>(z: P) -> P {
    z * (P::one() + z * (P::lit(0.5) + z * P::lit(1.0 / 6.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_exact_in_single_precision_too() {
        for cutoff in [0.01_f32, 0.1, 1.0, 10.0, 100.0, 450.0] {
            let exact =
                -(-core::f64::consts::TAU * f64::from(cutoff) * f64::from(0.001_f32)).exp_m1();
            let share = Smoothing::new(cutoff, 0.001_f32).unwrap().share;
            assert!(
                (f64::from(share) / exact - 1.0).abs() < 4e-7,
                "{cutoff}: {share} {exact}"
            );
        }
    }

    #[test]
    fn the_share_of_a_measured_period_follows_it() {
        for cutoff in [0.5, 5.0, 20.0, 80.0, 200.0, 450.0] {
            let smoothing = Smoothing::<f64>::new(cutoff, 0.001).unwrap();
            assert!((smoothing.share_of(0.001).unwrap() - smoothing.share).abs() < 1e-6);
            let mut last = 0.0;
            for tenths in 1..=100 {
                let dt = 1e-4 * f64::from(tenths);
                let exact = -(-core::f64::consts::TAU * cutoff * dt).exp_m1();
                let share = smoothing.share_of(dt).unwrap();
                assert!(share > last && share < 1.0);
                assert!(
                    (share - exact).abs() < 0.07,
                    "{cutoff} {dt}: {share} {exact}"
                );
                if cutoff * dt.max(0.001) < 0.1 {
                    assert!(
                        (share - exact).abs() < 2.5e-3,
                        "{cutoff} {dt}: {share} {exact}"
                    );
                }
                last = share;
            }
            for absurd in [0.0, -0.001, f64::NAN, f64::INFINITY, 0.02, 1e-5] {
                assert_eq!(smoothing.share_of(absurd), None);
            }
        }
    }
}
