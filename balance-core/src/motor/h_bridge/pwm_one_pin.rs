//! One PWM channel and one direction pin: DRV8835 in PHASE/ENABLE mode, MD10C, Cytron boards.

use super::wiring::{BridgeError, Terminals, Wiring};
use embedded_hal::digital::OutputPin;
use embedded_hal::pwm::SetDutyCycle;

/// PWM (ENABLE) on a PWM channel, DIR (PHASE) on a digital pin, high forward.
///
/// There are not enough wires for a choice: coast, brake and off are all **duty zero**, and whether
/// the motor then brakes or coasts is up to the chip (a DRV8835 brakes).
///
/// The pin is set before the PWM: without dead time, the last duty acts for a moment in the new
/// direction.
#[derive(Debug)]
pub struct PwmOnePin<C, D> {
    pwm: C,
    direction: D,
    max: u16,
}

impl<C: SetDutyCycle, D: OutputPin> PwmOnePin<C, D> {
    /// The channel and the pin.
    pub fn new(pwm: C, direction: D) -> Self {
        let max = pwm.max_duty_cycle();
        Self {
            pwm,
            direction,
            max,
        }
    }

    /// Gives channel and pin back.
    pub fn release(self) -> (C, D) {
        (self.pwm, self.direction)
    }
}

impl<C: SetDutyCycle, D: OutputPin> Wiring for PwmOnePin<C, D> {
    type Error = BridgeError<C::Error, D::Error>;

    fn max_counts(&self) -> u16 {
        self.max
    }

    fn set(&mut self, terminals: Terminals) -> Result<(), Self::Error> {
        let counts = match terminals {
            Terminals::Coast | Terminals::Brake => 0,
            Terminals::Forward(counts) => {
                self.direction.set_high().map_err(BridgeError::Pin)?;
                counts
            }
            Terminals::Reverse(counts) => {
                self.direction.set_low().map_err(BridgeError::Pin)?;
                counts
            }
        };
        self.pwm.set_duty_cycle(counts).map_err(BridgeError::Pwm)
    }

    fn off(&mut self) -> Result<(), Self::Error> {
        // The pin only while nothing is driven: with a duty that cannot be taken away it would reverse the
        // motor.
        self.pwm.set_duty_cycle(0).map_err(BridgeError::Pwm)?;
        self.direction.set_low().map_err(BridgeError::Pin)
    }
}
