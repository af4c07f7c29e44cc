//! The prompt of an emulated board behind a TCP port: the firmware that would be flashed, balancing the
//! simulated robot, for whoever connects.

use crate::cli::BoardArgs;
use crate::lockstep::Lockstep;
use anyhow::{Context, Result};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes that wait on the emulated line; the rest waits in the socket.
const AHEAD: usize = 64;

/// Serves until it is stopped.
pub fn board(args: &BoardArgs) -> Result<bool> {
    let listener = TcpListener::bind(("127.0.0.1", args.port))
        .with_context(|| format!("port {} cannot be had; choose another by --port", args.port))?;
    listener.set_nonblocking(true)?;
    let mut robot = Lockstep::start(
        &args.emulated.board,
        &args.emulated.image,
        args.emulated.seed,
    )?;
    let address = listener.local_addr()?;
    println!("the board's prompt is behind {address}: balance prompt {address}");
    let started = Instant::now();
    let mut visitor: Option<TcpStream> = None;
    loop {
        robot.run(1)?;
        // Not faster than a real one; slower, where the computer is.
        let due = started + Duration::from_micros(robot.now);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(true)?;
            visitor = Some(stream);
        }
        if robot.fallen_over() {
            // Somebody picks it up.
            robot.stand_up()?;
        }
        let (heard, _, waiting) = robot.hear()?;
        if let Some(stream) = &mut visitor
            && exchange(stream, &mut robot, &heard, waiting).is_err()
        {
            visitor = None;
        }
    }
}

fn exchange(
    stream: &mut TcpStream,
    robot: &mut Lockstep,
    heard: &[u8],
    waiting: usize,
) -> Result<()> {
    // What a slow reader leaves no room for is gone, as on a serial port.
    match stream.write(heard) {
        Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error.into()),
        _ => {}
    }
    if waiting > AHEAD {
        return Ok(());
    }
    let mut typed = [0; AHEAD];
    match stream.read(&mut typed) {
        Ok(0) => anyhow::bail!("gone"),
        Ok(length) => robot.talk(&typed[..length]),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error.into()),
    }
}
