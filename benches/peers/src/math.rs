//! Elementary functions.

use cases::scalar::fixed as Q12;
use cases::{Case, ConfigError, Sample};

/// Both of an angle that is a share of a turn.
pub struct IdspCossin;
/// Of an acceleration.
pub struct IdspAtan2;

impl Case<Q12> for IdspCossin {
    type Algorithm = ();
    type Input = i32;
    type Output = (i32, i32);

    fn build() -> Result<(), ConfigError> {
        Ok(())
    }
    fn input(sample: &Sample) -> i32 {
        // Eight turns in 600 samples.
        i32::from(sample.index).wrapping_mul(57_266_230)
    }
    fn step((): &mut (), angle: &i32) -> (i32, i32) {
        idsp::cossin(*angle)
    }
}

impl Case<Q12> for IdspAtan2 {
    type Algorithm = ();
    type Input = [i32; 2];
    type Output = i32;

    fn build() -> Result<(), ConfigError> {
        Ok(())
    }
    fn input(sample: &Sample) -> [i32; 2] {
        let [x, _, z] = sample.accel::<Q12>();
        [x.to_bits(), z.to_bits()]
    }
    fn step((): &mut (), [x, z]: &[i32; 2]) -> i32 {
        idsp::atan2(*x, *z)
    }
}
