//! Motion profiles: the way to a goal within limits.

use crate::handle::{get, handle, put};
use crate::status::balance_status::{self, BALANCE_OK};
use balance_core::control::profile::s_curve::{SCurve, SCurveConfig};
use balance_core::control::profile::trapezoid::{Trapezoid, TrapezoidConfig};
use balance_core::control::profile::{Goal, Motion};

handle!(
    /// Profile of limited speed and acceleration.
    balance_trapezoid, Trapezoid<f32>, 20
);
handle!(
    /// Profile of limited speed, acceleration and jerk.
    balance_s_curve, SCurve<f32>, 26
);

/// Where the profile is.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct balance_motion {
    /// Position.
    pub position: f32,
    /// Speed, per second.
    pub speed: f32,
    /// Acceleration, per second squared.
    pub acceleration: f32,
    /// Whether the goal has been reached.
    pub arrived: bool,
}

impl From<Motion<f32>> for balance_motion {
    fn from(motion: Motion<f32>) -> Self {
        Self {
            position: motion.position,
            speed: motion.speed,
            acceleration: motion.acceleration,
            arrived: motion.arrived,
        }
    }
}

/// Prepares a profile with these limits for a period in s, at rest at zero.
#[unsafe(no_mangle)]
pub extern "C" fn balance_trapezoid_init(
    handle: *mut balance_trapezoid,
    speed: f32,
    acceleration: f32,
    dt: f32,
) -> balance_status {
    let config = TrapezoidConfig {
        speed,
        acceleration,
    };
    match config.build(dt) {
        Ok(profile) => put(handle, profile),
        Err(error) => error.into(),
    }
}

/// Prepares a profile with these limits for a period in s, at rest at zero.
#[unsafe(no_mangle)]
pub extern "C" fn balance_s_curve_init(
    handle: *mut balance_s_curve,
    speed: f32,
    acceleration: f32,
    jerk: f32,
    dt: f32,
) -> balance_status {
    let config = SCurveConfig {
        speed,
        acceleration,
        jerk,
    };
    match config.build(dt) {
        Ok(profile) => put(handle, profile),
        Err(error) => error.into(),
    }
}

macro_rules! profile {
    ($handle:ident, $step:ident, $reset:ident) => {
        /// Goes on for one period, to be at a position with a speed (zero: to rest there). A NaN
        /// means the last goal.
        #[unsafe(no_mangle)]
        pub extern "C" fn $step(handle: *mut $handle, position: f32, speed: f32) -> balance_motion {
            let goal = Goal { position, speed };
            get(handle).map_or(balance_motion::default(), |profile| {
                profile.step(goal).into()
            })
        }

        /// At rest at a position.
        #[unsafe(no_mangle)]
        pub extern "C" fn $reset(handle: *mut $handle, position: f32) -> balance_status {
            match get(handle) {
                Ok(profile) => {
                    profile.reset_to(position);
                    BALANCE_OK
                }
                Err(status) => status,
            }
        }
    };
}
profile!(
    balance_trapezoid,
    balance_trapezoid_step,
    balance_trapezoid_reset_to
);
profile!(
    balance_s_curve,
    balance_s_curve_step,
    balance_s_curve_reset_to
);
