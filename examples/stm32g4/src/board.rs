//! The wiring: which pin is what. Nucleo-G474RE.

use balance_core::motor::h_bridge::PwmTwoPins;
use embassy_stm32::adc::{Adc, AdcConfig, SampleTime};
use embassy_stm32::gpio::{AnyPin, Input, Level, Output, OutputType, Pull, Speed};
use embassy_stm32::i2c::{self, I2c};
use embassy_stm32::peripherals::{
    ADC1, DMA1_CH1, DMA1_CH2, DMA1_CH3, I2C3, IWDG, PA1, TIM1, TIM3, TIM4,
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
pub type Bus = ImuBus<'static, I2C3>;
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
    I2C3_EV => i2c::EventInterruptHandler<I2C3>;
    I2C3_ER => i2c::ErrorInterruptHandler<I2C3>;
    DMA1_CHANNEL1 => dma::InterruptHandler<DMA1_CH1>;
    DMA1_CHANNEL2 => dma::InterruptHandler<DMA1_CH2>;
    DMA1_CHANNEL3 => dma::InterruptHandler<DMA1_CH3>;
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
        self.adc
            .blocking_read(&mut self.pin, SampleTime::CYCLES92_5)
    }
}

/// The board's parts, ready to use.
pub struct Board {
    /// What the control loop takes.
    pub devices: Devices,
    /// PA2: text, to the board's own ST-LINK.
    pub serial: Serial,
    /// PA5.
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

        let lines = BusLines::of(&p.I2C3, pac::I2C3, &p.PC8, &p.PC9);
        let mut fast = i2c::Config::default();
        fast.frequency = hz(IMU_BUS_HZ);
        fast.scl_pullup = true;
        fast.sda_pullup = true;
        let i2c = I2c::new(
            p.I2C3, p.PC8, p.PC9, p.DMA1_CH1, p.DMA1_CH2, Interrupts, fast,
        );

        let mut baud = usart::Config::default();
        baud.baudrate = TELEMETRY_BAUD;
        let Ok(serial) = UartTx::new(p.USART2, p.PA2, p.DMA1_CH3, Interrupts, baud) else {
            unreachable!("460800 baud can be had")
        };

        let battery = BatteryPin {
            adc: Adc::new(p.ADC1, AdcConfig::default()),
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
            led: StatusLed::new(low(p.PA5.into())),
            last_stop,
        }
    }
}

/// From the chip's own 16 MHz oscillator, so that any board's crystal will do: it is good to 1 %,
/// which is the error of all times and speeds.
fn clocks() -> Config {
    use embassy_stm32::rcc::{Pll, PllMul, PllPreDiv, PllRDiv, PllSource, Sysclk, mux};
    let mut config = Config::default();
    // 4 MHz, times 85, halved: 170 MHz.
    config.rcc.pll = Some(Pll {
        source: PllSource::HSI,
        prediv: PllPreDiv::DIV4,
        mul: PllMul::MUL85,
        divp: None,
        divq: None,
        divr: Some(PllRDiv::DIV2),
    });
    config.rcc.sys = Sysclk::PLL1_R;
    config.rcc.boost = true;
    config.rcc.mux.adc12sel = mux::Adcsel::SYS;
    config
}

/// Sends text.
pub async fn send(serial: &mut Serial, text: &[u8]) {
    // A framing error is the receiver's; the sender has none.
    let _ = serial.write(text).await;
}
