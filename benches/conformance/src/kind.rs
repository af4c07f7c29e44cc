//! The kinds of algorithms: what goes in, what comes out, and when a scene has ended well.

use crate::fault::Channel;
use crate::law::{Law, Outcome};
use crate::signal::Signal;
use crate::subject::Subject;
use proptest::strategy::BoxedStrategy;
use std::fmt::Debug;

/// A kind of algorithm. The crate brings six; users have no need to write one.
pub trait Kind: Sized + 'static {
    /// What a subject is made from.
    type Tuning: Clone + Debug + ToRust;
    /// What a subject takes in a step.
    type Sample: Clone + Debug + ToRust;
    /// What a subject gives in a step.
    type Output: Clone + Debug;

    /// Name in tables.
    const NAME: &'static str;
    /// The inputs that may be faulty.
    const CHANNELS: &'static [Channel];
    /// The laws that concern it.
    const LAWS: &'static [Law];
    /// How far from a fresh subject, and from the truth, a scene may end.
    const TOLERANCE: f64;

    /// Gains, periods and plants that make sense.
    fn tunings() -> BoxedStrategy<Self::Tuning>;
    /// The sample `k` of a stream.
    fn sample(tuning: &Self::Tuning, signal: &Signal, k: usize) -> Self::Sample;
    /// The numbers of an input.
    fn values(sample: &mut Self::Sample, channel: Channel) -> &mut [f64];
    /// The period of a sample.
    fn dt(sample: &mut Self::Sample) -> &mut f64;
    /// The end of a sensor's range.
    fn full_scale(channel: Channel) -> f64;
    /// The same in a mirror.
    fn mirror(sample: &Self::Sample) -> Self::Sample;
    /// The same in a mirror.
    fn mirror_output(output: &Self::Output) -> Self::Output;
    /// All numbers of an output that must be bounded.
    fn numbers(output: &Self::Output) -> Vec<f64>;
    /// The bounds of an output.
    fn bounds(tuning: &Self::Tuning) -> (f64, f64);
    /// The closing scene: `count` good samples, in a closed loop where there is one. Answers what
    /// it ended at.
    fn settle<S: Subject<Kind = Self>>(
        subject: &mut S,
        tuning: &Self::Tuning,
        count: usize,
    ) -> Vec<f64>;
    /// What the closing scene should end at; nothing where any answer is as good.
    fn truth(_tuning: &Self::Tuning) -> Vec<f64> {
        Vec::new()
    }
    /// How much `a` is beyond `b`, number by number.
    fn difference(a: f64, b: f64) -> f64 {
        a - b
    }
    /// The length of what should be a unit vector.
    fn length(_output: &Self::Output) -> Option<f64> {
        None
    }
    /// The covariance, where the output has one.
    fn covariance(_output: &Self::Output) -> Option<&[Vec<f64>]> {
        None
    }
    /// A law that this kind alone has.
    fn own_law<S: Subject<Kind = Self>>(
        _law: Law,
        _tuning: &Self::Tuning,
        _samples: &[Self::Sample],
    ) -> Outcome {
        Outcome::DoesNotApply
    }
}

/// Writes a value as a Rust expression that can be pasted.
pub trait ToRust {
    /// The expression.
    fn to_rust(&self) -> String;
}

impl ToRust for f64 {
    fn to_rust(&self) -> String {
        if self.is_nan() {
            "f64::NAN".into()
        } else if *self == f64::INFINITY {
            "f64::INFINITY".into()
        } else if *self == f64::NEG_INFINITY {
            "f64::NEG_INFINITY".into()
        } else {
            format!("{self:?}")
        }
    }
}
impl<T: ToRust, const N: usize> ToRust for [T; N] {
    fn to_rust(&self) -> String {
        let parts: Vec<_> = self.iter().map(ToRust::to_rust).collect();
        format!("[{}]", parts.join(", "))
    }
}

/// A struct of numbers with its fields by name.
macro_rules! to_rust {
    ($name:ident $(<const $n:ident: usize>)? { $($field:ident),* $(,)? }) => {
        impl $(<const $n: usize>)? $crate::kind::ToRust for $name $(<$n>)? {
            fn to_rust(&self) -> String {
                let fields: Vec<String> = vec![
                    $(format!("{}: {}", stringify!($field), $crate::kind::ToRust::to_rust(&self.$field))),*
                ];
                format!("{} {{ {} }}", stringify!($name), fields.join(", "))
            }
        }
    };
}
pub(crate) use to_rust;
