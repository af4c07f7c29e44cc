//! A two-phase hybrid stepper on a chopping driver.
//!
//! ```text
//! L di_a/dt = v_a − R i_a + K ω sin(z θ)        L di_b/dt = v_b − R i_b − K ω cos(z θ)
//! J dω/dt = K (i_b cos(z θ) − i_a sin(z θ)) − D sin(4 z θ) − b ω − load
//! ```
//!
//! with the rotor's teeth z: a turn of the currents moves it by one tooth, four full steps. The
//! driver gives each phase the voltage that brings its current to the wanted one, within the bus:
//! at speed that is not enough, and the torque falls until the rotor is left behind (pull-out).
//! About a step it swings with √(z · T / J) rad/s, T the torque at a right angle, and hardly
//! damped while the currents are held: resonance.
//!
//! Source: T. Kenjo, A. Sugawara, "Stepping Motors and Their Microprocessor Controls", Oxford
//! University Press, 1994, for the equations.

use crate::config::{ConfigError, non_negative, period, positive};
use crate::math::Float;

/// Constants of a [`HybridStepper`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HybridStepperConfig<P = f32> {
    /// Teeth of the rotor, above zero: 50 for 200 full steps in a turn.
    pub teeth: u16,
    /// Resistance of a phase, Ω, above zero.
    pub resistance: P,
    /// Inductance of a phase, H, above zero.
    pub inductance: P,
    /// K: torque per ampere of one phase and voltage per rad/s, above zero; the holding torque of a
    /// data sheet over √2 times its current.
    pub torque_constant: P,
    /// Peak of the torque without current, N·m.
    pub detent_torque: P,
    /// Inertia of all that turns, kg·m², above zero.
    pub inertia: P,
    /// Friction proportional to speed, N·m·s/rad.
    pub viscous_friction: P,
    /// Voltage of the driver's supply, V, above zero.
    pub bus_voltage: P,
}

impl<P: Float> Default for HybridStepperConfig<P> {
    /// A common 42 mm motor at 12 V: 1.5 Ω, 2.8 mH, 0.4 N·m at 1.7 A, 54 g·cm².
    fn default() -> Self {
        Self {
            teeth: 50,
            resistance: P::lit(1.5),
            inductance: P::lit(2.8e-3),
            torque_constant: P::lit(0.166),
            detent_torque: P::lit(0.015),
            inertia: P::lit(5.4e-6),
            viscous_friction: P::lit(1.0e-4),
            bus_voltage: P::lit(12.0),
        }
    }
}

impl<P: Float> HybridStepperConfig<P> {
    /// Prepares a motor that advances by `dt` seconds a step (20 µs or less for a small motor), at
    /// rest at zero.
    ///
    /// # Errors
    /// Names the field that is out of its range.
    pub fn build(&self, dt: P) -> Result<HybridStepper<P>, ConfigError> {
        if self.teeth == 0 {
            return Err(ConfigError::OutOfRange("teeth"));
        }
        positive("resistance", self.resistance)?;
        positive("inductance", self.inductance)?;
        positive("torque_constant", self.torque_constant)?;
        non_negative("detent_torque", self.detent_torque)?;
        positive("inertia", self.inertia)?;
        non_negative("viscous_friction", self.viscous_friction)?;
        positive("bus_voltage", self.bus_voltage)?;
        Ok(HybridStepper {
            config: *self,
            dt: period(dt)?,
            decay: (-self.resistance * dt / self.inductance).exp(),
            state: HybridStepperState::default(),
        })
    }
}

impl<P: Float> HybridStepperConfig<P> {
    fn torque(&self, s: &HybridStepperState<P>, sin: P, cos: P) -> P {
        let [a, b] = s.currents;
        // sin 4x from sin x and cos x.
        let (sin2, cos2) = (P::lit(2.0) * sin * cos, cos * cos - sin * sin);
        self.torque_constant * (b * cos - a * sin)
            - self.detent_torque * P::lit(2.0) * sin2 * cos2
            - self.viscous_friction * s.speed
    }
}

/// What a stepper does at the end of a period.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HybridStepperState<T> {
    /// Currents of both phases, A.
    pub currents: [T; 2],
    /// Speed, rad/s.
    pub speed: T,
    /// Angle within a tooth, electrical rad, −π .. π.
    pub electrical_angle: T,
    /// Whole teeth.
    pub cycles: i32,
}

/// A two-phase hybrid stepper.
///
/// ```
/// use balance_core::model::HybridStepperConfig;
/// let mut motor = HybridStepperConfig::<f64>::default().build(2e-5)?;
/// for _ in 0..50_000 {
///     motor.step([1.2, 1.2], 0.0); // both phases on: half way between them
/// }
/// let full_step = core::f64::consts::TAU / 200.0;
/// assert!((motor.angle() - full_step / 2.0).abs() < 1e-3);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HybridStepper<P> {
    config: HybridStepperConfig<P>,
    dt: P,
    decay: P,
    state: HybridStepperState<P>,
}

impl<P: Float> HybridStepper<P> {
    /// Advances by one period with the wanted currents of both phases, A, and the torque that the
    /// load takes, N·m. Unusable inputs change nothing.
    pub fn step(&mut self, wanted: [P; 2], load: P) -> HybridStepperState<P> {
        if !(wanted[0] + wanted[1] + load).is_usable() {
            return self.state;
        }
        let c = &self.config;
        let s = &mut self.state;
        let (sin, cos) = s.electrical_angle.sin_cos();
        let induced = c.torque_constant * s.speed;
        let induced = [-induced * sin, induced * cos];
        for ((current, wanted), induced) in s.currents.iter_mut().zip(wanted).zip(induced) {
            let rest = *current * self.decay;
            let per_volt = (P::one() - self.decay) / c.resistance;
            let volts = (induced + (wanted - rest) / per_volt).limit(-c.bus_voltage, c.bus_voltage);
            *current = rest + per_volt * (volts - induced);
        }
        let torque = c.torque(s, sin, cos) - load;
        s.speed += torque / c.inertia * self.dt;
        s.electrical_angle += s.speed * self.dt * P::lit(f64::from(c.teeth));
        if s.electrical_angle >= P::PI {
            s.electrical_angle -= P::TAU;
            s.cycles = s.cycles.wrapping_add(1);
        } else if s.electrical_angle < -P::PI {
            s.electrical_angle += P::TAU;
            s.cycles = s.cycles.wrapping_sub(1);
        }
        *s
    }

    /// Torque on the rotor as it stands, friction included, N·m: for one that is part of a larger
    /// body, which moves it by [`restore`](Self::restore).
    pub fn torque(&self) -> P {
        let (sin, cos) = self.state.electrical_angle.sin_cos();
        self.config.torque(&self.state, sin, cos)
    }

    /// Angle since the start, rad, with all its turns.
    pub fn angle(&self) -> P {
        let teeth = P::lit(f64::from(self.config.teeth));
        (P::lit(f64::from(self.state.cycles)) * P::TAU + self.state.electrical_angle) / teeth
    }

    /// Frequency of small swings about a step while currents of this length (A) are held, rad/s,
    /// without detent: where stepping resonates.
    pub fn natural_frequency(&self, current: P) -> P {
        let stiffness = P::lit(f64::from(self.config.teeth)) * self.config.torque_constant;
        (stiffness * current.magnitude() / self.config.inertia).sqrt()
    }

    /// The values that change.
    pub fn state(&self) -> HybridStepperState<P> {
        self.state
    }

    /// Puts a state back; an unusable one means rest.
    pub fn restore(&mut self, state: HybridStepperState<P>) {
        let sum = state.currents[0] + state.currents[1] + state.speed + state.electrical_angle;
        self.state = if sum.is_usable() {
            state
        } else {
            HybridStepperState::default()
        };
    }

    /// Back to rest at zero.
    pub fn reset(&mut self) {
        self.state = HybridStepperState::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::motor::stepper::{Step, StepGeneratorConfig};
    use core::f64::consts::TAU;

    const DT: f64 = 1e-5;

    fn smooth<P: Float>() -> HybridStepperConfig<P> {
        HybridStepperConfig {
            detent_torque: P::zero(),
            viscous_friction: P::zero(),
            ..HybridStepperConfig::default()
        }
    }

    #[test]
    fn swings_with_its_natural_frequency() {
        fn check<P: Float>() {
            let mut motor = smooth::<P>().build(P::lit(DT)).unwrap();
            motor.restore(HybridStepperState {
                currents: [P::lit(1.7), P::zero()],
                electrical_angle: P::lit(0.1),
                ..HybridStepperState::default()
            });
            // Ten passes through zero are five periods.
            let (mut passes, mut ticks, mut above) = (0, 0, true);
            while passes < 11 {
                let angle = motor
                    .step([P::lit(1.7), P::zero()], P::zero())
                    .electrical_angle;
                ticks += i32::from(passes > 0);
                if (angle > P::zero()) != above {
                    above = !above;
                    passes += 1;
                }
            }
            let found = TAU * 5.0 / (f64::from(ticks) * DT);
            let exact = (50.0_f64 * 0.166 * 1.7 / 5.4e-6).sqrt();
            assert!((found / exact - 1.0).abs() < 0.01, "{found} {exact}");
            let told = motor.natural_frequency(P::lit(1.7)).to_f64();
            assert!((told / exact - 1.0).abs() < 1e-5);
        }
        check::<f32>();
        check::<f64>();
    }

    #[test]
    fn holds_a_load_below_its_torque_and_slips_above() {
        let slipped = |load: f64| {
            let mut motor = HybridStepperConfig {
                viscous_friction: 2e-3,
                ..smooth::<f64>()
            }
            .build(DT)
            .unwrap();
            for tick in 0..100_000 {
                let ramp = (f64::from(tick) / 50_000.0).min(1.0);
                motor.step([1.7, 0.0], load * ramp);
            }
            motor.angle() * 50.0
        };
        // 0.166 · 1.7 = 0.282 N·m.
        let held = slipped(0.25);
        assert!(
            (held + (0.25_f64 / (0.166 * 1.7)).asin()).abs() < 0.02,
            "{held}"
        );
        assert!(slipped(0.30) < -TAU);
    }

    /// Full steps lost on a ramp to a rate (full steps/s), half a second at it, and back.
    fn lost(rate: f32, load: f64) -> f64 {
        let mut motor = HybridStepperConfig::<f64>::default().build(DT).unwrap();
        let mut steps = StepGeneratorConfig {
            tick_hz: 1e5,
            max_rate: 40_000.0,
            acceleration: 80_000.0,
        }
        .build()
        .unwrap();
        let mut wanted = 0_i32;
        let seconds = 2.0 * f64::from(rate) * 16.0 / 80_000.0 + 0.5;
        for tick in 0..((seconds + 0.2) / DT) as u32 {
            let time = f64::from(tick) * DT;
            let up = time < seconds / 2.0 + 0.25;
            steps.run_at(if up { rate * 16.0 } else { 0.0 });
            wanted += match steps.tick() {
                Some(Step::Forward) => 1,
                Some(Step::Back) => -1,
                None => 0,
            };
            // Sixteen microsteps in a full step, four full steps in a turn of the currents.
            let angle = f64::from(wanted) * TAU / 64.0;
            motor.step([1.7 * angle.cos(), 1.7 * angle.sin()], load);
        }
        f64::from(wanted) / 16.0 - motor.angle() * 200.0 / TAU
    }

    #[test]
    fn keeps_its_steps_below_pull_out_and_loses_them_above() {
        for (rate, load) in [(200.0, 0.2), (600.0, 0.15), (1000.0, 0.0)] {
            let off = lost(rate, load);
            assert!(off.abs() < 1.0, "{rate} {load}: {off}");
        }
        // Too much torque at any speed; and what it pulls slowly, it does not pull fast on 12 V.
        for (rate, load) in [(200.0, 0.35), (2400.0, 0.2)] {
            let off = lost(rate, load);
            assert!(off.abs() > 3.0, "{rate} {load}: {off}");
        }
    }
}
