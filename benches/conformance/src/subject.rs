//! What a person writes to put an algorithm to the test.

use crate::kind::Kind;

/// Whether a subject can do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supported {
    /// It did.
    Yes,
    /// It has no such thing; the law that needs it does not apply.
    No,
}

/// An algorithm under test: how to make one, and how to step it.
///
/// The [`Kind`] says what goes in and what comes out. Numbers are `f64` on both sides; an algorithm
/// over another type converts, as its caller would, so 1e308 reaches an `f32` as infinity.
///
/// Where an algorithm refuses a sample with an error, `step` answers what its user would then do,
/// which is as a rule to keep the last output.
pub trait Subject: Sized {
    /// What it is: [`Controller`](crate::Controller), [`Tilt`](crate::Tilt),
    /// [`Attitude`](crate::Attitude), [`UpVector`](crate::UpVector), [`Filter`](crate::Filter) or
    /// [`Tracker`](crate::Tracker).
    type Kind: Kind;

    /// Good samples after which nothing may be left of a fault. Default 3000, half a minute at
    /// 100 Hz.
    const RECOVERS_WITHIN: usize = 3000;
    /// Smallest difference that means something in its scalar type and range. Default 1e-5, an
    /// `f32` after a few operations.
    const RESOLUTION: f64 = 1e-5;
    /// Whether it is told the period of each step. If not, faults of the period do not apply.
    const TAKES_DT: bool = true;
    /// Whether the mirrored input has to give the mirrored output.
    const SYMMETRIC: bool = true;
    /// Whether it has to arrive: a loop at its setpoint, an estimate at the truth. Not so for a
    /// controller without an integral.
    const ARRIVES: bool = true;

    /// A fresh one.
    fn new(tuning: &TuningOf<Self>) -> Self;
    /// One period.
    fn step(&mut self, sample: &SampleOf<Self>) -> OutputOf<Self>;
    /// Back to the state of a fresh one, where it can.
    fn reset(&mut self) -> Supported {
        Supported::No
    }
    /// Other gains at the same period, where it can.
    fn retune(&mut self, _tuning: &TuningOf<Self>) -> Supported {
        Supported::No
    }
}

/// What a subject is made from.
pub type TuningOf<S> = <<S as Subject>::Kind as Kind>::Tuning;
/// What a subject takes in a step.
pub type SampleOf<S> = <<S as Subject>::Kind as Kind>::Sample;
/// What a subject gives in a step.
pub type OutputOf<S> = <<S as Subject>::Kind as Kind>::Output;
