//! Sums, products and comparisons of `f32` in a third of the cycles of the compiler's own, bit for
//! bit.
//!
//! A Cortex-M0+ has no floats: the compiler calls a function of the ABI for each operation. Rust's
//! own are written for every machine and multiply 64 bits where 24 will do. With the feature
//! `soft-float` (on by default) those of this file take their place in the image, whoever calls
//! them. They give the bits that IEEE 754 asks for, rounded to nearest, halves to even, subnormals
//! and signed zeros included; an answer that is not a number is always the same one. Zeros and
//! ordinary numbers go the short way, in assembly; subnormals, infinities, NaN, and what is about
//! to become one of them, a longer one.
//!
//! | | cycles | Rust's own |
//! |---|---|---|
//! | sum | about 42 | 105 |
//! | product | about 42 | 175 |
//! | comparison | 9 to 26 | 42 |

const SIGN: u32 = 0x8000_0000;
const INFINITY: u32 = 0x7f80_0000;
const HIDDEN: u32 = 0x0080_0000;
const FRACTION: u32 = 0x007f_ffff;

const NAN: u32 = 0x7fc0_0000;

/// `a · b`, whatever they are.
#[cold]
extern "C" fn product_of_any(a: u32, b: u32) -> u32 {
    let sign = (a ^ b) & SIGN;
    let (a, b) = (a & !SIGN, b & !SIGN);
    if a > INFINITY || b > INFINITY {
        return NAN;
    }
    if a == INFINITY || b == INFINITY {
        return if a == 0 || b == 0 {
            NAN
        } else {
            sign | INFINITY
        };
    }
    if a == 0 || b == 0 {
        return sign;
    }
    let ((exponent_a, a), (exponent_b, b)) = (normal(a), normal(b));
    let product = a as u64 * b as u64;
    // 2⁴⁶ up to 2⁴⁸, to 32 bits of which the last stands for all that is below.
    let up = if product >> 47 == 0 { 1 } else { 0 };
    let product = product << up;
    let mut mantissa = (product >> 16) as u32 | (product as u16 != 0) as u32;
    let mut exponent = exponent_a + exponent_b - 126 - up;
    if exponent < 1 {
        let down = 1 - exponent;
        mantissa = if down < 32 {
            (mantissa >> down) | (mantissa << (32 - down) != 0) as u32
        } else {
            1
        };
        exponent = 1;
    }
    sign | rounded(exponent, mantissa)
}

/// `a + b`, whatever they are.
#[cold]
extern "C" fn sum_of_any(a: u32, b: u32) -> u32 {
    let (a, b) = if a << 1 < b << 1 { (b, a) } else { (a, b) };
    if is_nan(a) || is_nan(b) {
        return NAN;
    }
    let opposite = (a ^ b) & SIGN != 0;
    if a << 1 == INFINITY << 1 {
        return if opposite && b << 1 == a << 1 { NAN } else { a };
    }
    if b << 1 == 0 {
        return if a << 1 == 0 { a & b } else { a };
    }
    let ((mut exponent, large), (smaller, small)) = (parts(a), parts(b));
    let (large, small, down) = (large << 6, small << 6, exponent - smaller);
    let small = if down == 0 {
        small
    } else if down < 32 {
        (small >> down) | (small << (32 - down) != 0) as u32
    } else {
        1
    };
    let mut total = if opposite {
        large - small
    } else {
        large + small
    };
    if total == 0 {
        return 0;
    }
    if total >> 30 != 0 {
        exponent += 1;
    } else {
        total <<= 1;
    }
    while total >> 30 == 0 && exponent > 1 {
        total <<= 1;
        exponent -= 1;
    }
    (a & SIGN) | rounded(exponent, total << 1)
}

/// Exponent and mantissa of a magnitude, as they stand.
const fn parts(bits: u32) -> (i32, u32) {
    let (exponent, fraction) = ((bits << 1) >> 24, bits & FRACTION);
    if exponent == 0 {
        (1, fraction)
    } else {
        (exponent as i32, fraction | HIDDEN)
    }
}

/// Exponent and mantissa of a magnitude above zero, the mantissa with all of its 24 bits.
const fn normal(bits: u32) -> (i32, u32) {
    let (mut exponent, mut mantissa) = parts(bits);
    while mantissa & HIDDEN == 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    (exponent, mantissa)
}

/// The bits of a magnitude from its exponent (at least 1) and a mantissa of 32 bits, the first of
/// which is set unless the exponent is 1.
const fn rounded(exponent: i32, mantissa: u32) -> u32 {
    let kept = mantissa >> 8;
    let bits = kept + (((mantissa & 0xff) + 0x7f + (kept & 1)) >> 8);
    if exponent > 254 || bits + ((exponent as u32 - 1) << 23) >= INFINITY {
        INFINITY
    } else {
        bits + ((exponent as u32 - 1) << 23)
    }
}

#[inline(always)]
const fn is_nan(bits: u32) -> bool {
    bits << 1 > INFINITY << 1
}

#[cfg(all(target_os = "none", target_arch = "arm", feature = "soft-float"))]
#[allow(unsafe_code)]
mod replacements {
    use super::{product_of_any, sum_of_any};

    // SAFETY of all names: they are those of the run-time ABI for the Arm architecture (IHI 0043,
    // 5.1.2), with its arguments, its answers and its calling convention. No memory is touched.
    core::arch::global_asm!(
        include_str!("soft_float/thumb.s"),
        product_of_any = sym product_of_any,
        sum_of_any = sym sum_of_any,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDGES: [f32; 16] = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        1.5,
        f32::MIN_POSITIVE,
        1e-45,
        -1.2e-38,
        f32::MAX,
        f32::MIN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        0.1,
        16_777_215.0,
        -16_777_216.0,
    ];

    fn check(a: f32, b: f32) {
        let (x, y) = (a.to_bits(), b.to_bits());
        let same = |bits: u32, right: f32| {
            bits == right.to_bits() || f32::from_bits(bits).is_nan() && right.is_nan()
        };
        assert!(same(product_of_any(x, y), a * b), "{a:e} · {b:e}");
        assert!(same(sum_of_any(x, y), a + b), "{a:e} + {b:e}");
    }

    /// A sequence of xorshift (G. Marsaglia, "Xorshift RNGs", 2003).
    fn random(state: &mut u32) -> u32 {
        *state ^= *state << 13;
        *state ^= *state >> 17;
        *state ^= *state << 5;
        *state
    }

    #[test]
    fn edges_are_right() {
        for a in EDGES {
            for b in EDGES {
                check(a, b);
            }
        }
    }

    #[test]
    fn any_bits_are_right() {
        let mut state = 1;
        for _ in 0..300_000 {
            let (a, b) = (random(&mut state), random(&mut state));
            check(f32::from_bits(a), f32::from_bits(b));
            // Subnormals and their neighbours.
            check(
                f32::from_bits(a & 0x81ff_ffff),
                f32::from_bits(b & 0x80ff_ffff),
            );
            // Products about the smallest normal number.
            let (a, b) = (a & 0x87ff_ffff | 0x1800_0000, b & 0x87ff_ffff | 0x2000_0000);
            check(f32::from_bits(a), f32::from_bits(b));
        }
    }

    #[test]
    fn ordinary_numbers_are_right() {
        let mut state = 2;
        for _ in 0..300_000 {
            // Exponents within 32 of each other, so that sums cancel, carry and round, and short
            // mantissas now and then, so that halves are met.
            let number = |state: &mut u32| {
                let bits = random(state);
                let mask = if bits & 3 == 0 { 0xffff_f000 } else { u32::MAX };
                f32::from_bits((bits & 0x81ff_ffff & mask) | 0x3700_0000)
            };
            let (a, b) = (number(&mut state), number(&mut state));
            check(a, b);
            check(a, -b);
        }
    }
}
