//! Field-oriented control of three-phase permanent-magnet motors.
//!
//! ```text
//! position ─▶ speed ─▶ weakening ─▶ current ─▶ space-vector duties ─▶ three half-bridges
//!                                      ▲
//!   angle: encoder, Hall switches, or none (sensorless)        supervision: switches off
//! ```
//!
//! A new motor: [`WindingTest`] measures resistance and inductances, [`FluxMeasurement`] its flux,
//! [`Alignment`] the zero and direction of the encoder; that is a [`Machine`], from which all the
//! loops are tuned.
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

pub mod alignment;
pub mod current_loop;
pub mod encoder_angle;
pub mod flux_observer;
pub mod hall;
pub mod machine;
pub mod measurement;
pub mod position_loop;
pub mod sensorless;
pub mod speed_loop;
pub mod supervision;
pub mod svpwm;
pub mod transforms;
pub mod weakening;

pub use alignment::{Aligned, Alignment, AlignmentConfig, AlignmentError, AlignmentOutput};
pub use current_loop::{
    CurrentLoop, CurrentLoopConfig, CurrentLoopInput, CurrentLoopOutput, CurrentLoopState,
};
pub use encoder_angle::{EncoderAngle, EncoderAngleConfig};
pub use flux_observer::{FluxObserver, FluxObserverConfig, FluxObserverState};
pub use hall::{HallAngle, HallAngleConfig, HallOutput};
pub use machine::Machine;
pub use measurement::{FluxMeasurement, MeasurementError, Winding, WindingTest, WindingTestConfig};
pub use position_loop::{PositionLoop, PositionLoopConfig};
pub use sensorless::{Sensorless, SensorlessConfig, SensorlessInput, SensorlessOutput, Stage};
pub use speed_loop::{SpeedLoop, SpeedLoopConfig, SpeedLoopOutput, SpeedLoopState};
pub use supervision::{MotorFault, MotorWatch, MotorWatchConfig};
pub use svpwm::space_vector_duties;
pub use transforms::{
    AlphaBeta, Dq, Rotation, clarke, clarke_power_invariant, clarke_three, inverse_clarke,
    inverse_clarke_power_invariant,
};
pub use weakening::{FieldWeakening, FieldWeakeningConfig};
