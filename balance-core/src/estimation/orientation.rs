//! What every filter of a whole attitude takes and gives.

use crate::math::vector::{inner, is_below};
use crate::math::{Float, Quaternion, Real, Scalar};
use crate::{ConfigError, config};

/// What an orientation was made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OrientationStatus {
    /// No accelerometer reading has been seen yet: the attitude is only the turn since the start.
    #[default]
    Waiting,
    /// The gyroscope carried the attitude; the accelerometer was missing or unusable.
    GyroOnly,
    /// Gyroscope and accelerometer were used.
    Inclined,
    /// Gyroscope, accelerometer and magnetometer were used.
    Headed,
    /// The rate or the period was unusable: the last good estimate stands.
    Held,
}

/// An attitude and what comes with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Orientation<T> {
    /// From the body's axes (x forward, y left, z up) to the world's. World: z up; with a magnetometer
    /// x east and y north, without one the heading starts as the shortest turn from level and
    /// drifts with the gyroscope.
    pub attitude: Quaternion<T>,
    /// Rate without bias, in rad/s about the body's axes.
    pub rate: [T; 3],
    /// Bias of the gyroscope, in rad/s; zero for a filter that does not estimate it.
    pub gyro_bias: [T; 3],
    /// What was used.
    pub status: OrientationStatus,
}

impl<T: Real> Orientation<T> {
    /// The attitude after another `time`, in s, if the rate stays: makes up for the lag of the sensor's low-pass
    /// (an MPU-6050 at 44 Hz reports 4.9 ms late) and of the actuator. By one step of Euler's, for
    /// small turns: off by 8e-5 rad for a turn of a tenth of a radian, a twelfth of the cube.
    ///
    /// ```
    /// use balance_core::estimation::Orientation;
    /// use balance_core::math::Quaternion;
    /// let now = Orientation {
    ///     attitude: Quaternion::<f64>::identity(),
    ///     rate: [0.0, 0.0, 2.0],
    ///     gyro_bias: [0.0; 3],
    ///     status: Default::default(),
    /// };
    /// assert!((now.ahead(0.005).yaw() - 0.01).abs() < 1e-6); // 2 rad/s for 5 ms
    /// ```
    #[must_use]
    pub fn ahead(&self, time: T::Param) -> Quaternion<T> {
        let half = T::gain(time * T::Param::lit(0.5));
        let change = self.attitude.times_vector(self.rate).map(|c| c.scale(half));
        let Quaternion { w, x, y, z } = self.attitude;
        let [dw, dx, dy, dz] = change;
        let later = Quaternion::from_array([w + dw, x + dx, y + dy, z + dz]);
        later.normalised().unwrap_or(self.attitude)
    }
}

/// Specific force on all axes, in m/s², below which a robot falls and nothing points up.
const FALL: f64 = 0.1;

/// Where the readings of a sensor end: at or beyond, they are taken for saturated and left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImuRanges<P> {
    /// Largest rate on an axis, in rad/s, above zero. Set it to just below what the sensor can
    /// say (±250 °/s is 4.36 rad/s). Too small: fast turns hold the estimate. Too large: a turn
    /// beyond the range of the sensor is integrated as if it were at its end.
    pub gyro: P,
    /// Largest specific force on an axis, in m/s², above zero. Too large: clipped shocks pull the
    /// estimate.
    pub accel: P,
    /// Largest field on an axis, in the unit of the magnetometer, above zero.
    pub mag: P,
}

impl<P: Float> Default for ImuRanges<P> {
    /// 100 rad/s, 1000 m/s² and 10⁶: more than any sensor of this kind has.
    fn default() -> Self {
        Self {
            gyro: P::lit(100.0),
            accel: P::lit(1000.0),
            mag: P::lit(1e6),
        }
    }
}

impl<P: Float> ImuRanges<P> {
    pub(super) fn check<T: Scalar<Param = P>>(&self) -> Result<ImuRanges<T>, ConfigError> {
        Ok(ImuRanges {
            gyro: T::from_param(config::positive("ranges.gyro", self.gyro)?),
            // The square of a reading is a float.
            accel: T::from_param(config::positive("ranges.accel", self.accel)?)
                .limit(T::lit(1e-9), T::lit(1e18)),
            mag: T::from_param(config::positive("ranges.mag", self.mag)?),
        })
    }
}

impl<T: Real> ImuRanges<T> {
    /// Whether a rate may be integrated.
    #[inline(always)]
    pub(super) fn usable_gyro(&self, gyro: [T; 3]) -> bool {
        is_below(gyro, self.gyro)
    }
    /// A specific force, unless it is missing, saturated, or a fall in which nothing points up.
    #[inline(always)]
    pub(super) fn usable_accel(&self, accel: Option<[T; 3]>) -> Option<[T; 3]> {
        accel.filter(|&a| is_below(a, self.accel) && !is_below(a, T::lit(FALL)))
    }
    /// The direction of a specific force.
    #[inline(always)]
    pub(super) fn up(&self, accel: Option<[T; 3]>) -> Option<[T; 3]> {
        accel.and_then(|a| T::direction(a, T::lit(FALL), self.accel))
    }
    /// A field, unless it is missing, saturated or too small for a direction.
    #[inline(always)]
    pub(super) fn usable_mag(&self, mag: Option<[T; 3]>) -> Option<[T; 3]> {
        let nothing = |m: [T; 3]| is_below(m, T::lit(1e-9)) || m == [T::zero(); 3];
        mag.filter(|&m| is_below(m, self.mag) && !nothing(m))
    }
    /// The direction of a field.
    #[inline(always)]
    pub(super) fn field(&self, mag: Option<[T; 3]>) -> Option<[T; 3]> {
        self.usable_mag(mag).and_then(T::unit)
    }
}

/// What the filters of Mahony and Madgwick carry from step to step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrientationState<T: Scalar> {
    /// From the body's axes to the world's, `[w, x, y, z]`.
    pub attitude: [T::Wide; 4],
    /// Bias of the gyroscope, in rad/s.
    pub gyro_bias: [T::Wide; 3],
    /// Last good rate without bias, in rad/s.
    pub rate: [T; 3],
    /// Whether an accelerometer reading has been seen.
    pub level: bool,
    /// Whether a magnetometer reading has been seen.
    pub headed: bool,
}

impl<T: Scalar> Default for OrientationState<T> {
    /// Level, and nothing seen yet.
    fn default() -> Self {
        Self {
            attitude: Quaternion::<T>::identity().to_array().map(T::widen),
            gyro_bias: [T::zero(); 3].map(T::widen),
            rate: [T::zero(); 3],
            level: false,
            headed: false,
        }
    }
}

impl<T: Real> OrientationState<T> {
    #[inline(always)]
    pub(super) fn quaternion(&self) -> Quaternion<T> {
        Quaternion::from_array(self.attitude.map(T::narrow))
    }

    /// Starts from the first reading of a sensor: the inclination from the first accelerometer
    /// reading, the heading from the first magnetometer reading. Whether it did so: the reading
    /// is then used up, and the rate belongs to the time before it.
    #[inline(always)]
    pub(super) fn meet(&mut self, up: [T; 3], field: Option<[T; 3]>) -> bool {
        let new = !(self.level && (self.headed || field.is_none()));
        if new {
            // A copy: what a call takes by address would else lie in memory in every step.
            let [x, y, z] = up;
            self.start([x, y, z], field);
        }
        new
    }

    #[cold]
    #[inline(never)]
    fn start(&mut self, up: [T; 3], field: Option<[T; 3]>) {
        let level = if self.level {
            self.quaternion().up()
        } else {
            up
        };
        let headed = field.and_then(|field| Quaternion::from_up_and_north(level, field));
        self.headed |= headed.is_some();
        if let Some(q) = headed.or_else(|| Quaternion::from_up(level)) {
            // An attitude that is level already keeps its heading unless there is a better one.
            if headed.is_some() || !self.level {
                self.attitude = q.to_array().map(T::widen);
            }
            self.level = true;
        }
    }

    /// `attitude + half_dt · change`, at length one.
    #[inline(always)]
    pub(super) fn turn(&mut self, change: [T; 4], half_dt: T::Gain) {
        let [w, x, y, z] = self.attitude;
        let [dw, dx, dy, dz] = change;
        let turned = [
            T::accumulate(w, half_dt, dw),
            T::accumulate(x, half_dt, dx),
            T::accumulate(y, half_dt, dy),
            T::accumulate(z, half_dt, dz),
        ];
        if let Some(unit) = T::unit_wide(turned) {
            self.attitude = unit;
        }
    }

    #[inline(always)]
    pub(super) fn estimate(&self, status: OrientationStatus) -> Orientation<T> {
        Orientation {
            attitude: self.quaternion(),
            rate: self.rate,
            gyro_bias: self.gyro_bias.map(T::narrow),
            status,
        }
    }

    /// A state that comes from elsewhere; one that is not an attitude counts as rest.
    pub(super) fn sound(self) -> Self {
        let [w, x, y, z] = self.attitude.map(T::narrow);
        let square = w * w + inner([x, y, z], [x, y, z]);
        let bias = self.gyro_bias.map(T::narrow);
        let sound = square > T::lit(0.5)
            && square < T::lit(1.5)
            && is_below(bias, T::lit(100.0))
            && is_below(self.rate, T::MAX);
        if sound { self } else { Self::default() }
    }
}

/// Whether a measured period may be used: above zero and at most ten times the nominal one.
#[inline(always)]
pub(super) fn is_period<P: Float>(dt: P, nominal: P) -> bool {
    dt > P::zero() && dt <= nominal * P::lit(10.0)
}
