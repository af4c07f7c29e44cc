//! Words to the emulator.

const WRITE0: usize = 0x04;
const EXIT: usize = 0x18;
const APPLICATION_EXIT: usize = 0x2_0026;
const RUN_TIME_ERROR: usize = 0x2_0023;

#[cfg(target_arch = "arm")]
fn call(operation: usize, argument: usize) {
    // SAFETY: the breakpoint that semihosting is; it reads what `argument` points to.
    unsafe {
        core::arch::asm!("bkpt #0xab", inout("r0") operation => _, in("r1") argument);
    }
}

#[cfg(target_arch = "riscv32")]
fn call(operation: usize, argument: usize) {
    // SAFETY: as above; the sequence is fixed, uncompressed and within a page.
    unsafe {
        core::arch::asm!(
            ".balign 16",
            ".option push",
            ".option norvc",
            "slli x0, x0, 0x1f",
            "ebreak",
            "srai x0, x0, 7",
            ".option pop",
            inout("a0") operation => _,
            in("a1") argument,
        );
    }
}

/// Prints `name value` as a line.
pub fn report(name: &str, value: usize) {
    let mut line = [0_u8; 32];
    let digits = (0..10).rev().map(|place| 10_usize.pow(place));
    let digits = digits.map(|power| b'0' + (value / power % 10) as u8);
    let text = name.bytes().chain([b' ']).chain(digits).chain([b'\n']);
    // The last byte stays zero.
    for (to, from) in line[..31].iter_mut().zip(text) {
        *to = from;
    }
    call(WRITE0, line.as_ptr() as usize);
}

/// Ends the emulator, whose exit status says whether all went well.
pub fn exit(good: bool) -> ! {
    loop {
        call(
            EXIT,
            if good {
                APPLICATION_EXIT
            } else {
                RUN_TIME_ERROR
            },
        );
    }
}
