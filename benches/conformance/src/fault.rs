//! What goes wrong with sensors and clocks.

use crate::kind::Kind;
use std::fmt;

/// The input that a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// What a controller shall reach.
    Setpoint,
    /// What a controller, filter or tracker reads.
    Measured,
    /// The gyroscope.
    Gyro,
    /// The accelerometer.
    Accel,
}

impl Channel {
    /// Name in tables and tests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Setpoint => "setpoint",
            Self::Measured => "measured",
            Self::Gyro => "gyro",
            Self::Accel => "accel",
        }
    }
}

/// A fault of a sensor or of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// All is well.
    None,
    /// Not a number, as of 0/0 in a calibration.
    Nan(Channel),
    /// +∞.
    PlusInfinity(Channel),
    /// −∞.
    MinusInfinity(Channel),
    /// 1e38: finite, its square in `f32` is not.
    Large(Channel),
    /// 1e308: finite in `f64` only.
    Huge(Channel),
    /// Zero, all axes of a vector: an unplugged or resetting sensor.
    Zero(Channel),
    /// The end of the sensor's range, alternating.
    Saturated(Channel),
    /// The last value again and again.
    Stuck(Channel),
    /// No samples; the next one carries the period that passed.
    Missing,
    /// A period of zero: two calls within a tick of the clock.
    DtZero,
    /// A period below zero: the clock was set back.
    DtNegative,
    /// A period of a thousand million seconds: the first one since the epoch.
    DtHuge,
    /// A period that is not a number.
    DtNan,
    /// Periods between half and one and a half times the nominal one.
    DtJitter,
}

impl Fault {
    /// All that may happen to the given inputs.
    pub fn all(channels: &[Channel]) -> Vec<Self> {
        let mut all = vec![Self::None];
        for &channel in channels {
            all.extend([
                Self::Nan(channel),
                Self::PlusInfinity(channel),
                Self::MinusInfinity(channel),
                Self::Large(channel),
                Self::Huge(channel),
                Self::Zero(channel),
                Self::Saturated(channel),
                Self::Stuck(channel),
            ]);
        }
        all.extend([
            Self::Missing,
            Self::DtZero,
            Self::DtNegative,
            Self::DtHuge,
            Self::DtNan,
            Self::DtJitter,
        ]);
        all
    }
    /// Whether it concerns the period alone.
    pub const fn is_of_dt(self) -> bool {
        matches!(
            self,
            Self::DtZero | Self::DtNegative | Self::DtHuge | Self::DtNan | Self::DtJitter
        )
    }
    /// Longest time in samples that it lasts in a test: what reads as plausible lasts long.
    pub const fn longest(self) -> usize {
        match self {
            Self::Stuck(_) | Self::Saturated(_) | Self::Zero(_) | Self::Missing => 100,
            _ => 5,
        }
    }

    /// Lets it happen to `count` samples from `start` on.
    pub fn inject<K: Kind>(self, samples: &mut Vec<K::Sample>, start: usize, count: usize) {
        let end = (start + count).min(samples.len());
        let Some(before) = samples.get(start.saturating_sub(1)).cloned() else {
            return;
        };
        if self == Self::Missing {
            let lost: f64 = samples[start..end].iter_mut().map(|s| *K::dt(s)).sum();
            samples.drain(start..end);
            if let Some(next) = samples.get_mut(start) {
                *K::dt(next) += lost;
            }
            return;
        }
        for (k, sample) in samples[start..end].iter_mut().enumerate() {
            let dt = *K::dt(sample);
            match self {
                Self::DtZero => *K::dt(sample) = 0.0,
                Self::DtNegative => *K::dt(sample) = -dt,
                Self::DtHuge => *K::dt(sample) = 1e9,
                Self::DtNan => *K::dt(sample) = f64::NAN,
                // Half, one and a half, …: a late step shortens the next.
                Self::DtJitter => *K::dt(sample) = dt * if k % 2 == 0 { 1.5 } else { 0.5 },
                Self::Stuck(channel) => {
                    let mut frozen = before.clone();
                    let frozen = K::values(&mut frozen, channel);
                    K::values(sample, channel).copy_from_slice(frozen);
                }
                Self::Saturated(channel) => {
                    let end = K::full_scale(channel) * if k / 10 % 2 == 0 { 1.0 } else { -1.0 };
                    K::values(sample, channel).fill(end);
                }
                Self::Nan(channel) => K::values(sample, channel).fill(f64::NAN),
                Self::PlusInfinity(channel) => K::values(sample, channel).fill(f64::INFINITY),
                Self::MinusInfinity(channel) => K::values(sample, channel).fill(f64::NEG_INFINITY),
                Self::Large(channel) => K::values(sample, channel).fill(1e38),
                Self::Huge(channel) => K::values(sample, channel).fill(1e308),
                Self::Zero(channel) => K::values(sample, channel).fill(0.0),
                Self::None | Self::Missing => {}
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, channel) = match *self {
            Self::None => ("none", None),
            Self::Nan(channel) => ("nan", Some(channel)),
            Self::PlusInfinity(channel) => ("plus_infinity", Some(channel)),
            Self::MinusInfinity(channel) => ("minus_infinity", Some(channel)),
            Self::Large(channel) => ("large", Some(channel)),
            Self::Huge(channel) => ("huge", Some(channel)),
            Self::Zero(channel) => ("zero", Some(channel)),
            Self::Saturated(channel) => ("saturated", Some(channel)),
            Self::Stuck(channel) => ("stuck", Some(channel)),
            Self::Missing => ("missing", None),
            Self::DtZero => ("dt_zero", None),
            Self::DtNegative => ("dt_negative", None),
            Self::DtHuge => ("dt_huge", None),
            Self::DtNan => ("dt_nan", None),
            Self::DtJitter => ("dt_jitter", None),
        };
        match channel {
            Some(channel) => write!(f, "{name}_{}", channel.name()),
            None => f.write_str(name),
        }
    }
}
