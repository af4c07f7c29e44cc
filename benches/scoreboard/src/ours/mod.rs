//! Every algorithm of balance-core, in `f32`, `f64` and fixed point.

mod controller;
mod filter;
mod inertial;
mod tracker;

use crate::board::Board;
use balance_core::math::{Float, Scalar};
use std::path::Path;

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

/// The same for what exists in floats only.
macro_rules! in_floats {
    ($board:ident, $name:literal, $subject:ident, within $f32:expr) => {{
        $board.add_with::<$subject<f32>>("balance-core", concat!($name, "/f32"), |effort| {
            vec![balance_conformance::examine_agreement::<
                $subject<f32>,
                $subject<f64>,
            >($f32, effort)]
        });
        $board.add::<$subject<f64>>("balance-core", concat!($name, "/f64"));
    }};
}
use in_floats;

/// What has a configuration and no row, and why: of no kind of the kit, or known to fall short.
const WITHOUT_ROW: &[(&str, &str)] = &[
    (
        "RobotTiltConfig",
        "does not recover from a tilt that is wrong by much more than its slip limit",
    ),
    (
        "AdrcConfig",
        "for plants of the second order; the kit's are of the first",
    ),
    ("BiasConfig", "a part of VqfConfig"),
    ("RestConfig", "a part of VqfConfig"),
    ("DisturbanceConfig", "a part of VqfConfig"),
    ("LqrConfig", "a design, not a step"),
    ("KalmanGainConfig", "a design, not a step"),
    ("HBridgeConfig", "sets pins"),
    ("AlignmentConfig", "a procedure with an end"),
    ("WindingTestConfig", "a procedure with an end"),
    ("MotorWatchConfig", "says yes or no"),
    ("HallAngleConfig", "takes three bits"),
    ("EncoderAngleConfig", "takes counts that wrap"),
    ("FluxObserverConfig", "takes voltages with currents"),
    (
        "SensorlessConfig",
        "a machine of states over the flux observer",
    ),
    ("FieldWeakeningConfig", "acts inside the current loop"),
    ("EdgeSpeedConfig", "takes moments of edges"),
    ("ExcitationConfig", "a signal, not an answer to one"),
    ("IdentificationConfig", "a procedure with an end"),
    ("PulseConfig", "sets a pin"),
    ("StallConfig", "says yes or no"),
    ("StepGeneratorConfig", "counts steps, without a signal"),
    ("StepperWheelConfig", "an integral is what it is for"),
    ("ThermalLimitConfig", "gives a limit, not an answer"),
];

/// Algorithms of balance-core that no row examines: each public configuration in the rooms of
/// algorithms must be built by one of these files or stand in the list above.
pub fn not_examined() -> Vec<String> {
    let adapters = [
        include_str!("controller.rs"),
        include_str!("filter.rs"),
        include_str!("inertial.rs"),
        include_str!("tracker.rs"),
    ];
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../balance-core/src");
    let mut missing = Vec::new();
    let mut folders: Vec<_> = ["control", "estimation", "motor", "signal"]
        .map(|room| source.join(room))
        .into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let names = text
                .lines()
                .filter_map(|line| line.strip_prefix("pub struct "));
            for name in names.filter_map(|rest| rest.split(['<', ' ', '(', ';']).next()) {
                let built = adapters.iter().any(|text| text.contains(name));
                let excused = WITHOUT_ROW.iter().any(|(excused, _)| *excused == name);
                if name.ends_with("Config") && !built && !excused {
                    missing.push(name.to_string());
                }
            }
        }
    }
    missing.sort();
    missing
}
