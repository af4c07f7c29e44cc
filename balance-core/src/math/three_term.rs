//! The inner loop of a PID whose derivative is of a low-passed value, each scalar type in the form
//! that serves it best.
//!
//! > `I ← I + ki e`, `u = I + kp e − s (y − l)`, `l ← l + c (y − l)`, `e = r − y`
//!
//! with `ki` per period, `s = kd / (τ + h)` and `c = h / (τ + h)`.
//!
//! One comparison of `u` with its limits tells most steps, in which nothing else is to be asked,
//! from the others: those at a limit, and those with a sample that is not finite or beyond all
//! reach, which makes `u` so. Where the gains are too small for that, and while the caller says so,
//! the limits that are compared with are shut, and no step is like most.
//!
//! **Fixed point** holds the three gains under one exponent, so that three products meet in one
//! 64-bit sum: to 2⁻³⁰ of what they add up to. The integral is kept in units of the product, up to
//! 2¹⁴ times finer where `ki` alone asks for it.

use super::fixed::Fixed;
use super::scalar::{Float, Scalar};
use super::wide::{NARROW, mul_high_unsigned, mul_wide, shift_right};
use core::fmt::Debug;
use fixed::types::extra::LeEqU32;

/// What a loop shall do, in the letters of this module.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms<P> {
    /// `ki`, per period.
    pub integral: P,
    /// `kp`.
    pub proportional: P,
    /// `s`.
    pub slope: P,
    /// `c`: one without a low-pass.
    pub share: P,
    /// Smallest output.
    pub low: P,
    /// Largest output, above `low`.
    pub high: P,
}

/// Gains and limits of a loop over `T`, and how they act on a memory.
pub trait ThreeTerm<T: Scalar>: Copy + Default + Debug + PartialEq + Send + Sync + 'static {
    /// The integral and the low-passed value.
    type Memory: Copy + Default + Debug + PartialEq + Send + Sync + 'static;

    /// Computes the coefficients; shut.
    fn new(terms: &Terms<T::Param>) -> Self;
    /// Opens or shuts [`step_inside`](ThreeTerm::step_inside).
    fn open(&mut self, open: bool);
    /// Advances by one period if the output is clear of its limits; else changes nothing that
    /// [`take_back`](ThreeTerm::take_back) would not undo.
    fn step_inside(&self, memory: &mut Self::Memory, setpoint: T, measured: T) -> Option<T>;
    /// Undoes what a step that was not inside has done.
    fn take_back(&self, memory: &mut Self::Memory, setpoint: T, measured: T);
    /// Advances by one period with usable values: the integral stands while the output is at a
    /// limit and the error would drive it further out.
    fn step(&self, memory: &mut Self::Memory, setpoint: T, measured: T) -> T;
    /// Puts the low-passed value on the measured one.
    fn settle(&self, memory: &mut Self::Memory, measured: T);
    /// The integral's contribution to the output.
    fn integral(memory: &Self::Memory) -> T;
    /// Lets the integral make the output `total`, as far as it has a gain.
    fn take_up(&self, memory: &mut Self::Memory, setpoint: T, measured: T, total: T);
    /// A memory that comes from elsewhere, made fit for these coefficients; `None` if it is not
    /// usable.
    fn adopt(&self, memory: Self::Memory) -> Option<Self::Memory>;
}

/// Sums of products as they stand in the equation, for floats.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FloatTerms<P> {
    integral: P,
    proportional: P,
    /// `−s`.
    slope: P,
    /// `c − 1`, which keeps a measured value that is not low-passed as it is.
    rest: P,
    low: P,
    high: P,
    /// The middle between the limits.
    middle: P,
    /// How far from the middle an output is clear of them: half of what is between, and a
    /// millionth less, for what rounding hides; or zero.
    clear: P,
    /// Whatever is not usable drives the output beyond its limits.
    tells: bool,
}

/// The memory of [`FloatTerms`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FloatTermsMemory<P> {
    integral: P,
    lagged: P,
}

impl<P: Float> FloatTerms<P> {
    /// The memory after a step, and the output without its limits.
    #[inline(always)]
    fn advance(&self, memory: FloatTermsMemory<P>, error: P, y: P) -> (FloatTermsMemory<P>, P) {
        let FloatTermsMemory { integral, lagged } = memory;
        let ahead = y.minus(lagged);
        let integral = P::accumulate(integral, self.integral, error);
        let sum = P::accumulate(integral, self.proportional, error);
        let sum = P::accumulate(sum, self.slope, ahead);
        let lagged = P::accumulate(y, self.rest, ahead);
        (FloatTermsMemory { integral, lagged }, sum)
    }
}

impl<P: Float> ThreeTerm<P> for FloatTerms<P> {
    type Memory = FloatTermsMemory<P>;

    fn new(terms: &Terms<P>) -> Self {
        // What the output moves by for a measured value, and for a setpoint, one larger.
        let both = (terms.integral + terms.proportional).magnitude();
        let all = (terms.integral + terms.proportional + terms.slope).magnitude();
        let farthest = terms.low.magnitude() + terms.high.magnitude();
        // Values up to 2⁶³ are usable.
        let reach = P::lit(1_152_921_504_606_846_976.0);
        let tells = |gain: P| gain * reach > farthest;
        Self {
            integral: terms.integral,
            proportional: terms.proportional,
            slope: -terms.slope,
            rest: terms.share - P::one(),
            low: terms.low,
            high: terms.high,
            middle: (terms.low + terms.high).halved(),
            clear: P::zero(),
            tells: tells(all) && (tells(both) || both == P::zero()),
        }
    }

    fn open(&mut self, open: bool) {
        self.clear = if open && self.tells {
            let hidden = (self.low.magnitude() + self.high.magnitude()) * P::lit(1e-6);
            (self.high - self.low).halved() - hidden
        } else {
            P::zero()
        };
    }

    #[inline(always)]
    fn step_inside(&self, memory: &mut Self::Memory, setpoint: P, measured: P) -> Option<P> {
        let (next, sum) = self.advance(*memory, setpoint.minus(measured), measured);
        // In this form NaN is not inside.
        if self.clear.is_above(sum.minus(self.middle).magnitude()) {
            *memory = next;
            Some(sum)
        } else {
            None
        }
    }

    #[inline(always)]
    fn take_back(&self, _: &mut Self::Memory, _: P, _: P) {}

    #[inline]
    fn step(&self, memory: &mut Self::Memory, setpoint: P, measured: P) -> P {
        let error = setpoint.minus(measured);
        let (mut next, mut sum) = self.advance(*memory, error, measured);
        if !(sum.is_above(self.low) && self.high.is_above(sum)) {
            let high = sum.is_above(self.low);
            let rising = error.is_above(P::zero()) != P::zero().is_above(self.integral);
            if high == rising {
                // The integral stands, so its push is not in the output either.
                next.integral = memory.integral;
                sum -= error.scale(self.integral);
            }
            sum = sum.limit(self.low, self.high);
        }
        *memory = next;
        sum
    }

    fn settle(&self, memory: &mut Self::Memory, measured: P) {
        memory.lagged = measured;
    }

    fn integral(memory: &Self::Memory) -> P {
        memory.integral
    }

    fn take_up(&self, memory: &mut Self::Memory, setpoint: P, measured: P, total: P) {
        memory.integral = if self.integral == P::zero() {
            P::zero()
        } else {
            total - (setpoint - measured) * self.proportional
        };
    }

    fn adopt(&self, memory: Self::Memory) -> Option<Self::Memory> {
        (memory.integral.is_usable() && memory.lagged.is_usable()).then_some(memory)
    }
}

/// One exponent and 64-bit sums, for fixed point.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FixedTerms {
    /// `ki`, in `shift + finer` fractional bits.
    integral: i32,
    /// `kp` and `−s`, in `shift` fractional bits.
    direct: [i32; 2],
    /// `c` in 31 fractional bits.
    share: i32,
    /// The least upper word of the sum that is clear of the lower limit, and how many there are up
    /// to the upper one.
    free: [i32; 2],
    low: i32,
    high: i32,
    /// `2^(32 − shift)`.
    up: u32,
    /// 13 ..= 30.
    shift: u8,
    finer: u8,
}

/// The memory of [`FixedTerms`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FixedTermsMemory {
    /// In units of the output over `2^unit`. Half a last place of the output is kept on it, so that
    /// dropping places rounds to nearest.
    integral: i64,
    /// In units of the value over 2³¹, half a last place on it.
    lagged: i64,
    unit: u8,
}

const LAG_BITS: u32 = 31;
const LAG_HALF: i64 = 1 << (LAG_BITS - 1);
/// The most fractional bits of an integral: 2³¹ times these fit 62 bits, a sum of products another.
const MOST_BITS: u32 = 30;
/// Beyond all sums that a limit lets stand.
const FARTHEST: i64 = 1 << 62;

impl FixedTerms {
    fn unit(&self) -> u32 {
        u32::from(self.shift) + u32::from(self.finer)
    }

    /// Half a last place of the output in units of the integral.
    fn half(&self) -> i64 {
        (1_i64 << (self.unit() & 31)) >> 1
    }

    fn push(&self, error: i32) -> i64 {
        mul_wide(self.integral, error)
    }

    fn others(&self, error: i32, ahead: i32) -> i64 {
        let [kp, slope] = self.direct;
        mul_wide(kp, error).wrapping_add(mul_wide(slope, ahead))
    }
}

impl<Frac: LeEqU32 + Send + Sync + 'static> ThreeTerm<Fixed<Frac>> for FixedTerms {
    type Memory = FixedTermsMemory;

    fn new(terms: &Terms<f32>) -> Self {
        let scaled = |gain: f32, bits: u32| {
            let scaled = gain * (1_u64 << (bits & 63)) as f32;
            (scaled + if scaled < 0.0 { -0.5 } else { 0.5 }) as i32
        };
        let sum =
            terms.integral.magnitude() + terms.proportional.magnitude() + terms.slope.magnitude();
        // Gains end at 32767, so there are at least 13.
        let fits = |bits: &u32| sum * (1_u64 << (bits & 63)) as f32 <= 1_073_741_000.0;
        let shift = (0..=MOST_BITS).rev().find(fits).unwrap_or(0);
        // The integral's gain to 2⁻¹³ of itself.
        let fine = |bits: &u32| terms.integral.magnitude() * (1_u64 << bits) as f32 >= 4096.0;
        let unit = match terms.integral {
            0.0 => shift,
            _ => (shift..=MOST_BITS).find(fine).unwrap_or(MOST_BITS),
        };
        let mut own = Self {
            integral: scaled(terms.integral, unit),
            direct: [
                scaled(terms.proportional, shift),
                scaled(-terms.slope, shift),
            ],
            share: (terms.share * 2_147_483_648.0) as i32,
            free: [0, 0],
            low: Fixed::<Frac>::from_param(terms.low).to_bits(),
            high: Fixed::<Frac>::from_param(terms.high).to_bits(),
            up: 1_u32.wrapping_shl(shift.wrapping_neg()),
            shift: shift as u8,
            finer: (unit - shift) as u8,
        };
        ThreeTerm::<Fixed<Frac>>::open(&mut own, false);
        own
    }

    fn open(&mut self, open: bool) {
        let upper = |limit: i32| (i64::from(limit) << (self.shift & 31) >> 32) as i32;
        self.free = [upper(self.low) + 1, 0];
        if open && self.finer == 0 {
            self.free[1] = (upper(self.high) - self.free[0]).max(0);
        }
    }

    #[inline(always)]
    fn step_inside(
        &self,
        memory: &mut Self::Memory,
        setpoint: Fixed<Frac>,
        measured: Fixed<Frac>,
    ) -> Option<Fixed<Frac>> {
        let error = (setpoint - measured).to_bits();
        let ahead = measured
            .to_bits()
            .saturating_sub((memory.lagged >> LAG_BITS) as i32);
        // Kept at once, the integral need not stand beside the sum that goes on from it: two
        // registers less, and those have to be saved on the stack.
        let integral = memory.integral.wrapping_add(self.push(error));
        memory.integral = integral;
        // Four numbers below 2⁶² at most.
        let sum = integral.wrapping_add(self.others(error, ahead));
        let [least, span] = self.free;
        let (high, low) = ((sum >> 32) as i32, sum as u32);
        if high.wrapping_sub(least) as u32 >= span as u32 {
            return None;
        }
        memory.lagged = memory.lagged.wrapping_add(mul_wide(self.share, ahead));
        // The sum is known to fit.
        let joined = high.wrapping_mul(self.up as i32) as u32;
        let rest = if NARROW {
            low.wrapping_shr(self.shift.into())
        } else {
            mul_high_unsigned(low, self.up)
        };
        Some(Fixed::from_bits(joined.wrapping_add(rest) as i32))
    }

    #[inline(always)]
    fn take_back(&self, memory: &mut Self::Memory, setpoint: Fixed<Frac>, measured: Fixed<Frac>) {
        let error = (setpoint - measured).to_bits();
        memory.integral = memory.integral.wrapping_sub(self.push(error));
    }

    #[inline]
    fn step(
        &self,
        memory: &mut Self::Memory,
        setpoint: Fixed<Frac>,
        measured: Fixed<Frac>,
    ) -> Fixed<Frac> {
        let error = (setpoint - measured).to_bits();
        let ahead = measured
            .to_bits()
            .saturating_sub((memory.lagged >> LAG_BITS) as i32);
        let push = self.push(error);
        let integral = memory.integral.wrapping_add(push);
        let others = self.others(error, ahead);
        let output = |integral: i64| {
            shift_right(
                shift_right(integral, self.finer.into()).wrapping_add(others),
                self.shift.into(),
            )
        };
        let mut total = output(integral);
        let (low, high) = (i64::from(self.low), i64::from(self.high));
        memory.lagged = memory.lagged.wrapping_add(mul_wide(self.share, ahead));
        let mut moved = integral;
        if total <= low || total >= high {
            let rising = (error > 0) != (self.integral < 0);
            if (total > low) == rising {
                // The integral stands, so its push is not in the output either.
                moved = memory.integral;
                total = output(moved);
            }
            total = total.max(low).min(high);
        }
        memory.integral = moved.clamp(-FARTHEST, FARTHEST);
        Fixed::from_bits(total as i32)
    }

    fn settle(&self, memory: &mut Self::Memory, measured: Fixed<Frac>) {
        memory.lagged = (i64::from(measured.to_bits()) << LAG_BITS) + LAG_HALF;
    }

    fn integral(memory: &Self::Memory) -> Fixed<Frac> {
        let rounded = memory.integral >> (memory.unit & 63);
        Fixed::from_bits(rounded.clamp(i32::MIN.into(), i32::MAX.into()) as i32)
    }

    fn take_up(
        &self,
        memory: &mut Self::Memory,
        setpoint: Fixed<Frac>,
        measured: Fixed<Frac>,
        total: Fixed<Frac>,
    ) {
        let error = (setpoint - measured).to_bits();
        let rest = match self.integral {
            0 => 0,
            _ => (i64::from(total.to_bits()) << (self.shift & 31))
                .wrapping_sub(self.others(error, 0)),
        };
        memory.integral =
            (rest.saturating_mul(1 << (self.finer & 31)) + self.half()).clamp(-FARTHEST, FARTHEST);
        memory.unit = self.unit() as u8;
    }

    fn adopt(&self, memory: Self::Memory) -> Option<Self::Memory> {
        // Without the half, which is another one in another unit.
        let half = (1_i64 << (memory.unit & 31)) >> 1;
        let integral = memory.integral.saturating_sub(half);
        let up = self.unit().saturating_sub(memory.unit.into());
        let down = u32::from(memory.unit).saturating_sub(self.unit());
        let integral = integral.saturating_mul(1 << (up & 31)) >> (down & 63);
        Some(FixedTermsMemory {
            integral: integral
                .saturating_add(self.half())
                .clamp(-FARTHEST, FARTHEST),
            lagged: memory.lagged.clamp(-FARTHEST, FARTHEST - 1),
            unit: self.unit() as u8,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;
    use proptest::prelude::*;

    fn loops<T: Scalar>(terms: [f64; 4]) -> T::ThreeTerm {
        let [integral, proportional, slope, share] = terms.map(T::Param::lit);
        let mut own = T::ThreeTerm::new(&Terms {
            integral,
            proportional,
            slope,
            share,
            low: T::Param::lit(-6.0),
            high: T::Param::lit(5.0),
        });
        own.open(true);
        own
    }

    fn rest<T: Scalar>(own: &T::ThreeTerm) -> <T::ThreeTerm as ThreeTerm<T>>::Memory {
        own.adopt(Default::default()).unwrap()
    }

    /// The same steps, those inside taken for what they are, and all with care.
    fn agrees<T: Scalar>(terms: [f64; 4], samples: &[f64]) {
        let own = loops::<T>(terms);
        let mut memory = rest::<T>(&own);
        own.settle(&mut memory, T::zero());
        let mut careful = memory;
        let mut most = 0;
        for measured in samples {
            let (setpoint, measured) = (T::lit(0.25), T::lit(*measured));
            let wanted = own.step(&mut careful, setpoint, measured);
            let before = memory;
            match own.step_inside(&mut memory, setpoint, measured) {
                Some(total) => {
                    most += 1;
                    assert_eq!(total, wanted, "{}", T::NAME);
                }
                None => {
                    own.take_back(&mut memory, setpoint, measured);
                    assert_eq!(memory, before);
                    memory = careful;
                }
            }
            assert_eq!(memory, careful, "{}", T::NAME);
            assert!(wanted >= T::lit(-6.0) && wanted <= T::lit(5.0));
        }
        assert!(most * 4 > samples.len(), "{most}");
    }

    proptest! {
        #[test]
        fn a_step_inside_is_the_step(
            samples in proptest::collection::vec(-0.5..0.6_f64, 50),
            terms in (0.0..0.1_f64, 0.0..3.0_f64, 0.0..2.0_f64, 0.01..1.0_f64),
        ) {
            let terms = [terms.0, terms.1, terms.2, terms.3];
            agrees::<f32>(terms, &samples);
            agrees::<f64>(terms, &samples);
            // An integral that may be kept in the unit of the sum.
            agrees::<Q12>([terms[0] + 1e-3, terms[1], terms[2], terms[3]], &samples);
        }

        #[test]
        fn fixed_point_follows_floats(
            samples in proptest::collection::vec(-0.5..0.6_f64, 50),
            ki in 1e-7..0.1_f64, kp in 0.0..500.0_f64,
        ) {
            let terms = [ki, kp, kp, 0.3];
            let (exact, own) = (loops::<f64>(terms), loops::<Q12>(terms));
            let mut exact_memory = Default::default();
            let mut memory = rest::<Q12>(&own);
            for measured in &samples {
                let measured = Q12::lit(*measured);
                let wanted = exact.step(&mut exact_memory, 0.25, measured.to_param().into());
                let got = own.step(&mut memory, Q12::lit(0.25), measured);
                let error = (f64::from(got.to_param()) - wanted).abs();
                // The low-pass is read at the last place of the type.
                prop_assert!(error < 2e-6 * (2.0 + kp), "{} {}", got, wanted);
            }
        }
    }

    #[test]
    fn what_is_not_usable_is_not_inside() {
        let own = loops::<f32>([0.01, 2.0, 3.0, 0.2]);
        let mut memory = Default::default();
        for bad in [f32::NAN, f32::INFINITY, -f32::INFINITY, 1e20, -1e30] {
            assert_eq!(own.step_inside(&mut memory, bad, 0.0), None);
            assert_eq!(own.step_inside(&mut memory, 0.0, bad), None);
        }
        assert!(own.step_inside(&mut memory, 0.1, 0.0).is_some());
        // Gains that a value beyond reach would pass unseen.
        let mut weak = loops::<f32>([0.0, 1e-20, 0.0, 1.0]);
        assert_eq!(weak.step_inside(&mut memory, 0.1, 0.0), None);
        weak.open(false);
        assert_eq!(weak.step_inside(&mut memory, 0.1, 0.0), None);
    }

    #[test]
    fn a_memory_keeps_its_value_under_other_gains() {
        let [coarse, fine] = [0.05, 1e-6].map(|ki| loops::<Q12>([ki, 200.0, 100.0, 0.5]));
        let mut memory = rest::<Q12>(&coarse);
        ThreeTerm::<Q12>::take_up(
            &coarse,
            &mut memory,
            Q12::lit(0.01),
            Q12::lit(0.0),
            Q12::lit(3.5),
        );
        let value = |memory: &FixedTermsMemory| <FixedTerms as ThreeTerm<Q12>>::integral(memory);
        let first = value(&memory);
        assert!((first - Q12::lit(1.5)).magnitude() < Q12::lit(1e-4));
        for other in [fine, coarse] {
            memory = ThreeTerm::<Q12>::adopt(&other, memory).unwrap();
            assert!((value(&memory) - first).magnitude() <= Q12::from_bits(1));
        }
    }
}
