//! Every algorithm of balance-core, in `f32`, `f64` and fixed point.

mod controller;
mod filter;
mod inertial;
mod tracker;

use crate::board::Board;
use balance_core::math::{Float, Scalar};

pub fn add(board: &mut Board) {
    controller::add(board);
    inertial::add(board);
    tracker::add(board);
    filter::add(board);
}

/// Smallest difference that means something in all three number types.
const RESOLUTION: f64 = 1e-4;

fn param<T: Scalar>(value: f64) -> T::Param {
    T::Param::lit(value)
}
/// As a caller converts: beyond the range is the end of it.
fn scalar<T: Scalar>(value: f64) -> T {
    T::from_param(T::Param::lit(value))
}
fn number<T: Scalar>(value: T) -> f64 {
    value.to_param().to_f64()
}

/// Adds a subject once per number type, the others compared with `f64`.
macro_rules! in_all_types {
    ($board:ident, $name:literal, $subject:ident, within $f32:expr, $fixed:expr) => {{
        use balance_core::math::Q12;
        $board.add_with::<$subject<f32>>("balance-core", concat!($name, "/f32"), |effort| {
            vec![balance_conformance::examine_agreement::<
                $subject<f32>,
                $subject<f64>,
            >($f32, effort)]
        });
        $board.add::<$subject<f64>>("balance-core", concat!($name, "/f64"));
        $board.add_with::<$subject<Q12>>("balance-core", concat!($name, "/fixed"), |effort| {
            vec![balance_conformance::examine_agreement::<
                $subject<Q12>,
                $subject<f64>,
            >($fixed, effort)]
        });
    }};
}
use in_all_types;
