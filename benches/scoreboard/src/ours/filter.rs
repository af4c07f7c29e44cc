//! Filters of one quantity.

use super::{RESOLUTION, in_all_types, number, param, scalar};
use crate::board::Board;
use balance_conformance::{Filter, FilterSample, FilterTuning, Subject, Supported};
use balance_core::control::feedforward::{
    MotorFeedforward, MotorFeedforwardConfig, TiltFeedforward, TiltFeedforwardConfig,
};
use balance_core::control::lead_lag::{LeadLag, LeadLagConfig};
use balance_core::control::profile::Goal;
use balance_core::control::profile::s_curve::{SCurve, SCurveConfig};
use balance_core::control::profile::trapezoid::{Trapezoid, TrapezoidConfig};
use balance_core::estimation::wheel_speed::{WheelSpeed, WheelSpeedConfig};
use balance_core::math::{Real, Scalar};
use balance_core::motor::dc_motor::{DcMotor, DcMotorConfig};
use balance_core::motor::duty_map::{DutyMap, DutyMapConfig};
use balance_core::motor::encoder::{PhaseLock, PhaseLockConfig};
use balance_core::motor::foc::position_loop::{PositionLoop, PositionLoopConfig};
use balance_core::motor::voltage_feedforward::{VoltageFeedforward, VoltageFeedforwardConfig};
use balance_core::robot::RobotParameters;
use balance_core::signal::biquad::{Biquad, BiquadConfig, BiquadKind};
use balance_core::signal::biquad_chain::{BiquadChain, ButterworthConfig};
use balance_core::signal::deadband::{Deadband, DeadbandConfig};
use balance_core::signal::delay::Delay;
use balance_core::signal::derivative::{Derivative, DerivativeConfig};
use balance_core::signal::lowpass::{LowPass, LowPassConfig};
use balance_core::signal::median::Median;
use balance_core::signal::slew_limit::{SlewLimit, SlewLimitConfig};

pub fn add(board: &mut Board) {
    in_all_types!(board, "lowpass", LowPassSubject, within 1e-4, 1e-4);
    in_all_types!(board, "biquad", BiquadSubject, within 1e-4, 1e-4);
    in_all_types!(board, "notch", NotchSubject, within 1e-4, 1e-4);
    in_all_types!(board, "biquad_chain", ChainSubject, within 1e-3, 1e-3);
    in_all_types!(board, "derivative", DerivativeSubject, within 2e-2, 2e-2);
    in_all_types!(board, "median", MedianSubject, within 1e-5, 1e-5);
    in_all_types!(board, "slew_limit", SlewLimitSubject, within 1e-4, 1e-4);
    in_all_types!(board, "deadband", DeadbandSubject, within 1e-5, 1e-5);
    in_all_types!(board, "delay", DelaySubject, within 1e-5, 1e-5);
    in_all_types!(board, "lead_lag", LeadLagSubject, within 1e-3, 2e-3);
    in_all_types!(board, "trapezoid", TrapezoidSubject, within 1e-2, 2e-2);
    in_all_types!(board, "s_curve", SCurveSubject, within 1e-2, 2e-2);
    in_all_types!(board, "wheel_speed", WheelSubject, within 1e-3, 1e-2);
    in_all_types!(board, "phase_lock", PhaseLockSubject, within 1e-2, 2e-2);
    in_all_types!(board, "position_loop", PositionSubject, within 1e-3, 1e-2);
    in_all_types!(board, "dc_motor", MotorSubject, within 1e-3, 1e-2);
    in_all_types!(board, "voltage_feedforward", FeedforwardSubject, within 1e-4, 1e-3);
    in_all_types!(board, "motor_feedforward", MotorAheadSubject, within 1e-4, 1e-3);
    in_all_types!(board, "tilt_feedforward", TiltAheadSubject, within 1e-4, 1e-3);
    in_all_types!(board, "duty_map", DutySubject, within 1e-4, 1e-4);
}

/// The shape that they share: how to make one from the period, how to step it.
macro_rules! filter {
    ($subject:ident, $bound:ident, $filter:ty, $takes_dt:literal, $build:expr, $step:expr) => {
        struct $subject<T: Scalar>($filter);
        impl<T: $bound> Subject for $subject<T> {
            type Kind = Filter;
            const RESOLUTION: f64 = RESOLUTION;
            const TAKES_DT: bool = $takes_dt;
            fn new(t: &FilterTuning) -> Self {
                let build: fn(T::Param) -> $filter = $build;
                Self(build(param::<T>(t.dt)))
            }
            fn step(&mut self, s: &FilterSample) -> f64 {
                let step: fn(&mut $filter, T, T::Param) -> T = $step;
                number(step(&mut self.0, scalar(s.value), param::<T>(s.dt)))
            }
            fn reset(&mut self) -> Supported {
                self.0.reset();
                Supported::Yes
            }
        }
    };
}

filter!(
    LowPassSubject,
    Scalar,
    LowPass<T>,
    true,
    |dt| LowPassConfig::default().build(dt).expect("a good tuning"),
    |filter, x, dt| filter.step_dt(x, dt)
);
filter!(
    BiquadSubject,
    Scalar,
    Biquad<T>,
    false,
    |dt| BiquadConfig::default().build(dt).expect("a good tuning"),
    |filter, x, _| filter.step(x)
);
filter!(
    NotchSubject,
    Scalar,
    Biquad<T>,
    false,
    |dt| {
        let config = BiquadConfig {
            kind: BiquadKind::Notch,
            q: param::<T>(2.0),
            ..Default::default()
        };
        config.build(dt).expect("a good tuning")
    },
    |filter, x, _| filter.step(x)
);
type Chain<T> = BiquadChain<T, 2>;
filter!(
    ChainSubject,
    Scalar,
    Chain<T>,
    false,
    |dt| ButterworthConfig::default()
        .build(dt)
        .expect("a good tuning"),
    |filter, x, _| filter.step(x)
);
filter!(
    DerivativeSubject,
    Scalar,
    Derivative<T>,
    true,
    |dt| DerivativeConfig::default()
        .build(dt)
        .expect("a good tuning"),
    |filter, x, dt| filter.step_dt(x, dt)
);
type Median5<T> = Median<T, 5>;
filter!(
    MedianSubject,
    Scalar,
    Median5<T>,
    false,
    |_| Median::new(),
    |filter, x, _| filter.step(x)
);
filter!(
    SlewLimitSubject,
    Scalar,
    SlewLimit<T>,
    true,
    |dt| SlewLimitConfig::default().build(dt).expect("a good tuning"),
    |filter, x, dt| filter.step_dt(x, dt)
);
filter!(
    DeadbandSubject,
    Scalar,
    Deadband<T>,
    false,
    |_| DeadbandConfig::default().build().expect("a good tuning"),
    |filter, x, _| filter.step(x)
);
type Delay8<T> = Delay<T, 8>;
filter!(
    DelaySubject,
    Scalar,
    Delay8<T>,
    false,
    |_| Delay::new(),
    |filter, x, _| filter.step(x)
);
// A hundred counts per unit of the quantity.
filter!(
    WheelSubject,
    Scalar,
    WheelSpeed<T>,
    false,
    |dt| WheelSpeedConfig::default()
        .build(dt)
        .expect("a good tuning"),
    |filter, x, _| filter.step(x.to_counts(T::gain(param::<T>(100.0)))).speed
);
// The quantity is the voltage, without a load.
filter!(
    MotorSubject,
    Scalar,
    DcMotor<T>,
    false,
    |dt| DcMotorConfig::default().build(dt).expect("a good tuning"),
    |motor, x, _| motor.step(x, T::zero()).speed
);
filter!(
    FeedforwardSubject,
    Real,
    VoltageFeedforward<T>,
    false,
    |_| VoltageFeedforwardConfig::default()
        .build()
        .expect("a good tuning"),
    |map, x, _| map.step(x, T::zero())
);
filter!(
    DutySubject,
    Real,
    DutyMap<T>,
    false,
    |_| DutyMapConfig::default().build().expect("a good tuning"),
    |map, x, _| map.step(x, T::lit(7.4)).duty
);

// Its speed; the angle turns over at half a turn, where a mirror image does so elsewhere.
filter!(
    PhaseLockSubject,
    Real,
    PhaseLock<T>,
    false,
    |dt| {
        let config = PhaseLockConfig {
            bandwidth: param::<T>(30.0),
            max_speed: param::<T>(50.0),
        };
        config.build(dt).expect("a good tuning")
    },
    |lock, x, _| lock.step(x).speed
);
filter!(
    PositionSubject,
    Real,
    PositionLoop<T>,
    false,
    |_| PositionLoopConfig::default()
        .build()
        .expect("a good tuning"),
    |position, x, _| position.step(x, T::zero(), T::zero())
);

filter!(
    LeadLagSubject,
    Scalar,
    LeadLag<T>,
    false,
    |dt| LeadLagConfig::default().build(dt).expect("a good tuning"),
    |filter, x, _| filter.step(x)
);
// Quick enough to be back in time from where a saturated goal has taken it.
filter!(
    TrapezoidSubject,
    Scalar,
    Trapezoid<T>,
    false,
    |dt| {
        let config = TrapezoidConfig {
            speed: param::<T>(100.0),
            acceleration: param::<T>(1000.0),
        };
        config.build(dt).expect("a good tuning")
    },
    |profile, x, _| profile.step(Goal::rest(x)).position
);
filter!(
    SCurveSubject,
    Scalar,
    SCurve<T>,
    false,
    |dt| {
        let config = SCurveConfig {
            speed: param::<T>(100.0),
            acceleration: param::<T>(1000.0),
            jerk: param::<T>(10_000.0),
        };
        config.build(dt).expect("a good tuning")
    },
    |profile, x, _| profile.step(Goal::rest(x)).position
);
// The quantity is a speed that lasts.
filter!(
    MotorAheadSubject,
    Scalar,
    MotorFeedforward<T>,
    false,
    |dt| {
        let config = MotorFeedforwardConfig::default();
        config.build(dt).expect("a good tuning")
    },
    |motor, x, _| motor.step(x, T::zero())
);
// The quantity is an acceleration, the answer the pitch for it.
filter!(
    TiltAheadSubject,
    Real,
    TiltFeedforward<T>,
    false,
    |_| {
        let robot = RobotParameters::pico_kit();
        let config = TiltFeedforwardConfig {
            body: robot.body,
            motor: robot.motor,
            max_pitch: param::<T>(0.3),
        };
        config.build().expect("a good tuning")
    },
    |tilt, x, _| tilt.step(x, T::zero()).pitch
);
