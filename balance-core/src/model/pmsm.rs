//! A permanent-magnet synchronous motor on a three-phase inverter.
//!
//! In the frame of the rotor, with the electrical speed ω = pole pairs · ωm,
//!
//! ```text
//! L_d di_d/dt = v_d − R i_d + ω L_q i_q
//! L_q di_q/dt = v_q − R i_q − ω (L_d i_d + ψ)
//! J dωm/dt = 3/2 p (ψ i_q + (L_d − L_q) i_d i_q) + cogging − b ωm − friction − load
//! ```
//!
//! The winding is integrated by the classical Runge-Kutta method in a few equal parts of a period
//! while the rotor turns under the voltages, the mechanics by the symplectic Euler method in the
//! same parts. Currents and angles come out at the end of the period, where symmetric modulation
//! has no ripple to show; inside, [`Inverter::switching`] makes the ripple.

use crate::config::{ConfigError, finite, non_negative, period, positive, within};
use crate::math::{Float, wrap_angle};
use crate::motor::foc::{AlphaBeta, Dq, Machine, Rotation, clarke_three, inverse_clarke};

/// The three half-bridges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inverter<P = f32> {
    /// Bus voltage, V, above zero.
    pub bus_voltage: P,
    /// Share of a period for which both switches of a half-bridge are off at each change, 0 to
    /// 0.1: 1 µs at 20 kHz is 0.02. It takes this share of the bus voltage off a phase whose
    /// current flows out, and adds it to one whose current flows in.
    pub dead_time: P,
    /// Current below which the freewheeling diodes no longer tell its direction, A, above zero.
    pub dead_time_blend: P,
    /// Switch the phases within a period, centred, instead of applying mean voltages: currents
    /// then have their ripple, which needs twenty parts of a period or more.
    pub switching: bool,
}

/// Constants of a motor, its load and its inverter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PmsmConfig<P = f32> {
    /// The winding and the magnet.
    pub machine: Machine<P>,
    /// Moment of inertia of all that turns, kg·m², above zero.
    pub inertia: P,
    /// Friction proportional to speed, N·m·s/rad.
    pub viscous_friction: P,
    /// Dry friction, N·m.
    pub coulomb_torque: P,
    /// Peak of the torque with which magnets seek teeth, N·m. Zero: none.
    pub cogging_torque: P,
    /// Periods of that torque in a turn: the least common multiple of poles and slots.
    pub cogging_periods: u16,
    /// The inverter.
    pub inverter: Inverter<P>,
    /// Parts of a period for the integration, 1 to 1000; one per 50 µs and electrical radian does.
    pub parts: u16,
}

impl<P: Float> Default for PmsmConfig<P> {
    /// [`PmsmConfig::hoverboard`].
    fn default() -> Self {
        Self::hoverboard()
    }
}

impl<P: Float> PmsmConfig<P> {
    /// [`Machine::gimbal`] with a camera on it, at 12 V.
    #[must_use]
    pub fn gimbal() -> Self {
        Self {
            machine: Machine::gimbal(),
            inertia: P::lit(4.0e-5),
            viscous_friction: P::lit(2.0e-5),
            coulomb_torque: P::lit(2.0e-3),
            cogging_torque: P::lit(1.0e-3),
            cogging_periods: 132,
            inverter: Inverter::ideal(P::lit(12.0)),
            parts: 2,
        }
    }

    /// [`Machine::hoverboard`] with its tyre, off the ground, at 36 V.
    #[must_use]
    pub fn hoverboard() -> Self {
        Self {
            machine: Machine::hoverboard(),
            inertia: P::lit(8.0e-3),
            viscous_friction: P::lit(2.0e-3),
            coulomb_torque: P::lit(0.06),
            cogging_torque: P::lit(0.02),
            cogging_periods: 270,
            inverter: Inverter::ideal(P::lit(36.0)),
            parts: 2,
        }
    }

    /// [`Machine::drone`] at 16 V with the inertia of a five-inch propeller, whose drag the load
    /// torque has to bring.
    #[must_use]
    pub fn drone() -> Self {
        Self {
            machine: Machine::drone(),
            inertia: P::lit(8.0e-6),
            viscous_friction: P::lit(1.0e-6),
            coulomb_torque: P::lit(1.0e-3),
            cogging_torque: P::lit(1.0e-3),
            cogging_periods: 84,
            inverter: Inverter::ideal(P::lit(16.0)),
            parts: 2,
        }
    }

    /// Prepares a motor that advances by `dt` seconds a step, at rest.
    ///
    /// # Errors
    /// Names the field that is out of its range.
    pub fn build(&self, dt: P) -> Result<Pmsm<P>, ConfigError> {
        self.machine.check()?;
        positive("inertia", self.inertia)?;
        non_negative("viscous_friction", self.viscous_friction)?;
        non_negative("coulomb_torque", self.coulomb_torque)?;
        finite("cogging_torque", self.cogging_torque)?;
        positive("bus_voltage", self.inverter.bus_voltage)?;
        within("dead_time", self.inverter.dead_time, P::zero(), P::lit(0.1))?;
        positive("dead_time_blend", self.inverter.dead_time_blend)?;
        if !(1..=1000).contains(&self.parts) {
            return Err(ConfigError::OutOfRange("parts"));
        }
        Ok(Pmsm {
            config: *self,
            part: period(dt)? / P::lit(f64::from(self.parts)),
            state: PmsmState::default(),
            ripple: P::zero(),
        })
    }
}

impl<P: Float> Inverter<P> {
    /// Without dead time and ripple.
    #[must_use]
    pub fn ideal(bus_voltage: P) -> Self {
        Self {
            bus_voltage,
            dead_time: P::zero(),
            dead_time_blend: P::lit(0.1),
            switching: false,
        }
    }

    /// Mean share of the bus voltage on a phase between two moments of a period (0 to 1).
    fn share(&self, duty: P, current: P, from: P, to: P) -> P {
        let sign = (current / self.dead_time_blend).limit(-P::one(), P::one());
        let duty = (duty - self.dead_time * sign).limit(P::zero(), P::one());
        if !self.switching {
            return duty;
        }
        // On while within half a duty of the centre of the period.
        let half = P::lit(0.5);
        let (on, off) = (half - half * duty, half + half * duty);
        let overlap = to.limit(on, off) - from.limit(on, off);
        overlap / (to - from)
    }
}

/// What a motor does at the end of a period.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PmsmState<P> {
    /// Current in the frame of the rotor, A.
    pub current: Dq<P>,
    /// Mechanical speed, rad/s.
    pub speed: P,
    /// Mechanical angle, −π .. π.
    pub angle: P,
    /// Whole turns.
    pub turns: i32,
    /// Torque of the currents, N·m.
    pub torque: P,
}

/// A motor on its inverter; see the [module](self).
///
/// ```
/// use balance_core::model::PmsmConfig;
/// let mut motor = PmsmConfig::<f64>::gimbal().build(5e-5)?;
/// for _ in 0..4000 {
///     motor.step([0.6, 0.45, 0.45], 0.0); // holds phase a: the magnet aligns with it
/// }
/// let volts = 12.0 * 0.15 * 2.0 / 3.0;
/// assert!((motor.phase_currents()[0] - volts / 5.6).abs() < 1e-3);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Pmsm<P> {
    config: PmsmConfig<P>,
    part: P,
    state: PmsmState<P>,
    ripple: P,
}

impl<P: Float> Pmsm<P> {
    /// Advances by one period with three duties (0 to 1) and the torque that the load takes, N·m.
    ///
    /// An unusable input changes nothing.
    pub fn step(&mut self, duties: [P; 3], load_torque: P) -> PmsmState<P> {
        if !load_torque.is_usable() || !duties.iter().all(|duty| duty.is_usable()) {
            return self.state;
        }
        let step = P::one() / P::lit(f64::from(self.config.parts));
        let first = self.phase_currents()[0];
        let (mut low, mut high) = (first, first);
        for part in 0..self.config.parts {
            let from = P::lit(f64::from(part)) * step;
            let phases = self.phase_currents();
            let mut volts = [P::zero(); 3];
            for ((volts, duty), current) in volts.iter_mut().zip(duties).zip(phases) {
                let share = self.config.inverter.share(duty, current, from, from + step);
                *volts = self.config.inverter.bus_voltage * share;
            }
            self.wind(clarke_three(volts));
            self.turn(load_torque);
            low = if phases[0] < low { phases[0] } else { low };
            high = if phases[0] > high { phases[0] } else { high };
        }
        self.ripple = high - low;
        self.state
    }

    /// Swing of the current in phase a within the last period, A.
    pub fn ripple(&self) -> P {
        self.ripple
    }

    /// Advances by one period with all switches open, the currents gone at once: true as long as
    /// the motor is not so fast that its voltage exceeds that of the bus.
    pub fn coast(&mut self, load_torque: P) -> PmsmState<P> {
        if load_torque.is_usable() {
            self.state.current = Dq::default();
            for _ in 0..self.config.parts {
                self.turn(load_torque);
            }
        }
        self.state
    }

    /// Currents and angle now.
    pub fn state(&self) -> PmsmState<P> {
        self.state
    }

    /// Puts the motor into a state.
    pub fn restore(&mut self, state: PmsmState<P>) {
        self.state = state;
    }

    /// The constants.
    pub fn config(&self) -> &PmsmConfig<P> {
        &self.config
    }

    /// Changes the bus voltage.
    pub fn set_bus_voltage(&mut self, volts: P) {
        if volts.is_usable() {
            self.config.inverter.bus_voltage = volts;
        }
    }

    /// Electrical angle, −π .. π.
    pub fn electrical_angle(&self) -> P {
        wrap_angle(self.state.angle * self.config.machine.poles())
    }

    /// Electrical speed, rad/s.
    pub fn electrical_speed(&self) -> P {
        self.state.speed * self.config.machine.poles()
    }

    /// Mechanical angle with its turns, rad.
    pub fn position(&self) -> P {
        P::lit(f64::from(self.state.turns)) * P::TAU + self.state.angle
    }

    /// Currents into the three phases, A.
    pub fn phase_currents(&self) -> [P; 3] {
        let rotation = Rotation::of(self.electrical_angle());
        inverse_clarke(rotation.inverse_park(self.state.current))
    }

    /// The winding, over one part, with voltages that stand still in the stator.
    fn wind(&mut self, voltage: AlphaBeta<P>) {
        let (h, half) = (self.part, P::lit(0.5));
        let (angle, speed) = (self.electrical_angle(), self.electrical_speed());
        let rate = |time: P, i: Dq<P>| {
            let v = Rotation::of(angle + speed * time).park(voltage);
            let m = &self.config.machine;
            Dq {
                d: (v.d - m.resistance * i.d + speed * m.inductance_q * i.q) / m.inductance_d,
                q: (v.q - m.resistance * i.q - speed * (m.inductance_d * i.d + m.flux))
                    / m.inductance_q,
            }
        };
        let after = |i: Dq<P>, k: Dq<P>, time: P| Dq::new(i.d + time * k.d, i.q + time * k.q);
        let i = self.state.current;
        let k1 = rate(P::zero(), i);
        let k2 = rate(half * h, after(i, k1, half * h));
        let k3 = rate(half * h, after(i, k2, half * h));
        let k4 = rate(h, after(i, k3, h));
        let two = P::lit(2.0);
        let mean = Dq {
            d: (k1.d + two * (k2.d + k3.d) + k4.d) / P::lit(6.0),
            q: (k1.q + two * (k2.q + k3.q) + k4.q) / P::lit(6.0),
        };
        self.state.current = after(i, mean, h);
    }

    /// The rotor, over one part.
    fn turn(&mut self, load_torque: P) {
        let (c, m) = (&self.config, &self.config.machine);
        let i = self.state.current;
        let torque = P::lit(1.5)
            * m.poles()
            * (m.flux * i.q + (m.inductance_d - m.inductance_q) * i.d * i.q);
        self.state.torque = torque;
        let cogging = if c.cogging_torque == P::zero() {
            P::zero()
        } else {
            c.cogging_torque * (self.state.angle * P::lit(f64::from(c.cogging_periods))).sin()
        };
        let drive = torque - cogging - load_torque - c.viscous_friction * self.state.speed;
        let free = self.state.speed + drive * self.part / c.inertia;
        // Dry friction takes speed away, down to standstill and not beyond.
        let brake = c.coulomb_torque * self.part / c.inertia;
        self.state.speed = if free > brake {
            free - brake
        } else if free < -brake {
            free + brake
        } else {
            P::zero()
        };
        let angle = self.state.angle + self.state.speed * self.part;
        let wrapped = wrap_angle(angle);
        if angle >= P::PI {
            self.state.turns = self.state.turns.saturating_add(1);
        } else if angle < -P::PI {
            self.state.turns = self.state.turns.saturating_sub(1);
        }
        self.state.angle = wrapped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DT: f64 = 5e-5;

    fn quiet(config: PmsmConfig<f64>) -> PmsmConfig<f64> {
        PmsmConfig {
            coulomb_torque: 0.0,
            cogging_torque: 0.0,
            viscous_friction: 0.0,
            ..config
        }
    }

    #[test]
    fn power_in_is_heat_and_motion() {
        // Copper, kinetic and magnetic energy account for what the bus gives.
        let config = PmsmConfig {
            parts: 50,
            ..quiet(PmsmConfig::hoverboard())
        };
        let mut motor = config.build(DT).unwrap();
        let m = config.machine;
        let (mut given, mut heat) = (0.0, 0.0);
        for tick in 0..4000 {
            let angle = 0.02 * f64::from(tick);
            let duty = |n: f64| 0.5 + 0.06 * (angle - n * core::f64::consts::TAU / 3.0).cos();
            let duties = [duty(0.0), duty(1.0), duty(2.0)];
            let power = |motor: &Pmsm<f64>| {
                let i = motor.phase_currents();
                36.0 * duties.iter().zip(i).map(|(d, i)| d * i).sum::<f64>()
            };
            let loss = |motor: &Pmsm<f64>| {
                let i = motor.state().current;
                1.5 * m.resistance * (i.d * i.d + i.q * i.q)
            };
            let (p, l) = (power(&motor), loss(&motor));
            motor.step(duties, 0.0);
            given += 0.5 * DT * (p + power(&motor));
            heat += 0.5 * DT * (l + loss(&motor));
        }
        let s = motor.state();
        let stored = 0.5 * config.inertia * s.speed * s.speed
            + 0.75 * (m.inductance_d * s.current.d.powi(2) + m.inductance_q * s.current.q.powi(2));
        let missing = given - heat - stored;
        assert!(
            given > 1.0 && missing.abs() < 5e-3 * given,
            "{given} {heat} {stored}"
        );
    }

    #[test]
    fn turned_by_hand_it_is_a_generator() {
        // Shorted and turned at a constant speed: the stationary currents of the equations.
        let config = quiet(PmsmConfig::hoverboard());
        let mut motor = PmsmConfig {
            inertia: 1e9,
            ..config
        }
        .build(DT)
        .unwrap();
        motor.restore(PmsmState {
            speed: 10.0,
            ..Default::default()
        });
        for _ in 0..2000 {
            motor.step([0.5; 3], 0.0);
        }
        let m = config.machine;
        let w = 150.0;
        let (xd, xq) = (w * m.inductance_d, w * m.inductance_q);
        let q = -w * m.flux * m.resistance / (m.resistance * m.resistance + xd * xq);
        let d = xq * q / m.resistance;
        let i = motor.state().current;
        assert!(
            (i.q - q).abs() < 1e-3 && (i.d - d).abs() < 1e-3,
            "{i:?} {d} {q}"
        );
        assert!(motor.state().torque < 0.0);
    }

    #[test]
    fn finer_parts_change_little() {
        let run = |parts| {
            let config = PmsmConfig {
                parts,
                ..PmsmConfig::drone()
            };
            let mut motor = config.build(2.5e-5).unwrap();
            for tick in 0..8000 {
                let angle = 2e-6 * f64::from(tick).powi(2);
                let duty = |n: f64| 0.5 + 0.1 * (angle - n * core::f64::consts::TAU / 3.0).cos();
                motor.step([duty(0.0), duty(1.0), duty(2.0)], 0.0);
            }
            motor.position()
        };
        let (coarse, fine) = (run(2), run(40));
        assert!(
            fine > 1.0 && (coarse - fine).abs() < 2e-3 * fine,
            "{coarse} {fine}"
        );
    }

    #[test]
    fn ripple_is_inside_the_period_and_its_mean_outside() {
        let mut config = quiet(PmsmConfig::<f64>::hoverboard());
        config.inertia = 1e3;
        let mut mean = config.build(DT).unwrap();
        config.inverter.switching = true;
        config.parts = 100;
        let mut switched = config.build(DT).unwrap();
        for _ in 0..200 {
            mean.step([0.56, 0.47, 0.47], 0.0);
            switched.step([0.56, 0.47, 0.47], 0.0);
        }
        let (a, b) = (mean.phase_currents()[0], switched.phase_currents()[0]);
        assert!(a > 5.0 && (a - b).abs() < 0.01 * a, "{a} {b}");
        // Between the zero vectors phase a sees two thirds of the bus, twice for 0.045 periods.
        let swing = (24.0 - 0.18 * a) * 0.045 * DT / 3.0e-4;
        assert!(
            mean.ripple() < 1e-3 && (switched.ripple() - swing).abs() < 0.05 * swing,
            "{} {swing}",
            switched.ripple()
        );
    }

    #[test]
    fn dead_time_takes_voltage_from_the_current() {
        let mut config = quiet(PmsmConfig::<f64>::hoverboard());
        config.inertia = 1e3;
        let settle = |config: PmsmConfig<f64>| {
            let mut motor = config.build(DT).unwrap();
            for _ in 0..2000 {
                motor.step([0.56, 0.47, 0.47], 0.0);
            }
            motor.phase_currents()[0]
        };
        let ideal = settle(config);
        config.inverter.dead_time = 0.01;
        let real = settle(config);
        // Phase a loses 1 % of the bus, b and c gain as much: 2/3 of twice that.
        let lost = 36.0 * 0.01 * 4.0 / 3.0 / config.machine.resistance;
        assert!((ideal - real - lost).abs() < 1e-3, "{ideal} {real} {lost}");
    }

    #[test]
    fn friction_holds_a_rotor_and_never_turns_it() {
        let mut motor = PmsmConfig::<f64>::hoverboard().build(DT).unwrap();
        for _ in 0..1000 {
            motor.coast(0.03);
        }
        assert_eq!(motor.state().speed, 0.0);
        for _ in 0..1000 {
            motor.coast(0.2);
        }
        assert!(motor.state().speed < 0.0);
        assert_eq!(motor.step([f64::NAN; 3], 0.0), motor.state());
    }
}
