//! Writes the header of the library, or says that the one in the repository is not that of the code.
//!
//!     RUSTC_BOOTSTRAP=1 cargo run --manifest-path header/Cargo.toml [--check]
//!
//! Some functions are made by macros, which only an unstable option of the compiler shows.

use anyhow::{Result, bail};
use cbindgen::{
    Config, DocumentationStyle, EnumConfig, Language, ParseConfig, ParseExpandConfig, Style,
};
use std::path::Path;

const ABOUT: &str = "/* balance-core for C and C++. Made of the Rust sources; not to be edited.
 *
 * A handle is plain memory of yours: init it, step it, throw it away. Nothing is allocated. A step
 * never fails: a NaN holds the last output, and a handle that was not initialised gives zeros. One
 * handle must not be used from two threads, or a thread and an interrupt, at the same time. */";

fn main() -> Result<()> {
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let config = Config {
        language: Language::C,
        cpp_compat: true,
        header: Some(ABOUT.into()),
        include_guard: Some("BALANCE_H".into()),
        style: Style::Both,
        documentation_style: DocumentationStyle::C99,
        usize_is_size_t: true,
        enumeration: EnumConfig {
            prefix_with_name: false,
            ..Default::default()
        },
        parse: ParseConfig {
            expand: ParseExpandConfig {
                crates: vec!["balance-c".into()],
                ..Default::default()
            },
            ..Default::default()
        },
        export: cbindgen::ExportConfig {
            include: vec!["balance_biquad_kind".into(), "balance_robot_preset".into()],
            exclude: vec!["rust_eh_personality".into()],
            ..Default::default()
        },
        ..Default::default()
    };
    let bindings = cbindgen::Builder::new()
        .with_crate(&library)
        .with_config(config)
        .generate()?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    let path = library.join("include/balance.h");
    if std::env::args().any(|argument| argument == "--check") {
        if std::fs::read(&path)? != text {
            bail!("include/balance.h is not that of the sources; run it without --check");
        }
        return Ok(());
    }
    std::fs::write(path, text)?;
    Ok(())
}
