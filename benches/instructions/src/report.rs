//! `benches/README.md`, made of the tables in `benches/results`.

use crate::results::{Loop, Row, read};
use crate::target::Target;
use anyhow::Result;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

/// A figure of a program that this bench cannot build: C and C++, measured once.
#[derive(Debug, Deserialize)]
struct Recorded {
    case: String,
    scalar: String,
    peer: String,
    target: String,
    median: u64,
    max: Option<u64>,
    flash: Option<u64>,
    state: Option<u64>,
    remark: String,
}

/// Somebody else's figures for one of our cases.
struct Rival {
    title: String,
    is_recorded: bool,
    remark: String,
    median: u64,
    max: Option<u64>,
    flash: Option<u64>,
    state: Option<u64>,
}

struct Tables {
    ours: Vec<Row>,
    theirs: Vec<Row>,
    recorded: Vec<Recorded>,
}

const HEAD: &str = include_str!("report_head.md");
const LOOP: &str = include_str!("report_loop.md");

/// The whole page.
pub(crate) fn page(results: &Path) -> Result<String> {
    let tables = Tables {
        ours: read(&results.join("instructions.csv"))?,
        theirs: read(&results.join("peers.csv"))?,
        recorded: read(&results.join("recorded.csv"))?,
    };
    let mut page = HEAD.to_owned();
    page += "\n## Beside others\n\n";
    for target in [Target::M4f, Target::M0] {
        page += &tables.beside(target)?;
    }
    page += &tables.remarks()?;
    page += LOOP;
    page += &loops(results)?;
    page += &tables.all()?;
    Ok(page)
}

impl Tables {
    /// Rows that somebody else has too, in the order of ours.
    fn shared(&self) -> Vec<(&str, &str)> {
        let mut seen = BTreeSet::new();
        let rows = self
            .ours
            .iter()
            .map(|row| (row.case.as_str(), row.scalar.as_str()));
        rows.filter(|key| seen.insert(*key))
            .filter(|(case, scalar)| {
                Target::ALL
                    .iter()
                    .any(|target| !self.rivals(case, scalar, target.name()).is_empty())
            })
            .collect()
    }

    /// The best first.
    fn rivals(&self, case: &str, scalar: &str, target: &str) -> Vec<Rival> {
        let published = peers::PEERS
            .iter()
            .filter(|peer| peer.cases.contains(&case))
            .flat_map(|peer| {
                let rows = self.theirs.iter();
                let rows = rows.filter(|row| {
                    (row.case.as_str(), row.scalar.as_str(), row.target.as_str())
                        == (peer.name, scalar, target)
                });
                rows.map(|row| Rival {
                    title: peer.title.to_owned(),
                    is_recorded: false,
                    remark: peer.remark.to_owned(),
                    median: row.median,
                    max: Some(row.max),
                    flash: Some(row.flash),
                    state: Some(row.state),
                })
            });
        let recorded = self.recorded.iter();
        let recorded = recorded.filter(|row| {
            (row.case.as_str(), row.scalar.as_str(), row.target.as_str()) == (case, scalar, target)
        });
        let recorded = recorded.map(|row| Rival {
            title: row.peer.clone(),
            is_recorded: true,
            remark: row.remark.clone(),
            median: row.median,
            max: row.max,
            flash: row.flash,
            state: row.state,
        });
        let mut rivals: Vec<Rival> = published.chain(recorded).collect();
        rivals.sort_by_key(|rival| rival.median);
        rivals
    }

    fn beside(&self, target: Target) -> Result<String> {
        let mut text = String::new();
        writeln!(text, "### {}\n", target.title())?;
        writeln!(
            text,
            "| case | scalar | ours: median / max | flash | state | best other | ratio | others |"
        )?;
        writeln!(text, "|---|---|---|---|---|---|---|---|")?;
        for (case, scalar) in self.shared() {
            let is_row = |row: &&Row| {
                (row.case.as_str(), row.scalar.as_str(), row.target.as_str())
                    == (case, scalar, target.name())
            };
            let Some(ours) = self.ours.iter().find(is_row) else {
                continue;
            };
            let rivals = self.rivals(case, scalar, target.name());
            let Some((best, others)) = rivals.split_first() else {
                continue;
            };
            let others: Vec<String> = others.iter().map(Rival::in_words).collect();
            writeln!(
                text,
                "| `{case}` | {scalar} | {} / {} | {} | {} | {} | {:.2} | {} |",
                ours.median,
                ours.max,
                ours.flash,
                ours.state,
                best.in_words(),
                ours.median as f64 / best.median.max(1) as f64,
                others.join("; "),
            )?;
        }
        text.push('\n');
        Ok(text)
    }

    fn remarks(&self) -> Result<String> {
        let mut lines = BTreeSet::new();
        for (case, scalar) in self.shared() {
            for target in Target::ALL {
                for rival in self.rivals(case, scalar, target.name()) {
                    if !rival.remark.is_empty() {
                        lines.insert(format!(
                            "- `{case}` {scalar}, {}: {}.",
                            rival.title, rival.remark
                        ));
                    }
                }
            }
        }
        let mut text = String::from("What the others do otherwise:\n\n");
        for line in lines {
            writeln!(text, "{line}")?;
        }
        Ok(text)
    }

    fn all(&self) -> Result<String> {
        let mut text = String::from(
            "\n## Every case\n\nInstructions of a step, median / max; bytes on Cortex-M0.\n\n| case | scalar |",
        );
        for target in Target::ALL {
            write!(text, " {} |", target.name())?;
        }
        text += " flash | state | stack |\n|---|---|---|---|---|---|---|---|---|\n";
        let mut seen = BTreeSet::new();
        for Row { case, scalar, .. } in &self.ours {
            if !seen.insert((case, scalar)) {
                continue;
            }
            let of = |target: Target| {
                self.ours.iter().find(|row| {
                    (&row.case, &row.scalar, row.target.as_str()) == (case, scalar, target.name())
                })
            };
            write!(text, "| `{case}` | {scalar} |")?;
            for target in Target::ALL {
                match of(target) {
                    Some(row) => write!(text, " {} / {} |", row.median, row.max)?,
                    None => write!(text, " |")?,
                }
            }
            match of(Target::M0) {
                Some(row) => writeln!(text, " {} | {} | {} |", row.flash, row.state, row.stack)?,
                None => writeln!(text, " | | |")?,
            }
        }
        Ok(text)
    }
}

impl Rival {
    fn in_words(&self) -> String {
        let max = self.max.filter(|max| *max != self.median);
        let figure = match max {
            Some(max) => format!("{} / {max}", self.median),
            None => self.median.to_string(),
        };
        let recorded = if self.is_recorded { "*" } else { "" };
        let bytes = match (self.flash, self.state) {
            (Some(flash), Some(state)) => format!(" ({flash} B, {state} B)"),
            _ => String::new(),
        };
        format!("{}{recorded} {figure}{bytes}", self.title)
    }
}

fn loops(results: &Path) -> Result<String> {
    let ours: Vec<Loop> = read(&results.join("loop.csv"))?;
    let mut recorded: Vec<Loop> = read(&results.join("loop_recorded.csv"))?;
    recorded.sort_by(|a, b| a.mean.total_cmp(&b.mean));
    let mut text = String::from("| program | mean, µs | largest, µs | |\n|---|---|---|---|\n");
    for (rows, mark) in [(&ours, ""), (&recorded, "*")] {
        for Loop {
            program,
            mean,
            max,
            remark,
        } in rows
        {
            writeln!(text, "| {program}{mark} | {mean} | {max} | {remark} |")?;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str =
        "case,scalar,target,median,max,flash,state,stack\npid,f32,m0,100,150,1000,60,32\n";
    const RECORDED: &str = "case,scalar,peer,target,median,max,flash,state,remark\n\
        pid,f32,slow,m0,500,,,,\npid,f32,fast,m0,200,210,900,40,no clamp\n";
    const LOOPS: &str = "program,mean,max,remark\nC,3.7,4.4,\n";

    #[test]
    fn the_best_other_stands_first_with_a_ratio() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("report-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("instructions.csv"), OURS)?;
        std::fs::write(folder.join("recorded.csv"), RECORDED)?;
        std::fs::write(folder.join("loop_recorded.csv"), LOOPS)?;
        let page = page(&folder)?;
        std::fs::remove_dir_all(&folder)?;
        let row = "| `pid` | f32 | 100 / 150 | 1000 | 60 | fast* 200 / 210 (900 B, 40 B) | 0.50 | slow* 500 |";
        assert!(page.contains(row), "{page}");
        assert!(page.contains("- `pid` f32, fast: no clamp."), "{page}");
        assert!(page.contains("| C* | 3.7 | 4.4 |  |"), "{page}");
        Ok(())
    }
    #[test]
    fn the_tables_of_the_repository_are_readable() -> Result<()> {
        let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("../results");
        assert!(page(&results)?.contains("MicroPython as a hobbyist writes it"));
        Ok(())
    }
}
