//! Attitude from a velocity that stays bounded, with constant gains: the cheap sister of
//! [`bounded_velocity`](super::bounded_velocity).
//!
//! What is not gravity in an accelerometer is acceleration. Turned into level axes, its horizontal part is
//! integrated to a velocity, which for whatever is carried about stays near zero: a push integrates back to
//! nothing by itself. What stays is a tilt θ of the horizon, which pulls the velocity away at g·θ, so the
//! velocity turns the attitude back, and what it has to turn back for ever is the bias b of the gyroscope:
//!
//! > v̇ = (R·a)_h − 2ζ/τ·v, θ̇_h = (v_y, −v_x)/(g·τ²), ḃ = −Rᵀ·θ̇_h/T_b
//!
//! R is the attitude, h the horizontal part. One loop of the second order in place of the low-pass and the
//! levelling of [`basic_vqf`](super::basic_vqf), for fewer products, and with the bias.
//!
//! **When to choose it:** inclination for the price of the cheap filters, for hands, limbs, tools, and robots that
//! turn back. The bias about the vertical is not seen: with a heading that must not drift take
//! [`vqf`](super::vqf). What keeps accelerating one way for longer than τ tilts it, as any filter
//! without another sensor.
//!
//! On ten whole trials of BROAD (`evaluate`, inclination, mean and worst): 0.76° and 1.57° in every number type, where
//! BasicVQF has 0.97° and 1.69°, VQF 0.75° and 1.72°. Tuned on nine trials and tested on the tenth, in turn
//! (`evaluate --leave-one-out`): 0.77°; the worst of 80 tunings around the default, 0.96°.
//!
//! Instructions of a step without a magnetometer: on a Cortex-M4F 296 in `f32` and 1,451 in fixed point, on a
//! Cortex-M0 15,090 and 3,468.
//!
//! Source: this project's own; an observer of constant gains, as is the filter of
//! [`mahony`](super::mahony), but of the velocity instead of the direction of gravity. The heading is that
//! of [`basic_vqf`](super::basic_vqf).

use super::heading::{HeadingState, gain_of};
use super::level_frame::{TurnGains, turned};
use super::orientation::{ImuRanges, Orientation, OrientationStatus, is_period};
use crate::math::vector::{inner, is_below, plus};
use crate::math::{Float, Quaternion, Real, Scalar};
use crate::sensor::STANDARD_GRAVITY;
use crate::{ConfigError, Step, config};

/// How far the horizon may be turned back within the time constant, in rad: a sensor that sticks at the end of its
/// range must not throw it over.
const MOST_TURN: f64 = 0.3;

/// What a person tunes of a [`SteadyVelocity`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SteadyVelocityConfig<P> {
    /// τ, in s, from four periods to 1000. Too small: pushes tilt the horizon. Too large: the bias of the
    /// gyroscope does, until it is learnt, and the error of its scale.
    pub time_constant: P,
    /// ζ, 0.2 to 2. Too small: the horizon swings after a push. Too large: velocity is forgotten, and a slow
    /// push tilts.
    pub damping: P,
    /// T_b, in s, from τ to 10⁶: how long the bias is averaged. Too small: pushes become bias, and below
    /// τ/(2ζ) the filter is unstable. Too large: a bias takes long to be learnt, and leaves b·τ·2ζ until then.
    pub bias_time_constant: P,
    /// Largest bias on an axis, in rad/s, above zero. Too small: a worse gyroscope is not corrected. Too
    /// large: what is not bias may wind up so far.
    pub max_bias: P,
    /// Time constant of the heading, in s, from the period to 1000. Too small: passing iron turns
    /// the heading. Too large: the bias of the gyroscope does.
    pub mag_time_constant: P,
    /// Where the sensors saturate.
    pub ranges: ImuRanges<P>,
}

impl<P: Float> Default for SteadyVelocityConfig<P> {
    /// 2 s, 0.5, 50 s, 2 °/s; 9 s.
    fn default() -> Self {
        Self {
            time_constant: P::lit(2.0),
            damping: P::lit(0.5),
            bias_time_constant: P::lit(50.0),
            max_bias: P::lit(0.0349),
            mag_time_constant: P::lit(9.0),
            ranges: ImuRanges::default(),
        }
    }
}

impl<P: Float> SteadyVelocityConfig<P> {
    /// Prepares a filter that is stepped every `dt` seconds.
    ///
    /// # Errors
    ///
    /// A field out of the range that its documentation states, or `dt` not in 1 µs ..= 10 s.
    pub fn build<T: Real + Scalar<Param = P>>(
        &self,
        dt: P,
    ) -> Result<SteadyVelocity<T>, ConfigError> {
        config::period(dt)?;
        let tuning = self.tuning(dt)?;
        Ok(SteadyVelocity {
            dt,
            config: *self,
            tuning,
            period: Period::new(self, self.time_constant, dt),
            state: SteadyVelocityState::default(),
        })
    }

    fn tuning<T: Real + Scalar<Param = P>>(&self, dt: P) -> Result<Tuning<T>, ConfigError> {
        let (four, most) = (dt * P::lit(4.0), P::lit(1000.0));
        let tau = config::within("time_constant", self.time_constant, four, most)?;
        config::within("damping", self.damping, P::lit(0.2), P::lit(2.0))?;
        let slow = P::lit(1e6);
        config::within("bias_time_constant", self.bias_time_constant, tau, slow)?;
        config::within("max_bias", self.max_bias, P::lit(1e-9), P::lit(100.0))?;
        config::within("mag_time_constant", self.mag_time_constant, dt, most)?;
        Ok(Tuning {
            max_bias: T::from_param(self.max_bias),
            ranges: self.ranges.check()?,
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Tuning<T: Scalar> {
    max_bias: T,
    ranges: ImuRanges<T>,
}

/// What depends on the period and on the time constant of the moment.
#[derive(Clone, Copy, Debug)]
struct Period<T: Scalar> {
    dt: T::Param,
    turn: TurnGains<T>,
    push: T::Gain,
    /// −2ζ·dt/τ.
    drag: T::Gain,
    /// 1/(g·τ²).
    pull: T::Gain,
    /// Largest velocity on an axis, in m/s.
    fastest: T,
    /// −dt/T_b.
    bias: T::Gain,
    heading: T::Param,
}

impl<T: Scalar> Period<T> {
    fn new(config: &SteadyVelocityConfig<T::Param>, tau: T::Param, dt: T::Param) -> Self {
        let p = T::Param::lit;
        Self {
            dt,
            turn: TurnGains::new(dt),
            push: T::gain(dt),
            drag: T::gain(p(-2.0) * config.damping * dt / tau),
            pull: T::gain(p(1.0 / STANDARD_GRAVITY) / (tau * tau)),
            fastest: T::from_param(p(MOST_TURN * STANDARD_GRAVITY) * tau),
            bias: T::gain(-dt / config.bias_time_constant),
            heading: gain_of(config.mag_time_constant, dt),
        }
    }
}

/// Attitude from a bounded velocity with constant gains; see the [module](self).
///
/// The first usable accelerometer reading is where it starts, with a magnetometer the heading too, and the time
/// constant grows with the time since then until it is the configured one. The horizon is turned by at most 0.3 rad
/// in a time constant, and a velocity of more than 0.3·g·τ (5.9 m/s) counts as that. An unusable or saturated rate
/// holds everything; an unusable or saturated accelerometer or magnetometer is left out, and meanwhile
/// the velocity fades. An attitude that has gravity upside down for a second is started anew. In fixed point
/// (`Q12`, `Q16`) rates beyond 45 rad/s are integrated less exactly; `Q8` cannot hold the readings of an
/// accelerometer.
///
/// ```
/// use balance_core::estimation::steady_velocity::{SteadyVelocity, SteadyVelocityConfig};
/// let mut filter: SteadyVelocity<f32> = SteadyVelocityConfig::default().build(0.005)?;
/// let out = filter.step([0.0; 3], Some([0.0, 4.903, 8.493]), None);
/// assert!((out.attitude.roll() - 0.5236).abs() < 1e-3); // left side 30° up
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SteadyVelocity<T: Scalar> {
    dt: T::Param,
    config: SteadyVelocityConfig<T::Param>,
    tuning: Tuning<T>,
    period: Period<T>,
    state: SteadyVelocityState<T>,
}

/// What changes in a [`SteadyVelocity`] from step to step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SteadyVelocityState<T: Scalar> {
    /// From the body's axes to level ones, `[w, x, y, z]`.
    pub attitude: [T::Wide; 4],
    /// Horizontal velocity in level axes, in m/s.
    pub velocity: [T::Wide; 2],
    /// Bias of the gyroscope, in rad/s.
    pub gyro_bias: [T::Wide; 3],
    /// The rate that turns the horizon back, in rad/s about the body's axes.
    pub feedback: [T; 3],
    /// Last good rate without bias, in rad/s.
    pub rate: [T; 3],
    /// Low-passed vertical specific force, in m/s².
    pub lift: T::Wide,
    /// Time since the start, in s; `None` once it is beyond the time constant.
    pub age: Option<T::Param>,
    /// Whether an accelerometer reading has been seen.
    pub level: bool,
    /// Heading.
    pub heading: HeadingState<T>,
}

impl<T: Scalar> Default for SteadyVelocityState<T> {
    /// Level, and nothing seen yet.
    fn default() -> Self {
        let zero = T::zero();
        Self {
            attitude: Quaternion::<T>::identity().to_array().map(T::widen),
            velocity: [zero.widen(); 2],
            gyro_bias: [zero.widen(); 3],
            feedback: [zero; 3],
            rate: [zero; 3],
            lift: T::lit(STANDARD_GRAVITY).widen(),
            age: Some(T::Param::default()),
            level: false,
            heading: HeadingState::default(),
        }
    }
}

impl<T: Real> SteadyVelocity<T> {
    /// Advances by the period given at build: rate in rad/s, specific force in m/s², field in any
    /// unit, each about and along x, y, z of the body.
    #[inline]
    pub fn step(
        &mut self,
        gyro: [T; 3],
        accel: Option<[T; 3]>,
        mag: Option<[T; 3]>,
    ) -> Orientation<T> {
        let Self {
            config,
            tuning,
            period,
            state,
            ..
        } = self;
        state.advance(config, tuning, period, (gyro, accel, mag))
    }

    /// As [`step`](Self::step), with a measured period in s; an exponential and a few divisions more.
    ///
    /// A period that is not above zero and at most ten times the nominal one holds everything. One of more
    /// than a quarter of the time constant counts with that as the time constant's.
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
        let Self {
            config,
            tuning,
            state,
            ..
        } = self;
        let tau = at_least(config.time_constant, dt * T::Param::lit(4.0));
        let period = Period::new(config, tau, dt);
        state.advance(config, tuning, &period, (gyro, accel, mag))
    }

    /// Bias of the gyroscope, in rad/s.
    pub fn gyro_bias(&self) -> [T; 3] {
        self.state.gyro_bias.map(T::narrow)
    }

    /// Takes another tuning; attitude, velocity, bias and period stay.
    ///
    /// # Errors
    ///
    /// As [`build`](SteadyVelocityConfig::build); the filter is then unchanged.
    pub fn retune(&mut self, config: &SteadyVelocityConfig<T::Param>) -> Result<(), ConfigError> {
        self.tuning = config.tuning(self.dt)?;
        self.period = Period::new(config, config.time_constant, self.dt);
        self.config = *config;
        Ok(())
    }
    /// Forgets everything; the next accelerometer reading starts it.
    pub fn reset(&mut self) {
        self.state = SteadyVelocityState::default();
    }
    /// The state.
    pub fn state(&self) -> SteadyVelocityState<T> {
        self.state
    }
    /// Puts a state back. One that is not an attitude counts as [`reset`](Self::reset).
    pub fn restore(&mut self, state: SteadyVelocityState<T>) {
        let [w, x, y, z] = state.attitude.map(T::narrow);
        let square = w * w + inner([x, y, z], [x, y, z]);
        let [vx, vy] = state.velocity.map(T::narrow);
        let (near, far) = (T::lit(100.0), T::lit(1e4));
        let sound = square > T::lit(0.5)
            && square < T::lit(1.5)
            && is_below([vx, vy, T::narrow(state.lift)], far)
            && is_below(state.gyro_bias.map(T::narrow), near)
            && is_below(state.feedback, far)
            && is_below(state.rate, far)
            && T::narrow(state.heading.offset).is_below(T::lit(4.0));
        self.state = if sound { state } else { Default::default() };
    }
}

fn at_least<P: Float>(value: P, least: P) -> P {
    if value > least { value } else { least }
}

type Input<T> = ([T; 3], Option<[T; 3]>, Option<[T; 3]>);

impl<T: Real> SteadyVelocityState<T> {
    #[inline(always)]
    fn advance(
        &mut self,
        config: &SteadyVelocityConfig<T::Param>,
        tuning: &Tuning<T>,
        period: &Period<T>,
        (gyro, accel, mag): Input<T>,
    ) -> Orientation<T> {
        let ranges = &tuning.ranges;
        if !ranges.usable_gyro(gyro) {
            return self.estimate(OrientationStatus::Held);
        }
        let [bx, by, bz] = self.gyro_bias.map(T::narrow);
        let [x, y, z] = gyro;
        self.rate = [x - bx, y - by, z - bz];
        let turn = plus(self.rate, self.feedback);
        self.attitude = turned::<T>(self.attitude, turn, &period.turn);
        let Some(accel) = ranges.usable_accel(accel) else {
            self.fade(period);
            return self.estimate(if self.level {
                OrientationStatus::GyroOnly
            } else {
                OrientationStatus::Waiting
            });
        };
        if self.level && T::narrow(self.lift) > T::lit(-0.3 * STANDARD_GRAVITY) {
            match self.age {
                None => self.follow(accel, tuning, period),
                Some(age) => self.follow_early(accel, age, config, tuning, period),
            }
        } else {
            self.start(accel);
        }
        match ranges.usable_mag(mag) {
            Some(mag) => {
                let [east, north, _] = self.quaternion().to_world(mag);
                let share = period.dt / config.mag_time_constant;
                self.heading.step([east, north], period.heading, share);
                self.estimate(OrientationStatus::Headed)
            }
            None => self.estimate(OrientationStatus::Inclined),
        }
    }

    /// Starts from the direction of a specific force; the bias stays.
    #[cold]
    #[inline(never)]
    fn start(&mut self, accel: [T; 3]) {
        let up = T::unit(accel).and_then(Quaternion::from_up);
        if let Some(level) = up {
            *self = Self {
                attitude: level.to_array().map(T::widen),
                gyro_bias: self.gyro_bias,
                rate: self.rate,
                level: true,
                ..Self::default()
            };
        }
    }

    /// As [`follow`](Self::follow), with a time constant as long as the filter runs.
    #[cold]
    #[inline(never)]
    fn follow_early(
        &mut self,
        accel: [T; 3],
        age: T::Param,
        config: &SteadyVelocityConfig<T::Param>,
        tuning: &Tuning<T>,
        period: &Period<T>,
    ) {
        let age = age + period.dt;
        let tau = age + period.dt * T::Param::lit(4.0);
        if tau < config.time_constant {
            self.age = Some(age);
            self.follow(accel, tuning, &Period::new(config, tau, period.dt));
        } else {
            self.age = None;
            self.follow(accel, tuning, period);
        }
    }

    /// Integrates the velocity and turns by it.
    #[inline(always)]
    fn follow(&mut self, accel: [T; 3], tuning: &Tuning<T>, period: &Period<T>) {
        let [r1, r2, r3] = self.quaternion().to_matrix();
        for (velocity, row) in self.velocity.iter_mut().zip([r1, r2]) {
            let pushed = T::accumulate(*velocity, period.push, inner(row, accel));
            let dragged = T::accumulate(pushed, period.drag, T::narrow(*velocity));
            let now = T::narrow(dragged);
            *velocity = if now.is_below(period.fastest) {
                dragged
            } else {
                now.limit(-period.fastest, period.fastest).widen()
            };
        }
        let fall = inner(r3, accel) - T::narrow(self.lift);
        self.lift = T::accumulate(self.lift, period.push, fall);
        let [vx, vy] = self.velocity.map(|v| T::narrow(v).scale(period.pull));
        let [[ax, ay, az], [bx, by, bz]] = [r1, r2];
        self.feedback = [ax * vy - bx * vx, ay * vy - by * vx, az * vy - bz * vx];
        for (bias, pull) in self.gyro_bias.iter_mut().zip(self.feedback) {
            let learnt = T::accumulate(*bias, period.bias, pull);
            // Beyond the limit the last bias within it stands.
            if T::narrow(learnt).is_below(tuning.max_bias) {
                *bias = learnt;
            }
        }
    }

    /// Without an accelerometer nothing turns the horizon back.
    #[inline(always)]
    fn fade(&mut self, period: &Period<T>) {
        self.feedback = [T::zero(); 3];
        for velocity in &mut self.velocity {
            *velocity = T::accumulate(*velocity, period.drag, T::narrow(*velocity));
        }
    }

    #[inline(always)]
    fn quaternion(&self) -> Quaternion<T> {
        Quaternion::from_array(self.attitude.map(T::narrow))
    }

    #[inline(always)]
    fn estimate(&self, status: OrientationStatus) -> Orientation<T> {
        let level = self.quaternion();
        Orientation {
            attitude: if self.heading.is_known() {
                self.heading.apply(level)
            } else {
                level
            },
            rate: self.rate,
            gyro_bias: self.gyro_bias.map(T::narrow),
            status,
        }
    }
}

impl<T: Real> Step for SteadyVelocity<T> {
    /// Rate in rad/s, specific force in m/s², field in any unit.
    type Input = ([T; 3], Option<[T; 3]>, Option<[T; 3]>);
    type Output = Orientation<T>;
    type State = SteadyVelocityState<T>;
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

    const LEVEL: [f64; 3] = [0.0, 0.0, STANDARD_GRAVITY];

    fn filter<T: Real>() -> SteadyVelocity<T> {
        SteadyVelocityConfig::default()
            .build(T::Param::lit(0.005))
            .unwrap()
    }
    fn real<T: Scalar>(x: T) -> f64 {
        x.to_param().to_f64()
    }
    fn vector<T: Scalar>(v: [f64; 3]) -> [T; 3] {
        v.map(T::lit)
    }

    /// What turns the horizon for ever becomes bias, and leaves the attitude; about the vertical nothing is
    /// learnt.
    fn bias_is_learnt<T: Real>(bound: f64) {
        let mut filter = filter::<T>();
        let bias = [0.01, -0.02, 0.01];
        let mut up = [T::zero(); 3];
        for _ in 0..80_000 {
            up = filter
                .step(vector(bias), Some(vector(LEVEL)), None)
                .attitude
                .up();
        }
        let [x, y, z] = filter.gyro_bias().map(real);
        assert!(
            (x - 0.01).abs() < bound && (y + 0.02).abs() < bound,
            "{x} {y}"
        );
        assert!(z.abs() < bound, "{z}");
        let [x, y, _] = up.map(real);
        assert!(x.hypot(y) < 4.0 * bound, "{x} {y}");
    }
    /// A push of 3 m/s² for half a second and the stop after it leave little of the 17° that the
    /// accelerometer saw, and in the end nothing.
    fn pushes_cancel<T: Real>() {
        let mut filter = filter::<T>();
        let mut pitch = 0.0;
        for k in 0..12_000 {
            let push = match k {
                2000..2100 => 3.0,
                2100..2200 => -3.0,
                _ => 0.0,
            };
            let accel = vector([push, 0.0, STANDARD_GRAVITY]);
            let out = filter.step([T::zero(); 3], Some(accel), None);
            pitch = real(out.attitude.pitch());
            assert!(pitch.abs() < 0.03, "{k}: {pitch}");
        }
        assert!(pitch.abs() < 2e-3, "{pitch}");
    }
    /// Whatever the start was: a wrong tilt comes back, and gravity upside down is started anew.
    fn wrong_starts_come_back<T: Real>(bound: f64) {
        for start in [
            [3.0, 4.0, 8.0],
            [9.0, 0.0, 1.0],
            [1.0, 0.0, -9.0],
            [0.0, 0.0, -9.8],
        ] {
            let mut filter = filter::<T>();
            filter.step([T::zero(); 3], Some(vector(start)), None);
            for _ in 0..60_000 {
                filter.step([T::zero(); 3], Some(vector(LEVEL)), None);
            }
            let [x, y, z] = filter.state.quaternion().up().map(real);
            assert!(z > 0.0 && x.hypot(y) < bound, "{start:?}: {x} {y} {z}");
        }
    }
    #[test]
    fn holds_in_every_scalar() {
        bias_is_learnt::<f64>(3e-5);
        bias_is_learnt::<f32>(3e-5);
        bias_is_learnt::<Q12>(3e-4);
        pushes_cancel::<f64>();
        pushes_cancel::<f32>();
        pushes_cancel::<Q12>();
        wrong_starts_come_back::<f64>(1e-3);
        wrong_starts_come_back::<f32>(1e-3);
        wrong_starts_come_back::<Q12>(2e-3);
    }

    /// Ten seconds without an accelerometer are ten of the gyroscope's, and no old push turns the horizon.
    #[test]
    fn a_gap_is_the_gyroscopes() {
        let mut filter = filter::<f64>();
        for k in 0..2000 {
            let push = if k > 1900 { 5.0 } else { 0.0 };
            filter.step([0.0; 3], Some([push, 0.0, STANDARD_GRAVITY]), None);
        }
        let before = filter.state.quaternion();
        for _ in 0..2000 {
            filter.step([0.0; 3], None, None);
        }
        let bias = filter.gyro_bias().map(|b| b * 10.0);
        assert!(filter.state.quaternion().angle_to(before) < 0.03 + inner(bias, bias).sqrt());
        assert!(filter.state.velocity.iter().all(|v| v.abs() < 0.05));
    }

    #[test]
    fn bad_configurations_are_named() {
        let named = |change: fn(&mut SteadyVelocityConfig<f32>)| {
            let mut config = SteadyVelocityConfig::default();
            change(&mut config);
            config.build::<f32>(0.01).err()
        };
        assert_eq!(
            named(|c| c.time_constant = 0.02),
            Some(ConfigError::OutOfRange("time_constant"))
        );
        assert_eq!(
            named(|c| c.bias_time_constant = 1.0),
            Some(ConfigError::OutOfRange("bias_time_constant"))
        );
        assert_eq!(
            named(|c| c.damping = f32::NAN),
            Some(ConfigError::NonFinite("damping"))
        );
    }
}
