//! Whatever goes in, controllers stay within their limits and forget a bad sample.

// In a test an unwrap is an assertion.
#![allow(clippy::unwrap_used)]

use balance_core::control::cascade::{Cascade, CascadeConfig};
use balance_core::control::pid::{AntiWindup, Pid, PidConfig, PidInput, Saturation};
use balance_core::control::state_feedback::{StateFeedback, StateFeedbackConfig};
use balance_core::math::{Float, Q12, Q16, Scalar};
use proptest::prelude::*;

fn value() -> impl Strategy<Value = f32> {
    prop_oneof![
        6 => -3.0_f32..3.0,
        1 => prop::sample::select(vec![
            f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, 1e30, 9e18, -9e18,
            1e-40, -0.0, 2047.9, -2048.0,
        ]),
    ]
}

fn dt() -> impl Strategy<Value = Option<f32>> {
    prop_oneof![
        3 => Just(None),
        3 => (0.0005_f32..0.02).prop_map(Some),
        1 => prop::sample::select(vec![0.0, -0.001, 10.0, f32::NAN, f32::INFINITY, 1e-30])
            .prop_map(Some),
    ]
}

fn settings() -> impl Strategy<Value = PidConfig<f32>> {
    (
        (
            -5.0_f32..5.0,
            -9.0_f32..9.0,
            -0.5_f32..0.5,
            0.0_f32..1.0,
            0.0_f32..1.0,
        ),
        prop::option::of(1.0_f32..400.0),
        prop::option::of(0.5_f32..500.0),
        prop::sample::select(vec![
            AntiWindup::None,
            AntiWindup::Conditional,
            AntiWindup::BackCalculation {
                tracking_time: 0.05,
            },
        ]),
    )
        .prop_map(
            |((kp, ki, kd, b, c), cutoff, slew_per_s, anti_windup)| PidConfig {
                kp,
                ki,
                kd,
                setpoint_weight: b,
                derivative_setpoint_weight: c,
                derivative_cutoff_hz: cutoff,
                output_min: -0.75,
                output_max: 1.5,
                slew_per_s,
                anti_windup,
            },
        )
}

type Sample = (f32, f32, Option<f32>, f32, Option<f32>, Option<f32>, u8);

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let maybe = || prop::option::of(value());
    prop::collection::vec(
        (value(), value(), maybe(), value(), maybe(), dt(), 0..40_u8),
        1..80,
    )
}

fn stays_within<T: Scalar<Param = f32>>(config: &PidConfig<f32>, samples: &[Sample], ulp: f32) {
    let mut pid: Pid<T> = config.build(0.001).unwrap();
    let mut last = 0.0;
    for (r, y, rate, ff, actual, dt, action) in samples {
        match action {
            0 => pid.set_manual(T::from_param(*ff)),
            1 => pid.set_automatic(),
            2 => pid.retune(config).unwrap(),
            3 => {
                let state = pid.state();
                pid.restore(state);
            }
            _ => (),
        }
        let out = pid.step_with(&PidInput {
            setpoint: T::from_param(*r),
            measured: T::from_param(*y),
            measured_rate: rate.map(T::from_param),
            feedforward: T::from_param(*ff),
            actual_output: actual.map(T::from_param),
            downstream: Saturation::None,
            dt: *dt,
        });
        let total = out.total.to_param();
        assert!((-0.75..=1.5).contains(&total), "{out:?}");
        for x in [out.p, out.i, out.d, out.ff] {
            assert!(x.to_param().is_finite(), "{out:?}");
        }
        if config.anti_windup != AntiWindup::None {
            assert!((-0.75..=1.5).contains(&out.i.to_param()), "{out:?}");
        }
        if let Some(slew) = config.slew_per_s {
            let most = slew * dt.unwrap_or(0.001).max(0.0);
            assert!(
                out.held || (total - last).abs() <= most * 1.0001 + ulp,
                "{out:?} {last}"
            );
        }
        last = total;
    }
}

fn forgets<T: Float>(config: &PidConfig<T>, bad: &[T]) {
    // Without the derivative, whose difference rightly spans the gap, all is equal to the bit.
    let mut pid: Pid<T> = config.build(T::lit(0.001)).unwrap();
    let mut twin = pid;
    for tick in 0..60_i32 {
        let (r, y) = (T::lit(0.5), T::lit(f64::from(tick) * 0.01));
        assert_eq!(pid.step(r, y), twin.step(r, y));
        for bad in bad.iter().copied() {
            let mut wrong = [PidInput::new(r, y); 4];
            wrong[0].setpoint = bad;
            wrong[1].measured = bad;
            wrong[2].feedforward = bad;
            wrong[3].measured_rate = Some(bad);
            for wrong in wrong {
                let out = pid.step_with(&wrong);
                assert!(out.held);
                assert_eq!(out.total, twin.output().total);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn pid_stays_within_limits(config in settings(), samples in samples()) {
        stays_within::<f32>(&config, &samples, 2e-7);
        stays_within::<Q12>(&config, &samples, 1.5e-6);
        stays_within::<Q16>(&config, &samples, 2.4e-5);
    }

    #[test]
    fn pid_forgets_a_bad_sample(config in settings()) {
        let bad = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, f32::MIN];
        forgets(&PidConfig { kd: 0.0, ..config }, &bad);
    }

    #[test]
    fn cascade_and_feedback_are_total(samples in samples(), config in settings()) {
        let cascade = CascadeConfig { outer: config, inner: config, outer_every: 3 };
        let mut cascade: Cascade<f32> = cascade.build(0.001).unwrap();
        let mut feedback: StateFeedback<f32, 2> =
            StateFeedbackConfig { gain: [1e9, -1e9], ..Default::default() }.build(0.001).unwrap();
        for (r, y, _, ff, ..) in samples {
            let out = cascade.step(r, y, ff);
            prop_assert!((-0.75..=1.5).contains(&out.inner.total));
            prop_assert!((-0.75..=1.5).contains(&out.outer.total));
            prop_assert!(feedback.step(&[r, y]).total.abs() <= 1.0);
        }
        cascade.reset();
        prop_assert!(!cascade.step(0.1, 0.0, 0.0).inner.held);
    }
}

#[test]
fn recovers_from_huge_finite_samples() {
    let config = PidConfig {
        kp: 1.0,
        ki: 5.0,
        kd: 0.05,
        derivative_cutoff_hz: Some(20.0),
        ..Default::default()
    };
    let mut pid: Pid<f32> = config.build(0.01).unwrap();
    for huge in [9e18, -9e18, 9e18] {
        pid.step(-huge, huge);
    }
    let mut y = 0.0;
    for _ in 0..1000 {
        let out = pid.step(0.5, y);
        y += 0.1 * (2.0 * out.total - y);
    }
    assert!((y - 0.5).abs() < 1e-5, "{y}");
}
