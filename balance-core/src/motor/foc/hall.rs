//! Electrical angle from three Hall switches, interpolated between their edges.

use crate::config::{ConfigError, finite};
use crate::math::{Float, Real, Scalar, wrap_angle};
use crate::motor::coefficient::value;
use crate::motor::encoder::{PhaseLock, PhaseLockConfig};

/// Settings of a [`HallAngle`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HallAngleConfig<P = f32> {
    /// Electrical angle at the edge where switch 1 rises in forward rotation, rad: what
    /// [`Alignment`](super::Alignment) is for. Wrong by 60°: half the torque; by 90°: none; more: backwards.
    pub offset: P,
    /// The switches come in the order 1, 3, 2 in forward rotation.
    pub reversed: bool,
    /// How the angle follows between the edges. The bandwidth has to stay below the rate of
    /// edges at the speeds at which the torque is to be smooth.
    pub lock: PhaseLockConfig<P>,
}

impl<P: Float> Default for HallAngleConfig<P> {
    fn default() -> Self {
        Self {
            offset: P::zero(),
            reversed: false,
            lock: PhaseLockConfig {
                bandwidth: P::lit(60.0),
                max_speed: P::lit(3000.0),
            },
        }
    }
}

impl<P: Float> HallAngleConfig<P> {
    /// Prepares an angle that is read every `dt` seconds.
    ///
    /// # Errors
    /// Names the field that is out of its range.
    pub fn build<T: Real<Param = P>>(&self, dt: P) -> Result<HallAngle<T>, ConfigError> {
        finite("offset", self.offset)?;
        Ok(HallAngle {
            lock: self.lock.build(dt)?,
            offset: wrap_angle(value::<T>("offset", self.offset)?),
            reversed: self.reversed,
            sector: None,
            angle: T::zero(),
            bad: 0,
        })
    }
}

/// What a [`HallAngle`] says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HallOutput<T> {
    /// Electrical angle, −π .. π.
    pub angle: T,
    /// Electrical speed, rad/s.
    pub speed: T,
    /// Readings in a row that no rotor can give (all or no switches, or a sector left out).
    pub bad_readings: u16,
}

/// Electrical angle from three Hall switches, 120° apart.
///
/// Within a sector of 60° the angle goes on at the last speed, but never past the sector's edge: the
/// error is at most a sector at standstill, and that of a constant speed vanishes. Cost: that of a
/// [`PhaseLock`], two comparisons and a table.
///
/// ```
/// use balance_core::motor::foc::{HallAngle, HallAngleConfig};
/// let mut hall: HallAngle<f32> = HallAngleConfig::default().build(1e-4)?;
/// // Switch 1 alone: 60° from its rising edge on... the middle of the sector at first.
/// assert!((hall.step(0b001).angle - 1.5708).abs() < 1e-3);
/// assert_eq!(hall.step(0b111).bad_readings, 1); // a wire is off
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HallAngle<T: Scalar> {
    lock: PhaseLock<T>,
    offset: T,
    reversed: bool,
    sector: Option<u8>,
    angle: T,
    bad: u16,
}

/// Sector of each pattern (switch 1 in bit 0) in forward rotation, beginning with the rise of
/// switch 1: 101, 001, 011, 010, 110, 100. 255: impossible.
const SECTORS: [u8; 8] = [255, 1, 3, 2, 5, 0, 4, 255];

impl<T: Real> HallAngle<T> {
    /// Advances by one period with the three switches in bits 0 to 2.
    pub fn step(&mut self, switches: u8) -> HallOutput<T> {
        let pattern = if self.reversed {
            (switches & 1) | ((switches & 2) << 1) | ((switches & 4) >> 1)
        } else {
            switches & 7
        };
        let sector = SECTORS.get(usize::from(pattern)).copied().unwrap_or(255);
        if sector > 5 {
            self.bad = self.bad.saturating_add(1);
            self.angle = self.lock.coast().angle;
            return self.output();
        }
        // The sectors' centres lie at 30°, 90°, ... from the offset.
        let sixths = T::lit(f64::from(sector) + 0.5) * (T::PI * T::lit(1.0 / 3.0));
        let centre = wrap_angle(wrap_angle(sixths) + self.offset);
        let plausible = match self.sector {
            None => {
                self.lock.reset_to(centre, T::zero());
                true
            }
            Some(last) => {
                let moved = (sector + 6 - last) % 6;
                moved <= 1 || moved == 5
            }
        };
        self.bad = if plausible {
            0
        } else {
            self.bad.saturating_add(1)
        };
        self.sector = Some(sector);
        let half = T::PI * T::lit(1.0 / 6.0);
        let lock = self.lock.step_within(centre, half);
        // A rotor that stops at once leaves the loop behind, but not its sector.
        let off = wrap_angle(lock.angle - centre);
        self.angle = if off.magnitude() <= half {
            lock.angle
        } else {
            wrap_angle(centre + off.limit(-half, half))
        };
        self.output()
    }

    /// Angle and speed now.
    pub fn output(&self) -> HallOutput<T> {
        let lock = self.lock.output();
        HallOutput {
            angle: self.angle,
            speed: lock.speed,
            bad_readings: self.bad,
        }
    }

    /// Knows nothing.
    pub fn reset(&mut self) {
        self.sector = None;
        self.angle = T::zero();
        self.bad = 0;
        self.lock.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q16;

    /// What the switches show at an electrical angle.
    fn switches(angle: f64) -> u8 {
        let sixth =
            (angle.rem_euclid(core::f64::consts::TAU) / core::f64::consts::FRAC_PI_3) as usize;
        [0b101, 0b001, 0b011, 0b010, 0b110, 0b100][sixth % 6]
    }

    fn number<T: Scalar>(x: T) -> f64 {
        x.to_param().to_f64()
    }

    #[test]
    fn constant_speed_is_followed_closer_than_a_sector() {
        fn check<T: Real>() {
            for speed in [400.0, -250.0] {
                let mut hall: HallAngle<T> = HallAngleConfig::default()
                    .build(T::Param::lit(1e-4))
                    .unwrap();
                let (mut angle, mut worst) = (0.3_f64, 0.0_f64);
                for tick in 0..10_000 {
                    angle += speed * 1e-4;
                    let out = hall.step(switches(angle));
                    if tick > 5000 {
                        worst = worst.max(wrap_angle(angle - number(out.angle)).abs());
                        assert!(
                            (number(out.speed) - speed).abs() < 0.03 * speed.abs(),
                            "{}",
                            T::NAME
                        );
                    }
                    assert_eq!(out.bad_readings, 0);
                }
                // Without interpolation 0.52.
                assert!(worst < 0.12, "{}: {worst}", T::NAME);
            }
        }
        check::<f32>();
        check::<f64>();
        check::<Q16>();
    }

    #[test]
    fn a_rotor_that_stops_is_seen_to_stop() {
        let mut hall: HallAngle<f64> = HallAngleConfig::default().build(1e-4).unwrap();
        let mut angle = 0.0_f64;
        for _ in 0..5000 {
            angle += 0.03;
            hall.step(switches(angle));
        }
        for _ in 0..5000 {
            let out = hall.step(switches(angle));
            assert!(wrap_angle(out.angle - angle).abs() < 1.1);
        }
        assert!(hall.output().speed.abs() < 1.0, "{:?}", hall.output());
    }

    #[test]
    fn impossible_patterns_and_jumps_are_counted() {
        let mut hall: HallAngle<f32> = HallAngleConfig::default().build(1e-4).unwrap();
        hall.step(0b101);
        assert_eq!(hall.step(0b000).bad_readings, 1);
        assert_eq!(hall.step(0b111).bad_readings, 2);
        assert_eq!(hall.step(0b001).bad_readings, 0);
        assert_eq!(hall.step(0b110).bad_readings, 1);
    }

    #[test]
    fn swapped_wires_are_one_setting() {
        let config = HallAngleConfig {
            reversed: true,
            ..Default::default()
        };
        let mut swapped: HallAngle<f64> = config.build(1e-4).unwrap();
        let mut right: HallAngle<f64> = HallAngleConfig::default().build(1e-4).unwrap();
        for tick in 0..1000 {
            let code = switches(0.02 * f64::from(tick));
            let other = (code & 1) | ((code & 2) << 1) | ((code & 4) >> 1);
            assert_eq!(right.step(code), swapped.step(other));
        }
    }
}
