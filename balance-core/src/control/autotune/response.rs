//! What a loop answers to what shakes it, frequency by frequency.

use crate::math::{Float, Real, Scalar};
use nalgebra::Complex;

/// Samples of a block whose sum is taken, s: all signals are treated alike, so that no ratio of two
/// of them changes.
const BLOCK: f64 = 0.004;

/// Correlates S signals of a loop with what is added to it, at F frequencies.
///
/// The ratio of two signals' correlations is the ratio of the signals, as far as the shaking causes
/// them: noise, friction and a wandering set-point do not correlate with it and average out, in
/// closed loop too (L. Ljung, System Identification, 2nd edition, chapter 13). With r added to the
/// command u of a loop of gain L, `u / r` is the sensitivity 1 / (1 + L), and no model is needed to
/// know it.
///
/// Cost of a sample at 1 kHz: S + 1 additions and a quarter of F (4 S + 8) operations of `f32`,
/// spread evenly.
///
/// ```
/// use balance_core::control::autotune::{Excitation, ExcitationConfig, FrequencyResponse};
/// let mut shake: Excitation<f32> = ExcitationConfig::default().build(0.001)?;
/// let mut response = FrequencyResponse::<1, 4>::new(1.0, 8.0, 0.001);
/// let mut lag = 0.0;
/// for _ in 0..20_000 {
///     if shake.begins() {
///         response.close();
///     }
///     let r = shake.step(1.0);
///     lag += 0.02 * (r - lag); // a first order of 50 ms
///     response.take(r, &[lag]);
/// }
/// for point in response.points() {
///     let expected = 1.0 / (1.0 + (0.0495 * point.frequency).powi(2)).sqrt();
///     let found = point.signals[0].re.hypot(point.signals[0].im);
///     assert!((found - expected).abs() < 0.03, "{found} {expected}");
/// }
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FrequencyResponse<const S: usize, const F: usize> {
    block_ticks: u32,
    rows_a_tick: usize,
    ticks: u32,
    block: [f32; S],
    block_reference: f32,
    /// The last whole block, and how many frequencies have seen it.
    whole: [f32; S],
    whole_reference: f32,
    seen_by: usize,
    rows: [Row<S>; F],
    segments: u32,
}

/// Sums at one frequency.
#[derive(Clone, Copy, Debug)]
struct Row<const S: usize> {
    frequency: f64,
    /// Rotation in a block.
    turn: Complex<f32>,
    /// Rotation since the segment began.
    now: Complex<f32>,
    signals: [Complex<f32>; S],
    reference: Complex<f32>,
    cross: [Complex<f64>; S],
    square: [f64; S],
    power: f64,
}

/// A frequency of a [`FrequencyResponse`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResponsePoint<const S: usize> {
    /// The frequency, rad/s.
    pub frequency: f64,
    /// Each signal per unit of what shakes.
    pub signals: [Complex<f64>; S],
    /// Share of each signal's power that the shaking explains, 0 to 1.
    pub coherence: [f64; S],
}

impl<const S: usize> Row<S> {
    fn new(frequency: f64, block: f64) -> Self {
        let (sin, cos) = Real::sin_cos(frequency * block);
        Self {
            frequency,
            turn: Complex::new(cos as f32, -sin as f32),
            now: Complex::new(1.0, 0.0),
            signals: [Complex::new(0.0, 0.0); S],
            reference: Complex::new(0.0, 0.0),
            cross: [Complex::new(0.0, 0.0); S],
            square: [0.0; S],
            power: 0.0,
        }
    }

    fn take(&mut self, reference: f32, signals: &[f32; S]) {
        self.reference += self.now * reference;
        for (sum, signal) in self.signals.iter_mut().zip(signals) {
            *sum += self.now * *signal;
        }
        self.now *= self.turn;
    }

    fn close(&mut self) {
        let wide = |z: Complex<f32>| Complex::new(f64::from(z.re), f64::from(z.im));
        let reference = wide(self.reference);
        self.power += reference.norm_sqr();
        let sums = self.cross.iter_mut().zip(&mut self.square);
        for ((cross, square), signal) in sums.zip(&self.signals) {
            let signal = wide(*signal);
            *cross += signal * reference.conj();
            *square += signal.norm_sqr();
        }
        self.forget();
    }

    fn forget(&mut self) {
        self.now = Complex::new(1.0, 0.0);
        self.signals = [Complex::new(0.0, 0.0); S];
        self.reference = Complex::new(0.0, 0.0);
    }

    fn point(&self) -> Option<ResponsePoint<S>> {
        if self.power <= 0.0 {
            return None;
        }
        let mut coherence = [0.0; S];
        let sums = self.cross.iter().zip(&self.square);
        for (share, (cross, square)) in coherence.iter_mut().zip(sums) {
            let whole = square * self.power;
            if whole > 0.0 {
                *share = (cross.norm_sqr() / whole).min(1.0);
            }
        }
        Some(ResponsePoint {
            frequency: self.frequency,
            signals: self.cross.map(|cross| cross / self.power),
            coherence,
        })
    }
}

impl<const S: usize, const F: usize> FrequencyResponse<S, F> {
    /// For frequencies from `low` to `high` Hz, evenly spaced on a logarithmic scale, and samples
    /// every `dt` seconds.
    #[must_use]
    pub fn new(low: f64, high: f64, dt: f64) -> Self {
        let block_ticks = (BLOCK / dt).to_counts(1.0).unsigned_abs().max(1);
        let ratio = Float::ln(high / low) / F.max(2).saturating_sub(1) as f64;
        let mut rows = [Row::new(0.0, 0.0); F];
        for (i, row) in rows.iter_mut().enumerate() {
            let frequency = core::f64::consts::TAU * low * Float::exp(ratio * i as f64);
            *row = Row::new(frequency, dt * f64::from(block_ticks));
        }
        Self {
            block_ticks,
            rows_a_tick: F.div_ceil(block_ticks as usize),
            ticks: 0,
            block: [0.0; S],
            block_reference: 0.0,
            whole: [0.0; S],
            whole_reference: 0.0,
            seen_by: F,
            rows,
            segments: 0,
        }
    }

    /// Takes a sample: what is added to the command, and the signals of the same period. One that
    /// is not finite is left out.
    pub fn take(&mut self, reference: f32, signals: &[f32; S]) {
        if !reference.is_finite() || !signals.iter().all(|signal| signal.is_finite()) {
            return;
        }
        self.show(self.rows_a_tick);
        self.block_reference += reference;
        for (sum, signal) in self.block.iter_mut().zip(signals) {
            *sum += signal;
        }
        self.ticks += 1;
        if self.ticks >= self.block_ticks {
            self.show(F);
            self.whole = self.block;
            self.whole_reference = self.block_reference;
            self.seen_by = 0;
            self.begin_block();
        }
    }

    /// Shows the whole block to so many frequencies more.
    fn show(&mut self, rows: usize) {
        for row in self.rows.iter_mut().skip(self.seen_by).take(rows) {
            row.take(self.whole_reference, &self.whole);
        }
        self.seen_by = self.seen_by.saturating_add(rows).min(F);
    }

    fn begin_block(&mut self) {
        self.ticks = 0;
        self.block = [0.0; S];
        self.block_reference = 0.0;
    }

    /// Ends a segment, best where the shaking repeats itself, and takes it into the means.
    pub fn close(&mut self) {
        self.show(F);
        self.begin_block();
        for row in &mut self.rows {
            row.close();
        }
        self.segments = self.segments.saturating_add(1);
    }

    /// Forgets the segment that has been begun.
    pub fn drop_segment(&mut self) {
        self.seen_by = F;
        self.begin_block();
        for row in &mut self.rows {
            row.forget();
        }
    }

    /// Segments so far.
    #[must_use]
    pub fn segments(&self) -> u32 {
        self.segments
    }

    /// What has been found at each frequency, from the lowest up.
    pub fn points(&self) -> impl Iterator<Item = ResponsePoint<S>> + '_ {
        self.rows.iter().filter_map(Row::point)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::autotune::ExcitationConfig;

    /// A loop of gain 3 / (1 + 0.1 s) around a plant, shaken at its command, in noise.
    #[test]
    fn finds_the_sensitivity_of_a_loop_in_noise() {
        let mut shake = ExcitationConfig::default().build::<f64>(0.001).unwrap();
        let mut response = FrequencyResponse::<2, 6>::new(1.0, 8.0, 0.001);
        let (mut y, mut chance) = (0.0, 5_u32);
        for _ in 0..60_000 {
            if shake.begins() {
                response.close();
            }
            chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = f64::from(chance >> 8) / f64::from(1 << 24) - 0.5;
            let r = shake.step(1.0);
            let u = r - 3.0 * (y + noise);
            response.take(r as f32, &[u as f32, y as f32]);
            y += 0.01 * (u - y);
        }
        assert!(response.segments() > 10);
        let mut points = 0;
        for point in response.points() {
            points += 1;
            let s = Complex::new(0.0, point.frequency);
            let plant = Complex::new(1.0, 0.0) / (s * 0.1 + 1.0);
            let wanted = Complex::new(1.0, 0.0) / (plant * 3.0 + 1.0);
            let [u, y] = point.signals;
            assert!((u - wanted).norm_sqr() < 0.003, "{point:?} {wanted}");
            assert!((y / u - plant).norm_sqr() < 0.006, "{point:?} {plant}");
            assert!(point.coherence[0] > 0.9);
        }
        assert_eq!(points, 6);
    }

    #[test]
    fn says_nothing_of_what_is_not_shaken() {
        let mut response = FrequencyResponse::<1, 3>::new(1.0, 8.0, 0.001);
        assert_eq!(response.points().count(), 0);
        for tick in 0..4000 {
            response.take(f32::NAN, &[1.0]);
            response.take(0.0, &[tick as f32]);
        }
        response.close();
        assert_eq!(response.points().count(), 0);
        response.take(1.0, &[2.0]);
        response.drop_segment();
        response.close();
        assert_eq!(response.points().count(), 0);
    }

    #[test]
    fn a_signal_that_shaking_does_not_cause_has_no_coherence() {
        let mut shake = ExcitationConfig::default().build::<f64>(0.001).unwrap();
        let mut response = FrequencyResponse::<2, 4>::new(1.5, 8.0, 0.001);
        let mut chance = 5_u32;
        for _ in 0..80_000 {
            if shake.begins() {
                response.close();
            }
            chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (chance >> 8) as f32 / (1 << 24) as f32 - 0.5;
            let r = shake.step(1.0) as f32;
            response.take(r, &[noise, 2.0 * r]);
        }
        for point in response.points() {
            let [stranger, own] = point.coherence;
            assert!(stranger < 0.3 && own > 0.999, "{point:?}");
        }
    }
}
