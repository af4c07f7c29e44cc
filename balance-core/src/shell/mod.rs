//! A prompt on the running robot, over any line that carries bytes.
//!
//! ```text
//! > get balance.pitch
//! balance.pitch = -25.592 V/rad, drives under the fall (-1000 to 1000, default -25.592)
//! > set balance.pitch=-30
//! > status
//! balancing for 12.345 s, pitch 0.004 rad, speed 0.012 m/s, battery 11.38 V
//! ```
//!
//! The shell is fed bytes and writes bytes; the robot behind it is a [`Machine`]. It belongs below
//! the loop: it holds no lock and disables no interrupt, and whatever arrives, a line takes a
//! bounded time. No code is ever executed from the wire: a command is one of the list, a value is a
//! number within its range. Editing, history and completion of commands are those of `embedded-cli`.

mod command;
mod line;
mod machine;
mod rest;
#[cfg(test)]
mod tests;

pub use command::{Shell, is_command};
pub use machine::{Condition, Ending, MOTOR_MICROS, Machine, Order, Refusal, Sensed};
pub use rest::{REST_SAMPLES, Rest, RestMeasurement};
