//! From readings to what the robot is doing: how far it leans, which way is up, how its wheels turn.
//!
//! | you have | you want | take | products + sums a step |
//! |---|---|---|---|
//! | accelerometer | tilt at rest | [`accel_tilt`] | one `atan2`, or integers from counts |
//! | both, calibrated gyroscope | tilt | [`complementary`] | 2 + 3 |
//! | both | tilt and gyroscope bias | [`steady_tilt_kalman`] | 3 + 5 |
//! | both | the same, at its best from the first second and after gaps | [`tilt_kalman`] | 8 + 12, one division |
//! | both, and wheels with encoders | tilt of a balancing robot | [`robot_tilt`] | 12 + 14 |
//! | both, three axes | up, at any attitude | [`inclination`] | about 36 + 36 |
//! | both and perhaps a magnetometer | attitude | one of the seven below | |
//! | the same | attitude and how uncertain it is | [`attitude_kalman`] | 340 + 300 |
//! | a linear model and measurements that come and go | its states | [`kalman`] | up to N³ + 3 N² M, without the model's zeros |
//! | a model that bends | its states | [`nonlinear_kalman`], extended or unscented | as above, and the model |
//! | encoder counts | wheel angle and speed | [`wheel_speed`] | 3 + 1, and 30 integer operations |
//!
//! Which filter of attitude? Error: inclination without a magnetometer on ten whole trials of BROAD, mean and worst, by
//! `cargo run --release -- evaluate`. Instructions of a step in `f32`: Cortex-M4F and Cortex-M0.
//!
//! | take | when | error | M4F | M0 |
//! |---|---|---|---|---|
//! | [`mahony`] | every instruction counts and pushes are short | 3.6°, 10.7° | 199 | 10,416; fixed point 2,645 |
//! | [`madgwick`] | its gain is known from elsewhere | 2.4°, 4.3° | 206 | 13,510; fixed point 3,182 |
//! | [`basic_vqf`] | the figures must be those of the published filter, or pushes last for seconds | 0.97°, 1.69° | 321 | 21,808; fixed point 5,011 |
//! | [`vqf`] | iron must not turn the heading, fixed point | 0.75°, 1.72° | 968 | 66,867; fixed point 31,038 |
//! | [`steady_velocity`] | inclination at the price of the cheap ones, any number type | 0.76°, 1.57° | 296 | 15,090; fixed point 3,468 |
//! | [`attitude_kalman`] | the uncertainty is asked for; `f32` and `f64` only | 0.78°, 1.63° | 1772 | 89,491 |
//! | [`bounded_velocity`] | inclination has to be right; `f32` and `f64` only | 0.65°, 1.18° | 430, and 3535 each 28 ms | 24,853, and 164,508 each 28 ms |
//!
//! A sensor that reports late is made up for by [`Orientation::ahead`].
//!
//! Tilt filters take the rate about +y in rad/s (`gyro_y`, positive leaning forward) and an angle
//! of the accelerometer from [`accel_tilt`], which is `None` when it says nothing. Each output
//! names in its [`TiltStatus`] what it was made of.

pub mod accel_tilt;
pub mod attitude_kalman;
pub mod basic_vqf;
pub mod bounded_velocity;
pub mod complementary;
pub mod extended_kalman;
mod heading;
pub mod inclination;
pub mod kalman;
mod level_frame;
pub mod madgwick;
pub mod mahony;
pub mod nonlinear_kalman;
mod orientation;
pub mod robot_tilt;
pub mod steady_tilt_kalman;
pub mod steady_velocity;
mod tilt;
pub mod tilt_kalman;
pub mod unscented_kalman;
mod vector_lowpass;
pub mod vqf;
pub mod wheel_speed;

pub use orientation::{ImuRanges, Orientation, OrientationState, OrientationStatus};
pub use tilt::{TiltEstimate, TiltStatus};
