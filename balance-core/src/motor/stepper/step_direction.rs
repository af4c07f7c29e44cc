//! Step and direction over embedded-hal: A4988, DRV8825, TMC2209 and their kind.

use super::step_generator::Step;
use core::fmt;
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;

/// An output of a stepper drive failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepError<S, D, E> {
    /// The step pin.
    Step(S),
    /// The direction pin.
    Direction(D),
    /// The enable pin.
    Enable(E),
}

impl<S: fmt::Debug, D: fmt::Debug, E: fmt::Debug> fmt::Display for StepError<S, D, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step(error) => write!(f, "the step pin failed: {error:?}"),
            Self::Direction(error) => write!(f, "the direction pin failed: {error:?}"),
            Self::Enable(error) => write!(f, "the enable pin failed: {error:?}"),
        }
    }
}

impl<S: fmt::Debug, D: fmt::Debug, E: fmt::Debug> core::error::Error for StepError<S, D, E> {}

/// Pins of a stepper drive: STEP (rises), DIR (high forward), EN (**low** enables).
///
/// The direction is set, and given time, before the step that needs it. It starts disabled; after an
/// error every pin has been tried to be put to rest.
#[derive(Debug)]
pub struct StepDirection<S, D, E, W> {
    step: S,
    direction: D,
    enable: E,
    wait: W,
    forward: Option<bool>,
    enabled: bool,
    setup_nanos: u32,
    pulse_nanos: u32,
}

/// What goes wrong with these pins.
type Failure<S, D, E> = StepError<
    <S as embedded_hal::digital::ErrorType>::Error,
    <D as embedded_hal::digital::ErrorType>::Error,
    <E as embedded_hal::digital::ErrorType>::Error,
>;

impl<S: OutputPin, D: OutputPin, E: OutputPin, W: DelayNs> StepDirection<S, D, E, W> {
    /// Takes the pins over; nothing is touched. The pulse is 2 µs and the direction stands 1 µs before it:
    /// what a DRV8825, the slowest of its kind, asks for.
    pub fn new(step: S, direction: D, enable: E, wait: W) -> Self {
        Self {
            step,
            direction,
            enable,
            wait,
            forward: None,
            enabled: false,
            setup_nanos: 1000,
            pulse_nanos: 2000,
        }
    }

    /// Energises the windings.
    ///
    /// # Errors
    /// Of the first pin that failed; the drive then is disabled.
    pub fn enable(&mut self) -> Result<(), Failure<S, D, E>> {
        let resting = self.step.set_low().map_err(StepError::Step);
        let enabled = resting.and_then(|()| self.enable.set_low().map_err(StepError::Enable));
        self.enabled = enabled.is_ok();
        enabled.inspect_err(|_| {
            let _ = self.off();
        })
    }

    /// Makes a step of a [`StepGenerator`](super::StepGenerator); nothing while it is disabled.
    ///
    /// # Errors
    /// Of the first pin that failed; the drive is then disabled, and whether the step was made is
    /// unknown.
    pub fn apply(&mut self, step: Step) -> Result<(), Failure<S, D, E>> {
        if !self.enabled {
            return Ok(());
        }
        self.pulse(step == Step::Forward).inspect_err(|_| {
            let _ = self.off();
        })
    }

    fn pulse(&mut self, forward: bool) -> Result<(), Failure<S, D, E>> {
        if self.forward != Some(forward) {
            self.direction
                .set_state(forward.into())
                .map_err(StepError::Direction)?;
            self.forward = Some(forward);
            self.wait.delay_ns(self.setup_nanos);
        }
        self.step.set_high().map_err(StepError::Step)?;
        self.wait.delay_ns(self.pulse_nanos);
        self.step.set_low().map_err(StepError::Step)
    }

    /// Takes the current off the windings. Every pin is tried, even after one has failed.
    ///
    /// # Errors
    /// Of the first pin that failed; the drive is off by its own account even then.
    pub fn off(&mut self) -> Result<(), Failure<S, D, E>> {
        self.enabled = false;
        self.forward = None;
        let enable = self.enable.set_high().map_err(StepError::Enable);
        let step = self.step.set_low().map_err(StepError::Step);
        enable.and(step)
    }

    /// Gives pins and delay back.
    pub fn release(self) -> (S, D, E, W) {
        (self.step, self.direction, self.enable, self.wait)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use embedded_hal_mock::eh1::MockError;
    use embedded_hal_mock::eh1::delay::NoopDelay;
    use embedded_hal_mock::eh1::digital::{Mock, State::High, State::Low, Transaction};
    use std::io::ErrorKind;
    use std::vec::Vec;

    fn pin(levels: &[embedded_hal_mock::eh1::digital::State]) -> Mock {
        let script: Vec<_> = levels
            .iter()
            .map(|level| Transaction::set(*level))
            .collect();
        Mock::new(&script)
    }

    fn done(drive: StepDirection<Mock, Mock, Mock, NoopDelay>) {
        let (mut step, mut direction, mut enable, _) = drive.release();
        step.done();
        direction.done();
        enable.done();
    }

    #[test]
    fn direction_comes_before_the_step_and_only_when_it_changes() {
        let mut drive = StepDirection::new(
            pin(&[Low, High, Low, High, Low, High, Low, Low]),
            pin(&[High, Low]),
            pin(&[Low, High]),
            NoopDelay::new(),
        );
        drive.apply(Step::Forward).unwrap();
        drive.enable().unwrap();
        drive.apply(Step::Forward).unwrap();
        drive.apply(Step::Forward).unwrap();
        drive.apply(Step::Back).unwrap();
        drive.off().unwrap();
        drive.apply(Step::Back).unwrap();
        done(drive);
    }

    #[test]
    fn an_error_in_the_middle_disables_the_drive() {
        let broken = MockError::Io(ErrorKind::BrokenPipe);
        let step = Mock::new(&[
            Transaction::set(Low),
            Transaction::set(High).with_error(broken.clone()),
            Transaction::set(Low),
        ]);
        let mut drive = StepDirection::new(step, pin(&[High]), pin(&[Low, High]), NoopDelay::new());
        drive.enable().unwrap();
        assert_eq!(drive.apply(Step::Forward), Err(StepError::Step(broken)));
        drive.apply(Step::Forward).unwrap();
        done(drive);
    }

    #[test]
    fn off_reaches_the_step_pin_even_if_enable_fails() {
        let broken = MockError::Io(ErrorKind::BrokenPipe);
        let enable = Mock::new(&[Transaction::set(High).with_error(broken.clone())]);
        let mut drive = StepDirection::new(pin(&[Low]), pin(&[]), enable, NoopDelay::new());
        assert_eq!(drive.off(), Err(StepError::Enable(broken)));
        done(drive);
    }
}
