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
//! | both and perhaps a magnetometer | attitude, cheap | [`mahony`] | 47 + 36, two roots |
//! | the same | attitude, with one known gain | [`madgwick`] | 60 + 45, three roots |
//! | the same | the most accurate inclination, gyroscope bias and scale | [`bounded_velocity`], floats | about 200 + 190, and 900 + 900 every 28 ms |
//! | a linear model and measurements that come and go | its states | [`kalman`] | about 1.5 N³ + 3 N² M |
//! | a model that bends | its states | [`nonlinear_kalman`], extended or unscented | as above, and the model |
//! | the same | attitude through pushes | [`basic_vqf`] | about 90 + 80, two divisions, one root |
//! | the same | attitude and gyroscope bias, and a heading that iron does not turn | [`vqf`] | about 330 + 300 |
//! | encoder counts | wheel angle and speed | [`wheel_speed`] | 3 + 1, and 30 integer operations |
//!
//! Tilt filters take the rate about +y in rad/s (`gyro_y`, positive leaning forward) and an angle
//! of the accelerometer from [`accel_tilt`], which is `None` when it says nothing. Each output
//! names in its [`TiltStatus`] what it was made of.

pub mod accel_tilt;
pub mod basic_vqf;
pub mod bounded_velocity;
pub mod complementary;
mod extended_kalman;
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
mod tilt;
pub mod tilt_kalman;
mod unscented_kalman;
mod vector_lowpass;
pub mod vqf;
pub mod wheel_speed;

pub use orientation::{ImuRanges, Orientation, OrientationState, OrientationStatus};
pub use tilt::{TiltEstimate, TiltStatus};
