//! What an initialisation answers.

use balance_core::ConfigError;
use core::ffi::c_char;

/// Whether something was done, and why not.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "made by the caller")]
pub enum balance_status {
    /// Done.
    BALANCE_OK = 0,
    /// A pointer is null.
    BALANCE_NULL = 1,
    /// A pointer is not aligned to what it points to.
    BALANCE_MISALIGNED = 2,
    /// The handle was never initialised, or is one of another kind.
    BALANCE_NOT_INITIALISED = 3,
    /// A number is NaN or infinite.
    BALANCE_NOT_FINITE = 4,
    /// A number is out of its range.
    BALANCE_OUT_OF_RANGE = 5,
    /// Two numbers are in the wrong order.
    BALANCE_ORDER = 6,
    /// A number gives a coefficient that the scalar type cannot hold.
    BALANCE_UNREPRESENTABLE = 7,
    /// There is no such name, kind or preset.
    BALANCE_UNKNOWN = 8,
    /// Only while the motors have no power.
    BALANCE_ARMED = 9,
    /// The model has no such gain: out of the input's reach, unseen, or beyond the accuracy.
    BALANCE_NO_DESIGN = 10,
}

use balance_status::{
    BALANCE_NOT_FINITE, BALANCE_OK, BALANCE_ORDER, BALANCE_OUT_OF_RANGE, BALANCE_UNKNOWN,
    BALANCE_UNREPRESENTABLE,
};

impl From<ConfigError> for balance_status {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::NonFinite(_) => BALANCE_NOT_FINITE,
            ConfigError::OutOfRange(_) => BALANCE_OUT_OF_RANGE,
            ConfigError::Order(..) => BALANCE_ORDER,
            ConfigError::Unrepresentable(_) => BALANCE_UNREPRESENTABLE,
            _ => BALANCE_UNKNOWN,
        }
    }
}

/// The status in words; never null.
#[unsafe(no_mangle)]
pub extern "C" fn balance_status_text(status: i32) -> *const c_char {
    let text = match status {
        s if s == BALANCE_OK as i32 => c"done",
        1 => c"a pointer is null",
        2 => c"a pointer is not aligned",
        3 => c"the handle was not initialised, or is of another kind",
        4 => c"a number is not finite",
        5 => c"a number is out of its range",
        6 => c"two numbers are in the wrong order",
        7 => c"a number gives a coefficient that the scalar type cannot hold",
        8 => c"there is no such name, kind or preset",
        9 => c"only while the motors have no power",
        10 => c"there is no such gain for this model",
        _ => c"no status of this library",
    };
    text.as_ptr()
}
