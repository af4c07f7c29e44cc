//! Two PWM channels, one for each input: DRV8833, DRV8871, MX1508, BTS7960.

use super::wiring::{BridgeError, Terminals, Wiring};
use core::convert::Infallible;
use embedded_hal::pwm::SetDutyCycle;

/// What the current does in the pauses of the PWM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decay {
    /// The motor brakes in the pauses: speed follows duty nearly in proportion, and little duties
    /// already turn it. The better choice for balancing.
    #[default]
    Slow,
    /// The motor is open in the pauses: the current fades quickly, little duties do little.
    Fast,
}

/// Inputs IN1 and IN2, each on a PWM channel.
///
/// | | IN1 | IN2 |
/// |---|---|---|
/// | coast | 0 | 0 |
/// | brake | 1 | 1 |
/// | forward, fast decay | PWM | 0 |
/// | forward, slow decay | 1 | inverted PWM |
///
/// (DRV8833 data sheet, SLVSAR1, tables 1 and 2.) A pair of half-bridges such as the BTS7960 joins
/// both terminals to ground where a DRV8833 coasts: with it, coast and off **brake**, the names of
/// the decays do not apply, and only its enable inputs open the terminals.
#[derive(Debug)]
pub struct TwoPwm<A, B> {
    in1: A,
    in2: B,
    max1: u16,
    max2: u16,
    decay: Decay,
    /// The way it was driven last: between the two writes of a coast or a brake it is driven on that way, if
    /// at all, and not the other.
    reversed: bool,
}

impl<A, B> TwoPwm<A, B>
where
    A: SetDutyCycle,
    B: SetDutyCycle<Error = A::Error>,
{
    /// The two channels, IN1 being the one that drives the motor forward.
    pub fn new(in1: A, in2: B, decay: Decay) -> Self {
        let (max1, max2) = (in1.max_duty_cycle(), in2.max_duty_cycle());
        Self {
            in1,
            in2,
            max1,
            max2,
            decay,
            reversed: false,
        }
    }

    /// Gives the channels back.
    pub fn release(self) -> (A, B) {
        (self.in1, self.in2)
    }

    /// Counts of the first channel in counts of the second.
    fn on_second(&self, counts: u16) -> u16 {
        if self.max1 == self.max2 {
            return counts;
        }
        let product = u32::from(counts).wrapping_mul(u32::from(self.max2));
        let scaled = product.checked_div(u32::from(self.max1)).unwrap_or(0);
        u16::try_from(scaled).unwrap_or(self.max2).min(self.max2)
    }

    fn first(&mut self, counts: u16) -> Result<(), BridgeError<A::Error, Infallible>> {
        self.in1.set_duty_cycle(counts).map_err(BridgeError::Pwm)
    }
    fn second(&mut self, counts: u16) -> Result<(), BridgeError<A::Error, Infallible>> {
        self.in2.set_duty_cycle(counts).map_err(BridgeError::Pwm)
    }
}

impl<A, B> Wiring for TwoPwm<A, B>
where
    A: SetDutyCycle,
    B: SetDutyCycle<Error = A::Error>,
{
    type Error = BridgeError<A::Error, Infallible>;

    fn max_counts(&self) -> u16 {
        self.max1
    }

    fn set(&mut self, terminals: Terminals) -> Result<(), Self::Error> {
        match terminals {
            Terminals::Forward(_) => self.reversed = false,
            Terminals::Reverse(_) => self.reversed = true,
            Terminals::Coast | Terminals::Brake => {}
        }
        match (terminals, self.decay) {
            (Terminals::Coast, _) if self.reversed => {
                self.first(0)?;
                self.second(0)
            }
            (Terminals::Coast, _) => {
                self.second(0)?;
                self.first(0)
            }
            (Terminals::Brake, _) if self.reversed => {
                self.second(self.max2)?;
                self.first(self.max1)
            }
            (Terminals::Brake, _) => {
                self.first(self.max1)?;
                self.second(self.max2)
            }
            (Terminals::Forward(counts), Decay::Fast) => {
                self.second(0)?;
                self.first(counts)
            }
            (Terminals::Reverse(counts), Decay::Fast) => {
                self.first(0)?;
                self.second(self.on_second(counts))
            }
            // The steady input first: whatever was before, the moment between the two then brakes
            // or drives the wanted way, never the other.
            (Terminals::Forward(counts), Decay::Slow) => {
                self.first(self.max1)?;
                let pause = self.max2.saturating_sub(self.on_second(counts));
                self.second(pause)
            }
            (Terminals::Reverse(counts), Decay::Slow) => {
                self.second(self.max2)?;
                self.first(self.max1.saturating_sub(counts))
            }
        }
    }

    fn off(&mut self) -> Result<(), Self::Error> {
        // In the order of coasting. An input that does not fall is tried again, because with the other one low
        // it drives.
        if self.reversed {
            let first = self.first(0).or_else(|_| self.first(0));
            let second = self.second(0).or_else(|_| self.second(0));
            first.and(second)
        } else {
            let second = self.second(0).or_else(|_| self.second(0));
            let first = self.first(0).or_else(|_| self.first(0));
            second.and(first)
        }
    }
}
