//! Images: one program for each case and scalar type, generated, so that the compiler sees of
//! `balance-core` what a user's firmware would show it.

use crate::target::Target;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A case over one scalar type.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    /// The type that implements `Case`, below the crate.
    pub(crate) path: &'static str,
    pub(crate) scalar: &'static str,
}

impl Subject {
    fn program(&self) -> String {
        format!("{}_{}", self.name, self.scalar)
    }
}

/// The generated package with the programs.
pub(crate) struct Images {
    root: PathBuf,
    folder: PathBuf,
    package: &'static str,
}

impl Images {
    /// Writes the package for all `subjects`, which are of one crate.
    pub(crate) fn generate(
        root: &Path,
        package: &'static str,
        subjects: &[Subject],
    ) -> Result<Self> {
        let folder = root.join("target/instructions").join(package);
        let here = root.join("benches/instructions");
        let programs = folder.join("src/bin");
        fs::create_dir_all(&programs)?;
        write_if_changed(
            &folder.join("Cargo.toml"),
            &format!(
                r#"[workspace]

[package]
name = "{package}-images"
version = "0.1.0"
edition = "2024"

[dependencies]
cases = {{ path = {cases:?} }}
image = {{ path = {image:?} }}
{peers}

[profile.release]
opt-level = 3
lto = "fat"
codegen-units = 1
panic = "abort"
overflow-checks = false
"#,
                image = here.join("image"),
                cases = root.join("benches/cases"),
                peers = match package {
                    "cases" => String::new(),
                    _ => format!(
                        "{package} = {{ path = {:?} }}",
                        root.join("benches").join(package)
                    ),
                },
            ),
        )?;
        let lock = here.join(format!("{package}.lock"));
        if lock.exists() {
            fs::copy(lock, folder.join("Cargo.lock"))?;
        }
        for subject in subjects {
            let Subject { path, scalar, .. } = subject;
            write_if_changed(
                &programs.join(subject.program()).with_extension("rs"),
                &format!(
                    "#![no_std]\n#![no_main]\nimage::image!({package}::{path}, cases::scalar::{scalar});\n"
                ),
            )?;
        }
        Ok(Self {
            root: root.to_owned(),
            folder,
            package,
        })
    }

    /// Builds the programs of `subjects`.
    pub(crate) fn build(&self, target: Target, subjects: &[Subject]) -> Result<()> {
        let mut command = Command::new("bash");
        command
            .current_dir(&self.folder)
            .env("LINK_WITH", self.root.join("benches/instructions/link.sh"))
            .env("CARGO_ENCODED_RUSTFLAGS", self.flags(target))
            .args(["-c", ". \"$0\"; bare_metal_cargo \"$@\""])
            .arg(self.root.join(".ci/bare-metal.sh"))
            .args([target.triple(), "build", "--release", "--quiet"])
            .arg("--target-dir")
            .arg(self.root.join("target/instructions/build"));
        for subject in subjects {
            command.args(["--bin", &subject.program()]);
        }
        let status = command.status().context("cannot run bash")?;
        ensure!(
            status.success(),
            "the {} images of {} do not build",
            self.package,
            target.name()
        );
        Ok(())
    }

    /// Not in a configuration file, where a target with a dot in its name is not found.
    fn flags(&self, target: Target) -> String {
        let [flash, ram] = target.memory();
        let script = self.root.join("benches/instructions/image/sections.ld");
        let flags = [
            format!("-Ctarget-cpu={}", target.cpu()),
            format!("-Clink-arg=--script={}", script.display()),
            format!("-Clink-arg=--defsym=flash_origin={flash:#x}"),
            format!("-Clink-arg=--defsym=ram_origin={ram:#x}"),
            "-Clink-arg=--nmagic".to_owned(),
        ];
        flags.join("\u{1f}")
    }

    /// Where a built image is.
    pub(crate) fn path(&self, target: Target, subject: &Subject) -> PathBuf {
        let folder = self
            .root
            .join("target/instructions/build")
            .join(target.triple());
        folder.join("release").join(subject.program())
    }
}

/// Leaves the time stamp of what is the same alone.
fn write_if_changed(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
