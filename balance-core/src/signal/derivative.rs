//! Filtered derivative.

use super::is_restorable;
use super::smoothing::Smoothing;
use crate::math::{Float, Scalar};
use crate::{ConfigError, Step};

/// Parameters of a [`Derivative`].
///
/// ```
/// use balance_core::signal::derivative::{Derivative, DerivativeConfig};
/// let mut slope: Derivative<f32> = DerivativeConfig { cutoff_hz: 20.0 }.build(0.01)?;
/// let mut rate = 0.0;
/// for n in 0..200 {
///     rate = slope.step(0.03 * n as f32); // 0.03 rad each 10 ms
/// }
/// assert!((rate - 3.0).abs() < 1e-3); // 3 rad/s
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DerivativeConfig<P> {
    /// Frequency up to which the output is a derivative, in Hz: 1e-6 to below 0.5 sampling
    /// frequencies. Too low: the derivative comes late. Too high: noise of the last place of a
    /// sensor becomes the output.
    pub cutoff_hz: P,
}

impl<P: Float> Default for DerivativeConfig<P> {
    /// 20 Hz: a lag of 8 ms.
    fn default() -> Self {
        Self {
            cutoff_hz: P::lit(20.0),
        }
    }
}

impl<P: Float> DerivativeConfig<P> {
    /// Prepares a filter for the period `dt` in seconds.
    ///
    /// # Errors
    ///
    /// `dt` outside 1 µs to 10 s, `cutoff_hz` outside its range, or a gain of
    /// `(1 − exp(−2π f dt))/dt` that `T` cannot hold (fixed point: above 32767).
    pub fn build<T: Scalar<Param = P>>(&self, dt: P) -> Result<Derivative<T>, ConfigError> {
        let smoothing = Smoothing::new(self.cutoff_hz, dt)?;
        let slope = smoothing.share / dt;
        let small = P::lit(1.0 / 1024.0);
        let held = T::from_param(small).scale(T::gain(slope)).to_param();
        if held < P::lit(0.98) * slope * small {
            return Err(ConfigError::Unrepresentable("cutoff_hz"));
        }
        Ok(Derivative {
            forget: T::gain(-smoothing.share),
            slope: T::gain(slope),
            smoothing,
            state: DerivativeState::default(),
        })
    }
}

/// Where a [`Derivative`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DerivativeState<T: Scalar> {
    /// The output, with the bits below the last place of `T`.
    pub output: T::Wide,
    /// The last input.
    pub input: T,
    /// Whether a sample has been seen.
    pub started: bool,
}

/// Derivative behind a first-order low-pass: `s / (1 + s/(2π f))` as
/// `y += a · ((x − x₋₁)/dt − y)`, `a = 1 − exp(−2π f dt)`.
///
/// The first sample gives zero. Exact for ramps; the sum of the outputs times `dt` is the way the
/// input went. Output in units of the input per second. Fixed point: saturates where the slope
/// exceeds the range.
///
/// Cost: two products and three sums.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Derivative<T: Scalar> {
    smoothing: Smoothing<T::Param>,
    forget: T::Gain,
    slope: T::Gain,
    state: DerivativeState<T>,
}

impl<T: Scalar> Derivative<T> {
    /// Takes one sample, one nominal period after the last, and gives the slope.
    ///
    /// An unusable sample is passed over: the last output stands. The next good sample is then
    /// taken as one period after the last good one.
    #[inline]
    pub fn step(&mut self, x: T) -> T {
        self.advance(x, self.forget, self.slope)
    }

    /// Takes one sample, a measured `dt` seconds after the last.
    ///
    /// The coefficient is that of [`LowPass::step_dt`](super::lowpass::LowPass::step_dt); ramps
    /// stay exact. A `dt` outside 0.1 to 10 nominal periods leaves the state alone. Costs two
    /// divisions more than [`step`](Self::step).
    #[inline]
    pub fn step_dt(&mut self, x: T, dt: T::Param) -> T {
        match self.smoothing.share_of(dt) {
            Some(share) => self.advance(x, T::gain(-share), T::gain(share / dt)),
            None => self.output(),
        }
    }

    #[inline(always)]
    fn advance(&mut self, x: T, forget: T::Gain, slope: T::Gain) -> T {
        let last = self.output();
        if !x.is_usable() {
            return last;
        }
        let state = &mut self.state;
        if state.started {
            let kept = T::accumulate(state.output, forget, last);
            state.output = T::accumulate(kept, slope, x - state.input);
        }
        state.started = true;
        state.input = x;
        self.output()
    }

    /// The last output; zero before the second sample.
    #[inline(always)]
    pub fn output(&self) -> T {
        T::narrow(self.state.output)
    }

    /// Starts as if the input had been `x` forever; an unusable `x` is ignored.
    pub fn start_at(&mut self, x: T) {
        if x.is_usable() {
            self.state = DerivativeState {
                output: T::zero().widen(),
                input: x,
                started: true,
            };
        }
    }

    /// Changes the cutoff; the output goes on from where it is.
    ///
    /// # Errors
    ///
    /// As [`DerivativeConfig::build`]; then nothing changes.
    pub fn retune(&mut self, config: &DerivativeConfig<T::Param>) -> Result<(), ConfigError> {
        let state = self.state;
        *self = config.build(self.smoothing.dt)?;
        self.state = state;
        Ok(())
    }

    /// Forgets all samples.
    pub fn reset(&mut self) {
        self.state = DerivativeState::default();
    }

    /// The state, to be logged or put back later.
    pub fn state(&self) -> DerivativeState<T> {
        self.state
    }

    /// Puts a state back; one that is not usable is ignored.
    pub fn restore(&mut self, state: DerivativeState<T>) {
        if is_restorable(T::narrow(state.output)) && state.input.is_usable() {
            self.state = state;
        }
    }
}

impl<T: Scalar> Step for Derivative<T> {
    type Input = T;
    type Output = T;
    type State = DerivativeState<T>;
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

    fn derives<T: Scalar>(ramp: f64, area: f64) {
        let dt = T::Param::lit(0.002);
        let mut slope: Derivative<T> = DerivativeConfig::default().build(dt).unwrap();
        assert_eq!(slope.step(T::lit(5.0)), T::zero());
        let mut y = T::zero();
        for n in 1..400 {
            y = slope.step(T::lit(5.0 - 0.01 * f64::from(n)));
        }
        assert!(
            (y.to_param().to_f64() + 5.0).abs() < ramp,
            "{}: {y:?}",
            T::NAME
        );
        slope.start_at(T::zero());
        let mut way = 0.0;
        let mut last = f64::MAX;
        for _ in 0..400 {
            let y = slope.step(T::lit(0.5)).to_param().to_f64();
            assert!(y <= last && y > -1e-3);
            last = y;
            way += y * 0.002;
        }
        assert!((way - 0.5).abs() < area, "{}: {way}", T::NAME);
    }

    #[test]
    fn ramps_and_ways_are_exact() {
        derives::<f32>(2e-4, 1e-6);
        derives::<f64>(1e-9, 1e-9);
        // A ramp of 0.01 a step is off by up to half of 2⁻²⁰ a step: 2.4e-4 per second.
        derives::<Q12>(5e-4, 1e-5);
    }

    #[test]
    fn a_measured_period_changes_the_slope() {
        let mut slope: Derivative<f64> = DerivativeConfig::default().build(0.01).unwrap();
        let (mut x, mut y) = (0.0, 0.0);
        for n in 0..300 {
            let dt = if n % 2 == 0 { 0.004 } else { 0.017 };
            x += 2.0 * dt;
            y = slope.step_dt(x, dt);
        }
        // Only the first difference, taken over no time, is still decaying.
        assert!((y - 2.0).abs() < 1e-9, "{y}");
    }

    #[test]
    fn a_gain_that_fixed_point_cannot_hold_is_refused() {
        let config = DerivativeConfig {
            cutoff_hz: 40_000.0,
        };
        assert_eq!(
            config.build::<Q12>(1e-5).map(|_| ()),
            Err(ConfigError::Unrepresentable("cutoff_hz"))
        );
        assert!(config.build::<f32>(1e-5).is_ok());
    }
}
