//! Space-vector modulation: a voltage vector becomes three duties.

use super::transforms::{AlphaBeta, inverse_clarke};
use crate::math::Scalar;

/// Duties of the three half-bridges for a voltage vector given **as a fraction of the bus
/// voltage**.
///
/// ```text
/// dutyₙ = ½ + vₙ − (max v + min v) / 2,   limited to 0 ..= 1
/// ```
///
/// The common part makes this the symmetric seven-segment space-vector modulation (both zero
/// vectors for the same time), without looking for a sector. Inside the hexagon (all vectors up to
/// 1/√3 = 0.577 of the bus, and up to 2/3 at its corners) the voltages between the phases are
/// exact to rounding. **Over-modulation**: outside, the phase on top stays at 1, the one at the bottom
/// at 0, and the one between them keeps its distance from the middle until it meets a rail as
/// well; the voltage grows on from 0.577 to the 0.637 (2/π, fundamental) of six-step operation, with
/// the distortion that belongs to it.
///
/// Total: a NaN gives duty zero. Two multiplications, and one to halve.
///
/// ```
/// use balance_core::motor::foc::{AlphaBeta, space_vector_duties};
/// let [a, b, c] = space_vector_duties(AlphaBeta { alpha: 0.4_f64, beta: 0.0 });
/// assert!((a - b - 0.6).abs() < 1e-15 && (a - 0.8).abs() < 1e-15 && b == c);
/// ```
#[inline(always)]
#[must_use]
pub fn space_vector_duties<T: Scalar>(voltage: AlphaBeta<T>) -> [T; 3] {
    let mut duties = [T::zero(); 3];
    modulate(&mut duties, voltage);
    duties
}

/// The same into a place, which is where the seldom case then works.
#[inline(always)]
pub(super) fn modulate<T: Scalar>(duties: &mut [T; 3], voltage: AlphaBeta<T>) {
    let phases = inverse_clarke(voltage);
    let [a, b, c] = phases;
    let (shift, spread) = shift_and_spread(a, b, c);
    let common = shift.halved();
    *duties = phases.map(|phase| phase.plus(common));
    // A millionth less than the hexagon, so that rounding passes neither zero nor one.
    if !T::lit(1.0 - 1e-6).is_above(spread) {
        limit(duties);
    }
}

/// One more than the middle one, and how far the outer ones are apart. (The three sum to zero: minus
/// the sum of the outer two is the middle one.) Two or three comparisons, rather than a minimum and
/// a maximum of four.
#[inline(always)]
fn shift_and_spread<T: Scalar>(a: T, b: T, c: T) -> (T, T) {
    let one = T::one();
    if b.is_above(a) {
        if c.is_above(b) {
            (one.plus(b), c.minus(a))
        } else if c.is_above(a) {
            (one.plus(c), b.minus(a))
        } else {
            (one.plus(a), b.minus(c))
        }
    } else if c.is_above(a) {
        (one.plus(a), c.minus(b))
    } else if c.is_above(b) {
        (one.plus(c), a.minus(b))
    } else {
        (one.plus(b), a.minus(c))
    }
}

#[cold]
#[inline(never)]
fn limit<T: Scalar>(duties: &mut [T; 3]) {
    *duties = duties.map(duty);
}

/// Within 0 ..= 1; NaN gives zero.
fn duty<T: Scalar>(wanted: T) -> T {
    if wanted > T::zero() {
        if wanted < T::one() { wanted } else { T::one() }
    } else {
        T::zero()
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

    fn vector<T: Scalar>(length: f64, angle: f64) -> AlphaBeta<T> {
        AlphaBeta {
            alpha: T::lit(length * angle.cos()),
            beta: T::lit(length * angle.sin()),
        }
    }

    fn line_error<T: Scalar>(v: AlphaBeta<T>) -> f64 {
        let wanted = inverse_clarke(AlphaBeta {
            alpha: number(v.alpha),
            beta: number(v.beta),
        });
        let got = space_vector_duties(v).map(number);
        let line = |v: [f64; 3]| [v[0] - v[1], v[1] - v[2], v[2] - v[0]];
        line(got)
            .iter()
            .zip(line(wanted))
            .fold(0.0, |worst, (g, w)| worst.max((g - w).abs()))
    }

    proptest! {
        #[test]
        fn duties_stay_within_zero_and_one(alpha: f32, beta: f32, bits: i32, more: i32) {
            for duty in space_vector_duties(AlphaBeta { alpha, beta }) {
                prop_assert!((0.0..=1.0).contains(&duty));
            }
            let fixed = AlphaBeta { alpha: Q16::from_bits(bits), beta: Q16::from_bits(more) };
            for duty in space_vector_duties(fixed) {
                prop_assert!((0.0..=1.0).contains(&number(duty)));
            }
        }

        #[test]
        fn line_voltages_are_exact_inside_the_hexagon(
            share in 0.0..1.0_f64, angle in -3.2..3.2_f64
        ) {
            // The hexagon's edge in this direction.
            let sector = (angle + 7.0 * core::f64::consts::PI).rem_euclid(core::f64::consts::FRAC_PI_3);
            let edge = 1.0 / (3.0_f64.sqrt() * (core::f64::consts::FRAC_PI_6 - sector).cos());
            let length = 0.9999 * share * edge;
            let error = line_error::<f64>(vector(length, angle));
            prop_assert!(error < 1e-15, "{}", error);
            let error = line_error::<f32>(vector(length, angle));
            prop_assert!(error < 3e-7, "{}", error);
            let error = line_error::<Q16>(vector(length, angle));
            prop_assert!(error < 3.0 / 65536.0, "{}", error);
        }

        #[test]
        fn zero_vectors_are_shared_evenly(share in 0.0..0.577_f64, angle in -3.2..3.2_f64) {
            let duties = space_vector_duties(vector::<f64>(share, angle));
            let high = duties.iter().fold(0.0_f64, |m, d| m.max(*d));
            let low = duties.iter().fold(1.0_f64, |m, d| m.min(*d));
            prop_assert!((high + low - 1.0).abs() < 1e-15);
        }
    }

    /// The first harmonic of phase a against its neutral, as a share of the bus.
    fn fundamental(length: f64) -> f64 {
        let n = 3600;
        let mut sum = 0.0;
        for k in 0..n {
            let angle = (f64::from(k) + 0.5) * core::f64::consts::TAU / f64::from(n);
            let [a, b, c] = space_vector_duties(vector::<f64>(length, angle));
            sum += (a - (a + b + c) / 3.0) * angle.cos();
        }
        2.0 * sum / f64::from(n)
    }

    #[test]
    fn over_modulation_grows_on_to_six_step() {
        assert!((fundamental(0.577) - 0.577).abs() < 1e-9);
        let mut last = 0.577;
        for step in 1..20 {
            let now = fundamental(0.577 * 1.3_f64.powi(step));
            assert!(
                now > last && now < core::f64::consts::FRAC_2_PI,
                "{now} {last}"
            );
            last = now;
        }
        assert!((last - core::f64::consts::FRAC_2_PI).abs() < 1e-3, "{last}");
    }
}
