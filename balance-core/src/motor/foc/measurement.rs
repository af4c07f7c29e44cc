//! Measuring a motor with its own bridge: resistance and inductances at standstill, flux turning.
//!
//! **Resistance**: two direct currents; the difference of their voltages over that of the currents,
//! so that dead time and offsets drop out. **Inductance**: a voltage that changes its sign every period,
//! and the swing of the current that follows it, picked out by multiplying with the same signs;
//! the resistance is accounted for. **Flux**: the voltage that is left while turning, as the slope of a
//! straight line over the speed.

use super::transforms::{AlphaBeta, Dq};
use crate::config::{ConfigError, period, positive, within};
use crate::math::Float;

/// Settings of a [`WindingTest`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindingTestConfig<P = f32> {
    /// The larger direct current, A, above zero: what the motor bears standing still. The smaller is
    /// half of it. Too small: the noise of the measurement decides.
    pub current: P,
    /// Voltage of the alternation, V, above zero: a swing of the current well above noise.
    pub injection: P,
    /// Largest voltage, V, above `injection`: what the bus can give.
    pub max_voltage: P,
    /// Seconds for each of the four parts, 0.05 to 10; at least twenty time constants of the winding.
    pub seconds: P,
}

impl<P: Float> Default for WindingTestConfig<P> {
    /// A hoverboard's wheel.
    fn default() -> Self {
        Self {
            current: P::lit(6.0),
            injection: P::lit(6.0),
            max_voltage: P::lit(15.0),
            seconds: P::lit(0.3),
        }
    }
}

/// What a [`WindingTest`] found, for the [`Machine`](super::Machine).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Winding<P> {
    /// Resistance of a phase, Ω, bridge included.
    pub resistance: P,
    /// Inductance along the magnet, H.
    pub inductance_d: P,
    /// Inductance across it, H.
    pub inductance_q: P,
}

/// Why a measurement has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MeasurementError {
    /// The largest voltage does not drive the current: a wire is off, or the limit is too low.
    NoCurrent,
    /// What came out is not a resistance or an inductance: noise, a wrong sign, a rotor that turns.
    Implausible,
}

impl<P: Float> WindingTestConfig<P> {
    /// Prepares a test that is stepped every `dt` seconds.
    ///
    /// # Errors
    /// Names the field that is out of its range.
    pub fn build(&self, dt: P) -> Result<WindingTest<P>, ConfigError> {
        let dt = period(dt)?;
        positive("current", self.current)?;
        positive("injection", self.injection)?;
        positive("max_voltage", self.max_voltage)?;
        if self.injection >= self.max_voltage {
            return Err(ConfigError::Order("injection", "max_voltage"));
        }
        let seconds = within("seconds", self.seconds, P::lit(0.05), P::lit(10.0))?;
        // An even number, so that both signs of the alternation count alike.
        let length = ((seconds / dt).to_counts(P::one()).max(8) as u32) & !3;
        Ok(WindingTest {
            config: *self,
            dt,
            length,
            part: 0,
            tick: 0,
            volts: P::zero(),
            sums: Sums::default(),
            found: Found::default(),
            result: None,
        })
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums<P> {
    count: P,
    volts: P,
    amps: P,
}

#[derive(Clone, Copy, Debug, Default)]
struct Found<P> {
    volts: [P; 2],
    amps: [P; 2],
    swing: [P; 2],
}

/// Measures resistance and inductances at standstill; see [`WindingTestConfig`].
///
/// The rotor turns to phase a and stays there. Float only: it runs once.
#[derive(Clone, Copy, Debug)]
pub struct WindingTest<P> {
    config: WindingTestConfig<P>,
    dt: P,
    /// Periods of each part.
    length: u32,
    part: u32,
    /// Period within the part.
    tick: u32,
    /// Direct voltage.
    volts: P,
    sums: Sums<P>,
    found: Found<P>,
    result: Option<Result<Winding<P>, MeasurementError>>,
}

impl<P: Float> WindingTest<P> {
    /// Advances by one period: current now (A) to voltage for the coming period (V), both in the
    /// stator, and the result once there is one; the voltage is zero from then on.
    ///
    /// An unusable current ends it as [`MeasurementError::Implausible`].
    pub fn step(
        &mut self,
        current: AlphaBeta<P>,
    ) -> (AlphaBeta<P>, Option<Result<Winding<P>, MeasurementError>>) {
        if self.result.is_none() {
            if (current.alpha + current.beta).is_usable() {
                self.advance(current);
            } else {
                self.result = Some(Err(MeasurementError::Implausible));
            }
        }
        if self.result.is_some() {
            return (AlphaBeta::default(), self.result);
        }
        (self.voltage(), None)
    }

    fn advance(&mut self, current: AlphaBeta<P>) {
        // The second half of a part counts, the first settles.
        let counts = self.tick >= self.length / 2;
        match self.part {
            0 | 1 => {
                let wanted = if self.part == 0 {
                    self.config.current
                } else {
                    self.config.current * P::lit(0.5)
                };
                if counts {
                    self.sums.count += P::one();
                    self.sums.volts += self.volts;
                    self.sums.amps += current.alpha;
                } else {
                    self.seek(wanted, current.alpha);
                }
            }
            _ => {
                // With the sign of the voltage of the period that ends now.
                let seen = if self.part == 2 {
                    current.alpha
                } else {
                    current.beta
                };
                if counts {
                    self.sums.count += P::one();
                    self.sums.amps += if self.tick & 1 == 0 { seen } else { -seen };
                }
            }
        }
        self.tick += 1;
        if self.tick >= self.length {
            self.finish(self.part as usize);
            self.part += 1;
            self.tick = 0;
        }
    }

    /// An integral of the current's error, as slow as the part allows.
    fn seek(&mut self, wanted: P, current: P) {
        let rate = self.config.max_voltage / self.config.current * P::lit(4.0)
            / P::lit(f64::from(self.length));
        let limit = self.config.max_voltage - self.config.injection;
        self.volts = (self.volts + rate * (wanted - current)).limit(P::zero(), limit);
    }

    fn finish(&mut self, part: usize) {
        let mean = |sum: P| sum / self.sums.count;
        if let (Some(volts), Some(amps)) = (
            self.found.volts.get_mut(part),
            self.found.amps.get_mut(part),
        ) {
            *volts = mean(self.sums.volts);
            *amps = mean(self.sums.amps);
            if part == 0 && *amps < self.config.current * P::lit(0.5) {
                self.result = Some(Err(MeasurementError::NoCurrent));
            }
        } else if let Some(swing) = self.found.swing.get_mut(part.wrapping_sub(2)) {
            *swing = mean(self.sums.amps);
        }
        self.sums = Sums::default();
        if part == 3 {
            self.result = Some(self.judge());
        }
    }

    fn judge(&self) -> Result<Winding<P>, MeasurementError> {
        let f = &self.found;
        let resistance = (f.volts[0] - f.volts[1]) / (f.amps[0] - f.amps[1]);
        // i[k+1] = a i[k] + b v[k] swings by ± b v / (1 + a) with b = (1 − a) / R.
        let inductance = |swing: P| {
            let ratio = swing.magnitude() * resistance / self.config.injection;
            let a = (P::one() - ratio) / (P::one() + ratio);
            -resistance * self.dt / a.ln()
        };
        let found = Winding {
            resistance,
            inductance_d: inductance(f.swing[0]),
            inductance_q: inductance(f.swing[1]),
        };
        let plausible = |x: P| x > P::zero() && x.is_usable();
        if plausible(found.resistance)
            && plausible(found.inductance_d)
            && plausible(found.inductance_q)
        {
            Ok(found)
        } else {
            Err(MeasurementError::Implausible)
        }
    }

    fn voltage(&self) -> AlphaBeta<P> {
        let sign = if self.tick & 1 == 0 {
            P::one()
        } else {
            -P::one()
        };
        let swing = self.config.injection * sign;
        match self.part {
            0 | 1 => AlphaBeta {
                alpha: self.volts,
                beta: P::zero(),
            },
            2 => AlphaBeta {
                alpha: self.volts + swing,
                beta: P::zero(),
            },
            _ => AlphaBeta {
                alpha: self.volts,
                beta: swing,
            },
        }
    }
}

/// Measures the flux while the motor turns: a straight line through zero, by least squares.
///
/// ```
/// use balance_core::motor::foc::{Dq, FluxMeasurement};
/// let mut flux = FluxMeasurement::<f64>::default();
/// for speed in 1..200 {
///     let speed = f64::from(speed);
///     flux.add(speed, Dq::new(0.0, 0.02 * speed + 0.5), Dq::new(0.0, 5.0), 0.1, 1e-4);
/// }
/// assert!((flux.flux().unwrap() - 0.02).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FluxMeasurement<P> {
    square: P,
    product: P,
    voltage_square: P,
}

impl<P: Float> FluxMeasurement<P> {
    /// Adds a period: electrical speed (rad/s), voltage (V) and current (A) of the rotor's frame,
    /// and what is known of the motor. Unusable numbers are left out.
    pub fn add(
        &mut self,
        speed: P,
        voltage: Dq<P>,
        current: Dq<P>,
        resistance: P,
        inductance_d: P,
    ) {
        let left = voltage.q - resistance * current.q - speed * inductance_d * current.d;
        if !(left + speed).is_usable() {
            return;
        }
        self.square += speed * speed;
        self.product += speed * left;
        self.voltage_square += left * left;
    }

    /// The flux, Wb; `None` while the data cannot tell: too little speed for the scatter of the
    /// voltage (the line explains less than 95 % of it), or nothing at all.
    pub fn flux(&self) -> Option<P> {
        let flux = self.product / self.square;
        let explained = flux * self.product;
        let tells =
            flux > P::zero() && flux.is_usable() && explained >= P::lit(0.95) * self.voltage_square;
        tells.then_some(flux)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Inverter, Pmsm, PmsmConfig};
    use crate::motor::foc::{clarke, space_vector_duties};

    fn test(
        plant: PmsmConfig<f64>,
        config: WindingTestConfig<f64>,
    ) -> Result<Winding<f64>, MeasurementError> {
        let dt = 5e-5;
        let bus = plant.inverter.bus_voltage;
        let mut motor: Pmsm<f64> = plant.build(dt).unwrap();
        let mut test = config.build(dt).unwrap();
        let mut noise = 1_u32;
        loop {
            let [a, b, _] = motor.phase_currents().map(|i| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                i + 0.02 * config.current * (f64::from(noise) / 4_294_967_296.0 - 0.5)
            });
            let (v, result) = test.step(clarke(a, b));
            if let Some(result) = result {
                return result;
            }
            let share = AlphaBeta {
                alpha: v.alpha / bus,
                beta: v.beta / bus,
            };
            motor.step(space_vector_duties(share), 0.0);
        }
    }

    #[test]
    fn three_motors_are_measured_through_dead_time_and_noise() {
        let cases = [
            (
                PmsmConfig::gimbal(),
                WindingTestConfig {
                    current: 0.5,
                    injection: 2.5,
                    max_voltage: 6.5,
                    seconds: 0.5,
                },
            ),
            (PmsmConfig::hoverboard(), WindingTestConfig::default()),
            (
                PmsmConfig::drone(),
                WindingTestConfig {
                    current: 5.0,
                    injection: 2.0,
                    max_voltage: 4.0,
                    seconds: 0.3,
                },
            ),
        ];
        for (mut plant, config) in cases {
            plant.inverter = Inverter {
                dead_time: 0.01,
                ..plant.inverter
            };
            plant.parts = 4;
            let found = test(plant, config).unwrap();
            let m = plant.machine;
            let close = |got: f64, wanted: f64, share: f64| {
                assert!((got / wanted - 1.0).abs() < share, "{found:?} {m:?}");
            };
            close(found.resistance, m.resistance, 0.02);
            close(found.inductance_d, m.inductance_d, 0.05);
            close(found.inductance_q, m.inductance_q, 0.05);
        }
    }

    #[test]
    fn a_wire_that_is_off_is_no_motor() {
        let mut test = WindingTestConfig::<f32>::default().build(5e-5).unwrap();
        let result = loop {
            if let (_, Some(result)) = test.step(AlphaBeta::default()) {
                break result;
            }
        };
        assert_eq!(result, Err(MeasurementError::NoCurrent));
        let mut test = WindingTestConfig::<f32>::default().build(5e-5).unwrap();
        let (volts, result) = test.step(AlphaBeta {
            alpha: f32::NAN,
            beta: 0.0,
        });
        assert_eq!(volts, AlphaBeta::default());
        assert_eq!(result, Some(Err(MeasurementError::Implausible)));
    }

    #[test]
    fn flux_is_refused_where_the_data_cannot_tell() {
        let mut flux = FluxMeasurement::<f64>::default();
        assert_eq!(flux.flux(), None);
        for k in 0..100 {
            let noise = if k % 2 == 0 { 1.0 } else { -1.0 };
            flux.add(10.0, Dq::new(0.0, 0.2 + noise), Dq::default(), 0.2, 1e-4);
        }
        assert_eq!(flux.flux(), None);
        flux.add(f64::NAN, Dq::default(), Dq::default(), 0.2, 1e-4);
        for _ in 0..100 {
            flux.add(500.0, Dq::new(0.0, 10.0), Dq::default(), 0.2, 1e-4);
        }
        assert!((flux.flux().unwrap() - 0.02).abs() < 1e-4);
    }
}
