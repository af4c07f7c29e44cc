//! The two-wheeled inverted pendulum: a body on two driven wheels.
//!
//! | letter | meaning | letter | meaning |
//! |---|---|---|---|
//! | `v` | speed of the axle's middle, forward | `M`, `m` | mass of the body, of one wheel |
//! | `θ` | pitch, nose down positive, against the vertical | `L` | centre of mass above the axle |
//! | `ψ` | yaw, to the left positive | `R`, `W` | wheel radius, distance of the wheels |
//! | `α` | slope, uphill positive | `Jw`, `Jr` | inertia of a wheel, of a rotor at the wheel |
//! | `τl, τr` | torque of the motors on the wheels | `Ip`, `Iy` | body about its centre: pitch, yaw |
//!
//! With rolling wheels and `β = θ + α` (quasi-coordinates `v, θ̇, ψ̇`; the terms in `ψ̇` hold on
//! level ground and are kept on a slope):
//!
//! ```text
//! (M + 2m + 2(Jw+Jr)/R²) v̇ + (M L cos β − 2Jr/R) θ̈ =
//!       (τl + τr)/R + M L sin β θ̇² + M L sin θ ψ̇² − (M + 2m) g sin α + F
//! (M L cos β − 2Jr/R) v̇ + (Ip + M L² + 2Jr) θ̈ =
//!       −(τl + τr) + M g L sin θ + M L² sin θ cos θ ψ̇² + F h cos θ
//! (Iy + M L² sin²θ + (m + (Jw+Jr)/R²) W²/2) ψ̈ =
//!       (τr − τl) W/(2R) − 2 M L² sin θ cos θ θ̇ ψ̇ − M L sin θ v ψ̇
//! ```
//!
//! Source: K. Pathak, J. Franch, S. K. Agrawal, "Velocity and position control of a wheeled
//! inverted pendulum by partial feedback linearization", IEEE Trans. Robotics 21(3), 2005; rotors
//! and slope added.

use crate::config::{ConfigError, non_negative, positive};
use crate::math::Float;
use nalgebra::{Matrix4, Vector4};

/// Standard gravity, m/s².
const GRAVITY: f64 = crate::sensor::STANDARD_GRAVITY;

/// Masses and lengths of the robot, in SI units. There is no default: a robot is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WheeledPendulumConfig<P = f32> {
    /// Mass of everything that tilts, in kg.
    pub body_mass: P,
    /// Mass of one wheel, in kg.
    pub wheel_mass: P,
    /// Wheel radius, in m.
    pub wheel_radius: P,
    /// Distance between the wheels' planes, in m.
    pub track: P,
    /// Height of the body's centre of mass above the axle, in m.
    pub com_height: P,
    /// Inertia of the body about its centre of mass, about the axle's direction, in kg·m².
    pub pitch_inertia: P,
    /// Inertia of the body about the vertical through its centre of mass, in kg·m².
    pub yaw_inertia: P,
    /// Inertia of one wheel about the axle, in kg·m².
    pub wheel_inertia: P,
    /// Inertia of one rotor, seen at the wheel (rotor inertia times gear ratio squared), in kg·m².
    pub rotor_inertia: P,
}

impl<P: Float> WheeledPendulumConfig<P> {
    /// Checks the parameters and prepares the model.
    ///
    /// # Errors
    /// Names the first parameter that is not a positive, finite number (inertias may be zero).
    pub fn build(&self) -> Result<WheeledPendulum<P>, ConfigError> {
        positive("body_mass", self.body_mass)?;
        non_negative("wheel_mass", self.wheel_mass)?;
        positive("wheel_radius", self.wheel_radius)?;
        positive("track", self.track)?;
        positive("com_height", self.com_height)?;
        non_negative("pitch_inertia", self.pitch_inertia)?;
        non_negative("yaw_inertia", self.yaw_inertia)?;
        non_negative("wheel_inertia", self.wheel_inertia)?;
        non_negative("rotor_inertia", self.rotor_inertia)?;
        let two = P::lit(2.0);
        let radius = self.wheel_radius;
        let rolling =
            self.wheel_mass + (self.wheel_inertia + self.rotor_inertia) / (radius * radius);
        let model = WheeledPendulum {
            config: *self,
            first_moment: self.body_mass * self.com_height,
            forward_inertia: self.body_mass + two * rolling,
            rotor_coupling: two * self.rotor_inertia / radius,
            tilt_inertia: self.pitch_inertia
                + self.body_mass * self.com_height * self.com_height
                + two * self.rotor_inertia,
            turn_inertia: self.yaw_inertia + rolling * self.track * self.track / two,
            weight: (self.body_mass + two * self.wheel_mass) * P::lit(GRAVITY),
        };
        // The determinant of the mass matrix is smallest upright; a rotor can outweigh the body.
        positive("rotor_inertia", model.determinant(P::one()))?;
        positive("yaw_inertia", model.turn_inertia)?;
        Ok(model)
    }
}

/// Position and motion of the robot.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PendulumState<T> {
    /// Way of the axle's middle along the ground, in m.
    pub position: T,
    /// Pitch against the vertical, nose down positive, in rad.
    pub pitch: T,
    /// Yaw, to the left positive, in rad.
    pub yaw: T,
    /// Speed forward, in m/s.
    pub speed: T,
    /// Pitch rate, in rad/s.
    pub pitch_rate: T,
    /// Yaw rate, in rad/s.
    pub yaw_rate: T,
}

/// What acts on the robot besides its motors.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Load<T> {
    /// Slope of the ground along the heading, uphill positive, in rad.
    pub slope: T,
    /// Horizontal force forward on the body, in N.
    pub push: T,
    /// Height of that force's point above the axle along the body, in m.
    pub push_height: T,
    /// Torque about the vertical, in N·m.
    pub twist: T,
}

/// Second derivatives of the state.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Accelerations<T> {
    /// Forward, in m/s².
    pub forward: T,
    /// Pitch, in rad/s².
    pub pitch: T,
    /// Yaw, in rad/s².
    pub yaw: T,
}

/// The linear model about standing upright: `ẋ = A x + B τ` and `ψ̈ = turn · (τr − τl)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Linearisation<P> {
    /// State matrix for x = [position m, pitch rad, speed m/s, pitch rate rad/s].
    pub a: Matrix4<P>,
    /// Input vector for the sum of both wheel torques, in N·m.
    pub b: Vector4<P>,
    /// Yaw acceleration per difference of the wheel torques, in 1/(kg·m²).
    pub turn: P,
}

/// The nonlinear model. Total: every state and load gives accelerations; a non-finite one gives
/// non-finite accelerations, so sanitise what comes from outside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WheeledPendulum<T> {
    config: WheeledPendulumConfig<T>,
    first_moment: T,
    forward_inertia: T,
    rotor_coupling: T,
    tilt_inertia: T,
    turn_inertia: T,
    weight: T,
}

impl<T: Float> WheeledPendulum<T> {
    /// The parameters that the model was built from.
    pub fn config(&self) -> &WheeledPendulumConfig<T> {
        &self.config
    }

    /// M + 2m + 2(Jw+Jr)/R², in kg: what a force forward has to accelerate.
    pub(crate) fn forward_inertia(&self) -> T {
        self.forward_inertia
    }
    /// M L, in kg·m.
    pub(crate) fn first_moment(&self) -> T {
        self.first_moment
    }
    /// 2Jr/R, in kg·m.
    pub(crate) fn rotor_coupling(&self) -> T {
        self.rotor_coupling
    }

    fn determinant(&self, cos: T) -> T {
        let coupling = self.first_moment * cos - self.rotor_coupling;
        self.forward_inertia * self.tilt_inertia - coupling * coupling
    }

    /// Accelerations under the torques `[left, right]` of the motors on the wheels, in N·m.
    ///
    /// ```
    /// use balance_core::model::{Load, PendulumState, WheeledPendulumConfig};
    /// let robot = WheeledPendulumConfig {
    ///     body_mass: 0.6_f64, wheel_mass: 0.03, wheel_radius: 0.04, track: 0.14,
    ///     com_height: 0.072, pitch_inertia: 1.0368e-3, yaw_inertia: 1.06e-3,
    ///     wheel_inertia: 2.4e-5, rotor_inertia: 1e-5,
    /// }.build()?;
    /// let leaning = PendulumState { pitch: 0.1, ..Default::default() };
    /// // Left alone it falls on, and driving forward catches it.
    /// assert!(robot.accelerations(&leaning, [0.0; 2], &Load::default()).pitch > 0.0);
    /// assert!(robot.accelerations(&leaning, [0.1; 2], &Load::default()).pitch < 0.0);
    /// # Ok::<(), balance_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn accelerations(
        &self,
        state: &PendulumState<T>,
        torque: [T; 2],
        load: &Load<T>,
    ) -> Accelerations<T> {
        let two = T::lit(2.0);
        let [left, right] = torque;
        let (sin, cos) = state.pitch.sin_cos();
        let (sin_lean, cos_lean) = (state.pitch + load.slope).sin_cos();
        let moment = self.first_moment;
        let moment_height = moment * self.config.com_height;
        let radius = self.config.wheel_radius;
        let (pitch_rate, yaw_rate) = (state.pitch_rate, state.yaw_rate);

        let forward_force = (left + right) / radius
            + moment * sin_lean * pitch_rate * pitch_rate
            + moment * sin * yaw_rate * yaw_rate
            - self.weight * load.slope.sin()
            + load.push;
        let tilt_torque = -(left + right)
            + moment * T::lit(GRAVITY) * sin
            + moment_height * sin * cos * yaw_rate * yaw_rate
            + load.push * load.push_height * cos;
        let coupling = moment * cos_lean - self.rotor_coupling;
        let determinant = self.determinant(cos_lean);

        let turn_torque = (right - left) * self.config.track / (two * radius)
            - two * moment_height * sin * cos * pitch_rate * yaw_rate
            - moment * sin * state.speed * yaw_rate
            + load.twist;
        Accelerations {
            forward: (self.tilt_inertia * forward_force - coupling * tilt_torque) / determinant,
            pitch: (self.forward_inertia * tilt_torque - coupling * forward_force) / determinant,
            yaw: turn_torque / (self.turn_inertia + moment_height * sin * sin),
        }
    }

    /// Advances by `dt` seconds under constant torques: velocities first, then positions
    /// (semi-implicit Euler, which keeps the energy of an undriven pendulum bounded).
    pub fn step(
        &self,
        state: &mut PendulumState<T>,
        torque: [T; 2],
        load: &Load<T>,
        dt: T,
    ) -> Accelerations<T> {
        let acceleration = self.accelerations(state, torque, load);
        state.speed += acceleration.forward * dt;
        state.pitch_rate += acceleration.pitch * dt;
        state.yaw_rate += acceleration.yaw * dt;
        state.position += state.speed * dt;
        state.pitch += state.pitch_rate * dt;
        state.yaw += state.yaw_rate * dt;
        acceleration
    }

    /// Kinetic and potential energy on level ground, in J; zero for standing still upright.
    #[must_use]
    pub fn energy(&self, state: &PendulumState<T>) -> T {
        let half = T::lit(0.5);
        let (sin, cos) = state.pitch.sin_cos();
        let coupling = self.first_moment * cos - self.rotor_coupling;
        let turn = self.turn_inertia + self.first_moment * self.config.com_height * sin * sin;
        half * self.forward_inertia * state.speed * state.speed
            + coupling * state.speed * state.pitch_rate
            + half * self.tilt_inertia * state.pitch_rate * state.pitch_rate
            + half * turn * state.yaw_rate * state.yaw_rate
            + self.first_moment * T::lit(GRAVITY) * (cos - T::one())
    }

    /// The linear model about standing upright on level ground.
    #[must_use]
    pub fn linearise(&self) -> Linearisation<T> {
        let (zero, one) = (T::zero(), T::one());
        let coupling = self.first_moment - self.rotor_coupling;
        let determinant = self.determinant(one);
        let gravity = self.first_moment * T::lit(GRAVITY);
        let radius = self.config.wheel_radius;
        let speed_by_pitch = -coupling * gravity / determinant;
        let rate_by_pitch = self.forward_inertia * gravity / determinant;
        let speed_by_torque = (self.tilt_inertia / radius + coupling) / determinant;
        let rate_by_torque = -(self.forward_inertia + coupling / radius) / determinant;
        #[rustfmt::skip]
        let a = Matrix4::new(
            zero, zero,           one,  zero,
            zero, zero,           zero, one,
            zero, speed_by_pitch, zero, zero,
            zero, rate_by_pitch,  zero, zero,
        );
        Linearisation {
            a,
            b: Vector4::new(zero, zero, speed_by_torque, rate_by_torque),
            turn: self.config.track / (T::lit(2.0) * radius * self.turn_inertia),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nxtway() -> WheeledPendulum<f64> {
        WheeledPendulumConfig {
            body_mass: 0.6,
            wheel_mass: 0.03,
            wheel_radius: 0.04,
            track: 0.14,
            com_height: 0.072,
            pitch_inertia: 1.0368e-3,
            yaw_inertia: 1.06e-3,
            wheel_inertia: 2.4e-5,
            rotor_inertia: 1e-5,
        }
        .build()
        .unwrap()
    }

    #[test]
    fn undriven_motion_keeps_its_energy() {
        let robot = nxtway();
        let mut state = PendulumState {
            pitch: 0.3,
            yaw_rate: 2.0,
            speed: 0.2,
            ..Default::default()
        };
        let start = robot.energy(&state);
        for _ in 0..20_000 {
            robot.step(&mut state, [0.0; 2], &Load::default(), 1e-5);
        }
        assert!(state.pitch > 1.0, "it falls: {}", state.pitch);
        assert!(
            (robot.energy(&state) - start).abs() < 2e-3,
            "{}",
            robot.energy(&state) - start
        );
    }

    #[test]
    fn motors_put_in_the_energy_that_the_robot_gains() {
        let robot = nxtway();
        let mut state = PendulumState {
            pitch: -0.2,
            ..Default::default()
        };
        let (start, mut work) = (robot.energy(&state), 0.0);
        for _ in 0..20_000 {
            let torque = [0.03, 0.05];
            robot.step(&mut state, torque, &Load::default(), 1e-5);
            let turn = state.yaw_rate * 0.14 / 2.0;
            let rates = [
                (state.speed - turn) / 0.04 - state.pitch_rate,
                (state.speed + turn) / 0.04 - state.pitch_rate,
            ];
            work += (torque[0] * rates[0] + torque[1] * rates[1]) * 1e-5;
        }
        let gained = robot.energy(&state) - start;
        assert!(
            work > 0.01 && (gained - work).abs() < 2e-3 * work.abs(),
            "{gained} {work}"
        );
    }

    #[test]
    fn linearisation_is_the_derivative_at_upright() {
        let robot = nxtway();
        let linear = robot.linearise();
        let small = 1e-6;
        let tilt = PendulumState {
            pitch: small,
            ..Default::default()
        };
        let by_pitch = robot.accelerations(&tilt, [0.0; 2], &Load::default());
        let upright = PendulumState::default();
        let by_torque = robot.accelerations(&upright, [small; 2], &Load::default());
        let by_twist = robot.accelerations(&upright, [-small, small], &Load::default());
        assert!((linear.a[(2, 1)] - by_pitch.forward / small).abs() < 1e-6);
        assert!((linear.a[(3, 1)] - by_pitch.pitch / small).abs() < 1e-6);
        assert!((linear.b[2] - by_torque.forward / (2.0 * small)).abs() < 1e-6);
        assert!((linear.b[3] - by_torque.pitch / (2.0 * small)).abs() < 1e-6);
        assert!((linear.turn - by_twist.yaw / (2.0 * small)).abs() < 1e-6);
    }

    #[test]
    fn gravity_pulls_down_the_slope_and_a_push_goes_its_way() {
        let robot = nxtway();
        let upright = PendulumState::default();
        let uphill = Load {
            slope: 0.1,
            ..Default::default()
        };
        assert!(robot.accelerations(&upright, [0.0; 2], &uphill).forward < 0.0);
        let pushed = Load {
            push: 1.0,
            push_height: 0.1,
            ..Default::default()
        };
        let answer = robot.accelerations(&upright, [0.0; 2], &pushed);
        assert!(answer.pitch > 0.0);
    }

    #[test]
    fn refuses_what_is_no_robot() {
        let mut config = *nxtway().config();
        config.wheel_radius = 0.0;
        assert_eq!(
            config.build().unwrap_err(),
            ConfigError::OutOfRange("wheel_radius")
        );
        config.wheel_radius = f64::NAN;
        assert_eq!(
            config.build().unwrap_err(),
            ConfigError::NonFinite("wheel_radius")
        );
    }
}
