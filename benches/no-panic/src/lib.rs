//! Every case of `benches/cases`, for every scalar type, behind a C name. If a panic can be reached
//! from building, stepping, reading or restoring any of them, the library mentions a symbol that
//! exists nowhere, and `.ci/targets` fails.
#![no_std]

use balance_core::Step;
use balance_core::control::design::{
    ContinuousModel, DesignError, KalmanGain, KalmanGainConfig, Lqr, LqrConfig, Pole, place_poles,
    place_poles_sampled,
};
use cases::{Case, ConfigError, for_each_case, scalar};
use nalgebra::SMatrix;

unsafe extern "C" {
    fn balance_panic_is_reachable() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    // SAFETY: defined nowhere, so nothing that calls it can be linked, let alone run.
    unsafe { balance_panic_is_reachable() }
}

/// One exported function for each case and scalar type. Nothing is known of its arguments.
macro_rules! export {
    ($($name:ident: $room:ident :: $case:ident [$($scalar:ident)+];)+) => {$($(
        const _: () = {
            type This = cases::$room::$case;
            type Of = scalar::$scalar;
            type Algorithm = <This as Case<Of>>::Algorithm;

            #[unsafe(export_name = concat!(stringify!($name), "_", stringify!($scalar)))]
            fn case(
                algorithm: &mut Algorithm,
                input: &<This as Case<Of>>::Input,
                output: &mut <This as Case<Of>>::Output,
                full: Full,
                built: &mut Result<Algorithm, ConfigError>,
            ) {
                *output = <This as Case<Of>>::step(algorithm, input);
                Probe(algorithm).everything(full);
                *built = <This as Case<Of>>::build();
            }
        };
    )+)+};
}
for_each_case!(export);

/// Input and output of [`Step`], of whatever type.
#[repr(C)]
struct Full(*const (), *mut ());

/// Calls what the algorithm has beside its ordinary step: nothing, or all of [`Step`]. Method
/// lookup finds the implementation on `Probe` itself first, where there is one.
struct Probe<'a, A>(&'a mut A);

trait WithStep {
    fn everything(self, full: Full);
}
impl<A: Step> WithStep for Probe<'_, A> {
    fn everything(self, full: Full) {
        // SAFETY: never run; whoever would call it would pass these types.
        let (input, output) = unsafe { (&*full.0.cast(), &mut *full.1.cast()) };
        *output = Step::step(self.0, *input);
        let state = Step::state(self.0);
        Step::reset(self.0);
        Step::restore(self.0, state);
    }
}
trait WithoutStep {
    fn everything(&self, _: Full);
}
impl<A> WithoutStep for Probe<'_, A> {
    fn everything(&self, _: Full) {}
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
    out: &mut Result<
        (
            Lqr<f32, 4, 1>,
            KalmanGain<f32, 4, 2>,
            [SMatrix<f32, 1, 4>; 2],
        ),
        DesignError,
    >,
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
