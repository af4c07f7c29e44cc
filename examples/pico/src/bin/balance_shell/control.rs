//! The control loop of `balance`, with what the prompt wants: requests are taken between ticks, each
//! tick is timed, and the watchdog is fed only by a tick that did everything in time.

use core::pin::pin;

use balance_core::ConfigError;
use balance_core::math::Scalar;
use balance_core::motor::Drive;
use balance_core::motor::h_bridge::{HBridge, HBridgeConfig, PwmTwoPins};
use balance_core::robot::timing::{LoopTiming, LoopTimingConfig, Stage, Verdict};
use balance_core::robot::{Inputs, Robot, RobotConfig, State};
use balance_core::sensor::mpu6050::Mpu6050Config;
use balance_core::sensor::mpu6050::asynchronous::Mpu6050;
use balance_core::sensor::{Health, ImuCounts, Sample};
use balance_core::shell::{MOTOR_MICROS, RestMeasurement};
use balance_core::telemetry::{Recorder, Snapshot};
use balance_core::time::Instant;
use embassy_futures::select::{Either, select};
use embassy_rp::gpio::{Input, Output};
use embassy_rp::peripherals::{I2C0, PIO0};
use embassy_time::Delay;
use hal_rp2040::battery::Battery;
use hal_rp2040::clock;
use hal_rp2040::encoder::Encoder;
use hal_rp2040::imu_bus::ImuBus;
use hal_rp2040::motor_pwm::MotorChannel;
use hal_rp2040::tick::Tick;
use hal_rp2040::watchdog::Watchdog;

use crate::arm_button::ArmButton;
use crate::last_run::Kept;
use crate::shared::{self, FromPrompt, Number, Request, Settings};

const PERIOD_MICROS: u32 = 1000;

/// A sector takes 45 ms to erase, an old one up to 400 ms, and the loop stands still meanwhile.
const WRITING_MICROS: u32 = 1_000_000;

/// After so many failed reads in a row the sensor is set up anew, unless the robot balances.
const FAILURES_BEFORE_RESTART: u8 = 50;

/// What the loop takes for itself.
pub struct Devices {
    /// The bus of the MPU-6050.
    pub bus: ImuBus<'static, I2C0>,
    /// The H-bridge.
    pub motors: Motors,
    /// Both wheels.
    pub encoders: Encoders,
    /// The battery, if its divider makes sense.
    pub battery: Option<Battery<'static>>,
    /// Arm button to ground.
    pub button: Input<'static>,
    /// High while a tick computes.
    pub busy: Output<'static>,
    /// Resets the chip when the loop stops.
    pub watchdog: Watchdog,
    /// Memory for the next run.
    pub kept: Kept,
    /// What is wanted.
    pub prompt: FromPrompt,
}

/// PWM, IN1 and IN2 of one side of the driver.
pub type Side = (MotorChannel<'static>, Output<'static>, Output<'static>);
type Bridge = HBridge<Number, PwmTwoPins<MotorChannel<'static>, Output<'static>, Output<'static>>>;

/// The driver of both motors: two VNH5019, or a TB6612FNG.
pub struct Motors {
    /// PWM, INA and INB of the left side.
    pub left: Side,
    /// PWM, INA and INB of the right side.
    pub right: Side,
    /// Standby, if the driver has it: low, and both motors are off.
    pub standby: Output<'static>,
}

/// Both encoders.
pub struct Encoders {
    /// Counts up when the left wheel drives forward.
    pub left: Encoder<'static, PIO0, 0>,
    /// Counts up when the right wheel drives forward.
    pub right: Encoder<'static, PIO0, 1>,
}

/// Runs for ever.
#[embassy_executor::task]
pub async fn run(
    devices: Devices,
    sensor: Mpu6050Config,
    config: RobotConfig<f32>,
    recorder: Recorder<'static, Number>,
) {
    match Loop::new(devices, sensor, &config, recorder) {
        Ok(mut control) => control.run().await,
        // The parameters were checked before.
        Err(error) => panic!("{error:?}"),
    }
}

struct Loop {
    sensor: Mpu6050<ImuBus<'static, I2C0>>,
    work: Work,
}

/// Both motors.
struct Bridges {
    left: Bridge,
    right: Bridge,
    standby: Output<'static>,
}

/// A motor that is tried.
struct Trial {
    left: bool,
    duty: Number,
    ticks: u16,
}

/// What a tick works with, beside the sensor.
struct Work {
    robot: Robot<Number>,
    bridges: Bridges,
    encoders: Encoders,
    battery: Option<Battery<'static>>,
    button: Input<'static>,
    arming: ArmButton,
    busy: Output<'static>,
    watchdog: Watchdog,
    inputs: Inputs<Number>,
    timing: LoopTiming,
    kept: Kept,
    prompt: FromPrompt,
    recorder: Recorder<'static, Number>,
    trial: Option<Trial>,
    resting: bool,
    last_state: State,
    /// Reads that failed in a row.
    failures: u8,
}

impl Loop {
    fn new(
        devices: Devices,
        sensor: Mpu6050Config,
        config: &RobotConfig<f32>,
        recorder: Recorder<'static, Number>,
    ) -> Result<Self, ConfigError> {
        let Motors {
            left,
            right,
            standby,
        } = devices.motors;
        let bridge = HBridgeConfig::<f32>::default();
        Ok(Self {
            sensor: Mpu6050::new(devices.bus, sensor),
            work: Work {
                robot: config.build()?,
                bridges: Bridges {
                    left: bridge.build(PwmTwoPins::new(left.0, left.1, left.2))?,
                    right: bridge.build(PwmTwoPins::new(right.0, right.1, right.2))?,
                    standby,
                },
                encoders: devices.encoders,
                battery: devices.battery,
                button: devices.button,
                arming: ArmButton::default(),
                busy: devices.busy,
                watchdog: devices.watchdog,
                inputs: Inputs::default(),
                timing: LoopTimingConfig::default().build()?,
                kept: devices.kept,
                prompt: devices.prompt,
                recorder,
                trial: None,
                resting: false,
                last_state: State::default(),
                failures: 0,
            },
        })
    }

    async fn run(&mut self) {
        let mut tick = Tick::every(PERIOD_MICROS);
        self.start_sensor(&mut tick).await;
        loop {
            tick.wait().await;
            self.work.timing.begin(clock::micros());
            let sampled = clock::now();
            let read = self.sensor.read().await;
            let work = &mut self.work;
            let state = work.serve(sampled, read.ok());

            work.take_request();
            let pressed = work.button.is_low();
            // A robot that is armed stays so: then nothing is written.
            let may_arm = work.inputs.command.arm || !shared::is_writing();
            let wants = work.arming.step(pressed) && may_arm;
            if wants && !work.inputs.command.arm && self.sensor.verify().await.is_err() {
                // It lost its supply for a moment: asleep, or with other ranges than assumed.
                self.start_sensor(&mut tick).await;
                self.work.arming.disarm();
            } else {
                work.inputs.command.arm = wants;
            }
            let work = &mut self.work;
            if work.failures >= FAILURES_BEFORE_RESTART && state != State::Balancing {
                self.start_sensor(&mut tick).await;
            }
        }
    }

    /// Sets the sensor up, motors off; takes 0.25 s, or 0.1 s if there is none. The robot's ticks go
    /// on meanwhile, without readings.
    async fn start_sensor(&mut self, tick: &mut Tick) {
        let work = &mut self.work;
        work.bridges.switch(false);
        let mut delay = Delay;
        let mut start = pin!(self.sensor.start(&mut delay));
        // Every transfer is bounded, and so is the number of transfers: this ends.
        while let Either::Second(_) = select(start.as_mut(), tick.wait()).await {
            work.timing.begin(clock::micros());
            work.serve(clock::now(), None);
            work.take_request();
        }
        work.failures = 0;
    }
}

impl Work {
    /// Takes what the sensor said at a moment, reads what can be read at once, and lets the robot
    /// decide.
    // Not a part of a future, whose code has to go through memory for each of its variables.
    #[inline(never)]
    fn serve(&mut self, sampled: Instant, read: Option<ImuCounts>) -> State {
        self.busy.set_high();
        self.timing.stage(Stage::Sensor, clock::micros());
        let now = clock::now();
        let imu = &mut self.inputs.imu;
        imu.time = sampled;
        if let Some(counts) = read {
            self.failures = 0;
            imu.health = Health::Good;
            imu.value = counts;
        } else {
            self.failures = self.failures.saturating_add(1);
            imu.health = Health::BusError;
        }
        self.inputs.encoders = Sample::good(
            now,
            [self.encoders.left.count(), self.encoders.right.count()],
        );
        self.inputs.battery_millivolts = self.battery.as_mut().and_then(Battery::millivolts);
        let outputs = self.robot.step(now, &self.inputs);
        let (state, left, right) = (outputs.state, outputs.left, outputs.right);
        self.timing.stage(Stage::Control, clock::micros());
        self.bridges.drive(now, state, left, right, &mut self.trial);
        self.timing.stage(Stage::Motor, clock::micros());

        let outputs = self.robot.outputs();
        let snapshot = Snapshot::new(now, &self.inputs, outputs);
        shared::publish(&snapshot);
        if shared::scope() != 0 {
            self.recorder.push(&snapshot);
        }
        self.kept.black_box.push(&snapshot);
        if state != self.last_state {
            self.last_state = state;
            self.log(now);
        }
        if self.resting {
            let done = shared::with_rest(|rest| rest.push(&self.inputs.imu.value));
            self.resting = done == Some(false);
        }
        if self.timing.end(clock::micros()) == Verdict::Trip {
            self.arming.disarm();
            self.inputs.command.arm = false;
        }
        // The flash is written only once this has been said, motors off; it takes its time.
        let writing = state == State::Disarmed && self.trial.is_none() && shared::note_writing();
        if writing {
            self.watchdog.feed_for(WRITING_MICROS);
        } else if self.timing.may_feed_watchdog() {
            self.watchdog.feed();
        }
        self.busy.set_low();
        state
    }

    /// Keeps a new fault: for the prompt, and for the next run.
    fn log(&mut self, now: Instant) {
        let outputs = self.robot.outputs();
        let inputs = &self.inputs;
        let kept = &mut self.kept;
        shared::with_faults(|log| {
            let before = log.get(0).map(|fault| fault.at);
            log.step(now, inputs, outputs);
            if let Some(fault) = log.get(0).filter(|fault| Some(fault.at) != before) {
                kept.faults.push(&fault);
            }
        });
    }

    /// Does what the prompt wants, after the tick's work: nothing waits for it.
    #[inline(never)]
    fn take_request(&mut self) {
        let (robot, arming, arm) = (
            &mut self.robot,
            &mut self.arming,
            &mut self.inputs.command.arm,
        );
        self.prompt.with_settings(|settings| match settings {
            Settings::Live(config) => {
                // Checked where it comes from.
                let _ = robot.retune(config);
            }
            Settings::New(new) => {
                if robot.outputs().state != State::Balancing {
                    arming.disarm();
                    *arm = false;
                    robot.clone_from(new);
                }
            }
        });
        let Some(request) = self.prompt.request() else {
            return;
        };
        match request {
            Request::Arm => self.arming.arm(),
            Request::Disarm => {
                self.arming.disarm();
                self.trial = None;
            }
            Request::ClearTiming => self.timing.clear(),
            Request::TellTiming => shared::tell_timing(self.timing.statistics()),
            Request::Calibrate => {
                shared::with_rest(|rest| *rest = RestMeasurement::new());
                self.resting = true;
            }
            Request::Motor { left, permille } => {
                if !shared::is_writing()
                    && self.robot.outputs().state == State::Disarmed
                    && !self.inputs.command.arm
                {
                    self.trial = Some(Trial {
                        left,
                        duty: Number::lit(f64::from(permille) / 1000.0),
                        ticks: (MOTOR_MICROS / PERIOD_MICROS) as u16,
                    });
                }
            }
            Request::CloseBox => self.kept.black_box.freeze(),
            Request::OpenBox => self.kept.black_box.clear(),
        }
    }
}

impl Bridges {
    /// Sets the motors. The bridge has power only while the robot balances, or while a motor is
    /// tried on a disarmed robot.
    fn drive(
        &mut self,
        now: Instant,
        state: State,
        mut left: Drive<Number>,
        mut right: Drive<Number>,
        trial: &mut Option<Trial>,
    ) {
        if let Some(tried) = trial {
            if state != State::Disarmed || tried.ticks == 0 {
                *trial = None;
            } else {
                tried.ticks -= 1;
                let side = if tried.left { &mut left } else { &mut right };
                *side = Drive::Duty(tried.duty);
            }
        }
        let powered = state == State::Balancing || trial.is_some();
        if powered != self.left.is_enabled() {
            self.switch(powered);
        }
        // Neither the PWM nor the pins of an RP2040 can fail; their errors are uninhabited.
        let _ = self.left.apply(now, left);
        let _ = self.right.apply(now, right);
    }

    fn switch(&mut self, on: bool) {
        for bridge in [&mut self.left, &mut self.right] {
            let _ = if on { bridge.enable() } else { bridge.off() };
        }
        self.standby.set_level(on.into());
    }
}
