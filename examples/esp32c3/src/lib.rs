//! A two-wheeled balancing robot on an ESP32-C3 or an ESP32-C6.
//!
//! [`board`] is the wiring; the rest is the same on every board of this folder's neighbours.
#![no_std]

#[path = "../../shared/arm_button.rs"]
pub mod arm_button;
#[path = "../../shared/blink_imu.rs"]
pub mod blink_imu;
pub mod board;
#[path = "../../shared/control.rs"]
pub mod control;
#[path = "../../shared/motor_check.rs"]
pub mod motor_check;
#[path = "../../shared/telemetry.rs"]
pub mod telemetry;
