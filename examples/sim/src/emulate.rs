//! Firmware on an emulated board, in lockstep with the simulated robot: one plant for the host and
//! the board alike. The protocol is described in `examples/pico/emulator/README.md`.

use crate::cli::EmulateArgs;
use crate::plant::Bridge;
use crate::robots;
use crate::run::steps_in;
use crate::scenario::{Event, Expect, Scenario};
use crate::sensors::Imu;
use crate::world::{Reading, World};
use anyhow::{Context, Result, bail, ensure};
use balance_core::robot::RobotConfig;
use balance_core::sensor::ImuCounts;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// What happens to the board's robot.
static SCENARIO: Scenario = Scenario {
    name: "emulated_board",
    about: "released 10° off the vertical, pushed, and then its sensor dies",
    start_pitch: 10.0,
    slope: 0.0,
    payload: 0.0,
    jitter: 0.0,
    events: &[
        (4.0, Event::Push(0.25, 0.1)),
        (SENSOR_DIES, Event::BusDown(1e9)),
    ],
    seconds: SENSOR_DIES + 0.4,
    expect: Expect::Off("sensor_stale", 0.15),
};
/// Seconds after release at which the sensor stops answering.
const SENSOR_DIES: f64 = 10.0;
/// Within this time the motors must be off then.
const OFF_WITHIN: f64 = 0.15;
/// The largest lean that is borne, rad.
const MAX_TILT: f64 = 0.35;
/// The board is asked this often, µs; the sensor has a new sample every `SAMPLE`.
pub(crate) const EXCHANGE: u64 = 100;
pub(crate) const SAMPLE: u64 = 1000;
/// The arm button is pressed from 200 to 300 ms.
const BUTTON: std::ops::Range<u64> = 200_000..300_000;
/// If the robot has not begun to balance by then, it never will.
const PATIENCE: u64 = 4_000_000;

/// Sensor does not acknowledge; arm button pressed.
pub(crate) const ABSENT: u8 = 1;
const PRESSED: u8 = 2;

/// The board, a process of its own.
pub(crate) struct Board {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Board {
    /// Powers a board up; options are those of its server.
    pub(crate) fn start(server: &Path, image: &Path, options: &[&str]) -> Result<Self> {
        ensure!(
            image.is_file(),
            "there is no image {}: build it first",
            image.display()
        );
        ensure!(server.is_file(), "there is no board {}", server.display());
        let mut child = Command::new("node")
            .arg(server)
            .arg(image)
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start `node`: install Node.js 20 or later")?;
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("the board has no pipes");
        };
        Ok(Self {
            child,
            requests,
            answers: BufReader::new(answers),
        })
    }

    /// Asks for something, and hears the answer.
    pub(crate) fn ask(&mut self, request: &str) -> Result<String> {
        writeln!(self.requests, "{request}").context("the board has stopped")?;
        self.requests.flush()?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        ensure!(
            !answer.is_empty(),
            "the board has stopped; `npm ci` in its folder, if it never ran"
        );
        ensure!(
            !answer.starts_with("error"),
            "the board says: {}",
            answer.trim()
        );
        Ok(answer)
    }

    /// Runs for `EXCHANGE` and tells what the bridges do.
    pub(crate) fn step(
        &mut self,
        reading: &Reading,
        imu: &ImuCounts,
        flags: u8,
    ) -> Result<[Bridge; 2]> {
        let [left, right] = reading.encoders;
        let (bytes, battery) = (registers(imu), reading.battery_millivolts);
        let nanos = EXCHANGE * 1000;
        let answer = self.ask(&format!(
            "step {nanos} {bytes} {left} {right} {battery} {flags}"
        ))?;
        let words: Vec<&str> = answer.split_whitespace().collect();
        let ["pwm", numbers @ ..] = words.as_slice() else {
            bail!("no answer: {answer}")
        };
        let numbers: Vec<f64> = numbers
            .iter()
            .map(|word| word.parse())
            .collect::<Result<_, _>>()?;
        let [left, right, period, l1, l2, r1, r2, standby] = numbers[..] else {
            bail!("{} values instead of 8: {answer}", numbers.len());
        };
        let bridge = |duty: f64, forward: f64, backward: f64| match (forward > 0.0, backward > 0.0)
        {
            _ if standby == 0.0 => Bridge::Coast,
            (true, false) => Bridge::Duty(duty / period),
            (false, true) => Bridge::Duty(-duty / period),
            (true, true) => Bridge::Duty(0.0),
            (false, false) => Bridge::Coast,
        };
        Ok([bridge(left, l1, l2), bridge(right, r1, r2)])
    }

    /// Ends it; what it has measured.
    pub(crate) fn quit(mut self) -> Result<Value> {
        let answer = self.ask("quit")?;
        self.child.wait()?;
        serde_json::from_str(&answer).context("the board's summary is no JSON")
    }
}

/// The fourteen data registers of an MPU-6050, in hexadecimal.
fn registers(imu: &ImuCounts) -> String {
    let [ax, ay, az] = imu.accel;
    let [gx, gy, gz] = imu.gyro;
    [ax, ay, az, imu.temperature, gx, gy, gz]
        .map(|word| format!("{:04x}", word as u16))
        .concat()
}

/// What one run has shown.
struct Outcome {
    summary: Value,
    max_tilt: f64,
    upright: f64,
    off_after: Option<f64>,
    pitch: f64,
}

fn run(args: &EmulateArgs) -> Result<Outcome> {
    let robot = robots::find("pico_kit").context("the list of robots has no pico_kit")?;
    let scale = RobotConfig::<f32>::pico_kit().imu_scale;
    let mut world = World::new(&robot, &SCENARIO, scale, args.emulated.seed)?;
    let mut board = Board::start(&args.emulated.board, &args.emulated.image, &[])?;
    let mut reading = world.read();
    let mut imu = reading.imu.unwrap_or_default();
    let mut bridges = [Bridge::Coast; 2];
    let (mut now, mut max_tilt, mut off_at) = (0_u64, 0.0_f64, None);
    while world.since_release < SCENARIO.seconds {
        world.step(bridges, steps_in(EXCHANGE));
        now += EXCHANGE;
        if now.is_multiple_of(SAMPLE) {
            reading = world.read();
            imu = reading.imu.unwrap_or(imu);
        }
        let absent = if reading.imu.is_none() { ABSENT } else { 0 };
        let pressed = if BUTTON.contains(&now) { PRESSED } else { 0 };
        bridges = board.step(&reading, &imu, absent | pressed)?;
        let on = bridges.iter().any(|bridge| *bridge != Bridge::Coast);
        if world.released() {
            max_tilt = max_tilt.max(if off_at.is_none() {
                world.plant.state.pitch.abs()
            } else {
                0.0
            });
            if !on && world.since_release > 0.01 {
                off_at.get_or_insert(world.since_release);
            } else if on && off_at.is_some() {
                bail!(
                    "the motors came back on {:.3} s after release",
                    world.since_release
                );
            }
        } else if on {
            world.release();
        } else if now > PATIENCE {
            let summary = board.quit()?;
            bail!(
                "the robot never began to balance; the board says {}",
                summary["uart_lines"]
            );
        }
    }
    Ok(Outcome {
        summary: board.quit()?,
        max_tilt,
        upright: off_at.unwrap_or(world.since_release),
        off_after: off_at.map(|off| off - SENSOR_DIES),
        pitch: world.plant.state.pitch,
    })
}

impl Outcome {
    /// Whether it stood, was caught, and switched off in time; and what it was if not.
    fn verdict(&self) -> Result<()> {
        let tilt = self.max_tilt.to_degrees();
        ensure!(
            self.upright >= SENSOR_DIES,
            "off already {:.3} s after release",
            self.upright
        );
        ensure!(self.max_tilt < MAX_TILT, "leant by {tilt:.1}°");
        let off = self
            .off_after
            .context("the motors stayed on without a sensor")?;
        ensure!(
            off < OFF_WITHIN,
            "the motors went off only {off:.3} s after the sensor"
        );
        let missed = self.missed_upright();
        ensure!(missed == Some(0), "ticks missed while upright: {missed:?}");
        Ok(())
    }

    /// Ticks that the firmware says it missed while the robot stood. (While it sets its sensor up,
    /// before and after, it misses some: the motors are off.)
    fn missed_upright(&self) -> Option<u64> {
        let lines = self.summary["uart_lines"].as_array()?;
        let standing = lines
            .iter()
            .filter_map(Value::as_str)
            .filter(|l| l.contains(",balancing,"));
        let missed = |line: &str| line.rsplit(',').next()?.trim().parse::<u64>().ok();
        let mut counts = standing.map(missed);
        let first = counts.next()??;
        Some(counts.next_back()?? - first)
    }

    fn report(&self) -> Value {
        let mut report = self.summary.clone();
        report["missed_ticks_upright"] = json!(self.missed_upright());
        report["max_tilt_deg"] = json!((self.max_tilt.to_degrees() * 1e3).round() / 1e3);
        report["upright_s"] = json!((self.upright * 1e4).round() / 1e4);
        report["off_after_s"] = json!(self.off_after.map(|off| (off * 1e4).round() / 1e4));
        if let Some(map) = report.as_object_mut() {
            map.remove("uart_lines");
            map.remove("warnings");
        }
        report
    }
}

/// Runs the image against the plant, twice; whether all is as it ought to be.
pub fn emulate(args: &EmulateArgs) -> Result<bool> {
    let first = run(args)?;
    let second = run(args)?;
    let report = first.report();
    if args.json {
        println!("{report}");
    } else {
        println!("{report:#}");
    }
    if let Some(Value::String(line)) = first.summary["uart_lines"]
        .as_array()
        .and_then(|l| l.last())
    {
        eprintln!("last line of telemetry: {line}");
    }
    eprintln!(
        "pitch at the end: {:.1}° (fallen, as it must)",
        first.pitch.to_degrees()
    );
    let mut good = true;
    let mut complain = |what: String| {
        eprintln!("✗ {what}");
        good = false;
    };
    if let Err(error) = first.verdict() {
        complain(format!("{error:#}"));
    }
    if first.summary["sha256"] != second.summary["sha256"] {
        complain("two runs differ".into());
    }
    if let Some(path) = &args.expect {
        if args.bless {
            std::fs::write(path, format!("{report:#}\n"))?;
            eprintln!("blessed {}", path.display());
        } else {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}; --bless writes it", path.display()))?;
            for what in differences(&serde_json::from_str(&text)?, &report) {
                complain(what);
            }
        }
    }
    Ok(good)
}

/// What has got worse than expected: cycles of a tick by more than 2 %, missed ticks.
fn differences(expected: &Value, found: &Value) -> Vec<String> {
    let bounds = [
        ("/tick_cycles/mean", 1.02),
        ("/tick_cycles/max", 1.02),
        ("/missed_ticks", 1.0),
    ];
    let mut worse = Vec::new();
    for (pointer, factor) in bounds {
        let number = |value: &Value| value.pointer(pointer).and_then(Value::as_f64);
        match (number(expected), number(found)) {
            (Some(old), Some(new)) if new <= old * factor + 1e-9 => {}
            (old, new) => worse.push(format!("{pointer}: {new:?}, expected at most {old:?}")),
        }
    }
    worse
}

const _: () = assert!(steps_in(EXCHANGE) >= 1 && steps_in(EXCHANGE) <= Imu::EVERY);
