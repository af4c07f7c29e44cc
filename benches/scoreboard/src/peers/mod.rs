//! Published crates, each used as its documentation shows.

mod attitude;
mod pid;
mod tracker;

use crate::board::Board;
use std::time::Duration;

pub fn add(board: &mut Board) {
    pid::add(board);
    attitude::add(board);
    tracker::add(board);
}

/// Of all filters of Madgwick that let one choose: from upside down in 16 s. The usual values are
/// lower, and slower.
pub const MADGWICK_GAIN: f64 = 0.2;

/// A clock's difference: never negative, never NaN.
fn elapsed(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
