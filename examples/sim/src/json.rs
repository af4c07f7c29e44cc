//! Results for programs: one JSON object a line.

use crate::result::RunResult;
use std::io::{self, Write};

/// Writes one object a line. A figure that is not finite becomes `null`.
pub fn write(results: &[RunResult], out: &mut impl Write) -> io::Result<()> {
    for run in results {
        serde_json::to_writer(&mut *out, run)?;
        writeln!(out)?;
    }
    Ok(())
}
