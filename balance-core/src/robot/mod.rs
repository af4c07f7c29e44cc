//! The whole robot in one call.

mod calibration;
mod signals;
mod supervisor;
mod watch;

pub use calibration::CalibrationConfig;
pub use signals::{Command, Inputs, Outputs, Record};
pub use supervisor::{Findings, State, Stop, Supervisor};
pub use watch::ImuLimits;
