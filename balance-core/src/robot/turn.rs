//! From a yaw rate to the volts that turn the robot.

use crate::config::ConfigError;
use crate::control::pid::{AntiWindup, Pid, PidConfig, PidInput};
use crate::math::Scalar;
use num_traits::{One, Zero};

/// The controller of the yaw rate: proportional and integral in short arithmetic, or a whole PID
/// where more is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Turn<T: Scalar> {
    Lean(LeanTurn<T>),
    Pid(Pid<T>),
}

/// The same law as a [`Pid`] without derivative, setpoint weight and slew limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct LeanTurn<T: Scalar> {
    proportional: T::Short,
    /// Per period.
    integral_gain: T::Short,
    low: T,
    high: T,
    /// A positive error lowers the output.
    reverse: bool,
    integral: T::Fine,
    /// The last one.
    error: T,
}

impl<T: Scalar> Turn<T> {
    pub(super) fn new(config: &PidConfig<T::Param>, dt: T::Param) -> Result<Self, ConfigError> {
        let zero = T::Param::zero();
        // Also what checks the settings.
        let pid: Pid<T> = config.build(dt)?;
        let is_lean = config.kd == zero
            && config.setpoint_weight == T::Param::one()
            && config.slew_per_s.is_none()
            && config.anti_windup == AntiWindup::Conditional
            && config.output_min < zero
            && config.output_max > zero
            // What a fine state holds.
            && config.output_max - config.output_min < T::Param::lit(8.0);
        if !is_lean {
            return Ok(Self::Pid(pid));
        }
        Ok(Self::Lean(LeanTurn {
            proportional: T::short(config.kp),
            integral_gain: T::short(config.ki * dt),
            low: T::from_param(config.output_min),
            high: T::from_param(config.output_max),
            reverse: config.ki < zero,
            integral: T::zero().fine(),
            error: T::zero(),
        }))
    }

    /// Volts for the wanted rate.
    // An integral over a period that is longer or shorter has nothing to gain from knowing it: the
    // next one makes up for it.
    #[inline(never)]
    pub(super) fn step(&mut self, wanted: T, rate: T) -> T {
        match self {
            Self::Lean(lean) => lean.step(wanted - rate),
            Self::Pid(pid) => pid.step_with(&PidInput::new(wanted, rate)).total,
        }
    }

    pub(super) fn reset(&mut self) {
        match self {
            Self::Lean(lean) => (lean.integral, lean.error) = (T::zero().fine(), T::zero()),
            Self::Pid(pid) => pid.reset(),
        }
    }

    /// Takes new settings; what the proportional part changes by, the integral takes up.
    pub(super) fn retune(
        &mut self,
        config: &PidConfig<T::Param>,
        dt: T::Param,
    ) -> Result<(), ConfigError> {
        if let Self::Pid(pid) = self {
            return pid.retune(config);
        }
        let (Self::Lean(old), mut next) = (*self, Self::new(config, dt)?) else {
            return Ok(());
        };
        let total = old.error.scale_short(old.proportional) + T::coarse(old.integral);
        match &mut next {
            Self::Lean(lean) => {
                let integral = total - old.error.scale_short(lean.proportional);
                if lean.integral_gain != T::Short::default() {
                    lean.integral = integral.limit(lean.low, lean.high).fine();
                }
                lean.error = old.error;
            }
            Self::Pid(pid) => pid.reset_to(total),
        }
        *self = next;
        Ok(())
    }
}

impl<T: Scalar> LeanTurn<T> {
    #[inline(always)]
    fn step(&mut self, error: T) -> T {
        self.error = error;
        let proportional = error.scale_short(self.proportional);
        let integral = T::grow(self.integral, self.integral_gain, error);
        let total = proportional + T::coarse(integral);
        let inside = |x: T| x.is_above(self.low) && self.high.is_above(x);
        if inside(total) && inside(T::coarse(integral)) {
            self.integral = integral;
            return total;
        }
        self.limited(error, proportional, integral)
    }

    /// At a limit the integral stands where the error would drive it further out.
    #[cold]
    #[inline(never)]
    fn limited(&mut self, error: T, proportional: T, integral: T::Fine) -> T {
        let (low, high) = (self.low, self.high);
        let bounded = T::coarse(integral).limit(low, high);
        let total = proportional + bounded;
        let rising = error.is_above(T::zero()) != self.reverse;
        let blocked = (rising && !high.is_above(total)) || (!rising && !total.is_above(low));
        if !blocked {
            self.integral = bounded.fine();
        }
        (proportional + T::coarse(self.integral)).limit(low, high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{Float, Q12};

    fn follows_the_pid<T: Scalar>(bound: f64) {
        let lit = T::Param::lit;
        let config = PidConfig {
            kp: lit(1.0),
            ki: lit(6.0),
            output_min: lit(-3.6),
            output_max: lit(3.6),
            ..Default::default()
        };
        let dt = lit(0.001);
        let mut turn = Turn::<T>::new(&config, dt).unwrap();
        assert!(matches!(turn, Turn::Lean(_)));
        let mut pid: Pid<f64> = PidConfig {
            kp: 1.0,
            ki: 6.0,
            output_min: -3.6,
            output_max: 3.6,
            ..Default::default()
        }
        .build(0.001)
        .unwrap();
        for k in 0..6000 {
            // Into both limits and out again.
            let wanted = if k % 3000 < 1500 { 3.0 } else { -2.0 };
            let rate = 1.5 * libm::sin(f64::from(k) * 0.004);
            let got = turn.step(T::lit(wanted), T::lit(rate));
            let exact = pid.step(wanted, rate).total;
            let error = (got.to_param().to_f64() - exact).abs();
            assert!(error < bound, "{} {k}: {got:?} {exact}", T::NAME);
        }
    }
    #[test]
    fn a_lean_turn_answers_as_the_pid_does() {
        follows_the_pid::<f32>(1e-4);
        follows_the_pid::<f64>(1e-9);
        // At a limit, sooner or later by a period: what the integral grows by in one.
        follows_the_pid::<Q12>(0.03);
    }
    #[test]
    fn what_it_does_not_know_is_left_to_the_pid() {
        let config = PidConfig {
            kd: 0.01,
            ..PidConfig::<f32>::default()
        };
        let turn = Turn::<Q12>::new(&config, 0.001).unwrap();
        assert!(matches!(turn, Turn::Pid(_)));
    }
}
