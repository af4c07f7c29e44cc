//! Results for people: a table that fits 100 columns, and why something failed.

use crate::result::{RunResult, groups, scalars, summary};
use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, TableComponent, presets,
};
use std::io::{self, IsTerminal, Write};

const WIDTH: u16 = 100;

/// An empty table in the house style: as wide as the terminal, 100 columns elsewhere.
pub fn new<'a>(header: impl IntoIterator<Item = &'a str>) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(
            header
                .into_iter()
                .map(|name| Cell::new(name).add_attribute(Attribute::Bold)),
        );
    for line in [
        TableComponent::HorizontalLines,
        TableComponent::MiddleIntersections,
        TableComponent::LeftBorderIntersections,
        TableComponent::RightBorderIntersections,
    ] {
        table.remove_style(line);
    }
    // Attributes too would be escape sequences, so without colour the table may not know of a
    // terminal; then it must be told a width.
    if !colour() {
        table.force_no_tty().set_width(WIDTH);
    }
    table
}

/// A number, right-aligned.
pub fn number(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// Whether colours are wanted: on a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
fn colour() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Writes the table, the reasons of what failed, and the summary.
pub fn write(results: &[RunResult], out: &mut impl Write) -> io::Result<()> {
    let scalars = scalars(results);
    let figures = ["settle s", "tilt °", "drift m", "energy J"];
    let header = ["scenario", "robot"]
        .into_iter()
        .chain(scalars.iter().copied())
        .chain(figures);
    let mut table = new(header);
    for group in groups(results) {
        let mut row = vec![Cell::new(group.scenario), Cell::new(group.robot)];
        row.extend(
            scalars
                .iter()
                .map(|scalar| mark(group.scalar(scalar).map(|run| run.pass))),
        );
        let settle = group
            .settle_time_s()
            .map_or("–".to_owned(), |s| format!("{s:.2}"));
        row.push(number(settle));
        row.push(number(format!(
            "{:.1}",
            group.worst(|run| run.max_tilt_deg)
        )));
        row.push(number(format!(
            "{:.2}",
            group.worst(|run| run.position_drift_m)
        )));
        row.push(number(format!("{:.0}", group.worst(|run| run.energy_j))));
        table.add_row(row);
    }
    writeln!(out, "{table}")?;
    for run in results.iter().filter(|run| !run.pass) {
        let head = format!("✗ {} · {} · {}", run.scenario, run.robot, run.scalar);
        writeln!(out, "{}", paint(&head, "31"))?;
        writeln!(out, "    {}", run.reason)?;
        if !run.faults_seen.is_empty() {
            writeln!(out, "    faults seen: {}", run.faults_seen.join(", "))?;
        }
    }
    let code = if results.iter().all(|run| run.pass) {
        "32"
    } else {
        "31"
    };
    writeln!(out, "{}", paint(&summary(results), code))
}

fn mark(pass: Option<bool>) -> Cell {
    let (text, colour) = match pass {
        Some(true) => ("✓", Color::Green),
        Some(false) => ("✗", Color::Red),
        None => ("", Color::Reset),
    };
    Cell::new(text)
        .fg(colour)
        .set_alignment(CellAlignment::Center)
}

fn paint(text: &str, code: &str) -> String {
    if colour() {
        format!("\x1b[1;{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}
