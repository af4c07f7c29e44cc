//! `count`: what a step costs on microcontrollers, counted in emulation.

mod image;
mod measure;
mod target;

use anyhow::{Result, ensure};
use clap::Parser;
use image::{Images, Subject};
use measure::{Cost, Counter};
use std::path::Path;
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
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()?;
    let all: Vec<Subject> = subjects().collect();
    let chosen: Vec<Subject> = all
        .iter()
        .filter(|subject| {
            (arguments.case.is_empty()
                || arguments
                    .case
                    .iter()
                    .any(|case| is_meant(case, subject.name)))
                && (arguments.scalar.is_empty()
                    || arguments
                        .scalar
                        .iter()
                        .any(|scalar| scalar == subject.scalar))
        })
        .cloned()
        .collect();
    ensure!(!chosen.is_empty(), "no case has these names");
    let targets = if arguments.target.is_empty() {
        Target::ALL.to_vec()
    } else {
        arguments.target
    };

    let images = Images::generate(&root, "cases", &all)?;
    let counter = Counter::compile(&root)?;
    println!(
        "{:22} {:6} {:8} {:>7} {:>7} {:>7} {:>7} {:>7} {:>6} {:>6}",
        "case", "scalar", "target", "median", "max", "spread", "flash", "of step", "state", "stack"
    );
    for target in targets {
        images.build(target, &chosen)?;
        for subject in &chosen {
            let cost = counter.measure(target, &images.path(target, subject))?;
            print(subject, target, &cost);
        }
    }
    Ok(())
}

/// A full name means that case alone.
fn is_meant(wanted: &str, name: &str) -> bool {
    if cases::ENTRIES.iter().any(|entry| entry.name == wanted) {
        wanted == name
    } else {
        name.contains(wanted)
    }
}

fn print(subject: &Subject, target: Target, cost: &Cost) {
    println!(
        "{:22} {:6} {:8} {:>7} {:>7} {:>7} {:>7} {:>7} {:>6} {:>6}",
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

fn subjects() -> impl Iterator<Item = Subject> {
    cases::ENTRIES.iter().flat_map(|entry| {
        entry.scalars.iter().map(|scalar| Subject {
            name: entry.name,
            path: entry.path,
            scalar,
        })
    })
}
