//! The loop: sense, judge, balance, drive.

use super::balance::{Balancer, Motion, Reference};
use super::calibration::{BiasCalibration, Progress};
use super::config::{BalanceConfig, RobotConfig};
use super::drivetrain_watch::{EncoderWatch, Patience, TickWatch};
use super::estimator::{Estimator, seconds};
use super::inertial::Inertial;
use super::odometer::Odometer;
use super::signals::{Command, Inputs, Outputs};
use super::supervisor::{Findings, State, Stop, Supervisor};
use super::turn::Turn;
use super::watch::ImuWatch;
use crate::config::{ConfigError, period};
use crate::math::{Float, Real, Scalar};
use crate::motor::Drive;
use crate::motor::duty_map::DutyMap;
use crate::sensor::ImuCounts;
use crate::time::Instant;

/// A balancing robot, from sensor counts to duties.
///
/// [`tick`](Robot::tick) is the whole loop; it has no clock, no bus and no allocation, so that
/// firmware, simulator, replay and benches call the same function.
///
/// Tilt, encoders, drive and the inertial sensor's watch are served at every tick. What may be slower takes
/// turns: turning in one tick of four, and the watch over battery, drive train and runaway in another,
/// so that these come 4 ms late at most in a loop of 1 kHz.
// In the order of use: an ARMv6-M reaches 31 words from a pointer, and all else costs it a sum.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Robot<T: Scalar> {
    /// The answer to the last tick.
    outputs: Outputs<T>,
    limits: TickLimits<T>,
    /// Ticks, to tell whose turn it is.
    count: u8,
    /// What the last watch over the slower things has found.
    found: Option<Stop>,
    /// Volts that shake the robot while it tunes itself.
    excitation: T,
    ticks: TickWatch,
    imu: ImuWatch,
    inertial: Inertial<T>,
    odometer: Odometer<T>,
    reference: Reference<T>,
    encoders: EncoderWatch<T>,
    drive: DutyMap<T>,
    estimator: Estimator<T>,
    battery: Battery<T>,
    racing: Patience,
    supervisor: Supervisor,
    turn: Turn<T>,
    balancer: Balancer<T>,
    calibration: BiasCalibration,
    config: RobotConfig<T::Param>,
}

/// Prepared limits.
#[derive(Clone, Copy, Debug)]
struct TickLimits<T: Scalar> {
    radius: T::Short,
    max_tilt: T,
    max_turn: T,
    max_speed: T,
    max_drag: T,
    start_tilt: T,
    start_rate: T,
    runaway_ticks: u16,
    start_ticks: u16,
}

/// The battery as last measured.
#[derive(Clone, Copy, Debug)]
struct Battery<T: Scalar> {
    millivolts: u16,
    least: u16,
    bearable_ticks: u16,
    weak: Patience,
    unit: T::Short,
    volts: T,
}

/// Ticks from one turn of the slower things to the next.
const SLOW_TICKS: u16 = 4;
/// Whose turn it is in which of them: turning, and the watch.
const TURN_SLOT: u16 = 1;
const WATCH_SLOT: u16 = 3;

impl<P: Float> RobotConfig<P> {
    /// Builds the robot, disarmed.
    ///
    /// # Errors
    /// Names the first field that is out of its range.
    pub fn build<T: Real<Param = P>>(&self) -> Result<Robot<T>, ConfigError> {
        let dt = period(self.period)?;
        self.check()?;
        let (chassis, limits) = (&self.chassis, &self.limits);
        let gyro = P::lit(f64::from(self.imu_scale.gyro));
        let metres_per_count =
            P::TAU * chassis.wheel_radius / (P::lit(2.0) * chassis.counts_per_revolution);
        let nominal_micros = dt.to_counts(P::lit(1e6)).unsigned_abs();
        Ok(Robot {
            outputs: Outputs::default(),
            limits: TickLimits {
                radius: T::short(chassis.wheel_radius),
                max_tilt: T::from_param(limits.max_tilt),
                max_turn: T::from_param(self.command.turn),
                max_speed: T::from_param(limits.max_speed),
                max_drag: T::from_param(limits.max_drag),
                start_tilt: T::from_param(limits.start_tilt),
                start_rate: T::from_param(limits.start_rate),
                runaway_ticks: limits.runaway_ticks,
                start_ticks: limits.start_ticks,
            },
            count: 0,
            found: None,
            excitation: T::zero(),
            ticks: TickWatch::new(nominal_micros, limits.max_gap_micros, limits.max_late_ticks),
            imu: ImuWatch::new(&limits.imu),
            inertial: Inertial::new(self, dt),
            odometer: Odometer::new(chassis, limits.imu.max_age_micros, dt)?,
            estimator: Estimator::new(self, dt, metres_per_count)?,
            battery: Battery {
                millivolts: 0,
                least: limits.low_battery_millivolts,
                bearable_ticks: limits.low_battery_ticks,
                weak: Patience::default(),
                unit: T::short(P::lit(1e-3)),
                volts: T::from_param(self.drive.nominal_battery),
            },
            encoders: EncoderWatch::new(chassis, limits, gyro, dt),
            racing: Patience::default(),
            supervisor: Supervisor::default(),
            reference: Reference::new(&self.command, metres_per_count, dt),
            balancer: Balancer::new(&self.balance, dt)?,
            turn: Turn::new(&self.turn, slow(dt))?,
            drive: self.drive.build::<T>()?,
            calibration: BiasCalibration::default(),
            config: *self,
        })
    }
}

impl<T: Real> Robot<T> {
    /// One period: from what was read to what the motors shall do. Total: whatever comes in, it
    /// neither panics nor emits NaN, and it answers `Coast` unless the robot is balancing.
    #[inline]
    pub fn tick(&mut self, now: Instant, inputs: &Inputs<T>) -> Outputs<T> {
        *self.step(now, inputs)
    }

    /// As [`tick`](Self::tick), without a copy of the answer.
    // The parts of a tick are functions of their own, never in line, each with what it needs
    // together in one place: an ARMv6-M has eight registers, short branches and short offsets, and
    // one large function spends half of its time on moving things about.
    #[inline(never)]
    pub fn step(&mut self, now: Instant, inputs: &Inputs<T>) -> &Outputs<T> {
        self.step_with(now, inputs, Balancer::step)
    }

    /// The same with somebody else's volts.
    #[inline(always)]
    pub(super) fn step_with(
        &mut self,
        now: Instant,
        inputs: &Inputs<T>,
        balance: impl FnOnce(&mut Balancer<T>, Motion<T>, Option<T::Param>) -> T,
    ) -> &Outputs<T> {
        let fault = self.sense(now, inputs);
        if is_turn(WATCH_SLOT, self.count) {
            self.found = self.watch(inputs.battery_millivolts);
        }
        let fault = fault.or(self.found);
        if self.goes_on(fault, inputs.command.arm) {
            self.balance(&inputs.command, balance);
        } else {
            self.decide(fault, inputs);
        }
        &self.outputs
    }

    /// The answer to the last tick.
    pub fn outputs(&self) -> &Outputs<T> {
        &self.outputs
    }

    /// Takes new settings of the balance controller, of the kind that it has, without a jump; also
    /// while balancing.
    ///
    /// # Errors
    /// Those of the controller's own `retune`; `balance` for a controller of another kind. The old
    /// settings then stay.
    pub fn retune_balance(&mut self, balance: &BalanceConfig<T::Param>) -> Result<(), ConfigError> {
        self.balancer.retune(balance, self.config.period)?;
        self.config.balance = *balance;
        Ok(())
    }

    /// Takes new settings of both controllers, balance and turn, without a jump, also while
    /// balancing. All else of a configuration needs a robot built anew.
    ///
    /// # Errors
    /// As [`retune_balance`](Self::retune_balance), and those of
    /// [`Pid::retune`](crate::control::pid::Pid::retune); the old settings then stay.
    pub fn retune(&mut self, config: &RobotConfig<T::Param>) -> Result<(), ConfigError> {
        let turn = self.turn;
        self.turn.retune(&config.turn, slow(self.config.period))?;
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
        self.excitation = if volts.is_usable() { volts } else { T::zero() };
    }

    /// Volts of the battery, as last measured.
    pub(super) fn battery(&self) -> T {
        self.battery.volts
    }

    /// Reads every sensor that can be believed, and carries on without those that cannot.
    #[inline(always)]
    fn sense(&mut self, now: Instant, inputs: &Inputs<T>) -> Option<Stop> {
        if self.imu.believes(now, &inputs.imu) {
            self.inertial.take(&inputs.imu.value);
        } else {
            self.inertial.miss();
            self.outputs.record.bad_samples = self.imu.bad_total();
        }
        self.count = self.count.wrapping_add(1);
        // It calibrates standing still; tilt and speed begin anew afterwards.
        let stands = self.outputs.state == State::Calibrating;
        if !stands {
            self.odometer.step(now, &inputs.encoders);
        } else {
            self.odometer.moved = 0;
        }
        let overrun = self.ticks.step(now);
        let (motion, record) = (&self.inertial.motion, &mut self.outputs.record);
        let (pitch, rate) = if stands {
            (record.pitch, motion.pitch_rate)
        } else {
            let moved = self.odometer.moved;
            self.estimator.step(motion, moved, self.ticks.irregular)
        };
        record.pitch = pitch;
        record.pitch_rate = rate;
        record.yaw_rate = motion.yaw_rate;
        // The wheels count from the body, which turns.
        record.speed = self.odometer.speed + rate.scale_short(self.limits.radius);
        record.period_micros = self.ticks.period;
        if self.ticks.irregular.is_some() {
            record.late_ticks = self.ticks.late_total;
        }
        self.imu.fault().or(overrun)
    }

    /// Looks after what may be found out a tick later.
    #[inline(never)]
    fn watch(&mut self, millivolts: Option<u16>) -> Option<Stop> {
        let weak = millivolts.and_then(|mv| self.battery.step(mv));
        self.drive.follow(self.battery.volts);
        if self.outputs.state != State::Balancing {
            return weak;
        }
        let limits = &self.limits;
        let fast = !self.outputs.record.speed.is_below(limits.max_speed);
        let races = self.racing.is_over(fast, SLOW_TICKS, limits.runaway_ticks)
            || self.reference.dragged().is_above(limits.max_drag);
        let yaw = self.inertial.motion.yaw_sum;
        let lost = self.encoders.step(SLOW_TICKS, self.odometer.counts, yaw);
        weak.or(lost).or(races.then_some(Stop::Runaway))
    }

    /// Whether the robot balances and may go on.
    #[inline(always)]
    fn goes_on(&self, fault: Option<Stop>, armed: bool) -> bool {
        self.outputs.state == State::Balancing
            && armed
            && fault.is_none()
            && self.outputs.record.pitch.is_below(self.limits.max_tilt)
    }

    /// Tells the supervisor what it needs to know, and follows its decision.
    #[inline(never)]
    fn decide(&mut self, fault: Option<Stop>, inputs: &Inputs<T>) {
        let (record, limits) = (&self.outputs.record, &self.limits);
        let mut findings = Findings {
            arm: inputs.command.arm,
            fault,
            tilted: !record.pitch.is_below(limits.max_tilt),
            ..Default::default()
        };
        match self.outputs.state {
            State::Ready => {
                findings.upright = record.pitch.is_below(limits.start_tilt)
                    && record.pitch_rate.is_below(limits.start_rate);
            }
            State::Calibrating if self.inertial.motion.believed => {
                self.calibrate(&inputs.imu.value, &mut findings);
            }
            _ => {}
        }
        let state = self.supervisor.step(&findings, self.limits.start_ticks);
        if state != self.outputs.state {
            self.enter(state);
        }
        self.outputs.state = state;
        self.outputs.stop = self.supervisor.stop();
    }

    /// Takes a reading at rest.
    #[cold]
    fn calibrate(&mut self, counts: &ImuCounts, findings: &mut Findings) {
        let accel = Some(counts.accel);
        match self
            .calibration
            .step(counts.gyro, accel, &self.config.calibration)
        {
            Progress::Done(bias) => {
                self.inertial.set_bias(bias);
                findings.calibrated = true;
            }
            Progress::Disturbed(_) => findings.moving = true,
            Progress::Collecting => {
                findings.moving = self.supervisor.stop() == Some(Stop::Moving);
            }
        }
    }

    /// Prepares what a state begins with; what it does begins with the next tick.
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
                let yaw = self.inertial.motion.yaw_sum;
                self.encoders.reset(self.odometer.counts, yaw);
                self.racing = Patience::default();
                self.reference.start(pitch.scale_short(self.limits.radius));
            }
            _ => {}
        }
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
        command: &Command<T>,
        balance: impl FnOnce(&mut Balancer<T>, Motion<T>, Option<T::Param>) -> T,
    ) {
        let record = &mut self.outputs.record;
        let offset = record.pitch.scale_short(self.limits.radius);
        let moved = self.odometer.moved;
        record.position = self.reference.step(command.speed, moved, offset);
        let motion = Motion {
            pitch: record.pitch,
            pitch_rate: record.pitch_rate,
            position_error: record.position,
            speed: record.speed,
            speed_reference: self.reference.speed(),
        };
        let dt = self.ticks.irregular.map(seconds);
        let drive = balance(&mut self.balancer, motion, dt) + self.excitation;
        record.drive_voltage = drive;
        if is_turn(TURN_SLOT, self.count) {
            let most = self.limits.max_turn;
            let wanted = if command.turn.is_usable() {
                command.turn.limit_to(most)
            } else {
                T::zero()
            };
            record.turn_voltage = self.turn.step(wanted, record.yaw_rate);
            self.encoders.hard &= is_hard(&self.outputs.left) && is_hard(&self.outputs.right);
        }
        let turn = record.turn_voltage;
        let (left, right) = (
            duty(&self.drive, drive - turn),
            duty(&self.drive, drive + turn),
        );
        self.outputs.left = Drive::Duty(left);
        self.outputs.right = Drive::Duty(right);
    }
}

/// Whether a motor is driven so hard that a free wheel must turn.
#[inline(always)]
fn is_hard<T: Scalar>(drive: &Drive<T>) -> bool {
    match drive {
        Drive::Duty(duty) => !duty.is_below(T::lit(0.6)),
        _ => false,
    }
}

/// Whether a tick of that number is the turn of what has this slot.
#[inline(always)]
fn is_turn(slot: u16, count: u8) -> bool {
    u16::from(count) % SLOW_TICKS == slot
}

/// The period of the slower things.
fn slow<P: Float>(dt: P) -> P {
    dt * P::lit(f64::from(SLOW_TICKS))
}

impl<T: Scalar> Battery<T> {
    /// Takes a reading.
    #[inline(always)]
    fn step(&mut self, millivolts: u16) -> Option<Stop> {
        if millivolts != self.millivolts {
            self.millivolts = millivolts;
            self.volts = T::from_counts_short(i32::from(millivolts), self.unit);
        }
        let over = self
            .weak
            .is_over(millivolts < self.least, SLOW_TICKS, self.bearable_ticks);
        over.then_some(Stop::LowBattery)
    }
}

#[inline(never)]
fn duty<T: Real>(map: &DutyMap<T>, voltage: T) -> T {
    if voltage.is_usable() {
        map.convert(voltage).0
    } else {
        T::zero()
    }
}
