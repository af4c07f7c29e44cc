//! The robot's brain on an emulated processor: takes each tick's inputs from the simulator, gives the
//! outputs back. Semihosting carries both, on QEMU's standard input and output.
#![no_std]
#![no_main]

mod counter;
mod wire;

use balance_core::math::{Q12, Real};
use balance_core::robot::{Robot, RobotConfig};
use semihosting::io::{self, Read, Stdin, Write, stdin, stdout};
use semihosting::process::ExitCode;

#[cfg(target_arch = "arm")]
#[cortex_m_rt::entry]
fn main() -> ! {
    serve()
}

#[cfg(target_arch = "riscv32")]
#[riscv_rt::entry]
#[allow(missing_docs, reason = "the macro makes it public")]
fn main() -> ! {
    serve()
}

fn serve() -> ! {
    match run() {
        // The simulator has closed the line.
        Ok(()) => ExitCode::SUCCESS.exit_process(),
        Err(_) => ExitCode::FAILURE.exit_process(),
    }
}

fn run() -> io::Result<()> {
    counter::start();
    stdout()?.write_all(&wire::hello(0b111))?;
    let Some((robot, scalar)) = hear(&mut stdin()?)?.and_then(wire::begun) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    match scalar {
        0 => answer_all(config::<f32>(robot)?),
        1 => answer_all(config::<f64>(robot)?),
        2 => answer_all(config::<Q12>(robot)?),
        _ => Err(io::ErrorKind::InvalidInput.into()),
    }
}

fn config<T: Real>(robot: u8) -> io::Result<Robot<T>> {
    let config = match robot {
        0 => RobotConfig::pico_kit(),
        1 => RobotConfig::balboa_32u4(),
        2 => RobotConfig::nxtway_gs(),
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    };
    config
        .build()
        .map_err(|_| io::ErrorKind::InvalidInput.into())
}

fn answer_all<T: Real>(mut robot: Robot<T>) -> io::Result<()> {
    let (mut requests, mut answers) = (stdin()?, stdout()?);
    while let Some(request) = hear(&mut requests)? {
        let (now, inputs, count) = wire::requested(&request);
        let before = counter::now();
        let outputs = robot.step(now, &inputs);
        let cost = counter::since(before);
        answers.write_all(&wire::answer(outputs, count, cost))?;
    }
    Ok(())
}

/// A whole record; `None` at the end of the line.
fn hear<const N: usize>(line: &mut Stdin) -> io::Result<Option<[u8; N]>> {
    let mut record = [0; N];
    let mut filled = 0;
    while let Some(rest) = record.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match line.read(rest)? {
            0 => return Ok(None),
            count => filled += count,
        }
    }
    Ok(Some(record))
}
