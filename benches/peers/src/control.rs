//! Controllers.

use cases::scalar::fixed as Q12;
use cases::{Case, ConfigError, DT, Sample};
use dsp_fixedpoint::Q32;
use dsp_process::SplitProcess;
use fixed::types::I16F16;
use idsp::Build;
use idsp::iir::pid::{Pid, Units};
use idsp::iir::{BiquadClamp, DirectForm1};
use nalgebra::SMatrix;

/// `pid`.
pub struct PidCrate;
/// `idsp`.
pub struct IdspPid;
/// A row of gains times a column of states.
pub struct NalgebraFeedback;
/// `foc`.
pub struct Foc;

macro_rules! floats {
    ($($scalar:ident)+) => {$(
        impl Case<$scalar> for PidCrate {
            type Algorithm = pid::Pid<$scalar>;
            type Input = $scalar;
            type Output = $scalar;

            fn build() -> Result<Self::Algorithm, ConfigError> {
                let mut pid = pid::Pid::new(0.0, 5.0);
                // Its gains are those of a period.
                pid.p(15.0, 5.0).i(80.0 * DT as $scalar, 5.0).d(0.6 / DT as $scalar, 5.0);
                Ok(pid)
            }
            fn input(sample: &Sample) -> $scalar {
                sample.pitch()
            }
            fn step(pid: &mut Self::Algorithm, pitch: &$scalar) -> $scalar {
                pid.next_control_output(*pitch).output
            }
        }

        impl Case<$scalar> for NalgebraFeedback {
            type Algorithm = SMatrix<$scalar, 1, 4>;
            type Input = SMatrix<$scalar, 4, 1>;
            type Output = $scalar;

            fn build() -> Result<Self::Algorithm, ConfigError> {
                Ok(SMatrix::from_row_slice(&[-10.8, -25.6, -22.2, -2.7]))
            }
            fn input(sample: &Sample) -> Self::Input {
                let [_, rate, turn] = sample.rate();
                SMatrix::from_column_slice(&[turn, sample.pitch(), sample.pitch(), rate])
            }
            fn step(gains: &mut Self::Algorithm, state: &Self::Input) -> $scalar {
                -(*gains * state)[0]
            }
        }
    )+};
}
floats!(f32 f64);

/// The gains of the case `pid`.
fn gains() -> Pid<f32> {
    Pid::default()
        .kp(-15.0)
        .ki(-80.0)
        .kd(-0.6)
        .output_limits(-5.0, 5.0)
}

impl Case<f32> for IdspPid {
    type Algorithm = (BiquadClamp<f32>, DirectForm1<f32>);
    type Input = f32;
    type Output = f32;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        let filter = gains().build(&Units::new(DT as f32, 1.0, 1.0));
        Ok((filter, DirectForm1::default()))
    }
    fn input(sample: &Sample) -> f32 {
        sample.pitch()
    }
    fn step((filter, state): &mut Self::Algorithm, pitch: &f32) -> f32 {
        filter.process(state, *pitch)
    }
}

impl Case<Q12> for IdspPid {
    type Algorithm = (BiquadClamp<Q32<24>, i32>, DirectForm1<i32>);
    type Input = i32;
    type Output = i32;

    fn build() -> Result<Self::Algorithm, ConfigError> {
        // A unit of the output is 256 units of the input, so that the gains fit.
        let lsb = 1.0 / 1_048_576.0;
        let filter = gains().build(&Units::new(DT as f32, lsb, 256.0 * lsb));
        Ok((filter, DirectForm1::default()))
    }
    fn input(sample: &Sample) -> i32 {
        sample.pitch::<Q12>().to_bits()
    }
    fn step((filter, state): &mut Self::Algorithm, pitch: &i32) -> i32 {
        filter.process(state, *pitch)
    }
}

impl Case<Q12> for Foc {
    type Algorithm = foc::Foc<foc::pwm::SpaceVector, 1000>;
    type Input = ([I16F16; 2], I16F16);
    type Output = [u16; 3];

    fn build() -> Result<Self::Algorithm, ConfigError> {
        let gains = || foc::pid::PIController::new(I16F16::lit("0.1"), I16F16::lit("20"));
        Ok(foc::Foc::new(gains(), gains()))
    }
    fn input(sample: &Sample) -> Self::Input {
        let angle = core::f32::consts::TAU / 60.0 * f32::from(sample.index % 60);
        let [noise, _, _] = sample.rate::<f32>();
        let number = I16F16::saturating_from_num::<f32>;
        // Quarter-wave tables need not be exact: currents that nearly follow the angle.
        let unit = sample.pitch::<f32>();
        ([number(noise - unit), number(unit)], number(angle))
    }
    fn step(control: &mut Self::Algorithm, (currents, angle): &Self::Input) -> Self::Output {
        control.update(
            *currents,
            *angle,
            I16F16::lit("0.5"),
            I16F16::lit("0.00005"),
        )
    }
}
