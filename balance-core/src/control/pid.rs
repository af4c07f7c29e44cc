//! PID with what its users ask for: real time, anti-windup, bumpless changes, bad samples.
//!
//! | wish | here |
//! |---|---|
//! | one NaN must not last for ever | the step is held; the next good sample is used as if nothing had happened |
//! | the loop is late | [`PidInput::dt`]: integral, derivative and slew use the measured period |
//! | no kick | derivative on measurement, none on the first sample, own low-pass |
//! | no windup | [`AntiWindup`], the actuator's real output, limits further down |
//! | no bump | [`Pid::retune`], [`Pid::set_manual`], [`Pid::set_automatic`], [`Pid::reset_to`] |
//!
//! Against the oracle in closed loop (`tests/control_golden.rs`): 1e-9 in `f64`, 5e-7 in `f32`, 5e-6
//! in Q12, 6e-5 in Q16. In `f32` an increment `ki·dt·e` below 6e-8 of the integral is lost; fixed
//! point keeps 16 bits below its last place.
//!
//! The integral is kept in units of the output and, unless anti-windup is off, within the output's
//! limits, so the controller is out of saturation within one integral time.
//!
//! **Without an integral** (`ki = 0`) there is nothing that could absorb a difference: a change of
//! `kp` or of the mode then moves the output by what the terms demand.
//!
//! **After a held sample** the derivative is the difference over the time that really passed.
//! Where that time is not known (a broken `dt`, or more than ten periods), the derivative stands
//! for one more step.
//!
//! Cost of a step with P and I: 2 products, 4 sums, 4 comparisons of scalars; the derivative adds a
//! product and 2 sums, its filter as much again. A measured `dt` costs two divisions of floats.

mod config;
mod signals;
#[cfg(test)]
mod tests;

pub(in crate::control) use self::config::gain;
pub use self::config::{AntiWindup, LATEST_PERIODS, PidConfig};
use self::config::{Law, Period};
pub use self::signals::{Mode, PidInput, PidOutput, Saturation};
use crate::math::Scalar;
use crate::math::wide::cold;
use crate::{ConfigError, Step};
use num_traits::Zero;

/// A PID controller; see [`PidConfig`].
#[derive(Clone, Copy, Debug)]
pub struct Pid<T: Scalar> {
    law: Law<T>,
    state: PidState<T>,
}

/// What the derivative knows of the past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum History {
    /// Nothing.
    #[default]
    Fresh,
    /// The previous sample.
    Continuous,
    /// A sample `gap` seconds before the previous call.
    Gap,
}

/// The values of a [`Pid`] that change.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PidState<T: Scalar> {
    integral: T::Wide,
    derivative: T::Wide,
    setpoint: T,
    measured: T,
    feedforward: T,
    total: T,
    manual: T,
    gap: T::Param,
    history: History,
    saturated: Saturation,
    mode: Mode,
}

impl<T: Scalar> PidState<T> {
    /// The integral's contribution to the output.
    pub fn integral(&self) -> T {
        T::narrow(self.integral)
    }
    /// The derivative's contribution to the output.
    pub fn derivative(&self) -> T {
        T::narrow(self.derivative)
    }
    /// The last output.
    pub fn total(&self) -> T {
        self.total
    }
    /// Who decides on the output.
    pub fn mode(&self) -> Mode {
        self.mode
    }
    fn is_usable(&self) -> bool {
        self.integral().is_usable()
            && self.setpoint.is_usable()
            && self.measured.is_usable()
            && self.feedforward.is_usable()
            && self.total.is_usable()
            && self.manual.is_usable()
            && self.gap.is_usable()
            && self.gap >= T::Param::zero()
    }
}

impl<T: Scalar> Pid<T> {
    /// Advances by one nominal period.
    #[inline]
    pub fn step(&mut self, setpoint: T, measured: T) -> PidOutput<T> {
        self.advance::<false>(&PidInput::new(setpoint, measured))
    }

    /// Advances by one period with all that is known.
    #[inline]
    pub fn step_with(&mut self, input: &PidInput<T>) -> PidOutput<T> {
        self.advance::<true>(input)
    }

    // `FULL` is false where the optional inputs are known to be absent: adding a float zero is not
    // free, and the compiler may not drop it.
    #[inline(always)]
    fn advance<const FULL: bool>(&mut self, input: &PidInput<T>) -> PidOutput<T> {
        let usable = input.setpoint.is_usable()
            & input.measured.is_usable()
            & input.feedforward.is_usable()
            & input.measured_rate.is_none_or(T::is_usable);
        if !usable {
            return self.hold(input.dt);
        }
        let measured_period;
        let period = if self.state.history != History::Gap && input.dt.is_none() {
            &self.law.nominal
        } else if let Some(period) = self.period(input.dt) {
            measured_period = period;
            &measured_period
        } else {
            return self.hold_late(input.dt);
        };
        let (law, state) = (&self.law, &mut self.state);

        let error = input.setpoint.minus(input.measured);
        let p = law.proportional(input.setpoint, error);
        let mut others = p;
        let mut d = T::zero();
        if law.differentiates {
            d = law.derivative(state, input, period);
            others = others.plus(d);
        }
        if FULL {
            others = others.plus(input.feedforward);
        }

        if state.mode == Mode::Manual {
            let (total, saturated) = law.shape(state.manual, state.total, period.slew);
            if law.integrates {
                state.integral = law.bounded((total - others).widen());
            }
            state.total = total;
            state.saturated = saturated;
        } else {
            let mut kept = state.integral;
            let mut integral = kept;
            // Rising in the sense of the output.
            let rising = || error.is_above(T::zero()) != law.reverse;
            if law.integrates {
                if FULL
                    && let Some(actual) = input.actual_output
                    && actual.is_usable()
                {
                    kept = T::accumulate(kept, period.tracking, actual - state.total);
                    kept = law.bounded(kept);
                    integral = kept;
                }
                if !(FULL && input.downstream.blocks(rising())) {
                    integral = T::accumulate(kept, period.integral, error);
                    integral = law.bounded(integral);
                }
            }
            let wanted = others.plus(T::narrow(integral));
            let (mut total, saturated) = law.shape(wanted, state.total, period.slew);
            if saturated != Saturation::None && law.integrates {
                if law.conditional && saturated.blocks(rising()) {
                    integral = kept;
                    let wanted = others + T::narrow(kept);
                    total = law.shape(wanted, state.total, period.slew).0;
                } else if law.tracks {
                    integral = T::accumulate(integral, period.tracking, total - wanted);
                    integral = law.bounded(integral);
                }
            }
            state.integral = integral;
            state.total = total;
            state.saturated = saturated;
        }
        state.setpoint = input.setpoint;
        state.measured = input.measured;
        state.feedforward = input.feedforward;
        PidOutput {
            p,
            i: T::narrow(state.integral),
            d,
            ff: input.feedforward,
            total: state.total,
            saturated: state.saturated,
            mode: state.mode,
            held: false,
        }
    }

    /// The coefficients of a measured period or of one after a gap.
    #[cold]
    fn period(&self, dt: Option<T::Param>) -> Option<Period<T>> {
        let rates = &self.law.rates;
        let dt = dt.unwrap_or(rates.dt);
        if !rates.is_period(dt) {
            return None;
        }
        let gap = match self.state.history {
            History::Gap => self.state.gap,
            _ => T::Param::zero(),
        };
        Some(rates.over(dt, dt + gap))
    }

    /// The last good output, after an unusable sample.
    #[cold]
    fn hold(&mut self, dt: Option<T::Param>) -> PidOutput<T> {
        let rates = &self.law.rates;
        let dt = dt.unwrap_or(rates.dt);
        let gap = match self.state.history {
            History::Gap => self.state.gap + dt,
            _ => dt,
        };
        if dt == T::Param::zero() {
            // No time has passed.
        } else if self.state.history == History::Fresh
            || !rates.is_period(dt)
            || gap > rates.longest()
        {
            self.state.history = History::Fresh;
        } else {
            self.state.history = History::Gap;
            self.state.gap = gap;
        }
        self.held()
    }

    /// The last good output, after an unusable period.
    #[cold]
    fn hold_late(&mut self, dt: Option<T::Param>) -> PidOutput<T> {
        // A second call within one tick of the clock is no gap; anything else is of unknown length.
        if dt != Some(T::Param::zero()) {
            self.state.history = History::Fresh;
        }
        self.held()
    }

    fn held(&self) -> PidOutput<T> {
        PidOutput {
            held: true,
            ..self.output()
        }
    }

    /// The last good output; its `p` follows a [`retune`](Self::retune).
    pub fn output(&self) -> PidOutput<T> {
        let (law, state) = (&self.law, &self.state);
        PidOutput {
            p: law.proportional(state.setpoint, state.setpoint - state.measured),
            i: state.integral(),
            d: state.derivative(),
            ff: state.feedforward,
            total: state.total,
            saturated: state.saturated,
            mode: state.mode,
            held: false,
        }
    }

    /// Whether the action is reversed: a positive error lowers the output.
    pub fn is_reverse(&self) -> bool {
        self.law.reverse
    }

    /// Takes new settings without a jump: the integral absorbs what the other terms change by, as
    /// far as its limits allow. The period stays.
    ///
    /// # Errors
    ///
    /// As [`PidConfig::build`]; the old settings then stay.
    pub fn retune(&mut self, config: &PidConfig<T::Param>) -> Result<(), ConfigError> {
        let law: Law<T> = Law::new(config, self.law.rates.dt)?;
        let state = &mut self.state;
        let error = state.setpoint - state.measured;
        let before = self.law.proportional(state.setpoint, error) + state.derivative();

        if law.differentiates && self.law.differentiates {
            let ratio = law.rates.kd / self.law.rates.kd;
            let d = T::from_param((state.derivative().to_param() * ratio).limit(
                -law.derivative_reach.to_param(),
                law.derivative_reach.to_param(),
            ));
            state.derivative = d.widen();
        } else {
            state.derivative = T::Wide::default();
            state.history = History::Fresh;
        }
        if law.integrates {
            let after = law.proportional(state.setpoint, error) + state.derivative();
            state.integral = T::add_wide(state.integral, before - after);
        }
        state.integral = law.bounded(state.integral);
        state.total = state.total.limit(law.low, law.high);
        self.law = law;
        Ok(())
    }

    /// Lets somebody else decide: from the next step on the output is `output`, within the limits
    /// and the slew limit, and the integral follows it. An unusable `output` means the last one.
    pub fn set_manual(&mut self, output: T) {
        self.state.manual = if output.is_usable() {
            output
        } else {
            self.state.total
        };
        self.state.mode = Mode::Manual;
    }

    /// Takes over, from the output that stands.
    pub fn set_automatic(&mut self) {
        self.state.mode = Mode::Automatic;
    }

    /// Forgets everything and starts from `output`, as if it had stood for long without an error.
    /// Without an integral only the slew limit starts there. An unusable `output` means zero.
    pub fn reset_to(&mut self, output: T) {
        self.state = PidState::default();
        let output = if output.is_usable() {
            output
        } else {
            T::zero()
        };
        self.state.total = output.limit(self.law.low, self.law.high);
        if self.law.integrates {
            self.state.integral = self.law.bounded(self.state.total.widen());
        }
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.restore(PidState::default());
    }

    /// The values that change.
    pub fn state(&self) -> PidState<T> {
        self.state
    }

    /// Puts a state back, within the limits; one with an unusable value puts the controller at
    /// rest, or only the derivative where that is the unusable one.
    pub fn restore(&mut self, state: PidState<T>) {
        self.state = if state.is_usable() {
            state
        } else {
            PidState::default()
        };
        // An unfiltered derivative of a huge sample is beyond the usable without being a fault.
        if !self.state.derivative().is_usable() {
            self.state.derivative = T::Wide::default();
            self.state.history = History::Fresh;
        }
        self.state.integral = self.law.bounded(self.state.integral);
        self.state.total = self.state.total.limit(self.law.low, self.law.high);
    }
}

impl<T: Scalar> Law<T> {
    #[inline(always)]
    fn proportional(&self, setpoint: T, error: T) -> T {
        let mut p = error.scale(self.kp);
        if self.weighted {
            // The compiler would else compute it for all, and then choose.
            cold();
            p = p.minus(setpoint.scale(self.setpoint_cut));
        }
        p
    }

    #[inline(always)]
    fn derivative(&self, state: &mut PidState<T>, input: &PidInput<T>, period: &Period<T>) -> T {
        let known = state.history != History::Fresh;
        state.history = History::Continuous;
        if !known && input.measured_rate.is_none() {
            return state.derivative();
        }
        let mut wide = T::Wide::default();
        if self.filtered {
            wide = T::accumulate(state.derivative, period.decay, state.derivative());
        }
        wide = match input.measured_rate {
            Some(rate) => T::accumulate(wide, period.rate, rate),
            None => T::accumulate(
                wide,
                period.difference,
                input.measured.minus(state.measured),
            ),
        };
        if known && period.setpoint != T::Gain::default() {
            cold();
            wide = T::accumulate(wide, period.setpoint, input.setpoint.minus(state.setpoint));
        }
        let mut d = T::narrow(wide);
        if self.filtered && d.magnitude().is_above(self.derivative_reach) {
            d = d.limit(-self.derivative_reach, self.derivative_reach);
            wide = d.widen();
        }
        state.derivative = wide;
        d
    }

    /// An integral within its limits.
    #[inline(always)]
    fn bounded(&self, integral: T::Wide) -> T::Wide {
        let value = T::narrow(integral);
        if value.is_above(self.integral_high) {
            self.integral_high.widen()
        } else if self.integral_low.is_above(value) {
            self.integral_low.widen()
        } else {
            integral
        }
    }

    /// Applies the limits of the output.
    #[inline(always)]
    fn shape(&self, wanted: T, last: T, slew: T) -> (T, Saturation) {
        if self.slews {
            return self.shape_slewed(wanted, last, slew);
        }
        if wanted.is_above(self.high) {
            (self.high, Saturation::High)
        } else if self.low.is_above(wanted) {
            (self.low, Saturation::Low)
        } else {
            (wanted, Saturation::None)
        }
    }

    #[cold]
    #[inline(never)]
    fn shape_slewed(&self, wanted: T, last: T, slew: T) -> (T, Saturation) {
        let (top, bottom) = (last + slew, last - slew);
        if wanted > top && top < self.high {
            (top, Saturation::SlewUp)
        } else if wanted < bottom && bottom > self.low {
            (bottom, Saturation::SlewDown)
        } else if wanted > self.high {
            (self.high, Saturation::High)
        } else if wanted < self.low {
            (self.low, Saturation::Low)
        } else {
            (wanted, Saturation::None)
        }
    }
}

impl<T: Scalar> Step for Pid<T> {
    type Input = PidInput<T>;
    type Output = PidOutput<T>;
    type State = PidState<T>;
    #[inline]
    fn step(&mut self, input: PidInput<T>) -> PidOutput<T> {
        self.step_with(&input)
    }
    fn state(&self) -> PidState<T> {
        Pid::state(self)
    }
    fn restore(&mut self, state: PidState<T>) {
        Pid::restore(self, state);
    }
}
