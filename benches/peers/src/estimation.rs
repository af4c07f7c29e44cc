//! Kalman filters.

use cases::{Case, ConfigError, DT, Sample};
use dsp_process::SplitProcess;
use idsp::kalman::{Direct, Estimate, Transition};
use kfilter::measurement::{LinearMeasurement, Measurement};
use kfilter::{
    KalmanFilter, KalmanLinear, KalmanLinearNoInput, KalmanPredict, KalmanPredictInput,
    KalmanUpdate,
};
use nalgebra_0_34::{SMatrix, SVector};

const T: f32 = DT as f32;

/// `idsp`: angle and bias.
pub struct IdspTiltKalman;
/// `idsp`: two positions and their speeds.
pub struct IdspKalman42;
/// `kfilter`: angle and bias.
pub struct KfilterTiltKalman;
/// `kfilter`: two positions and their speeds.
pub struct KfilterKalman42;

/// Rate, and the accelerometer's angle.
fn tilt(sample: &Sample) -> (f32, f32) {
    let [_, rate, _] = sample.rate();
    (rate, sample.accel_pitch().unwrap_or_default())
}

fn two(sample: &Sample) -> [f32; 2] {
    let [rate, ..] = sample.rate();
    [sample.accel_pitch().unwrap_or_default(), rate]
}

impl Case<f32> for IdspTiltKalman {
    type Algorithm = (Transition<f32, 2>, Direct<f32, 0>, Estimate<f32, 2>);
    type Input = (f32, f32);
    type Output = f32;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        Ok((
            Transition::new([[1.0, -T], [0.0, 1.0]], [[1e-6, 0.0], [0.0, 1e-9]]),
            Direct::new(1e-2),
            Estimate::new([0.0; 2], [[1.0, 0.0], [0.0, 0.01]]),
        ))
    }
    fn input(sample: &Sample) -> (f32, f32) {
        tilt(sample)
    }
    fn step(
        (transition, observation, estimate): &mut Self::Algorithm,
        (rate, angle): &(f32, f32),
    ) -> f32 {
        transition.process(estimate, ());
        estimate.state[0] += T * rate;
        observation.process(estimate, *angle)
    }
}

impl Case<f32> for IdspKalman42 {
    type Algorithm = (
        Transition<f32, 4>,
        Direct<f32, 0>,
        Direct<f32, 2>,
        Estimate<f32, 4>,
    );
    type Input = [f32; 2];
    type Output = [f32; 4];

    fn build() -> Result<Self::Algorithm, ConfigError> {
        let unit = |i: usize, j: usize, value: f32| if i == j { value } else { 0.0 };
        let matrix = |f: &dyn Fn(usize, usize) -> f32| {
            core::array::from_fn(|i| core::array::from_fn(|j| f(i, j)))
        };
        let walk = |i: usize, j: usize| if i % 2 == 1 { unit(i, j, 1e-3) } else { 0.0 };
        let moves = |i: usize, j: usize| {
            if i.is_multiple_of(2) && j == i + 1 {
                T
            } else {
                unit(i, j, 1.0)
            }
        };
        Ok((
            Transition::new(matrix(&moves), matrix(&walk)),
            Direct::new(1e-3),
            Direct::new(1e-3),
            Estimate::new([0.0; 4], matrix(&|i, j| unit(i, j, 1.0))),
        ))
    }
    fn input(sample: &Sample) -> [f32; 2] {
        two(sample)
    }
    fn step(
        (transition, first, second, estimate): &mut Self::Algorithm,
        [a, b]: &[f32; 2],
    ) -> [f32; 4] {
        transition.process(estimate, ());
        let _: f32 = first.process(estimate, *a);
        let _: f32 = second.process(estimate, *b);
        estimate.state
    }
}

impl Case<f32> for KfilterTiltKalman {
    type Algorithm = (KalmanLinear<f32, 2, 1>, LinearMeasurement<f32, 2, 1>);
    type Input = (f32, f32);
    type Output = f32;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        let filter = KalmanLinear::new_with_input(
            SMatrix::<f32, 2, 2>::new(1.0, -T, 0.0, 1.0),
            SMatrix::<f32, 2, 2>::new(1e-6, 0.0, 0.0, 1e-9),
            SMatrix::<f32, 2, 1>::new(T, 0.0),
            SVector::zeros(),
            SMatrix::identity(),
        );
        let measurement = LinearMeasurement::new(
            SMatrix::<f32, 1, 2>::new(1.0, 0.0),
            SMatrix::<f32, 1, 1>::new(1e-2),
            SVector::zeros(),
        );
        Ok((filter, measurement))
    }
    fn input(sample: &Sample) -> (f32, f32) {
        tilt(sample)
    }
    fn step((filter, measurement): &mut Self::Algorithm, (rate, angle): &(f32, f32)) -> f32 {
        let _ = filter.predict(SVector::<f32, 1>::new(*rate));
        measurement.set_measurement(SVector::<f32, 1>::new(*angle));
        // An inverse that does not exist leaves the estimate alone.
        let _ = filter.update(measurement);
        filter.state()[0]
    }
}

impl Case<f32> for KfilterKalman42 {
    type Algorithm = (KalmanLinearNoInput<f32, 4>, LinearMeasurement<f32, 4, 2>);
    type Input = [f32; 2];
    type Output = SVector<f32, 4>;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        let unit = |condition, value: f32| if condition { value } else { 0.0 };
        let filter = KalmanLinearNoInput::new(
            SMatrix::from_fn(|i, j| unit(i == j, 1.0) + unit(i % 2 == 0 && j == i + 1, T)),
            SMatrix::from_fn(|i, j| unit(i == j && i % 2 == 1, 1e-3)),
            SVector::zeros(),
            SMatrix::identity(),
        );
        let measurement = LinearMeasurement::new(
            SMatrix::from_fn(|i, j| unit(j == 2 * i, 1.0)),
            SMatrix::from_diagonal_element(1e-3),
            SVector::zeros(),
        );
        Ok((filter, measurement))
    }
    fn input(sample: &Sample) -> [f32; 2] {
        two(sample)
    }
    fn step((filter, measurement): &mut Self::Algorithm, measured: &[f32; 2]) -> Self::Output {
        let _ = filter.predict();
        measurement.set_measurement(SVector::from(*measured));
        let _ = filter.update(measurement);
        *filter.state()
    }
}
