//! A robot that balances by model predictive control.

use super::balance::{Balancer, Motion};
use super::config::RobotConfig;
use super::design::{BALANCE_WEIGHTS, GainError};
use super::parameters::RobotParameters;
use super::signals::{Inputs, Outputs};
use super::supervisor::State;
use super::tick::Robot;
use crate::config::ConfigError;
use crate::control::design::LqrConfig;
use crate::control::mpc::{Mpc, MpcConfig, MpcReference, MpcStatus};
use crate::math::{Float, Real, Scalar};
use crate::time::Instant;
use nalgebra::{Matrix1, Matrix4, Vector4};

/// Periods of the model that it looks ahead.
const HORIZON: usize = 20;
/// Ticks in such a period.
const TICKS: u16 = 5;

/// Settings of an [`MpcBalance`]; [`RobotConfig::mpc_for`] makes them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MpcBalanceConfig<P = f32> {
    /// Model, prices and limits, for [position m, pitch rad, speed m/s, pitch rate rad/s] and volts
    /// on both motors. The period of its model is the step in which it looks ahead; longer than a
    /// tick, it sees farther for the same work.
    pub mpc: MpcConfig<P, 4, 1>,
    /// Volts that hold a speed, per m/s: what the motors' back-EMF takes.
    pub back_emf: P,
    /// Ticks from plan to plan, 1 to 100; in between the volts stand. More: less work, but it reacts
    /// late and to fewer of the noisy readings, and is restless. Default 1.
    pub every: u16,
}

impl<P: Float> RobotConfig<P> {
    /// What balances this robot by model predictive control, from what the robot is made of: the
    /// prices of [`with_state_feedback`](Self::with_state_feedback), the volts that a battery of
    /// nominal voltage leaves beside the motors' friction, 20 steps of 5 ticks ahead, planned anew at
    /// every tick.
    ///
    /// ```
    /// use balance_core::robot::{Inputs, MpcBalance, Robot, RobotConfig, RobotParameters};
    /// use balance_core::time::Instant;
    /// let config = RobotConfig::<f32>::pico_kit();
    /// let mut balance: MpcBalance<f32> = config.mpc_for(&RobotParameters::pico_kit())?.build()?;
    /// let mut robot: Robot<f32> = config.build()?;
    /// let outputs = balance.tick(&mut robot, Instant::from_micros(1000), &Inputs::default());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Names the parameter that is not that of a robot, or why there are no gains.
    pub fn mpc_for(&self, robot: &RobotParameters<P>) -> Result<MpcBalanceConfig<P>, GainError> {
        let period = self.period * P::lit(f64::from(TICKS));
        let model = robot.linearise()?.discretise(period)?;
        let weights = LqrConfig {
            state_weight: Matrix4::from_diagonal(&Vector4::from(BALANCE_WEIGHTS.map(P::lit))),
            input_weight: Matrix1::new(P::one()),
        };
        let drive = &self.drive;
        let volts = drive.nominal_battery * drive.max_duty - drive.friction_voltage;
        Ok(MpcBalanceConfig {
            mpc: MpcConfig {
                input_min: [-volts],
                input_max: [volts],
                ..MpcConfig::new(model, weights)
            },
            back_emf: robot.drag() / self.chassis.wheel_radius,
            every: 1,
        })
    }
}

impl<P: Float> MpcBalanceConfig<P> {
    /// Computes the gains, from rest.
    ///
    /// # Errors
    /// Those of [`MpcConfig::build`]; names `every` or `back_emf` where they are out of their range.
    pub fn build<T: Real<Param = P>>(&self) -> Result<MpcBalance<T>, GainError> {
        if !(1..=100).contains(&self.every) {
            return Err(ConfigError::OutOfRange("every").into());
        }
        let back_emf = crate::config::non_negative("back_emf", self.back_emf)?;
        Ok(MpcBalance {
            mpc: self.mpc.build()?,
            period: self.mpc.model.dt,
            back_emf,
            every: self.every,
            wait: 0,
            volts: T::zero(),
            last: None,
        })
    }
}

/// Model predictive control in place of a [`Robot`]'s own balance controller; see
/// [`RobotConfig::mpc_for`].
///
/// It stands beside the robot, so that a firmware without it does not carry it. Everything else, the
/// supervisor above all, is the robot's.
///
/// The horizon is computed in floats for every scalar type, for a fixed-point robot in `f32`: the
/// multipliers of an unstable plant's horizon span more decades than 32 bits of fixed point have.
/// [`control::mpc`] states what a step of 10 stages costs, of which these are 20: at every tick of a
/// kilohertz something for a chip with an FPU; without one, `every` and
/// [`MpcConfig::iterations`] have to bound it.
///
/// [`control::mpc`]: crate::control::mpc
#[derive(Clone, Copy, Debug)]
pub struct MpcBalance<T: Scalar> {
    mpc: Mpc<T::Param, 4, 1, HORIZON>,
    period: T::Param,
    back_emf: T::Param,
    every: u16,
    wait: u16,
    volts: T,
    last: Option<(MpcStatus, u32)>,
}

impl<T: Real> MpcBalance<T> {
    /// One period of the robot; as [`Robot::tick`].
    pub fn tick(&mut self, robot: &mut Robot<T>, now: Instant, inputs: &Inputs<T>) -> Outputs<T> {
        let balance = |_: &mut Balancer<T>, motion: Motion<T>, _| self.step(&motion);
        let outputs = *robot.step_with(now, inputs, balance);
        if outputs.state != State::Balancing {
            self.reset();
        }
        outputs
    }

    /// Volts for both motors.
    fn step(&mut self, motion: &Motion<T>) -> T {
        if self.wait > 0 {
            self.wait -= 1;
            return self.volts;
        }
        self.wait = self.every.saturating_sub(1);
        let state = [
            motion.position_error,
            motion.pitch,
            motion.speed,
            motion.pitch_rate,
        ]
        .map(T::to_param);
        let output = if motion.speed_reference.is_zero() {
            self.mpc.step(&state)
        } else {
            self.mpc.step_toward(&state, &self.drive(motion))
        };
        let [volts] = output.input;
        self.volts = T::from_param(volts);
        self.last = Some((output.status, output.iterations));
        self.volts
    }

    /// Driving on at the speed that is asked for.
    fn drive(&self, motion: &Motion<T>) -> MpcReference<T::Param, 4, 1, HORIZON> {
        let speed = motion.speed_reference.to_param();
        let zero = num_traits::Zero::zero();
        let mut reference =
            MpcReference::constant([zero, zero, speed, zero], [self.back_emf * speed]);
        let mut way = zero;
        for state in &mut reference.states {
            way += speed * self.period;
            state[0] = way;
        }
        reference
    }

    /// How the last volts came about, and in how many rounds; `None` while the robot is not
    /// balancing.
    pub fn last(&self) -> Option<(MpcStatus, u32)> {
        self.last
    }

    /// Gains of the state feedback that it is while no limit is in sight.
    pub fn gain(&self) -> [T::Param; 4] {
        self.mpc.gain().data.0.map(|[gain]| gain)
    }

    /// Forgets everything; a robot that is not balancing does that by itself.
    pub fn reset(&mut self) {
        if self.last.take().is_some() {
            self.mpc.reset();
            self.wait = 0;
            self.volts = T::zero();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Q12;
    use crate::robot::BalanceConfig;

    fn at<T: Real>(state: [f64; 4], speed_reference: f64) -> Motion<T> {
        let [position_error, pitch, speed, pitch_rate] = state.map(T::lit);
        Motion {
            pitch,
            pitch_rate,
            position_error,
            speed,
            speed_reference: T::lit(speed_reference),
        }
    }

    fn balance<T: Real>() -> MpcBalance<T> {
        let config = RobotConfig::<T::Param>::pico_kit();
        let config = config.mpc_for(&RobotParameters::pico_kit()).unwrap();
        config.build().unwrap()
    }

    #[test]
    fn without_a_limit_in_sight_it_is_the_lqr_of_its_period() {
        fn check<T: Real>(slack: f64) {
            let mut mpc: MpcBalance<T> = balance();
            let gain = mpc.gain().map(|k| k.to_f64());
            let state = [0.01, 0.02, -0.03, 0.1];
            let volts = mpc.step(&at(state, 0.0)).to_param().to_f64();
            let lqr: f64 = gain.iter().zip(state).map(|(k, x)| -k * x).sum();
            assert!((volts - lqr).abs() < slack, "{} {volts} {lqr}", T::NAME);
            assert_eq!(mpc.last(), Some((MpcStatus::Unconstrained, 0)));
        }
        check::<f64>(1e-12);
        check::<f32>(1e-5);
        check::<Q12>(1e-4);
        let config = RobotConfig::<f64>::pico_kit();
        let robot = RobotParameters::pico_kit();
        let BalanceConfig::StateFeedback(own) = config.with_state_feedback(&robot).unwrap().balance
        else {
            panic!("no state feedback");
        };
        // A longer period asks for a little less.
        for (mpc, own) in balance::<f64>().gain().into_iter().zip(own.gain) {
            let share = mpc / own;
            assert!((0.7..1.02).contains(&share), "{mpc} {own}");
        }
    }

    #[test]
    fn volts_stay_within_what_the_battery_has() {
        fn check<T: Real>() {
            let mut mpc: MpcBalance<T> = balance();
            let most = 11.1 - 0.3;
            let mut limited = 0;
            for tick in 0..400 {
                let lean = 0.6 * f64::sin(f64::from(tick) * 0.03);
                let motion = at(
                    [0.1, lean, -0.5, 4.0 * lean],
                    if tick % 2 == 0 { 0.4 } else { 0.0 },
                );
                let volts = mpc.step(&motion).to_param().to_f64();
                assert!(volts.abs() <= most + 1e-3, "{} {volts}", T::NAME);
                limited += u32::from(volts.abs() > most - 0.1);
            }
            assert!(limited > 100, "{limited}");
        }
        check::<f64>();
        check::<f32>();
        check::<Q12>();
    }

    #[test]
    fn drives_on_without_an_error() {
        let mut mpc: MpcBalance<f64> = balance();
        let robot = RobotParameters::<f64>::pico_kit();
        let model = robot.linearise().unwrap().discretise(0.001).unwrap();
        let mut x = Vector4::zeros();
        let speed = 0.4;
        for tick in 0..8000 {
            let [position, pitch, now, rate] = x.data.0[0];
            let ahead = position - speed * 0.001 * f64::from(tick);
            let volts = mpc.step(&at([ahead, pitch, now, rate], speed));
            x = model.a * x + model.b * volts;
        }
        assert!((x[0] - speed * 8.0).abs() < 2e-3, "{x}");
        assert!((x[2] - speed).abs() < 1e-4, "{x}");
    }

    #[test]
    fn names_what_is_wrong() {
        let config = RobotConfig::<f32>::pico_kit();
        let mut robot = RobotParameters::pico_kit();
        let mut mpc = config.mpc_for(&robot).unwrap();
        mpc.every = 0;
        let named = GainError::Parameter(ConfigError::OutOfRange("every"));
        assert_eq!(mpc.build::<f32>().unwrap_err(), named);
        robot.body.com_height = -1.0;
        let named = GainError::Parameter(ConfigError::OutOfRange("com_height"));
        assert_eq!(config.mpc_for(&robot).unwrap_err(), named);
    }
}
