//! Madgwick's gradient-descent filter of attitude, with or without a magnetometer.
//!
//! The gyroscope turns the attitude q; a step of fixed speed β goes down the gradient of what the
//! accelerometer (and the magnetometer) disagree with:
//!
//! > dq/dt = ½·q ⊗ ω − β·∇F/|∇F|, F = ½|v − a|² + ½|λ·w − m|²
//!
//! with the directions of measured force a, world's up v, measured field m and expected field w as in
//! [`mahony`](super::mahony). The gradient is written as a turn: its part across q is
//! −2·q ⊗ (a × v + λ·m × w), its part along q, which the filter's own polynomial for v and w has and
//! which only counts for the length |∇F|, is 2·(1 + a_z − a·v − v_z) + 2λ·(λ·(1 − w·b) − m·w + m·b),
//! b = (|h_xy|, 0, h_z). These are the same numbers as those of the published code at a third of its
//! products.
//!
//! **When to choose it:** where its one gain is known from elsewhere. The step is as fast for an
//! error of a hundredth of a degree as for ten, so it trembles by β·dt and takes error/β seconds to
//! come back; [`mahony`](super::mahony) costs less and does neither.
//!
//! Instructions of a step without a magnetometer: 185 on a Cortex-M4F, on a Cortex-M0 13,151 in `f32` and 3,202 in
//! fixed point.
//!
//! Source: S. Madgwick, "An efficient orientation filter for inertial and inertial/magnetic sensor
//! arrays" (2010); with λ = ½ the numbers of his implementation of 2011/2012.

use super::orientation::{ImuRanges, Orientation, OrientationState, OrientationStatus, is_period};
use crate::math::vector::{cross, inner, plus};
use crate::math::{Float, Quaternion, Real, Scalar};
use crate::{ConfigError, Step, config};
use num_traits::{One, Zero};

/// What a person tunes of a [`Madgwick`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MadgwickConfig<P> {
    /// Speed of the step down the gradient, β in 1/s, 0 to 100: twice as many rad/s. Too small: a
    /// bias of the gyroscope of more than 2β runs away, and a wrong start takes long. Too large: pushes
    /// tilt the horizon, and it trembles at rest.
    pub gain: P,
    /// Weight of the magnetometer against the accelerometer, λ, 0.01 to 1: one in the report, one
    /// half in the author's code. Too small: the heading follows slowly. Too large: iron tilts the
    /// horizon.
    pub mag_weight: P,
    /// Where the sensors saturate.
    pub ranges: ImuRanges<P>,
}

impl<P: Float> Default for MadgwickConfig<P> {
    /// β = 0.033 /s, λ = ½.
    fn default() -> Self {
        Self {
            gain: P::lit(0.033),
            mag_weight: P::lit(0.5),
            ranges: ImuRanges::default(),
        }
    }
}

impl<P: Float> MadgwickConfig<P> {
    /// Prepares a filter that is stepped every `dt` seconds.
    ///
    /// # Errors
    ///
    /// A field out of the range that its documentation states, or `dt` not in 1 µs ..= 10 s.
    pub fn build<T: Real + Scalar<Param = P>>(&self, dt: P) -> Result<Madgwick<T>, ConfigError> {
        config::period(dt)?;
        Ok(Madgwick {
            dt,
            half_dt: T::gain(dt * P::lit(0.5)),
            tuning: Tuning::new(self)?,
            state: OrientationState::default(),
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Tuning<T: Scalar> {
    /// 2·β: the change is that of half a period.
    speed: T::Gain,
    mag_weight: T,
    ranges: ImuRanges<T>,
}

impl<T: Real> Tuning<T> {
    fn new(config: &MadgwickConfig<T::Param>) -> Result<Self, ConfigError> {
        let p = T::Param::lit;
        config::within("gain", config.gain, T::Param::zero(), p(100.0))?;
        let weight = config::within("mag_weight", config.mag_weight, p(0.01), T::Param::one())?;
        Ok(Self {
            speed: T::gain(config.gain + config.gain),
            mag_weight: T::from_param(weight),
            ranges: config.ranges.check()?,
        })
    }
}

/// Madgwick's filter; see the [module](self).
///
/// Starts and treats bad readings as [`Mahony`](super::mahony::Mahony) does, with the same ranges
/// in fixed point. It estimates no bias.
///
/// ```
/// use balance_core::estimation::madgwick::{Madgwick, MadgwickConfig};
/// let mut filter: Madgwick<f32> = MadgwickConfig::default().build(0.005)?;
/// let north_on_the_left = [0.0, 20.0, -40.0]; // µT
/// let out = filter.step([0.0; 3], Some([0.0, 0.0, 9.81]), Some(north_on_the_left));
/// assert!(out.attitude.yaw().abs() < 1e-3); // forward is east
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Madgwick<T: Scalar> {
    dt: T::Param,
    half_dt: T::Gain,
    tuning: Tuning<T>,
    state: OrientationState<T>,
}

impl<T: Real> Madgwick<T> {
    /// Advances by the period given at build: rate in rad/s, specific force in m/s², field in any
    /// unit, each about and along x, y, z of the body.
    #[inline]
    pub fn step(
        &mut self,
        gyro: [T; 3],
        accel: Option<[T; 3]>,
        mag: Option<[T; 3]>,
    ) -> Orientation<T> {
        self.advance(gyro, accel, mag, self.half_dt)
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
        self.advance(gyro, accel, mag, T::gain(dt * T::Param::lit(0.5)))
    }

    #[inline(always)]
    fn advance(
        &mut self,
        gyro: [T; 3],
        accel: Option<[T; 3]>,
        mag: Option<[T; 3]>,
        half_dt: T::Gain,
    ) -> Orientation<T> {
        let ranges = &self.tuning.ranges;
        let state = &mut self.state;
        if !ranges.usable_gyro(gyro) {
            return state.estimate(OrientationStatus::Held);
        }
        state.rate = gyro;
        let Some(up) = ranges.up(accel) else {
            state.turn(state.quaternion().times_vector(gyro), half_dt);
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
        let mut gradient = incline(attitude, up);
        if let Some(field) = field {
            let more = head(attitude, field, self.tuning.mag_weight);
            for (sum, more) in gradient.iter_mut().zip(more) {
                *sum += more;
            }
        }
        let change = match T::unit(gradient) {
            Some(direction) => {
                let [along, x, y, z] = direction.map(|c| c.scale(self.tuning.speed));
                let [w, i, j, k] = attitude.times_vector(plus(gyro, [x, y, z]));
                [
                    w - along * attitude.w,
                    i - along * attitude.x,
                    j - along * attitude.y,
                    k - along * attitude.z,
                ]
            }
            // On the point: nowhere to go.
            None => attitude.times_vector(gyro),
        };
        state.turn(change, half_dt);
        state.estimate(status)
    }

    /// Takes another gain; attitude and period stay.
    ///
    /// # Errors
    ///
    /// As [`build`](MadgwickConfig::build); the filter is then unchanged.
    pub fn retune(&mut self, config: &MadgwickConfig<T::Param>) -> Result<(), ConfigError> {
        self.tuning = Tuning::new(config)?;
        Ok(())
    }
    /// Forgets the attitude; the next accelerometer reading starts it.
    pub fn reset(&mut self) {
        self.state = OrientationState::default();
    }
    /// The state; its bias stays zero.
    pub fn state(&self) -> OrientationState<T> {
        self.state
    }
    /// Puts a state back. One that is not an attitude counts as [`reset`](Self::reset).
    pub fn restore(&mut self, state: OrientationState<T>) {
        self.state = state.sound();
    }
}

/// Half the gradient of the accelerometer, the part along q and minus the part across it.
#[inline(always)]
fn incline<T: Real>(attitude: Quaternion<T>, up: [T; 3]) -> [T; 4] {
    let half = attitude.half_up();
    let agree = inner(up, half) + half[2];
    let along = T::one() + up[2] - (agree + agree);
    let [x, y, z] = cross(up, half);
    [along, x + x, y + y, z + z]
}

/// The same of the magnetometer.
#[inline(always)]
fn head<T: Real>(attitude: Quaternion<T>, field: [T; 3], weight: T) -> [T; 4] {
    let [east, north, up] = attitude.to_world(field);
    let horizontal = (east * east + north * north).sqrt();
    let expected = attitude.to_body([T::zero(), horizontal, up]);
    let [ex, _, ez] = expected;
    let [mx, _, mz] = field;
    let along = weight * (T::one() - (ex * horizontal + ez * up)) - inner(field, expected)
        + (mx * horizontal + mz * up);
    let [x, y, z] = cross(field, expected).map(|c| c * weight);
    [weight * along, x, y, z]
}

impl<T: Real> Step for Madgwick<T> {
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
    fn filter<T: Real>(gain: f64) -> Madgwick<T> {
        let config = MadgwickConfig {
            gain: T::Param::lit(gain),
            ..Default::default()
        };
        config.build(T::Param::lit(0.005)).unwrap()
    }

    /// From level it goes to a tilt of half a radian at 2β rad/s, however far there is to go.
    fn goes_at_its_speed<T: Real>() {
        let mut filter = filter::<T>(0.1);
        filter.step([T::zero(); 3], Some([0.0, 0.0, 9.81].map(T::lit)), None);
        let tilted = [0.0, 9.81 * libm::sin(0.5), 9.81 * libm::cos(0.5)].map(T::lit);
        let mut roll = 0.0;
        for _ in 0..200 {
            roll = real(
                filter
                    .step([T::zero(); 3], Some(tilted), None)
                    .attitude
                    .roll(),
            );
        }
        // Less by the part of the gradient along the attitude, at most cos ¼ here.
        assert!(roll > 0.19 && roll < 0.201, "{}: {roll}", T::NAME);
        for _ in 0..400 {
            roll = real(
                filter
                    .step([T::zero(); 3], Some(tilted), None)
                    .attitude
                    .roll(),
            );
        }
        assert!((roll - 0.5).abs() < 0.002, "{}: {roll}", T::NAME);
    }
    /// Without an accelerometer the gyroscope carries on; a whole turn comes back.
    fn gyroscope_alone<T: Real>() {
        let mut filter = filter::<T>(0.1);
        filter.step([T::zero(); 3], Some([0.0, 0.0, 9.81].map(T::lit)), None);
        let rate = [T::zero(), T::lit(core::f64::consts::TAU), T::zero()];
        let mut out = filter.state.estimate(OrientationStatus::Held);
        for _ in 0..200 {
            out = filter.step(rate, None, None);
        }
        assert_eq!(out.status, OrientationStatus::GyroOnly);
        // Euler's step loses a third of the cube of half the angle each time.
        assert!(real(out.attitude.pitch()).abs() < 2e-3, "{}", T::NAME);
        assert!(
            (real(out.attitude.w).abs() - 1.0).abs() < 1e-5,
            "{}",
            T::NAME
        );
    }
    #[test]
    fn holds_for_every_scalar() {
        goes_at_its_speed::<f32>();
        goes_at_its_speed::<f64>();
        goes_at_its_speed::<Q12>();
        gyroscope_alone::<f32>();
        gyroscope_alone::<f64>();
        gyroscope_alone::<Q12>();
    }
}
