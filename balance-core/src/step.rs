//! The one shape of every algorithm.

/// An algorithm with a state that advances once a period.
///
/// Each algorithm also has an inherent `step` with arguments by name; this trait is for what
/// treats all of them alike: benches, golden tests, fault injectors, property tests.
///
/// A step is **total**: it never fails, panics, allocates or emits NaN. An unusable input (see
/// [`Scalar::is_usable`](crate::math::Scalar::is_usable)) leaves the state as it is and the last
/// output stands.
pub trait Step {
    /// What a step takes.
    type Input: Copy;
    /// What a step gives.
    type Output: Copy;
    /// The values that change from step to step; its default means "at rest".
    type State: Copy + Default;

    /// Advances by one period.
    fn step(&mut self, input: Self::Input) -> Self::Output;
    /// The state, to be logged or put back later.
    fn state(&self) -> Self::State;
    /// Puts a state back; coefficients stay.
    fn restore(&mut self, state: Self::State);
    /// Back to rest; coefficients stay.
    fn reset(&mut self) {
        self.restore(Self::State::default());
    }
}
