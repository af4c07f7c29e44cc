//! Registers, from InvenSense RM-MPU-6000A-00 rev. 4.2 and, for the last one, RM-MPU-6500A-00
//! rev. 2.1.

/// Divider of the gyroscope's output rate.
pub const SMPLRT_DIV: u8 = 0x19;
/// Low-pass filter.
pub const CONFIG: u8 = 0x1a;
/// Range of the gyroscope.
pub const GYRO_CONFIG: u8 = 0x1b;
/// Range of the accelerometer.
pub const ACCEL_CONFIG: u8 = 0x1c;
/// Interrupts.
pub const INT_ENABLE: u8 = 0x38;
/// First of 14: accelerometer x y z, temperature, gyroscope x y z, high byte first.
pub const ACCEL_XOUT_H: u8 = 0x3b;
/// Resets the filters of each sensor.
pub const SIGNAL_PATH_RESET: u8 = 0x68;
/// Reset, sleep and clock.
pub const PWR_MGMT_1: u8 = 0x6b;
/// Standby of single axes.
pub const PWR_MGMT_2: u8 = 0x6c;
/// Identity.
pub const WHO_AM_I: u8 = 0x75;
/// Low-pass filter of the accelerometer, from the MPU-6500 on.
pub const ACCEL_CONFIG_2: u8 = 0x1d;
/// What goes into the FIFO.
pub const FIFO_EN: u8 = 0x23;
/// New data and other events; cleared by reading.
pub const INT_STATUS: u8 = 0x3a;
/// FIFO on, and its reset.
pub const USER_CTRL: u8 = 0x6a;
/// Bytes in the FIFO, high byte first.
pub const FIFO_COUNTH: u8 = 0x72;
/// The FIFO's oldest byte.
pub const FIFO_R_W: u8 = 0x74;
/// Level of the interrupt pin, and whether the auxiliary bus is joined to the main one.
pub const INT_PIN_CFG: u8 = 0x37;
