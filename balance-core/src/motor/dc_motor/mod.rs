//! Brushed motor with its gearbox: winding, back-EMF, inertia and dry friction.
//!
//! Everything is referred to **one shaft, the gearbox output**, where the wheel sits: with the
//! voltage u, the current i, the speed ω, the load τ and the friction τf,
//!
//! ```text
//! L di/dt = u − R i − ke ω
//! J dω/dt = kt i − b ω − τf − τ
//! ```
//!
//! `kt` and `ke` are separate because a gearbox loses torque but not speed: data sheets of gear
//! motors give `kt < ke`. Data of a bare motor become those of a shaft through
//! [`DcMotorConfig::through_gear`].
//!
//! The pair is discretised exactly for a voltage and a load that stand still within a period
//! (matrix exponential in closed form, C. Moler and C. Van Loan, "Nineteen Dubious Ways to
//! Compute the Exponential of a Matrix", SIAM Review 45(1), 2003), so the model is stable for every
//! period, however short L/R.

mod exact;
mod published;

use crate::config::{ConfigError, finite, non_negative, period, positive};
use crate::math::{Float, Scalar};
use crate::step::Step;
use exact::{Electromechanics, Response};
use num_traits::Zero;
pub use published::Datasheet;

/// Constants of a motor, all seen at the gearbox output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DcMotorConfig<P = f32> {
    /// Resistance of winding, brushes and bridge, Ω, above zero. Too small: too much torque at
    /// low speed.
    pub resistance: P,
    /// Inductance, H. Zero: the current follows the voltage at once.
    pub inductance: P,
    /// Torque at the output per ampere, N·m/A, above zero, with the losses of the gearbox
    /// already deducted.
    pub torque_constant: P,
    /// Voltage per output speed, V·s/rad, above zero. It sets the no-load speed.
    pub back_emf_constant: P,
    /// Moment of inertia that turns with the output, kg·m², above zero: the rotor times the
    /// square of the gear ratio, and whatever is fixed to the shaft (a wheel) that no plant
    /// accounts for.
    pub inertia: P,
    /// Dry friction while turning, N·m at the output. Zero: none.
    pub coulomb_torque: P,
    /// Torque that starts a shaft at rest, N·m, at least `coulomb_torque`.
    pub breakaway_torque: P,
    /// Friction proportional to speed, N·m·s/rad.
    pub viscous_friction: P,
    /// The voltage is limited to ± this, V, above zero: the battery.
    pub supply_voltage: P,
}

impl<P: Float> Default for DcMotorConfig<P> {
    /// [`DcMotorConfig::lego_nxt`]: the one motor of which all the constants are published.
    fn default() -> Self {
        Self::lego_nxt()
    }
}

impl<P: Float> DcMotorConfig<P> {
    /// The same motor seen at the output of a gearbox of `ratio`:1 (above 1 turns slower) that
    /// passes `efficiency` (0 to 1) of the torque on.
    ///
    /// ```
    /// use balance_core::motor::dc_motor::DcMotorConfig;
    /// let bare = DcMotorConfig::<f64> { torque_constant: 0.01, ..Default::default() };
    /// let geared = bare.through_gear(30.0, 0.8);
    /// assert!((geared.torque_constant - 0.24).abs() < 1e-12);
    /// assert!((geared.inertia - 900.0 * bare.inertia).abs() < 1e-9);
    /// ```
    #[must_use]
    pub fn through_gear(&self, ratio: P, efficiency: P) -> Self {
        Self {
            torque_constant: self.torque_constant * ratio * efficiency,
            back_emf_constant: self.back_emf_constant * ratio,
            inertia: self.inertia * ratio * ratio,
            coulomb_torque: self.coulomb_torque * ratio,
            breakaway_torque: self.breakaway_torque * ratio,
            viscous_friction: self.viscous_friction * ratio * ratio,
            ..*self
        }
    }

    /// Torque of the current at the output, N·m, friction not deducted, for a voltage (V,
    /// limited to the supply) and a speed (rad/s); inductance neglected:
    /// `kt (u − ke ω) / R`.
    pub fn electrical_torque(&self, voltage: P, speed: P) -> P {
        let voltage = voltage.limit(-self.supply_voltage, self.supply_voltage);
        self.torque_constant * (voltage - self.back_emf_constant * speed) / self.resistance
    }

    /// Torque that reaches the wheel, N·m: [`electrical_torque`](Self::electrical_torque)
    /// without friction. At rest it is zero up to the break-away torque.
    ///
    /// For a plant that is integrated with the wheel; it neglects the inductance and the
    /// inertia of the rotor.
    pub fn torque(&self, voltage: P, speed: P) -> P {
        let drive = self.electrical_torque(voltage, speed) - self.viscous_friction * speed;
        let zero = P::zero();
        if speed > zero || (speed == zero && drive > self.breakaway_torque) {
            drive - self.coulomb_torque
        } else if speed < zero || (speed == zero && drive < -self.breakaway_torque) {
            drive + self.coulomb_torque
        } else {
            zero
        }
    }

    /// Seconds in which an unloaded motor reaches 63 % of its speed:
    /// `J R / (kt ke + R b)`, inductance neglected.
    pub fn mechanical_time_constant(&self) -> P {
        self.inertia * self.resistance
            / (self.torque_constant * self.back_emf_constant
                + self.resistance * self.viscous_friction)
    }

    /// Prepares a motor that is stepped every `dt` seconds.
    ///
    /// # Errors
    /// A field outside its range, or a coefficient that the scalar type cannot hold.
    pub fn build<T: Scalar<Param = P>>(&self, dt: P) -> Result<DcMotor<T>, ConfigError> {
        Ok(DcMotor {
            dt: period(dt)?,
            coefficients: Coefficients::new(self, dt)?,
            state: DcMotorState::default(),
        })
    }

    /// Checks every field.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        positive("resistance", self.resistance)?;
        non_negative("inductance", self.inductance)?;
        positive("torque_constant", self.torque_constant)?;
        positive("back_emf_constant", self.back_emf_constant)?;
        non_negative("coulomb_torque", self.coulomb_torque)?;
        non_negative("breakaway_torque", self.breakaway_torque)?;
        non_negative("viscous_friction", self.viscous_friction)?;
        positive("supply_voltage", self.supply_voltage)?;
        if self.breakaway_torque < self.coulomb_torque {
            return Err(ConfigError::Order("coulomb_torque", "breakaway_torque"));
        }
        Ok(())
    }
}

/// What a motor does at the end of a period.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MotorState<T> {
    /// Winding current, A.
    pub current: T,
    /// Speed of the output, rad/s.
    pub speed: T,
    /// Angle of the output since reset, rad. Fixed point stands still at the end of its range
    /// (2048 rad for `Q12`); `f32` resolves 1 mrad at 10⁴ rad.
    pub angle: T,
}

/// What a [`DcMotor`] remembers: current, speed and angle in the wide form of the type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DcMotorState<T: Scalar> {
    current: T::Wide,
    speed: T::Wide,
    angle: T::Wide,
}

impl<T: Scalar> Default for DcMotorState<T> {
    fn default() -> Self {
        Self::new(T::zero(), T::zero(), T::zero())
    }
}

impl<T: Scalar> DcMotorState<T> {
    /// A motor with the given current (A), speed (rad/s) and angle (rad).
    pub fn new(current: T, speed: T, angle: T) -> Self {
        Self {
            current: current.widen(),
            speed: speed.widen(),
            angle: angle.widen(),
        }
    }

    fn rounded(&self) -> MotorState<T> {
        MotorState {
            current: T::narrow(self.current),
            speed: T::narrow(self.speed),
            angle: T::narrow(self.angle),
        }
    }
}

/// One row of the discrete model: how much a state grows in a period per unit of each input.
#[derive(Clone, Copy, Debug)]
struct Row<T: Scalar> {
    current: T::Gain,
    speed: T::Gain,
    voltage: T::Gain,
    torque: T::Gain,
}

impl<T: Scalar> Row<T> {
    fn new(response: &Response) -> Result<Self, ConfigError> {
        Ok(Self {
            current: coefficient::<T>("inductance", response.current)?,
            speed: coefficient::<T>("inertia", response.speed)?,
            voltage: coefficient::<T>("inertia", response.voltage)?,
            torque: coefficient::<T>("inertia", response.torque)?,
        })
    }

    #[inline]
    fn advance(&self, from: T::Wide, now: &MotorState<T>, voltage: T, torque: T) -> T::Wide {
        let sum = T::accumulate(from, self.current, now.current);
        let sum = T::accumulate(sum, self.speed, now.speed);
        let sum = T::accumulate(sum, self.voltage, voltage);
        contained::<T>(T::accumulate(sum, self.torque, torque))
    }
}

/// Everything computed once.
#[derive(Clone, Copy, Debug)]
struct Coefficients<T: Scalar> {
    current: Row<T>,
    speed: Row<T>,
    /// Growth of the current at standstill, per ampere and per volt.
    held: (T::Gain, T::Gain),
    half_dt: T::Gain,
    torque_constant: T::Gain,
    coulomb: T,
    breakaway: T,
    supply: T,
    dry_friction: bool,
}

impl<T: Scalar> Coefficients<T> {
    fn new(config: &DcMotorConfig<T::Param>, dt: T::Param) -> Result<Self, ConfigError> {
        config.check()?;
        positive("inertia", config.inertia)?;
        let model = Electromechanics::of(config).discretise(dt.to_f64());
        Ok(Self {
            current: Row::new(&model.current)?,
            speed: Row::new(&model.speed)?,
            held: (
                coefficient::<T>("inductance", model.held_current)?,
                coefficient::<T>("resistance", model.held_voltage)?,
            ),
            half_dt: coefficient::<T>("dt", 0.5 * dt.to_f64())?,
            torque_constant: coefficient::<T>("torque_constant", config.torque_constant.to_f64())?,
            coulomb: T::from_param(config.coulomb_torque),
            breakaway: T::from_param(config.breakaway_torque),
            supply: T::from_param(config.supply_voltage).limit(T::zero(), T::MAX),
            dry_friction: config.breakaway_torque > T::Param::zero(),
        })
    }
}

/// A coefficient that the type holds, small enough that no sum of products overflows.
fn coefficient<T: Scalar>(name: &'static str, value: f64) -> Result<T::Gain, ConfigError> {
    let value = finite(name, T::Param::lit(value))?;
    let gain = T::gain(value);
    // Fixed-point gains saturate silently; a small probe through the gain shows it.
    let probe = T::lit(1.0 / 1024.0);
    let back = probe.scale(gain).to_param() * T::Param::lit(1024.0);
    let slack = T::Param::lit(0.03) + value.magnitude() * T::Param::lit(0.01);
    if (back - value).magnitude() <= slack && value.magnitude() < T::Param::lit(1e12) {
        Ok(gain)
    } else {
        Err(ConfigError::Unrepresentable(name))
    }
}

/// Keeps an accumulator within what the type accepts, so that it neither winds up nor overflows.
#[inline]
fn contained<T: Scalar>(wide: T::Wide) -> T::Wide {
    let value = T::narrow(wide);
    if value >= T::MAX || value <= T::MIN {
        value.limit(T::MIN, T::MAX).widen()
    } else {
        wide
    }
}

/// A brushed motor that is stepped; see the [module](self) for the equations.
///
/// `Q12` and `f32` follow `f64` within 5e-5 rad/s and 1e-5 A over 5 s of the motor of
/// [`DcMotorConfig::lego_nxt`] with reversals.
///
/// ```
/// use balance_core::motor::dc_motor::{DcMotor, DcMotorConfig};
/// // A LEGO NXT motor at 9 V, no load: about 170 rpm, which is 17.8 rad/s.
/// let mut motor: DcMotor<f64> = DcMotorConfig::default().build(0.001)?;
/// let speed = (0..1000).map(|_| motor.step(9.0, 0.0).speed).last();
/// assert!((speed.unwrap() - 17.8).abs() < 0.5);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DcMotor<T: Scalar> {
    dt: T::Param,
    coefficients: Coefficients<T>,
    state: DcMotorState<T>,
}

impl<T: Scalar> DcMotor<T> {
    /// Advances by one period with a terminal voltage (V, limited to the supply) and a torque
    /// that the load takes from the shaft (N·m, positive against positive speed).
    ///
    /// If one of them is unusable nothing moves, and the last state is the answer.
    pub fn step(&mut self, voltage: T, load_torque: T) -> MotorState<T> {
        let now = self.state.rounded();
        if !voltage.is_usable() || !load_torque.is_usable() {
            return now;
        }
        let c = &self.coefficients;
        let voltage = voltage.limit(-c.supply, c.supply);
        let resting = c.dry_friction && now.speed == T::zero();

        let friction = if !c.dry_friction {
            T::zero()
        } else if resting {
            let held = self.held_current(now.current, voltage);
            let drive = T::narrow(held).scale(c.torque_constant) - load_torque;
            if drive.magnitude() <= c.breakaway {
                return self.stop(held, now.speed);
            }
            c.coulomb.with_sign_of(drive)
        } else {
            c.coulomb.with_sign_of(now.speed)
        };

        let torque = load_torque + friction;
        let current = c.current.advance(self.state.current, &now, voltage, torque);
        let speed = c.speed.advance(self.state.speed, &now, voltage, torque);
        let next_speed = T::narrow(speed);

        if c.dry_friction && !next_speed.points_along(friction) {
            let drive = T::narrow(current).scale(c.torque_constant) - load_torque;
            // Friction stops a shaft and holds it, but never turns it round.
            if resting || drive.magnitude() <= c.breakaway {
                let held = self.held_current(now.current, voltage);
                return self.stop(held, now.speed);
            }
        }
        self.state.current = current;
        self.state.speed = speed;
        self.turn(now.speed, next_speed);
        self.state.rounded()
    }

    /// Changes the constants and keeps the state and the period.
    ///
    /// # Errors
    /// As [`DcMotorConfig::build`]; the motor then stays as it is.
    pub fn retune(&mut self, config: &DcMotorConfig<T::Param>) -> Result<(), ConfigError> {
        self.coefficients = Coefficients::new(config, self.dt)?;
        Ok(())
    }

    /// Current, speed and angle now.
    pub fn now(&self) -> MotorState<T> {
        self.state.rounded()
    }
    /// The state, to be put back later.
    pub fn state(&self) -> DcMotorState<T> {
        self.state
    }
    /// Puts a state back; one with an unusable value is a motor at rest.
    pub fn restore(&mut self, state: DcMotorState<T>) {
        let MotorState {
            current,
            speed,
            angle,
        } = state.rounded();
        let usable = current.is_usable() && speed.is_usable() && angle.is_usable();
        self.state = if usable {
            state
        } else {
            DcMotorState::default()
        };
    }
    /// Back to rest at angle zero.
    pub fn reset(&mut self) {
        self.state = DcMotorState::default();
    }

    fn held_current(&self, current: T, voltage: T) -> T::Wide {
        let (per_ampere, per_volt) = self.coefficients.held;
        let sum = T::accumulate(self.state.current, per_ampere, current);
        contained::<T>(T::accumulate(sum, per_volt, voltage))
    }

    fn stop(&mut self, current: T::Wide, speed_before: T) -> MotorState<T> {
        self.state.current = current;
        self.state.speed = T::zero().widen();
        self.turn(speed_before, T::zero());
        self.state.rounded()
    }

    fn turn(&mut self, before: T, after: T) {
        let half = self.coefficients.half_dt;
        let angle = T::accumulate(self.state.angle, half, before);
        self.state.angle = contained::<T>(T::accumulate(angle, half, after));
    }
}

impl<T: Scalar> Step for DcMotor<T> {
    /// Voltage in V, load torque in N·m.
    type Input = (T, T);
    type Output = MotorState<T>;
    type State = DcMotorState<T>;
    fn step(&mut self, (voltage, load_torque): (T, T)) -> MotorState<T> {
        DcMotor::step(self, voltage, load_torque)
    }
    fn state(&self) -> DcMotorState<T> {
        DcMotor::state(self)
    }
    fn restore(&mut self, state: DcMotorState<T>) {
        DcMotor::restore(self, state);
    }
}

/// Signs, where zero belongs to neither side.
trait Sign: Scalar {
    #[inline]
    fn with_sign_of(self, other: Self) -> Self {
        if other < Self::zero() { -self } else { self }
    }
    #[inline]
    fn points_along(self, other: Self) -> bool {
        let zero = Self::zero();
        (self > zero && other > zero) || (self < zero && other < zero)
    }
}
impl<T: Scalar> Sign for T {}

#[cfg(test)]
mod tests;
