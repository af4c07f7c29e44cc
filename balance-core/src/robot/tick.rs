//! The loop: sense, judge, balance, drive.

use super::balance::{Balancer, Motion, Reference};
use super::calibration::{BIAS_BITS, BiasCalibration, Progress};
use super::config::{BalanceConfig, RobotConfig};
use super::drivetrain_watch::{EncoderWatch, Patience, TickWatch};
use super::estimator::Estimator;
use super::signals::{Command, Inputs, Outputs};
use super::supervisor::{Findings, State, Stop, Supervisor};
use super::watch::ImuWatch;
use crate::config::{ConfigError, period};
use crate::control::pid::{Pid, PidInput};
use crate::estimation::wheel_speed::{WheelSpeed, WheelSpeedConfig};
use crate::math::{Float, Real, Scalar};
use crate::motor::Drive;
use crate::motor::duty_map::DutyMap;
use crate::sensor::ImuCounts;
use crate::time::Instant;

/// A balancing robot, from sensor counts to duties.
///
/// [`tick`](Robot::tick) is the whole loop; it has no clock, no bus and no allocation, so that
/// firmware, simulator, replay and benches call the same function.
#[derive(Clone, Debug)]
pub struct Robot<T: Scalar> {
    config: RobotConfig<T::Param>,
    units: Units<T>,
    imu: ImuWatch,
    calibration: BiasCalibration,
    /// Bias of each gyroscope axis, in 1/16 counts.
    bias: [i32; 3],
    estimator: Estimator<T>,
    wheels: WheelSpeed<T>,
    encoders: EncoderWatch<T>,
    ticks: TickWatch,
    racing: Patience,
    weak: Patience,
    supervisor: Supervisor,
    reference: Reference<T>,
    balancer: Balancer<T>,
    turn: Pid<T>,
    duties: [DutyMap<T>; 2],
    last: Last<T>,
    /// The answer to the last tick.
    outputs: Outputs<T>,
}

/// What a tick leaves to the next.
#[derive(Clone, Copy, Debug)]
struct Last<T> {
    time: Option<Instant>,
    counts: Option<[i32; 2]>,
    rates: [T; 2],
    yaw_gyro: i32,
    battery: T,
    hard: bool,
    /// Volts that shake the robot while it tunes itself.
    excitation: T,
}

/// Prepared units and limits.
#[derive(Clone, Copy, Debug)]
struct Units<T: Scalar> {
    nominal_micros: u32,
    gyro: T::Gain,
    millivolt: T::Gain,
    radius: T::Gain,
    fading: T::Gain,
    start_tilt: T,
    start_rate: T,
    max_tilt: T,
    max_speed: T,
    max_drag: T,
    max_turn: T,
}

/// What the sensors have said in a tick, beside what the record tells.
#[derive(Clone, Copy, Debug)]
struct Sensed<P> {
    /// The inertial sensor can be believed.
    imu: bool,
    /// Counts of each wheel since the last tick.
    counts: [i32; 2],
    fault: Option<Stop>,
    /// The measured period, where it is not the nominal one.
    dt: Option<P>,
}

impl<P: Float> RobotConfig<P> {
    /// Builds the robot, disarmed.
    ///
    /// # Errors
    /// Names the first field that is out of its range.
    pub fn build<T: Real<Param = P>>(&self) -> Result<Robot<T>, ConfigError> {
        let dt = period(self.period)?;
        self.check()?;
        let chassis = &self.chassis;
        let gyro = P::lit(f64::from(self.imu_scale.gyro));
        // Both wheels are counted together: the mean speed with twice the resolution.
        let wheels = WheelSpeedConfig {
            counts_per_revolution: P::lit(2.0) * chassis.counts_per_revolution,
            time_constant: chassis.speed_time_constant,
            ..Default::default()
        };
        let metres_per_count =
            P::TAU * chassis.wheel_radius / (P::lit(2.0) * chassis.counts_per_revolution);
        let duty = self.drive.build::<T>()?;
        Ok(Robot {
            config: *self,
            units: Units {
                nominal_micros: dt.to_counts(P::lit(1e6)).unsigned_abs(),
                gyro: T::gain(gyro / P::lit(f64::from(1 << BIAS_BITS))),
                millivolt: T::gain(P::lit(1e-3)),
                radius: T::gain(chassis.wheel_radius),
                fading: T::gain((-dt / P::lit(0.02)).exp()),
                start_tilt: T::from_param(self.limits.start_tilt),
                start_rate: T::from_param(self.limits.start_rate),
                max_tilt: T::from_param(self.limits.max_tilt),
                max_speed: T::from_param(self.limits.max_speed),
                max_drag: T::from_param(self.limits.max_drag),
                max_turn: T::from_param(self.command.turn),
            },
            imu: ImuWatch::default(),
            calibration: BiasCalibration::default(),
            bias: [0; 3],
            estimator: Estimator::new(self, dt, metres_per_count)?,
            wheels: wheels.build(dt)?,
            encoders: EncoderWatch::new(chassis, &self.limits, gyro, dt),
            ticks: TickWatch::default(),
            racing: Patience::default(),
            weak: Patience::default(),
            supervisor: Supervisor::default(),
            reference: Reference::new(&self.command, metres_per_count, dt),
            balancer: Balancer::new(&self.balance, dt)?,
            turn: self.turn.build(dt)?,
            duties: [duty; 2],
            last: Last {
                time: None,
                counts: None,
                rates: [T::zero(); 2],
                yaw_gyro: 0,
                battery: T::from_param(self.drive.nominal_battery),
                hard: false,
                excitation: T::zero(),
            },
            outputs: Outputs::default(),
        })
    }
}

impl<T: Real> Robot<T> {
    /// One period: from what was read to what the motors shall do. Total: whatever comes in, it
    /// neither panics nor emits NaN, and it answers `Coast` unless the robot is balancing.
    // The parts of a tick are functions of their own, never in line: an ARMv6-M has eight registers
    // and short branches, and one large function spends half of its time on moving things about.
    #[inline(never)]
    pub fn tick(&mut self, now: Instant, inputs: &Inputs<T>) -> Outputs<T> {
        self.tick_with(now, inputs, Balancer::step)
    }

    /// The same with somebody else's volts.
    #[inline(always)]
    pub(super) fn tick_with(
        &mut self,
        now: Instant,
        inputs: &Inputs<T>,
        balance: impl FnOnce(&mut Balancer<T>, &Motion<T>, Option<T::Param>) -> T,
    ) -> Outputs<T> {
        let sensed = self.sense(now, inputs);
        let before = self.supervisor.state();
        let findings = self.judge(&sensed, inputs);
        let dwell = self.config.limits.start_ticks;
        let state = self.supervisor.step(&findings, dwell);
        if state != before {
            self.enter(state);
        }
        self.outputs.state = state;
        self.outputs.stop = self.supervisor.stop();
        if state == State::Balancing {
            self.balance(&sensed, &inputs.command, balance);
        }
        self.outputs
    }

    /// Takes new settings of the balance controller, of the kind that it has, without a jump; also
    /// while balancing.
    ///
    /// # Errors
    /// Those of the controller's own `retune`; `balance` for a controller of another kind. The old
    /// settings then stay.
    pub fn retune_balance(&mut self, balance: &BalanceConfig<T::Param>) -> Result<(), ConfigError> {
        self.balancer.retune(balance)?;
        self.config.balance = *balance;
        Ok(())
    }

    /// Takes new settings of both controllers, balance and turn, without a jump, also while
    /// balancing. All else of a configuration needs a robot built anew.
    ///
    /// # Errors
    /// As [`retune_balance`](Self::retune_balance), and those of [`Pid::retune`]; the old settings
    /// then stay.
    pub fn retune(&mut self, config: &RobotConfig<T::Param>) -> Result<(), ConfigError> {
        let turn = self.turn;
        self.turn.retune(&config.turn)?;
        if let Err(error) = self.retune_balance(&config.balance) {
            self.turn = turn;
            return Err(error);
        }
        self.config.turn = config.turn;
        Ok(())
    }

    /// Settings of the balance controller.
    pub fn balance_config(&self) -> BalanceConfig<T::Param> {
        self.config.balance
    }

    /// Adds this to the volts of both motors while balancing; zero unless it is usable.
    pub(super) fn set_excitation(&mut self, volts: T) {
        self.last.excitation = if volts.is_usable() { volts } else { T::zero() };
    }

    /// Volts that were added in the last tick.
    pub(super) fn excitation(&self) -> T {
        self.last.excitation
    }

    /// Volts of the battery, as last measured.
    pub(super) fn battery(&self) -> T {
        self.last.battery
    }

    /// Reads every sensor that can be believed, and carries on without those that cannot.
    #[inline(never)]
    fn sense(&mut self, now: Instant, inputs: &Inputs<T>) -> Sensed<T::Param> {
        let (period_micros, dt) = self.period(now);
        let imu = self.imu.step(now, &inputs.imu, &self.config.limits.imu);
        let rates = &mut self.last.rates;
        if let Some(counts) = imu {
            let (units, mounting) = (&self.units, &self.config.mounting);
            let [_, y, z] = unbiased(mounting.turn(&counts.gyro), &self.bias);
            *rates = [T::from_counts(y, units.gyro), T::from_counts(z, units.gyro)];
            self.last.yaw_gyro = z >> BIAS_BITS;
        } else {
            // A balancing body swings about a rate of zero: an old rate is worth less each tick.
            *rates = rates.map(|rate| rate.scale(self.units.fading));
        }
        let [pitch_gyro, yaw_rate] = *rates;
        let counts = self.count(now, inputs);
        let accel = imu.map(|counts| self.config.mounting.turn(&counts.accel));
        let moved = counts[0].wrapping_add(counts[1]);
        let (pitch, pitch_rate) = self.estimator.step(pitch_gyro, accel.as_ref(), moved, dt);

        let [left, right] = self.last.counts.unwrap_or_default();
        let wheel = wheel_speed(&mut self.wheels, left.wrapping_add(right));
        let fault = self.faults(inputs.battery_millivolts, period_micros);
        let record = &mut self.outputs.record;
        record.pitch = pitch;
        record.pitch_rate = pitch_rate;
        record.yaw_rate = yaw_rate;
        record.speed = (wheel + pitch_rate).scale(self.units.radius);
        record.period_micros = period_micros;
        record.late_ticks = self.ticks.late_total();
        record.bad_samples = self.imu.bad_total();
        Sensed {
            imu: imu.is_some(),
            counts,
            fault,
            dt,
        }
    }

    /// What forbids powered motors, whatever the robot is doing.
    #[inline(never)]
    fn faults(&mut self, millivolts: Option<u16>, period_micros: u32) -> Option<Stop> {
        if let Some(millivolts) = millivolts {
            self.last.battery = T::from_counts(i32::from(millivolts), self.units.millivolt);
        }
        let limits = &self.config.limits;
        let low = millivolts.is_some_and(|mv| mv < limits.low_battery_millivolts);
        let weak = self.weak.is_over(low, limits.low_battery_ticks);
        let nominal = self.units.nominal_micros;
        let (max_gap, max_late) = (limits.max_gap_micros, limits.max_late_ticks);
        let gap = self.ticks.step(period_micros, nominal, max_gap, max_late);
        self.imu
            .fault(&limits.imu)
            .or(gap)
            .or(weak.then_some(Stop::LowBattery))
    }

    /// Microseconds since the last tick, and the period in s where it is off by more than a 64th.
    #[inline(always)]
    fn period(&mut self, now: Instant) -> (u32, Option<T::Param>) {
        let nominal = self.units.nominal_micros;
        let micros = self
            .last
            .time
            .map_or(nominal, |last| now.micros_since(last));
        self.last.time = Some(now);
        if micros.abs_diff(nominal) <= nominal / 64 {
            return (micros, None);
        }
        (micros, Some(seconds(micros)))
    }

    /// Counts of each wheel since the last tick.
    #[inline(always)]
    fn count(&mut self, now: Instant, inputs: &Inputs<T>) -> [i32; 2] {
        let fresh = inputs
            .encoders
            .fresh(now, self.config.limits.imu.max_age_micros);
        let Some(&[left, right]) = fresh else {
            return [0; 2];
        };
        let [last_left, last_right] = self.last.counts.unwrap_or([left, right]);
        self.last.counts = Some([left, right]);
        [left.wrapping_sub(last_left), right.wrapping_sub(last_right)]
    }

    /// What the supervisor needs to know.
    #[inline(never)]
    fn judge(&mut self, sensed: &Sensed<T::Param>, inputs: &Inputs<T>) -> Findings {
        let record = &self.outputs.record;
        let state = self.supervisor.state();
        let lean = record.pitch.magnitude();
        let mut findings = Findings {
            arm: inputs.command.arm,
            fault: sensed.fault,
            tilted: lean.is_above(self.units.max_tilt),
            // What is asked for on the way to balancing only.
            upright: state == State::Ready
                && self.units.start_tilt.is_above(lean)
                && self
                    .units
                    .start_rate
                    .is_above(record.pitch_rate.magnitude()),
            ..Default::default()
        };
        if state == State::Balancing {
            let yaw = self.last.yaw_gyro;
            let lost = self.encoders.step(sensed.counts, yaw, self.last.hard);
            let fast = record.speed.magnitude().is_above(self.units.max_speed);
            let races = self.racing.is_over(fast, self.config.limits.runaway_ticks)
                || self.reference.dragged().is_above(self.units.max_drag);
            findings.fault = findings.fault.or(lost).or(races.then_some(Stop::Runaway));
        } else if state == State::Calibrating && sensed.imu {
            self.calibrate(&inputs.imu.value, &mut findings);
        }
        findings
    }

    /// Takes a reading at rest.
    #[cold]
    fn calibrate(&mut self, counts: &ImuCounts, findings: &mut Findings) {
        let counts = self.config.mounting.apply(*counts);
        let accel = Some(counts.accel);
        match self
            .calibration
            .step(counts.gyro, accel, &self.config.calibration)
        {
            Progress::Done(bias) => {
                self.bias = bias;
                findings.calibrated = true;
            }
            Progress::Disturbed(_) => findings.moving = true,
            Progress::Collecting => {
                findings.moving = self.supervisor.stop() == Some(Stop::Moving);
            }
        }
    }

    /// Prepares what a state begins with.
    #[cold]
    fn enter(&mut self, state: State) {
        let pitch = self.outputs.record.pitch;
        match state {
            State::Calibrating => self.calibration = BiasCalibration::default(),
            // The estimate was made with the old bias.
            State::Ready => self.estimator.reset(),
            State::Balancing => {
                self.balancer.reset();
                self.turn.reset();
                self.encoders.reset();
                self.racing = Patience::default();
                self.reference.start(pitch.scale(self.units.radius));
            }
            _ => {}
        }
        self.last.hard = false;
        let record = &mut self.outputs.record;
        record.position = T::zero();
        record.drive_voltage = T::zero();
        record.turn_voltage = T::zero();
        (self.outputs.left, self.outputs.right) = (Drive::Coast, Drive::Coast);
    }

    /// Keeps upright, follows the command, and gives both motors their duty.
    #[inline(never)]
    fn balance(
        &mut self,
        sensed: &Sensed<T::Param>,
        command: &Command<T>,
        balance: impl FnOnce(&mut Balancer<T>, &Motion<T>, Option<T::Param>) -> T,
    ) {
        let record = &mut self.outputs.record;
        let [left, right] = sensed.counts;
        let offset = record.pitch.scale(self.units.radius);
        let (speed_reference, position_error) =
            self.reference
                .step(command.speed, left.wrapping_add(right), offset);
        let motion = Motion {
            pitch: record.pitch,
            pitch_rate: record.pitch_rate,
            position_error,
            speed: record.speed,
            speed_reference,
        };
        let drive = balance(&mut self.balancer, &motion, sensed.dt) + self.last.excitation;
        let most = self.units.max_turn;
        let turn = if command.turn.is_usable() {
            command.turn.limit(-most, most)
        } else {
            T::zero()
        };
        let turn = turn_voltage(&mut self.turn, turn, record.yaw_rate, sensed.dt);

        record.position = position_error;
        record.drive_voltage = drive;
        record.turn_voltage = turn;
        let battery = self.last.battery;
        let [left, right] = &mut self.duties;
        let left_duty = duty(left, drive - turn, battery);
        right.share_battery(left);
        let right_duty = duty(right, drive + turn, battery);
        let (left, right) = (left_duty, right_duty);
        let hard = T::lit(0.6);
        self.last.hard = left.magnitude().is_above(hard) && right.magnitude().is_above(hard);
        self.outputs.left = Drive::Duty(left);
        self.outputs.right = Drive::Duty(right);
    }
}

#[inline(never)]
fn wheel_speed<T: Scalar>(wheels: &mut WheelSpeed<T>, counts: i32) -> T {
    wheels.step(counts).speed
}

#[inline(never)]
fn turn_voltage<T: Scalar>(pid: &mut Pid<T>, wanted: T, rate: T, dt: Option<T::Param>) -> T {
    let input = PidInput {
        dt,
        ..PidInput::new(wanted, rate)
    };
    pid.step_with(&input).total
}

#[inline(never)]
fn duty<T: Real>(map: &mut DutyMap<T>, voltage: T, battery: T) -> T {
    map.step(voltage, battery).duty
}

/// Gyroscope without its bias, in 1/16 counts.
#[inline(always)]
fn unbiased(gyro: [i16; 3], bias: &[i32; 3]) -> [i32; 3] {
    let mut rates = gyro.map(|axis| i32::from(axis) << BIAS_BITS);
    for (rate, bias) in rates.iter_mut().zip(bias) {
        *rate = rate.saturating_sub(*bias);
    }
    rates
}

// Never in line: a compiler takes a product of floats for an instruction, and would move it ahead
// of the question whether it is needed.
#[cold]
#[inline(never)]
fn seconds<P: Float>(micros: u32) -> P {
    P::from_counts(i32::try_from(micros).unwrap_or(i32::MAX), P::lit(1e-6))
}
