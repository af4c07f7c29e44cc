//! One robot in one scenario: plant, sensors and what happens, without the robot's brain. The
//! brain is `Robot::tick` on the host or a firmware image on an emulated board.

use crate::plant::{Bridge, Plant};
use crate::robots::Robot;
use crate::scenario::{Event, Scenario};
use crate::sensors::{Encoder, Imu, ImuParameters};
use crate::steppers::Steppers;
use balance_core::model::HybridStepperConfig;
use balance_core::platform::read_wheels;
use balance_core::sensor::{ImuCounts, ImuScale};
use balance_core::time::Instant;
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg32;

/// What the platform would have read.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// The inertial sensor; `None` when the bus failed.
    pub imu: Option<ImuCounts>,
    /// Encoder counts, left and right.
    pub encoders: [i32; 2],
    /// Battery, mV.
    pub battery_millivolts: u16,
}

/// Plant, sensors and scenario.
pub struct World {
    /// The robot's body.
    pub plant: Plant,
    /// The command in force: speed and yaw rate.
    pub command: [f64; 2],
    /// Where the robot ought to be, m: the integral of the speed asked for.
    pub goal: f64,
    /// Seconds since the robot was released; negative before.
    pub since_release: f64,
    /// Things that happened since they were last taken.
    pub happened: Vec<String>,
    /// A stall that the loop has to suffer, ms.
    pub stall: u32,
    scenario: &'static Scenario,
    imu: Imu,
    encoders: [Encoder; 2],
    weight: f64,
    chance: Pcg32,
    next_event: usize,
    push_until: f64,
    bus_down_until: f64,
    flaky: f64,
    garbage: bool,
    frozen: Option<ImuCounts>,
    last: ImuCounts,
    sag: f64,
    readings: u32,
    steps: u32,
}

impl World {
    /// The robot held at the scenario's pitch.
    pub fn new(
        robot: &Robot,
        scenario: &'static Scenario,
        scale: ImuScale,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let mut body = robot.body;
        if scenario.payload > 0.0 {
            // On top, at twice the height of the centre of mass.
            let (mass, height) = (body.body_mass * scenario.payload, 2.0 * body.com_height);
            let total = body.body_mass + mass;
            let com = (body.body_mass * body.com_height + mass * height) / total;
            body.pitch_inertia +=
                body.body_mass * (com - body.com_height).powi(2) + mass * (height - com).powi(2);
            (body.body_mass, body.com_height) = (total, com);
        }
        let start = scenario.start_pitch.to_radians();
        let mut plant = Plant::new(body, robot.motor, robot.battery, start)?;
        if let Some(wheel) = &robot.stepper {
            let motor = HybridStepperConfig::default();
            plant.steppers = Some(Box::new(Steppers::new(&body, wheel, motor)?));
        }
        plant.load.slope = scenario.slope.to_radians();
        plant.load.push_height = body.com_height;
        let imu = ImuParameters {
            scale,
            height: robot.imu_height,
            // MPU-6050 data sheet: 400 µg/√Hz and 0.005 °/s/√Hz over 94 Hz, doubled for a cheap board.
            accel_noise: 0.08,
            gyro_noise: 0.0017,
            gyro_bias: [0.02, -0.035, 0.015],
            gyro_drift: 0.0,
            bandwidth_hz: 94.0,
            vibration: [0.0; 2],
            vibration_hz: 83.0,
        };
        let weight = (body.body_mass + 2.0 * body.wheel_mass) * 9.81;
        let imu = Imu::new(imu, seed);
        Ok(Self {
            plant,
            command: [0.0; 2],
            goal: 0.0,
            since_release: -1.0,
            happened: Vec::new(),
            stall: 0,
            scenario,
            imu,
            encoders: [robot.counts_per_revolution; 2].map(Encoder::new),
            weight,
            chance: Pcg32::seed_from_u64(seed ^ 0x5eed),
            next_event: 0,
            push_until: f64::NEG_INFINITY,
            bus_down_until: f64::NEG_INFINITY,
            flaky: 0.0,
            garbage: false,
            frozen: None,
            last: ImuCounts::default(),
            sag: 0.0,
            readings: 0,
            steps: 0,
        })
    }

    /// Lets go of the robot.
    pub fn release(&mut self) {
        self.plant.held = false;
        self.since_release = 0.0;
    }

    /// Whether it has been let go.
    pub fn released(&self) -> bool {
        self.since_release >= 0.0
    }

    /// Advances by so many steps of the plant, at most [`Imu::EVERY`], and not beyond one of its
    /// multiples: that is when the inertial sensor samples.
    pub fn step(&mut self, bridges: [Bridge; 2], steps: u32) {
        self.before(steps);
        self.plant.advance(bridges, steps);
        self.after(steps);
    }

    /// What happens ahead of so many steps of the plant.
    pub fn before(&mut self, steps: u32) {
        if self.released() {
            let seconds = Plant::STEP * f64::from(steps);
            self.since_release += seconds;
            self.play();
            self.goal += self.command[0] * seconds;
            self.plant.battery.open_circuit -= self.sag * seconds;
        }
        if self.since_release >= self.push_until {
            self.plant.load.push = 0.0;
        }
    }

    /// What follows so many steps of the plant.
    pub fn after(&mut self, steps: u32) {
        self.steps += steps;
        if self.steps >= Imu::EVERY {
            self.steps = 0;
            self.imu.follow(&self.plant);
        }
    }

    fn play(&mut self) {
        while let Some((time, event)) = self.scenario.events.get(self.next_event) {
            if self.since_release < *time {
                return;
            }
            self.next_event += 1;
            self.happened.push(format!("{event:?}"));
            self.start(*event);
        }
    }

    /// Lets something happen now.
    pub fn start(&mut self, event: Event) {
        let now = self.since_release;
        match event {
            Event::Command(speed, turn) => self.command = [speed, turn],
            Event::Push(share, seconds) => {
                self.plant.load.push = share * self.weight;
                self.push_until = now + seconds;
            }
            Event::BusDown(seconds) => self.bus_down_until = now + seconds,
            Event::FlakyBus(probability) => self.flaky = probability,
            Event::Frozen => self.frozen = Some(self.last),
            Event::GyroDrift(rate) => self.imu.parameters.gyro_drift = rate,
            Event::Vibration(accel, gyro) => self.imu.parameters.vibration = [accel, gyro],
            Event::Garbage => self.garbage = true,
            Event::NanCommand => self.command = [f64::NAN, f64::INFINITY],
            Event::EncoderLost => match &mut self.plant.steppers {
                Some(steppers) => steppers.lose_cable(),
                None => self.encoders[0].lose_cable(),
            },
            Event::PickedUp => {
                self.plant.lifted = true;
                self.plant.state.pitch = 8_f64.to_radians();
            }
            Event::Sag(volts) => self.sag = volts,
            Event::Stall(milliseconds) => self.stall = milliseconds,
        }
        if !self.goal.is_finite() || matches!(event, Event::NanCommand) {
            // Where a NaN leads nobody can say: the robot keeps its last speed.
            self.goal = self.plant.state.position;
        }
    }

    /// What the sensors give now.
    pub fn read(&mut self) -> Reading {
        self.readings = self.readings.wrapping_add(1);
        let fresh = self.imu.read();
        let failed = self.since_release < self.bus_down_until
            || (self.flaky > 0.0 && self.chance.random::<f64>() < self.flaky);
        let mut counts = self.frozen.unwrap_or(fresh);
        if self.garbage && self.readings.is_multiple_of(16) {
            let value = [i16::MAX, 0, -1, i16::MIN][(self.readings / 16 % 4) as usize];
            counts = ImuCounts {
                accel: [value; 3],
                gyro: [value; 3],
                temperature: value,
            };
        }
        if !failed {
            self.last = counts;
        }
        let angles = self.plant.encoder_angles();
        for (encoder, angle) in self.encoders.iter_mut().zip(angles) {
            encoder.turn_to(angle);
        }
        let [left, right] = &mut self.encoders;
        let encoders = read_wheels(left, right, Instant::default(), [0, 0]).value;
        Reading {
            imu: (!failed).then_some(counts),
            encoders,
            battery_millivolts: (self.plant.battery_voltage * 1000.0).clamp(0.0, 65_535.0) as u16,
        }
    }
}
