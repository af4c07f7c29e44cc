//! From a wanted angle to a speed from which the motor can still stop.

use crate::config::{ConfigError, positive};
use crate::math::{Float, Real, Scalar};
use crate::motor::coefficient::{gain, value};

/// Settings of a [`PositionLoop`].
///
/// ```text
/// near     v = bandwidth · e
/// far      v = √(2 · acceleration · (e − e₀/2)),  e₀ = acceleration / bandwidth²
/// ```
///
/// The two meet with the same value and slope, so the deceleration never exceeds the wanted one
/// and the target is reached without overshoot, however far away it starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PositionLoopConfig<P = f32> {
    /// Bandwidth close to the target, 1/s, above zero; a quarter of the speed loop's at most.
    pub bandwidth: P,
    /// Largest speed, rad/s, above zero.
    pub max_speed: P,
    /// Deceleration toward the target, rad/s², above zero: less than the motor can do.
    pub deceleration: P,
}

impl<P: Float> Default for PositionLoopConfig<P> {
    fn default() -> Self {
        Self {
            bandwidth: P::lit(5.0),
            max_speed: P::lit(20.0),
            deceleration: P::lit(100.0),
        }
    }
}

impl<P: Float> PositionLoopConfig<P> {
    /// Prepares the loop. It has no dynamics, hence no period.
    ///
    /// # Errors
    /// Names the field that is out of its range or beyond the scalar type.
    pub fn build<T: Real<Param = P>>(&self) -> Result<PositionLoop<T>, ConfigError> {
        let (k, a) = (self.bandwidth, self.deceleration);
        positive("bandwidth", k)?;
        positive("deceleration", a)?;
        positive("max_speed", self.max_speed)?;
        Ok(PositionLoop {
            bandwidth: gain::<T>("bandwidth", k)?,
            near: value::<T>("deceleration", a / (k * k))?,
            half_near: value::<T>("deceleration", P::lit(0.5) * a / (k * k))?,
            twice: gain::<T>("deceleration", P::lit(2.0) * a)?,
            max_speed: value::<T>("max_speed", self.max_speed)?,
            last: T::zero(),
        })
    }
}

/// From a wanted angle to a speed; see [`PositionLoopConfig`].
///
/// ```
/// use balance_core::motor::foc::{PositionLoop, PositionLoopConfig};
/// let mut position: PositionLoop<f32> = PositionLoopConfig::default().build()?;
/// assert_eq!(position.step(0.1, 0.0, 0.0), 0.5); // 5 /s · 0.1 rad
/// assert_eq!(position.step(100.0, 0.0, 0.0), 20.0);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PositionLoop<T: Scalar> {
    bandwidth: T::Gain,
    near: T,
    half_near: T,
    twice: T::Gain,
    max_speed: T,
    last: T,
}

impl<T: Real> PositionLoop<T> {
    /// The speed (rad/s) with which to go from `position` to `target` (rad), plus the speed with
    /// which the target itself moves (rad/s; zero if it stands).
    ///
    /// With an unusable input the last speed stands. A root only when far.
    pub fn step(&mut self, target: T, position: T, target_speed: T) -> T {
        if !(target + position + target_speed).is_usable() {
            return self.last;
        }
        let error = target - position;
        let size = error.magnitude();
        let speed = if size <= self.near {
            error.scale(self.bandwidth)
        } else {
            let fast = (size - self.half_near).scale(self.twice).sqrt();
            if error < T::zero() { -fast } else { fast }
        };
        self.last = (speed + target_speed).limit(-self.max_speed, self.max_speed);
        self.last
    }

    /// Forgets the last speed: until a usable input comes, it is zero.
    pub fn reset(&mut self) {
        self.last = T::zero();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;

    #[test]
    fn far_targets_are_reached_without_overshoot_or_hard_braking() {
        fn check<T: Real>() {
            let mut control: PositionLoop<T> = PositionLoopConfig::default().build().unwrap();
            for target in [0.5_f64, 3.0, -40.0] {
                let (mut x, mut v) = (0.0_f64, 0.0_f64);
                for _ in 0..6000 {
                    let wanted = control.step(T::lit(target), T::lit(x), T::zero());
                    let wanted = wanted.to_param().to_f64();
                    // A speed loop of 100 rad/s.
                    let a = 100.0 * (wanted - v);
                    // It brakes with no more than was asked for and 1 % of the lag.
                    assert!(a * target.signum() > -110.0, "{a}");
                    v += 1e-3 * a.clamp(-500.0, 500.0);
                    x += 1e-3 * v;
                    assert!(
                        x * target.signum() < target.abs() + 2e-3,
                        "{}: {x}",
                        T::NAME
                    );
                }
                assert!((x - target).abs() < 1e-3, "{}: {x}", T::NAME);
            }
        }
        check::<f32>();
        check::<f64>();
        check::<Q12>();
    }

    #[test]
    fn the_two_parts_join_smoothly() {
        let config = PositionLoopConfig {
            max_speed: 100.0,
            ..Default::default()
        };
        let mut control: PositionLoop<f64> = config.build().unwrap();
        let mut at = |x: f64| control.step(x, 0.0, 0.0);
        // e₀ = 4.
        assert!((at(4.0 - 1e-6) - at(4.0 + 1e-6)).abs() < 1.1e-5);
        assert!(((at(4.001) - at(4.0)) / 1e-3 - 5.0).abs() < 0.01);
        assert_eq!(at(-1.0), -5.0);
        assert_eq!(at(f64::NAN), -5.0);
        control.reset();
        assert_eq!(control.step(f64::NAN, 0.0, 0.0), 0.0);
    }
}
