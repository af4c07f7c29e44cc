//! Electrical angle from the counts of an encoder, in exact integer arithmetic.

use crate::config::ConfigError;
use crate::math::Scalar;

/// How an encoder sits on a motor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncoderAngleConfig {
    /// Counts in a turn, all edges counted, above zero.
    pub counts_per_revolution: u32,
    /// Pairs of poles, above zero.
    pub pole_pairs: u16,
    /// Count at which the magnet points along phase a, found by an
    /// [`Alignment`](super::Alignment). Wrong by a quarter of an electrical turn: no torque; by more: backwards.
    pub zero: i32,
    /// The counts fall in forward rotation.
    pub reversed: bool,
}

impl Default for EncoderAngleConfig {
    /// 4096 counts on a hoverboard's wheel.
    fn default() -> Self {
        Self {
            counts_per_revolution: 4096,
            pole_pairs: 15,
            zero: 0,
            reversed: false,
        }
    }
}

impl EncoderAngleConfig {
    /// Prepares the conversion.
    ///
    /// # Errors
    /// A zero that must not be one.
    pub fn build<T: Scalar>(&self) -> Result<EncoderAngle<T>, ConfigError> {
        if self.pole_pairs == 0 {
            return Err(ConfigError::OutOfRange("pole_pairs"));
        }
        // 2⁶⁴ · pole pairs / counts, whole turns leaving at the top.
        let turn = u128::from(self.pole_pairs) << 64;
        let counts = u128::from(self.counts_per_revolution);
        let step = (turn + counts / 2)
            .checked_div(counts)
            .ok_or(ConfigError::OutOfRange("counts_per_revolution"))? as u64;
        Ok(EncoderAngle {
            step: if self.reversed {
                step.wrapping_neg()
            } else {
                step
            },
            zero: self.zero,
            radians: T::gain(T::Param::lit(core::f64::consts::PI / 2_147_483_648.0)),
        })
    }
}

/// Electrical angle from counts; see [`EncoderAngleConfig`].
///
/// Counts may run over the ends of `i32`, as long as `counts_per_revolution` divides 2³²; without
/// that, an encoder that runs on must be reset before. Rounding: 2⁻³³ of a turn. One 64-bit
/// product, and one to convert.
///
/// ```
/// use balance_core::motor::foc::{EncoderAngle, EncoderAngleConfig};
/// let angle: EncoderAngle<f64> = EncoderAngleConfig {
///     counts_per_revolution: 1000,
///     pole_pairs: 4,
///     zero: 250,
///     ..Default::default()
/// }
/// .build()?;
/// // A sixteenth of a turn is a quarter of an electrical one.
/// assert!((angle.of(250 + 62) - 62.0 * 4.0 / 1000.0 * core::f64::consts::TAU).abs() < 1e-8);
/// assert!(angle.of(250 + 3000).abs() < 1e-8);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EncoderAngle<T: Scalar> {
    step: u64,
    zero: i32,
    radians: T::Gain,
}

impl<T: Scalar> EncoderAngle<T> {
    /// Electrical angle in −π .. π.
    #[inline]
    #[must_use]
    pub fn of(&self, counts: i32) -> T {
        T::from_counts(self.binary(counts), self.radians)
    }

    /// Electrical angle as a binary one: a turn is 2³².
    #[inline]
    #[must_use]
    pub fn binary(&self, counts: i32) -> i32 {
        let counts = i64::from(counts.wrapping_sub(self.zero)) as u64;
        let turn = counts.wrapping_mul(self.step).wrapping_add(1 << 31);
        (turn >> 32) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{Q16, wrap_angle};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn is_the_angle_of_exact_arithmetic(
            counts_per_revolution in 1..200_000_u32, pole_pairs in 1..60_u16,
            zero in -100_000..100_000_i32, count in -1_000_000..1_000_000_i32, reversed: bool
        ) {
            let config = EncoderAngleConfig { counts_per_revolution, pole_pairs, zero, reversed };
            let sign = if reversed { -1 } else { 1 };
            let moved = i64::from(count - zero) * i64::from(pole_pairs) * sign;
            let share = moved.rem_euclid(i64::from(counts_per_revolution)) as f64
                / f64::from(counts_per_revolution);
            let wanted = wrap_angle(share * core::f64::consts::TAU);
            let got: f64 = config.build().unwrap().of(count);
            prop_assert!(wrap_angle(got - wanted).abs() < 2e-8, "{} {}", got, wanted);
            let fixed: Q16 = config.build().unwrap().of(count);
            let got = f64::from(fixed.to_param());
            prop_assert!(wrap_angle(got - wanted).abs() < 2.0 / 65536.0);
        }
    }

    #[test]
    fn counters_that_wrap_do_no_harm() {
        let angle: EncoderAngle<f64> = EncoderAngleConfig::default().build().unwrap();
        let step = angle.of(1);
        let across = angle.of(i32::MIN) - angle.of(i32::MAX);
        assert!((wrap_angle(across) - step).abs() < 1e-8);
        let none = EncoderAngleConfig {
            counts_per_revolution: 0,
            ..Default::default()
        };
        assert!(none.build::<f32>().is_err());
    }
}
