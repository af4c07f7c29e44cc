//! Formatted text into a writer of bytes, without an allocation.

use core::fmt;
use embedded_cli::writer::Writer;
use embedded_io::{Error, Write};

/// Writes through to the prompt's writer, and remembers its error.
pub(super) struct Line<'a, 'w, W: Write<Error = E>, E: Error> {
    writer: &'a mut Writer<'w, W, E>,
    error: Option<E>,
}

impl<W: Write<Error = E>, E: Error> fmt::Write for Line<'_, '_, W, E> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.writer.write_str(text).map_err(|error| {
            self.error = Some(error);
            fmt::Error
        })
    }
}

/// Writes what was formatted, as far as the line takes it.
pub(super) fn write<W: Write<Error = E>, E: Error>(
    writer: &mut Writer<'_, W, E>,
    text: fmt::Arguments<'_>,
) -> Result<(), E> {
    let mut line = Line {
        writer,
        error: None,
    };
    // Only the writer can fail: none of our texts does.
    let _ = fmt::Write::write_fmt(&mut line, text);
    line.error.map_or(Ok(()), Err)
}
