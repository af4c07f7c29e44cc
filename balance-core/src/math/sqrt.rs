//! Square roots: one instruction where the hardware has it, integers for fixed point.

use super::wide::{mul_high_unsigned, mul_wide_unsigned};
use core::num::NonZeroU32;

/// Square root, correctly rounded; NaN below zero.
///
/// `vsqrt.f32` (14 cycles) and two moves on ARM with hardware floats, where `libm` would run a software
/// routine of about 50 instructions: it cannot see the instruction. Both are correctly rounded,
/// hence give the same bits.
#[inline(always)]
#[cfg(not(all(target_arch = "arm", target_abi = "eabihf")))]
pub(super) fn sqrt_f32(x: f32) -> f32 {
    libm::sqrtf(x)
}

/// Square root, correctly rounded; NaN below zero.
// `target_feature = "vfp2"` is hidden from stable compilers; the hard-float ABI implies it.
#[inline(always)]
#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
#[allow(unsafe_code)]
pub(super) fn sqrt_f32(x: f32) -> f32 {
    let mut bits = x.to_bits();
    // SAFETY: arithmetic on one core and one float register, both declared; touches no memory,
    // stack or flags. Every target with the hard-float ABI passes floats in these registers, so
    // it has them. (The compiler refuses operands of class `sreg`, its own `vfp2` being hidden.)
    unsafe {
        core::arch::asm!(
            "vmov s0, {bits}",
            "vsqrt.f32 s0, s0",
            "vmov {bits}, s0",
            bits = inout(reg) bits,
            out("s0") _,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    f32::from_bits(bits)
}

/// Square root of `bits · 2^-frac`, in the same format, rounded to nearest (rounded down where
/// the root needs all 32 bits: more than 30 fractional bits); zero below zero.
///
/// Sixteen bits of the root one by one in 32-bit arithmetic, the other sixteen by one 32-bit
/// division, then at most one step back. P. Zimmermann, "Karatsuba Square Root", INRIA RR-3805
/// (1999), with a base of 2¹⁶.
pub(super) fn sqrt_fixed(bits: i32, frac: u32) -> i32 {
    if bits <= 0 {
        return 0;
    }
    let square = (bits as u64) << (frac & 63);
    // An even shift, so that the root is shifted by half of it.
    let normalise = square.leading_zeros() & !1;
    let square = square << (normalise & 63);
    let (high, low) = ((square >> 32) as u32, square as u32);

    let mut root = 0_u32;
    let mut rest = high;
    let mut bit = 1_u32 << 30;
    for _ in 0..16 {
        let trial = root.wrapping_add(bit);
        root >>= 1;
        if rest >= trial {
            rest = rest.wrapping_sub(trial);
            root = root.wrapping_add(bit);
        }
        bit >>= 2;
    }

    // Normalised, the upper half of the root is at least 2¹⁵; the rest is at most twice the root.
    let divisor = NonZeroU32::new(root).unwrap_or(NonZeroU32::MIN);
    let quotient = ((rest << 15) | (low >> 17)) / divisor;
    let mut root = (root << 16).wrapping_add(quotient.min(0xffff));
    if mul_wide_unsigned(root, root) > square {
        root = root.wrapping_sub(1);
    }
    let down = (normalise >> 1) & 31;
    let rounded =
        (root >> down).wrapping_add((root >> (down.saturating_sub(1))) & u32::from(down != 0));
    i32::try_from(rounded).unwrap_or(i32::MAX)
}

/// 2³⁰/√s for s = `square` · 2⁻³² of ¼ .. 1, to two parts in 10⁸: a cubic (minimax, 0.7 %) for the
/// start and two steps of Newton's iteration y ← y·(3 − s·y²)/2, in products of 32 bits.
pub(super) fn inverse_sqrt(square: u32) -> u32 {
    let square = square.max(1 << 30);
    // The cubic times 2¹³: within 16 bits at each step.
    let s = square >> 16;
    let inner = 51_036 - ((19_976 * s) >> 16);
    let first = 25_497 - (((48_423 - ((inner * s) >> 16)) * s) >> 16);
    let mut y = first << 17;
    for _ in 0..2 {
        // s·y² is near one: times 2²⁸.
        let near_one = mul_high_unsigned(square, mul_high_unsigned(y, y));
        y = mul_high_unsigned(y, (3_u32 << 28).wrapping_sub(near_one)) << 3;
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn exact_squares_have_exact_roots() {
        for root in 0..=46_340_i32 {
            assert_eq!(sqrt_fixed(root * root, 0), root);
        }
        assert_eq!(sqrt_fixed(4 << 20, 20), 2 << 20);
        assert_eq!(sqrt_fixed(i32::MAX, 0), 46_341);
    }
    #[test]
    fn inverse_roots_are_within_two_parts_in_a_hundred_million() {
        for step in 0..100_000_u32 {
            let square = (1 << 30) + step * 32_212;
            let exact = 1_073_741_824.0 / (f64::from(square) / 4_294_967_296.0).sqrt();
            let error = f64::from(inverse_sqrt(square)) / exact - 1.0;
            assert!(error.abs() < 2e-8, "{square}: {error}");
        }
    }
    #[test]
    fn the_root_of_what_has_none_is_zero() {
        for frac in 0..=32 {
            assert_eq!(sqrt_fixed(0, frac), 0);
            assert_eq!(sqrt_fixed(-1, frac), 0);
            assert_eq!(sqrt_fixed(i32::MIN, frac), 0);
        }
    }

    proptest! {
        #[test]
        fn nearest_of_all_numbers(bits in 1..=i32::MAX, small in 0..31_u32, frac in 0..=32_u32) {
            let bits = (bits >> small).max(1);
            let root = i128::from(sqrt_fixed(bits, frac));
            let square = i128::from(bits) << frac;
            if frac <= 30 {
                // 4·square lies between (2·root - 1)² and (2·root + 1)².
                prop_assert!((2 * root - 1).pow(2) <= 4 * square);
                prop_assert!(4 * square <= (2 * root + 1).pow(2));
            } else {
                prop_assert!((root - 1).pow(2) <= square && square <= (root + 1).pow(2)
                    || root == i128::from(i32::MAX));
            }
        }
    }
}
