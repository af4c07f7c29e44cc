//! The covariance of a fixed-point filter: integers with one exponent for each state.
//!
//! `P_ij = m_ij · 2^-(e_i + e_j)` with every m_ii between 2²⁷ and 2³⁰ after a prediction, whatever
//! the units of the states. By |P_ij|² ≤ P_ii P_jj no m_ij is then larger than 2³⁰, and the rows of
//! F, scaled alike, are integers whose products are added in 64 bits and rounded once. F and Q are
//! scaled anew only when an exponent changes, which in steady state none does.

use super::factors::Factors;
use super::uncertainty::{KalmanScalar, Uncertainty};
use crate::ConfigError;
use crate::math::{Fixed, FixedGain, add_saturating, mul_wide, shift_right};
use fixed::types::extra::LeEqU32;

/// A covariance in integers; see the source of this file for the scheme.
///
/// Proven range: standard deviations of 2⁻⁶⁰ to 2⁶⁰ of a state's unit; a period's noise counts
/// down to 2⁻³⁰ of the state's variance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockFloat<const N: usize> {
    /// Symmetric.
    mantissa: [[i32; N]; N],
    exponent: [i32; N],
}

/// Fractional bits of scaled coefficients.
const ONE: i32 = 30;
const HALF: i64 = 1 << (ONE - 1);
const EXPONENTS: i32 = 60;

/// `Σ aᵢ bᵢ / 2³⁰`, rounded once. The sum must stay below 2⁶².
#[inline(always)]
fn dot<const N: usize>(a: &[i32; N], b: &[i32; N]) -> i32 {
    let mut sum = HALF;
    for (a, b) in a.iter().zip(b) {
        sum = sum.wrapping_add(mul_wide(*a, *b));
    }
    (sum >> ONE) as i32
}

/// `a · b / 2³⁰`, rounded. The product must stay below 2⁶¹.
#[inline(always)]
fn product(a: i32, b: i32) -> i32 {
    (mul_wide(a, b).wrapping_add(HALF) >> ONE) as i32
}

/// `value · 2^power`, rounded to nearest, within ±2³⁰.
fn scaled(value: f32, power: i32) -> i32 {
    let bits = value.to_bits();
    let exponent = ((bits >> 23) & 0xff) as i32;
    if exponent == 0 {
        return 0;
    }
    let fraction = ((bits & 0x7f_ffff) | 0x80_0000) as i32;
    let magnitude = match exponent - 150 + power {
        up @ 0..=6 => fraction << up,
        7.. => 1 << ONE,
        down @ -24..=-1 => (fraction + ((1 << -down) >> 1)) >> -down,
        _ => 0,
    };
    if value < 0.0 { -magnitude } else { magnitude }
}

/// The least power of two above a magnitude: 1 for one, −20 or below for zero.
fn power_above(value: f32) -> i32 {
    let exponent = ((value.to_bits() >> 23) & 0xff) as i32;
    exponent - 126
}

/// `value · 2^up` for any `up`, saturating at ±2³⁰.
#[inline(always)]
fn shifted(value: i32, up: i32) -> i32 {
    if up == 0 {
        value
    } else if up > 0 {
        let limit = (1 << ONE) - 1;
        let room = limit >> up.min(31);
        value.clamp(-room, room) << up.min(30)
    } else {
        let down = (-up).min(31);
        (value >> (down - 1)).wrapping_add(1) >> 1
    }
}

/// F and Q of a fixed-point filter, and what they are in the units of the moment.
#[derive(Clone, Copy, Debug)]
pub struct BlockDynamics<const N: usize> {
    transition: [[f32; N]; N],
    noise: [[f32; N]; N],
    /// Exponents for which what follows holds.
    exponent: [i32; N],
    /// Rows of F, `2^growth` of which sum up to at most one in magnitude.
    rows: [[i32; N]; N],
    /// The column of a row's only entry, or N.
    only: [usize; N],
    growth: [i32; N],
    shock: [[i32; N]; N],
}

impl<const N: usize> BlockDynamics<N> {
    #[cold]
    #[inline(never)]
    fn rescale(&mut self, exponent: &[i32; N]) {
        self.exponent = *exponent;
        let spare = (usize::BITS - (N - 1).leading_zeros()) as i32;
        for i in 0..N {
            let noise = (power_above(self.noise[i][i]) + 2 * exponent[i] - ONE + 2) / 2;
            let mut growth = noise.max(-ONE);
            for k in 0..N {
                let above = power_above(self.transition[i][k]) + exponent[i] - exponent[k];
                growth = growth.max(above);
            }
            // Where one entry is all but alone no room for a sum of several is needed.
            let alone = {
                let mut sum = 0_i64;
                for k in 0..N {
                    let power = ONE - growth + exponent[i] - exponent[k];
                    sum += i64::from(scaled(self.transition[i][k], power).abs());
                }
                sum
            };
            let mut room = 0;
            while room < spare && alone >> room > 1 << ONE {
                room += 1;
            }
            self.growth[i] = growth + room;
        }
        for i in 0..N {
            for k in 0..N {
                let power = ONE - self.growth[i] + exponent[i] - exponent[k];
                self.rows[i][k] = scaled(self.transition[i][k], power);
                let power = exponent[i] - self.growth[i] + exponent[k] - self.growth[k];
                self.shock[i][k] = scaled(self.noise[i][k], power);
            }
            let mut counting = self.rows[i].iter().enumerate().filter(|(_, f)| **f != 0);
            self.only[i] = match (counting.next(), counting.next()) {
                (Some((column, _)), None) => column,
                _ => N,
            };
        }
    }

    /// Row `i` of F times a vector.
    #[inline(always)]
    fn along(&self, i: usize, vector: &[i32; N]) -> i32 {
        let only = self.only[i];
        if only < N {
            product(self.rows[i][only], vector[only])
        } else {
            dot(&self.rows[i], vector)
        }
    }
}

/// A row of H of a fixed-point filter.
#[derive(Clone, Copy, Debug)]
pub enum BlockRow<const N: usize> {
    /// The measurement is this state.
    State(usize),
    /// A mixture of states.
    Mix([f32; N]),
}

/// What a measurement would tell a fixed-point filter.
#[derive(Clone, Copy, Debug)]
pub struct BlockSight<const N: usize> {
    /// P hᵀ, in units of `2^-(e_i + unit)`.
    cross: [i32; N],
    unit: i32,
    /// The innovation's variance is `sum · 2^(power - 2 unit)`, 2³⁰ ≤ sum < 2³¹.
    sum: i32,
    power: i32,
    /// 2⁶¹ over the sum.
    inverse: i32,
    noise: FixedGain,
    state: Option<usize>,
}

/// `2⁶¹ / sum` for a sum of 2³⁰ ..= 2³¹ − 1, to 2⁻²⁷ of itself: sixteen bits by a division, the
/// others by a step of Newton's.
#[inline(always)]
fn inverse(sum: i32) -> i32 {
    let coarse = (i32::MAX as u32).checked_div((sum >> 15) as u32);
    let coarse = coarse.unwrap_or(0) as i32;
    let error = (1_i64 << 46) - mul_wide(sum, coarse);
    let fine = mul_wide((error >> 3) as i32, coarse) >> 28;
    let inverse = (i64::from(coarse) << 15) + fine;
    if inverse > i64::from(i32::MAX) {
        i32::MAX
    } else {
        inverse as i32
    }
}

impl<const N: usize> BlockFloat<N> {
    /// Brings every variance back to 2²⁷ .. 2³⁰. `growth`: what the exponents have lost.
    #[inline(always)]
    fn normalise(&mut self, growth: &[i32; N]) {
        let mut up = *growth;
        for i in 0..N {
            let variance = self.mantissa[i][i].max(0);
            self.mantissa[i][i] = variance;
            let bits = 32 - variance.leading_zeros() as i32;
            let spare = ONE - bits - 2 * growth[i];
            if variance > 0 && !(0..=2).contains(&spare) {
                up[i] = (ONE - bits) >> 1;
            }
            let exponent = self.exponent[i] - growth[i] + up[i];
            let kept = exponent.clamp(-EXPONENTS, EXPONENTS);
            up[i] += kept - exponent;
            self.exponent[i] = kept;
        }
        for i in 0..N {
            for j in 0..=i {
                self.set(i, j, shifted(self.mantissa[i][j], up[i] + up[j]));
            }
        }
    }

    #[inline(always)]
    fn set(&mut self, i: usize, j: usize, mantissa: i32) {
        self.mantissa[i][j] = mantissa;
        self.mantissa[j][i] = mantissa;
    }
}

impl<Frac, const N: usize> Uncertainty<Fixed<Frac>, N> for BlockFloat<N>
where
    Frac: LeEqU32 + Send + Sync + 'static,
{
    type Dynamics = BlockDynamics<N>;
    type Row = BlockRow<N>;
    type Sight = BlockSight<N>;

    fn new(covariance: &Factors<f32, N>) -> Self {
        let covariance = covariance.covariance();
        let mut this = Self {
            mantissa: [[0; N]; N],
            exponent: [EXPONENTS / 2; N],
        };
        for i in 0..N {
            if covariance[i][i] > 0.0 {
                let exponent = (ONE - power_above(covariance[i][i])) >> 1;
                this.exponent[i] = exponent.clamp(-EXPONENTS, EXPONENTS);
            }
        }
        for i in 0..N {
            for j in 0..=i {
                let power = this.exponent[i] + this.exponent[j];
                this.set(i, j, scaled(covariance[i][j], power));
            }
        }
        this
    }

    fn dynamics(
        transition: &[[f32; N]; N],
        noise: &Factors<f32, N>,
    ) -> Result<Self::Dynamics, ConfigError> {
        Ok(BlockDynamics {
            transition: *transition,
            noise: noise.covariance(),
            // No state has such an exponent: the first step scales.
            exponent: [i32::MIN; N],
            rows: [[0; N]; N],
            only: [N; N],
            growth: [0; N],
            shock: [[0; N]; N],
        })
    }

    fn row(row: &[f32; N]) -> BlockRow<N> {
        let mut others = row.iter().enumerate().filter(|(_, h)| **h != 0.0);
        match (others.next(), others.next()) {
            (Some((index, &1.0)), None) => BlockRow::State(index),
            _ => BlockRow::Mix(*row),
        }
    }

    #[inline]
    fn predict(&mut self, dynamics: &mut BlockDynamics<N>) {
        // Not `!=`, which calls `memcmp`.
        if (0..N).any(|i| dynamics.exponent[i] != self.exponent[i]) {
            dynamics.rescale(&self.exponent);
        }
        let before = self.mantissa;
        for i in 0..N {
            let mut way = [0; N];
            for k in 0..N {
                way[k] = dynamics.along(i, &before[k]);
            }
            for j in 0..=i {
                let grown = dynamics.along(j, &way);
                self.mantissa[i][j] = grown.saturating_add(dynamics.shock[i][j]);
            }
        }
        self.normalise(&dynamics.growth);
    }

    #[inline]
    fn sight(&self, row: &BlockRow<N>, noise: FixedGain) -> BlockSight<N> {
        let full = &self.mantissa;
        let (cross, unit, seen, state) = match row {
            BlockRow::State(index) if *index < N => {
                let cross = full[*index];
                (cross, self.exponent[*index], cross[*index], Some(*index))
            }
            BlockRow::State(_) => ([0; N], 0, 0, None),
            BlockRow::Mix(row) => {
                let spare = (usize::BITS - (N - 1).leading_zeros()) as i32;
                let mut unit = 2 * EXPONENTS;
                for k in 0..N {
                    if row[k] != 0.0 {
                        unit = unit.min(self.exponent[k] - power_above(row[k]) - spare);
                    }
                }
                let mut scaled_row = [0; N];
                for k in 0..N {
                    scaled_row[k] = scaled(row[k], ONE + unit - self.exponent[k]);
                }
                let mut cross = [0; N];
                for k in 0..N {
                    cross[k] = dot(&scaled_row, &full[k]);
                }
                (cross, unit, dot(&scaled_row, &cross), None)
            }
        };
        let seen = seen.max(0);
        let (noise_mantissa, noise_power) = noise.parts();
        // The larger of both parts gets thirty bits, the sum thirty-one.
        let noise_up = 2 * unit - noise_power;
        let noise_bits = 32 - noise_mantissa.leading_zeros() as i32 + noise_up;
        let seen_bits = 32 - seen.leading_zeros() as i32;
        let down = noise_bits.max(seen_bits) - ONE;
        let sum = shifted(seen, -down)
            .saturating_add(shifted(noise_mantissa, noise_up - down))
            .max(1 << (ONE - 1));
        let (sum, power) = if sum < 1 << ONE {
            (sum << 1, down - 1)
        } else {
            (sum, down)
        };
        let inverse = inverse(sum);
        BlockSight {
            cross,
            unit,
            sum,
            power,
            inverse,
            noise,
            state,
        }
    }

    #[inline]
    fn normalised(sight: &BlockSight<N>, innovation: Fixed<Frac>) -> Fixed<Frac> {
        let bits = innovation.to_bits();
        let square = mul_wide(bits, bits);
        let spare = square.leading_zeros();
        if spare >= 64 {
            return Fixed::from_bits(0);
        }
        let top = (((square as u64) << (spare & 63)) >> 33) as i32;
        let down = 28 + spare as i32 + Frac::U32 as i32 - 2 * sight.unit + sight.power;
        let product = mul_wide(top, sight.inverse);
        if down < 0 {
            return Fixed::from_bits(i32::MAX);
        }
        let quotient = shift_right(product, down.min(63) as u32);
        Fixed::from_bits(if quotient > i64::from(i32::MAX) {
            i32::MAX
        } else {
            quotient as i32
        })
    }

    fn variance(sight: &BlockSight<N>) -> f32 {
        power_of_two(sight.power - 2 * sight.unit) * sight.sum as f32
    }

    #[inline]
    fn correct(&mut self, sight: &BlockSight<N>, innovation: Fixed<Frac>, estimate: &mut [i64; N]) {
        self.follow(sight, innovation.to_bits(), estimate);
        if sight.power < -SHARP {
            self.lose_much(sight);
        } else {
            self.lose(sight);
        }
        if let Some(index) = sight.state.filter(|index| *index < N) {
            self.keep(index, sight);
        }
    }

    fn covariance(&self) -> [[f32; N]; N] {
        let full = &self.mantissa;
        core::array::from_fn(|i| {
            core::array::from_fn(|j| {
                full[i][j] as f32 * power_of_two(-self.exponent[i] - self.exponent[j])
            })
        })
    }

    fn is_usable(&self) -> bool {
        let limit = 1 << ONE;
        let exponents = self.exponent.iter().all(|e| e.abs() <= EXPONENTS);
        let mantissas = (0..N).all(|i| {
            (0..N).all(|j| self.mantissa[i][j].unsigned_abs() <= limit) && self.mantissa[i][i] >= 0
        });
        exponents && mantissas
    }
}

/// Up to this many bits may be missing from the innovation's variance for gains to fit in a word.
const SHARP: i32 = 3;

impl<const N: usize> BlockFloat<N> {
    /// `x ← x + P hᵀ / S · innovation`, the accumulators having a guard of 16 bits.
    #[inline(always)]
    fn follow(&self, sight: &BlockSight<N>, innovation: i32, estimate: &mut [i64; N]) {
        if innovation == 0 {
            return;
        }
        let wide = mul_wide(innovation, sight.inverse);
        // All bits that a word can have.
        let spare = (if wide < 0 { !wide } else { wide }).leading_zeros() as i32 - 1;
        let step = ((wide << (spare & 63)) >> 32) as i32;
        // ONE of the variance and 31 of its inverse, less 16 of the guard and 32 of the step.
        let down = ONE + 31 - 16 - 32 + spare + sight.power - sight.unit;
        each!(i below N => {
            let cross = sight.cross[i];
            if cross != 0 {
                let product = mul_wide(cross, step);
                let down = down + self.exponent[i];
                let moved = if down < 0 {
                    product.saturating_mul(1 << down.wrapping_neg().min(62))
                } else {
                    shift_right(product, down.min(63) as u32)
                };
                estimate[i] = add_saturating(estimate[i], moved);
            }
        });
    }

    /// `P ← P − P hᵀ h P / S`.
    #[inline(always)]
    fn lose(&mut self, sight: &BlockSight<N>) {
        // P hᵀ / S in units of 2⁻²⁹: at most the root of eight.
        let inverse = sight.inverse >> (sight.power + SHARP).clamp(0, 31);
        let gain = sight.cross.map(|x| (mul_wide(x, inverse) >> 29) as i32);
        each!(i below N => self.lose_row(i, sight.cross[i], &gain));
    }

    #[inline(always)]
    fn lose_row(&mut self, i: usize, cross: i32, gain: &[i32; N]) {
        if cross == 0 {
            return;
        }
        for j in 0..=i {
            let lost = (mul_wide(cross, gain[j]) >> 29) as i32;
            self.set(i, j, self.mantissa[i][j].wrapping_sub(lost));
        }
        self.mantissa[i][i] = self.mantissa[i][i].max(1);
    }

    /// The same where gains are larger, because what is measured is all but known.
    #[cold]
    #[inline(never)]
    fn lose_much(&mut self, sight: &BlockSight<N>) {
        let weighted = sight
            .cross
            .map(|x| (mul_wide(x, sight.inverse) >> 31) as i32);
        let down = (ONE + sight.power).clamp(0, 63) as u32;
        for i in 0..N {
            for j in 0..=i {
                let product = mul_wide(sight.cross[i], weighted[j]);
                let lost = shift_right(product, down) as i32;
                self.set(i, j, self.mantissa[i][j].wrapping_sub(lost));
            }
            self.mantissa[i][i] = self.mantissa[i][i].max(1);
        }
    }

    /// Of the covariances with a state that was measured itself, r/S is kept: by a product, since
    /// the difference would cancel where r is small.
    #[inline(always)]
    fn keep(&mut self, index: usize, sight: &BlockSight<N>) {
        let (noise, noise_power) = sight.noise.parts();
        let share = (mul_wide(noise, sight.inverse) >> 31) as i32;
        let down = ONE + noise_power + sight.power - 2 * sight.unit;
        // What is left is small: the state gets a finer exponent at once.
        let finer = if down > ONE + 9 { (down - ONE) >> 1 } else { 0 };
        let finer = finer.min(EXPONENTS - self.exponent[index]).max(0);
        let spare = (down - finer - ONE).clamp(-1, 31);
        let common = shifted(share, -spare);
        each!(i below N => {
            let kept = if i == index {
                let down = (down - 2 * finer).clamp(0, 63) as u32;
                (shift_right(mul_wide(sight.cross[i], share), down) as i32).max(1)
            } else {
                (mul_wide(sight.cross[i], common) >> ONE) as i32
            };
            self.set(i, index, kept);
        });
        self.exponent[index] += finer;
    }
}

/// 2^power, within the range of the type.
fn power_of_two(power: i32) -> f32 {
    f32::from_bits(((power + 127).clamp(1, 254) as u32) << 23)
}

impl<Frac: LeEqU32 + Send + Sync + 'static> KalmanScalar for Fixed<Frac> {
    type Uncertainty<const N: usize> = BlockFloat<N>;
}
