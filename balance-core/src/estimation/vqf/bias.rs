//! The bias of the gyroscope, by a Kalman filter of three states.
//!
//! In motion a bias shows as the rate at which the filtered accelerometer has to level the attitude: low-passed
//! like the accelerometer, R̄·b = (R·b̂)‾ + correction. At rest the gyroscope itself reads it. Each
//! measurement is taken in one axis after the other, which needs no matrix inverse, and the covariance is
//! kept as its upper half.
//!
//! The covariance is a float also in fixed point: it spans nine decades.

use super::config::BiasConfig;
use crate::estimation::vector_lowpass::{Intake, LowpassState};
use crate::math::{Float, Quaternion, Real, Scalar};

/// What depends on the configuration and the period.
#[derive(Clone, Copy, Debug)]
pub(super) struct BiasTuning<P> {
    /// Variance at the start.
    start: P,
    /// Its growth in one period.
    growth: P,
    motion: P,
    vertical: P,
    rest: P,
    /// Largest bias and largest disagreement on an axis.
    most: P,
    per_dt: P,
    in_motion: bool,
    at_rest: bool,
}

impl<P: Float> BiasTuning<P> {
    pub(super) fn new(config: &BiasConfig<P>, dt: P) -> Self {
        let tenth = P::lit(0.1 * core::f64::consts::PI / 180.0);
        let growth = tenth * tenth * dt / config.forgetting_time;
        // The variance of a measurement for which the filter settles at the variance `settled`.
        let noise = |sigma: P| {
            let settled = sigma * sigma;
            settled * settled / growth + settled
        };
        let motion = noise(config.motion_sigma);
        let least = P::lit(1e-10);
        let forgetting = config.vertical_forgetting;
        let forgetting = if forgetting > least {
            forgetting
        } else {
            least
        };
        Self {
            start: config.initial_sigma * config.initial_sigma,
            growth,
            motion,
            vertical: motion / forgetting,
            rest: noise(config.rest_sigma),
            most: config.most,
            per_dt: P::one() / dt,
            in_motion: config.in_motion,
            at_rest: config.at_rest,
        }
    }
    pub(super) fn learns(&self) -> bool {
        self.in_motion || self.at_rest
    }
}

/// What changes of the bias from step to step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BiasState<T: Scalar> {
    /// Bias, in rad/s.
    pub bias: [T::Wide; 3],
    /// Covariance, in (rad/s)²: xx, xy, xz, yy, yz, zz. Zero before the first step.
    pub covariance: [T::Param; 6],
    /// Low-pass of the rotation matrix, row by row, and of the two horizontal parts of the bias.
    rotation: LowpassState<T, 9>,
    turned: LowpassState<T, 2>,
}

impl<T: Scalar> Default for BiasState<T> {
    fn default() -> Self {
        Self {
            bias: [T::zero(); 3].map(T::widen),
            covariance: [T::Param::lit(0.0); 6],
            rotation: LowpassState::default(),
            turned: LowpassState::default(),
        }
    }
}

impl<T: Real> BiasState<T> {
    #[inline(always)]
    pub(super) fn bias(&self) -> [T; 3] {
        self.bias.map(T::narrow)
    }

    /// An upper bound of the standard deviation in the worst direction, in rad/s (Gershgorin's circles).
    pub(super) fn sigma(&self, tuning: &BiasTuning<T::Param>) -> T::Param {
        let [xx, xy, xz, yy, yz, zz] = self.covariance.map(Scalar::magnitude);
        let rows = [xx + xy + xz, xy + yy + yz, xz + yz + zz];
        let most = rows.into_iter().fold(
            T::Param::lit(0.0),
            |most, row| {
                if row > most { row } else { most }
            },
        );
        let unknown = xx <= T::Param::lit(0.0);
        let most = if unknown || most > tuning.start {
            tuning.start
        } else {
            most
        };
        most.sqrt()
    }

    /// One step of the filter. `sine`: horizontal part of where up had pointed before the attitude was
    /// levelled; `rest`: the mean rate, at rest.
    #[inline(always)]
    pub(super) fn learn(
        &mut self,
        attitude: Quaternion<T>,
        sine: [T; 2],
        rest: Option<[T; 3]>,
        intake: &Intake<T>,
        tuning: &BiasTuning<T::Param>,
    ) {
        let bias = self.bias();
        let rows = attitude.to_matrix();
        let [r1, r2, r3] = rows;
        let along = |[x, y, z]: [T; 3]| x * bias[0] + y * bias[1] + z * bias[2];
        let turned = self.turned.step([along(r1), along(r2)], intake);
        let [a, b, c] = r1;
        let [d, e, f] = r2;
        let [g, h, i] = r3;
        let [a, b, c, d, e, f, g, h, i] = self.rotation.step([a, b, c, d, e, f, g, h, i], intake);

        if self.covariance[0] <= T::Param::lit(0.0) {
            let (zero, start) = (T::Param::lit(0.0), tuning.start);
            self.covariance = [start, zero, zero, start, zero, start];
        }
        let [xx, xy, xz, yy, yz, zz] = self.covariance;
        let [xx, yy, zz] = [xx, yy, zz].map(|variance| {
            if variance < tuning.start {
                variance + tuning.growth
            } else {
                variance
            }
        });
        self.covariance = [xx, xy, xz, yy, yz, zz];

        if let (Some(mean), true) = (rest, tuning.at_rest) {
            let seen: [T::Param; 3] = [
                (mean[0] - bias[0]).to_param(),
                (mean[1] - bias[1]).to_param(),
                (mean[2] - bias[2]).to_param(),
            ];
            let (one, zero) = (T::Param::lit(1.0), T::Param::lit(0.0));
            let axes = [[one, zero, zero], [zero, one, zero], [zero, zero, one]];
            self.measure(axes, seen, [tuning.rest; 3], tuning.most);
        } else if tuning.in_motion {
            let rotation = [[a, b, c], [d, e, f], [g, h, i]];
            let per_dt = |x: T| x.to_param() * tuning.per_dt;
            let seen = [
                (turned[0] - along(rotation[0])).to_param() - per_dt(sine[1]),
                (turned[1] - along(rotation[1])).to_param() + per_dt(sine[0]),
                (-along(rotation[2])).to_param(),
            ];
            let noise = [tuning.motion, tuning.motion, tuning.vertical];
            let rows = rotation.map(|row| row.map(Scalar::to_param));
            self.measure(rows, seen, noise, tuning.most);
        }
    }

    /// Takes in three measurements of `rows · bias`, less what is expected, one by one.
    #[inline(always)]
    fn measure(
        &mut self,
        rows: [[T::Param; 3]; 3],
        seen: [T::Param; 3],
        noise: [T::Param; 3],
        most: T::Param,
    ) {
        let mut gain = [T::Param::lit(0.0); 3];
        let [mut xx, mut xy, mut xz, mut yy, mut yz, mut zz] = self.covariance;
        for (([rx, ry, rz], seen), noise) in rows.into_iter().zip(seen).zip(noise) {
            let (px, py, pz) = (
                xx * rx + xy * ry + xz * rz,
                xy * rx + yy * ry + yz * rz,
                xz * rx + yz * ry + zz * rz,
            );
            let inverse = T::Param::lit(1.0) / (rx * px + ry * py + rz * pz + noise);
            let [dx, dy, dz] = gain;
            // What the measurements before this one have already explained.
            let rest = seen.limit(-most, most) - (rx * dx + ry * dy + rz * dz);
            let (kx, ky, kz) = (px * inverse, py * inverse, pz * inverse);
            gain = [dx + kx * rest, dy + ky * rest, dz + kz * rest];
            xx -= kx * px;
            xy -= kx * py;
            xz -= kx * pz;
            yy -= ky * py;
            yz -= ky * pz;
            zz -= kz * pz;
        }
        self.covariance = [xx, xy, xz, yy, yz, zz];
        let most = T::from_param(most);
        for (bias, change) in self.bias.iter_mut().zip(gain) {
            let changed = T::accumulate(*bias, T::gain(change), T::one());
            let narrow = T::narrow(changed);
            *bias = if narrow.magnitude() <= most {
                changed
            } else {
                narrow.limit(-most, most).widen()
            };
        }
    }
}
