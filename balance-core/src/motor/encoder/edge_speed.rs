//! Speed from the moments of edges, as a timer captures them.

use crate::config::{ConfigError, period, positive, within};
use crate::math::{Float, Scalar};
use crate::motor::coefficient::gain;
use crate::platform::{Edge, EdgeCapture};
use crate::step::Step;

/// Edges that are remembered, one a period at most.
const DEPTH: usize = 8;
/// Fraction bits of a speed in counts per period.
const PARTS: u32 = 20;
/// Counts per period at most, so that a speed fits 32 bits.
const MOST_COUNTS: f64 = 1000.0;

/// Settings of an [`EdgeSpeed`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EdgeSpeedConfig<P = f32> {
    /// Counts per turn, all edges and the gear included, 1 to 1e6. Wrong: the speed is wrong by the same
    /// factor.
    pub counts_per_revolution: P,
    /// Ticks per second of the capturing clock, Hz, 1e3 to 1e9. Wrong: as above.
    pub tick_hz: P,
    /// Least time between the two edges, s, 0 to seven periods. Too small: uneven edges and ticks show.
    /// Too large: the speed comes late by half of it.
    pub window: P,
    /// Least counts between the two edges, 1 to 7. One is the quickest; four (a period of both
    /// channels) cancel uneven spacing at a crawl, for four times the delay.
    pub edges: u8,
    /// Time without an edge after which the wheel stands, s, one period to 2³⁰ ticks. Too small: crawling
    /// reads as standing. Too large: a stopped wheel creeps on in the estimate.
    pub standstill: P,
    /// The speed stays within ± this, rad/s, above 0 to 1000 counts a period: what the motor can do.
    pub max_speed: P,
}

impl<P: Float> Default for EdgeSpeedConfig<P> {
    /// 1320 counts per turn, 1 MHz, at least 1 ms and one edge, up to 100 rad/s.
    fn default() -> Self {
        Self {
            counts_per_revolution: P::lit(1320.0),
            tick_hz: P::lit(1e6),
            window: P::lit(1e-3),
            edges: 1,
            standstill: P::lit(0.25),
            max_speed: P::lit(100.0),
        }
    }
}

impl<P: Float> EdgeSpeedConfig<P> {
    /// Prepares an estimator that is stepped every `dt` seconds.
    ///
    /// # Errors
    /// Names the field that is out of its range or beyond the scalar type.
    pub fn build<T: Scalar<Param = P>>(&self, dt: P) -> Result<EdgeSpeed<T>, ConfigError> {
        Ok(EdgeSpeed {
            dt: period(dt)?,
            tuning: Tuning::new(self, dt)?,
            state: EdgeSpeedState::default(),
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Tuning<T: Scalar> {
    speed_per_part: T::Gain,
    /// A period, the window and the standstill, in ticks.
    period: u32,
    window: u32,
    standstill: u32,
    edges: u32,
    fastest: i32,
    /// Microseconds per tick, 20 fraction bits.
    micros_per_tick: u64,
}

impl<T: Scalar> Tuning<T> {
    fn new(config: &EdgeSpeedConfig<T::Param>, dt: T::Param) -> Result<Self, ConfigError> {
        let lit = T::Param::lit;
        let (counts, tick_hz) = (config.counts_per_revolution, config.tick_hz);
        within("counts_per_revolution", counts, lit(1.0), lit(1e6))?;
        within("tick_hz", tick_hz, lit(1e3), lit(1e9))?;
        // A period of 2 to 2³⁰ ticks.
        let per_period = (dt * tick_hz).to_f64();
        if !(2.0..=1_073_741_824.0).contains(&per_period) {
            return Err(ConfigError::OutOfRange("tick_hz"));
        }
        within("window", config.window, lit(0.0), lit(7.0) * dt)?;
        if !(1..DEPTH as u8).contains(&config.edges) {
            return Err(ConfigError::OutOfRange("edges"));
        }
        let most = lit(1_073_741_824.0) / tick_hz;
        within("standstill", config.standstill, dt, most)?;
        positive("max_speed", config.max_speed)?;
        let angle = lit(core::f64::consts::TAU) / counts;
        let fastest = (config.max_speed / angle * dt).to_f64();
        if fastest > MOST_COUNTS {
            return Err(ConfigError::OutOfRange("max_speed"));
        }
        let parts = f64::from(1_u32 << PARTS);
        let ticks = |seconds: T::Param| ((seconds * tick_hz).to_f64() + 0.5) as u32;
        Ok(Self {
            speed_per_part: gain::<T>("counts_per_revolution", angle / dt * lit(1.0 / parts))?,
            period: (per_period + 0.5) as u32,
            window: ticks(config.window),
            standstill: ticks(config.standstill),
            edges: config.edges.into(),
            fastest: (fastest * parts + 0.5) as i32,
            micros_per_tick: (1e6 * parts / tick_hz.to_f64() + 0.5) as u64,
        })
    }
}

/// A speed and how old it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EdgeSpeedOutput<T> {
    /// Speed, rad/s.
    pub speed: T,
    /// By how much the speed comes late, µs: that of a steadily accelerating wheel was this long ago.
    pub delay_micros: u32,
}

/// What an [`EdgeSpeed`] takes: the last edge, and the capturing clock now, read after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EdgeSpeedInput {
    /// The last edge, whether it is new or not; `None` before the first.
    pub edge: Option<Edge>,
    /// The clock, in ticks.
    pub now: u32,
}

/// The values of an [`EdgeSpeed`] that change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EdgeSpeedState {
    /// The newest edge of each period that had one, newest first.
    edges: [Edge; DEPTH],
    /// How many of them belong to the present motion.
    known: u8,
    /// Whether there has been an edge at all.
    seen: bool,
    /// 2⁻²⁰ counts per period.
    speed: i32,
    /// Ticks between the two edges of the speed.
    span: u32,
}

/// Speed of a wheel or shaft from captured edges.
///
/// Counting edges in a period is blind at low speed (nothing, nothing, one count); timing one edge is
/// noisy at high speed. Here the way between two captured edges is divided by exactly the time between
/// them, however many counts lie between:
///
/// ```text
/// v = (pᵢ − pⱼ) / (tᵢ − tⱼ)        i: the last edge; j: the youngest that is at least `window` older
///                                     and at least `edges` counts away
/// ```
///
/// (M/T method; T. Ohmae et al., "A Microprocessor-Controlled High-Accuracy Wide-Range Speed
/// Regulator for Motor Drives", IEEE Trans. Industrial Electronics IE-29(3), 1982.) **The delay is half of
/// tᵢ − tⱼ and the age of the last edge**, and each output says it: at speed about half the window and half a
/// period, at a crawl half the time of an edge and what has passed since. Between edges n seconds
/// apart the wheel is slower than 1/n, and that bound is applied while no edge comes.
///
/// | | takes | delay | noise |
/// |---|---|---|---|
/// | [`WheelSpeed`](crate::estimation::wheel_speed::WheelSpeed) | counts, once a period | its time constant | at a crawl a quarter of the speed, at speed none |
/// | this | moments of edges | as said, 1 to 2 periods at speed | one tick of the clock over the window |
/// | [`PhaseLock`](super::PhaseLock) | an angle, fine or noisy | 2 / bandwidth | that of the angle, filtered |
///
/// Integers throughout, for every scalar type. Cost per step: about 60 operations and one division of
/// 64 bits, of which a Cortex-M0+ makes 300 cycles. The first edge after standstill is the origin:
/// the speed comes with the second. Up to 1000 counts a period.
///
/// ```
/// use balance_core::motor::encoder::{EdgeSpeed, EdgeSpeedConfig, EdgeSpeedInput};
/// use balance_core::platform::Edge;
/// let mut wheel: EdgeSpeed<f32> = EdgeSpeedConfig::default().build(0.001)?;
/// // An edge every 40 ms, 1320 to a turn: 0.119 rad/s.
/// let mut last = Default::default();
/// for millis in 40..400 {
///     let edges = millis / 40;
///     let edge = Some(Edge { position: edges, ticks: 40_000 * edges as u32 });
///     last = wheel.step(EdgeSpeedInput { edge, now: 1000 * millis as u32 });
/// }
/// assert!((last.speed - 25.0 * 6.2832 / 1320.0).abs() < 1e-4);
/// // Half of 40 ms, and 39 ms since the last edge.
/// assert_eq!(last.delay_micros, 59_000);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EdgeSpeed<T: Scalar> {
    dt: T::Param,
    tuning: Tuning<T>,
    state: EdgeSpeedState,
}

impl<T: Scalar> EdgeSpeed<T> {
    /// Takes the last edge and the time, once per period.
    #[inline]
    pub fn step(&mut self, input: EdgeSpeedInput) -> EdgeSpeedOutput<T> {
        let Some(edge) = input.edge else {
            return EdgeSpeedOutput::default();
        };
        let [newest, ..] = self.state.edges;
        if !self.state.seen || edge != newest {
            self.state.seen = true;
            self.take(edge);
        }
        // An edge between the two readings counts as now.
        let age = match input.now.wrapping_sub(edge.ticks) {
            age if age > 1 << 31 => 0,
            age => age,
        };
        if self.state.known > 0 && age >= self.tuning.standstill {
            self.state.known = 0;
            self.state.speed = 0;
            self.state.span = 0;
        }
        if self.state.known == 0 {
            return EdgeSpeedOutput::default();
        }
        let speed = self.slower_than_an_edge_in(age);
        let late = u64::from(self.state.span / 2) + u64::from(age);
        EdgeSpeedOutput {
            speed: T::from_counts(speed, self.tuning.speed_per_part),
            delay_micros: u32::try_from((late * self.tuning.micros_per_tick) >> PARTS)
                .unwrap_or(u32::MAX),
        }
    }

    /// Reads edge and clock, and steps.
    ///
    /// # Errors
    /// Of the hardware; nothing has changed then.
    pub fn read<E: EdgeCapture>(
        &mut self,
        capture: &mut E,
    ) -> Result<EdgeSpeedOutput<T>, E::Error> {
        let edge = capture.last_edge()?;
        let now = capture.ticks();
        Ok(self.step(EdgeSpeedInput { edge, now }))
    }

    /// Takes a new edge in, and the speed that it tells.
    fn take(&mut self, edge: Edge) {
        let state = &mut self.state;
        let [before, ..] = state.edges;
        let mut carried = edge;
        for place in &mut state.edges {
            core::mem::swap(place, &mut carried);
        }
        let moved = edge.position.wrapping_sub(before.position);
        let turned_round = (moved > 0 && state.speed < 0) || (moved < 0 && state.speed > 0);
        state.known = match state.known {
            0 => 1,
            // What was before belongs to another motion.
            _ if moved == 0 => 1,
            _ if turned_round => 2,
            known => known.saturating_add(1).min(DEPTH as u8),
        };
        if moved == 0 {
            state.speed = 0;
            state.span = edge.ticks.wrapping_sub(before.ticks);
        }
        let older = state.edges.iter().take(state.known.into()).skip(1);
        let (mut way, mut span) = (0_i32, 0);
        for other in older {
            way = edge.position.wrapping_sub(other.position);
            span = edge.ticks.wrapping_sub(other.ticks);
            if span >= self.tuning.window && way.unsigned_abs() >= self.tuning.edges {
                break;
            }
        }
        let way = i64::from(way.clamp(-(1 << 16), 1 << 16));
        let parts = (way << PARTS).saturating_mul(self.tuning.period.into());
        // No time between two edges: a glitch, or the first; the speed stands.
        if let Some(speed) = parts.checked_div(span.into()) {
            let fastest = i64::from(self.tuning.fastest);
            state.speed = speed.min(fastest).max(-fastest) as i32;
            state.span = span;
        }
    }

    /// Half a count more, because the edges of a real encoder are not evenly spaced.
    fn slower_than_an_edge_in(&self, age: u32) -> i32 {
        let bound = (3_u64 << (PARTS - 1)) * u64::from(self.tuning.period);
        let speed = self.state.speed;
        if u64::from(speed.unsigned_abs()) * u64::from(age) <= bound {
            return speed;
        }
        let most = bound.checked_div(age.into()).unwrap_or(0);
        let most = i32::try_from(most).unwrap_or(i32::MAX);
        if speed < 0 { -most } else { most }
    }

    /// Takes another configuration; the edges stay, and so does the period.
    ///
    /// # Errors
    /// As [`build`](EdgeSpeedConfig::build); the estimator is then unchanged.
    pub fn retune(&mut self, config: &EdgeSpeedConfig<T::Param>) -> Result<(), ConfigError> {
        self.tuning = Tuning::new(config, self.dt)?;
        Ok(())
    }
    /// Forgets everything; the next edge is the origin.
    pub fn reset(&mut self) {
        self.state = EdgeSpeedState::default();
    }
    /// The state.
    pub fn state(&self) -> EdgeSpeedState {
        self.state
    }
    /// Puts a state back.
    pub fn restore(&mut self, state: EdgeSpeedState) {
        self.state = state;
    }
}

impl<T: Scalar> Step for EdgeSpeed<T> {
    type Input = EdgeSpeedInput;
    type Output = EdgeSpeedOutput<T>;
    type State = EdgeSpeedState;
    fn step(&mut self, input: EdgeSpeedInput) -> EdgeSpeedOutput<T> {
        EdgeSpeed::step(self, input)
    }
    fn state(&self) -> EdgeSpeedState {
        EdgeSpeed::state(self)
    }
    fn restore(&mut self, state: EdgeSpeedState) {
        EdgeSpeed::restore(self, state);
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::math::Q12;
    use proptest::prelude::*;
    use std::vec::Vec;

    const DT: f64 = 1e-3;
    const RAD: f64 = core::f64::consts::TAU / 1320.0;
    /// Of a speed in Q12, counts/s.
    const GRAIN: f64 = 0.0003 / RAD;
    /// Close to the wrap of the clock.
    const START: u32 = u32::MAX - 300_000;

    fn wheel<T: Scalar>(edges: u8) -> EdgeSpeed<T> {
        let config = EdgeSpeedConfig {
            edges,
            ..Default::default()
        };
        config.build(T::Param::lit(DT)).unwrap()
    }

    /// A motion whose edge k, counted from one, is crossed at `moment(k)`; gives speeds in counts/s, and
    /// delays in s.
    fn run<T: Scalar>(
        wheel: &mut EdgeSpeed<T>,
        seconds: f64,
        backwards: bool,
        moment: impl Fn(i32) -> f64,
    ) -> Vec<[f64; 2]> {
        let ticks = |t: f64| START.wrapping_add((t * 1e6) as u32);
        let mut crossed = 0;
        (1..(seconds / DT) as u32)
            .map(|k| {
                let now = f64::from(k) * DT;
                while moment(crossed + 1) <= now {
                    crossed += 1;
                }
                let position = if backwards { 1 - crossed } else { crossed };
                let edge = (crossed > 0).then(|| Edge {
                    position,
                    ticks: ticks(moment(crossed)),
                });
                let now = ticks(now);
                let out = wheel.step(EdgeSpeedInput { edge, now });
                let speed = out.speed.to_param().to_f64() / RAD;
                [speed, f64::from(out.delay_micros) * 1e-6]
            })
            .collect()
    }

    fn steady_speed_is_exact_from_crawl_to_full<T: Scalar>() {
        for speed in [7.7, 20.0, 137.0, 999.0, 3333.3, 10_000.0] {
            for backwards in [false, true] {
                let all = run(&mut wheel::<T>(1), 2.0, backwards, |k| f64::from(k) / speed);
                let settled = &all[1500..];
                let wanted = if backwards { -speed } else { speed };
                for [got, delay] in settled {
                    // Two ticks of a microsecond in a millisecond.
                    assert!(
                        (got - wanted).abs() < 2.2e-3 * speed + GRAIN,
                        "{speed}: {got}"
                    );
                    let most = f64::max(1.5 / speed, 0.5e-3 + 1.5 / speed) + 1.1e-3;
                    assert!(*delay < most, "{speed}: {delay}");
                }
            }
        }
    }

    fn the_delay_is_the_one_it_says<T: Scalar>() {
        // 2000 counts/s², from rest.
        let all = run(&mut wheel::<T>(1), 2.0, false, |k| {
            libm::sqrt(f64::from(k) / 1000.0)
        });
        for (k, [speed, delay]) in all.iter().enumerate().skip(300) {
            let then = (k as f64 + 1.0) * DT - delay;
            let error = speed - 2000.0 * then;
            // Two ticks in a millisecond.
            assert!(error.abs() < 2.5e-3 * speed + GRAIN, "{k}: {error}");
        }
    }

    fn four_edges_cancel_uneven_spacing<T: Scalar>() {
        // Edges spaced as 0.8, 1.2, 1.1, 0.9 at 20 counts/s.
        let offsets = [0.0, -0.2, 0.0, 0.1];
        let moment = |k: i32| (f64::from(k) + offsets[k as usize % 4]) / 20.0;
        let spread = |edges| {
            let all = run(&mut wheel::<T>(edges), 4.0, false, moment);
            let speeds = all[1000..].iter().map(|[speed, _]| *speed);
            let (low, high) = speeds.fold((f64::MAX, 0.0), |(l, h), s| {
                (f64::min(l, s), f64::max(h, s))
            });
            (low, high)
        };
        let (low, high) = spread(1);
        assert!(low < 17.0 && high > 24.0, "{low} {high}");
        let (low, high) = spread(4);
        assert!(low > 19.9 - GRAIN && high < 20.1 + GRAIN, "{low} {high}");
    }

    fn standing_and_trembling_are_zero<T: Scalar>() {
        let mut wheel = wheel::<T>(1);
        let all = run(&mut wheel, 1.6, false, |k| match k {
            0..=500 => f64::from(k) * 1e-3,
            _ => f64::MAX,
        });
        // One and a half counts in the time since the last is all the wheel could still do.
        let [speed, _] = all[599];
        assert!(speed <= 15.1 && speed > 9.0, "{speed}");
        assert_eq!(all[1000], [0.0, 0.0]);
        // To and fro over one edge.
        let mut now = START.wrapping_add(1_600_000);
        for k in 0..100 {
            now = now.wrapping_add(1000);
            let (before, after) = if k % 2 == 0 { (500, 501) } else { (501, 500) };
            let edge = Some(Edge::between(before, after, now));
            let out = wheel.step(EdgeSpeedInput { edge, now });
            assert_eq!(out.speed.to_param().to_f64(), 0.0, "{k}");
        }
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
    all!(steady_speed_is_exact_from_crawl_to_full the_delay_is_the_one_it_says
        four_edges_cancel_uneven_spacing standing_and_trembling_are_zero);

    /// A turn round is seen with the second edge of the new direction, whatever was before.
    #[test]
    fn a_reversal_is_seen_at_once() {
        let mut wheel = wheel::<f64>(4);
        let mut out = EdgeSpeedOutput::default();
        for k in 0..60_i32 {
            // 500 counts/s, and back from 30 on: the first edge back is the last one forward.
            let position = if k <= 30 { k } else { 61 - k };
            let ticks = 2000 * k as u32;
            out = wheel.step(EdgeSpeedInput {
                edge: Some(Edge { position, ticks }),
                now: ticks,
            });
            let speed = out.speed / RAD;
            if k == 31 {
                assert_eq!(speed, 0.0);
            }
            if k == 32 {
                assert!((speed + 500.0).abs() < 1.0, "{speed}");
            }
        }
        assert!((out.speed / RAD + 500.0).abs() < 1.0);
    }

    /// Fails at every second reading.
    struct Capture {
        edges: i32,
        fails: bool,
    }
    impl crate::platform::Quadrature for Capture {
        type Error = &'static str;
        fn count(&mut self) -> Result<i32, Self::Error> {
            Ok(self.edges)
        }
    }
    impl EdgeCapture for Capture {
        fn tick_hz(&self) -> u32 {
            1_000_000
        }
        fn ticks(&mut self) -> u32 {
            500 * self.edges as u32
        }
        fn last_edge(&mut self) -> Result<Option<Edge>, Self::Error> {
            self.fails = !self.fails;
            if self.fails {
                return Err("no answer");
            }
            self.edges += 1;
            let before = self.edges - 1;
            Ok(Some(Edge::between(
                before,
                self.edges,
                500 * self.edges as u32,
            )))
        }
    }

    #[test]
    fn a_reading_that_fails_changes_nothing() {
        let mut capture = Capture {
            edges: 0,
            fails: false,
        };
        let mut wheel = wheel::<f64>(1);
        for _ in 0..20 {
            assert_eq!(wheel.read(&mut &mut capture), Err("no answer"));
            wheel.read(&mut &mut capture).unwrap();
        }
        let before = wheel.state();
        assert!(wheel.read(&mut capture).is_err());
        assert_eq!(wheel.state(), before);
        let speed = wheel.read(&mut capture).unwrap().speed / RAD;
        assert!((speed - 2000.0).abs() < 1e-2, "{speed}");
    }

    proptest! {
        #[test]
        fn is_total_and_within_its_bound(
            inputs in prop::collection::vec((any::<i32>(), any::<u32>(), any::<u32>(), any::<bool>()), 1..200)
        ) {
            let mut wheel = wheel::<f32>(2);
            for (position, ticks, now, some) in inputs {
                let edge = some.then_some(Edge { position, ticks });
                let out = wheel.step(EdgeSpeedInput { edge, now });
                prop_assert!(out.speed.abs() <= 100.01, "{}", out.speed);
            }
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let good = EdgeSpeedConfig::<f64>::default();
        let refused = |config: EdgeSpeedConfig<f64>| config.build::<f64>(DT).err();
        for (config, name) in [
            (EdgeSpeedConfig { edges: 0, ..good }, "edges"),
            (EdgeSpeedConfig { edges: 8, ..good }, "edges"),
            (
                EdgeSpeedConfig {
                    window: 8e-3,
                    ..good
                },
                "window",
            ),
            (
                EdgeSpeedConfig {
                    standstill: 5000.0,
                    ..good
                },
                "standstill",
            ),
            (
                EdgeSpeedConfig {
                    max_speed: 5000.0,
                    ..good
                },
                "max_speed",
            ),
            (
                EdgeSpeedConfig {
                    tick_hz: 1000.0,
                    ..good
                },
                "tick_hz",
            ),
        ] {
            assert_eq!(refused(config), Some(ConfigError::OutOfRange(name)));
        }
    }
}
