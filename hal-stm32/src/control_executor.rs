//! An executor that runs above everything else: the control loop's place.
//!
//! Tasks spawned here run in an interrupt that the firmware does not use otherwise, so that they
//! interrupt the main executor's tasks (telemetry, user interface) at any instruction and are never
//! delayed by them. Which interrupts are free differs from chip to chip: the firmware names one.
//!
//! ```ignore
//! #[interrupt]
//! unsafe fn SPI3() {
//!     unsafe { control_executor::on_interrupt() }
//! }
//! let above_all = control_executor::start(interrupt::SPI3);
//! ```

use embassy_executor::{InterruptExecutor, SendSpawner};
use embassy_stm32::interrupt::{InterruptExt, Priority};

static EXECUTOR: InterruptExecutor = InterruptExecutor::new();

/// Starts the executor in an interrupt; call it once. A second call panics.
///
/// The control task runs in the middle of the chip's priorities. The short handlers that only wake
/// it (timer, I²C and its DMA) stay above, at 0.
pub fn start(interrupt: impl InterruptExt) -> SendSpawner {
    interrupt.set_priority(Priority::from(0x80));
    EXECUTOR.start(interrupt)
}

/// Runs the tasks.
///
/// # Safety
///
/// To be called by the handler of the interrupt given to [`start`], and by nobody else.
#[allow(unsafe_code)]
pub unsafe fn on_interrupt() {
    // SAFETY: as promised by the caller.
    unsafe { EXECUTOR.on_interrupt() }
}
