//! A robot finds its own gains, while it balances.
//!
//! 1. **Shake.** Around the gains that it stands with, a square wave of climbing frequency is added
//!    to the voltage. Its amplitude grows until the robot pitches by some degrees. Too much tilt or
//!    energy ends it at once; the old gains have never been gone.
//! 2. **Measure.** At a dozen frequencies, all signals are correlated with what shakes. That gives
//!    the gain of the loop without any model, and what the controller sees per volt.
//! 3. **Identify** the linear model from those answers, each freed of its lag. What they do not tell
//!    stays as the builder has measured it, in proportion.
//! 4. **Doubt.** A model is used only if it says that the robot stands with the gains that it does
//!    stand with, and if the loop that it predicts is the loop that was measured. Else the measured
//!    parameters are asked the same; else the old gains stay, and the report says why.
//! 5. **Design** LQRs of falling price of the voltage, and take the one that stays farthest from
//!    instability, on the model and by the measured answers: too little gain lets a robot fall, too
//!    much makes it shake.
//! 6. **Report** the margins of the old and the new gains, with every lag of the loop. Nothing has
//!    changed yet.
//! 7. **Prove.** [`Autotune::accept`] takes the new gains, without a jump, and shakes once more. The
//!    measured loop has to be the predicted one and to keep its distance; otherwise the old gains
//!    come back.

mod choice;
mod identification;
mod shaking;
#[cfg(test)]
mod tests;

use self::choice::{Judge, LEAST_DISTANCE};
use self::shaking::Shaking;
use super::config::{BalanceConfig, RobotConfig};
use super::margins::LoopLags;
use super::parameters::RobotParameters;
use super::signals::Outputs;
use super::supervisor::State;
use super::tick::Robot;
use crate::config::{ConfigError, positive, within};
use crate::control::autotune::{ExcitationConfig, Margins};
use crate::control::design::ContinuousModel;
use crate::math::{Float, Real};

/// Settings of an [`Autotune`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AutotuneConfig<P = f32> {
    /// How long to shake, s, 2 to 120; half of it again to prove the new gains. Too short: uncertain
    /// gains.
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
        }
    }
}

/// Why a robot's own model is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelDoubt {
    /// At too few frequencies does the shaking explain what the robot does: friction, play or a hand
    /// hides it.
    Hidden,
    /// The answers do not tell the model's parameters apart.
    Uncertain,
    /// The gain is less than a quarter or more than four times the measured one: either was measured
    /// wrong, or the model is not of this robot.
    Implausible,
    /// The model contradicts what was seen: by it the robot would not have stood, or its loop would
    /// have answered otherwise.
    Contradicted,
    /// No gains have enough margin on it.
    NoGains,
}

/// Why there are no new gains. The old ones stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutotuneFailure {
    /// The robot stopped balancing.
    Stopped,
    /// It tilted too far.
    Tilted,
    /// The energy was used up.
    Energy,
    /// Neither the robot's own model nor the measured one can be believed.
    NoModel(ModelDoubt),
    /// No gains keep more distance from instability than the old ones.
    NoBetter,
    /// With the new gains the loop was not what it should be: the old ones are back.
    NotProven,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AutotuneReport<P> {
    /// Why the robot's own model was not believed, and the measured one stands; `None` if it was.
    pub doubt: Option<ModelDoubt>,
    /// The model, in the units that the robot sees: its own idea of the wheel's radius.
    pub model: ContinuousModel<f64, 4, 1>,
    /// Margins of the old gains on this model; `None` if they are at the edge of instability.
    pub before: Option<Margins>,
    /// Margins of the new gains on this model.
    pub after: Margins,
    /// Smallest |1 + L| of the loop with the old gains, as measured without a model: from 0.5 on,
    /// gain margins are at least 6 dB and the phase margin 29°.
    pub distance_before: f64,
    /// The same with the new gains: predicted from the answers to the old ones, then measured.
    pub distance_after: f64,
    /// The new gains.
    pub balance: BalanceConfig<P>,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "nothing is allocated here")]
pub enum AutotuneStatus<P> {
    /// The robot does not balance yet, or not quietly.
    Waiting,
    /// It is being shaken.
    Shaking,
    /// It comes to rest, so that new gains find nothing to make a jump of.
    Resting,
    /// There are new gains for [`Autotune::accept`]; nothing has changed.
    Found(AutotuneReport<P>),
    /// It is being shaken with the new gains.
    Proving,
    /// Done: the new gains are the robot's, and proven.
    Done(AutotuneReport<P>),
    /// Over without new gains; the old ones stand.
    Failed(AutotuneFailure),
}

/// It shall stand quietly first, so long.
const SETTLING: f64 = 1.5;

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
        let model = widened(&measured.linearise()?);
        let lags = LoopLags {
            period: robot.period.to_f64(),
            sensor: self.sensor_lag.to_f64(),
            wheel: robot.chassis.speed_time_constant.to_f64(),
        };
        Ok(Autotune {
            shaking: Shaking::new(self, robot)?,
            config: *self,
            robot: *robot,
            measured: model,
            lags,
            old: robot.balance,
            now: robot.balance,
            softened: false,
            distance: 1.0,
            found: None,
            seconds: 0.0,
            status: AutotuneStatus::Waiting,
        })
    }
}

/// The tuning of a robot, which shakes it, identifies it, designs, reports, and proves what it found;
/// nothing is changed before it is asked to.
///
/// Cost: some 200 operations of `f32` a tick while it shakes, and once, at the end, those of some
/// designs: 0.1 s on a Cortex-M4 (an estimate), during which the robot has to balance in an
/// interrupt.
#[derive(Clone, Copy, Debug)]
pub struct Autotune<T: Real> {
    config: AutotuneConfig<T::Param>,
    robot: RobotConfig<T::Param>,
    measured: ContinuousModel<f64, 4, 1>,
    lags: LoopLags,
    shaking: Shaking<T>,
    /// The gains that it began with, and those that it is shaken with.
    old: BalanceConfig<T::Param>,
    now: BalanceConfig<T::Param>,
    softened: bool,
    /// Smallest |1 + L| with those that it was shaken with.
    distance: f64,
    found: Option<AutotuneReport<T::Param>>,
    seconds: f64,
    status: AutotuneStatus<T::Param>,
}

impl<T: Real> Autotune<T> {
    /// To be called after each tick of the robot, with what the tick gave. Sets the voltage that
    /// shakes the robot in the next tick, and takes it away at the end.
    pub fn step(&mut self, robot: &mut Robot<T>, outputs: &Outputs<T>) -> AutotuneStatus<T::Param> {
        let length = self.config.seconds.to_f64();
        match self.status {
            AutotuneStatus::Found(_) | AutotuneStatus::Done(_) | AutotuneStatus::Failed(_) => {}
            _ if outputs.state != State::Balancing => {
                if self.seconds > 0.0 {
                    self.fail(robot, AutotuneFailure::Stopped);
                }
            }
            AutotuneStatus::Waiting => {
                self.seconds += self.lags.period;
                if self.seconds >= SETTLING {
                    self.seconds = 0.0;
                    self.now = robot.balance_config();
                    if !self.softened {
                        self.old = self.now;
                    }
                    self.status = AutotuneStatus::Shaking;
                }
            }
            AutotuneStatus::Shaking => {
                if self.shake(robot, outputs, length) {
                    self.shaking.stop(robot);
                    self.distance = self.judge(&self.measured).distance(&self.now);
                    self.seconds = 0.0;
                    self.status = AutotuneStatus::Resting;
                }
            }
            AutotuneStatus::Resting => {
                self.seconds += self.lags.period;
                if self.seconds >= SETTLING {
                    match self.find() {
                        Ok(report) => self.status = AutotuneStatus::Found(report),
                        Err(failure) => self.fail(robot, failure),
                    }
                }
            }
            AutotuneStatus::Proving => {
                if self.shake(robot, outputs, 0.5 * length) {
                    self.prove(robot);
                }
            }
        }
        self.status
    }

    /// Takes the gains that were found, without a jump, and begins to prove them; does nothing if
    /// there are none.
    ///
    /// # Errors
    /// As [`Robot::retune_balance`]; the old gains then stay.
    pub fn accept(&mut self, robot: &mut Robot<T>) -> Result<(), ConfigError> {
        if let AutotuneStatus::Found(report) = self.status {
            robot.retune_balance(&report.balance)?;
            self.found = Some(report);
            self.shaking.begin_anew();
            self.seconds = 0.0;
            self.status = AutotuneStatus::Proving;
        }
        Ok(())
    }

    /// Whether the loop is near the edge with the gains that it was shaken with: it tilted too far, or
    /// keeps less distance from −1 than 6 dB, or trembles so much that the distance is not known.
    pub fn is_on_edge(&self) -> bool {
        self.status == AutotuneStatus::Failed(AutotuneFailure::Tilted)
            || self.distance < LEAST_DISTANCE
    }

    /// Takes three quarters of the gains that it was shaken with, and begins anew: for a robot that
    /// [is on the edge](Self::is_on_edge) with them. Should there be no new gains, those that it had
    /// at first come back.
    ///
    /// # Errors
    /// As [`Robot::retune_balance`]; the old gains then stay.
    pub fn soften(&mut self, robot: &mut Robot<T>) -> Result<(), ConfigError> {
        let softer = softer(&self.now);
        robot.retune_balance(&softer)?;
        self.softened = true;
        self.now = softer;
        self.distance = 1.0;
        self.seconds = 0.0;
        self.found = None;
        self.shaking.rest();
        self.status = AutotuneStatus::Waiting;
        Ok(())
    }

    /// A tick of shaking; whether that was enough.
    fn shake(&mut self, robot: &mut Robot<T>, outputs: &Outputs<T>, seconds: f64) -> bool {
        self.seconds += self.lags.period;
        match self.shaking.step(robot, outputs) {
            Ok(()) => self.seconds > seconds,
            Err(failure) => {
                self.fail(robot, failure);
                false
            }
        }
    }

    fn fail(&mut self, robot: &mut Robot<T>, failure: AutotuneFailure) {
        self.shaking.stop(robot);
        let changed = self.found.take().is_some() || self.softened;
        let restored = !changed || robot.retune_balance(&self.old).is_ok();
        self.status = AutotuneStatus::Failed(if restored {
            failure
        } else {
            AutotuneFailure::NotProven
        });
    }

    fn judge<'a>(&'a self, model: &'a ContinuousModel<f64, 4, 1>) -> Judge<'a, T::Param> {
        Judge {
            robot: &self.robot,
            lags: &self.lags,
            model,
            response: self.shaking.response(),
        }
    }

    /// Identifies, doubts and designs.
    fn find(&self) -> Result<AutotuneReport<T::Param>, AutotuneFailure> {
        let radius = self.robot.chassis.wheel_radius.to_f64();
        let own =
            identification::model(self.shaking.response(), &self.measured, radius, &self.lags);
        let by_own =
            own.and_then(|model| Ok((model, self.judge(&model).choose(&self.now, &self.old)?)));
        let doubt = match by_own {
            Ok((model, choice)) => return choice.report(model, None),
            Err(doubt) => doubt,
        };
        match self.judge(&self.measured).choose(&self.now, &self.old) {
            Ok(choice) => choice.report(self.measured, Some(doubt)),
            Err(_) => Err(AutotuneFailure::NoModel(doubt)),
        }
    }

    /// Keeps the new gains if the loop is what it should be.
    fn prove(&mut self, robot: &mut Robot<T>) {
        let Some(report) = self.found else {
            return;
        };
        match self.judge(&report.model).proves(&report) {
            Some(distance_after) => {
                self.shaking.stop(robot);
                self.status = AutotuneStatus::Done(AutotuneReport {
                    distance_after,
                    ..report
                });
            }
            None => self.fail(robot, AutotuneFailure::NotProven),
        }
    }
}

/// Three quarters of the volts for all that is seen.
fn softer<P: Float>(balance: &BalanceConfig<P>) -> BalanceConfig<P> {
    let share = P::lit(0.75);
    let mut balance = *balance;
    match &mut balance {
        BalanceConfig::StateFeedback(feedback) => {
            feedback.gain = feedback.gain.map(|gain| gain * share);
        }
        BalanceConfig::Cascade(cascade) => {
            cascade.back_emf *= share;
            cascade.tilt.kp *= share;
            cascade.tilt.kd *= share;
        }
    }
    balance
}

fn widened<P: Float>(model: &ContinuousModel<P, 4, 1>) -> ContinuousModel<f64, 4, 1> {
    ContinuousModel {
        a: model.a.map(Float::to_f64),
        b: model.b.map(Float::to_f64),
    }
}
