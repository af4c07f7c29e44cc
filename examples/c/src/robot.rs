//! The whole balancing robot.

use crate::handle::{get, handle, put, read, text, write};
use crate::status::balance_status::{
    self, BALANCE_ARMED, BALANCE_OK, BALANCE_OUT_OF_RANGE, BALANCE_UNKNOWN,
};
use balance_core::math::{Float, Q12, Scalar};
use balance_core::motor::Drive;
use balance_core::params::{Parameters, SetError};
use balance_core::robot::{Command, Inputs, Outputs, Robot, RobotConfig, State, Stop};
use balance_core::sensor::{ImuCounts, Sample};
use balance_core::time::Instant;
use core::ffi::c_char;

handle!(
    /// Everything about one robot; its numbers have names, as in `balance.pitch`.
    balance_robot_config, Parameters<f32>, 320
);
handle!(
    /// A balancing robot that computes in single precision: for chips with an FPU.
    balance_robot_f32, Robot<f32>, 200
);
handle!(
    /// A balancing robot that computes in saturating fixed point: for chips without one.
    balance_robot_fixed, Robot<Q12>, 220
);

/// The longest name of a parameter.
const NAME: usize = 64;

/// Robots that are known in every number.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "made by the caller")]
pub enum balance_robot_preset {
    /// Two Pololu 37D motors, 80 mm wheels, MPU-6050, three lithium cells.
    BALANCE_ROBOT_PICO_KIT = 0,
    /// Pololu Balboa 32U4.
    BALANCE_ROBOT_BALBOA_32U4 = 1,
    /// LEGO NXTway-GS.
    BALANCE_ROBOT_NXTWAY_GS = 2,
}

/// Begins with a robot that is known, one of `balance_robot_preset`.
#[unsafe(no_mangle)]
pub extern "C" fn balance_robot_config_init(
    config: *mut balance_robot_config,
    preset: i32,
) -> balance_status {
    let robot = match preset {
        0 => RobotConfig::pico_kit(),
        1 => RobotConfig::balboa_32u4(),
        2 => RobotConfig::nxtway_gs(),
        _ => return BALANCE_UNKNOWN,
    };
    put(config, Parameters::new(robot))
}

/// Changes a number by its name, if a robot can be built with it.
#[unsafe(no_mangle)]
pub extern "C" fn balance_robot_config_set(
    config: *mut balance_robot_config,
    name: *const c_char,
    value: f32,
) -> balance_status {
    let (Ok(parameters), Some(name)) = (get(config), text::<NAME>(name)) else {
        return get(config).err().unwrap_or(BALANCE_UNKNOWN);
    };
    match parameters.set::<Q12>(name, value, State::Disarmed, Instant::from_micros(0)) {
        Ok(()) => BALANCE_OK,
        Err(SetError::OutOfRange) => BALANCE_OUT_OF_RANGE,
        Err(SetError::Armed) => BALANCE_ARMED,
        Err(SetError::Refused(error)) => error.into(),
        Err(_) => BALANCE_UNKNOWN,
    }
}

/// Reads a number by its name.
#[unsafe(no_mangle)]
pub extern "C" fn balance_robot_config_get(
    config: *mut balance_robot_config,
    name: *const c_char,
    value: *mut f32,
) -> balance_status {
    let (Ok(parameters), Some(name)) = (get(config), text::<NAME>(name)) else {
        return get(config).err().unwrap_or(BALANCE_UNKNOWN);
    };
    match parameters.get(name) {
        Ok(found) => write(value, found),
        Err(_) => BALANCE_UNKNOWN,
    }
}

/// What the sensors said, and what the driver wants.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct balance_robot_inputs {
    /// Microseconds since the clock started.
    pub now_us: u64,
    /// Accelerometer, in counts of the sensor.
    pub accel: [i16; 3],
    /// Gyroscope, in counts of the sensor.
    pub gyro: [i16; 3],
    /// Counts of the left and the right wheel; both grow when the robot drives forward.
    pub encoders: [i32; 2],
    /// Battery, in mV; below zero: not measured.
    pub battery_mv: i32,
    /// The inertial sensor was read.
    pub imu_ok: bool,
    /// The encoders were read.
    pub encoders_ok: bool,
    /// Motors may run. Taking it back clears a latched stop.
    pub arm: bool,
    /// Speed asked for, in m/s.
    pub speed: f32,
    /// Yaw rate asked for, to the left positive, in rad/s.
    pub turn: f32,
}

/// What the motors shall do, and how the robot is.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct balance_robot_outputs {
    /// Duty of the left motor, −1 to 1.
    pub left: f32,
    /// Duty of the right motor, −1 to 1.
    pub right: f32,
    /// The motors have power; both coast if not.
    pub powered: bool,
    /// 0 disarmed, 1 calibrating, 2 ready, 3 balancing, 4 fallen, 5 faulted.
    pub state: u8,
    /// Why it is not balancing: a number for `balance_robot_stop_text`; 0 if it is.
    pub stop: u8,
    /// Nose down, in rad.
    pub pitch: f32,
    /// Its rate, in rad/s.
    pub pitch_rate: f32,
    /// Speed, in m/s.
    pub speed: f32,
    /// Way since it began to balance, in m.
    pub position: f32,
}

fn inputs<T: Scalar>(from: &balance_robot_inputs) -> (Instant, Inputs<T>) {
    let now = Instant::from_micros(from.now_us);
    let number = |value: f32| T::from_param(T::Param::lit(f64::from(value)));
    let counts = ImuCounts {
        accel: from.accel,
        gyro: from.gyro,
        temperature: 0,
    };
    let inputs = Inputs {
        imu: if from.imu_ok {
            Sample::good(now, counts)
        } else {
            Sample::failed(now, counts)
        },
        encoders: if from.encoders_ok {
            Sample::good(now, from.encoders)
        } else {
            Sample::failed(now, from.encoders)
        },
        battery_millivolts: u16::try_from(from.battery_mv).ok(),
        command: Command {
            arm: from.arm,
            speed: number(from.speed),
            turn: number(from.turn),
        },
    };
    (now, inputs)
}

fn outputs<T: Scalar>(from: &Outputs<T>) -> balance_robot_outputs {
    let number = |value: T| value.to_param().to_f64() as f32;
    let duty = |drive: Drive<T>| match drive {
        Drive::Duty(duty) => number(duty),
        _ => 0.0,
    };
    let record = &from.record;
    balance_robot_outputs {
        left: duty(from.left),
        right: duty(from.right),
        powered: from.left != Drive::Coast || from.right != Drive::Coast,
        state: from.state as u8,
        stop: from.stop.map_or(0, code),
        pitch: number(record.pitch),
        pitch_rate: number(record.pitch_rate),
        speed: number(record.speed),
        position: number(record.position),
    }
}

macro_rules! robot {
    ($handle:ident, $scalar:ty, $init:ident, $tick:ident) => {
        /// Builds the robot, disarmed.
        #[unsafe(no_mangle)]
        pub extern "C" fn $init(
            robot: *mut $handle,
            config: *mut balance_robot_config,
        ) -> balance_status {
            let built = match get(config) {
                Ok(parameters) => parameters.config().build::<$scalar>(),
                Err(status) => return status,
            };
            match built {
                Ok(built) => put(robot, built),
                Err(error) => error.into(),
            }
        }

        /// One period: call it a thousand times a second. Motors off for a bad handle.
        #[unsafe(no_mangle)]
        pub extern "C" fn $tick(
            robot: *mut $handle,
            from: *const balance_robot_inputs,
        ) -> balance_robot_outputs {
            match (get(robot), read(from)) {
                (Ok(robot), Ok(from)) => {
                    let (now, inputs) = inputs(&from);
                    outputs(&robot.tick(now, &inputs))
                }
                _ => balance_robot_outputs::default(),
            }
        }
    };
}
robot!(
    balance_robot_f32,
    f32,
    balance_robot_f32_init,
    balance_robot_f32_tick
);
robot!(
    balance_robot_fixed,
    Q12,
    balance_robot_fixed_init,
    balance_robot_fixed_tick
);

/// Numbers of the reasons: new ones are added, none is ever changed.
fn code(stop: Stop) -> u8 {
    match stop {
        Stop::NotArmed => 1,
        Stop::Moving => 2,
        Stop::TiltedAtStart => 3,
        Stop::Tilt => 4,
        Stop::SensorStale => 5,
        Stop::SensorFrozen => 6,
        Stop::SensorSaturated => 7,
        Stop::SensorImplausible => 8,
        Stop::Encoder => 9,
        Stop::Runaway => 10,
        Stop::Overrun => 11,
        Stop::LowBattery => 12,
        _ => 255,
    }
}

/// A reason to stop, in words; never null.
#[unsafe(no_mangle)]
pub extern "C" fn balance_robot_stop_text(stop: u8) -> *const c_char {
    let text = match stop {
        0 => c"none",
        1 => c"not armed",
        2 => c"moving",
        3 => c"tilted at start",
        4 => c"tilt",
        5 => c"sensor stale",
        6 => c"sensor frozen",
        7 => c"sensor saturated",
        8 => c"sensor implausible",
        9 => c"encoder",
        10 => c"runaway",
        11 => c"overrun",
        12 => c"low battery",
        _ => c"unknown",
    };
    text.as_ptr()
}
