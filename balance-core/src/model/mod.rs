//! Dynamics of robots, with their linearisation: what controllers are designed on, observers
//! predict with, and the simulator integrates.

mod hybrid_stepper;
mod joint;
pub mod pmsm;
mod quadrotor_axis;
mod wheeled_pendulum;

pub use hybrid_stepper::{HybridStepper, HybridStepperConfig, HybridStepperState};
pub use joint::{Joint, JointConfig, JointLinearisation, JointState};
pub use pmsm::{Inverter, Pmsm, PmsmConfig, PmsmState};
pub use quadrotor_axis::{
    QuadrotorAxis, QuadrotorAxisConfig, QuadrotorAxisLinearisation, QuadrotorAxisState,
};
pub use wheeled_pendulum::{
    Accelerations, Linearisation, Load, PendulumState, WheeledPendulum, WheeledPendulumConfig,
};
