//! Kalman filter of an attitude and the bias of its gyroscope: error-state, multiplicative (MEKF).
//!
//! The attitude q (body to world) has four numbers and three freedoms, so what is filtered is not q
//! but its small error: a rotation δθ about the world's axes. With it go the error δb of the bias and
//! that δv of the horizontal velocity.
//!
//! ```text
//! predict   q ← q ⊗ exp((ω − b) dt),   v ← v + (R a)_h dt
//!           δθ' = −R δb,   δv' = g (δθ_y, −δθ_x),   P ← F P Fᵀ + Q
//! velocity  v = 0 + noise
//! heading   ψ = atan2(east, north) of the field, seen in the world,   ψ = δθ_z + noise
//! correct   q ← exp(δθ) ⊗ q,   b ← b + δb,   v ← v + δv
//! ```
//!
//! World: z up and, with a magnetometer, y north. The field says nothing of the inclination. What of
//! a specific force is gravity no single reading says, so none is believed or refused: each is
//! integrated to a velocity, and the one measurement is that a body which is carried about does not
//! get far. A push integrates back to nothing by itself; a tilted horizon pulls the velocity away.
//! What keeps accelerating one way for longer than τ = 2.6 s (see
//! [`velocity_spread`](AttitudeKalmanConfig::velocity_spread)) tilts it.
//!
//! With the errors in the world's axes each state depends on those before it alone (bias, attitude,
//! velocity), so that the factors `L D Lᵀ` of P, which cannot lose their positivity, stay factors in
//! a prediction.
//!
//! To choose where the uncertainty is wanted ([`AttitudeKalman::uncertainty`]) or readings come and
//! go. On the ten BROAD trials of this project's comparison it has 0.78° of inclination in the mean
//! and 1.63° at worst; halving or doubling one of its noises moves the mean to 0.90° at most.
//! [`bounded_velocity`](super::bounded_velocity), which has the same premise and also learns the
//! gyroscope's scale, has 0.65°; [`vqf`](super::vqf) 0.75° and [`basic_vqf`](super::basic_vqf) 0.97°.
//!
//! Instructions of a step without a magnetometer, in `f32`: 1,772 on a Cortex-M4F and 89,491 on a Cortex-M0. For
//! `f32` and `f64` only: the factors are the floats'. In fixed point take [`steady_velocity`](super::steady_velocity).
//!
//! Source: F. L. Markley, "Attitude Error Representations for Kalman Filtering" (2003),
//! doi:10.2514/2.5048.
#![allow(clippy::needless_range_loop, reason = "formulas have indices")]

mod config;
#[cfg(test)]
mod tests;

pub use self::config::AttitudeKalmanConfig;

use super::kalman::Factors;
use super::orientation::is_period;
use super::{ImuRanges, Orientation, OrientationStatus};
use crate::math::{Float, Quaternion};
use crate::sensor::STANDARD_GRAVITY;
use crate::{ConfigError, Step, config as checks};

impl<P: Float> AttitudeKalmanConfig<P> {
    /// Prepares the filter, stepped every `dt` seconds.
    ///
    /// # Errors
    ///
    /// A field outside its range, or `dt` not in 1 µs ..= 10 s.
    pub fn build(&self, dt: P) -> Result<AttitudeKalman<P>, ConfigError> {
        checks::period(dt)?;
        let tuning = Tuning::new(self)?;
        Ok(AttitudeKalman {
            dt,
            state: tuning.at_rest(),
            tuning,
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Tuning<P> {
    /// Growth of the variances a second.
    angle_walk: P,
    bias_walk: P,
    /// Variances times seconds.
    velocity_noise: P,
    heading_noise: P,
    initial_bias: P,
    ranges: ImuRanges<P>,
}

impl<P: Float> Tuning<P> {
    fn new(config: &AttitudeKalmanConfig<P>) -> Result<Self, ConfigError> {
        let within = |name, value, low, high| {
            checks::within(name, value, P::lit(low), P::lit(high)).map(|x| x * x)
        };
        Ok(Self {
            angle_walk: within("gyro_noise", config.gyro_noise, 1e-7, 1.0)?,
            bias_walk: within("bias_walk", config.bias_walk, 0.0, 1.0)?,
            velocity_noise: within("velocity_spread", config.velocity_spread, 1e-4, 1000.0)?,
            heading_noise: within("heading_noise", config.heading_noise, 1e-6, 100.0)?,
            initial_bias: within("initial_bias", config.initial_bias, 0.0, 1.0)?,
            ranges: config.ranges.check::<P>()?,
        })
    }

    fn at_rest(&self) -> AttitudeKalmanState<P> {
        let mut state = AttitudeKalmanState::default();
        // A level start is right to a tenth of a radian while it moves; of the heading nothing is
        // known, but what is known of it does not matter without a magnetometer.
        let (bias, angle, speed) = (self.initial_bias, P::lit(0.01), P::lit(UNKNOWN_SPEED));
        state.uncertainty.diagonal = [bias, bias, bias, angle, angle, angle, speed, speed];
        state
    }
}

/// Where in the covariance things stand. Each depends on those before it alone, so that factors
/// stay factors in a prediction.
const BIAS: usize = 0;
const ANGLE: usize = 3;
const VELOCITY: usize = 6;
const STATES: usize = 8;
/// Bias and angles.
const WALKING: u8 = 6;

/// Variance of the velocity at the start, in m²/s².
const UNKNOWN_SPEED: f64 = 1.0;
/// What it gains a second while nothing is read: pushes of 3 m/s² for 0.1 s.
const UNSEEN_PUSHES: f64 = 0.9;

/// Variance, in rad², up to which an unmeasured heading becomes uncertain. It must not grow for
/// ever.
const WIDEST: f64 = 1.0;

/// Attitude and gyroscope bias by an error-state Kalman filter; see the [module](self).
///
/// It starts at the first accelerometer reading, and its heading at the first reading of the
/// magnetometer. Cost per step without magnetometer: about 340 products and 30 divisions.
///
/// ```
/// use balance_core::estimation::attitude_kalman::{AttitudeKalman, AttitudeKalmanConfig};
/// let mut filter: AttitudeKalman<f32> = AttitudeKalmanConfig::default().build(0.005)?;
/// let out = filter.step([0.0; 3], Some([0.0, 4.903, 8.493]), None);
/// assert!((out.attitude.roll() - 0.5236).abs() < 1e-3); // left side 30° up
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AttitudeKalman<P: Float> {
    dt: P,
    tuning: Tuning<P>,
    state: AttitudeKalmanState<P>,
}

/// What changes in an [`AttitudeKalman`] from step to step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttitudeKalmanState<P: Float> {
    /// From the body's axes to the world's.
    pub attitude: Quaternion<P>,
    /// Bias of the gyroscope, in rad/s.
    pub gyro_bias: [P; 3],
    /// Last good rate without bias, in rad/s.
    pub rate: [P; 3],
    /// Horizontal velocity in the world's axes, in m/s.
    pub velocity: [P; 2],
    /// Covariance of the errors: bias (rad/s, body axes), attitude (rad, world axes), velocity.
    pub uncertainty: Factors<P, STATES>,
    /// Whether an accelerometer reading has been seen.
    pub level: bool,
    /// Whether a magnetometer reading has been seen.
    pub headed: bool,
    /// The state whose walk is next.
    turn: u8,
}

impl<P: Float> Default for AttitudeKalmanState<P> {
    fn default() -> Self {
        Self {
            attitude: Quaternion::identity(),
            gyro_bias: [P::zero(); 3],
            rate: [P::zero(); 3],
            velocity: [P::zero(); 2],
            uncertainty: Factors::zero(),
            level: false,
            headed: false,
            turn: 0,
        }
    }
}

impl<P: Float> AttitudeKalman<P> {
    /// Advances by the period given at build: rate in rad/s, specific force in m/s², field in any
    /// unit, each about and along x, y, z of the body.
    #[inline]
    pub fn step(
        &mut self,
        gyro: [P; 3],
        accel: Option<[P; 3]>,
        mag: Option<[P; 3]>,
    ) -> Orientation<P> {
        self.advance(gyro, accel, mag, self.dt)
    }

    /// As [`step`](Self::step), with a measured period in s.
    ///
    /// A period that is not above zero and at most ten times the nominal one holds everything.
    #[inline]
    pub fn step_dt(
        &mut self,
        gyro: [P; 3],
        accel: Option<[P; 3]>,
        mag: Option<[P; 3]>,
        dt: P,
    ) -> Orientation<P> {
        if !is_period(dt, self.dt) {
            return self.estimate(OrientationStatus::Held);
        }
        self.advance(gyro, accel, mag, dt)
    }

    #[inline(always)]
    fn advance(
        &mut self,
        gyro: [P; 3],
        accel: Option<[P; 3]>,
        mag: Option<[P; 3]>,
        dt: P,
    ) -> Orientation<P> {
        if !self.tuning.ranges.usable_gyro(gyro) {
            return self.estimate(OrientationStatus::Held);
        }
        let accel = self.tuning.ranges.usable_accel(accel);
        let mag = self.tuning.ranges.field(mag);
        if !self.state.level {
            let bias = self.state.gyro_bias;
            self.state.rate = core::array::from_fn(|i| gyro[i] - bias[i]);
            return self.start(accel, mag);
        }
        self.predict(gyro, dt);
        let mut status = OrientationStatus::GyroOnly;
        match accel {
            Some(accel) => {
                self.level(accel, dt);
                status = OrientationStatus::Inclined;
            }
            None => self.lose_velocity(dt),
        }
        if let Some(field) = mag
            && self.head(field, dt)
        {
            status = OrientationStatus::Headed;
        }
        self.estimate(status)
    }

    #[cold]
    fn start(&mut self, accel: Option<[P; 3]>, mag: Option<[P; 3]>) -> Orientation<P> {
        let Some(up) = accel.and_then(|a| P::unit(a)) else {
            return self.estimate(OrientationStatus::Waiting);
        };
        let headed = mag.and_then(|field| Quaternion::from_up_and_north(up, field));
        let Some(attitude) = headed.or_else(|| Quaternion::from_up(up)) else {
            return self.estimate(OrientationStatus::Waiting);
        };
        self.state.attitude = attitude;
        self.state.level = true;
        self.state.headed = headed.is_some();
        self.estimate(if headed.is_some() {
            OrientationStatus::Headed
        } else {
            OrientationStatus::Inclined
        })
    }

    #[inline(always)]
    fn predict(&mut self, gyro: [P; 3], dt: P) {
        let (tuning, state) = (&self.tuning, &mut self.state);
        state.rate = core::array::from_fn(|i| gyro[i] - state.gyro_bias[i]);
        let next = state.attitude * Quaternion::from_rotation_vector(state.rate.map(|w| w * dt));
        if let Some(unit) = next.normalised() {
            state.attitude = unit;
        }
        let uncertainty = &mut state.uncertainty;
        // The velocity's errors grow by those of the angles as they were.
        let pull = P::lit(STANDARD_GRAVITY) * dt;
        uncertainty.carry_entry(VELOCITY, ANGLE + 1, pull);
        uncertainty.carry_entry(VELOCITY + 1, ANGLE, -pull);
        for j in 0..3 {
            let mut axis = [P::zero(); 3];
            axis[j] = -dt;
            let turned = state.attitude.to_world(axis);
            for i in 0..3 {
                uncertainty.carry_entry(ANGLE + i, BIAS + j, turned[i]);
            }
        }
        // One state in turn gets the walk of as many periods as there are states that walk.
        let index = usize::from(state.turn % WALKING);
        state.turn = (state.turn + 1) % WALKING;
        let walk = if index < ANGLE {
            tuning.bias_walk
        } else {
            tuning.angle_walk
        };
        uncertainty.shake_state(index, walk * dt * P::lit(f64::from(WALKING)));
        if uncertainty.variance(ANGLE + 2) > P::lit(WIDEST) {
            self.forget_no_more();
        }
        self.state.uncertainty.mend();
    }

    /// As if a heading that is as expected had been measured, badly.
    #[cold]
    fn forget_no_more(&mut self) {
        let uncertainty = &mut self.state.uncertainty;
        let sight = uncertainty.sight_of_state(ANGLE + 2, P::lit(WIDEST));
        uncertainty.correct(&sight);
    }

    /// Follows the velocity, and takes in that it is not far from zero.
    #[inline(always)]
    fn level(&mut self, accel: [P; 3], dt: P) {
        let state = &mut self.state;
        let [x, y, _] = state.attitude.to_world(accel);
        state.velocity[0] += x * dt;
        state.velocity[1] += y * dt;
        let noise = self.tuning.velocity_noise / dt;
        let mut change = [P::zero(); STATES];
        for i in 0..2 {
            let seen = -self.state.velocity[i];
            self.take(VELOCITY + i, noise, seen, &mut change);
        }
        self.correct(change);
    }

    /// A reading is missing: what the body may have done meanwhile.
    #[inline(always)]
    fn lose_velocity(&mut self, dt: P) {
        for i in VELOCITY..STATES {
            let uncertainty = &mut self.state.uncertainty;
            uncertainty.shake_state(i, P::lit(UNSEEN_PUSHES) * dt);
        }
    }

    /// Takes the heading in; whether the field has one.
    #[inline(always)]
    fn head(&mut self, field: [P; 3], dt: P) -> bool {
        let [east, north, _] = self.state.attitude.to_world(field);
        // Of a field that is all but vertical the heading is noise.
        let level = P::lit(0.01);
        if east.magnitude() < level && north.magnitude() < level {
            return false;
        }
        let off = east.atan2(north);
        let zero = P::zero();
        let mut change = [zero; STATES];
        if !self.state.headed {
            self.state.headed = true;
            change[ANGLE + 2] = off;
            self.correct(change);
            return true;
        }
        let noise = self.tuning.heading_noise / dt;
        self.take(ANGLE + 2, noise, off, &mut change);
        // About the vertical alone: iron nearby must not tilt.
        let [bx, by, bz, _, _, angle, ..] = change;
        let [x, y, z] = self.state.attitude.up();
        let about = bx * x + by * y + bz * z;
        self.correct([
            about * x,
            about * y,
            about * z,
            zero,
            zero,
            angle,
            zero,
            zero,
        ]);
        true
    }

    #[inline(always)]
    fn take(&mut self, index: usize, noise: P, seen: P, change: &mut [P; STATES]) {
        let uncertainty = &mut self.state.uncertainty;
        let error = seen - change[index];
        let sight = uncertainty.sight_of_state(index, noise);
        let cross = uncertainty.correct(&sight);
        let scaled = error * sight.inverse;
        for i in 0..STATES {
            change[i] += cross[i] * scaled;
        }
        uncertainty.mend();
    }

    #[inline(always)]
    fn correct(&mut self, change: [P; STATES]) {
        if !change.iter().all(|x| x.is_usable()) {
            self.state.velocity = [P::zero(); 2];
            return;
        }
        let [bx, by, bz, x, y, z, vx, vy] = change;
        let next = Quaternion::from_rotation_vector([x, y, z]) * self.state.attitude;
        if let Some(unit) = next.normalised() {
            self.state.attitude = unit;
        }
        let [ox, oy, oz] = self.state.gyro_bias;
        let bias = [ox + bx, oy + by, oz + bz];
        // No sensor has more; beyond it the last bias within it stands.
        if bias.iter().all(|b| b.magnitude() < P::one()) {
            self.state.gyro_bias = bias;
        }
        self.state.velocity[0] += vx;
        self.state.velocity[1] += vy;
    }

    #[inline(always)]
    fn estimate(&self, status: OrientationStatus) -> Orientation<P> {
        Orientation {
            attitude: self.state.attitude,
            rate: self.state.rate,
            gyro_bias: self.state.gyro_bias,
            status,
        }
    }

    /// Standard deviations that the filter believes in: of the attitude about the world's axes
    /// (the third is the heading's), in rad, and of the bias, in rad/s.
    pub fn uncertainty(&self) -> ([P; 3], [P; 3]) {
        let root = |i: usize| self.state.uncertainty.variance(i).sqrt();
        (
            [ANGLE, ANGLE + 1, ANGLE + 2].map(root),
            [BIAS, BIAS + 1, BIAS + 2].map(root),
        )
    }
    /// Takes other noises; attitude, bias, their uncertainty and the period stay.
    ///
    /// # Errors
    ///
    /// As [`build`](AttitudeKalmanConfig::build); the filter is then unchanged.
    pub fn retune(&mut self, config: &AttitudeKalmanConfig<P>) -> Result<(), ConfigError> {
        self.tuning = Tuning::new(config)?;
        Ok(())
    }
    /// Forgets attitude and bias; the next accelerometer reading starts it.
    pub fn reset(&mut self) {
        self.state = self.tuning.at_rest();
    }
    /// The state.
    pub fn state(&self) -> AttitudeKalmanState<P> {
        self.state
    }
    /// Puts a state back; one that is not level, or not an attitude, counts as
    /// [`reset`](Self::reset).
    pub fn restore(&mut self, state: AttitudeKalmanState<P>) {
        let vectors = state.gyro_bias.iter().chain(&state.rate);
        let vectors = vectors.chain(&state.velocity);
        let sound = vectors.into_iter().all(|x| x.is_usable()) && state.uncertainty.is_sound();
        match state.attitude.normalised().filter(|_| sound && state.level) {
            Some(_) => self.state = state,
            None => self.reset(),
        }
    }
}

impl<P: Float> Step for AttitudeKalman<P> {
    /// Rate, specific force and field.
    type Input = ([P; 3], Option<[P; 3]>, Option<[P; 3]>);
    type Output = Orientation<P>;
    type State = AttitudeKalmanState<P>;
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
