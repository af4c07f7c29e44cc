//! A population of robots, each of which finds its own gains while it balances.

use crate::cli::AutotuneArgs;
use crate::robots::{self, Robot};
use crate::run::{self, Session};
use crate::scenario::{Event, Expect, Scenario};
use crate::{in_parallel, margins, population, table};
use anyhow::{Result, ensure};
use balance_core::math::{Q12, Real};
use balance_core::robot::{AutotuneConfig, AutotuneStatus, BalanceConfig, RobotConfig};
use std::io::{self, Write};

/// Gains are found and taken, then two pushes.
static TUNING: Scenario = Scenario {
    name: "autotune",
    about: "finds its own gains, takes them, proves them, and is pushed",
    start_pitch: 3.0,
    slope: 0.0,
    payload: 0.0,
    jitter: 0.0,
    events: &[
        (90.0, Event::Push(0.15, 0.1)),
        (93.0, Event::Push(-0.15, 0.1)),
    ],
    seconds: 96.0,
    expect: Expect::Upright(90.0, 10.0),
};

/// How often a robot tries at most; with softer gains if its own keep it on the edge.
const TRIES: u32 = 4;

/// What became of a robot.
#[derive(Clone, Debug, serde::Serialize)]
struct Fate {
    number: u64,
    robot: &'static str,
    /// Whether it fell, with the old gains or the new.
    fell: bool,
    /// `tuned`, or why it kept what it had.
    outcome: String,
    /// Why its own model was not believed and the measured one stood; none if it was.
    doubt: Option<String>,
    /// Tries that it took.
    tries: u32,
    /// Largest tilt up to the pushes, degrees.
    shaken_to_deg: f64,
    /// Margins of what it stood with at first, on what the robot really is: dB and degrees.
    before: [f64; 2],
    /// Those that it stands with in the end.
    after: [f64; 2],
    /// Those of the gains that it tried.
    trial: [f64; 2],
    /// Those that it promised itself.
    promised: [f64; 2],
}

impl Fate {
    /// Stands, with at least 6 dB and 30°.
    fn good(&self) -> bool {
        let [decibels, degrees] = self.after;
        !self.fell && decibels >= 6.0 && degrees >= 30.0
    }

    /// Has new gains.
    fn tuned(&self) -> bool {
        self.outcome == "tuned"
    }

    /// Ends with less of what is wanted, 6 dB and 30°, than it began with.
    fn worse(&self) -> bool {
        let share = |[decibels, degrees]: [f64; 2]| (decibels / 6.0).min(degrees / 30.0);
        share(self.after) < 0.999 * share(self.before)
    }
}

/// Tunes the population; whether none fell or got worse, and at least 99 of 100 are good.
pub fn autotune(args: &AutotuneArgs) -> Result<bool> {
    let numbers: Vec<u64> = (0..args.robots).collect();
    let threads = args.threads.map(usize::from);
    let fates = in_parallel(
        &numbers,
        threads,
        |number| format!("robot {number}"),
        |number| match args.scalar.as_str() {
            "f64" => fate::<f64>(args, *number),
            "fixed" => fate::<Q12>(args, *number),
            _ => fate::<f32>(args, *number),
        },
    )?;
    let fates = fates.into_iter().collect::<Result<Vec<_>>>()?;
    ensure!(!fates.is_empty(), "no robots");
    let mut out = io::stdout().lock();
    if args.json {
        for fate in &fates {
            writeln!(out, "{}", serde_json::to_string(fate)?)?;
        }
    } else {
        show(&fates, &mut out)?;
    }
    let good = fates.iter().filter(|fate| fate.good()).count();
    Ok(good * 100 >= fates.len() * 99 && fates.iter().all(|fate| !fate.fell && !fate.worse()))
}

fn fate<T: Real>(args: &AutotuneArgs, number: u64) -> Result<Fate> {
    let names: Vec<&'static str> = robots::geared()
        .into_iter()
        .filter(|name| args.robot.is_empty() || args.robot.iter().any(|chosen| chosen == name))
        .collect();
    let robot = population::robot(&names, number, args.seed, args.spread);
    let config = run::configure::<T::Param>(&robot, args.controller.as_deref(), None)?;
    let seed = population::noise(number, args.seed);
    let mut session: Session<T> = Session::new(&robot, &TUNING, &config, seed)?;
    let mut tuner = AutotuneConfig::default().build::<T>(&config, &robot.measured())?;
    let mut fate = Fate {
        number,
        robot: robot.name,
        fell: false,
        outcome: "unfinished".to_owned(),
        doubt: None,
        tries: 1,
        shaken_to_deg: 0.0,
        before: real_margins(&robot, &config, &config.balance),
        after: real_margins(&robot, &config, &config.balance),
        trial: [0.0; 2],
        promised: [0.0; 2],
    };
    let steps = Session::<T>::steps(&TUNING);
    let mut over = false;
    while session.goes_on() && !session.referee.has_seen_enough() {
        session.world.step(session.bridges, steps);
        let Some(outputs) = session.follow(steps) else {
            continue;
        };
        if session.world.released() && session.world.since_release < 89.9 {
            let tilt = session.world.plant.state.pitch.abs().to_degrees();
            fate.shaken_to_deg = fate.shaken_to_deg.max(tilt);
        }
        if over {
            continue;
        }
        match tuner.step(&mut session.brain, &outputs) {
            AutotuneStatus::Waiting
            | AutotuneStatus::Shaking
            | AutotuneStatus::Resting
            | AutotuneStatus::Proving => {}
            AutotuneStatus::Found(report) => {
                fate.doubt = report
                    .doubt
                    .map(|doubt| format!("{doubt:?}").to_lowercase());
                fate.promised = [report.after.gain_decibels(), report.after.phase_degrees()];
                fate.trial = real_margins(&robot, &config, &report.balance);
                tuner.accept(&mut session.brain)?;
            }
            AutotuneStatus::Done(report) => {
                over = true;
                fate.outcome = "tuned".to_owned();
                fate.after = real_margins(&robot, &config, &report.balance);
            }
            AutotuneStatus::Failed(failure) => {
                fate.outcome = format!("{failure:?}").to_lowercase();
                over = fate.tries == TRIES;
                if !over {
                    fate.tries += 1;
                    if tuner.is_on_edge() {
                        tuner.soften(&mut session.brain)?;
                        continue;
                    }
                    tuner = AutotuneConfig::default().build::<T>(&config, &robot.measured())?;
                }
            }
        }
    }
    fate.fell = !session.referee.survived(&session.world).0;
    Ok(fate)
}

fn real_margins<P: balance_core::math::Float>(
    robot: &Robot,
    config: &RobotConfig<P>,
    balance: &BalanceConfig<P>,
) -> [f64; 2] {
    margins::of(robot, config, balance).map_or([0.0; 2], |margins| {
        [margins.gain_decibels(), margins.phase_degrees()]
    })
}

fn show(fates: &[Fate], out: &mut impl Write) -> Result<()> {
    let mut table = table::new([
        "robot",
        "number",
        "fell",
        "stands, 6 dB, 30°",
        "by own model",
        "by measured",
        "old as good",
        "refused",
        "worse",
        "worst before",
        "worst after",
        "shaken to °",
    ]);
    let mut names = robots::geared();
    names.push("all");
    for name in names {
        let own: Vec<&Fate> = fates
            .iter()
            .filter(|fate| name == "all" || fate.robot == name)
            .collect();
        if own.is_empty() {
            continue;
        }
        let count = |wanted: fn(&Fate) -> bool| own.iter().filter(|fate| wanted(fate)).count();
        let worst = |figures: fn(&Fate) -> [f64; 2]| {
            let worst = own
                .iter()
                .map(|fate| figures(fate))
                .reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1])]);
            worst.map_or(String::new(), |[decibels, degrees]| {
                format!("{decibels:.1} dB, {degrees:.0}°")
            })
        };
        let good = count(Fate::good);
        let share = 100.0 * good as f64 / own.len() as f64;
        let tilt = own
            .iter()
            .map(|fate| fate.shaken_to_deg)
            .fold(0.0, f64::max);
        table.add_row([
            name.to_owned(),
            own.len().to_string(),
            count(|fate| fate.fell).to_string(),
            format!("{good} ({share:.1} %)"),
            count(|fate| fate.tuned() && fate.doubt.is_none()).to_string(),
            count(|fate| fate.tuned() && fate.doubt.is_some()).to_string(),
            count(|fate| fate.outcome == "nobetter").to_string(),
            count(|fate| !fate.tuned() && fate.outcome != "nobetter").to_string(),
            count(Fate::worse).to_string(),
            worst(|fate| fate.before),
            worst(|fate| fate.after),
            format!("{tilt:.1}"),
        ]);
    }
    writeln!(out, "{table}")?;
    for fate in fates.iter().filter(|fate| !fate.good()).take(20) {
        let [decibels, degrees] = fate.after;
        writeln!(
            out,
            "✗ {} {}: {}{}, {decibels:.1} dB and {degrees:.0}°",
            fate.robot,
            fate.number,
            if fate.fell { "fell, " } else { "" },
            fate.outcome
        )?;
    }
    Ok(())
}
