//! Starting and running without a sensor: align, ramp, hand over, run.
//!
//! 1. **Align**: the current is turned up slowly, first a quarter of a turn beside phase a and then
//!    along it, so that a rotor that happens to point the wrong way is moved as well.
//! 2. **Ramp**: the current vector turns faster and faster and takes the rotor along.
//!    In both, a rotor in a field of constant current would swing nearly undamped; a q current
//!    `−Δv_q / R` answers the voltage that the swing induces, which damps it as a winding on a
//!    voltage source would.
//! 3. **Hand-over**: at a speed that induces enough voltage, once the observer has agreed with the
//!    forced angle for a while, its frame takes over; the current vector stays where it is in the
//!    stator and then fades into the wanted one, which at first may be no larger than that of the
//!    start and then grows in step with the speed: an error of the resistance counts for less.
//! 4. **Run**: angle and speed come from the [flux observer](super::FluxObserver) and a
//!    [`PhaseLock`]. A magnet vector of the wrong length, an error of the lock that stays, or a
//!    speed below a third of the hand-over's means **lost**: no current is asked for until the
//!    next start.

use super::flux_observer::{FluxObserver, FluxObserverConfig};
use super::machine::Machine;
use super::transforms::{AlphaBeta, Dq};
use crate::config::{ConfigError, period, positive, within};
use crate::math::{Float, Real, Scalar, wrap_angle};
use crate::motor::coefficient::{gain, value};
use crate::motor::encoder::{PhaseLock, PhaseLockConfig};

/// Settings of a [`Sensorless`] start and run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SensorlessConfig<P = f32> {
    /// The motor.
    pub machine: Machine<P>,
    /// Current of alignment and ramp, A, above zero. Its torque should be three times what load,
    /// friction and acceleration need. Too small: the rotor is left behind; too large: heat, and
    /// errors of the resistance turn the observed angle.
    pub start_current: P,
    /// Duration of the alignment, s, above zero. Too short: the rotor still swings when the ramp
    /// begins.
    pub align_seconds: P,
    /// Electrical acceleration of the ramp, rad/s², above zero.
    pub acceleration: P,
    /// Electrical speed of the hand-over, rad/s, above zero: where speed · flux is several times
    /// what is unknown of resistance · current.
    pub handover_speed: P,
    /// Time in which the forced current fades into the wanted one, s, above zero.
    pub fade_seconds: P,
    /// Bandwidth of the lock on the observed angle, rad/s.
    pub lock_bandwidth: P,
    /// Pull of the [flux observer](FluxObserverConfig::pull).
    pub pull: P,
    /// Largest electrical speed, rad/s, above `handover_speed`.
    pub max_speed: P,
}

impl<P: Float> Default for SensorlessConfig<P> {
    /// [`SensorlessConfig::hoverboard`].
    fn default() -> Self {
        Self::hoverboard()
    }
}

impl<P: Float> SensorlessConfig<P> {
    /// For [`Machine::gimbal`].
    #[must_use]
    pub fn gimbal() -> Self {
        Self {
            machine: Machine::gimbal(),
            start_current: P::lit(0.35),
            align_seconds: P::lit(0.6),
            acceleration: P::lit(1000.0),
            handover_speed: P::lit(350.0),
            fade_seconds: P::lit(0.1),
            lock_bandwidth: P::lit(150.0),
            pull: P::lit(0.2),
            max_speed: P::lit(3000.0),
        }
    }

    /// For [`Machine::hoverboard`] with the wheel off the ground.
    #[must_use]
    pub fn hoverboard() -> Self {
        Self {
            machine: Machine::hoverboard(),
            start_current: P::lit(6.0),
            align_seconds: P::lit(0.8),
            acceleration: P::lit(300.0),
            handover_speed: P::lit(150.0),
            fade_seconds: P::lit(0.2),
            lock_bandwidth: P::lit(80.0),
            pull: P::lit(0.2),
            max_speed: P::lit(2000.0),
        }
    }

    /// For [`Machine::drone`] with its propeller.
    #[must_use]
    pub fn drone() -> Self {
        Self {
            machine: Machine::drone(),
            start_current: P::lit(5.0),
            align_seconds: P::lit(0.4),
            acceleration: P::lit(4000.0),
            handover_speed: P::lit(1000.0),
            fade_seconds: P::lit(0.05),
            lock_bandwidth: P::lit(400.0),
            pull: P::lit(0.2),
            max_speed: P::lit(20_000.0),
        }
    }

    /// Prepares a control that is stepped every `dt` seconds, idle.
    ///
    /// # Errors
    /// Names the field that is out of its range or beyond the scalar type.
    pub fn build<T: Real<Param = P>>(&self, dt: P) -> Result<Sensorless<T>, ConfigError> {
        let dt = period(dt)?;
        positive("start_current", self.start_current)?;
        positive("acceleration", self.acceleration)?;
        positive("handover_speed", self.handover_speed)?;
        within("align_seconds", self.align_seconds, dt, P::lit(100.0))?;
        within("fade_seconds", self.fade_seconds, dt, P::lit(100.0))?;
        if self.max_speed <= self.handover_speed {
            return Err(ConfigError::Order("handover_speed", "max_speed"));
        }
        let observer = FluxObserverConfig {
            machine: self.machine,
            pull: self.pull,
            min_speed: self.handover_speed * P::lit(0.5),
        };
        let lock = PhaseLockConfig {
            bandwidth: self.lock_bandwidth,
            max_speed: self.max_speed,
        };
        let m = &self.machine;
        // The damping current must not answer its own inductive voltage.
        let smoothing = P::lit(3.0) * m.inductance_q / m.resistance;
        let periods = |seconds: P| (seconds / dt).to_counts(P::one()).max(1) as u32;
        Ok(Sensorless {
            observer: observer.build(dt)?,
            lock: lock.build(dt)?,
            dt: gain::<T>("dt", dt)?,
            current: value::<T>("start_current", self.start_current)?,
            align: periods(self.align_seconds),
            align_step: gain::<T>("align_seconds", P::lit(4.0) * dt / self.align_seconds)?,
            speed_step: value::<T>("acceleration", self.acceleration)?,
            handover: value::<T>("handover_speed", self.handover_speed)?,
            fade_step: gain::<T>("fade_seconds", dt / self.fade_seconds)?,
            smooth: T::gain(P::one() - (-dt / smoothing).exp()),
            per_speed: gain::<T>("start_current", self.start_current / self.handover_speed)?,
            conductance: gain::<T>("resistance", P::one() / m.resistance)?,
            flux: gain::<T>("flux", m.flux)?,
            inductance: gain::<T>("inductance_d", m.inductance_d)?,
            patience: periods(P::lit(4.0) / self.lock_bandwidth),
            state: SensorlessState::default(),
        })
    }
}

/// What a [`Sensorless`] control is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// No current; waits for [`Sensorless::start`].
    #[default]
    Idle,
    /// The rotor is being pulled to phase a.
    Aligning,
    /// The current turns and takes the rotor along.
    Ramping,
    /// The observer's angle is in use.
    Running,
    /// The rotor did not follow or the observer lost it. No current; start again.
    Lost,
}

/// What a period takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SensorlessInput<T> {
    /// Mean voltage of the period that ends now, V: of its duties, [`clarke_three`](super::clarke_three)
    /// times the bus voltage.
    pub voltage: AlphaBeta<T>,
    /// Current now, A.
    pub current: AlphaBeta<T>,
    /// [Voltage of the current loop](super::CurrentLoopOutput::voltage) in the last period, in
    /// its frame, V.
    pub loop_voltage: Dq<T>,
    /// Wanted current once it runs, A.
    pub reference: Dq<T>,
}

/// What a period gives: the inputs of the current loop.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SensorlessOutput<T> {
    /// Electrical angle for the current loop, −π .. π.
    pub angle: T,
    /// Electrical speed, rad/s.
    pub speed: T,
    /// Reference for the current loop, A.
    pub reference: Dq<T>,
    /// By how much the frame of the angle has turned against that of the last period, rad: to be
    /// passed to [`CurrentLoop::turn_frame`](super::CurrentLoop::turn_frame). Zero but at the hand-over.
    pub frame_turn: T,
    /// What is going on.
    pub stage: Stage,
}

#[derive(Clone, Copy, Debug, Default)]
struct SensorlessState<T: Scalar> {
    stage: Stage,
    reverse: bool,
    elapsed: u32,
    /// Consecutive periods of agreement, or of doubt once it runs.
    count: u32,
    amount: T::Wide,
    angle: T::Wide,
    speed: T::Wide,
    induced: T::Wide,
    /// Current vector at the hand-over, and how much of it is left.
    forced: Dq<T>,
    fade: T::Wide,
    output: SensorlessOutput<T>,
}

/// Starting and running without a sensor; see the [module](super::SensorlessConfig).
#[derive(Clone, Copy, Debug)]
pub struct Sensorless<T: Scalar> {
    observer: FluxObserver<T>,
    lock: PhaseLock<T>,
    dt: T::Gain,
    current: T,
    align: u32,
    align_step: T::Gain,
    speed_step: T,
    handover: T,
    fade_step: T::Gain,
    smooth: T::Gain,
    /// Current per speed that the observer stands.
    per_speed: T::Gain,
    conductance: T::Gain,
    flux: T::Gain,
    inductance: T::Gain,
    patience: u32,
    state: SensorlessState<T>,
}

impl<T: Real> Sensorless<T> {
    /// Begins a start, forward or in reverse, whatever is going on.
    ///
    /// The alignment needs a rotor that nearly stands: after [`Stage::Lost`] at speed, brake first
    /// (equal duties short the phases) until the currents have died down.
    pub fn start(&mut self, reverse: bool) {
        self.observer.reset();
        self.lock.reset();
        self.state = SensorlessState {
            stage: Stage::Aligning,
            reverse,
            ..SensorlessState::default()
        };
    }

    /// No more current; [`Stage::Idle`].
    pub fn stop(&mut self) {
        self.state = SensorlessState::default();
    }

    /// What is going on.
    pub fn stage(&self) -> Stage {
        self.state.stage
    }

    /// The last output.
    pub fn output(&self) -> SensorlessOutput<T> {
        self.state.output
    }

    /// The magnet's vector, as long as the flux is over the believed one while all is well.
    pub fn magnet(&self) -> AlphaBeta<T> {
        self.observer.magnet()
    }

    /// Advances by one period; its cost differs by a factor of two between the stages.
    ///
    /// With an unusable input the last output stands.
    pub fn step(&mut self, input: &SensorlessInput<T>) -> SensorlessOutput<T> {
        let all = input.voltage.alpha
            + input.voltage.beta
            + input.current.alpha
            + input.current.beta
            + input.loop_voltage.d
            + input.loop_voltage.q
            + input.reference.d
            + input.reference.q;
        if !all.is_usable() {
            return self.state.output;
        }
        self.state.elapsed = self.state.elapsed.saturating_add(1);
        self.state.output = match self.state.stage {
            Stage::Idle | Stage::Lost => SensorlessOutput {
                stage: self.state.stage,
                ..SensorlessOutput::default()
            },
            Stage::Aligning => self.align(input),
            Stage::Ramping => self.ramp(input),
            Stage::Running => self.run(input),
        };
        self.state.output
    }

    fn signed(&self, x: T) -> T {
        if self.state.reverse { -x } else { x }
    }

    fn align(&mut self, input: &SensorlessInput<T>) -> SensorlessOutput<T> {
        let damping = self.damping(input.loop_voltage.q);
        let s = &mut self.state;
        // Up in the first quarter of the time, then half a time each beside and along phase a.
        s.amount = T::accumulate(s.amount, self.align_step, self.current);
        if T::narrow(s.amount) > self.current {
            s.amount = self.current.widen();
        }
        let beside = s.elapsed < self.align / 2;
        let angle = if beside {
            T::PI * T::lit(-0.5)
        } else {
            T::zero()
        };
        if s.elapsed == self.align / 2 {
            // Another frame: its voltage has to be learnt anew.
            s.induced = T::zero().widen();
        }
        if s.elapsed >= self.align {
            s.stage = Stage::Ramping;
            s.angle = T::zero().widen();
            // The alignment has told where the magnet is.
            let along = AlphaBeta {
                alpha: self.current,
                beta: T::zero(),
            };
            self.observer.reset_to(T::zero(), along);
        }
        let amount = T::narrow(self.state.amount);
        SensorlessOutput {
            angle: self.signed(angle),
            speed: T::zero(),
            reference: Dq::new(amount, damping),
            frame_turn: T::zero(),
            stage: self.state.stage,
        }
    }

    /// The q current that answers a voltage induced by a swing, as a winding on a voltage source
    /// would.
    fn damping(&mut self, voltage: T) -> T {
        let off = voltage - T::narrow(self.state.induced);
        self.state.induced = T::accumulate(self.state.induced, self.smooth, off);
        let bound = self.current.halved();
        -T::narrow(self.state.induced)
            .scale(self.conductance)
            .limit(-bound, bound)
    }

    /// Whether the magnet's vector is as long as it has learnt to be; an inductance that is off by a
    /// third shortens it by as much as half at full current.
    fn observe(&mut self, input: &SensorlessInput<T>, speed: T) -> bool {
        let magnet = self.observer.step(input.voltage, input.current, speed);
        let square = magnet.alpha * magnet.alpha + magnet.beta * magnet.beta;
        self.lock.step_vector(magnet);
        let learnt = self.observer.square();
        square > learnt * T::lit(0.25) && square < learnt * T::lit(2.5)
    }

    fn ramp(&mut self, input: &SensorlessInput<T>) -> SensorlessOutput<T> {
        let speed = self.signed(T::narrow(self.state.speed));
        let whole = self.observe(input, speed);
        let s = &mut self.state;
        // At the hand-over speed it waits for the observer, a little faster each period so that a
        // doubtful agreement is tried again elsewhere.
        let step = if T::narrow(s.speed) < self.handover {
            self.speed_step
        } else {
            self.speed_step * T::lit(0.3)
        };
        s.speed = T::accumulate(s.speed, self.dt, step);
        let magnitude = T::narrow(s.speed);
        let speed = self.signed(magnitude);
        let moved = T::accumulate(self.state.angle, self.dt, speed);
        self.state.angle = wrapped::<T>(moved);
        let angle = T::narrow(self.state.angle);

        // The q voltage beyond what this speed and current explain is the swing's.
        let expected = speed.scale(self.flux) + speed.scale(self.inductance) * self.current;
        let damping = self.damping(input.loop_voltage.q - expected);

        let lock = self.lock.output();
        let slip = wrap_angle(angle - lock.angle);
        // The current leads the rotor by less than a right angle, or it would have been lost.
        let lead = self.signed(slip);
        let agrees = magnitude >= self.handover
            && whole
            && (lock.speed - speed).magnitude() < self.handover * T::lit(0.2)
            && lead > T::lit(-0.6)
            && lead < T::lit(1.5);
        self.state.count = if agrees {
            self.state.count.saturating_add(1)
        } else {
            0
        };
        let reference = Dq::new(self.current, damping);
        if self.state.count > self.patience {
            return self.hand_over(input, reference, slip);
        }
        if magnitude > self.handover * T::lit(1.5) {
            self.state.stage = Stage::Lost;
        }
        SensorlessOutput {
            angle,
            speed,
            reference,
            frame_turn: T::zero(),
            stage: self.state.stage,
        }
    }

    /// From the forced frame, which leads the observed one by `slip`, to the observed one.
    fn hand_over(
        &mut self,
        input: &SensorlessInput<T>,
        reference: Dq<T>,
        slip: T,
    ) -> SensorlessOutput<T> {
        let forced = super::Rotation::of(slip).inverse_park(reference);
        let s = &mut self.state;
        s.stage = Stage::Running;
        s.count = 0;
        s.forced = Dq::new(forced.alpha, forced.beta);
        s.fade = T::one().widen();
        let lock = self.lock.output();
        SensorlessOutput {
            angle: lock.angle,
            speed: lock.speed,
            reference: self.faded(input.reference),
            frame_turn: -slip,
            stage: Stage::Running,
        }
    }

    /// The wanted current within what the observer stands at this speed, and what is left of the
    /// forced one. An error of the resistance turns the angle by `ΔR · i / (speed · ψ)`.
    fn faded(&self, wanted: Dq<T>) -> Dq<T> {
        let stands = self.lock.output().speed.magnitude().scale(self.per_speed);
        let most = if stands > self.current {
            stands
        } else {
            self.current
        };
        let wanted = Dq::new(wanted.d.limit(-most, most), wanted.q.limit(-most, most));
        let fade = T::narrow(self.state.fade);
        let mix = |forced: T, wanted: T| wanted + (forced - wanted) * fade;
        Dq::new(
            mix(self.state.forced.d, wanted.d),
            mix(self.state.forced.q, wanted.q),
        )
    }

    fn run(&mut self, input: &SensorlessInput<T>) -> SensorlessOutput<T> {
        let before = self.lock.output().speed;
        let whole = self.observe(input, before);
        let lock = self.lock.output();
        let s = &mut self.state;
        s.fade = T::accumulate(s.fade, self.fade_step, -T::one());
        if T::narrow(s.fade) < T::zero() {
            s.fade = T::zero().widen();
        }
        let slowest = self.handover * T::lit(0.33);
        let doubtful =
            !whole || lock.error.magnitude() > T::lit(0.7) || lock.speed.magnitude() < slowest;
        s.count = if doubtful {
            s.count.saturating_add(1)
        } else {
            0
        };
        if s.count > self.patience {
            s.stage = Stage::Lost;
            return SensorlessOutput {
                stage: Stage::Lost,
                ..SensorlessOutput::default()
            };
        }
        SensorlessOutput {
            angle: lock.angle,
            speed: lock.speed,
            reference: self.faded(input.reference),
            frame_turn: T::zero(),
            stage: Stage::Running,
        }
    }
}

/// One turn less or more, in the wide form.
fn wrapped<T: Real>(angle: T::Wide) -> T::Wide {
    let value = T::narrow(angle);
    if value >= T::PI {
        T::add_wide(angle, -T::TAU)
    } else if value < -T::PI {
        T::add_wide(angle, T::TAU)
    } else {
        angle
    }
}

#[cfg(test)]
mod tests;
