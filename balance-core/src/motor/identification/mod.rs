//! Finding the constants of a brushed motor from a short run on the robot itself, wheels free.
//!
//! Voltage and shaft angle are enough for what a controller needs; with the current as well the
//! motor's own constants come out:
//!
//! ```text
//! voltage, angle            τ dω/dt + ω = K (u − u_f sgn ω)
//! ... and current           u = R i + L di/dt + ke ω
//!                           ke i = J dω/dt + b ω + c sgn ω
//! ```
//!
//! Every signal goes through the same low-pass, so the equations hold between the filtered
//! signals and nothing is ever differentiated; then least squares in three unknowns at most, summed as the
//! samples come. Samples at standstill are left out: dry friction obeys no equation there. They tell the
//! dead band instead. (P. C. Young, "Recursive Estimation and Time-Series Analysis", 2nd ed.,
//! 2011, on filtered regressors.)
//!
//! **Excitation**: both directions, several voltages, each held for two or three time constants; a single
//! step cannot tell friction from gain, and is refused. Ten seconds do. The constants are those of the
//! shaft whose angle is given.

mod filter;
mod least_squares;
mod models;

use crate::config::{ConfigError, period, positive, within};
use crate::math::Float;
use filter::{Filter, Filtered};
pub use least_squares::Estimate;
use least_squares::LeastSquares;
pub use models::{MotorModel, Refusal, ResponseModel, SpeedModel};

/// Settings of an [`Identification`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IdentificationConfig<P = f32> {
    /// Bandwidth of the common low-pass, rad/s, above zero to `0.5 / dt`: one to three times the
    /// reciprocal of the motor's time constant. Too small: the motion is filtered away; too large:
    /// the steps of the encoder decide.
    pub bandwidth: P,
    /// Speed below which the shaft counts as standing, rad/s, above zero: a few steps of the
    /// encoder in `0.5 / bandwidth`.
    pub standstill: P,
    /// A constant whose standard deviation exceeds this share of it is refused, 0 to 1.
    pub max_deviation: P,
    /// The equation has to explain this share of the data's sum of squares, 0 to 1.
    pub min_explained: P,
}

impl<P: Float> Default for IdentificationConfig<P> {
    /// For a geared motor with a time constant of about 50 ms.
    fn default() -> Self {
        Self {
            bandwidth: P::lit(40.0),
            standstill: P::lit(0.5),
            max_deviation: P::lit(0.1),
            min_explained: P::lit(0.9),
        }
    }
}

impl<P: Float> IdentificationConfig<P> {
    /// Prepares for samples every `dt` seconds.
    ///
    /// # Errors
    /// Names the field that is out of its range.
    pub fn build(&self, dt: P) -> Result<Identification<P>, ConfigError> {
        let dt = period(dt)?;
        positive("bandwidth", self.bandwidth)?;
        within("bandwidth", self.bandwidth * dt, P::zero(), P::lit(0.5))?;
        positive("standstill", self.standstill)?;
        within("max_deviation", self.max_deviation, P::lit(1e-3), P::one())?;
        within("min_explained", self.min_explained, P::zero(), P::one())?;
        Ok(Identification {
            config: *self,
            filter: Filter::new(self.bandwidth, dt),
            quick_filter: Filter::new(P::lit(5.0) * self.bandwidth, dt),
            quick_angle: Filtered::default(),
            // Samples within two time constants of the filter are one.
            independent: P::lit(0.5) * self.bandwidth * dt,
            angle: Filtered::default(),
            voltage: Filtered::default(),
            sign: Filtered::default(),
            current: Filtered::default(),
            start: None,
            settled: 0,
            settle: (P::lit(6.0) / (self.bandwidth * dt)).to_counts(P::one()) as u32,
            response_fit: LeastSquares::default(),
            speed_fit: LeastSquares::default(),
            electrical_fit: LeastSquares::default(),
            mechanical_fit: LeastSquares::default(),
            dead_band: None,
        })
    }
}

/// Finds the constants of a motor; see the [module](self).
///
/// ```
/// use balance_core::motor::dc_motor::{DcMotor, DcMotorConfig};
/// use balance_core::motor::identification::{IdentificationConfig, Refusal};
/// let (dt, constants) = (0.002, DcMotorConfig::<f64>::lego_nxt());
/// let mut motor: DcMotor<f64> = constants.build(dt)?;
/// let mut run = IdentificationConfig { bandwidth: 30.0, ..Default::default() }.build(dt)?;
/// let volts = [0.0, 3.0, 6.0, -3.0, -7.0, 4.0, -5.0, 2.0];
/// for tick in 0..4000 {
///     let volt = volts[tick / 500];
///     run.step(volt, None, motor.step(volt, 0.0).angle);
/// }
/// let found = run.speed_model().unwrap();
/// let wanted = constants.mechanical_time_constant();
/// assert!((found.time_constant.value / wanted - 1.0).abs() < 0.05);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Identification<P> {
    config: IdentificationConfig<P>,
    filter: Filter<P>,
    /// Five times as fast: tells when the shaft stops or turns round.
    quick_filter: Filter<P>,
    quick_angle: Filtered<P>,
    independent: P,
    angle: Filtered<P>,
    voltage: Filtered<P>,
    sign: Filtered<P>,
    current: Filtered<P>,
    /// First angle: the filters see how far it has turned since.
    start: Option<P>,
    /// Samples since the start or a gap, until the filters have forgotten it.
    settled: u32,
    settle: u32,
    response_fit: LeastSquares<P, 2>,
    speed_fit: LeastSquares<P, 3>,
    electrical_fit: LeastSquares<P, 3>,
    mechanical_fit: LeastSquares<P, 3>,
    dead_band: Option<P>,
}

impl<P: Float> Identification<P> {
    /// Takes a sample: the voltage (V) that was on the motor for the period that ends now, its
    /// current now (A) if it is measured, and the shaft's angle now (rad, counting on over turns).
    ///
    /// An unusable number is a gap: the filters begin anew after it, the sums stay. About 120
    /// additions and multiplications.
    pub fn step(&mut self, voltage: P, current: Option<P>, angle: P) {
        let amps = current.unwrap_or(P::zero());
        if !voltage.is_usable() || !amps.is_usable() || !angle.is_usable() {
            self.start = None;
            return;
        }
        let Some(start) = self.start else {
            self.start = Some(angle);
            self.settled = 0;
            self.filter.settle(&mut self.angle, P::zero());
            self.filter.settle(&mut self.quick_angle, P::zero());
            self.filter.settle(&mut self.voltage, voltage);
            self.filter.settle(&mut self.sign, P::zero());
            self.filter.settle(&mut self.current, amps);
            return;
        };
        let f = &self.filter;
        f.sample(&mut self.angle, angle - start);
        f.held(&mut self.voltage, voltage);
        f.sample(&mut self.current, amps);
        self.quick_filter
            .sample(&mut self.quick_angle, angle - start);
        let quick = self.quick_angle.mean_slope;
        let moving = quick.magnitude() > self.config.standstill;
        let sign = match (moving, quick > P::zero()) {
            (false, _) => P::zero(),
            (true, true) => P::one(),
            (true, false) => -P::one(),
        };
        f.held(&mut self.sign, sign);
        self.settled = self.settled.saturating_add(1);
        if self.settled < self.settle {
            return;
        }
        // Friction has one sign for as long as the filters remember, or no equation holds.
        let friction = self.sign.mean_value;
        let steady = friction.magnitude() > P::lit(0.98);
        let (speed, acceleration) = (self.angle.mean_slope, self.angle.curvature);
        let volts = self.voltage.mean_value;
        if moving && friction.magnitude() > P::lit(0.9) {
            self.response_fit.add([speed, volts], acceleration);
        }
        if !moving || !steady {
            self.note_rest(quick);
            return;
        }
        // dω/dt = −ω/τ + K/τ u − K u_f/τ sgn
        self.speed_fit.add([speed, volts, friction], acceleration);
        if current.is_some() {
            let i = self.current.mean_value;
            self.electrical_fit
                .add([i, self.current.mean_slope, speed], volts);
            self.mechanical_fit.add([acceleration, speed, friction], i);
        }
    }

    /// A voltage that has stood for long and moved nothing.
    fn note_rest(&mut self, speed: P) {
        let steady = self.voltage.slope.magnitude()
            < P::lit(0.02) * self.config.bandwidth * self.voltage.value.magnitude();
        let still = speed.magnitude() < P::lit(0.05) * self.config.standstill;
        let volts = self.voltage.value.magnitude();
        if steady && still && self.dead_band.is_none_or(|widest| volts > widest) {
            self.dead_band = Some(volts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::motor::dc_motor::{DcMotor, DcMotorConfig};

    const DT: f64 = 1e-3;

    fn motor() -> DcMotorConfig<f64> {
        DcMotorConfig {
            resistance: 2.4,
            inductance: 4e-3,
            torque_constant: 0.3,
            back_emf_constant: 0.3,
            inertia: 2.0e-3,
            coulomb_torque: 0.05,
            breakaway_torque: 0.07,
            viscous_friction: 1e-3,
            supply_voltage: 12.0,
        }
    }

    /// Volts of a run: one step every 0.3 s.
    fn volts(tick: usize) -> f64 {
        const STEPS: [f64; 12] = [
            0.0, 0.3, 4.0, 8.0, 2.0, -3.0, -9.0, -4.0, 6.0, -6.0, 11.0, -2.0,
        ];
        STEPS[tick / 300 % STEPS.len()]
    }

    fn record(
        constants: DcMotorConfig<f64>,
        seconds: f64,
        counts: f64,
        noise: f64,
        volts: impl Fn(usize) -> f64,
        with_current: bool,
    ) -> Identification<f64> {
        let mut motor: DcMotor<f64> = constants.build(DT).unwrap();
        let mut run = IdentificationConfig::default().build(DT).unwrap();
        let mut seed = 1_u32;
        for tick in 0..(seconds / DT) as usize {
            let u = volts(tick);
            let now = motor.step(u, 0.0);
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let wobble = noise * (f64::from(seed) / 4_294_967_296.0 - 0.5);
            let step = core::f64::consts::TAU / counts;
            let angle = (now.angle / step).floor() * step;
            run.step(u, with_current.then_some(now.current + wobble), angle);
        }
        run
    }

    #[test]
    fn finds_what_voltage_and_angle_tell() {
        let c = motor();
        let found = record(c, 9.0, 1320.0, 0.0, volts, false)
            .speed_model()
            .unwrap();
        let damping = c.back_emf_constant * c.torque_constant + c.resistance * c.viscous_friction;
        let close = |got: Estimate<f64>, wanted: f64, share: f64| {
            assert!(
                (got.value / wanted - 1.0).abs() < share,
                "{found:?} {wanted}"
            );
        };
        // The winding's own time constant adds its 1.7 ms.
        close(
            found.time_constant,
            c.inertia * c.resistance / damping,
            0.06,
        );
        close(found.speed_per_volt, c.torque_constant / damping, 0.01);
        let friction = c.coulomb_torque * c.resistance / c.torque_constant;
        assert!(
            (found.friction_voltage.value - friction).abs() < 0.05,
            "{found:?} {friction}"
        );
        // It stood at 0.3 V and turned at 2.
        assert!((found.dead_band.unwrap() - 0.3).abs() < 0.01, "{found:?}");
    }

    #[test]
    fn finds_all_constants_with_the_current() {
        let c = motor();
        let found = record(c, 12.0, 4000.0, 0.1, volts, true)
            .motor_model()
            .unwrap();
        let close = |got: Estimate<f64>, wanted: f64, share: f64| {
            assert!(
                (got.value / wanted - 1.0).abs() < share,
                "{found:?} {wanted}"
            );
        };
        close(found.resistance, c.resistance, 0.03);
        close(found.inductance, c.inductance, 0.3);
        close(found.back_emf_constant, c.back_emf_constant, 0.02);
        close(found.inertia, c.inertia, 0.05);
        close(found.coulomb_torque, c.coulomb_torque, 0.15);
        let viscous = found.viscous_friction;
        assert!(
            (viscous.value - c.viscous_friction).abs() < 4e-4,
            "{found:?}"
        );
        assert!(found.to_config(12.0).build::<f64>(1e-3).is_ok());
    }

    #[test]
    fn refuses_what_the_data_cannot_tell() {
        let c = motor();
        let short = record(c, 0.5, 1320.0, 0.0, volts, false);
        assert_eq!(short.speed_model().err(), Some(Refusal::TooShort));
        // One step: no way to tell gain from friction.
        let step = record(c, 6.0, 1320.0, 0.0, |_| 6.0, false);
        assert_eq!(step.speed_model().err(), Some(Refusal::NotExcited));
        // The encoder's channels are swapped.
        let mut wrong = IdentificationConfig::default().build(DT).unwrap();
        let mut motor: DcMotor<f64> = c.build(DT).unwrap();
        for tick in 0..9000 {
            let angle = motor.step(volts(tick), 0.0).angle;
            wrong.step(volts(tick), None, -angle);
        }
        assert_eq!(
            wrong.speed_model().err(),
            Some(Refusal::Uncertain("speed_per_volt"))
        );
        // An encoder that is not connected to the motor.
        let mut loose = IdentificationConfig::default().build(DT).unwrap();
        let mut motor: DcMotor<f64> = c.build(DT).unwrap();
        for tick in 0..9000 {
            let angle = motor.step(volts(tick * 7 % 3600), 0.0).angle;
            loose.step(volts(tick), None, angle);
        }
        assert!(loose.speed_model().is_err());
        assert_eq!(loose.motor_model().err(), Some(Refusal::TooShort));
    }

    #[test]
    fn a_gap_is_only_a_gap() {
        let c = motor();
        let mut motor: DcMotor<f64> = c.build(DT).unwrap();
        let mut run = IdentificationConfig::default().build(DT).unwrap();
        for tick in 0..9000 {
            let angle = motor.step(volts(tick), 0.0).angle;
            let bad = tick % 1000 == 999;
            run.step(volts(tick), None, if bad { f64::NAN } else { angle });
        }
        let found = run.speed_model().unwrap();
        assert!(
            (found.time_constant.value / 0.0535 - 1.0).abs() < 0.1,
            "{found:?}"
        );
    }
}
