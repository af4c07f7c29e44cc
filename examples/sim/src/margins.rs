//! Margins of a robot as it is, under gains that were made for what it was measured to be.

use crate::robots::Robot;
use balance_core::control::autotune::Margins;
use balance_core::math::Float;
use balance_core::robot::{BalanceConfig, LoopLags, RobotConfig, RobotParameters, balance_margins};

/// Time constant of the inertial sensor's own low-pass, s.
const SENSOR_LAG: f64 = 1.0 / (94.0 * std::f64::consts::TAU);

/// Margins of a balance controller on the linear model of the real robot, if it is stable.
pub fn of<P: Float>(
    robot: &Robot,
    config: &RobotConfig<P>,
    balance: &BalanceConfig<P>,
) -> Option<Margins> {
    let real = RobotParameters {
        body: robot.body,
        motor: robot.motor.motor,
    };
    let mut model = real.linearise().ok()?;
    // Its own metres are those of the wheel that it believes to have.
    let believed = config.chassis.wheel_radius.to_f64();
    let metres = believed / robot.body.wheel_radius;
    for i in [0, 2] {
        for j in 0..4 {
            model.a[(i, j)] *= metres;
            model.a[(j, i)] /= metres;
        }
        model.b[i] *= metres;
    }
    let lags = LoopLags {
        period: config.period.to_f64(),
        sensor: SENSOR_LAG,
        wheel: config.chassis.speed_time_constant.to_f64(),
    };
    balance_margins(balance, &model, believed, &lags)
}
