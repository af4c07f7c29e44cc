//! Second-order sections, each scalar type in the form that serves it best.
//!
//! All sections start from the same analog prototype, made discrete by the bilinear transform
//! with the frequency pre-warped:
//!
//! > `H(s) = through + band · s / (s² + k s + 1) + low / (s² + k s + 1)`, `s = (z − 1) / (g (z + 1))`
//!
//! with `g = tan(π f dt)` and `k = 1/Q`.
//!
//! **Floats** use the trapezoidal state-variable form (A. Simper, "Linear Trapezoidal Integrated
//! SVF", 2013), with its first integrator scaled by `g`, which leaves two products for a low-pass.
//! Direct forms lose `1/(2π f dt)²` roundings at low frequencies, this one `1/(2π f dt)`: that is
//! the reason why others run such filters in `f64`.
//!
//! **Fixed point** uses direct form I: its states are past inputs and outputs, which cannot
//! overflow on the inside, and its five products meet in one 64-bit sum under one exponent. What
//! rounding takes from the output is fed back twice differenced (P. P. Vaidyanathan, "On
//! error-spectrum shaping in state-space digital filters", 1985; error spectrum `(1 − z⁻¹)²`), so
//! the rounding error stays at a few last places however low the frequency is.

use super::fixed::Fixed;
use super::scalar::{Float, Scalar};
use super::wide::{NARROW, mul_high_unsigned, mul_wide};
use core::fmt::Debug;
use fixed::types::extra::LeEqU32;

/// What a section shall do, in terms of the analog prototype of this module.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prototype<P> {
    /// `g = tan(π f dt)`: the pre-warped frequency, above zero.
    pub warped: P,
    /// `k = 1/Q`: above zero.
    pub damping: P,
    /// Which outputs are mixed.
    pub mix: Mix<P>,
}

/// The outputs of a state-variable filter and their mixtures, cheapest first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mix<P> {
    /// The low-pass output alone.
    Low,
    /// The high-pass output alone.
    High,
    /// The band-pass output times the factor.
    Band(P),
    /// The input plus the band-pass output times the factor.
    Beside(P),
    /// Input, band-pass and low-pass output, each times its factor.
    Sum(P, P, P),
}

impl<P: Float> Prototype<P> {
    /// Factors of input, band-pass and low-pass output.
    #[must_use]
    pub fn factors(&self) -> (P, P, P) {
        let (zero, one) = (P::zero(), P::one());
        match self.mix {
            Mix::Low => (zero, zero, one),
            Mix::High => (one, -self.damping, -one),
            Mix::Band(band) => (zero, band, zero),
            Mix::Beside(band) => (one, band, zero),
            Mix::Sum(through, band, low) => (through, band, low),
        }
    }

    /// `1 + g k + g²`: what the bilinear transform divides by.
    fn norm(&self) -> P {
        P::one() + self.warped * (self.damping + self.warped)
    }
}

/// A second-order section over `T`: coefficients, and how they act on a memory.
pub trait Section<T: Scalar>: Copy + Default + Debug + PartialEq + Send + Sync + 'static {
    /// The values that change from step to step.
    type Memory: Copy + Default + Debug + PartialEq + Send + Sync + 'static;

    /// Computes the coefficients; `None` if the type cannot hold them.
    fn new(prototype: &Prototype<T::Param>) -> Option<Self>;
    /// The memory and output after an endless constant `x`.
    fn settle(&self, x: T) -> (Self::Memory, T);
    /// Advances by one period; `x` must be usable. `None` for a memory at rest, which its default
    /// is: it has to [settle](Section::settle) first.
    fn step(&self, memory: &mut Self::Memory, x: T) -> Option<T>;
    /// A memory that comes from elsewhere, made fit for these coefficients; `None` if it is not
    /// usable.
    fn adopt(&self, memory: Self::Memory) -> Option<Self::Memory>;
}

/// The trapezoidal state-variable form, for floats.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StateVariable<P> {
    /// `−(1 + k/g)`: damping seen by the scaled first integrator.
    brake: P,
    /// `g² / (1 + g k + g²)`: the loop gain. Twice that but for a low-pass.
    gain: P,
    through: P,
    /// Of twice the band-pass output, as [`low`](Self::low) of twice the low-pass output.
    band: P,
    low: P,
    tap: Tap,
}

/// [`Mix`] without its factors: an integer, to be told apart at the price of one jump.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Tap {
    /// Nothing yet.
    #[default]
    Rest,
    Low,
    High,
    Band,
    Beside,
    Sum,
}

/// The two integrators of a [`StateVariable`] section.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StateVariableMemory<P> {
    /// `g` times the band-pass integrator: half the slope of the low-pass output, per period.
    slope: P,
    /// The low-pass integrator.
    level: P,
    /// That of the section; here, so that one jump tells rest as well.
    tap: Tap,
}

impl<P: Float> StateVariable<P> {
    /// Advances by one period with twice the gain; what went into the loop, and twice the band-pass
    /// output.
    #[inline(always)]
    fn advance(&self, memory: &mut StateVariableMemory<P>, x: P) -> (P, P) {
        let StateVariableMemory { slope, level, .. } = *memory;
        let error = self.error(memory, x);
        memory.slope = P::accumulate(slope, self.gain, error);
        let bands = slope.plus(memory.slope);
        memory.level = level.plus(bands);
        (error, bands)
    }

    #[inline(always)]
    fn error(&self, memory: &StateVariableMemory<P>, x: P) -> P {
        P::accumulate(x, self.brake, memory.slope).minus(memory.level)
    }
}

impl<P: Float> Section<P> for StateVariable<P> {
    type Memory = StateVariableMemory<P>;

    fn new(prototype: &Prototype<P>) -> Option<Self> {
        let (g, norm) = (prototype.warped, prototype.norm());
        let (through, band, low) = prototype.factors();
        let (through, tap) = match prototype.mix {
            Mix::Low => (through, Tap::Low),
            // The high-pass output is the loop's error before its gain.
            Mix::High => (P::one() / norm, Tap::High),
            Mix::Band(_) => (through, Tap::Band),
            Mix::Beside(_) => (through, Tap::Beside),
            Mix::Sum(..) => (through, Tap::Sum),
        };
        let gain = g * g / norm;
        Some(Self {
            brake: -(P::one() + prototype.damping / g),
            gain: if tap == Tap::Low { gain } else { gain + gain },
            through,
            band: band.halved() / g,
            low: low.halved(),
            tap,
        })
    }

    fn settle(&self, x: P) -> (Self::Memory, P) {
        let output = match self.tap {
            Tap::Low | Tap::Beside => x,
            Tap::Rest | Tap::High | Tap::Band => P::zero(),
            Tap::Sum => self.through * x + self.low * (x + x),
        };
        let memory = StateVariableMemory {
            slope: P::zero(),
            level: x,
            tap: self.tap,
        };
        (memory, output)
    }

    #[inline]
    fn step(&self, memory: &mut Self::Memory, x: P) -> Option<P> {
        match memory.tap {
            Tap::Rest => None,
            Tap::Low => {
                let StateVariableMemory { slope, level, .. } = *memory;
                let push = self.gain.times(self.error(memory, x));
                let band = slope.plus(push);
                let low = level.plus(band);
                memory.slope = band.plus(push);
                memory.level = low.plus(band);
                Some(low)
            }
            Tap::High => {
                let (error, _) = self.advance(memory, x);
                Some(self.through.times(error))
            }
            Tap::Band => {
                let (_, bands) = self.advance(memory, x);
                Some(self.band.times(bands))
            }
            Tap::Beside => {
                let (_, bands) = self.advance(memory, x);
                Some(P::accumulate(x, self.band, bands))
            }
            Tap::Sum => {
                let level = memory.level;
                let (_, bands) = self.advance(memory, x);
                let sum = P::accumulate(self.through.times(x), self.band, bands);
                Some(P::accumulate(sum, self.low, level.plus(memory.level)))
            }
        }
    }

    fn adopt(&self, memory: Self::Memory) -> Option<Self::Memory> {
        // A resonance takes the integrators beyond the largest input; from this far (NaN is not
        // within) the next step is still finite.
        let far = P::lit(1e26);
        let near = memory.slope.magnitude() <= far && memory.level.magnitude() <= far;
        let tap = match memory.tap {
            Tap::Rest => Tap::Rest,
            _ => self.tap,
        };
        near.then_some(Self::Memory { tap, ..memory })
    }
}

/// Direct form I with one exponent for all five coefficients, for fixed point.
///
/// The coefficients have up to 30 fractional bits, at most as many as keep the sum of their
/// magnitudes below 2³²: then the sum of the products fits 64 bits whatever the samples are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DirectForm {
    /// `b₀ b₁ b₂`.
    forward: [i32; 3],
    /// `−a₁ −a₂`.
    back: [i32; 2],
    /// Fractional bits of the coefficients, 16 ..= 30.
    shift: u32,
    /// `2^(32 − shift)`.
    up: u32,
    /// Answer to a constant one, in the same fractional bits.
    dc_gain: i64,
}

/// The past of a [`DirectForm`] section, newest first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DirectFormMemory {
    inputs: [i32; 2],
    outputs: [i32; 2],
    /// What rounding took from the last output, in units of the products.
    remainder: u32,
    /// Twice what it took before, less what it took before that: what the next sum starts with.
    owed: i32,
    /// That of the section; zero at rest.
    shift: u32,
}

/// The sum of the coefficients' magnitudes stays below this.
const ROOM: f32 = 4_294_967_000.0;

/// `value · 2^shift`, rounded to nearest.
fn scaled(value: f32, shift: u32) -> i64 {
    let scaled = value * (1_u64 << shift) as f32;
    (scaled + if scaled < 0.0 { -0.5 } else { 0.5 }) as i64
}

impl DirectForm {
    fn design(prototype: &Prototype<f32>) -> Option<Self> {
        let (g, k, norm) = (prototype.warped, prototype.damping, prototype.norm());
        let (through, band, low) = prototype.factors();
        // a₁ = −2 + 2 damp + stiff and a₂ = 1 − 2 damp, with both small parts known to their own
        // last place, as a₁ and a₂ would not be.
        let (damp, stiff) = (k * g / norm, 4.0 * g * g / norm);
        let (push, share) = (band * g / norm, low * stiff);
        let [b0, b1, b2, a1, a2] = coefficients(prototype);
        let sum = [b0, b1, b2, a1, a2]
            .iter()
            .fold(0.0, |sum, c| sum + c.magnitude());
        let shift = (16..=30)
            .rev()
            .find(|&shift| sum * (1_u64 << shift) as f32 <= ROOM * 0.999_99)?;
        let one = 1_i64 << shift;
        let (damp, stiff) = (scaled(damp, shift), scaled(stiff, shift));
        // Below this the natural frequency is not known to half a percent.
        if stiff < 64 {
            return None;
        }
        let (a1, a2) = (2 * damp + stiff - 2 * one, one - 2 * damp);
        let (push, share) = (scaled(push, shift), scaled(share, shift));
        let quarter = share / 4;
        let through = scaled(through, shift);
        let times = |c: i64| through.saturating_mul(c) >> shift;
        let b0 = through + push + quarter;
        let b2 = times(a2) - push + quarter;
        // The sum of the numerator is what makes the answer to a constant exact.
        let b1 = times(stiff) + share - b0 - b2;
        let narrow = |c: i64| i32::try_from(c).ok();
        Some(Self {
            forward: [narrow(b0)?, narrow(b1)?, narrow(b2)?],
            back: [narrow(-a1)?, narrow(-a2)?],
            shift,
            up: 1_u32.wrapping_shl(shift.wrapping_neg()),
            dc_gain: (b0 + b1 + b2).saturating_mul(one).checked_div(stiff)?,
        })
    }

    fn half(&self) -> u32 {
        1 << (self.shift.wrapping_sub(1) & 31)
    }

    #[inline]
    fn advance(&self, memory: &mut DirectFormMemory, x: i32) -> i32 {
        let shift = memory.shift;
        let [b0, b1, b2] = self.forward;
        let [c1, c2] = self.back;
        let [x1, x2] = memory.inputs;
        let [y1, y2] = memory.outputs;
        let sum = i64::from(memory.owed)
            .wrapping_add(mul_wide(b0, x))
            .wrapping_add(mul_wide(b1, x1))
            .wrapping_add(mul_wide(b2, x2))
            .wrapping_add(mul_wide(c1, y1))
            .wrapping_add(mul_wide(c2, y2));
        let (high, low) = ((sum >> 32) as i32, sum as u32);
        let y = high.wrapping_mul(self.up as i32);
        let y = if NARROW {
            y | low.wrapping_shr(shift) as i32
        } else {
            y.wrapping_add(mul_high_unsigned(low, self.up) as i32)
        };
        let (y, remainder) = if high.wrapping_shr(shift) == y >> 31 {
            (y, low.wrapping_sub((y as u32).wrapping_shl(shift)))
        } else if high < 0 {
            (i32::MIN, self.half())
        } else {
            (i32::MAX, self.half())
        };
        memory.inputs = [x, x1];
        memory.outputs = [y, y1];
        // Remainders are below 2³⁰.
        memory.owed = ((remainder << 1) as i32).wrapping_sub(memory.remainder as i32);
        memory.remainder = remainder;
        y
    }
}

/// `b₀ b₁ b₂ a₁ a₂`, with `a₀ = 1`, of `(b₀ + b₁ z⁻¹ + b₂ z⁻²) / (1 + a₁ z⁻¹ + a₂ z⁻²)`.
pub(crate) fn coefficients<P: Float>(prototype: &Prototype<P>) -> [P; 5] {
    let (g, k, norm) = (prototype.warped, prototype.damping, prototype.norm());
    let (through, band, low) = prototype.factors();
    let two = P::lit(2.0);
    let a1 = two * (g * g - P::one()) / norm;
    let a2 = (P::one() - g * (k - g)) / norm;
    let (push, share) = (band * g / norm, low * g * g / norm);
    [
        through + push + share,
        through * a1 + two * share,
        through * a2 - push + share,
        a1,
        a2,
    ]
}

impl<Frac: LeEqU32 + Send + Sync + 'static> Section<Fixed<Frac>> for DirectForm {
    type Memory = DirectFormMemory;

    fn new(prototype: &Prototype<f32>) -> Option<Self> {
        Self::design(prototype)
    }

    fn settle(&self, x: Fixed<Frac>) -> (Self::Memory, Fixed<Frac>) {
        let bits = x.to_bits();
        let y = i64::from(bits)
            .saturating_mul(self.dc_gain)
            .saturating_add(i64::from(self.half()))
            >> (self.shift & 63);
        let y = y.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32;
        let memory = DirectFormMemory {
            inputs: [bits; 2],
            outputs: [y; 2],
            // The floor of a step with half a unit carried along is a rounding to nearest.
            remainder: self.half(),
            owed: self.half() as i32,
            shift: self.shift,
        };
        (memory, Fixed::from_bits(y))
    }

    #[inline]
    fn step(&self, memory: &mut Self::Memory, x: Fixed<Frac>) -> Option<Fixed<Frac>> {
        if memory.shift == 0 {
            return None;
        }
        Some(Fixed::from_bits(self.advance(memory, x.to_bits())))
    }

    fn adopt(&self, memory: Self::Memory) -> Option<Self::Memory> {
        if memory.shift == 0 {
            return Some(Self::Memory::default());
        }
        // Other coefficients may have another exponent: what is kept is below one last place.
        let mask = 1_u32.wrapping_shl(self.shift).wrapping_sub(1);
        let before = (memory.remainder << 1).wrapping_sub(memory.owed as u32) & mask;
        let remainder = memory.remainder & mask;
        Some(DirectFormMemory {
            remainder,
            owed: (remainder << 1).wrapping_sub(before) as i32,
            shift: self.shift,
            ..memory
        })
    }
}
