//! One and the same low-pass for every signal of an equation: it may be fitted between them then,
//! without ever differentiating a measurement.

use crate::math::Float;

/// A signal through `λ² / (s + λ)²`, with its first two derivatives.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Filtered<P> {
    pub(super) value: P,
    pub(super) slope: P,
    /// Means over the last period: what an equation holds for exactly.
    pub(super) mean_value: P,
    pub(super) mean_slope: P,
    pub(super) curvature: P,
    last: P,
}

/// The common coefficients, bilinear.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filter<P> {
    half_dt: P,
    bandwidth: P,
    norm: P,
}

impl<P: Float> Filter<P> {
    pub(super) fn new(bandwidth: P, dt: P) -> Self {
        let half_dt = P::lit(0.5) * dt;
        let g = bandwidth * half_dt;
        Self {
            half_dt,
            bandwidth,
            norm: P::one() / ((P::one() + g) * (P::one() + g)),
        }
    }

    /// Takes the sample at the end of a period.
    pub(super) fn sample(&self, signal: &mut Filtered<P>, x: P) {
        let mean = P::lit(0.5) * (signal.last + x);
        signal.last = x;
        self.held(signal, mean);
    }

    /// Takes what stood still for the period.
    pub(super) fn held(&self, signal: &mut Filtered<P>, mean: P) {
        // Trapezoidal: the mean curvature over the period from the mean states, solved.
        let (h, w) = (self.half_dt, self.bandwidth);
        let two = P::lit(2.0);
        let curvature =
            (w * w * (mean - signal.value - h * signal.slope) - two * w * signal.slope) * self.norm;
        let slope = signal.slope + two * h * curvature;
        let half = P::lit(0.5);
        signal.mean_slope = half * (signal.slope + slope);
        let value = signal.value + two * h * signal.mean_slope;
        signal.mean_value = half * (signal.value + value);
        signal.value = value;
        signal.slope = slope;
        signal.curvature = curvature;
    }

    /// A constant that has always been.
    pub(super) fn settle(&self, signal: &mut Filtered<P>, x: P) {
        *signal = Filtered {
            value: x,
            mean_value: x,
            last: x,
            ..Filtered::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_those_of_the_filtered_signal() {
        let filter = Filter::new(40.0_f64, 1e-3);
        let mut signal = Filtered::default();
        let mut before = signal;
        for k in 1..2000 {
            before = signal;
            filter.sample(&mut signal, (f64::from(k) * 5e-3).sin());
        }
        assert!((signal.slope - before.slope - 1e-3 * signal.curvature).abs() < 1e-12);
        // |H| at 5 rad/s.
        let gain = 1.0 / (1.0 + (5.0_f64 / 40.0).powi(2));
        assert!((signal.value.hypot(signal.slope / 5.0) - gain).abs() < 1e-3);
        filter.settle(&mut signal, 2.0);
        filter.sample(&mut signal, 2.0);
        assert_eq!((signal.value, signal.slope), (2.0, 0.0));
    }
}
