//! Attitudes as unit quaternions.

use super::scalar::{Real, Scalar};
use super::vector::cross;
use core::ops::Mul;

/// A rotation from the body's axes to the world's: Hamilton's quaternion `w + xi + yj + zk`.
///
/// Body: x forward, y left, z up. World: z up. The product `a * b` turns by `b` first, then by
/// `a`; a small turn δ (rad, about the body's axes) multiplies from the right:
/// `q * Quaternion::from_rotation_vector(δ)`. `q` and `−q` are the same attitude. The functions
/// take the length to be one; what comes out of them is as long as its inputs to rounding.
///
/// In fixed point the components need at least one integer bit beside the sign; a rotated vector
/// saturates at the range of the type.
///
/// ```
/// use balance_core::math::Quaternion;
/// let quarter_turn_left = Quaternion::from_rotation_vector([0.0, 0.0, core::f64::consts::FRAC_PI_2]);
/// let [x, y, z] = quarter_turn_left.to_world([1.0, 0.0, 0.0]);
/// assert!(x.abs() < 1e-15 && (y - 1.0).abs() < 1e-15 && z == 0.0); // forward is now the world's y
/// assert!((quarter_turn_left.yaw() - core::f64::consts::FRAC_PI_2).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quaternion<T> {
    /// Real part: the cosine of half the angle.
    pub w: T,
    /// The sine of half the angle, along the axis.
    pub x: T,
    /// See `x`.
    pub y: T,
    /// See `x`.
    pub z: T,
}

impl<T: Scalar> Default for Quaternion<T> {
    /// No rotation.
    fn default() -> Self {
        Self::identity()
    }
}

impl<T> Quaternion<T> {
    /// From `[w, x, y, z]`.
    #[inline(always)]
    pub fn from_array([w, x, y, z]: [T; 4]) -> Self {
        Self { w, x, y, z }
    }
    /// To `[w, x, y, z]`.
    #[inline(always)]
    pub fn to_array(self) -> [T; 4] {
        [self.w, self.x, self.y, self.z]
    }
}

impl<T: Scalar> Quaternion<T> {
    /// No rotation.
    #[inline(always)]
    #[must_use]
    pub fn identity() -> Self {
        Self::from_array([T::one(), T::zero(), T::zero(), T::zero()])
    }

    /// The rotation back.
    #[inline(always)]
    #[must_use]
    pub fn conjugate(self) -> Self {
        Self {
            w: self.w,
            x: -self.x,
            y: -self.y,
            z: -self.z,
        }
    }

    /// A vector given in body axes, in world axes: 18 products, 12 sums.
    #[inline(always)]
    pub fn to_world(self, vector: [T; 3]) -> [T; 3] {
        // v + 2w(u × v) + 2u × (u × v)
        let axis = [self.x, self.y, self.z];
        let [tx, ty, tz] = cross(axis, vector).map(|c| c + c);
        let [sx, sy, sz] = cross(axis, [tx, ty, tz]);
        let [x, y, z] = vector;
        [
            x + self.w * tx + sx,
            y + self.w * ty + sy,
            z + self.w * tz + sz,
        ]
    }

    /// A vector given in world axes, in body axes.
    #[inline(always)]
    pub fn to_body(self, vector: [T; 3]) -> [T; 3] {
        self.conjugate().to_world(vector)
    }

    /// The rotation matrix, row by row: 9 products, 15 sums.
    #[inline(always)]
    pub fn to_matrix(self) -> [[T; 3]; 3] {
        let Self { w, x, y, z } = self;
        let (x2, y2, z2) = (x + x, y + y, z + z);
        let (xx, yy, zz) = (x * x2, y * y2, z * z2);
        let (xy, xz, yz) = (x * y2, x * z2, y * z2);
        let (wx, wy, wz) = (w * x2, w * y2, w * z2);
        let one = T::one();
        [
            [one - (yy + zz), xy - wz, xz + wy],
            [xy + wz, one - (xx + zz), yz - wx],
            [xz - wy, yz + wx, one - (xx + yy)],
        ]
    }

    /// The world's up in body axes: what an accelerometer at rest points along.
    #[inline(always)]
    pub fn up(self) -> [T; 3] {
        let [x, y, z] = self.half_up();
        [x + x, y + y, z + z]
    }

    /// Half the world's up in body axes.
    #[inline(always)]
    pub(crate) fn half_up(self) -> [T; 3] {
        let Self { w, x, y, z } = self;
        [x * z - w * y, w * x + y * z, w * w + z * z - T::lit(0.5)]
    }

    /// The quaternion times the vector (0, v): twice the change per second under the rate `v`, in
    /// rad/s about the body's axes.
    #[inline(always)]
    pub(crate) fn times_vector(self, [vx, vy, vz]: [T; 3]) -> [T; 4] {
        let Self { w, x, y, z } = self;
        [
            -(x * vx + y * vy + z * vz),
            w * vx + y * vz - z * vy,
            w * vy + z * vx - x * vz,
            w * vz + x * vy - y * vx,
        ]
    }
}

impl<T: Real> Quaternion<T> {
    /// The turn by the length of `rotation` (rad) about its direction.
    #[must_use]
    pub fn from_rotation_vector(rotation: [T; 3]) -> Self {
        let half = rotation.map(|c| c * T::lit(0.5));
        let Some([x, y, z]) = T::unit(half) else {
            // Shorter than any type resolves beside one.
            let [x, y, z] = half;
            return Self {
                w: T::one(),
                x,
                y,
                z,
            };
        };
        let [hx, hy, hz] = half;
        let (sine, cosine) = (hx * x + hy * y + hz * z).sin_cos();
        Self {
            w: cosine,
            x: x * sine,
            y: y * sine,
            z: z * sine,
        }
    }

    /// The attitude in which `up`, of any length in body axes, is the world's up: the shortest
    /// turn there, which leaves the heading where it is. Half a turn about x if it is just opposite.
    /// `None` for a vector without direction.
    #[must_use]
    pub fn from_up(up: [T; 3]) -> Option<Self> {
        let [x, y, z] = T::unit(up)?;
        // The axis is up × z, and the half angle comes from adding one.
        Some(Self::between(x, y, z))
    }

    /// The shortest turn of the unit vector (x, y, z) onto z.
    #[inline(always)]
    pub(crate) fn between(x: T, y: T, z: T) -> Self {
        if z < T::lit(-0.9) {
            return Self::nearly_over(x, y, z);
        }
        match T::unit([T::one() + z, y, -x, T::zero()]) {
            Some(q) => Self::from_array(q),
            None => Self::identity(),
        }
    }

    /// Where 1 + z has lost its digits, the horizontal part has them.
    #[cold]
    #[inline(never)]
    fn nearly_over(x: T, y: T, z: T) -> Self {
        let Some([ux, uy]) = T::unit([x, y]) else {
            return Self::from_array([T::zero(), T::one(), T::zero(), T::zero()]);
        };
        let length = x * ux + y * uy;
        let sine = ((T::one() - z) * T::lit(0.5)).sqrt();
        let cosine = length / (sine + sine);
        Self::from_array([cosine, uy * sine, -(ux * sine), T::zero()])
    }

    /// The attitude in which `up` is the world's up and `north` points to the world's y, but for what of
    /// it is along up: with the field of a magnetometer, world axes east, north, up. `None` if one has no
    /// direction.
    #[must_use]
    pub fn from_up_and_north(up: [T; 3], north: [T; 3]) -> Option<Self> {
        let level = Self::from_up(up)?;
        let [east, north, _] = level.to_world(T::unit(north)?);
        let half = east.atan2(north) * T::lit(0.5);
        let (sine, cosine) = half.sin_cos();
        Some(Self::about_z(sine, cosine) * level)
    }

    /// The turn about z of which sine and cosine of half the angle are given.
    #[inline(always)]
    pub(crate) fn about_z(sine: T, cosine: T) -> Self {
        Self::from_array([cosine, T::zero(), T::zero(), sine])
    }

    /// The same attitude at length one; `None` for zero or NaN.
    #[inline(always)]
    #[must_use]
    pub fn normalised(self) -> Option<Self> {
        T::unit(self.to_array()).map(Self::from_array)
    }

    /// The angle of the turn between two attitudes, in rad, 0 ..= π.
    #[must_use]
    pub fn angle_to(self, other: Self) -> T {
        let Self { w, x, y, z } = self.conjugate() * other;
        let half = (x * x + y * y + z * z).sqrt().atan2(w.magnitude());
        half + half
    }

    /// Rotation about z, in rad, −π ..= π, positive to the left; zero when x points to the world's x.
    pub fn yaw(self) -> T {
        let Self { w, x, y, z } = self;
        let (sine, cosine) = (w * z + x * y, T::lit(0.5) - (y * y + z * z));
        sine.atan2(cosine)
    }
    /// Angle of the x axis below the horizon, in rad, in ±π/2.
    pub fn pitch(self) -> T {
        let [x, y, z] = self.up();
        (-x).atan2((y * y + z * z).sqrt())
    }
    /// Rotation about x, in rad, −π ..= π, positive with the left side up.
    pub fn roll(self) -> T {
        let [_, y, z] = self.up();
        y.atan2(z)
    }
}

impl<T: Scalar> Mul for Quaternion<T> {
    type Output = Self;
    /// Turns by `other` first, then by `self`: 16 products, 12 sums.
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        let Self { w, x, y, z } = self;
        let Self {
            w: ow,
            x: ox,
            y: oy,
            z: oz,
        } = other;
        Self {
            w: w * ow - x * ox - y * oy - z * oz,
            x: w * ox + x * ow + y * oz - z * oy,
            y: w * oy - x * oz + y * ow + z * ox,
            z: w * oz + x * oy - y * ox + z * ow,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{Float, Q8, Q12};
    use proptest::prelude::*;

    fn real<T: Scalar, const N: usize>(x: [T; N]) -> [f64; N] {
        x.map(|c| c.to_param().to_f64())
    }
    fn close<const N: usize>(a: [f64; N], b: [f64; N], bound: f64) {
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() < bound, "{a} {b}");
        }
    }
    /// Products and rotations agree with the matrix, there and back.
    fn rotates<T: Real>(turn: [f64; 3], vector: [f64; 3], bound: f64) {
        let q = Quaternion::<T>::from_rotation_vector(turn.map(T::lit));
        let exact = Quaternion::<f64>::from_rotation_vector(turn);
        close(real(q.to_array()), exact.to_array(), bound);
        let v = vector.map(T::lit);
        let world = q.to_world(v);
        let pure = Quaternion::from_array([T::zero(), v[0], v[1], v[2]]);
        let [_, x, y, z] = (q * pure * q.conjugate()).to_array();
        close(real(world), real([x, y, z]), 8.0 * bound);
        close(real(q.to_body(world)), vector, 20.0 * bound);
        close(
            real(q.up()),
            real(q.to_body([T::zero(), T::zero(), T::one()])),
            8.0 * bound,
        );
    }
    /// The shortest turn brings up to z and adds no turn about it.
    fn levels<T: Real>(up: [f64; 3], bound: f64) {
        let length = up.iter().map(|c| c * c).sum::<f64>().sqrt();
        let q = Quaternion::<T>::from_up(up.map(T::lit)).unwrap();
        close(real(q.up()), up.map(|c| c / length), bound);
        assert!(q.z == T::zero());
    }

    proptest! {
        #[test]
        fn turns_and_vectors(turn in prop::array::uniform3(-3.0_f64..3.0), v in prop::array::uniform3(-2.0_f64..2.0)) {
            rotates::<f64>(turn, v, 1e-14);
            rotates::<f32>(turn, v, 6e-7);
            rotates::<Q12>(turn, v, 5e-6);
            rotates::<Q8>(turn, v, 4e-7);
        }
        #[test]
        fn up_is_up(up in prop::array::uniform3(-3.0_f64..3.0)) {
            prop_assume!(up.iter().map(|c| c * c).sum::<f64>() > 0.1);
            levels::<f64>(up, 1e-13);
            levels::<f32>(up, 1e-5);
        }
        #[test]
        fn north_is_north(up in prop::array::uniform3(-3.0_f64..3.0), field in prop::array::uniform3(-3.0_f64..3.0)) {
            let across = cross(up, field);
            prop_assume!(across.iter().map(|c| c * c).sum::<f64>() > 0.1);
            let q = Quaternion::from_up_and_north(up, field).unwrap();
            let [east, north, _] = q.to_world(field);
            assert!(east.abs() < 1e-12 && north > 0.0);
            assert!((q.normalised().unwrap().w - q.w).abs() < 1e-15);
        }
    }

    #[test]
    fn the_opposite_of_up_is_half_a_turn_about_x() {
        fn opposite<T: Real>(bound: f64) {
            let q = Quaternion::<T>::from_up([T::zero(), T::zero(), T::lit(-9.0)]).unwrap();
            close(real(q.to_array()), [0.0, 1.0, 0.0, 0.0], bound);
            assert_eq!(Quaternion::<T>::from_up([T::zero(); 3]), None);
            for small in [1e-3, 1e-5] {
                levels::<T>([small, 0.7 * small, -1.0], 2.0 * bound);
            }
        }
        opposite::<f64>(1e-12);
        opposite::<f32>(1e-6);
        opposite::<Q12>(4e-6);
    }

    #[test]
    fn angles_of_aircraft() {
        let q = |turn| Quaternion::<f64>::from_rotation_vector(turn);
        // Yaw, then pitch, then roll, each about the axis as it is then.
        let attitude = q([0.0, 0.0, 0.5]) * q([0.0, -0.3, 0.0]) * q([1.1, 0.0, 0.0]);
        close(
            [attitude.yaw(), attitude.pitch(), attitude.roll()],
            [0.5, -0.3, 1.1],
            1e-14,
        );
        assert!((attitude.angle_to(attitude * q([0.0, 1e-9, 0.0])) - 1e-9).abs() < 1e-15);
    }
}
