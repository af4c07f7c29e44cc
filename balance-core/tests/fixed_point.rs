//! Fixed point against exact arithmetic: nothing wraps, gains are exact, sums round once.

use balance_core::math::{Fixed, Q12, Scalar};
use fixed::types::extra::{U0, U20, U31, U32};
use proptest::prelude::*;

/// The nearest `i32` of a number, saturated.
fn bits(x: f64) -> f64 {
    x.clamp(f64::from(i32::MIN), f64::from(i32::MAX))
}

fn edge() -> impl Strategy<Value = i32> {
    prop_oneof![
        any::<i32>(),
        (0..31_u32, any::<i32>()).prop_map(|(down, x)| x >> down),
        prop_oneof![Just(i32::MIN), Just(i32::MAX), Just(0), Just(1), Just(-1)],
    ]
}

/// Gains over the whole range, from far too small to far too large.
fn gain() -> impl Strategy<Value = f32> {
    (-1.0_f32..1.0, -90..40_i32).prop_map(|(x, e)| x * (e as f32).exp2())
}

/// `within` units in the last place.
fn near(actual: i32, exact: f64, within: f64) -> bool {
    (f64::from(actual) - bits(exact)).abs() <= within
}

macro_rules! format {
    ($name:ident, $frac:ident) => {
        mod $name {
            use super::*;
            type T = Fixed<$frac>;
            const ONE: f64 = (1_u64 << T::FRAC_BITS) as f64;

            proptest! {
                #[test]
                fn the_ring_saturates(a in edge(), b in edge()) {
                    let (x, y) = (T::from_bits(a), T::from_bits(b));
                    let (a, b) = (f64::from(a), f64::from(b));
                    prop_assert_eq!(f64::from((x + y).to_bits()), bits(a + b));
                    prop_assert_eq!(f64::from((x - y).to_bits()), bits(a - b));
                    prop_assert_eq!(f64::from((-x).to_bits()), bits(-a));
                    prop_assert!(near((x * y).to_bits(), a * b / ONE, 0.500_001));
                    if b != 0.0 {
                        prop_assert!(near((x / y).to_bits(), a / b * ONE, 1.0));
                    }
                }
                #[test]
                fn parameters_round_to_nearest(x in gain()) {
                    let exact = f64::from(x) * ONE;
                    prop_assert!(near(T::from_param(x).to_bits(), exact, 0.5));
                    prop_assert!(near(T::lit(f64::from(x)).to_bits(), exact, 0.5));
                }
                #[test]
                fn scaling_is_exact_to_half_a_place(g in gain(), a in edge()) {
                    let g = g.clamp(-32767.0, 32767.0);
                    let exact = f64::from(g) * f64::from(a);
                    prop_assert!(near(T::from_bits(a).scale(T::gain(g)).to_bits(), exact, 0.501));
                    prop_assert!(near(T::from_bits(a).to_counts(T::gain(g)), exact / ONE, 0.501));
                }
                #[test]
                fn counts_become_units(g in gain(), counts in edge()) {
                    let g = g.clamp(-32767.0, 32767.0);
                    let exact = f64::from(g) * f64::from(counts) * ONE;
                    // Below 2⁻⁵⁵ a gain has fewer digits: half of 2⁻⁷⁸ for each count.
                    let small = f64::from(counts).abs() * (-79_f64).exp2() * ONE;
                    let x = T::from_counts(counts, T::gain(g));
                    prop_assert!(near(x.to_bits(), exact, 1.0 + small));
                }
            }

            #[test]
            fn the_ends() {
                let zero = T::from_bits(0);
                assert_eq!(T::MIN / zero, T::MIN);
                assert_eq!(T::MAX / zero, T::MAX);
                assert_eq!(zero / zero, zero);
                assert_eq!(T::MIN / T::from_bits(-1), T::MAX);
                assert_eq!(-T::MIN, T::MAX);
                assert_eq!(T::MIN.magnitude(), T::MAX);
                assert_eq!(T::from_param(f32::NAN), zero);
                assert_eq!(T::from_param(f32::INFINITY), T::MAX);
                assert_eq!(T::from_param(f32::NEG_INFINITY), T::MIN);
                assert_eq!(T::gain(f32::NAN), T::gain(0.0));
                assert_eq!(T::gain(f32::INFINITY), T::gain(32768.0));
                assert_eq!(T::gain(-f32::MAX), T::gain(-32768.0));
            }
            #[test]
            fn a_full_accumulator_saturates() {
                let mut acc = T::zero_wide();
                for _ in 0..5 {
                    acc = T::accumulate(acc, T::gain(32767.0), T::MAX);
                }
                assert_eq!(T::narrow(acc), T::MAX);
                for _ in 0..10 {
                    acc = T::accumulate(acc, T::gain(-32767.0), T::MAX);
                }
                assert_eq!(T::narrow(acc), T::MIN);
                assert_eq!(T::narrow(i64::MAX), T::MAX);
                assert_eq!(T::narrow(i64::MIN), T::MIN);
            }
        }
    };
}

trait ZeroWide {
    fn zero_wide() -> i64;
}
impl<Frac> ZeroWide for Fixed<Frac> {
    fn zero_wide() -> i64 {
        0
    }
}

format!(whole_numbers, U0);
format!(q12, U20);
format!(q1, U31);
format!(fractions_only, U32);

#[test]
fn rounds_half_away_from_zero() {
    for (x, rounded) in [
        (0.5, 1),
        (-0.5, -1),
        (1.5, 2),
        (-2.5, -3),
        (0.499_999_97, 0),
    ] {
        assert_eq!(Fixed::<U0>::from_param(x).to_bits(), rounded, "{x}");
        assert_eq!(x.to_counts(1.0), rounded, "{x}");
    }
    assert_eq!(8_388_609.0_f32.to_counts(1.0), 8_388_609);
    assert_eq!(f32::NAN.to_counts(1.0), 0);
    assert_eq!(1e30_f32.to_counts(1.0), i32::MAX);
}

#[test]
fn gains_hold_all_digits_of_a_float() {
    let g = f32::from_bits(0x4012_3457);
    let x = Fixed::<U20>::from_bits(1 << 22);
    assert_eq!(
        f64::from(x.scale(Q12::gain(g)).to_bits()),
        f64::from(g) * 4_194_304.0
    );
}

proptest! {
    #[test]
    fn a_dot_product_rounds_once(
        g in [-100.0_f32..100.0, -1.0..1.0, -0.001..0.001, -1e-5..1e-5],
        x in prop::array::uniform4(-1_000_000..1_000_000_i32),
    ) {
        let gains = g.map(Q12::gain);
        let exact: f64 = g.iter().zip(x).map(|(g, x)| f64::from(*g) * f64::from(x)).sum();
        let dot = Q12::dot(&gains, &x.map(Q12::from_bits));
        prop_assert!(near(dot.to_bits(), exact, 0.501));
    }
}
