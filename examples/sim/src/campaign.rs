//! Faults, one after the other, at random times and for random durations, on an emulated board that
//! balances: the motors are off or the robot is upright within the declared time, each time.

use crate::cli::CampaignArgs;
use crate::lockstep::Lockstep;
use anyhow::{Result, bail};
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg32;
use std::collections::BTreeMap;

/// A robot that leans more has fallen, rad; `Limits::max_tilt` of the core.
const FALLEN: f64 = 0.7;
/// A robot that stands, rad.
const UPRIGHT: f64 = 0.35;
/// How long after the declared time and the fault's end the robot is watched, ms.
const AFTERWARDS: u64 = 400;

/// Something that breaks.
struct Fault {
    name: &'static str,
    /// Within so many ms the motors are off, or the robot stands.
    declared: u64,
    /// Why so long.
    because: &'static str,
    /// It lasts so long, ms.
    lasts: std::ops::Range<u64>,
    begin: fn(&mut Lockstep, &mut Pcg32, u64) -> Result<()>,
    end: fn(&mut Lockstep) -> Result<()>,
}

const fn sensor(
    name: &'static str,
    begin: fn(&mut Lockstep, &mut Pcg32, u64) -> Result<()>,
    end: fn(&mut Lockstep) -> Result<()>,
) -> Fault {
    Fault {
        name,
        declared: 150,
        because: "100 ticks without a reading",
        lasts: 2..400,
        begin,
        end,
    }
}

fn whole(robot: &mut Lockstep) -> Result<()> {
    robot.tamper = Default::default();
    Ok(())
}

const MPU_6050: &str = "restart 104";

static FAULTS: [Fault; 13] = [
    sensor(
        "i2c_nack",
        |robot, _, _| {
            robot.tamper.absent = true;
            Ok(())
        },
        whole,
    ),
    sensor(
        "bus_stuck_low",
        |robot, _, _| robot.fault("stuck 1"),
        |robot| robot.fault("stuck 0"),
    ),
    sensor(
        "frozen_data",
        |robot, _, _| {
            robot.tamper.frozen = true;
            Ok(())
        },
        whole,
    ),
    Fault {
        declared: 300,
        because: "a wrong bit may be a believable reading; then the tilt limit",
        ..sensor(
            "bit_flips",
            |robot, chance, _| robot.fault(&format!("bits {}", chance.random_range(1..1 << 30))),
            |robot| robot.fault("bits 0"),
        )
    },
    sensor(
        "wrong_identity",
        |robot, chance, _| {
            let identity = [0x70, 0x71, 0x12, 0x00][chance.random_range(0..4)];
            robot.fault(&format!("restart {identity}"))
        },
        |robot| robot.fault(MPU_6050),
    ),
    sensor(
        "sensor_power_lost",
        |robot, _, _| robot.fault(MPU_6050),
        |_| Ok(()),
    ),
    sensor(
        "gyro_saturated",
        |robot, _, _| {
            robot.tamper.saturated = true;
            Ok(())
        },
        whole,
    ),
    Fault {
        name: "encoder_off",
        declared: 1500,
        because: "seen by the gyroscope when it turns, by the drive when it pushes; else by the tilt",
        lasts: 2..1500,
        begin: |robot, chance, _| {
            robot.tamper.unplugged[chance.random_range(0..2)] = true;
            Ok(())
        },
        end: whole,
    },
    Fault {
        name: "encoders_off",
        declared: 1500,
        because: "as above, both at once",
        lasts: 2..1500,
        begin: |robot, _, _| {
            robot.tamper.unplugged = [true; 2];
            Ok(())
        },
        end: whole,
    },
    Fault {
        name: "battery_sag",
        declared: 600,
        because: "500 ticks below the limit",
        lasts: 2..900,
        begin: |robot, chance, _| {
            robot.tamper.battery = Some(chance.random_range(0..9000));
            Ok(())
        },
        end: whole,
    },
    Fault {
        name: "starvation",
        declared: 150,
        because: "the loop's own gap limit, or the watchdog's 100 ms",
        lasts: 1..95,
        begin: |robot, _, milliseconds| robot.fault(&format!("stall {milliseconds}000000")),
        end: |_| Ok(()),
    },
    Fault {
        name: "flash_write",
        declared: 150,
        because: "an erase of 45 ms, or of the 400 ms that an old sector takes: then the watchdog",
        lasts: 45..400,
        begin: |robot, chance, milliseconds| {
            let milliseconds = if chance.random() { 45 } else { milliseconds };
            robot.fault(&format!("stall {milliseconds}000000"))
        },
        end: |_| Ok(()),
    },
    Fault {
        name: "hang",
        declared: 110,
        because: "the watchdog's 100 ms",
        lasts: 2..3,
        begin: |robot, _, _| robot.fault("hang"),
        end: |_| Ok(()),
    },
];

/// What became of the robot.
#[derive(Default)]
struct Row {
    injections: u32,
    upright: u32,
    off: u32,
    failed: u32,
    /// The longest time from a fault to the motors being off for good, ms.
    slowest: f64,
    stops: BTreeMap<String, u32>,
}

/// What came of one fault.
struct Outcome {
    off_after: Option<f64>,
    /// Powered and fallen after the declared time, or on again by itself.
    failed: Option<String>,
}

fn inject(robot: &mut Lockstep, fault: &Fault, lasts: u64, chance: &mut Pcg32) -> Result<Outcome> {
    let began = robot.now;
    (fault.begin)(robot, chance, lasts)?;
    let watch = fault.declared.max(lasts) + AFTERWARDS;
    let (mut whole, mut off_at, mut failed) = (false, None, None);
    while robot.now < began + watch * 1000 {
        robot.step()?;
        let since = (robot.now - began) as f64 / 1000.0;
        if !whole && since >= lasts as f64 {
            whole = true;
            (fault.end)(robot)?;
        }
        match (robot.is_on(), off_at) {
            (false, None) => off_at = Some(since),
            (true, Some(off)) => {
                failed.get_or_insert(format!(
                    "off after {off:.1} ms, on again after {since:.1} ms"
                ));
                off_at = None;
            }
            _ => {}
        }
        if since > fault.declared as f64 && robot.is_on() && robot.pitch().abs() > FALLEN {
            failed.get_or_insert(format!("on and fallen after {since:.1} ms"));
        }
    }
    if off_at.is_none() && robot.pitch().abs() > UPRIGHT {
        failed.get_or_insert(format!("on, and leaning by {:.2} rad", robot.pitch()));
    }
    Ok(Outcome {
        off_after: off_at,
        failed,
    })
}

/// Stands it up and lets it balance again, after whatever has happened.
fn recover(robot: &mut Lockstep) -> Result<()> {
    for whole in ["stuck 0", "bits 0", MPU_6050] {
        robot.fault(whole)?;
    }
    robot.stand_up()?;
    // The board may have been reset, and the sensor must be set up again.
    robot.run(800)?;
    robot.balance()
}

/// Breaks things; whether the robot bore all of it.
pub fn campaign(args: &CampaignArgs) -> Result<bool> {
    for name in &args.fault {
        if FAULTS.iter().all(|fault| fault.name != name) {
            let names: Vec<&str> = FAULTS.iter().map(|fault| fault.name).collect();
            bail!("no fault is called {name}; there are {}", names.join(", "));
        }
    }
    let chosen: Vec<&Fault> = FAULTS
        .iter()
        .filter(|fault| args.fault.is_empty() || args.fault.iter().any(|name| name == fault.name))
        .collect();
    let mut chance = Pcg32::seed_from_u64(args.emulated.seed);
    let mut robot = Lockstep::start(
        &args.emulated.board,
        &args.emulated.image,
        args.emulated.seed,
    )?;
    robot.run(600)?;
    robot.balance()?;
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    for _ in 0..args.each {
        for fault in &chosen {
            robot.run(chance.random_range(200..700))?;
            // As many short ones as long ones.
            let (least, most) = (fault.lasts.start as f64, fault.lasts.end as f64);
            let lasts = (least.ln() + chance.random::<f64>() * (most / least).ln()).exp() as u64;
            let outcome = inject(&mut robot, fault, lasts, &mut chance)?;
            let row = rows.entry(fault.name).or_default();
            row.injections += 1;
            if let Some(why) = outcome.failed {
                row.failed += 1;
                println!("✗ {} for {lasts} ms at {} us: {why}", fault.name, robot.now);
            }
            if let Some(after) = outcome.off_after {
                row.off += 1;
                row.slowest = row.slowest.max(after);
                let (status, _) = robot.ask("status")?;
                let stop = status.split([' ', '(', ')']).nth(2).unwrap_or("?");
                *row.stops.entry(stop.to_owned()).or_default() += 1;
                recover(&mut robot)?;
            } else {
                row.upright += 1;
            }
        }
    }
    let seconds = robot.now as f64 * 1e-6;
    let summary = robot.quit()?;
    println!(
        "| fault | injections | stood | off | slowest off, ms | declared, ms | why so long | stops |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let mut good = true;
    for fault in &chosen {
        let Some(row) = rows.get(fault.name) else {
            continue;
        };
        good &= row.failed == 0;
        let stops: Vec<String> = row
            .stops
            .iter()
            .map(|(stop, n)| format!("{stop} {n}"))
            .collect();
        println!(
            "| {} | {} | {} | {} | {:.1} | {} | {} | {} |",
            fault.name,
            row.injections,
            row.upright,
            row.off,
            row.slowest,
            fault.declared,
            fault.because,
            stops.join(", ")
        );
    }
    let injections: u32 = rows.values().map(|row| row.injections).sum();
    let failed: u32 = rows.values().map(|row| row.failed).sum();
    println!(
        "{injections} injections in {seconds:.0} s, {failed} not borne, {} resets, seed {}",
        summary["resets"], args.emulated.seed
    );
    Ok(good)
}
