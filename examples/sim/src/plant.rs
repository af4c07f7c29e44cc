//! The robot's body in the simulated world: pendulum, motors with gear play, battery, encoders.

use balance_core::model::{Accelerations, Load, PendulumState, WheeledPendulum};

/// A geared DC motor, everything at the gearbox's output.
#[derive(Clone, Copy, Debug)]
pub struct MotorParameters {
    /// Winding and driver resistance, Ω.
    pub resistance: f64,
    /// Torque per current, N·m/A.
    pub torque_constant: f64,
    /// Back-EMF per speed, V·s/rad.
    pub back_emf: f64,
    /// Coulomb friction, N·m.
    pub coulomb: f64,
    /// Viscous friction, N·m·s/rad.
    pub viscous: f64,
    /// Inertia of the rotor, kg·m².
    pub rotor_inertia: f64,
    /// Gear play, rad.
    pub backlash: f64,
    /// Duty below which the driver gives no voltage.
    pub dead_duty: f64,
}

/// A battery as an ideal source behind a resistance.
#[derive(Clone, Copy, Debug)]
pub struct Battery {
    /// Voltage without load, V.
    pub open_circuit: f64,
    /// Internal resistance, Ω.
    pub resistance: f64,
}

/// What a bridge does to its motor.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Bridge {
    /// Terminals open.
    #[default]
    Coast,
    /// Fraction of the battery's voltage; zero brakes.
    Duty(f64),
}

/// Where the gear of one motor stands.
#[derive(Clone, Copy, Debug, Default)]
struct Gear {
    /// Angle of the rotor (at the output) ahead of the wheel, within ± half the play.
    gap: f64,
    /// Speed of the rotor relative to the wheel while it crosses the play.
    gap_rate: f64,
}

/// The plant, advanced in steps of [`Plant::STEP`].
pub struct Plant {
    /// Position and motion.
    pub state: PendulumState<f64>,
    /// Accelerations of the last step.
    pub acceleration: Accelerations<f64>,
    /// What acts from outside.
    pub load: Load<f64>,
    /// A stand or a hand holds the body where it is; wheels stand.
    pub held: bool,
    /// Lifted: the body is held, the wheels turn freely.
    pub lifted: bool,
    /// The battery.
    pub battery: Battery,
    /// Voltage at its terminals, V.
    pub battery_voltage: f64,
    /// Energy drawn from it, J.
    pub energy: f64,
    model: WheeledPendulum<f64>,
    motor: MotorParameters,
    gears: [Gear; 2],
    /// Angles of the wheels against the body, rad.
    wheels: [f64; 2],
    /// Speeds of the wheels against the body while lifted.
    free_rates: [f64; 2],
}

impl Plant {
    /// Length of a step, s.
    pub const STEP: f64 = 5e-5;
    /// Pitch at which the body lies on the ground, rad.
    const GROUND: f64 = 1.4;

    /// A robot at rest at `pitch`.
    pub fn new(
        model: WheeledPendulum<f64>,
        motor: MotorParameters,
        battery: Battery,
        pitch: f64,
    ) -> Self {
        Self {
            state: PendulumState {
                pitch,
                ..Default::default()
            },
            acceleration: Accelerations::default(),
            load: Load::default(),
            held: true,
            lifted: false,
            battery,
            battery_voltage: battery.open_circuit,
            energy: 0.0,
            model,
            motor,
            gears: [Gear::default(); 2],
            wheels: [0.0; 2],
            free_rates: [0.0; 2],
        }
    }

    /// Speeds of the wheels against the body, rad/s.
    fn wheel_rates(&self) -> [f64; 2] {
        if self.lifted {
            return self.free_rates;
        }
        let config = self.model.config();
        let turn = self.state.yaw_rate * config.track / 2.0;
        [self.state.speed - turn, self.state.speed + turn]
            .map(|speed| speed / config.wheel_radius - self.state.pitch_rate)
    }

    /// Angles that the encoders see, on the motors' side of the gear play, rad.
    pub fn encoder_angles(&self) -> [f64; 2] {
        [
            self.wheels[0] + self.gears[0].gap,
            self.wheels[1] + self.gears[1].gap,
        ]
    }

    /// Advances by one step.
    pub fn step(&mut self, bridges: [Bridge; 2]) {
        let rates = self.wheel_rates();
        let mut torques = [0.0; 2];
        let mut supply_current = 0.0;
        for side in 0..2 {
            let rotor_rate = rates[side] + self.gears[side].gap_rate;
            let (torque, current) = self.motor_torque(bridges[side], rotor_rate);
            supply_current += current;
            torques[side] = self.through_the_gear(side, torque);
        }
        self.battery_voltage =
            self.battery.open_circuit - self.battery.resistance * supply_current.max(0.0);
        self.energy += self.battery_voltage * supply_current.max(0.0) * Self::STEP;
        self.move_body(torques);
        let rates = self.wheel_rates();
        for (angle, rate) in self.wheels.iter_mut().zip(rates) {
            *angle += rate * Self::STEP;
        }
    }

    /// Torque of a motor and the current it draws from the battery. The inductance is left out:
    /// its time constant is a tenth of the mechanical one at most.
    fn motor_torque(&self, bridge: Bridge, rate: f64) -> (f64, f64) {
        let motor = &self.motor;
        // Coulomb friction, smoothed over 0.05 rad/s.
        let friction = motor.coulomb * (rate / 0.05).tanh() + motor.viscous * rate;
        match bridge {
            Bridge::Coast => (-friction, 0.0),
            Bridge::Duty(duty) => {
                let duty = if duty.abs() < motor.dead_duty {
                    0.0
                } else {
                    duty.clamp(-1.0, 1.0)
                };
                let volts = duty * self.battery_voltage - motor.back_emf * rate;
                let current = volts / motor.resistance;
                (motor.torque_constant * current - friction, duty * current)
            }
        }
    }

    /// Torque that reaches the wheel: none while the rotor crosses the play of the gear.
    fn through_the_gear(&mut self, side: usize, torque: f64) -> f64 {
        let half = self.motor.backlash / 2.0;
        let gear = &mut self.gears[side];
        if half == 0.0 {
            return torque;
        }
        let pressing = gear.gap.abs() >= half && gear.gap * torque > 0.0;
        if pressing {
            gear.gap_rate = 0.0;
            return torque;
        }
        gear.gap_rate += torque / self.motor.rotor_inertia * Self::STEP;
        gear.gap += gear.gap_rate * Self::STEP;
        if gear.gap.abs() >= half {
            gear.gap = half.copysign(gear.gap);
            gear.gap_rate = 0.0;
        }
        0.0
    }

    fn move_body(&mut self, torques: [f64; 2]) {
        if self.held || self.lifted {
            self.acceleration = Accelerations::default();
            self.state.speed = 0.0;
            self.state.pitch_rate = 0.0;
            self.state.yaw_rate = 0.0;
            let config = self.model.config();
            let inertia = config.wheel_inertia + config.rotor_inertia;
            for (rate, torque) in self.free_rates.iter_mut().zip(torques) {
                *rate = if self.lifted {
                    *rate + torque / inertia * Self::STEP
                } else {
                    0.0
                };
            }
            return;
        }
        self.acceleration = self
            .model
            .step(&mut self.state, torques, &self.load, Self::STEP);
        if self.state.pitch.abs() > Self::GROUND {
            self.state.pitch = Self::GROUND.copysign(self.state.pitch);
            self.state.pitch_rate = 0.0;
            // It slides, and friction stops it.
            self.state.speed *= 1.0 - 5.0 * Self::STEP;
            self.state.yaw_rate *= 1.0 - 5.0 * Self::STEP;
        }
    }
}
