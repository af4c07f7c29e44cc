//! Complementary filter of the direction of gravity in three dimensions.
//!
//! Keeps the unit vector u that points up, seen from the body. It turns against the body,
//! du/dt = u × ω, and is pulled toward the accelerometer, u ← u + k·w·(a/g − u), then brought
//! back to length one. No angle is used, so no attitude is special. What a full attitude filter
//! has beyond it is the heading, which gyroscope and accelerometer do not know anyway.
//!
//! The weight w = max(0, 1 − | |a|²/g² − 1 | / 0.5) falls from one at |a| = g to zero at 0.71 g
//! and 1.22 g: a push or a fall is not gravity.
//!
//! Source: R. Mahony, T. Hamel, J.-M. Pflimlin, "Nonlinear complementary filters on the special
//! orthogonal group" (2008), doi:10.1109/TAC.2008.923738, section on direct measurement of a
//! direction; here in its linear form with renormalisation.

use crate::math::{Float, Real, Scalar};
use crate::sensor::STANDARD_GRAVITY;
use crate::{ConfigError, Step, config};
use num_traits::{One, Zero};

/// What a person tunes of an [`Inclination`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InclinationConfig<P> {
    /// Time within which the accelerometer is believed, in s, 0 to 1000. Too small: pushes tilt
    /// the horizon. Too large: a gyroscope bias b leaves b times this.
    pub time_constant: P,
}

impl<P: Float> Default for InclinationConfig<P> {
    /// Two seconds.
    fn default() -> Self {
        Self {
            time_constant: P::lit(2.0),
        }
    }
}

impl<P: Float> InclinationConfig<P> {
    /// Prepares a filter that is stepped every `dt` seconds.
    ///
    /// # Errors
    ///
    /// `time_constant` not in 0 ..= 1000 s, or `dt` not in 1 µs ..= 10 s.
    pub fn build<T: Real + Scalar<Param = P>>(&self, dt: P) -> Result<Inclination<T>, ConfigError> {
        config::period(dt)?;
        let time_constant = self.check()?;
        Ok(Inclination {
            time_constant,
            dt,
            period: Period::new(time_constant, dt),
            per_g: T::gain(P::lit(1.0 / STANDARD_GRAVITY)),
            state: InclinationState::default(),
        })
    }
    fn check(&self) -> Result<P, ConfigError> {
        let longest = P::lit(1000.0);
        config::within("time_constant", self.time_constant, P::zero(), longest)
    }
}

#[derive(Clone, Copy, Debug)]
struct Period<T: Scalar> {
    dt: T::Gain,
    half: T::Gain,
    correction: T::Gain,
    /// Largest rate: one radian in a period.
    fastest: T,
}

impl<T: Scalar> Period<T> {
    fn new(time_constant: T::Param, dt: T::Param) -> Self {
        Self {
            dt: T::gain(dt),
            half: T::gain(dt * T::Param::lit(0.5)),
            correction: T::gain(dt / (time_constant + dt)),
            fastest: T::from_param(T::Param::one() / dt),
        }
    }
}

/// Whether the accelerometer took part in an estimate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum InclinationStatus {
    /// No accelerometer reading near g has been seen yet: up is only assumed to be z.
    #[default]
    Waiting,
    /// Gyroscope and accelerometer were used.
    Fused,
    /// The accelerometer was missing, unusable or far from g.
    GyroOnly,
    /// A rate or the period was unusable: the last good estimate stands.
    Held,
}

/// Which way is up, seen from the body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UpVector<T> {
    /// Unit vector of the world's up in the body frame (x forward, y left, z up).
    pub up: [T; 3],
    /// What was used.
    pub status: InclinationStatus,
}

impl<T: Real> UpVector<T> {
    /// Angle of the x axis below the horizon, in rad, in ±π/2; with [`roll`](Self::roll) a pair of
    /// aircraft angles. Cost: `atan2` and a root.
    pub fn pitch(&self) -> T {
        let [x, y, z] = self.up;
        (-x).atan2((y * y + z * z).sqrt())
    }
    /// Roll in rad, in ±π, positive with the left side up. Cost: one `atan2`.
    pub fn roll(&self) -> T {
        let [_, y, z] = self.up;
        y.atan2(z)
    }
    /// Pitch of a robot on two wheels, in rad, in ±π, positive leaning forward: the angle in the
    /// plane of x and z alone, over the whole turn. Cost: one `atan2`.
    pub fn lean(&self) -> T {
        let [x, _, z] = self.up;
        (-x).atan2(z)
    }
}

/// Complementary filter of the up vector; see the [module](self).
///
/// The first usable accelerometer reading near g is where it starts; until then up is z. Cost per
/// step: about 36 products and 36 sums, no division and no root except at the start and after a
/// turn by more than half a radian in one period. Rates beyond one radian per period are limited
/// to it. Turns are integrated to the second order.
///
/// ```
/// use balance_core::estimation::inclination::{Inclination, InclinationConfig};
/// let mut level: Inclination<f32> = InclinationConfig::default().build(0.01)?;
/// let out = level.step([0.0; 3], Some([-4.903, 0.0, 8.493]));
/// assert!((out.pitch() - 0.5236).abs() < 1e-3); // nose 30° down
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Inclination<T: Scalar> {
    time_constant: T::Param,
    dt: T::Param,
    period: Period<T>,
    per_g: T::Gain,
    state: InclinationState<T>,
}

/// What changes in an [`Inclination`] from step to step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InclinationState<T: Scalar> {
    /// Unit vector of the world's up in the body frame.
    pub up: [T::Wide; 3],
    /// Whether an accelerometer reading has been seen.
    pub known: bool,
}

impl<T: Scalar> Default for InclinationState<T> {
    /// Level.
    fn default() -> Self {
        Self {
            up: [T::zero(), T::zero(), T::one()].map(T::widen),
            known: false,
        }
    }
}

impl<T: Real> Inclination<T> {
    /// Advances by the period given at build: `rate` in rad/s, `accel` in m/s² about and along
    /// x, y, z of the body.
    #[inline]
    pub fn step(&mut self, rate: [T; 3], accel: Option<[T; 3]>) -> UpVector<T> {
        self.advance(rate, accel, self.period)
    }

    /// As [`step`](Self::step), with a measured period in s; two divisions more.
    ///
    /// A period that is not above zero and at most ten times the nominal one holds everything.
    #[inline]
    pub fn step_dt(&mut self, rate: [T; 3], accel: Option<[T; 3]>, dt: T::Param) -> UpVector<T> {
        if !(dt > T::Param::zero() && dt <= self.dt * T::Param::lit(10.0)) {
            return self.estimate(InclinationStatus::Held);
        }
        self.advance(rate, accel, Period::new(self.time_constant, dt))
    }

    fn advance(&mut self, rate: [T; 3], accel: Option<[T; 3]>, period: Period<T>) -> UpVector<T> {
        let [p, q, r] = rate;
        if !(p.is_usable() && q.is_usable() && r.is_usable()) {
            return self.estimate(InclinationStatus::Held);
        }
        self.turn(rate, &period);
        let status = match accel.and_then(|accel| self.in_g(accel)) {
            Some((accel, weight)) => {
                self.pull(accel, weight, &period);
                InclinationStatus::Fused
            }
            None if self.state.known => InclinationStatus::GyroOnly,
            None => InclinationStatus::Waiting,
        };
        self.normalise();
        self.estimate(status)
    }

    /// Midpoint rule: the turn of half a period gives the direction in which the whole one goes.
    #[inline(always)]
    fn turn(&mut self, rate: [T; 3], period: &Period<T>) {
        let fastest = period.fastest;
        let rate = rate.map(|w| w.limit(-fastest, fastest));
        let start = self.state.up;
        let middle = turned::<T>(start, cross(start.map(T::narrow), rate), period.half);
        self.state.up = turned::<T>(start, cross(middle.map(T::narrow), rate), period.dt);
    }

    /// A reading in g with its weight, if it has any.
    #[inline(always)]
    fn in_g(&self, accel: [T; 3]) -> Option<([T; 3], T)> {
        let [x, y, z] = accel;
        if !(x.is_usable() && y.is_usable() && z.is_usable()) {
            return None;
        }
        let accel = accel.map(|a| a.scale(self.per_g));
        let deviation = (square(accel) - T::one()).magnitude();
        let weight = T::one() - (deviation + deviation);
        (weight > T::zero()).then_some((accel, weight))
    }

    #[inline(always)]
    fn pull(&mut self, accel: [T; 3], weight: T, period: &Period<T>) {
        if !self.state.known {
            self.state.up = accel.map(T::widen);
            self.state.known = true;
            return;
        }
        let [ux, uy, uz] = self.state.up.map(T::narrow);
        let [ax, ay, az] = accel;
        let error = [ax - ux, ay - uy, az - uz].map(|e| e * weight);
        self.state.up = turned::<T>(self.state.up, error, period.correction);
    }

    /// Near length one by u·(3 − |u|²)/2, one step of Newton's method for 1/√; else exactly.
    #[inline(always)]
    fn normalise(&mut self) {
        let up = self.state.up.map(T::narrow);
        let excess = T::one() - square(up);
        let half = excess * T::lit(0.5);
        if excess.magnitude() < T::lit(0.05) {
            let [x, y, z] = up.map(|u| u * half);
            let [wx, wy, wz] = self.state.up;
            self.state.up = [T::add_wide(wx, x), T::add_wide(wy, y), T::add_wide(wz, z)];
        } else {
            self.normalise_exactly(up);
        }
    }

    #[cold]
    fn normalise_exactly(&mut self, up: [T; 3]) {
        let length = square(up).sqrt();
        self.state.up = if length > T::lit(0.01) {
            up.map(|u| (u / length).widen())
        } else {
            InclinationState::<T>::default().up
        };
    }

    #[inline(always)]
    fn estimate(&self, status: InclinationStatus) -> UpVector<T> {
        UpVector {
            up: self.state.up.map(T::narrow),
            status,
        }
    }

    /// Takes another time constant; the vector and the period stay.
    ///
    /// # Errors
    ///
    /// As [`build`](InclinationConfig::build); the filter is then unchanged.
    pub fn retune(&mut self, config: &InclinationConfig<T::Param>) -> Result<(), ConfigError> {
        self.time_constant = config.check()?;
        self.period = Period::new(self.time_constant, self.dt);
        Ok(())
    }
    /// Forgets the vector; the next accelerometer reading starts it.
    pub fn reset(&mut self) {
        self.state = InclinationState::default();
    }
    /// The state.
    pub fn state(&self) -> InclinationState<T> {
        self.state
    }
    /// Puts a state back. A vector that is not about as long as one counts as
    /// [`reset`](Self::reset).
    pub fn restore(&mut self, state: InclinationState<T>) {
        let length = square(state.up.map(T::narrow));
        let sound = length > T::lit(0.5) && length < T::lit(1.5);
        self.state = if sound { state } else { Default::default() };
    }
}

#[inline(always)]
fn turned<T: Scalar>(from: [T::Wide; 3], change: [T; 3], gain: T::Gain) -> [T::Wide; 3] {
    let [x, y, z] = from;
    let [dx, dy, dz] = change;
    [
        T::accumulate(x, gain, dx),
        T::accumulate(y, gain, dy),
        T::accumulate(z, gain, dz),
    ]
}

#[inline(always)]
fn cross<T: Scalar>([ax, ay, az]: [T; 3], [bx, by, bz]: [T; 3]) -> [T; 3] {
    [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx]
}

#[inline(always)]
fn square<T: Scalar>([x, y, z]: [T; 3]) -> T {
    x * x + y * y + z * z
}

impl<T: Real> Step for Inclination<T> {
    /// Rate in rad/s and acceleration in m/s².
    type Input = ([T; 3], Option<[T; 3]>);
    type Output = UpVector<T>;
    type State = InclinationState<T>;
    fn step(&mut self, (rate, accel): Self::Input) -> Self::Output {
        self.step(rate, accel)
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

    const G: f64 = STANDARD_GRAVITY;
    fn real<T: Scalar>(x: T) -> f64 {
        x.to_param().to_f64()
    }
    fn filter<T: Real>(time_constant: f64) -> Inclination<T> {
        let time_constant = T::Param::lit(time_constant);
        let config = InclinationConfig { time_constant };
        config.build(T::Param::lit(0.005)).unwrap()
    }

    /// Turning about +y leans forward, about +x lifts the left side; ten turns by the gyroscope
    /// alone come back to where they began.
    fn gyroscope_turns_the_right_way<T: Real>(bound: f64) {
        let start = [0.0, 0.0, G].map(T::lit);
        for axis in 0..2 {
            let mut level = filter::<T>(2.0);
            level.step([T::zero(); 3], Some(start));
            let speed = core::f64::consts::TAU / 0.005 / 400.0;
            let mut rate = [T::zero(); 3];
            rate[axis] = T::lit(speed);
            let mut out = level.estimate(InclinationStatus::Held);
            for k in 1..=4000 {
                out = level.step(rate, None);
                if k == 30 {
                    let expected = speed * 0.005 * 30.0;
                    let (turned, still) = match axis {
                        0 => (out.roll(), out.pitch()),
                        _ => (out.lean(), out.roll()),
                    };
                    assert!((real(turned) - expected).abs() < 1e-4, "{}", T::NAME);
                    assert!(real(still).abs() < 1e-5, "{}", T::NAME);
                }
            }
            let [x, y, z] = out.up.map(real);
            assert!(
                x.abs() < bound && y.abs() < bound,
                "{}: {x:e} {y:e}",
                T::NAME
            );
            assert!((x * x + y * y + z * z - 1.0).abs() < 1e-5, "{}", T::NAME);
        }
    }
    /// A wrong horizon comes back with the time constant from any attitude.
    fn accelerometer_pulls_with_the_time_constant<T: Real>() {
        for angle in [0.1, 3.0] {
            let mut level = filter::<T>(0.5);
            let tilted = [-G * libm::sin(angle), 0.0, G * libm::cos(angle)].map(T::lit);
            level.step([T::zero(); 3], Some(tilted));
            let upright = [0.0, 0.0, G].map(T::lit);
            let mut out = level.estimate(InclinationStatus::Held);
            for _ in 0..100 {
                out = level.step([T::zero(); 3], Some(upright));
            }
            if angle < 1.0 {
                let left = real(out.lean()) / angle;
                assert!((left - 0.37).abs() < 0.01, "{}: {left}", T::NAME);
            }
            for _ in 0..900 {
                out = level.step([T::zero(); 3], Some(upright));
            }
            // tan(θ/2) falls as e^(−t/τ): from 3.0 rad 1.3e-3 rad are left after ten τ.
            assert!(real(out.lean()).abs() < 2e-3, "{}", T::NAME);
        }
    }
    fn what_is_not_gravity_is_ignored<T: Real>() {
        let mut level = filter::<T>(0.5);
        level.step([T::zero(); 3], Some([0.0, 0.0, G].map(T::lit)));
        let before = level.state();
        for accel in [
            [9.0, 0.0, 9.8],
            [0.0; 3],
            [0.0, 0.0, -2000.0],
            [0.0, 0.0, 6.5],
        ] {
            let out = level.step([T::zero(); 3], Some(accel.map(T::lit)));
            assert_eq!(out.status, InclinationStatus::GyroOnly);
            assert_eq!(level.state(), before);
        }
    }
    macro_rules! run {
        ($($t:ident $bound:literal),*) => {$(
            gyroscope_turns_the_right_way::<$t>($bound);
            accelerometer_pulls_with_the_time_constant::<$t>();
            what_is_not_gravity_is_ignored::<$t>();
        )*};
    }
    #[test]
    fn holds_for_every_scalar() {
        // The midpoint rule leaves θ³/6 a step: 4000 steps of 2π/400 rad leave 2.6e-3 rad.
        run!(f32 3e-3, f64 3e-3, Q12 3e-3);
    }
}
