//! Zero, scale and skew of an accelerometer from its six sides.
//!
//! Lying still on a side it reads ±g on one axis. Of the means m of the six, offset = Σ m / 6, and
//! half the difference of two opposite ones over g is a column of the matrix that maps true to
//! read; its inverse corrects. A robot need not lie exactly: being off by 2° costs 0.06 % of scale;
//! but skew is only as exact as the sides, and so it is left out unless asked for.

use super::Correction;
use super::rest::{Rest, cross, inner, length};
use crate::config::{ConfigError, positive, within};
use crate::math::Float;
use crate::sensor::STANDARD_GRAVITY;
use core::fmt;

/// How the six sides are measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SixPositionConfig<P> {
    /// Readings to average on each side, 10 to 100 000. Too few: noise stays. Too many: patience.
    pub samples: u32,
    /// Largest difference of readings of an axis for which it counts as still, in m/s², above zero.
    /// Too small: noise alone disturbs. Too large: it is measured while being put down.
    pub max_spread: P,
    /// Also corrects skew between the axes; only with sides that are true to 0.1°.
    pub skew: bool,
}

impl<P: Float> Default for SixPositionConfig<P> {
    /// 500 readings, 0.8 m/s² of spread, no skew.
    fn default() -> Self {
        Self {
            samples: 500,
            max_spread: P::lit(0.8),
            skew: false,
        }
    }
}

/// What a reading has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Being measured: axis 0 to 2, and whether it points up.
    Measuring(u8, bool),
    /// This side is done; go on to the next.
    Done(u8, bool),
    /// It moved; the side starts again.
    Moving,
    /// No axis is within 25° of the vertical, or the reading is unusable.
    Oblique,
}

/// Why there is no correction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SixPositionRefusal {
    /// This side is missing: axis 0 to 2, and whether it points up.
    Missing(u8, bool),
    /// The two sides of this axis differ by less than 0.8 or more than 1.2 of 2 g: broken, or in
    /// another unit.
    Scale(u8),
    /// The offset of this axis is above 0.3 g: broken, or a side was another.
    Offset(u8),
    /// Axes are skew by more than 6°: a side was measured lying obliquely.
    Skew,
}

impl fmt::Display for SixPositionRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |axis: &u8| {
            ["x", "y", "z"]
                .get(usize::from(*axis))
                .copied()
                .unwrap_or("?")
        };
        match self {
            Self::Missing(axis, true) => write!(f, "not yet measured with {} up", name(axis)),
            Self::Missing(axis, false) => write!(f, "not yet measured with {} down", name(axis)),
            Self::Scale(axis) => write!(f, "scale of {} is off by more than 20 %", name(axis)),
            Self::Offset(axis) => write!(f, "offset of {} is above 0.3 g", name(axis)),
            Self::Skew => f.write_str("axes are skew by more than 6°: a side lay obliquely"),
        }
    }
}
impl core::error::Error for SixPositionRefusal {}

/// Collects the six sides in any order.
///
/// ```
/// use balance_core::sensor::calibration::six_position::{SixPosition, SixPositionConfig};
/// let mut sides = SixPosition::<f32>::new(&SixPositionConfig { samples: 50, ..Default::default() })?;
/// for axis in 0..3 {
///     for up in [9.9, -9.7] {
///         let mut reading = [0.1; 3]; // zero off by 0.1 m/s²
///         reading[axis] = up;
///         for _ in 0..50 {
///             sides.add(reading);
///         }
///     }
/// }
/// let correction = sides.solve().unwrap();
/// let [.., z] = correction.apply([0.1, 0.1, 9.9]);
/// assert!((z - 9.80665).abs() < 1e-4);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SixPosition<P> {
    config: SixPositionConfig<P>,
    current: Rest,
    side: Option<(u8, bool)>,
    means: [[Option<[f64; 3]>; 2]; 3],
}

impl<P: Float> SixPosition<P> {
    /// Without a side yet.
    ///
    /// # Errors
    ///
    /// Names the field that is out of its range.
    pub fn new(config: &SixPositionConfig<P>) -> Result<Self, ConfigError> {
        positive("max_spread", config.max_spread)?;
        within("samples", f64::from(config.samples), 10.0, 100_000.0)?;
        Ok(Self {
            config: *config,
            current: Rest::default(),
            side: None,
            means: [[None; 2]; 3],
        })
    }

    /// Takes a reading in m/s².
    pub fn add(&mut self, reading: [P; 3]) -> Side {
        let Some((axis, up)) = vertical(reading) else {
            (self.current, self.side) = (Rest::default(), None);
            return Side::Oblique;
        };
        if self.side != Some((axis, up)) {
            (self.current, self.side) = (Rest::default(), Some((axis, up)));
        }
        let reading = reading.map(Float::to_f64);
        if !self.current.add(reading, self.config.max_spread.to_f64()) {
            return Side::Moving;
        }
        if self.current.count < self.config.samples {
            return Side::Measuring(axis, up);
        }
        let measured = self.current.mean();
        if let Some(mean) = self.slot(axis, up) {
            *mean = Some(measured);
        }
        self.current = Rest::default();
        Side::Done(axis, up)
    }

    fn slot(&mut self, axis: u8, up: bool) -> Option<&mut Option<[f64; 3]>> {
        self.means
            .get_mut(usize::from(axis))
            .map(|[below, above]| if up { above } else { below })
    }

    /// The correction.
    ///
    /// # Errors
    ///
    /// Says what is missing or cannot be right.
    pub fn solve(&self) -> Result<Correction<P>, SixPositionRefusal> {
        let mut offset = [0.0; 3];
        let mut columns = [[0.0; 3]; 3];
        for (axis, (column, [below, above])) in columns.iter_mut().zip(&self.means).enumerate() {
            let axis = axis as u8;
            let below = below.ok_or(SixPositionRefusal::Missing(axis, false))?;
            let above = above.ok_or(SixPositionRefusal::Missing(axis, true))?;
            for i in 0..3 {
                offset[i] += (above[i] + below[i]) / 6.0;
                column[i] = (above[i] - below[i]) / (2.0 * STANDARD_GRAVITY);
            }
        }
        let mut matrix = [[0.0; 3]; 3];
        for axis in 0..3 {
            let scale = columns[axis][axis];
            if !(0.8..=1.2).contains(&scale) {
                return Err(SixPositionRefusal::Scale(axis as u8));
            }
            if !self.config.skew {
                let [below, above] = self.means[axis].map(|mean| mean.unwrap_or([0.0; 3])[axis]);
                offset[axis] = (above + below) / 2.0;
                matrix[axis][axis] = 1.0 / scale;
            }
            if offset[axis].abs() > 0.3 * STANDARD_GRAVITY {
                return Err(SixPositionRefusal::Offset(axis as u8));
            }
        }
        let [a, b, c] = columns;
        for (v, w) in [(a, b), (b, c), (c, a)] {
            if inner(v, w).abs() > 0.1 * length(v) * length(w) {
                return Err(SixPositionRefusal::Skew);
            }
        }
        if self.config.skew {
            // Rows of the inverse: cross products of the columns over the determinant, which is
            // near one since the columns are nearly at right angles.
            let determinant = inner(a, cross(b, c));
            matrix =
                [cross(b, c), cross(c, a), cross(a, b)].map(|row| row.map(|x| x / determinant));
        }
        Ok(Correction::narrowed(offset, matrix))
    }
}

/// The axis within 25° of the vertical, and whether it points up.
fn vertical<P: Float>(reading: [P; 3]) -> Option<(u8, bool)> {
    if !reading.iter().all(|x| x.is_usable()) {
        return None;
    }
    let reading = reading.map(Float::to_f64);
    let square = inner(reading, reading);
    let gravity = STANDARD_GRAVITY * STANDARD_GRAVITY;
    if !(0.4 * gravity..=1.9 * gravity).contains(&square) {
        return None;
    }
    let far = 0.82 * square;
    let axis = reading.iter().position(|x| x * x > far)?;
    Some((axis as u8, reading[axis] > 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(skew: bool, sensor: impl Fn([f64; 3]) -> [f64; 3]) -> SixPosition<f32> {
        let config = SixPositionConfig {
            samples: 20,
            skew,
            ..Default::default()
        };
        let mut sides = SixPosition::new(&config).unwrap();
        for axis in 0..3 {
            for up in [1.0, -1.0] {
                for k in 0..20 {
                    let mut truth = [0.0; 3];
                    truth[axis] = up * STANDARD_GRAVITY;
                    let noise = 0.05 * if k % 2 == 0 { 1.0 } else { -1.0 };
                    sides.add(sensor(truth).map(|x| (x + noise) as f32));
                }
            }
        }
        sides
    }

    #[test]
    fn offset_scale_and_skew_are_undone() {
        let sensor = |[x, y, z]: [f64; 3]| {
            [
                1.03 * x + 0.02 * y + 0.3,
                0.97 * y - 0.01 * z - 0.2,
                0.99 * z + 0.015 * x + 0.1,
            ]
        };
        let correction = measured(true, sensor).solve().unwrap();
        for truth in [[3.0, -4.0, 8.0], [-9.0, 1.0, 2.0]] {
            let found = correction.apply(sensor(truth).map(|x| x as f32));
            for (found, truth) in found.into_iter().zip(truth) {
                assert!((f64::from(found) - truth).abs() < 1e-5, "{found} {truth}");
            }
        }
        let plain = measured(false, |[x, y, z]| [1.03 * x, 0.97 * y - 0.2, z]);
        let found = plain.solve().unwrap().apply([1.03, -0.2, 2.0]);
        assert!(
            (found[0] - 1.0).abs() < 1e-5 && found[1].abs() < 1e-5 && (found[2] - 2.0).abs() < 1e-5
        );
    }
    #[test]
    fn refuses_with_a_reason() {
        let mut sides = SixPosition::<f32>::new(&SixPositionConfig::default()).unwrap();
        assert_eq!(sides.add([6.0, 0.0, 7.7]), Side::Oblique);
        assert_eq!(sides.add([f32::NAN, 0.0, 9.8]), Side::Oblique);
        assert_eq!(sides.add([0.0, 0.0, 9.8]), Side::Measuring(2, true));
        assert_eq!(sides.add([1.0, 0.0, 9.8]), Side::Moving);
        for _ in 0..500 {
            sides.add([0.0, 0.0, 9.8]);
        }
        assert_eq!(sides.solve(), Err(SixPositionRefusal::Missing(0, false)));
        let wrong = measured(false, |[x, y, z]| [1.25 * x, y, z]);
        assert_eq!(wrong.solve(), Err(SixPositionRefusal::Scale(0)));
        let wrong = measured(false, |[x, y, z]| [x, y + 3.2, z]);
        assert_eq!(wrong.solve(), Err(SixPositionRefusal::Offset(1)));
        let wrong = measured(false, |[x, y, z]| [x + 0.2 * y, y, z]);
        assert_eq!(wrong.solve(), Err(SixPositionRefusal::Skew));
    }
}
