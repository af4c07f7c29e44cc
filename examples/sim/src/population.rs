//! Robots that differ from what their builders measured.

use crate::robots::{self, Robot};
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg32;

/// The robot with that number in the population of a seed: the named robots in turn, each of their
/// parameters off by up to ± `spread` of itself, evenly distributed.
///
/// Track and wheel radius too, which a ruler would know better. Not the battery's voltage, which
/// the robot measures, nor the counts of its encoders.
pub fn robot(names: &[&'static str], number: u64, seed: u64, spread: f64) -> Robot {
    let index = (number % names.len().max(1) as u64) as usize;
    let name = names.get(index).copied().unwrap_or("pico_kit");
    let mut chance = Pcg32::new(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15), number);
    // Some combinations are no robot: a rotor that outweighs its body.
    for _ in 0..100 {
        if let Some(robot) = robots::find(name)
            .map(|robot| vary(robot, spread, &mut chance))
            .filter(|robot| robot.body.build().is_ok())
        {
            return robot;
        }
    }
    robots::find(name).unwrap_or_else(|| unreachable!("robots are named from the list"))
}

/// Seed of the noise of a robot.
pub fn noise(number: u64, seed: u64) -> u64 {
    Pcg32::seed_from_u64(seed ^ number.rotate_left(32)).random()
}

fn vary(mut robot: Robot, spread: f64, chance: &mut Pcg32) -> Robot {
    let mut factor = || 1.0 + spread * chance.random_range(-1.0..=1.0);
    let body = &mut robot.body;
    for parameter in [
        &mut body.body_mass,
        &mut body.wheel_mass,
        &mut body.wheel_radius,
        &mut body.track,
        &mut body.com_height,
        &mut body.pitch_inertia,
        &mut body.yaw_inertia,
        &mut body.wheel_inertia,
        &mut robot.motor.motor.resistance,
        &mut robot.motor.motor.torque_constant,
        &mut robot.motor.motor.back_emf_constant,
        &mut robot.motor.motor.viscous_friction,
        &mut robot.motor.backlash,
        &mut robot.motor.dead_duty,
        &mut robot.battery.resistance,
        &mut robot.imu_height,
    ] {
        *parameter *= factor();
    }
    let rotor = factor();
    body.rotor_inertia *= rotor;
    robot.motor.motor.inertia *= rotor;
    let friction = factor();
    robot.motor.motor.coulomb_torque *= friction;
    robot.motor.motor.breakaway_torque *= friction;
    robot
}
