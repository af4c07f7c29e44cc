//! Tilt from the accelerometer alone: exact at rest, blind to nothing but wrong in every push.
//!
//! At rest an accelerometer reads +g along what points up, so with x forward, y left, z up:
//! pitch θ = atan2(−aₓ, a_z), roll φ = atan2(a_y, a_z), both over the whole turn ±π. Each looks
//! only at its own plane; where gravity has no part in that plane there is no angle and the answer
//! is `None`, as in free fall.

use crate::math::{Real, Scalar};

/// Below this part of gravity in the plane, in m/s², an angle means nothing (5 % of g).
const LEAST_ACCEL: f64 = 0.5;
/// The same in counts: 5 mg to 60 mg, depending on the range of a sensor of 16 bits.
const LEAST_COUNTS: i16 = 128;

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
    let angle = atan2_counts(i32::from(side).wrapping_mul(sign), i32::from(z));
    let radians = T::Param::lit(core::f64::consts::TAU / 4_294_967_296.0);
    Some(T::from_counts(angle, T::gain(radians)))
}

/// Angle of the vector (`x`, `y`) in counts of a full turn of 2³², by vectoring CORDIC
/// (Volder 1959): 24 turns by ±atan(2⁻ⁱ), each a shift and an addition. Worst error below 3e-7 rad.
/// Stands in for `crate::math::atan2_counts`, which has the same signature.
fn atan2_counts(y: i32, x: i32) -> i32 {
    const TURNS: [i32; 24] = [
        536_870_912,
        316_933_406,
        167_458_907,
        85_004_756,
        42_667_331,
        21_354_465,
        10_679_838,
        5_340_245,
        2_670_163,
        1_335_087,
        667_544,
        333_772,
        166_886,
        83_443,
        41_722,
        20_861,
        10_430,
        5_215,
        2_608,
        1_304,
        652,
        326,
        163,
        81,
    ];
    // Counts are 16 bits: thirteen more leave room for the growth of 1.65 and the diagonal.
    let (mut x, mut y) = (x.wrapping_shl(13), y.wrapping_shl(13));
    let mut angle = 0_i32;
    if x < 0 {
        (x, y) = (x.wrapping_neg(), y.wrapping_neg());
        angle = i32::MIN;
    }
    let mut shift = 0_u32;
    for turn in TURNS {
        let (dx, dy) = (y.wrapping_shr(shift), x.wrapping_shr(shift));
        if y >= 0 {
            (x, y) = (x.wrapping_add(dx), y.wrapping_sub(dy));
            angle = angle.wrapping_add(turn);
        } else {
            (x, y) = (x.wrapping_sub(dx), y.wrapping_add(dy));
            angle = angle.wrapping_sub(turn);
        }
        shift = shift.wrapping_add(1);
    }
    angle
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
