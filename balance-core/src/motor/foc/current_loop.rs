//! The current loop of a three-phase motor: measured currents in, duties out.
//!
//! ```text
//! v_d = kp e_d + I_d − ω L_q i_q            I ← I + (1 − a) (v − v_ff − I)
//! v_q = kp e_q + I_q + ω (L_d i_d + ψ)      a = exp(−R dt / L)
//! ```
//!
//! **Pole cancellation**, exact for the sampled winding: the zero of the PI lies on the pole `a`
//! of R and L, `kp = R (1 − exp(−bandwidth · dt)) / (1 − a)`, so the current answers a step like a
//! first-order lag of the wanted bandwidth. **Decoupling** takes the voltages of rotation off it.
//! **Limit**: the vector stays in a circle; d is served first (field weakening must not be the one
//! to starve), q takes what is left. **Anti-windup**: the integral follows the voltage that was
//! possible, not the one that was wished for, with the winding's own time constant (the
//! "automatic reset" form; R. Hanus et al., "Conditioning technique, a general anti-windup and
//! bumpless transfer method", Automatica 23(6), 1987), so that it
//! can neither wind up nor turn the torque round, in saturating fixed point as in floats.

use super::machine::Machine;
use super::svpwm::modulate;
use super::transforms::{Dq, Rotation, clarke};
use crate::config::{ConfigError, period, positive, within};
use crate::math::{Float, Real, Scalar};
use crate::motor::coefficient::{gain, value};
use crate::step::Step;

/// Settings of a [`CurrentLoop`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurrentLoopConfig<P = f32> {
    /// The motor. An inductance that is too large by a third makes a bandwidth of `0.25 / dt`
    /// overshoot, one that is too small only slows it down.
    pub machine: Machine<P>,
    /// Bandwidth, rad/s, above zero to `0.5 / dt`. Too small: torque comes late, a fast rotor
    /// drags the current off. Too large: with the usual delay of a period, above `0.25 / dt`, it
    /// overshoots.
    pub bandwidth: P,
    /// Length of the largest voltage vector over the 0.577 (1/√3) of the bus voltage that every
    /// direction can have, 0.1 to 1.15. Above 1 the modulation distorts; below, time is kept
    /// free for current shunts in the low sides.
    pub max_modulation: P,
    /// Periods from the measurement until half of the new voltage has acted, 0 to 2: 1.5 where
    /// duties take effect with the next period, 0.5 where they do so at once. The voltage is
    /// turned ahead by as much as the rotor moves meanwhile (exact to 1 % and 0.02 rad up to half
    /// a radian). Too small: at high speed the current lags, and oscillates.
    pub output_delay: P,
    /// Lowest bus voltage that is believed, V, above zero.
    pub min_bus_voltage: P,
    /// Highest bus voltage that is believed, V. A reading out of this range is replaced by the
    /// last good one, at first by this.
    pub max_bus_voltage: P,
}

impl<P: Float> Default for CurrentLoopConfig<P> {
    /// A hoverboard's wheel on ten cells, 200 Hz.
    fn default() -> Self {
        Self {
            machine: Machine::default(),
            bandwidth: P::lit(1256.0),
            max_modulation: P::lit(1.0),
            output_delay: P::lit(1.5),
            min_bus_voltage: P::lit(20.0),
            max_bus_voltage: P::lit(45.0),
        }
    }
}

impl<P: Float> CurrentLoopConfig<P> {
    /// Prepares a loop that runs every `dt` seconds, at rest.
    ///
    /// Fixed point: use `Q16`. It is proven for electrical speeds up to 32,000 rad/s, bus voltages
    /// up to 300 V, and currents that stay below 32,000 A · Ω of `kp`.
    ///
    /// # Errors
    ///
    /// Names the field that is out of its range or beyond the scalar type.
    pub fn build<T: Real<Param = P>>(&self, dt: P) -> Result<CurrentLoop<T>, ConfigError> {
        let coefficients = Coefficients::new(self, dt)?;
        Ok(CurrentLoop {
            dt,
            supply: Supply::new(coefficients.max_bus),
            coefficients,
            state: CurrentLoopState::default(),
        })
    }
}

/// The bus voltage and its reciprocal.
#[derive(Clone, Copy, Debug)]
struct Supply<T> {
    voltage: T,
    reciprocal: T,
}

impl<T: Real> Supply<T> {
    fn new(voltage: T) -> Self {
        Self {
            voltage,
            reciprocal: T::one() / voltage,
        }
    }

    /// The last good voltage.
    #[cold]
    fn last(&self) -> T {
        self.voltage
    }

    /// A voltage as a share of the bus. Where a division is a long routine in integers, one step
    /// of Newton's iteration follows a bus that moves by up to 3 % a period.
    #[inline(always)]
    fn share(&mut self, voltage: Dq<T>) -> Dq<T> {
        let reciprocal = if T::MAX.to_param() < T::Param::lit(1e18) {
            let rest = T::one() - self.voltage * self.reciprocal;
            let off = rest.magnitude();
            // As close as a reciprocal of some hundredths can be; else a step, or a division.
            if off > T::lit(0.03) {
                self.reciprocal = T::one() / self.voltage;
            } else if off > T::lit(4e-4) {
                self.reciprocal += self.reciprocal * rest;
            }
            self.reciprocal
        } else {
            T::one() / self.voltage
        };
        Dq {
            d: voltage.d.times(reciprocal),
            q: voltage.q.times(reciprocal),
        }
    }
}

/// Everything computed once.
#[derive(Clone, Copy, Debug)]
struct Coefficients<T: Scalar> {
    kp: Dq<T::Gain>,
    /// 1 − a.
    follow: Dq<T::Gain>,
    inductance: Dq<T::Gain>,
    flux: T::Gain,
    linkage: T::Wide,
    /// Largest vector per volt of the bus, and its square.
    reach: T,
    reach_square: T,
    delay: T::Gain,
    min_bus: T,
    max_bus: T,
}

impl<T: Scalar> Coefficients<T> {
    fn new(config: &CurrentLoopConfig<T::Param>, dt: T::Param) -> Result<Self, ConfigError> {
        let lit = T::Param::lit;
        let dt = period(dt)?;
        let machine = &config.machine;
        machine.check()?;
        positive("bandwidth", config.bandwidth)?;
        within("bandwidth", config.bandwidth * dt, lit(0.0), lit(0.5))?;
        let modulation = within("max_modulation", config.max_modulation, lit(0.1), lit(1.15))?;
        let delay = within("output_delay", config.output_delay, lit(0.0), lit(2.0))?;
        let min_bus = value::<T>("min_bus_voltage", config.min_bus_voltage)?;
        let max_bus = value::<T>("max_bus_voltage", config.max_bus_voltage)?;
        if positive("min_bus_voltage", config.min_bus_voltage)? >= config.max_bus_voltage {
            return Err(ConfigError::Order("min_bus_voltage", "max_bus_voltage"));
        }
        let reach = modulation * lit(0.577_350_269);
        let longest = config.max_bus_voltage * reach;
        value::<T>("max_bus_voltage", longest * longest * lit(1.1))?;

        let one = lit(1.0);
        let answer = one - (-config.bandwidth * dt).exp();
        let axis = |inductance: T::Param| {
            let follow = one - (-machine.resistance * dt / inductance).exp();
            (machine.resistance * answer / follow, follow)
        };
        let (kp_d, follow_d) = axis(machine.inductance_d);
        let (kp_q, follow_q) = axis(machine.inductance_q);
        Ok(Self {
            kp: Dq::new(
                gain::<T>("inductance_d", kp_d)?,
                gain::<T>("inductance_q", kp_q)?,
            ),
            follow: Dq::new(T::gain(follow_d), T::gain(follow_q)),
            inductance: Dq::new(
                gain::<T>("inductance_d", machine.inductance_d)?,
                gain::<T>("inductance_q", machine.inductance_q)?,
            ),
            flux: gain::<T>("flux", machine.flux)?,
            linkage: T::from_param(machine.flux).widen(),
            reach: T::from_param(reach),
            reach_square: T::from_param(reach * reach),
            delay: T::gain(delay * dt),
            min_bus,
            max_bus,
        })
    }
}

impl<T: Scalar> Coefficients<T> {
    /// `ω L_q i_q` and `ω (L_d i_d + ψ)`, by the way that rounds less: a flux has few digits in
    /// fixed point.
    #[inline(always)]
    fn rotation_voltages(&self, speed: T, current: &Dq<T>) -> (T, T) {
        let Self { inductance, .. } = self;
        if T::MAX.to_param() < T::Param::lit(1e18) {
            let lift = speed.scale(inductance.d).times(current.d);
            (
                speed.scale(inductance.q).times(current.q),
                lift.plus(speed.scale(self.flux)),
            )
        } else {
            let linked = T::accumulate(self.linkage, inductance.d, current.d);
            (
                speed.times(current.q.scale(inductance.q)),
                speed.times(T::narrow(linked)),
            )
        }
    }
}

/// What a period of a [`CurrentLoop`] takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CurrentLoopInput<T> {
    /// Currents into phases a and b, A. The third is minus their sum.
    pub phase_currents: [T; 2],
    /// Electrical angle at the moment of the measurement, rad, wrapped or not.
    pub angle: T,
    /// Electrical speed, rad/s.
    pub speed: T,
    /// Bus voltage, V.
    pub bus_voltage: T,
    /// Wanted current, A.
    pub reference: Dq<T>,
}

impl<T: Scalar> CurrentLoopInput<T> {
    /// Whether all but the bus voltage may enter. Whatever is not finite leaves its mark in a sum;
    /// what is only absurd ends at the limits.
    #[cold]
    fn is_usable(&self) -> bool {
        let [a, b] = self.phase_currents;
        let all = a + b + self.angle + self.speed + self.reference.d + self.reference.q;
        all.is_usable()
    }
}

/// What a period of a [`CurrentLoop`] gives.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CurrentLoopOutput<T> {
    /// Share of the period for which each upper switch is on, 0 to 1.
    pub duties: [T; 3],
    /// Measured current in the frame of the rotor, A.
    pub current: Dq<T>,
    /// Applied voltage in the frame of the rotor, V.
    pub voltage: Dq<T>,
    /// The voltage was limited.
    pub saturated: bool,
    /// An input was unusable: the last good duties stand; current and voltage are unknown and read
    /// zero. The duties are those of the last good angle, so whoever sees this for more than a few
    /// periods switches off ([`supervision`](super::supervision)).
    pub held: bool,
}

/// The values of a [`CurrentLoop`] that change.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CurrentLoopState<T: Scalar> {
    /// The integrals, V.
    pub integral: Dq<T::Wide>,
    /// The last good duties.
    pub duties: [T; 3],
}

/// The current loop of a three-phase motor; see the [module](super) for an example and
/// [`CurrentLoopConfig`] for the settings.
#[derive(Clone, Copy, Debug)]
pub struct CurrentLoop<T: Scalar> {
    dt: T::Param,
    coefficients: Coefficients<T>,
    supply: Supply<T>,
    state: CurrentLoopState<T>,
}

impl<T: Real> CurrentLoop<T> {
    /// Advances by one period.
    ///
    /// One sine and cosine, about 30 multiplications, a division (floats) and, at the limit only, a
    /// root.
    #[inline]
    pub fn step(&mut self, input: &CurrentLoopInput<T>) -> CurrentLoopOutput<T> {
        let c = &self.coefficients;
        // First, while there is nothing yet that a far angle's call would have to keep.
        let rotation = Rotation::of(input.angle);
        let bus = input.bus_voltage;
        self.supply.voltage = if bus.is_within(c.min_bus, c.max_bus) {
            bus
        } else {
            self.supply.last()
        };

        let [a, b] = input.phase_currents;
        let current = rotation.park(clarke(a, b));
        let (drag, lift) = c.rotation_voltages(input.speed, &current);
        let forward = Dq { d: -drag, q: lift };
        let integral = Dq {
            d: T::narrow(self.state.integral.d),
            q: T::narrow(self.state.integral.q),
        };
        let push = Dq {
            d: input.reference.d.minus(current.d).scale(c.kp.d),
            q: input.reference.q.minus(current.q).scale(c.kp.q),
        };
        let wanted = Dq {
            d: push.d.plus(integral.d).minus(drag),
            q: push.q.plus(integral.q).plus(forward.q),
        };
        let share = self.supply.share(wanted);
        let length = T::product_sum(share.d, share.d, share.q, share.q);
        // What is not finite has left its mark in the length, and is not inside.
        let inside = c.reach_square.is_above(length);
        let (voltage, share, push) = if inside {
            (wanted, share, push)
        } else {
            if !input.is_usable() {
                return self.hold();
            }
            let reach = self.supply.voltage * c.reach;
            let voltage = limited(wanted, reach, reach * reach);
            // A forward voltage beyond all reach must not enter the integral.
            let most = reach + reach;
            let push = Dq {
                d: bounded(voltage.d - forward.d, most) - integral.d,
                q: bounded(voltage.q - forward.q, most) - integral.q,
            };
            (voltage, self.supply.share(voltage), push)
        };
        self.state.integral.d = T::accumulate(self.state.integral.d, c.follow.d, push.d);
        self.state.integral.q = T::accumulate(self.state.integral.q, c.follow.q, push.q);

        let turned = ahead(share, input.speed.scale(c.delay));
        modulate(&mut self.state.duties, rotation.inverse_park(turned));
        CurrentLoopOutput {
            duties: self.state.duties,
            current,
            voltage,
            saturated: !inside,
            held: false,
        }
    }

    #[cold]
    fn hold(&self) -> CurrentLoopOutput<T> {
        CurrentLoopOutput {
            duties: self.state.duties,
            held: true,
            ..CurrentLoopOutput::default()
        }
    }

    /// Turns the frame of the rotor by `angle` rad, as when another angle source takes over that
    /// reads this much more: the integrals stand for the same voltage of the stator as before, so
    /// the current does not jump.
    pub fn turn_frame(&mut self, angle: T) {
        if !angle.is_usable() {
            return;
        }
        let by = Rotation::of(angle);
        let turn = |v: Dq<T>| {
            let turned = by.park(super::AlphaBeta {
                alpha: v.d,
                beta: v.q,
            });
            Dq::new(turned.d, turned.q)
        };
        let integral = turn(Dq::new(
            T::narrow(self.state.integral.d),
            T::narrow(self.state.integral.q),
        ));
        self.state.integral = Dq::new(integral.d.widen(), integral.q.widen());
    }

    /// Takes new settings; the voltage does not jump. The period stays.
    ///
    /// # Errors
    ///
    /// As [`CurrentLoopConfig::build`]; the old settings then stay.
    pub fn retune(&mut self, config: &CurrentLoopConfig<T::Param>) -> Result<(), ConfigError> {
        self.coefficients = Coefficients::new(config, self.dt)?;
        let within = self
            .supply
            .voltage
            .limit(self.coefficients.min_bus, self.coefficients.max_bus);
        self.supply = Supply::new(within);
        self.restore(self.state);
        Ok(())
    }

    /// Forgets everything; to be called before the bridge is switched on again.
    pub fn reset(&mut self) {
        self.restore(CurrentLoopState::default());
    }

    /// The values that change.
    pub fn state(&self) -> CurrentLoopState<T> {
        self.state
    }

    /// Puts a state back; an unusable one means rest.
    pub fn restore(&mut self, state: CurrentLoopState<T>) {
        let most = self.supply.voltage + self.supply.voltage;
        let duties = &state.duties;
        let (d, q) = (T::narrow(state.integral.d), T::narrow(state.integral.q));
        let usable = d.is_usable()
            && q.is_usable()
            && duties.iter().all(|d| *d >= T::zero() && *d <= T::one());
        self.state = if usable {
            let bound = |wide: T::Wide, value: T| {
                if value.magnitude() > most {
                    bounded(value, most).widen()
                } else {
                    wide
                }
            };
            CurrentLoopState {
                integral: Dq::new(bound(state.integral.d, d), bound(state.integral.q, q)),
                ..state
            }
        } else {
            CurrentLoopState::default()
        };
    }
}

#[cold]
#[inline(never)]
fn one_radian<T: Scalar>(angle: T) -> (T, T) {
    (angle.limit(-T::one(), T::one()), T::one())
}

/// A vector turned ahead by an angle, to second order; by one radian at most.
#[inline(always)]
fn ahead<T: Scalar>(vector: Dq<T>, angle: T) -> Dq<T> {
    let square = angle.times(angle);
    let (angle, square) = if T::one().is_above(square) {
        (angle, square)
    } else {
        one_radian(angle)
    };
    let along = T::one().minus(square.halved());
    Dq {
        d: T::product_difference(along, vector.d, angle, vector.q),
        q: T::product_sum(along, vector.q, angle, vector.d),
    }
}

/// The vector within a circle, d first.
#[cold]
fn limited<T: Real>(wanted: Dq<T>, reach: T, square: T) -> Dq<T> {
    let d = bounded(wanted.d, reach);
    let rest = square - d * d;
    let rest = if rest > T::zero() {
        rest.sqrt()
    } else {
        T::zero()
    };
    Dq::new(d, bounded(wanted.q, rest))
}

/// Within ± `most`; NaN gives zero.
fn bounded<T: Scalar>(x: T, most: T) -> T {
    if x > most {
        most
    } else if x >= -most {
        x
    } else if x < -most {
        -most
    } else {
        T::zero()
    }
}

impl<T: Real> Step for CurrentLoop<T> {
    type Input = CurrentLoopInput<T>;
    type Output = CurrentLoopOutput<T>;
    type State = CurrentLoopState<T>;
    #[inline]
    fn step(&mut self, input: CurrentLoopInput<T>) -> CurrentLoopOutput<T> {
        CurrentLoop::step(self, &input)
    }
    fn state(&self) -> CurrentLoopState<T> {
        CurrentLoop::state(self)
    }
    fn restore(&mut self, state: CurrentLoopState<T>) {
        CurrentLoop::restore(self, state);
    }
}

#[cfg(test)]
mod tests;
