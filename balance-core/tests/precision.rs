//! The errors that `math`'s documentation states, as a table, against `f64`'s `libm`.

use balance_core::math::{
    Fixed, Float, Q8, Q12, Q16, Real, atan2_counts, sin_cos_counts, sin_cos_short,
};
use fixed::types::extra::{U0, U30, U32};
use std::f64::consts::{PI, TAU};

/// Largest |angle| of a sweep, and the error allowed there.
const SIN_COS_F32: [(f64, f64); 5] = [
    (0.5, 4e-8),
    (8.0, 4e-8),
    (1e3, 4e-8),
    (1e5, 3e-7),
    (6.7e7, 2e-4),
];
const SIN_COS_FIXED: f64 = 6e-9;
const SIN_COS_COUNTS: f64 = 5e-9;
const SIN_COS_SHORT: f64 = 9e-6;
const ATAN2_F32: f64 = 1.5e-7;
const ATAN2_FIXED: f64 = 2e-8;
const ATAN2_COUNTS: f64 = 2e-8;

/// Weyl's sequence: fills 0 .. 1 evenly, for any length.
fn even(n: u32) -> impl Iterator<Item = f64> {
    (0..n).map(|i| (f64::from(i) * 0.618_033_988_749_894_9).fract())
}

fn wrapped(x: f64) -> f64 {
    x - TAU * (x / TAU).round()
}

fn worst(errors: impl Iterator<Item = f64>) -> f64 {
    errors.fold(0.0, |a, b| if b > a || b.is_nan() { b } else { a })
}

#[test]
fn sin_cos_f32() {
    for (range, budget) in SIN_COS_F32 {
        let error = worst(even(300_000).map(|u| {
            let x = (range * (2.0 * u - 1.0)) as f32;
            let (s, c) = Real::sin_cos(x);
            let (es, ec) = libm::sincos(f64::from(x));
            (f64::from(s) - es).abs().max((f64::from(c) - ec).abs())
        }));
        println!("sin_cos f32 to {range}: {error:e}");
        assert!(error <= budget, "to {range}: {error:e}");
    }
}

#[test]
fn sine_of_small_angles_f32_is_relatively_exact() {
    for i in 0..200_000_u32 {
        let x = f32::from_bits(0x3f00_0000 - 1 - i * 997);
        let (s, _) = Real::sin_cos(x);
        let exact = libm::sin(f64::from(x));
        assert!(
            (f64::from(s) - exact).abs() <= 1.2e-7 * exact,
            "{x:e} {s:e}"
        );
        assert_eq!(Real::sin(-x), -s);
    }
}

#[test]
fn sin_cos_f32_is_total() {
    for bits in (0..=u32::MAX).step_by(4099) {
        let x = f32::from_bits(bits);
        let (s, c) = Real::sin_cos(x);
        if x.is_finite() {
            assert!(s.abs() <= 1.0 && c.abs() <= 1.0, "{x:e}");
        } else {
            assert!(s.is_nan() && c.is_nan());
        }
    }
    assert_eq!(Real::sin_cos(0.0_f32), (0.0, 1.0));
    assert!(Real::sin_cos(-0.0_f32).0.is_sign_negative());
}

fn sin_cos_fixed<Frac>()
where
    Frac: fixed::types::extra::LeEqU32 + Send + Sync + 'static,
{
    let lsb = (-f64::from(Frac::U32)).exp2();
    let budget = SIN_COS_FIXED + lsb / 2.0;
    let (low, high) = (f64::from(i32::MIN) * lsb, f64::from(i32::MAX) * lsb);
    let error = worst(even(100_000).flat_map(|u| {
        let bits = ((2.0 * u - 1.0) * 2_147_483_647.0) as i32;
        let x = Fixed::<Frac>::from_bits(bits);
        let (s, c) = x.sin_cos();
        let (es, ec) = libm::sincos(f64::from(bits) * lsb);
        let of = |x: Fixed<Frac>| f64::from(x.to_bits()) * lsb;
        [
            (of(s) - es.clamp(low, high)).abs(),
            (of(c) - ec.clamp(low, high)).abs(),
        ]
    }));
    println!("sin_cos fixed {}: {error:e}", Frac::U32);
    assert!(error <= budget, "{}: {error:e}", Frac::U32);
}

#[test]
fn sin_cos_of_all_formats() {
    sin_cos_fixed::<U0>();
    sin_cos_fixed::<fixed::types::extra::U16>();
    sin_cos_fixed::<fixed::types::extra::U20>();
    sin_cos_fixed::<fixed::types::extra::U24>();
    sin_cos_fixed::<U30>();
    sin_cos_fixed::<U32>();
}

fn error_of_counts(sin_cos: impl Fn(i32) -> (i32, i32)) -> f64 {
    // An odd step meets every part of the turn.
    worst((0..=u32::MAX).step_by(4097).flat_map(|angle| {
        let (s, c) = sin_cos(angle as i32);
        let (es, ec) = libm::sincos(f64::from(angle as i32) * (TAU / 4_294_967_296.0));
        let one = 1_073_741_824.0;
        [
            (f64::from(s) / one - es).abs(),
            (f64::from(c) / one - ec).abs(),
        ]
    }))
}

#[test]
fn sin_cos_of_counts() {
    let error = error_of_counts(sin_cos_counts);
    println!("sin_cos counts: {error:e}");
    assert!(error <= SIN_COS_COUNTS, "{error:e}");
    let error = error_of_counts(sin_cos_short);
    println!("sin_cos short: {error:e}");
    assert!(error <= SIN_COS_SHORT, "{error:e}");
}

#[test]
fn quarters_of_a_turn_are_exact() {
    const ONE: i32 = 1 << 30;
    for (angle, exact) in [
        (0, (0, ONE)),
        (1 << 30, (ONE, 0)),
        (i32::MIN, (0, -ONE)),
        (-1 << 30, (-ONE, 0)),
    ] {
        assert_eq!(sin_cos_counts(angle), exact);
        assert_eq!(sin_cos_short(angle), exact);
    }
}

#[test]
fn atan2_f32() {
    let error = worst(even(400_000).enumerate().map(|(i, u)| {
        let radius = ((i % 61) as f64 - 30.0).exp2();
        let (s, c) = libm::sincos(u * TAU);
        let (y, x) = ((radius * s) as f32, (radius * c) as f32);
        let angle = Real::atan2(y, x);
        (f64::from(angle) - libm::atan2(f64::from(y), f64::from(x))).abs()
    }));
    println!("atan2 f32: {error:e}");
    assert!(error <= ATAN2_F32, "{error:e}");
}

#[test]
fn atan2_f32_of_special_values() {
    let values = [
        0.0,
        -0.0,
        1e-45,
        -1e-45,
        1e-38,
        1.0,
        -1.0,
        1e30,
        -1e30,
        f32::MAX,
        f32::INFINITY,
    ];
    for y in values {
        for x in values {
            let angle = f64::from(Real::atan2(y, x));
            let exact = libm::atan2(f64::from(y), f64::from(x));
            let exact = if x == 0.0 && y == 0.0 { 0.0 } else { exact };
            assert!(
                (angle - exact).abs() <= ATAN2_F32,
                "{y:e} {x:e}: {angle} {exact}"
            );
        }
    }
    assert!(Real::atan2(f32::NAN, 1.0).is_nan() && Real::atan2(1.0, f32::NAN).is_nan());
    assert_eq!(Real::atan2(0.0_f64, -0.0), 0.0);
    for i in 0..100_000_u32 {
        let y = f32::from_bits(0x3f80_0000 - i * 1997);
        let exact = libm::atan2(f64::from(y), 1.0);
        assert!((f64::from(Real::atan2(y, 1.0)) - exact).abs() <= 3e-7 * exact);
    }
}

fn vectors() -> impl Iterator<Item = (i32, i32)> {
    let short = (-40..=40).flat_map(|y| (-40..=40).map(move |x| (y, x)));
    let long = even(300_000).enumerate().map(|(i, u)| {
        let radius = (1.0 + (i % 31) as f64 * 0.999).exp2() - 1.0;
        let (s, c) = libm::sincos(u * TAU);
        ((radius * s) as i32, (radius * c) as i32)
    });
    let ends = [i32::MIN, i32::MIN + 1, -1, 0, 1, i32::MAX - 1, i32::MAX];
    let ends = ends
        .into_iter()
        .flat_map(move |y| ends.into_iter().map(move |x| (y, x)));
    short.chain(long).chain(ends).filter(|v| *v != (0, 0))
}

#[test]
fn atan2_of_counts() {
    let error = worst(vectors().map(|(y, x)| {
        let angle = f64::from(atan2_counts(y, x)) * (TAU / 4_294_967_296.0);
        wrapped(angle - libm::atan2(f64::from(y), f64::from(x))).abs()
    }));
    println!("atan2 counts: {error:e}");
    assert!(error <= ATAN2_COUNTS, "{error:e}");
    assert_eq!(atan2_counts(0, 0), 0);
    assert_eq!(atan2_counts(0, -7), i32::MIN);
    assert_eq!(atan2_counts(7, 0), 1 << 30);
}

fn atan2_fixed<Frac>()
where
    Frac: fixed::types::extra::LeEqU32 + Send + Sync + 'static,
{
    let lsb = (-f64::from(Frac::U32)).exp2();
    let error = worst(vectors().map(|(y, x)| {
        let angle = Fixed::<Frac>::from_bits(y).atan2(Fixed::from_bits(x));
        let exact = libm::atan2(f64::from(y), f64::from(x));
        (f64::from(angle.to_bits()) * lsb - exact).abs()
    }));
    println!("atan2 fixed {}: {error:e}", Frac::U32);
    assert!(error <= ATAN2_FIXED + lsb / 2.0, "{error:e}");
}

#[test]
fn atan2_of_all_formats() {
    atan2_fixed::<U0>();
    atan2_fixed::<fixed::types::extra::U16>();
    atan2_fixed::<fixed::types::extra::U20>();
    atan2_fixed::<fixed::types::extra::U24>();
    atan2_fixed::<fixed::types::extra::U29>();
}

#[test]
fn constants_are_rounded() {
    fn near<T: Real>(lsb: f64) {
        let of = |x: T| Float::to_f64(x.to_param());
        assert!((of(T::PI) - PI).abs() <= lsb && (of(T::TAU) - TAU).abs() <= lsb);
    }
    near::<f32>(2e-7);
    near::<Q8>(4e-7);
    near::<Q12>(1e-6);
    near::<Q16>(1e-5);
}
