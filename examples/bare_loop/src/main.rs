//! A balancing robot in one loop: stm32f4xx-hal, no executor, no adapter crate.
//!
//! `balance-core` asks for embedded-hal and for the time as an argument, and for nothing else; this is
//! all there is to connect. The wiring is that of `examples/stm32f4` without telemetry and battery.
#![no_std]
#![no_main]

use balance_core::motor::h_bridge::{HBridgeConfig, PwmTwoPins};
use balance_core::platform::CountExtender;
use balance_core::robot::{Inputs, RobotConfig, State};
use balance_core::sensor::Sample;
use balance_core::sensor::mpu6050::Mpu6050Config;
use balance_core::sensor::mpu6050::blocking::Mpu6050;
use balance_core::time::Instant;
use cortex_m_rt::entry;
use stm32f4xx_hal::i2c::Mode;
use stm32f4xx_hal::pac::Peripherals;
use stm32f4xx_hal::prelude::*;
use stm32f4xx_hal::qei::Qei;
use stm32f4xx_hal::rcc::Config;
use stm32f4xx_hal::watchdog::IndependentWatchdog;

const PERIOD_MICROS: u32 = 1000;

/// A reset floats all pins, and the driver's inputs have pull-downs: motors off.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    cortex_m::peripheral::SCB::sys_reset()
}

#[entry]
fn main() -> ! {
    let Some(p) = Peripherals::take() else {
        unreachable!("taken once")
    };
    let Some(core) = cortex_m::Peripherals::take() else {
        unreachable!("taken once")
    };
    let mut rcc = p.RCC.freeze(Config::hsi().sysclk(96.MHz()));
    let a = p.GPIOA.split(&mut rcc);
    let b = p.GPIOB.split(&mut rcc);

    let (_, (left, right, ..)) = p.TIM1.pwm_hz(20.kHz(), &mut rcc);
    let (mut left, mut right) = (left.with(a.pa8), right.with(a.pa9));
    left.enable();
    right.enable();
    let bridge = HBridgeConfig::<f32>::default();
    let left = PwmTwoPins::new(
        left,
        b.pb12.into_push_pull_output(),
        b.pb13.into_push_pull_output(),
    );
    let right = PwmTwoPins::new(
        right,
        b.pb14.into_push_pull_output(),
        b.pb15.into_push_pull_output(),
    );
    let (Ok(mut left), Ok(mut right)) = (bridge.build(left), bridge.build(right)) else {
        panic!("the bridge's configuration")
    };

    // Encoders with open collectors need the pull-ups, which the pins keep as inputs of a timer.
    let left_lines = (b.pb4.into_pull_up_input(), b.pb5.into_pull_up_input());
    let right_lines = (b.pb6.into_pull_up_input(), b.pb7.into_pull_up_input());
    let left_counter = Qei::new(p.TIM3, left_lines, &mut rcc);
    let right_counter = Qei::new(p.TIM4, right_lines, &mut rcc);
    let mut counts = [CountExtender::of_bits(16); 2];

    let config = Mpu6050Config::default();
    let robot = RobotConfig {
        imu_scale: config.scale(),
        ..RobotConfig::<f32>::pico_kit()
    };
    let Ok(mut robot) = robot.build::<f32>() else {
        panic!("the robot's configuration")
    };
    let i2c = p
        .I2C1
        .i2c((b.pb8, b.pb9), Mode::standard(400.kHz()), &mut rcc);
    let mut sensor = Mpu6050::new(i2c, config);
    let mut delay = core.SYST.delay(&rcc.clocks);
    while sensor.start(&mut delay).is_err() {}

    let button = a.pa0.into_pull_up_input();
    let mut watchdog = IndependentWatchdog::new(p.IWDG);
    let mut tick = p.TIM5.counter_us(&mut rcc);
    if tick.start(PERIOD_MICROS.micros()).is_err() {
        panic!("the tick's period")
    }
    watchdog.start(100.millis());

    let mut now = Instant::default();
    let mut inputs = Inputs::default();
    loop {
        let _ = nb::block!(tick.wait());
        now = now.plus_micros(PERIOD_MICROS);
        inputs.imu = match sensor.read() {
            Ok(counts) => Sample::good(now, counts),
            Err(_) => Sample::failed(now, Default::default()),
        };
        let [l, r] = &mut counts;
        let wheels = [
            l.update(i32::from(left_counter.count())),
            r.update(i32::from(right_counter.count())),
        ];
        inputs.encoders = Sample::good(now, wheels);
        // Held down: the robot may run.
        inputs.command.arm = button.is_low();

        let outputs = robot.tick(now, &inputs);

        if (outputs.state == State::Balancing) != left.is_enabled() {
            if left.is_enabled() {
                let _ = (left.off(), right.off());
            } else {
                let _ = (left.enable(), right.enable());
            }
        }
        let _ = left.apply(now, outputs.left);
        let _ = right.apply(now, outputs.right);
        watchdog.feed();
    }
}
