//! Puts the memory map of the emulated machine where the linker looks for it.

use std::{env, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    let variable = |name| env::var_os(name).ok_or(io::ErrorKind::NotFound);
    let out = PathBuf::from(variable("OUT_DIR")?);
    let map = match variable("CARGO_CFG_TARGET_ARCH")?.to_str() {
        Some("riscv32") => "virt.x",
        _ => "stm32f405.x",
    };
    fs::copy(map, out.join("memory.x"))?;
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rerun-if-changed={map}");
    println!("cargo:rerun-if-changed=build.rs");
    Ok(())
}
