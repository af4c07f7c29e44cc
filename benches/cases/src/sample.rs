//! Six seconds of a robot's sensors at 100 Hz: two at rest, then pitching, turning and vibrating.
//!
//! Computed by the compiler, so that host and targets get the same bits without a table in the
//! sources and without a start-up on the target.

use balance_core::math::Scalar;
use balance_core::sensor::{ImuCounts, STANDARD_GRAVITY};
use core::f64::consts::{PI, TAU};

/// The period of the samples, in s.
pub const DT: f64 = 0.01;
/// Counts of the accelerometer per g, at ±4 g.
pub(crate) const ACCEL_COUNTS: f64 = 8192.0;
/// Counts of the gyroscope per °/s, at ±500 °/s.
pub(crate) const GYRO_COUNTS: f64 = 65.5;
/// Counts of a wheel's encoder per turn.
pub(crate) const WHEEL_COUNTS: f64 = 1920.0;

const LENGTH: usize = 600;
const STILL: usize = 200;

/// What all sensors say at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Position in the recording.
    pub index: u16,
    /// Accelerometer and gyroscope.
    pub imu: ImuCounts,
    /// Magnetometer in tenths of a µT, in the body's axes.
    pub magnetometer: [i16; 3],
    /// Wheel encoder.
    pub encoder: i32,
    /// Where the robot's pitch really is, in 2⁻¹² rad.
    pub pitch: i16,
}

/// The recording.
pub static SAMPLES: [Sample; LENGTH] = recording();

const fn recording() -> [Sample; LENGTH] {
    let nothing = Sample {
        index: 0,
        imu: ImuCounts {
            accel: [0; 3],
            gyro: [0; 3],
            temperature: 0,
        },
        magnetometer: [0; 3],
        encoder: 0,
        pitch: 0,
    };
    let mut samples = [nothing; LENGTH];
    let mut noise = Noise(1);
    let mut i = 0;
    while i < LENGTH {
        samples[i] = sample(i, &mut noise);
        i += 1;
    }
    samples
}

const fn sample(index: usize, noise: &mut Noise) -> Sample {
    let moving = index >= STILL;
    let t = if moving {
        (index - STILL) as f64 * DT
    } else {
        0.0
    };
    // Pitches by ±20° twice in three seconds, turns by ±1 rad, with two vibrations on top.
    let (pitch, pitch_rate) = swing(0.35, 0.67, t);
    let (yaw, yaw_rate) = swing(1.0, 0.25, t);
    let pitch = pitch + 0.05;
    let [shake_x, shake_z] = if moving {
        [1.2 * sin(TAU * 17.3 * t), 0.8 * sin(TAU * 31.7 * t + 1.0)]
    } else {
        [0.0, 0.0]
    };
    let (sin_pitch, cos_pitch) = (sin(pitch), cos(pitch));
    let accel = [
        -STANDARD_GRAVITY * sin_pitch + shake_x,
        0.4 * shake_z,
        STANDARD_GRAVITY * cos_pitch + shake_z,
    ];
    // Yaw about the vertical, then pitch: the body's rates, with what the sensor adds at rest.
    let gyro = [
        -yaw_rate * sin_pitch + 0.01,
        pitch_rate - 0.02,
        yaw_rate * cos_pitch + 0.005,
    ];
    // A field of 20 µT to the north and 44 µT down.
    let (north, down) = (200.0, -440.0);
    let (level_x, level_y) = (north * cos(yaw), -north * sin(yaw));
    let magnetometer = [
        level_x * cos_pitch - down * sin_pitch,
        level_y,
        level_x * sin_pitch + down * cos_pitch,
    ];
    let per_accel = ACCEL_COUNTS / STANDARD_GRAVITY;
    let per_gyro = GYRO_COUNTS * 180.0 / PI;
    Sample {
        index: index as u16,
        imu: ImuCounts {
            accel: noise.counts(accel, per_accel, 20.0),
            gyro: noise.counts(gyro, per_gyro, 6.0),
            temperature: -2000,
        },
        magnetometer: noise.counts(magnetometer, 1.0, 3.0),
        encoder: round(WHEEL_COUNTS / TAU * 6.0 * (1.0 - cos(t))) as i32,
        pitch: round(pitch * 4096.0) as i16,
    }
}

/// Angle and rate of a swing that starts gently.
const fn swing(amplitude: f64, hz: f64, t: f64) -> (f64, f64) {
    let phase = TAU * hz * t;
    (
        0.5 * amplitude * (1.0 - cos(phase)) * sin(0.5 * phase),
        0.25 * amplitude
            * TAU
            * hz
            * (2.0 * sin(phase) * sin(0.5 * phase) + (1.0 - cos(phase)) * cos(0.5 * phase)),
    )
}

/// Uniform noise (L'Ecuyer's multiplicative generator of modulus 2³¹ − 1).
struct Noise(u64);

impl Noise {
    const fn counts(&mut self, values: [f64; 3], scale: f64, amplitude: f64) -> [i16; 3] {
        let mut counts = [0; 3];
        let mut axis = 0;
        while axis < 3 {
            self.0 = self.0 * 48_271 % 0x7fff_ffff;
            let noise = (self.0 as f64 / 1_073_741_823.5 - 1.0) * amplitude;
            counts[axis] = round(values[axis] * scale + noise) as i16;
            axis += 1;
        }
        counts
    }
}

const fn round(x: f64) -> f64 {
    (x + if x < 0.0 { -0.5 } else { 0.5 }) as i64 as f64
}

/// Taylor's series on a quarter of a turn either way: 6e-8, less than a count.
const fn sin(x: f64) -> f64 {
    let turns = round(x / PI);
    let x = x - turns * PI;
    let z = x * x;
    let y = x
        * (1.0
            - z / 6.0 * (1.0 - z / 20.0 * (1.0 - z / 42.0 * (1.0 - z / 72.0 * (1.0 - z / 110.0)))));
    if turns as i64 % 2 == 0 { y } else { -y }
}
const fn cos(x: f64) -> f64 {
    sin(x + PI / 2.0)
}

impl Sample {
    fn scaled<T: Scalar>(counts: [i16; 3], unit: f64) -> [T; 3] {
        let gain = T::gain(T::Param::lit(unit));
        counts.map(|count| T::from_counts(count.into(), gain))
    }
    /// Specific force, in m/s².
    #[must_use]
    pub fn accel<T: Scalar>(&self) -> [T; 3] {
        Self::scaled(self.imu.accel, STANDARD_GRAVITY / ACCEL_COUNTS)
    }
    /// Rate, in rad/s.
    #[must_use]
    pub fn rate<T: Scalar>(&self) -> [T; 3] {
        Self::scaled(self.imu.gyro, PI / 180.0 / GYRO_COUNTS)
    }
    /// Magnetic field, in µT.
    #[must_use]
    pub fn magnetic_field<T: Scalar>(&self) -> [T; 3] {
        Self::scaled(self.magnetometer, 0.1)
    }
    /// Pitch, in rad.
    #[must_use]
    pub fn pitch<T: Scalar>(&self) -> T {
        let [pitch, ..] = Self::scaled([self.pitch; 3], 1.0 / 4096.0);
        pitch
    }
    /// What the accelerometer alone makes of the pitch, in rad.
    #[must_use]
    pub fn accel_pitch<T: Scalar>(&self) -> Option<T> {
        balance_core::estimation::accel_tilt::pitch_from_counts(self.imu.accel)
    }
}
