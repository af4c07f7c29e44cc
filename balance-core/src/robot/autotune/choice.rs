//! Which gains are good, by a model and by what was measured.

use super::identification::{self, FEWEST, LATE_FROM, Response};
use super::{AutotuneFailure, AutotuneReport, ModelDoubt};
use crate::control::autotune::Margins;
use crate::control::design::{ContinuousModel, LqrConfig};
use crate::math::{Float, Real};
use crate::robot::config::{BalanceConfig, RobotConfig};
use crate::robot::design::BALANCE_WEIGHTS;
use crate::robot::margins::{LoopLags, answer, balance_margins, seen_per_volt};
use nalgebra::{Complex, Matrix1, Matrix4, Vector4};

/// Margins beyond which there is nothing to gain: of a gain that rises and one that falls, dB, and of
/// the phase, degrees. A motor that is stronger than believed turns a lighter robot faster too, and
/// leaves less time for the lags: up needs more room than down.
const WANTED: [f64; 3] = [18.0, 12.0, 55.0];
/// Distance |1 + L| beyond which there is nothing to gain.
const WANTED_DISTANCE: f64 = 0.75;
/// Prices of the voltage that are tried.
const EFFORTS: [f64; 7] = [1.0, 0.5, 0.25, 0.12, 0.08, 0.06, 0.04];
/// Least margins of gains that are reported, dB and degrees: more than the 6 dB and 30° that shall
/// be left when the model is a little wrong.
const LEAST: [f64; 2] = [7.0, 35.0];
/// Least distance that is accepted: 6 dB and 29°.
pub(super) const LEAST_DISTANCE: f64 = 0.5;
/// A predicted loop may be off by this share of its distance from −1.
const AGREES: f64 = 0.4;

/// What gains are judged by.
pub(super) struct Judge<'a, P> {
    pub(super) robot: &'a RobotConfig<P>,
    pub(super) lags: &'a LoopLags,
    pub(super) model: &'a ContinuousModel<f64, 4, 1>,
    pub(super) response: &'a Response,
}

/// Gains, and how good the old ones were.
pub(super) enum Choice<P> {
    Better {
        before: Option<Margins>,
        after: Margins,
        distances: [f64; 2],
        balance: BalanceConfig<P>,
    },
    /// The old ones are as good.
    Old,
}

impl<P: Float> Choice<P> {
    pub(super) fn report(
        self,
        model: ContinuousModel<f64, 4, 1>,
        doubt: Option<ModelDoubt>,
    ) -> Result<AutotuneReport<P>, AutotuneFailure> {
        match self {
            Self::Better {
                before,
                after,
                distances: [distance_before, distance_after],
                balance,
            } => Ok(AutotuneReport {
                doubt,
                model,
                before,
                after,
                distance_before,
                distance_after,
                balance,
            }),
            Self::Old => Err(AutotuneFailure::NoBetter),
        }
    }
}

impl<P: Float> Judge<'_, P> {
    fn radius(&self) -> f64 {
        self.robot.chassis.wheel_radius.to_f64()
    }

    fn margins(&self, balance: &BalanceConfig<P>) -> Option<Margins> {
        balance_margins(balance, self.model, self.radius(), self.lags)
    }

    /// Smallest |1 + L| with these gains by the measured answers, and largest error of the model's
    /// L, as a share of |1 + L|; `None` if too few answers tell.
    fn measured(&self, balance: &BalanceConfig<P>) -> Option<(f64, f64)> {
        let (mut distance, mut error) = (1.0_f64, 0.0_f64);
        let mut points = 0;
        for point in self.response.points().filter(identification::tells) {
            points += 1;
            let w = point.frequency;
            let by_model = seen_per_volt(self.model, self.radius(), self.lags, w);
            let open = -answer(balance, w, identification::seen(&point));
            let predicted = -answer(balance, w, by_model);
            let away = Real::sqrt((open + Complex::new(1.0, 0.0)).norm_sqr());
            let off = Real::sqrt((open - predicted).norm_sqr());
            distance = distance.min(away);
            if w < 1.3 * LATE_FROM {
                error = error.max(off / away.max(LEAST_DISTANCE));
            }
        }
        (points >= FEWEST).then_some((distance, error))
    }

    /// Smallest |1 + L| with these gains, by the measured answers; zero if they do not tell.
    pub(super) fn distance(&self, balance: &BalanceConfig<P>) -> f64 {
        self.measured(balance).map_or(0.0, |(distance, _)| distance)
    }

    /// The gains that stay farthest from instability, and farther than the `old` ones, if the model
    /// can be believed of the loop that was shaken, with the gains `now`.
    pub(super) fn choose(
        &self,
        now: &BalanceConfig<P>,
        old: &BalanceConfig<P>,
    ) -> Result<Choice<P>, ModelDoubt> {
        let (distance, error) = self.measured(now).ok_or(ModelDoubt::Hidden)?;
        let falls = self.margins(now).is_none() && distance > LEAST_DISTANCE;
        // What is near the edge hangs on little: what counts is the loop that is to be.
        if falls || error > 2.0 * AGREES {
            return Err(ModelDoubt::Contradicted);
        }
        let before = self.margins(old);
        let distance_before = self.distance(old);
        // Damping of the pitch is back-EMF times gain of the input.
        let drag = P::lit(self.model.a[(3, 3)] / self.model.b[3]);
        let mut best: Option<(f64, Choice<P>)> = None;
        for effort in EFFORTS {
            let lqr = LqrConfig {
                state_weight: Matrix4::from_diagonal(&Vector4::from(BALANCE_WEIGHTS)),
                input_weight: Matrix1::new(effort),
            };
            let Ok(designed) = lqr.design_sampled(self.model, self.lags.period) else {
                continue;
            };
            let gain = designed.gain.data.0.map(|[gain]| P::lit(gain));
            let Ok(balance) = self.robot.balance_of(old, gain, drag) else {
                continue;
            };
            let Some(after) = self.margins(&balance) else {
                continue;
            };
            let Some((distance, error)) = self.measured(&balance) else {
                continue;
            };
            if error > AGREES {
                continue;
            }
            let quality = quality(&after).min(distance / WANTED_DISTANCE);
            if best.as_ref().is_none_or(|(so_far, _)| quality > *so_far) {
                let [decibels, degrees] = LEAST;
                let enough = after.are_at_least(decibels, degrees) && distance >= LEAST_DISTANCE;
                let better = before.is_none_or(|before| short(&after) > short(&before))
                    && distance >= 0.95 * distance_before.min(LEAST_DISTANCE);
                let choice = if enough && better {
                    Choice::Better {
                        before,
                        after,
                        distances: [distance_before, distance],
                        balance,
                    }
                } else {
                    Choice::Old
                };
                best = Some((quality, choice));
            }
            if quality >= 1.0 {
                break;
            }
        }
        best.map(|(_, choice)| choice)
            .ok_or(ModelDoubt::Contradicted)
    }

    /// The distance that the new gains keep, if it is enough and the loop is the predicted one.
    pub(super) fn proves(&self, report: &AutotuneReport<P>) -> Option<f64> {
        let (distance, error) = self.measured(&report.balance)?;
        let least = LEAST_DISTANCE.min(report.distance_before);
        (error <= AGREES && distance >= least).then_some(distance)
    }
}

/// Share of what is wanted of margins.
fn quality(found: &Margins) -> f64 {
    let [rise, fall, phase] = WANTED;
    (found.rise_decibels() / rise)
        .min(found.fall_decibels() / fall)
        .min(found.phase_degrees() / phase)
}

/// Share of the least margins.
fn short(found: &Margins) -> f64 {
    let [decibels, degrees] = LEAST;
    (found.gain_decibels() / decibels).min(found.phase_degrees() / degrees)
}
