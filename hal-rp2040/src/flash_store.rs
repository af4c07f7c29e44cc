//! The end of the flash, as the core's parameter store wants it.
//!
//! The program runs from the same flash: while a sector of 4 KiB is erased (45 ms, at most 400 ms;
//! Winbond W25Q16JV, rev. H, 9.6) nothing else runs, no interrupt either. Save only while the motors
//! have no power, and keep the watchdog's time-out above the erase time.

use core::ops::Range;

use embassy_rp::Peri;
use embassy_rp::flash::{Blocking, ERASE_SIZE, Error, Flash, READ_SIZE, WRITE_SIZE};
use embassy_rp::peripherals::FLASH;
use embedded_storage_async::nor_flash::{ErrorType, MultiwriteNorFlash, NorFlash, ReadNorFlash};

/// A flash of SIZE bytes, as a `NorFlash` of `embedded-storage-async` that never waits for anything
/// but the flash.
pub struct FlashStore<'d, const SIZE: usize>(Flash<'d, FLASH, Blocking, SIZE>);

impl<'d, const SIZE: usize> FlashStore<'d, SIZE> {
    /// Takes the flash.
    pub fn new(flash: Peri<'d, FLASH>) -> Self {
        Self(Flash::new_blocking(flash))
    }

    /// The addresses of the last sectors, for a store. The memory map must leave them out.
    pub const fn last_sectors(sectors: usize) -> Range<u32> {
        (SIZE - sectors * ERASE_SIZE) as u32..SIZE as u32
    }
}

impl<const SIZE: usize> ErrorType for FlashStore<'_, SIZE> {
    type Error = Error;
}

impl<const SIZE: usize> ReadNorFlash for FlashStore<'_, SIZE> {
    const READ_SIZE: usize = READ_SIZE;
    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Error> {
        self.0.blocking_read(offset, bytes)
    }
    fn capacity(&self) -> usize {
        SIZE
    }
}

impl<const SIZE: usize> NorFlash for FlashStore<'_, SIZE> {
    const WRITE_SIZE: usize = WRITE_SIZE;
    const ERASE_SIZE: usize = ERASE_SIZE;
    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Error> {
        self.0.blocking_erase(from, to)
    }
    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Error> {
        self.0.blocking_write(offset, bytes)
    }
}

// The flash's bits go from one to zero at any time.
impl<const SIZE: usize> MultiwriteNorFlash for FlashStore<'_, SIZE> {}
