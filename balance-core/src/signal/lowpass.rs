//! First-order low-pass.

use super::smoothing::Smoothing;
use crate::math::{Float, Scalar};
use crate::{ConfigError, Step};

/// Parameters of a [`LowPass`].
///
/// ```
/// use balance_core::signal::lowpass::{LowPass, LowPassConfig};
/// let mut filter: LowPass<f32> = LowPassConfig { cutoff_hz: 10.0 }.build(0.001)?;
/// assert_eq!(filter.step(3.0), 3.0); // the first sample starts the filter
/// assert!((filter.step(4.0) - 3.0609).abs() < 1e-4); // 1 − exp(−2π · 10 Hz · 1 ms) of the way
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LowPassConfig<P> {
    /// Frequency at which the signal is 3 dB down, in Hz: 1e-6 to below 0.5 sampling frequencies.
    /// Too low: the output lags (by `1/(2π f)` seconds on a ramp). Too high: noise comes through.
    pub cutoff_hz: P,
}

impl<P: Float> Default for LowPassConfig<P> {
    /// 5 Hz: a lag of 32 ms.
    fn default() -> Self {
        Self {
            cutoff_hz: P::lit(5.0),
        }
    }
}

impl<P: Float> LowPassConfig<P> {
    /// Prepares a filter for the period `dt` in seconds.
    ///
    /// # Errors
    ///
    /// `dt` outside 1 µs to 10 s, or `cutoff_hz` outside its range.
    pub fn build<T: Scalar<Param = P>>(&self, dt: P) -> Result<LowPass<T>, ConfigError> {
        let smoothing = Smoothing::new(self.cutoff_hz, dt)?;
        Ok(LowPass {
            share: T::gain(smoothing.share),
            smoothing,
            state: LowPassState::default(),
        })
    }
}

/// Where a [`LowPass`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LowPassState<T: Scalar> {
    /// The output, with the bits below the last place of `T`.
    pub output: T::Wide,
    /// Whether a sample has been seen; until then the output is zero.
    pub started: bool,
}

/// First-order low-pass: `y += (1 − exp(−2π f dt)) · (x − y)`, which samples the answer of an RC
/// filter to a staircase exactly.
///
/// Never overshoots. Fixed point: proven for the whole range, where a difference beyond it counts
/// as the end of the range; the output settles within half a last place of a constant input for
/// `cutoff_hz · dt` ≥ 1e-4, because the state keeps 16 more bits.
///
/// Cost: one product and two sums.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LowPass<T: Scalar> {
    smoothing: Smoothing<T::Param>,
    share: T::Gain,
    state: LowPassState<T>,
}

impl<T: Scalar> LowPass<T> {
    /// Filters one sample, one nominal period after the last.
    ///
    /// An unusable sample is passed over: the last output stands.
    #[inline]
    pub fn step(&mut self, x: T) -> T {
        self.advance(x, self.share)
    }

    /// Filters one sample, a measured `dt` seconds after the last.
    ///
    /// The coefficient is `1 − 1/(1 + z + z²/2 + z³/6)` with `z` proportional to `dt`, made exact
    /// at the nominal period: monotone in `dt` and below one, so the output never overshoots;
    /// within 0.0025 of exact while `cutoff_hz` times the longer of both periods is below 0.1,
    /// within 0.07 always. A `dt` outside 0.1 to 10 nominal periods leaves the state alone. Costs
    /// a division more than [`step`](Self::step).
    #[inline]
    pub fn step_dt(&mut self, x: T, dt: T::Param) -> T {
        match self.smoothing.share_of(dt) {
            Some(share) => self.advance(x, T::gain(share)),
            None => self.output(),
        }
    }

    #[inline(always)]
    fn advance(&mut self, x: T, share: T::Gain) -> T {
        let last = self.output();
        if !x.is_usable() {
            return last;
        }
        if !self.state.started {
            self.start_at(x);
            return x;
        }
        self.state.output = T::accumulate(self.state.output, share, x - last);
        self.output()
    }

    /// The last output; zero before the first sample.
    #[inline(always)]
    pub fn output(&self) -> T {
        T::narrow(self.state.output)
    }

    /// Starts as if the input had been `x` forever; an unusable `x` is ignored.
    #[cold]
    #[inline(never)]
    pub fn start_at(&mut self, x: T) {
        if x.is_usable() {
            self.state = LowPassState {
                output: x.widen(),
                started: true,
            };
        }
    }

    /// Changes the cutoff; the output goes on from where it is.
    ///
    /// # Errors
    ///
    /// As [`LowPassConfig::build`]; then nothing changes.
    pub fn retune(&mut self, config: &LowPassConfig<T::Param>) -> Result<(), ConfigError> {
        let state = self.state;
        *self = config.build(self.smoothing.dt)?;
        self.state = state;
        Ok(())
    }

    /// Forgets all samples.
    pub fn reset(&mut self) {
        self.state = LowPassState::default();
    }

    /// The state, to be logged or put back later.
    pub fn state(&self) -> LowPassState<T> {
        self.state
    }

    /// Puts a state back; one that is not usable is ignored.
    pub fn restore(&mut self, state: LowPassState<T>) {
        if T::narrow(state.output).is_usable() {
            self.state = state;
        }
    }
}

impl<T: Scalar> Step for LowPass<T> {
    type Input = T;
    type Output = T;
    type State = LowPassState<T>;
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

    fn rises_as_an_rc_filter<T: Scalar>(tolerance: f64) {
        let cutoff = 4.0;
        let mut filter: LowPass<T> = LowPassConfig {
            cutoff_hz: T::Param::lit(cutoff),
        }
        .build(T::Param::lit(0.001))
        .unwrap();
        filter.start_at(T::zero());
        for n in 1..2000 {
            let exact = 1.0 - (-core::f64::consts::TAU * cutoff * 0.001 * f64::from(n)).exp();
            let y = filter.step(T::one()).to_param().to_f64();
            assert!(
                (y - exact).abs() < tolerance,
                "{} {n}: {y} {exact}",
                T::NAME
            );
            assert!(y <= 1.0);
        }
    }

    fn settles_without_a_dead_zone<T: Scalar>(last_place: f64) {
        let mut filter: LowPass<T> = LowPassConfig {
            cutoff_hz: T::Param::lit(0.1),
        }
        .build(T::Param::lit(0.001))
        .unwrap();
        filter.start_at(T::zero());
        let mut y = T::zero();
        for _ in 0..60_000 {
            y = filter.step(T::lit(0.5));
        }
        let error = (y.to_param().to_f64() - 0.5).abs();
        assert!(error <= last_place, "{}: {error}", T::NAME);
    }

    #[test]
    fn answers_a_step_as_an_rc_filter() {
        rises_as_an_rc_filter::<f32>(5e-6);
        rises_as_an_rc_filter::<f64>(1e-12);
        rises_as_an_rc_filter::<Q12>(2e-6);
    }

    #[test]
    fn a_slow_filter_settles() {
        settles_without_a_dead_zone::<f32>(3e-5);
        settles_without_a_dead_zone::<f64>(1e-12);
        settles_without_a_dead_zone::<Q12>(1.0 / f64::from(1 << 20));
    }

    #[test]
    fn the_cutoff_may_change_without_a_bump() {
        let mut filter: LowPass<Q12> = LowPassConfig { cutoff_hz: 1.0 }.build(0.01).unwrap();
        filter.start_at(Q12::lit(1.0));
        filter.step(Q12::lit(3.0));
        let before = filter.output();
        filter.retune(&LowPassConfig { cutoff_hz: 20.0 }).unwrap();
        assert_eq!(filter.output(), before);
        assert_eq!(
            filter.retune(&LowPassConfig { cutoff_hz: 50.0 }),
            Err(ConfigError::OutOfRange("cutoff_hz"))
        );
        assert!(filter.step(Q12::lit(3.0)) > Q12::lit(2.4));
    }

    #[test]
    fn two_half_periods_make_a_whole_one() {
        let config = LowPassConfig { cutoff_hz: 10.0 };
        let mut whole: LowPass<f64> = config.build(0.001).unwrap();
        let mut halves: LowPass<f64> = config.build(0.001).unwrap();
        whole.start_at(0.0);
        halves.start_at(0.0);
        for _ in 0..50 {
            whole.step(1.0);
            halves.step_dt(1.0, 0.0005);
            halves.step_dt(1.0, 0.0005);
            assert!((whole.output() - halves.output()).abs() < 1e-5);
        }
        let before = halves.state();
        for absurd in [0.0, -1.0, f64::NAN, 1.0] {
            halves.step_dt(5.0, absurd);
        }
        assert_eq!(halves.state(), before);
    }
}
