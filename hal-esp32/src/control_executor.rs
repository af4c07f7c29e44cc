//! An executor that runs above everything else: the control loop's place.
//!
//! Tasks spawned here run in a software interrupt, so that they interrupt the main executor's tasks
//! (telemetry, user interface) at any instruction and are never delayed by them.

use embassy_executor::SendSpawner;
use esp_hal::interrupt::Priority;
use esp_hal::peripherals::FROM_CPU_INTR2;
use esp_rtos::embassy::InterruptExecutor;
use static_cell::StaticCell;

static EXECUTOR: StaticCell<InterruptExecutor<2>> = StaticCell::new();

/// Starts the executor; call it once, after `esp_rtos::start`. A second call panics.
///
/// The control task runs at priority 2 (1 is the least urgent). The handlers that wake it (timer,
/// I²C) belong to esp-rtos and esp-hal; an encoder counted in software is above it, at 3.
pub fn start(interrupt: FROM_CPU_INTR2<'static>) -> SendSpawner {
    EXECUTOR
        .init(InterruptExecutor::new(interrupt))
        .start(Priority::Priority2)
}
