//! Quadrature encoders.
//!
//! The ESP32, S3 and C6 have a pulse counter (PCNT) that counts all four edges of a period in
//! hardware. **The ESP32-C3 has none**: there an interrupt at each edge counts, at most some ten
//! thousand edges a second, and says how many it missed.

#[cfg(feature = "esp32c3")]
mod edge_interrupt;
#[cfg(not(feature = "esp32c3"))]
mod pulse_counter;

#[cfg(feature = "esp32c3")]
pub use edge_interrupt::{Encoder, start};
#[cfg(not(feature = "esp32c3"))]
pub use pulse_counter::Encoder;
