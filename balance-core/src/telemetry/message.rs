//! What travels in a frame.

use super::channel::Snapshot;
use crate::math::Scalar;
use crate::robot::{State, Stop};
use heapless::Vec;
use serde::{Deserialize, Serialize};

/// The largest number of channels in a record; [`Message::Record`] has a bit for each.
pub const MAX_CHANNELS: usize = 32;

/// What the robot tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Message<'a> {
    /// Who speaks: at the start, and when asked.
    Hello {
        /// Name and version of the firmware.
        firmware: &'a str,
        /// Scalar type of the robot: `f32`, `Q12`.
        scalar: &'a str,
        /// Nominal period of the loop, in µs.
        period_micros: u32,
        /// How many channels there are.
        channels: u8,
    },
    /// What a channel is.
    Channel {
        /// Its bit in [`Message::Record`].
        index: u8,
        /// Its name.
        name: &'a str,
        /// Its unit.
        unit: &'a str,
    },
    /// A tick.
    Record {
        /// Counts records from zero, those that were dropped included; wraps.
        sequence: u32,
        /// When, in µs since the robot started.
        micros: u64,
        /// One bit for each channel whose value follows.
        channels: u32,
        /// The values, in the order of the bits.
        values: Vec<f32, MAX_CHANNELS>,
    },
    /// The state has changed.
    State {
        /// When, in µs.
        micros: u64,
        /// The new state, as [`State::name`].
        state: &'a str,
        /// Why the robot is not balancing, as [`Stop::name`]; empty if it is.
        stop: &'a str,
    },
    /// So many records were dropped since the last one that was sent.
    Dropped {
        /// How many.
        count: u32,
    },
}

impl Message<'_> {
    /// Of a tick: the channels that are asked for, of those that exist.
    pub fn record<T: Scalar>(sequence: u32, channels: u32, snapshot: &Snapshot<T>) -> Self {
        let mut values = Vec::new();
        let mut told = 0;
        for (index, channel) in Snapshot::<T>::CHANNELS.iter().enumerate() {
            let bit = 1_u32 << index;
            if channels & bit != 0 && values.push(channel.of(snapshot)).is_ok() {
                told |= bit;
            }
        }
        Self::Record {
            sequence,
            micros: snapshot.at.as_micros(),
            channels: told,
            values,
        }
    }

    /// Of a change of state.
    pub fn state(micros: u64, state: State, stop: Option<Stop>) -> Self {
        Self::State {
            micros,
            state: state.name(),
            stop: stop.map_or("", Stop::name),
        }
    }

    /// What the channel of this index is; `None` if there is none.
    pub fn channel<T: Scalar>(index: usize) -> Option<Self> {
        let channel = Snapshot::<T>::CHANNELS.get(index)?;
        Some(Self::Channel {
            index: u8::try_from(index).ok()?,
            name: channel.name,
            unit: channel.unit,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_holds_what_was_asked_for_in_the_order_of_the_bits() {
        let mut snapshot = Snapshot::<f32>::default();
        snapshot.outputs.record.pitch = 0.5;
        snapshot.outputs.record.speed = 2.0;
        let Message::Record {
            channels, values, ..
        } = Message::record(7, 0b1001 | 1 << 31, &snapshot)
        else {
            unreachable!("a record");
        };
        assert_eq!(channels, 0b1001);
        assert_eq!(values[..], [0.5, 2.0]);
    }

    #[test]
    fn every_channel_can_be_told() {
        for index in 0..Snapshot::<f32>::CHANNELS.len() {
            assert!(Message::channel::<f32>(index).is_some());
        }
        assert_eq!(Message::channel::<f32>(MAX_CHANNELS), None);
    }
}
