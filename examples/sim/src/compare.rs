//! The controllers side by side, over all scenarios.

use crate::cli::CompareArgs;
use crate::result::RunResult;
use crate::run::{self, RunSpec};
use crate::{in_parallel, robots, scenario, table};
use anyhow::Result;
use std::io::{self, Write};

/// Runs every scenario with every robot under every controller, and shows what they do.
pub fn compare(args: &CompareArgs) -> Result<()> {
    let controllers = run::controllers();
    let mut specs = Vec::new();
    for scenario in scenario::names() {
        for controller in &controllers {
            specs.extend(robots::geared().into_iter().map(|robot| RunSpec {
                scenario: scenario.to_owned(),
                robot: robot.to_owned(),
                controller: Some((*controller).to_owned()),
                estimator: None,
                scalar: args.scalar.clone(),
                seed: args.seed,
            }));
        }
    }
    let results = in_parallel(&specs, None, |spec| spec.scenario.clone(), run::run)?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "Of {} robots with {}: passed, then the\nworst of tilt (°) and settling time (s), and the mean energy (J).\n",
        robots::geared().len(),
        controllers.join(", ")
    )?;
    let mut header = vec!["scenario"];
    for controller in &controllers {
        // The table is as wide as a terminal.
        let short = controller.split('_').next_back().unwrap_or(controller);
        header.extend([short, "°", "s", "J"]);
    }
    let mut table = table::new(header);
    let mut names = scenario::names();
    names.push("");
    for scenario in names {
        let all = scenario.is_empty();
        let mut row = vec![if all { "all" } else { scenario }.into()];
        for controller in &controllers {
            let own: Vec<&RunResult> = results
                .iter()
                .filter(|run| run.controller == *controller && (all || run.scenario == scenario))
                .collect();
            let passed = own.iter().filter(|run| run.pass).count();
            let upright = own.iter().filter(|run| run.final_state == "balancing");
            let tilt = upright.map(|run| run.max_tilt_deg).fold(0.0, f64::max);
            let settle = own.iter().filter_map(|run| run.settle_time_s);
            let settle = settle.reduce(f64::max);
            let energy = own.iter().map(|run| run.energy_j).sum::<f64>() / own.len().max(1) as f64;
            let number = |known: bool, text: String| {
                table::number(if known { text } else { "–".to_owned() })
            };
            row.push(table::number(format!("{passed}/{}", own.len())));
            row.push(number(tilt > 0.0, format!("{tilt:.1}")));
            row.push(number(
                settle.is_some(),
                format!("{:.2}", settle.unwrap_or_default()),
            ));
            row.push(table::number(format!("{energy:.1}")));
        }
        table.add_row(row);
    }
    writeln!(out, "{table}")?;
    Ok(())
}
