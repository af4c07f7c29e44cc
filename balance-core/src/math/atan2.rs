//! The angle of a vector: fold into an eighth of a turn, one division, one polynomial.
//!
//! The polynomial is minimax (Remez exchange, weighted for the absolute error) for
//! atan(t) = t − t·z·(c₀ − z·(c₁ − … − z·c₆)), z = t², 0 ≤ t ≤ 1: 4.9e-8 rad. It runs in integers:
//! on cores without floats a product costs a sixth of a float's.

use super::wide::mul_high_unsigned;

/// The correction z·(c₀ − …) times 2³², for t times 2³².
#[inline(always)]
fn correction(t: u32) -> u32 {
    let z = mul_high_unsigned(t, t);
    let mut y = 18_711_026_u32;
    y = 98_974_145 - mul_high_unsigned(z, y);
    y = 248_161_642 - mul_high_unsigned(z, y);
    y = 420_678_575 - mul_high_unsigned(z, y);
    y = 600_297_235 - mul_high_unsigned(z, y);
    y = 857_393_059 - mul_high_unsigned(z, y);
    y = 1_431_583_957 - mul_high_unsigned(z, y);
    mul_high_unsigned(z, y)
}

/// Angle of the vector (`x`, `y`); NaN if either is NaN.
#[inline]
pub(super) fn atan2_f32(y: f32, x: f32) -> f32 {
    const INFINITY: u32 = 0x7f80_0000;
    let sign = y.to_bits() & 0x8000_0000;
    // Bits without the sign order as magnitudes do.
    let (a, b) = (y.to_bits() & 0x7fff_ffff, x.to_bits() & 0x7fff_ffff);
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    let swapped = a > b;
    if high > INFINITY {
        return f32::NAN;
    }
    if high == 0 {
        return 0.0;
    }
    let ratio = if low == high {
        0x3f80_0000
    } else {
        (f32::from_bits(low) / f32::from_bits(high)).to_bits()
    };
    // ratio = mantissa · 2^-(32 + down)
    let mantissa = (ratio << 8) | 0x8000_0000;
    let down = 126_u32.wrapping_sub(ratio >> 23);
    let t = if ratio >= 0x3f80_0000 {
        u32::MAX
    } else {
        mantissa.checked_shr(down).unwrap_or(0)
    };
    let correction = correction(t);
    let behind = x.to_bits() & 0x8000_0000 != 0;
    if !swapped && !behind {
        // The mantissa keeps its own exponent, and a small angle all its digits.
        if ratio < 0x3980_0000 {
            return f32::from_bits(ratio | sign);
        }
        let angle = mantissa - mul_high_unsigned(mantissa, correction);
        let exponent = down.wrapping_add(32) << 23;
        return f32::from_bits((angle as f32).to_bits().wrapping_sub(exponent) | sign);
    }
    let angle = fold((t - mul_high_unsigned(t, correction)) >> 3, swapped, behind);
    f32::from_bits((angle as f32).to_bits().wrapping_sub(29 << 23) | sign)
}

/// Unfolds an angle of an eighth of a turn at most to half a turn, in radians times 2²⁹.
#[inline(always)]
fn fold(angle: u32, swapped: bool, behind: bool) -> u32 {
    let angle = if swapped { 843_314_857 - angle } else { angle };
    if behind { 1_686_629_713 - angle } else { angle }
}

/// atan(low / high), in radians times 2³², for 0 ≤ low ≤ high.
#[inline(always)]
fn octant(low: u32, high: u32) -> u32 {
    let t = if low == high {
        u32::MAX
    } else {
        ratio(low, high)
    };
    t - mul_high_unsigned(t, correction(t))
}

/// low / high times 2³² to 4e-8, from below, for low < high: a reciprocal by Newton's iteration,
/// because ARMv6-M has no instruction that divides, and even where there is one this is as fast.
#[inline(always)]
fn ratio(low: u32, high: u32) -> u32 {
    let zeros = high.leading_zeros() & 31;
    let (low, high) = (low << zeros, high << zeros);
    // The Chebyshev quadratic (420 - 576·d + 256·d²)/99 is 1/d to one part in 99 on ½ ..= 1; here
    // times 2¹³, for a d that is rounded up so that no step passes the reciprocal.
    let d = (high >> 16).wrapping_add(1);
    let first = 34_754 - (((47_662 - ((21_183 * d) >> 16)) * d) >> 16);
    let second = (first * ((0x4000_0000_u32.wrapping_sub(d * first)) >> 14)) >> 13;
    // Times 2³¹: error 4e-8.
    let reciprocal = second << 16;
    let reciprocal = mul_high_unsigned(reciprocal, !mul_high_unsigned(high, reciprocal));
    mul_high_unsigned(low, reciprocal) << 2
}

/// Angle of the vector (`x`, `y`) of integers as a binary angle: a turn is 2³², so the sum of two
/// angles wraps as angles do. Integers only.
///
/// Worst error 1e-7 rad for vectors of any length, the shortest included; the zero vector gives
/// zero and a half turn `i32::MIN`. For Hall, magnetic and resolver sensors, and accelerometers.
///
/// In radians:
///
/// ```
/// use balance_core::math::{Q12, Scalar, atan2_counts};
/// let radians_per_count = Q12::gain(core::f32::consts::TAU / 4_294_967_296.0);
/// let angle = Q12::from_counts(atan2_counts(5, 5), radians_per_count);
/// assert!((angle.to_param() - core::f32::consts::FRAC_PI_4).abs() < 2e-6);
/// ```
#[inline]
#[must_use]
pub fn atan2_counts(y: i32, x: i32) -> i32 {
    let (a, b) = (y.unsigned_abs(), x.unsigned_abs());
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if high == 0 {
        return 0;
    }
    // 2³²/2π; half a count makes up for rounding down.
    let angle = mul_high_unsigned(octant(low, high).saturating_add(3), 683_565_276);
    let angle = if a > b { (1 << 30) - angle } else { angle };
    let angle = if x < 0 {
        (1_u32 << 31).wrapping_sub(angle)
    } else {
        angle
    };
    (if y < 0 { angle.wrapping_neg() } else { angle }) as i32
}

/// Intervals of the table for [`atan2_short`].
const INTERVALS: usize = 64;

/// atan about the middle of an interval, as a parabola in the distance to it.
#[derive(Clone, Copy)]
struct Parabola {
    /// Angle, in radians times 2³¹.
    angle: i32,
    /// One less the slope, times 2¹⁶.
    lag: u16,
    /// Half the curvature with its sign turned, times 2¹⁶.
    bend: u16,
}

/// The parabola meets atan to a quarter of the third-order term, which is spread evenly over the
/// interval (Chebyshev): 4e-8 rad.
const PARABOLAS: [Parabola; INTERVALS] = {
    let mut table = [Parabola {
        angle: 0,
        lag: 0,
        bend: 0,
    }; INTERVALS];
    let half = 0.5 / INTERVALS as f64;
    let (mut index, mut angle, mut before) = (0, 0.0, 0.0);
    while index < INTERVALS {
        let middle = (2 * index + 1) as f64 * half;
        // atan b − atan a = atan((b − a)/(1 + a b)), whose series is short for a small argument.
        let step = (middle - before) / (1.0 + middle * before);
        let square = step * step;
        angle += step * (1.0 - square * (1.0 / 3.0 - square * (0.2 - square / 7.0)));
        before = middle;
        let slope = 1.0 / (1.0 + middle * middle);
        let third = (3.0 * middle * middle - 1.0) / 3.0 * slope * slope * slope;
        let slope_of_best_fit = slope + third * 0.75 * half * half;
        table[index] = Parabola {
            angle: (angle * 2_147_483_648.0 + 0.5) as i32,
            lag: ((1.0 - slope_of_best_fit) * 65_536.0 + 0.5) as u16,
            bend: (middle * slope * slope * 65_536.0 + 0.5) as u16,
        };
        index += 1;
    }
    table
};

/// low / high times 2³⁰ to 2e-8, for low ≤ high and a `high` of 2¹⁵ up to 2¹⁶: as [`ratio`] begins,
/// then the rest of a division with remainder, all in products of 16 bits.
#[inline(always)]
fn short_ratio(low: u32, high: u32) -> u32 {
    let first = 34_754 - (((47_662 - ((21_183 * high) >> 16)) * high) >> 16);
    let second = (first * ((0x4000_0000_u32.wrapping_sub(high * first)) >> 14)) >> 13;
    let quotient = (low * second) >> 16;
    let rest = (low << 15).wrapping_sub(quotient.wrapping_mul(high));
    (quotient << 15) + (((rest >> 3).wrapping_mul(second)) >> 13)
}

/// Angle of the vector (`x`, `y`), each at most 2¹⁵ in magnitude, in radians times 2²⁹.
///
/// Worst error 2e-7 rad; a third of the cost of [`atan2_counts`] on a core without wide products.
#[inline]
pub(crate) fn atan2_short(y: i32, x: i32) -> i32 {
    let (a, b) = (y.unsigned_abs() & 0xffff, x.unsigned_abs() & 0xffff);
    let (mut low, mut high) = if a < b { (a, b) } else { (b, a) };
    if high == 0 {
        return 0;
    }
    // ARMv6-M does not count leading zeros.
    for places in [8, 4, 2, 1] {
        if high < 0x1_0000 >> places {
            high <<= places;
            low <<= places;
        }
    }
    let t = short_ratio(low, high).min(0x3fff_ffff);
    let parabola = PARABOLAS
        .get((t >> 24) as usize & (INTERVALS - 1))
        .copied()
        .unwrap_or(Parabola {
            angle: 0,
            lag: 0,
            bend: 0,
        });
    // Distance from the middle, times 2³⁰ and times 2²².
    let fine = (t & 0xff_ffff) as i32 - 0x80_0000;
    let coarse = (fine + 0x80) >> 8;
    let bend = ((coarse * coarse) as u32 >> 14).wrapping_mul(u32::from(parabola.bend)) >> 15;
    let lag = coarse.wrapping_mul(i32::from(parabola.lag)) >> 7;
    let angle = parabola.angle + (fine << 1) - lag - bend as i32;
    // At the very start of the table the parabola ends a trace below zero.
    let angle = fold(((angle + 2) >> 2).max(0) as u32, a > b, x < 0) as i32;
    if y < 0 { -angle } else { angle }
}

/// Angle of the vector (`x`, `y`) in radians times 2²⁹, −π ..= π.
#[inline]
pub(super) fn atan2_fixed(y: i32, x: i32) -> i32 {
    let (a, b) = (y.unsigned_abs(), x.unsigned_abs());
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if high == 0 {
        return 0;
    }
    let angle = fold((octant(low, high).saturating_add(4)) >> 3, a > b, x < 0) as i32;
    if y < 0 { -angle } else { angle }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_vectors_of_all_lengths_and_directions() {
        let mut worst = 0.0_f64;
        let mut check = |y: i32, x: i32| {
            let angle = f64::from(atan2_short(y, x)) / f64::from(1 << 29);
            let error = (angle - libm::atan2(f64::from(y), f64::from(x))).abs();
            worst = worst.max(error);
        };
        for long in (1..300)
            .chain((300..=32_768).step_by(37))
            .chain([32_767, 32_768])
        {
            for part in 0..=256 {
                let short = long * part / 256;
                for (a, b) in [(short, long), ((short + 1).min(long), long)] {
                    for (y, x) in [(a, b), (b, a), (-a, b), (b, -a), (a, -b), (-b, -a)] {
                        check(y, x);
                    }
                }
            }
        }
        assert!(worst < 2e-7, "{worst:e}");
        assert_eq!([atan2_short(0, 0), atan2_short(0, 5)], [0, 0]);
    }
}
