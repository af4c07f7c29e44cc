//! A plan of a motion, and how it is followed.

use crate::math::{Float, Scalar};

/// Position, speed and acceleration of a moment, in the unit of the position and seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Motion<T> {
    /// Position.
    pub position: T,
    /// Speed.
    pub speed: T,
    /// Acceleration.
    pub acceleration: T,
    /// Whether the goal has been reached.
    pub arrived: bool,
}

/// Where to go, and how fast to be there.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Goal<T> {
    /// Position.
    pub position: T,
    /// Speed on arrival; from then on the profile moves on with it. Beyond the limit it is limited.
    pub speed: T,
}

impl<T: Scalar> Goal<T> {
    /// To stand still there.
    #[must_use]
    pub fn rest(position: T) -> Self {
        Self {
            position,
            speed: T::zero(),
        }
    }
    pub(super) fn is_usable(&self) -> bool {
        self.position.is_usable() && self.speed.is_usable()
    }
    pub(super) fn to_params(self) -> Goal<T::Param> {
        Goal {
            position: self.position.to_param(),
            speed: self.speed.to_param(),
        }
    }
}

/// A stretch of constant jerk.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Phase<P> {
    pub(super) time: P,
    pub(super) acceleration: P,
    pub(super) jerk: P,
}

impl<P: Float> Phase<P> {
    pub(super) fn new(time: P, acceleration: P, jerk: P) -> Self {
        Self {
            time: time.limit(P::zero(), P::MAX),
            acceleration,
            jerk,
        }
    }
    /// Change of speed and way over the first `t` seconds, entered at `speed`.
    pub(super) fn gains(&self, speed: P, t: P) -> (P, P) {
        let half = P::lit(0.5);
        let sixth = P::lit(1.0 / 6.0);
        let change = t * (self.acceleration + half * self.jerk * t);
        let way = t * (speed + t * (half * self.acceleration + sixth * self.jerk * t));
        (change, way)
    }
}

/// Where a profile is on its way. Made of floats, whatever the number type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProfileState<P, const N: usize> {
    pub(super) now: Motion<P>,
    /// As it was asked for.
    pub(super) asked: Goal<P>,
    /// Within the limits, and farther on if it moves and has been reached.
    pub(super) goal: Goal<P>,
    pub(super) phases: [Phase<P>; N],
    /// The phase that is under way; N after the last.
    pub(super) index: usize,
    /// Seconds since it began.
    pub(super) since: P,
    /// Motion at its beginning.
    pub(super) entry: Motion<P>,
}

impl<P: Float, const N: usize> Default for ProfileState<P, N> {
    fn default() -> Self {
        Self::at(Motion::default())
    }
}

impl<P: Float, const N: usize> ProfileState<P, N> {
    pub(super) fn at(motion: Motion<P>) -> Self {
        let goal = Goal::rest(motion.position);
        Self {
            now: motion,
            asked: goal,
            goal,
            phases: [Phase::default(); N],
            index: N,
            since: P::zero(),
            entry: motion,
        }
    }

    pub(super) fn begin(&mut self, goal: Goal<P>, phases: [Phase<P>; N]) {
        self.goal = goal;
        self.phases = phases;
        self.index = 0;
        self.since = P::zero();
        self.entry = self.now;
    }

    /// Follows the plan for `dt` seconds.
    pub(super) fn advance(&mut self, dt: P) {
        self.since += dt;
        while let Some(phase) = self.phases.get(self.index) {
            if self.since < phase.time {
                let (change, way) = phase.gains(self.entry.speed, self.since);
                self.now = Motion {
                    position: self.entry.position + way,
                    speed: self.entry.speed + change,
                    acceleration: phase.acceleration + phase.jerk * self.since,
                    arrived: false,
                };
                return;
            }
            let (change, way) = phase.gains(self.entry.speed, phase.time);
            self.entry.position += way;
            self.entry.speed += change;
            self.since -= phase.time;
            self.index += 1;
        }
        // The sums above end within rounding of the goal; from here on it is exact.
        self.goal.position += self.goal.speed * self.since;
        self.since = P::zero();
        self.now = Motion {
            position: self.goal.position,
            speed: self.goal.speed,
            acceleration: P::zero(),
            arrived: true,
        };
    }

    pub(super) fn is_usable(&self) -> bool {
        let usable = |motion: &Motion<P>| {
            motion.position.is_usable()
                && motion.speed.is_usable()
                && motion.acceleration.is_usable()
        };
        let phases = self.phases.iter().all(|phase| {
            phase.time.is_usable() && phase.acceleration.is_usable() && phase.jerk.is_usable()
        });
        usable(&self.now)
            && usable(&self.entry)
            && self.goal.is_usable()
            && self.since.is_usable()
            && phases
    }
}

/// A motion in the number type of the profile.
pub(super) fn rounded<T: Scalar>(motion: &Motion<T::Param>) -> Motion<T> {
    Motion {
        position: T::from_param(motion.position),
        speed: T::from_param(motion.speed),
        acceleration: T::from_param(motion.acceleration),
        arrived: motion.arrived,
    }
}
