//! Stepper motors: step generation, drives and microsteps.

mod microsteps;
mod step_direction;
mod step_generator;

pub use microsteps::Microsteps;
pub use step_direction::{StepDirection, StepError};
pub use step_generator::{Step, StepGenerator, StepGeneratorConfig};
