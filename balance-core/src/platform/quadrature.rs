//! Counters of a quadrature encoder, and of its last edge.

use crate::sensor::Sample;
use crate::time::Instant;

/// A counter of the edges of both channels, four to a period, up when channel A leads.
///
/// Hardware counts; `count` only reads. A counter narrower than 32 bits is continued with a
/// [`CountExtender`](super::CountExtender) inside `count`, which must then be called before half
/// its range has passed.
pub trait Quadrature {
    /// What can go wrong with a reading; `Infallible` for a counter in the same chip.
    type Error: core::fmt::Debug;

    /// Edges since the start, wrapping at the ends of `i32`.
    ///
    /// # Errors
    /// The counter could not be read.
    fn count(&mut self) -> Result<i32, Self::Error>;
}

impl<Q: Quadrature + ?Sized> Quadrature for &mut Q {
    type Error = Q::Error;
    fn count(&mut self) -> Result<i32, Self::Error> {
        (**self).count()
    }
}

/// An edge: where and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    /// The boundary that was crossed, in counts: boundary n lies between the counts n − 1 and n. So
    /// it is the new count of an edge forward, and the **old** count of an edge back; an edge that is
    /// crossed to and fro has one position.
    pub position: i32,
    /// The moment, in ticks of the capturing clock, wrapping at 2³².
    pub ticks: u32,
}

impl Edge {
    /// The edge that changed the count from `before` to `after`.
    #[must_use]
    pub const fn between(before: i32, after: i32, ticks: u32) -> Self {
        let forward = after.wrapping_sub(before) > 0;
        Self {
            position: if forward { after } else { before },
            ticks,
        }
    }
}

/// A counter that also knows when its last edge was, for
/// [`EdgeSpeed`](crate::motor::encoder::EdgeSpeed).
///
/// A timer that captures, or an interrupt at each edge that reads a free-running clock: at up to
/// some ten thousand edges per second the latter is affordable as well.
pub trait EdgeCapture: Quadrature {
    /// Ticks per second of the capturing clock, Hz.
    fn tick_hz(&self) -> u32;

    /// The capturing clock now, wrapping at 2³².
    fn ticks(&mut self) -> u32;

    /// The last edge; `None` before the first. Edge and count are of one moment: an edge
    /// between two readings of the hardware must not tear them apart.
    ///
    /// # Errors
    /// The hardware could not be read.
    fn last_edge(&mut self) -> Result<Option<Edge>, Self::Error>;
}

impl<Q: EdgeCapture + ?Sized> EdgeCapture for &mut Q {
    fn tick_hz(&self) -> u32 {
        (**self).tick_hz()
    }
    fn ticks(&mut self) -> u32 {
        (**self).ticks()
    }
    fn last_edge(&mut self) -> Result<Option<Edge>, Self::Error> {
        (**self).last_edge()
    }
}

/// Reads both wheels for [`Inputs::encoders`](crate::robot::Inputs::encoders). If one cannot be
/// read the sample is a failed one, in which `last` stands in for it.
pub fn read_wheels<L: Quadrature, R: Quadrature>(
    left: &mut L,
    right: &mut R,
    now: Instant,
    last: [i32; 2],
) -> Sample<[i32; 2]> {
    let [last_left, last_right] = last;
    match (left.count(), right.count()) {
        (Ok(left), Ok(right)) => Sample::good(now, [left, right]),
        (left, right) => Sample::failed(
            now,
            [left.unwrap_or(last_left), right.unwrap_or(last_right)],
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::CountExtender;
    use crate::sensor::Health;

    /// A 16-bit timer that follows a script, `None` being a reading that fails.
    struct Scripted<'a> {
        readings: core::slice::Iter<'a, Option<u16>>,
        extender: CountExtender,
    }
    impl<'a> Scripted<'a> {
        fn new(readings: &'a [Option<u16>]) -> Self {
            Self {
                readings: readings.iter(),
                extender: CountExtender::of_bits(16),
            }
        }
    }
    impl Quadrature for Scripted<'_> {
        type Error = &'static str;
        fn count(&mut self) -> Result<i32, Self::Error> {
            let reading = self.readings.next().copied().flatten();
            reading
                .map(|count| self.extender.update(i32::from(count)))
                .ok_or("no answer")
        }
    }

    #[test]
    fn both_wheels_are_one_sample_and_a_silent_one_is_told() {
        let mut left = Scripted::new(&[Some(10), Some(65_530), None, Some(65_500)]);
        let mut right = Scripted::new(&[Some(0), Some(7), Some(9), Some(11)]);
        let now = Instant::from_micros(5);
        let mut last = [0, 0];
        for (wanted, health) in [
            ([10, 0], Health::Good),
            ([-6, 7], Health::Good),
            ([-6, 9], Health::BusError),
            ([-36, 11], Health::Good),
        ] {
            // By reference: a driver need not be given away.
            let sample = read_wheels(&mut &mut left, &mut right, now, last);
            assert_eq!((sample.value, sample.health), (wanted, health));
            assert_eq!(sample.time, now);
            last = sample.value;
        }
    }

    #[test]
    fn an_edge_crossed_to_and_fro_has_one_position() {
        assert_eq!(Edge::between(4, 5, 1).position, 5);
        assert_eq!(Edge::between(5, 4, 2).position, 5);
        assert_eq!(Edge::between(i32::MAX, i32::MIN, 3).position, i32::MIN);
        assert_eq!(Edge::between(i32::MIN, i32::MAX, 4).position, i32::MIN);
    }
}
