//! The step of an MPC.

use super::MpcConfig;
use super::MpcReference;
use crate::Step;
use crate::control::design::DesignError;
use crate::math::Float;
use nalgebra::{SMatrix, SVector};

/// Share of the new in each round: the usual over-relaxation.
const RELAXATION: f64 = 1.6;

/// A model predictive controller; see [`MpcConfig`].
#[derive(Clone, Copy, Debug)]
pub struct Mpc<P: Float, const N: usize, const M: usize, const H: usize> {
    pub(super) gains: Gains<P, N, M, H>,
    pub(super) cost: Cost<P, N, M>,
    pub(super) a: SMatrix<P, N, N>,
    pub(super) b: SMatrix<P, N, M>,
    pub(super) lqr: SMatrix<P, M, N>,
    pub(super) input_min: SVector<P, M>,
    pub(super) input_max: SVector<P, M>,
    pub(super) state_min: SVector<P, N>,
    pub(super) state_max: SVector<P, N>,
    /// Whether a state has a box.
    pub(super) bounded: bool,
    pub(super) penalty: P,
    pub(super) state_penalty: SVector<P, N>,
    pub(super) input_tolerance: SVector<P, M>,
    pub(super) state_tolerance: SVector<P, N>,
    pub(super) iterations: u32,
    pub(super) state: MpcState<P, N, M, H>,
}

/// Gains of the horizon with the method's penalty, stage by stage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gains<P, const N: usize, const M: usize, const H: usize> {
    pub(super) feedback: [SMatrix<P, M, N>; H],
    /// `(R + ρ + Bᵀ P B)⁻¹`.
    pub(super) inverse: [SMatrix<P, M, M>; H],
    /// The same of the LQR.
    pub(super) unlimited_inverse: SMatrix<P, M, M>,
}

impl<P: Float, const N: usize, const M: usize, const H: usize> Default for Gains<P, N, M, H> {
    fn default() -> Self {
        Self {
            feedback: [zeros(); H],
            inverse: [zeros(); H],
            unlimited_inverse: zeros(),
        }
    }
}

/// Weights, for what a reference pulls with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost<P, const N: usize, const M: usize> {
    pub(super) q: SMatrix<P, N, N>,
    pub(super) r: SMatrix<P, M, M>,
    pub(super) last: SMatrix<P, N, N>,
}

/// How the answer of an [`Mpc`] came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MpcStatus {
    /// No limit acts within the horizon: the input is the LQR's.
    #[default]
    Unconstrained,
    /// The optimum under the limits, to the configured tolerance.
    Solved,
    /// Not solved within the configured rounds: the input is the LQR's, clamped.
    Fallback,
}

/// The output of an [`Mpc`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MpcOutput<P, const M: usize> {
    /// What to apply now, always within its box.
    pub input: [P; M],
    /// How it came about.
    pub status: MpcStatus,
    /// Rounds of the solver; zero if there was nothing to solve.
    pub iterations: u32,
    /// Whether a value was unusable and the last good input stands.
    pub held: bool,
}

/// The values of an [`Mpc`] that change: the last answer, from which the next one starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MpcState<P, const N: usize, const M: usize, const H: usize> {
    /// Inputs within their box, and the multipliers that hold them there.
    inputs: [SVector<P, M>; H],
    input_pull: [SVector<P, M>; H],
    /// The same of the states.
    states: [SVector<P, N>; H],
    state_pull: [SVector<P, N>; H],
    applied: [P; M],
    status: MpcStatus,
}

impl<P: Float, const N: usize, const M: usize, const H: usize> Default for MpcState<P, N, M, H> {
    fn default() -> Self {
        Self {
            inputs: [zeros(); H],
            input_pull: [zeros(); H],
            states: [zeros(); H],
            state_pull: [zeros(); H],
            applied: [P::zero(); M],
            status: MpcStatus::Unconstrained,
        }
    }
}

#[inline(always)]
fn zeros<P: Float, const R: usize, const C: usize>() -> SMatrix<P, R, C> {
    SMatrix::from_element(P::zero())
}

#[inline(always)]
fn boxed<P: Float, const N: usize>(
    x: &SVector<P, N>,
    low: &SVector<P, N>,
    high: &SVector<P, N>,
) -> SVector<P, N> {
    SVector::from(core::array::from_fn(|i| x[i].limit(low[i], high[i])))
}

/// Whether no element differs by more than its tolerance; `false` for NaN.
#[inline(always)]
fn near<P: Float, const N: usize>(
    x: &SVector<P, N>,
    y: &SVector<P, N>,
    tolerance: &SVector<P, N>,
) -> bool {
    let mut near = true;
    for i in 0..N {
        near &= (x[i] - y[i]).magnitude() <= tolerance[i];
    }
    near
}

impl<P: Float, const N: usize, const M: usize, const H: usize> Mpc<P, N, M, H> {
    /// The best input now, toward a state of zeros.
    #[inline]
    pub fn step(&mut self, state: &[P; N]) -> MpcOutput<P, M> {
        self.advance(state, None)
    }

    /// The best input now, along a reference.
    #[inline]
    pub fn step_toward(
        &mut self,
        state: &[P; N],
        reference: &MpcReference<P, N, M, H>,
    ) -> MpcOutput<P, M> {
        let states = reference.states.as_flattened().iter();
        if !states
            .chain(reference.inputs.as_flattened())
            .all(|x| x.is_usable())
        {
            return self.hold();
        }
        self.advance(state, Some(reference))
    }

    #[inline(always)]
    fn advance(
        &mut self,
        state: &[P; N],
        reference: Option<&MpcReference<P, N, M, H>>,
    ) -> MpcOutput<P, M> {
        if !state.iter().all(|x| x.is_usable()) {
            return self.hold();
        }
        let start = SVector::from(*state);
        let Some(wanted) = self.unlimited(&start, reference) else {
            return self.answer(self.state.inputs[0], MpcStatus::Unconstrained, 0);
        };
        self.move_on();
        for round in 1..=self.iterations {
            let pushes = self.backward(reference);
            if self.forward(&start, &pushes) {
                return self.answer(self.state.inputs[0], MpcStatus::Solved, round);
            }
        }
        if !self.is_sound() {
            self.state = MpcState::default();
        }
        let clamped = boxed(&wanted, &self.input_min, &self.input_max);
        self.answer(clamped, MpcStatus::Fallback, self.iterations)
    }

    /// What the LQR would do: its first input if a limit is in the way, else nothing, and the state
    /// is that of a solved problem.
    #[inline(always)]
    fn unlimited(
        &mut self,
        start: &SVector<P, N>,
        reference: Option<&MpcReference<P, N, M, H>>,
    ) -> Option<SVector<P, M>> {
        let mut pushes = [zeros(); H];
        if let Some(reference) = reference {
            let mut costate = -(self.cost.last * SVector::from(reference.states[H - 1]));
            for k in (0..H).rev() {
                let effort = self.cost.r * SVector::from(reference.inputs[k]);
                let pull = self.b.tr_mul(&costate) - effort;
                pushes[k] = self.gains.unlimited_inverse * pull;
                if k > 0 {
                    costate = self.a.tr_mul(&costate)
                        - self.lqr.tr_mul(&pull)
                        - self.cost.q * SVector::from(reference.states[k - 1]);
                }
            }
        }
        let mut x = *start;
        let mut inputs = [zeros(); H];
        let mut first = zeros();
        for k in 0..H {
            let u = -(self.lqr * x + pushes[k]);
            inputs[k] = u;
            if k == 0 {
                first = u;
            }
            let mut within = true;
            for i in 0..M {
                within &= u[i] >= self.input_min[i] && u[i] <= self.input_max[i];
            }
            x = self.a * x + self.b * u;
            if self.bounded {
                for i in 0..N {
                    within &= x[i] >= self.state_min[i] && x[i] <= self.state_max[i];
                }
            }
            if !within {
                return Some(first);
            }
        }
        self.state.inputs = inputs;
        self.state.input_pull = [zeros(); H];
        if self.bounded {
            self.state.state_pull = [zeros(); H];
            x = *start;
            for (state, u) in self.state.states.iter_mut().zip(&inputs) {
                x = self.a * x + self.b * u;
                *state = x;
            }
        }
        None
    }

    /// The last answer, one period later.
    fn move_on(&mut self) {
        let state = &mut self.state;
        for k in 1..H {
            state.inputs[k - 1] = state.inputs[k];
            state.input_pull[k - 1] = state.input_pull[k];
            if self.bounded {
                state.states[k - 1] = state.states[k];
                state.state_pull[k - 1] = state.state_pull[k];
            }
        }
    }

    /// From the end of the horizon to now: what each input is pushed by.
    #[inline(always)]
    fn backward(&self, reference: Option<&MpcReference<P, N, M, H>>) -> [SVector<P, M>; H] {
        let state = &self.state;
        let mut costate = zeros();
        if self.bounded {
            costate =
                -(state.states[H - 1] - state.state_pull[H - 1]).component_mul(&self.state_penalty);
        }
        if let Some(reference) = reference {
            costate -= self.cost.last * SVector::from(reference.states[H - 1]);
        }
        let mut pushes = [zeros(); H];
        for k in (0..H).rev() {
            let mut pull =
                self.b.tr_mul(&costate) - (state.inputs[k] - state.input_pull[k]) * self.penalty;
            if let Some(reference) = reference {
                pull -= self.cost.r * SVector::from(reference.inputs[k]);
            }
            pushes[k] = self.gains.inverse[k] * pull;
            if k > 0 {
                costate = self.a.tr_mul(&costate) - self.gains.feedback[k].tr_mul(&pull);
                if self.bounded {
                    costate -= (state.states[k - 1] - state.state_pull[k - 1])
                        .component_mul(&self.state_penalty);
                }
                if let Some(reference) = reference {
                    costate -= self.cost.q * SVector::from(reference.states[k - 1]);
                }
            }
        }
        pushes
    }

    /// From now to the end: inputs and states, put into their boxes; whether that changes nothing
    /// any more.
    #[inline(always)]
    fn forward(&mut self, start: &SVector<P, N>, pushes: &[SVector<P, M>; H]) -> bool {
        let mut x = *start;
        let mut settled = true;
        let (new, old) = (P::lit(RELAXATION), P::lit(1.0 - RELAXATION));
        for (k, push) in pushes.iter().enumerate() {
            let u = -(self.gains.feedback[k] * x + push);
            x = self.a * x + self.b * u;

            let last = self.state.inputs[k];
            let relaxed = u * new + last * old + self.state.input_pull[k];
            let inside = boxed(&relaxed, &self.input_min, &self.input_max);
            self.state.input_pull[k] = relaxed - inside;
            self.state.inputs[k] = inside;
            settled &= near(&u, &inside, &self.input_tolerance);
            settled &= near(&last, &inside, &self.input_tolerance);

            if self.bounded {
                let last = self.state.states[k];
                let relaxed = x * new + last * old + self.state.state_pull[k];
                let inside = boxed(&relaxed, &self.state_min, &self.state_max);
                for i in 0..N {
                    // Where there is no box there is no multiplier either.
                    let held = self.state_penalty[i] > P::zero();
                    self.state.state_pull[k][i] = if held {
                        relaxed[i] - inside[i]
                    } else {
                        P::zero()
                    };
                    self.state.states[k][i] = if held { inside[i] } else { x[i] };
                    if held {
                        settled &= (x[i] - inside[i]).magnitude() <= self.state_tolerance[i];
                        settled &= (last[i] - inside[i]).magnitude() <= self.state_tolerance[i];
                    }
                }
            }
        }
        settled
    }

    fn is_sound(&self) -> bool {
        let far = P::lit(1e15);
        let sound = |x: &P| x.magnitude() <= far;
        (0..H).all(|k| {
            self.state.inputs[k].iter().all(sound)
                && self.state.input_pull[k].iter().all(sound)
                && self.state.states[k].iter().all(sound)
                && self.state.state_pull[k].iter().all(sound)
        })
    }

    #[inline(always)]
    fn answer(
        &mut self,
        input: SVector<P, M>,
        status: MpcStatus,
        iterations: u32,
    ) -> MpcOutput<P, M> {
        if !input.iter().all(|u| u.is_finite()) {
            // A state far beyond any robot: the sums have left the range of the type.
            return self.hold();
        }
        let input = boxed(&input, &self.input_min, &self.input_max);
        self.state.applied = core::array::from_fn(|i| input[i]);
        self.state.status = status;
        MpcOutput {
            input: self.state.applied,
            status,
            iterations,
            held: false,
        }
    }

    #[cold]
    fn hold(&self) -> MpcOutput<P, M> {
        MpcOutput {
            input: self.state.applied,
            status: self.state.status,
            iterations: 0,
            held: true,
        }
    }

    /// K of the LQR that it is without limits: `u = −K x`.
    pub fn gain(&self) -> SMatrix<P, M, N> {
        self.lqr
    }

    /// Takes new settings; the search goes on from the last answer.
    ///
    /// # Errors
    ///
    /// As [`MpcConfig::build`]; the old settings then stay.
    pub fn retune(&mut self, config: &MpcConfig<P, N, M>) -> Result<(), DesignError> {
        let state = self.state;
        *self = config.build()?;
        self.restore(state);
        Ok(())
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.restore(MpcState::default());
    }

    /// The values that change.
    pub fn state(&self) -> MpcState<P, N, M, H> {
        self.state
    }

    /// Puts a state back, the inputs within their box; one with an unusable value means rest.
    pub fn restore(&mut self, state: MpcState<P, N, M, H>) {
        self.state = state;
        let usable = state.applied.iter().all(|u| u.is_usable())
            && state.inputs.iter().all(|u| u.iter().all(|u| u.is_usable()));
        if !usable || !self.is_sound() {
            self.state = MpcState::default();
        }
        for inputs in &mut self.state.inputs {
            *inputs = boxed(inputs, &self.input_min, &self.input_max);
        }
        let applied = boxed(
            &SVector::from(self.state.applied),
            &self.input_min,
            &self.input_max,
        );
        self.state.applied = core::array::from_fn(|i| applied[i]);
    }
}

impl<P: Float, const N: usize, const M: usize, const H: usize> Step for Mpc<P, N, M, H> {
    type Input = [P; N];
    type Output = MpcOutput<P, M>;
    type State = MpcState<P, N, M, H>;
    #[inline]
    fn step(&mut self, input: [P; N]) -> MpcOutput<P, M> {
        Mpc::step(self, &input)
    }
    fn state(&self) -> Self::State {
        Mpc::state(self)
    }
    fn restore(&mut self, state: Self::State) {
        Mpc::restore(self, state);
    }
}
