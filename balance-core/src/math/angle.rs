//! One function wraps angles.

use super::scalar::Real;

/// The same angle in −π .. π, for any usable input; an unusable one gives NaN.
///
/// An angle that is already there comes back bit for bit. Worst error for `f32` 3.4e-7 rad up to
/// 10⁴ rad (its own last place near π), then 3e-12 of the angle up to 2²⁶ rad, for `f64` 1e-9 rad up to 10⁶ rad, then growing with the
/// angle's own last place; for fixed point one unit in the last place or 3e-9 rad. A bounded
/// number of operations, no loop. With more than 29 fractional bits π is out of range and there
/// is nothing to wrap.
///
/// ```
/// use balance_core::math::{Q12, Scalar, wrap_angle};
/// assert!((wrap_angle(7.0_f64) - (7.0 - core::f64::consts::TAU)).abs() < 1e-15);
/// assert_eq!(wrap_angle(Q12::lit(-1.5)), Q12::lit(-1.5));
/// ```
#[inline]
#[must_use]
pub fn wrap_angle<T: Real>(angle: T) -> T {
    if angle >= -T::PI && angle < T::PI {
        angle
    } else {
        angle.wrap()
    }
}

/// [`wrap_angle`] of an `f64` out of range: a multiple of 2π, whose first part has 30 zero bits at
/// its end so that the product is exact (W. J. Cody, W. Waite, "Software Manual for the
/// Elementary Functions", 1980).
pub(super) fn wrap_f64(angle: f64) -> f64 {
    use core::f64::consts::{PI, TAU};
    const HIGH: f64 = f64::from_bits(TAU.to_bits() & !0x3fff_ffff);
    const MIDDLE: f64 = TAU - HIGH;
    // 2π − f64::TAU
    const LOW: f64 = 2.449_293_598_294_706_4e-16;

    let turns = angle * (1.0 / TAU);
    // `as` saturates; a usable angle has fewer than 2⁶¹ turns.
    let turns = (turns + if turns < 0.0 { -0.5 } else { 0.5 }) as i64 as f64;
    let rest = ((angle - turns * HIGH) - turns * MIDDLE) - turns * LOW;
    let rest = if rest < -PI { rest + TAU } else { rest };
    let rest = if rest >= PI { rest - TAU } else { rest };
    // What is left for angles so large that their last place is more than a turn.
    if (-PI..PI).contains(&rest) {
        rest
    } else if angle.is_finite() {
        0.0
    } else {
        f64::NAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{Fixed, Q8, Q12, Q16, Scalar};
    use proptest::prelude::*;

    /// Where the fixed number's exact value lies, and how far off the wrapped one may be.
    fn check<T: Real>(angle: T, tolerance: f64) {
        let exact: f64 = crate::math::Float::to_f64(angle.to_param());
        let wrapped: f64 = crate::math::Float::to_f64(wrap_angle(angle).to_param());
        let (s, c) = libm::sincos(exact - wrapped);
        assert!(libm::atan2(s, c).abs() <= tolerance, "{exact} {wrapped}");
        assert!(
            wrap_angle(angle) >= -T::PI && wrap_angle(angle) < T::PI,
            "{exact} {wrapped}"
        );
    }

    #[test]
    fn the_ends_of_the_range() {
        fn ends<T: Real>() {
            assert_eq!(wrap_angle(-T::PI), -T::PI);
            assert!(wrap_angle(T::PI) < T::PI);
            assert!(wrap_angle(T::MAX) < T::PI && wrap_angle(T::MAX) >= -T::PI);
            assert!(wrap_angle(T::MIN) < T::PI && wrap_angle(T::MIN) >= -T::PI);
        }
        ends::<f32>();
        ends::<f64>();
        ends::<Q8>();
        ends::<Q12>();
        ends::<Q16>();
        ends::<Fixed<fixed::types::extra::U0>>();
        ends::<Fixed<fixed::types::extra::U29>>();
        type U30 = Fixed<fixed::types::extra::U30>;
        assert_eq!(wrap_angle(U30::MAX), U30::MAX);
        assert!(wrap_angle(f32::NAN).is_nan() && wrap_angle(f64::INFINITY).is_nan());
        assert!(wrap_angle(f32::INFINITY).is_nan());
    }

    proptest! {
        #[test]
        fn the_same_angle(x in -1e6_f64..1e6, bits: i32) {
            check(x, 1e-9);
            // Near π: 1.2e-7 of the product, 0.9e-7 each of 2π and of the phase, 0.3e-7 of the reduction.
            check((x * 0.01) as f32, 3.4e-7);
            // What an f32 holds exactly.
            let bits = bits & !0x7f;
            check(Q8::from_bits(bits), 2e-7);
            check(Q12::from_bits(bits), 1.1e-6);
            check(Q16::from_bits(bits), 1.6e-5);
        }
        #[test]
        fn total(bits: u64) {
            let x = f64::from_bits(bits);
            if Scalar::is_usable(x) {
                let wrapped = wrap_angle(x);
                prop_assert!((-f64::PI..f64::PI).contains(&wrapped));
            }
            let x = f32::from_bits(bits as u32);
            if Scalar::is_usable(x) {
                let wrapped = wrap_angle(x);
                prop_assert!((-f32::PI..f32::PI).contains(&wrapped));
            }
        }
    }
}
