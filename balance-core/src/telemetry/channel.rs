//! What can be told of a tick, by name.

use crate::math::{Float, Scalar};
use crate::motor::Drive;
use crate::robot::{Inputs, Outputs};
use crate::time::Instant;

/// A tick, as the loop leaves it behind: copies, nothing computed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Snapshot<T> {
    /// When the tick was.
    pub at: Instant,
    /// Counts of both encoders.
    pub encoders: [i32; 2],
    /// Battery voltage in mV.
    pub battery_millivolts: Option<u16>,
    /// What the robot answered.
    pub outputs: Outputs<T>,
}

impl<T: Copy> Snapshot<T> {
    /// Of a tick at this time.
    pub fn new(at: Instant, inputs: &Inputs<T>, outputs: &Outputs<T>) -> Self {
        Self {
            at,
            encoders: inputs.encoders.value,
            battery_millivolts: inputs.battery_millivolts,
            outputs: *outputs,
        }
    }
}

/// A number that can be told of each tick.
#[derive(Clone, Copy, Debug)]
pub struct Channel<T: 'static> {
    /// Its name.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    read: fn(&Snapshot<T>) -> f32,
}

impl<T> Channel<T> {
    /// Its value in a tick; what is not known is zero.
    pub fn of(&self, snapshot: &Snapshot<T>) -> f32 {
        (self.read)(snapshot)
    }
}

macro_rules! channels {
    ($($name:literal, $unit:literal, |$s:ident| $value:expr;)+) => {
        &[$(Channel { name: $name, unit: $unit, read: |$s| $value }),+]
    };
}

fn number<T: Scalar>(value: T) -> f32 {
    value.to_param().to_f64() as f32
}

fn duty<T: Scalar>(drive: Drive<T>) -> f32 {
    match drive {
        Drive::Duty(duty) => number(duty),
        Drive::Coast | Drive::Brake => 0.0,
    }
}

impl<T: Scalar> Snapshot<T> {
    /// All channels, in the order of their indices.
    pub const CHANNELS: &'static [Channel<T>] = channels! {
        "pitch", "rad", |s| number(s.outputs.record.pitch);
        "pitch_rate", "rad/s", |s| number(s.outputs.record.pitch_rate);
        "position", "m", |s| number(s.outputs.record.position);
        "speed", "m/s", |s| number(s.outputs.record.speed);
        "yaw_rate", "rad/s", |s| number(s.outputs.record.yaw_rate);
        "drive_voltage", "V", |s| number(s.outputs.record.drive_voltage);
        "turn_voltage", "V", |s| number(s.outputs.record.turn_voltage);
        "left_duty", "1", |s| duty(s.outputs.left);
        "right_duty", "1", |s| duty(s.outputs.right);
        "left_count", "1", |s| s.encoders[0] as f32;
        "right_count", "1", |s| s.encoders[1] as f32;
        "battery", "V", |s| f32::from(s.battery_millivolts.unwrap_or(0)) / 1000.0;
        "state", "1", |s| f32::from(s.outputs.state as u8);
        "period", "us", |s| s.outputs.record.period_micros as f32;
        "late_ticks", "1", |s| s.outputs.record.late_ticks as f32;
        "bad_samples", "1", |s| s.outputs.record.bad_samples as f32;
    };

    /// The index of the channel of this name.
    pub fn channel(name: &str) -> Option<usize> {
        Self::CHANNELS
            .iter()
            .position(|channel| channel.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;
    use crate::robot::{Record, State};
    use crate::telemetry::MAX_CHANNELS;

    fn snapshot<T: Scalar>() -> Snapshot<T> {
        Snapshot {
            at: Instant::from_micros(5),
            encoders: [-7, 9],
            battery_millivolts: Some(11_100),
            outputs: Outputs {
                left: Drive::Duty(T::lit(-0.5)),
                right: Drive::Brake,
                state: State::Balancing,
                record: Record {
                    pitch: T::lit(0.125),
                    speed: T::lit(-1.5),
                    period_micros: 1002,
                    ..Default::default()
                },
                ..Default::default()
            },
        }
    }

    fn reads_each_by_its_name<T: Scalar>() {
        let snapshot = snapshot::<T>();
        for (name, value) in [
            ("pitch", 0.125),
            ("speed", -1.5),
            ("left_duty", -0.5),
            ("right_duty", 0.0),
            ("left_count", -7.0),
            ("right_count", 9.0),
            ("battery", 11.1),
            ("state", 3.0),
            ("period", 1002.0),
        ] {
            let index = Snapshot::<T>::channel(name).unwrap();
            assert_eq!(Snapshot::CHANNELS[index].of(&snapshot), value, "{name}");
        }
        assert_eq!(Snapshot::<T>::channel("nonsense"), None);
    }

    #[test]
    fn channels_are_the_same_in_every_scalar_type() {
        reads_each_by_its_name::<f32>();
        reads_each_by_its_name::<f64>();
        reads_each_by_its_name::<Q12>();
    }

    #[test]
    fn a_frame_has_room_for_all() {
        assert!(Snapshot::<f32>::CHANNELS.len() <= MAX_CHANNELS);
    }
}
