//! Feed-forward: the command that a model says a wanted motion takes, ahead of any error.
//!
//! A controller then has only to correct what the model does not know. [`MotorFeedforward`] is for a
//! motor that follows a profile of speeds, [`TiltFeedforward`] for a robot on two wheels that follows
//! a profile of accelerations. (Torques to volts, at the present speed:
//! [`VoltageFeedforward`](crate::motor::voltage_feedforward::VoltageFeedforward).)

mod motor;
mod tilt;

pub use self::motor::{MotorFeedforward, MotorFeedforwardConfig};
pub use self::tilt::{TiltFeedforward, TiltFeedforwardConfig, TiltFeedforwardOutput};
