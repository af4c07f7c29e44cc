//! A population of robots, each a little different, through every scenario: who survives?

use crate::cli::MonteCarloArgs;
use crate::plant;
use crate::robots::{self, Robot};
use crate::run::{self, Session};
use crate::scenario::{self, Scenario};
use crate::{in_parallel, margins, population, table};
use anyhow::{Context, Result};
use balance_core::math::{Q12, Real};
use balance_core::robot::RobotConfig;
use cpu_time::ProcessTime;
use std::io::{self, BufWriter, Write};
use std::time::Instant;

/// Robots that are simulated side by side.
const SIDE_BY_SIDE: usize = 4;

/// Some robots under one controller.
struct Batch {
    controller: &'static str,
    numbers: Vec<u64>,
}

/// What became of a robot under a controller.
#[derive(Clone, Debug, serde::Serialize)]
struct Fate {
    number: u64,
    robot: &'static str,
    controller: &'static str,
    /// Scenarios in which it fell, or was not off in time.
    fell_in: Vec<&'static str>,
    /// Scenarios in which it did not do all that was asked for.
    failed: Vec<&'static str>,
    /// Smaller gain margin of its linear model, dB.
    gain_margin_db: f64,
    /// Phase margin of its linear model, degrees.
    phase_margin_deg: f64,
    #[serde(skip)]
    seconds: f64,
}

/// Runs the population and shows what became of it.
pub fn monte_carlo(args: &MonteCarloArgs) -> Result<()> {
    let scenarios = wanted(&args.scenario, &scenario::names());
    let controllers = wanted(&args.controller, &run::controllers());
    let (shard, shards) = args.shard;
    let numbers: Vec<u64> = (0..args.robots)
        .filter(|number| number % shards == shard - 1)
        .collect();
    let mut batches = Vec::new();
    for numbers in numbers.chunks(SIDE_BY_SIDE) {
        batches.extend(controllers.iter().map(|controller| Batch {
            controller,
            numbers: numbers.to_vec(),
        }));
    }
    let (start, busy) = (Instant::now(), ProcessTime::try_now().ok());
    let threads = args.threads.map(usize::from);
    let fates = in_parallel(
        &batches,
        threads,
        |batch| batch.controller.to_owned(),
        |batch| match args.scalar.as_str() {
            "f64" => fates::<f64>(args, batch, &scenarios),
            "fixed" => fates::<Q12>(args, batch, &scenarios),
            _ => fates::<f32>(args, batch, &scenarios),
        },
    )?;
    let fates: Vec<Fate> = fates.into_iter().collect::<Result<Vec<_>>>()?.concat();
    let wall = start.elapsed().as_secs_f64();
    let busy = busy.and_then(|busy| busy.try_elapsed().ok());
    let simulated: f64 = fates.iter().map(|fate| fate.seconds).sum();
    let mut out = BufWriter::new(io::stdout().lock());
    if args.json {
        for fate in &fates {
            serde_json::to_writer(&mut out, fate)?;
            writeln!(out)?;
        }
    } else {
        show(&fates, &controllers, &scenarios, &mut out)?;
    }
    out.flush()?;
    let speed = |seconds: f64| format!("{:.0} times real time", simulated / seconds);
    let per_core = busy.map(|busy| speed(busy.as_secs_f64()) + " for each core");
    eprintln!(
        "simulated {simulated:.0} s in {wall:.1} s: {}{}",
        speed(wall),
        per_core.map_or(String::new(), |speed| format!(", {speed}"))
    );
    Ok(())
}

fn wanted(chosen: &[String], all: &[&'static str]) -> Vec<&'static str> {
    let all = all.iter().copied();
    all.filter(|name| chosen.is_empty() || chosen.iter().any(|chosen| chosen == name))
        .collect()
}

fn fates<T: Real>(
    args: &MonteCarloArgs,
    batch: &Batch,
    scenarios: &[&'static str],
) -> Result<Vec<Fate>> {
    let names = wanted(&args.robot, &robots::geared());
    let robots: Vec<Robot> = batch
        .numbers
        .iter()
        .map(|number| population::robot(&names, *number, args.seed, args.spread))
        .collect();
    let mut fates = Vec::new();
    for (robot, number) in robots.iter().zip(&batch.numbers) {
        let config = run::configure::<f64>(robot, Some(batch.controller), None)?;
        let margins = margins::of(robot, &config, &config.balance);
        fates.push(Fate {
            number: *number,
            robot: robot.name,
            controller: batch.controller,
            fell_in: Vec::new(),
            failed: Vec::new(),
            gain_margin_db: margins.map_or(f64::NAN, |m| m.gain_decibels()),
            phase_margin_deg: margins.map_or(f64::NAN, |m| m.phase_degrees()),
            seconds: 0.0,
        });
    }
    let configs = robots
        .iter()
        .map(|robot| run::configure::<T::Param>(robot, Some(batch.controller), None))
        .collect::<Result<Vec<RobotConfig<T::Param>>, _>>()?;
    for name in scenarios {
        let scenario = scenario::find(name).context("no such scenario")?;
        let mut sessions = Vec::new();
        // A lane that nobody needs repeats the last robot, for the same way through the same code.
        for lane in 0..SIDE_BY_SIDE {
            let lane = lane.min(robots.len().saturating_sub(1));
            let (Some(robot), Some(config)) = (robots.get(lane), configs.get(lane)) else {
                return Ok(fates);
            };
            let number = batch.numbers.get(lane).copied().unwrap_or_default();
            let seed = population::noise(number, args.seed);
            let mut session = Session::<T>::new(robot, scenario, config, seed)?;
            session.mpc = run::model_predictive(robot, Some(batch.controller), config)?;
            sessions.push(session);
        }
        play(&mut sessions, scenario);
        for (fate, session) in fates.iter_mut().zip(&sessions) {
            let (survived, pass) = session.referee.survived(&session.world);
            if !survived {
                fate.fell_in.push(name);
            }
            if !pass {
                fate.failed.push(name);
            }
            fate.seconds += session.seconds();
        }
    }
    Ok(fates)
}

/// Plays a scenario with all robots at once, until each has its verdict.
fn play<T: Real>(sessions: &mut [Session<T>], scenario: &Scenario) {
    let steps = Session::<T>::steps(scenario);
    let Ok(sessions): Result<&mut [Session<T>; SIDE_BY_SIDE], _> = sessions.try_into() else {
        return;
    };
    loop {
        let on = sessions
            .each_ref()
            .map(|session| session.goes_on() && !session.referee.has_seen_enough());
        if !on.contains(&true) {
            return;
        }
        let bridges = sessions.each_ref().map(|session| session.bridges);
        for (session, on) in sessions.iter_mut().zip(on) {
            if on {
                session.world.before(steps);
            }
        }
        let plants = sessions.each_mut().map(|session| &mut session.world.plant);
        plant::advance(plants, bridges, steps);
        for (session, on) in sessions.iter_mut().zip(on) {
            if on {
                session.world.after(steps);
                session.follow(steps);
            }
        }
    }
}

fn show(
    fates: &[Fate],
    controllers: &[&'static str],
    scenarios: &[&'static str],
    out: &mut impl Write,
) -> Result<()> {
    let mut shares = table::new([
        "controller",
        "robots",
        "survive all",
        "pass all",
        "gain margin dB: worst, 5 %, median",
        "phase margin °: worst, 5 %, median",
    ]);
    for controller in controllers {
        let own: Vec<&Fate> = fates
            .iter()
            .filter(|fate| fate.controller == *controller)
            .collect();
        let share = |good: fn(&Fate) -> bool| {
            let count = own.iter().filter(|fate| good(fate)).count();
            format!("{:.2} %", 100.0 * count as f64 / own.len().max(1) as f64)
        };
        let spread = |figure: fn(&Fate) -> f64| {
            let mut figures: Vec<f64> = own.iter().map(|fate| figure(fate)).collect();
            figures.sort_by(f64::total_cmp);
            let at = |share: f64| {
                let index = (share * figures.len().saturating_sub(1) as f64).round() as usize;
                figures.get(index).copied().unwrap_or(f64::NAN)
            };
            format!("{:.1}, {:.1}, {:.1}", at(0.0), at(0.05), at(0.5))
        };
        shares.add_row([
            (*controller).to_owned(),
            own.len().to_string(),
            share(|fate| fate.fell_in.is_empty()),
            share(|fate| fate.failed.is_empty()),
            spread(|fate| fate.gain_margin_db),
            spread(|fate| fate.phase_margin_deg),
        ]);
    }
    writeln!(out, "{shares}")?;
    let mut falls = table::new(["scenario", "controller", "did not survive", "did not pass"]);
    let mut any = false;
    for scenario in scenarios {
        for controller in controllers {
            let own = fates.iter().filter(|fate| fate.controller == *controller);
            let count = |list: fn(&Fate) -> &[&'static str]| {
                own.clone()
                    .filter(|fate| list(fate).contains(scenario))
                    .count()
            };
            let (fell, failed) = (count(|fate| &fate.fell_in), count(|fate| &fate.failed));
            if failed > 0 {
                any = true;
                falls.add_row([
                    (*scenario).to_owned(),
                    (*controller).to_owned(),
                    fell.to_string(),
                    failed.to_string(),
                ]);
            }
        }
    }
    if any {
        writeln!(out, "\n{falls}")?;
    }
    Ok(())
}
