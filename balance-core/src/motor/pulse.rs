//! Servos and electronic speed controllers: a pulse of 1 to 2 ms, fifty to five hundred times a second.
//!
//! pulse = (low + high) / 2 + command · (high − low) / 2, in counts of the PWM; one product a call. The
//! lengths are a custom of model making, not a standard: a servo's ends are found by trying, carefully.

use crate::config::{ConfigError, positive, within};
use crate::math::{Float, Scalar};
use embedded_hal::pwm::SetDutyCycle;

/// Settings of a [`PulseOutput`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PulseConfig<P = f32> {
    /// Pulses per second, as the PWM channel is set, Hz, above zero to 500. Analog servos bear 50.
    pub frequency_hz: P,
    /// Pulse for a command of −1 (zero for a one-way controller), s.
    pub low_seconds: P,
    /// Pulse for a command of 1, s, above `low_seconds`, below a period.
    pub high_seconds: P,
}

impl<P: Float> Default for PulseConfig<P> {
    /// 50 Hz, 1 to 2 ms.
    fn default() -> Self {
        Self {
            frequency_hz: P::lit(50.0),
            low_seconds: P::lit(1.0e-3),
            high_seconds: P::lit(2.0e-3),
        }
    }
}

/// A servo or a two-way speed controller on a PWM channel.
///
/// Starts without pulses and is without them after [`off`](Self::off): a servo then lets go, a speed
/// controller stops (after its own time-out). A 16-bit PWM at 50 Hz resolves 1/3000 of the range.
///
/// ```
/// # use embedded_hal::pwm::{ErrorType, SetDutyCycle};
/// # struct Channel(u16);
/// # impl ErrorType for Channel { type Error = core::convert::Infallible; }
/// # impl SetDutyCycle for Channel {
/// #     fn max_duty_cycle(&self) -> u16 { 20_000 }
/// #     fn set_duty_cycle(&mut self, duty: u16) -> Result<(), Self::Error> { self.0 = duty; Ok(()) }
/// # }
/// use balance_core::motor::pulse::{PulseConfig, PulseOutput};
/// // A PWM whose 20,000 counts are 20 ms: a count is a microsecond.
/// let mut servo: PulseOutput<f32, _> = PulseConfig::default().build(Channel(0))?;
/// servo.apply(0.5).unwrap();
/// assert_eq!(servo.release().0, 1750);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct PulseOutput<T: Scalar, C> {
    channel: C,
    middle: u16,
    half: T::Gain,
}

impl<P: Float> PulseConfig<P> {
    /// Takes a channel over; nothing is touched.
    ///
    /// # Errors
    /// Names the field that is out of its range, or `Unrepresentable("frequency_hz")` if the pulse
    /// would have fewer than twenty steps.
    pub fn build<T, C>(&self, channel: C) -> Result<PulseOutput<T, C>, ConfigError>
    where
        T: Scalar<Param = P>,
        C: SetDutyCycle,
    {
        positive("frequency_hz", self.frequency_hz)?;
        within("frequency_hz", self.frequency_hz, P::zero(), P::lit(500.0))?;
        positive("low_seconds", self.low_seconds)?;
        if self.low_seconds >= self.high_seconds {
            return Err(ConfigError::Order("low_seconds", "high_seconds"));
        }
        let share = self.high_seconds * self.frequency_hz;
        within("high_seconds", share, P::zero(), P::one())?;
        let counts = P::lit(f64::from(channel.max_duty_cycle())) * self.frequency_hz;
        let half = P::lit(0.5) * counts * (self.high_seconds - self.low_seconds);
        if half < P::lit(10.0) {
            return Err(ConfigError::Unrepresentable("frequency_hz"));
        }
        let middle = P::lit(0.5) * counts * (self.high_seconds + self.low_seconds);
        Ok(PulseOutput {
            channel,
            middle: u16::try_from(middle.to_counts(P::one())).unwrap_or(u16::MAX),
            half: T::gain(half),
        })
    }
}

impl<T: Scalar, C: SetDutyCycle> PulseOutput<T, C> {
    /// Sets the pulse for a command of −1 to 1 (beyond: the end). One that is not a number changes
    /// nothing.
    ///
    /// # Errors
    /// Of the channel.
    pub fn apply(&mut self, command: T) -> Result<(), C::Error> {
        if !command.is_usable() {
            return Ok(());
        }
        let offset = command.limit(-T::one(), T::one()).to_counts(self.half);
        let counts = i32::from(self.middle).saturating_add(offset);
        self.channel
            .set_duty_cycle(u16::try_from(counts).unwrap_or(0))
    }

    /// No more pulses.
    ///
    /// # Errors
    /// Of the channel.
    pub fn off(&mut self) -> Result<(), C::Error> {
        self.channel.set_duty_cycle(0)
    }

    /// Gives the channel back.
    pub fn release(self) -> C {
        self.channel
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::math::Q12;
    use embedded_hal_mock::eh1::MockError;
    use embedded_hal_mock::eh1::pwm::{Mock, Transaction};
    use std::io::ErrorKind;

    #[test]
    fn commands_become_milliseconds() {
        fn check<T: Scalar>() {
            let script = [
                Transaction::max_duty_cycle(40_000),
                Transaction::set_duty_cycle(2000),
                Transaction::set_duty_cycle(3000),
                Transaction::set_duty_cycle(4000),
                Transaction::set_duty_cycle(4000),
                Transaction::set_duty_cycle(0),
            ];
            let mut servo: PulseOutput<T, _> =
                PulseConfig::default().build(Mock::new(&script)).unwrap();
            for command in [-1.0, 0.0, 1.0, 7.0] {
                servo.apply(T::lit(command)).unwrap();
            }
            servo.off().unwrap();
            servo.release().done();
        }
        check::<f32>();
        check::<f64>();
        check::<Q12>();
    }

    #[test]
    fn errors_are_told_and_nonsense_is_not_sent() {
        let broken = MockError::Io(ErrorKind::BrokenPipe);
        let script = [
            Transaction::max_duty_cycle(20_000),
            Transaction::set_duty_cycle(1500).with_error(broken.clone()),
        ];
        let mut servo: PulseOutput<f32, _> =
            PulseConfig::default().build(Mock::new(&script)).unwrap();
        assert_eq!(servo.apply(f32::NAN), Ok(()));
        assert_eq!(servo.apply(0.0), Err(broken));
        servo.release().done();
        let coarse = Mock::new(&[Transaction::max_duty_cycle(100)]);
        let refused = PulseConfig::<f32>::default().build::<f32, _>(coarse.clone());
        assert_eq!(
            refused.err(),
            Some(ConfigError::Unrepresentable("frequency_hz"))
        );
        { coarse }.done();
    }
}
