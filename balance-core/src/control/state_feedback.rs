//! State feedback: `u = u_ff − K (x − x_ref) − k_i ∫ (…) dt`, the step of an LQR or LQI.
//!
//! Single output. Several outputs are several of these, one per row of the gain matrix, fed the
//! same state; each has limits and anti-windup of its own. (A matrix product would share nothing
//! but the loop.)
//!
//! Cost of [`StateFeedback::step`] without an integral: N products, N − 1 sums, two comparisons.
//! Whether a state is usable is asked only where the output is not inside its limits: one that is
//! not makes it so, unless its gain is next to nothing, and then it does no harm: only the integral
//! remembers anything, and with an integral each state is checked.

use super::pid::{Saturation, gain};
use crate::config::{ConfigError, finite, period, positive, within};
use crate::math::{Float, Scalar};
use crate::step::Step;
use nalgebra::SMatrix;

/// What the integral of a [`StateFeedback`] adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntegralOf {
    /// `x[i] − x_ref[i]` of the state with this index.
    State(usize),
    /// [`StateFeedbackInput::deviation`]: measured minus wanted value of an output.
    Deviation,
}

/// Integral action of a [`StateFeedback`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FeedbackIntegral<P = f32> {
    /// Output per unit of deviation and second, with the sign of a row of K: it is subtracted.
    /// Too small: an offset stays for long. Too large: slow oscillation.
    pub gain: P,
    /// What is added up.
    pub of: IntegralOf,
    /// The contribution stays within ± this, above zero.
    pub limit: P,
}

/// Settings of a [`StateFeedback`] of N states.
///
/// ```
/// use balance_core::control::state_feedback::{StateFeedback, StateFeedbackConfig};
/// use nalgebra::SMatrix;
/// let lqr = SMatrix::<f32, 1, 2>::new(3.0, 0.5);
/// let mut feedback: StateFeedback<f32, 2> = StateFeedbackConfig {
///     output_min: -12.0,
///     output_max: 12.0,
///     ..lqr.into()
/// }
/// .build(0.005)?;
/// assert_eq!(feedback.step(&[1.0, -1.0]).total, -2.5);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StateFeedbackConfig<P, const N: usize> {
    /// K: output per unit of each state, −1e9 to 1e9 (fixed point: ±32767). Default zero.
    pub gain: [P; N],
    /// Integral action. Default `None`.
    pub integral: Option<FeedbackIntegral<P>>,
    /// Smallest output. Default −1.
    pub output_min: P,
    /// Largest output. Default 1.
    pub output_max: P,
}

impl<P: Float, const N: usize> Default for StateFeedbackConfig<P, N> {
    fn default() -> Self {
        Self {
            gain: [P::zero(); N],
            integral: None,
            output_min: -P::one(),
            output_max: P::one(),
        }
    }
}

impl<P: Float, const N: usize> From<SMatrix<P, 1, N>> for StateFeedbackConfig<P, N> {
    fn from(gain: SMatrix<P, 1, N>) -> Self {
        Self {
            gain: gain.data.0.map(|[k]| k),
            ..Self::default()
        }
    }
}

impl<P: Float, const N: usize> StateFeedbackConfig<P, N> {
    /// Prepares the feedback for a period of `dt` seconds (1 µs to 10 s), at rest.
    ///
    /// # Errors
    ///
    /// Names the field that is not finite, out of its range, or beyond the scalar type; a state
    /// index of N or more is an `OutOfRange("integral")`.
    pub fn build<T: Scalar<Param = P>>(&self, dt: P) -> Result<StateFeedback<T, N>, ConfigError> {
        period(dt)?;
        for k in self.gain {
            gain::<T>("gain", k)?;
        }
        let (lowest, highest) = (T::MIN.to_param(), T::MAX.to_param());
        within("output_min", self.output_min, lowest, highest)?;
        within("output_max", self.output_max, lowest, highest)?;
        if self.output_min >= self.output_max {
            return Err(ConfigError::Order("output_min", "output_max"));
        }
        let mut feedback = StateFeedback {
            gain: T::align(self.gain.map(|k| T::gain(-k))),
            integral_gain: T::Gain::default(),
            integral_limit: T::zero(),
            of: self.integral.map(|integral| integral.of),
            reverse: false,
            low: T::from_param(self.output_min),
            high: T::from_param(self.output_max),
            // Empty: with an integral there is more to do.
            free: [T::MAX, T::MIN],
            dt,
            state: StateFeedbackState::default(),
        };
        if feedback.of.is_none() {
            feedback.free = [feedback.low, feedback.high];
        }
        if let Some(integral) = self.integral {
            finite("integral", integral.gain)?;
            let k = gain::<T>("integral", integral.gain * dt)?;
            let limit = positive("integral", integral.limit)?;
            within("integral", limit, P::zero(), highest)?;
            if matches!(integral.of, IntegralOf::State(index) if index >= N) {
                return Err(ConfigError::OutOfRange("integral"));
            }
            feedback.integral_gain = T::gain(-k);
            feedback.integral_limit = T::from_param(limit);
            feedback.reverse = k > P::zero();
        }
        feedback.reset();
        Ok(feedback)
    }
}

/// A state feedback of N states; see [`StateFeedbackConfig`].
#[derive(Clone, Copy, Debug)]
pub struct StateFeedback<T: Scalar, const N: usize> {
    /// −K.
    gain: [T::Gain; N],
    /// −k_i·dt.
    integral_gain: T::Gain,
    integral_limit: T,
    of: Option<IntegralOf>,
    /// A positive deviation lowers the output.
    reverse: bool,
    low: T,
    high: T,
    /// Between these a sum of products is the output.
    free: [T; 2],
    dt: T::Param,
    state: StateFeedbackState<T>,
}

/// All that a step of a [`StateFeedback`] can make use of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StateFeedbackInput<T, const N: usize> {
    /// x.
    pub state: [T; N],
    /// The state to be reached.
    pub reference: [T; N],
    /// Added to the output ahead of its limits.
    pub feedforward: T,
    /// Measured minus wanted value, for [`IntegralOf::Deviation`].
    pub deviation: T,
}

/// The output of a [`StateFeedback`] and where it comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StateFeedbackOutput<T> {
    /// Contribution of the integral.
    pub integral: T,
    /// The output: all contributions, limited.
    pub total: T,
    /// Limit that acted.
    pub saturated: Saturation,
    /// Whether an input was unusable and the last good output stands.
    pub held: bool,
}

/// The values of a [`StateFeedback`] that change.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StateFeedbackState<T: Scalar> {
    integral: T::Wide,
    total: T,
    saturated: Saturation,
}

impl<T: Scalar, const N: usize> StateFeedback<T, N> {
    /// Advances by one period toward a state of zeros; [`IntegralOf::Deviation`] then stands.
    #[inline]
    pub fn step(&mut self, state: &[T; N]) -> StateFeedbackOutput<T> {
        // Minus zero is what the compiler may drop from a sum of floats.
        let sum = T::accumulate_all((-T::zero()).widen(), &self.gain, state);
        let total = T::narrow(sum);
        let [low, high] = self.free;
        if total.is_above(low) && high.is_above(total) {
            self.state.total = total;
            self.state.saturated = Saturation::None;
            return self.output();
        }
        let held = self.step_with_care(state, sum);
        StateFeedbackOutput {
            held,
            ..self.output()
        }
    }

    /// Whether the last output stands.
    #[cold]
    #[inline(never)]
    fn step_with_care(&mut self, state: &[T; N], sum: T::Wide) -> bool {
        let usable = state.iter().all(|x| x.is_usable());
        if usable {
            self.advance(state, T::zero(), sum);
        }
        !usable
    }

    /// Advances by one period with all that is known.
    #[inline]
    pub fn step_with(&mut self, input: &StateFeedbackInput<T, N>) -> StateFeedbackOutput<T> {
        let mut deviation = input.state;
        let mut usable = input.feedforward.is_usable() & input.deviation.is_usable();
        for (x, reference) in deviation.iter_mut().zip(&input.reference) {
            usable &= x.is_usable() & reference.is_usable();
            *x -= *reference;
        }
        if !usable {
            return self.hold();
        }
        let sum = T::accumulate_all(input.feedforward.widen(), &self.gain, &deviation);
        self.advance(&deviation, input.deviation, sum)
    }

    #[inline(always)]
    fn advance(&mut self, x: &[T; N], deviation: T, sum: T::Wide) -> StateFeedbackOutput<T> {
        let mut integral = self.state.integral;
        let (total, saturated) = match self.of {
            None => self.limited(T::narrow(sum)),
            Some(of) => {
                let deviation = match of {
                    IntegralOf::State(index) => x.get(index).copied().unwrap_or(T::zero()),
                    IntegralOf::Deviation => deviation,
                };
                let others = T::narrow(sum);
                integral = self.bounded(T::accumulate(integral, self.integral_gain, deviation));
                let (total, saturated) = self.limited(others + T::narrow(integral));
                let rising = (deviation > T::zero()) != self.reverse;
                if saturated.blocks(rising) {
                    integral = self.state.integral;
                    (self.limited(others + T::narrow(integral)).0, saturated)
                } else {
                    (total, saturated)
                }
            }
        };
        self.state = StateFeedbackState {
            integral,
            total,
            saturated,
        };
        self.output()
    }

    #[cold]
    fn hold(&self) -> StateFeedbackOutput<T> {
        StateFeedbackOutput {
            held: true,
            ..self.output()
        }
    }

    /// The last good output.
    #[inline]
    pub fn output(&self) -> StateFeedbackOutput<T> {
        StateFeedbackOutput {
            integral: T::narrow(self.state.integral),
            total: self.state.total,
            saturated: self.state.saturated,
            held: false,
        }
    }

    #[inline]
    fn limited(&self, wanted: T) -> (T, Saturation) {
        if wanted.is_above(self.high) {
            (self.high, Saturation::High)
        } else if self.low.is_above(wanted) {
            (self.low, Saturation::Low)
        } else {
            (wanted, Saturation::None)
        }
    }

    #[inline(always)]
    fn bounded(&self, integral: T::Wide) -> T::Wide {
        let value = T::narrow(integral);
        if value > self.integral_limit {
            self.integral_limit.widen()
        } else if value < -self.integral_limit {
            (-self.integral_limit).widen()
        } else {
            integral
        }
    }

    /// Takes new settings; the integral, kept in units of the output, does not jump. The period
    /// stays.
    ///
    /// # Errors
    ///
    /// As [`StateFeedbackConfig::build`]; the old settings then stay.
    pub fn retune(&mut self, config: &StateFeedbackConfig<T::Param, N>) -> Result<(), ConfigError> {
        let state = self.state;
        *self = config.build(self.dt)?;
        self.restore(state);
        Ok(())
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.restore(StateFeedbackState::default());
    }

    /// The values that change.
    pub fn state(&self) -> StateFeedbackState<T> {
        self.state
    }

    /// Puts a state back, within the limits; one with an unusable value means rest.
    pub fn restore(&mut self, state: StateFeedbackState<T>) {
        self.state = if T::narrow(state.integral).is_usable() && state.total.is_usable() {
            state
        } else {
            StateFeedbackState::default()
        };
        self.state.integral = self.bounded(self.state.integral);
        self.state.total = self.state.total.limit(self.low, self.high);
    }
}

impl<T: Scalar, const N: usize> Step for StateFeedback<T, N> {
    type Input = StateFeedbackInput<T, N>;
    type Output = StateFeedbackOutput<T>;
    type State = StateFeedbackState<T>;
    #[inline]
    fn step(&mut self, input: StateFeedbackInput<T, N>) -> StateFeedbackOutput<T> {
        self.step_with(&input)
    }
    fn state(&self) -> StateFeedbackState<T> {
        StateFeedback::state(self)
    }
    fn restore(&mut self, state: StateFeedbackState<T>) {
        StateFeedback::restore(self, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;

    fn config<P: Float>() -> StateFeedbackConfig<P, 2> {
        StateFeedbackConfig {
            gain: [P::lit(6.0), P::lit(2.0)],
            integral: Some(FeedbackIntegral {
                gain: P::lit(4.0),
                of: IntegralOf::State(0),
                limit: P::lit(3.0),
            }),
            output_min: P::lit(-4.0),
            output_max: P::lit(4.0),
        }
    }

    fn number<T: Scalar>(x: T) -> f64 {
        x.to_param().to_f64()
    }

    /// A double integrator under a constant force, driven to position 0.5.
    fn drive<T: Scalar>(stuck: usize) -> (f64, f64) {
        let mut feedback: StateFeedback<T, 2> = config().build(T::Param::lit(0.002)).unwrap();
        let (mut x, mut v, mut peak) = (0.0_f64, 0.0_f64, 0.0_f64);
        for tick in 0..stuck + 10_000 {
            let u = feedback.step_with(&StateFeedbackInput {
                state: [T::lit(x), T::lit(v)],
                reference: [T::lit(0.5), T::zero()],
                feedforward: T::zero(),
                deviation: T::zero(),
            });
            if tick >= stuck {
                v += 0.002 * (number(u.total) - 1.5);
                x += 0.002 * v;
            }
            peak = peak.max(x);
        }
        (x, peak)
    }

    #[test]
    fn integral_removes_a_constant_force_and_does_not_wind_up() {
        fn check<T: Scalar>() {
            let (x, peak) = drive::<T>(0);
            assert!((x - 0.5).abs() < 2e-4, "{}: {x}", T::NAME);
            let (x, stuck_peak) = drive::<T>(20_000);
            assert!((x - 0.5).abs() < 2e-4, "{}: {x}", T::NAME);
            assert!(stuck_peak < peak + 0.4, "{}: {stuck_peak} {peak}", T::NAME);
        }
        check::<f32>();
        check::<f64>();
        check::<Q12>();
    }

    #[test]
    fn is_minus_k_x_rounded_once() {
        fn check<T: Scalar>(bound: f64) {
            let gain = [-0.8351, -34.1896, -1.2935, -2.8141];
            let mut feedback: StateFeedback<T, 4> = StateFeedbackConfig {
                gain: gain.map(T::Param::lit),
                output_min: T::Param::lit(-12.0),
                output_max: T::Param::lit(12.0),
                integral: None,
            }
            .build(T::Param::lit(0.004))
            .unwrap();
            let x = [0.3, 0.04, -1.1, 0.25];
            let wanted: f64 = gain.iter().zip(x).map(|(k, x)| -k * x).sum();
            let got = number(feedback.step(&x.map(T::lit)).total);
            assert!((got - wanted).abs() < bound, "{}: {got} {wanted}", T::NAME);
            assert_eq!(
                feedback.step(&[9.0; 4].map(T::lit)).saturated,
                Saturation::High
            );
        }
        check::<f32>(1e-6);
        check::<f64>(1e-15);
        // Half a unit of each state times its gain, and half a unit of the output.
        check::<Q12>(40.0 * 0.5 / 1048576.0);
    }

    #[test]
    fn bad_sample_is_as_if_it_had_not_been() {
        let mut feedback: StateFeedback<f32, 2> = config().build(0.01).unwrap();
        let mut twin = feedback;
        for tick in 0..50_u8 {
            let x = [0.01 * f32::from(tick), 0.2];
            assert_eq!(feedback.step(&x), twin.step(&x));
            for bad in [f32::NAN, f32::INFINITY, -3e38] {
                let held = feedback.step(&[0.1, bad]);
                assert!(held.held && held.total == twin.output().total);
            }
        }
    }

    #[test]
    fn names_the_field() {
        let mut wrong = config::<f64>();
        wrong.gain[1] = f64::NAN;
        assert_eq!(
            wrong.build::<f64>(0.01).err(),
            Some(ConfigError::NonFinite("gain"))
        );
        let mut wrong = config::<f64>();
        wrong.integral = wrong.integral.map(|integral| FeedbackIntegral {
            of: IntegralOf::State(2),
            ..integral
        });
        assert_eq!(
            wrong.build::<f64>(0.01).err(),
            Some(ConfigError::OutOfRange("integral"))
        );
        let mut wrong = config::<f32>();
        wrong.gain[0] = 40_000.0;
        assert_eq!(
            wrong.build::<Q12>(0.01).err(),
            Some(ConfigError::Unrepresentable("gain"))
        );
    }
}
