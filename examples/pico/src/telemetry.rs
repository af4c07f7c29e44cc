//! What a person reads: fifty lines a second on the UART, and the LED.
//!
//! The control loop leaves its newest report; this task takes it when it has time. A line that
//! cannot be sent in time is never written, and the loop never waits.

use core::cell::RefCell;
use core::fmt::Write as _;

use crate::control::Number;
use balance_core::math::Scalar;
use balance_core::motor::Drive;
use balance_core::robot::{Inputs, Outputs, State, Stop};
use embassy_rp::uart::{Async, UartTx};
use embassy_sync::blocking_mutex::Mutex;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_time::{Duration, Instant, Timer};
use hal_rp2040::safe_stop::StopCause;
use hal_rp2040::status_led::{Blink, StatusLed};
use heapless::String;

const PERIOD: Duration = Duration::from_millis(20);
/// From the beginning of the loop's computing to a moment at which it is waiting.
const BESIDE: Duration = Duration::from_micros(200);

/// What only the loop around the robot knows.
#[derive(Clone, Copy, Default)]
pub struct Report {
    /// Reads of the sensor that failed; wraps.
    pub bus_errors: u32,
    /// Ticks that were not served.
    pub missed_ticks: u32,
}

#[derive(Clone, Copy, Default)]
struct Snapshot {
    /// Nobody has taken it yet.
    fresh: bool,
    now: balance_core::time::Instant,
    encoders: [i32; 2],
    battery_millivolts: Option<u16>,
    outputs: Outputs<Number>,
    report: Report,
}

static NEWEST: Mutex<CriticalSectionRawMutex, RefCell<Option<Snapshot>>> =
    Mutex::new(RefCell::new(None));

/// Leaves the newest state of the loop. Never waits.
pub fn publish(
    now: balance_core::time::Instant,
    inputs: &Inputs<Number>,
    outputs: &Outputs<Number>,
    report: &Report,
) {
    NEWEST.lock(|newest| {
        // Nobody holds it outside of the lock.
        let Ok(mut newest) = newest.try_borrow_mut() else {
            return;
        };
        // Field by field, in place: a whole one would be made elsewhere and copied.
        let newest = newest.get_or_insert_default();
        newest.fresh = true;
        newest.now = now;
        newest.encoders = inputs.encoders.value;
        newest.battery_millivolts = inputs.battery_millivolts;
        newest.outputs = *outputs;
        newest.report = *report;
    });
}

/// Takes the newest state, if there is one that has not been taken.
fn take() -> Option<Snapshot> {
    NEWEST.lock(|newest| {
        let mut newest = newest.try_borrow_mut().ok()?;
        let newest = newest.as_mut().filter(|newest| newest.fresh)?;
        newest.fresh = false;
        Some(*newest)
    })
}

/// The names of the columns, sent at start.
const HEADER: &str = "ms,state,stop,pitch_mrad,rate_mrad_s,speed_mm_s,left_permille,\
                      right_permille,left_count,right_count,battery_mv,bus_errors,missed\r\n";

/// Runs for ever.
#[embassy_executor::task]
pub async fn run(
    mut serial: UartTx<'static, Async>,
    mut led: StatusLed<'static>,
    last_stop: Option<StopCause>,
) {
    // The longest line has 13 numbers of at most 11 characters.
    let mut line = String::<192>::new();
    let _ = write_greeting(&mut line, last_stop);
    let _ = serial.write(line.as_bytes()).await;
    let _ = serial.write(HEADER.as_bytes()).await;
    let mut next = Instant::now() + PERIOD;
    loop {
        Timer::at(next).await;
        next += PERIOD;
        let now = hal_rp2040::clock::now();
        match take() {
            Some(newest) => {
                // The timer's interrupt is not to fall into the loop's computing.
                next = Instant::from_micros(newest.now.as_micros()) + PERIOD + BESIDE;
                led.show(blink(newest.outputs.state), now);
                line.clear();
                let _ = write_line(&mut line, &newest);
                // An error of the UART's sender does not exist.
                let _ = serial.write(line.as_bytes()).await;
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
    let version = env!("CARGO_PKG_VERSION");
    write!(line, "# balance-pico {version} {}", Number::NAME)?;
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
        ..
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
