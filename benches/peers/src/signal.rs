//! Filters.

use cases::scalar::fixed as Q12;
use cases::{Case, ConfigError, Sample};
use dsp_fixedpoint::Q32;
use dsp_process::SplitProcess;
use idsp::iir::{Biquad, DirectForm1, DirectForm2Transposed};

/// The notch of the case `biquad`: 20 Hz of 100 Hz.
pub struct IdspBiquad;

/// Numerator, and the denominator behind its one with idsp's signs, for a Q of 1/√2.
const NOTCH: [f32; 5] = [0.597_9, -0.369_5, 0.597_9, 0.369_5, -0.195_8];

impl Case<f32> for IdspBiquad {
    type Algorithm = (Biquad<f32>, DirectForm2Transposed<f32>);
    type Input = f32;
    type Output = f32;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        Ok((Biquad { ba: NOTCH }, DirectForm2Transposed::default()))
    }
    fn input(sample: &Sample) -> f32 {
        let [_, rate, _] = sample.rate();
        rate
    }
    fn step((filter, state): &mut Self::Algorithm, x: &f32) -> f32 {
        filter.process(state, *x)
    }
}

impl Case<Q12> for IdspBiquad {
    type Algorithm = (Biquad<Q32<29>>, DirectForm1<i32>);
    type Input = i32;
    type Output = i32;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        let ba = NOTCH.map(Q32::from_f32);
        Ok((Biquad { ba }, DirectForm1::default()))
    }
    fn input(sample: &Sample) -> i32 {
        let [_, rate, _] = sample.rate::<Q12>();
        rate.to_bits()
    }
    fn step((filter, state): &mut Self::Algorithm, x: &i32) -> i32 {
        filter.process(state, *x)
    }
}
