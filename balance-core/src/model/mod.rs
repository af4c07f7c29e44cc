//! Dynamics of robots, with their linearisation: what controllers are designed on, observers
//! predict with, and the simulator integrates.

pub mod pmsm;
mod wheeled_pendulum;

pub use pmsm::{Inverter, Pmsm, PmsmConfig, PmsmState};
pub use wheeled_pendulum::{
    Accelerations, Linearisation, Load, PendulumState, WheeledPendulum, WheeledPendulumConfig,
};
