//! Searching for a sequence of samples that breaks a law, and for the smallest one.

use crate::counterexample::Counterexample;
use crate::fault::Fault;
use crate::kind::Kind;
use crate::law::{Law, Outcome, check, check_agreement};
use crate::signal::{Signal, any_signal};
use crate::subject::{SampleOf, Subject, TuningOf};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How hard to search.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Sequences per law and fault. Default 32.
    pub cases: u32,
}

impl Default for Effort {
    fn default() -> Self {
        Self { cases: 32 }
    }
}

/// What a search found.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// No sequence breaks the law.
    Pass,
    /// One does; the smallest found.
    Fail(Box<Counterexample>),
    /// The law does not concern the subject.
    NotApplicable,
}

impl Verdict {
    /// `pass`, `fail` or `n/a`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail(_) => "fail",
            Self::NotApplicable => "n/a",
        }
    }
    /// Whether it is a failure.
    pub const fn is_fail(&self) -> bool {
        matches!(self, Self::Fail(_))
    }
}

/// A law, a fault, and what came of them.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The law.
    pub law: Law,
    /// The fault; `None` where several are mixed.
    pub fault: Option<Fault>,
    /// What was found.
    pub verdict: Verdict,
}

/// A stream in which something happens.
#[derive(Clone, Copy, Debug)]
struct Scene {
    signal: Signal,
    fault: Fault,
    before: usize,
    during: usize,
    after: usize,
}

impl Scene {
    fn samples<K: Kind>(&self, tuning: &K::Tuning) -> Vec<K::Sample> {
        let count = self.before + self.during + self.after;
        let mut samples = (0..count)
            .map(|k| K::sample(tuning, &self.signal, k))
            .collect();
        self.fault
            .inject::<K>(&mut samples, self.before, self.during);
        samples
    }
}

fn scenes(faults: Vec<Fault>) -> impl Strategy<Value = Scene> {
    prop::sample::select(faults).prop_flat_map(|fault| {
        (any_signal(), 0..60_usize, 1..=fault.longest(), 0..20_usize).prop_map(
            move |(signal, before, during, after)| Scene {
                signal,
                fault,
                before,
                during,
                after,
            },
        )
    })
}

/// A panic is no bounded output, and nothing comes after it; other laws do not speak of it.
fn panicked(law: Law) -> Outcome {
    match law {
        Law::Bounded | Law::Recovery => Outcome::Broken("it panics".into()),
        _ => Outcome::DoesNotApply,
    }
}

/// Searches with a fixed seed, so that the same code gives the same answer.
fn search<S: Subject>(
    law: Law,
    faults: Vec<Fault>,
    effort: Effort,
    holds: impl Fn(&TuningOf<S>, &[SampleOf<S>]) -> Outcome,
) -> Verdict {
    let config = Config {
        cases: effort.cases,
        failure_persistence: None,
        max_shrink_iters: 4000,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let applies = Cell::new(false);
    let strategy = (<S::Kind as Kind>::tunings(), scenes(faults));
    let found = runner.run(&strategy, |(tuning, scene)| {
        let samples = scene.samples::<S::Kind>(&tuning);
        let outcome = catch_unwind(AssertUnwindSafe(|| holds(&tuning, &samples)));
        match outcome.unwrap_or_else(|_| panicked(law)) {
            Outcome::Holds => applies.set(true),
            Outcome::DoesNotApply => {}
            Outcome::Broken(reason) => {
                applies.set(true);
                return Err(TestCaseError::fail(reason));
            }
        }
        Ok(())
    });
    match found {
        Ok(()) if applies.get() => Verdict::Pass,
        Ok(()) => Verdict::NotApplicable,
        Err(TestError::Fail(reason, (tuning, scene))) => {
            Verdict::Fail(Box::new(Counterexample::new::<S>(
                law,
                scene.fault,
                reason.message(),
                &tuning,
                &scene.samples::<S::Kind>(&tuning),
            )))
        }
        Err(TestError::Abort(reason)) => Verdict::Fail(Box::new(Counterexample {
            law,
            fault: Fault::None,
            reason: reason.message().into(),
            test: String::new(),
        })),
    }
}

/// The faults that a subject can have.
fn faults<S: Subject>() -> Vec<Fault> {
    let mut all = Fault::all(S::Kind::CHANNELS);
    all.retain(|fault| S::TAKES_DT || !fault.is_of_dt());
    all
}

/// Searches for a breach of one law by one subject, fault by fault.
pub fn examine<S: Subject>(law: Law, effort: Effort) -> Vec<Finding> {
    if !S::Kind::LAWS.contains(&law) {
        return Vec::new();
    }
    let holds = |tuning: &TuningOf<S>, samples: &[SampleOf<S>]| check::<S>(law, tuning, samples);
    if law.asks_for_each_fault() {
        let find = |fault| Finding {
            law,
            fault: Some(fault),
            verdict: search::<S>(law, vec![fault], effort, holds),
        };
        faults::<S>().into_iter().map(find).collect()
    } else if law.is_of_good_samples() {
        let verdict = search::<S>(law, vec![Fault::None], effort, holds);
        vec![Finding {
            law,
            fault: Some(Fault::None),
            verdict,
        }]
    } else {
        let verdict = search::<S>(law, faults::<S>(), effort, holds);
        vec![Finding {
            law,
            fault: None,
            verdict,
        }]
    }
}

/// Searches for breaches of all laws of a subject's kind.
pub fn examine_all<S: Subject>(effort: Effort) -> Vec<Finding> {
    S::Kind::LAWS
        .iter()
        .flat_map(|law| examine::<S>(*law, effort))
        .collect()
}

/// Searches for good samples on which two subjects are further apart than `within`.
pub fn examine_agreement<A, B>(within: f64, effort: Effort) -> Finding
where
    A: Subject,
    B: Subject<Kind = A::Kind>,
{
    let verdict = search::<A>(
        Law::Agreement,
        vec![Fault::None],
        effort,
        |tuning, samples| check_agreement::<A, B>(tuning, samples, within),
    );
    Finding {
        law: Law::Agreement,
        fault: Some(Fault::None),
        verdict,
    }
}

/// Panics with all counter-examples there are; what the tests of
/// [`conformance!`](crate::conformance) call.
#[track_caller]
pub fn assert_law<S: Subject>(law: Law) {
    assert_none_fails::<S>(&examine::<S>(law, Effort::default()));
}

/// Panics with a counter-example if there is one; what the test of
/// [`conformance!`](crate::conformance) calls.
#[track_caller]
pub fn assert_agreement<A, B>(within: f64)
where
    A: Subject,
    B: Subject<Kind = A::Kind>,
{
    assert_none_fails::<A>(&[examine_agreement::<A, B>(within, Effort::default())]);
}

#[track_caller]
// A failed assertion of a test is what a panic is for.
#[allow(clippy::panic)]
fn assert_none_fails<S: Subject>(findings: &[Finding]) {
    let failed: Vec<String> = findings
        .iter()
        .filter_map(|finding| match &finding.verdict {
            Verdict::Fail(example) => Some(example.to_string()),
            _ => None,
        })
        .collect();
    if !failed.is_empty() {
        panic!(
            "{} breaks {} of {} laws and faults\n\n{}",
            std::any::type_name::<S>(),
            failed.len(),
            findings.len(),
            failed.join("\n")
        );
    }
}
