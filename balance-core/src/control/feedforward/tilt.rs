//! The pitch, torque and voltage that a robot on two wheels takes for an acceleration.

use crate::config::{ConfigError, positive, within};
use crate::control::pid::gain;
use crate::math::{Float, Real, Scalar};
use crate::model::WheeledPendulumConfig;
use crate::motor::dc_motor::DcMotorConfig;
use crate::sensor::STANDARD_GRAVITY;
use crate::step::Step;

/// Settings of a [`TiltFeedforward`]: what the robot is made of. There is no default.
///
/// With the model of [`model::WheeledPendulum`](crate::model::WheeledPendulum) on level ground, a
/// robot that accelerates with a at a constant pitch θ obeys
///
/// ```text
/// τ = R F a                         F = M + 2m + 2(Jw+Jr)/R²
/// g sin θ − a cos θ = κ a           κ = (R F − 2Jr/R) / (M L)
/// θ = atan2(a, g) + atan2(κ a, √(g² + (1 − κ²) a²))
/// u = R/(2 kt) · τ + (ke + b R/kt) · v/R
/// ```
///
/// (τ of both motors together, u on both). While the acceleration changes, the body has to be turned
/// as well; that is left to the controller, and the less there is of it the smaller the jerk of the
/// profile is. Dry friction is left to what compensates it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TiltFeedforwardConfig<P = f32> {
    /// Masses and lengths.
    pub body: WheeledPendulumConfig<P>,
    /// Each of the two motors, seen at the wheel.
    pub motor: DcMotorConfig<P>,
    /// Accelerations are limited to those of this pitch, in rad, 0.01 to 1.2. Too small: slow; too
    /// large: no reserve to catch itself.
    pub max_pitch: P,
}

impl<P: Float> TiltFeedforwardConfig<P> {
    /// Prepares the feed-forward. It has no dynamics, hence no period.
    ///
    /// # Errors
    /// Names the parameter that is not that of a robot or whose coefficient the type cannot hold.
    pub fn build<T: Real<Param = P>>(&self) -> Result<TiltFeedforward<T>, ConfigError> {
        Ok(TiltFeedforward {
            law: Law::new(self)?,
            output: TiltFeedforwardOutput::default(),
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Law<T: Scalar> {
    gravity: T,
    gravity_squared: T,
    /// κ and 1 − κ².
    lean: T::Gain,
    root: T::Gain,
    torque: T::Gain,
    /// Voltage by acceleration and speed.
    voltage: [T::Gain; 2],
    most: T,
}

impl<T: Real> Law<T> {
    fn new(config: &TiltFeedforwardConfig<T::Param>) -> Result<Self, ConfigError> {
        let one: T::Param = num_traits::One::one();
        let body = config.body.build()?;
        let motor = &config.motor;
        motor.check()?;
        let pitch = config.max_pitch;
        within("max_pitch", pitch, T::Param::lit(0.01), T::Param::lit(1.2))?;
        let radius = config.body.wheel_radius;
        let torque = radius * body.forward_inertia();
        let lean = (torque - body.rotor_coupling()) / body.first_moment();
        let torque_gain = motor.resistance / motor.torque_constant;
        let drag = motor.back_emf_constant + motor.viscous_friction * torque_gain;
        let gravity = T::Param::lit(STANDARD_GRAVITY);
        let (sin, cos) = pitch.sin_cos();
        let half = T::Param::lit(0.5);
        let most = gravity * sin / (lean + cos);
        // A rotor that outweighs the rest would have it lean back to drive on.
        positive("rotor_inertia", most)?;
        Ok(Self {
            gravity: T::from_param(gravity),
            gravity_squared: T::from_param(gravity * gravity),
            lean: T::gain(gain::<T>("com_height", lean)?),
            root: T::gain(gain::<T>("com_height", one - lean * lean)?),
            torque: T::gain(gain::<T>("body_mass", torque)?),
            voltage: [
                T::gain(gain::<T>("resistance", half * torque_gain * torque)?),
                T::gain(gain::<T>("back_emf_constant", drag / radius)?),
            ],
            most: T::from_param(most),
        })
    }
}

/// What an acceleration takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TiltFeedforwardOutput<T> {
    /// The acceleration, limited, in m/s².
    pub acceleration: T,
    /// Pitch, nose down positive, in rad.
    pub pitch: T,
    /// Torque of both motors together, in N·m.
    pub torque: T,
    /// Voltage on both motors, in V.
    pub voltage: T,
    /// Whether a value was unusable and the last good output stands.
    pub held: bool,
}

/// Acceleration to pitch, torque and voltage; see [`TiltFeedforwardConfig`]. A square root, two
/// arctangents, six products.
///
/// ```
/// use balance_core::control::feedforward::{TiltFeedforward, TiltFeedforwardConfig};
/// use balance_core::robot::RobotParameters;
/// let robot = RobotParameters::<f32>::pico_kit();
/// let mut feedforward: TiltFeedforward<f32> = TiltFeedforwardConfig {
///     body: robot.body,
///     motor: robot.motor,
///     max_pitch: 0.3,
/// }
/// .build()?;
/// let wanted = feedforward.step(1.0, 0.0);
/// assert!((wanted.pitch - 0.164).abs() < 1e-3, "{wanted:?}"); // 9.4° for 1 m/s²
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TiltFeedforward<T: Scalar> {
    law: Law<T>,
    output: TiltFeedforwardOutput<T>,
}

impl<T: Real> TiltFeedforward<T> {
    /// What an acceleration (m/s², limited) takes at a speed (m/s).
    #[inline]
    pub fn step(&mut self, acceleration: T, speed: T) -> TiltFeedforwardOutput<T> {
        if !(acceleration.is_usable() & speed.is_usable()) {
            return TiltFeedforwardOutput {
                held: true,
                ..self.output
            };
        }
        let law = &self.law;
        let a = acceleration.limit(-law.most, law.most);
        let root = (law.gravity_squared + (a * a).scale(law.root)).sqrt();
        let voltage = T::dot(&law.voltage, &[a, speed]);
        if !voltage.is_usable() {
            return TiltFeedforwardOutput {
                held: true,
                ..self.output
            };
        }
        self.output = TiltFeedforwardOutput {
            acceleration: a,
            pitch: a.atan2(law.gravity) + a.scale(law.lean).atan2(root),
            torque: a.scale(law.torque),
            voltage,
            held: false,
        };
        self.output
    }

    /// The largest acceleration, in m/s².
    pub fn max_acceleration(&self) -> T {
        self.law.most
    }

    /// Takes another robot.
    ///
    /// # Errors
    /// As [`TiltFeedforwardConfig::build`]; nothing changes then.
    pub fn retune(&mut self, config: &TiltFeedforwardConfig<T::Param>) -> Result<(), ConfigError> {
        self.law = Law::new(config)?;
        Ok(())
    }
    /// The last output.
    pub fn state(&self) -> TiltFeedforwardOutput<T> {
        self.output
    }
    /// Puts a last output back; an unusable one becomes that of standing.
    pub fn restore(&mut self, output: TiltFeedforwardOutput<T>) {
        let parts = [
            output.acceleration,
            output.pitch,
            output.torque,
            output.voltage,
        ];
        self.output = if parts.iter().all(|x| x.is_usable()) {
            output
        } else {
            TiltFeedforwardOutput::default()
        };
    }
    /// Back to that of standing.
    pub fn reset(&mut self) {
        self.output = TiltFeedforwardOutput::default();
    }
}

impl<T: Real> Step for TiltFeedforward<T> {
    /// Acceleration in m/s², speed in m/s.
    type Input = (T, T);
    type Output = TiltFeedforwardOutput<T>;
    type State = TiltFeedforwardOutput<T>;
    #[inline]
    fn step(&mut self, (acceleration, speed): (T, T)) -> TiltFeedforwardOutput<T> {
        TiltFeedforward::step(self, acceleration, speed)
    }
    fn state(&self) -> Self::State {
        self.output
    }
    fn restore(&mut self, state: Self::State) {
        TiltFeedforward::restore(self, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::profile::Goal;
    use crate::control::profile::s_curve::{SCurve, SCurveConfig};
    use crate::math::Q12;
    use crate::model::{Load, PendulumState};
    use crate::robot::RobotParameters;

    fn config<P: Float>(robot: &RobotParameters<P>) -> TiltFeedforwardConfig<P> {
        TiltFeedforwardConfig {
            body: robot.body,
            motor: robot.motor,
            max_pitch: P::lit(0.5),
        }
    }

    #[test]
    fn the_model_accelerates_as_asked_at_that_pitch_and_torque() {
        fn check<T: Real>(
            robot: &RobotParameters<T::Param>,
            exact: &RobotParameters<f64>,
            slack: f64,
        ) {
            let mut feedforward: TiltFeedforward<T> = config(robot).build().unwrap();
            let model = exact.body.build().unwrap();
            let number = |x: T| x.to_param().to_f64();
            let most = number(feedforward.max_acceleration());
            for share in [-1.5, -0.7, -0.1, 0.0, 0.3, 0.9, 1.5] {
                let wanted = feedforward.step(T::lit(share * most), T::zero());
                let state = PendulumState {
                    pitch: number(wanted.pitch),
                    ..Default::default()
                };
                let half = number(wanted.torque) / 2.0;
                let found = model.accelerations(&state, [half; 2], &Load::default());
                let a = share.clamp(-1.0, 1.0) * most;
                assert!((found.forward - a).abs() < slack, "{share} {found:?} {a}");
                // A radian per second per second is a hundredth of what a degree does.
                assert!(found.pitch.abs() < 20.0 * slack, "{share} {found:?}");
                assert!(state.pitch.abs() < 0.5 + slack);
                let per_motor = exact.motor.electrical_torque(number(wanted.voltage), 0.0);
                if number(wanted.voltage).abs() < exact.motor.supply_voltage {
                    assert!(
                        (per_motor - half).abs() < slack,
                        "{share} {per_motor} {half}"
                    );
                }
            }
        }
        for index in 0..3 {
            let exact = [
                RobotParameters::<f64>::pico_kit(),
                RobotParameters::balboa_32u4(),
                RobotParameters::nxtway_gs(),
            ][index];
            let single = [
                RobotParameters::<f32>::pico_kit(),
                RobotParameters::balboa_32u4(),
                RobotParameters::nxtway_gs(),
            ][index];
            check::<f64>(&exact, &exact, 1e-9);
            check::<f32>(&single, &exact, 1e-3);
            check::<Q12>(&single, &exact, 2e-3);
        }
    }

    /// Largest distance from a drive of 2 m, in m, of a robot under state feedback.
    fn worst(with_feedforward: bool) -> f64 {
        let robot = RobotParameters::<f64>::pico_kit();
        let model = robot.body.build().unwrap();
        let mut feedforward: TiltFeedforward<f64> = config(&robot).build().unwrap();
        let mut profile: SCurve<f64> = SCurveConfig {
            speed: 1.0,
            acceleration: 0.8,
            jerk: 3.0,
        }
        .build(0.001)
        .unwrap();
        let mut state = PendulumState::default();
        let mut worst = 0.0_f64;
        for _ in 0..5000 {
            let wanted = profile.step(Goal::rest(2.0));
            let mut ahead = feedforward.step(wanted.acceleration, wanted.speed);
            if !with_feedforward {
                ahead = TiltFeedforwardOutput::default();
            }
            // The gains of the preset.
            let volts = ahead.voltage
                + 10.8 * (state.position - wanted.position)
                + 25.592 * (state.pitch - ahead.pitch)
                + 22.19 * (state.speed - wanted.speed)
                + 2.724 * state.pitch_rate;
            let wheel = state.speed / robot.body.wheel_radius - state.pitch_rate;
            let torque =
                robot.motor.electrical_torque(volts, wheel) - robot.motor.viscous_friction * wheel;
            model.step(&mut state, [torque; 2], &Load::default(), 0.001);
            worst = worst.max((state.position - wanted.position).abs());
        }
        worst
    }

    #[test]
    fn a_robot_under_feedback_follows_closer() {
        let (with, without) = (worst(true), worst(false));
        assert!(with < 0.25 * without, "{with} {without}");
    }

    #[test]
    fn is_limited_and_holds() {
        let robot = RobotParameters::<f32>::pico_kit();
        let mut feedforward: TiltFeedforward<f32> = config(&robot).build().unwrap();
        let most = feedforward.step(1e9, 0.0);
        assert!((most.pitch - 0.5).abs() < 1e-5, "{most:?}");
        let held = feedforward.step(f32::NAN, 0.0);
        assert!(held.held && held.voltage == most.voltage);
        assert!(feedforward.step(1.0, 9e18).voltage.is_finite());
        let mut wrong = config(&robot);
        wrong.max_pitch = 2.0;
        assert_eq!(
            feedforward.retune(&wrong),
            Err(ConfigError::OutOfRange("max_pitch"))
        );
    }
}
