//! What a run leaves behind, and how runs are folded for showing.

/// One scenario run.
#[derive(Clone, Debug, serde::Serialize)]
pub struct RunResult {
    /// Name of the scenario.
    pub scenario: String,
    /// Name of the robot.
    pub robot: String,
    /// Name of the controller.
    pub controller: String,
    /// Name of the estimator.
    pub estimator: String,
    /// Number type: `f32`, `f64` or `fixed`.
    pub scalar: String,
    /// Seed of the noise.
    pub seed: u64,
    /// Whether the scenario's expectation was met.
    pub pass: bool,
    /// Why it failed, or what was expected and seen.
    pub reason: String,
    /// Seconds from the end of the last disturbance until the robot stayed settled; `None` if it
    /// never did or need not.
    pub settle_time_s: Option<f64>,
    /// Largest true tilt, in degrees.
    pub max_tilt_deg: f64,
    /// Distance from where it should stand at the end, in metres.
    pub position_drift_m: f64,
    /// Electrical energy drawn, in joules.
    pub energy_j: f64,
    /// Faults that the supervisor reported, in order.
    pub faults_seen: Vec<String>,
    /// Periods that took longer than allowed.
    pub deadline_misses: u32,
    /// State of the robot at the end.
    pub final_state: String,
    /// Signals for the plots.
    #[serde(skip)]
    pub trace: Trace,
}

/// Signals for the plots, decimated to 200 Hz at most. All as long as `time_s`, or empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// Time of each sample, in seconds.
    pub time_s: Vec<f64>,
    /// True tilt, in degrees.
    pub tilt_deg: Vec<f64>,
    /// Estimated tilt, in degrees.
    pub tilt_estimate_deg: Vec<f64>,
    /// True position, in metres.
    pub position_m: Vec<f64>,
    /// True speed, in m/s.
    pub speed_m_s: Vec<f64>,
    /// Commanded speed, in m/s.
    pub speed_command_m_s: Vec<f64>,
    /// Duty of the left motor, −1 ..= 1.
    pub duty_left: Vec<f64>,
    /// Duty of the right motor, −1 ..= 1.
    pub duty_right: Vec<f64>,
    /// Battery voltage, in volts.
    pub battery_v: Vec<f64>,
    /// True heading, in degrees.
    pub yaw_deg: Vec<f64>,
    /// State changes and injected faults: time in seconds and what happened.
    pub events: Vec<(f64, String)>,
}

/// The runs of one scenario with one robot: one for each number type.
pub struct Group<'a> {
    /// Name of the scenario.
    pub scenario: &'a str,
    /// Name of the robot.
    pub robot: &'a str,
    /// The runs, in the order given.
    pub runs: Vec<&'a RunResult>,
}

impl Group<'_> {
    /// Whether every run passed.
    pub fn pass(&self) -> bool {
        self.runs.iter().all(|run| run.pass)
    }
    /// The largest magnitude of a figure among the runs; NaN if one of them is NaN.
    pub fn worst(&self, figure: impl Fn(&RunResult) -> f64) -> f64 {
        let figures = self.runs.iter().map(|run| figure(run).abs());
        figures.fold(
            0.0,
            |worst, x| if x > worst || x.is_nan() { x } else { worst },
        )
    }
    /// The longest settling time; `None` if one of the runs did not settle.
    pub fn settle_time_s(&self) -> Option<f64> {
        let times = self.runs.iter().map(|run| run.settle_time_s);
        times.reduce(|a, b| Some(a?.max(b?))).flatten()
    }
    /// The run with the given number type.
    pub fn scalar(&self, name: &str) -> Option<&RunResult> {
        self.runs.iter().copied().find(|run| run.scalar == name)
    }
}

/// Folds runs by scenario and robot, in the order of first appearance.
pub fn groups(results: &[RunResult]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for run in results {
        let same =
            |group: &&mut Group<'_>| group.scenario == run.scenario && group.robot == run.robot;
        match groups.iter_mut().find(same) {
            Some(group) => group.runs.push(run),
            None => groups.push(Group {
                scenario: &run.scenario,
                robot: &run.robot,
                runs: vec![run],
            }),
        }
    }
    groups
}

/// The number types that occur, in the order of first appearance.
pub fn scalars(results: &[RunResult]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for run in results {
        if !names.contains(&run.scalar.as_str()) {
            names.push(&run.scalar);
        }
    }
    names
}

/// `N scenarios passed, M failed`, counting runs.
pub fn summary(results: &[RunResult]) -> String {
    let failed = results.iter().filter(|run| !run.pass).count();
    format!(
        "{} scenarios passed, {failed} failed",
        results.len() - failed
    )
}
