//! Gyroscope bias: the robot's view of [`sensor::calibration`](crate::sensor::calibration).

pub use crate::sensor::calibration::gyro_bias::GyroBiasConfig as CalibrationConfig;
pub(super) use crate::sensor::calibration::gyro_bias::{
    BIAS_BITS, GyroBias as BiasCalibration, Progress,
};
