//! The PID of few operations, for loops where each instruction counts.

use crate::handle::{get, handle, put, read};
use crate::status::balance_status::{self, BALANCE_OK};
use balance_core::control::lean_pid::{LeanPid, LeanPidConfig};

handle!(
    /// A PID with clamped integral and filtered derivative, and nothing else.
    balance_lean_pid, LeanPid<f32>, 12
);

/// Settings of a lean PID; the gains mean the same as in `balance_pid_config`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct balance_lean_pid_config {
    /// Output per unit of error.
    pub kp: f32,
    /// Output per unit of error and second.
    pub ki: f32,
    /// Output per unit of the measured value's rate.
    pub kd: f32,
    /// Cut-off of the derivative's low-pass in Hz; zero or less: none.
    pub derivative_cutoff_hz: f32,
    /// Smallest output.
    pub output_min: f32,
    /// Largest output.
    pub output_max: f32,
}

/// A gain of one, within ±1.
#[unsafe(no_mangle)]
pub extern "C" fn balance_lean_pid_config_default() -> balance_lean_pid_config {
    let config = LeanPidConfig::<f32>::default();
    balance_lean_pid_config {
        kp: config.kp,
        ki: config.ki,
        kd: config.kd,
        derivative_cutoff_hz: 0.0,
        output_min: config.output_min,
        output_max: config.output_max,
    }
}

/// Prepares a lean PID for a period in s.
#[unsafe(no_mangle)]
pub extern "C" fn balance_lean_pid_init(
    handle: *mut balance_lean_pid,
    config: *const balance_lean_pid_config,
    dt: f32,
) -> balance_status {
    let config = match read(config) {
        Ok(config) => config,
        Err(status) => return status,
    };
    let cutoff = config.derivative_cutoff_hz;
    let config = LeanPidConfig {
        kp: config.kp,
        ki: config.ki,
        kd: config.kd,
        // A NaN is kept, so that it is refused.
        derivative_cutoff_hz: (!(cutoff <= 0.0)).then_some(cutoff),
        output_min: config.output_min,
        output_max: config.output_max,
    };
    match config.build(dt) {
        Ok(pid) => put(handle, pid),
        Err(error) => error.into(),
    }
}

/// The output for a setpoint and a measured value. A NaN holds the last output.
#[unsafe(no_mangle)]
pub extern "C" fn balance_lean_pid_step(
    handle: *mut balance_lean_pid,
    setpoint: f32,
    measured: f32,
) -> f32 {
    get(handle).map_or(0.0, |pid| pid.step(setpoint, measured))
}

/// Back to rest.
#[unsafe(no_mangle)]
pub extern "C" fn balance_lean_pid_reset(handle: *mut balance_lean_pid) -> balance_status {
    match get(handle) {
        Ok(pid) => {
            pid.reset();
            BALANCE_OK
        }
        Err(status) => status,
    }
}
