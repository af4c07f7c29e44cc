//! Active disturbance rejection: what the model does not say is estimated and taken away.
//!
//! For a thing whose second derivative follows the input, `ÿ = f + b u`, with b known within a
//! factor of two and everything else in f. An extended state observer estimates y, ẏ and f, and
//!
//! ```text
//! u = (k_p (r − ŷ) − k_d ŷ̇ − f̂) / b,    k_p = ω_c²,  k_d = 2 ω_c
//! ```
//!
//! makes it a double integrator with two poles at −ω_c. All poles of the observer are at
//! `e^(−ω_o dt)`; it sees the measured value of the same tick. It is told the limited output, so
//! there is nothing that winds up.
//!
//! Source: Z. Gao, "Scaling and bandwidth-parameterization based controller tuning", American
//! Control Conference 2003; discrete observer: R. Miklosovic, A. Radke, Z. Gao, "Discrete
//! implementation and generalization of the extended state observer", American Control Conference
//! 2006. Cost of a step: 11 products, 12 sums, two comparisons.

use crate::config::{ConfigError, finite, period, positive, within};
use crate::control::pid::{Saturation, gain};
use crate::math::{Float, Scalar};
use crate::step::Step;

/// Settings of an [`Adrc`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdrcConfig<P = f32> {
    /// b: second derivative of the measured value per unit of output, not zero. Too small: the loop
    /// is faster than asked for, and oscillates. Too large: it is sluggish.
    pub input_gain: P,
    /// ω_c: bandwidth of the loop in rad/s. Too large: oscillates, saturates.
    pub bandwidth: P,
    /// ω_o: bandwidth of the observer in rad/s, 3 to 10 times that of the loop and below 1/dt. Too
    /// small: disturbances stay, and the loop oscillates. Too large: noise.
    pub observer_bandwidth: P,
    /// Smallest output. Default −1.
    pub output_min: P,
    /// Largest output. Default 1.
    pub output_max: P,
}

impl<P: Float> Default for AdrcConfig<P> {
    /// A second's worth of bandwidth for a double integrator.
    fn default() -> Self {
        Self {
            input_gain: P::one(),
            bandwidth: P::lit(2.0),
            observer_bandwidth: P::lit(10.0),
            output_min: -P::one(),
            output_max: P::one(),
        }
    }
}

impl<P: Float> AdrcConfig<P> {
    /// What the observer's value, rate and disturbance take of the error: all of its poles at
    /// `e^(−ω_o dt)`.
    pub(crate) fn innovations(&self, dt: P) -> [P; 3] {
        let pole = (-self.observer_bandwidth * dt).exp();
        let rest = P::one() - pole;
        // The observer keeps the disturbance as the output that it is worth, f/b: that has the
        // output's range, whatever the unit of y.
        [
            P::one() - pole * pole * pole,
            rest * rest * (P::one() + pole) * P::lit(1.5) / dt,
            rest * rest * rest / (dt * dt) / self.input_gain,
        ]
    }

    /// Prepares a controller for a period of `dt` seconds, at rest.
    ///
    /// # Errors
    /// Names the field that is out of its range or whose coefficient the type cannot hold.
    pub fn build<T: Scalar<Param = P>>(&self, dt: P) -> Result<Adrc<T>, ConfigError> {
        let (one, two, half) = (P::one(), P::lit(2.0), P::lit(0.5));
        period(dt)?;
        let b = finite("input_gain", self.input_gain)?;
        if b == P::zero() {
            return Err(ConfigError::OutOfRange("input_gain"));
        }
        let wc = positive("bandwidth", self.bandwidth)?;
        let wo = positive("observer_bandwidth", self.observer_bandwidth)?;
        within("observer_bandwidth", wo, wc, one / dt)?;
        let (lowest, highest) = (T::MIN.to_param(), T::MAX.to_param());
        within("output_min", self.output_min, lowest, highest)?;
        within("output_max", self.output_max, lowest, highest)?;
        if self.output_min >= self.output_max {
            return Err(ConfigError::Order("output_min", "output_max"));
        }
        let innovations = self.innovations(dt);
        let mut adrc = Adrc {
            dt,
            innovations: [T::Gain::default(); 3],
            period: T::gain(dt),
            speed_by_input: T::gain(gain::<T>("input_gain", b * dt)?),
            way_by_input: T::gain(gain::<T>("input_gain", half * b * dt * dt)?),
            stiffness: T::gain(gain::<T>("bandwidth", wc * wc / b)?),
            damping: T::gain(-gain::<T>("bandwidth", two * wc / b)?),
            low: T::from_param(self.output_min),
            high: T::from_param(self.output_max),
            state: AdrcState::default(),
        };
        for (slot, value) in adrc.innovations.iter_mut().zip(innovations) {
            *slot = T::gain(gain::<T>("observer_bandwidth", value)?);
        }
        adrc.reset();
        Ok(adrc)
    }
}

/// What an [`Adrc`] remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AdrcState<T: Scalar> {
    value: T::Wide,
    rate: T::Wide,
    disturbance: T::Wide,
    total: T,
    saturated: Saturation,
    started: bool,
}

/// What comes out of a step of an [`Adrc`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AdrcOutput<T> {
    /// Estimated value.
    pub value: T,
    /// Estimated rate, per second.
    pub rate: T,
    /// Estimated disturbance, as the output that it is worth.
    pub disturbance: T,
    /// The output, limited.
    pub total: T,
    /// Limit that acted.
    pub saturated: Saturation,
    /// Whether an input was unusable and the last output stands.
    pub held: bool,
}

/// An active disturbance rejection controller; see [`AdrcConfig`].
///
/// ```
/// use balance_core::control::adrc::{Adrc, AdrcConfig};
/// let config = AdrcConfig { input_gain: 2.0, ..Default::default() };
/// let mut adrc: Adrc<f64> = config.build(0.01)?;
/// assert_eq!(adrc.step(0.1, 0.0).total, 0.2); // ω_c² · 0.1 / b
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Adrc<T: Scalar> {
    dt: T::Param,
    innovations: [T::Gain; 3],
    period: T::Gain,
    speed_by_input: T::Gain,
    way_by_input: T::Gain,
    stiffness: T::Gain,
    damping: T::Gain,
    low: T,
    high: T,
    state: AdrcState<T>,
}

impl<T: Scalar> Adrc<T> {
    /// Advances by one period: wanted and measured value.
    #[inline]
    pub fn step(&mut self, setpoint: T, measured: T) -> AdrcOutput<T> {
        if !(setpoint.is_usable() & measured.is_usable()) {
            return AdrcOutput {
                held: true,
                ..self.output()
            };
        }
        if !self.state.started {
            self.state.value = measured.widen();
            self.state.started = true;
        }
        self.predict();
        self.correct(measured);
        let AdrcOutput {
            value,
            rate,
            disturbance,
            ..
        } = self.output();
        let wanted =
            T::dot(&[self.stiffness, self.damping], &[setpoint - value, rate]) - disturbance;
        let (total, saturated) = if wanted > self.high {
            (self.high, Saturation::High)
        } else if wanted < self.low {
            (self.low, Saturation::Low)
        } else {
            (wanted, Saturation::None)
        };
        self.state.total = total;
        self.state.saturated = saturated;
        self.output()
    }

    /// What the last output and the disturbance have made of the thing.
    #[inline(always)]
    fn predict(&mut self) {
        let push = self.state.total + T::narrow(self.state.disturbance);
        let state = &mut self.state;
        state.value = T::accumulate(state.value, self.period, T::narrow(state.rate));
        state.value = T::accumulate(state.value, self.way_by_input, push);
        state.rate = T::accumulate(state.rate, self.speed_by_input, push);
    }

    #[inline(always)]
    fn correct(&mut self, measured: T) {
        let state = &mut self.state;
        let error = measured - T::narrow(state.value);
        let [value, rate, disturbance] = self.innovations;
        state.value = T::accumulate(state.value, value, error);
        state.rate = T::accumulate(state.rate, rate, error);
        state.disturbance = T::accumulate(state.disturbance, disturbance, error);
        // A float that has left the usable for good would never come back.
        let usable = T::narrow(state.value).is_usable()
            & T::narrow(state.rate).is_usable()
            & T::narrow(state.disturbance).is_usable();
        if !usable {
            state.value = measured.widen();
            state.rate = T::Wide::default();
            state.disturbance = T::Wide::default();
        }
    }

    /// The last output.
    #[inline]
    pub fn output(&self) -> AdrcOutput<T> {
        AdrcOutput {
            value: T::narrow(self.state.value),
            rate: T::narrow(self.state.rate),
            disturbance: T::narrow(self.state.disturbance),
            total: self.state.total,
            saturated: self.state.saturated,
            held: false,
        }
    }

    /// Takes new settings; estimates stay. The period stays.
    ///
    /// # Errors
    /// As [`AdrcConfig::build`]; the old settings then stay.
    pub fn retune(&mut self, config: &AdrcConfig<T::Param>) -> Result<(), ConfigError> {
        let state = self.state;
        *self = config.build(self.dt)?;
        self.restore(state);
        Ok(())
    }

    /// Forgets everything; the next measured value is where it starts.
    pub fn reset(&mut self) {
        self.restore(AdrcState::default());
    }

    /// The values that change.
    pub fn state(&self) -> AdrcState<T> {
        self.state
    }

    /// Puts a state back, the output within the limits; one with an unusable value means rest.
    pub fn restore(&mut self, state: AdrcState<T>) {
        let usable = T::narrow(state.value).is_usable()
            && T::narrow(state.rate).is_usable()
            && T::narrow(state.disturbance).is_usable()
            && state.total.is_usable();
        self.state = if usable { state } else { AdrcState::default() };
        self.state.total = self.state.total.limit(self.low, self.high);
    }
}

impl<T: Scalar> Step for Adrc<T> {
    /// Wanted and measured value.
    type Input = (T, T);
    type Output = AdrcOutput<T>;
    type State = AdrcState<T>;
    #[inline]
    fn step(&mut self, (setpoint, measured): (T, T)) -> AdrcOutput<T> {
        Adrc::step(self, setpoint, measured)
    }
    fn state(&self) -> Self::State {
        Adrc::state(self)
    }
    fn restore(&mut self, state: Self::State) {
        Adrc::restore(self, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;

    fn number<T: Scalar>(x: T) -> f64 {
        x.to_param().to_f64()
    }

    fn config<P: Float>() -> AdrcConfig<P> {
        AdrcConfig {
            input_gain: P::lit(20.0),
            bandwidth: P::lit(6.0),
            observer_bandwidth: P::lit(40.0),
            output_min: P::lit(-3.0),
            output_max: P::lit(3.0),
        }
    }

    /// A pendulum that wants to fall, with a gain of 15 to 30 and a constant load.
    fn hold<T: Scalar>(real_gain: f64, stuck: usize) -> (f64, f64, f64) {
        let mut adrc: Adrc<T> = config::<T::Param>().build(T::Param::lit(0.002)).unwrap();
        let (mut y, mut v, mut peak) = (0.0_f64, 0.0_f64, 0.0_f64);
        let mut out = AdrcOutput::default();
        for tick in 0..stuck + 4000 {
            out = adrc.step(T::lit(0.5), T::lit(y));
            if tick >= stuck {
                v += 0.002 * (9.0 * y + real_gain * (number(out.total) - 0.4));
                y += 0.002 * v;
            }
            peak = peak.max(y);
        }
        (y, peak, number(out.disturbance))
    }

    #[test]
    fn no_error_stays_whatever_the_plant() {
        fn check<T: Scalar>() {
            for gain in [15.0, 20.0, 30.0] {
                let (y, peak, disturbance) = hold::<T>(gain, 0);
                assert!((y - 0.5).abs() < 2e-4, "{} {gain}: {y}", T::NAME);
                assert!(peak < 0.75, "{} {gain}: {peak}", T::NAME);
                // What is held: gravity and the load, in units of the output at a gain of 20.
                let expected = (9.0 * 0.5 - gain * 0.4 + (gain - 20.0) * (0.4 - 4.5 / gain)) / 20.0;
                assert!(
                    (disturbance - expected).abs() < 1e-2,
                    "{disturbance} {expected}"
                );
            }
        }
        check::<f32>();
        check::<f64>();
        check::<Q12>();
    }

    #[test]
    fn being_held_does_not_wind_it_up() {
        let free = hold::<f64>(20.0, 0).1;
        let held = hold::<f64>(20.0, 5000).1;
        assert!(held < free + 0.1, "{held} {free}");
    }

    #[test]
    fn observer_forgets_an_error_as_fast_as_its_poles() {
        let mut adrc: Adrc<f64> = config().build(0.002).unwrap();
        // A step of the measured value that nothing explains, and an output that does nothing.
        adrc.low = 0.0;
        adrc.high = 0.0;
        adrc.step(0.0, 0.0);
        let pole = f64::exp(-40.0 * 0.002);
        let mut errors = [0.0; 400];
        for slot in &mut errors {
            *slot = 1.0 - adrc.step(0.0, 1.0).value;
        }
        // A triple pole: e[n+3] = 3 p e[n+2] − 3 p² e[n+1] + p³ e[n].
        for four in errors.windows(4) {
            let next = 3.0 * pole * four[2] - 3.0 * pole * pole * four[1] + pole.powi(3) * four[0];
            assert!((four[3] - next).abs() < 1e-10, "{} {next}", four[3]);
        }
        assert!(errors[399].abs() < 1e-9);
    }

    #[test]
    fn bad_samples_leave_no_trace() {
        let mut adrc: Adrc<f32> = config().build(0.002).unwrap();
        let mut twin = adrc;
        for tick in 0..100_u8 {
            let y = 0.01 * f32::from(tick % 9);
            assert_eq!(adrc.step(0.1, y), twin.step(0.1, y));
            assert!(adrc.step(f32::NAN, y).held && adrc.step(0.1, f32::INFINITY).held);
        }
    }
}
