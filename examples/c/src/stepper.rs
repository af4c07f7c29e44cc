//! Stepper motors.

use crate::handle::{get, handle, put};
use crate::status::balance_status::{self, BALANCE_OK};
use balance_core::motor::stepper::{Step, StepGenerator, StepGeneratorConfig};

handle!(
    /// When to step: exact positions and ramps, tick by tick of a timer.
    balance_stepper, StepGenerator, 12
);

/// Prepares a stepper at rest at step zero: ticks of its timer per second, largest rate in steps/s,
/// acceleration in steps/s².
#[unsafe(no_mangle)]
pub extern "C" fn balance_stepper_init(
    handle: *mut balance_stepper,
    tick_hz: f32,
    max_rate: f32,
    acceleration: f32,
) -> balance_status {
    let config = StepGeneratorConfig {
        tick_hz,
        max_rate,
        acceleration,
    };
    match config.build() {
        Ok(steps) => put(handle, steps),
        Err(error) => error.into(),
    }
}

/// Goes on at a rate in steps/s, negative for back; a NaN stops.
#[unsafe(no_mangle)]
pub extern "C" fn balance_stepper_run_at(
    handle: *mut balance_stepper,
    rate: f32,
) -> balance_status {
    with(handle, |steps| steps.run_at(rate))
}

/// Goes to a step and rests there.
#[unsafe(no_mangle)]
pub extern "C" fn balance_stepper_go_to(
    handle: *mut balance_stepper,
    position: i32,
) -> balance_status {
    with(handle, |steps| steps.go_to(position))
}

/// Stands still as soon as the acceleration allows.
#[unsafe(no_mangle)]
pub extern "C" fn balance_stepper_stop(handle: *mut balance_stepper) -> balance_status {
    with(handle, StepGenerator::stop)
}

/// A tick of its timer: 1 for a step forward, −1 for one back, 0 for none.
#[unsafe(no_mangle)]
pub extern "C" fn balance_stepper_tick(handle: *mut balance_stepper) -> i8 {
    match get(handle).ok().and_then(StepGenerator::tick) {
        Some(Step::Forward) => 1,
        Some(Step::Back) => -1,
        None => 0,
    }
}

/// Steps made so far.
#[unsafe(no_mangle)]
pub extern "C" fn balance_stepper_position(handle: *mut balance_stepper) -> i32 {
    get(handle).map_or(0, |steps| steps.position())
}

/// Whether it stands and has nowhere to go; true for a bad handle.
#[unsafe(no_mangle)]
pub extern "C" fn balance_stepper_is_resting(handle: *mut balance_stepper) -> bool {
    get(handle).map_or(true, |steps| steps.is_resting())
}

fn with(handle: *mut balance_stepper, act: impl FnOnce(&mut StepGenerator)) -> balance_status {
    match get(handle) {
        Ok(steps) => {
            act(steps);
            BALANCE_OK
        }
        Err(status) => status,
    }
}
