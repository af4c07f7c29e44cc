use super::*;

/// A body that turns about changing axes: rate, specific force and field.
fn turning<P: Float>(k: u32, attitude: &mut Quaternion<f64>) -> ([P; 3], [P; 3], [P; 3]) {
    let time = f64::from(k) * 0.005;
    let rate = [
        0.8 * libm::sin(time),
        0.6 * libm::cos(0.7 * time),
        0.5 * libm::sin(0.3 * time),
    ];
    *attitude = *attitude * Quaternion::from_rotation_vector(rate.map(|w| w * 0.005));
    let accel = attitude.to_body([0.0, 0.0, 9.806_65]);
    let field = attitude.to_body([0.0, 0.5, -0.8]);
    let p = |v: [f64; 3]| v.map(P::lit);
    (p(rate), p(accel), p(field))
}
fn angle<P: Float>(found: Quaternion<P>, truth: Quaternion<f64>) -> f64 {
    Quaternion::from_array(found.to_array().map(Float::to_f64)).angle_to(truth)
}
fn build<P: Float>() -> AttitudeKalman<P> {
    AttitudeKalmanConfig::default()
        .build(P::lit(0.005))
        .unwrap()
}

fn attitude_and_bias_are_found<P: Float>(bound: f64) {
    let mut filter = build::<P>();
    let mut truth = Quaternion::from_rotation_vector([0.3, -0.2, 1.0]);
    let bias = [0.01, -0.008, 0.005].map(P::lit);
    let mut last = 0.0;
    for k in 0..60_000 {
        let (rate, accel, field) = turning::<P>(k, &mut truth);
        let gyro = core::array::from_fn(|i| rate[i] + bias[i]);
        let out = filter.step(gyro, Some(accel), Some(field));
        last = angle(out.attitude, truth);
    }
    assert!(last < bound, "{}: {last}", P::NAME);
    for (found, bias) in filter.state().gyro_bias.iter().zip(bias) {
        let error = (*found - bias).magnitude().to_f64();
        assert!(error < 2e-3, "{}: {error}", P::NAME);
    }
    let (spread, _) = filter.uncertainty();
    assert!(spread.iter().all(|s| *s > P::zero() && *s < P::lit(0.1)));
}
fn bad_inputs_leave_no_trace<P: Float>(bad: P) {
    let (mut clean, mut hurt) = (build::<P>(), build::<P>());
    let mut truth = Quaternion::identity();
    for k in 0..500 {
        let (rate, accel, field) = turning::<P>(k, &mut truth);
        let mut broken = rate;
        broken[1] = bad;
        let held = hurt.step(broken, Some(accel), Some(field));
        assert_eq!(held.status, OrientationStatus::Held);
        let [x, _, z] = accel;
        let a = hurt.step(rate, Some([x, bad, z]), Some([bad; 3]));
        let b = clean.step(rate, None, None);
        assert_eq!(a, b);
        let (a, b) = (
            hurt.step(rate, Some(accel), Some(field)),
            clean.step(rate, Some(accel), Some(field)),
        );
        assert_eq!(a, b);
    }
}
#[test]
fn holds_for_floats() {
    attitude_and_bias_are_found::<f32>(0.01);
    attitude_and_bias_are_found::<f64>(0.01);
    bad_inputs_leave_no_trace::<f32>(f32::NAN);
    bad_inputs_leave_no_trace::<f32>(1e30);
    bad_inputs_leave_no_trace::<f64>(f64::INFINITY);
}
/// Hours without a magnetometer: the heading is lost, and nothing else is.
#[test]
fn an_unknown_heading_drowns_nothing() {
    let mut filter = build::<f32>();
    let mut truth = Quaternion::identity();
    let mut worst = 0.0_f32;
    for k in 0..200_000 {
        let (rate, accel, _) = turning::<f32>(k, &mut truth);
        let out = filter.step(rate, Some(accel), None);
        let up = out.attitude.up();
        for (up, accel) in up.into_iter().zip(accel) {
            worst = worst.max((up - accel / 9.806_65).abs());
        }
        assert!(filter.state().uncertainty.is_sound());
    }
    assert!(worst < 2e-3, "{worst}");
    let (spread, _) = filter.uncertainty();
    assert!(spread.iter().all(|s| s.is_finite()), "{spread:?}");
}
/// From upside down it finds back.
#[test]
fn a_wrong_attitude_is_left() {
    let mut filter = build::<f32>();
    filter.step([0.0; 3], Some([0.0, 3.0, 9.3]), None);
    for _ in 0..60_000 {
        filter.step([0.0; 3], Some([0.0, 0.5, -9.8]), None);
    }
    let up = filter.state().attitude.up();
    assert!(up[2] < -0.99, "{up:?}");
}

/// Every variance stays a variance over jerks, rests and lost readings, and the uncertainty stays known.
fn covariance_stays_a_covariance_in_f32(steps: u32) {
    let mut filter = build::<f32>();
    let mut chance = 1_u32;
    for k in 0..steps {
        chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (chance >> 8) as f32 / 16_777_216.0 - 0.5;
        let turn = if k % 5000 < 2000 { 0.001 } else { 3.0 };
        let accel = (k % 7 != 0).then_some([noise * turn, 0.3, 9.8]);
        let field = (k % 50_000 < 25_000 && k % 3 == 0).then_some([0.1 * noise, 0.5, -0.8]);
        filter.step([turn * noise, 0.01, 0.002], accel, field);
        assert!(filter.state().uncertainty.is_sound(), "{k}");
    }
    let ([x, y, _], bias) = filter.uncertainty();
    assert!(x > 0.0 && x < 0.1 && y > 0.0 && y < 0.1, "{x} {y}");
    assert!(bias.iter().all(|b| *b > 0.0 && *b < 0.1), "{bias:?}");
}
#[test]
fn a_hundred_thousand_steps_in_f32() {
    covariance_stays_a_covariance_in_f32(100_000);
}
#[test]
#[ignore = "seconds in release, minutes otherwise"]
fn ten_million_steps_in_f32() {
    covariance_stays_a_covariance_in_f32(10_000_000);
}
