//! Kalman filter of an attitude and the bias of its gyroscope: error-state, multiplicative (MEKF).
//!
//! The attitude q (body to world) has four numbers and three freedoms, so what is filtered is not q
//! but its small error: a rotation δθ about the body's axes, and the error δb of the bias.
//!
//! ```text
//! predict   q ← q ⊗ exp((ω − b) dt),   δθ' = −(ω − b) × δθ − δb,   P ← F P Fᵀ + Q
//! up        u = Rᵀ e_z,   a/g − u = u × δθ + noise
//! heading   ψ = atan2(east, north) of the field, seen in the world,   ψ = u · δθ + noise
//! correct   q ← q ⊗ exp(δθ),   b ← b + δb
//! ```
//!
//! World: z up and, with a magnetometer, y north. The field says nothing of the inclination. The
//! specific force goes in as it is and not its direction: accelerations are zero on average, and so
//! they cancel; of directions, and of readings chosen by their size, that is not so (on the BROAD
//! recordings either doubles the error). Measurements go in one by one on factors `L D Lᵀ`; the
//! covariance cannot lose its positivity.
//!
//! To choose where the uncertainty is wanted ([`AttitudeKalman::uncertainty`]) or readings come and
//! go. For the best inclination take [`vqf`](super::vqf), for the price
//! [`basic_vqf`](super::basic_vqf): on the ten BROAD trials of this project's comparison this filter
//! has 1.48° of inclination in the mean where they have 0.75° and 0.97°.
//!
//! Instructions of a step without a magnetometer, in `f32`: 4,672 on a Cortex-M4F and 157,830 on a Cortex-M0. For
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
    up_noise: P,
    heading_noise: P,
    /// 1/`accel_doubt`², or zero.
    doubt: P,
    initial_bias: P,
    ranges: ImuRanges<P>,
}

impl<P: Float> Tuning<P> {
    fn new(config: &AttitudeKalmanConfig<P>) -> Result<Self, ConfigError> {
        let within = |name, value, low, high| {
            checks::within(name, value, P::lit(low), P::lit(high)).map(|x| x * x)
        };
        let gravity = P::lit(STANDARD_GRAVITY * STANDARD_GRAVITY);
        Ok(Self {
            angle_walk: within("gyro_noise", config.gyro_noise, 1e-7, 1.0)?,
            bias_walk: within("bias_walk", config.bias_walk, 0.0, 1.0)?,
            up_noise: within("accel_noise", config.accel_noise, 1e-6, 100.0)? / gravity,
            heading_noise: within("heading_noise", config.heading_noise, 1e-6, 100.0)?,
            doubt: match config.accel_doubt {
                Some(doubt) => P::one() / within("accel_doubt", doubt, 1e-3, 1000.0)?,
                None => P::zero(),
            },
            initial_bias: within("initial_bias", config.initial_bias, 0.0, 1.0)?,
            ranges: config.ranges.check::<P>()?,
        })
    }

    fn at_rest(&self) -> AttitudeKalmanState<P> {
        let mut state = AttitudeKalmanState::default();
        // A level start is right to a tenth of a radian while it moves; of the heading nothing is
        // known, but what is known of it does not matter without a magnetometer.
        state.uncertainty.diagonal = [
            P::lit(0.01),
            P::lit(0.01),
            P::lit(0.01),
            self.initial_bias,
            self.initial_bias,
            self.initial_bias,
        ];
        state
    }
}

/// Variance, in rad², up to which an unmeasured heading becomes uncertain. It must not grow for
/// ever: its rounding would drown the inclination's.
const WIDEST: f64 = 1.0;

/// Attitude and gyroscope bias by an error-state Kalman filter; see the [module](self).
///
/// It starts at the first accelerometer reading, and its heading at the first reading of the
/// magnetometer. Cost per step without magnetometer: about 700 products and 20 divisions.
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
    /// Covariance of the attitude's error (rad, body axes) and the bias' (rad/s).
    pub uncertainty: Factors<P, 6>,
    /// Whether an accelerometer reading has been seen.
    pub level: bool,
    /// Whether a magnetometer reading has been seen.
    pub headed: bool,
}

impl<P: Float> Default for AttitudeKalmanState<P> {
    fn default() -> Self {
        Self {
            attitude: Quaternion::identity(),
            gyro_bias: [P::zero(); 3],
            rate: [P::zero(); 3],
            uncertainty: Factors::zero(),
            level: false,
            headed: false,
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
        if let Some(accel) = accel
            && self.level(accel, dt)
        {
            status = OrientationStatus::Inclined;
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
        let turn = state.rate.map(|rate| rate * dt);
        turned(&mut state.attitude, turn);
        let [x, y, z] = turn;
        let (zero, one) = (P::zero(), P::one());
        let transition = [
            [one, z, -y, -dt, zero, zero],
            [-z, one, x, zero, -dt, zero],
            [y, -x, one, zero, zero, -dt],
            [zero, zero, zero, one, zero, zero],
            [zero, zero, zero, zero, one, zero],
            [zero, zero, zero, zero, zero, one],
        ];
        let mut growth = Factors::zero();
        let (angle, bias) = (tuning.angle_walk * dt, tuning.bias_walk * dt);
        growth.diagonal = [angle, angle, angle, bias, bias, bias];
        state.uncertainty.predict(&transition, &growth);
        let Factors { lower, diagonal } = &state.uncertainty;
        let [d0, d1, d2, ..] = *diagonal;
        let [l10, l20, l21] = [lower[1][0], lower[2][0], lower[2][1]];
        let spread = d0 + l10 * l10 * d0 + d1 + l20 * l20 * d0 + l21 * l21 * d1 + d2;
        if spread > P::lit(WIDEST) {
            self.forget_no_more();
        }
    }

    /// As if a heading that is as expected had been measured, badly.
    #[cold]
    fn forget_no_more(&mut self) {
        let [x, y, z] = self.state.attitude.up();
        let zero = P::zero();
        let row = [x, y, z, zero, zero, zero];
        let uncertainty = &mut self.state.uncertainty;
        let sight = uncertainty.sight(&row, P::lit(WIDEST));
        uncertainty.correct(&sight);
    }

    /// Takes the direction of up in; whether it was believed.
    #[inline(always)]
    fn level(&mut self, accel: [P; 3], dt: P) -> bool {
        let mut doubt = P::zero();
        if self.tuning.doubt > P::zero() {
            let [ax, ay, az] = accel;
            let size = (ax * ax + ay * ay + az * az).sqrt();
            let off = size - P::lit(STANDARD_GRAVITY);
            doubt = off * off * self.tuning.doubt;
            if doubt > P::lit(25.0) {
                return false;
            }
        }
        let scale = P::lit(1.0 / STANDARD_GRAVITY);
        let up = self.state.attitude.up();
        let [x, y, z] = up;
        let zero = P::zero();
        let rows = [[zero, -z, y], [z, zero, -x], [-y, x, zero]];
        let noise = self.tuning.up_noise * (P::one() + doubt) / dt;
        let mut change = [zero; 6];
        for i in 0..3 {
            let row = [rows[i][0], rows[i][1], rows[i][2], zero, zero, zero];
            let seen = accel[i] * scale - up[i];
            self.take(&row, noise, seen, &mut change);
        }
        self.correct(change);
        true
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
        let up = self.state.attitude.up();
        if !self.state.headed {
            turned(&mut self.state.attitude, up.map(|x| x * off));
            self.state.headed = true;
            return true;
        }
        let [x, y, z] = up;
        let zero = P::zero();
        let mut change = [zero; 6];
        let noise = self.tuning.heading_noise / dt;
        self.take(&[x, y, z, zero, zero, zero], noise, off, &mut change);
        // About the vertical alone: iron nearby must not tilt.
        for part in [0, 3] {
            let about = change[part] * x + change[part + 1] * y + change[part + 2] * z;
            change[part] = about * x;
            change[part + 1] = about * y;
            change[part + 2] = about * z;
        }
        self.correct(change);
        true
    }

    #[inline(always)]
    fn take(&mut self, row: &[P; 6], noise: P, seen: P, change: &mut [P; 6]) {
        let uncertainty = &mut self.state.uncertainty;
        let mut error = seen;
        for i in 0..3 {
            error -= row[i] * change[i];
        }
        let sight = uncertainty.sight(row, noise);
        let cross = uncertainty.correct(&sight);
        let scaled = error * sight.inverse;
        for i in 0..6 {
            change[i] += cross[i] * scaled;
        }
        uncertainty.mend();
    }

    #[inline(always)]
    fn correct(&mut self, change: [P; 6]) {
        let [x, y, z, bx, by, bz] = change;
        if !change.iter().all(|x| x.is_usable()) {
            return;
        }
        turned(&mut self.state.attitude, [x, y, z]);
        let [ox, oy, oz] = self.state.gyro_bias;
        let bias = [ox + bx, oy + by, oz + bz];
        // No sensor has more; beyond it the last bias within it stands.
        if bias.iter().all(|b| b.magnitude() < P::one()) {
            self.state.gyro_bias = bias;
        }
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

    /// Standard deviations that the filter believes in: of the attitude about the body's axes, in
    /// rad, and of the bias, in rad/s.
    pub fn uncertainty(&self) -> ([P; 3], [P; 3]) {
        let p = self.state.uncertainty.covariance();
        let root = |i: usize| p[i][i].sqrt();
        ([root(0), root(1), root(2)], [root(3), root(4), root(5)])
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
        let sound = vectors.into_iter().all(|x| x.is_usable()) && state.uncertainty.is_sound();
        match state.attitude.normalised().filter(|_| sound && state.level) {
            Some(_) => self.state = state,
            None => self.reset(),
        }
    }
}

/// Turns an attitude by a rotation vector in the body's axes.
#[inline(always)]
fn turned<P: Float>(attitude: &mut Quaternion<P>, turn: [P; 3]) {
    let next = *attitude * Quaternion::from_rotation_vector(turn);
    if let Some(unit) = next.normalised() {
        *attitude = unit;
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
