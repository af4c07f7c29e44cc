//! The battery's voltage through the ADC and a divider.

use balance_core::ConfigError;
use balance_core::platform::DividerScale;
use embassy_rp::Peri;
use embassy_rp::adc::{Adc, AdcPin, Blocking, Channel, Config};
use embassy_rp::gpio::Pull;
use embassy_rp::pac;
use embassy_rp::peripherals::ADC;

pub use balance_core::platform::Divider;

/// Reads the battery without ever waiting for the ADC, which converts a thousand times a second by
/// itself.
pub struct Battery<'d> {
    scale: DividerScale,
    _adc: Adc<'d, Blocking>,
    _channel: Channel<'d>,
}

impl<'d> Battery<'d> {
    /// Takes the ADC and a pin (GP26 to GP29) and starts it.
    ///
    /// # Errors
    ///
    /// As told by [`Divider::build`].
    pub fn new(
        adc: Peri<'d, ADC>,
        pin: Peri<'d, impl AdcPin + 'd>,
        divider: Divider,
    ) -> Result<Self, ConfigError> {
        let scale = divider.build()?;
        // The ADC's channel 0 is GP26.
        let input = pin.pin().saturating_sub(26);
        let adc = Adc::new_blocking(adc, Config::default());
        let channel = Channel::new_pin(pin, Pull::None);
        // Cycles of its clock of 48 MHz between two conversions, less one.
        pac::ADC.div().write(|w| w.set_int(47_999));
        pac::ADC.cs().modify(|w| {
            w.set_ainsel(input);
            w.set_start_many(true);
        });
        Ok(Self {
            scale,
            _adc: adc,
            _channel: channel,
        })
    }

    /// The last reading, in millivolts.
    ///
    /// None if its conversion failed. About 25 cycles.
    #[inline]
    pub fn millivolts(&mut self) -> Option<u16> {
        if pac::ADC.cs().read().err() {
            return None;
        }
        let reading = pac::ADC.result().read().result();
        Some(self.scale.millivolts(reading))
    }
}
