//! The battery's voltage from an ADC behind two resistors.

use crate::config::ConfigError;

/// Two resistors from the battery to ground, a 12-bit ADC between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divider {
    /// Resistance from battery to the ADC pin, in ohms.
    pub upper_ohm: u32,
    /// Resistance from the ADC pin to ground, in ohms; at most about 20 kΩ, or the ADC's own
    /// input shows in the reading.
    pub lower_ohm: u32,
    /// What the ADC calls full scale, in millivolts: its reference, 3300 on most boards.
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
    /// The factor from readings to millivolts.
    ///
    /// # Errors
    /// `OutOfRange("lower_ohm")` if it is zero, `OutOfRange("upper_ohm")` if full scale exceeds 65 V.
    pub const fn build(&self) -> Result<DividerScale, ConfigError> {
        let reference = self.reference_millivolts as u64;
        let ohms = self.upper_ohm as u64 + self.lower_ohm as u64;
        let Some(full_scale) = (reference * ohms).checked_div(self.lower_ohm as u64) else {
            return Err(ConfigError::OutOfRange("lower_ohm"));
        };
        if full_scale > u16::MAX as u64 {
            return Err(ConfigError::OutOfRange("upper_ohm"));
        }
        // full_scale / 4096 * 65536
        Ok(DividerScale(full_scale as u32 * 16))
    }
}

/// Millivolts of one step of the ADC, times 65536.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DividerScale(u32);

impl DividerScale {
    /// Millivolts of a 12-bit reading, rounded; higher bits are ignored. Four instructions.
    #[inline]
    #[must_use]
    pub const fn millivolts(self, reading: u16) -> u16 {
        // 4095 * (65535 * 16) + 32768 just fits into 32 bits.
        (((reading & 0xfff) as u32 * self.0 + 0x8000) >> 16) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_divider_reads_a_two_cell_battery() {
        let scale = Divider::default().build().unwrap();
        // 7.4 V is 1.85 V at the pin, of 3.3 V.
        let reading = (7400.0 / 4.0 / 3300.0 * 4096.0_f64).round() as u16;
        assert!(scale.millivolts(reading).abs_diff(7400) <= 3);
        assert_eq!(scale.millivolts(0), 0);
        assert!(scale.millivolts(4095).abs_diff(13_197) <= 1);
    }

    #[test]
    fn the_widest_divider_does_not_overflow() {
        let divider = Divider {
            upper_ohm: 65_535 - 3300,
            lower_ohm: 3300,
            reference_millivolts: 3300,
        };
        let scale = divider.build().unwrap();
        assert_eq!(scale.millivolts(u16::MAX), 65_519);
    }

    #[test]
    fn impossible_dividers_are_refused() {
        let lower_ohm = 0;
        let divider = Divider {
            lower_ohm,
            ..Divider::default()
        };
        assert_eq!(divider.build(), Err(ConfigError::OutOfRange("lower_ohm")));
        let upper_ohm = 300_000;
        let divider = Divider {
            upper_ohm,
            ..Divider::default()
        };
        assert_eq!(divider.build(), Err(ConfigError::OutOfRange("upper_ohm")));
    }
}
