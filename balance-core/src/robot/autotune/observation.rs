//! From what a shaken robot does to its linear model.

use super::gear_play::GearPlay;
use crate::control::autotune::{Fit, LeastSquares};
use crate::control::design::ContinuousModel;
use crate::math::Scalar;
use nalgebra::{Matrix4, Vector4};

/// Half of the width of the triangle, s.
const BLOCK: f64 = 0.02;
/// Speed of a wheel over which its friction builds up, rad/s.
const FRICTION_SPEED: f64 = 0.3;
/// Equations, of 20 ms each, below which nothing is said: 1.2 s of pressing.
const FEWEST: u32 = 60;
/// Share of the equations through which the motors have to press. In simulation it is 0.4 on a robot
/// whose gain is found within 5 %, and 0.1 on robots whose gain is found too small by a half: what
/// is then taken for pressing is not.
const PRESSED: f64 = 0.25;
/// What a builder's measurement is trusted to, relative.
const MEASURED_WITHIN: f64 = 0.3;
/// So many times the error of independent equations: neighbours share samples, and a gear is more
/// than its model.
const CORRELATED: f64 = 4.0;
/// Largest relative error with which the gain of the voltage is believed.
const CERTAIN: f64 = 0.25;
/// A model is believed if its gain and its drag are so many times the measured ones: the product of
/// four parameters that are each off by 30 % stays within.
const BELIEVED: [f64; 2] = [0.4, 2.5];
/// Periods that the longest lag may have.
const MOST_LAG: usize = 8;

/// Why a robot's own model is not used, and the measured one stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelDoubt {
    /// The motors pressed on the wheels for too little of the time: play in the gears, or friction,
    /// swallows what the robot may be shaken with.
    Hidden,
    /// The data do not tell the gain of the voltage within 25 %.
    Uncertain,
    /// The gain or the drag is less than 0.4 or more than 2.5 times the measured one: either was
    /// measured wrong, or the model is not of this robot.
    Implausible,
    /// No gains have enough margin on it.
    NoGains,
}

/// What one tick has seen.
pub(super) struct Seen {
    /// Pitch and its rate.
    pub(super) pitch: f64,
    pub(super) rate: f64,
    /// Angle of the wheels against the body, and its rate.
    pub(super) angle: f64,
    pub(super) wheel: f64,
    /// Voltage that was put on the motors in this tick.
    pub(super) volts: f64,
}

/// Sums over some ticks.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    ticks: u32,
    /// Ticks in which the motors did not press.
    loose: u32,
    /// Of pitch, volts, sign of the wheel's speed, and one.
    plain: [f64; 4],
    /// The same, weighted by a ramp from 0 to 1.
    rising: [f64; 4],
    angle: f64,
    rate: f64,
    /// Position at its end.
    position: f64,
}

/// Volts, wheel angle, and whether the motors pressed.
type Past = (f64, f64, bool);

/// Collects equations of the linear model while the robot is shaken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observation {
    measured: ContinuousModel<f64, 4, 1>,
    radius: f64,
    dt: f64,
    lag: usize,
    block_ticks: u32,
    play: GearPlay,
    /// The newest first.
    history: [Past; MOST_LAG],
    seen: usize,
    /// The newest last.
    blocks: [Block; 3],
    /// Equations that there would be if the motors always pressed.
    windows: u32,
    sums: LeastSquares<5, 2>,
}

impl Observation {
    /// For a sensor that lags by so many seconds, and motors that lose `friction` volts.
    pub(super) fn new(
        measured: ContinuousModel<f64, 4, 1>,
        radius: f64,
        dt: f64,
        sensor_lag: f64,
        crossing: f64,
        friction: f64,
    ) -> Self {
        // The volts stand for a period and the sensor's samples are of its end.
        let lag = (sensor_lag / dt + 1.0).to_counts(1.0).unsigned_abs() as usize;
        let drag = measured.a[(3, 3)] / measured.b[3];
        Self {
            measured,
            radius,
            dt,
            lag: lag.min(MOST_LAG - 1),
            block_ticks: (BLOCK / dt).to_counts(1.0).unsigned_abs().max(4),
            play: GearPlay::new(crossing, friction, drag),
            history: [(0.0, 0.0, false); MOST_LAG],
            seen: 0,
            blocks: [Block::default(); 3],
            windows: 0,
            sums: LeastSquares::default(),
        }
    }

    /// What has been begun says nothing.
    pub(super) fn interrupt(&mut self) {
        self.blocks = [Block::default(); 3];
    }

    /// Takes a tick into the sums.
    pub(super) fn take(&mut self, seen: &Seen) {
        let sign = (seen.wheel / FRICTION_SPEED).limit(-1.0, 1.0);
        let presses = self.play.step(seen.volts, seen.wheel, sign, self.dt);
        self.history.rotate_right(1);
        if let Some(newest) = self.history.first_mut() {
            *newest = (seen.volts, seen.angle, presses);
        }
        self.seen = self.seen.saturating_add(1);
        if self.seen <= MOST_LAG {
            return;
        }
        let (volts, angle, presses) = self.history.get(self.lag).copied().unwrap_or_default();
        let n = f64::from(self.block_ticks);
        let [_, _, block] = &mut self.blocks;
        let ramp = (f64::from(block.ticks) + 0.5) / n;
        let sums = block.plain.iter_mut().zip(&mut block.rising);
        for ((plain, rising), x) in sums.zip([seen.pitch, volts, sign, 1.0]) {
            *plain += x;
            *rising += ramp * x;
        }
        block.angle += angle;
        block.rate += seen.rate;
        block.position = self.radius * (angle + seen.pitch);
        block.loose += u32::from(!presses);
        block.ticks += 1;
        if block.ticks >= self.block_ticks {
            self.close();
        }
    }

    /// Makes equations of the last blocks.
    fn close(&mut self) {
        let n = f64::from(self.block_ticks);
        let [before, last, now] = &self.blocks;
        let whole = before.ticks == self.block_ticks && last.ticks == self.block_ticks;
        self.windows += u32::from(whole);
        if whole && last.loose == 0 && now.loose == 0 {
            let mut weighted = [0.0; 4];
            for (i, weighted) in weighted.iter_mut().enumerate() {
                let at = |list: &[f64; 4]| list.get(i).copied().unwrap_or_default();
                *weighted = self.dt * (at(&last.rising) + at(&now.plain) - at(&now.rising));
            }
            let [pitch, volts, sign, one] = weighted;
            let wheel = (now.angle - last.angle) / n;
            let turned = (now.rate - last.rate) / n;
            let bent = now.position - 2.0 * last.position + before.position;
            let gained = bent / (n * self.dt);
            self.sums
                .add(&[pitch, volts, wheel, sign, one], &[turned, gained]);
        }
        self.blocks = [self.blocks[1], self.blocks[2], Block::default()];
    }

    /// The model that the data say, where they say something; the measured one where they do not.
    pub(super) fn model(&self) -> Result<ContinuousModel<f64, 4, 1>, ModelDoubt> {
        let pressed = f64::from(self.sums.count());
        if self.sums.count() < FEWEST || pressed < PRESSED * f64::from(self.windows) {
            return Err(ModelDoubt::Hidden);
        }
        let Some(Fit { value, error, .. }) = self.sums.solve() else {
            return Err(ModelDoubt::Uncertain);
        };
        let (a, b) = (&self.measured.a, &self.measured.b);
        let measured = [[a[(3, 1)], b[3], -a[(3, 3)]], [a[(2, 1)], b[2], -a[(2, 3)]]];
        // Element by element: an index that is not known to fit could panic.
        let ratio = each(&value, &measured, |found, measured| found / measured);
        let spread = each(&error, &measured, |error, measured| {
            CORRELATED * (error / measured).magnitude()
        });
        let believed = |ratio: f64| {
            let [least, most] = BELIEVED;
            ratio > least && ratio < most
        };
        let [[_, push, slowing], [_, lift, _]] = ratio;
        if ![push, lift, slowing].into_iter().all(believed) {
            return Err(ModelDoubt::Implausible);
        }
        let [[_, push_spread, _], [_, lift_spread, _]] = spread;
        if !(push_spread < CERTAIN * push && lift_spread < CERTAIN * lift) {
            return Err(ModelDoubt::Uncertain);
        }
        // Mean of what was found and what was measured, each by what it is worth.
        let found = each(&ratio, &spread, |ratio, spread| {
            let worth = MEASURED_WITHIN * MEASURED_WITHIN;
            let share = worth / (worth + spread * spread);
            let share = if believed(ratio) { share } else { 0.0 };
            1.0 + share * (ratio - 1.0)
        });
        let [[a1, b1, d1], [a2, b2, d2]] =
            each(&measured, &found, |measured, share| measured * share);
        let radius = self.radius;
        #[rustfmt::skip]
        let a = Matrix4::new(
            0.0, 0.0, 1.0, 0.0,
            0.0, 0.0, 0.0, 1.0,
            0.0, a2, d2 / radius, -d2,
            0.0, a1, d1 / radius, -d1,
        );
        let b = Vector4::new(0.0, 0.0, b2, b1);
        Ok(ContinuousModel { a, b })
    }
}

/// Of each pair of elements, the first three of each row.
fn each<const N: usize>(
    left: &[[f64; N]; 2],
    right: &[[f64; 3]; 2],
    of: impl Fn(f64, f64) -> f64,
) -> [[f64; 3]; 2] {
    let mut result = [[0.0; 3]; 2];
    for ((result, left), right) in result.iter_mut().zip(left).zip(right) {
        for ((result, left), right) in result.iter_mut().zip(left).zip(right) {
            *result = of(*left, *right);
        }
    }
    result
}
