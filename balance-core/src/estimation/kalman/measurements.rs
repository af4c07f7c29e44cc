//! What a filter makes of each of its measurements: gate, absence, adaptive noise.

use crate::config::{ConfigError, within};
use crate::math::{Float, Scalar};

/// Which measurements a Kalman filter does not believe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate<P> {
    /// A measurement further than this many standard deviations from the expected one is ignored,
    /// 1 to 30. Too small: good ones are lost. Too large: no protection.
    pub sigma: P,
    /// So many in a row are ignored at most; then the measurement is right and the estimate wrong,
    /// and all are taken until one fits again. Too small: a long disturbance gets in. Too large:
    /// after a fault the estimate is wrong for long.
    pub patience: u16,
}

impl<P: Float> Default for Gate<P> {
    /// Five standard deviations, a hundred measurements.
    fn default() -> Self {
        Self {
            sigma: P::lit(5.0),
            patience: 100,
        }
    }
}

impl<P: Float> Gate<P> {
    pub(crate) fn check(gate: Option<&Self>) -> Result<(), ConfigError> {
        gate.map_or(Ok(()), |gate| {
            within("gate.sigma", gate.sigma, P::one(), P::lit(30.0)).map(drop)
        })
    }
}

/// Measurement noise that is learned from the innovations: the variance follows
/// `y² − h P hᵀ`, averaged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdaptiveNoise<P> {
    /// Measurements over which it averages, 2 to 1e6. Too small: the filter chases noise. Too
    /// large: it learns of a change late.
    pub window: P,
    /// Bounds of the standard deviation as multiples of the configured one, the first above 0 and
    /// at most 1, the second 1 to 1000. Too wide apart: a wrong model passes for noise.
    pub range: [P; 2],
}

impl<P: Float> Default for AdaptiveNoise<P> {
    /// Two hundred measurements; a third to ten times the configured noise.
    fn default() -> Self {
        Self {
            window: P::lit(200.0),
            range: [P::lit(0.33), P::lit(10.0)],
        }
    }
}

impl<P: Float> AdaptiveNoise<P> {
    pub(crate) fn check(adaptive: Option<&Self>) -> Result<(), ConfigError> {
        if let Some(adaptive) = adaptive {
            let [low, high] = adaptive.range;
            within("adaptive.window", adaptive.window, P::lit(2.0), P::lit(1e6))?;
            within("adaptive.range", low, P::lit(1e-3), P::one())?;
            within("adaptive.range", high, P::one(), P::lit(1e3))?;
        }
        Ok(())
    }
    /// The variance after a measurement with this normalised innovation squared.
    pub(crate) fn follow(&self, variance: P, configured: P, seen: P, normalised: P) -> P {
        let [low, high] = self.range;
        // One outlier must not teach more than a few dozen good measurements.
        let normalised = normalised.limit(P::zero(), P::lit(25.0));
        let learned = variance + seen * (normalised - P::one()) / self.window;
        learned.limit(configured * low * low, configured * high * high)
    }
}

/// What became of a measurement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MeasurementStatus {
    /// There was none, or it was unusable.
    #[default]
    Missing,
    /// It went into the estimate.
    Used,
    /// It was too unlikely.
    Rejected,
}

/// Decides about a measurement and counts those refused in a row.
#[inline(always)]
pub(crate) fn admit<T: Scalar>(
    limit: Option<T>,
    patience: u16,
    normalised: T,
    refused: &mut u16,
) -> bool {
    let Some(limit) = limit else { return true };
    if normalised <= limit {
        *refused = 0;
        return true;
    }
    // The count stays up until one fits again, so that the way back is not cut.
    if *refused < patience {
        *refused += 1;
        return false;
    }
    true
}
