//! The small job of `benches/cases` as Rust does it, for `small_job/main.c` to count beside its own.

use cases::Case;
use cases::small_job::{TiltPid, TiltPidFromBytes};
use core::cell::UnsafeCell;
use core::mem::MaybeUninit;

struct Place(UnsafeCell<MaybeUninit<TiltPid<f32>>>);

// SAFETY: the image that this is for has one thread and no interrupts.
unsafe impl Sync for Place {}

static JOB: Place = Place(UnsafeCell::new(MaybeUninit::uninit()));

/// The job at rest; null if it cannot be built.
///
/// cbindgen:ignore
#[unsafe(no_mangle)]
pub extern "C" fn rust_job() -> *mut TiltPid<f32> {
    match <TiltPidFromBytes as Case<f32>>::build() {
        // SAFETY: as above; nobody holds it yet.
        Ok(job) => unsafe { (*JOB.0.get()).write(job) },
        Err(_) => core::ptr::null_mut(),
    }
}

/// One step: direction, and duty of 16 bits.
///
/// cbindgen:ignore
#[unsafe(no_mangle)]
pub extern "C" fn rust_job_step(job: &mut TiltPid<f32>, bytes: &[u8; 14], duty: &mut u32) -> bool {
    let (reverse, magnitude) = <TiltPidFromBytes as Case<f32>>::step(job, bytes);
    *duty = magnitude;
    reverse
}

/// The bytes of a sample, of which there are as many as it says.
///
/// cbindgen:ignore
#[unsafe(no_mangle)]
pub extern "C" fn rust_job_input(index: u32, bytes: &mut [u8; 14]) -> u32 {
    if let Some(sample) = cases::SAMPLES.get(index as usize) {
        *bytes = <TiltPidFromBytes as Case<f32>>::input(sample);
    }
    cases::SAMPLES.len() as u32
}
