//! The Kalman filter with the gains it converges to.

use super::measurements::{MeasurementStatus, admit};
use super::{KalmanConfig, KalmanOutput, rows};
use crate::config::{ConfigError, within};
use crate::control::design::{DesignError, KalmanGainConfig};
use crate::math::{Float, Scalar};
use crate::step::Step;
use nalgebra::{SMatrix, SVector};

/// A Kalman filter with constant gains, those to which [`Kalman`](super::Kalman) converges.
///
/// For a model and noises that do not change it is the same filter after its start, without a
/// covariance: N² + 2NM products a step. A missing or refused measurement is taken for the expected
/// one, which is not optimal: where measurements are often missing, the other filter is better.
#[derive(Clone, Debug)]
pub struct SteadyKalman<T: Scalar, const N: usize, const M: usize> {
    /// F − I.
    growth: [[T::Gain; N]; N],
    /// −H.
    expected: [[T::Gain; N]; M],
    /// Column by column: what each innovation does to the states.
    gain: [[T::Gain; N]; M],
    /// 1/S of each measurement.
    precision: [T::Gain; M],
    gate: Option<T>,
    patience: u16,
    start: [T::Wide; N],
    state: SteadyKalmanState<T, N, M>,
}

/// What changes in a [`SteadyKalman`] from step to step. The default means "at its start".
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SteadyKalmanState<T: Scalar, const N: usize, const M: usize> {
    /// x.
    pub estimate: [T::Wide; N],
    /// Refusals in a row of each measurement.
    pub refused: [u16; M],
    /// False stands for the configured start.
    pub started: bool,
}

impl<T: Scalar, const N: usize, const M: usize> Default for SteadyKalmanState<T, N, M> {
    fn default() -> Self {
        Self {
            estimate: [T::zero().widen(); N],
            refused: [0; M],
            started: false,
        }
    }
}

impl<P: Float, const N: usize, const M: usize> KalmanConfig<P, N, M> {
    /// Prepares the filter with constant gains. `initial_covariance` and `adaptive` are not used.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build); `OutOfRange("measurement")` where it does not see a mode that does
    /// not decay, `OutOfRange("process_noise")` where that does not reach one, so that its gain
    /// would fade to zero.
    pub fn build_steady<T: Scalar<Param = P>>(&self) -> Result<SteadyKalman<T, N, M>, ConfigError> {
        self.check::<T>()?;
        let (gain, variance) = self.steady_gain()?;
        let mut growth = rows(&self.transition);
        for i in 0..N {
            growth[i][i] -= P::one();
        }
        let start = self.initial_state.data.0[0];
        for x in start {
            within("initial_state", x, T::MIN.to_param(), T::MAX.to_param())?;
        }
        let mut filter = SteadyKalman {
            growth: growth.map(|row| row.map(T::gain)),
            expected: rows(&self.measurement).map(|row| row.map(|h| T::gain(-h))),
            gain: gain.data.0.map(|column| column.map(T::gain)),
            precision: variance.map(|s| T::gain(P::one() / s)),
            gate: self.gate.map(|gate| T::from_param(gate.sigma)),
            patience: self.gate.map_or(0, |gate| gate.patience),
            start: start.map(|x| T::from_param(x).widen()),
            state: SteadyKalmanState::default(),
        };
        filter.reset();
        Ok(filter)
    }

    /// The gain of [`control::design`](crate::control::design), and the variance of each
    /// innovation.
    fn steady_gain(&self) -> Result<(SMatrix<P, N, M>, [P; M]), ConfigError> {
        let noise = self.measurement_noise;
        let design = KalmanGainConfig {
            process_noise: self.process_noise,
            measurement_noise: SMatrix::from_fn(|i, j| if i == j { noise[i] } else { P::zero() }),
        };
        let design =
            design
                .design(&self.transition, &self.measurement)
                .map_err(|error| match error {
                    DesignError::NonFinite(name) => ConfigError::NonFinite(name),
                    DesignError::OutOfRange(name) | DesignError::NotPositive(name) => {
                        ConfigError::OutOfRange(name)
                    }
                    DesignError::NotDetectable => ConfigError::OutOfRange("measurement"),
                    DesignError::NotStabilisable => ConfigError::OutOfRange("process_noise"),
                    _ => ConfigError::OutOfRange("transition"),
                })?;
        let variance = core::array::from_fn(|m| {
            let mut variance = noise[m];
            for i in 0..N {
                for j in 0..N {
                    let seen = self.measurement[(m, i)] * design.covariance[(i, j)];
                    variance += seen * self.measurement[(m, j)];
                }
            }
            variance
        });
        Ok((design.filter, variance))
    }
}

impl<T: Scalar, const N: usize, const M: usize> SteadyKalman<T, N, M> {
    /// Advances by a period and takes the measurements in. `None` and unusable ones are missing.
    #[inline]
    pub fn step(&mut self, measured: &[Option<T>; M]) -> KalmanOutput<T, N, M> {
        self.advance(self.state.estimate, measured)
    }

    /// As [`step`](Self::step), with a known input: `effect` is B u, what it adds to each state in
    /// this period; an unusable one is taken for zero.
    #[inline]
    pub fn step_with(
        &mut self,
        effect: &SVector<T, N>,
        measured: &[Option<T>; M],
    ) -> KalmanOutput<T, N, M> {
        let [effect] = &effect.data.0;
        let mut from = self.state.estimate;
        if effect.iter().all(|x| x.is_usable()) {
            for (x, effect) in from.iter_mut().zip(effect) {
                *x = T::add_wide(*x, *effect);
            }
        }
        self.advance(from, measured)
    }

    #[inline(always)]
    fn advance(&mut self, from: [T::Wide; N], measured: &[Option<T>; M]) -> KalmanOutput<T, N, M> {
        let now = self.state.estimate.map(T::narrow);
        let mut next = from;
        for (x, growth) in next.iter_mut().zip(&self.growth) {
            for (rate, now) in growth.iter().zip(now) {
                *x = T::accumulate(*x, *rate, now);
            }
        }
        let expected = next.map(T::narrow);
        let mut out = KalmanOutput {
            estimate: SVector::from(expected),
            innovation: [T::zero(); M],
            normalised: [T::zero(); M],
            status: [MeasurementStatus::Missing; M],
        };
        for i in 0..M {
            let Some(measured) = measured[i].filter(|z| z.is_usable()) else {
                continue;
            };
            let mut error = measured.widen();
            for (h, x) in self.expected[i].iter().zip(expected) {
                error = T::accumulate(error, *h, x);
            }
            let error = T::narrow(error);
            out.innovation[i] = error;
            let far = error.scale(self.precision[i]);
            // Of so large an innovation the square over the variance has no meaning in the type.
            out.normalised[i] = (far * error).limit(T::zero(), T::MAX);
            let limit = self.gate.map(|gate| gate * gate);
            let seen = out.normalised[i];
            if !admit(limit, self.patience, seen, &mut self.state.refused[i]) {
                out.status[i] = MeasurementStatus::Rejected;
                continue;
            }
            out.status[i] = MeasurementStatus::Used;
            for (x, gain) in next.iter_mut().zip(self.gain[i]) {
                *x = T::accumulate(*x, gain, error);
            }
        }
        if next.iter().all(|x| T::narrow(*x).is_usable()) {
            self.state.estimate = next;
        }
        out.estimate = self.estimate();
        out
    }

    /// x.
    #[inline]
    pub fn estimate(&self) -> SVector<T, N> {
        SVector::from(self.state.estimate.map(T::narrow))
    }
    /// Takes another configuration; the estimate stays.
    ///
    /// # Errors
    ///
    /// As [`KalmanConfig::build_steady`]; the filter is then unchanged.
    pub fn retune(&mut self, config: &KalmanConfig<T::Param, N, M>) -> Result<(), ConfigError> {
        let state = self.state;
        *self = config.build_steady()?;
        self.restore(state);
        Ok(())
    }
    /// Back to the configured start.
    pub fn reset(&mut self) {
        self.restore(SteadyKalmanState::default());
    }
    /// The state.
    pub fn state(&self) -> SteadyKalmanState<T, N, M> {
        self.state
    }
    /// Puts a state back; an unusable one counts as [`reset`](Self::reset).
    pub fn restore(&mut self, state: SteadyKalmanState<T, N, M>) {
        let usable = state.estimate.iter().all(|x| T::narrow(*x).is_usable());
        self.state = if state.started && usable {
            state
        } else {
            SteadyKalmanState {
                estimate: self.start,
                refused: [0; M],
                started: true,
            }
        };
    }
}

impl<T: Scalar, const N: usize, const M: usize> Step for SteadyKalman<T, N, M> {
    type Input = [Option<T>; M];
    type Output = KalmanOutput<T, N, M>;
    type State = SteadyKalmanState<T, N, M>;
    fn step(&mut self, measured: Self::Input) -> Self::Output {
        self.step(&measured)
    }
    fn state(&self) -> Self::State {
        self.state()
    }
    fn restore(&mut self, state: Self::State) {
        self.restore(state);
    }
}
