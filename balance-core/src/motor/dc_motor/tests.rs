use super::*;
use crate::math::{Q8, Q12};
use proptest::prelude::*;

const DT: f64 = 0.001;

fn nxt<P: Float>() -> DcMotorConfig<P> {
    DcMotorConfig::lego_nxt()
}

/// The same equations by fourth-order Runge-Kutta with steps far below L/R; no friction.
fn reference(config: &DcMotorConfig<f64>, voltage: f64, load: f64, seconds: f64) -> (f64, f64) {
    let slope = |i: f64, w: f64| {
        let c = config;
        (
            (voltage - c.resistance * i - c.back_emf_constant * w) / c.inductance,
            (c.torque_constant * i - c.viscous_friction * w - load) / c.inertia,
        )
    };
    let h = 1e-5;
    let (mut i, mut w) = (0.0, 0.0);
    for _ in 0..(seconds / h).round() as usize {
        let a = slope(i, w);
        let b = slope(i + 0.5 * h * a.0, w + 0.5 * h * a.1);
        let c = slope(i + 0.5 * h * b.0, w + 0.5 * h * b.1);
        let d = slope(i + h * c.0, w + h * c.1);
        i += h / 6.0 * (a.0 + 2.0 * b.0 + 2.0 * c.0 + d.0);
        w += h / 6.0 * (a.1 + 2.0 * b.1 + 2.0 * c.1 + d.1);
    }
    (i, w)
}

fn frictionless() -> DcMotorConfig<f64> {
    DcMotorConfig {
        coulomb_torque: 0.0,
        breakaway_torque: 0.0,
        ..nxt()
    }
}

#[test]
fn follows_the_differential_equation_at_any_period() {
    // Real eigenvalues, complex ones (a light rotor) and nearly equal ones.
    for inertia in [1.321e-3, 1e-5, 1.133_9e-4] {
        let config = DcMotorConfig {
            inertia,
            ..frictionless()
        };
        for dt in [0.0005, 0.005, 0.02] {
            let mut motor: DcMotor<f64> = config.build(dt).unwrap();
            let steps = (0.04 / dt).round() as usize;
            let end = (0..steps).map(|_| motor.step(6.0, 0.05)).last().unwrap();
            let (current, speed) = reference(&config, 6.0, 0.05, 0.04);
            assert!((end.current - current).abs() < 1e-6, "{inertia} {dt}");
            assert!((end.speed - speed).abs() < 1e-6, "{inertia} {dt}");
        }
    }
}

#[test]
fn a_vanishing_inductance_is_no_inductance() {
    let run = |inductance| {
        let config = DcMotorConfig {
            inductance,
            ..frictionless()
        };
        let mut motor: DcMotor<f64> = config.build(DT).unwrap();
        (0..50).map(|_| motor.step(6.0, 0.02)).last().unwrap()
    };
    let (none, little) = (run(0.0), run(1e-9));
    assert!((none.speed - little.speed).abs() < 1e-5);
    assert!((none.current - little.current).abs() < 1e-5);
}

macro_rules! in_every_type {
    ($($name:ident: $t:ty;)*) => {$(
        mod $name {
            use super::*;
            type P = <$t as Scalar>::Param;

            #[test]
            fn data_sheet_comes_back() {
                // 330 rpm without load, 140 kg·mm at stall.
                let config: DcMotorConfig<P> = DcMotorConfig::pololu_37d_30(0.001);
                let mut motor: DcMotor<$t> = config.build(0.001).unwrap();
                let v = <$t>::lit(12.0);
                let mut end = MotorState::default();
                for _ in 0..3000 {
                    end = motor.step(v, <$t>::zero());
                }
                assert!((end.speed.to_param() - 34.557_519).abs() < 0.02, "{end:?}");
                assert!((end.current.to_param() - 0.2).abs() < 0.002, "{end:?}");
                motor.reset();
                // A load that the motor cannot lift by a hair, and one that it can.
                assert_eq!(motor.step(v, <$t>::lit(1.373)).speed, <$t>::zero());
                assert!((motor.now().current.to_param() - 5.5).abs() < 0.01);
                motor.reset();
                let turned = motor.step(v, <$t>::lit(1.30)).speed;
                assert!(turned > <$t>::zero());
            }

            #[test]
            fn friction_holds_below_break_away_and_releases_above() {
                let config = DcMotorConfig::<P> { breakaway_torque: 0.02, ..nxt() };
                let mut motor: DcMotor<$t> = config.build(0.001).unwrap();
                // 0.02 N·m needs 0.3255 V.
                for _ in 0..200 {
                    motor.step(<$t>::lit(0.3), <$t>::zero());
                }
                assert_eq!(motor.now().speed, <$t>::zero());
                assert_eq!(motor.now().angle, <$t>::zero());
                for _ in 0..200 {
                    motor.step(<$t>::lit(-0.35), <$t>::zero());
                }
                assert!(motor.now().speed < <$t>::lit(-0.05));
            }

            #[test]
            fn a_turning_shaft_comes_to_rest_and_never_turns_back() {
                let mut motor: DcMotor<$t> = nxt::<P>().build(0.001).unwrap();
                for _ in 0..300 {
                    motor.step(<$t>::lit(9.0), <$t>::zero());
                }
                for _ in 0..3000 {
                    assert!(motor.step(<$t>::zero(), <$t>::zero()).speed >= <$t>::zero());
                }
                assert_eq!(motor.now().speed, <$t>::zero());
                assert!(motor.now().current.magnitude() < <$t>::lit(1e-4));
            }

            #[test]
            fn voltage_stops_at_the_battery_and_signs_mirror() {
                let mut a: DcMotor<$t> = nxt::<P>().build(0.001).unwrap();
                let mut b = a;
                let mut c = a;
                for _ in 0..100 {
                    let plus = a.step(<$t>::lit(9.0), <$t>::lit(0.01));
                    assert_eq!(plus, b.step(<$t>::lit(100.0), <$t>::lit(0.01)));
                    let minus = c.step(<$t>::lit(-9.0), <$t>::lit(-0.01));
                    assert!((plus.speed + minus.speed).magnitude() < <$t>::lit(1e-3));
                    assert!((plus.angle + minus.angle).magnitude() < <$t>::lit(1e-4));
                }
            }

            #[test]
            fn agrees_with_f64() {
                let mut motor: DcMotor<$t> = nxt::<P>().build(0.001).unwrap();
                let mut exact: DcMotor<f64> = nxt::<f64>().build(DT).unwrap();
                for k in 0..5000 {
                    let voltage = 8.0 * (f64::from(k) * 0.003).sin();
                    let load = 0.02 * (f64::from(k) * 0.0071).cos();
                    let a = motor.step(<$t>::lit(voltage), <$t>::lit(load));
                    let b = exact.step(voltage, load);
                    assert!((a.speed.to_param().to_f64() - b.speed).abs() < 5e-5, "{k}");
                    assert!((a.current.to_param().to_f64() - b.current).abs() < 1e-5, "{k}");
                    assert!((a.angle.to_param().to_f64() - b.angle).abs() < 2e-4, "{k}");
                }
            }

            #[test]
            fn retune_keeps_the_state_and_refuses_nonsense() {
                let mut motor: DcMotor<$t> = nxt::<P>().build(0.001).unwrap();
                for _ in 0..100 {
                    motor.step(<$t>::lit(9.0), <$t>::zero());
                }
                let before = motor.now();
                let heavier = DcMotorConfig::<P> { inertia: 0.01, ..nxt() };
                motor.retune(&heavier).unwrap();
                assert_eq!(motor.now(), before);
                let wrong = DcMotorConfig::<P> { resistance: 0.0, ..nxt() };
                assert_eq!(motor.retune(&wrong), Err(ConfigError::OutOfRange("resistance")));
                let state = motor.state();
                let mut twin = motor;
                motor.step(<$t>::lit(3.0), <$t>::zero());
                twin.restore(state);
                assert_eq!(twin.step(<$t>::lit(3.0), <$t>::zero()), motor.now());
            }
        }
    )*};
}

in_every_type! {
    single: f32;
    double: f64;
    q12: Q12;
}

#[test]
fn quasi_static_torque_is_the_torque_of_the_data_sheet() {
    let motor: DcMotorConfig<f64> = DcMotorConfig::pololu_37d_50(1e-3);
    assert!((motor.torque(12.0, 0.0) - 2.0594).abs() < 1e-3);
    assert!((motor.torque(24.0, 0.0) - 2.0594).abs() < 1e-3);
    assert!((motor.torque(-12.0, 0.0) + 2.0594).abs() < 1e-3);
    assert!(
        motor
            .torque(12.0, 200.0 * core::f64::consts::TAU / 60.0)
            .abs()
            < 1e-9
    );
    assert_eq!(motor.torque(0.1, 0.0), 0.0);
    assert!(motor.torque(0.0, 1.0) < 0.0);
}

#[test]
fn a_stopped_gear_is_seen_through_its_ratio() {
    // A bare motor behind 20:1 must end at a twentieth of its speed under twenty times its load.
    let bare = frictionless();
    let geared = bare.through_gear(20.0, 1.0);
    let end = |config: &DcMotorConfig<f64>, load: f64| {
        let mut motor: DcMotor<f64> = config.build(DT).unwrap();
        (0..500).map(|_| motor.step(6.0, load)).last().unwrap()
    };
    let (fast, slow) = (end(&bare, 0.02), end(&geared, 0.4));
    assert!((fast.speed - 20.0 * slow.speed).abs() < 1e-9);
    assert!((fast.current - slow.current).abs() < 1e-9);
}

#[test]
fn what_a_type_cannot_hold_is_refused() {
    // A period of 10 s against 1e-6 kg·m²: a newton metre would add more than 32767 rad/s.
    let config = DcMotorConfig::<f32> {
        inertia: 1e-6,
        torque_constant: 1e-4,
        back_emf_constant: 1e-4,
        viscous_friction: 0.0,
        ..nxt()
    };
    assert!(matches!(
        config.build::<Q12>(1.0),
        Err(ConfigError::Unrepresentable(_))
    ));
    assert!(config.build::<f32>(1.0).is_ok());
    assert!(nxt::<f32>().build::<Q8>(0.001).is_ok());
    let order = DcMotorConfig::<f32> {
        breakaway_torque: 1e-3,
        ..nxt()
    };
    assert_eq!(
        order.build::<f32>(0.001).err(),
        Some(ConfigError::Order("coulomb_torque", "breakaway_torque"))
    );
    assert!(nxt::<f32>().build::<f32>(f32::NAN).is_err());
}

fn any_f32() -> impl Strategy<Value = f32> {
    prop_oneof![
        Just(f32::NAN),
        Just(f32::INFINITY),
        Just(f32::NEG_INFINITY),
        Just(1e30_f32),
        Just(9e18_f32),
        Just(-9e18_f32),
        -20.0_f32..20.0,
    ]
}

proptest! {
    #[test]
    fn nothing_makes_a_nan(
        inputs in prop::collection::vec((any_f32(), any_f32()), 1..60),
        inductance in prop_oneof![Just(0.0_f32), 1e-9_f32..1.0],
        dt in prop_oneof![Just(1e-6_f32), Just(0.001), Just(10.0)],
    ) {
        let config = DcMotorConfig { inductance, ..nxt::<f32>() };
        let mut motor: DcMotor<f32> = config.build(dt).unwrap();
        for (voltage, load) in inputs {
            let before = motor.now();
            let now = motor.step(voltage, load);
            prop_assert!(now.current.is_usable() && now.speed.is_usable() && now.angle.is_usable());
            if !voltage.is_usable() || !load.is_usable() {
                prop_assert_eq!(now, before);
            }
        }
        motor.restore(DcMotorState::new(f32::NAN, 1.0, 1.0));
        prop_assert_eq!(motor.now(), MotorState::default());
    }
}
