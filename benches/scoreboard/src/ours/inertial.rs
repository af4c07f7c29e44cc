//! Estimators of tilt and attitude.

use super::{RESOLUTION, in_all_types, in_floats, number, param, scalar};
use crate::board::Board;
use balance_conformance::{Attitude, ImuSample, ImuTuning, Subject, Supported, Tilt, UpVector};
use balance_core::estimation::accel_tilt;
use balance_core::estimation::attitude_kalman::{AttitudeKalman, AttitudeKalmanConfig};
use balance_core::estimation::basic_vqf::{BasicVqf, BasicVqfConfig};
use balance_core::estimation::bounded_velocity::{BoundedVelocity, BoundedVelocityConfig};
use balance_core::estimation::complementary::{Complementary, ComplementaryConfig};
use balance_core::estimation::inclination::{Inclination, InclinationConfig};
use balance_core::estimation::madgwick::{Madgwick, MadgwickConfig};
use balance_core::estimation::mahony::{Mahony, MahonyConfig};
use balance_core::estimation::steady_tilt_kalman::SteadyTiltKalman;
use balance_core::estimation::steady_velocity::{SteadyVelocity, SteadyVelocityConfig};
use balance_core::estimation::tilt_kalman::{TiltKalman, TiltKalmanConfig};
use balance_core::estimation::vqf::{Vqf, VqfConfig};
use balance_core::math::{Float, Real, Scalar};

pub fn add(board: &mut Board) {
    in_all_types!(board, "complementary", ComplementarySubject, within 1e-4, 1e-3);
    in_all_types!(board, "tilt_kalman", TiltKalmanSubject, within 1e-3, 2e-3);
    in_all_types!(board, "steady_tilt_kalman", SteadySubject, within 1e-3, 2e-3);
    in_all_types!(board, "basic_vqf", BasicVqfSubject, within 1e-3, 5e-3);
    in_all_types!(board, "vqf", VqfSubject, within 1e-3, 5e-3);
    in_floats!(board, "attitude_kalman", AttitudeKalmanSubject, within 5e-3);
    in_floats!(board, "bounded_velocity", BoundedVelocitySubject, within 5e-3);
    in_all_types!(board, "steady_velocity", SteadyVelocitySubject, within 1e-3, 5e-3);
    in_all_types!(board, "mahony", MahonySubject, within 1e-4, 2e-3);
    // A step of constant length: near the truth its direction is that of the rounding.
    in_all_types!(board, "madgwick", MadgwickSubject, within 5e-3, 5e-3);
    in_all_types!(board, "inclination", InclinationSubject, within 1e-4, 1e-3);
}

/// The rate, and the accelerometer's angle where it has one.
fn one_axis<T: Real>(imu: &ImuSample) -> (T, Option<T>) {
    (
        scalar(imu.pitch_rate()),
        accel_tilt::pitch(imu.accel.map(scalar)),
    )
}

/// The shape that the filters of one angle share.
macro_rules! tilt {
    ($subject:ident, $filter:ident, $config:expr, $build:ident) => {
        struct $subject<T: Scalar>($filter<T>);
        impl<T: Real> Subject for $subject<T> {
            type Kind = Tilt;
            const RESOLUTION: f64 = RESOLUTION;
            fn new(t: &ImuTuning) -> Self {
                Self($config.$build(param::<T>(t.dt)).expect("a good tuning"))
            }
            fn step(&mut self, imu: &ImuSample) -> f64 {
                let (rate, angle) = one_axis(imu);
                number(self.0.step_dt(rate, angle, param::<T>(imu.dt)).angle)
            }
            fn reset(&mut self) -> Supported {
                self.0.reset();
                Supported::Yes
            }
        }
    };
}

tilt!(
    ComplementarySubject,
    Complementary,
    ComplementaryConfig::default(),
    build
);
tilt!(
    TiltKalmanSubject,
    TiltKalman,
    TiltKalmanConfig {
        gate_sigma: Some(param::<T>(4.0)),
        ..Default::default()
    },
    build
);
tilt!(
    SteadySubject,
    SteadyTiltKalman,
    TiltKalmanConfig::default(),
    build_steady
);

struct InclinationSubject<T: Scalar>(Inclination<T>);
impl<T: Real> Subject for InclinationSubject<T> {
    type Kind = UpVector;
    const RESOLUTION: f64 = RESOLUTION;
    fn new(t: &ImuTuning) -> Self {
        let filter = InclinationConfig::default().build(param::<T>(t.dt));
        Self(filter.expect("a good tuning"))
    }
    fn step(&mut self, imu: &ImuSample) -> [f64; 3] {
        let (rate, accel) = (imu.gyro.map(scalar), imu.accel.map(scalar));
        self.0
            .step_dt(rate, Some(accel), param::<T>(imu.dt))
            .up
            .map(number)
    }
    fn reset(&mut self) -> Supported {
        self.0.reset();
        Supported::Yes
    }
}

/// The shape that the attitude filters share.
macro_rules! attitude {
    ($subject:ident, $filter:ident, $config:expr) => {
        attitude!($subject, Real, $filter, $config);
    };
    ($subject:ident, $bound:ident, $filter:ident, $config:expr) => {
        struct $subject<T: $bound>($filter<T>);
        impl<T: $bound> Subject for $subject<T> {
            type Kind = Attitude;
            const RESOLUTION: f64 = RESOLUTION;
            fn new(t: &ImuTuning) -> Self {
                Self($config.build(param::<T>(t.dt)).expect("a good tuning"))
            }
            fn step(&mut self, imu: &ImuSample) -> [f64; 4] {
                let (rate, accel) = (imu.gyro.map(scalar), imu.accel.map(scalar));
                let dt = param::<T>(imu.dt);
                let q = self.0.step_dt(rate, Some(accel), None, dt).attitude;
                [q.w, q.x, q.y, q.z].map(number)
            }
            fn reset(&mut self) -> Supported {
                self.0.reset();
                Supported::Yes
            }
        }
    };
}

attitude!(BasicVqfSubject, BasicVqf, BasicVqfConfig::default());
attitude!(VqfSubject, Vqf, VqfConfig::default());
attitude!(MahonySubject, Mahony, MahonyConfig::default());
attitude!(
    MadgwickSubject,
    Madgwick,
    MadgwickConfig {
        gain: param::<T>(crate::peers::MADGWICK_GAIN),
        ..Default::default()
    }
);
attitude!(
    SteadyVelocitySubject,
    SteadyVelocity,
    SteadyVelocityConfig::default()
);
attitude!(
    AttitudeKalmanSubject,
    Float,
    AttitudeKalman,
    AttitudeKalmanConfig::default()
);
attitude!(
    BoundedVelocitySubject,
    Float,
    BoundedVelocity,
    BoundedVelocityConfig::default()
);
