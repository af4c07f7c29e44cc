//! Angle and speed of a shaft from its sensors.

mod phase_lock;

pub use phase_lock::{PhaseLock, PhaseLockConfig, PhaseLockOutput, PhaseLockState};
