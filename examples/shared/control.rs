//! The control loop: a thousand times a second from the sensor's bytes to the motors' duties.

use core::cell::RefCell;
use core::hint::black_box;
use core::pin::pin;

use balance_core::ConfigError;
use balance_core::motor::h_bridge::{HBridge, HBridgeConfig};
use balance_core::robot::{Inputs, Outputs, Robot, RobotConfig, State};
use balance_core::sensor::mpu6050::Mpu6050Config;
use balance_core::sensor::mpu6050::asynchronous::Mpu6050;
use balance_core::sensor::{Health, ImuCounts, Sample};
use balance_core::time::Instant;
use embassy_futures::select::{Either, select};
use embassy_sync::blocking_mutex::Mutex;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_time::Delay;
use hal::clock;
use hal::tick::Tick;

use crate::arm_button::ArmButton;
use crate::board::{
    Battery, Bus, Button, LeftEncoder, LeftWiring, Number, Pin, RightEncoder, RightWiring, Watchdog,
};
use crate::telemetry::Report;

const PERIOD_MICROS: u32 = 1000;

/// After so many failed reads in a row the sensor is set up anew, unless the robot balances.
const FAILURES_BEFORE_RESTART: u8 = 50;

/// What the loop takes for itself.
pub struct Devices {
    /// The bus of the MPU-6050.
    pub bus: Bus,
    /// The H-bridges.
    pub motors: Motors,
    /// Counts up when the left wheel drives forward.
    pub left_encoder: LeftEncoder,
    /// Counts up when the right wheel drives forward.
    pub right_encoder: RightEncoder,
    /// The battery, if its divider makes sense.
    pub battery: Option<Battery>,
    /// Arm button to ground.
    pub button: Button,
    /// High while a tick computes, if a pin is left for it.
    pub busy: Option<Pin>,
    /// Resets the chip when the loop stops.
    pub watchdog: Watchdog,
}

/// The drivers of both motors.
pub struct Motors {
    /// The pins of the left side.
    pub left: LeftWiring,
    /// The pins of the right side.
    pub right: RightWiring,
    /// Standby, if it is connected: low, and both motors are off.
    pub standby: Option<Pin>,
}

type Bridge<W> = HBridge<Number, W>;

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
    sensor: Mpu6050<Bus>,
    work: Work,
}

/// What a tick computes with and leaves behind.
#[repr(C)] // The largest last.
pub struct Newest {
    /// When the tick was served.
    pub now: Instant,
    /// What it was told.
    pub inputs: Inputs<Number>,
    /// How the loop fares.
    pub report: Report,
    /// The robot, with its answer.
    pub robot: Robot<Number>,
}

/// For the loop, and between two ticks for telemetry, which copies what it wants in its own time. A
/// tick is not interrupted: it is shorter than what that would be good for.
pub static NEWEST: Mutex<CriticalSectionRawMutex, RefCell<Option<Newest>>> =
    Mutex::new(RefCell::new(None));

/// What a tick works with, beside the sensor.
struct Work {
    left: Bridge<LeftWiring>,
    right: Bridge<RightWiring>,
    standby: Option<Pin>,
    left_encoder: LeftEncoder,
    right_encoder: RightEncoder,
    battery: Option<Battery>,
    button: Button,
    arming: ArmButton,
    busy: Option<Pin>,
    watchdog: Watchdog,
    /// What the driver wants.
    armed: bool,
    /// Ticks.
    count: u8,
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
        let newest = Newest {
            now: Instant::default(),
            inputs: Inputs::default(),
            report: Report::default(),
            robot: config.build()?,
        };
        NEWEST.lock(|place| place.replace(Some(newest)));
        Ok(Self {
            sensor: Mpu6050::new(devices.bus, sensor),
            work: Work {
                left: bridge.build(left)?,
                right: bridge.build(right)?,
                standby,
                left_encoder: devices.left_encoder,
                right_encoder: devices.right_encoder,
                battery: devices.battery,
                button: devices.button,
                arming: ArmButton::default(),
                busy: devices.busy,
                watchdog: devices.watchdog,
                armed: false,
                count: 0,
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
            if wants && !work.armed && self.sensor.verify().await.is_err() {
                // It lost its supply for a moment: asleep, or with other ranges than assumed.
                self.start_sensor(&mut tick).await;
                self.work.arming.disarm();
            } else {
                work.armed = wants;
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
        work.switch(false);
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
    /// Takes what the sensor said at a moment, reads what can be read at once, lets the robot decide,
    /// and sets the motors.
    // Not a part of a future, whose code has to go through memory for each of its variables.
    #[inline(never)]
    fn serve(&mut self, sampled: Instant, read: Option<ImuCounts>, missed: u32) -> State {
        NEWEST.lock(|newest| {
            // Nobody holds it outside of the lock, and it was made before the loop.
            let mut newest = newest.try_borrow_mut().ok();
            let Some(Some(newest)) = newest.as_deref_mut() else {
                return State::Disarmed;
            };
            // A compiler that knows where it lies computes the address of each field instead of
            // passing one along.
            let newest = black_box(newest);
            if let Some(busy) = &mut self.busy {
                busy.set_high();
            }
            newest.now = clock::now();
            newest.report.missed_ticks = missed;
            newest.inputs.imu.time = sampled;
            self.sense(newest, &read);
            let outputs = newest.robot.step(newest.now, &newest.inputs);
            self.drive(newest.now, outputs);
            self.watchdog.feed();
            if let Some(busy) = &mut self.busy {
                busy.set_low();
            }
            outputs.state
        })
    }

    /// Gathers what the robot is told in a tick.
    #[inline(never)]
    fn sense(&mut self, newest: &mut Newest, read: &Option<ImuCounts>) {
        let inputs = &mut newest.inputs;
        if let Some(counts) = read {
            self.failures = 0;
            inputs.imu.health = Health::Good;
            inputs.imu.value = *counts;
        } else {
            self.failures = self.failures.saturating_add(1);
            newest.report.bus_errors = newest.report.bus_errors.wrapping_add(1);
            inputs.imu.health = Health::BusError;
        }
        inputs.encoders = Sample::good(
            newest.now,
            [self.left_encoder.count(), self.right_encoder.count()],
        );
        self.count = self.count.wrapping_add(1);
        // The robot looks at it as rarely; in a tick that has little else to do.
        if self.count & 3 == 1 {
            inputs.battery_millivolts = self
                .battery
                .as_mut()
                .and_then(|battery| battery.millivolts());
        }
        inputs.command.arm = self.armed;
    }

    /// Sets the motors. The bridge has power only while the robot balances.
    fn drive(&mut self, now: Instant, outputs: &Outputs<Number>) {
        let balancing = outputs.state == State::Balancing;
        if balancing != self.left.is_enabled() {
            self.switch(balancing);
        }
        // Neither the PWM nor the pins of a microcontroller can fail.
        let _ = self.left.apply(now, outputs.left);
        let _ = self.right.apply(now, outputs.right);
    }

    fn switch(&mut self, on: bool) {
        let _ = if on {
            self.left.enable()
        } else {
            self.left.off()
        };
        let _ = if on {
            self.right.enable()
        } else {
            self.right.off()
        };
        if let Some(standby) = &mut self.standby {
            standby.set_level(on.into());
        }
    }
}
