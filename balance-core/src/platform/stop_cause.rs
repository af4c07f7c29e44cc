//! Why a robot was stopped, kept over a reset.

/// Why the motors were stopped last, in three words that fit the registers or the memory which a
/// reset leaves alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCause {
    /// A panic at a line of a source file.
    Panic {
        /// Line of the source file.
        line: u32,
        /// Hash of the file's name, see [`StopCause::file_hash`].
        file: u32,
    },
    /// A fault: an access or an instruction the processor refused.
    HardFault {
        /// Address of the instruction.
        pc: u32,
        /// Return address of the function it was in.
        lr: u32,
    },
}

/// Marks the words as written by a stop, not by chance at power-up.
const MAGIC: u32 = 0xba1a_5000;

impl StopCause {
    /// The cause of a panic at `location`.
    #[must_use]
    pub fn of_panic(location: Option<&core::panic::Location<'_>>) -> Self {
        let (line, file) = match location {
            Some(location) => (location.line(), Self::file_hash(location.file())),
            None => (0, 0),
        };
        Self::Panic { line, file }
    }

    /// Hash (32-bit FNV-1a) of a source file's name: what fits into a word.
    #[must_use]
    pub fn file_hash(name: &str) -> u32 {
        name.bytes().fold(0x811c_9dc5, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        })
    }

    /// As words. Write the first one last.
    #[must_use]
    pub const fn encode(self) -> [u32; 3] {
        match self {
            Self::Panic { line, file } => [MAGIC | 1, line, file],
            Self::HardFault { pc, lr } => [MAGIC | 2, pc, lr],
        }
    }

    /// From words; none if they say nothing, or come from chance at power-up.
    #[must_use]
    pub const fn decode(words: [u32; 3]) -> Option<Self> {
        let [kind, first, second] = words;
        match kind ^ MAGIC {
            1 => Some(Self::Panic {
                line: first,
                file: second,
            }),
            2 => Some(Self::HardFault {
                pc: first,
                lr: second,
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_survives_the_registers() {
        for cause in [
            StopCause::Panic {
                line: 42,
                file: StopCause::file_hash("src/main.rs"),
            },
            StopCause::HardFault {
                pc: 0x1000_0100,
                lr: 0xffff_fff9,
            },
        ] {
            assert_eq!(StopCause::decode(cause.encode()), Some(cause));
        }
    }

    #[test]
    fn noise_at_power_up_is_no_cause() {
        for kind in [0, u32::MAX, MAGIC, MAGIC | 3, 1] {
            assert_eq!(StopCause::decode([kind, 1, 2]), None);
        }
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        // From the reference vectors of the FNV authors.
        assert_eq!(StopCause::file_hash(""), 0x811c_9dc5);
        assert_eq!(StopCause::file_hash("a"), 0xe40c_292c);
        assert_eq!(StopCause::file_hash("foobar"), 0xbf9c_f968);
    }
}
