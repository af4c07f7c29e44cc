//! The angle of a vector: fold into an eighth of a turn, one division, one cubic of a table.
//!
//! On each of 32 intervals of t = low / high the series of atan about the middle, to the third order
//! and with the fourth spread evenly (Chebyshev): 2e-9 rad. All in integers, and the same bits on host and target; on
//! cores without floats a product costs a sixth of a float's.

use super::wide::{mul_high, mul_high_unsigned};

/// The series of atan: atan(middle + d) = Σ termₖ · dᵏ.
const fn series(middle: f64) -> [f64; 5] {
    // atan m = 2·atan(m / (1 + √(1 + m²))), the root by Newton's iteration.
    let (m, mut root, mut step) = (middle, 1.2, 0);
    while step < 6 {
        root = 0.5 * (root + (1.0 + m * m) / root);
        step += 1;
    }
    // Once more: at most tan(π/16) is left, whose series is short.
    let half = m / (1.0 + root);
    let (mut root, mut step) = (1.1, 0);
    while step < 6 {
        root = 0.5 * (root + (1.0 + half * half) / root);
        step += 1;
    }
    let t = half / (1.0 + root);
    let z = t * t;
    let (mut sum, mut order) = (0.0, 21.0);
    while order > 0.0 {
        sum = 1.0 / order - z * sum;
        order -= 2.0;
    }
    let s = 1.0 / (1.0 + m * m);
    [
        4.0 * t * sum,
        s,
        -m * s * s,
        (m * m - 1.0 / 3.0) * s * s * s,
        (m - m * m * m) * s * s * s * s,
    ]
}

/// Intervals of the table of cubics.
const CUBICS: usize = 32;

/// Coefficients of the cubics in v = 0 .. 1, the way through an interval: first all constant ones, times
/// 2³⁰, then those of v, v² and v³, each with five bits more for a product with a v of 2²⁷.
static CUBIC: [i32; 4 * CUBICS] = {
    let mut table = [0; 4 * CUBICS];
    let half = 0.5 / CUBICS as f64;
    let mut index = 0;
    while index < CUBICS {
        let [a, b, c, d, e] = series((2 * index + 1) as f64 * half);
        // In w = −1 ..= 1, where w⁴ is w² − ⅛, to an eighth.
        let fourth = e * half * half * half * half;
        let a = a - fourth * 0.125;
        let (b, c, d) = (b * half, c * half * half + fourth, d * half * half * half);
        // w = 2·v − 1.
        let terms = [
            a - b + c - d,
            2.0 * b - 4.0 * c + 6.0 * d,
            4.0 * c - 12.0 * d,
            8.0 * d,
        ];
        let (mut order, mut unit) = (0, 1_073_741_824.0);
        while order < 4 {
            let term = terms[order] * unit;
            table[order * CUBICS + index] = (term + if term < 0.0 { -0.5 } else { 0.5 }) as i32;
            order += 1;
            unit *= 32.0;
        }
        index += 1;
    }
    table
};

/// atan t in radians times 2³⁰, for t times 2³².
#[inline(always)]
fn atan(t: u32) -> i32 {
    let index = (t >> 27) as usize;
    let term = |order: usize| CUBIC.get(order * CUBICS + index).copied().unwrap_or(0);
    let v = (t & 0x7ff_ffff) as i32;
    let c = term(2).wrapping_add(mul_high(v, term(3)));
    let b = term(1).wrapping_add(mul_high(v, c));
    term(0).wrapping_add(mul_high(v, b))
}

/// Angle of the vector (`x`, `y`); NaN if either is NaN.
#[inline]
pub(super) fn atan2_f32(y: f32, x: f32) -> f32 {
    let sign = y.to_bits() & SIGN;
    // Bits without the sign order as magnitudes do, and as an integer a negative x is below them all.
    let ahead = if HARD {
        y.abs() < x
    } else {
        ((y.to_bits() & !SIGN) as i32) < x.to_bits() as i32
    };
    if !ahead {
        return atan2_aside(y, x);
    }
    let ratio = (y.abs() / x).to_bits();
    // From 1/64 on.
    if ratio.wrapping_sub(0x3c80_0000) < 0x0300_0000 {
        return to_float(atan(fraction(ratio)), 30, sign);
    }
    atan_of_small(ratio, sign)
}

const SIGN: u32 = 0x8000_0000;

/// Whether a float becomes an integer in one instruction.
const HARD: bool = cfg!(any(not(target_os = "none"), target_abi = "eabihf"));

/// `angle · 2^-down` for an angle above zero, with the sign given.
#[inline(always)]
fn to_float(angle: i32, down: u32, sign: u32) -> f32 {
    if HARD {
        let unit = f32::from_bits((127_u32.wrapping_sub(down) << 23) | sign);
        angle as f32 * unit
    } else {
        f32::from_bits((angle as f32).to_bits().wrapping_sub(down << 23) | sign)
    }
}

/// A float below one, times 2³², rounded down.
#[inline(always)]
fn fraction(bits: u32) -> u32 {
    if HARD {
        f32::from_bits(bits.wrapping_add(32 << 23)) as u32
    } else {
        let mantissa = (bits << 8) | SIGN;
        let down = 126_u32.wrapping_sub(bits >> 23);
        mantissa.checked_shr(down).unwrap_or(0)
    }
}

/// atan of a ratio below 1/64 with all its digits; what is no such ratio is NaN.
#[inline(always)]
fn atan_of_small(ratio: u32, sign: u32) -> f32 {
    if ratio > 0x7f80_0000 {
        return f32::NAN;
    }
    if ratio < 0x3980_0000 {
        return f32::from_bits(ratio | sign);
    }
    // ratio = mantissa · 2^-(32 + down); t − t³/3, the next term being below 1.2e-8 of it.
    let mantissa = (ratio << 8) | SIGN;
    let down = 126_u32.wrapping_sub(ratio >> 23) & 31;
    let t = mantissa >> down;
    let z = mul_high_unsigned(t, t);
    let less = mul_high_unsigned(z, 1_431_655_765);
    let angle = mantissa - mul_high_unsigned(mantissa, less);
    let exponent = down.wrapping_add(32) << 23;
    f32::from_bits((angle as f32).to_bits().wrapping_sub(exponent) | sign)
}

/// [`atan2_f32`] of a vector that is not within an eighth of a turn of x.
#[inline(never)]
fn atan2_aside(y: f32, x: f32) -> f32 {
    const INFINITY: u32 = 0x7f80_0000;
    let (a, b) = (y.to_bits() & !SIGN, x.to_bits() & !SIGN);
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if high > INFINITY {
        return f32::NAN;
    }
    if high == 0 {
        return 0.0;
    }
    // Of two infinities as well.
    let t = if low == high {
        u32::MAX
    } else {
        fraction((f32::from_bits(low) / f32::from_bits(high)).to_bits())
    };
    let angle = fold((atan(t).max(0) >> 1) as u32, a > b, x.to_bits() & SIGN != 0);
    to_float(angle as i32, 29, y.to_bits() & SIGN)
}

/// Unfolds an angle of an eighth of a turn at most to half a turn, in radians times 2²⁹.
#[inline(always)]
fn fold(angle: u32, swapped: bool, behind: bool) -> u32 {
    let angle = if swapped { 843_314_857 - angle } else { angle };
    if behind { 1_686_629_713 - angle } else { angle }
}

/// atan(low / high), in radians times 2³⁰, for 0 ≤ low ≤ high.
#[inline(always)]
fn octant(low: u32, high: u32) -> u32 {
    let t = if low == high {
        u32::MAX
    } else {
        ratio(low, high)
    };
    atan(t).max(0) as u32
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
/// Worst error 2e-8 rad for vectors of any length, the shortest included; the zero vector gives
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
    // 2³⁴/2π.
    let angle = mul_high_unsigned(octant(low, high), 2_734_261_102);
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
    let mut index = 0;
    while index < INTERVALS {
        let [angle, slope, bend, third, _] = series((2 * index + 1) as f64 * half);
        let slope_of_best_fit = slope + third * 0.75 * half * half;
        table[index] = Parabola {
            angle: (angle * 2_147_483_648.0 + 0.5) as i32,
            lag: ((1.0 - slope_of_best_fit) * 65_536.0 + 0.5) as u16,
            bend: (0.5 - bend * 65_536.0) as u16,
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
/// Worst error 2e-7 rad; half the cost of [`atan2_counts`] on a core without wide products.
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
    let angle = fold((octant(low, high) + 1) >> 1, a > b, x < 0) as i32;
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
