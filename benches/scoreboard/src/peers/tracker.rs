//! Kalman filters.

use crate::board::Board;
use balance_conformance::{Subject, Track, Tracker, TrackerSample, TrackerTuning};

pub fn add(board: &mut Board) {
    board.add::<Kfilter>("kfilter", "f32");
    board.add::<Minikalman>("minikalman", "f32");
    board.add::<Adskalman>("adskalman", "f64");
    board.add::<Multicalc>("multicalc", "kalman/f64");
}

struct Kfilter(
    kfilter::Kalman1M<
        f32,
        2,
        0,
        1,
        kfilter::system::LinearNoInputSystem<f32, 2>,
        kfilter::measurement::LinearMeasurement<f32, 2, 1>,
    >,
);
impl Subject for Kfilter {
    type Kind = Tracker;
    const TAKES_DT: bool = false;
    const RESOLUTION: f64 = 1e-4;
    fn new(t: &TrackerTuning) -> Self {
        use kfilter::KalmanFilter;
        use nalgebra_0_34::{Matrix1, Matrix1x2, Matrix2, Vector2};
        let [[a, b], [c, d]] = t.process_noise().map(|row| row.map(|q| q as f32));
        let mut filter = kfilter::Kalman1M::new(
            Matrix2::new(1.0, t.dt as f32, 0.0, 1.0),
            Matrix2::new(a, b, c, d),
            Matrix1x2::new(1.0, 0.0),
            Matrix1::new(t.measurement_noise() as f32),
            Vector2::zeros(),
        );
        *filter.covariance_mut() = Matrix2::identity();
        Self(filter)
    }
    fn step(&mut self, s: &TrackerSample<1>) -> Track<1> {
        use kfilter::{KalmanFilter, KalmanPredict};
        let _ = self.0.predict();
        let _ = self
            .0
            .update(nalgebra_0_34::Vector1::new(s.position[0] as f32));
        let p = self.0.covariance();
        Track {
            position: [self.0.state()[0].into()],
            covariance: rows(|i, j| p[(i, j)].into()),
        }
    }
}

fn rows(at: impl Fn(usize, usize) -> f64) -> Vec<Vec<f64>> {
    (0..2).map(|i| (0..2).map(|j| at(i, j)).collect()).collect()
}

struct Minikalman {
    filter: minikalman::regular::builder::KalmanFilterType<2, f32>,
    measurement: minikalman::regular::builder::KalmanFilterObservationType<2, 1, f32>,
}
impl Subject for Minikalman {
    type Kind = Tracker;
    const TAKES_DT: bool = false;
    const RESOLUTION: f64 = 1e-4;
    fn new(t: &TrackerTuning) -> Self {
        use minikalman::prelude::*;
        let builder = minikalman::regular::builder::KalmanFilterBuilder::<2, f32>::default();
        let mut filter = builder.build();
        let mut measurement = builder.observations().build::<1>();
        filter.state_transition_mut().apply(|a| {
            a.make_identity();
            a.set_at(0, 1, t.dt as f32);
        });
        filter
            .estimate_covariance_mut()
            .apply(|p| p.make_identity());
        filter.direct_process_noise_mut().apply(|q| {
            for (i, row) in t.process_noise().iter().enumerate() {
                for (j, value) in row.iter().enumerate() {
                    q.set_at(i, j, *value as f32);
                }
            }
        });
        measurement
            .observation_matrix_mut()
            .apply(|h| h.set_at(0, 0, 1.0));
        measurement
            .measurement_noise_covariance_mut()
            .apply(|r| r.set_at(0, 0, t.measurement_noise() as f32));
        Self {
            filter,
            measurement,
        }
    }
    fn step(&mut self, s: &TrackerSample<1>) -> Track<1> {
        use minikalman::prelude::*;
        self.filter.predict();
        self.measurement
            .measurement_vector_mut()
            .apply(|z| z.set_at(0, 0, s.position[0] as f32));
        self.filter.correct(&mut self.measurement);
        let p = self.filter.estimate_covariance();
        Track {
            position: [self.filter.state_vector().get_row(0).into()],
            covariance: rows(|i, j| p.get_at(i, j).into()),
        }
    }
}

/// The matrices of a constant velocity, in the form adskalman wants.
struct ConstantVelocity {
    f: nalgebra_0_35::Matrix2<f64>,
    f_transposed: nalgebra_0_35::Matrix2<f64>,
    q: nalgebra_0_35::Matrix2<f64>,
    h: nalgebra_0_35::RowVector2<f64>,
    h_transposed: nalgebra_0_35::Vector2<f64>,
    r: nalgebra_0_35::Matrix1<f64>,
}
impl adskalman::TransitionModelLinearNoControl<f64, nalgebra_0_35::U2> for ConstantVelocity {
    fn F(&self) -> &nalgebra_0_35::Matrix2<f64> {
        &self.f
    }
    fn FT(&self) -> &nalgebra_0_35::Matrix2<f64> {
        &self.f_transposed
    }
    fn Q(&self) -> &nalgebra_0_35::Matrix2<f64> {
        &self.q
    }
}
impl adskalman::ObservationModel<f64, nalgebra_0_35::U2, nalgebra_0_35::U1> for ConstantVelocity {
    fn H(&self) -> &nalgebra_0_35::RowVector2<f64> {
        &self.h
    }
    fn HT(&self) -> &nalgebra_0_35::Vector2<f64> {
        &self.h_transposed
    }
    fn R(&self) -> &nalgebra_0_35::Matrix1<f64> {
        &self.r
    }
}
struct Adskalman {
    model: ConstantVelocity,
    estimate: adskalman::StateAndCovariance<f64, nalgebra_0_35::U2>,
}
impl Subject for Adskalman {
    type Kind = Tracker;
    const TAKES_DT: bool = false;
    fn new(t: &TrackerTuning) -> Self {
        use nalgebra_0_35::{Matrix1, Matrix2, RowVector2, Vector2};
        let [[a, b], [c, d]] = t.process_noise();
        let f = Matrix2::new(1.0, t.dt, 0.0, 1.0);
        let h = RowVector2::new(1.0, 0.0);
        Self {
            model: ConstantVelocity {
                f,
                f_transposed: f.transpose(),
                q: Matrix2::new(a, b, c, d),
                h,
                h_transposed: h.transpose(),
                r: Matrix1::new(t.measurement_noise()),
            },
            estimate: adskalman::StateAndCovariance::new(Vector2::zeros(), Matrix2::identity()),
        }
    }
    fn step(&mut self, s: &TrackerSample<1>) -> Track<1> {
        let filter = adskalman::KalmanFilterNoControl::new(&self.model, &self.model);
        let measured = nalgebra_0_35::Vector1::new(s.position[0]);
        if let Ok(estimate) = filter.step(&self.estimate, &measured) {
            self.estimate = estimate;
        }
        let p = self.estimate.covariance();
        Track {
            position: [self.estimate.state()[0]],
            covariance: rows(|i, j| p[(i, j)]),
        }
    }
}

struct Multicalc(multicalc::estimation::KalmanFilter<2, 1>);
impl Subject for Multicalc {
    type Kind = Tracker;
    const TAKES_DT: bool = false;
    fn new(t: &TrackerTuning) -> Self {
        use multicalc::linear_algebra::{Matrix, Vector};
        let model = multicalc::estimation::KalmanModel {
            state_transition: Matrix::new([[1.0, t.dt], [0.0, 1.0]]),
            measurement_model: Matrix::new([[1.0, 0.0]]),
            process_noise: Matrix::new(t.process_noise()),
            measurement_noise: Matrix::new([[t.measurement_noise()]]),
        };
        let covariance = Matrix::new([[1.0, 0.0], [0.0, 1.0]]);
        Self(multicalc::estimation::KalmanFilter::new(
            Vector::new([0.0, 0.0]),
            covariance,
            model,
        ))
    }
    fn step(&mut self, s: &TrackerSample<1>) -> Track<1> {
        self.0.predict();
        let _ = self
            .0
            .update(multicalc::linear_algebra::Vector::new(s.position));
        let p = self.0.covariance();
        Track {
            position: [self.0.state()[0]],
            covariance: rows(|i, j| p[(i, j)]),
        }
    }
}
