//! Two channels of a timer as two motor channels.

use core::convert::Infallible;

use embassy_stm32::timer::GeneralInstance4Channel;
use embassy_stm32::timer::simple_pwm::{SimplePwm, SimplePwmChannel};
use embedded_hal::pwm::{ErrorType, SetDutyCycle};

/// Above hearing, below what the usual H-bridges stop following (TB6612FNG: 100 kHz).
pub const MOTOR_PWM_HZ: u32 = 20_000;

/// Channels 1 and 2 of a timer, at the same frequency.
pub struct MotorPwm<'d, T: GeneralInstance4Channel> {
    /// Channel 1 of the timer.
    pub a: MotorChannel<'d, T>,
    /// Channel 2 of the timer.
    pub b: MotorChannel<'d, T>,
}

/// A duty would have fewer than a hundred steps: the timer's clock is too slow for the frequency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrequencyOutOfRange;

impl<T: GeneralInstance4Channel> MotorPwm<'static, T> {
    /// Takes a timer that makes PWM on its first two channels, and starts both at duty zero.
    ///
    /// ```ignore
    /// let left = PwmPin::new(p.PA8, OutputType::PushPull);
    /// let right = PwmPin::new(p.PA9, OutputType::PushPull);
    /// let frequency = hz(MOTOR_PWM_HZ);
    /// let pwm = SimplePwm::new(p.TIM1, Some(left), Some(right), None, None, frequency, EdgeAlignedUp);
    /// let pwm = MotorPwm::new(pwm)?;
    /// ```
    ///
    /// # Errors
    ///
    /// [`FrequencyOutOfRange`] if a duty would have fewer than a hundred steps.
    pub fn new(timer: SimplePwm<'static, T>) -> Result<Self, FrequencyOutOfRange> {
        let channels = timer.split();
        Ok(Self {
            a: MotorChannel::new(channels.ch1)?,
            b: MotorChannel::new(channels.ch2)?,
        })
    }
}

/// One motor's PWM output.
///
/// A new duty takes effect at the end of the running period (the compare register is preloaded), so
/// there is never a runt pulse. Full duty is really full: the pin does not fall between periods.
pub struct MotorChannel<'d, T: GeneralInstance4Channel> {
    channel: SimplePwmChannel<'d, T>,
    steps: u16,
}

impl<'d, T: GeneralInstance4Channel> MotorChannel<'d, T> {
    fn new(mut channel: SimplePwmChannel<'d, T>) -> Result<Self, FrequencyOutOfRange> {
        // Timers of 16 bits that count to the very end have 65,536 steps, one more than fits.
        let steps = u16::try_from(channel.max_duty_cycle()).unwrap_or(u16::MAX);
        if steps < 100 {
            return Err(FrequencyOutOfRange);
        }
        channel.set_duty_cycle(0);
        channel.enable();
        Ok(Self { channel, steps })
    }
}

impl<T: GeneralInstance4Channel> ErrorType for MotorChannel<'_, T> {
    type Error = Infallible;
}

impl<T: GeneralInstance4Channel> SetDutyCycle for MotorChannel<'_, T> {
    #[inline]
    fn max_duty_cycle(&self) -> u16 {
        self.steps
    }

    #[inline]
    fn set_duty_cycle(&mut self, duty: u16) -> Result<(), Infallible> {
        // embassy-stm32 panics above its own maximum, which is not less than `steps`.
        self.channel.set_duty_cycle(duty.min(self.steps).into());
        Ok(())
    }
}
