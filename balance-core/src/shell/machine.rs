//! The robot, as the shell sees it.

use crate::math::Float;
use crate::params::{Parameters, SetError};
use crate::robot::timing::Statistics;
use crate::robot::{Fault, State, Stop};
use core::fmt;

use super::rest::Rest;

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
    /// Measure the resting inertial sensor for a second; [`Machine::sensed`] has it then.
    Calibrate,
    /// Turn a motor for [`MOTOR_MICROS`], wheels off the ground, while the robot is disarmed.
    Motor {
        /// The left motor, else the right.
        left: bool,
        /// Thousandths of full duty, positive forward.
        permille: i16,
    },
}

/// For so long turns a motor that is tried, in µs.
pub const MOTOR_MICROS: u32 = 300_000;

/// How the run before the last reset has ended, if it has not ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending<'a> {
    /// A panic.
    Panic {
        /// The source file, or the end of its name.
        file: &'a str,
        /// Its line.
        line: u32,
    },
    /// A fault of the processor.
    HardFault {
        /// Where.
        pc: u32,
        /// From where that was called.
        lr: u32,
    },
    /// The loop stood still, and the watchdog has bitten.
    Watchdog,
}

impl fmt::Display for Ending<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panic { file, line } => write!(f, "a panic at {file}:{line}"),
            Self::HardFault { pc, lr } => write!(f, "a fault at {pc:08x}, called from {lr:08x}"),
            Self::Watchdog => f.write_str("the watchdog's bite: the loop stood still"),
        }
    }
}

/// What the sensors say, for whoever puts a robot together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sensed {
    /// Counts of both encoders.
    pub encoders: [i32; 2],
    /// The last measurement of [`Order::Calibrate`], once it is done.
    pub rest: Option<Rest>,
}

impl Order {
    /// Whether it can move the motors, so that a lock forbids it.
    pub const fn moves_motors(self) -> bool {
        matches!(
            self,
            Self::Arm | Self::Load | Self::Defaults | Self::Autotune | Self::Motor { .. }
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
    /// The last run has ended badly, and nobody has looked at it yet.
    LastRun,
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
            Self::LastRun => f.write_str("the last run has ended badly; read faults first"),
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
    /// The latest stops of the run before the last reset, newest first.
    fn fault_of_last_run(&self, _index: usize) -> Option<Fault> {
        None
    }
    /// How the run before the last reset has ended. Whoever asks knows it from then on.
    fn ending(&mut self) -> Option<Ending<'_>> {
        None
    }
    /// What the sensors say; `None` where that cannot be told.
    fn sensed(&self) -> Option<Sensed> {
        None
    }
    /// Whether the motors may be touched from here: a jumper, a key. Open, unless a robot has one.
    fn is_unlocked(&self) -> bool {
        true
    }
}
