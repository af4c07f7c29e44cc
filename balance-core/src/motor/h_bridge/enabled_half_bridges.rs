//! Two half-bridges with an enable input: BTS7960 (IBT-2 boards), VNH2SP30.

use super::two_pwm::{Decay, TwoPwm};
use super::wiring::{BridgeError, Terminals, Wiring};
use core::convert::Infallible;
use embedded_hal::digital::OutputPin;
use embedded_hal::pwm::SetDutyCycle;

/// Inputs RPWM and LPWM, each on a PWM channel, and both enables (R_EN and L_EN, joined) on a pin.
///
/// | | RPWM | LPWM | EN |
/// |---|---|---|---|
/// | coast, off | 0 | 0 | 0 |
/// | brake | 0 | 0 | 1 |
/// | forward | PWM | 0 | 1 |
/// | reverse | 0 | PWM | 1 |
///
/// With the enables high, an input that is low joins its terminal to ground: the motor brakes in the
/// pauses of the PWM, so speed follows duty nearly in proportion. Only the enables open the
/// terminals; they fall first and rise last, so that no half-bridge is ever enabled with an old duty.
/// (Infineon BTS7960 data sheet, rev. 1.1: INH low puts the half-bridge to high impedance.)
#[derive(Debug)]
pub struct EnabledHalfBridges<A, B, E> {
    inputs: TwoPwm<A, B>,
    enable: E,
}

impl<A, B, E> EnabledHalfBridges<A, B, E>
where
    A: SetDutyCycle,
    B: SetDutyCycle<Error = A::Error>,
    E: OutputPin,
{
    /// The two channels, RPWM being the one that drives the motor forward, and the enables.
    pub fn new(forward: A, reverse: B, enable: E) -> Self {
        Self {
            // "Fast": one input stays low. What that does to the current is up to the chip.
            inputs: TwoPwm::new(forward, reverse, Decay::Fast),
            enable,
        }
    }

    /// Gives channels and pin back.
    pub fn release(self) -> (A, B, E) {
        let (forward, reverse) = self.inputs.release();
        (forward, reverse, self.enable)
    }
}

fn pwm<P, D>(error: BridgeError<P, Infallible>) -> BridgeError<P, D> {
    match error {
        BridgeError::Pwm(error) => BridgeError::Pwm(error),
        BridgeError::Pin(never) => match never {},
    }
}

impl<A, B, E> Wiring for EnabledHalfBridges<A, B, E>
where
    A: SetDutyCycle,
    B: SetDutyCycle<Error = A::Error>,
    E: OutputPin,
{
    type Error = BridgeError<A::Error, E::Error>;

    fn max_counts(&self) -> u16 {
        self.inputs.max_counts()
    }

    fn set(&mut self, terminals: Terminals) -> Result<(), Self::Error> {
        match terminals {
            Terminals::Coast => {
                self.enable.set_low().map_err(BridgeError::Pin)?;
                self.inputs.set(Terminals::Coast).map_err(pwm)
            }
            Terminals::Brake => {
                self.inputs.set(Terminals::Coast).map_err(pwm)?;
                self.enable.set_high().map_err(BridgeError::Pin)
            }
            driven => {
                self.inputs.set(driven).map_err(pwm)?;
                self.enable.set_high().map_err(BridgeError::Pin)
            }
        }
    }

    fn off(&mut self) -> Result<(), Self::Error> {
        let enable = self.enable.set_low().map_err(BridgeError::Pin);
        let inputs = self.inputs.off().map_err(pwm);
        enable.and(inputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_hal::digital::{ErrorKind as PinError, ErrorType};
    use embedded_hal::pwm::{ErrorKind as PwmError, ErrorType as PwmErrorType};

    #[derive(Debug, Default)]
    struct Channel {
        duty: u16,
        broken: bool,
    }
    impl PwmErrorType for Channel {
        type Error = PwmError;
    }
    impl SetDutyCycle for Channel {
        fn max_duty_cycle(&self) -> u16 {
            1000
        }
        fn set_duty_cycle(&mut self, duty: u16) -> Result<(), PwmError> {
            if self.broken {
                return Err(PwmError::Other);
            }
            self.duty = duty;
            Ok(())
        }
    }
    #[derive(Debug, Default)]
    struct Pin {
        high: bool,
        broken: bool,
    }
    impl ErrorType for Pin {
        type Error = PinError;
    }
    impl OutputPin for Pin {
        fn set_low(&mut self) -> Result<(), PinError> {
            if self.broken {
                return Err(PinError::Other);
            }
            self.high = false;
            Ok(())
        }
        fn set_high(&mut self) -> Result<(), PinError> {
            if self.broken {
                return Err(PinError::Other);
            }
            self.high = true;
            Ok(())
        }
    }

    type Bridges = EnabledHalfBridges<Channel, Channel, Pin>;

    fn seen(bridges: Bridges) -> (Bridges, (u16, u16, bool)) {
        let (forward, reverse, enable) = bridges.release();
        let state = (forward.duty, reverse.duty, enable.high);
        (EnabledHalfBridges::new(forward, reverse, enable), state)
    }

    #[test]
    fn every_state_of_the_table() {
        let mut w = EnabledHalfBridges::new(Channel::default(), Channel::default(), Pin::default());
        for (terminals, wanted) in [
            (Terminals::Forward(300), (300, 0, true)),
            (Terminals::Brake, (0, 0, true)),
            (Terminals::Reverse(200), (0, 200, true)),
            (Terminals::Coast, (0, 0, false)),
            (Terminals::Forward(1000), (1000, 0, true)),
        ] {
            w.set(terminals).unwrap();
            let state;
            (w, state) = seen(w);
            assert_eq!(state, wanted);
        }
        w.off().unwrap();
        assert_eq!(seen(w).1, (0, 0, false));
    }

    #[test]
    fn off_reaches_whatever_still_works() {
        for broken in 0..3 {
            let mut w =
                EnabledHalfBridges::new(Channel::default(), Channel::default(), Pin::default());
            w.set(Terminals::Forward(500)).unwrap();
            let (mut forward, mut reverse, mut enable) = w.release();
            forward.broken = broken == 0;
            reverse.broken = broken == 1;
            enable.broken = broken == 2;
            let mut w = EnabledHalfBridges::new(forward, reverse, enable);
            assert!(w.off().is_err());
            let (forward, reverse, enable) = w.release();
            assert!(forward.duty == 0 || broken == 0);
            assert_eq!(reverse.duty, 0);
            assert!(!enable.high || broken == 2);
        }
    }
}
