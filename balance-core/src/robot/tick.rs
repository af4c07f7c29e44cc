//! The loop: sense, judge, balance, drive.

use super::balance::{Balancer, Motion, Reference};
use super::calibration::{BIAS_BITS, BiasCalibration, Progress};
use super::config::RobotConfig;
use super::drivetrain_watch::{EncoderWatch, Patience, TickWatch};
use super::estimator::Estimator;
use super::signals::{Command, Inputs, Outputs, Record};
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

/// What the sensors have said in a tick.
#[derive(Clone, Copy, Debug)]
struct Sensed<T: Scalar> {
    imu: Option<ImuCounts>,
    pitch: T,
    pitch_rate: T,
    yaw_rate: T,
    /// Counts of each wheel since the last tick.
    counts: [i32; 2],
    speed: T,
    fault: Option<Stop>,
    period_micros: u32,
    /// The measured period, where it is not the nominal one.
    dt: Option<T::Param>,
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
            },
        })
    }
}

impl<T: Real> Robot<T> {
    /// One period: from what was read to what the motors shall do. Total: whatever comes in, it
    /// neither panics nor emits NaN, and it answers `Coast` unless the robot is balancing.
    pub fn tick(&mut self, now: Instant, inputs: &Inputs<T>) -> Outputs<T> {
        let sensed = self.sense(now, inputs);
        let before = self.supervisor.state();
        let findings = self.judge(&sensed, &inputs.command);
        let state = self
            .supervisor
            .step(&findings, self.config.limits.start_ticks);
        if state != before {
            self.enter(state, &sensed);
        }
        let mut record = self.record(&sensed);
        let [left, right] = match state {
            State::Balancing => self.balance(&sensed, &inputs.command, &mut record),
            _ => [Drive::Coast; 2],
        };
        Outputs {
            left,
            right,
            state,
            stop: self.supervisor.stop(),
            record,
        }
    }

    /// Reads every sensor that can be believed, and carries on without those that cannot.
    fn sense(&mut self, now: Instant, inputs: &Inputs<T>) -> Sensed<T> {
        let (period_micros, dt) = self.period(now);
        let limits = self.config.limits;
        let imu = self.imu.step(now, &inputs.imu, &limits.imu);
        let imu = imu.map(|counts| self.config.mounting.apply(counts));
        if let Some(counts) = imu {
            let [_, y, z] = self.unbiased(counts.gyro);
            self.last.rates = [y, z].map(|rate| T::from_counts(rate, self.units.gyro));
            self.last.yaw_gyro = z >> BIAS_BITS;
        } else {
            // A balancing body swings about a rate of zero: an old rate is worth less each tick.
            self.last.rates = self.last.rates.map(|rate| rate.scale(self.units.fading));
        }
        let [pitch_gyro, yaw_rate] = self.last.rates;
        let counts = self.count(now, inputs);
        let accel = imu.map(|counts| counts.accel);
        let moved = counts[0].wrapping_add(counts[1]);
        let tilt = self.estimator.step(pitch_gyro, accel, moved, dt);

        let [left, right] = self.last.counts.unwrap_or_default();
        let wheel = self.wheels.step(left.wrapping_add(right));
        let speed = (wheel.speed + tilt.rate).scale(self.units.radius);

        if let Some(millivolts) = inputs.battery_millivolts {
            self.last.battery = T::from_counts(i32::from(millivolts), self.units.millivolt);
        }
        let low = inputs
            .battery_millivolts
            .is_some_and(|mv| mv < limits.low_battery_millivolts);
        let nominal = self.units.nominal_micros;
        let gap = self.ticks.step(
            period_micros,
            nominal,
            limits.max_gap_micros,
            limits.max_late_ticks,
        );
        let weak = self.weak.is_over(low, limits.low_battery_ticks);
        let fault = self
            .imu
            .fault(&limits.imu)
            .or(gap)
            .or(weak.then_some(Stop::LowBattery));
        let (pitch, pitch_rate) = (tilt.angle, tilt.rate);
        Sensed {
            imu,
            pitch,
            pitch_rate,
            yaw_rate,
            counts,
            speed,
            fault,
            period_micros,
            dt,
        }
    }

    /// Microseconds since the last tick, and the period in s where it is off by more than a 64th.
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
        let counts = i32::try_from(micros).unwrap_or(i32::MAX);
        (
            micros,
            Some(T::Param::from_counts(counts, T::Param::lit(1e-6))),
        )
    }

    /// Gyroscope without its bias, in 1/16 counts.
    fn unbiased(&self, gyro: [i16; 3]) -> [i32; 3] {
        let mut rates = gyro.map(|axis| i32::from(axis) << BIAS_BITS);
        for (rate, bias) in rates.iter_mut().zip(self.bias) {
            *rate = rate.saturating_sub(bias);
        }
        rates
    }

    /// Counts of each wheel since the last tick.
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
    fn judge(&mut self, sensed: &Sensed<T>, command: &Command<T>) -> Findings {
        let state = self.supervisor.state();
        let mut findings = Findings {
            arm: command.arm,
            fault: sensed.fault,
            ..Default::default()
        };
        findings.tilted = sensed.pitch.magnitude() > self.units.max_tilt;
        findings.upright = sensed.pitch.magnitude() < self.units.start_tilt
            && sensed.pitch_rate.magnitude() < self.units.start_rate;
        match (state, sensed.imu) {
            (State::Calibrating, Some(counts)) => {
                match self.calibration.step(counts.gyro, &self.config.calibration) {
                    Progress::Done(bias) => {
                        self.bias = bias;
                        findings.calibrated = true;
                    }
                    Progress::Disturbed => findings.moving = true,
                    Progress::Collecting => {
                        findings.moving = self.supervisor.stop() == Some(Stop::Moving);
                    }
                }
            }
            (State::Balancing, _) => {
                let yaw = self.last.yaw_gyro;
                let lost = self.encoders.step(sensed.counts, yaw, self.last.hard);
                let fast = sensed.speed.magnitude() > self.units.max_speed;
                let races = self.racing.is_over(fast, self.config.limits.runaway_ticks)
                    || self.reference.dragged() > self.units.max_drag;
                findings.fault = findings.fault.or(lost).or(races.then_some(Stop::Runaway));
            }
            _ => {}
        }
        findings
    }

    /// Prepares what a state begins with.
    fn enter(&mut self, state: State, sensed: &Sensed<T>) {
        match state {
            State::Calibrating => self.calibration = BiasCalibration::default(),
            // The estimate was made with the old bias.
            State::Ready => self.estimator.reset(),
            State::Balancing => {
                self.balancer.reset();
                self.turn.reset();
                self.encoders.reset();
                self.racing = Patience::default();
                self.reference.start(sensed.pitch.scale(self.units.radius));
            }
            _ => {}
        }
        self.last.hard = false;
    }

    /// Keeps upright, follows the command, and gives both motors their duty.
    fn balance(
        &mut self,
        sensed: &Sensed<T>,
        command: &Command<T>,
        record: &mut Record<T>,
    ) -> [Drive<T>; 2] {
        let [left, right] = sensed.counts;
        let offset = sensed.pitch.scale(self.units.radius);
        let (speed_reference, position_error) =
            self.reference
                .step(command.speed, left.wrapping_add(right), offset);
        let motion = Motion {
            pitch: sensed.pitch,
            pitch_rate: sensed.pitch_rate,
            position_error,
            speed: sensed.speed,
            speed_reference,
        };
        let drive = self.balancer.step(&motion, sensed.dt);
        let turn = if command.turn.is_usable() {
            command.turn
        } else {
            T::zero()
        };
        let turn = turn.limit(-self.units.max_turn, self.units.max_turn);
        let turn = PidInput {
            dt: sensed.dt,
            ..PidInput::new(turn, sensed.yaw_rate)
        };
        let turn = self.turn.step_with(&turn).total;

        record.position = position_error;
        record.drive_voltage = drive;
        record.turn_voltage = turn;
        let battery = self.last.battery;
        let [left, right] = &mut self.duties;
        let duties = [
            left.step(drive - turn, battery),
            right.step(drive + turn, battery),
        ];
        self.last.hard = duties
            .iter()
            .all(|duty| duty.duty.magnitude() > T::lit(0.6));
        duties.map(|duty| Drive::Duty(duty.duty))
    }

    fn record(&self, sensed: &Sensed<T>) -> Record<T> {
        Record {
            pitch: sensed.pitch,
            pitch_rate: sensed.pitch_rate,
            speed: sensed.speed,
            yaw_rate: sensed.yaw_rate,
            period_micros: sensed.period_micros,
            late_ticks: self.ticks.late_total(),
            bad_samples: self.imu.bad_total(),
            ..Record::default()
        }
    }
}
