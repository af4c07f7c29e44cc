//! Quadrature in software, where no hardware counts.

/// Counts the edges of two channels from their levels.
///
/// For an interrupt at each edge. Up is A before B: 00, 01, 11, 10 with A as the lower bit. Where
/// both channels changed at once an edge was missed; the direction is unknown, the count stays, and
/// the miss is counted.
///
/// ```
/// use balance_core::platform::QuadratureDecoder;
/// let mut wheel = QuadratureDecoder::new(false, false);
/// assert_eq!(wheel.update(true, false), 1);
/// assert_eq!(wheel.update(true, true), 2);
/// assert_eq!(wheel.update(true, false), 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuadratureDecoder {
    channels: u8,
    count: i32,
    missed: u32,
}

/// What the change from the upper two bits to the lower two means.
const STEPS: [i8; 16] = [0, 1, -1, 0, -1, 0, 0, 1, 1, 0, 0, -1, 0, -1, 1, 0];

impl QuadratureDecoder {
    /// At count zero, with the channels at these levels.
    #[must_use]
    pub const fn new(a: bool, b: bool) -> Self {
        Self {
            channels: channels(a, b),
            count: 0,
            missed: 0,
        }
    }

    /// Takes the levels after an edge and gives the count, which wraps at the ends of `i32`. About
    /// ten instructions.
    #[inline]
    pub const fn update(&mut self, a: bool, b: bool) -> i32 {
        let now = channels(a, b);
        let change = self.channels << 2 | now;
        self.channels = now;
        self.count = self
            .count
            .wrapping_add(STEPS[(change & 15) as usize] as i32);
        if change >> 2 ^ now == 3 {
            self.missed = self.missed.saturating_add(1);
        }
        self.count
    }

    /// Edges counted.
    #[must_use]
    pub const fn count(&self) -> i32 {
        self.count
    }

    /// Times that both channels had changed at once; saturates.
    #[must_use]
    pub const fn missed(&self) -> u32 {
        self.missed
    }
}

#[inline]
const fn channels(a: bool, b: bool) -> u8 {
    (b as u8) << 1 | a as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Levels of the channels at a position.
    fn levels(position: i32) -> (bool, bool) {
        match position.rem_euclid(4) {
            0 => (false, false),
            1 => (true, false),
            2 => (true, true),
            _ => (false, true),
        }
    }

    fn go(decoder: &mut QuadratureDecoder, position: i32) -> i32 {
        let (a, b) = levels(position);
        decoder.update(a, b)
    }

    #[test]
    fn follows_the_shaft_to_and_fro() {
        let mut decoder = QuadratureDecoder::new(false, false);
        let way = [1, 2, 3, 4, 5, 4, 4, 3, 2, 1, 0, -1, -2, -3, -4, -5, -4];
        for position in way {
            assert_eq!(go(&mut decoder, position), position);
        }
        assert_eq!(decoder.missed(), 0);
    }

    #[test]
    fn a_start_in_any_position_is_zero() {
        for start in 0..4 {
            let (a, b) = levels(start);
            let mut decoder = QuadratureDecoder::new(a, b);
            assert_eq!(go(&mut decoder, start), 0);
            assert_eq!(go(&mut decoder, start + 1), 1);
            assert_eq!(go(&mut decoder, start), 0);
            assert_eq!(go(&mut decoder, start - 1), -1);
        }
    }

    #[test]
    fn a_missed_edge_is_told_and_not_guessed() {
        for start in 0..4 {
            let (a, b) = levels(start);
            let mut decoder = QuadratureDecoder::new(a, b);
            assert_eq!(go(&mut decoder, start + 2), 0);
            assert_eq!(decoder.missed(), 1);
            assert_eq!(go(&mut decoder, start + 3), 1);
            assert_eq!(decoder.missed(), 1);
        }
    }
}
