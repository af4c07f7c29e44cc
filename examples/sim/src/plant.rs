//! The robot's body in the simulated world: pendulum, motors with gear play, battery, encoders.
//!
//! The equations of motion are those of `balance_core::model::WheeledPendulum`, with sine and
//! cosine by series, and the reciprocals that do not change taken beforehand; a test compares.

use crate::lanes::Lanes;
use crate::steppers::Steppers;
use balance_core::model::{Accelerations, Load, PendulumState, WheeledPendulumConfig};
use balance_core::motor::dc_motor::DcMotorConfig;
use balance_core::sensor::STANDARD_GRAVITY;

/// A geared DC motor and its bridge.
#[derive(Clone, Copy, Debug)]
pub struct MotorParameters {
    /// Constants of the motor; its inertia is that of the rotor while it crosses the gear's play.
    pub motor: DcMotorConfig<f64>,
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

/// What the parameters of a robot come to.
#[derive(Clone, Copy, Debug)]
struct Constants {
    conductance: f64,
    torque_constant: f64,
    back_emf: f64,
    coulomb: f64,
    viscous: f64,
    /// Gain of speed in a step per torque, of a rotor in the play of its gear.
    rotor: f64,
    half_play: f64,
    dead_duty: f64,
    /// One over the wheel's radius.
    per_radius: f64,
    moment: f64,
    moment_height: f64,
    forward_inertia: f64,
    rotor_coupling: f64,
    tilt_inertia: f64,
    turn_inertia: f64,
    /// Speed of a wheel per yaw rate.
    half_track: f64,
    weight: f64,
    /// Gain of speed in a step per torque, of a wheel in the air.
    wheel: f64,
}

impl Constants {
    fn of(body: &WheeledPendulumConfig<f64>, parameters: &MotorParameters) -> Self {
        let motor = &parameters.motor;
        let radius = body.wheel_radius;
        let wheel_inertia = body.wheel_inertia + body.rotor_inertia;
        let rolling = body.wheel_mass + wheel_inertia / (radius * radius);
        let moment = body.body_mass * body.com_height;
        let moment_height = moment * body.com_height;
        Self {
            conductance: motor.resistance.recip(),
            torque_constant: motor.torque_constant,
            back_emf: motor.back_emf_constant,
            coulomb: motor.coulomb_torque,
            viscous: motor.viscous_friction,
            rotor: Plant::STEP / motor.inertia,
            half_play: parameters.backlash / 2.0,
            dead_duty: parameters.dead_duty,
            per_radius: radius.recip(),
            moment,
            moment_height,
            forward_inertia: body.body_mass + 2.0 * rolling,
            rotor_coupling: 2.0 * body.rotor_inertia / radius,
            tilt_inertia: moment_height + body.pitch_inertia + 2.0 * body.rotor_inertia,
            turn_inertia: body.yaw_inertia + rolling * body.track * body.track / 2.0,
            half_track: body.track / 2.0 / radius,
            weight: (body.body_mass + 2.0 * body.wheel_mass) * STANDARD_GRAVITY,
            wheel: Plant::STEP / wheel_inertia,
        }
    }
}

/// The plant, advanced in steps of [`Plant::STEP`].
#[derive(Clone, Debug)]
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
    /// Steppers in place of geared motors.
    pub steppers: Option<Box<Steppers>>,
    constants: Constants,
    gears: [Gear; 2],
    /// Angles of the wheels against the body, rad.
    wheels: [f64; 2],
    /// Speeds of the wheels against the body while lifted.
    free_rates: [f64; 2],
}

/// Speed over which dry friction builds up, rad/s.
const FRICTION_SPEED: f64 = 0.05;

impl Plant {
    /// Length of a step, s.
    pub const STEP: f64 = 1e-4;
    /// Pitch at which the body lies on the ground, rad.
    const GROUND: f64 = 1.4;

    /// A robot at rest at `pitch`.
    pub fn new(
        body: WheeledPendulumConfig<f64>,
        motor: MotorParameters,
        battery: Battery,
        pitch: f64,
    ) -> anyhow::Result<Self> {
        body.build()?;
        Ok(Self {
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
            steppers: None,
            constants: Constants::of(&body, &motor),
            gears: [Gear::default(); 2],
            wheels: [0.0; 2],
            free_rates: [0.0; 2],
        })
    }

    /// Angles that the encoders see, on the motors' side of the gear play, rad.
    pub fn encoder_angles(&self) -> [f64; 2] {
        if let Some(steppers) = &self.steppers {
            return steppers.commanded_angles();
        }
        [
            self.wheels[0] + self.gears[0].gap,
            self.wheels[1] + self.gears[1].gap,
        ]
    }

    /// Advances by so many steps.
    pub fn advance(&mut self, bridges: [Bridge; 2], steps: u32) {
        match self.steppers.take() {
            Some(mut steppers) => {
                steppers.advance(self, bridges, steps);
                self.hit_the_ground(steps);
                self.steppers = Some(steppers);
            }
            None => advance([self], [bridges], steps),
        }
    }

    /// What the ground does to a body that lies on it, after so many steps.
    fn hit_the_ground(&mut self, steps: u32) {
        if self.state.pitch.abs() > Self::GROUND {
            self.state.pitch = Self::GROUND.copysign(self.state.pitch);
            self.state.pitch_rate = 0.0;
            // It slides, and friction stops it.
            let kept = 1.0 - 5.0 * Self::STEP * f64::from(steps);
            self.state.speed *= kept;
            self.state.yaw_rate *= kept;
        }
    }
}

/// What one motor of each robot does in a step.
struct Drive<const N: usize> {
    on: Lanes<N>,
    duty: Lanes<N>,
    gap: Lanes<N>,
    gap_rate: Lanes<N>,
    angle: Lanes<N>,
    free_rate: Lanes<N>,
}

impl<const N: usize> Drive<N> {
    fn of(plants: &[&mut Plant; N], bridges: &[[Bridge; 2]; N], side: usize) -> Self {
        let duty = |i: usize| match bridges[i][side] {
            Bridge::Coast => None,
            Bridge::Duty(duty) if duty.abs() < plants[i].constants.dead_duty => Some(0.0),
            Bridge::Duty(duty) => Some(duty.clamp(-1.0, 1.0)),
        };
        Self {
            on: Lanes::each(|i| if duty(i).is_some() { 1.0 } else { 0.0 }),
            duty: Lanes::each(|i| duty(i).unwrap_or(0.0)),
            gap: Lanes::each(|i| plants[i].gears[side].gap),
            gap_rate: Lanes::each(|i| plants[i].gears[side].gap_rate),
            angle: Lanes::each(|i| plants[i].wheels[side]),
            free_rate: Lanes::each(|i| plants[i].free_rates[side]),
        }
    }
}

/// Advances several robots with geared motors at once, each under its own bridges.
pub fn advance<const N: usize>(mut plants: [&mut Plant; N], bridges: [[Bridge; 2]; N], steps: u32) {
    macro_rules! lanes {
        (|$plant:ident| $value:expr) => {
            Lanes::<N>::each(|i| {
                let $plant = &*plants[i];
                $value
            })
        };
    }
    let all = Lanes::<N>::all;
    let (zero, one, h) = (all(0.0), all(1.0), all(Plant::STEP));
    let conductance = lanes!(|p| p.constants.conductance);
    let torque_constant = lanes!(|p| p.constants.torque_constant);
    let back_emf = lanes!(|p| p.constants.back_emf);
    let coulomb = lanes!(|p| p.constants.coulomb);
    let viscous = lanes!(|p| p.constants.viscous);
    let rotor = lanes!(|p| p.constants.rotor);
    let half_play = lanes!(|p| p.constants.half_play);
    // Nothing reaches the edge of no play.
    let play = lanes!(|p| if p.constants.half_play > 0.0 {
        1.0
    } else {
        0.0
    });
    let open_circuit = lanes!(|p| p.battery.open_circuit);
    let inner = lanes!(|p| p.battery.resistance);
    let per_radius = lanes!(|p| p.constants.per_radius);
    let moment = lanes!(|p| p.constants.moment);
    let moment_height = lanes!(|p| p.constants.moment_height);
    let forward_inertia = lanes!(|p| p.constants.forward_inertia);
    let rotor_coupling = lanes!(|p| p.constants.rotor_coupling);
    let tilt_inertia = lanes!(|p| p.constants.tilt_inertia);
    let turn_inertia = lanes!(|p| p.constants.turn_inertia);
    let half_track = lanes!(|p| p.constants.half_track);
    let gravity = moment * all(STANDARD_GRAVITY);
    let (slope_sin, slope_cos) = lanes!(|p| p.load.slope).sin_cos();
    let push = lanes!(|p| p.load.push) - lanes!(|p| p.constants.weight) * slope_sin;
    let push_torque = lanes!(|p| p.load.push * p.load.push_height);
    let twist = lanes!(|p| p.load.twist);
    let moves = lanes!(|p| if p.held || p.lifted { 0.0 } else { 1.0 });
    let lifted = lanes!(|p| if p.lifted { 1.0 } else { 0.0 });
    let wheel = lanes!(|p| p.constants.wheel) * lifted;

    let mut position = lanes!(|p| p.state.position);
    let mut pitch = lanes!(|p| p.state.pitch);
    let mut yaw = lanes!(|p| p.state.yaw);
    let mut speed = lanes!(|p| p.state.speed);
    let mut pitch_rate = lanes!(|p| p.state.pitch_rate);
    let mut yaw_rate = lanes!(|p| p.state.yaw_rate);
    let mut voltage = lanes!(|p| p.battery_voltage);
    let mut energy = lanes!(|p| p.energy);
    let mut drives = [0, 1].map(|side| Drive::of(&plants, &bridges, side));
    let (mut forward_acceleration, mut pitch_acceleration, mut yaw_acceleration) =
        (zero, zero, zero);

    for _ in 0..steps {
        let roll = speed * per_radius - pitch_rate;
        let turn = yaw_rate * half_track;
        let mut torques = [zero; 2];
        let mut supply = zero;
        for (side, drive) in drives.iter_mut().enumerate() {
            let on_ground = if side == 0 { roll - turn } else { roll + turn };
            let rate = lifted.where_positive(drive.free_rate, on_ground) + drive.gap_rate;
            let volts = drive.duty * voltage - back_emf * rate;
            let current = drive.on * volts * conductance;
            supply = supply + drive.duty * current;
            let torque = torque_constant * current - coulomb * smooth_sign(rate) - viscous * rate;
            // The motor presses on the wheel, or its rotor crosses the play of the gear.
            let at_edge = drive.gap.abs().where_at_least(half_play, one, zero);
            let with_it = (drive.gap * torque).where_positive(at_edge, zero);
            let presses = play.where_positive(with_it, one);
            let crossing = drive.gap_rate + torque * rotor;
            let gap_rate = presses.where_positive(zero, crossing);
            let gap = drive.gap + gap_rate * h;
            let hits = gap.abs().where_at_least(half_play, one, zero);
            drive.gap = hits.where_positive(half_play.copysign(gap), gap);
            drive.gap_rate = hits.where_positive(zero, gap_rate);
            torques[side] = presses * torque;
        }
        voltage = open_circuit - inner * supply.max(0.0);
        energy = energy + voltage * supply.max(0.0) * h;

        let [left, right] = torques;
        let (sin, cos) = pitch.sin_cos();
        let sin_lean = sin * slope_cos + cos * slope_sin;
        let cos_lean = cos * slope_cos - sin * slope_sin;
        let torque = left + right;
        let yaw_square = yaw_rate * yaw_rate;
        let force = torque * per_radius
            + moment * (sin_lean * pitch_rate * pitch_rate + sin * yaw_square)
            + push;
        let tilt = gravity * sin - torque + (moment_height * sin * yaw_square + push_torque) * cos;
        let turn = (right - left) * half_track
            - sin * yaw_rate * (all(2.0) * moment_height * cos * pitch_rate + moment * speed)
            + twist;
        let coupling = moment * cos_lean - rotor_coupling;
        let determinant = forward_inertia * tilt_inertia - coupling * coupling;
        let turning = turn_inertia + moment_height * sin * sin;
        // One division for three.
        let both = (determinant * turning).recip() * moves;
        let per_determinant = both * turning;
        forward_acceleration = (tilt_inertia * force - coupling * tilt) * per_determinant;
        pitch_acceleration = (forward_inertia * tilt - coupling * force) * per_determinant;
        yaw_acceleration = turn * both * determinant;

        speed = (speed + forward_acceleration * h) * moves;
        pitch_rate = (pitch_rate + pitch_acceleration * h) * moves;
        yaw_rate = (yaw_rate + yaw_acceleration * h) * moves;
        position = position + speed * h;
        pitch = pitch + pitch_rate * h;
        yaw = yaw + yaw_rate * h;
        let roll = speed * per_radius - pitch_rate;
        let turn = yaw_rate * half_track;
        for (side, drive) in drives.iter_mut().enumerate() {
            let on_ground = if side == 0 { roll - turn } else { roll + turn };
            drive.free_rate = (drive.free_rate + torques[side] * wheel) * lifted;
            drive.angle = drive.angle + lifted.where_positive(drive.free_rate, on_ground) * h;
        }
    }

    for (i, plant) in plants.iter_mut().enumerate() {
        plant.state = PendulumState {
            position: position.0[i],
            pitch: pitch.0[i],
            yaw: yaw.0[i],
            speed: speed.0[i],
            pitch_rate: pitch_rate.0[i],
            yaw_rate: yaw_rate.0[i],
        };
        plant.acceleration = Accelerations {
            forward: forward_acceleration.0[i],
            pitch: pitch_acceleration.0[i],
            yaw: yaw_acceleration.0[i],
        };
        plant.battery_voltage = voltage.0[i];
        plant.energy = energy.0[i];
        for (side, drive) in drives.iter().enumerate() {
            plant.gears[side] = Gear {
                gap: drive.gap.0[i],
                gap_rate: drive.gap_rate.0[i],
            };
            plant.wheels[side] = drive.angle.0[i];
            plant.free_rates[side] = drive.free_rate.0[i];
        }
        plant.hit_the_ground(steps);
    }
}

/// The sign of a speed, smoothed about standstill by the cubic that is one with slope zero at one
/// and a half of [`FRICTION_SPEED`].
#[inline(always)]
fn smooth_sign<const N: usize>(rate: Lanes<N>) -> Lanes<N> {
    let x = (rate * Lanes::all(1.0 / FRICTION_SPEED)).within(1.5);
    x * (Lanes::all(1.0) - x * x * Lanes::all(4.0 / 27.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::robots;
    use rand::{Rng, SeedableRng};
    use rand_pcg::Pcg32;

    fn plant(name: &str, pitch: f64) -> Plant {
        plant_of(&robots::find(name).unwrap(), pitch)
    }

    fn plant_of(robot: &robots::Robot, pitch: f64) -> Plant {
        let mut plant = Plant::new(robot.body, robot.motor, robot.battery, pitch).unwrap();
        plant.held = false;
        plant
    }

    #[test]
    fn accelerates_as_the_model_of_the_core() {
        let mut chance = Pcg32::seed_from_u64(1);
        for name in robots::geared() {
            for _ in 0..200 {
                let mut number = |bound: f64| chance.random_range(-bound..bound);
                let mut robot = robots::find(name).unwrap();
                // Terminals open and no friction: no torque.
                robot.motor.motor.coulomb_torque = 0.0;
                robot.motor.motor.viscous_friction = 0.0;
                let mut plant = plant_of(&robot, number(1.3));
                plant.state.speed = number(1.0);
                plant.state.pitch_rate = number(5.0);
                plant.state.yaw_rate = number(3.0);
                plant.load = Load {
                    slope: number(0.2),
                    push: number(3.0),
                    push_height: number(0.1),
                    twist: number(0.1),
                };
                let model = robot.body.build().unwrap();
                let expected = model.accelerations(&plant.state, [0.0; 2], &plant.load);
                plant.advance([Bridge::Coast; 2], 1);
                let found = plant.acceleration;
                for (found, expected) in [
                    (found.forward, expected.forward),
                    (found.pitch, expected.pitch),
                    (found.yaw, expected.yaw),
                ] {
                    let scale = 1.0 + expected.abs();
                    assert!(
                        (found - expected).abs() < 2e-6 * scale,
                        "{found} {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn torque_reaches_the_body_as_in_the_core() {
        let mut robot = robots::find("pico_kit").unwrap();
        robot.motor.backlash = 0.0;
        let mut plant = plant_of(&robot, 0.05);
        plant.advance([Bridge::Duty(0.5), Bridge::Duty(0.3)], 1);
        let motor = robot.motor.motor;
        let torque = [0.5, 0.3].map(|duty| motor.torque_constant * duty * 11.6 / motor.resistance);
        let start = PendulumState {
            pitch: 0.05,
            ..Default::default()
        };
        let model = robot.body.build().unwrap();
        let expected = model.accelerations(&start, torque, &Load::default());
        assert!((plant.acceleration.forward - expected.forward).abs() < 1e-6);
        assert!((plant.acceleration.pitch - expected.pitch).abs() < 1e-5);
        assert!((plant.acceleration.yaw - expected.yaw).abs() < 1e-5);
    }

    #[test]
    fn robots_side_by_side_do_not_see_each_other() {
        let alone = |name, pitch| {
            let mut plant = plant(name, pitch);
            for _ in 0..400 {
                plant.advance([Bridge::Duty(0.2), Bridge::Coast], 5);
            }
            plant
        };
        let names = ["pico_kit", "nxtway_gs", "balboa_32u4", "pico_kit"];
        let pitches = [0.1, -0.2, 0.0, 0.3];
        let mut four: Vec<Plant> = names
            .iter()
            .zip(pitches)
            .map(|(name, pitch)| plant(name, pitch))
            .collect();
        let [a, b, c, d] = &mut four[..] else {
            unreachable!()
        };
        for _ in 0..400 {
            let bridges = [[Bridge::Duty(0.2), Bridge::Coast]; 4];
            advance([&mut *a, &mut *b, &mut *c, &mut *d], bridges, 5);
        }
        for ((plant, name), pitch) in four.iter().zip(names).zip(pitches) {
            assert_eq!(plant.state, alone(name, pitch).state);
        }
    }

    #[test]
    fn a_lifted_wheel_races_and_a_held_one_stands() {
        let mut plant = plant("nxtway_gs", 0.0);
        plant.held = true;
        plant.advance([Bridge::Duty(1.0); 2], 1000);
        assert!(plant.encoder_angles()[0].abs() <= 2.0 * plant.constants.half_play);
        plant.held = false;
        plant.lifted = true;
        plant.advance([Bridge::Duty(1.0); 2], 10_000);
        assert!(plant.free_rates[0] > 10.0 && plant.state.position == 0.0);
    }
}
