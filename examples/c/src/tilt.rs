//! Tilt of one axis.

use crate::handle::{get, handle, put, read};
use crate::status::balance_status::{self, BALANCE_OK};
use balance_core::estimation::TiltEstimate;
use balance_core::estimation::accel_tilt::{pitch_from_counts, roll_from_counts};
use balance_core::estimation::complementary::{Complementary, ComplementaryConfig};
use balance_core::estimation::tilt_kalman::{TiltKalman, TiltKalmanConfig};
use balance_core::estimation::wheel_speed::{WheelSpeed, WheelSpeedConfig};

handle!(
    /// Complementary filter of gyroscope and accelerometer angle.
    balance_complementary, Complementary<f32>, 6
);
handle!(
    /// Kalman filter of angle and gyroscope bias.
    balance_tilt_kalman, TiltKalman<f32>, 14
);
handle!(
    /// Speed of a wheel from encoder counts.
    balance_wheel_speed, WheelSpeed<f32>, 16
);

/// A tilt.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct balance_tilt {
    /// Angle, in rad.
    pub angle: f32,
    /// Rate without bias, in rad/s.
    pub rate: f32,
    /// Bias of the gyroscope, in rad/s.
    pub bias: f32,
}

impl From<TiltEstimate<f32>> for balance_tilt {
    fn from(tilt: TiltEstimate<f32>) -> Self {
        Self {
            angle: tilt.angle,
            rate: tilt.rate,
            bias: tilt.bias,
        }
    }
}

/// Pitch in rad, leaning forward positive, of an accelerometer's counts at any range; a NaN where
/// they have no direction.
#[unsafe(no_mangle)]
pub extern "C" fn balance_accel_pitch(accel: *const [i16; 3]) -> f32 {
    let accel = read(accel).ok();
    accel.and_then(pitch_from_counts).unwrap_or(f32::NAN)
}

/// Roll in rad, left side up positive, of an accelerometer's counts at any range; a NaN where they
/// have no direction.
#[unsafe(no_mangle)]
pub extern "C" fn balance_accel_roll(accel: *const [i16; 3]) -> f32 {
    let accel = read(accel).ok();
    accel.and_then(roll_from_counts).unwrap_or(f32::NAN)
}

/// Prepares a complementary filter with a time constant in s for a period in s.
#[unsafe(no_mangle)]
pub extern "C" fn balance_complementary_init(
    handle: *mut balance_complementary,
    time_constant: f32,
    dt: f32,
) -> balance_status {
    match (ComplementaryConfig { time_constant }).build(dt) {
        Ok(filter) => put(handle, filter),
        Err(error) => error.into(),
    }
}

/// Advances by a rate in rad/s and an accelerometer angle in rad; a NaN for either says that it is
/// missing.
#[unsafe(no_mangle)]
pub extern "C" fn balance_complementary_step(
    handle: *mut balance_complementary,
    rate: f32,
    accel_angle: f32,
) -> balance_tilt {
    match get(handle) {
        Ok(filter) => filter.step(rate, Some(accel_angle)).into(),
        Err(_) => balance_tilt::default(),
    }
}

/// Settings of a tilt Kalman filter.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct balance_tilt_kalman_config {
    /// Noise of the gyroscope, in rad/s/√Hz.
    pub gyro_noise: f32,
    /// Walk of its bias, in rad/s²/√Hz.
    pub bias_walk: f32,
    /// Noise of the accelerometer angle, in rad.
    pub accel_noise: f32,
    /// How far off the bias may be at the start, in rad/s.
    pub initial_bias: f32,
}

/// Suits an MPU-6050.
#[unsafe(no_mangle)]
pub extern "C" fn balance_tilt_kalman_config_default() -> balance_tilt_kalman_config {
    let config = TiltKalmanConfig::<f32>::default();
    balance_tilt_kalman_config {
        gyro_noise: config.gyro_noise,
        bias_walk: config.bias_walk,
        accel_noise: config.accel_noise,
        initial_bias: config.initial_bias,
    }
}

/// Prepares a tilt Kalman filter for a period in s.
#[unsafe(no_mangle)]
pub extern "C" fn balance_tilt_kalman_init(
    handle: *mut balance_tilt_kalman,
    config: *const balance_tilt_kalman_config,
    dt: f32,
) -> balance_status {
    let config = match read(config) {
        Ok(config) => config,
        Err(status) => return status,
    };
    let config = TiltKalmanConfig {
        gyro_noise: config.gyro_noise,
        bias_walk: config.bias_walk,
        accel_noise: config.accel_noise,
        initial_bias: config.initial_bias,
        ..Default::default()
    };
    match config.build(dt) {
        Ok(filter) => put(handle, filter),
        Err(error) => error.into(),
    }
}

/// Advances by a rate in rad/s and an accelerometer angle in rad; a NaN for either says that it is
/// missing.
#[unsafe(no_mangle)]
pub extern "C" fn balance_tilt_kalman_step(
    handle: *mut balance_tilt_kalman,
    rate: f32,
    accel_angle: f32,
) -> balance_tilt {
    match get(handle) {
        Ok(filter) => filter.step(rate, Some(accel_angle)).into(),
        Err(_) => balance_tilt::default(),
    }
}

/// Back to rest.
#[unsafe(no_mangle)]
pub extern "C" fn balance_tilt_kalman_reset(handle: *mut balance_tilt_kalman) -> balance_status {
    match get(handle) {
        Ok(filter) => {
            filter.reset();
            BALANCE_OK
        }
        Err(status) => status,
    }
}

/// Prepares a wheel's speed: counts of a turn, time constant in s, period in s.
#[unsafe(no_mangle)]
pub extern "C" fn balance_wheel_speed_init(
    handle: *mut balance_wheel_speed,
    counts_per_revolution: f32,
    time_constant: f32,
    dt: f32,
) -> balance_status {
    let config = WheelSpeedConfig {
        counts_per_revolution,
        time_constant,
        ..Default::default()
    };
    match config.build(dt) {
        Ok(wheel) => put(handle, wheel),
        Err(error) => error.into(),
    }
}

/// The speed in rad/s for the encoder's count, which may wrap.
#[unsafe(no_mangle)]
pub extern "C" fn balance_wheel_speed_step(handle: *mut balance_wheel_speed, count: i32) -> f32 {
    get(handle).map_or(0.0, |wheel| wheel.step(count).speed)
}
