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
    /// Of each wheel, and of the gyroscope, when this window began.
    counts: [i32; 2],
    yaw: i32,
    /// The motors were driven hard in all of this window.
    pub(super) hard: bool,
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
            counts: [0; 2],
            yaw: 0,
            hard: true,
            suspicious: 0,
            blocked: 0,
        }
    }

    /// Begins anew from what wheels and gyroscope have counted.
    pub(super) fn reset(&mut self, counts: [i32; 2], yaw: i32) {
        (self.suspicious, self.blocked) = (0, 0);
        self.begin(counts, yaw);
    }

    fn begin(&mut self, counts: [i32; 2], yaw: i32) {
        self.ticks = 0;
        (self.counts, self.yaw) = (counts, yaw);
        self.hard = true;
    }

    /// After so many ticks: what each wheel and the gyroscope about up have counted; all may wrap.
    #[inline(always)]
    pub(super) fn step(&mut self, ticks: u16, counts: [i32; 2], yaw: i32) -> Option<Stop> {
        self.ticks = self.ticks.saturating_add(ticks);
        if self.ticks < self.window {
            return None;
        }
        self.compare(counts, yaw)
    }

    /// Judges a window, and begins the next.
    #[inline(never)]
    fn compare(&mut self, counts: [i32; 2], yaw: i32) -> Option<Stop> {
        let [left, right] = counts;
        let [left_way, right_way] = [
            left.wrapping_sub(self.counts[0]),
            right.wrapping_sub(self.counts[1]),
        ];
        let wheels = T::from_counts_short(right_way.wrapping_sub(left_way), self.yaw_per_count);
        let felt = T::from_counts_short(yaw.wrapping_sub(self.yaw), self.yaw_per_gyro);
        let in_a_row = |so_far: u8, wrong: bool| if wrong { so_far.saturating_add(1) } else { 0 };
        let apart = !(wheels - felt).is_below(self.limit);
        self.suspicious = in_a_row(self.suspicious, apart);
        // Full drive for a whole window, and neither wheel has got anywhere.
        let blocked = self.hard && left_way | right_way == 0;
        self.blocked = in_a_row(self.blocked, blocked);
        self.begin(counts, yaw);
        (self.suspicious >= 2 || self.blocked >= 3).then_some(Stop::Encoder)
    }
}

/// Counts how long something has been wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Patience {
    ticks: u16,
}

impl Patience {
    /// Whether it has been wrong for more than `most` ticks without a break; so many have passed
    /// since it was asked last.
    #[inline(always)]
    pub(super) fn is_over(&mut self, wrong: bool, ticks: u16, most: u16) -> bool {
        if !wrong {
            self.ticks = 0;
            return false;
        }
        self.ticks = self.ticks.saturating_add(ticks);
        self.ticks > most
    }
}

/// Watches the time from tick to tick.
#[derive(Clone, Copy, Debug)]
pub(super) struct TickWatch {
    last: Instant,
    started: bool,
    /// The last period, in µs.
    pub(super) period: u32,
    /// The same, where it is off the nominal one by more than a 64th.
    pub(super) irregular: Option<u32>,
    /// Late ticks since start.
    pub(super) late_total: u32,
    /// Late ticks count four, timely ones take one off.
    score: u32,
    nominal: u32,
    /// A 64th of it.
    tolerance: u32,
    max_gap: u32,
    /// Late ticks that are borne, as a score.
    max_score: u32,
}

impl TickWatch {
    pub(super) fn new(nominal_micros: u32, max_gap_micros: u32, max_late_ticks: u16) -> Self {
        Self {
            last: Instant::default(),
            started: false,
            period: nominal_micros,
            irregular: None,
            late_total: 0,
            // So that the first tick is looked at.
            score: 1,
            nominal: nominal_micros,
            tolerance: nominal_micros / 64,
            max_gap: max_gap_micros,
            max_score: u32::from(max_late_ticks) * 4,
        }
    }

    /// Takes the time of a tick.
    #[inline(always)]
    pub(super) fn step(&mut self, now: Instant) -> Option<Stop> {
        let period = now.micros_since(self.last);
        self.last = now;
        self.period = period;
        // One comparison: what is below the range wraps to far above it.
        let above_least = period.wrapping_sub(self.nominal.wrapping_sub(self.tolerance));
        if above_least <= self.tolerance << 1 && self.score == 0 {
            self.irregular = None;
            return None;
        }
        self.judge(period)
    }

    #[inline(never)]
    fn judge(&mut self, period: u32) -> Option<Stop> {
        if !self.started {
            // Since when, nobody knows.
            (self.started, self.score) = (true, 0);
            self.period = self.nominal;
            return None;
        }
        let is_off = period.abs_diff(self.nominal) > self.tolerance;
        self.irregular = is_off.then_some(period);
        if period > self.nominal.saturating_add(self.nominal / 2) {
            self.late_total = self.late_total.saturating_add(1);
            self.score = self.score.saturating_add(4);
        } else {
            self.score = self.score.saturating_sub(1);
        }
        let over = period > self.max_gap || self.score > self.max_score;
        over.then_some(Stop::Overrun)
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

    /// Ticks until the fault, of a second at so many counts a tick.
    fn driving<T: Scalar>(left: i32, right: i32, gyro: i32) -> Option<i32> {
        let mut watch = encoder_watch::<T>();
        watch.reset([7, -5], i32::MAX);
        (0..1000).find(|k| {
            let counts = [7 + left * (k + 1), -5 + right * (k + 1)];
            let yaw = i32::MAX.wrapping_add(gyro * (k + 1));
            watch.step(1, counts, yaw).is_some()
        })
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
        let after = |hard: bool| {
            let mut watch = encoder_watch::<f32>();
            (0..1000).find(|_| {
                watch.hard &= hard;
                watch.step(1, [3, 4], 0).is_some()
            })
        };
        // The first window began elsewhere.
        assert_eq!(after(true), Some(199));
        assert_eq!(after(false), None);
    }

    #[test]
    fn jitter_is_counted_and_borne_but_not_for_ever() {
        let watch = || {
            let mut watch = TickWatch::new(1000, 20_000, 20);
            assert_eq!(watch.step(Instant::from_micros(0)), None);
            watch
        };
        // How many of these periods pass before the fault.
        let borne = |watch: &mut TickWatch, periods: &[u64]| {
            let mut now = watch.last;
            periods.iter().position(|period| {
                now = Instant::from_micros(now.as_micros() + period);
                watch.step(now).is_some()
            })
        };
        let mut often = watch();
        let often_late: [u64; 10_000] =
            core::array::from_fn(|n| if n.is_multiple_of(5) { 1700 } else { 900 });
        assert_eq!(borne(&mut often, &often_late), None);
        assert_eq!((often.late_total, often.irregular), (2000, Some(900)));
        assert_eq!(borne(&mut watch(), &[1600; 100]), Some(20));
        assert_eq!(borne(&mut watch(), &[1000, 20_001]), Some(1));
        let mut regular = watch();
        assert_eq!(borne(&mut regular, &[1015, 985, 1000]), None);
        assert_eq!((regular.period, regular.irregular), (1000, None));
        assert_eq!(borne(&mut regular, &[1016]), None);
        assert_eq!(regular.irregular, Some(1016));
    }
}
