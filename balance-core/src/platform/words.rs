//! Memory by the word, for what shall outlive a reset.

/// Words that keep what was written, whatever they hold at the start.
pub trait Words {
    /// How many.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// A word; zero beyond the end.
    fn read(&self, index: usize) -> u32;
    /// Writes a word; nothing beyond the end.
    fn write(&mut self, index: usize, word: u32);
}

impl<const N: usize> Words for [u32; N] {
    fn len(&self) -> usize {
        N
    }
    fn read(&self, index: usize) -> u32 {
        self.get(index).copied().unwrap_or(0)
    }
    fn write(&mut self, index: usize, word: u32) {
        if let Some(place) = self.get_mut(index) {
            *place = word;
        }
    }
}

impl<W: Words + ?Sized> Words for &mut W {
    fn len(&self) -> usize {
        W::len(self)
    }
    fn read(&self, index: usize) -> u32 {
        W::read(self, index)
    }
    fn write(&mut self, index: usize, word: u32) {
        W::write(self, index, word);
    }
}
