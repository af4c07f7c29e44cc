//! The small job that everybody writes who balances something, composed of public blocks.

use crate::{Case, ConfigError, Sample};
use balance_core::control::lean_pid::{LeanPid, LeanPidConfig};
use balance_core::estimation::accel_tilt::roll_from_counts;
use balance_core::estimation::complementary::{Complementary, ComplementaryConfig};
use balance_core::math::Scalar;
use balance_core::sensor::{ImuCounts, mpu6050};

/// Fourteen bytes of an MPU-6050 in, direction and a duty of 16 bits out: the accelerometer's angle, a
/// complementary filter of 0.98 to 0.02, a clamped PID, all at 1 kHz.
pub struct TiltPidFromBytes;

/// What it is made of.
pub struct TiltPid<T: Scalar> {
    rad_per_count: T::Gain,
    filter: Complementary<T>,
    pid: LeanPid<T>,
    counts_per_output: T::Gain,
}

/// Degrees outside, radians inside: gains per degree times this.
const DEGREES: f64 = 180.0 / core::f64::consts::PI;

impl<T: Scalar> Case<T> for TiltPidFromBytes {
    type Algorithm = TiltPid<T>;
    type Input = [u8; 14];
    type Output = (bool, u32);

    fn build() -> Result<TiltPid<T>, ConfigError> {
        let dt = T::Param::lit(0.001);
        // Output in tens of percent: in percent, kd/dt is more than fixed point's largest gain.
        let ten = 0.1;
        Ok(TiltPid {
            rad_per_count: T::gain(T::Param::lit(1.0 / 131.0 / DEGREES)),
            // 0.98 = τ/(τ + dt)
            filter: ComplementaryConfig {
                time_constant: T::Param::lit(0.049),
            }
            .build(dt)?,
            pid: LeanPidConfig {
                kp: T::Param::lit(15.0 * DEGREES * ten),
                ki: T::Param::lit(80.0 * DEGREES * ten),
                kd: T::Param::lit(0.6 * DEGREES * ten),
                output_min: T::Param::lit(-100.0 * ten),
                output_max: T::Param::lit(100.0 * ten),
                ..Default::default()
            }
            .build(dt)?,
            counts_per_output: T::gain(T::Param::lit(655.35 / ten)),
        })
    }
    fn input(sample: &Sample) -> [u8; 14] {
        // The sensor is mounted so that the robot tilts about its x, and measures ±250 °/s.
        let ImuCounts {
            accel: [x, y, z],
            gyro: [roll, pitch, yaw],
            temperature,
        } = sample.imu;
        let [roll, pitch, yaw] = [roll, pitch, yaw].map(|rate| rate.saturating_mul(2));
        let words = [y, x.saturating_neg(), z, temperature, pitch, roll, yaw];
        let mut bytes = [0; 14];
        for (to, word) in bytes.chunks_exact_mut(2).zip(words) {
            to.copy_from_slice(&word.to_be_bytes());
        }
        bytes
    }
    fn step(job: &mut TiltPid<T>, bytes: &[u8; 14]) -> (bool, u32) {
        let counts = mpu6050::decode(bytes);
        let [roll_rate, _, _] = counts.gyro;
        let rate = T::from_counts(roll_rate.into(), job.rad_per_count);
        let tilt = job.filter.step(rate, roll_from_counts(counts.accel));
        let output = job.pid.step(T::zero(), tilt.angle);
        let duty = output.to_counts(job.counts_per_output);
        (duty < 0, duty.unsigned_abs())
    }
}
