//! Three-phase motors. In fixed point `Q16`, as their documentation advises: currents, volts and
//! electrical speeds need its range.

use crate::scalar::fixed;
use crate::{Case, ConfigError, Sample};
use balance_core::math::{Float, Q16, Real, Scalar};
use balance_core::model::{Pmsm, PmsmConfig};
use balance_core::motor::encoder::{self, PhaseLockConfig};
use balance_core::motor::foc::{
    self, AlignmentConfig, AlignmentOutput, AlphaBeta, CurrentLoopConfig, CurrentLoopInput,
    CurrentLoopOutput, Dq, EncoderAngleConfig, FieldWeakeningConfig, FluxObserverConfig,
    HallAngleConfig, HallOutput, MotorFault, MotorWatchConfig, PositionLoopConfig,
    SensorlessConfig, SensorlessInput, SensorlessOutput, SpeedLoopConfig, WindingTestConfig,
};

/// The period of a loop at 20 kHz.
const DT: f64 = 5e-5;

/// Implements a case for `f32`, `f64` and fixed point; `T` is the type of the algorithm.
macro_rules! motor {
    (
        $(#[$doc:meta])* $name:ident: $algorithm:ty = $build:expr;
        |$sample:ident| -> $input:ty { $from:expr }
        |$motor:ident, $value:ident| -> $output:ty { $step:expr }
    ) => {
        $(#[$doc])*
        pub struct $name;
        motor!(@ f32, f32, $name, $algorithm, $build, $input, $sample, $from, $output, $motor, $value, $step);
        motor!(@ f64, f64, $name, $algorithm, $build, $input, $sample, $from, $output, $motor, $value, $step);
        motor!(@ fixed, Q16, $name, $algorithm, $build, $input, $sample, $from, $output, $motor, $value, $step);
    };
    (
        @ $scalar:ty, $inner:ty, $name:ident, $algorithm:ty, $build:expr, $input:ty,
        $sample:ident, $from:expr, $output:ty, $motor:ident, $value:ident, $step:expr
    ) => {
        const _: () = {
            #[allow(dead_code, reason = "not every input names it")]
            type T = $inner;
            impl Case<$scalar> for $name {
                type Algorithm = $algorithm;
                type Input = $input;
                type Output = $output;

                fn build() -> Result<Self::Algorithm, ConfigError> {
                    $build
                }
                fn input($sample: &Sample) -> Self::Input {
                    $from
                }
                fn step($motor: &mut Self::Algorithm, $value: &Self::Input) -> Self::Output {
                    $step
                }
            }
        };
    };
}

fn dt<P: Float>() -> P {
    P::lit(DT)
}

/// A turn in 60 samples.
fn angle<T: Real>(sample: &Sample) -> T {
    T::from_counts(
        (sample.index % 60).into(),
        T::gain(T::Param::TAU / T::Param::lit(60.0)),
    )
}

fn noise<T: Scalar>(sample: &Sample) -> T {
    let [noise, _, _] = sample.rate();
    noise
}

/// A vector that turns with the angle.
fn turning<T: Real>(sample: &Sample, length: f64) -> AlphaBeta<T> {
    let (sin, cos) = angle::<T>(sample).sin_cos();
    AlphaBeta {
        alpha: T::lit(length) * cos,
        beta: T::lit(length) * sin,
    }
}

fn measured<T: Real>(sample: &Sample) -> CurrentLoopInput<T> {
    // Currents that nearly follow the angle.
    let AlphaBeta { alpha, beta } = turning::<T>(sample, 2.0);
    CurrentLoopInput {
        phase_currents: [noise::<T>(sample) - beta, alpha],
        angle: angle(sample),
        speed: T::lit(100.0),
        bus_voltage: T::lit(36.0) - noise(sample),
        reference: Dq::new(T::zero(), T::lit(2.5)),
    }
}

motor! {
    /// Currents, angle and speed to three duties.
    FocCurrentLoop: foc::CurrentLoop<T> = CurrentLoopConfig::default().build(dt());
    |sample| -> CurrentLoopInput<T> { measured(sample) }
    |control, input| -> [T; 3] { control.step(input).duties }
}
motor! {
    /// Speed to current.
    SpeedLoop: foc::SpeedLoop<T> = SpeedLoopConfig::default().build(dt());
    |sample| -> T { noise(sample) }
    |control, speed| -> T { control.step(T::lit(1.0), *speed).current }
}
motor! {
    /// Position to speed.
    PositionLoop: foc::PositionLoop<T> = PositionLoopConfig::default().build();
    |sample| -> T { sample.pitch() }
    |control, position| -> T { control.step(T::lit(0.3), *position, T::lit(0.0)) }
}
motor! {
    /// Speed beyond the voltage.
    FieldWeakening: foc::FieldWeakening<T> = FieldWeakeningConfig::default().build(dt());
    |sample| -> Dq<T> { Dq::new(noise(sample), T::lit(18.0)) }
    |control, voltage| -> Dq<T> { control.step(T::lit(3.0), *voltage) }
}
motor! {
    /// The magnet's flux from voltages and currents.
    FluxObserver: foc::FluxObserver<T> = FluxObserverConfig::default().build(dt());
    |sample| -> [AlphaBeta<T>; 2] { [turning(sample, 12.0), turning(sample, 2.0)] }
    |observer, input| -> AlphaBeta<T> { observer.step(input[0], input[1], T::lit(100.0)) }
}
motor! {
    /// Rotor angle without a sensor.
    Sensorless: foc::Sensorless<T> = SensorlessConfig::default().build(dt());
    |sample| -> SensorlessInput<T> {
        SensorlessInput {
            voltage: turning(sample, 12.0),
            current: turning(sample, 2.0),
            loop_voltage: Dq::new(T::lit(0.0), T::lit(12.0)),
            reference: Dq::new(T::lit(0.0), T::lit(2.0)),
        }
    }
    |estimator, input| -> SensorlessOutput<T> { estimator.step(input) }
}
motor! {
    /// Angle and speed from three switches.
    HallAngle: foc::HallAngle<T> = HallAngleConfig::default().build(dt());
    |sample| -> u8 { [0b001, 0b011, 0b010, 0b110, 0b100, 0b101][usize::from(sample.index / 10 % 6)] }
    |hall, switches| -> HallOutput<T> { hall.step(*switches) }
}
motor! {
    /// Electrical angle from encoder counts.
    EncoderAngle: foc::EncoderAngle<T> = EncoderAngleConfig::default().build();
    |sample| -> i32 { sample.encoder }
    |encoder, counts| -> T { encoder.of(*counts) }
}
motor! {
    /// Where the encoder's zero is.
    Alignment: foc::Alignment<T> = AlignmentConfig::default().build(dt());
    |sample| -> i32 { sample.encoder }
    |alignment, counts| -> AlignmentOutput<T> { alignment.step(*counts) }
}
motor! {
    /// Speed from an angle with noise.
    PhaseLock: encoder::PhaseLock<T> = PhaseLockConfig::default().build(dt());
    |sample| -> T { angle(sample) }
    |lock, angle| -> T { lock.step(*angle).speed }
}
motor! {
    /// Over-current, over-voltage, stall, an encoder that contradicts.
    MotorWatch: foc::MotorWatch<T> = MotorWatchConfig::default().build(dt());
    |sample| -> CurrentLoopOutput<T> {
        CurrentLoopOutput {
            duties: [T::lit(0.5); 3],
            current: Dq::new(noise(sample), T::lit(2.0)),
            voltage: Dq::new(noise(sample), T::lit(12.0)),
            saturated: false,
            held: false,
        }
    }
    |watch, output| -> Option<MotorFault> { watch.step(output, T::lit(100.0), T::lit(36.0)) }
}

/// Resistance and inductances, at standstill.
pub struct WindingTest;

impl<P: Float> Case<P> for WindingTest {
    type Algorithm = foc::WindingTest<P>;
    type Input = AlphaBeta<P>;
    type Output = AlphaBeta<P>;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        WindingTestConfig::default().build(dt())
    }
    fn input(sample: &Sample) -> AlphaBeta<P> {
        AlphaBeta {
            alpha: P::lit(2.0) + noise(sample),
            beta: noise(sample),
        }
    }
    fn step(test: &mut Self::Algorithm, current: &AlphaBeta<P>) -> AlphaBeta<P> {
        test.step(*current).0
    }
}

/// The motor itself, as simulators have it.
pub struct PmsmModel;

impl<P: Float> Case<P> for PmsmModel {
    type Algorithm = Pmsm<P>;
    type Input = [P; 3];
    type Output = P;

    fn build() -> Result<Pmsm<P>, ConfigError> {
        PmsmConfig::default().build(dt())
    }
    fn input(sample: &Sample) -> [P; 3] {
        let AlphaBeta { alpha, beta } = turning::<P>(sample, 0.1);
        [alpha, beta - alpha, -beta].map(|x| P::lit(0.5) + x)
    }
    fn step(motor: &mut Pmsm<P>, duties: &[P; 3]) -> P {
        motor.step(*duties, P::zero()).speed
    }
}
