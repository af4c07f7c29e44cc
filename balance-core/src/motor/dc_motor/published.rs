//! Motors of which numbers are published, and what can be made of a data sheet.

use super::DcMotorConfig;
use crate::math::Float;

/// The five numbers on the data sheet of a gear motor, all at the gearbox output.
///
/// R = U/Is, ke = (U − I0 R)/ω0, kt = τs/(Is − I0), and all the no-load current is taken for dry
/// friction, kt I0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Datasheet<P = f32> {
    /// Voltage of the test, V.
    pub voltage: P,
    /// No-load speed, rad/s.
    pub no_load_speed: P,
    /// No-load current, A.
    pub no_load_current: P,
    /// Stall torque, N·m.
    pub stall_torque: P,
    /// Stall current, A.
    pub stall_current: P,
}

impl<P: Float> Datasheet<P> {
    /// The constants of the motor. Data sheets state neither the inductance, which is taken as
    /// zero, nor the inertia that turns with the output (kg·m², rotor times ratio squared plus
    /// wheel), which is therefore asked for. Unusable numbers are found when the motor is built.
    pub fn motor(&self, inertia: P) -> DcMotorConfig<P> {
        let resistance = self.voltage / self.stall_current;
        let torque_constant = self.stall_torque / (self.stall_current - self.no_load_current);
        let friction = torque_constant * self.no_load_current;
        DcMotorConfig {
            resistance,
            inductance: P::zero(),
            torque_constant,
            back_emf_constant: (self.voltage - self.no_load_current * resistance)
                / self.no_load_speed,
            inertia,
            coulomb_torque: friction,
            breakaway_torque: friction,
            viscous_friction: P::zero(),
            supply_voltage: self.voltage,
        }
    }
}

/// rad/s in one revolution per minute.
const RPM: f64 = core::f64::consts::TAU / 60.0;
/// N·m in one kg·mm.
const KG_MM: f64 = 9.806_65e-3;

fn gear_motor<P: Float>(rpm: f64, no_load: f64, kg_mm: f64, stall: f64) -> Datasheet<P> {
    Datasheet {
        voltage: P::lit(12.0),
        no_load_speed: P::lit(rpm * RPM),
        no_load_current: P::lit(no_load),
        stall_torque: P::lit(kg_mm * KG_MM),
        stall_current: P::lit(stall),
    }
}

impl<P: Float> DcMotorConfig<P> {
    /// LEGO Mindstorms NXT motor, 9 V: identified by the MinSeg course of the University of
    /// Washington (`p5a0u9l/minseg` at 32fa455, `MinSeg_Parameters_v3.m`).
    pub fn lego_nxt() -> Self {
        Self {
            resistance: P::lit(5.262_773_292),
            inductance: P::lit(4.7e-3),
            torque_constant: P::lit(0.323_372_870_3),
            back_emf_constant: P::lit(0.495_290_005_6),
            inertia: P::lit(1.321_184e-3),
            coulomb_torque: P::lit(7.299_397e-3),
            breakaway_torque: P::lit(7.299_397e-3),
            viscous_friction: P::lit(6.001_689e-4),
            supply_voltage: P::lit(9.0),
        }
    }

    /// Pololu 37D 12 V 30:1 (64 counts per motor turn, 1920 per output turn): data sheet rev. 1.2,
    /// 330 rpm and 0.2 A without load, 140 kg·mm and 5.5 A at stall. `inertia`: see
    /// [`Datasheet::motor`].
    pub fn pololu_37d_30(inertia: P) -> Self {
        gear_motor(330.0, 0.2, 140.0, 5.5).motor(inertia)
    }

    /// Pololu 37D 12 V 50:1 (3200 counts per output turn): data sheet rev. 1.2, 200 rpm and 0.2 A
    /// without load, 210 kg·mm and 5.5 A at stall. `inertia`: see [`Datasheet::motor`].
    pub fn pololu_37d_50(inertia: P) -> Self {
        gear_motor(200.0, 0.2, 210.0, 5.5).motor(inertia)
    }

    /// Pololu 25D HP 12 V 47:1, item 4845 (2248.86 counts per output turn): 220 rpm and 0.3 A
    /// without load, 150 kg·mm and 5 A at stall. `inertia`: see [`Datasheet::motor`].
    pub fn pololu_25d_47_hp(inertia: P) -> Self {
        gear_motor(220.0, 0.3, 150.0, 5.0).motor(inertia)
    }

    /// Pololu 25D LP 12 V 75:1, item 4886 (3591.84 counts per output turn): 75 rpm and 0.06 A
    /// without load, 71 kg·mm and 0.9 A at stall. `inertia`: see [`Datasheet::motor`].
    pub fn pololu_25d_75_lp(inertia: P) -> Self {
        gear_motor(75.0, 0.06, 71.0, 0.9).motor(inertia)
    }
}
