//! An executor that runs above everything else: the control loop's place.
//!
//! Tasks spawned here run in the software interrupt `SWI_IRQ_1`, so that they interrupt the main
//! executor's tasks (telemetry, user interface) at any instruction and are never delayed by them.

use embassy_executor::{InterruptExecutor, SendSpawner};
use embassy_rp::interrupt::{self, InterruptExt, Priority};

static EXECUTOR: InterruptExecutor = InterruptExecutor::new();

/// Starts the executor; call it once. A second call panics.
///
/// The control task runs at priority 2 of the four that a Cortex-M0+ knows (0 is the most
/// urgent). The short handlers that only wake it (timer, I²C) stay at 0, and the UART's DMA is put
/// to 3, so that telemetry cannot disturb a tick. On a host this does nothing but fail.
pub fn start() -> SendSpawner {
    interrupt::DMA_IRQ_0.set_priority(Priority::P3);
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
