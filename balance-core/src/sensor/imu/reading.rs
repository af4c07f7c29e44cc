//! What every inertial sensor gives: counts on six axes, and what a count is worth.

/// Standard gravity, in m/s².
pub const STANDARD_GRAVITY: f64 = 9.806_65;

/// One reading of an accelerometer and a gyroscope, in counts, in the sensor's own axes.
///
/// Counts stay integers up to the estimator: whether a reading is saturated or frozen is asked of
/// integers, and a fixed-point robot never touches a float.
// Aligned, so that a copy is of words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(4))]
pub struct ImuCounts {
    /// Specific force along x, y, z: at rest, +1 g along the axis that points up.
    pub accel: [i16; 3],
    /// Angular rate about x, y, z, right-handed.
    pub gyro: [i16; 3],
    /// Die temperature.
    pub temperature: i16,
}

/// What one count of an inertial sensor is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImuScale {
    /// m/s² per count.
    pub accel: f32,
    /// rad/s per count.
    pub gyro: f32,
}
