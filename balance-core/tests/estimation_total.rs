//! No sequence of inputs makes an estimator emit NaN, and the first good sample brings it back.
#![allow(clippy::unwrap_used, clippy::type_complexity)]

use balance_core::estimation::complementary::ComplementaryConfig;
use balance_core::estimation::inclination::InclinationConfig;
use balance_core::estimation::tilt_kalman::{TiltKalman, TiltKalmanConfig};
use balance_core::estimation::wheel_speed::{WheelSpeed, WheelSpeedConfig, WheelSpeedState};
use balance_core::estimation::{TiltEstimate, TiltStatus};
use balance_core::math::{Float, Q8, Q12, Real, Scalar};
use proptest::prelude::*;

fn any_input() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -10.0..10.0,
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
        1 => Just(9e18),
        1 => Just(-9e18),
        1 => Just(1e30),
        1 => Just(-1e300),
        1 => Just(0.0),
    ]
}
fn any_period() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.001),
        Just(0.009),
        Just(0.0),
        Just(-1.0),
        Just(10.0),
        Just(f64::NAN)
    ]
}
type Inputs = Vec<(f64, Option<f64>, f64)>;
fn any_inputs() -> impl Strategy<Value = Inputs> {
    prop::collection::vec(
        (any_input(), prop::option::of(any_input()), any_period()),
        1..60,
    )
}

fn sound<T: Scalar>(out: TiltEstimate<T>) {
    for value in [out.angle, out.rate, out.bias] {
        assert!(value.to_param().is_finite(), "{out:?}");
    }
}

/// Every one-angle filter through any inputs; within two good samples it is back at the angle.
fn tilts<T: Scalar>(inputs: &Inputs) {
    let p = T::Param::lit;
    let dt = p(0.001);
    let config = TiltKalmanConfig {
        gate_sigma: Some(p(4.0)),
        ..Default::default()
    };
    let mut full: TiltKalman<T> = config.build(dt).unwrap();
    let mut steady = config.build_steady::<T>(dt).unwrap();
    let mut plain = ComplementaryConfig::default().build::<T>(dt).unwrap();
    for &(rate, angle, dt) in inputs {
        let (rate, angle, dt) = (T::lit(rate), angle.map(T::lit), p(dt));
        for out in [
            full.step_dt(rate, angle, dt),
            full.step(rate, angle),
            steady.step_dt(rate, angle, dt),
            steady.step(rate, angle),
            plain.step_dt(rate, angle, dt),
            plain.step(rate, angle),
        ] {
            sound(out);
        }
        let c = full.state().covariance;
        assert!(
            c.angle >= p(0.0) && c.bias >= p(0.0) && c.cross * c.cross <= c.angle * c.bias,
            "{c:?}"
        );
    }
    let good = Some(T::lit(0.1));
    for _ in 0..2000 {
        full.step(T::zero(), good);
        steady.step(T::zero(), good);
        plain.step(T::zero(), good);
    }
    for out in [
        full.step(T::zero(), good),
        steady.step(T::zero(), good),
        plain.step(T::zero(), good),
    ] {
        sound(out);
        assert_eq!(out.status, TiltStatus::Fused);
        assert!(out.angle.magnitude() <= T::lit(4.0), "{out:?}");
    }
}

fn levels<T: Real>(inputs: &[([f64; 3], Option<[f64; 3]>, f64)]) {
    let p = T::Param::lit;
    let mut level = InclinationConfig::default().build::<T>(p(0.001)).unwrap();
    for &(rate, accel, dt) in inputs {
        let (rate, accel) = (rate.map(T::lit), accel.map(|a| a.map(T::lit)));
        for out in [level.step_dt(rate, accel, p(dt)), level.step(rate, accel)] {
            let length: f64 = out
                .up
                .iter()
                .map(|u| u.to_param().to_f64())
                .map(|u| u * u)
                .sum();
            assert!((length - 1.0).abs() < 0.01, "{out:?}");
            for angle in [out.pitch(), out.roll(), out.lean()] {
                assert!(angle.to_param().is_finite());
            }
        }
    }
}

fn any_state() -> impl Strategy<Value = WheelSpeedState> {
    (any::<[i32; 5]>(), any::<[u32; 2]>(), any::<u8>()).prop_map(|(i, u, suspects)| {
        WheelSpeedState {
            known: true,
            believed: suspects & 1 == 0,
            counts: i[0],
            travelled: i[1],
            part: i[2],
            speed: i[3],
            suspect: i[4],
            since_edge: u[0],
            missed: u[1],
            suspects,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn tilt_filters_are_total(inputs in any_inputs()) {
        tilts::<f32>(&inputs);
        tilts::<f64>(&inputs);
        tilts::<Q12>(&inputs);
        tilts::<Q8>(&inputs);
    }
    #[test]
    fn inclination_is_total(inputs in prop::collection::vec(
        (prop::array::uniform3(any_input()), prop::option::of(prop::array::uniform3(any_input())), any_period()), 1..60)
    ) {
        levels::<f32>(&inputs);
        levels::<f64>(&inputs);
        levels::<Q12>(&inputs);
    }
    /// The covariance stays a covariance in `f32` for every configuration that builds, through
    /// long losses of the accelerometer.
    #[test]
    fn covariance_stays_positive(
        noises in prop::array::uniform4(-6.0..1.0_f64),
        period in -4.0..0.0_f64,
        seen in prop::collection::vec(1..400_usize, 6),
    ) {
        let [gyro, walk, accel, initial] = noises.map(|x| 10.0_f64.powf(x) as f32);
        let config = TiltKalmanConfig {
            gyro_noise: gyro, bias_walk: walk, accel_noise: accel, initial_bias: initial,
            ..Default::default()
        };
        let Ok(mut tilt) = config.build::<f32>(10.0_f64.powf(period) as f32) else { return Ok(()) };
        for (k, &steps) in seen.iter().enumerate() {
            for _ in 0..steps {
                tilt.step(0.0, (k % 2 == 0).then_some(0.0));
                let c = tilt.state().covariance;
                prop_assert!(c.angle >= 0.0 && c.bias >= 0.0, "{c:?} {config:?}");
                prop_assert!(f64::from(c.cross).powi(2) <= f64::from(c.angle) * f64::from(c.bias) * (1.0 + 1e-6), "{c:?} {config:?}");
            }
        }
    }
    /// Any state, then any counts: nothing overflows; a wheel that stands then reads zero.
    #[test]
    fn wheel_speed_is_total(state in any_state(), counts in prop::collection::vec(any::<i32>(), 1..50)) {
        let mut wheel: WheelSpeed<Q12> = WheelSpeedConfig::default().build(0.001).unwrap();
        wheel.restore(state);
        for &reading in &counts {
            wheel.step(reading);
            wheel.hold();
        }
        for _ in 0..310 {
            wheel.step(7);
        }
        prop_assert_eq!(wheel.step(7).speed, Q12::lit(0.0));
        prop_assert!(!wheel.step(7).held);
    }
}
