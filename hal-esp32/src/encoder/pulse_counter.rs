use core::convert::Infallible;

use balance_core::ConfigError;
use balance_core::platform::{CountExtender, Quadrature};
use esp_hal::gpio::Input;
use esp_hal::pcnt::channel::{CtrlMode, EdgeMode};
use esp_hal::pcnt::unit::Unit;

/// The counter starts again from zero here, in both directions.
const LIMIT: i16 = 32_000;

/// Pulses shorter than so many cycles of the 80 MHz clock are not counted: 1 µs.
const FILTER: u16 = 80;

/// One encoder: a unit of the pulse counter.
pub struct Encoder<'d, const UNIT: usize> {
    unit: Unit<'d, UNIT>,
    count: CountExtender,
    _channels: [Input<'d>; 2],
}

impl<'d, const UNIT: usize> Encoder<'d, UNIT> {
    /// Takes a unit and two pins, which should be pulled up, as encoders with open collectors need
    /// it.
    ///
    /// # Errors
    ///
    /// None, as long as the constants of this file are valid.
    pub fn new(unit: Unit<'d, UNIT>, a: Input<'d>, b: Input<'d>) -> Result<Self, ConfigError> {
        let invalid = ConfigError::OutOfRange("limit");
        unit.set_high_limit(Some(LIMIT)).map_err(|_| invalid)?;
        unit.set_low_limit(Some(-LIMIT)).map_err(|_| invalid)?;
        unit.set_filter(Some(FILTER)).map_err(|_| invalid)?;
        let (signal_a, signal_b) = (a.peripheral_input(), b.peripheral_input());
        // Up is A before B: A rises while B is low, B rises while A is high.
        unit.channel0.set_edge_signal(signal_a.clone());
        unit.channel0.set_ctrl_signal(signal_b.clone());
        unit.channel0
            .set_input_mode(EdgeMode::Decrement, EdgeMode::Increment);
        unit.channel0
            .set_ctrl_mode(CtrlMode::Keep, CtrlMode::Reverse);
        unit.channel1.set_edge_signal(signal_b);
        unit.channel1.set_ctrl_signal(signal_a);
        unit.channel1
            .set_input_mode(EdgeMode::Increment, EdgeMode::Decrement);
        unit.channel1
            .set_ctrl_mode(CtrlMode::Keep, CtrlMode::Reverse);
        unit.clear();
        unit.resume();
        Ok(Self {
            unit,
            count: CountExtender::modulo(LIMIT.into())?,
            _channels: [a, b],
        })
    }

    /// Edges counted since the start, up when channel A leads; wraps at 2³¹.
    ///
    /// Call it before 16,000 edges have passed: every tick will do.
    #[inline]
    pub fn count(&mut self) -> i32 {
        self.count.update(self.unit.value().into())
    }
}

impl<const UNIT: usize> Quadrature for Encoder<'_, UNIT> {
    type Error = Infallible;
    #[inline]
    fn count(&mut self) -> Result<i32, Infallible> {
        Ok(self.count())
    }
}
