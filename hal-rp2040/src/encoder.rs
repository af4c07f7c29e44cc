//! Quadrature encoders counted by a PIO state machine.
//!
//! The state machine samples both channels every 10 cycles (12.5 million samples a second at
//! 125 MHz) and counts all four edges of a period; the processor spends nothing on an edge. One
//! copy of the program (25 of the 32 instructions of a PIO block) serves up to four encoders.

use balance_core::platform::Quadrature;
use core::convert::Infallible;
use embassy_rp::Peri;
use embassy_rp::gpio::Pull;
use embassy_rp::pio::{
    Common, Config, Direction, Instance, LoadedProgram, PioPin, ShiftDirection, StateMachine,
};

/// The counting program in a PIO block's memory.
pub struct EncoderProgram<'d, PIO: Instance>(LoadedProgram<'d, PIO>);

impl<'d, PIO: Instance> EncoderProgram<'d, PIO> {
    /// Loads the program; it wants the block's first 25 instructions. Panics if they are taken.
    pub fn load(common: &mut Common<'d, PIO>) -> Self {
        // X holds the count and OSR, in its lowest bits, the previous state of the channels.
        // ISR becomes (previous << 2 | now), which is the address of the jump that knows what
        // such a change means; the table must therefore start at address zero. A is the lower
        // bit. Up is 00, 01, 11, 10, 00: A leads. Where both channels changed at once the
        // direction is unknown and the count stays.
        let program = pio::pio_asm!(
            ".origin 0",
            "    jmp sample", // 00 -> 00
            "    jmp up",     // 00 -> 01
            "    jmp down",   // 00 -> 10
            "    jmp sample", // 00 -> 11
            "    jmp down",   // 01 -> 00
            "    jmp sample", // 01 -> 01
            "    jmp sample", // 01 -> 10
            "    jmp up",     // 01 -> 11
            "    jmp up",     // 10 -> 00
            "    jmp sample", // 10 -> 01
            "    jmp sample", // 10 -> 10
            "    jmp down",   // 10 -> 11
            "    jmp sample", // 11 -> 00
            "    jmp down",   // 11 -> 01
            "    jmp up",     // 11 -> 10
            "    jmp sample", // 11 -> 11
            "down:",
            // Falls through to `sample` when X was zero; the decrement happens either way.
            "    jmp x--, sample",
            ".wrap_target",
            "sample:",
            "    mov isr, x",
            "    push noblock",
            "    in osr, 2",
            "    in pins, 2",
            "    mov osr, isr",
            "    mov pc, isr",
            "up:",
            // There is no increment: x + 1 = !(!x - 1).
            "    mov x, !x",
            "    jmp x--, negate",
            "negate:",
            "    mov x, !x",
            ".wrap",
        );
        Self(common.load_program(&program.program))
    }
}

/// One encoder: a state machine that counts.
pub struct Encoder<'d, PIO: Instance, const SM: usize> {
    machine: StateMachine<'d, PIO, SM>,
    last: i32,
}

impl<'d, PIO: Instance, const SM: usize> Encoder<'d, PIO, SM> {
    /// Polls of the FIFO after which [`count`](Self::count) gives up waiting; a fresh count takes
    /// 10 cycles, less than one poll.
    const PATIENCE: u8 = 16;

    /// Takes a state machine and two neighbouring pins: `channel_a`, and `channel_b` the next.
    ///
    /// Pull-ups are switched on, as encoders with open collectors need them. The count starts
    /// at 0, or one off if the channels are not both low.
    pub fn new(
        common: &mut Common<'d, PIO>,
        mut machine: StateMachine<'d, PIO, SM>,
        program: &EncoderProgram<'d, PIO>,
        channel_a: Peri<'d, impl PioPin + 'd>,
        channel_b: Peri<'d, impl PioPin + 'd>,
    ) -> Self {
        let mut a = common.make_pio_pin(channel_a);
        let mut b = common.make_pio_pin(channel_b);
        a.set_pull(Pull::Up);
        b.set_pull(Pull::Up);
        machine.set_pin_dirs(Direction::In, &[&a, &b]);
        let mut config = Config::default();
        config.use_program(&program.0, &[]);
        config.set_in_pins(&[&a, &b]);
        config.shift_in.direction = ShiftDirection::Left;
        machine.set_config(&config);
        machine.set_enable(true);
        Self { machine, last: 0 }
    }

    /// Edges counted since the start, up when channel A leads; wraps at 2³¹.
    ///
    /// Takes about 40 cycles, at most about 300. The FIFO holds four counts from just after the
    /// last call: they are thrown away, and the next one the state machine writes is of now. If
    /// none comes (somebody stopped the machine) the last count stands.
    #[inline(never)]
    pub fn count(&mut self) -> i32 {
        let fifo = self.machine.rx();
        for _ in 0..4 {
            // Whether there is one or not: to ask costs as much as to pull, and an empty FIFO
            // answers with nothing of meaning.
            fifo.pull();
        }
        for _ in 0..Self::PATIENCE {
            if let Some(count) = fifo.try_pull() {
                self.last = count.cast_signed();
                break;
            }
        }
        self.last
    }
}

impl<PIO: Instance, const SM: usize> Quadrature for Encoder<'_, PIO, SM> {
    type Error = Infallible;
    #[inline]
    fn count(&mut self) -> Result<i32, Infallible> {
        Ok(self.count())
    }
}
