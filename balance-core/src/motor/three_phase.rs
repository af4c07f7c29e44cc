//! Three half-bridges over embedded-hal: duties become PWM.
//!
//! counts = duty · the channel's own maximum, rounded; three writes of a PWM for each period, each with one
//! product and one division of 32 bits. (Inputs and enable of the drivers: TI DRV8313, SLVSBA5; DRV8302,
//! SLES267; ST L6234.)

use crate::math::Scalar;
use core::fmt;
use embedded_hal::digital::OutputPin;
use embedded_hal::pwm::SetDutyCycle;

/// An output of the inverter failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InverterError<P, D> {
    /// A PWM channel.
    Pwm(P),
    /// The enable pin.
    Enable(D),
}

impl<P: fmt::Debug, D: fmt::Debug> fmt::Display for InverterError<P, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pwm(error) => write!(f, "a PWM channel of the inverter failed: {error:?}"),
            Self::Enable(error) => write!(f, "the inverter's enable pin failed: {error:?}"),
        }
    }
}

impl<P: fmt::Debug, D: fmt::Debug> core::error::Error for InverterError<P, D> {}

/// Three PWM channels, one for each half-bridge, and the driver's enable: DRV8313, DRV8302 in its
/// three-input mode, L6234, and any gate driver that makes both gates of a half-bridge from one input.
///
/// **Dead time is the gate driver's or the timer's**: this sets duties, three at a time, and can know
/// nothing of gates. The channels should be centred and take their duties at the same moment.
///
/// It starts off, and after an error it is off again, all four outputs having been tried.
#[derive(Debug)]
pub struct ThreePhasePwm<C, E> {
    channels: [C; 3],
    enable: E,
    on: bool,
}

impl<C: SetDutyCycle, E: OutputPin> ThreePhasePwm<C, E> {
    /// Takes the channels of the phases a, b, c and the enable (high: on). Nothing is touched.
    pub fn new(channels: [C; 3], enable: E) -> Self {
        Self {
            channels,
            enable,
            on: false,
        }
    }

    /// Sets all duties to one half, no voltage between the phases, and enables the driver.
    ///
    /// # Errors
    /// That of the first output that failed; everything has then been tried to be switched off.
    pub fn enable(&mut self) -> Result<(), InverterError<C::Error, E::Error>> {
        let set = self
            .set([u16::MAX / 2; 3])
            .and_then(|()| self.enable.set_high().map_err(InverterError::Enable));
        self.on = set.is_ok();
        set.inspect_err(|_| {
            let _ = self.off();
        })
    }

    /// Sets the duties of a [`CurrentLoop`](super::foc::CurrentLoop), 0 to 1; nothing while it is off. A duty that
    /// is not a number is one half for all three.
    ///
    /// # Errors
    /// That of the first channel that failed; the inverter is then off.
    pub fn apply<T: Scalar>(
        &mut self,
        duties: [T; 3],
    ) -> Result<(), InverterError<C::Error, E::Error>> {
        if !self.on {
            return Ok(());
        }
        let usable = duties.iter().all(|duty| duty.is_usable());
        let shares = duties.map(|duty| {
            let duty = if usable { duty } else { T::lit(0.5) };
            // In 2¹⁵ths: a fixed-point gain ends there.
            let counts = duty
                .limit(T::zero(), T::one())
                .to_counts(T::gain(T::Param::lit(32_767.5)));
            u16::try_from(counts.saturating_mul(2)).unwrap_or(u16::MAX)
        });
        self.set(shares).inspect_err(|_| {
            let _ = self.off();
        })
    }

    /// Sets shares of 65535.
    fn set(&mut self, shares: [u16; 3]) -> Result<(), InverterError<C::Error, E::Error>> {
        for (channel, share) in self.channels.iter_mut().zip(shares) {
            let max = u32::from(channel.max_duty_cycle());
            let counts = (max.wrapping_mul(u32::from(share)) + 32_767) / 65_535;
            let counts = u16::try_from(counts).unwrap_or(u16::MAX);
            channel.set_duty_cycle(counts).map_err(InverterError::Pwm)?;
        }
        Ok(())
    }

    /// Disables the driver and sets all duties to zero. Every output is tried, even after one has
    /// failed, and it is off by its own account in any case.
    ///
    /// # Errors
    /// That of the first output that failed.
    pub fn off(&mut self) -> Result<(), InverterError<C::Error, E::Error>> {
        self.on = false;
        let mut first = self.enable.set_low().map_err(InverterError::Enable);
        for channel in &mut self.channels {
            let zero = channel.set_duty_cycle(0).map_err(InverterError::Pwm);
            first = first.and(zero);
        }
        first
    }

    /// Whether duties are followed.
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// Gives the outputs back, as they are.
    pub fn release(self) -> ([C; 3], E) {
        (self.channels, self.enable)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::math::Q16;
    use embedded_hal_mock::eh1::MockError;
    use embedded_hal_mock::eh1::digital::{Mock as Pin, State, Transaction as Level};
    use embedded_hal_mock::eh1::pwm::{Mock as Pwm, Transaction as Duty};
    use std::io::ErrorKind;
    use std::vec::Vec;

    fn close(inverter: ThreePhasePwm<Pwm, Pin>) {
        let (channels, mut enable) = inverter.release();
        for mut channel in channels {
            channel.done();
        }
        enable.done();
    }

    fn with_zero(mut script: Vec<Duty>) -> Pwm {
        script.push(Duty::set_duty_cycle(0));
        Pwm::new(&script)
    }

    #[test]
    fn duties_become_counts_between_enable_and_off() {
        fn check<T: Scalar>() {
            let set = |duty| [Duty::max_duty_cycle(1000), Duty::set_duty_cycle(duty)];
            let script = |duty| with_zero([set(500), set(duty)].concat());
            let channels = [script(250), script(0), script(1000)];
            let enable = Pin::new(&[Level::set(State::High), Level::set(State::Low)]);
            let mut inverter = ThreePhasePwm::new(channels, enable);
            // Off: nothing is touched.
            inverter.apply([T::one(); 3]).unwrap();
            inverter.enable().unwrap();
            inverter
                .apply([T::lit(0.25), T::lit(-3.0), T::lit(1.5)])
                .unwrap();
            inverter.off().unwrap();
            inverter.apply([T::one(); 3]).unwrap();
            close(inverter);
        }
        check::<f32>();
        check::<f64>();
        check::<Q16>();
    }

    #[test]
    fn an_error_in_the_middle_switches_everything_off() {
        let broken = MockError::Io(ErrorKind::BrokenPipe);
        let set = |duty| [Duty::max_duty_cycle(1000), Duty::set_duty_cycle(duty)];
        let failing = [
            set(500).to_vec(),
            [
                Duty::max_duty_cycle(1000),
                Duty::set_duty_cycle(200).with_error(broken.clone()),
            ]
            .to_vec(),
        ]
        .concat();
        let channels = [
            with_zero([set(500), set(200)].concat()),
            with_zero(failing),
            with_zero(set(500).to_vec()),
        ];
        let enable = Pin::new(&[Level::set(State::High), Level::set(State::Low)]);
        let mut inverter = ThreePhasePwm::new(channels, enable);
        inverter.enable().unwrap();
        assert_eq!(
            inverter.apply([0.2_f32; 3]),
            Err(InverterError::Pwm(broken))
        );
        assert!(!inverter.is_on());
        close(inverter);
    }

    #[test]
    fn off_reaches_every_output_even_if_the_first_fails() {
        let broken = MockError::Io(ErrorKind::BrokenPipe);
        let zero = || Pwm::new(&[Duty::set_duty_cycle(0)]);
        let failing = Pwm::new(&[Duty::set_duty_cycle(0).with_error(broken.clone())]);
        let enable = Pin::new(&[Level::set(State::Low).with_error(broken.clone())]);
        let mut inverter = ThreePhasePwm::new([failing, zero(), zero()], enable);
        assert_eq!(inverter.off(), Err(InverterError::Enable(broken)));
        close(inverter);
    }
}
