//! Motors.

use crate::handle::{get, handle, put, read};
use crate::status::balance_status;
use balance_core::motor::duty_map::{DutyMap, DutyMapConfig};

handle!(
    /// From volts to a duty: battery and dead band made up for.
    balance_duty_map, DutyMap<f32>, 10
);

/// Settings of a duty map.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct balance_duty_map_config {
    /// Voltage at which the motor only just turns, in V.
    pub friction_voltage: f32,
    /// Voltage from which it is added in full, in V.
    pub friction_blend: f32,
    /// Battery voltage when none is measured, in V.
    pub nominal_battery: f32,
    /// Smallest measured battery voltage that is believed, in V.
    pub min_battery: f32,
    /// Largest measured battery voltage that is believed, in V.
    pub max_battery: f32,
    /// Largest duty, above 0 to 1.
    pub max_duty: f32,
}

/// Two lithium cells, no dead band.
#[unsafe(no_mangle)]
pub extern "C" fn balance_duty_map_config_default() -> balance_duty_map_config {
    let config = DutyMapConfig::<f32>::default();
    balance_duty_map_config {
        friction_voltage: config.friction_voltage,
        friction_blend: config.friction_blend,
        nominal_battery: config.nominal_battery,
        min_battery: config.min_battery,
        max_battery: config.max_battery,
        max_duty: config.max_duty,
    }
}

/// Prepares a duty map.
#[unsafe(no_mangle)]
pub extern "C" fn balance_duty_map_init(
    handle: *mut balance_duty_map,
    config: *const balance_duty_map_config,
) -> balance_status {
    let config = match read(config) {
        Ok(config) => config,
        Err(status) => return status,
    };
    let config = DutyMapConfig {
        friction_voltage: config.friction_voltage,
        friction_blend: config.friction_blend,
        nominal_battery: config.nominal_battery,
        min_battery: config.min_battery,
        max_battery: config.max_battery,
        max_duty: config.max_duty,
    };
    match config.build() {
        Ok(map) => put(handle, map),
        Err(error) => error.into(),
    }
}

/// The duty, −1 to 1, for a wanted voltage and the battery's.
#[unsafe(no_mangle)]
pub extern "C" fn balance_duty_map_step(
    handle: *mut balance_duty_map,
    voltage: f32,
    battery: f32,
) -> f32 {
    get(handle).map_or(0.0, |map| map.step(voltage, battery).duty)
}
