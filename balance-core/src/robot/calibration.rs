//! Gyroscope bias at rest, with a stillness check that refuses a moving robot.

/// How the bias is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalibrationConfig {
    /// Readings to average, 1 to 4096.
    pub samples: u16,
    /// Largest difference between readings of one axis for which the robot counts as still, in
    /// counts. Too small: sensor noise alone disturbs it. Too large: a slow turn passes.
    pub max_spread: u16,
    /// Largest bias that is believed, in counts; a steady turn must not pass as bias.
    pub max_bias: u16,
}

impl Default for CalibrationConfig {
    /// Half a second at 1 kHz; 3 °/s of spread and 20 °/s of bias for a gyroscope of ±500 °/s
    /// (65.5 counts per °/s).
    fn default() -> Self {
        Self {
            samples: 500,
            max_spread: 200,
            max_bias: 1310,
        }
    }
}

/// Fractional bits of a bias: its average is finer than a count.
pub(super) const BIAS_BITS: u32 = 4;

/// Collects readings until they are enough.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BiasCalibration {
    count: u16,
    sum: [i32; 3],
    low: [i16; 3],
    high: [i16; 3],
}

/// What a reading has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// More readings are needed.
    Collecting,
    /// The robot moved; counting starts again.
    Disturbed,
    /// The bias of each axis, in 1/16 counts.
    Done([i32; 3]),
}

impl BiasCalibration {
    pub(super) fn step(&mut self, gyro: [i16; 3], config: &CalibrationConfig) -> Progress {
        if self.count == 0 {
            *self = Self {
                count: 0,
                sum: [0; 3],
                low: gyro,
                high: gyro,
            };
        }
        let mut still = true;
        let axes = self
            .sum
            .iter_mut()
            .zip(&mut self.low)
            .zip(&mut self.high)
            .zip(gyro);
        for (((sum, low), high), axis) in axes {
            *sum = sum.saturating_add(i32::from(axis));
            *low = axis.min(*low);
            *high = axis.max(*high);
            still &= high.abs_diff(*low) <= config.max_spread;
        }
        self.count = self.count.saturating_add(1);
        if !still {
            *self = Self::default();
            return Progress::Disturbed;
        }
        let samples = i32::from(config.samples.clamp(1, 4096));
        if i32::from(self.count) < samples {
            return Progress::Collecting;
        }
        let sum = self.sum;
        *self = Self::default();
        // At most 4096 · 32768 · 16 would not fit: the bias limit is checked first.
        let limit = i32::from(config.max_bias).saturating_mul(samples);
        if sum.iter().any(|axis| axis.saturating_abs() > limit) {
            return Progress::Disturbed;
        }
        Progress::Done(sum.map(|axis| {
            let sixteenths = axis.saturating_mul(1 << BIAS_BITS);
            sixteenths.checked_div(samples).unwrap_or(0)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_finer_than_a_count() {
        let (mut calibration, config) = (BiasCalibration::default(), CalibrationConfig::default());
        let mut done = None;
        for n in 0..500 {
            let gyro = [i16::from(n % 4 == 0), -40, 7];
            if let Progress::Done(bias) = calibration.step(gyro, &config) {
                done = Some((n, bias));
            }
        }
        assert_eq!(done, Some((499, [4, -640, 112])));
    }

    #[test]
    fn refuses_a_moving_robot() {
        let (mut calibration, config) = (BiasCalibration::default(), CalibrationConfig::default());
        let rocking = |n: i32| ((n % 100) - 50) as i16 * 10;
        assert!((0..5000).all(|n| {
            !matches!(
                calibration.step([0, rocking(n), 0], &config),
                Progress::Done(_)
            )
        }));
        // A steady turn has no spread, and yet it is no bias.
        assert!((0..5000).all(|n| {
            !matches!(
                calibration.step([0, 0, 3000 + (n % 3) as i16], &config),
                Progress::Done(_)
            )
        }));
    }
}
