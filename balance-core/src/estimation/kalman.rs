//! The linear Kalman filter of N states and M measurements.
//!
//! ```text
//! predict   x ← F x + u                P ← F P Fᵀ + Q
//! correct   y = z − H x,  S = H P Hᵀ + R,  K = P Hᵀ S⁻¹,  x ← x + K y,  P ← (I − K H) P
//! ```
//!
//! Measurements are taken in one after the other, each a scalar, so nothing is inverted and each
//! may be missing or refused by itself. Floats keep the covariance as `L D Lᵀ`
//! ([`Factors`]), which cannot lose symmetry or positivity; fixed point keeps it in
//! integers with an exponent for each state ([`BlockFloat`]), to about 28 bits.
//!
//! Zeros cost nothing: a state that F leaves alone, a measurement of one state, axes that do not
//! touch. A model whose positions come before their rates, as most are written, has a triangular F,
//! which floats turn their factors by in N² products at most; any other F takes N³.
//!
//! | you have | take |
//! |---|---|
//! | a tilt and a gyroscope | [`tilt_kalman`](super::tilt_kalman): the same with two states, for a tenth of the price |
//! | a linear model, measurements that come and go | [`Kalman`] |
//! | the same, and every cycle counts | [`SteadyKalman`]: constant gains |
//! | a model that bends | [`nonlinear_kalman`](super::nonlinear_kalman) |
//!
//! Source: R. E. Kalman, "A New Approach to Linear Filtering and Prediction Problems" (1960),
//! doi:10.1115/1.3662552; checked against filterpy 2.0.0 in `tests/kalman_golden.rs`.
#![allow(clippy::needless_range_loop, reason = "formulas have indices")]

#[macro_use]
mod each;
mod block_float;
mod factors;
mod measurements;
mod sparse;
mod steady;
mod uncertainty;

pub use self::block_float::BlockFloat;
pub use self::factors::Factors;
pub use self::measurements::{AdaptiveNoise, Gate, MeasurementStatus};
pub use self::steady::{SteadyKalman, SteadyKalmanState};
pub use self::uncertainty::{KalmanScalar, Uncertainty};

use self::factors::has_hardware;
pub(super) use self::factors::{counting, covariance_of};
pub(super) use self::measurements::admit;
use self::sparse::Sparse;

use crate::config::{ConfigError, within};
use crate::math::{Float, Scalar};
use crate::step::Step;
use nalgebra::{SMatrix, SVector};
use num_traits::Zero;

/// What a person tells a [`Kalman`] filter: a model in discrete time, its noises, a start.
///
/// ```
/// use balance_core::estimation::kalman::{Kalman, KalmanConfig};
/// use nalgebra::{Matrix1x2, Matrix2, Vector1};
/// // A cart on a rail: position (m) and speed (m/s) every 10 ms; the position is measured.
/// let dt = 0.01_f32;
/// let mut cart: Kalman<f32, 2, 1> = KalmanConfig {
///     transition: Matrix2::new(1.0, dt, 0.0, 1.0),
///     process_noise: Matrix2::new(0.0, 0.0, 0.0, 1e-4),
///     measurement: Matrix1x2::new(1.0, 0.0),
///     measurement_noise: Vector1::new(1e-4),
///     ..Default::default()
/// }
/// .build()?;
/// for k in 0..400 {
///     cart.step(&[Some(0.5 * dt * k as f32)]); // it rolls at 0.5 m/s
/// }
/// let out = cart.step(&[None]); // a missing measurement is no trouble
/// assert!((out.estimate[1] - 0.5).abs() < 1e-3);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KalmanConfig<P, const N: usize, const M: usize> {
    /// F: the state after a period, per state before it. Entries ±1e6 (fixed point: ±32767).
    pub transition: SMatrix<P, N, N>,
    /// Q: what a period adds to the covariance; symmetric, positive semidefinite. Too small: the
    /// measurements are not listened to. Too large: their noise passes.
    pub process_noise: SMatrix<P, N, N>,
    /// H: the measurements, per state. Entries ±1e6 (fixed point: ±32767).
    pub measurement: SMatrix<P, M, N>,
    /// The diagonal of R: variance of each measurement, 1e-18 to 1e18. Too small: its noise
    /// passes. Too large: it is not listened to. Where noises are correlated, see [`decorrelate`].
    pub measurement_noise: SVector<P, M>,
    /// The state before the first step.
    pub initial_state: SVector<P, N>,
    /// Covariance of that state; symmetric, positive semidefinite. Too small: a wrong start stays
    /// for long. Too large: the first measurements are followed blindly.
    pub initial_covariance: SMatrix<P, N, N>,
    /// Refuses unlikely measurements; `None` takes all.
    pub gate: Option<Gate<P>>,
    /// Learns the measurements' noise; `None` keeps it.
    pub adaptive: Option<AdaptiveNoise<P>>,
}

impl<P: Float, const N: usize, const M: usize> Default for KalmanConfig<P, N, M> {
    /// States that stand still, unknown to ±1 and walking by 1e-3 a period; nothing is measured
    /// of them until [`measurement`](Self::measurement) says what.
    fn default() -> Self {
        let unit = |x: P| SMatrix::from_fn(|i, j| if i == j { x } else { P::zero() });
        Self {
            transition: unit(P::one()),
            process_noise: unit(P::lit(1e-6)),
            measurement: SMatrix::from_element(P::zero()),
            measurement_noise: SVector::from_element(P::one()),
            initial_state: SVector::from_element(P::zero()),
            initial_covariance: unit(P::one()),
            gate: None,
            adaptive: None,
        }
    }
}

impl<P: Float, const N: usize, const M: usize> KalmanConfig<P, N, M> {
    /// Prepares the filter. The period is the one that F and Q were made for.
    ///
    /// # Errors
    ///
    /// Names the field that is not finite or out of its range.
    pub fn build<T: KalmanScalar<Param = P>>(&self) -> Result<Kalman<T, N, M>, ConfigError> {
        let model = Prepared::new(self)?;
        let initial = Factors::new("initial_covariance", |i, j| self.initial_covariance[(i, j)])?;
        let noise = Factors::new("process_noise", |i, j| self.process_noise[(i, j)])?;
        for &x in &self.initial_state {
            within("initial_state", x, T::MIN.to_param(), T::MAX.to_param())?;
        }
        let transition = rows(&self.transition);
        let mut filter = Kalman {
            dynamics: T::Uncertainty::<N>::dynamics(&transition, &noise)?,
            model,
            start: KalmanState {
                estimate: self.initial_state.data.0[0].map(|x| T::from_param(x).widen()),
                uncertainty: T::Uncertainty::<N>::new(&initial),
                variance: self.measurement_noise.data.0[0],
                refused: [0; M],
                started: true,
            },
            state: KalmanState::default(),
        };
        filter.reset();
        Ok(filter)
    }
}

impl<P: Float, const N: usize, const M: usize> KalmanConfig<P, N, M> {
    fn check<T: Scalar<Param = P>>(&self) -> Result<(), ConfigError> {
        const { assert!(N > 0 && M > 0) };
        let largest = P::lit(if P::NAME == T::NAME { 1e6 } else { 32767.0 });
        for &f in &self.transition {
            within("transition", f, -largest, largest)?;
        }
        for &h in &self.measurement {
            within("measurement", h, -largest, largest)?;
        }
        for &r in &self.measurement_noise {
            within("measurement_noise", r, P::lit(1e-18), P::lit(1e18))?;
        }
        Gate::check(self.gate.as_ref())
    }
}

/// Whether a step may go on from these states: one comparison of the sum where that is cheaper.
/// Large ones that cancel are still finite, and found out when they grow.
#[inline(always)]
fn are_usable<T: Scalar, const N: usize>(states: &[T::Wide; N]) -> bool {
    if has_hardware::<T>() {
        let mut sum = -T::zero();
        for x in states {
            sum += T::narrow(*x);
        }
        sum.is_usable()
    } else {
        states.iter().all(|x| T::narrow(*x).is_usable())
    }
}

fn rows<P: Float, const R: usize, const C: usize>(matrix: &SMatrix<P, R, C>) -> [[P; C]; R] {
    core::array::from_fn(|i| core::array::from_fn(|j| matrix[(i, j)]))
}

/// What stays of a configuration, apart from F and Q in the covariance's own form.
#[derive(Clone, Copy, Debug)]
struct Prepared<T: KalmanScalar, const N: usize, const M: usize> {
    /// F − I: the estimate keeps what it has below the last place of its type.
    growth: Sparse<T, N, N>,
    /// −H.
    expected: Sparse<T, N, M>,
    rows: [<T::Uncertainty<N> as Uncertainty<T, N>>::Row; M],
    noise: [T::Gain; M],
    configured: [T::Param; M],
    gate: Option<T>,
    patience: u16,
    adaptive: Option<AdaptiveNoise<T::Param>>,
}

impl<T: KalmanScalar, const N: usize, const M: usize> Prepared<T, N, M> {
    fn new(config: &KalmanConfig<T::Param, N, M>) -> Result<Self, ConfigError> {
        let p = T::Param::lit;
        config.check::<T>()?;
        AdaptiveNoise::check(config.adaptive.as_ref())?;
        let mut growth = rows(&config.transition);
        for i in 0..N {
            growth[i][i] -= p(1.0);
        }
        let measured = rows(&config.measurement);
        let noise = config.measurement_noise.data.0[0];
        Ok(Self {
            growth: Sparse::new(&growth),
            expected: Sparse::new(&measured.map(|row| row.map(|h| -h))),
            rows: measured.map(|row| T::Uncertainty::<N>::row(&row)),
            noise: noise.map(T::gain),
            configured: noise,
            gate: config
                .gate
                .map(|gate| T::from_param(gate.sigma * gate.sigma)),
            patience: config.gate.map_or(0, |gate| gate.patience),
            adaptive: config.adaptive,
        })
    }
}

/// The linear Kalman filter; see the [module](self).
///
/// Any number of measurements may be missing in any step. Worst difference from filterpy over the
/// golden traces (a tilt with bias, synthetic and recorded; the LQG loop of a NXTway-GS): `f64`
/// 8e-15, `f32` 6e-7, `Q8` 7e-7, `Q12` 9e-6, each in the state's unit.
#[derive(Clone, Debug)]
pub struct Kalman<T: KalmanScalar, const N: usize, const M: usize> {
    dynamics: <T::Uncertainty<N> as Uncertainty<T, N>>::Dynamics,
    model: Prepared<T, N, M>,
    start: KalmanState<T, N, M>,
    state: KalmanState<T, N, M>,
}

/// What changes in a [`Kalman`] filter from step to step. The default means "at its start".
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KalmanState<T: KalmanScalar, const N: usize, const M: usize> {
    /// x.
    pub estimate: [T::Wide; N],
    /// P.
    pub uncertainty: T::Uncertainty<N>,
    /// Variance of each measurement; changes with [`AdaptiveNoise`] only.
    pub variance: [T::Param; M],
    /// Refusals in a row of each measurement.
    pub refused: [u16; M],
    /// False stands for the configured start, whatever the other fields say.
    pub started: bool,
}

impl<T: KalmanScalar, const N: usize, const M: usize> Default for KalmanState<T, N, M> {
    fn default() -> Self {
        Self {
            estimate: [T::zero().widen(); N],
            uncertainty: T::Uncertainty::<N>::new(&Factors::zero()),
            variance: [T::Param::default(); M],
            refused: [0; M],
            started: false,
        }
    }
}

/// The answer of a Kalman filter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KalmanOutput<T, const N: usize, const M: usize> {
    /// x.
    pub estimate: SVector<T, N>,
    /// Measured minus expected, of each measurement as it was taken in; zero where there was none.
    pub innovation: [T; M],
    /// Each innovation's square over its variance: 1 on average if the noises are right.
    pub normalised: [T; M],
    /// What became of each measurement.
    pub status: [MeasurementStatus; M],
}

impl<T: KalmanScalar, const N: usize, const M: usize> Kalman<T, N, M> {
    /// Advances by a period and takes the measurements in. `None` and unusable ones are missing.
    #[inline]
    pub fn step(&mut self, measured: &[Option<T>; M]) -> KalmanOutput<T, N, M> {
        self.advance(self.state.estimate);
        self.correct(measured)
    }

    /// As [`step`](Self::step), with a known input: `effect` is B u, what the input adds to each
    /// state in this period.
    #[inline]
    pub fn step_with(
        &mut self,
        effect: &SVector<T, N>,
        measured: &[Option<T>; M],
    ) -> KalmanOutput<T, N, M> {
        self.push(effect);
        self.correct(measured)
    }

    /// Advances by a period without looking at measurements.
    #[inline]
    pub fn predict(&mut self) {
        self.advance(self.state.estimate);
        self.state.uncertainty.mend();
    }

    /// As [`predict`](Self::predict), with a known input: `effect` is B u. An unusable one is
    /// taken for zero.
    #[inline]
    pub fn predict_with(&mut self, effect: &SVector<T, N>) {
        self.push(effect);
        self.state.uncertainty.mend();
    }

    #[inline(always)]
    fn push(&mut self, effect: &SVector<T, N>) {
        let [effect] = &effect.data.0;
        let mut from = self.state.estimate;
        if effect.iter().all(|x| x.is_usable()) {
            for (x, effect) in from.iter_mut().zip(effect) {
                *x = T::add_wide(*x, *effect);
            }
        }
        self.advance(from);
    }

    /// A state that leaves the range of its type stands still.
    #[inline(always)]
    fn advance(&mut self, from: [T::Wide; N]) {
        let now = &self.state.estimate;
        let mut next = from;
        for i in 0..N {
            next[i] = self.model.growth.accumulate(i, next[i], now);
        }
        if are_usable::<T, N>(&next) {
            self.state.estimate = next;
        }
        self.state.uncertainty.predict(&mut self.dynamics);
    }

    /// Takes the measurements of this moment in.
    #[inline]
    pub fn correct(&mut self, measured: &[Option<T>; M]) -> KalmanOutput<T, N, M> {
        let before = self.state.estimate;
        let mut out = KalmanOutput {
            estimate: SVector::from([T::zero(); N]),
            innovation: [T::zero(); M],
            normalised: [T::zero(); M],
            status: [MeasurementStatus::Missing; M],
        };
        each!(i below M => self.correct_one(i, measured[i], &mut out));
        if !are_usable::<T, N>(&self.state.estimate) {
            self.state.estimate = before;
        }
        self.state.uncertainty.mend();
        out.estimate = self.estimate();
        out
    }

    #[inline(always)]
    fn correct_one(&mut self, i: usize, measured: Option<T>, out: &mut KalmanOutput<T, N, M>) {
        let Some(measured) = measured.filter(|z| z.is_usable()) else {
            return;
        };
        let expected = &self.model.expected;
        let error = expected.accumulate(i, measured.widen(), &self.state.estimate);
        let error = T::narrow(error);
        if !error.is_usable() {
            return;
        }
        out.innovation[i] = error;
        let (normalised, used) = self.take(i, error);
        out.normalised[i] = normalised;
        out.status[i] = if used {
            MeasurementStatus::Used
        } else {
            MeasurementStatus::Rejected
        };
    }

    /// Takes one innovation in: its normalised square, and whether it was believed.
    #[inline(always)]
    fn take(&mut self, i: usize, error: T) -> (T, bool) {
        type U<T, const N: usize> = <T as KalmanScalar>::Uncertainty<N>;
        let state = &mut self.state;
        // Floats need no preparation.
        let noise = match self.model.adaptive {
            None if T::NAME != T::Param::NAME => self.model.noise[i],
            _ => T::gain(state.variance[i]),
        };
        let sight = state.uncertainty.sight(&self.model.rows[i], noise);
        let normalised = U::<T, N>::normalised(&sight, error);
        if let Some(adaptive) = &self.model.adaptive {
            state.variance[i] = adaptive.follow(
                state.variance[i],
                self.model.configured[i],
                U::<T, N>::variance(&sight),
                normalised.to_param(),
            );
        }
        let patience = self.model.patience;
        if !admit(self.model.gate, patience, normalised, &mut state.refused[i]) {
            return (normalised, false);
        }
        let KalmanState {
            uncertainty,
            estimate,
            ..
        } = state;
        uncertainty.correct(&sight, error, estimate);
        (normalised, true)
    }

    /// x.
    #[inline]
    pub fn estimate(&self) -> SVector<T, N> {
        SVector::from(self.state.estimate.map(T::narrow))
    }
    /// P, symmetric and positive semidefinite.
    pub fn covariance(&self) -> SMatrix<T::Param, N, N> {
        let rows = self.state.uncertainty.covariance();
        SMatrix::from_fn(|i, j| rows[i][j])
    }
    /// Takes another configuration; estimate and covariance stay, learned noises start anew.
    ///
    /// # Errors
    ///
    /// As [`KalmanConfig::build`]; the filter is then unchanged.
    pub fn retune(&mut self, config: &KalmanConfig<T::Param, N, M>) -> Result<(), ConfigError> {
        let state = KalmanState {
            variance: config.measurement_noise.data.0[0],
            ..self.state
        };
        *self = config.build()?;
        self.restore(state);
        Ok(())
    }
    /// Back to the configured start.
    pub fn reset(&mut self) {
        self.state = self.start;
    }
    /// The state.
    pub fn state(&self) -> KalmanState<T, N, M> {
        self.state
    }
    /// Puts a state back; an unusable one counts as [`reset`](Self::reset).
    pub fn restore(&mut self, state: KalmanState<T, N, M>) {
        let estimate = state.estimate.iter().all(|x| T::narrow(*x).is_usable());
        let noises = state.variance.iter().all(|r| *r > T::Param::zero());
        let usable = estimate && noises && state.uncertainty.is_usable();
        self.state = if state.started && usable {
            state
        } else {
            self.start
        };
    }
}

impl<T: KalmanScalar, const N: usize, const M: usize> Step for Kalman<T, N, M> {
    type Input = [Option<T>; M];
    type Output = KalmanOutput<T, N, M>;
    type State = KalmanState<T, N, M>;
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

/// Makes correlated measurements independent: R = L D Lᵀ, and of L⁻¹ z = (L⁻¹ H) x + noise the
/// noises have the variances D.
///
/// Gives L⁻¹, by which each vector of measurements is to be multiplied, L⁻¹ H for
/// [`KalmanConfig::measurement`] and D for [`KalmanConfig::measurement_noise`]. If one of them is
/// missing, so are those mixed with it.
///
/// # Errors
///
/// R is not a covariance.
#[expect(clippy::type_complexity, reason = "three matrices, named above")]
pub fn decorrelate<P: Float, const N: usize, const M: usize>(
    measurement: &SMatrix<P, M, N>,
    noise: &SMatrix<P, M, M>,
) -> Result<(SMatrix<P, M, M>, SMatrix<P, M, N>, SVector<P, M>), ConfigError> {
    let factors = Factors::<P, M>::new("measurement_noise", |i, j| noise[(i, j)])?;
    let mut mix = [[P::zero(); M]; M];
    let mut rows = rows(measurement);
    for i in 0..M {
        mix[i][i] = P::one();
        for j in 0..i {
            let share = factors.lower[i][j];
            for k in 0..M {
                let part = mix[j][k];
                mix[i][k] -= share * part;
            }
            for k in 0..N {
                let part = rows[j][k];
                rows[i][k] -= share * part;
            }
        }
    }
    Ok((
        SMatrix::from_fn(|i, j| mix[i][j]),
        SMatrix::from_fn(|i, j| rows[i][j]),
        SVector::from(factors.diagonal),
    ))
}
