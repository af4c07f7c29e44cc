//! What the run before the last reset has left: how it ended, its faults, its last seconds.

use balance_core::platform::StopCause;
use balance_core::shell::Ending;
use balance_core::telemetry::{KeptBox, KeptFaults};
use hal_rp2040::kept_ram::{self, KeptRam};
use hal_rp2040::safe_stop;
use hal_rp2040::watchdog::{ResetReason, Watchdog};
use static_cell::StaticCell;

/// Two seconds, every second tick; half a second of it after the stop.
const TICKS: usize = 1000;
const EACH: u16 = 2;
const AFTER: u16 = 250;
const BOX_WORDS: usize = 3 + 10 * TICKS;
/// The last eight.
const FAULT_WORDS: usize = 1 + 9 * 8;

#[unsafe(link_section = ".uninit.black_box")]
static BLACK_BOX: KeptRam<BOX_WORDS> = KeptRam::new();
#[unsafe(link_section = ".uninit.faults")]
static FAULTS: KeptRam<FAULT_WORDS> = KeptRam::new();

/// The memory that outlives a reset, as the loop writes it.
pub struct Kept {
    /// The last seconds.
    pub black_box: KeptBox<&'static KeptRam<BOX_WORDS>>,
    /// The faults of this run, for the next.
    pub faults: KeptFaults<&'static KeptRam<FAULT_WORDS>>,
}

/// What the last run has left.
pub struct LastRun {
    /// How it has ended, if badly.
    pub ending: Option<LastWords>,
    /// The memory, for this run. What a bad end has left in the black box stays until it is read.
    pub kept: Kept,
}

/// A bad end, and the faults before it.
pub struct LastWords {
    /// How.
    pub ending: Ending<'static>,
    /// Of the last run, the newest first.
    pub faults: [Option<balance_core::robot::Fault>; 8],
}

impl LastRun {
    /// Reads it. Once, at the start.
    pub fn take(watchdog: &mut Watchdog) -> Self {
        let ending = ending(watchdog);
        let mut faults = KeptFaults::new(&FAULTS);
        let black_box = if ending.is_some() {
            KeptBox::with_last_run(&BLACK_BOX, EACH, AFTER)
        } else {
            KeptBox::new(&BLACK_BOX, EACH, AFTER)
        };
        let told = core::array::from_fn(|index| faults.get(index));
        faults.clear();
        Self {
            ending: ending.map(|ending| LastWords {
                ending,
                faults: told,
            }),
            kept: Kept { black_box, faults },
        }
    }
}

/// What the last run has left in the black box; for reading while the loop does not write.
pub fn black_box() -> KeptBox<&'static KeptRam<BOX_WORDS>> {
    KeptBox::with_last_run(&BLACK_BOX, EACH, AFTER)
}

fn ending(watchdog: &mut Watchdog) -> Option<Ending<'static>> {
    static FILE: StaticCell<kept_ram::FileName> = StaticCell::new();
    let place = kept_ram::take_place();
    match safe_stop::take_last_cause() {
        Some(StopCause::Panic { line, .. }) => {
            let (bytes, length) = FILE.init(place.unwrap_or(([0; 64], 0)));
            let file = bytes
                .get(..*length)
                .and_then(|bytes| core::str::from_utf8(bytes).ok());
            Some(Ending::Panic {
                file: file.unwrap_or("?"),
                line,
            })
        }
        Some(StopCause::HardFault { pc, lr }) => Some(Ending::HardFault { pc, lr }),
        None => match watchdog.last_reset() {
            Some(ResetReason::TimedOut) => Some(Ending::Watchdog),
            _ => None,
        },
    }
}
