//! Tilt from the accelerometer alone: exact at rest, blind to nothing but wrong in every push.
//!
//! At rest an accelerometer reads +g along what points up, so with x forward, y left, z up:
//! pitch θ = atan2(−aₓ, a_z), roll φ = atan2(a_y, a_z), both over the whole turn ±π. Each looks
//! only at its own plane; where gravity has no part in that plane there is no angle and the answer
//! is `None`, as in free fall.

use crate::math::{Real, Scalar, atan2_short};

/// Below this part of gravity in the plane, in m/s², an angle means nothing (5 % of g).
const LEAST_ACCEL: f64 = 0.5;
/// The same in counts: 5 mg to 60 mg, depending on the range of a sensor of 16 bits.
const LEAST_COUNTS: i16 = 128;
/// Of [`atan2_short`].
const RADIANS_PER_COUNT: f64 = 1.0 / 536_870_912.0;

/// Pitch in rad, in ±π, positive leaning forward, from an acceleration in m/s².
///
/// `None` when a value is unusable or the plane of x and z holds less than 0.5 m/s².
/// Cost: one `atan2`.
///
/// ```
/// use balance_core::estimation::accel_tilt::pitch;
/// let leaning_forward = pitch([-1.0_f32, 0.0, 9.75]);
/// assert!(leaning_forward.is_some_and(|angle| (angle - 0.1022).abs() < 1e-4));
/// ```
#[inline]
pub fn pitch<T: Real>(accel: [T; 3]) -> Option<T> {
    let [x, _, z] = accel;
    plane_angle(-x, z)
}

/// Roll in rad, in ±π, positive with the left side up, from an acceleration in m/s².
///
/// `None` when a value is unusable or the plane of y and z holds less than 0.5 m/s².
#[inline]
pub fn roll<T: Real>(accel: [T; 3]) -> Option<T> {
    let [_, y, z] = accel;
    plane_angle(y, z)
}

fn plane_angle<T: Real>(up_part: T, z: T) -> Option<T> {
    let least = T::lit(LEAST_ACCEL);
    let usable = up_part.is_usable() && z.is_usable();
    (usable && (up_part.magnitude() >= least || z.magnitude() >= least)).then(|| up_part.atan2(z))
}

/// Pitch in rad, in ±π, positive leaning forward, from counts of any full scale.
///
/// `None` when a count of the plane stands at the end of `i16` (the sensor is saturated) or both
/// are below 128. Integers up to the last product, so equal for all types up to their rounding;
/// error below 1e-6 rad before rounding.
///
/// ```
/// use balance_core::estimation::accel_tilt::pitch_from_counts;
/// use balance_core::math::{Q12, Scalar};
/// let upright = pitch_from_counts::<Q12>([0, 0, 16384]);
/// assert!(upright.is_some_and(|angle| angle.magnitude() <= Q12::lit(2e-6)));
/// assert_eq!(pitch_from_counts::<Q12>([32767, 0, 100]), None);
/// ```
#[inline]
pub fn pitch_from_counts<T: Scalar>(accel: [i16; 3]) -> Option<T> {
    let [x, _, z] = accel;
    plane_angle_from_counts(x, -1, z)
}

/// Roll in rad, in ±π, positive with the left side up, from counts of any full scale.
///
/// `None` as for [`pitch_from_counts`], in the plane of y and z.
#[inline]
pub fn roll_from_counts<T: Scalar>(accel: [i16; 3]) -> Option<T> {
    let [_, y, z] = accel;
    plane_angle_from_counts(y, 1, z)
}

fn plane_angle_from_counts<T: Scalar>(side: i16, sign: i32, z: i16) -> Option<T> {
    let saturated = |count: i16| count == i16::MAX || count == i16::MIN;
    let strong = |count: i16| !(-LEAST_COUNTS < count && count < LEAST_COUNTS);
    if saturated(side) || saturated(z) || !(strong(side) || strong(z)) {
        return None;
    }
    let angle = atan2_short(i32::from(side).wrapping_mul(sign), i32::from(z));
    Some(T::from_counts(
        angle,
        T::gain(T::Param::lit(RADIANS_PER_COUNT)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{Float, Q12};
    use core::f64::consts::{FRAC_PI_2, PI};

    fn all_round<T: Real>(bound: f64) {
        let mut worst = 0.0_f64;
        for step in -314..=314 {
            let angle = f64::from(step) * 0.01;
            let (s, c) = (libm::sin(angle), libm::cos(angle));
            let accel = [-9.8 * s, 0.0, 9.8 * c].map(T::lit);
            let found = pitch(accel).map_or(9.0, |a| a.to_param().to_f64());
            let counts = [-16000.0 * s, 0.0, 16000.0 * c].map(|a| libm::round(a) as i16);
            let exact = libm::atan2(-f64::from(counts[0]), f64::from(counts[2]));
            let by_counts = pitch_from_counts::<T>(counts).map_or(9.0, |a| a.to_param().to_f64());
            let [x, _, z] = counts;
            let rolled = roll_from_counts::<T>([0, x.wrapping_neg(), z]);
            assert!(rolled.is_some_and(|r| (r.to_param().to_f64() - by_counts).abs() < 2e-6));
            worst = worst
                .max((found - angle).abs())
                .max((by_counts - exact).abs());
        }
        assert!(worst < bound, "{}: {worst:e}", T::NAME);
    }
    #[test]
    fn angles_are_right_all_round() {
        all_round::<f32>(1e-6);
        all_round::<f64>(3e-7);
        all_round::<Q12>(2.5e-6);
    }
    #[test]
    fn nose_down_is_positive_and_left_up_is_positive() {
        assert!(pitch([-9.8, 0.0, 0.0]).is_some_and(|a: f64| (a - FRAC_PI_2).abs() < 1e-12));
        assert!(roll([0.0, 9.8, 0.0]).is_some_and(|a: f64| (a - FRAC_PI_2).abs() < 1e-12));
        assert!(pitch([0.0, 0.0, -9.8]).is_some_and(|a: f64| (a.abs() - PI).abs() < 1e-12));
    }
    #[test]
    fn no_angle_without_gravity_or_with_a_saturated_sensor() {
        assert_eq!(pitch([0.1_f32, 9.8, 0.2]), None);
        assert_eq!(pitch([f32::NAN, 0.0, 9.8]), None);
        assert_eq!(roll([0.0_f32, f32::INFINITY, 9.8]), None);
        assert_eq!(pitch([Q12::lit(0.1); 3]), None);
        assert_eq!(pitch_from_counts::<f32>([100, 20000, -100]), None);
        assert_eq!(pitch_from_counts::<f32>([0, 0, i16::MIN]), None);
        // The axis that is not looked at may be saturated.
        assert!(pitch_from_counts::<f32>([0, i16::MAX, 2048]).is_some());
    }
}
