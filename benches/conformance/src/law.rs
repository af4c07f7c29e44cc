//! The laws, each a statement about one subject and one sequence of samples.

use crate::kind::Kind;
use crate::subject::{OutputOf, SampleOf, Subject, Supported, TuningOf};

/// What an algorithm that a robot trusts does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Law {
    /// It does its work at all: the loop gets to its setpoint, the estimate to the truth.
    Arrival,
    /// Each output is finite and within its limits, whatever goes in.
    Bounded,
    /// Some time after a fault it is where one is that never saw it.
    Recovery,
    /// Two that see the same say the same, to the bit.
    Determinism,
    /// After a reset it does what a fresh one does, to the bit.
    Reset,
    /// The mirrored input gives the mirrored output.
    Symmetry,
    /// An error that cannot be removed is not piled up.
    NoWindup,
    /// A change of the gains at the setpoint does not move the output.
    Bumpless,
    /// A quaternion or direction has length one.
    UnitLength,
    /// A covariance is symmetric and positive semidefinite.
    Covariance,
    /// Two number types say the same within a bound.
    Agreement,
}

impl Law {
    /// Name in tables and tests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Arrival => "arrival",
            Self::Bounded => "bounded",
            Self::Recovery => "recovery",
            Self::Determinism => "determinism",
            Self::Reset => "reset",
            Self::Symmetry => "symmetry",
            Self::NoWindup => "no_windup",
            Self::Bumpless => "bumpless",
            Self::UnitLength => "unit_length",
            Self::Covariance => "covariance",
            Self::Agreement => "agreement",
        }
    }
    /// Whether each fault is a question of its own.
    pub const fn asks_for_each_fault(self) -> bool {
        matches!(
            self,
            Self::Bounded | Self::Recovery | Self::UnitLength | Self::Covariance
        )
    }
    /// Whether samples with a fault are none of its business.
    pub const fn is_of_good_samples(self) -> bool {
        matches!(
            self,
            Self::Arrival | Self::Symmetry | Self::NoWindup | Self::Bumpless | Self::Agreement
        )
    }
}

/// What came of a law.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It holds.
    Holds,
    /// It does not, and why.
    Broken(String),
    /// The subject has nothing that the law is about.
    DoesNotApply,
}

/// Asks whether a law holds for one sequence of samples: what a pasted counter-example calls.
///
/// ```
/// # use balance_conformance::{Controller, ControllerSample, ControllerTuning, Plant, Subject};
/// use balance_conformance::{Law, Outcome, check};
/// # struct Half(f64);
/// # impl Subject for Half {
/// #     type Kind = Controller;
/// #     fn new(t: &ControllerTuning) -> Self { Half(t.output_max) }
/// #     fn step(&mut self, s: &ControllerSample) -> f64 { (0.5 * (s.setpoint - s.measured)).min(self.0) }
/// # }
/// # let tuning = ControllerTuning { kp: 1.0, ki: 1.0, kd: 0.0, dt: 0.01, output_min: -10.0, output_max: 10.0,
/// #     plant: Plant { gain: 1.0, time_constant: 0.1 } };
/// let samples = [ControllerSample { setpoint: 1.0, measured: f64::NAN, dt: 0.01 }];
/// // NaN.min(10.0) is 10.0: a controller at full power.
/// assert_eq!(check::<Half>(Law::Bounded, &tuning, &samples), Outcome::Holds);
/// ```
pub fn check<S: Subject>(law: Law, tuning: &TuningOf<S>, samples: &[SampleOf<S>]) -> Outcome {
    match law {
        Law::Arrival => arrival::<S>(tuning, samples),
        Law::Bounded => bounded::<S>(tuning, samples),
        Law::Recovery => recovery::<S>(tuning, samples),
        Law::Determinism => determinism::<S>(tuning, samples),
        Law::Reset => reset::<S>(tuning, samples),
        Law::Symmetry => symmetry::<S>(tuning, samples),
        Law::UnitLength => unit_length::<S>(tuning, samples),
        Law::Covariance => covariance::<S>(tuning, samples),
        Law::NoWindup | Law::Bumpless => S::Kind::own_law::<S>(law, tuning, samples),
        // Takes two subjects: `check_agreement`.
        Law::Agreement => Outcome::DoesNotApply,
    }
}

/// Asks whether two subjects give the same within a bound for one sequence of samples.
pub fn check_agreement<A, B>(tuning: &TuningOf<A>, samples: &[SampleOf<A>], within: f64) -> Outcome
where
    A: Subject,
    B: Subject<Kind = A::Kind>,
{
    let (mut one, mut other) = (A::new(tuning), B::new(tuning));
    for (k, sample) in samples.iter().enumerate() {
        let (a, b) = (one.step(sample), other.step(sample));
        if let Some(broken) = differ::<A>(&a, &b, within) {
            return Outcome::Broken(format!("at sample {k}: {broken}"));
        }
    }
    Outcome::Holds
}

fn run<S: Subject>(subject: &mut S, samples: &[SampleOf<S>]) -> Vec<OutputOf<S>> {
    samples.iter().map(|sample| subject.step(sample)).collect()
}

/// Not so for NaN.
pub(crate) fn is_small(difference: f64, within: f64) -> bool {
    difference.abs() <= within
}

/// What two outputs differ in, if by more than `within`.
fn differ<S: Subject>(a: &OutputOf<S>, b: &OutputOf<S>, within: f64) -> Option<String> {
    let far = |(a, b): (&f64, &f64)| {
        a.to_bits() != b.to_bits() && !is_small(S::Kind::difference(*a, *b), within)
    };
    let numbers = (S::Kind::numbers(a), S::Kind::numbers(b));
    numbers
        .0
        .iter()
        .zip(&numbers.1)
        .any(far)
        .then(|| format!("{:?} and {:?}", numbers.0, numbers.1))
}

fn far_from<S: Subject>(ended: &[f64], wanted: &[f64]) -> bool {
    ended
        .iter()
        .zip(wanted)
        .any(|(a, b)| !is_small(S::Kind::difference(*a, *b), S::Kind::TOLERANCE))
}

fn arrival<S: Subject>(tuning: &TuningOf<S>, samples: &[SampleOf<S>]) -> Outcome {
    let truth = S::Kind::truth(tuning);
    if !S::ARRIVES || truth.is_empty() {
        return Outcome::DoesNotApply;
    }
    let mut subject = S::new(tuning);
    run(&mut subject, samples);
    let ended = S::Kind::settle(&mut subject, tuning, S::RECOVERS_WITHIN);
    if far_from::<S>(&ended, &truth) {
        return Outcome::Broken(format!("ends at {ended:?} where {truth:?} is right"));
    }
    Outcome::Holds
}

fn bounded<S: Subject>(tuning: &TuningOf<S>, samples: &[SampleOf<S>]) -> Outcome {
    let (low, high) = S::Kind::bounds(tuning);
    let mut subject = S::new(tuning);
    for (k, output) in run(&mut subject, samples).iter().enumerate() {
        let within =
            |v: &f64| v.is_finite() && *v >= low - S::RESOLUTION && *v <= high + S::RESOLUTION;
        if !S::Kind::numbers(output).iter().all(within) {
            return Outcome::Broken(format!(
                "sample {k} gives {output:?}, not within {low:?} ..= {high:?}"
            ));
        }
    }
    Outcome::Holds
}

fn recovery<S: Subject>(tuning: &TuningOf<S>, samples: &[SampleOf<S>]) -> Outcome {
    let count = S::RECOVERS_WITHIN;
    let (mut subject, mut fresh) = (S::new(tuning), S::new(tuning));
    run(&mut subject, samples);
    let ended = S::Kind::settle(&mut subject, tuning, count);
    let wanted = S::Kind::settle(&mut fresh, tuning, count);
    if far_from::<S>(&ended, &wanted) {
        return Outcome::Broken(format!(
            "{count} good samples later it is at {ended:?}, a fresh one at {wanted:?}"
        ));
    }
    Outcome::Holds
}

/// Signs and payloads of NaN are no promise.
fn bits(numbers: &[f64]) -> Vec<u64> {
    let one = |v: &f64| if v.is_nan() { u64::MAX } else { v.to_bits() };
    numbers.iter().map(one).collect()
}

fn same_bits<S: Subject>(
    tuning: &TuningOf<S>,
    samples: &[SampleOf<S>],
    mut one: S,
    mut other: S,
    what: &str,
) -> Outcome {
    for (k, sample) in samples.iter().enumerate() {
        let (a, b) = (one.step(sample), other.step(sample));
        if bits(&S::Kind::numbers(&a)) != bits(&S::Kind::numbers(&b)) {
            return Outcome::Broken(format!("{what}: sample {k} gives {a:?} and {b:?}"));
        }
    }
    let ended = |subject: &mut S| S::Kind::settle(subject, tuning, 20);
    let (a, b) = (ended(&mut one), ended(&mut other));
    if bits(&a) != bits(&b) {
        return Outcome::Broken(format!("{what}: they end at {a:?} and {b:?}"));
    }
    Outcome::Holds
}

fn determinism<S: Subject>(tuning: &TuningOf<S>, samples: &[SampleOf<S>]) -> Outcome {
    let (one, other) = (S::new(tuning), S::new(tuning));
    same_bits(tuning, samples, one, other, "two fresh ones differ")
}

fn reset<S: Subject>(tuning: &TuningOf<S>, samples: &[SampleOf<S>]) -> Outcome {
    let (mut used, fresh) = (S::new(tuning), S::new(tuning));
    run(&mut used, samples);
    if used.reset() == Supported::No {
        return Outcome::DoesNotApply;
    }
    same_bits(
        tuning,
        samples,
        used,
        fresh,
        "a reset and a fresh one differ",
    )
}

fn symmetry<S: Subject>(tuning: &TuningOf<S>, samples: &[SampleOf<S>]) -> Outcome {
    if !S::SYMMETRIC {
        return Outcome::DoesNotApply;
    }
    let (mut subject, mut mirrored) = (S::new(tuning), S::new(tuning));
    for (k, sample) in samples.iter().enumerate() {
        let output = S::Kind::mirror_output(&subject.step(sample));
        let image = mirrored.step(&S::Kind::mirror(sample));
        if let Some(broken) = differ::<S>(&output, &image, S::RESOLUTION) {
            return Outcome::Broken(format!("sample {k} in the mirror: {broken}"));
        }
    }
    Outcome::Holds
}

fn unit_length<S: Subject>(tuning: &TuningOf<S>, samples: &[SampleOf<S>]) -> Outcome {
    let mut subject = S::new(tuning);
    for (k, output) in run(&mut subject, samples).iter().enumerate() {
        match S::Kind::length(output) {
            Some(length) if (length - 1.0).abs() <= 0.01 => {}
            Some(length) => {
                return Outcome::Broken(format!(
                    "sample {k} gives {output:?} of length {length:?}"
                ));
            }
            None => return Outcome::DoesNotApply,
        }
    }
    Outcome::Holds
}

fn covariance<S: Subject>(tuning: &TuningOf<S>, samples: &[SampleOf<S>]) -> Outcome {
    let mut subject = S::new(tuning);
    for (k, output) in run(&mut subject, samples).iter().enumerate() {
        match S::Kind::covariance(output) {
            Some(covariance) => {
                if let Some(broken) = indefinite(covariance, S::RESOLUTION) {
                    return Outcome::Broken(format!("sample {k}: {broken}: {covariance:?}"));
                }
            }
            None => return Outcome::DoesNotApply,
        }
    }
    Outcome::Holds
}

/// What keeps a matrix from being symmetric and positive semidefinite, up to `resolution` of its
/// diagonal.
// Rows and columns have the meaning here, not the elements.
#[allow(clippy::needless_range_loop)]
fn indefinite(matrix: &[Vec<f64>], resolution: f64) -> Option<String> {
    let size = matrix.len();
    if !matrix.iter().flatten().all(|v| v.is_finite()) {
        return Some("not finite".into());
    }
    let diagonal: Vec<f64> = (0..size).map(|i| matrix[i][i]).collect();
    if diagonal.iter().any(|v| *v < 0.0) {
        return Some("a negative variance".into());
    }
    // In units of the standard deviations, so that one number serves all entries.
    let scale = |i: usize| diagonal[i].max(f64::MIN_POSITIVE).sqrt();
    let mut rest: Vec<Vec<f64>> = (0..size)
        .map(|i| {
            (0..size)
                .map(|j| matrix[i][j] / (scale(i) * scale(j)))
                .collect()
        })
        .collect();
    for i in 0..size {
        for j in 0..i {
            if (rest[i][j] - rest[j][i]).abs() > resolution {
                return Some("not symmetric".into());
            }
        }
    }
    // Gauss without pivots: all pivots of a positive semidefinite matrix are at least zero.
    for k in 0..size {
        let pivot = rest[k][k];
        if pivot < -resolution * size as f64 {
            return Some("a negative eigenvalue".into());
        }
        for i in k + 1..size {
            if pivot <= resolution {
                // Nothing is known beyond the resolution.
                continue;
            }
            let factor = rest[i][k] / pivot;
            for j in k + 1..size {
                let taken = factor * rest[k][j];
                rest[i][j] -= taken;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::indefinite;

    #[test]
    fn an_indefinite_matrix_is_seen() {
        let good = [vec![2.0, 1.0], vec![1.0, 2.0]];
        assert_eq!(indefinite(&good, 1e-9), None);
        let semidefinite = [vec![1.0, 1.0], vec![1.0, 1.0]];
        assert_eq!(indefinite(&semidefinite, 1e-9), None);
        for (bad, why) in [
            ([vec![1.0, 2.0], vec![2.0, 1.0]], "a negative eigenvalue"),
            ([vec![1.0, 0.1], vec![0.2, 1.0]], "not symmetric"),
            ([vec![-1.0, 0.0], vec![0.0, 1.0]], "a negative variance"),
            ([vec![f64::NAN, 0.0], vec![0.0, 1.0]], "not finite"),
        ] {
            assert_eq!(indefinite(&bad, 1e-9).as_deref(), Some(why));
        }
    }
}
