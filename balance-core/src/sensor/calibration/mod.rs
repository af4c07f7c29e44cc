//! What a sensor's readings have to be freed of, measured by the robot itself.
//!
//! | wrong is | the robot has to | take |
//! |---|---|---|
//! | the gyroscope at rest | stand still for half a second | [`gyro_bias`] |
//! | zero and scale of the accelerometer | lie on each of its six sides | [`six_position`] |
//! | the magnetometer near iron and currents | be turned about in all directions | [`ellipsoid`] |
//! | the direction of the sensor's axes | stand level, then lean forward | [`mounting_rotation`] |
//!
//! All take readings as they come, keep sums and no readings, and either answer with a result that
//! has been checked or say what is missing. They run in integers or in `f64`: once, at leisure.
#![allow(clippy::needless_range_loop, reason = "formulas have indices")]

pub mod ellipsoid;
pub mod gyro_bias;
pub mod mounting_rotation;
mod rest;
pub mod six_position;

/// A correction of three axes: `matrix · (reading − offset)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correction<P> {
    /// What the sensor reads where there is nothing, in its unit.
    pub offset: [P; 3],
    /// Scale and skew, row by row.
    pub matrix: [[P; 3]; 3],
}

impl<P: crate::math::Float> Correction<P> {
    /// The corrected reading.
    #[inline]
    #[must_use]
    pub fn apply(&self, reading: [P; 3]) -> [P; 3] {
        let [x, y, z] = reading;
        let [ox, oy, oz] = self.offset;
        let (x, y, z) = (x - ox, y - oy, z - oz);
        self.matrix.map(|[a, b, c]| a * x + b * y + c * z)
    }

    fn narrowed(offset: [f64; 3], matrix: [[f64; 3]; 3]) -> Self {
        Self {
            offset: offset.map(P::lit),
            matrix: matrix.map(|row| row.map(P::lit)),
        }
    }
}
