//! Margins of a robot's balance loop, from its linear model: the loop is cut where the volts are.

use crate::robots::Robot;
use balance_core::control::autotune::{Margins, margins};
use balance_core::robot::{BalanceConfig, RobotConfig, RobotParameters};
use nalgebra::Complex;

/// Corner of the inertial sensor's own low-pass, rad/s.
const SENSOR_CORNER: f64 = 94.0 * std::f64::consts::TAU;

/// Margins of a robot as it is under gains that were made for what it was measured to be.
pub fn of(robot: &Robot, config: &RobotConfig<f64>) -> Option<Margins> {
    let motor = robot.motor.motor;
    let real = RobotParameters {
        body: robot.body,
        motor,
    };
    let model = real.linearise().ok()?;
    let (a, b) = (model.a, model.b);
    let period = config.period;
    let wheel_lag = config.chassis.speed_time_constant;
    let radius = config.chassis.wheel_radius;
    let open_loop = |w: f64| {
        let s = Complex::new(0.0, w);
        let one = Complex::new(1.0, 0.0);
        // Speed and pitch rate per volt: (s − A) of both, position and pitch being their integrals.
        let m11 = s - a[(2, 2)];
        let m12 = -(a[(2, 3)] + one * a[(2, 1)] / s);
        let m21 = one * -a[(3, 2)];
        let m22 = s - a[(3, 3)] - one * a[(3, 1)] / s;
        let determinant = m11 * m22 - m12 * m21;
        let speed = (m22 * b[2] - m12 * b[3]) / determinant;
        let rate = (m11 * b[3] - m21 * b[2]) / determinant;
        // What the sensors make of them.
        let seen_rate = rate / (one + s / SENSOR_CORNER);
        let wheel = speed / robot.body.wheel_radius - rate;
        let seen_wheel = wheel / (one + s * wheel_lag);
        let seen_speed = (seen_wheel + seen_rate) * radius;
        let seen_pitch = seen_rate / s;
        let seen_position = (wheel / s + seen_pitch) * radius;
        let volts = answer(
            &config.balance,
            s,
            [seen_position, seen_pitch, seen_speed, seen_rate],
        );
        // The command stands for a period.
        let hold = Complex::from_polar(1.0, -w * period / 2.0);
        -volts * hold
    };
    Some(margins(open_loop, 0.2, 2500.0))
}

/// Volts per unit of what is seen, about standstill.
fn answer(balance: &BalanceConfig<f64>, s: Complex<f64>, seen: [Complex<f64>; 4]) -> Complex<f64> {
    let [position, pitch, speed, rate] = seen;
    match balance {
        BalanceConfig::StateFeedback(feedback) => {
            let [x, p, v, r] = feedback.gain;
            -(position * x + pitch * p + speed * v + rate * r)
        }
        BalanceConfig::Cascade(cascade) => {
            let error = -position * cascade.position_gain - speed;
            let lean = error * (cascade.speed.kp + cascade.speed.ki / s);
            (lean - pitch) * cascade.tilt.kp - rate * cascade.tilt.kd + speed * cascade.back_emf
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::robots;

    #[test]
    fn robots_as_measured_have_margins_and_more_gain_costs_them() {
        for name in robots::names() {
            let robot = robots::find(name).unwrap();
            let config = robot.config::<f64>();
            let own = of(&robot, &config).unwrap();
            assert!(own.are_at_least(6.0, 30.0), "{name}: {own:?}");
            let mut weak = robot;
            weak.motor.motor.torque_constant /= 3.0;
            assert!(of(&weak, &config).unwrap().gain_decibels() < own.gain_decibels());
        }
    }
}
