//! Where the balance gains come from: discrete LQR of the robot's linear model.

use crate::robots::Robot;
use balance_core::control::design::{ContinuousModel, DesignError, Lqr, LqrConfig};
use balance_core::model::WheeledPendulumConfig;
use nalgebra::{Matrix4, RowVector4, Vector4};

/// The linear model with volts on both motors as the input.
pub fn linear_model(
    body: &WheeledPendulumConfig<f64>,
    robot: &Robot,
) -> ContinuousModel<f64, 4, 1> {
    let model = body.build().expect("the robots of the list are possible");
    let linear = model.linearise();
    let motor = &robot.motor;
    let per_volt = 2.0 * motor.torque_constant / motor.resistance;
    let damping = per_volt * motor.back_emf + 2.0 * motor.viscous;
    // Speed of the wheel against the body: v/R − pitch rate.
    let rate = RowVector4::new(0.0, 0.0, 1.0 / body.wheel_radius, -1.0);
    ContinuousModel {
        a: linear.a - linear.b * rate * damping,
        b: linear.b * per_volt,
    }
}

/// The balance gains of a robot at 1 kHz.
pub fn gains(robot: &Robot) -> Result<Lqr<f64, 4, 1>, DesignError> {
    LqrConfig {
        state_weight: Matrix4::from_diagonal(&Vector4::from(robot.weights)),
        ..Default::default()
    }
    .design_sampled(&linear_model(&robot.body, robot), 0.001)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::robots::ROBOTS;
    use balance_core::robot::BalanceConfig;

    #[test]
    fn gains_are_the_lqr_solution() {
        for robot in &ROBOTS {
            let BalanceConfig::StateFeedback(feedback) = robot.config::<f64>().balance else {
                panic!("{} has no state feedback", robot.name);
            };
            let designed = gains(robot).unwrap().gain;
            for (own, designed) in feedback.gain.iter().zip(&designed) {
                assert!(
                    (own - designed).abs() < 0.01 * designed.abs(),
                    "{}: {:?} instead of {designed:.3?}",
                    robot.name,
                    feedback.gain
                );
            }
        }
    }
}
