//! Runs a robot through a scenario, with `Robot::tick` as its brain.

use crate::plant::{Bridge, Plant};
use crate::result::{RunResult, Trace};
use crate::scenario::{Expect, Scenario};
use crate::sensors::Imu;
use crate::world::{Reading, World};
use crate::{machine, robots, scenario};
use balance_core::estimation::complementary::ComplementaryConfig;
use balance_core::estimation::tilt_kalman::TiltKalmanConfig;
use balance_core::math::{Float, Q12, Real, Scalar};
use balance_core::motor::Drive;
use balance_core::robot::{
    BalanceConfig, Command, EstimatorConfig, GainError, Inputs, MpcBalance, Outputs, Robot,
    RobotConfig, RobotParameters, State, StepperRobotParameters,
};
use balance_core::sensor::Sample;
use balance_core::time::Instant;
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg32;

/// What to run.
#[derive(Clone, Debug)]
pub struct RunSpec {
    /// Name of the scenario.
    pub scenario: String,
    /// Name of the robot.
    pub robot: String,
    /// Name of the controller; the robot's own if `None`.
    pub controller: Option<String>,
    /// Name of the estimator; the robot's own if `None`.
    pub estimator: Option<String>,
    /// `f32`, `f64` or `fixed`.
    pub scalar: String,
    /// Seed of noise and jitter.
    pub seed: u64,
}

/// Names of the controllers.
pub fn controllers() -> Vec<&'static str> {
    vec!["state_feedback", "cascade", "mpc"]
}

/// Names of those that a robot can tune by itself.
pub fn tunable_controllers() -> Vec<&'static str> {
    vec!["state_feedback", "cascade"]
}

/// Names of the estimators.
pub fn estimators() -> Vec<&'static str> {
    vec!["robot_tilt", "tilt_kalman", "complementary"]
}

/// Runs one scenario. What cannot be run is a failed run that says why.
pub fn run(spec: &RunSpec) -> RunResult {
    let result = match spec.scalar.as_str() {
        _ if machine::names().contains(&spec.robot.as_str()) => machine::run(spec),
        "f32" => run_as::<f32>(spec),
        "f64" => run_as::<f64>(spec),
        _ => run_as::<Q12>(spec),
    };
    result.unwrap_or_else(|error| RunResult {
        scenario: spec.scenario.clone(),
        robot: spec.robot.clone(),
        controller: spec.controller.clone().unwrap_or_default(),
        estimator: spec.estimator.clone().unwrap_or_default(),
        scalar: spec.scalar.clone(),
        seed: spec.seed,
        pass: false,
        reason: format!("could not be run: {error:#}"),
        settle_time_s: None,
        max_tilt_deg: 0.0,
        position_drift_m: 0.0,
        energy_j: 0.0,
        faults_seen: Vec::new(),
        deadline_misses: 0,
        final_state: String::new(),
        trace: Trace::default(),
    })
}

/// The robot's configuration with the wanted controller and estimator.
pub fn configure<P: Float>(
    robot: &robots::Robot,
    controller: Option<&str>,
    estimator: Option<&str>,
) -> Result<RobotConfig<P>, GainError> {
    let measured = robot.measured();
    let mut config = match controller {
        Some(name) if robot.stepper.is_some() => {
            let (config, measured) = (robot.config(), StepperRobotParameters::stepper_kit());
            match name {
                "cascade" => config.with_stepper_cascade(&measured)?,
                _ => config.with_steppers(&measured)?,
            }
        }
        Some("state_feedback") => robot.config().with_state_feedback(&measured)?,
        Some("cascade") => robot.config().with_cascade(&measured)?,
        Some("mpc") => as_mpc(robot.config(), &measured)?,
        _ => robot.config(),
    };
    match estimator {
        Some("complementary") => {
            let time_constant = P::lit(1.0);
            config.estimator =
                EstimatorConfig::Complementary(ComplementaryConfig { time_constant });
        }
        Some("tilt_kalman") => config.estimator = EstimatorConfig::Kalman(tilt_kalman()),
        _ => {}
    }
    Ok(config)
}

/// With the state feedback that its model predictive control is while no limit is in sight.
fn as_mpc<P: Float>(
    config: RobotConfig<P>,
    measured: &RobotParameters<P>,
) -> Result<RobotConfig<P>, GainError> {
    let mut config = config.with_state_feedback(measured)?;
    let mpc: MpcBalance<P> = config.mpc_for(measured)?.build()?;
    if let BalanceConfig::StateFeedback(feedback) = &mut config.balance {
        feedback.gain = mpc.gain();
    }
    Ok(config)
}

/// What balances in place of the robot's own controller, if that is wanted.
pub fn model_predictive<T: Real>(
    robot: &robots::Robot,
    controller: Option<&str>,
    config: &RobotConfig<T::Param>,
) -> Result<Option<MpcBalance<T>>, GainError> {
    if controller != Some("mpc") {
        return Ok(None);
    }
    config.mpc_for(&robot.measured())?.build().map(Some)
}

/// The tilt Kalman filter as it suits these robots.
pub fn tilt_kalman<P: Float>() -> TiltKalmanConfig<P> {
    TiltKalmanConfig {
        gyro_noise: P::lit(0.002),
        bias_walk: P::lit(0.000_5),
        accel_noise: P::lit(0.1),
        ..Default::default()
    }
}

/// Nominal period of the loop, µs.
const PERIOD: u64 = 1000;
/// Length of a step of the plant, µs.
const STEP_MICROS: u64 = 100;

fn run_as<T: Real>(spec: &RunSpec) -> anyhow::Result<RunResult> {
    let robot = robots::find(&spec.robot).ok_or_else(|| anyhow::anyhow!("no such robot"))?;
    anyhow::ensure!(
        robot.stepper.is_none() || spec.controller.as_deref() != Some("mpc"),
        "model predictive control is for geared motors"
    );
    let scenario =
        scenario::find(&spec.scenario).ok_or_else(|| anyhow::anyhow!("no such scenario"))?;
    let config = configure::<T::Param>(
        &robot,
        spec.controller.as_deref(),
        spec.estimator.as_deref(),
    )?;
    let mut session: Session<T> = Session::new(&robot, scenario, &config, spec.seed)?;
    session.mpc = model_predictive(&robot, spec.controller.as_deref(), &config)?;
    session.referee.traces = true;
    let steps = Session::<T>::steps(scenario);
    while session.goes_on() {
        session.world.step(session.bridges, steps);
        session.follow(steps);
    }
    let Session { world, referee, .. } = session;
    Ok(referee.result(spec, &config.balance, &config.estimator, &world))
}

/// One robot in one scenario with its brain and its referee.
pub struct Session<T: Real> {
    /// Body, sensors and what happens.
    pub world: World,
    /// What the brain does to the motors.
    pub bridges: [Bridge; 2],
    /// Judges.
    pub referee: Referee,
    /// What the brain was last told by its sensors.
    pub heard: Option<Reading>,
    scenario: &'static Scenario,
    /// Its brain.
    pub brain: Robot<T>,
    /// Balances in its place.
    pub mpc: Option<MpcBalance<T>>,
    chance: Pcg32,
    /// Time of the loop, µs.
    pub now: u64,
    next_tick: u64,
}

impl<T: Real> Session<T> {
    /// Ready to begin.
    pub fn new(
        robot: &robots::Robot,
        scenario: &'static Scenario,
        config: &RobotConfig<T::Param>,
        seed: u64,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            world: World::new(robot, scenario, config.imu_scale, seed)?,
            bridges: [Bridge::Coast; 2],
            referee: Referee::new(scenario, robot.calm),
            heard: None,
            scenario,
            brain: config.build()?,
            mpc: None,
            chance: Pcg32::seed_from_u64(seed ^ 0x0071_77e4),
            now: 0,
            next_tick: PERIOD,
        })
    }

    /// Steps of the plant to take at once: a period without jitter is a multiple of the sensor's.
    pub fn steps(scenario: &Scenario) -> u32 {
        if scenario.jitter > 0.0 { 1 } else { Imu::EVERY }
    }

    /// Whether the scenario is not yet over.
    pub fn goes_on(&self) -> bool {
        self.world.since_release < self.scenario.seconds && self.now < 60_000_000
    }

    /// Simulated seconds so far.
    pub fn seconds(&self) -> f64 {
        self.now as f64 * 1e-6
    }

    /// Lets the brain tick if it is due, after so many steps of the plant.
    #[inline]
    pub fn follow(&mut self, steps: u32) -> Option<Outputs<T>> {
        self.now += STEP_MICROS * u64::from(steps);
        (self.now >= self.next_tick).then(|| self.tick())
    }

    fn tick(&mut self) -> Outputs<T> {
        let jitter = if self.scenario.jitter > 0.0 {
            self.scenario.jitter * (2.0 * self.chance.random::<f64>() - 1.0)
        } else {
            0.0
        };
        let late = u64::from(std::mem::take(&mut self.world.stall)) * 1000;
        self.next_tick += ((PERIOD as f64) * (1.0 + jitter)) as u64 + late;
        let reading = self.world.read();
        self.heard = Some(reading);
        let inputs = inputs(&self.world, &reading, self.now);
        let now = Instant::from_micros(self.now);
        let outputs = match &mut self.mpc {
            Some(mpc) => mpc.tick(&mut self.brain, now, &inputs),
            None => self.brain.tick(now, &inputs),
        };
        self.bridges = [outputs.left, outputs.right].map(bridge);
        if outputs.state == State::Balancing && !self.world.released() {
            self.world.release();
        }
        self.referee
            .watch(&self.world, &outputs, self.now, self.bridges);
        outputs
    }
}

/// What the platform hands to a tick.
pub fn inputs<T: Real>(world: &World, reading: &Reading, now: u64) -> Inputs<T> {
    let time = Instant::from_micros(now);
    let [speed, turn] = world.command.map(T::Param::lit).map(T::from_param);
    Inputs {
        imu: match reading.imu {
            Some(counts) => Sample::good(time, counts),
            None => Sample::failed(time, Default::default()),
        },
        encoders: Sample::good(time, reading.encoders),
        battery_millivolts: Some(reading.battery_millivolts),
        command: Command {
            arm: now > 100_000,
            speed,
            turn,
        },
    }
}

/// What a command does to a bridge.
pub fn bridge<T: Real>(drive: Drive<T>) -> Bridge {
    match drive {
        Drive::Coast => Bridge::Coast,
        Drive::Brake => Bridge::Duty(0.0),
        Drive::Duty(duty) => Bridge::Duty(duty.to_param().to_f64()),
    }
}

/// Watches a run and judges it.
pub struct Referee {
    scenario: &'static Scenario,
    calm: [f64; 2],
    /// Whether to keep the signals of the run.
    pub traces: bool,
    /// The signals of the run.
    pub trace: Trace,
    state: State,
    stop: Option<&'static str>,
    off_at: Option<f64>,
    last_wild: f64,
    max_tilt: f64,
    worst_duty: f64,
    nan: bool,
    faults: Vec<String>,
    late: u32,
    next_trace: u64,
}

impl Referee {
    /// Ready for a run.
    pub fn new(scenario: &'static Scenario, calm: [f64; 2]) -> Self {
        Self {
            scenario,
            calm,
            traces: false,
            trace: Trace::default(),
            state: State::Disarmed,
            stop: None,
            off_at: None,
            last_wild: 0.0,
            max_tilt: 0.0,
            worst_duty: 0.0,
            nan: false,
            faults: Vec::new(),
            late: 0,
            next_trace: 0,
        }
    }

    /// After a tick of a brain on the host.
    fn watch<T: Real>(
        &mut self,
        world: &World,
        outputs: &Outputs<T>,
        now: u64,
        bridges: [Bridge; 2],
    ) {
        let float = |x: T| x.to_param().to_f64();
        let record = &outputs.record;
        let stop = outputs.stop.map(|stop| stop.name());
        self.late = record.late_ticks;
        self.observe(
            world,
            outputs.state,
            stop,
            float(record.pitch),
            now,
            bridges,
        );
    }

    /// After a tick of any brain.
    pub fn observe(
        &mut self,
        world: &World,
        state: State,
        stop: Option<&'static str>,
        estimate: f64,
        now: u64,
        bridges: [Bridge; 2],
    ) {
        let seconds = now as f64 * 1e-6;
        let plant = &world.plant;
        for what in world.happened.iter().skip(self.faults.len()) {
            self.faults.push(what.clone());
            self.trace.events.push((seconds, what.clone()));
        }
        if state != self.state {
            self.trace.events.push((seconds, state.name().to_owned()));
            self.state = state;
        }
        let duties = bridges.map(|bridge| match bridge {
            Bridge::Coast => 0.0,
            Bridge::Duty(duty) => duty,
        });
        self.nan |= !estimate.is_finite() || duties.iter().any(|duty| !duty.is_finite());
        self.worst_duty = duties
            .iter()
            .fold(self.worst_duty, |most, duty| most.max(duty.abs()));
        self.stop = stop;
        if world.released() {
            if state != State::Balancing {
                self.off_at.get_or_insert(world.since_release);
            }
            self.max_tilt = self.max_tilt.max(plant.state.pitch.abs());
            let [pitch, rate] = self.calm;
            if plant.state.pitch.abs() > pitch || plant.state.pitch_rate.abs() > rate {
                self.last_wild = world.since_release;
            }
        }
        if self.traces && now >= self.next_trace {
            self.next_trace = now + 5000;
            self.sample(world, seconds, estimate, duties);
        }
    }

    fn sample(&mut self, world: &World, seconds: f64, estimate: f64, duties: [f64; 2]) {
        let (plant, trace) = (&world.plant, &mut self.trace);
        trace.time_s.push(seconds);
        trace.tilt_deg.push(plant.state.pitch.to_degrees());
        trace.tilt_estimate_deg.push(estimate.to_degrees());
        trace.position_m.push(plant.state.position);
        trace.speed_m_s.push(plant.state.speed);
        trace
            .speed_command_m_s
            .push(if world.command[0].is_finite() {
                world.command[0]
            } else {
                0.0
            });
        trace.duty_left.push(duties[0]);
        trace.duty_right.push(duties[1]);
        trace.battery_v.push(plant.battery_voltage);
        trace.yaw_deg.push(plant.state.yaw.to_degrees());
    }

    /// Whether nothing that is still to come can change whether the robot survives.
    pub fn has_seen_enough(&self) -> bool {
        self.off_at.is_some() || self.nan
    }

    /// Whether the robot did not fall where it should stand, or was off where it should be, and
    /// whether it did all that the scenario asks for.
    pub fn survived(&self, world: &World) -> (bool, bool) {
        let pass = self
            .verdict(world, world.plant.state.position - world.goal)
            .is_ok();
        let upright = matches!(self.scenario.expect, Expect::Upright(..));
        let stood = world.released() && self.off_at.is_none() && !self.nan;
        (if upright { stood } else { pass }, pass)
    }

    /// Pass or fail, and why.
    fn verdict(&self, world: &World, drift: f64) -> Result<String, String> {
        let off = self.off_at;
        let state = self.state.name();
        if self.nan {
            return Err("a duty or an estimate was not a number".into());
        }
        if self.worst_duty > 1.0 {
            return Err(format!("a duty of {:.3}", self.worst_duty));
        }
        if !world.released() {
            return Err(format!("never began to balance: {state}, {:?}", self.stop));
        }
        let tilt = self.max_tilt.to_degrees();
        match self.scenario.expect {
            Expect::Upright(most, way) => {
                if let Some(off) = off {
                    return Err(format!("off {off:.2} s after release: {:?}", self.stop));
                }
                if tilt > most {
                    return Err(format!("leant by {tilt:.1}°, more than {most}°"));
                }
                if drift.abs() > way {
                    return Err(format!("{drift:.2} m off its goal, more than {way} m"));
                }
                let calm = world.since_release - self.last_wild;
                if calm < 0.5 && self.scenario.slope == 0.0 {
                    return Err(format!("restless until {:.1} s", self.last_wild));
                }
                Ok(format!(
                    "upright, at most {tilt:.1}°, {:.2} m off its goal",
                    drift.abs()
                ))
            }
            Expect::Off(reason, within) => self.was_off(&[reason], within),
            Expect::OffEither(one, other, within) => self.was_off(&[one, other], within),
        }
    }

    fn was_off(&self, reasons: &[&str], within: f64) -> Result<String, String> {
        let wanted = reasons.join(" or ");
        let (Some(off), Some(stop)) = (self.off_at, self.stop) else {
            return Err(format!("still balancing; expected off for {wanted}"));
        };
        let event = self
            .scenario
            .events
            .iter()
            .map(|(time, _)| *time)
            .fold(0.0, f64::max);
        let first = self
            .scenario
            .events
            .first()
            .map_or(event, |(time, _)| *time);
        let after = off - first;
        if !reasons.contains(&stop) {
            return Err(format!("off for {stop}, expected {wanted}"));
        }
        if after < 0.0 || after > within {
            return Err(format!(
                "off after {after:.3} s, expected within {within} s"
            ));
        }
        Ok(format!("off for {stop} after {after:.3} s"))
    }

    /// The result of a run of a brain with this configuration.
    pub fn result<P>(
        self,
        spec: &RunSpec,
        balance: &BalanceConfig<P>,
        estimator: &EstimatorConfig<P>,
        world: &World,
    ) -> RunResult {
        let controller = match balance {
            _ if spec.controller.as_deref() == Some("mpc") => "mpc",
            BalanceConfig::StateFeedback(_) => "state_feedback",
            BalanceConfig::Cascade(_) => "cascade",
        };
        let estimator = match estimator {
            EstimatorConfig::Wheels(_) => "robot_tilt",
            EstimatorConfig::Kalman(_) => "tilt_kalman",
            EstimatorConfig::Complementary(_) => "complementary",
        };
        self.finish(spec, controller, estimator, world)
    }

    /// The result of a run.
    pub fn finish(
        self,
        spec: &RunSpec,
        controller: &str,
        estimator: &str,
        world: &World,
    ) -> RunResult {
        let drift = world.plant.state.position - world.goal;
        let verdict = self.verdict(world, drift);
        let pass = verdict.is_ok();
        let upright = matches!(self.scenario.expect, Expect::Upright(..));
        // On a slope it leans for ever, which is no settling.
        let settled = world.since_release - self.last_wild >= 0.5;
        let (Ok(reason) | Err(reason)) = verdict;
        let mut faults = self.faults;
        if self.state != State::Balancing {
            faults.extend(self.stop.map(|stop| format!("stop: {stop}")));
        }
        RunResult {
            scenario: spec.scenario.clone(),
            robot: spec.robot.clone(),
            controller: controller.to_owned(),
            estimator: estimator.to_owned(),
            scalar: spec.scalar.clone(),
            seed: spec.seed,
            pass,
            reason,
            settle_time_s: (pass && upright && settled)
                .then(|| (self.last_wild - self.scenario.last_disturbance()).max(0.0)),
            max_tilt_deg: self.max_tilt.to_degrees(),
            position_drift_m: drift,
            energy_j: world.plant.energy,
            faults_seen: faults,
            deadline_misses: self.late,
            final_state: self.state.name().to_owned(),
            trace: self.trace,
        }
    }
}

/// Steps of the plant that make up so many microseconds.
pub const fn steps_in(micros: u64) -> u32 {
    (micros / STEP_MICROS) as u32
}

const _: () = assert!((Plant::STEP * 1e6 + 0.5) as u64 == STEP_MICROS);
