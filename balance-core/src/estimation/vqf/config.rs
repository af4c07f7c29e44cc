//! What a person tunes of a filter, in SI units, with the published defaults.

use crate::estimation::ImuRanges;
use crate::math::{Float, Scalar};
use crate::{ConfigError, config};

const DEGREE: f64 = core::f64::consts::PI / 180.0;

/// What a person tunes of a [`Vqf`](super::Vqf).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VqfConfig<P> {
    /// Time constant of the accelerometer's low-pass, τ_acc in s, from the period to 1000. Too small: pushes
    /// tilt the horizon. Too large: what is left of the bias does, and it is learnt slowly.
    pub accel_time_constant: P,
    /// Time constant of the heading, τ_mag in s, from the period to 1000. Too small: passing iron turns
    /// the heading. Too large: the bias about the vertical does.
    pub mag_time_constant: P,
    /// Estimate of the gyroscope's bias.
    pub bias: BiasConfig<P>,
    /// Detection of rest.
    pub rest: RestConfig<P>,
    /// Detection of magnetic disturbances; `None` believes every field.
    pub disturbance: Option<DisturbanceConfig<P>>,
    /// Where the sensors saturate.
    pub ranges: ImuRanges<P>,
}

/// How a gyroscope's bias is estimated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BiasConfig<P> {
    /// Whether it is learnt in motion, from the turns that the accelerometer asks for.
    pub in_motion: bool,
    /// Whether it is learnt at rest, from the gyroscope itself.
    pub at_rest: bool,
    /// Standard deviation at the start, in rad/s, above zero. Too small: a worse gyroscope takes
    /// minutes. Too large: the first pushes become bias.
    pub initial_sigma: P,
    /// Time in which the standard deviation grows from zero to 0.1 °/s, in s, above zero. Too small: the
    /// bias follows every motion. Too large: it cannot follow the temperature.
    pub forgetting_time: P,
    /// Largest bias on an axis, in rad/s, above zero; beyond it there is no rest either. Too small: a worse
    /// gyroscope is not corrected. Too large: slow turns may pass for bias.
    pub most: P,
    /// Standard deviation to which motion settles, in rad/s, above zero. Too small: pushes become
    /// bias. Too large: nothing is learnt in motion.
    pub motion_sigma: P,
    /// How much the bias about the vertical, of which motion says nothing, is drawn to zero, against that
    /// about the horizontal, 0 to 1.
    pub vertical_forgetting: P,
    /// Standard deviation to which rest settles, in rad/s, above zero. Too small: a slow turn taken for rest
    /// becomes bias. Too large: rest teaches little.
    pub rest_sigma: P,
}

/// When a body is taken to be at rest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RestConfig<P> {
    /// How long all must have been quiet, in s, above zero.
    pub time: P,
    /// Time constant of the means that readings are compared with, in s, from the period to 1000.
    pub time_constant: P,
    /// Largest deviation of the rate from its mean, in rad/s, above zero. Too small: noise is never rest. Too
    /// large: slow motion is.
    pub gyro_threshold: P,
    /// Largest deviation of the specific force from its mean, in m/s², above zero.
    pub accel_threshold: P,
}

/// When a magnetic field is taken to be disturbed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DisturbanceConfig<P> {
    /// Time constant that norm and dip are smoothed with before they are judged, in s, from the period
    /// to 1000.
    pub current_time_constant: P,
    /// Time constant with which the reference follows an undisturbed field, in s, from the period to 1000.
    pub reference_time_constant: P,
    /// Largest deviation of the norm from the reference, as a part of it, above zero.
    pub norm_threshold: P,
    /// Largest deviation of the dip from the reference, in rad, above zero.
    pub dip_threshold: P,
    /// How long a new field must have been steady in motion to become the reference, in s.
    pub new_field_time: P,
    /// The same for the first field, in s.
    pub first_field_time: P,
    /// Rate from which on time counts as motion for that, in rad/s.
    pub new_field_rate: P,
    /// How long a field must have been undisturbed to be used again, in s.
    pub undisturbed_time: P,
    /// How long a disturbed field is left out entirely, in s; then it is used with less weight.
    pub most_rejection_time: P,
    /// By how much less, at least one; also how much faster than real time the rejection time comes back.
    pub rejection_factor: P,
}

impl<P: Float> Default for VqfConfig<P> {
    /// As published: 3 s and 9 s.
    fn default() -> Self {
        Self {
            accel_time_constant: P::lit(3.0),
            mag_time_constant: P::lit(9.0),
            bias: BiasConfig::default(),
            rest: RestConfig::default(),
            disturbance: Some(DisturbanceConfig::default()),
            ranges: ImuRanges::default(),
        }
    }
}

impl<P: Float> Default for BiasConfig<P> {
    /// As published: 0.5, 0.1 and 0.03 °/s at the start, in motion and at rest, 100 s, 2 °/s, 1e-4.
    fn default() -> Self {
        Self {
            in_motion: true,
            at_rest: true,
            initial_sigma: P::lit(0.5 * DEGREE),
            forgetting_time: P::lit(100.0),
            most: P::lit(2.0 * DEGREE),
            motion_sigma: P::lit(0.1 * DEGREE),
            vertical_forgetting: P::lit(1e-4),
            rest_sigma: P::lit(0.03 * DEGREE),
        }
    }
}

impl<P: Float> Default for RestConfig<P> {
    /// As published: 1.5 s, 0.5 s, 2 °/s, 0.5 m/s².
    fn default() -> Self {
        Self {
            time: P::lit(1.5),
            time_constant: P::lit(0.5),
            gyro_threshold: P::lit(2.0 * DEGREE),
            accel_threshold: P::lit(0.5),
        }
    }
}

impl<P: Float> Default for DisturbanceConfig<P> {
    /// As published: 0.05 s, 20 s, a tenth, 10°, 20 s, 5 s, 20 °/s, 0.5 s, 60 s, 2.
    fn default() -> Self {
        Self {
            current_time_constant: P::lit(0.05),
            reference_time_constant: P::lit(20.0),
            norm_threshold: P::lit(0.1),
            dip_threshold: P::lit(10.0 * DEGREE),
            new_field_time: P::lit(20.0),
            first_field_time: P::lit(5.0),
            new_field_rate: P::lit(20.0 * DEGREE),
            undisturbed_time: P::lit(0.5),
            most_rejection_time: P::lit(60.0),
            rejection_factor: P::lit(2.0),
        }
    }
}

impl<P: Float> VqfConfig<P> {
    pub(super) fn check<T: Scalar<Param = P>>(&self, dt: P) -> Result<ImuRanges<T>, ConfigError> {
        let slow = |name, value| config::within(name, value, dt, P::lit(1000.0)).map(|_| ());
        let some = |name, value| config::positive(name, value).map(|_| ());
        slow("accel_time_constant", self.accel_time_constant)?;
        slow("mag_time_constant", self.mag_time_constant)?;
        let bias = &self.bias;
        some("bias.initial_sigma", bias.initial_sigma)?;
        some("bias.forgetting_time", bias.forgetting_time)?;
        some("bias.most", bias.most)?;
        some("bias.motion_sigma", bias.motion_sigma)?;
        some("bias.rest_sigma", bias.rest_sigma)?;
        let (zero, one) = (P::zero(), P::one());
        config::within(
            "bias.vertical_forgetting",
            bias.vertical_forgetting,
            zero,
            one,
        )?;
        self.rest.check(dt)?;
        if let Some(field) = &self.disturbance {
            field.check(dt)?;
        }
        self.ranges.check()
    }
}

impl<P: Float> RestConfig<P> {
    pub(in crate::estimation) fn check(&self, dt: P) -> Result<(), ConfigError> {
        let most = P::lit(1000.0);
        config::positive("rest.time", self.time)?;
        config::within("rest.time_constant", self.time_constant, dt, most)?;
        config::positive("rest.gyro_threshold", self.gyro_threshold)?;
        config::positive("rest.accel_threshold", self.accel_threshold)?;
        Ok(())
    }
}

impl<P: Float> DisturbanceConfig<P> {
    pub(in crate::estimation) fn check(&self, dt: P) -> Result<(), ConfigError> {
        let most = P::lit(1000.0);
        for (name, value) in [
            (
                "disturbance.current_time_constant",
                self.current_time_constant,
            ),
            (
                "disturbance.reference_time_constant",
                self.reference_time_constant,
            ),
        ] {
            config::within(name, value, dt, most)?;
        }
        config::positive("disturbance.norm_threshold", self.norm_threshold)?;
        config::positive("disturbance.dip_threshold", self.dip_threshold)?;
        for (name, value) in [
            ("disturbance.new_field_time", self.new_field_time),
            ("disturbance.first_field_time", self.first_field_time),
            ("disturbance.new_field_rate", self.new_field_rate),
            ("disturbance.undisturbed_time", self.undisturbed_time),
            ("disturbance.most_rejection_time", self.most_rejection_time),
        ] {
            config::non_negative(name, value)?;
        }
        let factor = self.rejection_factor;
        config::within(
            "disturbance.rejection_factor",
            factor,
            P::one(),
            P::lit(1e6),
        )?;
        Ok(())
    }
}
