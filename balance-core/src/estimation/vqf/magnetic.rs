//! Whether a magnetic field is the earth's: its norm and its dip have been those of a reference for a while.
//!
//! The reference follows slowly; a field that is steady in motion for long enough becomes the reference.
//! While a field is disturbed, it is left out for a minute, then used with less weight. In floats also in
//! fixed point: fields come in any unit.

use super::config::DisturbanceConfig;
use crate::estimation::heading::gain_of;
use crate::estimation::vector_lowpass::{Intake, LowpassGains, LowpassState};
use crate::math::Float;

#[derive(Clone, Copy, Debug)]
pub(in crate::estimation) struct FieldTuning<P: Float> {
    pub(in crate::estimation) config: DisturbanceConfig<P>,
    smooth: LowpassGains<P>,
    follow: P,
}

impl<P: Float> FieldTuning<P> {
    pub(in crate::estimation) fn new(config: DisturbanceConfig<P>, dt: P) -> Self {
        Self {
            config,
            smooth: LowpassGains::new(config.current_time_constant, dt),
            follow: gain_of(config.reference_time_constant, dt),
        }
    }
}

/// Norm, in the magnetometer's unit, and angle below the horizon, in rad.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NormAndDip<P> {
    /// Length of the field.
    pub norm: P,
    /// Angle below the horizon.
    pub dip: P,
}

impl<P: Float> NormAndDip<P> {
    fn is_near(self, reference: Self, config: &DisturbanceConfig<P>) -> bool {
        (self.norm - reference.norm).magnitude() < config.norm_threshold * reference.norm
            && (self.dip - reference.dip).magnitude() < config.dip_threshold
    }
    fn follow(&mut self, now: Self, gain: P) {
        self.norm += gain * (now.norm - self.norm);
        self.dip += gain * (now.dip - self.dip);
    }
}

/// What changes in the judgement of the field from step to step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FieldState<P: Float> {
    smoothed: LowpassState<P, 2>,
    taken: u32,
    /// What the field should be; a norm of zero before the first.
    pub reference: NormAndDip<P>,
    candidate: NormAndDip<P>,
    candidate_time: P,
    undisturbed_time: P,
    /// Time for which a disturbed field has been left out; `None` at the start, as if it had been for long.
    rejected_time: Option<P>,
    /// Whether the field is not the reference.
    pub disturbed: bool,
}

impl<P: Float> Default for FieldState<P> {
    fn default() -> Self {
        let zero = P::lit(0.0);
        let nothing = NormAndDip {
            norm: zero,
            dip: zero,
        };
        Self {
            smoothed: LowpassState::default(),
            taken: 0,
            reference: nothing,
            candidate: nothing,
            candidate_time: zero,
            undisturbed_time: zero,
            rejected_time: None,
            disturbed: true,
        }
    }
}

impl<P: Float> FieldState<P> {
    /// Judges a field in level axes; gives the weight of its heading. `rate`: how fast the body turns.
    pub(in crate::estimation) fn weigh(
        &mut self,
        field: [P; 3],
        rate: P,
        tuning: &FieldTuning<P>,
        dt: P,
    ) -> P {
        let config = &tuning.config;
        let [x, y, z] = field;
        let across = x * x + y * y;
        let norm = (across + z * z).sqrt();
        let dip = -z.atan2(across.sqrt());
        let intake = Intake::next(&mut self.taken, &tuning.smooth);
        let [norm, dip] = self.smoothed.step([norm, dip], &intake);
        let now = NormAndDip { norm, dip };
        self.compare(now, tuning, dt);
        self.adopt(now, rate, tuning, dt);
        self.weight(config, dt)
    }

    fn compare(&mut self, now: NormAndDip<P>, tuning: &FieldTuning<P>, dt: P) {
        let config = &tuning.config;
        if now.is_near(self.reference, config) {
            if self.undisturbed_time < config.undisturbed_time {
                self.undisturbed_time += dt;
            }
            if self.undisturbed_time >= config.undisturbed_time {
                self.disturbed = false;
                self.reference.follow(now, tuning.follow);
            }
        } else {
            self.undisturbed_time = P::lit(0.0);
            self.disturbed = true;
        }
    }

    /// A field that stays while the body turns becomes the reference.
    fn adopt(&mut self, now: NormAndDip<P>, rate: P, tuning: &FieldTuning<P>, dt: P) {
        let config = &tuning.config;
        if !now.is_near(self.candidate, config) {
            self.candidate = now;
            self.candidate_time = P::lit(0.0);
            return;
        }
        let first = self.reference.norm <= P::lit(0.0);
        let needed = if first {
            config.first_field_time
        } else {
            config.new_field_time
        };
        if rate >= config.new_field_rate && self.candidate_time < config.new_field_time {
            self.candidate_time += dt;
        }
        self.candidate.follow(now, tuning.follow);
        let long = self.candidate_time >= needed || self.candidate_time >= config.new_field_time;
        if self.disturbed && long {
            self.reference = self.candidate;
            self.disturbed = false;
            self.undisturbed_time = config.undisturbed_time;
        }
    }

    fn weight(&mut self, config: &DisturbanceConfig<P>, dt: P) -> P {
        let rejected = self.rejected_time.unwrap_or(config.most_rejection_time);
        if !self.disturbed {
            let back = rejected - config.rejection_factor * dt;
            self.rejected_time = Some(if back > P::lit(0.0) {
                back
            } else {
                P::lit(0.0)
            });
            P::lit(1.0)
        } else if rejected <= config.most_rejection_time {
            self.rejected_time = Some(rejected + dt);
            P::lit(0.0)
        } else {
            P::lit(1.0) / config.rejection_factor
        }
    }
}
