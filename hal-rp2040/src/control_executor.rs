//! An executor that runs above everything else: the control loop's place.
//!
//! Tasks spawned here run in the software interrupt `SWI_IRQ_1`, so that they interrupt the main
//! executor's tasks (telemetry, user interface) at any instruction and are never delayed by them.

use embassy_executor::{InterruptExecutor, SendSpawner};
use embassy_rp::interrupt;
use embassy_rp::interrupt::{InterruptExt, Priority};

static EXECUTOR: InterruptExecutor = InterruptExecutor::new();

/// Starts the executor; call it once. A second call panics.
///
/// The control task runs at priority 2 of the four that a Cortex-M0+ knows (0 is the most
/// urgent). The short handlers that only wake it (timer, I²C) stay at 0; embassy-rp puts DMA, and
/// with it the telemetry, to 3.
pub fn start() -> SendSpawner {
    interrupt::SWI_IRQ_1.set_priority(Priority::P2);
    EXECUTOR.start(interrupt::SWI_IRQ_1)
}

#[cfg(target_os = "none")]
#[interrupt]
#[allow(non_snake_case, unsafe_code)]
fn SWI_IRQ_1() {
    // SAFETY: only this handler calls it, and the interrupt is unmasked by `start` alone.
    unsafe { EXECUTOR.on_interrupt() }
}
