//! Continuous dead band: small values count as zero.

use crate::config::non_negative;
use crate::math::{Float, Scalar};
use crate::{ConfigError, Step};

/// Parameters of a [`Deadband`].
///
/// ```
/// use balance_core::signal::deadband::{Deadband, DeadbandConfig};
/// let mut stick: Deadband<f64> = DeadbandConfig { width: 0.25 }.build()?;
/// assert_eq!([-1.0, -0.1, 0.25, 0.5].map(|x| stick.step(x)), [-0.75, 0.0, 0.0, 0.25]);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeadbandConfig<P> {
    /// Largest magnitude that counts as zero, in the unit of the signal, at least zero. Too small:
    /// noise at rest comes through. Too large: small commands are lost.
    pub width: P,
}

impl<P: Float> Default for DeadbandConfig<P> {
    /// 0.05: five percent of a stick.
    fn default() -> Self {
        Self {
            width: P::lit(0.05),
        }
    }
}

impl<P: Float> DeadbandConfig<P> {
    /// Prepares a dead band. It has no memory, hence no period.
    ///
    /// # Errors
    ///
    /// `width` negative, not finite, or beyond the range of `T`.
    pub fn build<T: Scalar<Param = P>>(&self) -> Result<Deadband<T>, ConfigError> {
        non_negative("width", self.width)?;
        if self.width > T::MAX.to_param() {
            return Err(ConfigError::Unrepresentable("width"));
        }
        Ok(Deadband {
            width: T::from_param(self.width),
            state: DeadbandState::default(),
        })
    }
}

/// Where a [`Deadband`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DeadbandState<T> {
    /// The last output.
    pub output: T,
}

/// Zero within ± `width`, and `x ∓ width` outside: without a jump at the edge, and with a slope of
/// one beyond it.
///
/// Exact in all types. Cost: two comparisons and a difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deadband<T: Scalar> {
    width: T,
    state: DeadbandState<T>,
}

impl<T: Scalar> Deadband<T> {
    /// Takes one value; for an unusable one the last output stands.
    #[inline]
    pub fn step(&mut self, x: T) -> T {
        if x.is_usable() {
            self.state.output = x - x.limit(-self.width, self.width);
        }
        self.state.output
    }

    /// Changes the width.
    ///
    /// # Errors
    ///
    /// As [`DeadbandConfig::build`]; then nothing changes.
    pub fn retune(&mut self, config: &DeadbandConfig<T::Param>) -> Result<(), ConfigError> {
        self.width = config.build::<T>()?.width;
        Ok(())
    }

    /// Back to an output of zero.
    pub fn reset(&mut self) {
        self.state = DeadbandState::default();
    }

    /// The state, to be logged or put back later.
    pub fn state(&self) -> DeadbandState<T> {
        self.state
    }

    /// Puts a state back; one that is not usable is ignored.
    pub fn restore(&mut self, state: DeadbandState<T>) {
        if state.output.is_usable() {
            self.state = state;
        }
    }
}

impl<T: Scalar> Step for Deadband<T> {
    type Input = T;
    type Output = T;
    type State = DeadbandState<T>;
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

    fn is_odd_and_continuous<T: Scalar>() {
        let mut band: Deadband<T> = DeadbandConfig {
            width: T::Param::lit(0.5),
        }
        .build()
        .unwrap();
        for n in -64..=64_i32 {
            let x = f64::from(n) / 32.0;
            let y = band.step(T::lit(x));
            assert_eq!(
                y,
                T::lit(x.signum() * (x.abs() - 0.5).max(0.0)),
                "{} {x}",
                T::NAME
            );
            assert_eq!(band.step(T::lit(-x)), -y);
        }
    }

    #[test]
    fn is_the_same_for_both_signs() {
        is_odd_and_continuous::<f32>();
        is_odd_and_continuous::<f64>();
        is_odd_and_continuous::<Q12>();
    }

    #[test]
    fn a_width_of_zero_changes_nothing_and_a_bad_one_is_refused() {
        let mut band: Deadband<Q12> = DeadbandConfig { width: 0.0 }.build().unwrap();
        assert_eq!(band.step(Q12::MIN), Q12::MIN);
        let build = |width| DeadbandConfig { width }.build::<Q12>().map(|_| ());
        assert_eq!(build(-0.1), Err(ConfigError::OutOfRange("width")));
        assert_eq!(build(f32::NAN), Err(ConfigError::NonFinite("width")));
        assert_eq!(build(3000.0), Err(ConfigError::Unrepresentable("width")));
    }
}
