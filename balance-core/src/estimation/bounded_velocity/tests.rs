use super::*;

fn filter<P: Float>(change: impl Fn(&mut BoundedVelocityConfig<P>)) -> BoundedVelocity<P> {
    let mut config = BoundedVelocityConfig::default();
    change(&mut config);
    config.build(P::lit(0.005)).unwrap()
}
const LEVEL: [f64; 3] = [0.0, 0.0, STANDARD_GRAVITY];

/// Feeds a body that rolls forth and back with a gyroscope of the given bias and scale.
fn rocks<P: Float>(filter: &mut BoundedVelocity<P>, samples: u32, bias: f64, scale: f64) -> f64 {
    let mut worst = 0.0_f64;
    for k in 0..samples {
        let t = f64::from(k) * 0.005;
        // The mean rate since the sample before.
        let angle = 1.5 * libm::sin(2.0 * t);
        let rate = (angle - 1.5 * libm::sin(2.0 * (t - 0.005))) / 0.005;
        let gyro = [rate / (1.0 + scale) + bias, 0.0, 0.0];
        let accel = [0.0, libm::sin(angle), libm::cos(angle)].map(|c| c * STANDARD_GRAVITY);
        let out = filter.step(gyro.map(P::lit), Some(accel.map(P::lit)), None);
        if k > samples / 2 {
            worst = worst.max((out.attitude.roll().to_f64() - angle).abs());
        }
    }
    worst
}

/// A gyroscope that reads half a per cent too little is found out, and its error leaves the attitude.
fn scale_is_learnt<P: Float>() {
    let mut learns = filter::<P>(|c| c.scale_spread = P::lit(0.005));
    let mut does_not = filter::<P>(|c| c.scale_spread = P::zero());
    let left = rocks(&mut learns, 40_000, 0.0, 0.005);
    let without = rocks(&mut does_not, 40_000, 0.0, 0.005);
    let found = learns.gyro_scale()[0].to_f64();
    assert!((found - 0.005).abs() < 5e-4, "{found}");
    assert!(left < 0.4 * without, "{left} {without}");
    assert_eq!(does_not.gyro_scale(), [P::zero(); 3]);
}
/// A bias is learnt in motion, and at rest from the gyroscope.
fn bias_is_learnt<P: Float>() {
    let mut moving = filter::<P>(|_| ());
    rocks(&mut moving, 40_000, 0.01, 0.0);
    assert!(!moving.is_at_rest());
    let bias = moving.state().gyro_bias[0].to_f64();
    assert!((bias - 0.01).abs() < 3e-4, "{bias}");
    let mut still = filter::<P>(|_| ());
    let bias = [0.01, -0.006, 0.004];
    let mut out = still.state.estimate(OrientationStatus::Held);
    for _ in 0..6000 {
        out = still.step(bias.map(P::lit), Some(LEVEL.map(P::lit)), None);
    }
    assert!(still.is_at_rest());
    for (found, expected) in out.gyro_bias.iter().zip(bias) {
        assert!((found.to_f64() - expected).abs() < 2e-5, "{found:?}");
    }
    assert!(still.tilt_sigma().is_some_and(|sigma| sigma < P::lit(0.02)));
}
/// A push of 3 m/s² for half a second and the stop after it leave the horizon where it was.
fn pushes_cancel<P: Float>() {
    let mut filter = filter::<P>(|_| ());
    let mut pitch = 0.0;
    for k in 0..4000 {
        let push = match k {
            2000..2100 => 3.0,
            2100..2200 => -3.0,
            _ => 0.0,
        };
        let accel = [push, 0.0, STANDARD_GRAVITY].map(P::lit);
        pitch = filter
            .step([P::zero(); 3], Some(accel), None)
            .attitude
            .pitch()
            .to_f64();
        assert!(pitch.abs() < 0.04, "{k}: {pitch}");
    }
    assert!(pitch.abs() < 2e-3, "{pitch}");
}
/// Whatever the start was: a wrong tilt comes back, and gravity upside down is started anew.
fn wrong_starts_come_back<P: Float>() {
    for up in [
        [3.0, 4.0, 8.0],
        [9.0, 0.0, 1.0],
        [1.0, 0.0, -9.0],
        [0.0, 0.0, -9.8],
    ] {
        let mut filter = filter::<P>(|_| ());
        filter.step([P::zero(); 3], Some(up.map(P::lit)), None);
        let mut out = filter.state.estimate(OrientationStatus::Held);
        for _ in 0..20_000 {
            out = filter.step([P::zero(); 3], Some(LEVEL.map(P::lit)), None);
        }
        let off = out
            .attitude
            .angle_to(Quaternion::from_up(LEVEL.map(P::lit)).unwrap());
        let tilt = (P::one() - out.attitude.up()[2]).to_f64();
        assert!(tilt < 1e-5, "{up:?}: {tilt} {off:?}");
    }
}

#[test]
fn holds_for_both_floats() {
    macro_rules! run {
        ($($t:ident)*) => {$(
            scale_is_learnt::<$t>();
            bias_is_learnt::<$t>();
            pushes_cancel::<$t>();
            wrong_starts_come_back::<$t>();
        )*};
    }
    run!(f32 f64);
}

/// No variance below zero over hours of jerks and rests, and the tilt stays known.
fn covariance_stays_a_covariance_in_f32(steps: u32) {
    let mut filter = filter::<f32>(|_| ());
    let mut state = 1_u32;
    for k in 0..steps {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (state >> 8) as f32 / 16_777_216.0 - 0.5;
        let turn = if k % 5000 < 2000 { 0.001 } else { 3.0 };
        filter.step(
            [turn * noise, 0.01, 0.002],
            Some([noise * turn, 0.3, 9.8]),
            None,
        );
        let covariance = filter
            .state
            .covariance
            .unwrap_or_else(|| TiltCovariance::new(&filter.noise));
        assert!(covariance.is_sound(), "{k}");
        assert!(covariance.is_correlated_within_one(), "{k}");
    }
    assert!(filter.tilt_sigma().is_some_and(|sigma| sigma < 0.05));
}
#[test]
fn hours_in_f32() {
    covariance_stays_a_covariance_in_f32(600_000);
}
#[test]
#[ignore = "seconds in release, minutes otherwise"]
fn ten_million_steps_in_f32() {
    covariance_stays_a_covariance_in_f32(10_000_000);
}

/// Twice the period with what happened in it is the same attitude, and periods that are none hold everything.
#[test]
fn measured_periods_count() {
    let (mut nominal, mut halved) = (filter::<f64>(|_| ()), filter::<f64>(|_| ()));
    let at = |t: f64| 0.6 * libm::sin(1.5 * t);
    let sample = |t: f64, dt: f64| {
        let accel = [-libm::sin(at(t)), 0.0, libm::cos(at(t))].map(|c| c * STANDARD_GRAVITY);
        ([0.0, (at(t) - at(t - dt)) / dt, 0.0], Some(accel))
    };
    for k in 0..8000_u32 {
        let t = f64::from(k) * 0.005;
        let (gyro, accel) = sample(t, 0.005);
        let whole = nominal.step(gyro, accel, None);
        let (gyro, accel) = sample(t - 0.0025, 0.0025);
        halved.step_dt(gyro, accel, None, 0.0025);
        let (gyro, accel) = sample(t, 0.0025);
        let halves = halved.step_dt(gyro, accel, None, 0.0025);
        let before = halved.state();
        for none in [0.0, -0.005, f64::NAN, f64::INFINITY, 1.0] {
            let held = halved.step_dt(gyro, accel, None, none);
            assert_eq!(held.status, OrientationStatus::Held);
        }
        assert_eq!(halved.state(), before);
        assert!(halves.attitude.angle_to(whole.attitude) < 3e-3, "{k}");
        assert!((whole.attitude.pitch() - at(t)).abs() < 3e-3, "{k}");
    }
}

/// Ten seconds without an accelerometer are ten of the gyroscope's; the push before them is forgotten, and the first
/// reading after them finds nothing to correct.
#[test]
fn a_gap_is_the_gyroscopes() {
    let mut filter = filter::<f64>(|_| ());
    for k in 0..2000 {
        let push = if k > 1900 { 5.0 } else { 0.0 };
        filter.step([0.0; 3], Some([push, 0.0, STANDARD_GRAVITY]), None);
    }
    let before = filter.state();
    for _ in 0..2000 {
        let out = filter.step(before.gyro_bias, None, None);
        assert_eq!(out.status, OrientationStatus::GyroOnly);
    }
    assert!(filter.state().attitude.angle_to(before.attitude) < 1e-9);
    assert!(filter.state().velocity[0].abs() > 0.5);
    for _ in 0..20 {
        filter.step(before.gyro_bias, Some(LEVEL), None);
    }
    assert!(filter.state().velocity[0].abs() < 0.1);
}

#[test]
fn bad_configurations_are_named() {
    let config = BoundedVelocityConfig::<f32> {
        scale_spread: 0.2,
        ..Default::default()
    };
    assert_eq!(
        config.build(0.01).err(),
        Some(ConfigError::OutOfRange("scale_spread"))
    );
}
