//! Kalman filters and their like, following things along lines.

use crate::fault::Channel;
use crate::kind::{Kind, to_rust};
use crate::law::Law;
use crate::signal::{Signal, hundredths};
use crate::subject::Subject;
use proptest::prelude::*;

/// The kind of a state estimator: `AXES` positions are measured, each of a thing with a velocity.
///
/// The model is that of constant velocity, `p⁺ = p + v·dt`, `v⁺ = v`, per axis, with white
/// acceleration as process noise. A filter with another model may be used as well, as long as a
/// thing that stands is one of the things it can follow.
#[derive(Clone, Copy, Debug)]
pub struct Tracker<const AXES: usize = 1>;

/// What a tracker knows beforehand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackerTuning {
    /// Period in s.
    pub dt: f64,
    /// Standard deviation of the acceleration in a period, in m/s².
    pub acceleration_noise: f64,
    /// Standard deviation of a measured position, in m.
    pub position_noise: f64,
}
to_rust!(TrackerTuning {
    dt,
    acceleration_noise,
    position_noise
});

impl TrackerTuning {
    /// Q of one axis for position and velocity: a piecewise constant acceleration.
    pub fn process_noise(&self) -> [[f64; 2]; 2] {
        let variance = self.acceleration_noise * self.acceleration_noise;
        let (g0, g1) = (0.5 * self.dt * self.dt, self.dt);
        [
            [variance * g0 * g0, variance * g0 * g1],
            [variance * g1 * g0, variance * g1 * g1],
        ]
    }
    /// R of one axis.
    pub fn measurement_noise(&self) -> f64 {
        self.position_noise * self.position_noise
    }
}

/// What a tracker is told in a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackerSample<const AXES: usize> {
    /// Measured positions in m.
    pub position: [f64; AXES],
    /// Time since the previous step in s.
    pub dt: f64,
}
to_rust!(TrackerSample<const AXES: usize> { position, dt });

/// What a tracker answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Track<const AXES: usize> {
    /// Estimated positions in m.
    pub position: [f64; AXES],
    /// Covariance of the whole state, row by row; empty where the filter keeps none.
    pub covariance: Vec<Vec<f64>>,
}

impl<const AXES: usize> Kind for Tracker<AXES> {
    type Tuning = TrackerTuning;
    type Sample = TrackerSample<AXES>;
    type Output = Track<AXES>;
    const NAME: &'static str = "tracker";
    const CHANNELS: &'static [Channel] = &[Channel::Measured];
    const LAWS: &'static [Law] = &[
        Law::Arrival,
        Law::Bounded,
        Law::Recovery,
        Law::Determinism,
        Law::Reset,
        Law::Symmetry,
        Law::Covariance,
    ];
    const TOLERANCE: f64 = 0.02;

    fn tunings() -> BoxedStrategy<TrackerTuning> {
        (hundredths(100, 1000), hundredths(2, 20))
            .prop_map(|(acceleration_noise, position_noise)| TrackerTuning {
                dt: 0.01,
                acceleration_noise,
                position_noise,
            })
            .boxed()
    }
    fn sample(tuning: &TrackerTuning, signal: &Signal, k: usize) -> TrackerSample<AXES> {
        let smooth = signal.smooth(k as f64 * tuning.dt);
        TrackerSample {
            position: core::array::from_fn(|axis| {
                smooth * (1.0 - 0.25 * axis as f64) + signal.noise(k, axis as u32)
            }),
            dt: tuning.dt,
        }
    }
    fn values(sample: &mut TrackerSample<AXES>, _: Channel) -> &mut [f64] {
        &mut sample.position
    }
    fn dt(sample: &mut TrackerSample<AXES>) -> &mut f64 {
        &mut sample.dt
    }
    fn full_scale(_: Channel) -> f64 {
        100.0
    }
    fn mirror(sample: &TrackerSample<AXES>) -> TrackerSample<AXES> {
        TrackerSample {
            position: sample.position.map(|p| -p),
            dt: sample.dt,
        }
    }
    fn mirror_output(output: &Track<AXES>) -> Track<AXES> {
        Track {
            position: output.position.map(|p| -p),
            covariance: output.covariance.clone(),
        }
    }
    fn numbers(output: &Track<AXES>) -> Vec<f64> {
        output.position.to_vec()
    }
    fn bounds(_: &TrackerTuning) -> (f64, f64) {
        (-f64::MAX, f64::MAX)
    }
    fn settle<S: Subject<Kind = Self>>(
        subject: &mut S,
        tuning: &TrackerTuning,
        count: usize,
    ) -> Vec<f64> {
        let sample = TrackerSample {
            position: [1.0; AXES],
            dt: tuning.dt,
        };
        let mut last = Vec::new();
        for _ in 0..count {
            last = subject.step(&sample).position.to_vec();
        }
        last
    }
    fn truth(_: &TrackerTuning) -> Vec<f64> {
        vec![1.0; AXES]
    }
    fn covariance(output: &Track<AXES>) -> Option<&[Vec<f64>]> {
        (!output.covariance.is_empty()).then_some(&output.covariance)
    }
}
