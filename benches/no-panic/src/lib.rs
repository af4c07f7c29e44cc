//! Every step of `balance-core`, for every scalar type, behind a C name. If a panic can be reached
//! from any of them, the library mentions a symbol that exists nowhere, and `.ci/targets` fails.
#![no_std]

use balance_core::Step;
use balance_core::control::cascade::Cascade;
use balance_core::control::design::{
    ContinuousModel, DesignError, KalmanGain, KalmanGainConfig, Lqr, LqrConfig, Pole, place_poles,
    place_poles_sampled,
};
use balance_core::control::pid::Pid;
use balance_core::control::state_feedback::StateFeedback;
use balance_core::estimation::complementary::Complementary;
use balance_core::estimation::inclination::Inclination;
use balance_core::estimation::steady_tilt_kalman::SteadyTiltKalman;
use balance_core::estimation::tilt_kalman::TiltKalman;
use balance_core::estimation::wheel_speed::WheelSpeed;
use balance_core::math::{Float, Q12, Real, wrap_angle};
use balance_core::model::{Accelerations, Load, PendulumState, WheeledPendulum};
use balance_core::motor::dc_motor::DcMotor;
use balance_core::motor::duty_map::DutyMap;
use balance_core::motor::voltage_feedforward::VoltageFeedforward;
use balance_core::robot::{Inputs, Outputs, Robot};
use balance_core::signal::biquad::Biquad;
use balance_core::signal::deadband::Deadband;
use balance_core::signal::derivative::Derivative;
use balance_core::signal::lowpass::LowPass;
use balance_core::signal::median::Median;
use balance_core::signal::slew_limit::SlewLimit;
use balance_core::time::Instant;
use nalgebra::SMatrix;

unsafe extern "C" {
    fn balance_panic_is_reachable() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    // SAFETY: defined nowhere, so nothing that calls it can be linked, let alone run.
    unsafe { balance_panic_is_reachable() }
}

/// One exported function for each case and scalar type.
macro_rules! cases {
    ($module:ident, $t:ty, $($name:ident: $case:ty),* $(,)?) => {
        mod $module {
            use super::*;
            $(
                #[unsafe(export_name = concat!(stringify!($name), "_", stringify!($module)))]
                fn $name(case: &mut $case, input: &<$case as Step>::Input, out: &mut <$case as Step>::Output) {
                    *out = Step::step(case, *input);
                    let state = Step::state(case);
                    Step::reset(case);
                    Step::restore(case, state);
                }
            )*
            #[unsafe(export_name = concat!("robot_tick_", stringify!($module)))]
            fn robot_tick(robot: &mut Robot<$t>, now: u64, inputs: &Inputs<$t>, out: &mut Outputs<$t>) {
                *out = robot.tick(Instant::from_micros(now), inputs);
            }
            #[unsafe(export_name = concat!("elementary_", stringify!($module)))]
            fn elementary(x: &mut [$t; 2]) {
                let [a, b] = *x;
                let (sin, cos) = a.sin_cos();
                *x = [wrap_angle(a.atan2(b) + sin), cos.sqrt() / b];
            }
        }
    };
}

macro_rules! scalar {
    ($module:ident, $t:ty) => {
        cases!($module, $t,
            pid: Pid<$t>,
            cascade: Cascade<$t>,
            state_feedback_4: StateFeedback<$t, 4>,
            complementary: Complementary<$t>,
            tilt_kalman: TiltKalman<$t>,
            steady_tilt_kalman: SteadyTiltKalman<$t>,
            inclination: Inclination<$t>,
            wheel_speed: WheelSpeed<$t>,
            dc_motor: DcMotor<$t>,
            duty_map: DutyMap<$t>,
            voltage_feedforward: VoltageFeedforward<$t>,
            biquad: Biquad<$t>,
            deadband: Deadband<$t>,
            derivative: Derivative<$t>,
            low_pass: LowPass<$t>,
            median_5: Median<$t, 5>,
            slew_limit: SlewLimit<$t>,
        );
    };
}

scalar!(f32, core::primitive::f32);
scalar!(f64, core::primitive::f64);
scalar!(fixed, Q12);

fn pendulum<T: Float>(
    model: &WheeledPendulum<T>,
    state: &mut PendulumState<T>,
    torque: &[T; 2],
    dt: T,
) -> Accelerations<T> {
    model.step(state, *torque, &Load::default(), dt)
}
#[unsafe(no_mangle)]
fn pendulum_f32(
    model: &WheeledPendulum<f32>,
    state: &mut PendulumState<f32>,
    torque: &[f32; 2],
    dt: f32,
    out: &mut Accelerations<f32>,
) {
    *out = pendulum(model, state, torque, dt);
}

/// Every design, for one size.
#[unsafe(no_mangle)]
fn design(
    model: &ContinuousModel<f32, 4, 1>,
    weights: &LqrConfig<f32, 4, 1>,
    noises: &KalmanGainConfig<f32, 4, 2>,
    c: &SMatrix<f32, 2, 4>,
    poles: &[Pole<f32>],
    dt: f32,
    out: &mut Result<(Lqr<f32, 4, 1>, KalmanGain<f32, 4, 2>, [SMatrix<f32, 1, 4>; 2]), DesignError>,
) {
    *out = (|| {
        let held = model.discretise(dt)?;
        weights.design(&held)?;
        Ok((
            weights.design_sampled(model, dt)?,
            noises.design_sampled(model, c, dt)?,
            [
                place_poles(&held.a, &held.b, poles)?,
                place_poles_sampled(model, poles, dt)?,
            ],
        ))
    })();
}

/// What the check must find.
#[cfg(feature = "deliberate")]
#[unsafe(no_mangle)]
fn deliberate(values: &[u32], index: usize) -> u32 {
    values[index]
}
