//! What goes into a tick and what comes out of it.

use super::supervisor::{State, Stop};
use crate::motor::Drive;
use crate::sensor::{ImuCounts, Sample};

/// Everything that the platform has read before a tick.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inputs<T> {
    /// The inertial sensor, in its own axes.
    pub imu: Sample<ImuCounts>,
    /// Encoder counts of the left and the right wheel; both grow when the robot drives forward.
    /// Wrapping is allowed.
    pub encoders: Sample<[i32; 2]>,
    /// Battery voltage in mV; `None` where no battery is measured.
    pub battery_millivolts: Option<u16>,
    /// What the driver wants.
    pub command: Command<T>,
}

/// What the driver wants of the robot.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Command<T> {
    /// Motors may run. Taking it back stops them at once and clears a latched stop.
    pub arm: bool,
    /// Speed forward, in m/s.
    pub speed: T,
    /// Yaw rate, to the left positive, in rad/s.
    pub turn: T,
}

/// The answer of a tick.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outputs<T> {
    /// Command to the left motor.
    pub left: Drive<T>,
    /// Command to the right motor.
    pub right: Drive<T>,
    /// State after the tick.
    pub state: State,
    /// Why the robot is not balancing, if it is not.
    pub stop: Option<Stop>,
    /// Everything worth logging.
    pub record: Record<T>,
}

/// The telemetry of one tick: copies of values the loop has computed anyway.
#[derive(Clone, Copy, Debug, Default)]
pub struct Record<T> {
    /// Pitch, nose down positive, in rad.
    pub pitch: T,
    /// Pitch rate, in rad/s.
    pub pitch_rate: T,
    /// Way since the robot began to balance, in m.
    pub position: T,
    /// Speed forward, in m/s.
    pub speed: T,
    /// Yaw rate, in rad/s.
    pub yaw_rate: T,
    /// Voltage asked of the motors together, forward, in V.
    pub drive_voltage: T,
    /// Voltage asked for turning, added on the right and taken off on the left, in V.
    pub turn_voltage: T,
    /// Microseconds since the tick before.
    pub period_micros: u32,
    /// Ticks that came late by more than half a period, since start.
    pub late_ticks: u32,
    /// Ticks without a believable inertial reading, since start.
    pub bad_samples: u32,
}
