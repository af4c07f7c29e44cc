//! Controllers of one quantity, in a closed loop with a first-order plant.

use crate::fault::Channel;
use crate::kind::{Kind, to_rust};
use crate::law::{Law, Outcome, is_small};
use crate::signal::{Signal, hundredths};
use crate::subject::{Subject, Supported};
use proptest::prelude::*;

/// The kind of a PID and whatever else turns a setpoint and a reading into one output.
#[derive(Clone, Copy, Debug)]
pub struct Controller;

/// Gains, limits and the plant in the loop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ControllerTuning {
    /// Output per unit of error.
    pub kp: f64,
    /// Output per unit of error and second.
    pub ki: f64,
    /// Output per unit of error rate, on the measured value if there is a choice.
    pub kd: f64,
    /// Period in s.
    pub dt: f64,
    /// Smallest output.
    pub output_min: f64,
    /// Largest output.
    pub output_max: f64,
    /// What the output acts on in the closing scene.
    pub plant: Plant,
}
to_rust!(ControllerTuning {
    kp,
    ki,
    kd,
    dt,
    output_min,
    output_max,
    plant
});

/// A motor with its load, a heater, a tank: `time_constant · dy/dt = gain · u − y`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plant {
    /// Where it ends per unit of output.
    pub gain: f64,
    /// Time in s to 63 % of it.
    pub time_constant: f64,
}
to_rust!(Plant {
    gain,
    time_constant
});

/// Plants between a quick motor and a slow one.
pub fn plants() -> impl Strategy<Value = Plant> {
    (hundredths(50, 200), hundredths(10, 100)).prop_map(|(gain, time_constant)| Plant {
        gain,
        time_constant,
    })
}

/// What a controller is told in a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ControllerSample {
    /// What to reach.
    pub setpoint: f64,
    /// Where the plant is.
    pub measured: f64,
    /// Time since the previous step in s.
    pub dt: f64,
}
to_rust!(ControllerSample {
    setpoint,
    measured,
    dt
});

const SETPOINT: f64 = 1.0;

fn closed_loop<S: Subject<Kind = Controller>>(
    subject: &mut S,
    tuning: &ControllerTuning,
    measured: &mut f64,
    count: usize,
) -> f64 {
    let mut output = 0.0;
    for _ in 0..count {
        output = subject.step(&ControllerSample {
            setpoint: SETPOINT,
            measured: *measured,
            dt: tuning.dt,
        });
        let Plant {
            gain,
            time_constant,
        } = tuning.plant;
        *measured += tuning.dt / time_constant * (gain * output - *measured);
    }
    output
}

impl Kind for Controller {
    type Tuning = ControllerTuning;
    type Sample = ControllerSample;
    type Output = f64;
    const NAME: &'static str = "controller";
    const CHANNELS: &'static [Channel] = &[Channel::Measured, Channel::Setpoint];
    const LAWS: &'static [Law] = &[
        Law::Arrival,
        Law::Bounded,
        Law::Recovery,
        Law::Determinism,
        Law::Reset,
        Law::Symmetry,
        Law::NoWindup,
        Law::Bumpless,
    ];
    const TOLERANCE: f64 = 0.02;

    fn tunings() -> BoxedStrategy<ControllerTuning> {
        // The integral time between a quarter of a second and one; all these loops are stable.
        (
            hundredths(100, 400),
            hundredths(100, 400),
            hundredths(0, 2),
            plants(),
        )
            .prop_map(|(kp, per_s, kd, plant)| ControllerTuning {
                kp,
                ki: (kp * per_s * 100.0).round() / 100.0,
                kd,
                dt: 0.01,
                output_min: -10.0,
                output_max: 10.0,
                plant,
            })
            .boxed()
    }
    fn sample(tuning: &ControllerTuning, signal: &Signal, k: usize) -> ControllerSample {
        ControllerSample {
            setpoint: SETPOINT,
            measured: signal.at(k, tuning.dt),
            dt: tuning.dt,
        }
    }
    fn values(sample: &mut ControllerSample, channel: Channel) -> &mut [f64] {
        core::slice::from_mut(match channel {
            Channel::Setpoint => &mut sample.setpoint,
            _ => &mut sample.measured,
        })
    }
    fn dt(sample: &mut ControllerSample) -> &mut f64 {
        &mut sample.dt
    }
    fn full_scale(_: Channel) -> f64 {
        100.0
    }
    fn mirror(sample: &ControllerSample) -> ControllerSample {
        ControllerSample {
            setpoint: -sample.setpoint,
            measured: -sample.measured,
            dt: sample.dt,
        }
    }
    fn mirror_output(output: &f64) -> f64 {
        -output
    }
    fn numbers(output: &f64) -> Vec<f64> {
        vec![*output]
    }
    fn bounds(tuning: &ControllerTuning) -> (f64, f64) {
        (tuning.output_min, tuning.output_max)
    }
    fn settle<S: Subject<Kind = Self>>(
        subject: &mut S,
        tuning: &ControllerTuning,
        count: usize,
    ) -> Vec<f64> {
        let mut measured = 0.0;
        closed_loop(subject, tuning, &mut measured, count);
        vec![measured]
    }
    fn truth(_: &ControllerTuning) -> Vec<f64> {
        vec![SETPOINT]
    }
    fn own_law<S: Subject<Kind = Self>>(
        law: Law,
        tuning: &ControllerTuning,
        samples: &[ControllerSample],
    ) -> Outcome {
        let mut subject = S::new(tuning);
        for sample in samples {
            subject.step(sample);
        }
        match law {
            Law::NoWindup => no_windup(&mut subject, tuning),
            Law::Bumpless => bumpless(&mut subject, tuning),
            _ => Outcome::DoesNotApply,
        }
    }
}

/// After 20 s at a setpoint out of reach, the output leaves its limit within a tenth of a second
/// once the error has changed its sign.
fn no_windup<S: Subject<Kind = Controller>>(subject: &mut S, tuning: &ControllerTuning) -> Outcome {
    let sample = |setpoint| ControllerSample {
        setpoint,
        measured: 0.0,
        dt: tuning.dt,
    };
    for (out_of_reach, limit) in [(100.0, tuning.output_max), (-100.0, tuning.output_min)] {
        for _ in 0..2000 {
            subject.step(&sample(out_of_reach));
        }
        let at_limit = |output: f64| (output - limit).abs() <= S::RESOLUTION;
        let mut last = limit;
        for _ in 0..10 {
            last = subject.step(&sample(-out_of_reach.signum()));
        }
        if at_limit(last) {
            return Outcome::Broken(format!(
                "still at its limit of {limit:?} ten samples after the error changed its sign"
            ));
        }
    }
    Outcome::Holds
}

/// At the setpoint a change of the gains moves neither the output nor, afterwards, the loop.
fn bumpless<S: Subject<Kind = Controller>>(subject: &mut S, tuning: &ControllerTuning) -> Outcome {
    let mut measured = 0.0;
    let before = closed_loop(subject, tuning, &mut measured, S::RECOVERS_WITHIN);
    let other = ControllerTuning {
        kp: tuning.kp * 1.25,
        ki: tuning.ki * 0.5,
        ..*tuning
    };
    if subject.retune(&other) == Supported::No {
        return Outcome::DoesNotApply;
    }
    let after = closed_loop(subject, &other, &mut measured, 1);
    if !is_small(after - before, Controller::TOLERANCE) {
        return Outcome::Broken(format!(
            "the output jumps from {before:?} to {after:?} when the gains change at the setpoint"
        ));
    }
    closed_loop(subject, &other, &mut measured, S::RECOVERS_WITHIN);
    if !is_small(measured - SETPOINT, Controller::TOLERANCE) {
        return Outcome::Broken(format!(
            "with the new gains the loop ends at {measured:?} in place of {SETPOINT:?}"
        ));
    }
    Outcome::Holds
}
