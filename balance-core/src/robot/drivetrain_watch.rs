//! Watches over encoders, speed, battery and the tick itself.

use super::config::{Chassis, Limits};
use super::supervisor::Stop;
use crate::math::Scalar;
use crate::time::Instant;

/// Compares what the wheels count with what the gyroscope feels.
#[derive(Clone, Copy, Debug)]
pub(super) struct EncoderWatch<T: Scalar> {
    yaw_per_count: T::Short,
    yaw_per_gyro: T::Short,
    limit: T,
    window: u16,
    ticks: u16,
    difference: i32,
    gyro: i32,
    /// A wheel has counted in this window.
    moved: bool,
    /// The motors were driven hard in all of this window.
    hard: bool,
    suspicious: u8,
    blocked: u8,
}

impl<T: Scalar> EncoderWatch<T> {
    pub(super) fn new(
        chassis: &Chassis<T::Param>,
        limits: &Limits<T::Param>,
        gyro_scale: T::Param,
        period: T::Param,
    ) -> Self {
        type P<T> = <T as Scalar>::Param;
        let metres =
            <P<T> as crate::math::Real>::TAU * chassis.wheel_radius / chassis.counts_per_revolution;
        let window = limits.encoder_window_ticks.max(1);
        let seconds = period * P::<T>::lit(f64::from(window));
        Self {
            yaw_per_count: T::short(metres / chassis.track),
            yaw_per_gyro: T::short(gyro_scale * period),
            limit: T::from_param(limits.yaw_mismatch * seconds),
            window,
            ticks: 0,
            difference: 0,
            gyro: 0,
            moved: false,
            hard: true,
            suspicious: 0,
            blocked: 0,
        }
    }

    pub(super) fn reset(&mut self) {
        (self.ticks, self.suspicious, self.blocked) = (0, 0, 0);
        self.clear();
    }

    fn clear(&mut self) {
        (self.difference, self.gyro) = (0, 0);
        (self.moved, self.hard) = (false, true);
    }

    /// One tick: counts of each wheel, yaw in counts of the gyroscope, and whether the motors are
    /// driven hard.
    #[inline(never)]
    pub(super) fn step(&mut self, [left, right]: [i32; 2], gyro: i32, hard: bool) -> Option<Stop> {
        self.difference = self.difference.saturating_add(right.saturating_sub(left));
        self.gyro = self.gyro.saturating_add(gyro);
        self.moved |= left | right != 0;
        self.hard &= hard;
        self.ticks = self.ticks.saturating_add(1);
        if self.ticks >= self.window {
            self.compare();
        }
        (self.suspicious >= 2 || self.blocked >= 3).then_some(Stop::Encoder)
    }

    /// Judges a window, and begins the next.
    #[inline(never)]
    fn compare(&mut self) {
        self.ticks = 0;
        let wheels = T::from_counts_short(self.difference, self.yaw_per_count);
        let felt = T::from_counts_short(self.gyro, self.yaw_per_gyro);
        let apart = !(wheels - felt).is_below(self.limit);
        self.suspicious = if apart {
            self.suspicious.saturating_add(1)
        } else {
            0
        };
        // Full drive for a whole window, and not a count from either wheel.
        let blocked = self.hard && !self.moved;
        self.blocked = if blocked {
            self.blocked.saturating_add(1)
        } else {
            0
        };
        self.clear();
    }
}

/// Counts how long something has been wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Patience {
    ticks: u16,
}

impl Patience {
    /// Whether it has been wrong for more than `most` ticks without a break.
    #[inline(always)]
    pub(super) fn is_over(&mut self, wrong: bool, most: u16) -> bool {
        if !wrong {
            self.ticks = 0;
            return false;
        }
        self.ticks = self.ticks.saturating_add(1);
        self.ticks > most
    }
}

/// Watches the time from tick to tick.
#[derive(Clone, Copy, Debug)]
pub(super) struct TickWatch {
    last: Option<Instant>,
    nominal: u32,
    max_gap: u32,
    /// Late ticks that are borne, as a score.
    max_score: u32,
    /// Late ticks count four, timely ones take one off.
    score: u32,
    late_total: u32,
}

impl TickWatch {
    pub(super) fn new(nominal_micros: u32, max_gap_micros: u32, max_late_ticks: u16) -> Self {
        Self {
            last: None,
            nominal: nominal_micros,
            max_gap: max_gap_micros,
            max_score: u32::from(max_late_ticks) * 4,
            score: 0,
            late_total: 0,
        }
    }

    /// Microseconds since the last tick.
    #[inline(always)]
    pub(super) fn period(&mut self, now: Instant) -> u32 {
        let last = self.last.replace(now);
        last.map_or(self.nominal, |last| now.micros_since(last))
    }

    /// Whether a period is off the nominal one by more than a 64th.
    #[inline(always)]
    pub(super) fn is_irregular(&self, period: u32) -> bool {
        period.abs_diff(self.nominal) > self.nominal / 64
    }

    /// Takes the time since the last tick.
    #[inline(always)]
    pub(super) fn step(&mut self, period: u32) -> Option<Stop> {
        if period > self.nominal.saturating_add(self.nominal / 2) {
            self.late_total = self.late_total.saturating_add(1);
            self.score = self.score.saturating_add(4);
        } else {
            self.score = self.score.saturating_sub(1);
        }
        let over = period > self.max_gap || self.score > self.max_score;
        over.then_some(Stop::Overrun)
    }

    pub(super) fn late_total(&self) -> u32 {
        self.late_total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;

    fn encoder_watch<T: Scalar>() -> EncoderWatch<T> {
        type P<T> = <T as Scalar>::Param;
        let chassis = Chassis {
            wheel_radius: P::<T>::lit(0.04),
            track: P::<T>::lit(0.15),
            counts_per_revolution: P::<T>::lit(1920.0),
            speed_time_constant: P::<T>::lit(0.006),
        };
        let gyro = P::<T>::lit(1.0 / 65.5 * core::f64::consts::PI / 180.0);
        EncoderWatch::new(&chassis, &Limits::default(), gyro, P::<T>::lit(0.001))
    }

    /// Ticks until the fault, of a second at 1 m/s straight on.
    fn driving<T: Scalar>(left: i32, right: i32, gyro: i32) -> Option<i32> {
        let mut watch = encoder_watch::<T>();
        (0..1000).find(|_| watch.step([left, right], gyro, false).is_some())
    }

    #[test]
    fn a_lost_encoder_is_found_and_a_turn_is_none() {
        // 8 counts a millisecond are 1.05 m/s.
        assert_eq!(driving::<f32>(8, 8, 0), None);
        assert_eq!(driving::<f32>(0, 8, 0), Some(99));
        assert_eq!(driving::<Q12>(8, 0, 0), Some(99));
        // The wheels' 7 rad/s of yaw, felt by the gyroscope: 26,200 counts.
        assert_eq!(driving::<f32>(0, 8, 26_200), None);
        assert_eq!(driving::<f32>(0, 8, -26_200), Some(99));
    }

    #[test]
    fn wheels_that_stand_under_full_drive_are_found() {
        let mut watch = encoder_watch::<f32>();
        assert_eq!(
            (0..1000).find(|_| watch.step([0; 2], 0, true).is_some()),
            Some(149)
        );
        watch.reset();
        assert_eq!(
            (0..1000).find(|_| watch.step([0; 2], 0, false).is_some()),
            None
        );
    }

    #[test]
    fn jitter_is_counted_and_borne_but_not_for_ever() {
        let mut watch = TickWatch::new(1000, 20_000, 20);
        let every_fifth = |n: u32| if n.is_multiple_of(5) { 1700 } else { 900 };
        assert!((0..10_000).all(|n| watch.step(every_fifth(n)).is_none()));
        assert_eq!(watch.late_total(), 2000);
        assert_eq!((0..100).find(|_| watch.step(1600).is_some()), Some(20));
        let mut watch = TickWatch::new(1000, 20_000, 20);
        assert_eq!(watch.step(20_001), Some(Stop::Overrun));
    }
}
