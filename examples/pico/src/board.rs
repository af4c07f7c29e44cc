//! The wiring: which pin is what.

use balance_core::motor::h_bridge::PwmTwoPins;
use embassy_executor::SendSpawner;
use embassy_rp::gpio::{AnyPin, Input, Level, Output, Pull};
use embassy_rp::peripherals::{DMA_CH0, I2C0, PIO0};
use embassy_rp::pio::Pio;
use embassy_rp::uart::{self, Async, UartTx};
use embassy_rp::{Peri, bind_interrupts};
use hal::battery::{self, Divider};
use hal::encoder::{self, EncoderProgram};
use hal::imu_bus::ImuBus;
use hal::motor_pwm::{MOTOR_PWM_HZ, MotorChannel, MotorPwm};
use hal::safe_stop::{self, StopCause};
use hal::status_led::StatusLed;
use hal::{control_executor, watchdog};

use crate::control::{Devices, Motors};

/// The type in which the robot computes.
#[cfg(not(feature = "f32"))]
pub type Number = balance_core::math::Q12;
/// The type in which the robot computes.
#[cfg(feature = "f32")]
pub type Number = f32;
/// The bus of the MPU-6050.
pub type Bus = ImuBus<'static, I2C0>;
/// The counter of the left wheel.
pub type LeftEncoder = encoder::Encoder<'static, PIO0, 0>;
/// The counter of the right wheel.
pub type RightEncoder = encoder::Encoder<'static, PIO0, 1>;
/// The pins of one motor's driver: PWM, INA and INB of a VNH5019, or of a TB6612FNG.
type Driver = PwmTwoPins<MotorChannel<'static>, Pin, Pin>;
/// The pins of the left driver.
pub type LeftWiring = Driver;
/// The pins of the right driver.
pub type RightWiring = Driver;
/// An output.
pub type Pin = Output<'static>;
/// The arm button.
pub type Button = Input<'static>;
/// The battery's voltage.
pub type Battery = battery::Battery<'static>;
/// Resets the chip when the loop stops.
pub type Watchdog = watchdog::Watchdog;
/// Where text goes.
pub type Serial = UartTx<'static, Async>;
/// Tells what the robot does.
pub type Led = StatusLed<'static>;

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

/// The board's parts, ready to use.
pub struct Board {
    /// What the control loop takes.
    pub devices: Devices,
    /// GP0: text, to a USB serial adapter's RX.
    pub serial: Serial,
    /// GP25.
    pub led: Led,
    /// Why the motors were stopped before the last reset, if they were.
    pub last_stop: Option<StopCause>,
}

impl Board {
    /// Sets the chip up. Call it once; motors off.
    pub fn take() -> Self {
        let p = embassy_rp::init(embassy_rp::config::Config::default());
        safe_stop::register_motor_pins(MOTOR_PINS);
        let last_stop = safe_stop::take_last_cause();

        let Ok(pwm) = MotorPwm::new(p.PWM_SLICE0, p.PIN_16, p.PIN_17, MOTOR_PWM_HZ) else {
            unreachable!("20 kHz can be had from every clock of these chips");
        };
        let low = |pin: Peri<'static, AnyPin>| Output::new(pin, Level::Low);
        let motors = Motors {
            left: Driver::new(pwm.a, low(p.PIN_18.into()), low(p.PIN_19.into())),
            right: Driver::new(pwm.b, low(p.PIN_20.into()), low(p.PIN_21.into())),
            standby: Some(low(p.PIN_22.into())),
        };

        let Pio {
            mut common,
            sm0,
            sm1,
            ..
        } = Pio::new(p.PIO0, Interrupts);
        let program = EncoderProgram::load(&mut common);
        let left_encoder = encoder::Encoder::new(&mut common, sm0, &program, p.PIN_10, p.PIN_11);
        let right_encoder = encoder::Encoder::new(&mut common, sm1, &program, p.PIN_12, p.PIN_13);

        let mut serial = uart::Config::default();
        serial.baudrate = TELEMETRY_BAUD;
        let serial = UartTx::new(p.UART0, p.PIN_0, p.DMA_CH0, Interrupts, serial);

        let devices = Devices {
            bus: ImuBus::new(p.I2C0, p.PIN_5, p.PIN_4, Interrupts, BUS_DEADLINE_MICROS),
            motors,
            left_encoder,
            right_encoder,
            battery: Battery::new(p.ADC, p.PIN_26, Divider::default()).ok(),
            button: Input::new(p.PIN_14, Pull::Up),
            busy: Some(low(p.PIN_2.into())),
            watchdog: Watchdog::start(p.WATCHDOG, WATCHDOG_MICROS),
        };
        let led = StatusLed::new(low(p.PIN_25.into()));

        Self {
            devices,
            serial,
            led,
            last_stop,
        }
    }
}

/// Starts the executor of the control loop.
pub fn start_control() -> SendSpawner {
    control_executor::start()
}

/// Sends text.
pub async fn send(serial: &mut Serial, text: &[u8]) {
    // An error of the UART's sender does not exist.
    let _ = serial.write(text).await;
}
