//! What a board gives that embedded-hal has no trait for.
//!
//! | trait | is | on |
//! |---|---|---|
//! | [`Quadrature`] | a counter of both channels' edges | RP2040 PIO, STM32 timer in encoder mode, ESP32 PCNT, simulator |
//! | [`EdgeCapture`] | the same, and when the last edge was | a timer that captures, an interrupt that reads a clock |
//! | [`Words`] | memory that a reset leaves as it is | RAM that the start-up code does not clear |
//!
//! A counter narrower than 32 bits goes through a [`CountExtender`].
//!
//! And what every board's adapter would otherwise have to compute for itself:
//!
//! | type | is |
//! |---|---|
//! | [`QuadratureDecoder`] | the count from an interrupt at each edge, where no hardware counts |
//! | [`TickGrid`] | deadlines at an exact cadence; missed ones are counted, not made up for |
//! | [`Divider`] | millivolts of a battery behind two resistors |
//! | [`Blink`] | what an LED shows |
//! | [`StopCause`] | why the motors were stopped, in words that survive a reset |

mod blink;
mod count_extender;
mod divider;
mod quadrature;
mod quadrature_decoder;
mod stop_cause;
mod tick_grid;
mod words;

pub use blink::Blink;
pub use count_extender::CountExtender;
pub use divider::{Divider, DividerScale};
pub use quadrature::{Edge, EdgeCapture, Quadrature, read_wheels};
pub use quadrature_decoder::QuadratureDecoder;
pub use stop_cause::StopCause;
pub use tick_grid::TickGrid;
pub use words::Words;
