//! Model predictive control: an LQR that knows the limits ahead of it.
//!
//! Every period it looks for the inputs `u₀ … u_{H−1}` that minimise
//!
//! > `Σ (xₖ − rₖ)ᵀ Q (xₖ − rₖ) + (uₖ − sₖ)ᵀ R (uₖ − sₖ)`, the last state weighted by the LQR's P,
//!
//! under `xₖ₊₁ = A xₖ + B uₖ` and boxes for the inputs and, where wanted, for the states `x₁ … x_H`,
//! and applies the first of them.
//!
//! **No limit ahead.** With that last weight the answer without limits is the LQR's. So the LQR is
//! tried first: if what it would do stays within the boxes over the horizon, it is the optimum, to
//! the last bit, and there is nothing to solve.
//!
//! **Limits ahead** are handled by the alternating direction method of multipliers in the manner of
//! TinyMPC (K. Nguyen, S. Schoedel, A. Alavilli, B. Plancher, Z. Manchester, "TinyMPC:
//! Model-Predictive Control on Resource-Constrained Microcontrollers", 2024, arXiv:2310.16985): one
//! backward and one forward sweep with gains computed at build time, a projection onto the boxes, a
//! correction of the multipliers; no division, no allocation, starting from the last period's answer,
//! moved on by one. Apart from that paper: the gains belong to the horizon, stage by stage, so that
//! the penalty of the method does not change what it converges to; the sweeps are over-relaxed; and
//! the penalty is chosen from the problem's own stiffness.
//!
//! **Not solved in time.** After [`MpcConfig::iterations`] rounds the answer is the LQR's, clamped
//! into the box, and [`MpcOutput::status`] says so. What was found stays for the next period to go
//! on with. So the input never leaves its box, whatever happens.
//!
//! Cost, counted in QEMU for a cart-pole (4 states, 1 input, H = 10, `f32`, TinyMPC's model): without
//! a limit ahead 1,002 instructions on a Cortex-M4F and 38.6 k on an M0; about 1,600 and 74 k a round
//! with limits, 17.6 k and 782 k for the most of 600 steps that pitch up to 20°. 928 bytes in all.
//! (TinyMPC, counted the same way on its own inputs: 34.7 k median, 68.6 k at most, 10 kB.)
//!
//! In floats only: the multipliers of an unstable plant's horizon span more decades than 32 bits of
//! fixed point have.

mod config;
mod solver;
#[cfg(test)]
mod tests;

pub use self::config::{MpcConfig, MpcReference};
pub use self::solver::{Mpc, MpcOutput, MpcState, MpcStatus};
