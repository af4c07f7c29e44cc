//! Three-phase motors under field-oriented control: step responses of what is known, and starts of a
//! population that is not.

use crate::cli::MotorsArgs;
use crate::{in_parallel, table};
use anyhow::Result;
use balance_core::math::{Float, Q16, Real, Scalar, wrap_angle};
use balance_core::model::{Inverter, Pmsm, PmsmConfig};
use balance_core::motor::foc::{
    CurrentLoop, CurrentLoopConfig, CurrentLoopInput, Dq, Sensorless, SensorlessConfig,
    SensorlessInput, SpeedLoop, SpeedLoopConfig, Stage, clarke, clarke_three,
};
use comfy_table::Cell;
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::io::{self, Write};

/// A motor as its controllers believe it to be, and what is asked of it.
#[derive(Clone, Copy)]
struct Bench {
    name: &'static str,
    plant: PmsmConfig<f64>,
    start: SensorlessConfig<f64>,
    /// Bandwidths of current and speed, rad/s.
    current: f64,
    speed: f64,
    max_current: f64,
    dt: f64,
    /// Speed to be reached, mechanical, rad/s.
    target: f64,
    /// Load per speed squared, N·m·s²/rad²: a propeller.
    drag: f64,
    /// Time for a start, s.
    seconds: f64,
}

fn benches() -> [Bench; 3] {
    let gimbal = Bench {
        name: "gimbal",
        plant: PmsmConfig::gimbal(),
        start: SensorlessConfig::gimbal(),
        current: 2000.0,
        speed: 15.0,
        max_current: 0.7,
        dt: 5e-5,
        target: 50.0,
        drag: 0.0,
        seconds: 4.0,
    };
    let hoverboard = Bench {
        name: "hoverboard",
        plant: PmsmConfig::hoverboard(),
        start: SensorlessConfig::hoverboard(),
        current: 1256.0,
        speed: 10.0,
        max_current: 10.0,
        target: 30.0,
        seconds: 6.0,
        ..gimbal
    };
    let drone = Bench {
        name: "drone",
        plant: PmsmConfig::drone(),
        start: SensorlessConfig::drone(),
        current: 6000.0,
        speed: 30.0,
        max_current: 20.0,
        dt: 2.5e-5,
        target: 1500.0,
        drag: 9e-9,
        seconds: 4.0,
    };
    [gimbal, hoverboard, drone]
}

impl Bench {
    fn poles(&self) -> f64 {
        f64::from(self.plant.machine.pole_pairs)
    }

    fn currents<T: Real>(&self) -> Result<CurrentLoop<T>> {
        let lit = T::Param::lit;
        let m = &self.plant.machine;
        Ok(CurrentLoopConfig {
            machine: machine::<T>(m),
            bandwidth: lit(self.current),
            output_delay: lit(0.5),
            min_bus_voltage: lit(5.0),
            max_bus_voltage: lit(50.0),
            ..Default::default()
        }
        .build(lit(self.dt))?)
    }

    /// Over electrical speeds.
    fn speeds<T: Real>(&self, every: f64) -> Result<SpeedLoop<T>> {
        let lit = T::Param::lit;
        Ok(SpeedLoopConfig {
            inertia: lit(self.plant.inertia / self.poles()),
            torque_constant: lit(self.plant.machine.torque_constant()),
            bandwidth: lit(self.speed),
            max_current: lit(self.max_current),
        }
        .build(lit(every * self.dt))?)
    }
}

fn machine<T: Scalar>(
    m: &balance_core::motor::foc::Machine<f64>,
) -> balance_core::motor::foc::Machine<T::Param> {
    let lit = T::Param::lit;
    balance_core::motor::foc::Machine {
        pole_pairs: m.pole_pairs,
        resistance: lit(m.resistance),
        inductance_d: lit(m.inductance_d),
        inductance_q: lit(m.inductance_q),
        flux: lit(m.flux),
    }
}

fn number<T: Scalar>(x: T) -> f64 {
    x.to_param().to_f64()
}

/// Rise from 10 to 90 %, and overshoot in percent.
#[derive(Clone, Copy, serde::Serialize)]
struct Step {
    rise_ms: f64,
    overshoot_percent: f64,
}

fn judge(values: &[f64], wanted: f64, dt: f64) -> Step {
    let first = |share: f64| values.iter().position(|x| *x >= share * wanted);
    let rise = first(0.9).zip(first(0.1)).map(|(end, start)| end - start);
    let highest = values.iter().fold(0.0_f64, |high, x| high.max(*x));
    Step {
        rise_ms: rise.map_or(f64::NAN, |periods| periods as f64 * dt * 1e3),
        overshoot_percent: (highest / wanted - 1.0).max(0.0) * 100.0,
    }
}

/// A motor that is known, with an encoder: steps of current, rotor held, and of speed.
fn steps<T: Real>(bench: &Bench) -> Result<(Step, Step)> {
    let lit = T::lit;
    let mut held = bench.plant;
    held.inertia = 1e6;
    let bus = held.inverter.bus_voltage;
    let wanted = 0.5 * bench.max_current;
    let mut motor = held.build(bench.dt)?;
    let mut control = bench.currents::<T>()?;
    let mut run = |motor: &mut Pmsm<f64>, q: T, load: f64| {
        let [a, b, _] = motor.phase_currents().map(lit);
        let out = control.step(&CurrentLoopInput {
            phase_currents: [a, b],
            angle: lit(motor.electrical_angle()),
            speed: lit(motor.electrical_speed()),
            bus_voltage: lit(bus),
            reference: Dq::new(T::zero(), q),
        });
        motor.step(out.duties.map(number), load);
    };
    let mut currents = Vec::new();
    for _ in 0..(0.01 / bench.dt) as usize {
        run(&mut motor, lit(wanted), 0.0);
        currents.push(motor.state().current.q);
    }
    let current = judge(&currents, wanted, bench.dt);

    let mut motor = bench.plant.build(bench.dt)?;
    let mut speeds_control = bench.speeds::<T>(10.0)?;
    let (mut speeds, mut torque) = (Vec::new(), T::zero());
    for tick in 0..(1.0 / bench.dt) as usize {
        if tick % 10 == 0 {
            let wanted = lit(bench.target * bench.poles());
            torque = speeds_control
                .step(wanted, lit(motor.electrical_speed()))
                .current;
        }
        let load = bench.drag * motor.state().speed * motor.state().speed.abs();
        run(&mut motor, torque, load);
        speeds.push(motor.state().speed);
    }
    Ok((current, judge(&speeds, bench.target, bench.dt)))
}

/// Braking between two attempts, s.
const BRAKE: f64 = 0.3;

/// What became of a start.
#[derive(Clone, Copy, serde::Serialize)]
struct Start {
    motor: &'static str,
    number: u64,
    /// Runs at its speed, within 5 %, and the observer knows where it is.
    started: bool,
    attempts: u32,
    /// Seconds until it first ran at 95 % of its speed.
    seconds: f64,
    /// Largest error of the observed angle in the last tenth of the time, electrical degrees.
    angle_error_deg: f64,
}

/// Starts a motor that differs from what its controllers believe, without a sensor.
fn start<T: Real>(bench: &Bench, number_: u64, seed: u64, spread: f64) -> Result<Start> {
    let mut random = Pcg64Mcg::seed_from_u64(seed ^ number_.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut off = || 1.0 + random.random_range(-spread..=spread);
    let mut config = bench.plant;
    config.machine.resistance *= off();
    let inductance = off();
    config.machine.inductance_d *= inductance;
    config.machine.inductance_q *= inductance;
    config.machine.flux *= off();
    config.inertia *= off();
    config.coulomb_torque *= off();
    config.cogging_torque *= off();
    config.inverter = Inverter {
        dead_time: 0.005,
        ..config.inverter
    };
    let drag = bench.drag * off();
    let mut motor: Pmsm<f64> = config.build(bench.dt)?;
    let mut place = motor.state();
    place.angle = random.random_range(-3.1..3.1);
    let reverse = random.random::<bool>();
    motor.restore(place);

    let lit = T::lit;
    let mut currents = bench.currents::<T>()?;
    let mut speeds = bench.speeds::<T>(10.0)?;
    let believed = SensorlessConfig {
        machine: machine::<T>(&bench.start.machine),
        start_current: T::Param::lit(bench.start.start_current),
        align_seconds: T::Param::lit(bench.start.align_seconds),
        acceleration: T::Param::lit(bench.start.acceleration),
        handover_speed: T::Param::lit(bench.start.handover_speed),
        fade_seconds: T::Param::lit(bench.start.fade_seconds),
        lock_bandwidth: T::Param::lit(bench.start.lock_bandwidth),
        pull: T::Param::lit(bench.start.pull),
        max_speed: T::Param::lit(bench.start.max_speed),
    };
    let mut control: Sensorless<T> = believed.build(T::Param::lit(bench.dt))?;
    let sign = if reverse { -1.0 } else { 1.0 };
    let wanted = lit(sign * bench.target * bench.poles());
    let bus = config.inverter.bus_voltage;
    let (mut duties, mut voltage) = ([0.5; 3], Dq::default());
    let (mut attempts, mut braking, mut torque) = (1, 0_u32, T::zero());
    let (mut error, mut reached) = (0.0_f64, f64::INFINITY);
    control.start(reverse);
    let ticks = (bench.seconds / bench.dt) as u32;
    for tick in 0..ticks {
        let phases = motor.phase_currents().map(lit);
        let out = control.step(&SensorlessInput {
            voltage: clarke_three(duties.map(|duty| lit(duty * bus))),
            current: clarke(phases[0], phases[1]),
            loop_voltage: voltage,
            reference: Dq::new(T::zero(), torque),
        });
        let speed = motor.state().speed;
        let load = drag * speed * speed.abs();
        match out.stage {
            Stage::Lost | Stage::Idle => {
                // The shorted winding brakes before the next attempt.
                currents.reset();
                (duties, voltage) = ([0.5; 3], Dq::default());
                motor.step(duties, load);
                braking += 1;
                if f64::from(braking) * bench.dt >= BRAKE {
                    (attempts, braking) = (attempts + 1, 0);
                    control.start(reverse);
                }
                continue;
            }
            Stage::Running if tick % 10 == 0 => {
                torque = speeds.step(wanted, out.speed).current;
            }
            Stage::Running => {}
            Stage::Aligning | Stage::Ramping => speeds.reset_to(out.speed, T::zero()),
        }
        if tick > ticks / 10 * 9 {
            let off = wrap_angle(motor.electrical_angle() - number(out.angle));
            error = error.max(off.abs());
        }
        currents.turn_frame(out.frame_turn);
        let answer = currents.step(&CurrentLoopInput {
            phase_currents: [phases[0], phases[1]],
            angle: out.angle,
            speed: out.speed,
            bus_voltage: lit(bus),
            reference: out.reference,
        });
        voltage = answer.voltage;
        duties = answer.duties.map(number);
        motor.step(duties, load);
        if sign * motor.state().speed >= 0.95 * bench.target {
            reached = reached.min(f64::from(tick) * bench.dt);
        }
    }
    let close = (sign * motor.state().speed / bench.target - 1.0).abs() < 0.05;
    Ok(Start {
        motor: bench.name,
        number: number_,
        started: control.stage() == Stage::Running && close && error < 0.6,
        attempts,
        seconds: reached,
        angle_error_deg: error.to_degrees(),
    })
}

/// Runs everything and shows it; whether all started.
pub fn motors(args: &MotorsArgs) -> Result<bool> {
    let benches = benches();
    let mut jobs = Vec::new();
    for bench in &benches {
        jobs.extend((0..args.motors).map(|number| (bench, number)));
    }
    let starts = in_parallel(
        &jobs,
        None,
        |(bench, _)| bench.name.to_owned(),
        |(bench, number)| match args.scalar.as_str() {
            "f64" => start::<f64>(bench, *number, args.seed, args.spread),
            "fixed" => start::<Q16>(bench, *number, args.seed, args.spread),
            _ => start::<f32>(bench, *number, args.seed, args.spread),
        },
    )?;
    let starts: Vec<Start> = starts.into_iter().collect::<Result<_>>()?;
    let mut out = io::stdout().lock();
    if args.json {
        for start in &starts {
            serde_json::to_writer(&mut out, start)?;
            writeln!(out)?;
        }
    } else {
        show(&benches, &starts, args, &mut out)?;
    }
    Ok(starts.iter().all(|start| start.started))
}

fn show(
    benches: &[Bench],
    starts: &[Start],
    args: &MotorsArgs,
    out: &mut impl Write,
) -> Result<()> {
    let mut shown = table::new([
        "motor",
        "current: rise ms",
        "over %",
        "speed: rise ms",
        "over %",
    ]);
    for bench in benches {
        let (current, speed) = match args.scalar.as_str() {
            "f64" => steps::<f64>(bench)?,
            "fixed" => steps::<Q16>(bench)?,
            _ => steps::<f32>(bench)?,
        };
        shown.add_row(vec![
            Cell::new(bench.name),
            table::number(format!("{:.2}", current.rise_ms)),
            table::number(format!("{:.1}", current.overshoot_percent)),
            table::number(format!("{:.0}", speed.rise_ms)),
            table::number(format!("{:.1}", speed.overshoot_percent)),
        ]);
    }
    writeln!(
        out,
        "Steps of a motor that is known, with an encoder\n{shown}"
    )?;
    let mut shown = table::new([
        "motor",
        "started",
        "most tries",
        "median s",
        "slowest s",
        "worst angle °",
    ]);
    for bench in benches {
        let mine: Vec<&Start> = starts.iter().filter(|s| s.motor == bench.name).collect();
        let mut seconds: Vec<f64> = mine.iter().map(|start| start.seconds).collect();
        seconds.sort_by(f64::total_cmp);
        let worst = mine
            .iter()
            .fold(0.0_f64, |worst, s| worst.max(s.angle_error_deg));
        let started = mine.iter().filter(|start| start.started).count();
        let tries = mine.iter().map(|start| start.attempts).max().unwrap_or(0);
        let at = |share: usize| seconds.get((seconds.len() - 1) * share / 100).copied();
        shown.add_row(vec![
            Cell::new(bench.name),
            table::number(format!("{started} of {}", mine.len())),
            table::number(tries.to_string()),
            table::number(format!("{:.2}", at(50).unwrap_or(f64::NAN))),
            table::number(format!("{:.2}", at(100).unwrap_or(f64::NAN))),
            table::number(format!("{worst:.0}")),
        ]);
    }
    writeln!(
        out,
        "\nStarts without a sensor, every constant off by up to {:.0} %, from any angle, either way\n{shown}",
        100.0 * args.spread
    )?;
    Ok(())
}
