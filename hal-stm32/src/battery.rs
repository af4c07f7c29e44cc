//! The battery's voltage through an ADC and a divider.

use balance_core::ConfigError;
use balance_core::platform::DividerScale;

pub use balance_core::platform::Divider;

/// How this chip takes a 12-bit reading of the pin.
///
/// The families of STM32 have eight kinds of ADC, and embassy-stm32 a driver for each: the firmware
/// says in one line what to call. Closures will do:
///
/// ```ignore
/// let mut adc = Adc::new(p.ADC1);
/// let mut pin = p.PA1;
/// let read = move || adc.blocking_read(&mut pin, SampleTime::CYCLES84);
/// let battery = Battery::new(read, Divider::default())?;
/// ```
pub trait ReadAdc {
    /// A reading, 0 to 4095. May wait for the conversion.
    fn read(&mut self) -> u16;
}

impl<F: FnMut() -> u16> ReadAdc for F {
    fn read(&mut self) -> u16 {
        self()
    }
}

/// Reads the battery.
pub struct Battery<A> {
    scale: DividerScale,
    adc: A,
}

impl<A: ReadAdc> Battery<A> {
    /// Takes what reads the ADC, and the resistors in front of it.
    ///
    /// # Errors
    ///
    /// As told by [`Divider::build`].
    pub fn new(adc: A, divider: Divider) -> Result<Self, ConfigError> {
        Ok(Self {
            scale: divider.build()?,
            adc,
        })
    }

    /// The voltage now, in millivolts. Waits for a conversion: some 5 µs on most families. It never
    /// is `None`; the return type is that of the other boards.
    #[inline]
    pub fn millivolts(&mut self) -> Option<u16> {
        Some(self.scale.millivolts(self.adc.read()))
    }
}
