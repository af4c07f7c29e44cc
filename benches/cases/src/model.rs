//! Models.

use crate::{Case, ConfigError, DT, Sample};
use balance_core::math::Float;
use balance_core::model::{
    HybridStepperConfig, JointConfig, JointState, Load, PendulumState, QuadrotorAxisConfig,
    QuadrotorAxisState, WheeledPendulumConfig,
};

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

/// A step of an arm's joint under a torque.
pub struct Joint;

impl<T: Float> Case<T> for Joint {
    type Algorithm = (balance_core::model::Joint<T>, JointState<T>);
    type Input = T;
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        Ok((JointConfig::default().build()?, JointState::default()))
    }
    fn input(sample: &Sample) -> T {
        T::lit(3.0) * sample.pitch::<T>()
    }
    fn step((model, state): &mut Self::Algorithm, torque: &T) -> T {
        model.step(state, *torque, T::zero(), T::lit(DT));
        state.angle
    }
}

/// A step of a quadrotor's axis under two throttles.
pub struct QuadrotorAxis;

impl<T: Float> Case<T> for QuadrotorAxis {
    type Algorithm = (balance_core::model::QuadrotorAxis<T>, QuadrotorAxisState<T>);
    type Input = [T; 2];
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        let axis = QuadrotorAxisConfig::default().build()?;
        Ok((axis, axis.hovering()))
    }
    fn input(sample: &Sample) -> [T; 2] {
        let differ = T::lit(0.01) * sample.pitch::<T>();
        [T::lit(0.37) + differ, T::lit(0.37) - differ]
    }
    fn step((model, state): &mut Self::Algorithm, throttle: &[T; 2]) -> T {
        model.step(state, *throttle, T::lit(16.0), T::zero(), T::lit(DT));
        state.rate
    }
}

/// A step of a stepper under two currents.
pub struct HybridStepper;

impl<T: Float> Case<T> for HybridStepper {
    type Algorithm = balance_core::model::HybridStepper<T>;
    type Input = [T; 2];
    type Output = T;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        HybridStepperConfig::default().build(T::lit(1e-5))
    }
    fn input(sample: &Sample) -> [T; 2] {
        [T::lit(1.0), T::lit(1.0) + sample.pitch::<T>()]
    }
    fn step(motor: &mut Self::Algorithm, currents: &[T; 2]) -> T {
        motor.step(*currents, T::zero()).speed
    }
}
