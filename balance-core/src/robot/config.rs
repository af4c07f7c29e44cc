//! What a robot is made of and how it shall behave.

use super::calibration::CalibrationConfig;
use super::watch::ImuLimits;
use crate::config::{ConfigError, non_negative, positive, within};
use crate::control::pid::PidConfig;
use crate::control::state_feedback::StateFeedbackConfig;
use crate::estimation::complementary::ComplementaryConfig;
use crate::estimation::robot_tilt::RobotTiltConfig;
use crate::estimation::tilt_kalman::TiltKalmanConfig;
use crate::math::Float;
use crate::motor::duty_map::DutyMapConfig;
use crate::sensor::ImuScale;
use crate::sensor::Mounting;

/// Everything about one robot. [`RobotConfig::pico_kit`], [`RobotConfig::balboa_32u4`] and
/// [`RobotConfig::nxtway_gs`] are complete examples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RobotConfig<P = f32> {
    /// Nominal time from tick to tick, in s.
    pub period: P,
    /// Wheels and encoders.
    pub chassis: Chassis<P>,
    /// What a count of the inertial sensor is worth.
    pub imu_scale: ImuScale,
    /// How the inertial sensor sits on the robot.
    pub mounting: Mounting,
    /// How tilt is estimated.
    pub estimator: EstimatorConfig<P>,
    /// What keeps the robot upright.
    pub balance: BalanceConfig<P>,
    /// Controller of the yaw rate: rad/s to volts of difference, half on each side.
    pub turn: PidConfig<P>,
    /// From volts to duties.
    pub drive: DutyMapConfig<P>,
    /// What the driver may ask for.
    pub command: CommandLimits<P>,
    /// When the motors go off.
    pub limits: Limits<P>,
    /// How the gyroscope is calibrated.
    pub calibration: CalibrationConfig,
}

/// Wheels and encoders.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chassis<P> {
    /// Radius of a wheel, in m.
    pub wheel_radius: P,
    /// Distance between the wheels, in m.
    pub track: P,
    /// Encoder counts in a turn of a wheel.
    pub counts_per_revolution: P,
    /// Time constant of the wheel-speed estimate, in s. Too large: the robot sways. Too small: noise.
    pub speed_time_constant: P,
}

/// The choice of tilt estimators.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EstimatorConfig<P> {
    /// Gyroscope for the fast, accelerometer for the slow part. The bias is that of calibration.
    Complementary(ComplementaryConfig<P>),
    /// Steady-state Kalman filter: tracks the gyroscope's bias.
    Kalman(TiltKalmanConfig<P>),
    /// What the accelerometer feels against what the encoders count: the robot's own acceleration
    /// is no disturbance, and the bias is tracked. `metres_per_count` follows from the chassis.
    Wheels(RobotTiltConfig<P>),
}

/// The choice of balance controllers. All answer in volts for both motors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BalanceConfig<P> {
    /// State feedback of [position m, pitch rad, speed m/s, pitch rate rad/s].
    StateFeedback(StateFeedbackConfig<P, 4>),
    /// Position to speed, speed to pitch, pitch to volts.
    Cascade(CascadeConfig<P>),
}

/// The balance controller as a cascade.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CascadeConfig<P> {
    /// Speed asked for per metre off the position, in 1/s.
    pub position_gain: P,
    /// Volts that the motors' back-EMF takes away per m/s, given back so that a lean asks for an
    /// acceleration and not for a speed. Too small: the robot leans ever more as it gets faster,
    /// and falls where the lean is limited. Too large: it runs away.
    pub back_emf: P,
    /// Speed (m/s) to pitch (rad); its limits are the largest lean.
    pub speed: PidConfig<P>,
    /// Pitch (rad) to volts: reverse acting (negative gains), since leaning forward asks for
    /// driving forward.
    pub tilt: PidConfig<P>,
}

/// What the driver may ask for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CommandLimits<P> {
    /// Speed, in m/s.
    pub speed: P,
    /// Change of speed, in m/s².
    pub acceleration: P,
    /// Yaw rate, in rad/s.
    pub turn: P,
    /// How far the position may lag behind its reference before the reference waits, in m.
    pub position_lag: P,
}

/// When the motors go off, and when they may go on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits<P> {
    /// Balancing starts within this pitch, in rad.
    pub start_tilt: P,
    /// Balancing starts below this pitch rate, in rad/s.
    pub start_rate: P,
    /// For so many ticks the robot must be so before it starts.
    pub start_ticks: u16,
    /// Pitch beyond which the robot has fallen, in rad.
    pub max_tilt: P,
    /// Speed that no healthy drive reaches, in m/s.
    pub max_speed: P,
    /// Ticks beyond that speed before it counts as running away.
    pub runaway_ticks: u16,
    /// Way that the robot may pull its position reference along, in m; farther, it is not standing
    /// on its wheels (lifted), or running away.
    pub max_drag: P,
    /// Largest difference between the yaw rates of encoders and gyroscope, in rad/s.
    pub yaw_mismatch: P,
    /// Ticks over which encoders are compared with the gyroscope; two such in a row decide.
    pub encoder_window_ticks: u16,
    /// Battery voltage below which the motors go off, in mV.
    pub low_battery_millivolts: u16,
    /// Ticks below that voltage before they do; sagging under a push is no empty battery.
    pub low_battery_ticks: u16,
    /// A single tick later than this stops the robot, in µs.
    pub max_gap_micros: u32,
    /// Late ticks that are borne; each timely tick makes up for a quarter of a late one.
    pub max_late_ticks: u16,
    /// Limits of the inertial sensor.
    pub imu: ImuLimits,
}

impl<P: Float> Default for Limits<P> {
    /// For a small robot at 1 kHz with two lithium cells.
    fn default() -> Self {
        Self {
            start_tilt: P::lit(0.26),
            start_rate: P::lit(0.5),
            start_ticks: 100,
            max_tilt: P::lit(0.7),
            max_speed: P::lit(1.5),
            runaway_ticks: 200,
            max_drag: P::lit(0.5),
            yaw_mismatch: P::lit(2.0),
            encoder_window_ticks: 50,
            low_battery_millivolts: 6000,
            low_battery_ticks: 500,
            max_gap_micros: 20_000,
            max_late_ticks: 20,
            imu: ImuLimits::default(),
        }
    }
}

impl<P: Float> RobotConfig<P> {
    /// Checks what the parts do not check themselves.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let (chassis, limits) = (&self.chassis, &self.limits);
        positive("wheel_radius", chassis.wheel_radius)?;
        positive("track", chassis.track)?;
        positive("counts_per_revolution", chassis.counts_per_revolution)?;
        non_negative("command.speed", self.command.speed)?;
        positive("command.acceleration", self.command.acceleration)?;
        non_negative("command.turn", self.command.turn)?;
        positive("command.position_lag", self.command.position_lag)?;
        within("start_tilt", limits.start_tilt, P::lit(0.01), P::lit(1.0))?;
        within("max_tilt", limits.max_tilt, P::lit(0.05), P::lit(1.5))?;
        if limits.start_tilt >= limits.max_tilt {
            return Err(ConfigError::Order("start_tilt", "max_tilt"));
        }
        positive("start_rate", limits.start_rate)?;
        positive("max_speed", limits.max_speed)?;
        positive("max_drag", limits.max_drag)?;
        positive("yaw_mismatch", limits.yaw_mismatch)?;
        positive("imu_scale.accel", P::lit(f64::from(self.imu_scale.accel)))?;
        positive("imu_scale.gyro", P::lit(f64::from(self.imu_scale.gyro)))?;
        Ok(())
    }
}
