//! Margins of the balance loop, cut where the volts are.

use super::config::BalanceConfig;
use crate::control::autotune::{Margins, margins};
use crate::control::design::{ContinuousModel, spectral_radius};
use crate::math::{Float, Real};
use nalgebra::{Complex, Matrix6, SMatrix, SVector, Vector6};

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
/// `wheel_radius` (m); `None` if the loop is not stable ([`balance_decay`]), or too fast for its
/// period: no distance to the edge makes up for being on the wrong side of it.
pub fn balance_margins<P: Float>(
    balance: &BalanceConfig<P>,
    model: &ContinuousModel<f64, 4, 1>,
    wheel_radius: f64,
    lags: &LoopLags,
) -> Option<Margins> {
    let decay = balance_decay(balance, model, wheel_radius, lags);
    (decay > 0.0).then(|| distances(balance, model, wheel_radius, lags))
}

fn distances<P: Float>(
    balance: &BalanceConfig<P>,
    model: &ContinuousModel<f64, 4, 1>,
    wheel_radius: f64,
    lags: &LoopLags,
) -> Margins {
    let open_loop = |w: f64| {
        let seen = seen_per_volt(model, wheel_radius, lags, w);
        -answer(balance, w, seen)
    };
    margins(open_loop, 0.2, 2.5 / lags.period)
}

/// Position, pitch, speed and pitch rate as the controller sees them, per volt of its command, at
/// `w` rad/s.
pub(super) fn seen_per_volt(
    model: &ContinuousModel<f64, 4, 1>,
    wheel_radius: f64,
    lags: &LoopLags,
    w: f64,
) -> [Complex<f64>; 4] {
    let (a, b) = (&model.a, &model.b);
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
    // The command stands for a period.
    let (sin, cos) = Real::sin_cos(w * lags.period * 0.5);
    let held = Complex::new(cos, -sin);
    let seen_rate = held * rate / (one + s * lags.sensor);
    let wheel = held * (speed / wheel_radius - rate);
    let seen_speed = (wheel / (one + s * lags.wheel) + seen_rate) * wheel_radius;
    let seen_pitch = seen_rate / s;
    let seen_position = (wheel / s + seen_pitch) * wheel_radius;
    [seen_position, seen_pitch, seen_speed, seen_rate]
}

/// Volts per unit of what is seen, about standstill.
pub(super) fn answer<P: Float>(
    balance: &BalanceConfig<P>,
    w: f64,
    seen: [Complex<f64>; 4],
) -> Complex<f64> {
    let [position, pitch, speed, rate] = seen;
    let s = Complex::new(0.0, w);
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

/// Rate at which the slowest motion of the balance loop fades, in 1/s: 2 is to a seventh in a
/// second. Zero or below: it does not, the loop is unstable.
///
/// From the spectral radius of the sampled loop: the linear model, the lags of the sensor and the
/// wheel speed, and the cascade's integral, with a voltage that stands for a period. A lag below a
/// fiftieth of a period counts as that much.
pub fn balance_decay<P: Float>(
    balance: &BalanceConfig<P>,
    model: &ContinuousModel<f64, 4, 1>,
    wheel_radius: f64,
    lags: &LoopLags,
) -> f64 {
    // Position, pitch, speed, pitch rate; pitch as the sensor sees it; speed of the wheels against
    // the body as it is estimated.
    let mut wide = ContinuousModel {
        a: Matrix6::zeros(),
        b: Vector6::zeros(),
    };
    for i in 0..4 {
        for j in 0..4 {
            wide.a[(i, j)] = model.a[(i, j)];
        }
        wide.b[i] = model.b[i];
    }
    let least = 0.02 * lags.period;
    let sensor = 1.0 / lags.sensor.max(least);
    let wheel = 1.0 / lags.wheel.max(least);
    (wide.a[(4, 1)], wide.a[(4, 4)]) = (sensor, -sensor);
    wide.a[(5, 2)] = wheel / wheel_radius;
    wide.a[(5, 3)] = -wheel;
    wide.a[(5, 5)] = -wheel;
    let Ok(sampled) = wide.discretise(lags.period) else {
        return f64::NEG_INFINITY;
    };
    let row = |position: f64, pitch: f64, seen_pitch: f64, wheel: f64| {
        SVector::<f64, 6>::new(position, pitch, 0.0, 0.0, seen_pitch, wheel)
    };
    // The encoders see the wheel against the body, and the sensor's pitch is added.
    let position = row(1.0, -wheel_radius, wheel_radius, 0.0);
    let pitch = row(0.0, 0.0, 1.0, 0.0);
    let rate = row(0.0, sensor, -sensor, 0.0);
    let speed = row(0.0, 0.0, 0.0, wheel_radius) + rate * wheel_radius;
    // Volts per state, and per sum of the cascade, which grows by `error` per state.
    let (volts, by_sum, error) = match balance {
        BalanceConfig::StateFeedback(feedback) => {
            let [x, p, v, r] = feedback.gain.map(Float::to_f64);
            let volts = -(position * x + pitch * p + speed * v + rate * r);
            (volts, 0.0, SVector::zeros())
        }
        BalanceConfig::Cascade(cascade) => {
            let error = -position * cascade.position_gain.to_f64() - speed;
            let kp = cascade.tilt.kp.to_f64();
            let volts = (error * cascade.speed.kp.to_f64() - pitch) * kp
                - rate * cascade.tilt.kd.to_f64()
                + speed * cascade.back_emf.to_f64();
            let sum = lags.period * cascade.speed.ki.to_f64();
            (volts, kp, error * sum)
        }
    };
    let mut closed = SMatrix::<f64, 7, 7>::zeros();
    for i in 0..6 {
        for j in 0..6 {
            closed[(i, j)] = sampled.a[(i, j)] + sampled.b[i] * volts[j];
        }
        closed[(i, 6)] = sampled.b[i] * by_sum;
        closed[(6, i)] = error[i];
    }
    // Without an integral this sum is none, and fades at once.
    closed[(6, 6)] = if by_sum == 0.0 { 0.0 } else { 1.0 };
    -Float::ln(spectral_radius(&closed)) / lags.period
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::robot::{RobotConfig, RobotParameters};

    const LAGS: LoopLags = LoopLags {
        period: 0.001,
        sensor: 0.0017,
        wheel: 0.006,
    };

    fn robots() -> [(RobotConfig<f64>, RobotParameters<f64>); 3] {
        [
            (RobotConfig::pico_kit(), RobotParameters::pico_kit()),
            (RobotConfig::balboa_32u4(), RobotParameters::balboa_32u4()),
            (RobotConfig::nxtway_gs(), RobotParameters::nxtway_gs()),
        ]
    }

    /// The same gains, all of them so many times as large.
    fn scaled(balance: &BalanceConfig<f64>, factor: f64) -> BalanceConfig<f64> {
        let mut balance = *balance;
        match &mut balance {
            BalanceConfig::StateFeedback(feedback) => {
                feedback.gain = feedback.gain.map(|gain| gain * factor);
            }
            BalanceConfig::Cascade(cascade) => {
                cascade.tilt.kp *= factor;
                cascade.tilt.kd *= factor;
                cascade.back_emf *= factor;
            }
        }
        balance
    }

    #[test]
    fn robots_as_measured_have_margins_and_a_weak_motor_costs_them() {
        for (config, robot) in robots() {
            let cascade = config.with_cascade(&robot).unwrap();
            for config in [config, cascade] {
                let of = |robot: &RobotParameters<f64>| {
                    let model = robot.linearise().unwrap();
                    balance_margins(&config.balance, &model, robot.body.wheel_radius, &LAGS)
                        .unwrap()
                };
                let own = of(&robot);
                assert!(own.are_at_least(5.5, 30.0), "{own:?}");
                let mut weak = robot;
                weak.motor.torque_constant /= 1.5;
                assert!(of(&weak).gain_decibels() < own.gain_decibels());
            }
        }
    }

    #[test]
    fn the_edge_of_stability_is_where_the_gain_margins_say() {
        for (config, robot) in robots() {
            let cascade = config.with_cascade(&robot).unwrap();
            for balance in [config.balance, cascade.balance] {
                let model = robot.linearise().unwrap();
                let radius = robot.body.wheel_radius;
                let decay =
                    |factor: f64| balance_decay(&scaled(&balance, factor), &model, radius, &LAGS);
                let found = balance_margins(&balance, &model, radius, &LAGS).unwrap();
                assert!(decay(1.0) > 0.1, "{}", decay(1.0));
                assert!(decay(0.97 * found.gain_rise) > 0.0, "{found:?}");
                // Half a period of delay is not quite what a voltage that stands for one does.
                assert!(decay(1.15 * found.gain_rise) < 0.0, "{found:?}");
                assert!(decay(1.03 * found.gain_fall) > 0.0, "{found:?}");
                assert!(decay(0.97 * found.gain_fall) < 0.0, "{found:?}");
            }
        }
    }

    #[test]
    fn a_loop_that_falls_has_no_margins() {
        for (config, robot) in robots() {
            let model = robot.linearise().unwrap();
            for factor in [-1.0, 0.0, 0.2, 100.0, f64::NAN] {
                let wrong = scaled(&config.balance, factor);
                let found = balance_margins(&wrong, &model, robot.body.wheel_radius, &LAGS);
                assert!(found.is_none(), "{factor} {found:?}");
            }
        }
    }
}
