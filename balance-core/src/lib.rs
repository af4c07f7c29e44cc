//! Filters, controllers, motors and the loop of a robot: `no_std`, no allocation, no reachable
//! panic, for `f32`, `f64` and saturating fixed point.
//!
//! ```text
//!   sensor ──▶ estimation ──▶ control ──▶ motor ──▶ H-bridge
//!     │             ▲            ▲          │
//!     │           signal       model        │
//!     ╰──────▶ robot::tick, whose supervisor can always say *off*
//! ```
//!
//! Data flows one way. [`robot::Robot::tick`] is the whole loop: it takes the time and what the
//! sensors said, and answers with what the motors shall do. It has no clock and no bus, so
//! firmware, simulator, log replay and tests call the same function.
//!
//! | room | holds |
//! |---|---|
//! | [`math`] | the traits [`Scalar`](math::Scalar) and [`Real`](math::Real), fixed point, elementary functions with stated errors |
//! | [`signal`] | low-pass, biquad, derivative, median, slew limit, deadband, delay |
//! | [`estimation`] | tilt and attitude from accelerometer, gyroscope and magnetometer, wheel speed from encoder counts |
//! | [`control`] | PID, cascade, state feedback; LQR, Kalman gains and pole placement on the chip, MPC |
//! | [`motor`] | DC, stepper and three-phase motors: identification, field-oriented control, encoders, drives over embedded-hal |
//! | [`model`] | dynamics of robots, with their linearisation |
//! | [`platform`] | what a board gives that embedded-hal has no trait for: quadrature counters |
//! | [`sensor`] | readings with time and health, chip drivers over embedded-hal |
//! | [`params`] | what a person may tune, by name, with a way back |
//! | [`proof`] | fixed point with proven ranges: whether anything inside can saturate |
//! | [`robot`] | the loop, its supervisor, complete robots |
//! | `shell` | with the feature of this name: a prompt on the running robot |
//! | `telemetry` | with the feature of this name: records, frames on a wire, a black box |
//!
//! # One shape
//!
//! Every algorithm is an `XConfig` with public fields in SI units, `build(dt)` that gives an `X` or
//! names the field that is wrong, and `x.step(…)`. `retune` changes the tuning without a jump,
//! `reset` goes back to rest, `state` and `restore` read and write what changes. [`Step`] is the
//! same as a trait.
//!
//! ```
//! use balance_core::control::pid::{Pid, PidConfig};
//! use balance_core::math::Q12;
//! let config = PidConfig { kp: 8.0, ki: 2.0, ..Default::default() };
//! let pid: Pid<f32> = config.build(0.001)?;
//! let same_in_integers: Pid<Q12> = config.build(0.001)?;
//! # Ok::<(), balance_core::ConfigError>(())
//! ```
//!
//! Configuration may fail; **stepping may not**. A NaN, an infinite or an absurd input leaves the
//! state alone: the last good output stands, and the first good sample afterwards counts as if
//! nothing had happened.
//!
//! # Conventions
//!
//! SI units and radians; degrees, g and rpm at the edge only, and then in the name. Body frame: x
//! forward, y left, z up. Pitch is the rotation about +y, positive nose **down** (leaning
//! forward); yaw the rotation about +z, positive to the left. An accelerometer at rest reads +g
//! along the axis that points up. Time is an argument, [`time::Instant`].
#![no_std]

pub mod config;
pub mod control;
pub mod estimation;
pub mod math;
pub mod model;
pub mod motor;
pub mod params;
pub mod platform;
pub mod proof;
pub mod robot;
pub mod sensor;
#[cfg(feature = "shell")]
pub mod shell;
pub mod signal;
mod step;
#[cfg(feature = "telemetry")]
pub mod telemetry;
pub mod time;

pub use config::ConfigError;
pub use step::Step;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
