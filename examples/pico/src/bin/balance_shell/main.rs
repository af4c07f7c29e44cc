//! The balancing robot with a prompt: parameters, telemetry, timing and faults over the UART, all of
//! it below the control loop.
#![no_std]
#![no_main]

#[path = "../../../../shared/arm_button.rs"]
mod arm_button;
mod control;
mod last_run;
mod line;
mod machine;
mod shared;

use balance_core::robot::RobotConfig;
use balance_core::sensor::mpu6050::Mpu6050Config;
use embassy_executor::Executor;
use embassy_rp::gpio::{AnyPin, Input, Level, Output, Pull};
use embassy_rp::interrupt::{InterruptExt, Priority};
use embassy_rp::peripherals::{I2C0, PIO0, UART0};
use embassy_rp::pio::Pio;
use embassy_rp::uart::{self, BufferedUart};
use embassy_rp::{Peri, bind_interrupts, interrupt};
use hal_rp2040::battery::{Battery, Divider};
use hal_rp2040::encoder::{Encoder, EncoderProgram};
use hal_rp2040::flash_store::FlashStore;
use hal_rp2040::imu_bus::ImuBus;
use hal_rp2040::motor_pwm::{MOTOR_PWM_HZ, MotorPwm};
use hal_rp2040::status_led::StatusLed;
use hal_rp2040::watchdog::Watchdog;
use hal_rp2040::{control_executor, safe_stop};
use static_cell::StaticCell;

use crate::last_run::LastRun;
use crate::machine::PicoMachine;

bind_interrupts!(struct Interrupts {
    I2C0_IRQ => embassy_rp::i2c::InterruptHandler<I2C0>;
    PIO0_IRQ_0 => embassy_rp::pio::InterruptHandler<PIO0>;
    UART0_IRQ => uart::BufferedInterruptHandler<UART0>;
});

/// GP16 to GP22: both PWM inputs, the four direction inputs and standby of the driver.
const MOTOR_PINS: u32 = 0x7f << 16;

/// A transfer of the sensor is given up after this time: it must leave room for the tick's work
/// within the period of 1000 µs.
const BUS_DEADLINE_MICROS: u32 = 800;

/// So long may the loop be silent before the chip is reset.
const WATCHDOG_MICROS: u32 = 100_000;

const BAUD: u32 = 460_800;

/// The flash of a Pico.
pub const FLASH_BYTES: usize = 2 << 20;
/// Sectors at its end that keep the parameters; `memory.x` leaves them out.
pub const STORE_SECTORS: usize = 4;

#[cortex_m_rt::entry]
fn main() -> ! {
    let p = embassy_rp::init(embassy_rp::config::Config::default());
    safe_stop::register_motor_pins(MOTOR_PINS);
    let mut watchdog = Watchdog::start(p.WATCHDOG, WATCHDOG_MICROS);
    let last_run = LastRun::take(&mut watchdog);

    let Ok(pwm) = MotorPwm::new(p.PWM_SLICE0, p.PIN_16, p.PIN_17, MOTOR_PWM_HZ) else {
        unreachable!("20 kHz can be had from every clock of an RP2040");
    };
    let low = |pin: Peri<'static, AnyPin>| Output::new(pin, Level::Low);
    let motors = control::Motors {
        left: (pwm.a, low(p.PIN_18.into()), low(p.PIN_19.into())),
        right: (pwm.b, low(p.PIN_20.into()), low(p.PIN_21.into())),
        standby: low(p.PIN_22.into()),
    };

    let Pio {
        mut common,
        sm0,
        sm1,
        ..
    } = Pio::new(p.PIO0, Interrupts);
    let program = EncoderProgram::load(&mut common);
    let encoders = control::Encoders {
        left: Encoder::new(&mut common, sm0, &program, p.PIN_10, p.PIN_11),
        right: Encoder::new(&mut common, sm1, &program, p.PIN_12, p.PIN_13),
    };

    static TX: StaticCell<[u8; 256]> = StaticCell::new();
    static RX: StaticCell<[u8; 512]> = StaticCell::new();
    let mut serial = uart::Config::default();
    serial.baudrate = BAUD;
    let (tx, rx) = (TX.init([0; 256]), RX.init([0; 512]));
    // Below the control loop, which is at 2: a byte waits for a tick, never a tick for a byte.
    interrupt::UART0_IRQ.set_priority(Priority::P3);
    let uart = BufferedUart::new(p.UART0, p.PIN_0, p.PIN_1, Interrupts, tx, rx, serial);

    let sensor = Mpu6050Config::default();
    let defaults = RobotConfig {
        imu_scale: sensor.scale(),
        ..RobotConfig::<f32>::pico_kit()
    };
    let lock = Input::new(p.PIN_15, Pull::Up);
    let (to_loop, from_prompt) = shared::requests();
    let flash = FlashStore::new(p.FLASH);
    let machine = PicoMachine::new(defaults, flash, to_loop, lock, last_run.ending);

    let devices = control::Devices {
        bus: ImuBus::new(p.I2C0, p.PIN_5, p.PIN_4, Interrupts, BUS_DEADLINE_MICROS),
        motors,
        encoders,
        battery: Battery::new(p.ADC, p.PIN_26, Divider::default()).ok(),
        button: Input::new(p.PIN_14, Pull::Up),
        busy: low(p.PIN_2.into()),
        watchdog,
        kept: last_run.kept,
        prompt: from_prompt,
    };
    let led = StatusLed::new(low(p.PIN_25.into()));
    let config = *machine.config();
    let (recorder, drain) = shared::records();

    let above_all = control_executor::start();
    static BELOW: StaticCell<Executor> = StaticCell::new();
    BELOW.init(Executor::new()).run(|below| {
        let (sender, hearer) = uart.split();
        let out = line::Out::new();
        // A task can be spawned once, and here each is.
        if let (Ok(control), Ok(sending), Ok(prompt)) = (
            control::run(devices, sensor, config, recorder),
            line::send(sender, out),
            line::prompt(hearer, out, machine, drain, led),
        ) {
            above_all.spawn(control);
            below.spawn(sending);
            below.spawn(prompt);
        }
    })
}
