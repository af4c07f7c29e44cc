//! A joint of a robot arm: a link that turns in a vertical plane between two stops.
//!
//! ```text
//! J q̈ = τ − m l g cos q − b q̇ − c sign(q̇) + stop + load
//! ```
//!
//! q is zero where the link is level and grows upward. A stop answers as a spring with damping,
//! and never pulls.

use crate::config::{ConfigError, non_negative, positive};
use crate::math::Float;
use nalgebra::{Matrix2, Vector2};

const GRAVITY: f64 = crate::sensor::STANDARD_GRAVITY;
/// Speed over which dry friction builds up, rad/s.
const FRICTION_SPEED: f64 = 0.02;

/// Masses, friction and stops of a [`Joint`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JointConfig<P = f32> {
    /// Inertia about the joint of all that turns, kg·m², above zero; the rotor's counts with the
    /// square of the gear ratio.
    pub inertia: P,
    /// Mass times distance of the centre of mass from the joint, kg·m. Zero: it turns about an
    /// upright axis.
    pub first_moment: P,
    /// Friction proportional to speed, N·m·s/rad.
    pub viscous_friction: P,
    /// Dry friction, N·m.
    pub coulomb_torque: P,
    /// Angle of the lower stop, rad, below `stop_high`.
    pub stop_low: P,
    /// Angle of the upper stop, rad.
    pub stop_high: P,
    /// Stiffness of the stops, N·m/rad, above zero.
    pub stop_stiffness: P,
    /// Damping of the stops, N·m·s/rad.
    pub stop_damping: P,
}

impl<P: Float> Default for JointConfig<P> {
    /// The shoulder of a table-top arm: a link of 0.4 m and 0.8 kg with a hand of 0.4 kg.
    fn default() -> Self {
        Self {
            inertia: P::lit(0.127),
            first_moment: P::lit(0.32),
            viscous_friction: P::lit(0.15),
            coulomb_torque: P::lit(0.2),
            stop_low: P::lit(-1.4),
            stop_high: P::lit(1.4),
            stop_stiffness: P::lit(2000.0),
            stop_damping: P::lit(8.0),
        }
    }
}

impl<P: Float> JointConfig<P> {
    /// Checks the parameters and prepares the model.
    ///
    /// # Errors
    /// Names the field that is out of its range.
    pub fn build(&self) -> Result<Joint<P>, ConfigError> {
        positive("inertia", self.inertia)?;
        non_negative("first_moment", self.first_moment)?;
        non_negative("viscous_friction", self.viscous_friction)?;
        non_negative("coulomb_torque", self.coulomb_torque)?;
        positive("stop_stiffness", self.stop_stiffness)?;
        non_negative("stop_damping", self.stop_damping)?;
        positive("stop_high", self.stop_high - self.stop_low)
            .map_err(|_| ConfigError::Order("stop_low", "stop_high"))?;
        Ok(Joint { config: *self })
    }
}

/// Position and motion of a [`Joint`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JointState<T> {
    /// Angle above level, rad.
    pub angle: T,
    /// Speed, rad/s.
    pub speed: T,
}

/// The linear model about an angle: ẋ = A x + B τ with x = [angle rad, speed rad/s].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JointLinearisation<P> {
    /// State matrix. Without dry friction and stops.
    pub a: Matrix2<P>,
    /// Input vector for the torque, N·m.
    pub b: Vector2<P>,
    /// Torque that holds it there, N·m.
    pub torque: P,
}

/// A joint of a robot arm.
///
/// ```
/// use balance_core::model::{JointConfig, JointState};
/// let joint = JointConfig::<f64>::default().build()?;
/// let level = JointState::default();
/// // 0.32 kg·m at 9.80665 m/s²:
/// assert!((joint.gravity_torque(0.0) - 3.138).abs() < 1e-3);
/// assert_eq!(joint.acceleration(&level, joint.gravity_torque(0.0), 0.0), 0.0);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Joint<T> {
    config: JointConfig<T>,
}

impl<T: Float> Joint<T> {
    /// The parameters that the model was built from.
    pub fn config(&self) -> &JointConfig<T> {
        &self.config
    }

    /// Torque that holds the link against gravity at an angle, N·m: the feed-forward of its
    /// controller.
    pub fn gravity_torque(&self, angle: T) -> T {
        self.config.first_moment * T::lit(GRAVITY) * angle.cos()
    }

    /// Torque of the stops, N·m.
    pub fn stop_torque(&self, state: &JointState<T>) -> T {
        let c = &self.config;
        let (low, high) = (c.stop_low - state.angle, state.angle - c.stop_high);
        let damping = c.stop_damping * state.speed;
        if low > T::zero() {
            (c.stop_stiffness * low - damping).limit(T::zero(), T::MAX)
        } else if high > T::zero() {
            -((c.stop_stiffness * high + damping).limit(T::zero(), T::MAX))
        } else {
            T::zero()
        }
    }

    /// Acceleration, rad/s², under the motor's torque and one from outside, N·m.
    pub fn acceleration(&self, state: &JointState<T>, torque: T, load: T) -> T {
        let c = &self.config;
        let dry = (state.speed / T::lit(FRICTION_SPEED)).limit(-T::one(), T::one());
        let sum = torque + load + self.stop_torque(state)
            - self.gravity_torque(state.angle)
            - c.viscous_friction * state.speed
            - c.coulomb_torque * dry;
        sum / c.inertia
    }

    /// Advances by `dt` seconds: speed first, then angle (semi-implicit Euler). At 0.1 ms the stops
    /// of the default joint are exact to a few percent. Unusable torques change nothing.
    pub fn step(&self, state: &mut JointState<T>, torque: T, load: T, dt: T) -> T {
        if !(torque + load + dt).is_usable() {
            return T::zero();
        }
        let acceleration = self.acceleration(state, torque, load);
        state.speed += acceleration * dt;
        state.angle += state.speed * dt;
        acceleration
    }

    /// The linear model about standing at an angle.
    #[must_use]
    pub fn linearise(&self, angle: T) -> JointLinearisation<T> {
        let c = &self.config;
        let (zero, one) = (T::zero(), T::one());
        let fall = c.first_moment * T::lit(GRAVITY) * angle.sin() / c.inertia;
        JointLinearisation {
            a: Matrix2::new(zero, one, fall, -c.viscous_friction / c.inertia),
            b: Vector2::new(zero, one / c.inertia),
            torque: self.gravity_torque(angle),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swings_as_a_pendulum_does() {
        fn check<T: Float>(tolerance: f64) {
            let config = JointConfig::<T> {
                viscous_friction: T::zero(),
                coulomb_torque: T::zero(),
                stop_low: T::lit(-3.0),
                ..JointConfig::default()
            };
            let joint = config.build().unwrap();
            // Hangs at −π/2; small swings about it.
            let mut state = JointState {
                angle: T::lit(-core::f64::consts::FRAC_PI_2 + 0.05),
                speed: T::zero(),
            };
            let dt = T::lit(1e-4);
            let mut quarter = 0;
            while state.angle > T::lit(-core::f64::consts::FRAC_PI_2) {
                joint.step(&mut state, T::zero(), T::zero(), dt);
                quarter += 1;
            }
            let period = 4e-4 * f64::from(quarter);
            let exact = core::f64::consts::TAU * (0.127_f64 / (0.32 * GRAVITY)).sqrt();
            assert!((period / exact - 1.0).abs() < tolerance, "{period} {exact}");
        }
        check::<f32>(3e-3);
        check::<f64>(2e-3);
    }

    #[test]
    fn stops_hold_and_never_pull() {
        let joint = JointConfig::<f64>::default().build().unwrap();
        let mut state = JointState::default();
        for _ in 0..40_000 {
            joint.step(&mut state, 12.0, 0.0, 1e-4);
            assert!(joint.stop_torque(&state) <= 0.0 && state.angle < 1.5);
        }
        // 12 N·m less gravity on a spring of 2000 N·m/rad.
        let pressed = (12.0 - joint.gravity_torque(1.4)) / 2000.0;
        assert!((state.angle - 1.4 - pressed).abs() < 1e-3, "{state:?}");
        state.speed = -5.0;
        state.angle = 1.41;
        assert_eq!(
            joint.stop_torque(&state).min(0.0),
            joint.stop_torque(&state)
        );
    }

    #[test]
    fn linear_model_is_the_slope() {
        let config = JointConfig::<f64> {
            coulomb_torque: 0.0,
            ..JointConfig::default()
        };
        let joint = config.build().unwrap();
        let at = 0.7;
        let linear = joint.linearise(at);
        let of = |angle: f64, speed: f64, torque: f64| {
            joint.acceleration(&JointState { angle, speed }, linear.torque + torque, 0.0)
        };
        let h = 1e-5;
        assert!(of(at, 0.0, 0.0).abs() < 1e-9);
        assert!(
            ((of(at + h, 0.0, 0.0) - of(at - h, 0.0, 0.0)) / (2.0 * h) - linear.a[(1, 0)]).abs()
                < 1e-4
        );
        assert!(((of(at, h, 0.0) - of(at, -h, 0.0)) / (2.0 * h) - linear.a[(1, 1)]).abs() < 1e-6);
        assert!((of(at, 0.0, 1.0) - linear.b[1]).abs() < 1e-6);
    }
}
