//! Products of two 32-bit integers and shifts of 64-bit ones, short on every core.
//!
//! ARMv6-M (Cortex-M0, M0+) multiplies 32 × 32 → 32 bits and nothing wider, so the compiler turns
//! a wide product into a call of `__aeabi_lmul`, which multiplies 64 × 64 bits, and a 64-bit shift
//! by a variable into a call of `__aeabi_lasr`. Four 16 × 16 products in line are shorter, and
//! give the same bits.

/// Whether the target is an ARM core without compare-and-swap: ARMv6-M, for any bare-metal
/// target that is still in use. A wrong guess costs cycles, never a result.
pub(super) const NARROW: bool = cfg!(all(
    target_arch = "arm",
    target_os = "none",
    not(target_has_atomic = "32")
));

/// `a · b`.
#[inline(always)]
pub(crate) const fn mul_wide(a: i32, b: i32) -> i64 {
    if NARROW {
        mul_wide_in_parts(a, b)
    } else {
        a as i64 * b as i64
    }
}

/// `a · b / 2³²`, rounded down.
#[inline(always)]
pub(super) const fn mul_high(a: i32, b: i32) -> i32 {
    (mul_wide(a, b) >> 32) as i32
}

/// `a · b / 2³²`, rounded down.
#[inline(always)]
pub(crate) const fn mul_high_unsigned(a: u32, b: u32) -> u32 {
    if NARROW {
        mul_high_unsigned_in_parts(a, b)
    } else {
        ((a as u64 * b as u64) >> 32) as u32
    }
}

/// `a · b`.
#[inline(always)]
pub(super) const fn mul_wide_unsigned(a: u32, b: u32) -> u64 {
    if NARROW {
        mul_wide_unsigned_in_parts(a, b)
    } else {
        a as u64 * b as u64
    }
}

/// `value / 2^shift`, rounded down, for a shift of 0 ..= 63.
#[inline(always)]
pub(crate) const fn shift_right(value: i64, shift: u32) -> i64 {
    if NARROW {
        shift_right_in_parts(value, shift)
    } else {
        value >> (shift & 63)
    }
}

#[inline(always)]
const fn mul_wide_in_parts(a: i32, b: i32) -> i64 {
    let (a_low, a_high) = (a & 0xffff, a >> 16);
    let (b_low, b_high) = (b & 0xffff, b >> 16);
    let low = a_low.wrapping_mul(b_low) as u32;
    // 65535 · 32768 < 2³¹: neither sum can overflow.
    let middle = a_low.wrapping_mul(b_high).wrapping_add((low >> 16) as i32);
    let carry = a_high.wrapping_mul(b_low).wrapping_add(middle & 0xffff);
    let high = a_high
        .wrapping_mul(b_high)
        .wrapping_add(middle >> 16)
        .wrapping_add(carry >> 16);
    let low = ((carry as u32) << 16) | (low & 0xffff);
    ((high as i64) << 32) | low as i64
}

#[inline(always)]
const fn mul_wide_unsigned_in_parts(a: u32, b: u32) -> u64 {
    let (a_low, a_high) = (a & 0xffff, a >> 16);
    let (b_low, b_high) = (b & 0xffff, b >> 16);
    let low = a_low.wrapping_mul(b_low);
    // 65535² + 65535 < 2³²: neither sum can overflow.
    let middle = a_low.wrapping_mul(b_high).wrapping_add(low >> 16);
    let carry = a_high.wrapping_mul(b_low).wrapping_add(middle & 0xffff);
    let high = a_high
        .wrapping_mul(b_high)
        .wrapping_add(middle >> 16)
        .wrapping_add(carry >> 16);
    ((high as u64) << 32) | ((carry << 16) | (low & 0xffff)) as u64
}

#[inline(always)]
const fn mul_high_unsigned_in_parts(a: u32, b: u32) -> u32 {
    let (a_low, a_high) = (a & 0xffff, a >> 16);
    let (b_low, b_high) = (b & 0xffff, b >> 16);
    let low = a_low.wrapping_mul(b_low);
    let middle = a_low.wrapping_mul(b_high).wrapping_add(low >> 16);
    let other = a_high.wrapping_mul(b_low);
    // Half of their sum, which may need 33 bits. The usual ladder with a carry is shorter by
    // three instructions, and LLVM (from 22 on) makes a call of `__aeabi_lmul` of it.
    let half = (middle >> 1)
        .wrapping_add(other >> 1)
        .wrapping_add(middle & other & 1);
    a_high.wrapping_mul(b_high).wrapping_add(half >> 15)
}

/// `a + b`, saturating. Told by the signs, in half the instructions of `i64::saturating_add` on a
/// core of 32 bits.
#[inline(always)]
pub(crate) const fn add_saturating(a: i64, b: i64) -> i64 {
    let sum = a.wrapping_add(b);
    if (a ^ sum) & (b ^ sum) < 0 {
        cold();
        if a < 0 { i64::MIN } else { i64::MAX }
    } else {
        sum
    }
}

/// `value / 2^shift`, rounded down, for a shift of 0 ..= 31 at compile time or not; saturating.
#[inline(always)]
pub(super) const fn shift_saturating(value: i64, shift: u32) -> i32 {
    let (low, high) = (value as u32, (value >> 32) as i32);
    let part = shift & 31;
    // In two steps, because a shift by 32 - 0 would be a shift by 0.
    let joined = ((low >> part) | (((high as u32) << 1) << (31 - part))) as i32;
    if high >> part == joined >> 31 {
        joined
    } else {
        cold();
        end_of_range(high)
    }
}

/// `a · 2^frac / b`, rounded toward zero and saturated, for a `b` other than zero and a `frac` of
/// 0 ..= 32.
#[inline]
pub(super) const fn div_saturating(a: i32, b: i32, frac: u32) -> i32 {
    let magnitude = if NARROW {
        div_bit_by_bit(a.unsigned_abs(), b.unsigned_abs(), frac)
    } else {
        div_at_once(a.unsigned_abs(), b.unsigned_abs(), frac)
    };
    if a ^ b < 0 {
        if magnitude > 1 << 31 {
            i32::MIN
        } else {
            (magnitude as i32).wrapping_neg()
        }
    } else if magnitude < 1 << 31 {
        magnitude as i32
    } else {
        i32::MAX
    }
}

/// `a · 2^frac / b`, limited to the range of `u32`.
#[inline(always)]
const fn div_at_once(a: u32, b: u32, frac: u32) -> u32 {
    match ((a as u64) << (frac & 63)).checked_div(b as u64) {
        Some(quotient) if quotient <= u32::MAX as u64 => quotient as u32,
        _ => u32::MAX,
    }
}

/// The same without a division of 64 bits, which takes an ARMv6-M a thousand cycles.
const fn div_bit_by_bit(a: u32, b: u32, frac: u32) -> u32 {
    let (Some(mut quotient), Some(mut rest)) = (a.checked_div(b), a.checked_rem(b)) else {
        return u32::MAX;
    };
    let mut bit = 0;
    while bit < frac {
        if quotient >> 31 != 0 {
            return u32::MAX;
        }
        quotient <<= 1;
        // The rest is below the divisor, which is at most 2³¹.
        rest <<= 1;
        if rest >= b {
            rest = rest.wrapping_sub(b);
            quotient |= 1;
        }
        bit += 1;
    }
    quotient
}

/// The end of the range of `i32` with the sign of a number.
#[inline(always)]
pub(super) const fn end_of_range(sign: i32) -> i32 {
    if sign < 0 { i32::MIN } else { i32::MAX }
}

/// Tells the compiler that whatever calls it is seldom reached.
#[cold]
#[inline(always)]
pub(crate) const fn cold() {}

#[inline(always)]
const fn shift_right_in_parts(value: i64, shift: u32) -> i64 {
    let (low, high) = (value as u32, (value >> 32) as i32);
    let part = shift & 31;
    if shift & 32 == 0 {
        // In two steps, because a shift by 32 - 0 would be a shift by 0.
        let low = (low >> part) | (((high as u32) << 1) << (31 - part));
        (((high >> part) as i64) << 32) | low as i64
    } else {
        (high >> part) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EDGES: [i32; 9] = [
        i32::MIN,
        i32::MIN + 1,
        -65536,
        -1,
        0,
        1,
        65535,
        65536,
        i32::MAX,
    ];

    fn limited(wide: i64) -> i32 {
        wide.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
    }

    #[test]
    fn parts_give_the_same_bits_at_the_edges() {
        for a in EDGES {
            for b in EDGES {
                assert_eq!(mul_wide_in_parts(a, b), i64::from(a) * i64::from(b));
                let (a, b) = (a as u32, b as u32);
                let product = u64::from(a) * u64::from(b);
                assert_eq!(mul_wide_unsigned_in_parts(a, b), product);
                assert_eq!(mul_high_unsigned_in_parts(a, b), (product >> 32) as u32);
            }
        }
        for value in [
            i64::MIN,
            -1,
            0,
            1,
            i64::MAX,
            0x0123_4567_89ab_cdef,
            -0x0123_4567_89ab_cdef,
        ] {
            for shift in 0..64 {
                assert_eq!(shift_right_in_parts(value, shift), value >> shift);
            }
            for shift in 0..32 {
                assert_eq!(shift_saturating(value, shift), limited(value >> shift));
            }
            for other in [i64::MIN, -1, 1, i64::MAX] {
                assert_eq!(add_saturating(value, other), value.saturating_add(other));
            }
        }
    }

    proptest! {
        #[test]
        fn parts_give_the_same_bits(a: i32, b: i32, value: i64, other: i64, shift in 0..64_u32) {
            prop_assert_eq!(mul_wide_in_parts(a, b), i64::from(a) * i64::from(b));
            let (ua, ub) = (a as u32, b as u32);
            let product = u64::from(ua) * u64::from(ub);
            prop_assert_eq!(mul_wide_unsigned_in_parts(ua, ub), product);
            prop_assert_eq!(mul_high_unsigned_in_parts(ua, ub), (product >> 32) as u32);
            prop_assert_eq!(shift_saturating(value, shift & 31), limited(value >> (shift & 31)));
            let near = value >> shift;
            prop_assert_eq!(shift_saturating(near, shift & 31), limited(near >> (shift & 31)));
            prop_assert_eq!(add_saturating(value, other), value.saturating_add(other));
            let (frac, divisor) = (shift.min(32), (ub >> (shift & 31)).clamp(1, 1 << 31));
            prop_assert_eq!(
                div_bit_by_bit(ua, divisor, frac),
                div_at_once(ua, divisor, frac)
            );
            prop_assert_eq!(shift_right_in_parts(value, shift), value >> shift);
        }
    }
}
