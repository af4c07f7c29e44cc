//! The drivers against a scripted bus.
#![allow(clippy::unwrap_used, clippy::panic)] // Helpers of tests, too.

use balance_core::sensor::ImuCounts;
use balance_core::sensor::mpu6050::{
    AccelRange, Address, Device, Error, GyroRange, LowPass, Mpu6050Config, asynchronous, blocking,
};
use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
use embedded_hal_mock::eh1::delay::NoopDelay;
use embedded_hal_mock::eh1::i2c::{Mock, Transaction};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

const NACK: ErrorKind = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);
const SILENT_ATTEMPTS: usize = 10;

fn config() -> Mpu6050Config {
    Mpu6050Config {
        accel_range: AccelRange::G8,
        gyro_range: GyroRange::DegPerSec2000,
        low_pass: LowPass::Hz42,
        sample_rate_divider: 4,
        data_ready_interrupt: true,
        fifo: false,
        magnetometer: false,
        address: Address::Ad0High,
    }
}

/// Register and value, written out by hand from the register map.
const REGISTERS: [(u8, u8); 7] = [
    (0x6b, 0x01),
    (0x6c, 0x00),
    (0x19, 0x04),
    (0x1a, 0x03),
    (0x1b, 0x18),
    (0x1c, 0x10),
    (0x38, 0x01),
];

fn who_am_i(id: u8) -> Transaction {
    Transaction::write_read(0x69, vec![0x75], vec![id])
}
fn write(register: u8, value: u8) -> Transaction {
    Transaction::write(0x69, vec![register, value])
}
fn read_back(registers: &[(u8, u8)]) -> Vec<Transaction> {
    let read = |&(r, v): &(u8, u8)| Transaction::write_read(0x69, vec![r], vec![v]);
    registers.iter().map(read).collect()
}
/// A start that goes well.
fn start(id: u8, registers: &[(u8, u8)]) -> Vec<Transaction> {
    let mut script = vec![who_am_i(id), write(0x6b, 0x80), write(0x68, 0x07)];
    script.extend(registers.iter().map(|&(r, v)| write(r, v)));
    script.extend(read_back(registers));
    script
}
fn sample() -> (Transaction, ImuCounts) {
    let bytes = vec![0, 1, 0xff, 0xfe, 0x10, 0, 0, 7, 0, 3, 0xff, 0xfc, 0x80, 0];
    let counts = ImuCounts {
        accel: [1, -2, 0x1000],
        gyro: [3, -4, -32_768],
        temperature: 7,
    };
    (Transaction::write_read(0x69, vec![0x3b], bytes), counts)
}

/// What the blocking driver makes of a script; the asynchronous one must make the same of it.
fn start_both(script: &[Transaction]) -> Result<Device, Error<ErrorKind>> {
    let mut sensor = blocking::Mpu6050::new(Mock::new(script), config());
    let blocking = sensor.start(&mut NoopDelay::new());
    assert_eq!(sensor.device(), blocking.ok());
    sensor.release().done();

    let mut sensor = asynchronous::Mpu6050::new(Mock::new(script), config());
    let waited = block_on(sensor.start(&mut NoopDelay::new()));
    assert_eq!(sensor.device(), waited.ok());
    sensor.release().done();
    assert_eq!(blocking, waited);
    blocking
}

/// The mock's futures never wait.
fn block_on<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a mock waited"),
    }
}

#[test]
fn each_chip_starts_with_its_registers() {
    assert_eq!(start_both(&start(0x68, &REGISTERS)), Ok(Device::Mpu6050));
    // From the 6500 on the accelerometer's filter has a register of its own.
    let mut registers = REGISTERS.to_vec();
    registers.push((0x1d, 0x03));
    for (id, device) in [
        (0x70, Device::Mpu6500),
        (0x71, Device::Mpu9250),
        (0x73, Device::Mpu9255),
    ] {
        assert_eq!(start_both(&start(id, &registers)), Ok(device));
    }
}

/// With the way to the magnetometer open.
#[test]
fn the_auxiliary_bus_is_joined_if_asked_for() {
    let config = Mpu6050Config {
        magnetometer: true,
        ..config()
    };
    let mut registers = REGISTERS.to_vec();
    registers.extend([(0x1d, 0x03), (0x37, 0x02)]);
    let mut sensor = blocking::Mpu6050::new(Mock::new(&start(0x71, &registers)), config);
    assert_eq!(sensor.start(&mut NoopDelay::new()), Ok(Device::Mpu9250));
    sensor.release().done();
}

#[test]
fn another_device_is_named() {
    for id in [0x12, 0x98] {
        assert_eq!(start_both(&[who_am_i(id)]), Err(Error::UnknownDevice(id)));
    }
    // Levels of a line on which nobody answers yet.
    for id in [0x00, 0xff] {
        let silent = vec![who_am_i(id); SILENT_ATTEMPTS];
        assert_eq!(start_both(&silent), Err(Error::UnknownDevice(id)));
    }
}

#[test]
fn a_late_chip_is_waited_for_and_a_silent_one_is_not_for_ever() {
    let mut late = vec![who_am_i(0x68).with_error(NACK); SILENT_ATTEMPTS - 1];
    late.extend(start(0x68, &REGISTERS));
    assert_eq!(start_both(&late), Ok(Device::Mpu6050));
    let silent = vec![who_am_i(0x68).with_error(NACK); SILENT_ATTEMPTS];
    assert_eq!(start_both(&silent), Err(Error::Bus(NACK)));
}

#[test]
fn an_error_anywhere_later_ends_the_start() {
    let good = start(0x68, &REGISTERS);
    for failing in 1..good.len() {
        let mut script = good[..=failing].to_vec();
        let last = script.pop().unwrap().with_error(ErrorKind::Bus);
        script.push(last);
        assert_eq!(
            start_both(&script),
            Err(Error::Bus(ErrorKind::Bus)),
            "{failing}"
        );
    }
}

#[test]
fn a_register_that_did_not_take_is_named() {
    for (k, &(register, expected)) in REGISTERS.iter().enumerate() {
        let mut script = start(0x68, &REGISTERS);
        script.truncate(3 + REGISTERS.len() + k);
        let found = expected ^ 0x40;
        script.extend(read_back(&[(register, found)]));
        let mismatch = Error::ConfigurationMismatch {
            register,
            expected,
            found,
        };
        assert_eq!(start_both(&script), Err(mismatch));
    }
}

#[test]
fn samples_come_after_the_start_and_survive_errors() {
    let (burst, counts) = sample();
    let mut script = start(0x68, &REGISTERS);
    script.push(burst.clone());
    script.push(burst.clone().with_error(ErrorKind::ArbitrationLoss));
    script.push(burst);
    script.extend(read_back(&REGISTERS));
    // Asleep after a brown-out.
    script.extend(read_back(&[(0x6b, 0x40)]));
    let lost = Error::Bus(ErrorKind::ArbitrationLoss);
    let asleep = Error::ConfigurationMismatch {
        register: 0x6b,
        expected: 0x01,
        found: 0x40,
    };

    let mut sensor = blocking::Mpu6050::new(Mock::new(&script), config());
    assert_eq!(sensor.read(), Err(Error::NotStarted));
    assert_eq!(sensor.verify(), Err(Error::NotStarted));
    sensor.start(&mut NoopDelay::new()).unwrap();
    assert_eq!(sensor.read(), Ok(counts));
    assert_eq!(sensor.read(), Err(lost));
    assert_eq!(sensor.read(), Ok(counts));
    assert_eq!(sensor.verify(), Ok(()));
    assert_eq!(sensor.verify(), Err(asleep));
    sensor.release().done();

    let mut sensor = asynchronous::Mpu6050::new(Mock::new(&script), config());
    assert_eq!(block_on(sensor.read()), Err(Error::NotStarted));
    block_on(sensor.start(&mut NoopDelay::new())).unwrap();
    assert_eq!(block_on(sensor.read()), Ok(counts));
    assert_eq!(block_on(sensor.read()), Err(lost));
    assert_eq!(block_on(sensor.read()), Ok(counts));
    assert_eq!(block_on(sensor.verify()), Ok(()));
    assert_eq!(block_on(sensor.verify()), Err(asleep));
    sensor.release().done();
}
