//! Every algorithm of `balance-core` once, for each scalar type it supports, with realistic input.
//! Instruction counts, flash, the search for reachable panics and the host benches all run over
//! this one list.
//!
//! A new algorithm is one `impl Case` in the file of its room and one line in [`for_each_case!`].
//! `tests/complete.rs` fails when a public algorithm has none.
#![no_std]

pub mod attitude;
pub mod control;
pub mod estimation;
pub mod foc;
pub mod kalman;
pub mod math;
pub mod model;
pub mod motor;
pub mod robot;
mod sample;
pub mod sensor;
pub mod signal;
pub mod small_job;

pub use balance_core::ConfigError;
pub use sample::{DT, SAMPLES, Sample};

/// An algorithm over the scalar type `T` as somebody would use it.
pub trait Case<T> {
    /// What is built once and then stepped.
    type Algorithm;
    /// What a step takes.
    type Input;
    /// What the caller keeps of what a step gives.
    type Output;

    /// Coefficients and state.
    ///
    /// # Errors
    /// None: the configurations here are constants that work.
    fn build() -> Result<Self::Algorithm, ConfigError>;
    /// Runs before anything is measured.
    fn warm_up(_: &mut Self::Algorithm) {}
    /// What the sensors say, as this algorithm takes it.
    fn input(sample: &Sample) -> Self::Input;
    /// What is measured.
    fn step(algorithm: &mut Self::Algorithm, input: &Self::Input) -> Self::Output;
}

/// The scalar types by the names they have in results.
pub mod scalar {
    #[allow(non_camel_case_types)]
    /// ±2048 with 20 bits behind the point.
    pub type fixed = balance_core::math::Q12;
    pub use core::primitive::{f32, f64};
}

/// Calls the macro `$with` with all cases: `name: room::Type [scalar types];` each.
#[macro_export]
macro_rules! for_each_case {
    ($with:ident) => {
        $with! {
            accel_tilt: sensor::AccelTilt [f32 f64 fixed];
            adrc: control::Adrc [f32 f64 fixed];
            alignment: foc::Alignment [f32 f64 fixed];
            atan2: math::Atan2 [f32 f64 fixed];
            atan2_counts: math::Atan2Counts [fixed];
            attitude_kalman: attitude::AttitudeKalman [f32 f64];
            autotune: robot::Autotune [f32 f64 fixed];
            basic_vqf: attitude::BasicVqf [f32 f64 fixed];
            biquad: signal::Biquad [f32 f64 fixed];
            biquad_chain_4: signal::BiquadChain4 [f32 f64 fixed];
            bounded_velocity: attitude::BoundedVelocity [f32 f64];
            cascade: control::Cascade [f32 f64 fixed];
            complementary: estimation::Complementary [f32 f64 fixed];
            dc_current_loop: motor::DcCurrentLoop [f32 f64 fixed];
            dc_motor: motor::DcMotor [f32 f64 fixed];
            deadband: signal::Deadband [f32 f64 fixed];
            delay_8: signal::Delay8 [f32 f64 fixed];
            derivative: signal::Derivative [f32 f64 fixed];
            disturbance_observer: control::DisturbanceObserver [f32 f64 fixed];
            duty_map: motor::DutyMap [f32 f64 fixed];
            edge_speed: motor::EdgeSpeed [f32 f64 fixed];
            ekf_4_2: kalman::Ekf42 [f32 f64];
            encoder_angle: foc::EncoderAngle [f32 f64 fixed];
            excitation: control::Excitation [f32 f64 fixed];
            field_weakening: foc::FieldWeakening [f32 f64 fixed];
            flux_observer: foc::FluxObserver [f32 f64 fixed];
            foc_current_loop: foc::FocCurrentLoop [f32 f64 fixed];
            gain_schedule: control::GainSchedule [f32 f64 fixed];
            hall_angle: foc::HallAngle [f32 f64 fixed];
            hybrid_stepper: model::HybridStepper [f32 f64];
            inclination: estimation::Inclination [f32 f64 fixed];
            joint: model::Joint [f32 f64];
            kalman_4_2: kalman::Kalman42 [f32 f64 fixed];
            kalman_6_3: kalman::Kalman63 [f32 f64 fixed];
            lead_lag: control::LeadLag [f32 f64 fixed];
            lean_pid: control::LeanPid [f32 f64 fixed];
            loop_timing: robot::LoopTiming [fixed];
            low_pass: signal::LowPass [f32 f64 fixed];
            luenberger_4_2: control::Luenberger42 [f32 f64 fixed];
            madgwick: attitude::Madgwick [f32 f64 fixed];
            mahony: attitude::Mahony [f32 f64 fixed];
            median_5: signal::Median5 [f32 f64 fixed];
            motor_feedforward: control::MotorFeedforward [f32 f64 fixed];
            motor_identification: motor::Identification [f32 f64];
            motor_watch: foc::MotorWatch [f32 f64 fixed];
            mpc_cart_pole: control::MpcCartPole [f32 f64];
            phase_lock: foc::PhaseLock [f32 f64 fixed];
            pid: control::Pid [f32 f64 fixed];
            pmsm: foc::PmsmModel [f32 f64];
            position_loop: foc::PositionLoop [f32 f64 fixed];
            profile_s_curve: control::ProfileSCurve [f32 f64 fixed];
            profile_trapezoid: control::ProfileTrapezoid [f32 f64 fixed];
            quadrotor_axis: model::QuadrotorAxis [f32 f64];
            robot_tick: robot::RobotTick [f32 f64 fixed];
            robot_tick_mpc: robot::MpcTick [f32 f64 fixed];
            robot_tilt: estimation::RobotTilt [f32 f64 fixed];
            sensorless: foc::Sensorless [f32 f64 fixed];
            sin_cos: math::SinCos [f32 f64 fixed];
            sin_cos_counts: math::SinCosCounts [fixed];
            sin_cos_short: math::SinCosShort [fixed];
            slew_limit: signal::SlewLimit [f32 f64 fixed];
            smith_predictor_32: control::SmithPredictor [f32 f64 fixed];
            speed_loop: foc::SpeedLoop [f32 f64 fixed];
            sqrt: math::Sqrt [f32 f64 fixed];
            stall_detector: motor::StallDetector [f32 f64 fixed];
            state_feedback_4: control::StateFeedback4 [f32 f64 fixed];
            steady_kalman_4_2: kalman::SteadyKalman42 [f32 f64 fixed];
            steady_tilt_kalman: estimation::SteadyTiltKalman [f32 f64 fixed];
            steady_velocity: attitude::SteadyVelocity [f32 f64 fixed];
            step_generator: motor::StepGenerator [fixed];
            stepper_wheel: motor::StepperWheel [f32 f64 fixed];
            thermal_limit: motor::ThermalLimit [f32 f64 fixed];
            tilt_feedforward: control::TiltFeedforward [f32 f64 fixed];
            tilt_kalman: estimation::TiltKalman [f32 f64 fixed];
            tilt_pid_from_bytes: small_job::TiltPidFromBytes [f32 f64 fixed];
            ukf_4_2: kalman::Ukf42 [f32 f64];
            voltage_feedforward: motor::VoltageFeedforward [f32 f64 fixed];
            vqf: attitude::Vqf [f32 f64 fixed];
            wheel_speed: estimation::WheelSpeed [f32 f64 fixed];
            wheeled_pendulum: model::WheeledPendulum [f32 f64];
            winding_test: foc::WindingTest [f32 f64];
            wrap_angle: math::WrapAngle [f32 f64 fixed];
        }
    };
}

/// A case by its names: what `for_each_case!` lists, as data.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// As in results: `tilt_kalman`.
    pub name: &'static str,
    /// The type that implements [`Case`], as a path below this crate.
    pub path: &'static str,
    /// `f32`, `f64`, `fixed`.
    pub scalars: &'static [&'static str],
}

macro_rules! entries {
    ($($name:ident: $case:path [$($scalar:ident)+];)+) => {
        /// All cases.
        pub const ENTRIES: &[Entry] = &[$(Entry {
            name: stringify!($name),
            path: stringify!($case),
            scalars: &[$(stringify!($scalar)),+],
        }),+];
    };
}
for_each_case!(entries);
