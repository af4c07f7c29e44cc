//! Estimators of attitude from a gyroscope and an accelerometer.
//!
//! Body frame x forward, y left, z up; an accelerometer at rest reads +9.81 m/s² along the axis
//! that points up. Pitch is the rotation about +y: positive with the nose **down**.

use crate::fault::Channel;
use crate::kind::{Kind, to_rust};
use crate::law::Law;
use crate::signal::{Signal, hundredths};
use crate::subject::Subject;
use proptest::prelude::*;
use std::f64::consts::TAU;

/// Standard gravity in m/s².
pub const GRAVITY: f64 = 9.806_65;

/// The kind of a filter of one angle: the output is the pitch in rad.
///
/// The body only pitches. [`ImuSample::pitch_rate`] and [`ImuSample::accel_pitch`] are what such a
/// filter eats.
#[derive(Clone, Copy, Debug)]
pub struct Tilt;

/// The kind of an attitude filter: the output is a quaternion `[w, x, y, z]`, body to world, world
/// z up. The heading is not looked at.
#[derive(Clone, Copy, Debug)]
pub struct Attitude;

/// The kind of a filter of the direction of gravity: the output is the world's up in the body
/// frame, a unit vector.
#[derive(Clone, Copy, Debug)]
pub struct UpVector;

/// The period, and how the body stands when the fault is over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImuTuning {
    /// Period in s.
    pub dt: f64,
    /// Pitch in rad of the closing scene.
    pub pitch: f64,
}
to_rust!(ImuTuning { dt, pitch });

/// A reading of an inertial sensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImuSample {
    /// Angular rate in rad/s, body frame.
    pub gyro: [f64; 3],
    /// Specific force in m/s², body frame.
    pub accel: [f64; 3],
    /// Time since the previous reading in s.
    pub dt: f64,
}
to_rust!(ImuSample { gyro, accel, dt });

impl ImuSample {
    /// Rate about y in rad/s.
    pub fn pitch_rate(&self) -> f64 {
        self.gyro[1]
    }
    /// Pitch in rad as the accelerometer alone sees it, in ±π: atan2(−x, z).
    pub fn accel_pitch(&self) -> f64 {
        (-self.accel[0]).atan2(self.accel[2])
    }
    /// The accelerometer in units of g.
    pub fn accel_g(&self) -> [f64; 3] {
        self.accel.map(|a| a / GRAVITY)
    }
    /// The gyroscope in degrees per second.
    pub fn gyro_degrees(&self) -> [f64; 3] {
        self.gyro.map(f64::to_degrees)
    }
}

/// Roll, pitch and yaw at a time, in rad.
fn angles(signal: &Signal, seconds: f64, one_axis: bool) -> [f64; 3] {
    let shaken = signal.hertz >= Signal::VIBRATION;
    let signal = if shaken {
        Signal {
            amplitude: 0.0,
            ..*signal
        }
    } else {
        *signal
    };
    let pitch = 0.3 * signal.smooth(seconds);
    if one_axis {
        [0.0, pitch, 0.0]
    } else {
        [0.5 * pitch, pitch, 0.2 * signal.amplitude * seconds]
    }
}

type Quaternion = [f64; 4];

fn product([a, b, c, d]: Quaternion, [e, f, g, h]: Quaternion) -> Quaternion {
    [
        a * e - b * f - c * g - d * h,
        a * f + b * e + c * h - d * g,
        a * g - b * h + c * e + d * f,
        a * h + b * g - c * f + d * e,
    ]
}
fn conjugate([w, x, y, z]: Quaternion) -> Quaternion {
    [w, -x, -y, -z]
}
/// Yaw, then pitch, then roll, body to world.
fn attitude([roll, pitch, yaw]: [f64; 3]) -> Quaternion {
    let about = |angle: f64, axis: usize| {
        let (s, c) = (0.5 * angle).sin_cos();
        let mut q = [c, 0.0, 0.0, 0.0];
        q[axis] = s;
        q
    };
    product(product(about(yaw, 3), about(pitch, 2)), about(roll, 1))
}
/// The world's up in the body frame.
fn up(q: Quaternion) -> [f64; 3] {
    let [_, x, y, z] = product(product(conjugate(q), [0.0, 0.0, 0.0, 1.0]), q);
    [x, y, z]
}

fn reading(tuning: &ImuTuning, signal: &Signal, k: usize, one_axis: bool) -> ImuSample {
    let (now, then) = (k as f64 * tuning.dt, (k as f64 - 1.0) * tuning.dt);
    let q = attitude(angles(signal, now, one_axis));
    // The constant rate that turns the last attitude into this one.
    let [w, x, y, z] = product(conjugate(attitude(angles(signal, then, one_axis))), q);
    let half = (x * x + y * y + z * z).sqrt();
    let per_half = if half > 1e-12 {
        2.0 * half.atan2(w) / (half * tuning.dt)
    } else {
        2.0 / tuning.dt
    };
    let mut gyro = [x, y, z].map(|v| v * per_half);
    let mut accel = up(q).map(|v| v * GRAVITY);
    if signal.hertz >= Signal::VIBRATION {
        let shake = 3.0 * signal.amplitude * (TAU * signal.hertz * now).sin();
        accel[0] += shake;
        accel[2] += 0.5 * shake;
    }
    for axis in 0..3 {
        gyro[axis] += signal.noise(k, axis as u32);
        accel[axis] += 5.0 * signal.noise(k, 3 + axis as u32);
    }
    if one_axis {
        (gyro[0], gyro[2], accel[1]) = (0.0, 0.0, 0.0);
    }
    ImuSample {
        gyro,
        accel,
        dt: tuning.dt,
    }
}

fn standing(tuning: &ImuTuning, one_axis: bool) -> ImuSample {
    let roll = if one_axis { 0.0 } else { 0.2 };
    ImuSample {
        gyro: [0.0; 3],
        accel: up(attitude([roll, tuning.pitch, 0.0])).map(|v| v * GRAVITY),
        dt: tuning.dt,
    }
}

fn tunings() -> BoxedStrategy<ImuTuning> {
    hundredths(-60, 60)
        .prop_map(|pitch| ImuTuning { dt: 0.01, pitch })
        .boxed()
}

/// What the three kinds have in common; `$one_axis` says whether the body only pitches.
macro_rules! imu_kind {
    ($one_axis:literal) => {
        type Tuning = ImuTuning;
        type Sample = ImuSample;
        const CHANNELS: &'static [Channel] = &[Channel::Gyro, Channel::Accel];
        const TOLERANCE: f64 = 0.05;

        fn tunings() -> BoxedStrategy<ImuTuning> {
            tunings()
        }
        fn sample(tuning: &ImuTuning, signal: &Signal, k: usize) -> ImuSample {
            reading(tuning, signal, k, $one_axis)
        }
        fn values(sample: &mut ImuSample, channel: Channel) -> &mut [f64] {
            match channel {
                Channel::Gyro => &mut sample.gyro,
                _ => &mut sample.accel,
            }
        }
        fn dt(sample: &mut ImuSample) -> &mut f64 {
            &mut sample.dt
        }
        fn full_scale(channel: Channel) -> f64 {
            match channel {
                // 2000°/s and 16 g.
                Channel::Gyro => 34.9,
                _ => 156.9,
            }
        }
        /// Front and back change places.
        fn mirror(sample: &ImuSample) -> ImuSample {
            let ([gx, gy, gz], [ax, ay, az]) = (sample.gyro, sample.accel);
            ImuSample {
                gyro: [gx, -gy, -gz],
                accel: [-ax, ay, az],
                dt: sample.dt,
            }
        }
        fn settle<S: Subject<Kind = Self>>(
            subject: &mut S,
            tuning: &ImuTuning,
            count: usize,
        ) -> Vec<f64> {
            let sample = standing(tuning, $one_axis);
            let mut last = Vec::new();
            for _ in 0..count {
                last = Self::judged(&subject.step(&sample));
            }
            last
        }
        fn truth(tuning: &ImuTuning) -> Vec<f64> {
            if $one_axis {
                vec![tuning.pitch]
            } else {
                up(attitude([0.2, tuning.pitch, 0.0])).to_vec()
            }
        }
    };
}

impl Tilt {
    fn judged(pitch: &f64) -> Vec<f64> {
        vec![*pitch]
    }
}
impl Attitude {
    fn judged(q: &Quaternion) -> Vec<f64> {
        up(*q).to_vec()
    }
}
impl UpVector {
    fn judged(up: &[f64; 3]) -> Vec<f64> {
        up.to_vec()
    }
}

impl Kind for Tilt {
    type Output = f64;
    const NAME: &'static str = "tilt";
    const LAWS: &'static [Law] = &[
        Law::Arrival,
        Law::Bounded,
        Law::Recovery,
        Law::Determinism,
        Law::Reset,
        Law::Symmetry,
    ];
    imu_kind!(true);
    fn mirror_output(output: &f64) -> f64 {
        -output
    }
    fn numbers(output: &f64) -> Vec<f64> {
        vec![*output]
    }
    /// A turn to either side.
    fn bounds(_: &ImuTuning) -> (f64, f64) {
        (-TAU, TAU)
    }
    fn difference(a: f64, b: f64) -> f64 {
        let turns = ((a - b) / TAU).round();
        a - b - turns * TAU
    }
}

/// Laws of those whose output is a unit vector.
const UNIT_LAWS: &[Law] = &[
    Law::Arrival,
    Law::Bounded,
    Law::Recovery,
    Law::Determinism,
    Law::Reset,
    Law::Symmetry,
    Law::UnitLength,
];

impl Kind for Attitude {
    type Output = Quaternion;
    const NAME: &'static str = "attitude";
    const LAWS: &'static [Law] = UNIT_LAWS;
    imu_kind!(false);
    fn mirror_output(&[w, x, y, z]: &Quaternion) -> Quaternion {
        [w, x, -y, -z]
    }
    fn numbers(output: &Quaternion) -> Vec<f64> {
        output.to_vec()
    }
    fn bounds(_: &ImuTuning) -> (f64, f64) {
        (-1.01, 1.01)
    }
    fn length(output: &Quaternion) -> Option<f64> {
        Some(output.iter().map(|v| v * v).sum::<f64>().sqrt())
    }
}

impl Kind for UpVector {
    type Output = [f64; 3];
    const NAME: &'static str = "up vector";
    const LAWS: &'static [Law] = UNIT_LAWS;
    imu_kind!(false);
    fn mirror_output(&[x, y, z]: &[f64; 3]) -> [f64; 3] {
        [-x, y, z]
    }
    fn numbers(output: &[f64; 3]) -> Vec<f64> {
        output.to_vec()
    }
    fn bounds(_: &ImuTuning) -> (f64, f64) {
        (-1.01, 1.01)
    }
    fn length(output: &[f64; 3]) -> Option<f64> {
        Some(output.iter().map(|v| v * v).sum::<f64>().sqrt())
    }
}
