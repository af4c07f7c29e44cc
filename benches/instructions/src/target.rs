//! The processors: how to build for them, and which of QEMU's machines has one.

use clap::ValueEnum;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// Cortex-M4 with single-precision hardware.
    M4f,
    /// Cortex-M0.
    M0,
    /// Cortex-M33 with single-precision hardware.
    M33,
    /// RISC-V without hardware floats, as in an ESP32-C3.
    Rv32imc,
    /// A Raspberry Pi Pico, of which cycles are counted.
    Rp2040,
}

impl Target {
    /// Those whose instructions are counted.
    pub(crate) const ALL: [Self; 4] = [Self::M4f, Self::M0, Self::M33, Self::Rv32imc];

    /// As in results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::M4f => "m4f",
            Self::M0 => "m0",
            Self::M33 => "m33",
            Self::Rv32imc => "rv32imc",
            Self::Rp2040 => "rp2040",
        }
    }
    /// As in headings.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::M4f => "Cortex-M4F: floats of 32 bits in hardware",
            Self::M0 => "Cortex-M0: floats in software",
            Self::M33 => "Cortex-M33: floats of 32 bits in hardware",
            Self::Rv32imc => "RISC-V (rv32imc): floats in software",
            Self::Rp2040 => "Raspberry Pi Pico",
        }
    }
    pub(crate) fn triple(self) -> &'static str {
        match self {
            Self::M4f => "thumbv7em-none-eabihf",
            Self::M0 | Self::Rp2040 => "thumbv6m-none-eabi",
            Self::M33 => "thumbv8m.main-none-eabihf",
            Self::Rv32imc => "riscv32imc-unknown-none-elf",
        }
    }
    pub(crate) fn cpu(self) -> &'static str {
        match self {
            Self::M4f => "cortex-m4",
            Self::M0 => "cortex-m0",
            Self::M33 => "cortex-m33",
            Self::Rv32imc => "generic-rv32",
            Self::Rp2040 => "cortex-m0plus",
        }
    }
    /// Where code and data begin.
    pub(crate) fn memory(self) -> [u32; 2] {
        match self {
            Self::M4f | Self::M0 => [0, 0x2000_0000],
            // Both in their secure alias.
            Self::M33 => [0x1000_0000, 0x3800_0000],
            Self::Rv32imc => [0x8000_0000, 0x8010_0000],
            // Behind the second-stage boot loader, which the emulator does without.
            Self::Rp2040 => [0x1000_0100, 0x2000_0000],
        }
    }
    /// Program of QEMU and its machine; the Pico has none.
    pub(crate) fn emulator(self) -> Option<(&'static str, &'static [&'static str])> {
        Some(match self {
            Self::M4f => ("qemu-system-arm", &["-M", "mps2-an386"]),
            // With more memory than the board has: an algorithm shall be counted even if it is
            // too large for 16 KiB.
            Self::M0 => (
                "qemu-system-arm",
                &["-M", "microbit", "-global", "nrf51-soc.sram-size=0x40000"],
            ),
            Self::M33 => ("qemu-system-arm", &["-M", "mps2-an505"]),
            Self::Rv32imc => ("qemu-system-riscv32", &["-M", "virt", "-bios", "none"]),
            Self::Rp2040 => return None,
        })
    }
}
