//! The range of a second-order section.

use super::range::Larger;
use super::{Range, RangeError};
use crate::math::{Float, Scalar};
use crate::signal::biquad::{Biquad, BiquadConfig};
use nalgebra::Matrix2;

/// Periods after which a response that has not faded is given up.
const LONGEST: u32 = 1 << 22;

impl<P: Float> BiquadConfig<P> {
    /// Proves that a section over `T` does not saturate with whatever inputs within the range, and
    /// gives the range of its outputs: the least there is, reached by an input that takes the ends
    /// in the order of the impulse response's signs.
    ///
    /// Costs some twenty time constants of steps in `f64`.
    ///
    /// # Errors
    ///
    /// `Saturates` with the stage `output`; `TooSlow` for a response longer than 4 million periods;
    /// or as [`BiquadConfig::build`].
    pub fn prove<T: Scalar<Param = P>>(&self, input: &Range, dt: P) -> Result<Range, RangeError> {
        let _: Biquad<T> = self.build(dt)?;
        let input = input.declared::<T>("input")?;
        let exact = BiquadConfig {
            kind: self.kind,
            frequency_hz: self.frequency_hz.to_f64(),
            q: self.q.to_f64(),
            gain_db: self.gain_db.to_f64(),
        };
        let (sum, magnitude) = response(&exact, dt.to_f64())?;
        let (middle, half) = (0.5 * (input.low + input.high), 0.5 * input.width());
        Range::within(half * magnitude)
            .plus(Range::new(middle * sum, middle * sum))
            .fits::<T>("output")
    }
}

/// Sum of the impulse response, and an upper bound of the sum of its magnitudes.
fn response(config: &BiquadConfig<f64>, dt: f64) -> Result<(f64, f64), RangeError> {
    let slow = Err(RangeError::TooSlow("biquad"));
    let [_, _, _, a1, a2] = config.coefficients(dt)?;
    let mut section: Biquad<f64> = config.build(dt)?;
    section.start_at(0.0);

    // After `block` periods without an input, what is left of two outputs is at most half.
    let mut power = Matrix2::new(-a1, -a2, 1.0, 0.0);
    let mut block = 1_u32;
    while rows(&power) > 0.5 {
        power *= power;
        block = block.saturating_mul(2);
        if block > LONGEST {
            return slow;
        }
    }
    let mut growth = 0.0;
    for start in [[1.0, 0.0], [0.0, 1.0]] {
        let [mut last, mut before]: [f64; 2] = start;
        for _ in 0..block {
            (last, before) = (-a1 * last - a2 * before, last);
            growth += last.magnitude();
        }
    }

    let (mut sum, mut magnitude, mut last) = (0.0, 0.0, 0.0_f64);
    for n in 0..LONGEST {
        let output = section.step(if n == 0 { 1.0 } else { 0.0 });
        sum += output;
        magnitude += output.magnitude();
        // From here on the outputs follow the poles alone: halved each block, they add up to
        // twice those of one.
        let left = 2.0 * growth * output.magnitude().larger(last.magnitude());
        last = output;
        if n > 2 && left <= 1e-7 * magnitude {
            return Ok((sum, magnitude + left));
        }
    }
    slow
}

fn rows(matrix: &Matrix2<f64>) -> f64 {
    let row = |i| matrix[(i, 0)].magnitude() + matrix[(i, 1)].magnitude();
    row(0).larger(row(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{Q8, Q12};
    use crate::signal::biquad::BiquadKind;

    fn config(kind: BiquadKind, frequency_hz: f32, q: f32) -> BiquadConfig<f32> {
        BiquadConfig {
            kind,
            frequency_hz,
            q,
            gain_db: 6.0,
        }
    }

    /// The largest output for an input that knows the impulse response.
    fn worst(config: &BiquadConfig<f32>, range: Range) -> f64 {
        const LENGTH: usize = 3000;
        let mut filter: Biquad<f32> = config.build(0.001).unwrap();
        filter.start_at(0.0);
        let response: [f32; LENGTH] =
            core::array::from_fn(|n| filter.step(if n == 0 { 1.0 } else { 0.0 }));
        let mut filter: Biquad<Q12> = config.build(0.001).unwrap();
        filter.start_at(Q12::lit(if response[LENGTH - 1] > 0.0 {
            range.high
        } else {
            range.low
        }));
        let mut last = 0.0;
        for h in response.iter().rev() {
            let x = if *h > 0.0 { range.high } else { range.low };
            last = f64::from(filter.step(Q12::lit(x)).to_param());
        }
        last
    }

    #[test]
    fn the_worst_input_comes_up_to_the_bound() {
        for kind in [
            BiquadKind::Low,
            BiquadKind::High,
            BiquadKind::Band,
            BiquadKind::Notch,
            BiquadKind::Peak,
            BiquadKind::LowShelf,
        ] {
            for (frequency, q) in [(5.0, 0.7), (60.0, 8.0), (300.0, 2.0)] {
                let config = config(kind, frequency, q);
                let range = Range::new(-30.0, 50.0);
                let proof = config.prove::<Q12>(&range, 0.001).unwrap();
                let top = worst(&config, range);
                assert!(
                    top <= proof.high,
                    "{kind:?} {frequency} {q}: {top} {proof:?}"
                );
                assert!(
                    top > 0.999 * proof.high,
                    "{kind:?} {frequency} {q}: {top} {proof:?}"
                );
            }
        }
    }

    #[test]
    fn a_resonance_needs_room() {
        let range = Range::within(100.0);
        let smooth = config(BiquadKind::Low, 20.0, 0.5);
        assert!(smooth.prove::<Q8>(&range, 0.001).is_ok());
        let ringing = config(BiquadKind::Low, 20.0, 5.0);
        let Err(RangeError::Saturates { stage, reaches }) = ringing.prove::<Q8>(&range, 0.001)
        else {
            panic!("a resonance of five within a quarter of the range");
        };
        // A square wave at the resonance: 4/π times the quality, and a little for the harmonics.
        assert_eq!(stage, "output");
        assert!(reaches.high > 100.0 * 5.0 * 1.2 && reaches.high < 100.0 * 5.0 * 1.4);
    }

    #[test]
    fn a_bound_that_would_take_for_ever_is_not_claimed() {
        let endless = BiquadConfig::<f64> {
            frequency_hz: 2e-3,
            q: 1000.0,
            ..Default::default()
        };
        let error = endless.prove::<f64>(&Range::within(1.0), 0.001);
        assert_eq!(error, Err(RangeError::TooSlow("biquad")));
    }
}
