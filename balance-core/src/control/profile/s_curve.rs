//! Profile with limited speed, acceleration and jerk: seven stretches of constant jerk.
//!
//! The motion goes to a speed of cruise, holds it, and goes on to the goal's speed. A change of
//! speed by `Δv` from the acceleration a₀ leads over the acceleration
//!
//! ```text
//! a_peak = ± √(± j Δv + a₀²/2),   limited to ± a_max and held there for the rest
//! ```
//!
//! The way grows with the speed of cruise, so bisection finds the one that covers the distance; a
//! remainder below its resolution is cruised. Where the distance asks for more than the largest
//! speed, that is cruised at. Idea of the full-stop comparison: R. Haschke, E. Weitnauer, H. Ritter,
//! "On-line planning of time-optimal, jerk-limited trajectories", IROS 2008.

use super::course::{Goal, Motion, Phase, ProfileState, rounded};
use super::trapezoid::within_sense;
use crate::config::{ConfigError, period, positive};
use crate::math::{Float, Scalar};
use crate::step::Step;

/// Halvings of the range of speeds: the resolution of `f32` and a little more.
const HALVINGS: u8 = 40;

/// Limits of an [`SCurve`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SCurveConfig<P = f32> {
    /// Largest speed, unit/s, above zero.
    pub speed: P,
    /// Largest acceleration, unit/s², above zero.
    pub acceleration: P,
    /// Largest change of the acceleration, unit/s³, above zero. Too large: jolts. Too small: slow.
    pub jerk: P,
}

impl<P: Float> Default for SCurveConfig<P> {
    /// One unit a second, reached within two.
    fn default() -> Self {
        Self {
            speed: P::one(),
            acceleration: P::one(),
            jerk: P::one(),
        }
    }
}

impl<P: Float> SCurveConfig<P> {
    /// Prepares a profile that is stepped every `dt` seconds, at rest at zero.
    ///
    /// # Errors
    /// Names the field that is not above zero, or beyond 1e6 times the next.
    pub fn build<T: Scalar<Param = P>>(&self, dt: P) -> Result<SCurve<T>, ConfigError> {
        positive("speed", self.speed)?;
        positive("acceleration", self.acceleration)?;
        positive("jerk", self.jerk)?;
        within_sense("speed", self.speed / self.acceleration)?;
        within_sense("acceleration", self.acceleration / self.jerk)?;
        Ok(SCurve {
            limits: *self,
            dt: period(dt)?,
            state: ProfileState::at(Motion::default()),
        })
    }
}

/// A profile with limited speed, acceleration and jerk; see [`SCurveConfig`].
///
/// Cost: some 20 operations in the parameters' float; a new goal costs up to 41 times two roots and
/// some 60 operations.
///
/// ```
/// use balance_core::control::profile::{s_curve::{SCurve, SCurveConfig}, Goal};
/// let config = SCurveConfig { speed: 0.5, acceleration: 2.0, jerk: 20.0 };
/// let mut profile: SCurve<f64> = config.build(0.01)?;
/// let first = profile.step(Goal::rest(1.0));
/// assert!((first.acceleration - 0.2).abs() < 1e-12); // after 10 ms, in unit/s²
/// while !profile.step(Goal::rest(1.0)).arrived {}
/// assert_eq!(profile.motion().position, 1.0);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SCurve<T: Scalar> {
    limits: SCurveConfig<T::Param>,
    dt: T::Param,
    state: ProfileState<T::Param, 7>,
}

impl<T: Scalar> SCurve<T> {
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
    /// comes back within them as fast as the new jerk allows.
    ///
    /// # Errors
    /// As [`SCurveConfig::build`]; the old limits then stay.
    pub fn retune(&mut self, config: &SCurveConfig<T::Param>) -> Result<(), ConfigError> {
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
    pub fn state(&self) -> ProfileState<T::Param, 7> {
        self.state
    }

    /// Puts a state back; one with an unusable value means rest at zero.
    pub fn restore(&mut self, state: ProfileState<T::Param, 7>) {
        self.state = state;
        if !state.is_usable() {
            self.reset();
        }
    }
}

/// Three stretches that lead from a speed and an acceleration to another speed, and the way that
/// they cover.
fn change_speed<P: Float>(
    limits: &SCurveConfig<P>,
    from: P,
    acceleration: P,
    to: P,
) -> ([Phase<P>; 3], P) {
    let (zero, half) = (P::zero(), P::lit(0.5));
    let (j, a0) = (limits.jerk, acceleration);
    let change = to - from;
    // What letting the acceleration fade would do.
    let fading = half * a0 * a0.magnitude() / j;
    let sign = if change < fading { -P::one() } else { P::one() };
    let square = (sign * j * change + half * a0 * a0).limit(zero, P::MAX);
    let peak = sign * square.sqrt().limit(zero, limits.acceleration);
    let ramp = |a: P, b: P| {
        let time = (b - a).magnitude() / j;
        Phase::new(time, a, if b < a { -j } else { j })
    };
    let (start, end) = (ramp(a0, peak), ramp(peak, zero));
    let reached = half * ((a0 + peak) * start.time + peak * end.time);
    let hold = if peak == zero {
        zero
    } else {
        (change - reached) / peak
    };
    let phases = [start, Phase::new(hold, peak, zero), end];
    let (mut speed, mut way) = (from, zero);
    for phase in &phases {
        let (gain, covered) = phase.gains(speed, phase.time);
        way += covered;
        speed += gain;
    }
    (phases, way)
}

fn plan<P: Float>(limits: &SCurveConfig<P>, now: &Motion<P>, goal: &Goal<P>) -> [Phase<P>; 7] {
    let (zero, half) = (P::zero(), P::lit(0.5));
    let distance = goal.position - now.position;
    let legs = |cruise: P| {
        let (start, before) = change_speed(limits, now.speed, now.acceleration, cruise);
        let (end, after) = change_speed(limits, cruise, zero, goal.speed);
        (start, end, before + after)
    };
    let top = limits.speed;
    let (mut low, mut high) = (-top, top);
    // Without a cruise the way is a rising function of its speed.
    if legs(high).2 <= distance {
        low = high;
    } else if legs(low).2 >= distance {
        high = low;
    }
    for _ in 0..HALVINGS {
        let middle = half * (low + high);
        if middle == low || middle == high {
            break;
        }
        if legs(middle).2 <= distance {
            low = middle;
        } else {
            high = middle;
        }
    }
    // The side from which the remainder lies ahead.
    let cruise = if low > zero || (low == zero && high == zero) {
        low
    } else {
        high
    };
    let (start, end, covered) = legs(cruise);
    let rest = if cruise == zero {
        zero
    } else {
        (distance - covered) / cruise
    };
    let [a, b, c] = start;
    let [d, e, f] = end;
    [a, b, c, Phase::new(rest, zero, zero), d, e, f]
}

impl<T: Scalar> Step for SCurve<T> {
    type Input = Goal<T>;
    type Output = Motion<T>;
    type State = ProfileState<T::Param, 7>;
    fn step(&mut self, input: Goal<T>) -> Motion<T> {
        SCurve::step(self, input)
    }
    fn state(&self) -> Self::State {
        SCurve::state(self)
    }
    fn restore(&mut self, state: Self::State) {
        SCurve::restore(self, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;

    fn number<T: Scalar>(x: T) -> f64 {
        x.to_param().to_f64()
    }

    fn build<T: Scalar>(speed: f64, acceleration: f64, jerk: f64) -> SCurve<T> {
        SCurveConfig {
            speed: T::Param::lit(speed),
            acceleration: T::Param::lit(acceleration),
            jerk: T::Param::lit(jerk),
        }
        .build(T::Param::lit(0.001))
        .unwrap()
    }

    #[test]
    fn takes_the_time_of_the_textbook() {
        fn check<T: Scalar>(slack: f64) {
            // All limits reached: d/v + v/a + a/j = 2 + 0.25 + 0.1 s.
            let mut profile = build::<T>(0.5, 2.0, 20.0);
            let mut ticks = 0;
            while !profile.step(Goal::rest(T::one())).arrived && ticks < 9999 {
                ticks += 1;
            }
            assert!((2348..=2351).contains(&ticks), "{} {ticks}", T::NAME);
            assert!((number(profile.motion().position) - 1.0).abs() < slack);
            // Jerk only: 4 ∛(d / 2j) = 4 · 0.05 s.
            let mut profile = build::<T>(9.0, 99.0, 20.0);
            let mut ticks = 0;
            while !profile.step(Goal::rest(T::lit(0.005))).arrived && ticks < 9999 {
                ticks += 1;
            }
            assert!((199..=201).contains(&ticks), "{} {ticks}", T::NAME);
        }
        check::<f32>(1e-6);
        check::<f64>(1e-15);
        check::<Q12>(1e-6);
    }

    #[test]
    fn a_goal_that_jumps_does_not_jerk() {
        let mut profile = build::<f64>(1.0, 3.0, 30.0);
        let (mut last, mut chance) = (Motion::<f64>::default(), 1_u32);
        let mut goal = 0.0;
        for tick in 0..20_000 {
            if tick % 97 == 0 {
                chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                goal = f64::from(chance >> 16) / 65_536.0 * 2.0 - 1.0;
            }
            let next = profile.step(Goal::rest(goal));
            assert!(next.speed.abs() <= 1.0 + 1e-9, "{next:?}");
            assert!(next.acceleration.abs() <= 3.0 + 1e-9, "{next:?}");
            let jerk = (next.acceleration - last.acceleration) / 0.001;
            assert!(jerk.abs() <= 30.0 + 1e-5, "{jerk} at {tick}");
            let speed = (next.position - last.position) / 0.001;
            assert!(speed.abs() <= 1.0 + 1e-6, "{speed}");
            last = next;
        }
        for _ in 0..5000 {
            profile.step(Goal::rest(0.25));
        }
        assert_eq!(profile.motion().position, 0.25);
    }

    #[test]
    fn new_limits_are_reached_from_beyond_them() {
        let mut profile = build::<f32>(2.0, 4.0, 40.0);
        for _ in 0..700 {
            profile.step(Goal::rest(10.0));
        }
        assert!(profile.motion().speed > 1.9);
        let slower = SCurveConfig {
            speed: 0.5,
            acceleration: 1.0,
            jerk: 10.0,
        };
        profile.retune(&slower).unwrap();
        for _ in 0..3000 {
            profile.step(Goal::rest(10.0));
        }
        assert!(profile.motion().speed <= 0.501);
        for _ in 0..20_000 {
            profile.step(Goal::rest(10.0));
        }
        assert_eq!(profile.motion().position, 10.0);
    }
}
