//! The tilt Kalman filter with the gains it converges to.
//!
//! In units of the accelerometer's variance r and of the period, with λ² = q_b·dt³/r and
//! α = q_θ·dt/r, the stationary Riccati equation of the filter in
//! [`tilt_kalman`](super::tilt_kalman) comes down to one quadratic. Let ρ² = 1 − K₀; then
//!
//! ```text
//! K₁·dt = −λρ,   (1/ρ − ρ)² = λ(1/ρ + ρ) + α
//! u = 1/ρ + ρ = (λ + √(λ² + 16 + 4α)) / 2,   v = 1/ρ − ρ = √(λu + α)
//! ρ = 2/(u + v),   K₀ = ρv
//! ```
//!
//! without a cancellation (derived here from b²s = λ², p₁₁ = K₁(1 − s) and the diagonal; the same
//! way to α-β trackers: P. R. Kalata, "The tracking index" (1984), doi:10.1109/TAES.1984.310438).

use super::tilt::{TiltEstimate, TiltStatus, innovation, is_angle};
use super::tilt_kalman::TiltKalmanConfig;
use crate::math::{Float, Real, Scalar};
use crate::{ConfigError, Step, config};
use num_traits::{One, Zero};

impl<P: Float> TiltKalmanConfig<P> {
    /// Prepares the filter with constant gains, stepped every `dt` seconds. `initial_bias` is not
    /// used.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn build_steady<T: Scalar<Param = P>>(
        &self,
        dt: P,
    ) -> Result<SteadyTiltKalman<T>, ConfigError> {
        config::period(dt)?;
        Ok(SteadyTiltKalman {
            dt,
            dt_gain: T::gain(dt),
            tuning: Tuning::new(self, dt)?,
            state: SteadyTiltKalmanState::default(),
        })
    }

    /// The gains K₀ (1) and K₁ (1/s, negative) to which the filter converges at a period of `dt`.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn steady_gains(&self, dt: P) -> Result<(P, P), ConfigError> {
        config::period(dt)?;
        self.check(dt)?;
        let angle_ratio = self.gyro_noise / self.accel_noise;
        let alpha = angle_ratio * angle_ratio * dt;
        let bias_ratio = self.bias_walk / self.accel_noise * dt.sqrt();
        let lambda = bias_ratio * dt;
        let root = (lambda * lambda + P::lit(16.0) + P::lit(4.0) * alpha).sqrt();
        let sum = (lambda + root) * P::lit(0.5);
        let difference = (lambda * sum + alpha).sqrt();
        let rho = P::lit(2.0) / (sum + difference);
        Ok((rho * difference, -(bias_ratio * rho)))
    }
}

#[derive(Clone, Copy, Debug)]
struct Tuning<T: Scalar> {
    angle_gain: T::Gain,
    bias_gain: T::Gain,
    /// Largest innovation that is believed, in rad; `None` believes all.
    gate: Option<T>,
    /// Refused angles in a row after which any is taken.
    patience: u32,
}

impl<T: Scalar> Tuning<T> {
    fn new(config: &TiltKalmanConfig<T::Param>, dt: T::Param) -> Result<Self, ConfigError> {
        let (angle_gain, bias_gain) = config.steady_gains(dt)?;
        // The innovation's variance is r/(1 − K₀).
        let spread = (T::Param::one() - angle_gain).sqrt();
        let gate = config
            .gate_sigma
            .map(|sigma| T::from_param(sigma * config.accel_noise / spread));
        let periods = (config.gate_recovery / dt).to_counts(T::Param::one());
        Ok(Self {
            angle_gain: T::gain(angle_gain),
            bias_gain: T::gain(bias_gain),
            gate,
            patience: periods.unsigned_abs(),
        })
    }
}

/// Kalman filter of a tilt angle and the bias of its gyroscope with constant gains; see the
/// [module](self).
///
/// The first usable accelerometer angle is where it starts, with no bias; the bias is then learned
/// within about √(`accel_noise` / `bias_walk`) seconds, slower than by the filter with a
/// covariance. Cost per step: 3 products, 5 sums, 2 comparisons.
///
/// ```
/// use balance_core::estimation::steady_tilt_kalman::SteadyTiltKalman;
/// use balance_core::estimation::tilt_kalman::TiltKalmanConfig;
/// use balance_core::math::{Q12, Scalar};
/// let config = TiltKalmanConfig { gate_sigma: Some(4.0), ..Default::default() };
/// let mut tilt: SteadyTiltKalman<Q12> = config.build_steady(0.001)?;
/// let out = tilt.step(Q12::lit(0.0), Some(Q12::lit(0.1)));
/// assert_eq!(out.angle, Q12::lit(0.1));
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SteadyTiltKalman<T: Scalar> {
    dt: T::Param,
    dt_gain: T::Gain,
    tuning: Tuning<T>,
    state: SteadyTiltKalmanState<T>,
}

/// What changes in a [`SteadyTiltKalman`] from step to step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SteadyTiltKalmanState<T: Scalar> {
    /// Angle, in rad.
    pub angle: T::Wide,
    /// Bias of the gyroscope, in rad/s.
    pub bias: T::Wide,
    /// Last good rate without bias, in rad/s.
    pub rate: T,
    /// Angles refused in a row.
    pub refused: u32,
    /// Whether an accelerometer angle has been seen.
    pub known: bool,
}

impl<T: Scalar> SteadyTiltKalman<T> {
    /// Advances by the period given at build: `rate` in rad/s, `accel_angle` in rad.
    ///
    /// An unusable rate holds everything. Without a usable angle the gyroscope goes on alone.
    #[inline]
    pub fn step(&mut self, rate: T, accel_angle: Option<T>) -> TiltEstimate<T> {
        self.advance(rate, accel_angle, self.dt_gain)
    }

    /// As [`step`](Self::step), with a measured period in s; the gains stay those of the nominal
    /// one.
    ///
    /// A period that is not above zero and at most ten times the nominal one holds everything.
    #[inline]
    pub fn step_dt(&mut self, rate: T, accel_angle: Option<T>, dt: T::Param) -> TiltEstimate<T> {
        if !(dt > T::Param::zero() && dt <= self.dt * T::Param::lit(10.0)) {
            return self.estimate(TiltStatus::Held);
        }
        self.advance(rate, accel_angle, T::gain(dt))
    }

    #[inline(always)]
    fn advance(&mut self, rate: T, accel_angle: Option<T>, dt: T::Gain) -> TiltEstimate<T> {
        if !rate.is_usable() {
            return self.estimate(TiltStatus::Held);
        }
        let state = &mut self.state;
        state.rate = rate - T::narrow(state.bias);
        state.angle = T::accumulate(state.angle, dt, state.rate);
        let measured = accel_angle.filter(|angle| angle.is_usable());
        let status = match measured {
            Some(measured) if state.known => self.correct(measured),
            Some(measured) if is_angle(measured) => {
                state.angle = measured.widen();
                state.known = true;
                TiltStatus::Fused
            }
            _ if state.known => TiltStatus::GyroOnly,
            _ => TiltStatus::Waiting,
        };
        self.estimate(status)
    }

    #[inline(always)]
    fn correct(&mut self, measured: T) -> TiltStatus {
        let state = &mut self.state;
        let Some(error) = innovation(&mut state.angle, measured) else {
            return TiltStatus::GyroOnly;
        };
        if let Some(gate) = self.tuning.gate {
            if error.magnitude().is_above(gate) {
                // The count stays up until an angle fits again, so that the way back is not cut.
                if state.refused < self.tuning.patience {
                    state.refused = state.refused.saturating_add(1);
                    return TiltStatus::Rejected;
                }
            } else {
                state.refused = 0;
            }
        }
        state.angle = T::accumulate(state.angle, self.tuning.angle_gain, error);
        state.bias = T::accumulate(state.bias, self.tuning.bias_gain, error);
        TiltStatus::Fused
    }

    #[inline(always)]
    fn estimate(&self, status: TiltStatus) -> TiltEstimate<T> {
        TiltEstimate {
            angle: T::narrow(self.state.angle),
            rate: self.state.rate,
            bias: T::narrow(self.state.bias),
            status,
        }
    }

    /// Takes another configuration; estimates and the period stay.
    ///
    /// # Errors
    ///
    /// As [`build`](TiltKalmanConfig::build); the filter is then unchanged.
    pub fn retune(&mut self, config: &TiltKalmanConfig<T::Param>) -> Result<(), ConfigError> {
        self.tuning = Tuning::new(config, self.dt)?;
        Ok(())
    }
    /// Forgets angle and bias; the next accelerometer angle starts it.
    pub fn reset(&mut self) {
        self.state = SteadyTiltKalmanState::default();
    }
    /// The state.
    pub fn state(&self) -> SteadyTiltKalmanState<T> {
        self.state
    }
    /// Puts a state back; an unusable one counts as [`reset`](Self::reset).
    pub fn restore(&mut self, state: SteadyTiltKalmanState<T>) {
        let usable = T::narrow(state.angle).is_usable()
            && T::narrow(state.bias).is_usable()
            && state.rate.is_usable();
        self.state = if usable { state } else { Default::default() };
    }
}

impl<T: Scalar> Step for SteadyTiltKalman<T> {
    /// Rate in rad/s and accelerometer angle in rad.
    type Input = (T, Option<T>);
    type Output = TiltEstimate<T>;
    type State = SteadyTiltKalmanState<T>;
    fn step(&mut self, (rate, accel_angle): Self::Input) -> Self::Output {
        self.step(rate, accel_angle)
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
    use super::super::tilt_kalman::TiltKalman;
    use super::*;
    use crate::math::Q12;

    /// The closed form is what the recursion converges to, over eight decades of noise.
    #[test]
    fn gains_are_the_fixed_point_of_the_recursion() {
        for (gyro_noise, bias_walk, accel_noise) in [
            (0.005, 0.0005, 0.1),
            (0.03, 0.05, 0.17),
            (1e-4, 1e-2, 1.0),
            (0.5, 0.5, 0.05),
        ] {
            let config = TiltKalmanConfig {
                gyro_noise,
                bias_walk,
                accel_noise,
                ..Default::default()
            };
            let mut full: TiltKalman<f64> = config.build(0.01).unwrap();
            for _ in 0..200_000 {
                full.step(0.0, Some(0.0));
            }
            let (angle, bias) = config.steady_gains(0.01).unwrap();
            let covariance = full.state().covariance;
            assert!((covariance.angle / angle - 1.0).abs() < 1e-9, "{config:?}");
            let cross = covariance.cross / 0.01;
            assert!((cross / bias - 1.0).abs() < 1e-9, "{config:?}");
        }
    }
    fn follows_the_full_filter<T: Scalar>(bound: f64) {
        let config = TiltKalmanConfig::<f64>::default();
        let mut full: TiltKalman<f64> = config.build(0.001).unwrap();
        let mut steady: SteadyTiltKalman<T> = TiltKalmanConfig::default()
            .build_steady(T::Param::lit(0.001))
            .unwrap();
        for _ in 0..150_000 {
            full.step(0.01, Some(0.1));
            steady.step(T::lit(0.01), Some(T::lit(0.1)));
        }
        let mut worst = 0.0_f64;
        for k in 0..20_000 {
            let rate = 0.01 + 0.5 * libm::cos(f64::from(k) * 0.005);
            let angle = 0.1 + 0.1 * libm::sin(f64::from(k) * 0.005);
            let a = full.step(rate, Some(angle));
            let b = steady.step(T::lit(rate), Some(T::lit(angle)));
            worst = worst.max((a.angle - b.angle.to_param().to_f64()).abs());
            worst = worst.max((a.bias - b.bias.to_param().to_f64()).abs());
        }
        assert!(worst < bound, "{}: {worst:e}", T::NAME);
    }
    fn a_lasting_disagreement_is_let_in<T: Scalar>() {
        let config = TiltKalmanConfig {
            gate_sigma: Some(T::Param::lit(3.0)),
            gate_recovery: T::Param::lit(0.1),
            ..Default::default()
        };
        let mut tilt: SteadyTiltKalman<T> = config.build_steady(T::Param::lit(0.001)).unwrap();
        tilt.step(T::zero(), Some(T::zero()));
        for _ in 0..100 {
            let out = tilt.step(T::zero(), Some(T::lit(1.0)));
            assert_eq!((out.status, out.angle), (TiltStatus::Rejected, T::zero()));
        }
        for _ in 0..30_000 {
            assert_eq!(
                tilt.step(T::zero(), Some(T::lit(1.0))).status,
                TiltStatus::Fused
            );
        }
        let angle = T::narrow(tilt.state().angle).to_param().to_f64();
        assert!((angle - 1.0).abs() < 0.35, "{}: {angle}", T::NAME);
        assert_eq!(tilt.step(T::lit(0.1), None).status, TiltStatus::GyroOnly);
    }
    #[test]
    fn holds_for_every_scalar() {
        follows_the_full_filter::<f64>(2e-5);
        follows_the_full_filter::<f32>(6e-5);
        follows_the_full_filter::<Q12>(6e-5);
        a_lasting_disagreement_is_let_in::<f32>();
        a_lasting_disagreement_is_let_in::<f64>();
        a_lasting_disagreement_is_let_in::<Q12>();
    }
}
