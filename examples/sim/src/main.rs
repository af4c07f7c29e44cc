//! Simulates balancing robots that run the same tick as the firmware.
#![allow(unreachable_pub, reason = "a binary has no outside")]

mod arm;
mod autotune;
mod board;
mod campaign;
mod cli;
mod compare;
mod emulate;
mod evaluate;
mod flood;
mod json;
mod lanes;
mod leave_one_out;
mod lockstep;
mod log;
mod machine;
mod margins;
mod monte_carlo;
mod motors;
mod plant;
mod population;
mod processor;
mod quad;
mod replay;
mod report;
mod result;
mod robots;
mod run;
mod scenario;
mod sensors;
mod serve;
mod soak;
mod steppers;
mod table;
mod tilt_errors;
mod world;

use crate::cli::{Cli, Command, RunArgs, SCALARS};
use crate::result::RunResult;
use crate::run::RunSpec;
use anyhow::{Context, Result, anyhow, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        None => simulate(&cli.run),
        Some(Command::Run(args)) => simulate(&args),
        Some(Command::Replay(args)) => replay::replay(&args).map(|()| true),
        Some(Command::Autotune(args)) => autotune::autotune(&args),
        Some(Command::Compare(args)) => compare::compare(&args).map(|()| true),
        Some(Command::MonteCarlo(args)) => monte_carlo::monte_carlo(&args).map(|()| true),
        Some(Command::Tilt(args)) => tilt_errors::tilt(&args).map(|()| true),
        Some(Command::Evaluate(args)) => evaluate::evaluate(&args).map(|()| true),
        Some(Command::Motors(args)) => motors::motors(&args),
        Some(Command::Emulate(args)) => emulate::emulate(&args),
        Some(Command::Processor(args)) => processor::processor(&args),
        Some(Command::Board(args)) => board::board(&args),
        Some(Command::Flood(args)) => flood::flood(&args),
        Some(Command::Campaign(args)) => campaign::campaign(&args),
        Some(Command::Soak(args)) => soak::soak(&args),
        Some(Command::Serve(args)) => serve::serve(&args).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        // Whoever reads our output has seen enough of it.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let mut causes = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// The folder of the workspace; the current folder if the sources are no longer where they were.
fn workspace() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap_or_default()
}

/// Runs scenarios and shows them; whether all passed.
fn simulate(args: &RunArgs) -> Result<bool> {
    let mut out = BufWriter::new(io::stdout().lock());
    if args.list {
        list(&mut out)?;
        return Ok(true);
    }
    let report = match &args.report {
        _ if args.no_report => None,
        Some(path) => {
            report::may_write(path)?;
            Some(path.clone())
        }
        None => Some(workspace().join("target/balance/report.html")),
    };
    let specs = specs(args);
    ensure!(
        !specs.is_empty(),
        "none of these scenarios is one of these robots' (--list tells whose is whose)"
    );
    let results = run_all(&specs)?;
    if args.json {
        json::write(&results, &mut out)?;
    } else {
        table::write(&results, &mut out)?;
    }
    out.flush()?;
    if let Some(path) = report {
        report::write(&results, &path)?;
        eprintln!("report: {}", path.display());
    }
    Ok(results.iter().all(|run| run.pass))
}

fn list(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "Scenarios (--scenario NAME):")?;
    for name in scenario::names() {
        writeln!(out, "  {name:<24} {}", scenario::describe(name))?;
    }
    for (_, course) in machine::courses() {
        writeln!(out, "  {:<24} {}", course.name, course.about)?;
    }
    writeln!(out, "\nRobots (--robot NAME):")?;
    for name in robots::names() {
        writeln!(out, "  {name:<24} {}", robots::describe(name))?;
    }
    for (name, about) in machine::machines() {
        writeln!(out, "  {name:<24} {about}")?;
    }
    out.flush()
}

/// Every wanted scenario with every wanted robot in every wanted number type, in this order.
fn specs(args: &RunArgs) -> Vec<RunSpec> {
    fn wanted(chosen: &[String], all: &[&str]) -> Vec<String> {
        let all = all.iter().map(|name| (*name).to_owned());
        all.filter(|name| chosen.is_empty() || chosen.contains(name))
            .collect()
    }
    // Model predictive control of steppers is not there; who names the robot is told so.
    let all = match args.controller.as_deref() {
        Some("mpc") if args.robot.is_empty() => robots::geared(),
        _ => robots::names(),
    };
    let robots = wanted(&args.robot, &all);
    let scalars = wanted(&args.scalar, &SCALARS);
    let mut specs = Vec::new();
    for scenario in wanted(&args.scenario, &scenario::names()) {
        for robot in &robots {
            specs.extend(scalars.iter().map(|scalar| RunSpec {
                scenario: scenario.clone(),
                robot: robot.clone(),
                controller: args.controller.clone(),
                estimator: args.estimator.clone(),
                scalar: scalar.clone(),
                seed: args.seed,
            }));
        }
    }
    // They have controllers of their own.
    if args.controller.is_some() || args.estimator.is_some() {
        return specs;
    }
    let machines = wanted(&args.robot, &machine::names());
    let courses: Vec<&str> = machine::courses().map(|(_, course)| course.name).collect();
    let courses = wanted(&args.scenario, &courses);
    for (robot, course) in machine::courses() {
        if machines.iter().all(|name| name != robot) || courses.iter().all(|c| c != course.name) {
            continue;
        }
        specs.extend(scalars.iter().map(|scalar| RunSpec {
            scenario: course.name.to_owned(),
            robot: robot.to_owned(),
            controller: None,
            estimator: None,
            scalar: scalar.clone(),
            seed: args.seed,
        }));
    }
    specs
}

/// Runs on all cores; results in the order of `specs`.
fn run_all(specs: &[RunSpec]) -> Result<Vec<RunResult>> {
    in_parallel(
        specs,
        None,
        |spec| format!("{} · {}", spec.scenario, spec.robot),
        run::run,
    )
}

/// Does something with every item on all cores, or on so many threads; results in the order of
/// the items.
fn in_parallel<I: Sync, O: Send>(
    items: &[I],
    threads: Option<usize>,
    about: impl Fn(&I) -> String + Sync,
    action: impl Fn(&I) -> O + Sync,
) -> Result<Vec<O>> {
    let bar = ProgressBar::with_draw_target(Some(items.len() as u64), ProgressDrawTarget::stderr());
    bar.set_style(ProgressStyle::with_template(
        "{bar:40} {pos}/{len} {eta} {msg}",
    )?);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some((index, item)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            items.get(index).map(|item| (index, item))
        } {
            bar.set_message(about(item));
            done.push((index, action(item)));
            bar.inc(1);
        }
        done
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let workers = threads.unwrap_or(cores).clamp(1, items.len().max(1));
    let mut results = Vec::with_capacity(items.len());
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            let done = worker
                .join()
                .map_err(|_| anyhow!("a simulation panicked (see above)"));
            results.extend(done.context("this is a bug of the simulator")?);
        }
        anyhow::Ok(())
    })?;
    bar.finish_and_clear();
    results.sort_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}
