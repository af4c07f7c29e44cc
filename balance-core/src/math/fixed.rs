//! Saturating fixed point.
//!
//! A thin newtype around [`fixed::FixedI32`]: same bits, but every operator saturates, in debug
//! and in release alike, and it is a [`num_traits`] ring, so it may be an element of an
//! `nalgebra::SMatrix`.

use super::atan2::atan2_fixed;
use super::scalar::{Real, Scalar};
use super::section::DirectForm;
use super::short::{FINE_BITS, ShortGain, ShortSum, small_tangent};
use super::sin_cos::{phase_below, phase_fixed, sin_cos_counts};
use super::sqrt::{inverse_sqrt, sqrt_fixed};
use super::three_term::FixedTerms;
use super::wide::{
    add_saturating, cold, div_saturating, end_of_range, mul_high_unsigned, mul_wide, shift_right,
    shift_saturating,
};
use core::cmp::Ordering;
use core::fmt;
use core::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};
use fixed::FixedI32;
use fixed::types::extra::{LeEqU32, U16, U20, U24};
use num_traits::{One, Zero};

/// 32-bit fixed point with `Frac` fractional bits that never wraps.
///
/// A parameter of an algorithm over this type is written in `f32`; only the step runs in integers.
///
/// ```
/// use balance_core::math::{Q12, Scalar};
/// let x = Q12::lit(2000.0);
/// assert_eq!(x + x, Q12::from_bits(i32::MAX)); // saturates just below 2048
/// ```
#[repr(transparent)]
pub struct Fixed<Frac>(FixedI32<Frac>);

// By hand: a derive would ask the same of `Frac`, which is only a number.
impl<Frac> Clone for Fixed<Frac> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<Frac> Copy for Fixed<Frac> {}
impl<Frac> Default for Fixed<Frac> {
    #[inline(always)]
    fn default() -> Self {
        Self(FixedI32::from_bits(0))
    }
}
impl<Frac> PartialEq for Fixed<Frac> {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}
impl<Frac> Eq for Fixed<Frac> {}
impl<Frac> PartialOrd for Fixed<Frac> {
    #[inline(always)]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<Frac> Ord for Fixed<Frac> {
    #[inline(always)]
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.to_bits().cmp(&other.0.to_bits())
    }
}

/// ±2048 in steps of 9.5e-7: the range of a robot's radians, m/s², volts and radians per second.
pub type Q12 = Fixed<U20>;
/// ±32768 in steps of 1.5e-5.
pub type Q16 = Fixed<U16>;
/// ±128 in steps of 6.0e-8.
pub type Q8 = Fixed<U24>;

/// Fractional bits that an accumulator keeps below the last place of the type.
const GUARD: u32 = 16;

/// A fixed-point coefficient: a 31-bit mantissa and an exponent of its own.
///
/// Value: `mantissa · 2^-(shift + 16)`, between 2⁻⁷⁸ and 2¹⁵ in magnitude, with all 24 bits of an
/// `f32` down to 2⁻⁵⁵ and fewer below that.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct FixedGain {
    mantissa: i32,
    shift: u8,
    /// Leading places of the mantissa that are free, so that products can be added up: see
    /// [`Scalar::align`].
    room: u8,
}

impl FixedGain {
    /// Takes a number as it is; beyond ±2¹⁵ it saturates, below 2⁻⁵⁵ it loses digits, NaN gives
    /// zero.
    fn new(value: f32) -> Self {
        let bits = value.to_bits();
        let exponent = ((bits >> 23) & 0xff) as i32;
        let fraction = (bits & 0x7f_ffff) | 0x80_0000;
        if value.is_nan() || exponent == 0 {
            return Self::default();
        }
        // value = fraction · 2^(exponent - 150); the mantissa has seven bits more.
        let mantissa = (fraction << 7) as i32;
        let shift = 150 + 7 - exponent - GUARD as i32;
        let (mantissa, shift) = match shift {
            ..0 => (i32::MAX, 0),
            0..=62 => (mantissa, shift as u8),
            // Too small for the exponent: the mantissa gives up leading places.
            63..=93 => {
                let down = (shift - 62) as u32;
                let rounded = (mantissa as u32 + ((1_u32 << down) >> 1)) >> down;
                (rounded as i32, 62)
            }
            _ => (0, 0),
        };
        Self {
            mantissa: if value < 0.0 { -mantissa } else { mantissa },
            shift,
            room: 0,
        }
    }

    /// The same number with so many places fewer below the point; `None` if that loses digits.
    fn with_shift(self, shift: u8, room: u8) -> Option<Self> {
        let down = self.shift.checked_sub(shift)?;
        let exact = down < 31 && self.mantissa.trailing_zeros() >= u32::from(down);
        exact.then_some(Self {
            mantissa: self.mantissa >> (down & 31),
            shift,
            room,
        })
    }
}

impl FixedGain {
    /// Mantissa and power such that the gain is `mantissa · 2^-power`.
    #[inline(always)]
    pub(crate) const fn parts(self) -> (i32, i32) {
        (self.mantissa, self.shift as i32 + GUARD as i32)
    }
}

impl<Frac: LeEqU32> Fixed<Frac> {
    /// Number of fractional bits.
    pub const FRAC_BITS: u32 = Frac::U32;

    /// The number with the given two's-complement bits.
    #[inline(always)]
    pub const fn from_bits(bits: i32) -> Self {
        Self(FixedI32::from_bits(bits))
    }
    /// The two's-complement bits of the number.
    #[inline(always)]
    pub const fn to_bits(self) -> i32 {
        self.0.to_bits()
    }
    /// The number as the `fixed` crate's type.
    #[inline(always)]
    pub const fn inner(self) -> FixedI32<Frac> {
        self.0
    }
}

impl<Frac: LeEqU32> Fixed<Frac> {
    /// Rounds the sum or difference of two products, saturating.
    #[inline(always)]
    const fn from_products(sum: i64) -> Self {
        let sum = sum.wrapping_add((1_i64 << Frac::U32) >> 1);
        // Only twice 2⁶² wraps, to what no other sum comes near.
        const WRAPPED: i32 = i32::MIN;
        if Frac::U32 == 32 || (sum >> 32) as i32 == WRAPPED {
            let high = (sum >> 32) as i32;
            return Self::from_bits(if high == WRAPPED { i32::MAX } else { high });
        }
        Self::from_bits(shift_saturating(sum, Frac::U32))
    }
}

impl<Frac> From<FixedI32<Frac>> for Fixed<Frac> {
    fn from(inner: FixedI32<Frac>) -> Self {
        Self(inner)
    }
}

impl<Frac: LeEqU32> fmt::Debug for Fixed<Frac> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
impl<Frac: LeEqU32> fmt::Display for Fixed<Frac> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[inline(always)]
const fn saturate(wide: i64) -> i32 {
    if wide as i32 as i64 == wide {
        wide as i32
    } else {
        cold();
        end_of_range((wide >> 32) as i32)
    }
}

impl<Frac: LeEqU32> Add for Fixed<Frac> {
    type Output = Self;
    #[inline(always)]
    fn add(self, rhs: Self) -> Self {
        Self::from_bits(self.to_bits().saturating_add(rhs.to_bits()))
    }
}
impl<Frac: LeEqU32> Sub for Fixed<Frac> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, rhs: Self) -> Self {
        Self::from_bits(self.to_bits().saturating_sub(rhs.to_bits()))
    }
}
impl<Frac: LeEqU32> Mul for Fixed<Frac> {
    type Output = Self;
    /// Rounds to nearest.
    #[inline(always)]
    fn mul(self, rhs: Self) -> Self {
        let product = mul_wide(self.to_bits(), rhs.to_bits());
        let half = (1_i64 << Frac::U32) >> 1;
        // At most 2⁶² and 2³¹.
        let sum = product.wrapping_add(half);
        Self::from_bits(if Frac::U32 < 32 {
            shift_saturating(sum, Frac::U32)
        } else {
            (sum >> 32) as i32
        })
    }
}
impl<Frac: LeEqU32> Div for Fixed<Frac> {
    type Output = Self;
    /// Truncates toward zero; division by zero gives the end of the range.
    #[inline]
    fn div(self, rhs: Self) -> Self {
        let (a, b) = (self.to_bits(), rhs.to_bits());
        Self::from_bits(match b {
            0 if a > 0 => i32::MAX,
            0 if a < 0 => i32::MIN,
            0 => 0,
            _ => div_saturating(a, b, Frac::U32),
        })
    }
}
impl<Frac: LeEqU32> Neg for Fixed<Frac> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self::from_bits(self.to_bits().saturating_neg())
    }
}
impl<Frac: LeEqU32> AddAssign for Fixed<Frac> {
    #[inline(always)]
    fn add_assign(&mut self, rhs: Self) {
        *self = *self + rhs;
    }
}
impl<Frac: LeEqU32> SubAssign for Fixed<Frac> {
    #[inline(always)]
    fn sub_assign(&mut self, rhs: Self) {
        *self = *self - rhs;
    }
}
impl<Frac: LeEqU32> MulAssign for Fixed<Frac> {
    #[inline(always)]
    fn mul_assign(&mut self, rhs: Self) {
        *self = *self * rhs;
    }
}
impl<Frac: LeEqU32> DivAssign for Fixed<Frac> {
    #[inline(always)]
    fn div_assign(&mut self, rhs: Self) {
        *self = *self / rhs;
    }
}
impl<Frac: LeEqU32> Zero for Fixed<Frac> {
    #[inline(always)]
    fn zero() -> Self {
        Self::from_bits(0)
    }
    #[inline(always)]
    fn is_zero(&self) -> bool {
        self.to_bits() == 0
    }
}
impl<Frac: LeEqU32> One for Fixed<Frac> {
    #[inline(always)]
    fn one() -> Self {
        Self::from_bits(saturate(1_i64 << Frac::U32))
    }
}

impl<Frac: LeEqU32 + Send + Sync + 'static> Scalar for Fixed<Frac> {
    type Param = f32;
    type Gain = FixedGain;
    type Wide = i64;
    type Short = ShortGain;
    type Fine = i32;
    const NAME: &'static str = "fixed";
    const MAX: Self = Self::from_bits(i32::MAX);
    const MIN: Self = Self::from_bits(i32::MIN);
    const LITTLE: Self = Self::from_bits(0xffff);

    #[inline(always)]
    fn lit(value: f64) -> Self {
        let scaled = value * (1_u64 << Frac::U32) as f64;
        Self::from_bits((scaled + if scaled < 0.0 { -0.5 } else { 0.5 }) as i32)
    }
    #[inline]
    fn from_param(value: f32) -> Self {
        // In integers: exact, and cheaper than the float arithmetic of a core without floats.
        let bits = value.to_bits();
        let mantissa = ((bits & 0x7f_ffff) | 0x80_0000) as i32;
        let up = ((bits >> 23) & 0xff) as i32 - 150 + Frac::U32 as i32;
        let magnitude = match up {
            _ if value.is_nan() => 0,
            ..-24 => 0,
            -24..0 => (mantissa + ((1 << -up) >> 1)) >> -up,
            0..8 => mantissa << up,
            _ if value < 0.0 => return Self::from_bits(i32::MIN),
            _ => i32::MAX,
        };
        Self::from_bits(if value < 0.0 { -magnitude } else { magnitude })
    }
    #[inline]
    fn to_param(self) -> f32 {
        self.to_bits() as f32 * (1.0 / (1_u64 << Frac::U32) as f32)
    }
    #[inline]
    fn gain(value: f32) -> FixedGain {
        FixedGain::new(value)
    }
    #[inline(always)]
    fn scale(self, gain: FixedGain) -> Self {
        Self::from_bits(scaled(gain.mantissa, self.to_bits(), gain.shift.into()))
    }
    #[inline(always)]
    fn from_counts(counts: i32, gain: FixedGain) -> Self {
        // The product has shift + 16 fractional bits, the answer Frac.
        let shift = u32::from(gain.shift) + GUARD;
        if Frac::U32 <= GUARD || shift >= Frac::U32 {
            let down = shift.wrapping_sub(Frac::U32);
            Self::from_bits(shifted(gain.mantissa, counts, down))
        } else {
            // What is out of range before the shift is so after it.
            let product = saturate(mul_wide(gain.mantissa, counts));
            let up = Frac::U32.wrapping_sub(shift).min(16);
            Self::from_bits(saturate(i64::from(product) << up))
        }
    }
    #[inline(always)]
    fn to_counts(self, gain: FixedGain) -> i32 {
        let down = u32::from(gain.shift) + GUARD + Frac::U32;
        rounded(gain.mantissa, self.to_bits(), down)
    }
    #[inline(always)]
    fn product_sum(a: Self, b: Self, c: Self, d: Self) -> Self {
        let first = mul_wide(a.to_bits(), b.to_bits());
        Self::from_products(first.wrapping_add(mul_wide(c.to_bits(), d.to_bits())))
    }
    #[inline(always)]
    fn product_difference(a: Self, b: Self, c: Self, d: Self) -> Self {
        let first = mul_wide(a.to_bits(), b.to_bits());
        Self::from_products(first.wrapping_sub(mul_wide(c.to_bits(), d.to_bits())))
    }
    #[inline(always)]
    fn halved(self) -> Self {
        Self::from_bits(self.to_bits() >> 1)
    }
    #[inline(always)]
    fn widen(self) -> i64 {
        i64::from(self.to_bits()) << GUARD
    }
    #[inline(always)]
    fn narrow(wide: i64) -> Self {
        // A sum that wraps is out of range as well.
        let rounded = wide.wrapping_add(1 << (GUARD - 1));
        let high = (rounded >> 32) as i32;
        Self::from_bits(if high as i16 as i32 == high {
            (high << 16) | (rounded as u32 >> GUARD) as i32
        } else {
            cold();
            end_of_range((wide >> 32) as i32)
        })
    }
    #[inline(always)]
    fn accumulate(acc: i64, gain: FixedGain, x: Self) -> i64 {
        accumulated(acc, gain.mantissa, x.to_bits(), gain.shift.into())
    }
    #[inline(always)]
    fn accumulate_counts(acc: i64, gain: FixedGain, counts: i32) -> i64 {
        let shift = u32::from(gain.shift);
        if shift >= Frac::U32 {
            accumulated(acc, gain.mantissa, counts, shift.wrapping_sub(Frac::U32))
        } else {
            let product = mul_wide(gain.mantissa, counts);
            let up = Frac::U32.wrapping_sub(shift) & 31;
            add_saturating(acc, product.saturating_mul(1 << up))
        }
    }
    fn align<const N: usize>(gains: [FixedGain; N]) -> [FixedGain; N] {
        let room = usize::BITS.wrapping_sub(N.saturating_sub(1).leading_zeros()) as u8;
        let of_nonzero = gains.iter().filter(|gain| gain.mantissa != 0);
        let common = of_nonzero.map(|gain| gain.shift).min().unwrap_or(0);
        let Some(common) = common.checked_sub(room) else {
            return gains;
        };
        let mut aligned = gains;
        for gain in &mut aligned {
            let zero = FixedGain {
                shift: common,
                room,
                ..FixedGain::default()
            };
            let fits = match gain.mantissa {
                0 => Some(zero),
                _ => gain.with_shift(common, room),
            };
            match fits {
                Some(fitting) => *gain = fitting,
                None => return gains,
            }
        }
        aligned
    }
    #[inline(always)]
    fn accumulate_all<const N: usize>(acc: i64, gains: &[FixedGain; N], x: &[Self; N]) -> i64 {
        let Some(first) = gains.first() else {
            return acc;
        };
        let enough = N.saturating_sub(1) >> (first.room & 31) == 0;
        let alike = |gain: &FixedGain| gain.shift == first.shift && gain.room == first.room;
        if enough && gains.iter().all(alike) {
            // Each product is at most 2⁶² divided by a power of two that is at least N.
            let mut sum = 0_i64;
            for (gain, x) in gains.iter().zip(x) {
                sum = sum.wrapping_add(mul_wide(gain.mantissa, x.to_bits()));
            }
            return add_saturating(acc, shift_right(sum, first.shift.into()));
        }
        let mut acc = acc;
        for (gain, x) in gains.iter().zip(x) {
            acc = Self::accumulate(acc, *gain, *x);
        }
        acc
    }
    #[inline]
    fn short(value: f32) -> ShortGain {
        ShortGain::new(value)
    }
    #[inline]
    fn reciprocal_short(value: Self) -> ShortGain {
        ShortGain::reciprocal(value.to_bits(), Frac::U32)
    }
    #[inline(always)]
    fn scale_short(self, gain: ShortGain) -> Self {
        Self::from_bits(gain.times(self.to_bits()))
    }
    #[inline(always)]
    fn from_counts_short(counts: i32, gain: ShortGain) -> Self {
        Self::from_bits(gain.times_counts(counts, Frac::U32))
    }
    #[inline(always)]
    fn from_reading(reading: i16, gain: ShortGain) -> Self {
        Self::from_bits(gain.times_reading(reading, Frac::U32))
    }
    #[inline(always)]
    fn to_counts_short(self, gain: ShortGain) -> i32 {
        gain.counts_in(self.to_bits(), Frac::U32)
    }
    #[inline(always)]
    fn grow_little(fine: i32, gain: ShortGain, x: Self) -> i32 {
        gain.grow_little(fine, x.to_bits(), Frac::U32)
    }
    #[inline(always)]
    fn grow_level(fine: i32, gain: ShortGain, angle: Self, forward_and_up: [i16; 2]) -> i32 {
        gain.grow_level(fine, angle.to_bits(), forward_and_up, Frac::U32)
    }
    #[inline(always)]
    fn nearer_reciprocal(gain: ShortGain, value: Self) -> ShortGain {
        gain.nearer_reciprocal(value.to_bits(), Frac::U32)
    }
    #[inline(always)]
    fn part_of(self, whole: u16) -> u16 {
        let share = self.to_bits().max(0).min(Self::one().to_bits()) as u32;
        let share = if Frac::U32 >= 16 {
            share >> ((Frac::U32 - 16) & 31)
        } else {
            share << (16 - Frac::U32)
        };
        // At most 2¹⁶ · (2¹⁶ − 1) and 2¹⁵.
        (share.wrapping_mul(u32::from(whole)).wrapping_add(0x8000) >> 16) as u16
    }
    fn align_short<const N: usize>(gains: [ShortGain; N]) -> [ShortGain; N] {
        ShortGain::align(gains)
    }
    #[inline(always)]
    fn dot_short<const N: usize>(gains: &[ShortGain; N], x: &[Self; N]) -> Self {
        let mut sum = ShortSum::default();
        for (gain, x) in gains.iter().zip(x) {
            sum.add(*gain, x.to_bits());
        }
        Self::from_bits(gains.first().map_or(0, |gain| sum.total(*gain)))
    }
    #[inline(always)]
    fn is_below(self, limit: Self) -> bool {
        self.to_bits().unsigned_abs() < limit.to_bits() as u32
    }
    #[inline(always)]
    fn magnitude(self) -> Self {
        let magnitude = self.to_bits().wrapping_abs();
        // Only that of the most negative one is negative.
        Self::from_bits(magnitude.wrapping_add(magnitude >> 31))
    }
    #[inline(always)]
    fn rough_product(self, other: Self) -> Self {
        Self::from_bits(ShortGain::rough(other.to_bits(), Frac::U32).times(self.to_bits()))
    }
    #[inline(always)]
    fn small_tangent(self) -> Self {
        Self::from_bits(small_tangent(self.to_bits(), Frac::U32))
    }
    #[inline(always)]
    fn fine(self) -> i32 {
        const { assert!(Frac::U32 <= FINE_BITS) };
        let bits = self.to_bits();
        let raised = bits << (FINE_BITS - Frac::U32);
        if raised >> (FINE_BITS - Frac::U32) == bits {
            raised
        } else {
            end_of_range(bits)
        }
    }
    #[inline(always)]
    fn coarse(fine: i32) -> Self {
        Self::from_bits(fine >> (FINE_BITS - Frac::U32))
    }
    #[inline(always)]
    fn grow(fine: i32, gain: ShortGain, x: Self) -> i32 {
        gain.grow(fine, x.to_bits(), Frac::U32)
    }
    #[inline(always)]
    fn grow_counts(fine: i32, gain: ShortGain, counts: i32) -> i32 {
        gain.grow_counts(fine, counts)
    }
    #[inline(always)]
    fn add_fine(fine: i32, x: Self) -> i32 {
        fine.saturating_add(x.fine())
    }
    #[inline(always)]
    fn add_wide(acc: i64, x: Self) -> i64 {
        add_saturating(acc, x.widen())
    }
    #[inline(always)]
    fn is_usable(self) -> bool {
        true
    }

    type Section = DirectForm;
    type ThreeTerm = FixedTerms;
}

impl<Frac: LeEqU32 + Send + Sync + 'static> Real for Fixed<Frac> {
    const PI: Self = Self::from_bits(rounded_constant(core::f64::consts::PI, Frac::U32));
    const TAU: Self = Self::from_bits(rounded_constant(core::f64::consts::TAU, Frac::U32));
    #[inline]
    fn sqrt(self) -> Self {
        Self::from_bits(sqrt_fixed(self.to_bits(), Frac::U32))
    }
    #[inline]
    fn unit<const N: usize>(vector: [Self; N]) -> Option<[Self; N]> {
        const { assert!(N >= 1 && N <= 4) };
        let bits = vector.map(Self::to_bits);
        let all = bits.iter().fold(0, |all, b| all | b.unsigned_abs());
        if all == 0 {
            return None;
        }
        // Thirty bits each (a magnitude of 2³¹ loses one), so that four squares fit 64 bits.
        let up = all.leading_zeros() & 31;
        let bits = bits.map(|b| {
            if up == 0 {
                b >> 2
            } else {
                (b << (up - 1)) >> 1
            }
        });
        let square = bits
            .iter()
            .fold(0_u64, |sum, &b| sum.wrapping_add(mul_wide(b, b) as u64));
        let even = square.leading_zeros() & !1;
        let inverse = inverse_sqrt(((square << (even & 63)) >> 32) as u32);
        // inverse = 2³⁰ · 2³² / √(square · 2^even)
        let down = 62_u32.wrapping_sub(even >> 1).wrapping_sub(Frac::U32);
        let half = 1_i64 << (down.wrapping_sub(1) & 63);
        Some(bits.map(|b| {
            let product = mul_wide(b, inverse as i32).wrapping_add(half);
            Self::from_bits(saturate(shift_right(product, down)))
        }))
    }
    #[inline]
    fn unit_wide<const N: usize>(vector: [i64; N]) -> Option<[i64; N]> {
        let narrow = vector.map(Self::narrow);
        let square = narrow.iter().fold(Self::zero(), |sum, &c| sum + c * c);
        let excess = Self::one() - square;
        if excess.magnitude() < Self::lit(0.03) {
            // (1 - e)^-½ = 1 + e/2 + 3e²/8, to 1e-5 in one step and exact by the next.
            let push = excess * (Self::lit(0.5) + excess * Self::lit(0.375));
            let mut scaled = vector;
            for (wide, c) in scaled.iter_mut().zip(narrow) {
                *wide = Self::add_wide(*wide, c * push);
            }
            Some(scaled)
        } else {
            Self::unit(narrow).map(|unit| unit.map(Self::widen))
        }
    }
    #[inline]
    fn sin_cos(self) -> (Self, Self) {
        let (sine, cosine) = sin_cos_counts(phase_below(self.to_bits(), Frac::U32));
        (
            Self::from_bits(rescale(sine, 30, Frac::U32)),
            Self::from_bits(rescale(cosine, 30, Frac::U32)),
        )
    }
    #[inline]
    fn atan2(self, x: Self) -> Self {
        let angle = atan2_fixed(self.to_bits(), x.to_bits());
        Self::from_bits(rescale(angle, 29, Frac::U32))
    }
    #[inline]
    fn wrap(self) -> Self {
        if Frac::U32 > 29 {
            return self;
        }
        // π times 2²⁹, for a half turn of 2³¹.
        let radians = mul_wide(phase_fixed(self.to_bits(), Frac::U32), 1_686_629_713);
        let down = 60_u32.saturating_sub(Frac::U32);
        let wrapped = shift_right(radians.wrapping_add(1 << (down - 1)), down) as i32;
        let pi = Self::PI.to_bits();
        Self::from_bits(if wrapped < pi { wrapped.max(-pi) } else { -pi })
    }
}

/// `mantissa · x / 2^(shift + 16)`, rounded to nearest, saturating.
#[inline(always)]
fn scaled(mantissa: i32, x: i32, shift: u32) -> i32 {
    let product = mul_wide(mantissa, x);
    if shift > GUARD {
        // Nothing of the answer, and of what rounds it, comes from the lower half.
        let down = shift.wrapping_sub(GUARD + 1).min(31);
        (((product >> 32) as i32 >> down) + 1) >> 1
    } else {
        // At most 2⁶² and 2³¹; 32 bits of a half keep the shift in one register.
        let half = i64::from(1_u32 << (shift.wrapping_add(GUARD - 1) & 31));
        let sum = product.wrapping_add(half);
        if shift < GUARD {
            shift_saturating(sum, shift.wrapping_add(GUARD))
        } else {
            (sum >> 32) as i32
        }
    }
}

/// `mantissa · x / 2^down`, rounded down, saturating.
#[inline(always)]
fn shifted(mantissa: i32, x: i32, down: u32) -> i32 {
    let product = mul_wide(mantissa, x);
    if down < 32 {
        shift_saturating(product, down)
    } else {
        (product >> 32) as i32 >> down.wrapping_sub(32).min(31)
    }
}

/// `mantissa · x / 2^down`, rounded to nearest with halves away from zero, saturating, for a
/// `down` of at least 16.
#[inline(always)]
fn rounded(mantissa: i32, x: i32, down: u32) -> i32 {
    let (a, b) = (mantissa.unsigned_abs(), x.unsigned_abs());
    let magnitude = if down > 32 {
        // Below 2³⁰, so that it fits with either sign.
        let high = mul_high_unsigned(a, b);
        i64::from(((high >> down.wrapping_sub(33).min(31)) + 1) >> 1)
    } else {
        let product = u64::from(a) * u64::from(b);
        // At most 2⁶² and 2³¹.
        let half = 1_u64 << (down.wrapping_sub(1) & 31);
        (product.wrapping_add(half) >> (down & 63)) as i64
    };
    saturate(if mantissa ^ x < 0 {
        -magnitude
    } else {
        magnitude
    })
}

/// `acc + mantissa · x / 2^shift`, rounded down, saturating.
#[inline(always)]
fn accumulated(acc: i64, mantissa: i32, x: i32, shift: u32) -> i64 {
    add_saturating(acc, shift_right(mul_wide(mantissa, x), shift))
}

/// From `from` fractional bits to `to`, rounded to nearest and saturated.
#[inline(always)]
const fn rescale(value: i32, from: u32, to: u32) -> i32 {
    if to < from {
        let down = from - to;
        (value + (1 << (down - 1))) >> down
    } else {
        saturate((value as i64) << (to - from))
    }
}

/// A constant in `frac` fractional bits, saturated.
const fn rounded_constant(value: f64, frac: u32) -> i32 {
    (value * (1_u64 << frac) as f64 + 0.5) as i32
}
