//! Stands in for rooms of `balance-core` that are being built: the same names and signatures, the
//! least behaviour. To be replaced by `balance_core::{motor::h_bridge, robot, sensor::mpu6050}`.

use balance_core::ConfigError;
use balance_core::math::Scalar;
use balance_core::motor::Drive;
use balance_core::sensor::{ImuCounts, ImuScale, Sample};
use balance_core::time::Instant;
use core::marker::PhantomData;
use embassy_time::Delay;
use embedded_hal::digital::OutputPin;
use embedded_hal::pwm::SetDutyCycle;
use embedded_hal_async::delay::DelayNs;
use embedded_hal_async::i2c::I2c;

#[derive(Clone, Copy, Default)]
pub struct Mpu6050Config;
impl Mpu6050Config {
    pub const fn scale(&self) -> ImuScale {
        ImuScale {
            accel: 9.806_65 / 8192.0,
            gyro: 0.017_453_293 / 65.5,
        }
    }
}
pub struct Mpu6050<B> {
    bus: B,
}
impl<B: I2c> Mpu6050<B> {
    pub const fn new(bus: B, _: Mpu6050Config) -> Self {
        Self { bus }
    }
    pub async fn start(&mut self, delay: &mut Delay) -> Result<(), ()> {
        let mut id = [0];
        self.bus
            .write_read(0x68, &[0x75], &mut id)
            .await
            .map_err(drop)?;
        if id != [0x68] {
            return Err(());
        }
        self.bus.write(0x68, &[0x6b, 0x80]).await.map_err(drop)?;
        delay.delay_ms(100).await;
        for write in [[0x6b, 1], [0x19, 0], [0x1a, 2], [0x1b, 8], [0x1c, 8]] {
            self.bus.write(0x68, &write).await.map_err(drop)?;
        }
        self.verify().await
    }
    pub async fn verify(&mut self) -> Result<(), ()> {
        for [register, expected] in [[0x6b, 1], [0x1b, 8], [0x1c, 8]] {
            let mut found = [0];
            self.bus
                .write_read(0x68, &[register], &mut found)
                .await
                .map_err(drop)?;
            if found != [expected] {
                return Err(());
            }
        }
        Ok(())
    }
    pub async fn read(&mut self) -> Result<ImuCounts, B::Error> {
        let mut b = [0; 14];
        self.bus.write_read(0x68, &[0x3b], &mut b).await?;
        let word = |n: usize| i16::from_be_bytes([b[n], b[n + 1]]);
        Ok(ImuCounts {
            accel: [word(0), word(2), word(4)],
            temperature: word(6),
            gyro: [word(8), word(10), word(12)],
        })
    }
}

pub struct PwmTwoPins<C, A, B> {
    pwm: C,
    in1: A,
    in2: B,
}
impl<C, A, B> PwmTwoPins<C, A, B> {
    pub fn new(pwm: C, in1: A, in2: B) -> Self {
        Self { pwm, in1, in2 }
    }
}
#[derive(Default)]
pub struct HBridgeConfig<P>(PhantomData<P>);
impl<P> HBridgeConfig<P> {
    pub fn build<T, W>(&self, wiring: W) -> Result<HBridge<T, W>, ConfigError> {
        Ok(HBridge {
            wiring,
            enabled: false,
            _number: PhantomData,
        })
    }
}
pub struct HBridge<T, W> {
    wiring: W,
    enabled: bool,
    _number: PhantomData<T>,
}
impl<T: Scalar<Param = f32>, C: SetDutyCycle, A: OutputPin, B: OutputPin>
    HBridge<T, PwmTwoPins<C, A, B>>
{
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }
    pub fn enable(&mut self) -> Result<(), ()> {
        self.enabled = true;
        Ok(())
    }
    pub fn off(&mut self) -> Result<(), ()> {
        self.enabled = false;
        self.set(0)
    }
    pub fn apply(&mut self, _now: Instant, drive: Drive<T>) -> Result<(), ()> {
        match drive {
            Drive::Duty(duty) if self.enabled => {
                self.set(duty.to_counts(T::gain(self.wiring.pwm.max_duty_cycle().into())))
            }
            _ => self.set(0),
        }
    }
    fn set(&mut self, counts: i32) -> Result<(), ()> {
        let w = &mut self.wiring;
        w.pwm
            .set_duty_cycle(counts.unsigned_abs() as u16)
            .map_err(drop)?;
        w.in1.set_state((counts > 0).into()).map_err(drop)?;
        w.in2.set_state((counts < 0).into()).map_err(drop)
    }
}

#[derive(Clone, Copy, Default)]
pub struct Command<T> {
    pub arm: bool,
    #[allow(dead_code)]
    pub speed: T,
    #[allow(dead_code)]
    pub turn: T,
}
#[derive(Clone, Copy, Default)]
pub struct Inputs<T> {
    pub imu: Sample<ImuCounts>,
    pub encoders: Sample<[i32; 2]>,
    pub battery_millivolts: Option<u16>,
    pub command: Command<T>,
}
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[allow(dead_code)]
pub enum State {
    #[default]
    Disarmed,
    Balancing,
    Fallen,
    Faulted,
}
impl State {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disarmed => "disarmed",
            Self::Balancing => "balancing",
            Self::Fallen => "fallen",
            Self::Faulted => "faulted",
        }
    }
}
#[derive(Clone, Copy)]
pub enum Stop {
    NotArmed,
}
impl Stop {
    pub const fn name(self) -> &'static str {
        "not_armed"
    }
}
#[derive(Clone, Copy, Default)]
pub struct Record<T> {
    pub pitch: T,
    pub pitch_rate: T,
    pub speed: T,
}
#[derive(Clone, Copy, Default)]
pub struct Outputs<T> {
    pub left: Drive<T>,
    pub right: Drive<T>,
    pub state: State,
    pub stop: Option<Stop>,
    pub record: Record<T>,
}
pub struct RobotConfig<P> {
    pub imu_scale: ImuScale,
    pub other: PhantomData<P>,
}
impl RobotConfig<f32> {
    pub fn pico_kit() -> Self {
        Self {
            imu_scale: Mpu6050Config.scale(),
            other: PhantomData,
        }
    }
    pub fn build<T: Scalar<Param = f32>>(&self) -> Result<Robot<T>, ConfigError> {
        Ok(Robot {
            rate: T::gain(self.imu_scale.gyro),
            pitch: T::zero(),
            last: 0,
        })
    }
}
pub struct Robot<T: Scalar> {
    rate: T::Gain,
    pitch: T,
    last: i32,
}
impl<T: Scalar<Param = f32>> Robot<T> {
    pub fn tick(&mut self, now: Instant, inputs: &Inputs<T>) -> Outputs<T> {
        let mut record = Record {
            pitch: self.pitch,
            ..Default::default()
        };
        if let Some(imu) = inputs.imu.fresh(now, 2000) {
            let [x, _, _] = imu.accel;
            record.pitch_rate = T::from_counts(imu.gyro[1].into(), self.rate);
            let slope = T::from_counts((-x).into(), T::gain(1.0 / 8192.0));
            self.pitch += (slope - self.pitch).scale(T::gain(0.002));
            self.pitch += record.pitch_rate.scale(T::gain(0.001));
        }
        let count = inputs.encoders.value[0];
        let moved = T::from_counts(count.wrapping_sub(self.last), T::gain(0.13));
        self.last = count;
        record.speed = moved;
        if !inputs.command.arm {
            return Outputs {
                stop: Some(Stop::NotArmed),
                record,
                ..Default::default()
            };
        }
        let lean = self.pitch.scale(T::gain(4.0)) + record.pitch_rate.scale(T::gain(0.3));
        let duty = (lean + moved).limit(-T::one(), T::one());
        Outputs {
            left: Drive::Duty(duty),
            right: Drive::Duty(duty),
            state: State::Balancing,
            stop: None,
            record,
        }
    }
}
