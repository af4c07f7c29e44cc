//! Angle and speed of a shaft from its sensors.
//!
//! | sensor | take |
//! |---|---|
//! | quadrature, counted and timed by hardware ([`EdgeCapture`](crate::platform::EdgeCapture)) | [`EdgeSpeed`]: exact at a crawl and at speed, with its delay |
//! | quadrature, counted by hardware ([`Quadrature`](crate::platform::Quadrature)) | its count into [`WheelSpeed`](crate::estimation::wheel_speed::WheelSpeed), or [`EncoderAngle`](crate::motor::foc::EncoderAngle) and [`PhaseLock`] |
//! | magnetic, I2C: gimbals and joints up to some hundred readings a second | [`As5600`], [`asynchronous::As5600`] |
//! | magnetic, SPI: field-oriented control, tens of thousands of readings a second | [`As5047`], [`asynchronous::As5047`] |
//! | Hall switches of a three-phase motor | [`HallAngle`](crate::motor::foc::HallAngle) |

mod as5047;
mod as5600;
mod edge_speed;
mod phase_lock;

pub use as5047::{As5047, As5047Error, As5047Reading};
pub use as5600::{As5600, As5600Error, As5600Reading, Magnet, MagnetStrength};
pub use edge_speed::{EdgeSpeed, EdgeSpeedConfig, EdgeSpeedInput, EdgeSpeedOutput, EdgeSpeedState};
pub use phase_lock::{PhaseLock, PhaseLockConfig, PhaseLockOutput, PhaseLockState};

/// The chips over asynchronous buses.
pub mod asynchronous {
    pub use super::as5047::asynchronous::As5047;
    pub use super::as5600::asynchronous::As5600;
}
