//! Properties of the robot's tilt, for every number type.

use super::*;
use crate::math::{Q8, Q12};

const DT: f64 = 0.001;

fn build<T: Real>() -> RobotTilt<T> {
    let p = T::Param::lit;
    let config = RobotTiltConfig {
        sensor_height: p(0.12),
        metres_per_count: p(6.5e-5),
        ..Default::default()
    };
    config.build(p(DT)).unwrap()
}

/// A robot whose pitch and axle follow sines: what its sensors would say at a time.
struct Dance {
    swing: f64,
    drive: f64,
    bias: f64,
}
impl Dance {
    fn at(&self, time: f64) -> (f64, [f64; 3], f64) {
        let (a, b) = (3.0, 7.0);
        let pitch = 0.05 + self.swing * libm::sin(a * time);
        let rate = self.swing * a * libm::cos(a * time);
        let spin = -self.swing * a * a * libm::sin(a * time);
        let axle = self.drive * libm::sin(b * time);
        let push = -self.drive * b * b * libm::sin(b * time);
        let (sin, cos) = (libm::sin(pitch), libm::cos(pitch));
        // The sensor sits 0.08 m above an axle 0.04 m high.
        let forward = push + 0.08 * (spin * cos - rate * rate * sin);
        let up = 9.806_65 - 0.08 * (spin * sin + rate * rate * cos);
        let felt = [forward * cos - up * sin, forward * sin + up * cos];
        (
            pitch,
            [felt[0], felt[1], rate + self.bias],
            axle - 0.04 * pitch,
        )
    }
    /// Worst error of the angle after `from` seconds.
    fn worst<T: Real>(&self, seconds: f64, from: f64) -> f64 {
        let mut tilt = build::<T>();
        let mut worst = 0.0_f64;
        let mut counted = libm::floor(self.at(0.0).2 / 6.5e-5);
        for k in 0..(seconds / DT) as u32 {
            let time = f64::from(k) * DT;
            let (pitch, [x, z, rate], way) = self.at(time);
            let count = libm::floor(way / 6.5e-5);
            let out = tilt.step(&RobotTiltInput {
                rate: T::lit(rate),
                accel: Some([T::lit(x), T::lit(z)]),
                counts: (count - counted) as i32,
            });
            counted = count;
            if time > from {
                worst = worst.max((out.angle.to_param().to_f64() - pitch).abs());
            }
        }
        worst
    }
}

/// Accelerations of a third of gravity, of which an accelerometer makes 18°.
fn own_acceleration_is_no_disturbance<T: Real>() {
    let dance = Dance {
        swing: 0.1,
        drive: 0.07,
        bias: 0.0,
    };
    let worst = dance.worst::<T>(20.0, 5.0);
    assert!(worst < 2.5e-3, "{}: {worst}", T::NAME);
}
fn a_bias_is_found_while_moving<T: Real>() {
    let dance = Dance {
        swing: 0.1,
        drive: 0.05,
        bias: 0.03,
    };
    let worst = dance.worst::<T>(40.0, 25.0);
    assert!(worst < 2.5e-3, "{}: {worst}", T::NAME);
}
/// A wheel speed of 1 m/s in the air for half a second moves the angle by less than 2°.
fn slipping_is_bounded<T: Real>() {
    let mut tilt = build::<T>();
    let still = RobotTiltInput {
        rate: T::zero(),
        accel: Some([T::zero(), T::lit(9.806_65)]),
        counts: 0,
    };
    for _ in 0..2000 {
        tilt.step(&still);
    }
    let mut worst = 0.0_f64;
    for _ in 0..500 {
        let out = tilt.step(&RobotTiltInput {
            counts: 15,
            ..still
        });
        worst = worst.max(out.angle.to_param().to_f64().abs());
    }
    assert!(worst < 0.035, "{}: {worst}", T::NAME);
    for _ in 0..20_000 {
        tilt.step(&still);
    }
    let out = tilt.step(&still);
    assert!(out.angle.to_param().to_f64().abs() < 1e-3, "{out:?}");
}
/// Lying on its face it knows so, and being raised it follows.
fn any_angle_is_right<T: Real>() {
    let mut tilt = build::<T>();
    for k in 0..12_000 {
        let angle = if k < 4000 {
            1.4
        } else {
            1.4 - 1.4 * f64::from((k - 4000).min(1000)) * 1e-3
        };
        let rate = if (4000..5000).contains(&k) { -1.4 } else { 0.0 };
        let gravity = 9.806_65;
        // The wheels stand; rolling by the angle moves the sensor on its circle.
        let out = tilt.step(&RobotTiltInput {
            rate: T::lit(rate),
            accel: Some([
                T::lit(-gravity * libm::sin(angle)),
                T::lit(gravity * libm::cos(angle)),
            ]),
            counts: 0,
        });
        let error = (out.angle.to_param().to_f64() - angle).abs();
        let bound = if !(4000..=8000).contains(&k) {
            0.01
        } else {
            0.3
        };
        assert!(error < bound, "{} {k}: {out:?} {angle}", T::NAME);
    }
}
fn bad_inputs_leave_no_trace<T: Real>(bad: &[T]) {
    let (mut clean, mut hurt) = (build::<T>(), build::<T>());
    for k in 0..500 {
        let good = RobotTiltInput {
            rate: T::lit(0.1),
            accel: Some([T::lit(f64::from(k) * -0.001), T::lit(9.8)]),
            counts: k % 3,
        };
        for &bad in bad {
            let rate = RobotTiltInput { rate: bad, ..good };
            assert_eq!(hurt.step(&rate).status, TiltStatus::Held);
        }
        let held = hurt.step_dt(&good, T::Param::lit(-1.0));
        assert_eq!(held.status, TiltStatus::Held);
        assert_eq!(hurt.step(&good), clean.step(&good));
    }
    let rate = T::lit(0.1);
    for &bad in bad {
        let before = hurt.clone();
        let broken = Some([bad, T::lit(9.8)]);
        let a = hurt.step(&RobotTiltInput {
            rate,
            accel: broken,
            counts: 1,
        });
        let b = before.clone().step(&RobotTiltInput {
            rate,
            accel: None,
            counts: 1,
        });
        assert_eq!(a, b);
        assert_eq!(a.status, TiltStatus::GyroOnly);
    }
}
#[test]
fn holds_for_every_scalar() {
    own_acceleration_is_no_disturbance::<f32>();
    own_acceleration_is_no_disturbance::<f64>();
    own_acceleration_is_no_disturbance::<Q12>();
    a_bias_is_found_while_moving::<f32>();
    a_bias_is_found_while_moving::<f64>();
    a_bias_is_found_while_moving::<Q12>();
    a_bias_is_found_while_moving::<Q8>();
    slipping_is_bounded::<f32>();
    slipping_is_bounded::<Q12>();
    any_angle_is_right::<f32>();
    any_angle_is_right::<f64>();
    any_angle_is_right::<Q12>();
    bad_inputs_leave_no_trace::<f32>(&[f32::NAN, f32::INFINITY, 1e30]);
    bad_inputs_leave_no_trace::<f64>(&[f64::NAN]);
    bad_inputs_leave_no_trace::<Q12>(&[]);
}
#[test]
fn fixed_follows_the_float() {
    let dance = Dance {
        swing: 0.1,
        drive: 0.07,
        bias: 0.02,
    };
    let (wide, narrow) = (dance.worst::<f64>(20.0, 0.1), dance.worst::<Q12>(20.0, 0.1));
    // Gains of 16 bits, and an acceleration in steps of 2 mm/s².
    assert!((wide - narrow).abs() < 4e-5, "{wide} {narrow}");
}
#[test]
fn impossible_settings_are_named() {
    let config = RobotTiltConfig::<f32> {
        time_constant: 0.1,
        ..Default::default()
    };
    let built = config.build::<f32>(0.01).map(drop);
    assert_eq!(built, Err(ConfigError::OutOfRange("time_constant")));
    let config = RobotTiltConfig::<f32> {
        bias_time_constant: 0.1,
        ..Default::default()
    };
    let built = config.build::<Q12>(0.001).map(drop);
    assert_eq!(built, Err(ConfigError::OutOfRange("bias_time_constant")));
}
