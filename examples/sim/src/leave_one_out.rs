//! What a tuning is worth on a recording that it was not found on: for each log, the best of a grid on the
//! others, and its error there.

use crate::evaluate::errors;
use crate::log::Log;
use crate::table;
use anyhow::{Result, anyhow, ensure};
use balance_core::ConfigError;
use balance_core::estimation::basic_vqf::BasicVqfConfig;
use balance_core::estimation::bounded_velocity::BoundedVelocityConfig;
use balance_core::estimation::steady_velocity::SteadyVelocityConfig;
use balance_core::math::Quaternion;
use comfy_table::Cell;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// From rate and specific force to the attitude.
type Step = Box<dyn FnMut([f32; 3], [f32; 3]) -> Quaternion<f32>>;
/// One of a grid: what it says of itself, and a fresh filter for a period.
struct Tuning {
    name: String,
    build: Box<dyn Fn(f32) -> Result<Step, ConfigError> + Sync>,
}

/// Prints a table for each grid.
pub fn show(logs: &[Log], out: &mut impl Write) -> Result<()> {
    ensure!(
        logs.len() > 1,
        "leaving one out takes two logs: set BALANCE_DATA, or name more"
    );
    for (title, grid) in [
        ("basic_vqf6 f32: time constant in s", basic_vqf()),
        (
            "steady_velocity6 f32: time constant in s, damping, time constant of the bias in s",
            steady_velocity(),
        ),
        (
            "bounded6 f32: velocity in m/s·√s, tilt in rad/√s, scale",
            bounded_velocity(),
        ),
    ] {
        writeln!(
            out,
            "\n{title}\n{} tunings; inclination without a magnetometer, RMSE in movement in degrees",
            grid.len()
        )?;
        let errors = all_errors(logs, &grid)?;
        write_grid(logs, &grid, &errors, out)?;
    }
    Ok(())
}

fn write_grid(
    logs: &[Log],
    grid: &[Tuning],
    errors: &[Vec<f64>],
    out: &mut impl Write,
) -> Result<()> {
    let mean = |errors: &[f64]| errors.iter().sum::<f64>() / errors.len() as f64;
    let best = |without: Option<usize>| {
        let sum = |k: usize| -> f64 {
            let errors = errors[k].iter().enumerate();
            errors
                .filter(|(log, _)| Some(*log) != without)
                .map(|(_, e)| e)
                .sum()
        };
        (0..grid.len())
            .min_by(|a, b| sum(*a).total_cmp(&sum(*b)))
            .unwrap_or_default()
    };
    let mut table = table::new(["left out", "best on the others", "its error there"]);
    let mut left_out = Vec::new();
    for (k, log) in logs.iter().enumerate() {
        let chosen = best(Some(k));
        left_out.push(errors[chosen][k]);
        table.add_row([
            Cell::new(&log.name),
            Cell::new(&grid[chosen].name),
            table::number(format!("{:.3}", errors[chosen][k])),
        ]);
    }
    writeln!(out, "{table}")?;
    let (all, means) = (best(None), errors.iter().map(|e| mean(e)));
    writeln!(
        out,
        "left out {:.3}; tuned on all {:.3} by {}; the worst tuning of the grid {:.3}",
        mean(&left_out),
        mean(&errors[all]),
        grid[all].name,
        means.fold(0.0, f64::max)
    )?;
    Ok(())
}

/// Errors by tuning and log; tunings are shared out among the processors.
fn all_errors(logs: &[Log], grid: &[Tuning]) -> Result<Vec<Vec<f64>>> {
    let next = AtomicUsize::new(0);
    let workers = thread::available_parallelism().map_or(1, Into::into);
    let work = || -> Result<Vec<(usize, Vec<f64>)>> {
        let mut found = Vec::new();
        loop {
            let k = next.fetch_add(1, Ordering::Relaxed);
            let Some(tuning) = grid.get(k) else {
                return Ok(found);
            };
            let errors = logs.iter().map(|log| inclination(log, tuning));
            found.push((k, errors.collect::<Result<_>>()?));
        }
    };
    let mut found = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let mut all = Vec::new();
        for worker in workers {
            all.extend(
                worker
                    .join()
                    .map_err(|_| anyhow!("an estimator panicked (see above)"))??,
            );
        }
        Ok::<_, anyhow::Error>(all)
    })?;
    found.sort_by_key(|(k, _)| *k);
    Ok(found.into_iter().map(|(_, errors)| errors).collect())
}

fn inclination(log: &Log, tuning: &Tuning) -> Result<f64> {
    let mut step = (tuning.build)(log.dt as f32)?;
    let (mut sum, mut count) = (0.0, 0_u32);
    for row in &log.rows {
        let q = step(row.gyro.map(|x| x as f32), row.accel.map(|x| x as f32));
        let (true, Some(truth)) = (row.moving, row.attitude) else {
            continue;
        };
        let q = Quaternion::from_array(q.to_array().map(f64::from));
        let [_, _, inclination] = errors(q, Quaternion::from_array(truth));
        sum += inclination * inclination;
        count += 1;
    }
    Ok((sum / f64::from(count)).sqrt().to_degrees())
}

fn basic_vqf() -> Vec<Tuning> {
    let tuning = |accel_time_constant: f32| Tuning {
        name: format!("{accel_time_constant}"),
        build: Box::new(move |dt| {
            let mut filter = BasicVqfConfig {
                accel_time_constant,
                ..Default::default()
            }
            .build::<f32>(dt)?;
            Ok(Box::new(move |gyro, accel| {
                filter.step(gyro, Some(accel), None).attitude
            }))
        }),
    };
    [1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0].map(tuning).into()
}

fn steady_velocity() -> Vec<Tuning> {
    let mut grid = Vec::new();
    for time_constant in [1.5, 1.75, 2.0, 2.25, 2.5] {
        for damping in [0.4, 0.5, 0.6, 0.7] {
            for bias_time_constant in [20.0, 33.0, 50.0, 100.0] {
                let config = SteadyVelocityConfig {
                    time_constant,
                    damping,
                    bias_time_constant,
                    ..Default::default()
                };
                grid.push(Tuning {
                    name: format!("{time_constant}, {damping}, {bias_time_constant}"),
                    build: Box::new(move |dt| {
                        let mut filter = config.build::<f32>(dt)?;
                        Ok(Box::new(move |gyro, accel| {
                            filter.step(gyro, Some(accel), None).attitude
                        }))
                    }),
                });
            }
        }
    }
    grid
}

/// Half, once and twice the default of each.
fn bounded_velocity() -> Vec<Tuning> {
    let mut grid = Vec::new();
    let default = BoundedVelocityConfig::<f32>::default();
    for velocity in [0.5, 1.0, 2.0] {
        for tilt in [0.5, 1.0, 2.0] {
            for scale in [0.5, 1.0, 2.0] {
                let config = BoundedVelocityConfig {
                    velocity_spread: default.velocity_spread * velocity,
                    tilt_walk: default.tilt_walk * tilt,
                    scale_spread: default.scale_spread * scale,
                    ..default
                };
                grid.push(Tuning {
                    name: format!(
                        "{}, {}, {}",
                        config.velocity_spread, config.tilt_walk, config.scale_spread
                    ),
                    build: Box::new(move |dt| {
                        let mut filter = config.build(dt)?;
                        Ok(Box::new(move |gyro, accel| {
                            filter.step(gyro, Some(accel), None).attitude
                        }))
                    }),
                });
            }
        }
    }
    grid
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Row;

    /// A still log whose gyroscope has a bias: the longer the time constant, the worse.
    fn still(name: &str) -> Log {
        let row = Row {
            gyro: [0.002, 0.0, 0.0],
            accel: [0.0, 0.0, 9.81],
            mag: None,
            attitude: Some([1.0, 0.0, 0.0, 0.0]),
            up: None,
            moving: true,
        };
        Log {
            name: name.to_owned(),
            dt: 0.01,
            rows: vec![row; 2000],
        }
    }

    #[test]
    fn the_best_on_the_others_is_tested_on_the_one() {
        let logs = [still("a"), still("b")];
        let grid = basic_vqf();
        let errors = all_errors(&logs, &grid).unwrap();
        assert!(errors[0][0] < errors[6][0], "{errors:?}");
        let mut out = Vec::new();
        write_grid(&logs, &grid, &errors, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("by 1.5;"), "{text}");
        assert!(show(&logs[..1], &mut Vec::new()).is_err());
    }
}
