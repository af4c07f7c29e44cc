//! What a person tunes of the Kalman filter of attitude, in SI units.

use crate::estimation::ImuRanges;
use crate::math::Float;

/// What a person tunes of an [`AttitudeKalman`](super::AttitudeKalman).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttitudeKalmanConfig<P> {
    /// Noise density of the gyroscope, in rad/s/√Hz, 1e-7 to 1. Too small: the accelerometer is not
    /// listened to. Too large: accelerations tilt the attitude.
    pub gyro_noise: P,
    /// Random walk of the bias, in rad/s/√s, 0 to 1. Too small: a warming gyroscope is followed
    /// late. Too large: accelerations pass for bias.
    pub bias_walk: P,
    /// Noise density of the accelerometer and of the body's own accelerations, in m/s²/√Hz, 1e-6 to
    /// 100. With the gyroscope's it decides how fast the inclination follows:
    /// τ = `accel_noise` / (g `gyro_noise`). Too small: accelerations tilt the attitude. Too large:
    /// errors stay.
    pub accel_noise: P,
    /// Difference in size between specific force and gravity, in m/s², 1e-3 to 1000, that halves the
    /// trust in a reading; five times that refuses it. `None` believes all, which is best where
    /// accelerations cancel; a push or a bend that lasts does not. Too small: in motion it is never
    /// listened to.
    pub accel_doubt: Option<P>,
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
            accel_noise: P::lit(1.0),
            accel_doubt: None,
            heading_noise: P::lit(0.1),
            initial_bias: P::lit(0.003),
            ranges: ImuRanges::default(),
        }
    }
}
