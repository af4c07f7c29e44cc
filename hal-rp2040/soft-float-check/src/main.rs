//! Sums, differences, products, comparisons and conversions of two million pairs of floats, as
//! checksums. On a Cortex-M0 the functions of `soft_float` compute them, on a computer its
//! floating-point unit: both must print the same. The answer that is not a number counts as one,
//! whichever bits it has.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod bare;
#[cfg(target_os = "none")]
#[path = "../../src/soft_float.rs"]
mod soft_float;

const BLOCKS: u32 = 64;
const PAIRS: u32 = 1 << 15;

/// The floats to each side of which something changes.
const EDGES: [u32; 24] = [
    0,
    1,
    0x007f_ffff,
    0x0080_0000,
    0x0080_0001,
    0x00ff_ffff,
    0x0d80_0000,
    0x0e00_0000,
    0x1f7f_ffff,
    0x1f80_0000,
    0x2000_0000,
    0x337f_ffff,
    0x3380_0000,
    0x3f7f_ffff,
    0x3f80_0000,
    0x3f80_0001,
    0x4b7f_ffff,
    0x4b80_0000,
    0x5e80_0000,
    0x5fff_ffff,
    0x7eff_ffff,
    0x7f7f_ffff,
    0x7f80_0000,
    0x7fc0_0000,
];

/// A sequence of xorshift (G. Marsaglia, "Xorshift RNGs", 2003).
struct Sequence(u32);

impl Sequence {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }
    /// A mantissa of a random kind: any, few bits at its head, or all set but a few.
    fn mantissa(&mut self) -> u32 {
        let bits = self.next();
        let mask = 0x007f_ffff >> (bits >> 27).min(23);
        match (bits >> 24) & 7 {
            0 | 1 => bits & !mask,
            2 => bits | mask,
            3 => (bits & 0x0040_0000) | (bits & 1),
            _ => bits,
        }
    }
    fn number(&mut self, exponent: u32) -> u32 {
        (self.next() & 0x8000_0000) | (exponent << 23) | (self.mantissa() & 0x007f_ffff)
    }
    /// Pairs of a kind that goes with the block.
    fn pair(&mut self, block: u32) -> (u32, u32) {
        match block % 6 {
            // Any bits.
            0 => (self.next(), self.next()),
            // Of nearby exponents: sums cancel, carry and round.
            1 => {
                let near = self.next() % 30;
                (self.number(120), self.number(106 + near))
            }
            // As robots have them.
            2 => {
                let (a, b) = (self.next() % 24, self.next() % 24);
                (self.number(112 + a), self.number(112 + b))
            }
            // Any exponents.
            3 => {
                let (a, b) = (self.next() % 256, self.next() % 256);
                (self.number(a), self.number(b))
            }
            // Next to an edge, or on it.
            4 => {
                let edge = |index: u32, by: u32| {
                    EDGES[index as usize % EDGES.len()]
                        .wrapping_add(by % 3)
                        .wrapping_sub(1)
                        ^ (by & 0x8000_0000)
                };
                let random = [self.next(), self.next(), self.next(), self.next()];
                (
                    edge(random[0] >> 8, random[1]),
                    edge(random[2] >> 8, random[3]),
                )
            }
            // Of the same exponent, nearly equal.
            _ => {
                let a = self.number(64 + block);
                (
                    a,
                    (a ^ (self.next() & 0x8000_0000)).wrapping_add(self.next() % 512),
                )
            }
        }
    }
}

fn mix(sum: u32, bits: u32) -> u32 {
    (sum ^ bits).wrapping_mul(0x0100_0193).rotate_left(5)
}

fn bits(value: f32) -> u32 {
    if value.is_nan() {
        0x7fc0_0000
    } else {
        value.to_bits()
    }
}

/// Checksums of a block: sums, differences, products, comparisons, conversions.
fn checksums(block: u32) -> [u32; 5] {
    let mut sequence = Sequence(0x9e37_79b9 ^ block.wrapping_mul(0x85eb_ca6b));
    let mut sums = [0; 5];
    for _ in 0..PAIRS {
        let (a, b) = sequence.pair(block);
        let (x, y) = core::hint::black_box((f32::from_bits(a), f32::from_bits(b)));
        let compared = [x < y, x <= y, x > y, x >= y, x == y, x != y]
            .iter()
            .fold(0, |all, &one| 2 * all + u32::from(one));
        let integer = a as i32 >> (b & 31);
        let answers = [
            bits(x + y),
            bits(x - y),
            bits(x * y),
            compared,
            bits(core::hint::black_box(integer) as f32),
        ];
        for (sum, answer) in sums.iter_mut().zip(answers) {
            *sum = mix(*sum, answer);
        }
    }
    sums
}

fn run(mut print: impl FnMut(u32)) {
    for block in 0..BLOCKS {
        print(block);
        for sum in checksums(block) {
            print(sum);
        }
    }
}

#[cfg(not(target_os = "none"))]
fn main() {
    run(|sum| println!("{sum:08x}"));
}
