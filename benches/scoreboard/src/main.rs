//! Runs the conformance kit over balance-core and its peers.
//!
//! `cargo run --release` writes `benches/results/conformance.csv` and `benches/SCOREBOARD.md`;
//! with `--check` it compares them with what is committed, and fails if one of ours breaks a law;
//! `cargo run --release -- SUBJECT` prints the counter-examples of the subjects whose name
//! contains the word.

mod board;
mod ours;
mod peers;

use balance_conformance::{Effort, Fault, Finding, Verdict};
use board::{Board, Entry};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const EFFORT: Effort = Effort { cases: 24 };

fn board() -> Board {
    let mut board = Board::default();
    ours::add(&mut board);
    peers::add(&mut board);
    board
        .entries
        .sort_by_key(|entry| (rank(entry.kind), !entry.ours));
    board
}

fn rank(kind: &str) -> usize {
    let order = [
        "controller",
        "tilt",
        "up vector",
        "attitude",
        "tracker",
        "filter",
    ];
    order
        .iter()
        .position(|name| *name == kind)
        .unwrap_or(order.len())
}

/// Examines all on two threads; the order of the answer is that of the entries.
fn examine(entries: &[Entry]) -> Vec<(&Entry, Vec<Finding>)> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((k, entry)) = {
                    let k = next.fetch_add(1, Ordering::Relaxed);
                    entries.get(k).map(|entry| (k, entry))
                } {
                    let findings = entry.examine(EFFORT);
                    if let Ok(mut found) = found.lock() {
                        found.push((k, entry, findings));
                    }
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_default();
    found.sort_by_key(|(k, ..)| *k);
    found
        .into_iter()
        .map(|(_, entry, findings)| (entry, findings))
        .collect()
}

fn main() -> ExitCode {
    // Some peers panic on bad input: that is a finding, not a message.
    std::panic::set_hook(Box::new(|_| {}));
    let board = board();
    match std::env::args().nth(1).as_deref() {
        None => publish(&examine(&board.entries), false),
        Some("--check") => publish(&examine(&board.entries), true),
        Some(word) => explain(&board, word),
    }
}

fn explain(board: &Board, word: &str) -> ExitCode {
    for entry in board
        .entries
        .iter()
        .filter(|entry| entry.name.contains(word))
    {
        for finding in entry.examine(EFFORT) {
            if let Verdict::Fail(example) = finding.verdict {
                println!("// {} {}\n{example}", entry.name, entry.version);
            }
        }
    }
    ExitCode::SUCCESS
}

fn publish(results: &[(&Entry, Vec<Finding>)], check: bool) -> ExitCode {
    let benches = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let table = format!("{}{}{}", HEAD, summary(results), board::table(results));
    let files = [
        ("results/conformance.csv", board::csv(results)),
        ("SCOREBOARD.md", table.clone()),
    ];
    let mut good = true;
    for (name, text) in files {
        let path = benches.join(name);
        if check {
            let same = std::fs::read_to_string(&path).is_ok_and(|committed| committed == text);
            if !same {
                eprintln!("benches/{name} is not what the scoreboard says");
                good = false;
            }
        } else if let Err(error) = std::fs::write(&path, text) {
            eprintln!("{}: {error}", path.display());
            good = false;
        }
    }
    let readme = benches.join("README.md");
    if let (false, Ok(text)) = (check, std::fs::read_to_string(&readme))
        && let Some(text) = with_section(&text, &table)
        && let Err(error) = std::fs::write(&readme, text)
    {
        eprintln!("{}: {error}", readme.display());
        good = false;
    }
    for (entry, findings) in results.iter().filter(|(entry, _)| entry.ours) {
        for finding in findings {
            if let Verdict::Fail(example) = &finding.verdict {
                eprintln!("{} breaks a law\n{example}", entry.name);
                good = false;
            }
        }
    }
    for name in ours::not_examined() {
        eprintln!("{name} of balance-core has no row");
        good = false;
    }
    println!("{}", summary(results));
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The text with the section between the two marks replaced, where it has one.
fn with_section(text: &str, section: &str) -> Option<String> {
    let (begin, end) = ("<!-- scoreboard:begin -->", "<!-- scoreboard:end -->");
    let (before, rest) = text.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}\n{section}{end}{after}"))
}

const HEAD: &str = "\
## Scoreboard

The [conformance kit](conformance/README.md) over every algorithm of balance-core and over its
published peers, written by `cargo run --release` in `benches/scoreboard`; each law and fault is in
[`results/conformance.csv`](results/conformance.csv), and `cargo run --release -- NAME` prints the
shortest input that breaks each law. *n of m fail* counts faults.

Each peer is used as its documentation shows, in the type it is written for. Where a crate has no
limit of the output, the caller clamps; where it answers with an error, the caller keeps the last
output; where it takes integers or a `Duration`, NaN becomes zero and a negative time none. A dash:
the crate has no such thing (a reset, a change of gains, a period per step, a covariance).
";

/// What a reader wants to know first.
fn summary(results: &[(&Entry, Vec<Finding>)]) -> String {
    let mut text = String::new();
    let fails = |findings: &[Finding], law: &str, fault: &str| {
        findings.iter().any(|finding| {
            finding.law.name() == law
                && finding.verdict.is_fail()
                && finding.fault.is_some_and(|f| f.to_string() == fault)
        })
    };
    for (whom, ours) in [("of balance-core", true), ("of its peers", false)] {
        let all: Vec<_> = results
            .iter()
            .filter(|(entry, _)| entry.ours == ours)
            .collect();
        let sound = all
            .iter()
            .filter(|(_, findings)| !findings.iter().any(|f| f.verdict.is_fail()))
            .count();
        // Numbers that no sensor sends: finite, and yet their squares are not.
        let absurd = |f: &Finding| {
            f.fault
                .is_some_and(|f| matches!(f, Fault::Large(_) | Fault::Huge(_)))
        };
        let nearly = all
            .iter()
            .filter(|(_, findings)| !findings.iter().any(|f| f.verdict.is_fail() && !absurd(f)))
            .count();
        let absurd = if nearly > sound {
            format!("; {nearly} if 1e38 and 1e308 do not count")
        } else {
            String::new()
        };
        let all = all.len();
        text.push_str(&format!(
            "\n- {sound} of {all} subjects {whom} break no law{absurd}."
        ));
    }
    let peers = || results.iter().filter(|(entry, _)| !entry.ours);
    for (kind, fault, what) in [
        ("controller", "nan_measured", "a NaN from its sensor"),
        ("attitude", "nan_gyro", "a NaN from its gyroscope"),
        ("attitude", "nan_accel", "a NaN from its accelerometer"),
        ("tracker", "nan_measured", "a NaN from its sensor"),
    ] {
        let of_kind: Vec<_> = peers().filter(|(entry, _)| entry.kind == kind).collect();
        let lost = of_kind
            .iter()
            .filter(|(_, findings)| fails(findings, "recovery", fault))
            .count();
        text.push_str(&format!(
            "\n- {lost} of {} peers ({kind}) never recover from {what}.",
            of_kind.len()
        ));
    }
    text.push('\n');
    text
}
