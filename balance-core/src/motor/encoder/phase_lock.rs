//! A phase-locked loop: angle and speed from an angle that is noisy, coarse or only a vector.

use crate::config::{ConfigError, period, positive, within};
use crate::math::{Float, Real, Scalar, wrap_angle};
use crate::motor::coefficient::{gain, value};
use crate::motor::foc::{AlphaBeta, Rotation};
use crate::step::Step;
use num_traits::Zero;

/// Settings of a [`PhaseLock`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PhaseLockConfig<P = f32> {
    /// Bandwidth, rad/s, above zero to `1 / dt`. Too small: the speed comes late and fast changes
    /// shake it off. Too large: the speed is as noisy as the angle.
    pub bandwidth: P,
    /// The speed stays within ± this, rad/s, above zero to `3 / dt`: what the motor can do.
    pub max_speed: P,
}

impl<P: Float> Default for PhaseLockConfig<P> {
    /// 300 rad/s, up to 5000 rad/s: an electrical angle at 10 to 40 kHz.
    fn default() -> Self {
        Self {
            bandwidth: P::lit(300.0),
            max_speed: P::lit(5000.0),
        }
    }
}

impl<P: Float> PhaseLockConfig<P> {
    /// Prepares a loop that is stepped every `dt` seconds, at angle and speed zero.
    ///
    /// # Errors
    /// Names the field that is out of its range or beyond the scalar type.
    pub fn build<T: Real<Param = P>>(&self, dt: P) -> Result<PhaseLock<T>, ConfigError> {
        let mut lock = PhaseLock {
            dt: period(dt)?,
            alpha: T::Gain::default(),
            beta: T::Gain::default(),
            advance: T::gain(dt),
            max_speed: T::zero(),
            state: PhaseLockState::default(),
        };
        lock.retune(self)?;
        Ok(lock)
    }
}

/// Angle and speed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PhaseLockOutput<T> {
    /// Angle, −π .. π.
    pub angle: T,
    /// Speed, rad/s.
    pub speed: T,
    /// Measured minus predicted angle, rad (its sine, for a vector).
    pub error: T,
    /// The measurement was unusable; the angle went on by prediction.
    pub held: bool,
}

/// The values of a [`PhaseLock`] that change.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PhaseLockState<T: Scalar> {
    angle: T::Wide,
    speed: T::Wide,
    error: T,
}

/// A phase-locked loop: angle and speed from an angle that is noisy, coarse or only a vector.
///
/// ```text
/// θ⁻ = θ + ω dt        e = measured − θ⁻        θ = θ⁻ + α e        ω = ω + β e / dt
/// α = 1 − z²           β = (1 − z)²             z = exp(−bandwidth · dt)
/// ```
///
/// Both poles lie at z: critically damped at every period (the fading-memory filter of second
/// degree; N. Morrison, "Introduction to Sequential Smoothing and Prediction", 1969). The angle has
/// no lag at constant speed. **The speed lags by `2 / bandwidth` seconds**: that is the delay to
/// reckon with in a speed loop around it.
///
/// About 25 operations a step; [`step_vector`](Self::step_vector) adds a sine and a cosine.
///
/// ```
/// use balance_core::motor::encoder::{PhaseLock, PhaseLockConfig};
/// let mut lock: PhaseLock<f32> = PhaseLockConfig::default().build(1e-4)?;
/// let mut last = lock.output();
/// for tick in 0..2000 {
///     last = lock.step(0.02 * tick as f32); // 200 rad/s
/// }
/// assert!((last.speed - 200.0).abs() < 0.1);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PhaseLock<T: Scalar> {
    dt: T::Param,
    alpha: T::Gain,
    beta: T::Gain,
    advance: T::Gain,
    max_speed: T,
    state: PhaseLockState<T>,
}

impl<T: Real> PhaseLock<T> {
    /// Advances by one period with a measured angle, rad, wrapped or not.
    #[inline]
    pub fn step(&mut self, angle: T) -> PhaseLockOutput<T> {
        self.predict();
        if !angle.is_usable() {
            return self.without_measurement();
        }
        let error = wrap_angle(wrap_angle(angle) - T::narrow(self.state.angle));
        self.correct(error)
    }

    /// Advances by one period with a vector of about length one that points along the angle. No
    /// arc tangent is needed: the error is the sine of the angle between the two.
    #[inline]
    pub fn step_vector(&mut self, vector: AlphaBeta<T>) -> PhaseLockOutput<T> {
        self.predict();
        if !(vector.alpha + vector.beta).is_usable() {
            return self.without_measurement();
        }
        let predicted = Rotation::of(T::narrow(self.state.angle));
        let error = predicted.park(vector).q;
        self.correct(error.limit(-T::one(), T::one()))
    }

    /// Advances by one period with an angle that is only known to lie within ± `half_width` of
    /// `centre`, rad: a sector of Hall switches, a slot of a coarse encoder. Inside, the prediction
    /// stands; outside, its way back to the nearer edge is the error.
    #[inline]
    pub fn step_within(&mut self, centre: T, half_width: T) -> PhaseLockOutput<T> {
        self.predict();
        if !(centre + half_width).is_usable() {
            return self.without_measurement();
        }
        let off = wrap_angle(wrap_angle(centre) - T::narrow(self.state.angle));
        let error = if off > half_width {
            off - half_width
        } else if off < -half_width {
            off + half_width
        } else {
            T::zero()
        };
        self.correct(error)
    }

    /// Advances by one period without a measurement: the angle goes on at the same speed.
    #[inline]
    pub fn coast(&mut self) -> PhaseLockOutput<T> {
        self.predict();
        self.without_measurement()
    }

    #[inline]
    fn predict(&mut self) {
        let moved = T::accumulate(self.state.angle, self.advance, T::narrow(self.state.speed));
        self.state.angle = Self::wrapped(moved);
    }

    #[inline]
    fn correct(&mut self, error: T) -> PhaseLockOutput<T> {
        let angle = T::accumulate(self.state.angle, self.alpha, error);
        let speed = T::accumulate(self.state.speed, self.beta, error);
        self.state = PhaseLockState {
            angle: Self::wrapped(angle),
            speed: self.bounded(speed),
            error,
        };
        self.output()
    }

    fn without_measurement(&self) -> PhaseLockOutput<T> {
        PhaseLockOutput {
            held: true,
            ..self.output()
        }
    }

    /// One turn less or more, in the wide form: no digit is lost.
    #[inline]
    fn wrapped(angle: T::Wide) -> T::Wide {
        let value = T::narrow(angle);
        if value >= T::PI {
            T::add_wide(angle, -T::TAU)
        } else if value < -T::PI {
            T::add_wide(angle, T::TAU)
        } else {
            angle
        }
    }

    #[inline]
    fn bounded(&self, speed: T::Wide) -> T::Wide {
        let value = T::narrow(speed);
        if value.magnitude() <= self.max_speed {
            speed
        } else {
            value.limit(-self.max_speed, self.max_speed).widen()
        }
    }

    /// Angle and speed now.
    pub fn output(&self) -> PhaseLockOutput<T> {
        PhaseLockOutput {
            angle: T::narrow(self.state.angle),
            speed: T::narrow(self.state.speed),
            error: self.state.error,
            held: false,
        }
    }

    /// Starts from an angle (rad) and a speed (rad/s); unusable ones count as zero.
    pub fn reset_to(&mut self, angle: T, speed: T) {
        let usable = |x: T| if x.is_usable() { x } else { T::zero() };
        self.restore(PhaseLockState {
            angle: wrap_angle(usable(angle)).widen(),
            speed: usable(speed).widen(),
            error: T::zero(),
        });
    }

    /// Back to zero.
    pub fn reset(&mut self) {
        self.restore(PhaseLockState::default());
    }

    /// Takes new settings; angle and speed stay, and so does the period.
    ///
    /// # Errors
    /// As [`PhaseLockConfig::build`]; nothing changes then.
    pub fn retune(&mut self, config: &PhaseLockConfig<T::Param>) -> Result<(), ConfigError> {
        let (one, dt) = (T::Param::lit(1.0), self.dt);
        positive("bandwidth", config.bandwidth)?;
        within("bandwidth", config.bandwidth * dt, T::Param::zero(), one)?;
        positive("max_speed", config.max_speed)?;
        within(
            "max_speed",
            config.max_speed * dt,
            T::Param::zero(),
            T::Param::lit(3.0),
        )?;
        let max_speed = value::<T>("max_speed", config.max_speed)?;
        let pole = (-config.bandwidth * dt).exp();
        let beta = gain::<T>("bandwidth", (one - pole) * (one - pole) / dt)?;
        self.alpha = T::gain(one - pole * pole);
        self.beta = beta;
        self.max_speed = max_speed;
        self.restore(self.state);
        Ok(())
    }

    /// The values that change.
    pub fn state(&self) -> PhaseLockState<T> {
        self.state
    }

    /// Puts a state back; an unusable one means rest.
    pub fn restore(&mut self, state: PhaseLockState<T>) {
        let (angle, speed) = (T::narrow(state.angle), T::narrow(state.speed));
        let usable = angle.is_usable() && speed.is_usable() && state.error.is_usable();
        self.state = if usable {
            PhaseLockState {
                angle: Self::wrapped(if angle.magnitude() > T::TAU {
                    wrap_angle(angle).widen()
                } else {
                    state.angle
                }),
                speed: self.bounded(state.speed),
                error: state.error,
            }
        } else {
            PhaseLockState::default()
        };
    }
}

impl<T: Real> Step for PhaseLock<T> {
    type Input = T;
    type Output = PhaseLockOutput<T>;
    type State = PhaseLockState<T>;
    fn step(&mut self, angle: T) -> PhaseLockOutput<T> {
        PhaseLock::step(self, angle)
    }
    fn state(&self) -> PhaseLockState<T> {
        PhaseLock::state(self)
    }
    fn restore(&mut self, state: PhaseLockState<T>) {
        PhaseLock::restore(self, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q16;
    use proptest::prelude::*;

    const DT: f64 = 1e-4;

    fn lock<T: Real>() -> PhaseLock<T> {
        PhaseLockConfig::default().build(T::Param::lit(DT)).unwrap()
    }
    fn number<T: Scalar>(x: T) -> f64 {
        x.to_param().to_f64()
    }

    #[test]
    fn speed_lags_a_ramp_by_what_the_documentation_says() {
        fn check<T: Real>(bound: f64) {
            let mut lock = lock::<T>();
            let (mut angle, mut out) = (0.0, lock.output());
            for tick in 0..4000 {
                // 1000 rad/s².
                angle = 500.0 * (f64::from(tick) * DT).powi(2);
                out = lock.step(T::lit(wrap_angle(angle)));
            }
            let lag = 399.9e-3 - number(out.speed) / 1000.0;
            assert!((lag - 2.0 / 300.0).abs() < bound, "{}: {lag}", T::NAME);
            let error = wrap_angle(angle - number(out.angle));
            // a / bandwidth².
            assert!((error - 1000.0 / 9e4).abs() < 1e-3, "{}: {error}", T::NAME);
        }
        check::<f32>(2e-4);
        check::<f64>(1e-4);
        check::<Q16>(2e-4);
    }

    #[test]
    fn vector_and_angle_agree() {
        fn check<T: Real>(bound: f64) {
            let (mut by_angle, mut by_vector) = (lock::<T>(), lock::<T>());
            for tick in 0..3000 {
                let angle = 0.05 * f64::from(tick);
                by_angle.step(T::lit(wrap_angle(angle)));
                let (beta, alpha) = angle.sin_cos();
                by_vector.step_vector(AlphaBeta {
                    alpha: T::lit(alpha),
                    beta: T::lit(beta),
                });
            }
            let (a, b) = (by_angle.output(), by_vector.output());
            assert!(
                (number(a.speed) - 500.0).abs() < bound && (number(b.speed) - 500.0).abs() < bound
            );
            assert!(wrap_angle(number(a.angle) - number(b.angle)).abs() < bound);
        }
        check::<f32>(1e-2);
        check::<f64>(1e-6);
        check::<Q16>(0.2);
    }

    proptest! {
        #[test]
        fn is_total(angles in prop::collection::vec(any::<f32>(), 1..100), bits in prop::collection::vec(any::<i32>(), 1..100)) {
            let mut lock = lock::<f32>();
            for angle in angles {
                let out = lock.step(angle);
                prop_assert!((-3.15..=3.15).contains(&out.angle) && out.speed.abs() <= 5000.0);
                prop_assert_eq!(out.held, !angle.is_usable());
            }
            let mut lock = self::lock::<Q16>();
            for bits in bits {
                let out = lock.step(Q16::from_bits(bits));
                prop_assert!(number(out.angle).abs() <= 3.15 && number(out.speed).abs() <= 5000.0);
            }
        }
    }

    #[test]
    fn a_gap_is_bridged_at_the_same_speed() {
        let mut lock = lock::<f64>();
        for tick in 0..2000 {
            lock.step(0.03 * f64::from(tick));
        }
        for _ in 0..10 {
            assert!(lock.step(f64::NAN).held);
        }
        let out = lock.step(0.03 * 2010.0);
        assert!(out.error.abs() < 1e-9 && (out.speed - 300.0).abs() < 1e-6);
    }
}
