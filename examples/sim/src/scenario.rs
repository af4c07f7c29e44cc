//! What happens to the robot, and what is expected of it.

/// Something that happens at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// The driver asks for a speed (m/s) and a yaw rate (rad/s).
    Command(f64, f64),
    /// A horizontal force (N, as a share of the robot's weight) for so many seconds.
    Push(f64, f64),
    /// The sensor's bus answers with errors for so many seconds.
    BusDown(f64),
    /// Each transfer of the bus fails with this probability from now on.
    FlakyBus(f64),
    /// The sensor repeats its last reading for ever.
    Frozen,
    /// The gyroscope's bias moves by this much (rad/s).
    GyroDrift(f64),
    /// The frame vibrates: m/s² and rad/s.
    Vibration(f64, f64),
    /// Every sixteenth reading is garbage: full scale, zeros or ones.
    Garbage,
    /// The driver's commands are NaN and infinite.
    NanCommand,
    /// The left wheel's encoder loses its cable; where there is none, its stepper.
    EncoderLost,
    /// Somebody lifts the robot and tilts it forward.
    PickedUp,
    /// The battery's voltage falls by this much a second (V).
    Sag(f64),
    /// The loop stalls once for so many milliseconds.
    Stall(u32),
}

impl Event {
    /// For how long it disturbs at first hand, s.
    fn seconds(&self) -> f64 {
        match self {
            Self::Push(_, seconds) | Self::BusDown(seconds) => *seconds,
            _ => 0.0,
        }
    }
}

/// What is expected at the end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expect {
    /// Upright and calm, pitch never beyond the first (degrees), way off the goal at most the
    /// second (m).
    Upright(f64, f64),
    /// Motors off for this reason, at the latest so many seconds after the first event.
    Off(&'static str, f64),
    /// Motors off for one of two reasons.
    OffEither(&'static str, &'static str, f64),
}

/// One scenario.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Name on the command line.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// Pitch at which the robot is released, degrees.
    pub start_pitch: f64,
    /// Slope of the ground, degrees uphill.
    pub slope: f64,
    /// Mass added to the body at its top, as a share of the body's.
    pub payload: f64,
    /// Jitter of the loop's period, as a share of it.
    pub jitter: f64,
    /// What happens, by seconds since the robot was released.
    pub events: &'static [(f64, Event)],
    /// Seconds that it lasts after release.
    pub seconds: f64,
    /// What is expected.
    pub expect: Expect,
}

impl Scenario {
    /// When the last disturbance is over, s since the release, which is one itself.
    pub fn last_disturbance(&self) -> f64 {
        let over = self
            .events
            .iter()
            .map(|(time, event)| time + event.seconds());
        over.fold(0.0, f64::max)
    }
}

const CALM: Scenario = Scenario {
    name: "",
    about: "",
    start_pitch: 3.0,
    slope: 0.0,
    payload: 0.0,
    jitter: 0.0,
    events: &[],
    seconds: 8.0,
    expect: Expect::Upright(12.0, 0.25),
};

/// All scenarios.
pub const SCENARIOS: [Scenario; 20] = [
    Scenario {
        name: "stand_up",
        about: "released 10° off the vertical",
        start_pitch: 10.0,
        expect: Expect::Upright(20.0, 0.25),
        ..CALM
    },
    Scenario {
        name: "push",
        about: "pushed with a quarter of its weight for 0.1 s, from behind and from before",
        events: &[
            (3.0, Event::Push(0.25, 0.1)),
            (6.0, Event::Push(-0.25, 0.1)),
        ],
        seconds: 9.0,
        expect: Expect::Upright(20.0, 0.25),
        ..CALM
    },
    Scenario {
        name: "drive_and_stop",
        about: "drives at 0.25 m/s for 3 s and stops",
        events: &[
            (2.0, Event::Command(0.25, 0.0)),
            (5.0, Event::Command(0.0, 0.0)),
        ],
        seconds: 9.0,
        expect: Expect::Upright(20.0, 0.3),
        ..CALM
    },
    Scenario {
        name: "turn",
        about: "turns left at 90 °/s for 2 s, drives a bend, stops",
        events: &[
            (2.0, Event::Command(0.0, std::f64::consts::FRAC_PI_2)),
            (4.0, Event::Command(0.2, 0.8)),
            (6.0, Event::Command(0.0, 0.0)),
        ],
        seconds: 9.0,
        expect: Expect::Upright(20.0, 0.3),
        ..CALM
    },
    Scenario {
        name: "slope",
        about: "released on a slope of 5° uphill",
        slope: 5.0,
        expect: Expect::Upright(25.0, 0.5),
        ..CALM
    },
    Scenario {
        name: "payload",
        about: "20 % more mass on top than the gains were designed for, and a push",
        payload: 0.2,
        events: &[(4.0, Event::Push(0.2, 0.1))],
        expect: Expect::Upright(20.0, 0.25),
        ..CALM
    },
    Scenario {
        name: "gyro_bias",
        about: "the gyroscope's bias moves by 1 °/s after calibration",
        events: &[(2.0, Event::GyroDrift(0.0175))],
        seconds: 15.0,
        expect: Expect::Upright(12.0, 0.4),
        ..CALM
    },
    Scenario {
        name: "vibration",
        about: "the frame vibrates with 3 m/s² and 0.3 rad/s at 83 Hz",
        events: &[(0.5, Event::Vibration(3.0, 0.3))],
        ..CALM
    },
    Scenario {
        name: "sagging_battery",
        about: "the battery loses 0.15 V a second, to the limit where the robot stops itself",
        events: &[(1.0, Event::Sag(0.15))],
        seconds: 28.0,
        expect: Expect::Off("low_battery", 26.0),
        ..CALM
    },
    Scenario {
        name: "weak_battery",
        about: "the battery loses 1 V within 4 s and the robot drives on it",
        events: &[
            (1.0, Event::Sag(0.25)),
            (4.0, Event::Command(0.2, 0.0)),
            (5.0, Event::Sag(0.0)),
            (7.0, Event::Command(0.0, 0.0)),
        ],
        seconds: 10.0,
        expect: Expect::Upright(20.0, 0.3),
        ..CALM
    },
    Scenario {
        name: "jitter",
        about: "the loop's period jitters by ±40 %, and one stall of 8 ms",
        jitter: 0.4,
        events: &[(3.0, Event::Stall(8)), (5.0, Event::Push(0.2, 0.1))],
        expect: Expect::Upright(20.0, 0.25),
        ..CALM
    },
    Scenario {
        name: "dropout",
        about: "the sensor does not answer for 50 ms, twice",
        events: &[(3.0, Event::BusDown(0.05)), (5.0, Event::BusDown(0.05))],
        expect: Expect::Upright(35.0, 0.25),
        ..CALM
    },
    Scenario {
        name: "bus_errors",
        about: "one transfer in five fails",
        events: &[(1.0, Event::FlakyBus(0.2)), (4.0, Event::Push(0.2, 0.1))],
        expect: Expect::Upright(20.0, 0.25),
        ..CALM
    },
    Scenario {
        name: "garbage",
        about: "every sixteenth reading is full scale, zeros or ones",
        events: &[(1.0, Event::Garbage), (4.0, Event::Push(0.2, 0.1))],
        expect: Expect::Upright(20.0, 0.25),
        ..CALM
    },
    Scenario {
        name: "nan",
        about: "the driver's commands are NaN and infinite for a second",
        events: &[(2.0, Event::NanCommand), (3.0, Event::Command(0.0, 0.0))],
        ..CALM
    },
    Scenario {
        name: "frozen_sensor",
        about: "the sensor repeats its last reading for ever: motors off",
        events: &[(3.0, Event::Frozen)],
        expect: Expect::Off("sensor_frozen", 0.1),
        ..CALM
    },
    Scenario {
        name: "dead_sensor",
        about: "the sensor does not answer any more: motors off",
        events: &[(3.0, Event::BusDown(1e9))],
        expect: Expect::Off("sensor_stale", 0.15),
        ..CALM
    },
    Scenario {
        name: "lost_encoder",
        about: "the left encoder loses its cable while driving: motors off",
        events: &[(2.0, Event::Command(0.25, 0.0)), (3.5, Event::EncoderLost)],
        expect: Expect::OffEither("encoder", "tilt", 4.0),
        ..CALM
    },
    Scenario {
        name: "picked_up",
        about: "lifted and tilted by 8°: the wheels must not race for long",
        events: &[(3.0, Event::PickedUp)],
        expect: Expect::Off("runaway", 4.0),
        ..CALM
    },
    Scenario {
        name: "fallen",
        about: "pushed with twice its weight for 0.3 s: motors off on the way down",
        events: &[(3.0, Event::Push(2.0, 0.3))],
        expect: Expect::OffEither("tilt", "runaway", 1.2),
        ..CALM
    },
];

/// Names of all scenarios.
pub fn names() -> Vec<&'static str> {
    SCENARIOS.iter().map(|scenario| scenario.name).collect()
}

/// The scenario of that name.
pub fn find(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.name == name)
}

/// One line about a scenario.
pub fn describe(name: &str) -> &'static str {
    find(name).map_or("", |scenario| scenario.about)
}
