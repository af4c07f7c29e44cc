//! Ranges inside a cascade.

use super::{PidProof, PidRanges, Range, RangeError};
use crate::control::cascade::{Cascade, CascadeConfig};
use crate::math::{Float, Scalar};
use core::fmt;

/// What goes into a cascade, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CascadeRanges {
    /// Into the outer loop.
    pub outer: PidRanges,
    /// Into the inner loop. Its `setpoint` and `setpoint_rate` are not used: those are the outer
    /// output's.
    pub inner: PidRanges,
}

/// How far the values inside a cascade can go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CascadeProof {
    /// In the outer loop.
    pub outer: PidProof,
    /// In the inner loop.
    pub inner: PidProof,
}

/// In which loop something can saturate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CascadeRangeError {
    /// In the outer one.
    Outer(RangeError),
    /// In the inner one.
    Inner(RangeError),
}

impl fmt::Display for CascadeRangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outer(error) => write!(f, "outer loop: {error}"),
            Self::Inner(error) => write!(f, "inner loop: {error}"),
        }
    }
}

impl core::error::Error for CascadeRangeError {}

impl<P: Float> CascadeConfig<P> {
    /// Proves that nothing saturates inside a cascade over `T` at its nominal period, in automatic
    /// mode, with whatever inputs within the ranges. The inner setpoint may take any value within the
    /// outer limits, from tick to tick or, with a slew limit, no faster than that.
    ///
    /// # Errors
    ///
    /// Names the loop and the first value that can saturate in it; or as [`CascadeConfig::build`].
    pub fn prove<T: Scalar<Param = P>>(
        &self,
        ranges: &CascadeRanges,
        dt: P,
    ) -> Result<CascadeProof, CascadeRangeError> {
        let refused = |error| CascadeRangeError::Outer(RangeError::Config(error));
        let _: Cascade<T> = self.build(dt).map_err(refused)?;
        let every = f64::from(self.outer_every);
        let outer = self
            .outer
            .prove::<T>(&ranges.outer, dt * P::lit(every))
            .map_err(CascadeRangeError::Outer)?;
        // Between two of its steps the outer output stands, and moves by all of them at once.
        let slew = self.outer.slew_per_s.map(|slew| slew.to_f64() * every);
        let inner = PidRanges {
            setpoint: Range::new(
                self.outer.output_min.to_f64(),
                self.outer.output_max.to_f64(),
            ),
            setpoint_rate: slew,
            ..ranges.inner
        };
        let inner = self
            .inner
            .prove::<T>(&inner, dt)
            .map_err(CascadeRangeError::Inner)?;
        Ok(CascadeProof { outer, inner })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::pid::PidConfig;
    use crate::math::{Q8, Q12};

    fn config() -> CascadeConfig<f32> {
        CascadeConfig {
            outer: PidConfig {
                kp: 4.0,
                ki: 2.0,
                output_min: -8.0,
                output_max: 8.0,
                ..Default::default()
            },
            inner: PidConfig {
                kp: 1.5,
                ki: 20.0,
                kd: 0.01,
                output_min: -12.0,
                output_max: 12.0,
                ..Default::default()
            },
            outer_every: 5,
        }
    }
    fn ranges() -> CascadeRanges {
        CascadeRanges {
            outer: PidRanges::new(Range::within(1.0), Range::within(1.5)),
            inner: PidRanges::new(Range::default(), Range::within(20.0)),
        }
    }

    #[test]
    fn an_adversary_stays_within_the_proof() {
        let proof = config().prove::<Q12>(&ranges(), 0.002).unwrap();
        let mut cascade: Cascade<Q12> = config().build(0.002).unwrap();
        let mut seed = 7_u32;
        let mut end = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if seed >> 31 == 0 { -1.0 } else { 1.0 }
        };
        let mut top = 0.0_f64;
        for n in 0..20_000 {
            let [r, y, z] = [end(), 1.5 * end(), 20.0 * end()];
            let out = cascade.step(Q12::lit(r), Q12::lit(y), Q12::lit(z));
            let number = |x: Q12| f64::from(x.to_param());
            for (proof, out) in [(&proof.outer, &out.outer), (&proof.inner, &out.inner)] {
                assert!(proof.proportional.contains(number(out.p)), "{n} {out:?}");
                assert!(proof.integral.contains(number(out.i)), "{n} {out:?}");
                assert!(proof.derivative.contains(number(out.d)), "{n} {out:?}");
            }
            top = top.max(number(out.inner.p).abs());
        }
        assert!(top > 0.99 * proof.inner.proportional.largest(), "{top}");
    }

    #[test]
    fn names_the_loop_in_which_something_would_saturate() {
        let mut outer = config();
        outer.outer.kp = 200.0;
        assert!(matches!(
            outer.prove::<Q8>(&ranges(), 0.002),
            Err(CascadeRangeError::Outer(RangeError::Saturates {
                stage: "proportional",
                ..
            }))
        ));
        let mut inner = config();
        inner.inner.kp = 6.0;
        assert!(matches!(
            inner.prove::<Q8>(&ranges(), 0.002),
            Err(CascadeRangeError::Inner(RangeError::Saturates {
                stage: "proportional",
                ..
            }))
        ));
        // A smaller outer limit is a smaller inner setpoint.
        inner.outer.output_min = -0.5;
        inner.outer.output_max = 0.5;
        assert!(inner.prove::<Q8>(&ranges(), 0.002).is_err());
        assert!(inner.prove::<Q12>(&ranges(), 0.002).is_ok());
        let mut odd = config();
        odd.outer_every = 0;
        assert!(odd.prove::<Q12>(&ranges(), 0.002).is_err());
    }
}
