//! What was measured before, and whether it has grown.

use crate::measure::Cost;
use crate::target::Target;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// Growth by more than this share of the old figure is refused.
const TOLERANCE_PERCENT: u64 = 2;

/// A line of `benches/results/instructions.csv`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) case: String,
    pub(crate) scalar: String,
    pub(crate) target: String,
    pub(crate) median: u64,
    pub(crate) max: u64,
    pub(crate) flash: u64,
    pub(crate) state: u64,
    pub(crate) stack: u64,
}

impl Row {
    pub(crate) fn new(case: &str, scalar: &str, target: Target, cost: &Cost) -> Self {
        Self {
            case: case.to_owned(),
            scalar: scalar.to_owned(),
            target: target.name().to_owned(),
            median: cost.median,
            max: cost.most,
            flash: cost.flash,
            state: cost.state,
            stack: cost.stack,
        }
    }
    fn is_of(&self, other: &Self) -> bool {
        (&self.case, &self.scalar, &self.target) == (&other.case, &other.scalar, &other.target)
    }
    fn quantities(&self) -> [(&'static str, u64); 5] {
        [
            ("median", self.median),
            ("max", self.max),
            ("flash", self.flash),
            ("state", self.state),
            ("stack", self.stack),
        ]
    }
}

/// A figure that was allowed to grow: a line of `benches/results/blessed.csv`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Growth {
    pub(crate) reason: String,
    pub(crate) case: String,
    pub(crate) scalar: String,
    pub(crate) target: String,
    pub(crate) quantity: String,
    pub(crate) before: u64,
    pub(crate) after: u64,
}

/// Microseconds of a whole loop on a Raspberry Pi Pico.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Loop {
    pub(crate) program: String,
    pub(crate) mean: f64,
    pub(crate) max: f64,
    pub(crate) remark: String,
}

impl Loop {
    /// The programs that are slower than they were, or new.
    pub(crate) fn slower(before: &[Self], after: &[Self]) -> Vec<String> {
        let allowed = 1.0 + TOLERANCE_PERCENT as f64 / 100.0;
        let is_new_or_slower = |new: &&Self| {
            let old = before.iter().find(|old| old.program == new.program);
            // Figures are rounded to 0.1.
            old.is_none_or(|old| {
                new.mean > old.mean * allowed + 0.1 || new.max > old.max * allowed + 0.1
            })
        };
        after
            .iter()
            .filter(is_new_or_slower)
            .map(|new| new.program.clone())
            .collect()
    }
}

/// What differs between two sets of results.
#[derive(Default)]
pub(crate) struct Comparison {
    pub(crate) grown: Vec<Growth>,
    /// Rows that are in only one of them.
    pub(crate) new: Vec<Row>,
    pub(crate) gone: Vec<Row>,
    pub(crate) shrunk: usize,
}

pub(crate) fn compare(before: &[Row], after: &[Row]) -> Comparison {
    let mut comparison = Comparison::default();
    for new in after {
        let Some(old) = before.iter().find(|row| row.is_of(new)) else {
            comparison.new.push(new.clone());
            continue;
        };
        for ((quantity, before), (_, after)) in old.quantities().into_iter().zip(new.quantities()) {
            if after * 100 > before * (100 + TOLERANCE_PERCENT) {
                comparison.grown.push(Growth {
                    reason: String::new(),
                    case: new.case.clone(),
                    scalar: new.scalar.clone(),
                    target: new.target.clone(),
                    quantity: quantity.to_owned(),
                    before,
                    after,
                });
            }
            comparison.shrunk += usize::from(after < before);
        }
    }
    let gone = before
        .iter()
        .filter(|row| !after.iter().any(|new| new.is_of(row)));
    comparison.gone = gone.cloned().collect();
    comparison
}

/// Reads a table; one that does not exist is empty.
pub(crate) fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<Vec<T>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let rows = csv::Reader::from_path(path)?.into_deserialize();
    rows.collect::<Result<_, _>>()
        .with_context(|| format!("{} is not a table of results", path.display()))
}

pub(crate) fn write<T: Serialize>(path: &Path, rows: &[T]) -> Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row)?;
    }
    fs::write(path, writer.into_inner()?)
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(case: &str, median: u64) -> Row {
        Row {
            case: case.to_owned(),
            scalar: "f32".to_owned(),
            target: "m0".to_owned(),
            median,
            max: 200,
            flash: 0,
            state: 4,
            stack: 8,
        }
    }

    #[test]
    fn two_percent_is_allowed_and_more_is_not() {
        let grown = |before, after| compare(&[row("a", before)], &[row("a", after)]).grown.len();
        assert_eq!(
            [grown(100, 102), grown(100, 103), grown(100, 50)],
            [0, 1, 0]
        );
        assert_eq!(grown(0, 1), 1);
    }
    #[test]
    fn rows_come_and_go() {
        let comparison = compare(&[row("a", 1), row("b", 1)], &[row("b", 1), row("c", 1)]);
        assert_eq!(comparison.new, [row("c", 1)]);
        assert_eq!(comparison.gone, [row("a", 1)]);
    }
}
