//! What a person tunes of the filter of bounded velocity, in SI units.

use crate::estimation::ImuRanges;
use crate::estimation::vqf::{DisturbanceConfig, RestConfig};
use crate::math::Float;
use crate::{ConfigError, config as checks};

/// What a person tunes of a [`BoundedVelocity`](super::BoundedVelocity).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundedVelocityConfig<P> {
    /// σ_v: how fast the body moves times the root of how long, in m/s·√s, above zero. Too small: pushes tilt
    /// the horizon. Too large: errors of the gyroscope do.
    pub velocity_spread: P,
    /// σ_θ: growth of the tilt's uncertainty, in rad/√s, above zero: noise of the gyroscope and what its bias and
    /// scale do not explain. Too small: the filter trusts its past and misses what changes. Too large: as a small
    /// `velocity_spread`.
    pub tilt_walk: P,
    /// Growth of the bias' uncertainty, in rad/s/√s, above zero. Too small: it cannot follow the temperature. Too
    /// large: pushes become bias.
    pub bias_walk: P,
    /// Standard deviation of the bias at the start, in rad/s, above zero.
    pub initial_bias: P,
    /// Standard deviation of the scale's error, as a part of one, at least zero; zero estimates none. Too small:
    /// a worse gyroscope takes long to be known. Too large: what is not scale is taken for it.
    pub scale_spread: P,
    /// How well the gyroscope reads its bias at rest, in rad/s·√s, above zero.
    pub rest_spread: P,
    /// Largest bias on an axis, in rad/s, above zero; beyond it there is no rest either.
    pub max_bias: P,
    /// Time between updates of the covariance, in s, above zero; at least one sample. Too small: costs
    /// products. Too large: learns in jolts.
    pub update_period: P,
    /// Detection of rest.
    pub rest: RestConfig<P>,
    /// Time constant of the heading, in s, from the period to 1000.
    pub mag_time_constant: P,
    /// Detection of magnetic disturbances; `None` believes every field.
    pub disturbance: Option<DisturbanceConfig<P>>,
    /// Where the sensors saturate.
    pub ranges: ImuRanges<P>,
}

impl<P: Float> Default for BoundedVelocityConfig<P> {
    /// 0.15 m/s·√s, 0.002 rad/√s, 5e-5 rad/s/√s, 0.01 rad/s, 0.2 %, 0.003 rad/s·√s, 2 °/s, 28 ms.
    fn default() -> Self {
        Self {
            velocity_spread: P::lit(0.15),
            tilt_walk: P::lit(0.002),
            bias_walk: P::lit(5e-5),
            initial_bias: P::lit(0.01),
            scale_spread: P::lit(0.002),
            rest_spread: P::lit(0.003),
            max_bias: P::lit(0.0349),
            update_period: P::lit(0.028),
            rest: RestConfig::default(),
            mag_time_constant: P::lit(9.0),
            disturbance: Some(DisturbanceConfig::default()),
            ranges: ImuRanges::default(),
        }
    }
}

impl<P: Float> BoundedVelocityConfig<P> {
    pub(super) fn check(&self, dt: P) -> Result<ImuRanges<P>, ConfigError> {
        checks::positive("velocity_spread", self.velocity_spread)?;
        checks::positive("tilt_walk", self.tilt_walk)?;
        checks::positive("bias_walk", self.bias_walk)?;
        checks::positive("initial_bias", self.initial_bias)?;
        checks::within("scale_spread", self.scale_spread, P::zero(), P::lit(0.05))?;
        checks::positive("rest_spread", self.rest_spread)?;
        checks::positive("max_bias", self.max_bias)?;
        checks::positive("update_period", self.update_period)?;
        checks::within(
            "mag_time_constant",
            self.mag_time_constant,
            dt,
            P::lit(1000.0),
        )?;
        self.rest.check(dt)?;
        if let Some(field) = &self.disturbance {
            field.check(dt)?;
        }
        self.ranges.check()
    }
}
