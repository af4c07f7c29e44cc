//! The chip moves its own masses, and the factory has noted how far they went.
//!
//! | | MPU-6050 | from the MPU-6500 on |
//! |---|---|---|
//! | ranges | ± 8 g, ± 250 °/s | ± 2 g, ± 250 °/s |
//! | factory, gyroscope | 25 · 131 · 1.046^(n − 1) counts, y negative | 2620 · 1.01^(n − 1) counts |
//! | factory, accelerometer | 4096 · 0.34 · (0.92/0.34)^((n − 1)/30) counts | 2620 · 1.01^(n − 1) counts |
//! | passes, gyroscope | within 14 % of the factory's | more than half of the factory's |
//! | passes, accelerometer | within 14 % of the factory's | half to one and a half of the factory's |
//!
//! (RM-MPU-6000A-00 rev. 4.2, registers 13 to 16; AN-MPU-9250A-03.) A factory code of zero means that it
//! noted nothing: an MPU-6050 cannot pass then; later ones by absolute limits, 60 °/s and 225 to 675 mg.

use super::{Device, registers};
use crate::sensor::imu::{Measured, Op, SelfTest, factory_response, means};

const SAMPLES: u16 = 32;
const SETTLE_MILLIS: u32 = 250;

pub(super) fn script(device: Device) -> impl Iterator<Item = Op> {
    let old = device == Device::Mpu6050;
    let accel_range = if old { 0x10 } else { 0x00 };
    let trim = match device {
        Device::Mpu6050 => [0x0d, 0x0e, 0x0f, 0x10, 0x10, 0x10],
        _ => [0x00, 0x01, 0x02, 0x0d, 0x0e, 0x0f],
    };
    let fetch = trim.into_iter().enumerate();
    let fetch = fetch.map(|(place, register)| Op::Fetch(register, place));
    let own_filter = (!old).then_some(Op::Command(registers::ACCEL_CONFIG_2, 0x02));
    let set_up = [
        Op::Command(registers::CONFIG, 0x02),
        Op::Command(registers::SMPLRT_DIV, 0x00),
    ];
    let measure = [
        Op::Command(registers::GYRO_CONFIG, 0x00),
        Op::Command(registers::ACCEL_CONFIG, accel_range),
        Op::Wait(SETTLE_MILLIS),
        Op::Average(SAMPLES, 0),
        Op::Command(registers::GYRO_CONFIG, 0xe0),
        Op::Command(registers::ACCEL_CONFIG, 0xe0 | accel_range),
        Op::Wait(SETTLE_MILLIS),
        Op::Average(SAMPLES, 1),
    ];
    let set_up = set_up.into_iter().chain(own_filter);
    set_up.chain(measure).chain(fetch)
}

pub(super) fn judge(device: Device, measured: &Measured) -> SelfTest {
    let accel = means(measured, 0, 1, 0).map(|counts| counts as f32);
    let gyro = means(measured, 0, 1, 3).map(|counts| counts as f32);
    let [a, b, c, d, e, f, ..] = measured.bytes;
    if device == Device::Mpu6050 {
        let accel_codes = [
            (a >> 5) << 2 | (d >> 4) & 3,
            (b >> 5) << 2 | (d >> 2) & 3,
            (c >> 5) << 2 | d & 3,
        ];
        let gyro_codes = [a & 31, b & 31, c & 31];
        let signs = [1.0, -1.0, 1.0];
        let power = |base: f32, code: u8| (1..code).fold(1.0, |product, _| product * base);
        let near = |got: f32, factory: f32| (got - factory).abs() <= 0.14 * factory.abs();
        // (0.92 / 0.34)^(1/30).
        let accel_passes = |k: usize, code: u8| {
            code != 0 && near(at(accel, k), 1392.64 * power(1.033_737_6, code))
        };
        let gyro_passes = |k: usize, code: u8| {
            code != 0 && near(at(gyro, k), at(signs, k) * 3275.0 * power(1.046, code))
        };
        SelfTest {
            accel: each(accel_codes, accel_passes),
            gyro: each(gyro_codes, gyro_passes),
        }
    } else {
        SelfTest {
            accel: each([d, e, f], |k, code| later_accel_passes(at(accel, k), code)),
            gyro: each([a, b, c], |k, code| later_gyro_passes(at(gyro, k), code)),
        }
    }
}

/// An accelerometer at ± 2 g.
fn later_accel_passes(counts: f32, code: u8) -> bool {
    let size = counts.abs();
    match factory_response(code) {
        Some(factory) => size > 0.5 * factory && size < 1.5 * factory,
        None => (0.225 * 16_384.0..=0.675 * 16_384.0).contains(&size),
    }
}

/// A gyroscope at ± 250 °/s.
fn later_gyro_passes(counts: f32, code: u8) -> bool {
    let least = factory_response(code).map_or(60.0 * 131.0, |factory| 0.5 * factory);
    counts.abs() > least
}

fn at(values: [f32; 3], k: usize) -> f32 {
    values.get(k).copied().unwrap_or(0.0)
}

fn each(codes: [u8; 3], passes: impl Fn(usize, u8) -> bool) -> [bool; 3] {
    let [x, y, z] = codes;
    [passes(0, x), passes(1, y), passes(2, z)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(bytes: [u8; 8], accel: [i32; 3], gyro: [i32; 3]) -> Measured {
        let mut measured = Measured {
            bytes,
            ..Default::default()
        };
        // Lying on its back, with a bias.
        let rest = [30, -50, 16_384, 12, -7, 3];
        let moved = [accel, gyro].concat_six();
        measured.means[0] = rest;
        measured.means[1] = core::array::from_fn(|k| rest[k] + moved[k]);
        measured
    }
    trait Concat {
        fn concat_six(self) -> [i32; 6];
    }
    impl Concat for [[i32; 3]; 2] {
        fn concat_six(self) -> [i32; 6] {
            core::array::from_fn(|k| self[k / 3][k % 3])
        }
    }

    #[test]
    fn an_mpu6050_is_compared_with_its_trim() {
        // Codes 31, 1, 16 of the accelerometer; 1, 31, 16 of the gyroscope.
        let bytes = [0b111 << 5 | 1, 31, 0b100 << 5 | 16, 0b11_01_00, 0, 0, 0, 0];
        // By hand: 1392.64 · (0.92/0.34)^((n−1)/30) and 3275 · 1.046^(n−1), y negative.
        let (accel, gyro) = ([3768, 1393, 2291], [3275, -12_622, 6430]);
        let good = judge(Device::Mpu6050, &measured(bytes, accel, gyro));
        assert!(good.passed(), "{good:?}");
        for axis in 0..3 {
            let (mut weak, mut stuck) = (accel, gyro);
            weak[axis] = weak[axis] * 85 / 100;
            stuck[axis] = 0;
            let bad = judge(Device::Mpu6050, &measured(bytes, weak, stuck));
            let wanted = core::array::from_fn(|k| k != axis);
            assert_eq!((bad.accel, bad.gyro), (wanted, wanted));
        }
        let untrimmed = judge(Device::Mpu6050, &measured([0; 8], accel, gyro));
        assert_eq!(untrimmed.gyro, [false; 3]);
    }

    #[test]
    fn later_ones_are_compared_with_theirs() {
        // 2620 · 1.01^(n−1).
        let bytes = [1, 71, 0, 101, 101, 0, 0, 0];
        let (accel, gyro) = ([7086, -7086, 6000], [2620, -5258, 8000]);
        assert!(judge(Device::Mpu9250, &measured(bytes, accel, gyro)).passed());
        let (accel, gyro) = ([3500, 10_700, 12_000], [1300, 2500, 7000]);
        let bad = judge(Device::Mpu9250, &measured(bytes, accel, gyro));
        assert_eq!((bad.accel, bad.gyro), ([false; 3], [false; 3]));
    }
}
