//! Lead or lag: `C(s) = k (1 + s/z) / (1 + s/p)`, discretised by Tustin's rule.
//!
//! With the zero below the pole it leads: the phase rises by up to
//! `asin((p − z)/(p + z))` at `√(z p)`, and high frequencies are amplified by p/z. With the pole
//! below the zero it lags: low frequencies are amplified, without the phase that an integral costs.
//!
//! Source: G. F. Franklin, J. D. Powell, A. Emami-Naeini, Feedback Control of Dynamic Systems,
//! section 6.7. Cost of a step: four products, four sums.

use crate::config::{ConfigError, finite, period, positive, within};
use crate::control::pid::gain;
use crate::math::{Float, Scalar};
use crate::step::Step;

/// Settings of a [`LeadLag`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeadLagConfig<P = f32> {
    /// k: gain at standstill. Default 1.
    pub gain: P,
    /// z: zero in rad/s, above zero. Default 1.
    pub zero: P,
    /// p: pole in rad/s, above zero and below 2/dt. Too large a ratio to the zero: noise. Default 10.
    pub pole: P,
}

impl<P: Float> Default for LeadLagConfig<P> {
    fn default() -> Self {
        Self {
            gain: P::one(),
            zero: P::one(),
            pole: P::lit(10.0),
        }
    }
}

impl<P: Float> LeadLagConfig<P> {
    /// The one that leads by `phase` (rad, −1.4 to 1.4; negative: lags) at a frequency (rad/s),
    /// where its gain is one: it then moves the phase there and not the crossover.
    #[must_use]
    pub fn at(frequency: P, phase: P) -> Self {
        let (sin, _) = phase.limit(P::lit(-1.4), P::lit(1.4)).sin_cos();
        let ratio = ((P::one() + sin) / (P::one() - sin)).sqrt();
        Self {
            gain: P::one() / ratio,
            zero: frequency / ratio,
            pole: frequency * ratio,
        }
    }

    /// Prepares a compensator for a period of `dt` seconds, at rest.
    ///
    /// # Errors
    /// Names the field that is out of its range.
    pub fn build<T: Scalar<Param = P>>(&self, dt: P) -> Result<LeadLag<T>, ConfigError> {
        period(dt)?;
        finite("gain", self.gain)?;
        let two = P::lit(2.0);
        let zero = positive("zero", self.zero)?;
        let pole = within("pole", positive("pole", self.pole)?, P::zero(), two / dt)?;
        let share = pole * dt / (two + pole * dt);
        let fast = gain::<T>("gain", self.gain * pole / zero)?;
        Ok(LeadLag {
            dt,
            fast: T::gain(fast),
            slow: T::gain(self.gain - fast),
            share: T::gain(share),
            fade: T::gain(-two * share),
            state: LeadLagState::default(),
        })
    }
}

/// What a [`LeadLag`] remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LeadLagState<T: Scalar> {
    smooth: T::Wide,
    input: T,
    output: T,
}

/// A lead or lag compensator; see [`LeadLagConfig`].
///
/// ```
/// use balance_core::control::lead_lag::{LeadLag, LeadLagConfig};
/// let mut lag: LeadLag<f64> = LeadLagConfig { gain: 2.0, zero: 10.0, pole: 1.0 }.build(0.01)?;
/// let first = lag.step(1.0);
/// assert!(first > 0.2 && first < 0.22); // k p/z at once, k in the end
/// for _ in 0..2000 {
///     lag.step(1.0);
/// }
/// assert!((lag.step(1.0) - 2.0).abs() < 1e-6);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LeadLag<T: Scalar> {
    dt: T::Param,
    /// k p/z, of the input.
    fast: T::Gain,
    /// k (1 − p/z), of the smoothed input.
    slow: T::Gain,
    share: T::Gain,
    fade: T::Gain,
    state: LeadLagState<T>,
}

impl<T: Scalar> LeadLag<T> {
    /// Advances by one period. An unusable input leaves the output standing.
    #[inline]
    pub fn step(&mut self, input: T) -> T {
        if !input.is_usable() {
            return self.state.output;
        }
        let last = &self.state;
        let mut smooth = T::accumulate(last.smooth, self.fade, T::narrow(last.smooth));
        smooth = T::accumulate(smooth, self.share, input);
        smooth = T::accumulate(smooth, self.share, last.input);
        let output = T::dot(&[self.fast, self.slow], &[input, T::narrow(smooth)]);
        self.state = LeadLagState {
            smooth,
            input,
            output,
        };
        output
    }

    /// Takes new settings. The state is the smoothed input, so what differs from then on is the
    /// weight of it: at rest only a change of `gain` moves the output.
    ///
    /// # Errors
    /// As [`LeadLagConfig::build`]; the old settings then stay.
    pub fn retune(&mut self, config: &LeadLagConfig<T::Param>) -> Result<(), ConfigError> {
        let state = self.state;
        *self = config.build(self.dt)?;
        self.state = state;
        Ok(())
    }

    /// Starts as if this input had stood for ever. An unusable one means zero.
    pub fn reset_to(&mut self, input: T) {
        let input = if input.is_usable() { input } else { T::zero() };
        self.state = LeadLagState {
            smooth: input.widen(),
            input,
            output: T::dot(&[self.fast, self.slow], &[input, input]),
        };
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.restore(LeadLagState::default());
    }

    /// The values that change.
    pub fn state(&self) -> LeadLagState<T> {
        self.state
    }

    /// Puts a state back; one with an unusable value means rest.
    pub fn restore(&mut self, state: LeadLagState<T>) {
        let usable = T::narrow(state.smooth).is_usable()
            && state.input.is_usable()
            && state.output.is_usable();
        self.state = if usable {
            state
        } else {
            LeadLagState::default()
        };
    }
}

impl<T: Scalar> Step for LeadLag<T> {
    type Input = T;
    type Output = T;
    type State = LeadLagState<T>;
    #[inline]
    fn step(&mut self, input: T) -> T {
        LeadLag::step(self, input)
    }
    fn state(&self) -> Self::State {
        LeadLag::state(self)
    }
    fn restore(&mut self, state: Self::State) {
        LeadLag::restore(self, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;

    fn number<T: Scalar>(x: T) -> f64 {
        x.to_param().to_f64()
    }

    #[test]
    fn leads_by_the_phase_that_was_asked_for() {
        fn check<T: Scalar>(slack: f64) {
            let (w, dt) = (20.0, 0.001);
            for phase in [-0.8, 0.5, 1.0] {
                let config = LeadLagConfig::at(T::Param::lit(w), T::Param::lit(phase));
                let mut lead: LeadLag<T> = config.build(T::Param::lit(dt)).unwrap();
                let (mut real, mut imaginary) = (0.0, 0.0);
                let periods = (core::f64::consts::TAU / w / dt * 50.0) as u32;
                let count = |tick: u32| w * dt * f64::from(tick);
                for tick in 0..2 * periods {
                    let out = number(lead.step(T::lit(f64::sin(count(tick)))));
                    if tick >= periods {
                        real += out * f64::sin(count(tick));
                        imaginary += out * f64::cos(count(tick));
                    }
                }
                let found = f64::atan2(imaginary, real);
                let size = f64::hypot(real, imaginary) * 2.0 / f64::from(periods);
                assert!(
                    (found - phase).abs() < slack,
                    "{}: {found} {phase}",
                    T::NAME
                );
                assert!((size - 1.0).abs() < slack, "{}: {size}", T::NAME);
            }
        }
        check::<f32>(2e-3);
        check::<f64>(2e-3);
        check::<Q12>(2e-3);
    }

    #[test]
    fn a_bad_sample_is_as_if_it_had_not_been() {
        let mut lead: LeadLag<f32> = LeadLagConfig::default().build(0.01).unwrap();
        let mut twin = lead;
        for tick in 0..50_u8 {
            let x = f32::from(tick % 7);
            assert_eq!(lead.step(x), twin.step(x));
            assert_eq!(lead.step(f32::NAN), lead.state().output);
        }
    }

    #[test]
    fn output_is_bounded_by_the_larger_gain() {
        let mut lead: LeadLag<f64> = LeadLagConfig::default().build(0.01).unwrap();
        let mut worst = 0.0_f64;
        for tick in 0..2000 {
            let x = if tick / 13 % 2 == 0 { 1.0 } else { -1.0 };
            worst = worst.max(lead.step(x).abs());
        }
        // 10 at once, and 9 from the smoothed input of the other sign.
        assert!(worst <= 19.0, "{worst}");
    }

    #[test]
    fn names_the_field() {
        let wrong = LeadLagConfig {
            pole: 300.0,
            ..LeadLagConfig::default()
        };
        assert_eq!(
            wrong.build::<f64>(0.01).unwrap_err(),
            ConfigError::OutOfRange("pole")
        );
    }
}
