//! Is my wiring right? See the module of the same name.
#![no_std]
#![no_main]

use embassy_executor::Executor;
use firmware::blink_imu;
use firmware::board::Board;
use static_cell::StaticCell;

#[embassy_executor::task]
async fn run(board: Board) {
    let Board {
        devices,
        serial,
        led,
        ..
    } = board;
    blink_imu::run(devices.bus, devices.watchdog, serial, led).await;
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let board = Board::take();
    static EXECUTOR: StaticCell<Executor> = StaticCell::new();
    EXECUTOR.init(Executor::new()).run(|spawner| {
        // A task can be spawned once, and here it is.
        if let Ok(task) = run(board) {
            spawner.spawn(task);
        }
    })
}
