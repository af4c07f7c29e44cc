//! Controllers: from an estimated state to a command.
//!
//! | what you have | take |
//! |---|---|
//! | one measured value, one actuator, no model | [`pid`] |
//! | the same, where each instruction counts | [`lean_pid`] |
//! | two measured values, the fast one (speed, rate) moved by the actuator and the slow one (position, tilt) moved by the fast one | [`cascade`] |
//! | a model, or gains from an LQR or pole placement; several states that trade off against each other, as tilt and wheel position do | [`state_feedback`] |
//! | a model, and limits that act often or states that must stay within bounds | [`mpc`] |
//! | a model and no gains yet, or a payload that changes | [`design`] |
//! | nothing but the gain of the input, and disturbances | [`adrc`] |
//! | a controller that works, a model, and a load that pushes | [`disturbance_observer`] |
//! | a state that is not measured | [`luenberger`] |
//! | a plant that changes with speed, load or voltage | [`gain_schedule`] |
//! | a motion that is known ahead | [`feedforward`] |
//! | a stable plant that answers late | [`smith_predictor`] |
//! | a loop that lacks phase at one frequency | [`lead_lag`] |
//! | a setpoint that jumps, and a machine that must not | [`profile`] |
//! | no idea of the gains | [`autotune`] |
//!
//! # Symptoms and cures of a PID
//!
//! | symptom | likely cause | change |
//! |---|---|---|
//! | runs away from the setpoint | a sign | negate all three gains, or mend the sensor's axis; more gain never helps |
//! | slow, soft, falls over slowly | `kp` too small | double `kp` until it oscillates, then halve |
//! | fast oscillation around the setpoint | `kp` too large, or delay in the loop | less `kp`, shorter period, less filtering ahead |
//! | overshoots once or twice | too little damping | more `kd`, or the gyro as `measured_rate` |
//! | slow swing back and forth | `ki` too large | less `ki`: `kp / ki` is the integral time in seconds |
//! | stays off under a constant load | no integral | more `ki` |
//! | buzzes, gets hot, output noisy | derivative of noise | `derivative_cutoff_hz` of 5 to 10 times the loop's bandwidth, less `kd` |
//! | jumps when the setpoint steps | proportional or derivative kick | `setpoint_weight` below 1, `derivative_setpoint_weight` 0, or a slew limit on the setpoint |
//! | overshoots after having been held or stuck | windup | limits equal to the actuator's, `actual_output`, `downstream` |
//! | twitches around standstill | friction or a dead band, not the gains | compensate the dead band behind the controller |
//! | good on the bench, bad in the robot | a period that jitters | measure it: `PidInput::dt` |

pub mod adrc;
pub mod autotune;
pub mod cascade;
pub mod design;
pub mod disturbance_observer;
pub mod feedforward;
pub mod gain_schedule;
pub mod lead_lag;
pub mod lean_pid;
pub mod luenberger;
pub mod mpc;
pub mod pid;
pub mod profile;
pub mod smith_predictor;
pub mod state_feedback;
