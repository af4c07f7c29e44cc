//! Replays recorded IMU logs through the estimators and prints how wrong their tilt is.
//!
//! Tilt here is inclination: the angle between the true and the estimated up direction, both in
//! the sensor's axes. It needs no heading and no agreement on which axis is forward.

use crate::cli::ReplayArgs;
use crate::log::{Log, Row, logs_in};
use crate::{table, workspace};
use anyhow::{Result, ensure};
use balance_core::estimation::complementary::{Complementary, ComplementaryConfig};
use balance_core::estimation::inclination::{Inclination, InclinationConfig};
use balance_core::estimation::steady_tilt_kalman::SteadyTiltKalman;
use balance_core::estimation::tilt_kalman::{TiltKalman, TiltKalmanConfig};
use balance_core::math::{Float, Q12, Real, Scalar};
use comfy_table::Cell;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// From rate and specific force to the up direction, of any length.
type Estimator<T> = Box<dyn FnMut([T; 3], [T; 3]) -> [T; 3]>;

/// Replays the named logs, those in `BALANCE_DATA`, or the committed ones.
pub fn replay(args: &ReplayArgs) -> Result<()> {
    let paths: Vec<PathBuf> = match std::env::var_os("BALANCE_DATA") {
        _ if !args.files.is_empty() => args.files.clone(),
        Some(folder) if !folder.is_empty() => logs_in(Path::new(&folder))?,
        _ => logs_in(&workspace().join("examples/sim/data"))?,
    };
    let logs = paths
        .iter()
        .map(|path| Log::read(path))
        .collect::<Result<Vec<_>>>()?;
    let mut out = io::stdout().lock();
    let (with_truth, without): (Vec<&Log>, Vec<&Log>) = logs
        .iter()
        .partition(|log| log.rows.iter().any(|row| row.up.is_some()));
    if !with_truth.is_empty() {
        writeln!(
            out,
            "Tilt error against ground truth during movement, degrees (RMSE, max):"
        )?;
        show(&with_truth, &mut out)?;
    }
    if !without.is_empty() {
        writeln!(
            out,
            "No ground truth, so no error; angle of the sensor's z axis to the vertical, degrees (RMS, max):"
        )?;
        show(&without, &mut out)?;
    }
    for log in &logs {
        if let Some([x, y, z]) = rest_rate(&log.rows) {
            writeln!(
                out,
                "{}: gyro at rest reads {x:+.2}, {y:+.2}, {z:+.2} °/s; not removed.",
                log.name
            )?;
        }
    }
    writeln!(
        out,
        "A complementary filter estimates no gyro bias: a rate off by b tilts it by up to b·τ. The Kalman\n\
         filters estimate it.\n\
         A pair is two one-axis filters, pitch and roll, joined by Euler rates. Near pitch ±90° it cannot\n\
         work, and the committed logs go there."
    )?;
    Ok(())
}

/// RMS and largest value of an angle, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Angle {
    rms: f64,
    max: f64,
}

fn show(logs: &[&Log], out: &mut impl Write) -> Result<()> {
    let header = [
        "log and estimator",
        "f32",
        "max",
        "f64",
        "max",
        "fixed",
        "max",
    ];
    let mut table = table::new(header);
    let mut sums: Vec<(&str, [Angle; 3])> = Vec::new();
    for log in logs {
        let by_type = [
            angles::<f32>(log)?,
            angles::<f64>(log)?,
            angles::<Q12>(log)?,
        ];
        let [single, double, fixed] = &by_type;
        table.add_row([&log.name]);
        for (index, ((name, a), ((_, b), (_, c)))) in
            single.iter().zip(double.iter().zip(fixed)).enumerate()
        {
            add_row(&mut table, name, &[*a, *b, *c]);
            match sums.get_mut(index) {
                Some((_, sums)) => {
                    for (sum, angle) in sums.iter_mut().zip([a, b, c]) {
                        sum.rms += angle.rms;
                        sum.max += angle.max;
                    }
                }
                None => sums.push((name, [*a, *b, *c])),
            }
        }
    }
    if logs.len() > 1 {
        let count = logs.len() as f64;
        table.add_row([format!("mean of {} logs", logs.len())]);
        for (name, sums) in &sums {
            let mean = sums.map(|sum| Angle {
                rms: sum.rms / count,
                max: sum.max / count,
            });
            add_row(&mut table, name, &mean);
        }
    }
    writeln!(out, "{table}")?;
    Ok(())
}

fn add_row(table: &mut comfy_table::Table, estimator: &str, angles: &[Angle; 3]) {
    let mut row = vec![Cell::new(format!("  {estimator}"))];
    for angle in angles {
        row.push(table::number(format!("{:.3}", angle.rms)));
        row.push(table::number(format!("{:.1}", angle.max)));
    }
    table.add_row(row);
}

/// Every estimator, fresh, with the settings that its library documentation names as defaults.
fn estimators<T: Real>(dt: f64) -> Result<Vec<(&'static str, Estimator<T>)>> {
    let period = T::Param::lit(dt);
    let mut gravity: Inclination<T> = InclinationConfig::default().build(period)?;
    let complementary = || -> Result<_> {
        let mut filter: Complementary<T> = ComplementaryConfig::default().build(period)?;
        Ok(move |rate, angle| filter.step(rate, Some(angle)).angle)
    };
    let kalman = || -> Result<_> {
        let mut filter: TiltKalman<T> = TiltKalmanConfig::default().build(period)?;
        Ok(move |rate, angle| filter.step(rate, Some(angle)).angle)
    };
    let steady = || -> Result<_> {
        let mut filter: SteadyTiltKalman<T> = TiltKalmanConfig::default().build_steady(period)?;
        Ok(move |rate, angle| filter.step(rate, Some(angle)).angle)
    };
    Ok(vec![
        ("accelerometer", Box::new(|_, accel| accel)),
        (
            "complementary gravity",
            Box::new(move |gyro, accel| gravity.step(gyro, Some(accel)).up),
        ),
        (
            "complementary pair",
            pair(dt, complementary()?, complementary()?),
        ),
        ("tilt Kalman pair", pair(dt, kalman()?, kalman()?)),
        ("steady Kalman pair", pair(dt, steady()?, steady()?)),
    ])
}

/// What each estimator gets wrong over a log.
fn angles<T: Real>(log: &Log) -> Result<Vec<(&'static str, Angle)>> {
    let truth = log.rows.iter().any(|row| row.up.is_some());
    let counts = |row: &Row| row.moving && (row.up.is_some() || !truth);
    let count = log.rows.iter().filter(|row| counts(row)).count();
    ensure!(
        count > 0,
        "{}: no sample is both movement and has ground truth",
        log.name
    );
    let mut found = Vec::new();
    for (name, mut estimator) in estimators::<T>(log.dt)? {
        let (mut squares, mut max) = (0.0, 0.0_f64);
        for row in &log.rows {
            let up = estimator(row.gyro.map(T::lit), row.accel.map(T::lit));
            if counts(row) {
                let up = up.map(|c| c.to_param().to_f64());
                let angle = between(up, row.up.unwrap_or([0.0, 0.0, 1.0])).to_degrees();
                squares += angle * angle;
                max = max.max(angle);
            }
        }
        found.push((
            name,
            Angle {
                rms: (squares / count as f64).sqrt(),
                max,
            },
        ));
    }
    Ok(found)
}

/// Angle between two directions, in radians. One that points nowhere is as wrong as can be.
fn between(a: [f64; 3], b: [f64; 3]) -> f64 {
    let dot: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
    let cross = [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ];
    let cross = cross.iter().map(|c| c * c).sum::<f64>().sqrt();
    if cross + dot.abs() > 0.0 && cross.is_finite() {
        // Unlike the arc cosine of the dot product, exact for small angles too.
        cross.atan2(dot)
    } else {
        std::f64::consts::PI
    }
}

/// Two one-axis filters `(rate, angle from the accelerometer) -> angle` as a pitch and a roll.
fn pair<T: Real>(
    dt: f64,
    mut pitch_filter: impl FnMut(T, T) -> T + 'static,
    mut roll_filter: impl FnMut(T, T) -> T + 'static,
) -> Estimator<T> {
    let dt = T::lit(dt);
    let (mut pitch, mut roll) = (T::zero(), T::zero());
    // An eighth of it, so that its square fits the range of fixed point.
    let eighth = T::lit(0.125);
    Box::new(move |gyro, accel| {
        let [ax, ay, az] = accel.map(|a| a * eighth);
        let (sin_roll, cos_roll) = roll.sin_cos();
        let (sin_pitch, cos_pitch) = pitch.sin_cos();
        let pitch_rate = gyro[1] * cos_roll - gyro[2] * sin_roll;
        let around = gyro[1] * sin_roll + gyro[2] * cos_roll;
        // Euler rates have a pole at ±90°; stay ten degrees beside it.
        let least = T::lit(0.17);
        let cos_safe = if cos_pitch.magnitude() > least {
            cos_pitch
        } else {
            least
        };
        let roll_rate = gyro[0] + around * sin_pitch / cos_safe;

        let pitch_seen = (-ax).atan2((ay * ay + az * az).sqrt());
        // The turn of the measured roll that is nearest to where the roll will be.
        let expected = roll + roll_rate * dt;
        let (sin, cos) = (ay.atan2(az) - expected).sin_cos();
        pitch = pitch_filter(pitch_rate, pitch_seen);
        roll = roll_filter(roll_rate, expected + sin.atan2(cos));

        let (sin_roll, cos_roll) = roll.sin_cos();
        let (sin_pitch, cos_pitch) = pitch.sin_cos();
        [-sin_pitch, sin_roll * cos_pitch, cos_roll * cos_pitch]
    })
}

/// Mean rate before the first movement, in °/s; `None` if the log has less than a hundred samples
/// of it.
fn rest_rate(rows: &[Row]) -> Option<[f64; 3]> {
    let rest: Vec<&Row> = rows.iter().take_while(|row| !row.moving).collect();
    let mean = |axis: usize| {
        let sum: f64 = rest.iter().map(|row| row.gyro[axis]).sum();
        (sum / rest.len() as f64).to_degrees()
    };
    (rest.len() >= 100).then(|| [mean(0), mean(1), mean(2)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inclination_of_known_rotations() {
        let z = [0.0, 0.0, 9.81];
        assert_eq!(between(z, [0.0, 0.0, 1.0]), 0.0);
        assert!((between(z, [0.0, 1e-9, 1.0]) - 1e-9).abs() < 1e-15);
        assert!((between(z, [1.0, 0.0, 1.0]).to_degrees() - 45.0).abs() < 1e-12);
        assert!((between(z, [0.0, -2.0, 0.0]).to_degrees() - 90.0).abs() < 1e-12);
        assert!((between(z, [0.0, 0.0, -1.0]).to_degrees() - 180.0).abs() < 1e-12);
    }

    #[test]
    fn a_direction_that_is_none_is_entirely_wrong() {
        assert_eq!(between([0.0; 3], [0.0, 0.0, 1.0]), std::f64::consts::PI);
        assert_eq!(
            between([f64::NAN; 3], [0.0, 0.0, 1.0]),
            std::f64::consts::PI
        );
    }

    /// Turns at 1 rad/s about x, then y, in a log whose accelerometer reads nothing but gravity.
    fn turning(axis: usize, seconds: f64) -> Log {
        let dt = 0.001;
        let rows = (0..(seconds / dt) as usize).map(|i| {
            let (sin, cos) = (i as f64 * dt).sin_cos();
            let up = if axis == 0 {
                [0.0, sin, cos]
            } else {
                [-sin, 0.0, cos]
            };
            let mut gyro = [0.0; 3];
            gyro[axis] = 1.0;
            Row {
                gyro,
                accel: up.map(|c| 9.81 * c),
                mag: None,
                attitude: None,
                up: Some(up),
                moving: true,
            }
        });
        Log {
            name: String::new(),
            dt,
            rows: rows.collect(),
        }
    }

    fn all_follow<T: Real>() {
        // Roll may turn over; pitch stays below the pole.
        for log in [turning(0, 10.0), turning(1, 1.2)] {
            for (name, angle) in angles::<T>(&log).unwrap() {
                assert!(angle.max < 0.2, "{name} of {}: {angle:?}", T::NAME);
            }
        }
    }

    #[test]
    fn every_estimator_follows_a_perfect_turn() {
        all_follow::<f32>();
        all_follow::<f64>();
        all_follow::<Q12>();
    }

    #[test]
    fn a_wrong_sign_of_the_rate_shows() {
        let mut log = turning(0, 3.0);
        log.rows.iter_mut().for_each(|row| row.gyro[0] = -1.0);
        // A Kalman filter takes a wrong sign for a bias and learns it.
        let found = angles::<f64>(&log).unwrap();
        for (name, angle) in found
            .into_iter()
            .filter(|(name, _)| name.starts_with("compl"))
        {
            assert!(angle.rms > 10.0, "{name}: {angle:?}");
        }
    }
}
