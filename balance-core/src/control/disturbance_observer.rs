//! Disturbance observer: what acts on a plant besides its input, to be taken away from that input.
//!
//! For a plant known as `P`, with the input u and an unknown d that acts like it, the estimate is
//!
//! ```text
//! d̂ = Q (P⁻¹ y − u)
//! ```
//!
//! with a low-pass Q of the plant's order and the poles `e^(−ω dt)`, so that the inverse never
//! differentiates more than Q smooths. Whatever the controller, `u = controller − d̂` then meets the
//! plant that was assumed: steps of load are gone within a few 1/ω, without an integral and without
//! its lag in answering the setpoint.
//!
//! The first-order inverse is exact for an input and a disturbance that stand within a period, the
//! second-order one for a plant without damping and stiffness; those it takes by central differences.
//!
//! **Not ADRC.** [`adrc`](super::adrc) is a whole controller that knows the gain of the input only
//! and counts everything else, the plant's own dynamics among it, as disturbance. This estimates what
//! the plant's model does not explain, and goes with a controller that one has already. With a good
//! model its estimate is smaller, and quiet while nothing disturbs; with a poor one it is the model's
//! error that it takes away, up to ω.
//!
//! **How fast.** The loop through the observer is Q/(1 − Q) times real over assumed plant: with a
//! right first-order one that of an integral of the bandwidth ω. A delay of T alone is borne up to
//! ω T = 1.5 (first order) or 2.7 (second), less with the controller's own lag; a third of either
//! leaves margins.
//!
//! Source: K. Ohnishi, M. Shibata, T. Murakami, "Motion control for advanced mechatronics",
//! IEEE/ASME Transactions on Mechatronics 1(1), 1996. Cost of a step: first order 5 products, 6 sums;
//! second order 8 and 12; two comparisons.

use crate::config::{ConfigError, finite, period, positive, within};
use crate::control::pid::gain;
use crate::math::{Float, Scalar};
use crate::step::Step;
use num_traits::{One, Zero};

/// What a [`DisturbanceObserver`] takes the plant for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NominalPlant<P = f32> {
    /// `ẏ = b (u + d) − a y`: a speed by a torque, a current by a voltage.
    FirstOrder {
        /// b: rate of the measured value per unit of input, not zero. Too small: disturbances are
        /// overdone, and the loop oscillates. Too large: part of them stays.
        input_gain: P,
        /// a, in 1/s: one over the time constant; zero for an integrator.
        decay: P,
    },
    /// `ÿ = b (u + d) − a₁ ẏ − a₀ y`: a place by a force, an angle by a torque.
    SecondOrder {
        /// b: second derivative of the measured value per unit of input, not zero.
        input_gain: P,
        /// a₁, in 1/s.
        damping: P,
        /// a₀, in 1/s²; negative for what falls over.
        stiffness: P,
    },
}

/// Settings of a [`DisturbanceObserver`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DisturbanceObserverConfig<P = f32> {
    /// What the plant is taken for. Default: an integrator of gain one.
    pub plant: NominalPlant<P>,
    /// ω: bandwidth of the estimate in rad/s, at most 1/dt. Too small: disturbances are felt for
    /// long. Too large: noise, and oscillation with what the plant has of delay. Default 10.
    pub bandwidth: P,
    /// The estimate is limited to ± this, above zero, in units of the input: what a fault may ask
    /// for. Default 1.
    pub limit: P,
}

impl<P: Float> Default for DisturbanceObserverConfig<P> {
    fn default() -> Self {
        Self {
            plant: NominalPlant::FirstOrder {
                input_gain: P::one(),
                decay: P::zero(),
            },
            bandwidth: P::lit(10.0),
            limit: P::one(),
        }
    }
}

impl<P: Float> DisturbanceObserverConfig<P> {
    /// Prepares an observer for a period of `dt` seconds (1 µs to 10 s); the first measured value is
    /// where it starts, undisturbed.
    ///
    /// # Errors
    /// Names the field that is out of its range or whose coefficient the type cannot hold.
    pub fn build<T: Scalar<Param = P>>(
        &self,
        dt: P,
    ) -> Result<DisturbanceObserver<T>, ConfigError> {
        Ok(DisturbanceObserver {
            inverse: Inverse::new(self, dt)?,
            dt,
            state: DisturbanceObserverState::default(),
        })
    }
}

/// `(1 − e^(−x)) / x`.
fn held<P: Float>(x: P) -> P {
    if x.magnitude() < P::lit(1e-3) {
        P::one() - x * P::lit(0.5) * (P::one() - x / P::lit(3.0))
    } else {
        (P::one() - (-x).exp()) / x
    }
}

#[derive(Clone, Copy, Debug)]
struct Inverse<T: Scalar> {
    second_order: bool,
    /// Of the low-pass.
    share: T::Gain,
    /// Of the difference between two measured values, or between two such differences.
    change: T::Gain,
    /// Of twice the rate; second order only.
    rate: T::Gain,
    /// Of the measured value.
    value: T::Gain,
    limit: T,
}

impl<T: Scalar> Inverse<T> {
    fn new(
        config: &DisturbanceObserverConfig<T::Param>,
        dt: T::Param,
    ) -> Result<Self, ConfigError> {
        let one: T::Param = One::one();
        period(dt)?;
        let bandwidth = positive("bandwidth", config.bandwidth)?;
        within("bandwidth", bandwidth, Zero::zero(), one / dt)?;
        let limit = positive("limit", config.limit)?;
        within("limit", limit, Zero::zero(), T::MAX.to_param())?;
        let share = one - (-bandwidth * dt).exp();
        let input = |b: T::Param| {
            if finite("input_gain", b)?.is_zero() {
                return Err(ConfigError::OutOfRange("input_gain"));
            }
            Ok(b)
        };
        let zero = Zero::zero();
        let (second_order, change, rate, value) = match config.plant {
            NominalPlant::FirstOrder { input_gain, decay } => {
                let b = input(input_gain)?;
                let a = finite("decay", decay)?;
                within("decay", a * dt, T::Param::lit(-1.0), T::Param::lit(1e3))?;
                (false, share / (b * dt * held(a * dt)), zero, a / b)
            }
            NominalPlant::SecondOrder {
                input_gain,
                damping,
                stiffness,
            } => {
                let b = input(input_gain)?;
                let damping = finite("damping", damping)?;
                let stiffness = finite("stiffness", stiffness)?;
                let half = T::Param::lit(0.5);
                let change = share / dt * (share / dt) / b;
                (true, change, half * damping * share / dt / b, stiffness / b)
            }
        };
        Ok(Self {
            second_order,
            share: T::gain(share),
            change: T::gain(gain::<T>("input_gain", change)?),
            rate: T::gain(gain::<T>("damping", rate)?),
            value: T::gain(gain::<T>(
                if second_order { "stiffness" } else { "decay" },
                value,
            )?),
            limit: T::from_param(limit),
        })
    }
}

/// What a [`DisturbanceObserver`] remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DisturbanceObserverState<T: Scalar> {
    /// The measured value behind one and two low-passes, and the input likewise.
    measured: [T::Wide; 2],
    input: [T::Wide; 2],
    /// Of the second low-pass, a period ago.
    last_step: T,
    last_input: T,
    disturbance: T,
    started: bool,
}

/// What a [`DisturbanceObserver`] says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DisturbanceEstimate<T> {
    /// d̂, as the input that it is worth: subtract it.
    pub disturbance: T,
    /// Whether it stands at its limit.
    pub limited: bool,
    /// Whether a value was unusable and the last estimate stands.
    pub held: bool,
}

/// Estimates what disturbs a plant; see the [module](self).
///
/// ```
/// use balance_core::control::disturbance_observer::{
///     DisturbanceObserver, DisturbanceObserverConfig, NominalPlant,
/// };
/// // A wheel: 20 rad/s² per volt, 4 rad/s² of braking per rad/s; a load worth 0.5 V brakes it.
/// let mut observer: DisturbanceObserver<f32> = DisturbanceObserverConfig {
///     plant: NominalPlant::FirstOrder { input_gain: 20.0, decay: 4.0 },
///     bandwidth: 50.0,
///     limit: 6.0,
/// }
/// .build(0.001)?;
/// let (mut speed, mut disturbance) = (0.0, 0.0);
/// for _ in 0..1000 {
///     let volts = 2.0 - disturbance;
///     speed += 0.001 * (20.0 * (volts - 0.5) - 4.0 * speed);
///     disturbance = observer.step(speed, volts).disturbance;
/// }
/// assert!((disturbance + 0.5).abs() < 0.01, "{disturbance}");
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DisturbanceObserver<T: Scalar> {
    inverse: Inverse<T>,
    dt: T::Param,
    state: DisturbanceObserverState<T>,
}

/// A low-pass takes a value in; gives by how much that was ahead of it.
#[inline(always)]
fn smooth<T: Scalar>(low_pass: &mut T::Wide, share: T::Gain, value: T) -> T {
    let ahead = value - T::narrow(*low_pass);
    *low_pass = T::accumulate(*low_pass, share, ahead);
    ahead
}

impl<T: Scalar> DisturbanceObserver<T> {
    /// Advances by one period: the value measured now, and the input that acted since the last one,
    /// as limited. An unusable value leaves everything as it is.
    #[inline]
    pub fn step(&mut self, measured: T, input: T) -> DisturbanceEstimate<T> {
        if !(measured.is_usable() & input.is_usable()) {
            return DisturbanceEstimate {
                held: true,
                ..self.output()
            };
        }
        if !self.state.started {
            self.start(measured, input);
            return self.output();
        }
        let (inverse, state) = (&self.inverse, &mut self.state);
        let [measured_1, measured_2] = &mut state.measured;
        let [input_1, input_2] = &mut state.input;
        let unlimited = if inverse.second_order {
            let before = T::narrow(*measured_2);
            let step_1 = smooth(measured_1, inverse.share, measured);
            let step_2 = smooth(measured_2, inverse.share, T::narrow(*measured_1));
            let mean = (input + state.last_input).halved();
            smooth(input_1, inverse.share, mean);
            smooth(input_2, inverse.share, T::narrow(*input_1));
            let changes = [step_1 - state.last_step, step_2 + state.last_step, before];
            state.last_step = step_2;
            state.last_input = input;
            let caused = T::dot(&[inverse.change, inverse.rate, inverse.value], &changes);
            caused - T::narrow(*input_2)
        } else {
            let before = T::narrow(*measured_1);
            let step = smooth(measured_1, inverse.share, measured);
            smooth(input_1, inverse.share, input);
            let caused = T::dot(&[inverse.change, inverse.value], &[step, before]);
            caused - T::narrow(*input_1)
        };
        state.disturbance = unlimited.limit(-inverse.limit, inverse.limit);
        let usable = state.measured.iter().chain(&state.input);
        if !usable.into_iter().all(|x| T::narrow(*x).is_usable()) || !unlimited.is_usable() {
            // A float that has left the usable for good would never come back.
            self.start(measured, input);
        }
        self.output()
    }

    /// As if the plant had stood here for long, undisturbed.
    #[inline(never)]
    fn start(&mut self, measured: T, input: T) {
        let holding = measured.scale(self.inverse.value);
        let holding = holding.limit(T::MIN, T::MAX).widen();
        self.state = DisturbanceObserverState {
            measured: [measured.widen(); 2],
            input: [holding; 2],
            last_step: T::zero(),
            last_input: input,
            disturbance: T::zero(),
            started: true,
        };
    }

    /// The last estimate.
    #[inline]
    pub fn output(&self) -> DisturbanceEstimate<T> {
        DisturbanceEstimate {
            disturbance: self.state.disturbance,
            limited: self.state.disturbance.magnitude() >= self.inverse.limit,
            held: false,
        }
    }

    /// Takes new settings; the low-passes stay, so that the estimate moves by what the new plant
    /// explains differently. The period stays, and so must the order.
    ///
    /// # Errors
    /// As [`DisturbanceObserverConfig::build`], `OutOfRange("plant")` for one of the other order; the
    /// old settings then stay.
    pub fn retune(
        &mut self,
        config: &DisturbanceObserverConfig<T::Param>,
    ) -> Result<(), ConfigError> {
        let inverse: Inverse<T> = Inverse::new(config, self.dt)?;
        if inverse.second_order != self.inverse.second_order {
            return Err(ConfigError::OutOfRange("plant"));
        }
        self.inverse = inverse;
        let limit = inverse.limit;
        self.state.disturbance = self.state.disturbance.limit(-limit, limit);
        Ok(())
    }

    /// Forgets everything; the next measured value is where it starts.
    pub fn reset(&mut self) {
        self.restore(DisturbanceObserverState::default());
    }

    /// The values that change.
    pub fn state(&self) -> DisturbanceObserverState<T> {
        self.state
    }

    /// Puts a state back, the estimate within its limit; one with an unusable value means rest.
    pub fn restore(&mut self, state: DisturbanceObserverState<T>) {
        let mut slow = state.measured.iter().chain(&state.input);
        let usable = slow.all(|x| T::narrow(*x).is_usable())
            && state.last_step.is_usable()
            && state.last_input.is_usable()
            && state.disturbance.is_usable();
        self.state = if usable {
            state
        } else {
            DisturbanceObserverState::default()
        };
        let limit = self.inverse.limit;
        self.state.disturbance = self.state.disturbance.limit(-limit, limit);
    }
}

impl<T: Scalar> Step for DisturbanceObserver<T> {
    /// Measured value and input.
    type Input = (T, T);
    type Output = DisturbanceEstimate<T>;
    type State = DisturbanceObserverState<T>;
    #[inline]
    fn step(&mut self, (measured, input): (T, T)) -> DisturbanceEstimate<T> {
        DisturbanceObserver::step(self, measured, input)
    }
    fn state(&self) -> Self::State {
        DisturbanceObserver::state(self)
    }
    fn restore(&mut self, state: Self::State) {
        DisturbanceObserver::restore(self, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;

    const DT: f64 = 0.002;

    fn first<P: Float>(bandwidth: f64) -> DisturbanceObserverConfig<P> {
        DisturbanceObserverConfig {
            plant: NominalPlant::FirstOrder {
                input_gain: P::lit(20.0),
                decay: P::lit(4.0),
            },
            bandwidth: P::lit(bandwidth),
            limit: P::lit(8.0),
        }
    }
    fn second<P: Float>(damping: f64, stiffness: f64) -> DisturbanceObserverConfig<P> {
        DisturbanceObserverConfig {
            plant: NominalPlant::SecondOrder {
                input_gain: P::lit(20.0),
                damping: P::lit(damping),
                stiffness: P::lit(stiffness),
            },
            bandwidth: P::lit(50.0),
            limit: P::lit(8.0),
        }
    }
    fn wave(tick: u32) -> f64 {
        (if tick % 170 < 60 { 1.0 } else { -0.4 }) + 0.001 * f64::from(tick % 90)
    }

    #[test]
    fn first_order_estimate_is_the_low_pass_of_the_truth() {
        fn check<T: Scalar>(slack: f64) {
            let dt = T::Param::lit(DT);
            let mut observer: DisturbanceObserver<T> = first(50.0).build(dt).unwrap();
            let (mut y, mut filtered, fade) = (0.0, 0.0, f64::exp(-4.0 * DT));
            observer.step(T::zero(), T::zero());
            for tick in 0..3000 {
                let (u, d) = (wave(tick * 7), wave(tick));
                y = fade * y + 5.0 * (1.0 - fade) * (u + d);
                filtered += (1.0 - f64::exp(-50.0 * DT)) * (d - filtered);
                let found = observer.step(T::lit(y), T::lit(u)).disturbance;
                let off = found.to_param().to_f64() - filtered;
                assert!(off.abs() < slack, "{} {tick}: {off}", T::NAME);
            }
        }
        check::<f32>(3e-5);
        check::<f64>(1e-11);
        check::<Q12>(1e-4);
    }

    #[test]
    fn second_order_estimate_is_the_double_low_pass_of_the_truth() {
        fn check<T: Scalar>(slack: f64) {
            let dt = T::Param::lit(DT);
            let mut observer: DisturbanceObserver<T> = second(0.0, 0.0).build(dt).unwrap();
            let (mut y, mut v, mut last, mut once, mut twice) = (0.0, 0.0, 0.0, 0.0, 0.0);
            observer.step(T::zero(), T::zero());
            for tick in 0..1500 {
                // Pushed back, so that it stays in view.
                let u = wave(tick * 7) - 2.0 * y - 0.8 * v;
                let d = wave(tick);
                y += DT * v + 0.5 * DT * DT * 20.0 * (u + d);
                v += DT * 20.0 * (u + d);
                let share = 1.0 - f64::exp(-50.0 * DT);
                once += share * ((d + last) / 2.0 - once);
                twice += share * (once - twice);
                last = d;
                let found = observer.step(T::lit(y), T::lit(u)).disturbance;
                let off = found.to_param().to_f64() - twice;
                assert!(off.abs() < slack, "{} {tick}: {off}", T::NAME);
            }
        }
        check::<f32>(2e-3);
        check::<f64>(1e-9);
        check::<Q12>(5e-3);
    }

    #[test]
    fn a_plant_that_is_what_it_is_taken_for_shows_no_disturbance() {
        // Damped and falling: in steps of a hundredth of the period.
        let mut observer: DisturbanceObserver<f64> = second(3.0, -40.0).build(DT).unwrap();
        let (mut y, mut v, mut worst) = (0.01, 0.0, 0.0_f64);
        for tick in 0..2000 {
            let u = 0.3 * wave(tick) - 6.0 * y - 0.6 * v;
            for _ in 0..100 {
                v += DT / 100.0 * (20.0 * u - 3.0 * v + 40.0 * y);
                y += DT / 100.0 * v;
            }
            let found = observer.step(y, u).disturbance;
            if tick > 300 {
                worst = worst.max(found.abs());
            }
        }
        assert!(worst < 0.01, "{worst}");
    }

    #[test]
    fn a_load_is_gone_without_an_integral() {
        fn check<T: Scalar>() {
            let dt = T::Param::lit(DT);
            let mut observer: DisturbanceObserver<T> = first(40.0).build(dt).unwrap();
            let (mut y, mut d, fade) = (0.0, 0.0, f64::exp(-4.0 * DT));
            let mut worst = [0.0_f64; 2];
            for tick in 0..4000 {
                // P with the model's own feedforward: without a load it is where it shall be.
                let u = 0.5 * (2.0 - y) + 0.4 - d;
                let load = if tick > 2000 { -1.0 } else { 0.0 };
                y = fade * y + 5.0 * (1.0 - fade) * (u + load);
                d = observer
                    .step(T::lit(y), T::lit(u))
                    .disturbance
                    .to_param()
                    .to_f64();
                if tick % 2000 > 1900 {
                    worst[tick / 2001] = worst[tick / 2001].max((y - 2.0).abs());
                }
            }
            assert!(worst[0] < 1e-3 && worst[1] < 1e-3, "{} {worst:?}", T::NAME);
        }
        check::<f32>();
        check::<f64>();
        check::<Q12>();
    }

    #[test]
    fn starts_undisturbed_and_passes_bad_samples_over() {
        for config in [first::<f32>(50.0), second(3.0, 8.0)] {
            let mut observer: DisturbanceObserver<f32> = config.build(0.002).unwrap();
            assert_eq!(observer.step(3.0, 1.2).disturbance, 0.0);
            let mut twin = observer;
            for tick in 0..50_u8 {
                let y = f32::from(tick % 7);
                assert_eq!(observer.step(y, 1.0), twin.step(y, 1.0));
                for (y, u) in [(f32::NAN, 0.0), (0.0, f32::INFINITY), (1e30, 1e30)] {
                    assert!(observer.step(y, u).held);
                }
            }
            for huge in [9e18, -9e18, 9e18] {
                assert!(observer.step(huge, -huge).disturbance.abs() <= 8.0);
            }
            for _ in 0..3000 {
                observer.step(0.0, 0.0);
            }
            assert!(observer.output().disturbance.abs() < 1e-3);
        }
    }

    #[test]
    fn names_the_field() {
        let refused = |config: DisturbanceObserverConfig<f64>| {
            config.build::<f64>(DT).map(|_| ()).unwrap_err()
        };
        let plant = NominalPlant::FirstOrder {
            input_gain: 0.0,
            decay: 1.0,
        };
        let still = DisturbanceObserverConfig {
            plant,
            ..first(50.0)
        };
        assert_eq!(refused(still), ConfigError::OutOfRange("input_gain"));
        assert_eq!(refused(first(600.0)), ConfigError::OutOfRange("bandwidth"));
        let mut observer: DisturbanceObserver<f64> = first(50.0).build(DT).unwrap();
        assert_eq!(
            observer.retune(&second(0.0, 0.0)),
            Err(ConfigError::OutOfRange("plant"))
        );
    }
}
