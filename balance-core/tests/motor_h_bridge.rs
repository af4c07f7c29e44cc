//! Bridges against scripted pins, and the dead time against any sequence of commands.
#![allow(clippy::unwrap_used, clippy::panic)] // Helpers of tests, too.

use balance_core::math::{Q12, Scalar};
use balance_core::motor::Drive;
use balance_core::motor::h_bridge::{
    Applied, BridgeError, Bts7960, Decay, HBridge, HBridgeConfig, PwmOnePin, PwmTwoPins, Terminals,
    TwoPwm, Wiring,
};
use balance_core::time::Instant;
use embedded_hal_mock::eh1::MockError;
use embedded_hal_mock::eh1::digital::{Mock as Pin, State, Transaction as Set};
use embedded_hal_mock::eh1::pwm::{Mock as Pwm, Transaction as Duty};
use proptest::prelude::*;
use std::cell::RefCell;
use std::convert::Infallible;
use std::io::ErrorKind;
use std::rc::Rc;

const BROKEN: MockError = MockError::Io(ErrorKind::NotConnected);

fn at(micros: u64) -> Instant {
    Instant::from_micros(micros)
}

/// A channel with 1000 counts that expects these duties.
fn pwm(duties: &[u16]) -> Pwm {
    channel(
        1000,
        duties.iter().map(|&d| Duty::set_duty_cycle(d)).collect(),
    )
}
fn channel(max: u16, duties: Vec<Duty>) -> Pwm {
    let mut script = vec![Duty::max_duty_cycle(max)];
    script.extend(duties);
    Pwm::new(&script)
}
/// A pin that expects these levels.
fn pin(levels: &[u8]) -> Pin {
    let script: Vec<_> = levels.iter().map(|&l| Set::set(state(l))).collect();
    Pin::new(&script)
}
fn state(level: u8) -> State {
    if level == 0 { State::Low } else { State::High }
}

fn bridge<T: Scalar, W: Wiring>(wiring: W) -> HBridge<T, W>
where
    T::Param: From<f32>,
{
    HBridgeConfig::<T::Param>::default().build(wiring).unwrap()
}

/// Forward a quarter, reverse half, zero, brake, coast, off.
fn tour<T: Scalar, W: Wiring>(bridge: &mut HBridge<T, W>)
where
    W::Error: std::fmt::Debug + PartialEq,
{
    bridge.enable().unwrap();
    let mut apply = |drive| bridge.apply(at(0), drive).unwrap();
    assert_eq!(apply(Drive::Duty(T::lit(0.25))), Applied::Duty(250));
    assert_eq!(apply(Drive::Duty(T::lit(-0.5))), Applied::Duty(-500));
    assert_eq!(apply(Drive::Duty(T::lit(0.0))), Applied::Duty(0));
    assert_eq!(apply(Drive::Brake), Applied::Brake);
    assert_eq!(apply(Drive::Coast), Applied::Coast);
    bridge.off().unwrap();
}

fn two_pwm<T: Scalar<Param = f32>>() {
    //                 on  +250 -500  0  brake coast off
    let in1 = pwm(&[0, 250, 0, 0, 1000, 0, 0]);
    let in2 = pwm(&[0, 0, 500, 0, 1000, 0, 0]);
    let mut motor = bridge::<T, _>(TwoPwm::new(in1, in2, Decay::Fast));
    tour(&mut motor);
    let (mut in1, mut in2) = motor.release().release();
    in1.done();
    in2.done();

    let in1 = pwm(&[0, 1000, 500, 1000, 1000, 0, 0]);
    let in2 = pwm(&[0, 750, 1000, 1000, 1000, 0, 0]);
    let mut motor = bridge::<T, _>(TwoPwm::new(in1, in2, Decay::Slow));
    tour(&mut motor);
    let (mut in1, mut in2) = motor.release().release();
    in1.done();
    in2.done();
}

#[test]
fn two_pwm_inputs() {
    two_pwm::<f32>();
    two_pwm::<Q12>();
}

#[test]
fn two_half_bridges_with_enable() {
    //                     on  +250 -500  0 brake coast off
    let forward = pwm(&[0, 250, 0, 0, 0, 0, 0]);
    let reverse = pwm(&[0, 0, 500, 0, 0, 0, 0]);
    let enable = pin(&[0, 1, 1, 1, 1, 0, 0]);
    let mut motor = bridge::<f32, _>(Bts7960::new(forward, reverse, enable));
    tour(&mut motor);
    let (mut forward, mut reverse, mut enable) = motor.release().release();
    forward.done();
    reverse.done();
    enable.done();
}

#[test]
fn pwm_and_two_pins() {
    //                  on   +250   -500   0   brake    coast off
    let channel = pwm(&[0, 250, 500, 0, 0, 1000, 0, 0]);
    // Zero keeps the direction that was last.
    let in1 = pin(&[0, 1, 0, 0, 1, 0, 0]);
    let in2 = pin(&[0, 0, 1, 1, 1, 0, 0]);
    let mut motor = bridge::<f32, _>(PwmTwoPins::new(channel, in1, in2));
    tour(&mut motor);
    let (mut channel, mut in1, mut in2) = motor.release().release();
    channel.done();
    in1.done();
    in2.done();
}

#[test]
fn a_direction_that_stands_is_not_written_again() {
    let channel = pwm(&[0, 250, 300, 100, 0, 100]);
    let in1 = pin(&[0, 1, 0, 0, 1]);
    let in2 = pin(&[0, 0, 1, 0, 0]);
    let mut motor = bridge::<f32, _>(PwmTwoPins::new(channel, in1, in2));
    motor.enable().unwrap();
    for duty in [0.25, 0.3, -0.1] {
        motor.apply(at(0), Drive::Duty(duty)).unwrap();
    }
    // What was switched off is written in full.
    motor.apply(at(0), Drive::Coast).unwrap();
    motor.apply(at(0), Drive::Duty(0.1)).unwrap();
    let (mut channel, mut in1, mut in2) = motor.release().release();
    channel.done();
    in1.done();
    in2.done();
}

#[test]
fn pwm_and_one_pin() {
    let channel = pwm(&[0, 250, 500, 0, 0, 0, 0]);
    let direction = pin(&[0, 1, 0, 0, 0]);
    let mut motor = bridge::<f64, _>(PwmOnePin::new(channel, direction));
    tour(&mut motor);
    let (mut channel, mut direction) = motor.release().release();
    channel.done();
    direction.done();
}

#[test]
fn nothing_moves_before_enable_and_after_off() {
    let channel = pwm(&[0, 0, 100, 0, 0, 0]);
    let direction = pin(&[0, 0, 1, 0, 0, 0]);
    let mut motor = bridge::<f32, _>(PwmOnePin::new(channel, direction));
    let drive = Drive::Duty(0.1);
    assert_eq!(motor.apply(at(0), drive), Ok(Applied::Off));
    motor.enable().unwrap();
    assert_eq!(motor.apply(at(1), drive), Ok(Applied::Duty(100)));
    motor.off().unwrap();
    assert_eq!(motor.apply(at(2), drive), Ok(Applied::Off));
    motor.enable().unwrap();
    assert!(motor.is_enabled());
    let (mut channel, mut direction) = motor.release().release();
    channel.done();
    direction.done();
}

#[test]
fn off_tries_every_pin_and_reports_the_first_error() {
    let channel = channel(1000, vec![Duty::set_duty_cycle(0).with_error(BROKEN); 4]);
    let in1 = Pin::new(&[
        Set::set(State::Low).with_error(BROKEN),
        Set::set(State::Low),
    ]);
    let in2 = pin(&[0, 0]);
    let mut motor = bridge::<f32, _>(PwmTwoPins::new(channel, in1, in2));
    assert_eq!(motor.off(), Err(BridgeError::Pwm(BROKEN)));
    // And it stays off, trying again.
    assert_eq!(
        motor.apply(at(0), Drive::Brake),
        Err(BridgeError::Pwm(BROKEN))
    );
    let (mut channel, mut in1, mut in2) = motor.release().release();
    channel.done();
    in1.done();
    in2.done();
}

#[test]
fn an_error_on_the_way_switches_everything_off_first() {
    // Forward: IN2 low, duty, and IN1 fails to rise; then off: duty, IN1, IN2.
    let channel = pwm(&[0, 250, 0, 300]);
    let in1 = Pin::new(&[
        Set::set(State::Low),
        Set::set(State::High).with_error(BROKEN),
        Set::set(State::Low),
        Set::set(State::High),
    ]);
    let in2 = pin(&[0, 0, 0, 0]);
    let mut motor = bridge::<f32, _>(PwmTwoPins::new(channel, in1, in2));
    motor.enable().unwrap();
    let failed = motor.apply(at(0), Drive::Duty(0.25));
    assert_eq!(failed, Err(BridgeError::Pin(BROKEN)));
    // Not latched: the next command is followed.
    assert_eq!(motor.apply(at(1), Drive::Duty(0.3)), Ok(Applied::Duty(300)));
    let (mut channel, mut in1, mut in2) = motor.release().release();
    channel.done();
    in1.done();
    in2.done();

    // The error of the way is reported, not that of switching off; the second channel is tried.
    let broken = |duty| Duty::set_duty_cycle(duty).with_error(BROKEN);
    let in1 = channel_with(vec![
        Duty::set_duty_cycle(0),
        broken(250),
        broken(0),
        broken(0),
    ]);
    let in2 = pwm(&[0, 0, 0]);
    let mut motor = bridge::<f32, _>(TwoPwm::new(in1, in2, Decay::Fast));
    motor.enable().unwrap();
    let failed = motor.apply(at(0), Drive::Duty(0.25));
    assert_eq!(failed, Err(BridgeError::Pwm(BROKEN)));
    let (mut in1, mut in2) = motor.release().release();
    in1.done();
    in2.done();
}
fn channel_with(duties: Vec<Duty>) -> Pwm {
    channel(1000, duties)
}

#[test]
fn enable_that_fails_leaves_the_bridge_off() {
    let channel = channel(1000, vec![Duty::set_duty_cycle(0).with_error(BROKEN)]);
    // The direction stays as it is, while there may be a duty.
    let mut motor = bridge::<f32, _>(PwmOnePin::new(channel, pin(&[])));
    assert_eq!(motor.enable(), Err(BridgeError::Pwm(BROKEN)));
    assert!(!motor.is_enabled());
    let (mut channel, mut direction) = motor.release().release();
    channel.done();
    direction.done();
}

/// Remembers what was last asked of the terminals.
#[derive(Clone)]
struct Recorder {
    max: u16,
    now: Rc<RefCell<Terminals>>,
}
impl Recorder {
    fn new(max: u16) -> Self {
        let now = Rc::new(RefCell::new(Terminals::Coast));
        Self { max, now }
    }
    fn terminals(&self) -> Terminals {
        *self.now.borrow()
    }
}
impl Wiring for Recorder {
    type Error = Infallible;
    fn max_counts(&self) -> u16 {
        self.max
    }
    fn set(&mut self, terminals: Terminals) -> Result<(), Infallible> {
        *self.now.borrow_mut() = terminals;
        Ok(())
    }
    fn off(&mut self) -> Result<(), Infallible> {
        self.set(Terminals::Coast)
    }
}

fn counts<T: Scalar<Param = f32>>() {
    for (max, inverted, max_duty) in [
        (65_535_u16, false, 1.0_f32),
        (32_768, false, 1.0),
        (1000, false, 0.8),
        (1000, true, 1.0),
        (0, false, 1.0),
    ] {
        let pins = Recorder::new(max);
        let config = HBridgeConfig {
            inverted,
            max_duty,
            ..Default::default()
        };
        let mut motor: HBridge<T, _> = config.build(pins.clone()).unwrap();
        motor.enable().unwrap();
        for duty in [1.0_f64, 0.5, 0.25, -0.3, -1.0, 40.0, -40.0] {
            let wanted =
                (f64::from(max) * duty.clamp(-f64::from(max_duty), max_duty.into())).round();
            let applied = motor.apply(at(0), Drive::Duty(T::lit(duty))).unwrap();
            let Applied::Duty(counts) = applied else {
                panic!("{applied:?}")
            };
            assert!(
                (f64::from(counts) - wanted).abs() <= 1.0,
                "{max} {duty}: {counts}"
            );
            assert!(counts.unsigned_abs() <= u32::from(max));
            let expected = match (counts, inverted) {
                (0, _) => continue,
                (1.., false) | (..0, true) => Terminals::Forward(counts.unsigned_abs() as u16),
                _ => Terminals::Reverse(counts.unsigned_abs() as u16),
            };
            assert_eq!(pins.terminals(), expected);
        }
    }
}

#[test]
fn duties_become_counts_in_every_type() {
    counts::<f32>();
    // 65535 counts are more than a fixed-point gain holds.
    counts::<Q12>();
}

#[test]
fn what_is_not_a_number_coasts() {
    let pins = Recorder::new(1000);
    let mut motor: HBridge<f32, _> = HBridgeConfig::default().build(pins.clone()).unwrap();
    motor.enable().unwrap();
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30] {
        motor.apply(at(0), Drive::Duty(0.5)).unwrap();
        assert_eq!(motor.apply(at(0), Drive::Duty(bad)), Ok(Applied::Coast));
        assert_eq!(pins.terminals(), Terminals::Coast);
    }
    let wrong = HBridgeConfig {
        max_duty: f32::NAN,
        ..Default::default()
    };
    assert!(wrong.build::<f32, _>(pins).is_err());
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Apply(Drive<f32>),
    Off,
    Enable,
}
fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (-1.0_f32..1.0).prop_map(|d| Event::Apply(Drive::Duty(d))),
        1 => Just(Event::Apply(Drive::Duty(0.0))),
        1 => Just(Event::Apply(Drive::Duty(f32::NAN))),
        1 => Just(Event::Apply(Drive::Coast)),
        1 => Just(Event::Apply(Drive::Brake)),
        1 => Just(Event::Off),
        2 => Just(Event::Enable),
    ]
}

proptest! {
    /// Between driving one way and the other lies the dead time, whatever comes in between.
    #[test]
    fn dead_time_lies_between_the_directions(
        dead_time_micros in 0_u32..5000,
        inverted: bool,
        events in prop::collection::vec((event(), 0_u64..3000), 1..80),
    ) {
        let pins = Recorder::new(1000);
        let config = HBridgeConfig { dead_time_micros, inverted, max_duty: 1.0 };
        let mut motor: HBridge<f32, _> = config.build(pins.clone()).unwrap();
        motor.enable().unwrap();
        let way = |terminals| match terminals {
            Terminals::Forward(1..) => Some(1),
            Terminals::Reverse(1..) => Some(-1),
            _ => None,
        };
        let mut now = 0;
        // When the pins last drove each way, seen from outside.
        let mut last_driven = [None, None];
        for (event, wait) in events {
            now += wait;
            if let Some(sign) = way(pins.terminals()) {
                last_driven[usize::from(sign > 0)] = Some(now);
            }
            match event {
                Event::Apply(drive) => {
                    let applied = motor.apply(at(now), drive).unwrap();
                    if applied == Applied::DeadTime {
                        prop_assert_eq!(pins.terminals(), Terminals::Coast);
                    }
                }
                Event::Off => motor.off().unwrap(),
                Event::Enable => motor.enable().unwrap(),
            }
            if let Some(sign) = way(pins.terminals())
                && let Some(end) = last_driven[usize::from(sign < 0)]
            {
                prop_assert!(now - end >= u64::from(dead_time_micros));
            }
        }
        // And it does not wait for ever.
        motor.enable().unwrap();
        for drive in [0.5, -0.5] {
            motor.apply(at(now), Drive::Duty(drive)).unwrap();
            now += u64::from(dead_time_micros);
            prop_assert!(matches!(motor.apply(at(now), Drive::Duty(drive)), Ok(Applied::Duty(_))));
        }
    }
}
