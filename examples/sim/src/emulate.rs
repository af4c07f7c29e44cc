//! Firmware on an emulated board, in lockstep with the simulated robot.

use crate::cli::EmulateArgs;

/// Runs the image against the plant; whether it stood.
pub fn emulate(args: &EmulateArgs) -> anyhow::Result<bool> {
    anyhow::bail!("cannot emulate {} yet", args.image.display())
}
