//! The rotation from a sensor's axes to the robot's, from two poses.
//!
//! Level, the accelerometer feels up: that is the robot's z. Leaning forward (nose down by 20° or
//! more, straight about the wheels' axle) it feels up turned toward the back: what it then feels
//! across z is −x, and y follows. For boards at right angles
//! [`Mounting`](crate::sensor::Mounting) is exact and cheaper.

use super::rest::{Rest, cross, inner, length};
use crate::config::{ConfigError, positive, within};
use crate::math::Float;
use crate::sensor::STANDARD_GRAVITY;
use core::fmt;

/// How the two poses are measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MountingRotationConfig<P> {
    /// Readings to average in each pose, 10 to 100 000.
    pub samples: u32,
    /// Largest difference of readings of an axis for which it counts as still, in m/s², above zero.
    pub max_spread: P,
}

impl<P: Float> Default for MountingRotationConfig<P> {
    /// 500 readings, 0.8 m/s² of spread.
    fn default() -> Self {
        Self {
            samples: 500,
            max_spread: P::lit(0.8),
        }
    }
}

/// Which pose the robot is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pose {
    /// As it stands when it balances.
    Level,
    /// Nose down by 20° to 80°.
    NoseDown,
}

/// Why there is no rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MountingRefusal {
    /// This pose has not been measured to the end.
    Missing(Pose),
    /// In this pose it did not feel gravity, 0.8 to 1.2 g: it moved, or is not calibrated.
    NotGravity(Pose),
    /// The poses differ by less than 20° or more than 80°.
    Angle,
}

impl fmt::Display for MountingRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(pose) => write!(f, "{pose:?} has not been measured"),
            Self::NotGravity(pose) => write!(f, "{pose:?} is not gravity alone"),
            Self::Angle => f.write_str("the poses must differ by 20° to 80°"),
        }
    }
}
impl core::error::Error for MountingRefusal {}

/// A rotation from the sensor's axes to those of the body: x forward, y left, z up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MountingMatrix<P> {
    /// Row by row: the body's axes as the sensor sees them.
    pub rows: [[P; 3]; 3],
}

impl<P: Float> MountingMatrix<P> {
    /// A vector in the body's axes.
    #[inline]
    #[must_use]
    pub fn apply(&self, [x, y, z]: [P; 3]) -> [P; 3] {
        self.rows.map(|[a, b, c]| a * x + b * y + c * z)
    }
}

/// Collects the two poses.
///
/// ```
/// use balance_core::sensor::calibration::mounting_rotation::{MountingRotation, Pose};
/// let mut poses = MountingRotation::<f32>::new(&Default::default())?;
/// for _ in 0..500 {
///     poses.add(Pose::Level, [0.0, 9.8, 0.0]); // the board stands on edge: its y points up
///     poses.add(Pose::NoseDown, [0.0, 8.49, -4.9]); // and its z forward
/// }
/// let mounting = poses.solve().unwrap();
/// let [forward, _, up] = mounting.apply([0.0, 8.49, -4.9]);
/// assert!((forward + 4.9).abs() < 1e-3 && (up - 8.49).abs() < 1e-3);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MountingRotation<P> {
    config: MountingRotationConfig<P>,
    collecting: [Rest; 2],
    means: [Option<[f64; 3]>; 2],
}

impl<P: Float> MountingRotation<P> {
    /// Without a pose yet.
    ///
    /// # Errors
    ///
    /// Names the field that is out of its range.
    pub fn new(config: &MountingRotationConfig<P>) -> Result<Self, ConfigError> {
        positive("max_spread", config.max_spread)?;
        within("samples", f64::from(config.samples), 10.0, 100_000.0)?;
        Ok(Self {
            config: *config,
            collecting: [Rest::default(); 2],
            means: [None; 2],
        })
    }

    /// Takes a reading of the accelerometer, in m/s² along the sensor's own axes. Gives whether the
    /// pose is done; if the robot moves, the pose starts again.
    pub fn add(&mut self, pose: Pose, reading: [P; 3]) -> bool {
        let index = usize::from(pose == Pose::NoseDown);
        if !reading.iter().all(|x| x.is_usable()) {
            return self.means[index].is_some();
        }
        let spread = self.config.max_spread.to_f64();
        let rest = &mut self.collecting[index];
        if rest.add(reading.map(Float::to_f64), spread) && rest.count >= self.config.samples {
            self.means[index] = Some(rest.mean());
            *rest = Rest::default();
        }
        self.means[index].is_some()
    }

    /// The rotation.
    ///
    /// # Errors
    ///
    /// Says what is missing or cannot be right.
    pub fn solve(&self) -> Result<MountingMatrix<P>, MountingRefusal> {
        let [level, down] = self.means;
        let unit = |pose, mean: Option<[f64; 3]>| {
            let mean = mean.ok_or(MountingRefusal::Missing(pose))?;
            let size = length(mean);
            if (0.8..=1.2).contains(&(size / STANDARD_GRAVITY)) {
                Ok(mean.map(|x| x / size))
            } else {
                Err(MountingRefusal::NotGravity(pose))
            }
        };
        let z = unit(Pose::Level, level)?;
        let down = unit(Pose::NoseDown, down)?;
        let cos = inner(z, down);
        // cos 20° and cos 80°.
        if !(0.173_65..=0.939_69).contains(&cos) {
            return Err(MountingRefusal::Angle);
        }
        let mut x = [0.0; 3];
        for i in 0..3 {
            x[i] = cos * z[i] - down[i];
        }
        let size = length(x);
        let x = x.map(|x| x / size);
        let rows = [x, cross(z, x), z].map(|row| row.map(P::lit));
        Ok(MountingMatrix { rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poses(readings: [[f64; 3]; 2]) -> MountingRotation<f32> {
        let mut poses = MountingRotation::new(&Default::default()).unwrap();
        for k in 0..500 {
            let noise = if k % 2 == 0 { 0.1 } else { -0.1 };
            for (pose, reading) in [Pose::Level, Pose::NoseDown].into_iter().zip(readings) {
                poses.add(pose, reading.map(|x| (x + noise) as f32));
            }
        }
        poses
    }

    /// A board askew in all directions: the body's axes come out again.
    #[test]
    fn an_oblique_board_is_straightened() {
        let (s, c) = (0.6, 0.8);
        // Sensor axes seen from the body: turned about z, then about x.
        let seen = |[x, y, z]: [f64; 3]| {
            let (x, y) = (c * x + s * y, -s * x + c * y);
            [x, c * y + s * z, -s * y + c * z]
        };
        let lean: f64 = 0.7;
        let up = [
            -libm::sin(lean) * STANDARD_GRAVITY,
            0.0,
            libm::cos(lean) * STANDARD_GRAVITY,
        ];
        let mounting = poses([seen([0.0, 0.0, STANDARD_GRAVITY]), seen(up)]);
        let mounting = mounting.solve().unwrap();
        for truth in [[1.0, 2.0, 3.0], [-4.0, 0.5, 0.0]] {
            let found = mounting.apply(seen(truth).map(|x| x as f32));
            for (found, truth) in found.into_iter().zip(truth) {
                assert!((f64::from(found) - truth).abs() < 1e-5, "{found} {truth}");
            }
        }
    }
    #[test]
    fn refuses_with_a_reason() {
        let fresh = MountingRotation::<f32>::new(&Default::default()).unwrap();
        assert_eq!(fresh.solve(), Err(MountingRefusal::Missing(Pose::Level)));
        let (level, down) = ([0.0, 0.0, 9.8], [-5.0, 0.0, 8.5]);
        let solved = poses([[0.0, 0.0, 15.0], down]).solve();
        assert_eq!(solved, Err(MountingRefusal::NotGravity(Pose::Level)));
        let solved = poses([level, level]).solve();
        assert_eq!(solved, Err(MountingRefusal::Angle));
        let mut moving = MountingRotation::<f32>::new(&Default::default()).unwrap();
        for k in 0..5000 {
            let rocking = (k % 200) as f32 * 0.02;
            assert!(!moving.add(Pose::Level, [rocking, 0.0, 9.8]));
            assert!(!moving.add(Pose::Level, [f32::NAN; 3]));
        }
    }
}
