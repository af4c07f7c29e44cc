extern crate std;

use super::*;
use crate::math::Q12;
use crate::params::{Parameters, SetError};
use crate::robot::timing::{LoopTimingConfig, Stage, Statistics};
use crate::robot::{Fault, RobotConfig, State, Stop};
use crate::telemetry::Snapshot;
use crate::time::Instant;
use core::convert::Infallible;
use embedded_io::{ErrorType, Write};
use proptest::prelude::*;
use std::cell::RefCell;
use std::rc::Rc;
use std::string::{String, ToString};
use std::vec::Vec;

#[derive(Clone, Default)]
struct Screen(Rc<RefCell<Vec<u8>>>);

impl ErrorType for Screen {
    type Error = Infallible;
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

struct Bench {
    parameters: Parameters<f32>,
    orders: Vec<Order>,
    state: State,
    locked: bool,
}

impl Default for Bench {
    fn default() -> Self {
        Self {
            parameters: Parameters::new(RobotConfig::pico_kit()),
            orders: Vec::new(),
            state: State::Disarmed,
            locked: false,
        }
    }
}

impl Machine for Bench {
    type Param = f32;
    fn firmware(&self) -> &str {
        "bench 1.0"
    }
    fn condition(&self) -> Condition {
        Condition {
            state: self.state,
            stop: Some(Stop::NotArmed),
            seconds: 12.5,
            pitch: -0.25,
            battery: Some(11.1),
            ..Default::default()
        }
    }
    fn parameters(&self) -> &Parameters<f32> {
        &self.parameters
    }
    fn set(&mut self, name: &str, value: f32) -> Result<(), SetError> {
        let now = Instant::default();
        self.parameters.set::<Q12>(name, value, self.state, now)
    }
    fn order(&mut self, order: Order) -> Result<(), Refusal> {
        self.orders.push(order);
        if order == Order::Load {
            return Err(Refusal::NothingStored);
        }
        Ok(())
    }
    fn channel(&self, index: usize) -> Option<&'static str> {
        Snapshot::<f32>::CHANNELS
            .get(index)
            .map(|channel| channel.name)
    }
    fn fault(&self, index: usize) -> Option<Fault> {
        (index == 0).then_some(Fault {
            at: Instant::from_micros(1_500_000),
            stop: Stop::Tilt,
            pitch: 0.75,
            pitch_rate: 2.0,
            speed: 0.0,
            battery_millivolts: None,
            period_micros: 1000,
            bad_samples: 0,
        })
    }
    fn timing(&self) -> Option<(Statistics, u32)> {
        let mut timing = LoopTimingConfig::default().build().ok()?;
        for tick in 0..5 {
            timing.begin(tick * 1000);
            timing.stage(Stage::Control, tick * 1000 + 40);
            timing.end(tick * 1000 + 50);
        }
        Some((*timing.statistics(), 1))
    }
    fn ending(&mut self) -> Option<Ending<'_>> {
        let (file, line) = ("main.rs", 42);
        Some(Ending::Panic { file, line })
    }
    fn fault_of_last_run(&self, index: usize) -> Option<Fault> {
        let mut fault = self.fault(index)?;
        fault.stop = Stop::Encoder;
        Some(fault)
    }
    fn sensed(&self) -> Option<Sensed> {
        let rest = Rest {
            accel: [0.0, 0.5, 9.75],
            gyro: [0.01, -0.02, 0.0],
            swing: 0.25,
        };
        Some(Sensed {
            encoders: [-3, 4],
            rest: Some(rest),
        })
    }
    fn is_unlocked(&self) -> bool {
        !self.locked
    }
}

/// What the shell answers to a line, without prompt and echo.
fn answer(bench: &mut Bench, line: &str) -> String {
    let screen = Screen::default();
    let mut shell = Shell::new(screen.clone()).unwrap();
    shell.feed(line.as_bytes(), bench).unwrap();
    screen.0.borrow_mut().clear();
    shell.feed(b"\r", bench).unwrap();
    let shown = String::from_utf8(screen.0.take()).unwrap();
    let shown = shown.strip_prefix("\r\n").unwrap().strip_suffix("> ");
    shown.unwrap().trim_end().to_string()
}

#[test]
fn reads_and_changes_parameters() {
    let mut bench = Bench::default();
    let shown = answer(&mut bench, "get balance.pitch");
    assert_eq!(
        shown,
        "balance.pitch = -25.592 V/rad, drives under the fall (-1000 to 1000, default -25.592)"
    );
    assert_eq!(
        answer(&mut bench, "set balance.pitch=-30.5"),
        "balance.pitch = -30.5"
    );
    assert_eq!(answer(&mut bench, "set turn.kp 2"), "turn.kp = 2");
    assert!(answer(&mut bench, "get turn.kp").starts_with("turn.kp = 2 V s/rad"));
    assert_eq!(
        answer(&mut bench, "get turn"),
        "turn.kp = 2 V s/rad\r\nturn.ki = 6 V/rad"
    );
    let all = answer(&mut bench, "get");
    assert!(all.contains("chassis.track = 0.18 m") && !all.contains("cascade"));
}

#[test]
fn says_what_is_wrong_and_changes_nothing() {
    let mut bench = Bench::default();
    let before = *bench.parameters.config();
    for (line, part) in [
        ("set balance.pitch -30", "joined by ="),
        ("set balance.pitch=x", "x is not a number"),
        ("set balance.pitch=nan", "not a number within the range"),
        ("set balance.pitch=5000", "not a number within the range"),
        ("set balance.pich=1", "no parameter has this name"),
        ("set balance.pitch", "set NAME=VALUE"),
        ("set", "argument"),
        ("get nothing", "no parameter has this name"),
        ("load", "nothing has been saved"),
        ("scope pitch,pich", "no channel pich"),
        ("timing often", "timing clear"),
        ("jump", "unknown"),
        ("arm now", "too many words"),
        ("arm -f", "too many words"),
        ("motor", "argument"),
        ("motor up 100", "motor left 200"),
        ("motor left", "motor left 200"),
        ("motor left 1001", "motor left 200"),
        ("motor left -100", "joined by ="),
        ("calibrate now", "too many words"),
        ("set turn.kp 2 3", "unexpected argument"),
    ] {
        let shown = answer(&mut bench, line);
        assert!(shown.contains(part), "{line}: {shown}");
    }
    bench.state = State::Balancing;
    let shown = answer(&mut bench, "set chassis.track=0.2");
    assert_eq!(shown, "error: disarm the robot first");
    assert_eq!(*bench.parameters.config(), before);
    assert_eq!(bench.orders, [Order::Load]);
}

#[test]
fn a_lock_keeps_the_motors_from_the_wire_but_not_disarming() {
    let mut bench = Bench {
        locked: true,
        ..Default::default()
    };
    for line in [
        "set turn.kp=2",
        "arm",
        "load",
        "defaults",
        "autotune",
        "motor left 100",
    ] {
        let shown = answer(&mut bench, line);
        assert!(shown.contains("locked"), "{line}: {shown}");
    }
    assert_eq!(answer(&mut bench, "disarm"), "ok");
    assert_eq!(answer(&mut bench, "save"), "ok");
    assert_eq!(bench.orders, [Order::Disarm, Order::Save]);
    assert_eq!(bench.parameters.get("turn.kp"), Ok(1.0));
}

#[test]
fn tells_how_the_robot_is() {
    let mut bench = Bench::default();
    assert_eq!(
        answer(&mut bench, "status"),
        "disarmed (not_armed) at 12.500 s, pitch -0.250 rad, speed 0.000 m/s, battery 11.10 V"
    );
    assert_eq!(answer(&mut bench, "version"), "bench 1.0");
    assert!(answer(&mut bench, "faults").starts_with("1.500 s tilt: pitch 0.750 rad"));
    let timing = answer(&mut bench, "timing");
    assert!(timing.contains("period   max   1000.0 us"), "{timing}");
    assert!(timing.ends_with("5 ticks, 0 missed"), "{timing}");
    assert!(answer(&mut bench, "help").contains("Change a parameter"));
}

#[test]
fn tells_how_the_last_run_has_ended() {
    let shown = answer(&mut Bench::default(), "faults");
    let (_, last) = shown
        .split_once("the last run has ended with a panic at main.rs:42; before that:")
        .unwrap();
    assert!(last.contains("1.500 s encoder"), "{shown}");
}

#[test]
fn helps_whoever_puts_a_robot_together() {
    let mut bench = Bench::default();
    let shown = answer(&mut bench, "sensor");
    let expected = "encoders -3 4 counts\r\naccel 0.000 0.500 9.750 m/s2\r\n\
                    gyro 0.01000 -0.02000 0.00000 rad/s, swing 0.2500";
    assert_eq!(shown, expected);
    for line in ["calibrate", "motor left 200", "motor right=-1000"] {
        assert_eq!(answer(&mut bench, line), "ok");
    }
    let motor = |left, permille| Order::Motor { left, permille };
    assert_eq!(
        bench.orders,
        [Order::Calibrate, motor(true, 200), motor(false, -1000)]
    );
}

#[test]
fn a_command_is_known_by_its_word() {
    let shown = answer(&mut Bench::default(), "help");
    let told = shown
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| is_command(word.as_bytes()));
    assert_eq!(told.count(), 17, "{shown}");
    assert!(is_command(b"set turn.kp=2") && is_command(b" help"));
    for noise in [&b"sets"[..], b"", b"turn.kp", b"\xff\x00", b"arm\x07"] {
        assert!(!is_command(noise));
    }
}

#[test]
fn scopes_channels_by_name() {
    let mut bench = Bench::default();
    answer(&mut bench, "scope speed,pitch");
    answer(&mut bench, "scope all");
    answer(&mut bench, "scope off");
    assert_eq!(
        bench.orders,
        [
            Order::Scope(0b1001),
            Order::Scope(u32::MAX),
            Order::Scope(0)
        ]
    );
    assert!(answer(&mut bench, "scope").starts_with("pitch pitch_rate position"));
}

#[test]
fn completes_commands_and_remembers_lines() {
    let mut bench = Bench::default();
    let screen = Screen::default();
    let mut shell = Shell::new(screen.clone()).unwrap();
    shell.feed(b"disa\t\r", &mut bench).unwrap();
    assert_eq!(bench.orders, [Order::Disarm]);
    // Cursor up.
    shell.feed(b"\x1b[A\r", &mut bench).unwrap();
    assert_eq!(bench.orders, [Order::Disarm; 2]);
}

proptest! {
    /// A flood of anything neither panics nor changes or orders anything, and the prompt works
    /// afterwards. But for Tab: a letter, Tab and Return are a command, whoever sends them.
    #[test]
    fn noise_does_nothing(
        noise in proptest::collection::vec(any::<u8>().prop_filter("Tab", |b| *b != b'\t'), 0..4000),
    ) {
        let mut bench = Bench::default();
        let before = *bench.parameters.config();
        let mut shell = Shell::new(Screen::default()).unwrap();
        shell.feed(&noise, &mut bench).unwrap();
        prop_assert_eq!(*bench.parameters.config(), before);
        prop_assert!(bench.orders.is_empty());
        // Ends an escape sequence, a character begun and a line.
        shell.feed(b"AA\r\n\r\ndisarm\r", &mut bench).unwrap();
        prop_assert_eq!(&bench.orders[..], &[Order::Disarm][..]);
    }

    #[test]
    fn a_line_with_noise_is_no_command(noise in prop_oneof![0_u8..8, 14_u8..27, 128_u8..=255], at in 0..4_usize) {
        let mut bench = Bench::default();
        let mut shell = Shell::new(Screen::default()).unwrap();
        let mut line = std::vec::Vec::from(*b"arm\r");
        line.insert(at, noise);
        shell.feed(&line, &mut bench).unwrap();
        prop_assert!(bench.orders.is_empty());
        shell.feed(b"\rarm\r", &mut bench).unwrap();
        prop_assert_eq!(&bench.orders[..], &[Order::Arm][..]);
    }

    #[test]
    fn a_line_too_long_is_no_command(length in 81..500_usize) {
        let mut bench = Bench::default();
        let mut shell = Shell::new(Screen::default()).unwrap();
        let line: Vec<u8> = b"arm ".iter().copied().cycle().take(length).collect();
        shell.feed(&line, &mut bench).unwrap();
        shell.feed(b"\rdisarm\r", &mut bench).unwrap();
        prop_assert_eq!(&bench.orders[..], &[Order::Disarm][..]);
    }
}
