//! The whole robot: the control loop above everything else, the telemetry below.
#![no_std]
#![no_main]

use embassy_executor::Executor;
use firmware::board::{self, Board};
use firmware::{control, telemetry};
use static_cell::StaticCell;

#[cortex_m_rt::entry]
fn main() -> ! {
    let Board {
        devices,
        serial,
        led,
        last_stop,
    } = Board::take();
    let above_all = board::start_control();
    static BELOW: StaticCell<Executor> = StaticCell::new();
    BELOW.init(Executor::new()).run(|below| {
        // A task can be spawned once, and here each is.
        if let (Ok(control), Ok(telemetry)) = (
            control::run(devices),
            telemetry::run(serial, led, last_stop),
        ) {
            above_all.spawn(control);
            below.spawn(telemetry);
        }
    })
}
