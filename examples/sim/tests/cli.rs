//! The binary as a person meets it: what it prints, refuses, and returns.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn sim(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_balance-sim"));
    command
        .args(args)
        .env_remove("BALANCE_DATA")
        .output()
        .unwrap()
}
fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
/// What is said on stderr by a call that must end with status 2 and print nothing.
fn refused(args: &[&str]) -> String {
    let output = sim(args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
    assert!(
        output.stdout.is_empty() && !said.contains("panicked"),
        "{args:?}: {said}"
    );
    said
}
/// A file of this test run.
fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, content).unwrap();
    path
}
fn committed(name: &str) -> String {
    format!("{}/data/{name}.f32.gz", env!("CARGO_MANIFEST_DIR"))
}
/// RMSE by number type in the row of an estimator.
fn rmse(table: &str, estimator: &str) -> [f64; 3] {
    let row = table.lines().find(|line| line.contains(estimator)).unwrap();
    let (_, numbers) = row.split_once(estimator).unwrap();
    let numbers: Vec<f64> = numbers
        .split_whitespace()
        .map(|x| x.parse().unwrap())
        .collect();
    [numbers[0], numbers[2], numbers[4]]
}

#[test]
fn unknown_names_are_answered_with_the_valid_ones() {
    for option in [
        "--robot",
        "--scenario",
        "--scalar",
        "--controller",
        "--estimator",
    ] {
        let said = refused(&[option, "no_such_name"]);
        assert!(
            said.contains("no_such_name") && said.contains("possible values"),
            "{said}"
        );
    }
    let said = refused(&["--scalar", "fixd"]);
    assert!(
        said.contains("similar value") && said.contains("fixed"),
        "{said}"
    );
    refused(&["--no-such-option"]);
    refused(&["--seed", "x"]);
    refused(&["--no-report", "--report", "x.html"]);
}

#[test]
fn list_names_scenarios_and_robots() {
    let output = sim(&["--list"]);
    assert!(output.status.success());
    let text = out(&output);
    assert!(text.contains("--scenario") && text.contains("--robot") && text.lines().count() > 5);
}

#[test]
fn a_report_never_overwrites_what_is_not_one() {
    let letter = file("letter.html", b"<p>Dear reader</p>\n");
    let said = refused(&["--report", letter.to_str().unwrap()]);
    assert!(said.contains("not a balance-sim report"), "{said}");
    assert_eq!(fs::read(&letter).unwrap(), b"<p>Dear reader</p>\n");
    let empty = file("empty.html", b"");
    refused(&["--report", empty.to_str().unwrap()]);
    let said = refused(&["--report", env!("CARGO_TARGET_TMPDIR")]);
    assert!(said.contains("folder"), "{said}");
}

#[test]
fn a_missing_log_is_named() {
    let said = refused(&["replay", "no/such/log.csv"]);
    assert!(
        said.contains("no/such/log.csv") && said.contains("no such file"),
        "{said}"
    );
    assert!(refused(&["replay", "log.bin"]).contains("neither a .csv"));
}

#[test]
fn malformed_logs_are_explained() {
    let whole = fs::read(committed("01_undisturbed_slow_rotation_A")).unwrap();
    let bad = [
        ("text.f32.gz", &b"not packed"[..], "gzip"),
        ("cut.f32.gz", &whole[..whole.len() / 2], "copied to its end"),
        ("nothing.f32.gz", b"", "gzip"),
        ("nothing.csv", b"", "empty"),
        ("column.csv", b"time_s,gyro_x\n0,1\n", "no column gyro_y"),
        (
            "row.csv",
            b"time_s,gyro_x,gyro_y,gyro_z,accel_x,accel_y,accel_z\n0,0,0,0,0,0,9.8\n1,0,0,up,0,0,9.8\n",
            "row 2",
        ),
        ("binary.csv", b"\xff\xfe\x00\x01", "cannot read the header"),
    ];
    for (name, content, expected) in bad {
        let said = refused(&["replay", file(name, content).to_str().unwrap()]);
        assert!(
            said.contains(name) && said.contains(expected),
            "{name}: {said}"
        );
    }
}

#[test]
fn a_log_without_truth_says_so() {
    let mut csv = "time_s,gyro_x,gyro_y,gyro_z,accel_x,accel_y,accel_z\n".to_owned();
    for i in 0..200 {
        // 30° of roll, at rest.
        csv += &format!("{},0,0,0,0,4.905,8.4957\n", f64::from(i) * 0.01);
    }
    let output = sim(&[
        "replay",
        file("still.csv", csv.as_bytes()).to_str().unwrap(),
    ]);
    let text = out(&output);
    assert!(
        output.status.success() && text.contains("No ground truth"),
        "{text}"
    );
    for scalar in rmse(&text, "complementary gravity") {
        assert!((scalar - 30.0).abs() < 0.05, "{text}");
    }
}

#[test]
fn replay_of_a_recording_has_small_errors_but_errors() {
    // Bounds in degrees; the accelerometer alone must do worse, else nothing was estimated.
    for (log, bound) in [
        ("01_undisturbed_slow_rotation_A", 2.0),
        ("15_undisturbed_fast_translation_A", 12.0),
    ] {
        let output = sim(&["replay", &committed(log)]);
        let text = out(&output);
        assert!(output.status.success(), "{text}");
        let estimated = rmse(&text, "complementary gravity");
        let accelerometer = rmse(&text, "accelerometer");
        for (estimated, accelerometer) in estimated.iter().zip(accelerometer) {
            assert!(*estimated > 0.05 && *estimated < bound, "{text}");
            assert!(*estimated < accelerometer, "{text}");
        }
        // The number type changes little.
        assert!(
            estimated.iter().all(|x| (x - estimated[1]).abs() < 0.02),
            "{text}"
        );
    }
}

#[test]
fn several_logs_get_a_mean_and_balance_data_names_a_folder() {
    let folder = format!("{}/data", env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_balance-sim"));
    let output = command
        .arg("replay")
        .env("BALANCE_DATA", folder)
        .output()
        .unwrap();
    let text = out(&output);
    assert!(output.status.success() && text.contains("mean"), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );

    let mut command = Command::new(env!("CARGO_BIN_EXE_balance-sim"));
    let output = command
        .arg("replay")
        .env("BALANCE_DATA", "no/such/folder")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_population_does_not_depend_on_threads_or_shards() {
    let population = |more: &[&str]| {
        let chosen = [
            "monte-carlo",
            "--robots",
            "9",
            "--scenario",
            "push",
            "--json",
        ];
        let output = sim(&[chosen.as_slice(), more].concat());
        assert!(output.status.success());
        out(&output)
    };
    let whole = population(&["--threads", "1"]);
    assert_eq!(
        whole.lines().count(),
        9 * whole.matches("\"number\":0,").count()
    );
    assert_eq!(whole, population(&["--threads", "3"]));
    let shards = ["1/2", "2/2"].map(|shard| population(&["--shard", shard]));
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&whole), sorted(&shards.concat()));
    assert_ne!(whole, population(&["--seed", "2"]));
    refused(&["monte-carlo", "--shard", "3/2"]);
}

#[test]
fn comparison_names_every_controller() {
    let output = sim(&["compare"]);
    let text = out(&output);
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("state_feedback") && text.contains("cascade"),
        "{text}"
    );
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
}

#[test]
fn evaluate_gives_one_object_for_every_estimator_scalar_and_trial() {
    let output = sim(&[
        "evaluate",
        "--json",
        &committed("15_undisturbed_fast_translation_A"),
    ]);
    let text = out(&output);
    assert!(output.status.success(), "{text}");
    let objects: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |estimator: &str, scalar: &str| {
        objects
            .iter()
            .find(|o| o["estimator"] == estimator && o["scalar"] == scalar)
            .unwrap_or_else(|| panic!("{estimator} {scalar}: {text}"))
    };
    for scalar in ["f32", "f64", "fixed"] {
        let vqf = of("vqf9", scalar);
        assert_eq!(vqf["trial"], "15_undisturbed_fast_translation_A");
        let [total, heading, inclination] =
            ["total_rmse_deg", "heading_rmse_deg", "inclination_rmse_deg"]
                .map(|key| vqf[key].as_f64().unwrap());
        assert!(inclination > 0.1 && inclination < 1.0, "{text}");
        assert!(total > heading.max(inclination) && total < 5.0, "{text}");
        // Without a magnetometer there is no heading to be wrong.
        assert!(of("vqf6", scalar)["heading_rmse_deg"].is_null());
        // The plain filters follow the pushes of this trial.
        let mahony = of("mahony6", scalar)["inclination_rmse_deg"]
            .as_f64()
            .unwrap();
        assert!(mahony > 3.0 * inclination, "{text}");
    }
}

#[test]
fn evaluate_needs_ground_truth_and_a_folder_that_is_there() {
    let csv =
        "time_s,gyro_x,gyro_y,gyro_z,accel_x,accel_y,accel_z\n0,0,0,0,0,0,9.8\n1,0,0,0,0,0,9.8\n";
    let said = refused(&[
        "evaluate",
        file("no_truth.csv", csv.as_bytes()).to_str().unwrap(),
    ]);
    assert!(said.contains("ground truth"), "{said}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_balance-sim"));
    let output = command
        .arg("evaluate")
        .env("BALANCE_DATA", "no/such/folder")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("BALANCE_DATA"));
}

#[test]
fn robots_tune_themselves_and_stay_upright() {
    let output = sim(&["autotune", "--robots", "9", "--json"]);
    assert!(output.status.success());
    let said = out(&output);
    assert_eq!(said.lines().count(), 9);
    for line in said.lines() {
        assert!(line.contains(r#""fell":false,"outcome":"tuned""#), "{line}");
    }
    // Somewhere the model is the robot's own, not the measured one.
    assert!(said.contains(r#""doubt":null"#), "{said}");
}
