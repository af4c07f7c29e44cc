//! What a board gives that embedded-hal has no trait for.
//!
//! | trait | is | on |
//! |---|---|---|
//! | [`Quadrature`] | a counter of both channels' edges | RP2040 PIO, STM32 timer in encoder mode, ESP32 PCNT, simulator |
//! | [`EdgeCapture`] | the same, and when the last edge was | a timer that captures, an interrupt that reads a clock |
//!
//! A counter narrower than 32 bits goes through a [`CountExtender`].

mod count_extender;
mod quadrature;

pub use count_extender::CountExtender;
pub use quadrature::{Edge, EdgeCapture, Quadrature, read_wheels};
