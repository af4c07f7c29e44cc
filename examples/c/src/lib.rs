//! `balance-core` for C and C++.
//!
//! ```text
//! balance_X_config config = balance_X_config_default();
//! static balance_X x;                        the caller's memory, of a known size
//! balance_X_init(&x, &config, 0.001f);       may fail, with a reason
//! balance_X_step(&x, …);                     never fails
//! ```
//!
//! Everything behind a handle is plain memory of the caller's: nothing is allocated, nothing needs
//! to be freed, and a handle may be copied by assignment. A null pointer, a misaligned one or one
//! that was never initialised is refused: an initialisation says so, a step gives zeros.
//!
//! The header `include/balance.h` is made of this file's modules by `cbindgen`; `.ci/c` compares.
#![no_std]
#![allow(non_camel_case_types, reason = "the names are those of the header")]

mod attitude;
mod control;
mod design;
mod foc;
mod handle;
mod lean_pid;
mod motor;
mod profile;
mod robot;
mod signal;
/// cbindgen:ignore
#[cfg(feature = "small_job")]
mod small_job;
mod status;
mod stepper;
mod tilt;

/// Nothing here panics: `.ci/c` proves it by linking with the feature `prove`.
#[cfg(not(test))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    #[cfg(feature = "prove")]
    {
        unsafe extern "C" {
            fn balance_panic_is_reachable() -> !;
        }
        // SAFETY: defined nowhere, so nothing that calls it can be linked, let alone run.
        unsafe { balance_panic_is_reachable() }
    }
    #[cfg(not(feature = "prove"))]
    loop {}
}

/// A host's precompiled `core` mentions the one who unwinds; nothing here ever does.
#[cfg(all(not(test), not(target_os = "none")))]
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}
