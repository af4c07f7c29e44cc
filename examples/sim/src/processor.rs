//! The robot's brain on an emulated processor, in lockstep with the simulated robot: see
//! `examples/processor/README.md`.
//!
//! The host ticks beside it with the same inputs. What the processor answers moves the motors, and
//! every bit of it must be the host's.

#[path = "../../processor/src/wire.rs"]
mod wire;

use crate::cli::{ProcessorArgs, SCALARS};
use crate::plant::Bridge;
use crate::result::RunResult;
use crate::run::{self, RunSpec, Session, inputs};
use crate::{in_parallel, json, robots, scenario, table};
use anyhow::{Context, Result, ensure};
use balance_core::math::{Q12, Real};
use balance_core::robot::{Inputs, State};
use balance_core::time::Instant;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// An emulated processor.
struct Machine {
    name: &'static str,
    /// `None` where the image is a program of this computer.
    emulator: Option<&'static str>,
    options: &'static [&'static str],
    /// Ticks of its counter in so many instructions.
    ticks: [u64; 2],
}

const MACHINES: [Machine; 3] = [
    // An instruction takes 2^8 ns there, and SysTick counts at 168 MHz.
    Machine {
        name: "netduinoplus2",
        emulator: Some("qemu-system-arm"),
        options: &["-icount", "shift=8,align=off"],
        ticks: [5376, 125],
    },
    Machine {
        name: "virt",
        emulator: Some("qemu-system-riscv32"),
        options: &["-bios", "none", "-icount", "shift=0,align=off"],
        ticks: [1, 1],
    },
    Machine {
        name: "process",
        emulator: None,
        options: &[],
        ticks: [1, 1],
    },
];

/// Names of the machines.
pub fn machines() -> Vec<&'static str> {
    MACHINES.iter().map(|machine| machine.name).collect()
}

impl Machine {
    fn instructions(&self, counted: u32) -> u64 {
        let [ticks, instructions] = self.ticks;
        (u64::from(counted) * instructions + ticks / 2) / ticks
    }
}

/// A processor that runs, in a process of its own.
struct Processor {
    child: Child,
    /// `None` once hung up.
    requests: Option<ChildStdin>,
    answers: ChildStdout,
    count: u8,
}

impl Processor {
    /// Starts it with the robot and number type of a run.
    fn start(machine: &Machine, image: &Path, spec: &RunSpec) -> Result<Self> {
        let mut command = Command::new(machine.emulator.map_or(image, Path::new));
        if machine.emulator.is_some() {
            command
                .args(["-M", machine.name])
                .args(machine.options)
                .args(["-display", "none", "-monitor", "none", "-serial", "none"])
                .args(["-semihosting-config", "enable=on,target=native", "-kernel"])
                .arg(image);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| match machine.emulator {
                Some(emulator) => format!("cannot start `{emulator}`: install QEMU"),
                None => format!("cannot start {}", image.display()),
            })?;
        let (requests, answers) = (child.stdin.take(), child.stdout.take());
        let mut processor = Self {
            child,
            requests,
            answers: answers.context("the processor has no pipe")?,
            count: 0,
        };
        let known = wire::greeted(processor.hear()?).context("the image is none of these")?;
        let scalar = place(&wire::SCALARS, &spec.scalar)?;
        ensure!(
            known & 1 << scalar != 0,
            "the image does not compute in {}",
            spec.scalar
        );
        processor.say(&wire::begin(place(&wire::ROBOTS, &spec.robot)?, scalar))?;
        Ok(processor)
    }

    fn hear<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut record = [0; N];
        let heard = self.answers.read_exact(&mut record);
        heard.context("the processor has stopped")?;
        Ok(record)
    }

    fn say(&mut self, record: &[u8]) -> Result<()> {
        let requests = self.requests.as_mut().context("hung up")?;
        let said = requests.write_all(record).and_then(|()| requests.flush());
        said.context("the processor has stopped")
    }

    /// The tick at `now`, there; the count is that of the request.
    fn tick(&mut self, now: u64, inputs: &Inputs<f64>) -> Result<([u8; wire::ANSWER], u8)> {
        self.count = self.count.wrapping_add(1);
        self.say(&wire::request(
            Instant::from_micros(now),
            inputs,
            self.count,
        ))?;
        Ok((self.hear()?, self.count))
    }

    /// Hangs up, whereupon it ends by itself.
    fn end(mut self) -> Result<()> {
        self.requests = None;
        let status = self.child.wait()?;
        ensure!(status.success(), "the processor ended with {status}");
        Ok(())
    }
}

impl Drop for Processor {
    fn drop(&mut self) {
        // Both fail if it has ended, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn place(names: &[&str], name: &str) -> Result<u8> {
    let place = names.iter().position(|known| *known == name);
    let place = place.with_context(|| format!("no processor knows {name}"))?;
    Ok(u8::try_from(place)?)
}

/// What ticks have cost, in instructions.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    /// All ticks.
    ticks: u64,
    /// Those in which it balanced: the others have little to do, and do not count below.
    balancing: u64,
    sum: u64,
    most: u64,
}

impl Cost {
    fn add(&mut self, state: State, instructions: u64) {
        self.ticks += 1;
        if state == State::Balancing {
            self.balancing += 1;
            self.sum += instructions;
            self.most = self.most.max(instructions);
        }
    }

    fn join(self, other: Self) -> Self {
        Self {
            ticks: self.ticks + other.ticks,
            balancing: self.balancing + other.balancing,
            sum: self.sum + other.sum,
            most: self.most.max(other.most),
        }
    }
}

/// Runs the wanted scenarios on the emulated processor; whether each passed, and was the host's in
/// every bit.
pub fn processor(args: &ProcessorArgs) -> Result<bool> {
    let image = &args.image;
    ensure!(image.is_file(), "there is no image {}", image.display());
    let machine = MACHINES.iter().find(|known| known.name == args.machine);
    let machine = machine.context("no such machine")?;
    let mut specs = Vec::new();
    for scenario in wanted(&args.scenario, scenario::names()) {
        for robot in wanted(&args.robot, robots::geared()) {
            let scalars = wanted(&args.scalar, SCALARS.to_vec());
            specs.extend(scalars.into_iter().map(|scalar| RunSpec {
                scenario: scenario.to_owned(),
                robot: robot.to_owned(),
                controller: None,
                estimator: None,
                scalar: scalar.to_owned(),
                seed: args.seed,
            }));
        }
    }
    let runs = in_parallel(
        &specs,
        None,
        |spec| format!("{} · {}", spec.scenario, spec.robot),
        |spec| match spec.scalar.as_str() {
            "f32" => lockstep::<f32>(machine, image, spec),
            "f64" => lockstep::<f64>(machine, image, spec),
            _ => lockstep::<Q12>(machine, image, spec),
        },
    )?;
    let runs = runs.into_iter().collect::<Result<Vec<_>>>()?;
    let (results, costs): (Vec<RunResult>, Vec<Cost>) = runs.into_iter().unzip();
    let mut out = BufWriter::new(io::stdout().lock());
    if args.json {
        json::write(&results, &mut out)?;
    } else {
        table::write(&results, &mut out)?;
        for scalar in wanted(&args.scalar, SCALARS.to_vec()) {
            let same = results.iter().zip(&costs);
            let costs = same.filter(|(run, _)| run.scalar == scalar);
            let cost = costs.fold(Cost::default(), |sum, (_, cost)| sum.join(*cost));
            let all = cost.ticks;
            write!(
                out,
                "{scalar} on {}: {all} ticks beside the host's",
                machine.name
            )?;
            if machine.emulator.is_some() {
                let mean = cost.sum / cost.balancing.max(1);
                let most = cost.most;
                write!(
                    out,
                    "; one that balances takes {mean} instructions, at most {most}"
                )?;
            }
            writeln!(out)?;
        }
    }
    out.flush()?;
    Ok(results.iter().all(|run| run.pass))
}

fn wanted<'a>(chosen: &[String], all: Vec<&'a str>) -> Vec<&'a str> {
    let is_chosen = |name: &&str| chosen.is_empty() || chosen.iter().any(|one| one == name);
    all.into_iter().filter(is_chosen).collect()
}

/// A run with both brains, of which the processor's drives.
fn lockstep<T: Real>(machine: &Machine, image: &Path, spec: &RunSpec) -> Result<(RunResult, Cost)> {
    let robot = robots::find(&spec.robot).context("no such robot")?;
    let scenario = scenario::find(&spec.scenario).context("no such scenario")?;
    let config = robot.config::<T::Param>();
    let mut session: Session<T> = Session::new(&robot, scenario, &config, spec.seed)?;
    session.referee.traces = true;
    let mut processor = Processor::start(machine, image, spec)?;
    let steps = Session::<T>::steps(scenario);
    let (mut cost, mut differs) = (Cost::default(), None);
    while session.goes_on() {
        session.world.step(session.bridges, steps);
        let Some(outputs) = session.follow(steps) else {
            continue;
        };
        let reading = session.heard.context("a tick without a reading")?;
        let inputs = inputs::<f64>(&session.world, &reading, session.now);
        let (answer, count) = processor.tick(session.now, &inputs)?;
        let wanted = wire::answer(&outputs, count, 0);
        if answer[..wire::COMPARED] != wanted[..wire::COMPARED] {
            differs.get_or_insert(session.seconds());
        }
        let (duties, counted) = wire::answered(&answer);
        session.bridges = duties.map(|duty| duty.map_or(Bridge::Coast, Bridge::Duty));
        cost.add(outputs.state, machine.instructions(counted));
    }
    processor.end()?;
    let Session { world, referee, .. } = session;
    let mut result = referee.result(spec, &config.balance, &config.estimator, &world);
    let alone = run::run(spec);
    if let Some(seconds) = differs {
        result.pass = false;
        result.reason = format!("the processor is not the host from {seconds:.3} s on");
    } else if result.trace != alone.trace
        || serde_json::to_value(&result)? != serde_json::to_value(&alone)?
    {
        result.pass = false;
        result.reason = format!("another trajectory than the host's: {}", result.reason);
    }
    Ok((result, cost))
}

#[cfg(test)]
mod tests {
    use super::*;
    use balance_core::motor::Drive;
    use balance_core::robot::{Command as Wish, Outputs, Record, Stop};
    use balance_core::sensor::{ImuCounts, Sample};

    fn inputs() -> Inputs<f64> {
        let now = Instant::from_micros(0x1_2345_6789);
        Inputs {
            imu: Sample::good(
                now,
                ImuCounts {
                    accel: [1, -2, i16::MIN],
                    gyro: [i16::MAX, -5, 6],
                    temperature: 0,
                },
            ),
            encoders: Sample::failed(now, [i32::MIN, 70_000]),
            battery_millivolts: Some(11_100),
            command: Wish {
                arm: true,
                speed: -0.25,
                turn: 1.5,
            },
        }
    }

    #[test]
    fn a_request_arrives_as_it_was_sent() {
        for (command, battery) in [(-0.25, Some(11_100)), (f64::INFINITY, None)] {
            let mut sent = inputs();
            sent.command.speed = command;
            sent.battery_millivolts = battery;
            let bytes = wire::request(sent.imu.time, &sent, 200);
            let (now, heard, count) = wire::requested::<f64>(&bytes);
            assert_eq!((now, count), (sent.imu.time, 200));
            assert_eq!(format!("{heard:?}"), format!("{sent:?}"));
        }
    }

    #[test]
    fn every_field_of_an_answer_is_told() {
        let outputs = Outputs::<f32> {
            left: Drive::Duty(0.1),
            right: Drive::Brake,
            state: State::Balancing,
            stop: None,
            record: Record {
                pitch: 0.2,
                pitch_rate: 0.3,
                position: 0.4,
                speed: 0.5,
                ..Record::default()
            },
        };
        let told = wire::answer(&outputs, 7, 1234);
        assert_eq!(
            wire::answered(&told),
            ([Some(f64::from(0.1_f32)), Some(0.0)], 1234)
        );
        let mut others = [outputs; 9];
        others[0].left = Drive::Duty(0.100_000_01);
        others[1].right = Drive::Coast;
        others[2].state = State::Fallen;
        others[3].stop = Some(Stop::Tilt);
        others[4].stop = Some(Stop::LowBattery);
        others[5].record.pitch = -0.2;
        others[6].record.pitch_rate = f32::NAN;
        others[7].record.position = 0.0;
        others[8].record.speed = 0.6;
        for (place, other) in others.iter().enumerate() {
            let other = wire::answer(other, 7, 1234);
            assert_ne!(other[..wire::COMPARED], told[..wire::COMPARED], "{place}");
        }
        let dearer = wire::answer(&outputs, 7, 1235);
        assert_eq!(dearer[..wire::COMPARED], told[..wire::COMPARED]);
    }

    #[test]
    fn a_greeting_names_the_number_types() {
        assert_eq!(wire::greeted(wire::hello(0b101)), Some(0b101));
        assert_eq!(wire::greeted(*b"PANIC at"), None);
        assert_eq!(wire::begun(wire::begin(2, 1)), Some((2, 1)));
    }

    #[test]
    fn ticks_of_systick_are_instructions() {
        let [arm, ..] = &MACHINES;
        for instructions in [0, 1, 999, 1000, 100_000] {
            let ticks = instructions as f64 * 43.008;
            for counted in [ticks.floor(), ticks.ceil()] {
                assert_eq!(arm.instructions(counted as u32), instructions);
            }
        }
    }
}
