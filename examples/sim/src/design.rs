//! Where the balance gains come from: discrete LQR of the robot's linear model.

use crate::robots::Robot;
use balance_core::model::WheeledPendulumConfig;
use nalgebra::{Matrix4, RowVector4, SMatrix, Vector4};

/// The linear model with volts on both motors as the input.
pub fn linear_model(
    body: &WheeledPendulumConfig<f64>,
    robot: &Robot,
) -> (Matrix4<f64>, Vector4<f64>) {
    let model = body.build().expect("the robots of the list are possible");
    let linear = model.linearise();
    let motor = &robot.motor;
    let per_volt = 2.0 * motor.torque_constant / motor.resistance;
    let damping = per_volt * motor.back_emf + 2.0 * motor.viscous;
    // Speed of the wheel against the body: v/R − pitch rate.
    let rate = RowVector4::new(0.0, 0.0, 1.0 / body.wheel_radius, -1.0);
    (linear.a - linear.b * rate * damping, linear.b * per_volt)
}

/// Zero-order hold: the exponential of the stacked matrix, by its series (`dt` is short).
pub fn discretise(a: &Matrix4<f64>, b: &Vector4<f64>, dt: f64) -> (Matrix4<f64>, Vector4<f64>) {
    let mut stacked = SMatrix::<f64, 5, 5>::zeros();
    stacked.fixed_view_mut::<4, 4>(0, 0).copy_from(&(a * dt));
    stacked.fixed_view_mut::<4, 1>(0, 4).copy_from(&(b * dt));
    let (mut sum, mut term) = (
        SMatrix::<f64, 5, 5>::identity(),
        SMatrix::<f64, 5, 5>::identity(),
    );
    for n in 1..40 {
        term = term * stacked / f64::from(n);
        sum += term;
    }
    (
        sum.fixed_view::<4, 4>(0, 0).into_owned(),
        sum.fixed_view::<4, 1>(0, 4).into_owned(),
    )
}

/// Gains of the discrete LQR, by iterating the Riccati difference equation to rest.
pub fn lqr(a: &Matrix4<f64>, b: &Vector4<f64>, weights: [f64; 4]) -> RowVector4<f64> {
    let q = Matrix4::from_diagonal(&Vector4::from(weights));
    let mut p = q;
    let mut k = RowVector4::zeros();
    for _ in 0..100_000 {
        let next = (b.transpose() * p * a) / (1.0 + (b.transpose() * p * b)[0]);
        p = q + a.transpose() * p * (a - b * next);
        let change = (next - k).abs().max();
        k = next;
        if change < 1e-12 {
            break;
        }
    }
    k
}

/// The balance gains of a robot at 1 kHz.
pub fn gains(robot: &Robot) -> RowVector4<f64> {
    let (a, b) = linear_model(&robot.body, robot);
    let (a, b) = discretise(&a, &b, 0.001);
    lqr(&a, &b, robot.weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::robots::ROBOTS;
    use balance_core::robot::BalanceConfig;

    #[test]
    fn gains_are_the_lqr_solution() {
        for robot in &ROBOTS {
            eprintln!("GAINS {} {:.3?}", robot.name, gains(robot).as_slice());
        }
        for robot in &ROBOTS {
            let BalanceConfig::StateFeedback(feedback) = robot.config::<f64>().balance else {
                panic!("{} has no state feedback", robot.name);
            };
            let designed = gains(robot);
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
