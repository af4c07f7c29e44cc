//! One axis of a quadrotor, roll or pitch: two rotors (or pairs) on a lever.
//!
//! ```text
//! Ω̇ = (Ωmax · throttle · (U / U₀) − Ω) / T        thrust = k Ω²
//! J φ̈ = l (thrust_left − thrust_right) − b φ̇ + load
//! ```
//!
//! φ is the angle against level, positive right side down (roll, forward-left-up body axes). The
//! motors are first-order lags behind a speed that is proportional to throttle and battery
//! voltage, as racing ESCs are to good measure; thrust grows with the square of the speed.

use crate::config::{ConfigError, non_negative, positive};
use crate::math::Float;
use nalgebra::{Matrix3, Vector3};

/// Masses, lever and rotors of a [`QuadrotorAxis`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuadrotorAxisConfig<P = f32> {
    /// Mass of the whole vehicle, kg, above zero.
    pub mass: P,
    /// Inertia about the axis, kg·m², above zero.
    pub inertia: P,
    /// Distance of the rotors from the axis, m, above zero.
    pub lever: P,
    /// Damping of the rotation by air, N·m·s/rad.
    pub damping: P,
    /// Thrust of one side (two rotors) per square of the rotors' speed, N·s²/rad², above zero.
    pub thrust: P,
    /// Speed of the rotors at full throttle and nominal voltage, rad/s, above zero.
    pub max_speed: P,
    /// Time constant of the motors, s, above zero.
    pub motor_time: P,
    /// Nominal voltage, V, above zero.
    pub nominal_voltage: P,
}

impl<P: Float> Default for QuadrotorAxisConfig<P> {
    /// A five-inch quadrotor of 0.6 kg on 16 V: each rotor gives up to 11 N and hovers at 0.37 of
    /// the throttle, with the usual time constant of 30 ms.
    fn default() -> Self {
        Self {
            mass: P::lit(0.6),
            inertia: P::lit(3.5e-3),
            lever: P::lit(0.08),
            damping: P::lit(2.0e-3),
            thrust: P::lit(3.5e-6),
            max_speed: P::lit(2500.0),
            motor_time: P::lit(0.03),
            nominal_voltage: P::lit(16.0),
        }
    }
}

impl<P: Float> QuadrotorAxisConfig<P> {
    /// Checks the parameters and prepares the model.
    ///
    /// # Errors
    /// Names the field that is out of its range; `OutOfRange("thrust")` if it cannot hover.
    pub fn build(&self) -> Result<QuadrotorAxis<P>, ConfigError> {
        positive("mass", self.mass)?;
        positive("inertia", self.inertia)?;
        positive("lever", self.lever)?;
        non_negative("damping", self.damping)?;
        positive("thrust", self.thrust)?;
        positive("max_speed", self.max_speed)?;
        positive("motor_time", self.motor_time)?;
        positive("nominal_voltage", self.nominal_voltage)?;
        let axis = QuadrotorAxis { config: *self };
        if axis.hover_throttle() >= P::one() {
            return Err(ConfigError::OutOfRange("thrust"));
        }
        Ok(axis)
    }
}

/// Motion of a [`QuadrotorAxis`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct QuadrotorAxisState<T> {
    /// Angle against level, rad.
    pub angle: T,
    /// Rate, rad/s.
    pub rate: T,
    /// Speeds of the rotors, left and right, rad/s.
    pub rotors: [T; 2],
}

/// The linear model about hovering: ẋ = A x + B u with x = [angle rad, rate rad/s, torque N·m] and
/// u the left throttle less the right one, halved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuadrotorAxisLinearisation<P> {
    /// State matrix.
    pub a: Matrix3<P>,
    /// Input vector.
    pub b: Vector3<P>,
    /// Throttle of both sides at which it hovers.
    pub throttle: P,
}

/// One axis of a quadrotor.
///
/// ```
/// use balance_core::model::QuadrotorAxisConfig;
/// let axis = QuadrotorAxisConfig::<f64>::default().build()?;
/// let hover = axis.hovering();
/// assert!((axis.thrust(&hover) - 0.6 * 9.80665).abs() < 1e-9);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuadrotorAxis<T> {
    config: QuadrotorAxisConfig<T>,
}

impl<T: Float> QuadrotorAxis<T> {
    /// The parameters that the model was built from.
    pub fn config(&self) -> &QuadrotorAxisConfig<T> {
        &self.config
    }

    /// Throttle of both sides at which it hovers at nominal voltage.
    pub fn hover_throttle(&self) -> T {
        self.hover_speed() / self.config.max_speed
    }

    fn hover_speed(&self) -> T {
        let c = &self.config;
        let weight = c.mass * T::lit(crate::sensor::STANDARD_GRAVITY);
        (weight / (T::lit(2.0) * c.thrust)).sqrt()
    }

    /// Level and at rest, the rotors carrying the weight.
    pub fn hovering(&self) -> QuadrotorAxisState<T> {
        QuadrotorAxisState {
            rotors: [self.hover_speed(); 2],
            ..QuadrotorAxisState::default()
        }
    }

    /// Thrust of both sides, N.
    pub fn thrust(&self, state: &QuadrotorAxisState<T>) -> T {
        let [left, right] = state.rotors;
        self.config.thrust * (left * left + right * right)
    }

    /// Advances by `dt` seconds under throttles of left and right (0 to 1), the battery's
    /// voltage and a torque from outside, N·m; gives the angular acceleration, rad/s². Unusable
    /// inputs change nothing.
    pub fn step(
        &self,
        state: &mut QuadrotorAxisState<T>,
        throttle: [T; 2],
        voltage: T,
        load: T,
        dt: T,
    ) -> T {
        let c = &self.config;
        if !(throttle[0] + throttle[1] + voltage + load + dt).is_usable() {
            return T::zero();
        }
        let share = T::one() - (-dt / c.motor_time).exp();
        for (speed, throttle) in state.rotors.iter_mut().zip(throttle) {
            let throttle = throttle.limit(T::zero(), T::one());
            let wanted = c.max_speed * throttle * (voltage / c.nominal_voltage);
            *speed += share * (wanted - *speed);
        }
        let [left, right] = state.rotors;
        let torque = c.lever * c.thrust * (left * left - right * right);
        let acceleration = (torque - c.damping * state.rate + load) / c.inertia;
        state.rate += acceleration * dt;
        state.angle += state.rate * dt;
        acceleration
    }

    /// The linear model about hovering at nominal voltage.
    #[must_use]
    pub fn linearise(&self) -> QuadrotorAxisLinearisation<T> {
        let c = &self.config;
        let (zero, one) = (T::zero(), T::one());
        let slope = T::lit(4.0) * c.lever * c.thrust * self.hover_speed() * c.max_speed;
        QuadrotorAxisLinearisation {
            #[rustfmt::skip]
            a: Matrix3::new(
                zero, one, zero,
                zero, -c.damping / c.inertia, one / c.inertia,
                zero, zero, -one / c.motor_time,
            ),
            b: Vector3::new(zero, zero, slope / c.motor_time),
            throttle: self.hover_throttle(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hovers_where_it_says_and_is_symmetric() {
        fn check<T: Float>() {
            let axis = QuadrotorAxisConfig::<T>::default().build().unwrap();
            let (mut one, mut other) = (axis.hovering(), axis.hovering());
            let hover = axis.hover_throttle();
            for _ in 0..1000 {
                let (volts, dt) = (T::lit(16.0), T::lit(1e-3));
                let more = hover + T::lit(0.01);
                axis.step(&mut one, [more, hover], volts, T::zero(), dt);
                axis.step(&mut other, [hover, more], volts, T::zero(), dt);
                assert_eq!(one.angle, -other.angle);
            }
            assert!(one.rate > T::one());
        }
        check::<f32>();
        check::<f64>();
    }

    #[test]
    fn linear_model_predicts_a_small_step() {
        let axis = QuadrotorAxisConfig::<f64>::default().build().unwrap();
        let linear = axis.linearise();
        let (mut state, mut x) = (axis.hovering(), Vector3::zeros());
        let (u, dt) = (1e-3, 1e-4);
        for _ in 0..2000 {
            let throttle = [linear.throttle + u, linear.throttle - u];
            axis.step(&mut state, throttle, 16.0, 0.0, dt);
            x += (linear.a * x + linear.b * u) * dt;
        }
        assert!(
            (state.rate / x[1] - 1.0).abs() < 0.01,
            "{} {}",
            state.rate,
            x[1]
        );
        assert!((state.angle / x[0] - 1.0).abs() < 0.01);
    }

    #[test]
    fn cannot_be_built_too_heavy() {
        let config = QuadrotorAxisConfig::<f64> {
            mass: 6.0,
            ..QuadrotorAxisConfig::default()
        };
        assert_eq!(
            config.build().unwrap_err(),
            ConfigError::OutOfRange("thrust")
        );
    }
}
