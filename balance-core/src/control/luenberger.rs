//! Luenberger observer: the states that are not measured, from a model and those that are.
//!
//! ```text
//! x̂ ← A x̂ + B u        what the input of the last period has done
//! x̂ ← x̂ + L (y − C x̂)   what the measured values say about it
//! ```
//!
//! The error fades with the eigenvalues of `(I − L C) A`, whatever the input; `build` refuses a gain
//! with which it does not. The gain comes from wanted poles ([`LuenbergerConfig::with_poles`], one
//! measured value) or from the noises ([`LuenbergerConfig::with_noise`], the steady Kalman gain). For
//! noises alone, and measured values that may be outliers,
//! [`SteadyKalman`](crate::estimation::kalman::SteadyKalman) has gates and statistics.
//!
//! Source: D. G. Luenberger, "An introduction to observers", IEEE Transactions on Automatic Control
//! 16(6), 1971; in the current form of G. F. Franklin, J. D. Powell, M. L. Workman, *Digital Control
//! of Dynamic Systems*, section 8.2. Cost of a step: N² + N M + 2 N L products.

use super::design::matrix::{Matrix, spectral_radius, widened};
use super::design::{DesignError, DiscreteModel, KalmanGainConfig, Pole, place_observer_poles};
use super::pid::gain;
use crate::config::{ConfigError, period};
use crate::math::{Float, Scalar};
use crate::step::Step;
use nalgebra::SMatrix;

/// Settings of a [`Luenberger`] observer of N states, M inputs and L measured values.
///
/// ```
/// use balance_core::control::design::{ContinuousModel, Pole};
/// use balance_core::control::luenberger::{Luenberger, LuenbergerConfig};
/// use nalgebra::{Matrix1x2, Matrix2, Vector2};
/// // A cart of 2 kg: only its place is measured, in m.
/// let cart = ContinuousModel {
///     a: Matrix2::new(0.0, 1.0, 0.0, 0.0),
///     b: Vector2::new(0.0, 0.5),
/// }
/// .discretise(0.01)?;
/// let place = Matrix1x2::new(1.0, 0.0);
/// let mut observer: Luenberger<f32, 2, 1, 1> =
///     LuenbergerConfig::with_poles(cart, place, &[Pole::damped(30.0, 0.8)])?.build()?;
/// // It stands at 1 m, and then 2 N push for a second: 1 m/s.
/// for tick in 0..200_i16 {
///     let t = f32::from(tick.max(100) - 100) * 0.01;
///     observer.step(&[1.0 + 0.5 * t * t], &[if tick > 100 { 2.0 } else { 0.0 }]);
/// }
/// let [_, speed] = observer.estimate();
/// assert!((speed - 0.99).abs() < 1e-3, "{speed}");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LuenbergerConfig<P, const N: usize, const M: usize, const L: usize> {
    /// The plant, in periods.
    pub model: DiscreteModel<P, N, M>,
    /// C: measured values by the states.
    pub output: SMatrix<P, L, N>,
    /// L: states per unit of what was measured beside what was expected. Larger: sooner, with more
    /// of the noise.
    pub gain: SMatrix<P, N, L>,
}

impl<P: Float, const N: usize, const M: usize> LuenbergerConfig<P, N, M, 1> {
    /// The one whose error has these poles, in rad/s, N in all: three to ten times faster than the
    /// loop. Too fast: noise. Too slow: the controller works with old states.
    ///
    /// # Errors
    /// Those of [`place_observer_poles`].
    pub fn with_poles(
        model: DiscreteModel<P, N, M>,
        output: SMatrix<P, 1, N>,
        poles: &[Pole<P>],
    ) -> Result<Self, DesignError> {
        Ok(Self {
            gain: place_observer_poles(&model, &output, poles)?,
            model,
            output,
        })
    }
}

impl<P: Float, const N: usize, const M: usize, const L: usize> LuenbergerConfig<P, N, M, L> {
    /// The one that is best for these noises: with the steady Kalman gain.
    ///
    /// # Errors
    /// Those of [`KalmanGainConfig::design`].
    pub fn with_noise(
        model: DiscreteModel<P, N, M>,
        output: SMatrix<P, L, N>,
        noise: &KalmanGainConfig<P, N, L>,
    ) -> Result<Self, DesignError> {
        Ok(Self {
            gain: noise.design(&model.a, &output)?.filter,
            model,
            output,
        })
    }

    /// Prepares the observer, with an estimate of zeros.
    ///
    /// # Errors
    ///
    /// `OutOfRange("gain")` for one with which the error does not fade; or the name of a matrix with
    /// a coefficient that is not finite or beyond the scalar type.
    pub fn build<T: Scalar<Param = P>>(&self) -> Result<Luenberger<T, N, M, L>, ConfigError> {
        const { assert!(N > 0 && L > 0, "a state and a measured value at least") }
        period(self.model.dt)?;
        let mut growth = rows::<T, N, N>("a", &self.model.a)?;
        for (i, row) in growth.iter_mut().enumerate() {
            row[i] = T::gain(self.model.a[(i, i)] - P::one());
        }
        let effect = rows::<T, N, M>("b", &self.model.b)?;
        let mut expected = rows::<T, L, N>("output", &self.output)?;
        for (i, row) in expected.iter_mut().enumerate() {
            for (j, c) in row.iter_mut().enumerate() {
                *c = T::gain(-self.output[(i, j)]);
            }
        }
        let correction = rows::<T, N, L>("gain", &self.gain)?;
        let error = Matrix::<N, N>::identity() - widened(&self.gain) * widened(&self.output);
        let radius = spectral_radius(&(error * widened(&self.model.a)));
        // Also refuses NaN.
        if radius.partial_cmp(&(1.0 - 1e-9)) != Some(core::cmp::Ordering::Less) {
            return Err(ConfigError::OutOfRange("gain"));
        }
        Ok(Luenberger {
            growth: growth.map(T::align),
            effect: effect.map(T::align),
            expected: expected.map(T::align),
            correction: correction.map(T::align),
            state: LuenbergerState::default(),
        })
    }
}

/// Prepared coefficients of a matrix, row by row.
fn rows<T: Scalar, const R: usize, const C: usize>(
    name: &'static str,
    matrix: &SMatrix<T::Param, R, C>,
) -> Result<[[T::Gain; C]; R], ConfigError> {
    for x in matrix.data.0.as_flattened() {
        gain::<T>(name, *x)?;
    }
    Ok(core::array::from_fn(|i| {
        core::array::from_fn(|j| T::gain(matrix[(i, j)]))
    }))
}

/// What a [`Luenberger`] observer says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LuenbergerOutput<T, const N: usize, const L: usize> {
    /// x̂.
    pub estimate: [T; N],
    /// `y − C x̂` ahead of the correction; zero for a measured value that was unusable.
    pub innovation: [T; L],
    /// Whether an input was unusable and the last estimate stands.
    pub held: bool,
}

/// The values of a [`Luenberger`] observer that change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LuenbergerState<T: Scalar, const N: usize> {
    estimate: [T::Wide; N],
}

impl<T: Scalar, const N: usize> Default for LuenbergerState<T, N> {
    fn default() -> Self {
        Self {
            estimate: [T::Wide::default(); N],
        }
    }
}

/// A Luenberger observer; see [`LuenbergerConfig`].
#[derive(Clone, Copy, Debug)]
pub struct Luenberger<T: Scalar, const N: usize, const M: usize, const L: usize> {
    /// A − I.
    growth: [[T::Gain; N]; N],
    effect: [[T::Gain; M]; N],
    /// −C.
    expected: [[T::Gain; N]; L],
    correction: [[T::Gain; L]; N],
    state: LuenbergerState<T, N>,
}

impl<T: Scalar, const N: usize, const M: usize, const L: usize> Luenberger<T, N, M, L> {
    /// Advances by one period: the values measured now, and the inputs that acted since the last
    /// ones, as limited.
    ///
    /// An unusable measured value is taken for the expected one: the model goes on alone. An unusable
    /// input leaves everything as it is. An estimate that has left the usable range (of an unstable
    /// plant that is not measured for long) starts anew from zeros.
    #[inline]
    pub fn step(&mut self, measured: &[T; L], input: &[T; M]) -> LuenbergerOutput<T, N, L> {
        let now = self.estimate();
        let mut out = LuenbergerOutput {
            estimate: now,
            innovation: [T::zero(); L],
            held: false,
        };
        if !input.iter().all(|u| u.is_usable()) {
            out.held = true;
            return out;
        }
        let mut next = self.state.estimate;
        for (x, (growth, effect)) in next.iter_mut().zip(self.growth.iter().zip(&self.effect)) {
            *x = T::accumulate_all(*x, growth, &now);
            *x = T::accumulate_all(*x, effect, input);
        }
        let foreseen = next.map(T::narrow);
        for (error, (measured, expected)) in out
            .innovation
            .iter_mut()
            .zip(measured.iter().zip(&self.expected))
        {
            if measured.is_usable() {
                *error = T::narrow(T::accumulate_all(measured.widen(), expected, &foreseen));
            }
        }
        for (x, correction) in next.iter_mut().zip(&self.correction) {
            *x = T::accumulate_all(*x, correction, &out.innovation);
        }
        if !next.iter().all(|x| T::narrow(*x).is_usable()) {
            next = [T::Wide::default(); N];
        }
        self.state.estimate = next;
        out.estimate = self.estimate();
        out
    }

    /// x̂.
    #[inline]
    pub fn estimate(&self) -> [T; N] {
        self.state.estimate.map(T::narrow)
    }

    /// Starts from a known state; an unusable one means zeros.
    pub fn start_at(&mut self, state: [T; N]) {
        self.restore(LuenbergerState {
            estimate: state.map(T::widen),
        });
    }

    /// Takes another model or gain; the estimate stays.
    ///
    /// # Errors
    /// As [`LuenbergerConfig::build`]; the old settings then stay.
    pub fn retune(
        &mut self,
        config: &LuenbergerConfig<T::Param, N, M, L>,
    ) -> Result<(), ConfigError> {
        let state = self.state;
        *self = config.build()?;
        self.state = state;
        Ok(())
    }

    /// Back to an estimate of zeros.
    pub fn reset(&mut self) {
        self.restore(LuenbergerState::default());
    }

    /// The values that change.
    pub fn state(&self) -> LuenbergerState<T, N> {
        self.state
    }

    /// Puts a state back; one with an unusable value means zeros.
    pub fn restore(&mut self, state: LuenbergerState<T, N>) {
        let usable = state.estimate.iter().all(|x| T::narrow(*x).is_usable());
        self.state = if usable {
            state
        } else {
            LuenbergerState::default()
        };
    }
}

impl<T: Scalar, const N: usize, const M: usize, const L: usize> Step for Luenberger<T, N, M, L> {
    /// Measured values and inputs.
    type Input = ([T; L], [T; M]);
    type Output = LuenbergerOutput<T, N, L>;
    type State = LuenbergerState<T, N>;
    #[inline]
    fn step(&mut self, (measured, input): Self::Input) -> Self::Output {
        Luenberger::step(self, &measured, &input)
    }
    fn state(&self) -> Self::State {
        Luenberger::state(self)
    }
    fn restore(&mut self, state: Self::State) {
        Luenberger::restore(self, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::design::ContinuousModel;
    use crate::math::Q12;
    use nalgebra::{Matrix1x2, Matrix2, Matrix4, Vector2, Vector4};

    const DT: f64 = 0.005;

    fn number<T: Scalar>(x: T) -> f64 {
        x.to_param().to_f64()
    }

    /// A pendulum upside down, pushed: [angle, rate].
    fn pendulum<P: Float>() -> DiscreteModel<P, 2, 1> {
        ContinuousModel {
            a: Matrix2::new(0.0, 1.0, 30.0, -0.4).map(P::lit),
            b: Vector2::new(0.0, 8.0).map(P::lit),
        }
        .discretise(P::lit(DT))
        .unwrap()
    }
    fn angle<P: Float>() -> Matrix1x2<P> {
        Matrix1x2::new(P::one(), P::zero())
    }

    #[test]
    fn error_fades_with_the_placed_poles() {
        fn check<T: Scalar>(slack: f64) {
            // Two real poles: the error is a sum of two exponentials, with these gone to nothing.
            let poles = [-40.0, -60.0].map(|s| Pole::Real(T::Param::lit(s)));
            let config = LuenbergerConfig::with_poles(pendulum(), angle(), &poles).unwrap();
            let mut observer: Luenberger<T, 2, 1, 1> = config.build().unwrap();
            let model = pendulum::<f64>();
            let mut x = Vector2::new(0.2, -0.5);
            let mut errors = [0.0; 120];
            for (tick, error) in errors.iter_mut().enumerate() {
                // Whatever the input, here one that keeps it up.
                let u = -8.0 * x[0] - 1.5 * x[1] + if tick % 7 < 3 { 0.5 } else { -0.5 };
                x = model.a * x + model.b * u;
                let out = observer.step(&[T::lit(x[0])], &[T::lit(u)]);
                let [_, rate] = out.estimate.map(number);
                *error = rate - x[1];
            }
            // e^(−40 · 0.005) = 0.819 of the slower one remains each period.
            if slack < 1e-7 {
                let (z, w) = (Float::exp(-0.2), Float::exp(-0.3));
                for n in 3..60 {
                    let left = errors[n] - (z + w) * errors[n - 1] + z * w * errors[n - 2];
                    assert!(left.abs() < 1e-9, "{n} {left}");
                }
            }
            assert!(errors[119].abs() < slack, "{}: {}", T::NAME, errors[119]);
        }
        check::<f32>(2e-4);
        check::<f64>(1e-8);
        check::<Q12>(2e-3);
    }

    #[test]
    fn noise_gives_the_steady_kalman_gain() {
        let model = pendulum::<f64>();
        let noise = KalmanGainConfig {
            process_noise: Matrix2::new(1e-8, 0.0, 0.0, 1e-4),
            measurement_noise: SMatrix::from_element(1e-6),
        };
        let config = LuenbergerConfig::with_noise(model, angle(), &noise).unwrap();
        let kalman = noise.design(&model.a, &angle()).unwrap();
        assert_eq!(config.gain, kalman.filter);
        assert!(config.build::<f64>().is_ok());
    }

    #[test]
    fn a_bad_measured_value_is_taken_for_the_expected_one() {
        let poles = [Pole::damped(30.0, 0.8)];
        let config = LuenbergerConfig::<f32, 2, 1, 1>::with_poles(pendulum(), angle(), &poles);
        let mut observer: Luenberger<f32, 2, 1, 1> = config.unwrap().build().unwrap();
        observer.start_at([0.1, 0.0]);
        let model = pendulum::<f32>();
        let expected = model.a * Vector2::new(0.1, 0.0);
        let out = observer.step(&[f32::NAN], &[0.0]);
        assert_eq!(out.innovation, [0.0]);
        assert!((out.estimate[1] - expected[1]).abs() < 1e-6);
        let held = observer.step(&[0.1], &[f32::INFINITY]);
        assert!(held.held && held.estimate == out.estimate);
        // Unmeasured it falls without end, and is there again at once.
        for _ in 0..40_000 {
            assert!(observer.step(&[f32::NAN], &[1.0]).estimate[0].is_finite());
        }
        for _ in 0..400 {
            observer.step(&[0.05], &[-0.1875]);
        }
        assert!((observer.estimate()[0] - 0.05).abs() < 1e-3);
    }

    #[test]
    fn refuses_a_gain_that_forgets_nothing() {
        let config = LuenbergerConfig::<f32, 2, 1, 1> {
            model: pendulum(),
            output: angle(),
            gain: SMatrix::zeros(),
        };
        let refused = config.build::<f32>().unwrap_err();
        assert_eq!(refused, ConfigError::OutOfRange("gain"));
        let blind = Matrix1x2::new(0.0_f64, 0.0);
        let poles = [Pole::damped(30.0, 0.8)];
        assert_eq!(
            LuenbergerConfig::with_poles(pendulum(), blind, &poles).unwrap_err(),
            DesignError::NotDetectable
        );
    }

    #[test]
    fn four_states_from_two_measured_ones() {
        let robot = crate::robot::RobotParameters::<f64>::pico_kit();
        let model = robot.linearise().unwrap().discretise(DT).unwrap();
        let c = SMatrix::<f64, 2, 4>::new(1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0);
        let noise = KalmanGainConfig {
            process_noise: Matrix4::from_diagonal(&Vector4::new(1e-10, 1e-10, 1e-6, 1e-5)),
            measurement_noise: SMatrix::<f64, 2, 2>::identity() * 1e-6,
        };
        let config = LuenbergerConfig::with_noise(model, c, &noise).unwrap();
        let mut observer: Luenberger<f64, 4, 1, 2> = config.build().unwrap();
        let gain = [-10.8, -25.6, -22.2, -2.7];
        let mut x = Vector4::new(0.05, 0.02, 0.1, -0.1);
        for _ in 0..1000 {
            let u = -gain
                .iter()
                .zip(observer.estimate())
                .map(|(k, x)| k * x)
                .sum::<f64>();
            x = model.a * x + model.b * u;
            observer.step(&[x[0], x[1]], &[u]);
        }
        let off = Vector4::from(observer.estimate()) - x;
        assert!(off.amax() < 1e-4 && x.amax() < 0.02, "{off} {x}");
    }
}
