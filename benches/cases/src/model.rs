//! Models.

use crate::{Case, ConfigError, DT, Sample};
use balance_core::math::Float;
use balance_core::model::{Load, PendulumState, WheeledPendulumConfig};

/// A step of the robot's motion under two torques.
pub struct WheeledPendulum;

impl<T: Float> Case<T> for WheeledPendulum {
    type Algorithm = (balance_core::model::WheeledPendulum<T>, PendulumState<T>);
    type Input = [T; 2];
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        let model = WheeledPendulumConfig {
            body_mass: T::lit(1.0),
            wheel_mass: T::lit(0.05),
            wheel_radius: T::lit(0.04),
            track: T::lit(0.18),
            com_height: T::lit(0.08),
            pitch_inertia: T::lit(0.004),
            yaw_inertia: T::lit(0.003),
            wheel_inertia: T::lit(4e-5),
            rotor_inertia: T::lit(2e-4),
        }
        .build()?;
        Ok((model, PendulumState::default()))
    }
    fn input(sample: &Sample) -> [T; 2] {
        let torque = T::lit(0.1) * sample.pitch::<T>();
        [torque, torque]
    }
    fn step((model, state): &mut Self::Algorithm, torque: &[T; 2]) -> T {
        // Still as a robot that is held by hand: it must not fall over within the recording.
        state.pitch = torque[0];
        model
            .step(state, *torque, &Load::default(), T::lit(DT))
            .pitch
    }
}
