//! A robot's wheels on stepper motors: generators, drivers and motors, in steps of 20 µs.

use crate::plant::{Bridge, Plant};
use anyhow::Result;
use balance_core::model::{
    HybridStepper, HybridStepperConfig, HybridStepperState, Load, WheeledPendulum,
    WheeledPendulumConfig,
};
use balance_core::motor::Drive;
use balance_core::motor::stepper::{
    StepGenerator, StepGeneratorConfig, StepperWheel, StepperWheelConfig,
};
use std::f64::consts::{FRAC_PI_2, TAU};

/// Ticks of the generators in a step of the plant, and in a period of the robot.
const TICKS: u32 = 5;
const PERIOD_TICKS: u32 = 50;
const DT: f64 = Plant::STEP / TICKS as f64;
/// Current that the drivers are set to, A.
const CURRENT: f64 = 1.4;
/// What each driver takes for itself, W.
const DRIVER: f64 = 0.3;

/// One motor with its driver and what steps it.
#[derive(Clone, Debug)]
struct Side {
    wheel: StepperWheel,
    generator: StepGenerator,
    motor: HybridStepper<f64>,
    energised: bool,
    /// A wire is off.
    dead: bool,
    teeth: u16,
    /// The wheel against the body: angle and speed.
    angle: f64,
    speed: f64,
    /// Steps made when the driver was switched on, and where the wheel was.
    zero: (i32, f64),
}

/// Both wheels.
#[derive(Clone, Debug)]
pub struct Steppers {
    body: WheeledPendulum<f64>,
    motor: HybridStepperConfig<f64>,
    steps_per_revolution: f64,
    sides: [Side; 2],
    tick: u32,
}

impl Steppers {
    /// At rest, currents off.
    pub fn new(
        body: &WheeledPendulumConfig<f64>,
        wheel: &StepperWheelConfig<f64>,
        motor: HybridStepperConfig<f64>,
    ) -> Result<Self> {
        let generator = StepGeneratorConfig {
            tick_hz: DT.recip(),
            max_rate: 0.5 / DT,
            // Each millisecond brings another speed; the wheel keeps to its acceleration.
            acceleration: 1e7,
        };
        let side = Side {
            wheel: wheel.build(DT * f64::from(PERIOD_TICKS))?,
            generator: generator.build()?,
            motor: motor.build(DT)?,
            energised: false,
            dead: false,
            teeth: motor.teeth,
            angle: 0.0,
            speed: 0.0,
            zero: (0, 0.0),
        };
        Ok(Self {
            body: body.build()?,
            motor,
            steps_per_revolution: wheel.steps_per_revolution,
            sides: [side.clone(), side],
            tick: 0,
        })
    }

    /// What the steps made come to, rad; in the middle of a step, so that counting them is exact.
    pub fn commanded_angles(&self) -> [f64; 2] {
        let angle = |side: &Side| {
            (f64::from(side.generator.position()) + 0.5) / self.steps_per_revolution * TAU
        };
        [angle(&self.sides[0]), angle(&self.sides[1])]
    }

    /// A wire of the left motor comes off.
    pub fn lose_cable(&mut self) {
        self.sides[0].dead = true;
    }

    /// Advances by so many steps of the plant.
    pub fn advance(&mut self, plant: &mut Plant, bridges: [Bridge; 2], steps: u32) {
        let supply = plant.battery_voltage;
        if (supply - self.motor.bus_voltage).abs() > 0.05 && supply > 1.0 {
            self.motor.bus_voltage = supply;
            for side in &mut self.sides {
                let state = side.motor.state();
                if let Ok(motor) = self.motor.build(DT) {
                    side.motor = motor;
                    side.motor.restore(state);
                }
            }
        }
        let mut energy = 0.0;
        for _ in 0..steps * TICKS {
            let told = self.tick.is_multiple_of(PERIOD_TICKS);
            self.tick += 1;
            let mut torques = [0.0; 2];
            for ((side, bridge), torque) in self.sides.iter_mut().zip(bridges).zip(&mut torques) {
                if told {
                    side.tell(bridge);
                }
                *torque = side.tick(self.steps_per_revolution);
                energy += side.power(&self.motor) * DT;
            }
            self.step(plant, torques);
        }
        let seconds = Plant::STEP * f64::from(steps);
        plant.energy += energy;
        let current = energy / seconds / plant.battery_voltage.max(1.0);
        plant.battery_voltage = plant.battery.open_circuit - plant.battery.resistance * current;
    }

    /// Body and wheels under the torques of the motors.
    fn step(&mut self, plant: &mut Plant, torques: [f64; 2]) {
        let config = self.body.config();
        if plant.held || plant.lifted {
            plant.acceleration = Default::default();
            (
                plant.state.speed,
                plant.state.pitch_rate,
                plant.state.yaw_rate,
            ) = (0.0, 0.0, 0.0);
            let inertia = config.wheel_inertia + config.rotor_inertia;
            for (side, torque) in self.sides.iter_mut().zip(torques) {
                // In the air it turns freely, on a stand it cannot.
                let free = if plant.lifted { 1.0 } else { 0.0 };
                side.speed = free * (side.speed + torque / inertia * DT);
                side.angle += side.speed * DT;
            }
            return;
        }
        let load: Load<f64> = plant.load;
        plant.acceleration = self.body.step(&mut plant.state, torques, &load, DT);
        let roll = plant.state.speed / config.wheel_radius - plant.state.pitch_rate;
        let turn = plant.state.yaw_rate * config.track / 2.0 / config.wheel_radius;
        for (side, speed) in self.sides.iter_mut().zip([roll - turn, roll + turn]) {
            side.speed = speed;
            side.angle += speed * DT;
        }
    }
}

impl Side {
    /// What the robot's drive comes to.
    fn tell(&mut self, bridge: Bridge) {
        let command = self.wheel.step(match bridge {
            Bridge::Coast => Drive::Coast,
            Bridge::Duty(duty) => Drive::Duty(duty),
        });
        if command.energised && !self.energised {
            // The rotor snaps to the nearest place where its currents hold it: no turn.
            self.zero = (self.generator.position(), self.angle);
        }
        self.energised = command.energised;
        if command.energised {
            self.generator.run_at_share(command.speed);
        } else {
            self.generator.halt();
        }
    }

    /// A tick of the generator; the torque on the wheel.
    fn tick(&mut self, steps_per_revolution: f64) -> f64 {
        self.generator.tick();
        let teeth = f64::from(self.teeth);
        // Where the wheel is against where the currents began.
        let moved = self.angle - self.zero.1;
        let electrical = moved * teeth;
        self.motor.restore(HybridStepperState {
            speed: self.speed,
            electrical_angle: (electrical + TAU / 2.0).rem_euclid(TAU) - TAU / 2.0,
            ..self.motor.state()
        });
        let made = f64::from(self.generator.position().wrapping_sub(self.zero.0));
        let wanted = if self.energised && !self.dead {
            let phase = made / steps_per_revolution * TAU * teeth;
            [CURRENT * phase.cos(), CURRENT * (phase - FRAC_PI_2).cos()]
        } else {
            [0.0; 2]
        };
        self.motor.step(wanted, 0.0);
        self.motor.torque()
    }

    /// Power from the battery, W.
    fn power(&self, motor: &HybridStepperConfig<f64>) -> f64 {
        let [a, b] = self.motor.state().currents;
        let driver = if self.energised { DRIVER } else { 0.0 };
        let mechanical = self.motor.torque() * self.speed;
        motor.resistance * (a * a + b * b) + mechanical.max(0.0) + driver
    }
}
