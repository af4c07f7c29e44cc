//! Two PIDs, one commanding the other.
//!
//! The outer loop (position, speed, tilt) runs every n-th tick and its output is the setpoint of
//! the inner loop (speed, tilt, current), which runs at every tick. When the inner loop is at a
//! limit, the outer integral does not move further that way: without this it winds up unseen,
//! because its own output is far from its own limits.
//!
//! Sign: the outer gains decide how the inner setpoint answers; on a two-wheeled robot that is to
//! drive forward the tilt setpoint grows with the speed error.

use super::pid::{Mode, Pid, PidConfig, PidInput, PidOutput, PidState};
use crate::config::ConfigError;
use crate::math::{Float, Scalar};
use crate::step::Step;

/// Settings of a [`Cascade`].
///
/// Tune the inner loop first, with the outer in [`Cascade::set_manual`] or its gains at zero; then
/// the outer one, three to ten times slower.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CascadeConfig<P = f32> {
    /// The slow loop; its output limits bound the inner setpoint.
    pub outer: PidConfig<P>,
    /// The fast loop.
    pub inner: PidConfig<P>,
    /// The outer loop runs at every so many ticks, 1 to 1000. Default 5.
    pub outer_every: u16,
}

impl<P: Float> Default for CascadeConfig<P> {
    fn default() -> Self {
        Self {
            outer: PidConfig::default(),
            inner: PidConfig::default(),
            outer_every: 5,
        }
    }
}

impl<P: Float> CascadeConfig<P> {
    /// Prepares both loops; `dt` is the period of a tick, and `outer_every · dt` may be 10 s at
    /// most.
    ///
    /// # Errors
    ///
    /// Those of [`PidConfig::build`], or `outer_every` out of its range.
    pub fn build<T: Scalar<Param = P>>(&self, dt: P) -> Result<Cascade<T>, ConfigError> {
        if !(1..=1000).contains(&self.outer_every) {
            return Err(ConfigError::OutOfRange("outer_every"));
        }
        Ok(Cascade {
            outer: self.outer.build(dt * P::lit(f64::from(self.outer_every)))?,
            inner: self.inner.build(dt)?,
            every: self.outer_every,
            dt,
            wait: 0,
            elapsed: None,
        })
    }
}

/// Two PIDs, one commanding the other; see [`CascadeConfig`].
///
/// ```
/// use balance_core::control::cascade::{Cascade, CascadeConfig};
/// let mut cascade: Cascade<f32> = CascadeConfig::default().build(0.001)?;
/// let out = cascade.step(1.0, 0.5, 0.0);
/// assert_eq!(out.inner.total, 0.5); // kp = 1 twice
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Cascade<T: Scalar> {
    outer: Pid<T>,
    inner: Pid<T>,
    every: u16,
    dt: T::Param,
    wait: u16,
    elapsed: Option<T::Param>,
}

/// What goes into a step of a [`Cascade`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CascadeInput<T: Scalar> {
    /// For the outer loop. Its `downstream` is found out by the cascade, and its `dt`, where
    /// absent, is the sum of the inner ones.
    pub outer: PidInput<T>,
    /// For the inner loop; its `setpoint` is replaced by the outer output.
    pub inner: PidInput<T>,
}

/// What comes out of a step of a [`Cascade`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CascadeOutput<T> {
    /// The outer loop; between its ticks, the last one.
    pub outer: PidOutput<T>,
    /// The inner loop; its `total` goes to the actuator.
    pub inner: PidOutput<T>,
}

/// The values of a [`Cascade`] that change.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CascadeState<T: Scalar> {
    /// The outer loop's.
    pub outer: PidState<T>,
    /// The inner loop's.
    pub inner: PidState<T>,
    /// Ticks until the outer loop runs.
    pub wait: u16,
    /// Measured seconds since the outer loop ran.
    pub elapsed: Option<T::Param>,
}

impl<T: Scalar> Cascade<T> {
    /// Advances by one tick: wanted and measured value of the outer loop, measured value of the
    /// inner one.
    #[inline]
    pub fn step(&mut self, setpoint: T, outer_measured: T, inner_measured: T) -> CascadeOutput<T> {
        self.step_with(&CascadeInput {
            outer: PidInput::new(setpoint, outer_measured),
            inner: PidInput::new(T::zero(), inner_measured),
        })
    }

    /// Advances by one tick with all that is known.
    #[inline]
    pub fn step_with(&mut self, input: &CascadeInput<T>) -> CascadeOutput<T> {
        if self.elapsed.is_some() || input.inner.dt.is_some() {
            self.count_time(input.inner.dt);
        }
        let outer = if self.wait == 0 {
            self.wait = self.every;
            self.step_outer(input)
        } else {
            self.outer.output()
        };
        self.wait = self.wait.saturating_sub(1);
        let inner = self.inner.step_with(&PidInput {
            setpoint: outer.total,
            ..input.inner
        });
        CascadeOutput { outer, inner }
    }

    /// Adds a period up; those ahead of the first measured one were nominal.
    #[cold]
    fn count_time(&mut self, dt: Option<T::Param>) {
        let ticks = self.every.saturating_sub(self.wait.saturating_add(1));
        let before = self
            .elapsed
            .unwrap_or(self.dt * T::Param::lit(f64::from(ticks)));
        self.elapsed = Some(before + dt.unwrap_or(self.dt));
    }

    fn step_outer(&mut self, input: &CascadeInput<T>) -> PidOutput<T> {
        let elapsed = self.elapsed.take();
        let inner = self.inner.output();
        if inner.mode == Mode::Manual && input.inner.measured.is_usable() {
            // Command what is: no error waits for the inner loop when it takes over.
            self.outer.set_manual(input.inner.measured);
        }
        let downstream = if self.inner.is_reverse() {
            inner.saturated.inverted()
        } else {
            inner.saturated
        };
        self.outer.step_with(&PidInput {
            downstream,
            dt: input.outer.dt.or(elapsed),
            ..input.outer
        })
    }

    /// Takes new settings without a jump of either output; the ticks' period stays, and
    /// `outer_every` must not change.
    ///
    /// # Errors
    ///
    /// As [`CascadeConfig::build`]; the old settings of both loops then stay.
    pub fn retune(&mut self, config: &CascadeConfig<T::Param>) -> Result<(), ConfigError> {
        if config.outer_every != self.every {
            return Err(ConfigError::OutOfRange("outer_every"));
        }
        let mut outer = self.outer;
        outer.retune(&config.outer)?;
        self.inner.retune(&config.inner)?;
        self.outer = outer;
        Ok(())
    }

    /// Lets somebody else decide on the actuator; both loops follow, ready to take over.
    pub fn set_manual(&mut self, output: T) {
        self.inner.set_manual(output);
    }

    /// Takes over, from the output that stands.
    pub fn set_automatic(&mut self) {
        self.outer.set_automatic();
        self.inner.set_automatic();
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.restore(CascadeState::default());
    }

    /// The values that change.
    pub fn state(&self) -> CascadeState<T> {
        CascadeState {
            outer: self.outer.state(),
            inner: self.inner.state(),
            wait: self.wait,
            elapsed: self.elapsed,
        }
    }

    /// Puts a state back; see [`Pid::restore`].
    pub fn restore(&mut self, state: CascadeState<T>) {
        self.outer.restore(state.outer);
        self.inner.restore(state.inner);
        self.wait = state.wait.min(self.every);
        self.elapsed = state.elapsed.filter(|s| s.is_usable());
    }
}

impl<T: Scalar> Step for Cascade<T> {
    type Input = CascadeInput<T>;
    type Output = CascadeOutput<T>;
    type State = CascadeState<T>;
    #[inline]
    fn step(&mut self, input: CascadeInput<T>) -> CascadeOutput<T> {
        self.step_with(&input)
    }
    fn state(&self) -> CascadeState<T> {
        Cascade::state(self)
    }
    fn restore(&mut self, state: CascadeState<T>) {
        Cascade::restore(self, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::pid::Saturation;
    use crate::math::Q12;

    fn config<P: Float>() -> CascadeConfig<P> {
        CascadeConfig {
            outer: PidConfig {
                kp: P::lit(2.0),
                ki: P::lit(1.0),
                output_min: P::lit(-50.0),
                output_max: P::lit(50.0),
                ..Default::default()
            },
            inner: PidConfig {
                kp: P::lit(0.5),
                ki: P::lit(5.0),
                ..Default::default()
            },
            outer_every: 4,
        }
    }

    /// Position loop over a speed loop over a motor (first order, 10 rad/s per unit, 50 ms).
    fn drive<T: Scalar>(stuck_ticks: usize) -> (f64, f64, f64) {
        let mut cascade: Cascade<T> = config::<T::Param>().build(T::Param::lit(0.001)).unwrap();
        let (mut position, mut speed, mut peak, mut worst_integral) = (0.0_f64, 0.0, 0.0, 0.0);
        for tick in 0..stuck_ticks + 15_000 {
            let out = cascade.step(T::lit(1.0), T::lit(position), T::lit(speed));
            let u = out.inner.total.to_param().to_f64();
            let stuck = tick < stuck_ticks;
            speed = if stuck {
                0.0
            } else {
                speed + 0.001 / 0.05 * (10.0 * u - speed)
            };
            position += 0.001 * speed;
            peak = f64::max(peak, position);
            worst_integral = f64::max(worst_integral, out.outer.i.to_param().to_f64());
        }
        (position, peak, worst_integral)
    }

    #[test]
    fn reaches_the_setpoint_and_a_stuck_inner_loop_does_not_wind_the_outer_up() {
        fn check<T: Scalar>() {
            let (free, peak, _) = drive::<T>(0);
            assert!((free - 1.0).abs() < 0.01, "{}: {free}", T::NAME);
            // Ten seconds of error 1 would be an integral of 10 and an overshoot of metres.
            let (end, stuck_peak, integral) = drive::<T>(10_000);
            assert!((end - 1.0).abs() < 0.02, "{}: {end}", T::NAME);
            assert!(stuck_peak < peak + 0.25, "{}: {stuck_peak} {peak}", T::NAME);
            assert!(integral < 1.5, "{}: {integral}", T::NAME);
        }
        check::<f32>();
        check::<f64>();
        check::<Q12>();
    }

    #[test]
    fn outer_runs_at_every_nth_tick() {
        let mut cascade: Cascade<f64> = config().build(0.001).unwrap();
        for tick in 0..12 {
            let out = cascade.step(f64::from(tick), 0.0, 0.0);
            assert_eq!(out.outer.p, 2.0 * f64::from(tick - tick % 4));
        }
    }

    #[test]
    fn outer_loop_counts_measured_and_nominal_periods_alike() {
        let mut config = config::<f64>();
        config.outer.kp = 0.0;
        let integral = |late: [bool; 4]| {
            let mut cascade: Cascade<f64> = config.build(0.001).unwrap();
            for tick in 0..5 {
                let late = late.get(tick).copied().unwrap_or(false);
                let inner = PidInput {
                    dt: late.then_some(0.004),
                    ..PidInput::new(0.0, 0.0)
                };
                let outer = PidInput::new(if tick == 4 { 1.0 } else { 0.0 }, 0.0);
                cascade.step_with(&CascadeInput { outer, inner });
            }
            cascade.outer.output().i
        };
        // Ticks 1 to 4 make up the period of the second outer step.
        assert!((integral([false; 4]) - 0.004).abs() < 1e-12);
        for which in 1..4 {
            let mut late = [false; 4];
            late[which] = true;
            assert!((integral(late) - 0.007).abs() < 1e-12, "{}", integral(late));
        }
    }

    #[test]
    fn reverse_inner_loop_reports_the_other_limit() {
        let mut config = config::<f64>();
        config.inner.kp = -0.5;
        config.inner.ki = -5.0;
        let mut cascade: Cascade<f64> = config.build(0.001).unwrap();
        let mut out = cascade.step(1.0, 0.0, -9.0);
        for _ in 0..8 {
            out = cascade.step(1.0, 0.0, -9.0);
        }
        assert_eq!(out.inner.saturated, Saturation::Low);
        let wound = out.outer.i;
        for _ in 0..8 {
            out = cascade.step(1.0, 0.0, -9.0);
        }
        assert_eq!(out.outer.i, wound);
    }

    #[test]
    fn manual_to_automatic_does_not_jump() {
        fn check<T: Scalar>() {
            let mut cascade: Cascade<T> = config::<T::Param>().build(T::Param::lit(0.001)).unwrap();
            cascade.set_manual(T::lit(0.3));
            for _ in 0..20 {
                let out = cascade.step(T::lit(1.0), T::lit(0.9), T::lit(3.0));
                assert_eq!(out.inner.total, T::lit(0.3));
            }
            cascade.set_automatic();
            let out = cascade.step(T::lit(1.0), T::lit(0.9), T::lit(3.0));
            assert!((out.inner.total - T::lit(0.3)).magnitude() < T::lit(1e-3));
            assert!((out.outer.total - T::lit(3.0)).magnitude() < T::lit(1e-2));
        }
        check::<f32>();
        check::<f64>();
        check::<Q12>();
    }
}
