//! Runs the attitude filters over recordings with ground truth and prints how wrong they are, beside other
//! implementations.
//!
//! The metric is that of the BROAD paper (D. Laidig et al. 2021, doi:10.3390/data6070072): with e the
//! rotation from the true to the estimated attitude in earth axes, total 2·acos|w|, heading
//! 2·atan|z/w|, inclination 2·acos√(w² + z²); the root mean square over the samples in movement that
//! have ground truth. Without a magnetometer the heading means nothing, and only the inclination counts.

use crate::cli::EvaluateArgs;
use crate::log::{Log, logs_in};
use crate::{leave_one_out, table, workspace};
use anyhow::{Context, Result, anyhow, ensure};
use balance_core::estimation::OrientationState;
use balance_core::estimation::attitude_kalman::AttitudeKalmanConfig;
use balance_core::estimation::basic_vqf::BasicVqfConfig;
use balance_core::estimation::bounded_velocity::BoundedVelocityConfig;
use balance_core::estimation::inclination::InclinationConfig;
use balance_core::estimation::madgwick::MadgwickConfig;
use balance_core::estimation::mahony::MahonyConfig;
use balance_core::estimation::steady_velocity::SteadyVelocityConfig;
use balance_core::estimation::vqf::VqfConfig;
use balance_core::math::{Float, Q12, Quaternion, Real, Scalar};
use comfy_table::Cell;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;

/// What the filters of other people get wrong on whole trials, with where it comes from.
const REFERENCES: &str = include_str!("../data/references.json");

#[derive(Deserialize)]
struct References {
    /// Length of each trial: an excerpt is not compared with the whole.
    samples: BTreeMap<String, usize>,
    references: Vec<Reference>,
}
#[derive(Deserialize)]
struct Reference {
    /// Name in the table.
    short: String,
    implementation: String,
    /// Which of ours is the same algorithm with the same settings.
    estimator: Option<String>,
    settings: String,
    trials: BTreeMap<String, Errors>,
}

/// Root mean squares, in degrees; `None` where the figure would mean nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Errors {
    total_rmse_deg: Option<f64>,
    heading_rmse_deg: Option<f64>,
    inclination_rmse_deg: Option<f64>,
}

/// One estimator in one number type on one trial.
#[derive(Clone, Debug, Serialize)]
struct Evaluation {
    estimator: &'static str,
    #[serde(skip)]
    headed: bool,
    scalar: &'static str,
    trial: String,
    #[serde(flatten)]
    errors: Errors,
}

/// Evaluates on the named logs, those in `BALANCE_DATA`, or the committed ones.
pub fn evaluate(args: &EvaluateArgs) -> Result<()> {
    let logs = logs(args)?;
    if args.leave_one_out {
        return leave_one_out::show(&logs, &mut io::stdout().lock());
    }
    let evaluations = run_all(&logs)?;
    let mut out = io::stdout().lock();
    if args.json {
        for evaluation in &evaluations {
            serde_json::to_writer(&mut out, evaluation)?;
            writeln!(out)?;
        }
        return Ok(());
    }
    show(&logs, &evaluations, &mut out)
}

fn logs(args: &EvaluateArgs) -> Result<Vec<Log>> {
    let paths: Vec<PathBuf> = match std::env::var_os("BALANCE_DATA") {
        _ if !args.files.is_empty() => args.files.clone(),
        Some(folder) if !folder.is_empty() => {
            let folder = PathBuf::from(folder);
            let pack = folder.join("broad");
            logs_in(if pack.is_dir() { &pack } else { &folder })
                .context("BALANCE_DATA must name a folder with recordings")?
        }
        _ => logs_in(&workspace().join("examples/sim/data"))?,
    };
    paths.iter().map(|path| with_truth(path)).collect()
}

/// A log that can be evaluated on: at least one sample in movement has ground truth.
fn with_truth(path: &Path) -> Result<Log> {
    let log = Log::read(path)?;
    let counted = log
        .rows
        .iter()
        .filter(|row| row.moving && row.attitude.is_some());
    ensure!(
        counted.count() > 0,
        "{}: no sample is both movement and has ground truth, so there is nothing to compare with",
        path.display()
    );
    Ok(log)
}

/// Every log in a thread of its own; results log by log.
fn run_all(logs: &[Log]) -> Result<Vec<Evaluation>> {
    let per_log = thread::scope(|scope| {
        let workers: Vec<_> = logs
            .iter()
            .map(|log| scope.spawn(|| evaluate_log(log)))
            .collect();
        workers
            .into_iter()
            .map(|worker| {
                worker
                    .join()
                    .map_err(|_| anyhow!("an estimator panicked (see above)"))?
            })
            .collect::<Result<Vec<_>>>()
    })?;
    Ok(per_log.into_iter().flatten().collect())
}

fn evaluate_log(log: &Log) -> Result<Vec<Evaluation>> {
    let mut found = Vec::new();
    evaluate_scalar::<f32>(log, [filters(log)?, float_filters(log)?], &mut found);
    evaluate_scalar::<f64>(log, [filters(log)?, float_filters(log)?], &mut found);
    evaluate_scalar::<Q12>(log, [filters(log)?, Vec::new()], &mut found);
    Ok(found)
}

/// From rate, specific force and field to the attitude.
type Step<T> = Box<dyn FnMut([T; 3], [T; 3], Option<[T; 3]>) -> Quaternion<T>>;

struct Filter<T> {
    name: &'static str,
    /// Whether it uses the magnetometer, without which the heading means nothing.
    headed: bool,
    step: Step<T>,
}

/// How much later than the cameras this IMU reports, in s, found on these trials: its low-pass delays. One
/// number for all; where a row uses it, its name says so.
const LAG: f64 = 0.0025;

/// Every filter, fresh, with its name.
fn filters<T: Real>(log: &Log) -> Result<Vec<Filter<T>>> {
    let p = T::Param::lit;
    let (dt, lag) = (p(log.dt), p(LAG));
    let mut list = Vec::new();
    let mut add = |name, headed, step: Step<T>| list.push(Filter { name, headed, step });

    let mut inclination = InclinationConfig::default().build::<T>(dt)?;
    add(
        "inclination6",
        false,
        Box::new(move |gyro, accel, _| {
            let up = inclination.step(gyro, Some(accel)).up;
            Quaternion::from_up(up).unwrap_or_default()
        }),
    );

    // The gains of the reference, and its start, which an integrator remembers.
    let start = published_start::<T>(log);
    let mahony = |config: MahonyConfig<T::Param>| -> Result<_> {
        let mut filter = config.build::<T>(dt)?;
        filter.restore(start);
        Ok(filter)
    };
    let mut level = mahony(MahonyConfig::default())?;
    let mut headed = mahony(MahonyConfig {
        proportional_gain: p(0.74),
        integral_gain: p(0.0012),
        ..Default::default()
    })?;
    add(
        "mahony6",
        false,
        Box::new(move |gyro, accel, _| level.step(gyro, Some(accel), None).attitude),
    );
    add(
        "mahony9",
        true,
        Box::new(move |gyro, accel, mag| headed.step(gyro, Some(accel), mag).attitude),
    );
    let madgwick = |config: MadgwickConfig<T::Param>| -> Result<_> {
        let mut filter = config.build::<T>(dt)?;
        filter.restore(start);
        Ok(filter)
    };
    let mut level = madgwick(MadgwickConfig::default())?;
    let mut headed = madgwick(MadgwickConfig {
        gain: p(0.12),
        ..Default::default()
    })?;
    add(
        "madgwick6",
        false,
        Box::new(move |gyro, accel, _| level.step(gyro, Some(accel), None).attitude),
    );
    add(
        "madgwick9",
        true,
        Box::new(move |gyro, accel, mag| headed.step(gyro, Some(accel), mag).attitude),
    );

    let basic = || BasicVqfConfig::default().build::<T>(dt);
    let (mut level, mut ahead, mut headed) = (basic()?, basic()?, basic()?);
    add(
        "basic_vqf6",
        false,
        Box::new(move |gyro, accel, _| level.step(gyro, Some(accel), None).attitude),
    );
    add(
        "basic_vqf6_ahead",
        false,
        Box::new(move |gyro, accel, _| ahead.step(gyro, Some(accel), None).ahead(lag)),
    );
    add(
        "basic_vqf9",
        true,
        Box::new(move |gyro, accel, mag| headed.step(gyro, Some(accel), mag).attitude),
    );

    let vqf = || VqfConfig::default().build::<T>(dt);
    let (mut level, mut ahead, mut headed) = (vqf()?, vqf()?, vqf()?);
    add(
        "vqf6",
        false,
        Box::new(move |gyro, accel, _| level.step(gyro, Some(accel), None).attitude),
    );
    add(
        "vqf6_ahead",
        false,
        Box::new(move |gyro, accel, _| ahead.step(gyro, Some(accel), None).ahead(lag)),
    );
    add(
        "vqf9",
        true,
        Box::new(move |gyro, accel, mag| headed.step(gyro, Some(accel), mag).attitude),
    );
    let steady = || SteadyVelocityConfig::default().build::<T>(dt);
    let (mut level, mut ahead, mut headed) = (steady()?, steady()?, steady()?);
    add(
        "steady_velocity6",
        false,
        Box::new(move |gyro, accel, _| level.step(gyro, Some(accel), None).attitude),
    );
    add(
        "steady_velocity6_ahead",
        false,
        Box::new(move |gyro, accel, _| ahead.step(gyro, Some(accel), None).ahead(lag)),
    );
    add(
        "steady_velocity9",
        true,
        Box::new(move |gyro, accel, mag| headed.step(gyro, Some(accel), mag).attitude),
    );
    // In floats only.
    let bounded = || BoundedVelocityConfig::default().build(dt);
    if T::NAME != "fixed" {
        let (mut level, mut ahead, mut headed) = (bounded()?, bounded()?, bounded()?);
        let up = |v: [T; 3]| v.map(Scalar::to_param);
        let down =
            |q: Quaternion<T::Param>| Quaternion::from_array(q.to_array().map(T::from_param));
        add(
            "bounded6",
            false,
            Box::new(move |gyro, accel, _| {
                down(level.step(up(gyro), Some(up(accel)), None).attitude)
            }),
        );
        add(
            "bounded6_ahead",
            false,
            Box::new(move |gyro, accel, _| {
                down(ahead.step(up(gyro), Some(up(accel)), None).ahead(lag))
            }),
        );
        add(
            "bounded9",
            true,
            Box::new(move |gyro, accel, mag| {
                down(headed.step(up(gyro), Some(up(accel)), mag.map(up)).attitude)
            }),
        );
    }
    Ok(list)
}

/// Those that exist for floats only.
fn float_filters<T: Float>(log: &Log) -> Result<Vec<Filter<T>>> {
    let build = || AttitudeKalmanConfig::default().build(T::lit(log.dt));
    let (mut level, mut ahead, mut headed) = (build()?, build()?, build()?);
    let lag = T::lit(LAG);
    let filter = |name, headed, step: Step<T>| Filter { name, headed, step };
    Ok(vec![
        filter(
            "attitude_kalman6",
            false,
            Box::new(move |gyro, accel, _| level.step(gyro, Some(accel), None).attitude),
        ),
        filter(
            "attitude_kalman6_ahead",
            false,
            Box::new(move |gyro, accel, _| ahead.step(gyro, Some(accel), None).ahead(lag)),
        ),
        filter(
            "attitude_kalman9",
            true,
            Box::new(move |gyro, accel, mag| headed.step(gyro, Some(accel), mag).attitude),
        ),
    ])
}

/// Where BROAD's example code starts the filters of Mahony and Madgwick: at the inverse of the attitude of
/// the first sample, a quarter of a turn off.
fn published_start<T: Real>(log: &Log) -> OrientationState<T> {
    let first = log.rows.first();
    let start = first.and_then(|row| Quaternion::from_up_and_north(row.accel, row.mag?));
    let quarter = Quaternion::from_rotation_vector([0.0, 0.0, std::f64::consts::FRAC_PI_2]);
    let start = start.map(|q| quarter * (quarter * q).conjugate());
    match start {
        Some(q) => OrientationState {
            attitude: q.to_array().map(|c| T::lit(c).widen()),
            level: true,
            headed: true,
            ..Default::default()
        },
        None => OrientationState::default(),
    }
}

fn evaluate_scalar<T: Real>(log: &Log, filters: [Vec<Filter<T>>; 2], found: &mut Vec<Evaluation>) {
    let has_field = log.rows.iter().any(|row| row.mag.is_some());
    for Filter {
        name: estimator,
        headed,
        mut step,
    } in filters.into_iter().flatten()
    {
        if headed && !has_field {
            continue;
        }
        let mut sums = [0.0; 3];
        let mut count = 0_u32;
        for row in &log.rows {
            let mag = row.mag.map(|mag| mag.map(T::lit));
            let q = step(row.gyro.map(T::lit), row.accel.map(T::lit), mag);
            let (true, Some(truth)) = (row.moving, row.attitude) else {
                continue;
            };
            let q = Quaternion::from_array(q.to_array().map(|c| c.to_param().to_f64()));
            for (sum, error) in sums
                .iter_mut()
                .zip(errors(q, Quaternion::from_array(truth)))
            {
                *sum += error * error;
            }
            count += 1;
        }
        let [total, heading, inclination] =
            sums.map(|sum| (sum / f64::from(count)).sqrt().to_degrees());
        found.push(Evaluation {
            estimator,
            headed,
            scalar: T::NAME,
            trial: log.name.clone(),
            errors: Errors {
                total_rmse_deg: headed.then_some(total),
                heading_rmse_deg: headed.then_some(heading),
                inclination_rmse_deg: Some(inclination),
            },
        });
    }
}

/// Total, heading and inclination, in rad. An attitude that is none is as wrong as can be.
pub fn errors(found: Quaternion<f64>, truth: Quaternion<f64>) -> [f64; 3] {
    let Some(found) = found.normalised() else {
        return [std::f64::consts::PI; 3];
    };
    let Quaternion { w, x, y, z } = found * truth.conjugate();
    // The arc tangents are the arc cosines of the definition, and exact for small angles too.
    let (level, upright) = (x.hypot(y), w.hypot(z));
    [
        2.0 * level.hypot(z).atan2(w.abs()),
        2.0 * z.abs().atan2(w.abs()),
        2.0 * level.atan2(upright),
    ]
}

/// A row of a table: a name and a figure for each trial.
struct Row {
    name: String,
    figures: Vec<Option<f64>>,
}

type Figure = fn(&Errors) -> Option<f64>;

fn show(logs: &[Log], evaluations: &[Evaluation], out: &mut impl Write) -> Result<()> {
    let references: References =
        serde_json::from_str(REFERENCES).context("the reference figures are damaged")?;
    writeln!(out, "Trials, errors in degrees (RMSE in movement):")?;
    for log in logs {
        writeln!(out, "  {}", log.name)?;
    }
    let tables: [(&str, bool, Figure); 4] = [
        ("Inclination without a magnetometer", false, |e| {
            e.inclination_rmse_deg
        }),
        ("Total with a magnetometer", true, |e| e.total_rmse_deg),
        ("Heading with a magnetometer", true, |e| e.heading_rmse_deg),
        ("Inclination with a magnetometer", true, |e| {
            e.inclination_rmse_deg
        }),
    ];
    for (title, headed, figure) in tables {
        let rows = rows(logs, evaluations, &references, headed, figure);
        if rows.is_empty() {
            continue;
        }
        writeln!(out, "\n{title}")?;
        write_table(logs, &rows, out)?;
    }
    writeln!(
        out,
        "In brackets: other implementations, from examples/sim/data/references.json:"
    )?;
    let mut seen = Vec::new();
    for reference in &references.references {
        let line = format!(
            "  [{}] {}: {}",
            reference.short, reference.implementation, reference.settings
        );
        if !seen.contains(&line) {
            writeln!(out, "{line}")?;
            seen.push(line);
        }
    }
    Ok(())
}

fn rows(
    logs: &[Log],
    evaluations: &[Evaluation],
    references: &References,
    headed: bool,
    figure: Figure,
) -> Vec<Row> {
    let mut names: Vec<&str> = Vec::new();
    for evaluation in evaluations {
        if evaluation.headed == headed && !names.contains(&evaluation.estimator) {
            names.push(evaluation.estimator);
        }
    }
    let mut rows = Vec::new();
    for name in names {
        for scalar in ["f32", "f64", "fixed"] {
            if !evaluations
                .iter()
                .any(|e| e.estimator == name && e.scalar == scalar)
            {
                continue;
            }
            let of = |log: &Log| {
                let mut same = evaluations.iter().filter(|e| e.trial == log.name);
                same.find(|e| e.estimator == name && e.scalar == scalar)
                    .and_then(|e| figure(&e.errors))
            };
            rows.push(Row {
                name: format!("{name} {scalar}"),
                figures: logs.iter().map(of).collect(),
            });
        }
        let same = references
            .references
            .iter()
            .filter(|r| r.estimator.as_deref() == Some(name));
        rows.extend(same.filter_map(|r| reference_row(logs, references, r, figure)));
    }
    if !headed {
        let others = references
            .references
            .iter()
            .filter(|r| r.estimator.is_none());
        rows.extend(others.filter_map(|r| reference_row(logs, references, r, figure)));
    }
    rows
}

/// `None` if none of the logs is a whole trial that the reference knows.
fn reference_row(
    logs: &[Log],
    references: &References,
    reference: &Reference,
    figure: Figure,
) -> Option<Row> {
    let of = |log: &Log| {
        let whole = references.samples.get(&log.name) == Some(&log.rows.len());
        let errors = reference.trials.get(&log.name).filter(|_| whole)?;
        figure(errors)
    };
    let figures: Vec<_> = logs.iter().map(of).collect();
    figures.iter().any(Option::is_some).then(|| Row {
        name: format!("  [{}]", reference.short),
        figures,
    })
}

fn write_table(logs: &[Log], rows: &[Row], out: &mut impl Write) -> Result<()> {
    // The number that a trial's name begins with is its name in the table.
    let short = |log: &Log| log.name.split('_').next().unwrap_or_default().to_owned();
    let short: Vec<String> = logs.iter().map(short).collect();
    let header = std::iter::once("estimator")
        .chain(short.iter().map(String::as_str))
        .chain(["mean", "worst"]);
    let mut table = table::new(header);
    for row in rows {
        let mut cells = vec![Cell::new(&row.name)];
        let text = |figure: Option<f64>| figure.map_or("–".to_owned(), |x| format!("{x:.2}"));
        cells.extend(row.figures.iter().map(|x| table::number(text(*x))));
        let known: Option<Vec<f64>> = row.figures.iter().copied().collect();
        let mean = known
            .as_ref()
            .map(|x| x.iter().sum::<f64>() / x.len() as f64);
        let worst = known.map(|x| x.into_iter().fold(0.0, f64::max));
        cells.push(table::number(
            mean.map_or("–".to_owned(), |x| format!("{x:.3}")),
        ));
        cells.push(table::number(text(worst)));
        table.add_row(cells);
    }
    // Twelve figures and a name within 100 columns.
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    writeln!(out, "{table}")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A turn about a horizontal axis is inclination, about the vertical heading; signs of quaternions
    /// do not matter.
    #[test]
    fn errors_are_told_apart() {
        let q = |v| Quaternion::<f64>::from_rotation_vector(v);
        let truth = q([0.3, -1.2, 2.0]);
        let near = |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(near(
            errors(q([0.0, 0.1, 0.0]) * truth, truth),
            [0.1, 0.0, 0.1]
        ));
        assert!(near(
            errors(q([0.0, 0.0, -0.2]) * truth, truth),
            [0.2, 0.2, 0.0]
        ));
        let [w, x, y, z] = truth.to_array();
        let other = Quaternion::from_array([-w, -x, -y, -z]);
        assert!(near(errors(other, truth), [0.0; 3]));
        let nothing = Quaternion::from_array([0.0; 4]);
        assert_eq!(errors(nothing, truth), [std::f64::consts::PI; 3]);
    }

    #[test]
    fn references_name_estimators_of_ours_and_all_trials() {
        let references: References = serde_json::from_str(REFERENCES).unwrap();
        let log = Log {
            name: String::new(),
            dt: 0.01,
            rows: Vec::new(),
        };
        let filters = filters::<f32>(&log).unwrap();
        let ours: Vec<_> = filters.into_iter().map(|filter| filter.name).collect();
        for reference in &references.references {
            if let Some(estimator) = &reference.estimator {
                assert!(ours.contains(&estimator.as_str()), "{estimator}");
            }
            assert_eq!(reference.trials.len(), references.samples.len());
        }
    }
}
