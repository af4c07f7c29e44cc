//! From reset to `image_main`, and the measured call. The emulator loads data where it belongs and
//! starts with memory cleared, so there is nothing else to set up.

use core::arch::global_asm;

#[cfg(target_arch = "arm")]
global_asm!(
    ".syntax unified",
    ".section .vectors, \"a\"",
    ".global vectors",
    "vectors:",
    ".word __stack_top",
    ".word reset",
    ".rept 14",
    ".word fault",
    ".endr",
    ".section .text.reset, \"ax\"",
    ".thumb_func",
    ".global reset",
    "reset:",
);
// CPACR: full access to the floating-point unit; FPCCR: no lazy stacking.
#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
global_asm!(
    "ldr r0, =0xE000ED88",
    "ldr r1, =0x00F00000",
    "str r1, [r0]",
    "dsb",
    "isb",
    "ldr r0, =0xE000EF34",
    "movs r1, #0",
    "str r1, [r0]",
);
#[cfg(target_arch = "arm")]
global_asm!(
    "bl image_main",
    ".thumb_func",
    "fault:",
    "movs r0, #0x18",
    "ldr r1, =0x20023",
    "bkpt #0xab",
    "b fault",
    ".pool",
    ".section .text.measure, \"ax\"",
    ".thumb_func",
    ".global measure_on_own_stack",
    "measure_on_own_stack:",
    "push {{r4, r5, lr}}",
    "mov r4, sp",
    "ldr r5, =__measured_stack_top",
    "mov sp, r5",
    ".thumb_func",
    ".global measured_from",
    "measured_from:",
    "nop",
    "blx r3",
    ".thumb_func",
    ".global measured_to",
    "measured_to:",
    "nop",
    "mov sp, r4",
    "pop {{r4, r5, pc}}",
    ".pool",
);

#[cfg(target_arch = "riscv32")]
global_asm!(
    ".section .vectors, \"ax\"",
    ".global reset",
    ".global vectors",
    "vectors:",
    "reset:",
    "la sp, __stack_top",
    "la t0, fault",
    "csrw mtvec, t0",
    "call image_main",
    ".balign 4",
    "fault:",
    "li a0, 0x18",
    "li a1, 0x20023",
    ".balign 16",
    ".option push",
    ".option norvc",
    "slli x0, x0, 0x1f",
    "ebreak",
    "srai x0, x0, 7",
    ".option pop",
    "j fault",
    ".section .text.measure, \"ax\"",
    ".global measure_on_own_stack",
    "measure_on_own_stack:",
    "addi sp, sp, -16",
    "sw ra, 12(sp)",
    "sw s0, 8(sp)",
    "mv s0, sp",
    "la sp, __measured_stack_top",
    ".global measured_from",
    "measured_from:",
    "nop",
    "jalr a3",
    ".global measured_to",
    "measured_to:",
    "nop",
    "mv sp, s0",
    "lw s0, 8(sp)",
    "lw ra, 12(sp)",
    "addi sp, sp, 16",
    "ret",
);

type Function = extern "C" fn(*mut (), *const (), *mut ());

unsafe extern "C" {
    fn measure_on_own_stack(algorithm: *mut (), input: *const (), output: *mut (), step: Function);
    static mut __measured_stack_bottom: [u32; 0];
    static mut __measured_stack_top: [u32; 0];
}

/// Calls a step between the two addresses where the counter starts and stops.
pub fn measure(algorithm: *mut (), input: *const (), output: *mut (), step: Function) {
    // SAFETY: the stack is switched to the measured one and back.
    unsafe { measure_on_own_stack(algorithm, input, output, step) }
}

/// What an untouched word of the stack holds.
pub const STACK_FILL: u32 = 0xa5a5_a5a5;

/// The stack of the measured calls.
pub struct Stack(&'static mut [u32]);

/// The stack of the measured calls, between two of them.
pub fn measured_stack() -> Stack {
    let bottom = (&raw mut __measured_stack_bottom).cast::<u32>();
    let top = &raw mut __measured_stack_top as usize;
    let words = (top - bottom as usize) / 4;
    // SAFETY: the linker script sets this memory apart; nobody else uses it outside a call.
    Stack(unsafe { core::slice::from_raw_parts_mut(bottom, words) })
}

impl Stack {
    /// Fills it, to see later how much was used.
    pub fn paint(self) {
        for word in self.0 {
            // Volatile: the measured calls read and write behind the compiler's back.
            // SAFETY: a reference is a valid place.
            unsafe { core::ptr::write_volatile(word, STACK_FILL) };
        }
    }
    /// High-water mark in bytes.
    pub fn used(self) -> usize {
        let untouched = self.0.iter().take_while(|word| {
            // SAFETY: a reference is a valid place.
            unsafe { core::ptr::read_volatile(*word) == STACK_FILL }
        });
        4 * (self.0.len() - untouched.count())
    }
}
