//! Throughput of every case over the whole recording, for simulators and batches.
#![allow(missing_docs, reason = "criterion's macros have none")]

use cases::{Case, SAMPLES, for_each_case, scalar};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

fn bench<T, C: Case<T>>(criterion: &mut Criterion, name: &str, scalar: &str) {
    let Ok(mut algorithm) = C::build() else {
        return;
    };
    C::warm_up(&mut algorithm);
    let inputs: Vec<C::Input> = SAMPLES.iter().map(C::input).collect();
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(inputs.len() as u64));
    group.bench_function(scalar, |bencher| {
        bencher.iter(|| {
            for input in &inputs {
                black_box(C::step(&mut algorithm, black_box(input)));
            }
        });
    });
    group.finish();
}

macro_rules! benches {
    ($($name:ident: $room:ident :: $case:ident [$($scalar:ident)+];)+) => {
        fn steps(criterion: &mut Criterion) {
            $($(bench::<scalar::$scalar, cases::$room::$case>(criterion, stringify!($name), stringify!($scalar));)+)+
        }
    };
}
for_each_case!(benches);

criterion_group!(all, steps);
criterion_main!(all);
