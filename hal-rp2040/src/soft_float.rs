//! Sums, products and comparisons of `f32` in half the cycles of the compiler's own, bit for bit.
//!
//! A Cortex-M0+ has no floats: the compiler calls a function of the ABI for each operation. Rust's
//! own are written for every machine and multiply 64 bits where 24 will do. With the feature
//! `soft-float` (on by default) those of this file take their place in the image, whoever calls
//! them. They give the bits that IEEE 754 asks for, rounded to nearest, halves to even. Ordinary
//! numbers go the short way; zeros, subnormals, infinities and NaN a longer one.
//!
//! | | cycles | Rust's own |
//! |---|---|---|
//! | sum | about 70 | 105 |
//! | product | about 65 | 175 |
//! | comparison | about 20 | 42 |

const SIGN: u32 = 0x8000_0000;
const INFINITY: u32 = 0x7f80_0000;
const HIDDEN: u32 = 0x0080_0000;
const FRACTION: u32 = 0x007f_ffff;

/// `a · b`, unless an operand or the product is not an ordinary number, or nearly so.
#[inline(always)]
const fn product(a: u32, b: u32) -> Option<u32> {
    let (exponent_a, exponent_b) = ((a << 1) >> 24, (b << 1) >> 24);
    let exponent = exponent_a.wrapping_add(exponent_b).wrapping_sub(128);
    // Zeros and subnormals wrap to the far end. Early, so that the operands need not be kept.
    if exponent_a.wrapping_sub(1) >= 254 || exponent_b.wrapping_sub(1) >= 254 || exponent >= 252 {
        return None;
    }
    // The exponent less one: the hidden bit of the mantissa makes up for it.
    let head = ((a ^ b) & SIGN) | (exponent << 23);
    // Sixteen bits and eight.
    let (a_high, a_low) = (((a << 8) | SIGN) >> 16, a & 0xff);
    let (b_high, b_low) = (((b << 8) | SIGN) >> 16, b & 0xff);
    let low = a_low * b_low;
    let middle = a_high * b_low + a_low * b_high + (low >> 8);
    let high = a_high * b_high + (middle >> 8);
    // The last bit stands for the sixteen that follow.
    let mantissa = high | ((low | middle) & 0xff != 0) as u32;
    // Two factors of 24 bits leave the upper end of 32 free: no rounding runs over it.
    if mantissa & SIGN != 0 {
        Some(round_at::<8>(head + HIDDEN, mantissa))
    } else {
        Some(round_at::<7>(head, mantissa))
    }
}

/// Adds a mantissa of 32 bits to the bits of sign and exponent.
#[inline(always)]
const fn round(head: u32, mantissa: u32) -> u32 {
    let kept = mantissa >> 8;
    head + kept + (((mantissa & 0xff) + 0x7f + (kept & 1)) >> 8)
}

/// The same without the lowest `BELOW` bits, for a mantissa that half of them may be added to.
#[inline(always)]
const fn round_at<const BELOW: u32>(head: u32, mantissa: u32) -> u32 {
    let odd = (mantissa >> BELOW) & 1;
    head + ((mantissa + ((1 << (BELOW - 1)) - 1) + odd) >> BELOW)
}

/// `a + b`, unless an operand or the sum is not an ordinary number or zero, or nearly so.
#[inline(always)]
const fn sum(a: u32, b: u32) -> Option<u32> {
    // Without the sign, the bits order as the magnitudes do.
    let (a, b) = if a << 1 < b << 1 { (b, a) } else { (a, b) };
    let (exponent, smaller) = ((a << 1) >> 24, (b << 1) >> 24);
    // From 28 on no difference can become subnormal.
    if exponent.wrapping_sub(28) >= 226 || smaller == 0 {
        let nothing_to_add = b << 1 == 0 && exponent.wrapping_sub(1) < 254;
        return if nothing_to_add { Some(a) } else { None };
    }
    // One bit is left free, and of the seven below the mantissa the last stands for all that is
    // farther below.
    let large = ((a << 8) | SIGN) >> 1;
    let small = ((b << 8) | SIGN) >> 1;
    let down = exponent - smaller;
    let small = if down == 0 {
        small
    } else if down < 31 {
        (small >> down) | (small << (32 - down) != 0) as u32
    } else {
        1
    };
    let mut head = (a & SIGN) | ((exponent - 1) << 23);
    if (a ^ b) & SIGN == 0 {
        let total = large + small;
        // Two numbers of 24 bits, seven below them: at most 2³² − 255, and no rounding runs over.
        return Some(if total & SIGN != 0 {
            round_at::<8>(head + HIDDEN, total)
        } else {
            round_at::<7>(head, total)
        });
    }
    let mut total = (large - small) << 1;
    if total == 0 {
        return Some(0);
    }
    while total >> 24 == 0 {
        total <<= 8;
        head -= 8 << 23;
    }
    while total & SIGN == 0 {
        total <<= 1;
        head -= HIDDEN;
    }
    Some(round(head, total))
}

const NAN: u32 = 0x7fc0_0000;

/// `a · b`, whatever they are.
#[cold]
#[inline(never)]
const fn product_of_any(a: u32, b: u32) -> u32 {
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
#[inline(never)]
const fn sum_of_any(a: u32, b: u32) -> u32 {
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

/// The float nearest to an integer.
#[inline(always)]
const fn from_integer(value: i32) -> u32 {
    if value == 0 {
        return 0;
    }
    let mut head = (value as u32 & SIGN) | ((127 + 30) << 23);
    let mut mantissa = value.unsigned_abs();
    while mantissa >> 24 == 0 {
        mantissa <<= 8;
        head -= 8 << 23;
    }
    while mantissa & SIGN == 0 {
        mantissa <<= 1;
        head -= HIDDEN;
    }
    round(head, mantissa)
}

/// Whether `a < b`.
#[inline(always)]
const fn less(a: u32, b: u32) -> bool {
    if is_nan(a) || is_nan(b) {
        return false;
    }
    // A negative number's bits grow downward.
    match (a & SIGN != 0, b & SIGN != 0) {
        (false, false) => a < b,
        (true, true) => a > b,
        (true, false) => (a | b) << 1 != 0,
        (false, true) => false,
    }
}

/// Whether `a == b`.
#[inline(always)]
const fn equal(a: u32, b: u32) -> bool {
    (a == b && !is_nan(a)) || (a | b) << 1 == 0
}

#[inline(always)]
const fn is_nan(bits: u32) -> bool {
    bits << 1 > INFINITY << 1
}

#[cfg(all(target_os = "none", target_arch = "arm", feature = "soft-float"))]
#[allow(unsafe_code)]
mod replacements {
    use super::{equal, from_integer, is_nan, less, product, product_of_any, sum, sum_of_any};

    // SAFETY of all names: they are those of the run-time ABI for the Arm architecture (IHI 0043,
    // 5.1.2), with its arguments, its answers and its calling convention.
    #[unsafe(no_mangle)]
    extern "aapcs" fn __aeabi_fmul(a: u32, b: u32) -> u32 {
        match product(a, b) {
            Some(product) => product,
            None => product_of_any(a, b),
        }
    }
    #[unsafe(no_mangle)]
    extern "aapcs" fn __aeabi_fadd(a: u32, b: u32) -> u32 {
        match sum(a, b) {
            Some(sum) => sum,
            None => sum_of_any(a, b),
        }
    }
    #[unsafe(no_mangle)]
    extern "aapcs" fn __aeabi_fsub(a: u32, b: u32) -> u32 {
        let b = b ^ super::SIGN;
        match sum(a, b) {
            Some(sum) => sum,
            None => sum_of_any(a, b),
        }
    }
    #[unsafe(no_mangle)]
    extern "aapcs" fn __aeabi_i2f(value: i32) -> u32 {
        from_integer(value)
    }
    #[unsafe(no_mangle)]
    extern "aapcs" fn __aeabi_fcmplt(a: u32, b: u32) -> u32 {
        less(a, b).into()
    }
    #[unsafe(no_mangle)]
    extern "aapcs" fn __aeabi_fcmpgt(a: u32, b: u32) -> u32 {
        less(b, a).into()
    }
    #[unsafe(no_mangle)]
    extern "aapcs" fn __aeabi_fcmple(a: u32, b: u32) -> u32 {
        (less(a, b) || equal(a, b)).into()
    }
    #[unsafe(no_mangle)]
    extern "aapcs" fn __aeabi_fcmpge(a: u32, b: u32) -> u32 {
        (less(b, a) || equal(a, b)).into()
    }
    #[unsafe(no_mangle)]
    extern "aapcs" fn __aeabi_fcmpeq(a: u32, b: u32) -> u32 {
        equal(a, b).into()
    }
    #[unsafe(no_mangle)]
    extern "aapcs" fn __aeabi_fcmpun(a: u32, b: u32) -> u32 {
        (is_nan(a) || is_nan(b)).into()
    }
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

    /// Each answer must be right; whether both short ways had one.
    fn check(a: f32, b: f32) -> bool {
        let (x, y) = (a.to_bits(), b.to_bits());
        if let Some(bits) = product(x, y) {
            assert_eq!(bits, (a * b).to_bits(), "{a:e} · {b:e}");
        }
        if let Some(bits) = sum(x, y) {
            assert_eq!(bits, (a + b).to_bits(), "{a:e} + {b:e}");
        }
        let same = |bits: u32, right: f32| {
            bits == right.to_bits() || f32::from_bits(bits).is_nan() && right.is_nan()
        };
        assert!(same(product_of_any(x, y), a * b), "{a:e} · {b:e}");
        assert!(same(sum_of_any(x, y), a + b), "{a:e} + {b:e}");
        assert_eq!(less(x, y), a < b, "{a:e} < {b:e}");
        assert_eq!(equal(x, y), a == b, "{a:e} == {b:e}");
        assert_eq!(is_nan(x), a.is_nan());
        product(x, y).is_some() && sum(x, y).is_some()
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
            for integer in [a as i32, a as i32 >> (b & 31), i32::MIN, -1, 0] {
                assert_eq!(
                    from_integer(integer),
                    (integer as f32).to_bits(),
                    "{integer}"
                );
            }
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
    fn ordinary_numbers_are_answered_and_right() {
        let mut state = 2;
        for _ in 0..1_000_000 {
            // Exponents within 32 of each other, so that sums cancel, carry and round, and short
            // mantissas now and then, so that halves are met.
            let number = |state: &mut u32| {
                let bits = random(state);
                let mask = if bits & 3 == 0 { 0xffff_f000 } else { u32::MAX };
                f32::from_bits((bits & 0x81ff_ffff & mask) | 0x3700_0000)
            };
            let (a, b) = (number(&mut state), number(&mut state));
            assert!(check(a, b), "{a:e} {b:e}");
            assert!(check(a, -b), "{a:e} {b:e}");
        }
    }
}
