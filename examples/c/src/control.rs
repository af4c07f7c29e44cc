//! Controllers.

use crate::handle::{get, handle, put, read};
use crate::status::balance_status::{self, BALANCE_OK};
use balance_core::control::pid::{AntiWindup, Pid, PidConfig, PidInput};
use balance_core::control::state_feedback::{StateFeedback, StateFeedbackConfig};

handle!(
    /// PID with anti-windup, filtered derivative, and everything else that people ask for.
    balance_pid, Pid<f32>, 24
);
handle!(
    /// State feedback of four states, the step of an LQR.
    balance_state_feedback, StateFeedback<f32, 4>, 14
);

/// Settings of a PID.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct balance_pid_config {
    /// Output per unit of error.
    pub kp: f32,
    /// Output per unit of error and second.
    pub ki: f32,
    /// Output per unit of error rate.
    pub kd: f32,
    /// Share of the setpoint that the proportional term sees, 0 to 1.
    pub setpoint_weight: f32,
    /// Share of the setpoint that the derivative sees, 0 to 1.
    pub derivative_setpoint_weight: f32,
    /// Cut-off of the derivative's low-pass in Hz; zero or less: none.
    pub derivative_cutoff_hz: f32,
    /// Smallest output.
    pub output_min: f32,
    /// Largest output.
    pub output_max: f32,
    /// Time constant of back-calculation in s; zero or less: conditional integration.
    pub tracking_time: f32,
}

/// A gain of one, within ±1.
#[unsafe(no_mangle)]
pub extern "C" fn balance_pid_config_default() -> balance_pid_config {
    let config = PidConfig::<f32>::default();
    balance_pid_config {
        kp: config.kp,
        ki: config.ki,
        kd: config.kd,
        setpoint_weight: config.setpoint_weight,
        derivative_setpoint_weight: config.derivative_setpoint_weight,
        derivative_cutoff_hz: 0.0,
        output_min: config.output_min,
        output_max: config.output_max,
        tracking_time: 0.0,
    }
}

impl balance_pid_config {
    fn core(self) -> PidConfig<f32> {
        // A NaN is kept, so that it is refused.
        let positive = |value: f32| (!(value <= 0.0)).then_some(value);
        PidConfig {
            kp: self.kp,
            ki: self.ki,
            kd: self.kd,
            setpoint_weight: self.setpoint_weight,
            derivative_setpoint_weight: self.derivative_setpoint_weight,
            derivative_cutoff_hz: positive(self.derivative_cutoff_hz),
            output_min: self.output_min,
            output_max: self.output_max,
            anti_windup: match positive(self.tracking_time) {
                Some(tracking_time) => AntiWindup::BackCalculation { tracking_time },
                None => AntiWindup::Conditional,
            },
            ..Default::default()
        }
    }
}

/// Prepares a PID for a period in s.
#[unsafe(no_mangle)]
pub extern "C" fn balance_pid_init(
    handle: *mut balance_pid,
    config: *const balance_pid_config,
    dt: f32,
) -> balance_status {
    let built = read(config).and_then(|config| config.core().build(dt).map_err(Into::into));
    match built {
        Ok(pid) => put(handle, pid),
        Err(status) => status,
    }
}

/// The output for a setpoint and a measured value. A NaN holds the last output.
#[unsafe(no_mangle)]
pub extern "C" fn balance_pid_step(handle: *mut balance_pid, setpoint: f32, measured: f32) -> f32 {
    get(handle).map_or(0.0, |pid| pid.step(setpoint, measured).total)
}

/// What a step of a PID is made of.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct balance_pid_output {
    /// Proportional part.
    pub p: f32,
    /// Integral part.
    pub i: f32,
    /// Derivative part.
    pub d: f32,
    /// The output, within its limits.
    pub total: f32,
    /// Whether a limit acted.
    pub saturated: bool,
}

/// As `balance_pid_step`, with the time in s that really passed, or zero for the nominal period, a
/// feed-forward, and the parts of the output.
#[unsafe(no_mangle)]
pub extern "C" fn balance_pid_step_full(
    handle: *mut balance_pid,
    setpoint: f32,
    measured: f32,
    feedforward: f32,
    dt: f32,
) -> balance_pid_output {
    let Ok(pid) = get(handle) else {
        return balance_pid_output::default();
    };
    let input = PidInput {
        dt: (dt != 0.0).then_some(dt),
        ..PidInput::new(setpoint, measured).with_feedforward(feedforward)
    };
    let output = pid.step_with(&input);
    balance_pid_output {
        p: output.p,
        i: output.i,
        d: output.d,
        total: output.total,
        saturated: output.saturated.is_high() || output.saturated.is_low(),
    }
}

/// Takes other settings without a jump of the output.
#[unsafe(no_mangle)]
pub extern "C" fn balance_pid_retune(
    handle: *mut balance_pid,
    config: *const balance_pid_config,
) -> balance_status {
    let config = match read(config) {
        Ok(config) => config.core(),
        Err(status) => return status,
    };
    match get(handle) {
        Ok(pid) => match pid.retune(&config) {
            Ok(()) => BALANCE_OK,
            Err(error) => error.into(),
        },
        Err(status) => status,
    }
}

/// Back to rest.
#[unsafe(no_mangle)]
pub extern "C" fn balance_pid_reset(handle: *mut balance_pid) -> balance_status {
    match get(handle) {
        Ok(pid) => {
            pid.reset();
            BALANCE_OK
        }
        Err(status) => status,
    }
}

/// Prepares `u = −K x` within limits.
#[unsafe(no_mangle)]
pub extern "C" fn balance_state_feedback_init(
    handle: *mut balance_state_feedback,
    gain: *const [f32; 4],
    output_min: f32,
    output_max: f32,
    dt: f32,
) -> balance_status {
    let gain = match read(gain) {
        Ok(gain) => gain,
        Err(status) => return status,
    };
    let config = StateFeedbackConfig {
        gain,
        output_min,
        output_max,
        ..Default::default()
    };
    match config.build(dt) {
        Ok(feedback) => put(handle, feedback),
        Err(error) => error.into(),
    }
}

/// The output for four states. A NaN holds the last one.
#[unsafe(no_mangle)]
pub extern "C" fn balance_state_feedback_step(
    handle: *mut balance_state_feedback,
    state: *const [f32; 4],
) -> f32 {
    match (get(handle), read(state)) {
        (Ok(feedback), Ok(state)) => feedback.step(&state).total,
        _ => 0.0,
    }
}
