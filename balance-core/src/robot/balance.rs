//! From estimates and a command to volts: the balance controllers behind one door.

use super::config::{BalanceConfig, CascadeConfig, CommandLimits};
use crate::config::{ConfigError, finite};
use crate::control::cascade::{Cascade, CascadeConfig as LoopsConfig, CascadeInput};
use crate::control::pid::PidInput;
use crate::control::state_feedback::{StateFeedback, StateFeedbackConfig, StateFeedbackInput};
use crate::math::Scalar;

/// What the robot is doing, as far as is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Motion<T> {
    /// Pitch, rad.
    pub(super) pitch: T,
    /// Pitch rate, rad/s.
    pub(super) pitch_rate: T,
    /// Position ahead of its reference, m.
    pub(super) position_error: T,
    /// Speed, m/s.
    pub(super) speed: T,
    /// Speed asked for, m/s.
    pub(super) speed_reference: T,
}

/// One of the balance controllers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Balancer<T: Scalar> {
    Gains(Gains<T>),
    StateFeedback(StateFeedback<T, 4>),
    Cascade {
        position_gain: T::Gain,
        back_emf: T::Gain,
        loops: Cascade<T>,
    },
}

/// A state feedback without an integral, in short arithmetic.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gains<T: Scalar> {
    /// Of position, pitch, speed and pitch rate: −K.
    gain: [T::Short; 4],
    low: T,
    high: T,
}

impl<T: Scalar> Gains<T> {
    /// Of settings that have been checked.
    fn new(config: &StateFeedbackConfig<T::Param, 4>) -> Self {
        Self {
            gain: T::align_short(config.gain.map(|k| T::short(-k))),
            low: T::from_param(config.output_min),
            high: T::from_param(config.output_max),
        }
    }

    #[inline(always)]
    fn step(&self, motion: Motion<T>) -> T {
        let state = [
            motion.position_error,
            motion.pitch,
            motion.speed - motion.speed_reference,
            motion.pitch_rate,
        ];
        T::dot_short(&self.gain, &state).limit(self.low, self.high)
    }
}

impl<T: Scalar> Balancer<T> {
    pub(super) fn new(
        config: &BalanceConfig<T::Param>,
        period: T::Param,
    ) -> Result<Self, ConfigError> {
        Ok(match config {
            BalanceConfig::StateFeedback(config) => {
                let feedback = config.build(period)?;
                if config.integral.is_none() {
                    Self::Gains(Gains::new(config))
                } else {
                    Self::StateFeedback(feedback)
                }
            }
            BalanceConfig::Cascade(CascadeConfig {
                position_gain,
                back_emf,
                speed,
                tilt,
            }) => Self::Cascade {
                position_gain: T::gain(finite("position_gain", *position_gain)?),
                back_emf: T::gain(finite("back_emf", *back_emf)?),
                loops: LoopsConfig {
                    outer: *speed,
                    inner: *tilt,
                    outer_every: 1,
                }
                .build(period)?,
            },
        })
    }

    /// Volts for both motors; `dt` is the period where it is not the nominal one.
    #[inline(always)]
    pub(super) fn step(&mut self, motion: Motion<T>, dt: Option<T::Param>) -> T {
        match self {
            Self::Gains(gains) => gains.step(motion),
            // A copy, so that what is passed along in registers need not lie in memory.
            other => other.step_loops(&Motion { ..motion }, dt),
        }
    }

    #[inline(never)]
    fn step_loops(&mut self, motion: &Motion<T>, dt: Option<T::Param>) -> T {
        match self {
            Self::Gains(gains) => gains.step(*motion),
            Self::StateFeedback(feedback) => {
                let zero = T::zero();
                let input = StateFeedbackInput {
                    state: [
                        motion.position_error,
                        motion.pitch,
                        motion.speed,
                        motion.pitch_rate,
                    ],
                    reference: [zero, zero, motion.speed_reference, zero],
                    // Minus zero is what the compiler may drop from a sum of floats.
                    feedforward: -zero,
                    deviation: zero,
                };
                feedback.step_with(&input).total
            }
            Self::Cascade {
                position_gain,
                back_emf,
                loops,
            } => {
                let wanted = motion.speed_reference - motion.position_error.scale(*position_gain);
                let input = CascadeInput {
                    outer: PidInput::new(wanted, motion.speed),
                    inner: PidInput {
                        measured_rate: Some(motion.pitch_rate),
                        feedforward: motion.speed.scale(*back_emf),
                        dt,
                        ..PidInput::new(T::zero(), motion.pitch)
                    },
                };
                loops.step_with(&input).inner.total
            }
        }
    }

    /// Takes new settings of the same kind; see `Robot::retune_balance`.
    pub(super) fn retune(
        &mut self,
        config: &BalanceConfig<T::Param>,
        period: T::Param,
    ) -> Result<(), ConfigError> {
        match (self, config) {
            (Self::Gains(gains), BalanceConfig::StateFeedback(config))
                if config.integral.is_none() =>
            {
                config.build::<T>(period)?;
                *gains = Gains::new(config);
                Ok(())
            }
            (balancer @ Self::Gains(_), BalanceConfig::StateFeedback(config)) => {
                *balancer = Self::StateFeedback(config.build(period)?);
                Ok(())
            }
            (Self::StateFeedback(feedback), BalanceConfig::StateFeedback(config)) => {
                feedback.retune(config)
            }
            (
                Self::Cascade {
                    position_gain,
                    back_emf,
                    loops,
                },
                BalanceConfig::Cascade(config),
            ) => {
                let gains = [
                    finite("position_gain", config.position_gain)?,
                    finite("back_emf", config.back_emf)?,
                ];
                loops.retune(&LoopsConfig {
                    outer: config.speed,
                    inner: config.tilt,
                    outer_every: 1,
                })?;
                [*position_gain, *back_emf] = gains.map(T::gain);
                Ok(())
            }
            _ => Err(ConfigError::OutOfRange("balance")),
        }
    }

    pub(super) fn reset(&mut self) {
        match self {
            Self::Gains(_) => {}
            Self::StateFeedback(feedback) => feedback.reset(),
            Self::Cascade { loops, .. } => loops.reset(),
        }
    }
}

/// The way ahead of the reference: what the encoders count minus what the command asks for, kept
/// as a difference so that it stays small however far the robot drives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reference<T: Scalar> {
    speed: T,
    ahead: T::Fine,
    dragged: T,
    metres_per_count: T::Short,
    period: T::Short,
    top_speed: T,
    speed_step: T,
    lag: T,
    half_lag: T,
}

impl<T: Scalar> Reference<T> {
    pub(super) fn new(
        limits: &CommandLimits<T::Param>,
        metres_per_count: T::Param,
        period: T::Param,
    ) -> Self {
        Self {
            metres_per_count: T::short(metres_per_count),
            period: T::short(-period),
            top_speed: T::from_param(limits.speed),
            speed_step: T::from_param(limits.acceleration * period),
            lag: T::from_param(limits.position_lag),
            half_lag: T::from_param(limits.position_lag * T::Param::lit(0.5)),
            speed: T::zero(),
            ahead: T::zero().fine(),
            dragged: T::zero(),
        }
    }

    /// Starts with the axle where it is while the body is at rest over it.
    pub(super) fn start(&mut self, offset: T) {
        self.speed = T::zero();
        self.ahead = (-offset).fine();
        self.dragged = T::zero();
    }

    /// Follows the command and the counts of a tick; `offset` is the way that the body's pitch
    /// hides from the encoders. Gives the position ahead of its reference.
    #[inline(never)]
    pub(super) fn step(&mut self, command: T, counts: i32, offset: T) -> T {
        if command != self.speed {
            self.follow(command);
        }
        self.ahead = T::grow_counts(self.ahead, self.metres_per_count, counts);
        if !self.speed.is_zero() {
            self.ahead = T::grow(self.ahead, self.period, self.speed);
        }
        let error = T::coarse(self.ahead) + offset;
        if !error.is_below(self.lag) {
            return self.drag(error, offset);
        }
        if error.is_below(self.half_lag) {
            self.dragged = T::zero();
        }
        error
    }

    /// The speed asked for, as far as it may be by now.
    #[inline(always)]
    fn follow(&mut self, command: T) {
        if command.is_usable() {
            let wanted = command.limit(-self.top_speed, self.top_speed);
            self.speed = wanted.limit(self.speed - self.speed_step, self.speed + self.speed_step);
        }
    }

    /// Speed asked for.
    pub(super) fn speed(&self) -> T {
        self.speed
    }

    /// Pulls the reference along, so that it stays within its lag.
    #[cold]
    fn drag(&mut self, error: T, offset: T) -> T {
        let kept = error.limit(-self.lag, self.lag);
        self.ahead = (kept - offset).fine();
        self.dragged += (error - kept).magnitude();
        kept
    }

    /// Way by which the robot has pulled its reference along since it was last near it, in m.
    pub(super) fn dragged(&self) -> T {
        self.dragged
    }
}
