//! From counts of the inertial sensor, in its own axes, to rates and accelerations of the body.

use super::calibration::BIAS_BITS;
use super::config::RobotConfig;
use crate::math::{Float, Scalar};
use crate::sensor::{ImuCounts, Mounting};

/// What the inertial sensor says of the body.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyMotion<T> {
    /// The reading can be believed.
    pub(super) believed: bool,
    /// Acceleration forward and up, in counts; of no meaning unless believed.
    pub(super) forward: i16,
    pub(super) up: i16,
    /// Rates about left and up, in rad/s.
    pub(super) pitch_rate: T,
    pub(super) yaw_rate: T,
    /// Yaw rate in counts.
    pub(super) yaw_counts: i32,
}

/// Turns readings into the axes of the body and takes the gyroscope's bias off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inertial<T: Scalar> {
    pub(super) motion: BodyMotion<T>,
    mounting: Mounting,
    /// Bias of each gyroscope axis, in 1/16 counts.
    bias: [i32; 3],
    /// rad/s per 1/16 count.
    unit: T::Short,
    /// What is left of an old rate after a tick.
    fading: T::Short,
}

impl<T: Scalar> Inertial<T> {
    pub(super) fn new(config: &RobotConfig<T::Param>, dt: T::Param) -> Self {
        let lit = T::Param::lit;
        let unit = lit(f64::from(config.imu_scale.gyro)) / lit(f64::from(1 << BIAS_BITS));
        Self {
            motion: BodyMotion {
                believed: false,
                forward: 0,
                up: 0,
                pitch_rate: T::zero(),
                yaw_rate: T::zero(),
                yaw_counts: 0,
            },
            mounting: config.mounting,
            bias: [0; 3],
            unit: T::short(unit),
            fading: T::short((-dt / lit(0.02)).exp()),
        }
    }

    /// The gyroscope at rest, in 1/16 counts.
    pub(super) fn set_bias(&mut self, bias: [i32; 3]) {
        self.bias = bias;
    }

    /// A reading in the axes of the body.
    pub(super) fn in_body(&self, counts: &ImuCounts) -> ImuCounts {
        self.mounting.apply(*counts)
    }

    /// Takes a believable reading.
    #[inline(never)]
    pub(super) fn take(&mut self, counts: &ImuCounts) {
        let (mounting, motion) = (&self.mounting, &mut self.motion);
        let [_, left_bias, up_bias] = self.bias;
        let fine = |axis: i16| i32::from(axis) << BIAS_BITS;
        let pitch = fine(mounting.left(&counts.gyro)).saturating_sub(left_bias);
        let yaw = fine(mounting.up(&counts.gyro)).saturating_sub(up_bias);
        motion.pitch_rate = T::from_counts_short(pitch, self.unit);
        motion.yaw_rate = T::from_counts_short(yaw, self.unit);
        motion.yaw_counts = yaw >> BIAS_BITS;
        motion.forward = mounting.forward(&counts.accel);
        motion.up = mounting.up(&counts.accel);
        motion.believed = true;
    }

    /// Goes on without a reading: a balancing body swings about a rate of zero, so that an old rate
    /// is worth less each tick.
    #[cold]
    pub(super) fn miss(&mut self) {
        let motion = &mut self.motion;
        motion.believed = false;
        motion.pitch_rate = motion.pitch_rate.scale_short(self.fading);
        motion.yaw_rate = motion.yaw_rate.scale_short(self.fading);
    }
}
