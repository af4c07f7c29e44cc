//! Questions and answers over the robot's prompt.

use crate::cli::{GetArgs, SetArgs};
use crate::link::{Event, Link};
use anyhow::{Result, bail};
use std::collections::BTreeMap;
use std::io::{Write, stdout};
use std::time::{Duration, Instant};

/// A robot answers within 50 ms; a slow line needs longer for a long answer.
const PATIENCE: Duration = Duration::from_secs(2);
const PROMPT: &str = "> ";

/// A conversation.
pub struct Session {
    link: Link,
    /// Names and units of the channels that the robot has told of.
    pub channels: BTreeMap<u8, (String, String)>,
    /// Records that got lost on the way or were never sent.
    pub lost: u64,
    next: Option<u32>,
}

/// A tick.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Seconds since the robot started.
    pub seconds: f64,
    /// Values by the number of the channel.
    pub values: Vec<(u8, f32)>,
}

/// What the robot told.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// A tick.
    Record(Record),
    /// A change of its state.
    State(f64, String),
    /// Text of its prompt.
    Text(String),
}

impl Session {
    /// Connects, and waits for a prompt.
    pub fn open(target: &str) -> Result<Self> {
        let mut session = Self {
            link: Link::open(target)?,
            channels: BTreeMap::new(),
            lost: 0,
            next: None,
        };
        // Whatever stood on the line is ended, and the robot says whether it is there.
        session.ask("version")?;
        Ok(session)
    }

    /// What the robot answers to a line.
    pub fn ask(&mut self, line: &str) -> Result<String> {
        self.link.send(b"\r")?;
        while self
            .link
            .events
            .recv_timeout(Duration::from_millis(60))
            .is_ok()
        {}
        self.link.send(line.as_bytes())?;
        self.link.send(b"\r")?;
        let mut text = String::new();
        let until = Instant::now() + PATIENCE;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            match self.link.events.recv_timeout(left) {
                Ok(Event::Text(bytes)) => text.push_str(&String::from_utf8_lossy(&bytes)),
                Ok(Event::Closed(why)) => bail!("the line is gone: {why}"),
                Ok(event) => self.note(&event),
                Err(_) => break,
            }
            if let Some(answer) = answer(&text, line) {
                return Ok(answer);
            }
        }
        bail!("no prompt answers there; is this the robot's port, and its baud rate?")
    }

    /// As [`ask`](Self::ask); what the robot calls an error is one.
    pub fn demand(&mut self, line: &str) -> Result<String> {
        let answer = self.ask(line)?;
        match answer.strip_prefix("error: ") {
            Some(error) => bail!("{error}"),
            None => Ok(answer),
        }
    }

    /// Sends a line and does not wait.
    pub fn say(&mut self, line: &str) -> Result<()> {
        self.link.send(line.as_bytes())?;
        self.link.send(b"\r")
    }

    fn note(&mut self, event: &Event) {
        match event {
            Event::Channel(index, name, unit) => {
                self.channels.insert(*index, (name.clone(), unit.clone()));
            }
            Event::Dropped(count) => self.lost += u64::from(*count),
            _ => {}
        }
    }

    /// What the robot tells next; `None` if it is silent for so long.
    pub fn hear(&mut self, patience: Duration) -> Result<Option<Told>> {
        let until = Instant::now() + patience;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            match self.link.events.recv_timeout(left) {
                Err(_) => return Ok(None),
                Ok(Event::Closed(why)) => bail!("the line is gone: {why}"),
                Ok(Event::Text(bytes)) => {
                    return Ok(Some(Told::Text(
                        String::from_utf8_lossy(&bytes).into_owned(),
                    )));
                }
                Ok(Event::State(micros, state, stop)) => {
                    let words = if stop.is_empty() {
                        state
                    } else {
                        format!("{state} ({stop})")
                    };
                    return Ok(Some(Told::State(micros as f64 * 1e-6, words)));
                }
                Ok(Event::Record(sequence, micros, mask, values)) => {
                    if let Some(next) = self.next {
                        self.lost += u64::from(sequence.wrapping_sub(next).min(1 << 20));
                    }
                    self.next = Some(sequence.wrapping_add(1));
                    let numbers = (0..32_u8).filter(|bit| mask & (1 << bit) != 0);
                    return Ok(Some(Told::Record(Record {
                        seconds: micros as f64 * 1e-6,
                        values: numbers.zip(values).collect(),
                    })));
                }
                Ok(event) => self.note(&event),
            }
        }
        Ok(None)
    }

    /// Name and unit of a channel; its number while it is not known.
    pub fn name(&self, channel: u8) -> (String, String) {
        let unknown = || (format!("channel_{channel}"), String::new());
        self.channels.get(&channel).cloned().unwrap_or_else(unknown)
    }
}

/// The text between the echo of the line and the next prompt, once it is there.
fn answer(text: &str, line: &str) -> Option<String> {
    let (_, answer) = text.split_once(&format!("{line}\r\n"))?;
    let answer = answer.strip_suffix(PROMPT)?;
    // The prompt stands at the beginning of a line.
    (answer.is_empty() || answer.ends_with('\n'))
        .then(|| answer.replace("\r\n", "\n").trim_end().to_owned())
}

/// Prints all parameters.
pub fn list(target: &str) -> Result<()> {
    writeln!(stdout(), "{}", Session::open(target)?.demand("get")?)?;
    Ok(())
}

/// Prints a parameter.
pub fn get(args: &GetArgs) -> Result<()> {
    let answer = Session::open(&args.target)?.demand(&format!("get {}", args.name))?;
    writeln!(stdout(), "{answer}")?;
    Ok(())
}

/// Changes a parameter.
pub fn set(args: &SetArgs) -> Result<()> {
    let line = format!("set {}={}", args.name, args.value);
    writeln!(stdout(), "{}", Session::open(&args.target)?.demand(&line)?)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_lies_between_echo_and_prompt() {
        let line = "get turn";
        let whole = "> get turn\r\nturn.kp = 1 V\r\nturn.ki = 6 V\r\n> ";
        assert_eq!(
            answer(whole, line).as_deref(),
            Some("turn.kp = 1 V\nturn.ki = 6 V")
        );
        for end in 0..whole.len() {
            assert_eq!(answer(&whole[..end], line), None, "{end}");
        }
        // Nothing at all is an answer too.
        assert_eq!(answer("> x\r\n> ", "x").as_deref(), Some(""));
        // A comparison in the middle of a line is no prompt.
        assert_eq!(answer("get turn\r\n5 > ", line), None);
    }
}
