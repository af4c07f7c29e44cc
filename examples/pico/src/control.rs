//! The control loop: a thousand times a second from the sensor's bytes to the motors' duties.

use core::pin::pin;

use balance_core::ConfigError;
use balance_core::motor::h_bridge::{HBridge, HBridgeConfig, PwmTwoPins};
use balance_core::robot::{Inputs, Outputs, Robot, RobotConfig, State};
use balance_core::sensor::mpu6050::Mpu6050Config;
use balance_core::sensor::mpu6050::asynchronous::Mpu6050;
use balance_core::sensor::{Health, ImuCounts, Sample};
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
use crate::telemetry::{self, Report};

/// The type in which the robot computes.
#[cfg(not(feature = "f32"))]
pub type Number = balance_core::math::Q12;
/// The type in which the robot computes.
#[cfg(feature = "f32")]
pub type Number = f32;

const PERIOD_MICROS: u32 = 1000;

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
pub async fn run(devices: Devices) {
    let sensor = Mpu6050Config::default();
    let config = RobotConfig {
        imu_scale: sensor.scale(),
        ..RobotConfig::<f32>::pico_kit()
    };
    match Loop::new(devices, sensor, &config) {
        Ok(mut control) => control.run().await,
        // The configuration is a constant: this shows up at the first start of a new one.
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
    report: Report,
    /// Reads that failed in a row.
    failures: u8,
}

impl Loop {
    fn new(
        devices: Devices,
        sensor: Mpu6050Config,
        config: &RobotConfig<f32>,
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
                report: Report::default(),
                failures: 0,
            },
        })
    }

    async fn run(&mut self) {
        let mut tick = Tick::every(PERIOD_MICROS);
        self.start_sensor(&mut tick).await;
        loop {
            tick.wait().await;
            let sampled = clock::now();
            let read = self.sensor.read().await;
            let work = &mut self.work;
            let state = work.serve(sampled, read.ok(), tick.missed());

            let wants = work.arming.step(work.button.is_low());
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
            work.serve(clock::now(), None, tick.missed());
        }
        work.failures = 0;
    }
}

impl Work {
    /// Takes what the sensor said at a moment, reads what can be read at once, and lets the robot
    /// decide.
    // Not a part of a future, whose code has to go through memory for each of its variables.
    #[inline(never)]
    fn serve(&mut self, sampled: Instant, read: Option<ImuCounts>, missed: u32) -> State {
        self.busy.set_high();
        let now = clock::now();
        let imu = &mut self.inputs.imu;
        imu.time = sampled;
        if let Some(counts) = read {
            self.failures = 0;
            imu.health = Health::Good;
            imu.value = counts;
        } else {
            self.failures = self.failures.saturating_add(1);
            self.report.bus_errors = self.report.bus_errors.wrapping_add(1);
            imu.health = Health::BusError;
        }
        self.inputs.encoders = Sample::good(
            now,
            [self.encoders.left.count(), self.encoders.right.count()],
        );
        self.inputs.battery_millivolts = self.battery.as_mut().and_then(Battery::millivolts);
        let outputs = self.robot.step(now, &self.inputs);
        self.bridges.drive(now, outputs);
        self.watchdog.feed();
        self.report.missed_ticks = missed;
        telemetry::publish(now, &self.inputs, outputs, &self.report);
        self.busy.set_low();
        outputs.state
    }
}

impl Bridges {
    /// Sets the motors. The bridge has power only while the robot balances.
    fn drive(&mut self, now: Instant, outputs: &Outputs<Number>) {
        let balancing = outputs.state == State::Balancing;
        if balancing != self.left.is_enabled() {
            self.switch(balancing);
        }
        // Neither the PWM nor the pins of an RP2040 can fail; their errors are uninhabited.
        let _ = self.left.apply(now, outputs.left);
        let _ = self.right.apply(now, outputs.right);
    }

    fn switch(&mut self, on: bool) {
        for bridge in [&mut self.left, &mut self.right] {
            let _ = if on { bridge.enable() } else { bridge.off() };
        }
        self.standby.set_level(on.into());
    }
}
