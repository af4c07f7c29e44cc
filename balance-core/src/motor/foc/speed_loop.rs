//! From a wanted speed to a torque current, tuned from the inertia.
//!
//! ```text
//! i = J ω / kt · (wanted − speed) + load            limited
//! load ← load + (1 − exp(−ω dt)) (i − J/kt · Δspeed/dt − load)
//! ```
//!
//! A proportional controller of the bandwidth ω beside an observer that learns, just as fast, what
//! current the load takes. Without limits this is a PI with a setpoint weight of one half, critically
//! damped; a step of the setpoint is answered by a first-order lag. At the limit it is better than one:
//! the observer is told the current that was possible, so there is nothing to wind up, and a long
//! acceleration ends without overshoot.

use crate::config::{ConfigError, period, positive, within};
use crate::math::{Float, Scalar};
use crate::motor::coefficient::{gain, value};
use crate::step::Step;

/// Settings of a [`SpeedLoop`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpeedLoopConfig<P = f32> {
    /// Moment of inertia of all that turns, kg·m², above zero. Too small: sluggish; too large:
    /// nervous, and with a filtered speed oscillating.
    pub inertia: P,
    /// Torque per ampere, N·m/A, above zero:
    /// [`Machine::torque_constant`](super::Machine::torque_constant).
    pub torque_constant: P,
    /// Bandwidth, rad/s, above zero to `0.5 / dt`. Keep it below a fifth of the current loop's and,
    /// with a speed from a [`PhaseLock`](crate::motor::encoder::PhaseLock), below a sixth of that
    /// one's.
    pub bandwidth: P,
    /// The current stays within ± this, A, above zero.
    pub max_current: P,
}

impl<P: Float> Default for SpeedLoopConfig<P> {
    /// A hoverboard's wheel off the ground, 20 rad/s.
    fn default() -> Self {
        Self {
            inertia: P::lit(8.0e-3),
            torque_constant: P::lit(0.5175),
            bandwidth: P::lit(20.0),
            max_current: P::lit(15.0),
        }
    }
}

impl<P: Float> SpeedLoopConfig<P> {
    /// Prepares a loop that runs every `dt` seconds, at rest.
    ///
    /// # Errors
    /// Names the field that is out of its range or beyond the scalar type.
    pub fn build<T: Scalar<Param = P>>(&self, dt: P) -> Result<SpeedLoop<T>, ConfigError> {
        Ok(SpeedLoop {
            dt: period(dt)?,
            coefficients: Coefficients::new(self, dt)?,
            state: SpeedLoopState::default(),
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Coefficients<T: Scalar> {
    /// Current per speed, of the error and of what has been gained.
    stiffness: T::Gain,
    follow: T::Gain,
    max_current: T,
}

impl<T: Scalar> Coefficients<T> {
    fn new(config: &SpeedLoopConfig<T::Param>, dt: T::Param) -> Result<Self, ConfigError> {
        positive("inertia", config.inertia)?;
        positive("torque_constant", config.torque_constant)?;
        positive("bandwidth", config.bandwidth)?;
        let most = T::Param::lit(0.5);
        within("bandwidth", config.bandwidth * dt, T::Param::lit(0.0), most)?;
        positive("max_current", config.max_current)?;
        let follow = T::Param::lit(1.0) - (-config.bandwidth * dt).exp();
        let stiffness = config.inertia / config.torque_constant * follow / dt;
        Ok(Self {
            stiffness: gain::<T>("inertia", stiffness)?,
            follow: T::gain(follow),
            max_current: value::<T>("max_current", config.max_current)?,
        })
    }
}

/// What a [`SpeedLoop`] answers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SpeedLoopOutput<T> {
    /// Torque current, A.
    pub current: T,
    /// Part of it that the load takes, friction included, A.
    pub load: T,
    /// The current was limited.
    pub saturated: bool,
    /// An input was unusable; the last current stands.
    pub held: bool,
}

/// The values of a [`SpeedLoop`] that change.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SpeedLoopState<T: Scalar> {
    load: T::Wide,
    speed: T,
    output: SpeedLoopOutput<T>,
}

/// From a wanted speed to a torque current; see the [module](super::SpeedLoopConfig).
///
/// ```
/// use balance_core::motor::foc::{SpeedLoop, SpeedLoopConfig};
/// let mut speed: SpeedLoop<f32> = SpeedLoopConfig::default().build(0.001)?;
/// assert!(speed.step(10.0, 0.0).current > 2.0); // A for 10 rad/s, from rest
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SpeedLoop<T: Scalar> {
    dt: T::Param,
    coefficients: Coefficients<T>,
    state: SpeedLoopState<T>,
}

impl<T: Scalar> SpeedLoop<T> {
    /// Advances by one period with the wanted and the measured speed, rad/s. Four
    /// multiplications.
    #[inline]
    pub fn step(&mut self, wanted: T, speed: T) -> SpeedLoopOutput<T> {
        if !(wanted.is_usable() & speed.is_usable()) {
            return SpeedLoopOutput {
                held: true,
                ..self.state.output
            };
        }
        let c = &self.coefficients;
        let s = &mut self.state;
        let gained = (speed - s.speed).scale(c.stiffness);
        let load = T::accumulate(s.load, c.follow, s.output.current - T::narrow(s.load));
        // No load beyond what the motor could hold: then it is the speed that is wrong.
        let value = (T::narrow(load) - gained).limit(-c.max_current, c.max_current);
        s.load = if value.magnitude() < c.max_current {
            T::add_wide(load, -gained)
        } else {
            value.widen()
        };
        let current = (wanted - speed).scale(c.stiffness) + value;
        let limited = current.limit(-c.max_current, c.max_current);
        s.speed = speed;
        s.output = SpeedLoopOutput {
            current: limited,
            load: value,
            saturated: limited != current,
            held: false,
        };
        s.output
    }

    /// Starts at a speed (rad/s) and with a current that the load takes (A), as when another control
    /// hands over. Unusable ones count as zero.
    pub fn reset_to(&mut self, speed: T, load: T) {
        let usable = |x: T| if x.is_usable() { x } else { T::zero() };
        let most = self.coefficients.max_current;
        let load = usable(load).limit(-most, most);
        self.state = SpeedLoopState {
            load: load.widen(),
            speed: usable(speed),
            output: SpeedLoopOutput {
                current: load,
                load,
                ..SpeedLoopOutput::default()
            },
        };
    }

    /// Takes new settings; the load stays known. The period stays.
    ///
    /// # Errors
    /// As [`SpeedLoopConfig::build`]; nothing changes then.
    pub fn retune(&mut self, config: &SpeedLoopConfig<T::Param>) -> Result<(), ConfigError> {
        self.coefficients = Coefficients::new(config, self.dt)?;
        self.restore(self.state);
        Ok(())
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.state = SpeedLoopState::default();
    }

    /// The values that change.
    pub fn state(&self) -> SpeedLoopState<T> {
        self.state
    }

    /// Puts a state back; an unusable one means rest.
    pub fn restore(&mut self, state: SpeedLoopState<T>) {
        let load = T::narrow(state.load);
        let current = state.output.current;
        let most = self.coefficients.max_current;
        self.state = SpeedLoopState::default();
        if load.is_usable() & current.is_usable() & state.speed.is_usable() {
            self.state = state;
            if load.magnitude() > most {
                self.state.load = load.limit(-most, most).widen();
            }
            self.state.output.current = current.limit(-most, most);
        }
    }
}

impl<T: Scalar> Step for SpeedLoop<T> {
    type Input = (T, T);
    type Output = SpeedLoopOutput<T>;
    type State = SpeedLoopState<T>;
    fn step(&mut self, (wanted, speed): (T, T)) -> SpeedLoopOutput<T> {
        SpeedLoop::step(self, wanted, speed)
    }
    fn state(&self) -> SpeedLoopState<T> {
        SpeedLoop::state(self)
    }
    fn restore(&mut self, state: SpeedLoopState<T>) {
        SpeedLoop::restore(self, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;
    use proptest::prelude::*;

    /// Speed after each millisecond of a step; a load comes at half time.
    fn run<T: Scalar>(wanted: f64, load: f64) -> [f64; 1000] {
        let config = SpeedLoopConfig::<T::Param>::default();
        let mut control: SpeedLoop<T> = config.build(T::Param::lit(1e-3)).unwrap();
        let (mut speed, mut seen) = (0.0, [0.0; 1000]);
        for (tick, seen) in seen.iter_mut().enumerate() {
            let current = control.step(T::lit(wanted), T::lit(speed)).current;
            let torque = 0.5175 * current.to_param().to_f64();
            speed += 1e-3 * (torque - if tick > 500 { load } else { 0.0 }) / 8e-3;
            *seen = speed;
        }
        seen
    }

    #[test]
    fn answers_like_a_first_order_lag_and_takes_a_load() {
        fn check<T: Scalar>() {
            for (tick, speed) in run::<T>(10.0, 0.0).into_iter().enumerate() {
                let exact = 10.0 * (1.0 - (-20.0e-3 * (tick as f64 + 1.0)).exp());
                assert!(
                    (speed - exact).abs() < 1e-2,
                    "{}: {tick} {speed} {exact}",
                    T::NAME
                );
            }
            let loaded = run::<T>(10.0, 1.0);
            let lowest = loaded[500..].iter().fold(10.0_f64, |low, s| low.min(*s));
            // A critically damped dip of load / (J · bandwidth · e).
            let dip = 10.0 - lowest;
            let exact = 1.0 / (8e-3 * 20.0 * core::f64::consts::E);
            assert!((dip - exact).abs() < 0.15, "{dip}");
            assert!((loaded[999] - 10.0).abs() < 0.02);
        }
        check::<f32>();
        check::<f64>();
        check::<Q12>();
    }

    #[test]
    fn a_long_acceleration_at_the_limit_ends_without_overshoot() {
        fn check<T: Scalar>() {
            // 15 A give 970 rad/s²; 400 rad/s take most of half a second.
            let speeds = run::<T>(400.0, 0.0);
            let highest = speeds.iter().fold(0.0_f64, |high, s| high.max(*s));
            assert!(highest < 400.1, "{}: {highest}", T::NAME);
            assert!((speeds[999] - 400.0).abs() < 0.1, "{}", T::NAME);
        }
        check::<f32>();
        check::<f64>();
        check::<Q12>();
    }

    proptest! {
        #[test]
        fn is_total(samples in prop::collection::vec((any::<f32>(), any::<f32>()), 1..50)) {
            let mut control: SpeedLoop<f32> = SpeedLoopConfig::default().build(1e-3).unwrap();
            for (wanted, speed) in samples {
                let out = control.step(wanted, speed);
                prop_assert!(out.current.abs() <= 15.0 && out.load.abs() <= 15.0);
            }
        }
    }
}
