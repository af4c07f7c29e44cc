use super::*;
use crate::math::Scalar;
use crate::motor::Drive;
use crate::robot::{Command, Inputs, balance_margins};
use crate::sensor::{ImuCounts, STANDARD_GRAVITY, Sample};
use crate::time::Instant;
use nalgebra::Vector4;

/// A robot on its linear model, without friction or play, and the brain that balances it.
struct Bench<T: Real> {
    robot: Robot<T>,
    config: RobotConfig<T::Param>,
    measured: RobotParameters<T::Param>,
    model: ContinuousModel<f64, 4, 1>,
    x: Vector4<f64>,
    gained: [f64; 2],
    micros: u64,
    volts: f64,
    balancing: bool,
    arm: bool,
}

const RADIUS: f64 = 0.04;

fn measured_model() -> ContinuousModel<f64, 4, 1> {
    RobotParameters::<f64>::pico_kit().linearise().unwrap()
}

impl<T: Real> Bench<T> {
    /// The motors are so many times as strong as the builder believes.
    fn new(strength: f64) -> Self {
        let mut config = RobotConfig::<T::Param>::pico_kit();
        config.drive.friction_voltage = T::Param::lit(0.0);
        let mut measured = RobotParameters::<T::Param>::pico_kit();
        measured.motor.coulomb_torque = T::Param::lit(0.0);
        measured.motor.breakaway_torque = T::Param::lit(0.0);
        let mut bench = Self {
            robot: config.build().unwrap(),
            config,
            measured,
            model: measured_model(),
            x: Vector4::zeros(),
            gained: [0.0; 2],
            micros: 1_000_000,
            volts: 0.0,
            balancing: false,
            arm: true,
        };
        bench.strengthen(strength);
        bench
    }

    fn tuner(&self, config: &AutotuneConfig<T::Param>) -> Autotune<T> {
        config.build(&self.config, &self.measured).unwrap()
    }

    /// A millisecond of the plant, then a tick.
    fn tick(&mut self) -> Outputs<T> {
        if self.balancing {
            for _ in 0..10 {
                let change = self.model.a * self.x + self.model.b * self.volts;
                self.x += change * 1e-4;
                self.gained = [change[2], change[3]];
            }
        }
        self.micros += 1000;
        let now = Instant::from_micros(self.micros);
        let [position, pitch, _, rate] = self.x.data.0[0];
        let [forward, turning] = self.gained;
        let g = STANDARD_GRAVITY;
        // The lowest bits of a live sensor change.
        let noise = (self.micros / 1000 % 3) as i16;
        let (sin, cos) = Real::sin_cos(pitch);
        let along = forward * cos + 0.09 * turning - g * sin;
        let counts = |x: f64| (x / g * 8192.0) as i16 + noise;
        let wheel = (position / RADIUS - pitch) / core::f64::consts::TAU * 1920.0;
        let inputs = Inputs {
            imu: Sample::good(
                now,
                ImuCounts {
                    accel: [counts(along), noise, counts(g * cos)],
                    gyro: [noise, (rate.to_degrees() * 65.5) as i16 + noise, 0],
                    temperature: 0,
                },
            ),
            encoders: Sample::good(now, [wheel as i32; 2]),
            battery_millivolts: Some(11_100),
            command: Command {
                arm: self.arm,
                ..Default::default()
            },
        };
        let outputs = self.robot.tick(now, &inputs);
        self.balancing = outputs.state == State::Balancing;
        self.volts = match outputs.left {
            Drive::Duty(duty) => 11.1 * duty.to_param().to_f64(),
            _ => 0.0,
        };
        outputs
    }

    /// The motors are so many times as strong as the builder believes, from now on.
    fn strengthen(&mut self, strength: f64) {
        let mut real = RobotParameters::<f64>::pico_kit();
        real.motor.torque_constant *= strength;
        self.model = real.linearise().unwrap();
    }

    /// Until it is over, with something that happens after so many ticks of shaking; what is found is
    /// taken.
    fn tune(
        &mut self,
        config: &AutotuneConfig<T::Param>,
        happens: impl FnMut(&mut Self, u32),
    ) -> AutotuneStatus<T::Param> {
        let mut tuner = self.tuner(config);
        self.go_on(&mut tuner, happens)
    }

    fn go_on(
        &mut self,
        tuner: &mut Autotune<T>,
        mut happens: impl FnMut(&mut Self, u32),
    ) -> AutotuneStatus<T::Param> {
        let mut shaking = 0;
        for _ in 0..60_000 {
            let outputs = self.tick();
            let before = self.robot.balance_config();
            let status = tuner.step(&mut self.robot, &outputs);
            match status {
                AutotuneStatus::Waiting | AutotuneStatus::Resting => {}
                AutotuneStatus::Shaking | AutotuneStatus::Proving => {
                    shaking += 1;
                    happens(self, shaking);
                }
                AutotuneStatus::Found(report) => {
                    assert_eq!(self.robot.balance_config(), before, "taken unasked");
                    tuner.accept(&mut self.robot).unwrap();
                    assert_eq!(self.robot.balance_config(), report.balance);
                    let volts = self.volts;
                    self.tick();
                    let jump = (self.volts - volts).abs();
                    assert!(jump < 0.3, "{jump}");
                }
                over => {
                    // It stays over, and shakes no more.
                    let outputs = self.tick();
                    assert_eq!(tuner.step(&mut self.robot, &outputs), over);
                    return over;
                }
            }
        }
        panic!("never ends");
    }

    /// Largest pitch and voltage of the last second of five.
    fn rest(&mut self) -> [f64; 2] {
        let mut most = [0.0_f64; 2];
        for tick in 0..5000 {
            self.tick();
            if tick >= 4000 {
                most = [most[0].max(self.x[1].abs()), most[1].max(self.volts.abs())];
            }
        }
        most
    }
}

const LAGS: LoopLags = LoopLags {
    period: 0.001,
    sensor: 0.0,
    wheel: 0.006,
};

fn finds_the_gain_of_its_motors<T: Real>() {
    for strength in [0.7, 1.0, 1.5] {
        let mut bench = Bench::<T>::new(strength);
        let old = bench.robot.balance_config();
        // This sensor has no lag.
        let config = AutotuneConfig {
            sensor_lag: T::Param::lit(0.0),
            ..Default::default()
        };
        let AutotuneStatus::Done(report) = bench.tune(&config, |_, _| {}) else {
            panic!("no gains for {strength}");
        };
        assert_eq!(report.doubt, None, "{strength}");
        let ratio = report.model.b[3] / bench.model.b[3];
        assert!((ratio - 1.0).abs() < 0.2, "{strength}: {ratio}");
        assert_eq!(bench.robot.balance_config(), report.balance);
        let margins = |balance| balance_margins(balance, &bench.model, RADIUS, &LAGS).unwrap();
        let (real, before) = (margins(&report.balance), margins(&old));
        assert!(real.are_at_least(8.0, 40.0), "{strength}: {real:?}");
        assert!(real.gain_decibels() > before.gain_decibels());
        // What it promised is what it has.
        let off = real.gain_decibels() - report.after.gain_decibels();
        assert!(off.abs() < 2.0, "{strength}: {off}");
        let [pitch, volts] = bench.rest();
        assert!(pitch < 0.02 && volts < 1.0, "{pitch} {volts}");
    }
}

fn takes_back_what_it_cannot_prove<T: Real>() {
    let mut bench = Bench::<T>::new(1.4);
    let old = bench.robot.balance_config();
    // Somebody shoves it about while it is to prove itself.
    let mut chance = 1_u32;
    let ended = bench.tune(&AutotuneConfig::default(), |bench, ticks| {
        if ticks > 12_100 {
            chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            bench.x[3] += 0.4 * (f64::from(chance >> 8) / f64::from(1 << 24) - 0.5);
        }
    });
    assert_eq!(ended, AutotuneStatus::Failed(AutotuneFailure::NotProven));
    assert_eq!(bench.robot.balance_config(), old);
    let [pitch, volts] = bench.rest();
    assert!(pitch < 0.02 && volts < 1.0, "{pitch} {volts}");
}

fn softens_a_robot_on_the_edge<T: Real>() {
    let softened = || {
        let mut bench = Bench::<T>::new(1.4);
        let mut tuner = bench.tuner(&AutotuneConfig::default());
        let ended = bench.go_on(&mut tuner, |bench, ticks| {
            if ticks == 300 {
                bench.x[3] += 8.0;
            }
        });
        assert_eq!(ended, AutotuneStatus::Failed(AutotuneFailure::Tilted));
        assert!(tuner.is_on_edge());
        tuner.soften(&mut bench.robot).unwrap();
        (bench, tuner)
    };
    let (mut bench, mut tuner) = softened();
    let old = bench.config.balance;
    let margins = |balance: &BalanceConfig<T::Param>| {
        balance_margins(balance, &measured_model(), RADIUS, &LAGS).unwrap()
    };
    let share = margins(&old).gain_fall / margins(&bench.robot.balance_config()).gain_fall;
    assert!((share - 0.75).abs() < 0.01, "{share}");
    let ended = bench.go_on(&mut tuner, |_, _| {});
    let AutotuneStatus::Done(report) = ended else {
        panic!("{ended:?}");
    };
    assert!(margins(&report.balance).gain_decibels() > margins(&old).gain_decibels());

    // Without new gains, those of the beginning come back.
    let (mut bench, mut tuner) = softened();
    let ended = bench.go_on(&mut tuner, |bench, ticks| bench.arm = ticks < 100);
    assert_eq!(ended, AutotuneStatus::Failed(AutotuneFailure::Stopped));
    assert_eq!(bench.robot.balance_config(), old);
}

fn gives_up_and_stands_as_before<T: Real>() {
    let config = AutotuneConfig::<T::Param>::default();
    let failed = |ended, wanted| assert_eq!(ended, AutotuneStatus::Failed(wanted));

    let mut bench = Bench::<T>::new(1.0);
    let old = bench.robot.balance_config();
    let shoved = bench.tune(&config, |bench, ticks| {
        if ticks == 3000 {
            bench.x[3] += 8.0;
        }
    });
    failed(shoved, AutotuneFailure::Tilted);
    assert_eq!(bench.robot.balance_config(), old);
    let [pitch, volts] = bench.rest();
    assert!(pitch < 0.02 && volts < 1.0, "{pitch} {volts}");

    let mut bench = Bench::<T>::new(1.0);
    let thrifty = AutotuneConfig {
        max_energy: T::Param::lit(2.0),
        ..config
    };
    failed(bench.tune(&thrifty, |_, _| {}), AutotuneFailure::Energy);
    let [pitch, volts] = bench.rest();
    assert!(pitch < 0.02 && volts < 1.0, "{pitch} {volts}");

    let mut bench = Bench::<T>::new(1.0);
    let stopped = bench.tune(&config, |bench, ticks| bench.arm = ticks < 2000);
    failed(stopped, AutotuneFailure::Stopped);
    assert_eq!(bench.volts, 0.0);
}

fn says_why_it_does_not_believe<T: Real>() {
    // The builder believes his motors to be a tenth as strong as they are.
    let mut bench = Bench::<T>::new(1.0);
    let old = bench.robot.balance_config();
    let weak = bench.measured.motor.torque_constant * T::Param::lit(0.1);
    bench.measured.motor.torque_constant = weak;
    let ended = bench.tune(&AutotuneConfig::default(), |_, _| {});
    let AutotuneStatus::Failed(AutotuneFailure::NoModel(doubt)) = ended else {
        panic!("{ended:?}");
    };
    assert!(doubt == ModelDoubt::Implausible || doubt == ModelDoubt::Contradicted);
    assert_eq!(bench.robot.balance_config(), old);

    // Somebody shakes it, all through.
    let mut bench = Bench::<T>::new(1.0);
    let mut chance = 1_u32;
    let shoved = bench.tune(&AutotuneConfig::default(), |bench, _| {
        chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bench.x[3] += 0.9 * (f64::from(chance >> 8) / f64::from(1 << 24) - 0.5);
    });
    assert!(matches!(shoved, AutotuneStatus::Failed(_)), "{shoved:?}");
    assert_eq!(bench.robot.balance_config(), old);
}

macro_rules! for_each_scalar {
    ($($module:ident: $scalar:ty),*) => {$(
        mod $module {

            #[test]
            fn finds_the_gain_of_its_motors() {
                super::finds_the_gain_of_its_motors::<$scalar>();
            }

            #[test]
            fn takes_back_what_it_cannot_prove() {
                super::takes_back_what_it_cannot_prove::<$scalar>();
            }

            #[test]
            fn softens_a_robot_on_the_edge() {
                super::softens_a_robot_on_the_edge::<$scalar>();
            }

            #[test]
            fn gives_up_and_stands_as_before() {
                super::gives_up_and_stands_as_before::<$scalar>();
            }

            #[test]
            fn says_why_it_does_not_believe() {
                super::says_why_it_does_not_believe::<$scalar>();
            }
        }
    )*};
}

for_each_scalar!(single: f32, double: f64, fixed: crate::math::Q12);

#[test]
fn names_the_field_that_is_out_of_range() {
    let robot = RobotConfig::<f32>::pico_kit();
    let measured = RobotParameters::pico_kit();
    let good = AutotuneConfig::<f32>::default();
    for (config, name) in [
        (
            AutotuneConfig {
                seconds: 1.0,
                ..good
            },
            "seconds",
        ),
        (
            AutotuneConfig {
                max_tilt: 0.6,
                ..good
            },
            "max_tilt",
        ),
        (
            AutotuneConfig {
                sensor_lag: 0.1,
                ..good
            },
            "sensor_lag",
        ),
    ] {
        let refused = config.build::<f32>(&robot, &measured).unwrap_err();
        assert_eq!(refused, ConfigError::OutOfRange(name));
    }
}
