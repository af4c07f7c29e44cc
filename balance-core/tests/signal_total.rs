//! Every filter of `signal`, fed with anything: no NaN, and the first good sample counts as if
//! nothing had happened.

#![allow(clippy::unwrap_used)]

use balance_core::Step;
use balance_core::math::{Float, Q12, Scalar};
use balance_core::signal::biquad::{Biquad, BiquadConfig, BiquadKind, BiquadState};
use balance_core::signal::biquad_chain::{BiquadChain, ButterworthConfig};
use balance_core::signal::deadband::{Deadband, DeadbandConfig};
use balance_core::signal::delay::Delay;
use balance_core::signal::derivative::{Derivative, DerivativeConfig};
use balance_core::signal::lowpass::{LowPass, LowPassConfig, LowPassState};
use balance_core::signal::median::Median;
use balance_core::signal::slew_limit::{SlewLimit, SlewLimitConfig, SlewLimitState};
use proptest::prelude::*;

/// Samples good and bad, each kind often enough to meet the others.
fn sample() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -10.0..10.0_f64,
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
        1 => Just(1e30),
        1 => Just(-9e18),
        1 => Just(9e18),
        1 => Just(1e-40),
    ]
}

fn period() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => 1e-4..1e-1_f64,
        1 => Just(0.0),
        1 => Just(-0.01),
        1 => Just(10.0),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
    ]
}

/// A filter fed with everything does what one fed with the usable samples alone does.
fn skips_what_is_unusable<T, F>(filter: F, samples: &[f64])
where
    T: Scalar,
    F: Step<Input = T, Output = T> + Copy,
{
    let (mut all, mut good) = (filter, filter);
    let mut last = None;
    for &x in samples {
        let x = T::from_param(T::Param::lit(x));
        let y = all.step(x);
        assert!(Float::is_finite(y.to_param()), "{y:?} after {x:?}");
        if x.is_usable() {
            assert_eq!(y, good.step(x));
            last = Some(y);
        } else if let Some(last) = last {
            assert_eq!(y, last);
        }
    }
    // The state alone is the filter: a twin that is given it goes on alike.
    let mut twin = filter;
    twin.restore(all.state());
    assert_eq!(twin.step(T::one()), all.step(T::one()));
    all.reset();
    let mut fresh = filter;
    assert_eq!(fresh.step(T::lit(0.25)), all.step(T::lit(0.25)));
}

fn all_skip_what_is_unusable<T: Scalar>(samples: &[f64]) {
    let dt = T::Param::lit(0.01);
    for kind in [
        BiquadKind::Low,
        BiquadKind::High,
        BiquadKind::Band,
        BiquadKind::Notch,
        BiquadKind::AllPass,
        BiquadKind::Peak,
        BiquadKind::LowShelf,
        BiquadKind::HighShelf,
    ] {
        let gain_db = T::Param::lit(12.0);
        let config = BiquadConfig {
            kind,
            gain_db,
            ..Default::default()
        };
        skips_what_is_unusable::<T, Biquad<T>>(config.build(dt).unwrap(), samples);
    }
    let butterworth: BiquadChain<T, 2> = ButterworthConfig::default().build(dt).unwrap();
    skips_what_is_unusable(butterworth, samples);
    let low: LowPass<T> = LowPassConfig::default().build(dt).unwrap();
    skips_what_is_unusable(low, samples);
    let slope: Derivative<T> = DerivativeConfig::default().build(dt).unwrap();
    skips_what_is_unusable(slope, samples);
    let limit: SlewLimit<T> = SlewLimitConfig::default().build(dt).unwrap();
    skips_what_is_unusable(limit, samples);
    let band: Deadband<T> = DeadbandConfig::default().build().unwrap();
    skips_what_is_unusable(band, samples);
    skips_what_is_unusable(Median::<T, 5>::new(), samples);
    skips_what_is_unusable(Delay::<T, 3>::new(), samples);
}

fn absurd_periods_change_nothing<T: Scalar>(steps: &[(f64, f64)]) {
    let dt = T::Param::lit(0.01);
    let mut low: LowPass<T> = LowPassConfig::default().build(dt).unwrap();
    let mut slope: Derivative<T> = DerivativeConfig::default().build(dt).unwrap();
    let mut limit: SlewLimit<T> = SlewLimitConfig::default().build(dt).unwrap();
    for &(x, period) in steps {
        let before = (low.state(), slope.state(), limit.state());
        let (x, dt) = (T::from_param(T::Param::lit(x)), T::Param::lit(period));
        for y in [
            low.step_dt(x, dt),
            slope.step_dt(x, dt),
            limit.step_dt(x, dt),
        ] {
            assert!(Float::is_finite(y.to_param()));
        }
        if !(0.0009..=0.11).contains(&period) || !x.is_usable() {
            assert_eq!((low.state(), slope.state(), limit.state()), before);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_samples(samples in prop::collection::vec(sample(), 0..80)) {
        all_skip_what_is_unusable::<f32>(&samples);
        all_skip_what_is_unusable::<f64>(&samples);
        all_skip_what_is_unusable::<Q12>(&samples);
    }

    #[test]
    fn any_periods(steps in prop::collection::vec((sample(), period()), 0..80)) {
        absurd_periods_change_nothing::<f32>(&steps);
        absurd_periods_change_nothing::<f64>(&steps);
        absurd_periods_change_nothing::<Q12>(&steps);
    }

    #[test]
    fn any_fixed_point_section_is_safe_on_any_bits(
        bits in prop::collection::vec(any::<i32>(), 1..60),
        cycles in 1e-4..0.499_f32,
        q in 0.05..50.0_f32,
        gain_db in -40.0..40.0_f32,
    ) {
        for kind in [BiquadKind::High, BiquadKind::Notch, BiquadKind::Peak, BiquadKind::HighShelf] {
            let config = BiquadConfig { kind, frequency_hz: cycles * 1000.0, q, gain_db };
            let Ok(mut filter) = config.build::<Q12>(0.001) else { continue };
            for &bits in &bits {
                filter.step(Q12::from_bits(bits));
                filter.step(if bits < 0 { Q12::MIN } else { Q12::MAX });
            }
        }
    }
}

#[test]
fn states_that_are_not_usable_are_ignored() {
    let mut low: LowPass<f32> = LowPassConfig::default().build(0.01).unwrap();
    low.step(1.0);
    low.restore(LowPassState {
        output: f32::NAN,
        started: true,
    });
    assert_eq!(low.output(), 1.0);
    let mut limit: SlewLimit<f64> = SlewLimitConfig::default().build(0.01).unwrap();
    limit.restore(SlewLimitState {
        value: f64::INFINITY,
    });
    assert_eq!(limit.output(), 0.0);
    let mut section: Biquad<f32> = BiquadConfig::default().build(0.01).unwrap();
    section.step(2.0);
    section.restore(BiquadState {
        output: f32::NAN,
        ..section.state()
    });
    assert_eq!(section.step(2.0), 2.0);
}
