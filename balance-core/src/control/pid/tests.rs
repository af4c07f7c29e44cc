use super::*;
use crate::math::{Float, Q12, Q16};

fn n<T: Scalar>(x: T) -> f64 {
    x.to_param().to_f64()
}

fn pi<P: Float>(kp: f64, ki: f64) -> PidConfig<P> {
    PidConfig {
        kp: P::lit(kp),
        ki: P::lit(ki),
        ..Default::default()
    }
}

fn build<T: Scalar>(config: &PidConfig<T::Param>) -> Pid<T> {
    config.build(T::Param::lit(0.01)).unwrap()
}

macro_rules! for_all {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            properties::$name::<f32>();
            properties::$name::<f64>();
            properties::$name::<Q12>();
            properties::$name::<Q16>();
        }
    )*};
}

for_all! {
    positive_error_raises_the_output
    integral_removes_the_error_and_does_not_wind_up
    no_derivative_kick
    measured_rate_replaces_the_difference
    retune_does_not_jump
    modes_do_not_jump
    late_period_counts
    gap_gives_no_spike
    downstream_limit_stops_the_integral
    actual_output_is_followed
    slew_is_kept
    reset_equals_fresh
}

mod properties {
    use super::*;

    pub(super) fn positive_error_raises_the_output<T: Scalar>() {
        let mut config = pi(0.5, 2.0);
        config.kd = T::Param::lit(0.1);
        let mut pid: Pid<T> = build(&config);
        pid.step(T::zero(), T::zero());
        let out = pid.step(T::lit(0.5), T::lit(0.125));
        assert!((n(out.p) - 0.1875).abs() < 1e-4);
        assert!((n(out.i) - 0.0075).abs() < 1e-4);
        assert!((n(out.d) + 1.25).abs() < 1e-3, "{}", n(out.d));
        let out = build::<T>(&pi(-0.5, -2.0)).step(T::lit(0.5), T::zero());
        assert!(out.total < T::zero());
    }

    /// Motor of 2 per unit and 0.1 s, stuck for a while; gives the last value, the peak, and how
    /// many seconds after release the output left the limit.
    fn plant<T: Scalar>(config: &PidConfig<T::Param>, stuck: usize) -> (f64, f64, f64) {
        let mut pid: Pid<T> = build(config);
        let (mut y, mut peak, mut freed) = (0.0_f64, 0.0_f64, f64::NAN);
        for tick in 0..stuck + 800 {
            let out = pid.step(T::one(), T::lit(y));
            let u = n(out.total);
            assert!(n(out.i).abs() <= 1.0);
            if tick >= stuck {
                y += 0.01 / 0.1 * (2.0 * u - y);
                if freed.is_nan() && u < 1.0 {
                    freed = 0.01 * (tick - stuck) as f64;
                }
            }
            peak = peak.max(y);
        }
        (y, peak, freed)
    }

    pub(super) fn integral_removes_the_error_and_does_not_wind_up<T: Scalar>() {
        let tracking_time = T::Param::lit(0.1);
        for anti_windup in [
            AntiWindup::Conditional,
            AntiWindup::BackCalculation { tracking_time },
        ] {
            let config = PidConfig {
                anti_windup,
                ..pi(1.0, 5.0)
            };
            let (y, _, _) = plant::<T>(&config, 0);
            assert!((y - 1.0).abs() < 1e-4, "{}: {y}", T::NAME);
            let (y, peak, freed) = plant::<T>(&config, 5000);
            assert!((y - 1.0).abs() < 1e-4, "{}: {y}", T::NAME);
            assert!(peak < 1.25, "{}: {peak}", T::NAME);
            assert!(freed <= 0.2, "{}: {freed}", T::NAME);
        }
    }

    pub(super) fn no_derivative_kick<T: Scalar>() {
        let config = PidConfig {
            kd: T::Param::lit(0.5),
            ..pi(0.0, 0.0)
        };
        let mut pid: Pid<T> = build(&config);
        assert_eq!(pid.step(T::zero(), T::lit(3.0)).d, T::zero());
        assert_eq!(pid.step(T::lit(2.0), T::lit(3.0)).d, T::zero());
        let on_error = PidConfig {
            derivative_setpoint_weight: T::Param::lit(1.0),
            ..config
        };
        pid.retune(&on_error).unwrap();
        pid.step(T::lit(2.0), T::lit(3.0));
        let out = pid.step(T::lit(2.01), T::lit(3.0));
        assert!((n(out.d) - 0.5).abs() < 1e-3, "{}", n(out.d));
    }

    pub(super) fn measured_rate_replaces_the_difference<T: Scalar>() {
        for derivative_cutoff_hz in [None, Some(T::Param::lit(8.0))] {
            let config = PidConfig {
                kd: T::Param::lit(0.25),
                derivative_cutoff_hz,
                ..pi(0.0, 0.0)
            };
            let mut by_difference: Pid<T> = build(&config);
            let mut by_rate = by_difference;
            for tick in 0..100 {
                let y = T::lit(f64::from(tick) * 0.0078125);
                let a = by_difference.step(T::zero(), y).d;
                let input = PidInput::new(T::zero(), y).with_measured_rate(T::lit(0.78125));
                let b = by_rate.step_with(&input).d;
                if tick > 60 {
                    assert!((n(a) + 0.1953125).abs() < 2e-4, "{}: {}", T::NAME, n(a));
                    assert!((n(b) + 0.1953125).abs() < 2e-4, "{}: {}", T::NAME, n(b));
                }
            }
        }
    }

    pub(super) fn retune_does_not_jump<T: Scalar>() {
        let mut pid: Pid<T> = build(&pi(0.8, 0.5));
        let mut before = pid.step(T::lit(0.5), T::lit(0.2));
        for (kp, ki, b) in [(0.3, 0.5, 1.0), (0.3, 3.0, 1.0), (0.9, 1.0, 0.5)] {
            let config = PidConfig {
                setpoint_weight: T::Param::lit(b),
                ..pi(kp, ki)
            };
            pid.retune(&config).unwrap();
            let after = pid.step(T::lit(0.5), T::lit(0.2));
            let jump = n(after.total) - n(before.total);
            // One period's integral and the roundings.
            assert!((jump - ki * 0.3 * 0.01).abs() < 6e-5, "{}: {jump}", T::NAME);
            before = after;
        }
    }

    pub(super) fn modes_do_not_jump<T: Scalar>() {
        let mut pid: Pid<T> = build(&pi(0.8, 0.5));
        let automatic = pid.step(T::lit(0.5), T::lit(0.2));
        pid.set_manual(automatic.total);
        let manual = pid.step(T::lit(0.5), T::lit(0.3));
        assert_eq!((manual.total, manual.mode), (automatic.total, Mode::Manual));
        pid.set_manual(T::lit(-0.25));
        pid.step(T::lit(0.5), T::lit(0.1));
        pid.set_automatic();
        let back = pid.step(T::lit(0.5), T::lit(0.1));
        assert_eq!(back.mode, Mode::Automatic);
        assert!((n(back.total) + 0.25 - 0.002).abs() < 5e-5);
        pid.reset_to(T::lit(0.5));
        let out = pid.step(T::lit(0.2), T::lit(0.2));
        assert_eq!(out.total, T::lit(0.5));
    }

    pub(super) fn late_period_counts<T: Scalar>() {
        let config = PidConfig {
            kd: T::Param::lit(0.25),
            slew_per_s: Some(T::Param::lit(1000.0)),
            output_min: T::Param::lit(-10.0),
            ..pi(0.0, 1.0)
        };
        let mut pid: Pid<T> = build(&config);
        pid.step(T::zero(), T::zero());
        let state = pid.state();
        let late = PidInput::new(T::zero(), T::lit(0.25)).with_dt(T::Param::lit(0.05));
        let out = pid.step_with(&late);
        assert!((n(out.i) + 0.0125).abs() < 2e-5);
        assert!((n(out.d) + 1.25).abs() < 1e-3);
        pid.restore(state);
        for dt in [0.0, -0.01, 0.11, 1e-6, f64::NAN, f64::INFINITY] {
            let out = pid.step_with(&late.with_dt(T::Param::lit(dt)));
            assert!(out.held);
            assert_eq!(out.i, state.integral());
        }
        assert!(!pid.step_with(&late).held);
    }

    pub(super) fn gap_gives_no_spike<T: Scalar>() {
        // Held samples of a ramp cannot be told from NaN ones by a fixed-point type, so the gap is
        // made by what every type has: the private hold.
        let config = PidConfig {
            kd: T::Param::lit(0.25),
            ..pi(0.0, 0.0)
        };
        let mut pid: Pid<T> = build(&config);
        let y = |tick: u8| T::lit(f64::from(tick) * 0.0078125);
        pid.step(T::zero(), y(0));
        pid.step(T::zero(), y(1));
        pid.hold(None);
        pid.hold(None);
        let out = pid.step(T::zero(), y(4));
        assert!((n(out.d) + 0.1953125).abs() < 2e-4, "{}", n(out.d));
        for _ in 0..20 {
            pid.hold(None);
        }
        let after = pid.step(T::zero(), y(200));
        assert_eq!(after.d, out.d);
    }

    pub(super) fn downstream_limit_stops_the_integral<T: Scalar>() {
        let mut pid: Pid<T> = build(&pi(0.1, 1.0));
        let up = PidInput::new(T::lit(0.5), T::zero());
        for stopped in [Saturation::High, Saturation::SlewUp] {
            assert_eq!(pid.step_with(&up.with_downstream(stopped)).i, T::zero());
        }
        let free = pid.step_with(&up.with_downstream(Saturation::Low)).i;
        assert!(free > T::zero());
        let down = PidInput::new(T::zero(), T::lit(0.5)).with_downstream(Saturation::High);
        assert!(pid.step_with(&down).i < free);
    }

    pub(super) fn actual_output_is_followed<T: Scalar>() {
        let tracking_time = T::Param::lit(0.05);
        for anti_windup in [
            AntiWindup::Conditional,
            AntiWindup::BackCalculation { tracking_time },
        ] {
            let config = PidConfig {
                anti_windup,
                ..pi(0.2, 1.0)
            };
            let mut pid: Pid<T> = build(&config);
            let mut out: PidOutput<T> = PidOutput::default();
            for _ in 0..3000 {
                let actual = out.total.limit(T::lit(-0.3), T::lit(0.3));
                let input = PidInput::new(T::lit(0.5), T::zero()).with_actual_output(actual);
                out = pid.step_with(&input);
            }
            // At rest the pull equals the push: (u − 0.3) / Tt = ki · e.
            let tt = if anti_windup == AntiWindup::Conditional {
                0.2
            } else {
                0.05
            };
            let rest = 0.3 + tt * 0.5;
            assert!(
                (n(out.total) - rest).abs() < 2e-3 + 0.01 * 0.5,
                "{}",
                n(out.total)
            );
        }
    }

    pub(super) fn slew_is_kept<T: Scalar>() {
        let config = PidConfig {
            slew_per_s: Some(T::Param::lit(2.0)),
            ..pi(5.0, 1.0)
        };
        let mut pid: Pid<T> = build(&config);
        let mut last = 0.0;
        for tick in 0..200 {
            let r = if tick % 100 < 60 { 1.0 } else { -1.0 };
            let out = pid.step(T::lit(r), T::zero());
            assert!((n(out.total) - last).abs() < 0.02 + 1e-5);
            assert!(n(out.total).abs() <= 1.0);
            last = n(out.total);
            let expected = match tick {
                0..48 => Saturation::SlewUp,
                55..60 => Saturation::High,
                60..100 => Saturation::SlewDown,
                _ => continue,
            };
            assert_eq!(out.saturated, expected, "{tick}");
        }
    }

    pub(super) fn reset_equals_fresh<T: Scalar>() {
        let mut pid: Pid<T> = build(&pi(0.5, 1.0));
        let fresh = pid.state();
        for _ in 0..9 {
            pid.step(T::lit(0.5), T::lit(0.1));
        }
        let used = pid.state();
        assert!(used != fresh);
        pid.reset();
        assert_eq!(pid.state(), fresh);
        pid.restore(used);
        assert_eq!(pid.state(), used);
    }
}

#[test]
fn configuration_names_the_field() {
    let error = |config: PidConfig<f32>| config.build::<Q12>(0.001).err();
    let good = PidConfig::<f32>::default();
    let cases = [
        (
            PidConfig {
                kp: f32::NAN,
                ..good
            },
            ConfigError::NonFinite("kp"),
        ),
        (
            PidConfig { kp: 1e5, ..good },
            ConfigError::Unrepresentable("kp"),
        ),
        (
            PidConfig { kd: 100.0, ..good },
            ConfigError::Unrepresentable("kd"),
        ),
        (
            PidConfig {
                setpoint_weight: 1.5,
                ..good
            },
            ConfigError::OutOfRange("setpoint_weight"),
        ),
        (
            PidConfig {
                output_min: 1.0,
                ..good
            },
            ConfigError::Order("output_min", "output_max"),
        ),
        (
            PidConfig {
                output_max: 4000.0,
                ..good
            },
            ConfigError::OutOfRange("output_max"),
        ),
        (
            PidConfig {
                slew_per_s: Some(1e-6),
                ..good
            },
            ConfigError::Unrepresentable("slew_per_s"),
        ),
    ];
    for (config, wanted) in cases {
        assert_eq!(error(config), Some(wanted));
    }
    assert_eq!(
        good.build::<f32>(0.0).err(),
        Some(ConfigError::OutOfRange("dt"))
    );
}

#[test]
fn a_state_that_is_no_number_means_rest() {
    let mut pid: Pid<f64> = build(&pi(0.5, 1.0));
    let fresh = pid.state();
    for spoil in [
        |s: &mut PidState<f64>| s.integral = f64::NAN,
        |s: &mut PidState<f64>| s.measured = f64::NAN,
        |s: &mut PidState<f64>| s.total = f64::NAN,
        |s: &mut PidState<f64>| s.gap = f64::NAN,
    ] {
        pid.step(0.5, 0.0);
        let mut state = pid.state();
        spoil(&mut state);
        pid.restore(state);
        assert_eq!(pid.state(), fresh);
    }
    pid.step(0.5, 0.0);
    let used = pid.state();
    pid.restore(PidState {
        derivative: f64::NAN,
        ..used
    });
    assert_eq!((pid.output().i, pid.output().d), (used.integral(), 0.0));
}
