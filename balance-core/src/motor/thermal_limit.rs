//! I²t: how much current a winding bears, for how long.
//!
//! The excess temperature of a winding follows the square of its current through a first-order lag.
//! In units of what it may have for ever at the rated current,
//!
//! ```text
//! heat ← heat + (1 − exp(−dt / time_constant)) (i² / rated² − heat)
//! ```
//!
//! and the current is limited so that the heat cannot pass one: the peak current while it is cold, the
//! rated one when it is hot, and between the two a smooth way over the last fifth.

use super::coefficient::{gain, value};
use crate::config::{ConfigError, period, positive, within};
use crate::math::{Float, Scalar};
use crate::step::Step;

/// Settings of a [`ThermalLimit`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThermalLimitConfig<P = f32> {
    /// Current that the motor bears for ever, A, above zero. Too large: it burns; too small: it is
    /// weak.
    pub rated_current: P,
    /// Current that it may have while it is cold, A, `rated_current` to twenty times that: what the bridge or
    /// the magnets bear.
    pub peak_current: P,
    /// Thermal time constant of the winding, s, above zero: 5 to 30 for small motors. Too large: it
    /// burns.
    pub time_constant: P,
}

impl<P: Float> Default for ThermalLimitConfig<P> {
    /// A small gear motor: 0.8 A, for some seconds 2.5 A.
    fn default() -> Self {
        Self {
            rated_current: P::lit(0.8),
            peak_current: P::lit(2.5),
            time_constant: P::lit(10.0),
        }
    }
}

impl<P: Float> ThermalLimitConfig<P> {
    /// Prepares a limit that is stepped every `dt` seconds, cold.
    ///
    /// # Errors
    /// Names the field that is out of its range or beyond the scalar type.
    pub fn build<T: Scalar<Param = P>>(&self, dt: P) -> Result<ThermalLimit<T>, ConfigError> {
        let dt = period(dt)?;
        let rated = positive("rated_current", self.rated_current)?;
        let most = P::lit(20.0) * rated;
        let peak = within("peak_current", self.peak_current, rated, most)?;
        positive("time_constant", self.time_constant)?;
        let follow = P::one() - (-dt / self.time_constant).exp();
        Ok(ThermalLimit {
            per_rated: gain::<T>("rated_current", P::one() / rated)?,
            follow: T::gain(follow),
            rated: value::<T>("rated_current", rated)?,
            peak: value::<T>("peak_current", peak)?,
            slope: gain::<T>("peak_current", (peak - rated) * P::lit(5.0))?,
            heat: T::zero().widen(),
        })
    }
}

/// What a [`ThermalLimit`] answers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ThermalLimitOutput<T> {
    /// Largest current now, A, from the rated to the peak current.
    pub max_current: T,
    /// Share of the heat that the winding bears, 0 to about 1.
    pub heat: T,
    /// Less than the peak current is allowed.
    pub limited: bool,
}

/// How much current a winding bears; see the [module](self).
///
/// ```
/// use balance_core::motor::thermal_limit::{ThermalLimit, ThermalLimitConfig};
/// let mut limit: ThermalLimit<f32> = ThermalLimitConfig::default().build(0.01)?;
/// let mut allowed = 2.5;
/// for _ in 0..6000 {
///     allowed = limit.step(allowed).max_current; // as much as it gets, for a minute
/// }
/// assert!((allowed - 0.8).abs() < 0.05);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ThermalLimit<T: Scalar> {
    per_rated: T::Gain,
    follow: T::Gain,
    rated: T,
    peak: T,
    slope: T::Gain,
    heat: T::Wide,
}

impl<T: Scalar> ThermalLimit<T> {
    /// Takes the current of the last period, A: measured, or wanted where none is measured (the
    /// length of the dq vector for a three-phase motor). An unusable one counts as the peak current: what is not
    /// known is not safe.
    pub fn step(&mut self, current: T) -> ThermalLimitOutput<T> {
        let current = if current.is_usable() {
            current.magnitude().limit(T::zero(), self.peak)
        } else {
            self.peak
        };
        let share = current.scale(self.per_rated);
        let heat = T::narrow(self.heat);
        self.heat = T::accumulate(self.heat, self.follow, share * share - heat);
        self.output()
    }

    /// Limit and heat now.
    pub fn output(&self) -> ThermalLimitOutput<T> {
        let heat = T::narrow(self.heat);
        let room = (T::one() - heat).limit(T::zero(), T::lit(0.2));
        let max_current = (self.rated + room.scale(self.slope)).limit(self.rated, self.peak);
        ThermalLimitOutput {
            max_current,
            heat,
            limited: heat > T::lit(0.8),
        }
    }

    /// The heat as a share of what the winding bears, to be kept over a restart; unusable ones count as
    /// one.
    pub fn set_heat(&mut self, heat: T) {
        let heat = if heat.is_usable() { heat } else { T::one() };
        self.heat = heat.limit(T::zero(), T::one()).widen();
    }
}

impl<T: Scalar> Step for ThermalLimit<T> {
    type Input = T;
    type Output = ThermalLimitOutput<T>;
    type State = T::Wide;
    fn step(&mut self, current: T) -> ThermalLimitOutput<T> {
        ThermalLimit::step(self, current)
    }
    fn state(&self) -> T::Wide {
        self.heat
    }
    fn restore(&mut self, state: T::Wide) {
        self.set_heat(T::narrow(state));
        if T::narrow(self.heat) == T::narrow(state) {
            self.heat = state;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;
    use proptest::prelude::*;

    #[test]
    fn peak_lasts_as_long_as_the_formula_says_and_rated_for_ever() {
        fn check<T: Scalar>() {
            let build = || {
                ThermalLimitConfig::default()
                    .build::<T>(T::Param::lit(0.01))
                    .unwrap()
            };
            let mut limit = build();
            // 0.8 = (2.5/0.8)² (1 − exp(−t/10)): 0.855 s.
            let ticks = (0..10_000)
                .take_while(|_| !limit.step(T::lit(2.5)).limited)
                .count();
            assert!(
                (ticks as f64 * 0.01 - 0.855).abs() < 0.02,
                "{}: {ticks}",
                T::NAME
            );
            let mut limit = build();
            for _ in 0..30_000 {
                let out = limit.step(T::lit(0.8));
                assert!(
                    out.max_current >= T::lit(0.799) && out.heat <= T::lit(1.001),
                    "{}",
                    T::NAME
                );
            }
        }
        check::<f32>();
        check::<f64>();
        check::<Q12>();
    }

    proptest! {
        #[test]
        fn heat_never_passes_one_for_who_keeps_to_the_limit(
            wishes in prop::collection::vec((-10.0..10.0_f32, 1..400_u32), 1..20)
        ) {
            let mut limit: ThermalLimit<f32> = ThermalLimitConfig::default().build(0.01).unwrap();
            for (wish, ticks) in wishes {
                for _ in 0..ticks {
                    let most = limit.output().max_current;
                    let out = limit.step(wish.clamp(-most, most));
                    prop_assert!(out.heat <= 1.0005, "{}", out.heat);
                }
            }
        }

        #[test]
        fn is_total(currents in prop::collection::vec(any::<f32>(), 1..100)) {
            let mut limit: ThermalLimit<f32> = ThermalLimitConfig::default().build(0.01).unwrap();
            for current in currents {
                let out = limit.step(current);
                prop_assert!((0.79..=2.51).contains(&out.max_current) && out.heat.is_finite());
            }
        }
    }
}
