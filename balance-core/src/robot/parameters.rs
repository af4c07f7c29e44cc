//! What can be measured on a robot, from which its gains follow.

use crate::math::Float;
use crate::model::WheeledPendulumConfig;
use crate::motor::dc_motor::DcMotorConfig;

/// A robot as scales, ruler and the motor's data sheet know it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RobotParameters<P = f32> {
    /// Masses and lengths.
    pub body: WheeledPendulumConfig<P>,
    /// Each of the two motors, seen at the wheel. Its inertia is the rotor's alone.
    pub motor: DcMotorConfig<P>,
}

impl<P: Float> RobotParameters<P> {
    /// Two Pololu 37D 30:1 motors (data sheet) on a sketched frame of 0.16 m by 0.10 m by 0.15 m;
    /// see [`RobotConfig::pico_kit`](super::RobotConfig::pico_kit).
    pub fn pico_kit() -> Self {
        let (mass, wheel_mass, radius) = (0.95, 0.045, 0.04);
        // The data sheet has no inertia: a rotor of about 7 g·cm² is a guess.
        let rotor_inertia = 7e-7 * 30.0 * 30.0;
        Self {
            body: WheeledPendulumConfig {
                body_mass: P::lit(mass),
                wheel_mass: P::lit(wheel_mass),
                wheel_radius: P::lit(radius),
                track: P::lit(0.18),
                com_height: P::lit(0.075),
                pitch_inertia: P::lit(mass * (0.10 * 0.10 + 0.15 * 0.15) / 12.0),
                yaw_inertia: P::lit(mass * (0.10 * 0.10 + 0.16 * 0.16) / 12.0),
                wheel_inertia: P::lit(0.5 * wheel_mass * radius * radius),
                rotor_inertia: P::lit(rotor_inertia),
            },
            motor: DcMotorConfig::pololu_37d_30(P::lit(rotor_inertia)),
        }
    }

    /// Pololu Balboa 32U4 with 80 mm wheels and 110:1 gears, as identified by
    /// `qoopen0815/BalboaRobotics` at 8df6f55.
    pub fn balboa_32u4() -> Self {
        let ratio = 110.103;
        let rotor_inertia = P::lit(1.6e-8 * ratio * ratio);
        let friction = P::lit(4.722_85e-4 * ratio);
        Self {
            body: WheeledPendulumConfig {
                body_mass: P::lit(0.2913),
                wheel_mass: P::lit(0.0197),
                wheel_radius: P::lit(0.040),
                track: P::lit(0.107),
                com_height: P::lit(0.014_264),
                pitch_inertia: P::lit(2.297_12e-4),
                yaw_inertia: P::lit(2.3e-4),
                wheel_inertia: P::lit(2.3e-5),
                rotor_inertia,
            },
            motor: DcMotorConfig {
                // Winding and driver.
                resistance: P::lit(2.419 + 0.280),
                inductance: P::zero(),
                torque_constant: P::lit(0.003_382_287 * ratio),
                back_emf_constant: P::lit(0.003_067_344 * ratio),
                inertia: rotor_inertia,
                coulomb_torque: friction,
                breakaway_torque: friction,
                viscous_friction: P::zero(),
                supply_voltage: P::lit(7.6),
            },
        }
    }

    /// LEGO NXTway-GS (Y. Yamamoto, 2008), with the Coulomb friction that MinSeg identified on the
    /// same motor.
    pub fn nxtway_gs() -> Self {
        let rotor_inertia = P::lit(1e-5);
        Self {
            body: WheeledPendulumConfig {
                body_mass: P::lit(0.6),
                wheel_mass: P::lit(0.03),
                wheel_radius: P::lit(0.04),
                track: P::lit(0.14),
                com_height: P::lit(0.072),
                pitch_inertia: P::lit(1.0368e-3),
                yaw_inertia: P::lit(1.06e-3),
                wheel_inertia: P::lit(0.5 * 0.03 * 0.04 * 0.04),
                rotor_inertia,
            },
            motor: DcMotorConfig {
                resistance: P::lit(6.69),
                inductance: P::zero(),
                torque_constant: P::lit(0.317),
                back_emf_constant: P::lit(0.468),
                inertia: rotor_inertia,
                coulomb_torque: P::lit(7.299e-3),
                breakaway_torque: P::lit(7.299e-3),
                viscous_friction: P::lit(0.0022),
                supply_voltage: P::lit(8.2),
            },
        }
    }
}
