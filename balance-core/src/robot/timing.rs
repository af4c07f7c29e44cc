//! How long the loop takes: period, jitter, each stage; and what a missed deadline leads to.
//!
//! ```text
//!   begin ──sensor──▶ stage(Sensor) ──robot::tick──▶ stage(Control) ──bridge──▶ stage(Motor), end
//! ```
//!
//! All times are counts of one free-running 32-bit counter that the platform reads: microseconds,
//! or cycles. It may wrap, as long as a tick takes less than half of its range.

use crate::config::ConfigError;

/// Buckets of a [`Histogram`].
pub const BUCKETS: usize = 16;

/// How often a duration was how long, in octaves, with the longest.
///
/// Bucket 0 counts zero, bucket k durations of 2^(k−1) to 2^k − 1 counts; the last bucket also what
/// is longer. Counts saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    buckets: [u32; BUCKETS],
    max: u32,
    count: u32,
}

impl Histogram {
    /// Takes a duration. Cost: a count of leading zeros and two additions.
    #[inline]
    pub fn add(&mut self, duration: u32) {
        let octave = (u32::BITS - duration.leading_zeros()) as usize;
        if let Some(bucket) = self.buckets.get_mut(octave.min(BUCKETS - 1)) {
            *bucket = bucket.saturating_add(1);
        }
        self.max = self.max.max(duration);
        self.count = self.count.saturating_add(1);
    }
    /// The longest duration.
    pub const fn max(&self) -> u32 {
        self.max
    }
    /// How many durations were taken.
    pub const fn count(&self) -> u32 {
        self.count
    }
    /// How many fell into each bucket.
    pub const fn buckets(&self) -> &[u32; BUCKETS] {
        &self.buckets
    }
    /// A bound that at least `permille` of all durations keep: the end of a bucket, or the maximum.
    pub fn quantile(&self, permille: u32) -> u32 {
        let wanted = (u64::from(self.count) * u64::from(permille.min(1000))).div_ceil(1000);
        let mut seen = 0;
        for (octave, bucket) in self.buckets.iter().enumerate() {
            seen += u64::from(*bucket);
            if seen >= wanted && octave + 1 < BUCKETS {
                return self.max.min(((1_u64 << octave) - 1) as u32);
            }
        }
        self.max
    }
}

/// The parts of a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The sensor has been read.
    Sensor,
    /// The robot has decided.
    Control,
    /// The motors have their duties.
    Motor,
}

/// What a missed deadline leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadlinePolicy {
    /// The tick is counted, and the loop goes on with the next period.
    Skip,
    /// After so many misses in a row, telemetry and other guests shall rest until the loop has kept
    /// as many deadlines again.
    Degrade(u16),
    /// After so many misses in a row the motors shall go off.
    Trip(u16),
}

/// What the loop shall do after a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// In time.
    InTime,
    /// Late, counted.
    Late,
    /// Guests of the loop shall rest.
    Degrade,
    /// The motors shall go off.
    Trip,
}

/// Settings of a [`LoopTiming`], in counts of the platform's counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoopTimingConfig {
    /// Nominal time from tick to tick, above zero.
    pub period: u32,
    /// A tick that takes longer, from its beginning to its end, has missed its deadline; above zero,
    /// at most `period`.
    pub deadline: u32,
    /// What follows.
    pub policy: DeadlinePolicy,
}

impl Default for LoopTimingConfig {
    /// 1 kHz in microseconds, the whole period to work in, motors off after ten misses in a row.
    fn default() -> Self {
        Self {
            period: 1000,
            deadline: 1000,
            policy: DeadlinePolicy::Trip(10),
        }
    }
}

impl LoopTimingConfig {
    /// Prepares the measurement.
    ///
    /// # Errors
    /// Names the field that is zero, or a deadline beyond the period.
    pub fn build(&self) -> Result<LoopTiming, ConfigError> {
        if self.period == 0 {
            return Err(ConfigError::OutOfRange("period"));
        }
        if self.deadline == 0 {
            return Err(ConfigError::OutOfRange("deadline"));
        }
        if self.deadline > self.period {
            return Err(ConfigError::Order("deadline", "period"));
        }
        if matches!(
            self.policy,
            DeadlinePolicy::Degrade(0) | DeadlinePolicy::Trip(0)
        ) {
            return Err(ConfigError::OutOfRange("policy"));
        }
        Ok(LoopTiming {
            config: *self,
            statistics: Statistics::default(),
            began: None,
            mark: 0,
            ran: 0,
            missed_in_row: 0,
            met_in_row: 0,
            degraded: false,
            complete: false,
        })
    }
}

/// What was measured since the start, or since [`LoopTiming::clear`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// From beginning to beginning.
    pub period: Histogram,
    /// Distance of the period from the nominal one, either way.
    pub jitter: Histogram,
    /// From beginning to end.
    pub execution: Histogram,
    /// Of each [`Stage`], in their order.
    pub stages: [Histogram; 3],
    /// Ticks beyond their deadline, and ticks that were left out: a period of n nominal ones counts
    /// n − 1. Saturates.
    pub missed: u32,
}

/// Measures a loop and says when it is too slow.
///
/// ```
/// use balance_core::robot::timing::{LoopTimingConfig, Stage, Verdict};
/// let mut timing = LoopTimingConfig::default().build()?;
/// timing.begin(5_000);
/// timing.stage(Stage::Sensor, 5_410);
/// timing.stage(Stage::Control, 5_430);
/// timing.stage(Stage::Motor, 5_432);
/// assert_eq!(timing.end(5_432), Verdict::InTime);
/// assert!(timing.may_feed_watchdog());
/// assert_eq!(timing.statistics().execution.max(), 432);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LoopTiming {
    config: LoopTimingConfig,
    statistics: Statistics,
    began: Option<u32>,
    mark: u32,
    /// One bit a stage.
    ran: u8,
    missed_in_row: u16,
    met_in_row: u16,
    degraded: bool,
    /// The last tick was whole and in time.
    complete: bool,
}

const ALL_STAGES: u8 = 0b111;

impl LoopTiming {
    /// A tick begins.
    #[inline]
    pub fn begin(&mut self, now: u32) {
        if let Some(began) = self.began {
            let period = now.wrapping_sub(began);
            self.statistics.period.add(period);
            let nominal = self.config.period;
            self.statistics.jitter.add(period.abs_diff(nominal));
            // A period and a half is a tick that was left out.
            if period > nominal.saturating_add(nominal / 2) {
                let periods = period.saturating_add(nominal / 2).checked_div(nominal);
                let lost = periods.unwrap_or(0).saturating_sub(1);
                self.statistics.missed = self.statistics.missed.saturating_add(lost);
            }
        }
        self.began = Some(now);
        self.mark = now;
        self.ran = 0;
        self.complete = false;
    }

    /// A stage has been completed.
    #[inline]
    pub fn stage(&mut self, stage: Stage, now: u32) {
        let index = stage as usize;
        if let Some(histogram) = self.statistics.stages.get_mut(index) {
            histogram.add(now.wrapping_sub(self.mark));
        }
        self.mark = now;
        self.ran |= 1 << index;
    }

    /// The tick is done.
    #[inline]
    pub fn end(&mut self, now: u32) -> Verdict {
        let Some(began) = self.began else {
            return Verdict::InTime;
        };
        let execution = now.wrapping_sub(began);
        self.statistics.execution.add(execution);
        let in_time = execution <= self.config.deadline;
        self.complete = in_time && self.ran == ALL_STAGES;
        if in_time {
            self.missed_in_row = 0;
            self.met_in_row = self.met_in_row.saturating_add(1);
        } else {
            self.statistics.missed = self.statistics.missed.saturating_add(1);
            self.missed_in_row = self.missed_in_row.saturating_add(1);
            self.met_in_row = 0;
        }
        self.verdict(in_time)
    }

    fn verdict(&mut self, in_time: bool) -> Verdict {
        let plain = if in_time {
            Verdict::InTime
        } else {
            Verdict::Late
        };
        match self.config.policy {
            DeadlinePolicy::Skip => plain,
            DeadlinePolicy::Trip(after) if self.missed_in_row >= after => Verdict::Trip,
            DeadlinePolicy::Trip(_) => plain,
            DeadlinePolicy::Degrade(after) => {
                if self.missed_in_row >= after {
                    self.degraded = true;
                } else if self.met_in_row >= after {
                    self.degraded = false;
                }
                if self.degraded {
                    Verdict::Degrade
                } else {
                    plain
                }
            }
        }
    }

    /// Whether the last tick ran all of its stages in time: only then may a hardware watchdog be
    /// fed. A loop that turns but no longer reads its sensor, or no longer sets its motors, is dead.
    pub const fn may_feed_watchdog(&self) -> bool {
        self.complete
    }

    /// What was measured.
    pub const fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// Begins to measure anew; misses in a row still count.
    pub fn clear(&mut self) {
        self.statistics = Statistics::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(timing: &mut LoopTiming, start: u32, execution: u32) -> Verdict {
        timing.begin(start);
        timing.stage(Stage::Sensor, start.wrapping_add(execution / 2));
        timing.stage(Stage::Control, start.wrapping_add(execution / 4 * 3));
        timing.stage(Stage::Motor, start.wrapping_add(execution));
        timing.end(start.wrapping_add(execution))
    }

    fn with(policy: DeadlinePolicy) -> LoopTiming {
        LoopTimingConfig {
            deadline: 800,
            policy,
            ..Default::default()
        }
        .build()
        .unwrap()
    }

    #[test]
    fn a_histogram_puts_each_duration_into_its_octave() {
        let mut histogram = Histogram::default();
        for duration in [0, 1, 2, 3, 4, 7, 8, u32::MAX] {
            histogram.add(duration);
        }
        assert_eq!(histogram.buckets()[..5], [1, 1, 2, 2, 1]);
        assert_eq!(histogram.buckets()[BUCKETS - 1], 1);
        assert_eq!((histogram.count(), histogram.max()), (8, u32::MAX));
    }

    #[test]
    fn a_quantile_bounds_its_share_of_the_durations() {
        let mut histogram = Histogram::default();
        for duration in 0..1000 {
            histogram.add(duration);
        }
        for permille in [0, 1, 500, 900, 999, 1000] {
            let bound = histogram.quantile(permille);
            assert!(bound < 1000 && bound + 1 >= permille, "{permille} {bound}");
        }
        assert_eq!(Histogram::default().quantile(999), 0);
    }

    #[test]
    fn times_are_right_across_the_wrap_of_the_counter() {
        let mut timing = with(DeadlinePolicy::Skip);
        for k in 0..10_u32 {
            let start = (u32::MAX - 4500).wrapping_add(1000 * k);
            assert_eq!(tick(&mut timing, start, 400), Verdict::InTime);
        }
        let statistics = timing.statistics();
        assert_eq!(statistics.period.max(), 1000);
        assert_eq!(statistics.jitter.max(), 0);
        assert_eq!(statistics.stages.map(|stage| stage.max()), [200, 100, 100]);
        assert_eq!(statistics.missed, 0);
    }

    #[test]
    fn no_overrun_is_silent() {
        let mut timing = with(DeadlinePolicy::Skip);
        assert_eq!(tick(&mut timing, 0, 801), Verdict::Late);
        assert!(!timing.may_feed_watchdog());
        assert_eq!(tick(&mut timing, 1000, 800), Verdict::InTime);
        assert!(timing.may_feed_watchdog());
        // Two ticks left out.
        tick(&mut timing, 4000, 100);
        assert_eq!(timing.statistics().missed, 3);
        // A late one, not left out.
        tick(&mut timing, 5400, 100);
        assert_eq!(timing.statistics().missed, 3);
    }

    #[test]
    fn trips_after_misses_in_a_row_only() {
        let mut timing = with(DeadlinePolicy::Trip(3));
        let mut verdicts = [900, 900, 100, 900, 900, 900, 100].into_iter();
        let seen: [Verdict; 7] =
            core::array::from_fn(|k| tick(&mut timing, 1000 * k as u32, verdicts.next().unwrap()));
        use Verdict::{InTime, Late, Trip};
        assert_eq!(seen, [Late, Late, InTime, Late, Late, Trip, InTime]);
    }

    #[test]
    fn degrades_until_as_many_deadlines_are_kept() {
        let mut timing = with(DeadlinePolicy::Degrade(2));
        use Verdict::{Degrade, InTime, Late};
        let durations = [900, 900, 100, 100, 100];
        let mut k = 0;
        let seen = durations.map(|execution| {
            k += 1;
            tick(&mut timing, 1000 * k, execution)
        });
        assert_eq!(seen, [Late, Degrade, Degrade, InTime, InTime]);
    }

    #[test]
    fn the_watchdog_is_not_fed_when_a_stage_is_missing() {
        for left_out in [Stage::Sensor, Stage::Control, Stage::Motor] {
            let mut timing = with(DeadlinePolicy::Skip);
            timing.begin(0);
            for stage in [Stage::Sensor, Stage::Control, Stage::Motor] {
                if stage != left_out {
                    timing.stage(stage, 10);
                }
            }
            timing.end(20);
            assert!(!timing.may_feed_watchdog(), "{left_out:?}");
        }
    }

    #[test]
    fn refuses_settings_that_make_no_sense() {
        let ok = LoopTimingConfig::default();
        let bad = [
            LoopTimingConfig { period: 0, ..ok },
            LoopTimingConfig { deadline: 0, ..ok },
            LoopTimingConfig {
                deadline: 1001,
                ..ok
            },
            LoopTimingConfig {
                policy: DeadlinePolicy::Trip(0),
                ..ok
            },
        ];
        for config in bad {
            assert!(config.build().is_err(), "{config:?}");
        }
    }
}
