//! Ranges inside a lead-lag compensator.

use super::{Range, RangeError};
use crate::control::lead_lag::{LeadLag, LeadLagConfig};
use crate::math::{Float, Scalar};

/// How far the values inside a lead-lag compensator can go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeadLagProof {
    /// The smoothed input.
    pub smooth: Range,
    /// The output.
    pub output: Range,
}

impl<P: Float> LeadLagConfig<P> {
    /// Proves that nothing saturates inside a compensator over `T`, with whatever inputs within the
    /// range. The smoothed input is a mean of inputs and of the zero that it starts at: its weights
    /// are positive, because the pole is below 2/dt.
    ///
    /// # Errors
    ///
    /// Names the first value that can saturate; or as [`LeadLagConfig::build`].
    pub fn prove<T: Scalar<Param = P>>(
        &self,
        input: &Range,
        dt: P,
    ) -> Result<LeadLagProof, RangeError> {
        let _: LeadLag<T> = self.build(dt)?;
        let input = input.declared::<T>("input")?;
        let smooth = input.hull(Range::default()).fits::<T>("smooth")?;
        let gain = self.gain.to_f64();
        let fast = gain * self.pole.to_f64() / self.zero.to_f64();
        let output = input
            .times(fast)
            .fits_wide::<T>("partial sum")?
            .plus(smooth.times(gain - fast))
            .fits::<T>("output")?;
        Ok(LeadLagProof { smooth, output })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{Q8, Q12};

    #[test]
    fn the_worst_input_reaches_the_bound() {
        let config = LeadLagConfig::<f32> {
            gain: 2.0,
            zero: 5.0,
            pole: 50.0,
        };
        let range = Range::new(-1.0, 3.0);
        let proof = config.prove::<Q12>(&range, 0.001).unwrap();
        let mut lead: LeadLag<Q12> = config.build(0.001).unwrap();
        let (mut low, mut high) = (0.0_f64, 0.0_f64);
        for n in 0..4000 {
            // For long at one end, and then at the other.
            let x = if n / 1000 % 2 == 0 {
                range.low
            } else {
                range.high
            };
            let y = f64::from(lead.step(Q12::lit(x)).to_param());
            assert!(proof.output.contains(y), "{y}");
            (low, high) = (low.min(y), high.max(y));
        }
        assert!(low < 0.97 * proof.output.low, "{low} {proof:?}");
        assert!(high > 0.97 * proof.output.high, "{high} {proof:?}");
    }

    #[test]
    fn says_which_value_would_saturate() {
        let config = LeadLagConfig::<f32> {
            gain: 1.0,
            zero: 1.0,
            pole: 40.0,
        };
        let stage = |input| match config.prove::<Q8>(&input, 0.001) {
            Err(RangeError::Saturates { stage, .. }) => stage,
            other => panic!("{other:?}"),
        };
        assert_eq!(stage(Range::within(2.0)), "output");
        assert_eq!(stage(Range::within(200.0)), "input");
        assert!(config.prove::<Q8>(&Range::within(1.0), 0.001).is_ok());
    }
}
