//! The inverse of a motor: the voltage that gives a wanted torque at the present speed.

use super::dc_motor::DcMotorConfig;
use crate::config::{ConfigError, non_negative, positive};
use crate::math::{Float, Scalar};
use crate::step::Step;

/// Gains of the inverse:
///
/// ```text
/// u = torque_gain · τ + speed_gain · ω + friction_voltage · sat(ω / friction_speed)
/// ```
///
/// The constants belong to the same shaft as in [`DcMotorConfig`], from which
/// [`DcMotorConfig::feedforward`] takes them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VoltageFeedforwardConfig<P = f32> {
    /// R/kt, V per N·m. Too small: the robot is sluggish; too large: every torque is overdone.
    pub torque_gain: P,
    /// ke + b R/kt, V·s/rad. Too small: torque fades with speed; too large: the wheel runs away,
    /// because the back-EMF is overcompensated.
    pub speed_gain: P,
    /// Voltage that dry friction costs while turning, V. Zero: not compensated, for example
    /// because [`DutyMap`](super::duty_map::DutyMap) does it; both at once is twice.
    pub friction_voltage: P,
    /// Speed at which friction is compensated in full, rad/s, above zero; in proportion below it.
    /// Too small: chatter at standstill, from noise of the speed.
    pub friction_speed: P,
    /// The voltage is limited to ± this, V, above zero.
    pub max_voltage: P,
}

impl<P: Float> Default for VoltageFeedforwardConfig<P> {
    /// The inverse of the default motor.
    fn default() -> Self {
        DcMotorConfig::default().feedforward()
    }
}

impl<P: Float> DcMotorConfig<P> {
    /// The inverse of this motor: inductance neglected, friction compensated in full from
    /// 0.5 rad/s.
    pub fn feedforward(&self) -> VoltageFeedforwardConfig<P> {
        let torque_gain = self.resistance / self.torque_constant;
        VoltageFeedforwardConfig {
            torque_gain,
            speed_gain: self.back_emf_constant + self.viscous_friction * torque_gain,
            friction_voltage: self.coulomb_torque * torque_gain,
            friction_speed: P::lit(0.5),
            max_voltage: self.supply_voltage,
        }
    }
}

impl<P: Float> VoltageFeedforwardConfig<P> {
    /// Prepares the inverse. It has no dynamics, hence no period.
    ///
    /// # Errors
    /// A field outside its range.
    pub fn build<T: Scalar<Param = P>>(&self) -> Result<VoltageFeedforward<T>, ConfigError> {
        Ok(VoltageFeedforward {
            coefficients: Coefficients::new(self)?,
            last: T::zero(),
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Coefficients<T: Scalar> {
    gains: [T::Gain; 2],
    friction_slope: T::Gain,
    friction: T,
    max: T,
}

impl<T: Scalar> Coefficients<T> {
    fn new(config: &VoltageFeedforwardConfig<T::Param>) -> Result<Self, ConfigError> {
        let torque_gain = non_negative("torque_gain", config.torque_gain)?;
        let speed_gain = non_negative("speed_gain", config.speed_gain)?;
        let friction = non_negative("friction_voltage", config.friction_voltage)?;
        let slope = friction / positive("friction_speed", config.friction_speed)?;
        // Above it a fixed-point gain saturates, and a float product could overflow.
        let largest = T::Param::lit(32_767.0);
        for (name, gain) in [
            ("torque_gain", torque_gain),
            ("speed_gain", speed_gain),
            ("friction_speed", slope),
        ] {
            if gain > largest {
                return Err(ConfigError::OutOfRange(name));
            }
        }
        Ok(Self {
            gains: T::align([T::gain(torque_gain), T::gain(speed_gain)]),
            friction_slope: T::gain(slope),
            friction: T::from_param(friction),
            max: T::from_param(positive("max_voltage", config.max_voltage)?)
                .limit(T::zero(), T::MAX),
        })
    }
}

/// Torque and speed to voltage; see [`VoltageFeedforwardConfig`] for the equation.
///
/// Two multiplications, a third with friction. The fixed-point form is within 2e-5 V of `f64`
/// (`Q12`, gains below 30).
///
/// ```
/// use balance_core::motor::dc_motor::DcMotorConfig;
/// use balance_core::motor::voltage_feedforward::VoltageFeedforward;
/// let motor: DcMotorConfig<f64> = DcMotorConfig::lego_nxt();
/// let mut inverse: VoltageFeedforward<f64> = motor.feedforward().build()?;
/// let voltage = inverse.step(0.08, 5.0);
/// assert!((motor.torque(voltage, 5.0) - 0.08).abs() < 1e-12);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct VoltageFeedforward<T: Scalar> {
    coefficients: Coefficients<T>,
    last: T,
}

impl<T: Scalar> VoltageFeedforward<T> {
    /// The voltage (V, limited) for a torque (N·m) at a speed (rad/s). An unusable input gives
    /// the last good voltage.
    pub fn step(&mut self, torque: T, speed: T) -> T {
        if !torque.is_usable() || !speed.is_usable() {
            return self.last;
        }
        let c = &self.coefficients;
        let mut voltage = T::dot(&c.gains, &[torque, speed]);
        if c.friction > T::zero() {
            voltage += speed.scale(c.friction_slope).limit(-c.friction, c.friction);
        }
        self.last = voltage.limit(-c.max, c.max);
        self.last
    }

    /// Changes the gains.
    ///
    /// # Errors
    /// As [`VoltageFeedforwardConfig::build`]; nothing changes then.
    pub fn retune(
        &mut self,
        config: &VoltageFeedforwardConfig<T::Param>,
    ) -> Result<(), ConfigError> {
        self.coefficients = Coefficients::new(config)?;
        Ok(())
    }
    /// The last voltage, V.
    pub fn state(&self) -> T {
        self.last
    }
    /// Puts a last voltage back; an unusable one becomes zero.
    pub fn restore(&mut self, last: T) {
        let max = self.coefficients.max;
        self.last = if last.is_usable() {
            last.limit(-max, max)
        } else {
            T::zero()
        };
    }
    /// Forgets the last voltage.
    pub fn reset(&mut self) {
        self.last = T::zero();
    }
}

impl<T: Scalar> Step for VoltageFeedforward<T> {
    /// Torque in N·m, speed in rad/s.
    type Input = (T, T);
    type Output = T;
    type State = T;
    fn step(&mut self, (torque, speed): (T, T)) -> T {
        VoltageFeedforward::step(self, torque, speed)
    }
    fn state(&self) -> T {
        self.last
    }
    fn restore(&mut self, state: T) {
        VoltageFeedforward::restore(self, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;
    use proptest::prelude::*;

    fn inverts_the_motor<T: Scalar>(bound: f64) {
        let motor: DcMotorConfig<f64> = DcMotorConfig::pololu_37d_30(1e-3);
        let config = DcMotorConfig::<T::Param>::pololu_37d_30(T::Param::lit(1e-3)).feedforward();
        let mut inverse: VoltageFeedforward<T> = config.build().unwrap();
        for torque in [-0.3, -0.01, 0.0, 0.2] {
            for speed in [-20.0, -1.0, 1.0, 9.0] {
                let voltage = inverse
                    .step(T::lit(torque), T::lit(speed))
                    .to_param()
                    .to_f64();
                assert!((motor.torque(voltage, speed) - torque).abs() < bound);
            }
        }
    }

    #[test]
    fn the_motor_gives_what_was_wanted() {
        inverts_the_motor::<f64>(1e-12);
        inverts_the_motor::<f32>(1e-6);
        inverts_the_motor::<Q12>(3e-6);
    }

    fn limits<T: Scalar>() {
        let config = VoltageFeedforwardConfig::<T::Param>::default();
        let mut inverse: VoltageFeedforward<T> = config.build().unwrap();
        assert_eq!(inverse.step(T::lit(100.0), T::zero()), T::lit(9.0));
        assert_eq!(inverse.step(T::lit(-100.0), T::zero()), T::lit(-9.0));
        // At rest there is no friction to overcome, and around rest no jump.
        assert_eq!(inverse.step(T::zero(), T::zero()), T::zero());
        let creep = inverse.step(T::zero(), T::lit(0.001)).to_param().to_f64();
        assert!(creep > 0.0 && creep < 0.001, "{creep}");
        // Friction 0.1188 V, back-EMF and viscous friction 0.50506 V per rad/s.
        let turning = inverse.step(T::zero(), T::lit(1.0)).to_param().to_f64();
        assert!((turning - (0.118_79 + 0.505_06)).abs() < 1e-4, "{turning}");
    }

    #[test]
    fn friction_blends_and_voltage_is_limited() {
        limits::<f32>();
        limits::<f64>();
        limits::<Q12>();
    }

    #[test]
    fn fixed_point_is_within_its_bound() {
        let mut fixed: VoltageFeedforward<Q12> =
            VoltageFeedforwardConfig::default().build().unwrap();
        let mut exact: VoltageFeedforward<f64> =
            VoltageFeedforwardConfig::default().build().unwrap();
        for k in -200..200 {
            let (torque, speed) = (f64::from(k) * 2.3e-4, f64::from(k % 17) * 0.31);
            let a = fixed.step(Q12::lit(torque), Q12::lit(speed)).to_param();
            assert!((f64::from(a) - exact.step(torque, speed)).abs() < 2e-5);
        }
    }

    proptest! {
        #[test]
        fn bad_inputs_leave_no_trace(torque in any::<f32>(), speed in any::<f32>()) {
            let config = VoltageFeedforwardConfig { torque_gain: 32_767.0, ..Default::default() };
            let mut inverse: VoltageFeedforward<f32> = config.build().unwrap();
            let good = inverse.step(1e-4, 1.0);
            let now = inverse.step(torque, speed);
            prop_assert!(now.is_usable() && now.magnitude() <= 9.0);
            if !torque.is_usable() || !speed.is_usable() {
                prop_assert_eq!(now, good);
            }
            prop_assert_eq!(inverse.step(1e-4, 1.0), good);
            inverse.restore(f32::NAN);
            prop_assert_eq!(inverse.state(), 0.0);
        }
    }
}
