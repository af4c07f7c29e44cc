//! A PID of the few operations that everybody's PID has, for loops where each instruction counts.
//!
//! `u = kp (r − y) + ki ∫ (r − y) dt − kd dy/dt`, the derivative behind a first-order low-pass,
//! limited, with an integral that stands while the output is at a limit and the error would drive
//! it further out. Nothing else: what a setpoint weight, a measured period or rate, a feedforward, a
//! slew limit, manual mode, back calculation or the contributions of the output are wanted for is
//! done by [`Pid`](super::pid::Pid). The gains mean the same in both.
//!
//! Cost of a step with a filtered derivative, counted in QEMU: `f32` 27 instructions on a
//! Cortex-M4F and 748 on an M0; Q12 29 and 151. A step at a limit costs twice to four times as much.
//!
//! The filtered derivative is `kd / (τ + h)` times the distance of the measured value from its own
//! low-pass: one state, two products, the same numbers as the difference equation of the other.
//! [`math::three_term`](crate::math::three_term) has the arithmetic, and why most steps need not
//! ask whether their samples are usable.
//!
//! An unusable sample changes nothing and the last output stands; the first good sample afterwards
//! counts as if nothing had happened, except that a derivative without a filter, which cannot know
//! how much time has passed, is zero for that step.
//!
//! Fixed point: the low-pass is compared with the measured value at the last place of the type, so
//! one last place is `kd / (τ + h)` in the output. The gains are held to 2⁻³⁰ of their sum, that of
//! the integral to 2⁻¹³ of itself or to 2⁻³⁰ if it is smaller than that. Where the integral's gain
//! over a period is less than 2⁻¹⁸ of the sum, a step costs twice as much.

use super::pid::gain;
use crate::config::{finite, period, positive, within};
use crate::math::three_term::{Terms, ThreeTerm};
use crate::math::{Float, Scalar};
use crate::{ConfigError, Step};

/// Settings of a [`LeanPid`].
///
/// ```
/// use balance_core::control::lean_pid::{LeanPid, LeanPidConfig};
/// let mut pid: LeanPid<f32> = LeanPidConfig {
///     kp: 15.0,
///     ki: 80.0,
///     kd: 0.6,
///     output_min: -12.0,
///     output_max: 12.0,
///     ..Default::default()
/// }
/// .build(0.01)?;
/// // 0.1 of error: 1.5 by kp and 0.08 by ki in the first 10 ms.
/// assert!((pid.step(0.1, 0.0) - 1.58).abs() < 1e-6);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeanPidConfig<P = f32> {
    /// Output per unit of error, −1e9 to 1e9 (fixed point: ±32767). Default 1.
    pub kp: P,
    /// Output per unit of error and second, of the sign of `kp`. Default 0.
    pub ki: P,
    /// Output per unit of the measured value's rate, seconds. Default 0.
    pub kd: P,
    /// Cut-off of the derivative's low-pass in Hz. Lower: less noise and more lag. `None`: no
    /// filter. Default `None`.
    pub derivative_cutoff_hz: Option<P>,
    /// Smallest output. Default −1.
    pub output_min: P,
    /// Largest output, above `output_min`. Default 1.
    pub output_max: P,
}

impl<P: Float> Default for LeanPidConfig<P> {
    fn default() -> Self {
        Self {
            kp: P::one(),
            ki: P::zero(),
            kd: P::zero(),
            derivative_cutoff_hz: None,
            output_min: -P::one(),
            output_max: P::one(),
        }
    }
}

impl<P: Float> LeanPidConfig<P> {
    /// Prepares a controller for a period of `dt` seconds (1 µs to 10 s), at rest.
    ///
    /// # Errors
    ///
    /// Names the field that is not finite, out of its range, or beyond the scalar type.
    pub fn build<T: Scalar<Param = P>>(&self, dt: P) -> Result<LeanPid<T>, ConfigError> {
        let mut pid = LeanPid {
            law: Law::new(self, dt)?,
            state: LeanPidState::default(),
        };
        pid.reset();
        Ok(pid)
    }
}

#[derive(Clone, Copy, Debug)]
struct Law<T: Scalar> {
    terms: T::ThreeTerm,
    low: T,
    high: T,
    /// The derivative is that of one sample to the next.
    unfiltered: bool,
    dt: T::Param,
}

impl<T: Scalar> Law<T> {
    fn new(config: &LeanPidConfig<T::Param>, dt: T::Param) -> Result<Self, ConfigError> {
        let zero = T::Param::lit(0.0);
        period(dt)?;
        let kp = gain::<T>("kp", config.kp)?;
        let ki = finite("ki", config.ki)?;
        gain::<T>("ki", ki * dt)?;
        let kd = finite("kd", config.kd)?;
        let filter_time = match config.derivative_cutoff_hz {
            Some(cutoff) => {
                let cutoff = positive("derivative_cutoff_hz", cutoff)?;
                let time = T::Param::lit(1.0) / (cutoff * T::Param::lit(core::f64::consts::TAU));
                within("derivative_cutoff_hz", time, zero, T::Param::lit(1e9))?
            }
            None => zero,
        };
        let slope = gain::<T>("kd", kd / (filter_time + dt))?;
        let (lowest, highest) = (T::MIN.to_param(), T::MAX.to_param());
        within("output_min", config.output_min, lowest, highest)?;
        within("output_max", config.output_max, lowest, highest)?;
        if config.output_min >= config.output_max {
            return Err(ConfigError::Order("output_min", "output_max"));
        }
        let terms = Terms {
            integral: ki * dt,
            proportional: kp,
            slope,
            share: dt / (filter_time + dt),
            low: config.output_min,
            high: config.output_max,
        };
        Ok(Self {
            terms: T::ThreeTerm::new(&terms),
            low: T::from_param(config.output_min),
            high: T::from_param(config.output_max),
            unfiltered: filter_time == zero,
            dt,
        })
    }
}

/// Where a [`LeanPid`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// No sample yet.
    #[default]
    Rest,
    /// The last sample was good.
    Running,
    /// The last sample was not, and the derivative has no filter.
    Gap,
    /// The gains are new: the integral takes up the difference.
    Retuned,
}

/// The values of a [`LeanPid`] that change.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LeanPidState<T: Scalar> {
    /// The integral and the low-passed measured value.
    memory: <T::ThreeTerm as ThreeTerm<T>>::Memory,
    total: T,
    phase: Phase,
}

impl<T: Scalar> LeanPidState<T> {
    /// The integral's contribution to the output.
    pub fn integral(&self) -> T {
        <T::ThreeTerm as ThreeTerm<T>>::integral(&self.memory)
    }
    /// The last output.
    pub fn total(&self) -> T {
        self.total
    }
}

/// A small PID; see the [module](self).
#[derive(Clone, Copy, Debug)]
pub struct LeanPid<T: Scalar> {
    law: Law<T>,
    state: LeanPidState<T>,
}

impl<T: Scalar> LeanPid<T> {
    /// The output for this period, within its limits.
    #[inline]
    pub fn step(&mut self, setpoint: T, measured: T) -> T {
        let state = &mut self.state;
        match self
            .law
            .terms
            .step_inside(&mut state.memory, setpoint, measured)
        {
            Some(total) => {
                state.total = total;
                total
            }
            None => self.step_with_care(setpoint, measured),
        }
    }

    /// A step at a limit, with an unusable sample, or one that is not like the one before it.
    #[cold]
    #[inline(never)]
    fn step_with_care(&mut self, setpoint: T, measured: T) -> T {
        let phase = self.state.phase;
        let (terms, memory) = (&self.law.terms, &mut self.state.memory);
        terms.take_back(memory, setpoint, measured);
        if !measured.is_usable() || !setpoint.is_usable() {
            if phase == Phase::Running && self.law.unfiltered {
                self.enter(Phase::Gap);
            }
            return self.state.total;
        }
        if phase != Phase::Running {
            terms.settle(memory, measured);
        }
        if phase == Phase::Retuned {
            terms.take_up(memory, setpoint, measured, self.state.total);
        }
        self.state.total = terms.step(memory, setpoint, measured);
        self.enter(Phase::Running);
        self.state.total
    }

    fn enter(&mut self, phase: Phase) {
        self.state.phase = phase;
        self.law.terms.open(phase == Phase::Running);
    }

    /// The last output.
    pub fn output(&self) -> T {
        self.state.total
    }

    /// Takes new settings. With an integral the output does not jump: at the next sample the
    /// integral takes up what the gains change. The derivative starts anew.
    ///
    /// # Errors
    ///
    /// As [`LeanPidConfig::build`]; the old settings then stay.
    pub fn retune(&mut self, config: &LeanPidConfig<T::Param>) -> Result<(), ConfigError> {
        self.law = Law::new(config, self.law.dt)?;
        let rest = self.state.phase == Phase::Rest;
        let phase = if rest { Phase::Rest } else { Phase::Retuned };
        self.restore(LeanPidState {
            phase,
            ..self.state
        });
        Ok(())
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.restore(LeanPidState::default());
    }

    /// The values that change.
    pub fn state(&self) -> LeanPidState<T> {
        self.state
    }

    /// Puts a state back, the output within its limits; one with an unusable value means rest.
    pub fn restore(&mut self, state: LeanPidState<T>) {
        let usable = |state: &LeanPidState<T>| {
            let memory = self.law.terms.adopt(state.memory)?;
            state.total.is_usable().then_some(memory)
        };
        let (state, memory) = match usable(&state) {
            Some(memory) => (state, memory),
            None => {
                let rest = LeanPidState::default();
                (rest, self.law.terms.adopt(rest.memory).unwrap_or_default())
            }
        };
        self.state = LeanPidState {
            memory,
            total: state.total.limit(self.law.low, self.law.high),
            ..state
        };
        self.enter(state.phase);
    }
}

impl<T: Scalar> Step for LeanPid<T> {
    /// Setpoint and measured value.
    type Input = (T, T);
    type Output = T;
    type State = LeanPidState<T>;
    #[inline]
    fn step(&mut self, (setpoint, measured): (T, T)) -> T {
        LeanPid::step(self, setpoint, measured)
    }
    fn state(&self) -> LeanPidState<T> {
        LeanPid::state(self)
    }
    fn restore(&mut self, state: LeanPidState<T>) {
        LeanPid::restore(self, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::pid::{Pid, PidConfig};
    use crate::math::Q12;

    fn config<P: Float>(cutoff: Option<f64>) -> LeanPidConfig<P> {
        LeanPidConfig {
            kp: P::lit(8.0),
            ki: P::lit(30.0),
            kd: P::lit(0.3),
            derivative_cutoff_hz: cutoff.map(P::lit),
            output_min: P::lit(-6.0),
            output_max: P::lit(5.0),
        }
    }

    fn number<T: Scalar>(x: T) -> f64 {
        x.to_param().to_f64()
    }

    /// A plant of one integrator and a lag; what the controller does with it.
    fn drive<T: Scalar>(mut step: impl FnMut(T, T) -> T) -> [f64; 400] {
        let (mut x, mut v) = (0.0, 0.0);
        core::array::from_fn(|n| {
            let setpoint = if n < 200 { 0.9 } else { -0.2 };
            let u = number(step(T::lit(setpoint), T::lit(x)));
            v += 0.005 * (4.0 * u - 1.0 - 6.0 * v);
            x += 0.005 * v;
            u
        })
    }

    #[test]
    fn is_the_pid_with_less_around_it() {
        fn check<T: Scalar>(tolerance: f64) {
            for cutoff in [None, Some(25.0)] {
                let small = config::<T::Param>(cutoff);
                let mut lean: LeanPid<T> = small.build(T::Param::lit(0.005)).unwrap();
                let mut full: Pid<T> = PidConfig {
                    kp: small.kp,
                    ki: small.ki,
                    kd: small.kd,
                    derivative_cutoff_hz: small.derivative_cutoff_hz,
                    output_min: small.output_min,
                    output_max: small.output_max,
                    ..Default::default()
                }
                .build(T::Param::lit(0.005))
                .unwrap();
                let own = drive::<T>(|r, y| lean.step(r, y));
                let other = drive::<T>(|r, y| full.step(r, y).total);
                for (own, other) in own.iter().zip(&other) {
                    assert!(
                        (own - other).abs() < tolerance,
                        "{}: {own} {other}",
                        T::NAME
                    );
                }
                assert!(own.contains(&5.0) && own.iter().any(|u| *u < -1.0));
            }
        }
        check::<f64>(1e-12);
        check::<f32>(1e-4);
        check::<Q12>(4e-4);
    }

    #[test]
    fn does_not_wind_up() {
        fn check<T: Scalar>() {
            let mut pid: LeanPid<T> = config(Some(25.0)).build(T::Param::lit(0.005)).unwrap();
            for _ in 0..10_000 {
                assert!(pid.step(T::lit(3.0), T::lit(1.0)) <= T::lit(5.0));
            }
            // Within one integral time, 0.27 s, of the error's turn.
            let mut periods = 0;
            while pid.step(T::lit(0.9), T::lit(1.0)) >= T::lit(4.99) {
                periods += 1;
                assert!(periods < 53);
            }
        }
        check::<f32>();
        check::<f64>();
        check::<Q12>();
    }

    #[test]
    fn retuning_does_not_jump() {
        fn check<T: Scalar>(tolerance: f64) {
            let mut pid: LeanPid<T> = config(Some(25.0)).build(T::Param::lit(0.005)).unwrap();
            let mut last = 0.0;
            for _ in 0..40 {
                last = number(pid.step(T::lit(0.2), T::lit(0.1)));
            }
            let other = LeanPidConfig {
                kp: T::Param::lit(2.0),
                ..config(None)
            };
            pid.retune(&other).unwrap();
            let next = number(pid.step(T::lit(0.2), T::lit(0.1)));
            // One period of the integral.
            assert!((next - last - 0.015).abs() < tolerance, "{last} {next}");
        }
        check::<f32>(1e-5);
        check::<f64>(1e-12);
        check::<Q12>(2e-5);
    }

    #[test]
    fn an_unusable_sample_passes_over() {
        for cutoff in [None, Some(25.0)] {
            for bad in [f32::NAN, f32::INFINITY, -f32::INFINITY, 1e30] {
                let mut pid: LeanPid<f32> = config(cutoff).build(0.005).unwrap();
                let mut spoilt = pid;
                for n in 0..100 {
                    let y = 0.1 + 0.0001 * n as f32;
                    let before = spoilt.output();
                    if n == 20 {
                        assert_eq!(spoilt.step(bad, y), before);
                        assert_eq!(spoilt.step(0.3, bad), before);
                    }
                    let (good, late) = (pid.step(0.3, y), spoilt.step(0.3, y));
                    assert!(
                        late.is_finite() && (good - late).abs() < 0.02,
                        "{n} {good} {late}"
                    );
                }
            }
        }
    }

    #[test]
    fn errors_name_the_field() {
        let error = |config: LeanPidConfig<f32>| config.build::<Q12>(0.01).unwrap_err();
        let good = config::<f32>(None);
        let bad = LeanPidConfig {
            output_min: 6.0,
            ..good
        };
        assert_eq!(error(bad), ConfigError::Order("output_min", "output_max"));
        let bad = LeanPidConfig {
            kp: f32::NAN,
            ..good
        };
        assert_eq!(error(bad), ConfigError::NonFinite("kp"));
        let bad = LeanPidConfig { kd: 1e4, ..good };
        assert_eq!(error(bad), ConfigError::Unrepresentable("kd"));
    }
}
