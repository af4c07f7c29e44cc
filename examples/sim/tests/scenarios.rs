//! The scenarios, through the command line as a user runs them.

#![allow(clippy::expect_used, reason = "a test says what it expects")]

use std::process::Command;

fn run(arguments: &[&str]) -> (bool, String) {
    let binary = env!("CARGO_BIN_EXE_balance-sim");
    let output = Command::new(binary)
        .arg("--json")
        .arg("--no-report")
        .args(arguments)
        .output();
    let output = output.expect("the simulator starts");
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

fn all_pass(arguments: &[&str], runs: usize) {
    let (success, lines) = run(arguments);
    let failed: Vec<&str> = lines
        .lines()
        .filter(|line| !line.contains("\"pass\":true"))
        .collect();
    assert!(failed.is_empty() && success, "{failed:#?}");
    assert_eq!(lines.lines().count(), runs);
}

#[test]
fn every_robot_passes_every_scenario_in_every_number_type() {
    // Twenty scenarios of four robots, ten courses of an arm and of a quadrotor.
    all_pass(&[], (20 * 4 + 10 + 10) * 3);
}

#[test]
fn so_it_does_with_the_cascade() {
    all_pass(&["--controller", "cascade"], 20 * 4 * 3);
}

#[test]
fn settling_counts_from_the_last_disturbance() {
    let (_, lines) = run(&[
        "--robot",
        "pico_kit",
        "--scenario",
        "push",
        "--scalar",
        "f32",
    ]);
    let told = lines.split("\"settle_time_s\":").nth(1).expect("a time");
    let number: String = told.chars().take_while(|c| *c != ',').collect();
    let seconds: f64 = number.parse().expect("a number");
    // The last push begins at 6 s.
    assert!((0.0..3.0).contains(&seconds), "{seconds}");
}

#[test]
fn a_scenario_of_another_robot_is_refused() {
    let (success, lines) = run(&["--robot", "pico_kit", "--scenario", "arm_move"]);
    assert!(!success && lines.is_empty(), "{lines}");
}

#[test]
fn so_it_does_looking_ahead() {
    all_pass(&["--controller", "mpc"], 20 * 3 * 3);
}

#[test]
fn a_seed_decides_everything() {
    let chosen = [
        "--robot",
        "pico_kit",
        "--scenario",
        "push",
        "--scenario",
        "bus_errors",
    ];
    let with = |seed| run(&[chosen.as_slice(), &["--seed", seed]].concat()).1;
    assert_eq!(with("7"), with("7"));
    assert_ne!(with("7"), with("8"));
}

#[test]
fn the_complementary_filter_stands_up_too() {
    let (success, lines) = run(&["--estimator", "complementary", "--scenario", "stand_up"]);
    assert!(success, "{lines}");
    assert!(lines.contains("\"estimator\":\"complementary\""));
}
