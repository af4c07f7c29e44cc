//! Ranges inside a PID.

use super::range::Larger;
use super::{Range, RangeError};
use crate::control::pid::{AntiWindup, Pid, PidConfig};
use crate::math::{Float, Scalar};

/// What goes into a PID, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PidRanges {
    /// Setpoints.
    pub setpoint: Range,
    /// Measured values.
    pub measured: Range,
    /// Largest magnitude of the measured value's change per second; also of a measured rate.
    /// `None`: it may jump from end to end within a period.
    pub measured_rate: Option<f64>,
    /// Largest magnitude of the setpoint's change per second. `None`: it may jump.
    pub setpoint_rate: Option<f64>,
    /// Feedforwards. Default zero.
    pub feedforward: Range,
}

impl PidRanges {
    /// Setpoints and measured values that may jump, without a feedforward.
    #[must_use]
    pub fn new(setpoint: Range, measured: Range) -> Self {
        Self {
            setpoint,
            measured,
            measured_rate: None,
            setpoint_rate: None,
            feedforward: Range::default(),
        }
    }
}

/// How far the values inside a PID can go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PidProof {
    /// Setpoint minus measured value.
    pub error: Range,
    /// The proportional contribution.
    pub proportional: Range,
    /// The integral, before its limits.
    pub integral: Range,
    /// The derivative contribution.
    pub derivative: Range,
    /// The sum of all, before the limits of the output.
    pub sum: Range,
}

impl<P: Float> PidConfig<P> {
    /// Proves that nothing saturates inside a PID over `T` at its nominal period, with whatever
    /// inputs within the ranges, a feedforward and a measured rate among them; not with a measured
    /// period or an `actual_output` beyond the limits.
    ///
    /// # Errors
    ///
    /// Names the first value that can saturate; or as [`PidConfig::build`].
    pub fn prove<T: Scalar<Param = P>>(
        &self,
        ranges: &PidRanges,
        dt: P,
    ) -> Result<PidProof, RangeError> {
        let _: Pid<T> = self.build(dt)?;
        let (setpoint, measured) = (
            ranges.setpoint.declared::<T>("setpoint")?,
            ranges.measured.declared::<T>("measured")?,
        );
        let feedforward = ranges.feedforward.declared::<T>("feedforward")?;
        let h = dt.to_f64();
        let (kp, ki, kd) = (self.kp.to_f64(), self.ki.to_f64(), self.kd.to_f64());
        let output = Range::new(self.output_min.to_f64(), self.output_max.to_f64());

        let error = setpoint.minus(measured).fits::<T>("error")?;
        let whole = error.times(kp).fits::<T>("proportional")?;
        let weight = self.setpoint_weight.to_f64();
        let cut = setpoint
            .times(kp * (1.0 - weight))
            .fits::<T>("setpoint_weight")?;
        let proportional = if weight == 1.0 {
            whole
        } else {
            // Not `whole.minus(cut)`: both hang on the same setpoint.
            let _ = cut;
            setpoint
                .times(kp * weight)
                .minus(measured.times(kp))
                .fits::<T>("proportional")?
        };

        let derivative = if kd == 0.0 {
            Range::default()
        } else {
            self.proven_derivative::<T>(ranges, kd, h)?
        };
        let others = proportional
            .plus(derivative)
            .fits::<T>("proportional + derivative")?
            .plus(feedforward)
            .fits::<T>("proportional + derivative + feedforward")?;

        let mut integral = Range::default();
        if ki != 0.0 {
            let limits = match self.anti_windup {
                AntiWindup::None => {
                    Range::new(T::MIN.to_param().to_f64(), T::MAX.to_param().to_f64())
                }
                _ => output.hull(Range::default()),
            };
            integral = limits.plus(error.times(ki * h)).fits::<T>("integral")?;
            if let AntiWindup::BackCalculation { tracking_time } = self.anti_windup {
                let excess = output
                    .minus(others.plus(integral))
                    .hull(Range::default())
                    .fits::<T>("back calculation")?;
                let share = h / tracking_time.to_f64();
                integral = integral
                    .plus(excess.times(share))
                    .fits::<T>("back calculation")?;
            }
        }
        let sum = others.plus(integral).fits::<T>("sum")?;
        if let Some(slew) = self.slew_per_s {
            output
                .plus(Range::within(slew.to_f64() * h))
                .fits::<T>("slew_per_s")?;
        }
        Ok(PidProof {
            error,
            proportional,
            integral,
            derivative,
            sum,
        })
    }

    fn proven_derivative<T: Scalar<Param = P>>(
        &self,
        ranges: &PidRanges,
        kd: f64,
        h: f64,
    ) -> Result<Range, RangeError> {
        let filter_time = match self.derivative_cutoff_hz {
            Some(cutoff) => 1.0 / (cutoff.to_f64() * core::f64::consts::TAU),
            None => 0.0,
        };
        let slope = kd.magnitude() / (filter_time + h);
        // With w the distance of a value from its own low-pass, the filtered derivative is slope · w,
        // and also a mean of past rates.
        let part = |range: Range, rate: Option<f64>, stage| {
            let jump = range.width();
            let change = match rate {
                Some(rate) if rate.magnitude() * h < jump => rate.magnitude() * h,
                _ => jump,
            };
            Range::within(change).fits::<T>(stage)?;
            let by_jump = slope * jump;
            Ok::<f64, RangeError>(match rate {
                Some(rate) if kd.magnitude() * rate.magnitude() < by_jump => {
                    kd.magnitude() * rate.magnitude()
                }
                _ => by_jump,
            })
        };
        let mut reach = part(ranges.measured, ranges.measured_rate, "measured change")?;
        if let Some(rate) = ranges.measured_rate {
            Range::within(rate.magnitude()).fits::<T>("measured rate")?;
            // A measured rate counts in full from the first sample on.
            reach = reach.larger(kd.magnitude() * rate.magnitude());
        }
        let share = self.derivative_setpoint_weight.to_f64();
        if share > 0.0 {
            reach += share * part(ranges.setpoint, ranges.setpoint_rate, "setpoint change")?;
        }
        let unlimited = Range::within(reach);
        if filter_time > 0.0 {
            // The filtered one has a limit of its own, at 16 spans of the output.
            unlimited.fits::<T>("derivative")?;
            let span = self.output_max.to_f64() - self.output_min.to_f64();
            unlimited.limited(16.0 * span).fits::<T>("derivative")
        } else {
            unlimited.fits::<T>("derivative")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::pid::PidInput;
    use crate::math::{Q8, Q12};

    fn config() -> PidConfig<f32> {
        PidConfig {
            kp: 12.0,
            ki: 90.0,
            kd: 0.4,
            setpoint_weight: 0.6,
            derivative_setpoint_weight: 0.5,
            derivative_cutoff_hz: Some(40.0),
            output_min: -20.0,
            output_max: 15.0,
            ..Default::default()
        }
    }

    fn ranges() -> PidRanges {
        PidRanges {
            feedforward: Range::within(2.0),
            ..PidRanges::new(Range::new(-0.5, 1.0), Range::within(1.5))
        }
    }

    struct Dice(u32);
    impl Dice {
        fn roll(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(self.0 >> 8) / f64::from(1 << 24)
        }
        /// Mostly the ends, for long and for short: what an adversary would do.
        fn adversary(&mut self, range: Range, last: f64) -> f64 {
            match (self.roll() * 8.0) as u32 {
                0 => range.low,
                1 => range.high,
                2 => range.low + self.roll() * range.width(),
                _ => last,
            }
        }
    }

    #[test]
    fn an_adversary_stays_within_the_proof() {
        let (config, ranges) = (config(), ranges());
        let proof = config.prove::<Q12>(&ranges, 0.005).unwrap();
        let mut fixed: Pid<Q12> = config.build(0.005).unwrap();
        let exact = PidConfig::<f64> {
            kp: 12.0,
            ki: 90.0,
            kd: f64::from(0.4_f32),
            setpoint_weight: f64::from(0.6_f32),
            derivative_setpoint_weight: 0.5,
            derivative_cutoff_hz: Some(40.0),
            output_min: -20.0,
            output_max: 15.0,
            ..Default::default()
        };
        let mut exact: Pid<f64> = exact.build(f64::from(0.005_f32)).unwrap();
        let mut dice = Dice(5);
        let (mut r, mut y, mut ff) = (0.0, 0.0, 0.0);
        let (mut top, mut steepest) = (0.0_f64, 0.0_f64);
        for n in 0..40_000 {
            r = dice.adversary(ranges.setpoint, r);
            y = dice.adversary(ranges.measured, y);
            ff = dice.adversary(ranges.feedforward, ff);
            let input = PidInput::new(Q12::lit(r), Q12::lit(y)).with_feedforward(Q12::lit(ff));
            let output = fixed.step_with(&input);
            let truth = exact.step_with(&PidInput::new(r, y).with_feedforward(ff));
            // What saturates somewhere would be off by far more than rounding.
            let number = |x: Q12| f64::from(x.to_param());
            assert!((number(output.total) - truth.total).abs() < 2e-3, "{n}");
            assert!(proof.proportional.contains(number(output.p)), "{n}");
            assert!(proof.integral.contains(number(output.i)), "{n}");
            assert!(proof.derivative.contains(number(output.d)), "{n}");
            let sum = number(output.p) + number(output.i) + number(output.d) + number(output.ff);
            assert!(proof.sum.contains(sum), "{n}");
            top = top.max(number(output.p).abs());
            steepest = steepest.max(number(output.d).abs());
        }
        // The bounds are those of the worst input, not of a nightmare.
        assert!(top > 0.99 * proof.proportional.largest(), "{top}");
        assert!(steepest > 0.9 * proof.derivative.largest(), "{steepest}");
    }

    #[test]
    fn says_which_value_would_saturate() {
        let stage = |config: PidConfig<f32>| match config.prove::<Q8>(&ranges(), 0.005) {
            Err(RangeError::Saturates { stage, .. }) => stage,
            other => panic!("{other:?}"),
        };
        let plain = PidConfig {
            output_min: -5.0,
            output_max: 5.0,
            ..Default::default()
        };
        assert!(plain.prove::<Q8>(&ranges(), 0.005).is_ok());
        assert_eq!(stage(PidConfig { kp: 60.0, ..plain }), "proportional");
        assert_eq!(stage(PidConfig { kd: 0.5, ..plain }), "derivative");
        let much = PidConfig { ki: 1e4, ..plain };
        assert_eq!(stage(much), "integral");
        let windup = PidConfig {
            ki: 1.0,
            anti_windup: AntiWindup::None,
            ..plain
        };
        assert_eq!(stage(windup), "integral");
        let wide = PidConfig {
            output_min: -100.0,
            output_max: 100.0,
            ki: 1.0,
            kp: 40.0,
            ..plain
        };
        assert_eq!(stage(wide), "sum");
    }

    #[test]
    fn a_known_rate_proves_more() {
        let config = PidConfig {
            kd: 0.5,
            ..Default::default()
        };
        let slow = PidRanges {
            measured_rate: Some(30.0),
            ..ranges()
        };
        assert!(config.prove::<Q8>(&ranges(), 0.005).is_err());
        let proof = config.prove::<Q8>(&slow, 0.005).unwrap();
        assert!((proof.derivative.high - 15.0).abs() < 1e-3);
    }
}
