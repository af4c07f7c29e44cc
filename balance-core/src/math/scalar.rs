//! The two number traits every algorithm is bound by.
//!
//! [`Scalar`] is an ordered ring that saturates: enough for filters, PID and state feedback.
//! [`Real`] adds division and the elementary functions. [`Float`] is `f32` or `f64`, the type
//! in which people write parameters and in which coefficients are computed, once, at build time.

use super::section::{Section, StateVariable};
use super::three_term::ThreeTerm;
use core::fmt::Debug;
use core::ops::{AddAssign, MulAssign, Neg, Sub, SubAssign};
use num_traits::{One, Zero};

/// Ordered, saturating ring: what the step of a filter or controller is written in.
///
/// Implemented for `f32`, `f64` and [`Fixed`](crate::math::Fixed). The contract that generic
/// code may rely on:
///
/// * **Nothing wraps.** An operation of a fixed-point type that leaves the range gives the
///   nearest end of the range. Floats follow IEEE 754.
/// * **Products accumulate wide and round once**, through [`Wide`](Scalar::Wide): a sum of
///   products, an integrator or a slow filter keeps at least 16 bits below the last place of the
///   type (fixed point), so nothing is lost to a dead zone when a coefficient is small.
/// * **Coefficients are [`Gain`](Scalar::Gain)s**: a fixed-point gain carries its own exponent, so
///   that 0.0003 and 3000 are both held to 31 bits.
pub trait Scalar:
    Copy
    + Default
    + Debug
    + PartialOrd
    + Zero
    + One
    + Sub<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + Send
    + Sync
    + 'static
{
    /// The float in which parameters of an algorithm over this type are written.
    type Param: Float;
    /// A coefficient, prepared at build time from a [`Param`](Scalar::Param).
    type Gain: Copy + Default + Debug + PartialEq + Send + Sync + 'static;
    /// An accumulator: holds sums of products and slow states.
    type Wide: Copy + Default + Debug + PartialEq + Send + Sync + 'static;
    /// A coefficient of 16 bits in fixed point, held to 3e-5 of itself: a product with it costs an
    /// ARMv6-M a quarter of one with a [`Gain`](Scalar::Gain). For floats the float itself.
    type Short: Copy + Default + Debug + PartialEq + Send + Sync + 'static;
    /// A state of small range that small products add up in: in fixed point ±8 in steps of 2⁻²⁸, so
    /// that its sums are those of one word. For floats the float itself.
    type Fine: Copy + Default + Debug + PartialEq + Send + Sync + 'static;

    /// Name for tables and messages: `f32`, `f64` or `fixed`.
    const NAME: &'static str;
    /// Largest value that an algorithm accepts as an input.
    const MAX: Self;
    /// Smallest (most negative) value that an algorithm accepts as an input.
    const MIN: Self;

    /// Whether these are floats in hardware: a sum costs no more than a comparison then.
    const HARD: bool = false;
    /// What [`grow_little`](Scalar::grow_little) bears.
    const LITTLE: Self;

    /// Converts a literal; meant for constants, which the compiler then folds.
    fn lit(value: f64) -> Self;
    /// Converts a parameter, rounding to nearest and saturating; NaN gives zero in fixed point.
    fn from_param(value: Self::Param) -> Self;
    /// Converts back to the parameter's float.
    fn to_param(self) -> Self::Param;
    /// Prepares a coefficient. Magnitudes above 32767 saturate in fixed point.
    fn gain(value: Self::Param) -> Self::Gain;

    /// `gain · self`, rounded once, saturating.
    #[must_use]
    fn scale(self, gain: Self::Gain) -> Self;
    /// `gain · counts`: an integer reading of a sensor in its unit.
    #[must_use]
    fn from_counts(counts: i32, gain: Self::Gain) -> Self;
    /// `gain · self`, rounded to nearest (halves away from zero) and limited to the range of `i32`.
    #[must_use]
    fn to_counts(self, gain: Self::Gain) -> i32;

    /// Prepares a coefficient of 16 bits. Magnitudes above 32767 saturate in fixed point.
    fn short(value: Self::Param) -> Self::Short;
    /// The coefficient one over a value above zero.
    fn reciprocal_short(value: Self) -> Self::Short;
    /// `gain · self`, saturating; fixed point rounds down.
    #[must_use]
    fn scale_short(self, gain: Self::Short) -> Self;
    /// `gain · counts`, as [`scale_short`](Scalar::scale_short).
    #[must_use]
    fn from_counts_short(counts: i32, gain: Self::Short) -> Self;
    /// `gain · reading` of a sensor of 16 bits.
    #[must_use]
    fn from_reading(reading: i16, gain: Self::Short) -> Self;
    /// `gain · self` of a value that is not negative, rounded to nearest and limited to the range of
    /// `i32`.
    #[must_use]
    fn to_counts_short(self, gain: Self::Short) -> i32;
    /// The share `self` of a whole number, rounded to nearest: 0 for what is below zero, all of it for
    /// one and above.
    #[must_use]
    fn part_of(self, whole: u16) -> u16;
    /// The same coefficients, prepared for [`dot_short`](Scalar::dot_short): in fixed point they share
    /// one exponent, that of the largest, and are held to 5e-5 of that one.
    #[must_use]
    fn align_short<const N: usize>(gains: [Self::Short; N]) -> [Self::Short; N] {
        gains
    }
    /// `Σ gainᵢ · xᵢ` of [aligned](Scalar::align_short) coefficients, saturating; fixed point rounds
    /// down, to as many places as its largest coefficient has.
    #[must_use]
    fn dot_short<const N: usize>(gains: &[Self::Short; N], x: &[Self; N]) -> Self;
    /// `self · other`, where fixed point limits `other` to ±64 and takes it in steps of 1/512;
    /// saturating, rounded down.
    #[must_use]
    fn rough_product(self, other: Self) -> Self;
    /// `x + x³/3` for a magnitude below ½: the tangent of a small angle.
    #[must_use]
    fn small_tangent(self) -> Self;
    /// Starts a fine state from a value; saturates at ±8 in fixed point.
    fn fine(self) -> Self::Fine;
    /// The value of a fine state; fixed point rounds down.
    fn coarse(fine: Self::Fine) -> Self;
    /// `fine + gain · x`, saturating; fixed point rounds down.
    #[must_use]
    fn grow(fine: Self::Fine, gain: Self::Short, x: Self) -> Self::Fine;
    /// `fine + gain · counts`, as [`grow`](Scalar::grow).
    #[must_use]
    fn grow_counts(fine: Self::Fine, gain: Self::Short, counts: i32) -> Self::Fine;
    /// As [`grow`](Scalar::grow) of an `x` below [`LITTLE`](Scalar::LITTLE) in magnitude, at half of
    /// its cost.
    #[must_use]
    fn grow_little(fine: Self::Fine, gain: Self::Short, x: Self) -> Self::Fine;
    /// `fine + gain · (forward + up · tan angle)` of two readings of a sensor of 16 bits, for an
    /// angle below ½ in magnitude.
    #[must_use]
    fn grow_level(
        fine: Self::Fine,
        gain: Self::Short,
        angle: Self,
        forward_and_up: [i16; 2],
    ) -> Self::Fine;
    /// The reciprocal of a value above zero, from the one of a value nearby: exact to the square of
    /// their difference. Farther off it comes nearer by a quarter at a time.
    #[must_use]
    fn nearer_reciprocal(gain: Self::Short, value: Self) -> Self::Short;
    /// `fine + x`.
    #[must_use]
    fn add_fine(fine: Self::Fine, x: Self) -> Self::Fine;

    /// `self + other`. The operator's answer; where floats are made of integers, in two thirds of
    /// its instructions.
    #[inline(always)]
    #[must_use]
    fn plus(self, other: Self) -> Self {
        self + other
    }
    /// `self − other`, as [`plus`](Scalar::plus).
    #[inline(always)]
    #[must_use]
    fn minus(self, other: Self) -> Self {
        self - other
    }
    /// `self · other`, as [`plus`](Scalar::plus).
    #[inline(always)]
    #[must_use]
    fn times(self, other: Self) -> Self {
        self * other
    }
    /// `a · b + c · d`; in fixed point rounded once.
    #[inline(always)]
    #[must_use]
    fn product_sum(a: Self, b: Self, c: Self, d: Self) -> Self {
        a * b + c * d
    }
    /// `a · b − c · d`; in fixed point rounded once.
    #[inline(always)]
    #[must_use]
    fn product_difference(a: Self, b: Self, c: Self, d: Self) -> Self {
        a * b - c * d
    }
    /// Whether the value lies in `low ..= high`; false for NaN. As [`is_above`](Scalar::is_above)
    /// cheaper than operators.
    #[inline(always)]
    #[must_use]
    fn is_within(self, low: Self, high: Self) -> bool {
        self >= low && self <= high
    }

    /// Half of the value; fixed point rounds down, in one instruction.
    #[inline(always)]
    #[must_use]
    fn halved(self) -> Self {
        self * Self::lit(0.5)
    }
    /// Starts an accumulator from a value.
    fn widen(self) -> Self::Wide;
    /// Rounds an accumulator, saturating.
    fn narrow(wide: Self::Wide) -> Self;
    /// `acc + gain · x`, saturating at 2¹⁵ times the range of the type in fixed point.
    #[must_use]
    fn accumulate(acc: Self::Wide, gain: Self::Gain, x: Self) -> Self::Wide;
    /// `acc + gain · counts`, as [`accumulate`](Scalar::accumulate).
    #[must_use]
    fn accumulate_counts(acc: Self::Wide, gain: Self::Gain, counts: i32) -> Self::Wide;
    /// `acc + x`.
    #[must_use]
    fn add_wide(acc: Self::Wide, x: Self) -> Self::Wide;

    /// Whether a value may enter an algorithm: finite, and for floats of magnitude at most
    /// 2⁶³, so that the product of two such values is still finite. One integer comparison.
    fn is_usable(self) -> bool;

    /// Whether the magnitude is below a limit, which must not be negative; false for NaN. One
    /// integer comparison for floats.
    #[inline(always)]
    #[must_use]
    fn is_below(self, limit: Self) -> bool {
        self.magnitude() < limit
    }

    /// Whether every magnitude is below a limit, which must not be negative; false if one is NaN.
    #[inline(always)]
    #[must_use]
    fn all_below<const N: usize>(values: [Self; N], limit: Self) -> bool {
        values.iter().all(|value| value.is_below(limit))
    }

    /// The same gains, prepared for [`accumulate_all`](Scalar::accumulate_all): in fixed point
    /// they share one exponent, if that costs none of them a digit.
    #[must_use]
    fn align<const N: usize>(gains: [Self::Gain; N]) -> [Self::Gain; N] {
        gains
    }
    /// `acc + Σ gainᵢ · xᵢ`; in fixed point with one rounding if the gains are
    /// [aligned](Scalar::align), and at half the cost.
    #[inline(always)]
    #[must_use]
    fn accumulate_all<const N: usize>(
        acc: Self::Wide,
        gains: &[Self::Gain; N],
        x: &[Self; N],
    ) -> Self::Wide {
        let mut acc = acc;
        for (gain, x) in gains.iter().zip(x) {
            acc = Self::accumulate(acc, *gain, *x);
        }
        acc
    }
    /// `Σ gainᵢ · xᵢ`, rounded once.
    #[inline]
    #[must_use]
    fn dot<const N: usize>(gains: &[Self::Gain; N], x: &[Self; N]) -> Self {
        Self::narrow(Self::accumulate_all(Self::zero().widen(), gains, x))
    }
    /// `self > other`. For floats without hardware a third of the operator's cost, and the same
    /// answer.
    #[inline(always)]
    #[must_use]
    fn is_above(self, other: Self) -> bool {
        self > other
    }
    /// Limits to `low ..= high`. For `low > high` the answer is `high`.
    #[inline(always)]
    #[must_use]
    fn limit(self, low: Self, high: Self) -> Self {
        let raised = if low.is_above(self) { low } else { self };
        if raised.is_above(high) { high } else { raised }
    }
    /// Limits to ± `most`, which must not be negative.
    #[inline(always)]
    #[must_use]
    fn limit_to(self, most: Self) -> Self {
        if self.is_below(most) {
            self
        } else if self < Self::zero() {
            -most
        } else {
            most
        }
    }
    /// Magnitude; the most negative fixed-point value gives the largest.
    #[inline(always)]
    #[must_use]
    fn magnitude(self) -> Self {
        if self < Self::zero() { -self } else { self }
    }

    /// A second-order filter section in the form that is most accurate for this type.
    type Section: Section<Self>;
    /// The inner loop of a PID in the form that serves this type best.
    type ThreeTerm: ThreeTerm<Self>;
}

/// A [`Scalar`] with division and the elementary functions.
///
/// All functions are total. Fixed point: `x/0` is the end of the range with the sign of `x`
/// (zero for `0/0`), and the root of a negative number is zero. Floats follow IEEE 754.
pub trait Real: Scalar + core::ops::Div<Output = Self> {
    /// π.
    const PI: Self;
    /// 2π.
    const TAU: Self;
    /// Square root.
    #[must_use]
    fn sqrt(self) -> Self;
    /// Sine and cosine of an angle in radians.
    #[must_use]
    fn sin_cos(self) -> (Self, Self);
    /// Sine and cosine of an angle that is known to lie in −π ..= π, as commutation has it twenty
    /// thousand times a second. The same as [`sin_cos`](Real::sin_cos) but for `f32`, where a float
    /// polynomial to 1e-6 takes its place: half the instructions with hardware floats, six times as
    /// many without. Other angles are right as well.
    #[inline]
    #[must_use]
    fn sin_cos_wrapped(self) -> (Self, Self) {
        self.sin_cos()
    }
    /// Angle of the vector (`x`, `self`), in −π ..= π; zero for the zero vector.
    #[must_use]
    fn atan2(self, x: Self) -> Self;
    /// The same angle in −π .. π; what [`wrap_angle`](crate::math::wrap_angle) calls for an angle
    /// out of that range.
    #[must_use]
    fn wrap(self) -> Self;
    /// The vector of length one in the same direction; `None` for one without a direction: of
    /// length zero, or (floats) with a square below 2⁻¹⁰⁰ or above 2¹²⁶, or NaN.
    #[must_use]
    fn unit<const N: usize>(vector: [Self; N]) -> Option<[Self; N]>;
    /// The same for a vector whose magnitudes are all below `most` and not all below `least`, which
    /// are within 1e-9 ..= 1e18; `None` for others.
    #[inline(always)]
    #[must_use]
    fn direction<const N: usize>(vector: [Self; N], least: Self, most: Self) -> Option<[Self; N]> {
        let fits = Self::all_below(vector, most) && !Self::all_below(vector, least);
        if fits { Self::unit(vector) } else { None }
    }
    /// The same for accumulators; cheapest for what is about of length one already.
    #[must_use]
    fn unit_wide<const N: usize>(vector: [Self::Wide; N]) -> Option<[Self::Wide; N]>;
    /// Sine of an angle in radians.
    #[inline]
    #[must_use]
    fn sin(self) -> Self {
        self.sin_cos().0
    }
    /// Cosine of an angle in radians.
    #[inline]
    #[must_use]
    fn cos(self) -> Self {
        self.sin_cos().1
    }
}

/// `f32` or `f64`: what parameters are written in and coefficients are computed in.
pub trait Float:
    Real<
        Param = Self,
        Gain = Self,
        Wide = Self,
        Short = Self,
        Fine = Self,
        Section = StateVariable<Self>,
    >
{
    /// Whether the value is neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// eˣ.
    #[must_use]
    fn exp(self) -> Self;
    /// Natural logarithm.
    #[must_use]
    fn ln(self) -> Self;
    /// Tangent of an angle in radians.
    #[must_use]
    fn tan(self) -> Self;
    /// `self` to the power of `exponent`.
    #[must_use]
    fn powf(self, exponent: Self) -> Self;
    /// Converts to `f64` without loss.
    fn to_f64(self) -> f64;
}
