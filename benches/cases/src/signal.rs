//! Filters of one signal.

use crate::{Case, ConfigError, DT, Sample};
use balance_core::math::Scalar;
use balance_core::signal::biquad::{BiquadConfig, BiquadKind};
use balance_core::signal::biquad_chain::ButterworthConfig;
use balance_core::signal::deadband::DeadbandConfig;
use balance_core::signal::derivative::DerivativeConfig;
use balance_core::signal::lowpass::LowPassConfig;
use balance_core::signal::slew_limit::SlewLimitConfig;
use balance_core::signal::{
    biquad, biquad_chain, deadband, delay, derivative, lowpass, median, slew_limit,
};

fn rate<T: Scalar>(sample: &Sample) -> T {
    let [_, rate, _] = sample.rate();
    rate
}

/// Implements a case of a filter that takes and gives a rate.
macro_rules! filter {
    ($(#[$doc:meta])* $name:ident, $filter:ty, $build:expr) => {
        $(#[$doc])*
        pub struct $name;

        impl<T: Scalar> Case<T> for $name {
            type Algorithm = $filter;
            type Input = T;
            type Output = T;

            fn build() -> Result<Self::Algorithm, ConfigError> {
                $build
            }
            fn input(sample: &Sample) -> T {
                rate(sample)
            }
            fn step(filter: &mut Self::Algorithm, x: &T) -> T {
                filter.step(*x)
            }
        }
    };
}

filter!(
    /// A notch.
    Biquad,
    biquad::Biquad<T>,
    BiquadConfig {
        kind: BiquadKind::Notch,
        frequency_hz: T::Param::lit(20.0),
        ..Default::default()
    }
    .build(T::Param::lit(DT))
);
filter!(
    /// A Butterworth low-pass of order eight.
    BiquadChain4,
    biquad_chain::BiquadChain<T, 4>,
    ButterworthConfig::default().build(T::Param::lit(DT))
);
filter!(
    /// No memory.
    Deadband,
    deadband::Deadband<T>,
    DeadbandConfig::default().build()
);
filter!(
    /// Eight samples.
    Delay8,
    delay::Delay<T, 8>,
    Ok(delay::Delay::new())
);
filter!(
    /// Smoothed slope.
    Derivative,
    derivative::Derivative<T>,
    DerivativeConfig::default().build(T::Param::lit(DT))
);
filter!(
    /// First order.
    LowPass,
    lowpass::LowPass<T>,
    LowPassConfig::default().build(T::Param::lit(DT))
);
filter!(
    /// Of five samples.
    Median5,
    median::Median<T, 5>,
    Ok(median::Median::new())
);
filter!(
    /// Up and down.
    SlewLimit,
    slew_limit::SlewLimit<T>,
    SlewLimitConfig::default().build(T::Param::lit(DT))
);
