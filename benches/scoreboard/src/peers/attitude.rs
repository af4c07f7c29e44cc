//! Attitude filters.

use super::{MADGWICK_GAIN, elapsed};
use crate::board::Board;
use balance_conformance::{Attitude, ImuSample, ImuTuning, Subject, Supported};

pub fn add(board: &mut Board) {
    board.add::<AhrsMadgwick>("ahrs", "madgwick/f64");
    board.add::<AhrsMahony>("ahrs", "mahony/f64");
    board.add::<Fusion>("fusion-ahrs", "f32");
    board.add::<VqfRs>("vqf-rs", "f64");
    board.add::<UfVqf>("uf-ahrs", "vqf/f32");
    board.add::<Uf<uf_ahrs::Madgwick>>("uf-ahrs", "madgwick/f32");
    board.add::<Uf<uf_ahrs::Mahony>>("uf-ahrs", "mahony/f32");
    board.add::<Sf<sensor_fusion::MadgwickFilterf32>>("sensor-fusion", "madgwick/f32");
    board.add::<Sf<sensor_fusion::MahonyFilterf32>>("sensor-fusion", "mahony/f32");
}

fn vector34(v: [f64; 3]) -> nalgebra_0_34::Vector3<f64> {
    v.into()
}

struct AhrsMadgwick(ahrs::Madgwick<f64>);
impl Subject for AhrsMadgwick {
    type Kind = Attitude;
    const TAKES_DT: bool = false;
    fn new(t: &ImuTuning) -> Self {
        Self(ahrs::Madgwick::new(t.dt, MADGWICK_GAIN))
    }
    fn step(&mut self, imu: &ImuSample) -> [f64; 4] {
        use ahrs::Ahrs;
        let _ = self.0.update_imu(&vector34(imu.gyro), &vector34(imu.accel));
        let q = self.0.quat;
        [q.w, q.i, q.j, q.k]
    }
}

struct AhrsMahony(ahrs::Mahony<f64>);
impl Subject for AhrsMahony {
    type Kind = Attitude;
    const TAKES_DT: bool = false;
    fn new(t: &ImuTuning) -> Self {
        Self(ahrs::Mahony::new(t.dt, 0.5, 0.0))
    }
    fn step(&mut self, imu: &ImuSample) -> [f64; 4] {
        use ahrs::Ahrs;
        let _ = self.0.update_imu(&vector34(imu.gyro), &vector34(imu.accel));
        let q = self.0.quat;
        [q.w, q.i, q.j, q.k]
    }
}

struct Fusion(fusion_ahrs::Ahrs);
impl Subject for Fusion {
    type Kind = Attitude;
    fn new(t: &ImuTuning) -> Self {
        Self(fusion_ahrs::Ahrs::with_settings(
            fusion_ahrs::AhrsSettings {
                sample_rate: (1.0 / t.dt) as f32,
                gyroscope_range: 2000.0,
                acceleration_rejection: 10.0,
                rejection_timeout: 5.0,
                ..Default::default()
            },
        ))
    }
    fn step(&mut self, imu: &ImuSample) -> [f64; 4] {
        let vector = |v: [f64; 3]| fusion_ahrs::Vector::new(v[0] as f32, v[1] as f32, v[2] as f32);
        self.0.set_sample_period(imu.dt as f32);
        self.0
            .update_no_magnetometer(vector(imu.gyro_degrees()), vector(imu.accel_g()));
        let q = self.0.quaternion();
        [q.w, q.x, q.y, q.z].map(f64::from)
    }
    fn reset(&mut self) -> Supported {
        self.0.restart();
        Supported::Yes
    }
}

struct VqfRs(vqf_rs::VQF);
impl Subject for VqfRs {
    type Kind = Attitude;
    fn new(t: &ImuTuning) -> Self {
        Self(vqf_rs::VQF::new(t.dt, None, None, None))
    }
    fn step(&mut self, imu: &ImuSample) -> [f64; 4] {
        self.0.update_gyr_with_ts(imu.gyro, imu.dt);
        self.0.update_acc(imu.accel);
        let vqf_rs::Quaternion(w, x, y, z) = self.0.quat_6d();
        [w, x, y, z]
    }
    fn reset(&mut self) -> Supported {
        self.0.reset_state();
        Supported::Yes
    }
}

fn vector35(v: [f64; 3]) -> nalgebra_0_35::Vector3<f32> {
    v.map(|x| x as f32).into()
}

struct UfVqf(uf_ahrs::Vqf);
impl Subject for UfVqf {
    type Kind = Attitude;
    const TAKES_DT: bool = false;
    fn new(t: &ImuTuning) -> Self {
        Self(uf_ahrs::Vqf::new(elapsed(t.dt), Default::default()))
    }
    fn step(&mut self, imu: &ImuSample) -> [f64; 4] {
        use uf_ahrs::Ahrs;
        let q = self.0.update_imu(vector35(imu.gyro), vector35(imu.accel));
        [q.w, q.i, q.j, q.k].map(f64::from)
    }
}

trait FromPeriod: uf_ahrs::AhrsWithDt {
    fn fresh(dt: f64) -> Self;
}
impl FromPeriod for uf_ahrs::Madgwick {
    fn fresh(dt: f64) -> Self {
        let beta = MADGWICK_GAIN as f32;
        Self::new(elapsed(dt), uf_ahrs::MadgwickParams { beta })
    }
}
impl FromPeriod for uf_ahrs::Mahony {
    fn fresh(dt: f64) -> Self {
        Self::new(elapsed(dt), Default::default())
    }
}
struct Uf<F>(F);
impl<F: FromPeriod> Subject for Uf<F> {
    type Kind = Attitude;
    fn new(t: &ImuTuning) -> Self {
        Self(F::fresh(t.dt))
    }
    fn step(&mut self, imu: &ImuSample) -> [f64; 4] {
        let (gyro, accel) = (vector35(imu.gyro), vector35(imu.accel));
        let q = self.0.update_imu_with_dt(elapsed(imu.dt), gyro, accel);
        [q.w, q.i, q.j, q.k].map(f64::from)
    }
}

/// In g, as in its README: in m/s² its Madgwick takes gravity for too strong an acceleration.
struct Sf<F>(F);
impl<F: Default + sensor_fusion::SensorFusion<f32>> Subject for Sf<F> {
    type Kind = Attitude;
    fn new(_: &ImuTuning) -> Self {
        Self(F::default())
    }
    fn step(&mut self, imu: &ImuSample) -> [f64; 4] {
        let vector = |v: [f64; 3]| vqm::Vector3f32::new(v[0] as f32, v[1] as f32, v[2] as f32);
        let q = self
            .0
            .fuse_acc_gyro(vector(imu.accel_g()), vector(imu.gyro), imu.dt as f32);
        [q.w, q.x, q.y, q.z].map(f64::from)
    }
}
