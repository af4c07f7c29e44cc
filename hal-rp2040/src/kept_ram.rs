//! Words of RAM that a reset leaves as they are: what the last run has to say to the next.
//!
//! A `static` in a section that the start-up code does not touch; whatever stands there after a
//! loss of power is noise, so the reader must be able to tell.
//!
//! ```
//! # use hal_rp2040::kept_ram::KeptRam;
//! #[cfg_attr(target_os = "none", unsafe(link_section = ".uninit.last_words"))]
//! static LAST_WORDS: KeptRam<16> = KeptRam::new();
//! LAST_WORDS.write(3, 7);
//! assert_eq!(LAST_WORDS.read(3), 7);
//! assert_eq!(LAST_WORDS.read(16), 0);
//! ```

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::panic::Location;

use balance_core::platform::Words;

/// N words that outlive a reset, if they lie in a section `.uninit.…`.
pub struct KeptRam<const N: usize>(UnsafeCell<MaybeUninit<[u32; N]>>);

#[allow(unsafe_code)]
// SAFETY: only whole words are read and written, each by one instruction; a reader sees the old
// word or the new one.
unsafe impl<const N: usize> Sync for KeptRam<N> {}

impl<const N: usize> KeptRam<N> {
    /// For a `static`. What it holds is whatever the RAM holds.
    #[allow(clippy::new_without_default)] // Of no use but in a static.
    pub const fn new() -> Self {
        Self(UnsafeCell::new(MaybeUninit::uninit()))
    }

    /// A word; zero beyond the end.
    #[inline]
    pub fn read(&self, index: usize) -> u32 {
        if index >= N {
            return 0;
        }
        let words = self.0.get().cast::<u32>();
        #[allow(unsafe_code)]
        // SAFETY: within the array. A volatile read of RAM takes the bits that are there, and every
        // pattern of bits is a word.
        unsafe {
            words.add(index).read_volatile()
        }
    }

    /// Writes a word; nothing beyond the end.
    #[inline]
    pub fn write(&self, index: usize, word: u32) {
        if index >= N {
            return;
        }
        let words = self.0.get().cast::<u32>();
        #[allow(unsafe_code)]
        // SAFETY: within the array, and nobody holds a reference into it.
        unsafe {
            words.add(index).write_volatile(word);
        }
    }
}

impl<const N: usize> Words for &KeptRam<N> {
    fn len(&self) -> usize {
        N
    }
    #[inline]
    fn read(&self, index: usize) -> u32 {
        KeptRam::read(self, index)
    }
    #[inline]
    fn write(&mut self, index: usize, word: u32) {
        KeptRam::write(self, index, word);
    }
}

const PLACE_WORDS: usize = 16;
const PLACE_BYTES: usize = 4 * PLACE_WORDS;
const MAGIC: u32 = 0x504c_4143;

#[cfg_attr(target_os = "none", allow(unsafe_code))]
#[cfg_attr(target_os = "none", unsafe(link_section = ".uninit.panic_place"))]
static PLACE: KeptRam<{ PLACE_WORDS + 2 }> = KeptRam::new();

/// The end of a source file's name, as far as there is room for it.
pub type FileName = ([u8; PLACE_BYTES], usize);

/// Writes down where a panic was; the handler of [`safe_stop`](crate::safe_stop) does it.
pub fn note_place(location: Option<&Location<'_>>) {
    let Some(location) = location else {
        return;
    };
    let name = location.file().as_bytes();
    let tail = name
        .get(name.len().saturating_sub(PLACE_BYTES)..)
        .unwrap_or(name);
    for (index, chunk) in tail.chunks(4).enumerate() {
        let mut word = [0; 4];
        for (to, from) in word.iter_mut().zip(chunk) {
            *to = *from;
        }
        PLACE.write(index, u32::from_le_bytes(word));
    }
    PLACE.write(PLACE_WORDS, u32::try_from(tail.len()).unwrap_or(0));
    PLACE.write(PLACE_WORDS + 1, MAGIC);
}

/// The file in which the last run has panicked, if it has; forgets it.
pub fn take_place() -> Option<FileName> {
    let known = PLACE.read(PLACE_WORDS + 1) == MAGIC;
    PLACE.write(PLACE_WORDS + 1, 0);
    let length = PLACE.read(PLACE_WORDS) as usize;
    if !known || length > PLACE_BYTES {
        return None;
    }
    let mut name = [0; PLACE_BYTES];
    for (index, chunk) in name.chunks_exact_mut(4).enumerate() {
        chunk.copy_from_slice(&PLACE.read(index).to_le_bytes());
    }
    Some((name, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_panic_is_told_once() {
        note_place(Some(Location::caller()));
        let (name, length) = take_place().unwrap();
        let name = core::str::from_utf8(&name[..length]).unwrap();
        assert!(name.ends_with("kept_ram.rs"), "{name}");
        assert_eq!(take_place(), None);
    }
}
