//! One PWM channel and two direction pins: TB6612FNG, L298N, VNH5019.

use super::wiring::{BridgeError, Terminals, Wiring};
use embedded_hal::digital::OutputPin;
use embedded_hal::pwm::SetDutyCycle;

/// PWM (or ENABLE) on a PWM channel, IN1 and IN2 on digital pins.
///
/// | | PWM | IN1 | IN2 |
/// |---|---|---|---|
/// | coast | 0 | 0 | 0 |
/// | brake | 1 | 1 | 1 |
/// | forward | duty | 1 | 0 |
/// | reverse | duty | 0 | 1 |
///
/// In the pauses of the PWM a TB6612FNG brakes (slow decay) and an L298N coasts (fast decay). A pin
/// falls before the PWM is set and rises after it, so that no intermediate state drives the other way or
/// with an old duty.
#[derive(Debug)]
pub struct PwmTwoPins<C, A, B> {
    pwm: C,
    in1: A,
    in2: B,
    max: u16,
    /// Both pins are high, and the duty is full.
    braking: bool,
}

impl<C, A, B> PwmTwoPins<C, A, B>
where
    C: SetDutyCycle,
    A: OutputPin,
    B: OutputPin<Error = A::Error>,
{
    /// The channel and the pins, IN1 being the one that is high forward.
    pub fn new(pwm: C, in1: A, in2: B) -> Self {
        let max = pwm.max_duty_cycle();
        Self {
            pwm,
            in1,
            in2,
            max,
            braking: false,
        }
    }

    /// Gives channel and pins back.
    pub fn release(self) -> (C, A, B) {
        (self.pwm, self.in1, self.in2)
    }

    #[inline(always)]
    fn duty(&mut self, counts: u16) -> Result<(), BridgeError<C::Error, A::Error>> {
        self.pwm.set_duty_cycle(counts).map_err(BridgeError::Pwm)
    }
}

impl<C, A, B> Wiring for PwmTwoPins<C, A, B>
where
    C: SetDutyCycle,
    A: OutputPin,
    B: OutputPin<Error = A::Error>,
{
    type Error = BridgeError<C::Error, A::Error>;

    fn max_counts(&self) -> u16 {
        self.max
    }

    fn set(&mut self, terminals: Terminals) -> Result<(), Self::Error> {
        let braked = core::mem::replace(&mut self.braking, false);
        match terminals {
            Terminals::Coast => {
                self.duty(0)?;
                self.in1.set_low().map_err(BridgeError::Pin)?;
                self.in2.set_low().map_err(BridgeError::Pin)
            }
            Terminals::Brake => {
                // From zero, so that the moment between the two pins drives nothing.
                self.duty(0)?;
                self.in1.set_high().map_err(BridgeError::Pin)?;
                self.in2.set_high().map_err(BridgeError::Pin)?;
                self.braking = true;
                self.duty(self.max)
            }
            Terminals::Forward(counts) => {
                if braked {
                    self.duty(counts)?;
                }
                self.in2.set_low().map_err(BridgeError::Pin)?;
                if !braked {
                    self.duty(counts)?;
                }
                self.in1.set_high().map_err(BridgeError::Pin)
            }
            Terminals::Reverse(counts) => {
                if braked {
                    self.duty(counts)?;
                }
                self.in1.set_low().map_err(BridgeError::Pin)?;
                if !braked {
                    self.duty(counts)?;
                }
                self.in2.set_high().map_err(BridgeError::Pin)
            }
        }
    }

    #[inline(always)]
    fn adjust(&mut self, terminals: Terminals) -> Result<(), Self::Error> {
        match terminals {
            Terminals::Forward(counts) | Terminals::Reverse(counts) => self.duty(counts),
            other => self.set(other),
        }
    }

    fn off(&mut self) -> Result<(), Self::Error> {
        self.braking = false;
        // Tried again, because out of a brake a pin that falls under a duty drives.
        let duty = self.duty(0).or_else(|_| self.duty(0));
        let in1 = self.in1.set_low().map_err(BridgeError::Pin);
        let in2 = self.in2.set_low().map_err(BridgeError::Pin);
        duty.and(in1).and(in2)
    }
}
