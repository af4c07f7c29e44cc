//! [`Scalar`], [`Real`] and [`Float`] for `f32` and `f64`.

use super::angle::wrap_f64;
use super::atan2::atan2_f32;
use super::scalar::{Float, Real, Scalar};
use super::section::StateVariable;
use super::sin_cos::{phase_f32, sin_cos_f32, sin_cos_wrapped_f32};
use super::soft_float;
use super::sqrt::sqrt_f32;
use super::three_term::FloatTerms;

/// Whether `f32` is made of integers by the compiler: each comparison is a call then.
const SOFT_32: bool = cfg!(all(
    target_arch = "arm",
    target_os = "none",
    not(target_abi = "eabihf")
));
/// Whether sums and products of `f32` are better made here.
const OWN_32: bool = SOFT_32 && !cfg!(feature = "float-operators");
/// The same as [`SOFT_32`] for `f64`, which hardly any microcontroller has; where one does, a comparison of
/// integers costs little more.
const SOFT_64: bool = cfg!(all(target_arch = "arm", target_os = "none"));

/// Whether they are not: a sum costs no more than a comparison then.
const HARD: bool = cfg!(any(not(target_os = "none"), target_abi = "eabihf"));

/// Integers that order as floats do, but that −0 is below 0, and NaN beyond infinity.
#[inline(always)]
const fn ordered_32(bits: u32) -> i32 {
    (bits ^ (((bits as i32 >> 31) as u32) >> 1)) as i32
}
#[inline(always)]
const fn ordered_64(bits: u64) -> i64 {
    (bits ^ (((bits as i64 >> 63) as u64) >> 1)) as i64
}

// The neighbour of a half: a half itself would round what is just below it, and odd numbers of all
// bits, up. `as` saturates, and takes NaN to zero.
const HALF_32: f32 = 0.5_f32.next_down();
const HALF_64: f64 = 0.5_f64.next_down();

/// The nearest integer, halves away from zero, limited to the range of `i32`; zero for NaN.
#[inline(always)]
fn round_f32(x: f32) -> i32 {
    if SOFT_32 {
        round_bits(x.to_bits())
    } else {
        (x + if x < 0.0 { -HALF_32 } else { HALF_32 }) as i32
    }
}

#[inline(always)]
fn round_f64(x: f64) -> i32 {
    (x + if x < 0.0 { -HALF_64 } else { HALF_64 }) as i32
}

/// The same for the bits of an `f32`.
#[inline]
const fn round_bits(bits: u32) -> i32 {
    let (exponent, mantissa) = ((bits << 1) >> 24, (bits & 0x7f_ffff) | 0x80_0000);
    let magnitude = match exponent {
        // Below a half.
        0..126 => 0,
        126..150 => (mantissa + ((1 << (150 - exponent)) >> 1)) >> (150 - exponent),
        150..158 => mantissa << (exponent - 150),
        255 if bits & 0x7f_ffff != 0 => 0,
        _ if bits >> 31 != 0 => return i32::MIN,
        _ => return i32::MAX,
    };
    if bits >> 31 != 0 {
        -(magnitude as i32)
    } else {
        magnitude as i32
    }
}

macro_rules! float {
    ($t:ident, $name:literal, $usable:literal, $round:ident, $libm:ident, $ordered:ident, $soft:ident, $hard:expr) => {
        impl Scalar for $t {
            type Param = $t;
            type Gain = $t;
            type Wide = $t;
            type Short = $t;
            type Fine = $t;
            const NAME: &'static str = $name;
            const HARD: bool = $hard;
            const MAX: Self = 9_223_372_036_854_775_808.0;
            const MIN: Self = -9_223_372_036_854_775_808.0;
            const LITTLE: Self = Self::MAX;

            #[inline(always)]
            fn lit(value: f64) -> Self {
                value as $t
            }
            #[inline(always)]
            fn from_param(value: $t) -> Self {
                value
            }
            #[inline(always)]
            fn to_param(self) -> $t {
                self
            }
            #[inline(always)]
            fn gain(value: $t) -> $t {
                value
            }
            #[inline(always)]
            fn scale(self, gain: $t) -> Self {
                $libm::product(gain, self)
            }
            #[inline(always)]
            fn from_counts(counts: i32, gain: $t) -> Self {
                $libm::product(gain, counts as $t)
            }
            #[inline(always)]
            fn to_counts(self, gain: $t) -> i32 {
                $round($libm::product(gain, self))
            }
            #[inline(always)]
            fn widen(self) -> $t {
                self
            }
            #[inline(always)]
            fn narrow(wide: $t) -> Self {
                wide
            }
            #[inline(always)]
            fn accumulate(acc: $t, gain: $t, x: Self) -> $t {
                $libm::sum_with_product(acc, gain, x)
            }
            #[inline(always)]
            fn accumulate_counts(acc: $t, gain: $t, counts: i32) -> $t {
                $libm::sum_with_product(acc, gain, counts as $t)
            }
            #[inline(always)]
            fn add_wide(acc: $t, x: Self) -> $t {
                $libm::sum(acc, x)
            }
            #[inline(always)]
            fn short(value: $t) -> $t {
                value
            }
            #[inline(always)]
            fn reciprocal_short(value: Self) -> $t {
                1.0 / value
            }
            #[inline(always)]
            fn scale_short(self, gain: $t) -> Self {
                $libm::product(gain, self)
            }
            #[inline(always)]
            fn from_counts_short(counts: i32, gain: $t) -> Self {
                $libm::product(gain, counts as $t)
            }
            #[inline(always)]
            fn from_reading(reading: i16, gain: $t) -> Self {
                $libm::product(gain, i32::from(reading) as $t)
            }
            #[inline(always)]
            fn to_counts_short(self, gain: $t) -> i32 {
                $round($libm::product(gain, self))
            }
            #[inline(always)]
            fn part_of(self, whole: u16) -> u16 {
                let whole = i32::from(whole);
                $round(self * whole as $t).max(0).min(whole) as u16
            }
            #[inline(always)]
            fn dot_short<const N: usize>(gains: &[$t; N], x: &[$t; N]) -> $t {
                let mut products = gains.iter().zip(x).map(|(gain, x)| gain * x);
                let first = products.next().unwrap_or(0.0);
                products.fold(first, |sum, product| sum + product)
            }
            #[inline(always)]
            fn rough_product(self, other: Self) -> Self {
                $libm::product(self, other)
            }
            #[inline(always)]
            fn small_tangent(self) -> Self {
                let square = $libm::product(self, self);
                let cube = $libm::product(square, self);
                $libm::sum_with_product(self, cube, 1.0 / 3.0)
            }
            #[inline(always)]
            fn fine(self) -> $t {
                self
            }
            #[inline(always)]
            fn coarse(fine: $t) -> Self {
                fine
            }
            #[inline(always)]
            fn grow(fine: $t, gain: $t, x: Self) -> $t {
                $libm::sum_with_product(fine, gain, x)
            }
            #[inline(always)]
            fn grow_counts(fine: $t, gain: $t, counts: i32) -> $t {
                $libm::sum_with_product(fine, gain, counts as $t)
            }
            #[inline(always)]
            fn grow_little(fine: $t, gain: $t, x: Self) -> $t {
                fine + gain * x
            }
            #[inline(always)]
            fn grow_level(fine: $t, gain: $t, angle: Self, [forward, up]: [i16; 2]) -> $t {
                let tangent = angle.small_tangent();
                fine + gain * (i32::from(forward) as $t + tangent * i32::from(up) as $t)
            }
            #[inline(always)]
            fn nearer_reciprocal(gain: $t, value: Self) -> $t {
                let excess = gain * value - 1.0;
                gain - gain * excess.limit(-0.25, 0.25)
            }
            #[inline(always)]
            fn add_fine(fine: $t, x: Self) -> $t {
                $libm::sum(fine, x)
            }
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                $libm::sum(self, other)
            }
            #[inline(always)]
            fn minus(self, other: Self) -> Self {
                if $soft && other.to_bits() == 0 {
                    self
                } else if $soft {
                    $libm::sum(self, -other)
                } else {
                    self - other
                }
            }
            #[inline(always)]
            fn times(self, other: Self) -> Self {
                $libm::product(self, other)
            }
            #[inline(always)]
            fn halved(self) -> Self {
                $libm::product(self, 0.5)
            }
            #[inline(always)]
            fn product_sum(a: Self, b: Self, c: Self, d: Self) -> Self {
                $libm::sum_with_product($libm::product(a, b), c, d)
            }
            #[inline(always)]
            fn product_difference(a: Self, b: Self, c: Self, d: Self) -> Self {
                if $soft {
                    $libm::sum_with_product($libm::product(a, b), -c, d)
                } else {
                    a * b - c * d
                }
            }
            #[inline(always)]
            fn is_within(self, low: Self, high: Self) -> bool {
                if $soft {
                    let bits = $ordered(self.to_bits());
                    // What is not within as an integer may be zeros of two signs.
                    (bits >= $ordered(low.to_bits()) && bits <= $ordered(high.to_bits()))
                        && high.magnitude().to_bits() <= $t::INFINITY.to_bits()
                        && low.magnitude().to_bits() <= $t::INFINITY.to_bits()
                        || (self == 0.0 && self >= low && self <= high)
                } else {
                    self >= low && self <= high
                }
            }
            #[inline(always)]
            fn is_above(self, other: Self) -> bool {
                if $soft {
                    let bits = (self.to_bits(), other.to_bits());
                    // A comparison of integers; what is left to ask of a yes is seldom asked.
                    $ordered(bits.0) > $ordered(bits.1)
                        && (bits.0 | bits.1) << 1 != 0
                        && self.magnitude().to_bits() <= $t::INFINITY.to_bits()
                        && other.magnitude().to_bits() <= $t::INFINITY.to_bits()
                } else {
                    self > other
                }
            }
            #[inline(always)]
            fn magnitude(self) -> Self {
                self.abs()
            }
            #[inline(always)]
            fn is_usable(self) -> bool {
                // The bits of a float without its sign order as its magnitude does, and those of
                // infinity and NaN lie above all others.
                (self.to_bits() << 1) <= ($usable << 1)
            }

            #[inline(always)]
            fn is_below(self, limit: Self) -> bool {
                (self.to_bits() << 1) < (limit.to_bits() << 1)
            }

            #[inline(always)]
            fn all_below<const N: usize>(values: [Self; N], limit: Self) -> bool {
                // One comparison of the sum tells what is far below, as it mostly is.
                let sum = values.iter().fold(0.0, |sum, value| sum + value.abs());
                (Self::HARD && sum.to_bits() < limit.to_bits())
                    || values.iter().all(|value| value.is_below(limit))
            }

            type Section = StateVariable<$t>;
            type ThreeTerm = FloatTerms<$t>;
        }

        impl Float for $t {
            #[inline(always)]
            fn is_finite(self) -> bool {
                $t::is_finite(self)
            }
            #[inline]
            fn exp(self) -> Self {
                $libm::exp(self)
            }
            #[inline]
            fn ln(self) -> Self {
                $libm::ln(self)
            }
            #[inline]
            fn tan(self) -> Self {
                $libm::tan(self)
            }
            #[inline]
            fn powf(self, exponent: Self) -> Self {
                $libm::pow(self, exponent)
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }
        }
    };
}

mod m32 {
    pub(super) use libm::{expf as exp, logf as ln, powf as pow, tanf as tan};

    #[inline(always)]
    pub(super) fn product(a: f32, b: f32) -> f32 {
        if super::OWN_32 {
            super::soft_float::product(a, b)
        } else {
            a * b
        }
    }
    #[inline(always)]
    pub(super) fn sum(a: f32, b: f32) -> f32 {
        if super::OWN_32 {
            super::soft_float::sum(a, b)
        } else {
            a + b
        }
    }
    #[inline(always)]
    pub(super) fn sum_with_product(start: f32, a: f32, b: f32) -> f32 {
        if super::OWN_32 {
            super::soft_float::sum_with_product(start, a, b)
        } else {
            start + a * b
        }
    }
}
mod m64 {
    pub(super) use libm::{exp, log as ln, pow, tan};

    #[inline(always)]
    pub(super) fn product(a: f64, b: f64) -> f64 {
        a * b
    }
    #[inline(always)]
    pub(super) fn sum(a: f64, b: f64) -> f64 {
        a + b
    }
    #[inline(always)]
    pub(super) fn sum_with_product(start: f64, a: f64, b: f64) -> f64 {
        start + a * b
    }
}

// 2^63 in the bits of each type: the product of two usable values is finite.
float!(
    f32,
    "f32",
    0x5f00_0000_u32,
    round_f32,
    m32,
    ordered_32,
    SOFT_32,
    HARD
);
float!(
    f64,
    "f64",
    0x43e0_0000_0000_0000_u64,
    round_f64,
    m64,
    ordered_64,
    SOFT_64,
    cfg!(not(target_os = "none"))
);

impl Real for f32 {
    const PI: Self = core::f32::consts::PI;
    const TAU: Self = core::f32::consts::TAU;
    #[inline]
    fn sqrt(self) -> Self {
        sqrt_f32(self)
    }
    #[inline(always)]
    fn unit<const N: usize>(vector: [Self; N]) -> Option<[Self; N]> {
        // 2⁻¹⁰⁰ and 2¹²⁶, and beyond the latter infinity and NaN: one comparison of the bits.
        const LOW: u32 = 0x0d80_0000_u32;
        const HIGH: u32 = 0x7e80_0000_u32;
        let square = vector.iter().fold(0.0, |sum, c| sum + c * c);
        if square.to_bits().wrapping_sub(LOW) >= HIGH - LOW {
            return None;
        }
        let factor = 1.0 / Real::sqrt(square);
        Some(vector.map(|c| c * factor))
    }
    #[inline(always)]
    fn direction<const N: usize>(vector: [Self; N], least: Self, most: Self) -> Option<[Self; N]> {
        let square = vector.iter().fold(0.0, |sum, c| sum + c * c);
        // A square between these proves both limits (the largest of N has at least an Nth), the first
        // without underflow.
        let proof = (Self::lit(N as f64) * least * least).to_bits();
        let span = (most * most).to_bits().wrapping_sub(proof);
        if HARD && square.to_bits().wrapping_sub(proof) < span {
            let factor = 1.0 / Real::sqrt(square);
            return Some(vector.map(|c| c * factor));
        }
        let fits = Self::all_below(vector, most) && !Self::all_below(vector, least);
        if fits { Self::unit(vector) } else { None }
    }
    #[inline(always)]
    fn unit_wide<const N: usize>(vector: [Self; N]) -> Option<[Self; N]> {
        let square = vector.iter().fold(0.0, |sum, c| sum + c * c);
        // Within 2⁻¹¹ of one the first step of Newton's iteration is exact to the last place: 9e-8.
        const NEAR: u32 = 0x3f7f_e000;
        if square.to_bits().wrapping_sub(NEAR) < 0x3000 {
            let factor = 1.5 - 0.5 * square;
            return Some(vector.map(|c| c * factor));
        }
        Self::unit(vector)
    }
    #[inline]
    fn sin_cos(self) -> (Self, Self) {
        sin_cos_f32(self)
    }
    #[inline]
    fn sin_cos_wrapped(self) -> (Self, Self) {
        sin_cos_wrapped_f32(self)
    }
    #[inline]
    fn atan2(self, x: Self) -> Self {
        atan2_f32(self, x)
    }
    #[inline]
    fn wrap(self) -> Self {
        if !self.is_finite() {
            return f32::NAN;
        }
        let phase = if self.to_bits() & 0x7fff_ffff < 0x3f00_0000 {
            return self;
        } else {
            phase_f32(self.to_bits())
        };
        let angle = phase as f32 * (Self::TAU / 4_294_967_296.0);
        let angle = if self < 0.0 { -angle } else { angle };
        if angle >= Self::PI { -Self::PI } else { angle }
    }
}

impl Real for f64 {
    const PI: Self = core::f64::consts::PI;
    const TAU: Self = core::f64::consts::TAU;
    #[inline]
    fn sqrt(self) -> Self {
        libm::sqrt(self)
    }
    #[inline(always)]
    fn unit<const N: usize>(vector: [Self; N]) -> Option<[Self; N]> {
        // 2⁻¹⁰⁰ and 2¹²⁶, and beyond the latter infinity and NaN: one comparison of the bits.
        const LOW: u64 = 0x39b0_0000_0000_0000_u64;
        const HIGH: u64 = 0x47d0_0000_0000_0000_u64;
        let square = vector.iter().fold(0.0, |sum, c| sum + c * c);
        if square.to_bits().wrapping_sub(LOW) >= HIGH - LOW {
            return None;
        }
        let factor = 1.0 / Real::sqrt(square);
        Some(vector.map(|c| c * factor))
    }
    #[inline(always)]
    fn unit_wide<const N: usize>(vector: [Self; N]) -> Option<[Self; N]> {
        Self::unit(vector)
    }
    #[inline]
    fn sin_cos(self) -> (Self, Self) {
        libm::sincos(self)
    }
    #[inline]
    fn atan2(self, x: Self) -> Self {
        if self == 0.0 && x == 0.0 {
            return 0.0;
        }
        libm::atan2(self, x)
    }
    #[inline]
    fn wrap(self) -> Self {
        wrap_f64(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDGES: [f32; 11] = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        1e-45,
        -1e-45,
        f32::MAX,
        f32::MIN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
    ];

    proptest::proptest! {
        #[test]
        fn bits_round_as_floats_do(bits: u32, counts in -70_000_000..70_000_000_i32) {
            let near = counts as f32 * 0.25;
            for x in [f32::from_bits(bits), near, near.next_up(), near.next_down()] {
                proptest::prop_assert_eq!(round_bits(x.to_bits()), round_f32(x), "{}", x);
            }
        }
    }

    #[test]
    fn edges_round_as_floats_do() {
        for x in EDGES
            .into_iter()
            .chain([0.5, -0.5, HALF_32, 2_147_483_648.0])
        {
            assert_eq!(round_bits(x.to_bits()), round_f32(x), "{x}");
        }
    }

    #[test]
    fn integers_order_as_floats_do() {
        for a in EDGES {
            for b in EDGES {
                let (x, y) = (a.to_bits(), b.to_bits());
                let special = a.is_nan() || b.is_nan() || (x | y) << 1 == 0;
                assert!(
                    special || (ordered_32(x) > ordered_32(y)) == (a > b),
                    "{a} {b}"
                );
                let (c, d) = (f64::from(a), f64::from(b));
                let (x, y) = (ordered_64(c.to_bits()), ordered_64(d.to_bits()));
                assert!(special || (x > y) == (c > d), "{c} {d}");
                assert_eq!(a.is_above(b), a > b);
                assert_eq!(c.is_above(d), c > d);
            }
        }
    }
}
