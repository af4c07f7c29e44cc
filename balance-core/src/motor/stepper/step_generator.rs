//! When to step: positions and speeds in integer arithmetic, tick by tick.
//!
//! At every tick of a timer (20 to 200 kHz) a phase accumulator of 32 bits adds the speed; its
//! carry is a step. Steps therefore lie on the tick grid, each within one tick of its exact moment, and
//! the count is exact whatever the speed does. Acceleration adds to the speed, in 2⁻³² of a step per
//! tick and 2⁻¹⁶ of that per tick, so ramps have no table and no division in the tick.

use crate::config::{ConfigError, positive, within};
use crate::math::Float;
use core::cmp::Ordering;

/// Settings of a [`StepGenerator`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepGeneratorConfig<P = f32> {
    /// Ticks per second, Hz, above zero.
    pub tick_hz: P,
    /// Largest rate, steps/s, above zero to half of `tick_hz`: a driver's input must fall between
    /// steps.
    pub max_rate: P,
    /// Acceleration, steps/s², above zero. Too large: the motor loses steps.
    pub acceleration: P,
}

impl<P: Float> Default for StepGeneratorConfig<P> {
    /// 100,000 ticks, up to 50,000 steps/s, at 100,000 steps/s².
    fn default() -> Self {
        Self {
            tick_hz: P::lit(100_000.0),
            max_rate: P::lit(50_000.0),
            acceleration: P::lit(100_000.0),
        }
    }
}

impl<P: Float> StepGeneratorConfig<P> {
    /// Prepares a generator at rest at step zero.
    ///
    /// # Errors
    /// Names the field that is out of its range; an acceleration below 2⁻⁴⁸ of a step per tick², or
    /// one that reaches the largest rate in less than two ticks, is `OutOfRange("acceleration")`.
    pub fn build(&self) -> Result<StepGenerator, ConfigError> {
        let tick = positive("tick_hz", self.tick_hz)?;
        within("tick_hz", tick, P::lit(1.0), P::lit(1e7))?;
        let share = positive("max_rate", self.max_rate)? / tick;
        within("max_rate", share, P::lit(1e-9), P::lit(0.5))?;
        let ramp = positive("acceleration", self.acceleration)? / (tick * tick);
        // In 2⁻⁴⁸ of a step per tick, and per tick².
        let scaled = |x: P| (x.to_f64() * 281_474_976_710_656.0 + 0.5) as i64;
        let (max_speed, acceleration) = (scaled(share), scaled(ramp));
        if acceleration < 1 || acceleration > max_speed / 2 {
            return Err(ConfigError::OutOfRange("acceleration"));
        }
        Ok(StepGenerator {
            max_speed,
            acceleration,
            target: Target::Speed(0),
            per_rate: 281_474_976_710_656.0 / tick.to_f64(),
            speed: 0,
            braking: 0,
            phase: 1 << 31,
            position: 0,
        })
    }
}

/// A step to be made at this tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// One step forward.
    Forward,
    /// One step back.
    Back,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Speed(i64),
    Position(i32),
}

/// When to step; see [`StepGeneratorConfig`].
///
/// ```
/// use balance_core::motor::stepper::StepGeneratorConfig;
/// let mut steps = StepGeneratorConfig::<f32>::default().build()?;
/// steps.go_to(1000);
/// let made = (0..30_000).filter_map(|_| steps.tick()).count();
/// assert_eq!((made, steps.position(), steps.is_resting()), (1000, 1000, true));
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct StepGenerator {
    /// Speeds in 2⁻⁴⁸ of a step per tick.
    max_speed: i64,
    acceleration: i64,
    target: Target,
    per_rate: f64,
    speed: i64,
    /// Way to a stop, in 2⁻³² of a step.
    braking: i64,
    /// Where within a step, in 2⁻³².
    phase: u32,
    position: i32,
}

impl StepGenerator {
    /// Goes on at a rate, steps/s, negative for back, limited to the largest; the ramp leads
    /// there. One that is not finite stops.
    pub fn run_at(&mut self, rate: f32) {
        let wanted = f64::from(rate) * self.per_rate;
        // `as` saturates, and takes NaN to zero.
        let wanted = if rate.is_finite() { wanted as i64 } else { 0 };
        let most = self.max_speed;
        self.target = Target::Speed(wanted.max(-most).min(most));
    }

    /// Goes on at a speed in 2⁻³² of a step per tick, as [`speed`](Self::speed) tells it, limited to
    /// the largest; the ramp leads there. For loops that work in integers.
    pub fn run_at_share(&mut self, share: i32) {
        let most = self.max_speed;
        self.target = Target::Speed((i64::from(share) << 16).max(-most).min(most));
    }

    /// Stands at once, without a ramp, as for a motor whose currents are off.
    pub fn halt(&mut self) {
        self.target = Target::Speed(0);
        self.speed = 0;
        self.braking = 0;
    }

    /// Goes to a position and stops there.
    pub fn go_to(&mut self, position: i32) {
        self.target = Target::Position(position);
    }

    /// Stops along the ramp.
    pub fn stop(&mut self) {
        self.target = Target::Speed(0);
    }

    /// Advances by one tick of the timer; the step to make now, if any. Integers only, no
    /// multiplication and no division.
    #[inline]
    pub fn tick(&mut self) -> Option<Step> {
        let wanted = match self.target {
            Target::Speed(speed) => speed,
            Target::Position(position) => self.toward(position),
        };
        let change = wanted.saturating_sub(self.speed);
        let limited = change.max(-self.acceleration).min(self.acceleration);
        let before = self.speed.abs();
        self.speed = self.speed.saturating_add(limited);
        let now = self.speed.abs();
        // What the ramp up took is what the ramp down will take.
        let ramp = match now.cmp(&before) {
            Ordering::Greater => now,
            Ordering::Equal => 0,
            Ordering::Less => -before,
        };
        self.braking = match now {
            0 => 0,
            _ => self.braking.saturating_add(ramp >> 16).max(0),
        };

        let moved = (self.speed >> 16) as i32;
        let before = self.phase;
        self.phase = before.wrapping_add(moved as u32);
        let step = if moved >= 0 {
            (self.phase < before).then_some(Step::Forward)
        } else {
            (self.phase > before).then_some(Step::Back)
        };
        match step {
            Some(Step::Forward) => self.position = self.position.wrapping_add(1),
            Some(Step::Back) => self.position = self.position.wrapping_sub(1),
            None => {}
        }
        step
    }

    /// The speed to strive for on the way to a position: full, or down once the braking distance
    /// is reached.
    fn toward(&mut self, position: i32) -> i64 {
        let left = i64::from(position) - i64::from(self.position);
        if left == 0 && self.speed.abs() <= self.acceleration.saturating_mul(2) {
            // There, and slow enough to stand: in the middle of the step, away from its edges.
            self.phase = 1 << 31;
            self.speed = 0;
            self.braking = 0;
            return 0;
        }
        let ahead = if left < 0 { -self.speed } else { self.speed };
        if ahead <= 0 || left == 0 {
            return self.creep(left);
        }
        let within = if left < 0 {
            self.phase
        } else {
            self.phase.wrapping_neg()
        };
        let whole = left.unsigned_abs().saturating_sub(1).min(1 << 30) as i64;
        let distance = (whole << 32).saturating_add(i64::from(within));
        // Two ticks in hand: this one, and the rounding of the ramp.
        if self.braking.saturating_add(ahead >> 15) < distance {
            if left < 0 {
                -self.max_speed
            } else {
                self.max_speed
            }
        } else {
            self.creep(left)
        }
    }

    /// Down to a speed at which the last step is still made.
    fn creep(&self, left: i64) -> i64 {
        let slow = self.acceleration.saturating_mul(2).min(self.max_speed);
        match left {
            0 => 0,
            1.. => slow,
            _ => -slow,
        }
    }

    /// Steps made so far, those back counted negative.
    pub fn position(&self) -> i32 {
        self.position
    }

    /// Speed now, as a share of a step per tick, in 2⁻³².
    pub fn speed(&self) -> i32 {
        (self.speed >> 16) as i32
    }

    /// Whether it stands where it was told to.
    pub fn is_resting(&self) -> bool {
        let there = match self.target {
            Target::Speed(speed) => speed == 0,
            Target::Position(position) => position == self.position,
        };
        there && self.speed == 0
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn generator(max_rate: f32, acceleration: f32) -> StepGenerator {
        StepGeneratorConfig {
            max_rate,
            acceleration,
            ..Default::default()
        }
        .build()
        .unwrap()
    }

    /// Ticks at which a run steps.
    fn times(steps: &mut StepGenerator, ticks: u32) -> Vec<u32> {
        (0..ticks).filter(|_| steps.tick().is_some()).collect()
    }

    #[test]
    fn fifty_kilohertz_come_without_jitter() {
        let mut steps = generator(50_000.0, 1e6);
        steps.run_at(50_000.0);
        times(&mut steps, 6000);
        let at = times(&mut steps, 10_000);
        assert_eq!(at.len(), 5000);
        assert!(at.windows(2).all(|pair| pair[1] - pair[0] == 2));
        // A rate between: each step within one tick of its exact moment.
        steps.run_at(31_234.5);
        times(&mut steps, 6000);
        let at = times(&mut steps, 100_000);
        assert!((at.len() as f64 - 31_234.5).abs() <= 1.0);
        let first = f64::from(at[0]);
        for (k, tick) in at.iter().enumerate() {
            let exact = first + k as f64 * 100_000.0 / 31_234.5;
            assert!((f64::from(*tick) - exact).abs() <= 1.0);
        }
    }

    #[test]
    fn the_ramp_is_that_of_the_acceleration() {
        let mut steps = generator(40_000.0, 80_000.0);
        steps.run_at(40_000.0);
        // v²/2a = 10,000 steps in half a second.
        let made = times(&mut steps, 50_000).len() as f64;
        assert!((made - 10_000.0).abs() < 3.0, "{made}");
        steps.stop();
        let made = times(&mut steps, 50_100).len() as f64;
        assert!(
            (made - 10_000.0).abs() < 3.0 && steps.is_resting(),
            "{made}"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn counts_are_exact_for_every_profile(
            targets in prop::collection::vec(-3000..3000_i32, 1..5),
            max_rate in 500.0..50_000.0_f32,
            acceleration in 20_000.0..500_000.0_f32,
            patience in 100..4000_u32,
        ) {
            let mut steps = generator(max_rate, acceleration);
            let mut position = 0_i32;
            let mut rate = 0_i32;
            let most = (f64::from(acceleration) / 1e10 * 4_294_967_296.0) as i32 + 2;
            let last = targets[targets.len() - 1];
            for (k, target) in targets.iter().enumerate() {
                steps.go_to(*target);
                // All but the last are interrupted.
                let ticks = if k + 1 == targets.len() { 2_000_000 } else { patience };
                for _ in 0..ticks {
                    match steps.tick() {
                        Some(Step::Forward) => position += 1,
                        Some(Step::Back) => position -= 1,
                        None => {}
                    }
                    // The end of a ramp is at most two accelerations above zero.
                    prop_assert!((steps.speed() - rate).abs() <= 2 * most + 2);
                    rate = steps.speed();
                    if steps.is_resting() && k + 1 == targets.len() {
                        break;
                    }
                }
                prop_assert_eq!(position, steps.position());
            }
            prop_assert!(steps.is_resting(), "{:?}", steps);
            prop_assert_eq!(position, last);
        }

        #[test]
        fn no_rate_is_exceeded(rates in prop::collection::vec(any::<f32>(), 1..20)) {
            let mut steps = generator(20_000.0, 200_000.0);
            for rate in rates {
                steps.run_at(rate);
                for _ in 0..500 {
                    steps.tick();
                    prop_assert!(steps.speed().abs() <= 858_993_460);
                }
            }
        }
    }

    #[test]
    fn nonsense_is_refused() {
        let error = |config: StepGeneratorConfig| config.build().err();
        let ok = StepGeneratorConfig::default();
        assert_eq!(
            error(StepGeneratorConfig {
                max_rate: 60_000.0,
                ..ok
            }),
            Some(ConfigError::OutOfRange("max_rate"))
        );
        assert_eq!(
            error(StepGeneratorConfig {
                acceleration: 1e10,
                ..ok
            }),
            Some(ConfigError::OutOfRange("acceleration"))
        );
    }
}
