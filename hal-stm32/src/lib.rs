//! `balance-core` on any STM32: thin adapters, no algorithm.
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
//! | [`motor_pwm`] | two channels of a timer as `SetDutyCycle` channels |
//! | [`encoder`] | quadrature counts from a timer in encoder mode |
//! | [`imu_bus`] | an async I²C bus that always answers in bounded time |
//! | [`battery`] | millivolts behind a divider |
//! | [`tick`], [`control_executor`] | an exact cadence, above everything else that runs |
//! | [`clock`], [`cycles`] | `Instant`s, and processor cycles |
//! | [`watchdog`], [`safe_stop`] | the motors are off whatever happens |
//! | [`status_led`] | what the robot does, for a person across the room |
//!
//! Which peripherals, pins and interrupts each of them takes is listed in the crate's README.
//!
//! The chip is a feature of the firmware's own `embassy-stm32` dependency; on an STM32F1 the feature
//! `f1` of this crate is to be set as well. Nothing else depends on the chip: the adapters take
//! embassy-stm32's own drivers, made of whatever timers and pins the board has.
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
