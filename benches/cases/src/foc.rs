//! Three-phase motors.

use crate::scalar::fixed;
use crate::{Case, ConfigError, Sample};
use balance_core::math::{Q16, Real, Scalar};
use balance_core::model::{Pmsm, PmsmConfig};
use balance_core::motor::foc::{CurrentLoop, CurrentLoopConfig, CurrentLoopInput, Dq};

/// The period of a loop at 20 kHz.
const DT: f64 = 5e-5;

/// Currents, angle and speed to three duties. In fixed point `Q16`, as its documentation advises.
pub struct FocCurrentLoop;

fn input<T: Real>(sample: &Sample) -> CurrentLoopInput<T> {
    // A turn in 60 samples; currents that nearly follow it.
    let angle = T::from_counts(
        (sample.index % 60).into(),
        T::gain(T::Param::TAU / T::Param::lit(60.0)),
    );
    let (sin, cos) = angle.sin_cos();
    let [noise, _, _] = sample.rate::<T>();
    let two = T::lit(2.0);
    CurrentLoopInput {
        phase_currents: [-two * sin + noise, two * cos],
        angle,
        speed: T::lit(100.0),
        bus_voltage: T::lit(36.0) - noise,
        reference: Dq::new(T::zero(), T::lit(2.5)),
    }
}

macro_rules! current_loop {
    ($($scalar:ty => $inner:ty),+) => {$(
        impl Case<$scalar> for FocCurrentLoop {
            type Algorithm = CurrentLoop<$inner>;
            type Input = CurrentLoopInput<$inner>;
            type Output = [$inner; 3];

            fn build() -> Result<Self::Algorithm, ConfigError> {
                let dt = <$inner as Scalar>::Param::lit(DT);
                CurrentLoopConfig::default().build(dt)
            }
            fn input(sample: &Sample) -> Self::Input {
                input(sample)
            }
            fn step(control: &mut Self::Algorithm, input: &Self::Input) -> Self::Output {
                control.step(input).duties
            }
        }
    )+};
}
current_loop!(f32 => f32, f64 => f64, fixed => Q16);

/// The motor itself, as simulators have it.
pub struct PmsmModel;

impl<T: balance_core::math::Float> Case<T> for PmsmModel {
    type Algorithm = Pmsm<T>;
    type Input = [T; 3];
    type Output = T;

    fn build() -> Result<Pmsm<T>, ConfigError> {
        PmsmConfig::default().build(T::lit(DT))
    }
    fn input(sample: &Sample) -> [T; 3] {
        let (sin, cos) = sample.pitch::<T>().sin_cos();
        [sin, cos - sin, -cos].map(|x| T::lit(0.5) + T::lit(0.1) * x)
    }
    fn step(motor: &mut Pmsm<T>, duties: &[T; 3]) -> T {
        motor.step(*duties, T::zero()).speed
    }
}
