//! The robot's prompt in this terminal. The robot edits the line itself.

use crate::link::{Event, Link};
use anyhow::{Result, bail};
use ratatui::crossterm::event::{self, Event as Terminal, KeyCode, KeyEvent, KeyModifiers};
use ratatui::crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use std::io::{IsTerminal, Read, Write, stdin, stdout};
use std::time::Duration;

/// Gives the terminal back, however it ends.
struct Raw;

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = disable_raw_mode();
    }
}

/// Until Ctrl-] is pressed, or the input ends.
pub fn prompt(target: &str) -> Result<()> {
    let mut link = Link::open(target)?;
    if !stdin().is_terminal() {
        return pipe(&mut link);
    }
    eprintln!("connected to {target}; Ctrl-] leaves, help shows the commands");
    enable_raw_mode()?;
    let _raw = Raw;
    link.send(b"\r")?;
    loop {
        while let Ok(event) = link.events.try_recv() {
            show(&event)?;
        }
        if event::poll(Duration::from_millis(10))?
            && let Terminal::Key(key) = event::read()?
        {
            match bytes(key) {
                None => return Ok(()),
                Some(bytes) => link.send(&bytes)?,
            }
        }
    }
}

/// Commands from a file or another program; what the robot answers goes out.
fn pipe(link: &mut Link) -> Result<()> {
    let mut lines = String::new();
    stdin().read_to_string(&mut lines)?;
    for line in lines.lines() {
        link.send(line.as_bytes())?;
        link.send(b"\r")?;
        while let Ok(event) = link.events.recv_timeout(Duration::from_millis(200)) {
            show(&event)?;
        }
    }
    writeln!(stdout())?;
    Ok(())
}

fn show(event: &Event) -> Result<()> {
    match event {
        Event::Text(text) => {
            stdout().write_all(text)?;
            stdout().flush()?;
        }
        Event::Closed(why) => bail!("the line is gone: {why}"),
        _ => {}
    }
    Ok(())
}

/// What a key sends; `None` to leave.
fn bytes(key: KeyEvent) -> Option<Vec<u8>> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        // A terminal says 5 for the bracket.
        KeyCode::Char(']' | '5') if control => return None,
        KeyCode::Char(letter) if control => vec![letter as u8 & 0x1f],
        KeyCode::Char(letter) => letter.to_string().into_bytes(),
        KeyCode::Enter => b"\r".to_vec(),
        KeyCode::Backspace => vec![0x7f],
        KeyCode::Tab => b"\t".to_vec(),
        KeyCode::Up => b"\x1b[A".to_vec(),
        KeyCode::Down => b"\x1b[B".to_vec(),
        KeyCode::Right => b"\x1b[C".to_vec(),
        KeyCode::Left => b"\x1b[D".to_vec(),
        _ => Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_what_a_terminal_sends() {
        let key = |code, modifiers| bytes(KeyEvent::new(code, modifiers));
        let none = KeyModifiers::NONE;
        assert_eq!(key(KeyCode::Char('a'), none), Some(b"a".to_vec()));
        assert_eq!(key(KeyCode::Up, none), Some(b"\x1b[A".to_vec()));
        assert_eq!(key(KeyCode::Char(']'), KeyModifiers::CONTROL), None);
        assert_eq!(
            key(KeyCode::Char('c'), KeyModifiers::CONTROL),
            Some(vec![3])
        );
    }
}
