//! Is my wiring right? See the module of the same name.
#![no_std]
#![no_main]

use esp_rtos::embassy::Executor;
use firmware::blink_imu;
use firmware::board::Board;
use static_cell::StaticCell;

esp_bootloader_esp_idf::esp_app_desc!();

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

#[esp_hal::main]
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
