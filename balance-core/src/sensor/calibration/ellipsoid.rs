//! Offset and distortion of a magnetometer from turning it about.
//!
//! Turned about, an ideal magnetometer draws a sphere; iron on the robot shifts it (hard iron) and
//! makes it an ellipsoid (soft iron). The nine numbers of an ellipsoid
//!
//! ```text
//! u₀(x²+y²−2z²) + u₁(x²+z²−2y²) + 2u₂xy + 2u₃xz + 2u₄yz + 2u₅x + 2u₆y + 2u₇z + u₈ = x²+y²+z²
//! ```
//!
//! come from normal equations, sums of 54 products, by L D Lᵀ. With the trace of the quadratic part
//! fixed instead of the constant part it also holds for an ellipsoid through the origin. With its
//! centre c and matrix M, (m − c)ᵀ M (m − c) = 1, the correction is field · √M · (m − c): the
//! symmetric root, which does not turn the axes. The same fit does for an accelerometer that lies
//! still in many directions.

use super::Correction;
use super::rest::{cross, inner};
use crate::config::{ConfigError, within};
use crate::estimation::kalman::Factors;
use crate::math::Float;
use core::fmt;

/// What is expected of the readings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EllipsoidConfig<P> {
    /// What a corrected reading shall measure, in the unit wanted, 1e-6 to 1e6; 1 if only its
    /// direction matters. The earth has 25 to 65 µT.
    pub field: P,
    /// Readings that are needed, 20 to 1e6. Too few: noise. Too many: patience.
    pub samples: u32,
    /// Largest ratio of the longest to the shortest axis that is believed, 1 to 10. Too small:
    /// a robot of steel is refused. Too large: half a turn passes for an ellipsoid.
    pub max_stretch: P,
    /// Largest deviation from the ellipsoid that is believed, root mean square as a share of the
    /// field, 0 to 1. Too large: passing cars are fitted.
    pub max_residual: P,
}

impl<P: Float> Default for EllipsoidConfig<P> {
    /// A field of one, 300 readings, axes up to 2 : 1, 5 % of deviation.
    fn default() -> Self {
        Self {
            field: P::one(),
            samples: 300,
            max_stretch: P::lit(2.0),
            max_residual: P::lit(0.05),
        }
    }
}

/// Why there is no correction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EllipsoidRefusal {
    /// So many readings are still missing.
    TooFew(u32),
    /// The readings do not go around: they would fit many ellipsoids.
    NotAround,
    /// What fits them best is no ellipsoid.
    NoEllipsoid,
    /// The axes are more unequal than is believed.
    Stretched,
    /// The readings deviate from the ellipsoid by more than is believed: the field changed.
    Disturbed,
}

impl fmt::Display for EllipsoidRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew(missing) => write!(f, "{missing} readings are missing"),
            Self::NotAround => f.write_str("turned about too little"),
            Self::NoEllipsoid => f.write_str("the readings lie on no ellipsoid"),
            Self::Stretched => f.write_str("the axes are too unequal"),
            Self::Disturbed => f.write_str("the field changed meanwhile"),
        }
    }
}
impl core::error::Error for EllipsoidRefusal {}

/// A correction and how good it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EllipsoidFit<P> {
    /// What is to be applied to readings.
    pub correction: Correction<P>,
    /// Root mean square deviation of the readings from the ellipsoid, as a share of the field.
    pub residual: P,
    /// Ratio of the longest to the shortest axis.
    pub stretch: P,
}

/// Unknowns.
const U: usize = 9;

/// Sums over readings; 600 bytes.
///
/// ```
/// use balance_core::sensor::calibration::ellipsoid::{Ellipsoid, EllipsoidConfig};
/// let mut turning = Ellipsoid::<f32>::new(&EllipsoidConfig { field: 50.0, ..Default::default() })?;
/// for k in 0..1000 {
///     let (a, b) = (k as f32 * 0.1, k as f32 * 0.037);
///     let (up, around) = (b.sin(), b.cos());
///     let field = [50.0 * around * a.cos(), 50.0 * around * a.sin(), 50.0 * up];
///     turning.add([1.2 * field[0] + 30.0, field[1] - 20.0, 0.9 * field[2] + 5.0]);
/// }
/// let fit = turning.solve().unwrap();
/// assert!((fit.correction.offset[0] - 30.0).abs() < 0.01);
/// assert!((fit.correction.apply([90.0, -20.0, 5.0])[0] - 50.0).abs() < 0.01);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Ellipsoid<P> {
    config: EllipsoidConfig<P>,
    count: u32,
    /// The first reading is the origin, and its distance from zero the unit, of what is summed.
    origin: [f64; 3],
    unit: f64,
    /// Lower triangle.
    normal: [[f64; U]; U],
    right: [f64; U],
    square: f64,
}

impl<P: Float> Ellipsoid<P> {
    /// Without a reading yet.
    ///
    /// # Errors
    ///
    /// Names the field that is out of its range.
    pub fn new(config: &EllipsoidConfig<P>) -> Result<Self, ConfigError> {
        within("field", config.field, P::lit(1e-6), P::lit(1e6))?;
        within("samples", f64::from(config.samples), 20.0, 1e6)?;
        within("max_stretch", config.max_stretch, P::one(), P::lit(10.0))?;
        within("max_residual", config.max_residual, P::zero(), P::one())?;
        Ok(Self {
            config: *config,
            count: 0,
            origin: [0.0; 3],
            unit: 1.0,
            normal: [[0.0; U]; U],
            right: [0.0; U],
            square: 0.0,
        })
    }

    /// Takes a reading; an unusable one is left out. Gives how many have been taken.
    pub fn add(&mut self, reading: [P; 3]) -> u32 {
        let reading = reading.map(Float::to_f64);
        // Readings of a sensor; what is beyond would drown all others.
        if !reading.iter().all(|x| x.abs() <= 1e6) {
            return self.count;
        }
        if self.count == 0 {
            self.origin = reading;
            let length = libm::sqrt(inner(reading, reading));
            self.unit = if length > 1e-9 { length } else { 1.0 };
        }
        let mut v = reading;
        for (v, origin) in v.iter_mut().zip(self.origin) {
            *v = (*v - origin) / self.unit;
        }
        let [x, y, z] = v;
        let (xx, yy, zz) = (x * x, y * y, z * z);
        let row = [
            xx + yy - 2.0 * zz,
            xx + zz - 2.0 * yy,
            2.0 * x * y,
            2.0 * x * z,
            2.0 * y * z,
            2.0 * x,
            2.0 * y,
            2.0 * z,
            1.0,
        ];
        let target = xx + yy + zz;
        for i in 0..U {
            for j in 0..=i {
                self.normal[i][j] += row[i] * row[j];
            }
            self.right[i] += row[i] * target;
        }
        self.square += target * target;
        self.count = self.count.saturating_add(1);
        self.count
    }

    /// The correction.
    ///
    /// # Errors
    ///
    /// Says what is missing or cannot be right.
    pub fn solve(&self) -> Result<EllipsoidFit<P>, EllipsoidRefusal> {
        if self.count < self.config.samples {
            return Err(EllipsoidRefusal::TooFew(self.config.samples - self.count));
        }
        let u = self.unknowns().ok_or(EllipsoidRefusal::NotAround)?;
        let quadratic = [
            [u[0] + u[1] - 1.0, u[2], u[3]],
            [u[2], u[0] - 2.0 * u[1] - 1.0, u[4]],
            [u[3], u[4], u[1] - 2.0 * u[0] - 1.0],
        ]
        .map(|row| row.map(|x| -x));
        let linear = [u[5], u[6], u[7]];
        // (v − c)ᵀ A (v − c) = k with A c = linear, k = u₈ + cᵀ A c.
        let [a, b, c] = quadratic;
        let cofactors = [cross(b, c), cross(c, a), cross(a, b)];
        let determinant = inner(a, cofactors[0]);
        if determinant <= 1e-9 {
            return Err(EllipsoidRefusal::NoEllipsoid);
        }
        let centre = cofactors.map(|row| inner(row, linear) / determinant);
        let size = u[8] + inner(centre, linear);
        let (axes, directions) = eigen(quadratic);
        let (least, most) = (
            axes.iter().copied().fold(f64::INFINITY, f64::min),
            axes.iter().copied().fold(0.0, f64::max),
        );
        if least <= 0.0 || size <= 0.0 || !(most / least).is_finite() {
            return Err(EllipsoidRefusal::NoEllipsoid);
        }
        let stretch = libm::sqrt(most / least);
        if stretch > self.config.max_stretch.to_f64() {
            return Err(EllipsoidRefusal::Stretched);
        }
        // The equation's error is 2 size times the share by which a reading is off.
        let mut error = self.square;
        for (u, right) in u.iter().zip(self.right) {
            error -= u * right;
        }
        let error = libm::sqrt(error.max(0.0) / f64::from(self.count));
        let residual = error / (2.0 * size);
        if residual > self.config.max_residual.to_f64() {
            return Err(EllipsoidRefusal::Disturbed);
        }
        // A reading's way from the centre over that of the surface there.
        let field = self.config.field.to_f64() / self.unit;
        let mut matrix = [[0.0; 3]; 3];
        for (axis, direction) in axes.into_iter().zip(directions) {
            let root = libm::sqrt(axis / size) * field;
            for i in 0..3 {
                for j in 0..3 {
                    matrix[i][j] += root * direction[i] * direction[j];
                }
            }
        }
        let mut offset = self.origin;
        for (offset, centre) in offset.iter_mut().zip(centre) {
            *offset += centre * self.unit;
        }
        Ok(EllipsoidFit {
            correction: Correction::narrowed(offset, matrix),
            residual: P::lit(residual),
            stretch: P::lit(stretch),
        })
    }

    /// The least-squares solution; `None` if the readings do not determine it.
    fn unknowns(&self) -> Option<[f64; U]> {
        let share = 1.0 / f64::from(self.count.max(1));
        let (factors, _) = Factors::<f64, U>::factor(|i, j| self.normal[i][j] * share);
        let (lower, diagonal) = (&factors.lower, &factors.diagonal);
        let mut u = self.right.map(|x| x * share);
        for i in 0..U {
            // Directions within a few degrees of a plane leave pivots of 1e-6 of the diagonal.
            if diagonal[i] <= 1e-5 * self.normal[i][i] * share {
                return None;
            }
            for j in 0..i {
                let known = u[j];
                u[i] -= lower[i][j] * known;
            }
        }
        for i in (0..U).rev() {
            u[i] /= diagonal[i];
            for j in i + 1..U {
                let known = u[j];
                u[i] -= lower[j][i] * known;
            }
        }
        u.iter().all(|x| x.is_finite()).then_some(u)
    }
}

/// Eigenvalues and eigenvectors of a symmetric matrix, by Jacobi's rotations. Each sweep
/// squares what is left beside the diagonal, so that eight are more than enough.
fn eigen(mut a: [[f64; 3]; 3]) -> ([f64; 3], [[f64; 3]; 3]) {
    let mut v = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    for _ in 0..8 {
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            if a[p][q] == 0.0 {
                continue;
            }
            let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
            let t = 1.0 / (theta.abs() + libm::sqrt(theta * theta + 1.0));
            let t = if theta < 0.0 { -t } else { t };
            let c = 1.0 / libm::sqrt(t * t + 1.0);
            let s = t * c;
            for k in 0..3 {
                let (x, y) = (a[k][p], a[k][q]);
                (a[k][p], a[k][q]) = (c * x - s * y, s * x + c * y);
            }
            for k in 0..3 {
                let (x, y) = (a[p][k], a[q][k]);
                (a[p][k], a[q][k]) = (c * x - s * y, s * x + c * y);
                let (x, y) = (v[p][k], v[q][k]);
                (v[p][k], v[q][k]) = (c * x - s * y, s * x + c * y);
            }
        }
    }
    ([a[0][0], a[1][1], a[2][2]], v)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Directions spread evenly over a sphere, of which those with z above `from` are taken.
    fn directions(from: f64) -> impl Iterator<Item = [f64; 3]> {
        (0..600)
            .map(|k| {
                let z = 1.0 - (2.0 * f64::from(k) + 1.0) / 600.0;
                let (around, turn) = (libm::sqrt(1.0 - z * z), f64::from(k) * 2.399_963);
                [around * libm::cos(turn), around * libm::sin(turn), z]
            })
            .filter(move |[.., z]| *z > from)
    }
    fn iron([x, y, z]: [f64; 3]) -> [f64; 3] {
        [
            55.0 * x + 4.0 * y + 80.0,
            48.0 * y + 4.0 * x - 3.0 * z - 45.0,
            40.0 * z - 3.0 * y + 12.0,
        ]
    }
    fn fitted(
        from: f64,
        reading: impl Fn([f64; 3]) -> [f64; 3],
    ) -> Result<EllipsoidFit<f32>, EllipsoidRefusal> {
        let config = EllipsoidConfig {
            field: 48.0,
            samples: 100,
            ..Default::default()
        };
        let mut ellipsoid = Ellipsoid::new(&config).unwrap();
        ellipsoid.add([f32::NAN, 0.0, 0.0]);
        for direction in directions(from) {
            ellipsoid.add(reading(direction).map(|x| x as f32));
        }
        ellipsoid.solve()
    }

    #[test]
    fn hard_and_soft_iron_are_undone() {
        for from in [-1.0, -0.2] {
            let fit = fitted(from, iron).unwrap();
            for direction in directions(-1.0) {
                let field = fit.correction.apply(iron(direction).map(|x| x as f32));
                let length = field.map(f64::from).map(|x| x * x).iter().sum::<f64>();
                assert!((libm::sqrt(length) - 48.0).abs() < 2e-3, "{field:?}");
                // The distortion was symmetric, and so its undoing turns nothing.
                for (found, true_) in field.into_iter().zip(direction) {
                    assert!((f64::from(found) - 48.0 * true_).abs() < 5e-3, "{field:?}");
                }
            }
            assert!(fit.residual < 1e-5, "{fit:?}");
        }
    }
    #[test]
    fn an_ellipsoid_through_the_origin_is_one() {
        let fit = fitted(-1.0, |[x, y, z]| [48.0 * x + 48.0, 48.0 * y, 48.0 * z]).unwrap();
        assert!((fit.correction.offset[0] - 48.0).abs() < 1e-3);
        assert!((fit.stretch - 1.0).abs() < 1e-4);
    }
    #[test]
    fn refuses_with_a_reason() {
        assert_eq!(fitted(0.9, iron), Err(EllipsoidRefusal::TooFew(70)));
        let ring = fitted(-1.0, |[x, y, _]| {
            let length = libm::sqrt(x * x + y * y);
            [48.0 * x / length, 48.0 * y / length, 3.0]
        });
        assert_eq!(ring, Err(EllipsoidRefusal::NotAround));
        let long = fitted(-1.0, |[x, y, z]| [150.0 * x, 48.0 * y, 48.0 * z]);
        assert_eq!(long, Err(EllipsoidRefusal::Stretched));
        let car = fitted(-1.0, |[x, y, z]| {
            let more = if x > 0.0 && y > 0.0 { 1.5 } else { 1.0 };
            [48.0 * x * more, 48.0 * y * more, 48.0 * z * more]
        });
        assert_eq!(car, Err(EllipsoidRefusal::Disturbed));
    }
}
