//! Attitude in space.

use crate::handle::{get, handle, put, read, read_optional};
use crate::status::balance_status::{self, BALANCE_OK};
use balance_core::estimation::Orientation;
use balance_core::estimation::basic_vqf::{BasicVqf, BasicVqfConfig};
use balance_core::estimation::madgwick::{Madgwick, MadgwickConfig};
use balance_core::estimation::mahony::{Mahony, MahonyConfig};
use balance_core::estimation::vqf::{Vqf, VqfConfig};

/// An attitude: from the body's axes (x forward, y left, z up) to the world's (z up).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct balance_attitude {
    /// Quaternion, scalar first.
    pub w: f32,
    /// Quaternion.
    pub x: f32,
    /// Quaternion.
    pub y: f32,
    /// Quaternion.
    pub z: f32,
    /// Left side up, in rad.
    pub roll: f32,
    /// Nose down, in rad.
    pub pitch: f32,
    /// To the left, in rad.
    pub yaw: f32,
    /// Bias of the gyroscope, in rad/s.
    pub gyro_bias: [f32; 3],
}

impl Default for balance_attitude {
    fn default() -> Self {
        Self {
            w: 1.0,
            x: 0.0,
            y: 0.0,
            z: 0.0,
            roll: 0.0,
            pitch: 0.0,
            yaw: 0.0,
            gyro_bias: [0.0; 3],
        }
    }
}

impl From<Orientation<f32>> for balance_attitude {
    fn from(orientation: Orientation<f32>) -> Self {
        let q = orientation.attitude;
        Self {
            w: q.w,
            x: q.x,
            y: q.y,
            z: q.z,
            roll: q.roll(),
            pitch: q.pitch(),
            yaw: q.yaw(),
            gyro_bias: orientation.gyro_bias,
        }
    }
}

handle!(
    /// Mahony's filter.
    balance_mahony, Mahony<f32>, 18
);
handle!(
    /// Madgwick's filter.
    balance_madgwick, Madgwick<f32>, 16
);
handle!(
    /// BasicVQF: cheap and accurate.
    balance_basic_vqf, BasicVqf<f32>, 28
);
handle!(
    /// VQF: with the gyroscope's bias, at rest and in motion, and disturbed fields rejected.
    balance_vqf, Vqf<f32>, 104
);

/// Settings of Mahony's filter.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct balance_mahony_config {
    /// Pull of accelerometer and magnetometer, in 1/s.
    pub proportional_gain: f32,
    /// Speed of the bias estimate, in 1/s².
    pub integral_gain: f32,
}

/// Suits a small robot.
#[unsafe(no_mangle)]
pub extern "C" fn balance_mahony_config_default() -> balance_mahony_config {
    let config = MahonyConfig::<f32>::default();
    balance_mahony_config {
        proportional_gain: config.proportional_gain,
        integral_gain: config.integral_gain,
    }
}

/// Prepares Mahony's filter for a period in s.
#[unsafe(no_mangle)]
pub extern "C" fn balance_mahony_init(
    handle: *mut balance_mahony,
    config: *const balance_mahony_config,
    dt: f32,
) -> balance_status {
    let config = match read(config) {
        Ok(config) => config,
        Err(status) => return status,
    };
    let config = MahonyConfig {
        proportional_gain: config.proportional_gain,
        integral_gain: config.integral_gain,
        ..Default::default()
    };
    match config.build(dt) {
        Ok(filter) => put(handle, filter),
        Err(error) => error.into(),
    }
}

/// Prepares Madgwick's filter with a gain in rad/s for a period in s.
#[unsafe(no_mangle)]
pub extern "C" fn balance_madgwick_init(
    handle: *mut balance_madgwick,
    gain: f32,
    dt: f32,
) -> balance_status {
    let config = MadgwickConfig {
        gain,
        ..Default::default()
    };
    match config.build(dt) {
        Ok(filter) => put(handle, filter),
        Err(error) => error.into(),
    }
}

/// Prepares BasicVQF with the time constants of accelerometer and magnetometer, in s.
#[unsafe(no_mangle)]
pub extern "C" fn balance_basic_vqf_init(
    handle: *mut balance_basic_vqf,
    accel_time_constant: f32,
    mag_time_constant: f32,
    dt: f32,
) -> balance_status {
    let config = BasicVqfConfig {
        accel_time_constant,
        mag_time_constant,
        ..Default::default()
    };
    match config.build(dt) {
        Ok(filter) => put(handle, filter),
        Err(error) => error.into(),
    }
}

/// Prepares VQF, with the published settings, for a period in s.
#[unsafe(no_mangle)]
pub extern "C" fn balance_vqf_init(handle: *mut balance_vqf, dt: f32) -> balance_status {
    match VqfConfig::<f32>::default().build(dt) {
        Ok(filter) => put(handle, filter),
        Err(error) => error.into(),
    }
}

macro_rules! attitude {
    ($handle:ident, $step:ident, $reset:ident) => {
        /// Advances by a rate in rad/s, a specific force in m/s² and a field in any unit, each about
        /// and along x, y, z of the body. Accelerometer and magnetometer may be null, or NaN: missing.
        #[unsafe(no_mangle)]
        pub extern "C" fn $step(
            handle: *mut $handle,
            gyro: *const [f32; 3],
            accel: *const [f32; 3],
            mag: *const [f32; 3],
        ) -> balance_attitude {
            match (get(handle), read(gyro)) {
                (Ok(filter), Ok(gyro)) => filter
                    .step(gyro, read_optional(accel), read_optional(mag))
                    .into(),
                _ => balance_attitude::default(),
            }
        }

        /// Forgets everything but the settings.
        #[unsafe(no_mangle)]
        pub extern "C" fn $reset(handle: *mut $handle) -> balance_status {
            match get(handle) {
                Ok(filter) => {
                    filter.reset();
                    BALANCE_OK
                }
                Err(status) => status,
            }
        }
    };
}
attitude!(balance_mahony, balance_mahony_step, balance_mahony_reset);
attitude!(
    balance_madgwick,
    balance_madgwick_step,
    balance_madgwick_reset
);
attitude!(
    balance_basic_vqf,
    balance_basic_vqf_step,
    balance_basic_vqf_reset
);
attitude!(balance_vqf, balance_vqf_step, balance_vqf_reset);
