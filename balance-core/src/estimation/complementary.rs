//! Complementary filter of one angle: the gyroscope for the quick, the accelerometer for the slow.
//!
//! θ⁺ = θ + ω·dt, then θ = θ⁺ + k·(θ_acc − θ⁺) with k = dt / (τ + dt). Below 1/(2πτ) Hz the angle
//! is the accelerometer's, above it the integrated gyroscope's. A constant bias b of the
//! gyroscope leaves an error of b·τ; a filter that removes it is
//! [`tilt_kalman`](super::tilt_kalman).
//! Source: W. T. Higgins, "A comparison of complementary and Kalman filtering" (1975),
//! doi:10.1109/TAES.1975.308081.

use super::tilt::{TiltEstimate, TiltStatus, innovation, is_angle};
use crate::math::Scalar;
use crate::{ConfigError, Step, config};
use num_traits::Zero;

/// What a person tunes of a [`Complementary`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ComplementaryConfig<P> {
    /// Time within which the accelerometer is believed, in s, 0 to 1000. Too small: every push
    /// moves the angle. Too large: the bias b of the gyroscope leaves b·τ, and errors stay long.
    pub time_constant: P,
}

impl<P: crate::math::Float> Default for ComplementaryConfig<P> {
    /// One second.
    fn default() -> Self {
        Self {
            time_constant: P::lit(1.0),
        }
    }
}

impl<P: crate::math::Float> ComplementaryConfig<P> {
    /// Prepares a filter that is stepped every `dt` seconds.
    ///
    /// # Errors
    ///
    /// `time_constant` not in 0 ..= 1000 s, or `dt` not in 1 µs ..= 10 s.
    pub fn build<T: Scalar<Param = P>>(&self, dt: P) -> Result<Complementary<T>, ConfigError> {
        config::period(dt)?;
        let time_constant = self.check()?;
        Ok(Complementary {
            time_constant,
            dt,
            dt_gain: T::gain(dt),
            correction: T::gain(dt / (time_constant + dt)),
            state: ComplementaryState::default(),
        })
    }
    fn check(&self) -> Result<P, ConfigError> {
        let longest = P::lit(1000.0);
        config::within("time_constant", self.time_constant, P::zero(), longest)
    }
}

/// Complementary filter of one angle; see the [module](self).
///
/// The first usable accelerometer angle is where it starts. The angle is kept in
/// [`Wide`](Scalar::Wide), so that fixed point loses nothing at any time constant (error against
/// `f64` below 1e-5 rad in `Q12`). Cost per step: 2 products, 3 sums, 2 comparisons.
///
/// ```
/// use balance_core::estimation::complementary::{Complementary, ComplementaryConfig};
/// let config = ComplementaryConfig { time_constant: 0.5 };
/// let mut tilt: Complementary<f32> = config.build(0.001)?;
/// assert_eq!(tilt.step(0.0, Some(0.2)).angle, 0.2); // starts there
/// assert!((tilt.step(1.0, None).angle - 0.201).abs() < 1e-6); // 1 rad/s for 1 ms
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Complementary<T: Scalar> {
    time_constant: T::Param,
    dt: T::Param,
    dt_gain: T::Gain,
    correction: T::Gain,
    state: ComplementaryState<T>,
}

/// What changes in a [`Complementary`] from step to step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ComplementaryState<T: Scalar> {
    /// Angle, in rad.
    pub angle: T::Wide,
    /// Last good rate, in rad/s.
    pub rate: T,
    /// Whether an accelerometer angle has been seen.
    pub known: bool,
}

impl<T: Scalar> Complementary<T> {
    /// Advances by the period given at build: `rate` in rad/s, `accel_angle` in rad.
    ///
    /// An unusable rate holds everything. Without a usable angle the gyroscope goes on alone.
    #[inline]
    pub fn step(&mut self, rate: T, accel_angle: Option<T>) -> TiltEstimate<T> {
        self.advance(rate, accel_angle, self.dt_gain, self.correction)
    }

    /// As [`step`](Self::step), with a measured period in s; one division more.
    ///
    /// A period that is not above zero and at most ten times the nominal one holds everything.
    #[inline]
    pub fn step_dt(&mut self, rate: T, accel_angle: Option<T>, dt: T::Param) -> TiltEstimate<T> {
        if !(dt > T::Param::zero() && dt <= self.dt * T::Param::lit(10.0)) {
            return self.estimate(TiltStatus::Held);
        }
        let correction = dt / (self.time_constant + dt);
        self.advance(rate, accel_angle, T::gain(dt), T::gain(correction))
    }

    #[inline(always)]
    fn advance(
        &mut self,
        rate: T,
        accel_angle: Option<T>,
        dt: T::Gain,
        correction: T::Gain,
    ) -> TiltEstimate<T> {
        if !rate.is_usable() {
            return self.estimate(TiltStatus::Held);
        }
        let state = &mut self.state;
        state.rate = rate;
        state.angle = T::accumulate(state.angle, dt, rate);
        let measured = accel_angle.filter(|angle| angle.is_usable());
        let status = match measured {
            Some(measured) if state.known => match innovation(&mut state.angle, measured) {
                Some(error) => {
                    state.angle = T::accumulate(state.angle, correction, error);
                    TiltStatus::Fused
                }
                None => TiltStatus::GyroOnly,
            },
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
    fn estimate(&self, status: TiltStatus) -> TiltEstimate<T> {
        TiltEstimate {
            angle: T::narrow(self.state.angle),
            rate: self.state.rate,
            bias: T::zero(),
            status,
        }
    }

    /// Takes another time constant; angle and period stay.
    ///
    /// # Errors
    ///
    /// As [`build`](ComplementaryConfig::build); the filter is then unchanged.
    pub fn retune(&mut self, config: &ComplementaryConfig<T::Param>) -> Result<(), ConfigError> {
        self.time_constant = config.check()?;
        self.correction = T::gain(self.dt / (self.time_constant + self.dt));
        Ok(())
    }
    /// Forgets the angle; the next accelerometer angle starts it.
    pub fn reset(&mut self) {
        self.state = ComplementaryState::default();
    }
    /// The state.
    pub fn state(&self) -> ComplementaryState<T> {
        self.state
    }
    /// Puts a state back; an unusable one counts as [`reset`](Self::reset).
    pub fn restore(&mut self, state: ComplementaryState<T>) {
        let usable = T::narrow(state.angle).is_usable() && state.rate.is_usable();
        self.state = if usable { state } else { Default::default() };
    }
}

impl<T: Scalar> Step for Complementary<T> {
    /// Rate in rad/s and accelerometer angle in rad.
    type Input = (T, Option<T>);
    type Output = TiltEstimate<T>;
    type State = ComplementaryState<T>;
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
    use crate::math::{Float, Q12};

    fn filter<T: Scalar>(time_constant: f64) -> Complementary<T> {
        let time_constant = T::Param::lit(time_constant);
        let config = ComplementaryConfig { time_constant };
        config.build(T::Param::lit(0.001)).unwrap()
    }
    fn real<T: Scalar>(x: T) -> f64 {
        x.to_param().to_f64()
    }

    /// A bias b leaves b·τ, reached with the time constant; slow corrections are not lost.
    fn bias_leaves_its_product_with_the_time_constant<T: Scalar>() {
        let mut tilt = filter::<T>(5.0);
        tilt.step(T::zero(), Some(T::zero()));
        let mut angle = 0.0;
        for k in 0..50_000 {
            angle = real(tilt.step(T::lit(0.002), Some(T::zero())).angle);
            if k == 4999 {
                assert!(
                    (angle - 0.01 * 0.632_12).abs() < 5e-5,
                    "{}: {angle}",
                    T::NAME
                );
            }
        }
        assert!((angle - 0.01).abs() < 1e-5, "{}: {angle}", T::NAME);
    }
    /// Missing angles are bridged by the gyroscope, and unusable inputs never happened.
    fn bad_inputs_leave_no_trace<T: Scalar>(bad: &[T]) {
        let (mut clean, mut hurt) = (filter::<T>(0.5), filter::<T>(0.5));
        for k in 0..500 {
            let (rate, angle) = (T::lit(0.3), T::lit(f64::from(k) * 0.0003));
            for &bad in bad {
                let before = real(hurt.step_dt(rate, None, T::Param::zero()).angle);
                let held = hurt.step(bad, Some(angle));
                assert_eq!(held.status, TiltStatus::Held);
                assert_eq!(real(held.angle), before);
            }
            assert_eq!(hurt.step(rate, Some(angle)), clean.step(rate, Some(angle)));
        }
        let before = real(clean.estimate(TiltStatus::Held).angle);
        for _ in 0..1000 {
            assert_eq!(clean.step(T::lit(0.3), None).status, TiltStatus::GyroOnly);
        }
        let turned = real(clean.estimate(TiltStatus::Held).angle) - before;
        assert!((turned - 0.3).abs() < 1e-4, "{}: {turned}", T::NAME);
    }
    fn a_full_roll_ends_where_it_began<T: Scalar>() {
        let mut tilt = filter::<T>(0.2);
        let mut angle = 0.0_f64;
        for _ in 0..6283 {
            angle += 0.002;
            let wrapped = libm::remainder(angle, core::f64::consts::TAU);
            let out = tilt.step(T::lit(2.0), Some(T::lit(wrapped)));
            let error = libm::remainder(real(out.angle) - angle, core::f64::consts::TAU);
            assert!(error.abs() < 2e-3, "{}: {error} at {angle}", T::NAME);
        }
        assert!(real(tilt.estimate(TiltStatus::Held).angle).abs() < 0.01);
    }
    macro_rules! run {
        ($($t:ident $bad:expr),*) => {$(
            bias_leaves_its_product_with_the_time_constant::<$t>();
            bad_inputs_leave_no_trace::<$t>($bad);
            a_full_roll_ends_where_it_began::<$t>();
        )*};
    }
    #[test]
    fn holds_for_every_scalar() {
        run!(
            f32 & [f32::NAN, f32::INFINITY, -1e30],
            f64 & [f64::NAN, f64::NEG_INFINITY],
            Q12 & []
        );
    }
    #[test]
    fn a_ruined_state_is_rest_and_bad_configurations_are_named() {
        let mut tilt = filter::<f32>(1.0);
        tilt.restore(ComplementaryState {
            angle: f32::NAN,
            rate: 0.0,
            known: true,
        });
        assert_eq!(tilt.state(), ComplementaryState::default());
        let config = ComplementaryConfig {
            time_constant: -1.0_f32,
        };
        assert_eq!(
            tilt.retune(&config),
            Err(ConfigError::OutOfRange("time_constant"))
        );
    }
}
