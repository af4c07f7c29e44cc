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
//!    systems", Trans. ASME 79, 1957).
//! 3. **Doubt.** Play in the gears hides the answer of strong motors: while a rotor crosses it, the
//!    voltage does nothing. A model that is uncertain, or far from what the builder has measured, is
//!    not believed; the measured one then stands, and the report says so.
//! 4. **Design** LQRs of falling price of the voltage, and take the one that stays farthest from
//!    instability: too little gain lets a robot fall, too much makes it shake, and the middle between
//!    both bears what the model does not say.
//! 5. **Report** the margins of the old and the new gains, with every lag of the loop. Nothing has
//!    changed yet: [`Robot::retune_balance`] takes the new gains, without a jump.

use super::config::{BalanceConfig, RobotConfig};
use super::design::BALANCE_WEIGHTS;
use super::margins::{LoopLags, balance_margins};
use super::parameters::RobotParameters;
use super::signals::Outputs;
use super::supervisor::State;
use super::tick::Robot;
use crate::config::{ConfigError, positive, within};
use crate::control::autotune::{Excitation, ExcitationConfig, Fit, LeastSquares, Margins};
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
}

impl<P: Float> Default for AutotuneConfig<P> {
    /// For a small robot with an MPU-6050 at 94 Hz.
    fn default() -> Self {
        Self {
            seconds: P::lit(12.0),
            max_tilt: P::lit(0.25),
            max_voltage: P::lit(6.0),
            max_energy: P::lit(400.0),
            // Higher, and the play of the gears takes its share of each half period.
            excitation: ExcitationConfig {
                high_hz: P::lit(6.0),
                ..Default::default()
            },
            sensor_lag: P::lit(0.0017),
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
    /// Whether the robot was identified; otherwise the model is the measured one.
    pub identified: bool,
    /// The model, in the units that the robot sees: its own idea of the wheel's radius.
    pub model: ContinuousModel<f64, 4, 1>,
    /// Margins of the old gains on this model.
    pub before: Margins,
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

/// Half of the width of the triangle, s.
const BLOCK: f64 = 0.02;
/// Speed of a wheel over which its friction builds up, rad/s.
const FRICTION_SPEED: f64 = 0.3;
/// Margins beyond which there is nothing to gain, dB and degrees.
const WANTED: [f64; 2] = [12.0, 45.0];
/// Prices of the voltage that are tried.
const EFFORTS: [f64; 7] = [1.0, 0.5, 0.25, 0.12, 0.08, 0.06, 0.04];
/// A model is believed if its `a₁`, `b₁` and `d₁/b₁` are so many times the measured ones.
const BELIEVED: [f64; 2] = [0.75, 1.35];
/// Least margins of gains that are reported, dB and degrees.
const LEAST: [f64; 2] = [6.0, 30.0];
/// Largest relative standard errors of `b₁` and `a₁`.
const CERTAIN: [f64; 2] = [0.03, 0.15];
/// Periods that the longest lag may have.
const MOST_LAG: usize = 8;

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
        let period = robot.period.to_f64();
        // The volts stand for a period and the sensor's samples are of its end.
        let lag = self.sensor_lag.to_f64() / period + 0.5;
        let lag = (lag + 0.5).to_counts(1.0).unsigned_abs() as usize;
        Ok(Autotune {
            excitation: self.excitation.build(robot.period)?,
            config: *self,
            robot: *robot,
            measured: widened(&measured.linearise()?),
            lag: lag.min(MOST_LAG - 1),
            block_ticks: (BLOCK / period).to_counts(1.0).unsigned_abs().max(4),
            amplitude: 0.0,
            seconds: 0.0,
            energy: 0.0,
            peak: 0.0,
            since_peak: 0.0,
            history: [[0.0; 2]; MOST_LAG],
            seen: 0,
            blocks: [Block::default(); 3],
            sums: LeastSquares::default(),
            stage: LeastSquares::default(),
            shaking: [0.0; 8],
            outcome: None,
        })
    }
}

/// Sums over some ticks.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    ticks: u32,
    /// Of pitch, volts, sign of the wheel's speed, and one.
    plain: [f64; 4],
    /// The same, weighted by a ramp from 0 to 1.
    rising: [f64; 4],
    angle: f64,
    rate: f64,
    shaking: f64,
    /// Position at its end.
    position: f64,
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
    lag: usize,
    block_ticks: u32,
    amplitude: f64,
    seconds: f64,
    energy: f64,
    peak: f64,
    since_peak: f64,
    /// Volts and wheel angle of the last ticks, the newest first.
    history: [[f64; 2]; MOST_LAG],
    seen: usize,
    /// The newest last.
    blocks: [Block; 3],
    sums: LeastSquares<5, 2>,
    /// The same equations seen by what is exact: the shaking of the last blocks, the sign of its
    /// sum, and one.
    stage: LeastSquares<10, 7>,
    /// Mean shaking of the last blocks, the newest first.
    shaking: [f64; 8],
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
        self.watch(outputs, number(robot.battery()), robot.excitation());
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
        let most = self.config.max_voltage.to_f64().min(0.5 * battery);
        self.amplitude = self.amplitude.min(most);
        self.peak = 0.0;
        self.since_peak = 0.0;
    }

    /// Takes a tick into the sums.
    fn watch(&mut self, outputs: &Outputs<T>, battery: f64, shaking: T) {
        let number = |x: T| x.to_param().to_f64();
        let radius = self.robot.chassis.wheel_radius.to_f64();
        let record = &outputs.record;
        let (pitch, rate) = (number(record.pitch), number(record.pitch_rate));
        let duty = |drive: Drive<T>| match drive {
            Drive::Duty(duty) => number(duty),
            _ => 0.0,
        };
        let volts = 0.5 * (duty(outputs.left) + duty(outputs.right)) * battery;
        let angle = number(record.position) / radius - pitch;
        self.history.rotate_right(1);
        if let Some(newest) = self.history.first_mut() {
            *newest = [volts, angle];
        }
        self.seen = self.seen.saturating_add(1);
        // A reference that is pulled along hides the way.
        let dragged =
            number(record.position).magnitude() > 0.95 * self.robot.command.position_lag.to_f64();
        if dragged || self.seen <= MOST_LAG {
            self.blocks = [Block::default(); 3];
            return;
        }
        let [volts, angle] = self.history.get(self.lag).copied().unwrap_or_default();
        let wheel = number(record.speed) / radius - rate;
        let sign = (wheel / FRICTION_SPEED).limit(-1.0, 1.0);
        let n = f64::from(self.block_ticks);
        let [_, _, block] = &mut self.blocks;
        let ramp = (f64::from(block.ticks) + 0.5) / n;
        let sums = block.plain.iter_mut().zip(&mut block.rising);
        for ((plain, rising), x) in sums.zip([pitch, volts, sign, 1.0]) {
            *plain += x;
            *rising += ramp * x;
        }
        block.angle += angle;
        block.shaking += number(shaking);
        block.rate += rate;
        block.position = radius * (angle + pitch);
        block.ticks += 1;
        if block.ticks >= self.block_ticks {
            self.close();
        }
    }

    /// Makes equations of the last blocks.
    fn close(&mut self) {
        let dt = self.robot.period.to_f64();
        let n = f64::from(self.block_ticks);
        let [before, last, now] = &self.blocks;
        self.shaking.rotate_right(1);
        if let Some(newest) = self.shaking.first_mut() {
            *newest = now.shaking / n;
        }
        if before.ticks == self.block_ticks && last.ticks == self.block_ticks {
            let mut weighted = [0.0; 4];
            for (i, weighted) in weighted.iter_mut().enumerate() {
                let at = |list: &[f64; 4]| list.get(i).copied().unwrap_or_default();
                *weighted = dt * (at(&last.rising) + at(&now.plain) - at(&now.rising));
            }
            let [pitch, volts, sign, one] = weighted;
            let wheel = (now.angle - last.angle) / n;
            let turned = (now.rate - last.rate) / n;
            let bent = now.position - 2.0 * last.position + before.position;
            let gained = bent / (n * dt);
            self.sums
                .add(&[pitch, volts, wheel, sign, one], &[turned, gained]);
            let [a, b, c, d, e, f, g, h] = self.shaking;
            // What the shaking alone would do to the speed, roughly: its sign goes with friction.
            let drift = if a + b + c + d + e + f > 0.0 {
                one
            } else {
                -one
            };
            self.stage.add(
                &[a, b, c, d, e, f, g, h, drift, one],
                &[pitch, volts, wheel, sign, one, turned, gained],
            );
        }
        self.blocks = [self.blocks[1], self.blocks[2], Block::default()];
    }

    fn found(&self, robot: &Robot<T>) -> Result<AutotuneReport<T::Param>, AutotuneFailure> {
        let identified = self.identified();
        let model = identified.unwrap_or(self.measured);
        let radius = self.robot.chassis.wheel_radius.to_f64();
        let lags = LoopLags {
            period: self.robot.period.to_f64(),
            sensor: self.config.sensor_lag.to_f64(),
            wheel: self.robot.chassis.speed_time_constant.to_f64(),
        };
        let margins_on = |balance: &BalanceConfig<T::Param>, model: &ContinuousModel<f64, 4, 1>| {
            balance_margins(balance, model, radius, &lags)
        };
        let margins = |balance: &BalanceConfig<T::Param>| margins_on(balance, &model);
        let old = robot.balance_config();
        // Damping of the pitch is back-EMF times gain of the input.
        let drag = model.a[(3, 3)] / model.b[3];
        let mut best: Option<(f64, BalanceConfig<T::Param>, Margins)> = None;
        for effort in EFFORTS {
            let lqr = LqrConfig {
                state_weight: Matrix4::from_diagonal(&Vector4::from(BALANCE_WEIGHTS)),
                input_weight: Matrix1::new(effort),
            };
            let Ok(designed) = lqr.design_sampled(&model, lags.period) else {
                continue;
            };
            let gain = designed.gain.data.0.map(|[gain]| T::Param::lit(gain));
            let Ok(balance) = self.robot.balance_of(&old, gain, T::Param::lit(drag)) else {
                continue;
            };
            let found = margins(&balance);
            let [decibels, degrees] = WANTED;
            // They shall suit the measured robot too: one of both is wrong.
            let quality = [found, margins_on(&balance, &self.measured)]
                .map(|found| {
                    let decibels = found.gain_decibels() / decibels;
                    decibels.min(found.phase_degrees() / degrees)
                })
                .into_iter()
                .fold(f64::INFINITY, f64::min);
            if best.is_none_or(|(quality_so_far, ..)| quality > quality_so_far) {
                best = Some((quality, balance, found));
            }
            if quality >= 1.0 {
                break;
            }
        }
        let (_, balance, after) = best.ok_or(AutotuneFailure::NoMargin)?;
        let [decibels, degrees] = LEAST;
        if !after.are_at_least(decibels, degrees) {
            return Err(AutotuneFailure::NoMargin);
        }
        Ok(AutotuneReport {
            identified: identified.is_some(),
            model,
            before: margins(&old),
            after,
            balance,
        })
    }

    /// The model that the data say, if it is to be believed.
    fn identified(&self) -> Option<ContinuousModel<f64, 4, 1>> {
        let Fit { value, error, .. } = self.sums.solve_by(&self.stage)?;
        let [[a1, b1, d1, ..], [a2, b2, d2, ..]] = value;
        let [[a1_error, b1_error, ..], _] = error;
        let uncertainty = [(b1_error / b1).magnitude(), (a1_error / a1).magnitude()];
        let certain = uncertainty.iter().zip(CERTAIN).all(|(u, most)| *u < most);
        let [least, most] = BELIEVED;
        let believed = |found: f64, measured: f64| {
            let ratio = found / measured;
            ratio > least && ratio < most
        };
        // Forward volts drive it forward, and fade with speed.
        let sane = b2 > 0.0 && d1 > 0.0 && d2 < 0.0;
        let drag = self.measured.a[(3, 3)] / self.measured.b[3];
        let near = believed(a1, self.measured.a[(3, 1)])
            && believed(b1, self.measured.b[3])
            && believed(-d1 / b1, drag);
        if !(certain && sane && near) {
            return None;
        }
        let radius = self.robot.chassis.wheel_radius.to_f64();
        #[rustfmt::skip]
        let a = Matrix4::new(
            0.0, 0.0, 1.0, 0.0,
            0.0, 0.0, 0.0, 1.0,
            0.0, a2, d2 / radius, -d2,
            0.0, a1, d1 / radius, -d1,
        );
        let b = Vector4::new(0.0, 0.0, b2, b1);
        Some(ContinuousModel { a, b })
    }
}

fn widened<P: Float>(model: &ContinuousModel<P, 4, 1>) -> ContinuousModel<f64, 4, 1> {
    ContinuousModel {
        a: model.a.map(Float::to_f64),
        b: model.b.map(Float::to_f64),
    }
}
