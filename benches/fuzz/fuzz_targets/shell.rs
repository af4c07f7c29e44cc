//! What is typed at the prompt: no panic, no parameter out of its range, and afterwards `disarm` works.
#![no_main]

use balance_core::math::Q12;
use balance_core::params::{Parameters, SetError};
use balance_core::robot::timing::Statistics;
use balance_core::robot::{Fault, RobotConfig, State};
use balance_core::shell::{Condition, Machine, Order, Refusal, Sensed, Shell};
use balance_core::telemetry::Snapshot;
use balance_core::time::Instant;
use core::convert::Infallible;
use libfuzzer_sys::fuzz_target;

struct Nowhere;

impl embedded_io::ErrorType for Nowhere {
    type Error = Infallible;
}

impl embedded_io::Write for Nowhere {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        Ok(bytes.len())
    }
    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

struct Bench {
    parameters: Parameters<f32>,
    last: Option<Order>,
}

impl Machine for Bench {
    type Param = f32;
    fn firmware(&self) -> &str {
        "fuzz"
    }
    fn condition(&self) -> Condition {
        Condition::default()
    }
    fn parameters(&self) -> &Parameters<f32> {
        &self.parameters
    }
    fn set(&mut self, name: &str, value: f32) -> Result<(), SetError> {
        self.parameters
            .set::<Q12>(name, value, State::Disarmed, Instant::default())
    }
    fn order(&mut self, order: Order) -> Result<(), Refusal> {
        if let Order::Motor { permille, .. } = order {
            assert!((-1000..=1000).contains(&permille));
        }
        self.last = Some(order);
        Ok(())
    }
    fn channel(&self, index: usize) -> Option<&'static str> {
        Snapshot::<f32>::CHANNELS
            .get(index)
            .map(|channel| channel.name)
    }
    fn fault(&self, _: usize) -> Option<Fault> {
        None
    }
    fn timing(&self) -> Option<(Statistics, u32)> {
        Some((Statistics::default(), 1))
    }
    fn sensed(&self) -> Option<Sensed> {
        Some(Sensed::default())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut bench = Bench {
        parameters: Parameters::new(RobotConfig::pico_kit()),
        last: None,
    };
    let Ok(mut shell) = Shell::new(Nowhere);
    let Ok(()) = shell.feed(bytes, &mut bench);
    for parameter in RobotConfig::<f32>::PARAMETERS {
        if let Some(value) = parameter.of(bench.parameters.config()) {
            assert!((parameter.low..=parameter.high).contains(&value));
        }
    }
    // Ends an escape sequence, a character begun and a line.
    let Ok(()) = shell.feed(b"AA\r\n\r\ndisarm\r", &mut bench);
    assert_eq!(bench.last, Some(Order::Disarm));
});
