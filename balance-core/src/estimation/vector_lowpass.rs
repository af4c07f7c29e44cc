//! Second-order Butterworth low-pass of several channels that starts as the mean of what it saw.
//!
//! > e = x − l − u, t = a·u + b·e, y = l + t, l ← y + t, u ← u + c·e
//!
//! is the trapezoidal state-variable form with its first integrator scaled so that it has the size
//! of the input at any cutoff: both states are sums of small steps, which `f32` and the
//! accumulators of fixed point hold where a direct form would need `f64`, and they keep their meaning when
//! the period changes. A step that rounds the level by half its last place moves the output by at most τ/dt of
//! those, where a direct form loses (τ/dt)². For a time constant τ the cutoff is √2/(2πτ) Hz.

use crate::math::{Float, Scalar};
use num_traits::One;

/// Gains for one time constant and one period.
#[derive(Clone, Copy, Debug)]
pub(super) struct LowpassGains<T: Scalar> {
    swing: T::Gain,
    push: T::Gain,
    drive: T::Gain,
    /// How many samples take a time constant.
    needed: u32,
}

impl<T: Scalar> LowpassGains<T> {
    pub(super) fn new(time_constant: T::Param, dt: T::Param) -> Self {
        let p = T::Param::lit;
        let damping = p(core::f64::consts::SQRT_2);
        // tan(π f dt), of at most √½.
        let warped = (dt / (damping * time_constant))
            .limit(p(0.0), p(0.71))
            .tan();
        let swing = warped / (warped + damping);
        let push = warped * warped / (p(1.0) + warped * (warped + damping));
        Self {
            swing: T::gain(swing),
            push: T::gain(push),
            drive: T::gain(p(2.0) * push / swing),
            // Rounded up, but for what is a whole number but for rounding.
            needed: (time_constant / dt + p(0.999)).to_f64() as u32,
        }
    }
}

/// How the next sample is taken in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Intake<T: Scalar> {
    /// As one of the samples of a mean, with this weight.
    Mean(T::Gain),
    /// By the filter.
    Filter(LowpassGains<T>),
}

impl<T: Scalar> Intake<T> {
    /// A mean of the first `needed` samples, the filter from then on.
    #[inline(always)]
    pub(super) fn next(taken: &mut u32, gains: &LowpassGains<T>) -> Self {
        if *taken < gains.needed {
            *taken += 1;
            let count = T::Param::lit(f64::from(*taken));
            Self::Mean(T::gain(T::Param::one() / count))
        } else {
            Self::Filter(*gains)
        }
    }
}

/// What changes in the low-pass from step to step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LowpassState<T: Scalar, const N: usize> {
    pub(super) level: [T::Wide; N],
    pub(super) swing: [T::Wide; N],
}

impl<T: Scalar, const N: usize> Default for LowpassState<T, N> {
    fn default() -> Self {
        let zero = [T::zero().widen(); N];
        Self {
            level: zero,
            swing: zero,
        }
    }
}

impl<T: Scalar, const N: usize> LowpassState<T, N> {
    #[inline(always)]
    pub(super) fn step(&mut self, input: [T; N], intake: &Intake<T>) -> [T; N] {
        let mut output = input;
        let channels = self.level.iter_mut().zip(&mut self.swing).zip(&mut output);
        match intake {
            Intake::Filter(gains) => {
                for ((level, swing), x) in channels {
                    let u = T::narrow(*swing);
                    let error = *x - T::narrow(*level) - u;
                    let low =
                        T::accumulate(T::accumulate(*level, gains.swing, u), gains.push, error);
                    *level = T::accumulate(T::accumulate(low, gains.swing, u), gains.push, error);
                    *swing = T::accumulate(*swing, gains.drive, error);
                    *x = T::narrow(low);
                }
            }
            Intake::Mean(weight) => {
                for ((level, _), x) in channels {
                    *level = T::accumulate(*level, *weight, *x - T::narrow(*level));
                    *x = T::narrow(*level);
                }
            }
        }
        output
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;
    use crate::math::section::{Mix, Prototype, coefficients};

    /// The same filter as a direct form in `f64`, also where the cutoff is a ten-thousandth of the rate.
    fn agrees_with_direct_form<T: Scalar>(time_constant: f64, bound: f64) {
        let (dt, size) = (0.001, 9.81);
        let gains = LowpassGains::<T>::new(T::Param::lit(time_constant), T::Param::lit(dt));
        let mut state = LowpassState::<T, 1>::default();
        let prototype = Prototype {
            warped: libm::tan(dt / (core::f64::consts::SQRT_2 * time_constant)),
            damping: core::f64::consts::SQRT_2,
            mix: Mix::Low,
        };
        let [b0, b1, b2, a1, a2] = coefficients(&prototype);
        let (mut s1, mut s2) = (0.0, 0.0);
        let mut worst = 0.0_f64;
        for k in 0..60_000 {
            let x = T::lit(size * (1.0 + libm::sin(f64::from(k) * 0.001)));
            let [found] = state.step([x], &Intake::Filter(gains));
            let x = x.to_param().to_f64();
            let y = b0 * x + s1;
            s1 = b1 * x - a1 * y + s2;
            s2 = b2 * x - a2 * y;
            worst = worst.max((found.to_param().to_f64() - y).abs());
        }
        assert!(worst < bound, "{} {time_constant}: {worst:e}", T::NAME);
    }
    #[test]
    fn the_form_holds_in_every_scalar() {
        for time_constant in [0.05, 0.5, 3.0, 10.0] {
            agrees_with_direct_form::<f64>(time_constant, 2e-7);
            // The last place at 20 m/s² is 1.9e-6.
            agrees_with_direct_form::<f32>(time_constant, 1.9e-6 * time_constant / 0.001);
            agrees_with_direct_form::<Q12>(time_constant, 3e-5);
        }
    }
    #[test]
    fn it_starts_as_a_mean() {
        let mut taken = 0;
        let mut state = LowpassState::<f32, 2>::default();
        let gains = LowpassGains::new(0.1, 0.01);
        let mut out = [0.0; 2];
        for k in 0..10_u8 {
            let intake = Intake::next(&mut taken, &gains);
            assert!(matches!(intake, Intake::Mean(_)));
            out = state.step([f32::from(k), 3.0], &intake);
        }
        assert!(matches!(
            Intake::next(&mut taken, &gains),
            Intake::Filter(_)
        ));
        assert!((out[0] - 4.5).abs() < 1e-5 && (out[1] - 3.0).abs() < 1e-6);
    }
}
