use super::*;
use crate::math::Q12;

fn real<T: Scalar>(x: T) -> f64 {
    x.to_param().to_f64()
}
fn filter<T: Real>(change: impl Fn(&mut VqfConfig<T::Param>)) -> Vqf<T> {
    let mut config = VqfConfig::default();
    config.rest.time = T::Param::lit(1.505);
    change(&mut config);
    config.build(T::Param::lit(0.01)).unwrap()
}
const LEVEL: [f64; 3] = [0.0, 0.0, 9.81];
const BIAS: [f64; 3] = [0.01, -0.006, 0.004];

/// A still sensor is found to be still, and its bias is what the gyroscope says.
fn rest_teaches_the_bias<T: Real>() {
    let mut filter = filter::<T>(|_| ());
    let mut out = filter.state.estimate(OrientationStatus::Held);
    for k in 0..3000 {
        out = filter.step(BIAS.map(T::lit), Some(LEVEL.map(T::lit)), None);
        assert_eq!(filter.is_at_rest(), k >= 150, "{} {k}", T::NAME);
    }
    for (found, expected) in out.gyro_bias.iter().zip(BIAS) {
        assert!((real(*found) - expected).abs() < 2e-5, "{}", T::NAME);
    }
    assert!(filter.gyro_bias_sigma().to_f64() < 1e-3, "{}", T::NAME);
    assert!(real(out.attitude.pitch()).abs() < 1e-3, "{}", T::NAME);
}
/// A turning sensor is not still, and learns the horizontal bias all the same.
fn motion_teaches_the_bias<T: Real>() {
    let mut filter = filter::<T>(|_| ());
    for k in 0..30_000 {
        let t = f64::from(k) * 0.01;
        // Rolling forth and back by a radian, with the bias on top.
        let (angle, rate) = (libm::sin(t), libm::cos(t));
        let gyro = [rate + BIAS[0], BIAS[1], BIAS[2]];
        let accel = [0.0, 9.81 * libm::sin(angle), 9.81 * libm::cos(angle)];
        filter.step(gyro.map(T::lit), Some(accel.map(T::lit)), None);
        assert!(!filter.is_at_rest());
    }
    let [x, y, z] = filter.gyro_bias().map(real);
    assert!((x - BIAS[0]).abs() < 2e-4, "{}: {x}", T::NAME);
    // About the other two it only sees what of them is horizontal, and forgets the vertical.
    let across = (y - BIAS[1]).abs() + (z - BIAS[2]).abs();
    assert!(across < 4e-3, "{}: {y} {z}", T::NAME);
}
/// A field with another norm moves the heading at once only where nobody looks at the norm.
fn disturbances_are_left_out<T: Real>() {
    let mut headings = [0.0; 2];
    for (heading, believes) in headings.iter_mut().zip([false, true]) {
        let mut filter = filter::<T>(|config| {
            if believes {
                config.disturbance = None;
            }
        });
        for k in 0..6000 {
            // Turning slowly at first, so that the field is met.
            let t = f64::from(k.min(3000)) * 0.01;
            let rate = if k < 3000 { 0.5 } else { 0.0 };
            let (sine, cosine) = (libm::sin(0.5 * t), libm::cos(0.5 * t));
            let (east, north) = if k < 4000 { (0.0, 20.0) } else { (30.0, 20.0) };
            let mag = [
                cosine * east + sine * north,
                cosine * north - sine * east,
                -40.0,
            ];
            let out = filter.step(
                [0.0, 0.0, rate].map(T::lit),
                Some(LEVEL.map(T::lit)),
                Some(mag.map(T::lit)),
            );
            if k == 3999 {
                *heading = real(out.attitude.yaw());
                assert_eq!(filter.is_field_disturbed(), believes, "{}", T::NAME);
            }
        }
        assert!(filter.is_field_disturbed());
        let yaw = real(
            filter
                .state
                .estimate(OrientationStatus::Held)
                .attitude
                .yaw(),
        );
        *heading = (yaw - *heading).abs();
    }
    let [kept, believed] = headings;
    assert!(kept < 0.02, "{}: {kept}", T::NAME);
    assert!(believed > 0.5, "{}: {believed}", T::NAME);
}
/// Measured periods that alternate give what their mean gives.
fn measured_periods<T: Real>() {
    let (mut even, mut uneven) = (filter::<T>(|_| ()), filter::<T>(|_| ()));
    for k in 0..3000 {
        let t = f64::from(k) * 0.01;
        let gyro = [0.2 * libm::cos(t), 0.01, 0.0].map(T::lit);
        let angle = 0.2 * libm::sin(t);
        let accel = [0.0, 9.81 * libm::sin(angle), 9.81 * libm::cos(angle)];
        let accel = Some(accel.map(T::lit));
        even.step(gyro, accel, None);
        let dt = if k % 2 == 0 { 0.009 } else { 0.011 };
        uneven.step_dt(gyro, accel, None, T::Param::lit(dt));
    }
    let (a, b) = (
        even.state.level.quaternion(),
        uneven.state.level.quaternion(),
    );
    assert!(
        real(a.angle_to(b)) < 1.5e-3,
        "{}: {}",
        T::NAME,
        real(a.angle_to(b))
    );
}

#[test]
fn holds_for_every_scalar() {
    macro_rules! run {
        ($($t:ident)*) => {$(
            rest_teaches_the_bias::<$t>();
            motion_teaches_the_bias::<$t>();
            disturbances_are_left_out::<$t>();
            measured_periods::<$t>();
        )*};
    }
    run!(f32 f64 Q12);
}

/// Symmetric by construction; no variance below zero and no correlation beyond one over many steps.
#[test]
fn covariance_stays_a_covariance() {
    let mut filter = filter::<f32>(|_| ());
    let mut state = 1_u32;
    for k in 0..400_000_u32 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (state >> 8) as f32 / 16_777_216.0 - 0.5;
        let quiet = k % 5000 < 2000;
        let turn = if quiet { 0.001 } else { 3.0 };
        filter.step(
            [turn * noise, 0.01, 0.002],
            Some([noise * turn, 0.3, 9.8]),
            None,
        );
        let [xx, xy, xz, yy, yz, zz] = filter.state.bias.covariance;
        assert!(xx > 0.0 && yy > 0.0 && zz > 0.0);
        assert!(xy * xy <= xx * yy && xz * xz <= xx * zz && yz * yz <= yy * zz);
    }
}

#[test]
fn bad_configurations_are_named() {
    let mut config = VqfConfig::<f32>::default();
    config.rest.time_constant = 0.001;
    assert_eq!(
        config.build::<f32>(0.01).err(),
        Some(ConfigError::OutOfRange("rest.time_constant"))
    );
}
