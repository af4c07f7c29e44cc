//! The commands.

use super::line::write;
use super::machine::{Machine, Order};
use crate::params::{Change, Parameter};
use crate::robot::timing::Histogram;
use crate::robot::{Fault, RobotConfig};
use core::str::FromStr;
use embedded_cli::Command;
use embedded_cli::cli::{Cli, CliBuilder, CliHandle};
use embedded_cli::command::RawCommand;
use embedded_cli::service::{CommandProcessor, FromRaw, ParseError, ProcessError};
use embedded_io::Write;

/// The longest line; what is typed beyond it is not heard.
const LINE: usize = 80;
/// Bytes of lines that can be had again.
const HISTORY: usize = 160;

/// Every command, and the prompt's own.
const COMMANDS: [&str; 18] = [
    "version",
    "status",
    "get",
    "set",
    "save",
    "load",
    "defaults",
    "arm",
    "disarm",
    "faults",
    "timing",
    "scope",
    "dump",
    "autotune",
    "calibrate",
    "sensor",
    "motor",
    "help",
];

/// Whether a line begins with the word of a command: where the way out is narrow, its answer is worth
/// more than what is said to noise.
pub fn is_command(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let end = line.iter().position(|byte| *byte == b' ');
    let word = line.get(..end.unwrap_or(line.len())).unwrap_or(line);
    COMMANDS.iter().any(|command| command.as_bytes() == word)
}

#[derive(Debug, Command)]
enum Command<'a> {
    /// Name and version of the firmware
    Version,
    /// State, pitch, speed, battery
    Status,
    /// A parameter, those of a group, or all
    Get {
        /// Name, or beginning of names
        name: Option<&'a str>,
    },
    /// Change a parameter: set NAME=VALUE
    Set {
        /// As in balance.pitch=-30
        assignment: &'a str,
        /// The value, if it stands apart and is not below zero
        value: Option<&'a str>,
    },
    /// Keep the parameters through a loss of power
    Save,
    /// Take the kept parameters
    Load,
    /// Take the firmware's parameters
    Defaults,
    /// Calibrate, and balance once upright
    Arm,
    /// Motors off
    Disarm,
    /// The latest stops, with what led to them
    Faults,
    /// Period, jitter and parts of the loop
    Timing {
        /// clear: begin to measure anew
        what: Option<&'a str>,
    },
    /// Tell channels of each tick: names joined by commas, all, or off
    Scope {
        /// As in pitch,speed
        channels: Option<&'a str>,
    },
    /// Send what the black box holds, and open it again
    Dump,
    /// Find better gains while balancing
    Autotune,
    /// Measure the sensor at rest for a second: hold it still, then ask sensor
    Calibrate,
    /// Encoder counts, and what calibrate has found
    Sensor,
    /// Try a motor for 0.3 s, wheels up: motor left 200, thousandths of full duty
    Motor {
        /// left or right
        side: &'a str,
        /// -1000 to 1000; below zero after =, as in motor left=-200
        permille: Option<i16>,
    },
}

/// A prompt for one line; see [the module](super).
pub struct Shell<W: Write> {
    cli: Cli<W, W::Error, [u8; LINE], [u8; HISTORY]>,
    /// Bytes since the last end of a line, less those taken back.
    typed: usize,
    /// A byte has come since that no keyboard sends.
    noisy: bool,
}

impl<W: Write> core::fmt::Debug for Shell<W> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Shell").finish_non_exhaustive()
    }
}

impl<W: Write> Shell<W> {
    /// Shows a prompt.
    ///
    /// # Errors
    /// Those of the line.
    pub fn new(writer: W) -> Result<Self, W::Error> {
        let builder = CliBuilder::default()
            .writer(writer)
            .command_buffer([0; LINE])
            .history_buffer([0; HISTORY])
            .prompt("> ");
        Ok(Self {
            cli: builder.build()?,
            typed: 0,
            noisy: false,
        })
    }

    /// Takes what was typed, or whatever else came over the line.
    ///
    /// # Errors
    /// Those of the line; what was typed is done all the same.
    pub fn feed<M: Machine>(&mut self, bytes: &[u8], machine: &mut M) -> Result<(), W::Error> {
        let mut result = Ok(());
        for byte in bytes {
            let mut prompt = Prompt {
                machine,
                // What did not fit was dropped, and the rest might be a command.
                too_long: self.typed > LINE,
                noisy: self.noisy,
            };
            match *byte {
                b'\r' | b'\n' => (self.typed, self.noisy) = (0, false),
                BACKSPACE | DELETE => self.typed = self.typed.saturating_sub(1),
                _ => self.typed = self.typed.saturating_add(1),
            }
            self.noisy |= !is_typed(*byte);
            let done = self.cli.process_byte::<Command<'_>, _>(*byte, &mut prompt);
            result = result.and(done);
        }
        result
    }
}

const BACKSPACE: u8 = 8;
const DELETE: u8 = 127;
const ESCAPE: u8 = 27;

/// Whether a keyboard sends it: the text of commands, and what edits a line.
const fn is_typed(byte: u8) -> bool {
    matches!(
        byte,
        b' '..=b'~' | b'\t' | b'\r' | b'\n' | BACKSPACE | DELETE | ESCAPE
    )
}

struct Prompt<'m, M> {
    machine: &'m mut M,
    too_long: bool,
    noisy: bool,
}

impl<W: Write<Error = E>, E: embedded_io::Error, M: Machine> CommandProcessor<W, E>
    for Prompt<'_, M>
{
    fn process<'a>(
        &mut self,
        cli: &mut CliHandle<'_, W, E>,
        raw: RawCommand<'a>,
    ) -> Result<(), ProcessError<'a, E>> {
        if self.too_long {
            return Ok(cli.writer().write_str("error: the line is too long")?);
        }
        if self.noisy {
            // The parser drops what is no text: the rest might be a command.
            return Ok(cli.writer().write_str("error: noise on the line")?);
        }
        let name = raw.name();
        // The parser lets commands without arguments have some: noise must not arm a robot.
        let takes_words = matches!(name, "set" | "get" | "timing" | "scope" | "motor");
        let surplus = !takes_words && raw.args().args().next().is_some();
        let command = match Command::parse(raw) {
            Ok(command) => command,
            // What begins with a dash is an option to the parser.
            Err(ParseError::NonAsciiShortOption) if matches!(name, "set" | "motor") => {
                let hint = "a value below zero is joined by =, as in set balance.pitch=-30";
                return Ok(cli.writer().write_str(hint)?);
            }
            Err(error) => return Err(error.into()),
        };
        if surplus {
            return Ok(write(
                cli.writer(),
                format_args!("error: too many words for {name}"),
            )?);
        }
        Ok(self.run(cli, &command)?)
    }
}

impl<M: Machine> Prompt<'_, M> {
    fn run<W: Write<Error = E>, E: embedded_io::Error>(
        &mut self,
        cli: &mut CliHandle<'_, W, E>,
        command: &Command<'_>,
    ) -> Result<(), E> {
        match command {
            Command::Version => cli.writer().write_str(self.machine.firmware()),
            Command::Status => self.status(cli),
            Command::Get { name } => self.get(cli, name.unwrap_or("")),
            Command::Set { assignment, value } => self.set(cli, assignment, *value),
            Command::Save => self.order(cli, Order::Save),
            Command::Load => self.order(cli, Order::Load),
            Command::Defaults => self.order(cli, Order::Defaults),
            Command::Arm => self.order(cli, Order::Arm),
            Command::Disarm => self.order(cli, Order::Disarm),
            Command::Faults => self.faults(cli),
            Command::Timing { what: None } => self.timing(cli),
            Command::Timing {
                what: Some("clear"),
            } => self.order(cli, Order::ClearTiming),
            Command::Timing { .. } => cli.writer().write_str("timing, or timing clear"),
            Command::Scope { channels } => self.scope(cli, *channels),
            Command::Dump => self.order(cli, Order::Dump),
            Command::Autotune => self.order(cli, Order::Autotune),
            Command::Calibrate => self.order(cli, Order::Calibrate),
            Command::Sensor => self.sensor(cli),
            Command::Motor { side, permille } => self.motor(cli, side, *permille),
        }
    }

    fn order<W: Write<Error = E>, E: embedded_io::Error>(
        &mut self,
        cli: &mut CliHandle<'_, W, E>,
        order: Order,
    ) -> Result<(), E> {
        if order.moves_motors() && !self.machine.is_unlocked() {
            return cli.writer().write_str(LOCKED);
        }
        match self.machine.order(order) {
            Ok(()) => cli.writer().write_str("ok"),
            Err(refusal) => write(cli.writer(), format_args!("error: {refusal}")),
        }
    }

    fn status<W: Write<Error = E>, E: embedded_io::Error>(
        &mut self,
        cli: &mut CliHandle<'_, W, E>,
    ) -> Result<(), E> {
        let condition = self.machine.condition();
        let (state, writer) = (condition.state.name(), cli.writer());
        write(writer, format_args!("{state}"))?;
        if let Some(stop) = condition.stop {
            write(writer, format_args!(" ({})", stop.name()))?;
        }
        write(
            writer,
            format_args!(
                " at {:.3} s, pitch {:.3} rad, speed {:.3} m/s",
                condition.seconds, condition.pitch, condition.speed
            ),
        )?;
        match condition.battery {
            Some(volts) => write(writer, format_args!(", battery {volts:.2} V")),
            None => Ok(()),
        }
    }

    fn get<W: Write<Error = E>, E: embedded_io::Error>(
        &mut self,
        cli: &mut CliHandle<'_, W, E>,
        name: &str,
    ) -> Result<(), E> {
        let parameters = self.machine.parameters();
        if let Ok((parameter, value)) = parameters.find(name) {
            let default = parameter.of(parameters.defaults()).unwrap_or(value);
            let Parameter {
                name,
                unit,
                about,
                low,
                high,
                change,
                ..
            } = parameter;
            let when = match change {
                Change::Live => "",
                Change::WhenDisarmed => ", when disarmed",
            };
            return write(
                cli.writer(),
                format_args!(
                    "{name} = {value} {unit}, {about} ({low} to {high}, default {default}{when})"
                ),
            );
        }
        let mut found = false;
        for parameter in RobotConfig::<M::Param>::PARAMETERS {
            let Some(value) = parameter.of(parameters.config()) else {
                continue;
            };
            if parameter.name.starts_with(name) {
                found = true;
                let (name, unit) = (parameter.name, parameter.unit);
                write(cli.writer(), format_args!("{name} = {value} {unit}\n"))?;
            }
        }
        if found {
            return Ok(());
        }
        cli.writer()
            .write_str("error: no parameter has this name; get shows all")
    }

    fn set<W: Write<Error = E>, E: embedded_io::Error>(
        &mut self,
        cli: &mut CliHandle<'_, W, E>,
        assignment: &str,
        value: Option<&str>,
    ) -> Result<(), E> {
        let pair = match value {
            Some(value) => Some((assignment, value)),
            None => assignment.split_once('='),
        };
        let Some((name, text)) = pair else {
            return cli.writer().write_str("error: set NAME=VALUE");
        };
        let Ok(value) = f64::from_str(text) else {
            return write(cli.writer(), format_args!("error: {text} is not a number"));
        };
        if !self.machine.is_unlocked() {
            return cli.writer().write_str(LOCKED);
        }
        let value = <M::Param as crate::math::Scalar>::lit(value);
        match self.machine.set(name, value) {
            Ok(()) => write(cli.writer(), format_args!("{name} = {value}")),
            Err(error) => write(cli.writer(), format_args!("error: {error}")),
        }
    }

    fn faults<W: Write<Error = E>, E: embedded_io::Error>(
        &mut self,
        cli: &mut CliHandle<'_, W, E>,
    ) -> Result<(), E> {
        let mut index = 0;
        while let Some(fault) = self.machine.fault(index) {
            index += 1;
            tell_fault(cli, &fault)?;
        }
        if index == 0 {
            cli.writer().write_str("none since the start\n")?;
        }
        if let Some(ending) = self.machine.ending() {
            write(
                cli.writer(),
                format_args!("the last run has ended with {ending}; before that:\n"),
            )?;
        }
        index = 0;
        while let Some(fault) = self.machine.fault_of_last_run(index) {
            index += 1;
            tell_fault(cli, &fault)?;
        }
        Ok(())
    }

    fn sensor<W: Write<Error = E>, E: embedded_io::Error>(
        &mut self,
        cli: &mut CliHandle<'_, W, E>,
    ) -> Result<(), E> {
        let Some(sensed) = self.machine.sensed() else {
            return cli.writer().write_str("error: this robot cannot do that");
        };
        let [left, right] = sensed.encoders;
        write(
            cli.writer(),
            format_args!("encoders {left} {right} counts\n"),
        )?;
        let Some(rest) = sensed.rest else {
            return cli.writer().write_str("not calibrated, or not done yet");
        };
        let ([ax, ay, az], [gx, gy, gz]) = (rest.accel, rest.gyro);
        write(
            cli.writer(),
            format_args!(
                "accel {ax:.3} {ay:.3} {az:.3} m/s2\ngyro {gx:.5} {gy:.5} {gz:.5} rad/s, swing {:.4}",
                rest.swing
            ),
        )
    }

    fn motor<W: Write<Error = E>, E: embedded_io::Error>(
        &mut self,
        cli: &mut CliHandle<'_, W, E>,
        side: &str,
        permille: Option<i16>,
    ) -> Result<(), E> {
        let (side, permille) = match (permille, side.split_once('=')) {
            (Some(permille), _) => (side, Some(permille)),
            (None, Some((side, text))) => (side, i16::from_str(text).ok()),
            (None, None) => (side, None),
        };
        let permille = permille.filter(|permille| (-1000..=1000).contains(permille));
        let (Some(permille), "left" | "right") = (permille, side) else {
            return cli
                .writer()
                .write_str("error: motor left 200, or motor right=-200");
        };
        let left = side == "left";
        self.order(cli, Order::Motor { left, permille })
    }

    fn timing<W: Write<Error = E>, E: embedded_io::Error>(
        &mut self,
        cli: &mut CliHandle<'_, W, E>,
    ) -> Result<(), E> {
        let Some((statistics, counts_per_micro)) = self.machine.timing() else {
            return cli
                .writer()
                .write_str("this robot does not measure its loop");
        };
        let micros = |counts: u32| f64::from(counts) / f64::from(counts_per_micro.max(1));
        let [sensor, control, motor] = &statistics.stages;
        let rows: [(&str, &Histogram); 6] = [
            ("period", &statistics.period),
            ("jitter", &statistics.jitter),
            ("tick", &statistics.execution),
            ("sensor", sensor),
            ("control", control),
            ("motor", motor),
        ];
        for (name, histogram) in rows {
            write(
                cli.writer(),
                format_args!(
                    "{name:8} max {:8.1} us, 99.9 % within {:8.1} us\n",
                    micros(histogram.max()),
                    micros(histogram.quantile(999)),
                ),
            )?;
        }
        write(
            cli.writer(),
            format_args!(
                "{} ticks, {} missed",
                statistics.execution.count(),
                statistics.missed
            ),
        )
    }

    fn scope<W: Write<Error = E>, E: embedded_io::Error>(
        &mut self,
        cli: &mut CliHandle<'_, W, E>,
        channels: Option<&str>,
    ) -> Result<(), E> {
        let names = |machine: &M| {
            (0..u32::BITS).map_while({
                let known: [Option<&'static str>; 32] =
                    core::array::from_fn(|index| machine.channel(index));
                move |index| known.get(index as usize).copied().flatten()
            })
        };
        let Some(wanted) = channels else {
            for name in names(self.machine) {
                write(cli.writer(), format_args!("{name} "))?;
            }
            return Ok(());
        };
        let mut mask = 0;
        match wanted {
            "off" => {}
            "all" => mask = u32::MAX,
            _ => {
                for part in wanted.split(',') {
                    let Some(index) = names(self.machine).position(|name| name == part) else {
                        return write(
                            cli.writer(),
                            format_args!("error: no channel {part}; scope shows all"),
                        );
                    };
                    mask |= 1 << index;
                }
            }
        }
        self.order(cli, Order::Scope(mask))
    }
}

const LOCKED: &str = "error: locked; see the robot's jumper";

fn tell_fault<W: Write<Error = E>, E: embedded_io::Error>(
    cli: &mut CliHandle<'_, W, E>,
    fault: &Fault,
) -> Result<(), E> {
    write(
        cli.writer(),
        format_args!(
            "{:.3} s {}: pitch {:.3} rad, {:.3} rad/s, speed {:.3} m/s, {} V, period {} us\n",
            fault.at.as_micros() as f64 * 1e-6,
            fault.stop.name(),
            fault.pitch,
            fault.pitch_rate,
            fault.speed,
            fault
                .battery_millivolts
                .map_or(0.0, |mv| f32::from(mv) / 1000.0),
            fault.period_micros,
        ),
    )
}
