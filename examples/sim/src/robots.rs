//! The robots: the plant of each, and the configuration that the core has of it.

use crate::plant::{Battery, MotorParameters};
use balance_core::math::Float;
use balance_core::model::WheeledPendulumConfig;
use balance_core::motor::stepper::StepperWheelConfig;
use balance_core::robot::{RobotConfig, RobotParameters, StepperRobotParameters};

/// A robot as it really is.
#[derive(Clone, Copy, Debug)]
pub struct Robot {
    /// Name on the command line.
    pub name: &'static str,
    /// Masses and lengths.
    pub body: WheeledPendulumConfig<f64>,
    /// Each of its two motors.
    pub motor: MotorParameters,
    /// Steppers in place of geared motors.
    pub stepper: Option<StepperWheelConfig<f64>>,
    /// Its battery.
    pub battery: Battery,
    /// Height of the inertial sensor above the axle, m.
    pub imu_height: f64,
    /// Encoder counts in a turn of a wheel.
    pub counts_per_revolution: f64,
    /// Pitch (rad) and rate (rad/s) within which it counts as calm. Friction in the gears decides
    /// how much a robot sways: the Balboa's holds 25 times the torque of a degree of its tilt.
    pub calm: [f64; 2],
}

impl Robot {
    /// What its builder has measured, which need not be what it is.
    pub fn measured<P: Float>(&self) -> RobotParameters<P> {
        measured(self.name)
    }

    /// The configuration that its firmware would have.
    pub fn config<P: Float>(&self) -> RobotConfig<P> {
        match self.name {
            "balboa_32u4" => RobotConfig::balboa_32u4(),
            "nxtway_gs" => RobotConfig::nxtway_gs(),
            STEPPERS => RobotConfig::stepper_kit(),
            _ => RobotConfig::pico_kit(),
        }
    }
}

fn measured<P: Float>(name: &str) -> RobotParameters<P> {
    match name {
        "balboa_32u4" => RobotParameters::balboa_32u4(),
        "nxtway_gs" => RobotParameters::nxtway_gs(),
        _ => RobotParameters::pico_kit(),
    }
}

/// What is known of a robot besides its parameters.
struct Known {
    name: &'static str,
    about: &'static str,
    backlash: f64,
    /// Inertia of the rotor in the play of its gear, where it is not that of the parameters.
    rotor_in_play: Option<f64>,
    battery: [f64; 2],
    imu_height: f64,
    counts_per_revolution: f64,
    calm: [f64; 2],
}

/// The robot on steppers.
const STEPPERS: &str = "stepper_kit";

const KNOWN: [Known; 4] = [
    Known {
        name: "pico_kit",
        about: "Pico, MPU-6050, two Pololu 37D 30:1 motors (data sheet) on a sketched frame",
        backlash: 0.012,
        rotor_in_play: None,
        battery: [11.6, 0.12],
        imu_height: 0.05,
        counts_per_revolution: 1920.0,
        calm: [0.05, 0.5],
    },
    Known {
        name: "balboa_32u4",
        about: "Pololu Balboa 32U4, 80 mm wheels, as identified by qoopen0815/BalboaRobotics",
        backlash: 0.012,
        rotor_in_play: None,
        battery: [7.6, 0.15],
        imu_height: 0.02,
        counts_per_revolution: 1321.2,
        calm: [0.15, 3.0],
    },
    Known {
        name: "nxtway_gs",
        about: "LEGO NXTway-GS (Yamamoto 2008), NXT motors with 360-count encoders",
        backlash: 0.03,
        // MinSeg's figure of the same motor; the pendulum has Yamamoto's guess.
        rotor_in_play: Some(1e-3),
        battery: [8.2, 0.25],
        imu_height: 0.08,
        counts_per_revolution: 360.0,
        calm: [0.05, 0.8],
    },
    Known {
        name: STEPPERS,
        about: "two 42 mm stepper motors in sixteenths of a step, in the manner of the B-ROBOT",
        backlash: 0.0,
        rotor_in_play: None,
        battery: [11.6, 0.12],
        imu_height: 0.1,
        counts_per_revolution: 3200.0,
        // It hums: the body swings on its rotors, at 36 Hz and by a tenth of a degree.
        calm: [0.05, 1.5],
    },
];

impl Known {
    fn robot(&self) -> Robot {
        let RobotParameters {
            mut body,
            mut motor,
        } = measured::<f64>(self.name);
        let stepper = (self.name == STEPPERS).then(StepperRobotParameters::<f64>::stepper_kit);
        if let Some(stepper) = &stepper {
            body = stepper.body;
        }
        motor.inertia = self.rotor_in_play.unwrap_or(motor.inertia);
        let [open_circuit, resistance] = self.battery;
        Robot {
            name: self.name,
            body,
            motor: MotorParameters {
                motor,
                backlash: self.backlash,
                dead_duty: 0.01,
            },
            stepper: stepper.map(|parameters| parameters.wheel),
            battery: Battery {
                open_circuit,
                resistance,
            },
            imu_height: self.imu_height,
            counts_per_revolution: self.counts_per_revolution,
            calm: self.calm,
        }
    }
}

/// Names of all robots.
pub fn names() -> Vec<&'static str> {
    KNOWN.iter().map(|robot| robot.name).collect()
}

/// Names of those with geared motors.
pub fn geared() -> Vec<&'static str> {
    let names = names().into_iter();
    names.filter(|name| *name != STEPPERS).collect()
}

/// The robot of that name.
pub fn find(name: &str) -> Option<Robot> {
    let known = KNOWN.iter().find(|robot| robot.name == name);
    known.map(Known::robot)
}

/// One line about a robot.
pub fn describe(name: &str) -> &'static str {
    let known = KNOWN.iter().find(|robot| robot.name == name);
    known.map_or("", |robot| robot.about)
}
