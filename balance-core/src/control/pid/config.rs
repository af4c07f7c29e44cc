//! What a person tunes on a PID, and the coefficients that come of it.

use super::Pid;
use super::PidState;
use crate::ConfigError;
use crate::config::{finite, non_negative, period, positive, within};
use crate::math::{Float, Scalar};
use num_traits::{One, Zero};

/// A measured period longer than this many nominal ones is a stall, not a period.
pub const LATEST_PERIODS: f64 = 10.0;
/// A measured period shorter than this part of the nominal one is a fault of the clock.
const EARLIEST_PERIODS: f64 = 1e-3;
/// Gains beyond this would let a product of usable floats overflow.
const LARGEST_GAIN: f64 = 1e9;
/// The mantissa of a fixed-point gain ends here.
const LARGEST_FIXED_GAIN: f64 = 32767.0;
/// The filtered derivative is held within this many output spans, so that one absurd sample is
/// forgotten within three time constants of the filter.
const DERIVATIVE_SPANS: f64 = 16.0;

/// What keeps the integral from growing while the output cannot follow.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum AntiWindup<P = f32> {
    /// Nothing: the textbook integral, for comparison. Overshoots after every saturation.
    None,
    /// The integral stands while the output is limited and the error would drive it further out.
    /// Nothing to tune. An `actual_output` pulls the integral with the integral time `kp / ki`.
    #[default]
    Conditional,
    /// The integral is pulled by the difference of limited and wanted output.
    BackCalculation {
        /// Time constant of the pull in seconds, at least one period. Shorter recovers sooner, and
        /// lets a short disturbance of P or D wipe the integral; between `kd / kp` and `kp / ki`
        /// is usual.
        tracking_time: P,
    },
}

/// Settings of a [`Pid`]: parallel form, SI units.
///
/// `u = kp (b·r − y) + ki ∫ (r − y) dt + kd d/dt (c·r − y) + ff`, with setpoint `r`, measured
/// value `y`, and the derivative behind a first-order low-pass (backward difference,
/// Åström and Hägglund, *Advanced PID Control*, 2006, ch. 3 and 13).
///
/// A controller with a *reverse* action has negative gains, all of them.
///
/// ```
/// use balance_core::control::pid::{Pid, PidConfig};
/// use balance_core::math::{Q12, Scalar};
/// let mut pid: Pid<Q12> = PidConfig { kp: 8.0, ki: 2.0, ..Default::default() }.build(0.001)?;
/// assert!(pid.step(Q12::lit(0.1), Q12::lit(0.05)).total > Q12::lit(0.4));
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
///
/// The integral is a backward (rectangular) sum. The trapezoidal (Tustin) PID with gains
/// `kp, ki, kd` and filter pole `n` (rad/s) is exactly this one with `kp − ki·dt/2`, the same `ki`
/// and `kd`, and the pole `2n / (2 − n·dt)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PidConfig<P = f32> {
    /// Output per unit of error, −1e9 to 1e9 (fixed point: ±32767). Too small: sluggish. Too
    /// large: oscillates. Default 1.
    pub kp: P,
    /// Output per unit of error and second. Too small: a constant load leaves an error for long.
    /// Too large: slow oscillation and overshoot. Zero: no integral. Default 0.
    pub ki: P,
    /// Output per unit of error rate, seconds. Too small: overshoot. Too large: noise and
    /// high-pitched oscillation. Zero: no derivative. Default 0.
    pub kd: P,
    /// b, 0 to 1: share of the setpoint that the proportional term sees. Smaller softens the
    /// answer to a setpoint step and not to a disturbance. Default 1.
    pub setpoint_weight: P,
    /// c, 0 to 1: share of the setpoint that the derivative sees. Zero: no kick when the setpoint
    /// steps. Default 0.
    pub derivative_setpoint_weight: P,
    /// Cut-off of the derivative's own low-pass in Hz; also applied to a measured rate. Lower:
    /// less noise and more lag. `None`: no filter. Default `None`.
    pub derivative_cutoff_hz: Option<P>,
    /// Smallest output. Default −1.
    pub output_min: P,
    /// Largest output, above `output_min`. Default 1: the full duty of a drive.
    pub output_max: P,
    /// Largest change of the output per second, above zero. Default `None`.
    pub slew_per_s: Option<P>,
    /// What keeps the integral from winding up. Default `Conditional`.
    pub anti_windup: AntiWindup<P>,
}

impl<P: Float> Default for PidConfig<P> {
    fn default() -> Self {
        Self {
            kp: P::one(),
            ki: P::zero(),
            kd: P::zero(),
            setpoint_weight: P::one(),
            derivative_setpoint_weight: P::zero(),
            derivative_cutoff_hz: None,
            output_min: -P::one(),
            output_max: P::one(),
            slew_per_s: None,
            anti_windup: AntiWindup::Conditional,
        }
    }
}

impl<P: Float> PidConfig<P> {
    /// Prepares a controller for a period of `dt` seconds (1 µs to 10 s), at rest.
    ///
    /// # Errors
    ///
    /// Names the field that is not finite, out of its range, or beyond the scalar type.
    pub fn build<T: Scalar<Param = P>>(&self, dt: P) -> Result<Pid<T>, ConfigError> {
        let mut pid = Pid {
            law: Law::new(self, dt)?,
            state: PidState::default(),
        };
        pid.reset();
        Ok(pid)
    }
}

/// The coefficients that depend on the period.
#[derive(Clone, Copy, Debug)]
pub(super) struct Period<T: Scalar> {
    /// `ki·h`.
    pub(super) integral: T::Gain,
    /// `−kd / (τ + h)`, of a difference of measured values.
    pub(super) difference: T::Gain,
    /// `c·kd / (τ + h)`, of a difference of setpoints.
    pub(super) setpoint: T::Gain,
    /// `−kd·α`, of a measured rate.
    pub(super) rate: T::Gain,
    /// `−α = −h / (τ + h)`, of the filtered derivative itself.
    pub(super) decay: T::Gain,
    /// `h / tracking time`, at most one.
    pub(super) tracking: T::Gain,
    /// Largest change of the output.
    pub(super) slew: T,
}

/// What the coefficients of any period are computed from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rates<P> {
    pub(super) dt: P,
    pub(super) kd: P,
    ki: P,
    setpoint_weight: P,
    filter_time: P,
    tracking_per_s: P,
    slew_per_s: P,
}

impl<P: Float> Rates<P> {
    /// Coefficients for a period of `h` seconds, `since` seconds after the last good sample.
    pub(super) fn over<T: Scalar<Param = P>>(&self, h: P, since: P) -> Period<T> {
        let time = self.filter_time + since;
        let slope = self.kd / time;
        let alpha = since / time;
        let tracking = h * self.tracking_per_s;
        Period {
            integral: T::gain(self.ki * h),
            difference: T::gain(-slope),
            setpoint: T::gain(self.setpoint_weight * slope),
            rate: T::gain(-self.kd * alpha),
            decay: T::gain(-alpha),
            tracking: T::gain(tracking.limit(P::zero(), P::one())),
            slew: T::from_param(self.slew_per_s * h),
        }
    }
    /// Whether a measured period is one; `false` for NaN.
    pub(super) fn is_period(&self, h: P) -> bool {
        h >= self.dt * P::lit(EARLIEST_PERIODS) && h <= self.longest()
    }
    pub(super) fn longest(&self) -> P {
        self.dt * P::lit(LATEST_PERIODS)
    }
}

/// The prepared controller without its state.
#[derive(Clone, Copy, Debug)]
pub(super) struct Law<T: Scalar> {
    pub(super) kp: T::Gain,
    /// `kp (1 − b)`.
    pub(super) setpoint_cut: T::Gain,
    pub(super) nominal: Period<T>,
    pub(super) rates: Rates<T::Param>,
    pub(super) low: T,
    pub(super) high: T,
    pub(super) integral_low: T,
    pub(super) integral_high: T,
    pub(super) derivative_reach: T,
    pub(super) weighted: bool,
    pub(super) integrates: bool,
    pub(super) differentiates: bool,
    pub(super) filtered: bool,
    pub(super) slews: bool,
    pub(super) reverse: bool,
    pub(super) conditional: bool,
    pub(super) tracks: bool,
}

impl<T: Scalar> Law<T> {
    pub(super) fn new(config: &PidConfig<T::Param>, dt: T::Param) -> Result<Self, ConfigError> {
        let zero = T::Param::zero();
        let one = T::Param::one();
        period(dt)?;
        let kp = gain::<T>("kp", config.kp)?;
        let ki = finite("ki", config.ki)?;
        gain::<T>("ki", ki * dt)?;
        let kd = finite("kd", config.kd)?;
        within("setpoint_weight", config.setpoint_weight, zero, one)?;
        let c = config.derivative_setpoint_weight;
        within("derivative_setpoint_weight", c, zero, one)?;
        let filter_time = match config.derivative_cutoff_hz {
            Some(cutoff) => {
                let cutoff = positive("derivative_cutoff_hz", cutoff)?;
                let time = one / (cutoff * T::Param::lit(core::f64::consts::TAU));
                within("derivative_cutoff_hz", time, zero, T::Param::lit(1e9))?
            }
            None => zero,
        };
        gain::<T>("kd", kd)?;
        gain::<T>("kd", kd / (filter_time + dt))?;

        let low = within(
            "output_min",
            config.output_min,
            T::MIN.to_param(),
            T::MAX.to_param(),
        )?;
        let high = within(
            "output_max",
            config.output_max,
            T::MIN.to_param(),
            T::MAX.to_param(),
        )?;
        if low >= high {
            return Err(ConfigError::Order("output_min", "output_max"));
        }
        let slew_per_s = match config.slew_per_s {
            Some(slew) => positive("slew_per_s", slew)?,
            None => zero,
        };
        if config.slew_per_s.is_some() && T::from_param(slew_per_s * dt) <= T::zero() {
            return Err(ConfigError::Unrepresentable("slew_per_s"));
        }
        let tracking_per_s = match config.anti_windup {
            AntiWindup::None => zero,
            // Without a P the integral time is zero: follow at once.
            AntiWindup::Conditional if kp == zero => one / dt,
            AntiWindup::Conditional => (ki / kp).magnitude().limit(zero, one / dt),
            AntiWindup::BackCalculation { tracking_time } => {
                non_negative("tracking_time", tracking_time)?;
                if tracking_time < dt {
                    return Err(ConfigError::Order("dt", "tracking_time"));
                }
                one / tracking_time
            }
        };
        let rates = Rates {
            dt,
            kd,
            ki,
            setpoint_weight: c,
            filter_time,
            tracking_per_s,
            slew_per_s,
        };
        let winds_up = config.anti_windup == AntiWindup::None;
        let reach = (high - low) * T::Param::lit(DERIVATIVE_SPANS);
        let (low, high) = (T::from_param(low), T::from_param(high));
        Ok(Self {
            kp: T::gain(kp),
            setpoint_cut: T::gain(kp * (one - config.setpoint_weight)),
            nominal: rates.over(dt, dt),
            rates,
            low,
            high,
            // Zero is always within: limits of 10..20 do not mean a bias of 10.
            integral_low: if winds_up {
                T::MIN
            } else {
                low.limit(T::MIN, T::zero())
            },
            integral_high: if winds_up {
                T::MAX
            } else {
                high.limit(T::zero(), T::MAX)
            },
            derivative_reach: T::from_param(reach.limit(zero, T::MAX.to_param())),
            weighted: config.setpoint_weight != one,
            integrates: ki != zero,
            differentiates: kd != zero,
            filtered: filter_time > zero,
            slews: config.slew_per_s.is_some(),
            reverse: ki < zero || (ki == zero && kp < zero),
            conditional: config.anti_windup == AntiWindup::Conditional,
            tracks: matches!(config.anti_windup, AntiWindup::BackCalculation { .. }),
        })
    }
}

/// Passes a coefficient on that the scalar type can hold.
pub(in crate::control) fn gain<T: Scalar>(
    name: &'static str,
    value: T::Param,
) -> Result<T::Param, ConfigError> {
    let largest = T::Param::lit(LARGEST_GAIN);
    within(name, value, -largest, largest)?;
    // Floats accept 2⁶³; whoever cannot is a fixed point type.
    let is_float = T::MAX.to_param() > T::Param::lit(1e18);
    if is_float || value.magnitude() <= T::Param::lit(LARGEST_FIXED_GAIN) {
        Ok(value)
    } else {
        Err(ConfigError::Unrepresentable(name))
    }
}
