//! One axis of a quadrotor in flight: gyroscope, accelerometer, notch, attitude over rate, rotors
//! that lag, a battery that sags.

use crate::machine::{Body, Conditions, Course, Event, Expect, Seen, Sensor};
use anyhow::Result;
use balance_core::control::cascade::{Cascade, CascadeConfig, CascadeInput};
use balance_core::control::pid::{PidConfig, PidInput};
use balance_core::estimation::complementary::{Complementary, ComplementaryConfig};
use balance_core::math::{Float, Real, Scalar};
use balance_core::model::{QuadrotorAxis, QuadrotorAxisConfig, QuadrotorAxisState};
use balance_core::sensor::STANDARD_GRAVITY;
use balance_core::signal::biquad::{Biquad, BiquadConfig, BiquadKind};
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg32;

/// A count of the gyroscope (2000 °/s full scale), rad/s, and of the accelerometer (16 g), m/s².
const GYRO: f64 = 2000.0 / 32_768.0 * std::f64::consts::PI / 180.0;
const ACCEL: f64 = 16.0 * STANDARD_GRAVITY / 32_768.0;
/// Noise of a reading, rad/s and m/s²; what a calibration on the ground leaves of the bias, rad/s.
const GYRO_NOISE: f64 = 0.005;
const ACCEL_NOISE: f64 = 0.3;
const BIAS: f64 = 0.0003;
/// Hum of the rotors at hover, Hz and rad/s.
const HUM_HZ: f64 = 146.0;
const HUM: f64 = 0.3;
/// Drag of the air on the moving frame over its mass, 1/s.
const DRAG: f64 = 0.4;
/// Resistance of the battery, Ω, and power drawn per thrust to the power of 3/2, W.
const RESISTANCE: f64 = 0.02;
const POWER: f64 = 9.0;
/// Largest angle that may be asked for, and beyond which it is lost, rad.
const LIMIT: f64 = 0.7;
const LOST: f64 = 1.3;
/// Ticks without a reading, and with the same one, until it gives up.
const PATIENCE: u32 = 100;
const SAME: u32 = 25;

const FLIGHT: Course = Course {
    expect: Expect::Reaches(30.0, 1.0),
    ..Course::PLAIN
};

/// What the quadrotor goes through.
pub const COURSES: [Course; 10] = [
    Course {
        name: "quad_level",
        about: "released at a bank of 20°",
        start: 20.0,
        events: &[(0.0, Event::Goal(0.0))],
        ..FLIGHT
    },
    Course {
        name: "quad_bank",
        about: "banks by 25°, to the other side, and levels out",
        events: &[
            (0.5, Event::Goal(25.0)),
            (1.5, Event::Goal(-25.0)),
            (2.5, Event::Goal(0.0)),
        ],
        ..FLIGHT
    },
    Course {
        name: "quad_gust",
        about: "a gust of 0.3 N·m for 0.2 s",
        events: &[(1.0, Event::Torque(0.3, 0.2))],
        ..FLIGHT
    },
    Course {
        name: "quad_payload",
        about: "0.1 kg hangs at one arm: weight and inertia that nobody told it of",
        payload: 0.1,
        ..FLIGHT
    },
    Course {
        name: "quad_vibration",
        about: "a bent propeller shakes the gyroscope with 3 rad/s at the rotors' speed",
        events: &[
            (0.5, Event::Vibration(3.0)),
            (1.0, Event::Goal(15.0)),
            (2.0, Event::Goal(0.0)),
        ],
        ..FLIGHT
    },
    Course {
        name: "quad_sagging_battery",
        about: "the battery loses 0.8 V a second and the quadrotor banks on it",
        events: &[
            (0.5, Event::Sag(0.8)),
            (1.5, Event::Goal(20.0)),
            (2.5, Event::Goal(0.0)),
        ],
        ..FLIGHT
    },
    Course {
        name: "quad_nan",
        about: "the angle asked for is NaN and infinite for a second",
        events: &[
            (1.0, Event::Goal(f64::NAN)),
            (1.5, Event::Goal(f64::NEG_INFINITY)),
            (2.0, Event::Goal(0.0)),
        ],
        ..FLIGHT
    },
    Course {
        name: "quad_gyro_dropout",
        about: "the sensor does not answer for 20 ms while banking",
        events: &[
            (0.5, Event::Goal(25.0)),
            (0.55, Event::Silent(0.02)),
            (1.5, Event::Goal(0.0)),
        ],
        ..FLIGHT
    },
    Course {
        name: "quad_gyro_dead",
        about: "the sensor does not answer any more: off",
        events: &[(1.0, Event::Silent(1e9))],
        expect: Expect::Off(&["sensor_stale"], 0.11),
        ..FLIGHT
    },
    Course {
        name: "quad_gyro_frozen",
        about: "the sensor repeats its last reading for ever: off",
        events: &[(1.0, Event::Frozen)],
        expect: Expect::Off(&["sensor_frozen"], 0.03),
        ..FLIGHT
    },
];

/// Counts of a reading: rate, force sideways, force upward.
type Counts = [i16; 3];

/// The controller, composed of the library's blocks.
struct Brain<T: Real> {
    notch: Biquad<T>,
    lowpass: Biquad<T>,
    tilt: Complementary<T>,
    control: Cascade<T>,
    hover: T,
    nominal: T,
    goal: T,
    rate: T,
    last: Counts,
    silent: u32,
    same: u32,
    stop: Option<&'static str>,
}

impl<T: Real> Brain<T> {
    fn new(model: &QuadrotorAxis<f64>, angle: f64) -> Result<Self> {
        let p = T::Param::lit;
        let dt = p(1e-3);
        let linear = model.linearise();
        // Angular acceleration per throttle once the rotors have followed.
        let per_throttle = linear.b[2] * model.config().motor_time * linear.a[(1, 2)];
        let kp = 25.0 / per_throttle;
        let control = CascadeConfig {
            outer: PidConfig {
                kp: p(7.0),
                output_min: p(-6.0),
                output_max: p(6.0),
                ..PidConfig::default()
            },
            // The derivative makes up for the lag of the rotors.
            inner: PidConfig {
                kp: p(kp),
                ki: p(4.0 * kp),
                kd: p(kp * model.config().motor_time),
                derivative_cutoff_hz: Some(p(60.0)),
                output_min: p(-0.3),
                output_max: p(0.3),
                ..PidConfig::default()
            },
            outer_every: 1,
        }
        .build::<T>(dt)?;
        let filter = |kind, hz: f64, q: f64| {
            BiquadConfig {
                kind,
                frequency_hz: p(hz),
                q: p(q),
                ..BiquadConfig::default()
            }
            .build::<T>(dt)
        };
        Ok(Self {
            notch: filter(BiquadKind::Notch, HUM_HZ, 2.0)?,
            lowpass: filter(BiquadKind::Low, 120.0, 0.707)?,
            // A quadrotor feels no gravity sideways but what the drag lets through: the
            // accelerometer may only say something in the long run.
            tilt: ComplementaryConfig {
                time_constant: p(20.0),
            }
            .build::<T>(dt)?,
            control,
            hover: T::lit(linear.throttle),
            nominal: T::lit(model.config().nominal_voltage),
            goal: T::lit(angle),
            rate: T::zero(),
            last: [0; 3],
            silent: 0,
            same: 0,
            stop: None,
        })
    }

    /// Throttles of left and right for the next millisecond.
    fn tick(&mut self, counts: Option<Counts>, voltage: T, goal: T) -> [T; 2] {
        let accel = match counts {
            Some(counts) => {
                self.silent = 0;
                self.same = if counts == self.last {
                    self.same + 1
                } else {
                    0
                };
                self.last = counts;
                let rate = T::lit(f64::from(counts[0]) * GYRO);
                self.rate = self.lowpass.step(self.notch.step(rate));
                let [side, up] = [counts[1], counts[2]].map(|c| T::lit(f64::from(c) * ACCEL));
                Some(side.atan2(up))
            }
            None => {
                self.silent += 1;
                None
            }
        };
        let tilt = self.tilt.step(self.rate, accel);
        if self.silent > PATIENCE {
            self.stop.get_or_insert("sensor_stale");
        } else if self.same > SAME {
            self.stop.get_or_insert("sensor_frozen");
        } else if tilt.angle.magnitude() > T::lit(LOST) {
            self.stop.get_or_insert("tilt");
        }
        if self.stop.is_some() {
            return [T::zero(); 2];
        }
        // Nobody means more than half a turn.
        if goal.is_usable() && goal.magnitude() < T::PI {
            self.goal = goal.limit(T::lit(-LIMIT), T::lit(LIMIT));
        }
        let out = self.control.step_with(&CascadeInput {
            outer: PidInput::new(self.goal, tilt.angle),
            inner: PidInput::new(T::zero(), self.rate),
        });
        // Thrust grows with the square of the throttle and of the voltage.
        let half = self.hover * self.hover;
        let differ = self.hover * out.inner.total * T::lit(2.0);
        let share = self.nominal / voltage;
        [half + differ, half - differ].map(|square| {
            let throttle = square.limit(T::zero(), T::one()).sqrt() * share;
            throttle.limit(T::lit(0.03), T::one())
        })
    }
}

/// The quadrotor: frame, rotors, battery, sensors and brain.
pub struct Quad<T: Real> {
    brain: Brain<T>,
    axis: QuadrotorAxis<f64>,
    state: QuadrotorAxisState<f64>,
    /// Torque of what hangs at an arm when level, N·m.
    hanging: f64,
    sideways: [f64; 2],
    voltage: f64,
    energy: f64,
    time: f64,
    noise: Pcg32,
    last: Counts,
}

impl<T: Real> Quad<T> {
    /// Hovering where the course begins.
    pub fn new(course: &Course, seed: u64) -> Result<Self> {
        let known = QuadrotorAxisConfig::<f64>::default();
        let model = known.build()?;
        let axis = QuadrotorAxisConfig {
            mass: known.mass + course.payload,
            inertia: known.inertia + course.payload * known.lever * known.lever,
            ..known
        }
        .build()?;
        let angle = course.start.to_radians();
        let mut brain = Brain::new(&model, angle)?;
        // It knows how it stood on the ground.
        brain.tilt.step(T::zero(), Some(T::lit(angle)));
        Ok(Self {
            brain,
            axis,
            state: QuadrotorAxisState {
                angle,
                ..axis.hovering()
            },
            hanging: course.payload * STANDARD_GRAVITY * known.lever,
            sideways: [0.0; 2],
            voltage: known.nominal_voltage,
            energy: 0.0,
            time: 0.0,
            noise: Pcg32::seed_from_u64(seed),
            last: [0; 3],
        })
    }

    fn read(&mut self, vibration: f64) -> Counts {
        let noise = &mut self.noise;
        let mut random = || -> f64 { StandardNormal.sample(noise) };
        let hum = (std::f64::consts::TAU * HUM_HZ * self.time).sin() * (HUM + vibration);
        let rate = self.state.rate + BIAS + hum + GYRO_NOISE * random();
        let drag = DRAG * self.sideways[1] * self.state.angle.cos();
        let side = drag + ACCEL_NOISE * random();
        let up = self.axis.thrust(&self.state) / self.axis.config().mass + ACCEL_NOISE * random();
        let count = |value: f64, unit: f64| (value / unit).round() as i16;
        [count(rate, GYRO), count(side, ACCEL), count(up, ACCEL)]
    }
}

impl<T: Real> Body for Quad<T> {
    fn tick(&mut self, conditions: &Conditions) -> Seen {
        if conditions.sensor != Sensor::Frozen {
            self.last = self.read(conditions.vibration);
        }
        let counts = (conditions.sensor != Sensor::Silent).then_some(self.last);
        let lit = |x: f64| T::from_param(T::Param::lit(x));
        let throttle = self
            .brain
            .tick(counts, lit(self.voltage), lit(conditions.goal))
            .map(|x| x.to_param().to_f64());
        let dt = 2.5e-4;
        for _ in 0..4 {
            let thrust = self.axis.thrust(&self.state);
            let power = POWER * thrust.powf(1.5);
            let source = self.axis.config().nominal_voltage + 0.2 - conditions.sag;
            self.voltage = source - RESISTANCE * power / self.voltage;
            self.energy += power * dt;
            let load = conditions.torque + self.hanging * self.state.angle.cos();
            self.axis
                .step(&mut self.state, throttle, self.voltage, load, dt);
            // The pilot keeps the height; what leans moves.
            let [way, speed] = &mut self.sideways;
            *speed +=
                (STANDARD_GRAVITY * self.state.angle.clamp(-1.0, 1.0).tan() - DRAG * *speed) * dt;
            *way += *speed * dt;
            self.time += dt;
        }
        let tilt = self.brain.tilt.state();
        Seen {
            angle: self.state.angle,
            estimate: T::narrow(tilt.angle).to_param().to_f64(),
            deviation: self.state.angle,
            position: self.sideways[0],
            duty: throttle,
            voltage: self.voltage,
            energy: self.energy,
            stop: self.brain.stop,
        }
    }

    fn drift(&self, seen: &Seen, _: f64) -> f64 {
        seen.position
    }
}
