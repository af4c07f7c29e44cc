//! What shakes a loop so that it shows what it is.

use crate::config::{ConfigError, period, positive};
use crate::math::{Float, Scalar};
use crate::step::Step;

/// Settings of an [`Excitation`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExcitationConfig<P = f32> {
    /// Lowest frequency, Hz. Too small: the machine wanders far.
    pub low_hz: P,
    /// Highest frequency, Hz, below a quarter of the rate. Too large: nothing moves.
    pub high_hz: P,
    /// Each frequency is this much above the one before, above 1.01. Default 1.25.
    pub ratio: P,
}

impl<P: Float> Default for ExcitationConfig<P> {
    /// 1 to 10 Hz: what a small balancing robot answers to.
    fn default() -> Self {
        Self {
            low_hz: P::one(),
            high_hz: P::lit(10.0),
            ratio: P::lit(1.25),
        }
    }
}

impl<P: Float> ExcitationConfig<P> {
    /// Prepares the signal for a period of `dt` seconds.
    ///
    /// # Errors
    /// Names the field that is out of its range.
    pub fn build<T: Scalar<Param = P>>(&self, dt: P) -> Result<Excitation<T>, ConfigError> {
        period(dt)?;
        let low = positive("low_hz", self.low_hz)?;
        let high = positive("high_hz", self.high_hz)?;
        crate::config::within("ratio", self.ratio, P::lit(1.01), P::lit(10.0))?;
        if low >= high {
            return Err(ConfigError::Order("low_hz", "high_hz"));
        }
        let half_periods = |hz: P| P::lit(0.5) / (hz * dt);
        crate::config::within("low_hz", half_periods(low), P::lit(2.0), P::lit(30_000.0))?;
        crate::config::within("high_hz", half_periods(high), P::lit(2.0), P::lit(30_000.0))?;
        let ticks = |hz: P| half_periods(hz).to_counts(P::one()).unsigned_abs();
        let mut excitation = Excitation {
            longest: ticks(low),
            shortest: ticks(high),
            // Of 256.
            shrink: (P::lit(256.0) / self.ratio)
                .to_counts(P::one())
                .unsigned_abs(),
            state: ExcitationState::default(),
            sign: core::marker::PhantomData,
        };
        excitation.reset();
        Ok(excitation)
    }
}

/// Where an [`Excitation`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExcitationState {
    half_period: u32,
    left: u32,
    halves: u8,
    negative: bool,
}

/// A square wave whose frequency climbs step by step and begins anew: of all signals of one
/// amplitude it has the most power, and it needs integers only. Every frequency lasts one period,
/// shifted by a quarter so that what it moves comes back to where it was.
///
/// ```
/// use balance_core::control::autotune::{Excitation, ExcitationConfig};
/// let mut shake: Excitation<f32> = ExcitationConfig::default().build(0.001)?;
/// let sum: f32 = (0..1000).map(|_| shake.step(0.5)).sum();
/// assert!(sum.abs() < 1.0); // one second of 1 Hz: as long up as down
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Excitation<T: Scalar> {
    longest: u32,
    shortest: u32,
    shrink: u32,
    state: ExcitationState,
    sign: core::marker::PhantomData<T>,
}

impl<T: Scalar> Excitation<T> {
    /// The value of this period, ± `amplitude`; zero for an unusable one.
    #[inline]
    pub fn step(&mut self, amplitude: T) -> T {
        let state = &mut self.state;
        if state.left == 0 {
            state.negative = !state.negative;
            state.halves += 1;
            if state.halves >= 3 {
                // A quarter, a half, a quarter make up one period.
                state.halves = 0;
                let next = state.half_period.saturating_mul(self.shrink) / 256;
                state.half_period = if next < self.shortest {
                    self.longest
                } else {
                    next
                };
                state.negative = !state.negative;
            }
            state.left = if state.halves == 1 {
                state.half_period
            } else {
                state.half_period / 2
            };
            state.left = state.left.max(1);
        }
        state.left -= 1;
        if !amplitude.is_usable() {
            T::zero()
        } else if state.negative {
            -amplitude
        } else {
            amplitude
        }
    }

    /// Whether the next value is the first of a sweep.
    #[must_use]
    pub fn begins(&self) -> bool {
        let state = &self.state;
        state.left == 0
            && state.halves == 2
            && state.half_period.saturating_mul(self.shrink) / 256 < self.shortest
    }

    /// Begins anew at the lowest frequency.
    pub fn reset(&mut self) {
        self.restore(ExcitationState::default());
    }

    /// The values that change.
    pub fn state(&self) -> ExcitationState {
        self.state
    }

    /// Puts a state back, within the frequencies.
    pub fn restore(&mut self, state: ExcitationState) {
        self.state = state;
        if state.half_period < self.shortest || state.half_period > self.longest {
            self.state = ExcitationState {
                half_period: self.longest,
                left: self.longest / 2,
                halves: 0,
                negative: false,
            };
        }
        self.state.left = self.state.left.min(self.state.half_period);
        self.state.halves = self.state.halves.min(2);
    }
}

impl<T: Scalar> Step for Excitation<T> {
    type Input = T;
    type Output = T;
    type State = ExcitationState;
    #[inline]
    fn step(&mut self, amplitude: T) -> T {
        Excitation::step(self, amplitude)
    }
    fn state(&self) -> Self::State {
        self.state
    }
    fn restore(&mut self, state: Self::State) {
        Excitation::restore(self, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;

    #[test]
    fn sweeps_and_stays_near_where_it_was() {
        fn check<T: Scalar>() {
            let config = ExcitationConfig::<T::Param>::default();
            let mut shake: Excitation<T> = config.build(T::Param::lit(0.001)).unwrap();
            let (mut speed, mut way, mut changes) = (0.0_f64, 0.0_f64, 0);
            let mut last = T::zero();
            for tick in 0..20_000 {
                let out = shake.step(T::one());
                assert_eq!(out.magnitude(), T::one());
                changes += i32::from(out != last);
                last = out;
                speed += out.to_param().to_f64() * 0.001;
                way += speed * 0.001;
                assert!(speed.abs() < 0.3, "{tick}: {speed}");
                assert!(way.abs() < 0.6, "{tick}: {way}");
            }
            // From one to ten hertz, some three on average.
            assert!((60..200).contains(&changes), "{changes}");
        }
        check::<f32>();
        check::<f64>();
        check::<Q12>();
    }

    #[test]
    fn refuses_what_cannot_be_sampled() {
        let config = ExcitationConfig {
            high_hz: 400.0,
            ..ExcitationConfig::default()
        };
        assert_eq!(
            config.build::<f64>(0.001).unwrap_err(),
            ConfigError::OutOfRange("high_hz")
        );
    }
}
