//! Motors: models, their inverses, and bridges over embedded-hal.
//!
//! The way of a command: a wanted torque becomes a voltage
//! ([`voltage_feedforward`]), a voltage becomes a duty ([`duty_map`]), and a duty becomes pins
//! ([`h_bridge`]). [`dc_motor`] is what happens afterwards, for simulators and observers. Three-phase
//! motors go through [`foc`]. [`identification`] finds a motor's constants on the robot itself.
//!
//! | motor | commanded by | drive | angle and speed |
//! |---|---|---|---|
//! | brushed, by voltage: small robots | [`voltage_feedforward`], [`duty_map`] | [`h_bridge`]: which chip for what is there | quadrature, [`encoder`] |
//! | brushed, by current: arms, torque | [`dc_current_loop`] | [`h_bridge`] and a current sensor | quadrature |
//! | brushless: gimbals, wheels, propellers | [`foc`] | [`three_phase`] | [`encoder::As5047`], Hall switches, or none |
//! | brushless with its own controller | a throttle, −1 to 1 | [`pulse`] | the controller's |
//! | servo | an angle, −1 to 1 | [`pulse`] | inside |
//! | stepper | [`stepper::StepGenerator`] | [`stepper::StepDirection`] | its own steps |
//!
//! [`thermal_limit`] and [`stall`] watch any of them. Torque in N·m, current in A, voltage in V, speed in
//! rad/s, duty and commands from −1 to 1.

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
