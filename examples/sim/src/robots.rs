//! The robots: the plant of each, and the configuration that the core has of it.

use crate::plant::{Battery, MotorParameters};
use balance_core::math::Float;
use balance_core::model::WheeledPendulumConfig;
use balance_core::robot::{RobotConfig, RobotParameters};

/// A robot as it really is.
#[derive(Clone, Copy, Debug)]
pub struct Robot {
    /// Name on the command line.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// Masses and lengths.
    pub body: WheeledPendulumConfig<f64>,
    /// Each of its two motors.
    pub motor: MotorParameters,
    /// Its battery.
    pub battery: Battery,
    /// Height of the inertial sensor above the axle, m.
    pub imu_height: f64,
    /// Encoder counts in a turn of a wheel.
    pub counts_per_revolution: f64,
    /// LQR weights of position (m), pitch (rad), speed (m/s) and pitch rate (rad/s) against 1 V on
    /// both motors.
    #[cfg_attr(not(test), expect(dead_code, reason = "the design test reads it"))]
    pub weights: [f64; 4],
    /// Pitch (rad) and rate (rad/s) within which it counts as calm. Friction in the gears decides
    /// how much a robot sways: the Balboa's holds 25 times the torque of a degree of its tilt.
    pub calm: [f64; 2],
}

impl Robot {
    /// What its builder has measured.
    pub fn parameters<P: Float>(&self) -> RobotParameters<P> {
        match self.name {
            "balboa_32u4" => RobotParameters::balboa_32u4(),
            "nxtway_gs" => RobotParameters::nxtway_gs(),
            _ => RobotParameters::pico_kit(),
        }
    }

    /// The configuration that its firmware would have.
    pub fn config<P: Float>(&self) -> RobotConfig<P> {
        match self.name {
            "balboa_32u4" => RobotConfig::balboa_32u4(),
            "nxtway_gs" => RobotConfig::nxtway_gs(),
            _ => RobotConfig::pico_kit(),
        }
    }
}

/// All robots.
pub const ROBOTS: [Robot; 3] = [
    Robot {
        name: "pico_kit",
        about: "Pico, MPU-6050, two Pololu 37D 30:1 motors (data sheet) on a sketched frame",
        body: WheeledPendulumConfig {
            body_mass: 0.95,
            wheel_mass: 0.045,
            wheel_radius: 0.04,
            track: 0.18,
            com_height: 0.075,
            // A box of 0.16 m by 0.10 m by 0.15 m.
            pitch_inertia: 0.95 * (0.10 * 0.10 + 0.15 * 0.15) / 12.0,
            yaw_inertia: 0.95 * (0.10 * 0.10 + 0.16 * 0.16) / 12.0,
            wheel_inertia: 0.5 * 0.045 * 0.04 * 0.04,
            // Rotor of about 7 g·cm² behind 30:1: a guess, for the data sheet has none.
            rotor_inertia: 7e-7 * 900.0,
        },
        // Pololu 37D data sheet rev. 1.2, 12 V: 330 rpm at 0.2 A, 140 kg·mm and 5.5 A at stall.
        motor: MotorParameters {
            resistance: 12.0 / 5.5,
            torque_constant: 0.259,
            back_emf: 0.335,
            coulomb: 0.2 * 0.259,
            viscous: 0.0,
            rotor_inertia: 7e-7 * 900.0,
            backlash: 0.012,
            dead_duty: 0.01,
        },
        battery: Battery {
            open_circuit: 11.6,
            resistance: 0.12,
        },
        imu_height: 0.05,
        counts_per_revolution: 1920.0,
        weights: [120.0, 60.0, 40.0, 0.4],
        calm: [0.05, 0.5],
    },
    Robot {
        name: "balboa_32u4",
        about: "Pololu Balboa 32U4, 80 mm wheels, as identified by qoopen0815/BalboaRobotics",
        body: WheeledPendulumConfig {
            body_mass: 0.2913,
            wheel_mass: 0.0197,
            wheel_radius: 0.040,
            track: 0.107,
            com_height: 0.014_264,
            pitch_inertia: 2.297_12e-4,
            yaw_inertia: 2.3e-4,
            wheel_inertia: 2.3e-5,
            rotor_inertia: 1.6e-8 * 110.103 * 110.103,
        },
        motor: MotorParameters {
            resistance: 2.419 + 0.280,
            torque_constant: 0.003_382_287 * 110.103,
            back_emf: 0.003_067_344 * 110.103,
            coulomb: 4.722_85e-4 * 110.103,
            viscous: 0.0,
            rotor_inertia: 1.6e-8 * 110.103 * 110.103,
            backlash: 0.012,
            dead_duty: 0.01,
        },
        battery: Battery {
            open_circuit: 7.6,
            resistance: 0.15,
        },
        imu_height: 0.02,
        counts_per_revolution: 1321.2,
        weights: [120.0, 60.0, 40.0, 0.4],
        calm: [0.15, 3.0],
    },
    Robot {
        name: "nxtway_gs",
        about: "LEGO NXTway-GS (Yamamoto 2008), NXT motors with 360-count encoders",
        body: WheeledPendulumConfig {
            body_mass: 0.6,
            wheel_mass: 0.03,
            wheel_radius: 0.04,
            track: 0.14,
            com_height: 0.072,
            pitch_inertia: 1.0368e-3,
            yaw_inertia: 1.06e-3,
            wheel_inertia: 0.5 * 0.03 * 0.04 * 0.04,
            rotor_inertia: 1e-5,
        },
        motor: MotorParameters {
            resistance: 6.69,
            torque_constant: 0.317,
            back_emf: 0.468,
            // Coulomb friction as MinSeg identified it on the same motor.
            coulomb: 7.299e-3,
            viscous: 0.0022,
            // For the play of the gear only, MinSeg's figure; the pendulum has Yamamoto's.
            rotor_inertia: 1e-3,
            backlash: 0.03,
            dead_duty: 0.01,
        },
        battery: Battery {
            open_circuit: 8.2,
            resistance: 0.25,
        },
        imu_height: 0.08,
        counts_per_revolution: 360.0,
        weights: [120.0, 60.0, 40.0, 0.4],
        calm: [0.05, 0.8],
    },
];

/// Names of all robots.
pub fn names() -> Vec<&'static str> {
    ROBOTS.iter().map(|robot| robot.name).collect()
}

/// The robot of that name.
pub fn find(name: &str) -> Option<&'static Robot> {
    ROBOTS.iter().find(|robot| robot.name == name)
}

/// One line about a robot.
pub fn describe(name: &str) -> &'static str {
    find(name).map_or("", |robot| robot.about)
}
