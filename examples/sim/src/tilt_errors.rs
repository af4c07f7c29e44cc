//! How wrong each estimator's tilt is while a robot balances: all of them listen to the sensors of
//! the same run, one of them steers.

use crate::run::{self, Session};
use crate::world::Reading;
use crate::{cli, robots, scenario, table};
use anyhow::{Context, Result};
use balance_core::estimation::complementary::{Complementary, ComplementaryConfig};
use balance_core::estimation::inclination::{Inclination, InclinationConfig};
use balance_core::estimation::madgwick::{Madgwick, MadgwickConfig};
use balance_core::estimation::mahony::{Mahony, MahonyConfig};
use balance_core::estimation::robot_tilt::{RobotTilt, RobotTiltConfig, RobotTiltInput};
use balance_core::estimation::steady_tilt_kalman::SteadyTiltKalman;
use balance_core::estimation::tilt_kalman::TiltKalman;
use balance_core::math::{Float, Q12, Quaternion, Real, Scalar};
use balance_core::robot::{EstimatorConfig, RobotConfig};
use comfy_table::Cell;
use std::io::{self, Write};

/// The scenarios that are compared: what a robot does all day.
pub const SCENARIOS: [&str; 8] = [
    "stand_up",
    "push",
    "drive_and_stop",
    "turn",
    "slope",
    "payload",
    "vibration",
    "gyro_bias",
];

/// What a sensor says in a period, in SI units; the gyroscope without the bias that it had at rest.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// rad/s.
    pub gyro: [f64; 3],
    /// m/s².
    pub accel: [f64; 3],
    /// Counts of both wheels since the last period.
    pub counts: i32,
}

type Listener = Box<dyn FnMut(&Heard) -> f64>;

/// Errors of one estimator in one run.
#[derive(Clone, Debug, serde::Serialize)]
pub struct TiltErrors {
    /// Name of the scenario.
    pub scenario: String,
    /// Name of the robot.
    pub robot: String,
    /// Name of the estimator.
    pub estimator: &'static str,
    /// Root of the mean square error, degrees.
    pub rms_deg: f64,
    /// Largest error, degrees.
    pub max_deg: f64,
}

fn scalar<T: Real>(x: T) -> f64 {
    x.to_param().to_f64()
}

/// All estimators as they suit a robot of this kind.
fn listeners(config: &RobotConfig<f32>) -> Result<Vec<(&'static str, Listener)>> {
    let dt = config.period;
    let angle = |heard: &Heard| (-heard.accel[0]).atan2(heard.accel[2]) as f32;
    let rate = |heard: &Heard| heard.gyro[1] as f32;
    let three = |x: [f64; 3]| x.map(|x| x as f32);
    let pitch = |q: Quaternion<f32>| {
        let [w, x, y, z] = [q.w, q.x, q.y, q.z].map(f64::from);
        (2.0 * (w * y - x * z)).clamp(-1.0, 1.0).asin()
    };
    let mut list: Vec<(&'static str, Listener)> = Vec::new();

    list.push((
        "accelerometer",
        Box::new(move |heard| f64::from(angle(heard))),
    ));
    let time_constant = 1.0;
    let mut filter: Complementary<f32> = ComplementaryConfig { time_constant }.build(dt)?;
    list.push((
        "complementary",
        Box::new(move |heard| f64::from(filter.step(rate(heard), Some(angle(heard))).angle)),
    ));
    let mut filter: SteadyTiltKalman<f32> = run::tilt_kalman().build_steady(dt)?;
    list.push((
        "steady_tilt_kalman",
        Box::new(move |heard| f64::from(filter.step(rate(heard), Some(angle(heard))).angle)),
    ));
    let mut filter: TiltKalman<f32> = run::tilt_kalman().build(dt)?;
    list.push((
        "tilt_kalman",
        Box::new(move |heard| f64::from(filter.step(rate(heard), Some(angle(heard))).angle)),
    ));
    let mut filter: Inclination<f32> = InclinationConfig::default().build(dt)?;
    list.push((
        "inclination",
        Box::new(move |heard| {
            let out = filter.step(three(heard.gyro), Some(three(heard.accel)));
            f64::from(out.pitch())
        }),
    ));
    let mut filter: Mahony<f32> = MahonyConfig::default().build(dt)?;
    list.push((
        "mahony",
        Box::new(move |heard| {
            let out = filter.step(three(heard.gyro), Some(three(heard.accel)), None);
            pitch(out.attitude)
        }),
    ));
    let mut filter: Madgwick<f32> = MadgwickConfig::default().build(dt)?;
    list.push((
        "madgwick",
        Box::new(move |heard| {
            let out = filter.step(three(heard.gyro), Some(three(heard.accel)), None);
            pitch(out.attitude)
        }),
    ));
    list.push(("robot_tilt", wheels::<f32>(config)?));
    list.push(("robot_tilt, fixed", wheels::<Q12>(config)?));
    Ok(list)
}

fn wheels<T: Real>(config: &RobotConfig<f32>) -> Result<Listener> {
    let EstimatorConfig::Wheels(tilt) = &config.estimator else {
        anyhow::bail!("the robot's own estimator is another");
    };
    let p = |x: f32| T::Param::lit(f64::from(x));
    let chassis = &config.chassis;
    let way = std::f32::consts::PI * chassis.wheel_radius / chassis.counts_per_revolution;
    let mut filter: RobotTilt<T> = RobotTiltConfig {
        sensor_height: p(tilt.sensor_height),
        metres_per_count: p(way),
        time_constant: p(tilt.time_constant),
        bias_time_constant: p(tilt.bias_time_constant),
        slip_limit: p(tilt.slip_limit),
    }
    .build(p(config.period))?;
    Ok(Box::new(move |heard| {
        let [x, _, z] = heard.accel.map(T::lit);
        let out = filter.step(&RobotTiltInput {
            rate: T::lit(heard.gyro[1]),
            accel: Some([x, z]),
            counts: heard.counts,
        });
        scalar(out.angle)
    }))
}

/// Listens to a run.
struct Listening {
    listeners: Vec<(&'static str, Listener)>,
    units: [f64; 2],
    still: ([f64; 3], u32),
    counts: Option<[i32; 2]>,
    errors: Vec<(f64, f64)>,
    steps: u32,
}

/// Periods at rest over which the gyroscope's bias is averaged.
const REST: u32 = 400;

impl Listening {
    fn hear(&mut self, reading: &Reading, pitch: f64, released: bool) {
        let Some(imu) = reading.imu else { return };
        let [accel_unit, gyro_unit] = self.units;
        let gyro = imu.gyro.map(|x| f64::from(x) * gyro_unit);
        let counts = self.counts.replace(reading.encoders);
        let (sum, seen) = &mut self.still;
        if *seen < REST {
            for (sum, x) in sum.iter_mut().zip(gyro) {
                *sum += x / f64::from(REST);
            }
            *seen += 1;
            return;
        }
        let mut free = gyro;
        for (x, bias) in free.iter_mut().zip(self.still.0) {
            *x -= bias;
        }
        let [left, right] = reading.encoders;
        let [last_left, last_right] = counts.unwrap_or([left, right]);
        let heard = Heard {
            gyro: free,
            accel: imu.accel.map(|x| f64::from(x) * accel_unit),
            counts: (left - last_left) + (right - last_right),
        };
        self.steps += u32::from(released);
        for ((_, listener), (square, worst)) in self.listeners.iter_mut().zip(&mut self.errors) {
            let error = (listener(&heard) - pitch).to_degrees();
            if released {
                *square += error * error;
                *worst = worst.max(error.abs());
            }
        }
    }
}

/// All estimators in all those scenarios with all robots.
pub fn measure(seed: u64) -> Result<Vec<TiltErrors>> {
    let mut all = Vec::new();
    for scenario in SCENARIOS {
        for robot in robots::geared() {
            let found = robots::find(robot).context("no such robot")?;
            let config = found.config::<f32>();
            let listeners = listeners(&config)?;
            let mut listening = Listening {
                errors: vec![(0.0, 0.0); listeners.len()],
                listeners,
                units: [config.imu_scale.accel, config.imu_scale.gyro].map(f64::from),
                still: ([0.0; 3], 0),
                counts: None,
                steps: 0,
            };
            let scenario = scenario::find(scenario).context("no such scenario")?;
            let mut session: Session<f32> = Session::new(&found, scenario, &config, seed)?;
            let steps = Session::<f32>::steps(scenario);
            while session.goes_on() {
                session.world.step(session.bridges, steps);
                session.follow(steps);
                if let Some(reading) = session.heard.take() {
                    let world = &session.world;
                    listening.hear(&reading, world.plant.state.pitch, world.released());
                }
            }
            let steps = f64::from(listening.steps.max(1));
            for ((name, _), (square, worst)) in listening.listeners.iter().zip(&listening.errors) {
                all.push(TiltErrors {
                    scenario: scenario.name.to_owned(),
                    robot: robot.to_owned(),
                    estimator: name,
                    rms_deg: (square / steps).sqrt(),
                    max_deg: *worst,
                });
            }
        }
    }
    Ok(all)
}

/// Prints the errors: a row for each estimator, a column for each scenario, over all robots.
pub fn print(errors: &[TiltErrors], out: &mut impl Write) -> Result<()> {
    let head = ["RMS in °"].into_iter().chain(SCENARIOS);
    let mut table = table::new(head.chain(["all", "max"]));
    let mut names: Vec<&str> = Vec::new();
    for error in errors {
        if !names.contains(&error.estimator) {
            names.push(error.estimator);
        }
    }
    for name in names {
        let own = || errors.iter().filter(|error| error.estimator == name);
        let mean = |scenario: Option<&str>| {
            let here = own().filter(|error| scenario.is_none_or(|name| name == error.scenario));
            let squares: Vec<f64> = here.map(|error| error.rms_deg.powi(2)).collect();
            (squares.iter().sum::<f64>() / squares.len().max(1) as f64).sqrt()
        };
        let mut row = vec![Cell::new(name)];
        for scenario in SCENARIOS.into_iter().map(Some).chain([None]) {
            row.push(table::number(format!("{:.2}", mean(scenario))));
        }
        let worst = own().map(|error| error.max_deg).fold(0.0, f64::max);
        row.push(table::number(format!("{worst:.1}")));
        table.add_row(row);
    }
    writeln!(out, "{table}")?;
    out.flush()?;
    Ok(())
}

/// The command.
pub fn tilt(args: &cli::TiltArgs) -> Result<()> {
    let errors = measure(args.seed)?;
    let mut out = io::stdout().lock();
    if args.json {
        for error in &errors {
            serde_json::to_writer(&mut out, error)?;
            writeln!(out)?;
        }
        return Ok(());
    }
    print(&errors, &mut out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In every scenario over all robots, and in fixed point as well.
    #[test]
    fn the_robots_own_estimator_is_the_best() {
        let errors = measure(1).unwrap();
        for scenario in SCENARIOS {
            let mean = |name: &str| {
                let own = errors.iter().filter(|error| error.estimator == name);
                let squares = own
                    .filter(|error| error.scenario == scenario)
                    .map(|error| error.rms_deg.powi(2));
                squares.sum::<f64>().sqrt()
            };
            let (own, others): (Vec<_>, Vec<_>) = errors
                .iter()
                .map(|error| error.estimator)
                .partition(|name| name.starts_with("robot_tilt"));
            let own = own.into_iter().map(mean).fold(0.0, f64::max);
            let best = others.into_iter().map(mean).fold(f64::INFINITY, f64::min);
            assert!(own < 0.95 * best, "{scenario}: {own:.3} against {best:.3}");
        }
    }
}
