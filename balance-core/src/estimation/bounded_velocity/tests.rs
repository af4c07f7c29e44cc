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
#[test]
fn covariance_stays_a_covariance_in_f32() {
    let mut filter = filter::<f32>(|_| ());
    let mut state = 1_u32;
    for k in 0..600_000_u32 {
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
