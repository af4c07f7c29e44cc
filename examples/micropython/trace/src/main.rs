//! Prints, as a dictionary for `tests/test_same_as_rust.py`, two sums over every bit that each algorithm
//! answers to the inputs which that test makes too.

use balance_core::control::pid::PidConfig;
use balance_core::control::state_feedback::StateFeedbackConfig;
use balance_core::estimation::basic_vqf::BasicVqfConfig;
use balance_core::estimation::complementary::ComplementaryConfig;
use balance_core::estimation::madgwick::MadgwickConfig;
use balance_core::estimation::mahony::MahonyConfig;
use balance_core::estimation::tilt_kalman::TiltKalmanConfig;
use balance_core::estimation::vqf::VqfConfig;
use balance_core::estimation::{Orientation, TiltEstimate};
use balance_core::motor::Drive;
use balance_core::robot::{Command, Inputs, Outputs, RobotConfig};
use balance_core::sensor::{Sample, mpu6050};
use balance_core::signal::biquad::{BiquadConfig, BiquadKind};
use balance_core::signal::lowpass::LowPassConfig;
use balance_core::time::Instant;

/// A period that is exact in every float.
const DT: f32 = 1.0 / 1024.0;
const STEPS: u32 = 300;

/// The same numbers here and in MicroPython, exact in 24 bits.
struct Chance(u32);

impl Chance {
    fn draw(&mut self) -> i32 {
        self.0 = (self.0 * 75 + 74) % 65_537;
        self.0 as i32 - 32_768
    }
    /// Within ±`size`, a power of two.
    fn number(&mut self, size: f32) -> f32 {
        self.draw() as f32 * (size / 32_768.0)
    }
}

struct Sums(u32, u32);

impl Sums {
    fn add(&mut self, numbers: &[f32]) {
        for byte in numbers.iter().flat_map(|number| number.to_le_bytes()) {
            let byte = u32::from(byte);
            *self = Self(
                (self.0 * 31 + byte) & 0x3f_ffff,
                (self.1 * 37 + byte) & 0x3f_ffff,
            );
        }
    }
}

/// Steps an algorithm of `N` inputs, of sizes and offsets; now and then the first is missing.
fn run<const N: usize, const M: usize>(
    name: &str,
    inputs: [(f32, f32); N],
    mut step: impl FnMut([f32; N]) -> [f32; M],
) {
    let (mut chance, mut sums) = (Chance(1), Sums(0, 0));
    for tick in 0..STEPS {
        let mut x = inputs.map(|(size, offset)| offset + chance.number(size));
        if tick % 50 == 49 {
            x[0] = f32::NAN;
        }
        sums.add(&step(x));
    }
    println!("    {name:?}: ({}, {}),", sums.0, sums.1);
}

fn tilt(tilt: TiltEstimate<f32>) -> [f32; 3] {
    [tilt.angle, tilt.rate, tilt.bias]
}

fn attitude(orientation: Orientation<f32>) -> [f32; 4] {
    let q = orientation.attitude;
    [q.w, q.x, q.y, q.z]
}

const ATTITUDE: [(f32, f32); 6] = [
    (0.5, 0.0),
    (0.5, 0.0),
    (0.5, 0.0),
    (2.0, 0.0),
    (2.0, 0.0),
    (2.0, 8.0),
];

fn split(x: [f32; 6]) -> ([f32; 3], [f32; 3]) {
    let [a, b, c, d, e, f] = x;
    ([a, b, c], [d, e, f])
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("expected = {{");
    let mut pid = PidConfig {
        kp: 8.0_f32,
        ki: 2.0,
        kd: 0.5,
        output_min: -12.0,
        output_max: 12.0,
        derivative_cutoff_hz: Some(32.0),
        ..Default::default()
    }
    .build::<f32>(DT)?;
    run("PID", [(1.0, 0.0), (1.0, 0.0)], |[r, y]| {
        [pid.step(r, y).total]
    });
    let mut low_pass = LowPassConfig {
        cutoff_hz: 16.0_f32,
    }
    .build::<f32>(DT)?;
    run("LowPass", [(1.0, 0.0)], |[x]| [low_pass.step(x)]);
    let mut biquad = BiquadConfig {
        kind: BiquadKind::Notch,
        frequency_hz: 85.0_f32,
        q: 2.0,
        ..Default::default()
    }
    .build::<f32>(DT)?;
    run("Biquad", [(1.0, 0.0)], |[x]| [biquad.step(x)]);
    let mut lqr = StateFeedbackConfig {
        gain: [1.0_f32, 2.0, 3.0, 4.0],
        output_min: -4.0,
        output_max: 4.0,
        ..Default::default()
    }
    .build::<f32>(DT)?;
    run("LQR", [(1.0, 0.0); 4], |x| [lqr.step(&x).total]);
    let mut complementary = ComplementaryConfig {
        time_constant: 0.5_f32,
    }
    .build::<f32>(DT)?;
    run(
        "Complementary",
        [(1.0, 0.0), (0.25, 0.0)],
        |[rate, angle]| tilt(complementary.step(rate, Some(angle))),
    );
    let mut kalman = TiltKalmanConfig::<f32>::default().build::<f32>(DT)?;
    run("TiltKalman", [(1.0, 0.0), (0.25, 0.0)], |[rate, angle]| {
        tilt(kalman.step(rate, Some(angle)))
    });
    let mut mahony = MahonyConfig::<f32>::default().build::<f32>(DT)?;
    run("Mahony", ATTITUDE, |x| {
        let (gyro, accel) = split(x);
        attitude(mahony.step(gyro, Some(accel), None))
    });
    let mut madgwick = MadgwickConfig {
        gain: 0.125_f32,
        ..Default::default()
    }
    .build::<f32>(DT)?;
    run("Madgwick", ATTITUDE, |x| {
        let (gyro, accel) = split(x);
        attitude(madgwick.step(gyro, Some(accel), None))
    });
    let mut basic_vqf = BasicVqfConfig {
        accel_time_constant: 3.0_f32,
        mag_time_constant: 9.0,
        ..Default::default()
    }
    .build::<f32>(DT)?;
    run("BasicVQF", ATTITUDE, |x| {
        let (gyro, accel) = split(x);
        attitude(basic_vqf.step(gyro, Some(accel), None))
    });
    let mut vqf = VqfConfig::<f32>::default().build::<f32>(DT)?;
    run("VQF", ATTITUDE, |x| {
        let (gyro, accel) = split(x);
        attitude(vqf.step(gyro, Some(accel), None))
    });
    robot()?;
    println!("}}");
    Ok(())
}

/// Lies still, is armed, stands, drives, loses its sensor.
fn robot() -> Result<(), Box<dyn std::error::Error>> {
    let mut robot = RobotConfig::<f32>::pico_kit().build::<f32>()?;
    let (mut chance, mut sums) = (Chance(1), Sums(0, 0));
    let mut states = 0;
    let mut count = 0;
    for tick in 0..4000 {
        let mut bytes = [0; 14];
        for (at, offset) in [(0, 0), (2, 0), (4, 8192), (8, 0), (10, 0), (12, 0)] {
            let word = (offset + (chance.draw() >> 12)) as i16;
            bytes[at..at + 2].copy_from_slice(&word.to_be_bytes());
        }
        count += (chance.draw() >> 14) + 1;
        let now = Instant::from_micros(1000 * tick);
        let counts = mpu6050::decode(&bytes);
        let inputs = Inputs {
            imu: if tick < 3800 {
                Sample::good(now, counts)
            } else {
                Sample::failed(now, counts)
            },
            encoders: Sample::good(now, [count, count]),
            battery_millivolts: Some(11_100),
            command: Command {
                arm: tick >= 100,
                speed: 0.125,
                turn: 0.0,
            },
        };
        let out: Outputs<f32> = robot.tick(now, &inputs);
        let duty = |drive| match drive {
            Drive::Duty(duty) => duty,
            _ => 0.0,
        };
        let record = out.record;
        states |= 1 << out.state as u32;
        if tick % 4 == 0 {
            sums.add(&[
                duty(out.left),
                duty(out.right),
                record.pitch,
                record.pitch_rate,
                record.speed,
                record.position,
            ]);
        }
    }
    println!("    \"Robot\": ({}, {}),", sums.0, sums.1);
    println!("    \"states\": ({states}, 0),");
    Ok(())
}
