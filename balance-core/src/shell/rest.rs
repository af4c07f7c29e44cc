//! What the inertial sensor says of a robot at rest: its bias, its noise, and where up is.

use crate::sensor::{ImuCounts, ImuScale};

/// Readings that a measurement takes: a second at 1 kHz.
pub const REST_SAMPLES: u16 = 1000;

/// Sums the readings of a second. Cost of a reading: six additions, six comparisons.
#[derive(Clone, Copy, Debug, Default)]
pub struct RestMeasurement {
    accel: [i32; 3],
    gyro: [i32; 3],
    low: [i16; 3],
    high: [i16; 3],
    samples: u16,
}

/// A robot at rest, in the sensor's own axes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rest {
    /// Mean acceleration, in m/s²: at rest +9.81 along the axis that points up.
    pub accel: [f32; 3],
    /// Mean rate, in rad/s: the gyroscope's bias.
    pub gyro: [f32; 3],
    /// The widest swing of a rate, from its least to its largest, in rad/s: noise, or somebody moved
    /// it.
    pub swing: f32,
}

impl RestMeasurement {
    /// Nothing measured yet.
    pub const fn new() -> Self {
        Self {
            accel: [0; 3],
            gyro: [0; 3],
            low: [0; 3],
            high: [0; 3],
            samples: 0,
        }
    }

    /// Takes a reading; says whether it was the last that is needed. More are left out.
    pub fn push(&mut self, reading: &ImuCounts) -> bool {
        if self.samples >= REST_SAMPLES {
            return true;
        }
        if self.samples == 0 {
            self.low = reading.gyro;
            self.high = reading.gyro;
        }
        self.samples += 1;
        // A thousand readings of 16 bits fit into 26.
        for (sum, value) in self.accel.iter_mut().zip(reading.accel) {
            *sum = sum.wrapping_add(i32::from(value));
        }
        for (sum, value) in self.gyro.iter_mut().zip(reading.gyro) {
            *sum = sum.wrapping_add(i32::from(value));
        }
        for (low, value) in self.low.iter_mut().zip(reading.gyro) {
            *low = (*low).min(value);
        }
        for (high, value) in self.high.iter_mut().zip(reading.gyro) {
            *high = (*high).max(value);
        }
        self.samples >= REST_SAMPLES
    }

    /// What was found, once all readings are there.
    pub fn result(&self, scale: &ImuScale) -> Option<Rest> {
        if self.samples < REST_SAMPLES {
            return None;
        }
        let mean = |sum: i32, scale: f32| sum as f32 / f32::from(REST_SAMPLES) * scale;
        let mut swing = 0;
        for (low, high) in self.low.iter().zip(self.high) {
            swing = swing.max(i32::from(high) - i32::from(*low));
        }
        Some(Rest {
            accel: self.accel.map(|sum| mean(sum, scale.accel)),
            gyro: self.gyro.map(|sum| mean(sum, scale.gyro)),
            swing: swing as f32 * scale.gyro,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_gives_means_and_the_widest_swing() {
        let scale = ImuScale {
            accel: 9.81 / 8192.0,
            gyro: 0.001,
        };
        let mut rest = RestMeasurement::default();
        for sample in 0..2000_i16 {
            assert_eq!(rest.result(&scale).is_some(), sample >= 1000);
            let done = rest.push(&ImuCounts {
                accel: [0, -8192, i16::MIN],
                gyro: [10 + sample % 2, -20, i16::MAX],
                temperature: 0,
            });
            assert_eq!(done, sample >= 999);
        }
        let found = rest.result(&scale).unwrap();
        assert!((found.accel[1] + 9.81).abs() < 1e-4 && (found.accel[2] + 39.24).abs() < 1e-3);
        assert!((found.gyro[0] - 0.0105).abs() < 1e-6 && (found.gyro[2] - 32.767).abs() < 1e-4);
        assert!((found.swing - 0.001).abs() < 1e-6);
    }
}
