//! Quadrature encoders counted by a timer.
//!
//! A timer in encoder mode counts all four edges of a period in hardware, as fast as its clock
//! allows, and filters nothing: the processor spends nothing on an edge.

use core::convert::Infallible;

use balance_core::platform::{CountExtender, Quadrature};
use embassy_stm32::timer::GeneralInstance4Channel;
use embassy_stm32::timer::qei::Qei;

/// One encoder: a timer that counts.
pub struct Encoder<'d, T: GeneralInstance4Channel> {
    timer: Qei<'d, T>,
    count: CountExtender,
}

impl<'d, T: GeneralInstance4Channel> Encoder<'d, T> {
    /// Takes a timer in encoder mode. Its two pins (channels 1 and 2 of the timer) should be pulled
    /// up, as encoders with open collectors need it:
    ///
    /// ```ignore
    /// let mut config = qei::Config::default();
    /// config.ch1_pull = Pull::Up;
    /// config.ch2_pull = Pull::Up;
    /// let encoder = Encoder::new(Qei::new(p.TIM3, p.PB4, p.PB5, config));
    /// ```
    pub const fn new(timer: Qei<'d, T>) -> Self {
        Self {
            timer,
            count: CountExtender::of_bits(16),
        }
    }

    /// Edges counted since the start, up when channel A leads; wraps at 2³¹.
    ///
    /// Call it before 32,768 edges have passed: every tick will do. About 15 cycles.
    #[inline]
    pub fn count(&mut self) -> i32 {
        self.count.update(self.timer.count().into())
    }
}

impl<T: GeneralInstance4Channel> Quadrature for Encoder<'_, T> {
    type Error = Infallible;
    #[inline]
    fn count(&mut self) -> Result<i32, Infallible> {
        Ok(self.count())
    }
}
