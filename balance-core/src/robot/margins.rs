//! Margins of the balance loop, cut where the volts are.

use super::config::BalanceConfig;
use crate::control::autotune::{Margins, margins};
use crate::control::design::ContinuousModel;
use crate::math::{Float, Real};
use nalgebra::Complex;

/// What delays the balance loop, in s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoopLags {
    /// Period of the loop.
    pub period: f64,
    /// Time constant of the inertial sensor's own low-pass: 1.7 ms for the 94 Hz of an MPU-6050.
    pub sensor: f64,
    /// Time constant of the wheel-speed estimate.
    pub wheel: f64,
}

/// Margins of a balance controller on the linear model of a robot
/// ([`RobotParameters::linearise`](super::RobotParameters::linearise)) whose wheels have the radius
/// `wheel_radius` (m).
pub fn balance_margins<P: Float>(
    balance: &BalanceConfig<P>,
    model: &ContinuousModel<f64, 4, 1>,
    wheel_radius: f64,
    lags: &LoopLags,
) -> Margins {
    let (a, b) = (&model.a, &model.b);
    let open_loop = |w: f64| {
        let s = Complex::new(0.0, w);
        let one = Complex::new(1.0, 0.0);
        // Speed and pitch rate per volt; position and pitch are their integrals.
        let m11 = s - a[(2, 2)];
        let m12 = -(one * a[(2, 1)] / s + a[(2, 3)]);
        let m21 = one * -a[(3, 2)];
        let m22 = s - a[(3, 3)] - one * a[(3, 1)] / s;
        let determinant = m11 * m22 - m12 * m21;
        let speed = (m22 * b[2] - m12 * b[3]) / determinant;
        let rate = (m11 * b[3] - m21 * b[2]) / determinant;
        let seen_rate = rate / (one + s * lags.sensor);
        let wheel = speed / wheel_radius - rate;
        let seen_speed = (wheel / (one + s * lags.wheel) + seen_rate) * wheel_radius;
        let seen_pitch = seen_rate / s;
        let seen_position = (wheel / s + seen_pitch) * wheel_radius;
        let volts = answer(
            balance,
            s,
            [seen_position, seen_pitch, seen_speed, seen_rate],
        );
        // The command stands for a period.
        let (sin, cos) = Real::sin_cos(w * lags.period * 0.5);
        -volts * Complex::new(cos, -sin)
    };
    margins(open_loop, 0.2, 2.5 / lags.period)
}

/// Volts per unit of what is seen, about standstill.
fn answer<P: Float>(
    balance: &BalanceConfig<P>,
    s: Complex<f64>,
    seen: [Complex<f64>; 4],
) -> Complex<f64> {
    let [position, pitch, speed, rate] = seen;
    match balance {
        BalanceConfig::StateFeedback(feedback) => {
            let [x, p, v, r] = feedback.gain.map(Float::to_f64);
            -(position * x + pitch * p + speed * v + rate * r)
        }
        BalanceConfig::Cascade(cascade) => {
            let error = -position * cascade.position_gain.to_f64() - speed;
            let lean = error
                * (Complex::new(cascade.speed.ki.to_f64(), 0.0) / s + cascade.speed.kp.to_f64());
            (lean - pitch) * cascade.tilt.kp.to_f64() - rate * cascade.tilt.kd.to_f64()
                + speed * cascade.back_emf.to_f64()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::robot::{RobotConfig, RobotParameters};

    #[test]
    fn robots_as_measured_have_margins_and_a_weak_motor_costs_them() {
        let robots = [
            (RobotConfig::pico_kit(), RobotParameters::pico_kit()),
            (RobotConfig::balboa_32u4(), RobotParameters::balboa_32u4()),
            (RobotConfig::nxtway_gs(), RobotParameters::nxtway_gs()),
        ];
        let lags = LoopLags {
            period: 0.001,
            sensor: 0.0017,
            wheel: 0.006,
        };
        for (config, robot) in robots {
            let cascade = config.with_cascade(&robot).unwrap();
            for config in [config, cascade] {
                let of = |robot: &RobotParameters<f64>| {
                    let model = robot.linearise().unwrap();
                    balance_margins(&config.balance, &model, robot.body.wheel_radius, &lags)
                };
                let own = of(&robot);
                assert!(own.are_at_least(5.5, 30.0), "{own:?}");
                let mut weak = robot;
                weak.motor.torque_constant /= 3.0;
                assert!(of(&weak).gain_decibels() < own.gain_decibels());
            }
        }
    }
}
