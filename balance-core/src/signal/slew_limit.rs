//! Slew limit: how fast a value may change.

use super::smoothing::believable;
use crate::config::{period, positive};
use crate::math::{Float, Scalar};
use crate::{ConfigError, Step};

/// Parameters of a [`SlewLimit`].
///
/// ```
/// use balance_core::signal::slew_limit::{SlewLimit, SlewLimitConfig};
/// let config = SlewLimitConfig { rise_per_s: 2.0, fall_per_s: 10.0 };
/// let mut duty: SlewLimit<f64> = config.build(0.01)?;
/// assert_eq!(duty.step(1.0), 0.02);
/// assert_eq!(duty.step(0.03), 0.03);
/// assert_eq!(duty.step(-1.0), 0.03 - 0.1);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlewLimitConfig<P> {
    /// Most that the value rises, in its unit per second, above zero. Too small: the machine feels
    /// sluggish. Too large: currents and gears feel each jump of the command.
    pub rise_per_s: P,
    /// Most that the value falls, in its unit per second, above zero.
    pub fall_per_s: P,
}

impl<P: Float> Default for SlewLimitConfig<P> {
    /// From zero to one in a fifth of a second, both ways.
    fn default() -> Self {
        Self {
            rise_per_s: P::lit(5.0),
            fall_per_s: P::lit(5.0),
        }
    }
}

impl<P: Float> SlewLimitConfig<P> {
    /// Prepares a limit for the period `dt` in seconds.
    ///
    /// # Errors
    ///
    /// `dt` outside 1 µs to 10 s, a rate that is not above zero, or a way per period that `T`
    /// cannot hold (fixed point: above 32767).
    pub fn build<T: Scalar<Param = P>>(&self, dt: P) -> Result<SlewLimit<T>, ConfigError> {
        period(dt)?;
        for (name, rate) in [
            ("rise_per_s", self.rise_per_s),
            ("fall_per_s", self.fall_per_s),
        ] {
            positive(name, rate)?;
            if rate * dt > P::lit(32767.0) {
                return Err(ConfigError::Unrepresentable(name));
            }
        }
        Ok(SlewLimit {
            dt,
            config: *self,
            rise: Way::new(self.rise_per_s * dt),
            fall: Way::new(-self.fall_per_s * dt),
            value: T::zero().widen(),
        })
    }
}

/// How far the value goes in one period: rounded, to compare, and exact, to add up.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Way<T: Scalar> {
    rounded: T,
    exact: T::Gain,
}

impl<T: Scalar> Way<T> {
    #[inline]
    fn new(way: T::Param) -> Self {
        Self {
            rounded: T::from_param(way),
            exact: T::gain(way),
        }
    }
}

/// Where a [`SlewLimit`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SlewLimitState<T: Scalar> {
    /// The value, with the bits below the last place of `T`.
    pub value: T::Wide,
}

/// Follows a target, at most at given rates.
///
/// Starts at zero, as commands to motors should; [`reset_to`](Self::reset_to) starts elsewhere.
/// Fixed point: the way of each period is kept to 16 bits below the last place, so that slow rates
/// do not stall and are right in the long run; the target is met exactly.
///
/// Cost: a difference, two comparisons and a sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlewLimit<T: Scalar> {
    dt: T::Param,
    config: SlewLimitConfig<T::Param>,
    rise: Way<T>,
    fall: Way<T>,
    value: T::Wide,
}

impl<T: Scalar> SlewLimit<T> {
    /// Goes towards the target for one nominal period.
    ///
    /// An unusable target is passed over: the value stands.
    #[inline]
    pub fn step(&mut self, target: T) -> T {
        self.advance(target, self.rise, self.fall)
    }

    /// Goes towards the target for a measured `dt` seconds; a `dt` outside 0.1 to 10 nominal
    /// periods leaves the value alone. Costs two products and two conversions more than
    /// [`step`](Self::step).
    #[inline]
    pub fn step_dt(&mut self, target: T, dt: T::Param) -> T {
        if !believable(dt, self.dt) {
            return self.output();
        }
        let rise = Way::new(self.config.rise_per_s * dt);
        let fall = Way::new(-self.config.fall_per_s * dt);
        self.advance(target, rise, fall)
    }

    #[inline(always)]
    fn advance(&mut self, target: T, rise: Way<T>, fall: Way<T>) -> T {
        if !target.is_usable() {
            return self.output();
        }
        let rest = target - self.output();
        self.value = if rest > rise.rounded {
            T::accumulate(self.value, rise.exact, T::one())
        } else if rest < fall.rounded {
            T::accumulate(self.value, fall.exact, T::one())
        } else {
            target.widen()
        };
        self.output()
    }

    /// The value.
    #[inline(always)]
    pub fn output(&self) -> T {
        T::narrow(self.value)
    }

    /// Jumps to a value; an unusable one is ignored.
    pub fn reset_to(&mut self, value: T) {
        if value.is_usable() {
            self.value = value.widen();
        }
    }

    /// Jumps to zero.
    pub fn reset(&mut self) {
        self.reset_to(T::zero());
    }

    /// Changes the rates; the value goes on from where it is.
    ///
    /// # Errors
    ///
    /// As [`SlewLimitConfig::build`]; then nothing changes.
    pub fn retune(&mut self, config: &SlewLimitConfig<T::Param>) -> Result<(), ConfigError> {
        let value = self.value;
        *self = config.build(self.dt)?;
        self.value = value;
        Ok(())
    }

    /// The state, to be logged or put back later.
    pub fn state(&self) -> SlewLimitState<T> {
        SlewLimitState { value: self.value }
    }

    /// Puts a state back; one that is not usable is ignored.
    pub fn restore(&mut self, state: SlewLimitState<T>) {
        if T::narrow(state.value).is_usable() {
            self.value = state.value;
        }
    }
}

impl<T: Scalar> Step for SlewLimit<T> {
    type Input = T;
    type Output = T;
    type State = SlewLimitState<T>;
    #[inline]
    fn step(&mut self, input: T) -> T {
        self.step(input)
    }
    fn state(&self) -> Self::State {
        self.state()
    }
    fn restore(&mut self, state: Self::State) {
        self.restore(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;

    fn keeps_both_rates<T: Scalar>(tolerance: f64) {
        let mut limit: SlewLimit<T> = SlewLimitConfig {
            rise_per_s: T::Param::lit(0.3),
            fall_per_s: T::Param::lit(0.7),
        }
        .build(T::Param::lit(0.001))
        .unwrap();
        let mut at = |target: f64, steps: u32| {
            let mut y = T::zero();
            for _ in 0..steps {
                y = limit.step(T::lit(target));
            }
            y.to_param().to_f64()
        };
        assert!((at(1.0, 1000) - 0.3).abs() < tolerance);
        assert!((at(-5.0, 1000) + 0.4).abs() < tolerance);
        let target = T::lit(0.1).to_param().to_f64();
        assert_eq!(at(0.1, 2000), target);
    }

    #[test]
    fn rises_and_falls_at_the_rates_given() {
        keeps_both_rates::<f32>(2e-5);
        keeps_both_rates::<f64>(1e-12);
        keeps_both_rates::<Q12>(1e-6);
    }

    #[test]
    fn a_rate_below_the_last_place_still_moves() {
        let slow = SlewLimitConfig {
            rise_per_s: 1e-4,
            ..Default::default()
        };
        let mut limit: SlewLimit<Q12> = slow.build(0.001).unwrap();
        for _ in 0..100_000 {
            limit.step(Q12::lit(1.0));
        }
        assert!((limit.output().to_param() - 0.01).abs() < 2e-5);
    }

    #[test]
    fn a_measured_period_sets_the_way() {
        let mut limit: SlewLimit<f64> = SlewLimitConfig::default().build(0.001).unwrap();
        assert!((limit.step_dt(1.0, 0.004) - 0.02).abs() < 1e-15);
        for absurd in [0.0, -0.001, f64::NAN, 1.0] {
            assert!((limit.step_dt(1.0, absurd) - 0.02).abs() < 1e-15);
        }
        let backwards = SlewLimitConfig {
            fall_per_s: -1.0,
            ..Default::default()
        };
        assert_eq!(
            limit.retune(&backwards),
            Err(ConfigError::OutOfRange("fall_per_s"))
        );
    }
}
