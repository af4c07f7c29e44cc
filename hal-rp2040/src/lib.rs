//! `balance-core` on the RP2040 (Raspberry Pi Pico): thin adapters, no algorithm.
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
//! | [`motor_pwm`] | a PWM slice as two `SetDutyCycle` channels |
//! | [`encoder`] | quadrature counts from a PIO state machine |
//! | [`imu_bus`] | an async I²C bus that always answers in bounded time |
//! | [`battery`] | millivolts behind a divider, without waiting |
//! | [`tick`], [`control_executor`] | an exact cadence, above everything else that runs |
//! | [`clock`], [`cycles`] | `Instant`s, and processor cycles |
//! | [`watchdog`], [`safe_stop`] | the motors are off whatever happens |
//! | [`flash_store`], [`kept_ram`] | parameters through a loss of power, last words through a reset |
//! | [`status_led`] | what the robot does, for a person across the room |
//!
//! Which peripherals, pins and interrupts each of them takes is listed in the crate's README.
//!
//! The crate also compiles on a host, where the arithmetic of each file is tested.
#![no_std]

pub mod battery;
pub mod clock;
pub mod control_executor;
pub mod cycles;
pub mod encoder;
pub mod flash_store;
pub mod imu_bus;
pub mod kept_ram;
pub mod motor_pwm;
pub mod safe_stop;
// Elsewhere nothing would use it.
#[cfg(any(
    test,
    all(target_os = "none", target_arch = "arm", feature = "soft-float")
))]
mod soft_float;
pub mod status_led;
pub mod tick;
pub mod watchdog;
