//! Attitude filters.

use ahrs::Ahrs;
use cases::{Case, ConfigError, DT, Sample};
use nalgebra_0_34::{UnitQuaternion, Vector3};

/// `ahrs`: Madgwick.
pub struct AhrsMadgwick;
/// `ahrs`: Mahony.
pub struct AhrsMahony;
/// `fusion-ahrs`.
pub struct FusionAhrs;
/// `vqf-rs` with motion bias estimation.
pub struct VqfRs;

macro_rules! ahrs {
    ($case:ident, $filter:ident, $build:expr, $($scalar:ident)+) => {$(
        impl Case<$scalar> for $case {
            type Algorithm = ahrs::$filter<$scalar>;
            type Input = (Vector3<$scalar>, Vector3<$scalar>);
            type Output = UnitQuaternion<$scalar>;

            fn build() -> Result<Self::Algorithm, ConfigError> {
                Ok($build)
            }
            fn input(sample: &Sample) -> Self::Input {
                (sample.rate().into(), sample.accel().into())
            }
            fn step(filter: &mut Self::Algorithm, (rate, accel): &Self::Input) -> Self::Output {
                match filter.update_imu(rate, accel) {
                    Ok(attitude) => *attitude,
                    Err(_) => UnitQuaternion::identity(),
                }
            }
        }
    )+};
}
ahrs!(AhrsMadgwick, Madgwick, ahrs::Madgwick::new(DT as _, 0.033), f32 f64);
ahrs!(AhrsMahony, Mahony, ahrs::Mahony::new(DT as _, 0.2, 0.001), f32 f64);

impl Case<f32> for FusionAhrs {
    type Algorithm = fusion_ahrs::Ahrs;
    type Input = ([f32; 3], [f32; 3]);
    type Output = [f32; 4];

    fn build() -> Result<Self::Algorithm, ConfigError> {
        let mut filter = fusion_ahrs::Ahrs::new();
        filter.set_sample_period(DT as f32);
        Ok(filter)
    }
    fn input(sample: &Sample) -> Self::Input {
        // In degrees and g, as it takes them.
        let rate = sample.rate::<f32>().map(f32::to_degrees);
        (rate, sample.accel::<f32>().map(|a| a / 9.806_65))
    }
    fn step(filter: &mut Self::Algorithm, (rate, accel): &Self::Input) -> Self::Output {
        let [rx, ry, rz] = *rate;
        let [ax, ay, az] = *accel;
        filter.update_no_magnetometer(
            fusion_ahrs::Vector::new(rx, ry, rz),
            fusion_ahrs::Vector::new(ax, ay, az),
        );
        let attitude = filter.quaternion();
        [attitude.w, attitude.x, attitude.y, attitude.z]
    }
}

impl Case<f32> for VqfRs {
    type Algorithm = vqf_rs::VQF;
    type Input = ([f32; 3], [f32; 3]);
    type Output = vqf_rs::Quaternion;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        Ok(vqf_rs::VQF::new(DT as f32, None, None, None))
    }
    fn input(sample: &Sample) -> Self::Input {
        (sample.rate(), sample.accel())
    }
    fn step(filter: &mut Self::Algorithm, (rate, accel): &Self::Input) -> Self::Output {
        filter.update(*rate, *accel, None);
        filter.quat_6d()
    }
}
