extern crate std;

use super::*;
use crate::math::Q16;
use crate::model::{Pmsm, PmsmConfig};
use crate::motor::foc::{
    CurrentLoop, CurrentLoopConfig, CurrentLoopInput, SpeedLoop, SpeedLoopConfig, clarke,
    clarke_three,
};
use std::format;

/// A motor as its controller believes it to be, and what is asked of it.
#[derive(Clone, Copy)]
struct Bench<P> {
    plant: PmsmConfig<f64>,
    sensorless: SensorlessConfig<P>,
    current_bandwidth: f64,
    speed_bandwidth: f64,
    max_current: f64,
    dt: f64,
    /// Mechanical, rad/s.
    target: f64,
    /// Load per speed squared, N·m·s²/rad².
    drag: f64,
}

fn gimbal<P: Float>() -> Bench<P> {
    Bench {
        plant: PmsmConfig::gimbal(),
        sensorless: SensorlessConfig::gimbal(),
        current_bandwidth: 2000.0,
        speed_bandwidth: 15.0,
        max_current: 0.7,
        dt: 5e-5,
        target: 50.0,
        drag: 0.0,
    }
}

fn hoverboard<P: Float>() -> Bench<P> {
    Bench {
        plant: PmsmConfig::hoverboard(),
        sensorless: SensorlessConfig::hoverboard(),
        current_bandwidth: 1256.0,
        speed_bandwidth: 10.0,
        max_current: 10.0,
        dt: 5e-5,
        target: 30.0,
        drag: 0.0,
    }
}

fn drone<P: Float>() -> Bench<P> {
    Bench {
        plant: PmsmConfig::drone(),
        sensorless: SensorlessConfig::drone(),
        current_bandwidth: 6000.0,
        speed_bandwidth: 30.0,
        max_current: 20.0,
        dt: 2.5e-5,
        target: 1500.0,
        drag: 9e-9,
    }
}

/// Uniform in 0.7 .. 1.3, from a seed that advances.
fn spread(seed: &mut u64) -> f64 {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    0.7 + 0.6 * ((*seed >> 11) as f64 / (1_u64 << 53) as f64)
}

#[derive(Debug)]
struct Result {
    speed: f64,
    attempts: u32,
    /// Largest error of the angle in the last tenth.
    angle_error: f64,
    stage: Stage,
}

/// Starts a motor that differs from what is believed, and drives it to the target.
fn start<T: Real>(bench: &Bench<T::Param>, seed: u64, reverse: bool, seconds: f64) -> Result {
    let mut seed = seed;
    let mut config = bench.plant;
    for _ in 0..4 {
        spread(&mut seed);
    }
    config.machine.resistance *= spread(&mut seed);
    let inductance = spread(&mut seed);
    config.machine.inductance_d *= inductance;
    config.machine.inductance_q *= inductance;
    config.machine.flux *= spread(&mut seed);
    config.inertia *= spread(&mut seed);
    config.coulomb_torque *= spread(&mut seed);
    config.inverter.dead_time = 0.005;
    let mut motor: Pmsm<f64> = config.build(bench.dt).unwrap();
    let mut place = motor.state();
    place.angle = (spread(&mut seed) - 1.0) * 10.0;
    motor.restore(place);

    let lit = |x: f64| T::Param::lit(x);
    let mut currents: CurrentLoop<T> = CurrentLoopConfig {
        machine: bench.sensorless.machine,
        bandwidth: lit(bench.current_bandwidth),
        output_delay: lit(0.5),
        min_bus_voltage: lit(5.0),
        max_bus_voltage: lit(50.0),
        ..Default::default()
    }
    .build(lit(bench.dt))
    .unwrap();
    let poles = f64::from(bench.plant.machine.pole_pairs);
    let mut speeds: SpeedLoop<T> = SpeedLoopConfig {
        inertia: lit(bench.plant.inertia / poles),
        torque_constant: lit(bench.plant.machine.torque_constant()),
        bandwidth: lit(bench.speed_bandwidth),
        max_current: lit(bench.max_current),
    }
    .build(lit(bench.dt * 10.0))
    .unwrap();
    let mut control: Sensorless<T> = bench.sensorless.build(lit(bench.dt)).unwrap();

    let sign = if reverse { -1.0 } else { 1.0 };
    let wanted = T::lit(sign * bench.target * poles);
    let bus = config.inverter.bus_voltage;
    let mut duties = [0.5_f64; 3];
    let mut loop_voltage = Dq::default();
    let (mut attempts, mut torque, mut angle_error) = (1, T::zero(), 0.0_f64);
    control.start(reverse);
    let ticks = (seconds / bench.dt) as u32;
    for tick in 0..ticks {
        let phases = motor.phase_currents().map(T::lit);
        let out = control.step(&SensorlessInput {
            voltage: clarke_three(duties.map(|d| T::lit(d * bus))),
            current: clarke(phases[0], phases[1]),
            loop_voltage,
            reference: Dq::new(T::zero(), torque),
        });
        let load = bench.drag * motor.state().speed * motor.state().speed.abs();
        match out.stage {
            Stage::Lost | Stage::Idle => {
                attempts += 1;
                control.start(reverse);
                currents.reset();
                speeds.reset();
                duties = [0.5; 3];
                loop_voltage = Dq::default();
                motor.coast(load);
                continue;
            }
            Stage::Running => {
                if tick % 10 == 0 {
                    torque = speeds.step(wanted, out.speed).current;
                }
            }
            _ => speeds.reset_to(out.speed, T::zero()),
        }
        currents.turn_frame(out.frame_turn);
        let answer = currents.step(&CurrentLoopInput {
            phase_currents: [phases[0], phases[1]],
            angle: out.angle,
            speed: out.speed,
            bus_voltage: T::lit(bus),
            reference: out.reference,
        });
        loop_voltage = answer.voltage;
        duties = answer.duties.map(|d| d.to_param().to_f64());
        motor.step(duties, load);
        if tick > ticks / 10 * 9 {
            let now = control.output().angle.to_param().to_f64();
            let moved = motor.electrical_speed() * bench.dt;
            let error = wrap_angle(motor.electrical_angle() - moved - now);
            angle_error = angle_error.max(error.abs());
        }
    }
    Result {
        speed: motor.state().speed,
        attempts,
        angle_error,
        stage: control.stage(),
    }
}

fn population<T: Real>(bench: Bench<T::Param>, size: u64, seconds: f64) {
    for seed in 0..size {
        let reverse = seed % 2 == 1;
        let wanted = if reverse { -bench.target } else { bench.target };
        let result = start::<T>(&bench, 7 * seed + 1, reverse, seconds);
        let told = format!("{} {seed}: {result:?}", T::NAME);
        assert_eq!(result.stage, Stage::Running, "{told}");
        assert!(
            (result.speed - wanted).abs() < 0.05 * bench.target,
            "{told}"
        );
        assert!(result.angle_error < 0.5, "{told}");
        assert_eq!(result.attempts, 1, "{told}");
    }
}

#[test]
fn gimbals_start() {
    population::<f32>(gimbal(), 6, 1.9);
}
#[test]
fn hoverboard_wheels_start() {
    population::<f32>(hoverboard(), 6, 2.5);
}
#[test]
fn drone_motors_start() {
    population::<f32>(drone(), 6, 1.8);
}
#[test]
fn fixed_point_starts() {
    population::<Q16>(hoverboard(), 2, 2.5);
    population::<Q16>(drone(), 2, 1.8);
}

#[test]
fn a_blocked_rotor_is_lost_not_burnt() {
    let mut bench = hoverboard::<f64>();
    bench.plant.coulomb_torque = 50.0;
    let result = start::<f64>(&bench, 1, false, 3.5);
    assert!(result.attempts >= 2 && result.speed == 0.0, "{result:?}");
}
