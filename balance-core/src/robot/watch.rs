//! Watches over the inertial sensor: is a reading fresh, in range, alive?

use super::supervisor::Stop;
use crate::sensor::{ImuCounts, Sample};
use crate::time::Instant;

/// How long what may be borne, in ticks or microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImuLimits {
    /// A reading older than this is no reading, in µs.
    pub max_age_micros: u32,
    /// Ticks without a believable reading before the motors go off.
    pub max_bad_ticks: u16,
    /// Ticks of the very same twelve bytes before the sensor counts as frozen. A live sensor's
    /// noise changes a bit in nearly every reading.
    pub max_same_ticks: u16,
}

impl Default for ImuLimits {
    /// For a loop of 1 kHz: 5 ms, 100 ms, 50 ms.
    fn default() -> Self {
        Self {
            max_age_micros: 5_000,
            max_bad_ticks: 100,
            max_same_ticks: 50,
        }
    }
}

/// The count from which on a channel is taken as saturated.
const FULL_SCALE: i16 = 32_700;

#[inline(always)]
fn is_saturated(axis: i16) -> bool {
    // One comparison: what is below the range wraps to far above it.
    (axis as u16).wrapping_add(FULL_SCALE as u16 - 1) > 2 * (FULL_SCALE as u16 - 1)
}

/// Six axes in a word. Another reading may give the same word, but no live sensor does so for dozens
/// of readings in a row.
#[inline(always)]
fn folded(axes: [i16; 6]) -> u32 {
    let [a, b, c, d, e, f] = axes.map(|axis| u32::from(axis as u16));
    let (high, low) = (a.wrapping_add(d << 3), b.wrapping_add(e << 5));
    (high << 13)
        .wrapping_add(low << 7)
        .wrapping_add(c)
        .wrapping_add(f << 2)
}

/// Remembers the last readings.
#[derive(Clone, Copy, Debug)]
pub(super) struct ImuWatch {
    limits: ImuLimits,
    /// The last reading, folded into a word.
    last: u32,
    last_time: Instant,
    same_ticks: u16,
    bad_ticks: u16,
    bad_total: u32,
    why: Option<Stop>,
}

impl ImuWatch {
    pub(super) fn new(limits: &ImuLimits) -> Self {
        Self {
            limits: *limits,
            last: 0,
            last_time: Instant::default(),
            same_ticks: 0,
            bad_ticks: 0,
            bad_total: 0,
            why: None,
        }
    }

    /// Whether a reading is new and can be believed.
    #[inline(never)]
    pub(super) fn believes(&mut self, now: Instant, sample: &Sample<ImuCounts>) -> bool {
        match self.objection(now, sample) {
            None => {
                self.bad_ticks = 0;
                true
            }
            Some(why) => {
                self.note(why);
                false
            }
        }
    }

    #[cold]
    fn note(&mut self, why: Stop) {
        self.why = Some(why);
        self.bad_ticks = self.bad_ticks.saturating_add(1);
        self.bad_total = self.bad_total.saturating_add(1);
    }

    #[inline(always)]
    fn objection(&mut self, now: Instant, sample: &Sample<ImuCounts>) -> Option<Stop> {
        let Some(counts) = sample.fresh(now, self.limits.max_age_micros) else {
            return Some(Stop::SensorStale);
        };
        if sample.time <= self.last_time && self.last_time != Instant::default() {
            return Some(Stop::SensorStale);
        }
        self.last_time = sample.time;
        let ([ax, ay, az], [gx, gy, gz]) = (counts.accel, counts.gyro);
        let folded = folded([gx, gy, gz, ax, ay, az]);
        let same = folded == self.last;
        self.last = folded;
        if same {
            self.same_ticks = self.same_ticks.saturating_add(1);
            if self.same_ticks >= self.limits.max_same_ticks {
                return Some(Stop::SensorFrozen);
            }
        } else {
            self.same_ticks = 0;
        }
        // A bus that reads all ones or all zeros, and free fall: nothing to take an angle from.
        if ax == ay && ay == az && (ax == 0 || ax == -1) {
            return Some(Stop::SensorImplausible);
        }
        if is_saturated(gx) || is_saturated(gy) || is_saturated(gz) {
            return Some(Stop::SensorSaturated);
        }
        if is_saturated(ax) && is_saturated(ay) && is_saturated(az) {
            return Some(Stop::SensorSaturated);
        }
        None
    }

    /// Why the sensor cannot be trusted any more, once it has been bad for too long. A frozen
    /// sensor has been watched for long enough when it is found out.
    #[inline(always)]
    pub(super) fn fault(&self) -> Option<Stop> {
        if self.bad_ticks == 0 {
            return None;
        }
        let out_of_patience =
            self.bad_ticks > self.limits.max_bad_ticks || self.why == Some(Stop::SensorFrozen);
        if out_of_patience { self.why } else { None }
    }

    pub(super) fn bad_total(&self) -> u32 {
        self.bad_total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(n: i16) -> ImuCounts {
        ImuCounts {
            accel: [n, 0, 8192],
            gyro: [0, n, 0],
            temperature: 0,
        }
    }

    /// Feeds a reading a millisecond; tells the tick and reason of the first fault.
    fn first_fault(sample: impl Fn(i16, Instant) -> Sample<ImuCounts>) -> Option<(i16, Stop)> {
        let mut watch = ImuWatch::new(&ImuLimits::default());
        (1..1000).find_map(|n| {
            let now = Instant::from_micros(n as u64 * 1000);
            watch.believes(now, &sample(n, now));
            watch.fault().map(|stop| (n, stop))
        })
    }

    #[test]
    fn a_live_sensor_is_believed() {
        assert_eq!(
            first_fault(|n, now| Sample::good(now, reading(n % 7))),
            None
        );
    }

    #[test]
    fn each_way_to_die_is_found_in_time() {
        let frozen = first_fault(|_, now| Sample::good(now, reading(3)));
        assert_eq!(frozen, Some((51, Stop::SensorFrozen)));
        let failed = first_fault(|n, now| Sample::failed(now, reading(n)));
        assert_eq!(failed, Some((101, Stop::SensorStale)));
        let old = first_fault(|n, _| Sample::good(Instant::from_micros(1000), reading(n)));
        assert_eq!(old, Some((102, Stop::SensorStale)));
        let stuck = first_fault(|n, now| {
            Sample::good(
                now,
                ImuCounts {
                    gyro: [n, i16::MIN, 0],
                    ..reading(n)
                },
            )
        });
        assert_eq!(stuck, Some((101, Stop::SensorSaturated)));
        let ones = first_fault(|n, now| {
            Sample::good(
                now,
                ImuCounts {
                    accel: [-1; 3],
                    gyro: [n; 3],
                    temperature: -1,
                },
            )
        });
        assert_eq!(ones, Some((101, Stop::SensorImplausible)));
    }

    #[test]
    fn a_short_gap_is_forgiven_and_forgotten() {
        let gap = |n: i16, now| {
            if n % 200 > 110 {
                Sample::failed(now, reading(n))
            } else {
                Sample::good(now, reading(n))
            }
        };
        assert_eq!(first_fault(gap), None);
    }
}
