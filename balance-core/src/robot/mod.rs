//! The whole robot in one call: [`Robot::tick`].

mod autotune;
mod balance;
mod calibration;
mod config;
mod design;
mod drivetrain_watch;
mod estimator;
mod fault_log;
mod inertial;
mod margins;
mod mpc;
mod odometer;
mod parameters;
mod presets;
mod signals;
mod steppers;
mod supervisor;
mod tick;
pub mod timing;
mod turn;
mod watch;

pub use autotune::{
    Autotune, AutotuneConfig, AutotuneFailure, AutotuneReport, AutotuneStatus, ModelDoubt,
};
pub use calibration::CalibrationConfig;
pub use config::{
    BalanceConfig, CascadeConfig, Chassis, CommandLimits, EstimatorConfig, Limits, RobotConfig,
};
pub use design::{BALANCE_WEIGHTS, GainError};
pub use fault_log::{FAULTS_KEPT, Fault, FaultLog};
pub use margins::{LoopLags, balance_decay, balance_margins};
pub use mpc::{MpcBalance, MpcBalanceConfig};
pub use parameters::RobotParameters;
pub use signals::{Command, Inputs, Outputs, Record};
pub use steppers::StepperRobotParameters;
pub use supervisor::{Findings, State, Stop, Supervisor};
pub use tick::Robot;
pub use watch::ImuLimits;
