//! Every drive, pin by pin: what the motor sees between two writes, and what an error leaves behind.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // Helpers of tests, too.

use balance_core::motor::Drive;
use balance_core::motor::h_bridge::{
    Decay, EnabledHalfBridges, HBridge, HBridgeConfig, PwmOnePin, PwmTwoPins, TwoPwm, Wiring,
};
use balance_core::motor::pulse::{PulseConfig, PulseOutput};
use balance_core::motor::stepper::{Step, StepDirection};
use balance_core::motor::three_phase::ThreePhasePwm;
use balance_core::time::Instant;
use embedded_hal::digital::{ErrorKind as PinError, ErrorType as PinErrorType, OutputPin};
use embedded_hal::pwm::{ErrorKind as PwmError, ErrorType as PwmErrorType, SetDutyCycle};
use embedded_hal_mock::eh1::delay::NoopDelay;
use proptest::prelude::*;
use std::cell::RefCell;
use std::rc::Rc;

const FULL: i32 = 1000;

/// The wires of one drive, their faults, and what the motor has felt.
#[derive(Default)]
struct Bench {
    levels: [i32; 4],
    /// How often each wire was written, whether it took or not.
    tried: [usize; 4],
    writes: usize,
    /// The write that fails, once.
    fails_at: Option<usize>,
    /// The wire that fails, always.
    broken: Option<usize>,
    now: u64,
    /// When the motor was driven last, backwards and forward.
    driven: [Option<u64>; 2],
    /// The shortest time from one direction to the other.
    shortest: Option<u64>,
    voltage: Option<fn([i32; 4]) -> i32>,
}

impl Bench {
    fn write(&mut self, wire: usize, level: i32) -> bool {
        self.tried[wire] += 1;
        self.writes += 1;
        if self.broken == Some(wire) || self.fails_at == Some(self.writes - 1) {
            return false;
        }
        self.levels[wire] = level;
        self.look();
        true
    }
    fn voltage(&self) -> i32 {
        self.voltage.map_or(0, |voltage| voltage(self.levels))
    }
    /// Compares what the motor feels now, if only between two writes, with what it felt last.
    fn look(&mut self) {
        let volts = self.voltage();
        if volts != 0
            && let Some(end) = self.driven[usize::from(volts < 0)]
        {
            let gap = self.now - end;
            self.shortest = Some(self.shortest.map_or(gap, |shortest| shortest.min(gap)));
        }
    }
    /// A state that lasts.
    fn wait(&mut self, micros: u64) {
        self.now += micros;
        let volts = self.voltage();
        if volts != 0 && micros > 0 {
            self.driven[usize::from(volts > 0)] = Some(self.now);
        }
    }
}

/// One wire: a pin or a channel of the PWM.
struct Wire {
    bench: Rc<RefCell<Bench>>,
    wire: usize,
}
impl PinErrorType for Wire {
    type Error = PinError;
}
impl OutputPin for Wire {
    fn set_low(&mut self) -> Result<(), PinError> {
        let took = self.bench.borrow_mut().write(self.wire, 0);
        took.then_some(()).ok_or(PinError::Other)
    }
    fn set_high(&mut self) -> Result<(), PinError> {
        let took = self.bench.borrow_mut().write(self.wire, FULL);
        took.then_some(()).ok_or(PinError::Other)
    }
}
struct Channel(Wire);
impl PwmErrorType for Channel {
    type Error = PwmError;
}
impl SetDutyCycle for Channel {
    fn max_duty_cycle(&self) -> u16 {
        FULL as u16
    }
    fn set_duty_cycle(&mut self, duty: u16) -> Result<(), PwmError> {
        let took = self.0.bench.borrow_mut().write(self.0.wire, duty.into());
        took.then_some(()).ok_or(PwmError::Other)
    }
}

type Shared = Rc<RefCell<Bench>>;
fn pin(bench: &Shared, wire: usize) -> Wire {
    Wire {
        bench: bench.clone(),
        wire,
    }
}
fn channel(bench: &Shared, wire: usize) -> Channel {
    Channel(pin(bench, wire))
}

/// What a test does with a wiring, whichever it is.
trait Trial {
    fn run<W: Wiring<Error: std::fmt::Debug>>(
        &self,
        name: &str,
        wires: usize,
        make: impl Fn() -> (Shared, W),
    );
}

/// All wirings with the truth tables of their chips.
fn on_every_wiring(trial: &impl Trial) {
    fn bench(voltage: fn([i32; 4]) -> i32) -> Shared {
        Rc::new(RefCell::new(Bench {
            voltage: Some(voltage),
            ..Default::default()
        }))
    }
    for decay in [Decay::Fast, Decay::Slow] {
        trial.run("DRV8833", 2, || {
            let b = bench(|[in1, in2, ..]| in1 - in2);
            (
                b.clone(),
                TwoPwm::new(channel(&b, 0), channel(&b, 1), decay),
            )
        });
    }
    trial.run("TB6612FNG, L298N", 3, || {
        let b = bench(|[pwm, in1, in2, _]| pwm * (in1 - in2));
        let wiring = PwmTwoPins::new(channel(&b, 0), pin(&b, 1), pin(&b, 2));
        (b, wiring)
    });
    trial.run("DRV8835", 2, || {
        let b = bench(|[pwm, direction, ..]| if direction > 0 { pwm } else { -pwm });
        let wiring = PwmOnePin::new(channel(&b, 0), pin(&b, 1));
        (b, wiring)
    });
    trial.run("BTS7960", 3, || {
        let b = bench(|[forward, reverse, enable, _]| enable * (forward - reverse));
        let wiring = EnabledHalfBridges::new(channel(&b, 0), channel(&b, 1), pin(&b, 2));
        (b, wiring)
    });
}

fn bridge<W: Wiring>(wiring: W, dead_time_micros: u32) -> HBridge<f32, W> {
    let config = HBridgeConfig {
        dead_time_micros,
        ..Default::default()
    };
    config.build(wiring).unwrap()
}

/// From each state to each other one.
const TOUR: [Drive<f32>; 14] = [
    Drive::Duty(0.5),
    Drive::Brake,
    Drive::Duty(-0.5),
    Drive::Duty(-0.5),
    Drive::Brake,
    Drive::Coast,
    Drive::Brake,
    Drive::Duty(0.7),
    Drive::Duty(0.7),
    Drive::Duty(0.0),
    Drive::Duty(-1.0),
    Drive::Duty(-1.0),
    Drive::Coast,
    Drive::Duty(0.2),
];

/// One write fails somewhere: the motor is without voltage when the error is told.
struct ErrorAtEveryWrite;
impl Trial for ErrorAtEveryWrite {
    fn run<W: Wiring<Error: std::fmt::Debug>>(
        &self,
        name: &str,
        _: usize,
        make: impl Fn() -> (Shared, W),
    ) {
        let mut fails_at = 0;
        loop {
            let (bench, wiring) = make();
            bench.borrow_mut().fails_at = Some(fails_at);
            let mut motor = bridge(wiring, 10);
            let mut errors = 0;
            let told = |result: Result<(), W::Error>, errors: &mut i32| {
                if result.is_err() {
                    *errors += 1;
                    let bench = bench.borrow();
                    let voltage = bench.voltage();
                    assert_eq!(voltage, 0, "{name}, write {fails_at}: {:?}", bench.levels);
                }
            };
            told(motor.enable(), &mut errors);
            if !motor.is_enabled() {
                told(motor.enable(), &mut errors);
            }
            for (k, drive) in TOUR.into_iter().enumerate() {
                let now = Instant::from_micros(20 * k as u64);
                told(motor.apply(now, drive).map(|_| ()), &mut errors);
            }
            if motor.off().is_err() {
                // The next call tries again.
                errors += 1;
                motor.off().unwrap();
            }
            assert_eq!(bench.borrow().voltage(), 0, "{name}, write {fails_at}");
            // Off has tried a second time, or the error was told.
            assert!(errors <= 1, "{name}, write {fails_at}");
            if bench.borrow().writes <= fails_at {
                assert!(fails_at > 20, "{name}: {fails_at}");
                break;
            }
            fails_at += 1;
        }
    }
}

#[test]
fn an_error_at_any_write_leaves_no_voltage() {
    on_every_wiring(&ErrorAtEveryWrite);
}

/// One wire is broken for good: off tells so, and reaches all the others.
struct OneWireBroken;
impl Trial for OneWireBroken {
    fn run<W: Wiring<Error: std::fmt::Debug>>(
        &self,
        name: &str,
        wires: usize,
        make: impl Fn() -> (Shared, W),
    ) {
        for before in [Drive::Duty(0.5), Drive::Duty(-0.5), Drive::Brake] {
            for broken in 0..wires {
                let (bench, wiring) = make();
                let mut motor = bridge(wiring, 10);
                motor.enable().unwrap();
                motor.apply(Instant::from_micros(0), before).unwrap();
                let tried = bench.borrow().tried;
                bench.borrow_mut().broken = Some(broken);
                assert!(motor.off().is_err(), "{name}, wire {broken}");
                assert!(!motor.is_enabled());
                let bench = bench.borrow();
                for (wire, before) in tried.into_iter().enumerate().take(wires) {
                    // A direction is no voltage, and turning it round under a duty would be worse.
                    if name == "DRV8835" && broken == 0 && wire == 1 {
                        assert_eq!(bench.tried[wire], before);
                        continue;
                    }
                    assert!(bench.tried[wire] > before, "{name}: {broken} {wire}");
                    let off = bench.levels[wire] == 0;
                    assert!(off || wire == broken, "{name}: {broken} {wire}");
                }
            }
        }
    }
}

#[test]
fn off_reaches_every_wire_but_the_broken_one() {
    on_every_wiring(&OneWireBroken);
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Apply(Drive<f32>),
    Off,
    Enable,
}
fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (-1.2_f32..1.2).prop_map(|d| Event::Apply(Drive::Duty(d))),
        1 => Just(Event::Apply(Drive::Duty(0.0))),
        1 => Just(Event::Apply(Drive::Duty(f32::NAN))),
        2 => Just(Event::Apply(Drive::Coast)),
        2 => Just(Event::Apply(Drive::Brake)),
        1 => Just(Event::Off),
        2 => Just(Event::Enable),
    ]
}

/// Commands, the time before each, the dead time and the write that fails.
struct Reversals {
    events: Vec<(Event, u64)>,
    dead_time: u32,
    fails_at: Option<usize>,
}
impl Trial for Reversals {
    fn run<W: Wiring<Error: std::fmt::Debug>>(
        &self,
        name: &str,
        _: usize,
        make: impl Fn() -> (Shared, W),
    ) {
        let (bench, wiring) = make();
        bench.borrow_mut().fails_at = self.fails_at;
        let mut motor = bridge(wiring, self.dead_time);
        let _ = motor.enable();
        for (event, wait) in &self.events {
            bench.borrow_mut().wait(*wait);
            let now = Instant::from_micros(bench.borrow().now);
            // The error is another test's matter.
            let _ = match event {
                Event::Apply(drive) => motor.apply(now, *drive).map(|_| ()),
                Event::Off => motor.off(),
                Event::Enable => motor.enable(),
            };
        }
        let shortest = bench.borrow().shortest;
        if let Some(shortest) = shortest {
            assert!(
                shortest >= u64::from(self.dead_time),
                "{name}: reversed after {shortest} µs"
            );
        }
    }
}

proptest! {
    /// At every single level of every wire, those between two writes as well.
    #[test]
    fn no_wire_reverses_a_motor_without_dead_time(
        events in prop::collection::vec((event(), 0_u64..3000), 1..60),
        dead_time in 1_u32..4000,
        fails_at in prop::option::of(0_usize..150),
    ) {
        on_every_wiring(&Reversals { events, dead_time, fails_at });
    }
}

/// Runs steps of a drive that has four wires at most, with a fault, and gives its bench afterwards.
fn with_fault(
    fails_at: Option<usize>,
    broken: Option<usize>,
    run: impl Fn(&Shared) -> bool,
) -> (bool, Shared) {
    let bench = Shared::default();
    {
        let mut bench = bench.borrow_mut();
        (bench.fails_at, bench.broken) = (fails_at, broken);
        // As power-up leaves them: nobody knows.
        bench.levels = [FULL / 2; 4];
    }
    let failed = run(&bench);
    (failed, bench)
}

/// Steps both ways; whether anything failed. Stops at the first error, as a program would.
fn steps(bench: &Shared) -> bool {
    let (step, direction, enable) = (pin(bench, 0), pin(bench, 1), pin(bench, 2));
    let mut drive = StepDirection::new(step, direction, enable, NoopDelay::new());
    let mut run = || {
        drive.enable()?;
        for step in [Step::Forward, Step::Forward, Step::Back, Step::Forward] {
            drive.apply(step)?;
        }
        drive.off()
    };
    run().is_err()
}

#[test]
fn a_stepper_is_without_current_after_any_error() {
    let (failed, good) = with_fault(None, None, steps);
    assert!(!failed);
    let writes = good.borrow().writes;
    for fails_at in 0..writes {
        let (failed, bench) = with_fault(Some(fails_at), None, steps);
        let bench = bench.borrow();
        assert!(failed, "write {fails_at}");
        // A last write that fails is off itself: the other wire is at rest.
        let [step, _, enable, _] = bench.levels;
        assert!(
            enable == FULL || fails_at == writes - 2,
            "write {fails_at}: {:?}",
            bench.levels
        );
        assert!(
            step == 0 || fails_at == writes - 1,
            "write {fails_at}: {:?}",
            bench.levels
        );
    }
    for broken in 0..3 {
        let (failed, bench) = with_fault(None, Some(broken), steps);
        let [step, _, enable, _] = bench.borrow().levels;
        assert!(failed, "wire {broken}");
        assert!(enable == FULL || broken == 2, "wire {broken}");
        assert!(step == 0 || broken == 0, "wire {broken}");
    }
}

fn three_phases(bench: &Shared) -> bool {
    let channels = [0, 1, 2].map(|wire| channel(bench, wire));
    let mut inverter = ThreePhasePwm::new(channels, pin(bench, 3));
    let mut run = || {
        inverter.enable()?;
        inverter.apply([0.1_f32, 0.5, 0.9])?;
        inverter.apply([0.9_f32, f32::NAN, 0.1])?;
        inverter.off()
    };
    run().is_err()
}

#[test]
fn an_inverter_is_off_after_any_error() {
    let (failed, good) = with_fault(None, None, three_phases);
    assert!(!failed);
    let writes = good.borrow().writes;
    for fails_at in 0..writes {
        let (failed, bench) = with_fault(Some(fails_at), None, three_phases);
        assert!(failed, "write {fails_at}");
        let levels = bench.borrow().levels;
        let left = levels.iter().filter(|level| **level != 0).count();
        // The last four are off itself: what fails there is told, and only it stays.
        let most = usize::from(fails_at >= writes - 4);
        assert!(left <= most, "write {fails_at}: {levels:?}");
    }
    for broken in 0..4 {
        let (failed, bench) = with_fault(None, Some(broken), three_phases);
        assert!(failed, "wire {broken}");
        let levels = bench.borrow().levels;
        for (wire, level) in levels.into_iter().enumerate() {
            assert!(level == 0 || wire == broken, "wire {broken}: {levels:?}");
        }
    }
}

#[test]
fn a_servo_tells_each_error_and_can_still_be_switched_off() {
    for fails_at in 0..4 {
        let (failed, bench) = with_fault(Some(fails_at), None, |bench| {
            let config = PulseConfig {
                frequency_hz: 500.0,
                ..Default::default()
            };
            let mut servo: PulseOutput<f32, _> = config.build(channel(bench, 0)).unwrap();
            let mut failures = 0;
            for command in [0.0, 1.0, -1.0] {
                failures += usize::from(servo.apply(command).is_err());
            }
            failures += usize::from(servo.off().is_err());
            assert_eq!(failures, 1);
            servo.off().unwrap();
            failures == 1
        });
        assert!(failed);
        assert_eq!(bench.borrow().levels[0], 0);
    }
}
