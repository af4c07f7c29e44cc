//! Attitude from one premise: a body that is carried about does not get far away. This project's own method.
//!
//! What is not gravity in an accelerometer is acceleration, and acceleration integrates to velocity. No single
//! reading says which is which, so none is believed or rejected here: the attitude turns every reading into
//! level axes, its horizontal part is integrated to a velocity, and the one measurement is that this velocity
//! is zero, give or take what bodies do. A push integrates back to nothing by itself; what stays is a tilt θ of
//! the horizon, which pulls the velocity away at g·θ. An error-state Kalman filter splits what is left among
//!
//! > θ̇_h = −(R·δb)_h + (R·diag(ω)·δs)_h + tilt walk, δv̇ = g·(θ_y, −θ_x), measured: v = 0 ± σ_v/√dt
//!
//! the tilt θ_h (2), the bias b of the gyroscope (3), **the error s of its scale** (3) and the horizontal
//! velocity v (2), R being the attitude and ω = (1 + s)·(gyro − b). A gyroscope whose scale is off by 0.3 % loses
//! a degree in a turn; that part of the error has the shape of the motion itself and no gain between gyroscope
//! and accelerometer removes it, but after a few turns the filter knows it. At rest the gyroscope reads its
//! bias.
//!
//! Attitude and velocity advance with every sample. The covariance moves slowly, so its transition is summed up
//! over [`update_period`](BoundedVelocityConfig::update_period) and applied at once: from 3.5 ms to 56 ms the
//! errors on recordings stay the same to a thousandth of a degree. Measurements enter one by one; no matrix is
//! inverted.
//!
//! **When to choose it:** the most accurate inclination here, for hands, limbs, tools, robots and drones that
//! hover or turn back. It is not for what keeps accelerating one way for longer than its time constant
//! √(σ_v/(g·σ_θ)) = 2.8 s: there it tilts like every filter without another sensor.
//!
//! Figures on the recordings of `evaluate` (inclination on ten whole trials of BROAD, mean and worst, one tuning for
//! all): 0.65° and 1.18°, where VQF has 0.75° and 1.72°. Tuned on nine trials and tested on the tenth, in turn
//! (`evaluate --leave-one-out`), 0.64°. Halving or doubling one of `velocity_spread`, `tilt_walk` and
//! `scale_spread` moves the mean to 0.69° at most, all three at their worst to 0.87°. This IMU also reports about 2.5 ms later than the cameras it is compared with
//! (a number found on these same trials), which every filter pays for in fast turns; with
//! [`Orientation::ahead`] of that it is 0.46° and 0.80°, and VQF 0.55° and 1.21°.
//!
//! Instructions of a step without a magnetometer: 430 on a Cortex-M4F and 24,853 on a Cortex-M0; those that update the
//! covariance at most 3,535 and 164,508.
//!
//! For `f32` and `f64` only: the ten variances differ by up to twelve powers of ten and the update runs once in several
//! samples, so integers would need an exponent for each state and save little. In fixed point take
//! [`steady_velocity`](super::steady_velocity) or [`vqf`](super::vqf).
//!
//! The heading is that of [`vqf`](super::vqf).

mod config;
mod covariance;
#[cfg(test)]
mod tests;

pub use self::config::BoundedVelocityConfig;
pub use self::covariance::TiltCovariance;

use self::covariance::{Noise, Steps};
use super::heading::{HeadingState, gain_of};
use super::level_frame::{TurnGains, turned};
use super::orientation::{ImuRanges, Orientation, OrientationStatus, is_period};
use super::vector_lowpass::LowpassGains;
use super::vqf::{FieldState, FieldTuning, RestState, RestTuning};
use crate::math::vector::{inner, is_below};
use crate::math::{Float, Quaternion};
use crate::sensor::STANDARD_GRAVITY;
use crate::{ConfigError, Step, config as checks};

impl<P: Float> BoundedVelocityConfig<P> {
    /// Prepares a filter that is stepped every `dt` seconds.
    ///
    /// # Errors
    ///
    /// A field out of the range that its documentation states, or `dt` not in 1 µs ..= 10 s.
    pub fn build(&self, dt: P) -> Result<BoundedVelocity<P>, ConfigError> {
        checks::period(dt)?;
        let ranges = self.check(dt)?;
        Ok(BoundedVelocity {
            dt,
            config: *self,
            ranges,
            noise: Noise::new(self),
            period: Period::new(self, dt),
            state: BoundedVelocityState::default(),
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Period<P: Float> {
    dt: P,
    turn: TurnGains<P>,
    still: LowpassGains<P>,
    rest: RestTuning<P>,
    heading: P,
    field: Option<FieldTuning<P>>,
    /// When the covariance is due.
    update: P,
}

impl<P: Float> Period<P> {
    fn new(config: &BoundedVelocityConfig<P>, dt: P) -> Self {
        Self {
            dt,
            turn: TurnGains::new(dt),
            still: LowpassGains::new(config.rest.time_constant, dt),
            rest: RestTuning::new(&config.rest, config.max_bias),
            heading: gain_of(config.mag_time_constant, dt),
            field: config.disturbance.map(|field| FieldTuning::new(field, dt)),
            update: config.update_period - dt * P::lit(0.5),
        }
    }
}

/// The filter of bounded velocity, for `f32` and `f64`; see the [module](self).
///
/// The first usable accelerometer reading is where it starts, with a magnetometer the heading too. An unusable or
/// saturated rate holds everything; an unusable or saturated accelerometer or magnetometer is left out, and after
/// a gap the velocity is unknown. An attitude that has gravity upside down for a second is started anew.
///
/// ```
/// use balance_core::estimation::bounded_velocity::{BoundedVelocity, BoundedVelocityConfig};
/// let mut filter: BoundedVelocity<f32> = BoundedVelocityConfig::default().build(0.005)?;
/// let out = filter.step([0.0; 3], Some([0.0, 4.903, 8.493]), None);
/// assert!((out.attitude.roll() - 0.5236).abs() < 1e-3); // left side 30° up
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct BoundedVelocity<P: Float> {
    dt: P,
    config: BoundedVelocityConfig<P>,
    ranges: ImuRanges<P>,
    noise: Noise<P>,
    period: Period<P>,
    state: BoundedVelocityState<P>,
}

/// What changes in a [`BoundedVelocity`] from step to step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundedVelocityState<P: Float> {
    /// From the body's axes to level ones.
    pub attitude: Quaternion<P>,
    /// Horizontal velocity in level axes, in m/s.
    pub velocity: [P; 2],
    /// Bias of the gyroscope, in rad/s.
    pub gyro_bias: [P; 3],
    /// Error of the gyroscope's scale, as a part of one.
    pub gyro_scale: [P; 3],
    /// Last good rate without errors, in rad/s.
    pub rate: [P; 3],
    /// Low-passed vertical specific force, in m/s².
    lift: P,
    covariance: Option<TiltCovariance<P>>,
    steps: Steps<P>,
    /// Whether the velocity has been followed without a gap.
    followed: bool,
    /// Detection of rest.
    pub rest: RestState<P>,
    /// Heading.
    pub heading: HeadingState<P>,
    /// Judgement of the magnetic field.
    pub field: FieldState<P>,
}

impl<P: Float> Default for BoundedVelocityState<P> {
    fn default() -> Self {
        let zero = P::zero();
        Self {
            attitude: Quaternion::identity(),
            velocity: [zero; 2],
            gyro_bias: [zero; 3],
            gyro_scale: [zero; 3],
            rate: [zero; 3],
            lift: P::lit(STANDARD_GRAVITY),
            covariance: None,
            steps: Steps::default(),
            followed: false,
            rest: RestState::default(),
            heading: HeadingState::default(),
            field: FieldState::default(),
        }
    }
}

impl<P: Float> BoundedVelocity<P> {
    /// Advances by the period given at build: rate in rad/s, specific force in m/s², field in any
    /// unit, each about and along x, y, z of the body.
    #[inline]
    pub fn step(
        &mut self,
        gyro: [P; 3],
        accel: Option<[P; 3]>,
        mag: Option<[P; 3]>,
    ) -> Orientation<P> {
        let Self {
            config,
            ranges,
            noise,
            period,
            state,
            ..
        } = self;
        state.advance(config, ranges, noise, period, gyro, accel, mag)
    }

    /// As [`step`](Self::step), with a measured period in s; two tangents, two exponentials and a few divisions
    /// more.
    ///
    /// A period that is not above zero and at most ten times the nominal one holds everything.
    pub fn step_dt(
        &mut self,
        gyro: [P; 3],
        accel: Option<[P; 3]>,
        mag: Option<[P; 3]>,
        dt: P,
    ) -> Orientation<P> {
        if !is_period(dt, self.dt) {
            return self.state.estimate(OrientationStatus::Held);
        }
        let Self {
            config,
            ranges,
            noise,
            state,
            ..
        } = self;
        let period = Period::new(config, dt);
        state.advance(config, ranges, noise, &period, gyro, accel, mag)
    }

    /// Error of the gyroscope's scale, as a part of one, for each axis: 0.01 if it reads one per cent too little.
    pub fn gyro_scale(&self) -> [P; 3] {
        self.state.gyro_scale
    }
    /// Standard deviation of the tilt, in rad; `None` before the first accelerometer reading.
    pub fn tilt_sigma(&self) -> Option<P> {
        self.state.covariance.map(|c| c.tilt_variance().sqrt())
    }
    /// Whether the body is taken to be at rest.
    pub fn is_at_rest(&self) -> bool {
        self.state.rest.is_rest(&self.period.rest)
    }

    /// Takes another tuning; attitude, errors of the gyroscope, covariance and period stay.
    ///
    /// # Errors
    ///
    /// As [`build`](BoundedVelocityConfig::build); the filter is then unchanged.
    pub fn retune(&mut self, config: &BoundedVelocityConfig<P>) -> Result<(), ConfigError> {
        self.ranges = config.check(self.dt)?;
        self.noise = Noise::new(config);
        self.period = Period::new(config, self.dt);
        self.config = *config;
        Ok(())
    }
    /// Forgets everything; the next accelerometer reading starts it.
    pub fn reset(&mut self) {
        self.state = BoundedVelocityState::default();
    }
    /// The state.
    pub fn state(&self) -> BoundedVelocityState<P> {
        self.state
    }
    /// Puts a state back. One that is not an attitude counts as [`reset`](Self::reset).
    pub fn restore(&mut self, state: BoundedVelocityState<P>) {
        let Quaternion { w, x, y, z } = state.attitude;
        let square = w * w + inner([x, y, z], [x, y, z]);
        let [vx, vy] = state.velocity;
        let far = P::lit(1e6);
        let sound = square > P::lit(0.5)
            && square < P::lit(1.5)
            && is_below([vx, vy, state.lift], far)
            && is_below(state.gyro_bias, far)
            && is_below(state.gyro_scale, P::one())
            && state.heading.offset.is_below(P::lit(4.0))
            && state.covariance.is_none_or(|c| c.is_sound());
        self.state = if sound { state } else { Default::default() };
    }
}

impl<P: Float> BoundedVelocityState<P> {
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    fn advance(
        &mut self,
        config: &BoundedVelocityConfig<P>,
        ranges: &ImuRanges<P>,
        noise: &Noise<P>,
        period: &Period<P>,
        gyro: [P; 3],
        accel: Option<[P; 3]>,
        mag: Option<[P; 3]>,
    ) -> Orientation<P> {
        if !ranges.usable_gyro(gyro) {
            return self.estimate(OrientationStatus::Held);
        }
        self.rest.see_gyro(gyro, &period.rest, &period.still);
        let unbiased = self.turn(gyro, period);
        let Some(accel) = ranges.usable_accel(accel) else {
            self.followed = false;
            return self.estimate(match self.covariance {
                Some(_) => OrientationStatus::GyroOnly,
                None => OrientationStatus::Waiting,
            });
        };
        self.rest
            .see_accel(accel, &period.rest, &period.still, period.dt);
        match self.covariance {
            Some(_) if self.lift > P::lit(-0.3 * STANDARD_GRAVITY) => {
                self.follow(accel, unbiased, period);
                if self.steps.time >= period.update {
                    self.update(config, noise, &period.rest);
                }
            }
            _ => self.start(accel, noise),
        }
        match ranges.usable_mag(mag) {
            Some(mag) => {
                self.head(mag, config, period);
                self.estimate(OrientationStatus::Headed)
            }
            None => self.estimate(OrientationStatus::Inclined),
        }
    }

    /// Turns by the rate, which it gives back without its bias.
    #[inline(always)]
    fn turn(&mut self, gyro: [P; 3], period: &Period<P>) -> [P; 3] {
        let [bx, by, bz] = self.gyro_bias;
        let [sx, sy, sz] = self.gyro_scale;
        let [x, y, z] = gyro;
        let (x, y, z) = (x - bx, y - by, z - bz);
        self.rate = [x + sx * x, y + sy * y, z + sz * z];
        let turned = turned::<P>(self.attitude.to_array(), self.rate, &period.turn);
        self.attitude = Quaternion::from_array(turned);
        [x, y, z]
    }

    /// Starts from the direction of a specific force; what is known of the gyroscope stays.
    #[cold]
    #[inline(never)]
    fn start(&mut self, accel: [P; 3], noise: &Noise<P>) {
        if let Some(level) = Quaternion::from_up(accel) {
            self.attitude = level;
            self.velocity = [P::zero(); 2];
            self.lift = P::lit(STANDARD_GRAVITY);
            self.covariance = Some(TiltCovariance::new(noise));
            self.steps = Steps::default();
            self.followed = true;
            self.heading = HeadingState::default();
        }
    }

    /// Integrates the velocity and what of the gyroscope's errors becomes tilt.
    #[inline(always)]
    fn follow(&mut self, accel: [P; 3], unbiased: [P; 3], period: &Period<P>) {
        if !self.followed {
            self.followed = true;
            self.velocity = [P::zero(); 2];
            if let Some(covariance) = &mut self.covariance {
                covariance.forget_velocity();
            }
        }
        let [r1, r2, r3] = self.attitude.to_matrix();
        let [vx, vy] = self.velocity;
        self.velocity = [
            vx + inner(r1, accel) * period.dt,
            vy + inner(r2, accel) * period.dt,
        ];
        self.lift += period.dt * (inner(r3, accel) - self.lift);
        self.steps.add(r1, r2, unbiased, period.dt);
    }

    /// Moves the covariance on and takes in that the velocity is zero, and at rest the bias.
    fn update(
        &mut self,
        config: &BoundedVelocityConfig<P>,
        noise: &Noise<P>,
        rest: &RestTuning<P>,
    ) {
        let steps = core::mem::take(&mut self.steps);
        let Some(covariance) = &mut self.covariance else {
            return;
        };
        covariance.predict(&steps, noise);
        let mut change = [P::zero(); 10];
        let [vx, vy] = self.velocity;
        let spread = noise.velocity / steps.time;
        covariance.measure::<8>(-vx, spread, &mut change);
        covariance.measure::<9>(-vy, spread, &mut change);
        if self.rest.is_rest(rest) {
            let spread = noise.rest / steps.time;
            let [bx, by, bz] = self.gyro_bias;
            let [mx, my, mz] = self.rest.mean;
            covariance.measure::<2>(mx - bx, spread, &mut change);
            covariance.measure::<3>(my - by, spread, &mut change);
            covariance.measure::<4>(mz - bz, spread, &mut change);
        }
        if !covariance.is_sound() {
            *covariance = TiltCovariance::new(noise);
            return;
        }
        let [tx, ty, bx, by, bz, sx, sy, sz, vx, vy] = change;
        self.attitude = tilted(self.attitude, [tx, ty]);
        let most = config.max_bias;
        for (bias, change) in self.gyro_bias.iter_mut().zip([bx, by, bz]) {
            *bias = (*bias + change).limit(-most, most);
        }
        let most = P::lit(0.05);
        for (scale, change) in self.gyro_scale.iter_mut().zip([sx, sy, sz]) {
            *scale = (*scale + change).limit(-most, most);
        }
        for (velocity, change) in self.velocity.iter_mut().zip([vx, vy]) {
            *velocity += change;
        }
    }

    fn head(&mut self, mag: [P; 3], config: &BoundedVelocityConfig<P>, period: &Period<P>) {
        let field = self.attitude.to_world(mag);
        let weight = match &period.field {
            Some(tuning) => {
                let rate = inner(self.rest.mean, self.rest.mean).sqrt();
                self.field.weigh(field, rate, tuning, period.dt)
            }
            None => P::one(),
        };
        let [east, north, _] = field;
        let share = period.dt / config.mag_time_constant;
        self.heading
            .step([east, north], period.heading * weight, share);
    }

    #[inline(always)]
    fn estimate(&self, status: OrientationStatus) -> Orientation<P> {
        Orientation {
            attitude: if self.heading.is_known() {
                self.heading.apply(self.attitude)
            } else {
                self.attitude
            },
            rate: self.rate,
            gyro_bias: self.gyro_bias,
            status,
        }
    }
}

/// An attitude tilted about the level x and y, in rad.
fn tilted<P: Float>(attitude: Quaternion<P>, [x, y]: [P; 2]) -> Quaternion<P> {
    let half = P::lit(0.5);
    let tilt = Quaternion::from_array([P::one(), x * half, y * half, P::zero()]);
    (tilt * attitude).normalised().unwrap_or(attitude)
}

impl<P: Float> Step for BoundedVelocity<P> {
    /// Rate in rad/s, specific force in m/s², field in any unit.
    type Input = ([P; 3], Option<[P; 3]>, Option<[P; 3]>);
    type Output = Orientation<P>;
    type State = BoundedVelocityState<P>;
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
