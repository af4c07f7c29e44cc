//! Filters of one signal.

use crate::handle::{get, handle, put, read};
use crate::status::balance_status::{self, BALANCE_OK, BALANCE_UNKNOWN};
use balance_core::signal::biquad::{Biquad, BiquadConfig, BiquadKind};
use balance_core::signal::lowpass::{LowPass, LowPassConfig};

handle!(
    /// First-order low-pass.
    balance_low_pass, LowPass<f32>, 6
);
handle!(
    /// Biquad: low, high, band, notch, peak or shelf.
    balance_biquad, Biquad<f32>, 10
);

/// Prepares a low-pass with a cut-off in Hz for a period in s.
#[unsafe(no_mangle)]
pub extern "C" fn balance_low_pass_init(
    handle: *mut balance_low_pass,
    cutoff_hz: f32,
    dt: f32,
) -> balance_status {
    match (LowPassConfig { cutoff_hz }).build(dt) {
        Ok(filter) => put(handle, filter),
        Err(error) => error.into(),
    }
}

/// Filters a sample; the first one starts the filter. A NaN leaves it as it was.
#[unsafe(no_mangle)]
pub extern "C" fn balance_low_pass_step(handle: *mut balance_low_pass, x: f32) -> f32 {
    get(handle).map_or(0.0, |filter| filter.step(x))
}

/// What a biquad lets through.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "made by the caller")]
pub enum balance_biquad_kind {
    /// Below the frequency.
    BALANCE_BIQUAD_LOW = 0,
    /// Above the frequency.
    BALANCE_BIQUAD_HIGH = 1,
    /// Around the frequency.
    BALANCE_BIQUAD_BAND = 2,
    /// All but the frequency.
    BALANCE_BIQUAD_NOTCH = 3,
    /// Everything, with a phase that turns around the frequency.
    BALANCE_BIQUAD_ALL_PASS = 4,
    /// Everything, with a gain at the frequency.
    BALANCE_BIQUAD_PEAK = 5,
    /// Everything, with a gain below the frequency.
    BALANCE_BIQUAD_LOW_SHELF = 6,
    /// Everything, with a gain above the frequency.
    BALANCE_BIQUAD_HIGH_SHELF = 7,
}

/// Settings of a biquad.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct balance_biquad_config {
    /// One of `balance_biquad_kind`.
    pub kind: i32,
    /// Corner, centre or midpoint, in Hz.
    pub frequency_hz: f32,
    /// Quality, 0.01 to 1000; 0.707 is the flattest.
    pub q: f32,
    /// Gain of peak and shelves, in dB.
    pub gain_db: f32,
}

/// A Butterworth low-pass at 10 Hz.
#[unsafe(no_mangle)]
pub extern "C" fn balance_biquad_config_default() -> balance_biquad_config {
    let config = BiquadConfig::<f32>::default();
    balance_biquad_config {
        kind: balance_biquad_kind::BALANCE_BIQUAD_LOW as i32,
        frequency_hz: config.frequency_hz,
        q: config.q,
        gain_db: config.gain_db,
    }
}

/// Prepares a biquad for a period in s.
#[unsafe(no_mangle)]
pub extern "C" fn balance_biquad_init(
    handle: *mut balance_biquad,
    config: *const balance_biquad_config,
    dt: f32,
) -> balance_status {
    let config = match read(config) {
        Ok(config) => config,
        Err(status) => return status,
    };
    let kind = match config.kind {
        0 => BiquadKind::Low,
        1 => BiquadKind::High,
        2 => BiquadKind::Band,
        3 => BiquadKind::Notch,
        4 => BiquadKind::AllPass,
        5 => BiquadKind::Peak,
        6 => BiquadKind::LowShelf,
        7 => BiquadKind::HighShelf,
        _ => return BALANCE_UNKNOWN,
    };
    let config = BiquadConfig {
        kind,
        frequency_hz: config.frequency_hz,
        q: config.q,
        gain_db: config.gain_db,
    };
    match config.build(dt) {
        Ok(filter) => put(handle, filter),
        Err(error) => error.into(),
    }
}

/// Filters a sample. A NaN leaves the filter as it was.
#[unsafe(no_mangle)]
pub extern "C" fn balance_biquad_step(handle: *mut balance_biquad, x: f32) -> f32 {
    get(handle).map_or(0.0, |filter| filter.step(x))
}

/// Back to rest.
#[unsafe(no_mangle)]
pub extern "C" fn balance_biquad_reset(handle: *mut balance_biquad) -> balance_status {
    match get(handle) {
        Ok(filter) => {
            filter.reset();
            BALANCE_OK
        }
        Err(status) => status,
    }
}
