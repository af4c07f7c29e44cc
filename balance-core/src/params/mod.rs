//! What a person may tune, by name: one registry for shell, storage, telemetry and documentation.
//!
//! [`RobotConfig::PARAMETERS`] names every number of a robot that may be changed, with its unit, its
//! range and whether it may change while the motors have power. [`Parameters`] is the set in use: it
//! checks each change, and goes back to the last good set when the robot falls soon after one.
//!
//! ```
//! use balance_core::math::Q12;
//! use balance_core::params::Parameters;
//! use balance_core::robot::{RobotConfig, State};
//! use balance_core::time::Instant;
//!
//! let mut parameters = Parameters::new(RobotConfig::<f32>::pico_kit());
//! let now = Instant::from_micros(0);
//! parameters.set::<Q12>("balance.pitch", -30.0, State::Balancing, now)?;
//! assert_eq!(parameters.get("balance.pitch")?, -30.0);
//! // The robot falls over within five seconds: the old gain is back.
//! let restored = parameters.watch(State::Fallen, now.plus_micros(800_000));
//! assert!(restored);
//! assert_eq!(parameters.get("balance.pitch")?, -25.592);
//! # Ok::<(), balance_core::params::SetError>(())
//! ```

#[cfg(feature = "telemetry")]
pub mod image;
mod set;
#[cfg(feature = "store")]
pub mod store;
mod table;

pub use set::{Parameters, SetError, TRIAL_MICROS};
pub use table::{Change, Parameter};

#[cfg(doc)]
use crate::robot::RobotConfig;
