//! What simulator and processor tell each other: records of fixed size, little-endian, laid out as C
//! lays out the structures of `examples/c/closed_loop/wire.h`. Both sides compile this file.
//!
//! The processor says [`hello`]; the simulator says which robot shall be in which number type
//! ([`begin`]); then each [`request`] gets an [`answer`]. All numbers go as `f64`, in which `f32` and
//! fixed point are exact: what is equal on the wire is equal in every bit.
#![allow(dead_code, reason = "each side says one half and hears the other")]

use balance_core::math::{Float, Real, Scalar};
use balance_core::motor::Drive;
use balance_core::robot::{Command, Inputs, Outputs, Stop};
use balance_core::sensor::{Health, ImuCounts, Sample};
use balance_core::time::Instant;

/// The number types, in the order of their numbers.
pub const SCALARS: [&str; 3] = ["f32", "f64", "fixed"];
/// The robots, in the order of their numbers.
pub const ROBOTS: [&str; 3] = ["pico_kit", "balboa_32u4", "nxtway_gs"];

/// Bytes of the greeting.
pub const HELLO: usize = 8;
/// Bytes that begin a run.
pub const BEGIN: usize = 4;
/// Bytes of a tick's inputs.
pub const REQUEST: usize = 48;
/// Bytes of a tick's outputs.
pub const ANSWER: usize = 56;
/// So many bytes of an answer must be the host's; the rest is what the tick has cost.
pub const COMPARED: usize = 52;

const NAME: [u8; 7] = *b"balance";
const VERSION: u8 = 1;

/// The greeting of a processor that knows the number types whose bits are set.
pub fn hello(scalars: u8) -> [u8; HELLO] {
    let [a, b, c, d, e, f, g] = NAME;
    [a, b, c, d, e, f, g, scalars]
}

/// The number types of a greeting; `None` if it is none.
pub fn greeted(bytes: [u8; HELLO]) -> Option<u8> {
    let [name @ .., scalars] = bytes;
    (name == NAME).then_some(scalars)
}

/// Begins a run of the robot and number type of these numbers.
pub fn begin(robot: u8, scalar: u8) -> [u8; BEGIN] {
    [VERSION, robot, scalar, 0]
}

/// Robot and number type of a run; `None` if the simulator speaks another language.
pub fn begun(bytes: [u8; BEGIN]) -> Option<(u8, u8)> {
    let [version, robot, scalar, _] = bytes;
    (version == VERSION).then_some((robot, scalar))
}

const IMU: u8 = 1;
const ENCODERS: u8 = 2;
const BATTERY: u8 = 4;
const ARM: u8 = 8;

/// The inputs of the tick at `now`; the commands as the driver gave them.
pub fn request(now: Instant, inputs: &Inputs<f64>, count: u8) -> [u8; REQUEST] {
    let flag = |bit: u8, set: bool| if set { bit } else { 0 };
    let flags = flag(IMU, inputs.imu.health == Health::Good)
        | flag(ENCODERS, inputs.encoders.health == Health::Good)
        | flag(BATTERY, inputs.battery_millivolts.is_some())
        | flag(ARM, inputs.command.arm);
    let ImuCounts { accel, gyro, .. } = inputs.imu.value;
    let mut bytes = [0; REQUEST];
    let mut rest = bytes.as_mut_slice();
    put(&mut rest, now.as_micros().to_le_bytes());
    put(&mut rest, inputs.command.speed.to_le_bytes());
    put(&mut rest, inputs.command.turn.to_le_bytes());
    for count in inputs.encoders.value {
        put(&mut rest, count.to_le_bytes());
    }
    for axis in accel.into_iter().chain(gyro) {
        put(&mut rest, axis.to_le_bytes());
    }
    put(
        &mut rest,
        inputs.battery_millivolts.unwrap_or(0).to_le_bytes(),
    );
    put(&mut rest, [flags, count]);
    bytes
}

/// A request as the moment and inputs of its tick, and its count.
pub fn requested<T: Real>(bytes: &[u8; REQUEST]) -> (Instant, Inputs<T>, u8) {
    let mut rest = bytes.as_slice();
    let now = Instant::from_micros(u64::from_le_bytes(take(&mut rest)));
    let mut command = || T::from_param(T::Param::lit(f64::from_le_bytes(take(&mut rest))));
    let (speed, turn) = (command(), command());
    let encoders = [(); 2].map(|()| i32::from_le_bytes(take(&mut rest)));
    let mut axes = || [(); 3].map(|()| i16::from_le_bytes(take(&mut rest)));
    let counts = ImuCounts {
        accel: axes(),
        gyro: axes(),
        ..ImuCounts::default()
    };
    let battery = u16::from_le_bytes(take(&mut rest));
    let [flags, count] = take(&mut rest);
    let has = |bit: u8| flags & bit != 0;
    let inputs = Inputs {
        imu: sample(has(IMU), now, counts),
        encoders: sample(has(ENCODERS), now, encoders),
        battery_millivolts: has(BATTERY).then_some(battery),
        command: Command {
            arm: has(ARM),
            speed,
            turn,
        },
    };
    (now, inputs, count)
}

/// The outputs of the tick that answers the request of this count, and what it has cost.
pub fn answer<T: Real>(outputs: &Outputs<T>, count: u8, cost: u32) -> [u8; ANSWER] {
    let record = &outputs.record;
    let powered = |drive: Drive<T>| drive != Drive::Coast;
    let duty = |drive: Drive<T>| match drive {
        Drive::Duty(duty) => duty,
        Drive::Coast | Drive::Brake => T::zero(),
    };
    let motors = u8::from(powered(outputs.left)) | u8::from(powered(outputs.right)) << 1;
    let stop = outputs.stop.map_or(0, |stop| {
        let place = STOPS.iter().position(|known| *known == stop);
        place.map_or(u8::MAX, |place| place as u8 + 1)
    });
    let mut bytes = [0; ANSWER];
    let mut rest = bytes.as_mut_slice();
    for number in [
        duty(outputs.left),
        duty(outputs.right),
        record.pitch,
        record.pitch_rate,
        record.position,
        record.speed,
    ] {
        put(&mut rest, number.to_param().to_f64().to_le_bytes());
    }
    put(&mut rest, [outputs.state as u8, stop, motors, count]);
    put(&mut rest, cost.to_le_bytes());
    bytes
}

/// What the bridges get, left and right: a duty, or `None` for no power; and what the tick has cost.
pub fn answered(bytes: &[u8; ANSWER]) -> ([Option<f64>; 2], u32) {
    let mut rest = bytes.as_slice();
    let duties = [(); 2].map(|()| f64::from_le_bytes(take(&mut rest)));
    let _record: [u8; 32] = take(&mut rest);
    let [_state, _stop, motors, _count] = take(&mut rest);
    let cost = u32::from_le_bytes(take(&mut rest));
    let [left, right] = duties;
    let powered = |bit: u8, duty| (motors & bit != 0).then_some(duty);
    ([powered(1, left), powered(2, right)], cost)
}

/// Numbered from one, as in the C interface.
const STOPS: [Stop; 12] = [
    Stop::NotArmed,
    Stop::Moving,
    Stop::TiltedAtStart,
    Stop::Tilt,
    Stop::SensorStale,
    Stop::SensorFrozen,
    Stop::SensorSaturated,
    Stop::SensorImplausible,
    Stop::Encoder,
    Stop::Runaway,
    Stop::Overrun,
    Stop::LowBattery,
];

fn sample<V>(good: bool, now: Instant, value: V) -> Sample<V> {
    if good {
        Sample::good(now, value)
    } else {
        Sample::failed(now, value)
    }
}

fn put<const N: usize>(rest: &mut &mut [u8], field: [u8; N]) {
    if let Some((place, behind)) = core::mem::take(rest).split_first_chunk_mut() {
        *place = field;
        *rest = behind;
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let Some((field, behind)) = rest.split_first_chunk() else {
        return [0; N];
    };
    *rest = behind;
    *field
}
