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

fn all_pass(arguments: &[&str]) {
    let (success, lines) = run(arguments);
    let failed: Vec<&str> = lines
        .lines()
        .filter(|line| !line.contains("\"pass\":true"))
        .collect();
    assert!(failed.is_empty() && success, "{failed:#?}");
    assert_eq!(lines.lines().count(), 20 * 3 * 3);
}

#[test]
fn every_robot_passes_every_scenario_in_every_number_type() {
    all_pass(&[]);
}

#[test]
fn so_it_does_with_the_cascade() {
    all_pass(&["--controller", "cascade"]);
}

#[test]
fn so_it_does_looking_ahead() {
    all_pass(&["--controller", "mpc"]);
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
