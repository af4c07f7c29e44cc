//! What a bridge asks of its pins.

use core::fmt;

/// The state of a motor's two terminals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminals {
    /// Both open, as far as the wiring can.
    Coast,
    /// Both joined.
    Brake,
    /// Driven forward for this many counts of the PWM.
    Forward(u16),
    /// Driven backwards for this many counts of the PWM.
    Reverse(u16),
}

/// The pins of one bridge.
///
/// Whoever writes another wiring decides which pin changes first, so that no intermediate state
/// drives the motor the other way. [`HBridge`](super::HBridge) does the rest: it never asks for
/// more than [`max_counts`](Self::max_counts), and calls [`off`](Self::off) after an error of
/// [`set`](Self::set).
pub trait Wiring {
    /// What goes wrong, usually a [`BridgeError`].
    type Error;
    /// Counts of the PWM at full duty; does not change.
    fn max_counts(&self) -> u16;
    /// Sets all the pins.
    ///
    /// # Errors
    /// That of the first pin that failed; the others need not have been set.
    fn set(&mut self, terminals: Terminals) -> Result<(), Self::Error>;
    /// Sets what another count of the PWM asks for, the terminals driven the way that the last
    /// [`set`](Self::set) has led to.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    fn adjust(&mut self, terminals: Terminals) -> Result<(), Self::Error> {
        self.set(terminals)
    }
    /// Takes the voltage off the motor. Every pin is tried, even after one has failed.
    ///
    /// # Errors
    /// That of the first pin that failed.
    fn off(&mut self) -> Result<(), Self::Error>;
}

/// A pin of a bridge failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BridgeError<P, D> {
    /// A PWM channel.
    Pwm(P),
    /// A digital output.
    Pin(D),
}

impl<P: fmt::Debug, D: fmt::Debug> fmt::Display for BridgeError<P, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pwm(error) => write!(f, "a PWM channel of the bridge failed: {error:?}"),
            Self::Pin(error) => write!(f, "a pin of the bridge failed: {error:?}"),
        }
    }
}

impl<P: fmt::Debug, D: fmt::Debug> core::error::Error for BridgeError<P, D> {}
