//! Finding the electrical zero of an encoder, its direction, and whether it follows at all.
//!
//! A d current pulls the magnet to a commanded angle. The angle sweeps one electrical turn forward
//! and stops at zero; then the encoder's reading, averaged, is the zero. The way it went on the
//! sweep tells the direction and checks the number of pole pairs.

use super::transforms::Dq;
use crate::config::{ConfigError, period, positive, within};
use crate::math::{Float, Real, Scalar};
use crate::motor::coefficient::{gain, value};

/// Settings of an [`Alignment`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlignmentConfig<P = f32> {
    /// Pulling current, A, above zero: several times what friction and cogging hold against.
    pub current: P,
    /// Seconds of the sweep, above zero. Too short: the rotor swings, or is left behind.
    pub sweep_seconds: P,
    /// Seconds of standing still, above zero: the first half to settle, the second to average.
    pub settle_seconds: P,
    /// Counts of the encoder in a turn.
    pub counts_per_revolution: u32,
    /// Pairs of poles.
    pub pole_pairs: u16,
}

impl<P: Float> Default for AlignmentConfig<P> {
    /// A hoverboard's wheel with 4096 counts.
    fn default() -> Self {
        Self {
            current: P::lit(6.0),
            sweep_seconds: P::lit(2.0),
            settle_seconds: P::lit(1.0),
            counts_per_revolution: 4096,
            pole_pairs: 15,
        }
    }
}

/// The zero of an encoder: what an [`EncoderAngleConfig`](super::EncoderAngleConfig) asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aligned {
    /// Count at which the magnet points along phase a.
    pub zero: i32,
    /// The counts fall in forward rotation.
    pub reversed: bool,
}

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AlignmentError {
    /// The encoder hardly moved: it is off, or the rotor is held, or the current is too small.
    NotFollowing,
    /// It moved, but by more than a quarter more or less than one electrical turn: wrong pole
    /// pairs or counts, or a rotor that was left behind.
    WrongDistance,
}

/// What to do in a period, and the result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlignmentOutput<T> {
    /// Angle for the current loop, rad.
    pub angle: T,
    /// Reference for the current loop, A.
    pub reference: Dq<T>,
    /// The result, once there is one; the current is zero from then on.
    pub result: Option<Result<Aligned, AlignmentError>>,
}

impl<P: Float> AlignmentConfig<P> {
    /// Prepares an alignment that is stepped every `dt` seconds.
    ///
    /// # Errors
    /// Names the field that is out of its range or beyond the scalar type.
    pub fn build<T: Real<Param = P>>(&self, dt: P) -> Result<Alignment<T>, ConfigError> {
        let dt = period(dt)?;
        positive("current", self.current)?;
        if self.pole_pairs == 0 {
            return Err(ConfigError::OutOfRange("pole_pairs"));
        }
        // A turn of the encoder must be told apart from the electrical one it is compared with.
        if self.counts_per_revolution < 16 * u32::from(self.pole_pairs) {
            return Err(ConfigError::OutOfRange("counts_per_revolution"));
        }
        let periods = |name, seconds: P| {
            within(name, seconds, P::lit(10.0) * dt, P::lit(1000.0))
                .map(|s| (s / dt).to_counts(P::one()).max(1) as u32)
        };
        let sweep = periods("sweep_seconds", self.sweep_seconds)?;
        let per_turn = self.counts_per_revolution / u32::from(self.pole_pairs);
        Ok(Alignment {
            current: value::<T>("current", self.current)?,
            rise: gain::<T>("sweep_seconds", P::lit(4.0) * dt / self.sweep_seconds)?,
            turn: gain::<T>("sweep_seconds", dt * P::TAU / self.sweep_seconds)?,
            sweep,
            settle: periods("settle_seconds", self.settle_seconds)?,
            per_turn: i32::try_from(per_turn).unwrap_or(i32::MAX),
            elapsed: 0,
            amount: T::zero().widen(),
            angle: (-T::TAU).widen(),
            start: 0,
            last: 0,
            sum: 0,
            averaged: 0,
            result: None,
        })
    }
}

/// Finds the electrical zero of an encoder; see the [module](super::AlignmentConfig).
#[derive(Clone, Copy, Debug)]
pub struct Alignment<T: Scalar> {
    current: T,
    rise: T::Gain,
    turn: T::Gain,
    sweep: u32,
    settle: u32,
    per_turn: i32,
    elapsed: u32,
    amount: T::Wide,
    angle: T::Wide,
    /// Count at the beginning of the sweep.
    start: i32,
    last: i32,
    sum: i64,
    averaged: i32,
    result: Option<Result<Aligned, AlignmentError>>,
}

impl<T: Real> Alignment<T> {
    /// Advances by one period with the counts of the encoder (which may wrap at the ends of
    /// `i32`). A quarter of the sweep's time passes before it begins, while the current rises.
    pub fn step(&mut self, counts: i32) -> AlignmentOutput<T> {
        let rising = self.sweep / 4;
        let (swept, done) = (rising + self.sweep, rising + self.sweep + self.settle);
        if self.elapsed == rising {
            self.start = counts;
        }
        if self.elapsed < rising {
            self.amount = T::accumulate(self.amount, self.rise, self.current);
        } else if self.elapsed < swept {
            self.angle = T::accumulate(self.angle, self.turn, T::one());
        } else if self.elapsed == swept {
            self.angle = T::zero().widen();
            self.last = counts;
        }
        if self.elapsed >= swept + self.settle / 2 && self.elapsed < done {
            // Averaged about the count at the end of the sweep, so that a wrap does no harm.
            self.sum += i64::from(counts.wrapping_sub(self.last));
            self.averaged += 1;
        }
        if self.elapsed == done && self.result.is_none() {
            self.result = Some(self.judge());
        }
        self.elapsed = self.elapsed.saturating_add(1).min(done + 1);
        let amount = if self.result.is_some() {
            T::zero()
        } else {
            T::narrow(self.amount).limit(T::zero(), self.current)
        };
        AlignmentOutput {
            angle: T::narrow(self.angle),
            reference: Dq::new(amount, T::zero()),
            result: self.result,
        }
    }

    fn judge(&self) -> Result<Aligned, AlignmentError> {
        let count = i64::from(self.averaged.max(1));
        let half = if self.sum < 0 { -count / 2 } else { count / 2 };
        let mean = (self.sum + half).checked_div(count).unwrap_or(0);
        let zero = self.last.wrapping_add(mean as i32);
        let moved = zero.wrapping_sub(self.start);
        let size = moved.saturating_abs();
        let quarter = self.per_turn / 4;
        if size < quarter {
            Err(AlignmentError::NotFollowing)
        } else if size.saturating_sub(self.per_turn).saturating_abs() > quarter {
            Err(AlignmentError::WrongDistance)
        } else {
            Ok(Aligned {
                zero,
                reversed: moved < 0,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{Q16, wrap_angle};
    use crate::model::{PmsmConfig, PmsmState};
    use crate::motor::foc::{
        CurrentLoop, CurrentLoopConfig, CurrentLoopInput, EncoderAngle, EncoderAngleConfig,
    };

    const DT: f64 = 1e-4;

    fn align<T: Real>(
        pole_pairs: u16,
        friction: f64,
        encoder: impl Fn(f64) -> i32,
    ) -> (Result<Aligned, AlignmentError>, f64) {
        let plant = PmsmConfig {
            coulomb_torque: friction,
            ..PmsmConfig::<f64>::hoverboard()
        };
        let mut motor = plant.build(DT).unwrap();
        motor.restore(PmsmState {
            angle: 1.1,
            ..Default::default()
        });
        let mut control: CurrentLoop<T> = CurrentLoopConfig {
            output_delay: T::Param::lit(0.5),
            ..Default::default()
        }
        .build(T::Param::lit(DT))
        .unwrap();
        let config = AlignmentConfig {
            pole_pairs,
            ..Default::default()
        };
        let mut alignment: Alignment<T> = config.build(T::Param::lit(DT)).unwrap();
        loop {
            let todo = alignment.step(encoder(motor.position()));
            if let Some(result) = todo.result {
                return (result, motor.electrical_angle());
            }
            let [a, b, _] = motor.phase_currents().map(T::lit);
            let out = control.step(&CurrentLoopInput {
                phase_currents: [a, b],
                angle: todo.angle,
                speed: T::zero(),
                bus_voltage: T::lit(36.0),
                reference: todo.reference,
            });
            motor.step(out.duties.map(|d| d.to_param().to_f64()), 0.0);
        }
    }

    #[test]
    fn zero_and_direction_are_those_of_the_motor() {
        fn check<T: Real>() {
            for sign in [1.0, -1.0] {
                let counts = |x: f64| (sign * 4096.0 * x / core::f64::consts::TAU + 777.0) as i32;
                let (result, at) = align::<T>(15, 0.06, counts);
                let aligned = result.unwrap();
                assert_eq!(aligned.reversed, sign < 0.0, "{}", T::NAME);
                // The encoder's angle is then the motor's.
                let angle: EncoderAngle<f64> = EncoderAngleConfig {
                    zero: aligned.zero,
                    reversed: aligned.reversed,
                    ..Default::default()
                }
                .build()
                .unwrap();
                let mut motor = PmsmConfig::<f64>::hoverboard().build(DT).unwrap();
                motor.restore(PmsmState {
                    angle: 2.0,
                    ..Default::default()
                });
                let error = wrap_angle(motor.electrical_angle() - angle.of(counts(2.0)));
                // Friction and cogging hold it off by a little.
                assert!(error.abs() < 0.1, "{}: {error} {at}", T::NAME);
            }
        }
        check::<f64>();
        check::<Q16>();
    }

    #[test]
    fn what_does_not_follow_is_refused() {
        let counts = |x: f64| (4096.0 * x / core::f64::consts::TAU) as i32;
        assert_eq!(
            align::<f32>(15, 0.06, |_| 5).0,
            Err(AlignmentError::NotFollowing)
        );
        assert_eq!(
            align::<f32>(15, 20.0, counts).0,
            Err(AlignmentError::NotFollowing)
        );
        assert_eq!(
            align::<f32>(7, 0.06, counts).0,
            Err(AlignmentError::WrongDistance)
        );
    }
}
