//! `count`: what a step costs on microcontrollers, counted in emulation.

mod image;
mod measure;
mod report;
mod results;
mod target;

use anyhow::{Result, bail, ensure};
use clap::Parser;
use image::{Images, Subject};
use measure::{Cost, Counter};
use results::{Growth, Loop, Row, compare};
use std::path::{Path, PathBuf};
use target::Target;

/// Counts the instructions of every case of `benches/cases`, exactly, in QEMU: median, largest and
/// spread over 600 steps; flash beyond an empty image, state and stack.
#[derive(Parser)]
#[command(name = "count")]
struct Arguments {
    /// The case of this name, or those with this in their names; all without.
    #[arg(long)]
    case: Vec<String>,
    /// Scalar types: f32, f64, fixed; all without.
    #[arg(long)]
    scalar: Vec<String>,
    /// Processors; all without.
    #[arg(long, value_enum)]
    target: Vec<Target>,
    /// The published crates of `benches/peers` as well.
    #[arg(long)]
    peers: bool,
    /// Compares with the results in the repository, of the processors named or of all; growth by
    /// more than 2 % is an error.
    #[arg(long)]
    check: bool,
    /// Replaces the results in the repository. What has grown is kept with this reason.
    #[arg(long, value_name = "REASON")]
    bless: Option<String>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()?;
    let all_cases = arguments.case.is_empty() && arguments.scalar.is_empty();
    let kept = arguments.check || arguments.bless.is_some();
    ensure!(all_cases || !kept, "only all cases are compared or kept");
    ensure!(
        arguments.target.is_empty() || arguments.bless.is_none(),
        "only the results of all processors are kept"
    );

    let counter = Counter::compile(&root)?;
    let ours = measure(&root, &counter, "cases", cases::ENTRIES, &arguments)?;
    let theirs = if arguments.peers || kept {
        measure(&root, &counter, "peers", peers::ENTRIES, &arguments)?
    } else {
        Vec::new()
    };
    ensure!(
        !ours.is_empty() || !theirs.is_empty(),
        "no case has these names"
    );

    let results = Results::at(&root);
    if kept {
        let loops = measure_loops(&root, &counter)?;
        let measured = Measured {
            ours,
            theirs,
            loops,
        };
        match &arguments.bless {
            Some(reason) => results.replace(&measured, reason)?,
            None => results.check(&measured, &arguments.target)?,
        }
    }
    Ok(())
}

/// All that is kept.
struct Measured {
    ours: Vec<Row>,
    theirs: Vec<Row>,
    loops: Vec<Loop>,
}

/// The programs that stand beside MicroPython's, on a Pico.
const LOOPS: [(&str, &str); 2] = [
    ("tilt_pid_from_bytes", ""),
    (
        "robot_tick",
        "the whole robot, which balances: mounting, calibration, Kalman filter, state feedback, duties, supervisor",
    ),
];

fn measure_loops(root: &Path, counter: &Counter) -> Result<Vec<Loop>> {
    const CYCLES_PER_MICROSECOND: f64 = 125.0;
    let all: Vec<Subject> = subjects(cases::ENTRIES).collect();
    let images = Images::generate(root, "cases", &all)?;
    let mut loops = Vec::new();
    for (case, remark) in LOOPS {
        let chosen: Vec<Subject> = all
            .iter()
            .filter(|subject| subject.name == case)
            .cloned()
            .collect();
        images.build(Target::Rp2040, &chosen)?;
        for subject in &chosen {
            let cost =
                counter.measure(root, Target::Rp2040, &images.path(Target::Rp2040, subject))?;
            let micros = |cycles: f64| (cycles / CYCLES_PER_MICROSECOND * 10.0).round() / 10.0;
            loops.push(Loop {
                program: format!("`{case}` in {}", subject.scalar),
                mean: micros(cost.mean),
                max: micros(cost.most as f64),
                remark: remark.to_owned(),
            });
        }
    }
    for Loop {
        program, mean, max, ..
    } in &loops
    {
        println!("{program}: {mean} µs, at most {max} µs");
    }
    Ok(loops)
}

/// Builds and counts the chosen cases of a crate, and prints them.
fn measure(
    root: &Path,
    counter: &Counter,
    package: &'static str,
    entries: &[cases::Entry],
    arguments: &Arguments,
) -> Result<Vec<Row>> {
    let all: Vec<Subject> = subjects(entries).collect();
    let is_chosen = |subject: &Subject| {
        let named = |case: &String| is_meant(case, subject.name);
        let typed = |scalar: &String| scalar == subject.scalar;
        (arguments.case.is_empty() || arguments.case.iter().any(named))
            && (arguments.scalar.is_empty() || arguments.scalar.iter().any(typed))
    };
    let chosen: Vec<Subject> = all
        .iter()
        .filter(|subject| is_chosen(subject))
        .cloned()
        .collect();
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let targets: &[Target] = if arguments.target.is_empty() {
        &Target::ALL
    } else {
        &arguments.target
    };
    let images = Images::generate(root, package, &all)?;
    println!(
        "{:26} {:6} {:8} {:>7} {:>7} {:>7} {:>7} {:>7} {:>6} {:>6}",
        package,
        "scalar",
        "target",
        "median",
        "max",
        "spread",
        "flash",
        "of step",
        "state",
        "stack"
    );
    let mut rows = Vec::new();
    for &target in targets {
        images.build(target, &chosen)?;
        let costs = in_parallel(&chosen, |subject| {
            counter.measure(root, target, &images.path(target, subject))
        });
        for (subject, cost) in chosen.iter().zip(costs) {
            let cost = cost?;
            print(subject, target, &cost);
            rows.push(Row::new(subject.name, subject.scalar, target, &cost));
        }
    }
    Ok(rows)
}

/// The results in the order of the inputs.
fn in_parallel<I: Sync, O: Send>(inputs: &[I], work: impl Fn(&I) -> O + Sync) -> Vec<O> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = inputs.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = inputs
            .chunks(share)
            .map(|inputs| scope.spawn(move || inputs.iter().map(work).collect::<Vec<O>>()))
            .collect();
        let results = threads.into_iter().map(|thread| match thread.join() {
            Ok(results) => results,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        results.flatten().collect()
    })
}

/// A full name means that case alone.
fn is_meant(wanted: &str, name: &str) -> bool {
    let mut entries = cases::ENTRIES.iter().chain(peers::ENTRIES);
    if entries.any(|entry| entry.name == wanted) {
        wanted == name
    } else {
        name.contains(wanted)
    }
}

fn print(subject: &Subject, target: Target, cost: &Cost) {
    println!(
        "{:26} {:6} {:8} {:>7} {:>7} {:>7} {:>7} {:>7} {:>6} {:>6}",
        subject.name,
        subject.scalar,
        target.name(),
        cost.median,
        cost.most,
        cost.most - cost.least,
        cost.flash,
        cost.flash_of_step,
        cost.state,
        cost.stack,
    );
}

fn subjects(entries: &[cases::Entry]) -> impl Iterator<Item = Subject> {
    entries.iter().flat_map(|entry| {
        entry.scalars.iter().map(|scalar| Subject {
            name: entry.name,
            path: entry.path,
            scalar,
        })
    })
}

/// The files in `benches/results`, and the page made of them.
struct Results {
    folder: PathBuf,
    page: PathBuf,
}

impl Results {
    fn at(root: &Path) -> Self {
        Self {
            folder: root.join("benches/results"),
            page: root.join("benches/README.md"),
        }
    }
    fn ours(&self) -> PathBuf {
        self.folder.join("instructions.csv")
    }
    fn theirs(&self) -> PathBuf {
        self.folder.join("peers.csv")
    }
    fn blessed(&self) -> PathBuf {
        self.folder.join("blessed.csv")
    }

    fn loops(&self) -> PathBuf {
        self.folder.join("loop.csv")
    }

    fn check(
        &self,
        Measured {
            ours,
            theirs,
            loops,
        }: &Measured,
        targets: &[Target],
    ) -> Result<()> {
        let before = |path: &Path| -> Result<Vec<Row>> {
            let mut rows: Vec<Row> = results::read(path)?;
            rows.retain(|row| {
                targets.is_empty() || targets.iter().any(|target| target.name() == row.target)
            });
            Ok(rows)
        };
        let comparison = compare(&before(&self.ours())?, ours);
        let differing = compare(&before(&self.theirs())?, theirs);
        for Growth {
            case,
            scalar,
            target,
            quantity,
            before,
            after,
            ..
        } in &comparison.grown
        {
            eprintln!("{case} {scalar} {target}: {quantity} has grown from {before} to {after}");
        }
        for (rows, what) in [
            (&comparison.new, "has no results yet"),
            (&comparison.gone, "has results and is no more"),
        ] {
            for Row {
                case,
                scalar,
                target,
                ..
            } in rows
            {
                eprintln!("{case} {scalar} {target} {what}");
            }
        }
        let peers = differing.grown.len() + differing.new.len() + differing.gone.len();
        if peers > 0 {
            eprintln!("{peers} figures of peers differ from benches/results/peers.csv");
        }
        let slower = Loop::slower(&results::read(&self.loops())?, loops);
        for program in &slower {
            eprintln!("{program} takes longer on a Pico, or is new");
        }
        let page_is_current =
            report::page(&self.folder)? == std::fs::read_to_string(&self.page).unwrap_or_default();
        if !page_is_current {
            eprintln!("benches/README.md is not what the results make of it");
        }
        if comparison.grown.is_empty()
            && comparison.new.is_empty()
            && comparison.gone.is_empty()
            && peers == 0
            && slower.is_empty()
            && page_is_current
        {
            println!(
                "No figure has grown by more than 2 %; {} have shrunk.",
                comparison.shrunk
            );
            return Ok(());
        }
        bail!(
            "The results in benches/results are not those of this code.\n\
             Make it small again; or, if the cost is worth it, say why and commit the files:\n\
             \x20   .ci/bench --bless \"the reason, for whoever wonders later\""
        );
    }

    fn replace(
        &self,
        Measured {
            ours,
            theirs,
            loops,
        }: &Measured,
        reason: &str,
    ) -> Result<()> {
        let grown = compare(&results::read(&self.ours())?, ours).grown;
        ensure!(
            grown.is_empty() || !reason.trim().is_empty(),
            "growth needs a reason"
        );
        let mut blessed: Vec<Growth> = results::read(&self.blessed())?;
        blessed.extend(grown.into_iter().map(|growth| Growth {
            reason: reason.to_owned(),
            ..growth
        }));
        results::write(&self.ours(), ours)?;
        results::write(&self.theirs(), theirs)?;
        results::write(&self.loops(), loops)?;
        if !blessed.is_empty() {
            results::write(&self.blessed(), &blessed)?;
        }
        std::fs::write(&self.page, report::page(&self.folder)?)?;
        println!("benches/results and benches/README.md are those of this code now.");
        Ok(())
    }
}
