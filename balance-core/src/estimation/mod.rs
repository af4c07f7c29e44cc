//! estimation

pub mod accel_tilt;
pub mod complementary;
pub mod inclination;
pub mod steady_tilt_kalman;
mod tilt;
pub mod tilt_kalman;
pub mod wheel_speed;

pub use tilt::{TiltEstimate, TiltStatus};
