//! Sections one after the other, and Butterworth filters of even order made of them.

use super::biquad::{Biquad, BiquadConfig, BiquadKind, BiquadState};
use crate::math::{Float, Scalar};
use crate::{ConfigError, Step};

/// Parameters of a Butterworth filter of order `2 N`.
///
/// ```
/// use balance_core::math::Q12;
/// use balance_core::signal::biquad_chain::{BiquadChain, ButterworthConfig};
/// let config = ButterworthConfig { cutoff_hz: 40.0, ..Default::default() };
/// let mut fourth_order: BiquadChain<Q12, 2> = config.build(0.001)?;
/// # fourth_order.reset();
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ButterworthConfig<P> {
    /// Whether the filter keeps what is above the cutoff, instead of what is below.
    pub high_pass: bool,
    /// Frequency that is 3 dB down, in Hz: 1e-6 to 0.499 sampling frequencies. For a low-pass, too
    /// low is lag (about `N / (2 f)` periods' worth of phase), too high is noise.
    pub cutoff_hz: P,
}

impl<P: Float> Default for ButterworthConfig<P> {
    /// A low-pass at 10 Hz.
    fn default() -> Self {
        Self {
            high_pass: false,
            cutoff_hz: P::lit(10.0),
        }
    }
}

impl<P: Float> ButterworthConfig<P> {
    /// Prepares `N` sections for the period `dt` in seconds.
    ///
    /// # Errors
    ///
    /// As [`BiquadConfig::build`], where `frequency_hz` is this `cutoff_hz`.
    pub fn build<T: Scalar<Param = P>, const N: usize>(
        &self,
        dt: P,
    ) -> Result<BiquadChain<T, N>, ConfigError> {
        BiquadChain::new(&self.sections(), dt)
    }

    /// The sections, the least resonant first, so that none sees more than the input's range.
    fn sections<const N: usize>(&self) -> [BiquadConfig<P>; N] {
        let mut configs = [BiquadConfig {
            kind: if self.high_pass {
                BiquadKind::High
            } else {
                BiquadKind::Low
            },
            frequency_hz: self.cutoff_hz,
            ..Default::default()
        }; N];
        // The poles lie on a half circle, π / 2N apart.
        let between = P::PI / P::lit(4.0 * N as f64);
        let mut angle = between;
        for config in &mut configs {
            config.q = P::lit(0.5) / angle.cos();
            angle += between + between;
        }
        configs
    }
}

/// `N` second-order sections, each fed by the one before.
///
/// Fixed point: each section rounds once. Floats: what one section amplifies beyond 2⁶³ the next
/// passes over. Cost: `N` times a [`Biquad`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BiquadChain<T: Scalar, const N: usize> {
    sections: [Biquad<T>; N],
}

/// Where a [`BiquadChain`] is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BiquadChainState<T: Scalar, const N: usize>(
    /// Each section's state.
    pub [BiquadState<T>; N],
);

impl<T: Scalar, const N: usize> Default for BiquadChainState<T, N> {
    fn default() -> Self {
        Self([BiquadState::default(); N])
    }
}

impl<T: Scalar, const N: usize> BiquadChain<T, N> {
    /// Prepares the sections for the period `dt` in seconds.
    ///
    /// # Errors
    ///
    /// That of the first section that cannot be built.
    pub fn new(configs: &[BiquadConfig<T::Param>; N], dt: T::Param) -> Result<Self, ConfigError> {
        const { assert!(N > 0, "a chain has sections") };
        let Some(first) = configs.first() else {
            return Err(ConfigError::OutOfRange("N"));
        };
        let mut sections = [first.build(dt)?; N];
        for (section, config) in sections.iter_mut().zip(configs) {
            *section = config.build(dt)?;
        }
        Ok(Self { sections })
    }

    /// Filters one sample; an unusable one is passed over, and the last output stands.
    #[inline]
    pub fn step(&mut self, x: T) -> T {
        if !x.is_usable() {
            return self.output();
        }
        let mut y = x;
        for section in &mut self.sections {
            y = section.step(y);
        }
        y
    }

    /// The last output; zero before the first sample.
    #[inline]
    pub fn output(&self) -> T {
        self.sections.last().map_or(T::zero(), Biquad::output)
    }

    /// Starts as if the input had been `x` forever; an unusable `x` is ignored.
    pub fn start_at(&mut self, x: T) {
        let mut y = x;
        for section in &mut self.sections {
            section.start_at(y);
            y = section.output();
        }
    }

    /// Changes all sections; levels go on from where they are.
    ///
    /// # Errors
    ///
    /// That of the first section that cannot be built; then nothing changes.
    pub fn retune(&mut self, configs: &[BiquadConfig<T::Param>; N]) -> Result<(), ConfigError> {
        let mut sections = self.sections;
        for (section, config) in sections.iter_mut().zip(configs) {
            section.retune(config)?;
        }
        self.sections = sections;
        Ok(())
    }

    /// Changes the cutoff of a Butterworth filter; levels go on from where they are.
    ///
    /// # Errors
    ///
    /// As [`ButterworthConfig::build`]; then nothing changes.
    pub fn retune_butterworth(
        &mut self,
        config: &ButterworthConfig<T::Param>,
    ) -> Result<(), ConfigError> {
        self.retune(&config.sections())
    }

    /// Forgets all samples.
    pub fn reset(&mut self) {
        for section in &mut self.sections {
            section.reset();
        }
    }

    /// The state, to be logged or put back later.
    pub fn state(&self) -> BiquadChainState<T, N> {
        let mut state = BiquadChainState::default();
        for (state, section) in state.0.iter_mut().zip(&self.sections) {
            *state = section.state();
        }
        state
    }

    /// Puts a state back; sections whose part is not usable stay as they are.
    pub fn restore(&mut self, state: BiquadChainState<T, N>) {
        for (section, state) in self.sections.iter_mut().zip(state.0) {
            section.restore(state);
        }
    }
}

impl<T: Scalar, const N: usize> Step for BiquadChain<T, N> {
    type Input = T;
    type Output = T;
    type State = BiquadChainState<T, N>;
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

    /// Amplitude of the answer to a sine of amplitude one, sampled at 1 kHz.
    fn gain_at<T: Scalar>(config: &ButterworthConfig<T::Param>, hz: f64) -> f64 {
        let mut filter: BiquadChain<T, 3> = config.build(T::Param::lit(0.001)).unwrap();
        let (mut cos, mut sin) = (0.0, 0.0);
        for n in 0..4000 {
            let angle = core::f64::consts::TAU * hz * 0.001 * f64::from(n);
            let y = filter.step(T::lit(angle.sin())).to_param().to_f64();
            if n >= 2000 {
                cos += y * angle.cos() / 1000.0;
                sin += y * angle.sin() / 1000.0;
            }
        }
        cos.hypot(sin)
    }

    fn is_a_butterworth_of_sixth_order<T: Scalar>(tolerance: f64) {
        let warp = |hz: f64| (core::f64::consts::PI * hz * 0.001).tan();
        for high_pass in [false, true] {
            let cutoff_hz = T::Param::lit(40.0);
            let config = ButterworthConfig {
                high_pass,
                cutoff_hz,
            };
            for hz in [10.0, 30.0, 40.0, 60.0, 100.0] {
                let ratio: f64 = if high_pass {
                    warp(40.0) / warp(hz)
                } else {
                    warp(hz) / warp(40.0)
                };
                let exact = 1.0 / (1.0 + ratio.powi(12)).sqrt();
                let gain = gain_at::<T>(&config, hz);
                assert!(
                    (gain - exact).abs() < tolerance,
                    "{} {hz}: {gain} {exact}",
                    T::NAME
                );
            }
        }
    }

    #[test]
    fn the_response_is_maximally_flat() {
        is_a_butterworth_of_sixth_order::<f32>(2e-6);
        is_a_butterworth_of_sixth_order::<f64>(1e-9);
        is_a_butterworth_of_sixth_order::<Q12>(2e-6);
    }

    #[test]
    fn starts_steady_and_retunes_as_a_whole() {
        let config = ButterworthConfig {
            cutoff_hz: 5.0,
            ..Default::default()
        };
        let mut filter: BiquadChain<Q12, 2> = config.build(0.01).unwrap();
        assert_eq!(filter.step(Q12::lit(-7.0)), Q12::lit(-7.0));
        assert_eq!(filter.step(Q12::lit(-7.0)), Q12::lit(-7.0));
        let before = filter;
        let bad = ButterworthConfig {
            cutoff_hz: 60.0,
            ..config
        };
        assert!(filter.retune_butterworth(&bad).is_err());
        assert_eq!(filter, before);
        filter
            .retune_butterworth(&ButterworthConfig {
                cutoff_hz: 8.0,
                ..config
            })
            .unwrap();
        assert!((filter.step(Q12::lit(-7.0)) - Q12::lit(-7.0)).magnitude() < Q12::lit(2e-6));
    }
}
