//! A wheel on a stepper motor: told how hard to speed up, it says how fast to step.
//!
//! ```text
//! ω' = a,   |ω| ≤ max_speed,   a = duty · full_acceleration through two equal low-passes
//! ```
//!
//! A stepper turns at the speed it is given, whatever the torque, until it is left behind. What a
//! balancing robot commands it by is therefore its acceleration; the robot's
//! [`Drive`] then means a share of the largest.
//!
//! The field holds the rotor as a spring does, with hardly any damping: a robot of a kilogram
//! swings on it at 30 to 40 Hz. Feedback of the pitch rate drives that swing, the more the
//! higher its gain K: the deflection δ obeys `δ'' + ω² δ + K β ω² ∫δ = 0` (β: pitch acceleration
//! per acceleration of the wheel) and grows with K β / 2 per second. A lag of more than a quarter of
//! a turn at that frequency, with that of sensor and loop, changes the sign, and the same feedback
//! damps it: that is what the low-passes are for. (Makers who set their sensor's own filter to 10 or 20 Hz find the same.)

use crate::config::{ConfigError, period, positive, within};
use crate::math::{Float, Scalar};
use crate::motor::Drive;

/// Counts of a full duty.
const FULL: i32 = 32_767;

/// Settings of a [`StepperWheel`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepperWheelConfig<P = f32> {
    /// Microsteps in a turn of the wheel, above zero: 3200 for 200 full steps of 16.
    pub steps_per_revolution: P,
    /// Ticks per second of the [`StepGenerator`](super::StepGenerator), Hz, above zero.
    pub tick_hz: P,
    /// Acceleration of the wheel at full duty, rad/s², above zero. Too large: the motor loses
    /// steps; too small: a push fells the robot.
    pub full_acceleration: P,
    /// Largest speed of the wheel, rad/s, above zero and below half a microstep per tick. Too
    /// large: the motor is left behind, as its torque falls with speed.
    pub max_speed: P,
    /// Corner of each low-pass, Hz, above zero: about 0.7 times the frequency at which the robot
    /// swings on its motors. Too large: it hums and loses steps; too small: it sways and falls.
    pub smoothing_hz: P,
}

impl<P: Float> Default for StepperWheelConfig<P> {
    /// A 42 mm motor in sixteenths of a step, 50,000 ticks a second.
    fn default() -> Self {
        Self {
            steps_per_revolution: P::lit(3200.0),
            tick_hz: P::lit(50_000.0),
            full_acceleration: P::lit(150.0),
            max_speed: P::lit(30.0),
            smoothing_hz: P::lit(25.0),
        }
    }
}

impl<P: Float> StepperWheelConfig<P> {
    /// Prepares a wheel at rest, told `dt` seconds apart.
    ///
    /// # Errors
    /// Names the field that is out of its range.
    pub fn build(&self, dt: P) -> Result<StepperWheel, ConfigError> {
        let dt = period(dt)?;
        let steps = positive("steps_per_revolution", self.steps_per_revolution)?;
        let tick = within("tick_hz", self.tick_hz, P::lit(1.0), P::lit(1e7))?;
        // 2⁻⁴⁸ of a step per tick, for one rad/s.
        let unit = steps.to_f64() / core::f64::consts::TAU / tick.to_f64() * 281_474_976_710_656.0;
        let most = positive("max_speed", self.max_speed)?.to_f64() * unit;
        if !(1.0..=140_737_488_355_328.0).contains(&most) {
            return Err(ConfigError::OutOfRange("max_speed"));
        }
        let gain = positive("full_acceleration", self.full_acceleration)? * dt;
        let per_count = gain.to_f64() * unit / f64::from(FULL);
        if !(1.0..=most).contains(&(per_count * f64::from(FULL))) {
            return Err(ConfigError::OutOfRange("full_acceleration"));
        }
        let corner = positive("smoothing_hz", self.smoothing_hz)?;
        let share = P::one() - (-P::TAU * corner * dt).exp();
        Ok(StepperWheel {
            most: most as i64,
            per_count: (per_count + 0.5) as i64,
            share: (share.to_f64() * 65_536.0 + 0.5).max(1.0) as i64,
            smooth: [0; 2],
            speed: 0,
        })
    }
}

/// What the step generator and the driver are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepperCommand {
    /// Speed for [`StepGenerator::run_at_share`](super::StepGenerator::run_at_share): 2⁻³² of a
    /// microstep per tick, negative for back.
    pub speed: i32,
    /// The driver holds the motor; otherwise its currents are off and the wheel turns freely.
    pub energised: bool,
}

/// A wheel on a stepper motor; see [`StepperWheelConfig`]. Integers, so that a robot in any scalar
/// type makes the same steps for the same duties.
///
/// ```
/// use balance_core::motor::Drive;
/// use balance_core::motor::stepper::StepperWheelConfig;
/// let mut wheel = StepperWheelConfig::<f32>::default().build(0.001)?;
/// for _ in 0..100 {
///     wheel.step(Drive::Duty(0.5_f32)); // half of 150 rad/s² for 0.1 s
/// }
/// // 7.5 rad/s of 3200 microsteps a turn at 50,000 ticks a second.
/// let share = 7.5 / std::f32::consts::TAU * 3200.0 / 50_000.0;
/// let speed = wheel.step(Drive::Duty(0.5_f32)).speed as f32 / 2_f32.powi(32);
/// assert!(speed > 0.8 * share && speed < share); // the low-passes are 13 ms late
/// assert!(!wheel.step(Drive::<f32>::Coast).energised);
/// # Ok::<(), balance_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct StepperWheel {
    /// Speeds in 2⁻⁴⁸ of a step per tick.
    most: i64,
    per_count: i64,
    /// Of what is new in a low-pass, 2⁻¹⁶.
    share: i64,
    /// Changes of speed in a period, behind each low-pass.
    smooth: [i64; 2],
    speed: i64,
}

impl StepperWheel {
    /// Takes the robot's command for the next period.
    ///
    /// `Duty` speeds up by its share of the full acceleration, one that is not a number by none;
    /// `Brake` stops at the full acceleration; `Coast` lets go at once.
    #[inline]
    pub fn step<T: Scalar>(&mut self, drive: Drive<T>) -> StepperCommand {
        let full = i64::from(FULL) * self.per_count;
        let change = match drive {
            Drive::Coast => {
                self.reset();
                return StepperCommand::default();
            }
            Drive::Brake => {
                self.smooth = [0; 2];
                self.speed -= self.speed.max(-full).min(full);
                0
            }
            Drive::Duty(duty) if duty.is_usable() => {
                let counts = duty
                    .magnitude()
                    .limit(T::zero(), T::one())
                    .to_counts_short(T::short(T::Param::lit(f64::from(FULL))));
                let share = i64::from(counts) * self.per_count;
                if duty < T::zero() { -share } else { share }
            }
            Drive::Duty(_) => 0,
        };
        let mut wanted = change;
        for smooth in &mut self.smooth {
            *smooth += ((wanted - *smooth) * self.share) >> 16;
            wanted = *smooth;
        }
        self.speed = (self.speed + wanted).max(-self.most).min(self.most);
        StepperCommand {
            speed: (self.speed >> 16) as i32,
            energised: true,
        }
    }

    /// Back to rest.
    pub fn reset(&mut self) {
        self.smooth = [0; 2];
        self.speed = 0;
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::math::Q12;
    use crate::motor::stepper::{Step, StepGeneratorConfig};
    use proptest::prelude::*;

    const PERIOD: f32 = 0.001;

    /// Without a low-pass worth the name.
    fn wheel() -> StepperWheel {
        StepperWheelConfig {
            smoothing_hz: 5000.0,
            ..StepperWheelConfig::<f32>::default()
        }
        .build(PERIOD)
        .unwrap()
    }

    #[test]
    fn what_shakes_the_rotor_comes_out_smaller_and_late() {
        let mut wheel = StepperWheelConfig::<f32>::default().build(PERIOD).unwrap();
        // At 36 Hz: the acceleration that comes out against the one that went in.
        let (mut along, mut across, mut last) = (0.0, 0.0, 0);
        for tick in 0..2000 {
            let (sin, cos) = (core::f64::consts::TAU * 0.036 * f64::from(tick)).sin_cos();
            let speed = wheel.step(Drive::Duty(0.5 * sin as f32)).speed;
            let change = f64::from(speed - last);
            last = speed;
            if tick >= 1000 {
                along += change * sin;
                across += change * cos;
            }
        }
        let lag = (-across).atan2(along).to_degrees();
        assert!((92.0..115.0).contains(&lag), "{lag}");
    }

    #[test]
    fn speed_is_the_integral_of_the_duty() {
        fn check<T: Scalar>() {
            let mut wheel = wheel();
            let duty = |tick: u32| 0.4 * (f64::from(tick) * 0.02).sin();
            let mut exact = 0.0;
            for tick in 0..5000 {
                let drive = Drive::Duty(T::from_param(T::Param::lit(duty(tick))));
                exact += duty(tick) * 150.0 * 0.001;
                let share = f64::from(wheel.step(drive).speed) / 4_294_967_296.0;
                let speed = share * 50_000.0 / 3200.0 * core::f64::consts::TAU;
                assert!((speed - exact).abs() < 0.01, "{tick}: {speed} {exact}");
            }
        }
        check::<f32>();
        check::<f64>();
        check::<Q12>();
    }

    #[test]
    fn the_steps_made_are_the_way_driven() {
        let mut wheel = wheel();
        let mut generator = StepGeneratorConfig {
            tick_hz: 50_000.0,
            max_rate: 25_000.0,
            acceleration: 1e7,
        }
        .build()
        .unwrap();
        let mut position = 0;
        for tick in 0..2000 {
            let drive = Drive::Duty(if tick < 1000 { 0.1_f32 } else { -0.1 });
            generator.run_at_share(wheel.step(drive).speed);
            for _ in 0..50 {
                position += match generator.tick() {
                    Some(Step::Forward) => 1,
                    Some(Step::Back) => -1,
                    None => 0,
                };
            }
        }
        // Up to 15 rad/s and down: 15 rad in all.
        let exact = 15.0 / core::f64::consts::TAU * 3200.0;
        assert!(
            (f64::from(position) - exact).abs() < 12.0,
            "{position} {exact}"
        );
    }

    #[test]
    fn a_wheel_that_is_let_go_begins_anew() {
        let mut wheel = wheel();
        wheel.step(Drive::Duty(1.0_f32));
        assert_eq!(wheel.step(Drive::<f32>::Coast), StepperCommand::default());
        assert_eq!(wheel.step(Drive::Duty(0.0_f32)).speed, 0);
        for _ in 0..100 {
            wheel.step(Drive::Duty(1.0_f32));
        }
        for _ in 0..100 {
            wheel.step(Drive::<f32>::Brake);
        }
        assert_eq!(wheel.step(Drive::<f32>::Brake).speed, 0);
    }

    #[test]
    fn settings_that_make_no_sense_are_named() {
        let refused = |change: fn(&mut StepperWheelConfig<f32>)| {
            let mut config = StepperWheelConfig::default();
            change(&mut config);
            config.build(PERIOD).err()
        };
        assert_eq!(refused(|_| {}), None);
        let named = |name| Some(ConfigError::OutOfRange(name));
        assert_eq!(refused(|c| c.max_speed = 60.0), named("max_speed"));
        assert_eq!(
            refused(|c| c.full_acceleration = 40_000.0),
            named("full_acceleration")
        );
        assert_eq!(refused(|c| c.tick_hz = 0.5), named("tick_hz"));
        assert_eq!(refused(|c| c.smoothing_hz = -1.0), named("smoothing_hz"));
        assert_eq!(
            refused(|c| c.steps_per_revolution = 0.0),
            named("steps_per_revolution")
        );
    }

    proptest! {
        #[test]
        fn no_duty_exceeds_speed_or_acceleration(duties in prop::collection::vec(any::<f32>(), 1..200)) {
            let mut wheel = wheel();
            let share = |radians: f64| radians / core::f64::consts::TAU * 3200.0 / 50_000.0 * 4_294_967_296.0;
            let mut last = 0.0;
            for duty in duties {
                let speed = f64::from(wheel.step(Drive::Duty(duty)).speed);
                prop_assert!(speed.abs() <= share(30.0) + 1.0);
                prop_assert!((speed - last).abs() <= share(0.15) * 1.0001 + 2.0);
                last = speed;
            }
        }
    }
}
