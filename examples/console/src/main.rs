//! The console of a robot: its prompt, plots of what it tells, recordings.
#![allow(unreachable_pub, reason = "a binary has no outside")]

mod cli;
mod link;
mod plot;
mod prompt;
mod record;
mod session;
mod tune;

use clap::Parser;
use cli::{Cli, Command};
use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Prompt(args) => prompt::prompt(&args.target),
        Command::List(args) => session::list(&args.target),
        Command::Get(args) => session::get(&args),
        Command::Set(args) => session::set(&args),
        Command::Tune(args) => tune::tune(&args),
        Command::Plot(args) => plot::live(&args),
        Command::Record(args) => record::record(&args),
        Command::Replay(args) => plot::replay(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads our output has seen enough of it.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<io::Error>();
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
