//! A two-wheeled balancing robot on a Raspberry Pi Pico.
//!
//! This file is the wiring: which pin is what, and who runs where. [`control`] is the loop,
//! [`telemetry`] tells about it.
#![no_std]
#![no_main]

mod arm_button;
mod control;
mod telemetry;

use embassy_executor::Executor;
use embassy_rp::gpio::{AnyPin, Input, Level, Output, Pull};
use embassy_rp::peripherals::{DMA_CH0, I2C0, PIO0};
use embassy_rp::pio::Pio;
use embassy_rp::uart::{self, UartTx};
use embassy_rp::{Peri, bind_interrupts};
use hal_rp2040::battery::{Battery, Divider};
use hal_rp2040::encoder::{Encoder, EncoderProgram};
use hal_rp2040::imu_bus::ImuBus;
use hal_rp2040::motor_pwm::{MOTOR_PWM_HZ, MotorPwm};
use hal_rp2040::status_led::StatusLed;
use hal_rp2040::watchdog::Watchdog;
use hal_rp2040::{control_executor, safe_stop};
use static_cell::StaticCell;

bind_interrupts!(struct Interrupts {
    I2C0_IRQ => embassy_rp::i2c::InterruptHandler<I2C0>;
    PIO0_IRQ_0 => embassy_rp::pio::InterruptHandler<PIO0>;
    DMA_IRQ_0 => embassy_rp::dma::InterruptHandler<DMA_CH0>;
});

/// GP16 to GP22: both PWM inputs, the four direction inputs and standby of the driver.
const MOTOR_PINS: u32 = 0x7f << 16;

/// A transfer of the sensor is given up after this time: it must leave room for the tick's work
/// within the period of 1000 µs.
const BUS_DEADLINE_MICROS: u32 = 800;

/// So long may the loop be silent before the chip is reset.
const WATCHDOG_MICROS: u32 = 100_000;

const TELEMETRY_BAUD: u32 = 460_800;

#[cortex_m_rt::entry]
fn main() -> ! {
    let p = embassy_rp::init(embassy_rp::config::Config::default());
    safe_stop::register_motor_pins(MOTOR_PINS);
    let last_stop = safe_stop::take_last_cause();

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

    let mut serial = uart::Config::default();
    serial.baudrate = TELEMETRY_BAUD;
    let serial = UartTx::new(p.UART0, p.PIN_0, p.DMA_CH0, Interrupts, serial);

    let devices = control::Devices {
        bus: ImuBus::new(p.I2C0, p.PIN_5, p.PIN_4, Interrupts, BUS_DEADLINE_MICROS),
        motors,
        encoders,
        battery: Battery::new(p.ADC, p.PIN_26, Divider::default()).ok(),
        button: Input::new(p.PIN_14, Pull::Up),
        busy: low(p.PIN_2.into()),
        watchdog: Watchdog::start(p.WATCHDOG, WATCHDOG_MICROS),
    };
    let led = StatusLed::new(low(p.PIN_25.into()));

    let above_all = control_executor::start();
    static BELOW: StaticCell<Executor> = StaticCell::new();
    BELOW.init(Executor::new()).run(|below| {
        // A task can be spawned once, and here each is.
        if let (Ok(control), Ok(telemetry)) = (
            control::run(devices),
            telemetry::run(serial, led, last_stop),
        ) {
            above_all.spawn(control);
            below.spawn(telemetry);
        }
    })
}
