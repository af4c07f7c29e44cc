//! From encoder counts to the way of a tick and the speed of the wheels.

use super::config::Chassis;
use crate::config::ConfigError;
use crate::estimation::wheel_speed::{WheelSpeed, WheelSpeedConfig};
use crate::math::{Real, Scalar};
use crate::sensor::Sample;
use crate::time::Instant;

/// Follows both encoders.
#[derive(Clone, Debug)]
pub(super) struct Odometer<T: Scalar> {
    /// Counts of both wheels together since the last step.
    pub(super) moved: i32,
    /// Speed of the axle over the ground for a body that does not turn, in m/s.
    pub(super) speed: T,
    /// The last good reading of each wheel.
    pub(super) counts: [i32; 2],
    /// Their sum.
    total: i32,
    known: bool,
    max_age_micros: u32,
    speed_per_part: T::Short,
    wheels: WheelSpeed<T>,
}

impl<T: Scalar> Odometer<T> {
    /// Stepped every `dt`; `held` is how much longer than a tick that is.
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
        let metres_per_part = T::Param::TAU * chassis.wheel_radius
            / wheels.counts_per_revolution
            / T::Param::lit(f64::from(1 << 20));
        Ok(Self {
            moved: 0,
            speed: T::zero(),
            counts: [0; 2],
            total: 0,
            known: false,
            max_age_micros,
            speed_per_part: T::short(metres_per_part / dt),
            wheels: wheels.build(dt)?,
        })
    }

    /// Takes a reading; without a fresh one nothing has moved.
    #[inline(never)]
    pub(super) fn step(&mut self, now: Instant, encoders: &Sample<[i32; 2]>) {
        self.moved = 0;
        if let Some(&[left, right]) = encoders.fresh(now, self.max_age_micros) {
            let total = left.wrapping_add(right);
            if self.known {
                self.moved = total.wrapping_sub(self.total);
            }
            self.known = true;
            self.total = total;
            self.counts = [left, right];
        }
        let parts = self.wheels.step_parts(self.total);
        self.speed = T::from_counts_short(parts, self.speed_per_part);
    }
}
