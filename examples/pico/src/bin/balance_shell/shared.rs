//! Between the loop and the prompt: boxes with one thing each, and a queue. The loop never waits.

use core::cell::RefCell;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use balance_core::robot::timing::Statistics;
use balance_core::robot::{Fault, FaultLog, Robot, RobotConfig};
use balance_core::sensor::ImuScale;
use balance_core::shell::{Rest, RestMeasurement};
use balance_core::telemetry::{Drain, RecordQueue, Recorder, Snapshot};
use embassy_sync::blocking_mutex::Mutex;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use hal_rp2040::clock;
use heapless::spsc::{Consumer, Producer, Queue};
use static_cell::StaticCell;

/// The type in which the robot computes.
#[cfg(not(feature = "f32"))]
pub type Number = balance_core::math::Q12;
/// The type in which the robot computes.
#[cfg(feature = "f32")]
pub type Number = f32;

/// What the prompt wants of the loop.
#[derive(Clone, Copy)]
pub enum Request {
    /// Calibrate and balance.
    Arm,
    /// Motors off.
    Disarm,
    /// Measure the loop anew.
    ClearTiming,
    /// Leave the loop's timing to be read.
    TellTiming,
    /// Measure the resting sensor.
    Calibrate,
    /// Turn a motor for a moment.
    Motor {
        /// The left one.
        left: bool,
        /// Thousandths of full duty.
        permille: i16,
    },
    /// Leave the black box as it is, to be read.
    CloseBox,
    /// Empty it and open it again.
    OpenBox,
}

/// Other parameters.
#[allow(clippy::large_enum_variant)] // One at a time, in place.
pub enum Settings {
    /// Other gains, without a jump.
    Live(RobotConfig<f32>),
    /// A robot built anew, while the motors are off.
    New(Robot<Number>),
}

/// The prompt's end of what goes to the loop. What it leaves is copied in its own time: no interrupt
/// waits for it.
pub struct ToLoop {
    requests: Producer<'static, Request>,
    settings: Producer<'static, Settings>,
}

/// The loop's end.
pub struct FromPrompt {
    requests: Consumer<'static, Request>,
    settings: Consumer<'static, Settings>,
}

/// Both ends. Call it once.
pub fn requests() -> (ToLoop, FromPrompt) {
    // One place each.
    static REQUESTS: StaticCell<Queue<Request, 2>> = StaticCell::new();
    static SETTINGS: StaticCell<Queue<Settings, 2>> = StaticCell::new();
    let (to_requests, from_requests) = REQUESTS.init(Queue::new()).split();
    let (to_settings, from_settings) = SETTINGS.init(Queue::new()).split();
    let sender = ToLoop {
        requests: to_requests,
        settings: to_settings,
    };
    let receiver = FromPrompt {
        requests: from_requests,
        settings: from_settings,
    };
    (sender, receiver)
}

impl ToLoop {
    /// Leaves a request and waits until the loop has taken it, which it does each tick; false if it
    /// does not.
    pub fn post(&mut self, request: Request, patience_micros: u32) -> bool {
        self.is_taken(patience_micros)
            && self.requests.enqueue(request).is_ok()
            && self.is_taken(patience_micros)
    }

    /// The same with other parameters.
    pub fn settle(&mut self, settings: Settings, patience_micros: u32) -> bool {
        self.is_taken(patience_micros)
            && self.settings.enqueue(settings).is_ok()
            && self.is_taken(patience_micros)
    }

    fn is_taken(&self, patience_micros: u32) -> bool {
        let start = clock::micros();
        // The loop interrupts this.
        while !(self.requests.ready() && self.settings.ready()) {
            if clock::micros().wrapping_sub(start) > patience_micros {
                return false;
            }
        }
        true
    }
}

impl FromPrompt {
    /// The next request.
    pub fn request(&mut self) -> Option<Request> {
        self.requests.dequeue()
    }

    /// Uses other parameters, if there are any, where they lie.
    pub fn with_settings(&mut self, act: impl FnOnce(&Settings)) {
        let Some(settings) = self.settings.peek() else {
            return;
        };
        act(settings);
        let _ = self.settings.dequeue();
    }
}

type Shared<T> = Mutex<CriticalSectionRawMutex, RefCell<T>>;

const fn shared<T>(value: T) -> Shared<T> {
    Mutex::new(RefCell::new(value))
}

static NEWEST: Shared<Option<Snapshot<Number>>> = shared(None);
static TIMING: Shared<Option<Statistics>> = shared(None);
static REST: Shared<RestMeasurement> = shared(RestMeasurement::new());
static FAULTS: Shared<Option<FaultLog>> = shared(None);
/// Channels that somebody wants to be told.
static SCOPE: AtomicU32 = AtomicU32::new(0);
/// The flash is about to be written: no motor may get power.
static WRITING: AtomicBool = AtomicBool::new(false);
/// The loop knows of it.
static MAY_WRITE: AtomicBool = AtomicBool::new(false);

/// Nobody holds one of the boxes outside of its lock: this always has an answer.
fn with<T, R>(shared: &Shared<T>, act: impl FnOnce(&mut T) -> R) -> Option<R> {
    shared.lock(|value| value.try_borrow_mut().ok().map(|mut value| act(&mut value)))
}

// The prompt's side.

/// The newest tick.
pub fn newest() -> Option<Snapshot<Number>> {
    with(&NEWEST, |newest| *newest).flatten()
}

/// What [`Request::TellTiming`] has left.
pub fn timing() -> Option<Statistics> {
    with(&TIMING, Option::take).flatten()
}

/// What the sensor said at rest.
pub fn rest(scale: &ImuScale) -> Option<Rest> {
    let measurement = with(&REST, |rest| *rest)?;
    measurement.result(scale)
}

/// A fault of this run, the newest is number 0.
pub fn fault(index: usize) -> Option<Fault> {
    with(&FAULTS, |log| log.as_ref()?.get(index)).flatten()
}

/// Which channels the loop shall leave in the queue; none: no ticks at all.
pub fn set_scope(channels: u32) {
    SCOPE.store(channels, Ordering::Relaxed);
}

/// The channels asked for.
pub fn scope() -> u32 {
    SCOPE.load(Ordering::Relaxed)
}

/// Keeps the motors off while `act` runs, during which the loop may stand still. Says whether it was
/// done: not while the loop does not agree, because the robot is armed.
pub fn while_writing(act: impl FnOnce(), patience_micros: u32) -> bool {
    MAY_WRITE.store(false, Ordering::Relaxed);
    WRITING.store(true, Ordering::Relaxed);
    let start = clock::micros();
    // The loop interrupts this.
    while !MAY_WRITE.load(Ordering::Relaxed)
        && clock::micros().wrapping_sub(start) < patience_micros
    {}
    let agreed = MAY_WRITE.load(Ordering::Relaxed);
    if agreed {
        act();
    }
    WRITING.store(false, Ordering::Relaxed);
    agreed
}

// The loop's side.

/// Whether the flash is being written.
pub fn is_writing() -> bool {
    WRITING.load(Ordering::Relaxed)
}

/// Agrees to a writing of the flash, if one is wanted: from here on no motor gets power until it is
/// done.
pub fn note_writing() -> bool {
    let writing = is_writing();
    if writing {
        MAY_WRITE.store(true, Ordering::Relaxed);
    }
    writing
}

/// Leaves a tick to be looked at.
pub fn publish(snapshot: &Snapshot<Number>) {
    with(&NEWEST, |newest| *newest = Some(*snapshot));
}

/// Leaves the loop's timing.
pub fn tell_timing(statistics: &Statistics) {
    with(&TIMING, |timing| *timing = Some(*statistics));
}

/// The measurement at rest.
pub fn with_rest<R>(act: impl FnOnce(&mut RestMeasurement) -> R) -> Option<R> {
    with(&REST, act)
}

/// The log of faults.
pub fn with_faults<R>(act: impl FnOnce(&mut FaultLog) -> R) -> Option<R> {
    with(&FAULTS, |log| act(log.get_or_insert_default()))
}

/// Both ends of the queue of ticks: 63 ms. Call it once.
pub fn records() -> (Recorder<'static, Number>, Drain<'static, Number>) {
    static QUEUE: StaticCell<RecordQueue<Number, 64>> = StaticCell::new();
    QUEUE.init(RecordQueue::new()).split()
}
