//! Who says *off*: the states of the robot and every way from one to another.
//!
//! ```text
//!   Disarmed ──arm──▶ Calibrating ──still──▶ Ready ──upright──▶ Balancing
//!      ▲                   │                   │                 │     │
//!      │                   ╰──── any fault ────┴────▶ Faulted ◀──╯     │ tilt
//!      │                                                 │             ▼
//!      ╰───────────────────── arm taken back ────────────┴────────── Fallen
//! ```
//!
//! `Fallen` and `Faulted` are latched: only taking the arm command back leaves them. There is no
//! way to `Balancing` but through `Calibrating` and `Ready`.

/// State of the robot. The motors have power in [`State::Balancing`] only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Waiting for the arm command.
    #[default]
    Disarmed,
    /// Measuring the gyroscope's bias; the robot must be still.
    Calibrating,
    /// Calibrated, waiting to be held upright.
    Ready,
    /// Standing and driving.
    Balancing,
    /// Tilted beyond the limit; latched.
    Fallen,
    /// Stopped by a fault; latched.
    Faulted,
}

/// Why the robot is not balancing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// No arm command.
    NotArmed,
    /// Moving while it ought to be calibrated.
    Moving,
    /// Tilted beyond the angle at which it may start.
    TiltedAtStart,
    /// Tilted beyond the limit while balancing.
    Tilt,
    /// No good inertial reading for too long.
    SensorStale,
    /// The inertial readings no longer change.
    SensorFrozen,
    /// An inertial channel at the end of its range for too long.
    SensorSaturated,
    /// Readings that no robot can produce.
    SensorImplausible,
    /// The encoders disagree with the gyroscope, or do not move under full drive.
    Encoder,
    /// Wheels faster than the robot can drive: lifted, or running away.
    Runaway,
    /// Ticks too late, too often.
    Overrun,
    /// Battery below its limit.
    LowBattery,
}

impl Stop {
    /// The word for tables and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotArmed => "not_armed",
            Self::Moving => "moving",
            Self::TiltedAtStart => "tilted_at_start",
            Self::Tilt => "tilt",
            Self::SensorStale => "sensor_stale",
            Self::SensorFrozen => "sensor_frozen",
            Self::SensorSaturated => "sensor_saturated",
            Self::SensorImplausible => "sensor_implausible",
            Self::Encoder => "encoder",
            Self::Runaway => "runaway",
            Self::Overrun => "overrun",
            Self::LowBattery => "low_battery",
        }
    }
}

impl State {
    /// The word for tables and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disarmed => "disarmed",
            Self::Calibrating => "calibrating",
            Self::Ready => "ready",
            Self::Balancing => "balancing",
            Self::Fallen => "fallen",
            Self::Faulted => "faulted",
        }
    }
}

/// What the supervisor is told in a tick.
#[derive(Clone, Copy, Debug, Default)]
pub struct Findings {
    /// The arm command.
    pub arm: bool,
    /// Something that forbids powered motors.
    pub fault: Option<Stop>,
    /// Calibration has its answer.
    pub calibrated: bool,
    /// Calibration was disturbed.
    pub moving: bool,
    /// Within the angle and rate at which balancing may start.
    pub upright: bool,
    /// Beyond the angle from which there is no return.
    pub tilted: bool,
}

/// The state machine: one transition a tick at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Supervisor {
    state: State,
    stop: Option<Stop>,
    /// Consecutive ticks upright in `Ready`.
    dwell: u16,
}

impl Supervisor {
    /// The state.
    pub const fn state(&self) -> State {
        self.state
    }
    /// Why the robot is not balancing; `None` while it is.
    pub const fn stop(&self) -> Option<Stop> {
        self.stop
    }

    /// Decides the state from this tick's findings; `dwell` is how many ticks the robot must be
    /// upright before it starts.
    #[inline]
    pub fn step(&mut self, findings: &Findings, dwell: u16) -> State {
        let goes_on = self.state == State::Balancing && findings.arm && !findings.tilted;
        if goes_on && findings.fault.is_none() {
            return State::Balancing;
        }
        self.decide(findings, dwell)
    }

    #[inline(never)]
    fn decide(&mut self, findings: &Findings, dwell: u16) -> State {
        use State::{Balancing, Calibrating, Disarmed, Fallen, Faulted, Ready};
        let upright_for = if findings.upright {
            self.dwell.saturating_add(1)
        } else {
            0
        };
        self.dwell = if self.state == Ready { upright_for } else { 0 };
        let (state, stop) = match (self.state, findings.fault) {
            _ if !findings.arm => (Disarmed, Some(Stop::NotArmed)),
            (Fallen | Faulted, _) => (self.state, self.stop),
            // Not yet armed: a fault refuses, and says so, without being latched.
            (Disarmed, Some(fault)) => (Disarmed, Some(fault)),
            (Disarmed, None) => (Calibrating, None),
            (_, Some(fault)) => (Faulted, Some(fault)),
            (Calibrating, None) if findings.calibrated => (Ready, Some(Stop::TiltedAtStart)),
            (Calibrating, None) => (Calibrating, findings.moving.then_some(Stop::Moving)),
            (Ready, None) if self.dwell > dwell => (Balancing, None),
            (Ready, None) => (Ready, (!findings.upright).then_some(Stop::TiltedAtStart)),
            (Balancing, None) if findings.tilted => (Fallen, Some(Stop::Tilt)),
            (Balancing, None) => (Balancing, None),
        };
        (self.state, self.stop) = (state, stop);
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 6] = [
        State::Disarmed,
        State::Calibrating,
        State::Ready,
        State::Balancing,
        State::Fallen,
        State::Faulted,
    ];

    fn every_finding() -> impl Iterator<Item = Findings> {
        (0..64_u8).map(|bits| Findings {
            arm: bits & 1 != 0,
            fault: (bits & 2 != 0).then_some(Stop::SensorStale),
            calibrated: bits & 4 != 0,
            moving: bits & 8 != 0,
            upright: bits & 16 != 0,
            tilted: bits & 32 != 0,
        })
    }

    #[test]
    fn every_transition_is_in_the_drawing() {
        use State::*;
        for from in STATES {
            for findings in every_finding() {
                for dwell in [0, 500] {
                    let mut supervisor = Supervisor {
                        state: from,
                        stop: None,
                        dwell,
                    };
                    let to = supervisor.step(&findings, 100);
                    let allowed = match from {
                        _ if !findings.arm => to == Disarmed,
                        Disarmed => to == Disarmed || to == Calibrating && findings.fault.is_none(),
                        Calibrating => matches!(to, Calibrating | Ready | Faulted),
                        Ready => matches!(to, Ready | Balancing | Faulted),
                        Balancing => matches!(to, Balancing | Fallen | Faulted),
                        Fallen | Faulted => to == from,
                    };
                    assert!(allowed, "{from:?} -> {to:?} on {findings:?}");
                    if to == Balancing {
                        assert!(findings.arm && findings.fault.is_none());
                        assert!(from == Balancing && !findings.tilted || findings.upright);
                    }
                    if findings.arm && findings.fault.is_some() {
                        assert!(!matches!(to, Calibrating | Ready | Balancing), "{from:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn starts_only_after_standing_upright_for_the_whole_dwell() {
        let mut supervisor = Supervisor::default();
        let ready = Findings {
            arm: true,
            calibrated: true,
            upright: true,
            ..Default::default()
        };
        assert_eq!(supervisor.step(&ready, 3), State::Calibrating);
        assert_eq!(supervisor.step(&ready, 3), State::Ready);
        supervisor.step(&ready, 3);
        supervisor.step(
            &Findings {
                upright: false,
                ..ready
            },
            3,
        );
        let started = (0..10).position(|_| supervisor.step(&ready, 3) == State::Balancing);
        assert_eq!(started, Some(3));
    }

    #[test]
    fn a_stop_is_latched_with_its_first_reason() {
        let mut supervisor = Supervisor {
            state: State::Balancing,
            stop: None,
            dwell: 0,
        };
        let arm = Findings {
            arm: true,
            ..Default::default()
        };
        supervisor.step(
            &Findings {
                fault: Some(Stop::Runaway),
                ..arm
            },
            3,
        );
        supervisor.step(
            &Findings {
                fault: Some(Stop::SensorStale),
                ..arm
            },
            3,
        );
        supervisor.step(&arm, 3);
        assert_eq!(
            (supervisor.state(), supervisor.stop()),
            (State::Faulted, Some(Stop::Runaway))
        );
        supervisor.step(&Findings::default(), 3);
        assert_eq!(supervisor.state(), State::Disarmed);
    }
}
