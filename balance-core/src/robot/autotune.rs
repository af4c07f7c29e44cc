//! A robot finds its own gains, while it balances.
//!
//! 1. **Shake.** Around the gains that it stands with, a square wave of climbing frequency is added
//!    to the voltage. Its amplitude grows until the robot pitches by some degrees. Too much tilt or
//!    energy ends it at once; the old gains have never been gone.
//! 2. **Identify.** Least squares for both accelerations of the linear model,
//!
//!    ```text
//!    θ̈ = a₁ θ + b₁ u + d₁ φ̇ + f₁ sgn φ̇ + c₁        φ: wheel against body
//!    v̇ = a₂ θ + b₂ u + d₂ φ̇ + f₂ sgn φ̇ + c₂        u: volts that really were on the motors
//!    ```
//!
//!    in a form without derivatives: each equation is weighted by a triangle of 40 ms and integrated
//!    by parts, so that it holds sums of pitch rate, position and angle only, and noise and encoder
//!    counts average out (modulating functions: M. Shinbrot, "On the analysis of linear and nonlinear
//!    systems", Trans. ASME 79, 1957). While a rotor crosses the play of its gear, the voltage does
//!    nothing: only those equations count through which a slow rotor would have pressed on its wheel.
//! 3. **Doubt.** What the data do not tell stays as measured, in proportion. A model whose gain is
//!    uncertain, or whose gain or drag is beyond what a builder may be wrong by, is not believed at
//!    all; the measured one then stands, and the report says why.
//! 4. **Design** LQRs of falling price of the voltage, and take the one that stays farthest from
//!    instability and is stable on the measured model too: too little gain lets a robot fall, too
//!    much makes it shake, and the middle between both bears what the models do not say.
//! 5. **Report** the margins of the old and the new gains, with every lag of the loop. Nothing has
//!    changed yet: [`Robot::retune_balance`] takes the new gains, without a jump.

mod gear_play;
mod observation;
#[cfg(test)]
mod tests;

pub use self::observation::ModelDoubt;

use self::observation::{Observation, Seen};
use super::config::{BalanceConfig, RobotConfig};
use super::design::BALANCE_WEIGHTS;
use super::margins::{LoopLags, balance_margins};
use super::parameters::RobotParameters;
use super::signals::Outputs;
use super::supervisor::State;
use super::tick::Robot;
use crate::config::{ConfigError, positive, within};
use crate::control::autotune::{Excitation, ExcitationConfig, Margins};
use crate::control::design::{ContinuousModel, LqrConfig};
use crate::math::{Float, Real, Scalar};
use crate::motor::Drive;
use nalgebra::{Matrix1, Matrix4, Vector4};

/// Settings of an [`Autotune`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AutotuneConfig<P = f32> {
    /// How long to shake, s, 2 to 120. Too short: uncertain gains.
    pub seconds: P,
    /// Tilt at which the shaking stops, rad, 0.05 to 0.5; it aims at 0.3 to 0.5 of it.
    pub max_tilt: P,
    /// Largest voltage of the shaking, V, above zero.
    pub max_voltage: P,
    /// Energy of the shaking, ∫ u² dt in V²·s, at which it stops.
    pub max_energy: P,
    /// What shakes.
    pub excitation: ExcitationConfig<P>,
    /// Time constant of the inertial sensor's own low-pass, s. Wrong by 1 ms: gains off by some
    /// percent.
    pub sensor_lag: P,
    /// Time in which one volt takes a rotor across the play of its gear, s, 0.001 to 0.1. Too small:
    /// the gain is found too small. Too large: few moments are left to learn from.
    pub play_crossing: P,
}

impl<P: Float> Default for AutotuneConfig<P> {
    /// For a small robot with an MPU-6050 at 94 Hz.
    fn default() -> Self {
        Self {
            seconds: P::lit(12.0),
            max_tilt: P::lit(0.35),
            max_voltage: P::lit(6.0),
            max_energy: P::lit(600.0),
            // Lower, and the same tilt leaves less voltage to tell friction and play from.
            excitation: ExcitationConfig {
                low_hz: P::lit(2.0),
                high_hz: P::lit(12.0),
                ..Default::default()
            },
            sensor_lag: P::lit(0.0017),
            play_crossing: P::lit(0.03),
        }
    }
}

/// Why there are no new gains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutotuneFailure {
    /// The robot stopped balancing.
    Stopped,
    /// It tilted too far.
    Tilted,
    /// The energy was used up.
    Energy,
    /// The measured parameters are not those of a robot.
    Parameters,
    /// No gains have enough margin.
    NoMargin,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AutotuneReport<P> {
    /// Why the robot's own model was not believed, and the measured one stands; `None` if it was.
    pub doubt: Option<ModelDoubt>,
    /// The model, in the units that the robot sees: its own idea of the wheel's radius.
    pub model: ContinuousModel<f64, 4, 1>,
    /// Margins of the old gains on this model; `None` if it would not stand with them.
    pub before: Option<Margins>,
    /// Margins of the new gains on this model.
    pub after: Margins,
    /// The new gains, for [`Robot::retune_balance`].
    pub balance: BalanceConfig<P>,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "nothing is allocated here")]
pub enum AutotuneStatus<P> {
    /// The robot does not balance yet.
    Waiting,
    /// It is being shaken.
    Shaking,
    /// Done: there are new gains.
    Done(AutotuneReport<P>),
    /// Over without new gains; the old ones stand.
    Failed(AutotuneFailure),
}

/// Margins beyond which there is nothing to gain: of a gain that rises and one that falls, dB, and of
/// the phase, degrees. A motor that is stronger than believed turns a lighter robot faster too, and
/// leaves less time for the lags: up needs more room than down.
const WANTED: [f64; 3] = [18.0, 12.0, 55.0];
/// Prices of the voltage that are tried.
const EFFORTS: [f64; 7] = [1.0, 0.5, 0.25, 0.12, 0.08, 0.06, 0.04];
/// Least margins of gains that are reported, dB and degrees.
const LEAST: [f64; 2] = [6.0, 30.0];
impl<P: Float> AutotuneConfig<P> {
    /// Prepares the tuning of a robot with this configuration and these measured parameters.
    ///
    /// # Errors
    /// Names the field that is out of its range.
    pub fn build<T: Real<Param = P>>(
        &self,
        robot: &RobotConfig<P>,
        measured: &RobotParameters<P>,
    ) -> Result<Autotune<T>, ConfigError> {
        within("seconds", self.seconds, P::lit(2.0), P::lit(120.0))?;
        within("max_tilt", self.max_tilt, P::lit(0.05), P::lit(0.5))?;
        positive("max_voltage", self.max_voltage)?;
        positive("max_energy", self.max_energy)?;
        within("sensor_lag", self.sensor_lag, P::zero(), P::lit(0.02))?;
        let crossing = within(
            "play_crossing",
            self.play_crossing,
            P::lit(0.001),
            P::lit(0.1),
        )?;
        let model = widened(&measured.linearise()?);
        let motor = &measured.motor;
        let friction = motor.coulomb_torque * motor.resistance / motor.torque_constant;
        Ok(Autotune {
            excitation: self.excitation.build(robot.period)?,
            config: *self,
            robot: *robot,
            observation: Observation::new(
                model,
                robot.chassis.wheel_radius.to_f64(),
                robot.period.to_f64(),
                self.sensor_lag.to_f64(),
                crossing.to_f64(),
                friction.to_f64(),
            ),
            measured: model,
            amplitude: 0.0,
            seconds: 0.0,
            energy: 0.0,
            peak: 0.0,
            since_peak: 0.0,
            outcome: None,
        })
    }
}

/// The tuning of a robot, which shakes it, identifies it, designs and reports; nothing is changed before it is asked to.
///
/// Cost: some 60 operations of `f64` a tick while it shakes, and once, at the end, those of some
/// designs: 0.1 s on a Cortex-M4 (an estimate), during which the robot has to balance in an
/// interrupt.
#[derive(Clone, Copy, Debug)]
pub struct Autotune<T: Real> {
    config: AutotuneConfig<T::Param>,
    robot: RobotConfig<T::Param>,
    measured: ContinuousModel<f64, 4, 1>,
    excitation: Excitation<T>,
    observation: Observation,
    amplitude: f64,
    seconds: f64,
    energy: f64,
    peak: f64,
    since_peak: f64,
    outcome: Option<Result<AutotuneReport<T::Param>, AutotuneFailure>>,
}

impl<T: Real> Autotune<T> {
    /// To be called after each tick of the robot, with what the tick gave. Sets the voltage that
    /// shakes the robot in the next tick, and takes it away at the end.
    pub fn step(&mut self, robot: &mut Robot<T>, outputs: &Outputs<T>) -> AutotuneStatus<T::Param> {
        match self.outcome {
            Some(Err(failure)) => return AutotuneStatus::Failed(failure),
            Some(Ok(report)) => return AutotuneStatus::Done(report),
            None => {}
        }
        if outputs.state != State::Balancing {
            if self.seconds > 0.0 {
                return self.end(robot, Err(AutotuneFailure::Stopped));
            }
            return AutotuneStatus::Waiting;
        }
        let dt = self.robot.period.to_f64();
        self.seconds += dt;
        // It shall stand quietly first.
        if self.seconds < 1.5 {
            return AutotuneStatus::Waiting;
        }
        let number = |x: T| x.to_param().to_f64();
        let pitch = number(outputs.record.pitch);
        let limit = self.config.max_tilt.to_f64();
        if pitch.magnitude() > limit {
            return self.end(robot, Err(AutotuneFailure::Tilted));
        }
        self.energy += self.amplitude * self.amplitude * dt;
        if self.energy > self.config.max_energy.to_f64() {
            return self.end(robot, Err(AutotuneFailure::Energy));
        }
        self.watch(outputs, number(robot.battery()));
        self.adapt(pitch, limit, dt, number(robot.battery()));
        if self.seconds > 1.5 + self.config.seconds.to_f64() {
            return self.end(robot, Ok(()));
        }
        let volts = self.excitation.step(T::lit(self.amplitude));
        robot.set_excitation(volts);
        AutotuneStatus::Shaking
    }

    fn end(
        &mut self,
        robot: &mut Robot<T>,
        ended: Result<(), AutotuneFailure>,
    ) -> AutotuneStatus<T::Param> {
        robot.set_excitation(T::zero());
        let outcome = ended.and_then(|()| self.found(robot));
        self.outcome = Some(outcome);
        match outcome {
            Ok(report) => AutotuneStatus::Done(report),
            Err(failure) => AutotuneStatus::Failed(failure),
        }
    }

    /// Makes the robot pitch by about half of what it may.
    fn adapt(&mut self, pitch: f64, limit: f64, dt: f64, battery: f64) {
        self.peak = self.peak.max(pitch.magnitude());
        self.since_peak += dt;
        if self.amplitude == 0.0 {
            self.amplitude = 0.06 * battery;
        } else if self.since_peak < 0.3 {
            return;
        } else if self.peak > 0.5 * limit {
            self.amplitude *= 0.8;
        } else if self.peak < 0.3 * limit {
            self.amplitude *= 1.15;
        }
        let most = self.config.max_voltage.to_f64().min(0.6 * battery);
        self.amplitude = self.amplitude.min(most);
        self.peak = 0.0;
        self.since_peak = 0.0;
    }

    /// Shows a tick to the observation.
    fn watch(&mut self, outputs: &Outputs<T>, battery: f64) {
        let number = |x: T| x.to_param().to_f64();
        let radius = self.robot.chassis.wheel_radius.to_f64();
        let record = &outputs.record;
        let position = number(record.position);
        // A reference that is pulled along hides the way.
        if position.magnitude() > 0.95 * self.robot.command.position_lag.to_f64() {
            self.observation.interrupt();
            return;
        }
        let duty = |drive: Drive<T>| match drive {
            Drive::Duty(duty) => number(duty),
            _ => 0.0,
        };
        let (pitch, rate) = (number(record.pitch), number(record.pitch_rate));
        self.observation.take(&Seen {
            pitch,
            rate,
            angle: position / radius - pitch,
            wheel: number(record.speed) / radius - rate,
            volts: 0.5 * (duty(outputs.left) + duty(outputs.right)) * battery,
        });
    }

    fn found(&self, robot: &Robot<T>) -> Result<AutotuneReport<T::Param>, AutotuneFailure> {
        let old = robot.balance_config();
        let (own, mut doubt) = match self.observation.model() {
            Ok(model) => (Some(model), None),
            Err(doubt) => (None, Some(doubt)),
        };
        let chosen = own.and_then(|model| Some((model, self.choose(&old, &model)?)));
        if own.is_some() && chosen.is_none() {
            doubt = Some(ModelDoubt::NoGains);
        }
        let on_measured = || Some((self.measured, self.choose(&old, &self.measured)?));
        let (model, (balance, after)) = chosen
            .or_else(on_measured)
            .ok_or(AutotuneFailure::NoMargin)?;
        Ok(AutotuneReport {
            doubt,
            model,
            before: self.margins(&old, &model),
            after,
            balance,
        })
    }

    fn margins(
        &self,
        balance: &BalanceConfig<T::Param>,
        model: &ContinuousModel<f64, 4, 1>,
    ) -> Option<Margins> {
        let lags = LoopLags {
            period: self.robot.period.to_f64(),
            sensor: self.config.sensor_lag.to_f64(),
            wheel: self.robot.chassis.speed_time_constant.to_f64(),
        };
        let radius = self.robot.chassis.wheel_radius.to_f64();
        balance_margins(balance, model, radius, &lags)
    }

    /// The gains that stay farthest from instability on this model, if that is far enough.
    fn choose(
        &self,
        old: &BalanceConfig<T::Param>,
        model: &ContinuousModel<f64, 4, 1>,
    ) -> Option<(BalanceConfig<T::Param>, Margins)> {
        // Damping of the pitch is back-EMF times gain of the input.
        let drag = model.a[(3, 3)] / model.b[3];
        let mut best: Option<(f64, BalanceConfig<T::Param>, Margins)> = None;
        for effort in EFFORTS {
            let lqr = LqrConfig {
                state_weight: Matrix4::from_diagonal(&Vector4::from(BALANCE_WEIGHTS)),
                input_weight: Matrix1::new(effort),
            };
            let Ok(designed) = lqr.design_sampled(model, self.robot.period.to_f64()) else {
                continue;
            };
            let gain = designed.gain.data.0.map(|[gain]| T::Param::lit(gain));
            let Ok(balance) = self.robot.balance_of(old, gain, T::Param::lit(drag)) else {
                continue;
            };
            // They shall suit the measured robot too, should this model be wrong.
            let both = (
                self.margins(&balance, model),
                self.margins(&balance, &self.measured),
            );
            let (Some(found), Some(on_measured)) = both else {
                continue;
            };
            let quality = quality(&found).min(quality(&on_measured));
            if best.is_none_or(|(quality_so_far, ..)| quality > quality_so_far) {
                best = Some((quality, balance, found));
            }
            if quality >= 1.0 {
                break;
            }
        }
        let [decibels, degrees] = LEAST;
        best.map(|(_, balance, found)| (balance, found))
            .filter(|(_, found)| found.are_at_least(decibels, degrees))
    }
}

/// Share of what is wanted of margins.
fn quality(found: &Margins) -> f64 {
    let [rise, fall, phase] = WANTED;
    (found.rise_decibels() / rise)
        .min(found.fall_decibels() / fall)
        .min(found.phase_degrees() / phase)
}

fn widened<P: Float>(model: &ContinuousModel<P, 4, 1>) -> ContinuousModel<f64, 4, 1> {
    ContinuousModel {
        a: model.a.map(Float::to_f64),
        b: model.b.map(Float::to_f64),
    }
}
