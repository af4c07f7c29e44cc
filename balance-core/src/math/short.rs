//! Coefficients of 16 bits: arithmetic for a core that multiplies 32 × 32 → 32 bits and nothing
//! wider.
//!
//! A product of two 32-bit numbers takes a Cortex-M0+ 45 to 60 cycles with its shift and its
//! saturation. A coefficient of 16 bits takes two of its multiplications, one for each half of the
//! number, and a dozen cycles; it is held to 3e-5 of itself, which is finer than any
//! length, mass or sensor of a robot is known to.

use super::wide::{cold, end_of_range};

/// A fixed-point coefficient of 16 bits: a mantissa of 15 bits and a sign, and an exponent.
///
/// Value: `mantissa · 2^-shift`, between 2⁻⁴⁷ and 2¹⁵ in magnitude, within 2⁻¹⁵ of itself down to
/// 2⁻³³ and coarser below that.
// In one word: the mantissa above, the shift plus BIAS in the lowest byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ShortGain(i32);

/// So large that other fractional bits can be taken off the shift within its byte, and a multiple of
/// 16, so that bit 6 tells whether 16 bits or more are shifted out.
const BIAS: i32 = 48;
const MOST_SHIFT: i32 = 47;
/// Fractional bits of a fine state.
pub(super) const FINE_BITS: u32 = 28;

impl Default for ShortGain {
    /// Zero.
    fn default() -> Self {
        Self::of(0, MOST_SHIFT)
    }
}

impl ShortGain {
    /// Rounds to nearest; saturates at ±32767; NaN gives zero.
    pub(super) fn new(value: f32) -> Self {
        let bits = value.to_bits();
        let exponent = ((bits >> 23) & 0xff) as i32;
        if value.is_nan() || exponent == 0 {
            return Self::default();
        }
        let fraction = (bits & 0x7f_ffff) | 0x80_0000;
        // value = fraction · 2^(exponent - 150); the mantissa has nine bits less.
        let rounded = ((fraction + 0x100) >> 9) as i32;
        let (mantissa, shift) = if rounded == 0x8000 {
            (0x4000, 140 - exponent)
        } else {
            (rounded, 141 - exponent)
        };
        let (mantissa, shift) = match shift {
            ..0 => (0x7fff, 0),
            0..=MOST_SHIFT => (mantissa, shift),
            48..=62 => (mantissa >> (shift - MOST_SHIFT), MOST_SHIFT),
            _ => (0, MOST_SHIFT),
        };
        Self::of(if value < 0.0 { -mantissa } else { mantissa }, shift)
    }

    /// A positive number with so many fractional bits.
    pub(super) fn of_positive(bits: i32, frac: u32) -> Self {
        let (mut mantissa, mut shift) = (bits.max(0), frac as i32);
        // Normally a few places; at most 16.
        while mantissa > 0x7fff {
            mantissa = (mantissa >> 1) + (mantissa & 1);
            shift -= 1;
        }
        while mantissa != 0 && mantissa < 0x4000 && shift < MOST_SHIFT {
            mantissa <<= 1;
            shift += 1;
        }
        if shift < 0 {
            Self::of(0x7fff, 0)
        } else {
            Self::of(mantissa, shift)
        }
    }

    /// The reciprocal of a positive number with so many fractional bits, within 2⁻¹⁴ of itself.
    pub(super) fn reciprocal(bits: i32, frac: u32) -> Self {
        // One bits/2^frac = m · 2^-shift has the reciprocal 2^30/m · 2^(shift - 30).
        let number = Self::of_positive(bits, frac);
        match (1_u32 << 30).checked_div(number.mantissa() as u32) {
            Some(quotient) => {
                let rounded = (quotient + 1) >> 1;
                Self::of_positive(rounded as i32, (29 - number.shift()).max(0) as u32)
            }
            None => Self::of(0x7fff, 0),
        }
    }

    /// A number with so many fractional bits in steps of 1/512, limited to ±64.
    #[inline(always)]
    pub(super) fn rough(bits: i32, frac: u32) -> Self {
        const STEP_BITS: u32 = 9;
        let steps = if frac >= STEP_BITS {
            bits >> (frac - STEP_BITS)
        } else {
            bits.saturating_mul(1 << (STEP_BITS - frac))
        };
        let short = steps as i16;
        let mantissa = if i32::from(short) == steps {
            steps
        } else {
            end_of_range(steps) >> 16
        };
        Self::of(mantissa, STEP_BITS as i32)
    }

    /// The same coefficients with the least of their shifts.
    pub(super) fn align<const N: usize>(gains: [Self; N]) -> [Self; N] {
        let of_nonzero = gains.iter().filter(|gain| gain.mantissa() != 0);
        let least = of_nonzero
            .map(|gain| gain.shift())
            .min()
            .unwrap_or(MOST_SHIFT);
        gains.map(|gain| {
            let down = gain.shift().wrapping_sub(least).clamp(0, 16);
            // To nearest; the mantissa is below 2¹⁵.
            let rounded = gain.mantissa().wrapping_add((1 << down) >> 1) >> down;
            Self::of(rounded, least)
        })
    }

    const fn of(mantissa: i32, shift: i32) -> Self {
        Self((mantissa << 16) | (shift + BIAS))
    }
    #[inline(always)]
    const fn mantissa(self) -> i32 {
        self.0 >> 16
    }
    #[inline(always)]
    const fn shift(self) -> i32 {
        (self.0 & 0x7f) - BIAS
    }
    /// The gain times 2^places; at most 31 of them.
    #[inline(always)]
    const fn raised(self, places: u32) -> Self {
        // Stays in its byte: the bias is larger.
        Self(self.0.wrapping_sub(places as i32))
    }

    /// `gain · x`, rounded down, saturating.
    #[inline(always)]
    pub(super) fn times(self, x: i32) -> i32 {
        product(self, x)
    }

    /// `gain · counts` with `frac` fractional bits, rounded down, saturating.
    #[inline(always)]
    pub(super) fn times_counts(self, counts: i32, frac: u32) -> i32 {
        product(self.raised(frac), counts)
    }

    /// The same of a reading of 16 bits, in one multiplication.
    #[inline(always)]
    pub(super) fn times_reading(self, reading: i16, frac: u32) -> i32 {
        let down = self.shift().wrapping_sub(frac as i32) as u32;
        if down < 32 {
            self.mantissa().wrapping_mul(i32::from(reading)) >> down
        } else {
            product(self.raised(frac), i32::from(reading))
        }
    }

    /// `gain · x` in whole numbers, rounded to nearest, for an `x` with `frac` fractional bits.
    #[inline(always)]
    pub(super) fn counts_in(self, x: i32, frac: u32) -> i32 {
        // A fraction of a full range, most of the time: within 16 bits it takes one multiplication.
        let spare = frac.saturating_sub(16);
        let down = self.shift().wrapping_add(frac.min(16) as i32) as u32;
        if self.0 >= 0 && self.shift() >= 2 && x as u32 <= 1 << (frac & 31) && down < 32 {
            // At most 2¹⁶: within an eighth of a count, as the gain is below 2¹³.
            let share = (x as u32).wrapping_add((1 << spare) >> 1) >> spare;
            // Less than 2³¹ and 2³⁰.
            let product = (self.mantissa() as u32).wrapping_mul(share);
            return (product.wrapping_add((1 << down) >> 1) >> down) as i32;
        }
        self.counts_in_any(x, frac)
    }

    #[inline(never)]
    fn counts_in_any(self, x: i32, frac: u32) -> i32 {
        // Sixteenths, rounded down, and then to nearest.
        let lower = frac.saturating_sub(4) as i32;
        let sixteenths = if self.shift() <= 47 - lower {
            product(Self(self.0.wrapping_add(lower)), x)
        } else {
            // A gain too small for its byte.
            product(self, x) >> (lower & 31)
        };
        let rest = frac.min(4);
        sixteenths.saturating_add((1 << rest) >> 1) >> rest
    }

    /// `fine + gain · x`, where `x` has `frac` fractional bits, rounded down, saturating.
    #[inline(always)]
    pub(super) fn grow(self, fine: i32, x: i32, frac: u32) -> i32 {
        fine.saturating_add(product(self.raised(FINE_BITS - frac), x))
    }

    /// The same of an `x` of magnitude below 2¹⁶ last places, in one multiplication.
    #[inline(always)]
    pub(super) fn grow_little(self, fine: i32, x: i32, frac: u32) -> i32 {
        let down = self.shift().wrapping_sub((FINE_BITS - frac) as i32) as u32;
        if down < 32 {
            fine.saturating_add(self.mantissa().wrapping_mul(x) >> down)
        } else {
            self.grow(fine, x, frac)
        }
    }

    /// `fine + gain · counts`.
    #[inline(always)]
    pub(super) fn grow_counts(self, fine: i32, counts: i32) -> i32 {
        let down = self.shift().wrapping_sub(FINE_BITS as i32) as u32;
        if counts as i16 as i32 == counts && down < 32 {
            return fine.saturating_add(self.mantissa().wrapping_mul(counts) >> down);
        }
        fine.saturating_add(product(self.raised(FINE_BITS), counts))
    }

    /// `fine + gain · (forward + up · tan angle)` of two readings, for an angle of less than ½ with
    /// `frac` fractional bits.
    #[inline(always)]
    pub(super) fn grow_level(
        self,
        fine: i32,
        angle: i32,
        [forward, up]: [i16; 2],
        frac: u32,
    ) -> i32 {
        /// Fractional bits of a tangent, and of counts.
        const TANGENT: u32 = 15;
        const COUNTS: u32 = 10;
        let t = if frac >= TANGENT {
            angle >> (frac - TANGENT)
        } else {
            angle << (TANGENT - frac)
        };
        let cube = (t.wrapping_mul(t) >> TANGENT).wrapping_mul(t) >> TANGENT;
        // A third is 1365/4096. At most 0.55.
        let tangent = t.wrapping_add(cube.wrapping_mul(1365) >> 12);
        // At most 2²⁶ and 2²⁵.
        let along = (i32::from(forward) << COUNTS)
            .wrapping_add(i32::from(up).wrapping_mul(tangent) >> (TANGENT - COUNTS));
        fine.saturating_add(product(self.raised(FINE_BITS - COUNTS), along))
    }

    /// One step of Newton's towards the reciprocal of a positive number, from what was it a moment
    /// ago: `gain · (2 − gain · x)`, a correction of a quarter at most.
    #[inline(always)]
    pub(super) fn nearer_reciprocal(self, x: i32, frac: u32) -> Self {
        let one = 1 << (frac & 31);
        let excess = product(self, x).saturating_sub(one);
        let most = one >> 2;
        let bounded = excess.min(most).max(most.wrapping_neg());
        // 16 fractional bits: a quarter is 2¹⁴, and the product below 2³⁰.
        let share = if frac >= 16 {
            bounded >> (frac - 16)
        } else {
            bounded << (16 - frac)
        };
        let mantissa = self.mantissa();
        let nearer = mantissa.wrapping_sub(mantissa.wrapping_mul(share) >> 16);
        let shift = self.shift();
        if nearer > 0x7fff && shift > 0 {
            Self::of(nearer >> 1, shift.wrapping_sub(1))
        } else if nearer < 0x4000 && shift < MOST_SHIFT {
            Self::of(nearer << 1, shift.wrapping_add(1))
        } else {
            Self::of(nearer.min(0x7fff), shift)
        }
    }
}

/// A sum of products of coefficients that share one shift.
#[derive(Clone, Copy, Default)]
pub(super) struct ShortSum {
    /// In units of 2¹⁶ last places of the products.
    sum: i32,
}

impl ShortSum {
    #[inline(always)]
    pub(super) fn add(&mut self, gain: ShortGain, x: i32) {
        let mantissa = gain.mantissa();
        // At most 2³⁰ and 2³¹.
        let high = mantissa.wrapping_mul(x >> 16);
        let low = mantissa.wrapping_mul(x & 0xffff) >> 16;
        self.sum = self.sum.saturating_add(high.wrapping_add(low));
    }

    #[inline(always)]
    pub(super) fn total(self, gain: ShortGain) -> i32 {
        if gain.0 & 0x40 != 0 {
            return self.sum >> (gain.0 & 31);
        }
        let up = 16 - (gain.0 & 15);
        let raised = self.sum << up;
        if raised >> up == self.sum {
            raised
        } else {
            cold();
            end_of_range(self.sum)
        }
    }
}

/// `gain · x`, rounded down, saturating: sooner than it must, by a sixteenth of the gain for 20
/// fractional bits.
#[inline(always)]
const fn product(gain: ShortGain, x: i32) -> i32 {
    let (mantissa, place) = (gain.mantissa(), gain.0);
    // At most 2³⁰ and 2³¹.
    let high = mantissa.wrapping_mul(x >> 16);
    let low = mantissa.wrapping_mul(x & 0xffff);
    if place & 0x40 != 0 {
        // A shift by 16 and more.
        return high.wrapping_add(low >> 16) >> (place & 31);
    }
    if place & 0x7f < BIAS {
        // A gain that has been raised to more than 16 bits and a shift hold.
        return large_product(gain, x);
    }
    // By 0 to 15.
    let up = place.wrapping_neg() & 31;
    let raised = high << up;
    if raised >> up == high {
        raised.saturating_add(low >> ((place ^ 16) & 31))
    } else {
        cold();
        end_of_range(high)
    }
}

#[cold]
#[inline(never)]
const fn large_product(gain: ShortGain, x: i32) -> i32 {
    let product = gain.mantissa() as i64 * x as i64;
    // At most 2⁴⁶, to where it fits nowhere.
    let wide = product.saturating_mul(1 << (gain.shift().wrapping_neg() & 31));
    let narrow = wide as i32;
    if narrow as i64 == wide {
        narrow
    } else {
        end_of_range((wide >> 32) as i32)
    }
}

/// `θ + θ³/3` for an angle of less than ½, with `frac` fractional bits: its tangent within 0.5 %.
/// The cube is right to 3e-4 of itself and 2e-6.
#[inline(always)]
pub(super) const fn small_tangent(angle: i32, frac: u32) -> i32 {
    // 15 fractional bits, so that each product fits 32.
    let t = if frac >= 15 {
        angle >> (frac - 15)
    } else {
        angle << (15 - frac)
    };
    let square = t.wrapping_mul(t) >> 15;
    // 20 fractional bits; a third is 1365/4096.
    let cube = square.wrapping_mul(t) >> 10;
    let third = cube.wrapping_mul(1365) >> 12;
    angle.saturating_add(if frac >= 20 {
        third << ((frac - 20) & 31)
    } else {
        third >> ((20 - frac) & 31)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FRAC: u32 = 20;

    fn value(gain: ShortGain) -> f64 {
        f64::from(gain.mantissa()) / libm::exp2(f64::from(gain.shift()))
    }
    fn in_range(x: f64) -> f64 {
        x.clamp(f64::from(i32::MIN), f64::from(i32::MAX))
    }

    #[test]
    fn a_coefficient_is_held_to_its_15_bits() {
        for value_f32 in [1.0_f32, -1.0, 0.001, 32767.0, -3.3e-9, 0.999_99, 1.5e-5] {
            let held = value(ShortGain::new(value_f32));
            let error = (held / f64::from(value_f32) - 1.0).abs();
            assert!(error < 3.1e-5, "{value_f32}: {held}");
        }
        assert_eq!(value(ShortGain::new(1e9)), 32767.0);
        assert_eq!(value(ShortGain::new(f32::NAN)), 0.0);
        assert_eq!(value(ShortGain::new(1e-30)), 0.0);
        assert_eq!(value(ShortGain::of_positive(1 << FRAC, FRAC)), 1.0);
        let tenth = value(ShortGain::of_positive((1 << FRAC) / 10, FRAC));
        assert!((tenth - 0.1).abs() < 4e-6, "{tenth}");
    }

    #[test]
    fn a_small_tangent_is_one() {
        for k in -350..=350 {
            let angle = f64::from(k) * 1e-3;
            let unit = f64::from(1 << FRAC);
            let got = f64::from(small_tangent((angle * unit) as i32, FRAC)) / unit;
            let exact = angle + angle * angle * angle / 3.0;
            assert!((got - exact).abs() < 1.5e-5, "{angle}: {got} {exact}");
        }
    }

    proptest! {
        #[test]
        fn products_are_right_and_saturate(
            gain in -30.0_f32..15.0, negative: bool, x: i32, near in 0..31_u32, reading: i16,
            fine: i32,
        ) {
            let gain = libm::exp2f(gain) * if negative { -1.0 } else { 1.0 };
            let (gain, x) = (ShortGain::new(gain), x >> near);
            let held = value(gain);
            let exact = in_range(held * f64::from(x));
            let got = f64::from(gain.times(x));
            // It saturates a little early.
            let early = 65_536.0 * held.abs();
            let near_end = exact.abs() + early > 2_147_483_647.0;
            let bound = if near_end { 2.0 + early } else { 2.0 };
            prop_assert!((got - exact).abs() <= bound, "{got} {exact}");
            let unit = f64::from(1 << FRAC);
            let exact = in_range(held * unit * f64::from(reading));
            let got = f64::from(gain.times_reading(reading, FRAC));
            prop_assert!((got - exact).abs() <= 1.0, "{got} {exact}");
            let exact = in_range(held * unit * f64::from(x));
            let got = f64::from(gain.times_counts(x, FRAC));
            prop_assert!((got - exact).abs() <= 1.0 + 65_536.0 * held.abs() * unit, "{got} {exact}");
            let positive = x.saturating_abs();
            let exact = in_range(held * f64::from(positive) / unit);
            let got = f64::from(gain.counts_in(positive, FRAC));
            if exact < 1e8 {
                prop_assert!((got - exact).abs() <= 0.6, "{got} {exact}");
            }
            let step = held * f64::from(x) * 256.0;
            let exact = in_range(f64::from(fine) + in_range(step));
            let got = f64::from(gain.grow(fine, x, FRAC));
            let bound = if step.abs() < 1e9 && held < 30.0 { 2.0 } else { f64::INFINITY };
            prop_assert!((got - exact).abs() <= bound, "{got} {exact}");
            let step = held * f64::from(x) * f64::from(1 << FINE_BITS);
            let exact = in_range(f64::from(fine) + in_range(step));
            let got = f64::from(gain.grow_counts(fine, x));
            let bound = if step.abs() < 1e9 && held < 0.1 { 2.0 } else { f64::INFINITY };
            prop_assert!((got - exact).abs() <= bound, "{got} {exact}");
            let little = x % 0x1_0000;
            let step = held * f64::from(little) * 256.0;
            let got = f64::from(gain.grow_little(fine, little, FRAC));
            let exact = in_range(f64::from(fine) + in_range(step));
            let bound = if step.abs() < 1e9 && held < 30.0 { 2.0 } else { f64::INFINITY };
            prop_assert!((got - exact).abs() <= bound, "{got} {exact}");
        }

        #[test]
        fn a_sum_of_products_is_right_and_saturates(
            gains in prop::array::uniform4(-40.0_f32..40.0), x: [i32; 4], near in 0..31_u32
        ) {
            let x = x.map(|x| x >> near);
            let aligned = ShortGain::align(gains.map(ShortGain::new));
            let largest = gains.iter().fold(0.0, |most: f64, k| most.max(f64::from(k.abs())));
            let mut sum = ShortSum::default();
            let (mut exact, mut size, mut beyond) = (0.0, 0.0, false);
            for (k, gain) in aligned.iter().enumerate() {
                prop_assert!((value(*gain) - f64::from(gains[k])).abs() <= 5e-5 * largest);
                sum.add(*gain, x[k]);
                exact += value(*gain) * f64::from(x[k]);
                size += largest * f64::from(x[k]).abs();
                beyond |= size > 2e9;
            }
            let got = f64::from(sum.total(aligned[0]));
            // Five roundings in units of the largest coefficient's last place but 16.
            let bound = 5.0 * largest * 8.0 + 1.0;
            if !beyond {
                prop_assert!((got - exact).abs() <= bound, "{got} {exact}");
            }
        }

        #[test]
        fn a_level_is_that_of_two_readings(
            gain in 1e-9_f32..1e-4, angle in -0.49_f64..0.49, forward: i16, up: i16
        ) {
            let gain = ShortGain::new(gain);
            let unit = f64::from(1 << FRAC);
            let got = gain.grow_level(0, (angle * unit) as i32, [forward, up], FRAC);
            let tangent = angle + angle * angle * angle / 3.0;
            let along = f64::from(forward) + tangent * f64::from(up);
            let exact = in_range(value(gain) * along * f64::from(1 << FINE_BITS));
            // A tangent is within 2e-4, which of 32768 counts is 6.
            let bound = 2.0 + value(gain) * f64::from(1 << FINE_BITS) * 7.0;
            prop_assert!((f64::from(got) - exact).abs() <= bound, "{got} {exact}");
        }

        #[test]
        fn a_reciprocal_follows_what_it_is_of(from in 0.5_f64..200.0, to in 0.5_f64..200.0) {
            let unit = f64::from(1 << FRAC);
            let bits = |x: f64| (x * unit) as i32;
            let mut gain = ShortGain::reciprocal(bits(from), FRAC);
            let first = value(gain.nearer_reciprocal(bits(from * 1.01), FRAC)) * from * 1.01;
            prop_assert!((first - 1.0).abs() < 4e-4, "{first}");
            for _ in 0..50 {
                gain = gain.nearer_reciprocal(bits(to), FRAC);
            }
            let last = value(gain) * to;
            prop_assert!((last - 1.0).abs() < 2e-4, "{last}");
        }
    }
}
