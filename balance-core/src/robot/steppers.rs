//! Balancing on stepper motors, in the manner of the B-ROBOT.
//!
//! A geared motor is given a voltage and answers with a torque; a stepper is given a speed and
//! keeps to it. What balances then is the acceleration of the wheels: the same [`Robot`](super::Robot)
//! runs, a volt of it is 10 rad/s² of a wheel, and a full duty is
//! [`full_acceleration`](StepperWheelConfig::full_acceleration), which a
//! [`StepperWheel`](crate::motor::stepper::StepperWheel) takes. The counts of its encoders are the
//! microsteps made.

use super::config::{BalanceConfig, EstimatorConfig, RobotConfig};
use super::design::GainError;
use crate::config::{ConfigError, positive};
use crate::control::design::{ContinuousModel, LqrConfig};
use crate::control::pid::PidConfig;
use crate::estimation::robot_tilt::RobotTiltConfig;
use crate::math::Float;
use crate::model::WheeledPendulumConfig;
use crate::motor::duty_map::DutyMapConfig;
use crate::motor::stepper::StepperWheelConfig;
use nalgebra::RowVector4;

/// Deviations of position (m), pitch (rad), speed (m/s) and pitch rate (rad/s) that are as bad as
/// an acceleration of 30 rad/s² of the wheels.
const LIMITS: ([f64; 4], f64) = ([0.1, 0.12, 0.25, 1.5], 30.0);

/// Acceleration of a wheel that the robot takes for a volt, rad/s²: its gains then are of the size
/// that they have for geared motors, which fixed point holds.
const VOLT: f64 = 10.0;

/// Bandwidth of the yaw rate, rad/s.
const TURN: f64 = 8.0;

/// A robot on two steppers, as scales, ruler and the settings of its drivers know it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepperRobotParameters<P = f32> {
    /// Masses and lengths.
    pub body: WheeledPendulumConfig<P>,
    /// Each of its two wheels.
    pub wheel: StepperWheelConfig<P>,
}

impl<P: Float> StepperRobotParameters<P> {
    /// Two 42 mm motors (1.7 A, 0.4 N·m) at 12 V on 98 mm wheels under a body of 0.75 kg. Masses and lengths are
    /// of a sketch of the size of a B-ROBOT: weigh your own.
    pub fn stepper_kit() -> Self {
        let (mass, wheel_mass, radius) = (0.75, 0.06, 0.049);
        Self {
            body: WheeledPendulumConfig {
                body_mass: P::lit(mass),
                wheel_mass: P::lit(wheel_mass),
                wheel_radius: P::lit(radius),
                track: P::lit(0.19),
                com_height: P::lit(0.075),
                pitch_inertia: P::lit(mass * (0.08 * 0.08 + 0.15 * 0.15) / 12.0),
                yaw_inertia: P::lit(mass * (0.08 * 0.08 + 0.15 * 0.15) / 12.0),
                wheel_inertia: P::lit(0.5 * wheel_mass * radius * radius),
                rotor_inertia: P::lit(5.4e-6),
            },
            wheel: StepperWheelConfig::default(),
        }
    }

    /// The linear model about standing upright, `ẋ = A x + B u` for x = [position m, pitch rad,
    /// speed m/s, pitch rate rad/s] and the acceleration u of both wheels against the body, rad/s².
    ///
    /// The wheels' torque is whatever makes `v̇/R − θ̈ = u`.
    ///
    /// # Errors
    /// Names the first parameter that is not that of a robot.
    pub fn linearise(&self) -> Result<ContinuousModel<P, 4, 1>, ConfigError> {
        let linear = self.body.build()?.linearise();
        let (zero, one) = (P::zero(), P::one());
        let wheel = RowVector4::new(zero, zero, one / self.body.wheel_radius, -one);
        let per_torque = positive("wheel_radius", (wheel * linear.b)[0])?;
        let b = linear.b * (one / per_torque);
        Ok(ContinuousModel {
            a: linear.a - b * (wheel * linear.a),
            b,
        })
    }
}

impl<P: Float> RobotConfig<P> {
    /// The same robot on steppers: state feedback, turn controller and drive in 10 rad/s² of its
    /// wheels, counts in microsteps. The gains are an LQR's.
    ///
    /// Where the battery is measured its voltage only matters for `low_battery_millivolts`.
    ///
    /// ```
    /// use balance_core::motor::stepper::StepperWheel;
    /// use balance_core::robot::{Robot, RobotConfig, StepperRobotParameters};
    /// let mut measured = StepperRobotParameters::<f32>::stepper_kit();
    /// measured.body.body_mass = 0.9;
    /// let config = RobotConfig::stepper_kit().with_steppers(&measured)?;
    /// let robot: Robot<f32> = config.build()?;
    /// let wheels: [StepperWheel; 2] = [measured.wheel.build(config.period)?; 2];
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Names the parameter that is not that of a robot, or why its gains could not be computed.
    pub fn with_steppers(self, robot: &StepperRobotParameters<P>) -> Result<Self, GainError> {
        let stepper = self.on_steppers(robot);
        let gain = stepper.stepper_gain(robot)?;
        let balance = BalanceConfig::StateFeedback(stepper.feedback_of(gain));
        Ok(Self { balance, ..stepper })
    }

    /// The same as a cascade of PIDs; see [`with_cascade`](Self::with_cascade).
    ///
    /// # Errors
    /// As [`with_steppers`](Self::with_steppers).
    pub fn with_stepper_cascade(
        self,
        robot: &StepperRobotParameters<P>,
    ) -> Result<Self, GainError> {
        let stepper = self.on_steppers(robot);
        let gain = stepper.stepper_gain(robot)?;
        // No back-EMF slows a stepper down.
        let balance = BalanceConfig::Cascade(stepper.cascade_of(gain, P::zero())?);
        Ok(Self { balance, ..stepper })
    }

    fn stepper_gain(&self, robot: &StepperRobotParameters<P>) -> Result<[P; 4], GainError> {
        let (state, input) = LIMITS;
        let lqr = LqrConfig::from_limits(state.map(P::lit), [P::lit(input)]);
        let designed = lqr.design_sampled(&robot.linearise()?, self.period)?;
        Ok(designed.gain.data.0.map(|[gain]| gain * P::lit(1.0 / VOLT)))
    }

    /// All but the balance controller.
    fn on_steppers(self, robot: &StepperRobotParameters<P>) -> Self {
        let full = robot.wheel.full_acceleration * P::lit(1.0 / VOLT);
        let mut stepper = self;
        stepper.chassis.wheel_radius = robot.body.wheel_radius;
        stepper.chassis.track = robot.body.track;
        stepper.chassis.counts_per_revolution = robot.wheel.steps_per_revolution;
        // ψ̈ = 2 R u / track.
        let kp = P::lit(0.5 * TURN / VOLT) * robot.body.track / robot.body.wheel_radius;
        stepper.turn = PidConfig {
            kp,
            ki: kp * P::lit(0.25 * TURN),
            output_min: P::lit(-0.3) * full,
            output_max: P::lit(0.3) * full,
            ..Default::default()
        };
        stepper.drive = DutyMapConfig {
            friction_voltage: P::zero(),
            nominal_battery: full,
            min_battery: full,
            max_battery: full,
            max_duty: P::one(),
            ..Default::default()
        };
        stepper
    }

    /// A robot on two 42 mm steppers; see [`StepperRobotParameters::stepper_kit`].
    pub fn stepper_kit() -> Self {
        let mut robot = Self::pico_kit().on_steppers(&StepperRobotParameters::stepper_kit());
        robot.estimator = EstimatorConfig::Wheels(RobotTiltConfig {
            sensor_height: P::lit(0.1),
            ..Default::default()
        });
        let gain = [-29.66, -64.67, -26.98, -8.58].map(P::lit);
        robot.balance = BalanceConfig::StateFeedback(robot.feedback_of(gain));
        robot
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::Vector4;

    fn gains(config: &RobotConfig<f64>) -> [f64; 4] {
        match &config.balance {
            BalanceConfig::StateFeedback(feedback) => feedback.gain,
            BalanceConfig::Cascade(_) => panic!("no state feedback"),
        }
    }

    #[test]
    fn gains_of_the_preset_are_the_lqr_solution() {
        let preset = RobotConfig::<f64>::stepper_kit();
        let designed = preset
            .with_steppers(&StepperRobotParameters::stepper_kit())
            .unwrap();
        for (own, designed) in gains(&preset).into_iter().zip(gains(&designed)) {
            assert!(
                (own - designed).abs() < 0.01 * designed.abs(),
                "{own} {designed}"
            );
        }
    }

    #[test]
    fn an_acceleration_asked_for_is_that_of_the_wheel() {
        let robot = StepperRobotParameters::<f64>::stepper_kit();
        let model = robot.linearise().unwrap();
        // Leaning, driving and pitching, it still turns its wheels as it is told.
        let x = Vector4::new(0.3, 0.1, 0.4, -0.5);
        let rate = model.a * x + model.b * 7.0;
        let wheel = rate[2] / robot.body.wheel_radius - rate[3];
        assert!((wheel - 7.0).abs() < 1e-9, "{wheel}");
        // To speed up forward tips it back.
        assert!(model.b[2] > 0.0 && model.b[3] < 0.0);
    }

    #[test]
    fn a_wheel_twice_as_large_is_steered_by_half() {
        let mut robot = StepperRobotParameters::<f64>::stepper_kit();
        let small = RobotConfig::stepper_kit().with_steppers(&robot).unwrap();
        robot.body.wheel_radius *= 2.0;
        let large = RobotConfig::stepper_kit().with_steppers(&robot).unwrap();
        assert!((small.turn.kp / large.turn.kp - 2.0).abs() < 1e-9);
    }

    #[test]
    fn names_what_is_no_robot() {
        let mut robot = StepperRobotParameters::<f64>::stepper_kit();
        robot.body.com_height = f64::NAN;
        let refused = RobotConfig::stepper_kit().with_stepper_cascade(&robot);
        let named = ConfigError::NonFinite("com_height");
        assert_eq!(refused.unwrap_err(), GainError::Parameter(named));
    }
}
