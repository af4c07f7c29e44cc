//! BasicVQF: attitude from a low-pass of the accelerometer in level axes, heading apart from it.
//!
//! The gyroscope turns the attitude exactly; the accelerometer, turned into axes that hardly move, is
//! low-passed there by a second-order Butterworth filter of time constant τ_acc, and the attitude is
//! levelled by the result. A push that comes and goes averages out whatever the body did
//! meanwhile, which is what a filter in body axes cannot do. The magnetometer turns the heading
//! alone.
//!
//! **When to choose it:** the best accuracy for its price where the bias of the gyroscope is small or
//! taken out beforehand: a bias b leaves √2·b·τ_acc. [`vqf`](super::vqf) estimates the bias.
//!
//! Instructions of a step without a magnetometer: 321 on a Cortex-M4F, on a Cortex-M0 21,808 in `f32` and 5,011 in
//! fixed point, where it is off by up to 0.02° more on recordings.
//!
//! Source: D. Laidig, T. Seel, "VQF: Highly accurate IMU orientation estimation with bias estimation and
//! magnetic disturbance rejection", Information Fusion 91 (2023), doi:10.1016/j.inffus.2022.10.014; the
//! same filter with half the products, and without `f64`.

use super::heading::{HeadingState, gain_of};
use super::level_frame::{LevelFrameState, TurnGains};
use super::orientation::{ImuRanges, Orientation, OrientationStatus, is_period};
use super::vector_lowpass::{Intake, LowpassGains};
use crate::math::{Float, Real, Scalar};
use crate::{ConfigError, Step, config};

/// What a person tunes of a [`BasicVqf`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BasicVqfConfig<P> {
    /// Time constant of the accelerometer's low-pass, τ_acc in s, from the period to 1000. Too small: pushes
    /// tilt the horizon. Too large: the bias of the gyroscope does.
    pub accel_time_constant: P,
    /// Time constant of the heading, τ_mag in s, from the period to 1000. Too small: passing iron turns
    /// the heading. Too large: the bias of the gyroscope does.
    pub mag_time_constant: P,
    /// Where the sensors saturate.
    pub ranges: ImuRanges<P>,
}

impl<P: Float> Default for BasicVqfConfig<P> {
    /// 3 s and 9 s, as published.
    fn default() -> Self {
        Self {
            accel_time_constant: P::lit(3.0),
            mag_time_constant: P::lit(9.0),
            ranges: ImuRanges::default(),
        }
    }
}

impl<P: Float> BasicVqfConfig<P> {
    /// Prepares a filter that is stepped every `dt` seconds.
    ///
    /// # Errors
    ///
    /// A field out of the range that its documentation states, or `dt` not in 1 µs ..= 10 s.
    pub fn build<T: Real + Scalar<Param = P>>(&self, dt: P) -> Result<BasicVqf<T>, ConfigError> {
        config::period(dt)?;
        self.check(dt)?;
        Ok(BasicVqf {
            dt,
            config: *self,
            ranges: self.ranges.check()?,
            period: Period::new(self, dt),
            state: BasicVqfState::default(),
        })
    }
    fn check(&self, dt: P) -> Result<(), ConfigError> {
        let most = P::lit(1000.0);
        config::within("accel_time_constant", self.accel_time_constant, dt, most)?;
        config::within("mag_time_constant", self.mag_time_constant, dt, most)?;
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
struct Period<T: Scalar> {
    dt: T::Param,
    turn: TurnGains<T>,
    accel: LowpassGains<T>,
    mag: T::Param,
}

impl<T: Scalar> Period<T> {
    fn new(config: &BasicVqfConfig<T::Param>, dt: T::Param) -> Self {
        Self {
            dt,
            turn: TurnGains::new(dt),
            accel: LowpassGains::new(config.accel_time_constant, dt),
            mag: gain_of(config.mag_time_constant, dt),
        }
    }
}

/// BasicVQF; see the [module](self).
///
/// The first usable accelerometer reading is where it starts, with a magnetometer the heading
/// too; for the first τ_acc the mean of all readings counts. An unusable or saturated rate holds
/// everything; an unusable or saturated accelerometer or magnetometer is left out. In fixed point
/// (`Q12`, `Q16`) rates beyond 45 rad/s are integrated less exactly; `Q8` cannot hold the readings of an
/// accelerometer.
///
/// ```
/// use balance_core::estimation::basic_vqf::{BasicVqf, BasicVqfConfig};
/// let mut filter: BasicVqf<f32> = BasicVqfConfig::default().build(0.005)?;
/// let out = filter.step([0.0; 3], Some([0.0, 4.903, 8.493]), None);
/// assert!((out.attitude.roll() - 0.5236).abs() < 1e-3); // left side 30° up
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct BasicVqf<T: Scalar> {
    dt: T::Param,
    config: BasicVqfConfig<T::Param>,
    ranges: ImuRanges<T>,
    period: Period<T>,
    state: BasicVqfState<T>,
}

/// What changes in a [`BasicVqf`] from step to step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BasicVqfState<T: Scalar> {
    /// Attitude without heading, and the filtered accelerometer.
    pub level: LevelFrameState<T>,
    /// Heading.
    pub heading: HeadingState<T>,
    /// Last good rate, in rad/s.
    pub rate: [T; 3],
}

impl<T: Scalar> Default for BasicVqfState<T> {
    fn default() -> Self {
        Self {
            level: LevelFrameState::default(),
            heading: HeadingState::default(),
            rate: [T::zero(); 3],
        }
    }
}

impl<T: Real> BasicVqf<T> {
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

    /// As [`step`](Self::step), with a measured period in s; a tangent, an exponential and a few
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

    /// Takes other time constants; attitude, filter and period stay.
    ///
    /// # Errors
    ///
    /// As [`build`](BasicVqfConfig::build); the filter is then unchanged.
    pub fn retune(&mut self, config: &BasicVqfConfig<T::Param>) -> Result<(), ConfigError> {
        config.check(self.dt)?;
        self.ranges = config.ranges.check()?;
        self.period = Period::new(config, self.dt);
        self.config = *config;
        Ok(())
    }
    /// Forgets everything; the next accelerometer reading starts it.
    pub fn reset(&mut self) {
        self.state = BasicVqfState::default();
    }
    /// The state.
    pub fn state(&self) -> BasicVqfState<T> {
        self.state
    }
    /// Puts a state back. One that is not an attitude counts as [`reset`](Self::reset).
    pub fn restore(&mut self, state: BasicVqfState<T>) {
        let heading = T::narrow(state.heading.offset).is_below(T::lit(4.0));
        let sound = state.level.sound().is_some() && heading;
        self.state = if sound { state } else { Default::default() };
    }
}

#[inline(always)]
fn advance<T: Real>(
    state: &mut BasicVqfState<T>,
    ranges: &ImuRanges<T>,
    config: &BasicVqfConfig<T::Param>,
    period: &Period<T>,
    gyro: [T; 3],
    accel: Option<[T; 3]>,
    mag: Option<[T; 3]>,
) -> Orientation<T> {
    if !ranges.usable_gyro(gyro) {
        return state.estimate(OrientationStatus::Held);
    }
    state.rate = gyro;
    let level = &mut state.level;
    level.turn(gyro, &period.turn);
    let Some(accel) = ranges.usable_accel(accel) else {
        let status = match level.is_level() {
            true => OrientationStatus::GyroOnly,
            false => OrientationStatus::Waiting,
        };
        return state.estimate(status);
    };
    let intake = Intake::next(&mut level.readings, &period.accel);
    level.level(accel, &intake);
    match ranges.usable_mag(mag) {
        Some(mag) => {
            let [east, north, _] = level.quaternion().to_world(mag);
            let share = period.dt / config.mag_time_constant;
            state.heading.step([east, north], period.mag, share);
            state.estimate(OrientationStatus::Headed)
        }
        None => state.estimate(OrientationStatus::Inclined),
    }
}

impl<T: Real> BasicVqfState<T> {
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
            gyro_bias: [T::zero(); 3],
            status,
        }
    }
}

impl<T: Real> Step for BasicVqf<T> {
    /// Rate in rad/s, specific force in m/s², field in any unit.
    type Input = ([T; 3], Option<[T; 3]>, Option<[T; 3]>);
    type Output = Orientation<T>;
    type State = BasicVqfState<T>;
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
