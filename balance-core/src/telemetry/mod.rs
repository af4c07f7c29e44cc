//! What the robot tells: records at the rate of the loop, frames on a wire, a black box.
//!
//! ```text
//!  loop ──Snapshot──▶ Recorder ══queue══▶ Drain ──Message──▶ frame ──▶ 00 COBS(postcard, CRC) 00
//!    │
//!    ╰──▶ BlackBox: the seconds before a fault; KeptBox: also over a reset
//! ```
//!
//! The loop only copies: [`Recorder::push`] never waits, and what does not fit is counted. All else
//! happens at a lower priority. The channels have names and units of their own on the wire
//! ([`Message::Channel`]), so that a tool need not be rebuilt when the robot learns a new one.
//!
//! Frames share their line with text: no byte of a frame or of text is zero, and a zero stands on
//! either side of each frame. [`FrameReader`] takes them apart again, and finds its way back after
//! any disturbance with the second frame at the latest.

mod black_box;
mod channel;
mod frame;
mod kept_box;
mod message;
mod packed;
mod recorder;

pub use black_box::BlackBox;
pub use channel::{Channel, Snapshot};
pub use frame::{FrameReader, FrameTooLong, MAX_FRAME, Piece, encode};
pub use kept_box::{KeptBox, KeptFaults};
pub use message::{MAX_CHANNELS, Message};
pub use recorder::{Drain, RecordQueue, Recorder};
