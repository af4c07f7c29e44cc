//! From reset to the program, and words to the emulator by semihosting.

use core::arch::{asm, global_asm};

const WRITE0: usize = 0x04;
const EXIT: usize = 0x18;
const APPLICATION_EXIT: usize = 0x2_0026;
const RUN_TIME_ERROR: usize = 0x2_0023;

global_asm!(
    ".section .vectors, \"a\"",
    ".global vectors",
    "vectors:",
    ".word 0x20004000",
    ".word start",
    ".rept 14",
    ".word fault",
    ".endr",
    ".text",
);

fn call(operation: usize, argument: usize) {
    // SAFETY: the breakpoint that semihosting is; it reads what `argument` points to.
    unsafe { asm!("bkpt #0xab", inout("r0") operation => _, in("r1") argument) }
}

fn print(sum: u32) {
    let mut line = [0; 10];
    for (place, digit) in line.iter_mut().take(8).enumerate() {
        *digit = b"0123456789abcdef"[(sum >> (28 - 4 * place)) as usize & 15];
    }
    line[8] = b'\n';
    call(WRITE0, line.as_ptr() as usize);
}

fn exit(good: bool) -> ! {
    let reason = if good {
        APPLICATION_EXIT
    } else {
        RUN_TIME_ERROR
    };
    loop {
        call(EXIT, reason);
    }
}

#[unsafe(no_mangle)]
extern "C" fn start() -> ! {
    super::run(print);
    exit(true)
}

#[unsafe(no_mangle)]
extern "C" fn fault() -> ! {
    exit(false)
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    exit(false)
}
