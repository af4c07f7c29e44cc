//! The battery's voltage through the ADC and a divider.

use balance_core::ConfigError;
use balance_core::platform::DividerScale;
use embassy_rp::Peri;
use embassy_rp::adc::{Adc, AdcPin, Blocking, Channel, Config};
use embassy_rp::gpio::Pull;
use embassy_rp::pac;
use embassy_rp::peripherals::ADC;

pub use balance_core::platform::Divider;

/// Reads the battery without ever waiting for the ADC.
pub struct Battery<'d> {
    scale: DividerScale,
    _adc: Adc<'d, Blocking>,
    _channel: Channel<'d>,
}

impl<'d> Battery<'d> {
    /// Takes the ADC and a pin (GP26 to GP29) and starts the first conversion.
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
        let mut status = pac::ADC.cs().read();
        if !status.ready() {
            return None;
        }
        let reading = pac::ADC.result().read().result();
        let failed = status.err();
        // Nobody else writes there; the bits of errors are cleared by a one.
        status.set_start_once(true);
        pac::ADC.cs().write_value(status);
        (!failed).then(|| self.scale.millivolts(reading))
    }
}
