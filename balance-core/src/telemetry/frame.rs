//! Frames: `00 COBS(postcard ‖ CRC-32) 00`, on a line that carries text as well.
//!
//! COBS: S. Cheshire, M. Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on
//! Networking 7(2), 1999. The CRC is that of ISO-HDLC (Ethernet, zip), little endian.

use super::message::Message;
use core::fmt;
use crc::{CRC_32_ISO_HDLC, Crc};
use postcard::ser_flavors::{Cobs, Slice, crc::CrcModifier};

/// Bytes of the longest frame, both zeros included.
pub const MAX_FRAME: usize = 256;

const CHECK: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// The message does not fit into the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameTooLong;

impl fmt::Display for FrameTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the message is too long for the buffer of its frame")
    }
}

impl core::error::Error for FrameTooLong {}

/// Makes a frame of a message; [`MAX_FRAME`] bytes are enough for any of ours.
///
/// # Errors
/// [`FrameTooLong`].
pub fn encode<'b>(message: &Message<'_>, buffer: &'b mut [u8]) -> Result<&'b [u8], FrameTooLong> {
    let (start, rest) = buffer.split_first_mut().ok_or(FrameTooLong)?;
    *start = 0;
    let stuffed = Cobs::try_new(Slice::new(rest)).map_err(|_| FrameTooLong)?;
    let checked = CrcModifier::new(stuffed, CHECK.digest());
    // Ends with the zero of COBS.
    let length = postcard::serialize_with_flavor::<_, _, &mut [u8]>(message, checked)
        .map_err(|_| FrameTooLong)?
        .len();
    buffer.get(..=length).ok_or(FrameTooLong)
}

/// What the next byte has brought.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece<'a> {
    /// Nothing yet: within a frame.
    Nothing,
    /// A byte of text.
    Text(u8),
    /// A whole frame.
    Message(Message<'a>),
    /// A frame that was disturbed on its way.
    Broken,
}

/// Takes text and frames apart.
#[derive(Clone, Debug)]
pub struct FrameReader {
    buffer: [u8; MAX_FRAME],
    /// Bytes of the frame so far; `None` between frames.
    length: Option<usize>,
}

impl Default for FrameReader {
    fn default() -> Self {
        Self {
            buffer: [0; MAX_FRAME],
            length: None,
        }
    }
}

impl FrameReader {
    /// Takes a byte from the line.
    pub fn push(&mut self, byte: u8) -> Piece<'_> {
        let Some(length) = self.length else {
            if byte == 0 {
                self.length = Some(0);
                return Piece::Nothing;
            }
            return Piece::Text(byte);
        };
        if byte != 0 {
            if let Some(place) = self.buffer.get_mut(length) {
                *place = byte;
                self.length = Some(length + 1);
                return Piece::Nothing;
            }
            // No frame is as long: it was text behind a lost zero.
            self.length = None;
            return Piece::Broken;
        }
        if length == 0 {
            // Two zeros in a row: the second begins the frame.
            return Piece::Nothing;
        }
        self.length = None;
        let Some(frame) = self.buffer.get_mut(..length) else {
            return Piece::Broken;
        };
        let decoded = cobs::decode_in_place(frame).ok();
        let message = decoded
            .and_then(|length| frame.get(..length))
            .and_then(|bytes| postcard::from_bytes_crc32(bytes, CHECK.digest()).ok());
        match message {
            Some(message) => Piece::Message(message),
            None => {
                // The zero that ended it may be the one that begins the next.
                self.length = Some(0);
                Piece::Broken
            }
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::telemetry::{MAX_CHANNELS, Snapshot};
    use proptest::prelude::*;
    use std::vec::Vec;

    fn record(sequence: u32) -> Message<'static> {
        Message::record(sequence, u32::MAX, &Snapshot::<f32>::default())
    }

    fn framed(message: &Message<'_>) -> Vec<u8> {
        let mut buffer = [0; MAX_FRAME];
        encode(message, &mut buffer).unwrap().to_vec()
    }

    /// Sequence numbers and text that come through.
    fn read(line: &[u8]) -> (Vec<u32>, Vec<u8>, usize) {
        let mut reader = FrameReader::default();
        let (mut records, mut text, mut broken) = (Vec::new(), Vec::new(), 0);
        for byte in line {
            match reader.push(*byte) {
                Piece::Nothing => {}
                Piece::Text(byte) => text.push(byte),
                Piece::Message(Message::Record { sequence, .. }) => records.push(sequence),
                Piece::Message(_) => {}
                Piece::Broken => broken += 1,
            }
        }
        (records, text, broken)
    }

    #[test]
    fn the_longest_record_fits() {
        let longest = Message::Record {
            sequence: u32::MAX,
            micros: u64::MAX,
            channels: u32::MAX,
            values: [f32::MAX; MAX_CHANNELS].into_iter().collect(),
        };
        assert!(framed(&longest).len() <= MAX_FRAME);
        assert_eq!(encode(&longest, &mut [0; 40]), Err(FrameTooLong));
        assert_eq!(encode(&longest, &mut []), Err(FrameTooLong));
    }

    #[test]
    fn text_and_frames_share_a_line() {
        let mut line = b"help\r\n".to_vec();
        line.extend(framed(&record(1)));
        line.extend(framed(&record(2)));
        line.extend(b"ok\r\n");
        line.extend(framed(&record(3)));
        let (records, text, broken) = read(&line);
        assert_eq!(records, [1, 2, 3]);
        assert_eq!(text, b"help\r\nok\r\n");
        assert_eq!(broken, 0);
    }

    #[test]
    fn every_message_comes_back() {
        for message in [
            Message::Hello {
                firmware: "balance-pico 0.1.0",
                scalar: "Q12",
                period_micros: 1000,
                channels: 16,
            },
            Message::Channel {
                index: 3,
                name: "speed",
                unit: "m/s",
            },
            record(9),
            Message::State {
                micros: 1 << 40,
                state: "fallen",
                stop: "tilt",
            },
            Message::Dropped { count: 17 },
        ] {
            let mut reader = FrameReader::default();
            let (last, before) = framed(&message)
                .split_last()
                .map(|(l, b)| (*l, b.to_vec()))
                .unwrap();
            for byte in before {
                assert_eq!(reader.push(byte), Piece::Nothing);
            }
            assert_eq!(reader.push(last), Piece::Message(message));
        }
    }

    proptest! {
        /// Whatever happens to one byte, or if one is lost or inserted, no wrong record comes out,
        /// and from the second frame after it on all are read.
        #[test]
        fn finds_its_way_back(place in 0..80_usize, byte in any::<u8>(), kind in 0..3) {
            let mut line: Vec<u8> = Vec::new();
            for sequence in 0..6 {
                line.extend(framed(&record(sequence)));
            }
            match kind {
                0 => line[place] = byte,
                1 => { line.remove(place); }
                _ => line.insert(place, byte),
            }
            let (records, _, _) = read(&line);
            prop_assert!(records.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(records.iter().all(|sequence| *sequence < 6));
            prop_assert!(records.ends_with(&[3, 4, 5]), "{records:?}");
        }

        #[test]
        fn garbage_never_panics_and_leaves_room_for_a_frame(
            garbage in proptest::collection::vec(any::<u8>(), 0..2000),
        ) {
            let mut line = garbage;
            for sequence in 1000..1004 {
                line.extend(framed(&record(sequence)));
            }
            let (records, _, _) = read(&line);
            prop_assert!(records.ends_with(&[1002, 1003]), "{records:?}");
        }
    }
}
