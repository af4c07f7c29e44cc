//! A robot that stands for a day: does anything creep?

use crate::cli::SoakArgs;
use crate::plant::Bridge;
use crate::robots;
use crate::run::{bridge, inputs};
use crate::scenario::{Event, Expect, Scenario};
use crate::sensors::Imu;
use crate::world::World;
use anyhow::{Context, Result};
use balance_core::math::{Float, Q12, Real};
use balance_core::robot::timing::LoopTimingConfig;
use balance_core::robot::{Outputs, State};
use balance_core::time::Instant;

static STANDS: Scenario = Scenario {
    name: "stands",
    about: "stands for a day",
    start_pitch: 3.0,
    slope: 0.0,
    payload: 0.0,
    jitter: 0.0,
    events: &[],
    seconds: f64::INFINITY,
    expect: Expect::Upright(90.0, f64::INFINITY),
};

const PERIOD_MICROS: u64 = 1000;
/// A push of a quarter of the weight for a tenth of a second, this often.
const PUSH_EVERY: u64 = 60_000;
/// What may creep from the first tenth of the time to the last: mean error of the tilt estimate (rad),
/// mean position (m), mean voltages of both controllers (V).
const CREEP: [f64; 4] = [0.002, 0.02, 0.05, 0.05];

/// Means over a tenth of the time.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    ticks: f64,
    sums: [f64; 4],
    lean: f64,
    strayed: f64,
}

impl Part {
    fn means(&self) -> [f64; 4] {
        self.sums.map(|sum| sum / self.ticks.max(1.0))
    }
}

/// Lets the robot stand; whether nothing creeps.
pub fn soak(args: &SoakArgs) -> Result<bool> {
    match args.scalar.as_str() {
        "f64" => soak_as::<f64>(args),
        "fixed" => soak_as::<Q12>(args),
        _ => soak_as::<f32>(args),
    }
}

fn soak_as<T: Real>(args: &SoakArgs) -> Result<bool> {
    let robot = robots::find(&args.robot).context("no such robot")?;
    let config = robot.config::<T::Param>();
    let mut world = World::new(&robot, &STANDS, config.imu_scale, args.seed)?;
    let mut brain = config.build::<T>()?;
    let mut timing = LoopTimingConfig::default().build()?;
    let mut bridges = [Bridge::Coast; 2];
    let total = (args.hours * 3.6e6) as u64;
    let mut parts = [Part::default(); 10];
    let (mut fell, mut unusable) = (None, 0_u64);
    for tick in 1..=total {
        let now = tick * PERIOD_MICROS;
        timing.begin(now as u32);
        for _ in 0..PERIOD_MICROS / 100 / u64::from(Imu::EVERY) {
            world.step(bridges, Imu::EVERY);
        }
        let reading = world.read();
        let mut inputs = inputs::<T>(&world, &reading, now);
        inputs.command.arm = true;
        let outputs = brain.tick(Instant::from_micros(now), &inputs);
        bridges = [outputs.left, outputs.right].map(bridge);
        if outputs.state == State::Balancing {
            if !world.released() {
                world.release();
            }
            if tick % PUSH_EVERY == 0 {
                world.start(Event::Push(0.25, 0.1));
            }
        } else if world.released() && fell.is_none() {
            fell = Some((tick, outputs.stop));
            break;
        }
        unusable += u64::from(!all_finite(&outputs));
        let part = &mut parts[((tick - 1) * 10 / total) as usize];
        if world.released() {
            take(part, &outputs, &world);
        }
    }
    let missed = timing.statistics().missed;
    println!(
        "{} {} for {:.2} h, {total} ticks: {missed} missed, {} late, {unusable} with a value that is no number{}",
        args.robot,
        T::NAME,
        args.hours,
        brain.outputs().record.late_ticks,
        fell.map_or(String::new(), |(tick, stop)| format!(
            "; off at tick {tick}: {stop:?}"
        ))
    );
    println!(
        "| tenth | tilt error, mrad | position, mm | drive, mV | turn, mV | largest lean, mrad | strayed, mm |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (index, part) in parts.iter().enumerate() {
        let [error, position, drive, turn] = part.means().map(|mean| mean * 1e3);
        println!(
            "| {} | {error:.3} | {position:.2} | {drive:.2} | {turn:.2} | {:.1} | {:.1} |",
            index + 1,
            part.lean * 1e3,
            part.strayed * 1e3
        );
    }
    let (first, last) = (parts[1].means(), parts[9].means());
    let creeps = (0..4).any(|k| (last[k] - first[k]).abs() > CREEP[k]);
    if creeps {
        eprintln!("✗ something creeps");
    }
    Ok(fell.is_none() && !creeps && unusable == 0 && missed == 0)
}

fn all_finite<T: Real>(outputs: &Outputs<T>) -> bool {
    let record = &outputs.record;
    [
        record.pitch,
        record.position,
        record.speed,
        record.drive_voltage,
    ]
    .iter()
    .all(|value| value.to_param().to_f64().is_finite())
}

fn take<T: Real>(part: &mut Part, outputs: &Outputs<T>, world: &World) {
    let number = |value: T| value.to_param().to_f64();
    let record = &outputs.record;
    let pitch = world.plant.state.pitch;
    let values = [
        number(record.pitch) - pitch,
        world.plant.state.position,
        number(record.drive_voltage),
        number(record.turn_voltage),
    ];
    part.ticks += 1.0;
    for (sum, value) in part.sums.iter_mut().zip(values) {
        *sum += value;
    }
    part.lean = part.lean.max(pitch.abs());
    part.strayed = part.strayed.max(world.plant.state.position.abs());
}
