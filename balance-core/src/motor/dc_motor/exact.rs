//! Exact discretisation of winding and shaft, in closed form.

use super::DcMotorConfig;
use crate::math::{Float, Real};

/// The continuous model, in `f64` whatever the parameters are: the growth over a short period is
/// the difference of nearly equal numbers, of which an `f32` would leave three digits.
pub(super) struct Electromechanics {
    resistance: f64,
    inductance: f64,
    torque_constant: f64,
    back_emf_constant: f64,
    inertia: f64,
    viscous_friction: f64,
}

/// Growth of one state in a period, per unit of the other states and inputs.
pub(super) struct Response {
    pub(super) current: f64,
    pub(super) speed: f64,
    pub(super) voltage: f64,
    /// Per newton metre taken from the shaft.
    pub(super) torque: f64,
}

/// The discrete model.
pub(super) struct Discrete {
    pub(super) current: Response,
    pub(super) speed: Response,
    /// Growth of the current at standstill, per ampere.
    pub(super) held_current: f64,
    /// Growth of the current at standstill, per volt.
    pub(super) held_voltage: f64,
}

impl Electromechanics {
    pub(super) fn of<P: Float>(config: &DcMotorConfig<P>) -> Self {
        Self {
            resistance: config.resistance.to_f64(),
            inductance: config.inductance.to_f64(),
            torque_constant: config.torque_constant.to_f64(),
            back_emf_constant: config.back_emf_constant.to_f64(),
            inertia: config.inertia.to_f64(),
            viscous_friction: config.viscous_friction.to_f64(),
        }
    }

    pub(super) fn discretise(&self, dt: f64) -> Discrete {
        if self.inductance == 0.0 {
            self.without_inductance(dt)
        } else {
            self.with_inductance(dt)
        }
    }

    /// x' = A x + B u with x = (i, ω): Φ = e^(A dt) = C I + S (A − m I), where m ± s are the
    /// eigenvalues; Γ = A⁻¹ (Φ − I) B.
    fn with_inductance(&self, dt: f64) -> Discrete {
        let a11 = -self.resistance / self.inductance;
        let a12 = -self.back_emf_constant / self.inductance;
        let a21 = self.torque_constant / self.inertia;
        let a22 = -self.viscous_friction / self.inertia;
        let det = a11 * a22 - a12 * a21;
        let m = 0.5 * (a11 + a22);
        let half_gap = 0.5 * (a11 - a22);
        let square = half_gap * half_gap + a12 * a21;

        let (c, s) = if square >= 0.0 {
            let root = Real::sqrt(square);
            // The slow eigenvalue as det/fast: m + root would cancel.
            let fast = m - root;
            let (e_slow, e_fast) = (Float::exp(det / fast * dt), Float::exp(fast * dt));
            let s = if root * dt > 1e-4 {
                0.5 * (e_slow - e_fast) / root
            } else {
                dt * Float::exp(m * dt)
            };
            (0.5 * (e_slow + e_fast), s)
        } else {
            let root = Real::sqrt(-square);
            let (sin, cos) = Real::sin_cos(root * dt);
            let envelope = Float::exp(m * dt);
            let s = if root * dt > 1e-4 { sin / root } else { dt };
            (envelope * cos, envelope * s)
        };
        // Φ − I
        let g11 = c + s * (a11 - m) - 1.0;
        let g12 = s * a12;
        let g21 = s * a21;
        let g22 = c + s * (a22 - m) - 1.0;
        let per_volt = 1.0 / (self.inductance * det);
        let per_torque = -1.0 / (self.inertia * det);
        // Φ − I commutes with A⁻¹ = adj(A)/det.
        let still = Float::exp(a11 * dt) - 1.0;
        Discrete {
            current: Response {
                current: g11,
                speed: g12,
                voltage: per_volt * (g11 * a22 - g12 * a21),
                torque: per_torque * (g12 * a11 - g11 * a12),
            },
            speed: Response {
                current: g21,
                speed: g22,
                voltage: per_volt * (g21 * a22 - g22 * a21),
                torque: per_torque * (g22 * a11 - g21 * a12),
            },
            held_current: still,
            held_voltage: -still / self.resistance,
        }
    }

    /// One first-order lag, and a current that follows from the speed at the end of the period.
    fn without_inductance(&self, dt: f64) -> Discrete {
        let per_volt = self.torque_constant / self.resistance;
        let damping = per_volt * self.back_emf_constant + self.viscous_friction;
        let growth = Float::exp(-damping / self.inertia * dt) - 1.0;
        let speed = Response {
            current: 0.0,
            speed: growth,
            voltage: -growth * per_volt / damping,
            torque: growth / damping,
        };
        let conductance = 1.0 / self.resistance;
        let emf = -self.back_emf_constant * conductance;
        Discrete {
            current: Response {
                current: -1.0,
                speed: emf * (1.0 + speed.speed),
                voltage: conductance + emf * speed.voltage,
                torque: emf * speed.torque,
            },
            speed,
            held_current: -1.0,
            held_voltage: conductance,
        }
    }
}
