//! Where the magnet points, from voltages and currents alone.
//!
//! The flux linked with the stator is the integral of `v − R i`; less what the currents make
//! themselves (`L i`), the magnet's is left, a vector η of known length that points along d:
//!
//! ```text
//! ẋ = (v − R i)/ψ + g/2 · η (ρ − |η|²)        η = x − L i/ψ        ρ̇ = g/2 · (|η|² − ρ)
//! ```
//!
//! in shares of the believed flux ψ. The last term draws η toward its length, which takes out the
//! unknown start and the drift of the integral (ρ = 1: J. Lee, J. Hong, K. Nam, R. Ortega, L. Praly,
//! A. Astolfi, "Sensorless Control of Surface-Mount Permanent-Magnet Synchronous Motors Based on a
//! Nonlinear Observer", IEEE Trans. Power Electronics 25(2), 2010). Its rate g grows here with the speed.
//!
//! The length is **learnt**. On average over a turn, a circle of radius s about a centre c has
//! ċ = g/2 · c (1 − 2 s² − |c|²) with ρ = 1: a magnet of less than 1/√2 of its believed flux drives
//! the centre off, and the angle sways by half a radian for ever. Where ρ is the mean of |η|² it is
//! ċ = −g/2 · s² c, which returns whatever the flux is, and no error of the flux is left in the angle.
//! L is that of
//! the q axis, which makes the same equations right for machines with saliency (the active-flux
//! concept; I. Boldea, M. C. Paicu, G.-D. Andreescu, "Active Flux Concept for Motion-Sensorless Unified
//! AC Drives", IEEE Trans. Power Electronics 23(5), 2008).
//!
//! Errors to reckon with, rad: `ΔR · i / (speed · ψ)` and `ΔL · i / ψ`. At standstill it knows
//! nothing.

use super::machine::Machine;
use super::transforms::AlphaBeta;
use crate::config::{ConfigError, period, within};
use crate::math::{Float, Real, Scalar};
use crate::motor::coefficient::{gain, value};

/// Settings of a [`FluxObserver`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FluxObserverConfig<P = f32> {
    /// The motor.
    pub machine: Machine<P>,
    /// g as a share of the electrical speed, 0.01 to 1. Too small: errors of the start stay for
    /// many turns. Too large: the length that is being learnt turns the angle.
    pub pull: P,
    /// g is at least that of this electrical speed, rad/s, above zero.
    pub min_speed: P,
}

impl<P: Float> Default for FluxObserverConfig<P> {
    fn default() -> Self {
        Self {
            machine: Machine::default(),
            pull: P::lit(0.2),
            min_speed: P::lit(100.0),
        }
    }
}

impl<P: Float> FluxObserverConfig<P> {
    /// Prepares an observer that is stepped every `dt` seconds, knowing nothing.
    ///
    /// # Errors
    /// Names the field that is out of its range or beyond the scalar type.
    pub fn build<T: Real<Param = P>>(&self, dt: P) -> Result<FluxObserver<T>, ConfigError> {
        let dt = period(dt)?;
        let m = &self.machine;
        m.check()?;
        let pull = within("pull", self.pull, P::lit(0.01), P::one())?;
        within("min_speed", self.min_speed, P::lit(0.1), P::lit(0.5) / dt)?;
        Ok(FluxObserver {
            per_volt: gain::<T>("flux", dt / m.flux)?,
            per_ampere: gain::<T>("flux", P::lit(-0.5) * m.resistance * dt / m.flux)?,
            linkage: gain::<T>("inductance_q", m.inductance_q / m.flux)?,
            pull: T::gain(P::lit(0.5) * pull * dt),
            min_speed: value::<T>("min_speed", self.min_speed)?,
            state: FluxObserverState::default(),
        })
    }
}

/// The values of a [`FluxObserver`] that change.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FluxObserverState<T: Scalar> {
    flux: AlphaBeta<T::Wide>,
    current: AlphaBeta<T>,
    /// ρ − 1.
    excess: T::Wide,
}

/// Where the magnet points; see the [module](super::FluxObserverConfig).
#[derive(Clone, Copy, Debug)]
pub struct FluxObserver<T: Scalar> {
    per_volt: T::Gain,
    /// For the sum of two currents.
    per_ampere: T::Gain,
    linkage: T::Gain,
    pull: T::Gain,
    min_speed: T,
    state: FluxObserverState<T>,
}

impl<T: Real> FluxObserver<T> {
    /// Advances by one period: mean voltage of the period that ends now (V), current now (A),
    /// and the electrical speed as far as known (rad/s). Gives the magnet's vector, as long as the
    /// flux is over the believed one, for [`PhaseLock::step_vector`](crate::motor::encoder::PhaseLock::step_vector).
    ///
    /// With an unusable input the vector stays.
    #[inline]
    pub fn step(&mut self, voltage: AlphaBeta<T>, current: AlphaBeta<T>, speed: T) -> AlphaBeta<T> {
        let all = voltage.alpha + voltage.beta + current.alpha + current.beta + speed;
        if !all.is_usable() {
            return self.magnet();
        }
        let magnet = self.magnet();
        let square = magnet.alpha * magnet.alpha + magnet.beta * magnet.beta;
        let missing = (self.square() - square).limit(-T::one(), T::one());
        let speed = speed.magnitude();
        let rate = if speed > self.min_speed {
            speed
        } else {
            self.min_speed
        };
        // At most half of the way in a period.
        let pull = (rate.scale(self.pull).limit(T::zero(), T::lit(0.25))) * missing;
        let excess = T::add_wide(self.state.excess, -pull);
        let value = T::narrow(excess);
        let (low, high) = (T::lit(-0.75), T::lit(1.25));
        self.state.excess = if value >= low && value <= high {
            excess
        } else {
            value.limit(low, high).widen()
        };
        let last = self.state.current;
        let along = |flux: T::Wide, voltage: T, sum: T, magnet: T| {
            let flux = T::accumulate(flux, self.per_volt, voltage);
            let flux = T::accumulate(flux, self.per_ampere, sum);
            let flux = T::add_wide(flux, pull * magnet);
            // Nothing real is longer; it keeps an absurd voltage from leaving a mark for long.
            let value = T::narrow(flux);
            let most = T::lit(8.0);
            if value.magnitude() <= most {
                flux
            } else {
                value.limit(-most, most).widen()
            }
        };
        self.state.flux = AlphaBeta {
            alpha: along(
                self.state.flux.alpha,
                voltage.alpha,
                last.alpha + current.alpha,
                magnet.alpha,
            ),
            beta: along(
                self.state.flux.beta,
                voltage.beta,
                last.beta + current.beta,
                magnet.beta,
            ),
        };
        self.state.current = current;
        self.magnet()
    }

    /// The square of the learnt length, 0.25 to 2.25.
    #[inline]
    pub(super) fn square(&self) -> T {
        T::one() + T::narrow(self.state.excess)
    }

    /// The magnet's flux over the believed one, 0.5 to 1.5, as learnt in some turns at speed.
    pub fn flux_share(&self) -> T {
        self.square().sqrt()
    }

    /// The magnet's vector now.
    #[inline]
    pub fn magnet(&self) -> AlphaBeta<T> {
        AlphaBeta {
            alpha: T::narrow(self.state.flux.alpha) - self.state.current.alpha.scale(self.linkage),
            beta: T::narrow(self.state.flux.beta) - self.state.current.beta.scale(self.linkage),
        }
    }

    /// Starts with a magnet that is known to point along `angle` (rad) while `current` flows.
    pub fn reset_to(&mut self, angle: T, current: AlphaBeta<T>) {
        if !(angle + current.alpha + current.beta).is_usable() {
            return;
        }
        let (sine, cosine) = angle.sin_cos();
        let linked = |x: T, i: T| (x + i.scale(self.linkage)).widen();
        self.state = FluxObserverState {
            flux: AlphaBeta {
                alpha: linked(cosine, current.alpha),
                beta: linked(sine, current.beta),
            },
            current,
            excess: T::zero().widen(),
        };
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.state = FluxObserverState::default();
    }

    /// The values that change.
    pub fn state(&self) -> FluxObserverState<T> {
        self.state
    }

    /// Puts a state back; an unusable one means that nothing is known.
    pub fn restore(&mut self, state: FluxObserverState<T>) {
        let sum = T::narrow(state.flux.alpha)
            + T::narrow(state.flux.beta)
            + state.current.alpha
            + state.current.beta
            + T::narrow(state.excess);
        self.state = if sum.is_usable() {
            state
        } else {
            FluxObserverState::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q16;

    /// Largest error of the angle in the last two of forty turns at 200 rad/s, and the learnt share,
    /// of a magnet of `share` of the believed flux; the first vector is off by half a length.
    fn turned<T: Real>(share: f64) -> (f64, f64) {
        let config = FluxObserverConfig::<T::Param>::default();
        let dt = 5e-5;
        let mut observer: FluxObserver<T> = config.build(T::Param::lit(dt)).unwrap();
        observer.reset_to(
            T::lit(0.5),
            AlphaBeta {
                alpha: T::zero(),
                beta: T::zero(),
            },
        );
        let (speed, flux) = (200.0, share * Machine::<f64>::default().flux);
        let (mut worst, still) = (0.0_f64, T::zero());
        let turns = |tick: u32| speed * dt * f64::from(tick) / core::f64::consts::TAU;
        let mut tick = 0;
        while turns(tick) < 40.0 {
            let middle = speed * dt * (f64::from(tick) + 0.5);
            let voltage = AlphaBeta {
                alpha: T::lit(-middle.sin() * speed * flux),
                beta: T::lit(middle.cos() * speed * flux),
            };
            let none = AlphaBeta {
                alpha: still,
                beta: still,
            };
            let magnet = observer.step(voltage, none, T::lit(speed));
            tick += 1;
            if turns(tick) > 38.0 {
                let [x, y] = [magnet.alpha, magnet.beta].map(|v| v.to_param().to_f64());
                let off = y.atan2(x) - speed * dt * f64::from(tick);
                worst = worst.max(crate::math::wrap_angle(off).abs());
            }
        }
        (worst, observer.flux_share().to_param().to_f64())
    }

    #[test]
    fn knows_the_angle_and_the_flux_whatever_was_believed() {
        fn check<T: Real>() {
            for share in [0.6, 0.7, 1.0, 1.35] {
                let (error, learnt) = turned::<T>(share);
                assert!(error < 0.03, "{}: {share} {error}", T::NAME);
                assert!(
                    (learnt - share).abs() < 0.03,
                    "{}: {share} {learnt}",
                    T::NAME
                );
            }
        }
        check::<f32>();
        check::<f64>();
        check::<Q16>();
    }
}
