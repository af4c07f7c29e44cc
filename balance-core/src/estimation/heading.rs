//! The heading part of VQF: the angle between level axes and those whose y is magnetic north.
//!
//! δ follows the angle at which the magnetometer's horizontal part stands to the level frame's y, by a
//! first-order low-pass whose gain starts as that of a mean: one, a half, a third, … It knows
//! nothing of the inclination, so no field can tilt the horizon.

use crate::math::{Float, Quaternion, Real, Scalar, wrap_angle};

/// 1 − e^(−dt/τ).
pub(super) fn gain_of<P: Float>(time_constant: P, dt: P) -> P {
    P::one() - (-dt / time_constant).exp()
}

/// What changes of the heading from step to step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeadingState<T: Scalar> {
    /// From the level frame's heading to north, in rad.
    pub offset: T::Wide,
    /// Number of readings so far; `None` once the gain of their mean is below the filter's.
    pub readings: Option<u32>,
}

impl<T: Scalar> Default for HeadingState<T> {
    fn default() -> Self {
        Self {
            offset: T::zero().widen(),
            readings: Some(0),
        }
    }
}

impl<T: Real> HeadingState<T> {
    /// Takes in the horizontal part of a field in level axes. `share` is dt/τ, below which a mean
    /// gives way to the gain.
    #[inline(always)]
    pub(super) fn step(&mut self, [east, north]: [T; 2], gain: T::Param, share: T::Param) {
        let error = wrap_angle(east.atan2(north) - T::narrow(self.offset));
        let gain = match self.readings {
            Some(readings) => self.starting_gain(readings, gain, share),
            None => gain,
        };
        let offset = T::accumulate(self.offset, T::gain(gain), error);
        self.offset = if T::narrow(offset).magnitude() > T::PI {
            wrap_angle(T::narrow(offset)).widen()
        } else {
            offset
        };
    }

    fn starting_gain(&mut self, readings: u32, gain: T::Param, share: T::Param) -> T::Param {
        let inverse = |count: u32| T::Param::lit(1.0) / T::Param::lit(f64::from(count));
        let readings = readings.saturating_add(1);
        let mean = inverse(readings);
        let ends = inverse(readings.saturating_add(1)) < share;
        self.readings = (!ends).then_some(readings);
        if mean > gain { mean } else { gain }
    }

    /// Whether a field has been seen.
    #[inline(always)]
    pub(super) fn is_known(&self) -> bool {
        self.readings != Some(0)
    }

    /// The level attitude turned to north.
    #[inline(always)]
    pub(super) fn apply(&self, level: Quaternion<T>) -> Quaternion<T> {
        let half = T::narrow(self.offset) * T::lit(0.5);
        let (sine, cosine) = half.sin_cos();
        let Quaternion { w, x, y, z } = level;
        Quaternion {
            w: cosine * w - sine * z,
            x: cosine * x - sine * y,
            y: cosine * y + sine * x,
            z: cosine * z + sine * w,
        }
    }
}
