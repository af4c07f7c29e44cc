//! The report: one HTML page that needs nothing else, with plots as inline SVG.
//!
//! Plots are drawn in the colours of [`INK`]; the style sheet finds them by these colours and
//! replaces them, so the page follows the reader's dark mode and shows number types by tick box.

use crate::result::{Group, RunResult, Trace, groups, scalars, summary};
use crate::scenario;
use anyhow::{Context, Result, bail};
use plotters::prelude::*;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::Path;

/// First line of a report, by which one is known again.
const MARKER: &str = "<!-- balance-sim report -->";
/// Points of all curves together; about eight bytes each.
const POINTS: usize = 1_200_000;
const SIZE: (u32, u32) = (640, 230);

/// Whether a report may be written there: nothing is there yet, or another report.
pub fn may_write(path: &Path) -> Result<()> {
    let shown = path.display();
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        file => file.with_context(|| format!("cannot look at {shown}"))?,
    };
    if file.metadata().is_ok_and(|data| data.is_dir()) {
        bail!(
            "{shown} is a folder; name a file, such as {}",
            path.join("report.html").display()
        );
    }
    let mut first = Vec::new();
    BufReader::new(file)
        .read_until(b'\n', &mut first)
        .with_context(|| format!("cannot read {shown}"))?;
    if !first.starts_with(MARKER.as_bytes()) {
        bail!(
            "{shown} exists and is not a balance-sim report; it stays as it is. Choose another path"
        );
    }
    Ok(())
}

/// Writes the report; a reader sees the old one or the new one, never half of it.
pub fn write(results: &[RunResult], path: &Path) -> Result<()> {
    let page = page(results)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    fs::write(&temporary, page)
        .and_then(|()| fs::rename(&temporary, path))
        .inspect_err(|_| drop(fs::remove_file(&temporary)))
        .with_context(|| format!("cannot write {}", path.display()))
}

fn page(results: &[RunResult]) -> Result<String> {
    let groups = groups(results);
    let scalars = scalars(results);
    let curves = results.len() * 9; // in the six plots of `section`
    let points = (POINTS / curves.max(1)).clamp(60, 400);
    let pass = results.iter().all(|run| run.pass);

    let mut page = format!(
        "{MARKER}\n<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>balance-sim: {}</title>\n\
         <style>{STYLE}</style>\n<header><h1>Balance simulation</h1>\n<p class=\"verdict {}\">{}</p>\n<p class=\"facts\">{}</p>\n",
        summary(results),
        if pass { "pass" } else { "fail" },
        summary(results),
        facts(results),
    );
    legend(&mut page, &scalars)?;
    page.push_str("</header>\n");
    overview(&mut page, &groups, &scalars)?;
    let few = groups.len() <= 6;
    let mut last = "";
    for (number, group) in groups.iter().enumerate() {
        if group.scenario != last {
            last = group.scenario;
            let about = scenario::describe(last);
            writeln!(
                page,
                "<h2>{}</h2><p class=\"about\">{}</p>",
                text(last),
                text(about)
            )?;
        }
        section(&mut page, number, group, few || !group.pass(), points)?;
    }
    page.push_str("</html>\n");
    Ok(page)
}

/// What all runs have in common.
fn facts(results: &[RunResult]) -> String {
    let list = |name: &str, value: fn(&RunResult) -> String| {
        let mut values: Vec<String> = results.iter().map(value).collect();
        values.sort();
        values.dedup();
        format!("{name} <b>{}</b>", text(&values.join(", ")))
    };
    [
        list("Controller", |run| run.controller.clone()),
        list("Estimator", |run| run.estimator.clone()),
        list("Seed", |run| run.seed.to_string()),
        format!("balance-sim <b>{}</b>", env!("CARGO_PKG_VERSION")),
    ]
    .join(" · ")
}

/// Tick boxes of the number types; [`STYLE`] hides what is not ticked.
fn legend(page: &mut String, scalars: &[&str]) -> Result<()> {
    page.push_str("<nav>");
    for scalar in scalars {
        let name = text(scalar);
        writeln!(
            page,
            "<label class=\"{name}\"><input type=\"checkbox\" id=\"show-{name}\" checked> {name}</label>"
        )?;
    }
    page.push_str(
        "<span><svg viewBox=\"0 0 30 8\"><path d=\"M0 4H30\"/></svg> true, left</span>\
         <span><svg viewBox=\"0 0 30 8\"><path class=\"dash\" d=\"M0 4H30\"/></svg> estimate, command, right</span>\
         <span><svg viewBox=\"0 0 30 8\"><path class=\"event\" d=\"M15 0V8\"/></svg> event</span></nav>\n",
    );
    Ok(())
}

fn overview(page: &mut String, groups: &[Group<'_>], scalars: &[&str]) -> Result<()> {
    page.push_str("<div class=\"wide\"><table><thead><tr><th>Scenario<th>Robot");
    for scalar in scalars {
        write!(page, "<th class=\"mark\">{}", text(scalar))?;
    }
    page.push_str("<th class=\"n\">Settled<th class=\"n\">Max tilt<th class=\"n\">Drift<th class=\"n\">Energy<tbody>\n");
    let mut last = "";
    for (number, group) in groups.iter().enumerate() {
        let first = group.scenario != last;
        last = group.scenario;
        write!(
            page,
            "<tr class=\"{}\"><td>{}<td><a href=\"#run-{number}\">{}</a>",
            if first { "first" } else { "" },
            if first { text(last) } else { String::new() },
            text(group.robot)
        )?;
        for scalar in scalars {
            page.push_str(match group.scalar(scalar).map(|run| run.pass) {
                Some(true) => "<td class=\"mark pass\" title=\"passed\">✓",
                Some(false) => "<td class=\"mark fail\" title=\"failed\">✗",
                None => "<td>",
            });
        }
        writeln!(page, "{}", figures(group))?;
    }
    page.push_str("</table></div>\n");
    Ok(())
}

fn figures(group: &Group<'_>) -> String {
    format!(
        "<td class=\"n\">{}<td class=\"n\">{:.1}°<td class=\"n\">{:.2} m<td class=\"n\">{:.1} J",
        group
            .settle_time_s()
            .map_or("–".to_owned(), |s| format!("{s:.2} s")),
        group.worst(|run| run.max_tilt_deg),
        group.worst(|run| run.position_drift_m),
        group.worst(|run| run.energy_j),
    )
}

fn section(
    page: &mut String,
    number: usize,
    group: &Group<'_>,
    open: bool,
    points: usize,
) -> Result<()> {
    let (class, word) = if group.pass() {
        ("pass", "passed")
    } else {
        ("fail", "failed")
    };
    writeln!(
        page,
        "<details{}><summary><b>{}</b> <span class=\"badge {class}\">{word}</span></summary>\
         <div class=\"body\" id=\"run-{number}\">",
        if open { " open" } else { "" },
        text(group.robot),
    )?;
    page.push_str("<div class=\"wide\"><table><thead><tr><th>Type<th class=\"mark\"><th class=\"n\">Settled<th class=\"n\">Max tilt<th class=\"n\">Drift<th class=\"n\">Energy<th>End<th>Faults seen<th>Outcome<tbody>\n");
    for run in &group.runs {
        let only = Group {
            scenario: group.scenario,
            robot: group.robot,
            runs: vec![run],
        };
        let (class, mark) = if run.pass {
            ("pass", "✓")
        } else {
            ("fail", "✗")
        };
        let late = match run.deadline_misses {
            0 => String::new(),
            misses => format!("; {misses} late periods"),
        };
        let faults = if run.faults_seen.is_empty() {
            "–".to_owned()
        } else {
            text(&run.faults_seen.join(", "))
        };
        writeln!(
            page,
            "<tr><td><span class=\"swatch {0}\"></span>{0}<td class=\"mark {class}\">{mark}{1}<td>{2}<td>{faults}<td>{3}{late}",
            text(&run.scalar),
            figures(&only),
            text(&run.final_state),
            text(&run.reason),
        )?;
    }
    page.push_str("</table></div>\n<div class=\"plots\">\n");
    type Signal = fn(&Trace) -> &[f64];
    let plots: [(&str, &[Signal]); 6] = [
        ("Tilt, °", &[|t| &t.tilt_deg, |t| &t.tilt_estimate_deg]),
        ("Position, m", &[|t| &t.position_m]),
        ("Speed, m/s", &[|t| &t.speed_m_s, |t| &t.speed_command_m_s]),
        ("Duty", &[|t| &t.duty_left, |t| &t.duty_right]),
        ("Heading, °", &[|t| &t.yaw_deg]),
        ("Battery, V", &[|t| &t.battery_v]),
    ];
    for (title, signals) in plots {
        let mut curves = Vec::new();
        for run in &group.runs {
            for (signal, dashed) in signals.iter().zip([false, true]) {
                let line = thin(&run.trace.time_s, signal(&run.trace), points);
                if !line.is_empty() {
                    curves.push((ink(&run.scalar, dashed), line));
                }
            }
        }
        if !curves.is_empty() {
            let plot = plot(&curves, events(group))?;
            writeln!(
                page,
                "<figure><figcaption>{title}</figcaption>{plot}</figure>"
            )?;
        }
    }
    page.push_str("</div>\n");
    let events = events(group);
    if !events.is_empty() {
        page.push_str("<ol class=\"events\">");
        for (time, what) in events {
            write!(page, "<li><b>{time:.2} s</b> {}</li>", text(what))?;
        }
        page.push_str("</ol>\n");
    }
    page.push_str("</div></details>\n");
    Ok(())
}

/// The events of the first run that failed, else of the first run: others differ by little.
fn events<'a>(group: &Group<'a>) -> &'a [(f64, String)] {
    let run = group
        .runs
        .iter()
        .find(|run| !run.pass)
        .or(group.runs.first());
    run.map_or(&[], |run| &run.trace.events)
}

/// About `points` points that keep the peaks: the least and the greatest of each stretch of time.
fn thin(time: &[f64], values: &[f64], points: usize) -> Vec<(f64, f64)> {
    let all: Vec<(f64, f64)> = time.iter().copied().zip(values.iter().copied()).collect();
    let finite = |(t, x): &(f64, f64)| t.is_finite() && x.is_finite();
    let all: Vec<(f64, f64)> = all.into_iter().filter(finite).collect();
    if all.len() <= points {
        return all;
    }
    let stretch = all.len().div_ceil((points / 2).max(1));
    let mut line = Vec::with_capacity(points + 2);
    for part in all.chunks(stretch) {
        let by_value = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let ends = [part.iter().min_by(by_value), part.iter().max_by(by_value)];
        let mut ends: Vec<(f64, f64)> = ends.into_iter().flatten().copied().collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        ends.dedup();
        line.extend(ends);
    }
    line
}

/// The colours in which plots are drawn, by number type: solid, dashed.
const INK: [(&str, RGBColor, RGBColor); 3] = [
    ("f32", RGBColor(37, 99, 235), RGBColor(37, 99, 236)),
    ("f64", RGBColor(5, 150, 105), RGBColor(5, 150, 106)),
    ("fixed", RGBColor(217, 119, 6), RGBColor(217, 119, 7)),
];
const EVENT: RGBColor = RGBColor(219, 39, 119);
const GRID: RGBColor = RGBColor(225, 228, 232);
const AXIS: RGBColor = RGBColor(87, 96, 106);

fn ink(scalar: &str, dashed: bool) -> RGBColor {
    let ink = INK.iter().find(|ink| ink.0 == scalar);
    ink.map_or(AXIS, |(_, solid, dash)| if dashed { *dash } else { *solid })
}

fn plot(curves: &[(RGBColor, Vec<(f64, f64)>)], events: &[(f64, String)]) -> Result<String> {
    let all = || curves.iter().flat_map(|(_, line)| line.iter().copied());
    let (start, end) = range(all().map(|point| point.0));
    let (low, high) = range(all().map(|point| point.1));
    let margin = (0.06 * (high - low)).max(1e-3);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin(6)
            .margin_right(14)
            .x_label_area_size(22)
            .y_label_area_size(46)
            .build_cartesian_2d(start..end.max(start + 1e-3), low - margin..high + margin)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(AXIS)
            .label_style(("sans-serif", 12).into_font().color(&AXIS))
            .x_labels(9)
            .y_labels(6)
            .x_label_formatter(&|t| format!("{} s", trim(*t)))
            .y_label_formatter(&|x| trim(*x))
            .draw()?;
        for time in events
            .iter()
            .map(|event| event.0)
            .filter(|t| (start..=end).contains(t))
        {
            let ends = [(time, low - margin), (time, high + margin)];
            chart.draw_series(LineSeries::new(ends, EVENT))?;
        }
        // Solid below dashed, so that an estimate is seen upon the truth.
        for (color, line) in curves {
            chart.draw_series(LineSeries::new(line.iter().copied(), color.stroke_width(1)))?;
        }
        area.present()?;
    }
    Ok(svg)
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let ends = values.fold((f64::MAX, f64::MIN), |(low, high), x| {
        (low.min(x), high.max(x))
    });
    if ends.0 > ends.1 { (0.0, 0.0) } else { ends }
}

/// At most three decimals, none for show.
fn trim(x: f64) -> String {
    let text = format!("{x:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// Text as HTML.
fn text(plain: &str) -> String {
    plain
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

const STYLE: &str = include_str!("report.css");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_a_peak_of_one_sample() {
        let time: Vec<f64> = (0..10_000).map(f64::from).collect();
        let mut values = vec![0.0; 10_000];
        values[4321] = 7.0;
        let line = thin(&time, &values, 400);
        assert!(line.len() <= 402);
        assert!(line.contains(&(4321.0, 7.0)));
        assert!(line.is_sorted_by(|a, b| a.0 <= b.0));
    }

    #[test]
    fn what_is_not_finite_is_not_drawn() {
        let line = thin(&[0.0, 1.0, 2.0], &[1.0, f64::NAN, 3.0], 400);
        assert_eq!(line, [(0.0, 1.0), (2.0, 3.0)]);
    }

    #[test]
    fn names_cannot_break_the_page() {
        assert_eq!(text("<b> & \"c\""), "&lt;b&gt; &amp; &quot;c&quot;");
    }

    #[test]
    fn a_report_is_known_again_and_needs_nothing_else() {
        let folder = std::env::temp_dir().join(format!("balance-report-{}", std::process::id()));
        let path = folder.join("report.html");
        write(&[], &path).unwrap();
        may_write(&path).unwrap();
        write(&[], &path).unwrap();
        let page = fs::read_to_string(&path).unwrap();
        let left = fs::read_dir(&folder).unwrap().count();
        fs::remove_dir_all(&folder).unwrap();
        assert!(
            page.starts_with(MARKER) && !page.contains("href=\"http") && !page.contains("src=")
        );
        assert_eq!(left, 1, "the temporary file is gone");
    }

    #[test]
    fn labels_have_no_idle_zeros() {
        assert_eq!([trim(0.500), trim(-0.0001), trim(20.0)], ["0.5", "0", "20"]);
    }
}
