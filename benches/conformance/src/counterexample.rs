//! A breach of a law, as a test to paste.

use crate::fault::Fault;
use crate::kind::ToRust;
use crate::law::Law;
use crate::subject::{SampleOf, Subject, TuningOf};
use std::fmt;

/// The smallest sequence found that breaks a law.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// The law.
    pub law: Law,
    /// The fault in the sequence.
    pub fault: Fault,
    /// What went wrong.
    pub reason: String,
    /// A Rust test that fails for it, with the exact input.
    pub test: String,
}

impl Counterexample {
    pub(crate) fn new<S: Subject>(
        law: Law,
        fault: Fault,
        reason: &str,
        tuning: &TuningOf<S>,
        samples: &[SampleOf<S>],
    ) -> Self {
        let mut lines = String::new();
        for sample in samples {
            lines.push_str(&format!("        {},\n", sample.to_rust()));
        }
        let name = match fault {
            Fault::None => law.name().into(),
            fault => format!("{}_after_{fault}", law.name()),
        };
        let subject = in_this_crate(std::any::type_name::<S>());
        let test = format!(
            "#[test]\n\
             fn {name}() {{\n\
             \x20   use balance_conformance::*;\n\
             \x20   let tuning = {};\n\
             \x20   let samples = [\n{lines}    ];\n\
             \x20   let outcome = check::<{subject}>(Law::{law:?}, &tuning, &samples);\n\
             \x20   assert_eq!(outcome, Outcome::Holds);\n\
             }}\n",
            tuning.to_rust(),
        );
        Self {
            law,
            fault,
            reason: reason.into(),
            test,
        }
    }
}

/// A subject is of the crate that tests it, as its trait is of another.
fn in_this_crate(name: &str) -> String {
    match name.split_once("::") {
        Some((_, path)) => format!("crate::{path}"),
        None => name.into(),
    }
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "// {} with {}: {}",
            self.law.name(),
            self.fault,
            self.reason
        )?;
        f.write_str(&self.test)
    }
}
