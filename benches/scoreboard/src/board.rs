//! Who is examined, and what is written down of it.

use balance_conformance::{Effort, Finding, Kind, Law, Subject, Verdict, examine_all};
use std::fmt::Write;

/// A subject's row of the table.
pub struct Entry {
    /// `crate/algorithm/number type`.
    pub name: String,
    /// Version of its crate.
    pub version: String,
    /// Whether it is of balance-core.
    pub ours: bool,
    /// What kind it is.
    pub kind: &'static str,
    run: Box<dyn Fn(Effort) -> Vec<Finding> + Sync>,
}

/// All entries, in the order of the table.
#[derive(Default)]
pub struct Board {
    /// The entries.
    pub entries: Vec<Entry>,
}

impl Board {
    /// Adds a subject of `package`.
    pub fn add<S: Subject>(&mut self, package: &str, algorithm: &str) {
        self.add_with::<S>(package, algorithm, |_| Vec::new());
    }
    /// Adds a subject of which more is asked than its kind's laws.
    pub fn add_with<S: Subject>(
        &mut self,
        package: &str,
        algorithm: &str,
        more: impl Fn(Effort) -> Vec<Finding> + Sync + 'static,
    ) {
        self.entries.push(Entry {
            name: format!("{package}/{algorithm}"),
            version: locked_version(package),
            ours: package == "balance-core",
            kind: S::Kind::NAME,
            run: Box::new(move |effort| {
                let mut findings = examine_all::<S>(effort);
                findings.extend(more(effort));
                findings
            }),
        });
    }
}

impl Entry {
    /// Examines the subject.
    pub fn examine(&self, effort: Effort) -> Vec<Finding> {
        (self.run)(effort)
    }
}

/// The version that Cargo.lock pins.
fn locked_version(package: &str) -> String {
    let lock = include_str!("../Cargo.lock");
    let entry = format!("name = \"{package}\"\nversion = \"");
    // Of several the newest is the one that is tested; the others are a peer's.
    let version = lock
        .rsplit_once(&entry)
        .and_then(|(_, rest)| rest.split_once('"'));
    version.map_or_else(|| "?".into(), |(version, _)| version.into())
}

/// The findings of all, one line each.
pub fn csv(results: &[(&Entry, Vec<Finding>)]) -> String {
    let mut text = String::from("subject,version,law,fault,verdict\n");
    for (entry, findings) in results {
        for finding in findings {
            let fault = finding
                .fault
                .map_or("any".into(), |fault| fault.to_string());
            let _ = writeln!(
                text,
                "{},{},{},{fault},{}",
                entry.name,
                entry.version,
                finding.law.name(),
                finding.verdict.name()
            );
        }
    }
    text
}

const COLUMNS: [Law; 11] = [
    Law::Arrival,
    Law::Bounded,
    Law::Recovery,
    Law::Determinism,
    Law::Reset,
    Law::Symmetry,
    Law::NoWindup,
    Law::Bumpless,
    Law::UnitLength,
    Law::Covariance,
    Law::Agreement,
];

/// The table, kind by kind.
pub fn table(results: &[(&Entry, Vec<Finding>)]) -> String {
    let mut text = String::new();
    let mut kinds: Vec<&str> = Vec::new();
    for (entry, _) in results {
        if !kinds.contains(&entry.kind) {
            kinds.push(entry.kind);
        }
    }
    for kind in kinds {
        let rows: Vec<_> = results
            .iter()
            .filter(|(entry, _)| entry.kind == kind)
            .collect();
        let asked = |law: &&Law| {
            rows.iter()
                .any(|(_, findings)| findings.iter().any(|finding| finding.law == **law))
        };
        let columns: Vec<&Law> = COLUMNS.iter().filter(asked).collect();
        let heads: Vec<&str> = columns.iter().map(|law| law.name()).collect();
        let _ = writeln!(text, "\n### {kind}\n");
        let _ = writeln!(text, "| subject | version | {} |", heads.join(" | "));
        let _ = writeln!(text, "|---|---|{}", "---|".repeat(columns.len()));
        for (entry, findings) in rows {
            let cells: Vec<String> = columns.iter().map(|law| cell(findings, **law)).collect();
            let _ = writeln!(
                text,
                "| {} | {} | {} |",
                entry.name,
                entry.version,
                cells.join(" | ")
            );
        }
    }
    text
}

/// `ok`, `fails`, `fails 3 of 22`, or a dash for what does not apply.
fn cell(findings: &[Finding], law: Law) -> String {
    let of_law = findings.iter().filter(|finding| finding.law == law);
    let asked: Vec<_> = of_law
        .filter(|finding| !matches!(finding.verdict, Verdict::NotApplicable))
        .collect();
    let failed = asked
        .iter()
        .filter(|finding| finding.verdict.is_fail())
        .count();
    match (asked.len(), failed) {
        (0, _) => "–".into(),
        (_, 0) => "ok".into(),
        (1, _) => "**fails**".into(),
        (asked, failed) => format!("**{failed} of {asked} fail**"),
    }
}
