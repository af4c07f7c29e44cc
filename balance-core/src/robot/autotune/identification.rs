//! From what a shaken robot answers, frequency by frequency, to its linear model.

use super::ModelDoubt;
use crate::control::autotune::{FrequencyResponse, LeastSquares, ResponsePoint};
use crate::control::design::ContinuousModel;
use crate::math::{Float, Real, Scalar};
use crate::robot::margins::{LoopLags, seen_per_volt};
use nalgebra::{Complex, Matrix4, Vector4};

/// Position, pitch, speed, pitch rate, and the command in volts. Not the volts that are on the motors:
/// what the duty map adds against friction, friction takes away.
pub(super) const SIGNALS: usize = 5;
/// Frequencies that are looked at.
pub(super) const POINTS: usize = 12;
/// What is seen of a robot.
pub(super) type Response = FrequencyResponse<SIGNALS, POINTS>;
pub(super) type Point = ResponsePoint<SIGNALS>;

/// Lowest and highest frequency looked at, relative to those of the excitation.
pub(super) const BAND: [f64; 2] = [0.8, 0.7];
/// Share of a signal's power that the shaking has to explain.
const COHERENT: f64 = 0.9;
/// Frequencies, below which nothing is said.
pub(super) const FEWEST: usize = 5;
/// Error of an answer, relative: what the linear model leaves out of it. It is twice that at 4 Hz,
/// where rotors in the play of their gears come late, rad/s.
const LEFT_OUT: f64 = 0.1;
pub(super) const LATE_FROM: f64 = 25.0;
/// What a builder's figure is worth, relative: products of parameters that are each off by 30 %. Of
/// gravity on pitch and speed, of the volts on both, and of the drag.
const MEASURED_WITHIN: [f64; 5] = [0.4, 0.6, 0.5, 0.5, 0.5];
/// What crossing the play may cost on average, s.
const PLAY_WITHIN: f64 = 0.004;
/// A gain of the volts that is so many times the measured one is that of another robot.
const BELIEVED: [f64; 2] = [0.25, 4.0];
/// Rounds of the fit.
const ROUNDS: usize = 8;

/// Whether the answer at this frequency is the shaking's.
pub(super) fn tells(point: &Point) -> bool {
    let [_, _, speed, rate, command] = point.coherence;
    speed.min(rate).min(command) > COHERENT
}

/// What the controller sees per volt of its command.
pub(super) fn seen(point: &Point) -> [Complex<f64>; 4] {
    let [position, pitch, speed, rate, command] = point.signals;
    [position, pitch, speed, rate].map(|signal| signal / command)
}

/// A model as multiples of the measured one, and the time that crossing the play takes.
struct Guess<'a> {
    measured: &'a ContinuousModel<f64, 4, 1>,
    radius: f64,
    /// Logarithms of the multiples, then the delay as a share of [`PLAY_WITHIN`].
    unknown: [f64; 6],
}

impl Guess<'_> {
    fn model(&self) -> ContinuousModel<f64, 4, 1> {
        let (a, b) = (&self.measured.a, &self.measured.b);
        let [tilt, lean, push, lift, drag, _] = self.unknown.map(Float::exp);
        let (push, lift) = (push * b[3], lift * b[2]);
        let drag = drag * a[(3, 3)] / b[3];
        let along = drag / self.radius;
        #[rustfmt::skip]
        let a = Matrix4::new(
            0.0, 0.0, 1.0, 0.0,
            0.0, 0.0, 0.0, 1.0,
            0.0, lean * a[(2, 1)], -lift * along, lift * drag,
            0.0, tilt * a[(3, 1)], -push * along, push * drag,
        );
        let b = Vector4::new(0.0, 0.0, lift, push);
        ContinuousModel { a, b }
    }

    /// Speed and pitch rate as they are seen, per volt.
    fn answers(&self, lags: &LoopLags, w: f64) -> [Complex<f64>; 2] {
        let [_, _, speed, rate] = seen_per_volt(&self.model(), self.radius, lags, w);
        let [.., late] = self.unknown;
        let (sin, cos) = Real::sin_cos(w * late * PLAY_WITHIN);
        [speed, rate].map(|signal| signal * Complex::new(cos, -sin))
    }
}

/// The model whose answers are nearest to those that were seen; the measured parameters and no play
/// count as one more, uncertain answer each.
pub(super) fn model(
    response: &Response,
    measured: &ContinuousModel<f64, 4, 1>,
    radius: f64,
    lags: &LoopLags,
) -> Result<ContinuousModel<f64, 4, 1>, ModelDoubt> {
    if response.points().filter(tells).count() < FEWEST {
        return Err(ModelDoubt::Hidden);
    }
    let mut guess = Guess {
        measured,
        radius,
        unknown: [0.0; 6],
    };
    for _ in 0..ROUNDS {
        let step = improve(&guess, response, lags).ok_or(ModelDoubt::Uncertain)?;
        for (unknown, step) in guess.unknown.iter_mut().zip(step) {
            *unknown = (*unknown + step.limit(-0.5, 0.5)).limit(-2.0, 2.0);
        }
    }
    let [_, _, push, lift, ..] = guess.unknown.map(Float::exp);
    let [least, most] = BELIEVED;
    if !(push > least && push < most && lift > least && lift < most) {
        return Err(ModelDoubt::Implausible);
    }
    Ok(guess.model())
}

/// A step of Gauss and Newton.
fn improve(guess: &Guess<'_>, response: &Response, lags: &LoopLags) -> Option<[f64; 6]> {
    const NUDGE: f64 = 1e-4;
    let mut sums = LeastSquares::<6, 1>::default();
    let [tilt, lean, push, lift, drag] = MEASURED_WITHIN;
    let worth = [tilt, lean, push, lift, drag, 1.0];
    for (i, (unknown, within)) in guess.unknown.iter().zip(worth).enumerate() {
        let mut row = [0.0; 6];
        if let Some(x) = row.get_mut(i) {
            *x = 1.0 / within;
        }
        sums.add(&row, &[-unknown / within]);
    }
    for point in response.points().filter(tells) {
        let w = point.frequency;
        let [_, _, speed, rate] = seen(&point);
        let seen = [speed, rate];
        let answers = guess.answers(lags, w);
        let mut slopes = [[Complex::new(0.0, 0.0); 6]; 2];
        for i in 0..6 {
            let mut nudged = Guess { ..*guess };
            if let Some(x) = nudged.unknown.get_mut(i) {
                *x += NUDGE;
            }
            let moved = nudged.answers(lags, w);
            for ((slopes, moved), answer) in slopes.iter_mut().zip(moved).zip(answers) {
                if let Some(slope) = slopes.get_mut(i) {
                    *slope = (moved - answer) / NUDGE;
                }
            }
        }
        let late = w / LATE_FROM;
        let left_out = LEFT_OUT * (1.0 + late * late);
        for ((slopes, seen), answer) in slopes.iter().zip(seen).zip(answers) {
            let weight = 1.0 / (left_out * Real::sqrt(seen.norm_sqr()));
            let off = seen - answer;
            sums.add(&slopes.map(|slope| weight * slope.re), &[weight * off.re]);
            sums.add(&slopes.map(|slope| weight * slope.im), &[weight * off.im]);
        }
    }
    let [step] = sums.solve()?.value;
    Some(step)
}
