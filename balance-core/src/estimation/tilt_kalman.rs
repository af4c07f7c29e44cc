//! Kalman filter of a tilt angle and the bias of its gyroscope.
//!
//! State (θ, b), input ω, measurement z = θ + noise:
//!
//! ```text
//! θ⁺ = θ + (ω − b)·dt        P⁺ = F P Fᵀ + diag(q_θ, q_b)·dt,  F = [1 −dt; 0 1]
//! K = P⁺ Hᵀ / (p₀₀ + r)      θ = θ⁺ + K₀(z − θ⁺),  b = b + K₁(z − θ⁺),  P = (I − K H) P⁺
//! ```
//!
//! with q_θ = `gyro_noise`², q_b = `bias_walk`², r = `accel_noise`². The covariance is kept in
//! units of r, three numbers of a symmetric matrix. In these units the corrected p₀₀ and p₀₁ *are*
//! the gains K₀ and K₁, so correcting costs only p₁₁ −= K₁·p₀₁, and the numbers lie near one
//! whatever the sensors. The bias counts there as the turn that it makes in a period, so predicting
//! is sums alone.
//!
//! The covariance never sees a measurement, only whether there was one; in a fixed-point filter it
//! is therefore kept in the float of its parameters (equal to that of the `f32` filter, half of
//! the step's time on a Cortex-M0+) while angle and bias are integers. A robot that cannot pay
//! for that takes [`SteadyTiltKalman`](super::steady_tilt_kalman::SteadyTiltKalman): the same
//! filter after its start, for a fifth of the price.
//!
//! Source: R. E. Kalman, "A New Approach to Linear Filtering and Prediction Problems" (1960),
//! doi:10.1115/1.3662552; checked against filterpy 2.0.0 in `tests/estimation_golden.rs`.

use super::tilt::{TiltEstimate, TiltStatus, innovation, is_angle};
use crate::math::{Float, Real, Scalar};
use crate::{ConfigError, Step, config};
use num_traits::{One, Zero};

/// What a person tunes of a [`TiltKalman`] or a
/// [`SteadyTiltKalman`](super::steady_tilt_kalman::SteadyTiltKalman).
///
/// Only ratios decide the gains: all noises doubled give the same filter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TiltKalmanConfig<P> {
    /// Noise density of the gyroscope, in rad/s/√Hz, above 0 to 10: the angle's variance grows by
    /// its square each second. Data sheets say about 1e-4; vibration makes it 1e-2. Too small: the
    /// accelerometer is not listened to. Too large: every push moves the angle.
    pub gyro_noise: P,
    /// Random walk of the bias, in rad/s/√s, 0 to 10: the bias' variance grows by its square each
    /// second. Too small: a warming gyroscope is followed late. Too large: the bias takes up
    /// pushes.
    pub bias_walk: P,
    /// Standard deviation of one accelerometer angle about the true one, in rad, 1e-5 to 10;
    /// mostly the robot's own accelerations, not the sensor's noise. Too small: every push moves
    /// the angle. Too large: slow start and slow bias.
    pub accel_noise: P,
    /// Standard deviation of the bias before the first sample, in rad/s, 0 to 10. Too small: an
    /// uncalibrated gyroscope takes long to learn. Too large: the first second is noisy. The
    /// angle needs no such number: it starts at the first accelerometer angle with its noise.
    pub initial_bias: P,
    /// Accelerometer angles further than this many standard deviations from the expected one are
    /// ignored, 1 to 100; `None` takes all. Too small: good angles are lost. Too large: no
    /// protection.
    pub gate_sigma: Option<P>,
    /// Time for which the gate may ignore angles in a row, in s, 0 to 100. Then any angle is
    /// taken. Too small: a long push gets in. Too large: after a fault the robot leans for long.
    pub gate_recovery: P,
}

impl<P: Float> Default for TiltKalmanConfig<P> {
    /// A MEMS sensor on a robot that vibrates, uncalibrated, without gate.
    fn default() -> Self {
        Self {
            gyro_noise: P::lit(0.005),
            bias_walk: P::lit(0.0005),
            accel_noise: P::lit(0.1),
            initial_bias: P::lit(0.05),
            gate_sigma: None,
            gate_recovery: P::lit(0.5),
        }
    }
}

impl<P: Float> TiltKalmanConfig<P> {
    /// Prepares the filter with a varying covariance, stepped every `dt` seconds.
    ///
    /// # Errors
    ///
    /// A field outside its range, `dt` not in 1 µs ..= 10 s, or noises that lie so far apart that
    /// a covariance in `f32` would not stay positive: within one period `gyro_noise`·√dt,
    /// `bias_walk`·dt√dt and `initial_bias`·dt must stay within 10 `accel_noise`.
    pub fn build<T: Scalar<Param = P>>(&self, dt: P) -> Result<TiltKalman<T>, ConfigError> {
        config::period(dt)?;
        let tuning = Tuning::new(self, dt)?;
        Ok(TiltKalman {
            dt,
            dt_gain: T::gain(dt),
            state: tuning.at_rest(),
            tuning,
        })
    }

    pub(super) fn check(&self, dt: P) -> Result<(), ConfigError> {
        let ten = P::lit(10.0);
        config::positive("gyro_noise", self.gyro_noise)?;
        config::within("gyro_noise", self.gyro_noise, P::lit(1e-9), ten)?;
        config::within("bias_walk", self.bias_walk, P::zero(), ten)?;
        config::within("accel_noise", self.accel_noise, P::lit(1e-5), ten)?;
        config::within("initial_bias", self.initial_bias, P::zero(), ten)?;
        config::within(
            "gate_recovery",
            self.gate_recovery,
            P::zero(),
            P::lit(100.0),
        )?;
        if let Some(gate) = self.gate_sigma {
            config::within("gate_sigma", gate, P::one(), P::lit(100.0))?;
        }
        let widest = ten * self.accel_noise;
        let root = dt.sqrt();
        for (name, per_period) in [
            ("gyro_noise", self.gyro_noise * root),
            ("bias_walk", self.bias_walk * root * dt),
            ("initial_bias", self.initial_bias * dt),
        ] {
            if per_period > widest {
                return Err(ConfigError::OutOfRange(name));
            }
        }
        Ok(())
    }
}

/// What the configuration comes to, in units of the accelerometer's variance.
#[derive(Clone, Copy, Debug)]
struct Tuning<P> {
    accel_variance: P,
    /// Growth of the variances per second and per period.
    angle_walk: P,
    bias_walk: P,
    angle_growth: P,
    bias_growth: P,
    initial_bias: P,
    /// Periods per second.
    per_second: P,
    /// An innovation squared times this is at most one if it passes the gate whatever its variance, and
    /// is less than half a turn.
    bound: P,
    /// 1/(gate²·r): an innovation squared times this must not exceed its variance. Zero: no gate.
    gate: P,
    /// What each refused angle adds to the angle's variance.
    doubt: P,
}

impl<P: Float> Tuning<P> {
    fn new(config: &TiltKalmanConfig<P>, dt: P) -> Result<Self, ConfigError> {
        config.check(dt)?;
        let accel_variance = config.accel_noise * config.accel_noise;
        let relative = |noise: P| {
            let ratio = noise / config.accel_noise;
            ratio * ratio
        };
        let angle_walk = relative(config.gyro_noise);
        let bias_walk = relative(config.bias_walk) * (dt * dt);
        let gate = config.gate_sigma.map_or(P::zero(), |sigma| {
            P::one() / (sigma * sigma * accel_variance)
        });
        // Half a turn passes the gate after so many periods.
        let periods = (config.gate_recovery / dt).limit(P::one(), P::lit(1e9));
        Ok(Self {
            accel_variance,
            angle_walk,
            bias_walk,
            angle_growth: angle_walk * dt,
            bias_growth: bias_walk * dt,
            initial_bias: relative(config.initial_bias) * (dt * dt),
            per_second: P::one() / dt,
            bound: if gate * P::lit(10.0) > P::one() {
                gate
            } else {
                // π² is less.
                P::lit(0.1015)
            },
            gate,
            doubt: gate * P::PI * P::PI / periods,
        })
    }
    fn at_rest<T: Scalar<Param = P>>(&self) -> TiltKalmanState<T> {
        TiltKalmanState {
            covariance: TiltCovariance {
                angle: P::one(),
                cross: P::zero(),
                bias: self.initial_bias,
            },
            ..Default::default()
        }
    }
}

/// Above this variance (ten standard deviations of the accelerometer) without a correction the
/// covariance stands still: more would change no gain by a percent, and would in the end make
/// angle and bias so alike that a float cannot tell them apart.
const WIDEST: f64 = 100.0;

/// Symmetric covariance of the angle and the turn that the bias makes in a period of `dt` as it was
/// given at build, in units of `accel_noise`².
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TiltCovariance<P> {
    /// Variance of the angle, as a multiple of `accel_noise`². After a correction: the gain K₀.
    pub angle: P,
    /// Covariance of angle and bias: times 1/dt that in 1/s. After a correction that is the gain K₁,
    /// negative.
    pub cross: P,
    /// Variance of the bias: times 1/dt² that in 1/s².
    pub bias: P,
}

impl<P: Float> TiltCovariance<P> {
    #[inline(always)]
    fn predict(&mut self, [angle, bias]: [P; 2]) {
        let cross = self.cross - self.bias;
        self.angle += angle - (self.cross + cross);
        self.cross = cross;
        self.bias += bias;
    }
    /// The same for so many periods.
    #[inline(always)]
    fn predict_for(&mut self, periods: P, [angle, bias]: [P; 2]) {
        let cross = self.cross - periods * self.bias;
        self.angle += angle - periods * (self.cross + cross);
        self.cross = cross;
        self.bias += bias;
    }
    /// The variance of the innovation is one more than the angle's. What results is the gain.
    #[inline(always)]
    fn correct(&mut self, innovation_variance: P) {
        let scale = P::one() / innovation_variance;
        let prior = self.cross;
        self.angle *= scale;
        self.cross *= scale;
        self.bias -= self.cross * prior;
    }
    fn is_valid(&self) -> bool {
        let Self { angle, cross, bias } = *self;
        let usable = angle.is_usable() && cross.is_usable() && bias.is_usable();
        let limit = P::lit(1e9);
        usable
            && angle >= P::zero()
            && bias >= P::zero()
            && angle <= limit
            && bias <= limit * limit
            && cross * cross <= angle * bias
    }
}

/// Kalman filter of a tilt angle and the bias of its gyroscope; see the [module](self).
///
/// The first usable accelerometer angle is where it starts. Cost per step: 8 products, 12 sums,
/// one division, 2 comparisons. Measured against filterpy (rad and rad/s): `f64` 1.2e-15, `f32`
/// 3.2e-7, `Q12` 1.9e-6, `Q16` 2.9e-5; the covariance in `f32` to 4.2e-6 of itself.
///
/// ```
/// use balance_core::estimation::tilt_kalman::{TiltKalman, TiltKalmanConfig};
/// let config = TiltKalmanConfig { accel_noise: 0.05, ..Default::default() };
/// let mut tilt: TiltKalman<f32> = config.build(0.001)?;
/// for _ in 0..20_000 {
///     tilt.step(0.01, Some(0.2)); // at rest: the gyroscope's 0.01 rad/s is bias
/// }
/// let out = tilt.step(0.01, Some(0.2));
/// assert!((out.bias - 0.01).abs() < 1e-3 && (out.angle - 0.2).abs() < 1e-3);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TiltKalman<T: Scalar> {
    dt: T::Param,
    dt_gain: T::Gain,
    tuning: Tuning<T::Param>,
    state: TiltKalmanState<T>,
}

/// What changes in a [`TiltKalman`] from step to step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TiltKalmanState<T: Scalar> {
    /// Angle, in rad.
    pub angle: T::Wide,
    /// Bias of the gyroscope, in rad/s.
    pub bias: T::Wide,
    /// Last good rate without bias, in rad/s.
    pub rate: T,
    /// How uncertain angle and bias are.
    pub covariance: TiltCovariance<T::Param>,
    /// Whether an accelerometer angle has been seen.
    pub known: bool,
    /// Whether the covariance has reached its widest and stands still.
    pub wide: bool,
}

impl<T: Scalar> TiltKalman<T> {
    /// Advances by the period given at build: `rate` in rad/s, `accel_angle` in rad.
    ///
    /// An unusable rate holds everything. Without a usable angle the gyroscope goes on alone and
    /// the uncertainty grows.
    #[inline]
    pub fn step(&mut self, rate: T, accel_angle: Option<T>) -> TiltEstimate<T> {
        let growth = [self.tuning.angle_growth, self.tuning.bias_growth];
        if T::HARD
            && let Some(estimate) = self.track(rate, accel_angle, growth)
        {
            return estimate;
        }
        self.advance(rate, accel_angle, None, self.dt_gain, growth)
    }

    /// As [`step`](Self::step), with a measured period in s; two products more.
    ///
    /// A period that is not above zero and at most ten times the nominal one holds everything.
    #[inline]
    pub fn step_dt(&mut self, rate: T, accel_angle: Option<T>, dt: T::Param) -> TiltEstimate<T> {
        if !(dt > T::Param::zero() && dt <= self.dt * T::Param::lit(10.0)) {
            return self.estimate(TiltStatus::Held);
        }
        let growth = [self.tuning.angle_walk * dt, self.tuning.bias_walk * dt];
        let periods = dt * self.tuning.per_second;
        self.advance(rate, accel_angle, Some(periods), T::gain(dt), growth)
    }

    /// A step with all that is usual, for which one comparison answers: an innovation within this
    /// bound is of a usable angle, passes the gate and crosses no seam. In numbers the
    /// same as [`advance`](Self::advance).
    #[inline(always)]
    fn track(
        &mut self,
        rate: T,
        accel_angle: Option<T>,
        growth: [T::Param; 2],
    ) -> Option<TiltEstimate<T>> {
        let measured = accel_angle?;
        let state = &mut self.state;
        let rate = rate - T::narrow(state.bias);
        let angle = T::accumulate(state.angle, self.dt_gain, rate);
        let error = measured - T::narrow(angle);
        let square = error.to_param() * error.to_param();
        let usual = square * self.tuning.bound <= T::Param::one();
        // Of two that are out of all bounds the difference may be small.
        if !usual || !rate.is_usable() || !state.known || state.wide {
            return None;
        }
        let mut covariance = state.covariance;
        covariance.predict(growth);
        covariance.correct(covariance.angle + T::Param::one());
        state.covariance = covariance;
        state.rate = rate;
        state.angle = angle;
        self.follow(error);
        Some(self.estimate(TiltStatus::Fused))
    }

    /// Moves angle and bias by the gains.
    #[inline(always)]
    fn follow(&mut self, error: T) {
        let state = &mut self.state;
        let TiltCovariance { angle, cross, .. } = state.covariance;
        state.angle = T::accumulate(state.angle, T::gain(angle), error);
        let bias_gain = T::gain(cross * self.tuning.per_second);
        state.bias = T::accumulate(state.bias, bias_gain, error);
    }

    #[inline(always)]
    fn advance(
        &mut self,
        rate: T,
        accel_angle: Option<T>,
        periods: Option<T::Param>,
        dt_gain: T::Gain,
        growth: [T::Param; 2],
    ) -> TiltEstimate<T> {
        if !rate.is_usable() {
            return self.estimate(TiltStatus::Held);
        }
        let state = &mut self.state;
        state.rate = rate - T::narrow(state.bias);
        state.angle = T::accumulate(state.angle, dt_gain, state.rate);
        if state.known && !state.wide {
            match periods {
                None => state.covariance.predict(growth),
                Some(periods) => state.covariance.predict_for(periods, growth),
            }
        }
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
        if status != TiltStatus::Fused {
            self.state.wide = self.state.covariance.angle > T::Param::lit(WIDEST);
        }
        self.estimate(status)
    }

    #[inline(always)]
    fn correct(&mut self, measured: T) -> TiltStatus {
        let state = &mut self.state;
        let Some(error) = innovation(&mut state.angle, measured) else {
            return TiltStatus::GyroOnly;
        };
        let variance = state.covariance.angle + T::Param::one();
        if self.tuning.gate > T::Param::zero() {
            let error = error.to_param();
            if error * error * self.tuning.gate > variance {
                state.covariance.angle += self.tuning.doubt;
                return TiltStatus::Rejected;
            }
        }
        state.covariance.correct(variance);
        state.wide = false;
        self.follow(error);
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

    /// Standard deviations of the angle, in rad, and of the bias, in rad/s, that the filter
    /// believes in.
    pub fn uncertainty(&self) -> (T::Param, T::Param) {
        let TiltCovariance { angle, bias, .. } = self.state.covariance;
        let unit = self.tuning.accel_variance;
        let rate = (bias * unit).sqrt() * self.tuning.per_second;
        ((angle * unit).sqrt(), rate)
    }
    /// Takes another configuration; estimates, their uncertainty and the period stay.
    ///
    /// # Errors
    ///
    /// As [`build`](TiltKalmanConfig::build); the filter is then unchanged.
    pub fn retune(&mut self, config: &TiltKalmanConfig<T::Param>) -> Result<(), ConfigError> {
        let tuning = Tuning::new(config, self.dt)?;
        let mut state = self.state;
        if state.known {
            let unit = self.tuning.accel_variance / tuning.accel_variance;
            state.covariance.angle *= unit;
            state.covariance.cross *= unit;
            state.covariance.bias *= unit;
        } else {
            state.covariance = tuning.at_rest::<T>().covariance;
        }
        self.tuning = tuning;
        self.restore(state);
        Ok(())
    }
    /// Forgets angle and bias; the next accelerometer angle starts it.
    pub fn reset(&mut self) {
        self.state = self.tuning.at_rest();
    }
    /// The state.
    pub fn state(&self) -> TiltKalmanState<T> {
        self.state
    }
    /// Puts a state back. An unusable one counts as [`reset`](Self::reset), and so does one whose
    /// covariance is not a covariance.
    pub fn restore(&mut self, state: TiltKalmanState<T>) {
        let usable = T::narrow(state.angle).is_usable()
            && T::narrow(state.bias).is_usable()
            && state.rate.is_usable();
        if !usable || !state.covariance.is_valid() || !state.known {
            return self.reset();
        }
        let wide = state.covariance.angle > T::Param::lit(WIDEST);
        self.state = TiltKalmanState { wide, ..state };
    }
}

impl<T: Scalar> Step for TiltKalman<T> {
    /// Rate in rad/s and accelerometer angle in rad.
    type Input = (T, Option<T>);
    type Output = TiltEstimate<T>;
    type State = TiltKalmanState<T>;
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
    use super::*;
    use crate::math::Q12;

    fn filter<T: Scalar>(config: TiltKalmanConfig<f64>) -> TiltKalman<T> {
        let p = T::Param::lit;
        let config = TiltKalmanConfig {
            gyro_noise: p(config.gyro_noise),
            bias_walk: p(config.bias_walk),
            accel_noise: p(config.accel_noise),
            initial_bias: p(config.initial_bias),
            gate_sigma: config.gate_sigma.map(p),
            gate_recovery: p(config.gate_recovery),
        };
        config.build(p(0.001)).unwrap()
    }
    fn real<T: Scalar>(x: T) -> f64 {
        x.to_param().to_f64()
    }

    fn bias_is_found_and_taken_off<T: Scalar>() {
        let mut tilt = filter::<T>(TiltKalmanConfig::default());
        let mut out = TiltEstimate::default();
        for k in 0..20_000 {
            let angle = 0.3 * libm::sin(f64::from(k) * 0.003);
            let rate = 0.9 * libm::cos(f64::from(k) * 0.003) + 0.04;
            out = tilt.step(T::lit(rate), Some(T::lit(angle)));
        }
        let angle = 0.3 * libm::sin(19_999.0 * 0.003);
        assert!((real(out.bias) - 0.04).abs() < 2e-3, "{}: {out:?}", T::NAME);
        assert!(
            (real(out.angle) - angle).abs() < 2e-3,
            "{}: {out:?}",
            T::NAME
        );
        assert!((real(out.rate) - 0.9 * libm::cos(19_999.0 * 0.003)).abs() < 3e-3);
    }
    /// A push is kept out, a lasting disagreement is let in within the stated time.
    fn the_gate_closes_and_opens<T: Scalar>() {
        let gate = TiltKalmanConfig {
            gate_sigma: Some(3.0),
            accel_noise: 0.02,
            ..Default::default()
        };
        let mut tilt = filter::<T>(gate);
        for _ in 0..2000 {
            tilt.step(T::zero(), Some(T::zero()));
        }
        for _ in 0..20 {
            let out = tilt.step(T::zero(), Some(T::lit(1.0)));
            assert_eq!(out.status, TiltStatus::Rejected);
            assert!(real(out.angle).abs() < 1e-3);
        }
        let fits = tilt.step(T::zero(), Some(T::lit(0.001)));
        assert_eq!(fits.status, TiltStatus::Fused);
        let mut periods = 0;
        while tilt.step(T::zero(), Some(T::lit(3.1))).status == TiltStatus::Rejected {
            periods += 1;
            assert!(periods <= 500, "{}", T::NAME);
        }
        for _ in 0..200 {
            tilt.step(T::zero(), Some(T::lit(3.1)));
        }
        assert!((real(T::narrow(tilt.state.angle)) - 3.1).abs() < 0.05);
    }
    fn bad_inputs_leave_no_trace<T: Scalar>(bad: &[T]) {
        let (mut clean, mut hurt) = (
            filter::<T>(Default::default()),
            filter::<T>(Default::default()),
        );
        for k in 0..500 {
            let (rate, angle) = (T::lit(0.3), T::lit(f64::from(k) * 0.0003));
            for &bad in bad {
                assert_eq!(hurt.step(bad, Some(angle)).status, TiltStatus::Held);
            }
            let held = hurt.step_dt(rate, Some(angle), T::Param::lit(-0.001));
            assert_eq!(held.status, TiltStatus::Held);
            assert_eq!(hurt.step(rate, Some(angle)), clean.step(rate, Some(angle)));
        }
        let again = clean.step_dt(T::zero(), None, T::Param::lit(0.001));
        assert_eq!(hurt.step(T::zero(), None), again);
    }
    #[test]
    fn holds_for_every_scalar() {
        bias_is_found_and_taken_off::<f32>();
        bias_is_found_and_taken_off::<f64>();
        bias_is_found_and_taken_off::<Q12>();
        the_gate_closes_and_opens::<f32>();
        the_gate_closes_and_opens::<f64>();
        the_gate_closes_and_opens::<Q12>();
        bad_inputs_leave_no_trace::<f32>(&[f32::NAN, 1e30]);
        bad_inputs_leave_no_trace::<f64>(&[f64::INFINITY]);
        bad_inputs_leave_no_trace::<Q12>(&[]);
    }
    /// Doubting the sensor in other units does not change what is known.
    #[test]
    fn retuning_keeps_estimate_and_uncertainty() {
        let mut tilt = filter::<f64>(Default::default());
        for _ in 0..300 {
            tilt.step(0.02, Some(0.1));
        }
        let (before, known) = (tilt.state(), tilt.uncertainty());
        let other = TiltKalmanConfig {
            accel_noise: 0.3,
            ..Default::default()
        };
        tilt.retune(&other).unwrap();
        assert_eq!(tilt.state().angle, before.angle);
        assert!((tilt.uncertainty().0 / known.0 - 1.0).abs() < 1e-12);
        let far = TiltKalmanConfig {
            gyro_noise: 9.0,
            accel_noise: 1e-5,
            ..Default::default()
        };
        assert_eq!(
            tilt.retune(&far),
            Err(ConfigError::OutOfRange("gyro_noise"))
        );
    }
}
