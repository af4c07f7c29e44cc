//! Running median: removes spikes, keeps edges.

use crate::Step;
use crate::math::Scalar;

/// A sample and how many newer ones there are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Aged<T> {
    value: T,
    age: u32,
}

/// Where a [`Median`] is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MedianState<T, const N: usize> {
    /// The last `N` samples, smallest first.
    sorted: [Aged<T>; N],
    started: bool,
}

impl<T: Scalar, const N: usize> Default for MedianState<T, N> {
    fn default() -> Self {
        Self {
            sorted: [Aged::default(); N],
            started: false,
        }
    }
}

/// The median of the last `N` samples, `N` odd.
///
/// Up to `(N − 1)/2` bad samples in any `N` cannot be seen in the output; the price is a delay of
/// `(N − 1)/2` periods. The first sample fills the window. It has nothing to tune and nothing to
/// refuse, so it is made without a configuration.
///
/// Cost: one replacement in a sorted list, at most `2 (N − 1)` comparisons; no arithmetic, so all
/// types give the same.
///
/// ```
/// use balance_core::signal::median::Median;
/// let mut median = Median::<f32, 3>::new();
/// let out = [1.0, 2.0, 900.0, 3.0, 4.0].map(|x| median.step(x));
/// assert_eq!(out, [1.0, 1.0, 2.0, 3.0, 4.0]); // 900 never shows
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Median<T: Scalar, const N: usize> {
    state: MedianState<T, N>,
}

impl<T: Scalar, const N: usize> Default for Median<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Scalar, const N: usize> Median<T, N> {
    /// An empty window.
    #[must_use]
    pub fn new() -> Self {
        const {
            assert!(
                N % 2 == 1,
                "a median is the middle of an odd number of samples"
            )
        };
        Self {
            state: MedianState::default(),
        }
    }

    /// Takes one sample and gives the median.
    ///
    /// An unusable sample is passed over: the last output stands.
    #[inline]
    pub fn step(&mut self, x: T) -> T {
        if x.is_usable() {
            if self.state.started {
                self.replace_oldest(x);
            } else {
                self.start_at(x);
            }
        }
        self.output()
    }

    fn replace_oldest(&mut self, x: T) {
        for entry in &mut self.state.sorted {
            if entry.age.wrapping_add(1) >= N as u32 {
                *entry = Aged { value: x, age: 0 };
            } else {
                entry.age = entry.age.wrapping_add(1);
            }
        }
        // Only the new entry can be out of place: it wanders up, or else down. Wandering up leaves
        // nothing for the way down, and the other way round.
        let mut moved = false;
        let mut rest = self.state.sorted.as_mut_slice();
        while let [low, tail @ ..] = rest {
            if let Some(high) = tail.first_mut()
                && high.value < low.value
            {
                // The larger of the two is the new entry exactly if it came from the left.
                moved |= low.age == 0;
                core::mem::swap(low, high);
            }
            rest = tail;
        }
        if moved {
            return;
        }
        let mut rest = self.state.sorted.as_mut_slice();
        while let [head @ .., high] = rest {
            if let Some(low) = head.last_mut()
                && high.value < low.value
            {
                core::mem::swap(low, high);
            }
            rest = head;
        }
    }

    /// The last output; zero before the first sample.
    #[inline]
    pub fn output(&self) -> T {
        self.state.sorted.get(N / 2).map_or(T::zero(), |e| e.value)
    }

    /// Fills the window with `x`; an unusable `x` is ignored.
    pub fn start_at(&mut self, x: T) {
        if x.is_usable() {
            for (age, entry) in (0_u32..).zip(&mut self.state.sorted) {
                *entry = Aged { value: x, age };
            }
            self.state.started = true;
        }
    }

    /// Forgets all samples.
    pub fn reset(&mut self) {
        self.state = MedianState::default();
    }

    /// The state, to be logged or put back later.
    pub fn state(&self) -> MedianState<T, N> {
        self.state
    }

    /// Puts a state back. It can only come from [`state`](Self::state), so it is always usable.
    pub fn restore(&mut self, state: MedianState<T, N>) {
        self.state = state;
    }
}

impl<T: Scalar, const N: usize> Step for Median<T, N> {
    type Input = T;
    type Output = T;
    type State = MedianState<T, N>;
    #[inline]
    fn step(&mut self, input: T) -> T {
        self.step(input)
    }
    fn state(&self) -> Self::State {
        self.state()
    }
    fn restore(&mut self, state: Self::State) {
        self.restore(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;

    fn is_the_middle<T: Scalar, const N: usize>() {
        let mut median = Median::<T, N>::new();
        let mut window = [0_i32; N];
        let mut seed = 7_u32;
        for n in 0..2000_usize {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Few distinct values: ties are the hard case.
            let x = (seed >> 28) as i32 - 8;
            if n == 0 {
                window = [x; N];
            }
            window[n % N] = x;
            let mut sorted = window;
            sorted.sort_unstable();
            let y = median.step(T::lit(f64::from(x)));
            assert_eq!(y, T::lit(f64::from(sorted[N / 2])), "{} {N} {n}", T::NAME);
        }
    }

    #[test]
    fn agrees_with_sorting_the_window() {
        is_the_middle::<f32, 1>();
        is_the_middle::<f32, 3>();
        is_the_middle::<f64, 5>();
        is_the_middle::<Q12, 7>();
    }

    #[test]
    fn spikes_vanish_and_edges_stay() {
        let mut median = Median::<Q12, 5>::new();
        let mut step = |x: f64| median.step(Q12::lit(x)).to_param();
        step(1.0);
        assert_eq!(step(2000.0), 1.0);
        assert_eq!(step(-2000.0), 1.0);
        for _ in 0..5 {
            step(1.0);
        }
        assert_eq!([5.0, 5.0, 5.0].map(step), [1.0, 1.0, 5.0]);
    }

    #[test]
    fn an_unusable_sample_is_not_a_sample() {
        let mut median = Median::<f32, 3>::new();
        assert_eq!(median.step(f32::NAN), 0.0);
        assert_eq!(median.step(4.0), 4.0);
        assert_eq!(median.step(5.0), 4.0);
        assert_eq!(median.step(f32::INFINITY), 4.0);
        assert_eq!(median.step(5.0), 5.0);
    }
}
