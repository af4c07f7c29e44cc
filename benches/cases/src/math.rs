//! Elementary functions.

use crate::{Case, ConfigError, Sample};
use balance_core::math::{Real, Scalar};

/// Both of an angle.
pub struct SinCos;

impl<T: Real> Case<T> for SinCos {
    type Algorithm = ();
    type Input = T;
    type Output = (T, T);

    fn build() -> Result<(), ConfigError> {
        Ok(())
    }
    fn input(sample: &Sample) -> T {
        angle(sample)
    }
    fn step((): &mut (), angle: &T) -> (T, T) {
        angle.sin_cos()
    }
}

/// Of an acceleration.
pub struct Atan2;

impl<T: Real> Case<T> for Atan2 {
    type Algorithm = ();
    type Input = [T; 2];
    type Output = T;

    fn build() -> Result<(), ConfigError> {
        Ok(())
    }
    fn input(sample: &Sample) -> [T; 2] {
        let [x, _, z] = sample.accel();
        [x, z]
    }
    fn step((): &mut (), [x, z]: &[T; 2]) -> T {
        x.atan2(*z)
    }
}

/// Of an acceleration.
pub struct Sqrt;

impl<T: Real> Case<T> for Sqrt {
    type Algorithm = ();
    type Input = T;
    type Output = T;

    fn build() -> Result<(), ConfigError> {
        Ok(())
    }
    fn input(sample: &Sample) -> T {
        let [_, _, z] = sample.accel::<T>();
        z.magnitude()
    }
    fn step((): &mut (), square: &T) -> T {
        square.sqrt()
    }
}

/// Of an angle of up to two turns.
pub struct WrapAngle;

impl<T: Real> Case<T> for WrapAngle {
    type Algorithm = ();
    type Input = T;
    type Output = T;

    fn build() -> Result<(), ConfigError> {
        Ok(())
    }
    fn input(sample: &Sample) -> T {
        angle(sample)
    }
    fn step((): &mut (), angle: &T) -> T {
        balance_core::math::wrap_angle(*angle)
    }
}

/// From −2π to 2π and back, four times.
fn angle<T: Real>(sample: &Sample) -> T {
    let phase = i32::from(sample.index * 4 % 600) - 300;
    T::from_counts(phase, T::gain(T::Param::TAU / T::Param::lit(300.0)))
}
