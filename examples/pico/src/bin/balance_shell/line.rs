//! The line: bytes in, text and frames out, at the pace of the UART, below everything else.
//!
//! What finds no room on its way out is dropped and counted. What comes in is always heard, if need
//! be at the cost of what goes out: a flood cannot keep a `disarm` from the robot.

use core::cell::Cell;
use core::convert::Infallible;

use balance_core::math::Scalar;
use balance_core::platform::Blink;
use balance_core::robot::State;
use balance_core::shell::{Shell, is_command};
use balance_core::telemetry::{Drain, MAX_FRAME, Message, Snapshot, encode};
use embassy_futures::select::select;
use embassy_rp::interrupt;
use embassy_rp::interrupt::InterruptExt as _;
use embassy_rp::uart::{BufferedUartRx, BufferedUartTx};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::pipe::Pipe;
use embassy_time::{Duration, Instant, Timer};
use embedded_io_async::{Read as _, Write as _};
use hal_rp2040::status_led::StatusLed;
use static_cell::StaticCell;

use crate::last_run;
use crate::machine::PicoMachine;
use crate::shared::{self, Number};

/// What waits for the line: 44 ms of it. A longer queue would be a slower answer.
const ROOM: usize = 2048;
/// Frames, echo and what is said to noise leave so much to answers.
const FOR_ANSWERS: usize = 1280;
/// Ticks between repetitions of what the channels are.
const SCHEMA_EVERY: u32 = 1000;

type Queue = Pipe<NoopRawMutex, ROOM>;

/// The way out, for the shell's text and for frames.
#[derive(Clone, Copy)]
pub struct Out {
    queue: &'static Queue,
    /// What the text that is written now must leave.
    spare: &'static Cell<usize>,
}

impl Out {
    /// Call it once.
    pub fn new() -> Self {
        static QUEUE: StaticCell<Queue> = StaticCell::new();
        static SPARE: StaticCell<Cell<usize>> = StaticCell::new();
        Self {
            queue: QUEUE.init(Pipe::new()),
            spare: SPARE.init(Cell::new(0)),
        }
    }

    /// All of it, or nothing.
    fn try_send(self, bytes: &[u8], spare: usize) -> bool {
        if self.queue.free_capacity() < bytes.len() + spare {
            return false;
        }
        let mut rest = bytes;
        // The queue is a ring: it takes what lies before its end, then the rest.
        while let Ok(taken) = self.queue.try_write(rest) {
            rest = rest.get(taken..).unwrap_or(&[]);
            if rest.is_empty() {
                return true;
            }
        }
        false
    }
}

impl embedded_io::ErrorType for Out {
    type Error = Infallible;
}

impl embedded_io::Write for Out {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        // What has no room is gone: to wait here would be to stop hearing.
        let _ = self.try_send(bytes, self.spare.get());
        Ok(bytes.len())
    }
    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Sends what waits, for ever.
#[embassy_executor::task]
pub async fn send(mut sender: BufferedUartTx, out: Out) {
    let mut bytes = [0; 64];
    loop {
        let length = out.queue.read(&mut bytes).await;
        // An error of the UART's sender does not exist.
        let _ = sender.write_all(bytes.get(..length).unwrap_or(&[])).await;
    }
}

/// Hears, answers and tells, for ever.
#[embassy_executor::task]
pub async fn prompt(
    mut hearer: BufferedUartRx,
    out: Out,
    mut machine: PicoMachine,
    drain: Drain<'static, Number>,
    mut led: StatusLed<'static>,
) {
    let Ok(mut shell) = Shell::new(out);
    let mut teller = Teller::new(out, drain);
    let mut line = Line::default();
    let mut heard = [0; 32];
    let mut next = Instant::now();
    loop {
        let now = Instant::now();
        if next <= now {
            // As often as the loop: the queue of ticks is short.
            next = now + Duration::from_millis(1);
        }
        let mut length = 0;
        select(
            async { length = hearer.read(&mut heard).await.unwrap_or(0) },
            Timer::at(next),
        )
        .await;
        for byte in heard.get(..length).unwrap_or(&[]) {
            out.spare.set(line.spare(*byte));
            let Ok(()) = shell.feed(&[*byte], &mut machine);
        }
        // The sender's interrupt comes when its FIFO falls through a level: one that is served late, after
        // a tick, and finds only the bytes before its buffer's end may never come again.
        interrupt::UART0_IRQ.pend();
        machine.watch();
        teller.tell(&mut machine);
        led.show(blink(machine.state()), hal_rp2040::clock::now());
        // The other task sends, also while a flood leaves no time to wait for anything.
        embassy_futures::yield_now().await;
    }
}

/// The line as it is typed, as far as it takes to know a command.
#[derive(Default)]
struct Line {
    bytes: [u8; 12],
    length: usize,
}

impl Line {
    /// What the answer to this byte must leave: nothing, if it ends a command.
    fn spare(&mut self, byte: u8) -> usize {
        if !matches!(byte, b'\r' | b'\n') {
            match self.bytes.get_mut(self.length) {
                Some(place) => *place = byte,
                // Longer than any word: the blank after it has been.
                None => return FOR_ANSWERS,
            }
            self.length += 1;
            return FOR_ANSWERS;
        }
        let known = is_command(self.bytes.get(..self.length).unwrap_or(&[]));
        self.length = 0;
        if known { 0 } else { FOR_ANSWERS }
    }
}

const fn blink(state: State) -> Blink {
    match state {
        State::Balancing => Blink::On,
        State::Fallen | State::Faulted => Blink::Alarm,
        _ => Blink::Heartbeat,
    }
}

/// Makes frames of ticks.
struct Teller {
    out: Out,
    drain: Drain<'static, Number>,
    dropped: u32,
    /// Of those that the loop dropped, told already.
    known: u32,
    until_schema: u32,
    /// Of the schema, the next message to be told; none if it is told.
    schema: Option<usize>,
    state: State,
    /// The next tick of the black box, while it is told.
    dumped: Option<usize>,
}

impl Teller {
    fn new(out: Out, drain: Drain<'static, Number>) -> Self {
        Self {
            out,
            drain,
            dropped: 0,
            known: 0,
            until_schema: 0,
            schema: None,
            state: State::default(),
            dumped: None,
        }
    }

    fn say(&self, message: &Message<'_>) -> bool {
        let mut buffer = [0; MAX_FRAME];
        encode(message, &mut buffer).is_ok_and(|frame| self.out.try_send(frame, FOR_ANSWERS))
    }

    fn tell(&mut self, machine: &mut PicoMachine) {
        if machine.take_dump() {
            self.dumped = Some(0);
            self.schema = Some(0);
        }
        if machine.take_scope_change() {
            self.until_schema = 0;
        }
        self.tell_schema();
        if self.dumped.is_some() && self.schema.is_none() {
            self.dump(machine);
        }
        self.records();
    }

    /// As much of it as there is room for.
    fn tell_schema(&mut self) {
        let channels = Snapshot::<Number>::CHANNELS.len();
        while let Some(index) = self.schema {
            let message = match index.checked_sub(1) {
                None => Some(Message::Hello {
                    firmware: crate::machine::FIRMWARE,
                    scalar: Number::NAME,
                    period_micros: 1000,
                    channels: channels as u8,
                }),
                Some(index) => Message::channel::<Number>(index),
            };
            match message {
                None => self.schema = None,
                Some(message) if self.say(&message) => self.schema = Some(index + 1),
                Some(_) => return,
            }
        }
    }

    fn dump(&mut self, machine: &PicoMachine) {
        let black_box = last_run::black_box();
        while let Some(index) = self.dumped {
            match black_box.get::<Number>(index) {
                Some(tick) => {
                    if !self.say(&Message::record(index as u32, u32::MAX, &tick)) {
                        return;
                    }
                    self.dumped = Some(index + 1);
                }
                None => {
                    if !machine.open_box() {
                        return;
                    }
                    self.dumped = None;
                }
            }
        }
    }

    fn records(&mut self) {
        // Not more at a time than what comes in a few milliseconds: there are bytes to hear.
        for _ in 0..4 {
            let Some((sequence, snapshot)) = self.drain.pop() else {
                return;
            };
            let scope = shared::scope();
            if scope == 0 || self.dumped.is_some() {
                continue;
            }
            if self.until_schema == 0 {
                self.until_schema = SCHEMA_EVERY;
                self.schema = Some(0);
            }
            self.until_schema -= 1;
            let outputs = &snapshot.outputs;
            if outputs.state != self.state {
                let message = Message::state(snapshot.at.as_micros(), outputs.state, outputs.stop);
                if self.say(&message) {
                    self.state = outputs.state;
                }
            }
            let by_loop = self.drain.dropped();
            let count = self
                .dropped
                .saturating_add(by_loop.wrapping_sub(self.known));
            if count > 0 && self.say(&Message::Dropped { count }) {
                self.dropped = 0;
                self.known = by_loop;
            }
            if !self.say(&Message::record(sequence, scope, &snapshot)) {
                self.dropped = self.dropped.saturating_add(1);
            }
        }
    }
}
