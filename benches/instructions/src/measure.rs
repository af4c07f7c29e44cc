//! One image through the emulator.

use crate::target::Target;
use anyhow::{Context, Result, bail, ensure};
use object::{Object, ObjectSection, ObjectSymbol, SectionKind};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What was found out about a case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cost {
    /// Instructions of a step, on a Pico cycles.
    pub(crate) least: u64,
    pub(crate) median: u64,
    pub(crate) mean: f64,
    pub(crate) most: u64,
    /// Code and constants reachable from building and stepping, in bytes.
    pub(crate) flash: u64,
    /// The same from stepping alone.
    pub(crate) flash_of_step: u64,
    /// Size of what is stepped.
    pub(crate) state: u64,
    /// Deepest stack of a step.
    pub(crate) stack: u64,
}

/// The emulator's plugin, compiled.
pub(crate) struct Counter(PathBuf);

impl Counter {
    pub(crate) fn compile(root: &Path) -> Result<Self> {
        let folder = root.join("target/instructions");
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let library = folder.join("count.so");
        let compiler = std::env::var_os("CC").unwrap_or_else(|| OsString::from("cc"));
        let status = Command::new(&compiler)
            .args(["-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(root.join("benches/instructions/plugin/count.c"))
            .status()
            .with_context(|| format!("no C compiler: {}", compiler.display()))?;
        ensure!(status.success(), "the emulator's plugin does not compile");
        Ok(Self(library))
    }

    /// Counts the instructions of an image, or on a Pico its cycles.
    pub(crate) fn measure(&self, root: &Path, target: Target, image: &Path) -> Result<Cost> {
        let symbols = Symbols::read(image)?;
        let (counts, said) = match target.emulator() {
            Some((emulator, machine)) => self.in_qemu(emulator, machine, image, &symbols)?,
            None => on_pico(root, image, &symbols)?,
        };
        let reported = |name: &str| {
            let line = said
                .lines()
                .find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
            line.with_context(|| format!("{} does not say its {name}: {said}", image.display()))
        };
        let counts: Vec<u64> = counts.lines().map(str::parse).collect::<Result<_, _>>()?;
        let Some((empty, steps)) = counts.split_first().filter(|(_, steps)| !steps.is_empty())
        else {
            bail!("{} was not counted", image.display());
        };
        let mut steps: Vec<u64> = steps.iter().map(|count| count - empty).collect();
        steps.sort_unstable();
        Ok(Cost {
            least: steps[0],
            median: steps[steps.len() / 2],
            mean: steps.iter().sum::<u64>() as f64 / steps.len() as f64,
            most: steps[steps.len() - 1],
            flash: flash(&beside(image, "alone"))?,
            flash_of_step: flash(&beside(image, "step"))?,
            state: reported("state")?,
            stack: reported("stack")?,
        })
    }

    /// The counts, and what the image said.
    fn in_qemu(
        &self,
        emulator: &str,
        machine: &[&str],
        image: &Path,
        symbols: &Symbols,
    ) -> Result<(String, String)> {
        let counts = image.with_extension("counts");
        let mut plugin = self.0.clone().into_os_string();
        plugin.push(format!(
            ",start={:#x},stop={:#x},out=",
            symbols.from, symbols.to
        ));
        plugin.push(&counts);
        let mut command = Command::new(emulator);
        command
            .args(machine)
            .args(["-display", "none", "-monitor", "none", "-serial", "none"])
            .args(["-semihosting-config", "enable=on,target=native", "-plugin"])
            .arg(plugin)
            .arg("-kernel")
            .arg(image);
        // Semihosting prints to standard error.
        let (_, said) = run(command, image)?;
        Ok((fs::read_to_string(&counts)?, said))
    }
}

/// The cycles, and what the image said.
fn on_pico(root: &Path, image: &Path, symbols: &Symbols) -> Result<(String, String)> {
    let folder = root.join("examples/pico/emulator");
    if !folder.join("node_modules").exists() {
        let mut install = Command::new("npm");
        install
            .current_dir(&folder)
            .args(["ci", "--silent", "--no-audit", "--no-fund"]);
        run(install, image)?;
    }
    let mut command = Command::new("node");
    command
        .arg(folder.join("cycles.mjs"))
        .arg(image)
        .args([symbols.from, symbols.to].map(|address| format!("{address:#x}")));
    run(command, image)
}

/// Standard output and standard error of what must go well.
fn run(mut command: Command, image: &Path) -> Result<(String, String)> {
    let name = command.get_program().to_owned();
    let output = command
        .output()
        .with_context(|| format!("cannot run {}", name.display()))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.success(),
        "{} failed with {}: {said}",
        name.display(),
        image.display()
    );
    Ok((String::from_utf8_lossy(&output.stdout).into_owned(), said))
}

fn beside(image: &Path, what: &str) -> PathBuf {
    let mut name = image.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    name.into()
}

struct Symbols {
    from: u64,
    to: u64,
}

impl Symbols {
    fn read(image: &Path) -> Result<Self> {
        let bytes = fs::read(image).with_context(|| format!("no image {}", image.display()))?;
        let file = object::File::parse(&*bytes)?;
        let find = |name: &str| {
            let symbol = file.symbols().find(|symbol| symbol.name() == Ok(name));
            // The lowest bit says "Thumb".
            let address = symbol.map(|symbol| symbol.address() & !1);
            address.with_context(|| {
                format!(
                    "{} has no {name}: the case's build() refuses its own configuration",
                    image.display()
                )
            })
        };
        Ok(Self {
            from: find("measured_from")?,
            to: find("measured_to")?,
        })
    }
}

/// Code, constants and initial values.
fn flash(image: &Path) -> Result<u64> {
    let bytes = fs::read(image).with_context(|| format!("no image {}", image.display()))?;
    let file = object::File::parse(&*bytes)?;
    let sections = file.sections().filter(|section| {
        matches!(
            section.kind(),
            SectionKind::Text | SectionKind::Data | SectionKind::ReadOnlyData
        )
    });
    Ok(sections.map(|section| section.size()).sum())
}
