//! Machines that do not balance on wheels, each with courses of its own: what happens to them, and
//! who judges. One angle is controlled; bodies and brains are in [`arm`](crate::arm) and
//! [`quad`](crate::quad).

use crate::result::{RunResult, Trace};
use crate::run::RunSpec;
use crate::{arm, quad};
use anyhow::{Result, anyhow};
use balance_core::math::Q16;

/// Something that happens at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// Another angle is asked for, degrees.
    Goal(f64),
    /// A torque acts from outside (N·m) for so many seconds.
    Torque(f64, f64),
    /// The sensor does not answer for so many seconds.
    Silent(f64),
    /// The sensor repeats its last reading for ever.
    Frozen,
    /// The battery's voltage falls by this much a second (V).
    Sag(f64),
    /// The frame vibrates with this rate, rad/s.
    Vibration(f64),
}

/// What is expected at the end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expect {
    /// Never further off (degrees), and settled within so many degrees at the end.
    Reaches(f64, f64),
    /// Off for one of these reasons, at the latest so many seconds after the first event.
    Off(&'static [&'static str], f64),
}

/// What one machine goes through.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// Name on the command line.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// Angle at the start, degrees.
    pub start: f64,
    /// Mass that nobody told the controller of, kg.
    pub payload: f64,
    /// Something in the way at this angle, degrees.
    pub obstacle: Option<f64>,
    /// What happens, by seconds.
    pub events: &'static [(f64, Event)],
    /// Seconds that it lasts.
    pub seconds: f64,
    /// What is expected.
    pub expect: Expect,
}

impl Course {
    /// From level, with nothing in the way.
    pub const PLAIN: Self = Self {
        name: "",
        about: "",
        start: 0.0,
        payload: 0.0,
        obstacle: None,
        events: &[],
        seconds: 4.0,
        expect: Expect::Reaches(45.0, 0.5),
    };
}

/// How the sensor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sensor {
    /// As ever.
    Good,
    /// No answer.
    Silent,
    /// The same answer.
    Frozen,
}

/// What a millisecond brings.
#[derive(Clone, Copy, Debug)]
pub struct Conditions {
    /// Angle asked for, rad.
    pub goal: f64,
    /// Torque from outside, N·m.
    pub torque: f64,
    /// How the sensor does.
    pub sensor: Sensor,
    /// Voltage that the battery has lost, V.
    pub sag: f64,
    /// Vibration, rad/s.
    pub vibration: f64,
}

/// What is seen after a millisecond.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// True angle, rad.
    pub angle: f64,
    /// Angle that the brain believes, rad.
    pub estimate: f64,
    /// What counts as the largest error, rad: off the planned way, or off level.
    pub deviation: f64,
    /// Way along the ground or of the tip, m.
    pub position: f64,
    /// Commands to the motors, −1 ..= 1.
    pub duty: [f64; 2],
    /// Battery, V.
    pub voltage: f64,
    /// Energy so far, J.
    pub energy: f64,
    /// Why the motors are off.
    pub stop: Option<&'static str>,
}

/// A body with its brain.
pub trait Body {
    /// Advances by a millisecond.
    fn tick(&mut self, conditions: &Conditions) -> Seen;
    /// How far the machine is from where it should be, m, when the angle is off by so much.
    fn drift(&self, seen: &Seen, error: f64) -> f64;
}

/// A machine on the command line.
struct Machine {
    name: &'static str,
    about: &'static str,
    courses: &'static [Course],
    controller: &'static str,
    estimator: &'static str,
}

const MACHINES: [Machine; 2] = [
    Machine {
        name: "arm",
        about: "shoulder of a table-top arm: S-curve, position cascade, gravity feed-forward",
        courses: &arm::COURSES,
        controller: "s_curve_cascade",
        estimator: "phase_lock",
    },
    Machine {
        name: "quad",
        about: "one axis of a five-inch quadrotor: attitude and rate loop, lagging motors",
        courses: &quad::COURSES,
        controller: "attitude_rate",
        estimator: "complementary",
    },
];

/// Every machine with what is to be said about it.
pub fn machines() -> Vec<(&'static str, &'static str)> {
    MACHINES.iter().map(|m| (m.name, m.about)).collect()
}

/// Names of all machines.
pub fn names() -> Vec<&'static str> {
    MACHINES.iter().map(|machine| machine.name).collect()
}

/// Every course: machine, name, one line about it.
pub fn courses() -> impl Iterator<Item = (&'static str, &'static Course)> {
    let each = |machine: &'static Machine| machine.courses.iter().map(|c| (machine.name, c));
    MACHINES.iter().flat_map(each)
}

/// Runs a machine through one of its courses.
pub fn run(spec: &RunSpec) -> Result<RunResult> {
    let course = courses()
        .find(|(machine, course)| *machine == spec.robot && course.name == spec.scenario)
        .ok_or_else(|| anyhow!("no such course"))?
        .1;
    let machine = MACHINES
        .iter()
        .find(|machine| machine.name == spec.robot)
        .ok_or_else(|| anyhow!("no such machine"))?;
    let mut body: Box<dyn Body> = match (machine.name, spec.scalar.as_str()) {
        ("arm", "f32") => Box::new(arm::Arm::<f32>::new(course)?),
        ("arm", "f64") => Box::new(arm::Arm::<f64>::new(course)?),
        ("arm", _) => Box::new(arm::Arm::<Q16>::new(course)?),
        (_, "f32") => Box::new(quad::Quad::<f32>::new(course, spec.seed)?),
        (_, "f64") => Box::new(quad::Quad::<f64>::new(course, spec.seed)?),
        _ => Box::new(quad::Quad::<Q16>::new(course, spec.seed)?),
    };
    Ok(judge(spec, machine, course, body.as_mut()))
}

/// Angle within which it counts as settled, rad.
const CALM: f64 = 0.0175;

fn judge(spec: &RunSpec, machine: &Machine, course: &Course, body: &mut dyn Body) -> RunResult {
    let mut now = Conditions {
        goal: course.start.to_radians(),
        torque: 0.0,
        sensor: Sensor::Good,
        sag: 0.0,
        vibration: 0.0,
    };
    let (mut goal, mut sag) = (now.goal, 0.0);
    let (mut torque_until, mut silent_until, mut last_event) = (0.0_f64, 0.0_f64, 0.0_f64);
    let (mut last_wild, mut worst, mut off_at) = (0.0_f64, 0.0_f64, None);
    let (mut sane, mut faults, mut trace) = (true, Vec::new(), Trace::default());
    let mut events = course.events.iter().peekable();
    let mut seen = Seen::default();
    for tick in 0..(course.seconds * 1000.0) as u32 {
        let time = f64::from(tick) * 1e-3;
        while let Some((_, event)) = events.next_if(|(at, _)| *at <= time) {
            let what = format!("{event:?}");
            trace.events.push((time, what.clone()));
            faults.push(what);
            last_event = last_event.max(time);
            match *event {
                Event::Goal(degrees) => {
                    now.goal = degrees.to_radians();
                    if now.goal.is_finite() {
                        goal = now.goal;
                    }
                }
                Event::Torque(torque, seconds) => {
                    now.torque = torque;
                    torque_until = time + seconds;
                    last_event = last_event.max(torque_until);
                }
                Event::Silent(seconds) => {
                    silent_until = time + seconds;
                    last_event = last_event.max(silent_until.min(course.seconds));
                }
                Event::Frozen => now.sensor = Sensor::Frozen,
                Event::Sag(volts) => sag = volts,
                Event::Vibration(rate) => now.vibration = rate,
            }
        }
        if time >= torque_until {
            now.torque = 0.0;
        }
        if now.sensor != Sensor::Frozen {
            now.sensor = if time < silent_until {
                Sensor::Silent
            } else {
                Sensor::Good
            };
        }
        now.sag += sag * 1e-3;
        seen = body.tick(&now);
        sane &= seen.estimate.is_finite() && seen.duty.iter().all(|duty| duty.abs() <= 1.0);
        if seen.stop.is_none() {
            worst = worst.max(seen.deviation.abs());
        } else {
            off_at.get_or_insert(time);
        }
        if (seen.angle - arm::within_limits(machine.name, goal)).abs() > CALM {
            last_wild = time;
        }
        if tick % 5 == 0 {
            sample(&mut trace, time, &seen);
        }
    }
    let error = seen.angle - arm::within_limits(machine.name, goal);
    let first_event = course.events.first().map_or(0.0, |(time, _)| *time);
    let verdict = match course.expect {
        _ if !sane => Err("a command or an estimate was not a number, or beyond 1".to_owned()),
        Expect::Reaches(most, close) => {
            let (worst, error) = (worst.to_degrees(), error.to_degrees().abs());
            match (off_at, seen.stop) {
                (Some(time), Some(why)) => Err(format!("off at {time:.2} s: {why}")),
                _ if worst > most => Err(format!("off by {worst:.1}°, more than {most}°")),
                _ if error > close => Err(format!("ended {error:.2}° off, more than {close}°")),
                _ if course.seconds - last_wild < 0.5 => {
                    Err(format!("restless until {last_wild:.2} s"))
                }
                _ => Ok(format!("at most {worst:.1}° off, {error:.2}° at the end")),
            }
        }
        Expect::Off(reasons, within) => match (off_at, seen.stop) {
            (Some(time), Some(why)) if !reasons.contains(&why) => Err(format!(
                "off at {time:.2} s for {why}, expected {reasons:?}"
            )),
            (Some(time), Some(why)) if time >= first_event && time - first_event <= within => {
                Ok(format!("off for {why} after {:.3} s", time - first_event))
            }
            (Some(time), _) => Err(format!("off at {time:.2} s, expected within {within} s")),
            _ => Err(format!("still on; expected off for {reasons:?}")),
        },
    };
    let pass = verdict.is_ok();
    faults.extend(seen.stop.map(|stop| format!("stop: {stop}")));
    let (Ok(reason) | Err(reason)) = verdict;
    let reaches = matches!(course.expect, Expect::Reaches(..));
    RunResult {
        scenario: spec.scenario.clone(),
        robot: spec.robot.clone(),
        controller: machine.controller.to_owned(),
        estimator: machine.estimator.to_owned(),
        scalar: spec.scalar.clone(),
        seed: spec.seed,
        pass,
        reason,
        settle_time_s: (pass && reaches).then_some((last_wild - last_event).max(0.0)),
        max_tilt_deg: worst.to_degrees(),
        position_drift_m: body.drift(&seen, error),
        energy_j: seen.energy,
        faults_seen: faults,
        deadline_misses: 0,
        final_state: if seen.stop.is_some() { "off" } else { "on" }.to_owned(),
        trace,
    }
}

fn sample(trace: &mut Trace, time: f64, seen: &Seen) {
    trace.time_s.push(time);
    trace.tilt_deg.push(seen.angle.to_degrees());
    trace.tilt_estimate_deg.push(seen.estimate.to_degrees());
    trace.position_m.push(seen.position);
    trace.duty_left.push(seen.duty[0]);
    trace.duty_right.push(seen.duty[1]);
    trace.battery_v.push(seen.voltage);
}
