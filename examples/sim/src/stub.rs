//! Stand-ins until the simulator is here.

use crate::result::{RunResult, Trace};

pub mod scenario {
    pub fn names() -> Vec<&'static str> {
        vec![
            "stand",
            "push",
            "drive",
            "turn",
            "gyro_freeze",
            "battery_sag",
        ]
    }
    pub fn describe(name: &str) -> &'static str {
        match name {
            "stand" => "Starts 6° off the vertical and must settle within 2 s.",
            "push" => "Takes a push of 0.5 N s at 2 s and must stay within 15°.",
            _ => "A stand-in with a plausible description of what is expected.",
        }
    }
}
pub mod robots {
    pub fn names() -> Vec<&'static str> {
        vec!["balboa", "nxtway", "pico_robot"]
    }
    pub fn describe(_name: &str) -> &'static str {
        "A stand-in of a robot with two wheels."
    }
}
pub mod emulate {
    pub fn emulate(args: &crate::cli::EmulateArgs) -> anyhow::Result<bool> {
        anyhow::bail!("cannot emulate {} yet", args.image.display())
    }
}
pub mod run {
    use super::*;
    #[derive(Clone, Debug)]
    pub struct RunSpec {
        pub scenario: String,
        pub robot: String,
        pub controller: Option<String>,
        pub estimator: Option<String>,
        pub scalar: String,
        pub seed: u64,
    }
    pub fn controllers() -> Vec<&'static str> {
        vec!["cascade", "lqr"]
    }
    pub fn estimators() -> Vec<&'static str> {
        vec!["complementary", "kalman"]
    }
    pub fn run(spec: &RunSpec) -> RunResult {
        let pass = !(spec.scenario == "gyro_freeze" && spec.scalar == "fixed");
        let mut noise = spec.seed.wrapping_add(spec.scalar.len() as u64) as u32;
        let mut random = move || {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(noise) / f64::from(u32::MAX) - 0.5
        };
        let mut trace = Trace::default();
        for i in 0..2400 {
            let t = f64::from(i) / 200.0;
            let kick = if t > 5.0 {
                9.0 * (-(t - 5.0) * 2.0).exp() * ((t - 5.0) * 7.0).sin()
            } else {
                0.0
            };
            let mut tilt = 6.0 * (-1.8 * t).exp() * (4.0 * t).cos() + kick;
            if !pass && t > 8.0 {
                tilt = (tilt + (t - 8.0).powi(3) * 40.0).min(82.0);
            }
            trace.time_s.push(t);
            trace.tilt_deg.push(tilt);
            trace.tilt_estimate_deg.push(tilt * 0.97 + 0.3 * random());
            trace.position_m.push(0.2 * (t * 0.8).sin());
            trace
                .speed_m_s
                .push(0.16 * (t * 0.8).cos() + 0.01 * random());
            trace
                .speed_command_m_s
                .push(if (t * 0.8).cos() > 0.0 { 0.15 } else { -0.15 });
            trace
                .duty_left
                .push((tilt * 0.05 + 0.1 * random()).clamp(-1.0, 1.0));
            trace
                .duty_right
                .push((tilt * 0.05 + 0.1 * random() + 0.05).clamp(-1.0, 1.0));
            trace.battery_v.push(7.4 - 0.03 * t);
            trace.yaw_deg.push(10.0 * (t * 0.3).sin());
        }
        trace.events.push((0.4, "armed".to_owned()));
        trace.events.push((5.0, "push 0.5 N s".to_owned()));
        if !pass {
            trace
                .events
                .push((8.0, "fault injected: gyro frozen".to_owned()));
            trace.events.push((9.1, "state Fallen <off>".to_owned()));
        }
        RunResult {
            scenario: spec.scenario.clone(),
            robot: spec.robot.clone(),
            controller: spec.controller.clone().unwrap_or("cascade".into()),
            estimator: spec.estimator.clone().unwrap_or("complementary".into()),
            scalar: spec.scalar.clone(),
            seed: spec.seed,
            pass,
            reason: if pass {
                "settled within 2 s and stayed within 15°"
            } else {
                "expected off within 0.1 s of the fault, seen off after 1.1 s at 82° of tilt"
            }
            .into(),
            settle_time_s: pass.then_some(1.62),
            max_tilt_deg: trace.tilt_deg.iter().fold(0.0, |a: f64, b| a.max(b.abs())),
            position_drift_m: 0.07,
            energy_j: 21.5,
            faults_seen: if pass {
                vec![]
            } else {
                vec!["gyro_frozen".into()]
            },
            deadline_misses: 0,
            final_state: if pass { "balancing" } else { "fallen" }.into(),
            trace,
        }
    }
}

/// Stands in for `balance_core::estimation`.
pub mod tilt {
    use balance_core::math::Real;

    const TAU: f64 = 2.0;

    /// Complementary filter on the up direction: turned by the rate, pulled to the accelerometer.
    pub fn gravity<T: Real>(dt: f64) -> impl FnMut([T; 3], [T; 3]) -> [T; 3] {
        let (dt, pull) = (T::lit(dt), T::lit(dt / TAU));
        let mut up: Option<[T; 3]> = None;
        move |w, a| {
            let [x, y, z] = *up.get_or_insert(a);
            let turn = [
                y * w[2] - z * w[1],
                z * w[0] - x * w[2],
                x * w[1] - y * w[0],
            ];
            let next =
                [0, 1, 2].map(|i| [x, y, z][i] + turn[i] * dt + (a[i] - [x, y, z][i]) * pull);
            up = Some(next);
            next
        }
    }
    /// Complementary filter of one angle.
    pub fn one_axis<T: Real>(dt: f64) -> impl FnMut(T, T) -> T + 'static {
        let (dt, pull) = (T::lit(dt), T::lit(dt / TAU));
        let mut angle: Option<T> = None;
        move |rate, seen| {
            let last = *angle.get_or_insert(seen);
            let next = last + rate * dt + (seen - last) * pull;
            angle = Some(next);
            next
        }
    }
}
