//! What a person reads: fifty lines a second on the UART, and the LED.
//!
//! This task copies what the control loop has left behind when it has time. A line that
//! cannot be sent in time is never written, and the loop never waits.

use core::fmt::Write as _;

use balance_core::math::Scalar;
use balance_core::motor::Drive;
use balance_core::platform::StopCause;
use balance_core::robot::{Outputs, State, Stop};
use balance_core::time::Instant;
use embassy_time::{Duration, Ticker};
use hal::status_led::Blink;
use heapless::String;

use crate::board::{Led, Number, Serial, send};
use crate::control::NEWEST;

const PERIOD: Duration = Duration::from_millis(20);

/// What only the loop around the robot knows.
#[derive(Clone, Copy, Default)]
pub struct Report {
    /// Reads of the sensor that failed; wraps.
    pub bus_errors: u32,
    /// Ticks that were not served.
    pub missed_ticks: u32,
}

struct Snapshot {
    now: Instant,
    encoders: [i32; 2],
    battery_millivolts: Option<u16>,
    outputs: Outputs<Number>,
    report: Report,
}

/// What the last tick has left behind.
fn newest() -> Option<Snapshot> {
    NEWEST.lock(|newest| {
        let newest = newest.try_borrow().ok()?;
        newest.as_ref().map(|newest| Snapshot {
            now: newest.now,
            encoders: newest.inputs.encoders.value,
            battery_millivolts: newest.inputs.battery_millivolts,
            outputs: *newest.robot.outputs(),
            report: newest.report,
        })
    })
}

/// The names of the columns, sent at start.
const HEADER: &str = "ms,state,stop,pitch_mrad,rate_mrad_s,speed_mm_s,left_permille,\
                      right_permille,left_count,right_count,battery_mv,bus_errors,missed\r\n";

/// Runs for ever.
#[embassy_executor::task]
pub async fn run(mut serial: Serial, mut led: Led, last_stop: Option<StopCause>) {
    // The longest line has 13 numbers of at most 11 characters.
    let mut line = String::<192>::new();
    let _ = write_greeting(&mut line, last_stop);
    send(&mut serial, line.as_bytes()).await;
    send(&mut serial, HEADER.as_bytes()).await;
    let mut pace = Ticker::every(PERIOD);
    let mut last = Instant::default();
    loop {
        pace.next().await;
        let now = hal::clock::now();
        match newest().filter(|newest| newest.now != last) {
            Some(newest) => {
                last = newest.now;
                led.show(blink(newest.outputs.state), now);
                line.clear();
                let _ = write_line(&mut line, &newest);
                send(&mut serial, line.as_bytes()).await;
            }
            // No tick in 20 ms: the sensor is being set up, or missing.
            None => led.show(Blink::Alarm, now),
        }
    }
}

fn blink(state: State) -> Blink {
    match state {
        State::Balancing => Blink::On,
        State::Fallen | State::Faulted => Blink::Alarm,
        _ => Blink::Heartbeat,
    }
}

fn write_greeting(line: &mut String<192>, last_stop: Option<StopCause>) -> core::fmt::Result {
    let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    write!(line, "# {name} {version} {}", Number::NAME)?;
    match last_stop {
        None => {}
        Some(StopCause::Panic { line: at, file }) => {
            write!(line, ", stopped by panic, line {at} of file {file:08x}")?;
        }
        Some(StopCause::HardFault { pc, lr }) => {
            write!(line, ", stopped by fault at {pc:08x} from {lr:08x}")?;
        }
    }
    line.write_str("\r\n")
}

fn write_line(line: &mut String<192>, newest: &Snapshot) -> core::fmt::Result {
    let Snapshot {
        now,
        encoders: [left_count, right_count],
        battery_millivolts,
        outputs,
        report,
    } = newest;
    let record = &outputs.record;
    write!(
        line,
        "{},{},{},{},{},{},{},{},{left_count},{right_count},{},{},{}\r\n",
        // 71 minutes of milliseconds in 32 bits, for a division that is short.
        now.as_micros() as u32 / 1000,
        outputs.state.name(),
        outputs.stop.map_or("none", Stop::name),
        thousandths(record.pitch),
        thousandths(record.pitch_rate),
        thousandths(record.speed),
        permille(outputs.left),
        permille(outputs.right),
        battery_millivolts.unwrap_or_default(),
        report.bus_errors,
        report.missed_ticks,
    )
}

fn thousandths(value: Number) -> i32 {
    value.to_counts(Number::gain(1000.0))
}

fn permille(drive: Drive<Number>) -> i32 {
    match drive {
        Drive::Duty(duty) => thousandths(duty),
        Drive::Coast | Drive::Brake => 0,
    }
}
