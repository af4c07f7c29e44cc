//! The robot, as the shell sees it.

use crate::math::Float;
use crate::params::{Parameters, SetError};
use crate::robot::timing::Statistics;
use crate::robot::{Fault, State, Stop};
use core::fmt;

/// Something that the robot shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// Calibrate, and balance once upright.
    Arm,
    /// Motors off.
    Disarm,
    /// Keep the parameters through a loss of power.
    Save,
    /// Take the kept parameters.
    Load,
    /// Take the parameters of the firmware.
    Defaults,
    /// Tell these channels of each tick, one bit each; none: silence.
    Scope(u32),
    /// Tell what the black box holds, and open it again.
    Dump,
    /// Find better gains while balancing.
    Autotune,
    /// Measure the loop's timing anew.
    ClearTiming,
}

impl Order {
    /// Whether it can move the motors, so that a lock forbids it.
    pub const fn moves_motors(self) -> bool {
        matches!(
            self,
            Self::Arm | Self::Load | Self::Defaults | Self::Autotune
        )
    }
}

/// Why an order was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// This robot cannot do it.
    NotHere,
    /// Only while the motors have no power.
    Armed,
    /// Only while balancing.
    NotBalancing,
    /// Nothing has been stored.
    NothingStored,
    /// The storage failed.
    Storage,
    /// Something else is not done yet.
    Busy,
    /// The parameters cannot be taken.
    Parameters(SetError),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHere => f.write_str("this robot cannot do that"),
            Self::Armed => f.write_str("disarm the robot first"),
            Self::NotBalancing => f.write_str("only while the robot balances"),
            Self::NothingStored => f.write_str("nothing has been saved"),
            Self::Storage => f.write_str("the storage failed"),
            Self::Busy => f.write_str("busy, try again"),
            Self::Parameters(error) => error.fmt(f),
        }
    }
}

/// How the robot is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Condition {
    /// Its state.
    pub state: State,
    /// Why it is not balancing.
    pub stop: Option<Stop>,
    /// Seconds since it started.
    pub seconds: f32,
    /// Pitch, in rad.
    pub pitch: f32,
    /// Speed, in m/s.
    pub speed: f32,
    /// Battery, in V; `None` where it is not measured.
    pub battery: Option<f32>,
}

/// What a shell needs of a robot. On a board most of it goes through a mailbox to the loop.
pub trait Machine {
    /// The parameters' type.
    type Param: Float + fmt::Display;

    /// Name and version of the firmware.
    fn firmware(&self) -> &str;
    /// How it is.
    fn condition(&self) -> Condition;
    /// The parameters in use.
    fn parameters(&self) -> &Parameters<Self::Param>;
    /// Changes a parameter.
    ///
    /// # Errors
    /// Says why nothing was changed.
    fn set(&mut self, name: &str, value: Self::Param) -> Result<(), SetError>;
    /// Does something, or begins to.
    ///
    /// # Errors
    /// Says why not.
    fn order(&mut self, order: Order) -> Result<(), Refusal>;
    /// Names of the channels that can be told, in the order of their bits.
    fn channel(&self, index: usize) -> Option<&'static str>;
    /// The latest stops, newest first.
    fn fault(&self, index: usize) -> Option<Fault>;
    /// How long the loop takes, in counts of which `counts_per_micro` are a microsecond.
    fn timing(&self) -> Option<(Statistics, u32)>;
    /// Whether the motors may be touched from here: a jumper, a key. Open, unless a robot has one.
    fn is_unlocked(&self) -> bool {
        true
    }
}
