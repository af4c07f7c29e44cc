//! What a person tunes of the Kalman filter of attitude, in SI units.

use crate::estimation::ImuRanges;
use crate::math::Float;

/// What a person tunes of an [`AttitudeKalman`](super::AttitudeKalman).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttitudeKalmanConfig<P> {
    /// Noise density of the gyroscope, in rad/s/√Hz, 1e-7 to 1, with what its bias does not explain.
    /// Too small: the accelerometer is not listened to. Too large: accelerations tilt the attitude.
    pub gyro_noise: P,
    /// Random walk of the bias, in rad/s/√s, 0 to 1. Too small: a warming gyroscope is followed
    /// late. Too large: accelerations pass for bias.
    pub bias_walk: P,
    /// How fast the body moves times the root of how long, in m/s·√s, 1e-4 to 1000. With the
    /// gyroscope's noise it decides how fast the inclination follows:
    /// τ = √(`velocity_spread` / (g `gyro_noise`)), 2.6 s by default. Too small: pushes tilt the
    /// attitude. Too large: errors stay.
    pub velocity_spread: P,
    /// Noise density of the magnetometer's heading, in rad/√Hz, 1e-6 to 100. Too small: iron nearby
    /// turns the heading. Too large: the gyroscope's drift stays.
    pub heading_noise: P,
    /// Standard deviation of the bias at the start, in rad/s, 0 to 1; 0.003 after a calibration at
    /// rest, 0.03 without. Too small: an uncalibrated gyroscope is believed. Too large: the first
    /// accelerations pass for bias.
    pub initial_bias: P,
    /// Where the sensors end.
    pub ranges: ImuRanges<P>,
}

impl<P: Float> Default for AttitudeKalmanConfig<P> {
    /// For a MEMS sensor on something that moves about.
    fn default() -> Self {
        Self {
            gyro_noise: P::lit(0.003),
            bias_walk: P::lit(1e-4),
            velocity_spread: P::lit(0.2),
            heading_noise: P::lit(0.1),
            initial_bias: P::lit(0.003),
            ranges: ImuRanges::default(),
        }
    }
}
