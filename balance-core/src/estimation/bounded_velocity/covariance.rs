//! Covariance of tilt, bias, scale and velocity, and how it moves.
//!
//! Order: tilt about the level x and y, three biases, three errors of scale, two velocities.

use super::BoundedVelocityConfig;
use crate::math::Float;
use crate::sensor::STANDARD_GRAVITY;

/// Number of states.
const N: usize = 10;
/// Where the velocities begin.
const V: usize = 8;
/// Time in which a scale that is known grows as unknown as at the start, in s.
const SCALE_MEMORY: f64 = 600.0;

/// Variances, from the configuration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noise<P> {
    tilt: P,
    bias: P,
    bias_start: P,
    scale_start: P,
    scale: P,
    /// Of the velocity, times seconds.
    pub(super) velocity: P,
    /// Of a bias read at rest, times seconds.
    pub(super) rest: P,
}

impl<P: Float> Noise<P> {
    pub(super) fn new(config: &BoundedVelocityConfig<P>) -> Self {
        let square = |x: P| x * x;
        let scale_start = square(config.scale_spread);
        Self {
            tilt: square(config.tilt_walk),
            bias: square(config.bias_walk),
            bias_start: square(config.initial_bias),
            scale_start,
            scale: scale_start / P::lit(SCALE_MEMORY),
            velocity: square(config.velocity_spread),
            rest: square(config.rest_spread),
        }
    }
}

/// The transition since the last update: how bias and scale have become tilt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Steps<P> {
    /// −∫R dt and ∫R·diag(ω) dt, the first two rows of each.
    lean: [[P; 6]; 2],
    /// How long, in s.
    pub(super) time: P,
}

impl<P: Float> Default for Steps<P> {
    fn default() -> Self {
        Self {
            lean: [[P::zero(); 6]; 2],
            time: P::zero(),
        }
    }
}

impl<P: Float> Steps<P> {
    /// Adds a sample: the first two rows of the attitude's matrix and the rate without bias.
    #[inline(always)]
    pub(super) fn add(&mut self, r1: [P; 3], r2: [P; 3], rate: [P; 3], dt: P) {
        let [x, y, z] = rate;
        for (lean, row) in self.lean.iter_mut().zip([r1, r2]) {
            let [a, b, c] = row.map(|r| r * dt);
            let more = [-a, -b, -c, a * x, b * y, c * z];
            for (sum, more) in lean.iter_mut().zip(more) {
                *sum += more;
            }
        }
        self.time += dt;
    }
}

/// The covariance, in rad², (rad/s)², 1 and (m/s)².
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TiltCovariance<P> {
    rows: [[P; N]; N],
}

// Ranges of constants over arrays of a constant size: no index is ever out of it.
#[allow(clippy::needless_range_loop)]
impl<P: Float> TiltCovariance<P> {
    pub(super) fn new(noise: &Noise<P>) -> Self {
        // A first reading of a moving accelerometer is off by half a metre per second squared.
        let tilt = P::lit(0.05 * 0.05);
        let velocity = P::lit(0.1 * 0.1);
        let (bias, scale) = (noise.bias_start, noise.scale_start);
        let variances = [
            tilt, tilt, bias, bias, bias, scale, scale, scale, velocity, velocity,
        ];
        let mut rows = [[P::zero(); N]; N];
        for (i, variance) in variances.into_iter().enumerate() {
            rows[i][i] = variance;
        }
        Self { rows }
    }

    /// The larger of the two variances of the tilt, in rad².
    pub(super) fn tilt_variance(&self) -> P {
        let (x, y) = (self.rows[0][0], self.rows[1][1]);
        if x > y { x } else { y }
    }

    /// Whether all variances are positive and finite.
    pub(super) fn is_sound(&self) -> bool {
        (0..N).all(|i| {
            let variance = self.rows[i][i];
            let scale = (5..V).contains(&i);
            variance.is_below(P::lit(1e6))
                && (variance > P::zero() || scale && variance >= P::zero())
        })
    }

    /// Whether no two states are correlated by more than one, to rounding.
    #[cfg(test)]
    pub(super) fn is_correlated_within_one(&self) -> bool {
        let p = &self.rows;
        (0..N).all(|i| {
            (0..N).all(|j| {
                p[i][j] * p[i][j] <= p[i][i] * p[j][j] * P::lit(1.0001) && p[i][j] == p[j][i]
            })
        })
    }

    /// After a gap nothing is known of the velocity.
    pub(super) fn forget_velocity(&mut self) {
        for i in 0..N {
            for v in V..N {
                self.rows[i][v] = P::zero();
                self.rows[v][i] = P::zero();
            }
        }
        for v in V..N {
            self.rows[v][v] = P::one();
        }
    }

    /// F·P·Fᵀ + Q, where only the rows of tilt and velocity of F differ from one.
    pub(super) fn predict(&mut self, steps: &Steps<P>, noise: &Noise<P>) {
        let pull = steps.time * P::lit(STANDARD_GRAVITY);
        let half = pull * P::lit(0.5);
        let p = &mut self.rows;

        // F·P: what the rows of tilt and velocity gain.
        let mut gained = [[P::zero(); N]; 4];
        for j in 0..N {
            for t in 0..2 {
                let mut sum = P::zero();
                for l in 0..6 {
                    sum += steps.lean[t][l] * p[2 + l][j];
                }
                gained[t][j] = sum;
            }
            gained[2][j] = pull * p[1][j] + half * gained[1][j];
            gained[3][j] = -(pull * p[0][j] + half * gained[0][j]);
        }
        for j in 0..N {
            p[0][j] += gained[0][j];
            p[1][j] += gained[1][j];
            p[V][j] += gained[2][j];
            p[V + 1][j] += gained[3][j];
        }
        // (F·P)·Fᵀ: the same for the columns, of which those of bias and scale are the rows' mirror.
        self.mirror::<0>(steps, pull, half);
        self.mirror::<1>(steps, pull, half);
        self.mirror::<V>(steps, pull, half);
        self.mirror::<{ V + 1 }>(steps, pull, half);

        let p = &mut self.rows;
        for t in 0..2 {
            p[t][t] += noise.tilt * steps.time;
            p[V + t][V + t] += P::lit(1e-4) * steps.time;
        }
        for k in 0..3 {
            let (b, s) = (2 + k, 5 + k);
            p[b][b] += noise.bias * steps.time;
            if p[s][s] < noise.scale_start {
                p[s][s] += noise.scale * steps.time;
            }
        }
    }

    /// Row `I` of a product with Fᵀ, and its mirror among the columns of bias and scale.
    // A constant row: no index can be out of range, whatever the optimiser unrolls.
    #[inline(always)]
    fn mirror<const I: usize>(&mut self, steps: &Steps<P>, pull: P, half: P) {
        let p = &mut self.rows;
        let mut tilt = [P::zero(); 2];
        for t in 0..2 {
            for l in 0..6 {
                tilt[t] += steps.lean[t][l] * p[I][2 + l];
            }
        }
        p[I][V] += pull * p[I][1] + half * tilt[1];
        p[I][V + 1] -= pull * p[I][0] + half * tilt[0];
        p[I][0] += tilt[0];
        p[I][1] += tilt[1];
        for l in 2..V {
            p[l][I] = p[I][l];
        }
    }

    /// Takes in that state `H` is off by `seen`, of variance `noise`; `change` is what is known so far.
    pub(super) fn measure<const H: usize>(&mut self, seen: P, noise: P, change: &mut [P; N]) {
        const { assert!(H < N) };
        let row = self.rows[H];
        let inverse = P::one() / (row[H] + noise);
        let rest = seen - change[H];
        for i in 0..N {
            let gain = row[i] * inverse;
            change[i] += gain * rest;
            for j in i..N {
                let less = self.rows[i][j] - gain * row[j];
                self.rows[i][j] = less;
                self.rows[j][i] = less;
            }
        }
    }
}
