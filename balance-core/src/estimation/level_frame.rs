//! The inclination part of VQF: an attitude whose vertical follows the low-passed accelerometer.
//!
//! The published filter keeps two quaternions, one integrated from the gyroscope and one that
//! levels it, low-passes the accelerometer in the frame of the first, and multiplies the two. Here
//! the product alone is kept, and the low-pass lives in the level frame: each correction, which
//! turns the filtered up (x, y, z) onto the vertical, turns the states of the filter with it:
//!
//! > v_h ← v_h − s_h·(v_z + s·v/(1 + c)), v_z ← s·v + c·v_z, s = (x, y)/L, c = z/L
//!
//! A low-pass commutes with a turn of its axes, so this is the same filter with half the products. And the
//! horizontal parts of the filter, whose differences from step to step are all that counts, are
//! near zero, where `f32` is fine, instead of near g.

use super::vector_lowpass::{Intake, LowpassState};
use crate::math::vector::{inner, is_below};
use crate::math::{Quaternion, Real, Scalar};

/// What depends on the period.
#[derive(Clone, Copy, Debug)]
pub(super) struct TurnGains<T: Scalar> {
    half: T::Gain,
    /// The square of half the period.
    square: T::Gain,
}

impl<T: Scalar> TurnGains<T> {
    pub(super) fn new(dt: T::Param) -> Self {
        let half = dt * T::Param::lit(0.5);
        Self {
            half: T::gain(half),
            square: T::gain(half * half),
        }
    }
}

/// Attitude and low-passed accelerometer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LevelFrameState<T: Scalar> {
    /// From the body's axes to level ones, `[w, x, y, z]`.
    pub attitude: [T::Wide; 4],
    /// The accelerometer's low-pass, in level axes.
    pub accel: LowpassState<T, 3>,
    /// Number of readings of the accelerometer, up to those of a time constant.
    pub readings: u32,
}

impl<T: Scalar> Default for LevelFrameState<T> {
    /// Level, and nothing seen yet.
    fn default() -> Self {
        Self {
            attitude: Quaternion::<T>::identity().to_array().map(T::widen),
            accel: LowpassState::default(),
            readings: 0,
        }
    }
}

impl<T: Real> LevelFrameState<T> {
    #[inline(always)]
    pub(super) fn quaternion(&self) -> Quaternion<T> {
        Quaternion::from_array(self.attitude.map(T::narrow))
    }

    pub(super) fn is_level(&self) -> bool {
        self.readings > 0
    }

    /// Turns by a rate of one period.
    #[inline(always)]
    pub(super) fn turn(&mut self, rate: [T; 3], gains: &TurnGains<T>) {
        self.attitude = turned::<T>(self.attitude, rate, gains);
    }

    /// Takes in a specific force and levels the attitude by the filtered one; gives the horizontal
    /// part, of length sin(θ), of where up had pointed.
    #[inline(always)]
    pub(super) fn level(&mut self, accel: [T; 3], intake: &Intake<T>) -> [T; 2] {
        let attitude = self.quaternion();
        let [x, y, z] = self.accel.step(attitude.to_world(accel), intake);
        if z > T::one() && x * x + y * y < z * z * T::lit(1e-4) {
            self.correct(&Correction::small(x, y, z))
        } else {
            self.level_from_afar([x, y, z])
        }
    }

    /// A large correction; one of nearly half a turn takes two goes.
    #[cold]
    #[inline(never)]
    fn level_from_afar(&mut self, up: [T; 3]) -> [T; 2] {
        let Some(first) = Correction::any(up) else {
            return [T::zero(); 2];
        };
        let mut up = up.map(T::widen);
        first.apply(&mut up);
        let sine = self.correct(&first);
        if let Some(second) = Correction::any(up.map(T::narrow)) {
            self.correct(&second);
        }
        sine
    }

    #[inline(always)]
    fn correct(&mut self, turn: &Correction<T>) -> [T; 2] {
        turn.apply(&mut self.accel.level);
        turn.apply(&mut self.accel.swing);
        self.attitude = turn.of_quaternion(self.quaternion(), &self.attitude);
        turn.sine
    }

    /// A state that comes from elsewhere; `None` if it is not one.
    pub(super) fn sound(self) -> Option<Self> {
        let [w, x, y, z] = self.attitude.map(T::narrow);
        let square = w * w + inner([x, y, z], [x, y, z]);
        let far = T::lit(1e6);
        let sound = square > T::lit(0.5)
            && square < T::lit(1.5)
            && is_below(self.accel.level.map(T::narrow), far)
            && is_below(self.accel.swing.map(T::narrow), far);
        sound.then_some(self)
    }
}

/// An attitude turned by a rate of one period: the whole turn, not Euler's step, for q + tan(h)/h·(q ⊗ ½ω·dt)
/// with h = ½|ω|·dt has the direction of q ⊗ (cos h, sin(h)/h·½ω·dt).
#[inline(always)]
pub(super) fn turned<T: Real>(
    attitude: [T::Wide; 4],
    rate: [T; 3],
    gains: &TurnGains<T>,
) -> [T::Wide; 4] {
    let square = inner(rate, rate).scale(gains.square);
    // Four terms: 2e-8 of the angle at the end of this range, a turn of 0.35 rad in a period.
    let stretch = if square < T::lit(0.03) {
        let inner = T::lit(2.0 / 15.0) + square * T::lit(17.0 / 315.0);
        T::one() + square * (T::lit(1.0 / 3.0) + square * inner)
    } else {
        stretch_of_fast_turn(square)
    };
    let q = Quaternion::from_array(attitude.map(T::narrow));
    let change = q.times_vector(rate.map(|w| w * stretch));
    let mut later = attitude;
    for (q, change) in later.iter_mut().zip(change) {
        *q = T::accumulate(*q, gains.half, change);
    }
    T::unit_wide(later).unwrap_or(attitude)
}

/// tan(h)/h for h² from the end of the series on; a turn of more than 2.4 rad in a period counts as
/// that.
#[cold]
#[inline(never)]
fn stretch_of_fast_turn<T: Real>(square: T) -> T {
    let h = square.sqrt().limit(T::lit(0.1), T::lit(1.2));
    let (sine, cosine) = h.sin_cos();
    sine / (cosine * h)
}

/// The turn about a horizontal axis that brings a direction onto the vertical.
struct Correction<T> {
    /// Horizontal part of the direction, of length sin(θ).
    sine: [T; 2],
    /// cos(θ) − 1.
    cosine_less: T,
    /// 1 / (1 + cos(θ)).
    share: T,
    /// cos(θ/2) − 1.
    half_cosine_less: T,
    /// sin(θ/2) / sin(θ).
    half_sine: T,
}

impl<T: Real> Correction<T> {
    /// By the tangent ρ, of at most 0.01, to its fourth power.
    #[inline(always)]
    fn small(x: T, y: T, z: T) -> Self {
        let inverse = T::one() / z;
        let (tx, ty) = (x * inverse, y * inverse);
        let square = tx * tx + ty * ty;
        let to_sine = T::one() - square * T::lit(0.5);
        Self {
            sine: [tx * to_sine, ty * to_sine],
            cosine_less: square * (square * T::lit(0.375) - T::lit(0.5)),
            share: T::lit(0.5) + square * T::lit(0.125),
            half_cosine_less: square * T::lit(-0.125),
            half_sine: T::lit(0.5) + square * T::lit(0.0625),
        }
    }

    /// Of any size; what is within 0.06 rad of half a turn becomes that much less about x. `None`
    /// for a vector without direction.
    fn any(direction: [T; 3]) -> Option<Self> {
        let [x, y, z] = T::unit(direction)?;
        let half_cosine = ((T::one() + z) * T::lit(0.5)).sqrt();
        let ([x, y], half_cosine) = if half_cosine < T::lit(0.03) {
            ([T::zero(), T::lit(0.06)], T::lit(0.03))
        } else {
            ([x, y], half_cosine)
        };
        let cosine_more = half_cosine * half_cosine * T::lit(2.0);
        Some(Self {
            sine: [x, y],
            cosine_less: cosine_more - T::lit(2.0),
            share: T::one() / cosine_more,
            half_cosine_less: half_cosine - T::one(),
            half_sine: T::lit(0.5) / half_cosine,
        })
    }

    #[inline(always)]
    fn apply(&self, vector: &mut [T::Wide; 3]) {
        let [x, y, z] = vector.map(T::narrow);
        let [sx, sy] = self.sine;
        let along = sx * x + sy * y;
        let drop = z + along * self.share;
        let [wx, wy, wz] = *vector;
        *vector = [
            T::add_wide(wx, -(sx * drop)),
            T::add_wide(wy, -(sy * drop)),
            T::add_wide(wz, along + z * self.cosine_less),
        ];
    }

    /// The turn times the attitude; as a change of it, so that small ones lose nothing.
    #[inline(always)]
    fn of_quaternion(&self, q: Quaternion<T>, wide: &[T::Wide; 4]) -> [T::Wide; 4] {
        let [sx, sy] = self.sine;
        let (cx, cy) = (sy * self.half_sine, sx * self.half_sine);
        let less = self.half_cosine_less;
        let change = [
            less * q.w - cx * q.x + cy * q.y,
            less * q.x + cx * q.w - cy * q.z,
            less * q.y - cy * q.w - cx * q.z,
            less * q.z + cx * q.y + cy * q.x,
        ];
        let mut turned = *wide;
        for (q, change) in turned.iter_mut().zip(change) {
            *q = T::add_wide(*q, change);
        }
        turned
    }
}
