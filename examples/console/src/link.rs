//! The line to the robot, taken apart into text and frames by a thread of its own.

use anyhow::{Context, Result, bail};
use balance_core::telemetry::{FrameReader, Message, Piece};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// Baud rate of a serial port whose name does not say another.
const BAUD: u32 = 115_200;
const PATIENCE: Duration = Duration::from_millis(20);

/// What came over the line.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Text of the prompt.
    Text(Vec<u8>),
    /// A channel's index, name and unit.
    Channel(u8, String, String),
    /// A tick: number, microseconds, bits of its channels, values.
    Record(u32, u64, u32, Vec<f32>),
    /// State, and why it stopped.
    State(u64, String, String),
    /// Records that the robot could not send.
    Dropped(u32),
    /// A frame that was disturbed.
    Broken,
    /// The line is gone, and why.
    Closed(String),
}

/// An open line.
pub struct Link {
    /// What came, in its order.
    pub events: Receiver<Event>,
    writer: Box<dyn Write + Send>,
}

impl Link {
    /// Opens a serial port or a TCP connection.
    pub fn open(target: &str) -> Result<Self> {
        let (reader, writer) = if is_address(target) {
            let stream = TcpStream::connect(target).with_context(|| {
                format!("nobody answers at {target}; is `balance-sim serve` running?")
            })?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            let writer = stream.try_clone()?;
            (
                Box::new(stream) as Box<dyn Read + Send>,
                Box::new(writer) as Box<dyn Write + Send>,
            )
        } else {
            let (name, baud) = serial(target)?;
            let port = serialport::new(name, baud)
                .timeout(PATIENCE)
                .open()
                .with_context(|| format!("{name} cannot be opened; {}", known_ports()))?;
            let writer = port.try_clone()?;
            (
                Box::new(port) as Box<dyn Read + Send>,
                Box::new(writer) as Box<dyn Write + Send>,
            )
        };
        let (sender, events) = channel();
        thread::spawn(move || {
            let mut reader = reader;
            let mut frames = FrameReader::default();
            let mut bytes = [0; 4096];
            loop {
                let length = match reader.read(&mut bytes) {
                    Ok(0) => {
                        let _ = sender.send(Event::Closed("the robot hung up".into()));
                        return;
                    }
                    Ok(length) => length,
                    Err(error)
                        if matches!(
                            error.kind(),
                            ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted
                        ) =>
                    {
                        continue;
                    }
                    Err(error) => {
                        let _ = sender.send(Event::Closed(error.to_string()));
                        return;
                    }
                };
                for event in split(&mut frames, &bytes[..length]) {
                    // Nobody listens any more.
                    if sender.send(event).is_err() {
                        return;
                    }
                }
            }
        });
        Ok(Self { events, writer })
    }

    /// Sends what was typed.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer.write_all(bytes).context("the line is gone")?;
        Ok(self.writer.flush()?)
    }
}

fn is_address(target: &str) -> bool {
    target.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn serial(target: &str) -> Result<(&str, u32)> {
    match target.rsplit_once('@') {
        None => Ok((target, BAUD)),
        Some((name, baud)) => match baud.parse() {
            Ok(baud) => Ok((name, baud)),
            Err(_) => bail!("{baud} is no baud rate; write {name}@115200"),
        },
    }
}

fn known_ports() -> String {
    let ports = serialport::available_ports().unwrap_or_default();
    if ports.is_empty() {
        return "no serial port is there: is the board plugged in, by a cable that carries data?"
            .into();
    }
    let names: Vec<String> = ports.into_iter().map(|port| port.port_name).collect();
    format!("there are {}", names.join(", "))
}

/// Takes bytes apart; text that belongs together stays together.
fn split(frames: &mut FrameReader, bytes: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    for byte in bytes {
        let event = match frames.push(*byte) {
            Piece::Nothing | Piece::Message(Message::Hello { .. }) => continue,
            Piece::Text(byte) => {
                if let Some(Event::Text(text)) = events.last_mut() {
                    text.push(byte);
                    continue;
                }
                Event::Text(vec![byte])
            }
            Piece::Message(message) => match message {
                Message::Channel { index, name, unit } => {
                    Event::Channel(index, name.to_owned(), unit.to_owned())
                }
                Message::Record {
                    sequence,
                    micros,
                    channels,
                    values,
                } => Event::Record(sequence, micros, channels, values.to_vec()),
                Message::State {
                    micros,
                    state,
                    stop,
                } => Event::State(micros, state.to_owned(), stop.to_owned()),
                Message::Dropped { count } => Event::Dropped(count),
                // Of a newer robot.
                _ => continue,
            },
            Piece::Broken => Event::Broken,
        };
        events.push(event);
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use balance_core::telemetry::{MAX_FRAME, Snapshot, encode};

    #[test]
    fn a_target_is_a_port_or_an_address() {
        for address in ["127.0.0.1:7300", "robot.local:23", "[::1]:7300"] {
            assert!(is_address(address), "{address}");
        }
        for port in ["/dev/ttyACM0", "COM3", "/dev/ttyUSB0@460800", "COM3:"] {
            assert!(!is_address(port), "{port}");
        }
        assert_eq!(serial("COM3").unwrap(), ("COM3", BAUD));
        assert_eq!(serial("COM3@460800").unwrap(), ("COM3", 460_800));
        assert!(serial("COM3@fast").is_err());
    }

    #[test]
    fn text_stays_together_around_frames() {
        let mut line = b"sta".to_vec();
        let mut buffer = [0; MAX_FRAME];
        let record = Message::record(5, 1, &Snapshot::<f32>::default());
        line.extend(encode(&record, &mut buffer).unwrap());
        line.extend(b"tus\r\n");
        assert_eq!(
            split(&mut FrameReader::default(), &line),
            [
                Event::Text(b"sta".to_vec()),
                Event::Record(5, 0, 1, vec![0.0]),
                Event::Text(b"tus\r\n".to_vec()),
            ]
        );
    }
}
