//! A prompt under a flood of noise, on an emulated board that balances: does a tick come late, is an
//! answer late, does the robot fall?

use crate::cli::FloodArgs;
use crate::lockstep::Lockstep;
use anyhow::{Context, Result};
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg32;
use serde_json::Value;

/// Milliseconds of each kind of noise, before the prompt is asked something.
const SEGMENT: u64 = 500;
/// Seconds without noise, to compare with.
const QUIET: u64 = 5;
/// Bytes that a line of 460800 baud carries in a millisecond, and one.
const BYTES: usize = 47;
/// An answer must be whole within so many ms.
const ANSWER: f64 = 50.0;
/// The largest lean of a robot that nobody touches, rad.
const LEAN: f64 = 0.1;

#[derive(Clone, Copy, Debug)]
enum Noise {
    Binary,
    Words,
    LongLines,
    LineEnds,
    Escapes,
    Frames,
}

const KINDS: [Noise; 6] = [
    Noise::Binary,
    Noise::Words,
    Noise::LongLines,
    Noise::LineEnds,
    Noise::Escapes,
    Noise::Frames,
];

impl Noise {
    fn fill(self, bytes: &mut Vec<u8>, length: usize, chance: &mut Pcg32) {
        bytes.clear();
        while bytes.len() < length {
            match self {
                Self::Binary => bytes.push(chance.random()),
                Self::Words => {
                    let word: Vec<u8> = (0..chance.random_range(1..12))
                        .map(|_| chance.random_range(b'a'..=b'z'))
                        .collect();
                    bytes.extend(word);
                    bytes.push([b' ', b'\r', b'='][chance.random_range(0..3)]);
                }
                // Orders that are none: the line is too long for a command.
                Self::LongLines => {
                    bytes.extend(b"disarm ".repeat(chance.random_range(20..80)));
                    bytes.push(b'\r');
                }
                Self::LineEnds => bytes.push([b'\r', b'\n'][chance.random_range(0..2)]),
                Self::Escapes => {
                    bytes.extend([0x1b, b'[', chance.random_range(b'A'..=b'D')]);
                    bytes.push([b'\t', 8, 127, b'x'][chance.random_range(0..4)]);
                }
                Self::Frames => bytes.extend([0, chance.random(), 1, 2, 0]),
            }
        }
    }
}

fn number(value: &Value, pointer: &str) -> f64 {
    value
        .pointer(pointer)
        .and_then(Value::as_f64)
        .unwrap_or(f64::NAN)
}

fn describe(name: &str, statistics: &Value) {
    println!(
        "{name:7} {:7.0} ticks, {} missed; tick {:.0} cycles, at most {:.0}; \
         period {:.1} to {:.1} us; late by at most {:.1} us",
        number(statistics, "/ticks/count"),
        number(statistics, "/missed"),
        number(statistics, "/ticks/mean"),
        number(statistics, "/ticks/max"),
        number(statistics, "/period_ns/min") / 1e3,
        number(statistics, "/period_ns/max") / 1e3,
        number(statistics, "/lateness_ns/max") / 1e3,
    );
}

/// Floods; whether nothing came of it.
pub fn flood(args: &FloodArgs) -> Result<bool> {
    let mut robot = Lockstep::start(
        &args.emulated.board,
        &args.emulated.image,
        args.emulated.seed,
    )?;
    robot.run(600)?;
    robot.balance()?;
    // It sways a little from being let go.
    robot.run(2000)?;
    robot.ask("timing clear")?;
    robot.statistics()?;
    let mut leans = [0.0_f64; 2];
    for _ in 0..QUIET * 1000 {
        robot.run(1)?;
        leans[0] = leans[0].max(robot.pitch().abs());
    }
    let asked_quietly = robot.probe()?;
    let quiet = robot.statistics()?;
    describe("quiet", &quiet);

    let mut chance = Pcg32::seed_from_u64(args.emulated.seed);
    let mut bytes = Vec::new();
    let (mut sent, mut heard, mut slowest) = (0, 0, 0.0_f64);
    let end = robot.now + (args.seconds * 1e6) as u64;
    let mut kinds = KINDS.iter().cycle();
    while robot.now < end
        && let Some(kind) = kinds.next()
    {
        for _ in 0..SEGMENT {
            kind.fill(&mut bytes, BYTES, &mut chance);
            let (told, _, waiting) = robot.hear()?;
            heard += told.len();
            // The line is never idle, and never far behind.
            if waiting < 2 * BYTES {
                robot.talk(&bytes)?;
                sent += bytes.len();
            }
            robot.run(1)?;
            leans[1] = leans[1].max(robot.pitch().abs());
        }
        while robot.hear()?.2 > 0 {
            robot.run(1)?;
        }
        slowest = slowest.max(robot.probe().with_context(|| format!("after {kind:?}"))?);
    }
    let flooded = robot.statistics()?;
    describe("flooded", &flooded);
    let (timing, _) = robot.ask("timing")?;
    println!("{timing}");
    let added = number(&flooded, "/lateness_ns/max") - number(&quiet, "/lateness_ns/max");
    println!(
        "{sent} bytes of noise and {heard} of answers in {} s; a tick comes later by at most {:.1} us; \
         an answer is whole after {asked_quietly:.1} ms without noise, {slowest:.1} ms right after it; \
         leant by {:.2} deg, {:.2} deg without",
        args.seconds,
        added / 1e3,
        leans[1].to_degrees(),
        leans[0].to_degrees(),
    );
    let summary = robot.quit()?;
    let mut good = true;
    let mut check = |holds: bool, what: &str| {
        if !holds {
            eprintln!("✗ {what}");
            good = false;
        }
    };
    check(number(&flooded, "/missed") == 0.0, "a tick was missed");
    check(
        timing.ends_with(", 0 missed"),
        "the robot itself counts missed ticks",
    );
    check(
        number(&flooded, "/ticks/count") >= args.seconds * 1000.0,
        "there were too few ticks",
    );
    check(slowest <= ANSWER, "an answer came late");
    check(leans[1] < LEAN, "the robot swayed");
    check(
        number(&summary, "/resets") == 0.0 && summary["halted"].is_null(),
        "the board was reset, or stopped",
    );
    check(sent as f64 > args.seconds * 40_000.0, "that was no flood");
    Ok(good)
}
