//! Tilt of a robot on wheels, for which its own acceleration is no disturbance.
//!
//! An accelerometer says where down is only as long as nothing else accelerates it, and a
//! balancing robot does nothing but accelerate. Its wheels, however, know how it moves. So the
//! accelerometer is not compared with gravity: freed of gravity by the estimated tilt, it is
//! integrated to the way of the sensor, and that is compared with what the encoders counted. A tilt
//! that is wrong by δ lets the way run off by g δ t²/2. Nothing is differentiated; no vibration and
//! no step of an encoder gets through two integrations.
//!
//! ```text
//! tilt θ, bias b, speed w of the sensor, way d of the sensor ahead of the counted one:
//!   θ' = ω − b                        ω: gyroscope about +y, positive leaning forward
//!   w' = a_x cos θ + a_z sin θ        a_x forward, a_z up, as an accelerometer reads them
//!   d' = w − counts' · metres per count
//!   y  = ℓ θ − d                      ℓ: height of the sensor above the ground
//!   and each state grows by its gain · y · dt
//! ```
//!
//! Rolling by θ moves the sensor by ℓθ, which the encoders between wheel and body do not count. The
//! tangential and centripetal acceleration of a sensor above the axle is part of its way and needs
//! no term of its own. With the poles of the error three times at −1/τ and once at −1/τ_b, that is
//! `s⁴ + c₃s³ + c₂s² + c₁s + c₀`, the gains are
//!
//! ```text
//! k_θ = c₁/g,  k_b = −c₀/g,  k_w = c₂ − ℓ k_b,  k_d = c₃ + ℓ k_θ
//! ```
//!
//! (derived here: the way around the loop, from gains to y, is
//! −g k_b/s⁴ + g k_θ/s³ + (k_w + ℓ k_b)/s² + (k_d − ℓ k_θ)/s). In the simulator of this project the
//! error of the tilt is 0.04° RMS over standing, pushes, driving, turning, slopes and vibration, where
//! the best general filter has 0.1 to 0.4° (`cargo run --release -- tilt`).

use super::tilt::{TiltEstimate, TiltStatus};
use crate::math::{Float, Real, Scalar};
use crate::sensor::STANDARD_GRAVITY;
use crate::{ConfigError, Step, config};
use num_traits::{One, Zero};

#[cfg(test)]
mod tests;

/// What a person tunes of a [`RobotTilt`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RobotTiltConfig<P> {
    /// Height of the inertial sensor above the ground, wheel radius included, in m, 0 to 2. Off by
    /// δ, a swing of the body looks like a way of δ·θ: a tenth of it is no matter.
    pub sensor_height: P,
    /// Way of the robot per count of the sum of both encoders, in m, 1e-7 to 1: half of what a count
    /// of one wheel is worth. [`RobotConfig`](crate::robot::RobotConfig) computes its own from the
    /// chassis. Wrong by a share, accelerations disturb the tilt by that share.
    pub metres_per_count: P,
    /// τ: how fast the encoders correct the tilt, in s, 0.05 to 10 and at least 20 periods. Too
    /// small: play in the gears and slipping wheels move the angle. Too large: a bias of the
    /// gyroscope tilts the angle by up to 3 τ times itself until it is learned.
    pub time_constant: P,
    /// τ_b: how fast the bias is learned, in s, `time_constant` to 1000. Too small: slipping
    /// wheels teach a wrong bias. Too large: a warming gyroscope is followed late.
    pub bias_time_constant: P,
    /// Way by which accelerometer and encoders may differ, in m, 1e-4 to 1; what is beyond is
    /// slipping. Too small: a wrong tilt heals late, and a bias above `slip_limit · k_θ` (3°/s as by
    /// default) is learned late. Too large: wheels in the air move the angle, by as much a second.
    pub slip_limit: P,
}

impl<P: Float> Default for RobotTiltConfig<P> {
    /// A small robot whose sensor sits 0.1 m above the ground, with 1000 counts a turn on wheels of
    /// 80 mm.
    fn default() -> Self {
        Self {
            sensor_height: P::lit(0.1),
            metres_per_count: P::lit(1.26e-4),
            time_constant: P::lit(0.25),
            bias_time_constant: P::lit(2.5),
            slip_limit: P::lit(0.006),
        }
    }
}

/// Steps of doubt for each missing reading of the accelerometer.
const DOUBT: u8 = 8;

/// Share of τ in which the speed follows the wheels while there is no acceleration.
const CHASE: f64 = 0.05;

/// Tilts up to here, in rad, take two terms of the sine; others the functions.
const SMALL: f64 = 0.35;

impl<P: Float> RobotTiltConfig<P> {
    /// Prepares the estimator, stepped every `dt` seconds.
    ///
    /// # Errors
    ///
    /// A field outside its range, or `dt` not in 1 µs ..= 10 s.
    pub fn build<T: Real<Param = P>>(&self, dt: P) -> Result<RobotTilt<T>, ConfigError> {
        config::period(dt)?;
        Ok(RobotTilt {
            dt,
            dt_gain: T::short(dt),
            tuning: Tuning::new(self, dt)?,
            state: RobotTiltState::default(),
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Tuning<T: Scalar> {
    height: T::Short,
    way: T::Short,
    angle: T::Short,
    bias: T::Short,
    speed: T::Short,
    ahead: T::Short,
    slip: T,
    /// The same, or what is cheap.
    little: T,
    far: T,
    /// Gains of speed and way while there is no acceleration.
    chase: [T::Short; 2],
}

impl<T: Scalar> Tuning<T> {
    fn new(config: &RobotTiltConfig<T::Param>, dt: T::Param) -> Result<Self, ConfigError> {
        let p = T::Param::lit;
        let height = config::within("sensor_height", config.sensor_height, p(0.0), p(2.0))?;
        let way = config::within("metres_per_count", config.metres_per_count, p(1e-7), p(1.0))?;
        let time = config::within("time_constant", config.time_constant, p(0.05), p(10.0))?;
        if time < p(20.0) * dt {
            return Err(ConfigError::OutOfRange("time_constant"));
        }
        let slow = config::within(
            "bias_time_constant",
            config.bias_time_constant,
            time,
            p(1000.0),
        )?;
        let slip = config::within("slip_limit", config.slip_limit, p(1e-4), p(1.0))?;
        let gravity = p(STANDARD_GRAVITY);
        let (a, b) = (T::Param::one() / time, T::Param::one() / slow);
        let (c3, c2) = (p(3.0) * a + b, p(3.0) * a * (a + b));
        let (c1, c0) = (a * a * (a + p(3.0) * b), a * a * a * b);
        let (angle, bias) = (c1 / gravity, -c0 / gravity);
        // Faster than in 2½ periods a tracker of way and speed rings.
        let chase = (time * p(CHASE)).limit(p(2.5) * dt, time);
        Ok(Self {
            height: T::short(height),
            way: T::short(-way),
            angle: T::short(angle * dt),
            bias: T::short(bias * dt),
            speed: T::short((c2 - height * bias) * dt),
            ahead: T::short((c3 + height * angle) * dt),
            slip: T::from_param(slip),
            little: T::from_param(slip).limit(T::zero(), T::LITTLE),
            far: T::from_param(slip * p(20.0)),
            chase: [
                T::short(dt / (chase * chase)),
                T::short(p(2.0) * dt / chase),
            ],
        })
    }
}

/// What a [`RobotTilt`] is told in a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RobotTiltInput<T> {
    /// Gyroscope about +y, in rad/s; positive leaning forward.
    pub rate: T,
    /// Accelerometer forward and up, in m/s²; `None` if there is no reading.
    pub accel: Option<[T; 2]>,
    /// Counts of both wheels together since the last step, positive forward.
    pub counts: i32,
}

/// Tilt and gyroscope bias of a robot on wheels; see the [module](self).
///
/// It starts at the first accelerometer reading, so let the robot stand still then. Cost per step:
/// 12 products, 14 sums.
///
/// ```
/// use balance_core::estimation::robot_tilt::{RobotTilt, RobotTiltConfig, RobotTiltInput};
/// let mut tilt: RobotTilt<f32> = RobotTiltConfig::default().build(0.001)?;
/// let at_rest = RobotTiltInput { rate: 0.01, accel: Some([-0.98, 9.76]), counts: 0 };
/// for _ in 0..30_000 {
///     tilt.step(&at_rest); // leaning forward by 0.1 rad; 0.01 rad/s is bias
/// }
/// let out = tilt.step(&at_rest);
/// assert!((out.angle - 0.1).abs() < 1e-3 && (out.bias - 0.01).abs() < 1e-4);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RobotTilt<T: Scalar> {
    dt: T::Param,
    dt_gain: T::Short,
    tuning: Tuning<T>,
    state: RobotTiltState<T>,
}

/// What changes in a [`RobotTilt`] from step to step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RobotTiltState<T: Scalar> {
    /// Angle, in rad.
    pub angle: T::Fine,
    /// Bias of the gyroscope, in rad/s.
    pub bias: T::Fine,
    /// Speed of the sensor, in m/s.
    pub speed: T::Fine,
    /// Way of the sensor ahead of the counted one, in m.
    pub ahead: T::Fine,
    /// Last good rate without bias, in rad/s.
    pub rate: T,
    /// Steps for which an error is taken for neither slipping nor bias: eight for each missing reading.
    pub doubt: u8,
    /// Whether an accelerometer reading has been seen.
    pub known: bool,
}

impl<T: Real> RobotTilt<T> {
    /// Advances by the period given at build.
    ///
    /// An unusable rate holds everything. Without a usable acceleration the gyroscope goes on alone.
    #[inline]
    pub fn step(&mut self, input: &RobotTiltInput<T>) -> TiltEstimate<T> {
        self.advance(input, self.dt_gain)
    }

    /// As [`step`](Self::step), with a measured period in s; the gains stay those of the nominal
    /// one.
    ///
    /// A period that is not above zero and at most ten times the nominal one holds everything.
    #[inline]
    pub fn step_dt(&mut self, input: &RobotTiltInput<T>, dt: T::Param) -> TiltEstimate<T> {
        if !(dt > T::Param::zero() && dt <= self.dt * T::Param::lit(10.0)) {
            return self.estimate(TiltStatus::Held);
        }
        self.advance(input, T::short(dt))
    }

    #[inline(always)]
    fn advance(&mut self, input: &RobotTiltInput<T>, dt: T::Short) -> TiltEstimate<T> {
        if !input.rate.is_usable() {
            return self.estimate(TiltStatus::Held);
        }
        self.turn(input.rate, dt);
        let accel = input.accel.filter(|[x, z]| x.is_usable() & z.is_usable());
        let Some([forward, up]) = accel else {
            let status = self.bridge(input.counts, dt);
            return self.estimate(status);
        };
        if self.state.known {
            let state = &mut self.state;
            let along = level(T::coarse(state.angle), forward, up);
            state.speed = T::grow(state.speed, dt, along);
            self.correct(input.counts, dt);
        } else {
            self.start(forward, up);
        }
        self.estimate(TiltStatus::Fused)
    }

    /// As [`step`](Self::step) of readings in counts, each worth `unit` m/s² and `speed_unit` m/s in a
    /// period. Gives angle and rate.
    #[inline(always)]
    pub(crate) fn step_counts(
        &mut self,
        rate: T,
        accel: Option<[i16; 2]>,
        [unit, speed_unit]: [T::Short; 2],
        counts: i32,
    ) -> (T, T) {
        let dt = self.dt_gain;
        self.turn(rate, dt);
        let (Some(readings), true) = (accel, self.state.known) else {
            self.begin_counts(accel, unit, counts);
            return (T::coarse(self.state.angle), self.state.rate);
        };
        let state = &mut self.state;
        let angle = T::coarse(state.angle);
        state.speed = if angle.is_below(T::lit(SMALL)) {
            T::grow_level(state.speed, speed_unit, angle, readings)
        } else {
            let [forward, up] = readings.map(|reading| T::from_reading(reading, unit));
            T::grow(state.speed, dt, steep(angle, forward, up))
        };
        self.correct(counts, dt);
        (T::coarse(self.state.angle), self.state.rate)
    }

    #[cold]
    #[inline(never)]
    fn begin_counts(&mut self, accel: Option<[i16; 2]>, unit: T::Short, counts: i32) {
        match accel.map(|readings| readings.map(|reading| T::from_reading(reading, unit))) {
            Some([forward, up]) => self.start(forward, up),
            None => {
                self.bridge(counts, self.dt_gain);
            }
        }
    }

    #[inline(always)]
    fn turn(&mut self, rate: T, dt: T::Short) {
        let state = &mut self.state;
        state.rate = rate - T::coarse(state.bias);
        state.angle = T::grow(state.angle, dt, state.rate);
    }

    /// A period's way, and what it says of the tilt.
    #[inline(always)]
    fn correct(&mut self, counts: i32, dt: T::Short) {
        let error = self.roll(counts, dt);
        let (tuning, state) = (&self.tuning, &mut self.state);
        // What a gap in the readings has left behind is neither slipping nor bias.
        let sure = state.doubt == 0;
        if !sure || !error.is_below(tuning.little) {
            return self.correct_within(error);
        }
        state.angle = T::grow_little(state.angle, tuning.angle, error);
        state.bias = T::grow_little(state.bias, tuning.bias, error);
        state.speed = T::grow_little(state.speed, tuning.speed, error);
        state.ahead = T::grow_little(state.ahead, tuning.ahead, error);
    }

    /// An error too large, or after a gap.
    #[inline(never)]
    fn correct_within(&mut self, error: T) {
        let (tuning, state) = (&self.tuning, &mut self.state);
        let sure = state.doubt == 0;
        let bound = if sure { tuning.slip } else { tuning.far };
        state.doubt = state.doubt.saturating_sub(1);
        let bounded = error.limit_to(bound);
        state.ahead = T::add_fine(state.ahead, error - bounded);
        state.angle = T::grow(state.angle, tuning.angle, bounded);
        if sure {
            state.bias = T::grow(state.bias, tuning.bias, bounded);
        }
        state.speed = T::grow(state.speed, tuning.speed, bounded);
        state.ahead = T::grow(state.ahead, tuning.ahead, bounded);
    }

    /// The way of a period; gives how far the lead due to the tilt is ahead of the estimated one.
    #[inline(always)]
    fn roll(&mut self, counts: i32, dt: T::Short) -> T {
        let (tuning, state) = (&self.tuning, &mut self.state);
        state.ahead = T::grow(state.ahead, dt, T::coarse(state.speed));
        if counts != 0 {
            state.ahead = T::grow_counts(state.ahead, tuning.way, counts);
        }
        T::coarse(state.angle).scale_short(tuning.height) - T::coarse(state.ahead)
    }

    /// A period without acceleration: the speed follows the wheels, so that it is right when the
    /// accelerometer comes back.
    #[cold]
    #[inline(never)]
    fn bridge(&mut self, counts: i32, dt: T::Short) -> TiltStatus {
        if !self.state.known {
            return TiltStatus::Waiting;
        }
        let error = self.roll(counts, dt);
        let (tuning, state) = (&self.tuning, &mut self.state);
        state.speed = T::grow(state.speed, tuning.chase[0], error);
        state.ahead = T::grow(state.ahead, tuning.chase[1], error);
        state.doubt = state.doubt.saturating_add(DOUBT);
        TiltStatus::GyroOnly
    }

    #[cold]
    fn start(&mut self, forward: T, up: T) {
        let angle = (-forward).atan2(up);
        let state = &mut self.state;
        state.angle = angle.fine();
        state.speed = T::zero().fine();
        state.ahead = angle.scale_short(self.tuning.height).fine();
        state.known = true;
    }

    #[inline(always)]
    fn estimate(&self, status: TiltStatus) -> TiltEstimate<T> {
        TiltEstimate {
            angle: T::coarse(self.state.angle),
            rate: self.state.rate,
            bias: T::coarse(self.state.bias),
            status,
        }
    }

    /// Takes another configuration; estimates and the period stay.
    ///
    /// # Errors
    ///
    /// As [`build`](RobotTiltConfig::build); the estimator is then unchanged.
    pub fn retune(&mut self, config: &RobotTiltConfig<T::Param>) -> Result<(), ConfigError> {
        let before = T::coarse(self.state.angle).scale_short(self.tuning.height);
        self.tuning = Tuning::new(config, self.dt)?;
        let after = T::coarse(self.state.angle).scale_short(self.tuning.height);
        self.state.ahead = T::add_fine(self.state.ahead, after - before);
        Ok(())
    }
    /// Forgets angle and bias; the next acceleration starts it.
    pub fn reset(&mut self) {
        self.state = RobotTiltState::default();
    }
    /// The state.
    pub fn state(&self) -> RobotTiltState<T> {
        self.state
    }
    /// Puts a state back; an unusable one counts as [`reset`](Self::reset).
    pub fn restore(&mut self, state: RobotTiltState<T>) {
        let wide = [state.angle, state.bias, state.speed, state.ahead];
        let usable = wide.iter().all(|x| T::coarse(*x).is_usable()) && state.rate.is_usable();
        self.state = if usable { state } else { Default::default() };
    }
}

/// Acceleration along the ground: `forward cos θ + up sin θ`.
///
/// For small angles, what the cosine takes off, `forward θ²/2`, is nearly `−up θ³/2`, so that
/// together with the sine's third power `up θ³/3` is left to add; wrong by θ²/2 of the acceleration,
/// which vanishes where gravity is all there is.
#[inline(always)]
fn level<T: Real>(angle: T, forward: T, up: T) -> T {
    if angle.is_below(T::lit(SMALL)) {
        forward + angle.small_tangent().rough_product(up)
    } else {
        steep(angle, forward, up)
    }
}

#[cold]
#[inline(never)]
fn steep<T: Real>(angle: T, forward: T, up: T) -> T {
    let (sin, cos) = angle.sin_cos();
    forward * cos + up * sin
}

impl<T: Real> Step for RobotTilt<T> {
    type Input = RobotTiltInput<T>;
    type Output = TiltEstimate<T>;
    type State = RobotTiltState<T>;
    fn step(&mut self, input: Self::Input) -> Self::Output {
        self.step(&input)
    }
    fn state(&self) -> Self::State {
        self.state()
    }
    fn restore(&mut self, state: Self::State) {
        self.restore(state);
    }
}
