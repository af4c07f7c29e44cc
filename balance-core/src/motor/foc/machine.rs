//! The electrical constants of a permanent-magnet motor.

use crate::config::{ConfigError, positive};
use crate::math::Float;

/// What a permanent-magnet synchronous motor is to its controller.
///
/// All per phase, star connected: half of what an ohmmeter or an LCR bridge shows between two
/// terminals. Three example machines are given: values typical of their kind, not those of one
/// product; measure yours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Machine<P = f32> {
    /// Pairs of poles: half the number of magnets.
    pub pole_pairs: u16,
    /// Resistance of a phase, Ω, above zero. Too small: sluggish current; too large: overshoot.
    pub resistance: P,
    /// Inductance along the magnet, H, above zero.
    pub inductance_d: P,
    /// Inductance across it, H, above zero; the same in a motor with magnets on the surface. Too
    /// large: the current loop overshoots and may howl; too small: it is slower than asked for.
    pub inductance_q: P,
    /// Flux of the magnet through a phase, peak, Wb = V·s per electrical radian, above zero:
    /// `60 / (√3 · 2π · kv · pole_pairs)` of a motor that is sold with `kv` rpm per volt.
    pub flux: P,
}

impl<P: Float> Default for Machine<P> {
    /// [`Machine::hoverboard`].
    fn default() -> Self {
        Self::hoverboard()
    }
}

impl<P: Float> Machine<P> {
    /// A camera gimbal's motor: 11 pole pairs, many turns of thin wire, for 12 V.
    #[must_use]
    pub fn gimbal() -> Self {
        Self {
            pole_pairs: 11,
            resistance: P::lit(5.6),
            inductance_d: P::lit(2.2e-3),
            inductance_q: P::lit(2.2e-3),
            flux: P::lit(8.0e-3),
        }
    }

    /// The wheel of a hoverboard: 15 pole pairs, about 16 rpm/V, for 36 V.
    #[must_use]
    pub fn hoverboard() -> Self {
        Self {
            pole_pairs: 15,
            resistance: P::lit(0.18),
            inductance_d: P::lit(3.0e-4),
            inductance_q: P::lit(3.6e-4),
            flux: P::lit(2.3e-2),
        }
    }

    /// A racing drone's 2207 motor: 7 pole pairs, about 1900 rpm/V, for 16 V.
    #[must_use]
    pub fn drone() -> Self {
        Self {
            pole_pairs: 7,
            resistance: P::lit(0.06),
            inductance_d: P::lit(1.6e-5),
            inductance_q: P::lit(2.0e-5),
            flux: P::lit(4.1e-4),
        }
    }

    /// Torque per ampere of q current while no d current flows, N·m/A: `3/2 · pole_pairs · flux`.
    ///
    /// ```
    /// use balance_core::motor::foc::Machine;
    /// assert!((Machine::<f64>::hoverboard().torque_constant() - 0.5175).abs() < 1e-12);
    /// ```
    pub fn torque_constant(&self) -> P {
        P::lit(1.5) * self.poles() * self.flux
    }

    /// The pole pairs as a number of the float.
    pub(crate) fn poles(&self) -> P {
        P::lit(f64::from(self.pole_pairs))
    }

    /// Checks every field.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.pole_pairs == 0 {
            return Err(ConfigError::OutOfRange("pole_pairs"));
        }
        positive("resistance", self.resistance)?;
        positive("inductance_d", self.inductance_d)?;
        positive("inductance_q", self.inductance_q)?;
        positive("flux", self.flux)?;
        Ok(())
    }
}
