//! Dynamics of robots, with their linearisation: what controllers are designed on, observers
//! predict with, and the simulator integrates.

mod wheeled_pendulum;

pub use wheeled_pendulum::{
    Accelerations, Linearisation, Load, PendulumState, WheeledPendulum, WheeledPendulumConfig,
};
