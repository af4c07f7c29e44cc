//! What ends the work of a motor: too much current or voltage, a lost encoder, a stall.
//!
//! The watch looks at every period of the current loop, and its first fault stands until
//! [`MotorWatch::clear`]: the bridge is to be switched off for as long as there is one.
//!
//! **Lost encoder**: the voltage that is left after resistance and inductance,
//! `e = v − R i − ω L i`, has to be `(0, ω ψ)`. A stuck, slipped or miscounting encoder turns
//! it away, a wrong zero too. Its mean square over some winding time constants must
//! exceed a threshold for a while. At standstill nothing is induced, and nothing can be told;
//! that is what the stall time is for.

use super::current_loop::CurrentLoopOutput;
use super::machine::Machine;
use super::transforms::Dq;
use crate::config::{ConfigError, period, positive, within};
use crate::math::{Float, Real, Scalar};
use crate::motor::coefficient::{gain, value};

/// Why a motor has to be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MotorFault {
    /// The current exceeded its limit.
    OverCurrent,
    /// The bus voltage exceeded its limit: braking into a supply that cannot take it back.
    OverVoltage,
    /// The bus voltage fell below its limit.
    UnderVoltage,
    /// Measurements were unusable for too many periods.
    BadMeasurement,
    /// Voltage and encoder contradict each other.
    EncoderLost,
    /// Much current and no speed for too long.
    Stalled,
}

/// Settings of a [`MotorWatch`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MotorWatchConfig<P = f32> {
    /// The motor.
    pub machine: Machine<P>,
    /// Largest length of the current vector, A, above zero: above what is commanded, below what
    /// the bridge or the magnets bear.
    pub max_current: P,
    /// Lowest bus voltage, V, at least zero.
    pub min_bus_voltage: P,
    /// Highest bus voltage, V.
    pub max_bus_voltage: P,
    /// Bad periods of current or voltage in a row that are forgiven: one spike of noise is no
    /// fault. An over-current of twice the limit is never forgiven.
    pub forgiven_periods: u16,
    /// Root mean square voltage, V, above zero, that encoder and voltage may contradict each other by: dead
    /// time and an error of R make some.
    pub encoder_voltage: P,
    /// Time for which they must, s.
    pub encoder_seconds: P,
    /// A stall: at least this current, A ...
    pub stall_current: P,
    /// ... below this electrical speed, rad/s ...
    pub stall_speed: P,
    /// ... for this time, s.
    pub stall_seconds: P,
}

impl<P: Float> Default for MotorWatchConfig<P> {
    /// A hoverboard's wheel on ten cells.
    fn default() -> Self {
        Self {
            machine: Machine::default(),
            max_current: P::lit(30.0),
            min_bus_voltage: P::lit(25.0),
            max_bus_voltage: P::lit(44.0),
            forgiven_periods: 3,
            encoder_voltage: P::lit(3.0),
            encoder_seconds: P::lit(0.02),
            stall_current: P::lit(12.0),
            stall_speed: P::lit(5.0),
            stall_seconds: P::lit(1.0),
        }
    }
}

impl<P: Float> MotorWatchConfig<P> {
    /// Prepares a watch for a current loop of the period `dt` seconds.
    ///
    /// # Errors
    /// Names the field that is out of its range or beyond the scalar type.
    pub fn build<T: Real<Param = P>>(&self, dt: P) -> Result<MotorWatch<T>, ConfigError> {
        let dt = period(dt)?;
        let m = &self.machine;
        m.check()?;
        positive("max_current", self.max_current)?;
        positive("encoder_voltage", self.encoder_voltage)?;
        if self.min_bus_voltage >= self.max_bus_voltage {
            return Err(ConfigError::Order("min_bus_voltage", "max_bus_voltage"));
        }
        let periods = |name, seconds: P| {
            within(name, seconds, dt, P::lit(1000.0)).map(|s| (s / dt).to_counts(P::one()) as u32)
        };
        let smoothing = P::lit(8.0) * m.inductance_q / m.resistance;
        let bus = self.max_bus_voltage;
        value::<T>("max_bus_voltage", P::lit(2.1) * bus * bus)?;
        Ok(MotorWatch {
            square: value::<T>("max_current", self.max_current * self.max_current)?,
            far_square: value::<T>(
                "max_current",
                P::lit(4.0) * self.max_current * self.max_current,
            )?,
            min_bus: value::<T>("min_bus_voltage", self.min_bus_voltage)?,
            max_bus: value::<T>("max_bus_voltage", self.max_bus_voltage)?,
            forgiven: self.forgiven_periods,
            encoder_square: value::<T>(
                "encoder_voltage",
                self.encoder_voltage * self.encoder_voltage,
            )?,
            encoder_periods: periods("encoder_seconds", self.encoder_seconds)?,
            stall_square: value::<T>("stall_current", self.stall_current * self.stall_current)?,
            stall_speed: value::<T>("stall_speed", self.stall_speed)?,
            stall_periods: periods("stall_seconds", self.stall_seconds)?,
            resistance: gain::<T>("resistance", m.resistance)?,
            inductance: Dq::new(
                gain::<T>("inductance_d", m.inductance_d)?,
                gain::<T>("inductance_q", m.inductance_q)?,
            ),
            flux: gain::<T>("flux", m.flux)?,
            smooth: T::gain(P::one() - (-dt / smoothing).exp()),
            fault: None,
            bad: [0; 4],
            contradiction: T::zero().widen(),
            doubtful: 0,
            stalled: 0,
        })
    }
}

/// Watches a motor; see the [module](super::MotorFault).
///
/// ```
/// use balance_core::motor::foc::{CurrentLoopOutput, Dq, MotorFault, MotorWatch, MotorWatchConfig};
/// let mut watch: MotorWatch<f32> = MotorWatchConfig::default().build(5e-5)?;
/// let mut period = CurrentLoopOutput { current: Dq::new(0.0, 5.0), ..Default::default() };
/// assert_eq!(watch.step(&period, 0.0, 36.0), None);
/// period.current.q = 70.0; // more than twice the limit: at once
/// assert_eq!(watch.step(&period, 0.0, 36.0), Some(MotorFault::OverCurrent));
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MotorWatch<T: Scalar> {
    square: T,
    far_square: T,
    min_bus: T,
    max_bus: T,
    forgiven: u16,
    encoder_square: T,
    encoder_periods: u32,
    stall_square: T,
    stall_speed: T,
    stall_periods: u32,
    resistance: T::Gain,
    inductance: Dq<T::Gain>,
    flux: T::Gain,
    smooth: T::Gain,
    fault: Option<MotorFault>,
    /// Periods in a row: over-current, over-voltage, under-voltage, unusable.
    bad: [u16; 4],
    contradiction: T::Wide,
    doubtful: u32,
    stalled: u32,
}

impl<T: Real> MotorWatch<T> {
    /// Judges a period of the current loop at an electrical speed (rad/s) and a bus voltage (V).
    pub fn step(
        &mut self,
        period: &CurrentLoopOutput<T>,
        speed: T,
        bus_voltage: T,
    ) -> Option<MotorFault> {
        let unusable = period.held || !(speed + bus_voltage).is_usable();
        let i = period.current;
        let square = i.d * i.d + i.q * i.q;
        // Not `>`, which a NaN would not pass.
        let within = square <= self.square;
        let near = square <= self.far_square;
        let conditions = [
            (!within && !unusable, MotorFault::OverCurrent),
            (bus_voltage > self.max_bus, MotorFault::OverVoltage),
            (bus_voltage < self.min_bus, MotorFault::UnderVoltage),
            (unusable, MotorFault::BadMeasurement),
        ];
        let mut found = None;
        for (count, (holds, fault)) in self.bad.iter_mut().zip(conditions) {
            *count = if holds { count.saturating_add(1) } else { 0 };
            if *count > self.forgiven {
                found = found.or(Some(fault));
            }
        }
        if !unusable {
            if !near {
                found = Some(MotorFault::OverCurrent);
            }
            found = found.or(self.encoder(period, speed));
            found = found.or(self.stall(square, speed));
        }
        self.fault = self.fault.or(found);
        self.fault
    }

    fn encoder(&mut self, period: &CurrentLoopOutput<T>, speed: T) -> Option<MotorFault> {
        let (v, i) = (period.voltage, period.current);
        let left = Dq {
            d: v.d - i.d.scale(self.resistance) + speed.scale(self.inductance.q) * i.q,
            q: v.q
                - i.q.scale(self.resistance)
                - speed.scale(self.inductance.d) * i.d
                - speed.scale(self.flux),
        };
        // What is absurd has been judged; here it must not stay.
        let square = |left: T| {
            let left = if left >= -self.max_bus {
                left
            } else {
                -self.max_bus
            };
            let left = if left < self.max_bus {
                left
            } else {
                self.max_bus
            };
            left * left
        };
        let square = square(left.d) + square(left.q);
        let last = T::narrow(self.contradiction);
        self.contradiction = T::accumulate(self.contradiction, self.smooth, square - last);
        let doubtful = T::narrow(self.contradiction) > self.encoder_square;
        self.doubtful = if doubtful {
            self.doubtful.saturating_add(1)
        } else {
            0
        };
        (self.doubtful > self.encoder_periods).then_some(MotorFault::EncoderLost)
    }

    fn stall(&mut self, square: T, speed: T) -> Option<MotorFault> {
        let stalled = square >= self.stall_square && speed.magnitude() < self.stall_speed;
        self.stalled = if stalled {
            self.stalled.saturating_add(1)
        } else {
            0
        };
        (self.stalled > self.stall_periods).then_some(MotorFault::Stalled)
    }

    /// The fault that stands.
    pub fn fault(&self) -> Option<MotorFault> {
        self.fault
    }

    /// Root mean square of the voltage by which encoder and voltage contradict each other, V: to
    /// choose [`MotorWatchConfig::encoder_voltage`] by.
    pub fn contradiction(&self) -> T {
        T::narrow(self.contradiction).sqrt()
    }

    /// Forgets the fault and begins anew.
    pub fn clear(&mut self) {
        self.fault = None;
        self.bad = [0; 4];
        self.contradiction = T::zero().widen();
        self.doubtful = 0;
        self.stalled = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{Q16, wrap_angle};
    use crate::model::PmsmConfig;
    use crate::motor::foc::{CurrentLoop, CurrentLoopConfig, CurrentLoopInput};

    fn watch<T: Real>() -> MotorWatch<T> {
        MotorWatchConfig::default()
            .build(T::Param::lit(5e-5))
            .unwrap()
    }

    fn period<T: Real>(d: f64, q: f64) -> CurrentLoopOutput<T> {
        CurrentLoopOutput {
            current: Dq::new(T::lit(d), T::lit(q)),
            ..Default::default()
        }
    }

    #[test]
    fn limits_trip_after_what_is_forgiven_and_stay() {
        fn check<T: Real>() {
            let (nothing, volts) = (T::zero(), T::lit(36.0));
            for (d, q, bus, fault) in [
                (0.0, -31.0, 36.0, MotorFault::OverCurrent),
                (25.0, 20.0, 36.0, MotorFault::OverCurrent),
                (0.0, 0.0, 44.5, MotorFault::OverVoltage),
                (0.0, 0.0, 24.0, MotorFault::UnderVoltage),
            ] {
                let mut watch = watch::<T>();
                for _ in 0..3 {
                    assert_eq!(watch.step(&period(d, q), nothing, T::lit(bus)), None);
                }
                // One good period, and it begins anew.
                assert_eq!(watch.step(&period(0.0, 0.0), nothing, volts), None);
                for _ in 0..3 {
                    assert_eq!(watch.step(&period(d, q), nothing, T::lit(bus)), None);
                }
                assert_eq!(watch.step(&period(d, q), nothing, T::lit(bus)), Some(fault));
                assert_eq!(watch.step(&period(0.0, 0.0), nothing, volts), Some(fault));
                watch.clear();
                assert_eq!(watch.step(&period(0.0, 0.0), nothing, volts), None);
            }
        }
        check::<f32>();
        check::<f64>();
        check::<Q16>();
    }

    #[test]
    fn unusable_measurements_end_it() {
        let mut watch = watch::<f32>();
        for _ in 0..3 {
            assert_eq!(watch.step(&period(0.0, 0.0), f32::NAN, 36.0), None);
        }
        assert_eq!(
            watch.step(&period(0.0, 0.0), f32::NAN, 36.0),
            Some(MotorFault::BadMeasurement)
        );
        let mut watch = self::watch::<f32>();
        let held = CurrentLoopOutput {
            held: true,
            ..period(0.0, 0.0)
        };
        assert_eq!(
            (0..4).filter_map(|_| watch.step(&held, 0.0, 36.0)).count(),
            1
        );
    }

    /// A wheel under control at 8 A until the encoder does something at half a second.
    fn drive(encoder: impl Fn(f64, f64) -> (f64, f64)) -> Option<(f64, MotorFault)> {
        let dt = 5e-5;
        let mut motor = PmsmConfig::<f64>::hoverboard().build(dt).unwrap();
        let mut control: CurrentLoop<f64> = CurrentLoopConfig {
            output_delay: 0.5,
            ..Default::default()
        }
        .build(dt)
        .unwrap();
        let mut watch = watch::<f64>();
        for tick in 0..16_000 {
            let time = f64::from(tick) * dt;
            let (mut angle, mut speed) = (motor.electrical_angle(), motor.electrical_speed());
            if time > 0.5 {
                (angle, speed) = encoder(angle, speed);
            }
            let [a, b, _] = motor.phase_currents();
            let out = control.step(&CurrentLoopInput {
                phase_currents: [a, b],
                angle,
                speed,
                bus_voltage: 36.0,
                reference: Dq::new(0.0, 2.0),
            });
            if let Some(fault) = watch.step(&out, speed, 36.0) {
                return Some((time, fault));
            }
            motor.step(out.duties, 0.6);
        }
        assert!(motor.state().speed > 10.0, "{:?}", motor.state());
        None
    }

    #[test]
    fn a_lost_encoder_is_seen_and_a_good_one_believed() {
        assert_eq!(drive(|angle, speed| (angle, speed)), None);
        for (name, fault) in [
            ("stuck", drive(|_, _| (1.0, 0.0))),
            (
                "slipped",
                drive(|angle, speed| (wrap_angle(angle + 1.2), speed)),
            ),
            ("reversed", drive(|angle, speed| (-angle, -speed))),
        ] {
            let Some((time, MotorFault::EncoderLost)) = fault else {
                panic!("{name}: {fault:?}");
            };
            assert!((0.5..0.58).contains(&time), "{name}: {time}");
        }
    }

    #[test]
    fn a_stall_takes_its_time() {
        let mut watch = watch::<f64>();
        let mut held = period::<f64>(0.0, 15.0);
        held.voltage.q = 15.0 * 0.18;
        let periods = (0..40_000)
            .take_while(|_| watch.step(&held, 0.0, 36.0).is_none())
            .count();
        assert_eq!(watch.fault(), Some(MotorFault::Stalled));
        assert!((periods as f64 * 5e-5 - 1.0).abs() < 0.001);
    }
}
