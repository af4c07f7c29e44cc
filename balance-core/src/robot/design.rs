//! From measured parameters to gains.

use super::config::{BalanceConfig, CascadeConfig, RobotConfig};
use super::parameters::RobotParameters;
use crate::config::{ConfigError, non_negative, positive};
use crate::control::design::{ContinuousModel, DesignError, LqrConfig};
use crate::control::pid::PidConfig;
use crate::control::state_feedback::StateFeedbackConfig;
use crate::math::Float;
use core::fmt;
use nalgebra::{Matrix4, RowVector4, Vector4};

/// Why there are no gains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GainError {
    /// The named parameter is not that of a robot.
    Parameter(ConfigError),
    /// The gains could not be computed.
    Design(DesignError),
}

impl From<ConfigError> for GainError {
    fn from(error: ConfigError) -> Self {
        Self::Parameter(error)
    }
}

impl From<DesignError> for GainError {
    fn from(error: DesignError) -> Self {
        Self::Design(error)
    }
}

impl fmt::Display for GainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameter(error) => error.fmt(f),
            Self::Design(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for GainError {}

/// Weights of position (1/m²), pitch (1/rad²), speed (s²/m²) and pitch rate (s²/rad²) against 1 V²
/// on both motors: a volt for 9 cm, 7°, 0.16 m/s or 90 °/s. They suit robots of 0.2 to 2 kg.
pub const BALANCE_WEIGHTS: [f64; 4] = [120.0, 60.0, 40.0, 0.4];

impl<P: Float> RobotParameters<P> {
    /// Back-EMF and viscous friction, in volts per rad/s of the wheel against the body.
    pub(super) fn drag(&self) -> P {
        let motor = &self.motor;
        motor.back_emf_constant + motor.viscous_friction * motor.resistance / motor.torque_constant
    }

    /// The linear model about standing upright, `ẋ = A x + B u` for x = [position m, pitch rad,
    /// speed m/s, pitch rate rad/s] and the voltage u on both motors. Inductance and dry friction
    /// are left out.
    ///
    /// # Errors
    /// Names the first parameter that is not that of a robot.
    pub fn linearise(&self) -> Result<ContinuousModel<P, 4, 1>, ConfigError> {
        let linear = self.body.build()?.linearise();
        self.motor.check()?;
        let b = linear.b * (P::lit(2.0) * self.motor.torque_constant / self.motor.resistance);
        // Speed of a wheel against the body: v/R − pitch rate.
        let zero = P::zero();
        let wheel = RowVector4::new(zero, zero, P::one() / self.body.wheel_radius, -P::one());
        Ok(ContinuousModel {
            a: linear.a - b * wheel * self.drag(),
            b,
        })
    }
}

/// Bandwidth of the cascade's integral as a share of the position's.
const INTEGRAL_SHARE: f64 = 0.2;

impl<P: Float> RobotConfig<P> {
    /// Gains of the LQR at this robot's period.
    fn lqr(&self, robot: &RobotParameters<P>) -> Result<[P; 4], GainError> {
        let lqr = LqrConfig {
            state_weight: Matrix4::from_diagonal(&Vector4::from(BALANCE_WEIGHTS.map(P::lit))),
            ..Default::default()
        };
        let designed = lqr.design_sampled(&robot.linearise()?, self.period)?;
        Ok(designed.gain.data.0.map(|[gain]| gain))
    }

    /// The same robot with a state feedback whose gains are the LQR of what it is made of, with
    /// [`BALANCE_WEIGHTS`]. For other weights take [`LqrConfig`] and
    /// [`RobotParameters::linearise`].
    ///
    /// ```
    /// use balance_core::robot::{Robot, RobotConfig, RobotParameters};
    /// let mut measured = RobotParameters::<f32>::pico_kit();
    /// measured.body.body_mass = 1.1; // a larger battery
    /// let robot: Robot<f32> = RobotConfig::pico_kit().with_state_feedback(&measured)?.build()?;
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Names the parameter that is not that of a robot, or why its gains could not be computed.
    pub fn with_state_feedback(self, robot: &RobotParameters<P>) -> Result<Self, GainError> {
        let balance = BalanceConfig::StateFeedback(self.feedback_of(self.lqr(robot)?));
        Ok(Self { balance, ..self })
    }

    pub(super) fn feedback_of(&self, gain: [P; 4]) -> StateFeedbackConfig<P, 4> {
        let full = self.drive.max_battery;
        StateFeedbackConfig {
            gain,
            output_min: -full,
            output_max: full,
            ..Default::default()
        }
    }

    /// The balance controller that these gains of a state feedback make, of the same kind as
    /// `like`; `drag` is the motors' back-EMF with their viscous friction, in V·s/rad.
    pub(super) fn balance_of(
        &self,
        like: &BalanceConfig<P>,
        gain: [P; 4],
        drag: P,
    ) -> Result<BalanceConfig<P>, ConfigError> {
        Ok(match like {
            BalanceConfig::StateFeedback(_) => BalanceConfig::StateFeedback(self.feedback_of(gain)),
            BalanceConfig::Cascade(_) => BalanceConfig::Cascade(self.cascade_of(gain, drag)?),
        })
    }

    /// The same robot with a cascade of PIDs in place of the state feedback: the same poles, with
    /// limits and an integral between the loops.
    ///
    /// With the row of gains K = −\[kx, kθ, kv, kω\]:
    ///
    /// ```text
    /// speed wanted = speed reference − kx / (kv − E/R) · position error
    /// lean         = (kv − E/R) / kθ · (speed wanted − speed) + integral
    /// volts        = kθ (pitch − lean) + kω · pitch rate + E/R · speed
    /// ```
    ///
    /// * `E/R · speed` gives back what the motors' back-EMF takes away: without it a limited lean
    ///   asks for a limited speed only, and a robot that is faster falls.
    /// * The lean is limited to half of the tilt at which the robot gives up.
    /// * The integral finds the pitch at which the robot really balances, on a slope too; it is
    ///   0.2 times as fast as the position.
    ///
    /// # Errors
    /// As [`with_state_feedback`](Self::with_state_feedback).
    pub fn with_cascade(self, robot: &RobotParameters<P>) -> Result<Self, GainError> {
        let cascade = self.cascade_of(self.lqr(robot)?, robot.drag())?;
        Ok(Self {
            balance: BalanceConfig::Cascade(cascade),
            ..self
        })
    }

    pub(super) fn cascade_of(
        &self,
        gain: [P; 4],
        drag: P,
    ) -> Result<CascadeConfig<P>, ConfigError> {
        let [position, pitch, speed, rate] = gain.map(|gain| -gain);
        let back_emf = drag / self.chassis.wheel_radius;
        let speed = positive("gain", speed - back_emf)?;
        let position = non_negative("gain", position)? / speed;
        let lean_gain = speed / positive("gain", pitch)?;
        let lean = self.limits.max_tilt * P::lit(0.5);
        let full = self.drive.max_battery;
        Ok(CascadeConfig {
            position_gain: position,
            back_emf,
            speed: PidConfig {
                kp: lean_gain,
                ki: P::lit(INTEGRAL_SHARE) * position * lean_gain,
                output_min: -lean,
                output_max: lean,
                ..Default::default()
            },
            tilt: PidConfig {
                kp: -pitch,
                kd: -rate,
                output_min: -full,
                output_max: full,
                ..Default::default()
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::robot::RobotConfig;

    fn robots() -> [(RobotConfig<f64>, RobotParameters<f64>); 3] {
        [
            (RobotConfig::pico_kit(), RobotParameters::pico_kit()),
            (RobotConfig::balboa_32u4(), RobotParameters::balboa_32u4()),
            (RobotConfig::nxtway_gs(), RobotParameters::nxtway_gs()),
        ]
    }

    /// The linear model in closed loop, in steps of 0.1 ms: [position, pitch, speed, pitch rate]
    /// after so many seconds, without limits.
    fn simulate(
        robot: &RobotParameters<f64>,
        cascade: &CascadeConfig<f64>,
        start: [f64; 4],
        force: f64,
        seconds: f64,
    ) -> [f64; 4] {
        let model = robot.linearise().unwrap();
        let mut x = Vector4::from(start);
        let (mut integral, h) = (0.0, 1e-4);
        for _ in 0..(seconds / h) as usize {
            let [position, pitch, speed, rate] = x.data.0[0];
            let error = -cascade.position_gain * position - speed;
            integral += cascade.speed.ki * error * h;
            let lean = cascade.speed.kp * error + integral;
            let volts = cascade.tilt.kp * (lean - pitch) - cascade.tilt.kd * rate
                + cascade.back_emf * speed;
            x += (model.a * x + model.b * volts + Vector4::new(0.0, 0.0, force, 0.0)) * h;
        }
        x.data.0[0]
    }

    #[test]
    fn gains_of_the_presets_are_the_lqr_solution() {
        for (config, robot) in robots() {
            let gains = |config: &RobotConfig<f64>| match &config.balance {
                BalanceConfig::StateFeedback(feedback) => feedback.gain,
                BalanceConfig::Cascade(_) => panic!("no state feedback"),
            };
            let designed = config.with_state_feedback(&robot).unwrap();
            for (own, designed) in gains(&config).into_iter().zip(gains(&designed)) {
                assert!(
                    (own - designed).abs() < 0.01 * designed.abs(),
                    "{own} {designed}"
                );
            }
        }
    }

    #[test]
    fn cascade_returns_to_where_it_was() {
        for (config, robot) in robots() {
            let BalanceConfig::Cascade(cascade) = config.with_cascade(&robot).unwrap().balance
            else {
                panic!("no cascade");
            };
            let end = simulate(&robot, &cascade, [0.1, 0.1, 0.0, 0.0], 0.0, 30.0);
            assert!(end.iter().all(|x| x.abs() < 1e-4), "{end:?}");
        }
    }

    #[test]
    fn cascade_comes_back_on_a_slope() {
        for (config, robot) in robots() {
            let BalanceConfig::Cascade(cascade) = config.with_cascade(&robot).unwrap().balance
            else {
                panic!("no cascade");
            };
            // Without the integral it would stand where its position error makes it lean.
            let [x, pitch, v, rate] = simulate(&robot, &cascade, [0.0; 4], -0.3, 60.0);
            assert!(
                x.abs() < 1e-3 && v.abs() < 1e-4 && rate.abs() < 1e-4,
                "{x} {v} {rate}"
            );
            assert!(pitch > 0.01, "leans uphill: {pitch}");
        }
    }

    #[test]
    fn gains_bear_thirty_percent() {
        for (config, robot) in robots() {
            let BalanceConfig::Cascade(cascade) = config.with_cascade(&robot).unwrap().balance
            else {
                panic!("no cascade");
            };
            for bits in 0..32_u8 {
                // Every corner.
                let factor = |bit: u8| if bits >> bit & 1 == 1 { 1.3 } else { 0.7 };
                let mut real = robot;
                real.body.body_mass *= factor(0);
                real.body.com_height *= factor(1);
                real.body.pitch_inertia *= factor(2);
                real.motor.resistance *= factor(3);
                real.motor.back_emf_constant *= factor(4);
                let end = simulate(&real, &cascade, [0.0, 0.05, 0.0, 0.0], 0.0, 40.0);
                assert!(end.iter().all(|x| x.abs() < 0.02), "{bits:b} {end:?}");
            }
        }
    }

    #[test]
    fn names_what_is_no_robot() {
        let mut robot = RobotParameters::<f64>::pico_kit();
        robot.motor.resistance = -1.0;
        let refused = RobotConfig::pico_kit().with_cascade(&robot);
        let named = ConfigError::OutOfRange("resistance");
        assert_eq!(refused.unwrap_err(), GainError::Parameter(named));
    }
}
