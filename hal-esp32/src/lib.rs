//! `balance-core` on the ESP32 family: thin adapters, no algorithm.
//!
//! ```text
//!  MPU-6050 ── imu_bus ──┐                          ┌── motor_pwm ── H-bridge
//!  wheels ──── encoder ──┤   Robot::tick(now, in)   ├── status_led
//!  battery ─── battery ──┘   ^ tick, control        └── watchdog
//!                              _executor, clock
//! ```
//!
//! | file | what it gives |
//! |---|---|
//! | [`motor_pwm`] | channels of the LED controller as `SetDutyCycle` channels |
//! | [`encoder`] | quadrature counts from the pulse counter; on the C3 from an interrupt at each edge |
//! | [`imu_bus`] | an async I²C bus that always answers in bounded time |
//! | [`battery`] | millivolts behind a divider, without waiting |
//! | [`tick`], [`control_executor`] | an exact cadence, above everything else that runs |
//! | [`clock`], [`cycles`] | `Instant`s, and processor cycles |
//! | [`watchdog`], [`safe_stop`] | the motors are off whatever happens |
//! | [`status_led`] | what the robot does, for a person across the room |
//!
//! Which peripherals, pins and interrupts each of them takes is listed in the crate's README. One
//! feature names the chip: `esp32c3`, `esp32c6`, `esp32s3` or `esp32`.
#![no_std]

pub mod battery;
pub mod clock;
pub mod control_executor;
pub mod cycles;
pub mod encoder;
pub mod imu_bus;
pub mod motor_pwm;
pub mod safe_stop;
pub mod status_led;
pub mod tick;
pub mod watchdog;
