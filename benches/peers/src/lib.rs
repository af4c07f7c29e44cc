//! Published crates as cases, so that they are measured by the same bench in the same run.
//!
//! Each does what its own documentation shows, with the numbers of the case it stands beside. Where
//! it does less or more than ours, its line in [`PEERS`] says so.
#![no_std]

pub mod attitude;
pub mod control;
pub mod estimation;
pub mod math;
pub mod signal;

use cases::Entry;

/// A peer: which cases it stands beside, and who it is.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Its name in results.
    pub name: &'static str,
    /// The cases that do the same for us.
    pub cases: &'static [&'static str],
    /// Crate and version.
    pub title: &'static str,
    /// What differs; may be empty.
    pub remark: &'static str,
}

macro_rules! peers {
    ($($name:ident: $room:ident :: $case:ident [$($scalar:ident)+] beside $($ours:ident)+, $title:literal, $remark:literal;)+) => {
        /// All peers, as the bench takes them.
        pub const ENTRIES: &[Entry] = &[$(Entry {
            name: stringify!($name),
            path: concat!(stringify!($room), "::", stringify!($case)),
            scalars: &[$(stringify!($scalar)),+],
        }),+];
        /// All peers, as a reader takes them.
        pub const PEERS: &[Peer] = &[$(Peer {
            name: stringify!($name),
            cases: &[$(stringify!($ours)),+],
            title: $title,
            remark: $remark,
        }),+];
    };
}

peers! {
    ahrs_madgwick: attitude::AhrsMadgwick [f32 f64] beside madgwick, "ahrs 0.8.0", "";
    ahrs_mahony: attitude::AhrsMahony [f32 f64] beside mahony, "ahrs 0.8.0", "";
    foc_current_loop_foc: control::Foc [fixed] beside foc_current_loop, "foc 0.3.0", "wraps at the edge; no limit of the voltage, no decoupling";
    fusion_ahrs: attitude::FusionAhrs [f32] beside mahony, "fusion-ahrs 1.0.1", "rejects accelerations; gain ramps at start";
    idsp_atan2: math::IdspAtan2 [fixed] beside atan2_counts, "idsp 0.23.1", "error 2e-6 of a turn";
    idsp_biquad: signal::IdspBiquad [f32 fixed] beside biquad, "idsp 0.23.1", "no start at the first sample, no check of the input";
    idsp_cossin: math::IdspCossin [fixed] beside sin_cos_short, "idsp 0.23.1", "error 1.9e-5";
    idsp_kalman_4_2: estimation::IdspKalman42 [f32] beside kalman_4_2, "idsp 0.23.1", "no check of the input, no gate";
    idsp_pid: control::IdspPid [f32 fixed] beside pid lean_pid, "idsp 0.23.1", "a biquad with a clamp: no filter of the derivative, no check of the input";
    idsp_tilt_kalman: estimation::IdspTiltKalman [f32] beside tilt_kalman, "idsp 0.23.1", "no check of the input, no wrap at half a turn";
    kfilter_kalman_4_2: estimation::KfilterKalman42 [f32] beside kalman_4_2, "kfilter 0.5.1", "";
    kfilter_tilt_kalman: estimation::KfilterTiltKalman [f32] beside tilt_kalman, "kfilter 0.5.1", "";
    nalgebra_state_feedback_4: control::NalgebraFeedback [f32 f64] beside state_feedback_4, "nalgebra 0.35.0", "a product of a row and a column: no limits, no integral, no check";
    pid_crate: control::PidCrate [f32 f64] beside pid lean_pid, "pid 4.0.0", "gains without a period, no filter of the derivative, no check of the input";
    vqf_rs: attitude::VqfRs [f32] beside vqf, "vqf-rs 0.3.0", "filters in double";
}
