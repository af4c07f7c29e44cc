//! Nothing public of `balance-core` may be forgotten, and each case must work.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects"
)]

use cases::{Case, SAMPLES, for_each_case, scalar};
use std::any::type_name;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What has a `build` and still no case, and why.
const EXCUSED: &[(&str, &str)] = &[
    ("PulseOutput", "writes to a pin"),
    ("HBridge", "writes to pins; what it computes is in duty_map"),
];

macro_rules! algorithms {
    ($($name:ident: $room:ident :: $case:ident [$($scalar:ident)+];)+) => {
        /// Type names of everything that is stepped: `balance_core::control::pid::Pid<f32>`.
        fn algorithms() -> Vec<&'static str> {
            vec![$($(type_name::<<cases::$room::$case as Case<scalar::$scalar>>::Algorithm>()),+),+]
        }
        fn each_case_runs() {
            $($(run::<scalar::$scalar, cases::$room::$case>(stringify!($name), stringify!($scalar));)+)+
        }
    };
}
for_each_case!(algorithms);

fn run<T, C: Case<T>>(name: &str, scalar: &str) {
    let mut algorithm = C::build().unwrap_or_else(|error| panic!("{name} {scalar}: {error}"));
    C::warm_up(&mut algorithm);
    for sample in &SAMPLES {
        C::step(&mut algorithm, &C::input(sample));
    }
}

#[test]
fn each_case_builds_and_runs() {
    each_case_runs();
}

#[test]
fn each_public_algorithm_has_a_case() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../balance-core/src");
    let algorithms = algorithms();
    let found: Vec<(String, PathBuf)> = sources_in(&sources)
        .into_iter()
        .flat_map(|path| {
            let text = fs::read_to_string(&path).expect("a readable source");
            named(&text)
                .into_iter()
                .map(move |name| (name, path.clone()))
        })
        .collect();
    // The search itself works.
    for known in ["Pid", "SteadyTiltKalman", "Robot", "WheeledPendulum"] {
        assert!(
            found.iter().any(|(name, _)| name == known),
            "{known} is not found"
        );
    }
    let missing: BTreeSet<String> = found
        .iter()
        .filter(|(name, _)| !EXCUSED.iter().any(|(excused, _)| name == excused))
        .filter(|(name, _)| !algorithms.iter().any(|algorithm| mentions(algorithm, name)))
        .map(|(name, path)| format!("{name} ({})", path.display()))
        .collect();
    assert!(
        missing.is_empty(),
        "public algorithms without a case: {missing:?}\n\
         Add an `impl Case` to the file of its room in benches/cases/src and a line to \
         `for_each_case!` in benches/cases/src/lib.rs."
    );
}

/// Whether a type name has this identifier, as a type of `balance_core`.
fn mentions(algorithm: &str, name: &str) -> bool {
    algorithm.match_indices(name).any(|(at, _)| {
        let before = &algorithm[..at];
        let after = algorithm[at + name.len()..].chars().next();
        before.ends_with("::")
            && before
                .rsplit([' ', '(', '<', ','])
                .next()
                .is_some_and(|path| path.starts_with("balance_core::"))
            && after.is_none_or(|c| !c.is_alphanumeric() && c != '_')
    })
}

/// The types that a source implements `Step` for or that a public `build…` of it makes.
fn named(source: &str) -> Vec<String> {
    // In-file tests come last.
    let source = source.split("#[cfg(test)]\nmod ").next().unwrap();
    // Doc comments have examples.
    let code: String = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join(" ");
    let mut names = Vec::new();
    for (at, mark) in code.match_indices(" Step for ") {
        names.push(identifier(&code[at + mark.len()..]));
    }
    for (at, mark) in code.match_indices("pub fn build") {
        let rest = &code[at + mark.len()..];
        let body = rest.find('{').unwrap_or(rest.len());
        if let Some((_, result)) = rest[..body].split_once("-> Result<") {
            names.push(identifier(result));
        }
    }
    // A macro's `Step for $filter` names nothing; where it is called, `build` does.
    names.retain(|name| !name.is_empty());
    names
}

fn identifier(text: &str) -> String {
    text.trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

fn sources_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .expect("a folder of sources")
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => sources_in(&path),
            false if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") => {
                vec![path]
            }
            false => vec![],
        })
        .collect()
}
