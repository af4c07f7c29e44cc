//! The current loop of a brushed motor, by pole cancellation from R and L.
//!
//! ```text
//! u = kp (i* − i) + I + ke ω        I ← I + (1 − a) (u_possible − ke ω − I)
//! a = exp(−R dt / L)                kp = R (1 − exp(−bandwidth · dt)) / (1 − a)
//! ```
//!
//! One axis of [`foc::CurrentLoop`](super::foc::CurrentLoop), with the same two properties: the
//! current answers like a first-order lag of the bandwidth, exactly for the sampled winding; and the
//! integral follows the voltage that was possible, so it cannot wind up.

use super::coefficient::{gain, value};
use crate::config::{ConfigError, non_negative, period, positive, within};
use crate::math::{Float, Scalar};
use crate::step::Step;

/// Settings of a [`DcCurrentLoop`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DcCurrentLoopConfig<P = f32> {
    /// Resistance of winding, brushes and bridge, Ω, above zero. Too large: overshoot; too small:
    /// a slow tail.
    pub resistance: P,
    /// Inductance, H, above zero. Too large: overshoot and howling; too small: slow.
    pub inductance: P,
    /// Voltage per speed, V·s/rad, zero or more. Zero leaves the speed to the integral.
    pub back_emf_constant: P,
    /// Bandwidth, rad/s, above zero to `0.5 / dt`; a quarter of `1 / dt` where the duty acts a
    /// period late.
    pub bandwidth: P,
    /// The current reference is limited to ± this, A, above zero.
    pub max_current: P,
}

impl<P: Float> Default for DcCurrentLoopConfig<P> {
    /// A small gear motor at 6 to 12 V, 200 Hz.
    fn default() -> Self {
        Self {
            resistance: P::lit(2.4),
            inductance: P::lit(2.0e-3),
            back_emf_constant: P::zero(),
            bandwidth: P::lit(1256.0),
            max_current: P::lit(2.5),
        }
    }
}

impl<P: Float> DcCurrentLoopConfig<P> {
    /// Prepares a loop that runs every `dt` seconds, at rest.
    ///
    /// # Errors
    /// Names the field that is out of its range or beyond the scalar type.
    pub fn build<T: Scalar<Param = P>>(&self, dt: P) -> Result<DcCurrentLoop<T>, ConfigError> {
        Ok(DcCurrentLoop {
            dt: period(dt)?,
            coefficients: Coefficients::new(self, dt)?,
            state: DcCurrentLoopState::default(),
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Coefficients<T: Scalar> {
    kp: T::Gain,
    follow: T::Gain,
    back_emf: T::Gain,
    max_current: T,
}

impl<T: Scalar> Coefficients<T> {
    fn new(config: &DcCurrentLoopConfig<T::Param>, dt: T::Param) -> Result<Self, ConfigError> {
        let one = T::Param::lit(1.0);
        let resistance = positive("resistance", config.resistance)?;
        let inductance = positive("inductance", config.inductance)?;
        non_negative("back_emf_constant", config.back_emf_constant)?;
        positive("bandwidth", config.bandwidth)?;
        let turns = config.bandwidth * dt;
        within("bandwidth", turns, T::Param::lit(0.0), T::Param::lit(0.5))?;
        positive("max_current", config.max_current)?;
        let follow = one - (-resistance * dt / inductance).exp();
        let kp = resistance * (one - (-turns).exp()) / follow;
        Ok(Self {
            kp: gain::<T>("inductance", kp)?,
            follow: T::gain(follow),
            back_emf: gain::<T>("back_emf_constant", config.back_emf_constant)?,
            max_current: value::<T>("max_current", config.max_current)?,
        })
    }
}

/// What a [`DcCurrentLoop`] answers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DcCurrentLoopOutput<T> {
    /// Voltage for the motor, V, within ± the supply.
    pub voltage: T,
    /// The voltage was limited.
    pub saturated: bool,
    /// An input was unusable; the last voltage stands.
    pub held: bool,
}

/// The values of a [`DcCurrentLoop`] that change.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DcCurrentLoopState<T: Scalar> {
    integral: T::Wide,
    output: DcCurrentLoopOutput<T>,
}

/// What a [`DcCurrentLoop`] takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DcCurrentLoopInput<T> {
    /// Wanted current, A.
    pub reference: T,
    /// Measured current, A, positive for a positive voltage at standstill.
    pub current: T,
    /// Speed, rad/s; zero where none is known.
    pub speed: T,
    /// Supply voltage, V. Below zero counts as zero.
    pub supply: T,
}

/// The current loop of a brushed motor; see the [module](self).
///
/// Its voltage goes through a [`DutyMap`](super::duty_map::DutyMap) to an H-bridge, whose dead
/// band compensation then is to be off. Four multiplications.
///
/// ```
/// use balance_core::motor::dc_current_loop::{DcCurrentLoop, DcCurrentLoopConfig, DcCurrentLoopInput};
/// let mut control: DcCurrentLoop<f32> = DcCurrentLoopConfig::default().build(1e-4)?;
/// let mut current = 0.0;
/// for _ in 0..200 {
///     let input = DcCurrentLoopInput { reference: 1.0, current, speed: 0.0, supply: 7.4 };
///     let volts = control.step(&input).voltage;
///     current += 1e-4 * (volts - 2.4 * current) / 2e-3; // the winding
/// }
/// assert!((current - 1.0).abs() < 1e-3);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DcCurrentLoop<T: Scalar> {
    dt: T::Param,
    coefficients: Coefficients<T>,
    state: DcCurrentLoopState<T>,
}

impl<T: Scalar> DcCurrentLoop<T> {
    /// Advances by one period.
    #[inline]
    pub fn step(&mut self, input: &DcCurrentLoopInput<T>) -> DcCurrentLoopOutput<T> {
        let usable = input.reference.is_usable()
            & input.current.is_usable()
            & input.speed.is_usable()
            & input.supply.is_usable();
        if !usable {
            return DcCurrentLoopOutput {
                held: true,
                ..self.state.output
            };
        }
        let c = &self.coefficients;
        let supply = if input.supply > T::zero() {
            input.supply
        } else {
            T::zero()
        };
        let reference = input.reference.limit(-c.max_current, c.max_current);
        let integral = T::narrow(self.state.integral);
        let forward = input.speed.scale(c.back_emf);
        let wanted = (reference - input.current).scale(c.kp) + integral + forward;
        let voltage = wanted.limit(-supply, supply);
        // Twice the supply covers what back-EMF and braking need together.
        let most = supply + supply;
        let possible = (voltage - forward).limit(-most, most);
        self.state.integral = T::accumulate(self.state.integral, c.follow, possible - integral);
        self.state.output = DcCurrentLoopOutput {
            voltage,
            saturated: voltage != wanted,
            held: false,
        };
        self.state.output
    }

    /// Takes new settings; the voltage does not jump. The period stays.
    ///
    /// # Errors
    /// As [`DcCurrentLoopConfig::build`]; nothing changes then.
    pub fn retune(&mut self, config: &DcCurrentLoopConfig<T::Param>) -> Result<(), ConfigError> {
        self.coefficients = Coefficients::new(config, self.dt)?;
        Ok(())
    }
    /// Forgets everything.
    pub fn reset(&mut self) {
        self.state = DcCurrentLoopState::default();
    }
    /// The values that change.
    pub fn state(&self) -> DcCurrentLoopState<T> {
        self.state
    }
    /// Puts a state back; an unusable one means rest.
    pub fn restore(&mut self, state: DcCurrentLoopState<T>) {
        let usable = T::narrow(state.integral).is_usable() & state.output.voltage.is_usable();
        self.state = if usable {
            state
        } else {
            DcCurrentLoopState::default()
        };
    }
}

impl<T: Scalar> Step for DcCurrentLoop<T> {
    type Input = DcCurrentLoopInput<T>;
    type Output = DcCurrentLoopOutput<T>;
    type State = DcCurrentLoopState<T>;
    fn step(&mut self, input: DcCurrentLoopInput<T>) -> DcCurrentLoopOutput<T> {
        DcCurrentLoop::step(self, &input)
    }
    fn state(&self) -> DcCurrentLoopState<T> {
        DcCurrentLoop::state(self)
    }
    fn restore(&mut self, state: DcCurrentLoopState<T>) {
        DcCurrentLoop::restore(self, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;
    use proptest::prelude::*;

    const DT: f64 = 1e-4;

    fn number<T: Scalar>(x: T) -> f64 {
        x.to_param().to_f64()
    }

    #[test]
    fn answers_like_a_first_order_lag_whatever_the_speed() {
        fn check<T: Scalar>(bound: f64) {
            let config = DcCurrentLoopConfig {
                back_emf_constant: T::Param::lit(0.1),
                ..Default::default()
            };
            let mut control: DcCurrentLoop<T> = config.build(T::Param::lit(DT)).unwrap();
            let a = (-2.4 * DT / 2e-3_f64).exp();
            let mut current = 0.0;
            for tick in 0..300 {
                let exact = 1.5 * (1.0 - (-1256.0 * DT * f64::from(tick)).exp());
                assert!(
                    (current - exact).abs() < bound,
                    "{}: {current} {exact}",
                    T::NAME
                );
                let speed = 20.0 * (f64::from(tick) * 0.1).sin();
                let out = control.step(&DcCurrentLoopInput {
                    reference: T::lit(1.5),
                    current: T::lit(current),
                    speed: T::lit(speed),
                    supply: T::lit(12.0),
                });
                current = a * current + (1.0 - a) * (number(out.voltage) - 0.1 * speed) / 2.4;
            }
        }
        check::<f32>(1e-5);
        check::<f64>(1e-9);
        check::<Q12>(1e-4);
    }

    #[test]
    fn a_held_motor_lets_go_at_once() {
        fn check<T: Scalar>() {
            let mut control: DcCurrentLoop<T> = DcCurrentLoopConfig::default()
                .build(T::Param::lit(DT))
                .unwrap();
            // A wire is off: the current never comes.
            let mut input = DcCurrentLoopInput {
                reference: T::lit(2.0),
                supply: T::lit(7.4),
                ..Default::default()
            };
            for _ in 0..100_000 {
                assert!(control.step(&input).voltage > T::zero(), "{}", T::NAME);
            }
            input.reference = T::lit(-2.0);
            let periods = (0..1000)
                .take_while(|_| control.step(&input).voltage > T::zero())
                .count();
            // One time constant of the winding.
            assert!(periods < 9, "{}: {periods}", T::NAME);
        }
        check::<f32>();
        check::<f64>();
        check::<Q12>();
    }

    proptest! {
        #[test]
        fn is_total(samples in prop::collection::vec(prop::array::uniform4(any::<f32>()), 1..60)) {
            let mut control: DcCurrentLoop<f32> = DcCurrentLoopConfig::default().build(1e-4).unwrap();
            for [reference, current, speed, supply] in samples {
                let out = control.step(&DcCurrentLoopInput { reference, current, speed, supply });
                prop_assert!(out.voltage.is_finite());
                prop_assert!(control.state().integral.is_finite());
            }
        }
    }
}
