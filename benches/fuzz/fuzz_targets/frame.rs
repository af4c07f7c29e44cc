//! Bytes of a line into the reader of frames: no panic, and after any of them a frame comes through.
#![no_main]

use balance_core::telemetry::{FrameReader, MAX_FRAME, Message, Piece, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut reader = FrameReader::default();
    let mut again = [0; MAX_FRAME];
    for byte in bytes {
        if let Piece::Message(message) = reader.push(*byte) {
            // What was read can be written, and read again.
            let _ = encode(&message, &mut again);
        }
    }
    let message = Message::Dropped { count: 7 };
    let frame = encode(&message, &mut again).expect("a short message fits");
    let mut heard = false;
    for byte in frame.iter().chain(frame) {
        heard |= reader.push(*byte) == Piece::Message(message.clone());
    }
    assert!(heard, "the second frame after a disturbance is lost");
});
