//! Field-oriented control of three-phase motors.

use crate::handle::{get, handle, put, read};
use crate::status::balance_status;
use balance_core::motor::foc::{
    CurrentLoop, CurrentLoopConfig, CurrentLoopInput, Dq, Machine, SpeedLoop, SpeedLoopConfig,
};

handle!(
    /// Current loop of a three-phase motor: currents and angle in, duties out.
    balance_current_loop, CurrentLoop<f32>, 20
);
handle!(
    /// Speed loop of a three-phase motor: speed in, current out.
    balance_speed_loop, SpeedLoop<f32>, 10
);

/// A three-phase motor with permanent magnets, per phase in star connection.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct balance_machine {
    /// Pairs of poles: half the number of magnets.
    pub pole_pairs: u16,
    /// Resistance of a phase, in Ω.
    pub resistance: f32,
    /// Inductance along the magnet, in H.
    pub inductance_d: f32,
    /// Inductance across it, in H.
    pub inductance_q: f32,
    /// Flux of the magnet through a phase, in V·s.
    pub flux: f32,
}

/// Settings of a current loop.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct balance_current_loop_config {
    /// The motor.
    pub machine: balance_machine,
    /// Bandwidth, in rad/s.
    pub bandwidth: f32,
    /// Length of the largest voltage vector, over what every direction can have.
    pub max_modulation: f32,
    /// Periods from the measurement until half of the new voltage has acted.
    pub output_delay: f32,
    /// Lowest bus voltage that is believed, in V.
    pub min_bus_voltage: f32,
    /// Highest bus voltage that is believed, in V.
    pub max_bus_voltage: f32,
}

/// A hoverboard's wheel on ten cells, 200 Hz.
#[unsafe(no_mangle)]
pub extern "C" fn balance_current_loop_config_default() -> balance_current_loop_config {
    let config = CurrentLoopConfig::<f32>::default();
    let machine = config.machine;
    balance_current_loop_config {
        machine: balance_machine {
            pole_pairs: machine.pole_pairs,
            resistance: machine.resistance,
            inductance_d: machine.inductance_d,
            inductance_q: machine.inductance_q,
            flux: machine.flux,
        },
        bandwidth: config.bandwidth,
        max_modulation: config.max_modulation,
        output_delay: config.output_delay,
        min_bus_voltage: config.min_bus_voltage,
        max_bus_voltage: config.max_bus_voltage,
    }
}

/// Prepares a current loop for a period in s.
#[unsafe(no_mangle)]
pub extern "C" fn balance_current_loop_init(
    handle: *mut balance_current_loop,
    config: *const balance_current_loop_config,
    dt: f32,
) -> balance_status {
    let config = match read(config) {
        Ok(config) => config,
        Err(status) => return status,
    };
    let config = CurrentLoopConfig {
        machine: Machine {
            pole_pairs: config.machine.pole_pairs,
            resistance: config.machine.resistance,
            inductance_d: config.machine.inductance_d,
            inductance_q: config.machine.inductance_q,
            flux: config.machine.flux,
        },
        bandwidth: config.bandwidth,
        max_modulation: config.max_modulation,
        output_delay: config.output_delay,
        min_bus_voltage: config.min_bus_voltage,
        max_bus_voltage: config.max_bus_voltage,
    };
    match config.build(dt) {
        Ok(control) => put(handle, control),
        Err(error) => error.into(),
    }
}

/// What a period of a current loop takes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct balance_current_loop_input {
    /// Currents into phases a and b, in A.
    pub phase_currents: [f32; 2],
    /// Electrical angle at the moment of the measurement, in rad.
    pub angle: f32,
    /// Electrical speed, in rad/s.
    pub speed: f32,
    /// Bus voltage, in V.
    pub bus_voltage: f32,
    /// Wanted current along the magnet, in A.
    pub reference_d: f32,
    /// Wanted current across it, that makes torque, in A.
    pub reference_q: f32,
}

/// What a period of a current loop gives.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct balance_current_loop_output {
    /// Share of the period for which each upper switch is on, 0 to 1; all zero for a bad handle.
    pub duties: [f32; 3],
    /// Measured current along the magnet, in A.
    pub current_d: f32,
    /// Measured current across it, in A.
    pub current_q: f32,
    /// The voltage was limited.
    pub saturated: bool,
    /// An input was unusable: the last good duties stand. Switch off if that goes on.
    pub held: bool,
}

/// Advances by one period.
#[unsafe(no_mangle)]
pub extern "C" fn balance_current_loop_step(
    handle: *mut balance_current_loop,
    input: *const balance_current_loop_input,
) -> balance_current_loop_output {
    let (Ok(control), Ok(input)) = (get(handle), read(input)) else {
        return balance_current_loop_output::default();
    };
    let output = control.step(&CurrentLoopInput {
        phase_currents: input.phase_currents,
        angle: input.angle,
        speed: input.speed,
        bus_voltage: input.bus_voltage,
        reference: Dq::new(input.reference_d, input.reference_q),
    });
    balance_current_loop_output {
        duties: output.duties,
        current_d: output.current.d,
        current_q: output.current.q,
        saturated: output.saturated,
        held: output.held,
    }
}

/// Prepares a speed loop: inertia in kg·m², torque per ampere in N·m/A, bandwidth in rad/s, largest
/// current in A, period in s.
#[unsafe(no_mangle)]
pub extern "C" fn balance_speed_loop_init(
    handle: *mut balance_speed_loop,
    inertia: f32,
    torque_constant: f32,
    bandwidth: f32,
    max_current: f32,
    dt: f32,
) -> balance_status {
    let config = SpeedLoopConfig {
        inertia,
        torque_constant,
        bandwidth,
        max_current,
    };
    match config.build(dt) {
        Ok(control) => put(handle, control),
        Err(error) => error.into(),
    }
}

/// The current in A for a wanted and a measured speed in rad/s of the rotor. A NaN holds the last.
#[unsafe(no_mangle)]
pub extern "C" fn balance_speed_loop_step(
    handle: *mut balance_speed_loop,
    wanted: f32,
    speed: f32,
) -> f32 {
    get(handle).map_or(0.0, |control| control.step(wanted, speed).current)
}
