//! Memory of the caller's with one of our values in it. All of `unsafe` is here.

use crate::status::balance_status::{self, *};

/// A C structure that holds a value of ours behind a mark.
///
/// # Safety
/// `Self` is plain memory, at least as large as `Slot<Inner>` and aligned as it; [`handle!`] checks.
pub(crate) unsafe trait Handle: Sized {
    /// What is in it.
    type Inner;
    /// Tells one kind of handle from another, and from memory that was never initialised.
    const MARK: u32;
}

/// What really is in a handle.
#[repr(C)]
pub(crate) struct Slot<T> {
    mark: u32,
    value: T,
}

/// FNV-1a of 32 bits.
pub(crate) const fn mark(name: &str) -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    let bytes = name.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u32).wrapping_mul(0x0100_0193);
        index += 1;
    }
    hash
}

/// Declares a C structure of so many words for a value of ours.
macro_rules! handle {
    ($(#[$about:meta])* $name:ident, $inner:ty, $words:literal) => {
        $(#[$about])*
        #[repr(C)]
        #[allow(non_camel_case_types)]
        pub struct $name {
            /// Not to be touched.
            private_words: [u64; $words],
        }
        const _: () = assert!(
            size_of::<$crate::handle::Slot<$inner>>() <= size_of::<$name>(),
            "too few words"
        );
        const _: () = assert!(align_of::<$crate::handle::Slot<$inner>>() <= align_of::<$name>());
        // SAFETY: plain words, large enough and aligned, as asserted above.
        unsafe impl $crate::handle::Handle for $name {
            type Inner = $inner;
            const MARK: u32 = $crate::handle::mark(stringify!($name));
        }
    };
}
pub(crate) use handle;

fn check<T>(pointer: *const T) -> Result<(), balance_status> {
    if pointer.is_null() {
        return Err(BALANCE_NULL);
    }
    if !pointer.is_aligned() {
        return Err(BALANCE_MISALIGNED);
    }
    Ok(())
}

/// Puts a value into a handle.
pub(crate) fn put<H: Handle>(handle: *mut H, value: H::Inner) -> balance_status {
    if let Err(status) = check(handle) {
        return status;
    }
    let slot = Slot {
        mark: H::MARK,
        value,
    };
    // SAFETY: not null, aligned, and by the contract of every function of the header the caller's own
    // memory of a handle's size, which `Handle` promises to suffice. What was there is plain memory.
    unsafe { handle.cast::<Slot<H::Inner>>().write(slot) };
    BALANCE_OK
}

/// The value in a handle.
pub(crate) fn get<'a, H: Handle>(handle: *mut H) -> Result<&'a mut H::Inner, balance_status> {
    check(handle)?;
    // SAFETY: not null, aligned, and memory of a handle's size, of which the first word is a mark.
    if unsafe { handle.cast::<u32>().read() } != H::MARK {
        return Err(BALANCE_NOT_INITIALISED);
    }
    // SAFETY: the mark is written by `put` only, together with a value. The header demands that no
    // other call uses the same handle at the same time.
    Ok(unsafe { &mut (*handle.cast::<Slot<H::Inner>>()).value })
}

/// What a pointer of the caller's points to.
pub(crate) fn read<T: Copy>(pointer: *const T) -> Result<T, balance_status> {
    check(pointer)?;
    // SAFETY: not null, aligned, and by the header's contract a whole value.
    Ok(unsafe { pointer.read() })
}

/// As [`read`]; `None` for null, which says that there is nothing.
pub(crate) fn read_optional<T: Copy>(pointer: *const T) -> Option<T> {
    read(pointer).ok()
}

/// Writes a result to where the caller wants it, if anywhere.
pub(crate) fn write<T>(pointer: *mut T, value: T) -> balance_status {
    match check(pointer) {
        Err(status) => status,
        Ok(()) => {
            // SAFETY: not null, aligned, the caller's memory for a whole value.
            unsafe { pointer.write(value) };
            BALANCE_OK
        }
    }
}

/// The text at a pointer, up to its zero, of at most `N` bytes.
pub(crate) fn text<'a, const N: usize>(pointer: *const core::ffi::c_char) -> Option<&'a str> {
    if pointer.is_null() {
        return None;
    }
    let length = (0..N).find(|&index| {
        // SAFETY: within the text: no byte before this one was its zero.
        unsafe { pointer.add(index).read() == 0 }
    })?;
    // SAFETY: all of these bytes were just read.
    let bytes = unsafe { core::slice::from_raw_parts(pointer.cast::<u8>(), length) };
    core::str::from_utf8(bytes).ok()
}
