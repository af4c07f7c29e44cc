//! The undisturbed course of a quantity, in few numbers that shrink to nothing.

use proptest::prelude::*;

/// A quantity over time: an offset, a sine and noise.
///
/// All numbers are multiples of a hundredth, so that a counter-example is short to read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Signal {
    /// Mean.
    pub offset: f64,
    /// Amplitude of the sine.
    pub amplitude: f64,
    /// Frequency of the sine in Hz. From 10 Hz on a body shakes rather than turns.
    pub hertz: f64,
    /// Largest noise, evenly distributed.
    pub noise: f64,
    /// What the noise is drawn from.
    pub seed: u32,
}

impl Signal {
    /// From this frequency on the sine is a vibration.
    pub const VIBRATION: f64 = 10.0;

    /// The value without noise, at `seconds`.
    pub fn smooth(&self, seconds: f64) -> f64 {
        self.offset + self.amplitude * (core::f64::consts::TAU * self.hertz * seconds).sin()
    }
    /// The `n`-th noise at sample `k`.
    pub fn noise(&self, k: usize, n: u32) -> f64 {
        // splitmix64
        let mut bits = u64::from(self.seed)
            .wrapping_add((k as u64) << 8)
            .wrapping_add(u64::from(n))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        self.noise * ((bits >> 11) as f64 / (1_u64 << 52) as f64 - 1.0)
    }
    /// The value at sample `k` of a stream with a period of `dt` seconds.
    pub fn at(&self, k: usize, dt: f64) -> f64 {
        self.smooth(k as f64 * dt) + self.noise(k, 0)
    }
}

/// `low ..= high` in steps of a hundredth; shrinks toward zero or the end next to it.
pub fn hundredths(low: i32, high: i32) -> impl Strategy<Value = f64> {
    (low..=high).prop_map(|n| f64::from(n) / 100.0)
}

/// A quantity that stays where it is.
pub fn still() -> impl Strategy<Value = Signal> {
    hundredths(-300, 300).prop_map(|offset| Signal {
        offset,
        ..Signal::default()
    })
}
/// A quantity that moves as slowly as a body does.
pub fn moving() -> impl Strategy<Value = Signal> {
    (still(), hundredths(0, 200), hundredths(0, 200)).prop_map(|(still, amplitude, hertz)| Signal {
        amplitude,
        hertz,
        ..still
    })
}
/// A quantity that a motor shakes.
pub fn vibrating() -> impl Strategy<Value = Signal> {
    (still(), hundredths(0, 200), hundredths(1000, 4500)).prop_map(|(still, amplitude, hertz)| {
        Signal {
            amplitude,
            hertz,
            ..still
        }
    })
}
/// A quantity that moves, read by a sensor with noise.
pub fn realistic() -> impl Strategy<Value = Signal> {
    (moving(), hundredths(0, 10), 0..1000_u32).prop_map(|(moving, noise, seed)| Signal {
        noise,
        seed,
        ..moving
    })
}
/// Any of [`still`], [`moving`], [`vibrating`] and [`realistic`].
pub fn any_signal() -> impl Strategy<Value = Signal> {
    prop_oneof![still(), moving(), vibrating(), realistic()]
}
