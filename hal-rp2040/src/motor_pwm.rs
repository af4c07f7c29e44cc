//! A PWM slice as two motor channels.

use core::convert::Infallible;

use embassy_rp::Peri;
use embassy_rp::pac;
use embassy_rp::pac::common::{RW, Reg};
use embassy_rp::pwm::{ChannelAPin, ChannelBPin, Config, Pwm, PwmOutput, Slice};
use embedded_hal::pwm::{ErrorType, SetDutyCycle};

/// Above hearing, below what the usual H-bridges stop following (TB6612FNG: 100 kHz).
pub const MOTOR_PWM_HZ: u32 = 20_000;

/// How a slice divides its clock into PWM periods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PwmTiming {
    /// Counter steps of one period, 2 to 65535: the resolution of a duty.
    pub steps: u16,
    /// Clock cycles per counter step, 1 to 255.
    pub divider: u8,
}

impl PwmTiming {
    /// The finest timing of `frequency_hz` from a clock of `clock_hz`; none if the frequency is
    /// zero, above half the clock, or below what the divider reaches (7.5 Hz at 125 MHz).
    pub const fn new(clock_hz: u32, frequency_hz: u32) -> Option<Self> {
        let Some(cycles) = clock_hz.checked_div(frequency_hz) else {
            return None;
        };
        // Full duty is `steps` itself and must fit the 16-bit compare register.
        let divider = cycles / 65_536 + 1;
        let steps = cycles / divider;
        if divider > 255 || steps < 2 {
            return None;
        }
        Some(Self {
            steps: steps as u16,
            divider: divider as u8,
        })
    }
}

/// Both channels of a slice, at the same frequency.
pub struct MotorPwm<'d> {
    /// Channel A: the even pin.
    pub a: MotorChannel<'d>,
    /// Channel B: the odd pin.
    pub b: MotorChannel<'d>,
}

/// The timing asked for cannot be had from this clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrequencyOutOfRange;

impl<'d> MotorPwm<'d> {
    /// Takes a slice and its two pins and starts them at duty zero.
    ///
    /// # Errors
    ///
    /// [`FrequencyOutOfRange`] as told by [`PwmTiming::new`].
    pub fn new<S: Slice>(
        slice: Peri<'d, S>,
        pin_a: Peri<'d, impl ChannelAPin<S>>,
        pin_b: Peri<'d, impl ChannelBPin<S>>,
        frequency_hz: u32,
    ) -> Result<Self, FrequencyOutOfRange> {
        let timing = PwmTiming::new(embassy_rp::clocks::clk_sys_freq(), frequency_hz)
            .ok_or(FrequencyOutOfRange)?;
        let mut config = Config::default();
        config.divider = timing.divider.into();
        config.top = timing.steps - 1;
        let compare = pac::PWM.ch(slice.number()).cc();
        let (Some(a), Some(b)) = Pwm::new_output_ab(slice, pin_a, pin_b, config).split() else {
            // `new_output_ab` was given both pins.
            return Err(FrequencyOutOfRange);
        };
        let channel = |shift, pin| MotorChannel {
            flip: toggled_by_writing(compare),
            shift,
            steps: timing.steps,
            duty: 0,
            _pin: pin,
        };
        Ok(Self {
            a: channel(0, a),
            b: channel(16, b),
        })
    }
}

type Compare = Reg<pac::pwm::regs::ChCc, RW>;

/// The alias of a register that toggles its bits (RP2040 datasheet, 2.1.2).
#[allow(unsafe_code)]
fn toggled_by_writing(register: Compare) -> Compare {
    const TOGGLE: usize = 0x1000;
    // SAFETY: each peripheral register has this alias, at this distance, for words.
    unsafe { Reg::from_ptr(register.as_ptr().byte_add(TOGGLE)) }
}

/// One motor's PWM output.
///
/// A new duty takes effect at the end of the running period (the compare register is double
/// buffered), so there is never a runt pulse. Full duty is really full: the pin does not fall
/// between periods. Dropped, the pin floats with a pull-down.
pub struct MotorChannel<'d> {
    /// The two channels share a register and may live in different tasks: each toggles what
    /// differs in its own half, in one write.
    flip: Compare,
    /// Of this channel's half.
    shift: u8,
    steps: u16,
    /// What this channel's half holds.
    duty: u16,
    _pin: PwmOutput<'d>,
}

impl ErrorType for MotorChannel<'_> {
    type Error = Infallible;
}

impl SetDutyCycle for MotorChannel<'_> {
    fn max_duty_cycle(&self) -> u16 {
        self.steps
    }

    fn set_duty_cycle(&mut self, duty: u16) -> Result<(), Infallible> {
        let duty = duty.min(self.steps);
        let change = u32::from(duty ^ self.duty) << self.shift;
        self.duty = duty;
        self.flip.write_value(pac::pwm::regs::ChCc(change));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_kilohertz_is_exact_at_the_picos_clock() {
        let timing = PwmTiming::new(125_000_000, MOTOR_PWM_HZ).unwrap();
        assert_eq!((timing.steps, timing.divider), (6250, 1));
    }

    #[test]
    fn slow_servos_take_the_smallest_divider_that_fits() {
        let timing = PwmTiming::new(125_000_000, 50).unwrap();
        assert_eq!(timing.divider, 39);
        let hz = 125e6 / f64::from(timing.steps) / f64::from(timing.divider);
        assert!((hz - 50.0).abs() < 0.001, "{hz}");
    }

    #[test]
    fn full_duty_always_fits_the_compare_register() {
        for frequency in [1908, 1907, 1000, 954, 10, 8] {
            let timing = PwmTiming::new(125_000_000, frequency).unwrap();
            let cycles = u32::from(timing.steps) * u32::from(timing.divider);
            assert!(
                cycles.abs_diff(125_000_000 / frequency) < 256,
                "{frequency}"
            );
        }
    }

    #[test]
    fn impossible_frequencies_are_refused() {
        assert_eq!(PwmTiming::new(125_000_000, 0), None);
        assert_eq!(PwmTiming::new(125_000_000, 7), None);
        assert_eq!(PwmTiming::new(125_000_000, 100_000_000), None);
    }
}
