//! Smith predictor: a controller for a plant with a known delay is tuned as if there were none.
//!
//! A model of the plant runs beside it, once without and once with the delay. The controller is
//! shown
//!
//! ```text
//! y + ŷ(t) − ŷ(t − delay)
//! ```
//!
//! that is, what will be measured once the delay has passed, plus what the model did not know. Here
//! the model is of the first order, `T dŷ/dt = gain · u − ŷ`, sampled exactly. Any controller of
//! one measured value goes with it:
//!
//! ```
//! use balance_core::control::pid::{Pid, PidConfig};
//! use balance_core::control::smith_predictor::{SmithPredictor, SmithPredictorConfig};
//! let mut predictor: SmithPredictor<f32, 32> = SmithPredictorConfig {
//!     gain: 2.0,
//!     time_constant: 0.5,
//!     delay: 0.3,
//! }
//! .build(0.01)?;
//! let mut pid: Pid<f32> =
//!     PidConfig { kp: 2.0, ki: 4.0, output_max: 5.0, ..Default::default() }.build(0.01)?;
//! let mut output = 0.0;
//! let measured = 0.0;
//! for _ in 0..10 {
//!     let seen = predictor.step(measured, output);
//!     output = pid.step(1.0, seen).total;
//! }
//! // Nothing has come through yet, and still the controller knows what it has done.
//! assert!(output < 1.9, "{output}");
//! # Ok::<(), balance_core::ConfigError>(())
//! ```
//!
//! **Robustness.** With the right model the loop is that of the controller and the undelayed plant,
//! delayed. Where that loop is tuned to answer like `1/(λ s + 1)`, it stays stable for every error
//! of the delay smaller than λ (small gain: `|e^(−jωδ) − 1| ≤ ωδ`): a delay known to 10 % must not
//! be paired with a loop faster than a tenth of it. Without the predictor the bandwidth itself is
//! bounded by about one over the delay.
//!
//! **Where it does not help.** The plant must be stable by itself: an unstable one (a pendulum)
//! leaves the model behind, and an integrator keeps an offset under a constant load. Disturbances
//! are felt a delay later, as without it.
//!
//! Source: O. J. M. Smith, "Closer control of loops with dead time", Chemical Engineering Progress
//! 53(5), 1957; robustness: M. Morari, E. Zafiriou, *Robust Process Control*, 1989, chapter 6.
//! Cost of a step: four products, six sums, one exchange in the line.

use crate::config::{ConfigError, finite, period, positive};
use crate::control::pid::gain;
use crate::math::{Float, Scalar};
use crate::step::Step;

/// Settings of a [`SmithPredictor`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SmithPredictorConfig<P = f32> {
    /// Measured value per unit of output at standstill. Default 1.
    pub gain: P,
    /// T: seconds to 63 % of a step, the delay not counted, above zero. Default 1.
    pub time_constant: P,
    /// Seconds until an output begins to show, sensor and filters included, from one period to as
    /// many as the line holds; also between two periods. Wrong by more than the closed loop's time
    /// constant: oscillation. Default 0.1.
    pub delay: P,
}

impl<P: Float> Default for SmithPredictorConfig<P> {
    fn default() -> Self {
        Self {
            gain: P::one(),
            time_constant: P::one(),
            delay: P::lit(0.1),
        }
    }
}

impl<P: Float> SmithPredictorConfig<P> {
    /// Prepares a predictor for a period of `dt` seconds (1 µs to 10 s), at rest, with a line of N
    /// periods.
    ///
    /// # Errors
    /// Names the field that is out of its range; a delay that the line cannot hold is an
    /// `OutOfRange("delay")`.
    pub fn build<T: Scalar<Param = P>, const N: usize>(
        &self,
        dt: P,
    ) -> Result<SmithPredictor<T, N>, ConfigError> {
        Ok(SmithPredictor {
            model: Model::new::<N>(self, dt)?,
            dt,
            state: SmithPredictorState::default(),
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Model<T: Scalar> {
    /// −(1 − e^(−dt/T)).
    fade: T::Gain,
    /// gain · (1 − e^(−dt/T)).
    push: T::Gain,
    /// Whole periods of the delay.
    whole: usize,
    /// Share of the sample one period older.
    older: T::Gain,
}

impl<T: Scalar> Model<T> {
    fn new<const N: usize>(
        config: &SmithPredictorConfig<T::Param>,
        dt: T::Param,
    ) -> Result<Self, ConfigError> {
        const { assert!(N > 0, "a line holds one period at least") }
        period(dt)?;
        let steady = gain::<T>("gain", finite("gain", config.gain)?)?;
        let time = positive("time_constant", config.time_constant)?;
        let periods = positive("delay", config.delay)? / dt;
        // A delay of N periods that rounding made longer is still N.
        let slack = T::Param::lit(1e-3);
        let mut whole = 0;
        for periods_held in 1..=N {
            if T::Param::lit(periods_held as f64) <= periods + slack {
                whole = periods_held;
            }
        }
        let one: T::Param = num_traits::One::one();
        let rest = periods - T::Param::lit(whole as f64);
        let rest = rest.limit(num_traits::Zero::zero(), one);
        if whole == 0 || (whole == N && rest > slack) {
            return Err(ConfigError::OutOfRange("delay"));
        }
        let share = one - (-dt / time).exp();
        Ok(Self {
            fade: T::gain(-share),
            push: T::gain(steady * share),
            whole,
            older: T::gain(if rest > slack {
                rest
            } else {
                num_traits::Zero::zero()
            }),
        })
    }
}

/// What a [`SmithPredictor`] remembers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SmithPredictorState<T: Scalar, const N: usize> {
    model: T::Wide,
    line: [T; N],
    /// Where the newest sample of the line is.
    newest: usize,
    seen: T,
}

impl<T: Scalar, const N: usize> Default for SmithPredictorState<T, N> {
    fn default() -> Self {
        Self {
            model: T::Wide::default(),
            line: [T::zero(); N],
            newest: 0,
            seen: T::zero(),
        }
    }
}

/// Shows a controller what a delayed plant will do; see the [module](self).
#[derive(Clone, Copy, Debug)]
pub struct SmithPredictor<T: Scalar, const N: usize> {
    model: Model<T>,
    dt: T::Param,
    state: SmithPredictorState<T, N>,
}

impl<T: Scalar, const N: usize> SmithPredictor<T, N> {
    /// Advances by one period: the measured value, and the output that acted since the last one, as
    /// limited. Gives what the controller shall take for the measured value.
    ///
    /// An unusable value leaves everything as it is.
    #[inline]
    pub fn step(&mut self, measured: T, output: T) -> T {
        if !(measured.is_usable() & output.is_usable()) {
            return self.state.seen;
        }
        let old = T::narrow(self.state.model);
        let mut model = T::accumulate(self.state.model, self.model.fade, old);
        model = T::accumulate(model, self.model.push, output);
        let now = T::narrow(model);
        if !now.is_usable() {
            return self.state.seen;
        }
        let delayed = self.delayed();
        let state = &mut self.state;
        state.model = model;
        state.newest = if state.newest == 0 {
            N - 1
        } else {
            state.newest - 1
        };
        if let Some(slot) = state.line.get_mut(state.newest) {
            *slot = now;
        }
        let seen = measured + (now - delayed);
        if seen.is_usable() {
            state.seen = seen;
        }
        state.seen
    }

    /// The model's output of a delay ago; the line's newest sample is a period old.
    #[inline(always)]
    fn delayed(&self) -> T {
        let at = |age: usize| {
            let index = self.state.newest + age;
            let index = if index < N { index } else { index - N };
            self.state.line.get(index).copied().unwrap_or(T::zero())
        };
        let young = at(self.model.whole - 1);
        if self.model.older == T::Gain::default() {
            return young;
        }
        young + (at(self.model.whole) - young).scale(self.model.older)
    }

    /// What the model says without a delay.
    pub fn model(&self) -> T {
        T::narrow(self.state.model)
    }

    /// Takes new settings; the model's output and its past stay, so that a change of the gain acts
    /// with the plant's own time constant. A change of the delay moves what is shown by what the
    /// model did in between. The period stays.
    ///
    /// # Errors
    /// As [`SmithPredictorConfig::build`]; the old settings then stay.
    pub fn retune(&mut self, config: &SmithPredictorConfig<T::Param>) -> Result<(), ConfigError> {
        self.model = Model::new::<N>(config, self.dt)?;
        Ok(())
    }

    /// Starts as if the plant had stood at this value for long. An unusable one means zero.
    pub fn reset_to(&mut self, measured: T) {
        let value = if measured.is_usable() {
            measured
        } else {
            T::zero()
        };
        self.state = SmithPredictorState {
            model: value.widen(),
            line: [value; N],
            newest: 0,
            seen: value,
        };
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.restore(SmithPredictorState::default());
    }

    /// The values that change.
    pub fn state(&self) -> SmithPredictorState<T, N> {
        self.state
    }

    /// Puts a state back; one with an unusable value means rest.
    pub fn restore(&mut self, state: SmithPredictorState<T, N>) {
        let usable = T::narrow(state.model).is_usable()
            && state.seen.is_usable()
            && state.newest < N
            && state.line.iter().all(|x| x.is_usable());
        self.state = if usable {
            state
        } else {
            SmithPredictorState::default()
        };
    }
}

impl<T: Scalar, const N: usize> Step for SmithPredictor<T, N> {
    /// Measured value and output.
    type Input = (T, T);
    type Output = T;
    type State = SmithPredictorState<T, N>;
    #[inline]
    fn step(&mut self, (measured, output): (T, T)) -> T {
        SmithPredictor::step(self, measured, output)
    }
    fn state(&self) -> Self::State {
        SmithPredictor::state(self)
    }
    fn restore(&mut self, state: Self::State) {
        SmithPredictor::restore(self, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::pid::{Pid, PidConfig};
    use crate::math::Q12;

    const DT: f64 = 0.01;

    fn config<P: Float>(delay: f64) -> SmithPredictorConfig<P> {
        SmithPredictorConfig {
            gain: P::lit(2.0),
            time_constant: P::lit(0.5),
            delay: P::lit(delay),
        }
    }

    /// A loop whose answer is 1/(λ s + 1), around a plant of the delay `real`, in periods: the
    /// measured values.
    fn run<T: Scalar>(lambda: f64, known: f64, real: usize, load: f64) -> [f64; 3000] {
        let dt = T::Param::lit(DT);
        let mut predictor: SmithPredictor<T, 64> = config(known).build(dt).unwrap();
        let mut pid: Pid<T> = PidConfig {
            kp: T::Param::lit(0.5 / lambda / 2.0),
            ki: T::Param::lit(1.0 / lambda / 2.0),
            output_min: T::Param::lit(-50.0),
            output_max: T::Param::lit(50.0),
            ..Default::default()
        }
        .build(dt)
        .unwrap();
        let (mut plant, mut output) = (0.0, T::zero());
        let mut past = [0.0; 128];
        let mut seen = [0.0; 3000];
        let share = 1.0 - f64::exp(-DT / 0.5);
        for (tick, seen) in seen.iter_mut().enumerate() {
            plant += share * (2.0 * (output.to_param().to_f64() + load) - plant);
            let measured = past[(tick + 128 - real) % 128];
            past[tick % 128] = plant;
            *seen = measured;
            let shown = predictor.step(T::lit(measured), output);
            output = pid.step(T::lit(1.0), shown).total;
        }
        seen
    }

    #[test]
    fn a_delayed_loop_is_the_undelayed_one_later() {
        fn check<T: Scalar>(slack: f64) {
            let free = {
                let mut plain: Pid<T> = PidConfig {
                    kp: T::Param::lit(0.5),
                    ki: T::Param::lit(1.0),
                    output_min: T::Param::lit(-50.0),
                    output_max: T::Param::lit(50.0),
                    ..Default::default()
                }
                .build(T::Param::lit(DT))
                .unwrap();
                let (mut plant, mut output) = (0.0, 0.0);
                let share = 1.0 - f64::exp(-DT / 0.5);
                core::array::from_fn::<f64, 3000, _>(|_| {
                    plant += share * (2.0 * output - plant);
                    output = plain
                        .step(T::lit(1.0), T::lit(plant))
                        .total
                        .to_param()
                        .to_f64();
                    plant
                })
            };
            let delayed = run::<T>(0.5, 40.0 * DT, 40, 0.0);
            for tick in 40..3000 {
                let off = (delayed[tick] - free[tick - 40]).abs();
                assert!(off < slack, "{} {tick}: {off}", T::NAME);
            }
        }
        check::<f32>(1e-5);
        check::<f64>(1e-9);
        check::<Q12>(1e-4);
    }

    #[test]
    fn a_constant_load_leaves_no_error() {
        fn check<T: Scalar>() {
            let end = run::<T>(0.2, 0.3, 30, -0.2)[2999];
            assert!((end - 1.0).abs() < 1e-3, "{}: {end}", T::NAME);
        }
        check::<f32>();
        check::<f64>();
        check::<Q12>();
    }

    #[test]
    fn bears_an_error_of_the_delay_below_the_time_constant_of_the_loop() {
        let end = |lambda, known, real| {
            let values = run::<f64>(lambda, known, real, 0.0);
            values[2900..]
                .iter()
                .fold(0.0_f64, |m, x| m.max((x - 1.0).abs()))
        };
        for real in [11, 20, 30, 40, 49] {
            // λ = 0.2 s around a delay of 0.3 s, known to ±0.19 s.
            assert!(end(0.2, 0.3, real) < 1e-3, "{real}");
        }
        // Far beyond, it is the promise that ends: the test would see it.
        assert!(end(0.02, 0.3, 45) > 0.5);
    }

    #[test]
    fn a_delay_between_two_periods_is_between_them() {
        let mut shown = [0.0; 3];
        for (shown, delay) in shown.iter_mut().zip([0.05, 0.053, 0.06]) {
            let mut predictor: SmithPredictor<f64, 8> = config(delay).build(DT).unwrap();
            for _ in 0..12 {
                *shown = predictor.step(0.0, 1.0);
            }
        }
        let between = shown[0] + 0.3 * (shown[2] - shown[0]);
        assert!((shown[1] - between).abs() < 1e-9, "{shown:?}");
    }

    #[test]
    fn a_bad_sample_is_as_if_it_had_not_been() {
        let mut predictor: SmithPredictor<f32, 8> = config(0.05).build(0.01).unwrap();
        let mut twin = predictor;
        for tick in 0..50_u8 {
            let x = f32::from(tick % 7);
            assert_eq!(predictor.step(x, 1.0), twin.step(x, 1.0));
            for (y, u) in [(f32::NAN, 0.0), (0.0, f32::INFINITY), (1e30, 1e30)] {
                assert_eq!(predictor.step(y, u), predictor.state().seen);
            }
        }
    }

    #[test]
    fn names_the_field() {
        let build = |config: SmithPredictorConfig<f64>| config.build::<f64, 10>(DT).map(|_| ());
        assert!(build(config(0.1)).is_ok());
        for delay in [0.11, 0.005] {
            assert_eq!(
                build(config(delay)),
                Err(ConfigError::OutOfRange("delay")),
                "{delay}"
            );
        }
        let still = SmithPredictorConfig {
            time_constant: 0.0,
            ..config(0.1)
        };
        assert_eq!(build(still), Err(ConfigError::OutOfRange("time_constant")));
    }
}
