//! The set in use, checked at each change, with a way back.

use super::table::{Change, Parameter};
use crate::config::ConfigError;
use crate::math::{Float, Real};
use crate::robot::{RobotConfig, State};
use crate::time::Instant;
use core::fmt;

/// A change is on trial for so long: a robot that falls within it has the old set again.
pub const TRIAL_MICROS: u32 = 5_000_000;

/// Why a parameter was not read or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetError {
    /// There is no parameter of this name.
    Unknown,
    /// This robot has no such part: it balances in another way.
    NotOfThisRobot,
    /// Not a number within the range.
    OutOfRange,
    /// Only while the motors have no power.
    Armed,
    /// The robot cannot be built with it.
    Refused(ConfigError),
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("no parameter has this name"),
            Self::NotOfThisRobot => f.write_str("this robot has no such part"),
            Self::OutOfRange => f.write_str("not a number within the range"),
            Self::Armed => f.write_str("disarm the robot first"),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for SetError {}

/// The parameters in use.
#[derive(Clone, Copy, Debug)]
pub struct Parameters<P> {
    defaults: RobotConfig<P>,
    now: RobotConfig<P>,
    /// What the robot has stood with.
    good: RobotConfig<P>,
    /// When the last change was made, while it is on trial.
    changed: Option<Instant>,
}

/// Whether motors may have power in this state.
const fn is_armed(state: State) -> bool {
    matches!(state, State::Calibrating | State::Ready | State::Balancing)
}

impl<P: Float> Parameters<P> {
    /// Begins with the settings of the firmware.
    pub fn new(defaults: RobotConfig<P>) -> Self {
        Self {
            defaults,
            now: defaults,
            good: defaults,
            changed: None,
        }
    }

    /// The robot's settings.
    pub fn config(&self) -> &RobotConfig<P> {
        &self.now
    }

    /// The settings of the firmware.
    pub fn defaults(&self) -> &RobotConfig<P> {
        &self.defaults
    }

    /// A parameter by name, and its value.
    ///
    /// # Errors
    /// [`SetError::Unknown`], [`SetError::NotOfThisRobot`].
    pub fn find(&self, name: &str) -> Result<(&'static Parameter<P>, P), SetError> {
        let parameter = RobotConfig::parameter(name).ok_or(SetError::Unknown)?;
        let value = parameter.of(&self.now).ok_or(SetError::NotOfThisRobot)?;
        Ok((parameter, value))
    }

    /// The value of a parameter.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn get(&self, name: &str) -> Result<P, SetError> {
        self.find(name).map(|(_, value)| value)
    }

    /// Changes a parameter, if the robot can be built with it in `T`. What the robot does with it,
    /// and when, is said by [`Parameter::change`].
    ///
    /// # Errors
    /// Says why nothing was changed.
    pub fn set<T: Real<Param = P>>(
        &mut self,
        name: &str,
        value: P,
        state: State,
        at: Instant,
    ) -> Result<(), SetError> {
        let (parameter, _) = self.find(name)?;
        if !parameter.allows(value) {
            return Err(SetError::OutOfRange);
        }
        if parameter.change == Change::WhenDisarmed && is_armed(state) {
            return Err(SetError::Armed);
        }
        let mut wanted = self.now;
        parameter.put(&mut wanted, value);
        self.take::<T>(wanted, at)
    }

    /// Takes a whole set, as read from storage or found by tuning.
    ///
    /// # Errors
    /// [`SetError::Armed`], or why the robot cannot be built with it; nothing is changed then.
    pub fn load<T: Real<Param = P>>(
        &mut self,
        wanted: RobotConfig<P>,
        state: State,
        at: Instant,
    ) -> Result<(), SetError> {
        if is_armed(state) {
            return Err(SetError::Armed);
        }
        self.take::<T>(wanted, at)
    }

    fn take<T: Real<Param = P>>(
        &mut self,
        wanted: RobotConfig<P>,
        at: Instant,
    ) -> Result<(), SetError> {
        wanted.build::<T>().map_err(SetError::Refused)?;
        self.now = wanted;
        self.changed = Some(at);
        Ok(())
    }

    /// Call it each tick, or each time the state is looked at. Says that the last good set is back:
    /// the robot fell or tripped while a change was on trial. A change is on trial while the robot
    /// balances, for five seconds of balancing after it was made.
    pub fn watch(&mut self, state: State, now: Instant) -> bool {
        let Some(changed) = self.changed else {
            return false;
        };
        match state {
            State::Fallen | State::Faulted => {
                self.now = self.good;
                self.changed = None;
                true
            }
            State::Balancing if now.micros_since(changed) >= TRIAL_MICROS => {
                self.good = self.now;
                self.changed = None;
                false
            }
            State::Balancing => false,
            // The clock of the trial waits until the robot stands.
            State::Disarmed | State::Calibrating | State::Ready => {
                self.changed = Some(now);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;

    const START: Instant = Instant::from_micros(1_000_000);

    fn later(micros: u32) -> Instant {
        START.plus_micros(micros)
    }

    fn kit() -> Parameters<f32> {
        Parameters::new(RobotConfig::pico_kit())
    }

    #[test]
    fn a_change_that_the_robot_survives_is_good() {
        let mut parameters = kit();
        let set = parameters.set::<Q12>("balance.pitch", -27.0, State::Balancing, START);
        assert_eq!(set, Ok(()));
        assert!(!parameters.watch(State::Balancing, later(TRIAL_MICROS)));
        assert!(!parameters.watch(State::Fallen, later(TRIAL_MICROS + 1)));
        assert_eq!(parameters.get("balance.pitch"), Ok(-27.0));
    }

    #[test]
    fn a_fall_on_trial_brings_the_last_good_set_back() {
        for stop in [State::Fallen, State::Faulted] {
            let mut parameters = kit();
            let mut at = START;
            // Good.
            parameters
                .set::<Q12>("balance.pitch", -27.0, State::Balancing, at)
                .unwrap();
            at = at.plus_micros(TRIAL_MICROS);
            parameters.watch(State::Balancing, at);
            // Two changes in a row, and a fall.
            parameters
                .set::<Q12>("balance.pitch", -1.0, State::Balancing, at)
                .unwrap();
            parameters
                .set::<Q12>("turn.kp", 2.0, State::Balancing, at)
                .unwrap();
            assert!(parameters.watch(stop, at.plus_micros(TRIAL_MICROS - 1)));
            assert_eq!(parameters.get("balance.pitch"), Ok(-27.0));
            assert_eq!(parameters.get("turn.kp"), Ok(1.0));
            assert!(!parameters.watch(stop, at.plus_micros(TRIAL_MICROS)));
        }
    }

    #[test]
    fn the_trial_of_a_change_at_rest_begins_when_the_robot_stands() {
        let mut parameters = kit();
        parameters
            .set::<Q12>("chassis.track", 0.2, State::Disarmed, START)
            .unwrap();
        for (state, after) in [
            (State::Disarmed, 60_000_000),
            (State::Calibrating, 61_000_000),
            (State::Ready, 62_000_000),
            (State::Balancing, 62_001_000),
            (State::Balancing, 64_000_000),
        ] {
            assert!(!parameters.watch(state, later(after)));
        }
        assert!(parameters.watch(State::Fallen, later(65_000_000)));
        assert_eq!(parameters.get("chassis.track"), Ok(0.18));
    }

    #[test]
    fn refuses_and_keeps_what_it_had() {
        let mut parameters = kit();
        let before = *parameters.config();
        let mut try_to = |name, value, state| parameters.set::<Q12>(name, value, state, START);
        assert_eq!(
            try_to("balance.pich", 1.0, State::Disarmed),
            Err(SetError::Unknown)
        );
        assert_eq!(
            try_to("cascade.tilt_kp", 1.0, State::Disarmed),
            Err(SetError::NotOfThisRobot)
        );
        for value in [f32::NAN, f32::INFINITY, 1001.0] {
            let set = try_to("balance.pitch", value, State::Disarmed);
            assert_eq!(set, Err(SetError::OutOfRange));
        }
        for state in [State::Calibrating, State::Ready, State::Balancing] {
            assert_eq!(try_to("chassis.track", 0.2, state), Err(SetError::Armed));
        }
        // Each value is within its range, but not together.
        let crossed = try_to("limits.max_tilt", 0.1, State::Disarmed);
        assert_eq!(
            crossed,
            Err(SetError::Refused(ConfigError::Order(
                "start_tilt",
                "max_tilt"
            )))
        );
        assert_eq!(*parameters.config(), before);
        assert!(!parameters.watch(State::Fallen, START));
    }

    #[test]
    fn a_whole_set_is_taken_at_rest_only() {
        let mut parameters = kit();
        let other = RobotConfig::balboa_32u4();
        let refused = parameters.load::<f32>(other, State::Balancing, START);
        assert_eq!(refused, Err(SetError::Armed));
        parameters
            .load::<f32>(other, State::Disarmed, START)
            .unwrap();
        assert_eq!(*parameters.config(), other);
    }
}
