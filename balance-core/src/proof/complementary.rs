//! Ranges inside a complementary filter.

use super::range::Larger;
use super::{Range, RangeError};
use crate::estimation::complementary::{Complementary, ComplementaryConfig};
use crate::math::{Float, Scalar};

/// What goes into a complementary filter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ComplementaryRanges {
    /// Rates, in rad/s.
    pub rate: Range,
    /// Angles from the accelerometer, in rad, within a turn of zero.
    pub accel_angle: Range,
    /// An angle comes at least once in so many steps. Default 1.
    pub accel_every: u32,
}

impl ComplementaryRanges {
    /// With an angle in every step.
    #[must_use]
    pub fn new(rate: Range, accel_angle: Range) -> Self {
        Self {
            rate,
            accel_angle,
            accel_every: 1,
        }
    }
}

/// How far the values inside a complementary filter can go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ComplementaryProof {
    /// The angle, after the rate and before the correction.
    pub angle: Range,
    /// The accelerometer's angle minus the filter's.
    pub innovation: Range,
}

impl<P: Float> ComplementaryConfig<P> {
    /// Proves that nothing saturates inside a filter over `T`, once it has seen its first angle.
    ///
    /// # Errors
    ///
    /// Names the first value that can saturate; or as [`ComplementaryConfig::build`].
    pub fn prove<T: Scalar<Param = P>>(
        &self,
        ranges: &ComplementaryRanges,
        dt: P,
    ) -> Result<ComplementaryProof, RangeError> {
        let _: Complementary<T> = self.build(dt)?;
        let rate = ranges.rate.declared::<T>("rate")?;
        let accel = ranges.accel_angle.declared::<T>("accel_angle")?;
        let turn = core::f64::consts::TAU;
        if accel.largest() > turn + 1e-3 {
            return Err(RangeError::NoRange("accel_angle"));
        }
        if ranges.accel_every == 0 {
            return Err(RangeError::NoRange("accel_every"));
        }
        let steps = f64::from(ranges.accel_every);
        let turned = rate.hull(Range::default()).times(dt.to_f64() * steps);
        // θ = (1 − k) (θ + turned) + k·accel stays where the correction balances the turning ...
        let balance = accel.plus(turned.times(self.time_constant.to_f64() / dt.to_f64()));
        // ... or, where that is further, within half a turn, at which the filter turns over.
        let seam = accel.plus(Range::within(0.5 * turn));
        let kept = Range::new(
            balance.low.larger(seam.low),
            -((-balance.high).larger(-seam.high)),
        );
        let angle = kept.plus(turned).fits::<T>("angle")?;
        let innovation = accel.minus(angle).fits::<T>("innovation")?;
        // Turning over adds a whole turn on the way.
        if innovation.largest() > 0.5 * turn {
            angle.plus(Range::within(turn)).fits_wide::<T>("angle")?;
        }
        Ok(ComplementaryProof { angle, innovation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{Fixed, Q12};
    use fixed::types::extra::U29;

    const CONFIG: ComplementaryConfig<f32> = ComplementaryConfig { time_constant: 0.5 };

    fn extreme<T: Scalar<Param = f32>>(ranges: &ComplementaryRanges) -> f64 {
        let mut filter: Complementary<T> = CONFIG.build(0.01).unwrap();
        let mut top = 0.0_f64;
        for n in 0..4000_u32 {
            let accel = (n % ranges.accel_every == 0).then(|| T::lit(ranges.accel_angle.high));
            let angle = filter.step(T::lit(ranges.rate.high), accel).angle;
            top = top.max(f64::from(angle.to_param()));
        }
        top
    }

    #[test]
    fn the_worst_input_comes_up_to_the_bound() {
        for accel_every in [1, 4] {
            let ranges = ComplementaryRanges {
                accel_every,
                ..ComplementaryRanges::new(Range::within(1.0), Range::within(0.4))
            };
            let proof = CONFIG.prove::<Q12>(&ranges, 0.01).unwrap();
            let top = extreme::<Q12>(&ranges);
            assert!(top <= proof.angle.high, "{top} {proof:?}");
            assert!(top > 0.95 * proof.angle.high, "{top} {proof:?}");
        }
    }

    #[test]
    fn a_type_of_four_radians_is_enough_for_a_slow_robot_only() {
        type Q2 = Fixed<U29>;
        let slow = ComplementaryRanges::new(Range::within(2.0), Range::within(1.0));
        let proof = CONFIG.prove::<Q2>(&slow, 0.01).unwrap();
        assert!(extreme::<Q2>(&slow) <= proof.angle.high);
        let quick = ComplementaryRanges::new(Range::within(3.5), Range::within(3.0));
        assert!(matches!(
            CONFIG.prove::<Q2>(&quick, 0.01),
            Err(RangeError::Saturates { stage: "angle", .. })
        ));
    }

    #[test]
    fn turning_over_bounds_a_fast_spin() {
        let spin = ComplementaryRanges::new(Range::within(40.0), Range::within(3.15));
        let proof = CONFIG.prove::<Q12>(&spin, 0.01).unwrap();
        let mut filter: Complementary<Q12> = CONFIG.build(0.01).unwrap();
        for n in 0..2000 {
            let accel = if n / 7 % 2 == 0 { 3.1 } else { -3.1 };
            let angle = filter.step(Q12::lit(40.0), Some(Q12::lit(accel))).angle;
            assert!(proof.angle.contains(f64::from(angle.to_param())));
        }
    }
}
