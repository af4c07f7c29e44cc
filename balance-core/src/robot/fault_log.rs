//! The latest stops, with the values that led to them.

use super::signals::{Inputs, Outputs};
use super::supervisor::{State, Stop};
use crate::math::{Float, Scalar};
use crate::time::Instant;

/// Stops that a [`FaultLog`] keeps.
pub const FAULTS_KEPT: usize = 8;

/// A stop of a robot that was armed: when, why, and how it was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault {
    /// When.
    pub at: Instant,
    /// Why.
    pub stop: Stop,
    /// Pitch, in rad.
    pub pitch: f32,
    /// Pitch rate, in rad/s.
    pub pitch_rate: f32,
    /// Speed, in m/s.
    pub speed: f32,
    /// Battery, in mV.
    pub battery_millivolts: Option<u16>,
    /// Microseconds from the tick before.
    pub period_micros: u32,
    /// Readings that could not be believed, since start.
    pub bad_samples: u32,
}

/// Keeps the latest stops. Give it each tick.
///
/// ```
/// use balance_core::robot::{FaultLog, Inputs, Outputs, State, Stop};
/// use balance_core::time::Instant;
/// let mut log = FaultLog::default();
/// let fallen = Outputs { state: State::Fallen, stop: Some(Stop::Tilt), ..Default::default() };
/// for tick in 0..1000 {
///     log.step(Instant::from_micros(1000 * tick), &Inputs::<f32>::default(), &fallen);
/// }
/// assert_eq!(log.get(0).map(|fault| fault.stop), Some(Stop::Tilt));
/// assert_eq!(log.get(1), None);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct FaultLog {
    faults: [Option<Fault>; FAULTS_KEPT],
    stopped: bool,
}

impl FaultLog {
    /// Looks at a tick.
    #[inline]
    pub fn step<T: Scalar>(&mut self, at: Instant, inputs: &Inputs<T>, outputs: &Outputs<T>) {
        let stopped = matches!(outputs.state, State::Fallen | State::Faulted);
        if stopped && !self.stopped {
            self.keep(at, inputs, outputs);
        }
        self.stopped = stopped;
    }

    #[cold]
    fn keep<T: Scalar>(&mut self, at: Instant, inputs: &Inputs<T>, outputs: &Outputs<T>) {
        let Some(stop) = outputs.stop else {
            return;
        };
        let record = &outputs.record;
        let number = |value: T| value.to_param().to_f64() as f32;
        self.faults.rotate_right(1);
        self.faults[0] = Some(Fault {
            at,
            stop,
            pitch: number(record.pitch),
            pitch_rate: number(record.pitch_rate),
            speed: number(record.speed),
            battery_millivolts: inputs.battery_millivolts,
            period_micros: record.period_micros,
            bad_samples: record.bad_samples,
        });
    }

    /// The newest stop is number 0.
    pub fn get(&self, index: usize) -> Option<Fault> {
        self.faults.get(index).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::robot::Record;

    fn outputs(state: State, pitch: f32) -> Outputs<f32> {
        Outputs {
            state,
            stop: (state != State::Balancing).then_some(Stop::Runaway),
            record: Record {
                pitch,
                ..Default::default()
            },
            ..Default::default()
        }
    }

    #[test]
    fn each_stop_is_kept_once_with_its_values_and_the_oldest_leave() {
        let mut log = FaultLog::default();
        let inputs = Inputs {
            battery_millivolts: Some(7000),
            ..Default::default()
        };
        for round in 0..10_u8 {
            let at = Instant::from_micros(u64::from(round));
            log.step(at, &inputs, &outputs(State::Balancing, 0.0));
            for later in 0..3_u8 {
                let pitch = f32::from(round) + f32::from(later) / 8.0;
                log.step(at, &inputs, &outputs(State::Faulted, pitch));
            }
        }
        for index in 0..FAULTS_KEPT {
            let fault = log.get(index).unwrap();
            assert_eq!(fault.pitch, (9 - index) as f32);
            assert_eq!(fault.at.as_micros(), 9 - index as u64);
            assert_eq!(
                (fault.stop, fault.battery_millivolts),
                (Stop::Runaway, Some(7000))
            );
        }
        assert_eq!(log.get(FAULTS_KEPT), None);
    }

    #[test]
    fn a_refusal_to_arm_is_no_fault() {
        let mut log = FaultLog::default();
        for state in [State::Disarmed, State::Calibrating, State::Ready] {
            log.step(Instant::default(), &Inputs::default(), &outputs(state, 0.0));
        }
        assert_eq!(log.get(0), None);
    }
}
