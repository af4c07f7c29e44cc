//! From sums of a run to constants, or to the reason why there are none.

use super::least_squares::LeastSquares;
use super::{Estimate, Identification};
use crate::math::Float;
use crate::motor::dc_motor::DcMotorConfig;

/// What voltage and angle tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpeedModel<P> {
    /// K: speed per volt beyond friction, rad/s/V.
    pub speed_per_volt: Estimate<P>,
    /// τ: seconds to 63 % of a change.
    pub time_constant: Estimate<P>,
    /// u_f: voltage that dry friction takes while turning, V. It may be zero within its deviation.
    pub friction_voltage: Estimate<P>,
    /// Largest voltage at which the shaft was seen to stay at rest, V, if it ever was: the dead band
    /// is at least that wide.
    pub dead_band: Option<P>,
    /// Share of the data that the equation explains.
    pub explained: P,
}

/// What a single step tells: friction cannot be told from gain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResponseModel<P> {
    /// Speed per volt at about the voltage of the run, friction included, rad/s/V.
    pub speed_per_volt: Estimate<P>,
    /// Seconds to 63 % of a change.
    pub time_constant: Estimate<P>,
    /// Share of the data that the equation explains.
    pub explained: P,
}

/// What the current tells in addition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MotorModel<P> {
    /// R, Ω.
    pub resistance: Estimate<P>,
    /// L, H. It is worth having only if the samples come faster than L/R: its deviation says so.
    pub inductance: Estimate<P>,
    /// ke, V·s/rad; also kt, N·m/A, for want of a torque sensor.
    pub back_emf_constant: Estimate<P>,
    /// J, kg·m².
    pub inertia: Estimate<P>,
    /// b, N·m·s/rad. It may be zero within its deviation.
    pub viscous_friction: Estimate<P>,
    /// c, N·m. It may be zero within its deviation.
    pub coulomb_torque: Estimate<P>,
}

/// Why the data cannot tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Too few moving samples.
    TooShort,
    /// The run does not tell the unknowns apart: one direction only, one voltage only, or no change
    /// of speed.
    NotExcited,
    /// The equation does not explain the data: wrong signs, a slipping wheel, a missing encoder
    /// channel.
    DoesNotFit,
    /// A constant is not known well enough, or not positive.
    Uncertain(&'static str),
}

impl<P: Float> Identification<P> {
    /// Gain, time constant and friction.
    ///
    /// # Errors
    /// Why the data so far cannot tell.
    pub fn speed_model(&self) -> Result<SpeedModel<P>, Refusal> {
        let fit = &self.speed_fit;
        self.enough(fit)?;
        let solution = fit.solve(self.independent).ok_or(Refusal::NotExcited)?;
        let [rate, drive, friction] = solution.coefficients;
        self.fits(solution.explained)?;
        let certain = |name, estimate: Estimate<P>, positive: bool| {
            if positive && estimate.is_within(self.config.max_deviation) {
                Ok(())
            } else {
                Err(Refusal::Uncertain(name))
            }
        };
        certain("time_constant", rate, rate.value < P::zero())?;
        certain("speed_per_volt", drive, drive.value > P::zero())?;
        let share = |estimate: Estimate<P>| estimate.deviation / estimate.value.magnitude();
        let time_constant = -P::one() / rate.value;
        let volts = -friction.value / drive.value;
        let found = SpeedModel {
            speed_per_volt: Estimate {
                value: drive.value * time_constant,
                deviation: drive.value * time_constant * (share(drive) + share(rate)),
            },
            time_constant: Estimate {
                value: time_constant,
                deviation: time_constant * share(rate),
            },
            friction_voltage: Estimate {
                value: if volts > P::zero() { volts } else { P::zero() },
                deviation: friction.deviation / drive.value + volts.magnitude() * share(drive),
            },
            dead_band: self.dead_band,
            explained: solution.explained,
        };
        // A friction that "pushes" beyond its uncertainty is a wrong sign somewhere.
        if volts + P::lit(3.0) * found.friction_voltage.deviation < P::zero() {
            return Err(Refusal::DoesNotFit);
        }
        Ok(found)
    }

    /// The motor's own constants, if the current was given.
    ///
    /// # Errors
    /// Why the data so far cannot tell.
    pub fn motor_model(&self) -> Result<MotorModel<P>, Refusal> {
        self.enough(&self.electrical_fit)?;
        let electrical = self
            .electrical_fit
            .solve(self.independent)
            .ok_or(Refusal::NotExcited)?;
        let mechanical = self
            .mechanical_fit
            .solve(self.independent)
            .ok_or(Refusal::NotExcited)?;
        self.fits(electrical.explained)?;
        self.fits(mechanical.explained)?;
        let [resistance, inductance, back_emf] = electrical.coefficients;
        let [inertia, viscous, coulomb] = mechanical.coefficients;
        for (name, estimate) in [
            ("resistance", resistance),
            ("back_emf_constant", back_emf),
            ("inertia", inertia),
        ] {
            let certain =
                estimate.value > P::zero() && estimate.is_within(self.config.max_deviation);
            if !certain {
                return Err(Refusal::Uncertain(name));
            }
        }
        // The mechanical equation came in amperes.
        let torque = |estimate: Estimate<P>| Estimate {
            value: estimate.value * back_emf.value,
            deviation: estimate.deviation * back_emf.value
                + estimate.value.magnitude() * back_emf.deviation,
        };
        Ok(MotorModel {
            resistance,
            inductance,
            back_emf_constant: back_emf,
            inertia: torque(inertia),
            viscous_friction: torque(viscous),
            coulomb_torque: torque(coulomb),
        })
    }

    /// Gain and time constant where the run was too simple for [`speed_model`](Self::speed_model):
    /// one step is enough. Good for about that voltage.
    ///
    /// # Errors
    /// Why the data so far cannot tell.
    pub fn response_model(&self) -> Result<ResponseModel<P>, Refusal> {
        let fit = &self.response_fit;
        self.enough(fit)?;
        let solution = fit.solve(self.independent).ok_or(Refusal::NotExcited)?;
        let [rate, drive] = solution.coefficients;
        self.fits(solution.explained)?;
        let most = self.config.max_deviation;
        if rate.value >= P::zero() || !rate.is_within(most) {
            return Err(Refusal::Uncertain("time_constant"));
        }
        if drive.value <= P::zero() || !drive.is_within(most) {
            return Err(Refusal::Uncertain("speed_per_volt"));
        }
        let time_constant = -P::one() / rate.value;
        let share = rate.deviation / rate.value.magnitude();
        Ok(ResponseModel {
            speed_per_volt: Estimate {
                value: drive.value * time_constant,
                deviation: drive.deviation * time_constant,
            },
            time_constant: Estimate {
                value: time_constant,
                deviation: time_constant * share,
            },
            explained: solution.explained,
        })
    }

    fn enough<const N: usize>(&self, fit: &LeastSquares<P, N>) -> Result<(), Refusal> {
        // Ten independent samples for each unknown.
        if fit.count() * self.independent < P::lit(10.0 * N as f64) {
            return Err(Refusal::TooShort);
        }
        Ok(())
    }

    fn fits(&self, explained: P) -> Result<(), Refusal> {
        if explained >= self.config.min_explained {
            Ok(())
        } else {
            Err(Refusal::DoesNotFit)
        }
    }
}

impl<P: Float> MotorModel<P> {
    /// The constants as a motor's, for a supply of `supply_voltage` V; friction and inductance below zero
    /// count as zero.
    #[must_use]
    pub fn to_config(&self, supply_voltage: P) -> DcMotorConfig<P> {
        let not_negative = |x: P| if x > P::zero() { x } else { P::zero() };
        let coulomb = not_negative(self.coulomb_torque.value);
        DcMotorConfig {
            resistance: self.resistance.value,
            inductance: not_negative(self.inductance.value),
            torque_constant: self.back_emf_constant.value,
            back_emf_constant: self.back_emf_constant.value,
            inertia: self.inertia.value,
            coulomb_torque: coulomb,
            breakaway_torque: coulomb,
            viscous_friction: not_negative(self.viscous_friction.value),
            supply_voltage,
        }
    }
}
