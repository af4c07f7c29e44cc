//! A bare image for QEMU's machines that calls one case's step for each sample, on a stack of its
//! own. `image!(path::to::Case, f32)` is a whole program.
//!
//! The counting is done outside, between the addresses `measured_from` and `measured_to`. The
//! first call measured is of an empty function, so that it can be taken off.
#![no_std]

pub mod semihosting;
mod start;

pub use cases::{Case, SAMPLES};
pub use start::{STACK_FILL, Stack, measure, measured_stack};

/// What stays when everything is taken away.
pub extern "C" fn empty(_: *mut (), _: *const (), _: *mut ()) {}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    semihosting::exit(false)
}

/// The program.
#[macro_export]
macro_rules! image {
    ($case:ty, $scalar:ty) => {
        use core::mem::MaybeUninit;
        use $crate::{Case, semihosting};
        type Algorithm = <$case as Case<$scalar>>::Algorithm;
        type Input = <$case as Case<$scalar>>::Input;
        type Output = <$case as Case<$scalar>>::Output;

        static mut ALGORITHM: MaybeUninit<Algorithm> = MaybeUninit::uninit();
        static mut OUTPUT: MaybeUninit<Output> = MaybeUninit::uninit();

        /// Exported, so that nothing is known of its arguments.
        #[unsafe(no_mangle)]
        #[inline(never)]
        pub extern "C" fn case_build(algorithm: &mut MaybeUninit<Algorithm>) -> bool {
            match <$case as Case<$scalar>>::build() {
                Ok(built) => {
                    algorithm.write(built);
                    true
                }
                Err(_) => false,
            }
        }

        #[unsafe(no_mangle)]
        #[inline(never)]
        pub extern "C" fn case_step(
            algorithm: &mut Algorithm,
            input: &Input,
            output: &mut MaybeUninit<Output>,
        ) {
            output.write(<$case as Case<$scalar>>::step(algorithm, input));
        }

        #[unsafe(no_mangle)]
        pub extern "C" fn image_main() -> ! {
            let algorithm = &raw mut ALGORITHM;
            let output = &raw mut OUTPUT;
            // SAFETY: one thread, no interrupts, and these are the only uses.
            let ready = unsafe { case_build(&mut *algorithm) };
            if !ready {
                semihosting::exit(false);
            }
            // SAFETY: built above.
            <$case as Case<$scalar>>::warm_up(unsafe { (*algorithm).assume_init_mut() });
            $crate::measured_stack().paint();
            let step: extern "C" fn(&mut Algorithm, &Input, &mut MaybeUninit<Output>) = case_step;
            // SAFETY: three pointers in, nothing out: the same call for the machine.
            let step: extern "C" fn(*mut (), *const (), *mut ()) =
                unsafe { core::mem::transmute(step) };
            $crate::measure(
                algorithm.cast(),
                core::ptr::null(),
                output.cast(),
                $crate::empty,
            );
            for sample in &$crate::SAMPLES {
                let input = <$case as Case<$scalar>>::input(sample);
                $crate::measure(
                    algorithm.cast(),
                    (&raw const input).cast(),
                    output.cast(),
                    step,
                );
            }
            semihosting::report("state", size_of::<Algorithm>());
            semihosting::report("stack", $crate::measured_stack().used());
            semihosting::exit(true)
        }
    };
}
