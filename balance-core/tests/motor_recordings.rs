//! The identification on a recording of a real motor: fitted to the first part, it predicts the rest.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what it expects"
)]

use balance_core::motor::identification::{IdentificationConfig, Refusal};

const DT: f64 = 0.005;
/// Two cells under load; the recording has no voltage of its own, so a gain is per this many volts.
const VOLTS: f64 = 7.8;

/// Counts since the start, made positive.
fn recording() -> Vec<f64> {
    let text = include_str!("data/micromouse/full_duty_step.csv");
    let counts: Vec<f64> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(1).unwrap().parse().unwrap())
        .collect();
    counts.iter().map(|count| counts[0] - count).collect()
}

#[test]
fn a_real_step_response_predicts_its_second_part() {
    let counts = recording();
    let first = counts.iter().position(|x| *x > 2.0).unwrap();
    let last = counts
        .iter()
        .position(|x| *x >= counts[counts.len() - 1])
        .unwrap();
    let split = first + (last - first) * 6 / 10;
    let config = IdentificationConfig {
        bandwidth: 30.0,
        // In counts per second here.
        standstill: 50.0,
        max_deviation: 0.15,
        ..Default::default()
    };
    let mut run = config.build(DT).unwrap();
    for (k, count) in counts[..split].iter().enumerate() {
        // The first counts come three samples after the voltage.
        let volts = if k > first - 3 { VOLTS } else { 0.0 };
        run.step(volts, None, *count);
    }
    // One step cannot tell friction from gain.
    let refused = run.speed_model().err();
    assert!(
        matches!(refused, Some(Refusal::NotExcited | Refusal::TooShort)),
        "{refused:?}"
    );
    let found = run.response_model().unwrap();
    let (tau, speed) = (
        found.time_constant.value,
        found.speed_per_volt.value * VOLTS,
    );
    // An offline fit of the same recording, by nonlinear least squares: 0.0589 s, 3912 counts/s.
    assert!((tau - 0.0589).abs() < 0.008, "{found:?}");
    assert!((speed - 3912.0).abs() < 40.0, "{found:?}");

    let now = (counts[split] - counts[split - 10]) / (10.0 * DT);
    let mut worst = 0.0_f64;
    for (k, count) in counts[split..last].iter().enumerate() {
        let time = k as f64 * DT;
        let fading = (now - speed) * tau * (1.0 - (-time / tau).exp());
        worst = worst.max((counts[split] + speed * time + fading - count).abs());
    }
    let distance = counts[last] - counts[split];
    assert!(worst < 0.01 * distance, "{worst} of {distance}");
}
