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
    pins: Pins,
}

/// What is known of both direction pins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pins {
    /// Low, or not known.
    Open,
    Forward,
    Reverse,
    /// Both are high, and the duty is full.
    Braking,
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
            pins: Pins::Open,
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

    /// Sets the pins, too.
    #[inline(never)]
    fn turn(&mut self, terminals: Terminals) -> Result<(), BridgeError<C::Error, A::Error>> {
        let braked = self.pins == Pins::Braking;
        self.pins = Pins::Open;
        let pins = match terminals {
            Terminals::Coast => {
                self.duty(0)?;
                self.in1.set_low().map_err(BridgeError::Pin)?;
                self.in2.set_low().map_err(BridgeError::Pin)?;
                Pins::Open
            }
            Terminals::Brake => {
                // From zero, so that the moment between the two pins drives nothing.
                self.duty(0)?;
                self.in1.set_high().map_err(BridgeError::Pin)?;
                self.in2.set_high().map_err(BridgeError::Pin)?;
                self.duty(self.max)?;
                Pins::Braking
            }
            Terminals::Forward(counts) => {
                if braked {
                    self.duty(counts)?;
                }
                self.in2.set_low().map_err(BridgeError::Pin)?;
                if !braked {
                    self.duty(counts)?;
                }
                self.in1.set_high().map_err(BridgeError::Pin)?;
                Pins::Forward
            }
            Terminals::Reverse(counts) => {
                if braked {
                    self.duty(counts)?;
                }
                self.in1.set_low().map_err(BridgeError::Pin)?;
                if !braked {
                    self.duty(counts)?;
                }
                self.in2.set_high().map_err(BridgeError::Pin)?;
                Pins::Reverse
            }
        };
        self.pins = pins;
        Ok(())
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

    #[inline]
    fn set(&mut self, terminals: Terminals) -> Result<(), Self::Error> {
        match (terminals, self.pins) {
            (Terminals::Forward(counts), Pins::Forward)
            | (Terminals::Reverse(counts), Pins::Reverse) => self.duty(counts),
            _ => self.turn(terminals),
        }
    }

    fn off(&mut self) -> Result<(), Self::Error> {
        self.pins = Pins::Open;
        // Tried again, because out of a brake a pin that falls under a duty drives.
        let duty = self.duty(0).or_else(|_| self.duty(0));
        let in1 = self.in1.set_low().map_err(BridgeError::Pin);
        let in2 = self.in2.set_low().map_err(BridgeError::Pin);
        duty.and(in1).and(in2)
    }
}
