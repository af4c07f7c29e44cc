//! The robot from outside: signs, states, and whatever may come in.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use balance_core::math::{Float, Q12, Real, Scalar};
use balance_core::motor::Drive;
use balance_core::robot::{Command, Inputs, Outputs, Robot, RobotConfig, State, Stop};
use balance_core::sensor::{Health, ImuCounts, Sample};
use balance_core::time::Instant;
use proptest::prelude::*;

/// A robot that stands in front of us, tick by tick.
struct Bench<T: Scalar> {
    robot: Robot<T>,
    micros: u64,
    counts: [i32; 2],
}

impl<T: Real> Bench<T> {
    fn new() -> Self {
        let robot = RobotConfig::<T::Param>::pico_kit().build().unwrap();
        Self {
            robot,
            micros: 1_000_000,
            counts: [0; 2],
        }
    }

    /// A live sensor's noise: the lowest bits change.
    fn imu(&self, pitch: f64, rate: f64) -> ImuCounts {
        let noise = (self.micros / 1000 % 3) as i16;
        let accel = [-8192.0 * pitch.sin(), 0.0, 8192.0 * pitch.cos()].map(|a| a as i16 + noise);
        ImuCounts {
            accel,
            gyro: [noise, (rate.to_degrees() * 65.5) as i16 + noise, 0],
            temperature: 0,
        }
    }

    fn tick(&mut self, arm: bool, pitch: f64, rate: f64) -> Outputs<T> {
        self.micros += 1000;
        let now = Instant::from_micros(self.micros);
        self.robot.tick(
            now,
            &Inputs {
                imu: Sample::good(now, self.imu(pitch, rate)),
                encoders: Sample::good(now, self.counts),
                battery_millivolts: Some(11_100),
                command: Command {
                    arm,
                    ..Default::default()
                },
            },
        )
    }

    fn balancing(mut self) -> Self {
        let started = (0..2000).any(|_| self.tick(true, 0.0, 0.0).state == State::Balancing);
        assert!(started);
        self
    }
}

fn duty<T: Real>(drive: Drive<T>) -> f64 {
    match drive {
        Drive::Duty(duty) => duty.to_param().to_f64(),
        _ => 0.0,
    }
}

fn drives_toward_its_fall<T: Real>() {
    for (pitch, rate) in [(0.05, 0.0), (0.0, 0.5), (-0.05, 0.0), (0.0, -0.5)] {
        let mut bench = Bench::<T>::new().balancing();
        // It leans within 20 ms, as its gyroscope tells, and stays there.
        let outputs: Vec<_> = (1..=30)
            .map(|k| {
                let share = (f64::from(k) / 20.0).min(1.0);
                let leaning = if k <= 20 { pitch / 0.02 } else { 0.0 };
                bench.tick(true, pitch * share, rate + leaning)
            })
            .collect();
        let last = outputs.last().unwrap();
        let sign: f64 = pitch + rate;
        assert!(
            duty(last.left) * sign > 0.0 && duty(last.right) * sign > 0.0,
            "{pitch} {rate}"
        );
    }
}

fn holds_its_place<T: Real>() {
    let mut bench = Bench::<T>::new().balancing();
    bench.counts = [100, 100];
    let outputs: Vec<_> = (0..50).map(|_| bench.tick(true, 0.0, 0.0)).collect();
    // Ahead of its place it must first roll on, to lean back.
    assert!(duty(outputs.last().unwrap().left) > 0.0);
}

fn stops_when_told_or_fallen<T: Real>() {
    let mut bench = Bench::<T>::new().balancing();
    let off = bench.tick(false, 0.0, 0.0);
    assert_eq!(
        (off.state, off.left, off.right),
        (State::Disarmed, Drive::Coast, Drive::Coast)
    );

    let mut bench = Bench::<T>::new().balancing();
    // Falls at 6 rad/s, sooner than wheels that stand under full drive are noticed.
    let falling: Vec<_> = (0..200)
        .map(|n| bench.tick(true, f64::from(n) * 0.006, 6.0))
        .collect();
    let fallen = falling.iter().find(|o| o.state == State::Fallen);
    assert_eq!(fallen.unwrap().stop, Some(Stop::Tilt));
    assert_eq!(bench.tick(true, 0.0, 0.0).state, State::Fallen);
    bench.tick(false, 0.0, 0.0);
    assert_eq!(bench.tick(true, 0.0, 0.0).state, State::Calibrating);
}

#[test]
fn signs() {
    drives_toward_its_fall::<f32>();
    drives_toward_its_fall::<f64>();
    drives_toward_its_fall::<Q12>();
    holds_its_place::<f32>();
    holds_its_place::<Q12>();
}

#[test]
fn stops() {
    stops_when_told_or_fallen::<f32>();
    stops_when_told_or_fallen::<Q12>();
}

#[test]
fn a_silent_sensor_switches_off_within_its_time() {
    let mut bench = Bench::<f32>::new().balancing();
    let off = (1..500).find(|_| {
        bench.micros += 1000;
        let now = Instant::from_micros(bench.micros);
        let command = Command {
            arm: true,
            ..Default::default()
        };
        let out = bench.robot.tick(
            now,
            &Inputs {
                command,
                ..Default::default()
            },
        );
        out.state == State::Faulted
    });
    assert_eq!(off, Some(101));
}

fn any_float() -> impl Strategy<Value = f32> {
    prop_oneof![
        -3.0_f32..3.0,
        Just(f32::NAN),
        Just(f32::INFINITY),
        Just(-1e30),
        Just(9e18),
    ]
}

fn any_sample() -> impl Strategy<Value = (Health, [i16; 6])> {
    let health = prop_oneof![4 => Just(Health::Good), 1 => Just(Health::BusError), 1 => Just(Health::Absent)];
    let extreme = prop_oneof![
        any::<i16>(),
        Just(0),
        Just(i16::MAX),
        Just(i16::MIN),
        -300_i16..300
    ];
    (health, prop::array::uniform6(extreme))
}

type Tick = ((Health, [i16; 6]), [i32; 2], Option<u16>, f32, f32, u32);

fn survives<T: Real<Param = f32>>(ticks: &[Tick]) -> Result<(), TestCaseError> {
    let mut bench = Bench::<T>::new().balancing();
    for ((health, imu), counts, battery_millivolts, speed, turn, gap) in ticks {
        bench.micros = bench.micros.wrapping_add(u64::from(*gap));
        let now = Instant::from_micros(bench.micros);
        let [a, b, c, d, e, f] = *imu;
        let value = ImuCounts {
            accel: [a, b, c],
            gyro: [d, e, f],
            temperature: 0,
        };
        let out = bench.robot.tick(
            now,
            &Inputs {
                imu: Sample {
                    time: now,
                    health: *health,
                    value,
                },
                encoders: Sample::good(now, *counts),
                battery_millivolts: *battery_millivolts,
                command: Command {
                    arm: true,
                    speed: T::from_param(*speed),
                    turn: T::from_param(*turn),
                },
            },
        );
        for drive in [out.left, out.right] {
            prop_assert!(duty(drive).abs() <= 1.0, "{drive:?}");
            prop_assert!(out.state == State::Balancing || drive == Drive::Coast);
        }
        let r = out.record;
        for value in [
            r.pitch,
            r.pitch_rate,
            r.speed,
            r.yaw_rate,
            r.position,
            r.drive_voltage,
            r.turn_voltage,
        ] {
            prop_assert!(value.is_usable(), "{r:?}");
        }
    }
    // Taken back and given again, the robot is as good as new.
    bench.tick(false, 0.0, 0.0);
    let again = (0..4000).any(|_| bench.tick(true, 0.0, 0.0).state == State::Balancing);
    prop_assert!(
        again,
        "never balances again: {:?}",
        bench.tick(true, 0.0, 0.0).stop
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn nothing_gets_in_or_out(
        ticks in prop::collection::vec(
            (
                any_sample(),
                prop::array::uniform2(prop_oneof![any::<i32>(), -50..50]),
                prop::option::of(any::<u16>()),
                any_float(),
                any_float(),
                prop_oneof![4 => Just(1000_u32), 1 => Just(0), 1 => 0..3000_u32, 1 => Just(10_000_000)],
            ),
            1..80,
        ),
    ) {
        survives::<f32>(&ticks)?;
        survives::<Q12>(&ticks)?;
    }
}
