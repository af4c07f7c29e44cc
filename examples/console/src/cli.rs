//! The command line.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// The console of a running robot.
///
/// TARGET is a serial port (/dev/ttyACM0, COM3, with @BAUD if it is not 115200) or HOST:PORT, such
/// as that of `balance-sim serve`.
#[derive(Debug, Parser)]
#[command(name = "balance", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The robot's own prompt, here; Ctrl-] leaves it
    Prompt(TargetArgs),
    /// Print all parameters
    List(TargetArgs),
    /// Print a parameter
    Get(GetArgs),
    /// Change a parameter
    Set(SetArgs),
    /// Put a new robot into service, step by step: sensor, motors, encoders, friction, first balance
    Tune(TuneArgs),
    /// Plot what the robot tells, as it tells it
    Plot(PlotArgs),
    /// Write what the robot tells into a file
    Record(RecordArgs),
    /// Plot a recording
    Replay(ReplayArgs),
}

/// Where the robot is.
#[derive(Clone, Debug, Args)]
pub struct TargetArgs {
    /// Serial port, or HOST:PORT
    #[arg(value_name = "TARGET")]
    pub target: String,
}

/// Which parameter to print.
#[derive(Clone, Debug, Args)]
pub struct GetArgs {
    /// Serial port, or HOST:PORT
    #[arg(value_name = "TARGET")]
    pub target: String,
    /// Its name, as in balance.pitch
    #[arg(value_name = "NAME")]
    pub name: String,
}

/// Which parameter to change.
#[derive(Clone, Debug, Args)]
pub struct SetArgs {
    /// Serial port, or HOST:PORT
    #[arg(value_name = "TARGET")]
    pub target: String,
    /// Its name, as in balance.pitch
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The new value
    #[arg(value_name = "VALUE", allow_negative_numbers = true)]
    pub value: f64,
}

/// Which robot to put into service.
#[derive(Clone, Debug, Args)]
pub struct TuneArgs {
    /// Serial port, or HOST:PORT
    #[arg(value_name = "TARGET")]
    pub target: String,
    /// Answer every question in advance: y or n for each, in their order; what is asked beyond is y
    #[arg(long, value_name = "ANSWERS")]
    pub answers: Option<String>,
    /// Keep what was found through a loss of power
    #[arg(long)]
    pub save: bool,
}

/// What to plot.
#[derive(Clone, Debug, Args)]
pub struct PlotArgs {
    /// Serial port, or HOST:PORT
    #[arg(value_name = "TARGET")]
    pub target: String,
    /// Channels, joined by commas
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "pitch,speed,drive_voltage"
    )]
    pub channels: Vec<String>,
    /// Seconds that are shown
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    pub window: f64,
}

/// What to record.
#[derive(Clone, Debug, Args)]
pub struct RecordArgs {
    /// Serial port, or HOST:PORT
    #[arg(value_name = "TARGET")]
    pub target: String,
    /// File to write: .csv (PlotJuggler, spreadsheets) or .mcap (Foxglove, PlotJuggler)
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Channels, joined by commas
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "all"
    )]
    pub channels: Vec<String>,
    /// How long
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    pub seconds: f64,
    /// Take what the robot's black box holds instead of what it does now
    #[arg(long, conflicts_with_all = ["channels", "seconds"])]
    pub black_box: bool,
}

/// What to show again.
#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    /// A recording (.csv)
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Channels, joined by commas [default: the first three]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub channels: Vec<String>,
    /// Seconds that are shown
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    pub window: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_value_may_be_below_zero() {
        let cli = Cli::try_parse_from(["balance", "set", "COM3", "balance.pitch", "-30"]).unwrap();
        assert!(matches!(cli.command, Command::Set(SetArgs { value, .. }) if value == -30.0));
    }
}
