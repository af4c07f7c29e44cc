extern crate std;

use super::*;
use crate::math::{Q12, Q16};
use crate::motor::foc::inverse_clarke;
use proptest::prelude::*;
use std::vec::Vec;

const DT: f64 = 5e-5;

fn number<T: Scalar>(x: T) -> f64 {
    x.to_param().to_f64()
}

fn config<P: Float>() -> CurrentLoopConfig<P> {
    CurrentLoopConfig {
        output_delay: P::lit(0.5),
        ..Default::default()
    }
}

fn build<T: Real>(config: CurrentLoopConfig<T::Param>) -> CurrentLoop<T> {
    config.build(T::Param::lit(DT)).unwrap()
}

/// A winding in the frame of the rotor, exact for constant voltage at standstill.
struct Winding {
    current: [f64; 2],
}

impl Winding {
    fn step(&mut self, voltage: [f64; 2]) {
        let m = Machine::<f64>::default();
        for (axis, inductance) in [m.inductance_d, m.inductance_q].into_iter().enumerate() {
            let a = (-m.resistance * DT / inductance).exp();
            self.current[axis] = a * self.current[axis] + (1.0 - a) * voltage[axis] / m.resistance;
        }
    }
}

/// A step of the q reference at standstill, as seen by a winding through the duties.
fn answer<T: Real>(reference: f64, periods: usize) -> Vec<f64> {
    let mut control = build::<T>(config());
    let mut winding = Winding { current: [0.0; 2] };
    let angle = 0.7_f64;
    let (sin, cos) = angle.sin_cos();
    let mut seen = Vec::new();
    for _ in 0..periods {
        let [d, q] = winding.current;
        let ab = crate::motor::foc::AlphaBeta {
            alpha: d * cos - q * sin,
            beta: d * sin + q * cos,
        };
        let [a, b, _] = inverse_clarke(ab);
        let out = control.step(&CurrentLoopInput {
            phase_currents: [T::lit(a), T::lit(b)],
            angle: T::lit(angle),
            speed: T::zero(),
            bus_voltage: T::lit(36.0),
            reference: Dq::new(T::zero(), T::lit(reference)),
        });
        let volts = out.duties.map(|duty| 36.0 * number(duty));
        let alpha = (2.0 * volts[0] - volts[1] - volts[2]) / 3.0;
        let beta = (volts[1] - volts[2]) / 3.0_f64.sqrt();
        winding.step([alpha * cos + beta * sin, beta * cos - alpha * sin]);
        seen.push(winding.current[1]);
    }
    seen
}

#[test]
fn answers_like_a_first_order_lag() {
    fn check<T: Real>(bound: f64) {
        for (k, current) in answer::<T>(10.0, 400).into_iter().enumerate() {
            let wanted = 10.0 * (1.0 - (-1256.0 * DT * (k as f64 + 1.0)).exp());
            assert!(
                (current - wanted).abs() < bound,
                "{}: {k} {current} {wanted}",
                T::NAME
            );
        }
    }
    check::<f64>(1e-9);
    check::<f32>(2e-4);
    check::<Q16>(4e-3);
}

#[test]
fn never_reverses_torque_at_saturation() {
    fn check<T: Real>() {
        // A rotor that is held and a wire that is off: the current never comes, for five seconds.
        let mut control = build::<T>(config());
        let mut input = CurrentLoopInput {
            phase_currents: [T::zero(); 2],
            bus_voltage: T::lit(36.0),
            reference: Dq::new(T::zero(), T::lit(40.0)),
            ..Default::default()
        };
        let mut last = 0.0;
        for _ in 0..100_000 {
            let out = control.step(&input);
            let q = number(out.voltage.q);
            assert!(
                q >= last - 1e-3 && q <= 36.0 * 0.57736,
                "{}: {q} {last}",
                T::NAME
            );
            last = q;
            assert!(out.voltage.d.magnitude() <= T::lit(0.01));
        }
        assert!(last > 20.7, "{}: {last}", T::NAME);
        // It turns round within the winding's time constant, not after five seconds.
        input.reference.q = T::lit(-40.0);
        let periods = (0..10_000)
            .take_while(|_| number(control.step(&input).voltage.q) > 0.0)
            .count();
        assert!(
            periods as f64 * DT < 3.6e-4 / 0.18,
            "{}: {periods}",
            T::NAME
        );
        // As large as the type can say, and at once the other way.
        for reference in [T::MAX, T::MIN, T::MAX] {
            input.reference.q = reference;
            for _ in 0..1000 {
                let out = control.step(&input);
                let along = (number(out.voltage.q) > 0.0) == (number(reference) > 0.0);
                assert!(along && out.saturated, "{}", T::NAME);
            }
        }
    }
    check::<f32>();
    check::<f64>();
    check::<Q16>();
}

#[test]
fn field_is_served_before_torque() {
    fn check<T: Real>() {
        let mut control = build::<T>(config());
        let out = control.step(&CurrentLoopInput {
            bus_voltage: T::lit(36.0),
            reference: Dq::new(T::lit(-200.0), T::lit(200.0)),
            ..Default::default()
        });
        let (d, q) = (number(out.voltage.d), number(out.voltage.q));
        assert!(
            out.saturated && (d + 20.785).abs() < 1e-2,
            "{}: {d}",
            T::NAME
        );
        assert!(q.abs() < 0.2, "{}: {q}", T::NAME);
    }
    check::<f32>();
    check::<f64>();
    check::<Q16>();
}

#[test]
fn an_absurd_bus_voltage_is_the_last_good_one() {
    let mut control = build::<f64>(config());
    let mut input = CurrentLoopInput {
        bus_voltage: 30.0,
        reference: Dq::new(0.0, 1.0),
        ..Default::default()
    };
    let good = control.step(&input);
    control.reset();
    for absurd in [f64::NAN, -1.0, 0.0, 1e9, f64::INFINITY] {
        input.bus_voltage = absurd;
        assert_eq!(control.step(&input), good);
        control.reset();
    }
}

#[test]
fn reciprocal_of_the_bus_follows_a_ramp() {
    let mut supply = Supply::new(Q16::lit(40.0));
    for k in 0..2000 {
        let volts = 40.0 - 0.01 * f64::from(k);
        supply.voltage = Q16::lit(volts);
        supply.share(Dq::default());
        let error = number(supply.reciprocal) * volts - 1.0;
        // Two units in the last place of 1/volts.
        assert!(error.abs() < 2.5 / 65536.0 * volts, "{volts}: {error}");
    }
    supply.voltage = Q16::lit(12.0);
    supply.share(Dq::default());
    assert!((number(supply.reciprocal) * 12.0 - 1.0).abs() < 3e-4);
}

#[test]
fn settings_that_do_not_fit_are_named() {
    let build = |change: fn(&mut CurrentLoopConfig<f32>)| {
        let mut wrong = config();
        change(&mut wrong);
        wrong.build::<Q12>(5e-5).err()
    };
    assert_eq!(
        build(|c| c.bandwidth = 12_000.0),
        Some(ConfigError::OutOfRange("bandwidth"))
    );
    assert_eq!(
        build(|c| c.machine.pole_pairs = 0),
        Some(ConfigError::OutOfRange("pole_pairs"))
    );
    assert_eq!(
        build(|c| c.min_bus_voltage = 50.0),
        Some(ConfigError::Order("min_bus_voltage", "max_bus_voltage"))
    );
    // The square of the longest vector is beyond ±2048.
    assert_eq!(
        build(|c| c.max_bus_voltage = 100.0),
        Some(ConfigError::Unrepresentable("max_bus_voltage"))
    );
}

proptest! {
    #[test]
    fn is_total(samples in prop::collection::vec(prop::array::uniform7(any::<f32>()), 1..60)) {
        let mut control = build::<f32>(config());
        let mut twin = control;
        for [a, b, angle, speed, bus_voltage, d, q] in samples {
            let input = CurrentLoopInput {
                phase_currents: [a, b],
                angle,
                speed,
                bus_voltage,
                reference: Dq::new(d, q),
            };
            let out = control.step(&input);
            prop_assert!(out.duties.iter().all(|duty| (0.0..=1.0).contains(duty)));
            prop_assert!(control.state().integral.d.is_finite());
            prop_assert!(control.state().integral.q.is_finite());
        }
        // A bad sample is as if it had not been.
        control.reset();
        twin.reset();
        let good = CurrentLoopInput {
            phase_currents: [1.0, -0.5],
            angle: 0.3,
            speed: 100.0,
            bus_voltage: 36.0,
            reference: Dq::new(0.0, 2.0),
        };
        for _ in 0..20 {
            prop_assert_eq!(control.step(&good), twin.step(&good));
            let bad = CurrentLoopInput { angle: f32::NAN, ..good };
            let held = control.step(&bad);
            prop_assert!(held.held && held.duties == twin.state().duties);
        }
    }

    #[test]
    fn fixed_point_is_total(samples in prop::collection::vec(prop::array::uniform7(any::<i32>()), 1..60)) {
        let mut control = build::<Q16>(config());
        for bits in samples {
            let [a, b, angle, speed, bus_voltage, d, q] = bits.map(Q16::from_bits);
            let out = control.step(&CurrentLoopInput {
                phase_currents: [a, b],
                angle,
                speed,
                bus_voltage,
                reference: Dq::new(d, q),
            });
            prop_assert!(out.duties.iter().all(|duty| *duty >= Q16::lit(0.0) && *duty <= Q16::lit(1.0)));
        }
    }

    #[test]
    fn state_comes_back(q in -40.0..40.0_f64, periods in 1..50_usize) {
        let mut control = build::<f64>(config());
        let input = CurrentLoopInput {
            bus_voltage: 36.0,
            reference: Dq::new(1.0, q),
            speed: 50.0,
            ..Default::default()
        };
        for _ in 0..periods {
            control.step(&input);
        }
        let mut other = build::<f64>(config());
        other.step(&input);
        other.restore(control.state());
        prop_assert_eq!(control.step(&input), other.step(&input));
    }
}
