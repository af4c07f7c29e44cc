//! Gains from a model, and model predictive control. Four states and one input: a pendulum on
//! wheels or a cart.

use crate::handle::{get, handle, put, read, write};
use crate::status::balance_status::{
    self, BALANCE_NO_DESIGN, BALANCE_NOT_FINITE, BALANCE_ORDER, BALANCE_OUT_OF_RANGE,
};
use balance_core::control::design::{ContinuousModel, DesignError, LqrConfig};
use balance_core::control::mpc::{Mpc, MpcConfig, MpcStatus};
use nalgebra::{SMatrix, SVector};

handle!(
    /// Model predictive control of four states and one input, ten periods ahead.
    balance_mpc, Mpc<f32, 4, 1, 10>, 140
);

/// A linear model, `dx/dt = a x + b u`, and what deviation and effort cost.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct balance_model {
    /// Row by row: what each state does to the rate of the first, and so on.
    pub a: [[f32; 4]; 4],
    /// What the input does to the rate of each state.
    pub b: [f32; 4],
    /// How much of each state is as bad as `input_limit` of the input; infinite: any.
    pub state_limit: [f32; 4],
    /// See `state_limit`.
    pub input_limit: f32,
}

impl balance_model {
    fn parts(&self) -> (ContinuousModel<f32, 4, 1>, LqrConfig<f32, 4, 1>) {
        let model = ContinuousModel {
            a: SMatrix::<f32, 4, 4>::from(self.a).transpose(),
            b: SVector::from(self.b),
        };
        (
            model,
            LqrConfig::from_limits(self.state_limit, [self.input_limit]),
        )
    }
}

impl From<DesignError> for balance_status {
    fn from(error: DesignError) -> Self {
        match error {
            DesignError::NonFinite(_) => BALANCE_NOT_FINITE,
            DesignError::OutOfRange(_) | DesignError::NotPositive(_) => BALANCE_OUT_OF_RANGE,
            DesignError::Order(..) => BALANCE_ORDER,
            _ => BALANCE_NO_DESIGN,
        }
    }
}

/// The gain of `u = −gain · x` that is best for the model, held for periods in s. Millions of
/// instructions: not in the loop.
#[unsafe(no_mangle)]
pub extern "C" fn balance_lqr_design(
    model: *const balance_model,
    dt: f32,
    gain: *mut [f32; 4],
) -> balance_status {
    let (model, weights) = match read(model) {
        Ok(model) => model.parts(),
        Err(status) => return status,
    };
    match weights.design_sampled(&model, dt) {
        Ok(design) => write(gain, design.gain.transpose().into()),
        Err(error) => error.into(),
    }
}

/// Limits of a predictive controller.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct balance_mpc_config {
    /// The model and its prices.
    pub model: balance_model,
    /// Smallest input.
    pub input_min: f32,
    /// Largest input.
    pub input_max: f32,
    /// Smallest value of each state; minus infinity: none.
    pub state_min: [f32; 4],
    /// Largest value of each state; infinity: none.
    pub state_max: [f32; 4],
    /// Rounds of the solver in a step, 1 to 10000: what bounds the time.
    pub iterations: u32,
    /// Accuracy, in shares of the limits, 1e-7 to 0.1.
    pub tolerance: f32,
}

/// How an answer of a predictive controller came about.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub enum balance_mpc_status {
    /// No limit acts: the input is that of the LQR.
    #[default]
    BALANCE_MPC_UNCONSTRAINED = 0,
    /// The best under the limits.
    BALANCE_MPC_SOLVED = 1,
    /// Not solved in time: the input is that of the LQR, limited.
    BALANCE_MPC_FALLBACK = 2,
}

/// What a step of a predictive controller gives.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct balance_mpc_output {
    /// What to apply now, within its limits.
    pub input: f32,
    /// Rounds of the solver.
    pub iterations: u32,
    /// How it came about.
    pub status: balance_mpc_status,
    /// A state was unusable, and the last input stands.
    pub held: bool,
}

/// Prepares a predictive controller for a period in s. Millions of instructions.
#[unsafe(no_mangle)]
pub extern "C" fn balance_mpc_init(
    handle: *mut balance_mpc,
    config: *const balance_mpc_config,
    dt: f32,
) -> balance_status {
    let config = match read(config) {
        Ok(config) => config,
        Err(status) => return status,
    };
    let (model, weights) = config.model.parts();
    let built = model.discretise(dt).and_then(|model| {
        let config = MpcConfig {
            input_min: [config.input_min],
            input_max: [config.input_max],
            state_min: config.state_min,
            state_max: config.state_max,
            iterations: config.iterations,
            tolerance: config.tolerance,
            ..MpcConfig::new(model, weights)
        };
        config.build()
    });
    match built {
        Ok(mpc) => put(handle, mpc),
        Err(error) => error.into(),
    }
}

/// The best input now, toward a state of zeros.
#[unsafe(no_mangle)]
pub extern "C" fn balance_mpc_step(
    handle: *mut balance_mpc,
    state: *const [f32; 4],
) -> balance_mpc_output {
    let (Ok(mpc), Ok(state)) = (get(handle), read(state)) else {
        return balance_mpc_output::default();
    };
    let output = mpc.step(&state);
    let [input] = output.input;
    balance_mpc_output {
        input,
        iterations: output.iterations,
        status: match output.status {
            MpcStatus::Unconstrained => balance_mpc_status::BALANCE_MPC_UNCONSTRAINED,
            MpcStatus::Solved => balance_mpc_status::BALANCE_MPC_SOLVED,
            MpcStatus::Fallback => balance_mpc_status::BALANCE_MPC_FALLBACK,
        },
        held: output.held,
    }
}
