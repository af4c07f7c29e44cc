//! Gyroscope bias at rest, with a stillness check that refuses a moving robot.
//!
//! In integers, on counts: the mean of a second of readings, provided that they stay together and
//! are no steady turn. The accelerometer, if it is given, has to stay together as well: it notices a
//! robot that is carried without being turned.

use crate::math::wide::mul_high_unsigned;
use core::fmt;

/// How the bias is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GyroBiasConfig {
    /// Readings to average, 1 to 4096. Too few: noise stays as bias. Too many: a long start.
    pub samples: u16,
    /// Largest difference between readings of one axis for which the robot counts as still, in
    /// counts. Too small: sensor noise alone disturbs it. Too large: a slow turn passes.
    pub max_spread: u16,
    /// Largest bias that is believed, in counts; a steady turn must not pass as bias.
    pub max_bias: u16,
    /// As `max_spread`, of the accelerometer where there is one.
    pub max_accel_spread: u16,
}

impl Default for GyroBiasConfig {
    /// Half a second at 1 kHz; 3 °/s of spread and 20 °/s of bias for a gyroscope of ±500 °/s
    /// (65.5 counts per °/s); 0.15 g of spread for an accelerometer of ±4 g.
    fn default() -> Self {
        Self {
            samples: 500,
            max_spread: 200,
            max_bias: 1310,
            max_accel_spread: 1229,
        }
    }
}

/// Fractional bits of a bias: its average is finer than a count.
pub const BIAS_BITS: u32 = 4;

/// Collects readings until they are enough; 32 bytes.
///
/// ```
/// use balance_core::sensor::calibration::gyro_bias::{GyroBias, GyroBiasConfig, Progress};
/// let config = GyroBiasConfig { samples: 4, ..Default::default() };
/// let mut bias = GyroBias::default();
/// for x in [10, 11, 10] {
///     assert_eq!(bias.step([x, 0, -3], None, &config), Progress::Collecting);
/// }
/// // In 1/16 counts.
/// assert_eq!(bias.step([11, 0, -3], None, &config), Progress::Done([168, 0, -48]));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct GyroBias {
    count: u16,
    sum: [i32; 3],
    gyro: [Range; 3],
    accel: [Range; 3],
}

#[derive(Clone, Copy, Debug, Default)]
struct Range {
    low: i16,
    high: i16,
}

impl Range {
    fn widened(self, value: i16) -> Self {
        Self {
            low: self.low.min(value),
            high: self.high.max(value),
        }
    }
    fn is_within(self, spread: u16) -> bool {
        self.high.abs_diff(self.low) <= spread
    }
}

/// Why counting starts again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unrest {
    /// The gyroscope's readings do not stay together: it is being turned.
    Turning,
    /// The accelerometer's do not: it is being carried or shaken.
    Shaken,
    /// They stay together, but too far from zero: it turns steadily, or the sensor is broken.
    Biased,
}

impl fmt::Display for Unrest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Turning => "it is being turned",
            Self::Shaken => "it is being carried or shaken",
            Self::Biased => "it turns steadily, or its bias is beyond belief",
        })
    }
}

/// What a reading has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More readings are needed.
    Collecting,
    /// The robot moved; counting starts again.
    Disturbed(Unrest),
    /// The bias of each axis, in 1/16 counts.
    Done([i32; 3]),
}

impl GyroBias {
    /// Takes a reading, in counts.
    pub fn step(
        &mut self,
        gyro: [i16; 3],
        accel: Option<[i16; 3]>,
        config: &GyroBiasConfig,
    ) -> Progress {
        let accel = accel.unwrap_or_default();
        if self.count == 0 {
            let at = |value| Range {
                low: value,
                high: value,
            };
            *self = Self {
                count: 0,
                sum: [0; 3],
                gyro: gyro.map(at),
                accel: accel.map(at),
            };
        }
        for i in 0..3 {
            self.sum[i] = self.sum[i].saturating_add(i32::from(gyro[i]));
            self.gyro[i] = self.gyro[i].widened(gyro[i]);
            self.accel[i] = self.accel[i].widened(accel[i]);
        }
        self.count = self.count.saturating_add(1);
        if !self
            .gyro
            .iter()
            .all(|axis| axis.is_within(config.max_spread))
        {
            return self.disturbed(Unrest::Turning);
        }
        let spread = config.max_accel_spread;
        if !self.accel.iter().all(|axis| axis.is_within(spread)) {
            return self.disturbed(Unrest::Shaken);
        }
        let samples = i32::from(config.samples.clamp(1, 4096));
        if i32::from(self.count) < samples {
            return Progress::Collecting;
        }
        let sum = self.sum;
        // At most 4096 · 32768 · 16 would not fit: the bias limit is checked first.
        let limit = i32::from(config.max_bias).saturating_mul(samples);
        if sum.iter().any(|axis| axis.saturating_abs() > limit) {
            return self.disturbed(Unrest::Biased);
        }
        *self = Self::default();
        // One division for all three: an ARMv6-M takes two hundred cycles for each.
        let samples = samples.unsigned_abs();
        let reciprocal = u32::MAX.checked_div(samples).unwrap_or(0);
        Progress::Done(sum.map(|axis| {
            let sixteenths = axis.saturating_mul(1 << BIAS_BITS);
            let magnitude = sixteenths.unsigned_abs();
            // Too small by one at most.
            let low = mul_high_unsigned(magnitude, reciprocal);
            let rest = magnitude.wrapping_sub(low.wrapping_mul(samples));
            let quotient = low.wrapping_add(u32::from(rest >= samples)) as i32;
            if axis < 0 {
                quotient.wrapping_neg()
            } else {
                quotient
            }
        }))
    }

    fn disturbed(&mut self, unrest: Unrest) -> Progress {
        *self = Self::default();
        Progress::Disturbed(unrest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: GyroBiasConfig = GyroBiasConfig {
        samples: 500,
        max_spread: 200,
        max_bias: 1310,
        max_accel_spread: 1229,
    };

    #[test]
    fn averages_finer_than_a_count() {
        let mut bias = GyroBias::default();
        let mut done = None;
        for n in 0..500 {
            let gyro = [i16::from(n % 4 == 0), -40, 7];
            if let Progress::Done(bias) = bias.step(gyro, Some([0, 3, 8192]), &CONFIG) {
                done = Some((n, bias));
            }
        }
        assert_eq!(done, Some((499, [4, -640, 112])));
    }

    #[test]
    fn a_mean_is_that_of_a_division() {
        for samples in [1, 2, 3, 7, 499, 500, 512, 4095, 4096_u16] {
            let config = GyroBiasConfig { samples, ..CONFIG };
            for first in [-1310, -1111, -200, -1, 0, 1, 200, 1309_i16] {
                let mut bias = GyroBias::default();
                let mut sum = 0;
                let mut last = Progress::Collecting;
                for n in 0..samples {
                    let reading = first + (n % 3) as i16 * -(first.signum() | 1);
                    sum += i32::from(reading);
                    last = bias.step([reading, 0, -reading], None, &config);
                }
                let mean = sum * 16 / i32::from(samples);
                assert_eq!(last, Progress::Done([mean, 0, -mean]), "{samples} {first}");
            }
        }
    }

    fn refused(reading: impl Fn(i32) -> ([i16; 3], [i16; 3]), reason: Unrest) {
        let mut bias = GyroBias::default();
        let mut seen = false;
        for n in 0..5000 {
            let (gyro, accel) = reading(n);
            match bias.step(gyro, Some(accel), &CONFIG) {
                Progress::Done(bias) => panic!("{reason:?} passed: {bias:?}"),
                Progress::Disturbed(unrest) => {
                    assert_eq!(unrest, reason);
                    seen = true;
                }
                Progress::Collecting => {}
            }
        }
        assert!(seen, "{reason:?}");
    }

    #[test]
    fn refuses_a_moving_robot() {
        let level = [0, 0, 8192];
        let rocking = |n: i32| ((n % 100) - 50) as i16 * 10;
        refused(|n| ([0, rocking(n), 0], level), Unrest::Turning);
        // A steady turn has no spread, and yet it is no bias.
        refused(|n| ([0, 0, 3000 + (n % 3) as i16], level), Unrest::Biased);
        // Carried about without being turned.
        refused(|n| ([0; 3], [4 * rocking(n), 0, 8192]), Unrest::Shaken);
        // The ends of the range do not overflow.
        refused(|_| ([i16::MIN; 3], level), Unrest::Biased);
    }
}
