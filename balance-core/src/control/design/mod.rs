//! Gains from a model, computed on the chip: when the battery sags or the payload changes, the
//! robot designs its controller anew.
//!
//! | from | to | by |
//! |---|---|---|
//! | a model in seconds | a model in periods | [`ContinuousModel::discretise`] |
//! | prices of deviation and effort | a state feedback | [`LqrConfig`] |
//! | the same and an output that must not stay off | one with integral action | [`DiscreteModel::with_integral`], then [`LqrConfig`] |
//! | wanted poles, one input | a state feedback | [`place_poles`] |
//! | noises of motion and measurement | gains of an observer | [`KalmanGainConfig`] |
//!
//! Every design either gives a gain that has been checked (the equation holds, the closed loop is
//! stable) or a [`DesignError`] that says what is missing. It allocates nothing, does not panic,
//! and has a bounded number of rounds. It runs in `f64` whatever the type of the parameters, and
//! rounds once at the end: an LQR of a slow robot at a fast rate differs from none by parts in
//! 10⁸, which `f32` cannot see.
//!
//! An LQR of four states from a model in seconds costs 2.5 million instructions on a Cortex-M4F and
//! 7.0 million on an M0 (QEMU; double precision in software on both): 15 ms at 168 MHz, 56 ms at
//! 125 MHz. It belongs outside the loop.
//!
//! Against scipy and python-control on five models of robots (`tests/design_golden`), relative:
//!
//! | | `f64` | `f32` |
//! |---|---|---|
//! | zero-order hold | 7e-16 | 2e-7 |
//! | LQR gain, each element | 2e-11 | 8e-7 (from a model rounded in between: 4e-6) |
//! | steady Kalman gain | 1e-13 | 2e-7 (1e-6) |
//! | placed gain, each element | 1e-12 | 6e-7 |

mod discretise;
mod error;
mod kalman_gain;
mod lqr;
pub(in crate::control) mod matrix;
mod pole_placement;
pub(in crate::control) mod riccati;
mod spectral_radius;

pub use self::discretise::{ContinuousModel, DiscreteModel};
pub use self::error::DesignError;
pub use self::kalman_gain::{KalmanGain, KalmanGainConfig};
pub use self::lqr::{Lqr, LqrConfig};
pub use self::pole_placement::{Pole, place_observer_poles, place_poles, place_poles_sampled};
pub use self::spectral_radius::spectral_radius;
