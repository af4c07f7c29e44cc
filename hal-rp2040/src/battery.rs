//! The battery's voltage through the ADC and a divider.

use embassy_rp::Peri;
use embassy_rp::adc::{Adc, AdcPin, Blocking, Channel, Config};
use embassy_rp::gpio::Pull;
use embassy_rp::pac;
use embassy_rp::peripherals::ADC;

/// Two resistors from the battery to ground, the ADC between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divider {
    /// Resistance from battery to the ADC pin, in ohms.
    pub upper_ohm: u32,
    /// Resistance from the ADC pin to ground, in ohms; at most about 20 kΩ, or the ADC's own
    /// input shows in the reading.
    pub lower_ohm: u32,
    /// What the ADC calls full scale, in millivolts: the supply of ADC_VREF, 3300 on a Pico.
    pub reference_millivolts: u16,
}

impl Default for Divider {
    /// 30 kΩ over 10 kΩ: full scale is 13.2 V.
    fn default() -> Self {
        Self {
            upper_ohm: 30_000,
            lower_ohm: 10_000,
            reference_millivolts: 3300,
        }
    }
}

impl Divider {
    /// Millivolts of one ADC step, times 65536; none if the full scale exceeds 65 V or `lower_ohm`
    /// is zero.
    const fn scale(&self) -> Option<u32> {
        let reference = self.reference_millivolts as u64;
        let ohms = self.upper_ohm as u64 + self.lower_ohm as u64;
        let Some(full_scale) = (reference * ohms).checked_div(self.lower_ohm as u64) else {
            return None;
        };
        if full_scale > u16::MAX as u64 {
            return None;
        }
        // full_scale / 4096 * 65536
        Some(full_scale as u32 * 16)
    }
}

/// Millivolts of a 12-bit reading, rounded.
#[inline]
const fn millivolts(reading: u16, scale: u32) -> u16 {
    // 4095 * (65535 * 16) + 32768 just fits into 32 bits.
    (((reading & 0xfff) as u32 * scale + 0x8000) >> 16) as u16
}

/// The divider's full scale is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DividerOutOfRange;

/// Reads the battery without ever waiting for the ADC.
pub struct Battery<'d> {
    scale: u32,
    _adc: Adc<'d, Blocking>,
    _channel: Channel<'d>,
}

impl<'d> Battery<'d> {
    /// Takes the ADC and a pin (GP26 to GP29) and starts the first conversion.
    ///
    /// # Errors
    ///
    /// [`DividerOutOfRange`] if full scale exceeds 65 V or `lower_ohm` is zero.
    pub fn new(
        adc: Peri<'d, ADC>,
        pin: Peri<'d, impl AdcPin + 'd>,
        divider: Divider,
    ) -> Result<Self, DividerOutOfRange> {
        let scale = divider.scale().ok_or(DividerOutOfRange)?;
        // The ADC's channel 0 is GP26.
        let input = pin.pin().saturating_sub(26);
        let adc = Adc::new_blocking(adc, Config::default());
        let channel = Channel::new_pin(pin, Pull::None);
        pac::ADC.cs().modify(|w| {
            w.set_ainsel(input);
            w.set_start_once(true);
        });
        Ok(Self {
            scale,
            _adc: adc,
            _channel: channel,
        })
    }

    /// The reading that the previous call started, in millivolts, and starts the next.
    ///
    /// None if the conversion failed or is not done: one takes 2 µs. About 30 cycles.
    #[inline]
    pub fn millivolts(&mut self) -> Option<u16> {
        let status = pac::ADC.cs().read();
        if !status.ready() {
            return None;
        }
        let reading = pac::ADC.result().read().result();
        pac::ADC.cs().modify(|w| w.set_start_once(true));
        (!status.err()).then(|| millivolts(reading, self.scale))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_divider_reads_a_two_cell_battery() {
        let scale = Divider::default().scale().unwrap();
        // 7.4 V is 1.85 V at the pin, of 3.3 V.
        let reading = (7400.0 / 4.0 / 3300.0 * 4096.0_f64).round() as u16;
        assert!(millivolts(reading, scale).abs_diff(7400) <= 3);
        assert_eq!(millivolts(0, scale), 0);
        assert!(millivolts(4095, scale).abs_diff(13_197) <= 1);
    }

    #[test]
    fn the_widest_divider_does_not_overflow() {
        let divider = Divider {
            upper_ohm: 65_535 - 3300,
            lower_ohm: 3300,
            reference_millivolts: 3300,
        };
        let scale = divider.scale().unwrap();
        assert_eq!(millivolts(u16::MAX, scale), 65_519);
    }

    #[test]
    fn impossible_dividers_are_refused() {
        let lower_ohm = 0;
        let divider = Divider {
            lower_ohm,
            ..Divider::default()
        };
        assert_eq!(divider.scale(), None);
        let upper_ohm = 300_000;
        let divider = Divider {
            upper_ohm,
            ..Divider::default()
        };
        assert_eq!(divider.scale(), None);
    }
}
