//! What goes into a step of a PID and what comes out.

use crate::math::Scalar;

/// Which limit acted on an output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Saturation {
    /// None.
    #[default]
    None,
    /// The lower limit.
    Low,
    /// The upper limit.
    High,
    /// The slew limit, while the output falls.
    SlewDown,
    /// The slew limit, while the output rises.
    SlewUp,
}

impl Saturation {
    /// Whether a larger output has no effect.
    #[inline]
    pub fn is_high(self) -> bool {
        matches!(self, Self::High | Self::SlewUp)
    }
    /// Whether a smaller output has no effect.
    #[inline]
    pub fn is_low(self) -> bool {
        matches!(self, Self::Low | Self::SlewDown)
    }
    /// The same seen through an inversion of the sign.
    #[inline]
    #[must_use]
    pub fn inverted(self) -> Self {
        match self {
            Self::None => Self::None,
            Self::Low => Self::High,
            Self::High => Self::Low,
            Self::SlewDown => Self::SlewUp,
            Self::SlewUp => Self::SlewDown,
        }
    }
    /// Whether an output moving that way is stopped.
    #[inline(always)]
    pub(in crate::control) fn blocks(self, rising: bool) -> bool {
        if rising {
            self.is_high()
        } else {
            self.is_low()
        }
    }
}

/// Who decides on the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The controller.
    #[default]
    Automatic,
    /// A person, or another controller: the integral follows, ready to take over.
    Manual,
}

/// All that a step of a PID can make use of.
///
/// ```
/// use balance_core::control::pid::PidInput;
/// let input = PidInput::new(0.0_f32, 0.02).with_measured_rate(0.3).with_feedforward(0.1);
/// assert_eq!(input.dt, None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PidInput<T: Scalar> {
    /// Wanted value.
    pub setpoint: T,
    /// Measured value, same unit.
    pub measured: T,
    /// Measured derivative of `measured`, per second: a gyro's rate is cleaner than differences.
    pub measured_rate: Option<T>,
    /// Added to the output ahead of its limits.
    pub feedforward: T,
    /// What the actuator really did in the previous period; the integral follows it. An unusable
    /// one is ignored.
    pub actual_output: Option<T>,
    /// Limit that acts further down (the inner loop of a cascade, a mixer) in the sense of this
    /// controller's output: the integral does not move that way.
    pub downstream: Saturation,
    /// Measured seconds since the previous call, in place of the nominal period. Outside of
    /// 0.001 to 10 nominal periods the step is held.
    pub dt: Option<T::Param>,
}

impl<T: Scalar> PidInput<T> {
    /// A setpoint and a measured value, and nothing else.
    #[inline(always)]
    pub fn new(setpoint: T, measured: T) -> Self {
        Self {
            setpoint,
            measured,
            measured_rate: None,
            feedforward: T::zero(),
            actual_output: None,
            downstream: Saturation::None,
            dt: None,
        }
    }
    /// With a measured derivative of the measured value.
    #[inline]
    #[must_use]
    pub fn with_measured_rate(self, rate: T) -> Self {
        Self {
            measured_rate: Some(rate),
            ..self
        }
    }
    /// With a feedforward.
    #[inline]
    #[must_use]
    pub fn with_feedforward(self, feedforward: T) -> Self {
        Self {
            feedforward,
            ..self
        }
    }
    /// With the actuator's real output in the previous period.
    #[inline]
    #[must_use]
    pub fn with_actual_output(self, actual: T) -> Self {
        Self {
            actual_output: Some(actual),
            ..self
        }
    }
    /// With a limit that acts further down.
    #[inline]
    #[must_use]
    pub fn with_downstream(self, downstream: Saturation) -> Self {
        Self { downstream, ..self }
    }
    /// With a measured period in seconds.
    #[inline]
    #[must_use]
    pub fn with_dt(self, dt: T::Param) -> Self {
        Self {
            dt: Some(dt),
            ..self
        }
    }
}

/// The output of a PID and where it comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PidOutput<T> {
    /// Proportional contribution.
    pub p: T,
    /// Integral contribution.
    pub i: T,
    /// Derivative contribution.
    pub d: T,
    /// Feedforward.
    pub ff: T,
    /// The output: the sum, limited.
    pub total: T,
    /// Limit that acted on the output or, through anti-windup, on the integral.
    pub saturated: Saturation,
    /// Who decided.
    pub mode: Mode,
    /// Whether an input or the period was unusable and the last good output stands.
    pub held: bool,
}
