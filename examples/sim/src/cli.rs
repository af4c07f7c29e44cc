//! The command line.

use crate::{machine, processor, robots, run, scenario};
use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Simulates balancing robots: every scenario with every robot in every number type.
///
/// Exit status: 0 if all went well, 1 if a scenario failed, 2 if something could not be done.
#[derive(Debug, Parser)]
#[command(name = "balance-sim", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do; runs scenarios if left out.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of the default command.
    #[command(flatten)]
    pub run: RunArgs,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run scenarios (what happens without a command)
    Run(RunArgs),
    /// Run the estimators over recorded IMU logs and print their tilt errors
    Replay(ReplayArgs),
    /// Let a population of robots find their own gains while they balance
    Autotune(AutotuneArgs),
    /// Compare the controllers over all scenarios
    Compare(CompareArgs),
    /// Run a population of robots that differ from what was measured through every scenario
    MonteCarlo(MonteCarloArgs),
    /// Compare the tilt of all estimators with the truth while simulated robots balance
    Tilt(TiltArgs),
    /// Run the attitude filters over recorded logs with ground truth and print their errors beside
    /// those of other implementations
    Evaluate(EvaluateArgs),
    /// Start a population of three-phase motors without a sensor, and show step responses
    Motors(MotorsArgs),
    /// Run firmware on the emulated board against the simulated robot
    Emulate(EmulateArgs),
    /// Run scenarios with the robot's brain on an emulated processor, bit for bit beside the host's
    Processor(ProcessorArgs),
    /// Put the prompt of an emulated board that balances behind a TCP port
    Board(BoardArgs),
    /// Flood the prompt of an emulated board with noise while it balances
    Flood(FloodArgs),
    /// Break things on an emulated board while it balances: off or upright, each time
    Campaign(CampaignArgs),
    /// Let a robot stand for a day, pushed every minute, and look for what creeps
    Soak(SoakArgs),
    /// Let a robot stand in real time behind a TCP port, with the prompt and telemetry of a real one
    Serve(ServeArgs),
}

/// Which scenarios to run and what to show.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// Only this robot; may be repeated
    #[arg(long, value_name = "NAME", value_parser = names([robots::names(), machine::names()].concat()), hide_possible_values = true)]
    pub robot: Vec<String>,
    /// Only this scenario; may be repeated
    #[arg(long, value_name = "NAME", value_parser = names(all_scenarios()), hide_possible_values = true)]
    pub scenario: Vec<String>,
    /// Only this number type; may be repeated
    #[arg(long, value_name = "TYPE", value_parser = names(SCALARS.to_vec()))]
    pub scalar: Vec<String>,
    /// Controller instead of the robot's own
    #[arg(long, value_name = "NAME", value_parser = names(run::controllers()))]
    pub controller: Option<String>,
    /// Estimator instead of the robot's own
    #[arg(long, value_name = "NAME", value_parser = names(run::estimators()))]
    pub estimator: Option<String>,
    /// Seed of the sensor noise
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Print one JSON object a line instead of the table
    #[arg(long)]
    pub json: bool,
    /// Where to write the report [default: target/balance/report.html]
    #[arg(long, value_name = "PATH")]
    pub report: Option<PathBuf>,
    /// Write no report
    #[arg(long, conflicts_with = "report")]
    pub no_report: bool,
    /// List scenarios and robots and do nothing else
    #[arg(long)]
    pub list: bool,
}

/// The number types.
pub const SCALARS: [&str; 3] = ["f32", "f64", "fixed"];

/// Which logs to replay.
#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    /// Logs (.csv, or .f32.gz of the BROAD pack) [default: all in $BALANCE_DATA, else the
    /// excerpts in examples/sim/data]
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// Which robots shall tune themselves.
#[derive(Clone, Debug, Args)]
pub struct AutotuneArgs {
    /// How many robots
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub robots: u64,
    /// Every parameter of a robot is off by up to this share of itself
    #[arg(long, value_name = "SHARE", default_value_t = 0.3, value_parser = share)]
    pub spread: f64,
    /// Only this robot; may be repeated
    #[arg(long, value_name = "NAME", value_parser = names(robots::geared()), hide_possible_values = true)]
    pub robot: Vec<String>,
    /// Controller instead of the robot's own
    #[arg(long, value_name = "NAME", value_parser = names(run::tunable_controllers()))]
    pub controller: Option<String>,
    /// Number type
    #[arg(long, value_name = "TYPE", value_parser = names(SCALARS.to_vec()), default_value = "f32")]
    pub scalar: String,
    /// Seed of the population and its noise
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Threads [default: one for each core]; the result does not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Print one JSON object for each robot
    #[arg(long)]
    pub json: bool,
}

/// How to compare.
#[derive(Clone, Debug, Args)]
pub struct CompareArgs {
    /// Number type
    #[arg(long, value_name = "TYPE", value_parser = names(SCALARS.to_vec()), default_value = "f32")]
    pub scalar: String,
    /// Seed of the sensor noise
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// How many motors to start.
#[derive(Clone, Debug, Args)]
pub struct MotorsArgs {
    /// How many of each kind
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub motors: u64,
    /// Every constant of a motor is off by up to this share of itself
    #[arg(long, value_name = "SHARE", default_value_t = 0.3, value_parser = share)]
    pub spread: f64,
    /// Number type
    #[arg(long, value_name = "TYPE", value_parser = names(SCALARS.to_vec()), default_value = "f32")]
    pub scalar: String,
    /// Seed of the population
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Print one JSON object for each motor
    #[arg(long)]
    pub json: bool,
}

/// Which robots to run, and how many.
#[derive(Clone, Debug, Args)]
pub struct MonteCarloArgs {
    /// How many robots, over all shards
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub robots: u64,
    /// Every parameter of a robot is off by up to this share of itself
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, value_parser = share)]
    pub spread: f64,
    /// Only this robot; may be repeated
    #[arg(long, value_name = "NAME", value_parser = names(robots::geared()), hide_possible_values = true)]
    pub robot: Vec<String>,
    /// Only this scenario; may be repeated
    #[arg(long, value_name = "NAME", value_parser = names(scenario::names()), hide_possible_values = true)]
    pub scenario: Vec<String>,
    /// Only this controller; may be repeated
    #[arg(long, value_name = "NAME", value_parser = names(run::controllers()))]
    pub controller: Vec<String>,
    /// Number type
    #[arg(long, value_name = "TYPE", value_parser = names(SCALARS.to_vec()), default_value = "f32")]
    pub scalar: String,
    /// Seed of the population and its noise
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Threads [default: one for each core]; the result does not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Only the k-th of n parts, for a batch queue: 3/10
    #[arg(long, value_name = "K/N", default_value = "1/1", value_parser = shard)]
    pub shard: (u64, u64),
    /// Print one JSON object for each robot and controller; those of all shards make up the whole
    #[arg(long)]
    pub json: bool,
}

/// A share from 0 to 0.9.
fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=0.9).contains(&share) => Ok(share),
        _ => Err("expected a number from 0 to 0.9".into()),
    }
}

/// `k/n` with 1 ≤ k ≤ n.
fn shard(text: &str) -> Result<(u64, u64), String> {
    let parts = text.split_once('/');
    let parts = parts.and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
    match parts {
        Some((k, n)) if (1..=n).contains(&k) => Ok((k, n)),
        _ => Err("expected K/N, such as 3/10 for the third of ten parts".into()),
    }
}

/// How to compare estimators.
#[derive(Clone, Debug, Args)]
pub struct TiltArgs {
    /// Seed of the sensor noise
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// Which logs to evaluate on.
#[derive(Clone, Debug, Args)]
pub struct EvaluateArgs {
    /// Logs with ground truth (.csv, or .f32.gz of the BROAD pack) [default: all in $BALANCE_DATA or
    /// its folder broad, else the excerpts in examples/sim/data]
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print one JSON object a line instead of the tables
    #[arg(long)]
    pub json: bool,
    /// Tune on all logs but one and test on that one, for each: what a tuning is worth elsewhere
    #[arg(long, conflicts_with = "json")]
    pub leave_one_out: bool,
}

/// An emulated board, its firmware, and its chance.
#[derive(Clone, Debug, Args)]
pub struct EmulatedArgs {
    /// Firmware image; board, flood and campaign want one with a prompt
    #[arg(long, value_name = "PATH")]
    pub image: PathBuf,
    /// Server of the emulated board
    #[arg(
        long,
        value_name = "PATH",
        default_value = "examples/pico/emulator/serve.mjs"
    )]
    pub board: PathBuf,
    /// Seed of all that is left to chance: noise, times, durations
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// Which firmware to run on which board.
#[derive(Clone, Debug, Args)]
pub struct EmulateArgs {
    /// The board with its image
    #[command(flatten)]
    pub emulated: EmulatedArgs,
    /// Compare cycles and jitter with this file; fail if they have grown
    #[arg(long, value_name = "PATH")]
    pub expect: Option<PathBuf>,
    /// Write that file anew
    #[arg(long, requires = "expect")]
    pub bless: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// Which image to run on which processor, and through what.
#[derive(Clone, Debug, Args)]
pub struct ProcessorArgs {
    /// Image of `examples/processor` or `examples/c/closed_loop`; with `--machine process` a program
    #[arg(long, value_name = "PATH")]
    pub image: PathBuf,
    /// QEMU's machine: netduinoplus2 is an STM32F405 (Cortex-M4F), virt a RISC-V; process is none
    #[arg(long, value_name = "NAME", value_parser = names(processor::machines()))]
    pub machine: String,
    /// Only this robot; may be repeated
    #[arg(long, value_name = "NAME", value_parser = names(robots::geared()))]
    pub robot: Vec<String>,
    /// Only this scenario; may be repeated
    #[arg(long, value_name = "NAME", value_parser = names(scenario::names()), hide_possible_values = true)]
    pub scenario: Vec<String>,
    /// Only this number type; may be repeated
    #[arg(long, value_name = "TYPE", value_parser = names(SCALARS.to_vec()))]
    pub scalar: Vec<String>,
    /// Seed of the sensor noise
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Print one JSON object a line instead of the table
    #[arg(long)]
    pub json: bool,
}

/// Which image to put behind which port.
#[derive(Clone, Debug, Args)]
pub struct BoardArgs {
    /// The board with its image
    #[command(flatten)]
    pub emulated: EmulatedArgs,
    /// Port
    #[arg(long, value_name = "N", default_value_t = 7301)]
    pub port: u16,
}

/// How to flood the prompt of which image.
#[derive(Clone, Debug, Args)]
pub struct FloodArgs {
    /// The board with its image
    #[command(flatten)]
    pub emulated: EmulatedArgs,
    /// Seconds of flood
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "60")]
    pub seconds: f64,
}

/// How many faults to put into which image.
#[derive(Clone, Debug, Args)]
pub struct CampaignArgs {
    /// The board with its image
    #[command(flatten)]
    pub emulated: EmulatedArgs,
    /// Faults of each kind
    #[arg(long, value_name = "N", default_value_t = 25)]
    pub each: u32,
    /// Only these kinds
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub fault: Vec<String>,
}

/// Who stands, and for how long.
#[derive(Clone, Debug, Args)]
pub struct SoakArgs {
    /// The robot
    #[arg(long, value_name = "NAME", value_parser = names(robots::names()), default_value = "pico_kit")]
    pub robot: String,
    /// Number type
    #[arg(long, value_name = "TYPE", value_parser = names(SCALARS.to_vec()), default_value = "fixed")]
    pub scalar: String,
    /// Hours
    #[arg(long, value_name = "HOURS", default_value_t = 24.0)]
    pub hours: f64,
    /// Seed of the sensor noise
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// What can be wrong with a robot that somebody has put together.
pub const MISWIRED: [&str; 10] = [
    "motor-left",
    "motor-right",
    "encoder-left",
    "encoder-right",
    "unplugged-left",
    "unplugged-right",
    "crossed",
    "board-90",
    "board-180",
    "board-upside-down",
];

/// Which robot to serve, and where.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// The robot
    #[arg(long, value_name = "NAME", value_parser = names(robots::names()), default_value = "pico_kit")]
    pub robot: String,
    /// Number type
    #[arg(long, value_name = "TYPE", value_parser = names(SCALARS.to_vec()), default_value = "fixed")]
    pub scalar: String,
    /// Where to listen: this computer only, unless told otherwise
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub address: String,
    /// Port
    #[arg(long, value_name = "N", default_value_t = 7300)]
    pub port: u16,
    /// Put the robot together wrongly, for practice
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = names(MISWIRED.to_vec()))]
    pub miswired: Vec<String>,
    /// Push the robot every so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub push_every: Option<f64>,
    /// Where it keeps its parameters
    #[arg(
        long,
        value_name = "PATH",
        default_value = "target/balance/parameters.bin"
    )]
    pub store: PathBuf,
    /// Seed of the sensor noise
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.5..=1e6).contains(&seconds) => Ok(seconds),
        _ => Err("expected half a second or more".into()),
    }
}

/// Those of the balancing robots, then those of the other machines.
fn all_scenarios() -> Vec<&'static str> {
    let courses = machine::courses().map(|(_, course)| course.name);
    scenario::names().into_iter().chain(courses).collect()
}

/// Accepts these names only; the message about another lists them and the closest.
fn names(names: Vec<&'static str>) -> PossibleValuesParser {
    PossibleValuesParser::new(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_without_a_command_are_those_of_run() {
        let cli = Cli::try_parse_from(["balance-sim", "--scalar", "fixed", "--seed", "7"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(
            (cli.run.scalar, cli.run.seed),
            (vec!["fixed".to_owned()], 7)
        );
    }
}
