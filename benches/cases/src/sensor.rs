//! Sensors.

use crate::{Case, ConfigError, Sample};
use balance_core::estimation::accel_tilt::pitch_from_counts;
use balance_core::math::Scalar;

/// Pitch from accelerometer counts.
pub struct AccelTilt;

impl<T: Scalar> Case<T> for AccelTilt {
    type Algorithm = ();
    type Input = [i16; 3];
    type Output = Option<T>;

    fn build() -> Result<(), ConfigError> {
        Ok(())
    }
    fn input(sample: &Sample) -> [i16; 3] {
        sample.imu.accel
    }
    fn step((): &mut (), counts: &[i16; 3]) -> Option<T> {
        pitch_from_counts(*counts)
    }
}
