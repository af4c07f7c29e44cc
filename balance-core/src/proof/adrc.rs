//! Ranges inside an active disturbance rejection.

use super::range::Larger;
use super::{Range, RangeError};
use crate::control::adrc::{Adrc, AdrcConfig};
use crate::math::{Float, Scalar};
use nalgebra::{Matrix3, Vector3};

/// Periods after which a response that has not faded is given up.
const LONGEST: u32 = 1 << 22;

/// How far the values inside an ADRC can go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdrcProof {
    /// The estimated value, ahead of its correction too.
    pub value: Range,
    /// The estimated rate.
    pub rate: Range,
    /// The estimated disturbance.
    pub disturbance: Range,
    /// Measured minus foreseen value.
    pub error: Range,
    /// The sum of all, before the limits of the output.
    pub wanted: Range,
}

impl<P: Float> AdrcConfig<P> {
    /// Proves that nothing saturates inside an ADRC over `T`, with whatever setpoints and measured
    /// values within the ranges, which may jump from end to end within a period. The observer's
    /// values are bounded by the magnitudes of its impulse responses to the measured value and to the
    /// limited output, as if both were out to do their worst.
    ///
    /// # Errors
    ///
    /// Names the first value that can saturate; `TooSlow("observer")` for an observer that forgets in
    /// more than four million periods; or as [`AdrcConfig::build`].
    pub fn prove<T: Scalar<Param = P>>(
        &self,
        setpoint: &Range,
        measured: &Range,
        dt: P,
    ) -> Result<AdrcProof, RangeError> {
        let _: Adrc<T> = self.build(dt)?;
        let setpoint = setpoint.declared::<T>("setpoint")?;
        let measured = measured.declared::<T>("measured")?;
        let output = Range::new(self.output_min.to_f64(), self.output_max.to_f64());
        // Zero stands until the first output.
        let output = output.hull(Range::default()).fits::<T>("output")?;
        // The observer starts at the first measured value, where it would rest undisturbed; what
        // moves it is the distance from there.
        let moved = measured.minus(measured);
        let exact = AdrcConfig {
            input_gain: self.input_gain.to_f64(),
            bandwidth: self.bandwidth.to_f64(),
            observer_bandwidth: self.observer_bandwidth.to_f64(),
            output_min: self.output_min.to_f64(),
            output_max: self.output_max.to_f64(),
        };
        let reach = Observer::new(&exact, dt.to_f64()).reach(output, moved)?;

        let foreseen = reach.foreseen.plus(measured).fits::<T>("value")?;
        let value = reach.value.plus(measured).fits::<T>("value")?;
        let rate = reach.rate.fits::<T>("rate")?;
        let disturbance = reach.disturbance.fits::<T>("disturbance")?;
        output.plus(disturbance).fits::<T>("output + disturbance")?;
        let error = reach.error.fits::<T>("error")?;
        setpoint.minus(value).fits::<T>("setpoint - value")?;
        let (b, wc) = (exact.input_gain, exact.bandwidth);
        let law = setpoint
            .minus(measured)
            .times(wc * wc / b)
            .plus(reach.feedback)
            .fits::<T>("feedback")?;
        let wanted = law.minus(disturbance).fits::<T>("wanted")?;
        Ok(AdrcProof {
            value: value.hull(foreseen),
            rate,
            disturbance,
            error,
            wanted,
        })
    }
}

/// What the observer's values can reach, from rest.
#[derive(Default)]
struct Reach {
    foreseen: Range,
    value: Range,
    rate: Range,
    disturbance: Range,
    error: Range,
    /// `−(k_p ŷ + k_d ŷ̇) / b`.
    feedback: Range,
}

/// The observer with value, rate and disturbance in units of one size.
struct Observer {
    /// One period ahead, without a measurement.
    ahead: Matrix3<f64>,
    push: Vector3<f64>,
    correction: Vector3<f64>,
    scale: Vector3<f64>,
    feedback: [f64; 2],
}

impl Observer {
    fn new(config: &AdrcConfig<f64>, dt: f64) -> Self {
        let (b, wo, wc) = (
            config.input_gain,
            config.observer_bandwidth,
            config.bandwidth,
        );
        let scale = Vector3::new(1.0, wo, wo * wo / b);
        let way = 0.5 * b * dt * dt;
        let plain = Matrix3::new(1.0, dt, way, 0.0, 1.0, b * dt, 0.0, 0.0, 1.0);
        let correction = Vector3::from(config.innovations(dt));
        Self {
            ahead: Matrix3::from_fn(|i, j| plain[(i, j)] * scale[j] / scale[i]),
            push: Vector3::new(way, b * dt / scale[1], 0.0),
            correction: correction.component_div(&scale),
            scale,
            feedback: [-wc * wc / b, -2.0 * wc / b],
        }
    }

    fn closed(&self) -> Matrix3<f64> {
        let mut seen = Matrix3::<f64>::identity();
        for i in 0..3 {
            seen[(i, 0)] -= self.correction[i];
        }
        seen * self.ahead
    }

    fn reach(&self, output: Range, moved: Range) -> Result<Reach, RangeError> {
        let slow = Err(RangeError::TooSlow("observer"));
        let closed = self.closed();
        // After `block` periods without an input, what is left is at most half.
        let (mut power, mut block) = (closed, 1_u32);
        while largest_row(&power) > 0.5 {
            power *= power;
            block = block.saturating_mul(2);
            if block > LONGEST {
                return slow;
            }
        }
        let mut reach = Reach::default();
        for (by_output, input) in [(true, output), (false, moved)] {
            let mut z = Vector3::zeros();
            let (mut total, mut periods, mut first) = (0.0, 0_u32, true);
            loop {
                let mut part = 0.0;
                for _ in 0..block {
                    let (u, y) = match (first, by_output) {
                        (true, true) => (1.0, 0.0),
                        (true, false) => (0.0, 1.0),
                        _ => (0.0, 0.0),
                    };
                    first = false;
                    let foreseen = self.ahead * z + self.push * u;
                    let error = y - foreseen[0];
                    z = foreseen + self.correction * error;
                    part += z.amax();
                    reach.add(self, &foreseen, error, &z, input);
                }
                total += part;
                periods = periods.saturating_add(block);
                // All that is to come adds up to less than this last block.
                if part <= 1e-9 * total {
                    break;
                }
                if periods > LONGEST {
                    return slow;
                }
            }
        }
        Ok(reach)
    }
}

impl Reach {
    fn add(
        &mut self,
        observer: &Observer,
        foreseen: &Vector3<f64>,
        error: f64,
        z: &Vector3<f64>,
        input: Range,
    ) {
        let [kp, kd] = observer.feedback;
        let rate = z[1] * observer.scale[1];
        for (range, response) in [
            (&mut self.foreseen, foreseen[0]),
            (&mut self.value, z[0]),
            (&mut self.rate, rate),
            (&mut self.disturbance, z[2] * observer.scale[2]),
            (&mut self.error, error),
            (&mut self.feedback, kp * z[0] + kd * rate),
        ] {
            *range = range.plus(input.times(response));
        }
    }
}

fn largest_row(matrix: &Matrix3<f64>) -> f64 {
    let row = |i| (0..3).map(|j| matrix[(i, j)].magnitude()).sum::<f64>();
    row(0).larger(row(1)).larger(row(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{Q8, Q12};

    fn config(bandwidth: f32, observer_bandwidth: f32) -> AdrcConfig<f32> {
        AdrcConfig {
            input_gain: 40.0,
            bandwidth,
            observer_bandwidth,
            output_min: -5.0,
            output_max: 8.0,
        }
    }

    #[test]
    fn an_adversary_stays_within_the_proof() {
        let (setpoint, measured) = (Range::within(0.3), Range::new(-0.5, 0.4));
        let config = config(6.0, 30.0);
        let proof = config.prove::<Q12>(&setpoint, &measured, 0.005).unwrap();
        let mut adrc: Adrc<Q12> = config.build(0.005).unwrap();
        let mut seed = 3_u32;
        let mut roll = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed >> 24
        };
        let mut top = [0.0_f64; 3];
        let (mut r, mut y) = (0.3, 0.4);
        for n in 0..40_000 {
            // From end to end, at times in the observer's own rhythm.
            if roll() < 20 {
                r = -r;
            }
            let flips = if n / 2000 % 2 == 0 {
                n % 25 == 0
            } else {
                roll() < 30
            };
            if flips {
                y = if y > 0.0 { measured.low } else { measured.high };
            }
            let out = adrc.step(Q12::lit(r), Q12::lit(y));
            let found = [out.value, out.rate, out.disturbance].map(|x| f64::from(x.to_param()));
            for ((found, range), top) in found
                .into_iter()
                .zip([proof.value, proof.rate, proof.disturbance])
                .zip(&mut top)
            {
                assert!(range.contains(found), "{n} {found} {range:?}");
                *top = top.max(found.abs() / range.largest());
            }
        }
        // The output cannot do its worst at the same time, so the bound is not reached.
        assert!(top.iter().all(|top| *top > 0.2), "{top:?} {proof:?}");
    }

    #[test]
    fn says_which_value_would_saturate() {
        let stage = |config: AdrcConfig<f32>, measured| match config.prove::<Q8>(
            &Range::within(0.3),
            &measured,
            0.005,
        ) {
            Err(RangeError::Saturates { stage, .. }) => stage,
            other => panic!("{other:?}"),
        };
        assert!(
            config(2.0, 10.0)
                .prove::<Q8>(&Range::within(0.3), &Range::within(0.5), 0.005)
                .is_ok()
        );
        assert_eq!(stage(config(2.0, 10.0), Range::within(300.0)), "measured");
        assert_eq!(stage(config(20.0, 150.0), Range::within(0.5)), "rate");
    }
}
