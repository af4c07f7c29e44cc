//! Gain schedule: settings that follow a measured variable, such as speed, load or battery voltage.
//!
//! Between two points of the schedule every number of the settings is interpolated linearly (the
//! cut-off of a filter by its time constant), outside it the first or the last point holds. There
//! is one setting for each value of the variable, whichever way it came.
//!
//! The output does not jump:
//!
//! * the schedule follows its variable no faster than [`GainScheduleConfig::transition_time`]
//!   allows, so that a jump of the variable becomes a ramp of the settings, whatever the controller;
//! * on that ramp each change is a bumpless `retune`: the integral of a PID, where it has one, takes
//!   up what the other terms change by.
//!
//! A frozen schedule says nothing about a moving one: let the variable be slow against the loop, or
//! a state of the loop that it captures (W. J. Rugh, J. S. Shamma, "Research on gain scheduling",
//! Automatica 36(10), 2000). A longer transition enforces the former.
//!
//! Cost of a step beyond the controller's own: four comparisons while the schedule stands; while it
//! moves, a `retune` of the controller, in floats whatever the scalar type: a PID of three points that
//! moves in every period costs 945 instructions in `f32` and 1,484 in Q12 on a Cortex-M4F (QEMU).
//! Where that is too much, [`GainScheduleConfig::resolution`] makes it rare.

use super::cascade::{Cascade, CascadeConfig};
use super::pid::{AntiWindup, Pid, PidConfig};
use super::state_feedback::{FeedbackIntegral, StateFeedback, StateFeedbackConfig};
use crate::config::{ConfigError, finite, non_negative, period, within};
use crate::math::{Float, Scalar};
use crate::step::Step;
use num_traits::{One, Zero};

/// Settings with others in between.
pub trait Blend<P: Float>: Copy {
    /// Whether both have the same parts, so that there is something between them.
    fn is_like(&self, other: &Self) -> bool;
    /// The settings at a share of the way to others that they are like, 0 to 1.
    #[must_use]
    fn blend(&self, other: &Self, share: P) -> Self;
}

/// A controller that a [`GainSchedule`] can tune while it runs.
pub trait Scheduled: Step + Sized {
    /// What it computes with.
    type Scalar: Scalar;
    /// Its settings.
    type Config: Blend<Param<Self>>;
    /// Builds it for a period of `dt` seconds.
    ///
    /// # Errors
    /// Those of its configuration.
    fn prepare(config: &Self::Config, dt: Param<Self>) -> Result<Self, ConfigError>;
    /// Takes new settings without a jump.
    ///
    /// # Errors
    /// Those of its configuration; the old settings then stay.
    fn adopt(&mut self, config: &Self::Config) -> Result<(), ConfigError>;
}

/// The float that the settings of a controller are written in.
type Param<A> = <<A as Scheduled>::Scalar as Scalar>::Param;

/// Settings of a [`GainSchedule`] of K points, of a controller with the settings `C`.
///
/// ```
/// use balance_core::control::gain_schedule::{GainSchedule, GainScheduleConfig};
/// use balance_core::control::pid::{Pid, PidConfig, PidInput};
/// // Half the gain at 10 m/s.
/// let slow = PidConfig { kp: 2.0, ki: 1.0, ..Default::default() };
/// let fast = PidConfig { kp: 1.0, ki: 1.0, ..slow };
/// let mut schedule: GainSchedule<Pid<f32>, 2> =
///     GainScheduleConfig::new([0.0, 10.0], [slow, fast]).build(0.01)?;
/// let output = schedule.step(5.0, PidInput::new(0.2, 0.0));
/// assert_eq!(output.p, 1.5 * 0.2);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GainScheduleConfig<P, C, const K: usize> {
    /// Values of the scheduling variable, each above the one before.
    pub at: [P; K],
    /// The settings at these values, all with the same parts.
    pub settings: [C; K],
    /// Seconds in which the schedule can move from its first point to its last, at least one period.
    /// Too short: a jump of the variable is felt. Too long: the gains are late. Default 0.5.
    pub transition_time: P,
    /// The settings stay until the schedule is farther than this from where they were computed, in
    /// the variable's unit. Larger: fewer retunes, and settings that are off by up to as much; zero:
    /// none are. Default 0.
    pub resolution: P,
}

impl<P: Float, C: Blend<P>, const K: usize> GainScheduleConfig<P, C, K> {
    /// These points, and defaults for the rest.
    #[must_use]
    pub fn new(at: [P; K], settings: [C; K]) -> Self {
        Self {
            at,
            settings,
            transition_time: P::lit(0.5),
            resolution: P::zero(),
        }
    }

    /// Prepares the controller for a period of `dt` seconds (1 µs to 10 s), at rest.
    ///
    /// # Errors
    ///
    /// Those of the controller for the settings of each point; `Order("at", "at")` where the points
    /// do not rise, `OutOfRange("settings")` where one has parts that another lacks (an integral, a
    /// filter, a limit).
    pub fn build<A>(&self, dt: P) -> Result<GainSchedule<A, K>, ConfigError>
    where
        A: Scheduled<Config = C>,
        A::Scalar: Scalar<Param = P>,
    {
        const { assert!(K > 1, "a schedule has two points at least") }
        period(dt)?;
        let (lowest, highest) = (A::Scalar::MIN.to_param(), A::Scalar::MAX.to_param());
        for at in self.at {
            within("at", at, lowest, highest)?;
        }
        let pairs = self.at.iter().zip(self.at.iter().skip(1));
        if pairs.into_iter().any(|(low, high)| low >= high) {
            return Err(ConfigError::Order("at", "at"));
        }
        for settings in &self.settings {
            A::prepare(settings, dt)?;
            if !settings.is_like(&self.settings[0]) {
                return Err(ConfigError::OutOfRange("settings"));
            }
        }
        let time = finite("transition_time", self.transition_time)?;
        if time < dt {
            return Err(ConfigError::Order("dt", "transition_time"));
        }
        let pace = A::Scalar::from_param((self.at[K - 1] - self.at[0]) * (dt / time));
        if pace <= A::Scalar::zero() {
            return Err(ConfigError::Unrepresentable("transition_time"));
        }
        let resolution = non_negative("resolution", self.resolution)?;
        Ok(GainSchedule {
            at: self.at,
            settings: self.settings,
            low: A::Scalar::from_param(self.at[0]),
            high: A::Scalar::from_param(self.at[K - 1]),
            pace,
            resolution: A::Scalar::from_param(resolution),
            dt,
            controller: A::prepare(&self.settings[0], dt)?,
            place: Place::default(),
        })
    }
}

/// Where a schedule stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Place<T> {
    /// Where it is.
    now: T,
    /// Where the settings in use belong.
    applied: T,
    started: bool,
}

/// What changes in a [`GainSchedule`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GainScheduleState<T, S> {
    place: Place<T>,
    /// The controller's.
    pub controller: S,
}

/// A controller whose settings follow a variable; see [`GainScheduleConfig`].
#[derive(Clone, Copy, Debug)]
pub struct GainSchedule<A: Scheduled, const K: usize> {
    at: [Param<A>; K],
    settings: [A::Config; K],
    low: A::Scalar,
    high: A::Scalar,
    /// Largest move of the schedule within a period.
    pace: A::Scalar,
    resolution: A::Scalar,
    dt: Param<A>,
    controller: A,
    place: Place<A::Scalar>,
}

impl<A: Scheduled, const K: usize> GainSchedule<A, K> {
    /// Advances by one period with the settings for this value of the scheduling variable; the first
    /// one counts at once. An unusable value leaves the settings as they are.
    #[inline]
    pub fn step(&mut self, variable: A::Scalar, input: A::Input) -> A::Output {
        if variable.is_usable() {
            self.follow(variable);
        }
        self.controller.step(input)
    }

    #[inline(always)]
    fn follow(&mut self, variable: A::Scalar) {
        let wanted = variable.limit(self.low, self.high);
        let place = &mut self.place;
        if !place.started {
            place.now = wanted;
            self.place.started = true;
            self.retune_here();
            return;
        }
        place.now = wanted.limit(place.now - self.pace, place.now + self.pace);
        if (place.now - place.applied)
            .magnitude()
            .is_above(self.resolution)
        {
            self.retune_here();
        }
    }

    #[inline(never)]
    fn retune_here(&mut self) {
        // What lies between settings that can be built can be built as well.
        if self
            .controller
            .adopt(&self.settings_at(self.place.now))
            .is_ok()
        {
            self.place.applied = self.place.now;
        }
    }

    /// The settings that belong to a value of the variable; those of the first point for an unusable
    /// one.
    pub fn settings_at(&self, variable: A::Scalar) -> A::Config {
        let x = variable.to_param();
        let mut found = self.settings[0];
        for i in 1..K {
            let (low, high) = (self.at[i - 1], self.at[i]);
            if x > low {
                let share = ((x - low) / (high - low)).limit(Zero::zero(), One::one());
                found = self.settings[i - 1].blend(&self.settings[i], share);
            }
        }
        found
    }

    /// Where the schedule is, in the unit of its variable.
    pub fn position(&self) -> A::Scalar {
        self.place.now
    }

    /// The controller with the settings in use.
    pub fn controller(&self) -> &A {
        &self.controller
    }

    /// The controller, to hand it over to somebody or to take it back.
    pub fn controller_mut(&mut self) -> &mut A {
        &mut self.controller
    }

    /// Takes other points for the same controller without a jump: where the schedule stands, its
    /// settings become those of the new points, and it moves on from there. The period stays.
    ///
    /// # Errors
    ///
    /// As [`GainScheduleConfig::build`]; the old points then stay.
    pub fn retune(
        &mut self,
        config: &GainScheduleConfig<Param<A>, A::Config, K>,
    ) -> Result<(), ConfigError>
    where
        A: Clone,
    {
        let mut next = config.build::<A>(self.dt)?;
        next.controller = self.controller.clone();
        next.place = self.place;
        next.place.now = next.place.now.limit(next.low, next.high);
        next.controller.adopt(&next.settings_at(next.place.now))?;
        next.place.applied = next.place.now;
        *self = next;
        Ok(())
    }

    /// Forgets everything; the next value of the variable counts at once.
    pub fn reset(&mut self) {
        self.controller.reset();
        self.place = Place::default();
    }

    /// The values that change.
    pub fn state(&self) -> GainScheduleState<A::Scalar, A::State> {
        GainScheduleState {
            place: self.place,
            controller: self.controller.state(),
        }
    }

    /// Puts a state back, with the settings that belong to it.
    pub fn restore(&mut self, state: GainScheduleState<A::Scalar, A::State>) {
        self.place = state.place;
        if !(self.place.now.is_usable() & self.place.applied.is_usable()) {
            self.place = Place::default();
        }
        if self.place.started {
            self.place.now = self.place.now.limit(self.low, self.high);
            let applied = self.place.applied.limit(self.low, self.high);
            if self.controller.adopt(&self.settings_at(applied)).is_ok() {
                self.place.applied = applied;
            }
        }
        self.controller.restore(state.controller);
    }
}

impl<A: Scheduled, const K: usize> Step for GainSchedule<A, K> {
    type Input = (A::Scalar, A::Input);
    type Output = A::Output;
    type State = GainScheduleState<A::Scalar, A::State>;
    #[inline]
    fn step(&mut self, (variable, input): Self::Input) -> A::Output {
        GainSchedule::step(self, variable, input)
    }
    fn state(&self) -> Self::State {
        GainSchedule::state(self)
    }
    fn restore(&mut self, state: Self::State) {
        GainSchedule::restore(self, state);
    }
}

/// Between two numbers, never beyond one of them.
fn mix<P: Float>(from: P, to: P, share: P) -> P {
    let (low, high) = if from < to { (from, to) } else { (to, from) };
    (from + (to - from) * share).limit(low, high)
}

fn mix_both<P: Float>(from: Option<P>, to: Option<P>, share: P) -> Option<P> {
    from.zip(to).map(|(from, to)| mix(from, to, share))
}

impl<P: Float> Blend<P> for PidConfig<P> {
    fn is_like(&self, other: &Self) -> bool {
        core::mem::discriminant(&self.anti_windup) == core::mem::discriminant(&other.anti_windup)
            && self.derivative_cutoff_hz.is_some() == other.derivative_cutoff_hz.is_some()
            && self.slew_per_s.is_some() == other.slew_per_s.is_some()
    }
    fn blend(&self, other: &Self, share: P) -> Self {
        let mix = |from, to| mix(from, to, share);
        // The largest gain of a filtered derivative lies at an end only if its time constant is what
        // is interpolated.
        let time = |cutoff: Option<P>| cutoff.map(|cutoff| P::one() / cutoff);
        let cutoff = mix_both(
            time(self.derivative_cutoff_hz),
            time(other.derivative_cutoff_hz),
            share,
        );
        Self {
            kp: mix(self.kp, other.kp),
            ki: mix(self.ki, other.ki),
            kd: mix(self.kd, other.kd),
            setpoint_weight: mix(self.setpoint_weight, other.setpoint_weight),
            derivative_setpoint_weight: mix(
                self.derivative_setpoint_weight,
                other.derivative_setpoint_weight,
            ),
            derivative_cutoff_hz: time(cutoff),
            output_min: mix(self.output_min, other.output_min),
            output_max: mix(self.output_max, other.output_max),
            slew_per_s: mix_both(self.slew_per_s, other.slew_per_s, share),
            anti_windup: match (self.anti_windup, other.anti_windup) {
                (
                    AntiWindup::BackCalculation {
                        tracking_time: from,
                    },
                    AntiWindup::BackCalculation { tracking_time: to },
                ) => AntiWindup::BackCalculation {
                    tracking_time: mix(from, to),
                },
                (own, _) => own,
            },
        }
    }
}

impl<T: Scalar> Scheduled for Pid<T> {
    type Scalar = T;
    type Config = PidConfig<T::Param>;
    fn prepare(config: &Self::Config, dt: T::Param) -> Result<Self, ConfigError> {
        config.build(dt)
    }
    fn adopt(&mut self, config: &Self::Config) -> Result<(), ConfigError> {
        self.retune(config)
    }
}

impl<P: Float> Blend<P> for CascadeConfig<P> {
    fn is_like(&self, other: &Self) -> bool {
        self.outer.is_like(&other.outer)
            && self.inner.is_like(&other.inner)
            && self.outer_every == other.outer_every
    }
    fn blend(&self, other: &Self, share: P) -> Self {
        Self {
            outer: self.outer.blend(&other.outer, share),
            inner: self.inner.blend(&other.inner, share),
            outer_every: self.outer_every,
        }
    }
}

impl<T: Scalar> Scheduled for Cascade<T> {
    type Scalar = T;
    type Config = CascadeConfig<T::Param>;
    fn prepare(config: &Self::Config, dt: T::Param) -> Result<Self, ConfigError> {
        config.build(dt)
    }
    fn adopt(&mut self, config: &Self::Config) -> Result<(), ConfigError> {
        self.retune(config)
    }
}

impl<P: Float, const N: usize> Blend<P> for StateFeedbackConfig<P, N> {
    fn is_like(&self, other: &Self) -> bool {
        self.integral.map(|integral| integral.of) == other.integral.map(|integral| integral.of)
    }
    fn blend(&self, other: &Self, share: P) -> Self {
        Self {
            gain: core::array::from_fn(|i| mix(self.gain[i], other.gain[i], share)),
            integral: self
                .integral
                .zip(other.integral)
                .map(|(from, to)| FeedbackIntegral {
                    gain: mix(from.gain, to.gain, share),
                    of: from.of,
                    limit: mix(from.limit, to.limit, share),
                }),
            output_min: mix(self.output_min, other.output_min, share),
            output_max: mix(self.output_max, other.output_max, share),
        }
    }
}

impl<T: Scalar, const N: usize> Scheduled for StateFeedback<T, N> {
    type Scalar = T;
    type Config = StateFeedbackConfig<T::Param, N>;
    fn prepare(config: &Self::Config, dt: T::Param) -> Result<Self, ConfigError> {
        config.build(dt)
    }
    fn adopt(&mut self, config: &Self::Config) -> Result<(), ConfigError> {
        self.retune(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::pid::PidInput;
    use crate::control::state_feedback::StateFeedbackInput;
    use crate::math::Q12;

    fn input<T: Scalar>(state: [T; 2]) -> StateFeedbackInput<T, 2> {
        StateFeedbackInput {
            state,
            reference: [T::zero(); 2],
            feedforward: T::zero(),
            deviation: T::zero(),
        }
    }
    fn number<T: Scalar>(x: T) -> f64 {
        x.to_param().to_f64()
    }

    fn pids<P: Float>() -> GainScheduleConfig<P, PidConfig<P>, 3> {
        let pid = |kp, ki, kd| PidConfig {
            kp: P::lit(kp),
            ki: P::lit(ki),
            kd: P::lit(kd),
            derivative_cutoff_hz: Some(P::lit(20.0 / kp)),
            output_min: P::lit(-40.0),
            output_max: P::lit(40.0),
            ..Default::default()
        };
        GainScheduleConfig::new(
            [-1.0, 0.5, 4.0].map(P::lit),
            [pid(8.0, 2.0, 0.1), pid(2.0, 6.0, 0.0), pid(5.0, 1.0, 0.4)],
        )
    }

    fn feedbacks<P: Float>() -> GainScheduleConfig<P, StateFeedbackConfig<P, 2>, 2> {
        let feedback = |gain: [f64; 2]| StateFeedbackConfig {
            gain: gain.map(P::lit),
            output_min: P::lit(-40.0),
            output_max: P::lit(40.0),
            ..Default::default()
        };
        GainScheduleConfig::new(
            [0.0, 10.0].map(P::lit),
            [feedback([4.0, 1.0]), feedback([-6.0, 3.0])],
        )
    }

    #[test]
    fn output_does_not_jump_with_the_variable() {
        fn check<T: Scalar>(slack: f64) {
            let dt = T::Param::lit(0.001);
            let mut pid: GainSchedule<Pid<T>, 3> = pids().build(dt).unwrap();
            let mut feedback: GainSchedule<StateFeedback<T, 2>, 2> = feedbacks().build(dt).unwrap();
            let run = |pid: &mut GainSchedule<Pid<T>, 3>,
                       feedback: &mut GainSchedule<StateFeedback<T, 2>, 2>,
                       variable: f64| {
                let pid = pid.step(T::lit(variable), PidInput::new(T::lit(1.5), T::lit(0.3)));
                let feedback = feedback.step(T::lit(variable), input([1.0, 2.0].map(T::lit)));
                [number(pid.total), number(feedback.total)]
            };
            let mut last = run(&mut pid, &mut feedback, -3.0);
            for tick in 0..4000 {
                // From end to end, from tick to tick, or slowly.
                let variable = match tick % 800 {
                    0..300 => 20.0,
                    300..400 => f64::from(tick % 2) * 9.0 - 2.0,
                    400..600 => -5.0,
                    _ => f64::from(tick) * 0.002,
                };
                let now = run(&mut pid, &mut feedback, variable);
                // The integral grows by 6 · 1.2 a second; 1/500 of the gains' way of 4·1 + 1·10.
                assert!((now[0] - last[0]).abs() < 0.0073 + slack, "{tick} {now:?}");
                assert!((now[1] - last[1]).abs() < 0.0121 + slack, "{tick} {now:?}");
                last = now;
            }
        }
        check::<f32>(1e-4);
        check::<f64>(1e-9);
        check::<Q12>(1e-3);
    }

    #[test]
    fn between_points_it_is_the_controller_of_interpolated_gains() {
        fn check<T: Scalar>() {
            let dt = T::Param::lit(0.01);
            let mut schedule: GainSchedule<StateFeedback<T, 2>, 2> = feedbacks().build(dt).unwrap();
            let middle = StateFeedbackConfig {
                gain: [1.5, 1.5].map(T::Param::lit),
                ..feedbacks().settings[0]
            };
            let mut twin: StateFeedback<T, 2> = middle.build(dt).unwrap();
            // From below and from above alike.
            for from in [0.0, 10.0] {
                for _ in 0..60 {
                    schedule.step(T::lit(from), input([T::zero(); 2]));
                }
                for _ in 0..60 {
                    schedule.step(T::lit(2.5), input([T::zero(); 2]));
                }
                let state = [T::lit(0.7), T::lit(-1.2)];
                let found = schedule.step(T::lit(2.5), input(state)).total;
                let wanted = twin.step(&state).total;
                assert!((number(found) - number(wanted)).abs() < 1e-5, "{}", T::NAME);
            }
        }
        check::<f32>();
        check::<f64>();
        check::<Q12>();
    }

    #[test]
    fn every_setting_in_between_can_be_built() {
        let config = pids::<f32>();
        let schedule: GainSchedule<Pid<Q12>, 3> = config.build(0.001).unwrap();
        for step in 0..1000_u16 {
            let at = Q12::lit(f64::from(step) * 0.005 - 1.0);
            let between: Result<Pid<Q12>, _> = schedule.settings_at(at).build(0.001);
            assert!(between.is_ok(), "{at:?}");
        }
        assert_eq!(schedule.settings_at(Q12::lit(-9.0)), config.settings[0]);
        assert_eq!(schedule.settings_at(Q12::lit(9.0)), config.settings[2]);
    }

    #[test]
    fn an_unusable_variable_changes_nothing() {
        let mut schedule: GainSchedule<Pid<f32>, 3> = pids().build(0.001).unwrap();
        schedule.step(2.0, PidInput::new(1.0, 0.0));
        let before = schedule.position();
        for bad in [f32::NAN, f32::INFINITY, -1e30] {
            assert!(
                schedule
                    .step(bad, PidInput::new(1.0, 0.0))
                    .total
                    .is_finite()
            );
            assert_eq!(schedule.position(), before);
        }
    }

    #[test]
    fn a_resolution_bounds_how_far_settings_are_off() {
        let config = GainScheduleConfig {
            resolution: 0.5,
            ..feedbacks::<f64>()
        };
        let mut schedule: GainSchedule<StateFeedback<f64, 2>, 2> = config.build(0.01).unwrap();
        for tick in 0..200 {
            let variable = f64::from(tick) * 0.05;
            let total = schedule.step(variable, input([1.0, 0.0])).total;
            let off = total + (4.0 - schedule.position());
            assert!(off.abs() <= 0.5 + 1e-9, "{tick} {off}");
        }
    }

    #[test]
    fn names_what_does_not_fit_together() {
        let mut config = pids::<f32>();
        config.settings[1].derivative_cutoff_hz = None;
        let refused = |config: &GainScheduleConfig<f32, PidConfig<f32>, 3>| {
            config.build::<Pid<f32>>(0.001).unwrap_err()
        };
        assert_eq!(refused(&config), ConfigError::OutOfRange("settings"));
        let mut config = pids::<f32>();
        config.at[1] = 7.0;
        assert_eq!(refused(&config), ConfigError::Order("at", "at"));
        let mut config = pids::<f32>();
        config.settings[2].kp = f32::NAN;
        assert_eq!(refused(&config), ConfigError::NonFinite("kp"));
    }
}
