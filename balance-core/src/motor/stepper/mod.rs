//! Stepper motors: step generation, drives and microsteps.
//!
//! [`StepGenerator`] says at which tick of a timer to step, in integers; [`StepDirection`] puts the step on
//! the pins; [`Microsteps`] are the currents of the two windings, where no chip makes them;
//! [`StepperWheel`] is a wheel that a balancing robot speeds up.
//!
//! | drive | for | shortest pulse | direction before it |
//! |---|---|---|---|
//! | A4988 | 1 A without a heat sink, 35 V | 1 µs | 0.2 µs |
//! | DRV8825 | 1.5 A, 45 V | 1.9 µs | 0.65 µs |
//! | TMC2209 | 2 A, 29 V; silent | 0.1 µs | 0.02 µs |
//!
//! (Data sheets of Allegro, TI and Trinamic.) `StepDirection` keeps to the slowest of them.

mod microsteps;
mod step_direction;
mod step_generator;
mod stepper_wheel;

pub use microsteps::Microsteps;
pub use step_direction::{StepDirection, StepError};
pub use step_generator::{Step, StepGenerator, StepGeneratorConfig};
pub use stepper_wheel::{StepperCommand, StepperWheel, StepperWheelConfig};
