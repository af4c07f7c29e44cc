//! Angle and speed of a wheel from the counts of its encoder, sampled once per period.
//!
//! A count says that the wheel is somewhere within one interval. The filter keeps a position
//! and a speed, predicts the position, and learns only when the prediction leaves the interval of
//! the count: the position is put back to the near edge, and the speed is corrected by what was
//! missing, over the larger of the time constant and the time since the edge before:
//!
//! ```text
//! x⁺ = x + v        e = nearest point of [count, count + 1] − x⁺        x = x⁺ + e
//! v = v + e / max(τ, n)        n: periods since the last edge, x in counts, v in counts/period
//! ```
//!
//! At high speed that is a first-order lag of τ without the noise of a difference, because a
//! right speed never leaves its intervals. At low speed (n > τ) each edge corrects by exactly the
//! error made since the last. Three things follow from the sensor alone and are built in: between
//! edges n periods apart the wheel is slower than 1/n; an edge tells the direction; no edge for
//! `standstill` seconds is speed zero. A wheel that trembles on an edge reads zero too.
//!
//! The loop runs in 32-bit integers (counts in steps of 2⁻²⁰) for every scalar type; only the two
//! outputs are converted. The recursion is derived here.

use crate::math::wide::mul_wide;
use crate::math::{Float, Scalar};
use crate::{ConfigError, Step, config};
use num_traits::One;

/// Sub-count steps in one count.
const ONE: i32 = 1 << PART_BITS;
const PART_BITS: u32 = 20;
/// Largest motion in one period, in counts, so that a sum of two positions fits 32 bits.
const MOST_COUNTS: i32 = 1000;
/// Consecutive, mutually consistent readings after which a jump is believed.
const PATIENCE: u8 = 5;

/// What a person tunes of a [`WheelSpeed`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WheelSpeedConfig<P> {
    /// Counts per turn of the wheel, all edges and the gear included, 1 to 1e6. Wrong: angle and
    /// speed are wrong by the same factor.
    pub counts_per_revolution: P,
    /// Lag of the speed, in s, 0 to 10. Too small: uneven edges show in the speed. Too large: the
    /// controller sees the speed late. Below one count per time constant the lag is the time
    /// between edges.
    pub time_constant: P,
    /// Time without an edge after which the wheel stands, in s, one period to 10. Too small: crawling
    /// reads as standing. Too large: a stopped wheel creeps on in the estimate.
    pub standstill: P,
    /// Fastest speed the wheel can have, in rad/s, above 0. Readings further apart are glitches.
    /// Too small: real motion is held back. Too large: a glitch passes.
    pub max_speed: P,
}

impl<P: Float> Default for WheelSpeedConfig<P> {
    /// A geared motor with 1320 counts per turn, 10 ms, up to 100 rad/s.
    fn default() -> Self {
        Self {
            counts_per_revolution: P::lit(1320.0),
            time_constant: P::lit(0.01),
            standstill: P::lit(0.25),
            max_speed: P::lit(100.0),
        }
    }
}

impl<P: Float> WheelSpeedConfig<P> {
    /// Prepares an estimator that is stepped every `dt` seconds.
    ///
    /// # Errors
    ///
    /// A field outside its range, a `max_speed` of more than 1000 counts in a period, or `dt` not
    /// in 1 µs ..= 10 s.
    pub fn build<T: Scalar<Param = P>>(&self, dt: P) -> Result<WheelSpeed<T>, ConfigError> {
        config::period(dt)?;
        Ok(WheelSpeed {
            dt,
            tuning: Tuning::new(self, dt)?,
            state: WheelSpeedState::default(),
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Tuning<T: Scalar> {
    angle_per_count: T::Gain,
    angle_per_part: T::Gain,
    speed_per_part: T::Short,
    /// 1/τ, 31 fractional bits, and τ itself in whole periods.
    response: i32,
    slowest_quick: u32,
    standstill: u32,
    most_counts: i32,
    /// `most_counts` in steps of [`ONE`].
    fastest: i32,
}

impl<T: Scalar> Tuning<T> {
    fn new(config: &WheelSpeedConfig<T::Param>, dt: T::Param) -> Result<Self, ConfigError> {
        let lit = T::Param::lit;
        let counts = config.counts_per_revolution;
        config::within("counts_per_revolution", counts, lit(1.0), lit(1e6))?;
        config::within("time_constant", config.time_constant, lit(0.0), lit(10.0))?;
        config::positive("standstill", config.standstill)?;
        config::within("standstill", config.standstill, dt, lit(10.0))?;
        config::positive("max_speed", config.max_speed)?;
        let angle = lit(core::f64::consts::TAU) / counts;
        let most = config.max_speed / angle * dt + lit(2.0);
        config::within("max_speed", most, lit(2.0), lit(f64::from(MOST_COUNTS)))
            .map_err(|_| ConfigError::OutOfRange("max_speed"))?;
        let part = angle * lit(1.0 / ONE as f64);
        let periods = (config.time_constant / dt).limit(lit(1.0), lit(1e7));
        let whole = T::Param::one();
        Ok(Self {
            angle_per_count: T::gain(angle),
            angle_per_part: T::gain(part),
            speed_per_part: T::short(part / dt),
            response: (T::Param::one() / periods).to_counts(lit(2_147_483_648.0)),
            slowest_quick: periods.to_counts(whole).unsigned_abs(),
            standstill: (config.standstill / dt).to_counts(whole).unsigned_abs(),
            most_counts: most.to_counts(whole),
            fastest: most.to_counts(whole).saturating_mul(ONE),
        })
    }
}

/// Angle and speed of a wheel.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WheelMotion<T> {
    /// Unwrapped angle since the first sample, in rad, smooth between counts. Saturates with its
    /// type (`Q12` at ±2048 rad, 326 turns) and at ±2³¹ counts.
    pub angle: T,
    /// Speed, in rad/s.
    pub speed: T,
    /// The reading was not believed; angle and speed are carried on.
    pub held: bool,
}

/// Estimator of a wheel's angle and speed; see the [module](self).
///
/// Lag `time_constant`, or the time between edges where that is longer; while the speed changes it
/// has a grain of up to one count per time constant (tests: ±62 counts/s at 10 ms), at steady speed
/// none. Cost per step: about 30 integer operations and, outside of steady motion, one
/// division; three products of one conversion each for the output.
///
/// ```
/// use balance_core::estimation::wheel_speed::{WheelSpeed, WheelSpeedConfig};
/// let mut wheel: WheelSpeed<f32> = WheelSpeedConfig::default().build(0.001)?;
/// let mut out = wheel.step(0);
/// for k in 1..500 {
///     out = wheel.step(2 * k); // 2000 counts/s of 1320 a turn
/// }
/// assert!((out.speed - 9.52).abs() < 0.01);
/// assert!((out.angle - 998.0 * 0.00476).abs() < 0.005);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct WheelSpeed<T: Scalar> {
    dt: T::Param,
    tuning: Tuning<T>,
    state: WheelSpeedState,
}

/// What changes in a [`WheelSpeed`] from step to step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WheelSpeedState {
    /// Whether the origin is set.
    pub known: bool,
    /// Whether the last reading was believed.
    pub believed: bool,
    /// Last believed reading.
    pub counts: i32,
    /// Counts since the origin.
    pub travelled: i32,
    /// Position above the last believed count, in 2⁻²⁰ counts.
    pub part: i32,
    /// Speed, in 2⁻²⁰ counts per period.
    pub speed: i32,
    /// Periods since the last edge.
    pub since_edge: u32,
    /// The last reading that was not believed, how many such agree, and the periods since a
    /// believed one.
    pub suspect: i32,
    /// Consecutive suspects that agree with each other.
    pub suspects: u8,
    /// Periods since the last believed reading.
    pub missed: u32,
}

impl<T: Scalar> WheelSpeed<T> {
    /// Takes the counter's reading, once per period. The counter may wrap at the ends of `i32`.
    ///
    /// The first reading is the origin. A jump faster than `max_speed` is held back; if five
    /// readings in a row agree with each other (the counter was reset), the motion goes on from
    /// there without a jump of the angle.
    #[inline]
    pub fn step(&mut self, counts: i32) -> WheelMotion<T> {
        let held = self.advance(counts);
        self.motion(held)
    }

    /// As [`step`](Self::step); gives the speed, in 2⁻²⁰ counts per period.
    #[inline(always)]
    pub(crate) fn step_parts(&mut self, counts: i32) -> i32 {
        self.advance(counts);
        self.state.speed
    }

    /// Whether the reading was not believed.
    #[inline(always)]
    fn advance(&mut self, counts: i32) -> bool {
        let moved = counts.wrapping_sub(self.state.counts);
        let most = self.tuning.most_counts;
        // One comparison: what is below the range wraps to far above it.
        let is_usual = moved.wrapping_add(most) as u32 <= (most as u32) << 1;
        if !is_usual || !self.state.believed {
            return self.advance_disturbed(counts);
        }
        self.state.counts = counts;
        // Both of at most 1000 counts, and one more.
        let predicted = self
            .state
            .part
            .wrapping_add(self.state.speed)
            .wrapping_sub(moved << PART_BITS);
        self.track(moved, predicted);
        false
    }

    /// After a start, a gap or a reading that was not believed, or at one.
    #[cold]
    #[inline(never)]
    fn advance_disturbed(&mut self, counts: i32) -> bool {
        if !self.state.known {
            self.state = WheelSpeedState::starting_at(counts);
            return false;
        }
        let moved = counts.wrapping_sub(self.state.counts);
        if moved.unsigned_abs() > self.tuning.most_counts.unsigned_abs()
            && self.is_out_of_reach(moved)
        {
            return self.doubt(counts);
        }
        let state = &mut self.state;
        state.counts = counts;
        state.suspects = 0;
        state.missed = 0;
        state.believed = true;
        state.since_edge = state.since_edge.min(self.tuning.standstill);
        let predicted = state
            .part
            .saturating_add(state.speed)
            .saturating_sub(parts_of(moved));
        self.track(moved, predicted);
        false
    }

    /// Lets a period pass without a reading: the motion is carried on.
    #[inline]
    pub fn hold(&mut self) -> WheelMotion<T> {
        self.carry_on();
        self.motion(true)
    }

    fn carry_on(&mut self) {
        let state = &mut self.state;
        if state.known {
            state.believed = false;
            state.missed = state.missed.saturating_add(1);
            state.since_edge = state.since_edge.saturating_add(1);
            if state.since_edge >= self.tuning.standstill {
                state.speed = 0;
            }
            state.part = state.part.saturating_add(state.speed);
        }
    }

    /// Whether not even the periods without a reading explain such a motion.
    #[cold]
    fn is_out_of_reach(&self, moved: i32) -> bool {
        let periods = self.state.missed.saturating_add(1).min(1_000_000);
        let reach = i64::from(self.tuning.most_counts) * i64::from(periods);
        i64::from(moved.unsigned_abs()) > reach
    }

    #[inline(always)]
    fn track(&mut self, moved: i32, predicted: i32) {
        let (tuning, state) = (&self.tuning, &mut self.state);
        state.travelled = state.travelled.saturating_add(moved);
        // Never above the standstill, which is at most 10⁷ periods.
        let since = state.since_edge.wrapping_add(1);
        if predicted as u32 <= ONE as u32 {
            state.part = predicted;
        } else {
            state.part = if predicted < 0 { 0 } else { ONE };
            let error = state.part.saturating_sub(predicted);
            let change = if since <= tuning.slowest_quick {
                // Both factors below 2³¹ in magnitude: the product has its place in 63 bits.
                (mul_wide(error, tuning.response) >> 31) as i32
            } else {
                per_period(error, since.min(tuning.standstill))
            };
            let speed = state.speed.saturating_add(change);
            state.speed = speed.min(tuning.fastest).max(tuning.fastest.wrapping_neg());
        }
        if moved != 0 {
            state.since_edge = 0;
            if (moved ^ state.speed) < 0 {
                state.speed = 0;
            }
        } else if since >= tuning.standstill {
            state.since_edge = tuning.standstill;
            state.speed = 0;
        } else {
            state.since_edge = since;
            if exceeds(state.speed.unsigned_abs(), since) {
                let bound = per_period(SLOWER_THAN as i32, since);
                state.speed = if state.speed < 0 {
                    bound.wrapping_neg()
                } else {
                    bound
                };
            }
        }
    }

    #[cold]
    fn doubt(&mut self, counts: i32) -> bool {
        let state = &mut self.state;
        state.believed = false;
        let apart = counts.wrapping_sub(state.suspect).unsigned_abs();
        let agrees = state.suspects > 0 && apart <= self.tuning.most_counts.unsigned_abs();
        state.suspects = if agrees {
            state.suspects.saturating_add(1)
        } else {
            1
        };
        state.suspect = counts;
        if state.suspects < PATIENCE {
            self.carry_on();
            return true;
        }
        let carried = state.part.div_euclid(ONE);
        *state = WheelSpeedState {
            travelled: state.travelled.saturating_add(carried),
            speed: state.speed,
            part: state.part.rem_euclid(ONE),
            ..WheelSpeedState::starting_at(counts)
        };
        false
    }

    #[inline(always)]
    fn motion(&self, held: bool) -> WheelMotion<T> {
        let state = &self.state;
        // The first position is the middle of its count: half a count is taken off again.
        let part = state.part.saturating_sub(ONE / 2);
        WheelMotion {
            angle: T::from_counts(state.travelled, self.tuning.angle_per_count)
                + T::from_counts(part, self.tuning.angle_per_part),
            speed: T::from_counts_short(state.speed, self.tuning.speed_per_part),
            held,
        }
    }

    /// Takes another configuration; angle in counts, speed in counts and the period stay.
    ///
    /// # Errors
    ///
    /// As [`build`](WheelSpeedConfig::build); the estimator is then unchanged.
    pub fn retune(&mut self, config: &WheelSpeedConfig<T::Param>) -> Result<(), ConfigError> {
        self.tuning = Tuning::new(config, self.dt)?;
        Ok(())
    }
    /// Forgets everything; the next reading is the origin.
    pub fn reset(&mut self) {
        self.state = WheelSpeedState::default();
    }
    /// The state.
    pub fn state(&self) -> WheelSpeedState {
        self.state
    }
    /// Puts a state back; any numbers will do.
    pub fn restore(&mut self, state: WheelSpeedState) {
        let fastest = self.tuning.fastest;
        self.state = WheelSpeedState {
            speed: state.speed.min(fastest).max(fastest.saturating_neg()),
            ..state
        };
        if state.believed {
            // What the shorter way of a step counts on.
            self.state.part = state.part.clamp(0, ONE);
            self.state.since_edge = state.since_edge.min(self.tuning.standstill);
        }
    }
}

/// A wheel without an edge for n periods is slower than 1/n; half a count more, because the edges
/// of a real encoder are not evenly spaced.
const SLOWER_THAN: u32 = ONE as u32 / 2 * 3;

/// One over so many periods, 16 fractional bits.
const RECIPROCALS: [u16; 256] = {
    let mut reciprocals = [u16::MAX; 256];
    let mut periods = 2;
    while periods < 256 {
        reciprocals[periods] = ((0x1_0000 + periods / 2) / periods) as u16;
        periods += 1;
    }
    reciprocals
};

/// Parts divided by periods: for up to 255 of them by a table, within 0.2 %, where a division takes
/// an ARMv6-M two hundred cycles.
#[inline(always)]
fn per_period(parts: i32, periods: u32) -> i32 {
    match RECIPROCALS.get(periods as usize) {
        Some(&reciprocal) => {
            let reciprocal = i32::from(reciprocal);
            // At most 2¹⁵ · 2¹⁶ and 2³².
            let high = (parts >> 16).wrapping_mul(reciprocal);
            let low = ((parts & 0xffff) as u32).wrapping_mul(reciprocal as u32) >> 16;
            high.wrapping_add(low as i32)
        }
        None => long_division(parts, periods),
    }
}

#[cold]
#[inline(never)]
fn long_division(parts: i32, periods: u32) -> i32 {
    parts.checked_div_euclid(periods as i32).unwrap_or(0)
}

/// Whether a speed over so many periods is more than [`SLOWER_THAN`].
#[inline(always)]
fn exceeds(speed: u32, periods: u32) -> bool {
    // A product of 21 and 11 bits has its place in 32.
    if periods < 1 << 11 {
        periods != 0 && (speed > SLOWER_THAN || speed * periods > SLOWER_THAN)
    } else {
        u64::from(speed) * u64::from(periods) > u64::from(SLOWER_THAN)
    }
}

/// Counts in steps of [`ONE`]; saturates.
#[inline(always)]
fn parts_of(counts: i32) -> i32 {
    let parts = counts << 20;
    if parts >> 20 == counts {
        parts
    } else if counts < 0 {
        i32::MIN
    } else {
        i32::MAX
    }
}

impl WheelSpeedState {
    fn starting_at(counts: i32) -> Self {
        Self {
            known: true,
            believed: true,
            counts,
            part: ONE / 2,
            ..Self::default()
        }
    }
}

impl<T: Scalar> Step for WheelSpeed<T> {
    /// The counter's reading.
    type Input = i32;
    type Output = WheelMotion<T>;
    type State = WheelSpeedState;
    fn step(&mut self, counts: i32) -> WheelMotion<T> {
        self.step(counts)
    }
    fn state(&self) -> WheelSpeedState {
        self.state()
    }
    fn restore(&mut self, state: WheelSpeedState) {
        self.restore(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;
    extern crate std;
    use std::vec::Vec;

    const DT: f64 = 0.001;
    const RAD: f64 = core::f64::consts::TAU / 1320.0;

    fn wheel<T: Scalar>() -> WheelSpeed<T> {
        WheelSpeedConfig::default()
            .build(T::Param::lit(DT))
            .unwrap()
    }
    /// Runs along a position given in counts; gives speeds in counts/s.
    fn run<T: Scalar>(
        wheel: &mut WheelSpeed<T>,
        periods: core::ops::Range<u32>,
        position: impl Fn(f64) -> f64,
    ) -> Vec<f64> {
        periods
            .map(|k| {
                let counts = libm::floor(position(f64::from(k) * DT)) as i32;
                wheel.step(counts).speed.to_param().to_f64() / RAD
            })
            .collect()
    }
    fn mean_and_deviation(x: &[f64]) -> (f64, f64) {
        let n = x.len() as f64;
        let mean = x.iter().sum::<f64>() / n;
        (
            mean,
            libm::sqrt(x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n),
        )
    }
    fn extremes(x: &[f64]) -> (f64, f64) {
        x.iter().fold((f64::MAX, f64::MIN), |(low, high), &x| {
            (low.min(x), high.max(x))
        })
    }

    fn slow_is_right<T: Scalar>() {
        for speed in [20.0, -20.0, 19.3, 7.7, 137.0] {
            let all = run(&mut wheel::<T>(), 0..6000, |t| speed * t + 0.3);
            let settled = &all[2000..];
            let (mean, _) = mean_and_deviation(settled);
            let (low, high) = extremes(settled);
            assert!((mean / speed - 1.0).abs() < 0.03, "{speed}: mean {mean}");
            let widest = (low / speed - 1.0).abs().max((high / speed - 1.0).abs());
            assert!(widest < 0.25, "{speed}: {low} to {high}");
        }
        // Edges spaced as 0.8, 1.2, 1.1, 0.9: a real quadrature encoder.
        let uneven = |t: f64| {
            let x = 20.0 * t;
            x + 0.1 * libm::sin(core::f64::consts::FRAC_PI_2 * x)
        };
        let (mean, deviation) =
            mean_and_deviation(&run(&mut wheel::<T>(), 0..6000, uneven)[2000..]);
        assert!(
            (mean / 20.0 - 1.0).abs() < 0.05 && deviation < 4.0,
            "{mean} {deviation}"
        );
    }
    fn fast_is_quiet<T: Scalar>() {
        for speed in [10_000.0, 9_876.5, -3_333.3] {
            let all = run(&mut wheel::<T>(), 0..3000, |t| speed * t);
            let (mean, deviation) = mean_and_deviation(&all[500..]);
            assert!((mean / speed - 1.0).abs() < 1e-3, "{speed}: {mean}");
            assert!(deviation < 0.005 * f64::abs(speed), "{speed}: {deviation}");
        }
        // With 1 % of real ripple at 30 Hz nothing is added to it.
        let rippling = |t: f64| 10_000.0 * t + 0.53 * libm::sin(188.5 * t);
        let (_, deviation) = mean_and_deviation(&run(&mut wheel::<T>(), 0..3000, rippling)[500..]);
        assert!(deviation < 75.0, "{deviation}");
    }
    fn standing_is_exactly_zero<T: Scalar>() {
        for speed in [10_000.0, 777.0, 20.0, 4.5, -300.0] {
            let mut wheel = wheel::<T>();
            let stop = |t: f64| speed * f64::min(t, 1.0);
            let all = run(&mut wheel, 0..1301, stop);
            assert_eq!(all[1300], 0.0, "{speed}");
            // One count per time is all the wheel could still do.
            assert!(all[1050].abs() <= 31.0, "{speed}: {}", all[1050]);
        }
        // Trembling on an edge is standing as well.
        let trembling = |t: f64| {
            5.0 + if libm::fmod(t, 0.004) < 0.002 {
                0.01
            } else {
                -0.01
            }
        };
        let all = run(&mut wheel::<T>(), 0..1000, trembling);
        assert!(
            all[100..].iter().all(|v| v.abs() < 15.0),
            "{:?}",
            extremes(&all[100..])
        );
    }
    fn a_ramp_is_followed_with_the_stated_lag<T: Scalar>() {
        let accel = 10_000.0;
        let all = run(&mut wheel::<T>(), 0..1000, |t| 0.5 * accel * t * t);
        let lags: Vec<f64> = (200..1000)
            .map(|k| f64::from(k) * DT - all[k as usize] / accel)
            .collect();
        let ((mean, _), (low, high)) = (mean_and_deviation(&lags), extremes(&lags));
        assert!((0.009..0.0105).contains(&mean), "{mean}");
        // A correction has the grain of one count over τ: 100 counts/s, 10 ms of this ramp.
        assert!(low > 0.003 && high < 0.017, "{low} {high}");
    }
    fn a_step_settles_without_overshoot<T: Scalar>() {
        for (from, to) in [
            (0.0, 5000.0),
            (0.0, 200.0),
            (2000.0, 6000.0),
            (5000.0, 500.0),
            (1000.0, -1000.0),
        ] {
            let path = |t: f64| from * f64::min(t, 0.5) + to * f64::max(t - 0.5, 0.0) + 0.5;
            let all = run(&mut wheel::<T>(), 0..1500, path);
            let after = &all[500..];
            let beyond = after
                .iter()
                .map(|v| (v - to) * f64::signum(to - from))
                .fold(0.0, f64::max);
            assert!(
                beyond < 0.2 * f64::abs(to - from),
                "{from} to {to}: {beyond}"
            );
            assert!(
                (all[600] - to).abs() < 0.1 * f64::abs(to),
                "{from} to {to}: {}",
                all[600]
            );
        }
    }
    fn jumps_are_held_and_resets_accepted<T: Scalar>() {
        let mut wheel = wheel::<T>();
        let mut last = wheel.step(i32::MAX - 500);
        for k in 1..1000_i32 {
            // Through the end of i32, with a glitch every tenth period.
            let counts = (i32::MAX - 500).wrapping_add(2 * k);
            let glitch = k % 10 == 5;
            let out = wheel.step(if glitch { counts ^ 0x10_0000 } else { counts });
            assert_eq!(out.held, glitch);
            if k > 100 {
                let moved = (out.angle - last.angle).to_param().to_f64() / RAD;
                assert!((moved - 2.0).abs() < 1.1, "{k}: {moved}");
                let speed = out.speed.to_param().to_f64() / RAD;
                assert!((speed - 2000.0).abs() < 20.0, "{k}: {speed}");
            }
            last = out;
        }
        let mut held = 0;
        for k in 0..20 {
            let out = wheel.step(50_000 + 2 * k);
            held += u32::from(out.held);
            let moved = (out.angle - last.angle).to_param().to_f64() / RAD;
            assert!((moved - 2.0).abs() < 2.1, "{k}: {moved}");
            last = out;
        }
        assert_eq!(held, 4);
    }
    macro_rules! all {
        ($($name:ident)*) => {$(
            mod $name {
                use super::*;
                #[test]
                fn holds_for_every_scalar() {
                    super::$name::<f32>();
                    super::$name::<f64>();
                    super::$name::<Q12>();
                }
            }
        )*};
    }
    all!(slow_is_right fast_is_quiet standing_is_exactly_zero
        a_ramp_is_followed_with_the_stated_lag a_step_settles_without_overshoot
        jumps_are_held_and_resets_accepted);
}
