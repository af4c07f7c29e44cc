//! VQF: attitude with the gyroscope's bias learnt at rest and in motion, and with the heading kept
//! from disturbed magnetic fields.
//!
//! The attitude is that of [`basic_vqf`](super::basic_vqf). Added to it are
//!
//! * **rest**: rate and specific force near their own means for 1.5 s; the gyroscope then reads its bias,
//! * **bias in motion**: the rate at which the filtered accelerometer levels the attitude is the horizontal
//!   part of the bias; a Kalman filter of three states takes in either,
//! * **disturbance**: a field whose norm or dip is not that of the reference is left out for up to a minute.
//!
//! **When to choose it:** the published filter that is most accurate over motions of all kinds without any tuning.
//! Where the bias is small, [`basic_vqf`](super::basic_vqf) costs a third.
//!
//! Instructions of a step without a magnetometer: 968 on a Cortex-M4F, on a Cortex-M0 66,867 in `f32` and 31,038 in
//! fixed point.
//!
//! Source: D. Laidig, T. Seel, "VQF: Highly accurate IMU orientation estimation with bias estimation and
//! magnetic disturbance rejection", Information Fusion 91 (2023), doi:10.1016/j.inffus.2022.10.014. The
//! published code runs its low-pass filters in `f64`; here they are sums of small steps, which need none. And it
//! takes the way to the first attitude for a correction, hence for a bias, by up to 2 °/s on an axis; here the
//! first reading only starts the filter, which therefore turns with the way it is mounted.

mod bias;
mod config;
mod magnetic;
mod rest;
#[cfg(test)]
mod tests;

pub use self::bias::BiasState;
pub use self::config::{BiasConfig, DisturbanceConfig, RestConfig, VqfConfig};
pub use self::magnetic::{FieldState, NormAndDip};
pub use self::rest::RestState;

use self::bias::BiasTuning;
pub(super) use self::magnetic::FieldTuning;
pub(super) use self::rest::RestTuning;
use super::heading::{HeadingState, gain_of};
use super::level_frame::{LevelFrameState, TurnGains};
use super::orientation::{ImuRanges, Orientation, OrientationStatus, is_period};
use super::vector_lowpass::{Intake, LowpassGains};
use crate::math::vector::is_below;
use crate::math::{Float, Real, Scalar};
use crate::{ConfigError, Step, config as checks};

impl<P: Float> VqfConfig<P> {
    /// Prepares a filter that is stepped every `dt` seconds.
    ///
    /// # Errors
    ///
    /// A field out of the range that its documentation states, or `dt` not in 1 µs ..= 10 s.
    pub fn build<T: Real + Scalar<Param = P>>(&self, dt: P) -> Result<Vqf<T>, ConfigError> {
        checks::period(dt)?;
        Ok(Vqf {
            dt,
            config: *self,
            ranges: self.check(dt)?,
            period: Period::new(self, dt),
            state: VqfState::default(),
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Period<T: Scalar> {
    dt: T::Param,
    turn: TurnGains<T>,
    accel: LowpassGains<T>,
    still: LowpassGains<T>,
    heading: T::Param,
    rest: RestTuning<T>,
    bias: BiasTuning<T::Param>,
    field: Option<FieldTuning<T::Param>>,
}

impl<T: Real> Period<T> {
    fn new(config: &VqfConfig<T::Param>, dt: T::Param) -> Self {
        Self {
            dt,
            turn: TurnGains::new(dt),
            accel: LowpassGains::new(config.accel_time_constant, dt),
            still: LowpassGains::new(config.rest.time_constant, dt),
            heading: gain_of(config.mag_time_constant, dt),
            rest: RestTuning::new(&config.rest, config.bias.most),
            bias: BiasTuning::new(&config.bias, dt),
            field: config.disturbance.map(|field| FieldTuning::new(field, dt)),
        }
    }
}

/// VQF; see the [module](self).
///
/// The first usable accelerometer reading is where it starts, with a magnetometer the heading
/// too; for the first τ_acc the mean of all readings counts. An unusable or saturated rate holds
/// everything; an unusable or saturated accelerometer or magnetometer is left out. In fixed point
/// (`Q12`, `Q16`) attitude and filters are integers and the bias' covariance a float.
///
/// ```
/// use balance_core::estimation::vqf::{Vqf, VqfConfig};
/// let mut filter: Vqf<f32> = VqfConfig::default().build(0.005)?;
/// for _ in 0..4000 {
///     filter.step([0.01, 0.0, 0.0], Some([0.0, 0.0, 9.81]), None);
/// }
/// assert!(filter.is_at_rest());
/// assert!((filter.gyro_bias()[0] - 0.01).abs() < 1e-4); // rad/s
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Vqf<T: Scalar> {
    dt: T::Param,
    config: VqfConfig<T::Param>,
    ranges: ImuRanges<T>,
    period: Period<T>,
    state: VqfState<T>,
}

/// What changes in a [`Vqf`] from step to step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VqfState<T: Scalar> {
    /// Attitude without heading, and the filtered accelerometer.
    pub level: LevelFrameState<T>,
    /// Heading.
    pub heading: HeadingState<T>,
    /// Bias of the gyroscope.
    pub bias: BiasState<T>,
    /// Detection of rest.
    pub rest: RestState<T>,
    /// Judgement of the magnetic field.
    pub field: FieldState<T::Param>,
    /// Last good rate without bias, in rad/s.
    pub rate: [T; 3],
}

impl<T: Scalar> Default for VqfState<T> {
    fn default() -> Self {
        Self {
            level: LevelFrameState::default(),
            heading: HeadingState::default(),
            bias: BiasState::default(),
            rest: RestState::default(),
            field: FieldState::default(),
            rate: [T::zero(); 3],
        }
    }
}

impl<T: Real> Vqf<T> {
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
            ranges,
            state,
            config,
            period,
            ..
        } = self;
        advance(state, ranges, config, period, gyro, accel, mag)
    }

    /// As [`step`](Self::step), with a measured period in s; three tangents, two exponentials and a few
    /// divisions more.
    ///
    /// A period that is not above zero and at most ten times the nominal one holds everything.
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
            ranges,
            state,
            config,
            ..
        } = self;
        advance(
            state,
            ranges,
            config,
            &Period::new(config, dt),
            gyro,
            accel,
            mag,
        )
    }

    /// Bias of the gyroscope, in rad/s.
    pub fn gyro_bias(&self) -> [T; 3] {
        self.state.bias.bias()
    }
    /// Upper bound of the bias' standard deviation in the worst direction, in rad/s.
    pub fn gyro_bias_sigma(&self) -> T::Param {
        self.state.bias.sigma(&self.period.bias)
    }
    /// Whether the body is taken to be at rest.
    pub fn is_at_rest(&self) -> bool {
        self.state.rest.is_rest(&self.period.rest)
    }
    /// Whether the magnetic field is taken not to be the earth's. Without
    /// [`disturbance`](VqfConfig::disturbance) it stays so and means nothing.
    pub fn is_field_disturbed(&self) -> bool {
        self.state.field.disturbed
    }

    /// Takes another tuning; attitude, bias, filters and period stay.
    ///
    /// # Errors
    ///
    /// As [`build`](VqfConfig::build); the filter is then unchanged.
    pub fn retune(&mut self, config: &VqfConfig<T::Param>) -> Result<(), ConfigError> {
        self.ranges = config.check(self.dt)?;
        self.period = Period::new(config, self.dt);
        self.config = *config;
        Ok(())
    }
    /// Forgets everything; the next accelerometer reading starts it.
    pub fn reset(&mut self) {
        self.state = VqfState::default();
    }
    /// The state.
    pub fn state(&self) -> VqfState<T> {
        self.state
    }
    /// Puts a state back. One that is not an attitude counts as [`reset`](Self::reset).
    pub fn restore(&mut self, state: VqfState<T>) {
        let sound = state.level.sound().is_some()
            && T::narrow(state.heading.offset).is_below(T::lit(4.0))
            && is_below(state.bias.bias(), T::lit(100.0))
            && state
                .bias
                .covariance
                .iter()
                .all(|c| c.is_below(T::Param::lit(100.0)));
        self.state = if sound { state } else { Default::default() };
    }
}

#[inline(always)]
fn advance<T: Real>(
    state: &mut VqfState<T>,
    ranges: &ImuRanges<T>,
    config: &VqfConfig<T::Param>,
    period: &Period<T>,
    gyro: [T; 3],
    accel: Option<[T; 3]>,
    mag: Option<[T; 3]>,
) -> Orientation<T> {
    if !ranges.usable_gyro(gyro) {
        return state.estimate(OrientationStatus::Held);
    }
    let dt = period.dt;
    state.rest.see_gyro(gyro, &period.rest, &period.still);
    let [bx, by, bz] = state.bias.bias();
    let [x, y, z] = gyro;
    state.rate = [x - bx, y - by, z - bz];
    state.level.turn(state.rate, &period.turn);
    let Some(accel) = ranges.usable_accel(accel) else {
        let status = match state.level.is_level() {
            true => OrientationStatus::GyroOnly,
            false => OrientationStatus::Waiting,
        };
        return state.estimate(status);
    };
    state.rest.see_accel(accel, &period.rest, &period.still, dt);
    let level = &mut state.level;
    let known = level.is_level();
    let intake = Intake::next(&mut level.readings, &period.accel);
    let sine = level.level(accel, &intake);
    // The first reading gives the attitude; how far that is from nowhere says nothing of a bias.
    let sine = if known { sine } else { [T::zero(); 2] };
    if period.bias.learns() {
        let rest = state.rest.is_rest(&period.rest).then_some(state.rest.mean);
        let attitude = level.quaternion();
        state
            .bias
            .learn(attitude, sine, rest, &intake, &period.bias);
    }
    match ranges.usable_mag(mag) {
        Some(mag) => {
            state.head(mag, config, period);
            state.estimate(OrientationStatus::Headed)
        }
        None => state.estimate(OrientationStatus::Inclined),
    }
}

impl<T: Real> VqfState<T> {
    fn head(&mut self, mag: [T; 3], config: &VqfConfig<T::Param>, period: &Period<T>) {
        let field = self.level.quaternion().to_world(mag);
        let weight = match &period.field {
            Some(tuning) => {
                let [x, y, z] = self.rest.mean.map(Scalar::to_param);
                let rate = (x * x + y * y + z * z).sqrt();
                let field = field.map(Scalar::to_param);
                self.field.weigh(field, rate, tuning, period.dt)
            }
            None => T::Param::lit(1.0),
        };
        let [east, north, _] = field;
        let share = period.dt / config.mag_time_constant;
        self.heading
            .step([east, north], period.heading * weight, share);
    }

    #[inline(always)]
    fn estimate(&self, status: OrientationStatus) -> Orientation<T> {
        let level = self.level.quaternion();
        Orientation {
            attitude: if self.heading.is_known() {
                self.heading.apply(level)
            } else {
                level
            },
            rate: self.rate,
            gyro_bias: self.bias.bias(),
            status,
        }
    }
}

impl<T: Real> Step for Vqf<T> {
    /// Rate in rad/s, specific force in m/s², field in any unit.
    type Input = ([T; 3], Option<[T; 3]>, Option<[T; 3]>);
    type Output = Orientation<T>;
    type State = VqfState<T>;
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
