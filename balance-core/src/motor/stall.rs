//! A motor that is driven and does not turn.

use super::coefficient::value;
use crate::config::{ConfigError, period, positive, within};
use crate::math::{Float, Scalar};
use crate::step::Step;

/// Settings of a [`StallDetector`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StallConfig<P = f32> {
    /// Drive from which the motor ought to turn, above zero: volts, amperes or duty, in the unit that
    /// is given to the step. Above the dead band, or it cries wolf.
    pub drive: P,
    /// Speed below which it does not turn, rad/s, above zero.
    pub speed: P,
    /// For so long, s: longer than a start under load takes.
    pub seconds: P,
}

impl<P: Float> Default for StallConfig<P> {
    /// Half duty and no turning for 0.3 s.
    fn default() -> Self {
        Self {
            drive: P::lit(0.5),
            speed: P::lit(0.5),
            seconds: P::lit(0.3),
        }
    }
}

impl<P: Float> StallConfig<P> {
    /// Prepares a detector that is stepped every `dt` seconds.
    ///
    /// # Errors
    /// Names the field that is out of its range or beyond the scalar type.
    pub fn build<T: Scalar<Param = P>>(&self, dt: P) -> Result<StallDetector<T>, ConfigError> {
        let dt = period(dt)?;
        positive("drive", self.drive)?;
        positive("speed", self.speed)?;
        let seconds = within("seconds", self.seconds, dt, P::lit(1000.0))?;
        Ok(StallDetector {
            drive: value::<T>("drive", self.drive)?,
            speed: value::<T>("speed", self.speed)?,
            patience: (seconds / dt).to_counts(P::one()).max(1) as u32,
            count: 0,
        })
    }
}

/// Tells a motor that is driven and does not turn, or turns against its drive: |drive| above its limit and
/// speed · sgn(drive) below its own, for so long without a pause. Three comparisons and a count a step.
///
/// ```
/// use balance_core::motor::stall::{StallConfig, StallDetector};
/// let mut stall: StallDetector<f32> = StallConfig::default().build(0.01)?;
/// let ticks = (0..100).take_while(|_| !stall.step(0.9, 0.0)).count();
/// assert_eq!(ticks, 29); // 0.3 s
/// assert!(!stall.step(0.9, 3.0)); // it turns
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct StallDetector<T: Scalar> {
    drive: T,
    speed: T,
    patience: u32,
    count: u32,
}

impl<T: Scalar> StallDetector<T> {
    /// Takes drive and speed (rad/s) of a period; whether the motor is stalled. Unusable numbers
    /// change nothing.
    pub fn step(&mut self, drive: T, speed: T) -> bool {
        if drive.is_usable() & speed.is_usable() {
            let along = if drive < T::zero() { -speed } else { speed };
            let stalled = drive.magnitude() >= self.drive && along < self.speed;
            self.count = if stalled {
                self.count.saturating_add(1)
            } else {
                0
            };
        }
        self.count >= self.patience
    }

    /// Begins anew.
    pub fn reset(&mut self) {
        self.count = 0;
    }
}

impl<T: Scalar> Step for StallDetector<T> {
    type Input = (T, T);
    type Output = bool;
    type State = u32;
    fn step(&mut self, (drive, speed): (T, T)) -> bool {
        StallDetector::step(self, drive, speed)
    }
    fn state(&self) -> u32 {
        self.count
    }
    fn restore(&mut self, state: u32) {
        self.count = state;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;

    #[test]
    fn tells_driven_and_standing_from_everything_else() {
        fn check<T: Scalar>() {
            let build = || {
                StallConfig::default()
                    .build::<T>(T::Param::lit(0.01))
                    .unwrap()
            };
            for (drive, speed, stalls) in [
                (0.9, 0.0, true),
                (-0.9, 0.1, true),
                // Turned backwards against its drive.
                (0.9, -20.0, true),
                (0.9, 5.0, false),
                (-0.9, -5.0, false),
                (0.4, 0.0, false),
                (0.0, -20.0, false),
            ] {
                let mut stall = build();
                let mut said = false;
                for _ in 0..100 {
                    said = stall.step(T::lit(drive), T::lit(speed));
                }
                assert_eq!(said, stalls, "{}: {drive} {speed}", T::NAME);
            }
        }
        check::<f32>();
        check::<f64>();
        check::<Q12>();
    }

    #[test]
    fn noise_is_not_a_rotation() {
        let mut stall: StallDetector<f32> = StallConfig::default().build(0.01).unwrap();
        for _ in 0..40 {
            stall.step(0.9, f32::NAN);
            stall.step(0.9, 0.2);
        }
        assert!(stall.step(0.9, 0.2));
    }
}
