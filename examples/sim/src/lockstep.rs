//! An emulated board with a prompt around the simulated robot, and what may be wrong between them.

use crate::emulate::{ABSENT, Board, EXCHANGE, SAMPLE};
use crate::plant::Bridge;
use crate::robots::{self, Robot};
use crate::run::steps_in;
use crate::scenario::{Expect, Scenario};
use crate::world::{Reading, World};
use anyhow::{Context, Result, bail, ensure};
use balance_core::robot::RobotConfig;
use balance_core::sensor::{ImuCounts, ImuScale};
use serde_json::Value;
use std::path::Path;

/// Held at a few degrees, then let go; all else is up to whoever asks.
static FREE: Scenario = Scenario {
    name: "free",
    about: "stands until something is done to it",
    start_pitch: 3.0,
    slope: 0.0,
    payload: 0.0,
    jitter: 0.0,
    events: &[],
    seconds: f64::INFINITY,
    expect: Expect::Upright(90.0, f64::INFINITY),
};

/// What stands between the robot's sensors and its board.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Tamper {
    /// The sensor does not acknowledge.
    pub absent: bool,
    /// The sensor repeats its last reading.
    pub frozen: bool,
    /// The gyroscope is at the end of its range.
    pub saturated: bool,
    /// The cables of the encoders are off.
    pub unplugged: [bool; 2],
    /// The battery has so many mV.
    pub battery: Option<u16>,
}

/// Board and robot, in step.
pub(crate) struct Lockstep {
    pub world: World,
    pub tamper: Tamper,
    /// Since power-up, µs.
    pub now: u64,
    pub bridges: [Bridge; 2],
    robot: Robot,
    scale: ImuScale,
    seed: u64,
    board: Board,
    reading: Reading,
    imu: ImuCounts,
    /// What the board has been told of the wheels, and what they said then.
    counts: [i32; 2],
    wheels: [i32; 2],
    heard: String,
}

impl Lockstep {
    pub(crate) fn start(server: &Path, image: &Path, seed: u64) -> Result<Self> {
        let robot = robots::find("pico_kit").context("the list of robots has no pico_kit")?;
        let scale = RobotConfig::<f32>::pico_kit().imu_scale;
        let mut world = World::new(&robot, &FREE, scale, seed)?;
        let reading = world.read();
        Ok(Self {
            world,
            tamper: Tamper::default(),
            now: 0,
            bridges: [Bridge::Coast; 2],
            robot,
            scale,
            seed,
            board: Board::start(server, image, &["--line"])?,
            reading,
            imu: reading.imu.unwrap_or_default(),
            counts: [0; 2],
            wheels: reading.encoders,
            heard: String::new(),
        })
    }

    /// Whether a motor has power.
    pub(crate) fn is_on(&self) -> bool {
        self.bridges.iter().any(|bridge| *bridge != Bridge::Coast)
    }

    pub(crate) fn pitch(&self) -> f64 {
        self.world.plant.state.pitch
    }

    /// Lies on the floor, motors off.
    pub(crate) fn fallen_over(&self) -> bool {
        self.world.released() && !self.is_on() && self.pitch().abs() > 1.0
    }

    /// A tenth of a millisecond.
    pub(crate) fn step(&mut self) -> Result<()> {
        self.world.step(self.bridges, steps_in(EXCHANGE));
        self.now += EXCHANGE;
        if self.now.is_multiple_of(SAMPLE) {
            self.sample();
        }
        let reading = Reading {
            encoders: self.counts,
            battery_millivolts: self
                .tamper
                .battery
                .unwrap_or(self.reading.battery_millivolts),
            ..self.reading
        };
        let flags = if self.tamper.absent { ABSENT } else { 0 };
        self.bridges = self.board.step(&reading, &self.imu, flags)?;
        if self.is_on() && !self.world.released() {
            self.world.release();
        }
        Ok(())
    }

    fn sample(&mut self) {
        self.reading = self.world.read();
        let fresh = self.reading.imu.unwrap_or(self.imu);
        if !self.tamper.frozen {
            self.imu = fresh;
        }
        if self.tamper.saturated {
            self.imu.gyro = [i16::MAX; 3];
        }
        for side in 0..2 {
            let moved = self.reading.encoders[side] - self.wheels[side];
            if !self.tamper.unplugged[side] {
                self.counts[side] += moved;
            }
        }
        self.wheels = self.reading.encoders;
    }

    pub(crate) fn run(&mut self, milliseconds: u64) -> Result<()> {
        for _ in 0..milliseconds * 1000 / EXCHANGE {
            self.step()?;
        }
        Ok(())
    }

    /// Somebody stands the robot up again and holds it.
    pub(crate) fn stand_up(&mut self) -> Result<()> {
        self.seed += 1;
        self.world = World::new(&self.robot, &FREE, self.scale, self.seed)?;
        self.tamper = Tamper::default();
        self.reading = self.world.read();
        self.wheels = self.reading.encoders;
        Ok(())
    }

    pub(crate) fn fault(&mut self, what: &str) -> Result<()> {
        self.board.ask(&format!("fault {what}")).map(|_| ())
    }

    pub(crate) fn statistics(&mut self) -> Result<Value> {
        serde_json::from_str(&self.board.ask("stats")?).context("the statistics are no JSON")
    }

    pub(crate) fn quit(self) -> Result<Value> {
        self.board.quit()
    }

    /// Sends bytes to the prompt, at the pace of the line.
    pub(crate) fn talk(&mut self, bytes: &[u8]) -> Result<()> {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.board.ask(&format!("talk {hex}")).map(|_| ())
    }

    /// What has come over the line since the last call, when its last byte came (ms), and how many
    /// bytes have not yet reached the board.
    pub(crate) fn hear(&mut self) -> Result<(Vec<u8>, f64, usize)> {
        let answer = self.board.ask("heard")?;
        let words: Vec<&str> = answer.split_whitespace().collect();
        let ["heard", hex, nanos, waiting] = words[..] else {
            bail!("no answer: {answer}");
        };
        let bytes = (0..hex.len() / 2)
            .map(|k| u8::from_str_radix(&hex[2 * k..2 * k + 2], 16))
            .collect::<Result<_, _>>()?;
        Ok((bytes, nanos.parse::<f64>()? * 1e-6, waiting.parse()?))
    }

    /// What the prompt answers to a line, and how many ms later all of the answer was there.
    pub(crate) fn ask(&mut self, line: &str) -> Result<(String, f64)> {
        self.heard.clear();
        self.hear()?;
        self.talk(format!("{line}\r").as_bytes())?;
        let mut asked = None;
        for _ in 0..10_000 {
            self.step()?;
            let (bytes, when, waiting) = self.hear()?;
            self.heard.push_str(&String::from_utf8_lossy(&bytes));
            let now = self.now as f64 * 1e-3;
            if waiting == 0 {
                asked.get_or_insert(now);
            }
            let answer = self
                .heard
                .split_once(&format!("{line}\r\n"))
                .and_then(|(_, answer)| answer.strip_suffix("> "));
            if let (Some(answer), Some(asked)) = (answer, asked) {
                let answer = answer.trim_end().replace("\r\n", "\n");
                return Ok((answer, when - asked));
            }
        }
        bail!("no answer to {line} within a second: {:?}", self.heard)
    }

    /// How many ms after a question the whole of its answer is there, whatever noise came before.
    pub(crate) fn probe(&mut self) -> Result<f64> {
        self.heard.clear();
        // Ends whatever had begun: an escape sequence, a character, a line.
        self.talk(b"AA\r\n\r\nstatus\r")?;
        let mut asked = None;
        for _ in 0..10_000 {
            self.step()?;
            let (bytes, when, waiting) = self.hear()?;
            self.heard.push_str(&String::from_utf8_lossy(&bytes));
            if waiting == 0 {
                asked.get_or_insert(self.now as f64 * 1e-3);
            }
            let answered = self
                .heard
                .rsplit_once("balancing at ")
                .is_some_and(|(_, answer)| answer.ends_with(" V\r\n> "));
            if let (true, Some(asked)) = (answered, asked) {
                return Ok(when - asked);
            }
        }
        let statistics = self.statistics()?;
        bail!("no answer within a second: {:?}; {statistics}", self.heard)
    }

    /// Arms over the prompt and waits until the robot stands.
    pub(crate) fn balance(&mut self) -> Result<()> {
        let mut last = String::new();
        for _ in 0..4 {
            // After a bad end it wants somebody to have looked.
            self.ask("faults")?;
            self.ask("disarm")?;
            self.run(5)?;
            let (answer, _) = self.ask("arm")?;
            ensure!(answer == "ok", "arm: {answer}");
            for _ in 0..500 {
                self.run(10)?;
                if self.is_on() {
                    return Ok(());
                }
                let (status, _) = self.ask("status")?;
                let given_up = ["disarmed", "fallen", "faulted"];
                if given_up.iter().any(|word| status.starts_with(word)) {
                    last = status;
                    // It may be setting its sensor up.
                    self.run(400)?;
                    break;
                }
            }
        }
        bail!("the robot never began to balance: {last}")
    }
}
