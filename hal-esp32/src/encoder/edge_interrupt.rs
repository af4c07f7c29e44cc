use core::cell::RefCell;
use core::convert::Infallible;
use core::sync::atomic::{AtomicU32, Ordering};

use balance_core::platform::{Quadrature, QuadratureDecoder};
use critical_section::Mutex;
use esp_hal::gpio::{Event, Input, Io};
use esp_hal::interrupt::Priority;
use esp_hal::peripherals::IO_MUX;
use esp_hal::{handler, ram};

struct Lines {
    a: Input<'static>,
    b: Input<'static>,
    decoder: QuadratureDecoder,
}

const ENCODERS: usize = 2;

static LINES: Mutex<RefCell<[Option<Lines>; ENCODERS]>> =
    Mutex::new(RefCell::new([const { None }; ENCODERS]));

/// The counts as the interrupt left them; written there only.
static COUNTS: [AtomicU32; ENCODERS] = [const { AtomicU32::new(0) }; ENCODERS];
static MISSED: [AtomicU32; ENCODERS] = [const { AtomicU32::new(0) }; ENCODERS];

/// Takes the interrupt of all pins. Call it once, before the first encoder.
pub fn start(io_mux: IO_MUX<'static>) {
    Io::new(io_mux).set_interrupt_handler(on_edge);
}

// In RAM, as flash may be a miss of the cache away.
#[handler(priority = Priority::Priority3)]
#[ram]
fn on_edge() {
    critical_section::with(|section| {
        let mut encoders = LINES.borrow_ref_mut(section);
        for (index, lines) in encoders.iter_mut().enumerate() {
            let Some(lines) = lines else { continue };
            // Cleared before the levels are read: an edge after that interrupts anew.
            lines.a.clear_interrupt();
            lines.b.clear_interrupt();
            let count = lines.decoder.update(lines.a.is_high(), lines.b.is_high());
            COUNTS[index].store(count.cast_unsigned(), Ordering::Relaxed);
            MISSED[index].store(lines.decoder.missed(), Ordering::Relaxed);
        }
    });
}

/// One encoder: an interrupt at each edge.
pub struct Encoder<const INDEX: usize>(());

impl<const INDEX: usize> Encoder<INDEX> {
    /// Takes two pins, which should be pulled up, as encoders with open collectors need it. `INDEX`
    /// is 0 or 1, and each may be made once.
    pub fn new(mut a: Input<'static>, mut b: Input<'static>) -> Self {
        const { assert!(INDEX < ENCODERS) };
        let decoder = QuadratureDecoder::new(a.is_high(), b.is_high());
        a.listen(Event::AnyEdge);
        b.listen(Event::AnyEdge);
        critical_section::with(|section| {
            LINES.borrow_ref_mut(section)[INDEX] = Some(Lines { a, b, decoder });
        });
        Self(())
    }

    /// Edges counted since the start, up when channel A leads; wraps at 2³¹.
    #[inline]
    pub fn count(&mut self) -> i32 {
        COUNTS[INDEX].load(Ordering::Relaxed).cast_signed()
    }

    /// Edges that came too fast to be counted, in pairs; saturates.
    pub fn missed(&self) -> u32 {
        MISSED[INDEX].load(Ordering::Relaxed)
    }
}

impl<const INDEX: usize> Quadrature for Encoder<INDEX> {
    type Error = Infallible;
    #[inline]
    fn count(&mut self) -> Result<i32, Infallible> {
        Ok(self.count())
    }
}
