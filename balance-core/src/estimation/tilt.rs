//! What every filter of one tilt angle gives, and the one way in which such an angle turns over.

use crate::math::Scalar;

/// Where an estimate of a tilt comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TiltStatus {
    /// No accelerometer angle has been seen yet: the angle is only the turn since the start.
    #[default]
    Waiting,
    /// Gyroscope and accelerometer agree and were both used.
    Fused,
    /// There was no usable accelerometer angle; the gyroscope carried the angle.
    GyroOnly,
    /// The accelerometer angle was too unlikely; the gyroscope carried the angle.
    Rejected,
    /// The rate or the period was unusable: the last good estimate stands.
    Held,
}

/// An estimate of one tilt angle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TiltEstimate<T> {
    /// Angle, in rad; positive leaning forward. Within ±π while accelerometer angles come.
    pub angle: T,
    /// Rate without bias, in rad/s.
    pub rate: T,
    /// Bias of the gyroscope, in rad/s; zero for a filter that does not estimate it.
    pub bias: T,
    /// What was used.
    pub status: TiltStatus,
}

/// What the measured angle has above the estimated one, in ±π.
///
/// Across the seam at ±π the estimate follows the measurement by a whole turn, so that an estimate
/// that went over the top comes back to ±π. An estimate further off than that (the gyroscope ran
/// through several turns alone) starts anew from the measurement. `None`: not an angle.
#[inline(always)]
pub(super) fn innovation<T: Scalar>(angle: &mut T::Wide, measured: T) -> Option<T> {
    let error = measured - T::narrow(*angle);
    let half_turn = T::lit(core::f64::consts::PI);
    if error.magnitude().is_above(half_turn) {
        across_the_seam(angle, measured, error)
    } else {
        Some(error)
    }
}

#[cold]
fn across_the_seam<T: Scalar>(angle: &mut T::Wide, measured: T, error: T) -> Option<T> {
    let half_turn = T::lit(core::f64::consts::PI);
    let turn = T::lit(core::f64::consts::TAU);
    if !is_angle(measured) {
        return None;
    }
    let shift = if error > T::zero() { turn } else { -turn };
    let turned = T::add_wide(*angle, shift);
    let rest = measured - T::narrow(turned);
    if rest.magnitude() > half_turn {
        *angle = measured.widen();
        Some(T::zero())
    } else {
        *angle = turned;
        Some(rest)
    }
}

/// Whether a value can be an angle of the accelerometer: within a turn of zero.
pub(super) fn is_angle<T: Scalar>(value: T) -> bool {
    value.magnitude() <= T::lit(core::f64::consts::TAU)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;

    fn seam<T: Scalar>() {
        let near = |x: T, y: f64| (x.to_param().to_f64() - y).abs() < 1e-5;
        let mut over = T::lit(3.2).widen();
        // 3.2 rad is -3.083 rad: the difference to -3.0 is small and positive.
        assert!(innovation(&mut over, T::lit(-3.0)).is_some_and(|e| near(e, 0.083_185_3)));
        assert!(near(T::narrow(over), -3.083_185_3));
        let mut far = T::lit(1000.0).widen();
        assert_eq!(innovation(&mut far, T::lit(0.5)), Some(T::zero()));
        assert_eq!(T::narrow(far), T::lit(0.5));
        let mut plain = T::lit(0.5).widen();
        assert_eq!(innovation(&mut plain, T::lit(40.0)), None);
        assert_eq!(T::narrow(plain), T::lit(0.5));
    }
    use crate::math::Float;
    #[test]
    fn an_angle_turns_over_at_half_a_turn() {
        seam::<f32>();
        seam::<f64>();
        seam::<Q12>();
    }
}
