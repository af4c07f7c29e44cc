//! How a sensor sits in the robot: which of its axes points forward, left and up.

use super::imu::ImuCounts;
use crate::config::ConfigError;

/// A direction of the sensor, as printed on its board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Along the x arrow.
    X,
    /// Along the y arrow.
    Y,
    /// Along the z arrow, out of the chip.
    Z,
    /// Against the x arrow.
    NegX,
    /// Against the y arrow.
    NegY,
    /// Against the z arrow, into the chip.
    NegZ,
}

/// Where a component of the body comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Source {
    index: u8,
    /// 0 or −1: the ones' complement that negates.
    flip: i16,
}

impl Source {
    const fn of(axis: Axis) -> Self {
        let (index, flip) = match axis {
            Axis::X => (0, 0),
            Axis::Y => (1, 0),
            Axis::Z => (2, 0),
            Axis::NegX => (0, -1),
            Axis::NegY => (1, -1),
            Axis::NegZ => (2, -1),
        };
        Self { index, flip }
    }

    #[inline(always)]
    fn pick(self, vector: &[i16; 3]) -> i16 {
        let value = i32::from(vector.get(usize::from(self.index)).copied().unwrap_or(0));
        // −x = !x + 1; the most negative count becomes the most positive one.
        let flip = i32::from(self.flip);
        ((value ^ flip) - flip).min(0x7fff) as i16
    }
}

/// A rotation by quarter turns from the sensor's axes to those of the body: x forward, y left, z
/// up. Integers only, no branch, about ten instructions for each of the two vectors.
///
/// Only the two axes are asked for; up follows from them, so that every mounting is right-handed
/// (determinant +1).
///
/// ```
/// use balance_core::sensor::{Axis, ImuCounts, Mounting};
/// // The board stands upright: its y arrow points up and its z arrow, out of the chip, forward.
/// let mounting = Mounting::from_axes(Axis::Z, Axis::X)?;
/// let at_rest = ImuCounts { accel: [0, 8192, 0], ..Default::default() };
/// assert_eq!(mounting.apply(at_rest).accel, [0, 0, 8192]);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mounting {
    body: [Source; 3],
}

impl Default for Mounting {
    /// The sensor's axes are those of the body.
    fn default() -> Self {
        Self {
            body: [
                Source::of(Axis::X),
                Source::of(Axis::Y),
                Source::of(Axis::Z),
            ],
        }
    }
}

impl Mounting {
    /// The mounting in which the sensor's axis `forward` points forward and `left` points left.
    ///
    /// # Errors
    /// `left` is parallel to `forward`.
    pub const fn from_axes(forward: Axis, left: Axis) -> Result<Self, ConfigError> {
        let (x, y) = (Source::of(forward), Source::of(left));
        if x.index == y.index {
            return Err(ConfigError::OutOfRange("left"));
        }
        // up = forward × left: positive if the two follow each other in the order x y z x.
        let cyclic = (x.index + 1) % 3 == y.index;
        let order = if cyclic { 0 } else { -1 };
        let up = Source {
            index: 3 - x.index - y.index,
            flip: x.flip ^ y.flip ^ order,
        };
        Ok(Self { body: [x, y, up] })
    }

    /// A reading in the axes of the body.
    #[inline]
    #[must_use]
    pub fn apply(&self, counts: ImuCounts) -> ImuCounts {
        ImuCounts {
            accel: self.turn(&counts.accel),
            gyro: self.turn(&counts.gyro),
            temperature: counts.temperature,
        }
    }

    /// What of a vector points forward.
    #[inline(always)]
    pub(crate) fn forward(&self, vector: &[i16; 3]) -> i16 {
        self.body[0].pick(vector)
    }
    /// What of a vector points left.
    #[inline(always)]
    pub(crate) fn left(&self, vector: &[i16; 3]) -> i16 {
        self.body[1].pick(vector)
    }
    /// What of a vector points up.
    #[inline(always)]
    pub(crate) fn up(&self, vector: &[i16; 3]) -> i16 {
        self.body[2].pick(vector)
    }

    /// A vector of wider numbers in the axes of the body.
    pub(crate) fn turn_wide(&self, vector: &[i32; 3]) -> [i32; 3] {
        self.body.map(|source| {
            let value = vector.get(usize::from(source.index)).copied().unwrap_or(0);
            if source.flip < 0 {
                value.saturating_neg()
            } else {
                value
            }
        })
    }
    /// A vector in the axes of the body.
    #[inline(always)]
    pub(crate) fn turn(&self, vector: &[i16; 3]) -> [i16; 3] {
        let [x, y, z] = self.body;
        [x.pick(vector), y.pick(vector), z.pick(vector)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AXES: [Axis; 6] = [
        Axis::X,
        Axis::Y,
        Axis::Z,
        Axis::NegX,
        Axis::NegY,
        Axis::NegZ,
    ];

    fn vector(axis: Axis) -> [i32; 3] {
        match axis {
            Axis::X => [1, 0, 0],
            Axis::Y => [0, 1, 0],
            Axis::Z => [0, 0, 1],
            Axis::NegX => [-1, 0, 0],
            Axis::NegY => [0, -1, 0],
            Axis::NegZ => [0, 0, -1],
        }
    }
    fn dot(a: [i32; 3], b: [i32; 3]) -> i32 {
        a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    }
    fn cross(a: [i32; 3], b: [i32; 3]) -> [i32; 3] {
        [
            a[1] * b[2] - a[2] * b[1],
            a[2] * b[0] - a[0] * b[2],
            a[0] * b[1] - a[1] * b[0],
        ]
    }

    #[test]
    fn each_of_the_24_mountings_is_the_rotation_that_was_asked_for() {
        let reading = [11, -22, 33];
        let mut mountings = 0;
        for forward in AXES {
            for left in AXES {
                let (x, y) = (vector(forward), vector(left));
                let Ok(mounting) = Mounting::from_axes(forward, left) else {
                    assert_ne!(dot(x, y), 0);
                    continue;
                };
                mountings += 1;
                let expected = [x, y, cross(x, y)].map(|row| dot(row, reading) as i16);
                let counts = ImuCounts {
                    accel: reading.map(|v| v as i16),
                    gyro: reading.map(|v| 2 * v as i16),
                    temperature: 7,
                };
                let body = mounting.apply(counts);
                assert_eq!(body.accel, expected);
                assert_eq!(body.gyro, expected.map(|v| 2 * v));
                assert_eq!(body.temperature, 7);
            }
        }
        assert_eq!(mountings, 24);
    }

    #[test]
    fn the_default_changes_nothing() {
        let counts = ImuCounts {
            accel: [i16::MIN, 2, i16::MAX],
            gyro: [4, -5, 6],
            temperature: 0,
        };
        assert_eq!(Mounting::default().apply(counts), counts);
        assert_eq!(
            Mounting::from_axes(Axis::X, Axis::Y),
            Ok(Mounting::default())
        );
    }

    #[test]
    fn the_most_negative_count_does_not_wrap() {
        let turned = Mounting::from_axes(Axis::NegX, Axis::NegY).unwrap();
        let counts = ImuCounts {
            accel: [i16::MIN, i16::MIN, i16::MIN],
            ..Default::default()
        };
        assert_eq!(turned.apply(counts).accel, [i16::MAX, i16::MAX, i16::MIN]);
    }
}
