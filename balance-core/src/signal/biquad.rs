//! Second-order section: low, high and band pass, notch, all-pass, peak and shelves.
//!
//! Designs: R. Bristow-Johnson, "Cookbook formulae for audio equalizer biquad filter
//! coefficients" (W3C Note, 2021), reached through the state-variable prototype of
//! [`math::section`](crate::math::section), which also says why floats and fixed point compute
//! them in different forms.

use super::is_restorable;
use crate::config::{finite, period, positive};
use crate::math::section::{Mix, Prototype, Section, coefficients};
use crate::math::{Float, Scalar};
use crate::{ConfigError, Step};

/// What a [`Biquad`] lets through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BiquadKind {
    /// Below the frequency; 12 dB per octave above it.
    #[default]
    Low,
    /// Above the frequency; 12 dB per octave below it.
    High,
    /// Around the frequency, where the gain is one; −3 dB bandwidth `frequency_hz / q`.
    Band,
    /// All but the frequency, where the gain is zero; −3 dB bandwidth `frequency_hz / q`.
    Notch,
    /// Everything, with a phase that turns by 360° around the frequency.
    AllPass,
    /// Everything, with `gain_db` at the frequency.
    Peak,
    /// Everything, with `gain_db` well below the frequency.
    LowShelf,
    /// Everything, with `gain_db` well above the frequency.
    HighShelf,
}

/// Parameters of a [`Biquad`].
///
/// ```
/// use balance_core::signal::biquad::{Biquad, BiquadConfig, BiquadKind};
/// // A chassis that rings at 85 Hz, sampled at 1 kHz.
/// let mut notch: Biquad<f32> = BiquadConfig {
///     kind: BiquadKind::Notch,
///     frequency_hz: 85.0,
///     q: 2.0,
///     ..Default::default()
/// }
/// .build(0.001)?;
/// let mut loudest = 0.0_f32;
/// for n in 0..500 {
///     let y = notch.step((n as f32 * 0.001 * 85.0 * core::f32::consts::TAU).sin());
///     loudest = if n < 100 { 0.0 } else { loudest.max(y.abs()) };
/// }
/// assert!(loudest < 1e-3);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BiquadConfig<P> {
    /// What is let through.
    pub kind: BiquadKind,
    /// Corner, centre or midpoint in Hz: 1e-6 to 0.499 sampling frequencies (fixed point: from
    /// 4e-5). Too low, for a low-pass: lag. Too high: noise.
    pub frequency_hz: P,
    /// Quality, 0.01 to 1000. Below 0.5 a slow approach, at 0.707 the flattest response
    /// (Butterworth), above it ringing; for notch and band the sharpness.
    pub q: P,
    /// Gain of peak and shelves in dB, −40 to 40; other kinds do not look at it.
    pub gain_db: P,
}

impl<P: Float> Default for BiquadConfig<P> {
    /// A Butterworth low-pass at 10 Hz.
    fn default() -> Self {
        Self {
            kind: BiquadKind::Low,
            frequency_hz: P::lit(10.0),
            q: P::lit(core::f64::consts::FRAC_1_SQRT_2),
            gain_db: P::zero(),
        }
    }
}

impl<P: Float> BiquadConfig<P> {
    /// Prepares a section for the period `dt` in seconds.
    ///
    /// # Errors
    ///
    /// `dt` outside 1 µs to 10 s, a field outside its range, or a frequency so low that `T`
    /// cannot hold the coefficients.
    pub fn build<T: Scalar<Param = P>>(&self, dt: P) -> Result<Biquad<T>, ConfigError> {
        let section = T::Section::new(&self.prototype(dt)?)
            .ok_or(ConfigError::Unrepresentable("frequency_hz"))?;
        Ok(Biquad {
            dt,
            section,
            state: BiquadState::default(),
        })
    }

    /// `b₀ b₁ b₂ a₁ a₂` of `(b₀ + b₁ z⁻¹ + b₂ z⁻²) / (1 + a₁ z⁻¹ + a₂ z⁻²)`, for plots and other
    /// programs; the section itself computes in another form.
    ///
    /// # Errors
    ///
    /// `dt` outside 1 µs to 10 s, or a field outside its range.
    pub fn coefficients(&self, dt: P) -> Result<[P; 5], ConfigError> {
        Ok(coefficients(&self.prototype(dt)?))
    }

    fn prototype(&self, dt: P) -> Result<Prototype<P>, ConfigError> {
        period(dt)?;
        positive("frequency_hz", self.frequency_hz)?;
        let cycles = self.frequency_hz * dt;
        if cycles < P::lit(1e-6) || cycles > P::lit(0.499) {
            return Err(ConfigError::OutOfRange("frequency_hz"));
        }
        positive("q", self.q)?;
        if self.q < P::lit(0.01) || self.q > P::lit(1000.0) {
            return Err(ConfigError::OutOfRange("q"));
        }
        finite("gain_db", self.gain_db)?;
        if self.gain_db.magnitude() > P::lit(40.0) {
            return Err(ConfigError::OutOfRange("gain_db"));
        }
        let one = P::one();
        let g = (P::PI * cycles).tan();
        let k = one / self.q;
        let plain = |damping, mix| Prototype {
            warped: g,
            damping,
            mix,
        };
        // A of the cookbook.
        let a = || P::lit(10.0).powf(self.gain_db / P::lit(40.0));
        Ok(match self.kind {
            BiquadKind::Low => plain(k, Mix::Low),
            BiquadKind::High => plain(k, Mix::High),
            BiquadKind::Band => plain(k, Mix::Band(k)),
            BiquadKind::Notch => plain(k, Mix::Beside(-k)),
            BiquadKind::AllPass => plain(k, Mix::Beside(-(k + k))),
            BiquadKind::Peak => {
                let a = a();
                plain(k / a, Mix::Beside(k * (a - one / a)))
            }
            BiquadKind::LowShelf => {
                let a = a();
                Prototype {
                    warped: g / a.sqrt(),
                    damping: k,
                    mix: Mix::Sum(one, k * (a - one), a * a - one),
                }
            }
            BiquadKind::HighShelf => {
                let a = a();
                Prototype {
                    warped: g * a.sqrt(),
                    damping: k,
                    mix: Mix::Sum(a * a, k * (one - a) * a, one - a * a),
                }
            }
        })
    }
}

/// Where a [`Biquad`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BiquadState<T: Scalar> {
    /// The section's own values; they know whether a sample has been seen.
    pub memory: <T::Section as Section<T>>::Memory,
    /// The last output; zero before the first sample.
    pub output: T,
}

/// A second-order section.
///
/// The first sample starts it as if the input had been that forever: a low-pass starts with that
/// output, a high-pass with zero.
///
/// Accuracy against an `f64` section, for noise of amplitude one on a jump of one, quality up to 5
/// and frequencies of 0.4 down to 0.001 of the sampling frequency: `f32` within 6e-6,
/// [`Q12`](crate::math::Q12) within 2e-5 (shelves of 6 dB: 1e-4), of which rounding is at most
/// eight last places and the rest is the coefficients' 30 bits. Below that `f32` stays (1e-5 at
/// 0.0002), while fixed point grows with the square of `1 / frequency` (low-pass: 4e-5 at 0.0002).
/// A constant comes through low-pass, notch, peak and all-pass exactly (fixed point: within a last
/// place).
///
/// Fixed point: proven for the whole range; the output saturates, nothing inside can.
///
/// Cost in floats: two products and six sums for a low-pass, three and five for high and band, three
/// and six for notch, all-pass and peak, five and eight for shelves. Fixed point: five products.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Biquad<T: Scalar> {
    dt: T::Param,
    section: T::Section,
    state: BiquadState<T>,
}

impl<T: Scalar> Biquad<T> {
    /// Filters one sample.
    ///
    /// An unusable sample is passed over: the last output stands.
    #[inline]
    pub fn step(&mut self, x: T) -> T {
        if !x.is_usable() {
            return self.state.output;
        }
        let Some(output) = self.section.step(&mut self.state.memory, x) else {
            self.start_at(x);
            return self.state.output;
        };
        self.state.output = output;
        output
    }

    /// The last output; zero before the first sample.
    #[inline(always)]
    pub fn output(&self) -> T {
        self.state.output
    }

    /// Starts as if the input had been `x` forever; an unusable `x` is ignored.
    #[cold]
    #[inline(never)]
    pub fn start_at(&mut self, x: T) {
        if x.is_usable() {
            let (memory, output) = self.section.settle(x);
            self.state = BiquadState { memory, output };
        }
    }

    /// Changes the parameters. Level and slope of what is inside go on from where they are; while
    /// the kind stays, there is no jump.
    ///
    /// # Errors
    ///
    /// As [`BiquadConfig::build`]; then nothing changes.
    pub fn retune(&mut self, config: &BiquadConfig<T::Param>) -> Result<(), ConfigError> {
        let state = self.state;
        *self = config.build(self.dt)?;
        self.restore(state);
        Ok(())
    }

    /// Forgets all samples.
    pub fn reset(&mut self) {
        self.state = BiquadState::default();
    }

    /// The state, to be logged or put back later.
    pub fn state(&self) -> BiquadState<T> {
        self.state
    }

    /// Puts a state back; one that is not usable is ignored.
    pub fn restore(&mut self, state: BiquadState<T>) {
        if let (Some(memory), true) = (
            self.section.adopt(state.memory),
            is_restorable(state.output),
        ) {
            self.state = BiquadState { memory, ..state };
        }
    }
}

impl<T: Scalar> Step for Biquad<T> {
    type Input = T;
    type Output = T;
    type State = BiquadState<T>;
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

    const KINDS: [BiquadKind; 8] = [
        BiquadKind::Low,
        BiquadKind::High,
        BiquadKind::Band,
        BiquadKind::Notch,
        BiquadKind::AllPass,
        BiquadKind::Peak,
        BiquadKind::LowShelf,
        BiquadKind::HighShelf,
    ];

    fn built<T: Scalar>(kind: BiquadKind, frequency: f64, q: f64) -> Biquad<T> {
        BiquadConfig {
            kind,
            frequency_hz: T::Param::lit(frequency),
            q: T::Param::lit(q),
            gain_db: T::Param::lit(6.0),
        }
        .build(T::Param::lit(0.001))
        .unwrap()
    }

    /// Largest difference to `f64` over noise of amplitude one around a jump.
    fn worst<T: Scalar>(kind: BiquadKind, frequency: f64, q: f64) -> f64 {
        let mut exact = built::<f64>(kind, frequency, q);
        let mut filter = built::<T>(kind, frequency, q);
        let (mut seed, mut worst) = (1_u32, 0.0_f64);
        for n in 0..6000 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Multiples of 2⁻²⁰ go into all types without rounding.
            let noise = f64::from(seed >> 12) / f64::from(1 << 19) - 1.0;
            let x = noise + if n > 500 { 1.0 } else { 0.0 };
            let y = filter.step(T::lit(x)).to_param().to_f64();
            worst = worst.max((y - exact.step(x)).abs());
        }
        worst
    }

    #[test]
    fn each_type_agrees_with_double_precision() {
        for kind in KINDS {
            for (frequency, q) in [
                (1.0, 0.7),
                (1.0, 5.0),
                (7.0, 0.7),
                (60.0, 5.0),
                (400.0, 0.7),
            ] {
                let single = worst::<f32>(kind, frequency, q);
                let fixed = worst::<Q12>(kind, frequency, q);
                let shelf = matches!(kind, BiquadKind::LowShelf | BiquadKind::HighShelf);
                let bound = if shelf { 1e-4 } else { 2e-5 };

                assert!(single < 6e-6, "{kind:?} {frequency} {q}: {single}");
                assert!(fixed < bound, "{kind:?} {frequency} {q}: {fixed}");
            }
        }
        assert!(worst::<f32>(BiquadKind::Low, 0.2, 0.7) < 1e-5);
        assert!(worst::<Q12>(BiquadKind::Low, 0.2, 0.7) < 4e-5);
    }

    fn constants_are_kept<T: Scalar>(last_places: f64) {
        for kind in KINDS {
            let mut filter = built::<T>(kind, 30.0, 1.0);
            let first = filter.step(T::lit(3.7));
            let expected = match kind {
                BiquadKind::High | BiquadKind::Band => 0.0,
                BiquadKind::LowShelf => 3.7 * 10.0_f64.powf(0.3),
                _ => T::lit(3.7).to_param().to_f64(),
            };
            let tolerance = last_places * expected.max(1.0);
            assert!((first.to_param().to_f64() - expected).abs() <= tolerance);
            for _ in 0..1000 {
                let y = filter.step(T::lit(3.7)).to_param().to_f64();
                assert!(
                    (y - expected).abs() <= tolerance,
                    "{kind:?} {}: {y}",
                    T::NAME
                );
            }
        }
    }

    #[test]
    fn the_first_sample_is_the_steady_state() {
        constants_are_kept::<f32>(4e-7);
        constants_are_kept::<f64>(1e-15);
        constants_are_kept::<Q12>(1e-6);
    }

    #[test]
    fn fixed_point_saturates_and_comes_back() {
        let mut filter = built::<Q12>(BiquadKind::Low, 50.0, 5.0);
        filter.start_at(Q12::lit(0.0));
        let mut top = Q12::lit(0.0);
        for _ in 0..100 {
            let y = filter.step(Q12::MAX);
            top = if y > top { y } else { top };
        }
        assert_eq!(top, Q12::MAX);
        let mut y = Q12::lit(0.0);
        for _ in 0..1000 {
            y = filter.step(Q12::lit(-1.0));
        }
        assert!((y.to_param() + 1.0).abs() < 2e-6);
    }

    fn retuning_does_not_jump<T: Scalar>(tolerance: f64) {
        let mut filter = built::<T>(BiquadKind::Low, 3.0, 0.7);
        filter.start_at(T::zero());
        let mut last = 0.0;
        for n in 0..400 {
            if n == 100 {
                let config = BiquadConfig {
                    frequency_hz: T::Param::lit(6.0),
                    ..Default::default()
                };
                filter.retune(&config).unwrap();
            }
            let y = filter.step(T::one()).to_param().to_f64();
            assert!((y - last).abs() < tolerance, "{} {n}: {last} {y}", T::NAME);
            last = y;
        }
        assert!((last - 1.0).abs() < 1e-3);
    }

    #[test]
    fn a_low_pass_is_retuned_without_a_jump() {
        retuning_does_not_jump::<f32>(0.02);
        retuning_does_not_jump::<f64>(0.02);
        retuning_does_not_jump::<Q12>(0.02);
    }

    #[test]
    fn errors_name_the_field() {
        let good = BiquadConfig::<f32>::default();
        let error = |config: BiquadConfig<f32>| config.build::<Q12>(0.001).unwrap_err();
        for frequency_hz in [500.0, 0.0, -1.0] {
            let config = BiquadConfig {
                frequency_hz,
                ..good
            };
            assert_eq!(error(config), ConfigError::OutOfRange("frequency_hz"));
        }
        assert_eq!(
            error(BiquadConfig { q: 0.0, ..good }),
            ConfigError::OutOfRange("q")
        );
        let config = BiquadConfig {
            gain_db: f32::NAN,
            ..good
        };
        assert_eq!(error(config), ConfigError::NonFinite("gain_db"));
        let config = BiquadConfig {
            frequency_hz: 0.02,
            ..good
        };
        assert_eq!(error(config), ConfigError::Unrepresentable("frequency_hz"));
    }
}
