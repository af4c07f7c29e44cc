//! The wiring: which pin is what. Black Pill (STM32F411CE) and STM32F405RG alike.

use balance_core::motor::h_bridge::PwmTwoPins;
use embassy_stm32::adc::{Adc, SampleTime};
use embassy_stm32::gpio::{AnyPin, Input, Level, Output, OutputType, Pull, Speed};
use embassy_stm32::i2c::{self, I2c};
use embassy_stm32::peripherals::{
    ADC1, DMA1_CH0, DMA1_CH6, DMA1_CH7, I2C1, IWDG, PA1, TIM1, TIM3, TIM4,
};
use embassy_stm32::time::hz;
use embassy_stm32::timer::low_level::CountingMode;
use embassy_stm32::timer::qei::{self, Qei};
use embassy_stm32::timer::simple_pwm::{PwmPin, SimplePwm};
use embassy_stm32::usart::{self, UartTx};
use embassy_stm32::{Config, Peri, bind_interrupts, dma, interrupt, mode, pac};
use hal::battery::{Divider, ReadAdc};
use hal::encoder;
use hal::imu_bus::{BusLines, IMU_BUS_HZ, ImuBus};
use hal::motor_pwm::{MOTOR_PWM_HZ, MotorChannel, MotorPwm};
use hal::safe_stop::{self, StopCause};
use hal::status_led::StatusLed;
use hal::{control_executor, watchdog};

use crate::control::{Devices, Motors};

/// The type in which the robot computes: the chip has a floating-point unit.
pub type Number = f32;
/// The bus of the MPU-6050.
pub type Bus = ImuBus<'static, I2C1>;
/// The counter of the left wheel.
pub type LeftEncoder = encoder::Encoder<'static, TIM3>;
/// The counter of the right wheel.
pub type RightEncoder = encoder::Encoder<'static, TIM4>;
/// The pins of one motor's driver: PWM, INA and INB of a VNH5019, or of a TB6612FNG.
type Driver = PwmTwoPins<MotorChannel<'static, TIM1>, Pin, Pin>;
/// The pins of the left driver.
pub type LeftWiring = Driver;
/// The pins of the right driver.
pub type RightWiring = Driver;
/// An output.
pub type Pin = Output<'static>;
/// The arm button.
pub type Button = Input<'static>;
/// The battery's voltage.
pub type Battery = hal::battery::Battery<BatteryPin>;
/// Resets the chip when the loop stops.
pub type Watchdog = watchdog::Watchdog<IWDG>;
/// Where text goes.
pub type Serial = UartTx<'static, mode::Async>;
/// Tells what the robot does.
pub type Led = StatusLed<'static>;

/// A transfer of the sensor is given up after this time: it must leave room for the tick's work
/// within the period of 1000 µs.
const BUS_DEADLINE_MICROS: u32 = 800;

/// So long may the loop be silent before the chip is reset.
const WATCHDOG_MICROS: u32 = 100_000;

const TELEMETRY_BAUD: u32 = 460_800;

bind_interrupts!(struct Interrupts {
    I2C1_EV => i2c::EventInterruptHandler<I2C1>;
    I2C1_ER => i2c::ErrorInterruptHandler<I2C1>;
    DMA1_STREAM0 => dma::InterruptHandler<DMA1_CH0>;
    DMA1_STREAM6 => dma::InterruptHandler<DMA1_CH6>;
    DMA1_STREAM7 => dma::InterruptHandler<DMA1_CH7>;
});

#[interrupt]
unsafe fn SPI3() {
    // SAFETY: it is the interrupt that `start_control` names, and nobody else calls it.
    unsafe { control_executor::on_interrupt() }
}

/// Starts the executor of the control loop.
pub fn start_control() -> embassy_executor::SendSpawner {
    control_executor::start(interrupt::SPI3)
}

/// PA1, between the resistors.
pub struct BatteryPin {
    adc: Adc<'static, ADC1>,
    pin: Peri<'static, PA1>,
}

impl ReadAdc for BatteryPin {
    fn read(&mut self) -> u16 {
        self.adc.blocking_read(&mut self.pin, SampleTime::CYCLES84)
    }
}

/// The board's parts, ready to use.
pub struct Board {
    /// What the control loop takes.
    pub devices: Devices,
    /// PA2: text, to a USB serial adapter's RX.
    pub serial: Serial,
    /// PC13.
    pub led: Led,
    /// Why the motors were stopped before the last reset, if they were.
    pub last_stop: Option<StopCause>,
}

impl Board {
    /// Sets the chip up. Call it once; motors off.
    pub fn take() -> Self {
        let p = embassy_stm32::init(clocks());
        safe_stop::register_motor_pin(&p.PA8);
        safe_stop::register_motor_pin(&p.PA9);
        safe_stop::register_motor_pin(&p.PB12);
        safe_stop::register_motor_pin(&p.PB13);
        safe_stop::register_motor_pin(&p.PB14);
        safe_stop::register_motor_pin(&p.PB15);
        safe_stop::register_motor_pin(&p.PB10);
        let last_stop = safe_stop::take_last_cause();

        let low = |pin: Peri<'static, AnyPin>| Output::new(pin, Level::Low, Speed::Low);
        let left = PwmPin::new(p.PA8, OutputType::PushPull);
        let right = PwmPin::new(p.PA9, OutputType::PushPull);
        let (frequency, up) = (hz(MOTOR_PWM_HZ), CountingMode::EdgeAlignedUp);
        let pwm = SimplePwm::new(p.TIM1, Some(left), Some(right), None, None, frequency, up);
        let Ok(pwm) = MotorPwm::new(pwm) else {
            unreachable!("thousands of steps at 20 kHz")
        };
        let motors = Motors {
            left: Driver::new(pwm.a, low(p.PB12.into()), low(p.PB13.into())),
            right: Driver::new(pwm.b, low(p.PB14.into()), low(p.PB15.into())),
            standby: Some(low(p.PB10.into())),
        };

        let mut pulled_up = qei::Config::default();
        pulled_up.ch1_pull = Pull::Up;
        pulled_up.ch2_pull = Pull::Up;

        let lines = BusLines::of(&p.I2C1, pac::I2C1, &p.PB8, &p.PB9);
        let mut fast = i2c::Config::default();
        fast.frequency = hz(IMU_BUS_HZ);
        fast.scl_pullup = true;
        fast.sda_pullup = true;
        let i2c = I2c::new(
            p.I2C1, p.PB8, p.PB9, p.DMA1_CH7, p.DMA1_CH0, Interrupts, fast,
        );

        let mut baud = usart::Config::default();
        baud.baudrate = TELEMETRY_BAUD;
        let Ok(serial) = UartTx::new(p.USART2, p.PA2, p.DMA1_CH6, Interrupts, baud) else {
            unreachable!("460800 baud can be had")
        };

        let battery = BatteryPin {
            adc: Adc::new(p.ADC1),
            pin: p.PA1,
        };
        Self {
            devices: Devices {
                bus: ImuBus::new(i2c, lines, BUS_DEADLINE_MICROS),
                motors,
                left_encoder: encoder::Encoder::new(Qei::new(p.TIM3, p.PB4, p.PB5, pulled_up)),
                right_encoder: encoder::Encoder::new(Qei::new(p.TIM4, p.PB6, p.PB7, pulled_up)),
                battery: Battery::new(battery, Divider::default()).ok(),
                button: Input::new(p.PA0, Pull::Up),
                busy: Some(low(p.PA3.into())),
                watchdog: Watchdog::start(p.IWDG, WATCHDOG_MICROS),
            },
            serial,
            led: StatusLed::lit_when_low(Output::new(p.PC13, Level::High, Speed::Low)),
            last_stop,
        }
    }
}

/// From the chip's own 16 MHz oscillator, so that any board's crystal will do: it is good to 1 %,
/// which is the error of all times and speeds.
fn clocks() -> Config {
    use embassy_stm32::rcc::{APBPrescaler, Pll, PllMul, PllPDiv, PllPreDiv, Sysclk};
    let mut config = Config::default();
    // 2 MHz, times 96 or 168, halved: 96 MHz, and with them twice 48 of the peripherals, or 168 MHz.
    let (mul, apb1, apb2) = if cfg!(feature = "f405") {
        (PllMul::MUL168, APBPrescaler::DIV4, APBPrescaler::DIV2)
    } else {
        (PllMul::MUL96, APBPrescaler::DIV2, APBPrescaler::DIV1)
    };
    config.rcc.pll = Some(Pll {
        prediv: PllPreDiv::DIV8,
        mul,
        divp: Some(PllPDiv::DIV2),
        divq: None,
        divr: None,
    });
    config.rcc.sys = Sysclk::PLL1_P;
    config.rcc.apb1_pre = apb1;
    config.rcc.apb2_pre = apb2;
    config
}

/// Sends text.
pub async fn send(serial: &mut Serial, text: &[u8]) {
    // A framing error is the receiver's; the sender has none.
    let _ = serial.write(text).await;
}
