//! Mahony's complementary filter of attitude, with or without a magnetometer.
//!
//! The gyroscope turns the attitude q; where the accelerometer does not point along the world's
//! up v (both unit vectors in body axes), the cross product of the two is a rate that turns q back, and
//! its integral is the bias of the gyroscope:
//!
//! > e = ½·a × v (+ ½·m × w), ḃ = −2·k_i·e, dq/dt = ½·q ⊗ (ω − b + 2·k_p·e)
//!
//! m is the direction of the measured field and w = q*(0, |h_xy|, h_z)q the one expected from it, the
//! heading of h = q m q* being north. Euler steps, brought back to length one.
//!
//! **When to choose it:** it is the cheapest whole attitude, and gentle to fixed point. It weighs
//! every reading of the accelerometer alike, so long pushes tilt it; where accuracy matters more
//! than 172 instructions, take [`basic_vqf`](super::basic_vqf) or [`vqf`](super::vqf).
//!
//! Instructions of a step without a magnetometer: 172 on a Cortex-M4F, on a Cortex-M0 10,038 in `f32` and 2,640 in
//! fixed point.
//!
//! Source: R. Mahony, T. Hamel, J.-M. Pflimlin, "Nonlinear complementary filters on the special
//! orthogonal group" (2008), doi:10.1109/TAC.2008.923738; in the quaternion form and with the gains of
//! S. Madgwick's well-known implementation of 2011.

use super::orientation::{ImuRanges, Orientation, OrientationState, OrientationStatus, is_period};
use crate::math::vector::{cross, is_below, plus};
use crate::math::{Float, Quaternion, Real, Scalar};
use crate::{ConfigError, Step, config};
use num_traits::Zero;

/// What a person tunes of a [`Mahony`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MahonyConfig<P> {
    /// How fast the accelerometer is followed, k_p in 1/s, 0 to 100: the time constant is 1/k_p. Too
    /// small: a bias b of the gyroscope leaves b/k_p. Too large: pushes tilt the horizon.
    pub proportional_gain: P,
    /// How fast the bias is learnt, k_i in 1/s², 0 to 100; zero estimates none. Too small: the
    /// bias takes k_p/k_i seconds to be found. Too large: long pushes become bias, and above
    /// k_p²/4 the attitude oscillates.
    pub integral_gain: P,
    /// Largest bias on an axis that is believed, in rad/s, above zero. Too small: a worse gyroscope
    /// is not corrected. Too large: what is not bias may wind up so far.
    pub max_bias: P,
    /// Where the sensors saturate.
    pub ranges: ImuRanges<P>,
}

impl<P: Float> Default for MahonyConfig<P> {
    /// k_p = 0.2 /s, k_i = 0.001 /s², bias up to 0.2 rad/s (11 °/s).
    fn default() -> Self {
        Self {
            proportional_gain: P::lit(0.2),
            integral_gain: P::lit(0.001),
            max_bias: P::lit(0.2),
            ranges: ImuRanges::default(),
        }
    }
}

impl<P: Float> MahonyConfig<P> {
    /// Prepares a filter that is stepped every `dt` seconds.
    ///
    /// # Errors
    ///
    /// A field out of the range that its documentation states, or `dt` not in 1 µs ..= 10 s.
    pub fn build<T: Real + Scalar<Param = P>>(&self, dt: P) -> Result<Mahony<T>, ConfigError> {
        config::period(dt)?;
        Ok(Mahony {
            dt,
            period: Period::new(self.check()?.integral_gain, dt),
            tuning: Tuning::new(self)?,
            state: OrientationState::default(),
        })
    }
    fn check(&self) -> Result<&Self, ConfigError> {
        let most = P::lit(100.0);
        config::within("proportional_gain", self.proportional_gain, P::zero(), most)?;
        config::within("integral_gain", self.integral_gain, P::zero(), most)?;
        config::within("max_bias", self.max_bias, P::lit(1e-9), most)?;
        Ok(self)
    }
}

#[derive(Clone, Copy, Debug)]
struct Tuning<T: Scalar> {
    /// 2·k_p: the error is that of half vectors.
    proportional: T::Gain,
    integral: T::Param,
    max_bias: T,
    ranges: ImuRanges<T>,
}

impl<T: Real> Tuning<T> {
    fn new(config: &MahonyConfig<T::Param>) -> Result<Self, ConfigError> {
        let config = config.check()?;
        Ok(Self {
            proportional: T::gain(config.proportional_gain + config.proportional_gain),
            integral: config.integral_gain,
            max_bias: T::from_param(config.max_bias),
            ranges: config.ranges.check()?,
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Period<T: Scalar> {
    half: T::Gain,
    /// −2·k_i·dt; `None` without an integrator.
    integral: Option<T::Gain>,
}

impl<T: Scalar> Period<T> {
    fn new(integral_gain: T::Param, dt: T::Param) -> Self {
        let learns = integral_gain > T::Param::zero();
        Self {
            half: T::gain(dt * T::Param::lit(0.5)),
            integral: learns.then(|| T::gain(integral_gain * dt * T::Param::lit(-2.0))),
        }
    }
}

/// Mahony's filter; see the [module](self).
///
/// The first usable accelerometer reading is where it starts, with a magnetometer the heading
/// too. An unusable or saturated rate holds everything; an unusable or saturated accelerometer or
/// magnetometer is left out. In fixed point (`Q12`, `Q16`) the state is kept in
/// [`Wide`](Scalar::Wide); `Q8` cannot hold the readings of an accelerometer.
///
/// ```
/// use balance_core::estimation::mahony::{Mahony, MahonyConfig};
/// let mut filter: Mahony<f32> = MahonyConfig::default().build(0.005)?;
/// let out = filter.step([0.0; 3], Some([0.0, 4.903, 8.493]), None);
/// assert!((out.attitude.roll() - 0.5236).abs() < 1e-3); // left side 30° up
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Mahony<T: Scalar> {
    dt: T::Param,
    period: Period<T>,
    tuning: Tuning<T>,
    state: OrientationState<T>,
}

impl<T: Real> Mahony<T> {
    /// Advances by the period given at build: rate in rad/s, specific force in m/s², field in any
    /// unit, each about and along x, y, z of the body.
    #[inline]
    pub fn step(
        &mut self,
        gyro: [T; 3],
        accel: Option<[T; 3]>,
        mag: Option<[T; 3]>,
    ) -> Orientation<T> {
        advance(
            &mut self.state,
            &self.tuning,
            &self.period,
            (gyro, accel, mag),
        )
    }

    /// As [`step`](Self::step), with a measured period in s.
    ///
    /// A period that is not above zero and at most ten times the nominal one holds everything.
    #[inline]
    pub fn step_dt(
        &mut self,
        gyro: [T; 3],
        accel: Option<[T; 3]>,
        mag: Option<[T; 3]>,
        dt: T::Param,
    ) -> Orientation<T> {
        if !is_period(dt, self.dt) {
            return self.state.estimate(OrientationStatus::Held);
        }
        let period = Period::new(self.tuning.integral, dt);
        advance(&mut self.state, &self.tuning, &period, (gyro, accel, mag))
    }

    /// Takes other gains; attitude, bias and period stay.
    ///
    /// # Errors
    ///
    /// As [`build`](MahonyConfig::build); the filter is then unchanged.
    pub fn retune(&mut self, config: &MahonyConfig<T::Param>) -> Result<(), ConfigError> {
        self.tuning = Tuning::new(config)?;
        self.period = Period::new(self.tuning.integral, self.dt);
        Ok(())
    }
    /// Forgets attitude and bias; the next accelerometer reading starts it.
    pub fn reset(&mut self) {
        self.state = OrientationState::default();
    }
    /// The state.
    pub fn state(&self) -> OrientationState<T> {
        self.state
    }
    /// Puts a state back. One that is not an attitude counts as [`reset`](Self::reset).
    pub fn restore(&mut self, state: OrientationState<T>) {
        self.state = state.sound();
    }
}

type Input<T> = ([T; 3], Option<[T; 3]>, Option<[T; 3]>);

#[inline(always)]
fn advance<T: Real>(
    state: &mut OrientationState<T>,
    tuning: &Tuning<T>,
    period: &Period<T>,
    (gyro, accel, mag): Input<T>,
) -> Orientation<T> {
    let ranges = &tuning.ranges;
    if !ranges.usable_gyro(gyro) {
        return state.estimate(OrientationStatus::Held);
    }
    let Some(up) = ranges.up(accel) else {
        state.rate = without(gyro, state.gyro_bias);
        state.turn(state.quaternion().times_vector(state.rate), period.half);
        return state.estimate(if state.level {
            OrientationStatus::GyroOnly
        } else {
            OrientationStatus::Waiting
        });
    };
    let field = ranges.field(mag);
    let status = match field {
        Some(_) => OrientationStatus::Headed,
        None => OrientationStatus::Inclined,
    };
    if state.meet(up, field) {
        return state.estimate(status);
    }

    let attitude = state.quaternion();
    let mut error = cross(up, attitude.half_up());
    if let Some(field) = field {
        error = plus(error, heading_error(attitude, field));
    }
    if let Some(integral) = period.integral {
        learn(&mut state.gyro_bias, error, integral, tuning.max_bias);
    }
    state.rate = without(gyro, state.gyro_bias);
    let pull = error.map(|e| e.scale(tuning.proportional));
    state.turn(attitude.times_vector(plus(state.rate, pull)), period.half);
    state.estimate(status)
}

#[inline(always)]
fn without<T: Scalar>([x, y, z]: [T; 3], [bx, by, bz]: [T::Wide; 3]) -> [T; 3] {
    [x - T::narrow(bx), y - T::narrow(by), z - T::narrow(bz)]
}

#[inline(always)]
fn learn<T: Scalar>(bias: &mut [T::Wide; 3], error: [T; 3], gain: T::Gain, most: T) {
    let [bx, by, bz] = *bias;
    let [x, y, z] = error;
    let learnt = [
        T::accumulate(bx, gain, x),
        T::accumulate(by, gain, y),
        T::accumulate(bz, gain, z),
    ];
    if is_below(learnt.map(T::narrow), most) {
        *bias = learnt;
        return;
    }
    // Beyond the limit the last bias within it stands.
    for (bias, learnt) in bias.iter_mut().zip(learnt) {
        if T::narrow(learnt).is_below(most) {
            *bias = learnt;
        }
    }
}

/// Half of m × w.
#[inline(always)]
fn heading_error<T: Real>(attitude: Quaternion<T>, field: [T; 3]) -> [T; 3] {
    let [east, north, up] = attitude.to_world(field);
    let horizontal = (east * east + north * north).sqrt();
    let expected = attitude.to_body([T::zero(), horizontal, up]);
    cross(field, expected).map(|e| e * T::lit(0.5))
}

impl<T: Real> Step for Mahony<T> {
    /// Rate in rad/s, specific force in m/s², field in any unit.
    type Input = ([T; 3], Option<[T; 3]>, Option<[T; 3]>);
    type Output = Orientation<T>;
    type State = OrientationState<T>;
    fn step(&mut self, (gyro, accel, mag): Self::Input) -> Self::Output {
        self.step(gyro, accel, mag)
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

    fn real<T: Scalar>(x: T) -> f64 {
        x.to_param().to_f64()
    }
    fn filter<T: Real>(proportional_gain: f64, integral_gain: f64) -> Mahony<T> {
        let config = MahonyConfig {
            proportional_gain: T::Param::lit(proportional_gain),
            integral_gain: T::Param::lit(integral_gain),
            ..Default::default()
        };
        config.build(T::Param::lit(0.005)).unwrap()
    }
    const LEVEL: [f64; 3] = [0.0, 0.0, 9.81];

    /// A bias b leaves b/k_p without an integrator, and nothing but its own estimate with one.
    fn bias_is_left_or_learnt<T: Real>() {
        let bias = [0.02, -0.01, 0.0].map(T::lit);
        let level = Some(LEVEL.map(T::lit));
        let (mut plain, mut learning) = (filter::<T>(0.5, 0.0), filter::<T>(0.5, 0.05));
        for _ in 0..20_000 {
            plain.step(bias, level, None);
            learning.step(bias, level, None);
        }
        let out = plain.step(bias, level, None);
        assert!(
            (real(out.attitude.roll()) - 0.04).abs() < 1e-4,
            "{}",
            T::NAME
        );
        assert!(
            (real(out.attitude.pitch()) + 0.02).abs() < 1e-4,
            "{}",
            T::NAME
        );
        let out = learning.step(bias, level, None);
        assert!((real(out.gyro_bias[0]) - 0.02).abs() < 2e-5, "{}", T::NAME);
        assert!((real(out.gyro_bias[1]) + 0.01).abs() < 2e-5, "{}", T::NAME);
        assert!(real(out.attitude.roll()).abs() < 1e-4, "{}", T::NAME);
        assert!(real(out.rate[0]).abs() < 2e-5, "{}", T::NAME);
    }
    /// A wrong horizon comes back with the time constant 1/k_p, at any measured period.
    fn time_constant<T: Real>() {
        let mut level = filter::<T>(2.0, 0.0);
        level.step([T::zero(); 3], Some([0.0, 0.981, 9.76].map(T::lit)), None);
        for k in 0..50 {
            let dt = if k % 2 == 0 { 0.005 } else { 0.015 };
            level.step_dt(
                [T::zero(); 3],
                Some(LEVEL.map(T::lit)),
                None,
                T::Param::lit(dt),
            );
        }
        let roll = real(level.state.quaternion().roll());
        assert!(
            (roll / 0.1002 - 0.3679).abs() < 0.005,
            "{}: {roll}",
            T::NAME
        );
        for dt in [0.0, -1.0, 0.06, f64::NAN] {
            let before = level.state();
            let out = level.step_dt([T::one(); 3], None, None, T::Param::lit(dt));
            assert_eq!(out.status, OrientationStatus::Held);
            assert_eq!(level.state(), before);
        }
    }
    /// A field that appears later gives the heading at once and leaves the inclination.
    fn late_heading<T: Real>() {
        let mut filter = filter::<T>(0.5, 0.0);
        let accel = Some([1.0, -2.0, 9.0].map(T::lit));
        let before = filter.step([T::zero(); 3], accel, None).attitude;
        let field = [0.3, -0.5, -0.6].map(T::lit);
        let after = filter.step([T::zero(); 3], accel, Some(field)).attitude;
        let east = real(after.to_world(field)[0]);
        assert!(east.abs() < 5e-6, "{}: {east}", T::NAME);
        for (a, b) in after.up().iter().zip(before.up()) {
            assert!((real(*a) - real(b)).abs() < 1e-5, "{}", T::NAME);
        }
    }
    #[test]
    fn holds_for_every_scalar() {
        macro_rules! run {
            ($($t:ident)*) => {$(
                bias_is_left_or_learnt::<$t>();
                time_constant::<$t>();
                late_heading::<$t>();
            )*};
        }
        run!(f32 f64 Q12);
    }
    #[test]
    fn a_ruined_state_is_rest_and_bad_configurations_are_named() {
        let mut filter = filter::<f32>(1.0, 0.0);
        filter.restore(OrientationState {
            attitude: [f32::NAN, 0.0, 0.0, 0.0],
            level: true,
            ..Default::default()
        });
        assert_eq!(filter.state(), OrientationState::default());
        let mut config = MahonyConfig::<f32>::default();
        config.ranges.gyro = -1.0;
        assert_eq!(
            filter.retune(&config),
            Err(ConfigError::OutOfRange("ranges.gyro"))
        );
    }
}
