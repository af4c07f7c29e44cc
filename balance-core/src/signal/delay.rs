//! Delay line: the sample of `N` periods ago.

use crate::Step;
use crate::math::Scalar;

/// Where a [`Delay`] is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DelayState<T, const N: usize> {
    samples: [T; N],
    /// Where the oldest sample is.
    oldest: usize,
    output: T,
    started: bool,
}

impl<T: Scalar, const N: usize> Default for DelayState<T, N> {
    fn default() -> Self {
        Self {
            samples: [T::zero(); N],
            oldest: 0,
            output: T::zero(),
            started: false,
        }
    }
}

/// Gives the sample of `N` periods ago; aligns a fast signal with a slow one.
///
/// The first sample fills the line. It has nothing to tune and nothing to refuse, so it is made
/// without a configuration. Cost: one exchange, whatever `N` is.
///
/// ```
/// use balance_core::signal::delay::Delay;
/// let mut delay = Delay::<f32, 2>::new();
/// assert_eq!([1.0, 2.0, 3.0, 4.0].map(|x| delay.step(x)), [1.0, 1.0, 1.0, 2.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delay<T: Scalar, const N: usize> {
    state: DelayState<T, N>,
}

impl<T: Scalar, const N: usize> Default for Delay<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Scalar, const N: usize> Delay<T, N> {
    /// An empty line.
    #[must_use]
    pub fn new() -> Self {
        const { assert!(N > 0, "a delay is at least one period") };
        Self {
            state: DelayState::default(),
        }
    }

    /// Takes one sample and gives that of `N` periods ago.
    ///
    /// An unusable sample is passed over: the line stands still, and so does the output.
    #[inline]
    pub fn step(&mut self, x: T) -> T {
        if x.is_usable() {
            if !self.state.started {
                self.start_at(x);
            }
            let state = &mut self.state;
            if let Some(slot) = state.samples.get_mut(state.oldest) {
                state.output = core::mem::replace(slot, x);
            }
            let next = state.oldest.wrapping_add(1);
            state.oldest = if next < N { next } else { 0 };
        }
        self.state.output
    }

    /// The last output; zero before the first sample.
    #[inline]
    pub fn output(&self) -> T {
        self.state.output
    }

    /// Fills the line with `x`; an unusable `x` is ignored.
    pub fn start_at(&mut self, x: T) {
        if x.is_usable() {
            self.state = DelayState {
                samples: [x; N],
                oldest: 0,
                output: x,
                started: true,
            };
        }
    }

    /// Forgets all samples.
    pub fn reset(&mut self) {
        self.state = DelayState::default();
    }

    /// The state, to be logged or put back later.
    pub fn state(&self) -> DelayState<T, N> {
        self.state
    }

    /// Puts a state back. It can only come from [`state`](Self::state), so it is always usable.
    pub fn restore(&mut self, state: DelayState<T, N>) {
        self.state = state;
    }
}

impl<T: Scalar, const N: usize> Step for Delay<T, N> {
    type Input = T;
    type Output = T;
    type State = DelayState<T, N>;
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

    fn is_late_by<T: Scalar, const N: usize>() {
        let mut delay = Delay::<T, N>::new();
        for n in 0..50_i32 {
            let late = (n - N as i32).max(0);
            assert_eq!(
                delay.step(T::lit(f64::from(n))),
                T::lit(f64::from(late)),
                "{}",
                T::NAME
            );
        }
        delay.reset();
        assert_eq!(delay.step(T::lit(3.0)), T::lit(3.0));
    }

    #[test]
    fn is_late_by_its_length() {
        is_late_by::<f32, 1>();
        is_late_by::<f64, 4>();
        is_late_by::<Q12, 7>();
    }

    #[test]
    fn an_unusable_sample_does_not_move_the_line() {
        let mut delay = Delay::<f32, 1>::new();
        delay.step(1.0);
        delay.step(2.0);
        assert_eq!(delay.step(f32::NAN), 1.0);
        assert_eq!(delay.step(3.0), 2.0);
    }
}
