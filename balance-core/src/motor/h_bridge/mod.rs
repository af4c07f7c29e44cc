//! H-bridges over embedded-hal: a [`Drive`] becomes pins.
//!
//! [`HBridge`] knows when to drive (dead time, limits, mounting, off); a [`Wiring`] knows which pins
//! to set, and in which order, so that no moment between two writes drives the other way.
//!
//! | chip | for | wiring |
//! |---|---|---|
//! | TB6612FNG | two motors of 1.2 A, 13.5 V | [`Tb6612fng`]; tie STBY high or put it on a pin of your own |
//! | L298N | two motors of 2 A, 46 V; loses 2 to 3 V | [`L298n`] |
//! | DRV8833 | two motors of 1.5 A, 10.8 V; the default for small robots | [`Drv8833`] with [`Decay::Slow`]; tie nSLEEP high |
//! | DRV8835, MD10C | a motor with phase and enable | [`PwmOnePin`] |
//! | BTS7960 (IBT-2) | one motor of 43 A, 27 V | [`Bts7960`] |
//! | others | | a [`Wiring`] of your own |
//!
//! Currents and voltages are those of the makers' data sheets, without a heat sink less.

mod enabled_half_bridges;
mod pwm_one_pin;
mod pwm_two_pins;
mod two_pwm;
mod wiring;

pub use enabled_half_bridges::EnabledHalfBridges;
pub use pwm_one_pin::PwmOnePin;
pub use pwm_two_pins::PwmTwoPins;
pub use two_pwm::{Decay, TwoPwm};
pub use wiring::{BridgeError, Terminals, Wiring};

/// Toshiba TB6612FNG, half of it: PWM, IN1, IN2.
pub type Tb6612fng<C, A, B> = PwmTwoPins<C, A, B>;
/// ST L298N, half of it: ENABLE on a PWM channel, IN1, IN2.
pub type L298n<C, A, B> = PwmTwoPins<C, A, B>;
/// TI DRV8833, half of it: IN1 and IN2, each on a PWM channel.
pub type Drv8833<A, B> = TwoPwm<A, B>;
/// Infineon BTS7960, two of them on an IBT-2 board: RPWM, LPWM, and both enables on one pin.
pub type Bts7960<A, B, E> = EnabledHalfBridges<A, B, E>;

use super::Drive;
use crate::config::{ConfigError, positive};
use crate::math::{Float, Scalar};
use crate::time::Instant;
use core::marker::PhantomData;

/// How a bridge is used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HBridgeConfig<P = f32> {
    /// Time for which a motor must not have been driven before it is driven the other way, µs.
    /// Zero: none. It spares gears and supply the shock of a reversal; integrated bridges guard
    /// themselves against shoot-through. Every reversal then coasts for at least one call of
    /// [`HBridge::apply`].
    pub dead_time_micros: u32,
    /// The motor is mounted mirrored: positive duty turns it backwards.
    pub inverted: bool,
    /// The duty is limited to ± this, above 0 to 1.
    pub max_duty: P,
}

impl<P: Float> Default for HBridgeConfig<P> {
    /// No dead time, not inverted, full duty.
    fn default() -> Self {
        Self {
            dead_time_micros: 0,
            inverted: false,
            max_duty: P::one(),
        }
    }
}

impl<P: Float> HBridgeConfig<P> {
    /// Takes the pins over. The bridge is off and touches no pin until it is used.
    ///
    /// # Errors
    /// A field outside its range.
    pub fn build<T, W>(&self, wiring: W) -> Result<HBridge<T, W>, ConfigError>
    where
        T: Scalar<Param = P>,
        W: Wiring,
    {
        if positive("max_duty", self.max_duty)? > P::one() {
            return Err(ConfigError::OutOfRange("max_duty"));
        }
        let full = wiring.max_counts();
        Ok(HBridge {
            wiring,
            full,
            max_counts: self.max_duty.part_of(full),
            dead_time: self.dead_time_micros,
            inverted: self.inverted,
            enabled: false,
            direction: None,
            driving: false,
            steady: false,
            stopped_at: Instant::default(),
            scalar: PhantomData,
        })
    }
}

/// What a bridge did with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The bridge is off, the command was not followed.
    Off,
    /// A reversal is waiting for its dead time; the motor coasts.
    DeadTime,
    /// The motor coasts, as commanded or because the duty was not a number.
    Coast,
    /// The motor brakes.
    Brake,
    /// Driven with this many counts of the PWM, positive forward, mounting not considered.
    Duty(i32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Forward,
    Reverse,
}

impl Direction {
    #[inline(always)]
    fn of<T: Scalar>(duty: T) -> Self {
        if duty < T::zero() {
            Self::Reverse
        } else {
            Self::Forward
        }
    }
}

/// One motor on an H-bridge.
///
/// A bridge starts off and stays so until [`enable`](Self::enable). [`off`](Self::off) is the
/// last resort, and latched: no later command moves the motor until `enable` is called again.
/// After an error of a pin all pins are tried once more to be switched off before the error is
/// returned; such an error does not latch, so that the caller decides between trying again and
/// `off`.
///
/// The highest count of the PWM is asked for once, when the wiring is made: its frequency must not
/// change afterwards.
///
/// A zero duty is neither coast nor brake by name: it is what the wiring does in the pauses of its
/// PWM.
#[derive(Debug)]
pub struct HBridge<T: Scalar, W: Wiring> {
    wiring: W,
    full: u16,
    max_counts: u16,
    dead_time: u32,
    inverted: bool,
    enabled: bool,
    /// Which way the motor was driven last.
    direction: Option<Direction>,
    driving: bool,
    /// In that direction, with the pins set for it.
    steady: bool,
    stopped_at: Instant,
    scalar: PhantomData<T>,
}

impl<T: Scalar, W: Wiring> HBridge<T, W> {
    /// Sets the pins for a command at the moment `now`.
    ///
    /// # Errors
    /// That of the first pin that failed; all pins have then been tried to be switched off.
    #[inline(never)]
    pub fn apply(&mut self, now: Instant, drive: Drive<T>) -> Result<Applied, W::Error> {
        let Drive::Duty(duty) = drive else {
            return self.apply_anew(now, drive);
        };
        let counts = self.counts_of(duty);
        if !(self.enabled & duty.is_usable()) | (counts == 0) {
            return self.apply_anew(now, drive);
        }
        let result = if self.steady && self.direction == Some(Direction::of(duty)) {
            let (terminals, applied) = self.driven(counts, duty);
            self.wiring.adjust(terminals).map(|()| applied)
        } else if self.dead_time == 0 {
            self.turn_to(counts, duty)
        } else {
            return self.apply_anew(now, drive);
        };
        match result {
            Ok(applied) => Ok(applied),
            Err(error) => Err(self.failed(now, error)),
        }
    }

    /// Drives from now on the way that a duty asks for.
    #[inline(never)]
    fn turn_to(&mut self, counts: u16, duty: T) -> Result<Applied, W::Error> {
        self.direction = Some(Direction::of(duty));
        (self.driving, self.steady) = (true, false);
        let (terminals, applied) = self.driven(counts, duty);
        self.wiring.set(terminals)?;
        self.steady = true;
        Ok(applied)
    }

    /// Whatever is not simply another duty.
    #[inline(never)]
    fn apply_anew(&mut self, now: Instant, drive: Drive<T>) -> Result<Applied, W::Error> {
        if !self.enabled {
            self.note_stop(now);
            // Again and again, for the pin that failed in `off`.
            return self.wiring.off().map(|()| Applied::Off);
        }
        self.steady = false;
        let (terminals, applied) = self.plan(now, drive);
        match self.wiring.set(terminals) {
            Ok(()) => {
                self.steady = self.driving;
                Ok(applied)
            }
            Err(error) => Err(self.failed(now, error)),
        }
    }

    #[cold]
    fn failed(&mut self, now: Instant, error: W::Error) -> W::Error {
        // The error to report is the first one; this is only to leave less behind.
        let _ = self.wiring.off();
        self.steady = false;
        self.note_stop(now);
        error
    }

    /// Switches everything off, as far as the wiring can, and keeps it so until
    /// [`enable`](Self::enable). Every pin is tried even if an earlier one fails.
    ///
    /// # Errors
    /// That of the first pin that failed. The bridge is off by its own account even then, and
    /// every further [`apply`](Self::apply) tries the pins again.
    pub fn off(&mut self) -> Result<(), W::Error> {
        (self.enabled, self.steady) = (false, false);
        self.wiring.off()
    }

    /// Coasts, and from then on follows commands.
    ///
    /// # Errors
    /// That of the first pin that failed; the bridge then stays off.
    pub fn enable(&mut self) -> Result<(), W::Error> {
        self.off()?;
        self.enabled = true;
        Ok(())
    }

    /// Whether commands are followed.
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Gives the wiring back, with the pins as they are.
    pub fn release(self) -> W {
        self.wiring
    }

    fn plan(&mut self, now: Instant, drive: Drive<T>) -> (Terminals, Applied) {
        let duty = match drive {
            Drive::Duty(duty) if duty.is_usable() => duty,
            Drive::Brake => {
                self.note_stop(now);
                return (Terminals::Brake, Applied::Brake);
            }
            Drive::Coast | Drive::Duty(_) => {
                self.note_stop(now);
                return (Terminals::Coast, Applied::Coast);
            }
        };
        let counts = self.counts_of(duty);
        if counts == 0 {
            self.note_stop(now);
        } else {
            let direction = Direction::of(duty);
            if self.direction != Some(direction) {
                if self.direction.is_some() && !self.may_reverse(now) {
                    return (Terminals::Coast, Applied::DeadTime);
                }
                self.direction = Some(direction);
            }
            self.driving = true;
        }
        self.driven(counts, duty)
    }

    /// In the direction that was chosen.
    #[inline(always)]
    fn driven(&self, counts: u16, duty: T) -> (Terminals, Applied) {
        // Reverse is set apart: nothing yet is forward.
        let terminals = if (self.direction == Some(Direction::Reverse)) == self.inverted {
            Terminals::Forward(counts)
        } else {
            Terminals::Reverse(counts)
        };
        let signed = i32::from(counts);
        let backward = duty < T::zero();
        (
            terminals,
            Applied::Duty(if backward { -signed } else { signed }),
        )
    }

    /// Whether a motor has rested for long enough to turn the other way.
    #[inline]
    fn may_reverse(&mut self, now: Instant) -> bool {
        self.note_stop(now);
        now.micros_since(self.stopped_at) >= self.dead_time
    }

    /// Counts of the PWM for a duty.
    #[inline(always)]
    fn counts_of(&self, duty: T) -> u16 {
        duty.magnitude().part_of(self.full).min(self.max_counts)
    }

    /// Remembers when driving ended.
    #[inline]
    fn note_stop(&mut self, now: Instant) {
        if self.driving {
            self.driving = false;
            self.stopped_at = now;
        }
    }
}
