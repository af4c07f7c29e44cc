//! The registry: a line for each number.

use crate::math::Float;
use crate::robot::{BalanceConfig, RobotConfig};

/// When a parameter may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// At any time; without a jump of the motors.
    Live,
    /// Only while the motors have no power.
    WhenDisarmed,
}

/// A number of the robot that a person may change.
#[derive(Clone, Copy, Debug)]
pub struct Parameter<P: 'static> {
    /// Its name, as typed: a group, a dot, a word.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// The smallest value.
    pub low: f32,
    /// The largest value.
    pub high: f32,
    /// When it may change.
    pub change: Change,
    read: fn(&RobotConfig<P>) -> Option<P>,
    write: fn(&mut RobotConfig<P>, P),
}

impl<P: Float> Parameter<P> {
    /// Its value; `None` where the robot has no such part.
    pub fn of(&self, config: &RobotConfig<P>) -> Option<P> {
        (self.read)(config)
    }

    /// Writes it, unchecked but for a robot that has no such part, which stays as it is.
    pub(super) fn put(&self, config: &mut RobotConfig<P>, value: P) {
        (self.write)(config, value);
    }

    /// Whether a value is a number within the range.
    pub(super) fn allows(&self, value: P) -> bool {
        value.is_finite()
            && value >= P::lit(f64::from(self.low))
            && value <= P::lit(f64::from(self.high))
    }
}

/// A field that every robot has.
macro_rules! field {
    ($name:literal, $unit:literal, $low:literal ..= $high:literal, $change:ident, $($path:ident).+, $about:literal) => {
        Parameter {
            name: $name,
            unit: $unit,
            about: $about,
            low: $low,
            high: $high,
            change: Change::$change,
            read: |config| Some(config.$($path).+),
            write: |config, value| config.$($path).+ = value,
        }
    };
}

/// A count of ticks or millivolts.
macro_rules! whole {
    ($name:literal, $unit:literal, $low:literal ..= $high:literal, $change:ident, $($path:ident).+, $about:literal) => {
        Parameter {
            name: $name,
            unit: $unit,
            about: $about,
            low: $low,
            high: $high,
            change: Change::$change,
            read: |config| Some(P::lit(f64::from(config.$($path).+))),
            write: |config, value| {
                let whole = value.to_counts(P::one());
                config.$($path).+ = u16::try_from(whole).unwrap_or(u16::MAX);
            },
        }
    };
}

/// A gain of one kind of balance controller.
macro_rules! gain {
    ($name:literal, $unit:literal, $kind:ident, |$settings:ident| $place:expr, $about:literal) => {
        Parameter {
            name: $name,
            unit: $unit,
            about: $about,
            low: -1000.0,
            high: 1000.0,
            change: Change::Live,
            read: |config| match &config.balance {
                BalanceConfig::$kind($settings) => Some($place),
                _ => None,
            },
            write: |config, value| {
                if let BalanceConfig::$kind($settings) = &mut config.balance {
                    $place = value;
                }
            },
        }
    };
}

impl<P: Float> RobotConfig<P> {
    /// Every parameter, in the order in which a person meets them.
    pub const PARAMETERS: &'static [Parameter<P>] = &[
        gain!(
            "balance.position",
            "V/m",
            StateFeedback,
            |k| k.gain[0],
            "brings it back to its place"
        ),
        gain!(
            "balance.pitch",
            "V/rad",
            StateFeedback,
            |k| k.gain[1],
            "drives under the fall"
        ),
        gain!(
            "balance.speed",
            "V s/m",
            StateFeedback,
            |k| k.gain[2],
            "slows it down"
        ),
        gain!(
            "balance.pitch_rate",
            "V s/rad",
            StateFeedback,
            |k| k.gain[3],
            "damps the swing"
        ),
        gain!(
            "cascade.position",
            "1/s",
            Cascade,
            |k| k.position_gain,
            "speed asked for per metre off its place"
        ),
        gain!(
            "cascade.back_emf",
            "V s/m",
            Cascade,
            |k| k.back_emf,
            "volts given back per speed"
        ),
        gain!(
            "cascade.speed_kp",
            "rad s/m",
            Cascade,
            |k| k.speed.kp,
            "lean per speed error"
        ),
        gain!(
            "cascade.speed_ki",
            "rad/m",
            Cascade,
            |k| k.speed.ki,
            "lean per way lost"
        ),
        gain!(
            "cascade.tilt_kp",
            "V/rad",
            Cascade,
            |k| k.tilt.kp,
            "volts per pitch error"
        ),
        gain!(
            "cascade.tilt_ki",
            "V/(rad s)",
            Cascade,
            |k| k.tilt.ki,
            "volts per pitch error and second"
        ),
        gain!(
            "cascade.tilt_kd",
            "V s/rad",
            Cascade,
            |k| k.tilt.kd,
            "volts per pitch rate"
        ),
        field!(
            "turn.kp",
            "V s/rad",
            0.0..=100.0,
            Live,
            turn.kp,
            "volts per yaw rate error"
        ),
        field!(
            "turn.ki",
            "V/rad",
            0.0..=1000.0,
            Live,
            turn.ki,
            "volts per yaw angle lost"
        ),
        field!(
            "command.speed",
            "m/s",
            0.0..=10.0,
            WhenDisarmed,
            command.speed,
            "largest speed asked for"
        ),
        field!(
            "command.acceleration",
            "m/s2",
            0.01..=20.0,
            WhenDisarmed,
            command.acceleration,
            "largest change of speed"
        ),
        field!(
            "command.turn",
            "rad/s",
            0.0..=20.0,
            WhenDisarmed,
            command.turn,
            "largest yaw rate asked for"
        ),
        field!(
            "drive.friction_voltage",
            "V",
            0.0..=12.0,
            WhenDisarmed,
            drive.friction_voltage,
            "at which a wheel only just turns"
        ),
        field!(
            "drive.friction_blend",
            "V",
            0.001..=12.0,
            WhenDisarmed,
            drive.friction_blend,
            "from which it is added in full"
        ),
        field!(
            "drive.max_duty",
            "1",
            0.05..=1.0,
            WhenDisarmed,
            drive.max_duty,
            "largest duty"
        ),
        field!(
            "limits.start_tilt",
            "rad",
            0.01..=1.0,
            WhenDisarmed,
            limits.start_tilt,
            "pitch within which it starts"
        ),
        field!(
            "limits.max_tilt",
            "rad",
            0.05..=1.5,
            WhenDisarmed,
            limits.max_tilt,
            "pitch beyond which it has fallen"
        ),
        field!(
            "limits.max_speed",
            "m/s",
            0.1..=20.0,
            WhenDisarmed,
            limits.max_speed,
            "speed that is a runaway"
        ),
        whole!(
            "limits.low_battery",
            "mV",
            0.0..=60000.0,
            WhenDisarmed,
            limits.low_battery_millivolts,
            "below which the motors go off"
        ),
        field!(
            "chassis.wheel_radius",
            "m",
            0.005..=1.0,
            WhenDisarmed,
            chassis.wheel_radius,
            "radius of a wheel"
        ),
        field!(
            "chassis.track",
            "m",
            0.01..=5.0,
            WhenDisarmed,
            chassis.track,
            "distance between the wheels"
        ),
        field!(
            "chassis.counts",
            "1/turn",
            4.0..=100000.0,
            WhenDisarmed,
            chassis.counts_per_revolution,
            "encoder counts in a turn of a wheel"
        ),
        field!(
            "chassis.speed_filter",
            "s",
            0.0005..=0.2,
            WhenDisarmed,
            chassis.speed_time_constant,
            "time constant of the wheel speed"
        ),
    ];

    /// The parameter of this name.
    pub fn parameter(name: &str) -> Option<&'static Parameter<P>> {
        Self::PARAMETERS
            .iter()
            .find(|parameter| parameter.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;

    type Robot = RobotConfig<f32>;

    fn robots() -> [Robot; 2] {
        let parameters = crate::robot::RobotParameters::pico_kit();
        let cascade = Robot::pico_kit().with_cascade(&parameters).unwrap();
        [Robot::pico_kit(), cascade]
    }

    #[test]
    fn names_are_unique_and_can_be_typed() {
        for (k, parameter) in Robot::PARAMETERS.iter().enumerate() {
            let (group, word) = parameter.name.split_once('.').unwrap();
            for part in [group, word] {
                assert!(!part.is_empty());
                assert!(part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
            }
            assert!(parameter.low < parameter.high, "{}", parameter.name);
            assert!(!parameter.about.is_empty() && !parameter.unit.is_empty());
            let twin = Robot::PARAMETERS[k + 1..]
                .iter()
                .find(|other| other.name == parameter.name);
            assert!(twin.is_none(), "{}", parameter.name);
        }
    }

    #[test]
    fn every_preset_lies_within_the_ranges() {
        let [feedback, cascade] = robots();
        for robot in [feedback, cascade, Robot::balboa_32u4(), Robot::nxtway_gs()] {
            for parameter in Robot::PARAMETERS {
                if let Some(value) = parameter.of(&robot) {
                    assert!(parameter.allows(value), "{}: {value}", parameter.name);
                }
            }
        }
    }

    #[test]
    fn each_reads_back_what_it_writes_and_nothing_else_moves() {
        for robot in robots() {
            for parameter in Robot::PARAMETERS {
                let Some(old) = parameter.of(&robot) else {
                    continue;
                };
                let new = if old == parameter.high {
                    parameter.low
                } else {
                    parameter.high
                };
                let mut changed = robot;
                parameter.put(&mut changed, new);
                for other in Robot::PARAMETERS {
                    let expected = if other.name == parameter.name {
                        Some(new)
                    } else {
                        other.of(&robot)
                    };
                    assert_eq!(other.of(&changed), expected, "{}", other.name);
                }
                parameter.put(&mut changed, old);
                assert_eq!(changed, robot, "{}", parameter.name);
            }
        }
    }

    #[test]
    fn a_part_that_the_robot_lacks_is_left_alone() {
        let [feedback, cascade] = robots();
        let pitch = Robot::parameter("balance.pitch").unwrap();
        assert_eq!(pitch.of(&cascade), None);
        let mut same = cascade;
        pitch.put(&mut same, 1.0);
        assert_eq!(same, cascade);
        assert!(
            Robot::parameter("cascade.tilt_kp")
                .unwrap()
                .of(&feedback)
                .is_none()
        );
    }

    #[test]
    fn every_preset_builds() {
        for robot in robots() {
            assert!(robot.build::<Q12>().is_ok() && robot.build::<f32>().is_ok());
        }
    }
}
