//! Robots that are known in every number.
//!
//! Balance gains are those of [`RobotConfig::with_state_feedback`] with the robot's own
//! [`RobotParameters`](super::RobotParameters).

use super::calibration::CalibrationConfig;
use super::config::{BalanceConfig, Chassis, CommandLimits, EstimatorConfig, Limits, RobotConfig};
use crate::control::pid::PidConfig;
use crate::control::state_feedback::StateFeedbackConfig;
use crate::estimation::robot_tilt::RobotTiltConfig;
use crate::math::Float;
use crate::motor::duty_map::DutyMapConfig;
use crate::sensor::{ImuScale, Mounting, STANDARD_GRAVITY};

/// An MPU-6050 at ±4 g, 8192 counts per g, and so many counts per °/s: 65.5 at ±500 °/s, 16.4 at
/// ±2000 °/s (RM-MPU-6000A).
const fn mpu6050(counts_per_degree: f64) -> ImuScale {
    ImuScale {
        accel: (STANDARD_GRAVITY / 8192.0) as f32,
        gyro: (core::f64::consts::PI / 180.0 / counts_per_degree) as f32,
    }
}

/// What differs from robot to robot.
struct Body {
    wheel_radius: f64,
    sensor_height: f64,
    track: f64,
    counts: f64,
    gain: [f64; 4],
    turn: [f64; 2],
    friction_voltage: f64,
    gyro_counts: f64,
    acceleration: f64,
    position_lag: f64,
    battery: [f64; 3],
    speed: f64,
}

fn robot<P: Float>(body: &Body) -> RobotConfig<P> {
    let [low, nominal, full] = body.battery;
    let [turn_kp, turn_ki] = body.turn.map(P::lit);
    RobotConfig {
        period: P::lit(0.001),
        chassis: Chassis {
            wheel_radius: P::lit(body.wheel_radius),
            track: P::lit(body.track),
            counts_per_revolution: P::lit(body.counts),
            speed_time_constant: P::lit(0.006),
        },
        imu_scale: mpu6050(body.gyro_counts),
        mounting: Mounting::default(),
        estimator: EstimatorConfig::Wheels(RobotTiltConfig {
            sensor_height: P::lit(body.sensor_height),
            ..Default::default()
        }),
        balance: BalanceConfig::StateFeedback(StateFeedbackConfig {
            gain: body.gain.map(P::lit),
            output_min: P::lit(-full),
            output_max: P::lit(full),
            ..Default::default()
        }),
        turn: PidConfig {
            kp: turn_kp,
            ki: turn_ki,
            output_min: P::lit(-0.4 * low),
            output_max: P::lit(0.4 * low),
            ..Default::default()
        },
        drive: DutyMapConfig {
            friction_voltage: P::lit(body.friction_voltage),
            friction_blend: P::lit(0.3),
            nominal_battery: P::lit(nominal),
            min_battery: P::lit(0.6 * low),
            max_battery: P::lit(1.2 * full),
            max_duty: P::one(),
        },
        command: CommandLimits {
            speed: P::lit(body.speed),
            acceleration: P::lit(body.acceleration),
            turn: P::lit(3.0),
            position_lag: P::lit(body.position_lag),
        },
        limits: Limits {
            low_battery_millivolts: (low * 1000.0) as u16,
            ..Default::default()
        },
        calibration: CalibrationConfig::default(),
    }
}

impl<P: Float> RobotConfig<P> {
    /// The robot of `examples/pico`: two Pololu 37D 30:1 motors with 64-count encoders on 80 mm
    /// wheels, an MPU-6050, three lithium cells. The motors are those of the data sheet; masses
    /// and lengths are of a sketch, so weigh your own.
    pub fn pico_kit() -> Self {
        robot(&Body {
            wheel_radius: 0.04,
            sensor_height: 0.09,
            track: 0.18,
            counts: 1920.0,
            gain: [-10.800, -25.592, -22.190, -2.724],
            turn: [1.0, 6.0],
            friction_voltage: 0.3,
            gyro_counts: 65.5,
            acceleration: 0.8,
            position_lag: 0.15,
            battery: [9.0, 11.1, 12.6],
            speed: 0.5,
        })
    }

    /// Pololu Balboa 32U4 with 80 mm wheels and 110:1 gears (parameters identified by
    /// `qoopen0815/BalboaRobotics` at 8df6f55); six NiMH cells; encoders of 12 counts a turn.
    pub fn balboa_32u4() -> Self {
        robot(&Body {
            wheel_radius: 0.04,
            sensor_height: 0.06,
            track: 0.107,
            counts: 1321.2,
            gain: [-10.334, -11.807, -22.869, -0.863],
            turn: [0.6, 4.0],
            friction_voltage: 0.3,
            gyro_counts: 16.4,
            acceleration: 0.4,
            position_lag: 0.4,
            battery: [5.4, 7.2, 8.4],
            speed: 0.3,
        })
    }

    /// LEGO NXTway-GS (Y. Yamamoto, 2008) with its NXT motors and their 360-count encoders, six
    /// cells.
    pub fn nxtway_gs() -> Self {
        robot(&Body {
            wheel_radius: 0.04,
            sensor_height: 0.12,
            track: 0.14,
            counts: 360.0,
            gain: [-10.705, -29.386, -30.030, -2.768],
            turn: [0.6, 4.0],
            friction_voltage: 0.1,
            gyro_counts: 65.5,
            acceleration: 0.8,
            position_lag: 0.15,
            battery: [6.5, 8.0, 9.6],
            speed: 0.4,
        })
    }
}
