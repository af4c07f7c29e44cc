//! Map to be written when the rooms stand.
#![no_std]

pub mod config;
pub mod control;
pub mod estimation;
pub mod math;
pub mod model;
pub mod motor;
pub mod robot;
pub mod sensor;
pub mod signal;
mod step;
pub mod time;

pub use config::ConfigError;
pub use step::Step;
