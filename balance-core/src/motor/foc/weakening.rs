//! Field weakening: faster than the bus voltage alone allows.
//!
//! When the current loop comes near the end of its voltage, a negative d current takes from the
//! magnet's flux what the speed has too much of. An integral moves it until the voltage is back
//! within its margin; the torque current gets what the total leaves.

use super::transforms::Dq;
use crate::config::{ConfigError, period, positive, within};
use crate::math::{Float, Real, Scalar};
use crate::motor::coefficient::{gain, value};

/// Settings of a [`FieldWeakening`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FieldWeakeningConfig<P = f32> {
    /// The total current stays within this, A, above zero.
    pub max_current: P,
    /// The d current goes down to minus this, A, zero to `max_current`. Zero: no weakening. What demagnetises
    /// the magnets is beyond it; and if the bridge fails at speed, the bus sees the motor's whole
    /// voltage.
    pub max_weakening: P,
    /// Share of the largest voltage at which weakening begins, 0.5 to 1. Too large: no voltage is
    /// left to control the current with. Too small: weakens without need.
    pub voltage_share: P,
    /// Rate of the d current, A/s per unit of voltage (squared, as a share of the largest), above
    /// zero. Too small: the torque sags when accelerating; too large: it oscillates.
    pub rate: P,
}

impl<P: Float> Default for FieldWeakeningConfig<P> {
    fn default() -> Self {
        Self {
            max_current: P::lit(15.0),
            max_weakening: P::lit(10.0),
            voltage_share: P::lit(0.92),
            rate: P::lit(500.0),
        }
    }
}

impl<P: Float> FieldWeakeningConfig<P> {
    /// Prepares a weakening that runs every `dt` seconds, with no d current.
    ///
    /// # Errors
    /// Names the field that is out of its range or beyond the scalar type.
    pub fn build<T: Real<Param = P>>(&self, dt: P) -> Result<FieldWeakening<T>, ConfigError> {
        let dt = period(dt)?;
        positive("max_current", self.max_current)?;
        within(
            "max_weakening",
            self.max_weakening,
            P::zero(),
            self.max_current,
        )?;
        let share = within("voltage_share", self.voltage_share, P::lit(0.5), P::one())?;
        positive("rate", self.rate)?;
        let square = self.max_current * self.max_current;
        Ok(FieldWeakening {
            max_current: value::<T>("max_current", self.max_current)?,
            max_square: value::<T>("max_current", square)?,
            lowest: -value::<T>("max_weakening", self.max_weakening)?,
            // v / (share · bus / √3), squared.
            norm: T::from_param(P::lit(3.0) / (share * share)),
            rate: gain::<T>("rate", self.rate * dt)?,
            d: T::zero().widen(),
        })
    }
}

/// Field weakening; see [`FieldWeakeningConfig`].
///
/// ```
/// use balance_core::motor::foc::{Dq, FieldWeakening, FieldWeakeningConfig};
/// let mut weakening: FieldWeakening<f32> = FieldWeakeningConfig::default().build(0.001)?;
/// // Half the voltage: nothing to weaken.
/// assert_eq!(weakening.step(5.0, Dq::new(0.0, 0.3)), Dq::new(0.0, 5.0));
/// // At the end of it the d current goes down.
/// assert!(weakening.step(5.0, Dq::new(0.0, 0.577)).d < 0.0);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FieldWeakening<T: Scalar> {
    max_current: T,
    max_square: T,
    lowest: T,
    norm: T,
    rate: T::Gain,
    d: T::Wide,
}

impl<T: Real> FieldWeakening<T> {
    /// The reference of the current loop for a wanted torque current (A) and the voltage of the
    /// last period as a share of the bus voltage.
    ///
    /// With an unusable torque current or voltage the d current stays, and the torque current is
    /// zero.
    pub fn step(&mut self, wanted: T, voltage: Dq<T>) -> Dq<T> {
        if !(wanted + voltage.d + voltage.q).is_usable() {
            return Dq::new(T::narrow(self.d), T::zero());
        }
        let used = (voltage.d * voltage.d + voltage.q * voltage.q) * self.norm;
        let left = (T::one() - used).limit(-T::one(), T::one());
        let d = T::accumulate(self.d, self.rate, left);
        let value = T::narrow(d);
        let bounded = value.limit(self.lowest, T::zero());
        self.d = if bounded == value { d } else { bounded.widen() };
        let rest = self.max_square - bounded * bounded;
        let most = if bounded == T::zero() {
            self.max_current
        } else if rest > T::zero() {
            rest.sqrt()
        } else {
            T::zero()
        };
        Dq::new(bounded, wanted.limit(-most, most))
    }

    /// No d current.
    pub fn reset(&mut self) {
        self.d = T::zero().widen();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q16;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn total_current_is_within_its_limit(
            steps in prop::collection::vec((any::<f32>(), -1.0..1.0_f32, -1.0..1.0_f32), 1..200)
        ) {
            let mut floats: FieldWeakening<f32> = FieldWeakeningConfig::default().build(1e-3).unwrap();
            let mut fixed: FieldWeakening<Q16> = FieldWeakeningConfig::default().build(1e-3).unwrap();
            for (wanted, d, q) in steps {
                let out = floats.step(wanted, Dq::new(d, q));
                prop_assert!(out.d.hypot(out.q) <= 15.0001 && (-10.0..=0.0).contains(&out.d));
                let out = fixed.step(
                    Q16::from_param(wanted),
                    Dq::new(Q16::from_param(d), Q16::from_param(q)),
                );
                prop_assert!(out.d.to_param().hypot(out.q.to_param()) <= 15.001);
            }
        }
    }

    #[test]
    fn comes_and_goes_with_the_voltage() {
        let mut weakening: FieldWeakening<f64> =
            FieldWeakeningConfig::default().build(1e-3).unwrap();
        for _ in 0..200 {
            weakening.step(15.0, Dq::new(0.0, 0.577));
        }
        let out = weakening.step(15.0, Dq::new(0.0, 0.577));
        assert_eq!(out.d, -10.0);
        assert!((out.q - 125.0_f64.sqrt()).abs() < 1e-12);
        for _ in 0..200 {
            weakening.step(15.0, Dq::new(0.0, 0.3));
        }
        assert_eq!(weakening.step(15.0, Dq::new(0.0, 0.3)), Dq::new(0.0, 15.0));
    }
}
