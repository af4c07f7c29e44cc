//! Voltage to duty: what the battery makes of it, and the dead band of a motor.

use crate::config::{ConfigError, finite, non_negative, positive, within};
use crate::math::{Float, Real, Scalar};
use crate::step::Step;
use num_traits::One;

/// How a voltage becomes a duty:
///
/// ```text
/// u' = u + friction_voltage · sat(u / friction_blend)      dead band
/// duty = sat(u' / battery)                                 battery
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DutyMapConfig<P = f32> {
    /// Voltage at which the motor only just turns, V, added in the direction of the command.
    /// Measure it: raise the voltage slowly until the wheel moves. Too small: the robot sways
    /// slowly about its balance; too large: it shakes. Zero: off.
    pub friction_voltage: P,
    /// Voltage from which the friction voltage is added in full, V, above zero; in proportion
    /// below. Too small: noise about zero becomes chatter; too large: the dead band remains.
    pub friction_blend: P,
    /// Battery voltage that is assumed when none is measured or the measurement is absurd, V.
    pub nominal_battery: P,
    /// Smallest measured voltage that is believed, V, above zero.
    pub min_battery: P,
    /// Largest measured voltage that is believed, V.
    pub max_battery: P,
    /// The duty is limited to ± this, above 0 to 1.
    pub max_duty: P,
}

impl<P: Float> Default for DutyMapConfig<P> {
    /// Two lithium cells, no dead band.
    fn default() -> Self {
        Self {
            friction_voltage: P::zero(),
            friction_blend: P::lit(0.2),
            nominal_battery: P::lit(7.4),
            min_battery: P::lit(5.0),
            max_battery: P::lit(9.0),
            max_duty: P::one(),
        }
    }
}

impl<P: Float> DutyMapConfig<P> {
    /// Prepares the map. It has no dynamics, hence no period.
    ///
    /// # Errors
    /// A field outside its range.
    pub fn build<T: Real<Param = P>>(&self) -> Result<DutyMap<T>, ConfigError> {
        let settings = Settings::new(self)?;
        let battery = Battery::of(settings.nominal);
        Ok(DutyMap {
            settings,
            battery,
            last: T::zero(),
        })
    }
}

/// What a [`DutyMap`] answers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DutyMapOutput<T> {
    /// Fraction of the battery voltage, −1 to 1.
    pub duty: T,
    /// The duty was limited: the motor gets less than was asked for.
    pub saturated: bool,
    /// The battery reading was not believed and the nominal voltage used.
    pub assumed_battery: bool,
    /// The voltage was unusable and the last duty stands.
    pub held: bool,
}

/// What a [`DutyMap`] remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DutyMapState<T> {
    /// The last good duty.
    pub duty: T,
    /// The battery voltage in use, V; anything unbelievable means the nominal one.
    pub battery: T,
}

#[derive(Clone, Copy, Debug)]
struct Settings<T: Scalar> {
    friction: T,
    /// Friction is above zero.
    rubs: bool,
    /// Voltages below this are raised in proportion.
    friction_blend: T,
    friction_raise: T::Short,
    nominal: T,
    min_battery: T,
    max_battery: T,
    max_duty: T,
}

impl<T: Scalar> Settings<T> {
    fn new(config: &DutyMapConfig<T::Param>) -> Result<Self, ConfigError> {
        let friction = non_negative("friction_voltage", config.friction_voltage)?;
        let slope = friction / positive("friction_blend", config.friction_blend)?;
        if slope > T::Param::lit(32_767.0) {
            return Err(ConfigError::OutOfRange("friction_blend"));
        }
        // Below a tenth of a volt, or beyond a thousand, the reciprocal loses its digits in
        // fixed point.
        let (low, high) = (T::Param::lit(0.1), T::Param::lit(1000.0));
        let min = within("min_battery", config.min_battery, low, high)?;
        let max = within("max_battery", config.max_battery, low, high)?;
        if max < min {
            return Err(ConfigError::Order("min_battery", "max_battery"));
        }
        let nominal = within("nominal_battery", config.nominal_battery, min, max)?;
        let max_duty = positive("max_duty", config.max_duty)?;
        if finite("max_duty", max_duty)? > T::Param::one() {
            return Err(ConfigError::OutOfRange("max_duty"));
        }
        let held = T::from_param(max);
        if held >= T::MAX {
            return Err(ConfigError::Unrepresentable("max_battery"));
        }
        Ok(Self {
            friction: T::from_param(friction),
            rubs: T::from_param(friction) > T::zero(),
            friction_blend: T::from_param(config.friction_blend),
            friction_raise: T::short(T::Param::one() + slope),
            nominal: T::from_param(nominal),
            min_battery: T::from_param(min),
            max_battery: held,
            max_duty: T::from_param(max_duty),
        })
    }

    /// The reading, if it is to be believed.
    #[inline]
    fn believed(&self, battery: T) -> Option<T> {
        let sane = battery.is_usable()
            && !self.min_battery.is_above(battery)
            && !battery.is_above(self.max_battery);
        sane.then_some(battery)
    }
}

/// A battery voltage with its reciprocal, good for readings within 1 %.
#[derive(Clone, Copy, Debug)]
struct Battery<T: Scalar> {
    voltage: T,
    low: T,
    high: T,
    duty_per_volt: T::Short,
}

impl<T: Real> Battery<T> {
    #[cold]
    fn of(voltage: T) -> Self {
        let margin = voltage * T::lit(0.01);
        Self {
            voltage,
            low: voltage - margin,
            high: voltage + margin,
            duty_per_volt: T::reciprocal_short(voltage),
        }
    }
}

/// Voltage to duty; see [`DutyMapConfig`].
///
/// The battery is divided by only when it has moved by more than 1 % (a division costs 180 cycles
/// on a Cortex-M0+), so that a duty is up to 1 % off. Otherwise two comparisons, one
/// multiplication, and a second with a dead band.
///
/// ```
/// use balance_core::motor::duty_map::{DutyMap, DutyMapConfig};
/// let mut map: DutyMap<f32> = DutyMapConfig::default().build()?;
/// assert!((map.step(3.7, 7.4).duty - 0.5).abs() < 1e-6);
/// // A tired battery needs more duty for the same voltage.
/// assert!((map.step(3.7, 6.0).duty - 3.7 / 6.0).abs() < 1e-6);
/// // A loose sense wire does not.
/// let assumed = map.step(3.7, 0.0);
/// assert!(assumed.assumed_battery && (assumed.duty - 0.5).abs() < 1e-6);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DutyMap<T: Scalar> {
    settings: Settings<T>,
    battery: Battery<T>,
    last: T,
}

impl<T: Real> DutyMap<T> {
    /// The duty that puts `voltage` (V) on a motor, from a battery of `battery` (V).
    ///
    /// An unusable voltage leaves the last duty standing, and the answer says so; an
    /// unbelievable battery is replaced by the nominal one.
    #[inline]
    pub fn step(&mut self, voltage: T, battery: T) -> DutyMapOutput<T> {
        let assumed_battery = !self.supply(battery);
        let mut output = DutyMapOutput {
            duty: self.last,
            saturated: false,
            assumed_battery,
            held: !voltage.is_usable(),
        };
        if output.held {
            return output;
        }
        (output.duty, output.saturated) = self.convert(voltage);
        self.last = output.duty;
        output
    }

    /// Takes the battery's voltage, in V; whether it is believed, and not the nominal one used.
    #[inline]
    pub(crate) fn supply(&mut self, battery: T) -> bool {
        let believed = self.settings.believed(battery);
        let supply = believed.unwrap_or(self.settings.nominal);
        if self.battery.low.is_above(supply) || supply.is_above(self.battery.high) {
            self.battery = Battery::of(supply);
        }
        believed.is_some()
    }

    /// Takes the battery's voltage, in V, and comes nearer to it, by a quarter at most: within 0.1 % of
    /// a battery that has moved by less than 3 %. Two products, at each voltage.
    #[inline(always)]
    pub(crate) fn follow(&mut self, battery: T) {
        let supply = self
            .settings
            .believed(battery)
            .unwrap_or(self.settings.nominal);
        let held = &mut self.battery;
        held.voltage = supply;
        held.duty_per_volt = T::nearer_reciprocal(held.duty_per_volt, supply);
        // Whoever asks by `supply` next has it computed anew.
        (held.low, held.high) = (T::MAX, T::MIN);
    }

    /// The duty for a usable voltage, and whether it is limited.
    #[inline]
    pub(crate) fn convert(&self, voltage: T) -> (T, bool) {
        let s = &self.settings;
        let wanted = if !s.rubs {
            voltage
        } else if voltage.is_below(s.friction_blend) {
            voltage.scale_short(s.friction_raise)
        } else if voltage < T::zero() {
            voltage - s.friction
        } else {
            voltage + s.friction
        };
        let duty = wanted.scale_short(self.battery.duty_per_volt);
        let limited = duty.limit_to(s.max_duty);
        (limited, limited != duty)
    }

    /// Changes the settings; the battery in use is kept if it is still believed.
    ///
    /// # Errors
    /// As [`DutyMapConfig::build`]; nothing changes then.
    pub fn retune(&mut self, config: &DutyMapConfig<T::Param>) -> Result<(), ConfigError> {
        self.settings = Settings::new(config)?;
        self.restore(self.state());
        Ok(())
    }
    /// The last duty and the battery in use.
    pub fn state(&self) -> DutyMapState<T> {
        DutyMapState {
            duty: self.last,
            battery: self.battery.voltage,
        }
    }
    /// Puts a state back; what is unusable in it becomes zero duty and nominal battery.
    pub fn restore(&mut self, state: DutyMapState<T>) {
        let s = &self.settings;
        self.battery = Battery::of(s.believed(state.battery).unwrap_or(s.nominal));
        self.last = if state.duty.is_usable() {
            state.duty.limit(-s.max_duty, s.max_duty)
        } else {
            T::zero()
        };
    }
    /// Zero duty and nominal battery.
    pub fn reset(&mut self) {
        self.restore(DutyMapState::default());
    }
}

impl<T: Real> Step for DutyMap<T> {
    /// Voltage and battery voltage, V.
    type Input = (T, T);
    type Output = DutyMapOutput<T>;
    type State = DutyMapState<T>;
    fn step(&mut self, (voltage, battery): (T, T)) -> DutyMapOutput<T> {
        DutyMap::step(self, voltage, battery)
    }
    fn state(&self) -> DutyMapState<T> {
        DutyMap::state(self)
    }
    fn restore(&mut self, state: DutyMapState<T>) {
        DutyMap::restore(self, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{Q12, Q16};
    use proptest::prelude::*;

    fn close<T: Scalar>(a: T, b: f64, bound: f64) {
        let a = a.to_param().to_f64();
        assert!((a - b).abs() < bound, "{a} against {b} in {}", T::NAME);
    }

    fn map<T: Real>(friction: f64, max_duty: f64) -> DutyMap<T> {
        DutyMapConfig {
            friction_voltage: T::Param::lit(friction),
            max_duty: T::Param::lit(max_duty),
            ..Default::default()
        }
        .build()
        .unwrap()
    }

    macro_rules! in_every_type {
        ($($name:ident: $t:ty, $bound:literal;)*) => {$(
            mod $name {
                use super::*;
                type T = $t;
                fn v(x: f64) -> T { T::lit(x) }

                #[test]
                fn duty_times_battery_is_the_voltage() {
                    let mut map = map::<T>(0.0, 1.0);
                    for battery in [7.4, 5.1, 6.0, 8.4] {
                        for voltage in [-4.0, 0.0, 0.7, 5.0] {
                            let out = map.step(v(voltage), v(battery));
                            close(out.duty, voltage / battery, $bound);
                            assert!(!out.saturated && !out.assumed_battery && !out.held);
                        }
                    }
                }

                #[test]
                fn dead_band_is_bridged_without_a_jump() {
                    let mut map = map::<T>(0.6, 1.0);
                    assert_eq!(map.step(v(0.0), v(7.4)).duty, v(0.0));
                    close(map.step(v(0.1), v(7.4)).duty, 0.4 / 7.4, $bound);
                    close(map.step(v(-0.2), v(7.4)).duty, -0.8 / 7.4, $bound);
                    close(map.step(v(2.0), v(7.4)).duty, 2.6 / 7.4, $bound);
                    let mut before = map.step(v(-1.0), v(7.4)).duty;
                    for k in -99..100 {
                        let now = map.step(v(f64::from(k) * 0.01), v(7.4)).duty;
                        assert!(now > before && now - before < v(0.04 / 7.4 + 1e-3));
                        before = now;
                    }
                }

                #[test]
                fn too_much_is_limited_and_said() {
                    let mut map = map::<T>(0.0, 0.8);
                    let out = map.step(v(7.0), v(7.4));
                    assert!(out.saturated && out.duty == v(0.8));
                    let out = map.step(v(-100.0), v(7.4));
                    assert!(out.saturated && out.duty == v(-0.8));
                    assert!(!map.step(v(1.0), v(7.4)).saturated);
                }

                #[test]
                fn an_absurd_battery_is_the_nominal_one() {
                    let mut map = map::<T>(0.0, 1.0);
                    map.step(v(1.0), v(6.0));
                    for absurd in [0.0, -7.4, 4.9, 9.1, 100.0] {
                        let out = map.step(v(3.7), v(absurd));
                        assert!(out.assumed_battery);
                        close(out.duty, 0.5, $bound);
                    }
                }

                #[test]
                fn the_reciprocal_is_kept_within_one_per_cent() {
                    let mut map = map::<T>(0.0, 1.0);
                    let first = map.step(v(3.0), v(7.0)).duty;
                    assert_eq!(map.step(v(3.0), v(7.06)).duty, first);
                    assert_eq!(map.step(v(3.0), v(6.94)).duty, first);
                    close(map.step(v(3.0), v(7.08)).duty, 3.0 / 7.08, $bound);
                    let state = map.state();
                    map.reset();
                    close(map.state().battery, 7.4, 1e-4);
                    map.restore(state);
                    assert_eq!(map.state(), state);
                }
            }
        )*};
    }
    in_every_type! {
        single: f32, 1e-6;
        double: f64, 1e-12;
        q12: Q12, 1e-4;
        q16: Q16, 1e-4;
    }

    #[test]
    fn nonsense_is_refused() {
        let ok = DutyMapConfig::<f32>::default();
        let error = |config: DutyMapConfig| config.build::<f32>().err();
        let wrong = DutyMapConfig {
            max_duty: 1.1,
            ..ok
        };
        assert_eq!(error(wrong), Some(ConfigError::OutOfRange("max_duty")));
        let wrong = DutyMapConfig {
            friction_blend: 0.0,
            ..ok
        };
        assert_eq!(
            error(wrong),
            Some(ConfigError::OutOfRange("friction_blend"))
        );
        let wrong = DutyMapConfig {
            nominal_battery: 12.0,
            ..ok
        };
        assert_eq!(
            error(wrong),
            Some(ConfigError::OutOfRange("nominal_battery"))
        );
        let wrong = DutyMapConfig {
            max_battery: 4.0,
            ..ok
        };
        assert_eq!(
            error(wrong),
            Some(ConfigError::Order("min_battery", "max_battery"))
        );
    }

    proptest! {
        #[test]
        fn duty_stays_in_range_whatever_comes(
            inputs in prop::collection::vec((any::<f32>(), any::<f32>()), 1..40)
        ) {
            let mut map = map::<f32>(0.5, 0.9);
            for (voltage, battery) in inputs {
                let before = map.state().duty;
                let out = map.step(voltage, battery);
                prop_assert!(out.duty.magnitude() <= 0.9);
                prop_assert_eq!(out.held, !voltage.is_usable());
                if out.held {
                    prop_assert_eq!(out.duty, before);
                }
            }
            let good = map.step(1.0, 7.4).duty;
            prop_assert!((good - 1.5 / 7.4).abs() < 0.01 * good);
            map.restore(DutyMapState { duty: f32::NAN, battery: f32::NAN });
            prop_assert_eq!(map.state(), DutyMapState { duty: 0.0, battery: 7.4 });
        }
    }
}
