//! A tick and a fault in a few words, in which any pattern of bits means something.

use super::channel::Snapshot;
use crate::math::Scalar;
use crate::motor::Drive;
use crate::robot::{Fault, Outputs, Record, State, Stop};
use crate::time::Instant;

/// Words of a packed tick.
pub(super) const TICK_WORDS: usize = 10;
/// Words of a packed fault.
pub(super) const FAULT_WORDS: usize = 9;

const STATES: [State; 6] = [
    State::Disarmed,
    State::Calibrating,
    State::Ready,
    State::Balancing,
    State::Fallen,
    State::Faulted,
];

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

/// Place in the list, from one; zero for none.
fn stop_number(stop: Option<Stop>) -> u32 {
    let place = |stop| STOPS.iter().position(|known| *known == stop);
    stop.and_then(place)
        .map_or(0, |place| (place as u32).saturating_add(1))
}

fn stop_of(number: u32) -> Option<Stop> {
    STOPS.get(number.checked_sub(1)? as usize).copied()
}

/// A quantity in thousandths, in 16 bits; saturates at ±32.767.
fn thousandths<T: Scalar>(value: T) -> u32 {
    let counts = value.to_counts(T::gain(T::Param::lit(1000.0)));
    let counts = counts.clamp(i32::from(i16::MIN), i32::from(i16::MAX));
    u32::from((counts as i16).cast_unsigned())
}

fn from_thousandths<T: Scalar>(word: u32) -> T {
    let counts = (word as u16).cast_signed();
    T::lit(f64::from(counts) / 1000.0)
}

fn duty<T: Scalar>(drive: Drive<T>) -> T {
    match drive {
        Drive::Duty(duty) => duty,
        Drive::Coast | Drive::Brake => T::zero(),
    }
}

const fn pair(low: u32, high: u32) -> u32 {
    low | high << 16
}

/// The tick as words; quantities in thousandths of their unit.
pub(super) fn pack<T: Scalar>(snapshot: &Snapshot<T>) -> [u32; TICK_WORDS] {
    let outputs = &snapshot.outputs;
    let record = &outputs.record;
    let micros = snapshot.at.as_micros();
    let [left, right] = snapshot.encoders;
    let battery = u32::from(snapshot.battery_millivolts.unwrap_or(0));
    let state = outputs.state as u32 | stop_number(outputs.stop) << 8;
    [
        micros as u32,
        (micros >> 32) as u32,
        left.cast_unsigned(),
        right.cast_unsigned(),
        pair(thousandths(record.pitch), thousandths(record.pitch_rate)),
        pair(thousandths(record.position), thousandths(record.speed)),
        pair(
            thousandths(record.yaw_rate),
            thousandths(record.drive_voltage),
        ),
        pair(
            thousandths(record.turn_voltage),
            thousandths(duty(outputs.left)),
        ),
        pair(thousandths(duty(outputs.right)), battery),
        pair(state, record.period_micros.min(0xffff)),
    ]
}

/// The tick of words; whatever they are, it is one.
pub(super) fn unpack<T: Scalar>(words: [u32; TICK_WORDS]) -> Snapshot<T> {
    let [
        low,
        high,
        left,
        right,
        pitch,
        position,
        yaw,
        turn,
        duty,
        state,
    ] = words;
    Snapshot {
        at: Instant::from_micros(u64::from(high) << 32 | u64::from(low)),
        encoders: [left.cast_signed(), right.cast_signed()],
        battery_millivolts: Some((duty >> 16) as u16),
        outputs: Outputs {
            left: Drive::Duty(from_thousandths(turn >> 16)),
            right: Drive::Duty(from_thousandths(duty)),
            state: STATES
                .get((state & 0xff) as usize)
                .copied()
                .unwrap_or_default(),
            stop: stop_of(state >> 8 & 0xff),
            record: Record {
                pitch: from_thousandths(pitch),
                pitch_rate: from_thousandths(pitch >> 16),
                position: from_thousandths(position),
                speed: from_thousandths(position >> 16),
                yaw_rate: from_thousandths(yaw),
                drive_voltage: from_thousandths(yaw >> 16),
                turn_voltage: from_thousandths(turn),
                period_micros: state >> 16,
                ..Default::default()
            },
        },
    }
}

/// A fault as words; the first is not zero.
pub(super) fn pack_fault(fault: &Fault) -> [u32; FAULT_WORDS] {
    let micros = fault.at.as_micros();
    [
        stop_number(Some(fault.stop)),
        micros as u32,
        (micros >> 32) as u32,
        fault.pitch.to_bits(),
        fault.pitch_rate.to_bits(),
        fault.speed.to_bits(),
        fault
            .battery_millivolts
            .map_or(0, |millivolts| 1 << 16 | u32::from(millivolts)),
        fault.period_micros,
        fault.bad_samples,
    ]
}

/// The fault of words, unless they are none.
pub(super) fn unpack_fault(words: [u32; FAULT_WORDS]) -> Option<Fault> {
    let [
        stop,
        low,
        high,
        pitch,
        pitch_rate,
        speed,
        battery,
        period_micros,
        bad_samples,
    ] = words;
    let finite = |bits| Some(f32::from_bits(bits)).filter(|value| value.is_finite());
    Some(Fault {
        at: Instant::from_micros(u64::from(high) << 32 | u64::from(low)),
        stop: stop_of(stop)?,
        pitch: finite(pitch)?,
        pitch_rate: finite(pitch_rate)?,
        speed: finite(speed)?,
        battery_millivolts: (battery >> 16 == 1).then_some(battery as u16),
        period_micros,
        bad_samples,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{Q12, Real};
    use proptest::prelude::*;

    fn every_channel_comes_back<T: Real>() {
        let number = |value: f64| T::lit(value);
        let snapshot = Snapshot {
            at: Instant::from_micros(1 << 33 | 7),
            encoders: [-70_000, 90_000],
            battery_millivolts: Some(11_123),
            outputs: Outputs {
                left: Drive::Duty(number(-0.5)),
                right: Drive::Duty(number(0.25)),
                state: State::Faulted,
                stop: Some(Stop::LowBattery),
                record: Record {
                    pitch: number(-0.125),
                    pitch_rate: number(31.5),
                    position: number(-3.0),
                    speed: number(1.5),
                    yaw_rate: number(-2.25),
                    drive_voltage: number(11.5),
                    turn_voltage: number(-1.0),
                    period_micros: 1017,
                    ..Default::default()
                },
            },
        };
        let back = unpack::<T>(pack(&snapshot));
        assert_eq!(back.at, snapshot.at);
        assert_eq!(back.outputs.stop, snapshot.outputs.stop);
        for channel in Snapshot::<T>::CHANNELS {
            let (found, told) = (channel.of(&back), channel.of(&snapshot));
            assert!((found - told).abs() < 0.001, "{}: {found}", channel.name);
        }
    }

    #[test]
    fn every_channel_comes_back_in_every_scalar_type() {
        every_channel_comes_back::<f32>();
        every_channel_comes_back::<f64>();
        every_channel_comes_back::<Q12>();
    }

    #[test]
    fn what_is_too_large_saturates() {
        let mut snapshot = Snapshot::<f32>::default();
        snapshot.outputs.record.position = -1000.0;
        snapshot.outputs.record.period_micros = 1_000_000;
        let back = unpack::<f32>(pack(&snapshot));
        assert_eq!(back.outputs.record.position, -32.768);
        assert_eq!(back.outputs.record.period_micros, 0xffff);
    }

    #[test]
    fn every_stop_has_its_number() {
        for (place, stop) in STOPS.into_iter().enumerate() {
            assert_eq!(stop_number(Some(stop)), place as u32 + 1);
            assert_eq!(stop_of(place as u32 + 1), Some(stop));
        }
        assert_eq!(
            (stop_number(None), stop_of(0), stop_of(13)),
            (0, None, None)
        );
        for (place, state) in STATES.into_iter().enumerate() {
            assert_eq!(state as usize, place);
        }
    }

    proptest! {
        #[test]
        fn noise_is_a_tick_and_a_fault_or_none(words in any::<[u32; TICK_WORDS]>()) {
            let snapshot = unpack::<Q12>(words);
            for channel in Snapshot::<Q12>::CHANNELS {
                prop_assert!(channel.of(&snapshot).is_finite());
            }
            let fault: [u32; FAULT_WORDS] = core::array::from_fn(|index| words[index]);
            if let Some(fault) = unpack_fault(fault) {
                let again = unpack_fault(pack_fault(&fault)).unwrap();
                prop_assert_eq!(again, fault);
            }
        }
    }
}
