//! Parameters on flash: a loss of power at any moment leaves the old set or the new one, never a
//! mixture of both.
//!
//! A thin layer over `sequential-storage`, which appends and wears all pages evenly: a page of 4 KiB
//! holds some twenty sets before one must be erased. Any flash that implements
//! `embedded-storage-async` will do; a blocking one wants a small wrapper
//! (`embassy_embedded_hal::adapter::BlockingAsync`).
//!
//! A chip whose code runs from the same flash stands still while it is written or erased (RP2040: a
//! page of 4 KiB takes 45 ms to erase): save while the motors have no power.

use super::image::{self, ImageError, MAX_IMAGE};
use crate::math::{Float, Real};
use crate::robot::RobotConfig;
use core::fmt;
use core::ops::Range;
use embedded_storage_async::nor_flash::NorFlash;
use sequential_storage::Error as FlashError;
use sequential_storage::cache::{Cache, Uncached};
use sequential_storage::map::{MapConfig, MapStorage};

/// The only entry; room for others is left.
const PARAMETERS: u8 = 0;

/// A buffer for the longest entry and its key, in whole words of any flash.
const BUFFER: usize = (MAX_IMAGE + 1).next_multiple_of(32);

/// Why nothing was saved or loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError<E> {
    /// The region does not begin and end with a page, has less than two, or they are too small.
    Region,
    /// The flash says no.
    Flash(E),
    /// What the flash holds was not written by this.
    Corrupted,
    /// It does not fit.
    Full,
    /// What it holds cannot be used.
    Image(ImageError),
}

impl<E: fmt::Debug> fmt::Display for StoreError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Region => f.write_str("the region is not made of two or more pages of the flash"),
            Self::Flash(error) => write!(f, "the flash failed: {error:?}"),
            Self::Corrupted => f.write_str("the region holds something else; erase it"),
            Self::Full => f.write_str("the region is too small"),
            Self::Image(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for StoreError<E> {}

impl<E> From<FlashError<E>> for StoreError<E> {
    fn from(error: FlashError<E>) -> Self {
        match error {
            FlashError::Storage { value, .. } => Self::Flash(value),
            FlashError::FullStorage | FlashError::ItemTooBig => Self::Full,
            _ => Self::Corrupted,
        }
    }
}

/// Keeps the parameters of a robot in a region of a flash.
pub struct ParameterStore<F: NorFlash> {
    map: MapStorage<u8, F, Cache<Uncached, Uncached, Uncached, u8>>,
}

impl<F: NorFlash> fmt::Debug for ParameterStore<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParameterStore").finish_non_exhaustive()
    }
}

impl<F: NorFlash> ParameterStore<F> {
    /// Takes two or more whole pages, by their addresses.
    ///
    /// # Errors
    /// [`StoreError::Region`].
    pub fn new(flash: F, region: Range<u32>) -> Result<Self, StoreError<F::Error>> {
        let config = MapConfig::try_new(region).map_err(|_| StoreError::Region)?;
        let map = MapStorage::new(flash, config, Cache::new_uncached());
        Ok(Self { map })
    }

    /// Keeps the parameters of a robot.
    ///
    /// # Errors
    /// Says why not; what was saved before is still there.
    pub async fn save<P: Float>(
        &mut self,
        config: &RobotConfig<P>,
    ) -> Result<(), StoreError<F::Error>> {
        let (mut bytes, mut buffer) = ([0; MAX_IMAGE], [0; BUFFER]);
        let image = image::write(config, &mut bytes);
        self.map
            .store_item(&mut buffer, &PARAMETERS, &image)
            .await?;
        Ok(())
    }

    /// The parameters that were saved last, over the settings of the firmware; `None` if there are
    /// none.
    ///
    /// # Errors
    /// Says why they cannot be used; the robot then has the settings of the firmware.
    pub async fn load<T: Real>(
        &mut self,
        defaults: &RobotConfig<T::Param>,
    ) -> Result<Option<RobotConfig<T::Param>>, StoreError<F::Error>> {
        let mut buffer = [0; BUFFER];
        let stored = self
            .map
            .fetch_item::<&[u8]>(&mut buffer, &PARAMETERS)
            .await?;
        match stored {
            None => Ok(None),
            Some(bytes) => image::read::<T>(bytes, defaults)
                .map(Some)
                .map_err(StoreError::Image),
        }
    }

    /// Erases the region: the way out of [`StoreError::Corrupted`].
    ///
    /// # Errors
    /// Those of the flash.
    pub async fn erase(&mut self) -> Result<(), StoreError<F::Error>> {
        Ok(self.map.erase_all().await?)
    }

    /// Gives the flash back.
    pub fn free(self) -> F {
        self.map.destroy().0
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::math::Q12;
    use core::pin::pin;
    use core::task::{Context, Poll, Waker};
    use embedded_storage_async::nor_flash::{
        ErrorType, MultiwriteNorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
    };
    use std::vec::Vec;

    /// A flash whose power fails in the middle of one of its operations.
    #[derive(Clone)]
    struct Flash<const WORD: usize> {
        bytes: Vec<u8>,
        /// Words that can still be written, pages counted as one: then the power is gone.
        power: Option<usize>,
        erased: usize,
    }

    const PAGE: usize = 1024;

    #[derive(Clone, Copy, Debug, PartialEq)]
    struct PowerLost;

    impl NorFlashError for PowerLost {
        fn kind(&self) -> NorFlashErrorKind {
            NorFlashErrorKind::Other
        }
    }

    impl<const WORD: usize> Flash<WORD> {
        fn new(pages: usize) -> Self {
            Self {
                bytes: std::vec![0xff; pages * PAGE],
                power: None,
                erased: 0,
            }
        }

        fn use_power(&mut self) -> Result<(), PowerLost> {
            match &mut self.power {
                None => Ok(()),
                Some(0) => Err(PowerLost),
                Some(left) => {
                    *left -= 1;
                    Ok(())
                }
            }
        }
    }

    impl<const WORD: usize> ErrorType for Flash<WORD> {
        type Error = PowerLost;
    }

    impl<const WORD: usize> ReadNorFlash for Flash<WORD> {
        const READ_SIZE: usize = 1;
        async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), PowerLost> {
            if self.power == Some(0) {
                return Err(PowerLost);
            }
            let start = offset as usize;
            bytes.copy_from_slice(&self.bytes[start..start + bytes.len()]);
            Ok(())
        }
        fn capacity(&self) -> usize {
            self.bytes.len()
        }
    }

    impl<const WORD: usize> NorFlash for Flash<WORD> {
        const WRITE_SIZE: usize = WORD;
        const ERASE_SIZE: usize = PAGE;
        async fn erase(&mut self, from: u32, to: u32) -> Result<(), PowerLost> {
            for page in (from as usize..to as usize).step_by(PAGE) {
                if self.use_power().is_err() {
                    // Half of it is erased, and the rest as it was.
                    self.bytes[page..page + PAGE / 2].fill(0xff);
                    return Err(PowerLost);
                }
                self.bytes[page..page + PAGE].fill(0xff);
                self.erased += 1;
            }
            Ok(())
        }
        async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), PowerLost> {
            assert!((offset as usize).is_multiple_of(WORD) && bytes.len().is_multiple_of(WORD));
            for (word, place) in bytes.chunks(WORD).zip((offset as usize..).step_by(WORD)) {
                self.use_power()?;
                for (new, old) in word.iter().zip(&mut self.bytes[place..]) {
                    // Flash can only clear bits.
                    *old &= new;
                }
            }
            Ok(())
        }
    }

    impl<const WORD: usize> MultiwriteNorFlash for Flash<WORD> {}

    /// A flash of memory never waits.
    fn now<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => output,
            Poll::Pending => unreachable!("memory never waits"),
        }
    }

    fn open<const WORD: usize>(flash: Flash<WORD>) -> ParameterStore<Flash<WORD>> {
        let end = flash.capacity() as u32;
        ParameterStore::new(flash, 0..end).unwrap()
    }

    fn tuned(value: u16) -> RobotConfig {
        let mut robot = RobotConfig::pico_kit();
        robot.turn.kp = f32::from(value) / 8.0;
        robot.chassis.track = 0.1 + f32::from(value) / 4096.0;
        robot
    }

    fn stored<const WORD: usize>(flash: Flash<WORD>) -> Option<RobotConfig> {
        now(open(flash).load::<Q12>(&RobotConfig::pico_kit())).unwrap()
    }

    #[test]
    fn nothing_was_saved_at_first_and_then_the_last_set() {
        let mut store = open(Flash::<4>::new(3));
        assert_eq!(now(store.load::<f32>(&tuned(9))), Ok(None));
        for value in 0..100 {
            now(store.save(&tuned(value))).unwrap();
        }
        let flash = store.free();
        assert!(flash.erased < 60, "{} pages erased", flash.erased);
        assert_eq!(stored(flash), Some(tuned(99)));
    }

    #[test]
    fn a_region_must_be_made_of_pages() {
        for region in [0..1024, 1..2048, 0..2000] {
            let store = ParameterStore::new(Flash::<4>::new(2), region);
            assert_eq!(store.err(), Some(StoreError::Region));
        }
    }

    /// The power goes after each word that is written, wherever the pages stand: after it the old
    /// set is there or the new one, whole, and the next can be saved.
    fn survives_each_cut<const WORD: usize>() {
        // So many sets before the one whose saving is cut: through all pages, and around.
        for before in 0..14 {
            let mut store = open(Flash::<WORD>::new(3));
            for value in 0..=before {
                now(store.save(&tuned(value))).unwrap();
            }
            let flash = store.free();
            let mut cuts = 0;
            loop {
                let mut cut = flash.clone();
                cut.power = Some(cuts);
                let mut store = open(cut);
                let saved = now(store.save(&tuned(100)));
                let mut after = store.free();
                after.power = None;
                let found = stored(after.clone()).expect("a set was there");
                assert!(
                    found == tuned(before) || found == tuned(100),
                    "a mixture after {before} sets and {cuts} words"
                );
                let mut store = open(after);
                now(store.save(&tuned(200))).unwrap();
                assert_eq!(stored(store.free()), Some(tuned(200)));
                cuts += 1;
                if saved.is_ok() {
                    assert_eq!(found, tuned(100));
                    break;
                }
            }
            assert!(cuts > 100 / WORD, "{cuts} cuts only");
        }
    }

    #[test]
    fn survives_a_cut_after_each_byte() {
        survives_each_cut::<1>();
    }

    #[test]
    fn survives_a_cut_after_each_word() {
        survives_each_cut::<4>();
        survives_each_cut::<8>();
        survives_each_cut::<32>();
    }

    /// Cut again and again, also while it repairs itself at the next start.
    #[test]
    fn survives_cuts_in_a_row() {
        for first in (0..400).step_by(7) {
            for second in (0..120).step_by(5) {
                let mut store = open(Flash::<4>::new(3));
                for value in 0..8 {
                    now(store.save(&tuned(value))).unwrap();
                }
                let mut flash = store.free();
                for (cut, value) in [(first, 100), (second, 200)] {
                    flash.power = Some(cut);
                    let mut store = open(flash);
                    let _ = now(store.save(&tuned(value)));
                    flash = store.free();
                    flash.power = None;
                }
                let found = stored(flash).expect("a set was there");
                assert!([7, 100, 200].map(tuned).contains(&found));
            }
        }
    }

    #[test]
    fn what_something_else_wrote_is_no_set_and_can_be_erased() {
        let mut flash = Flash::<4>::new(2);
        for (place, byte) in flash.bytes.iter_mut().enumerate() {
            *byte = (place * 7 % 251) as u8;
        }
        let mut store = open(flash);
        assert!(!matches!(now(store.load::<f32>(&tuned(0))), Ok(Some(_))));
        now(store.erase()).unwrap();
        now(store.save(&tuned(3))).unwrap();
        assert_eq!(stored(store.free()), Some(tuned(3)));
    }
}
