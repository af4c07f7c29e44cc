//! Point it at *your* filter or controller: sensor streams, injected faults, and the laws that a
//! robot needs to hold, as property tests.
//!
//! Say how to make your algorithm and how to step it, name its [`Kind`], and one line makes every
//! law a `#[test]`. A student's complementary filter:
//!
//! ```
//! use balance_conformance::{ImuSample, ImuTuning, Subject, Supported, Tilt, conformance};
//!
//! #[derive(Default)]
//! struct Complementary {
//!     angle: f64,
//! }
//!
//! impl Subject for Complementary {
//!     type Kind = Tilt;
//!     fn new(_: &ImuTuning) -> Self {
//!         Self::default()
//!     }
//!     fn step(&mut self, imu: &ImuSample) -> f64 {
//!         let predicted = self.angle + imu.pitch_rate() * imu.dt;
//!         self.angle = 0.98 * predicted + 0.02 * imu.accel_pitch();
//!         self.angle
//!     }
//!     fn reset(&mut self) -> Supported {
//!         *self = Self::default();
//!         Supported::Yes
//!     }
//! }
//!
//! conformance!(complementary: Tilt for Complementary);
//!
//! // What `cargo test` then says of `complementary::recovery`, among others:
//! use balance_conformance::{Effort, Law, Verdict, examine};
//! let findings = examine::<Complementary>(Law::Recovery, Effort::default());
//! let nan = &findings[1];
//! let Verdict::Fail(example) = &nan.verdict else { panic!("a NaN stays for ever") };
//! assert!(example.test.contains("gyro: [f64::NAN, f64::NAN, f64::NAN]"));
//! println!("{example}"); // a test to paste
//! ```
//!
//! The same student's next attempt takes `if !next.is_finite() { return self.angle; }` and a look
//! at `imu.dt`.
//!
//! # What is asked
//!
//! | [`Law`] | says | of |
//! |---|---|---|
//! | `Arrival` | it works at all: the loop arrives, the estimate is true | all but filters |
//! | `Bounded` | each output is finite and within its limits | all, per fault |
//! | `Recovery` | [`Subject::RECOVERS_WITHIN`] good samples later nothing is left of the fault | all, per fault |
//! | `Determinism`, `Reset` | same input, same bits; reset is fresh | all |
//! | `Symmetry` | the mirrored input gives the mirrored output | all that say so |
//! | `NoWindup`, `Bumpless` | no piled-up integral; a change of gains does not jump | controllers |
//! | `UnitLength` | quaternions and directions have length one | attitudes, per fault |
//! | `Covariance` | symmetric, positive semidefinite | trackers, per fault |
//! | `Agreement` | two number types say the same within a bound | pairs |
//!
//! The [`Fault`]s: NaN, ±∞, 1e38, 1e308, zeros, saturation and a stuck value on each input; missing
//! samples; a period of zero, below zero, of 1e9 s, NaN, jittering.
//!
//! Sequences come from [`proptest`] with a fixed seed, so a failure is there again on the next run,
//! and shrink to the shortest that still fails. [`signal`] and [`plants`] offer the strategies for
//! tests of your own.
//!
//! # Two number types
//!
//! ```
//! # mod laws {
//! # use balance_conformance::{Filter, FilterSample, FilterTuning, Subject, conformance};
//! # struct Single(f32); struct Double(f64);
//! # impl Subject for Single { type Kind = Filter; const TAKES_DT: bool = false;
//! #     fn new(_: &FilterTuning) -> Self { Single(0.0) }
//! #     fn step(&mut self, s: &FilterSample) -> f64 { self.0 += 0.1 * (s.value as f32 - self.0); self.0.into() } }
//! # impl Subject for Double { type Kind = Filter; const TAKES_DT: bool = false;
//! #     fn new(_: &FilterTuning) -> Self { Double(0.0) }
//! #     fn step(&mut self, s: &FilterSample) -> f64 { self.0 += 0.1 * (s.value - self.0); self.0 } }
//! conformance!(lowpass: Filter for Single, like Double, within 1e-5);
//! # }
//! ```

mod controller;
mod counterexample;
mod fault;
mod filter;
mod imu;
mod kind;
mod law;
mod run;
pub mod signal;
mod subject;
mod tracker;

pub use controller::{Controller, ControllerSample, ControllerTuning, Plant, plants};
pub use counterexample::Counterexample;
pub use fault::{Channel, Fault};
pub use filter::{Filter, FilterSample, FilterTuning};
pub use imu::{Attitude, GRAVITY, ImuSample, ImuTuning, Tilt, UpVector};
pub use kind::{Kind, ToRust};
pub use law::{Law, Outcome, check, check_agreement};
pub use run::{
    Effort, Finding, Verdict, assert_agreement, assert_law, examine, examine_agreement, examine_all,
};
pub use subject::{OutputOf, SampleOf, Subject, Supported, TuningOf};
pub use tracker::{Track, Tracker, TrackerSample, TrackerTuning};

/// Makes every law of a kind a `#[test]` in a module of the given name.
///
/// `conformance!(my_pid: Controller for MyPid);` and, for a second number type,
/// `conformance!(my_pid: Controller for MyPid32, like MyPid64, within 1e-3);`.
///
/// The kind is one of `Controller`, `Tilt`, `Attitude`, `UpVector`, `Filter`, `Tracker`. A test of
/// something that the subject lacks (a `reset`, a `retune`) passes.
#[macro_export]
macro_rules! conformance {
    ($name:ident: $kind:ident for $subject:ty, like $other:ty, within $bound:expr) => {
        $crate::conformance!(@module $name, $kind, $subject, {
            #[test]
            fn agreement() {
                $crate::assert_agreement::<$subject, $other>($bound);
            }
        });
    };
    ($name:ident: $kind:ident for $subject:ty) => {
        $crate::conformance!(@module $name, $kind, $subject, {});
    };
    (@module $name:ident, $kind:ident, $subject:ty, { $($more:item)* }) => {
        #[cfg(test)]
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            $crate::conformance!(@laws $subject;
                bounded Bounded, recovery Recovery, determinism Determinism, reset Reset,
                symmetry Symmetry);
            $crate::conformance!(@$kind $subject);
            $($more)*
        }
    };
    (@Controller $subject:ty) => {
        $crate::conformance!(@is $subject, $crate::Controller);
        $crate::conformance!(@laws $subject;
            arrival Arrival, no_windup NoWindup, bumpless Bumpless);
    };
    (@Tilt $subject:ty) => {
        $crate::conformance!(@is $subject, $crate::Tilt);
        $crate::conformance!(@laws $subject; arrival Arrival);
    };
    (@Attitude $subject:ty) => {
        $crate::conformance!(@is $subject, $crate::Attitude);
        $crate::conformance!(@laws $subject; arrival Arrival, unit_length UnitLength);
    };
    (@UpVector $subject:ty) => {
        $crate::conformance!(@is $subject, $crate::UpVector);
        $crate::conformance!(@laws $subject; arrival Arrival, unit_length UnitLength);
    };
    (@Filter $subject:ty) => {
        $crate::conformance!(@is $subject, $crate::Filter);
    };
    (@Tracker $subject:ty) => {
        $crate::conformance!(@laws $subject; arrival Arrival, covariance Covariance);
    };
    (@is $subject:ty, $kind:ty) => {
        const _: fn() = || {
            fn is<S: $crate::Subject<Kind = $kind>>() {}
            is::<$subject>();
        };
    };
    (@laws $subject:ty; $($name:ident $law:ident),*) => {
        $(
            #[test]
            fn $name() {
                $crate::assert_law::<$subject>($crate::Law::$law);
            }
        )*
    };
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
