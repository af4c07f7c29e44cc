//! What the extended and the unscented Kalman filter share: model, noises, state, and the taking in
//! of measurements.
//!
//! ```text
//! x⁺ = f(x) + noise(Q),   z = h(x) + noise(R)
//! ```
//!
//! | your model | take |
//! |---|---|
//! | has derivatives that you can write down | [`ExtendedKalman`]: the cheaper one |
//! | bends strongly within one standard deviation, or has no derivatives | [`UnscentedKalman`] |
//!
//! Both come down to the same correction: expected measurements, a matrix H, and a noise that for
//! the unscented filter also holds what H leaves out. Measurements are then taken in one by one,
//! without inverting a matrix, on factors `L D Lᵀ` that stay positive semidefinite whatever is
//! rounded. For `f32` and `f64`; in fixed point only the [linear filter](super::kalman) exists.
#![allow(clippy::needless_range_loop, reason = "formulas have indices")]

pub use super::extended_kalman::ExtendedKalman;
pub use super::unscented_kalman::{Spread, UnscentedKalman};

use super::kalman::{
    AdaptiveNoise, Factors, Gate, KalmanOutput, MeasurementStatus, admit, covariance_of,
};
use crate::config::{ConfigError, within};
use crate::math::Float;
use nalgebra::{SMatrix, SVector};

/// A model of N states and M measurements. Known inputs are fields of it, to be set ahead of a step
/// through the filter's `model` field.
pub trait NonlinearModel<const N: usize, const M: usize> {
    /// `f32` or `f64`.
    type Scalar: Float;

    /// f: the state after a period.
    fn advance(&self, state: &SVector<Self::Scalar, N>) -> SVector<Self::Scalar, N>;
    /// h: the measurements to be expected in a state.
    fn expect(&self, state: &SVector<Self::Scalar, N>) -> SVector<Self::Scalar, M>;
    /// Measured minus expected, of the measurement `index`. To be overridden where the difference
    /// of two angles has to be wrapped.
    #[inline(always)]
    fn innovation(
        &self,
        index: usize,
        measured: Self::Scalar,
        expected: Self::Scalar,
    ) -> Self::Scalar {
        let _ = index;
        measured - expected
    }
}

/// A [`NonlinearModel`] whose derivatives are known.
pub trait DifferentiableModel<const N: usize, const M: usize>: NonlinearModel<N, M> {
    /// ∂f/∂x.
    fn transition(&self, state: &SVector<Self::Scalar, N>) -> SMatrix<Self::Scalar, N, N>;
    /// ∂h/∂x.
    fn measurement(&self, state: &SVector<Self::Scalar, N>) -> SMatrix<Self::Scalar, M, N>;
}

/// What a person tells an extended or unscented Kalman filter beside its model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NonlinearKalmanConfig<P, const N: usize, const M: usize> {
    /// Q: what a period adds to the covariance; symmetric, positive semidefinite. Too small: the
    /// measurements are not listened to, and errors of the model never heal. Too large: noise
    /// passes.
    pub process_noise: SMatrix<P, N, N>,
    /// The diagonal of R: variance of each measurement, 1e-18 to 1e18. Too small: its noise passes
    /// and the filter can run away. Too large: it is not listened to.
    pub measurement_noise: SVector<P, M>,
    /// The state before the first step.
    pub initial_state: SVector<P, N>,
    /// Covariance of that state; symmetric, positive semidefinite. Too small: a wrong start stays.
    /// Too large: the first linearisation reaches too far.
    pub initial_covariance: SMatrix<P, N, N>,
    /// Refuses unlikely measurements; `None` takes all.
    pub gate: Option<Gate<P>>,
    /// Learns the measurements' noise; `None` keeps it.
    pub adaptive: Option<AdaptiveNoise<P>>,
    /// Where an unscented filter looks; an extended one does not use it.
    pub spread: Spread<P>,
}

impl<P: Float, const N: usize, const M: usize> Default for NonlinearKalmanConfig<P, N, M> {
    /// States unknown to ±1 that walk by 1e-3 a period, measured to ±1.
    fn default() -> Self {
        let unit = |x: P| SMatrix::from_fn(|i, j| if i == j { x } else { P::zero() });
        Self {
            process_noise: unit(P::lit(1e-6)),
            measurement_noise: SVector::from_element(P::one()),
            initial_state: SVector::from_element(P::zero()),
            initial_covariance: unit(P::one()),
            gate: None,
            adaptive: None,
            spread: Spread::default(),
        }
    }
}

/// What changes in an extended or unscented filter from step to step. The default means "at its
/// start".
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NonlinearKalmanState<P, const N: usize, const M: usize> {
    /// x.
    pub estimate: SVector<P, N>,
    /// P, factored.
    pub uncertainty: Factors<P, N>,
    /// Variance of each measurement; changes with [`AdaptiveNoise`] only.
    pub variance: [P; M],
    /// Refusals in a row of each measurement.
    pub refused: [u16; M],
    /// False stands for the configured start, whatever the other fields say.
    pub started: bool,
}

impl<P: Float, const N: usize, const M: usize> Default for NonlinearKalmanState<P, N, M> {
    fn default() -> Self {
        Self {
            estimate: SVector::from_element(P::zero()),
            uncertainty: Factors::zero(),
            variance: [P::zero(); M],
            refused: [0; M],
            started: false,
        }
    }
}

/// What both filters are, apart from how they look at their model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Core<P, const N: usize, const M: usize> {
    pub(super) noise: Factors<P, N>,
    configured: [P; M],
    gate: Option<P>,
    patience: u16,
    adaptive: Option<AdaptiveNoise<P>>,
    start: NonlinearKalmanState<P, N, M>,
    pub(super) state: NonlinearKalmanState<P, N, M>,
}

/// Expected measurements, their dependence on the state, and the noise that comes on top.
pub(super) struct View<P, const N: usize, const M: usize> {
    pub(super) expected: [P; M],
    pub(super) rows: [[P; N]; M],
    /// Beside R; symmetric.
    pub(super) excess: [[P; M]; M],
}

pub(super) fn usable<P: Float, const R: usize, const C: usize>(matrix: &SMatrix<P, R, C>) -> bool {
    matrix.iter().all(|x| x.is_usable())
}

impl<P: Float, const N: usize, const M: usize> Core<P, N, M> {
    pub(super) fn new(config: &NonlinearKalmanConfig<P, N, M>) -> Result<Self, ConfigError> {
        const { assert!(N > 0 && M > 0) };
        let noise = Factors::new("process_noise", |i, j| config.process_noise[(i, j)])?;
        let initial = Factors::new("initial_covariance", |i, j| {
            config.initial_covariance[(i, j)]
        })?;
        for &r in &config.measurement_noise {
            within("measurement_noise", r, P::lit(1e-18), P::lit(1e18))?;
        }
        for &x in &config.initial_state {
            within("initial_state", x, P::MIN, P::MAX)?;
        }
        Gate::check(config.gate.as_ref())?;
        AdaptiveNoise::check(config.adaptive.as_ref())?;
        let variance = config.measurement_noise.data.0[0];
        let start = NonlinearKalmanState {
            estimate: config.initial_state,
            uncertainty: initial,
            variance,
            refused: [0; M],
            started: true,
        };
        Ok(Self {
            noise,
            configured: variance,
            gate: config.gate.map(|gate| gate.sigma * gate.sigma),
            patience: config.gate.map_or(0, |gate| gate.patience),
            adaptive: config.adaptive,
            start,
            state: start,
        })
    }

    /// Takes measurements in, one after the other. Noise that two of them have in common is taken
    /// off the later one.
    #[inline(always)]
    pub(super) fn correct(
        &mut self,
        view: View<P, N, M>,
        measured: &[Option<P>; M],
        innovation: impl Fn(usize, P, P) -> P,
    ) -> KalmanOutput<P, N, M> {
        let View {
            expected,
            mut rows,
            excess,
        } = view;
        let mut out = KalmanOutput {
            estimate: self.state.estimate,
            innovation: [P::zero(); M],
            normalised: [P::zero(); M],
            status: [MeasurementStatus::Missing; M],
        };
        let mut noise = excess;
        let mut error = [P::zero(); M];
        let mut present = [false; M];
        for i in 0..M {
            noise[i][i] += self.state.variance[i];
            let Some(z) = measured[i].filter(|z| z.is_usable()) else {
                continue;
            };
            error[i] = innovation(i, z, expected[i]);
            present[i] = error[i].is_usable() && rows[i].iter().all(|h| h.is_usable());
        }
        let before = self.state.estimate;
        for i in 0..M {
            if !present[i] {
                continue;
            }
            let mut moved = error[i];
            for k in 0..N {
                moved -= rows[i][k] * (self.state.estimate[k] - before[k]);
            }
            if !moved.is_usable() {
                continue;
            }
            out.innovation[i] = moved;
            let (normalised, used) = self.take(i, &rows[i], noise[i][i], moved);
            out.normalised[i] = normalised;
            if !used {
                out.status[i] = MeasurementStatus::Rejected;
                continue;
            }
            out.status[i] = MeasurementStatus::Used;
            let own = P::one() / noise[i][i];
            for j in i + 1..M {
                let share = noise[j][i] * own;
                if share == P::zero() {
                    continue;
                }
                let taken = error[i];
                error[j] -= share * taken;
                for k in 0..N {
                    let taken = rows[i][k];
                    rows[j][k] -= share * taken;
                }
                for k in i + 1..M {
                    let taken = noise[k][i];
                    noise[j][k] -= share * taken;
                }
            }
        }
        if !usable(&self.state.estimate) {
            self.state.estimate = before;
        }
        self.state.uncertainty.mend();
        out.estimate = self.state.estimate;
        out
    }

    #[inline(always)]
    fn take(&mut self, i: usize, row: &[P; N], noise: P, error: P) -> (P, bool) {
        let state = &mut self.state;
        let sight = state.uncertainty.sight(row, noise);
        let normalised = error * (error * sight.inverse);
        if let Some(adaptive) = &self.adaptive {
            state.variance[i] = adaptive.follow(
                state.variance[i],
                self.configured[i],
                sight.variance,
                normalised,
            );
        }
        if !admit(self.gate, self.patience, normalised, &mut state.refused[i]) {
            return (normalised, false);
        }
        let cross = state.uncertainty.correct(&sight);
        let scaled = error * sight.inverse;
        for k in 0..N {
            state.estimate[k] += cross[k] * scaled;
        }
        (normalised, true)
    }

    pub(super) fn covariance(&self) -> SMatrix<P, N, N> {
        covariance_of(&self.state.uncertainty)
    }
    pub(super) fn retune(
        &mut self,
        config: &NonlinearKalmanConfig<P, N, M>,
    ) -> Result<(), ConfigError> {
        let state = NonlinearKalmanState {
            variance: config.measurement_noise.data.0[0],
            ..self.state
        };
        *self = Self::new(config)?;
        self.restore(state);
        Ok(())
    }
    pub(super) fn restore(&mut self, state: NonlinearKalmanState<P, N, M>) {
        let noises = state.variance.iter().all(|r| *r > P::zero());
        let sound = noises && usable(&state.estimate) && state.uncertainty.is_sound();
        self.state = if state.started && sound {
            state
        } else {
            self.start
        };
    }
}

/// The inherent methods that both filters have alike.
macro_rules! filter {
    ($filter:ident, $model:ident) => {
        impl<Mo: $model<N, M>, const N: usize, const M: usize> $filter<Mo, N, M> {
            /// Advances by a period and takes the measurements in. `None` and unusable ones are
            /// missing.
            #[inline]
            pub fn step(
                &mut self,
                measured: &[Option<Mo::Scalar>; M],
            ) -> KalmanOutput<Mo::Scalar, N, M> {
                self.predict();
                self.correct(measured)
            }
            /// x.
            #[inline]
            pub fn estimate(&self) -> SVector<Mo::Scalar, N> {
                self.core.state.estimate
            }
            /// P, symmetric and positive semidefinite.
            pub fn covariance(&self) -> SMatrix<Mo::Scalar, N, N> {
                self.core.covariance()
            }
            /// Back to the configured start.
            pub fn reset(&mut self) {
                self.core.restore(NonlinearKalmanState::default());
            }
            /// The state.
            pub fn state(&self) -> NonlinearKalmanState<Mo::Scalar, N, M> {
                self.core.state
            }
            /// Puts a state back; an unusable one counts as [`reset`](Self::reset).
            pub fn restore(&mut self, state: NonlinearKalmanState<Mo::Scalar, N, M>) {
                self.core.restore(state);
            }
        }

        impl<Mo: $model<N, M>, const N: usize, const M: usize> Step for $filter<Mo, N, M> {
            type Input = [Option<Mo::Scalar>; M];
            type Output = KalmanOutput<Mo::Scalar, N, M>;
            type State = NonlinearKalmanState<Mo::Scalar, N, M>;
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
    };
}
pub(super) use filter;
