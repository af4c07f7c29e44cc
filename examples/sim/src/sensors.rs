//! What the robot's sensors make of the plant.

use crate::lanes::Lanes;
use crate::plant::Plant;
use balance_core::platform::Quadrature;
use balance_core::sensor::{ImuCounts, ImuScale, STANDARD_GRAVITY};
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg32;
use std::convert::Infallible;

/// An MPU-6050-class sensor.
#[derive(Clone, Copy, Debug)]
pub struct ImuParameters {
    /// What a count is worth.
    pub scale: ImuScale,
    /// Height above the axle, m.
    pub height: f64,
    /// Standard deviation of an accelerometer reading, m/s².
    pub accel_noise: f64,
    /// Standard deviation of a gyroscope reading, rad/s.
    pub gyro_noise: f64,
    /// Constant error of the gyroscope, rad/s per axis.
    pub gyro_bias: [f64; 3],
    /// Further error that appears after calibration, rad/s about the pitch axis.
    pub gyro_drift: f64,
    /// Corner of the sensor's own low-pass filter, Hz.
    pub bandwidth_hz: f64,
    /// Vibration of the frame: amplitude in m/s² and rad/s, at `vibration_hz`.
    pub vibration: [f64; 2],
    /// Frequency of the vibration, Hz.
    pub vibration_hz: f64,
}

/// The sensor's filter state and noise.
pub struct Imu {
    /// Parameters; faults change them on the way.
    pub parameters: ImuParameters,
    noise: Pcg32,
    filtered: [f64; 6],
    time: f64,
    /// Of a sample in the filtered value.
    share: f64,
}

impl Imu {
    /// Steps of the plant between two samples that the sensor takes inside, ahead of its filter.
    pub const EVERY: u32 = 10;
    const PERIOD: f64 = Plant::STEP * Self::EVERY as f64;

    /// A sensor whose noise follows `seed`.
    pub fn new(parameters: ImuParameters, seed: u64) -> Self {
        let at_rest = [0.0, 0.0, STANDARD_GRAVITY, 0.0, 0.0, 0.0];
        Self {
            parameters,
            noise: Pcg32::seed_from_u64(seed),
            filtered: at_rest,
            time: 0.0,
            share: 1.0 - (-std::f64::consts::TAU * parameters.bandwidth_hz * Self::PERIOD).exp(),
        }
    }

    /// Samples the plant; to be called once in [`Imu::EVERY`] of its steps.
    pub fn follow(&mut self, plant: &Plant) {
        let p = &self.parameters;
        self.time += Self::PERIOD;
        let [shake_forward, shake_up, shake_rate] = if p.vibration == [0.0; 2] {
            [0.0; 3]
        } else {
            let phase = std::f64::consts::TAU * p.vibration_hz * self.time;
            let [linear, angular] = p.vibration;
            [
                linear * phase.sin(),
                linear * (1.3 * phase).cos(),
                angular * (phase + 1.0).sin(),
            ]
        };
        let (state, acceleration) = (&plant.state, &plant.acceleration);
        let (Lanes([sin]), Lanes([cos])) = Lanes([state.pitch]).sin_cos();
        let (slope_sin, slope_cos) = if plant.load.slope == 0.0 {
            (0.0, 1.0)
        } else {
            plant.load.slope.sin_cos()
        };
        let rate_squared = state.pitch_rate * state.pitch_rate;
        // Acceleration of the sensor in the world, and what its axes feel of it and of gravity.
        let forward = acceleration.forward * slope_cos
            + p.height * (acceleration.pitch * cos - rate_squared * sin);
        let up = acceleration.forward * slope_sin
            - p.height * (acceleration.pitch * sin + rate_squared * cos)
            + STANDARD_GRAVITY;
        let felt = [
            forward * cos - up * sin + shake_forward,
            state.speed * state.yaw_rate,
            forward * sin + up * cos + shake_up,
            -state.yaw_rate * sin,
            state.pitch_rate + shake_rate,
            state.yaw_rate * cos,
        ];
        for (filtered, felt) in self.filtered.iter_mut().zip(felt) {
            *filtered += self.share * (felt - *filtered);
        }
    }

    /// A reading: noise, bias, rounding to counts, end of range.
    pub fn read(&mut self) -> ImuCounts {
        let p = self.parameters;
        let mut reading = |axis: usize, noise: f64, bias: f64, unit: f32| {
            let random: f64 = StandardNormal.sample(&mut self.noise);
            let value = self.filtered[axis] + bias + noise * random;
            round(value / f64::from(unit)).clamp(i16::MIN.into(), i16::MAX.into()) as i16
        };
        let accel = [0, 1, 2].map(|axis| reading(axis, p.accel_noise, 0.0, p.scale.accel));
        let gyro = [0, 1, 2].map(|axis| {
            let drift = if axis == 1 { p.gyro_drift } else { 0.0 };
            reading(
                axis + 3,
                p.gyro_noise,
                p.gyro_bias[axis] + drift,
                p.scale.gyro,
            )
        });
        ImuCounts {
            accel,
            gyro,
            temperature: 0,
        }
    }
}

/// The nearest whole number, halves away from zero: what `f64::round` does, which is a call on
/// older processors.
fn round(x: f64) -> i32 {
    (x + 0.5_f64.copysign(x)) as i32
}

/// A wheel's encoder and its counter: one of the boards that [`Quadrature`] stands for.
pub struct Encoder {
    counts_per_revolution: f64,
    count: i32,
    lost: bool,
}

impl Encoder {
    pub fn new(counts_per_revolution: f64) -> Self {
        Self {
            counts_per_revolution,
            count: 0,
            lost: false,
        }
    }

    /// The wheel is at this angle, rad.
    pub fn turn_to(&mut self, angle: f64) {
        if !self.lost {
            let counts = angle * self.counts_per_revolution / std::f64::consts::TAU;
            self.count = counts.floor() as i32;
        }
    }

    /// The cable comes off: the counter stays where it is.
    pub fn lose_cable(&mut self) {
        self.lost = true;
    }
}

impl Quadrature for Encoder {
    type Error = Infallible;
    fn count(&mut self) -> Result<i32, Infallible> {
        Ok(self.count)
    }
}
