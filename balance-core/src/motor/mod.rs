//! Motors: models, their inverses, and bridges over embedded-hal.
//!
//! The way of a command: a wanted torque becomes a voltage
//! ([`voltage_feedforward`]), a voltage becomes a duty ([`duty_map`]), and a duty becomes pins
//! ([`h_bridge`]). [`dc_motor`] is what happens afterwards, for simulators and observers. Three-phase
//! motors go through [`foc`]. [`identification`] finds a motor's constants on the robot itself.

mod coefficient;
pub mod dc_current_loop;
pub mod dc_motor;
mod drive;
pub mod duty_map;
pub mod encoder;
pub mod foc;
pub mod h_bridge;
pub mod identification;
pub mod pulse;
pub mod stall;
pub mod stepper;
pub mod thermal_limit;
pub mod three_phase;
pub mod voltage_feedforward;

pub use drive::Drive;
