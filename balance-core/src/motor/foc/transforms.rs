//! Between three phases, the plane of the stator, and the frame of the rotor.
//!
//! α points along phase a, β a quarter of an electrical turn ahead; d points along the magnet, q a
//! quarter ahead of it. With the electrical angle θ,
//!
//! ```text
//! Clarke   α = a                        β = (a + 2 b) / √3            (a + b + c = 0)
//! Park     d =  α cos θ + β sin θ       q = −α sin θ + β cos θ
//! ```
//!
//! The transforms without a name of their own are **amplitude-invariant**: a vector is as long as
//! the peak of a phase, and torque = 3/2 · pole pairs · flux · q. The power-invariant ones are √(3/2) of
//! that. (E. Clarke, "Circuit Analysis of A-C Power Systems", vol. 1, 1943; R. H. Park,
//! "Two-Reaction Theory of Synchronous Machines", Trans. AIEE 48(3), 1929.)

use crate::math::{Real, Scalar};

const FRAC_1_SQRT_3: f64 = 0.577_350_269_189_625_8;
const SQRT_3_2: f64 = 0.866_025_403_784_438_6;
const SQRT_2_3: f64 = 0.816_496_580_927_726;

/// A vector in the plane of the stator.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AlphaBeta<T> {
    /// Along phase a.
    pub alpha: T,
    /// A quarter of an electrical turn ahead.
    pub beta: T,
}

/// A vector in the frame of the rotor.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Dq<T> {
    /// Along the magnet: strengthens or weakens the field.
    pub d: T,
    /// A quarter of an electrical turn ahead: makes torque.
    pub q: T,
}

impl<T> Dq<T> {
    /// A vector of both parts.
    pub const fn new(d: T, q: T) -> Self {
        Self { d, q }
    }
}

/// Clarke transform of two phases whose third is minus their sum.
///
/// Two multiplications at most; fixed point: within two units in the last place and 1.3e-5 of
/// the value (`Q16`).
///
/// ```
/// use balance_core::motor::foc::clarke;
/// let ab = clarke(1.0_f64, -0.5);
/// assert!((ab.alpha - 1.0).abs() < 1e-15 && ab.beta.abs() < 1e-15);
/// ```
#[inline(always)]
#[must_use]
pub fn clarke<T: Scalar>(a: T, b: T) -> AlphaBeta<T> {
    AlphaBeta {
        alpha: a,
        beta: a.plus(b).plus(b).times(T::lit(FRAC_1_SQRT_3)),
    }
}

/// Clarke transform of three phases; what all three have in common (an offset of the
/// amplifiers, say) drops out.
#[inline(always)]
#[must_use]
pub fn clarke_three<T: Scalar>(phases: [T; 3]) -> AlphaBeta<T> {
    let [a, b, c] = phases;
    AlphaBeta {
        alpha: (a - b + a - c) * T::lit(1.0 / 3.0),
        beta: (b - c) * T::lit(FRAC_1_SQRT_3),
    }
}

/// The three phases of a vector; their sum is zero.
#[inline(always)]
#[must_use]
pub fn inverse_clarke<T: Scalar>(vector: AlphaBeta<T>) -> [T; 3] {
    let half = vector.alpha.halved();
    let side = vector.beta.times(T::lit(SQRT_3_2));
    [vector.alpha, side.minus(half), (-side).minus(half)]
}

/// Clarke transform that keeps power: `u·i` summed over three phases is `u·i` of the vectors.
///
/// ```
/// use balance_core::motor::foc::clarke_power_invariant;
/// let (u, i) = ([3.0_f64, -1.0, -2.0], [0.5, 0.25, -0.75]);
/// let power: f64 = u.iter().zip(i).map(|(u, i)| u * i).sum();
/// let (u, i) = (clarke_power_invariant(u), clarke_power_invariant(i));
/// assert!((u.alpha * i.alpha + u.beta * i.beta - power).abs() < 1e-14);
/// ```
#[inline(always)]
#[must_use]
pub fn clarke_power_invariant<T: Scalar>(phases: [T; 3]) -> AlphaBeta<T> {
    let [a, b, c] = phases;
    AlphaBeta {
        alpha: (a - b + a - c) * T::lit(SQRT_2_3 * 0.5),
        beta: (b - c) * T::lit(core::f64::consts::FRAC_1_SQRT_2),
    }
}

/// The three phases of a vector of [`clarke_power_invariant`].
#[inline(always)]
#[must_use]
pub fn inverse_clarke_power_invariant<T: Scalar>(vector: AlphaBeta<T>) -> [T; 3] {
    let half = vector.alpha * T::lit(SQRT_2_3 * 0.5);
    let side = vector.beta * T::lit(core::f64::consts::FRAC_1_SQRT_2);
    [vector.alpha * T::lit(SQRT_2_3), side - half, -side - half]
}

/// Where the rotor stands: the sine and cosine of its electrical angle, computed once for Park
/// and its inverse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rotation<T> {
    /// Sine of the electrical angle.
    pub sine: T,
    /// Cosine of the electrical angle.
    pub cosine: T,
}

impl<T: Real> Rotation<T> {
    /// Of an electrical angle in radians, wrapped or not; to 1e-6 in `f32`.
    #[inline(always)]
    #[must_use]
    pub fn of(angle: T) -> Self {
        let (sine, cosine) = angle.sin_cos_wrapped();
        Self { sine, cosine }
    }
}

impl<T: Scalar> Rotation<T> {
    /// Into the frame of the rotor (Park). Four multiplications.
    #[inline(always)]
    #[must_use]
    pub fn park(&self, vector: AlphaBeta<T>) -> Dq<T> {
        Dq {
            d: T::product_sum(vector.alpha, self.cosine, vector.beta, self.sine),
            q: T::product_difference(vector.beta, self.cosine, vector.alpha, self.sine),
        }
    }

    /// Into the plane of the stator (inverse Park). Four multiplications.
    #[inline(always)]
    #[must_use]
    pub fn inverse_park(&self, vector: Dq<T>) -> AlphaBeta<T> {
        AlphaBeta {
            alpha: T::product_difference(vector.d, self.cosine, vector.q, self.sine),
            beta: T::product_sum(vector.d, self.sine, vector.q, self.cosine),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{Float, Q16};
    use proptest::prelude::*;

    fn number<T: Scalar>(x: T) -> f64 {
        x.to_param().to_f64()
    }

    /// Phases that sum to zero, and an angle, go there and back.
    fn round_trip<T: Real>(a: f64, b: f64, angle: f64) -> f64 {
        let phases = [T::lit(a), T::lit(b), -T::lit(a) - T::lit(b)];
        let rotation = Rotation::of(T::lit(angle));
        let mut worst = 0.0_f64;
        for (there, back) in [
            (
                clarke_three as fn([T; 3]) -> AlphaBeta<T>,
                inverse_clarke as fn(AlphaBeta<T>) -> [T; 3],
            ),
            (clarke_power_invariant, inverse_clarke_power_invariant),
            (|[a, b, _]| clarke(a, b), inverse_clarke),
        ] {
            let got = back(rotation.inverse_park(rotation.park(there(phases))));
            for (got, wanted) in got.iter().zip(phases) {
                worst = worst.max((number(*got) - number(wanted)).abs());
            }
        }
        worst
    }

    proptest! {
        #[test]
        fn inverts_to_rounding(a in -50.0..50.0_f64, b in -50.0..50.0_f64, angle in -100.0..100.0_f64) {
            let size = 1.0 + a.abs() + b.abs();
            let error = round_trip::<f64>(a, b, angle);
            prop_assert!(error < 2e-15 * size, "{}", error);
            let error = round_trip::<f32>(a, b, angle);
            prop_assert!(error < 3e-6 * size, "{}", error);
            // Sine and constants are known to half of 1.5e-5.
            let error = round_trip::<Q16>(a, b, angle);
            prop_assert!(error < 6e-5 * size, "{}", error);
        }

        #[test]
        fn keeps_length(alpha in -9.0..9.0_f64, beta in -9.0..9.0_f64, angle in -9.0..9.0_f64) {
            let dq = Rotation::of(angle).park(AlphaBeta { alpha, beta });
            prop_assert!((dq.d.hypot(dq.q) - alpha.hypot(beta)).abs() < 1e-13);
        }
    }

    #[test]
    fn a_balanced_set_is_one_constant_vector() {
        for k in 0..64 {
            let angle = f64::from(k) * 0.1;
            let phase = |n: f64| 5.0 * (angle - n * core::f64::consts::TAU / 3.0).cos();
            let phases = [phase(0.0), phase(1.0), phase(2.0)];
            let dq = Rotation::of(angle).park(clarke(phases[0], phases[1]));
            assert!((dq.d - 5.0).abs() < 1e-14 && dq.q.abs() < 1e-14);
            // An offset common to all three amplifiers is not seen with three.
            let dq = Rotation::of(angle).park(clarke_three(phases.map(|i| i + 3.0)));
            assert!((dq.d - 5.0).abs() < 1e-14 && dq.q.abs() < 1e-14);
        }
    }
}
