//! Motors: models, their inverses, and bridges over embedded-hal.

pub mod dc_motor;
mod drive;
pub mod voltage_feedforward;

pub use drive::Drive;
