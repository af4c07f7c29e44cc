//! Sine and cosine in integers: an angle is a fraction of a turn, so that reducing it is a
//! multiplication that may wrap, exact for small and for very large angles alike.
//!
//! The nearest sixty-fourth of a turn comes from a table (320 bytes: a turn and a quarter, the
//! cosine being the sine a quarter later); what is left, at most D = π/64 either way, turns that point
//! on: for d = v·D and x = v², cos d = 1 − x·(b₁ − x·b₂) and sin d = v·(g₁ − x·g₂) to 2e-10. On a
//! Cortex-M4F this costs less than a float polynomial, on cores without floats a fifth of one, and
//! host and target give the same bits.

use super::scalar::Scalar;
use super::wide::{mul_high, mul_wide_unsigned};

/// Entries in a turn, and a quarter more.
const TURN: usize = 64;
const QUARTER: usize = TURN / 4;

/// Sines of the sixty-fourths of a turn, times 2³⁰.
static SINES: [i32; TURN + QUARTER] = {
    let mut table = [0; TURN + QUARTER];
    let mut index = 0;
    while index < TURN + QUARTER {
        // In the nearest half turn, ± a quarter; 13 terms of the series are beyond the last place.
        let half_turns = (index + QUARTER) / (TURN / 2);
        let rest = index as f64 - (half_turns * TURN / 2) as f64;
        let angle = rest * (core::f64::consts::TAU / TURN as f64);
        let (mut sine, mut power, mut term) = (0.0, angle, 1.0);
        while term < 26.0 {
            sine += power;
            power *= -angle * angle / ((term + 1.0) * (term + 2.0));
            term += 2.0;
        }
        if half_turns % 2 == 1 {
            sine = -sine;
        }
        let scaled = sine * 1_073_741_824.0;
        table[index] = (scaled + if scaled < 0.0 { -0.5 } else { 0.5 }) as i32;
        index += 1;
    }
    table
};

/// Sine and cosine of the sixty-fourth of a turn that is nearest to a binary angle.
#[inline(always)]
fn nearest(angle: i32) -> (i32, i32) {
    let index = ((angle as u32).wrapping_add(1 << 25) >> 26) as usize;
    let at = |index: usize| SINES.get(index).copied().unwrap_or(0);
    (at(index), at(index + QUARTER))
}

/// Sine and cosine, times 2³⁰, of a binary angle (a turn is 2³²): integers only, for
/// commutation and other work on encoder counts.
///
/// Worst error 5e-9. The dual of [`atan2_counts`](super::atan2_counts).
///
/// ```
/// use balance_core::math::sin_cos_counts;
/// assert_eq!(sin_cos_counts(1 << 30), (1 << 30, 0)); // a quarter of a turn
/// ```
#[inline]
#[must_use]
pub fn sin_cos_counts(angle: i32) -> (i32, i32) {
    let (s, c) = nearest(angle);
    // v times 2³¹, and x times 2³⁰. A compiler that saw the sign of the square would take a product
    // without signs, and then correct for them.
    let v = angle << 6;
    let x = mul_high(v, v | 1);
    // cos d − 1 and −sin d, times 2³².
    let less = mul_high(x, mul_high(x, 16_623) - 20_698_060);
    let back = mul_high(v, mul_high(x, 677_240) - 421_657_422);
    (
        s + mul_high(s, less) + mul_high(c, -back),
        c + mul_high(c, less) + mul_high(s, back),
    )
}

/// [`sin_cos_counts`] to 9e-6, in products of 16 bits: for commutation and microsteps on a core that
/// multiplies 32 bits only (ARMv6-M), where it takes a fifth of the instructions.
///
/// ```
/// use balance_core::math::sin_cos_short;
/// let (sine, cosine) = sin_cos_short(i32::MIN / 4); // an eighth of a turn back
/// assert!((sine + 759_250_125).abs() < 8_000 && (cosine - 759_250_125).abs() < 8_000);
/// ```
#[inline]
#[must_use]
pub fn sin_cos_short(angle: i32) -> (i32, i32) {
    let (s, c) = nearest(angle);
    // sin d as the straight line that is nearest to it on ±D (5e-6), and 1 − cos d as d²/2, times 2²⁰.
    let d = (((angle << 6) >> 16) * 51_456) >> 15;
    let less = (d.wrapping_mul(d) as u32 >> 21) as i32;
    let (s16, c16) = (s >> 15, c >> 15);
    (
        s + ((c16 * d - s16 * less) >> 5),
        c - ((s16 * d + c16 * less) >> 5),
    )
}

/// sin(u·π/4)/u, times 2³¹, for z = u² times 2³⁰.
// Minimax on ±π/4: sin = u·(a₀ − z·(a₁ − z·(a₂ − z·a₃))) to 1.2e-9. Each product with z loses two
// bits of scale, so every coefficient has two more than the one before. The innermost product needs
// few bits and is a single instruction on any core.
#[inline(always)]
fn sine_factor(z: i32) -> i32 {
    let inner = 85_551_360 - ((((z + 0x4000) >> 15) as u32 * 77_046) >> 11) as i32;
    1_686_629_690 - mul_high(z, 693_597_425 - mul_high(z, inner))
}

/// cos(u·π/4), times 2³⁰, for z = u² times 2³⁰.
// Minimax on ±π/4: cos = 1 − z·(b₁ − z·(b₂ − z·(b₃ − z·b₄))) to 5.4e-11.
#[inline(always)]
fn cosine(z: i32) -> i32 {
    let inner = 22_398_565 - (((z >> 16) as u32 * 242_672) >> 14) as i32;
    (1 << 30)
        - mul_high(
            z,
            1_324_675_872 - mul_high(z, 272_375_277 - mul_high(z, inner)),
        )
}

/// Magnitude of a float as mantissa (24 bits) times 2³⁴/2π: 56 bits.
#[inline(always)]
fn turns_of_mantissa(mantissa: u32) -> u64 {
    // 2³⁴/2π = 2734261102.3057; the two shifts are the fraction.
    mul_wide_unsigned(mantissa, 2_734_261_102)
        .wrapping_add(u64::from((mantissa >> 2).wrapping_add(mantissa >> 4)))
}

/// The binary angle (a turn is 2³²) of a float's magnitude, for exponents from -2 on.
#[inline(always)]
pub(super) fn phase_f32(bits: u32) -> i32 {
    let exponent = (bits >> 23) & 0xff;
    let mantissa = (bits & 0x7f_ffff) | 0x80_0000;
    // The angle is mantissa · 2^(exponent - 150) and the product has 2 bits more than the phase.
    let down = 152_u32.wrapping_sub(exponent);
    if exponent <= 152 {
        // Rounds down by less than one part in 2³².
        (turns_of_mantissa(mantissa) >> (down & 63)) as i32
    } else {
        // 2⁶⁶/2π: whole turns leave at the top.
        let phase = u64::from(mantissa).wrapping_mul(11_743_562_013_128_004_906);
        let up = exponent.wrapping_sub(152);
        if up <= 32 {
            (phase >> (32_u32.wrapping_sub(up) & 63)) as i32
        } else {
            (phase as u32).checked_shl(up.wrapping_sub(32)).unwrap_or(0) as i32
        }
    }
}

/// The binary angle of a float of a magnitude from ½ up to 8.
#[inline(always)]
fn phase_near(bits: u32) -> i32 {
    // Times 2²⁸, which is an integer.
    let angle = if HARD {
        f32::from_bits(bits.wrapping_add(28 << 23)) as i32
    } else {
        let mantissa = (bits & 0x7f_ffff) | 0x80_0000;
        let magnitude = (mantissa << (((bits >> 23).wrapping_sub(122)) & 7)) as i32;
        if bits >> 31 != 0 {
            -magnitude
        } else {
            magnitude
        }
    };
    // 2³⁶/2π = 3·2³² − 1947857478.8
    angle
        .wrapping_mul(3)
        .wrapping_add(mul_high(angle, -1_947_857_479))
}

/// Whether a float becomes an integer in one instruction.
const HARD: bool = cfg!(any(not(target_os = "none"), target_abi = "eabihf"));

/// `value · 2⁻³⁰`.
#[inline(always)]
fn small_float(value: i32) -> f32 {
    if HARD {
        value as f32 * (1.0 / 1_073_741_824.0)
    } else if value == 0 {
        // It has no exponent.
        0.0
    } else {
        to_float(value, 30, 0)
    }
}

/// Sine and cosine of an angle in radians; NaN for what is not finite.
#[inline]
pub(super) fn sin_cos_f32(x: f32) -> (f32, f32) {
    let bits = x.to_bits();
    // ½ up to 8, of either sign.
    if (bits << 1).wrapping_sub(126 << 24) < 4 << 24 {
        let (s, c) = sin_cos_counts(phase_near(bits));
        return (small_float(s), small_float(c));
    }
    let sign = bits & 0x8000_0000;
    let exponent = (bits >> 23) & 0xff;
    if exponent >= 126 {
        if exponent == 255 {
            return (f32::NAN, f32::NAN);
        }
        let (s, c) = sin_cos_counts(phase_f32(bits));
        let s = small_float(s);
        return (f32::from_bits(s.to_bits() ^ sign), small_float(c));
    }
    if exponent < 115 {
        // Below 2⁻¹² neither x³/6 nor x²/2 reaches the last place.
        return (x, 1.0);
    }
    // Below ½: the mantissa keeps its own exponent, and the sine all its digits.
    let mantissa = (bits & 0x7f_ffff) | 0x80_0000;
    let u = (turns_of_mantissa(mantissa) >> 25) as i32;
    // u · 2^-(31 + down), in units of π/4.
    let down = 125_u32.wrapping_sub(exponent);
    let z = mul_high(u, u) >> ((down << 1) & 31);
    let s = mul_high(u, sine_factor(z));
    (
        to_float(s, down.wrapping_add(30), sign),
        to_float(cosine(z), 30, 0),
    )
}

/// Sine and cosine of an angle of −π ..= π in float arithmetic, to 1e-6; of others by the integers.
///
/// The nearest half turn is taken off and flips both signs; what is left, ± a quarter of a turn, goes
/// through minimax polynomials in r² of three and four coefficients (9e-7 and 5e-8).
#[inline(always)]
pub(super) fn sin_cos_wrapped_f32(x: f32) -> (f32, f32) {
    // Four radians; NaN and infinity lie above.
    if x.to_bits() << 1 > 0x4080_0000 << 1 {
        return sin_cos_f32(x);
    }
    // Adding 1.5 · 2²³ rounds to an integer, whose lowest bit is that of the sum.
    let shifted = f32::accumulate(12_582_912.0, x, core::f32::consts::FRAC_1_PI);
    let half_turns = shifted.minus(12_582_912.0);
    let r = f32::accumulate(x, -half_turns, core::f32::consts::PI);
    let z = r.times(r);
    let series = |start, coefficients: &[f32]| {
        let sum = |sum, coefficient: &f32| f32::accumulate(*coefficient, z, sum);
        coefficients.iter().fold(start, sum)
    };
    let sine = series(-1.849_218_1e-4, &[8.312_366e-3, -0.166_656_8]);
    let sine = f32::accumulate(r, r, z.times(sine));
    let cosine = series(
        2.319_438_7e-5,
        &[-1.385_592_7e-3, 4.166_399e-2, -0.499_999_3, 1.0],
    );
    if shifted.to_bits() & 1 == 0 {
        (sine, cosine)
    } else {
        (-sine, -cosine)
    }
}

/// `value · 2^-down` for a value that is not zero, with its sign flipped by `sign`.
#[inline(always)]
fn to_float(value: i32, down: u32, sign: u32) -> f32 {
    f32::from_bits((value as f32).to_bits().wrapping_sub(down << 23) ^ sign)
}

/// The binary angle of `bits · 2^-FRAC` radians, to 2⁻³³ of a turn.
#[inline(always)]
pub(super) const fn phase_fixed(bits: i32, frac: u32) -> i32 {
    let phase = (bits as i64 as u64).wrapping_mul(per_unit(frac));
    (phase.wrapping_add(1 << 31) >> 32) as i32
}

/// The binary angle of `bits · 2^-FRAC` radians, to 2⁻³² of a turn from below: all that a sine needs.
#[inline(always)]
pub(super) const fn phase_below(bits: i32, frac: u32) -> i32 {
    let per_unit = per_unit(frac);
    // In two parts, the second with a sign.
    let (whole, part) = (
        (per_unit.wrapping_add(1 << 31) >> 32) as i32,
        per_unit as i32,
    );
    bits.wrapping_mul(whole).wrapping_add(mul_high(bits, part))
}

/// 2^(64 - frac)/2π, rounded: whole turns leave at the top. The compiler folds it, `frac` being a
/// constant.
const fn per_unit(frac: u32) -> u64 {
    // 2¹²⁸/2π.
    const PER_RADIAN: u128 = 0x28be_60db_9391_054a_7f09_d5f4_7d4d_3770;
    (((PER_RADIAN >> (63 + (frac & 63))) + 1) >> 1) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_float_polynomial_is_as_close_as_it_says() {
        let mut worst = 0.0_f64;
        for k in -400_000..=400_000 {
            // Half a radian beyond the range.
            let x = k as f32 * 9.1e-6;
            let (sine, cosine) = sin_cos_wrapped_f32(x);
            let (s, c) = libm::sincos(f64::from(x));
            if x.abs() <= core::f32::consts::PI {
                worst = worst
                    .max((f64::from(sine) - s).abs())
                    .max((f64::from(cosine) - c).abs());
            }
            assert!((f64::from(sine) - s).abs() < 1.2e-6 && (f64::from(cosine) - c).abs() < 1.2e-6);
        }
        assert!(worst < 1e-6, "{worst}");
        assert_eq!(sin_cos_wrapped_f32(100.0), sin_cos_f32(100.0));
        assert!(sin_cos_wrapped_f32(f32::NAN).0.is_nan());
        assert_eq!(sin_cos_wrapped_f32(0.0), (0.0, 1.0));
    }
}
