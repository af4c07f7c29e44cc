//! The voltage that a motor takes for a wanted speed and acceleration.

use crate::config::{ConfigError, non_negative, period, positive, within};
use crate::control::pid::gain;
use crate::math::{Float, Scalar};
use crate::motor::dc_motor::DcMotorConfig;
use crate::step::Step;

/// Settings of a [`MotorFeedforward`]:
///
/// ```text
/// u = speed_gain · ω + acceleration_gain · ω̇ + friction_voltage · sat((ω + ω̇ dt) / friction_speed)
/// ```
///
/// for the wanted speed ω (rad/s) and acceleration ω̇ (rad/s²). Friction is that of the next period's
/// speed, so that a motor that shall start is helped over it before it moves.
///
/// [`MotorFeedforwardConfig::of`] takes the gains from a motor's constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MotorFeedforwardConfig<P = f32> {
    /// ke + b R/kt, V·s/rad, zero or more. Too small: it lags behind the more, the faster it turns;
    /// too large: it runs ahead.
    pub speed_gain: P,
    /// J R/kt, V·s²/rad, zero or more, with all that turns. Too small: late in every ramp; too large:
    /// early.
    pub acceleration_gain: P,
    /// Voltage that dry friction costs while turning, V, zero or more. Zero: not compensated, for
    /// example because a [`DutyMap`](crate::motor::duty_map::DutyMap) does it.
    pub friction_voltage: P,
    /// Wanted speed at which friction is compensated in full, rad/s, above zero; in proportion below
    /// it. A profile is free of noise, so it may be small. Too large: late starts.
    pub friction_speed: P,
    /// The voltage is limited to ± this, V, above zero.
    pub max_voltage: P,
}

impl<P: Float> Default for MotorFeedforwardConfig<P> {
    /// The default motor alone.
    fn default() -> Self {
        Self::of(&DcMotorConfig::default(), P::zero())
    }
}

impl<P: Float> MotorFeedforwardConfig<P> {
    /// The inverse of a motor that turns a load of this inertia (kg·m², at the same shaft) beside its
    /// own; inductance neglected, friction in full from 0.1 rad/s.
    pub fn of(motor: &DcMotorConfig<P>, load_inertia: P) -> Self {
        let torque_gain = motor.resistance / motor.torque_constant;
        Self {
            speed_gain: motor.back_emf_constant + motor.viscous_friction * torque_gain,
            acceleration_gain: (motor.inertia + load_inertia) * torque_gain,
            friction_voltage: motor.coulomb_torque * torque_gain,
            friction_speed: P::lit(0.1),
            max_voltage: motor.supply_voltage,
        }
    }

    /// Prepares a feed-forward for a period of `dt` seconds (1 µs to 10 s).
    ///
    /// # Errors
    /// Names the field that is out of its range or whose coefficient the type cannot hold.
    pub fn build<T: Scalar<Param = P>>(&self, dt: P) -> Result<MotorFeedforward<T>, ConfigError> {
        Ok(MotorFeedforward {
            law: Law::new(self, dt)?,
            dt,
            last: T::zero(),
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Law<T: Scalar> {
    direct: [T::Gain; 2],
    /// Friction by speed and acceleration, ahead of its limit.
    friction: [T::Gain; 2],
    most_friction: T,
    max: T,
}

impl<T: Scalar> Law<T> {
    fn new(config: &MotorFeedforwardConfig<T::Param>, dt: T::Param) -> Result<Self, ConfigError> {
        period(dt)?;
        let speed = non_negative("speed_gain", config.speed_gain)?;
        let acceleration = non_negative("acceleration_gain", config.acceleration_gain)?;
        let friction = non_negative("friction_voltage", config.friction_voltage)?;
        let slope = friction / positive("friction_speed", config.friction_speed)?;
        let max = positive("max_voltage", config.max_voltage)?;
        let zero = num_traits::Zero::zero();
        within("max_voltage", max, zero, T::MAX.to_param())?;
        within("friction_voltage", friction, zero, T::MAX.to_param())?;
        Ok(Self {
            direct: T::align([
                T::gain(gain::<T>("speed_gain", speed)?),
                T::gain(gain::<T>("acceleration_gain", acceleration)?),
            ]),
            friction: [
                T::gain(gain::<T>("friction_speed", slope)?),
                T::gain(gain::<T>("friction_speed", slope * dt)?),
            ],
            most_friction: T::from_param(friction),
            max: T::from_param(max),
        })
    }
}

/// Wanted speed and acceleration to voltage; see [`MotorFeedforwardConfig`]. Four products, or two
/// without friction.
///
/// ```
/// use balance_core::control::feedforward::{MotorFeedforward, MotorFeedforwardConfig};
/// use balance_core::motor::dc_motor::DcMotorConfig;
/// let motor = DcMotorConfig::<f64>::lego_nxt();
/// let mut feedforward: MotorFeedforward<f64> = MotorFeedforwardConfig::of(&motor, 0.0).build(0.01)?;
/// let (speed, acceleration) = (5.0, 3.0);
/// let torque = motor.torque(feedforward.step(speed, acceleration), speed);
/// assert!((torque - motor.inertia * acceleration).abs() < 1e-12);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MotorFeedforward<T: Scalar> {
    law: Law<T>,
    dt: T::Param,
    last: T,
}

impl<T: Scalar> MotorFeedforward<T> {
    /// The voltage (V, limited) for a speed (rad/s) and an acceleration (rad/s²). An unusable input
    /// gives the last good voltage.
    #[inline]
    pub fn step(&mut self, speed: T, acceleration: T) -> T {
        if !(speed.is_usable() & acceleration.is_usable()) {
            return self.last;
        }
        let law = &self.law;
        let motion = [speed, acceleration];
        let mut voltage = T::dot(&law.direct, &motion);
        if law.most_friction > T::zero() {
            let friction = T::dot(&law.friction, &motion);
            voltage += friction.limit(-law.most_friction, law.most_friction);
        }
        self.last = voltage.limit(-law.max, law.max);
        self.last
    }

    /// Takes other gains; the period stays.
    ///
    /// # Errors
    /// As [`MotorFeedforwardConfig::build`]; nothing changes then.
    pub fn retune(&mut self, config: &MotorFeedforwardConfig<T::Param>) -> Result<(), ConfigError> {
        self.law = Law::new(config, self.dt)?;
        Ok(())
    }
    /// The last voltage, V.
    pub fn state(&self) -> T {
        self.last
    }
    /// Puts a last voltage back; an unusable one becomes zero.
    pub fn restore(&mut self, last: T) {
        let last = if last.is_usable() { last } else { T::zero() };
        self.last = last.limit(-self.law.max, self.law.max);
    }
    /// Forgets the last voltage.
    pub fn reset(&mut self) {
        self.last = T::zero();
    }
}

impl<T: Scalar> Step for MotorFeedforward<T> {
    /// Speed in rad/s, acceleration in rad/s².
    type Input = (T, T);
    type Output = T;
    type State = T;
    #[inline]
    fn step(&mut self, (speed, acceleration): (T, T)) -> T {
        MotorFeedforward::step(self, speed, acceleration)
    }
    fn state(&self) -> T {
        self.last
    }
    fn restore(&mut self, state: T) {
        MotorFeedforward::restore(self, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::profile::Goal;
    use crate::control::profile::s_curve::{SCurve, SCurveConfig};
    use crate::math::Q12;
    use crate::motor::dc_motor::{DcMotor, DcMotorConfig};

    const DT: f64 = 0.001;

    /// Largest distance from a profile of places, in rad, of a motor under feed-forward alone.
    fn worst<T: Scalar>(acceleration_share: f64, friction: bool) -> f64 {
        let motor = DcMotorConfig::<f64> {
            breakaway_torque: DcMotorConfig::<f64>::lego_nxt().coulomb_torque,
            ..DcMotorConfig::lego_nxt()
        };
        let inverse = MotorFeedforwardConfig::<f64>::of(&motor, 0.0);
        let lit = T::Param::lit;
        let mut feedforward: MotorFeedforward<T> = MotorFeedforwardConfig {
            speed_gain: lit(inverse.speed_gain),
            acceleration_gain: lit(acceleration_share * inverse.acceleration_gain),
            friction_voltage: lit(if friction {
                inverse.friction_voltage
            } else {
                0.0
            }),
            friction_speed: lit(inverse.friction_speed),
            max_voltage: lit(inverse.max_voltage),
        }
        .build(lit(DT))
        .unwrap();
        let mut plant: DcMotor<f64> = motor.build(DT).unwrap();
        let mut profile: SCurve<f64> = SCurveConfig {
            speed: 8.0,
            acceleration: 30.0,
            jerk: 300.0,
        }
        .build(DT)
        .unwrap();
        let (mut angle, mut worst) = (0.0, 0.0_f64);
        for _ in 0..2000 {
            let wanted = profile.step(Goal::rest(10.0));
            let volts = feedforward.step(T::lit(wanted.speed), T::lit(wanted.acceleration));
            let moved = plant.step(volts.to_param().to_f64(), 0.0);
            angle += DT * moved.speed;
            worst = worst.max((angle - wanted.position).abs());
        }
        worst
    }

    #[test]
    fn a_motor_follows_a_profile_without_a_controller() {
        fn check<T: Scalar>() {
            let found = worst::<T>(1.0, true);
            assert!(found < 0.05, "{}: {found}", T::NAME);
        }
        check::<f32>();
        check::<f64>();
        check::<Q12>();
        // Each part is needed.
        assert!(
            worst::<f64>(0.0, true) > 0.15,
            "{}",
            worst::<f64>(0.0, true)
        );
        assert!(
            worst::<f64>(1.0, false) > 0.25,
            "{}",
            worst::<f64>(1.0, false)
        );
    }

    #[test]
    fn a_standing_motor_is_helped_over_its_friction() {
        let config = MotorFeedforwardConfig::<f64>::default();
        let mut feedforward: MotorFeedforward<f64> = config.build(0.01).unwrap();
        let start = feedforward.step(0.0, 20.0);
        let whole = config.friction_voltage + 20.0 * config.acceleration_gain;
        assert!((start - whole).abs() < 1e-9, "{start} {whole}");
        assert_eq!(feedforward.step(0.0, 0.0), 0.0);
        assert_eq!(feedforward.step(-0.0, -20.0), -start);
    }

    #[test]
    fn is_limited_and_holds() {
        let mut feedforward: MotorFeedforward<f32> =
            MotorFeedforwardConfig::default().build(0.01).unwrap();
        let max = MotorFeedforwardConfig::<f32>::default().max_voltage;
        assert_eq!(feedforward.step(1e9, 1e9), max);
        assert_eq!(feedforward.step(f32::NAN, 0.0), max);
        let wrong = MotorFeedforwardConfig {
            friction_speed: 0.0,
            ..Default::default()
        };
        assert_eq!(
            feedforward.retune(&wrong),
            Err(ConfigError::OutOfRange("friction_speed"))
        );
    }
}
