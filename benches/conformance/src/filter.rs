//! Filters of one quantity: low-pass, notch, median, slew limit, derivative, …

use crate::fault::Channel;
use crate::kind::{Kind, to_rust};
use crate::law::Law;
use crate::signal::Signal;
use crate::subject::Subject;
use proptest::prelude::*;

/// The kind of what turns a series of numbers into another.
#[derive(Clone, Copy, Debug)]
pub struct Filter;

/// The period of a filter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FilterTuning {
    /// Period in s.
    pub dt: f64,
}
to_rust!(FilterTuning { dt });

/// What a filter is told in a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FilterSample {
    /// The number to filter.
    pub value: f64,
    /// Time since the previous step in s.
    pub dt: f64,
}
to_rust!(FilterSample { value, dt });

impl Kind for Filter {
    type Tuning = FilterTuning;
    type Sample = FilterSample;
    type Output = f64;
    const NAME: &'static str = "filter";
    const CHANNELS: &'static [Channel] = &[Channel::Measured];
    const LAWS: &'static [Law] = &[
        Law::Bounded,
        Law::Recovery,
        Law::Determinism,
        Law::Reset,
        Law::Symmetry,
    ];
    const TOLERANCE: f64 = 0.01;

    fn tunings() -> BoxedStrategy<FilterTuning> {
        prop::sample::select(vec![0.01, 0.002, 0.001])
            .prop_map(|dt| FilterTuning { dt })
            .boxed()
    }
    fn sample(tuning: &FilterTuning, signal: &Signal, k: usize) -> FilterSample {
        FilterSample {
            value: signal.at(k, tuning.dt),
            dt: tuning.dt,
        }
    }
    fn values(sample: &mut FilterSample, _: Channel) -> &mut [f64] {
        core::slice::from_mut(&mut sample.value)
    }
    fn dt(sample: &mut FilterSample) -> &mut f64 {
        &mut sample.dt
    }
    fn full_scale(_: Channel) -> f64 {
        100.0
    }
    fn mirror(sample: &FilterSample) -> FilterSample {
        FilterSample {
            value: -sample.value,
            ..*sample
        }
    }
    fn mirror_output(output: &f64) -> f64 {
        -output
    }
    fn numbers(output: &f64) -> Vec<f64> {
        vec![*output]
    }
    fn bounds(_: &FilterTuning) -> (f64, f64) {
        (-f64::MAX, f64::MAX)
    }
    fn settle<S: Subject<Kind = Self>>(
        subject: &mut S,
        tuning: &FilterTuning,
        count: usize,
    ) -> Vec<f64> {
        let sample = FilterSample {
            value: 1.0,
            dt: tuning.dt,
        };
        let mut last = Vec::new();
        for _ in 0..count {
            last = vec![subject.step(&sample)];
        }
        last
    }
}
