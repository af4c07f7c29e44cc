//! The wiring: which pin is what. ESP32-C3 and ESP32-C6 alike, but for the LED and how encoders are
//! counted.

use balance_core::motor::h_bridge::{Decay, TwoPwm};
use embassy_executor::SendSpawner;
use embassy_time::{Duration, with_timeout};
use esp_hal::analog::adc::{Adc, AdcCalCurve, AdcConfig, Attenuation};
use esp_hal::gpio::{Input, InputConfig, Level, Output, OutputConfig, Pull};
use esp_hal::i2c::master::{Config, I2c};
use esp_hal::ledc::channel::Number as Channel;
use esp_hal::peripherals::{ADC1, FROM_CPU_INTR2, GPIO0, TIMG1};
use esp_hal::time::Rate;
use esp_hal::timer::timg::TimerGroup;
use esp_hal::usb::usb_serial_jtag::UsbSerialJtag;
use esp_hal::{Async, clock::CpuClock};
use hal::battery::Divider;
use hal::imu_bus::{IMU_BUS_HZ, ImuBus};
use hal::motor_pwm::{MOTOR_PWM_HZ, MotorChannel, MotorPwm};
use hal::safe_stop::{self, StopCause};
use hal::status_led::StatusLed;
use hal::{battery, control_executor, encoder, watchdog};

use crate::control::{Devices, Motors};

/// The type in which the robot computes: the chip has no floating-point unit.
pub type Number = balance_core::math::Q12;
/// The bus of the MPU-6050.
pub type Bus = ImuBus<'static>;
/// The counter of the left wheel.
#[cfg(feature = "esp32c3")]
pub type LeftEncoder = encoder::Encoder<0>;
/// The counter of the left wheel.
#[cfg(not(feature = "esp32c3"))]
pub type LeftEncoder = encoder::Encoder<'static, 0>;
/// The counter of the right wheel.
#[cfg(feature = "esp32c3")]
pub type RightEncoder = encoder::Encoder<1>;
/// The counter of the right wheel.
#[cfg(not(feature = "esp32c3"))]
pub type RightEncoder = encoder::Encoder<'static, 1>;
/// The pins of one motor's driver: IN1 and IN2 of a DRV8833.
type Driver = TwoPwm<MotorChannel, MotorChannel>;
/// The pins of the left driver.
pub type LeftWiring = Driver;
/// The pins of the right driver.
pub type RightWiring = Driver;
/// An output.
pub type Pin = Output<'static>;
/// The arm button.
pub type Button = Input<'static>;
/// The battery's voltage.
pub type Battery = battery::Battery<'static, GPIO0<'static>, AdcCalCurve<ADC1<'static>>>;
/// Resets the chip when the loop stops.
pub type Watchdog = watchdog::Watchdog<TIMG1<'static>>;
/// Where text goes.
pub type Serial = UsbSerialJtag<'static, Async>;
/// Tells what the robot does.
pub type Led = StatusLed<'static>;

/// GPIO4 to GPIO7: both drivers.
const MOTOR_PINS: u32 = 0xf << 4;

/// A transfer of the sensor is given up after this time: it must leave room for the tick's work
/// within the period of 1000 µs.
const BUS_DEADLINE_MICROS: u32 = 800;

/// So long may the loop be silent before the chip is reset.
const WATCHDOG_MICROS: u32 = 100_000;

/// The board's parts, ready to use.
pub struct Board {
    /// What the control loop takes.
    pub devices: Devices,
    /// The USB socket: text.
    pub serial: Serial,
    /// GPIO8 of a C3, GPIO15 of a C6.
    pub led: Led,
    /// Why the motors were stopped before the last reset, if they were.
    pub last_stop: Option<StopCause>,
    /// The interrupt of the control loop's executor.
    pub control_interrupt: FROM_CPU_INTR2<'static>,
}

impl Board {
    /// Sets the chip up, and the scheduler. Call it once; motors off.
    pub fn take() -> Self {
        let config = esp_hal::Config::default().with_cpu_clock(CpuClock::max());
        let p = esp_hal::init(config);
        safe_stop::register_motor_pins(MOTOR_PINS);
        let last_stop = safe_stop::take_last_cause();
        esp_rtos::start(TimerGroup::new(p.TIMG0).timer0, p.FROM_CPU_INTR0);

        let Ok(pwm) = MotorPwm::new(p.LEDC, MOTOR_PWM_HZ) else {
            unreachable!("20 kHz can be had")
        };
        let (Ok(left1), Ok(left2), Ok(right1), Ok(right2)) = (
            pwm.channel(Channel::Channel0, p.GPIO4),
            pwm.channel(Channel::Channel1, p.GPIO5),
            pwm.channel(Channel::Channel2, p.GPIO6),
            pwm.channel(Channel::Channel3, p.GPIO7),
        ) else {
            unreachable!("every chip has four channels")
        };

        let pulled_up = InputConfig::default().with_pull(Pull::Up);
        let (left_a, left_b) = (
            Input::new(p.GPIO1, pulled_up),
            Input::new(p.GPIO3, pulled_up),
        );
        let (right_a, right_b) = (
            Input::new(p.GPIO10, pulled_up),
            Input::new(p.GPIO20, pulled_up),
        );
        #[cfg(feature = "esp32c3")]
        let (left_encoder, right_encoder) = {
            encoder::start(p.IO_MUX);
            (
                encoder::Encoder::new(left_a, left_b),
                encoder::Encoder::new(right_a, right_b),
            )
        };
        #[cfg(not(feature = "esp32c3"))]
        let (left_encoder, right_encoder) = {
            let counters = esp_hal::pcnt::Pcnt::new(p.PCNT);
            let (Ok(left), Ok(right)) = (
                encoder::Encoder::new(counters.unit0, left_a, left_b),
                encoder::Encoder::new(counters.unit1, right_a, right_b),
            ) else {
                unreachable!("its limits are constants")
            };
            (left, right)
        };

        let fast = Config::default().with_frequency(Rate::from_hz(IMU_BUS_HZ));
        let Ok(i2c) = I2c::new(p.I2C0, fast) else {
            unreachable!("400 kHz can be had")
        };
        let i2c = i2c.with_sda(p.GPIO2).with_scl(p.GPIO21).into_async();

        let mut adc = AdcConfig::new();
        let pin = adc.enable_pin_with_cal(p.GPIO0, Attenuation::_11dB);
        let adc = Adc::new(p.ADC1, adc);

        #[cfg(feature = "esp32c3")]
        let led = Output::new(p.GPIO8, Level::High, OutputConfig::default());
        #[cfg(not(feature = "esp32c3"))]
        let led = Output::new(p.GPIO15, Level::High, OutputConfig::default());

        Self {
            devices: Devices {
                bus: ImuBus::new(i2c, BUS_DEADLINE_MICROS),
                motors: Motors {
                    left: Driver::new(left1, left2, Decay::Slow),
                    right: Driver::new(right1, right2, Decay::Slow),
                    standby: None,
                },
                left_encoder,
                right_encoder,
                battery: Battery::new(adc, pin, Divider::default()).ok(),
                button: Input::new(p.GPIO9, pulled_up),
                busy: None,
                watchdog: Watchdog::start(TimerGroup::new(p.TIMG1).wdt, WATCHDOG_MICROS),
            },
            serial: UsbSerialJtag::new(p.USB_DEVICE).into_async(),
            led: StatusLed::lit_when_low(led),
            last_stop,
            control_interrupt: p.FROM_CPU_INTR2,
        }
    }
}

/// Starts the executor of the control loop.
pub fn start_control(interrupt: FROM_CPU_INTR2<'static>) -> SendSpawner {
    control_executor::start(interrupt)
}

/// Sends text; what nobody takes within 10 ms, because no computer listens, is thrown away.
pub async fn send(serial: &mut Serial, text: &[u8]) {
    let sending = embedded_io_async::Write::write_all(serial, text);
    let _ = with_timeout(Duration::from_millis(10), sending).await;
}
