//! Sums and products of `f32` in integers, for cores that have neither floats nor a wide product.
//!
//! The same bits as the operators give, in about half the instructions on ARMv6-M (counted on a
//! Cortex-M0: sum 60 instead of 107, product 70 instead of 120): what is subnormal, infinite or NaN,
//! or becomes so, goes to the operators, which leaves one straight road for all others.

/// `a · b`.
#[inline(never)]
pub(super) fn product(a: f32, b: f32) -> f32 {
    multiplied(a, b)
}

/// `a + b`.
#[inline(never)]
pub(super) fn sum(a: f32, b: f32) -> f32 {
    added(a, b)
}

/// `start + a · b`, each of the two rounded.
#[inline(never)]
pub(super) fn sum_with_product(start: f32, a: f32, b: f32) -> f32 {
    added(start, multiplied(a, b))
}

#[cold]
#[inline(never)]
fn other_sum(a: f32, b: f32) -> f32 {
    a + b
}

#[cold]
#[inline(never)]
fn other_product(a: f32, b: f32) -> f32 {
    a * b
}

#[inline(always)]
fn added(a: f32, b: f32) -> f32 {
    let (a, b) = (a.to_bits(), b.to_bits());
    // The larger first.
    let (a, b) = if a << 1 < b << 1 { (b, a) } else { (a, b) };
    match sum_of_bits(a, b) {
        Some(bits) => f32::from_bits(bits),
        None => other_sum(f32::from_bits(a), f32::from_bits(b)),
    }
}

#[inline(always)]
fn multiplied(a: f32, b: f32) -> f32 {
    match product_of_bits(a.to_bits(), b.to_bits()) {
        Some(bits) => f32::from_bits(bits),
        None => other_product(a, b),
    }
}

/// The exponent as it is stored.
#[inline(always)]
const fn exponent(bits: u32) -> u32 {
    (bits << 1) >> 24
}

/// The mantissa with its leading one, 30 bits, of which the last six are zero.
#[inline(always)]
const fn mantissa(bits: u32) -> u32 {
    ((bits << 8) | 0x8000_0000) >> 2
}

/// Rounds to nearest, halves to even: `bits` and what is behind their last place, in units of 2⁻³².
#[inline(always)]
const fn rounded(bits: u32, rest: u32) -> u32 {
    if rest as i32 >= 0 {
        bits
    } else if rest << 1 == 0 {
        bits.wrapping_add(bits & 1)
    } else {
        bits.wrapping_add(1)
    }
}

/// `None`: not of normal numbers with a normal or zero sum. `a` must not be the smaller magnitude.
#[inline(always)]
const fn sum_of_bits(a: u32, b: u32) -> Option<u32> {
    if exponent(a) == 255 || exponent(b) == 0 {
        let zero = b << 1 == 0 && exponent(a).wrapping_sub(1) < 254;
        return if zero { Some(a) } else { None };
    }
    let (large, mut small) = (mantissa(a), mantissa(b));
    let down = exponent(a) - exponent(b);
    if down > 0 {
        if down >= 30 {
            return Some(a);
        }
        let whole = small;
        small = whole >> down;
        // Six places behind the last one are enough, if the last of them knows of the others.
        if small << down != whole {
            small |= 1;
        }
    }
    let mut exponent = exponent(a);
    let mut sum;
    if (a ^ b) as i32 >= 0 {
        sum = large.wrapping_add(small);
        if ((sum << 1) as i32) < 0 {
            sum = (sum >> 1) | (sum & 1);
            exponent = exponent.wrapping_add(1);
        }
    } else {
        sum = large.wrapping_sub(small);
        if sum == 0 {
            return Some(0);
        }
        while (sum << 2) as i32 >= 0 {
            sum <<= 1;
            exponent = exponent.wrapping_sub(1);
        }
    }
    // The leading one of the mantissa adds one to the exponent.
    let exponent = exponent.wrapping_sub(1);
    if exponent >= 254 {
        return None;
    }
    let bits = (exponent << 23).wrapping_add(sum >> 6);
    Some((a & 0x8000_0000) | rounded(bits, sum << 26))
}

/// `None`: not of normal numbers with a normal product.
#[inline(always)]
const fn product_of_bits(a: u32, b: u32) -> Option<u32> {
    let (a_exponent, b_exponent) = (exponent(a), exponent(b));
    if a_exponent == 255 || b_exponent == 255 || a_exponent.wrapping_mul(b_exponent) == 0 {
        let zero = (a << 1 == 0 || b << 1 == 0) && a_exponent != 255 && b_exponent != 255;
        return if zero {
            Some((a ^ b) & 0x8000_0000)
        } else {
            None
        };
    }
    let (x, y) = (mantissa(a) >> 6, mantissa(b) >> 6);
    let (x_low, x_high, y_low, y_high) = (x & 0xfff, x >> 12, y & 0xfff, y >> 12);
    // The lower 32 bits of 48. Of the upper 24 the product of the lower halves is left out, which
    // makes them at most one too few: eight bits that are in both parts tell.
    let low = x.wrapping_mul(y);
    let crossed = x_high
        .wrapping_mul(y_low)
        .wrapping_add(x_low.wrapping_mul(y_high));
    let guess = x_high.wrapping_mul(y_high).wrapping_add(crossed >> 12);
    let mut high = guess.wrapping_add((low >> 24).wrapping_sub(guess) & 0xff);
    let mut rest = low << 8;
    let mut exponent = a_exponent.wrapping_add(b_exponent).wrapping_sub(127);
    if (high << 8) as i32 >= 0 {
        high = (high << 1) | (rest >> 31);
        rest <<= 1;
        exponent = exponent.wrapping_sub(1);
    }
    if exponent >= 254 {
        return None;
    }
    let bits = (exponent << 23).wrapping_add(high);
    Some(((a ^ b) & 0x8000_0000) | rounded(bits, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn same(own: f32, other: f32) -> bool {
        own.to_bits() == other.to_bits() || (own.is_nan() && other.is_nan())
    }

    fn check(a: f32, b: f32) {
        assert!(same(sum(a, b), a + b), "{a:e} + {b:e}: {:e}", sum(a, b));
        assert!(
            same(product(a, b), a * b),
            "{a:e} · {b:e}: {:e}",
            product(a, b)
        );
        assert!(same(sum_with_product(b, a, b), b + a * b), "{a:e} {b:e}");
    }

    #[test]
    fn edges_give_the_operators_bits() {
        let edges = [
            0.0,
            1.0,
            1.0 + f32::EPSILON,
            2.0 - f32::EPSILON,
            1.5,
            16_777_215.0,
            f32::MIN_POSITIVE,
            f32::MIN_POSITIVE * 2.0,
            1e-45,
            f32::MAX,
            f32::INFINITY,
            f32::NAN,
        ];
        for a in edges {
            for b in edges {
                for (a, b) in [(a, b), (-a, b), (a, -b), (-a, -b)] {
                    check(a, b);
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn all_bits_give_the_operators_bits(a: u32, b: u32) {
            check(f32::from_bits(a), f32::from_bits(b));
        }

        #[test]
        fn near_numbers_give_the_operators_bits(
            a in 0_u32..1 << 24, b in 0_u32..1 << 24, apart in 0_u32..40, signs in 0_u32..4,
        ) {
            // Magnitudes up to 2⁴⁰ apart, some with few digits, so that halves occur.
            for digits in [24, 12, 3] {
                let cut = |x: u32| (x >> (24 - digits)) << (24 - digits);
                let x = f32::from_bits(0x3f80_0000 | cut(a) >> 1 | (signs & 1) << 31);
                let y = f32::from_bits(
                    (0x3f80_0000 - (apart << 23)) | cut(b) >> 1 | (signs >> 1) << 31,
                );
                check(x, y);
                check(y, x);
            }
        }
    }
}
