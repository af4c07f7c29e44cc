//! Elementary functions.

use crate::scalar::fixed;
use crate::{Case, ConfigError, Sample};
use balance_core::math::{Real, Scalar, atan2_counts, sin_cos_counts, sin_cos_short};

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

/// Both of an angle in counts, eight turns in all.
pub struct SinCosCounts;

impl Case<fixed> for SinCosCounts {
    type Algorithm = ();
    type Input = i32;
    type Output = (i32, i32);

    fn build() -> Result<(), ConfigError> {
        Ok(())
    }
    fn input(sample: &Sample) -> i32 {
        counts(sample)
    }
    fn step((): &mut (), angle: &i32) -> (i32, i32) {
        sin_cos_counts(*angle)
    }
}

/// The same in products of 16 bits.
pub struct SinCosShort;

impl Case<fixed> for SinCosShort {
    type Algorithm = ();
    type Input = i32;
    type Output = (i32, i32);

    fn build() -> Result<(), ConfigError> {
        Ok(())
    }
    fn input(sample: &Sample) -> i32 {
        counts(sample)
    }
    fn step((): &mut (), angle: &i32) -> (i32, i32) {
        sin_cos_short(*angle)
    }
}

/// Of an acceleration in counts, to counts of a turn.
pub struct Atan2Counts;

impl Case<fixed> for Atan2Counts {
    type Algorithm = ();
    type Input = [i32; 2];
    type Output = i32;

    fn build() -> Result<(), ConfigError> {
        Ok(())
    }
    fn input(sample: &Sample) -> [i32; 2] {
        let [x, _, z] = sample.accel::<fixed>();
        [x.to_bits(), z.to_bits()]
    }
    fn step((): &mut (), [x, z]: &[i32; 2]) -> i32 {
        atan2_counts(*x, *z)
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

/// Eight turns in 600 samples.
fn counts(sample: &Sample) -> i32 {
    i32::from(sample.index).wrapping_mul(57_266_230)
}

/// From −2π to 2π and back, four times.
fn angle<T: Real>(sample: &Sample) -> T {
    let phase = i32::from(sample.index * 4 % 600) - 300;
    T::from_counts(phase, T::gain(T::Param::TAU / T::Param::lit(300.0)))
}
