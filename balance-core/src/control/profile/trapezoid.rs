//! Profile with limited speed and acceleration: the fastest there is.
//!
//! From (x₀, v₀) to (x₁, v₁): the direct change of speed covers `(v₀ + v₁)/2 · |v₁ − v₀|/a`. Where
//! the goal is farther, the way leads over a speed above both, otherwise over one below, of
//!
//! ```text
//! v_peak = ± √(± a (x₁ − x₀) + (v₀² + v₁²)/2),   limited to ± v_max and held there for the rest
//! ```
//!
//! Source: time-optimal control of the double integrator (D. E. Kirk, Optimal Control Theory, 1970,
//! section 5.4), with the limit of speed added.

use super::course::{Goal, Motion, Phase, ProfileState, rounded};
use crate::config::{ConfigError, period, positive};
use crate::math::{Float, Scalar};
use crate::step::Step;

/// Limits of a [`Trapezoid`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrapezoidConfig<P = f32> {
    /// Largest speed, unit/s, above zero.
    pub speed: P,
    /// Largest acceleration, unit/s², above zero. Too large: what is moved cannot follow.
    pub acceleration: P,
}

impl<P: Float> Default for TrapezoidConfig<P> {
    /// One unit a second, reached within a second.
    fn default() -> Self {
        Self {
            speed: P::one(),
            acceleration: P::one(),
        }
    }
}

impl<P: Float> TrapezoidConfig<P> {
    /// Prepares a profile that is stepped every `dt` seconds, at rest at zero.
    ///
    /// # Errors
    /// Names the field that is not above zero, or beyond 1e6 times the other.
    pub fn build<T: Scalar<Param = P>>(&self, dt: P) -> Result<Trapezoid<T>, ConfigError> {
        positive("speed", self.speed)?;
        positive("acceleration", self.acceleration)?;
        within_sense("speed", self.speed / self.acceleration)?;
        Ok(Trapezoid {
            limits: *self,
            dt: period(dt)?,
            state: ProfileState::at(Motion::default()),
        })
    }
}

/// A time that is neither a nanosecond nor a month: floats must resolve the way.
pub(super) fn within_sense<P: Float>(name: &'static str, seconds: P) -> Result<(), ConfigError> {
    crate::config::within(name, seconds, P::lit(1e-6), P::lit(1e6)).map(|_| ())
}

/// A profile with limited speed and acceleration; see [`TrapezoidConfig`].
///
/// Cost: some 20 operations in the parameters' float; a new goal costs a root and some 40 more.
///
/// ```
/// use balance_core::control::profile::{trapezoid::{Trapezoid, TrapezoidConfig}, Goal};
/// let config = TrapezoidConfig { speed: 0.5, acceleration: 2.0 };
/// let mut profile: Trapezoid<f64> = config.build(0.01)?;
/// let mut ticks = 1; // the one that arrives
/// while !profile.step(Goal::rest(1.0)).arrived {
///     ticks += 1;
/// }
/// assert_eq!(profile.motion().position, 1.0);
/// assert_eq!(ticks, 225); // 1 m at 0.5 m/s, and 0.25 s for speeding up and braking
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Trapezoid<T: Scalar> {
    limits: TrapezoidConfig<T::Param>,
    dt: T::Param,
    state: ProfileState<T::Param, 3>,
}

impl<T: Scalar> Trapezoid<T> {
    /// Goes towards the goal for one period. An unusable goal means the last one.
    pub fn step(&mut self, goal: Goal<T>) -> Motion<T> {
        let wanted = goal.to_params();
        if goal.is_usable() && wanted != self.state.asked {
            self.head_for(wanted);
        }
        self.state.advance(self.dt);
        self.motion()
    }

    fn head_for(&mut self, asked: Goal<T::Param>) {
        let top = self.limits.speed;
        let goal = Goal {
            position: asked.position,
            speed: asked.speed.limit(-top, top),
        };
        let phases = plan(&self.limits, &self.state.now, &goal);
        self.state.asked = asked;
        self.state.begin(goal, phases);
    }

    /// The motion of now.
    pub fn motion(&self) -> Motion<T> {
        rounded(&self.state.now)
    }

    /// Takes new limits; the goal stays, the way is planned anew. A motion beyond the new limits
    /// comes back within them at the new acceleration.
    ///
    /// # Errors
    /// As [`TrapezoidConfig::build`]; the old limits then stay.
    pub fn retune(&mut self, config: &TrapezoidConfig<T::Param>) -> Result<(), ConfigError> {
        self.limits = config.build::<T>(self.dt)?.limits;
        if !self.state.now.arrived {
            self.head_for(self.state.asked);
        }
        Ok(())
    }

    /// Stands still at a position. An unusable one means zero.
    pub fn reset_to(&mut self, position: T) {
        let position = if position.is_usable() {
            position
        } else {
            T::zero()
        };
        self.state = ProfileState::at(Motion {
            position: position.to_param(),
            arrived: true,
            ..Default::default()
        });
    }

    /// Stands still at zero.
    pub fn reset(&mut self) {
        self.reset_to(T::zero());
    }

    /// The values that change.
    pub fn state(&self) -> ProfileState<T::Param, 3> {
        self.state
    }

    /// Puts a state back; one with an unusable value means rest at zero.
    pub fn restore(&mut self, state: ProfileState<T::Param, 3>) {
        self.state = state;
        if !state.is_usable() {
            self.reset();
        }
    }
}

fn plan<P: Float>(limits: &TrapezoidConfig<P>, now: &Motion<P>, goal: &Goal<P>) -> [Phase<P>; 3] {
    let (zero, half) = (P::zero(), P::lit(0.5));
    let a = limits.acceleration;
    let way = goal.position - now.position;
    let (v0, v1) = (now.speed, goal.speed);
    let direct = half * (v0 + v1) * (v1 - v0).magnitude() / a;
    let sign = if way < direct { -P::one() } else { P::one() };
    let square = sign * a * way + half * (v0 * v0 + v1 * v1);
    let peak = square.limit(zero, P::MAX).sqrt();
    let peak = sign * peak.limit(zero, limits.speed);
    let ramp = |from: P, to: P| {
        let time = (to - from).magnitude() / a;
        Phase::new(time, if to < from { -a } else { a }, zero)
    };
    let (start, end) = (ramp(v0, peak), ramp(peak, v1));
    let covered = half * ((v0 + peak) * start.time + (peak + v1) * end.time);
    let rest = if peak == zero {
        zero
    } else {
        (way - covered) / peak
    };
    [start, Phase::new(rest, zero, zero), end]
}

impl<T: Scalar> Step for Trapezoid<T> {
    type Input = Goal<T>;
    type Output = Motion<T>;
    type State = ProfileState<T::Param, 3>;
    fn step(&mut self, input: Goal<T>) -> Motion<T> {
        Trapezoid::step(self, input)
    }
    fn state(&self) -> Self::State {
        Trapezoid::state(self)
    }
    fn restore(&mut self, state: Self::State) {
        Trapezoid::restore(self, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;

    fn number<T: Scalar>(x: T) -> f64 {
        x.to_param().to_f64()
    }

    fn build<T: Scalar>(speed: f64, acceleration: f64) -> Trapezoid<T> {
        TrapezoidConfig {
            speed: T::Param::lit(speed),
            acceleration: T::Param::lit(acceleration),
        }
        .build(T::Param::lit(0.01))
        .unwrap()
    }

    #[test]
    fn takes_the_time_of_the_textbook_and_arrives() {
        fn check<T: Scalar>(slack: f64) {
            // Short way: no cruise. 2 √(0.02 / 2) = 0.2 s.
            for (goal, ticks) in [(0.02, 20), (1.0, 225), (-1.0, 225)] {
                let mut profile = build::<T>(0.5, 2.0);
                let mut taken = 0;
                while !profile.step(Goal::rest(T::lit(goal))).arrived && taken < 1000 {
                    taken += 1;
                }
                assert!(i32::abs(taken - ticks) <= 1, "{} {taken} {ticks}", T::NAME);
                assert!((number(profile.motion().position) - goal).abs() < slack);
                assert_eq!(profile.motion().speed, T::zero());
            }
        }
        check::<f32>(1e-6);
        check::<f64>(1e-15);
        check::<Q12>(1e-6);
    }

    #[test]
    fn passes_by_and_comes_back_if_it_cannot_stop() {
        let mut profile = build::<f64>(1.0, 1.0);
        for _ in 0..200 {
            profile.step(Goal::rest(10.0));
        }
        let start = profile.motion();
        assert_eq!(start.speed, 1.0);
        let goal = start.position + 0.1;
        let mut farthest = 0.0_f64;
        for _ in 0..400 {
            farthest = farthest.max(profile.step(Goal::rest(goal)).position);
        }
        assert!((farthest - start.position - 0.5).abs() < 1e-3);
        assert_eq!(profile.motion().position, goal);
    }

    #[test]
    fn meets_a_moving_goal_at_its_speed() {
        let mut profile = build::<f64>(1.0, 2.0);
        let goal = Goal {
            position: 0.5,
            speed: 0.4,
        };
        while !profile.step(goal).arrived {}
        let before = profile.motion();
        let after = profile.step(goal);
        assert_eq!(after.speed, 0.4);
        assert!((after.position - before.position - 0.004).abs() < 1e-12);
    }

    #[test]
    fn unusable_goals_and_limits() {
        let mut profile = build::<f32>(1.0, 1.0);
        profile.step(Goal::rest(1.0));
        let mut twin = profile;
        assert_eq!(
            profile.step(Goal::rest(f32::NAN)),
            twin.step(Goal::rest(1.0))
        );
        let refused = TrapezoidConfig {
            speed: 0.0,
            acceleration: 1.0,
        };
        assert_eq!(
            refused.build::<f32>(0.01).unwrap_err(),
            ConfigError::OutOfRange("speed")
        );
    }
}
