//! Pole placement for one input: the state feedback that gives the loop the poles one asks for.
//!
//! Ackermann's formula inverts the controllability matrix, whose columns point the same way sooner
//! with every state. Here the model is first turned, by reflections, to where the input drives the
//! first state alone and each state only its neighbour: a Hessenberg form. There the last row of
//! that inverse is a single number, and the gain is the last row of `p(A)` over the product of the
//! couplings, with `p` applied pole by pole (G. Miminis, C. Paige, "An algorithm for pole assignment
//! of time invariant linear systems", International Journal of Control 35, 1982, work in the same
//! form). A coupling that is rounding noise is the error `NotControllable`.

use super::DesignError;
use super::discretise::{ContinuousModel, DiscreteModel};
use super::matrix::{Matrix, finite, largest, narrowed};
use crate::math::{Float, Real, Scalar};
use nalgebra::{SMatrix, SVector};

/// A wanted pole, or a pair of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pole<P> {
    /// One real pole.
    Real(P),
    /// The two poles `real ± i·imaginary`.
    Pair {
        /// Real part.
        real: P,
        /// Imaginary part.
        imaginary: P,
    },
}

impl<P: Float> Pole<P> {
    /// The pair of an oscillation of `frequency` rad/s that fades with the damping ratio `damping`
    /// (0 to 1), in continuous time.
    #[must_use]
    pub fn damped(frequency: P, damping: P) -> Self {
        Self::Pair {
            real: -frequency * damping,
            imaginary: frequency * (P::one() - damping * damping).sqrt(),
        }
    }

    fn widened(self) -> Pole<f64> {
        match self {
            Self::Real(real) => Pole::Real(real.to_f64()),
            Self::Pair { real, imaginary } => Pole::Pair {
                real: real.to_f64(),
                imaginary: imaginary.to_f64(),
            },
        }
    }
}

impl Pole<f64> {
    /// The pole `e^(s dt)` of the sampled loop.
    fn sampled(self, dt: f64) -> Self {
        match self {
            Self::Real(real) => Self::Real(Float::exp(real * dt)),
            Self::Pair { real, imaginary } => {
                let (sin, cos) = Real::sin_cos(imaginary * dt);
                let radius = Float::exp(real * dt);
                Self::Pair {
                    real: radius * cos,
                    imaginary: radius * sin,
                }
            }
        }
    }

    /// `row · (A − pole)`, of both poles of a pair.
    fn applied<const N: usize>(self, row: &Matrix<1, N>, a: &Matrix<N, N>) -> Matrix<1, N> {
        match self {
            Self::Real(real) => row * a - row * real,
            Self::Pair { real, imaginary } => {
                let once = row * a - row * real;
                once * a - once * real + row * (imaginary * imaginary)
            }
        }
    }

    fn count(self) -> usize {
        match self {
            Self::Real(_) => 1,
            Self::Pair { .. } => 2,
        }
    }

    /// Upper bound of the growth by [`Self::applied`].
    fn reach(self, norm: f64) -> f64 {
        match self {
            Self::Real(real) => norm + real.magnitude(),
            Self::Pair { real, imaginary } => {
                let once = norm + real.magnitude();
                once * once + imaginary * imaginary
            }
        }
    }
}

/// The gain K for which `A − b K` has the given poles, N in all.
///
/// Model and poles are both in seconds or both in periods; for a sampled loop in `f32` prefer
/// [`place_poles_sampled`].
///
/// ```
/// use balance_core::control::design::{Pole, place_poles};
/// use nalgebra::{Matrix2, Vector2};
/// let (a, b) = (Matrix2::new(0.0, 1.0, 0.0, 0.0), Vector2::new(0.0, 1.0));
/// let gain = place_poles(&a, &b, &[Pole::damped(10.0, 0.5)])?;
/// assert!((gain[0] - 100.0_f64).abs() < 1e-9 && (gain[1] - 10.0).abs() < 1e-9);
/// # Ok::<(), balance_core::control::design::DesignError>(())
/// ```
///
/// # Errors
///
/// `NonFinite` with the name of an argument; `OutOfRange("poles")` for another number than N;
/// `NotControllable`; `DidNotConverge` if the poles of the loop are not the wanted ones to the
/// accuracy of `f64`.
pub fn place_poles<P: Float, const N: usize>(
    a: &SMatrix<P, N, N>,
    b: &SVector<P, N>,
    poles: &[Pole<P>],
) -> Result<SMatrix<P, 1, N>, DesignError> {
    let (a, b) = (finite("a", a)?, finite("b", b)?);
    let gain = place(
        &a,
        &b,
        poles.iter().map(|pole| pole.widened()),
        rounding::<P>(),
    )?;
    narrowed("gain", &gain)
}

/// The gain K for which the model, held and fed back every `dt` seconds, has the poles `e^(s dt)`;
/// the poles `s` are in rad/s, in continuous time.
///
/// # Errors
///
/// As [`place_poles`] and [`ContinuousModel::discretise`].
pub fn place_poles_sampled<P: Float, const N: usize>(
    model: &ContinuousModel<P, N, 1>,
    poles: &[Pole<P>],
    dt: P,
) -> Result<SMatrix<P, 1, N>, DesignError> {
    let (a, b, dt) = model.sampled(dt)?;
    let poles = poles.iter().map(|pole| pole.widened().sampled(dt));
    narrowed("gain", &place(&a, &b, poles, rounding::<f64>())?)
}

/// The gain L of an observer `x̂ = A x̂ + B u; x̂ += L (y − C x̂)` whose error fades with the poles
/// `e^(s dt)`; the poles `s` are in rad/s, in continuous time, N in all.
///
/// It is the placement for the transposed model, of which the measurement after a period, `C A`, is
/// the input.
///
/// # Errors
///
/// As [`place_poles`]; `NotDetectable` where the measured value does not show every state.
pub fn place_observer_poles<P: Float, const N: usize, const M: usize>(
    model: &DiscreteModel<P, N, M>,
    c: &SMatrix<P, 1, N>,
    poles: &[Pole<P>],
) -> Result<SVector<P, N>, DesignError> {
    let (a, c) = (finite("a", &model.a)?, finite("c", c)?);
    let dt = model.dt.to_f64();
    if !(1e-6..=10.0).contains(&dt) {
        return Err(DesignError::OutOfRange("dt"));
    }
    let poles = poles.iter().map(|pole| pole.widened().sampled(dt));
    let gain = place(&a.transpose(), &(c * a).transpose(), poles, rounding::<P>());
    let gain = gain.map_err(|error| match error {
        DesignError::NotControllable => DesignError::NotDetectable,
        other => other,
    })?;
    narrowed("gain", &gain.transpose())
}

/// What rounding of the parameters may leave where a zero belongs, of the largest element.
fn rounding<P: Float>() -> f64 {
    let single = P::one() + P::lit(1e-9) == P::one();
    if single { 1e-6 } else { 1e-14 }
}

fn place<const N: usize>(
    a: &Matrix<N, N>,
    b: &Matrix<N, 1>,
    poles: impl Iterator<Item = Pole<f64>> + Clone,
    rounding: f64,
) -> Result<Matrix<1, N>, DesignError> {
    if N == 0 || poles.clone().map(Pole::count).sum::<usize>() != N {
        return Err(DesignError::OutOfRange("poles"));
    }
    let (h, turn, push) = hessenberg(a, b);
    let scale = largest(a) * N as f64;
    let mut couplings = push;
    for k in 1..N {
        let coupling = h[(k, k - 1)];
        if coupling.magnitude() <= rounding * scale {
            return Err(DesignError::NotControllable);
        }
        couplings *= coupling;
    }
    if couplings == 0.0 {
        return Err(DesignError::NotControllable);
    }
    let mut row = Matrix::<1, N>::zeros();
    row[N - 1] = 1.0;
    for pole in poles.clone() {
        row = pole.applied(&row, &h);
    }
    let gain = row / couplings;
    if !gain.iter().all(|k| Float::is_finite(*k)) {
        return Err(DesignError::NonFinite("poles"));
    }
    if is_placed(&h, &gain, push, poles) {
        Ok(gain * turn)
    } else {
        Err(DesignError::DidNotConverge)
    }
}

/// Whether the wanted polynomial of the closed loop vanishes (Cayley and Hamilton), compared with
/// that of the open one and with what rounding leaves of it.
fn is_placed<const N: usize>(
    h: &Matrix<N, N>,
    gain: &Matrix<1, N>,
    push: f64,
    poles: impl Iterator<Item = Pole<f64>>,
) -> bool {
    let mut closed = *h;
    for j in 0..N {
        closed[(0, j)] -= push * gain[j];
    }
    // Transposed, because the vector that reaches everything is the first column.
    let (closed, open) = (closed.transpose(), h.transpose());
    let mut left = Matrix::<1, N>::zeros();
    left[0] = 1.0;
    let (mut before, mut bound) = (left, 1.0);
    let norm = largest(&closed) * N as f64;
    for pole in poles {
        left = pole.applied(&left, &closed);
        before = pole.applied(&before, &open);
        bound *= pole.reach(norm);
    }
    largest(&left) <= 1e-6 * largest(&before) + 1e-15 * bound
}

/// `T A Tᵀ` in Hessenberg form, the orthogonal T, and the first and only element of `T b`.
fn hessenberg<const N: usize>(
    a: &Matrix<N, N>,
    b: &Matrix<N, 1>,
) -> (Matrix<N, N>, Matrix<N, N>, f64) {
    let (mut h, mut turn) = (*a, Matrix::identity());
    let mut push = 0.0;
    let mut column = *b;
    for k in 0..N {
        // Reflects the rest of the column, from k on, onto its first element.
        let size = (k..N).fold(0.0, |sum, i| sum + column[i] * column[i]);
        let size = Real::sqrt(size);
        let mut mirror = Matrix::<N, 1>::zeros();
        for i in k..N {
            mirror[i] = column[i];
        }
        // Away from zero, so that nothing cancels.
        let onto = if mirror[k] < 0.0 { size } else { -size };
        mirror[k] -= onto;
        let square = mirror.norm_squared();
        if k == 0 {
            push = onto;
        }
        if square > 0.0 {
            let double = mirror * (2.0 / square);
            h -= double * (mirror.transpose() * h);
            h -= (h * mirror) * double.transpose();
            turn -= double * (mirror.transpose() * turn);
        }
        column = h.column(k).into_owned();
    }
    (h, turn, push)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{Matrix2, Matrix4, RowVector4, Vector2, Vector4};

    fn pendulum<P: Float>() -> ContinuousModel<P, 4, 1> {
        #[rustfmt::skip]
        let a = Matrix4::new(
            0.0, 1.0, 0.0,  0.0,
            0.0, -0.2, 2.7, 0.0,
            0.0, 0.0, 0.0,  1.0,
            0.0, -0.5, 31.0, 0.0,
        );
        ContinuousModel {
            a: a.map(P::lit),
            b: Vector4::new(0.0, 1.8, 0.0, 4.5).map(P::lit),
        }
    }

    /// Coefficients of the characteristic polynomial, by Faddeev and Leverrier.
    fn characteristic(a: &Matrix4<f64>) -> [f64; 4] {
        let mut m = Matrix4::identity();
        core::array::from_fn(|k| {
            let turned = a * m;
            let c = -turned.trace() / (k as f64 + 1.0);
            m = turned + Matrix4::identity() * c;
            c
        })
    }

    #[test]
    fn the_loop_has_the_poles() {
        fn check<P: Float>(tolerance: f64) {
            let model = pendulum::<P>();
            let poles = [
                Pole::damped(P::lit(5.0), P::lit(0.6)),
                Pole::Real(P::lit(-8.0)),
                Pole::Real(P::lit(-9.0)),
            ];
            let gain = place_poles(&model.a, &model.b, &poles).unwrap();
            let wide = pendulum::<f64>();
            let gain: RowVector4<f64> = gain.map(P::to_f64);
            let own = characteristic(&(wide.a - wide.b * gain));
            // (s² + 6 s + 25) (s² + 17 s + 72)
            for (own, wanted) in own.iter().zip([23.0, 199.0, 857.0, 1800.0]) {
                assert!((own / wanted - 1.0).abs() < tolerance, "{own} {wanted}");
            }
        }
        check::<f64>(1e-12);
        check::<f32>(2e-6);
    }

    #[test]
    fn the_sampled_loop_is_the_continuous_one_at_a_short_period() {
        let model = pendulum::<f32>();
        let poles = [Pole::damped(5.0, 0.6), Pole::Real(-8.0), Pole::Real(-9.0)];
        let gain = place_poles(&model.a, &model.b, &poles).unwrap();
        let sampled = place_poles_sampled(&model, &poles, 1e-5).unwrap();
        assert!((gain - sampled).amax() < 1e-3 * gain.amax());
    }

    #[test]
    fn says_what_is_missing() {
        let apart = Matrix2::new(-1.0, 0.0, 0.0, -2.0);
        let (sin, cos) = libm::sincos(0.7);
        let turn = Matrix2::new(cos, -sin, sin, cos);
        let (a, b) = (
            turn * apart * turn.transpose(),
            turn * Vector2::new(1.0, 0.0),
        );
        let poles = [Pole::Real(-3.0), Pole::Real(-4.0)];
        assert_eq!(
            place_poles(&a, &b, &poles),
            Err(DesignError::NotControllable)
        );
        let (a, b, poles) = (
            a.map(|x| x as f32),
            b.map(|x| x as f32),
            [Pole::Real(-3.0_f32), Pole::Real(-4.0)],
        );
        assert_eq!(
            place_poles(&a, &b, &poles),
            Err(DesignError::NotControllable)
        );
        assert_eq!(
            place_poles(&a, &Vector2::zeros(), &poles),
            Err(DesignError::NotControllable)
        );
        assert_eq!(
            place_poles(&a, &b, &poles[..1]),
            Err(DesignError::OutOfRange("poles"))
        );
        let unclear = [Pole::Real(f32::NAN), Pole::Real(-4.0)];
        let b = Vector2::new(1.0, 0.0);
        assert_eq!(
            place_poles(&a, &b, &unclear),
            Err(DesignError::NonFinite("poles"))
        );
    }
}
