//! Field-oriented control of three-phase permanent-magnet motors.
//!
//! ```text
//! position ─▶ speed ─▶ weakening ─▶ current ─▶ space-vector duties ─▶ three half-bridges
//! ```
//!
//! ```
//! use balance_core::motor::foc::{CurrentLoop, CurrentLoopConfig, CurrentLoopInput, Dq};
//! let mut control: CurrentLoop<f32> = CurrentLoopConfig::default().build(5e-5)?;
//! let out = control.step(&CurrentLoopInput {
//!     phase_currents: [0.0, 0.0],
//!     angle: 0.0,
//!     speed: 0.0,
//!     bus_voltage: 36.0,
//!     reference: Dq::new(0.0, 1.0), // 1 A of torque
//! });
//! // The q axis lies a quarter of a turn ahead of phase a: between b and −c.
//! assert!(out.duties[1] > 0.5 && out.duties[2] < 0.5 && (out.duties[0] - 0.5).abs() < 1e-6);
//! # Ok::<(), balance_core::ConfigError>(())
//! ```

mod current_loop;
mod machine;
mod svpwm;
mod transforms;

pub use current_loop::{
    CurrentLoop, CurrentLoopConfig, CurrentLoopInput, CurrentLoopOutput, CurrentLoopState,
};
pub use machine::Machine;
pub use svpwm::space_vector_duties;
pub use transforms::{
    AlphaBeta, Dq, Rotation, clarke, clarke_power_invariant, clarke_three, inverse_clarke,
    inverse_clarke_power_invariant,
};
