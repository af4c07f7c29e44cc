//! What a motor is told.

/// A command to one motor.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Drive<T> {
    /// No voltage: both terminals open, the wheel turns freely.
    #[default]
    Coast,
    /// Both terminals joined: the motor brakes itself.
    Brake,
    /// Fraction of the supply voltage, −1 to 1; positive drives the robot forward.
    Duty(T),
}
