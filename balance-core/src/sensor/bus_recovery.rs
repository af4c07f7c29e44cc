//! Freeing an I2C bus on which a chip holds the data line low.
//!
//! A chip that was interrupted in the middle of an answer (a reset of the controller, a glitch on the
//! clock) waits for clocks with its bit on the line. Up to nine clocks take it to the end of its byte,
//! where it sees no acknowledgement and lets go; a stop condition then ends the matter (NXP UM10204, "I2C-bus
//! specification and user manual", section 3.1.16, bus clear).

use core::fmt;
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{InputPin, OutputPin};

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// The data line was high: nothing was stuck, and only a stop condition was sent.
    NotStuck,
    /// Freed after so many clocks, 1 to 9.
    Freed(u8),
}

/// Why the bus is not free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryError<C, D> {
    /// The clock pin failed.
    Clock(C),
    /// The data pin failed.
    Data(D),
    /// The clock line is held low: a short, or a chip without supply. Clocks cannot help.
    ClockStuck,
    /// Nine clocks did not help: a short, or a broken chip. Only taking its supply away can.
    DataStuck,
}

impl<C: fmt::Debug, D: fmt::Debug> fmt::Display for RecoveryError<C, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clock(error) => write!(f, "the clock pin failed: {error:?}"),
            Self::Data(error) => write!(f, "the data pin failed: {error:?}"),
            Self::ClockStuck => write!(f, "the clock line is held low"),
            Self::DataStuck => write!(f, "the data line stays low after nine clocks"),
        }
    }
}

impl<C: fmt::Debug, D: fmt::Debug> core::error::Error for RecoveryError<C, D> {}

/// Clocks a stuck bus free. The pins are those of the bus while its peripheral does not have them:
/// **open drain**, with pull-ups, readable. At most 0.11 ms at 100 kHz; both lines are released at the
/// end, whatever happened.
///
/// # Errors
/// Of a pin, or a line that cannot be freed.
pub fn recover_i2c_bus<C, D, W>(
    clock: &mut C,
    data: &mut D,
    wait: &mut W,
) -> Result<Recovery, RecoveryError<C::Error, D::Error>>
where
    C: InputPin + OutputPin,
    D: InputPin + OutputPin,
    W: DelayNs,
{
    let result = clock_free(clock, data, wait);
    // Released in any case; the first error is the one to tell.
    let data_released = data.set_high().map_err(RecoveryError::Data);
    let clock_released = clock.set_high().map_err(RecoveryError::Clock);
    let recovery = result?;
    data_released?;
    clock_released?;
    Ok(recovery)
}

fn clock_free<C, D, W>(
    clock: &mut C,
    data: &mut D,
    wait: &mut W,
) -> Result<Recovery, RecoveryError<C::Error, D::Error>>
where
    C: InputPin + OutputPin,
    D: InputPin + OutputPin,
    W: DelayNs,
{
    const HALF_PERIOD_NANOS: u32 = 5000;
    data.set_high().map_err(RecoveryError::Data)?;
    clock.set_high().map_err(RecoveryError::Clock)?;
    wait.delay_ns(HALF_PERIOD_NANOS);
    if clock.is_low().map_err(RecoveryError::Clock)? {
        return Err(RecoveryError::ClockStuck);
    }
    let mut clocks = 0;
    while data.is_low().map_err(RecoveryError::Data)? {
        if clocks == 9 {
            return Err(RecoveryError::DataStuck);
        }
        clocks += 1;
        clock.set_low().map_err(RecoveryError::Clock)?;
        wait.delay_ns(HALF_PERIOD_NANOS);
        clock.set_high().map_err(RecoveryError::Clock)?;
        wait.delay_ns(HALF_PERIOD_NANOS);
    }
    // Stop: the data line rises while the clock is high.
    clock.set_low().map_err(RecoveryError::Clock)?;
    data.set_low().map_err(RecoveryError::Data)?;
    wait.delay_ns(HALF_PERIOD_NANOS);
    clock.set_high().map_err(RecoveryError::Clock)?;
    wait.delay_ns(HALF_PERIOD_NANOS);
    data.set_high().map_err(RecoveryError::Data)?;
    wait.delay_ns(HALF_PERIOD_NANOS);
    if data.is_low().map_err(RecoveryError::Data)? {
        return Err(RecoveryError::DataStuck);
    }
    Ok(match clocks {
        0 => Recovery::NotStuck,
        clocks => Recovery::Freed(clocks),
    })
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use core::convert::Infallible;
    use embedded_hal::digital::ErrorType;
    use embedded_hal_mock::eh1::delay::NoopDelay;
    use std::cell::Cell;

    /// Two lines with pull-ups and a chip that holds data until it has seen so many clocks.
    #[derive(Default)]
    struct Bus {
        clock: Cell<bool>,
        data: Cell<bool>,
        holds: Cell<u32>,
        clock_short: bool,
        clocks: Cell<u32>,
        stops: Cell<u32>,
    }
    struct Clock<'a>(&'a Bus);
    struct Data<'a>(&'a Bus);
    impl ErrorType for Clock<'_> {
        type Error = Infallible;
    }
    impl ErrorType for Data<'_> {
        type Error = Infallible;
    }
    impl OutputPin for Clock<'_> {
        fn set_low(&mut self) -> Result<(), Infallible> {
            self.0.clock.set(false);
            Ok(())
        }
        fn set_high(&mut self) -> Result<(), Infallible> {
            if !self.0.clock.replace(true) {
                self.0.clocks.set(self.0.clocks.get() + 1);
                self.0.holds.set(self.0.holds.get().saturating_sub(1));
            }
            Ok(())
        }
    }
    impl OutputPin for Data<'_> {
        fn set_low(&mut self) -> Result<(), Infallible> {
            self.0.data.set(false);
            Ok(())
        }
        fn set_high(&mut self) -> Result<(), Infallible> {
            if !self.0.data.replace(true) && self.0.clock.get() && self.0.holds.get() == 0 {
                self.0.stops.set(self.0.stops.get() + 1);
            }
            Ok(())
        }
    }
    impl InputPin for Clock<'_> {
        fn is_high(&mut self) -> Result<bool, Infallible> {
            Ok(self.0.clock.get() && !self.0.clock_short)
        }
        fn is_low(&mut self) -> Result<bool, Infallible> {
            self.is_high().map(|high| !high)
        }
    }
    impl InputPin for Data<'_> {
        fn is_high(&mut self) -> Result<bool, Infallible> {
            Ok(self.0.data.get() && self.0.holds.get() == 0)
        }
        fn is_low(&mut self) -> Result<bool, Infallible> {
            self.is_high().map(|high| !high)
        }
    }

    fn recover(bus: &Bus) -> Result<Recovery, RecoveryError<Infallible, Infallible>> {
        bus.clock.set(true);
        bus.data.set(true);
        let result = recover_i2c_bus(&mut Clock(bus), &mut Data(bus), &mut NoopDelay::new());
        assert!(bus.clock.get() && bus.data.get(), "both lines are released");
        result
    }

    #[test]
    fn a_stuck_chip_is_clocked_free_and_told_to_stop() {
        for holds in 1..=9 {
            let bus = Bus {
                holds: Cell::new(holds),
                ..Default::default()
            };
            assert_eq!(recover(&bus), Ok(Recovery::Freed(holds as u8)));
            assert_eq!(bus.stops.get(), 1);
        }
        let bus = Bus::default();
        assert_eq!(recover(&bus), Ok(Recovery::NotStuck));
        assert_eq!((bus.stops.get(), bus.clocks.get()), (1, 1));
    }

    #[test]
    fn shorts_are_told_and_not_clocked_for_ever() {
        let bus = Bus {
            holds: Cell::new(1000),
            ..Default::default()
        };
        assert_eq!(recover(&bus), Err(RecoveryError::DataStuck));
        assert_eq!(bus.clocks.get(), 9);
        let bus = Bus {
            clock_short: true,
            ..Default::default()
        };
        assert_eq!(recover(&bus), Err(RecoveryError::ClockStuck));
        assert_eq!(bus.clocks.get(), 0);
    }
}
