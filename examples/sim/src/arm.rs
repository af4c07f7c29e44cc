//! The shoulder of an arm: encoder, S-curve, position over speed, gravity fed forward, and what
//! switches off when the link does not follow.

use crate::machine::{Body, Conditions, Course, Event, Expect, Seen, Sensor};
use anyhow::Result;
use balance_core::control::cascade::{Cascade, CascadeConfig, CascadeInput};
use balance_core::control::pid::{PidConfig, PidInput};
use balance_core::control::profile::Goal;
use balance_core::control::profile::s_curve::{SCurve, SCurveConfig};
use balance_core::math::{Float, Real, Scalar};
use balance_core::model::{Joint, JointConfig, JointState};
use balance_core::motor::encoder::{PhaseLock, PhaseLockConfig};

/// Counts of the encoder per radian: 16,384 in a turn.
const COUNTS: f64 = 16_384.0 / std::f64::consts::TAU;
/// Length from the joint to the tip, m.
const REACH: f64 = 0.4;
/// Largest torque of the motor, N·m, and the time constant of its current loop, s.
const TORQUE: f64 = 12.0;
const CURRENT_LAG: f64 = 1e-3;
/// The joint's own limits, ahead of the stops at 80°, rad.
const LIMIT: f64 = 1.3;
/// Off the plan by more than this, rad, something is wrong.
const FOLLOWING: f64 = 0.15;
/// Milliseconds without a reading until it gives up.
const PATIENCE: u32 = 50;

const MOVE: Course = Course {
    start: -60.0,
    events: &[(0.5, Event::Goal(60.0))],
    expect: Expect::Reaches(1.5, 0.2),
    ..Course::PLAIN
};

/// What the arm goes through.
pub const COURSES: [Course; 10] = [
    Course {
        name: "arm_move",
        about: "from 60° below level to 60° above and back, along an S-curve",
        events: &[(0.5, Event::Goal(60.0)), (3.0, Event::Goal(-60.0))],
        seconds: 6.0,
        ..MOVE
    },
    Course {
        name: "arm_retarget",
        about: "the goal changes twice on the way",
        events: &[
            (0.5, Event::Goal(60.0)),
            (1.0, Event::Goal(-30.0)),
            (1.4, Event::Goal(20.0)),
        ],
        ..MOVE
    },
    Course {
        name: "arm_payload",
        about: "carries 0.3 kg that the feed-forward does not know of",
        payload: 0.3,
        expect: Expect::Reaches(6.0, 0.3),
        ..MOVE
    },
    Course {
        name: "arm_push",
        about: "pushed with 4 N·m for 0.2 s on the way and with −4 N·m at the goal",
        events: &[
            (0.5, Event::Goal(60.0)),
            (1.0, Event::Torque(4.0, 0.2)),
            (3.0, Event::Torque(-4.0, 0.2)),
        ],
        expect: Expect::Reaches(6.0, 0.3),
        ..MOVE
    },
    Course {
        name: "arm_beyond_its_stop",
        about: "asked to go to 140°, beyond the stop: stays at its own limit",
        events: &[(0.5, Event::Goal(140.0))],
        ..MOVE
    },
    Course {
        name: "arm_blocked",
        about: "something is in the way at 17°: off, without pressing on",
        obstacle: Some(17.0),
        expect: Expect::Off(&["following_error"], 2.0),
        ..MOVE
    },
    Course {
        name: "arm_nan",
        about: "the goal is NaN and infinite for a second",
        events: &[
            (0.5, Event::Goal(60.0)),
            (0.8, Event::Goal(f64::NAN)),
            (1.3, Event::Goal(f64::INFINITY)),
            (1.8, Event::Goal(30.0)),
        ],
        ..MOVE
    },
    Course {
        name: "arm_encoder_dropout",
        about: "the encoder does not answer for 20 ms at full speed",
        events: &[(0.5, Event::Goal(60.0)), (1.1, Event::Silent(0.02))],
        ..MOVE
    },
    Course {
        name: "arm_encoder_dead",
        about: "the encoder does not answer any more: off",
        events: &[(1.0, Event::Silent(1e9))],
        expect: Expect::Off(&["sensor_stale"], 0.06),
        ..MOVE
    },
    Course {
        name: "arm_encoder_frozen",
        about: "the encoder repeats its last reading on the way: off before the arm races",
        events: &[(0.0, Event::Goal(60.0)), (0.6, Event::Frozen)],
        expect: Expect::Off(&["following_error"], 0.75),
        ..MOVE
    },
];

/// Where the arm goes when asked for an angle; other machines go there.
pub fn within_limits(machine: &str, goal: f64) -> f64 {
    if machine == "arm" {
        goal.clamp(-LIMIT, LIMIT)
    } else {
        goal
    }
}

/// The controller, composed of the library's blocks.
struct Brain<T: Real> {
    profile: SCurve<T>,
    control: Cascade<T>,
    encoder: PhaseLock<T>,
    /// What the builder has measured.
    first_moment: T,
    inertia: T,
    goal: T,
    silent: u32,
    stop: Option<&'static str>,
}

impl<T: Real> Brain<T> {
    fn new(model: &JointConfig<f64>, angle: f64) -> Result<Self> {
        let p = T::Param::lit;
        let dt = p(1e-3);
        let bandwidth = 60.0;
        let mut profile = SCurveConfig {
            speed: p(2.5),
            acceleration: p(10.0),
            jerk: p(100.0),
        }
        .build::<T>(dt)?;
        profile.reset_to(T::lit(angle));
        let mut encoder = PhaseLockConfig {
            bandwidth: p(300.0),
            max_speed: p(30.0),
        }
        .build::<T>(dt)?;
        encoder.reset_to(T::lit(angle), T::zero());
        let kp = model.inertia * bandwidth;
        let control = CascadeConfig {
            outer: PidConfig {
                kp: p(15.0),
                output_min: p(-5.0),
                output_max: p(5.0),
                ..PidConfig::default()
            },
            inner: PidConfig {
                kp: p(kp),
                ki: p(kp * 15.0),
                output_min: p(-TORQUE),
                output_max: p(TORQUE),
                ..PidConfig::default()
            },
            outer_every: 1,
        }
        .build::<T>(dt)?;
        Ok(Self {
            profile,
            control,
            encoder,
            first_moment: T::lit(model.first_moment * balance_core::sensor::STANDARD_GRAVITY),
            inertia: T::lit(model.inertia),
            goal: T::lit(angle),
            silent: 0,
            stop: None,
        })
    }

    /// Torque for the next millisecond, N·m.
    fn tick(&mut self, counts: Option<i32>, goal: T) -> T {
        let seen = match counts {
            Some(counts) => {
                self.silent = 0;
                self.encoder.step(T::lit(f64::from(counts) / COUNTS))
            }
            None => {
                self.silent += 1;
                self.encoder.coast()
            }
        };
        let limit = T::lit(LIMIT);
        // Nobody means more than half a turn.
        if goal.is_usable() && goal.magnitude() < T::PI {
            self.goal = goal.limit(-limit, limit);
        }
        let plan = self.profile.step(Goal::rest(self.goal));
        let off = plan.position - seen.angle;
        if self.silent > PATIENCE {
            self.stop.get_or_insert("sensor_stale");
        } else if off.magnitude() > T::lit(FOLLOWING) {
            self.stop.get_or_insert("following_error");
        }
        if self.stop.is_some() {
            self.control.reset();
            return T::zero();
        }
        let (_, cosine) = plan.position.sin_cos();
        let torque = self.first_moment * cosine + self.inertia * plan.acceleration;
        let answer = self.control.step_with(&CascadeInput {
            outer: PidInput::new(plan.position, seen.angle).with_feedforward(plan.speed),
            inner: PidInput::new(T::zero(), seen.speed).with_feedforward(torque),
        });
        answer.inner.total
    }
}

/// The arm: joint, motor, encoder and brain.
pub struct Arm<T: Real> {
    brain: Brain<T>,
    joint: Joint<f64>,
    state: JointState<f64>,
    torque: f64,
    energy: f64,
    counts: i32,
}

impl<T: Real> Arm<T> {
    /// At rest where the course begins.
    pub fn new(course: &Course) -> Result<Self> {
        let known = JointConfig::<f64>::default();
        let start = course.start.to_radians();
        let joint = JointConfig {
            inertia: known.inertia + course.payload * REACH * REACH,
            first_moment: known.first_moment + course.payload * REACH,
            stop_high: course.obstacle.map_or(known.stop_high, f64::to_radians),
            ..known
        }
        .build()?;
        Ok(Self {
            brain: Brain::new(&known, start)?,
            joint,
            state: JointState {
                angle: start,
                speed: 0.0,
            },
            torque: joint.gravity_torque(start),
            energy: 0.0,
            counts: (start * COUNTS).floor() as i32,
        })
    }
}

impl<T: Real> Body for Arm<T> {
    fn tick(&mut self, conditions: &Conditions) -> Seen {
        if conditions.sensor != Sensor::Frozen {
            self.counts = (self.state.angle * COUNTS).floor() as i32;
        }
        let counts = (conditions.sensor != Sensor::Silent).then_some(self.counts);
        let goal = T::from_param(T::Param::lit(conditions.goal));
        let wanted = self.brain.tick(counts, goal).to_param().to_f64();
        let stopped = self.brain.stop.is_some();
        let dt = 1e-4;
        for _ in 0..10 {
            self.torque += dt / CURRENT_LAG * (wanted.clamp(-TORQUE, TORQUE) - self.torque);
            // Without current the shorted motor brakes.
            let brake = if stopped {
                -20.0 * self.state.speed
            } else {
                0.0
            };
            let load = conditions.torque + brake;
            self.joint.step(&mut self.state, self.torque, load, dt);
            self.energy += (self.torque * self.state.speed).max(0.0) * dt;
        }
        let plan = self.brain.profile.motion().position.to_param().to_f64();
        let number = |x: T| x.to_param().to_f64();
        Seen {
            angle: self.state.angle,
            estimate: number(self.brain.encoder.output().angle),
            deviation: self.state.angle - plan,
            position: REACH * self.state.angle.sin(),
            duty: [wanted / TORQUE, 0.0],
            voltage: 24.0,
            energy: self.energy,
            stop: self.brain.stop,
        }
    }

    fn drift(&self, _: &Seen, error: f64) -> f64 {
        REACH * error
    }
}
