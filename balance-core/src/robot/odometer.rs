//! From encoder counts to the way of a tick and the speed of the wheels.

use super::config::Chassis;
use crate::config::ConfigError;
use crate::estimation::wheel_speed::{WheelSpeed, WheelSpeedConfig};
use crate::math::Scalar;
use crate::sensor::Sample;
use crate::time::Instant;

/// Follows both encoders.
#[derive(Clone, Debug)]
pub(super) struct Odometer<T: Scalar> {
    /// Counts of each wheel since the last tick, and of both together.
    pub(super) counts: [i32; 2],
    pub(super) moved: i32,
    last: Option<[i32; 2]>,
    max_age_micros: u32,
    wheels: WheelSpeed<T>,
}

impl<T: Scalar> Odometer<T> {
    pub(super) fn new(
        chassis: &Chassis<T::Param>,
        max_age_micros: u32,
        dt: T::Param,
    ) -> Result<Self, ConfigError> {
        // Both wheels are counted together: the mean speed with twice the resolution.
        let wheels = WheelSpeedConfig {
            counts_per_revolution: T::Param::lit(2.0) * chassis.counts_per_revolution,
            time_constant: chassis.speed_time_constant,
            ..Default::default()
        };
        Ok(Self {
            counts: [0; 2],
            moved: 0,
            last: None,
            max_age_micros,
            wheels: wheels.build(dt)?,
        })
    }

    /// Takes a tick's readings; without a fresh one nothing has moved.
    #[inline(never)]
    pub(super) fn step(&mut self, now: Instant, encoders: &Sample<[i32; 2]>) {
        let Some(&[left, right]) = encoders.fresh(now, self.max_age_micros) else {
            (self.counts, self.moved) = ([0; 2], 0);
            return;
        };
        let [last_left, last_right] = self.last.unwrap_or([left, right]);
        let [left_way, right_way] = [left.wrapping_sub(last_left), right.wrapping_sub(last_right)];
        self.last = Some([left, right]);
        self.counts = [left_way, right_way];
        self.moved = left_way.wrapping_add(right_way);
    }

    /// Mean speed of the wheels against the body, in rad/s; once a tick.
    #[inline(never)]
    pub(super) fn wheel_speed(&mut self) -> T {
        let [left, right] = self.last.unwrap_or_default();
        self.wheels.step(left.wrapping_add(right)).speed
    }
}
