//! Ranges inside a state feedback.

use super::{Range, RangeError};
use crate::control::state_feedback::{IntegralOf, StateFeedback, StateFeedbackConfig};
use crate::math::{Float, Scalar};

/// What goes into a state feedback.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StateFeedbackRanges<const N: usize> {
    /// States.
    pub state: [Range; N],
    /// States to be reached. Default zero.
    pub reference: [Range; N],
    /// Feedforwards. Default zero.
    pub feedforward: Range,
    /// Deviations for [`IntegralOf::Deviation`]. Default zero.
    pub deviation: Range,
}

impl<const N: usize> StateFeedbackRanges<N> {
    /// Toward a state of zeros.
    #[must_use]
    pub fn new(state: [Range; N]) -> Self {
        Self {
            state,
            reference: [Range::default(); N],
            feedforward: Range::default(),
            deviation: Range::default(),
        }
    }
}

/// How far the values inside a state feedback can go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StateFeedbackProof {
    /// Feedforward and all states times their gains.
    pub proportional: Range,
    /// The integral, before its limits.
    pub integral: Range,
    /// The sum of both, before the limits of the output.
    pub sum: Range,
}

impl<P: Float, const N: usize> StateFeedbackConfig<P, N> {
    /// Proves that nothing saturates inside a state feedback over `T`, with whatever inputs within
    /// the ranges.
    ///
    /// # Errors
    ///
    /// Names the first value that can saturate; or as [`StateFeedbackConfig::build`].
    pub fn prove<T: Scalar<Param = P>>(
        &self,
        ranges: &StateFeedbackRanges<N>,
        dt: P,
    ) -> Result<StateFeedbackProof, RangeError> {
        let _: StateFeedback<T, N> = self.build(dt)?;
        let mut deviations = [Range::default(); N];
        let mut sum = ranges.feedforward.declared::<T>("feedforward")?;
        for (i, deviation) in deviations.iter_mut().enumerate() {
            let state = ranges.state[i].declared::<T>("state")?;
            let reference = ranges.reference[i].declared::<T>("reference")?;
            *deviation = state.minus(reference).fits::<T>("state - reference")?;
            sum = sum
                .plus(deviation.times(-self.gain[i].to_f64()))
                .fits_wide::<T>("partial sum")?;
        }
        let proportional = sum.fits::<T>("proportional")?;
        let mut integral = Range::default();
        if let Some(action) = self.integral {
            let deviation = match action.of {
                IntegralOf::State(index) => deviations.get(index).copied().unwrap_or_default(),
                IntegralOf::Deviation => ranges.deviation.declared::<T>("deviation")?,
            };
            integral = Range::within(action.limit.to_f64())
                .plus(deviation.times(-action.gain.to_f64() * dt.to_f64()))
                .fits::<T>("integral")?;
        }
        Ok(StateFeedbackProof {
            proportional,
            integral,
            sum: proportional.plus(integral).fits::<T>("sum")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::state_feedback::FeedbackIntegral;
    use crate::math::{Q8, Q12};

    fn config() -> StateFeedbackConfig<f32, 4> {
        StateFeedbackConfig {
            gain: [-10.8, -25.6, -22.2, -2.7],
            integral: Some(FeedbackIntegral {
                gain: -8.0,
                of: IntegralOf::State(0),
                limit: 6.0,
            }),
            output_min: -12.0,
            output_max: 12.0,
        }
    }

    fn ranges() -> StateFeedbackRanges<4> {
        StateFeedbackRanges::new([1.0, 0.5, 2.0, 8.0].map(Range::within))
    }

    #[test]
    fn every_corner_is_within_and_the_worst_is_at_the_bound() {
        let proof = config().prove::<Q12>(&ranges(), 0.005).unwrap();
        let free = StateFeedbackConfig {
            integral: None,
            output_min: -2000.0,
            output_max: 2000.0,
            ..config()
        };
        let mut feedback: StateFeedback<Q12, 4> = free.build(0.005).unwrap();
        let mut top = 0.0_f64;
        for corner in 0..16 {
            let x = core::array::from_fn(|i| {
                let range = ranges().state[i];
                Q12::lit(if corner >> i & 1 == 0 {
                    range.low
                } else {
                    range.high
                })
            });
            let total = f64::from(feedback.step(&x).total.to_param());
            assert!(proof.proportional.contains(total));
            top = top.max(total.abs());
        }
        assert!(top > 0.999 * proof.proportional.largest(), "{top}");
    }

    #[test]
    fn says_which_value_would_saturate() {
        let error = config().prove::<Q8>(&StateFeedbackRanges::new([Range::within(8.0); 4]), 0.005);
        let Err(RangeError::Saturates { stage, reaches }) = error else {
            panic!("{error:?}");
        };
        assert_eq!(stage, "proportional");
        assert!((reaches.high - 8.0 * 61.3).abs() < 1e-2, "{reaches:?}");
        let odd = StateFeedbackRanges::new([Range::new(1.0, -1.0); 4]);
        assert_eq!(
            config().prove::<Q12>(&odd, 0.005),
            Err(RangeError::NoRange("state"))
        );
    }
}
