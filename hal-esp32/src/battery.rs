//! The battery's voltage through the ADC and a divider.

use balance_core::ConfigError;
use balance_core::platform::DividerScale;
use esp_hal::Blocking;
use esp_hal::analog::adc::{Adc, AdcCalScheme, AdcChannel, AdcPin};
use esp_hal::peripherals::ADC1;

pub use balance_core::platform::Divider;

/// Reads the battery without ever waiting for the ADC.
pub struct Battery<'d, PIN, CAL> {
    scale: DividerScale,
    adc: Adc<'d, ADC1<'d>, Blocking>,
    pin: AdcPin<PIN, ADC1<'d>, CAL>,
}

impl<'d, PIN: AdcChannel, CAL: AdcCalScheme<ADC1<'d>>> Battery<'d, PIN, CAL> {
    /// Takes the ADC and a pin that is calibrated, so that readings are millivolts; the divider's
    /// `reference_millivolts` then has no effect.
    ///
    /// ```ignore
    /// let mut config = AdcConfig::new();
    /// let pin = config.enable_pin_with_cal::<_, AdcCalCurve<_>>(p.GPIO0, Attenuation::_11dB);
    /// let battery = Battery::new(Adc::new(p.ADC1, config), pin, Divider::default())?;
    /// ```
    ///
    /// With 11 dB the ADC reads up to about 2.5 V: 10 V with the default divider. Above that take a
    /// larger `upper_ohm`.
    ///
    /// # Errors
    ///
    /// As told by [`Divider::build`].
    pub fn new(
        adc: Adc<'d, ADC1<'d>, Blocking>,
        pin: AdcPin<PIN, ADC1<'d>, CAL>,
        divider: Divider,
    ) -> Result<Self, ConfigError> {
        // One step of 4096 is a millivolt.
        let divider = Divider {
            reference_millivolts: 4096,
            ..divider
        };
        Ok(Self {
            scale: divider.build()?,
            adc,
            pin,
        })
    }

    /// The reading that an earlier call started, in millivolts; None if it is not done, and then
    /// that of one of the next calls.
    #[inline]
    pub fn millivolts(&mut self) -> Option<u16> {
        let reading = self.adc.read_oneshot(&mut self.pin).ok()?;
        Some(self.scale.millivolts(reading.min(4095)))
    }
}
