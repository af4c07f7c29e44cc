//! The one check of a coefficient that a scalar type must hold.

use crate::config::{ConfigError, finite};
use crate::math::Scalar;

/// A coefficient of the type, or the name of the field that made it too large: fixed-point
/// gains end at 32767, floats at 2⁶³.
pub(in crate::motor) fn gain<T: Scalar>(
    name: &'static str,
    value: T::Param,
) -> Result<T::Gain, ConfigError> {
    finite(name, value)?;
    let is_float = T::MAX.to_param() > T::Param::lit(1e18);
    let largest = T::Param::lit(if is_float { 9e18 } else { 32_767.0 });
    if value.magnitude() > largest {
        return Err(ConfigError::Unrepresentable(name));
    }
    Ok(T::gain(value))
}

/// A value of the type, or the name of the field that it cannot hold.
pub(in crate::motor) fn value<T: Scalar>(
    name: &'static str,
    value: T::Param,
) -> Result<T, ConfigError> {
    finite(name, value)?;
    if value >= T::MAX.to_param() || value <= T::MIN.to_param() {
        return Err(ConfigError::Unrepresentable(name));
    }
    Ok(T::from_param(value))
}
